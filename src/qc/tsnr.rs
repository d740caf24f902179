//! `tsnr`: mean over standard deviation (of the population), both over t and of raw values, of every voxel that is
//! followed; of a plane the median over its voxels. Those that are hardly lit (mean below offset + 3 × read noise)
//! and those that never change are left out.

use serde::{Deserialize, Serialize};

use super::references::Scale;
use super::{References, State, Values};

/// Sums over t of some voxels: of their values as they are counted in ([`Scale`]), and of the squares of these.
/// Whole numbers of 16 bits give exact sums for two million timepoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VoxelSums {
    /// Timepoints added.
    pub num: u32,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl VoxelSums {
    /// Nothing has been added of so many voxels.
    pub fn new(num_voxels: usize) -> Self {
        Self { num: 0, sums: vec![0.0; num_voxels], squares: vec![0.0; num_voxels] }
    }

    /// Voxels.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Adds a timepoint.
    pub fn add(&mut self, values: &Values<'_>, scale: &Scale) {
        if values.len() != self.len() {
            return;
        }
        self.num += 1;
        let cells = self.sums.iter_mut().zip(&mut self.squares);
        let add = |(sum, squares): (&mut f64, &mut f64), value: f64| {
            *sum += value;
            *squares += value * value;
        };
        match values {
            Values::Codes { codes, .. } => cells.zip(*codes).for_each(|(cell, code)| add(cell, f64::from(*code))),
            Values::Reals(values) => cells.zip(*values).for_each(|(cell, value)| add(cell, *value - scale.zero)),
        }
    }

    /// Adds what another shard summed.
    pub fn merge(&mut self, other: &Self) {
        self.num += other.num;
        self.sums.iter_mut().zip(&other.sums).for_each(|(a, b)| *a += b);
        self.squares.iter_mut().zip(&other.squares).for_each(|(a, b)| *a += b);
    }

    /// Means over t, in counts.
    pub fn means<'a>(&'a self, scale: &'a Scale) -> impl Iterator<Item = f64> + 'a {
        self.sums.iter().map(|sum| sum / f64::from(self.num) + scale.zero)
    }

    /// Mean and standard deviation over t, in counts.
    pub fn moments<'a>(&'a self, scale: &'a Scale) -> impl Iterator<Item = [f64; 2]> + 'a {
        let num = f64::from(self.num);
        self.sums.iter().zip(&self.squares).map(move |(sum, squares)| {
            let spread = (num * squares - sum * sum).max(0.0);
            // What is left of two numbers that should be equal is rounding.
            let spread = if spread <= num * squares * 1e-14 { 0.0 } else { spread };
            [sum / num + scale.zero, spread.sqrt() / num]
        })
    }

    /// Mean over standard deviation of every voxel; NaN for one that is hardly lit, never changes or was not always
    /// a number.
    pub fn ratios<'a>(&'a self, references: &'a References) -> impl Iterator<Item = f64> + 'a {
        let least = references.offset + 3.0 * references.read_noise.unwrap_or(0.0);
        self.moments(&references.scale).map(move |[mean, std]| {
            let ratio = mean / std;
            if mean >= least && ratio.is_finite() { ratio } else { f64::NAN }
        })
    }
}

/// The median of every plane; NaN where there is none.
pub fn of(references: &References, state: &State) -> Result<Vec<f64>, String> {
    if state.planes.iter().all(|plane| plane.sums.num < 2) {
        return Err("needs two timepoints".to_owned());
    }
    let medians: Vec<f64> = state.planes.iter().map(|plane| median(plane.sums.ratios(references))).collect();
    if medians.iter().all(|median| median.is_nan()) {
        return Err("no voxel is lit and changes over time".to_owned());
    }
    Ok(medians)
}

/// Median of those that are numbers, as numpy's; NaN of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    crate::volume::percentiles(&mut values, [50.0]).map_or(f64::NAN, |[median]| median)
}
