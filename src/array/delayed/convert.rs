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
            each(of::<T>(source, len), of_mut::<u8>(target, len), |value| u8::from(value.is_true()));
        }),
        _ => dispatch_dtype!(from, T => dispatch_dtype!(to, U => {
            each(of::<T>(source, len), of_mut::<U>(target, len), |value| cast::<T, U>(from, value));
        })),
    }
}

#[inline(always)]
fn cast<T: Number, U: Number>(from: DType, value: T) -> U {
    match from {
        // The type is known where this is inlined: nothing is decided here for a single voxel.
        DType::F64 => U::of_f64(value.to_f64()),
        DType::F16 | DType::F32 => U::of_f32(value.to_f32()),
        DType::U64 => U::of_u64(value.to_u64()),
        _ => U::of_i64(value.to_i64()),
    }
}

#[inline(always)]
fn each<T: Copy, U>(source: &[T], target: &mut [U], mut change: impl FnMut(T) -> U) {
    for (target, &source) in target.iter_mut().zip(source) {
        *target = change(source);
    }
}
