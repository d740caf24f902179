//! The planes of a recording in order of t, each chunk decoded once, ahead of whoever takes them, by the threads
//! of a pool and within a budget of bytes.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rayon::ThreadPool;

use super::unit::Unit;
use super::{Lender, Slab};
use crate::array::{ArrayChunk, LazyArray, Loaded};
use crate::format::{ReadError, ReadErrorKind};
use crate::machine::Bandwidth;
use crate::volume::{Pool, Region};

/// A volume of more than so many budgets is handed on in parts, and read twice: once for itself, and once for what
/// comes after it.
const MAX_HELD: usize = 4;
/// Timepoints that share chunks are decoded together up to so many budgets; chunks of more are decoded several times.
const MAX_TOGETHER: usize = 8;
/// Whoever waits for a picture goes first, but a chunk waits no longer than this.
const MAX_YIELD: Duration = Duration::from_millis(400);
/// How often it is looked whether that is over.
const YIELD: Duration = Duration::from_millis(4);

/// What a feed reads from, and what it may use.
pub(super) struct Reader {
    pub(super) array: Arc<LazyArray>,
    pub(super) lender: Arc<dyn Lender>,
    pub(super) threads: Arc<ThreadPool>,
    /// Memory of chunks on their way.
    pub(super) buffers: Pool,
    /// Decoded bytes held ahead.
    pub(super) budget_bytes: usize,
    /// Cap on what is read.
    pub(super) bandwidth: Arc<Mutex<Bandwidth>>,
}

/// Some planes of a timepoint.
pub(super) struct Piece {
    pub(super) slab: Slab,
    /// The same planes one timepoint before, where whoever takes the pieces does not have them yet.
    pub(super) before: Option<Slab>,
    /// Whether it only goes before what was asked for.
    pub(super) is_halo: bool,
    /// Whether it ends its timepoint.
    pub(super) is_last: bool,
}

/// Gives pieces in order of t and z.
pub(super) struct Feed {
    reader: Arc<Reader>,
    range: Range<usize>,
    /// From one timepoint to the next.
    step: usize,
    /// Where the next unit begins, (t, z).
    next: [usize; 2],
    ahead: VecDeque<Arc<Unit>>,
    /// The unit that pieces are taken from, and the next of its timepoints.
    current: Option<(Arc<Unit>, usize)>,
    is_cancelled: Arc<AtomicBool>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

impl Feed {
    /// Reads a range of timepoints, and, `with_halo`, what goes before its first.
    pub(super) fn new(reader: Arc<Reader>, range: Range<usize>, with_halo: bool) -> Self {
        let shape = reader.array.info().shape;
        // Of an array without voxels there is nothing to read.
        let num_t = if shape.contains(&0) { 0 } else { shape[0] };
        let range = range.start.min(num_t)..range.end.min(num_t);
        let is_halo = with_halo && !reader.is_cut_up() && !range.is_empty();
        let first = if is_halo { range.start.saturating_sub(1) } else { range.start };
        let (ahead, current) = (VecDeque::new(), None);
        Self { reader, range, step: 1, next: [first, 0], ahead, current, is_cancelled: Arc::default() }
    }

    /// Reads every `step`th timepoint of a range.
    pub(super) fn strided(reader: Arc<Reader>, range: Range<usize>, step: usize) -> Self {
        let mut feed = Self::new(reader, range, false);
        feed.step = step.max(1);
        feed
    }

