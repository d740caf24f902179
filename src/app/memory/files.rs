//! Small files in one folder, written behind the window's back: a slow home must not delay a frame, and
//! a crash must not leave half a file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

/// A file larger than this was not written by this program.
const MAX_BYTES: u64 = 1 << 20;

/// The folder, and the thread that writes into it.
pub(super) struct Files {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// For each file what is to become of it, the last word standing.
    files: BTreeMap<String, Option<String>>,
    /// For each folder how many of its files may stay.
    bounds: BTreeMap<String, usize>,
    is_running: bool,
    /// What has been taken off the queue and is being done.
    doing: BTreeMap<String, Option<String>>,
    is_busy: bool,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.bounds.is_empty()
    }
}

impl Files {
    pub fn new(folder: PathBuf) -> Self {
        Self { shared: Arc::new(Shared { folder, queue: Mutex::default(), changed: Condvar::new() }) }
    }

    /// A file's text, as last written here or as it lies on disk. Blocks.
    pub fn read(&self, file: &str) -> Option<String> {
        {
            let queue = self.shared.queue.lock();
            if let Some(waiting) = queue.files.get(file).or_else(|| queue.doing.get(file)) {
                return waiting.clone();
            }
        }
        let path = self.shared.folder.join(file);
        let metadata = std::fs::metadata(&path).ok()?;
        (metadata.is_file() && metadata.len() <= MAX_BYTES).then(|| std::fs::read_to_string(path).ok())?
    }

    /// Writes a file soon.
    pub fn write(&self, file: &str, text: String) {
        self.shared.queue.lock().files.insert(file.to_owned(), Some(text));
        self.work();
    }

    /// Deletes a file soon.
    pub fn remove(&self, file: &str) {
        self.shared.queue.lock().files.insert(file.to_owned(), None);
        self.work();
    }

    /// Deletes the oldest files of a folder soon, so that only so many stay.
    pub fn bound(&self, folder: &str, max: usize) {
        self.shared.queue.lock().bounds.insert(folder.to_owned(), max);
        self.work();
    }

    /// Waits until all is done, at most so long.
    pub fn flush(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut queue = self.shared.queue.lock();
        while queue.is_running && (queue.is_busy || !queue.is_empty()) {
            if self.shared.changed.wait_until(&mut queue, deadline).timed_out() {
                tracing::warn!("{}: not all settings could be written in time", self.shared.folder.display());
                return;
            }
        }
    }

    /// Sees to it that the thread runs and knows of the queue.
    fn work(&self) {
        let mut queue = self.shared.queue.lock();
        if !queue.is_running {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new().name("tectum-memory".into()).spawn(move || shared.run()) {
                Ok(_) => queue.is_running = true,
                Err(error) => tracing::warn!("settings cannot be kept: no thread to write them: {error}"),
            }
        }
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Does what waits, then ends: the next thing to write starts another thread.
    fn run(&self) {
        loop {
            let (files, bounds) = {
                let mut queue = self.queue.lock();
                queue.is_busy = false;
                queue.doing.clear();
                if queue.is_empty() {
                    queue.is_running = false;
                    self.changed.notify_all();
                    return;
                }
                queue.is_busy = true;
                queue.doing = std::mem::take(&mut queue.files);
                (queue.doing.clone(), std::mem::take(&mut queue.bounds))
            };
            for (file, text) in files {
                let path = self.folder.join(file);
                let outcome = match text {
                    Some(text) => write_whole(&path, &text),
                    None => remove(&path),
                };
                if let Err(error) = outcome {
                    tracing::warn!("{}: settings cannot be kept: {error}", path.display());
                }
            }
            for (folder, max) in bounds {
                bound(&self.folder.join(folder), max);
            }
        }
    }
}

/// Under another name first, so that a reader finds the old text or the new.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn bound(folder: &Path, max: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .filter(|(_, path)| is_ours(path))
        .collect();
    files.sort();
    let num_too_many = files.len().saturating_sub(max);
    for (_, path) in files.into_iter().take(num_too_many) {
        if let Err(error) = remove(&path) {
            tracing::warn!("{}: cannot be forgotten: {error}", path.display());
        }
    }
}
