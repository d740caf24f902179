//! When the data on disk change: a recording grows, a block is written anew, a failing disk comes back.
//! What is still true is kept, what is not is never shown again.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Stream;
use super::preview::Previewing;
use super::sampling::{Sampling, complete_sample};
use super::state::{State, Target, Trash};
use crate::array::LazyArray;
use crate::volume::{Picture, Region};

/// What is still true of an array after it was replaced by a later state of itself.
struct Change<'a> {
    old: [usize; 4],
    array: &'a LazyArray,
    stale: &'a [Range<u64>],
    is_same: bool,
}

impl Change<'_> {
    /// Whether a chunk still has the same voxels in the same place.
    fn keeps(&self, index: u64, region: &Region) -> bool {
        if !self.is_same || self.stale.iter().any(|range| range.contains(&index)) {
            return false;
        }
        // Only at the end of an axis that changed its length can a chunk have changed its extent.
        let new = self.array.info().shape;
        let is_at_the_end = (0..4).any(|i| self.old[i] != new[i] && region.stop()[i] >= self.old[i].min(new[i]));
        let start = region.start();
        !is_at_the_end || {
            let now = self.array.chunk_at([start[0], start[1], start[2], start[3]]);
            now.is_some_and(|chunk| chunk.key.index == index && chunk.region == *region)
        }
    }

    /// Whether everything at a timepoint is as it was.
    fn keeps_timepoint(&self, t: usize) -> bool {
        let new = self.array.info().shape;
        if !self.is_same || self.old[1..] != new[1..] || t >= new[0].min(self.old[0]) {
            return false;
        }
        let mut chunks = Vec::new();
        self.array.chunks(&self.array.whole().with_axis(0, t, t + 1), &mut chunks);
        chunks.iter().all(|chunk| !self.stale.iter().any(|range| range.contains(&chunk.key.index)))
    }
}

impl Stream {
    /// Goes on with a longer or changed state of the recording. Chunks of `stale` indices, chunks that
    /// changed their extent, and what was made of them are dropped, reads of them under way included; the
    /// rest is kept. An array of another dataset drops everything.
    pub fn replace_array(&self, array: Arc<LazyArray>, stale: &[Range<u64>]) {
        let mut trash = Trash::default();
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        let is_same = array.id() == state.array.id() && array.info().dtype == state.array.info().dtype;
        let change = Change { old: state.array.info().shape, array: &array, stale, is_same };
        let gone = state.cache.iter().filter(|(index, entry)| !change.keeps(*index, &entry.region));
        let gone: Vec<u64> = gone.map(|(index, _)| index).collect();
        gone.iter().for_each(|index| state.cache.remove(*index, &mut trash.chunks));
        // What failed may have been written by now, and what was there may be gone.
        state.failures.clear();
        state.failed.clear();
        let mut lost_samples = 0;
        state.in_flight.retain(|index, read| {
            let keep = change.keeps(*index, &read.region);
            for target in read.targets.iter().filter(|_| !keep) {
                match target {
                    Target::Making(making, _) => making.make_stale(),
                    Target::Sample => lost_samples += 1,
                }
            }
            keep
        });
        let mut known: HashMap<usize, bool> = HashMap::new();
        let mut keeps_timepoint = |t: usize| *known.entry(t).or_insert_with(|| change.keeps_timepoint(t));
        state.makings.retain(|making| {
            let keep = keeps_timepoint(making.region.start()[0]) && !making.is_stale() && !making.has_failures();
            if !keep {
                making.make_stale();
            }
            keep
        });
        let State { projections, previews, planes, volumes, reasons, .. } = state;
        let is_whole = |picture: &Picture| !reasons.contains_key(picture);
        projections.retain(|picture, _| keeps_timepoint(picture.t()) && is_whole(picture), &mut trash.pictures);
        previews
            .retain(|picture, voxels| keeps_timepoint(picture.t()) && voxels.missing().is_empty(), &mut trash.previews);
        planes
            .retain(|picture, voxels| keeps_timepoint(picture.t()) && voxels.missing().is_empty(), &mut trash.pictures);
        volumes.retain(|t, voxels| keeps_timepoint(*t) && voxels.missing().is_empty(), &mut trash.volumes);
        state.note_trash(&trash);
        state.changed_everywhere = true;
        state.restart_previews();
        state.clear_queue();
        // The sample is of the recording as it was first seen, unless there was nothing to see.
        let mut sampling = self.shared.sampling.lock();
        let mut complete = None;
        if !is_same || sampling.is_void() {
            (*sampling, state.sampling) = Sampling::new(&array);
        } else {
            complete = sampling.give_up(lost_samples);
        }
        drop(sampling);
        let side = Previewing::side(array.info().shape[0], self.config.preview_budget_bytes);
        self.shared.preview_side.store(side, Ordering::Relaxed);
        state.array = array;
        drop(guard);
        drop(trash);
        if let Some(values) = complete {
            complete_sample(&self.shared.sampling, values);
        }
        self.request_again();
    }

    /// Tries everything again that could not be read.
    pub fn retry_failures(&self) {
        let mut trash = Trash::default();
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        state.array.source().forget_failures();
        state.failures.clear();
        state.failed.clear();
        let partial = state.cache.iter().filter(|(_, entry)| entry.loaded.reason.is_some());
        let partial: Vec<u64> = partial.map(|(index, _)| index).collect();
        partial.iter().for_each(|index| state.cache.remove(*index, &mut trash.chunks));
        let State { projections, previews, planes, volumes, reasons, .. } = state;
        projections.retain(|picture, _| !reasons.contains_key(picture), &mut trash.pictures);
        previews.retain(|_, voxels| voxels.missing().is_empty(), &mut trash.previews);
        planes.retain(|_, voxels| voxels.missing().is_empty(), &mut trash.pictures);
        volumes.retain(|_, voxels| voxels.missing().is_empty(), &mut trash.volumes);
        state.makings.retain(|making| {
            let keep = !making.has_failures();
            if !keep {
                making.make_stale();
            }
            keep
        });
        state.note_trash(&trash);
        state.changed_everywhere = true;
        state.restart_previews();
        drop(guard);
        drop(trash);
        self.request_again();
    }

    /// Plans anew for the view as it was last asked for.
    fn request_again(&self) {
        let last = {
            let mut viewer = self.viewer.lock();
            viewer.forget_plan();
            viewer.last_request()
        };
        if let Some((request, at)) = last {
            self.request(&request, at);
        }
    }
}
