//! What could not be opened, and what is found out about it meanwhile: what is there, and which
//! recordings lie nearby.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::wake::WakeFn;
use crate::format::{self, FormatError, FoundRecording, OpenOptions};
use crate::ui::OpenError;
use crate::volume::Location;

/// An opening that failed.
pub struct Failure {
    /// Why.
    pub error: FormatError,
    /// What had been asked for.
    pub location: Location,
    /// What the user said beside the path.
    pub options: OpenOptions,
    around: Arc<Mutex<Around>>,
    cancel: Arc<AtomicBool>,
}

/// What is known of the neighbourhood.
#[derive(Clone, Debug)]
struct Around {
    there: Option<String>,
    found: Vec<FoundRecording>,
    is_searching: bool,
    /// It leads nowhere, but its beginning is there.
    may_appear: bool,
}

impl Failure {
    /// Begins to look around, and calls `wake` when something is known.
    pub fn new(error: FormatError, location: Location, options: OpenOptions, wake: WakeFn) -> Self {
        let around = Around { there: None, found: Vec::new(), is_searching: true, may_appear: false };
        let failure = Self {
            error,
            location,
            options,
            around: Arc::new(Mutex::new(around)),
            cancel: Arc::new(AtomicBool::new(false)),
        };
        let (location, around, cancel) =
            (failure.location.clone(), Arc::clone(&failure.around), Arc::clone(&failure.cancel));
        let work = move || look_around(&location, &around, &cancel, &*wake);
        if let Err(error) = std::thread::Builder::new().name("tectum-look".into()).spawn(work) {
            tracing::warn!("recordings nearby are not looked for: no thread for it: {error}");
            failure.around.lock().is_searching = false;
        }
        failure
    }

    /// Hands what is known so far to whoever draws it.
    pub fn show<R>(&self, draw: impl FnOnce(&OpenError<'_>) -> R) -> R {
        // The thread may be about to write: the lock is held to copy, not to draw.
        let around = self.around.lock().clone();
        draw(&OpenError {
            file: &self.error.file,
            message: &self.error.message,
            location: &self.location,
            is_absent: self.error.is_absent(),
            can_wait: self.error.is_absent() || around.may_appear,
            there: around.there.as_deref(),
            found: &around.found,
            is_searching: around.is_searching,
        })
    }
}

impl Drop for Failure {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

fn look_around(location: &Location, around: &Mutex<Around>, cancel: &AtomicBool, wake: &dyn Fn()) {
    let mut folder = None;
    // Nothing can be asked of a URL that no store opens.
    if let Some(path) = location.path() {
        let there;
        (there, folder) = format::what_is_at(path);
        let may_appear = folder.is_some() && path.symlink_metadata().is_err();
        let mut around = around.lock();
        (around.there, around.may_appear) = (Some(there), may_appear);
    }
    wake();
    if let Some(folder) = folder {
        format::search(&folder, format::SearchBounds::NEAR, cancel, |found| {
            // What was just tried would fail again.
            if found.location != *location {
                around.lock().found.push(found);
                wake();
            }
        });
    }
    around.lock().is_searching = false;
    wake();
}
