//! A rig at work: the demo recording written in real time as sashimi writes, with the ways such a
//! recording ends.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{BlockWriter, PackedBlock, Recipe, Scene, write_beside};
use crate::format::FormatError;

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The last block, then `stack_metadata.json`.
    Finished,
    /// A last block of which only the first half got to the disk, and no metadata.
    Crashed,
}

/// One run of the rig.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// What is recorded; the metadata claim its whole length, whenever the run is stopped.
    pub recipe: Recipe,
    /// Volumes a second.
    pub rate_hz: f64,
    /// Stop after so many volumes, as a user who has seen enough.
    pub stop_after: Option<usize>,
    /// How it ends.
    pub ending: Ending,
    /// Draw only so many blocks and record them over and over, for rates that drawing cannot keep up with.
    pub repeat_blocks: Option<usize>,
}

/// What happened, for the progress bar and the tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// So many volumes have been "acquired"; they are still in memory.
    Acquired(usize),
    /// Block `index` has been closed, with `num_t` volumes on disk by now, `late` after its time.
    Landed {
        /// Which block.
        index: usize,
        /// Volumes on disk.
        num_t: usize,
        /// How late the rig is; a real one would have lost data when this keeps growing.
        late: Duration,
    },
}

/// Clears the way for a recording in `exp/original` exactly as sashimi does: a finished recording is
/// removed with its folder; what a crash left stays, to be overwritten block by block.
///
/// # Errors
/// When the folder cannot be removed.
pub fn clear(exp: &Path) -> Result<(), FormatError> {
    let folder = exp.join("original");
    if folder.join("stack_metadata.json").exists() {
        std::fs::remove_dir_all(&folder)
            .map_err(|error| FormatError::new(&folder, format!("cannot be removed: {error}")))?;
    }
    Ok(())
}

/// Records into `exp/original` at the rig's rate; blocks the caller for as long as that takes.
/// `progress` stops the run by returning false, and then nothing more is written.
///
/// # Errors
/// When a file cannot be written.
pub fn record(exp: &Path, run: &Run, mut progress: impl FnMut(Progress) -> bool) -> Result<(), FormatError> {
    let recipe = run.recipe;
    let [num_t, num_z, num_y, num_x] = recipe.shape;
    let writer = BlockWriter::new(exp.join("original"), [num_z, num_y, num_x])?;
    let drawn_t = run.repeat_blocks.map_or(num_t, |blocks| num_t.min(blocks * recipe.block_len));
    let scene = Scene::new(&Recipe { shape: [drawn_t.max(1), num_z, num_y, num_x], ..recipe });
    write_beside(exp, &recipe, &scene)?;

    let end_t = run.stop_after.unwrap_or(num_t).min(num_t);
    let num_blocks = end_t.div_ceil(recipe.block_len.max(1));
    let mut reel: Vec<PackedBlock> = Vec::new();
    let clock = Clock { start: Instant::now(), rate_hz: run.rate_hz };
    for index in 0..num_blocks {
        let [start_t, stop_t] = recipe.block_range(index);
        let is_last = index + 1 == num_blocks;
        let num = stop_t.min(end_t) - start_t;
        let (shape_t, written) = match run.ending {
            Ending::Crashed if is_last => (stop_t - start_t, num.div_ceil(2).min(num)),
            _ => (num, num),
        };
        let draw = |t: usize, z: usize, plane: &mut [u16]| {
            scene.draw((start_t + t) % drawn_t.max(1), z, plane);
        };
        let whole = written == recipe.block_len;
        let again = run.repeat_blocks.filter(|&blocks| whole && index >= blocks && blocks > 0);
        let packed = match again {
            Some(_) => None,
            None => {
                let block = writer.pack(index, shape_t, written, draw)?;
                Some(block.without(|t| scene.is_lost((start_t + t) % drawn_t.max(1))))
            }
        };
        if !clock.wait(start_t, start_t + num, &mut progress) {
            return Ok(());
        }
        match (&packed, again) {
            (Some(block), _) => block.write()?,
            (None, Some(blocks)) => reel[index % blocks].write_to(&writer.path(index))?,
            (None, None) => {}
        }
        if run.repeat_blocks.is_some_and(|blocks| whole && index < blocks) {
            reel.extend(packed);
        }
        let late = clock.late(start_t + num);
        if !progress(Progress::Landed { index, num_t: start_t + written, late }) {
            return Ok(());
        }
    }
    if run.ending == Ending::Finished {
        writer.finish(num_t, recipe.block_len, recipe.voxel_size_um)?;
    }
    Ok(())
}

/// When which volume has been acquired.
struct Clock {
    start: Instant,
    rate_hz: f64,
}

impl Clock {
    fn due(&self, num_t: usize) -> Instant {
        let seconds = num_t as f64 / self.rate_hz.max(1e-3);
        self.start + Duration::from_secs_f64(seconds.min(1e9))
    }

    fn late(&self, num_t: usize) -> Duration {
        Instant::now().saturating_duration_since(self.due(num_t))
    }

    /// Waits until volume `to` has been acquired; false when told to stop.
    fn wait(&self, from: usize, to: usize, progress: &mut impl FnMut(Progress) -> bool) -> bool {
        for num_t in from + 1..=to {
            loop {
                let rest = self.due(num_t).saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    break;
                }
                std::thread::sleep(rest.min(Duration::from_millis(100)));
                if !progress(Progress::Acquired(num_t - 1)) {
                    return false;
                }
            }
        }
        progress(Progress::Acquired(to))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(num_t: usize) -> Run {
        let recipe = Recipe { shape: [num_t, 2, 48, 40], block_len: 3, ..Recipe::default() };
        Run { recipe, rate_hz: 500.0, stop_after: None, ending: Ending::Finished, repeat_blocks: None }
    }

    fn names(exp: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(exp.join("original"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn blocks_land_in_order_and_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut landed = Vec::new();
        record(dir.path(), &run(8), |progress| {
            if let Progress::Landed { index, num_t, .. } = progress {
                assert!(start.elapsed() >= Duration::from_secs_f64(num_t as f64 / 500.0));
                landed.push((index, num_t));
            }
            true
        })
        .unwrap();
        assert_eq!(landed, [(0, 3), (1, 6), (2, 8)]);
        assert_eq!(names(dir.path()), ["0000.h5", "0001.h5", "0002.h5", "stack_metadata.json"]);
        clear(dir.path()).unwrap();
        assert!(!dir.path().join("original").exists());
    }

    #[test]
    fn a_crash_leaves_no_metadata_and_is_not_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let crash = Run { ending: Ending::Crashed, stop_after: Some(5), ..run(9) };
        record(dir.path(), &crash, |_| true).unwrap();
        assert_eq!(names(dir.path()), ["0000.h5", "0001.h5"]);
        clear(dir.path()).unwrap();
        assert_eq!(names(dir.path()).len(), 2);
    }

    #[test]
    fn a_stop_leaves_a_claim_of_more() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), &Run { stop_after: Some(4), ..run(9) }, |_| true).unwrap();
        let json = std::fs::read(dir.path().join("original/stack_metadata.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["shape_full"][0], 9);
        assert_eq!(names(dir.path()).len(), 3);
    }

    #[test]
    fn repeated_blocks_hold_the_same_data() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), &Run { repeat_blocks: Some(1), ..run(6) }, |_| true).unwrap();
        let file = |name: &str| std::fs::read(dir.path().join("original").join(name)).unwrap();
        assert_eq!(file("0000.h5").len(), file("0001.h5").len());
    }
}
