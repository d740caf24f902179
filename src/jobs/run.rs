//! Some tasks of a plan, done one after the other. Knows of no other task and no other machine.

use anyhow::{Context, Result};

use super::notes::Beat;
use super::{JobPlan, WorkFolder};
use crate::write::Written;

/// Pieces of some work that can be done in any order.
pub trait Pieces {
    /// Does these pieces, ascending; `done` is told of each that is whole, perhaps from other threads, and `advance` of
    /// bytes of voxels that were dealt with.
    ///
    /// # Errors
    /// The first failure of any.
    fn write(
        &self,
        pieces: &[u64],
        done: &(dyn Fn(u64, &Written) -> Result<()> + Sync),
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<()>;
}

/// What happens while tasks run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A task begins; some of its pieces may have been done before.
    Begun {
        /// Which.
        task: u64,
        /// Its pieces.
        pieces: u64,
        /// Those that are there already.
        done: u64,
    },
    /// A piece is whole.
    Piece {
        /// Of which task.
        task: u64,
        /// Its number.
        piece: u64,
        /// Bytes in the target.
        num_bytes: u64,
        /// Checksum of those.
        crc32c: u32,
    },
    /// A task is done.
    Done {
        /// Which.
        task: u64,
        /// Seconds it took.
        seconds: f64,
        /// Bytes of voxels dealt with.
        voxel_bytes: u64,
    },
}

/// Does tasks of a plan. Pieces that are recorded are left as they are.
///
/// # Errors
/// The first failure; pieces that were whole before stay done.
pub fn run(
    plan: &JobPlan,
    folder: &WorkFolder,
    tasks: &[u64],
    pieces: &dyn Pieces,
    tell: &(dyn Fn(&Event) + Sync),
) -> Result<()> {
    let records = plan.records()?;
    for &task in tasks {
        let [first, end] = *plan.tasks.get(task as usize).context("there is no such task")?;
        let left: Vec<u64> = (first..end).filter(|&piece| records.get(piece).is_none()).collect();
        tell(&Event::Begun { task, pieces: end - first, done: end - first - left.len() as u64 });
        let (begin, num_bytes) = (std::time::Instant::now(), std::sync::atomic::AtomicU64::new(0));
        if !left.is_empty() {
            let beat = Beat::begin(&folder.notes(), task);
            let done = |piece: u64, written: &Written| -> Result<()> {
                records.put(piece, written)?;
                tell(&Event::Piece { task, piece, num_bytes: written.num_bytes, crc32c: written.crc32c });
                Ok(())
            };
            let advance = |bytes: u64| {
                num_bytes.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
                beat.advance(bytes);
            };
            let ended = pieces.write(&left, &done, &advance);
            beat.end(ended.as_ref().err().map(|error| format!("{error:#}")));
            ended.with_context(|| format!("task {task}"))?;
        }
        let voxel_bytes = num_bytes.into_inner();
        tell(&Event::Done { task, seconds: begin.elapsed().as_secs_f64(), voxel_bytes });
    }
    Ok(())
}
