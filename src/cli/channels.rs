//! `--channel`: which channels of a recording a subcommand is about, each as a recording of its own.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::array::LazyArray;
use crate::format::{Channel, Opened, Source};

/// What stands for every channel.
const ALL: &str = "all";

/// One channel of a recording, or a recording that has none.
pub struct Part {
    /// What it is called; `None` where there is nothing to tell it from.
    pub channel: Option<String>,
    /// It alone.
    pub opened: Opened,
    /// The axes of its array along which other channels lie, ascending, and where it lies along each.
    pub pinned: Vec<(usize, usize)>,
    /// At which index each of the axes beyond t, z, y and x is held; as the array says without one.
    held: Option<Vec<usize>>,
}

impl Part {
    /// It in a state of the array that holds it, as (t, z, y, x).
    ///
    /// # Errors
    /// Where that array has no such channel.
    pub fn of(&self, source: Arc<dyn Source>) -> Result<LazyArray> {
        let place = source.info().location.clone();
        let array = LazyArray::new(source);
        match &self.held {
            None => Ok(array),
            Some(held) => array.holding(held).with_context(|| {
                let name = self.channel.as_deref().unwrap_or_default();
                format!("{place}: has no channel {name} any more")
            }),
        }
    }
}

/// The channels that were asked for by name or by index from 0, in the order of the recording; all of them where none
/// were. Where channels are arrays of their own and one of those was named (`--dataset`), that one alone.
///
/// # Errors
/// For a channel that is not there: names those that are.
pub fn parts(opened: Opened, asked: &[String], is_dataset_named: bool) -> Result<Vec<Part>> {
    let channels = &opened.channels;
    let is_wanted: Vec<bool> = if asked.is_empty() {
        let is_named = |channel: &Channel| channel.levels.iter().any(|level| Arc::ptr_eq(level, &opened.source));
        let is_one = is_dataset_named && channels.iter().any(is_named);
        channels.iter().map(|channel| !is_one || is_named(channel)).collect()
    } else {
        let mut is_wanted = vec![false; channels.len()];
        for text in asked.iter().filter(|text| !text.eq_ignore_ascii_case(ALL)) {
            is_wanted[position(&opened, text)?] = true;
        }
        if asked.iter().any(|text| text.eq_ignore_ascii_case(ALL)) {
            is_wanted.fill(true);
        }
        is_wanted
    };
    if channels.len() < 2 {
        let held = channels.first().map(|only| only.held.clone());
        return Ok(vec![Part { channel: None, opened, pinned: Vec::new(), held }]);
    }
    let wanted = channels.iter().zip(is_wanted).filter(|(_, is_wanted)| *is_wanted);
    Ok(wanted.map(|(channel, _)| part(&opened, channel)).collect())
}

/// The channel that a text names.
fn position(opened: &Opened, text: &str) -> Result<usize> {
    let channels = if opened.channels.len() < 2 { &[] } else { &opened.channels[..] };
    let named = channels.iter().position(|channel| channel.name.eq_ignore_ascii_case(text.trim()));
    let numbered = || text.trim().parse().ok().filter(|index| *index < channels.len());
    if let Some(found) = named.or_else(numbered) {
        return Ok(found);
    }
    let place = &opened.source.info().location;
    if channels.is_empty() {
        bail!("{place}: --channel {text}: has no channels to choose from");
    }
    let known: Vec<String> = channels.iter().enumerate().map(|(i, known)| format!("{} ({i})", known.name)).collect();
    bail!("{place}: --channel {text}: there is none of that name; there are {}", known.join(", "))
}

fn part(opened: &Opened, channel: &Channel) -> Part {
    let source = channel.levels.first().unwrap_or(&opened.source);
    let alone = Opened::of(Arc::clone(source), channel.growing.clone());
    let is_entry = |name: &str| name.rsplit('/').next() == Some(channel.name.as_str());
    let entry = opened.datasets.iter().position(|entry| is_entry(&entry.name));
    let chosen = if Arc::ptr_eq(source, &opened.source) { opened.chosen } else { entry.unwrap_or(opened.chosen) };
    Part {
        channel: Some(channel.name.clone()),
        opened: Opened { datasets: opened.datasets.clone(), chosen, ..alone },
        pinned: pinned(opened, channel, source),
        held: Some(channel.held.clone()),
    }
}

/// The axes along which the channels of an array differ from one another, and where this one lies.
fn pinned(opened: &Opened, channel: &Channel, source: &Arc<dyn Source>) -> Vec<(usize, usize)> {
    let is_beside = |other: &&Channel| other.levels.first().is_some_and(|level| Arc::ptr_eq(level, source));
    let beside: Vec<&Channel> = opened.channels.iter().filter(is_beside).collect();
    let info = source.info();
    let nameless = (0..info.shape.rank()).filter(|axis| info.axes.get(*axis).copied().flatten().is_none());
    let places = nameless.zip(channel.held.iter().copied()).enumerate();
    let differs = |i: usize, at: usize| beside.iter().any(|other| other.held.get(i) != Some(&at));
    places.filter(|(i, (_, at))| differs(*i, *at)).map(|(_, place)| place).collect()
}
