//! How far the tasks of a plan are, told by the records of their pieces and the notes of those that run.

use anyhow::Result;
use serde::Serialize;

use super::notes::{self, TaskNote};
use super::tasks::tasks_as_text;
use super::{JobPlan, JobWork};

/// A task that was not seen for so long is not running any more: it was killed.
const SILENCE_S: f64 = 30.0;

/// How far a plan is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Whether all of it has been merged.
    pub is_merged: bool,
    /// Tasks.
    pub num_tasks: u64,
    /// Pieces that are whole, of how many.
    pub pieces: [u64; 2],
    /// Tasks of which all pieces are there, as a list.
    pub done: String,
    /// Tasks that run at this moment.
    pub running: String,
    /// Tasks that have ended with an error.
    pub failed: String,
    /// Tasks that have still to be run, the failed ones among them: what `sbatch --array` takes.
    pub missing: String,
    /// Why those have failed, in order.
    pub errors: Vec<(u64, String)>,
    /// Bytes of voxels dealt with per second, by all tasks that run.
    pub bytes_per_s: Option<f64>,
    /// Seconds until all pieces are there, at the rate at which they have come so far.
    pub seconds_left: Option<f64>,
    /// The task that took longest or runs longest, and its seconds.
    pub slowest: Option<(u64, f64)>,
}

/// Looks at all tasks of a plan. Asks the disk for each piece.
///
/// # Errors
/// For a plan that names no target.
pub fn status(plan: &JobPlan) -> Result<Status> {
    let folder = plan.folder()?;
    let (records, now) = (plan.records()?, notes::now_s());
    let is_merged = folder.is_merged();
    let is_whole: Vec<bool> = (0..plan.num_pieces).map(|piece| is_merged || records.get(piece).is_some()).collect();
    let notes: Vec<TaskNote> =
        (0..plan.tasks.len() as u64).filter_map(|task| notes::read(&folder.notes(), task)).collect();
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for (task, [first, end]) in plan.tasks.iter().enumerate() {
        let all = is_whole[*first as usize..*end as usize].iter().all(|whole| *whole);
        if all { done.push(task as u64) } else { missing.push(task as u64) }
    }
    let runs = |note: &&TaskNote| note.ended_s.is_none() && now - note.seen_s < SILENCE_S;
    let is_missing = |note: &&TaskNote| missing.binary_search(&note.task).is_ok();
    let running: Vec<&TaskNote> = notes.iter().filter(is_missing).filter(runs).collect();
    let failed: Vec<&TaskNote> = notes.iter().filter(is_missing).filter(|note| note.error.is_some()).collect();
    let seconds = |note: &TaskNote| note.ended_s.unwrap_or(note.seen_s) - note.began_s;
    let rate = |note: &&TaskNote| note.num_bytes as f64 / (note.seen_s - note.began_s).max(0.1);
    let num_whole = is_whole.iter().filter(|whole| **whole).count() as u64;
    let began = notes.iter().map(|note| note.began_s).min_by(f64::total_cmp);
    let left = plan.num_pieces - num_whole;
    let per_piece = began.filter(|_| num_whole > 0).map(|began| (now - began) / num_whole as f64);
    let numbers = |notes: &[&TaskNote]| tasks_as_text(&notes.iter().map(|note| note.task).collect::<Vec<_>>());
    Ok(Status {
        is_merged,
        num_tasks: plan.tasks.len() as u64,
        pieces: [num_whole, plan.num_pieces],
        done: tasks_as_text(&done),
        missing: tasks_as_text(&missing),
        running: numbers(&running),
        failed: numbers(&failed),
        errors: failed.iter().filter_map(|note| Some((note.task, note.error.clone()?))).collect(),
        bytes_per_s: (!running.is_empty()).then(|| running.iter().map(rate).sum()),
        seconds_left: per_piece.filter(|_| left > 0 && !running.is_empty()).map(|each| each * left as f64),
        slowest: notes.iter().map(|note| (note.task, seconds(note))).max_by(|a, b| a.1.total_cmp(&b.1)),
    })
}

impl JobPlan {
    /// Seconds that its tasks have worked, all together, as far as they have noted it.
    ///
    /// # Errors
    /// For a plan that names no target.
    pub fn seconds_worked(&self) -> Result<f64> {
        let folder = self.folder()?.notes();
        let notes = (0..self.tasks.len() as u64).filter_map(|task| notes::read(&folder, task));
        Ok(notes.map(|note| note.seen_s - note.began_s).sum())
    }

    /// What it does, in a word.
    pub fn kind(&self) -> &'static str {
        match self.work {
            JobWork::Convert(_) => "convert",
            JobWork::Qc(_) => "qc",
        }
    }
}
