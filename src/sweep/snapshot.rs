//! What a checker knows at one moment.

use std::sync::Arc;

use crate::qc::{Figures, Missing, Pictures, Subject, Table};

/// What is known at one moment. Never changes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts up with every snapshot of a checker.
    pub version: u64,
    /// The recording as it was then.
    pub subject: Subject,
    /// What was measured of each timepoint.
    pub table: Table,
    /// What was measured of the whole, as far as it goes.
    pub figures: Figures,
    /// What is not there.
    pub missing: Vec<Missing>,
    /// Pictures of the middle plane, now and then.
    pub pictures: Option<Arc<Pictures>>,
    /// How far it is.
    pub progress: Progress,
}

/// How far measuring is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Timepoints of which all has been measured.
    pub done: usize,
    /// Timepoints there are.
    pub of: usize,
    /// Whether it is held at the moment by somebody's wish.
    pub is_paused: bool,
    /// Seconds from the landing of the newest timepoint to its measures, while recording.
    pub behind_s: Option<f64>,
    /// Why nothing can be measured, where that is so.
    pub failure: Option<String>,
}

impl Snapshot {
    /// Nothing has been looked at.
    pub(super) fn empty(subject: Subject) -> Self {
        Self {
            version: 0,
            table: Table::new(subject.shape[0], subject.num_z()),
            figures: Figures::default(),
            missing: Vec::new(),
            pictures: None,
            progress: Progress { of: subject.shape[0], ..Progress::default() },
            subject,
        }
    }
}
