//! From "show this picture" to voxels, without ever waiting: a cache of decoded chunks under a budget, a
//! plan of what to read next, and the threads that read it.
//!
//! The window calls [`Stream::request`] when the view changes and [`Stream::picture`] in every frame it
//! draws; both return at once. Between them, loader threads read chunks, keep them, fold them into
//! projections and wake the window.

mod availability;
mod bandwidth;
mod cache;
mod config;
mod fold;
mod hash;
mod loader;
mod making;
mod pictures;
mod plan;
mod preview;
mod priority;
mod replace;
mod request;
mod sampling;
mod shelf;
mod state;
mod stats;
mod survey;
mod tasks;
mod velocity;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

pub use cache::{Cache, Entry, Tier};
pub use config::StreamConfig;
pub use fold::Fold;
pub use pictures::PictureState;
pub use plan::{Plan, Planner, Wanted, pictures_ahead};
pub use request::{PictureRequest, Play, ViewRequest};
pub use sampling::{NoSample, Sample};
pub use stats::StreamStats;
pub use survey::SurveyState;
pub use velocity::{Outlook, Velocity};

use crate::array::LazyArray;
use crate::volume::{PictureKey, Pool};
use availability::Availability;
use bandwidth::Bandwidth;
use loader::Shared;
use preview::Previewing;
use request::Viewer;
use sampling::Sampling;
use state::{Class, State};

/// The pictures of one dataset. All methods return at once; dropping it never waits for a disk.
pub struct Stream {
    shared: Arc<Shared>,
    config: StreamConfig,
    /// Only the window's thread takes these.
    viewer: Mutex<Viewer>,
    availability: Mutex<Availability>,
}

impl Stream {
    /// Starts the loader threads. `wake` is called from them, after something worth drawing came in; it
    /// must not block.
    pub fn new(array: Arc<LazyArray>, config: StreamConfig, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sampling, places) = Sampling::new(&array);
        let side = Previewing::side(array.info().shape[0], array.info().dtype, config.preview_budget_bytes);
        let mut state = State::new(array, &config);
        (state.sampling, state.sampling_ticket) = (places, sampling.ticket());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            sampling: Mutex::new(sampling),
            work: Condvar::new(),
            pool: Pool::new(config.pool_bytes()),
            wake,
            is_live: AtomicBool::new(config.background_bytes_per_s.is_some()),
            preview_side: AtomicUsize::new(side),
            last_quiet_wake: Mutex::new(None),
        });
        for (class, name) in [(Class::Foreground, "tectum-read"), (Class::Background, "tectum-ahead")] {
            for i in 0..config.num_workers {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name(format!("{name}-{i}"));
                // Without threads the machine is past helping; the picture then never comes, and nothing else breaks.
                if let Err(error) = thread.spawn(move || shared.run(class)) {
                    tracing::error!("cannot start a loader thread: {error}");
                }
            }
        }
        Self { shared, config, viewer: Mutex::default(), availability: Mutex::default() }
    }

    /// A stream of that many loader threads, otherwise by default and with nobody to wake; with 0, call
    /// [`Stream::run_one`].
    pub fn with_workers(array: Arc<LazyArray>, num_workers: usize) -> Self {
        Self::new(array, StreamConfig { num_workers, ..StreamConfig::default() }, Arc::new(|| ()))
    }

    /// Does one piece of work on the caller's thread, the most urgent one; false if there is none.
    pub fn run_one(&self) -> bool {
        self.shared.run_one()
    }

    /// Caps what reading ahead decodes, and makes it step back behind everything else on the machine:
    /// somebody is recording. `None` lifts the cap.
    pub fn set_background_limit(&self, bytes_per_s: Option<u64>) {
        self.shared.state.lock().bandwidth = Bandwidth::new(bytes_per_s);
        self.shared.is_live.fetch_or(bytes_per_s.is_some(), Ordering::Relaxed);
        self.shared.work.notify_all();
    }

    /// The array being shown.
    pub fn array(&self) -> Arc<LazyArray> {
        Arc::clone(&self.shared.state.lock().array)
    }

    /// The timepoints of which this kind of picture can be shown at once, as half-open ranges.
    pub fn cached_ranges(&self, key: &PictureKey) -> Vec<[usize; 2]> {
        let mut availability = self.availability.lock();
        availability.update(&mut self.shared.state.lock(), key);
        availability.ranges().to_vec()
    }

    /// A sample of the values of the whole recording, once it is complete; it never changes afterwards.
    pub fn sample(&self) -> Option<Arc<Sample>> {
        // Workers hold this lock while they add values to it: a moment, but not ours to wait for.
        self.shared.sampling.try_lock()?.done()
    }

    /// Why there will be no sample of the recording as it is, once that is certain.
    pub fn no_sample(&self) -> Option<NoSample> {
        self.shared.sampling.try_lock()?.failure()
    }

    /// What is held and has been done.
    pub fn stats(&self) -> StreamStats {
        let last_image_ms = self.viewer.lock().last_image_ms;
        let state = self.shared.state.lock();
        let counters = &state.counters;
        let asked = counters.hits + counters.misses;
        StreamStats {
            cache_bytes: state.cache.num_bytes(),
            budget_bytes: state.cache.budget_bytes(),
            num_chunks: state.cache.len(),
            picture_bytes: state.picture_bytes(),
            picture_budget_bytes: self.config.picture_budget_bytes,
            preview_bytes: state.previews.num_bytes(),
            preview_budget_bytes: state.previews.budget_bytes(),
            num_previews: state.previews.len(),
            free_bytes: self.shared.pool.free_bytes(),
            in_flight_bytes: state.in_flight_bytes,
            max_in_flight_bytes: self.config.max_in_flight_bytes,
            queued: state.num_queued(),
            queued_visible: state.plan.visible.len() - state.next_visible,
            hits: counters.hits,
            misses: counters.misses,
            hit_rate: if asked == 0 { 1.0 } else { counters.hits as f64 / asked as f64 },
            decoded_bytes: counters.decoded_bytes,
            visible_bytes: counters.visible_bytes,
            num_reads: counters.num_reads,
            read_errors: counters.read_errors,
            num_plans: counters.num_plans,
            last_image_ms,
            picture_ms: state.picture_ms(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The threads end after what they are doing; a slow disk is not waited for.
        let mut state = self.shared.state.lock();
        state.is_closed = true;
        state.clear_queue();
        state.folds.clear();
        state.sampling.clear();
        state.restart_previews();
        drop(state);
        self.shared.work.notify_all();
    }
}
