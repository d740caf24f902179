//! The measures of every timepoint as lines over the time: one value each, thinned to what a pixel shows.

use std::fmt::Write;
use std::sync::Arc;

use super::axis::{Axis, round};
use crate::qc::{Code, Derived, Limit, REFERENCE_VOLUMES, Report, Row};

/// One measure over the time.
pub struct Trace {
    /// What was measured.
    pub code: Code,
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// A value for each timepoint of the table; NaN where there is none.
    pub values: Vec<f64>,
    /// Beyond it is bad.
    pub limit: Limit,
    /// A level worth a line: 100 % of the beginning.
    pub base: Option<f64>,
}

/// What lies in one column of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Centre, px.
    pub x: f64,
    /// Mean.
    pub mean: f64,
    /// Least.
    pub least: f64,
    /// Most.
    pub most: f64,
}

/// The traces of a page, from the top.
pub fn traces(report: &Report) -> Vec<Trace> {
    let limits = &report.provenance.limits;
    let trace = |code, name, unit, limit: Limit, value: &dyn Fn(&Row) -> f64| {
        let at = |t: usize| report.table.row(t).map_or(f64::NAN, |row| value(row));
        let values = (0..report.table.num_t()).map(at).collect();
        Trace { code, name, unit, values, limit, base: None }
    };
    let none = Limit::default();
    let offset = report.figures.offset.unwrap_or(0.0);
    let saturation = report.saturation();
    vec![
        trace(Code::Motion, "Motion", "px", limits.motion, &moved),
        trace(Code::ZDrift, "z drift", "planes", limits.z_drift, &|row| f64::from(row.volume.z_drift)),
        of_beginning(trace(Code::Intensity, "Intensity", "%", none, &|row| light(row) - offset)),
        trace(Code::Saturation, "Saturation", "%", limits.saturation, &|row| saturation.worst_percent(row)),
        sharpness(report, limits.focus),
    ]
}

/// Shift in the plane, px.
fn moved(row: &Row) -> f64 {
    let [dy, dx] = row.volume.shift;
    f64::from(dy).hypot(f64::from(dx))
}

/// Mean of the planes that are there.
fn light(row: &Row) -> f64 {
    let there = row.planes.iter().map(|plane| f64::from(plane.mean)).filter(|mean| mean.is_finite());
    let (sum, num) = there.fold((0.0, 0.0), |(sum, num), mean| (sum + mean, num + 1.0));
    sum / num
}

/// Sharpness of the plane that has lost most of it, percent of that of the first volumes. A plane that a lost
/// camera frame has moved is told against what it shows now.
fn sharpness(report: &Report, limit: Limit) -> Trace {
    let derived = Derived::of(&report.table, &report.figures);
    let num_z = report.table.num_z() as i64;
    let least = |row: &Arc<Row>| {
        let slip = if row.volume.slip.is_finite() { row.volume.slip as i64 } else { 0 };
        let percent = |(z, plane)| derived.focus_percent(plane, (z as i64 + slip).rem_euclid(num_z) as usize);
        row.planes.iter().enumerate().map(percent).fold(f64::NAN, f64::min)
    };
    let values = (0..report.table.num_t()).map(|t| report.table.row(t).map_or(f64::NAN, least)).collect();
    Trace { code: Code::Focus, name: "Focus", unit: "%", values, limit, base: Some(100.0) }
}

/// The same in percent of the median of the first volumes.
fn of_beginning(mut trace: Trace) -> Trace {
    let first: Vec<f64> =
        trace.values.iter().copied().filter(|value| value.is_finite()).take(REFERENCE_VOLUMES).collect();
    let median = median(first);
    let scale = if median > 0.0 { 100.0 / median } else { f64::NAN };
    trace.values.iter_mut().for_each(|value| *value *= scale);
    trace.base = Some(100.0);
    trace
}

/// The middle one; NaN of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        num if num % 2 == 1 => values[num / 2],
        num => (values[num / 2 - 1] + values[num / 2]) / 2.0,
    }
}

