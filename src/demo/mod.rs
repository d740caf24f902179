//! The demo recording: a larval zebrafish brain that was never alive, with known truth, written the way
//! the rigs write. Everything above this module sees an ordinary split dataset.
//!
//! This is the one place beside `format::hdf5` that names libhdf5: it writes, that one reads.

mod anatomy;
mod block_file;
mod cells;
mod faults;
pub mod rig;
mod rng;
mod scene;
mod writer;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use block_file::Locking;
pub use faults::{Fault, LEAST_SHAPE, Planted};
pub use scene::Scene;
pub use writer::{BlockWriter, Compression, PackedBlock};

use crate::format::FormatError;
use scene::{FULL_SCALE, GAIN, OFFSET, READ_NOISE};

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// (t, z, y, x).
    pub shape: [usize; 4],
    /// Volumes a block.
    pub block_len: usize,
    /// (z, y, x) in µm.
    pub voxel_size_um: [f64; 3],
    /// Volumes a second the animal was recorded at.
    pub rate_hz: f64,
    /// Another seed is another animal.
    pub seed: u64,
    /// Whether faults are planted in it.
    pub has_faults: bool,
}

impl Default for Recipe {
    /// A minute's worth of looking: 60 × 24 × 512 × 512 at 3 Hz.
    fn default() -> Self {
        Self {
            shape: [60, 24, 512, 512],
            block_len: 10,
            voxel_size_um: [8.0, 0.6, 0.6],
            rate_hz: 3.0,
            seed: 20,
            has_faults: false,
        }
    }
}

impl Recipe {
    /// Number of blocks.
    pub fn num_blocks(&self) -> usize {
        self.shape[0].div_ceil(self.block_len.max(1))
    }

    /// The timepoints of block `index`, half-open.
    pub fn block_range(&self, index: usize) -> [usize; 2] {
        let start = index * self.block_len;
        [start.min(self.shape[0]), (start + self.block_len).min(self.shape[0])]
    }
}

/// What is known of the recording because it was made: for tests of the metrics and for `truth.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// [`MADE_BY`], by which our own recordings are told from a user's.
    pub made_by: String,
    /// (t, z, y, x).
    pub shape: [usize; 4],
    /// Shift of the animal against the first timepoint, voxels, (y, x) for each t.
    pub drift_px: Vec<[f32; 2]>,
    /// Share of the fluorescence lost between the first and the last timepoint.
    pub bleached: f32,
    /// Counts in the dark.
    pub offset: f32,
    /// Counts a photon.
    pub gain: f32,
    /// Read noise, counts.
    pub read_noise: f32,
    /// (z, y, x) of the saturated spot at the first timepoint.
    pub saturated_spot: [usize; 3],
    /// Its value.
    pub full_scale: u16,
    /// What is wrong with it.
    #[serde(default)]
    pub faults: Vec<Planted>,
    /// (z, y, x) of every cell at the first timepoint, voxels.
    pub cells: Vec<[f32; 3]>,
}

impl Truth {
    /// The truth of a scene.
    pub fn of(scene: &Scene) -> Self {
        Self {
            made_by: MADE_BY.to_owned(),
            shape: scene.shape(),
            drift_px: (0..scene.shape()[0]).map(|t| scene.drift(t)).collect(),
            bleached: 1.0 - scene.bleaching(scene.shape()[0].saturating_sub(1)),
            offset: OFFSET,
            gain: GAIN,
            read_noise: READ_NOISE,
            saturated_spot: scene.spot(),
            full_scale: FULL_SCALE,
            faults: scene.faults().to_vec(),
            cells: scene.cells().iter().map(|cell| cell.position).collect(),
        }
    }
}

/// Writes one block of the scene.
///
/// # Errors
/// When the file cannot be written.
pub fn write_block(writer: &BlockWriter, scene: &Scene, recipe: &Recipe, index: usize) -> Result<(), FormatError> {
    let [start, stop] = recipe.block_range(index);
    let num = stop - start;
    let block = writer.pack(index, num, num, |t, z, plane| scene.draw(start + t, z, plane))?;
    block.without(|t| scene.is_lost(start + t)).write()
}

