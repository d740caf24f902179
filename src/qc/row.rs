//! What was measured of one timepoint.

use serde::{Deserialize, Serialize};

/// Values that may be a camera's full scale: 10, 12, 14 bits, and the largest of the storage type.
pub const NUM_SCALES: usize = 4;

/// The measures of one timepoint. A number that cannot be had is NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What each plane gave, in order of z.
    pub planes: Vec<PlaneRow>,
    /// What the volume as a whole gave.
    pub volume: VolumeRow,
    /// Whether all that was asked for has been measured; a first look at a recording gives `intensity` alone.
    pub is_complete: bool,
}

/// The measures of one plane at one timepoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneRow {
    /// Whether all of its voxels are there; nothing is measured of it otherwise.
    pub is_there: bool,
    /// Mean of the finite values.
    pub mean: f32,
    /// Standard deviation (of the population) of the finite values.
    pub std: f32,
    /// Percentiles 1, 50 and 99 of the finite values, by linear interpolation.
    pub percentiles: [f32; 3],
    /// Smallest and largest finite value.
    pub range: [f32; 2],
    /// Voxels with each of the values that may be the full scale ([`crate::qc::scales`]).
    pub at_scale: [u32; NUM_SCALES],
    /// Whether all voxels equal those of the same plane one timepoint before; never so for constant planes.
    pub is_duplicate: bool,
    /// Root mean square of the change since the timepoint before, in counts.
    pub change: f32,
    /// Sharpness: normalised DCT Shannon entropy.
    pub focus: f32,
    /// Share of energy in row-constant and column-constant structure, 0 to 1.
    pub stripes: f32,
}

/// The measures of a volume as a whole at one timepoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeRow {
    /// Shift (dy, dx) of the max-over-z image against the reference, px.
    pub shift: [f32; 2],
    /// Peak of the phase correlation over the second highest one.
    pub shift_quality: f32,
    /// Correlation with the reference at that shift.
    pub correlation: f32,
    /// Reference plane that the middle planes resemble most, as an offset in planes.
    pub z_drift: f32,
    /// Cyclic offset at which the planes resemble the reference most; NaN where that cannot be told.
    pub slip: f32,
}

impl PlaneRow {
    /// A plane that is not there.
    pub const ABSENT: Self = Self {
        is_there: false,
        mean: f32::NAN,
        std: f32::NAN,
        percentiles: [f32::NAN; 3],
        range: [f32::NAN; 2],
        at_scale: [0; NUM_SCALES],
        is_duplicate: false,
        change: f32::NAN,
        focus: f32::NAN,
        stripes: f32::NAN,
    };

    /// Median of its values.
    pub fn median(&self) -> f32 {
        self.percentiles[1]
    }
}

impl VolumeRow {
    /// Nothing could be had.
    pub const UNKNOWN: Self = Self {
        shift: [f32::NAN; 2],
        shift_quality: f32::NAN,
        correlation: f32::NAN,
        z_drift: f32::NAN,
        slip: f32::NAN,
    };
}

impl Row {
    /// A timepoint of which nothing is there.
    pub fn absent(num_z: usize) -> Self {
        Self { planes: vec![PlaneRow::ABSENT; num_z], volume: VolumeRow::UNKNOWN, is_complete: true }
    }

    /// Whether every plane is there.
    pub fn is_whole(&self) -> bool {
        self.planes.iter().all(|plane| plane.is_there)
    }
}
