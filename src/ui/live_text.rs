//! The state of a watched recording in words.

use super::{format, icons};
use crate::live::{LiveState, LiveStatus};
use crate::volume::Severity;

/// How a state is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Recording.
    Live,
    /// Done, and nothing is wrong.
    Good,
    /// Done, and something else has to be looked at.
    Plain,
    /// Look at this.
    Warning,
}

/// A state as a pill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PillText {
    /// A shape, so that the colour is not alone.
    pub icon: &'static str,
    /// A word or two.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
}

/// A state as a pill, beside which stands the worst of what was found wrong.
pub fn pill(live: &LiveStatus, worst: Option<Severity>) -> PillText {
    let rate = live.rate_hz.map(|rate| format!(" {} Hz", format::rate(rate))).unwrap_or_default();
    let (icon, label, tone) = match &live.state {
        LiveState::Waiting { .. } => (icons::RECORD, "WAITING".to_owned(), Tone::Warning),
        LiveState::Live => (icons::RECORD, format!("LIVE{rate}"), Tone::Live),
        LiveState::Quiet => (icons::WARNING, "NO NEW BLOCK".to_owned(), Tone::Warning),
        // What is finished and damaged is not good.
        LiveState::Finished if worst > Some(Severity::Note) => (icons::STOP, "FINISHED".to_owned(), Tone::Plain),
        LiveState::Finished => (icons::STOP, "FINISHED".to_owned(), Tone::Good),
        LiveState::StoppedEarly { .. } => (icons::WARNING, "STOPPED EARLY".to_owned(), Tone::Warning),
        LiveState::Restarted => (icons::RECORD, format!("RESTARTED{rate}"), Tone::Live),
        LiveState::Gone => (icons::WARNING, "FOLDER GONE".to_owned(), Tone::Warning),
    };
    PillText { icon, label, tone }
}

/// A state as a sentence.
pub fn headline(live: &LiveStatus) -> String {
    match &live.state {
        LiveState::Waiting { what } => format!("Waiting for {what}"),
        LiveState::Live => "Recording".to_owned(),
        LiveState::Quiet => {
            format!(
                "No new block for {}, more than three times the usual interval",
                format::duration_s(live.newest_age.as_secs_f64())
            )
        }
        LiveState::Finished => "The recording is finished".to_owned(),
        LiveState::StoppedEarly { claimed, have } => {
            format!(
                "Stopped early: {} of {} timepoints",
                format::integer(*have as i64),
                format::integer(*claimed as i64)
            )
        }
        LiveState::Restarted => "The folder was wiped and is being recorded anew".to_owned(),
        LiveState::Gone => "The folder is not there any more; waiting for it to come back".to_owned(),
    }
}

/// A state with all that is known of it, for the hover.
pub fn sentence(live: &LiveStatus) -> String {
    let mut text = headline(live);
    if let Some(end) = live.expected_end {
        text += &format!(" · {} timepoints expected", format::integer(end as i64));
    }
    if let Some(lag) = live.lag_ms {
        let (number, unit) = format::latency_ms(lag);
        text += &format!(" · on screen {number} {unit} after landing");
    }
    if let Some(message) = &live.message {
        text += &format!(" · {message}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_finished_and_damaged_is_not_called_good() {
        let live = LiveStatus {
            state: LiveState::Finished,
            rate_hz: None,
            newest_t: Some(9),
            newest_age: Duration::ZERO,
            lag_ms: None,
            expected_end: None,
            writing: None,
            message: None,
        };
        for (worst, tone) in [
            (None, Tone::Good),
            (Some(Severity::Note), Tone::Good),
            (Some(Severity::Warning), Tone::Plain),
            (Some(Severity::Error), Tone::Plain),
        ] {
            assert_eq!(pill(&live, worst).tone, tone, "{worst:?}");
        }
    }
}
