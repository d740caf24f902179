//! The demo recording as a function of (t, z): tissue, cells, light sheet, drift, bleaching, noise.

use rayon::prelude::*;

use super::Recipe;
use super::anatomy::{Brain, Point, smoothstep};
use super::cells::{Cell, Population, Wave, calcium, populate, waves};
use super::faults::{self, Fault, MOVED_PX, PATCH_SHARE, Planted};
use super::rng::{NUM_QUANTILES, Stream, mix, normal_quantiles};

/// Counts the camera reports in the dark.
pub const OFFSET: f32 = 100.0;
/// Counts per photon.
pub const GAIN: f32 = 2.2;
/// Read noise, counts.
pub const READ_NOISE: f32 = 2.5;
/// Share of the fluorescence lost in a minute.
pub const BLEACHED_PER_MINUTE: f32 = 0.003;
/// Full scale of the camera, the value of the saturated spot.
pub const FULL_SCALE: u16 = u16::MAX;

/// Voxels between two nodes of the coarse grid on which waves light up the neuropil.
const WAVE_STEP: usize = 8;

/// Everything of the recording that does not change with time, computed once.
pub struct Scene {
    shape: [usize; 4],
    rate_hz: f32,
    seed: u64,
    scale: f32,
    cells: Vec<Cell>,
    /// Indices of the cells that touch each plane.
    cells_of_plane: Vec<Vec<u32>>,
    waves: Vec<Wave>,
    /// Light at rest without cells, one image per plane, counts over the offset.
    glow: Vec<Vec<f32>>,
    /// What of the glow answers to waves, 0…1 on the coarse grid, one image per plane.
    responsive: Vec<Vec<f32>>,
    coarse: [usize; 2],
    quantiles: Box<[f32; NUM_QUANTILES]>,
    spot: [f32; 3],
    faults: Vec<Planted>,
}

impl Scene {
    /// The recording of `recipe`, ready to be drawn plane by plane in any order.
    pub fn new(recipe: &Recipe) -> Self {
        let shape = recipe.shape;
        let [num_t, num_z, num_y, num_x] = shape;
        let rate_hz = recipe.rate_hz as f32;
        let scale = num_y.min(num_x) as f32 / 512.0;
        let brain = Brain::new(recipe.seed);
        let duration_s = num_t as f32 / rate_hz;
        let waves = waves(recipe.seed, duration_s);
        let area = (scale * scale).clamp(0.02, 1.6);
        let num_cells = (6800.0 * area * (num_z as f32 / 24.0).clamp(0.1, 1.5)) as usize;
        let population = Population {
            seed: recipe.seed,
            shape: [num_z, num_y, num_x],
            num_cells: num_cells.max(12),
            duration_s,
            scale,
        };
        let place = move |position| point_of(position, shape);
        let cells = populate(&population, &brain, place, &waves);
        let mut cells_of_plane = vec![Vec::new(); num_z];
        for (i, cell) in cells.iter().enumerate() {
            for (z, list) in cells_of_plane.iter_mut().enumerate() {
                if (z as f32 - cell.position[0]).abs() < 1.8 {
                    list.push(i as u32);
                }
            }
        }
        let coarse = [num_y.div_ceil(WAVE_STEP) + 1, num_x.div_ceil(WAVE_STEP) + 1];
        let glow: Vec<_> = (0..num_z).into_par_iter().map(|z| glow(&brain, shape, z)).collect();
        let responsive = (0..num_z)
            .into_par_iter()
            .map(|z| {
                coarse_points(shape, coarse, z)
                    .map(|point| smoothstep(0.03, -0.03, brain.tissue(point).distance))
                    .collect()
            })
            .collect();
        // On the edge of the left hindbrain: a scale of the skin that reflects the laser.
        let spot = [(num_z as f32 * 0.3).floor(), (0.735 * num_y as f32).floor(), (0.282 * num_x as f32).floor()];
        Self {
            shape,
            rate_hz,
            seed: recipe.seed,
            scale,
            cells,
            cells_of_plane,
            waves,
            glow,
            responsive,
            coarse,
            quantiles: normal_quantiles(),
            spot,
            faults: if recipe.has_faults { faults::plan(shape) } else { Vec::new() },
        }
    }

