//! What can be drawn of one timepoint.

use super::{LayerId, Orientation};

/// How a projection folds the voxels along its axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Projection {
    #[default]
    Max,
    Mean,
    Min,
    /// Population standard deviation (numpy's default, `ddof=0`).
    Std,
    Sum,
}

impl Projection {
    /// All operations in the order they are offered.
    pub const ALL: [Self; 5] = [Self::Max, Self::Mean, Self::Min, Self::Std, Self::Sum];

    /// numpy's name of the operation, as the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Std => "std",
            Self::Sum => "sum",
        }
    }

    /// Label in the window.
    pub fn label(self) -> &'static str {
        match self {
            Self::Max => "Max",
            Self::Mean => "Mean",
            Self::Min => "Min",
            Self::Std => "Std",
            Self::Sum => "Sum",
        }
    }
}

/// What the values of a picture are. Limits and histogram of one kind say nothing of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum ValueKind {
    /// Single voxels, as planes show them.
    #[default]
    Voxels,
    Max,
    Mean,
    Min,
    Std,
    Sum,
}

impl ValueKind {
    /// Number of kinds.
    pub const NUM: usize = 6;

    /// What the window calls values of this kind.
    pub fn label(self) -> &'static str {
        match self {
            Self::Voxels => "planes",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Std => "std",
            Self::Sum => "sum",
        }
    }
}

impl From<Projection> for ValueKind {
    fn from(op: Projection) -> Self {
        match op {
            Projection::Max => Self::Max,
            Projection::Mean => Self::Mean,
            Projection::Min => Self::Min,
            Projection::Std => Self::Std,
            Projection::Sum => Self::Sum,
        }
    }
}

/// What the values of a picture are, and of how many voxels each is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct PictureValues {
    /// What they are.
    pub kind: ValueKind,
    /// Voxels folded into each.
    pub num: usize,
}

impl PictureValues {
    /// Factor that makes limits of `self` those of as many voxels as `other` folds: sums grow with them.
    pub fn factor_to(self, other: Self) -> f64 {
        if self.kind == ValueKind::Sum && self.num > 0 { other.num as f64 / self.num as f64 } else { 1.0 }
    }
}

/// Identifies one image of a dataset: what to cut or fold out of which timepoint. Small, `Copy`, and
/// the key of every picture cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Picture {
    /// The plane at `index` along the depth axis of `orientation`.
    Plane {
        /// Timepoint.
        t: usize,
        /// Which way the plane cuts.
        orientation: Orientation,
        /// Position along the depth axis.
        index: usize,
    },
    /// The planes `slab[0]..slab[1]` along the depth axis folded into one.
    Projection {
        /// Timepoint.
        t: usize,
        /// Which axis is folded, and how the result lies.
        orientation: Orientation,
        /// Half-open, non-empty range along the depth axis.
        slab: [usize; 2],
        /// How voxels are folded.
        op: Projection,
    },
}

impl Picture {
    /// Timepoint of the picture.
    pub fn t(&self) -> usize {
        match *self {
            Self::Plane { t, .. } | Self::Projection { t, .. } => t,
        }
    }

    /// The same picture at another timepoint.
    pub fn at(self, t: usize) -> Self {
        match self {
            Self::Plane { orientation, index, .. } => Self::Plane { t, orientation, index },
            Self::Projection { orientation, slab, op, .. } => Self::Projection { t, orientation, slab, op },
        }
    }

    /// What its values are.
    pub fn values(&self) -> PictureValues {
        match *self {
            Self::Plane { .. } => PictureValues { kind: ValueKind::Voxels, num: 1 },
            Self::Projection { slab, op, .. } => {
                PictureValues { kind: op.into(), num: slab[1].saturating_sub(slab[0]) }
            }
        }
    }

    /// How the picture lies.
    pub fn orientation(&self) -> Orientation {
        match *self {
            Self::Plane { orientation, .. } | Self::Projection { orientation, .. } => orientation,
        }
    }

    /// Half-open range along the depth axis that the picture is made of.
    pub fn depth_range(&self) -> [usize; 2] {
        match *self {
            Self::Plane { index, .. } => [index, index + 1],
            Self::Projection { slab, .. } => slab,
        }
    }
}

/// A picture of one recording: the name under which it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureKey {
    /// The recording.
    pub layer: LayerId,
    /// The resolution it is cut from, 0 the finest.
    pub level: u8,
    /// What of it, in voxels of level 0.
    pub picture: Picture,
    /// Which part of that; `None` for all of it.
    pub tile: Option<TileIndex>,
}

/// A part of a large plane: its place among the tiles of the resolution, from the upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct TileIndex {
    pub row: u16,
    pub column: u16,
}

impl PictureKey {
    /// A picture in full resolution.
    pub fn finest(layer: LayerId, picture: Picture) -> Self {
        Self { layer, level: 0, picture, tile: None }
    }

    /// The same picture at another timepoint.
    pub fn at(self, t: usize) -> Self {
        Self { picture: self.picture.at(t), ..self }
    }

    /// The volume it is cut or folded from.
    pub fn volume(&self) -> VolumeKey {
        VolumeKey { layer: self.layer, level: self.level, t: self.picture.t() }
    }

    /// Whether one may stand in for the other while that is on its way: the same recording in the same
    /// resolution, cut or folded in the same way at another depth or time.
    pub fn is_like(&self, other: &Self) -> bool {
        let sort = |picture: Picture| match picture {
            Picture::Plane { orientation, .. } => Picture::Plane { t: 0, orientation, index: 0 },
            Picture::Projection { .. } => picture.at(0),
        };
        let place = |key: &Self| (key.layer, key.level, key.tile);
        place(self) == place(other) && sort(self.picture) == sort(other.picture)
    }
}

/// The volume of one timepoint of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumeKey {
    /// The recording.
    pub layer: LayerId,
    /// Its resolution, 0 the finest.
    pub level: u8,
    /// The timepoint.
    pub t: usize,
}
