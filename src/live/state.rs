//! What is known of a watched recording, between the thread that looks and the window that asks: plain
//! values, changed and read within a moment.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::news::{LiveEvent, News};
use super::{LiveState, LiveStatus, Pace};
use crate::format::Growing;
use crate::volume::{Axis, Span};

/// How long a restart is shown as one.
const RESTART_SHOWN: Duration = Duration::from_secs(10);

/// A look that takes longer is told of.
const STUCK: Duration = Duration::from_secs(5);

/// What one look saw, with all that had to be asked of the disk.
pub(super) enum Sight {
    /// Something to show for the first time.
    Opened { source: Arc<dyn Growing>, pace: Pace },
    /// Still nothing; what is waited for.
    Absent(String),
    /// As before.
    Unchanged,
    /// More, or other; the times of the last pieces that are new.
    Changed { source: Arc<dyn Growing>, stale: Vec<Range<u64>>, landed: Vec<Option<SystemTime>> },
    /// Another recording in the same place.
    Replaced { source: Arc<dyn Growing>, pace: Pace },
    /// Nothing any more, for this reason.
    Gone(String),
    /// The disk did not say.
    Trouble(String),
}

/// What is known.
pub(super) struct State {
    pub news: News,
    pub source: Option<Arc<dyn Growing>>,
    pub gone: Option<String>,
    pub trouble: Option<String>,
    pub was_live: bool,
    pub num_looks: u64,
    /// When the look under way began.
    pub look_began: Option<Instant>,
    waiting_for: String,
    restarted: Option<Instant>,
    message: Option<String>,
    pace: Pace,
    /// First timepoint of the newest piece, whose first picture on screen makes the lag.
    newest_piece_t: Option<usize>,
    lag_ms: Option<f64>,
}

impl State {
    /// The state of a recording just opened, or of one that is expected.
    pub fn new(source: Option<Arc<dyn Growing>>, pace: Pace) -> Self {
        Self {
            news: News::default(),
            was_live: source.as_ref().is_some_and(|source| !source.growth().is_finished),
            newest_piece_t: source.as_deref().and_then(newest_piece_t),
            source,
            gone: None,
            trouble: None,
            num_looks: 0,
            look_began: None,
            waiting_for: "a recording".into(),
            restarted: None,
            message: None,
            pace,
            lag_ms: None,
        }
    }

    /// Takes in what a look saw. Returns whether an event came of it.
    pub fn take_in(&mut self, sight: Sight) -> bool {
        if !matches!(sight, Sight::Trouble(_)) {
            self.trouble = None;
        }
        match sight {
            Sight::Opened { source, pace } => {
                self.begin(&source, pace);
                self.news.add(LiveEvent::Opened(source));
            }
            Sight::Absent(what) => {
                self.waiting_for = what;
                return false;
            }
            Sight::Unchanged => {
                let Some(source) = self.source.clone().filter(|_| self.gone.take().is_some()) else { return false };
                self.note_return(&*source);
                self.news.add(LiveEvent::Changed { source, stale: Vec::new() });
            }
            Sight::Changed { source, stale, landed } => {
                if self.gone.take().is_some() {
                    self.note_return(&*source);
                }
                self.note_growth(&*source, &landed);
                self.source = Some(Arc::clone(&source));
                self.news.add(LiveEvent::Changed { source, stale });
            }
            Sight::Replaced { source, pace } => {
                self.gone = None;
                self.restarted = Some(Instant::now());
                self.message = Some("the recording was begun anew".into());
                self.lag_ms = None;
                self.begin(&source, pace);
                self.was_live = true;
                self.news.add(LiveEvent::Replaced(source));
            }
            Sight::Gone(reason) => {
                let is_news = self.gone.replace(reason.clone()).is_none();
                if is_news {
                    // Something happens here, however finished it looked.
                    self.was_live = true;
                    self.message = Some(reason);
                    self.news.add(LiveEvent::Gone);
                }
                return is_news;
            }
            Sight::Trouble(error) => {
                self.trouble = Some(error);
                return false;
            }
        }
        true
    }

    /// What of the recording is still being looked up.
    pub fn searching(&self) -> Option<String> {
        self.source.as_ref()?.searching()
    }

    /// What could not be read while the files were away can be read again.
    fn note_return(&mut self, source: &dyn Growing) {
        source.forget_failures();
        self.message = Some("the folder is back".into());
    }

