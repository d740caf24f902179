//! What is computed of the layers: a layer with operations shows another image, whose inputs are the chunks of the
//! recorded one. Files are not opened again for it, and what is said of the recording stays about the recording.

use std::time::Instant;

use super::others::{Arrived, Asked, Others};
use super::{Layer, Session};
use crate::app::contrast::Contrast;
use crate::array::delayed::{Background, Operand, Operations, Step as Operation, delayed};
use crate::array::{Image, Told};
use crate::ui::{Command, Step, texts};
use crate::volume::{Axis, Selection};

/// What is computed of a layer.
pub struct Computed {
    /// The steps, as they were written.
    texts: Vec<String>,
    /// They in words.
    words: String,
    /// Whether a voxel is made of the one at its place alone, and of nothing that another resolution has otherwise.
    is_pointwise: bool,
    /// Whether voxels lie elsewhere than they were recorded, or more than one stands for them.
    is_moved: bool,
}

impl Layer {
    /// The steps that are carried out, where something is computed.
    pub(super) fn computed_texts(&self) -> Option<&[String]> {
        self.computed.as_ref().map(|computed| computed.texts.as_slice())
    }

    /// What somebody said of the recording, as far as it is true of what is shown of it.
    pub(super) fn told_of_shown(&self, told: Told) -> Told {
        match &self.computed {
            Some(computed) if computed.is_moved => Told::default(),
            _ => told,
        }
    }
}

impl Session {
    /// Whether a command can be carried out: what it asks to be computed can be. If not, why is said; where an array
    /// that it names has to be opened first, it is carried out then.
    pub(super) fn can_compute(&mut self, command: &Command) -> bool {
        let chosen = self.chosen_layer();
        let steps = match command {
            Command::SetOperations(steps) => steps.clone(),
            Command::SetStep { index, text } => {
                let mut steps = self.view.layers[chosen].operations.clone();
                steps.iter_mut().skip(*index).take(1).for_each(|step| step.text.clone_from(text));
                steps
            }
            _ => return true,
        };
        let texts = owned_texts(&steps);
        let lacking = self.others.lacking(&texts, true);
        if !lacking.is_empty() {
            let steps = self.view.layers[chosen].operations.clone();
            let asked = Asked { command: command.clone(), layer: chosen, steps };
            self.operations_fault = None;
            self.open_others(lacking, Some(asked));
            return false;
        }
        self.others.let_go();
        let made = if texts.is_empty() { Ok(()) } else { self.image_of(chosen, texts).map(drop) };
        self.operations_fault = made.err().map(|fault| (chosen, fault));
        self.operations_fault.is_none()
    }

    fn open_others(&mut self, names: Vec<String>, asked: Option<Asked>) {
        let max_bytes = self.stream.stats().budget_bytes as u64;
        self.others.open(names, asked, (&self.options, max_bytes), &self.wake);
    }

    /// Takes in arrays that have been opened, and computes what waited for them.
    pub(in crate::app) fn take_others(&mut self, now: Instant, now_s: f64) {
        while let Some(Arrived { asked, fault }) = self.others.collect() {
            match (asked, fault) {
                (None, _) => {
                    self.compute_all();
                    self.ask(now);
                }
                // Somebody has asked for something else meanwhile.
                (Some(asked), _)
                    if asked.layer != self.chosen_layer()
                        || asked.steps != self.view.layers[asked.layer].operations => {}
                (Some(asked), Some(fault)) => self.operations_fault = Some((asked.layer, fault)),
                (Some(asked), None) => {
                    self.apply(&asked.command, now, now_s);
                }
            }
        }
    }

    /// The array that is being opened before something is computed with it.
    pub(in crate::app) fn awaited_array(&self) -> Option<&str> {
        self.others.awaited()
    }

    /// Why what was asked last of the chosen layer is not computed.
    pub(in crate::app) fn operations_fault(&self) -> Option<&str> {
        let (layer, fault) = self.operations_fault.as_ref()?;
        (*layer == self.chosen_layer()).then_some(fault)
    }

