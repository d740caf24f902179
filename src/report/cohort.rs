//! Several recordings seen side by side: what of each report is kept for the page and the table about all of
//! them.

use super::axis::Axis;
use super::losses::losses;
use super::picture::map;
use super::tables::extremes;
use super::words::place;
use crate::qc::{Alarm, Code, Gravity, Limit, Limits, Report, Usable};
use crate::volume::Colormap;

/// Width and height of a small map, px.
pub(super) const MAP_SIZE: [f64; 2] = [176.0, 24.0];

/// One recording among several.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name of the recording.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Address of its own report, seen from the page; none where there is none.
    pub link: Option<String>,
    /// What is known of it, or why nothing is.
    pub found: Result<Found, String>,
}

/// What a report says in one row.
#[derive(Clone, Debug)]
pub struct Found {
    /// When it was begun and ended, seconds since 1970.
    pub recorded_s: Option<[f64; 2]>,
    /// How much can be used.
    pub usable: Usable,
    /// One for each of [`STRIPS`]; NaN where it cannot be had.
    pub figures: [f64; STRIPS.len()],
    /// How bad each of them is, by its limits.
    pub gravities: [Option<Gravity>; STRIPS.len()],
    /// Alarms and warnings.
    pub num_alarms: [usize; 2],
    /// What is worst, in a few words.
    pub worst: Option<String>,
    /// The z × t map as the address of a picture.
    pub(super) map: String,
    /// What is lost and what is not there: left edges and widths on the map, px.
    pub(super) lost: Vec<[f64; 2]>,
    pub(super) absent: Vec<[f64; 2]>,
}

/// A figure that recordings are compared by.
pub struct Strip {
    /// As it is written in a table of many.
    pub column: &'static str,
    /// Its name and its unit.
    pub name: &'static str,
    pub(super) unit: &'static str,
    pub(super) code: Code,
    /// Ends of its scale where there are no limits.
    pub(super) span: [f64; 2],
}

/// The figures, from the left.
pub const STRIPS: [Strip; 6] = [
    strip("motion_most_px", "Motion", "most, px", Code::Motion, [0.0, 5.0]),
    strip("z_drift_most_planes", "z drift", "most, planes", Code::ZDrift, [0.0, 1.0]),
    strip("bleaching_percent_per_10_min", "Bleaching", "% / 10 min", Code::Bleaching, [0.0, 5.0]),
    strip("saturation_worst_plane_percent", "Saturation", "%, worst plane", Code::Saturation, [0.0, 0.1]),
    strip("tsnr_median", "tSNR", "median", Code::Tsnr, [0.0, 6.0]),
    strip("noise_nu", "Noise ν", "%·Hz^-½", Code::Noise, [0.0, 3.0]),
];

const fn strip(column: &'static str, name: &'static str, unit: &'static str, code: Code, span: [f64; 2]) -> Strip {
    Strip { column, name, unit, code, span }
}

impl Strip {
    /// Its limits among those of all measures. What is lost in all has no place on a scale of what is lost in ten
    /// minutes.
    pub fn limit(&self, limits: &Limits) -> Limit {
        match self.code {
            Code::Motion => limits.motion,
            Code::ZDrift => limits.z_drift,
            Code::Bleaching => Limit { alarm: None, ..limits.bleaching },
            Code::Saturation => limits.saturation,
            _ => Limit::default(),
        }
    }
}

impl Entry {
    /// What a report says, with the address of the page that says it all.
    pub fn of(report: &Report, link: Option<String>) -> Self {
        let found = Ok(found(report));
        Self { name: report.name.clone(), path: report.path.clone(), link, found }
    }

    /// A recording of which nothing can be said, and why.
    pub fn failed(name: &str, path: &str, reason: &str) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), link: None, found: Err(reason.to_owned()) }
    }
}

fn found(report: &Report) -> Found {
    let axis = Axis::of(report, 0.0, MAP_SIZE[0]);
    let extremes = extremes(report);
    let noise = report.figures.noise.unwrap_or(f64::NAN);
    let figures = [extremes.motion[1], extremes.z_drift, extremes.bleaching, extremes.saturation, extremes.tsnr, noise];
    let gravity = |i: usize| gravity(figures[i], STRIPS[i].limit(&report.provenance.limits));
    let count = |gravity: Gravity| report.alarms.iter().filter(|alarm| alarm.gravity == gravity).count();
    let absent = report.missing.iter().filter_map(|missing| axis.span([missing.t[0], missing.t[1] + 1], 1.0));
    Found {
        recorded_s: report.provenance.recorded_s,
        usable: report.usable,
        figures,
        gravities: std::array::from_fn(gravity),
        num_alarms: [count(Gravity::Alarm), count(Gravity::Warn)],
        worst: worst(report),
        map: map(report, &axis, MAP_SIZE[0] as usize * 2).address(Colormap::Viridis),
        lost: report.lost.iter().filter_map(|range| axis.span(*range, 2.5)).collect(),
        absent: absent.collect(),
    }
}

fn gravity(value: f64, limit: Limit) -> Option<Gravity> {
    let is_beyond = |limit: Option<f64>| limit.is_some_and(|limit| value > limit);
    match () {
        () if is_beyond(limit.alarm) => Some(Gravity::Alarm),
        () if is_beyond(limit.warn) => Some(Gravity::Warn),
        () => None,
    }
}

/// The alarm that costs most, or the first warning; and of the others how many.
fn worst(report: &Report) -> Option<String> {
    let costs = losses(report);
    let rank = |(alarm, cost): &(&Alarm, &usize)| (alarm.gravity, **cost);
    let mut alarms: Vec<(&Alarm, &usize)> = report.alarms.iter().zip(&costs).collect();
    alarms.sort_by_key(|alarm| std::cmp::Reverse(rank(alarm)));
    let (alarm, _) = alarms.first()?;
    let when = match alarm.t[1] + 1 - alarm.t[0] >= report.table.num_t() {
        true => String::new(),
        false => format!(" {}", place(&report.subject, alarm.t, report.table.num_t())),
    };
    let others = match alarms.len() - 1 {
        0 => String::new(),
        num => format!("; {num} more"),
    };
    Some(format!("{}{when}{others}", alarm.title))
}
