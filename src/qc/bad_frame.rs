//! `bad_frame`: a sudden jump, by suite2p's rule (`compute_crop`; Pachitariu et al. 2017), with what came before
//! in place of the whole recording, so that what is said of a timepoint does not change when later ones arrive.

use std::collections::VecDeque;

use super::derived::{MEDIAN_VOLUMES, RunningMedian};

/// Mean distances below it, px, are those of a measure that is no more exact.
const LEAST_DISTANCE: f64 = 0.02;
/// Distance of a volume in which no shift is found, px, where shifts have been found in nearly all before.
const LOST_DISTANCE: f64 = 10.0;
/// Nearly all.
const MOST: f64 = 0.9;
/// A correlation is counted as no less, as a share of the usual one.
const LEAST_CORRELATION: f64 = 0.01;
/// Distances a mean needs.
const LEAST_VOLUMES: usize = 10;

/// Follows shifts and correlations in order of t.
#[derive(Default)]
pub(super) struct Jumps {
    shifts: [RunningMedian; 2],
    correlations: RunningMedian,
    distances: VecDeque<Distance>,
}

/// How far a volume was from where those before it were.
#[derive(Clone, Copy)]
enum Distance {
    Px(f64),
    /// No shift was found.
    Lost,
    /// Nothing was measured, or there was too little to compare with.
    Unknown,
}

impl Jumps {
    /// Timepoints before one from which follows what is said of it.
    pub const REACH: usize = 2 * (MEDIAN_VOLUMES - 1);

    /// (d / mean d) / (c / median c): d is the distance of a shift, px, from the running median of shifts, its mean
    /// over the 100 volumes before; c the correlation with the reference, over its running median. NaN of too few
    /// volumes, and where nothing was measured.
    pub fn push(&mut self, shift: [f32; 2], correlation: f32) -> f64 {
        let [dy, dx] = [0, 1].map(|axis| {
            let value = f64::from(shift[axis]);
            value - self.shifts[axis].push(value)
        });
        let usual = self.correlations.push(f64::from(correlation));
        let distance = match dy.hypot(dx) {
            distance if distance.is_finite() => Distance::Px(distance),
            _ if shift[0].is_nan() && correlation.is_finite() => Distance::Lost,
            _ => Distance::Unknown,
        };
        let mean = self.mean();
        if self.distances.len() == MEDIAN_VOLUMES - 1 {
            self.distances.pop_front();
        }
        self.distances.push_back(distance);
        let distance = match distance {
            Distance::Px(distance) => distance,
            Distance::Lost => LOST_DISTANCE,
            Distance::Unknown => f64::NAN,
        };
        // What resembles nothing has a correlation of about 0, or even less.
        let ratio = distance / mean / (f64::from(correlation) / usual).clamp(LEAST_CORRELATION, f64::INFINITY);
        if ratio.is_finite() { ratio } else { f64::NAN }
    }

    /// Mean distance of the volumes before; NaN of too few, and where too many of them were lost.
    fn mean(&self) -> f64 {
        let px = |distance: &Distance| if let Distance::Px(px) = distance { Some(*px) } else { None };
        let num_lost = self.distances.iter().filter(|distance| matches!(distance, Distance::Lost)).count();
        let known: Vec<f64> = self.distances.iter().filter_map(px).collect();
        let num = known.len();
        let is_followed = num >= LEAST_VOLUMES && num as f64 >= MOST * (num + num_lost) as f64;
        if is_followed { (known.iter().sum::<f64>() / num as f64).max(LEAST_DISTANCE) } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(values: impl IntoIterator<Item = ([f32; 2], f32)>) -> Vec<f64> {
        let mut jumps = Jumps::default();
        values.into_iter().map(|(shift, correlation)| jumps.push(shift, correlation)).collect()
    }

    fn tremor(t: usize) -> [f32; 2] {
        [0.05 * ((t * 37 % 11) as f32 / 5.0 - 1.0), 0.05 * ((t * 53 % 13) as f32 / 6.0 - 1.0)]
    }

    #[test]
    fn a_jump_is_far_beyond_all_others_and_a_drift_is_none() {
        let mut values: Vec<_> = (0..300).map(|t| (tremor(t), 0.6)).collect();
        values[200] = ([4.0, -3.0], 0.3);
        let found = follow(values.clone());
        assert!(found[200] > 100.0, "{}", found[200]);
        assert!((20..300).all(|t| t == 200 || found[t] < 10.0));
        assert!((0..10).all(|t| found[t].is_nan()), "too few");
        let drift = (0..300).map(|t| ([0.3 * t as f32 + tremor(t)[0], tremor(t)[1]], 0.6));
        assert!(follow(drift).iter().skip(20).all(|value| *value < 10.0));
        // Nothing that comes later changes it.
        assert_eq!(format!("{:?}", &follow(values[..201].to_vec())[..]), format!("{:?}", &found[..201]));
    }

    #[test]
    fn it_needs_no_more_than_its_reach() {
        let value = |t: usize| (tremor(t * t), 0.5 + 0.01 * (t % 7) as f32);
        let all = follow((0..400).map(value));
        assert_eq!(follow((350 - Jumps::REACH..=350).map(value)).last(), Some(&all[350]));
    }

    #[test]
    fn what_is_nowhere_to_be_found_is_a_jump_only_where_others_were_found() {
        let lost = |t: usize| if t == 90 { ([f32::NAN; 2], 0.05) } else { (tremor(t), 0.6) };
        assert!(follow((0..100).map(lost))[90] > 100.0);
        let mostly = |t: usize| if t.is_multiple_of(3) { ([f32::NAN; 2], 0.05) } else { (tremor(t), 0.6) };
        assert!(follow((0..100).map(mostly)).iter().all(|value| value.is_nan()));
        let missing = |t: usize| if t == 90 { ([f32::NAN; 2], f32::NAN) } else { (tremor(t), 0.6) };
        assert!(follow((0..100).map(missing))[90].is_nan());
    }
}
