//! From measures and limits to alarms and usable minutes. Reads nothing: changing a limit costs a moment.

use super::absent::absent;
use super::figured::figured;
use super::once::said_once;
use super::usable::{lost, usable};
use super::watch::watch;
use super::{Alarm, Derived, Figures, Limits, Missing, Subject, Table, Usable, words};

/// Everything that is judged, as it stands at one moment.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The recording.
    pub subject: &'a Subject,
    /// What was measured of each timepoint.
    pub table: &'a Table,
    /// What was measured of the whole.
    pub figures: &'a Figures,
    /// What is not there.
    pub missing: &'a [Missing],
}

/// What is to be said of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// In order of their first timepoint.
    pub alarms: Vec<Alarm>,
    /// How much can be used.
    pub usable: Usable,
    /// Timepoints that do not count as usable, half-open ranges in order.
    pub lost: Vec<[usize; 2]>,
}

/// Judges what was measured.
pub fn judge(evidence: &Evidence<'_>, limits: &Limits) -> Verdict {
    judge_with(evidence, &Derived::of(evidence.table, evidence.figures), limits)
}

/// The same with what follows from the table already at hand: for whoever judges it again and again.
pub fn judge_with(evidence: &Evidence<'_>, derived: &Derived, limits: &Limits) -> Verdict {
    let missing = absent(evidence);
    let mut found = watch(evidence, derived, limits);
    found.extend(figured(evidence, limits));
    found.extend(missing.iter().map(|(finding, _)| finding.clone()));
    let reason = |span| missing.iter().find(|(finding, _)| finding.span == span).map_or("", |(_, reason)| reason);
    let mut alarms: Vec<Alarm> =
        said_once(found).iter().map(|finding| words::alarm(evidence, finding, reason(finding.span))).collect();
    alarms.sort_by_key(|alarm| (alarm.t, alarm.code, alarm.z));
    let lost = lost(&alarms);
    let usable = usable(evidence.subject, evidence.table, &alarms, &lost);
    Verdict { alarms, usable, lost }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::super::{Bleaching, Code, FullScale, Grade, Gravity, PlaneRow, Row, VolumeRow};
    use super::*;
    use crate::volume::DType;

    const NUM_Z: usize = 4;

    /// Measure, gravity, timepoints, planes.
    type Said = (Code, Gravity, [usize; 2], Option<[usize; 2]>);

    /// A recording without a fault, in which faults are planted.
    struct Recording {
        subject: Subject,
        rows: Vec<Row>,
        figures: Figures,
        missing: Vec<Missing>,
    }

    impl Recording {
        fn clean(num_t: usize) -> Self {
            let subject = Subject {
                shape: [num_t, NUM_Z, 100, 100],
                dtype: DType::U16,
                rate_hz: Some(5.0),
                voxel_um: Some([8.0, 0.5, 0.5]),
                planned_t: None,
                times_s: None,
            };
            let noise = |t: usize| 1.0 + (t * 7919 % 101) as f32 / 500.0;
            let row = |t| Row {
                planes: vec![
                    PlaneRow {
                        is_there: true,
                        mean: 160.0,
                        std: 30.0,
                        percentiles: [101.0, 150.0, 300.0],
                        change: 10.0 * noise(t),
                        focus: 2.0 * noise(t),
                        ..PlaneRow::ABSENT
                    };
                    NUM_Z
                ],
                volume: VolumeRow { shift: [0.2, 0.1], z_drift: 0.1, slip: 0.0, ..VolumeRow::UNKNOWN },
                is_complete: true,
            };
            let figures = Figures {
                full_scale: Some(FullScale { value: 4095.0, is_detected: true }),
                offset: Some(92.0),
                read_noise: Some(2.5),
                ..Figures::default()
            };
            Self { subject, rows: (0..num_t).map(row).collect(), figures, missing: Vec::new() }
        }

        fn volumes(mut self, t: RangeInclusive<usize>, change: impl Fn(&mut VolumeRow)) -> Self {
            t.for_each(|t| change(&mut self.rows[t].volume));
            self
        }

        fn planes(
            mut self,
            t: RangeInclusive<usize>,
            z: RangeInclusive<usize>,
            change: impl Fn(&mut PlaneRow),
        ) -> Self {
            t.for_each(|t| self.rows[t].planes[z.clone()].iter_mut().for_each(&change));
            self
        }

        fn judge(&self, limits: &Limits) -> Verdict {
            let mut table = Table::new(0, NUM_Z);
            self.rows.iter().enumerate().for_each(|(t, row)| table.set(t, row.clone()));
            let Self { subject, figures, missing, .. } = self;
            judge(&Evidence { subject, table: &table, figures, missing }, limits)
        }

        fn alarms(&self) -> Vec<Said> {
            let alarms = self.judge(&Limits::default()).alarms;
            alarms.iter().map(|alarm| (alarm.code, alarm.gravity, alarm.t, alarm.z)).collect()
        }
    }

    fn dark(plane: &mut PlaneRow) {
        *plane = PlaneRow { mean: 100.0, std: 2.5, percentiles: [94.0, 100.0, 106.0], ..*plane };
    }

    #[test]
    fn of_a_clean_recording_nothing_is_said_and_all_of_it_is_usable() {
        let verdict = Recording::clean(300).judge(&Limits::default());
        assert_eq!(verdict.alarms, []);
        assert_eq!((verdict.usable.volumes, verdict.usable.expected, verdict.usable.of), (300, 300, 300));
        assert_eq!((verdict.usable.grade(), verdict.lost), (Grade::Good, vec![]));
    }

    #[test]
    fn every_fault_is_found_where_it_is_and_said_once() {
        use Code::*;
        use Gravity::*;
        let clean = || Recording::clean(200);
        let moved = |by| move |volume: &mut VolumeRow| volume.shift = [by, 0.0];
        let cases = [
            (clean().volumes(57..=57, moved(3.0)), (Motion, Warn, [57, 57], None)),
            (
                // Every plane changes when the sample jumps: said once.
                clean()
                    .volumes(48..=49, moved(3.0))
                    .volumes(50..=90, moved(6.8))
                    .planes(48..=52, 0..=3, |p| p.change = 99.0),
                (Motion, Alarm, [50, 90], None),
            ),
            (clean().planes(57..=57, 0..=3, |p| p.is_duplicate = true), (Duplicate, Alarm, [57, 57], None)),
            (clean().planes(57..=57, 2..=2, |p| p.is_duplicate = true), (Duplicate, Alarm, [57, 57], Some([2, 2]))),
            (clean().planes(90..=120, 0..=1, |p| p.at_scale[1] = 5), (Saturation, Warn, [90, 120], Some([0, 1]))),
            (clean().planes(90..=120, 0..=1, |p| p.at_scale[1] = 50), (Saturation, Alarm, [90, 120], Some([0, 1]))),
            (clean().planes(60..=70, 0..=3, dark).volumes(60..=70, moved(9.0)), (Underexposed, Alarm, [60, 70], None)),
            (clean().planes(60..=70, 1..=1, dark), (Underexposed, Warn, [60, 70], Some([1, 1]))),
            (clean().volumes(120..=160, |v| v.z_drift = -1.4), (ZDrift, Alarm, [120, 160], None)),
            (clean().planes(99..=99, 1..=1, |p| p.change = 50.0), (Dvars, Warn, [99, 99], Some([1, 1]))),
            (clean().planes(80..=130, 2..=3, |p| p.focus = 1.5), (Focus, Warn, [80, 130], Some([2, 3]))),
            (
                // Rotated planes look shifted along z.
                clean().volumes(57..=199, |v| (v.slip, v.z_drift) = (1.0, 1.0)),
                (PlaneSlip, Alarm, [57, 199], None),
            ),
        ];
        for (recording, expected) in cases {
            assert_eq!(recording.alarms(), [expected]);
        }
    }

    #[test]
    fn two_volumes_of_rotated_planes_are_not_believed() {
        let recording = Recording::clean(100).volumes(50..=51, |volume| volume.slip = 2.0);
        assert_eq!(recording.alarms(), []);
    }

    #[test]
    fn planes_that_were_never_lit_do_not_go_dark() {
        let recording = Recording::clean(100).planes(0..=99, 0..=1, dark);
        assert_eq!(recording.alarms(), []);
    }

    #[test]
    fn what_is_missing_is_named_with_why_and_planes_without_a_reason_too() {
        let mut recording = Recording::clean(100);
        let reason = "is truncated".to_owned();
        recording.missing.push(Missing { t: [20, 24], z: None, file: Some("0002.h5".into()), reason });
        (20..25).for_each(|t| recording.rows[t] = Row::absent(NUM_Z));
        (60..62).for_each(|t| recording.rows[t].planes[1] = PlaneRow::ABSENT);
        let verdict = recording.judge(&Limits::default());
        let said: Vec<_> = verdict
            .alarms
            .iter()
            .map(|alarm| (alarm.t, alarm.z, alarm.title.as_str(), alarm.detail.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ([20, 24], None, "5 volumes missing", "0002.h5: is truncated."),
                ([60, 61], Some([1, 1]), "Plane 1 missing", "Not in the recording.")
            ]
        );
        assert_eq!((verdict.usable.volumes, verdict.lost), (93, vec![[20, 25], [60, 62]]));
    }

    #[test]
    fn while_an_alarm_goes_on_what_is_to_come_is_lost_and_otherwise_it_is_not() {
        let mut recording = Recording::clean(100).volumes(20..=29, |volume| volume.shift = [8.0, 0.0]);
        recording.subject.planned_t = Some(1000);
        let usable = recording.judge(&Limits::default()).usable;
        assert_eq!((usable.volumes, usable.measured, usable.expected, usable.of), (90, 100, 990, 1000));
        let recording = recording.volumes(60..=99, |volume| (volume.slip, volume.z_drift) = (1.0, 1.0));
        let verdict = recording.judge(&Limits::default());
        assert_eq!((verdict.usable.volumes, verdict.usable.expected), (50, 50));
        assert_eq!(verdict.alarms.iter().map(|alarm| alarm.is_open).collect::<Vec<_>>(), [false, true]);
        assert_eq!(verdict.usable.grade(), Grade::Lost);
    }

    #[test]
    fn figures_of_the_whole_are_judged_too() {
        let mut recording = Recording::clean(3000);
        let bleaching = |percent: f64, tau| Bleaching {
            percent: vec![percent; NUM_Z],
            overall_percent: percent,
            tau,
            per_minute: percent / 10.0,
        };
        recording.figures.bleaching = Some(bleaching(4.9, f64::INFINITY));
        recording.figures.flyback = Some([2, 1]);
        let said = |code, t, z| (code, Gravity::Warn, t, z);
        let flyback = [said(Code::Flyback, [0, 2999], Some([0, 1])), said(Code::Flyback, [0, 2999], Some([3, 3]))];
        assert_eq!(recording.alarms(), flyback);
        recording.figures.flyback = None;
        recording.figures.bleaching = Some(bleaching(8.0, f64::INFINITY));
        assert_eq!(recording.alarms(), [said(Code::Bleaching, [0, 2999], None)]);
        recording.figures.bleaching = Some(bleaching(40.0, f64::INFINITY));
        assert_eq!(recording.alarms(), [(Code::Bleaching, Gravity::Alarm, [1500, 2999], None)], "half of 40 %");
        recording.figures.bleaching = Some(bleaching(40.0, 1000.0));
        let verdict = recording.judge(&Limits::default());
        let curve = |t: usize| 40.0 * (1.0 - (-(t as f64) / 1000.0).exp()) / (1.0 - (-2.999_f64).exp());
        let first = verdict.alarms[0].t[0];
        assert!(curve(first) >= 20.0 && curve(first - 1) < 20.0);
        assert_eq!(verdict.usable.expected, first);
    }

    #[test]
    fn gaps_are_warned_of_and_irregular_times_are_an_alarm() {
        let mut recording = Recording::clean(400);
        let mut times: Vec<f64> = (0..400).map(|t| f64::from(t) * 0.2).collect();
        times[250..].iter_mut().for_each(|time| *time += 0.5);
        let judged = |recording: &mut Recording, times: &[f64]| {
            recording.subject.times_s = Some(times.to_vec());
            recording.figures.timing = super::super::gap::timing(Some(times)).ok();
            recording.alarms()
        };
        let gap = (Code::Gap, Gravity::Warn, [250, 250], None);
        assert_eq!(judged(&mut recording, &times), [gap]);
        assert_eq!(recording.figures.timing.as_ref().map(|timing| timing.gaps.len()), Some(1));
        for first in [50, 100, 150, 200, 300, 350] {
            times[first..].iter_mut().for_each(|time| *time += 0.5);
        }
        assert_eq!(judged(&mut recording, &times), [(Code::Gap, Gravity::Alarm, [50, 350], None)]);
    }

    #[test]
    fn limits_are_what_a_person_says_they_are() {
        let recording = Recording::clean(100).volumes(20..=29, |volume| volume.shift = [8.0, 0.0]);
        let mut limits = Limits::default();
        limits.motion.alarm = Some(9.0);
        assert_eq!(recording.judge(&limits).alarms[0].gravity, Gravity::Warn);
        limits.motion.warn = None;
        assert_eq!(recording.judge(&limits).alarms, []);
    }

    #[test]
    fn nothing_is_said_of_what_has_not_been_measured() {
        let mut recording = Recording::clean(50).volumes(0..=49, |volume| *volume = VolumeRow::UNKNOWN);
        recording.rows.iter_mut().for_each(|row| row.planes.iter_mut().for_each(|plane| plane.focus = f32::NAN));
        recording.figures = Figures::default();
        assert_eq!(recording.alarms(), []);
        let empty = Recording::clean(0).judge(&Limits::default());
        assert_eq!((empty.usable.of, empty.usable.grade()), (0, Grade::Good));
    }
}
