//! Images as spectra of which only the phases are kept, and the correlation of two of them about zero shift.
//! Real FFTs alone: the transform along y takes the real and the imaginary parts of that along x each as a real
//! line.

use std::f32::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::lanes::{sum_of_squares, wide};

/// Rows that are laid into columns at once, so that whole cache lines are written.
const NUM_ROWS: usize = 16;

/// Coefficients this much below the root mean square of all are what rounding leaves.
const ROUNDING: f32 = 1e-6;

/// Transforms of images of one shape, with the buffers they need.
pub(super) struct Spectra {
    shape: [usize; 2],
    along_x: Arc<dyn RealToComplex<f32>>,
    along_y: Arc<dyn RealToComplex<f32>>,
    back_x: Arc<dyn ComplexToReal<f32>>,
    back_y: Arc<dyn ComplexToReal<f32>>,
    /// Real and imaginary parts of what lies at each frequency along x, in order of y: (2, k, y).
    columns: [Vec<f32>; 2],
    rows: Vec<Complex<f32>>,
    line: Vec<f32>,
    halves: [Vec<Complex<f32>>; 2],
    scratch: Vec<Complex<f32>>,
}

/// The phases of an image, conjugated and weighted: what others are correlated with. For each frequency k along x
/// first those at frequencies 0, 1 … along y, then those at 0, −1 …
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<[f32; 2]>", into = "Vec<[f32; 2]>")]
pub(super) struct Phases(Vec<Complex<f32>>);

impl From<Vec<[f32; 2]>> for Phases {
    fn from(pairs: Vec<[f32; 2]>) -> Self {
        Self(pairs.into_iter().map(|[re, im]| Complex { re, im }).collect())
    }
}

impl From<Phases> for Vec<[f32; 2]> {
    fn from(phases: Phases) -> Self {
        phases.0.into_iter().map(|phase| [phase.re, phase.im]).collect()
    }
}

impl Spectra {
    /// Planned for images of that shape, (y, x).
    pub fn new(shape: [usize; 2]) -> Self {
        let mut planner = RealFftPlanner::new();
        let [num_y, num_x] = shape;
        let (along_x, along_y) = (planner.plan_fft_forward(num_x), planner.plan_fft_forward(num_y));
        let (back_x, back_y) = (planner.plan_fft_inverse(num_x), planner.plan_fft_inverse(num_y));
        let lengths = [along_x.get_scratch_len(), along_y.get_scratch_len()];
        let back_lengths = [back_x.get_scratch_len(), back_y.get_scratch_len()];
        let longest = lengths.into_iter().chain(back_lengths).max().unwrap_or(0);
        let num_k = num_x / 2 + 1;
        Self {
            shape,
            columns: [(); 2].map(|()| vec![0.0; num_k * num_y]),
            rows: vec![Complex::default(); NUM_ROWS * num_k],
            line: vec![0.0; num_x],
            halves: [(); 2].map(|()| along_y.make_output_vec()),
            scratch: vec![Complex::default(); longest],
            along_x,
            along_y,
            back_x,
            back_y,
        }
    }

    /// The phases of an image, weighted by a Gaussian of `sigma` px; an image correlated with itself gives 1.
    pub fn phases(&mut self, image: &[f32], sigma: f32) -> Phases {
        let rounding = self.transform_rows(image);
        let [num_y, num_x] = self.shape;
        let mut phases = Vec::with_capacity(2 * (num_x / 2 + 1) * (num_y / 2 + 1));
        let gaussian = |k: usize, num: usize| (-2.0 * (PI * sigma * k as f32 / num as f32).powi(2)).exp();
        for k in 0..=num_x / 2 {
            self.transform_column(k);
            for half in &self.halves {
                let weight = |ky: usize| gaussian(k, num_x) * gaussian(ky, num_y);
                phases.extend(half.iter().enumerate().map(|(ky, c)| c.conj() * (weight(ky) / (c.norm() + rounding))));
            }
        }
        let sum = self.sum_of_norms(&phases);
        if sum > 0.0 {
            phases.iter_mut().for_each(|phase| *phase /= sum);
        }
        Phases(phases)
    }

