//! `photon_gain`: counts for each photon, from how the variance of voxels grows with light (Lees et al. 2024,
//! doi:10.1101/2024.07.25.605130): of pairs of consecutive values at the level I = ⌊(F_t + F_t+1 + 1) / 2⌋ the
//! variance is mean((F_t − F_t+1)²) / 2; a line var = Q·I + b, fitted with Huber's loss and weights count^0.2, gives
//! the gain Q, and the value without light −b/Q.
//!
//! What moves or is active changes by a share of its light, so that its variance grows with the square of it. The
//! fit ends where that begins to show: it goes from the darkest level as far as the slopes of its two halves agree.

use super::levels::Levels;
use super::references::Scale;
use super::{FullScale, PhotonGain, References, State};

/// Levels that are needed, more than.
const LEAST_LEVELS: usize = 100;
/// A level counts with this share of the mean count.
const LEAST_COUNT: f64 = 0.01;
/// Levels below this share of the highest one are left out.
const LEAST_LEVEL: f64 = 0.03;
/// Power of the count that a level weighs.
const WEIGHT_POWER: f64 = 0.2;
/// How far the slopes of the two halves may differ, as a share of the lower one's.
const MOST_BEND: f64 = 0.15;
/// Deviations from which on Huber's loss is linear.
const EPSILON: f64 = 1.35;

/// The gain of the recording.
pub fn of(references: &References, state: &State, full_scale: Option<FullScale>) -> Result<PhotonGain, String> {
    let scale = &references.scale;
    let largest = full_scale.map_or(f64::INFINITY, |full| (full.value - scale.zero) / scale.unit);
    let levels = usable(&state.levels, scale, largest);
    if levels.len() <= LEAST_LEVELS {
        let num = levels.len();
        return Err(format!("not enough range: {num} levels of light follow each other, more than 100 are needed"));
    }
    let points: Vec<Point> = levels
        .iter()
        .map(|level| Point {
            x: *level as f64,
            y: state.levels.variance(*level),
            weight: (state.levels.counts()[*level] as f64).powf(WEIGHT_POWER),
        })
        .collect();
    let Some((line, num_levels)) = straight(&points) else {
        return Err(
            "noise does not grow with light along a line: movement or activity adds to it, or there are too few data"
                .to_owned(),
        );
    };
    let gain = line.slope * scale.unit;
    let zero = scale.zero - line.intercept / line.slope * scale.unit;
    if !(gain > 0.0 && zero.is_finite()) {
        return Err("noise does not grow with light: the values may have been smoothed or scaled".to_owned());
    }
    Ok(PhotonGain { gain, zero, num_levels })
}

/// The longest run of levels with enough pairs, without those whose noise is cut off at full scale.
fn usable(levels: &Levels, scale: &Scale, largest: f64) -> Vec<usize> {
    let counts = levels.counts();
    let (Some(first), Some(last)) = (counts.iter().position(|n| *n > 0), counts.iter().rposition(|n| *n > 0)) else {
        return Vec::new();
    };
    // Level 0 of integers is below what is measured, or cut off.
    let first = if scale.zero == 0.0 { first.max(1) } else { first };
    let mean = counts[first..=last.max(first)].iter().sum::<u64>() as f64 / (last.max(first) + 1 - first) as f64;
    let is_enough = |level: &usize| counts[*level] as f64 > LEAST_COUNT * mean;
    let mut longest = 0..0;
    let mut run = first..first;
    for level in first..=last {
        run = if is_enough(&level) { run.start..level + 1 } else { level + 1..level + 1 };
        if run.len() > longest.len() {
            longest = run.clone();
        }
    }
    let value = |level: usize| scale.zero + level as f64 * scale.unit;
    let least = LEAST_LEVEL * value(longest.end);
    let is_whole = |level: &usize| *level as f64 + 4.0 * levels.variance(*level).sqrt() <= largest;
    longest.filter(|level| value(*level) >= least && is_whole(level)).collect()
}

/// The line through the darkest points, as many as lie along one, and how many these are.
fn straight(points: &[Point]) -> Option<(Line, usize)> {
    let mut num = points.len();
    while num > LEAST_LEVELS {
        let [low, high] = [0..num / 2, num / 2..num].map(|half| huber(&points[half]).slope);
        if low > 0.0 && (high / low - 1.0).abs() <= MOST_BEND {
            return Some((huber(&points[..num]), num));
        }
        num = if num > LEAST_LEVELS + 1 { (num * 7 / 8).max(LEAST_LEVELS + 1) } else { 0 };
    }
    None
}

