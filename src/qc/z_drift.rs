//! `z_drift`: which planes of the reference volume the middle third of planes resembles most.

use super::likeness::Likeness;

/// The vertex of a curve has to stand out of its neighbours by so many standard errors.
const LEAST_ERRORS: f64 = 4.0;

/// The offset k for which the correlation of the middle third of planes z with the reference planes z + k, in mean
/// over z, is highest; between planes by a parabola. In planes; positive where what lies in plane z was in a higher
/// one. Offsets go to a third of the planes; at the last of them there is no parabola.
///
/// NaN for fewer than 3 planes, and where no offset stands out.
pub(super) fn offset(likeness: &Likeness) -> f64 {
    let num_z = likeness.num_z();
    let reach = num_z / 3;
    if reach == 0 {
        return f64::NAN;
    }
    let at = |z: usize, i: usize| likeness.at(z, z + i - reach);
    let planes: Vec<usize> = (reach..num_z - reach).filter(|z| !at(*z, 0).is_nan()).collect();
    let mean = |i: usize| planes.iter().map(|z| at(*z, i)).sum::<f64>() / planes.len() as f64;
    let curve: Vec<f64> = (0..=2 * reach).map(mean).collect();
    let Some(best) = (0..curve.len()).filter(|i| !curve[*i].is_nan()).max_by(|a, b| curve[*a].total_cmp(&curve[*b]))
    else {
        return f64::NAN;
    };
    let whole = best as f64 - reach as f64;
    if best == 0 || best == 2 * reach {
        let drop = |z: &usize| at(*z, best) - at(*z, reach);
        return if stands_out(&planes, drop, likeness.num_cells) { whole } else { f64::NAN };
    }
    let bend = |z: &usize| 2.0 * at(*z, best) - at(*z, best - 1) - at(*z, best + 1);
    if !stands_out(&planes, bend, likeness.num_cells) {
        return f64::NAN;
    }
    let (before, peak, after) = (curve[best - 1], curve[best], curve[best + 1]);
    whole + 0.5 * (before - after) / (before - 2.0 * peak + after)
}

/// Whether what the planes give differs from nothing by more than chance.
fn stands_out(planes: &[usize], value: impl Fn(&usize) -> f64, num_cells: usize) -> bool {
    let num = planes.len() as f64;
    let mean = planes.iter().map(&value).sum::<f64>() / num;
    // A correlation of noise has a standard deviation of 1 / √cells; of a bend of three of them √6 times that.
    let of_noise = (6.0 / (num_cells as f64 * num)).sqrt();
    mean > LEAST_ERRORS * of_noise
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Planes that resemble each other the more the closer they are, moved by so many planes.
    fn moved(num_z: usize, by: f64) -> Likeness {
        Likeness::new(num_z, 4000, |z, of| 0.9 * (-(z as f64 + by - of as f64).powi(2) / 8.0).exp())
    }

    #[test]
    fn the_offset_is_how_far_planes_have_moved() {
        for by in [0.0, 0.3, -0.45, 1.0, 2.25, -3.0] {
            let found = offset(&moved(12, by));
            assert!((found - by).abs() < 0.03, "{by}: {found}");
        }
        assert_eq!(offset(&moved(12, 7.0)), 4.0, "no further than a third of the planes");
        assert!((offset(&moved(3, 0.2)) - 0.2).abs() < 0.03);
    }

    #[test]
    fn planes_that_are_alike_or_too_few_say_nothing() {
        assert!(offset(&moved(2, 0.0)).is_nan() && offset(&moved(1, 0.0)).is_nan());
        assert!(offset(&Likeness::new(9, 4000, |_, _| 0.8)).is_nan());
        assert!(offset(&Likeness::new(9, 4000, |_, _| f64::NAN)).is_nan());
        let noise = |z: usize, of: usize| ((z * 31 + of * 17) % 23) as f64 / 23.0 * 0.01;
        assert!(offset(&Likeness::new(9, 4000, noise)).is_nan());
    }

    #[test]
    fn planes_that_are_missing_are_left_out() {
        let moved = moved(12, 1.0);
        let found = offset(&Likeness::new(12, 4000, |z, of| if z == 5 { f64::NAN } else { moved.at(z, of) }));
        assert!((found - 1.0).abs() < 0.03, "{found}");
    }
}
