//! An array in memory that grows when it is told to: what is followed need not lie in files. For tests.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::MemorySource;
use crate::format::{Chunk, Filled, FormatError, Growing, Growth, ReadError, Refresh, Source};
use crate::volume::{ArrayInfo, Axis, Problem, Region};

/// The recording that is going on: the writer's side.
pub struct Tape {
    reel: Mutex<Reel>,
    changed: Condvar,
}

struct Reel {
    now: MemorySource,
    growth: Growth,
    /// When each piece was written.
    times: Vec<SystemTime>,
    /// What became of each state.
    changes: Vec<Change>,
    /// Why nothing is there at the moment.
    gone: Option<String>,
    held: Option<Question>,
    num_held: usize,
}

#[derive(Clone)]
enum Change {
    Stale(Vec<Range<u64>>),
    Anew,
}

/// What a follower asks, and may not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether there is more.
    Refresh,
    /// When the newest was written.
    Times,
}

impl Tape {
    /// Begins with an array that grows along its first axis by `piece_len` at once.
    pub fn begin(first: MemorySource, piece_len: usize) -> Arc<Self> {
        let growth = Growth { axis: 0, piece_len, is_finished: false, newest_readable: None, writing: None };
        let reel = Reel {
            now: first.clone(),
            growth,
            times: Vec::new(),
            changes: Vec::new(),
            gone: None,
            held: None,
            num_held: 0,
        };
        let tape = Arc::new(Self { reel: Mutex::new(reel), changed: Condvar::new() });
        tape.lock().record(first);
        tape
    }

    /// The recording as it is now.
    pub fn source(self: &Arc<Self>) -> Arc<dyn Growing> {
        Arc::new(self.state(&self.lock()))
    }

    /// Goes on: `longer` is all of it, `stale` the chunks that are no longer what they were.
    pub fn extend(&self, longer: MemorySource, stale: &[Range<u64>]) {
        let mut reel = self.lock();
        reel.record(longer);
        reel.changes.push(Change::Stale(stale.to_vec()));
    }

    /// Says that a range along the first axis is being written.
    pub fn set_writing(&self, range: Option<[usize; 2]>) {
        let mut reel = self.lock();
        reel.growth.writing = range;
        reel.changes.push(Change::Stale(Vec::new()));
    }

    /// Ends it.
    pub fn finish(&self) {
        let mut reel = self.lock();
        reel.growth.is_finished = true;
        reel.changes.push(Change::Stale(Vec::new()));
    }

    /// Begins another recording in the same place.
    pub fn begin_anew(&self, first: MemorySource) {
        let mut reel = self.lock();
        reel.times.clear();
        reel.growth.is_finished = false;
        reel.record(first);
        reel.changes.push(Change::Anew);
    }

    /// Takes it away, until it is brought back.
    pub fn take_away(&self, reason: &str) {
        self.lock().gone = Some(reason.to_owned());
    }

    /// Brings it back.
    pub fn bring_back(&self) {
        self.lock().gone = None;
    }

    /// Answers no more questions of a kind, until [`Tape::let_go`].
    pub fn hold(&self, question: Question) {
        self.lock().held = Some(question);
    }

    /// Answers everything.
    pub fn let_go(&self) {
        self.lock().held = None;
        self.changed.notify_all();
    }

    /// Waits until somebody waits for an answer; false after `timeout`.
    pub fn wait_until_asked(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut reel = self.lock();
        while reel.num_held == 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            reel = self.changed.wait_timeout(reel, left).map_or_else(|e| e.into_inner().0, |r| r.0);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Reel> {
        self.reel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reel, once a question may be answered.
    fn answering(&self, question: Question) -> MutexGuard<'_, Reel> {
        let mut reel = self.lock();
        reel.num_held += 1;
        self.changed.notify_all();
        while reel.held == Some(question) {
            reel = self.changed.wait(reel).unwrap_or_else(PoisonError::into_inner);
        }
        reel.num_held -= 1;
        reel
    }

    fn state(self: &Arc<Self>, reel: &Reel) -> GrowingSource {
        GrowingSource {
            array: reel.now.clone(),
            growth: reel.growth,
            revision: reel.changes.len(),
            tape: Arc::clone(self),
        }
    }
}

impl Reel {
    fn record(&mut self, array: MemorySource) {
        let info = array.info();
        let num_blocks = info.shape.dims()[0].div_ceil(self.growth.piece_len);
        let time = info.axes.iter().position(|axis| *axis == Some(Axis::T));
        self.growth.newest_readable = time.map(|axis| info.shape.dims()[axis] - 1);
        self.times.resize(num_blocks, SystemTime::now());
        self.now = array.with_info(|info| info.num_blocks = num_blocks);
    }
}

/// One state of a [`Tape`].
pub struct GrowingSource {
    array: MemorySource,
    growth: Growth,
    revision: usize,
    tape: Arc<Tape>,
}

impl Source for GrowingSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.array.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.array.chunks(region, chunks);
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.array.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        self.array.problems()
    }
}

impl Growing for GrowingSource {
    fn growth(&self) -> Growth {
        self.growth
    }

    fn refresh(&self, _hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let reel = self.tape.answering(Question::Refresh);
        if let Some(reason) = &reel.gone {
            return Ok(Refresh::Gone(reason.clone()));
        }
        let since = &reel.changes[self.revision..];
        if since.is_empty() {
            return Ok(Refresh::Unchanged);
        }
        let source = Arc::new(self.tape.state(&reel));
        let mut all = Vec::new();
        for change in since {
            match change {
                Change::Stale(stale) => all.extend_from_slice(stale),
                Change::Anew => return Ok(Refresh::Replaced(source)),
            }
        }
        Ok(Refresh::Changed { source, stale: all })
    }

    fn folder(&self) -> Option<PathBuf> {
        None
    }

    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let reel = self.tape.answering(Question::Times);
        pieces.map(|piece| reel.times.get(piece).copied()).collect()
    }
}
