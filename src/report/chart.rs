//! The time axis of a report with the map and the traces on it, as the template draws it.

use serde::Serialize;

use super::axis::{Axis, Tick, round};
use super::picture::map;
use super::traces::{Trace, columns, lines, scale, traces};
use super::words::{gravity_class, limit, number};
use crate::qc::{Alarm, Code, Gravity, Report};
use crate::volume::Colormap;

/// Left edge and width of the time scale.
const LEFT: f64 = 108.0;
const WIDTH: f64 = 952.0;
/// Top and height of the map.
const MAP_TOP: f64 = 42.0;
const MAP_HEIGHT: f64 = 96.0;
/// Top of the first trace, height of one, and from one to the next.
const TRACES_TOP: f64 = 146.0;
const TRACE_HEIGHT: f64 = 50.0;
const TRACE_STEP: f64 = 55.0;
/// Labels beside a trace keep this distance.
const LABEL_HEIGHT: f64 = 12.5;

/// Everything drawn over the time.
#[derive(Serialize)]
pub struct Chart {
    left: f64,
    width: f64,
    height: f64,
    ticks: Vec<Tick>,
    marks: Vec<Mark>,
    map: String,
    last_z: Option<usize>,
    gradient: Vec<String>,
    range: [String; 2],
    absent: Vec<[f64; 4]>,
    outlines: Vec<[f64; 4]>,
    slips: Vec<f64>,
    lost: Vec<[f64; 2]>,
    rows: Vec<TraceRow>,
}

/// An alarm on the axis.
#[derive(Serialize)]
struct Mark {
    class: &'static str,
    x: f64,
    number: Option<usize>,
    span: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct TraceRow {
    y: f64,
    name: &'static str,
    unit: &'static str,
    note: Option<String>,
    warned: Vec<[f64; 2]>,
    limits: Vec<Level>,
    lower: Vec<(&'static str, f64)>,
    base: Option<Level>,
    mean: String,
    envelope: String,
}

/// A line across a trace.
#[derive(Serialize)]
struct Level {
    class: &'static str,
    y: f64,
    label_y: f64,
    label: String,
}

/// Draws a report over its time.
pub fn chart(report: &Report) -> (Chart, Axis) {
    let axis = Axis::of(report, LEFT, WIDTH);
    let map = map(report, &axis, WIDTH as usize * 2);
    let traces = traces(report);
    let rows: Vec<TraceRow> = traces.iter().enumerate().map(|(i, trace)| trace_row(report, &axis, trace, i)).collect();
    let num_z = report.table.num_z();
    let chart = Chart {
        left: LEFT,
        width: WIDTH,
        height: TRACES_TOP + TRACE_STEP * rows.len() as f64,
        ticks: axis.ticks(report.subject.rate_hz),
        marks: marks(&report.alarms, &axis),
        map: map.address(Colormap::Viridis),
        last_z: (num_z > 1).then(|| num_z - 1),
        gradient: gradient(30),
        range: map.range.map(number),
        absent: absent(report, &axis),
        outlines: outlines(report, &axis),
        slips: slips(report, &axis),
        lost: report.lost.iter().filter_map(|range| axis.span(*range, 1.5)).collect(),
        rows,
    };
    (chart, axis)
}

/// So many colours from the lower to the upper end of the map, as CSS.
pub fn gradient(num: usize) -> Vec<String> {
    let color = |i: usize| {
        let [r, g, b, _] = Colormap::Viridis.color((i * 255 / (num - 1)) as u8);
        format!("#{r:02x}{g:02x}{b:02x}")
    };
    (0..num).map(color).collect()
}

/// The alarms in the lane above the map. Where two are so close that a number would lie under the next shape, it
/// is left to the list.
fn marks(alarms: &[Alarm], axis: &Axis) -> Vec<Mark> {
    let place = |alarm: &Alarm| axis.span([alarm.t[0], alarm.t[1] + 1], 0.0);
    let placed: Vec<(usize, &Alarm, [f64; 2])> =
        alarms.iter().enumerate().filter_map(|(i, alarm)| Some((i + 1, alarm, place(alarm)?))).collect();
    let x_of = |[x, _]: [f64; 2]| (x + 5.0).min(LEFT + WIDTH - 5.0);
    let mut marks: Vec<Mark> = placed
        .iter()
        .map(|(number, alarm, span)| {
            let x = x_of(*span);
            let room = 16.0 + 7.5 * number.to_string().len() as f64;
            let is_free = placed.iter().all(|(other, _, at)| other == number || x_of(*at) < x || x_of(*at) > x + room);
            let span = (span[1] > 12.0).then_some(*span);
            Mark { class: gravity_class(alarm.gravity), x, number: is_free.then_some(*number), span }
        })
        .collect();
    // An alarm is drawn over a warning.
    marks.sort_by_key(|mark| mark.class == "bad");
    marks
}

fn trace_row(report: &Report, axis: &Axis, trace: &Trace, i: usize) -> TraceRow {
    let [low, high] = scale(trace);
    let (top, bottom) = (4.0, TRACE_HEIGHT - 4.0);
    let y = |value: f64| bottom - (bottom - top) * ((value - low) / (high - low)).clamp(-0.05, 1.05);
    let columns = columns(&trace.values, axis);
    let level = |class, value: Option<f64>| {
        let value = value?;
        (!columns.is_empty() && value >= low && value <= high).then(|| {
            let y = round(y(value));
            Level { class, y, label_y: y, label: limit(Some(value)) }
        })
    };
    let lines = lines(&columns, axis, y);
    let note = columns.is_empty().then(|| why_not(report, trace.code));
    let limits = [level("warn", trace.limit.warn), level("bad", trace.limit.alarm)];
    let mut levels: Vec<Level> = limits.into_iter().chain([level("base", trace.base)]).flatten().collect();
    spread(&mut levels);
    let base = levels.iter().position(|level| level.class == "base").map(|at| levels.remove(at));
    let warns = |alarm: &&Alarm| alarm.code == trace.code && alarm.gravity == Gravity::Warn;
    let warned = report.alarms.iter().filter(warns);
    TraceRow {
        y: TRACES_TOP + TRACE_STEP * i as f64,
        name: trace.name,
        unit: trace.unit,
        note,
        warned: merged(warned.flat_map(|alarm| without(alarm, &report.lost)).collect())
            .into_iter()
            .filter_map(|part| axis.span(part, 1.5))
            .collect(),
        limits: levels,
        lower: lower(trace, low).into_iter().map(|(class, value)| (class, round(y(value)))).collect(),
        base,
        mean: lines.mean,
        envelope: lines.envelope,
    }
}

/// The limits below zero of what goes both ways, as far as they are to be seen.
fn lower(trace: &Trace, low: f64) -> Vec<(&'static str, f64)> {
    let limits = [("warn", trace.limit.warn), ("bad", trace.limit.alarm)];
    let below = limits.into_iter().filter_map(|(class, limit)| Some((class, -limit?)));
    below.filter(|(_, limit)| trace.code == Code::ZDrift && *limit > low).collect()
}

/// The parts of an alarm that are not lost anyway, half-open ranges.
fn without(alarm: &Alarm, lost: &[[usize; 2]]) -> Vec<[usize; 2]> {
    let (mut from, end) = (alarm.t[0], alarm.t[1] + 1);
    let mut parts = Vec::new();
    for [first, behind] in lost.iter().filter(|[_, behind]| *behind > alarm.t[0]).take_while(|[first, _]| *first < end)
    {
        parts.push([from, *first]);
        from = from.max(*behind);
    }
    parts.push([from, end]);
    parts.retain(|[from, end]| from < end);
    parts
}

/// The same timepoints as ranges that do not touch each other.
fn merged(mut ranges: Vec<[usize; 2]>) -> Vec<[usize; 2]> {
    ranges.sort_unstable();
    let mut merged: Vec<[usize; 2]> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range[0] <= last[1] => last[1] = last[1].max(range[1]),
            _ => merged.push(range),
        }
    }
    merged
}

