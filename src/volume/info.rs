//! What is known of an array before any voxel is read.

use super::{Axis, DType, Location, Shape};

/// Edge lengths of a voxel in micrometres, (z, y, x).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoxelSize {
    /// Distance between planes, µm.
    pub z_um: f64,
    /// Height of a voxel, µm.
    pub y_um: f64,
    /// Width of a voxel, µm.
    pub x_um: f64,
}

impl VoxelSize {
    /// The edge along a spatial axis in µm; `None` for time.
    pub fn along(&self, axis: Axis) -> Option<f64> {
        match axis {
            Axis::T => None,
            Axis::Z => Some(self.z_um),
            Axis::Y => Some(self.y_um),
            Axis::X => Some(self.x_um),
        }
    }
}

/// Facts of one array, immutable; a growing recording publishes a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayInfo {
    /// Short name for the title bar: the acquisition folder or the file stem.
    pub name: String,
    /// What the user opened, resolved to the dataset itself.
    pub location: Location,
    /// Name of the format in words: "split dataset (sashimi)".
    pub format: String,
    /// Extent in the dataset's own axes, as the files have it.
    pub shape: Shape,
    /// What each of those axes is. Axes without a meaning here are `None`.
    pub axes: Vec<Option<Axis>>,
    /// Which of the axes without a meaning counts channels: light of several colours, shown together.
    pub channel_axis: Option<usize>,
    /// Storage type.
    pub dtype: DType,
    /// Voxel edges, where the files say so.
    pub voxel_size: Option<VoxelSize>,
    /// Volumes per second, where the files say so.
    pub rate_hz: Option<f64>,
    /// Extent the metadata claims, where it differs from `shape`.
    pub claimed_shape: Option<Vec<u64>>,
    /// Number of stored pieces (blocks), 1 for a single file.
    pub num_blocks: usize,
    /// Further facts for the Dataset panel and `info`, label and value.
    pub facts: Vec<(String, String)>,
}
