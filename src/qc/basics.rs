//! What a plane gives by itself and against the timepoint before: `intensity`, the voxels that `saturation` is
//! counted from, `duplicate` and the change of `dvars`. Each voxel is touched while it is in the nearest cache.

use std::cell::RefCell;

use super::counts::{BLOCK, Counts};
use super::dvars::{Change, are_alike};
use super::intensity::{at_scale_of_counts, at_scale_of_reals, of_counts, of_reals};
use super::{Code, Codes, NUM_SCALES, Plane, PlaneRow, Values};

/// Which of it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Basics {
    /// The values that may be the full scale.
    pub scales: [Option<f64>; NUM_SCALES],
    /// Whether to compare with the timepoint before.
    pub compares: bool,
}

impl Basics {
    /// What these measures need.
    pub fn new(scales: [Option<f64>; NUM_SCALES], wanted: Codes) -> Self {
        let compared = [Code::Duplicate, Code::Dvars, Code::PhotonGain, Code::Noise];
        Self { scales, compares: compared.iter().any(|code| wanted.has(*code)) }
    }

    /// Measures a plane, against the same plane of the timepoint before where that is at hand.
    pub fn measure(&self, plane: &Plane<'_>, before: Option<&Plane<'_>>) -> PlaneRow {
        let Some(now) = plane.values else { return PlaneRow::ABSENT };
        let before = before.and_then(|before| before.values).filter(|before| self.compares && are_alike(&now, before));
        let (row, change) = SCRATCH.with_borrow_mut(|scratch| match now {
            Values::Codes { codes, base } => {
                let before = before.map(|before| match before {
                    Values::Codes { codes, .. } => codes,
                    Values::Reals(_) => &[],
                });
                let change = scratch.sweep(codes, before);
                let row = of_counts(&scratch.counts, base);
                (PlaneRow { at_scale: at_scale_of_counts(&scratch.counts, base, &self.scales), ..row }, change)
            }
            Values::Reals(values) => {
                scratch.finite.clear();
                scratch.finite.extend(values.iter().filter(|value| value.is_finite()));
                let row = of_reals(&mut scratch.finite);
                let change = before.map(|before| {
                    let mut change = Change::default();
                    if let Values::Reals(before) = before {
                        change.add_reals(values, before);
                    }
                    change
                });
                (PlaneRow { at_scale: at_scale_of_reals(values, &self.scales), ..row }, change)
            }
        });
        let Some(change) = change else { return row };
        // A plane of one value says nothing: it may be equal again by chance.
        PlaneRow { change: change.root_mean_square(), is_duplicate: change.is_none() && row.std > 0.0, ..row }
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What a thread needs again for every plane.
#[derive(Default)]
struct Scratch {
    counts: Counts,
    finite: Vec<f64>,
}

impl Scratch {
    fn sweep(&mut self, now: &[u16], before: Option<&[u16]>) -> Option<Change> {
        self.counts.clear();
        let mut change = before.map(|_| Change::default());
        let mut rest = before.unwrap_or_default().chunks(BLOCK);
        for block in now.chunks(BLOCK) {
            self.counts.add(block);
            if let (Some(change), Some(before)) = (&mut change, rest.next()) {
                change.add_codes(block, before);
            }
        }
        self.counts.close();
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(now: Values<'_>, before: Option<Values<'_>>) -> PlaneRow {
        let plane = |values| Plane { shape: [1, now.len()], values: Some(values) };
        let basics = Basics::new([Some(1023.0), None, None, Some(65_535.0)], Codes::ALL);
        basics.measure(&plane(now), before.map(plane).as_ref())
    }

    #[test]
    fn integers_and_the_same_as_reals_give_the_same_row() {
        let codes: Vec<u16> = (0..20_011u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as u16).collect();
        let before: Vec<u16> = codes.iter().rev().copied().collect();
        let reals = |codes: &[u16]| codes.iter().map(|code| f64::from(*code) - 32_768.0).collect::<Vec<f64>>();
        let a =
            row(Values::Codes { codes: &codes, base: -32_768 }, Some(Values::Codes { codes: &before, base: -32_768 }));
        let b = row(Values::Reals(&reals(&codes)), Some(Values::Reals(&reals(&before))));
        assert!(a.change > 1000.0 && a.std > 1000.0);
        // What is not measured here is NaN, which equals nothing.
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn a_plane_is_a_duplicate_only_where_every_voxel_is_equal_and_not_all_are_one_value() {
        let codes = |codes| Values::Codes { codes, base: 0 };
        assert!(row(codes(&[1, 2, 3]), Some(codes(&[1, 2, 3]))).is_duplicate);
        assert!(!row(codes(&[1, 2, 3]), Some(codes(&[1, 2, 4]))).is_duplicate);
        assert!(!row(codes(&[5, 5, 5]), Some(codes(&[5, 5, 5]))).is_duplicate);
        let alone = row(codes(&[1, 2, 3]), None);
        assert!(!alone.is_duplicate && alone.change.is_nan());
        assert!(row(Values::Reals(&[1.0, f64::NAN]), Some(Values::Reals(&[1.0, f64::NAN]))).std == 0.0);
        let other = row(codes(&[1, 2, 3]), Some(Values::Reals(&[1.0, 2.0, 3.0])));
        assert!(!other.is_duplicate && other.change.is_nan());
    }

    #[test]
    fn voxels_at_each_possible_full_scale_are_counted() {
        let row = row(Values::Codes { codes: &[1023, 1023, 65_535, 4095, 0], base: 0 }, None);
        assert_eq!(row.at_scale, [2, 0, 0, 1]);
        assert_eq!(row.range, [0.0, 65_535.0]);
    }

    #[test]
    fn what_is_not_finite_or_not_there_is_left_out() {
        let real = row(Values::Reals(&[f64::NAN, 2.0, f64::INFINITY, 4.0]), None);
        assert_eq!((real.mean, real.std, real.percentiles[1], real.range), (3.0, 1.0, 3.0, [2.0, 4.0]));
        let none = row(Values::Reals(&[f64::NAN]), None);
        assert!(none.is_there && none.mean.is_nan() && none.range[0].is_nan() && none.std.is_nan());
        let huge = row(Values::Reals(&[1e300, -1e300]), None);
        assert!(huge.std.is_nan() && huge.range[1].is_nan());
        let basics = Basics::new([None; NUM_SCALES], Codes::ALL);
        assert!(!basics.measure(&Plane { shape: [2, 2], values: None }, None).is_there);
    }
}
