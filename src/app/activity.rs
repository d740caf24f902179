//! What goes on beside the recording that is open: another is being opened, waited for, or could not be
//! opened.

use super::failure::Failure;
use super::open_job::OpenJob;
use super::session::Session;
use super::wake::WakeFn;
use crate::format::{FormatError, FormatErrorCode, OpenOptions};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use crate::volume::Location;

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
    pub location: Location,
    /// What is waited for, in words.
    pub what: String,
    options: OpenOptions,
    watcher: Watcher,
}

impl Wait {
    fn new(location: Location, options: OpenOptions, wake: &WakeFn) -> Self {
        tracing::info!("{location}: waiting for a recording");
        let watcher = Watcher::start(&location, options.clone(), None, WatchConfig::default(), wake.clone());
        Self { location, what: "a recording".to_owned(), options, watcher }
    }
}

impl Activity {
    /// The outcome of an opening, once: the session and what was opened, or what could not be.
    pub fn poll(&mut self, wake: &WakeFn) -> Option<Result<(Box<Session>, Location), Location>> {
        let Self::Opening(job) = self else { return None };
        let outcome = job.try_result()?;
        let (location, options) = (job.location.clone(), job.options());
        match outcome {
            Ok(session) => {
                *self = Self::Idle;
                Some(Ok((session, location)))
            }
            // Its first block is being written, or it was said to be waited for: nothing to ask.
            Err(error) if error.code == FormatErrorCode::Beginning => {
                *self = Self::Waiting(Wait::new(location, options, wake));
                None
            }
            Err(error) => {
                self.fail(error, location.clone(), options, wake);
                Some(Err(location))
            }
        }
    }

    fn fail(&mut self, error: FormatError, location: Location, options: OpenOptions, wake: &WakeFn) {
        *self = Self::Failed(Failure::new(error, location, options, wake.clone()));
    }

    /// From a failed opening to waiting for a recording in its place.
    pub fn wait(&mut self, wake: &WakeFn) {
        if let Self::Failed(failure) = self {
            *self = Self::Waiting(Wait::new(failure.location.clone(), failure.options.clone(), wake));
        }
    }

    /// What to open, if a recording that was waited for is there.
    pub fn has_appeared(&mut self) -> Option<(Location, OpenOptions)> {
        let Self::Waiting(wait) = self else { return None };
        if let LiveState::Waiting { what } = wait.watcher.status().state {
            wait.what = what;
        }
        let is_there = wait.watcher.drain().iter().any(|event| !matches!(event, LiveEvent::Status));
        is_there.then(|| (wait.location.clone(), wait.options.clone()))
    }
}