    /// (t, z, y, x).
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// The neurons.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// (z, y, x) of the saturated spot at the first timepoint.
    pub fn spot(&self) -> [usize; 3] {
        self.spot.map(|position| position as usize)
    }

    /// What is wrong with it.
    pub fn faults(&self) -> &[Planted] {
        &self.faults
    }

    /// Whether a volume never reaches the disk.
    pub fn is_lost(&self, t: usize) -> bool {
        self.is_struck(Fault::Lost, t, 0)
    }

    fn is_struck(&self, fault: Fault, t: usize, z: usize) -> bool {
        faults::strikes(&self.faults, fault, t, z)
    }

    /// How far the animal has moved since the first timepoint, (y, x) in voxels.
    pub fn drift(&self, t: usize) -> [f32; 2] {
        let span = (self.shape[0].max(2) - 1) as f32;
        let time_s = t as f32 / self.rate_hz;
        let progress = t as f32 / span;
        let sway = 0.20 * ((0.55 * time_s).sin() + 0.4 * (1.7 * time_s).sin());
        // A large image is finer, but the animal lies as still.
        let scale = self.scale.min(1.0);
        let [jump_y, jump_x] = if self.is_struck(Fault::Moved, t, 0) { MOVED_PX } else { [0.0; 2] };
        [(1.3 * progress + sway) * scale + jump_y, (-0.9 * progress + 0.6 * sway) * scale + jump_x]
    }

    /// The share of fluorescence left at `t`.
    pub fn bleaching(&self, t: usize) -> f32 {
        (1.0 - BLEACHED_PER_MINUTE).powf(t as f32 / self.rate_hz / 60.0)
    }

    /// Draws plane `z` of timepoint `t` into `plane` (C order, y then x).
    pub fn draw(&self, t: usize, z: usize, plane: &mut [u16]) {
        if self.is_struck(Fault::Doubled, t, z) {
            return self.draw(t - 1, z, plane);
        }
        let [_, num_z, num_y, num_x] = self.shape;
        let mut light = vec![0.0f32; num_y * num_x];
        if self.is_struck(Fault::Dark, t, z) {
            return self.expose(t, z, &light, plane);
        }
        let shown = if self.is_struck(Fault::Slipped, t, z) { (z + 1) % num_z } else { z };
        self.draw_glow(t, shown, &mut light);
        self.draw_cells(t, shown, &mut light);
        if self.is_struck(Fault::Blurred, t, z) {
            faults::blur(&mut light, num_x, self.scale);
        }
        self.expose(t, z, &light, plane);
        self.draw_spot(t, shown, plane);
        if self.is_struck(Fault::Saturated, t, z) {
            self.draw_patch(plane);
        }
    }

    /// The tissue at rest, moved by the drift and brightened by the waves that pass.
    fn draw_glow(&self, t: usize, z: usize, light: &mut [f32]) {
        let [_, _, num_y, num_x] = self.shape;
        let [drift_y, drift_x] = self.drift(t);
        let gain = self.wave_gain(t, z);
        let (glow, bleaching) = (&self.glow[z], self.bleaching(t));
        let (shift_x, fraction_x) = split(-drift_x);
        let mut source = vec![0.0f32; num_x];
        let mut gain_row = vec![0.0f32; self.coarse[1]];
        for (y, row) in light.chunks_exact_mut(num_x).enumerate() {
            let (shift_y, fraction_y) = split(-drift_y);
            let at = |y: isize| {
                let start = y.clamp(0, num_y as isize - 1) as usize * num_x;
                &glow[start..start + num_x]
            };
            let (above, below) = (at(y as isize + shift_y), at(y as isize + shift_y + 1));
            for ((value, above), below) in source.iter_mut().zip(above).zip(below) {
                *value = (above + (below - above) * fraction_y) * bleaching;
            }
            let (node, fraction) = (y / WAVE_STEP, (y % WAVE_STEP) as f32 / WAVE_STEP as f32);
            let width = self.coarse[1];
            for (x, value) in gain_row.iter_mut().enumerate() {
                let (a, b) = (gain[node * width + x], gain[(node + 1) * width + x]);
                *value = 1.0 + a + (b - a) * fraction;
            }
            for (x, value) in row.iter_mut().enumerate() {
                let left = (x as isize + shift_x).clamp(0, num_x as isize - 1) as usize;
                let right = (left + 1).min(num_x - 1);
                let here = source[left] + (source[right] - source[left]) * fraction_x;
                let (node, fraction) = (x / WAVE_STEP, (x % WAVE_STEP) as f32 / WAVE_STEP as f32);
                let gain = gain_row[node] + (gain_row[node + 1] - gain_row[node]) * fraction;
                *value = here * gain;
            }
        }
    }

