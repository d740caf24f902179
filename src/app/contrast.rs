//! A session's contrast: what is measured of each kind of picture, and when. The first limits of a kind are
//! those of its first picture, then those of the whole recording; after that they change at the user's wish
//! alone.

use std::sync::Arc;
use std::time::Instant;

use super::session::Session;
use crate::stream::{NoSample, Sample, SurveyState};
use crate::ui::{Command, HistogramData, LimitsOf};
use crate::volume::{Picture, PictureKey, PictureValues, ValueKind, Voxels, measured_values, percentiles};

/// Every so many voxels of the first picture are looked at for its limits.
const PROVISIONAL_STEP: usize = 7;
/// Automatic contrast leaves out so many percent at either end: a hot pixel must not ruin it.
const PERCENTS: [f64; 2] = [0.1, 99.9];

/// What was measured of each kind of picture, in the order of [`ValueKind`].
#[derive(Default)]
pub struct Contrast {
    measured: [Option<Measured>; ValueKind::NUM],
    measuring: Option<Measuring>,
    /// The kind of the last picture that was of no use for a first guess.
    without_values: Option<(u64, ValueKind)>,
    /// Why the voxels will not be measured, once that is certain.
    pub(super) no_sample: Option<NoSample>,
}

struct Measured {
    /// The kind of picture, at timepoint 0.
    picture: Picture,
    /// `None` where there is no finite value.
    sample: Option<Arc<Sample>>,
}

struct Measuring {
    picture: Picture,
    /// Asked for by the user, when these limits were chosen.
    wished: Option<Option<LimitsOf>>,
}

impl Contrast {
    /// Whether nothing is left to be found out about a kind of picture.
    pub(super) fn is_known(&self, kind: ValueKind) -> bool {
        let is_measuring = self.measuring.as_ref().is_some_and(|running| running.picture.values().kind == kind);
        (self.measured[kind as usize].is_some() && !is_measuring) || self.why_none(kind).is_some()
    }

    /// Why there is no histogram of a kind of picture and will be none, in words.
    pub(super) fn why_none(&self, kind: ValueKind) -> Option<&'static str> {
        let measured = self.measured[kind as usize].as_ref();
        let reason = match kind {
            ValueKind::Voxels if measured.is_none() => self.no_sample,
            _ => measured.filter(|measured| measured.sample.is_none()).map(|_| NoSample::NotFinite),
        };
        reason.map(|reason| match reason {
            NoSample::Unreadable => "Nothing of it can be read",
            NoSample::NotFinite => "No finite values",
        })
    }

    /// The histogram of these values: that of their kind, which of a sum grows with its slab.
    pub(super) fn histogram(&self, values: PictureValues) -> Option<HistogramData<'_>> {
        let measured = self.measured[values.kind as usize].as_ref()?;
        let histogram = &measured.sample.as_ref()?.histogram;
        let factor = measured.picture.values().factor_to(values);
        Some(HistogramData { bins: &histogram.counts, range: histogram.range.map(|end| end * factor) })
    }
}

impl Session {
    /// Takes in what has been measured of the kind of picture asked for, of each layer that is seen, and begins
    /// with it where it is seen for the first time.
    pub(super) fn measure_contrast(&mut self, now: Instant, now_s: f64) {
        let picture = self.asked().at(0);
        for layer in 0..self.layers.len() {
            if !self.view.layers[layer].visible {
                continue;
            }
            match picture.values().kind {
                ValueKind::Voxels => self.measure_voxels(layer, picture, now, now_s),
                _ => self.measure_projections(layer, picture, now, now_s),
            }
        }
    }

    fn measure_projections(&mut self, layer: usize, picture: Picture, now: Instant, now_s: f64) {
        let kind = picture.values().kind;
        let id = self.layers[layer].id();
        let contrast = &mut self.layers[layer].contrast;
        let is_under_way = |running: &Measuring| running.picture.values().kind == kind;
        if !contrast.measuring.as_ref().is_some_and(is_under_way) {
            if contrast.measured[kind as usize].is_some() {
                return;
            }
            contrast.measuring = Some(Measuring { picture, wished: None });
        }
        let Some(running) = &contrast.measuring else { return };
        let sample = match self.stream.survey(&PictureKey::finest(id, running.picture)) {
            SurveyState::Running => return,
            SurveyState::Nothing => None,
            SurveyState::Done(sample) => Some(sample),
        };
        let Some(Measuring { picture, wished }) = self.layers[layer].contrast.measuring.take() else { return };
        if let Some(sample) = sample.as_ref().filter(|sample| tells_limits(sample)) {
            // What the user has chosen since the wish stays.
            let is_wished = wished.is_some_and(|then| then == self.view.layers[layer].contrast.chosen[kind as usize]);
            let (values, limits) = (picture.values(), sample.percentiles);
            self.apply(&Command::LimitsMeasured { layer, values, limits, is_wished }, now, now_s);
        }
        self.layers[layer].contrast.measured[kind as usize] = Some(Measured { picture, sample });
    }