    fn begin(&mut self, source: &Arc<dyn Growing>, pace: Pace) {
        self.pace = pace;
        self.newest_piece_t = newest_piece_t(&**source);
        self.was_live |= !source.growth().is_finished;
        self.source = Some(Arc::clone(source));
    }

    fn note_growth(&mut self, new: &dyn Growing, landed: &[Option<SystemTime>]) {
        let (now, clock) = (Instant::now(), SystemTime::now());
        for modified in landed {
            self.pace.landed(*modified, now, clock);
        }
        let Some(old) = &self.source else { return };
        if new.info().num_blocks > old.info().num_blocks {
            self.newest_piece_t = newest_piece_t(new);
            self.message = None;
        } else if new.growth().is_finished && !old.growth().is_finished {
            self.message = None;
        }
    }

    /// The picture of timepoint `t` is on screen, while the newest is being followed.
    pub fn mark_shown(&mut self, t: usize) {
        if self.newest_piece_t.is_some_and(|first| t >= first)
            && let Some(landed) = self.pace.newest()
        {
            self.newest_piece_t = None;
            let lag_ms = landed.elapsed().as_secs_f64() * 1e3;
            self.lag_ms = Some(lag_ms);
            tracing::debug!(t, lag_ms, "newest on screen");
        }
    }

    /// The newest is not being followed: what has landed until now makes no lag, whenever it is looked at.
    pub fn mark_unfollowed(&mut self) {
        self.newest_piece_t = None;
    }

    /// Said of a disk that has not answered for a while: what is shown may be old.
    fn stuck(&self, now: Instant) -> Option<String> {
        let since = now.saturating_duration_since(self.look_began?);
        (since >= STUCK).then(|| format!("the disk has not answered for {} s", since.as_secs()))
    }

    /// The state as the window shows it.
    pub fn status(&self, now: Instant) -> LiveStatus {
        let source = self.source.as_deref();
        let growth = source.map(Growing::growth);
        let in_time = source.filter(|source| axis_of(*source) == Some(Axis::T)).zip(growth);
        let claimed = in_time.and_then(|(source, growth)| {
            let claim = source.info().claimed_shape.as_ref()?;
            usize::try_from(*claim.get(growth.axis)?).ok()
        });
        let state = match source {
            _ if self.gone.is_some() => LiveState::Gone,
            None => LiveState::Waiting { what: self.waiting_for.clone() },
            Some(source) if source.growth().is_finished => match (claimed, num_t(source)) {
                (Some(claimed), Some(have)) if claimed > have => LiveState::StoppedEarly { claimed, have },
                _ => LiveState::Finished,
            },
            Some(_) if self.restarted.is_some_and(|at| now.saturating_duration_since(at) < RESTART_SHOWN) => {
                LiveState::Restarted
            }
            Some(_) if self.pace.is_quiet(now) => LiveState::Quiet,
            Some(_) => LiveState::Live,
        };
        let piece_len = in_time.map(|(_, growth)| growth.piece_len as f64);
        let rate_hz = piece_len.zip(self.pace.interval()).map(|(len, interval)| len / interval.as_secs_f64());
        LiveStatus {
            rate_hz: rate_hz.filter(|rate| rate.is_finite()),
            newest_t: growth.and_then(|growth| growth.newest_readable),
            newest_age: self.pace.age(now).unwrap_or_default(),
            lag_ms: self.lag_ms,
            expected_end: claimed,
            writing: source.and_then(writing).filter(|_| state != LiveState::Gone),
            message: self
                .stuck(now)
                .or_else(|| self.trouble.clone())
                .or_else(|| self.gone.clone())
                .or_else(|| self.message.clone()),
            state,
        }
    }
}

/// Number of timepoints.
fn num_t(source: &dyn Growing) -> Option<usize> {
    let info = source.info();
    let axis = info.axes.iter().position(|axis| *axis == Some(Axis::T))?;
    info.shape.dims().get(axis).copied()
}

/// What the axis is along which a recording grows, where it has a meaning.
fn axis_of(source: &dyn Growing) -> Option<Axis> {
    source.info().axes.get(source.growth().axis).copied().flatten()
}

/// What is being written.
fn writing(source: &dyn Growing) -> Option<Span> {
    Some(Span { axis: axis_of(source)?, range: source.growth().writing? })
}

/// First timepoint of the newest piece; 0 where pieces run along depth.
fn newest_piece_t(source: &dyn Growing) -> Option<usize> {
    let (num, len) = (num_t(source)?, source.growth().piece_len.max(1));
    Some(if axis_of(source) == Some(Axis::T) { num.saturating_sub(1) / len * len } else { 0 })
}
