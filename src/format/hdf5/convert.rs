//! Values of one type as another by the rules of HDF5: what does not fit becomes the nearest value that does, and
//! real numbers lose what stands behind the point. Where the library's own answer depends on how it was built (the
//! smallest value beyond a type's largest, numbers of half precision), it is that of IEEE 754 and of saturation.

use crate::dispatch_dtype;
use crate::volume::{DType, Voxel};

/// Whether HDF5 converts one type into another at all: nothing becomes a truth value but a truth value.
pub fn is_convertible(from: DType, to: DType) -> bool {
    from == to || to != DType::Bool
}

/// Converts the voxels of `source` into those of `target`, both little-endian and of the same number.
pub fn convert(source: &[u8], from: DType, target: &mut [u8], to: DType) {
    if from == to {
        target.copy_from_slice(source);
        return;
    }
    dispatch_dtype!(from, From => dispatch_dtype!(to, To => {
        let values = source.chunks_exact(size_of::<From>()).map(bytemuck::pod_read_unaligned::<From>);
        for (value, slot) in values.zip(target.chunks_exact_mut(size_of::<To>())) {
            slot.copy_from_slice(bytemuck::bytes_of(&<To as Converted>::of(value.number())));
        }
    }));
}

/// A number that holds any voxel type's values exactly.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Real(f64),
}

trait Converted: Voxel {
    fn number(self) -> Number;
    fn of(number: Number) -> Self;
}

macro_rules! integer {
    ($($T:ty),*) => {$(
        impl Converted for $T {
            fn number(self) -> Number {
                Number::Integer(self as i128)
            }
            fn of(number: Number) -> Self {
                match number {
                    Number::Integer(value) => value.clamp(Self::MIN as i128, Self::MAX as i128) as Self,
                    Number::Real(value) => value as Self,
                }
            }
        }
    )*};
}
integer!(u8, i8, u16, i16, u32, i32, u64, i64);

impl Converted for half::f16 {
    fn number(self) -> Number {
        Number::Real(self.to_f64())
    }

    fn of(number: Number) -> Self {
        match number {
            Number::Integer(value) => Self::from_f64(value as f64),
            Number::Real(value) => Self::from_f64(value),
        }
    }
}

impl Converted for f32 {
    fn number(self) -> Number {
        Number::Real(f64::from(self))
    }

    fn of(number: Number) -> Self {
        match number {
            Number::Integer(value) => value as Self,
            // What lies beyond the largest value is not rounded back to it.
            Number::Real(value) if value.abs() > f64::from(Self::MAX) => Self::INFINITY.copysign(value as Self),
            Number::Real(value) => value as Self,
        }
    }
}

impl Converted for f64 {
    fn number(self) -> Number {
        Number::Real(self)
    }

    fn of(number: Number) -> Self {
        match number {
            Number::Integer(value) => value as Self,
            Number::Real(value) => value,
        }
    }
}

#[cfg(test)]
#[allow(unsafe_code, clippy::unwrap_used)]
mod tests {
    use hdf5_sys::h5p::H5P_DEFAULT;
    use hdf5_sys::h5t::{
        H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_U8LE,
        H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE, H5Tclose, H5Tconvert, H5Tcopy, H5Tset_ebias, H5Tset_fields,
        H5Tset_precision, H5Tset_size,
    };

    use super::super::library::{Handle, locked};
    use super::*;

    fn through_library(source: &[u8], from: DType, to: DType) -> Vec<u8> {
        let num = source.len() / from.num_bytes();
        let mut bytes = source.to_vec();
        bytes.resize(num * from.num_bytes().max(to.num_bytes()), 0);
        locked(|library| {
            // SAFETY: the lock is held, the types are open, the buffer has room for either.
            unsafe {
                let half = Handle::new(library, H5Tcopy(*H5T_IEEE_F32LE), H5Tclose).unwrap();
                assert!(H5Tset_fields(half.id(), 15, 10, 5, 0, 10) >= 0 && H5Tset_precision(half.id(), 16) >= 0);
                assert!(H5Tset_ebias(half.id(), 15) >= 0 && H5Tset_size(half.id(), 2) >= 0);
                let id = |dtype| match dtype {
                    DType::Bool | DType::U8 => *H5T_STD_U8LE,
                    DType::I8 => *H5T_STD_I8LE,
                    DType::U16 => *H5T_STD_U16LE,
                    DType::I16 => *H5T_STD_I16LE,
                    DType::U32 => *H5T_STD_U32LE,
                    DType::I32 => *H5T_STD_I32LE,
                    DType::U64 => *H5T_STD_U64LE,
                    DType::I64 => *H5T_STD_I64LE,
                    DType::F16 => half.id(),
                    DType::F32 => *H5T_IEEE_F32LE,
                    DType::F64 => *H5T_IEEE_F64LE,
                };
                let data = bytes.as_mut_ptr().cast();
                assert!(H5Tconvert(id(from), id(to), num, data, std::ptr::null_mut(), H5P_DEFAULT) >= 0);
            }
        });
        bytes.truncate(num * to.num_bytes());
        bytes
    }

