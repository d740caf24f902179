//! What the panels show of the quality of the recording: plain data, borrowed for one frame.

use std::sync::Arc;

use crate::qc::{Limits, Verdict};
use crate::sweep::Snapshot;

/// What is known of the quality of the open recording.
#[derive(Clone, Copy)]
pub struct Quality<'a> {
    /// What has been measured. Whoever keeps something made of it holds on to it, and knows by the pointer
    /// whether it is still the same.
    pub snapshot: &'a Arc<Snapshot>,
    /// What is to be said of it, with the limits as they are.
    pub verdict: &'a Verdict,
    /// The limits.
    pub limits: &'a Limits,
    /// What they are called: "default", or a rig profile.
    pub limits_name: &'a str,
    /// Whether they differ from what is kept under that name.
    pub limits_are_changed: bool,
    /// Rig profiles there are.
    pub profiles: &'a [String],
    /// Median and largest shift in the plane, px, where there is any.
    pub motion: Option<[f64; 2]>,
}
