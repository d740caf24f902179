//! What is still true of a recording after it grew or was written anew in places. Costs what changed, not what
//! is in memory.

use std::ops::Range;

use super::state::State;
use crate::array::{ChunkKey, Image, LazyArray};
use crate::volume::{LayerId, Region};

/// A recording before and after it grew or was written anew in places.
pub(super) struct Change<'a> {
    old: &'a Image,
    new: &'a Image,
    /// Indices of chunks of the finest level that hold other data now.
    stale: &'a [Range<u64>],
    /// Timepoints that hold a chunk of which anything changed, as half-open ranges in order.
    pub(super) touched: Vec<[usize; 2]>,
}

impl<'a> Change<'a> {
    pub(super) fn new(old: &'a Image, new: &'a Image, stale: &'a [Range<u64>]) -> Self {
        let mut touched = Vec::new();
        for range in stale {
            for array in [old.finest(), new.finest()] {
                let region = array.region_of(range);
                touched.push([region.start()[0], region.stop()[0]]);
            }
        }
        for level in 0..old.num_levels() {
            if let (Some(old), Some(new)) = (old.level(level), new.level(level)) {
                touched.extend(changed_ends(old, new));
            }
        }
        Self { old, new, stale, touched: merged(touched) }
    }

    /// Whether anything at a timepoint changed.
    pub(super) fn touches(&self, t: usize) -> bool {
        self.overlaps(t, t.saturating_add(1))
    }

    fn overlaps(&self, start: usize, stop: usize) -> bool {
        let first = self.touched.partition_point(|range| range[1] <= start);
        self.touched.get(first).is_some_and(|range| range[0] < stop)
    }

    /// Whether a chunk still has the same voxels in the same place.
    pub(super) fn keeps(&self, key: ChunkKey, region: &Region) -> bool {
        let (start, stop) = (region.start(), region.stop());
        if !self.overlaps(start[0], stop[0]) {
            return true;
        }
        // Which chunks of a coarser level are made of stale ones is not known here.
        if key.level > 0 || self.stale.iter().any(|range| range.contains(&key.index)) {
            return false;
        }
        let now = self.new.finest().chunk_at([start[0], start[1], start[2], start[3]]);
        now.is_some_and(|chunk| chunk.key == key && chunk.region == *region)
    }

    /// Chunks at hand, or known to fail, that are something else now.
    pub(super) fn gone(&self, state: &State, layer: LayerId) -> Vec<ChunkKey> {
        let mut gone = Vec::new();
        let num_touched: usize = self.touched.iter().map(|[start, stop]| stop - start).sum();
        if num_touched > state.cache.len() + state.failures.len() {
            let held = state.cache.iter().filter(|(key, _)| key.layer == layer);
            gone.extend(held.filter(|(key, entry)| !self.keeps(*key, &entry.region)).map(|(key, _)| key));
            gone.extend(state.failures.keys().filter(|key| key.layer == layer));
            return gone;
        }
        for array in (0..self.old.num_levels()).filter_map(|level| self.old.level(level)) {
            for &[start, stop] in &self.touched {
                array.for_each_chunk(&array.whole().with_axis(0, start, stop), |chunk, region| {
                    let key = array.chunk_key(chunk.index);
                    let is_known = state.cache.contains(key) || state.failures.contains_key(&key);
                    if is_known && !self.keeps(key, region) {
                        gone.push(key);
                    }
                });
            }
        }
        gone
    }
}

/// Timepoints at the ends of an array whose chunks have another extent than before.
fn changed_ends(old: &LazyArray, new: &LazyArray) -> Vec<[usize; 2]> {
    let (before, after) = (old.info().shape, new.info().shape);
    if before == after {
        return Vec::new();
    }
    if before[1..] != after[1..] {
        return vec![[0, before[0].max(after[0])]];
    }
    // Only chunks at the shorter one's end can have changed.
    let end = before[0].min(after[0]);
    let mut ends: Vec<_> = (end < before[0]).then_some([end, before[0]]).into_iter().collect();
    old.for_each_chunk(&old.whole().with_axis(0, end.saturating_sub(1), end), |chunk, region| {
        let start = region.start();
        let now = new.chunk_at([start[0], start[1], start[2], start[3]]);
        if now.is_none_or(|now| now.key.index != chunk.index || now.region != *region) {
            ends.push([start[0], region.stop()[0]]);
        }
    });
    ends
}

/// The same timepoints as few ranges as possible, in order.
fn merged(mut ranges: Vec<[usize; 2]>) -> Vec<[usize; 2]> {
    ranges.retain(|[start, stop]| start < stop);
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let is_one = next[0] <= kept[1];
        if is_one {
            kept[1] = kept[1].max(next[1]);
        }
        is_one
    });
    ranges
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Shape};

    /// Chunks of two timepoints and half a plane.
    fn array(num_t: usize) -> Arc<LazyArray> {
        let shape = Shape::from([num_t, 1, 4, 4]);
        let source = MemorySource::new(DType::U8, shape, "tzyx", &[2, 1, 2, 4], vec![0; num_t * 16]);
        Arc::new(LazyArray::new(Arc::new(source.expect("agrees"))))
    }

    fn change(old: &Image, num_t: usize, stale: &[Range<u64>]) -> Vec<[usize; 2]> {
        let new = Image::from(Arc::new(old.finest().grown(Arc::clone(array(num_t).source()))));
        Change::new(old, &new, stale).touched
    }

    #[test]
    fn what_is_touched_is_what_changed_and_the_ends() {
        let even = Image::from(array(6));
        assert_eq!(change(&even, 6, &[]), [[0; 2]; 0]);
        assert_eq!(change(&even, 9, &[]), [[0; 2]; 0], "whole chunks are as they were");
        assert_eq!(change(&even, 6, &[2..3, 3..4]), [[2, 4]]);
        assert_eq!(change(&even, 3, &[]), [[2, 6]], "a chunk that is cut, and what is gone");
        let odd = Image::from(array(7));
        assert_eq!(change(&odd, 8, &[]), [[6, 7]], "the last chunk holds more now");
        assert_eq!(change(&odd, 8, &[0..1]), [[0, 2], [6, 7]]);
    }

    #[test]
    fn a_chunk_is_kept_where_it_has_the_same_voxels() {
        let (old, new) = (array(7), array(9));
        let new = Image::from(Arc::new(old.grown(Arc::clone(new.source()))));
        let old = Image::from(old);
        let stale = [0..1];
        let change = Change::new(&old, &new, &stale);
        let mut kept = Vec::new();
        old.finest().for_each_chunk(&old.finest().whole(), |chunk, region| {
            kept.push(change.keeps(old.finest().chunk_key(chunk.index), region));
        });
        assert_eq!(kept, [false, true, true, true, true, true, false, false]);
    }
}
