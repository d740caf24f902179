//! A volume that is to be folded as a whole, by whoever does that.

use super::{DType, Orientation, Projection, Voxels};

/// A volume and how it is to be folded.
#[derive(Clone, Copy, Debug)]
pub struct VolumeFold<'a> {
    /// Identity of its voxels, [`Voxels::id`].
    pub volume: u64,
    /// The voxels (z, y, x), nothing missing; `None` where they are not in memory, but with who folds them.
    pub voxels: Option<&'a Voxels>,
    /// Their type.
    pub dtype: DType,
    /// Their extent (z, y, x).
    pub dims: [usize; 3],
    /// Along whose depth axis they are folded.
    pub orientation: Orientation,
    /// Half-open range of planes along that axis.
    pub slab: [usize; 2],
    /// How.
    pub op: Projection,
}

/// Why nothing was folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFolded {
    /// The volume is not there any more: its voxels are needed.
    #[error("the volume has to be brought again")]
    VolumeGone,
    /// It was asked to stop. What has been brought of the volume stays.
    #[error("it gave way to another")]
    GaveWay,
    /// It must be done otherwise, for the reason given.
    #[error("{0}")]
    Refused(String),
}
