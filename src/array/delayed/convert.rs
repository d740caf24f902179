//! numpy's `astype` for a run of voxels: integers wrap, doubles are cut towards zero, anything but zero is true.

use super::number::Number;
use crate::dispatch_dtype;
use crate::volume::DType;

/// Room for some voxels of any type, aligned for all of them.
pub(super) type Block = [u64];

/// The voxels of a block.
pub(super) fn of<T: Number>(block: &Block, len: usize) -> &[T] {
    &bytemuck::cast_slice(block)[..len]
}

/// The same, to be written.
pub(super) fn of_mut<T: Number>(block: &mut Block, len: usize) -> &mut [T] {
    &mut bytemuck::cast_slice_mut(block)[..len]
}

/// The first bytes of a block.
pub(super) fn bytes(block: &Block, len: usize) -> &[u8] {
    &bytemuck::cast_slice(block)[..len]
}

/// The same, to be written.
pub(super) fn bytes_mut(block: &mut Block, len: usize) -> &mut [u8] {
    &mut bytemuck::cast_slice_mut(block)[..len]
}

/// Converts `len` voxels of one type into another.
pub(super) fn convert(from: DType, to: DType, source: &Block, target: &mut Block, len: usize) {
    match to {
        DType::Bool => dispatch_dtype!(from, T => {
            map(of::<T>(source, len), of_mut::<u8>(target, len), |value| u8::from(value.is_true()));
        }),
        _ => dispatch_dtype!(from, T => dispatch_dtype!(to, U => {
            map(of::<T>(source, len), of_mut::<U>(target, len), |value| value.cast::<U>());
        })),
    }
}

/// Runs a loop, compiled for the widest lanes that the machine has: a closure with `inline(always)`, called as `FnMut`.
#[inline(always)]
pub(super) fn wide(run: impl FnMut()) {
    struct Wide<F>(F);
    impl<F: FnMut()> pulp::WithSimd for Wide<F> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(mut self, _simd: S) {
            (self.0)();
        }
    }
    pulp::Arch::new().dispatch(Wide(run));
}

/// `target = op(source)`, voxel by voxel.
#[inline(always)]
pub(super) fn map<T: Copy, U>(source: &[T], target: &mut [U], op: impl Fn(T) -> U) {
    wide(
        #[inline(always)]
        || {
            for (target, &source) in target.iter_mut().zip(source) {
                *target = op(source);
            }
        },
    );
}

/// `target = op(left, right)`, voxel by voxel.
#[inline(always)]
pub(super) fn zip<T: Copy, U>(left: &[T], right: &[T], target: &mut [U], op: impl Fn(T, T) -> U) {
    wide(
        #[inline(always)]
        || {
            for ((target, &a), &b) in target.iter_mut().zip(left).zip(right) {
                *target = op(a, b);
            }
        },
    );
}
