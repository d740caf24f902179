//! Pictures of one plane over the whole time: its mean, its tSNR, and its mean with the contrast evened out.

use super::median_filter::median_filter;
use super::{References, State};

/// Cell bodies are taken to be this wide, in voxels, as suite2p does where it is told nothing.
const DIAMETER: usize = 12;
/// Local contrasts to both sides of the local level that are shown.
const MOST_CONTRAST: f32 = 6.0;

/// The pictures, each in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The plane they are of.
    pub z: usize,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Voxels of the recording along a pixel.
    pub step: usize,
    /// Mean over t.
    pub mean: Vec<f32>,
    /// Mean over standard deviation, both over t; NaN below the noise of the camera.
    pub tsnr: Vec<f32>,
    /// Mean, high-passed and divided by its local contrast (suite2p's `meanImgE`); 0 to 1, 0.5 is the local level.
    pub enhanced: Vec<f32>,
}

impl Pictures {
    /// Makes them of the middle plane, as far as it has been measured. Takes some 0.1 s. Nothing where that plane
    /// was never there or tSNR was not asked for.
    pub fn of(references: &References, state: &State) -> Option<Self> {
        let z = references.picture_z;
        let plane = state.planes.get(z)?;
        let (lattice, sums) = match &references.picture {
            Some(lattice) => (lattice, &plane.picture),
            None => (&references.lattice, &plane.sums),
        };
        if sums.num == 0 || sums.len() == 0 {
            return None;
        }
        let (shape, step) = (lattice.shape(), lattice.step());
        let mean: Vec<f32> = sums.means(&references.scale).map(|mean| mean as f32).collect();
        let tsnr = sums.ratios(references).map(|ratio| ratio as f32).collect();
        let enhanced = enhanced(&mean, shape, 4 * DIAMETER.div_ceil(step) + 1);
        Some(Self { z, shape, step, mean, tsnr, enhanced })
    }
}

/// A picture without its local level, over its local contrast: both are medians over a window.
fn enhanced(mean: &[f32], shape: [usize; 2], window: usize) -> Vec<f32> {
    let level = median_filter(mean, shape, window);
    let high: Vec<f32> = mean.iter().zip(&level).map(|(value, level)| value - level).collect();
    let sizes: Vec<f32> = high.iter().map(|value| value.abs()).collect();
    let contrast = median_filter(&sizes, shape, window);
    let even = |(value, contrast): (&f32, &f32)| {
        (value / (1e-10 + contrast)).clamp(-MOST_CONTRAST, MOST_CONTRAST) / (2.0 * MOST_CONTRAST) + 0.5
    };
    high.iter().zip(&contrast).map(even).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_as_bright_on_a_bright_ground_as_on_a_dark_one() {
        let shape = [60, 160];
        let ground = |x: usize| if x < 80 { 100.0 } else { 1000.0 };
        let grain = |i: usize| ((i * 7919) % 11) as f32 / 10.0 - 0.5;
        let picture: Vec<f32> = (0..60 * 160)
            .map(|i| {
                let (y, x) = (i / 160, i % 160);
                let spot = if y == 30 && (x == 40 || x == 120) { 0.3 } else { 0.0 };
                ground(x) * (1.0 + 0.1 * grain(i) + spot)
            })
            .collect();
        let enhanced = enhanced(&picture, shape, 49);
        let [dark, bright] = [enhanced[30 * 160 + 40], enhanced[30 * 160 + 120]];
        assert!(dark > 0.9 && (dark - bright).abs() < 0.05, "{dark} and {bright}");
        assert!(enhanced.iter().all(|value| (0.0..=1.0).contains(value)));
    }
}
