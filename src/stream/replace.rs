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
use super::survey::Survey;
use crate::array::{ChunkKey, LazyArray};
use crate::volume::Region;

/// What is still true of an array after it was replaced by a later state of itself.
struct Change<'a> {
    old: [usize; 4],
    array: &'a LazyArray,
    stale: &'a [Range<u64>],
    is_same: bool,
}

impl Change<'_> {
    /// Whether a chunk still has the same voxels in the same place.
    fn keeps(&self, key: ChunkKey, region: &Region) -> bool {
        if !self.is_same || self.stale.iter().any(|range| range.contains(&key.index)) {
            return false;
        }
        // Only at the end of an axis that changed its length can a chunk have changed its extent.
        let new = self.array.info().shape;
        let is_at_the_end = (0..4).any(|i| self.old[i] != new[i] && region.stop()[i] >= self.old[i].min(new[i]));
        let start = region.start();
        !is_at_the_end || {
            let now = self.array.chunk_at([start[0], start[1], start[2], start[3]]);
            now.is_some_and(|chunk| chunk.key == key && chunk.region == *region)
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
        let gone = state.cache.iter().filter(|(key, entry)| !change.keeps(*key, &entry.region));
        let gone: Vec<ChunkKey> = gone.map(|(key, _)| key).collect();
        gone.iter().for_each(|key| state.cache.remove(*key, &mut trash.chunks));
        // What failed may have been written by now, and what was there may be gone.
        state.failures.clear();
        state.failed.clear();
        let mut lost_samples = 0;
        state.in_flight.retain(|key, read| {
            let keep = change.keeps(*key, &read.region);
            for target in read.targets.iter().filter(|_| !keep) {
                match target {
                    Target::Making(making, _) => making.make_stale(),
                    Target::Sample(_) => lost_samples += 1,
                }
            }
            keep
        });
        let mut known: HashMap<usize, bool> = HashMap::new();
        let mut keeps_timepoint = |t: usize| *known.entry(t).or_insert_with(|| change.keeps_timepoint(t));
        state.retain_makings(|making| {
            keeps_timepoint(making.region.start()[0]) && !making.is_stale() && !making.has_failures()
        });
        let State { projections, previews, planes, volumes, .. } = state;
        projections.retain(|key, voxels| keeps_timepoint(key.picture.t()) && voxels.is_whole(), &mut trash.pictures);
        previews.retain(|key, voxels| keeps_timepoint(key.picture.t()) && voxels.is_whole(), &mut trash.previews);
        planes
            .retain(|key, voxels| keeps_timepoint(key.picture.t()) && voxels.missing().is_empty(), &mut trash.pictures);
        volumes.retain(|key, voxels| keeps_timepoint(key.t) && voxels.missing().is_empty(), &mut trash.volumes);
        state.note_trash(&trash);
        state.changed_everywhere = true;
        state.restart_previews();
        if !is_same {
            state.survey = Survey::default();
        }
        state.clear_queue();
        // The sample is of the recording as it was first seen, unless there was nothing to see.
        let mut sampling = self.shared.sampling.lock();
        let mut complete = None;
        if !is_same || sampling.is_void() {
            (*sampling, state.sampling) = Sampling::new(&array);
            state.sampling_ticket = sampling.ticket();
        } else {
            complete = sampling.give_up(lost_samples);
        }
        let ticket = sampling.ticket();
        drop(sampling);
        let side = Previewing::side(array.info().shape[0], array.info().dtype, self.config.preview_budget_bytes);
        self.shared.preview_side.store(side, Ordering::Relaxed);
        state.array = array;
        state.begin_epoch();
        drop(guard);
        drop(trash);
        if let Some(values) = complete {
            complete_sample(&self.shared.sampling, ticket, values);
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
        let partial: Vec<ChunkKey> = partial.map(|(key, _)| key).collect();
        partial.iter().for_each(|key| state.cache.remove(*key, &mut trash.chunks));
        let State { projections, previews, planes, volumes, .. } = state;
        projections.retain(|_, voxels| voxels.is_whole(), &mut trash.pictures);
        previews.retain(|_, voxels| voxels.is_whole(), &mut trash.previews);
        planes.retain(|_, voxels| voxels.missing().is_empty(), &mut trash.pictures);
        volumes.retain(|_, voxels| voxels.missing().is_empty(), &mut trash.volumes);
        state.retain_makings(|making| !making.has_failures());
        let mut sampling = self.shared.sampling.lock();
        if sampling.is_void() {
            (*sampling, state.sampling) = Sampling::new(&state.array);
            state.sampling_ticket = sampling.ticket();
        }
        drop(sampling);
        state.note_trash(&trash);
        state.changed_everywhere = true;
        state.restart_previews();
        state.begin_epoch();
        drop(guard);
        drop(trash);
        self.request_again();
    }

    /// Plans anew for the view as it was last asked for, of the recording there is now.
    fn request_again(&self) {
        let layer = self.array().id();
        let last = {
            let mut viewer = self.viewer.lock();
            viewer.forget_plan(layer);
            viewer.last_request()
        };
        if let Some((request, at)) = last {
            self.request(&request, at);
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is being folded at the very moment a recording is replaced: the task is taken, as a thread takes
    //! it, the recording is replaced, and the task is done.

    use std::time::Instant;

    use super::super::state::{Class, Task};
    use super::super::{PictureState, StreamConfig, ViewRequest};
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Orientation, Picture, PictureKey, Projection, Shape};

    /// Three timepoints of one value, each one chunk.
    fn array(value: u8) -> LazyArray {
        let shape = Shape::from([3, 2, 4, 4]);
        let source = MemorySource::new(DType::U8, shape, "tzyx", &[1, 2, 4, 4], vec![value; 96]);
        LazyArray::new(Arc::new(source.expect("agrees")))
    }

    /// A stream that has read everything and will be folding previews as soon as it is asked.
    fn stream(value: u8) -> Stream {
        let config = StreamConfig {
            preview_budget_bytes: 1 << 20,
            num_workers: 0,
            slow_picture_ms: 0.0,
            ..StreamConfig::with_ram_budget(8 << 20)
        };
        Stream::new(Arc::new(array(value)), config, Arc::new(|| ()))
    }

    fn projection(t: usize) -> Picture {
        Picture::Projection { t, orientation: Orientation::Xy, slab: [0, 2], op: Projection::Max }
    }

    fn key(stream: &Stream, picture: Picture) -> PictureKey {
        stream.array().picture_key(picture)
    }

    fn ask(stream: &Stream, picture: Picture) {
        let request = ViewRequest::of(stream.array().id(), picture);
        stream.request(&request, Instant::now());
    }

    fn take(stream: &Stream, wanted: impl Fn(&Task) -> bool) -> Task {
        loop {
            let task = stream.shared.state.lock().next_task(Class::Any, Instant::now()).expect("a task");
            if wanted(&task) {
                return task;
            }
            stream.shared.perform(task);
        }
    }

    fn plane(t: usize) -> Picture {
        Picture::Plane { t, orientation: Orientation::Xy, index: 0 }
    }

    /// All chunks are in memory and no preview is made: what follows is folding.
    fn ready_to_fold() -> Stream {
        let stream = stream(10);
        ask(&stream, plane(0));
        while stream.run_one() {}
        let mut state = stream.shared.state.lock();
        let mut trash = Trash::default();
        state.previews.retain(|_, _| false, &mut trash.previews);
        state.restart_previews();
        drop(state);
        stream
    }

    #[test]
    fn what_is_being_folded_lands_in_no_other_recording() {
        for picture in [plane(0), projection(0)] {
            for nth in 0..3 {
                let stream = ready_to_fold();
                ask(&stream, picture);
                let mut task = take(&stream, |task| matches!(task, Task::Feed(..)));
                for _ in 0..nth {
                    stream.shared.perform(task);
                    task = take(&stream, |task| matches!(task, Task::Feed(..)));
                }
                stream.replace_array(Arc::new(array(20)), &[]);
                stream.shared.perform(task);
                for t in 0..3 {
                    for picture in [plane(t), projection(t)] {
                        if let PictureState::Ready(voxels) = stream.picture(&key(&stream, picture)) {
                            panic!("{picture:?} shows {:?}", voxels.format_value(&[0, 0]));
                        }
                        assert!(
                            stream.preview(&key(&stream, picture)).is_none(),
                            "a preview of the former recording, {nth}"
                        );
                    }
                }
                while stream.run_one() {}
                let preview = stream.preview(&key(&stream, picture)).expect("made anew");
                assert_eq!(preview.format_value(&[0, 0]).as_deref(), Some("20"));
            }
        }
    }

    #[test]
    fn a_preview_being_folded_from_rewritten_data_does_not_land() {
        let stream = ready_to_fold();
        let task = take(&stream, |task| matches!(task, Task::Feed(..)));
        let rewritten = stream.array().grown(Arc::clone(array(20).source()));
        stream.replace_array(Arc::new(rewritten), &[0..3]);
        stream.shared.perform(task);
        assert!((0..3).all(|t| stream.preview(&key(&stream, plane(t))).is_none()));
        while stream.run_one() {}
        assert_eq!(
            stream.preview(&key(&stream, plane(0))).and_then(|p| p.format_value(&[0, 0])).as_deref(),
            Some("20")
        );
    }

    #[test]
    fn values_of_the_former_recording_are_not_in_the_sample_of_the_new_one() {
        let stream = stream(10);
        while stream.run_one() {}
        // All chunks are in memory: another sample takes them from there.
        let (places, ticket) = {
            let (sampling, places) = Sampling::new(&stream.array());
            let ticket = sampling.ticket();
            *stream.shared.sampling.lock() = sampling;
            (places, ticket)
        };
        {
            let mut state = stream.shared.state.lock();
            (state.sampling, state.sampling_ticket) = (places, ticket);
        }
        let task = take(&stream, |task| matches!(task, Task::Sample(..)));
        stream.replace_array(Arc::new(array(20)), &[]);
        stream.shared.perform(task);
        while stream.run_one() {}
        let sample = stream.sample().expect("complete");
        assert_eq!((sample.min, sample.max), (20.0, 20.0));
    }
}
