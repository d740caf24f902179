//! The inner loops of every projection: voxels of a box folded into what is kept of each pixel.

use super::losses::Window;
use super::{FoldBox, Voxel};

/// Folds each voxel of the box into the value kept for its pixel. Whole rows are walked at a time, so that
/// the compiler can turn the inner loops into vector instructions.
pub(super) fn fold_box<T: Foldable, A: Copy>(
    pixels: &mut [A],
    [num_rows, num_columns]: [usize; 2],
    part: &FoldBox<'_>,
    within: Window,
    fold: impl Fn(A, T) -> A + Copy,
) {
    let values = bytemuck::cast_slice::<u8, T>(part.bytes);
    let [nz, ny, nx] = part.dims;
    let [first_row, first_column] = part.at;
    let range = |axis: usize| within[axis][0]..within[axis][1].min(part.dims[axis]);
    for z in range(0) {
        for y in range(1) {
            let line = (z * ny + y) * nx;
            let (row, column) = match part.axis {
                0 => (first_row + y, first_column),
                1 => (first_row + z, first_column),
                _ => (first_row + z, first_column + y),
            };
            if row >= num_rows || column >= num_columns || z >= nz {
                continue;
            }
            let at = row * num_columns;
            if part.axis == 2 {
                let x = range(2);
                let pixel = &mut pixels[at + column];
                *pixel = values[line + x.start.min(x.end)..line + x.end].iter().fold(*pixel, |a, &v| fold(a, v));
            } else if let Some(row) = pixels[at..at + num_columns].get_mut(column + within[2][0]..) {
                let x = range(2);
                row.iter_mut().zip(&values[line + x.start..line + x.end]).for_each(|(a, &v)| *a = fold(*a, v));
            }
        }
    }
}

/// What folding needs of a voxel type. NaN wins over every number, as in numpy.
pub(super) trait Foldable: Voxel {
    const LOWEST: Self;
    const HIGHEST: Self;
    fn larger(self, other: Self) -> Self;
    fn smaller(self, other: Self) -> Self;
    /// The value as a two's complement 64-bit integer; 0 for floats, whose sums are kept as such.
    fn bits(self) -> u64;
}

macro_rules! impl_foldable_integer {
    ($($T:ty),*) => {$(
        impl Foldable for $T {
            const LOWEST: Self = <$T>::MIN;
            const HIGHEST: Self = <$T>::MAX;
            fn larger(self, other: Self) -> Self {
                self.max(other)
            }
            fn smaller(self, other: Self) -> Self {
                self.min(other)
            }
            fn bits(self) -> u64 {
                self as i64 as u64
            }
        }
    )*};
}
impl_foldable_integer!(u8, i8, u16, i16, u32, i32, u64, i64);

macro_rules! impl_foldable_float {
    ($($T:ty),*) => {$(
        impl Foldable for $T {
            const LOWEST: Self = <$T>::NEG_INFINITY;
            const HIGHEST: Self = <$T>::INFINITY;
            #[allow(clippy::eq_op, reason = "unequal to itself is NaN, in a form that becomes a vector mask")]
            fn larger(self, other: Self) -> Self {
                if other > self || other != other { other } else { self }
            }
            #[allow(clippy::eq_op, reason = "unequal to itself is NaN, in a form that becomes a vector mask")]
            fn smaller(self, other: Self) -> Self {
                if other < self || other != other { other } else { self }
            }
            fn bits(self) -> u64 {
                0
            }
        }
    )*};
}
impl_foldable_float!(half::f16, f32, f64);
