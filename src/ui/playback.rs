//! The play clock: which timepoint is due. Pure; time comes from outside.

use std::time::{Duration, Instant};

use super::{Command, Loop, Play, PlayMode, ViewState};
use crate::array::ViewInfo;

/// Where the clock stands between two frames.
#[derive(Debug, Default)]
pub struct Playback {
    /// Time and position the clock counts from; `None` while stopped.
    anchor: Option<Anchor>,
    num_skipped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Instant,
    t: usize,
    rate_hz: f32,
}

impl Playback {
    /// What is due at `now`, if anything. `is_settled` says whether the timepoint on screen is the exact one,
    /// or is shown as missing, for which there is nothing to wait; playing every timepoint waits until it
    /// is, keeping pace does not and counts what it skips.
    pub fn advance(&mut self, state: &ViewState, info: &ViewInfo, now: Instant, is_settled: bool) -> Option<Command> {
        let play = &state.play;
        if !play.is_running {
            self.anchor = None;
            return None;
        }
        let rate_hz = play.aimed_hz(info.rate_hz);
        let anchor = match self.anchor {
            Some(anchor) if anchor.t == state.cursor.t && anchor.rate_hz == rate_hz => anchor,
            // Started, or moved by hand: count from here.
            earlier => {
                if earlier.is_none() {
                    self.num_skipped = 0;
                }
                *self.anchor.insert(Anchor { at: now, t: state.cursor.t, rate_hz })
            }
        };
        let period_s = 1.0 / f64::from(rate_hz.max(f32::MIN_POSITIVE));
        let elapsed_s = now.saturating_duration_since(anchor.at).as_secs_f64();
        let num_due = (elapsed_s / period_s + 1e-6) as u64;
        if num_due == 0 || (play.mode == PlayMode::EveryFrame && !is_settled) {
            return None;
        }
        let num_steps = match play.mode {
            PlayMode::EveryFrame => 1,
            PlayMode::KeepPace | PlayMode::RealTime => num_due,
        };
        let (t, direction, is_at_end) = step(state.cursor.t, num_steps, play, info.shape[0]);
        if play.mode != PlayMode::EveryFrame {
            self.num_skipped += (num_steps - 1) + u64::from(!is_settled);
        }
        if is_at_end {
            return Some(Command::StopPlay);
        }
        // Late by less than a period: keep the beat. Later than that in every-frame mode: start afresh,
        // so that a pause for data is not followed by a burst.
        let beat = anchor.at + Duration::from_secs_f64(period_s * num_steps as f64);
        let at = if num_due > num_steps { now } else { beat };
        self.anchor = Some(Anchor { at, t, rate_hz });
        Some(Command::PlayTo { t, direction })
    }

    /// How long until the next step is due; `None` while stopped.
    pub fn time_to_next(&self, state: &ViewState, now: Instant) -> Option<Duration> {
        let anchor = self.anchor.filter(|_| state.play.is_running)?;
        let due = anchor.at + Duration::from_secs_f64(1.0 / f64::from(anchor.rate_hz.max(f32::MIN_POSITIVE)));
        Some(due.saturating_duration_since(now))
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
