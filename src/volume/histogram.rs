//! Histograms and percentiles of voxels in memory.

use super::{Voxel, Voxels};

/// Counts of values in equal bins over a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Lower edge of the first bin and upper edge of the last.
    pub range: [f64; 2],
    /// Values in each bin. What lies outside the range is counted in the first or last.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts values; NaN is left out. An empty range is widened, so that a constant image has a bin.
    pub fn of(values: impl IntoIterator<Item = f64>, range: [f64; 2], num_bins: usize) -> Self {
        let [low, high] = range;
        // One next to a large number is nothing.
        let high = if high > low { high } else { low + (low.abs() * 1e-6).max(1.0) };
        let mut counts = vec![0; num_bins.max(1)];
        let last = counts.len() - 1;
        // By halves, where the span is larger than the largest number.
        let unit = if (high - low).is_finite() { 1.0 } else { 0.5 };
        let scale = counts.len() as f64 / (high * unit - low * unit);
        for value in values.into_iter().filter(|v| !v.is_nan()) {
            // The cast saturates: below the range is bin 0, above it the last.
            counts[(((value * unit - low * unit) * scale) as usize).min(last)] += 1;
        }
        Self { range: [low, high], counts }
    }

    /// Number of values counted.
    pub fn num_values(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// numpy's `percentile(values, percents)` with linear interpolation, over the values that are not NaN.
/// Reorders `values`. `None` where there are none.
pub fn percentiles<const N: usize>(values: &mut Vec<f64>, percents: [f64; N]) -> Option<[f64; N]> {
    values.retain(|v| !v.is_nan());
    if values.is_empty() {
        return None;
    }
    let last = values.len() - 1;
    Some(percents.map(|percent| {
        let position = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
        let below = position.floor() as usize;
        let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
        let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
        let share = position - below as f64;
        // Halfway between equal infinities is not NaN, nor is the distance of huge numbers infinite.
        match high - low {
            _ if high == low => low,
            span if span.is_finite() => low + span * share,
            _ => low * (1.0 - share) + high * share,
        }
    }))
}

/// Every `step`-th measured value of an array as doubles, in order.
pub fn measured_values(voxels: &Voxels, step: usize) -> Vec<f64> {
    let dims = voxels.shape().dims();
    let is_measured = |i: usize| voxels.is_measured(&super::unravel(i as u64, dims)[..dims.len()]);
    // What cannot be had is known once it has been asked for.
    voxels.fetch();
    let all = voxels.missing().is_empty();
    crate::dispatch_dtype!(voxels.dtype(), T => {
        let values = voxels.values::<T>().iter().enumerate().step_by(step.max(1));
        values.filter(|(i, _)| all || is_measured(*i)).map(|(_, v)| Voxel::to_f64(*v)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Buffer, DType, Region, Shape};

    #[test]
    fn percentiles_are_numpys() {
        // np.percentile([15, 20, 35, 40, 50], [0, 5, 30, 40, 50, 100])
        let mut values = vec![50.0, 20.0, f64::NAN, 35.0, 15.0, 40.0];
        let result = percentiles(&mut values, [0.0, 5.0, 30.0, 40.0, 50.0, 100.0]).expect("not empty");
        for (a, b) in result.iter().zip([15.0, 16.0, 23.0, 29.0, 35.0, 50.0]) {
            assert!((a - b).abs() < 1e-9, "{a} for {b}");
        }
        assert_eq!(percentiles(&mut vec![f64::NAN], [50.0]), None);
        assert_eq!(percentiles(&mut vec![7.0], [0.1, 99.9]), Some([7.0, 7.0]));
        assert_eq!(percentiles(&mut vec![f64::MAX, f64::MIN], [0.0, 50.0, 100.0]), Some([f64::MIN, 0.0, f64::MAX]));
    }

    #[test]
    fn every_value_is_counted_once() {
        let histogram = Histogram::of([0.0, 0.5, 1.0, 2.0, -9.0, 1e9, f64::NAN], [0.0, 2.0], 4);
        assert_eq!(histogram.counts, [2, 1, 1, 2]);
        assert_eq!(Histogram::of([5.0; 3], [5.0, 5.0], 256).num_values(), 3);
        let huge = Histogram::of([-1.7e308, 0.0, 1e300, 1.7e308], [-1.7e308, 1.7e308], 4);
        assert_eq!(huge.counts, [1, 0, 2, 1]);
        let constant = Histogram::of([1e300; 3], [1e300, 1e300], 4);
        assert!(constant.range[1] > constant.range[0]);
    }

    #[test]
    fn missing_voxels_are_left_out() {
        let mut buffer = Buffer::unpooled(6);
        buffer.bytes_mut().copy_from_slice(&[0, 1, 2, 3, 4, 5]);
        let missing = vec![Region::new(&[0, 1], &[2, 2]).expect("valid")];
        let voxels = Voxels::new(DType::U8, Shape::from([2, 3]), buffer, missing);
        assert_eq!(measured_values(&voxels, 1), [0.0, 2.0, 3.0, 5.0]);
        assert_eq!(measured_values(&voxels, 2), [0.0, 2.0]);
    }
}
