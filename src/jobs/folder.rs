//! The folder in which the work of a plan lies until it is whole, as its tasks see it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::faults::Passing;
use crate::write::Place;

/// The place of a plan's target, and the text by which its work was prepared.
#[derive(Clone, Debug)]
pub struct WorkFolder {
    place: Place,
    text: String,
}

/// As long as it lives, what is written is not made whole by anybody else.
#[derive(Debug)]
pub struct Working {
    _lock: Option<File>,
}

impl WorkFolder {
    /// Of the plan with this text.
    pub fn new(place: Place, text: String) -> Self {
        Self { place, text }
    }

    /// Where it lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The text of the plan, which was prepared.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the work was made whole already: the final name is there, and nothing is left to be done.
    pub fn is_merged(&self) -> bool {
        !self.place.work().exists() && self.place.path().exists()
    }

    /// Begins to work at it, with others who do so too.
    ///
    /// # Errors
    /// If it was not prepared, or by another plan, or is being made whole at this moment.
    pub fn work(&self) -> Result<Working> {
        let shown = self.place.work().display().to_string();
        let prepared = match std::fs::read_to_string(self.place.plan()) {
            Ok(prepared) => prepared,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{shown}: nothing was prepared there; `tectum plan` does so, where the tasks see the same folder")
            }
            Err(error) => return Err(error).context(shown),
        };
        if prepared != self.text {
            bail!("{shown}: belongs to another plan, or this one was changed in more than its tasks; make it anew");
        }
        // Where the file system knows no locks, tasks are kept apart by their engine alone.
        let Ok(lock) = File::open(self.place.work().join("lock")) else { return Ok(Working { _lock: None }) };
        match lock.try_lock_shared() {
            Ok(()) => Ok(Working { _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => {
                Err(Passing(format!("{shown}: is being made whole by another process")).into())
            }
            Err(TryLockError::Error(_)) => Ok(Working { _lock: None }),
        }
    }

    /// Where tasks say how far they are.
    pub fn notes(&self) -> PathBuf {
        self.place.work().join("tasks")
    }
}
