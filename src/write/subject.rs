//! What is to be written: an array and what is known of it, as formats carry it along.

use std::sync::Arc;

use anyhow::Result;

use super::changes::applied;
use super::plan::Changes;
use crate::format::{OpenOptions, Opened, Source};
use crate::volume::ArrayInfo;

/// An array that is to be written. All that is done to it on the way (a selection, operations, another type) has
/// been made a source already.
#[derive(Clone)]
pub struct Subject {
    /// The array; its [`crate::volume::ArrayInfo`] holds shape, axes, voxel size, rate and the meaning of values.
    pub source: Arc<dyn Source>,
    /// Its channels along [`crate::volume::ArrayInfo::channel_axis`], in order; empty where it has none.
    pub channels: Vec<ChannelLook>,
}

/// A channel as formats name it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelLook {
    /// Its name.
    pub name: String,
    /// Its colour, where the source says one.
    pub rgb: Option<[u8; 3]>,
    /// Its contrast limits, where the source says them.
    pub limits: Option<[f64; 2]>,
}

impl Subject {
    /// What was opened with these options, with all that is to be done to it.
    ///
    /// # Errors
    /// If that cannot be done to it.
    pub fn of(opened: &Opened, changes: &Changes, options: &OpenOptions) -> Result<Self> {
        let (source, channels) = applied(opened, looks(opened), changes, options)?;
        Ok(Self { source, channels })
    }
}

/// The channels along the array's own axis of channels.
fn looks(opened: &Opened) -> Vec<ChannelLook> {
    let info = opened.source.info();
    let Some(axis) = info.channel_axis else { return Vec::new() };
    let is_along = opened.channels.len() == info.shape.dims()[axis]
        && opened
            .channels
            .iter()
            .all(|channel| channel.levels.first().is_some_and(|level| Arc::ptr_eq(level, &opened.source)));
    if !is_along {
        return Vec::new();
    }
    let look = |channel: &crate::format::Channel| ChannelLook {
        name: channel.name.clone(),
        rgb: channel.color,
        limits: channel.limits,
    };
    opened.channels.iter().map(look).collect()
}

/// A fact of an array that formats may have a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fact {
    Axes,
    VoxelSize,
    Rate,
    Channels,
    ValueScale,
}

/// What is known of a subject and not among the facts that are `carried`, each in a few words.
pub fn not_carried(subject: &Subject, carried: &[Fact]) -> Vec<String> {
    let info: &ArrayInfo = subject.source.info();
    let axes = info.axes.iter().any(Option::is_some).then(|| format!("axes {}", info.axes_in_letters()));
    let voxel = info.voxel_size.map(|size| {
        let [z, y, x] = size.edges();
        format!("voxel size {z} × {y} × {x} µm")
    });
    let names = || subject.channels.iter().map(|look| look.name.as_str()).collect::<Vec<_>>().join(", ");
    let scale = info.value_scale.as_ref().map(|scale| {
        format!("meaning of values: × {} + {} {}", scale.factor, scale.offset, scale.unit).trim_end().to_owned()
    });
    let known = [
        (Fact::Axes, axes),
        (Fact::VoxelSize, voxel),
        (Fact::Rate, info.rate_hz.map(|rate| format!("rate {rate} Hz"))),
        (Fact::Channels, (!subject.channels.is_empty()).then(|| format!("channels {}", names()))),
        (Fact::ValueScale, scale),
    ];
    known.into_iter().filter(|(fact, _)| !carried.contains(fact)).filter_map(|(_, words)| words).collect()
}
