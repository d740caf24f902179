//! `plane_slip`: planes rotated against the first volumes. A camera frame that was lost puts every later plane in
//! the place of the one before it, and the first plane of the next volume in that of the last.

use super::derived::median;
use super::likeness::Likeness;

/// An offset has to be better than none by so many standard errors.
const LEAST_ERRORS: f64 = 4.0;
/// Below it planes do not resemble anything.
const LEAST_LIKENESS: f64 = 0.05;

/// The cyclic offset k, 0 to the number of planes, for which the correlation of plane z with reference plane z + k,
/// in mean over z, is highest. An offset is a slip only where the planes that went round the end resemble those of
/// the other end more than what lay in their own place; otherwise the tissue has moved, and it is 0.
///
/// `None` for fewer than 2 planes, and where the best offset is not better than none by more than chance.
pub(super) fn offset(likeness: &Likeness) -> Option<usize> {
    let num_z = likeness.num_z();
    let at = |z: usize, k: usize| likeness.at(z, (z + k) % num_z);
    let planes: Vec<usize> = (0..num_z).filter(|z| (0..num_z).any(|of| !likeness.at(*z, of).is_nan())).collect();
    // Planes that have no likeness at an offset are left out there.
    let mean_of = |planes: &[usize], value: &dyn Fn(usize) -> f64| {
        let values = planes.iter().map(|z| value(*z)).filter(|value| !value.is_nan());
        let (sum, num) = values.fold((0.0, 0_usize), |(sum, num), value| (sum + value, num + 1));
        sum / num as f64
    };
    let mean = |k: usize| mean_of(&planes, &|z| at(z, k));
    let start = mean(0);
    if num_z < 2 || start.is_nan() {
        return None;
    }
    let (best, highest) = (1..num_z).map(|k| (k, mean(k))).fold((0, start), |a, b| if b.1 > a.1 { b } else { a });
    if highest < LEAST_LIKENESS {
        return None;
    }
    if best == 0 {
        return Some(0);
    }
    let gain = |z: usize| at(z, best) - at(z, 0);
    let round: Vec<usize> =
        if 2 * best <= num_z { (num_z - best..num_z).collect() } else { (0..num_z - best).collect() };
    let of_round = mean_of(&round, &gain);
    if of_round <= 0.0 {
        return Some(0);
    }
    let gains = planes.iter().map(|z| gain(*z)).filter(|gain| !gain.is_nan()).collect();
    (of_round > 0.0 && is_beyond_chance(gains, likeness.num_cells)).then_some(best)
}

/// By the middle of the gains, since planes at the ends gain much more than others.
fn is_beyond_chance(gains: Vec<f64>, num_cells: usize) -> bool {
    let num = gains.len() as f64;
    let middle = median(gains.clone());
    let apart = gains.iter().map(|gain| (gain - middle).abs()).collect();
    // Of a normal distribution; a correlation of noise has a standard deviation of 1 / √cells.
    let deviation = (1.4826 * median(apart)).max((2.0 / num_cells as f64).sqrt());
    middle > LEAST_ERRORS * deviation / num.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(z: usize, of: usize) -> f64 {
        ((z * 31 + of * 17) % 23) as f64 / 23.0 * 0.01
    }

    /// What lies in plane z was in plane `from(z)`.
    fn likeness(num_z: usize, from: impl Fn(usize) -> f64) -> Likeness {
        let value = |z: usize, of: usize| 0.8 * (-(from(z) - of as f64).powi(2) / 6.0).exp() + noise(z, of);
        Likeness::new(num_z, 4000, value)
    }

    #[test]
    fn planes_that_go_round_the_end_are_a_slip_and_tissue_that_moves_is_none() {
        for (num_z, k) in [(10, 0), (10, 1), (10, 3), (10, 9), (3, 1), (2, 1)] {
            assert_eq!(offset(&likeness(num_z, |z| ((z + k) % num_z) as f64)), Some(k), "{num_z} {k}");
        }
        for by in [1.0, -1.0, 0.6, 2.0] {
            assert_eq!(offset(&likeness(10, |z| z as f64 + by)), Some(0), "moved by {by}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_no_slip() {
        assert_eq!(offset(&likeness(1, |_| 0.0)), None);
        assert_eq!(offset(&Likeness::new(6, 4000, noise)), None, "noise alone");
        assert_eq!(offset(&Likeness::new(6, 4000, |_, _| f64::NAN)), None);
        // The same in every plane.
        assert!(offset(&Likeness::new(6, 4000, |z, of| 0.9 + noise(z, of))).is_none_or(|k| k == 0));
        let slipped = likeness(10, |z| ((z + 1) % 10) as f64);
        let holed = Likeness::new(10, 4000, |z, of| if z == 4 || of == 6 { f64::NAN } else { slipped.at(z, of) });
        assert_eq!(offset(&holed), Some(1));
        // Without the plane that went round it may be that the tissue has moved.
        assert_eq!(offset(&Likeness::new(10, 4000, |z, of| if z == 9 { f64::NAN } else { slipped.at(z, of) })), None);
    }
}
