//! `intensity`: mean, standard deviation (of the population), extent and percentiles of a plane, in counts, over
//! its finite voxels. Exact; percentiles by linear interpolation as numpy's default.

use super::counts::Counts;
use super::{NUM_SCALES, PlaneRow};
use crate::volume::percentiles;

/// The percentiles kept.
pub const PERCENTS: [f64; 3] = [1.0, 50.0, 99.0];

/// The measures of a plane of integers: a value is its code plus `base`.
pub fn of_counts(counts: &Counts, base: i32) -> PlaneRow {
    let there = PlaneRow { is_there: true, ..PlaneRow::ABSENT };
    let Some(extent) = counts.extent() else { return there };
    let base = f64::from(base);
    let num = counts.num();
    let [sum, squares] = counts.sums();
    // Whole numbers to the end: nothing cancels.
    let spread = u128::from(num) * u128::from(squares) - u128::from(sum) * u128::from(sum);
    PlaneRow {
        mean: (sum as f64 / num as f64 + base) as f32,
        std: ((spread as f64).sqrt() / num as f64) as f32,
        percentiles: counts.percentiles(PERCENTS).map(|value| (value + base) as f32),
        range: extent.map(|code| (f64::from(code) + base) as f32),
        ..there
    }
}

/// The measures of a plane of any numbers. `finite` holds those of the plane that are finite, and is reordered.
pub fn of_reals(finite: &mut Vec<f64>) -> PlaneRow {
    let there = PlaneRow { is_there: true, ..PlaneRow::ABSENT };
    let num = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / num;
    let variance = finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / num;
    let Some(percentiles) = percentiles(finite, PERCENTS) else { return there };
    let range = finite.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [v.min(a), v.max(b)]);
    PlaneRow {
        mean: known(mean),
        std: known(variance.sqrt()),
        percentiles: percentiles.map(known),
        range: range.map(known),
        ..there
    }
}

/// Voxels with each of the values that may be the full scale.
pub fn at_scale_of_counts(counts: &Counts, base: i32, scales: &[Option<f64>; NUM_SCALES]) -> [u32; NUM_SCALES] {
    scales.map(|scale| {
        let code = scale.map(|scale| scale as i32 - base).and_then(|code| u16::try_from(code).ok());
        code.map_or(0, |code| counts.of(code))
    })
}

/// Voxels with each of the values that may be the full scale.
pub fn at_scale_of_reals(values: &[f64], scales: &[Option<f64>; NUM_SCALES]) -> [u32; NUM_SCALES] {
    scales.map(|scale| scale.map_or(0, |scale| values.iter().filter(|value| **value == scale).count() as u32))
}

/// What is too large for the table counts as not had.
pub fn known(value: f64) -> f32 {
    let value = value as f32;
    if value.is_finite() { value } else { f32::NAN }
}
