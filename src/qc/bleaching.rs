//! `bleaching`: light lost over the recording. A·exp(−t/τ) + C is fitted to the medians of the planes above the
//! camera's offset, and to the median of these; what is told is how much the fitted curve loses from the first
//! timepoint to the last. A dark stretch, a flash or a transient must not bend it: timepoints are gathered in
//! windows whose median counts, and the fit is Huber's.

use super::derived::{complete, median};
use super::{Bleaching, Figures, Subject, Table};

/// Timepoints it needs.
const LEAST_VOLUMES: usize = 30;

/// Windows the time is cut into, at most.
const WINDOWS: usize = 64;

/// Time constants that are tried: so many, evenly spaced in their logarithm, from a fiftieth of the recording to
/// many times its length, at which the curve is a straight line; then closer about the best.
const NUM_TAUS: usize = 25;
const TAU_RANGE: [f64; 2] = [0.02, 20.0];

/// A time constant longer than so many times the recording cannot be told from a straight line.
const LONGEST_TAU: f64 = 10.0;

/// Residuals beyond so many robust standard deviations count less.
const HUBER: f64 = 1.345;

/// Light a plane needs above the offset, in read noise: a share of next to nothing is not a number.
const LEAST_LIGHT: f64 = 1.0;

/// Light lost in each plane and over all.
///
/// # Errors
/// Why it cannot be had.
pub(super) fn bleaching(subject: &Subject, table: &Table, figures: &Figures) -> Result<Bleaching, String> {
    let offset = figures.offset.ok_or("the camera's offset is not known")?;
    let seen: Vec<usize> = (0..table.num_t()).filter(|t| complete(table, *t).is_some()).collect();
    let [Some(first), Some(last)] = [seen.first(), seen.last()] else { return Err("nothing has been measured".into()) };
    if seen.len() < LEAST_VOLUMES {
        return Err(format!("needs {LEAST_VOLUMES} timepoints, and {} are measured", seen.len()));
    }
    let [first, length] = [*first, last - first];
    let least = LEAST_LIGHT * figures.read_noise.unwrap_or(0.0);
    let light = |t: usize, z: usize| {
        let plane = table.plane(t, z).filter(|plane| plane.is_there);
        plane.map_or(f64::NAN, |plane| f64::from(plane.median()) - offset)
    };
    let rounding = if subject.dtype.is_float() { 0.0 } else { ROUNDING };
    let fit_of = |value: &dyn Fn(usize) -> f64| {
        let points = windows(&seen, first, length, value);
        (points.len() >= 3).then(|| (fit(&points), points)).filter(|(fit, _)| fit.first() > least && fit.first() > 0.0)
    };
    let planes = 0..table.num_z();
    let percent = planes
        .clone()
        .map(|z| fit_of(&|t| light(t, z)).filter(|fit| shows(fit, rounding)).map_or(f64::NAN, |(fit, _)| fit.percent()))
        .collect();
    let of_planes = |t: usize| median(planes.clone().map(|z| light(t, z)).filter(|light| light.is_finite()).collect());
    let overall = fit_of(&of_planes).ok_or("there is hardly any light above the camera's offset")?;
    if !shows(&overall, rounding) {
        return Err("the light rises and falls, or is rounded, by more than it fades".into());
    }
    let overall = overall.0;
    let overall_percent = overall.percent();
    let duration = subject.minutes(length).unwrap_or(length as f64);
    Ok(Bleaching {
        percent,
        overall_percent,
        tau: if overall.tau < LONGEST_TAU { overall.tau * length as f64 } else { f64::INFINITY },
        per_minute: overall_percent / duration,
    })
}

/// Share of the time (0 to 1) and value.
type Point = [f64; 2];

/// Share of the points that make an end, and by which share of the loss between them the fit may be wrong.
const END_SHARE: f64 = 0.1;
const LEAST_SHOWN: f64 = 0.5;
/// Less than this share of the light is no loss that would have to show.
const LEAST_LOSS: f64 = 0.01;

/// Counts by which medians of whole numbers may differ for being rounded.
const ROUNDING: f64 = 2.0;