    /// By how much waves brighten the neuropil of plane `z`, on the coarse grid.
    fn wave_gain(&self, t: usize, z: usize) -> Vec<f32> {
        let time_s = t as f32 / self.rate_hz;
        let passing: Vec<_> =
            self.waves.iter().filter(|wave| (wave.start_s..wave.start_s + 14.0).contains(&time_s)).collect();
        coarse_points(self.shape, self.coarse, z)
            .zip(&self.responsive[z])
            .map(|(point, &responsive)| {
                if responsive == 0.0 {
                    return 0.0;
                }
                let sum: f32 = passing
                    .iter()
                    .map(|wave| {
                        let (arrival_s, strength) = wave.arrival(point);
                        strength * calcium(time_s - arrival_s)
                    })
                    .sum();
                0.9 * responsive * sum
            })
            .collect()
    }

    /// The cell bodies, each a small Gaussian whose depth sets sharpness and brightness.
    fn draw_cells(&self, t: usize, z: usize, light: &mut [f32]) {
        let [_, num_z, num_y, num_x] = self.shape;
        let [drift_y, drift_x] = self.drift(t);
        let time_s = t as f32 / self.rate_hz;
        let bleaching = self.bleaching(t);
        for &i in &self.cells_of_plane[z] {
            let cell = &self.cells[i as usize];
            let defocus = z as f32 - cell.position[0];
            let depth = depth_of(cell.position[0], num_z);
            let sigma = cell.sigma_px * (1.0 + 0.35 * depth) * (1.0 + 0.25 * defocus * defocus);
            // Out of focus the same light is spread over more voxels.
            let focus = (-defocus * defocus / (2.0 * 0.55 * 0.55)).exp();
            let peak = cell.brightness * cell.activity(time_s) * bleaching * transmission(cell.point, depth) * focus;
            if peak < 0.5 {
                continue;
            }
            let (cy, cx) = (cell.position[1] + drift_y, cell.position[2] + drift_x);
            let reach = (3.0 * sigma).ceil();
            let scale = -0.5 / (sigma * sigma);
            let columns = range(cx, reach, num_x);
            let profile: Vec<f32> = columns.clone().map(|x| ((x as f32 - cx).powi(2) * scale).exp()).collect();
            for y in range(cy, reach, num_y) {
                let height = peak * ((y as f32 - cy).powi(2) * scale).exp();
                let row = &mut light[y * num_x..][columns.clone()];
                for (value, profile) in row.iter_mut().zip(&profile) {
                    *value += height * profile;
                }
            }
        }
    }

    /// What the camera makes of the light: photons counted with Poisson statistics (a normal variable
    /// with the Poisson's skewness), gain, read noise, offset.
    fn expose(&self, t: usize, z: usize, light: &[f32], plane: &mut [u16]) {
        const MASK: u64 = NUM_QUANTILES as u64 - 1;
        let key = Stream::new(self.seed, 30).at(t as u64).at(z as u64).bits(0);
        for (group, (light, plane)) in light.chunks(5).zip(plane.chunks_mut(5)).enumerate() {
            let mut bits = mix(key.wrapping_add(group as u64));
            for (&light, voxel) in light.iter().zip(plane) {
                let normal = self.quantiles[(bits & MASK) as usize];
                bits >>= 12;
                let deviation = (GAIN * light + READ_NOISE * READ_NOISE).sqrt();
                let counts = OFFSET + light + deviation * normal + GAIN / 6.0 * (normal * normal - 1.0);
                *voxel = (counts + 0.5) as u16;
            }
        }
    }

    /// A patch over the right tectum at full scale: a reflection that does not move with the animal.
    fn draw_patch(&self, plane: &mut [u16]) {
        let [_, _, num_y, num_x] = self.shape;
        let (cy, cx) = (0.45 * num_y as f32, 0.68 * num_x as f32);
        let radius = (PATCH_SHARE * (num_y * num_x) as f32 / std::f32::consts::PI).sqrt().max(1.0);
        for y in range(cy, radius, num_y) {
            for x in range(cx, radius, num_x) {
                if (y as f32 - cy).hypot(x as f32 - cx) <= radius {
                    plane[y * num_x + x] = FULL_SCALE;
                }
            }
        }
    }

