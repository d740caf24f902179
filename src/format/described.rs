//! A source of which another file says more than its own: other facts, times of its timepoints.

use std::ops::Range;
use std::sync::Arc;

use super::{Chunk, Composite, Fetching, Filled, ReadError, Source};
use crate::volume::{ArrayInfo, Location, Piece, Problem, Region};

/// A source under other facts. Its shape and type stay what they are.
pub(super) struct Described {
    inner: Arc<dyn Source>,
    info: Arc<ArrayInfo>,
    times_s: Option<Vec<f64>>,
    problems: Vec<Problem>,
}

impl Described {
    /// What `describe` makes of the facts that the source has of itself.
    pub fn new(inner: Arc<dyn Source>, describe: impl FnOnce(&mut ArrayInfo)) -> Self {
        let mut info = ArrayInfo::clone(inner.info());
        describe(&mut info);
        debug_assert!(info.shape == inner.info().shape && info.dtype == inner.info().dtype);
        Self { inner, info: Arc::new(info), times_s: None, problems: Vec::new() }
    }

    /// With the moment of each timepoint.
    #[must_use]
    pub fn with_times(mut self, times_s: Option<Vec<f64>>) -> Self {
        self.times_s = times_s;
        self
    }

    /// With what else is wrong.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }
}

impl Source for Described {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
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
        self.inner.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        problems.extend(self.inner.problems());
        problems
    }

    fn pieces(&self) -> Vec<Piece> {
        self.inner.pieces()
    }

    fn inspect(&self) {
        self.inner.inspect();
    }

    fn files(&self) -> Vec<Location> {
        let own = self.info.location.clone();
        let mut files = self.inner.files();
        if !files.contains(&own) {
            files.insert(0, own);
        }
        files
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        self.times_s.clone().or_else(|| self.inner.times_s())
    }

    fn forget_failures(&self) {
        self.inner.forget_failures();
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.inner.fetching()
    }

    fn composite(&self) -> Option<&dyn Composite> {
        self.inner.composite()
    }
}
