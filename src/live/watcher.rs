//! [`Watcher`]: the thread that follows a recording and tells what happened to it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use super::notice::{Notice, Subscription};
use super::{LiveState, LiveStatus, Pace};
use crate::format::split::{self, Refresh, SplitSource};
use crate::format::{OpenOptions, Source as _};
use crate::volume::{Axis, Span};

/// Notices that may wait to be looked at; what does not fit is found by the look itself.
const MAX_NOTICES: usize = 256;

/// While a file is being written to, the folder is looked at no more often than this.
const WRITING_EVERY: Duration = Duration::from_millis(200);

/// After something was completed this much later, so that events which come in a row are one.
const SETTLE: Duration = Duration::from_millis(5);

/// Looking takes at most this share of a core: one in `LOAD`.
const LOAD: u32 = 128;

/// Where a look takes long because a network share is slow, not because there is much to do, the next
/// one still comes this soon.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How long a restart is shown as one.
const RESTART_SHOWN: Duration = Duration::from_secs(10);

/// How a folder is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// Whether the system is asked to tell of changes. `TECTUM_NO_NOTIFY` in the environment turns it off,
    /// to try what a network share is like.
    pub use_notify: bool,
    /// Time between looks while things change.
    pub poll: Duration,
    /// Time between looks when nothing has changed for a while.
    pub idle_poll: Duration,
    /// Time between looks at a recording that is finished.
    pub finished_poll: Duration,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            use_notify: std::env::var_os("TECTUM_NO_NOTIFY").is_none(),
            poll: Duration::from_millis(250),
            idle_poll: Duration::from_secs(1),
            finished_poll: Duration::from_secs(3),
        }
    }
}

/// Something that happened to a watched recording.
#[derive(Clone)]
pub enum LiveEvent {
    /// There is something to show for the first time.
    Opened(Arc<SplitSource>),
    /// The same recording has grown or changed. Chunks in `stale` hold other data now; failures of the
    /// rest are worth another attempt.
    Changed {
        /// The recording as it is now.
        source: Arc<SplitSource>,
        /// Ranges of chunk indices.
        stale: Vec<Range<u64>>,
    },
    /// Another recording has begun in the same place: nothing read of the old one may be shown for it.
    Replaced(Arc<SplitSource>),
    /// The blocks have gone, for the reason in the status. What was read of them is still true.
    Gone,
    /// The status changed in kind.
    Status,
}

/// Follows one path from a thread of its own, which ends soon after this is dropped.
pub struct Watcher {
    shared: Arc<Shared>,
    notices: Sender<Notice>,
}

struct Shared {
    path: PathBuf,
    options: OpenOptions,
    config: WatchConfig,
    wake: Arc<dyn Fn() + Send + Sync>,
    stop: AtomicBool,
    state: Mutex<State>,
}

struct State {
    events: Vec<LiveEvent>,
    source: Option<Arc<SplitSource>>,
    waiting_for: String,
    gone: Option<String>,
    trouble: Option<String>,
    restarted: Option<Instant>,
    message: Option<String>,
    pace: Pace,
    /// First timepoint of the newest block, whose first picture on screen makes the lag.
    newest_block_t: Option<usize>,
    lag_ms: Option<f64>,
    was_live: bool,
    num_looks: u64,
}

impl Watcher {
    /// Watches `path`, where `source` has been opened or a recording is expected. `wake` is called after
    /// each event, from the watching thread.
    pub fn start(
        path: &Path,
        options: OpenOptions,
        source: Option<Arc<SplitSource>>,
        config: WatchConfig,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let (sender, receiver) = bounded(MAX_NOTICES);
        let pace = source.as_ref().map(|source| pace_of(source)).unwrap_or_default();
        let newest_block_t = source.as_ref().and_then(|source| newest_block_t(source));
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            options,
            config,
            wake,
            stop: AtomicBool::new(false),
            state: Mutex::new(State {
                events: Vec::new(),
                was_live: source.as_ref().is_some_and(|source| !source.is_finished()),
                source,
                waiting_for: "a recording".into(),
                gone: None,
                trouble: None,
                restarted: None,
                message: None,
                pace,
                newest_block_t,
                lag_ms: None,
                num_looks: 0,
            }),
        });
        let thread = Arc::clone(&shared);
        let notices = sender.clone();
        let spawned =
            std::thread::Builder::new().name("tectum-watch".into()).spawn(move || thread.run(&receiver, &notices));
        if let Err(error) = spawned {
            shared.state.lock().trouble = Some(format!("cannot watch the folder: {error}"));
        }
        Self { shared, notices: sender }
    }

    /// Takes what has happened since the last call. Never waits.
    pub fn drain(&self) -> Vec<LiveEvent> {
        std::mem::take(&mut self.shared.state.lock().events)
    }

    /// The state of the recording now.
    pub fn status(&self) -> LiveStatus {
        self.shared.state.lock().status(Instant::now())
    }

    /// Whether the recording was seen unfinished: a finished one needs no badge.
    pub fn was_live(&self) -> bool {
        self.shared.state.lock().was_live
    }

    /// Says that the picture of timepoint `t` is on screen, while the newest is being followed. The
    /// first of each block makes the lag.
    pub fn mark_shown(&self, t: usize) {
        let mut state = self.shared.state.lock();
        if state.newest_block_t.is_some_and(|first| t >= first)
            && let Some(landed) = state.pace.newest()
        {
            state.newest_block_t = None;
            let lag_ms = landed.elapsed().as_secs_f64() * 1e3;
            state.lag_ms = Some(lag_ms);
            tracing::debug!(t, lag_ms, "newest on screen");
        }
    }

    /// How often the folder has been looked at, for tests of its cost.
    pub fn num_looks(&self) -> u64 {
        self.shared.state.lock().num_looks
    }

    /// Looks now instead of when the time has come.
    pub fn look_now(&self) {
        let _ = self.notices.try_send(Notice { path: PathBuf::new(), is_urgent: true });
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.look_now();
    }
}

