//! The one time scale of a page: where a timepoint lies, and what is written along it.

use serde::Serialize;

use super::words::grouped;
use crate::qc::Report;

/// Labels of the axis, at most.
const MAX_LABELS: f64 = 8.0;
/// Steps between labels, in the unit of the axis.
const STEPS: [f64; 18] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 2000.0, 5000.0, 10_000.0, 20_000.0,
    50_000.0, 100_000.0,
];

/// Timepoints from left to right; each takes an equal part of the width.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Timepoints, a half-open range.
    pub range: [usize; 2],
    /// Left edge, px.
    pub left: f64,
    /// Width, px.
    pub width: f64,
}

/// A mark on the axis.
#[derive(Clone, Debug, Serialize)]
pub struct Tick {
    /// Position, px.
    pub x: f64,
    /// What is written there; small ticks have nothing.
    pub label: Option<String>,
    /// Side of the position the label stands on, as SVG names it.
    pub anchor: &'static str,
}

impl Axis {
    /// The axis of a report: all of the recording, as far as it is planned, or the part that was measured.
    pub fn of(report: &Report, left: f64, width: f64) -> Self {
        let range = report.provenance.range;
        let of = report.usable.of.max(report.table.num_t()).max(1);
        let is_part = range[0] > 0 || range[1] < report.subject.shape[0];
        let range = if is_part && range[0] < range[1] { range } else { [0, of] };
        Self { range, left, width }
    }

    /// Timepoints on it.
    pub fn num_t(&self) -> usize {
        self.range[1] - self.range[0]
    }

    /// Left edge of a timepoint, px, kept on the axis.
    pub fn x(&self, t: usize) -> f64 {
        let t = t.clamp(self.range[0], self.range[1]) - self.range[0];
        self.left + self.width * t as f64 / self.num_t() as f64
    }

    /// Left edge and width of a half-open range of timepoints, at least `least` wide; none where it is not on
    /// the axis.
    pub fn span(&self, range: [usize; 2], least: f64) -> Option<[f64; 2]> {
        let (from, to) = (range[0].max(self.range[0]), range[1].min(self.range[1]));
        if from >= to {
            return None;
        }
        let (x, width) = (self.x(from), self.x(to) - self.x(from));
        let missing = (least - width).max(0.0);
        let x = (x - missing / 2.0).min(self.left + self.width - width - missing).max(self.left);
        Some([round(x), round(width + missing)])
    }

    /// The marks, from left to right.
    pub fn ticks(&self, rate_hz: Option<f64>) -> Vec<Tick> {
        // Timepoints of one unit.
        let (unit, name) = match rate_hz.filter(|rate| *rate > 0.0) {
            Some(rate) if self.num_t() as f64 / rate >= 120.0 => (rate * 60.0, "min"),
            Some(rate) if self.num_t() as f64 / rate >= 1.0 => (rate, "s"),
            _ => (1.0, "t"),
        };
        let (from, to) = (self.range[0] as f64 / unit, self.range[1] as f64 / unit);
        let step = STEPS.into_iter().find(|step| (to - from) / step <= MAX_LABELS).unwrap_or(f64::INFINITY);
        let parts = if step == 1.0 && name == "t" { 1.0 } else { 5.0 };
        let small = step / parts;
        let (first, last) = ((from / small).ceil() as i64, (to / small).floor() as i64);
        let ticks = (first..=last).map(|i| {
            let value = i as f64 * small;
            let x = self.left + self.width * (value - from) / (to - from);
            let is_labelled = i % parts as i64 == 0;
            let is_last = is_labelled && value + step > to;
            let label = grouped(value.round() as usize);
            let label = if is_last { format!("{label} {name}") } else { label };
            let anchor = if x - self.left < 1.0 { "start" } else { "middle" };
            Tick { x: round(x), label: is_labelled.then_some(label), anchor }
        });
        ticks.collect()
    }
}

/// To a tenth of a pixel: more is not seen and makes pages long.
pub fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(num_t: usize, rate_hz: Option<f64>) -> Vec<String> {
        let axis = Axis { range: [0, num_t], left: 100.0, width: 900.0 };
        axis.ticks(rate_hz).into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn an_axis_is_labelled_in_minutes_seconds_or_timepoints() {
        assert_eq!(labels(9000, Some(5.0)), ["0", "5", "10", "15", "20", "25", "30 min"]);
        assert_eq!(labels(60, Some(2.0)), ["0", "5", "10", "15", "20", "25", "30 s"]);
        assert_eq!(labels(3, None), ["0", "1", "2", "3 t"]);
        assert_eq!(labels(1, None), ["0", "1 t"]);
        assert_eq!(labels(2_000_000, None).len(), 1);
    }

    #[test]
    fn a_single_timepoint_of_a_long_recording_is_wide_enough_to_be_seen() {
        let axis = Axis { range: [0, 9000], left: 108.0, width: 952.0 };
        assert_eq!(axis.span([0, 9000], 2.0), Some([108.0, 952.0]));
        let [x, width] = axis.span([8999, 9000], 2.0).unwrap();
        assert!(width == 2.0 && x + width <= 1060.0, "{x} {width}");
        assert_eq!(axis.span([9000, 9100], 2.0), None);
    }
}
