//! In-memory and gated sources, for tests and small data; below, one that lies afar, one that is computed
//! and one that grows.

mod combined;
mod growing;
mod remote;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use combined::SumSource;
pub use growing::{GrowingSource, Question, Tape};
pub use remote::{RemoteLog, RemoteSource};

use super::{Chunk, Filled, ReadError, ReadErrorKind, Source};
use crate::volume::{ArrayInfo, Axis, DType, Grid, Location, Problem, Region, Shape, Voxel, copy_region};

/// An array in memory, cut into chunks of any extent.
#[derive(Clone)]
pub struct MemorySource {
    info: Arc<ArrayInfo>,
    bytes: Arc<[u8]>,
    grid: Grid,
    missing: Vec<Region>,
    failing: BTreeSet<u64>,
}

impl MemorySource {
    /// Wraps C-order bytes. `axes` names the axes ("tzyx", c for channels; other characters have no meaning),
    /// `grid` is the extent of a chunk on each. `None` where the lengths disagree or an extent of `grid` is 0.
    pub fn new(dtype: DType, shape: Shape, axes: &str, grid: &[usize], bytes: Vec<u8>) -> Option<Self> {
        if shape.num_bytes(dtype) != Some(bytes.len()) {
            return None;
        }
        let grid = Grid::new(shape, Shape::new(grid)?)?;
        let info = ArrayInfo {
            channel_axis: axes.chars().position(|letter| letter == 'c'),
            axes: axes.chars().map(Axis::from_letter).collect(),
            ..ArrayInfo::new("memory", Location::parse("memory"), "array in memory", shape, dtype)
        };
        let (info, bytes) = (Arc::new(info), Arc::from(bytes));
        Some(Self { info, bytes, grid, missing: Vec::new(), failing: BTreeSet::new() })
    }

    /// Computes each voxel from its index. `T` is the type [`crate::dispatch_dtype`] gives for `dtype`.
    /// `None` as for [`MemorySource::new`].
    pub fn from_fn<T: Voxel>(
        dtype: DType,
        shape: Shape,
        axes: &str,
        grid: &[usize],
        mut value: impl FnMut(&[usize]) -> T,
    ) -> Option<Self> {
        let mut bytes = Vec::with_capacity(shape.num_bytes(dtype)?);
        for index in Region::whole(&shape).indices() {
            bytes.extend_from_slice(bytemuck::bytes_of(&value(&index[..shape.rank()])));
        }
        Self::new(dtype, shape, axes, grid, bytes)
    }

    /// The same array with parts that were never written.
    #[must_use]
    pub fn with_missing(mut self, parts: &[Region]) -> Self {
        self.missing.extend_from_slice(parts);
        self
    }

    /// The same array with chunks that cannot be read.
    #[must_use]
    pub fn with_failing(mut self, indices: &[u64]) -> Self {
        self.failing.extend(indices);
        self
    }

    /// What of a box was never written.
    fn gaps(&self, region: &Region) -> Vec<Region> {
        self.missing.iter().filter_map(|part| part.intersect(region)).collect()
    }

    /// The same array under other facts (voxel size, rate, name).
    #[must_use]
    pub fn with_info(mut self, change: impl FnOnce(&mut ArrayInfo)) -> Self {
        change(Arc::make_mut(&mut self.info));
        self
    }
}

