//! Planes as they are measured: every storage type is seen as one of two kinds of values.

use std::ops::Range;

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

impl<'a> Values<'a> {
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

    /// Some of them.
    pub fn part(&self, range: Range<usize>) -> Values<'a> {
        match self {
            Self::Codes { codes, base } => Values::Codes { codes: &codes[range], base: *base },
            Self::Reals(values) => Values::Reals(&values[range]),
        }
    }

    /// Mean of those that are finite; NaN where none is.
    pub fn finite_mean(&self) -> f64 {
        match self {
            Self::Codes { codes, base } => {
                // Sums of 4,096 codes fit 32 bits, which are added many at once.
                let sum = |part: &[u16]| part.iter().fold(0_u32, |sum, code| sum.wrapping_add(u32::from(*code)));
                let sum: u64 = codes.chunks(4096).map(|part| u64::from(sum(part))).sum();
                sum as f64 / codes.len() as f64 + f64::from(*base)
            }
            Self::Reals(values) => {
                let finite = values.iter().filter(|value| value.is_finite());
                let (sum, num) = finite.fold((0.0, 0_usize), |(sum, num), value| (sum + value, num + 1));
                sum / num as f64
            }
        }
    }
}
