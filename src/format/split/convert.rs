//! Values of a block stored in another type than the rest of the recording, converted only where
//! every single one survives unchanged.

use crate::dispatch_dtype;
use crate::volume::{DType, Voxel};

/// A number that holds any voxel type's values exactly.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Real(f64),
}

trait Exact: Voxel {
    fn number(self) -> Number;
    /// The value in this type, if it has it.
    fn from_number(number: Number) -> Option<Self>;
}

macro_rules! exact_integer {
    ($($T:ty),*) => {$(
        impl Exact for $T {
            fn number(self) -> Number {
                Number::Integer(self as i128)
            }
            fn from_number(number: Number) -> Option<Self> {
                match number {
                    Number::Integer(value) => Self::try_from(value).ok(),
                    // Beyond 2^100 no integer type follows, and the cast below would saturate.
                    Number::Real(value) if value.fract() == 0.0 && value.abs() < 1e30 => Self::try_from(value as i128).ok(),
                    Number::Real(_) => None,
                }
            }
        }
    )*};
}
exact_integer!(u8, i8, u16, i16, u32, i32, u64, i64);

macro_rules! exact_float {
    ($($T:ty, $from:expr, $to:expr);*) => {$(
        impl Exact for $T {
            fn number(self) -> Number {
                Number::Real($to(self))
            }
            fn from_number(number: Number) -> Option<Self> {
                let value = match number {
                    Number::Integer(value) => value as f64,
                    Number::Real(value) => value,
                };
                let mine: Self = $from(value);
                let back: f64 = $to(mine);
                let same = match number {
                    Number::Integer(integer) => back as i128 == integer && back.is_finite(),
                    Number::Real(real) => back == real || (back.is_nan() && real.is_nan()),
                };
                same.then_some(mine)
            }
        }
    )*};
}
exact_float!(
    half::f16, half::f16::from_f64, half::f16::to_f64;
    f32, |value: f64| value as f32, f64::from;
    f64, std::convert::identity, std::convert::identity
);

/// Converts `source`, voxels of type `from`, into `target`, voxels of type `to`. False, with `target` in
/// no particular state, as soon as one value cannot be held.
pub(super) fn convert_exactly(source: &[u8], from: DType, target: &mut [u8], to: DType) -> bool {
    dispatch_dtype!(from, From => dispatch_dtype!(to, To => {
        let values = source.chunks_exact(size_of::<From>()).map(bytemuck::pod_read_unaligned::<From>);
        let slots = target.chunks_exact_mut(size_of::<To>());
        if values.len() != slots.len() {
            return false;
        }
        for (value, slot) in values.zip(slots) {
            let Some(value) = <To as Exact>::from_number(value.number()) else { return false };
            if to == DType::Bool && bytemuck::bytes_of(&value)[0] > 1 {
                return false;
            }
            slot.copy_from_slice(bytemuck::bytes_of(&value));
        }
        true
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_convert_and_everything_else_is_refused() {
        let mut target = [0u8; 4];
        let source = |values: [f64; 2]| bytemuck::cast_slice::<f64, u8>(&values).to_vec();
        assert!(convert_exactly(&source([7.0, 65535.0]), DType::F64, &mut target, DType::U16));
        assert_eq!(bytemuck::pod_read_unaligned::<[u16; 2]>(&target), [7, 65535]);
        for bad in [0.5, -1.0, 65536.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(!convert_exactly(&source([1.0, bad]), DType::F64, &mut target, DType::U16), "{bad}");
        }
        let big = u64::MAX.to_le_bytes();
        assert!(!convert_exactly(&big, DType::U64, &mut [0; 8], DType::F64));
        assert!(!convert_exactly(&big, DType::U64, &mut [0; 8], DType::I64));
        assert!(convert_exactly(&(1u64 << 60).to_le_bytes(), DType::U64, &mut [0; 8], DType::F64));
        assert!(!convert_exactly(&[2], DType::U8, &mut [0], DType::Bool));
        assert!(!convert_exactly(&[1, 2], DType::U8, &mut [0], DType::U8));
        let nan = f32::NAN.to_le_bytes();
        assert!(convert_exactly(&nan, DType::F32, &mut [0; 8], DType::F64));
    }
}
