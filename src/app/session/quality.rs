//! A session's side of quality: what is measured of its recording behind everything else, and the verdict on it,
//! which is made anew where measures or limits have changed.

use std::sync::Arc;

use super::Session;
use crate::app::profiles::Profiles;
use crate::array::LazyArray;
use crate::qc::{Codes, Evidence, Limits, Subject, Verdict, judge};
use crate::sweep::{Checker, NoLender, Snapshot};
use crate::ui::Quality;

/// The measuring of one recording, and what has come of it.
pub struct Watch {
    checker: Checker,
    /// What it was told last.
    array: Arc<LazyArray>,
    subject: Subject,
    snapshot: Arc<Snapshot>,
    verdict: Verdict,
    judged_with: Limits,
}

impl Session {
    /// Begins to measure the recording, anew where another one has taken its place.
    pub(super) fn start_checking(&mut self) {
        let (array, subject) = (Arc::clone(&self.array), self.measured());
        let wake = Arc::clone(&self.wake);
        let checker = Checker::start(Arc::clone(&array), subject.clone(), Codes::ALL, Arc::new(NoLender), wake);
        checker.set_paused(self.is_checking_paused);
        let (snapshot, limits) = (checker.snapshot(), self.profiles.limits().clone());
        let verdict = verdict(&snapshot, &limits);
        self.watch = Some(Watch { checker, array, subject, snapshot, verdict, judged_with: limits });
    }

    /// Tells the one who measures what has become of the recording, `stale` timepoints included; takes in what he
    /// has found, and judges it.
    pub(super) fn renew_quality(&mut self) {
        let subject = self.measured();
        let Some(watch) = &mut self.watch else { return };
        if watch.array.id() != self.array.id() {
            self.stale.clear();
            self.start_checking();
            return;
        }
        if !Arc::ptr_eq(&watch.array, &self.array) || watch.subject != subject {
            watch.checker.extend(Arc::clone(&self.array), subject.clone(), &std::mem::take(&mut self.stale));
            (watch.array, watch.subject) = (Arc::clone(&self.array), subject);
        }
        let snapshot = watch.checker.snapshot();
        let limits = self.profiles.limits();
        if snapshot.version != watch.snapshot.version || watch.judged_with != *limits {
            watch.verdict = verdict(&snapshot, limits);
            (watch.snapshot, watch.judged_with) = (snapshot, limits.clone());
        }
    }

    /// What is known of its quality, where that is measured.
    pub fn quality(&self) -> Option<Quality<'_>> {
        let watch = self.watch.as_ref()?;
        Some(Quality {
            snapshot: &watch.snapshot,
            verdict: &watch.verdict,
            limits: self.profiles.limits(),
            limits_name: self.profiles.name(),
            limits_are_changed: self.profiles.is_changed(),
            profiles: self.profiles.names(),
        })
    }

    /// These limits are in force now.
    pub(in crate::app) fn set_profiles(&mut self, profiles: Profiles) {
        self.profiles = profiles;
        self.renew_quality();
    }

    /// Holds measuring, or goes on.
    pub(super) fn toggle_checking(&mut self) {
        self.is_checking_paused ^= true;
        if let Some(watch) = &self.watch {
            watch.checker.set_paused(self.is_checking_paused);
        }
    }

    /// What is measured. The recording's own clock may have to be read, which is left to the one who measures.
    fn measured(&self) -> Subject {
        let info = self.array.info();
        Subject {
            shape: info.shape,
            dtype: info.dtype,
            rate_hz: info.rate_hz,
            voxel_um: info.voxel_size.map(|size| [size.z_um, size.y_um, size.x_um]),
            planned_t: self.planned_t(),
            times_s: None,
        }
    }

    /// Timepoints that are to come beyond those there are: nothing more comes of what has ended.
    fn planned_t(&self) -> Option<usize> {
        let live = self.live.as_ref().filter(|_| self.is_live())?;
        live.expected_end.filter(|end| *end > self.info().shape[0])
    }
}

fn verdict(snapshot: &Snapshot, limits: &Limits) -> Verdict {
    let Snapshot { subject, table, figures, missing, .. } = snapshot;
    judge(&Evidence { subject, table, figures, missing }, limits)
}
