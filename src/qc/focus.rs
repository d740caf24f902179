//! `focus`: how sharp a plane is, by the Shannon entropy of the low frequencies of its cosine transform
//! (AutoPilot: Royer et al., Nat. Biotechnol. 2016, "normalised DCT Shannon entropy").

use realfft::RealFftPlanner;

use super::cosine::{Cosine, CosineBuffers};
use super::lanes::{sum_of_squares, wide};
use super::spare::Spare;
use super::{Plane, Values};

/// Rows that are transformed before they are laid into columns, so that whole cache lines are written.
const NUM_ROWS: usize = 16;

/// Diameter of the point-spread function, px: finer structure cannot come from the optics.
const SUPPORT_PX: usize = 3;

/// The measure for planes of one shape.
pub struct Focus {
    shape: [usize; 2],
    along_x: Cosine,
    along_y: Cosine,
    spare: Spare<Buffers>,
}

/// What a thread needs.
struct Buffers {
    along_x: CosineBuffers,
    along_y: CosineBuffers,
    line: Vec<f32>,
    /// Coefficients of some rows, (row, k).
    rows: Vec<f32>,
    /// The same of all rows, (k, row).
    columns: Vec<f32>,
    kept: Vec<f32>,
}

impl Focus {
    /// Planned for planes of that shape, (y, x).
    pub fn new(shape: [usize; 2]) -> Self {
        let mut planner = RealFftPlanner::new();
        let [along_y, along_x] = shape.map(|len| Cosine::new(&mut planner, len.max(1), len.div_ceil(SUPPORT_PX)));
        Self { shape, along_x, along_y, spare: Spare::default() }
    }

    /// −2 Σ |c| ln |c| / (o_x·o_y) over the frequencies x/o_x + y/o_y < 1, o = size / 3 px; c are the coefficients
    /// of the orthonormal DCT-II over their L2 norm. Without a unit; more is sharper. Voxels that are not finite
    /// count as the mean of the others. NaN for constant planes and where voxels are missing.
    pub fn measure(&self, plane: &Plane<'_>) -> f32 {
        let Some(values) = plane.values.filter(|values| plane.shape == self.shape && !values.is_empty()) else {
            return f32::NAN;
        };
        self.spare.with(|| self.buffers(), |buffers| self.entropy(&values, buffers))
    }

    fn buffers(&self) -> Buffers {
        let [num_y, num_x] = self.shape;
        let num_kept = self.along_x.num_kept();
        Buffers {
            along_x: self.along_x.buffers(),
            along_y: self.along_y.buffers(),
            line: vec![0.0; num_x],
            rows: vec![0.0; NUM_ROWS * num_kept],
            columns: vec![0.0; num_kept * num_y],
            kept: vec![0.0; self.along_y.num_kept()],
        }
    }

    fn entropy(&self, values: &Values<'_>, buffers: &mut Buffers) -> f32 {
        let [num_y, num_x] = self.shape;
        let mean = values.finite_mean();
        let energy = self.transform_rows(values, mean, buffers);
        // The mean was taken off for the sake of precision; it is the first coefficient and nothing else.
        let first = mean.abs() * ((num_y * num_x) as f64).sqrt();
        // Of a constant plane rounding leaves a little.
        if first.is_nan() || energy <= 1e-24 * first * first {
            return f32::NAN;
        }
        let norm = (energy + first * first).sqrt();
        let mut sum = part(first / norm);
        for (k, column) in buffers.columns.chunks_exact(num_y).enumerate() {
            let Some(num_kept) = self.num_inside(k) else { continue };
            let kept = &mut buffers.kept[..num_kept];
            self.along_y.transform(column, &mut buffers.along_y, kept);
            let kept = if k == 0 { &kept[1..] } else { &kept[..] };
            sum += f64::from(sum_of_parts(kept, (1.0 / norm) as f32));
        }
        let support = (num_y * num_x) as f64 / (SUPPORT_PX * SUPPORT_PX) as f64;
        (-2.0 * sum / support) as f32
    }

