//! What has to be known of a recording before it can be measured.

use serde::{Deserialize, Serialize};

use crate::volume::DType;

/// The recording that is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Extent in (t, z, y, x); t grows while it is recorded.
    pub shape: [usize; 4],
    /// Storage type.
    pub dtype: DType,
    /// Volumes per second, where known.
    pub rate_hz: Option<f64>,
    /// Voxel edges along (z, y, x) in µm, where known.
    pub voxel_um: Option<[f64; 3]>,
    /// Timepoints it is to have in the end, where that is more than there are.
    pub planned_t: Option<usize>,
    /// When each timepoint was taken, seconds, where the recording says so.
    pub times_s: Option<Vec<f64>>,
}

impl Subject {
    /// Planes of a volume.
    pub fn num_z(&self) -> usize {
        self.shape[1]
    }

    /// Rows and columns of a plane.
    pub fn plane_shape(&self) -> [usize; 2] {
        [self.shape[2], self.shape[3]]
    }

    /// Timepoints it will have, as far as is known.
    pub fn expected_t(&self) -> usize {
        self.shape[0].max(self.planned_t.unwrap_or(0))
    }

    /// Timepoints in minutes, where the rate is known.
    pub fn minutes(&self, num_t: usize) -> Option<f64> {
        self.rate_hz.filter(|rate| *rate > 0.0).map(|rate| num_t as f64 / rate / 60.0)
    }
}

/// A part of the recording that is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// First and last timepoint.
    pub t: [usize; 2],
    /// First and last plane; all planes where there is none.
    pub z: Option<[usize; 2]>,
    /// The file it should be in, where known.
    pub file: Option<String>,
    /// Why it is not there.
    pub reason: String,
}
