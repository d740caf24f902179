//! [`Watcher`]: the thread that follows a recording and tells what happened to it.
//!
//! The thread asks the disk first and takes the lock afterwards, for as long as it takes to write down
//! what it saw: the window takes the same lock in every frame, and a disk may be stuck.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use super::news::LiveEvent;
use super::notice::{Notice, Subscription};
use super::state::{Sight, State};
use super::{LiveStatus, Pace};
use crate::format::{self, FormatError, Growing, Location, OpenOptions, Refresh};

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

/// Follows one location from a thread of its own, which ends soon after this is dropped.
pub struct Watcher {
    shared: Arc<Shared>,
    notices: Sender<Notice>,
}

/// Opens what there may be by now; `None` for something that cannot grow.
type Open = dyn Fn() -> Result<Option<Arc<dyn Growing>>, FormatError> + Send + Sync;

struct Shared {
    location: Location,
    open: Box<Open>,
    config: WatchConfig,
    wake: Arc<dyn Fn() + Send + Sync>,
    stop: AtomicBool,
    state: Mutex<State>,
}

impl Watcher {
    /// Watches `location`, where `source` has been opened or a recording is expected. `wake` is called after
    /// each event, from the watching thread.
    pub fn start(
        location: impl Into<Location>,
        options: OpenOptions,
        source: Option<Arc<dyn Growing>>,
        config: WatchConfig,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let location = location.into();
        let there = location.clone();
        let open = move || format::open(&there, &options).map(|opened| opened.growing);
        Self::with(Box::new(open), location, source, config, wake)
    }

    fn with(
        open: Box<Open>,
        location: Location,
        source: Option<Arc<dyn Growing>>,
        config: WatchConfig,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let (sender, receiver) = bounded(MAX_NOTICES);
        let pace = source.as_deref().map(pace_of).unwrap_or_default();
        let state = Mutex::new(State::new(source, pace));
        let stop = AtomicBool::new(false);
        let shared = Arc::new(Shared { location, open, config, wake, stop, state });
        let thread = Arc::clone(&shared);
        let notices = sender.clone();
        let spawned =
            std::thread::Builder::new().name("tectum-watch".into()).spawn(move || thread.run(&receiver, &notices));
        if let Err(error) = spawned {
            tracing::error!("the folder is not watched: no thread for it: {error}");
            shared.state.lock().trouble = Some(format!("cannot watch the folder: {error}"));
        }
        Self { shared, notices: sender }
    }

    /// Takes what has happened since the last call, however long ago, as at most one change of the data
    /// and one of the state. Never waits.
    pub fn drain(&self) -> Vec<LiveEvent> {
        self.shared.state.lock().news.take()
    }

    /// The state of the recording now.
    pub fn status(&self) -> LiveStatus {
        self.shared.state.lock().status(Instant::now())
    }

    /// What of the recording is still being looked up, in words, though nobody writes.
    pub fn searching(&self) -> Option<String> {
        self.shared.state.lock().searching()
    }

    /// Whether the recording was seen unfinished: a finished one needs no badge.
    pub fn was_live(&self) -> bool {
        self.shared.state.lock().was_live
    }

    /// Says that the picture of timepoint `t` is on screen, while the newest is being followed. The
    /// first of each block makes the lag.
    pub fn mark_shown(&self, t: usize) {
        self.shared.state.lock().mark_shown(t);
    }

    /// Says that the newest timepoint is not being followed, so that what has landed makes no lag.
    pub fn mark_unfollowed(&self) {
        self.shared.state.lock().mark_unfollowed();
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
        let (mut last_kind, mut last_searching) = (None, None);
        while !self.stop.load(Ordering::Relaxed) {
            let wanted = self.folder_to_watch();
            if self.config.use_notify && subscription.as_ref().map(Subscription::folder) != wanted.as_deref() {
                subscription = wanted.and_then(|folder| Subscription::new(&folder, sender));
            }
            let begin = Instant::now();
            self.state.lock().look_began = Some(begin);
            let sight = self.look(&hints);
            let happened = {
                let mut state = self.state.lock();
                state.look_began = None;
                state.take_in(sight)
            };
            hints.clear();
            let took = begin.elapsed();
            if happened {
                last_change = Instant::now();
            }
            if self.state.lock().news.is_gone() {
                // The folder that was watched may come back as another one.
                subscription = None;
            }
            let searching = self.state.lock().searching();
            if searching != last_searching {
                last_searching = searching;
                (self.wake)();
            }
            let kind = std::mem::discriminant(&self.state.lock().status(Instant::now()).state);
            if last_kind.replace(kind) != Some(kind) && !happened {
                self.state.lock().news.add(LiveEvent::Status);
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
        if state.searching().is_some() {
            return config.poll;
        }
        if state.source.as_ref().is_some_and(|source| source.growth().is_finished) && state.gone.is_none() {
            return config.finished_poll;
        }
        (since_change / 16).clamp(config.poll, config.idle_poll.max(config.poll))
    }

    fn folder_to_watch(&self) -> Option<PathBuf> {
        let source = self.state.lock().source.clone();
        source.map_or_else(|| format::expected_in(&self.location), |source| source.folder())
    }

    /// One look, which may take as long as the disk does: no lock is held.
    fn look(&self, hints: &[PathBuf]) -> Sight {
        let source = {
            let mut state = self.state.lock();
            state.num_looks += 1;
            state.source.clone()
        };
        let Some(source) = source else { return self.look_for_first() };
        match source.refresh(hints) {
            Ok(Refresh::Unchanged) => Sight::Unchanged,
            Ok(Refresh::Changed { source: new, stale }) => {
                let (before, after) = (source.info().num_blocks, new.info().num_blocks);
                // Of many that landed at once only the last ones say something.
                let landed = new.piece_times(before.max(after.saturating_sub(8))..after);
                Sight::Changed { source: new, stale, landed }
            }
            Ok(Refresh::Replaced(new)) => Sight::Replaced { pace: pace_of(&*new), source: new },
            Ok(Refresh::Gone(reason)) => Sight::Gone(reason),
            // A share that does not answer for a moment: nothing is known, so nothing is changed.
            Err(error) => Sight::Trouble(error.to_string()),
        }
    }

    /// Looks whether there is something to open by now.
    fn look_for_first(&self) -> Sight {
        match (self.open)() {
            Ok(Some(source)) => Sight::Opened { pace: pace_of(&*source), source },
            // A single file beside the place where the recording will be.
            Ok(None) => Sight::Unchanged,
            // Where a recording is expected, its absence needs no reason; what is in its way does.
            Err(error) if error.is_absent() => Sight::Absent(error.awaited.unwrap_or_else(|| "a recording".to_owned())),
            Err(error) => Sight::Absent(format!("a recording: {} ({})", error.message, error.file.short())),
        }
    }
}

/// The pace of a recording that has just been opened, by the times of its last files.
fn pace_of(source: &dyn Growing) -> Pace {
    let num = source.info().num_blocks;
    let times = source.piece_times(num.saturating_sub(8)..num);
    Pace::found(&times, Instant::now(), std::time::SystemTime::now())
}

#[cfg(test)]
mod tests;