    /// Transforms all rows, from which the mean is taken off, into the columns. Gives the sum of their squares.
    fn transform_rows(&self, values: &Values<'_>, mean: f64, buffers: &mut Buffers) -> f64 {
        let [num_y, num_x] = self.shape;
        let num_kept = self.along_x.num_kept();
        let mut energy = 0.0;
        for first in (0..num_y).step_by(NUM_ROWS) {
            let num_rows = NUM_ROWS.min(num_y - first);
            for (i, kept) in buffers.rows.chunks_exact_mut(num_kept).take(num_rows).enumerate() {
                let row = values.part((first + i) * num_x..(first + i + 1) * num_x);
                energy += centre(&row, mean, &mut buffers.line);
                self.along_x.transform(&buffers.line, &mut buffers.along_x, kept);
            }
            for (k, column) in buffers.columns.chunks_exact_mut(num_y).enumerate() {
                for (i, to) in column[first..first + num_rows].iter_mut().enumerate() {
                    *to = buffers.rows[i * num_kept + k];
                }
            }
        }
        energy
    }

    /// Frequencies along y that lie within the triangle at frequency k along x.
    fn num_inside(&self, k: usize) -> Option<usize> {
        let [num_y, num_x] = self.shape;
        let rest = num_x.checked_sub(SUPPORT_PX * k).filter(|rest| *rest > 0)?;
        Some((num_y * rest).div_ceil(SUPPORT_PX * num_x))
    }
}

/// Takes the mean off; gives the sum of squares of what is left.
fn centre(row: &Values<'_>, mean: f64, line: &mut [f32]) -> f64 {
    match row {
        Values::Codes { codes, base } => {
            let offset = (f64::from(*base) - mean) as f32;
            wide(
                #[inline(always)]
                || {
                    line.iter_mut().zip(*codes).for_each(|(to, code)| *to = f32::from(*code) + offset);
                    sum_of_squares(line)
                },
            )
        }
        Values::Reals(values) => {
            let centred = |value: f64| if value.is_finite() { (value - mean) as f32 } else { 0.0 };
            line.iter_mut().zip(*values).for_each(|(to, value)| *to = centred(*value));
            sum_of_squares(line)
        }
    }
}

fn part(share: f64) -> f64 {
    if share > 0.0 { share * share.ln() } else { 0.0 }
}

/// Σ |c| ln |c|.
fn sum_of_parts(coefficients: &[f32], scale: f32) -> f32 {
    wide(
        #[inline(always)]
        || {
            let mut sums = [0.0_f32; 16];
            let parts = coefficients.chunks_exact(16);
            let rest = parts.remainder();
            for part in parts {
                for (sum, value) in sums.iter_mut().zip(part) {
                    let share = (value * scale).abs().max(f32::MIN_POSITIVE);
                    *sum += share * ln(share);
                }
            }
            let share = |value: &f32| (value * scale).abs().max(f32::MIN_POSITIVE);
            rest.iter().map(|value| share(value) * ln(share(value))).sum::<f32>() + sums.iter().sum::<f32>()
        },
    )
}

