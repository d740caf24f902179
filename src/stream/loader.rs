//! The loader threads: take a task under the lock, do it without, land the result.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::assembly::{Assembly, Finished, Product};
use super::cache::{Entry, Tier};
use super::computing::Computing;
use super::state::{Class, Dropped, Keep, Read, State, Target, Task};
use crate::array::Loaded;
use crate::format::{ReadError, ReadErrorKind};
use crate::machine::{Priority, lower_this_thread};
use crate::volume::{Picture, PictureKey, Pool, reduce};

/// News that is not about the screen (the strip of what is cached) waits this long at least.
const QUIET_WAKE_INTERVAL: Duration = Duration::from_millis(100);

/// What all threads of a stream share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Signalled when there may be work for a thread that found none.
    pub(super) work: Condvar,
    /// Signalled when there may be something to fetch; whoever fetches passes it on.
    pub(super) fetching: Condvar,
    pub(super) has_fetchers: AtomicBool,
    pub(super) pool: Pool,
    pub(super) computing: Computing,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
    /// Whether somebody is recording, and reading ahead comes last of all.
    pub(super) is_live: AtomicBool,
    pub(super) last_quiet_wake: Mutex<Option<Instant>>,
}

impl Shared {
    /// The life of a loader thread.
    pub(super) fn run(&self, class: Class) {
        let mut is_last = false;
        if class == Class::Background {
            lower_this_thread(Priority::Behind);
        }
        loop {
            if class == Class::Background && !is_last && self.is_live.load(Ordering::Relaxed) {
                lower_this_thread(Priority::Last);
                is_last = true;
            }
            let task = {
                let mut state = self.state.lock();
                loop {
                    if state.is_closed {
                        return;
                    }
                    let now = Instant::now();
                    let task = state.next_task(class, now);
                    if state.fetches.has_waiting() {
                        self.fetching.notify_one();
                    }
                    if let Some(task) = task {
                        break task;
                    }
                    match state.bandwidth.wait(now) {
                        Some(pause) if class == Class::Background => {
                            self.work.wait_for(&mut state, pause);
                        }
                        _ => self.work.wait(&mut state),
                    }
                }
            };
            if guarded(|| self.perform(task)).is_none() {
                tracing::error!("a loader thread goes on after an internal error");
            }
        }
    }