/// Whether the ends differ as the curve says. A dip in the middle bends it as well, and so do steps of whole counts.
fn shows((fit, points): &(Fit, Vec<Point>), rounding: f64) -> bool {
    let num = ((points.len() as f64 * END_SHARE) as usize).max(1);
    let end = |points: &[Point]| {
        let fitted = points.iter().map(|[t, _]| fit.at(*t)).sum::<f64>() / points.len() as f64;
        [fitted, median(points.iter().map(|[_, value]| *value).collect())]
    };
    let [first, last] = [end(&points[..num]), end(&points[points.len() - num..])];
    let [fitted, shown] = [first[0] - last[0], first[1] - last[1]];
    let least = LEAST_LOSS * fit.first();
    let is_rounding = least < fitted.abs() && fitted.abs() < rounding;
    !is_rounding && (fitted - shown).abs() <= LEAST_SHOWN * fitted.abs() + least
}

fn windows(seen: &[usize], first: usize, length: usize, value: &dyn Fn(usize) -> f64) -> Vec<Point> {
    let size = seen.len().div_ceil(WINDOWS);
    let share = |t: usize| (t - first) as f64 / length as f64;
    let window = |ts: &[usize]| {
        let known: Vec<Point> =
            ts.iter().map(|t| [share(*t), value(*t)]).filter(|point| point[1].is_finite()).collect();
        let time = known.iter().map(|point| point[0]).sum::<f64>() / known.len() as f64;
        (!known.is_empty()).then(|| [time, median(known.iter().map(|point| point[1]).collect())])
    };
    seen.chunks(size).filter_map(window).collect()
}

/// A·exp(−t/τ) + C, with t from 0 to 1.
#[derive(Clone, Copy, Debug)]
struct Fit {
    a: f64,
    tau: f64,
    c: f64,
}

impl Fit {
    fn at(&self, t: f64) -> f64 {
        self.a * (-t / self.tau).exp() + self.c
    }

    fn first(&self) -> f64 {
        self.at(0.0)
    }

    fn percent(&self) -> f64 {
        100.0 * (self.first() - self.at(1.0)) / self.first()
    }
}

/// For every τ, A and C follow from a line; so only τ is looked for.
fn fit(points: &[Point]) -> Fit {
    let mut weights = vec![1.0; points.len()];
    let mut best = search(points, &weights);
    for _ in 0..4 {
        let residuals: Vec<f64> = points.iter().map(|[t, value]| (value - best.at(*t)).abs()).collect();
        let deviation = 1.4826 * median(residuals.clone());
        if deviation <= 0.0 {
            break;
        }
        for (weight, residual) in weights.iter_mut().zip(&residuals) {
            *weight = (HUBER * deviation / residual).min(1.0);
        }
        best = search(points, &weights);
    }
    best
}

fn search(points: &[Point], weights: &[f64]) -> Fit {
    let step = (TAU_RANGE[1] / TAU_RANGE[0]).powf(1.0 / (NUM_TAUS - 1) as f64);
    let tried = (0..NUM_TAUS).map(|i| line(points, weights, TAU_RANGE[0] * step.powi(i as i32)));
    let Some(mut best) = tried.min_by(|a, b| a.1.total_cmp(&b.1)) else { return Fit { a: 0.0, tau: 1.0, c: 0.0 } };
    let mut step = step.sqrt();
    for _ in 0..8 {
        let [shorter, longer] = [best.0.tau / step, best.0.tau * step].map(|tau| line(points, weights, tau));
        best =
            [best, shorter, longer].into_iter().fold(best, |best, other| if other.1 < best.1 { other } else { best });
        step = step.sqrt();
    }
    best.0
}

