//! The one scale of time: how long the axis is, where each timepoint lies on it, and what is written there.
//! Plain numbers, so that the map, its marks and its pointer cannot disagree.

use super::format;

/// Points a label takes with the room around it.
const LABEL_WIDTH: f64 = 64.0;
/// The shortest part of time that can be looked at, in timepoints.
const SHORTEST: f64 = 8.0;
/// Lengths an axis of unknown end grows through, in minutes; beyond the last one they double.
const MINUTES: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];
/// Steps of a clock in seconds, with the parts each is divided into.
const CLOCK_STEPS: [(f64, u32); 18] = [
    (1.0, 5),
    (2.0, 2),
    (5.0, 5),
    (10.0, 5),
    (20.0, 4),
    (30.0, 3),
    (60.0, 6),
    (120.0, 2),
    (300.0, 5),
    (600.0, 5),
    (1200.0, 4),
    (1800.0, 3),
    (3600.0, 6),
    (7200.0, 2),
    (14400.0, 4),
    (21600.0, 6),
    (43200.0, 4),
    (86400.0, 4),
];

/// Timepoints an axis makes room for: what is planned, else for what grows the next round length, so that
/// it is not rescaled with every block; what has ended as it is.
pub fn num_reserved(num_t: usize, num_planned: Option<usize>, rate_hz: Option<f64>, is_growing: bool) -> usize {
    match num_planned.filter(|planned| *planned >= num_t) {
        Some(planned) => planned.max(1),
        None if is_growing => next_length(num_t, rate_hz),
        None => num_t.max(1),
    }
}

fn next_length(num_t: usize, rate_hz: Option<f64>) -> usize {
    let Some(rate_hz) = rate_hz.filter(|rate| *rate > 0.0 && rate.is_finite()) else {
        // Without a clock: 100, 200, 500, 1000 … timepoints.
        let decade = 10f64.powi((num_t.max(1) as f64).log10().floor() as i32).max(100.0);
        let lengths = [1.0, 2.0, 5.0, 10.0].map(|factor| (factor * decade) as usize);
        return lengths.into_iter().find(|length| *length >= num_t).unwrap_or(num_t);
    };
    let num_minutes = num_t as f64 / rate_hz / 60.0;
    let mut length = MINUTES.into_iter().find(|minutes| *minutes >= num_minutes).unwrap_or(MINUTES[MINUTES.len() - 1]);
    while length < num_minutes {
        length *= 2.0;
    }
    ((length * 60.0 * rate_hz).round() as usize).max(num_t).max(1)
}

/// A mark on the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in timepoints.
    pub t: f64,
    /// What is written there; nothing at the marks between.
    pub label: Option<String>,
}

/// The part of time that is shown, of all there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeAxis {
    /// First and last timepoint's edges, in timepoints.
    span: [f64; 2],
    whole: f64,
    rate_hz: Option<f64>,
}

impl TimeAxis {
    /// An axis over `num_reserved` timepoints, of which `zoom` is shown.
    pub fn new(num_reserved: usize, zoom: Option<[f64; 2]>, rate_hz: Option<f64>) -> Self {
        let whole = num_reserved.max(1) as f64;
        let rate_hz = rate_hz.filter(|rate| *rate > 0.0 && rate.is_finite());
        let span = zoom.map_or([0.0, whole], |[start, stop]| {
            let length = (stop - start).clamp(SHORTEST.min(whole), whole);
            let start = start.clamp(0.0, whole - length);
            [start, start + length]
        });
        Self { span, whole, rate_hz }
    }

    /// Where a timepoint's edge lies, 0 at the left and 1 at the right end of what is shown.
    pub fn fraction(&self, t: f64) -> f32 {
        ((t - self.span[0]) / self.length()) as f32
    }

    /// The place on the time axis at a fraction of what is shown.
    pub fn at(&self, fraction: f32) -> f64 {
        self.span[0] + f64::from(fraction) * self.length()
    }

    /// The timepoint at a fraction of what is shown, of `num_t` there are.
    pub fn t_at(&self, fraction: f32, num_t: usize) -> usize {
        (self.at(fraction.clamp(0.0, 1.0)).max(0.0) as usize).min(num_t.max(1) - 1)
    }

    /// Timepoints shown.
    pub fn length(&self) -> f64 {
        self.span[1] - self.span[0]
    }

