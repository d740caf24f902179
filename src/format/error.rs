//! Errors of the format layer: what keeps a dataset from opening, and what keeps a chunk from being read.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::volume::Location;

/// Why a path could not be opened as a recording.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct FormatError {
    /// The file or folder at fault.
    pub file: Location,
    /// What is wrong and what to do.
    pub message: String,
    /// Nothing is wrong: a recording may yet appear here.
    pub is_absent: bool,
    /// One is appearing at this moment: its first block is being written.
    pub is_beginning: bool,
}

impl FormatError {
    /// An error at `file`.
    pub fn new(file: impl Into<Location>, message: impl Into<String>) -> Self {
        Self { file: file.into(), message: message.into(), is_absent: false, is_beginning: false }
    }

    /// Nothing in `folder` yet; it is worth watching.
    pub fn absent(folder: impl Into<Location>, message: impl Into<String>) -> Self {
        Self { is_absent: true, ..Self::new(folder, message) }
    }

    /// A recording whose first block is not there or not complete yet.
    pub fn beginning(folder: impl Into<Location>, message: impl Into<String>) -> Self {
        Self { is_beginning: true, ..Self::absent(folder, message) }
    }
}

/// Says in words what the system said of a path.
pub(super) fn io_error(path: &Path, error: &io::Error) -> FormatError {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => error.to_string(),
    };
    FormatError::new(path, message)
}

/// What kind of failure a [`ReadError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadErrorKind {
    /// The data are not on disk: never written, or the file is gone.
    Missing,
    /// The bytes are there and make no sense.
    Corrupt,
    /// The system refused or failed to read.
    Io,
    /// The data are stored in a way this program does not read.
    Unsupported,
    /// The file is being written at this moment; trying again later makes sense.
    NotYetWritten,
}

/// Why a chunk could not be read. Cheap to clone: failures are remembered per chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// What kind of failure.
    pub kind: ReadErrorKind,
    /// The file at fault.
    pub file: Location,
    /// What is wrong, without the file name.
    pub message: Arc<str>,
}

impl ReadError {
    /// An error at `file`.
    pub fn new(kind: ReadErrorKind, file: impl Into<Location>, message: impl Into<Arc<str>>) -> Self {
        Self { kind, file: file.into(), message: message.into() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}