    /// What is computed of a layer, in words.
    pub(in crate::app) fn computed_words<'a>(&self, layer: &'a Layer) -> Option<&'a str> {
        layer.computed.as_ref().map(|computed| computed.words.as_str())
    }

    /// Whether what is shown of the chosen layer lies elsewhere than it was recorded.
    pub(in crate::app) fn is_moved(&self) -> bool {
        self.layer().computed.as_ref().is_some_and(|computed| computed.is_moved)
    }

    /// Shows of every layer what the view says is computed of it; as recorded until the arrays that it is computed
    /// with have been opened.
    pub(super) fn compute_all(&mut self) {
        let mut is_changed = false;
        for index in 0..self.layers.len() {
            let known = self.layers[index].computed.as_ref().map_or(&[][..], |computed| &computed.texts);
            if texts(&self.view.layers[index].operations) != known {
                let lacking = self.others.lacking(&owned_texts(&self.view.layers[index].operations), false);
                if !lacking.is_empty() {
                    self.open_others(lacking, None);
                    continue;
                }
                self.compute_layer(index);
                is_changed = true;
            }
        }
        if is_changed {
            let info = *self.info();
            self.view.clamp_to(&info);
        }
    }

    /// Computes a layer anew under a new name. What cannot be computed any more is left out, and why is said.
    pub(in crate::app) fn compute_layer(&mut self, index: usize) {
        let former = self.layers[index].id();
        let texts = owned_texts(&self.view.layers[index].operations);
        let mut made = None;
        if !texts.is_empty() {
            match self.image_of(index, texts) {
                Ok(image) => made = Some(image),
                Err(fault) => {
                    self.view.layers[index].operations.iter_mut().for_each(|step| step.is_on = false);
                    self.operations_fault = Some((index, fault));
                }
            }
        }
        let layer = &mut self.layers[index];
        (layer.image, layer.computed) = match made {
            Some((image, computed)) => (image, Some(computed)),
            None => (layer.recorded.clone(), None),
        };
        layer.contrast = Contrast::default();
        if layer.computed.is_some() {
            self.stream.add_layer(layer.image.clone());
        }
        if former != layer.recorded.id() {
            self.stream.remove_layer(former);
        }
    }

    /// A source has grown: so has what is computed of it.
    pub(in crate::app) fn compute_grown(&mut self, number: usize, is_changed: bool) {
        for index in 0..self.layers.len() {
            let layer = &self.layers[index];
            if layer.source != number {
                continue;
            }
            let Some(computed) = &layer.computed else {
                self.layers[index].image = self.layers[index].recorded.clone();
                continue;
            };
            match self.image_of(index, computed.texts.clone()) {
                // Its chunks keep their places and what is in them.
                Ok((image, computed)) if computed.is_pointwise => {
                    let layer = &mut self.layers[index];
                    let image = layer.image.grown(std::sync::Arc::clone(image.finest().source()));
                    let stale = if is_changed { &[0..u64::MAX][..] } else { &[] };
                    self.stream.replace_layer(layer.image.id(), image.clone(), stale);
                    layer.image = image;
                }
                _ => self.compute_layer(index),
            }
        }
    }

    /// What shows a layer with these steps.
    ///
    /// # Errors
    /// Why there is nothing to show, in a line.
    fn image_of(&self, index: usize, texts: Vec<String>) -> Result<(Image, Computed), String> {
        let recorded = &self.layers[index].recorded;
        let (image, computed) = computed(recorded, texts, &self.others)?;
        let (before, after) = (recorded.info().shape, image.info().shape);
        if self.layers.len() > 1 && before != after {
            return Err(format!(
                "t {} × z {} × y {} × x {} does not lie over the other channels (t {} × z {} × y {} × x {}); open one \
                 channel alone for it",
                after[0], after[1], after[2], after[3], before[0], before[1], before[2], before[3]
            ));
        }
        Ok((image, computed))
    }
}

fn owned_texts(steps: &[Step]) -> Vec<String> {
    texts(steps).into_iter().map(str::to_owned).collect()
}

/// An image of what the steps make of another. No IO.
///
/// # Errors
/// Where a step is not understood or does not fit, and where what comes of it is no picture.
fn computed(recorded: &Image, texts: Vec<String>, others: &Others) -> Result<(Image, Computed), String> {
    let asked: Operations = texts.join(" | ").parse().map_err(|error| format!("{error}"))?;
    let words = asked.words();
    let is_pointwise = asked.steps.iter().all(is_pointwise);
    let is_moved = asked.steps.iter().any(is_moving);
    let finest = recorded.finest();
    let mut operations = asked;
    // Of an array with several channels one is shown: what it is then is what the steps are about.
    let one = selection_of(&finest.held_axes(), finest.source().info().shape.rank());
    let is_one_of = one.is_some();
    operations.steps.splice(0..0, one.map(Operation::Subset));
    let open = |name: &str| others.source(name);
    let num_levels = if is_pointwise { recorded.num_levels() } else { 1 };
    let level = |level: u8| {
        let source = std::sync::Arc::clone(recorded.level(level)?.source());
        Some(delayed(source, recorded.id(), level, &operations, &open))
    };
    let levels: Result<Vec<_>, _> = (0..num_levels).filter_map(level).collect();
    let levels = levels.map_err(|mut error| {
        // Counted as they were typed.
        if let (Some((number, _)), true) = (&mut error.step, is_one_of) {
            *number = number.saturating_sub(1);
        }
        error.to_string()
    })?;
    let rank = levels.first().map_or(0, |source| source.info().shape.rank());
    if rank < 2 {
        let left = ["one value", "a row of values"][rank];
        return Err(format!("{left} comes of that, and no picture; `tectum convert … --op` writes it"));
    }
    let told = if is_moved { Told::default() } else { finest.what_was_told() };
    let image = Image::of_levels(&levels, told, &[]).ok_or("what comes of that cannot be shown")?;
    let info = image.info();
    if info.shape.contains(&0) {
        return Err("nothing is left".to_owned());
    }
    let missing = [Axis::Y, Axis::X].into_iter().find(|axis| !info.has_axis[axis.index()]);
    if let Some(axis) = missing {
        return Err(format!(
            "what comes of that has no axis {axis}, and no plane to be shown; `tectum convert … --op` writes it"
        ));
    }
    Ok((image, Computed { texts, words, is_pointwise, is_moved }))
}

/// The index that leaves what is held of some axes, each with its index; `None` where none is.
fn selection_of(held: &[(usize, usize)], rank: usize) -> Option<Selection> {
    let of = |axis: usize| held.iter().find(|(known, _)| *known == axis).map(|(_, index)| index.to_string());
    let text: Vec<String> = (0..rank).map(|axis| of(axis).unwrap_or_else(|| ":".to_owned())).collect();
    (!held.is_empty()).then(|| text.join(", ").parse().ok()).flatten()
}

fn is_pointwise(step: &Operation) -> bool {
    matches!(
        step,
        Operation::Unary(_)
            | Operation::Negate
            | Operation::Binary { operand: Operand::Number(_), .. }
            | Operation::Round(_)
            | Operation::Cast(_)
            | Operation::Background(Background::Value(_))
    )
}

fn is_moving(step: &Operation) -> bool {
    matches!(
        step,
        Operation::Transpose(_)
            | Operation::Subset(_)
            | Operation::Cross(_)
            | Operation::Concatenate { .. }
            | Operation::Reduce { .. }
    )
}
