//! Sources that lie in memory.

use std::path::Path;
use std::sync::Arc;

use tectum::format::memory::{GatedSource, MemorySource};
use tectum::format::{FormatError, OpenOptions, Source};
use tectum::volume::{DType, Region, Shape};

use crate::suite::{State, Subject, Truth, contract};
use crate::writer::sample;

/// An array in memory.
pub struct InMemory {
    pub dtype: DType,
    pub shape: &'static [usize],
    pub axes: &'static str,
    pub grid: &'static [usize],
    /// Boxes that were never written.
    pub missing: &'static [[[usize; 4]; 2]],
    /// Chunks that cannot be read.
    pub failing: &'static [u64],
}

impl InMemory {
    pub fn source(&self) -> MemorySource {
        self.of_shape(self.shape)
    }

    fn of_shape(&self, shape: &[usize]) -> MemorySource {
        let bytes = sample(shape, self.dtype);
        let source = MemorySource::new(self.dtype, Shape::new(shape).unwrap(), self.axes, self.grid, bytes).unwrap();
        source.with_missing(&self.regions()).with_failing(self.failing)
    }

    fn regions(&self) -> Vec<Region> {
        self.missing.iter().map(|[start, stop]| Region::new(start, stop).unwrap()).collect()
    }

    pub fn truth(&self) -> Truth {
        self.truth_of(self.shape)
    }

    fn truth_of(&self, shape: &[usize]) -> Truth {
        let shape = Shape::new(shape).unwrap();
        let mut missing = self.regions();
        // The chunks of the grid in C order are the chunks by their index.
        let counts: Vec<usize> = shape.dims().iter().zip(self.grid).map(|(dim, step)| dim.div_ceil(*step)).collect();
        for (index, at) in crate::common::indices(&counts).enumerate() {
            if self.failing.contains(&(index as u64)) {
                let start: Vec<usize> = at.iter().zip(self.grid).map(|(at, step)| at * step).collect();
                let stop: Vec<usize> = start.iter().zip(self.grid).map(|(start, step)| start + step).collect();
                missing.extend(Region::new(&start, &stop).unwrap().intersect(&Region::whole(&shape)));
            }
        }
        Truth { dtype: self.dtype, shape, bytes: sample(shape.dims(), self.dtype), missing }
    }

    /// Longer on its first axis, which keeps the indices: a chunk, a voxel, and two at once.
    pub fn growing(&self, wrap: impl Fn(MemorySource) -> Arc<dyn Source>) -> Vec<State> {
        let state = |more: usize| {
            let shape = [&[self.shape[0] + more], &self.shape[1..]].concat();
            State { source: wrap(self.of_shape(&shape)), truth: self.truth_of(&shape), stale: Vec::new() }
        };
        [0, 1, 2, 5].map(state).into_iter().collect()
    }
}

impl Subject for InMemory {
    fn write(&self, _: &Path) -> Truth {
        self.truth()
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        Ok(Arc::new(self.source()))
    }

    fn grow(&self, _: &Path) -> Vec<State> {
        self.growing(|source| Arc::new(source))
    }
}

/// The same behind gates that stand open.
struct Gated(InMemory);

impl Subject for Gated {
    fn write(&self, _: &Path) -> Truth {
        self.0.truth()
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        Ok(GatedSource::open(Arc::new(self.0.source())))
    }

    fn grow(&self, _: &Path) -> Vec<State> {
        self.0.growing(|source| GatedSource::open(Arc::new(source)))
    }
}

/// A recording with gaps and unreadable chunks, whose chunks do not divide it evenly.
pub const RECORDING: InMemory = InMemory {
    dtype: DType::U16,
    shape: &[7, 3, 5, 8],
    axes: "tzyx",
    grid: &[2, 1, 5, 3],
    missing: &[[[1, 0, 0, 0], [2, 2, 3, 8]], [[4, 2, 1, 1], [6, 3, 2, 4]]],
    failing: &[3, 20],
};

/// A picture whose chunks are larger than itself.
const PICTURE: InMemory =
    InMemory { dtype: DType::F64, shape: &[9, 4], axes: "yx", grid: &[20, 20], missing: &[], failing: &[] };

/// Channels last, in an order of axes that is not ours.
const CHANNELS: InMemory = InMemory {
    dtype: DType::Bool,
    shape: &[4, 5, 3, 6, 2],
    axes: "xytzc",
    grid: &[1, 2, 2, 6, 1],
    missing: &[],
    failing: &[7],
};

contract!(memory, RECORDING);
contract!(memory_of_one_chunk, PICTURE);
contract!(memory_of_five_axes, CHANNELS);
contract!(gated, Gated(RECORDING));