    /// The next piece. Waits for it.
    pub(super) fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some((unit, t)) = self.current.take() {
                let piece = self.piece(&unit, t);
                if t + 1 < unit.t.end {
                    self.current = Some((unit, t + 1));
                }
                return Some(piece);
            }
            self.read_ahead(0);
            let unit = self.ahead.pop_front()?;
            // What is decoded next has to be known before this is waited for.
            self.read_ahead(self.num_bytes(&unit.t, &unit.z));
            unit.wait();
            let first = if self.reader.is_cut_up() { unit.t.end - 1 } else { unit.t.start };
            self.current = Some((unit, first));
        }
    }

    fn piece(&self, unit: &Unit, t: usize) -> Piece {
        let Reader { array, buffers, threads, .. } = &*self.reader;
        let slab = |t: usize| threads.install(|| unit.slab(array, t, buffers));
        let before = (self.reader.is_cut_up() && unit.t.start < t).then(|| slab(t - 1));
        let is_last = unit.z.end == array.info().shape[1];
        Piece { slab: slab(t), before, is_halo: t < self.range.start, is_last }
    }

    /// Starts reading as many units as the budget has room for beside what is being waited for, one at least.
    fn read_ahead(&mut self, waited_for: usize) {
        let ahead = self.ahead.iter().map(|unit| self.num_bytes(&unit.t, &unit.z));
        let mut num_bytes = ahead.sum::<usize>() + waited_for;
        while let Some((t, z)) = self.next_box() {
            num_bytes += self.num_bytes(&t, &z);
            if !self.ahead.is_empty() && num_bytes > self.reader.budget_bytes {
                return;
            }
            self.next =
                if z.end < self.reader.array.info().shape[1] { [t.end - 1, z.end] } else { [t.end - 1 + self.step, 0] };
            let unit = Arc::new(Unit::new(&self.reader.array, t, z));
            for at in 0..unit.chunks.len() {
                let (reader, unit, is_cancelled) =
                    (Arc::clone(&self.reader), Arc::clone(&unit), Arc::clone(&self.is_cancelled));
                self.reader.threads.spawn(move || unit.arrive(at, reader.read(&unit.chunks[at], &is_cancelled)));
            }
            self.ahead.push_back(unit);
        }
    }

    fn num_bytes(&self, t: &Range<usize>, z: &Range<usize>) -> usize {
        let region = self.reader.array.whole().with_axis(0, t.start, t.end).with_axis(1, z.start, z.end);
        region.shape().num_bytes(self.reader.array.info().dtype).unwrap_or(usize::MAX)
    }

    /// The timepoints and planes of the next unit: so many that its chunks are not needed again.
    fn next_box(&self) -> Option<(Range<usize>, Range<usize>)> {
        let [t, z] = self.next;
        if t >= self.range.end {
            return None;
        }
        let array = &self.reader.array;
        let num_z = array.info().shape[1];
        if self.reader.is_cut_up() {
            let end = end_of_chunks(array, 1, &array.whole().with_axis(0, t, t + 1).with_axis(1, z, z + 1));
            let plane_bytes = self.num_bytes(&(t..t + 1), &(z..z + 1)).max(1);
            let most = (self.reader.budget_bytes / plane_bytes).max(1);
            return Some((t.saturating_sub(1)..t + 1, z..end.min(z.saturating_add(most)).clamp(z + 1, num_z)));
        }
        let end = end_of_chunks(array, 0, &array.whole().with_axis(0, t, t + 1));
        let end = if self.step > 1 { t + 1 } else { end };
        let most =
            self.reader.budget_bytes.saturating_mul(MAX_TOGETHER) / self.num_bytes(&(t..t + 1), &(0..num_z)).max(1);
        Some((t..end.min(t.saturating_add(most)).clamp(t + 1, self.range.end), 0..num_z))
    }
}

/// Where the last of the chunks that a box touches ends along an axis.
fn end_of_chunks(array: &LazyArray, axis: usize, region: &Region) -> usize {
    let mut end = 0;
    array.for_each_chunk(region, |_, region| end = end.max(region.stop()[axis]));
    end
}

impl Reader {
    /// Reads an array for a sweep.
    pub(super) fn new(
        array: Arc<LazyArray>,
        lender: Arc<dyn Lender>,
        threads: Arc<ThreadPool>,
        budget_bytes: usize,
        bytes_per_s: Option<u64>,
    ) -> Self {
        let volume = array.whole().with_axis(0, 0, 1.min(array.info().shape[0]));
        let volume_bytes = volume.shape().num_bytes(array.info().dtype).unwrap_or(usize::MAX);
        // Fresh memory decodes many times slower than memory that was used before: a volume has to fit in.
        let kept_bytes = (budget_bytes / 2).max(volume_bytes.min(budget_bytes.saturating_mul(MAX_HELD)));
        let bandwidth = Arc::new(Mutex::new(Bandwidth::new(bytes_per_s)));
        Self { array, lender, threads, buffers: Pool::new(kept_bytes), budget_bytes, bandwidth }
    }

    /// Whether volumes are too large to be held.
    fn is_cut_up(&self) -> bool {
        let info = self.array.info();
        let volume = self.array.whole().with_axis(0, 0, 1.min(info.shape[0]));
        let num_bytes = volume.shape().num_bytes(info.dtype);
        num_bytes.is_none_or(|num_bytes| num_bytes / MAX_HELD > self.budget_bytes)
    }

    /// From memory where it is there, from the disk otherwise.
    fn read(&self, chunk: &ArrayChunk, is_cancelled: &AtomicBool) -> Result<Loaded, ReadError> {
        if let Some(loaded) = self.lender.chunk(&chunk.key) {
            return Ok(loaded);
        }
        if !self.may_read(chunk, is_cancelled) {
            return Err(self.array.error(ReadErrorKind::Missing, "was given up".to_owned()));
        }
        // A format that panics in spite of its promise costs a chunk, not the program.
        let read = catch_unwind(AssertUnwindSafe(|| self.array.read_chunk(chunk, &self.buffers)));
        read.unwrap_or_else(|_| {
            Err(self.array.error(ReadErrorKind::Corrupt, "cannot be read: internal error".to_owned()))
        })
    }

    /// Waits for its turn; false if it will not come.
    fn may_read(&self, chunk: &ArrayChunk, is_cancelled: &AtomicBool) -> bool {
        let begin = Instant::now();
        while self.lender.is_busy() && begin.elapsed() < MAX_YIELD && !is_cancelled.load(Ordering::Relaxed) {
            std::thread::sleep(YIELD);
        }
        loop {
            if is_cancelled.load(Ordering::Relaxed) {
                return false;
            }
            let mut bandwidth = self.bandwidth.lock();
            let Some(pause) = bandwidth.wait(Instant::now()) else {
                bandwidth.spend(chunk.region.shape().num_bytes(self.array.info().dtype).unwrap_or(0));
                return true;
            };
            drop(bandwidth);
            std::thread::sleep(pause.min(Duration::from_millis(50)));
        }
    }
}
