//! What the user said about a recording, where its files do not say or are wrong.

use serde::{Deserialize, Serialize};

use crate::array::Told;
use crate::format::check_axes;
use crate::volume::VoxelSize;

/// What was said; `None` leaves it to the files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// Voxel edges along z, y, x in µm.
    pub voxel_um: Option<[f64; 3]>,
    /// Volumes per second.
    pub rate_hz: Option<f64>,
    /// Names of the axes, slowest first.
    pub axes: Option<String>,
    /// How many of the finest resolutions are left out.
    pub level: usize,
}

impl Given {
    /// The same without what makes no sense.
    pub fn sane(self) -> Self {
        let is_positive = |value: &f64| value.is_finite() && *value > 0.0;
        Self {
            voxel_um: self.voxel_um.filter(|edges| edges.iter().all(is_positive)),
            rate_hz: self.rate_hz.filter(is_positive),
            axes: self.axes.filter(|axes| check_axes(axes).is_ok()),
            level: self.level,
        }
    }

    /// The part that changes nothing about how the files are read.
    pub fn told(&self) -> Told {
        let voxel_size = self.voxel_um.map(VoxelSize::of);
        Told { voxel_size, rate_hz: self.rate_hz }
    }
}
