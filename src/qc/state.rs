//! What a shard keeps beside its rows: sums and counts that can be merged with those of other shards, and from
//! which the figures of the whole recording are made.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::dvars::are_alike;
use super::lattice::Room;
use super::levels::{LevelCounts, Levels};
use super::tsnr::VoxelSums;
use super::{Code, Codes, Plane, References, noise};

/// The mergeable state of all measures that need any. Empty without [`References`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Measures it is kept for.
    pub(super) wanted: Codes,
    /// In order of z.
    pub(super) planes: Vec<PlaneState>,
    /// Changes at each level of light.
    pub(super) levels: Levels,
}

/// What is kept of one plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PlaneState {
    /// Sums of the voxels of the lattice.
    pub sums: VoxelSums,
    /// Sums of the picture, where it is of this plane and has other voxels.
    pub picture: VoxelSums,
    /// Histograms of the changes of the brightest voxels.
    pub changes: Vec<u32>,
}

impl Default for State {
    fn default() -> Self {
        Self { wanted: Codes::NONE, planes: Vec::new(), levels: Levels::default() }
    }
}

impl State {
    /// Nothing has been counted.
    pub(super) fn new(references: &References, wanted: Codes) -> Self {
        let plane = |(z, bright): (usize, &Vec<u32>)| PlaneState {
            sums: VoxelSums::new(references.lattice.len()),
            picture: match &references.picture {
                Some(picture) if z == references.picture_z => VoxelSums::new(picture.len()),
                _ => VoxelSums::default(),
            },
            changes: noise::room(bright.len()),
        };
        Self { wanted, planes: references.bright.iter().enumerate().map(plane).collect(), levels: Levels::new() }
    }

    /// Adds what another shard counted with the same references.
    pub fn merge(&mut self, other: &Self) {
        if self.planes.is_empty() {
            *self = other.clone();
            return;
        }
        for (a, b) in self.planes.iter_mut().zip(&other.planes) {
            a.sums.merge(&b.sums);
            a.picture.merge(&b.picture);
            a.changes.iter_mut().zip(&b.changes).for_each(|(a, b)| *a += b);
        }
        self.levels.merge(&other.levels);
    }
}

/// Which voxels are followed, and for what.
#[derive(Clone, Copy)]
pub(super) struct Follower<'a> {
    references: &'a References,
    has_sums: bool,
    has_levels: bool,
    has_changes: bool,
}

/// What a thread needs again for every plane.
#[derive(Default)]
pub(super) struct Scratch {
    now: Room,
    before: Room,
    levels: LevelCounts,
}

impl<'a> Follower<'a> {
    /// What these measures need.
    pub fn new(references: &'a References, wanted: Codes) -> Self {
        let has = |codes: &[Code]| codes.iter().any(|code| wanted.has(*code));
        Self {
            references,
            has_sums: has(&[Code::Tsnr, Code::Noise]),
            has_levels: has(&[Code::PhotonGain]),
            has_changes: has(&[Code::Noise]),
        }
    }

    /// Takes in a plane, and the same plane of the timepoint before where that is at hand and another one.
    pub fn follow(
        &self,
        z: usize,
        now: &Plane<'_>,
        before: Option<&Plane<'_>>,
        state: &mut PlaneState,
        levels: &Mutex<&mut Levels>,
        scratch: &mut Scratch,
    ) {
        let Some(whole) = now.values else { return };
        let References { lattice, picture, scale, bright, .. } = self.references;
        let now = lattice.pick(whole, &mut scratch.now);
        if self.has_sums {
            state.sums.add(&now, scale);
            if let Some(picture) = picture.as_ref().filter(|_| z == self.references.picture_z) {
                state.picture.add(&picture.pick(whole, &mut scratch.before), scale);
            }
        }
        if !(self.has_levels || self.has_changes) {
            return;
        }
        let Some(before) = before.and_then(|before| before.values) else { return };
        let before = lattice.pick(before, &mut scratch.before);
        if !are_alike(&now, &before) {
            return;
        }
        if self.has_levels {
            scratch.levels.add(&now, &before, scale);
            scratch.levels.pour(&mut levels.lock());
        }
        if self.has_changes {
            noise::add(&mut state.changes, &bright[z], &now, &before, scale);
        }
    }
}
