//! What values a kind of projection has over the whole recording: some timepoints are folded in the
//! background, behind everything that is on screen or soon will be. Made when first asked for, then fixed.

use std::sync::Arc;

use super::Stream;
use super::assembly::{Assembly, Product};
use super::layer::Snapshot;
use super::loader::{Shared, guarded};
use super::log::Moment;
use super::sampling::{MAX_SAMPLE_BYTES, MAX_VALUES, Sample};
use super::state::{State, Task};
use crate::volume::{DType, Picture, PictureKey, Voxels, measured_values, projected_dtype};

/// Timepoints folded, at most.
const MAX_PICTURES: usize = 16;
/// Results kept.
const MAX_DONE: usize = 32;

/// How far the survey of a kind of picture is.
#[derive(Clone, Debug, PartialEq)]
pub enum SurveyState {
    /// It comes.
    Running,
    /// No picture of this kind has a finite value.
    Nothing,
    /// Done; it does not change any more.
    Done(Arc<Sample>),
}

/// The surveys that are done and the one under way. Only counters and finished values change here.
#[derive(Default)]
pub(super) struct Survey {
    done: Vec<(PictureKey, SurveyState)>,
    running: Option<Running>,
}

/// A kind of picture being looked at.
struct Running {
    kind: PictureKey,
    /// Values taken before are another survey's, or of other data.
    begun: Moment,
    /// Pictures not begun yet, last first.
    waiting: Vec<PictureKey>,
    /// The one being made, and the next of its chunks.
    assembly: Option<(Arc<Assembly>, usize)>,
    /// Pictures begun whose values are not in.
    open: Vec<PictureKey>,
    values: Vec<f64>,
    per_picture: usize,
    is_integer: bool,
}

impl Survey {
    /// Gives up the one under way: the data may have changed. Whoever wants it asks again.
    pub(super) fn restart(&mut self) {
        self.running = None;
    }

    fn state_of(&self, kind: &PictureKey) -> Option<SurveyState> {
        self.done.iter().find(|(known, _)| known == kind).map(|(_, state)| state.clone())
    }
}

impl Running {
    fn new(kind: PictureKey, begun: Moment, num_t: usize, picture_bytes: usize, dtype: DType) -> Self {
        let affordable = MAX_SAMPLE_BYTES / picture_bytes.max(1);
        let num = affordable.clamp(1, MAX_PICTURES).min(num_t).max(1);
        let waiting = (0..num).rev().map(|i| kind.at((2 * i + 1) * num_t / (2 * num))).collect();
        let target = match kind.picture {
            Picture::Projection { op, .. } => projected_dtype(dtype, op),
            Picture::Plane { .. } => dtype,
        };
        Self {
            kind,
            begun,
            waiting,
            assembly: None,
            open: Vec::new(),
            values: Vec::new(),
            per_picture: MAX_VALUES / num,
            is_integer: !target.is_float(),
        }
    }
}

impl Running {
    /// Whether values of a picture, of the data since some moment, are waited for.
    fn wants(&self, key: &PictureKey, since: Moment) -> bool {
        since >= self.begun && self.open.contains(key)
    }
}

impl State {
    /// Work on the surveys under way.
    pub(super) fn next_survey(&mut self) -> Option<Task> {
        (0..self.layers.len()).find_map(|at| self.next_survey_of(at))
    }

    fn next_survey_of(&mut self, at: usize) -> Option<Task> {
        loop {
            let Some((assembly, ordinal)) = self.layers[at].survey.running.as_mut()?.assembly.take() else {
                if let Some(task) = self.begin_surveyed(at)? {
                    return Some(task);
                }
                continue;
            };
            let Some(num_bytes) = assembly.chunks().get(ordinal).map(|chunk| chunk.num_bytes) else { continue };
            let has_room = !self.has_no_room_behind(num_bytes);
            let next = if has_room { ordinal + 1 } else { ordinal };
            self.layers[at].survey.running.as_mut()?.assembly = Some((Arc::clone(&assembly), next));
            if !has_room {
                return None;
            }
            if let Some(task) = self.start_background(assembly, ordinal, num_bytes) {
                return Some(task);
            }
        }
    }

