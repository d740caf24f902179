//! What a session copies out of its sources now and then: problems and the states of its pieces. They change
//! by reading, so where nothing has been read nothing is copied: a recording may have 100,000 pieces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::layers::sources;
use super::{Layer, Session};
use crate::format::stored_files;
use crate::stream::Stream;
use crate::ui::FilesText;
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
    reading: Reading,
}

/// How far reading had got: every read that begins or ends makes it another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    num_begun: u64,
    under_way_bytes: usize,
}

impl Reading {
    fn of(stream: &Stream) -> Self {
        let stats = stream.stats();
        Self { num_begun: stats.num_reads, under_way_bytes: stats.in_flight_bytes }
    }
}

impl Facts {
    /// As they are now: what is wrong with any of the layers, and the pieces of the chosen one.
    pub fn of(layers: &[Layer], chosen: usize, stream: &Stream, now: Instant) -> Self {
        // Asked first: what is found out in between is copied the next time.
        let reading = Reading::of(stream);
        let problems = sources(layers).iter().flat_map(|source| source.problems()).collect();
        let pieces = layers.get(chosen).map_or_else(Vec::new, |layer| layer.array().source().pieces());
        Self { problems, pieces, taken: now, reading }
    }
}

impl Session {
    /// What looks which of its files are there, on whatever thread it is called.
    pub(in crate::app) fn look_for_files(&self) -> impl FnOnce() + use<> {
        let found = Arc::clone(&self.files);
        let sources: Vec<_> = sources(&self.layers).into_iter().cloned().collect();
        move || {
            // Nobody else sets it.
            let _once = found.set(FilesText::of(&stored_files(&sources), "`tectum info --json` lists them"));
        }
    }

    /// Copies out of the source what reading may have found out meanwhile, now and then.
    pub(super) fn renew_facts(&mut self, now: Instant) {
        let is_due = now.saturating_duration_since(self.facts.taken) >= EVERY;
        if is_due && Reading::of(&self.stream) != self.facts.reading {
            self.take_facts(now);
        }
    }

    /// Copies what is known now.
    pub(in crate::app) fn take_facts(&mut self, now: Instant) {
        self.facts = Facts::of(&self.layers, self.chosen_layer(), &self.stream, now);
    }
}
