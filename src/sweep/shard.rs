//! Measuring one range of timepoints: pieces in, rows out.

use std::ops::Range;
use std::sync::Arc;

use rayon::ThreadPool;

use super::Planes;
use super::feed::{Feed, Piece, Reader};
use super::missing::note_losses;
use crate::qc::{Codes, Measurer, Missing, Preparation, REFERENCE_VOLUMES, References, Row, State, Subject};

/// A range being measured, in order of t.
pub(super) struct Shard {
    measurer: Measurer,
    num_z: usize,
    /// The newest volume, for what comes after it.
    before: Option<(usize, Planes)>,
    /// What of it is not there.
    pub(super) missing: Vec<Missing>,
    /// The first timepoint of which something may come if it is read again.
    pub(super) first_passing: Option<usize>,
}

impl Shard {
    /// Nothing has been measured.
    pub(super) fn new(subject: &Subject, references: Option<Arc<References>>, wanted: Codes) -> Self {
        let measurer = Measurer::new(subject, references, wanted);
        Self { measurer, num_z: subject.num_z(), before: None, missing: Vec::new(), first_passing: None }
    }

    /// Goes on after timepoints whose state and losses are known.
    pub(super) fn resumed(mut self, state: State, missing: Vec<Missing>) -> Self {
        self.measurer = self.measurer.with_state(state);
        self.missing = missing;
        self
    }

    /// Measures a piece on these threads; the row, where that ends a timepoint.
    pub(super) fn take(&mut self, piece: &Piece, threads: &ThreadPool) -> Option<(usize, Row)> {
        let t = piece.slab.t;
        let is_whole = piece.slab.first_z == 0 && piece.is_last;
        let planes = threads.install(|| Planes::new(&piece.slab));
        if !piece.is_halo {
            if note_losses(&piece.slab, self.num_z, &mut self.missing) {
                self.first_passing.get_or_insert(t);
            }
            let held = self.before.as_ref().filter(|(before, _)| before + 1 == t && is_whole).map(|(_, planes)| planes);
            let own = piece.before.as_ref().map(|slab| threads.install(|| Planes::new(slab)));
            let before = held.or(own.as_ref()).map(Planes::planes);
            let measurer = &mut self.measurer;
            threads.install(|| measurer.planes(piece.slab.first_z, &planes.planes(), before.as_deref()));
        }
        self.before = is_whole.then_some((t, planes));
        (piece.is_last && !piece.is_halo).then(|| (t, threads.install(|| self.measurer.end())))
    }

    /// Whether the timepoint before this one is at hand.
    pub(super) fn has_before(&self, t: usize) -> bool {
        self.before.as_ref().is_some_and(|(before, _)| before + 1 == t)
    }

    /// What is kept beside the rows.
    pub(super) fn state(&self) -> &State {
        self.measurer.state()
    }
}

/// Makes the references of a range of a recording: of its first volumes. `None` where `goes_on` said no.
pub(super) fn prepare(
    reader: &Arc<Reader>,
    subject: &Subject,
    wanted: Codes,
    range: Range<usize>,
    mut goes_on: impl FnMut() -> bool,
) -> Option<Arc<References>> {
    let mut preparation = Preparation::new(subject, wanted);
    let mut feed = Feed::new(Arc::clone(reader), range.start..range.end.min(range.start + REFERENCE_VOLUMES), false);
    while let Some(piece) = feed.next() {
        if !goes_on() {
            return None;
        }
        reader.threads.install(|| {
            let planes = Planes::new(&piece.slab);
            preparation.planes(piece.slab.t, piece.slab.first_z, &planes.planes());
            if piece.is_last {
                preparation.end();
            }
        });
    }
    Some(reader.threads.install(|| preparation.finish()))
}
