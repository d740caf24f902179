//! Which alarms are new: each is told once, none of what was there when the recording was opened, and none so
//! often that nobody listens any more.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::judging::Judged;
use crate::qc::{Alarm, Code, Gravity};

/// An alarm that began longer ago, in seconds of the recording, is no news; its rate unknown, in timepoints.
const NEW_S: f64 = 60.0;
/// Two alarms of one measure are told at least so far apart.
const APART: Duration = Duration::from_secs(60);

/// What has been told.
#[derive(Default)]
pub struct Alerts {
    known: HashSet<(Code, usize)>,
    told: HashMap<Code, Instant>,
}

impl Alerts {
    /// The alarms that began since the last call, while somebody records.
    pub fn begun(&mut self, judged: &Judged, is_live: bool, now: Instant) -> Vec<Alarm> {
        let subject = &judged.snapshot.subject;
        let newest = (NEW_S * subject.rate_hz.filter(|rate| *rate > 0.0).unwrap_or(1.0)) as usize;
        let since = subject.shape[0].saturating_sub(newest);
        let alarms = judged.verdict.alarms.iter().filter(|alarm| alarm.gravity == Gravity::Alarm);
        let unknown = alarms.filter(|alarm| self.known.insert((alarm.code, alarm.t[0])));
        let begun: Vec<&Alarm> = unknown.filter(|alarm| is_live && alarm.t[0] >= since).collect();
        let is_due = |code| self.told.get(&code).is_none_or(|told| now.saturating_duration_since(*told) >= APART);
        let due: Vec<Alarm> = begun.into_iter().filter(|alarm| is_due(alarm.code)).cloned().collect();
        self.told.extend(due.iter().map(|alarm| (alarm.code, now)));
        due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::qc::{Limits, Subject, Usable, Verdict};
    use crate::sweep::{Progress, Snapshot};
    use crate::volume::DType;

    fn judged(num_t: usize, alarms: &[(Code, Gravity, usize)]) -> Judged {
        let subject = Subject {
            shape: [num_t, 2, 8, 8],
            dtype: DType::U16,
            rate_hz: Some(5.0),
            voxel_um: None,
            planned_t: None,
            times_s: None,
        };
        let alarm = |&(code, gravity, t): &(Code, Gravity, usize)| Alarm {
            code,
            gravity,
            t: [t, t + 3],
            z: None,
            value: 9.0,
            limit: 5.0,
            is_open: false,
            title: "Fish moved".to_owned(),
            detail: String::new(),
            advice: String::new(),
        };
        let verdict = Verdict { alarms: alarms.iter().map(alarm).collect(), usable: Usable::default(), lost: vec![] };
        let snapshot = Snapshot {
            version: 1,
            subject,
            table: Default::default(),
            figures: Default::default(),
            missing: Vec::new(),
            pictures: None,
            progress: Progress::default(),
        };
        Judged { snapshot: Arc::new(snapshot), limits: Limits::default(), verdict, motion: None }
    }

    #[test]
    fn an_alarm_is_told_once_while_it_is_news_and_never_too_often() {
        use Gravity::{Alarm, Warn};
        let (mut alerts, start) = (Alerts::default(), Instant::now());
        let mut num_told = |num_t, alarms: &[_], is_live, after_s| {
            alerts.begun(&judged(num_t, alarms), is_live, start + Duration::from_secs(after_s)).len()
        };
        let old = (Code::Missing, Alarm, 100);
        assert_eq!(num_told(1000, &[old], true, 0), 0, "it was there before");
        let moved = (Code::Motion, Alarm, 990);
        assert_eq!(num_told(1000, &[old, moved, (Code::ZDrift, Warn, 995)], true, 1), 1, "warnings are not told");
        assert_eq!(num_told(1010, &[old, moved], true, 2), 0, "nor anything twice");
        let again = (Code::Motion, Alarm, 1020);
        assert_eq!(num_told(1030, &[old, moved, again], true, 8), 0, "nor one after the other");
        let slipped = (Code::PlaneSlip, Alarm, 1025);
        assert_eq!(num_told(1030, &[old, moved, again, slipped], true, 9), 1);
        let later = (Code::Motion, Alarm, 1400);
        assert_eq!(num_told(1410, &[old, moved, again, slipped, later], true, 80), 1);
        assert_eq!(num_told(1500, &[(Code::Saturation, Alarm, 1490)], false, 90), 0, "nobody records");
    }
}