    /// What is shown of all there is, as fractions of it; `None` for all of it.
    pub fn part(&self) -> Option<[f32; 2]> {
        (self.length() < self.whole).then(|| self.span.map(|end| (end / self.whole) as f32))
    }

    /// What to show for everything to be `factor` times as wide, with the place at `fraction` staying.
    pub fn zoomed(&self, fraction: f32, factor: f64) -> Option<[f64; 2]> {
        let length = (self.length() / factor).clamp(SHORTEST.min(self.whole), self.whole);
        if !length.is_finite() || length >= self.whole {
            return None;
        }
        let start = (self.at(fraction) - f64::from(fraction) * length).clamp(0.0, self.whole - length);
        Some([start, start + length])
    }

    /// What to show for everything to lie further right by a fraction of what is shown.
    pub fn panned(&self, fraction: f32) -> Option<[f64; 2]> {
        let start = self.span[0] - f64::from(fraction) * self.length();
        let start = start.clamp(0.0, self.whole - self.length());
        (self.length() < self.whole).then(|| [start, start + self.length()])
    }

    /// The marks on `width` points: round times in one unit, or timepoints where the rate is unknown.
    pub fn ticks(&self, width: f32) -> Vec<Tick> {
        let t_per_unit = self.rate_hz.unwrap_or(1.0);
        let [start, stop] = self.span.map(|t| t / t_per_unit);
        let wanted = (stop - start) * LABEL_WIDTH / f64::from(width);
        if !(wanted.is_finite() && wanted > 0.0) {
            return Vec::new();
        }
        let (step, num_parts) = match self.rate_hz {
            Some(_) => time_step(wanted),
            None => count_step(wanted),
        };
        let part = step / f64::from(num_parts);
        let first = (start / part - 1e-6).ceil() as i64;
        let last = (stop / part + 1e-6).floor() as i64;
        let unit = self.rate_hz.map_or(Unit::Timepoints, |_| Unit::of(step, stop));
        let mut ticks: Vec<Tick> = (first..=last)
            .map(|index| {
                let value = index as f64 * part;
                let is_labelled = index.rem_euclid(i64::from(num_parts)) == 0;
                Tick { t: value * t_per_unit, label: is_labelled.then(|| unit.label(value, step)) }
            })
            .collect();
        if let Some(label) = ticks.iter_mut().rev().find_map(|tick| tick.label.as_mut()) {
            *label += unit.suffix();
        }
        ticks
    }
}

/// The next step of a clock at or above `wanted` seconds, and the parts it is divided into.
fn time_step(wanted: f64) -> (f64, u32) {
    if wanted <= 0.5 {
        return decade_step(wanted);
    }
    let found = CLOCK_STEPS.into_iter().find(|(step, _)| *step >= wanted);
    found.unwrap_or_else(|| {
        let (days, parts) = decade_step(wanted / 86400.0);
        (days * 86400.0, parts)
    })
}

/// The next round number of timepoints at or above `wanted`.
fn count_step(wanted: f64) -> (f64, u32) {
    if wanted <= 1.0 { (1.0, 1) } else { decade_step(wanted) }
}

/// 1, 2 or 5 times a power of ten.
fn decade_step(wanted: f64) -> (f64, u32) {
    let decade = 10f64.powi(wanted.log10().floor() as i32);
    let steps = [(1.0, 5), (2.0, 2), (5.0, 5), (10.0, 5)].map(|(factor, parts)| (factor * decade, parts));
    steps.into_iter().find(|(step, _)| *step >= wanted * (1.0 - 1e-9)).unwrap_or((wanted, 1))
}

/// What the labels of an axis count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Timepoints,
    Seconds,
    Minutes,
    Hours,
    /// Labels that need more than one unit.
    Clock,
}

impl Unit {
    fn of(step_s: f64, stop_s: f64) -> Self {
        let is_multiple_of = |unit: f64| (step_s / unit).fract() == 0.0;
        match stop_s {
            stop if stop <= 180.0 => Self::Seconds,
            stop if stop <= 180.0 * 60.0 && is_multiple_of(60.0) => Self::Minutes,
            _ if is_multiple_of(3600.0) => Self::Hours,
            _ => Self::Clock,
        }
    }

