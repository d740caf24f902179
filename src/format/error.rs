//! Errors of the format layer: what keeps a dataset from opening, and what keeps a chunk from being read.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::codec::CodecError;
use crate::volume::Location;

/// Why a location could not be opened as a recording.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct FormatError {
    /// What kind of failure, for programs.
    pub code: FormatErrorCode,
    /// The file or folder at fault.
    pub file: Location,
    /// What is wrong and what to do.
    pub message: String,
    /// What would make it a recording, where that is known: "0000.h5".
    pub awaited: Option<String>,
}

/// What kind of failure a [`FormatError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormatErrorCode {
    /// Nothing is at the location.
    NotFound,
    /// It may not be read.
    NoPermission,
    /// It is of no format that this program reads.
    OtherFormat,
    /// It is a URL that no store reads.
    NoStore,
    /// Nothing is wrong: a recording may yet appear here.
    Absent,
    /// One is appearing at this moment: its first block is being written.
    Beginning,
    /// The array, prefix or axes that were asked for do not fit.
    WrongOption,
    /// The opening was abandoned.
    Cancelled,
    /// It is there, and nothing of it can be shown.
    Unreadable,
}

impl FormatError {
    /// An error at `file`, of which nothing can be shown.
    pub fn new(file: impl Into<Location>, message: impl Into<String>) -> Self {
        Self { code: FormatErrorCode::Unreadable, file: file.into(), message: message.into(), awaited: None }
    }

    /// The same of another kind.
    #[must_use]
    pub fn with_code(mut self, code: FormatErrorCode) -> Self {
        self.code = code;
        self
    }

    /// Nothing in `folder` yet; it is worth watching.
    pub fn absent(folder: impl Into<Location>, message: impl Into<String>) -> Self {
        Self::new(folder, message).with_code(FormatErrorCode::Absent)
    }

    /// A recording that begins with `awaited`, which is not there or not complete yet.
    pub fn beginning(folder: impl Into<Location>, message: impl Into<String>, awaited: impl Into<String>) -> Self {
        let awaited = Some(awaited.into());
        Self { awaited, ..Self::new(folder, message).with_code(FormatErrorCode::Beginning) }
    }

    /// What kept something from being read while the location was opened.
    pub fn of_read(file: impl Into<Location>, error: &ReadError) -> Self {
        Self::new(file, error.message.to_string())
    }

    /// The user asked for an array by a name that none of these has.
    pub(super) fn no_dataset<'a>(
        file: impl Into<Location>,
        wanted: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        const MAX_NAMED: usize = 20;
        let mut names = names.into_iter();
        let mut named = names.by_ref().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
        if named.is_empty() {
            named = "none".to_owned();
        }
        let text = match names.count() {
            0 => format!("no dataset named {wanted}; there is {named}"),
            more => format!("no dataset named {wanted}; there is {named} and {more} more"),
        };
        Self::new(file, text).with_code(FormatErrorCode::WrongOption)
    }

    /// The opening was abandoned.
    pub fn cancelled(file: impl Into<Location>) -> Self {
        Self::new(file, "opening was cancelled").with_code(FormatErrorCode::Cancelled)
    }

    /// Whether nothing is wrong but that nothing is there yet.
    pub fn is_absent(&self) -> bool {
        matches!(self.code, FormatErrorCode::Absent | FormatErrorCode::Beginning)
    }
}

/// Says in words what the system said of a path.
pub(super) fn io_error(path: &Path, error: &io::Error) -> FormatError {
    let (code, message) = match error.kind() {
        io::ErrorKind::NotFound => (FormatErrorCode::NotFound, "no such file or folder".to_owned()),
        io::ErrorKind::PermissionDenied => (FormatErrorCode::NoPermission, "no permission to read it".to_owned()),
        _ => (FormatErrorCode::Unreadable, error.to_string()),
    };
    FormatError::new(path, message).with_code(code)
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

impl From<&CodecError> for ReadErrorKind {
    fn from(error: &CodecError) -> Self {
        match error {
            CodecError::Corrupt(_) => Self::Corrupt,
            CodecError::Unsupported(_) => Self::Unsupported,
        }
    }
}

/// Why a chunk could not be read. Cheap to clone: failures are remembered per chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// What kind of failure.
    pub kind: ReadErrorKind,
    /// The file at fault.
    pub file: Location,
    /// What exactly, where more is made of it than a message.
    pub code: Option<ReadErrorCode>,
    /// What is wrong, without the file name.
    pub message: Arc<str>,
}

/// What exactly a [`ReadError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadErrorCode {
    /// A file that was there is there no more.
    Gone,
    /// The file holds no byte.
    Empty,
    /// The file is whole, and ends before this.
    Short,
    /// It lies afar, and whoever keeps it refuses to show it.
    Denied,
    /// It lies afar, and can only be had as a whole.
    NoRanges,
    /// It lies afar, and has become another one since it was opened.
    Changed,
}

impl ReadError {
    /// An error at `file`.
    pub fn new(kind: ReadErrorKind, file: impl Into<Location>, message: impl Into<Arc<str>>) -> Self {
        Self { kind, file: file.into(), code: None, message: message.into() }
    }

    /// The same, and what exactly it is.
    #[must_use]
    pub fn with_code(mut self, code: ReadErrorCode) -> Self {
        self.code = Some(code);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}