    /// Does the most urgent task of any kind, fetching included; false if there is none.
    pub(super) fn run_one(&self) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        if let Some(task) = state.next_task(Class::Any, now) {
            drop(state);
            self.perform(task);
            return true;
        }
        let fetch = state.next_fetch(now);
        let is_ready = !state.ready.is_empty();
        drop(state);
        let found = fetch.is_some() || is_ready;
        if let Some(fetch) = fetch {
            self.fetch(fetch);
        }
        found
    }

    pub(super) fn perform(&self, task: Task) {
        match task {
            Task::Feed(assembly, ordinal, loaded) => {
                let is_visible = self.feed(&assembly, ordinal, &loaded);
                self.wake_for(is_visible);
            }
            Task::Sample(layer, loaded) => {
                let is_visible = self.add_to_sample(layer, loaded.as_ref());
                self.wake_for(is_visible);
            }
            Task::Fold(task) => {
                let is_visible = self.fold(&task);
                drop(task);
                self.wake_for(is_visible);
            }
            Task::Refused => self.wake_for(true),
            Task::Survey(key, since, voxels) => {
                let is_visible = self.survey(&key, since, voxels.as_deref());
                self.wake_for(is_visible);
            }
            Task::Read(job) => {
                let num_bytes = job.array.computing_bytes(&job.chunk.chunk);
                let is_visible = || self.state.lock().tier_of(&job) == Some(Tier::Visible);
                let _held = self.computing.hold(num_bytes, is_visible);
                let begin = Instant::now();
                let result = chunk_of(&job, || self.combine(&job, &job.array, &job.chunk));
                self.land(&job, result, begin.elapsed());
            }
            Task::Decode { read, fetched, took } => {
                let begin = Instant::now();
                let decode = |fetched| chunk_of(&read, || read.array.decode_chunk(&read.chunk, &fetched, &self.pool));
                let result = fetched.and_then(decode);
                self.land(&read, result, took + begin.elapsed());
            }
        }
    }

    fn land(&self, job: &Read, result: Result<Loaded, ReadError>, elapsed: Duration) {
        let (key, region) = (job.chunk.key, job.chunk.region);
        let mut dropped = Dropped::default();
        let mut state = self.state.lock();
        state.num_in_flight -= 1;
        state.in_flight_bytes -= job.num_bytes;
        let is_current = state.in_flight.get(&key).is_some_and(|read| read.since == job.since);
        let read = if is_current { state.in_flight.remove(&key) } else { None };
        let Some(read) = read else {
            // The data changed on disk meanwhile.
            drop(state);
            self.notify();
            return;
        };
        match &result {
            Ok(loaded) => {
                state.counters.decoded_bytes += loaded.voxels.bytes().len() as u64;
                let num_bytes = loaded.voxels.num_bytes();
                if let Some(layer) = state.layer_mut(key.layer) {
                    layer.previewing.note_read(loaded.voxels.bytes().len(), elapsed);
                }
                if read.keep == Keep::Yes || read.keep == Keep::IfRoom && state.cache.has_room_for(num_bytes) {
                    let entry = Entry { region, loaded: loaded.clone() };
                    state.cache.insert(key, entry, read.tier, &mut dropped.chunks);
                }
            }
            Err(error) => {
                state.counters.read_errors += 1;
                state.failures.insert(key, error.clone());
            }
        }
        state.note_volume_chunk(key);
        state.note_change(key.layer, region.start()[0], region.stop()[0]);
        state.note_dropped(&dropped);
        let mut is_visible = read.tier == Tier::Visible && read.keep == Keep::Yes;
        drop(state);
        drop(dropped);
        // What came in has made room for the next read.
        self.notify();
        for target in read.targets {
            match target {
                Target::Assembly(assembly, ordinal) => is_visible |= self.feed(&assembly, ordinal, &result),
                Target::Sample => is_visible |= self.add_to_sample(key.layer, result.as_ref().ok()),
            }
        }
        self.wake_for(is_visible);
    }

    /// Folds a chunk in; true if that finished what is on screen.
    fn feed(&self, assembly: &Arc<Assembly>, ordinal: usize, loaded: &Result<Loaded, ReadError>) -> bool {
        let fed = guarded(|| assembly.feed(ordinal, loaded, &self.pool));
        // What is half folded in cannot be told from what is whole: nothing of it is shown.
        match fed.unwrap_or_else(|| Some(Err(assembly.internal_error()))) {
            Some(finished) => self.finish(assembly, finished),
            None => false,
        }
    }

    fn finish(&self, assembly: &Arc<Assembly>, mut finished: Finished) -> bool {
        let preview = match (assembly.product, &finished) {
            (Product::Preview(key), Ok(loaded)) => {
                let side = self.state.lock().layer(key.layer).map(|layer| layer.previewing.side());
                side.map(|side| guarded(|| Arc::new(reduce(&loaded.voxels, side, &self.pool))))
            }
            _ => None,
        };
        if matches!(preview, Some(None)) {
            finished = Err(assembly.internal_error());
        }
        let preview = preview.flatten();
        let surveyed = match assembly.product {
            Product::Preview(key) => Some((key, finished.as_ref().ok().map(|l| Arc::clone(&l.voxels)))),
            Product::Picture(_) | Product::Volume(_) => None,
        };
        let mut dropped = Dropped::default();
        let mut state = self.state.lock();
        if !state.may_land(assembly) {
            return false;
        }
        match (assembly.product, finished) {
            (Product::Picture(key), finished) => state.keep_projection(&key, finished, &mut dropped),
            (product, Err(error)) => {
                state.failed.insert(product, error);
            }
            (Product::Preview(key), Ok(Loaded { voxels, reason })) => {
                if let Some(preview) = preview {
                    state.previews.insert(key, preview, &mut dropped.previews);
                }
                // The full projection has been made on the way: kept if nothing has to go for it.
                let room = state.projections.budget_bytes() - state.projections.num_bytes();
                if let Picture::Projection { t, .. } = key.picture
                    && voxels.num_bytes() <= room
                    && reason.is_none()
                    && voxels.is_whole()
                {
                    let key = PictureKey { level: assembly.level(), ..key };
                    state.projections.insert(key, voxels, &mut dropped.pictures);
                    state.note_change(key.layer, t, t + 1);
                }
            }
            (Product::Volume(key), Ok(Loaded { voxels, reason })) => {
                if let Some(reason) = reason {
                    state.volume_reasons.insert(key, reason);
                }
                if !state.volumes.insert(key, voxels, &mut dropped.volumes) {
                    let message = "is larger than the memory budget for volumes";
                    let error = assembly.error(ReadErrorKind::Unsupported, message.to_owned());
                    state.failed.insert(assembly.product, error);
                } else {
                    state.folds.set_ready(&key, true);
                }
            }
        }
        state.note_dropped(&dropped);
        let is_visible = match assembly.product {
            // Of a volume only that it cannot be had is news for the screen.
            Product::Volume(_) => state.is_visible(&assembly.product) && state.failed.contains_key(&assembly.product),
            Product::Picture(_) | Product::Preview(_) => state.visible_products.contains(&assembly.product),
        };
        drop(state);
        // A volume that has come may be folded.
        self.notify();
        // A picture landed twice is counted once.
        let has_ended = surveyed.is_some_and(|(key, voxels)| self.survey(&key, assembly.since(), voxels.as_deref()));
        is_visible || has_ended
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

/// Gets a chunk. A format that panics in spite of its promise costs a chunk, not a thread.
fn chunk_of(read: &Read, get: impl FnOnce() -> Result<Loaded, ReadError>) -> Result<Loaded, ReadError> {
    let internal = || read.array.error(ReadErrorKind::Corrupt, INTERNAL_ERROR.to_owned());
    guarded(get).unwrap_or_else(|| Err(internal()))
}

/// What is said of data that a part of the program fell over.
pub(super) const INTERNAL_ERROR: &str = "cannot be read: internal error";

/// Does what a format or a kernel may get wrong in spite of its promise; `None` where it panicked. Nothing it
/// leaves behind may be used.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
