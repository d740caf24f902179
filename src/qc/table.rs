//! The table of measures: a row for each timepoint that has been looked at. Cheap to clone, so that whoever
//! draws or judges has one that does not change.

use std::sync::Arc;

use super::{PlaneRow, Row};

/// The rows in order of t.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    num_z: usize,
    rows: Vec<Option<Arc<Row>>>,
}

impl Table {
    /// A table of so many timepoints, none of which has been looked at.
    pub fn new(num_t: usize, num_z: usize) -> Self {
        Self { num_z, rows: vec![None; num_t] }
    }

    /// Timepoints it has room for.
    pub fn num_t(&self) -> usize {
        self.rows.len()
    }

    /// Planes of each.
    pub fn num_z(&self) -> usize {
        self.num_z
    }

    /// What was measured of a timepoint; `None` where it has not been looked at.
    pub fn row(&self, t: usize) -> Option<&Arc<Row>> {
        self.rows.get(t)?.as_ref()
    }

    /// What was measured of a plane; `None` where it has not been looked at.
    pub fn plane(&self, t: usize, z: usize) -> Option<&PlaneRow> {
        self.row(t)?.planes.get(z)
    }

    /// Timepoints that have been looked at.
    pub fn num_seen(&self) -> usize {
        self.rows.iter().flatten().count()
    }

    /// Timepoints of which all has been measured.
    pub fn num_complete(&self) -> usize {
        self.rows.iter().flatten().filter(|row| row.is_complete).count()
    }

    /// Takes in what was measured of a timepoint. A first look never takes the place of a complete one.
    pub fn set(&mut self, t: usize, row: Row) {
        if t >= self.rows.len() {
            self.rows.resize(t + 1, None);
        }
        if row.is_complete || !self.rows[t].as_ref().is_some_and(|known| known.is_complete) {
            self.rows[t] = Some(Arc::new(row));
        }
    }

    /// Forgets timepoints, a half-open range: their data have changed.
    pub fn forget(&mut self, range: [usize; 2]) {
        let end = range[1].min(self.rows.len());
        self.rows[range[0].min(end)..end].fill(None);
    }

    /// Makes it as long as the recording has become.
    pub fn resize(&mut self, num_t: usize) {
        self.rows.resize(num_t, None);
    }
}
