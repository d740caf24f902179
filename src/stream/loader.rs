//! The loader threads: take a task under the lock, do it without, land the result.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::cache::{Entry, Tier};
use super::making::{Finished, Making, Product};
use super::sampling::Sampling;
use super::state::{Class, Read, State, Target, Task, Trash};
use crate::array::{ArrayChunk, LazyArray, Loaded};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::Pool;

/// News that is not about the screen (the strip of what is cached) waits this long at least.
const QUIET_WAKE_INTERVAL: Duration = Duration::from_millis(100);

/// What all threads of a stream share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) sampling: Mutex<Sampling>,
    /// Signalled when there may be work for a thread that found none.
    pub(super) work: Condvar,
    pub(super) pool: Pool,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
    pub(super) last_quiet_wake: Mutex<Option<Instant>>,
}

impl Shared {
    /// The life of a loader thread.
    pub(super) fn run(&self, class: Class) {
        loop {
            let task = {
                let mut state = self.state.lock();
                loop {
                    if state.is_closed {
                        return;
                    }
                    if let Some(task) = state.next_task(class) {
                        break task;
                    }
                    self.work.wait(&mut state);
                }
            };
            self.perform(task);
        }
    }

    /// Does the most urgent task of any kind; false if there is none.
    pub(super) fn run_one(&self) -> bool {
        let task = self.state.lock().next_task(Class::Any);
        let found = task.is_some();
        if let Some(task) = task {
            self.perform(task);
        }
        found
    }

    fn perform(&self, task: Task) {
        match task {
            Task::Feed(making, ordinal, loaded) => {
                let is_visible = self.feed(&making, ordinal, &loaded);
                self.wake_for(is_visible);
            }
            Task::Sample(loaded) => {
                let is_visible = self.sampling.lock().add(loaded.as_ref());
                self.wake_for(is_visible);
            }
            Task::Read(job) => {
                let result = read(&job.array, &job.chunk, &self.pool);
                self.land(&job, result);
            }
        }
    }

    fn land(&self, job: &Read, result: Result<Loaded, ReadError>) {
        let (index, region) = (job.chunk.key.index, job.chunk.region);
        let mut trash = Trash::default();
        let mut state = self.state.lock();
        state.num_in_flight -= 1;
        state.in_flight_bytes -= job.num_bytes;
        let is_current = state.in_flight.get(&index).is_some_and(|read| read.ticket == job.ticket);
        let read = if is_current { state.in_flight.remove(&index) } else { None };
        let Some(read) = read else {
            // The data changed on disk meanwhile.
            drop(state);
            self.work.notify_all();
            return;
        };
        match &result {
            Ok(loaded) => {
                state.counters.decoded_bytes += loaded.voxels.bytes().len() as u64;
                let num_bytes = loaded.voxels.num_bytes();
                let is_for_sample = matches!(read.targets[..], [Target::Sample]);
                if read.keep || is_for_sample && state.cache.has_room_for(num_bytes) {
                    let entry = Entry { region, loaded: loaded.clone() };
                    state.cache.insert(index, entry, read.tier, &mut trash.chunks);
                    if num_bytes > state.cache.budget_bytes() {
                        let message = "is stored in pieces larger than the memory budget for data";
                        let error = state.array.error(ReadErrorKind::Unsupported, message.to_owned());
                        state.failures.insert(index, error);
                    }
                }
            }
            Err(error) => {
                state.counters.read_errors += 1;
                state.failures.insert(index, error.clone());
            }
        }
        state.note_change(region.start()[0], region.stop()[0]);
        state.note_trash(&trash);
        let mut is_visible = read.tier == Tier::Visible && read.keep;
        drop(state);
        drop(trash);
        // What came in has made room for the next read.
        self.work.notify_all();
        for target in read.targets {
            match target {
                Target::Making(making, ordinal) => is_visible |= self.feed(&making, ordinal, &result),
                Target::Sample => is_visible |= self.sampling.lock().add(result.as_ref().ok()),
            }
        }
        self.wake_for(is_visible);
    }

    /// Folds a chunk in; true if that finished what is on screen.
    fn feed(&self, making: &Arc<Making>, ordinal: usize, loaded: &Result<Loaded, ReadError>) -> bool {
        let Some(finished) = making.feed(ordinal, loaded, &self.pool) else { return false };
        self.finish(making, finished)
    }

    fn finish(&self, making: &Arc<Making>, finished: Finished) -> bool {
        let mut trash = Trash::default();
        let mut state = self.state.lock();
        state.makings.retain(|known| !Arc::ptr_eq(known, making));
        if making.is_stale() {
            return false;
        }
        match (making.product, finished) {
            (product, Err(error)) => {
                state.failed.insert(product, error);
            }
            (Product::Picture(picture), Ok(Loaded { voxels, reason })) => {
                if let Some(reason) = reason {
                    state.reasons.insert(picture, reason);
                }
                if !state.projections.insert(picture, voxels, &mut trash.pictures) {
                    let message = "is larger than the memory budget for pictures";
                    let error = state.array.error(ReadErrorKind::Unsupported, message.to_owned());
                    state.failed.insert(making.product, error);
                }
                state.note_change(picture.t(), picture.t() + 1);
            }
            (Product::Volume(t), Ok(Loaded { voxels, .. })) => {
                if !state.volumes.insert(t, voxels, &mut trash.volumes) {
                    let message = "is larger than the memory budget for volumes";
                    let error = state.array.error(ReadErrorKind::Unsupported, message.to_owned());
                    state.failed.insert(making.product, error);
                }
            }
        }
        state.note_trash(&trash);
        let is_visible = state.visible_product == Some(making.product);
        drop(state);
        is_visible
    }

    /// Tells the window: at once about what is on screen, now and then about the rest, and when all is done.
    fn wake_for(&self, is_visible: bool) {
        let due = is_visible || self.state.lock().is_drained() || {
            let now = Instant::now();
            let mut last = self.last_quiet_wake.lock();
            let due = last.is_none_or(|last| now.duration_since(last) >= QUIET_WAKE_INTERVAL);
            if due {
                *last = Some(now);
            }
            due
        };
        if due {
            (self.wake)();
        }
    }
}

/// Reads a chunk. A format that panics in spite of its promise costs a chunk, not a thread.
fn read(array: &LazyArray, chunk: &ArrayChunk, pool: &Pool) -> Result<Loaded, ReadError> {
    let result = catch_unwind(AssertUnwindSafe(|| array.read_chunk(chunk, pool)));
    result.unwrap_or_else(|_| Err(array.error(ReadErrorKind::Corrupt, "cannot be read: internal error".to_owned())))
}
