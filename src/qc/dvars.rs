//! `dvars`: how much a plane changed since the timepoint before, which catches what nobody thought of: the root
//! mean square of F_t − F_t−1 over the plane, in counts. Judged as percent of the mean of F_t − offset.

use super::Values;
use super::intensity::known;
use super::lanes::wide;

/// The change of a plane from one timepoint to the next, summed as its voxels come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    squares: f64,
    num: u64,
    is_other: bool,
}

impl Change {
    /// Takes in some voxels, now and before. Exact for integers: every sum is a whole number below 2^53.
    pub fn add_codes(&mut self, now: &[u16], before: &[u16]) {
        let squares = sum_of_squares(now, before);
        self.squares += squares as f64;
        self.num += now.len() as u64;
        self.is_other |= squares > 0;
    }

    /// Takes in a plane of any numbers; where either is not finite nothing is known of the change.
    pub fn add_reals(&mut self, now: &[f64], before: &[f64]) {
        for (a, b) in now.iter().zip(before) {
            self.is_other |= a != b && !(a.is_nan() && b.is_nan());
            let difference = a - b;
            if difference.is_finite() {
                self.squares += difference * difference;
                self.num += 1;
            }
        }
    }

    /// Whether no voxel differs.
    pub fn is_none(&self) -> bool {
        !self.is_other
    }

    /// Root mean square, in counts; NaN where nothing could be compared.
    pub fn root_mean_square(&self) -> f32 {
        known((self.squares / self.num as f64).sqrt())
    }
}

/// Whether two planes can be compared voxel by voxel.
pub fn are_alike(now: &Values<'_>, before: &Values<'_>) -> bool {
    let same_kind = match (now, before) {
        (Values::Codes { base: a, .. }, Values::Codes { base: b, .. }) => a == b,
        (Values::Reals(_), Values::Reals(_)) => true,
        _ => false,
    };
    same_kind && now.len() == before.len()
}

fn sum_of_squares(now: &[u16], before: &[u16]) -> u64 {
    wide(
        #[inline(always)]
        || {
            now.iter().zip(before).fold(0, |sum: u64, (a, b)| {
                let difference = u32::from(a.abs_diff(*b));
                sum.wrapping_add(u64::from(difference.wrapping_mul(difference)))
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_of_codes_is_exact_over_their_whole_range() {
        let mut change = Change::default();
        change.add_codes(&[0, 65_535, 7, 9], &[65_535, 0, 7, 6]);
        let expected = ((2.0 * 65_535f64.powi(2) + 9.0) / 4.0).sqrt();
        assert_eq!(change.root_mean_square(), expected as f32);
        assert!(!change.is_none());
    }

    #[test]
    fn of_numbers_only_those_that_can_be_compared_count() {
        let mut change = Change::default();
        change.add_reals(&[1.0, f64::NAN, f64::INFINITY], &[4.0, f64::NAN, f64::INFINITY]);
        assert_eq!(change.root_mean_square(), 3.0);
        assert!(!change.is_none());
        let mut none = Change::default();
        none.add_reals(&[f64::NAN, f64::INFINITY], &[f64::NAN, f64::INFINITY]);
        assert!(none.is_none() && none.root_mean_square().is_nan());
    }
}
