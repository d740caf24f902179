//! What is wrong with a recording, in words an experimenter can act on.

use serde::Serialize;

use super::{Location, Span};

/// How much a [`Problem`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Something is not as it should be, and what is shown is still right.
    Warning,
    /// Data are missing or unreadable.
    Error,
}

/// One thing that is wrong with a recording, named once with its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// Stable machine-readable name, one of [`super::codes`].
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The file it was found in, where there is one.
    pub file: Option<Location>,
    /// What of the recording is concerned, where known: timepoints, or planes where a file holds planes.
    pub span: Option<Span>,
    /// What is wrong and, where possible, what to do; without the file name.
    pub message: String,
}