/// Why a measure is not there.
fn why_not(report: &Report, code: Code) -> String {
    match report.figures.notes.get(&code) {
        Some(note) => note.clone(),
        None => "not measured".to_owned(),
    }
}

/// Moves labels apart that would lie on each other; their lines stay where they are.
fn spread(levels: &mut [Level]) {
    levels.sort_by(|a, b| b.y.total_cmp(&a.y));
    for i in 1..levels.len() {
        let highest = levels[i - 1].label_y - LABEL_HEIGHT;
        levels[i].label_y = round(levels[i].label_y.min(highest));
    }
}

/// Where nothing is to be seen on the map because it is not there: left, top, width and height.
fn absent(report: &Report, axis: &Axis) -> Vec<[f64; 4]> {
    let rectangle = |missing: &crate::qc::Missing| {
        let [x, width] = axis.span([missing.t[0], missing.t[1] + 1], 1.5)?;
        let [y, height] = planes(report, missing.z);
        Some([x, y, width, height])
    };
    report.missing.iter().filter_map(rectangle).collect()
}

/// Saturated planes on the map.
fn outlines(report: &Report, axis: &Axis) -> Vec<[f64; 4]> {
    let saturated = report.alarms.iter().filter(|alarm| alarm.code == Code::Saturation);
    let rectangle = |alarm: &Alarm| {
        let [x, width] = axis.span([alarm.t[0], alarm.t[1] + 1], 3.0)?;
        let [y, height] = planes(report, alarm.z);
        Some([x, y + 0.5, width, (height - 1.0).max(2.0)])
    };
    saturated.filter_map(rectangle).collect()
}

/// Top and height of planes on the map.
fn planes(report: &Report, z: Option<[usize; 2]>) -> [f64; 2] {
    let num_z = report.table.num_z().max(1);
    let [first, last] = z.unwrap_or([0, num_z - 1]);
    let each = MAP_HEIGHT / num_z as f64;
    [round(MAP_TOP + first as f64 * each), round((last.min(num_z - 1) + 1 - first.min(num_z - 1)) as f64 * each)]
}

/// Where planes began to be shifted.
fn slips(report: &Report, axis: &Axis) -> Vec<f64> {
    let slips = report.alarms.iter().filter(|alarm| alarm.code == Code::PlaneSlip);
    slips.filter_map(|alarm| axis.span([alarm.t[0], alarm.t[0] + 1], 0.0)).map(|[x, _]| x).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_that_lie_on_each_other_are_one_band() {
        assert_eq!(merged(vec![[5, 9], [0, 3], [2, 4], [4, 4], [7, 8]]), [[0, 4], [5, 9]]);
    }
}