    /// Begins with the next picture; a task where there is nothing to be made for it, `None` where all are
    /// begun.
    fn begin_surveyed(&mut self, at: usize) -> Option<Option<Task>> {
        let layer = &mut self.layers[at];
        let snapshot = layer.snapshot();
        let running = layer.survey.running.as_mut()?;
        let key = running.waiting.pop()?;
        running.open.push(key);
        if let Some(voxels) = self.projections.get(&key) {
            return Some(Some(Task::Survey(key, snapshot.since, Some(voxels))));
        }
        let product = Product::Preview(key);
        let is_hopeless = self.failed.contains_key(&product);
        let max_bytes = self.projections.budget_bytes();
        let Some(assembly) = Assembly::new(&snapshot, product, max_bytes).filter(|_| !is_hopeless) else {
            return Some(Some(Task::Survey(key, snapshot.since, None)));
        };
        running.assembly = Some((Arc::new(assembly), 0));
        Some(None)
    }
}

impl Shared {
    /// Takes the values of a picture, or notes that it cannot be had; true if that ended a survey. No lock
    /// is held while values are gathered and sorted.
    pub(super) fn survey(&self, key: &PictureKey, since: Moment, voxels: Option<&Voxels>) -> bool {
        let per_picture = {
            let state = self.state.lock();
            let running = state.layer(key.layer).and_then(|layer| layer.survey.running.as_ref());
            let Some(running) = running.filter(|running| running.wants(key, since)) else { return false };
            running.per_picture.max(1)
        };
        let gather = |voxels: &Voxels| {
            let num_pixels = voxels.shape().num_voxels().unwrap_or(0);
            measured_values(voxels, num_pixels.div_ceil(per_picture) | 1)
        };
        let values = voxels.and_then(|voxels| guarded(|| gather(voxels))).unwrap_or_default();
        let ended = {
            let mut state = self.state.lock();
            let Some(survey) = state.layer_mut(key.layer).map(|layer| &mut layer.survey) else { return false };
            let Some(running) = survey.running.as_mut().filter(|running| running.wants(key, since)) else {
                return false;
            };
            running.open.retain(|open| open != key);
            running.values.extend(values);
            let is_last = running.open.is_empty() && running.waiting.is_empty();
            is_last.then(|| survey.running.take()).flatten()
        };
        let Some(Running { kind, values, is_integer, .. }) = ended else { return false };
        let sample = guarded(|| Sample::of(values, is_integer)).flatten();
        let result = sample.map_or(SurveyState::Nothing, |sample| SurveyState::Done(Arc::new(sample)));
        let mut state = self.state.lock();
        let Some(survey) = state.layer_mut(kind.layer).map(|layer| &mut layer.survey) else { return false };
        if survey.done.len() >= MAX_DONE {
            survey.done.remove(0);
        }
        survey.done.push((kind, result));
        true
    }
}

