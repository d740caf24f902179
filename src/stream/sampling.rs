//! A sample of the whole recording, for the first contrast: read once, in the background, then fixed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::loader::{Shared, guarded};
use super::plan::Wanted;
use crate::array::{LazyArray, Loaded};
use crate::volume::{Histogram, LayerId, measured_values, percentiles};

/// Pieces of the recording looked at.
const NUM_PLACES: usize = 64;
/// Decoded bytes the sample may cost.
pub(super) const MAX_SAMPLE_BYTES: usize = 512 << 20;
/// Values taken altogether.
pub(super) const MAX_VALUES: usize = 1 << 20;
/// Bins of the histogram.
const NUM_BINS: usize = 256;

/// What values a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Counts over a range somewhat wider than the percentiles; what lies outside is in the end bins.
    pub histogram: Histogram,
    /// The 0.1th and the 99.9th percentile; the smallest and the largest value where these two are the same.
    pub percentiles: [f64; 2],
    /// Smallest value seen.
    pub min: f64,
    /// Largest value seen.
    pub max: f64,
    /// Number of values the sample is made of.
    pub num_voxels: usize,
}

impl Sample {
    /// Summarises values; `None` if there is no finite one among them. `is_integer` gives integers bins of
    /// whole numbers where there are few.
    pub fn of(mut values: Vec<f64>, is_integer: bool) -> Option<Self> {
        values.retain(|value| value.is_finite());
        let [min, low, high, max] = percentiles(&mut values, [0.0, 0.1, 99.9, 100.0])?;
        // Almost all of one value, as masks and sparse data are: what differs is what is to be seen.
        let [low, high] = if low < high { [low, high] } else { [min, max] };
        // Half as much again on either side, so that the limits can be dragged beyond the percentiles.
        let margin = high / 2.0 - low / 2.0;
        let mut range = [(low - margin).max(min), (high + margin).min(max)];
        if is_integer {
            let width = ((range[1] - range[0] + 1.0) / NUM_BINS as f64).ceil().max(1.0);
            range[0] = range[0].floor();
            range[1] = range[0] + width * NUM_BINS as f64;
        }
        let histogram = Histogram::of(values.iter().copied(), range, NUM_BINS);
        Some(Self { histogram, percentiles: [low, high], min, max, num_voxels: values.len() })
    }
}

/// Why there is no sample and will be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSample {
    /// Nothing of what was looked at can be read.
    Unreadable,
    /// What was looked at holds no finite number.
    NotFinite,
}

/// A sample being taken of one recording. Its chunks are read once: what changes on disk afterwards does
/// not change it.
pub(super) struct Sampling {
    /// Chunks not read yet, last first.
    pub(super) places: Vec<Wanted>,
    values: Vec<f64>,
    num_left: usize,
    values_per_chunk: usize,
    is_integer: bool,
    is_void: bool,
    /// Whether any voxel has been read, whatever its value.
    has_read: bool,
    done: Option<Arc<Sample>>,
}

impl Sampling {
    /// Chooses chunks spread over time, depth and the plane.
    pub(super) fn new(array: &LazyArray) -> Self {
        let shape = array.info().shape;
        let item = array.info().dtype.num_bytes();
        let (mut chosen, mut places, mut left) = (BTreeSet::new(), Vec::new(), MAX_SAMPLE_BYTES);
        for i in 0..NUM_PLACES {
            // Each axis is walked evenly, in an order of its own: the first few places are already spread.
            let along = |axis: usize, factor: f64| {
                let place = ((i as f64 + 0.5) * factor).fract();
                ((place * shape[axis] as f64) as usize).min(shape[axis].saturating_sub(1))
            };
            // Powers of 1/φ of rising dimension: no two axes walk in step.
            let corner = [0.618_033_988_7, 0.754_877_666_2, 0.569_840_290_9, 0.819_172_513_4];
            let voxel = [0, 1, 2, 3].map(|axis| along(axis, corner[axis]));
            let Some(chunk) = array.chunk_at(voxel) else { continue };
            let piece = Wanted::new(chunk.key, &chunk.region, item);
            if piece.num_bytes <= left && chosen.insert(piece.key) {
                left -= piece.num_bytes;
                places.push(piece);
            }
        }
        // Taken from the end.
        places.reverse();
        Self {
            is_void: places.is_empty(),
            has_read: false,
            values: Vec::new(),
            num_left: places.len(),
            values_per_chunk: MAX_VALUES / places.len().max(1),
            is_integer: !array.info().dtype.is_float(),
            done: None,
            places,
        }
    }

