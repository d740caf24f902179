//! The sweep of one shard: planes in, a row of the table for each timepoint and state that can be merged out.
//! Each measure has its own file; this one calls them in turn.

use std::cell::RefCell;
use std::sync::Arc;

use parking_lot::Mutex;
use rayon::prelude::*;

use super::basics::Basics;
use super::detail::Detail;
use super::state::{Follower, PlaneState, Scratch};
use super::whole::Whole;
use super::{Codes, Plane, PlaneRow, References, Row, State, Subject, VolumeRow, scales};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Measures timepoints in order of t.
pub struct Measurer {
    subject: Subject,
    references: Option<Arc<References>>,
    wanted: Codes,
    basics: Basics,
    detail: Detail,
    whole: Option<Whole>,
    state: State,
    planes: Vec<PlaneRow>,
}

impl Measurer {
    /// Measures what is `wanted`; without references only what needs none.
    pub fn new(subject: &Subject, references: Option<Arc<References>>, wanted: Codes) -> Self {
        Self {
            subject: subject.clone(),
            wanted,
            basics: Basics::new(scales(subject.dtype), wanted),
            detail: Detail::new(subject.plane_shape(), wanted),
            whole: references.as_ref().and_then(|_| Whole::new(subject, wanted)),
            state: references.as_deref().map(|references| State::new(references, wanted)).unwrap_or_default(),
            planes: vec![PlaneRow::ABSENT; subject.num_z()],
            references,
        }
    }

    /// Goes on from the state of timepoints before, which was gathered with the same references.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        let fresh = std::mem::replace(&mut self.state, state);
        self.state.merge(&fresh);
        self
    }

    /// Measures some planes of one timepoint, from plane `first_z` on, each against the same plane of the
    /// timepoint before, where that is at hand. All planes of a timepoint are given before those of the next.
    pub fn planes(&mut self, first_z: usize, planes: &[Plane<'_>], before: Option<&[Plane<'_>]>) {
        let Some(rows) = self.planes.get_mut(first_z..first_z + planes.len()) else { return };
        let follower = self.references.as_deref().map(|references| Follower::new(references, self.wanted));
        let levels = Mutex::new(&mut self.state.levels);
        let mut states: Vec<Option<&mut PlaneState>> = self.state.planes.iter_mut().skip(first_z).map(Some).collect();
        states.resize_with(planes.len(), || None);
        let all = planes.par_iter().zip(rows).zip(states).enumerate();
        all.for_each(|(i, ((plane, row), state))| {
            let before = before.and_then(|before| before.get(i));
            *row = self.basics.measure(plane, before);
            self.detail.measure(plane, row);
            let (Some(follower), Some(state)) = (&follower, state) else { return };
            // What is the same again says nothing of noise.
            let other = before.filter(|_| !row.is_duplicate);
            SCRATCH.with_borrow_mut(|scratch| follower.follow(first_z + i, plane, other, state, &levels, scratch));
        });
        if let Some(whole) = &mut self.whole {
            whole.planes(first_z, planes);
        }
    }

    /// All planes of a timepoint have been given: what was measured of it.
    pub fn end(&mut self) -> Row {
        let num_z = self.subject.num_z();
        let planes = std::mem::replace(&mut self.planes, vec![PlaneRow::ABSENT; num_z]);
        let volume = match (&mut self.whole, &self.references) {
            (Some(whole), Some(references)) => whole.end(&references.whole),
            _ => VolumeRow::UNKNOWN,
        };
        Row { planes, volume, is_complete: self.references.is_some() }
    }

    /// What is kept beside the rows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, at the end.
    pub fn into_state(self) -> State {
        self.state
    }
}
