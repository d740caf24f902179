//! Opening a dataset as a background job with cancel: the window never waits for a disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::format::{self, FormatError, OpenOptions, Opened};

/// One opening under way.
pub struct OpenJob {
    /// What is being opened.
    pub path: PathBuf,
    /// What the user said beside the path.
    pub options: OpenOptions,
    /// When the job was started.
    pub started: Instant,
    result: Receiver<Result<Opened, FormatError>>,
}

impl OpenJob {
    /// Starts opening `path` on a thread of its own and calls `wake` when it is done.
    pub fn start(path: &Path, mut options: OpenOptions, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        options.cancel = Arc::default();
        let (sender, result) = bounded(1);
        let job = Self { path: path.to_owned(), options: options.clone(), started: Instant::now(), result };
        let target = path.to_owned();
        let run = move || {
            let outcome = format::open(&target, &options);
            // The receiver is gone when the job was cancelled: then nobody wants the result.
            let _ignored = sender.send(outcome);
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-open".into()).spawn(run) {
            tracing::error!("cannot start a thread to open {}: {error}", path.display());
        }
        job
    }

    /// The result once it is there; never blocks.
    pub fn try_result(&self) -> Option<Result<Opened, FormatError>> {
        match self.result.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(FormatError::new(&self.path, "opening stopped unexpectedly; see the log and try again")))
            }
        }
    }
}

impl Drop for OpenJob {
    /// Abandons the opening; its thread ends by itself and nobody waits for it.
    fn drop(&mut self) {
        self.options.cancel.store(true, Ordering::Relaxed);
    }
}