/// Writes the whole recording into `exp`: the dataset in `exp/original`, and beside it the experiment's
/// metadata (where the volume rate stands) and `truth.json`. `progress` is told the blocks done and
/// stops the writing by returning false; then there is no `stack_metadata.json`, as after a crash.
/// Returns the folder of the dataset.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    exp: &Path,
    recipe: &Recipe,
    mut progress: impl FnMut(usize, usize) -> bool,
) -> Result<PathBuf, FormatError> {
    let [_, num_z, num_y, num_x] = recipe.shape;
    let writer = BlockWriter::new(exp.join("original"), [num_z, num_y, num_x])?;
    let scene = Scene::new(recipe);
    write_beside(exp, recipe, &scene)?;
    for index in 0..recipe.num_blocks() {
        if !progress(index, recipe.num_blocks()) {
            return Ok(writer.dir().to_owned());
        }
        write_block(&writer, &scene, recipe, index)?;
    }
    writer.finish(recipe.shape[0], recipe.block_len, recipe.voxel_size_um)?;
    progress(recipe.num_blocks(), recipe.num_blocks());
    Ok(writer.dir().to_owned())
}

/// Name of the experiment's metadata file, as Stytra names it.
pub const EXPERIMENT_FILE: &str = "120000_metadata.json";
/// What [`Truth::made_by`] says.
pub const MADE_BY: &str = "tectum demo";
/// Name of the file that holds the [`Truth`].
pub const TRUTH_FILE: &str = "truth.json";

