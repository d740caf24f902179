//! The figures of a report in two tables, and why some of them are not there.

use serde::Serialize;

use super::traces::median;
use super::words::{clock, grouped, limit, number, seconds};
use crate::qc::{Code, Limit, PlaneRow, Report, Row};

/// One figure.
#[derive(Serialize)]
pub struct FigureRow {
    name: String,
    value: String,
    unit: String,
    limits: String,
}

/// Largest and middle values of the measures over the timepoints of a report; NaN where there are none.
pub struct Extremes {
    /// Shift in the plane, px: median and most.
    pub motion: [f64; 2],
    /// Shift along z, planes, as far as planes were where they belong.
    pub z_drift: f64,
    /// Percent of a plane's voxels at full scale: the worst plane at its worst.
    pub saturation: f64,
    /// Median over the planes of mean over deviation.
    pub tsnr: f64,
    /// Percent of light lost in ten minutes; where the rate is unknown in 1,000 volumes.
    pub bleaching: f64,
}

/// Goes through the table once.
pub fn extremes(report: &Report) -> Extremes {
    let rows = || (0..report.table.num_t()).filter_map(|t| Some((t, report.table.row(t)?)));
    let moved = |row: &Row| f64::from(row.volume.shift[0]).hypot(f64::from(row.volume.shift[1]));
    let motion: Vec<f64> = rows().map(|(_, row)| moved(row)).collect();
    let slip = first_slip(report).unwrap_or(usize::MAX);
    let drift = rows().filter(|(t, _)| *t < slip).map(|(_, row)| f64::from(row.volume.z_drift).abs());
    let saturation = report.saturation();
    let figures = &report.figures;
    let per_ten = if report.subject.rate_hz.is_some() { 10.0 } else { 1000.0 };
    Extremes {
        motion: [median(motion.clone()), motion.into_iter().fold(f64::NAN, f64::max)],
        z_drift: drift.fold(f64::NAN, f64::max),
        saturation: rows().map(|(_, row)| saturation.worst_percent(row)).fold(f64::NAN, f64::max),
        tsnr: figures.tsnr.clone().map_or(f64::NAN, median),
        bleaching: figures.bleaching.as_ref().map_or(f64::NAN, |bleaching| bleaching.per_minute * per_ten),
    }
}

/// When planes were first shifted.
fn first_slip(report: &Report) -> Option<usize> {
    report.alarms.iter().find(|alarm| alarm.code == Code::PlaneSlip).map(|alarm| alarm.t[0])
}

/// The two tables.
pub fn tables(report: &Report, least_focus: f64) -> [Vec<FigureRow>; 2] {
    let extremes = extremes(report);
    [light_and_place(report, &extremes), camera(report, &extremes, least_focus)]
}

fn row(name: &str, value: String, unit: &str, limits: Option<Limit>) -> FigureRow {
    let limits = limits.map_or_else(String::new, |both| format!("{} · {}", limit(both.warn), limit(both.alarm)));
    FigureRow { name: name.to_owned(), value, unit: unit.to_owned(), limits }
}

fn light_and_place(report: &Report, extremes: &Extremes) -> Vec<FigureRow> {
    let limits = &report.provenance.limits;
    let slip = first_slip(report).map(|t| match seconds(&report.subject, t) {
        Some(seconds) => format!(" before {}", clock(seconds, 0)),
        None => format!(" before t {}", grouped(t)),
    });
    let drift = format!("z drift, most{}", slip.unwrap_or_default());
    let span = if report.subject.rate_hz.is_some() { "% / 10 min" } else { "% / 1,000 volumes" };
    let overall = report.figures.bleaching.as_ref().map_or(f64::NAN, |bleaching| bleaching.overall_percent);
    let (fast, all) = (Limit { alarm: None, ..limits.bleaching }, Limit { warn: None, ..limits.bleaching });
    let stripes = median(planes(report, |plane| f64::from(plane.stripes) * 100.0));
    vec![
        row("Motion, median", number(extremes.motion[0]), "px", None),
        row("Motion, most", number(extremes.motion[1]), "px", Some(limits.motion)),
        row(&drift, number(extremes.z_drift), "planes", Some(limits.z_drift)),
        row("Bleaching", number(extremes.bleaching), span, Some(fast)),
        row("Bleaching, in all", number(overall), "%", Some(all)),
        row("Saturation, worst plane", number(extremes.saturation), "%", Some(limits.saturation)),
        row("Stripes, median", number(stripes), "% of energy", None),
    ]
}

fn camera(report: &Report, extremes: &Extremes, least_focus: f64) -> Vec<FigureRow> {
    let figures = &report.figures;
    let limits = &report.provenance.limits;
    let noise_unit = if report.subject.rate_hz.is_some() { "%·Hz^-½" } else { "% / √volume" };
    let num_missing: usize = report.missing.iter().map(|missing| missing.t[1] + 1 - missing.t[0]).sum();
    let gaps = figures.timing.as_ref().map_or_else(|| "–".to_owned(), |timing| grouped(timing.gaps.len()));
    let is_repeated = planes(report, |plane| f64::from(u8::from(plane.is_duplicate)));
    let repeated = match is_repeated.is_empty() {
        true => "–".to_owned(),
        false => grouped(is_repeated.iter().sum::<f64>() as usize),
    };
    let flyback = figures.flyback.map_or_else(|| "–".to_owned(), |[first, last]| format!("{first} · {last}"));
    let gain = figures.photon_gain.map_or(f64::NAN, |gain| gain.gain);
    let once = |warn: f64| Some(Limit { warn: Some(warn), alarm: Some(1.0) });
    vec![
        row("tSNR, median over planes", number(extremes.tsnr), "", None),
        row("Photon gain", number(gain), "DN / photon", None),
        row("Noise ν", number(figures.noise.unwrap_or(f64::NAN)), noise_unit, None),
        row("Focus, least", number(least_focus), "% of start", Some(limits.focus)),
        row("Missing volumes · gaps", format!("{} · {gaps}", grouped(num_missing)), "", once(1.0)),
        row("Repeated planes", repeated, "", Some(Limit { warn: None, alarm: Some(1.0) })),
        row("Planes to skip, first · last", flyback, "", None),
    ]
}

/// One value of every plane that is there.
fn planes(report: &Report, value: impl Fn(&PlaneRow) -> f64) -> Vec<f64> {
    let rows = (0..report.table.num_t()).filter_map(|t| report.table.row(t));
    rows.flat_map(|row| row.planes.iter().filter(|plane| plane.is_there).map(&value)).collect()
}

/// Why figures are not there, or how they were made: the measure, and the reason.
pub fn notes(report: &Report) -> Vec<[String; 2]> {
    let title = |code: Code| {
        let name = code.name().replace('_', " ");
        let mut letters = name.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>())
    };
    report.figures.notes.iter().map(|(code, note)| [title(*code), note.clone()]).collect()
}
