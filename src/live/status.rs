//! What is known of a recording that is being watched, for the window and `info`.

use std::time::Duration;

use crate::volume::Span;

/// In what state a watched recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Nothing to show yet.
    Waiting {
        /// What is waited for, in words.
        what: String,
    },
    /// New data keep coming.
    Live,
    /// No new block for three times the usual interval.
    Quiet,
    /// The writer has said that it is done.
    Finished,
    /// The metadata claim more than there is.
    StoppedEarly {
        /// Timepoints claimed.
        claimed: usize,
        /// Timepoints there are.
        have: usize,
    },
    /// The folder was wiped and is being written anew.
    Restarted,
    /// The folder is not there any more.
    Gone,
}

/// State and rate of a watched recording.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveStatus {
    /// In what state it is.
    pub state: LiveState,
    /// Volumes per second, as they arrive.
    pub rate_hz: Option<f64>,
    /// Newest timepoint that can be shown: of a recording that was cut off the last whole one, which may
    /// lie before the end.
    pub newest_t: Option<usize>,
    /// Time since the newest block was closed.
    pub newest_age: Duration,
    /// From a block's landing to its picture on screen.
    pub lag_ms: Option<f64>,
    /// Timepoints the recording will have, where known.
    pub expected_end: Option<usize>,
    /// What is being written at this moment: timepoints, or planes where a file holds planes.
    pub writing: Option<Span>,
    /// What happened last, in words.
    pub message: Option<String>,
}
