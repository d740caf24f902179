//! `--fill`: what stands for a missing voxel.

use anyhow::{Result, bail};

use crate::volume::DType;

/// The bytes of one voxel of a value given as text.
///
/// # Errors
/// If the type cannot hold the value.
pub(in crate::cli) fn parse_fill(text: &str, dtype: DType) -> Result<Vec<u8>> {
    let text = text.trim();
    if let Some([low, high]) = dtype.integer_range() {
        let value = match text {
            "true" | "True" if dtype == DType::Bool => Some(1),
            "false" | "False" if dtype == DType::Bool => Some(0),
            _ => text.parse::<i128>().ok(),
        };
        // The ends of the 64-bit types are no doubles, so these are checked by conversion.
        let fits = |value: &i128| match dtype {
            DType::U64 => u64::try_from(*value).is_ok(),
            DType::I64 => i64::try_from(*value).is_ok(),
            _ => (low as i128..=high as i128).contains(value),
        };
        let Some(value) = value.filter(fits) else { bail!("{text} is no {dtype}") };
        return Ok(value.to_le_bytes()[..dtype.num_bytes()].to_vec());
    }
    let Ok(value) = text.parse::<f64>() else { bail!("{text} is no {dtype}") };
    Ok(match dtype {
        DType::F16 => half::f16::from_f64(value).to_le_bytes().to_vec(),
        DType::F32 => (value as f32).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    })
}