impl Stream {
    /// What values pictures like this one, at any timepoint, have over the whole recording. Asking begins
    /// to find out, and gives up on another kind that is not done yet: ask again until it is.
    pub fn survey(&self, key: &PictureKey) -> SurveyState {
        let kind = key.at(0);
        let mut state = self.shared.state.lock();
        let Some(layer) = state.layer_mut(kind.layer) else { return SurveyState::Running };
        if let Some(done) = layer.survey.state_of(&kind) {
            return done;
        }
        if layer.survey.running.as_ref().is_none_or(|running| running.kind != kind) {
            let Snapshot { image, since } = layer.snapshot();
            let (num_t, dtype) = (image.info().shape[0], image.info().dtype);
            let of_survey = PictureKey { level: image.quick_level(&kind.picture), ..kind };
            let region = image.picture_region(&of_survey);
            let picture_bytes = region.and_then(|region| region.shape().num_bytes(dtype)).unwrap_or(usize::MAX);
            layer.survey.running = Some(Running::new(kind, since, num_t, picture_bytes, dtype));
            drop(state);
            self.shared.notify();
        }
        SurveyState::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::LazyArray;
    use crate::format::memory::MemorySource;
    use crate::volume::{Orientation, Projection, Shape};

    /// Timepoint t has 100 + t in plane 0 and 10 less in plane 1.
    fn stream(num_t: usize) -> Stream {
        let bytes = (0..num_t).flat_map(|t| [vec![100 + t as u8; 64], vec![90 + t as u8; 64]].concat()).collect();
        let source = MemorySource::new(DType::U8, Shape::from([num_t, 2, 8, 8]), "tzyx", &[1, 1, 8, 8], bytes);
        Stream::with_workers(Arc::new(LazyArray::new(Arc::new(source.expect("agrees")))), 0)
    }

    fn kind(op: Projection) -> Picture {
        Picture::Projection { t: 3, orientation: Orientation::Xy, slab: [0, 2], op }
    }

    fn finish(stream: &Stream, picture: &Picture) -> SurveyState {
        (0..10_000)
            .find_map(|_| {
                let state = stream.survey(&stream.array().picture_key(*picture));
                let is_done = state != SurveyState::Running;
                stream.run_one();
                is_done.then_some(state)
            })
            .expect("the survey ends")
    }

    #[test]
    fn each_kind_is_measured_over_the_whole_recording_and_then_fixed() {
        let stream = stream(40);
        for (op, range) in [(Projection::Sum, [190.0, 268.0]), (Projection::Std, [5.0, 5.0])] {
            let SurveyState::Done(sample) = finish(&stream, &kind(op)) else { panic!("{op:?} has values") };
            assert!(sample.min >= range[0] && sample.max <= range[1], "{op:?}: {} to {}", sample.min, sample.max);
            let share = (sample.max - sample.min) / (range[1] - range[0]).max(1.0);
            assert!(op == Projection::Std || share > 0.9, "timepoints from all of the recording: {share}");
            assert_eq!(sample.num_voxels, MAX_PICTURES * 64);
            assert_eq!(finish(&stream, &kind(op)), SurveyState::Done(sample));
        }
    }

    #[test]
    fn a_recording_replaced_meanwhile_is_measured_anew() {
        let stream = stream(40);
        assert_eq!(stream.survey(&stream.array().picture_key(kind(Projection::Sum))), SurveyState::Running);
        while stream.shared.state.lock().layers[0]
            .survey
            .running
            .as_ref()
            .is_some_and(|running| running.values.is_empty())
        {
            assert!(stream.run_one());
        }
        let other = MemorySource::new(DType::U8, Shape::from([3, 2, 8, 8]), "tzyx", &[1, 1, 8, 8], vec![7; 384]);
        stream.replace_array(Arc::new(LazyArray::new(Arc::new(other.expect("agrees")))), &[]);
        let SurveyState::Done(sample) = finish(&stream, &kind(Projection::Sum)) else { panic!("there are values") };
        assert_eq!((sample.min, sample.max, sample.num_voxels), (14.0, 14.0, 3 * 64));
    }

    #[test]
    fn what_has_no_finite_value_is_said_to_have_none() {
        let bytes = bytemuck::cast_slice(&[f32::NAN; 2 * 2 * 4]).to_vec();
        let source = MemorySource::new(DType::F32, Shape::from([2, 2, 2, 2]), "tzyx", &[1, 1, 2, 2], bytes);
        let stream = Stream::with_workers(Arc::new(LazyArray::new(Arc::new(source.expect("agrees")))), 0);
        assert_eq!(finish(&stream, &kind(Projection::Mean)), SurveyState::Nothing);
    }
}
