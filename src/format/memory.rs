//! In-memory and gated sources, for tests and small data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Chunk, Filled, ReadError, ReadErrorKind, Source};
use crate::volume::{ArrayInfo, Axis, DType, MAX_RANK, Problem, Region, Shape, Voxel, copy_region};

/// An array in memory, cut into chunks of any extent.
#[derive(Clone)]
pub struct MemorySource {
    info: Arc<ArrayInfo>,
    bytes: Arc<[u8]>,
    grid: [usize; MAX_RANK],
    missing: Vec<Region>,
    failing: BTreeSet<u64>,
}

impl MemorySource {
    /// Wraps C-order bytes. `axes` names the axes ("tzyx"; other characters have no meaning), `grid` is the
    /// extent of a chunk on each. `None` where the lengths disagree or an extent of `grid` is 0.
    pub fn new(dtype: DType, shape: Shape, axes: &str, grid: &[usize], bytes: Vec<u8>) -> Option<Self> {
        let agree = grid.len() == shape.rank() && shape.num_bytes(dtype) == Some(bytes.len()) && !grid.contains(&0);
        if !agree {
            return None;
        }
        let mut extents = [1; MAX_RANK];
        extents[..grid.len()].copy_from_slice(grid);
        let info = ArrayInfo {
            name: "memory".to_owned(),
            path: PathBuf::from("memory"),
            format: "array in memory".to_owned(),
            shape,
            axes: axes.chars().map(Axis::from_letter).collect(),
            dtype,
            voxel_size: None,
            rate_hz: None,
            claimed_shape: None,
            num_blocks: 1,
            facts: Vec::new(),
        };
        let (info, bytes) = (Arc::new(info), Arc::from(bytes));
        Some(Self { info, bytes, grid: extents, missing: Vec::new(), failing: BTreeSet::new() })
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
        let mut index = vec![0; shape.rank()];
        let mut bytes = Vec::with_capacity(shape.num_bytes(dtype)?);
        for _ in 0..shape.num_voxels()? {
            bytes.extend_from_slice(bytemuck::bytes_of(&value(&index)));
            for axis in (0..shape.rank()).rev() {
                index[axis] += 1;
                if index[axis] < shape.dims()[axis] {
                    break;
                }
                index[axis] = 0;
            }
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
        let shape = &self.info.shape;
        let Some(region) = region.intersect(&Region::whole(shape)) else { return };
        let rank = shape.rank();
        let first = |axis: usize| region.start()[axis] / self.grid[axis];
        let last = |axis: usize| (region.stop()[axis] - 1) / self.grid[axis];
        let mut position = [0; MAX_RANK];
        for (axis, p) in position.iter_mut().enumerate().take(rank) {
            *p = first(axis);
        }
        loop {
            let (mut start, mut stop, mut index) = ([0; MAX_RANK], [0; MAX_RANK], 0u64);
            for axis in 0..rank {
                start[axis] = position[axis] * self.grid[axis];
                stop[axis] = (start[axis] + self.grid[axis]).min(shape.dims()[axis]);
                index = index * shape.dims()[axis].div_ceil(self.grid[axis]) as u64 + position[axis] as u64;
            }
            if let Some(region) = Region::new(&start[..rank], &stop[..rank]) {
                chunks.push(Chunk { index, region });
            }
            let mut axis = rank;
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                position[axis] += 1;
                if position[axis] <= last(axis) {
                    break;
                }
                position[axis] = first(axis);
            }
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if self.failing.contains(&chunk.index) {
            return Err(error(ReadErrorKind::Corrupt, "made to fail"));
        }
        let whole = Region::whole(&self.info.shape);
        copy_region(&self.bytes, &whole, buffer, &chunk.region, self.info.dtype.num_bytes());
        let missing: Vec<_> = self.missing.iter().filter_map(|part| part.intersect(&chunk.region)).collect();
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
    ReadError::new(kind, &Arc::from(Path::new("memory")), message)
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
