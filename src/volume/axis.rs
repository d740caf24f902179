//! The four axes of a recording and the three ways to cut a volume.

use std::fmt;

use serde::Serialize;

/// One of the four axes, slowest first: t, z, y, x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Time.
    T,
    /// Depth.
    Z,
    /// Rows of a plane.
    Y,
    /// Columns of a plane.
    X,
}

impl Axis {
    /// All axes in storage order.
    pub const ALL: [Self; 4] = [Self::T, Self::Z, Self::Y, Self::X];

    /// Position of the axis in a (t, z, y, x) shape.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The lower-case letter of the axis.
    pub fn letter(self) -> char {
        ['t', 'z', 'y', 'x'][self.index()]
    }

    /// The axis of a letter, in either case.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.letter() == letter.to_ascii_lowercase())
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// How a plane cuts the volume, named by the two axes that lie in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Orientation {
    /// Across z: rows are y, columns are x. The plane as recorded.
    #[default]
    Xy,
    /// Across y: rows are z, columns are x.
    Xz,
    /// Across x: rows are z, columns are y.
    Yz,
}

impl Orientation {
    /// All orientations in the order the window offers them.
    pub const ALL: [Self; 3] = [Self::Xy, Self::Xz, Self::Yz];

    /// The axis the plane is perpendicular to: the one the depth slider moves along.
    pub fn depth_axis(self) -> Axis {
        match self {
            Self::Xy => Axis::Z,
            Self::Xz => Axis::Y,
            Self::Yz => Axis::X,
        }
    }

    /// The axis of the rows and the axis of the columns, as drawn.
    pub fn plane_axes(self) -> (Axis, Axis) {
        match self {
            Self::Xy => (Axis::Y, Axis::X),
            Self::Xz => (Axis::Z, Axis::X),
            Self::Yz => (Axis::Z, Axis::Y),
        }
    }

    /// Upper-case label: "XY", "XZ", "YZ".
    pub fn label(self) -> &'static str {
        match self {
            Self::Xy => "XY",
            Self::Xz => "XZ",
            Self::Yz => "YZ",
        }
    }
}
