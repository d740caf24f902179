//! What is done to an array on its way: filled, one channel of it, a selection, operations, another type. Each makes a
//! source of a source; nothing is computed before it is written.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::along::coarser;
use super::plan::Changes;
use super::subject::ChannelLook;
use crate::array::delayed::{Operations, Step, absolute_operand, cast, delayed, filled, open_operand, selected};
use crate::format::{Channel, OpenOptions, Opened, Source};
use crate::volume::{DType, LayerId, Selected, Selection, Severity};

/// The array with all of it done, and the names of its channels, `looks` those of what was opened. Arrays that
/// operations name are opened with the same options.
///
/// # Errors
/// Where one of them does not fit.
pub(super) fn applied(
    opened: &Opened,
    mut looks: Vec<ChannelLook>,
    changes: &Changes,
    options: &OpenOptions,
) -> Result<(Arc<dyn Source>, Vec<ChannelLook>)> {
    let mut source = Arc::clone(&opened.source);
    let place = opened.source.info().location.clone();
    if let Some(name) = &changes.channel {
        source = of_channel(opened, name).with_context(|| format!("{place}: --channel {name}"))?;
        looks.clear();
    }
    if let Some(text) = &changes.fill {
        let value = parse_fill(text, source.info().dtype).with_context(|| format!("{place}: --fill"))?;
        source = filled(&source, &value)?;
    }
    if let Some(text) = &changes.select {
        let on_select = || format!("{place}: --select {text}");
        let selection: Selection = text.parse().with_context(on_select)?;
        let channels = source.info().channel_axis;
        let named = selection.resolve(source.info().shape.dims()).with_context(on_select)?;
        source = selected(&source, &selection).with_context(on_select)?;
        looks = channels.map_or(Vec::new(), |axis| looks_left(looks, &named, axis));
    }
    let mut operations = Operations::default();
    for text in &changes.operations {
        let parsed: Operations = text.parse().with_context(|| format!("{place}: --op"))?;
        operations.steps.extend(parsed.steps);
    }
    if !operations.is_empty() {
        let open = |name: &str| open_operand(name, options);
        let done = delayed(source, LayerId::next(), 0, &operations, &open);
        source = done.with_context(|| format!("{place}: --op"))?;
        let is_rearranged = |step: &Step| matches!(step, Step::Subset(_) | Step::Cross(_) | Step::Concatenate { .. });
        if operations.steps.iter().any(is_rearranged) {
            looks.clear();
        }
    }
    if let Some(text) = &changes.downsample {
        source = coarser(&source, text).with_context(|| format!("{place}: --downsample {text}"))?;
    }
    if let Some(name) = &changes.dtype {
        let is_it = |dtype: &DType| [dtype.name(), dtype.npy_descr(), &dtype.npy_descr()[1..]].contains(&name.trim());
        let Some(dtype) = DType::ALL.into_iter().find(is_it) else {
            bail!("{place}: --dtype {name}: is no type; uint16, u2, float32, f4 and the like are")
        };
        source = cast(&source, dtype);
    }
    if let Some(text) = &changes.take {
        let on_take = || format!("{place}: {text}");
        source = selected(&source, &text.parse().with_context(on_take)?).with_context(on_take)?;
    }
    let axis = source.info().channel_axis;
    if axis.is_none_or(|axis| source.info().shape.dims()[axis] != looks.len()) {
        looks.clear();
    }
    Ok((source, looks))
}

impl Changes {
    /// The same, with arrays that operations name found wherever the program is started. What cannot be read is left,
    /// and refused where it is carried out.
    #[must_use]
    pub(super) fn findable_anywhere(mut self) -> Self {
        for text in &mut self.operations {
            if let Ok(mut parsed) = text.parse::<Operations>()
                && parsed.rename(absolute_operand)
            {
                *text = parsed.to_string();
            }
        }
        self
    }

