//! A session's side of quality: what is measured of its recording behind everything else, told of what becomes of
//! the recording, and what has come of it.

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

/// The measuring of one recording, what it was told last, and what has come of it.
pub struct Watch {
    judging: Judging,
    array: Arc<LazyArray>,
    subject: Subject,
    is_live: bool,
    judged: Arc<Judged>,
    alerts: Alerts,
}

impl Session {
    /// Begins to measure the recording, anew where another one has taken its place.
    pub(super) fn start_checking(&mut self) {
        let (array, subject, is_live) = (Arc::clone(&self.array), self.measured(), self.is_live());
        let (limits, wake) = (self.profiles.limits().clone(), Arc::clone(&self.wake));
        let lender = Arc::new(StreamLender(self.stream.peek()));
        let kept = self.recall.memory.results_folder().map(Path::to_owned);
        let judging = Judging::start(kept, Arc::clone(&array), subject.clone(), limits, lender, wake);
        judging.checker().set_live(is_live);
        judging.checker().set_paused(self.is_checking_paused);
        let judged = judging.judged();
        self.watch = Some(Watch { judging, array, subject, is_live, judged, alerts: Alerts::default() });
    }

    /// Tells the one who measures what has become of the recording, stale timepoints included, and takes in what
    /// has been found.
    pub(super) fn renew_quality(&mut self, now: Instant) {
        let (subject, is_live) = (self.measured(), self.is_live());
        let Some(watch) = &mut self.watch else { return };
        if watch.array.id() != self.array.id() {
            self.stale.clear();
            self.start_checking();
            return;
        }
        let checker = watch.judging.checker();
        if !Arc::ptr_eq(&watch.array, &self.array) || watch.subject != subject {
            checker.extend(Arc::clone(&self.array), subject.clone(), &std::mem::take(&mut self.stale));
            (watch.array, watch.subject) = (Arc::clone(&self.array), subject);
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
        let full_scale = watch.judged.snapshot.figures.full_scale.filter(|full_scale| full_scale.is_detected);
        let value = full_scale.map(|full_scale| full_scale.value);
        if self.view.layers[0].full_scale != value {
            self.view.apply(&Command::FullScaleDetected { layer: 0, value }, self.array.info());
        }
    }

    /// What is known of its quality, where that is measured.
    pub fn quality(&self) -> Option<Quality<'_>> {
        let Judged { snapshot, verdict, motion, .. } = &*self.watch.as_ref()?.judged;
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
        if let Some(watch) = &self.watch {
            watch.judging.set_limits(self.profiles.limits());
        }
    }

    /// Where the next alarm begins after a timepoint, or the one before it, and in which plane; round the ends.
    pub(super) fn alarm_from(&self, t: usize, is_next: bool) -> Option<(usize, Option<usize>)> {
        let mut alarms: Vec<&Alarm> = self.watch.as_ref()?.judged.verdict.alarms.iter().collect();
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
        if let Some(watch) = &self.watch {
            watch.judging.checker().set_paused(self.is_checking_paused);
        }
    }

    /// What is measured. The recording's own clock may have to be read, which is left to the one who measures.
    fn measured(&self) -> Subject {
        subject_without_clock(&self.array, self.planned_t())
    }

    /// Timepoints that are to come beyond those there are: nothing more comes of what has ended.
    fn planned_t(&self) -> Option<usize> {
        let live = self.live.as_ref().filter(|_| self.is_live())?;
        live.expected_end.filter(|end| *end > self.info().shape[0])
    }
}