impl Shared {
    fn run(&self, notices: &Receiver<Notice>, sender: &Sender<Notice>) {
        let mut subscription: Option<Subscription> = None;
        let mut last_change = Instant::now();
        let mut hints: Vec<PathBuf> = Vec::new();
        let mut last_kind = None;
        while !self.stop.load(Ordering::Relaxed) {
            let wanted = self.folder_to_watch();
            if self.config.use_notify && subscription.as_ref().map(Subscription::folder) != Some(wanted.as_path()) {
                subscription = Subscription::new(&wanted, sender);
            }
            let begin = Instant::now();
            let happened = self.look(&hints);
            hints.clear();
            let took = begin.elapsed();
            if happened {
                last_change = Instant::now();
            }
            if matches!(self.state.lock().events.last(), Some(LiveEvent::Gone)) {
                // The folder that was watched may come back as another one.
                subscription = None;
            }
            let kind = std::mem::discriminant(&self.state.lock().status(Instant::now()).state);
            if last_kind.replace(kind) != Some(kind) && !happened {
                self.state.lock().events.push(LiveEvent::Status);
                (self.wake)();
            } else if happened {
                (self.wake)();
            }
            let pause = self.pause(last_change.elapsed()).max((took * LOAD).min(MAX_PAUSE));
            self.wait(notices, pause, took, &mut hints);
        }
    }

