//! Which timepoints can be shown at once, for the strip on the time slider and for the nearest picture.
//! Only what changed is looked at again.

use super::making::Product;
use super::state::State;
use crate::array::{ArrayChunk, LazyArray};
use crate::volume::{Picture, Region};

/// The answer for one kind of picture, kept up to date.
#[derive(Default)]
pub(super) struct Availability {
    kind: Option<Picture>,
    num_t: usize,
    is_available: Vec<bool>,
    ranges: Vec<[usize; 2]>,
    chunks: Vec<ArrayChunk>,
}

impl Availability {
    /// Brings the answer for this kind of picture up to date.
    pub(super) fn update(&mut self, state: &mut State, picture: &Picture) {
        let array = std::sync::Arc::clone(&state.array);
        let num_t = array.info().shape[0];
        let kind = picture.at(0);
        if self.kind != Some(kind) || self.num_t != num_t || state.changed_everywhere {
            self.is_available.clear();
            self.is_available.resize(num_t, false);
            (self.kind, self.num_t) = (Some(kind), num_t);
            self.start_over(state, &array, picture);
        } else if state.changes.is_empty() {
            return;
        } else {
            let mut changes = std::mem::take(&mut state.changes);
            changes.sort_unstable();
            let mut next = 0;
            for &[start, stop] in &changes {
                for t in start.max(next)..stop.min(num_t) {
                    self.is_available[t] = has_picture(state, &array, &picture.at(t), &mut self.chunks);
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
    fn start_over(&mut self, state: &State, array: &LazyArray, picture: &Picture) {
        let mut candidates: Vec<usize> = match picture {
            Picture::Projection { .. } => state.projections.keys().map(Picture::t).collect(),
            Picture::Plane { .. } => {
                let depth = picture.orientation().depth_axis().index();
                let [start, stop] = picture.depth_range();
                let is_near = |r: &Region| r.start()[depth] < stop && start < r.stop()[depth];
                let entries = state.cache.iter().filter(|(_, entry)| is_near(&entry.region));
                entries.flat_map(|(_, entry)| entry.region.start()[0]..entry.region.stop()[0]).collect()
            }
        };
        candidates.sort_unstable();
        candidates.dedup();
        for t in candidates {
            if let Some(available) = self.is_available.get_mut(t) {
                *available = has_picture(state, array, &picture.at(t), &mut self.chunks);
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
pub(super) fn has_picture(state: &State, array: &LazyArray, picture: &Picture, chunks: &mut Vec<ArrayChunk>) -> bool {
    match picture {
        Picture::Projection { .. } => state.projections.contains(picture),
        Picture::Plane { .. } => {
            chunks.clear();
            array.chunks(&array.picture_region(picture), chunks);
            let mut num_had = 0;
            for chunk in chunks.iter() {
                if state.cache.contains(chunk.key.index) {
                    num_had += 1;
                } else if !state.failures.contains_key(&chunk.key.index) {
                    return false;
                }
            }
            num_had > 0 && !state.failed.contains_key(&Product::Picture(*picture))
        }
    }
}

/// Whether a picture is at hand or known not to be had: there is nothing to wait for.
pub(super) fn is_settled(state: &State, array: &LazyArray, picture: &Picture, chunks: &mut Vec<ArrayChunk>) -> bool {
    match picture {
        Picture::Projection { .. } => {
            state.projections.contains(picture) || state.projection_failure(picture).is_some()
        }
        Picture::Plane { .. } => {
            chunks.clear();
            array.chunks(&array.picture_region(picture), chunks);
            let is_known = |index: u64| state.cache.contains(index) || state.failures.contains_key(&index);
            chunks.iter().all(|chunk| is_known(chunk.key.index))
        }
    }
}