    /// Whether there was nothing to take a sample of.
    pub(super) fn is_void(&self) -> bool {
        self.is_void
    }

    /// Why there will be no sample, once that is certain.
    pub(super) fn failure(&self) -> Option<NoSample> {
        let reason = if self.has_read { NoSample::NotFinite } else { NoSample::Unreadable };
        self.is_void.then_some(reason)
    }

    /// The sample, once all of it is in.
    pub(super) fn done(&self) -> Option<Arc<Sample>> {
        self.done.clone()
    }

    /// One more chunk is settled; all values, once it was the last.
    fn settle(&mut self, values: Vec<f64>) -> Option<Vec<f64>> {
        self.has_read |= !values.is_empty();
        self.values.extend(values);
        self.num_left = self.num_left.saturating_sub(1);
        let is_last = self.num_left == 0 && self.done.is_none() && !self.is_void;
        is_last.then(|| std::mem::take(&mut self.values))
    }
}

impl Shared {
    /// Takes the values of one chunk, or notes that it cannot be had; true if that completed the sample. No
    /// lock is held while values are gathered and sorted.
    pub(super) fn add_to_sample(&self, layer: LayerId, loaded: Option<&Loaded>) -> bool {
        let per_chunk = {
            let state = self.state.lock();
            let Some(layer) = state.layer(layer) else { return false };
            layer.sampling.values_per_chunk.max(1)
        };
        let gather = |loaded: &Loaded| {
            let num_voxels = loaded.voxels.shape().num_voxels().unwrap_or(0);
            // An odd step does not walk along the columns of an even width.
            measured_values(&loaded.voxels, num_voxels.div_ceil(per_chunk) | 1)
        };
        let values = loaded.and_then(|loaded| guarded(|| gather(loaded))).unwrap_or_default();
        let (values, is_integer) = {
            let mut state = self.state.lock();
            let Some(layer) = state.layer_mut(layer) else { return false };
            let Some(values) = layer.sampling.settle(values) else { return false };
            (values, layer.sampling.is_integer)
        };
        let sample = guarded(|| Sample::of(values, is_integer)).flatten().map(Arc::new);
        let mut state = self.state.lock();
        let Some(layer) = state.layer_mut(layer) else { return false };
        layer.sampling.is_void = sample.is_none();
        layer.sampling.done = sample;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_pixel_does_not_ruin_the_range() {
        let mut values: Vec<f64> = (0..100_000).map(|i| 100.0 + f64::from(i % 200)).collect();
        values.push(65535.0);
        let sample = Sample::of(values, true).expect("values");
        assert_eq!(sample.percentiles, [100.0, 299.0]);
        assert_eq!(sample.max, 65535.0);
        assert!(sample.histogram.range[1] < 700.0, "{:?}", sample.histogram.range);
        assert_eq!(sample.histogram.num_values(), 100_001);
    }

    #[test]
    fn nothing_is_no_sample() {
        assert_eq!(Sample::of(vec![f64::NAN, f64::INFINITY], false), None);
        let infinite = Sample::of(vec![1.0, f64::INFINITY, 3.0, f64::NEG_INFINITY], false).expect("two values");
        assert_eq!((infinite.min, infinite.max), (1.0, 3.0));
    }
}
