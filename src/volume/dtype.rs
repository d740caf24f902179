//! The types a voxel can be stored as.

use std::fmt;

/// Storage type of a voxel, always little-endian in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl DType {
    /// All types.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one voxel.
    pub fn num_bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// numpy's name: "uint16".
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Short name for tight places: "u16".
    pub fn short_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// numpy's array-protocol string, as an .npy header holds it: "<u2".
    pub fn npy_descr(self) -> &'static str {
        match self {
            Self::Bool => "|b1",
            Self::U8 => "|u1",
            Self::I8 => "|i1",
            Self::U16 => "<u2",
            Self::I16 => "<i2",
            Self::U32 => "<u4",
            Self::I32 => "<i4",
            Self::U64 => "<u8",
            Self::I64 => "<i8",
            Self::F16 => "<f2",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// Whether values are floating point, and so may be NaN.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// Smallest and largest value an integer type can hold; `None` for floats.
    pub fn integer_range(self) -> Option<[f64; 2]> {
        Some(match self {
            Self::Bool => [0.0, 1.0],
            Self::U8 => [0.0, u8::MAX as f64],
            Self::I8 => [i8::MIN as f64, i8::MAX as f64],
            Self::U16 => [0.0, u16::MAX as f64],
            Self::I16 => [i16::MIN as f64, i16::MAX as f64],
            Self::U32 => [0.0, u32::MAX as f64],
            Self::I32 => [i32::MIN as f64, i32::MAX as f64],
            Self::U64 => [0.0, u64::MAX as f64],
            Self::I64 => [i64::MIN as f64, i64::MAX as f64],
            Self::F16 | Self::F32 | Self::F64 => return None,
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that stores one voxel.
pub trait Voxel: bytemuck::Pod + PartialOrd + Send + Sync + 'static {
    /// Whether voxels of `dtype` are stored as this type.
    fn stores(dtype: DType) -> bool;
    /// The value as a double; exact for all types but 64-bit integers beyond 2^53.
    fn to_f64(self) -> f64;
    /// The value in single precision, as the GPU sees types it has no texture for.
    fn to_f32(self) -> f32;
}

macro_rules! impl_voxel {
    ($($T:ty: $($dtype:ident)|+),*) => {$(
        impl Voxel for $T {
            fn stores(dtype: DType) -> bool {
                matches!(dtype, $(DType::$dtype)|+)
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    )*};
}
impl_voxel!(
    u8: Bool | U8, i8: I8, u16: U16, i16: I16, u32: U32, i32: I32, u64: U64, i64: I64, f32: F32, f64: F64
);

impl Voxel for half::f16 {
    fn stores(dtype: DType) -> bool {
        dtype == DType::F16
    }
    fn to_f64(self) -> f64 {
        half::f16::to_f64(self)
    }
    fn to_f32(self) -> f32 {
        half::f16::to_f32(self)
    }
}
