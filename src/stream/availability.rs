//! Which timepoints can be shown at once, for the strip on the time slider and for the nearest picture.
//! Only what changed is looked at again.

use super::making::Product;
use super::state::State;
use crate::array::{ArrayChunk, ChunkKey};
use crate::volume::{Picture, PictureKey, Region};

/// The answer for one kind of picture, kept up to date.
#[derive(Default)]
pub(super) struct Availability {
    kind: Option<PictureKey>,
    num_t: usize,
    is_available: Vec<bool>,
    ranges: Vec<[usize; 2]>,
    chunks: Vec<ArrayChunk>,
}

impl Availability {
    /// Brings the answer for this kind of picture up to date.
    pub(super) fn update(&mut self, state: &mut State, key: &PictureKey) {
        let num_t = state.array_of(key.layer, key.level).map_or(0, |array| array.info().shape[0]);
        let kind = key.at(0);
        if self.kind != Some(kind) || self.num_t != num_t || state.changed_everywhere {
            self.is_available.clear();
            self.is_available.resize(num_t, false);
            (self.kind, self.num_t) = (Some(kind), num_t);
            self.start_over(state, key);
        } else if state.changes.is_empty() {
            return;
        } else {
            let mut changes = std::mem::take(&mut state.changes);
            changes.sort_unstable();
            let mut next = 0;
            for &[start, stop] in &changes {
                for t in start.max(next)..stop.min(num_t) {
                    self.is_available[t] = has_picture(state, &key.at(t), &mut self.chunks);
                }
                next = next.max(stop);
            }
            state.changes = changes;
        }
        state.changes.clear();
        state.changed_everywhere = false;
        self.ranges.clear();
        for (t, _) in self.is_available.iter().enumerate().filter(|(_, available)| **available) {
            match self.ranges.last_mut() {
                Some(range) if range[1] == t => range[1] = t + 1,
                _ => self.ranges.push([t, t + 1]),
            }
        }
    }

    /// Looks only at timepoints of which anything is held, however long the recording.
    fn start_over(&mut self, state: &State, key: &PictureKey) {
        let picture = key.picture;
        let mut candidates: Vec<usize> = match picture {
            Picture::Projection { .. } => state.projections.keys().map(|key| key.picture.t()).collect(),
            Picture::Plane { .. } => {
                let depth = picture.orientation().depth_axis().index();
                let [start, stop] = picture.depth_range();
                let is_near = |r: &Region| r.start()[depth] < stop && start < r.stop()[depth];
                let is_of_it = |chunk: ChunkKey| chunk.layer == key.layer && chunk.level == key.level;
                let entries = state.cache.iter();
                let entries = entries.filter(|(chunk, entry)| is_of_it(*chunk) && is_near(&entry.region));
                entries.flat_map(|(_, entry)| entry.region.start()[0]..entry.region.stop()[0]).collect()
            }
        };
        candidates.sort_unstable();
        candidates.dedup();
        for t in candidates {
            if let Some(available) = self.is_available.get_mut(t) {
                *available = has_picture(state, &key.at(t), &mut self.chunks);
            }
        }
    }

    /// Half-open ranges of timepoints that can be shown at once.
    pub(super) fn ranges(&self) -> &[[usize; 2]] {
        &self.ranges
    }

    /// The available timepoint nearest to `t`, the later of two equals.
    pub(super) fn nearest(&self, t: usize) -> Option<usize> {
        let nearest_in = |&[start, stop]: &[usize; 2]| t.clamp(start, stop - 1);
        self.ranges.iter().map(nearest_in).min_by_key(|&found| (found.abs_diff(t), std::cmp::Reverse(found)))
    }
}

/// Whether everything of a picture is at hand.
pub(super) fn has_picture(state: &State, key: &PictureKey, chunks: &mut Vec<ArrayChunk>) -> bool {
    let Some(array) = state.array_of(key.layer, key.level) else { return false };
    match key.picture {
        Picture::Projection { .. } => state.projections.contains(key),
        Picture::Plane { .. } => {
            chunks.clear();
            array.chunks(&array.picture_region(&key.picture), chunks);
            let mut num_had = 0;
            for chunk in chunks.iter() {
                if state.cache.contains(chunk.key) {
                    num_had += 1;
                } else if !state.failures.contains_key(&chunk.key) {
                    return false;
                }
            }
            num_had > 0 && !state.failed.contains_key(&Product::Picture(*key))
        }
    }
}

/// Whether a picture is at hand or known not to be had: there is nothing to wait for.
pub(super) fn is_settled(state: &State, key: &PictureKey, chunks: &mut Vec<ArrayChunk>) -> bool {
    let Some(array) = state.array_of(key.layer, key.level) else { return false };
    match key.picture {
        Picture::Projection { .. } => state.projections.contains(key) || state.projection_failure(key).is_some(),
        Picture::Plane { .. } => {
            chunks.clear();
            array.chunks(&array.picture_region(&key.picture), chunks);
            let is_known = |key: ChunkKey| state.cache.contains(key) || state.failures.contains_key(&key);
            chunks.iter().all(|chunk| is_known(chunk.key))
        }
    }
}
