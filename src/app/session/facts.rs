//! What a session copies out of its source now and then: problems and the states of its pieces.

use std::time::{Duration, Instant};

use super::Session;
use crate::format::Source;
use crate::volume::{Piece, Problem};

/// Looked at again this often at most.
const EVERY: Duration = Duration::from_millis(250);

/// What changes slowly.
pub struct Facts {
    /// Everything found wrong.
    pub problems: Vec<Problem>,
    /// The stored pieces and the state of each.
    pub pieces: Vec<Piece>,
    taken: Instant,
}

impl Facts {
    /// As they are now.
    pub fn of(source: &dyn Source, now: Instant) -> Self {
        Self { problems: source.problems(), pieces: source.pieces(), taken: now }
    }

    /// Takes them again once they are old.
    pub fn renew(&mut self, source: &dyn Source, now: Instant) {
        if now.saturating_duration_since(self.taken) >= EVERY {
            *self = Self::of(source, now);
        }
    }
}

impl Session {
    /// Copies out of the source what it has found out meanwhile.
    pub(in crate::app) fn take_facts(&mut self, now: Instant) {
        self.facts = Facts::of(&**self.array.source(), now);
    }
}
