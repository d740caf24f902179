//! `stripes`: structure that is the same along a whole row or column, from the camera's read-out or an obstacle
//! in the light sheet.

use super::lanes::wide;
use super::{Plane, Values};

/// Rows or columns of the running median that is taken off.
pub(super) const MEDIAN_PX: usize = 15;

/// Share, 0 to 1, of a plane's energy about its mean that lies in its row and column means, after their running
/// median over 15 px was taken off; the profiles are mirrored at their ends. The energy of white noise gives about
/// 1/rows + 1/columns. Voxels that are not finite count as the mean of the others. NaN for constant planes, for
/// those of fewer than 15 rows or columns, and where voxels are missing.
pub fn measure(plane: &Plane<'_>) -> f32 {
    let [num_y, num_x] = plane.shape;
    let Some(values) = plane.values.filter(|_| num_y.min(num_x) >= MEDIAN_PX) else { return f32::NAN };
    let profiles = Profiles::of(&values, num_x);
    if profiles.energy.is_nan() || profiles.energy <= 0.0 {
        return f32::NAN;
    }
    let rows = rest_of(&profiles.row_means) * num_x as f64;
    let columns = rest_of(&profiles.column_means) * num_y as f64;
    ((rows + columns) / profiles.energy).min(1.0) as f32
}

/// Means of rows and columns, and the energy about the mean of all.
struct Profiles {
    row_means: Vec<f64>,
    column_means: Vec<f64>,
    energy: f64,
}

impl Profiles {
    fn of(values: &Values<'_>, num_x: usize) -> Self {
        match values {
            Values::Codes { codes, .. } => Self::of_codes(codes, num_x),
            Values::Reals(_) => Self::of_reals(values, num_x),
        }
    }

    fn of_codes(codes: &[u16], num_x: usize) -> Self {
        let mut columns = vec![0_u32; num_x];
        let mut wide = vec![0_u64; num_x];
        let (mut row_means, mut sum, mut squares) = (Vec::with_capacity(codes.len() / num_x), 0_u64, 0_u64);
        for (y, row) in codes.chunks_exact(num_x).enumerate() {
            let [of_row, squares_of_row] = add_row(row, &mut columns);
            row_means.push(of_row as f64 / num_x as f64);
            sum += of_row;
            squares += squares_of_row;
            // 65,536 rows of the largest code are all that 32 bits can hold.
            if y % 65_536 == 65_535 {
                wide.iter_mut().zip(&mut columns).for_each(|(wide, sum)| *wide += u64::from(std::mem::take(sum)));
            }
        }
        let num_y = row_means.len() as f64;
        let total = |(wide, sum): (&u64, &u32)| (wide + u64::from(*sum)) as f64 / num_y;
        let column_means = wide.iter().zip(&columns).map(total).collect();
        // In whole numbers, so that a constant plane has none.
        let energy = u128::from(squares) - u128::from(sum) * u128::from(sum) / codes.len() as u128;
        Self { row_means, column_means, energy: energy as f64 }
    }

    fn of_reals(values: &Values<'_>, num_x: usize) -> Self {
        let mean = values.finite_mean();
        let num_y = values.len() / num_x;
        let mut profiles = Self { row_means: vec![0.0; num_y], column_means: vec![0.0; num_x], energy: 0.0 };
        for i in 0..values.len() {
            let value = values.at(i);
            let value = if value.is_finite() { value - mean } else { 0.0 };
            profiles.row_means[i / num_x] += value / num_x as f64;
            profiles.column_means[i % num_x] += value / num_y as f64;
            profiles.energy += value * value;
        }
        // What rounding leaves of a constant plane is none.
        if profiles.energy < 1e-24 * mean * mean * values.len() as f64 {
            profiles.energy = 0.0;
        }
        profiles
    }
}

/// Adds a row to the sums of its columns; gives its sum and that of its squares.
fn add_row(row: &[u16], columns: &mut [u32]) -> [u64; 2] {
    wide(
        #[inline(always)]
        || {
            columns.iter_mut().zip(row).for_each(|(sum, code)| *sum = sum.wrapping_add(u32::from(*code)));
            row.iter().fold([0_u64; 2], |[sum, squares], code| {
                let code = u64::from(*code);
                [sum.wrapping_add(code), squares.wrapping_add(code.wrapping_mul(code))]
            })
        },
    )
}