impl Source for MemorySource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.grid.each(region, |cell| visit(&Chunk { index: cell.position, region: cell.region }));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        let corners = (self.grid.cell_at(indices.start), self.grid.cell_at(indices.end.saturating_sub(1)));
        // In C order only the first axis is walked once.
        let whole = Region::whole(&self.info.shape);
        match corners {
            _ if whole.rank() == 0 => whole,
            (Some(first), Some(last)) => whole.with_axis(0, first.start()[0], last.stop()[0]),
            (Some(first), None) => whole.with_axis(0, first.start()[0], whole.stop()[0]),
            (None, _) => whole.with_axis(0, 0, 0),
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if self.failing.contains(&chunk.index) {
            return Err(error(ReadErrorKind::Corrupt, "made to fail"));
        }
        let whole = Region::whole(&self.info.shape);
        copy_region(&self.bytes, &whole, buffer, &chunk.region, self.info.dtype.num_bytes());
        let missing = self.gaps(&chunk.region);
        if missing.is_empty() {
            return Ok(Filled::All);
        }
        if missing.contains(&chunk.region) {
            return Err(error(ReadErrorKind::Missing, "never written"));
        }
        Ok(Filled::Except(missing, error(ReadErrorKind::Missing, "never written")))
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

fn error(kind: ReadErrorKind, message: &str) -> ReadError {
    ReadError::new(kind, "memory", message)
}

/// A source whose reads wait until the test lets them through, and which counts them.
pub struct GatedSource {
    inner: Arc<dyn Source>,
    gates: Mutex<Gates>,
    changed: Condvar,
}

#[derive(Default)]
struct Gates {
    is_open: bool,
    released: BTreeSet<u64>,
    failing: BTreeMap<u64, ReadError>,
    waiting: Vec<u64>,
    num_reads: BTreeMap<u64, usize>,
}

impl GatedSource {
    /// A closed gate before every chunk of `inner`.
    pub fn closed(inner: Arc<dyn Source>) -> Arc<Self> {
        Arc::new(Self { inner, gates: Mutex::default(), changed: Condvar::new() })
    }

    /// No gates, only counting.
    pub fn open(inner: Arc<dyn Source>) -> Arc<Self> {
        let source = Self::closed(inner);
        source.open_all();
        source
    }

    /// Lets every read through from now on.
    pub fn open_all(&self) {
        self.change(|gates| gates.is_open = true);
    }

    /// Holds every read from now on, but for released chunks.
    pub fn close(&self) {
        self.change(|gates| gates.is_open = false);
    }

    /// Lets the reads of one chunk through, now and later.
    pub fn release(&self, index: u64) {
        self.change(|gates| gates.released.insert(index));
    }

    /// Makes the reads of one chunk fail (once let through), until [`GatedSource::heal`].
    pub fn fail(&self, index: u64, kind: ReadErrorKind) {
        self.change(|gates| gates.failing.insert(index, error(kind, "made to fail")));
    }

    /// Makes the reads of one chunk succeed again.
    pub fn heal(&self, index: u64) {
        self.change(|gates| gates.failing.remove(&index));
    }

    /// How often any chunk was asked for.
    pub fn num_reads(&self) -> usize {
        self.lock().num_reads.values().sum()
    }

    /// How often one chunk was asked for.
    pub fn num_reads_of(&self, index: u64) -> usize {
        self.lock().num_reads.get(&index).copied().unwrap_or(0)
    }

    /// The chunks whose reads are being held, in the order they were asked for.
    pub fn waiting(&self) -> Vec<u64> {
        self.lock().waiting.clone()
    }

    /// Waits until at least `n` reads are being held; false after `timeout`.
    pub fn wait_for_waiting(&self, n: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut gates = self.lock();
        while gates.waiting.len() < n {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            gates = self.changed.wait_timeout(gates, left).map_or_else(|e| e.into_inner().0, |r| r.0);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut Gates) -> R) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl Source for GatedSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.inner.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.inner.chunks(region, chunks);
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.inner.each_chunk(region, visit);
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.inner.region_of(indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut gates = self.lock();
        *gates.num_reads.entry(chunk.index).or_insert(0) += 1;
        gates.waiting.push(chunk.index);
        self.changed.notify_all();
        while !gates.is_open && !gates.released.contains(&chunk.index) {
            gates = self.changed.wait(gates).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(i) = gates.waiting.iter().position(|&index| index == chunk.index) {
            gates.waiting.remove(i);
        }
        let failure = gates.failing.get(&chunk.index).cloned();
        drop(gates);
        match failure {
            Some(error) => Err(error),
            None => self.inner.read(chunk, buffer),
        }
    }

    fn problems(&self) -> Vec<Problem> {
        self.inner.problems()
    }
}