/// The best A and C for a τ, and the sum of its weighted squares.
fn line(points: &[Point], weights: &[f64], tau: f64) -> (Fit, f64) {
    let decay = |t: f64| (-t / tau).exp();
    let total: f64 = weights.iter().sum();
    let mean = |of: &dyn Fn(&Point) -> f64| points.iter().zip(weights).map(|(p, w)| w * of(p)).sum::<f64>() / total;
    let [mean_decay, mean_value] = [mean(&|p| decay(p[0])), mean(&|p| p[1])];
    let covariance = mean(&|p| (decay(p[0]) - mean_decay) * (p[1] - mean_value));
    let variance = mean(&|p| (decay(p[0]) - mean_decay).powi(2));
    let a = if variance > 0.0 { covariance / variance } else { 0.0 };
    let fit = Fit { a, tau, c: mean_value - a * mean_decay };
    (fit, mean(&|p| (p[1] - fit.at(p[0])).powi(2)))
}

#[cfg(test)]
mod tests {
    use super::super::{PlaneRow, Row, VolumeRow};
    use super::*;
    use crate::volume::DType;

    fn measured(num_t: usize, light: impl Fn(usize, usize) -> f64) -> Result<Bleaching, String> {
        let subject = Subject {
            shape: [num_t, 3, 10, 10],
            dtype: DType::U16,
            rate_hz: Some(2.0),
            voxel_um: None,
            planned_t: None,
            times_s: None,
        };
        let mut table = Table::new(num_t, 3);
        for t in 0..num_t {
            let plane = |z| {
                let median = 100.0 + light(t, z) as f32;
                PlaneRow { is_there: true, percentiles: [0.0, median, 0.0], ..PlaneRow::ABSENT }
            };
            let planes = (0..3).map(plane).collect();
            table.set(t, Row { planes, volume: VolumeRow::UNKNOWN, is_complete: true });
        }
        let figures = Figures { offset: Some(100.0), read_noise: Some(2.0), ..Figures::default() };
        bleaching(&subject, &table, &figures)
    }

    #[test]
    fn light_lost_is_found_within_a_point_with_noise_dark_volumes_and_flashes() {
        let noise = |t: usize| ((t * 7919 % 1009) as f64 / 1009.0 - 0.5) * 6.0;
        // Two percent of the first value in a minute of 120 volumes.
        let lost = |t: usize| 200.0 * 0.98_f64.powf(t as f64 / 120.0);
        let found = measured(1200, |t, z| match t {
            300..340 => -8.0,
            700..705 => 900.0,
            _ => lost(t) * [1.0, 0.5, 0.8][z] + noise(t + 31 * z),
        })
        .unwrap();
        let truth = 100.0 * (1.0 - 0.98_f64.powf(1199.0 / 120.0));
        assert!((found.overall_percent - truth).abs() < 0.5, "{} and not {truth}", found.overall_percent);
        assert!(found.percent.iter().all(|percent| (percent - truth).abs() < 1.0), "{:?}", found.percent);
        assert!((found.per_minute - truth / (1199.0 / 120.0)).abs() < 0.1, "{}", found.per_minute);
    }

    #[test]
    fn its_time_constant_is_that_of_the_decay_and_none_where_it_is_a_line() {
        let found = measured(600, |t, _| 50.0 + 150.0 * (-(t as f64) / 150.0).exp()).unwrap();
        assert!((found.tau / 150.0 - 1.0).abs() < 0.05, "{}", found.tau);
        assert!((found.overall_percent - 73.6).abs() < 0.3, "{}", found.overall_percent);
        let line = measured(600, |t, _| 200.0 - t as f64 / 10.0).unwrap();
        assert!(line.tau.is_infinite() && (line.overall_percent - 29.95).abs() < 0.5, "{line:?}");
    }

    #[test]
    fn without_light_or_time_there_is_none_and_a_plane_without_light_is_not_told() {
        assert!(measured(600, |_, _| 0.5).unwrap_err().contains("light"));
        assert!(measured(29, |_, _| 100.0).unwrap_err().contains("30 timepoints"));
        let found = measured(100, |_, z| if z == 1 { 0.0 } else { 80.0 }).unwrap();
        assert!(found.percent[1].is_nan() && found.percent[0].abs() < 1e-6 && found.overall_percent.abs() < 1e-6);
        assert!(measured(600, |_, _| f64::NAN).is_err());
    }
}
