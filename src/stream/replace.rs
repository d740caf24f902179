//! When the data on disk change: a recording grows, a block is written anew, a failing disk comes back.
//! What is still true is kept, what is not is never shown again.

use std::ops::Range;
use std::sync::Arc;

use super::Stream;
use super::change::Change;
use super::layer::Layer;
use super::sampling::Sampling;
use super::state::{Dropped, State, Target};
use crate::array::{ChunkKey, Image, LazyArray};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{LayerId, PictureKey, Voxels};

/// Whether something that could not be had may be there when it is asked for again.
fn may_heal(error: &ReadError) -> bool {
    !matches!(error.kind, ReadErrorKind::Corrupt | ReadErrorKind::Unsupported)
}

impl State {
    /// Takes in a longer or changed state of a recording; how many chunks of its sample will not come.
    fn grow(&mut self, at: usize, image: Image, stale: &[Range<u64>], dropped: &mut Dropped) -> usize {
        let id = image.id();
        let old = std::mem::replace(&mut self.layers[at].image, image.clone());
        let change = Change::new(&old, &image, stale);
        self.forget_inputs(&old, Some(&image), dropped);
        for key in change.gone(self, id) {
            self.cache.remove(key, &mut dropped.chunks);
            self.failures.remove(&key);
        }
        self.failures.retain(|key, error| key.layer != id || !may_heal(error));
        self.failed.retain(|product, error| product.layer() != id || !may_heal(error) && !change.touches(product.t()));
        let mut lost_samples = 0;
        self.in_flight.retain(|key, read| {
            let keeps = key.layer != id || change.keeps(*key, &read.region);
            if !keeps {
                lost_samples += read.targets.iter().filter(|target| matches!(target, Target::Sample)).count();
            }
            keeps
        });
        let layer = &mut self.layers[at];
        let (before, after) = (old.info().shape[0], image.info().shape[0]);
        for &[start, stop] in &change.touched {
            layer.data.note(start, stop);
            layer.at_hand.note(start, stop);
        }
        layer.at_hand.note(before.min(after), before.max(after));
        if !change.touched.is_empty() {
            layer.restart_background();
        }
        if layer.sampling.is_void() {
            // The sample is of the recording as it was first seen, unless there was nothing to see.
            layer.sampling = Sampling::new(image.finest());
            lost_samples = 0;
        }
        self.assemblies.retain(|assembly| {
            assembly.product.layer() != id || !change.touches(assembly.product.t()) && !assembly.has_failures()
        });
        let Self { projections, previews, planes, volumes, folds, .. } = self;
        projections.remove_changed(id, &change.touched, &mut dropped.pictures);
        previews.remove_changed(id, &change.touched, &mut dropped.previews);
        planes.remove_changed(id, &change.touched, &mut dropped.pictures);
        volumes.remove_changed(id, &change.touched, &mut dropped.volumes);
        folds.retain(|key, is_whole| key.layer != id || is_whole && !change.touches(key.t));
        lost_samples
    }

    /// Keeps the pictures and volumes of which `is_kept` says so, by layer, timepoint and whether nothing of
    /// them is missing.
    fn retain_pictures(&mut self, is_kept: impl Fn(LayerId, usize, bool) -> bool, dropped: &mut Dropped) {
        let Self { projections, previews, planes, volumes, folds, .. } = self;
        let picture = |key: &PictureKey, voxels: &Voxels| is_kept(key.layer, key.picture.t(), voxels.is_whole());
        projections.retain(picture, &mut dropped.pictures);
        previews.retain(picture, &mut dropped.previews);
        planes.retain(picture, &mut dropped.pictures);
        volumes.retain(|key, voxels| is_kept(key.layer, key.t, voxels.is_whole()), &mut dropped.volumes);
        folds.retain(|key, is_whole| is_kept(key.layer, key.t, is_whole));
    }

    /// Drops everything of a recording.
    fn forget(&mut self, id: LayerId, dropped: &mut Dropped) {
        let gone: Vec<_> = self.cache.iter().map(|(key, _)| key).filter(|key| key.layer == id).collect();
        gone.into_iter().for_each(|key| self.cache.remove(key, &mut dropped.chunks));
        self.failures.retain(|key, _| key.layer != id);
        self.failed.retain(|product, _| product.layer() != id);
        self.in_flight.retain(|key, _| key.layer != id);
        self.assemblies.retain(|assembly| assembly.product.layer() != id);
        self.volume_reasons.retain(|key, _| key.layer != id);
        self.retain_pictures(|layer, _, _| layer != id, dropped);
    }
}

impl Stream {
    /// [`Stream::replace_layer`] for the first layer.
    pub fn replace_array(&self, array: Arc<LazyArray>, stale: &[Range<u64>]) {
        let first = self.array().id();
        self.replace_layer(first, array, stale);
    }

