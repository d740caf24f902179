//! What can be wrong with the demo recording: faults planted in it for the measures of quality to find.

use serde::{Deserialize, Serialize};

/// Volumes and planes that are needed to have something of everything.
pub const LEAST_SHAPE: [usize; 2] = [60, 4];

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The animal has jumped, and lies back where it was after a few volumes.
    Moved,
    /// The laser is off.
    Dark,
    /// The volume never reached the disk.
    Lost,
    /// A patch of the plane is at full scale.
    Saturated,
    /// The plane is out of focus.
    Blurred,
    /// The plane is that of the volume before.
    Doubled,
    /// The camera has lost a frame: every plane shows what the next one should.
    Slipped,
}

/// A fault, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// Which.
    pub fault: Fault,
    /// First and last timepoint.
    pub t: [usize; 2],
    /// First and last plane.
    pub z: [usize; 2],
}

/// How far a moved animal is from where it should be, (y, x) in voxels.
pub const MOVED_PX: [f32; 2] = [6.0, -5.0];
/// Share of a plane that a saturated patch takes.
pub const PATCH_SHARE: f32 = 0.004;
/// Radius of the blur of a plane out of focus, voxels of the standard 512 × 512 recording.
const BLUR_PX: f32 = 5.0;

/// One of everything, spread over a recording of this (t, z, y, x) shape. The first sixth is sound, as what
/// comes later is compared with it.
pub fn plan(shape: [usize; 4]) -> Vec<Planted> {
    let [num_t, num_z, ..] = shape;
    let at = |sixtieths: usize| (num_t * sixtieths / 60).min(num_t.saturating_sub(1));
    let depth = |share: f32| (num_z as f32 * share) as usize;
    let all = [0, num_z.saturating_sub(1)];
    let plant = |fault, t, z| Planted { fault, t, z };
    vec![
        plant(Fault::Moved, [at(14), at(16)], all),
        plant(Fault::Dark, [at(21), at(22)], all),
        plant(Fault::Lost, [at(26), at(26)], all),
        plant(Fault::Saturated, [at(30), at(38)], [depth(0.3), depth(0.3) + 1]),
        plant(Fault::Blurred, [at(41), at(45)], [depth(0.5), depth(0.5)]),
        plant(Fault::Doubled, [at(48), at(48)], [depth(0.4), depth(0.4)]),
        plant(Fault::Slipped, [at(52), num_t.saturating_sub(1)], all),
    ]
}

/// Whether a plane is struck.
pub fn strikes(faults: &[Planted], fault: Fault, t: usize, z: usize) -> bool {
    let within = |range: [usize; 2], at: usize| range[0] <= at && at <= range[1];
    faults.iter().any(|planted| planted.fault == fault && within(planted.t, t) && within(planted.z, z))
}

/// Puts a plane's light out of focus: three running means along each axis.
pub fn blur(light: &mut [f32], num_x: usize, scale: f32) {
    let radius = (BLUR_PX * scale).round().max(1.0) as usize;
    let num_y = light.len() / num_x.max(1);
    for _ in 0..3 {
        for row in light.chunks_exact_mut(num_x) {
            let smooth = running_mean(row, radius);
            row.copy_from_slice(&smooth);
        }
        for x in 0..num_x {
            let column: Vec<f32> = (0..num_y).map(|y| light[y * num_x + x]).collect();
            for (y, value) in running_mean(&column, radius).into_iter().enumerate() {
                light[y * num_x + x] = value;
            }
        }
    }
}

/// The mean of what lies within `radius`.
fn running_mean(line: &[f32], radius: usize) -> Vec<f32> {
    let mut sums = Vec::with_capacity(line.len() + 1);
    sums.push(0.0f64);
    for (i, value) in line.iter().enumerate() {
        sums.push(sums[i] + f64::from(*value));
    }
    (0..line.len())
        .map(|i| {
            let (first, end) = (i.saturating_sub(radius), (i + radius + 1).min(line.len()));
            ((sums[end] - sums[first]) / (end - first) as f64) as f32
        })
        .collect()
}
