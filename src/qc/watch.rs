//! Follows every measure that has a limit over time, and finds the spans in which it is beyond it.

use super::derived::complete;
use super::light::Light;
use super::slipped::{slip_findings, slips};
use super::spans::{Bound, QUIET_VOLUMES, Span, Track, join};
use super::{Code, Derived, Evidence, Gravity, Limit, Limits, PlaneRow, Row, Saturation};

/// One thing found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub code: Code,
    pub gravity: Gravity,
    pub span: Span,
    pub limit: f64,
    /// Whether it was still going on at the newest timepoint measured.
    pub is_open: bool,
}

/// One measure, followed in each plane or in the volume as a whole.
struct Watch {
    code: Code,
    is_of_planes: bool,
    warn: Option<Bound>,
    alarm: Option<Bound>,
    warnings: Vec<Track>,
    alarms: Vec<Track>,
}

impl Watch {
    fn push(&mut self, t: usize, z: usize, value: f64) {
        // What is beyond the alarm is not a warning as well.
        let is_alarm = self.alarm.is_some_and(|bound| self.alarms[z].push(&bound, t, z, value));
        if let (false, Some(bound)) = (is_alarm, self.warn) {
            self.warnings[z].push(&bound, t, z, value);
        }
    }

    fn finish(self, end: usize) -> Vec<Finding> {
        let code = self.code;
        let both = [(Gravity::Warn, self.warn, self.warnings), (Gravity::Alarm, self.alarm, self.alarms)];
        both.into_iter()
            .filter_map(|(gravity, bound, tracks)| Some((gravity, bound?, tracks)))
            .flat_map(|(gravity, bound, tracks)| {
                join(&bound, tracks).into_iter().map(move |span| {
                    let is_open = span.t[1] + QUIET_VOLUMES >= end;
                    Finding { code, gravity, span, limit: bound.limit, is_open }
                })
            })
            .collect()
    }
}

/// Everything that is beyond a limit for some time.
pub(super) fn watch(evidence: &Evidence<'_>, derived: &Derived, limits: &Limits) -> Vec<Finding> {
    let num_t = evidence.table.num_t();
    let end = (0..num_t).rev().find(|t| complete(evidence.table, *t).is_some()).map_or(0, |last| last + 1);
    let light = Light::of(evidence);
    let is_dark: Vec<bool> = (0..end)
        .map(|t| match (complete(evidence.table, t), limits.underexposed.alarm) {
            (Some(row), Some(limit)) => light.of_volume(row) < limit,
            _ => false,
        })
        .collect();
    let slip = slips(evidence.table, &is_dark);
    let num_z = evidence.table.num_z();
    let values =
        Values { derived, light, is_dark, slip, saturation: Saturation::of(evidence.subject, evidence.figures), num_z };
    let mut watches = watches(num_z, limits);
    for (t, row) in (0..end).filter_map(|t| Some((t, complete(evidence.table, t)?))) {
        for watch in &mut watches {
            if !watch.is_of_planes {
                watch.push(t, 0, values.of_volume(watch.code, t, row));
                continue;
            }
            for (z, plane) in row.planes.iter().enumerate().filter(|(_, plane)| plane.is_there) {
                watch.push(t, z, values.of_plane(watch.code, t, z, plane));
            }
        }
    }
    let mut found: Vec<Finding> = watches.into_iter().flat_map(|watch| watch.finish(end)).collect();
    found.extend(slip_findings(&values.slip));
    found
}

fn watches(num_z: usize, limits: &Limits) -> Vec<Watch> {
    let watch = |code, is_of_planes: bool, limit: Limit, bound: fn(f64) -> Bound| {
        let tracks = vec![Track::default(); if is_of_planes { num_z } else { 1 }];
        let [warn, alarm] = [limit.warn.map(bound), limit.alarm.map(bound)];
        Watch { code, is_of_planes, warn, alarm, warnings: tracks.clone(), alarms: tracks }
    };
    let dark: fn(f64) -> Bound = |limit| Bound::lower(limit, 2.0 * limit);
    let Limit { warn: dark_planes, alarm: dark_volumes } = limits.underexposed;
    // Whether something happened at all: 1 or 0.
    let event = Limit { warn: None, alarm: Some(0.5) };
    vec![
        watch(Code::Saturation, true, limits.saturation, Bound::upper),
        watch(Code::Underexposed, true, Limit { warn: dark_planes, alarm: None }, dark),
        watch(Code::Underexposed, false, Limit { warn: None, alarm: dark_volumes }, dark),
        watch(Code::Motion, false, limits.motion, Bound::upper),
        watch(Code::BadFrame, false, limits.bad_frame, Bound::upper),
        watch(Code::ZDrift, false, limits.z_drift, Bound::upper),
        watch(Code::Dvars, true, limits.dvars, Bound::upper),
        watch(Code::Focus, true, limits.focus, |limit| Bound::lower(limit, 100.0)),
        watch(Code::Duplicate, true, event, Bound::upper),
    ]
}

/// The values that are held against limits. NaN where one says nothing: without light there is neither structure
/// nor change.
struct Values<'a> {
    derived: &'a Derived,
    light: Light,
    is_dark: Vec<bool>,
    slip: Vec<i32>,
    saturation: Saturation,
    num_z: usize,
}

impl Values<'_> {
    fn of_volume(&self, code: Code, t: usize, row: &Row) -> f64 {
        match code {
            Code::Underexposed => self.light.of_volume(row),
            _ if self.is_dark[t] => f64::NAN,
            Code::Motion => f64::from(row.volume.shift[0].hypot(row.volume.shift[1])),
            Code::BadFrame => self.derived.jump(t),
            // Rotated planes are seen as a shift along z too.
            _ => (f64::from(row.volume.z_drift) - f64::from(self.slip[t])).abs(),
        }
    }

    fn of_plane(&self, code: Code, t: usize, z: usize, plane: &PlaneRow) -> f64 {
        match code {
            Code::Saturation => self.saturation.percent(plane),
            Code::Duplicate => f64::from(u8::from(plane.is_duplicate)),
            _ if self.is_dark[t] => f64::NAN,
            Code::Underexposed => self.light.where_it_was_lit(z, plane),
            Code::Dvars => self.derived.change_ratio(t, z),
            _ => {
                // What a rotated plane shows was sharp elsewhere.
                let start_z = (z as i64 + i64::from(self.slip[t])).rem_euclid(self.num_z as i64);
                self.derived.focus_percent(plane, start_z as usize)
            }
        }
    }
}
