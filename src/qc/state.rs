//! What a shard keeps beside its rows: sums and counts that can be merged with those of other shards, and from
//! which the figures of the whole recording are made.

use super::{Codes, Subject};

/// The mergeable state of all measures that need any.
#[derive(Clone, Debug, Default)]
pub struct State {}

impl State {
    /// Nothing has been counted.
    pub fn new(_subject: &Subject, _wanted: Codes) -> Self {
        Self {}
    }

    /// Adds what another shard counted, of later timepoints.
    pub fn merge(&mut self, _later: &Self) {}
}
