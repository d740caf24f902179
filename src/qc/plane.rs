//! Planes as they are measured: every storage type is seen as one of two kinds of values.

/// One plane of one timepoint, in rows of x.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Its values, in C order; nothing where any voxel of the plane is missing.
    pub values: Option<Values<'a>>,
}

/// The values of a plane.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Integers of up to 16 bits: a value is its code plus `base` (0, or −32,768 for signed types).
    Codes {
        /// One for each voxel.
        codes: &'a [u16],
        /// What is added to a code.
        base: i32,
    },
    /// All other types, which may hold NaN and infinities.
    Reals(&'a [f64]),
}

impl Values<'_> {
    /// Number of voxels.
    pub fn len(&self) -> usize {
        match self {
            Self::Codes { codes, .. } => codes.len(),
            Self::Reals(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Codes { codes, base } => f64::from(i32::from(codes[i]) + base),
            Self::Reals(values) => values[i],
        }
    }
}
