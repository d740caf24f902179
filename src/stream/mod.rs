//! From "show this picture" to voxels, without ever waiting: a cache of decoded chunks under a budget, a
//! plan of what to read next, and the threads that read it.
//!
//! The window calls [`Stream::request`] when the view changes and [`Stream::picture`] in every frame it
//! draws; both return at once. Between them, loader threads read chunks, keep them, fold them into
//! projections and wake the window.

mod assembly;
mod availability;
mod cache;
mod change;
mod computing;
mod config;
mod fetches;
mod fold;
mod folds;
mod hash;
mod inputs;
mod layer;
mod loader;
mod log;
mod peek;
mod pictures;
mod plan;
mod preview;
mod projector;
mod queue;
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
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

pub use cache::{Cache, Entry, Tier};
pub use config::StreamConfig;
pub use peek::Peek;
pub use pictures::PictureState;
pub use plan::{Plan, Planner, Wanted, pictures_ahead};
pub use projector::Projector;
pub use request::{PictureRequest, Play, ViewRequest};
pub use sampling::{NoSample, Sample};
pub use stats::StreamStats;
pub use survey::SurveyState;
pub use velocity::{Outlook, Velocity};

use crate::array::{Image, LazyArray};
use crate::machine::Bandwidth;
use crate::volume::{LayerId, PictureKey, Pool};
use availability::Availabilities;
use layer::Layer;
use loader::Shared;
use request::Viewer;
use state::{Class, State};

/// The pictures of the layers of one window, under one budget. All methods return at once; dropping it never
/// waits for a disk.
pub struct Stream {
    shared: Arc<Shared>,
    config: StreamConfig,
    /// Only the window's thread takes these.
    viewer: Mutex<Viewer>,
    availability: Mutex<Availabilities>,
}

impl Stream {
    /// Starts the loader threads. `wake` is called from them, after something worth drawing came in; it
    /// must not block.
    pub fn new(image: impl Into<Image>, config: StreamConfig, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(image.into(), &config)),
            work: Condvar::new(),
            fetching: Condvar::new(),
            has_fetchers: AtomicBool::new(false),
            pool: Pool::new(config.pool_bytes()),
            // Beside the budget: what is kept is not thrown away for it.
            computing: computing::Computing::new(config.total_bytes() / 8),
            wake,
            is_live: AtomicBool::new(config.background_bytes_per_s.is_some()),
            last_quiet_wake: Mutex::new(None),
        });
        for (class, name) in [(Class::Foreground, "tectum-read"), (Class::Background, "tectum-ahead")] {
            for i in 0..config.num_workers {
                let shared = Arc::clone(&shared);
                start_thread(format!("{name}-{i}"), move || shared.run(class));
            }
        }
        let stream = Self { shared, config, viewer: Mutex::default(), availability: Mutex::default() };
        stream.start_fetching();
        stream
    }

    /// Starts the threads that fetch once there is something to fetch from.
    fn start_fetching(&self) {
        let is_remote = self.shared.state.lock().layers.iter().any(Layer::is_remote);
        if !is_remote || self.config.num_workers == 0 || self.shared.has_fetchers.swap(true, Ordering::Relaxed) {
            return;
        }
        for i in 0..self.config.max_fetches {
            let shared = Arc::clone(&self.shared);
            start_thread(format!("tectum-fetch-{i}"), move || shared.run_fetches());
        }
    }

    /// A stream of that many loader threads, otherwise by default and with nobody to wake; with 0, call
    /// [`Stream::run_one`].
    pub fn with_workers(image: impl Into<Image>, num_workers: usize) -> Self {
        Self::new(image, StreamConfig { num_workers, ..StreamConfig::default() }, Arc::new(|| ()))
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
        self.shared.notify();
    }

    /// The array of the first layer, in full resolution.
    pub fn array(&self) -> Arc<LazyArray> {
        Arc::clone(self.shared.state.lock().layers[0].image.finest())
    }

    /// The data of a layer.
    pub fn image(&self, layer: LayerId) -> Option<Image> {
        self.shared.state.lock().layer(layer).map(|layer| layer.image.clone())
    }

    /// The timepoints of which this kind of picture can be shown at once, as half-open ranges.
    pub fn cached_ranges(&self, key: &PictureKey) -> Vec<[usize; 2]> {
        let mut availability = self.availability.lock();
        availability.of(&self.shared.state.lock(), key).ranges().to_vec()
    }

    /// The same of what is shown in tiles: where all of them can be shown at once.
    pub fn cached_ranges_of(&self, keys: &[PictureKey]) -> Vec<[usize; 2]> {
        let ranges = keys.iter().map(|key| self.cached_ranges(key));
        ranges.reduce(|a, b| common(&a, &b)).unwrap_or_default()
    }

    /// A sample of the values of a whole recording, once it is complete; it never changes afterwards.
    pub fn sample(&self, layer: LayerId) -> Option<Arc<Sample>> {
        self.shared.state.lock().layer(layer)?.sampling.done()
    }

    /// Why there will be no sample of a recording as it is, once that is certain.
    pub fn no_sample(&self, layer: LayerId) -> Option<NoSample> {
        self.shared.state.lock().layer(layer)?.sampling.failure()
    }

    /// What is held and has been done.
    pub fn stats(&self) -> StreamStats {
        let last_image_ms = self.viewer.lock().last_image_ms;
        let state = self.shared.state.lock();
        let counters = &state.counters;
        let asked = counters.hits + counters.misses;
        StreamStats {
            total_budget_bytes: self.config.total_bytes(),
            cache_bytes: state.cache.num_bytes(),
            budget_bytes: state.cache.budget_bytes(),
            num_chunks: state.cache.len(),
            picture_bytes: state.picture_bytes(),
            picture_budget_bytes: self.config.picture_budget_bytes,
            assembly_bytes: state.assembly_bytes(),
            preview_bytes: state.previews.num_bytes(),
            preview_budget_bytes: state.previews.budget_bytes(),
            num_previews: state.previews.len(),
            free_bytes: self.shared.pool.free_bytes(),
            in_flight_bytes: state.in_flight_bytes,
            max_in_flight_bytes: self.config.max_in_flight_bytes,
            queued: state.num_queued(),
            num_folding: state.folds.num(),
            queued_visible: state.plan.visible.len() + state.fetches.num_queued()[0],
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

fn start_thread(name: String, run: impl FnOnce() + Send + 'static) {
    // Without threads the machine is past helping; the picture then never comes, and nothing else breaks.
    if let Err(error) = std::thread::Builder::new().name(name).spawn(run) {
        tracing::error!("cannot start a loader thread: {error}");
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The threads end after what they are doing; a slow disk is not waited for.
        let mut state = self.shared.state.lock();
        state.is_closed = true;
        state.cancel_all_fetches();
        state.clear_queue();
        state.folds.retain(|_, _| false);
        state.layers.clear();
        // A graphics device must not be closed by a thread that is left behind while the program ends.
        let projector = state.folds.forget_projector();
        let mut pictures = Vec::new();
        state.projections.retain(|_, _| false, &mut pictures);
        drop(state);
        drop((pictures, projector));
        self.shared.notify();
    }
}

/// What two lists of half-open ranges, each in order, have in common.
fn common(a: &[[usize; 2]], b: &[[usize; 2]]) -> Vec<[usize; 2]> {
    let pairs = a.iter().flat_map(|a| b.iter().map(|b| [a[0].max(b[0]), a[1].min(b[1])]));
    pairs.filter(|[start, stop]| start < stop).collect()
}
