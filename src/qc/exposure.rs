//! `underexposed`: what is known of the dark end of the camera. Its offset is the 0.1 percentile of the first volume
//! of which anything is there; its read noise the deviation of single values at the lowest levels of light
//! ([`super::levels`]), where a value and the same one timepoint later differ by nothing else.

use super::counts::Counts;
use super::levels::Levels;
use super::references::Scale;
use super::{Plane, Subject, Values};
use crate::volume::percentiles;

/// Percentile of a volume that counts as the camera's offset.
const OFFSET_PERCENT: f64 = 0.1;
/// Share of all pairs of values that the read noise is taken from.
const DARK_SHARE: f64 = 0.01;
/// Pairs it needs at least.
const LEAST_PAIRS: u64 = 100;
/// Reals of a volume that are looked at, at most: of larger volumes every n-th.
const MOST_REALS: usize = 1 << 20;
/// Steps that the extent of fractional reals is divided into.
const NUM_STEPS: f64 = 8192.0;

/// The values of the first volume.
#[derive(Default)]
pub struct DarkEnd {
    counts: Counts,
    base: i32,
    reals: Vec<f64>,
    every: usize,
}

impl DarkEnd {
    /// Nothing has been seen.
    pub fn new(subject: &Subject) -> Self {
        let num: usize = subject.shape[1..].iter().product();
        Self { every: num.div_ceil(MOST_REALS).max(1), ..Self::default() }
    }

    /// Takes in some planes.
    pub fn add(&mut self, planes: &[Plane<'_>]) {
        for values in planes.iter().filter_map(|plane| plane.values) {
            match values {
                Values::Codes { codes, base } => {
                    self.base = base;
                    self.counts.add(codes);
                }
                Values::Reals(values) => {
                    self.reals.extend(values.iter().step_by(self.every).filter(|value| value.is_finite()));
                }
            }
        }
    }

    /// The camera's offset and the steps in which values are counted, or nothing where nothing was seen.
    pub fn close(&mut self) -> Option<(f64, Scale)> {
        if self.counts.num() > 0 {
            self.counts.close();
            let base = f64::from(self.base);
            let [offset] = self.counts.percentiles([OFFSET_PERCENT]);
            return Some((offset + base, Scale { zero: base, unit: 1.0, step: 1.0 }));
        }
        let scale = scale_of(&self.reals);
        let [offset] = percentiles(&mut self.reals, [OFFSET_PERCENT])?;
        Some((offset, scale))
    }
}

/// Whole numbers are counted as they are, others in steps that divide their extent.
fn scale_of(values: &[f64]) -> Scale {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (v.min(a), v.max(b)));
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return Scale { zero: if low.is_finite() { low.floor() } else { 0.0 }, unit: 1.0, step: 1.0 };
    }
    let power = |value: f64| value.log2().ceil().exp2();
    let is_whole = values.iter().all(|value| value.fract() == 0.0);
    let unit = if is_whole { power(span / NUM_STEPS).max(1.0) } else { power(span / NUM_STEPS) };
    let step = if is_whole && unit == 1.0 { 1.0 } else { unit / 16.0 };
    Scale { zero: ((low - span / 2.0) / unit).floor() * unit, unit, step }
}

/// Read noise, counts; nothing where the darkest voxels never change or there is nothing to compare.
pub fn read_noise(levels: &Levels, scale: &Scale) -> Option<f64> {
    let variance = levels.darkest_variance(DARK_SHARE, LEAST_PAIRS)?;
    Some(variance.sqrt() * scale.unit).filter(|noise| *noise > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_reals_suit_whole_numbers_and_small_fractions() {
        let whole = scale_of(&[100.0, 600.0]);
        assert_eq!((whole.unit, whole.step, whole.zero), (1.0, 1.0, -150.0));
        let fraction = scale_of(&[0.0, 0.25, 1.0]);
        assert_eq!(fraction.unit, 1.0 / 8192.0);
        assert_eq!(fraction.zero, -0.5);
        assert!(scale_of(&[3.5]).zero.is_finite() && scale_of(&[]).zero.is_finite());
        assert!(scale_of(&[f64::MIN, f64::MAX]).unit.is_finite());
    }
}
