//! A session's side of quality: what is measured of its recording behind everything else, and the verdict on it,
//! which is made anew where measures or limits have changed.

use std::path::Path;
use std::sync::Arc;

use super::Session;
use crate::app::lender::StreamLender;
use crate::app::profiles::Profiles;
use crate::array::LazyArray;
use crate::qc::{Alarm, Codes, Derived, Evidence, Limits, Row, Subject, Verdict, judge_with};
use crate::sweep::{Checker, Snapshot};
use crate::ui::Quality;

/// The measuring of one recording, and what has come of it.
pub struct Watch {
    checker: Checker,
    /// What it was told last.
    array: Arc<LazyArray>,
    subject: Subject,
    snapshot: Arc<Snapshot>,
    /// What follows from its table, kept from one snapshot to the next.
    derived: Derived,
    verdict: Verdict,
    motion: Option<[f64; 2]>,
    is_live: bool,
    judged_with: Limits,
}

impl Session {
    /// Begins to measure the recording, anew where another one has taken its place.
    pub(super) fn start_checking(&mut self) {
        let (array, subject) = (Arc::clone(&self.array), self.measured());
        let wake = Arc::clone(&self.wake);
        let lender = Arc::new(StreamLender(self.stream.peek()));
        let kept = self.recall.memory.results_folder().map(Path::to_owned);
        let checker = Checker::start_keeping(kept, Arc::clone(&array), subject.clone(), Codes::ALL, lender, wake);
        let is_live = self.is_live();
        checker.set_live(is_live);
        checker.set_paused(self.is_checking_paused);
        let (snapshot, limits) = (checker.snapshot(), self.profiles.limits().clone());
        let derived = Derived::of(&snapshot.table, &snapshot.figures);
        let (verdict, motion) = (verdict(&snapshot, &derived, &limits), motion(&snapshot));
        let judged_with = limits;
        self.watch = Some(Watch { checker, array, subject, snapshot, derived, verdict, motion, is_live, judged_with });
    }

    /// Tells the one who measures what has become of the recording, `stale` timepoints included; takes in what he
    /// has found, and judges it.
    pub(super) fn renew_quality(&mut self) {
        let subject = self.measured();
        let is_live = self.is_live();
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
        if watch.is_live != is_live {
            watch.is_live = is_live;
            watch.checker.set_live(is_live);
        }
        let snapshot = watch.checker.snapshot();
        let limits = self.profiles.limits();
        if snapshot.version != watch.snapshot.version || watch.judged_with != *limits {
            watch.derived.update(&snapshot.table, &snapshot.figures);
            watch.verdict = verdict(&snapshot, &watch.derived, limits);
            watch.motion = motion(&snapshot);
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
            motion: watch.motion,
        })
    }

    /// These limits are in force now.
    pub(in crate::app) fn set_profiles(&mut self, profiles: Profiles) {
        self.profiles = profiles;
        self.renew_quality();
    }

    /// Where the next alarm begins after a timepoint, or the one before it, and in which plane; round the ends.
    pub(super) fn alarm_from(&self, t: usize, is_next: bool) -> Option<(usize, Option<usize>)> {
        let mut alarms: Vec<&Alarm> = self.watch.as_ref()?.verdict.alarms.iter().collect();
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

fn verdict(snapshot: &Snapshot, derived: &Derived, limits: &Limits) -> Verdict {
    let Snapshot { subject, table, figures, missing, .. } = snapshot;
    judge_with(&Evidence { subject, table, figures, missing }, derived, limits)
}

/// Median and largest shift in the plane, px, of the timepoints that have one.
fn motion(snapshot: &Snapshot) -> Option<[f64; 2]> {
    let table = &snapshot.table;
    let rows = (0..table.num_t()).filter_map(|t| table.row(t));
    let length = |row: &Arc<Row>| f64::from(row.volume.shift[0]).hypot(f64::from(row.volume.shift[1]));
    let mut lengths: Vec<f64> = rows.map(length).filter(|length| length.is_finite()).collect();
    let most = lengths.iter().copied().reduce(f64::max)?;
    let middle = lengths.len() / 2;
    let (_, median, _) = lengths.select_nth_unstable_by(middle, f64::total_cmp);
    Some([*median, most])
}
