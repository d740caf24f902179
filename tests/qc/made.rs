//! Recordings made by rule, with known truth and with faults planted in them: cells in haze that light up now
//! and then, seen by a camera that counts photons.
//!
//! `oracle/recording.py` makes the very same values: nothing but + − × ÷ √ and floor is used, in the same order,
//! so that neither side has to store any.

use rayon::prelude::*;
use serde::Deserialize;

/// What is recorded, by what camera.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// (t, z, y, x).
    pub shape: [usize; 4],
    /// Another seed is another animal.
    pub seed: u64,
    /// Cells in the volume.
    pub num_cells: usize,
    /// Radius of a cell, px.
    pub cell_px: f64,
    /// Light of a middling cell at rest, counts.
    pub brightness: f64,
    /// Light of the haze between them, counts.
    pub haze: f64,
    /// Light that is everywhere, counts.
    pub background: f64,
    /// How much brighter an active cell is than at rest.
    pub activity: f64,
    /// How much brighter everything is in the middle of the recording.
    pub slow: f64,
    /// Counts for each photon.
    pub gain: f64,
    /// Counts in the dark.
    pub offset: f64,
    /// Read noise, counts.
    pub read_noise: f64,
    /// Bits of the camera; stored as u16.
    pub bits: u32,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            shape: [80, 6, 64, 64],
            seed: 1,
            num_cells: 120,
            cell_px: 3.5,
            brightness: 400.0,
            haze: 80.0,
            background: 20.0,
            activity: 1.0,
            slow: 0.0,
            gain: 2.0,
            offset: 100.0,
            read_noise: 2.5,
            bits: 16,
            faults: Vec::new(),
        }
    }
}

/// Something planted. Ranges of t are half-open.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The animal moves by (dy, dx) px with every volume, from a timepoint on.
    Drift { from: usize, by: [f64; 2] },
    /// It is elsewhere for a while, by (dy, dx) px.
    Jump { t: [usize; 2], by: [f64; 2] },
    /// It sinks by so many planes with every volume, from a timepoint on.
    Sink { from: usize, planes: f64 },
    /// From a timepoint on plane z shows what plane z + `planes` (in a circle) should.
    Slip { from: usize, planes: usize },
    /// The light falls by this factor with every volume.
    Bleach { factor: f64 },
    /// A square of so many px is at full scale.
    Saturated { t: [usize; 2], z: usize, px: usize },
    /// A plane is that of the volume before.
    Doubled { t: usize, z: usize },
    /// A plane is out of focus.
    Blurred { t: [usize; 2], z: usize },
    /// No light.
    Dark { t: [usize; 2] },
    /// Columns are brighter and darker by up to this share.
    Striped { t: [usize; 2], by: f64 },
    /// The first planes of every volume are blurred and displaced.
    Flyback { planes: usize },
}

struct Blob {
    at: [f64; 3],
    radius: f64,
    depth: f64,
    peak: f64,
    /// How much brighter it gets, every how many volumes, beginning where.
    activity: f64,
    period: u64,
    phase: u64,
}

const OUT_OF_FOCUS: f64 = 2.5;