    /// Waits for the next look: until the pause is over, or something is said to have happened.
    fn wait(&self, notices: &Receiver<Notice>, pause: Duration, took: Duration, hints: &mut Vec<PathBuf>) {
        let begin = Instant::now();
        let mut until = begin + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match notices.recv_timeout(left) {
                Ok(notice) => {
                    let earliest = if notice.is_urgent {
                        SETTLE.max((took * 4).min(MAX_PAUSE / 8))
                    } else {
                        WRITING_EVERY.max((took * LOAD).min(MAX_PAUSE))
                    };
                    until = until.min(Instant::now() + earliest);
                    if hints.len() < MAX_NOTICES && !hints.contains(&notice.path) {
                        hints.push(notice.path);
                    }
                    if self.stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Time to the next look: short while things change, longer the longer nothing does.
    fn pause(&self, since_change: Duration) -> Duration {
        let state = self.state.lock();
        let config = &self.config;
        if state.source.as_ref().is_some_and(|source| source.is_finished()) && state.gone.is_none() {
            return config.finished_poll;
        }
        (since_change / 16).clamp(config.poll, config.idle_poll.max(config.poll))
    }

    fn folder_to_watch(&self) -> PathBuf {
        let folder = self.state.lock().source.as_ref().map(|source| source.folder().to_owned());
        folder.unwrap_or_else(|| {
            // The rigs make this folder first.
            let original = self.path.join("original");
            if original.is_dir() {
                original
            } else if self.path.is_dir() {
                self.path.clone()
            } else {
                self.path.parent().unwrap_or(Path::new(".")).to_owned()
            }
        })
    }

    /// One look. Returns whether an event came of it.
    fn look(&self, hints: &[PathBuf]) -> bool {
        let source = {
            let mut state = self.state.lock();
            state.num_looks += 1;
            state.source.clone()
        };
        let Some(source) = source else { return self.try_open() };
        let result = source.refresh(hints);
        let mut state = self.state.lock();
        state.trouble = None;
        match result {
            Ok(Refresh::Unchanged) => {
                if state.gone.take().is_none() {
                    return false;
                }
                state.message = Some("the folder is back".into());
                state.events.push(LiveEvent::Changed { source, stale: Vec::new() });
            }
            Ok(Refresh::Changed { source: new, stale }) => {
                if state.gone.take().is_some() {
                    state.message = Some("the folder is back".into());
                }
                state.note_growth(&source, &new);
                state.source = Some(Arc::clone(&new));
                state.events.push(LiveEvent::Changed { source: new, stale });
            }
            Ok(Refresh::Replaced(new)) => {
                state.gone = None;
                state.restarted = Some(Instant::now());
                state.message = Some("the recording was begun anew".into());
                state.pace = pace_of(&new);
                state.newest_block_t = newest_block_t(&new);
                state.lag_ms = None;
                state.was_live |= !new.is_finished();
                state.source = Some(Arc::clone(&new));
                state.events.push(LiveEvent::Replaced(new));
            }
            Ok(Refresh::Gone(reason)) => {
                let is_news = state.gone.replace(reason.clone()).is_none();
                if is_news {
                    state.message = Some(reason);
                    state.events.push(LiveEvent::Gone);
                }
                return is_news;
            }
            Err(error) => {
                // A share that does not answer for a moment: nothing is known, so nothing is changed.
                state.trouble = Some(error.to_string());
                return false;
            }
        }
        true
    }

    /// Looks whether there is something to open by now.
    fn try_open(&self) -> bool {
        let opened = split::open(&self.path, &self.options);
        let mut state = self.state.lock();
        match opened.map(|opened| opened.split) {
            Ok(Some(source)) => {
                state.pace = pace_of(&source);
                state.newest_block_t = newest_block_t(&source);
                state.was_live |= !source.is_finished();
                state.source = Some(Arc::clone(&source));
                state.events.push(LiveEvent::Opened(source));
                true
            }
            // A single file beside the place where the recording will be.
            Ok(None) => false,
            Err(error) => {
                // Where a recording is expected, its absence needs no reason; what is in its way does.
                state.waiting_for = match error.message.split_once("waiting for ") {
                    Some((_, what)) if error.is_absent => what.to_owned(),
                    _ if error.is_absent => "a recording".to_owned(),
                    _ => {
                        let file = error.file.file_name().unwrap_or_default().to_string_lossy();
                        format!("a recording: {} ({file})", error.message)
                    }
                };
                false
            }
        }
    }
}

impl State {
    fn note_growth(&mut self, old: &SplitSource, new: &SplitSource) {
        let (now, clock) = (Instant::now(), SystemTime::now());
        let (before, after) = (old.info().num_blocks, new.info().num_blocks);
        // Of many that landed at once only the last ones say something.
        for index in before.max(after.saturating_sub(8))..after {
            self.pace.landed(new.block_time(index), now, clock);
        }
        if after > before {
            self.newest_block_t = newest_block_t(new);
            self.message = None;
        }
        if new.is_finished() && !old.is_finished() {
            self.message = None;
        }
    }

    fn status(&self, now: Instant) -> LiveStatus {
        let source = self.source.as_deref();
        let newest_t = source.and_then(num_t).and_then(|num| num.checked_sub(1));
        let is_t = |source: &&SplitSource| source.info().axes.get(source.growth_axis()) == Some(&Some(Axis::T));
        let claimed = source.filter(is_t).and_then(|source| {
            let claim = source.info().claimed_shape.as_ref()?;
            usize::try_from(*claim.get(source.growth_axis())?).ok()
        });
        let state = match source {
            _ if self.gone.is_some() => LiveState::Gone,
            None => LiveState::Waiting { what: self.waiting_for.clone() },
            Some(source) if source.is_finished() => match (claimed, num_t(source)) {
                (Some(claimed), Some(have)) if claimed > have => LiveState::StoppedEarly { claimed, have },
                _ => LiveState::Finished,
            },
            Some(_) if self.restarted.is_some_and(|at| now.saturating_duration_since(at) < RESTART_SHOWN) => {
                LiveState::Restarted
            }
            Some(_) if self.pace.is_quiet(now) => LiveState::Quiet,
            Some(_) => LiveState::Live,
        };
        let block_len = source.filter(is_t).map(|source| source.block_len() as f64);
        let rate_hz = block_len.zip(self.pace.interval()).map(|(len, interval)| len / interval.as_secs_f64());
        LiveStatus {
            rate_hz: rate_hz.filter(|rate| rate.is_finite()),
            newest_t,
            newest_age: self.pace.age(now).unwrap_or_default(),
            lag_ms: self.lag_ms,
            expected_end: claimed,
            writing: source.and_then(writing).filter(|_| state != LiveState::Gone),
            message: self.trouble.clone().or_else(|| self.gone.clone()).or_else(|| self.message.clone()),
            state,
        }
    }
}

/// Number of timepoints.
fn num_t(source: &SplitSource) -> Option<usize> {
    let info = source.info();
    let axis = info.axes.iter().position(|axis| *axis == Some(Axis::T))?;
    info.shape.dims().get(axis).copied()
}

/// What is being written.
fn writing(source: &SplitSource) -> Option<Span> {
    Some(Span { axis: source.axis()?, range: source.writing()? })
}

/// First timepoint of the newest block; 0 where blocks run along depth.
fn newest_block_t(source: &SplitSource) -> Option<usize> {
    let num = num_t(source)?;
    let is_t = source.info().axes.get(source.growth_axis()) == Some(&Some(Axis::T));
    Some(if is_t { (num - 1) / source.block_len() * source.block_len() } else { 0 })
}

/// The pace of a recording that has just been opened, by the times of its last files.
fn pace_of(source: &SplitSource) -> Pace {
    let num = source.info().num_blocks;
    let times: Vec<_> = (num.saturating_sub(8)..num).map(|index| source.block_time(index)).collect();
    Pace::found(&times, Instant::now(), SystemTime::now())
}
