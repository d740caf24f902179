//! The neurons of the demo recording: where they are and when they are active.

use std::collections::HashMap;

use super::anatomy::{Brain, Point};
use super::rng::Stream;

/// One neuron.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where it is in the brain.
    pub point: Point,
    /// (z, y, x) in voxels of the first timepoint.
    pub position: [f32; 3],
    /// Peak brightness at rest over the tissue, counts.
    pub brightness: f32,
    /// Width of its image in the plane, voxels (standard deviation).
    pub sigma_px: f32,
    /// When it becomes active, seconds, and by how much of its resting brightness.
    pub events: Vec<(f32, f32)>,
}

/// A wave of activity that starts at a point and runs through the tissue.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// Where it starts.
    pub origin: Point,
    /// When, in seconds.
    pub start_s: f32,
    /// How fast, in half image widths a second.
    pub speed: f32,
    /// How far it reaches before it fades.
    pub reach: f32,
}

impl Wave {
    /// When the front reaches `point`, and how strong it is there (0…1).
    pub fn arrival(&self, point: Point) -> (f32, f32) {
        let distance = self.origin.distance(point);
        let strength = (-(distance / self.reach).powi(2)).exp();
        (self.start_s + distance / self.speed, strength)
    }
}

/// The calcium signal `elapsed_s` seconds after a burst of spikes, at most 1: fast rise, slow decay.
pub fn calcium(elapsed_s: f32) -> f32 {
    const RISE_S: f32 = 0.25;
    const DECAY_S: f32 = 1.1;
    // Where both exponentials balance the product peaks at about this value.
    const PEAK: f32 = 0.6;
    if elapsed_s <= 0.0 || elapsed_s > 8.0 * DECAY_S {
        return 0.0;
    }
    (1.0 - (-elapsed_s / RISE_S).exp()) * (-elapsed_s / DECAY_S).exp() / PEAK
}

/// Waves for a recording of this length: one every few seconds, from different places in turn.
pub fn waves(seed: u64, duration_s: f32) -> Vec<Wave> {
    let stream = Stream::new(seed, 10);
    let origins = [
        (0.48, -0.30, 0.75),  // right tectum
        (-0.48, 0.05, 0.75),  // left tectum
        (0.02, 0.90, 1.00),   // hindbrain, running forward
        (-0.15, -0.75, 0.60), // forebrain
        (0.20, 0.25, 0.55),   // cerebellum
    ];
    let mut waves = Vec::new();
    let mut start_s = 0.3;
    let mut index = 0;
    while start_s < duration_s && waves.len() < 4096 {
        let (u, v, reach) = origins[index as usize % origins.len()];
        waves.push(Wave {
            origin: Point { u, v, w: stream.between(3 * index, -0.6, 0.2) },
            start_s,
            speed: stream.between(3 * index + 1, 0.34, 0.46),
            reach,
        });
        start_s += stream.between(3 * index + 2, 2.4, 3.4);
        index += 1;
    }
    waves
}

/// What the cells are drawn for.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Seed of the recording.
    pub seed: u64,
    /// (z, y, x) of a volume.
    pub shape: [usize; 3],
    /// How many cells are wanted.
    pub num_cells: usize,
    /// Length of the recording in seconds.
    pub duration_s: f32,
    /// Voxels in the plane for one voxel of the standard 512 × 512 recording.
    pub scale: f32,
}

/// Places cells where the brain has them, none inside another, and lets waves and chance drive them.
pub fn populate(
    population: &Population,
    brain: &Brain,
    point_of: impl Fn([f32; 3]) -> Point,
    waves: &[Wave],
) -> Vec<Cell> {
    let Population { seed, shape, num_cells, duration_s, scale } = *population;
    let place = Stream::new(seed, 20);
    let character = Stream::new(seed, 21);
    let gap = 4.8 * scale;
    let mut taken: HashMap<[i32; 3], Vec<[f32; 3]>> = HashMap::new();
    let mut cells = Vec::with_capacity(num_cells);
    for attempt in 0..60 * num_cells as u64 {
        if cells.len() == num_cells {
            break;
        }
        let draw = place.at(attempt);
        let position: [f32; 3] = std::array::from_fn(|axis| draw.uniform(axis as u64) * shape[axis] as f32 - 0.5);
        let point = point_of(position);
        if brain.tissue(point).cell_density < draw.uniform(3) {
            continue;
        }
        let bin = [position[0].round() as i32, (position[1] / gap) as i32, (position[2] / gap) as i32];
        let is_crowded = neighbours(bin).any(|bin| {
            taken.get(&bin).is_some_and(|others| {
                others.iter().any(|other| {
                    let (dy, dx) = (other[1] - position[1], other[2] - position[2]);
                    let dz = (other[0] - position[0]) * gap;
                    dz * dz + dy * dy + dx * dx < gap * gap
                })
            })
        });
        if is_crowded {
            continue;
        }
        taken.entry(bin).or_default().push(position);
        let own = character.at(cells.len() as u64);
        cells.push(Cell {
            point,
            position,
            brightness: 170.0 * (0.6 * own.normal(0)).exp(),
            sigma_px: (own.between(2, 1.45, 2.15) * scale).max(0.6),
            events: events(own, point, waves, duration_s),
        });
    }
    cells
}

fn neighbours(bin: [i32; 3]) -> impl Iterator<Item = [i32; 3]> {
    (0..27).map(move |i| [bin[0] + i / 9 - 1, bin[1] + i / 3 % 3 - 1, bin[2] + i % 3 - 1])
}

/// When one cell fires: with many of the waves that pass it, and now and then alone.
fn events(own: Stream, point: Point, waves: &[Wave], duration_s: f32) -> Vec<(f32, f32)> {
    // Few cells are strong and most are faint, as in real recordings.
    let responsiveness = 0.4 + 5.0 * own.uniform(4).powi(2);
    let reliability = own.between(5, 0.25, 0.95);
    let mut events = Vec::new();
    for (i, wave) in waves.iter().enumerate() {
        let draw = own.at(100 + i as u64);
        let (arrival_s, strength) = wave.arrival(point);
        if draw.uniform(0) < reliability && strength > 0.05 {
            let amplitude = responsiveness * strength * draw.between(1, 0.6, 1.4);
            events.push((arrival_s + 0.12 * draw.normal(1), amplitude));
        }
    }
    let mut time_s = own.between(6, -2.0, 25.0);
    let mut index = 0;
    while time_s < duration_s && index < 4096 {
        events.push((time_s, responsiveness * own.at(99).between(index, 0.3, 1.0)));
        time_s += 6.0 - 9.0 * (1.0 - own.at(98).uniform(index)).ln();
        index += 1;
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    events
}

impl Cell {
    /// Brightness at `time_s`: at rest 1, more while active.
    pub fn activity(&self, time_s: f32) -> f32 {
        let first = self.events.partition_point(|event| event.0 < time_s - 8.8);
        let mut sum = 1.0;
        for &(start_s, amplitude) in &self.events[first..] {
            if start_s >= time_s {
                break;
            }
            sum += amplitude * calcium(time_s - start_s);
        }
        sum
    }
}
