//! The play clock: which timepoint is due. Pure; time comes from outside.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Command, Loop, Play, PlayMode, ViewState};
use crate::array::ViewInfo;

/// The effective rate is counted over this time.
const RATE_WINDOW: Duration = Duration::from_millis(1500);

/// Where the clock stands between two frames.
#[derive(Debug, Default)]
pub struct Playback {
    /// Time and position the clock counts from; `None` while stopped.
    anchor: Option<Anchor>,
    num_skipped: u64,
    /// When exact pictures were shown, newest last.
    shown: VecDeque<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Instant,
    t: usize,
    rate_hz: f32,
}

impl Playback {
    /// What is due at `now`, if anything. `exact_ready` says whether the timepoint on screen is the exact
    /// one; playing every frame waits for it, real time does not and counts what it skips.
    pub fn advance(&mut self, view: &ViewState, info: &ViewInfo, now: Instant, exact_ready: bool) -> Option<Command> {
        let play = &view.play;
        if !play.is_running {
            *self = Self { num_skipped: self.num_skipped, ..Self::default() };
            return None;
        }
        let anchor = match self.anchor {
            Some(anchor) if anchor.t == view.t && anchor.rate_hz == play.rate_hz => anchor,
            // Started, or moved by hand: count from here.
            earlier => {
                if earlier.is_none() {
                    self.num_skipped = 0;
                }
                *self.anchor.insert(Anchor { at: now, t: view.t, rate_hz: play.rate_hz })
            }
        };
        let period_s = 1.0 / f64::from(play.rate_hz.max(f32::MIN_POSITIVE));
        let elapsed_s = now.saturating_duration_since(anchor.at).as_secs_f64();
        let num_due = (elapsed_s / period_s + 1e-6) as u64;
        if num_due == 0 || (play.mode == PlayMode::EveryFrame && !exact_ready) {
            return None;
        }
        let num_steps = match play.mode {
            PlayMode::EveryFrame => 1,
            PlayMode::RealTime => num_due,
        };
        let (t, direction, is_at_end) = step(view.t, num_steps, play, info.shape[0]);
        if exact_ready {
            self.shown.push_back(now);
        }
        if play.mode == PlayMode::RealTime {
            self.num_skipped += (num_steps - 1) + u64::from(!exact_ready);
        }
        if is_at_end {
            return Some(Command::StopPlay);
        }
        // Late by less than a period: keep the beat. Later than that in every-frame mode: start afresh,
        // so that a pause for data is not followed by a burst.
        let beat = anchor.at + Duration::from_secs_f64(period_s * num_steps as f64);
        let at = if num_due > num_steps { now } else { beat };
        self.anchor = Some(Anchor { at, t, rate_hz: play.rate_hz });
        Some(Command::PlayTo { t, direction })
    }

    /// How long until the next step is due; `None` while stopped.
    pub fn time_to_next(&self, view: &ViewState, now: Instant) -> Option<Duration> {
        let anchor = self.anchor.filter(|_| view.play.is_running)?;
        let due = anchor.at + Duration::from_secs_f64(1.0 / f64::from(anchor.rate_hz.max(f32::MIN_POSITIVE)));
        Some(due.saturating_duration_since(now))
    }

    /// Exact timepoints shown per second, lately; `None` while stopped or just started.
    pub fn effective_hz(&mut self, now: Instant) -> Option<f32> {
        while self.shown.front().is_some_and(|at| now.saturating_duration_since(*at) > RATE_WINDOW) {
            self.shown.pop_front();
        }
        let (first, last) = (self.shown.front()?, self.shown.back()?);
        let span_s = last.saturating_duration_since(*first).as_secs_f32();
        (self.shown.len() > 2 && span_s > 0.0).then(|| (self.shown.len() - 1) as f32 / span_s)
    }

    /// Timepoints left out since playing began.
    pub fn num_skipped(&self) -> u64 {
        self.num_skipped
    }
}

/// Where `num_steps` from `t` lead, in which direction it goes on, and whether the end stops it.
fn step(t: usize, num_steps: u64, play: &Play, num_t: usize) -> (usize, i8, bool) {
    let last = num_t.saturating_sub(1) as i128;
    let direction = if play.direction < 0 { -1 } else { 1 };
    if last == 0 {
        return (0, direction, true);
    }
    let position = i128::from(t as u64).min(last);
    let target = position + i128::from(direction) * i128::from(num_steps);
    match play.at_end {
        Loop::Off => {
            let stops = (direction > 0 && position == last) || (direction < 0 && position == 0);
            (target.clamp(0, last) as usize, direction, stops)
        }
        Loop::Loop => (target.rem_euclid(last + 1) as usize, direction, false),
        Loop::BackAndForth => {
            // Unfolded, the way there and back is a circle of 2 × last steps.
            let phase = if direction > 0 { position } else { 2 * last - position };
            let phase = (phase + i128::from(num_steps)) % (2 * last);
            if phase <= last { (phase as usize, 1, false) } else { ((2 * last - phase) as usize, -1, false) }
        }
    }
}
