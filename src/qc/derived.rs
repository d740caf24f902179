//! What follows from the table alone: measures seen against those of the volumes before. Running medians are
//! trailing ones, so that what is said of a timepoint does not change when later ones arrive.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::bad_frame::Jumps;
use super::{Figures, PlaneRow, REFERENCE_VOLUMES, Row, Table, VolumeRow};

/// Timepoints of a running median: t and those before it.
pub(super) const MEDIAN_VOLUMES: usize = 101;

/// A fall in sharpness by fewer standard deviations of the first volumes' may be noise.
const CERTAIN: f64 = 5.5;

/// Values a running median needs, or it is not had.
const LEAST_VOLUMES: usize = 10;

/// Measures seen against those of other timepoints. Kept from one table to the next, it is brought up to date
/// only where rows have changed.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    table: Table,
    offset: f64,
    /// Change over its running median, in order of (t, z).
    change_ratio: Vec<f32>,
    /// suite2p's measure of a sudden jump, in order of t.
    jump: Vec<f32>,
    /// Sharpness of the first volumes, in two ways.
    sharpness: [Start; 2],
}

impl Derived {
    /// Derives all of it.
    pub fn of(table: &Table, figures: &Figures) -> Self {
        let mut derived = Self::default();
        derived.update(table, figures);
        derived
    }

    /// Brings it up to date with a table that came of the one before.
    pub fn update(&mut self, table: &Table, figures: &Figures) {
        let offset = figures.offset.unwrap_or(0.0);
        let stale = if table.num_z() != self.table.num_z() || offset != self.offset {
            0..table.num_t()
        } else {
            changed(&self.table, table)
        };
        self.offset = offset;
        self.table = table.clone();
        let num_z = table.num_z();
        self.change_ratio.resize(table.num_t() * num_z, f32::NAN);
        self.jump.resize(table.num_t(), f32::NAN);
        if !stale.is_empty() {
            self.derive_jumps(stale.start..(stale.end + Jumps::REACH).min(table.num_t()));
        }
        // A row takes part in the medians of the hundred after it.
        let stale = stale.start..(stale.end + MEDIAN_VOLUMES - 1).min(table.num_t());
        for z in (0..num_z).filter(|_| !stale.is_empty()) {
            self.derive_change(z, stale.clone());
        }
        self.sharpness = SHARPNESSES.map(|of| Start::of(table, |row| of(row, offset)));
    }

    fn derive_change(&mut self, z: usize, range: Range<usize>) {
        let mut median = RunningMedian::default();
        for t in range.start.saturating_sub(MEDIAN_VOLUMES - 1)..range.end {
            let change = complete(&self.table, t).map_or(f64::NAN, |row| self.change_percent(&row.planes[z]));
            let ratio = change / median.push(change);
            if range.contains(&t) {
                self.change_ratio[t * self.table.num_z() + z] = ratio as f32;
            }
        }
    }

    fn derive_jumps(&mut self, range: Range<usize>) {
        let mut jumps = Jumps::default();
        for t in range.start.saturating_sub(Jumps::REACH)..range.end {
            let volume = complete(&self.table, t).map_or(VolumeRow::UNKNOWN, |row| row.volume);
            let jump = jumps.push(volume.shift, volume.correlation);
            if range.contains(&t) {
                self.jump[t] = jump as f32;
            }
        }
    }

    /// `bad_frame`: suite2p's measure of a sudden jump. NaN where that cannot be had.
    pub fn jump(&self, t: usize) -> f64 {
        self.jump.get(t).map_or(f64::NAN, |jump| f64::from(*jump))
    }

    /// `dvars`: root mean square of the change since the timepoint before, in percent of the mean above the
    /// camera's offset. NaN where there is no light.
    pub fn change_percent(&self, row: &PlaneRow) -> f64 {
        let light = f64::from(row.mean) - self.offset;
        if light > 0.0 { 100.0 * f64::from(row.change) / light } else { f64::NAN }
    }

    /// [`Self::change_percent`] over its running median. NaN where that cannot be had.
    pub fn change_ratio(&self, t: usize, z: usize) -> f64 {
        self.change_ratio.get(t * self.table.num_z() + z).map_or(f64::NAN, |ratio| f64::from(*ratio))
    }

    /// Sharpness in percent of that of plane `start_z` in the first volumes: their median, so that it does not
    /// change when later ones arrive. NaN where that cannot be had, or where it has fallen no more than the first
    /// volumes differ among each other. The entropy is of raw values, part of which is the camera's offset, and
    /// falls with the light, which neither blurs nor sharpens; held for each count of light it may fall as the light
    /// grows, where the offset is not known well. A plane out of focus has less either way: the larger one counts.
    pub fn focus_percent(&self, row: &PlaneRow, start_z: usize) -> f64 {
        let shares = SHARPNESSES.iter().zip(&self.sharpness).map(|(of, start)| {
            let share = of(row, self.offset) / start.median.get(start_z).copied().unwrap_or(f64::NAN);
            let is_chance = 1.0 - share < CERTAIN * start.spread.get(start_z).copied().unwrap_or(f64::NAN);
            if share < 1.0 && is_chance { f64::NAN } else { 100.0 * share }
        });
        // NaN of either is NaN of both.
        shares.reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }).unwrap_or(f64::NAN)
    }
}

/// `focus` as it is, and for each count of light; NaN where there is none.
const SHARPNESSES: [fn(&PlaneRow, f64) -> f64; 2] = [
    |row, _| f64::from(row.focus),
    |row, offset| {
        let light = f64::from(row.mean) - offset;
        if light > 0.0 { f64::from(row.focus) * f64::from(row.mean) / light } else { f64::NAN }
    },
];