    /// The saturated spot and its bloom; it moves with the animal.
    fn draw_spot(&self, t: usize, z: usize, plane: &mut [u16]) {
        let [_, _, num_y, num_x] = self.shape;
        if z as f32 != self.spot[0] {
            return;
        }
        let [drift_y, drift_x] = self.drift(t);
        let (cy, cx) = (self.spot[1] + drift_y, self.spot[2] + drift_x);
        let radius = (1.5 * self.scale).max(0.5);
        let reach = (7.0 * radius).ceil();
        for y in range(cy, reach, num_y) {
            for x in range(cx, reach, num_x) {
                let distance = (y as f32 - cy).hypot(x as f32 - cx) / radius;
                let voxel = &mut plane[y * num_x + x];
                // Steadily down to the tissue, so that it moves as smoothly as the animal.
                let bloom = f32::from(FULL_SCALE) * (-1.6 * (distance - 1.0)).exp();
                *voxel = (f32::from(*voxel) + bloom).min(f32::from(FULL_SCALE)) as u16;
            }
        }
    }
}

/// Brain coordinates of a voxel; the image shows the whole brain whatever its aspect.
fn point_of(position: [f32; 3], shape: [usize; 4]) -> Point {
    let [_, num_z, num_y, num_x] = shape;
    let half = num_y.min(num_x) as f32 / 2.0;
    Point {
        u: (position[2] + 0.5 - num_x as f32 / 2.0) / half,
        v: (position[1] + 0.5 - num_y as f32 / 2.0) / half,
        w: 1.9 * ((position[0] + 0.5) / num_z as f32 - 0.5),
    }
}

fn coarse_points(shape: [usize; 4], coarse: [usize; 2], z: usize) -> impl Iterator<Item = Point> {
    (0..coarse[0] * coarse[1]).map(move |i| {
        let (y, x) = (i / coarse[1] * WAVE_STEP, i % coarse[1] * WAVE_STEP);
        point_of([z as f32, y as f32, x as f32], shape)
    })
}

/// 0 at the first plane, 1 at the last.
fn depth_of(z: f32, num_z: usize) -> f32 {
    (z / (num_z.max(2) - 1) as f32).clamp(0.0, 1.0)
}

/// How much light comes back from a point: less from deep tissue, a little less far from the laser,
/// which enters from the left.
fn transmission(point: Point, depth: f32) -> f32 {
    (1.0 - 0.45 * depth) * (1.0 - 0.12 * (point.u + 0.6).clamp(0.0, 1.2))
}

/// The light of one plane at rest: sharp neuropil, haze from the planes around, a faint halo of skin.
fn glow(brain: &Brain, shape: [usize; 4], z: usize) -> Vec<f32> {
    let [_, num_z, num_y, num_x] = shape;
    let depth = depth_of(z as f32, num_z);
    let mut image = Vec::with_capacity(num_y * num_x);
    for y in 0..num_y {
        for x in 0..num_x {
            let point = point_of([z as f32, y as f32, x as f32], shape);
            let tissue = brain.tissue(point);
            let haze = 26.0 * smoothstep(0.10, -0.08, tissue.distance) * (0.7 + 0.5 * depth);
            let halo = 9.0 * (-(tissue.distance.max(0.0)) / 0.14).exp();
            let body = 140.0 * tissue.neuropil * transmission(point, depth);
            image.push(2.0 + halo + haze + body);
        }
    }
    image
}

/// Whole voxels and the rest of a shift.
fn split(shift: f32) -> (isize, f32) {
    let whole = shift.floor();
    (whole as isize, shift - whole)
}

/// The indices within `reach` of `centre`, clipped to 0..num.
fn range(centre: f32, reach: f32, num: usize) -> std::ops::Range<usize> {
    let low = (centre - reach).ceil().clamp(0.0, num as f32) as usize;
    let high = ((centre + reach).floor() + 1.0).clamp(0.0, num as f32) as usize;
    low..high.max(low)
}