    /// Refuses an array of which something is known to be missing, unless that is filled, or may not have been asked
    /// for.
    ///
    /// # Errors
    /// Names the first of it.
    pub fn refuse_missing(&self, source: &dyn Source) -> Result<()> {
        if self.fill.is_some() || self.select.is_some() || self.take.is_some() {
            return Ok(());
        }
        let problems = source.problems();
        let Some(first) = problems.iter().find(|problem| problem.severity == Severity::Error) else { return Ok(()) };
        let file = first.file.as_ref().unwrap_or(&source.info().location);
        let span = first.span.map(|span| format!(" ({span})")).unwrap_or_default();
        bail!(
            "{file}: {}{span}; leave it out with --select, or say with --fill VALUE what stands for it",
            first.message
        )
    }
}

/// The array of one channel, without the axis along which channels lie.
fn of_channel(opened: &Opened, text: &str) -> Result<Arc<dyn Source>> {
    let channels = if opened.channels.len() < 2 { &[] } else { &opened.channels[..] };
    let named = channels.iter().find(|channel| channel.name.eq_ignore_ascii_case(text.trim()));
    let numbered = || text.trim().parse::<usize>().ok().and_then(|number| channels.get(number));
    let Some(channel) = named.or_else(numbered) else {
        let known: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        match known.as_slice() {
            [] => bail!("it has no channels to choose from"),
            known => bail!("there is none of that name; there are {}", known.join(", ")),
        }
    };
    let mut source = Arc::clone(channel.levels.first().unwrap_or(&opened.source));
    let is_beside = |other: &&Channel| other.levels.first().is_some_and(|level| Arc::ptr_eq(level, &source));
    let beside: Vec<&Channel> = channels.iter().filter(is_beside).collect();
    let info = Arc::clone(source.info());
    let nameless = (0..info.shape.rank()).filter(|axis| info.axes.get(*axis).copied().flatten().is_none());
    let places = nameless.zip(channel.held.iter().copied()).enumerate();
    let differs = |i: usize, at: usize| beside.iter().any(|other| other.held.get(i) != Some(&at));
    let mut pinned: Vec<(usize, usize)> =
        places.filter(|(i, (_, at))| differs(*i, *at)).map(|(_, place)| place).collect();
    // From the last on: taking an axis away leaves those before it.
    pinned.reverse();
    for (axis, index) in pinned {
        source = selected(&source, &format!("{}{index}", ":, ".repeat(axis)).parse()?)?;
    }
    Ok(source)
}

/// The names of channels that a selection leaves.
fn looks_left(looks: Vec<ChannelLook>, named: &Selected, axis: usize) -> Vec<ChannelLook> {
    let Some(dim) = named.dim_of(axis) else { return Vec::new() };
    let index = |position: usize| {
        let mut at = vec![0; named.shape().len()];
        at[dim] = position;
        named.source_index(&at).map(|index| index[axis])
    };
    (0..named.shape()[dim]).filter_map(|position| looks.get(index(position)?).cloned()).collect()
}

/// The bytes of one voxel of a value given as text.
///
/// # Errors
/// If the type cannot hold the value.
pub fn parse_fill(text: &str, dtype: DType) -> Result<Vec<u8>> {
    let text = text.trim();
    if let Some([low, high]) = dtype.integer_range() {
        let value = match text {
            "true" | "True" if dtype == DType::Bool => Some(1),
            "false" | "False" if dtype == DType::Bool => Some(0),
            _ => text.parse::<i128>().ok(),
        };
        // The ends of the 64-bit types are no doubles, so these are checked by conversion.
        let fits = |value: &i128| match dtype {
            DType::U64 => u64::try_from(*value).is_ok(),
            DType::I64 => i64::try_from(*value).is_ok(),
            _ => (low as i128..=high as i128).contains(value),
        };
        let Some(value) = value.filter(fits) else { bail!("{text} is no {dtype}") };
        return Ok(value.to_le_bytes()[..dtype.num_bytes()].to_vec());
    }
    let Ok(value) = text.parse::<f64>() else { bail!("{text} is no {dtype}") };
    Ok(match dtype {
        DType::F16 => half::f16::from_f64(value).to_le_bytes().to_vec(),
        DType::F32 => (value as f32).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    })
}