/// A measure of the first volumes, for each plane.
#[derive(Clone, Debug, Default)]
struct Start {
    median: Vec<f64>,
    /// By which share of it they differ among each other.
    spread: Vec<f64>,
}

impl Start {
    fn of(table: &Table, measure: impl Fn(&PlaneRow) -> f64) -> Self {
        let first = |z: usize| -> Vec<f64> {
            let rows = (0..table.num_t()).filter_map(|t| complete(table, t));
            rows.map(|row| measure(&row.planes[z])).filter(|value| value.is_finite()).take(REFERENCE_VOLUMES).collect()
        };
        let first: Vec<Vec<f64>> = (0..table.num_z()).map(first).collect();
        // Planes of one recording are alike: all together tell more than the few volumes of one.
        let spreads: Vec<f64> = first.iter().map(|values| spread(values)).collect();
        let squares: Vec<f64> =
            spreads.iter().filter(|spread| spread.is_finite()).map(|spread| spread * spread).collect();
        let typical = (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt();
        Self {
            median: first.into_iter().map(median).collect(),
            spread: spreads.iter().map(|spread| spread.max(typical)).collect(),
        }
    }
}

/// A row of which all has been measured.
pub(super) fn complete(table: &Table, t: usize) -> Option<&Arc<Row>> {
    table.row(t).filter(|row| row.is_complete)
}

/// Timepoints from the first to the last whose rows are others.
fn changed(before: &Table, now: &Table) -> Range<usize> {
    let is_same = |t: &usize| match (before.row(*t), now.row(*t)) {
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        (before, now) => before.is_none() && now.is_none(),
    };
    let all = 0..now.num_t();
    match all.clone().find(|t| !is_same(t)) {
        Some(first) => first..all.rev().find(|t| !is_same(t)).map_or(first, |last| last + 1),
        None => 0..0,
    }
}

/// Standard deviation over the mean; NaN of nothing.
fn spread(values: &[f64]) -> f64 {
    let num = values.len() as f64;
    let mean = values.iter().sum::<f64>() / num;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / num).sqrt() / mean
}

/// The median; NaN of nothing. NaN among the values is not allowed.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    median_of_sorted(&values)
}

fn median_of_sorted(values: &[f64]) -> f64 {
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        num if num % 2 == 1 => values[half],
        _ => (values[half - 1] + values[half]) / 2.0,
    }
}

/// The median of the last values, those that could not be had left out.
#[derive(Default)]
pub(super) struct RunningMedian {
    recent: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl RunningMedian {
    /// Takes one more value: the median with it, NaN of too few.
    pub fn push(&mut self, value: f64) -> f64 {
        if self.recent.len() == MEDIAN_VOLUMES
            && let Some(oldest) = self.recent.pop_front()
            && oldest.is_finite()
        {
            let at = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(at);
        }
        self.recent.push_back(value);
        if value.is_finite() {
            let at = self.sorted.partition_point(|other| *other < value);
            self.sorted.insert(at, value);
        }
        if self.sorted.len() < LEAST_VOLUMES { f64::NAN } else { median_of_sorted(&self.sorted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: f32) -> Row {
        let plane = PlaneRow { is_there: true, mean: 150.0, change, focus: change, ..PlaneRow::ABSENT };
        let volume = VolumeRow { shift: [0.1 * change, 0.2], correlation: 0.5, ..VolumeRow::UNKNOWN };
        Row { planes: vec![plane, PlaneRow { mean: 40.0, ..plane }], volume, is_complete: true }
    }

    fn noise(t: usize) -> f32 {
        1.0 + (t * 7919 % 101) as f32 / 50.0
    }

    #[test]
    fn change_is_seen_against_the_median_of_the_hundred_volumes_before() {
        let mut table = Table::new(0, 2);
        (0..300).for_each(|t| table.set(t, row(noise(t))));
        let figures = Figures { offset: Some(50.0), ..Figures::default() };
        let derived = Derived::of(&table, &figures);
        assert!((0..9).all(|t| derived.change_ratio(t, 0).is_nan()), "too few");
        let expected = |t: usize| {
            let window: Vec<f64> = (t.saturating_sub(100)..=t).map(|t| f64::from(noise(t))).collect();
            f64::from(noise(t)) / median(window)
        };
        for t in [9, 10, 100, 101, 250, 299] {
            assert!((derived.change_ratio(t, 0) - expected(t)).abs() < 1e-6, "t = {t}");
        }
        assert!(derived.change_ratio(250, 1).is_nan(), "no light in that plane");
        assert_eq!(derived.change_percent(&table.row(3).unwrap().planes[0]), f64::from(noise(3)));
    }

    #[test]
    fn brought_up_to_date_it_is_what_it_is_when_derived_anew() {
        let figures = Figures { offset: Some(50.0), ..Figures::default() };
        let mut table = Table::new(250, 2);
        let mut derived = Derived::default();
        for part in [0..40, 41..130, 40..41, 130..250, 60..61] {
            part.clone().for_each(|t| table.set(t, row(noise(t + part.len()))));
            derived.update(&table, &figures);
            let anew = Derived::of(&table, &figures);
            let bits = |ratios: &[f32]| ratios.iter().map(|ratio| ratio.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&derived.change_ratio), bits(&anew.change_ratio), "after {part:?}");
            assert_eq!(bits(&derived.jump), bits(&anew.jump), "after {part:?}");
        }
    }

    #[test]
    fn focus_is_seen_against_that_of_the_first_volumes_alone() {
        let mut table = Table::new(0, 2);
        (0..40).for_each(|t| table.set(t, row(if t < 10 { 2.0 } else { 1.0 })));
        let derived = Derived::of(&table, &Figures::default());
        assert_eq!(derived.focus_percent(&table.row(30).unwrap().planes[0], 0), 50.0);
    }
}
