//! What can go wrong between here and a server, in words, and whether it may pass.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::super::{FetchError, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::Location;

/// Why a request brought nothing. It travels inside the errors of the clients, which wrap it.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub message: String,
    /// How long the server asked to be left alone.
    pub after: Option<Duration>,
}

/// What is made of a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such object.
    Absent,
    /// The object is the one that is known already.
    Unchanged,
    /// The range lies beyond its end.
    BeyondEnd,
    /// May succeed when tried again.
    Passing,
    /// Will not, and perhaps for a reason that somebody acts on.
    Lasting(Option<ReadErrorCode>),
}

impl Fault {
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), after: None }
    }

    pub fn passing(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Passing, message)
    }

    pub fn lasting(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Lasting(None), message)
    }

    pub fn cancelled() -> Self {
        Self::lasting("was cancelled")
    }

    pub fn no_answer() -> Self {
        Self::passing("the server did not answer in time")
    }

    /// A server that gives another length than it was asked for.
    pub fn wrong_length(came: u64, asked: u64) -> Self {
        Self::passing(format!("the server sent {came} bytes where {asked} were asked for"))
    }

    /// What an answer's status means; `None` where it is the answer asked for.
    pub fn of_status(status: u16, was_range: bool, after: Option<Duration>) -> Option<Self> {
        let (kind, message) = match status {
            200 if was_range => (
                FaultKind::Lasting(Some(ReadErrorCode::NoRanges)),
                "the server gives this file only as a whole (it answered 200, not 206, when asked for a part)".into(),
            ),
            200..=299 => return None,
            304 => (FaultKind::Unchanged, "has not changed".into()),
            404 | 405 | 410 => (FaultKind::Absent, format!("the server has no such file ({status})")),
            401 | 403 => (
                FaultKind::Lasting(Some(ReadErrorCode::Denied)),
                format!("the server refuses to show it ({status}): no permission, or credentials are missing or old"),
            ),
            412 => (FaultKind::Lasting(Some(ReadErrorCode::Changed)), CHANGED.into()),
            416 => (FaultKind::BeyondEnd, "the file ends before these data".into()),
            300..=399 => (
                FaultKind::Lasting(None),
                format!("the server says that it lies elsewhere ({status}) and not where; another region, perhaps"),
            ),
            408 | 425 | 429 | 500 | 502..=504 | 506..=599 => {
                (FaultKind::Passing, format!("the server is busy or ill (it answered {status})"))
            }
            _ => (FaultKind::Lasting(None), format!("the server refuses the request (it answered {status})")),
        };
        Some(Self { kind, message, after })
    }

    /// What a client said, by the fault inside it or by its innermost words, which name no URL.
    pub fn of_client(error: &(dyn Error + 'static)) -> Self {
        let makes_no_sense = |words: String| Self::lasting(format!("the server's answer makes no sense: {words}"));
        Self::inside(error).unwrap_or_else(makes_no_sense)
    }

    /// The fault inside an error of a client.
    ///
    /// # Errors
    /// There is none; the innermost words, which name no URL.
    pub fn inside(error: &(dyn Error + 'static)) -> Result<Self, String> {
        let mut innermost = error;
        loop {
            if let Some(fault) = innermost.downcast_ref::<Self>() {
                return Ok(fault.clone());
            }
            match innermost.source() {
                Some(source) => innermost = source,
                None => return Err(innermost.to_string()),
            }
        }
    }

    /// As an error of what was read.
    pub fn into_fetch_error(self, location: &Location) -> FetchError {
        let error = |kind, code: Option<ReadErrorCode>| {
            let error = ReadError::new(kind, location, self.message.as_str());
            match code {
                Some(code) => error.with_code(code),
                None => error,
            }
        };
        match self.kind {
            FaultKind::Passing => FetchError::Passing { error: error(ReadErrorKind::Io, None), after: self.after },
            FaultKind::BeyondEnd => FetchError::Lasting(error(ReadErrorKind::Corrupt, Some(ReadErrorCode::Short))),
            FaultKind::Lasting(code) => FetchError::Lasting(error(ReadErrorKind::Io, code)),
            FaultKind::Absent | FaultKind::Unchanged => FetchError::Lasting(error(ReadErrorKind::Missing, None)),
        }
    }
}

/// Said where parts of two states of a file would be mixed.
pub const CHANGED: &str = "has changed on the server since it was opened; open it again";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Fault {}