/// Sum of squares of a profile after its running median was taken off.
fn rest_of(profile: &[f64]) -> f64 {
    let half = MEDIAN_PX / 2;
    let mirrored = |i: isize| match i {
        i if i < 0 => profile[(-1 - i) as usize],
        i if i as usize >= profile.len() => profile[2 * profile.len() - 1 - i as usize],
        i => profile[i as usize],
    };
    let at = |i: usize| mirrored(i as isize - half as isize);
    let mut sorted: Vec<f64> = (0..MEDIAN_PX).map(at).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut sum = 0.0;
    for (i, value) in profile.iter().enumerate() {
        if i > 0 {
            replace(&mut sorted, at(i - 1), at(i - 1 + MEDIAN_PX));
        }
        sum += (value - sorted[half]).powi(2);
    }
    sum
}

/// Puts one value in the place of another, in order.
fn replace(sorted: &mut [f64], old: f64, new: f64) {
    let mut i = sorted.partition_point(|value| *value < old);
    while i + 1 < sorted.len() && sorted[i + 1] < new {
        sorted[i] = sorted[i + 1];
        i += 1;
    }
    while i > 0 && sorted[i - 1] > new {
        sorted[i] = sorted[i - 1];
        i -= 1;
    }
    sorted[i] = new;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(i: usize) -> f64 {
        let mixed = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / f64::from(1 << 24) - 0.5
    }

    /// Noise, a slow slope, and stripes of an amplitude in every fifth row.
    fn plane([num_y, num_x]: [usize; 2], amplitude: f64) -> Vec<u16> {
        let value = |i: usize| {
            let (y, x) = (i / num_x, i % num_x);
            let stripe = if y % 5 == 2 { amplitude } else { 0.0 };
            1000.0 + 100.0 * noise(i) + 2.0 * x as f64 + stripe
        };
        (0..num_y * num_x).map(|i| value(i) as u16).collect()
    }

    fn measured(shape: [usize; 2], values: Values<'_>) -> f32 {
        measure(&Plane { shape, values: Some(values) })
    }

    #[test]
    fn stripes_are_found_and_slopes_are_not() {
        let shape = [60, 45];
        let of = |amplitude| {
            let codes = plane(shape, amplitude);
            let found = measured(shape, Values::Codes { codes: &codes, base: 0 });
            let values: Vec<f64> = codes.iter().map(|code| f64::from(*code) - 700.0).collect();
            assert!((measured(shape, Values::Reals(&values)) - found).abs() < 1e-6, "the same for every type");
            found
        };
        let (none, some) = (of(0.0), of(200.0));
        assert!(none < 0.05, "{none}");
        // A fifth of the rows is 200 higher: 200² · 0.2 beside noise of 833, a slope of 675 and their variance.
        let expected = 8000.0 / (200.0 * 200.0 * 0.16 + 833.0 + 675.0);
        assert!((f64::from(some) / f64::min(expected, 1.0) - 1.0).abs() < 0.05, "{some} {expected}");
    }

    #[test]
    fn constant_and_small_planes_have_none() {
        assert!(measured([20, 20], Values::Codes { codes: &[65_535; 400], base: 0 }).is_nan());
        assert!(measured([20, 20], Values::Reals(&[0.1; 400])).is_nan());
        assert!(measured([8, 8], Values::Codes { codes: &[1; 64], base: 0 }).is_nan());
        assert!(measured([20, 20], Values::Reals(&[f64::NAN; 400])).is_nan());
    }

    #[test]
    fn the_running_median_is_that_of_the_window_around_each_row() {
        let profile: Vec<f64> = (0..40).map(|i| (noise(i) * 10.0).round()).collect();
        let mirror = |i: isize| if i < 0 { -1 - i } else { i.min(79 - i) } as usize;
        let plain = |i: usize| {
            let mut window: Vec<f64> = (-7..=7).map(|d| profile[mirror(i as isize + d)]).collect();
            window.sort_by(f64::total_cmp);
            (profile[i] - window[7]).powi(2)
        };
        let expected: f64 = (0..40).map(plain).sum();
        assert!((rest_of(&profile) - expected).abs() < 1e-9);
    }
}