    fn label(self, value: f64, step: f64) -> String {
        let whole = |value: f64| format::integer(value.round() as i64);
        match self {
            Self::Timepoints => whole(value),
            Self::Seconds => format::decimal(value, if step < 1.0 { format::decimals_of_step(step) } else { 0 }),
            Self::Minutes => whole(value / 60.0),
            Self::Hours => whole(value / 3600.0),
            Self::Clock => format::clock(value, if step < 1.0 { format::decimals_of_step(step) } else { 0 }),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Timepoints => "\u{2009}t",
            Self::Seconds => "\u{2009}s",
            Self::Minutes => "\u{2009}min",
            Self::Hours => "\u{2009}h",
            Self::Clock => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_axis_is_rescaled_a_few_times_in_an_hour() {
        let lengths = |rate_hz: Option<f64>, stop: usize| {
            let mut lengths: Vec<usize> = (0..stop).map(|num_t| num_reserved(num_t, None, rate_hz, true)).collect();
            assert!(lengths.iter().enumerate().all(|(num_t, length)| *length >= num_t.max(1)));
            lengths.dedup();
            lengths
        };
        assert_eq!(lengths(Some(5.0), 36_001), [300, 600, 1500, 3000, 6000, 9000, 18_000, 36_000]);
        assert_eq!(lengths(None, 3_000), [100, 200, 500, 1000, 2000, 5000]);
        assert_eq!(num_reserved(206, Some(9000), Some(5.0), true), 9000, "what is planned is known");
        assert_eq!(num_reserved(206, Some(100), Some(5.0), true), 300, "a plan that was passed says nothing");
        assert_eq!(num_reserved(206, None, Some(5.0), false), 206);
        assert_eq!(num_reserved(0, None, Some(f64::NAN), false), 1);
    }

    fn labels(axis: &TimeAxis, width: f32) -> String {
        let labels: Vec<String> = axis.ticks(width).into_iter().filter_map(|tick| tick.label).collect();
        labels.join(" ").replace('\u{2009}', "_")
    }

    #[test]
    fn labels_are_round_times_in_one_unit_told_once() {
        let of = |num_t, rate_hz| TimeAxis::new(num_t, None, rate_hz);
        assert_eq!(labels(&of(9000, Some(5.0)), 852.0), "0 5 10 15 20 25 30_min");
        assert_eq!(labels(&of(9000, Some(5.0)), 976.0), "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30_min");
        assert_eq!(labels(&of(206, Some(5.0)), 500.0), "0 10 20 30 40_s");
        assert_eq!(labels(&of(14_400, Some(1.0)), 500.0), "0 1 2 3 4_h");
        assert_eq!(labels(&of(206, None), 400.0), "0 50 100 150 200_t");
        assert_eq!(labels(&of(1000, Some(5.0)), 700.0), "0_s 20_s 40_s 1:00 1:20 1:40 2:00 2:20 2:40 3:00 3:20");
        let near = TimeAxis::new(9000, Some([6200.0, 6220.0]), Some(5.0));
        assert_eq!(labels(&near, 400.0), "20:40 20:41 20:42 20:43 20:44");
        for axis in [of(1, None), of(2, Some(1e-9)), of(usize::MAX >> 12, Some(30.0))] {
            assert!(axis.ticks(900.0).len() < 200, "{axis:?}");
        }
    }

    #[test]
    fn the_place_under_the_pointer_stays_when_time_is_zoomed() {
        let axis = TimeAxis::new(9000, None, Some(5.0));
        let near = TimeAxis::new(9000, axis.zoomed(0.25, 10.0), Some(5.0));
        assert_eq!(near.length(), 900.0);
        assert!((near.at(0.25) - axis.at(0.25)).abs() < 1e-3);
        assert_eq!(near.zoomed(0.7, 1e-3), None, "all of it");
        let nearest = TimeAxis::new(9000, near.zoomed(0.5, 1e9), Some(5.0));
        assert_eq!(nearest.length(), SHORTEST);
        let at_the_end = TimeAxis::new(9000, near.panned(-1e3), Some(5.0));
        assert_eq!(at_the_end.t_at(1.0, 9000), 8999);
        assert_eq!(axis.panned(0.3), None);
        assert_eq!(TimeAxis::new(100, Some([400.0, 900.0]), None).length(), 100.0, "another recording");
        assert_eq!(axis.t_at(0.9, 200), 199, "nothing beyond what there is");
    }
}