    /// What the peak of an image correlated with itself would be.
    fn sum_of_norms(&self, phases: &[Complex<f32>]) -> f32 {
        let [num_y, num_x] = self.shape;
        // What stands for two coefficients counts twice.
        let twice = |i: usize, num: usize| if i == 0 || 2 * i == num { 1.0 } else { 2.0 };
        let num_half = num_y / 2 + 1;
        let norm = |(i, phase): (usize, &Complex<f32>)| {
            // Both halves hold the frequencies 0 and ½ along y.
            let along_y = twice(i % num_half, num_y) / 2.0;
            f64::from(phase.norm()) * twice(i / (2 * num_half), num_x) * along_y
        };
        phases.iter().enumerate().map(norm).sum::<f64>() as f32
    }

    /// The correlation of an image with others' phases at shifts of up to `reach` along y and x, into `surface`:
    /// 2·reach + 1 rows and columns, zero shift in the middle. Peaks where the image is moved to.
    pub fn correlate(&mut self, image: &[f32], phases: &Phases, reach: usize, surface: &mut [f32]) {
        let rounding = self.transform_rows(image);
        let [num_y, num_x] = self.shape;
        for (k, phases) in phases.0.chunks_exact(2 * (num_y / 2 + 1)).enumerate() {
            self.transform_column(k);
            let (ahead, back) = phases.split_at(num_y / 2 + 1);
            let [a, b] = &mut self.halves;
            wide(
                #[inline(always)]
                || {
                    multiply(a, ahead, rounding);
                    multiply(b, back, rounding);
                    separate(a, b);
                },
            );
            for (half, columns) in self.halves.iter_mut().zip(&mut self.columns) {
                // What is real along y has no imaginary part at the ends.
                half[0].im = 0.0;
                if num_y.is_multiple_of(2) {
                    half[num_y / 2].im = 0.0;
                }
                let line = &mut columns[k * num_y..(k + 1) * num_y];
                let _ =
                    self.back_y.process_with_scratch(half, line, &mut self.scratch[..self.back_y.get_scratch_len()]);
            }
        }
        self.gather_rows(reach, num_x, surface);
    }

    /// Transforms the rows of an image into the columns. Gives what a coefficient has by rounding.
    fn transform_rows(&mut self, image: &[f32]) -> f32 {
        let [num_y, num_x] = self.shape;
        let num_k = num_x / 2 + 1;
        let mut energy = 0.0;
        for (first, rows) in (0..num_y).step_by(NUM_ROWS).zip(image.chunks(NUM_ROWS * num_x)) {
            let num_rows = rows.len() / num_x;
            for (row, spectrum) in rows.chunks_exact(num_x).zip(self.rows.chunks_exact_mut(num_k)) {
                self.line.copy_from_slice(row);
                energy += wide(
                    #[inline(always)]
                    || sum_of_squares(row),
                );
                let scratch = &mut self.scratch[..self.along_x.get_scratch_len()];
                let _ = self.along_x.process_with_scratch(&mut self.line, spectrum, scratch);
            }
            let [reals, imaginaries] = &mut self.columns;
            for k in 0..num_k {
                let range = k * num_y + first..k * num_y + first + num_rows;
                let to = reals[range.clone()].iter_mut().zip(&mut imaginaries[range]);
                for (i, (real, imaginary)) in to.enumerate() {
                    let value = self.rows[i * num_k + k];
                    (*real, *imaginary) = (value.re, value.im);
                }
            }
        }
        (energy.sqrt() as f32 * ROUNDING).max(f32::MIN_POSITIVE)
    }

    /// Transforms a column: its coefficients at 0, 1 … and those at 0, −1 …, into the two halves.
    fn transform_column(&mut self, k: usize) {
        let num_y = self.shape[0];
        let scratch = &mut self.scratch[..self.along_y.get_scratch_len()];
        for (half, columns) in self.halves.iter_mut().zip(&mut self.columns) {
            let line = &mut columns[k * num_y..(k + 1) * num_y];
            let _ = self.along_y.process_with_scratch(line, half, scratch);
        }
        let [a, b] = &mut self.halves;
        for (a, b) in a.iter_mut().zip(b) {
            let (ahead, back) = (Complex::new(a.re - b.im, a.im + b.re), Complex::new(a.re + b.im, b.re - a.im));
            (*a, *b) = (ahead, back);
        }
    }