    /// Values at and around every limit there is, as the type holds them.
    fn edges(dtype: DType) -> Vec<u8> {
        let mut all =
            vec![0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 0.999, 1e-5, 6e-8, 3e-8, 1e-40, 1e-320, 2049.0];
        for bits in [7, 8, 10, 11, 15, 16, 23, 24, 25, 31, 32, 52, 53, 62, 63, 64] {
            let power = 2f64.powi(bits);
            all.extend([
                power - 1.0,
                power,
                power + 1.0,
                -power + 1.0,
                -power,
                -power - 1.0,
                power * 1.0001,
                power * 1.5,
            ]);
        }
        all.extend([
            65503.0,
            65504.0,
            65519.0,
            65520.0,
            65536.0,
            1e6,
            3.4e38,
            f64::from(f32::MAX),
            3.402_823_5e38,
            1e39,
        ]);
        all.extend([
            f64::INFINITY,
            f64::NEG_INFINITY,
            123_456_789.123,
            -0.1,
            1.0 + 2f64.powi(-11),
            1.0 + 3.0 * 2f64.powi(-11),
        ]);
        dispatch_dtype!(dtype, T => all.iter().flat_map(|&value| {
            bytemuck::bytes_of(&<T as Converted>::of(Number::Real(value))).to_vec()
        }).collect())
    }

    /// Where the library asks the compiler for what C leaves undefined, or rounds in its own way.
    fn is_left_open(value: &[u8], from: DType, to: DType) -> bool {
        let is_beyond =
            |value: f64| to.integer_range().is_some_and(|[_, max]| value == max.next_up() || value == max + 1.0);
        let is_edge = dispatch_dtype!(from, T => match bytemuck::pod_read_unaligned::<T>(value).number() {
            Number::Integer(_) => false,
            Number::Real(value) => is_beyond(value),
        });
        is_edge || to == DType::F16 || from == DType::F16
    }

    #[test]
    fn half_precision_is_rounded_as_ieee_does() {
        let values = [2049.0f64, 65519.0, 65520.0, -0.1, 6e-8];
        let mut halves = [0; 10];
        convert(bytemuck::cast_slice(&values), DType::F64, &mut halves, DType::F16);
        let halves = bytemuck::pod_read_unaligned::<[half::f16; 5]>(&halves);
        assert_eq!(halves, values.map(half::f16::from_f64));
        let mut whole = [9; 5];
        convert(bytemuck::cast_slice(&halves), DType::F16, &mut whole, DType::I8);
        assert_eq!(bytemuck::cast::<_, [i8; 5]>(whole), [127, 127, 127, 0, 0]);
    }

    #[test]
    fn every_value_is_what_the_library_makes_of_it() {
        let types = DType::ALL.into_iter().filter(|dtype| *dtype != DType::Bool);
        let mut differing = Vec::new();
        for from in types.clone() {
            for to in types.clone() {
                let source = edges(from);
                let mut mine = vec![0; source.len() / from.num_bytes() * to.num_bytes()];
                convert(&source, from, &mut mine, to);
                let theirs = through_library(&source, from, to);
                for (i, (a, b)) in mine.chunks(to.num_bytes()).zip(theirs.chunks(to.num_bytes())).enumerate() {
                    let value = &source[i * from.num_bytes()..][..from.num_bytes()];
                    if a != b && !is_left_open(value, from, to) {
                        differing.push(format!("{from} {value:02x?} as {to}: {a:02x?}, {b:02x?}"));
                    }
                }
            }
        }
        assert!(differing.is_empty(), "{}\n{}", differing.len(), differing.join("\n"));
    }
}
