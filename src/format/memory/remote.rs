//! A source that lies afar, for tests: what it does when, and what becomes of it, is up to the test.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{MemorySource, error};
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, ReadError, ReadErrorKind, Source, fetch_and_decode,
};
use crate::volume::{ArrayInfo, Problem, Region};

/// An array in memory whose chunks have to be fetched, through gates, and decoded. Everything is counted.
pub struct RemoteSource {
    inner: MemorySource,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    released: BTreeSet<u64>,
    under_way: Vec<u64>,
    seen: RemoteLog,
    passing: BTreeMap<u64, usize>,
    lasting: BTreeSet<u64>,
    panicking: BTreeSet<u64>,
}

/// What has happened to a [`RemoteSource`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteLog {
    /// The most fetches that were under way at one time.
    pub max_under_way: usize,
    /// Chunks in the order in which fetches of them began.
    pub begun: Vec<u64>,
    /// Chunks in the order in which their bytes came.
    pub fetched: Vec<u64>,
    /// Chunks whose fetches ended because they were cancelled.
    pub cancelled: Vec<u64>,
    /// The threads that decoded, by name.
    pub decoders: BTreeSet<String>,
}

impl RemoteSource {
    /// Fetches come at once.
    pub fn open(inner: MemorySource) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default(), changed: Condvar::new() })
    }

    /// Fetches wait until they are let through.
    pub fn closed(inner: MemorySource) -> Arc<Self> {
        let source = Self::open(inner);
        source.close();
        source
    }

    /// Lets every fetch through from now on.
    pub fn open_all(&self) {
        self.change(|state| state.is_closed = false);
    }

    /// Holds every fetch from now on, but for released chunks.
    pub fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    /// Lets the fetches of one chunk through, now and later.
    pub fn release(&self, index: u64) {
        self.change(|state| state.released.insert(index));
    }

    /// Makes the next so many fetches of a chunk fail with a fault that passes.
    pub fn fail_in_passing(&self, index: u64, times: usize) {
        self.change(|state| state.passing.insert(index, times));
    }

    /// Makes the fetches of a chunk fail for good.
    pub fn fail_for_good(&self, index: u64) {
        self.change(|state| state.lasting.insert(index));
    }

    /// Makes the fetches of a chunk panic, as a faulty client would.
    pub fn panic_at(&self, index: u64) {
        self.change(|state| state.panicking.insert(index));
    }

    /// What has happened so far.
    pub fn log(&self) -> RemoteLog {
        self.state.lock().seen.clone()
    }

    /// The chunks that are being fetched, in the order they were begun.
    pub fn under_way(&self) -> Vec<u64> {
        self.state.lock().under_way.clone()
    }

    /// Waits until the log says so; false after `timeout`.
    pub fn wait_for(&self, timeout: Duration, is_so: impl Fn(&RemoteLog) -> bool) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        while !is_so(&state.seen) {
            if self.changed.wait_until(&mut state, until).timed_out() {
                return is_so(&state.seen);
            }
        }
        true
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    /// Waits for the gate; false where it was cancelled or the time ran out.
    fn pass(&self, index: u64, until: Instant, cancel: &Cancel) -> bool {
        let mut state = self.state.lock();
        while state.is_closed && !state.released.contains(&index) {
            if cancel.is_cancelled() || Instant::now() >= until {
                return false;
            }
            // A cancel does not ring this bell: it is looked at now and then, as a client of sockets would.
            self.changed.wait_for(&mut state, Duration::from_millis(1));
        }
        true
    }

    fn bring(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        let fault = |message: &str| error(ReadErrorKind::Io, message);
        if !self.pass(chunk.index, until, cancel) {
            return Err(FetchError::Passing { error: fault("no answer"), after: None });
        }
        let mut state = self.state.lock();
        if state.panicking.contains(&chunk.index) {
            drop(state);
            panic!("a client that panics");
        }
        if state.lasting.contains(&chunk.index) {
            return Err(FetchError::Lasting(fault("there is no such object")));
        }
        if let Some(left) = state.passing.get_mut(&chunk.index).filter(|left| **left > 0) {
            *left -= 1;
            return Err(FetchError::Passing { error: fault("the connection was lost"), after: None });
        }
        drop(state);
        let size = chunk.region.shape().num_bytes(self.inner.info().dtype).unwrap_or(0);
        let mut bytes = vec![0; size];
        match self.inner.read(chunk, &mut bytes) {
            // Stored with every bit turned round: what has not been decoded is not taken for voxels.
            Ok(_) => bytes.iter_mut().for_each(|byte| *byte = !*byte),
            Err(error) if error.kind == ReadErrorKind::Missing => return Ok(Fetched::default()),
            Err(error) => return Err(FetchError::Lasting(error)),
        }
        Ok(Fetched { pieces: vec![bytes] })
    }
}

impl Fetching for RemoteSource {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        chunk.region.shape().num_bytes(self.inner.info().dtype).unwrap_or(0)
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        self.change(|state| {
            state.under_way.push(chunk.index);
            state.seen.begun.push(chunk.index);
            state.seen.max_under_way = state.seen.max_under_way.max(state.under_way.len());
        });
        let leaving = Leaving { source: self, index: chunk.index };
        let result = self.bring(chunk, until, cancel);
        drop(leaving);
        self.change(|state| match &result {
            Ok(_) => state.seen.fetched.push(chunk.index),
            Err(_) if cancel.is_cancelled() => state.seen.cancelled.push(chunk.index),
            Err(_) => {}
        });
        result
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        self.change(|state| state.seen.decoders.insert(thread));
        let piece = fetched.pieces.first().ok_or_else(|| error(ReadErrorKind::Missing, "never written"))?;
        buffer.iter_mut().zip(piece).for_each(|(voxel, stored)| *voxel = !stored);
        let gaps: Vec<Region> = self.inner.gaps(&chunk.region);
        Ok(match gaps.is_empty() {
            true => Filled::All,
            false => Filled::Except(gaps, error(ReadErrorKind::Missing, "never written")),
        })
    }
}

/// Takes a fetch off the list however it ends.
struct Leaving<'a> {
    source: &'a RemoteSource,
    index: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.source.change(|state| {
            if let Some(at) = state.under_way.iter().position(|index| *index == self.index) {
                state.under_way.remove(at);
            }
        });
    }
}

impl Source for RemoteSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.inner.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.inner.chunks(region, chunks);
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.inner.region_of(indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        fetch_and_decode(self, chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        Some(self)
    }
}