    fn gather_rows(&mut self, reach: usize, num_x: usize, surface: &mut [f32]) {
        let (num_y, num_k, side) = (self.shape[0], num_x / 2 + 1, 2 * reach + 1);
        for (first, lines) in (0..side).step_by(NUM_ROWS).zip(surface.chunks_mut(NUM_ROWS * side)) {
            for k in 0..num_k {
                for (i, row) in self.rows.chunks_exact_mut(num_k).take(lines.len() / side).enumerate() {
                    let y = (num_y + first + i - reach) % num_y;
                    row[k] = Complex::new(self.columns[0][k * num_y + y], self.columns[1][k * num_y + y]);
                }
            }
            for (row, line) in self.rows.chunks_exact_mut(num_k).zip(lines.chunks_exact_mut(side)) {
                row[0].im = 0.0;
                if num_x.is_multiple_of(2) {
                    row[num_k - 1].im = 0.0;
                }
                let scratch = &mut self.scratch[..self.back_x.get_scratch_len()];
                let _ = self.back_x.process_with_scratch(row, &mut self.line, scratch);
                line[..reach].copy_from_slice(&self.line[num_x - reach..]);
                line[reach..].copy_from_slice(&self.line[..=reach]);
            }
        }
    }
}

/// Keeps the phases alone, and multiplies them with others'.
#[inline(always)]
fn multiply(spectrum: &mut [Complex<f32>], phases: &[Complex<f32>], rounding: f32) {
    for (c, phase) in spectrum.iter_mut().zip(phases) {
        let scale = 1.0 / ((c.re * c.re + c.im * c.im).sqrt() + rounding);
        let (re, im) = (c.re * scale, c.im * scale);
        *c = Complex::new(re * phase.re - im * phase.im, re * phase.im + im * phase.re);
    }
}

/// From the coefficients of a complex line at 0, 1 … and at 0, −1 … to those of its real and its imaginary part.
#[inline(always)]
fn separate(ahead: &mut [Complex<f32>], back: &mut [Complex<f32>]) {
    for (p, q) in ahead.iter_mut().zip(back) {
        let real = Complex::new((p.re + q.re) / 2.0, (p.im - q.im) / 2.0);
        let imaginary = Complex::new((p.im + q.im) / 2.0, (q.re - p.re) / 2.0);
        (*p, *q) = (real, imaginary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(num: usize, seed: usize) -> Vec<f32> {
        let mixed = |i: usize| ((i + seed * 7919) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..num).map(|i| ((mixed(i) ^ mixed(i) >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 - 8e6).collect()
    }

    fn rolled(image: &[f32], [num_y, num_x]: [usize; 2], [dy, dx]: [usize; 2]) -> Vec<f32> {
        let from = |i: usize| (i / num_x + num_y - dy) % num_y * num_x + (i % num_x + num_x - dx) % num_x;
        (0..image.len()).map(|i| image[from(i)]).collect()
    }

    #[test]
    fn an_image_correlates_with_itself_moved_as_a_gaussian_there_and_not_elsewhere() {
        for shape in [[32, 40], [33, 41], [24, 25], [27, 20]] {
            let image = noise(shape[0] * shape[1], 1);
            let mut spectra = Spectra::new(shape);
            let phases = spectra.phases(&image, 1.15);
            let mut surface = vec![0.0; 15 * 15];
            for [dy, dx] in [[0, 0], [3, 5], [1, 7]] {
                spectra.correlate(&rolled(&image, shape, [dy, dx]), &phases, 7, &mut surface);
                for (i, found) in surface.iter().enumerate() {
                    let (y, x) = ((i / 15) as f32 - 7.0 - dy as f32, (i % 15) as f32 - 7.0 - dx as f32);
                    let expected = (-(y * y + x * x) / (2.0 * 1.15 * 1.15)).exp();
                    assert!((found - expected).abs() < 0.01, "{shape:?} {dy} {dx} at {y} {x}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn images_that_have_nothing_in_common_do_not_correlate() {
        let shape = [64, 64];
        let mut spectra = Spectra::new(shape);
        let phases = spectra.phases(&noise(64 * 64, 1), 1.15);
        let mut surface = vec![0.0; 13 * 13];
        spectra.correlate(&noise(64 * 64, 2), &phases, 6, &mut surface);
        assert!(surface.iter().all(|value| value.abs() < 0.15), "{surface:?}");
        spectra.correlate(&[0.0; 64 * 64], &phases, 6, &mut surface);
        assert!(surface.iter().all(|value| *value == 0.0));
    }
}
