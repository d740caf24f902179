//! `intensity`: mean, standard deviation and percentiles of a plane.

use super::{PlaneRow, Values};

/// Measures a plane that is wholly there.
pub fn measure(values: &Values<'_>) -> PlaneRow {
    let num = values.len();
    let (mut sum, mut squares) = (0.0, 0.0);
    for i in 0..num {
        let value = values.at(i);
        sum += value;
        squares += value * value;
    }
    let mean = sum / num as f64;
    let std = (squares / num as f64 - mean * mean).max(0.0).sqrt();
    PlaneRow { is_there: true, mean: mean as f32, std: std as f32, ..PlaneRow::ABSENT }
}
