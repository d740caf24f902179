//! What a task says of itself while it runs, so that others can tell how far it is: one small file, written anew every
//! few seconds. Nothing depends on it; what is done is known by the records.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError};
use std::sync::{Mutex, mpsc::RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::write::write_whole;

/// How often a task says that it is alive.
const BEAT: Duration = Duration::from_secs(5);

/// What is said of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskNote {
    /// Which one.
    pub task: u64,
    /// On which machine.
    pub host: String,
    /// As which process there.
    pub process: u32,
    /// When it began, seconds since 1970.
    pub began_s: f64,
    /// When it was last alive.
    pub seen_s: f64,
    /// When it ended, in whatever way.
    pub ended_s: Option<f64>,
    /// Bytes of voxels it has dealt with in this run.
    pub num_bytes: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// Seconds since 1970.
pub fn now_s() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

fn path(folder: &Path, task: u64) -> PathBuf {
    folder.join(format!("{task:06}.json"))
}

/// The note of a task; `None` where it has not begun.
pub fn read(folder: &Path, task: u64) -> Option<TaskNote> {
    serde_json::from_slice(&std::fs::read(path(folder, task)).ok()?).ok()
}

/// A note that is kept up while a task runs.
pub struct Beat {
    folder: PathBuf,
    note: Arc<Mutex<TaskNote>>,
    end: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Beat {
    /// A task begins.
    pub fn begin(folder: &Path, task: u64) -> Self {
        let now = now_s();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        let process = std::process::id();
        let note =
            TaskNote { task, host, process, began_s: now, seen_s: now, ended_s: None, num_bytes: 0, error: None };
        write(folder, &note);
        let (note, (end, ended)) = (Arc::new(Mutex::new(note)), channel());
        let (kept, place) = (Arc::clone(&note), folder.to_owned());
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let note = {
                    let mut note = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    note.seen_s = now_s();
                    note.clone()
                };
                // Not under the lock: the disk may be slow, and whoever works says how far it is.
                write(&place, &note);
            }
        });
        Self { folder: folder.to_owned(), note, end: Some((end, thread)) }
    }

    /// So many bytes more were dealt with.
    pub fn advance(&self, num_bytes: u64) {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).num_bytes += num_bytes;
    }

    /// The task ends.
    pub fn end(mut self, error: Option<String>) {
        if let Some((end, thread)) = self.end.take() {
            drop(end);
            // It only writes notes.
            let _ = thread.join();
        }
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        (note.seen_s, note.ended_s, note.error) = (now_s(), Some(now_s()), error);
        write(&self.folder, &note);
    }
}

/// Nothing depends on notes: what cannot be written is left.
fn write(folder: &Path, note: &TaskNote) {
    if let Ok(bytes) = serde_json::to_vec(note)
        && let Err(error) = write_whole(&path(folder, note.task), &bytes)
    {
        tracing::debug!("{}: {error}", folder.display());
    }
}
