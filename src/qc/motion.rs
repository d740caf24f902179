//! `motion`: the shift of the maximum along z against that of the first volumes, by phase correlation as in
//! suite2p's rigid registration (Pachitariu et al. 2017).

use super::spectrum::{Phases, Spectra};

/// Width of the Gaussian that weights the frequencies, px.
const SMOOTH_PX: f32 = 1.15;
/// Width of the taper at the edges, px.
const TAPER_PX: f64 = 3.45;
/// Shifts that are looked for, as a share of the smaller side.
const REACH: f64 = 0.1;
/// Shifts beyond those, at which other peaks are looked for, px.
const MARGIN_PX: usize = 8;
/// What is so close to the peak belongs to it, px.
const PEAK_PX: usize = 3;
/// A side shorter than this has nothing left between its tapers.
pub(super) const LEAST_PX: usize = 16;
/// A peak that stands out less from the next one may be noise.
const LEAST_QUALITY: f32 = 1.2;
/// A peak of fewer standard deviations of what images without anything in common give may be noise.
const LEAST_HEIGHT: f32 = 5.0;

/// A shift that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    /// (dy, dx), px; NaN where no peak stands out.
    pub by: [f32; 2],
    /// Height of the peak over that of the next one.
    pub quality: f32,
    /// Height of the peak: 1 for an image equal to the reference.
    pub correlation: f32,
}

impl Shift {
    /// There is nothing that could be compared.
    pub const UNKNOWN: Self = Self { by: [f32::NAN; 2], quality: f32::NAN, correlation: f32::NAN };
}

/// Measures shifts of images of one shape.
pub(super) struct Registration {
    shape: [usize; 2],
    /// Shifts that are looked for, and those the surface goes to.
    reach: [usize; 2],
    least_height: f32,
    taper: [Vec<f32>; 2],
    spectra: Spectra,
    tapered: Vec<f32>,
    surface: Vec<f32>,
}

impl Registration {
    /// Of images of that shape, (y, x); nothing where they are too small.
    pub fn new(shape: [usize; 2]) -> Option<Self> {
        let least = shape[0].min(shape[1]);
        let search = ((least as f64 * REACH) as usize).max(1);
        let reach = [search, (search + MARGIN_PX).min(least.saturating_sub(1) / 2)];
        (least >= LEAST_PX).then(|| Self {
            shape,
            reach,
            least_height: LEAST_HEIGHT * noise(shape),
            taper: shape.map(taper),
            spectra: Spectra::new(shape),
            tapered: vec![0.0; shape[0] * shape[1]],
            surface: vec![0.0; (2 * reach[1] + 1).pow(2)],
        })
    }

    /// What other images are compared with; nothing where an image is constant.
    pub fn phases(&mut self, image: &[f32]) -> Option<Phases> {
        self.apply_taper(image).then(|| self.spectra.phases(&self.tapered, SMOOTH_PX))
    }

    /// The shift of an image: positive where its content lies further down or to the right. Pixels that are not
    /// finite count as the mean of the others.
    pub fn shift(&mut self, image: &[f32], reference: &Phases) -> Shift {
        if !self.apply_taper(image) {
            return Shift::UNKNOWN;
        }
        self.spectra.correlate(&self.tapered, reference, self.reach[1], &mut self.surface);
        peak(&self.surface, self.reach, self.least_height)
    }

    /// Whether there is anything in it.
    fn apply_taper(&mut self, image: &[f32]) -> bool {
        let finite = image.iter().filter(|value| value.is_finite());
        let start = (0.0, 0_usize, f32::INFINITY, f32::NEG_INFINITY);
        let (sum, num, low, high) = finite.fold(start, |(sum, num, low, high), value| {
            (sum + f64::from(*value), num + 1, low.min(*value), high.max(*value))
        });
        if high <= low || num == 0 {
            return false;
        }
        let mean = (sum / num as f64) as f32;
        let [taper_y, taper_x] = &self.taper;
        let num_x = self.shape[1];
        let rows = self.tapered.chunks_exact_mut(num_x).zip(image.chunks_exact(num_x)).zip(taper_y);
        for ((to, row), of_row) in rows {
            for ((to, value), of_column) in to.iter_mut().zip(row).zip(taper_x) {
                *to = if value.is_finite() { (value - mean) * of_row * of_column } else { 0.0 };
            }
        }
        true
    }
}