fn mix(counter: u64) -> u64 {
    let mut bits = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn uniform(key: u64, i: u64) -> f64 {
    (mix(key.wrapping_add(i)) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

fn within(range: [usize; 2], t: usize) -> bool {
    range[0] <= t && t < range[1]
}

impl Recipe {
    /// Largest value of its camera.
    pub fn full_scale(&self) -> f64 {
        f64::from((1u32 << self.bits) - 1)
    }

    /// The same recording with something wrong.
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// How far the animal is from where it began, (z, y, x) in planes and px.
    pub fn position(&self, t: usize) -> [f64; 3] {
        let mut at = [0.0; 3];
        for fault in &self.faults {
            match *fault {
                Fault::Drift { from, by } => {
                    let steps = t.saturating_sub(from) as f64;
                    at = [at[0], at[1] + steps * by[0], at[2] + steps * by[1]];
                }
                Fault::Jump { t: range, by } if within(range, t) => at = [at[0], at[1] + by[0], at[2] + by[1]],
                Fault::Sink { from, planes } => at[0] += t.saturating_sub(from) as f64 * planes,
                _ => {}
            }
        }
        at
    }

    /// All values, C order.
    pub fn draw(&self) -> Vec<u16> {
        let [num_t, num_z, num_y, num_x] = self.shape;
        let len = num_y * num_x;
        let blobs = self.blobs();
        let mut values = vec![0; num_t * num_z * len];
        values.par_chunks_exact_mut(len).enumerate().for_each(|(i, plane)| {
            self.draw_plane(&blobs, i / num_z, i % num_z, plane);
        });
        for fault in &self.faults {
            if let Fault::Doubled { t, z } = *fault {
                let before = ((t - 1) * num_z + z) * len;
                values.copy_within(before..before + len, (t * num_z + z) * len);
            }
        }
        values
    }

    fn blobs(&self) -> Vec<Blob> {
        let [_, num_z, num_y, num_x] = self.shape.map(|dim| dim as f64);
        let size = num_y.min(num_x);
        let key = mix(self.seed);
        let blob = |i: usize, is_haze: bool| {
            let u = |j: u64| uniform(key, 16 * i as u64 + j);
            let at = [u(0) * num_z - 0.5, u(1) * num_y, u(2) * num_x];
            let period = 40 + (u(5) * 120.0) as u64;
            let phase = (u(6) * 200.0) as u64;
            if is_haze {
                let radius = size * (0.25 + 0.2 * u(3));
                return Blob { at, radius, depth: 5.0, peak: self.haze, activity: 0.0, period, phase };
            }
            let radius = self.cell_px * (0.8 + 0.4 * u(3));
            let peak = self.brightness * (0.4 + 1.2 * u(4) * u(4));
            Blob { at, radius, depth: 1.9, peak, activity: self.activity * u(7) * u(7), period, phase }
        };
        let num_haze = 6;
        (0..num_haze + self.num_cells).map(|i| blob(i, i < num_haze)).collect()
    }

    /// Everything's brightness at t.
    fn light_at(&self, t: usize) -> f64 {
        let half = t as f64 / self.shape[0] as f64 - 0.5;
        let mut light = 1.0 + self.slow * (1.0 - 2.0 * half.abs());
        for fault in &self.faults {
            match *fault {
                Fault::Bleach { factor } => (0..t).for_each(|_| light *= factor),
                Fault::Dark { t: range } if within(range, t) => light = 0.0,
                _ => {}
            }
        }
        light
    }

    fn draw_plane(&self, blobs: &[Blob], t: usize, z: usize, plane: &mut [u16]) {
        let [_, num_z, num_y, num_x] = self.shape;
        let mut position = self.position(t);
        let mut blur = 1.0;
        let mut shown = z;
        for fault in &self.faults {
            match *fault {
                Fault::Slip { from, planes } if t >= from => shown = (z + planes) % num_z,
                Fault::Blurred { t: range, z: blurred } if within(range, t) && blurred == z => blur = OUT_OF_FOCUS,
                Fault::Flyback { planes } if z < planes => {
                    blur = OUT_OF_FOCUS;
                    position[1] += 3.0;
                }
                _ => {}
            }
        }
        let mut light = vec![self.background; num_y * num_x];
        for blob in blobs {
            add(blob, t, shown as f64, position, blur, [num_y, num_x], &mut light);
        }
        let brightness = self.light_at(t);
        light.iter_mut().for_each(|light| *light *= brightness);
        for fault in &self.faults {
            match *fault {
                Fault::Striped { t: range, by } if within(range, t) => {
                    let key = mix(self.seed ^ 77);
                    for (i, light) in light.iter_mut().enumerate() {
                        *light *= 1.0 + by * (2.0 * uniform(key, (i % num_x) as u64) - 1.0);
                    }
                }
                Fault::Saturated { t: range, z: bright, px } if within(range, t) && z == bright => {
                    for y in 0..px {
                        light[(y + 8) * num_x + 8..][..px].fill(1e6);
                    }
                }
                _ => {}
            }
        }
        self.expose((t * num_z + z) as u64 * (num_y * num_x) as u64, &light, plane);
    }

    /// What the camera makes of it: photons of Poisson's variance and skewness, read noise, offset, full scale.
    fn expose(&self, first: u64, light: &[f64], plane: &mut [u16]) {
        let key = mix(self.seed ^ 99);
        let sigma = (8.0 * (65536.0 * 65536.0 - 1.0) / 12.0_f64).sqrt();
        let full = self.full_scale();
        for (i, (light, voxel)) in light.iter().zip(plane).enumerate() {
            let counter = key.wrapping_add(2 * (first + i as u64));
            let (a, b) = (mix(counter), mix(counter.wrapping_add(1)));
            let parts = |bits: u64| (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
            let normal = ((parts(a) + parts(b)) as f64 - 8.0 * 32767.5) / sigma;
            let deviation = (self.gain * light + self.read_noise * self.read_noise).sqrt();
            let skew = self.gain / 6.0 * (normal * normal - 1.0);
            let counts = (self.offset + light + deviation * normal + skew + 0.5).floor();
            *voxel = counts.clamp(0.0, full) as u16;
        }
    }
}

/// Adds a blob's light to a plane.
fn add(blob: &Blob, t: usize, z: f64, position: [f64; 3], blur: f64, shape: [usize; 2], light: &mut [f64]) {
    let q = (z - (blob.at[0] + position[0])) / blob.depth;
    if q.abs() >= 1.0 {
        return;
    }
    let since = ((t as u64 + blob.phase) % blob.period) as f64;
    let decay = 1.0 + (since - 1.0) / 2.0;
    // Calcium rises within two volumes.
    let active = 1.0 + blob.activity * if since < 1.0 { 0.4 } else { 1.0 / (decay * decay) };
    let focus = 1.0 - q * q;
    let radius = blob.radius * (1.0 + 0.3 * q * q) * blur;
    let peak = blob.peak * active * focus * focus / (blur * blur);
    let [cy, cx] = [blob.at[1] + position[1], blob.at[2] + position[2]];
    let span = |centre: f64, num: usize| {
        let first = (centre - radius).ceil().max(0.0) as usize;
        let last = (centre + radius).floor().min(num as f64 - 1.0);
        first..(last + 1.0).max(0.0) as usize
    };
    for y in span(cy, shape[0]) {
        let dy = y as f64 - cy;
        for x in span(cx, shape[1]) {
            let dx = x as f64 - cx;
            let fall = 1.0 - (dy * dy + dx * dx) / (radius * radius);
            if fall > 0.0 {
                light[y * shape[1] + x] += peak * fall * fall;
            }
        }
    }
}
