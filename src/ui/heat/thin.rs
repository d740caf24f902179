//! A trace thinned to what its columns can show: nothing that stands out is averaged away.

use std::ops::Range;

/// What a trace is on one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Mean of what is known; NaN where nothing is.
    pub mean: f32,
    /// The least of it.
    pub least: f32,
    /// The most of it.
    pub most: f32,
    /// Whether any of its timepoints has been looked at.
    pub is_seen: bool,
}

impl Bin {
    /// Of the timepoints of a column; `is_seen` says whether one has been looked at.
    pub fn of(values: &[f32], timepoints: Range<usize>, is_seen: impl Fn(usize) -> bool) -> Self {
        let mut bin = Self { mean: f32::NAN, least: f32::NAN, most: f32::NAN, is_seen: false };
        let (mut sum, mut num) = (0.0, 0u32);
        for (t, value) in values.iter().copied().enumerate().take(timepoints.end).skip(timepoints.start) {
            bin.is_seen |= is_seen(t);
            if value.is_finite() {
                sum += f64::from(value);
                num += 1;
                bin.least = bin.least.min(value);
                bin.most = bin.most.max(value);
            }
        }
        bin.mean = (sum / f64::from(num)) as f32;
        bin
    }
}

/// Columns that have not been looked at, so many between two that have, do not break a line: a first look takes
/// timepoints far apart.
pub const BRIDGED: usize = 40;

/// The stretches of columns that one line is drawn through, each with the columns that are known.
pub fn lines(bins: &[Bin]) -> Vec<Vec<usize>> {
    let mut lines: Vec<Vec<usize>> = Vec::new();
    let mut is_broken = true;
    for (column, bin) in bins.iter().enumerate() {
        if bin.mean.is_nan() {
            is_broken |= bin.is_seen;
            continue;
        }
        let last = lines.last_mut().and_then(|line| line.last().copied().map(|last| (line, last)));
        match last {
            Some((line, last)) if !is_broken && column - last <= BRIDGED => line.push(column),
            _ => lines.push(vec![column]),
        }
        is_broken = false;
    }
    lines
}

/// The least and the most of a series, but for one in fifty at either end; NaN where nothing is known.
pub fn usual(values: &[f32]) -> [f32; 2] {
    const ENOUGH: usize = 2_000;
    let step = values.len().div_ceil(ENOUGH).max(1);
    let mut known: Vec<f32> = values.iter().step_by(step).copied().filter(|value| value.is_finite()).collect();
    if known.is_empty() {
        return [f32::NAN; 2];
    }
    known.sort_by(f32::total_cmp);
    let left_out = known.len() / 50;
    [known[left_out], known[known.len() - 1 - left_out]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_among_a_thousand_is_kept_beside_their_mean() {
        let mut values = vec![1.0; 1000];
        values[613] = 7.0;
        values[100] = f32::NAN;
        let bin = Bin::of(&values, 0..1000, |_| true);
        assert_eq!((bin.least, bin.most), (1.0, 7.0));
        assert!((bin.mean - 1005.0 / 999.0).abs() < 1e-6);
        let beyond = Bin::of(&values, 2000..3000, |_| true);
        assert!(beyond.mean.is_nan() && !beyond.is_seen);
    }

    #[test]
    fn a_line_goes_on_over_what_was_not_looked_at_and_breaks_where_nothing_could_be_had() {
        let known = Bin { mean: 1.0, least: 1.0, most: 1.0, is_seen: true };
        let unseen = Bin { mean: f32::NAN, is_seen: false, ..known };
        let missing = Bin { is_seen: true, ..unseen };
        assert_eq!(lines(&[known, unseen, unseen, known, missing, known]), [vec![0, 3], vec![5]]);
        let mut far = vec![unseen; BRIDGED + 20];
        far[0] = known;
        far[BRIDGED + 5] = known;
        assert_eq!(lines(&far), [vec![0], vec![BRIDGED + 5]]);
        assert!(lines(&[unseen, missing]).is_empty());
    }

    #[test]
    fn outliers_do_not_stretch_what_is_usual() {
        let mut values: Vec<f32> = (0..1000).map(|t| 100.0 + (t % 10) as f32).collect();
        values[5] = 9000.0;
        values[6] = f32::NAN;
        assert_eq!(usual(&values), [100.0, 109.0]);
        assert!(usual(&[f32::NAN])[0].is_nan());
        assert_eq!(usual(&[3.0]), [3.0, 3.0]);
    }
}