/// Standard deviation of the correlation of images without anything in common: √Σw² / Σw over weights
/// w = exp(−2π²σ²f²) at all frequencies f.
fn noise([num_y, num_x]: [usize; 2]) -> f32 {
    (2.0 * std::f32::consts::PI * SMOOTH_PX * SMOOTH_PX / (num_y * num_x) as f32).sqrt()
}

/// suite2p's `spatial_taper`: a sigmoid that is one half two widths from the edge.
fn taper(len: usize) -> Vec<f32> {
    let middle = (len as f64 - 1.0) / 2.0;
    let weight = |i: usize| 1.0 / (1.0 + (((i as f64 - middle).abs() - (middle - 2.0 * TAPER_PX)) / TAPER_PX).exp());
    (0..len).map(|i| weight(i) as f32).collect()
}

/// The highest peak within reach of the middle of a surface, which is zero shift.
fn peak(surface: &[f32], [reach, beyond]: [usize; 2], least_height: f32) -> Shift {
    let side = 2 * beyond + 1;
    let within = beyond - reach..=beyond + reach;
    let places = within.clone().flat_map(|y| within.clone().map(move |x| y * side + x));
    let Some(at) = places.max_by(|a, b| surface[*a].total_cmp(&surface[*b])) else { return Shift::UNKNOWN };
    let (y, x, height) = (at / side, at % side, surface[at]);
    if height.is_nan() || height <= 0.0 {
        return Shift::UNKNOWN;
    }
    let quality = height / next_peak(surface, side, [y, x]).max(height * 1e-4);
    if quality < LEAST_QUALITY || height < least_height {
        return Shift { by: [f32::NAN; 2], quality, correlation: height };
    }
    // The surface goes further than the search, so that a peak has neighbours.
    let along =
        |i: usize, step: usize| i as f64 - beyond as f64 + vertex(surface[at - step], height, surface[at + step]);
    Shift { by: [along(y, side) as f32, along(x, 1) as f32], quality, correlation: height }
}

/// The highest peak elsewhere than at one place; NaN where there is none.
fn next_peak(surface: &[f32], side: usize, [y, x]: [usize; 2]) -> f32 {
    let is_far = |i: usize| {
        let (dy, dx) = ((i / side).abs_diff(y), (i % side).abs_diff(x));
        dy * dy + dx * dx > PEAK_PX * PEAK_PX
    };
    let is_peak = |i: usize| {
        let around = |i: usize| i.saturating_sub(1)..(i + 2).min(side);
        let mut others = around(i / side).flat_map(|y| around(i % side).map(move |x| y * side + x));
        others.all(|other| surface[other] <= surface[i])
    };
    let mut next = f32::NAN;
    for (i, value) in surface.iter().enumerate() {
        let is_next = next.is_nan() || *value > next;
        if is_next && is_far(i) && is_peak(i) {
            next = *value;
        }
    }
    next
}