/// Natural logarithm of a positive normal number, within 1e-6 of its value. Without a branch, so that many are
/// taken at once.
#[inline(always)]
fn ln(value: f32) -> f32 {
    // The mantissa in √½ to √2, about which ln is 2 artanh((m − 1) / (m + 1)).
    let shifted = value.to_bits().wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits(value.to_bits().wrapping_sub((exponent << 23) as u32));
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0)));
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * ratio * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blobs of a width on a grid, with some noise.
    fn plane(shape: [usize; 2], width: f64) -> Vec<u16> {
        let [num_y, num_x] = shape;
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        let blob = |y: usize, x: usize| {
            let far = |i: usize| (i as f64 + 0.3) % 9.0 - 4.5;
            (-(far(y).powi(2) + far(x).powi(2)) / (2.0 * width * width)).exp() / (width * width)
        };
        (0..num_y * num_x).map(|i| (100.0 + 400.0 * blob(i / num_x, i % num_x) + 4.0 * noise()) as u16).collect()
    }

    fn measure(shape: [usize; 2], values: Values<'_>) -> f32 {
        Focus::new(shape).measure(&Plane { shape, values: Some(values) })
    }

    /// By the definition, in double precision.
    fn entropy([num_y, num_x]: [usize; 2], values: &[f64]) -> f64 {
        let wave = |num: usize, k: usize, i: usize| {
            let scale = if k == 0 { 1.0 } else { 2.0 } / num as f64;
            scale.sqrt() * (std::f64::consts::PI * (2 * i + 1) as f64 * k as f64 / (2 * num) as f64).cos()
        };
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        let mut sum = 0.0;
        for (ky, kx) in (0..num_y).flat_map(|ky| (0..num_x).map(move |kx| (ky, kx))) {
            if 3 * (ky * num_x + kx * num_y) >= num_y * num_x {
                continue;
            }
            let term = |i: usize| values[i] * wave(num_y, ky, i / num_x) * wave(num_x, kx, i % num_x);
            let share = ((0..values.len()).map(term).sum::<f64>() / norm).abs();
            sum += if share > 0.0 { share * share.ln() } else { 0.0 };
        }
        -2.0 * sum / (num_y as f64 / 3.0 * num_x as f64 / 3.0)
    }

    #[test]
    fn it_is_the_entropy_of_the_definition_for_every_type_and_shape() {
        for shape in [[18, 24], [17, 25], [40, 8]] {
            let codes = plane(shape, 1.5);
            let values: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
            let expected = entropy(shape, &values);
            let signed: Vec<f64> = values.iter().map(|value| value - 120.0).collect();
            let found = measure(shape, Values::Codes { codes: &codes, base: 0 });
            assert!((f64::from(found) / expected - 1.0).abs() < 1e-4, "{shape:?}: {found} {expected}");
            assert!((f64::from(measure(shape, Values::Reals(&values))) / expected - 1.0).abs() < 1e-4);
            let found = measure(shape, Values::Codes { codes: &codes, base: -120 });
            assert!((f64::from(found) / entropy(shape, &signed) - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn a_blurred_plane_is_less_sharp() {
        let shape = [96, 81];
        let focus = |width| {
            let codes = plane(shape, width);
            measure(shape, Values::Codes { codes: &codes, base: 0 })
        };
        assert!(focus(1.2) > 1.1 * focus(2.4), "{} {}", focus(1.2), focus(2.4));
    }

    #[test]
    fn what_has_no_structure_has_no_focus_and_a_hole_does_little() {
        let shape = [32, 30];
        assert!(measure(shape, Values::Codes { codes: &[77; 960], base: 0 }).is_nan());
        assert!(measure(shape, Values::Reals(&[f64::NAN; 960])).is_nan());
        assert!(measure([1, 1], Values::Codes { codes: &[3], base: 0 }).is_nan());
        assert!(Focus::new(shape).measure(&Plane { shape, values: None }).is_nan());
        let mut values: Vec<f64> = plane(shape, 1.5).iter().map(|code| f64::from(*code)).collect();
        let whole = measure(shape, Values::Reals(&values));
        (values[40], values[700]) = (f64::NAN, f64::INFINITY);
        let holed = measure(shape, Values::Reals(&values));
        assert!((holed / whole - 1.0).abs() < 0.02, "{holed} {whole}");
    }

    #[test]
    fn the_quick_logarithm_is_one() {
        for value in [1e-30_f32, 1e-7, 0.01, 0.3, 0.7, std::f32::consts::FRAC_1_SQRT_2, 0.9, 0.999_999, 1.0, 1.5, 3.0] {
            assert!((ln(value) - value.ln()).abs() <= 2e-6 * value.ln().abs().max(1.0), "{value}: {}", ln(value));
        }
    }
}
