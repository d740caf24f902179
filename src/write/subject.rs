//! What is to be written: an array and what is known of it, as formats carry it along.

use std::sync::Arc;

use crate::format::Source;

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