/// Where a parabola through three values has its vertex, from the middle one. Through their logarithms where they
/// have any, since the peak is a Gaussian.
fn vertex(before: f32, middle: f32, after: f32) -> f64 {
    let values = [before, middle, after].map(f64::from);
    let is_positive = values.iter().all(|value| *value > 0.0);
    let [before, middle, after] = if is_positive { values.map(f64::ln) } else { values };
    let bend = before - 2.0 * middle + after;
    if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Pseudo-random numbers, 0 to 1.
    pub struct Random(pub u64);

    impl Random {
        pub fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mixed = (self.0 ^ self.0 >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
            (mixed >> 40) as f64 / f64::from(1 << 24)
        }

        /// Of a normal distribution, nearly.
        pub fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.next()).sum::<f64>() - 6.0
        }
    }

    /// Blobs at random places, moved by a shift, with the noise of photons.
    pub fn scene([num_y, num_x]: [usize; 2], [dy, dx]: [f64; 2], noise: &mut Random) -> Vec<f32> {
        let mut places = Random(5);
        let mut image = vec![20.0; num_y * num_x];
        for _ in 0..num_y * num_x / 60 {
            let (y, x) = (places.next() * num_y as f64 + dy, places.next() * num_x as f64 + dx);
            let height = 20.0 + 80.0 * places.next();
            let near = |c: f64, num: usize| {
                (c.round() as i64 - 6).max(0) as usize..((c.round() as i64 + 7).max(0) as usize).min(num)
            };
            for (i, j) in near(y, num_y).flat_map(|i| near(x, num_x).map(move |j| (i, j))) {
                let far = (i as f64 - y).powi(2) + (j as f64 - x).powi(2);
                image[i * num_x + j] += height * (-far / (2.0 * 1.4 * 1.4)).exp();
            }
        }
        image.iter().map(|value| (value + value.sqrt() * noise.normal()) as f32).collect()
    }

    fn distance(found: [f32; 2], expected: [f64; 2]) -> f64 {
        found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn shifts_are_found_within_a_tenth_of_a_pixel_in_the_noise_of_photons() {
        for shape in [[120, 96], [75, 111]] {
            let mut noise = Random(1);
            let mut registration = Registration::new(shape).unwrap();
            let reference = registration.phases(&scene(shape, [0.0, 0.0], &mut noise)).unwrap();
            for by in [[0.0, 0.0], [0.3, -0.6], [-1.45, 2.5], [5.2, 3.75], [-4.9, -6.1]] {
                let shift = registration.shift(&scene(shape, by, &mut noise), &reference);
                assert!(distance(shift.by, by) < 0.1, "{shape:?} {by:?}: {shift:?}");
                assert!(shift.quality > 1.5 && shift.correlation > 0.05, "{shift:?}");
            }
        }
    }

    #[test]
    fn holes_and_infinities_do_not_move_it() {
        let shape = [100, 100];
        let mut registration = Registration::new(shape).unwrap();
        let reference = registration.phases(&scene(shape, [0.0, 0.0], &mut Random(1))).unwrap();
        let mut image = scene(shape, [2.25, -1.5], &mut Random(2));
        (0..300).for_each(|i| image[i * 31 % 10_000] = f32::NAN);
        image[17] = f32::INFINITY;
        image[9000] = f32::NEG_INFINITY;
        let shift = registration.shift(&image, &reference);
        assert!(distance(shift.by, [2.25, -1.5]) < 0.1, "{shift:?}");
    }

    #[test]
    fn what_has_no_clear_peak_has_no_shift() {
        let shape = [96, 96];
        let mut registration = Registration::new(shape).unwrap();
        let mut noise = Random(3);
        let mut of_noise = || (0..96 * 96).map(|_| noise.normal() as f32).collect::<Vec<_>>();
        let reference = registration.phases(&of_noise()).unwrap();
        let unclear = (0..20).filter(|_| registration.shift(&of_noise(), &reference).by[0].is_nan()).count();
        assert!(unclear == 20, "{unclear}");
        assert_eq!(registration.shift(&[5.0; 96 * 96], &reference).quality.to_bits(), f32::NAN.to_bits());
        assert!(registration.phases(&[f32::NAN; 96 * 96]).is_none());
        assert!(Registration::new([15, 400]).is_none());
        let mut smallest = Registration::new([16, 16]).unwrap();
        let reference = smallest.phases(&scene([16, 16], [0.0, 0.0], &mut Random(1))).unwrap();
        let _ = smallest.shift(&scene([16, 16], [0.5, 0.5], &mut Random(2)), &reference);
    }
}