    fn measure_voxels(&mut self, layer: usize, picture: Picture, now: Instant, now_s: f64) {
        if self.layers[layer].contrast.measured[ValueKind::Voxels as usize].is_some() {
            return;
        }
        let id = self.layers[layer].id();
        self.layers[layer].contrast.no_sample = self.stream.no_sample(id);
        if let Some(sample) = self.stream.sample(id) {
            let (values, limits, tells) = (picture.values(), sample.percentiles, tells_limits(&sample));
            self.layers[layer].contrast.measured[values.kind as usize] =
                Some(Measured { picture, sample: Some(sample) });
            if tells {
                self.apply(&Command::LimitsMeasured { layer, values, limits, is_wished: false }, now, now_s);
            }
        }
    }

    /// The user wants the limits of the whole recording: where projections are folded in another way now
    /// than when they were measured, they are measured again.
    pub(super) fn measure_again(&mut self) {
        let picture = self.asked().at(0);
        let kind = picture.values().kind;
        let is_other = |measured: &Measured| measured.picture != picture && kind != ValueKind::Voxels;
        if self.layer().contrast.measured[kind as usize].as_ref().is_some_and(is_other) {
            let wished = Some(self.view.layer().contrast.chosen[kind as usize]);
            let layer = self.chosen_layer();
            self.layers[layer].contrast.measuring = Some(Measuring { picture, wished });
        }
    }

    /// Gives the active layer the limits that fit its picture on screen.
    pub(super) fn fit_contrast(&mut self, now: Instant, now_s: f64) -> bool {
        let chosen = self.layer().id();
        let drawn = self.on_screen().filter(|drawn| drawn.key.layer == chosen);
        let Some(drawn) = drawn else { return false };
        let (picture, Some(limits)) = (drawn.key.picture, limits_of(&drawn.voxels, 1)) else { return false };
        self.apply(&Command::LimitsOfPicture { values: picture.values(), limits }, now, now_s)
    }

    /// Gives a kind of picture that is seen for the first time the limits of that picture, until the
    /// recording has been measured.
    pub(super) fn guess_contrast(&mut self, key: &PictureKey, voxels: &Voxels) {
        let values = key.picture.values();
        let Some(layer) = self.layers.iter().position(|layer| layer.id() == key.layer) else { return };
        let known = &self.view.layers[layer].contrast;
        let is_known = known.of(values).is_some()
            || known.guessed[values.kind as usize].is_some()
            || self.layers[layer].contrast.without_values == Some((voxels.id(), values.kind));
        if is_known {
            return;
        }
        match limits_of(voxels, PROVISIONAL_STEP) {
            Some(limits) => {
                let info = *self.layers[layer].info();
                self.view.apply(&Command::LimitsGuessed { layer, values, limits }, &info);
            }
            None => self.layers[layer].contrast.without_values = Some((voxels.id(), values.kind)),
        }
    }
}

/// Whether a sample says more than that everything looked at was of one value: of an image that is mostly empty
/// the picture on screen says more.
fn tells_limits(sample: &Sample) -> bool {
    sample.percentiles[0] < sample.percentiles[1]
}

/// Percentiles of every `step`-th finite value; the smallest and the largest where these are the same.
fn limits_of(voxels: &Voxels, step: usize) -> Option<[f64; 2]> {
    let mut values = measured_values(voxels, step);
    values.retain(|value| value.is_finite());
    let [min, low, high, max] = percentiles(&mut values, [0.0, PERCENTS[0], PERCENTS[1], 100.0])?;
    Some(if low < high { [low, high] } else { [min, max] })
}

#[cfg(test)]
mod tests;
