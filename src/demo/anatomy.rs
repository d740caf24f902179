//! The brain of the demo recording: a larval zebrafish seen from above, as a smooth solid made of
//! mirrored ellipsoids, with neuropil, cell layers, ventricles and a dark midline.
//!
//! Coordinates: `u` to the right, `v` from nose to tail, both −1…1 across the image; `w` from dorsal
//! (−1) to ventral (1).

use super::rng::Stream;

/// A point in brain coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Left to right.
    pub u: f32,
    /// Nose to tail.
    pub v: f32,
    /// Dorsal to ventral.
    pub w: f32,
}

impl Point {
    /// Distance in the plane and, weighted less, in depth.
    pub fn distance(self, other: Self) -> f32 {
        let (du, dv, dw) = (self.u - other.u, self.v - other.v, 0.3 * (self.w - other.w));
        (du * du + dv * dv + dw * dw).sqrt()
    }
}

/// What the tissue is like at a point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tissue {
    /// Signed distance to the surface: negative inside.
    pub distance: f32,
    /// Brightness of neuropil, 0…1 (0 outside).
    pub neuropil: f32,
    /// How densely cell bodies lie, 0…1 (0 outside).
    pub cell_density: f32,
}

/// One mirrored ellipsoid: centre and radii in (u, v, w).
struct Lobe {
    centre: [f32; 3],
    radius: [f32; 3],
    neuropil: f32,
    cells: f32,
}

const fn lobe(centre: [f32; 3], radius: [f32; 3], neuropil: f32, cells: f32) -> Lobe {
    Lobe { centre, radius, neuropil, cells }
}

const LOBES: [Lobe; 10] = [
    lobe([0.091, -0.815, -0.05], [0.093, 0.101, 0.55], 0.75, 0.6), // olfactory bulb
    lobe([0.183, -0.610, -0.10], [0.176, 0.196, 0.80], 0.70, 1.0), // telencephalon
    lobe([0.067, -0.400, -0.55], [0.068, 0.069, 0.35], 1.00, 1.0), // habenula
    lobe([0.183, -0.330, 0.55], [0.229, 0.244, 0.50], 0.55, 0.8),  // diencephalon, deep
    lobe([0.378, -0.085, -0.15], [0.362, 0.339, 0.85], 0.80, 1.0), // optic tectum
    lobe([0.232, 0.245, -0.40], [0.291, 0.111, 0.60], 1.00, 0.9),  // cerebellum
    lobe([0.201, 0.390, 0.15], [0.229, 0.212, 0.80], 0.80, 0.9),   // rostral hindbrain
    lobe([0.159, 0.580, 0.10], [0.180, 0.297, 0.75], 0.75, 0.9),   // caudal hindbrain
    lobe([0.091, 0.860, 0.10], [0.105, 0.320, 0.60], 0.65, 0.8),   // spinal cord
    lobe([0.281, 0.060, 0.65], [0.260, 0.320, 0.35], 0.45, 0.5),   // tegmentum, deep
];

/// The centre of the neuropil of the tectum, where retinal axons arrive.
const TECTAL_NEUROPIL: ([f32; 2], [f32; 2]) = ([0.525, -0.140], [0.200, 0.245]);

/// The brain, ready to be asked about any point.
#[derive(Clone, Copy, Debug)]
pub struct Brain {
    texture: Stream,
    warp: Stream,
}

impl Brain {
    /// The brain of this seed: the same plan, individual in its details.
    pub fn new(seed: u64) -> Self {
        Self { texture: Stream::new(seed, 1), warp: Stream::new(seed, 2) }
    }

