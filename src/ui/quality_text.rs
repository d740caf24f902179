//! Quality in words: how much can be used, for the badge, the title and the panel, all of the same numbers.

use super::{Quality, format};
use crate::qc::{Alarm, Grade, Gravity, Usable, whole_percent};
use crate::sweep::Snapshot;

/// Measuring that is this far behind counts as caught up, in seconds and in timepoints where that is more.
const CAUGHT_UP_S: f64 = 5.0;
const CAUGHT_UP_T: usize = 10;
/// After so many quiet seconds of the recording a warning and an alarm step back in the list.
const QUIET_S: [f64; 2] = [15.0, 60.0];

impl<'a> Quality<'a> {
    /// Whether all there is has been measured but for the newest few timepoints.
    pub fn is_caught_up(&self) -> bool {
        let progress = &self.snapshot.progress;
        let rate = self.verdict.usable.rate_hz.unwrap_or(0.0);
        progress.of.saturating_sub(progress.done) <= CAUGHT_UP_T.max((rate * CAUGHT_UP_S) as usize)
    }

    /// What is said of the recording: of all of it, or, while most of it has not been looked at, of the part that
    /// has. `None` where nothing has.
    pub fn usable(&self) -> Option<Usable> {
        let usable = self.verdict.usable;
        if usable.measured == 0 {
            return None;
        }
        Some(if self.is_caught_up() {
            usable
        } else {
            Usable { of: usable.measured, expected: usable.volumes, ..usable }
        })
    }

    /// "usable 18.4 of 30 min"; of a part that has been measured "usable 1.8 of 2 min checked".
    pub fn badge(&self) -> Option<(Grade, String)> {
        let usable = self.usable()?;
        let (amount, of, unit) = amounts(&usable);
        let of = of.strip_suffix(".0").unwrap_or(&of);
        let part = if self.is_caught_up() { "" } else { " checked" };
        Some((usable.grade(), format!("usable {amount} of {of} {unit}{part}")))
    }

    /// Alarms and warnings that matter now, the newest first.
    pub fn active(&self) -> impl Iterator<Item = &'a Alarm> {
        let (verdict, quality) = (self.verdict, *self);
        verdict.alarms.iter().rev().filter(move |alarm| quality.is_active(alarm))
    }

    /// Whether an alarm goes on, or, while recording, has been quiet only for a moment.
    pub fn is_active(&self, alarm: &Alarm) -> bool {
        let is_live = self.snapshot.progress.behind_s.is_some();
        alarm.is_open
            || is_live && quiet_s(self.snapshot, alarm) < QUIET_S[usize::from(alarm.gravity == Gravity::Alarm)]
    }

    /// The worst of what goes on.
    pub fn worst(&self) -> Option<Gravity> {
        self.active().map(|alarm| alarm.gravity).max()
    }

    /// How many warnings and how many alarms there are in all.
    pub fn counts(&self) -> [usize; 2] {
        let num = |gravity| self.verdict.alarms.iter().filter(|alarm| alarm.gravity == gravity).count();
        [num(Gravity::Warn), num(Gravity::Alarm)]
    }

    /// One sentence about what is lost and what is to come.
    pub fn sentence(&self) -> String {
        let progress = &self.snapshot.progress;
        if let Some(failure) = &progress.failure {
            return failure.clone();
        }
        let Some(usable) = self.usable() else {
            if progress.is_paused && progress.of > 0 {
                return "Not being checked; “limits” above goes on with it.".to_owned();
            }
            return if progress.of == 0 { "Waiting for the first volume." } else { "Being checked…" }.to_owned();
        };
        let lost = usable.measured - usable.volumes.min(usable.measured);
        let lost = amounts(&Usable { expected: lost, ..usable });
        let lost = (usable.volumes < usable.measured).then(|| format!("{} {} lost", lost.0, lost.2));
        let is_open = self.verdict.alarms.iter().any(|alarm| alarm.gravity == Gravity::Alarm && alarm.is_open);
        let is_to_come = usable.of > usable.measured;
        match (lost, is_open, is_to_come) {
            (None, _, true) => "Nothing lost so far.".to_owned(),
            (None, _, false) => "Nothing lost.".to_owned(),
            (Some(lost), true, true) => format!("{lost} so far. While the alarm goes on, nothing more becomes usable."),
            (Some(lost), false, true) => format!("{lost} so far. What is to come counts as usable."),
            (Some(lost), _, false) => format!("{lost}."),
        }
    }

    /// "checking live, 0.1 s behind", "checked 41 %", "checking paused": its pieces, and whether each is a value.
    pub fn checking(&self, is_live: bool) -> Vec<(String, bool)> {
        let progress = &self.snapshot.progress;
        let share = progress.done as f64 / progress.of.max(1) as f64;
        let percent = format!("{}\u{2009}%", whole_percent(share));
        match (progress.behind_s, progress.is_paused) {
            _ if progress.failure.is_some() => vec![("not checked".to_owned(), true)],
            (_, true) => {
                vec![("checking ".to_owned(), false), ("paused".to_owned(), true), (format!(", {percent}"), false)]
            }
            (Some(behind), _) if is_live && self.is_caught_up() => vec![
                ("checking ".to_owned(), false),
                ("live".to_owned(), true),
                (format!(", {} s behind", format::decimal(behind, 1)), false),
            ],
            _ => vec![("checked ".to_owned(), false), (percent, true)],
        }
    }
}

/// Usable timepoints, those it is of, and the unit of both: minutes, seconds of a short recording, or timepoints
/// where the rate is unknown.
pub fn amounts(usable: &Usable) -> (String, String, &'static str) {
    match usable.amounts() {
        (amount, of, Some(unit)) => (format::decimal(amount, 1), format::decimal(of, 1), unit),
        _ => (format::integer(usable.expected as i64), format::integer(usable.of as i64), "t"),
    }
}

/// ● ▲ ■ as letters, for where nothing can be drawn.
pub fn letter(grade: Grade) -> char {
    match grade {
        Grade::Good => '●',
        Grade::InPart => '▲',
        Grade::Lost => '■',
    }
}

/// When it began, and an arrow while it goes on: "18:44 →", without a rate "t 5 622".
pub fn since(alarm: &Alarm, rate_hz: Option<f64>) -> String {
    let t = alarm.t[0];
    let when = match rate_hz.filter(|rate| *rate > 0.0) {
        Some(rate) => format::clock((t as f64 / rate).floor(), 0),
        None => format!("t {}", format::integer(t as i64)),
    };
    if alarm.is_open { format!("{when} →") } else { when }
}

/// For how long the recording has been without it, s. Where its rate is unknown a timepoint counts as a second.
fn quiet_s(snapshot: &Snapshot, alarm: &Alarm) -> f64 {
    let num_quiet = snapshot.progress.of.saturating_sub(alarm.t[1] + 1);
    num_quiet as f64 / snapshot.subject.rate_hz.filter(|rate| *rate > 0.0).unwrap_or(1.0)
}