struct Point {
    x: f64,
    y: f64,
    weight: f64,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    slope: f64,
    intercept: f64,
}

/// The line that Huber's loss is least for, with a scale that is found together with it (Huber 1981, as
/// scikit-learn's `HuberRegressor`): weighted lines and the scale in turn, until nothing changes.
fn huber(points: &[Point]) -> Line {
    let mut line = weighted_line(points, |_| 1.0);
    let mut sigma = f64::INFINITY;
    for _ in 0..500 {
        let residual = |point: &Point| (point.y - line.slope * point.x - line.intercept).abs();
        let former = (line, sigma);
        sigma = scale_of(points, &residual, sigma);
        if sigma <= 0.0 {
            break;
        }
        line = weighted_line(points, |point| (EPSILON * sigma / residual(point)).min(1.0));
        let is_still = |a: f64, b: f64| (a - b).abs() <= 1e-10 * a.abs();
        if is_still(former.0.slope, line.slope) && is_still(former.1, sigma) {
            break;
        }
    }
    line
}

/// The scale at which the loss is least for these residuals.
fn scale_of(points: &[Point], residual: &impl Fn(&Point) -> f64, from: f64) -> f64 {
    let mut sigma = from;
    for _ in 0..100 {
        let (mut all, mut outside, mut squares) = (0.0, 0.0, 0.0);
        for point in points {
            let residual = residual(point);
            all += point.weight;
            if residual > EPSILON * sigma {
                outside += point.weight;
            } else {
                squares += point.weight * residual * residual;
            }
        }
        let former = sigma;
        let inside = all - EPSILON * EPSILON * outside;
        sigma = if inside > 0.0 { (squares / inside).sqrt() } else { sigma * 2.0 };
        if (sigma - former).abs() <= 1e-12 * former {
            break;
        }
    }
    sigma
}

fn weighted_line(points: &[Point], trust: impl Fn(&Point) -> f64) -> Line {
    let [mut w, mut wx, mut wy] = [0.0; 3];
    for point in points {
        let weight = point.weight * trust(point);
        w += weight;
        wx += weight * point.x;
        wy += weight * point.y;
    }
    let (x, y) = (wx / w, wy / w);
    let [mut xx, mut xy] = [0.0; 2];
    for point in points {
        let weight = point.weight * trust(point);
        xx += weight * (point.x - x) * (point.x - x);
        xy += weight * (point.x - x) * (point.y - y);
    }
    let slope = xy / xx;
    Line { slope, intercept: y - slope * x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_ends_where_movement_adds_to_the_noise_of_light() {
        let point = |i: u32, bend: f64| {
            let light = f64::from(i);
            let noise = if i.is_multiple_of(2) { 0.98 } else { 1.02 };
            Point { x: 100.0 + light, y: (6.0 + 2.2 * light) * noise + bend * light * light, weight: 1.0 }
        };
        let bent: Vec<Point> = (0..1000).map(|i| point(i, 0.002)).collect();
        let (line, num) = straight(&bent).expect("its beginning is straight");
        assert!(num < 250 && (line.slope - 2.2).abs() < 0.5, "{line:?} of {num}");
        let even: Vec<Point> = (0..1000).map(|i| point(i, 0.0)).collect();
        let (line, num) = straight(&even).expect("all of it is straight");
        assert!(num == 1000 && (line.slope - 2.2).abs() < 0.02, "{line:?}");
        assert!(straight(&even[..100]).is_none(), "too few");
    }

    #[test]
    fn outliers_do_not_turn_the_line() {
        // scipy.optimize.minimize of the loss, of the same points
        let points: Vec<Point> = (0..40)
            .map(|i| {
                let x = f64::from(i);
                let bump = if i % 9 == 4 { 80.0 } else { f64::from(i % 5) - 2.0 };
                Point { x, y: 3.0 * x + 10.0 + bump, weight: 1.0 + f64::from(i % 3) }
            })
            .collect();
        let line = huber(&points);
        assert!((line.slope - 3.026_527).abs() < 1e-4 && (line.intercept - 9.681_398).abs() < 1e-3, "{line:?}");
    }
}
