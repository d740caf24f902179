//! The sweep of one shard: planes in, a row of the table for each timepoint and state that can be merged out.
//! Each measure has its own file; this one calls them in turn.

use std::sync::Arc;

use rayon::prelude::*;

use super::basics::Basics;
use super::{Codes, Plane, PlaneRow, References, Row, State, Subject, VolumeRow, scales};

/// Measures timepoints in order of t.
pub struct Measurer {
    subject: Subject,
    references: Option<Arc<References>>,
    basics: Basics,
    state: State,
    planes: Vec<PlaneRow>,
}

impl Measurer {
    /// Measures what is `wanted`; without references only what needs none.
    pub fn new(subject: &Subject, references: Option<Arc<References>>, wanted: Codes) -> Self {
        Self {
            subject: subject.clone(),
            references,
            basics: Basics::new(scales(subject.dtype), wanted),
            state: State::new(subject, wanted),
            planes: vec![PlaneRow::ABSENT; subject.num_z()],
        }
    }

    /// Measures some planes of one timepoint, from plane `first_z` on, each against the same plane of the
    /// timepoint before, where that is at hand. All planes of a timepoint are given before those of the next.
    pub fn planes(&mut self, first_z: usize, planes: &[Plane<'_>], before: Option<&[Plane<'_>]>) {
        let rows = &mut self.planes[first_z..first_z + planes.len()];
        rows.par_iter_mut().zip(planes).enumerate().for_each(|(i, (row, plane))| {
            *row = self.basics.measure(plane, before.and_then(|before| before.get(i)));
        });
    }

    /// All planes of a timepoint have been given: what was measured of it.
    pub fn end(&mut self) -> Row {
        let num_z = self.subject.num_z();
        let planes = std::mem::replace(&mut self.planes, vec![PlaneRow::ABSENT; num_z]);
        Row { planes, volume: VolumeRow::UNKNOWN, is_complete: self.references.is_some() }
    }

    /// What is kept beside the rows.
    pub fn state(&self) -> &State {
        &self.state
    }
}