/// Writes what lies beside the dataset: the metadata Stytra writes, and the truth.
///
/// # Errors
/// When a file cannot be written.
pub fn write_beside(exp: &Path, recipe: &Recipe, scene: &Scene) -> Result<(), FormatError> {
    let num_z = recipe.shape[1];
    let stytra = serde_json::json!({"imaging": {"microscope_config": {"lightsheet": {"scanning": {
        "z": {
            "piezo_min": 0.0,
            "piezo_max": recipe.voxel_size_um[0] * num_z as f64,
            "frequency": recipe.rate_hz,
        },
        "triggering": {
            "n_planes": num_z, "n_skip_start": 0, "n_skip_end": 0, "frequency": null,
        },
    }}}}});
    let truth = serde_json::to_string(&Truth::of(scene)).unwrap_or_default();
    for (name, text) in [(EXPERIMENT_FILE, stytra.to_string()), (TRUTH_FILE, truth)] {
        let path = exp.join(name);
        std::fs::write(&path, text).map_err(|error| FormatError::new(&path, format!("cannot be written: {error}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SMALL: Recipe = Recipe {
        shape: [6, 4, 64, 64],
        block_len: 4,
        voxel_size_um: [8.0, 0.6, 0.6],
        rate_hz: 3.0,
        seed: 20,
        has_faults: false,
    };

    fn draw_all(recipe: &Recipe) -> Vec<u16> {
        let scene = Scene::new(recipe);
        let [num_t, num_z, num_y, num_x] = recipe.shape;
        let mut all = vec![0; num_t * num_z * num_y * num_x];
        for (i, plane) in all.chunks_exact_mut(num_y * num_x).enumerate() {
            scene.draw(i / num_z, i % num_z, plane);
        }
        all
    }

    #[test]
    fn the_same_at_each_run_and_another_for_another_seed() {
        let first = draw_all(&SMALL);
        assert_eq!(first, draw_all(&SMALL));
        assert_ne!(first, draw_all(&Recipe { seed: 21, ..SMALL }));
    }

    #[test]
    fn the_truth_is_in_the_picture() {
        let scene = Scene::new(&SMALL);
        let truth = Truth::of(&scene);
        let [z, y, x] = truth.saturated_spot;
        let mut plane = vec![0; 64 * 64];
        scene.draw(0, z, &mut plane);
        assert_eq!(plane[y * 64 + x], truth.full_scale);
        let saturated = plane.iter().filter(|&&v| v == truth.full_scale).count();
        assert!(saturated <= 4, "{saturated}");
        // The corners are dark: the camera's offset and its noise.
        let corner: Vec<f64> = (0..8).flat_map(|r| plane[r * 64..r * 64 + 8].to_vec()).map(f64::from).collect();
        let mean = corner.iter().sum::<f64>() / corner.len() as f64;
        assert!((100.0..108.0).contains(&mean), "{mean}");
        // The brain is brighter than that.
        let middle = f64::from(plane[30 * 64 + 22]);
        assert!(middle > mean + 20.0, "{middle}");
        assert_eq!(truth.drift_px[0], [0.0, 0.0]);
    }

    #[test]
    fn each_fault_is_where_the_truth_says_and_the_rest_is_as_without_them() {
        let sound = Recipe { shape: [60, 6, 64, 64], ..SMALL };
        let (len, num_z) = (64 * 64, 6);
        let faulty = Recipe { has_faults: true, ..sound };
        let planted = Truth::of(&Scene::new(&faulty)).faults;
        let (before, after) = (draw_all(&sound), draw_all(&faulty));
        let plane = |values: &[u16], t: usize, z: usize| values[(t * num_z + z) * len..][..len].to_vec();
        for fault in &planted {
            let ([t, _], [z, _]) = (fault.t, fault.z);
            let (was, is) = (plane(&before, t, z), plane(&after, t, z));
            let sum = |values: &[u16]| values.iter().map(|v| u64::from(*v)).sum::<u64>();
            match fault.fault {
                // What is lost is drawn and not written.
                Fault::Lost => assert_eq!(was, is),
                Fault::Doubled => assert_eq!(is, plane(&after, t - 1, z)),
                Fault::Dark => assert!(sum(&is) < len as u64 * 101, "{}", sum(&is)),
                Fault::Saturated => assert!(is.iter().filter(|v| **v == FULL_SCALE).count() * 1000 > len, "{t}"),
                Fault::Moved | Fault::Blurred | Fault::Slipped => assert_ne!(was, is),
            }
        }
        for (t, z) in (0..60).flat_map(|t| (0..num_z).map(move |z| (t, z))) {
            let is_struck = planted.iter().any(|f| faults::strikes(&[*f], f.fault, t, z) && f.fault != Fault::Lost);
            assert_eq!(plane(&before, t, z) != plane(&after, t, z), is_struck, "t {t}, z {z}");
        }
    }

    #[test]
    fn a_lost_volume_is_not_in_its_block() {
        let dir = tempfile::tempdir().unwrap();
        let recipe = Recipe { shape: [60, 4, 48, 48], block_len: 10, has_faults: true, ..SMALL };
        let folder = write(dir.path(), &recipe, |_, _| true).unwrap();
        let lost = Scene::new(&recipe).faults().iter().find(|planted| planted.fault == Fault::Lost).unwrap().t[0];
        let sizes: Vec<_> =
            (0..6).map(|block| folder.join(format!("{block:04}.h5")).metadata().unwrap().len()).collect();
        let smallest = (0..6).min_by_key(|block| sizes[*block]).unwrap();
        assert_eq!(smallest, lost / 10, "{sizes:?}");
    }

    #[test]
    fn files_hold_what_was_drawn_and_the_json_comes_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut calls = Vec::new();
        let folder = write(dir.path(), &SMALL, |done, all| {
            calls.push((done, all));
            assert_eq!(dir.path().join("original/stack_metadata.json").exists(), done == all);
            true
        })
        .unwrap();
        assert_eq!(calls, [(0, 2), (1, 2), (2, 2)]);
        let names: Vec<_> = ["0000.h5", "0001.h5", "stack_metadata.json"].map(|name| folder.join(name)).into();
        assert!(names.iter().all(|path| path.exists()));
        // Superblock 0, as PyTables writes it.
        let block = std::fs::read(&names[0]).unwrap();
        assert_eq!(&block[..9], b"\x89HDF\r\n\x1a\n\0");
        let truth: Truth = serde_json::from_slice(&std::fs::read(dir.path().join(TRUTH_FILE)).unwrap()).unwrap();
        assert_eq!(truth, Truth::of(&Scene::new(&SMALL)));
    }
}
