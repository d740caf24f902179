//! A type that holds the values of several, every one of them unchanged: libhdf5 converts what lies in another
//! type, and where that has no room for a value it says nothing and writes another.

use std::path::Path;

use anyhow::{Result, bail};

use crate::volume::DType;

/// The smallest type that holds whatever the types of these files hold; `preferred` where that does.
///
/// # Errors
/// When none does, naming one of the files.
pub fn common_type<'a>(preferred: DType, types: impl Iterator<Item = (DType, &'a Path)>) -> Result<DType> {
    let mut all: Vec<(DType, &Path)> = Vec::new();
    for (dtype, file) in types {
        if !all.iter().any(|(known, _)| *known == dtype) {
            all.push((dtype, file));
        }
    }
    let is_enough = |wide: DType| all.iter().all(|(dtype, _)| holds(wide, *dtype));
    let candidates = std::iter::once(preferred).chain(DType::ALL);
    let smallest =
        candidates.filter(|dtype| is_enough(*dtype)).min_by_key(|dtype| (*dtype != preferred, dtype.num_bytes()));
    match (smallest, all.first(), all.iter().find(|(dtype, _)| *dtype != preferred)) {
        (Some(dtype), ..) => Ok(dtype),
        (None, Some((first, _)), Some((other, file))) => {
            let first = if other == first { preferred } else { *first };
            bail!("{}: is {other} where others are {first}; no type holds the values of all", file.display())
        }
        (None, ..) => Ok(preferred),
    }
}

/// Whether every value of `narrow` is one of `wide`, as libhdf5 converts it.
fn holds(wide: DType, narrow: DType) -> bool {
    // Bits that a float's values have beside the sign: those of the mantissa and the one in front of it.
    let exact_bits = |dtype: DType| match dtype {
        DType::F16 => 11,
        DType::F32 => 24,
        _ => 53,
    };
    match (wide, narrow) {
        _ if wide == narrow => true,
        // It stores them as an enumeration, which it does not convert.
        (DType::Bool, _) | (_, DType::Bool) => false,
        _ if narrow.is_float() => wide.is_float() && exact_bits(wide) >= exact_bits(narrow),
        _ => {
            let (Some([low, high]), bits) = (narrow.integer_range(), 8 * narrow.num_bytes() as u32) else {
                return false;
            };
            match wide.integer_range() {
                Some([wide_low, wide_high]) => wide_low <= low && high <= wide_high,
                None => exact_bits(wide) >= bits - u32::from(low < 0.0) && high < largest(wide),
            }
        }
    }
}

fn largest(float: DType) -> f64 {
    match float {
        DType::F16 => f64::from(half::f16::MAX),
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_type_that_holds_all() {
        let common =
            |preferred, all: &[DType]| common_type(preferred, all.iter().map(|t| (*t, Path::new("0001.h5")))).ok();
        use DType::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        assert_eq!(common(U16, &[U16, U8]), Some(U16));
        assert_eq!(common(U16, &[U16, I16]), Some(I32));
        assert_eq!(common(U16, &[U8]), Some(U16), "what the recording says it is");
        assert_eq!(common(U8, &[U8, U32, I8]), Some(I64));
        assert_eq!(common(F32, &[F32, U16]), Some(F32));
        assert_eq!(common(F32, &[F32, U32]), Some(F64));
        assert_eq!(common(F16, &[F16, U16]), Some(F32));
        assert_eq!(common(F16, &[F16, I8]), Some(F16));
        assert_eq!(common(U64, &[U64, I64]), None);
        assert_eq!(common(Bool, &[Bool, U8]), None);
        let error = common_type(U64, [(U64, Path::new("0.h5")), (I64, Path::new("1.h5"))].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "1.h5: is int64 where others are uint64; no type holds the values of all");
    }
}
