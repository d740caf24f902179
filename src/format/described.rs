//! A source of which another file says more than its own: other facts, times of its timepoints.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Chunk, Composite, Fetching, Filled, FormatError, Growing, Growth, ReadError, Refresh, Source, StoredPart};
use crate::volume::{ArrayInfo, Location, Piece, Problem, Region, codes};

/// Says more of an array than it says of itself; its shape and type stay what they are.
type Describe = dyn Fn(&mut ArrayInfo) + Send + Sync;

/// A source under other facts.
pub(super) struct Described {
    inner: Arc<dyn Source>,
    growing: Option<Arc<dyn Growing>>,
    info: Arc<ArrayInfo>,
    describe: Arc<Describe>,
    times_s: Option<Arc<[f64]>>,
    problems: Vec<Problem>,
}

impl Described {
    /// What `describe` makes of the facts that the source has of itself.
    pub fn new(
        inner: Arc<dyn Source>,
        growing: Option<Arc<dyn Growing>>,
        describe: impl Fn(&mut ArrayInfo) + Send + Sync + 'static,
    ) -> Self {
        Self::of(inner, growing, Arc::new(describe))
    }

    fn of(inner: Arc<dyn Source>, growing: Option<Arc<dyn Growing>>, describe: Arc<Describe>) -> Self {
        let mut info = ArrayInfo::clone(inner.info());
        describe(&mut info);
        debug_assert!(info.shape == inner.info().shape && info.dtype == inner.info().dtype);
        Self { inner, growing, info: Arc::new(info), describe, times_s: None, problems: Vec::new() }
    }

    /// The source, and the same where what it describes can grow.
    pub fn shared(self) -> (Arc<dyn Source>, Option<Arc<dyn Growing>>) {
        let source = Arc::new(self);
        let growing = source.growing.is_some().then(|| Arc::clone(&source) as Arc<dyn Growing>);
        (source, growing)
    }

    /// With the moment of each timepoint.
    #[must_use]
    pub fn with_times(mut self, times_s: Option<Vec<f64>>) -> Self {
        self.times_s = times_s.map(Arc::from);
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
        // Who describes an array knows its axes.
        problems.extend(self.inner.problems().into_iter().filter(|problem| problem.code != codes::AXES_GUESSED));
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

    fn stored_parts(&self) -> Vec<StoredPart> {
        self.inner.stored_parts()
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        self.times_s.as_ref().map(|times| times.to_vec()).or_else(|| self.inner.times_s())
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

impl Growing for Described {
    fn growth(&self) -> Growth {
        let whole = || Growth { axis: 0, piece_len: 1, is_finished: true, newest_readable: None, writing: None };
        self.growing.as_ref().map_or_else(whole, |growing| growing.growth())
    }

    /// What is said of the array stays as it was read at first; times that have come since are not known.
    fn refresh(&self, hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let Some(growing) = &self.growing else { return Ok(Refresh::Unchanged) };
        Ok(match growing.refresh(hints)? {
            Refresh::Changed { source, stale } => {
                let inner = Arc::clone(&source) as Arc<dyn Source>;
                let mut next = Self::of(inner, Some(source), Arc::clone(&self.describe));
                (next.times_s, next.problems) = (self.times_s.clone(), self.problems.clone());
                Refresh::Changed { source: Arc::new(next), stale }
            }
            // What was said of the former one is perhaps not true of it.
            Refresh::Replaced(_) => Refresh::Gone("another file lies in its place; open it again".to_owned()),
            unchanged @ (Refresh::Unchanged | Refresh::Gone(_)) => unchanged,
        })
    }

    fn folder(&self) -> Option<PathBuf> {
        self.growing.as_ref()?.folder()
    }

    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        self.growing.as_ref().map_or_else(|| vec![None; pieces.len()], |growing| growing.piece_times(pieces.clone()))
    }
}
