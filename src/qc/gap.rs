//! `gap`: time between timepoints, where the recording says when each was taken.

use super::derived::median;
use super::spans::{Bound, QUIET_VOLUMES, Span, Track, join};
use super::watch::Finding;
use super::{Code, Gravity, Limit, Timing};
use crate::volume::percentiles;

/// A time between two timepoints of more than so many times its median is a gap.
const GAP: f64 = 1.5;

/// What the times say.
///
/// # Errors
/// Why nothing can be told.
pub(super) fn timing(times_s: Option<&[f64]>) -> Result<Timing, String> {
    let times = times_s.ok_or("the recording does not say when its timepoints were taken")?;
    let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.is_empty() {
        return Err("needs the times of two timepoints".into());
    }
    if let Some(at) = steps.iter().position(|step| !(step.is_finite() && *step >= 0.0)) {
        return Err(format!("the times do not go on from t {at} to t {}", at + 1));
    }
    let period_s = median(steps.clone());
    if period_s <= 0.0 {
        return Err("most timepoints have the same time".into());
    }
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let variance = steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / steps.len() as f64;
    let p99_s = percentiles(&mut steps.clone(), [99.0]).map_or(period_s, |[p99]| p99);
    let gaps = steps.iter().enumerate().filter(|(_, step)| **step > GAP * period_s).map(|(i, step)| (i + 1, *step));
    Ok(Timing { period_s, jitter_s: variance.sqrt(), p99_s, gaps: gaps.collect() })
}

/// Single gaps as warnings; as an alarm from the first gap to the last where the time between timepoints is beyond
/// the limit in one of a hundred. Values are multiples of the median.
pub(super) fn gap_findings(times_s: Option<&[f64]>, timing: Option<&Timing>, limit: Limit) -> Vec<Finding> {
    let (Some(times), Some(timing)) = (times_s, timing) else { return Vec::new() };
    let multiple = |t: usize| (times[t] - times[t - 1]) / timing.period_s;
    let spans = |limit: f64| {
        let (bound, mut track) = (Bound::upper(limit), Track::default());
        (1..times.len()).for_each(|t| _ = track.push(&bound, t, 0, multiple(t)));
        join(&bound, vec![track])
    };
    let finding = |gravity, span: Span, limit| {
        let is_open = gravity == Gravity::Alarm && span.t[1] + QUIET_VOLUMES >= times.len();
        Finding { code: Code::Gap, gravity, span, limit, is_open }
    };
    let most = timing.p99_s / timing.period_s;
    if let Some(alarm) = limit.alarm.filter(|alarm| most > *alarm) {
        let gaps = spans(alarm);
        if let [first, .., last] | [first @ last] = gaps.as_slice() {
            let num = gaps.iter().map(|span| span.num).sum();
            let span = Span { t: [first.t[0], last.t[1]], z: [0, 0], worst: most, num };
            return vec![finding(Gravity::Alarm, span, alarm)];
        }
    }
    let warn = limit.warn.map(|warn| (warn, spans(warn)));
    warn.into_iter()
        .flat_map(|(warn, spans)| spans.into_iter().map(move |span| finding(Gravity::Warn, span, warn)))
        .collect()
}
