//! Prepare: what every timepoint is compared with, made of the first volumes. It never changes afterwards, so
//! that any part of a recording can be measured with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::exposure::{DarkEnd, read_noise};
use super::lattice::{Lattice, Room};
use super::levels::{LevelCounts, Levels};
use super::tsnr::VoxelSums;
use super::whole::{WholePreparation, WholeReferences};
use super::{Codes, Plane, Subject, Values, noise};

/// Volumes the references are made of, at most.
pub const REFERENCE_VOLUMES: usize = 10;

/// What timepoints are compared with. Can be kept, so that all parts of a recording are measured with the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct References {
    /// Volumes they were made of.
    pub num_volumes: usize,
    /// Dark level of the camera, counts: the 0.1 percentile of the first volume. NaN where no value was there.
    pub offset: f64,
    /// Read noise, counts, as far as it shows in the darkest voxels of the first volumes.
    pub read_noise: Option<f64>,
    /// How values are counted.
    pub(super) scale: Scale,
    /// The voxels that are followed through time.
    pub(super) lattice: Lattice,
    /// Those of the picture of the middle plane, where they are others.
    pub(super) picture: Option<Lattice>,
    /// The plane that pictures are made of.
    pub(super) picture_z: usize,
    /// For each plane the brightest voxels, as places in the lattice.
    pub(super) bright: Vec<Vec<u32>>,
    pub(super) whole: WholeReferences,
}

/// How values are counted: in steps from a zero, so that integers are counted as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Value of level 0.
    pub zero: f64,
    /// From one level of light to the next.
    pub unit: f64,
    /// From one amount of change to the next.
    pub step: f64,
}

impl Scale {
    /// As they are.
    pub const PLAIN: Self = Self { zero: 0.0, unit: 1.0, step: 1.0 };
}

/// Collects the first volumes, in order of t.
pub struct Preparation {
    num_volumes: usize,
    dark_end: DarkEnd,
    known: Option<(f64, Scale)>,
    lattice: Lattice,
    picture: Option<Lattice>,
    planes: Vec<PlaneMeans>,
    pair_counts: LevelCounts,
    levels: Levels,
    room: Room,
    whole: Option<WholePreparation>,
}

/// What is collected of one plane: its sums, and its last voxels with their timepoint.
struct PlaneMeans {
    sums: VoxelSums,
    last: Option<(usize, Picked)>,
}

enum Picked {
    Codes(Vec<u16>, i32),
    Reals(Vec<f64>),
}

impl Picked {
    fn new(values: &Values<'_>) -> Self {
        match values {
            Values::Codes { codes, base } => Self::Codes(codes.to_vec(), *base),
            Values::Reals(values) => Self::Reals(values.to_vec()),
        }
    }

    fn values(&self) -> Values<'_> {
        match self {
            Self::Codes(codes, base) => Values::Codes { codes, base: *base },
            Self::Reals(values) => Values::Reals(values),
        }
    }
}

impl Preparation {
    /// Nothing has been seen.
    pub fn new(subject: &Subject, wanted: Codes) -> Self {
        let lattice = Lattice::of_volume(subject.plane_shape(), subject.num_z());
        let picture = (!lattice.is_dense()).then(|| Lattice::of_picture(subject.plane_shape()));
        let plane = |_| PlaneMeans { sums: VoxelSums::new(lattice.len()), last: None };
        Self {
            num_volumes: 0,
            dark_end: DarkEnd::new(subject),
            known: None,
            planes: (0..subject.num_z()).map(plane).collect(),
            lattice,
            picture,
            pair_counts: LevelCounts::default(),
            levels: Levels::new(),
            room: Room::default(),
            whole: WholePreparation::new(subject, wanted),
        }
    }

    /// Some planes of one of the first volumes, from plane `first_z` on; `t` counts up.
    pub fn planes(&mut self, t: usize, first_z: usize, planes: &[Plane<'_>]) {
        if let Some(whole) = &mut self.whole {
            whole.planes(first_z, planes);
        }
        if self.known.is_none() {
            self.dark_end.add(planes);
        }
        for (plane, means) in planes.iter().zip(self.planes.iter_mut().skip(first_z)) {
            let Some(values) = plane.values else { continue };
            let picked = self.lattice.pick(values, &mut self.room);
            if let (Some((_, scale)), Some((before, last))) = (&self.known, &means.last) {
                // The same plane twice says nothing of noise.
                if before + 1 == t && !are_equal(&picked, &last.values()) {
                    self.pair_counts.add(&picked, &last.values(), scale);
                    self.pair_counts.pour(&mut self.levels);
                }
            }
            means.sums.add(&picked, &Scale::PLAIN);
            means.last = Some((t, Picked::new(&picked)));
        }
    }

    /// All planes of that timepoint have been given.
    pub fn end(&mut self) {
        self.num_volumes += 1;
        if let Some(whole) = &mut self.whole {
            whole.end();
        }
        if self.known.is_none() {
            self.known = self.dark_end.close();
        }
    }

    /// The references of what has been seen.
    pub fn finish(self) -> Arc<References> {
        let (offset, scale) = self.known.unwrap_or((f64::NAN, Scale::PLAIN));
        let means: Vec<Vec<f64>> = self.planes.iter().map(|plane| plane.sums.means(&Scale::PLAIN).collect()).collect();
        Arc::new(References {
            num_volumes: self.num_volumes,
            offset,
            read_noise: read_noise(&self.levels, &scale),
            scale,
            lattice: self.lattice,
            picture: self.picture,
            picture_z: self.planes.len() / 2,
            bright: noise::choose(&means),
            whole: self.whole.map(WholePreparation::finish).unwrap_or_default(),
        })
    }
}

/// Whether no value differs.
pub fn are_equal(a: &Values<'_>, b: &Values<'_>) -> bool {
    match (a, b) {
        (Values::Codes { codes: a, .. }, Values::Codes { codes: b, .. }) => a == b,
        (Values::Reals(a), Values::Reals(b)) => a == b,
        _ => false,
    }
}