    /// The tissue at `point`.
    pub fn tissue(&self, point: Point) -> Tissue {
        if LOBES.iter().all(|lobe| lobe_distance(lobe, point.u.abs(), point.v, point.w) > 0.25) {
            return Tissue { distance: 0.25, ..Tissue::default() };
        }
        // No animal is a drawing: the outline is warped, and the body is a little bent and turned.
        let warp = |offset: f32| noise(self.warp, 3.0 * point.u + offset, 3.0 * point.v, 1.2 * point.w) - 0.5;
        let bend = 0.012 * (2.0 * point.v).sin() + 0.018 * point.v;
        let u = point.u - bend + 0.035 * warp(0.0);
        let v = point.v + 0.035 * warp(17.0);
        let w = point.w;
        let side = u.abs();

        let (mut distance, mut neuropil, mut cells, mut weight) = (f32::MAX, 0.0, 0.0, 1e-6);
        for lobe in &LOBES {
            let d = lobe_distance(lobe, side, v, w);
            distance = smooth_min(distance, d, 0.025);
            if d > 0.15 {
                continue;
            }
            let share = (-(d.max(-0.06)) * 30.0).exp();
            neuropil += share * lobe.neuropil;
            cells += share * lobe.cells;
            weight += share;
        }
        (neuropil, cells) = (neuropil / weight, cells / weight);

        // Ventricles: the midline everywhere, a rhombus behind the habenulae and one over the hindbrain.
        let midline = 0.004 + 0.006 * smoothstep(0.15, -0.15, (v + 0.12).abs() - 0.2);
        let third = 0.034 - 0.8 * ((v + 0.315).abs() - 0.015).max(0.0);
        let fourth = (0.075 - 0.55 * (v - 0.385).abs()) * smoothstep(0.35, -0.25, w);
        let ventricle = midline.max(third).max(fourth);
        distance = -smooth_min(-distance, side - ventricle, 0.014);
        if distance > 0.0 {
            return Tissue { distance, neuropil: 0.0, cell_density: 0.0 };
        }

        // Tectal neuropil: bright, smooth and almost without cell bodies; the periventricular layer
        // around it is packed.
        let ([cu, cv], [ru, rv]) = TECTAL_NEUROPIL;
        let tectal = ((side - cu) / ru).hypot((v - cv) / rv) + 0.25 * w.abs();
        let inside = smoothstep(1.05, 0.75, tectal);
        neuropil += 0.85 * inside;
        cells *= 1.0 - 0.86 * inside;
        // Hindbrain: stripes of cells along the body, and neuropil at the sides.
        let hindbrain = smoothstep(0.30, 0.40, v);
        let stripes = 0.5 + 0.5 * (side * 100.0 + 1.5 * (5.0 * v).sin()).cos();
        cells *= 1.0 - hindbrain * 0.75 * stripes;
        neuropil += 0.35 * hindbrain * stripes * smoothstep(0.02, 0.12, side);
        // Telencephalon: a bright core.
        let pallium = (side - 0.18).hypot(0.8 * (v + 0.60)) / 0.11;
        neuropil += 0.45 * smoothstep(1.0, 0.4, pallium) * smoothstep(0.8, 0.0, w.abs());

        let coarse = noise(self.texture, 9.0 * u, 9.0 * v, 2.5 * w);
        let fine = noise(self.texture, 34.0 * u + 50.0, 34.0 * v, 6.0 * w);
        let grain = noise(self.texture, 90.0 * u + 90.0, 90.0 * v, 11.0 * w);
        let structure = 0.35 + 0.65 * coarse + 0.55 * (fine - 0.5) + 0.30 * (grain - 0.5);
        let depth = -distance;
        Tissue {
            distance,
            neuropil: (neuropil * structure).max(0.02) * smoothstep(0.0, 0.016, depth),
            cell_density: cells * smoothstep(0.004, 0.016, depth),
        }
    }
}

/// Approximate signed distance to an ellipsoid; depth counts less, as planes are far apart.
fn lobe_distance(lobe: &Lobe, u: f32, v: f32, w: f32) -> f32 {
    let p = [u - lobe.centre[0], v - lobe.centre[1], w - lobe.centre[2]];
    let scaled: [f32; 3] = std::array::from_fn(|i| p[i] / lobe.radius[i]);
    let k = (scaled[0] * scaled[0] + scaled[1] * scaled[1] + scaled[2] * scaled[2]).sqrt();
    let edge = lobe.radius[0].min(lobe.radius[1]);
    (k - 1.0) * edge
}

/// The smaller of two distances with a fillet of about `radius` where they meet.
fn smooth_min(a: f32, b: f32, radius: f32) -> f32 {
    let h = (radius - (a - b).abs()).max(0.0) / radius;
    a.min(b) - h * h * radius * 0.25
}

/// 0 at `from`, 1 at `to`, smooth between; `from` may be the larger.
pub fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Value noise in 0…1 with one feature per unit.
pub fn noise(stream: Stream, x: f32, y: f32, z: f32) -> f32 {
    let floor = [x.floor(), y.floor(), z.floor()];
    let cell = floor.map(|f| f as i64);
    let fraction = [x - floor[0], y - floor[1], z - floor[2]].map(|f| f * f * (3.0 - 2.0 * f));
    let corner = |i: i64, j: i64, k: i64| {
        let pack = |c: i64| (c + 0x10_0000) as u64 & 0x1F_FFFF;
        stream.uniform(pack(cell[0] + i) | pack(cell[1] + j) << 21 | pack(cell[2] + k) << 42)
    };
    let lerp = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let row = |j, k| lerp(corner(0, j, k), corner(1, j, k), fraction[0]);
    let face = |k| lerp(row(0, k), row(1, k), fraction[1]);
    lerp(face(0), face(1), fraction[2])
}
