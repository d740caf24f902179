//! A session's side of quality: what is measured of its chosen layer behind everything else, told of what becomes of
//! the recording, and what has come of it. What has been measured of a layer stays while another one is chosen.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::alerts::Alerts;
use super::judging::{Judged, Judging};
use crate::app::lender::StreamLender;
use crate::app::profiles::Profiles;
use crate::array::LazyArray;
use crate::qc::{Alarm, Subject};
use crate::sweep::subject_without_clock;
use crate::ui::{Command, Quality};

/// The measuring of one layer, what it was told last, and what has come of it.
pub struct Watch {
    judging: Judging,
    array: Arc<LazyArray>,
    subject: Subject,
    is_live: bool,
    judged: Arc<Judged>,
    alerts: Alerts,
}

impl Session {
    /// Begins to measure the chosen layer, anew where another recording has taken its place.
    pub(super) fn start_checking(&mut self) {
        let (array, subject, is_live) = (Arc::clone(self.layer().array()), self.measured(), self.is_live());
        let (limits, wake) = (self.profiles.limits().clone(), Arc::clone(&self.wake));
        let lender = Arc::new(StreamLender(self.stream.peek()));
        let kept = self.recall.memory.results_folder().map(Path::to_owned);
        let judging = Judging::start(kept, Arc::clone(&array), subject.clone(), limits, lender, wake);
        judging.checker().set_live(is_live);
        judging.checker().set_paused(self.is_checking_paused);
        let judged = judging.judged();
        let watch = Watch { judging, array, subject, is_live, judged, alerts: Alerts::default() };
        let chosen = self.chosen_layer();
        self.layers[chosen].watch = Some(watch);
        self.checked_layer = Some(self.layers[chosen].id());
    }

    /// Goes on with the layer that is chosen now; the measuring of the others rests.
    fn check_chosen(&mut self) {
        let chosen = self.layer().id();
        if self.checked_layer == Some(chosen) {
            return;
        }
        for layer in &self.layers {
            if let Some(watch) = &layer.watch {
                watch.judging.checker().set_paused(layer.id() != chosen || self.is_checking_paused);
            }
        }
        self.checked_layer = Some(chosen);
        match &self.layer().watch {
            Some(watch) => watch.judging.set_limits(self.profiles.limits()),
            None => self.start_checking(),
        }
    }

    /// Tells the one who measures what has become of the recording, stale timepoints included, and takes in what
    /// has been found.
    pub(super) fn renew_quality(&mut self, now: Instant) {
        if self.checked_layer.is_none() {
            return;
        }
        self.check_chosen();
        let (subject, is_live, chosen) = (self.measured(), self.is_live(), self.chosen_layer());
        let layer = &mut self.layers[chosen];
        let is_computed = layer.computed.is_some();
        let array = Arc::clone(layer.array());
        let Some(watch) = layer.watch.as_mut().filter(|watch| watch.array.id() == array.id()) else {
            layer.stale.clear();
            self.start_checking();
            return;
        };
        let checker = watch.judging.checker();
        if !Arc::ptr_eq(&watch.array, &array) || watch.subject != subject {
            checker.extend(Arc::clone(&array), subject.clone(), &std::mem::take(&mut layer.stale));
            (watch.array, watch.subject) = (array, subject);
        }
        if watch.is_live != is_live {
            watch.is_live = is_live;
            checker.set_live(is_live);
        }
        let judged = watch.judging.judged();
        if !Arc::ptr_eq(&judged, &watch.judged) {
            self.begun.extend(watch.alerts.begun(&judged, is_live, now));
            watch.judged = judged;
        }
        let full_scale =
            watch.judged.snapshot.figures.full_scale.filter(|full_scale| full_scale.is_detected && !is_computed);
        let value = full_scale.map(|full_scale| full_scale.value);
        if self.view.layers[chosen].full_scale != value {
            let info = *self.info();
            self.view.apply(&Command::FullScaleDetected { layer: chosen, value }, &info);
        }
    }

    /// The measuring of the chosen layer.
    fn watch(&self) -> Option<&Watch> {
        self.layer().watch.as_ref()
    }

    /// What is known of its quality, where that is measured.
    pub fn quality(&self) -> Option<Quality<'_>> {
        let Judged { snapshot, verdict, motion, .. } = &*self.watch()?.judged;
        Some(Quality {
            snapshot,
            verdict,
            limits: self.profiles.limits(),
            limits_name: self.profiles.name(),
            limits_are_changed: self.profiles.is_changed(),
            profiles: self.profiles.names(),
            motion: *motion,
        })
    }

    /// Timepoints of which all has been measured, and whether there is nothing left to measure.
    pub fn checked(&self) -> (usize, bool) {
        let Some(quality) = self.quality() else { return (0, true) };
        let progress = &quality.snapshot.progress;
        let is_done = progress.done >= progress.of || progress.failure.is_some() || self.is_checking_paused;
        (progress.done, is_done && progress.of > 0)
    }

    /// These limits are in force now.
    pub(in crate::app) fn set_profiles(&mut self, profiles: Profiles) {
        self.profiles = profiles;
        if let Some(watch) = self.watch() {
            watch.judging.set_limits(self.profiles.limits());
        }
    }

    /// Where the next alarm begins after a timepoint, or the one before it, and in which plane; round the ends.
    pub(super) fn alarm_from(&self, t: usize, is_next: bool) -> Option<(usize, Option<usize>)> {
        let mut alarms: Vec<&Alarm> = self.watch()?.judged.verdict.alarms.iter().collect();
        alarms.sort_by_key(|alarm| (alarm.t[0], std::cmp::Reverse(alarm.gravity)));
        let alarm = match is_next {
            true => alarms.iter().find(|alarm| alarm.t[0] > t).or(alarms.first()),
            false => alarms.iter().rfind(|alarm| alarm.t[0] < t).or(alarms.last()),
        };
        alarm.map(|alarm| (alarm.t[0], alarm.z.map(|planes| planes[0])))
    }

    /// Holds measuring, or goes on.
    pub(super) fn toggle_checking(&mut self) {
        self.is_checking_paused ^= true;
        if let Some(watch) = self.watch() {
            watch.judging.checker().set_paused(self.is_checking_paused);
        }
    }

    /// What is measured. The recording's own clock may have to be read, which is left to the one who measures.
    fn measured(&self) -> Subject {
        subject_without_clock(self.layer().array(), self.planned_t())
    }

    /// Timepoints that are to come beyond those there are: nothing more comes of what has ended.
    fn planned_t(&self) -> Option<usize> {
        let live = self.live.as_ref().filter(|_| self.is_live())?;
        live.expected_end.filter(|end| *end > self.layer().array().info().shape[0])
    }
}