/// Thins values to the columns of an axis. Columns without any value are left out.
pub fn columns(values: &[f64], axis: &Axis) -> Vec<Column> {
    let num = axis.num_t().min(axis.width as usize).max(1);
    let edge = |i: usize| axis.range[0] + i * axis.num_t() / num;
    let column = |i: usize| {
        let range = edge(i).min(values.len())..edge(i + 1).min(values.len());
        let there = || values[range.clone()].iter().copied().filter(|value| value.is_finite());
        let x = round(axis.left + axis.width * (i as f64 + 0.5) / num as f64);
        let count = there().count();
        (count > 0).then(|| Column {
            x,
            mean: there().sum::<f64>() / count as f64,
            least: there().fold(f64::INFINITY, f64::min),
            most: there().fold(f64::NEG_INFINITY, f64::max),
        })
    };
    (0..num).filter_map(column).collect()
}

/// Values from the bottom to the top of a trace. Limits always lie on it; what is far beyond them is cut at the
/// edge.
pub fn scale(trace: &Trace) -> [f64; 2] {
    let mut sorted: Vec<f64> = trace.values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() as f64 - 1.0) * share).round() as usize).copied();
    let limits = [trace.limit.warn, trace.limit.alarm, trace.base];
    let largest = limits.into_iter().flatten().fold(f64::NEG_INFINITY, f64::max);
    let smallest = limits.into_iter().flatten().fold(f64::INFINITY, f64::min);
    if trace.base.is_none() {
        let most = at(1.0).unwrap_or(0.0);
        let top = if largest > 0.0 { (most * 1.04).clamp(largest * 1.2, largest * 3.0) } else { most * 1.1 };
        let top = if top > 0.0 { top } else { 1.0 };
        // Only a shift along z goes both ways.
        let least = at(0.0).unwrap_or(0.0);
        let bottom =
            if trace.code == Code::ZDrift { (least * 1.04).clamp(-top.max(largest * 3.0), -0.2 * top) } else { 0.0 };
        return [bottom, top];
    }
    let (low, high) = (at(0.01).unwrap_or(100.0).min(smallest), at(0.99).unwrap_or(100.0).max(largest));
    let margin = ((high - low) * 0.15).max(2.0);
    [low - margin, high + margin]
}

/// How far a trace's lines are drawn from its first value to its last one, in pixels from the top.
pub struct Lines {
    /// The mean, as the path of an SVG.
    pub mean: String,
    /// From the least to the most, as the path of an SVG.
    pub envelope: String,
}

/// The lines of a trace. Where values are missing they are broken.
pub fn lines(columns: &[Column], axis: &Axis, y: impl Fn(f64) -> f64) -> Lines {
    let step = axis.width / axis.num_t().min(axis.width as usize).max(1) as f64;
    let (mut mean, mut envelope) = (String::new(), String::new());
    for run in columns.chunk_by(|a, b| b.x - a.x < step * 1.5 + 0.1) {
        let mut points = run.iter().map(|column| (column.x, y(column.mean)));
        path(&mut mean, points.by_ref());
        if run.len() == 1 {
            // A point without neighbours would have no length.
            mean.push_str("h1");
        }
        if run.iter().any(|column| column.least < column.most) {
            let there = run.iter().map(|column| (column.x, y(column.most)));
            let back = run.iter().rev().map(|column| (column.x, y(column.least)));
            path(&mut envelope, there.chain(back));
            envelope.push('Z');
        }
    }
    Lines { mean, envelope }
}

fn path(text: &mut String, points: impl Iterator<Item = (f64, f64)>) {
    for (i, (x, y)) in points.enumerate() {
        let _ = write!(text, "{}{x} {}", if i == 0 { 'M' } else { 'L' }, round(y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_bad_volume_of_many_is_still_the_most_of_its_column() {
        let mut values = vec![1.0; 9000];
        values[1234] = 50.0;
        values[5000] = f64::NAN;
        let axis = Axis { range: [0, 9000], left: 108.0, width: 952.0 };
        let columns = columns(&values, &axis);
        assert_eq!(columns.len(), 952);
        assert_eq!(columns.iter().filter(|column| column.most == 50.0).count(), 1);
        assert!(columns.iter().all(|column| column.least == 1.0 && column.mean >= 1.0));
    }

    #[test]
    fn lines_are_broken_where_nothing_was_measured() {
        let mut values = vec![1.0; 20];
        values[5..9].fill(f64::NAN);
        values[12] = f64::NAN;
        values[14] = f64::NAN;
        let axis = Axis { range: [0, 20], left: 0.0, width: 100.0 };
        let lines = lines(&columns(&values, &axis), &axis, |value| value);
        assert_eq!(lines.mean.matches('M').count(), 4);
        assert_eq!(lines.envelope, "", "one value in a column has no least and most");
    }
}
