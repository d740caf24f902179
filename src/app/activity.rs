//! What goes on beside the recording that is open: another is being opened, waited for, or could not be
//! opened.

use std::path::PathBuf;

use super::failure::Failure;
use super::open_job::OpenJob;
use super::session::Session;
use super::wake::WakeFn;
use crate::format::{FormatError, OpenOptions};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};

/// One thing at a time.
pub enum Activity {
    /// Nothing.
    Idle,
    /// A recording is being opened.
    Opening(OpenJob),
    /// A recording is expected.
    Waiting(Wait),
    /// A recording could not be opened.
    Failed(Failure),
}

/// A recording that is expected.
pub struct Wait {
    /// Where.
    pub path: PathBuf,
    /// What is waited for, in words.
    pub what: String,
    options: OpenOptions,
    watcher: Watcher,
}

impl Wait {
    fn new(path: PathBuf, options: OpenOptions, wake: &WakeFn) -> Self {
        let watcher = Watcher::start(&path, options.clone(), None, WatchConfig::default(), wake.clone());
        Self { path, what: "a recording".to_owned(), options, watcher }
    }
}

impl Activity {
    /// The outcome of an opening, once: the session and its path, or the path that could not be opened.
    pub fn poll(&mut self, wake: &WakeFn) -> Option<Result<(Box<Session>, PathBuf), PathBuf>> {
        let Self::Opening(job) = self else { return None };
        let outcome = job.try_result()?;
        let (path, options) = (job.path.clone(), job.options());
        match outcome {
            Ok(session) => {
                *self = Self::Idle;
                Some(Ok((session, path)))
            }
            // Its first block is being written, or it was said to be waited for: nothing to ask.
            Err(error) if error.is_beginning => {
                *self = Self::Waiting(Wait::new(path, options, wake));
                None
            }
            Err(error) => {
                self.fail(error, path.clone(), options, wake);
                Some(Err(path))
            }
        }
    }

    fn fail(&mut self, error: FormatError, path: PathBuf, options: OpenOptions, wake: &WakeFn) {
        *self = Self::Failed(Failure::new(error, path, options, wake.clone()));
    }

    /// From a failed opening to waiting for a recording in its place.
    pub fn wait(&mut self, wake: &WakeFn) {
        if let Self::Failed(failure) = self {
            *self = Self::Waiting(Wait::new(failure.path.clone(), failure.options.clone(), wake));
        }
    }

    /// What to open, if a recording that was waited for is there.
    pub fn has_appeared(&mut self) -> Option<(PathBuf, OpenOptions)> {
        let Self::Waiting(wait) = self else { return None };
        if let LiveState::Waiting { what } = wait.watcher.status().state {
            wait.what = what;
        }
        let is_there = wait.watcher.drain().iter().any(|event| !matches!(event, LiveEvent::Status));
        is_there.then(|| (wait.path.clone(), wait.options.clone()))
    }
}
