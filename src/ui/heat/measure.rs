//! The measures of planes that the map shows: what each is of a plane, and which of several is the worst.

use super::super::MapMeasure;
use super::Baseline;
use crate::qc::{Code, PlaneRow};

/// Which of several values is the one that must be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// The one that lies farthest from their mean.
    Farthest,
    /// The largest.
    Largest,
    /// The smallest.
    Smallest,
}

impl MapMeasure {
    /// What it is of a plane; NaN where that cannot be told.
    pub fn value(self, plane: &PlaneRow, z: usize, baseline: &Baseline) -> f32 {
        match self {
            Self::Mean => plane.mean,
            Self::Std => plane.std,
            Self::Median => plane.median(),
            Self::Saturation => baseline.saturation(plane),
            Self::Change => baseline.change(plane),
            Self::Focus => baseline.focus(plane, z),
            Self::Stripes => plane.stripes * 100.0,
        }
    }

    /// Which of several values must be seen.
    pub fn worst(self) -> Worst {
        match self {
            Self::Mean | Self::Std | Self::Median => Worst::Farthest,
            Self::Saturation | Self::Change | Self::Stripes => Worst::Largest,
            Self::Focus => Worst::Smallest,
        }
    }

    /// What its values count; nothing for counts of the camera.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Mean | Self::Std | Self::Median => "",
            Self::Saturation | Self::Change | Self::Focus | Self::Stripes => "%",
        }
    }

    /// The measure of quality that it is one of.
    pub fn code(self) -> Code {
        match self {
            Self::Mean | Self::Std | Self::Median => Code::Intensity,
            Self::Saturation => Code::Saturation,
            Self::Change => Code::Dvars,
            Self::Focus => Code::Focus,
            Self::Stripes => Code::Stripes,
        }
    }
}
