//! The cursor, and one canvas: which cut or fold of the recording it shows, and from how near.

use serde::{Deserialize, Serialize};

use super::{Camera, Mode};
use crate::array::ViewInfo;
use crate::volume::{Axis, Orientation, Picture, Projection, ViewId};

/// The voxel all views agree on. A view lies at the cursor's place along its depth axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Cursor {
    pub t: usize,
    pub z: usize,
    pub y: usize,
    pub x: usize,
}

impl Cursor {
    /// First timepoint, the middle of the volume.
    pub fn middle(info: &ViewInfo) -> Self {
        let middle = |axis: Axis| info.shape[axis.index()].max(1) / 2;
        Self { t: 0, z: middle(Axis::Z), y: middle(Axis::Y), x: middle(Axis::X) }
    }

    /// Position along an axis.
    pub fn along(self, axis: Axis) -> usize {
        match axis {
            Axis::T => self.t,
            Axis::Z => self.z,
            Axis::Y => self.y,
            Axis::X => self.x,
        }
    }

    pub(super) fn along_mut(&mut self, axis: Axis) -> &mut usize {
        match axis {
            Axis::T => &mut self.t,
            Axis::Z => &mut self.z,
            Axis::Y => &mut self.y,
            Axis::X => &mut self.x,
        }
    }

    /// The same within what there is.
    pub fn clamped(self, info: &ViewInfo) -> Self {
        let mut cursor = self;
        for axis in Axis::ALL {
            let at = cursor.along_mut(axis);
            *at = (*at).min(info.shape[axis.index()].saturating_sub(1));
        }
        cursor
    }
}

/// One canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Its name, unique in the window.
    pub id: ViewId,
    /// How the picture lies.
    pub orientation: Orientation,
    /// A plane or a projection.
    pub mode: Mode,
    /// How a projection folds.
    pub op: Projection,
    /// Depth range of the projection for each orientation; `None` for the whole depth.
    pub slabs: [Option<[usize; 2]>; 3],
    /// Zoom and pan.
    pub camera: Camera,
}

impl View {
    /// Plane along the depth axis.
    pub fn depth(&self, cursor: Cursor) -> usize {
        cursor.along(self.orientation.depth_axis())
    }

    /// Half-open depth range of the projection, never empty.
    pub fn slab(&self, info: &ViewInfo) -> [usize; 2] {
        let num = num_depths(info, self.orientation);
        clamp_slab(self.slabs[self.orientation as usize].unwrap_or([0, num]), num)
    }

    /// Whether the projection folds a part of the depth only.
    pub fn has_slab(&self) -> bool {
        self.slabs[self.orientation as usize].is_some()
    }

    /// The picture asked for.
    pub fn picture(&self, cursor: Cursor, info: &ViewInfo) -> Picture {
        let orientation = self.orientation;
        let num = num_depths(info, orientation);
        let cursor = cursor.clamped(info);
        match self.mode {
            Mode::Projection if num > 1 => {
                Picture::Projection { t: cursor.t, orientation, slab: self.slab(info), op: self.op }
            }
            _ => Picture::Plane { t: cursor.t, orientation, index: self.depth(cursor) },
        }
    }

    /// Brings the slabs into a volume of another extent.
    pub(super) fn clamp_to(&mut self, info: &ViewInfo) {
        for (slab, orientation) in self.slabs.iter_mut().zip(Orientation::ALL) {
            let num = num_depths(info, orientation);
            *slab = slab.map(|slab| clamp_slab(slab, num)).filter(|slab| *slab != [0, num]);
        }
    }
}

/// Extent along the depth axis of an orientation, at least 1.
pub fn num_depths(info: &ViewInfo, orientation: Orientation) -> usize {
    info.shape[orientation.depth_axis().index()].max(1)
}

/// A half-open range that lies within `num` and is not empty.
pub(super) fn clamp_slab([start, stop]: [usize; 2], num: usize) -> [usize; 2] {
    let start = start.min(num.saturating_sub(1));
    [start, stop.clamp(start + 1, num.max(start + 1))]
}