    /// Goes on with a longer or changed state of a layer's recording. Chunks of `stale` indices, chunks that
    /// changed their extent, and what was made of them are dropped, reads of them under way included; the
    /// rest is kept. Where another recording is put in the layer's place, everything of the former one is
    /// dropped, and what of it is still under way lands nowhere.
    pub fn replace_layer(&self, layer: LayerId, image: impl Into<Image>, stale: &[Range<u64>]) {
        let image = image.into();
        let id = image.id();
        let mut dropped = Dropped::default();
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        let Some(at) = state.layers.iter().position(|known| known.id() == layer) else { return };
        let known = &state.layers[at].image;
        let is_same =
            known.id() == id && known.info().dtype == image.info().dtype && known.num_levels() == image.num_levels();
        let mut lost_samples = 0;
        if is_same {
            let info = *image.info();
            lost_samples = state.grow(at, image, stale, &mut dropped);
            state.layers[at].previewing.set_side(&info, self.config.preview_budget_bytes);
        } else {
            let old = state.layers[at].image.clone();
            state.forget_inputs(&old, Some(&image), &mut dropped);
            state.forget(layer, &mut dropped);
            let mut new = Layer::new(image, self.config.preview_budget_bytes);
            if layer == id {
                // Other data under the same name: what is under way is told from them by the log.
                new.data = std::mem::take(&mut state.layers[at].data);
                new.data.note_everything();
            }
            state.layers[at] = new;
        }
        state.note_dropped(&dropped);
        state.clear_queue();
        state.cancel_unwanted_fetches();
        drop(guard);
        drop(dropped);
        self.start_fetching();
        for _ in 0..lost_samples {
            self.shared.add_to_sample(id, None);
        }
        self.request_again(Some([layer, id]));
    }

    /// Shows one more layer, under the same budget.
    pub fn add_layer(&self, image: impl Into<Image>) {
        let layer = Layer::new(image.into(), self.config.preview_budget_bytes);
        self.shared.state.lock().layers.push(layer);
        self.start_fetching();
        self.shared.notify();
    }

    /// Takes a layer away and drops everything of it; false for the only one and for one that is not here.
    pub fn remove_layer(&self, layer: LayerId) -> bool {
        let mut dropped = Dropped::default();
        let mut state = self.shared.state.lock();
        let is_here = state.layers.len() > 1 && state.layer(layer).is_some();
        if is_here {
            state.layers.retain(|known| known.id() != layer);
            state.forget(layer, &mut dropped);
            state.clear_queue();
        }
        drop(state);
        drop(dropped);
        if is_here {
            self.request_again(None);
        }
        is_here
    }

    /// Tries everything again that could not be read.
    pub fn retry_failures(&self) {
        let mut dropped = Dropped::default();
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        state.failures.clear();
        state.failed.clear();
        let partial = state.cache.iter().filter(|(_, entry)| entry.loaded.reason.is_some());
        let partial: Vec<ChunkKey> = partial.map(|(key, _)| key).collect();
        partial.iter().for_each(|key| state.cache.remove(*key, &mut dropped.chunks));
        state.retain_pictures(|_, _, is_whole| is_whole, &mut dropped);
        state.assemblies.clear();
        for layer in &mut state.layers {
            for array in (0..layer.image.num_levels()).filter_map(|level| layer.image.level(level)) {
                array.source().forget_failures();
            }
            layer.data.note_everything();
            layer.at_hand.note_everything();
            layer.restart_background();
            if layer.sampling.is_void() {
                layer.sampling = Sampling::new(layer.image.finest());
            }
        }
        state.note_dropped(&dropped);
        drop(guard);
        drop(dropped);
        self.request_again(None);
    }

    /// Plans anew for the view as it was last asked for; where a layer was replaced, for the recording that
    /// is there now.
    pub(super) fn request_again(&self, replaced: Option<[LayerId; 2]>) {
        let last = self.viewer.lock().forget_plan(replaced);
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
    use super::super::{PictureState, StreamConfig, SurveyState, ViewRequest};
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
        let mut dropped = Dropped::default();
        state.previews.retain(|_, _| false, &mut dropped.previews);
        state.layers[0].restart_background();
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
    fn values_being_surveyed_are_not_in_the_survey_of_what_came_after() {
        // Another recording, and the same one written anew.
        for is_other in [true, false] {
            let stream = ready_to_fold();
            let kind = projection(0);
            assert_eq!(stream.survey(&key(&stream, kind)), SurveyState::Running);
            let task = take(&stream, |task| matches!(task, Task::Survey(_, _, Some(_)) | Task::Feed(..)));
            let new = if is_other { array(20) } else { stream.array().grown(Arc::clone(array(20).source())) };
            stream.replace_array(Arc::new(new), &[0..3]);
            assert_eq!(stream.survey(&key(&stream, kind)), SurveyState::Running);
            // The new survey waits for the very picture that the old one has values of.
            let next = take(&stream, |task| matches!(task, Task::Read(..)));
            stream.shared.perform(task);
            stream.shared.perform(next);
            while stream.run_one() {}
            let SurveyState::Done(sample) = stream.survey(&key(&stream, kind)) else { panic!("there are values") };
            assert_eq!((sample.min, sample.max, sample.num_voxels), (20.0, 20.0, 3 * 16));
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
        stream.shared.state.lock().layers[0].sampling = Sampling::new(&stream.array());
        let task = take(&stream, |task| matches!(task, Task::Sample(..)));
        stream.replace_array(Arc::new(array(20)), &[]);
        stream.shared.perform(task);
        while stream.run_one() {}
        let sample = stream.sample(stream.array().id()).expect("complete");
        assert_eq!((sample.min, sample.max), (20.0, 20.0));
    }
}
