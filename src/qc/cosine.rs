//! The low frequencies of a cosine transform (DCT-II, orthonormal) along one axis, by a real FFT of the same
//! length (Makhoul 1980).

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// The transform of lines of one length.
pub(super) struct Cosine {
    fft: Arc<dyn RealToComplex<f32>>,
    /// What turns and scales each coefficient that is kept: (cosine, sine).
    turns: Vec<[f32; 2]>,
}

/// What a thread needs for it.
pub(super) struct CosineBuffers {
    ordered: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Cosine {
    /// The first `num_kept` coefficients, which are at most half of them, of lines of `len`.
    pub fn new(planner: &mut RealFftPlanner<f32>, len: usize, num_kept: usize) -> Self {
        let turn = |k: usize| {
            let angle = std::f64::consts::PI * k as f64 / (2 * len) as f64;
            let scale = (if k == 0 { 1.0 } else { 2.0 } / len as f64).sqrt();
            [(angle.cos() * scale) as f32, (angle.sin() * scale) as f32]
        };
        Self { fft: planner.plan_fft_forward(len), turns: (0..num_kept).map(turn).collect() }
    }

    /// Coefficients it gives.
    pub fn num_kept(&self) -> usize {
        self.turns.len()
    }

    /// Buffers for one thread.
    pub fn buffers(&self) -> CosineBuffers {
        CosineBuffers {
            ordered: self.fft.make_input_vec(),
            spectrum: self.fft.make_output_vec(),
            scratch: self.fft.make_scratch_vec(),
        }
    }

    /// Transforms a line into as many of the first coefficients as `kept` has room for.
    pub fn transform(&self, line: &[f32], buffers: &mut CosineBuffers, kept: &mut [f32]) {
        let CosineBuffers { ordered, spectrum, scratch } = buffers;
        // Even samples from the left, odd ones from the right.
        let (evens, odds) = ordered.split_at_mut(line.len().div_ceil(2));
        let pairs = line.chunks_exact(2);
        let last = pairs.remainder();
        for ((even, odd), pair) in evens.iter_mut().zip(odds.iter_mut().rev()).zip(pairs) {
            (*even, *odd) = (pair[0], pair[1]);
        }
        if let ([value], Some(even)) = (last, evens.last_mut()) {
            *even = *value;
        }
        // It fails for buffers of other lengths alone.
        if self.fft.process_with_scratch(ordered, spectrum, scratch).is_err() {
            kept.fill(f32::NAN);
            return;
        }
        for ((kept, value), [cosine, sine]) in kept.iter_mut().zip(spectrum.iter()).zip(&self.turns) {
            *kept = value.re * cosine + value.im * sine;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_are_those_of_the_definition() {
        for len in [1, 2, 3, 8, 9, 50, 64] {
            let line: Vec<f32> = (0..len).map(|i| ((i * 37 + 11) % 23) as f32).collect();
            let cosine = Cosine::new(&mut RealFftPlanner::new(), len, len.div_ceil(3));
            let mut kept = vec![0.0; cosine.num_kept()];
            cosine.transform(&line, &mut cosine.buffers(), &mut kept);
            for (k, found) in kept.iter().enumerate() {
                let angle = |i: usize| std::f64::consts::PI * (2 * i + 1) as f64 * k as f64 / (2 * len) as f64;
                let sum: f64 = line.iter().enumerate().map(|(i, value)| f64::from(*value) * angle(i).cos()).sum();
                let expected = sum * (if k == 0 { 1.0 } else { 2.0 } / len as f64).sqrt();
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{len}: {k}: {found} {expected}");
            }
        }
    }
}
