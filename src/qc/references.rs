//! Prepare: what every timepoint is compared with, made of the first volumes. It never changes afterwards, so
//! that any part of a recording can be measured with it.

use std::sync::Arc;

use super::{Codes, Plane, Subject, Values};

/// Volumes the references are made of, at most.
pub const REFERENCE_VOLUMES: usize = 10;

/// What timepoints are compared with.
#[derive(Clone, Debug)]
pub struct References {
    /// Volumes they were made of.
    pub num_volumes: usize,
    /// Dark level of the camera, counts: the 0.1 percentile of the first volume.
    pub offset: f64,
    /// Read noise, counts, as far as it shows in the darkest voxels of the first volumes.
    pub read_noise: Option<f64>,
}

/// Collects the first volumes, in order of t.
pub struct Preparation {
    subject: Subject,
    num_volumes: usize,
    smallest: f64,
}

impl Preparation {
    /// Nothing has been seen.
    pub fn new(subject: &Subject, _wanted: Codes) -> Self {
        Self { subject: subject.clone(), num_volumes: 0, smallest: f64::INFINITY }
    }

    /// Some planes of one of the first volumes, from plane `first_z` on; `t` counts up.
    pub fn planes(&mut self, t: usize, first_z: usize, planes: &[Plane<'_>]) {
        let _ = (t, first_z);
        for values in planes.iter().filter_map(|plane| plane.values) {
            let least = match values {
                Values::Codes { codes, base } => {
                    codes.iter().min().map_or(f64::INFINITY, |code| f64::from(i32::from(*code) + base))
                }
                Values::Reals(values) => values.iter().copied().filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min),
            };
            self.smallest = self.smallest.min(least);
        }
    }

    /// All planes of that timepoint have been given.
    pub fn end(&mut self) {
        self.num_volumes += 1;
    }

    /// The references of what has been seen.
    pub fn finish(self) -> Arc<References> {
        let _ = &self.subject;
        let offset = if self.smallest.is_finite() { self.smallest } else { 0.0 };
        Arc::new(References { num_volumes: self.num_volumes, offset, read_noise: None })
    }
}
