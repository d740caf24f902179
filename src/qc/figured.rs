//! What is wrong with a recording as a whole: alarms that follow from its figures and not from single timepoints.

use super::derived::complete;
use super::gap::gap_findings;
use super::spans::{QUIET_VOLUMES, Span};
use super::watch::Finding;
use super::{Bleaching, Code, Evidence, Gravity, Limits};

/// Bleaching is judged by what is lost in so many minutes; where the rate is unknown, in so many timepoints.
const BLEACHING_MINUTES: f64 = 10.0;
const BLEACHING_VOLUMES: f64 = 1000.0;

/// Share of the limit that has to be lost already: what a short recording gains or loses is not carried over to
/// minutes that were never seen.
const LEAST_LOSS: f64 = 0.5;

/// Bleaching, the piezo's return, and the times.
pub(super) fn figured(evidence: &Evidence<'_>, limits: &Limits) -> Vec<Finding> {
    let num_t = evidence.table.num_t();
    let mut seen = (0..num_t).filter(|t| complete(evidence.table, *t).is_some());
    let Some(first) = seen.next() else { return Vec::new() };
    let t = [first, seen.next_back().unwrap_or(first)];
    let mut found: Vec<Finding> = bleached(evidence, t, limits).into_iter().collect();
    found.extend(flyback(evidence, t));
    found.extend(gap_findings(evidence.subject.times_s.as_deref(), evidence.figures.timing.as_ref(), limits.gap));
    found
}

fn bleached(evidence: &Evidence<'_>, t: [usize; 2], limits: &Limits) -> Option<Finding> {
    let bleaching = evidence.figures.bleaching.as_ref()?;
    let whole = [0, evidence.subject.num_z().saturating_sub(1)];
    let finding = |gravity, t: [usize; 2], worst, limit| {
        let num = t[1] + 1 - t[0];
        Some(Finding { code: Code::Bleaching, gravity, span: Span { t, z: whole, worst, num }, limit, is_open: true })
    };
    if let Some(limit) = limits.bleaching.alarm.filter(|limit| bleaching.overall_percent > *limit) {
        let first = t[0] + lost_after(bleaching, t[1] - t[0], limit);
        return finding(Gravity::Alarm, [first.min(t[1]), t[1]], bleaching.overall_percent, limit);
    }
    let limit = limits.bleaching.warn?;
    let worst = bleaching_rate(bleaching, evidence.subject.rate_hz);
    let is_lost = bleaching.overall_percent >= LEAST_LOSS * limit;
    if worst > limit && is_lost { finding(Gravity::Warn, t, worst, limit) } else { None }
}

/// Percent lost in the time that bleaching is judged by.
pub(super) fn bleaching_rate(bleaching: &Bleaching, rate_hz: Option<f64>) -> f64 {
    bleaching.per_minute * if rate_hz.is_some_and(|rate| rate > 0.0) { BLEACHING_MINUTES } else { BLEACHING_VOLUMES }
}

/// Timepoints of `length` after which the fitted curve has lost so many percent.
fn lost_after(bleaching: &Bleaching, length: usize, percent: f64) -> usize {
    let share = percent / bleaching.overall_percent;
    let [tau, length] = [bleaching.tau, length as f64];
    let after =
        if tau.is_infinite() { share * length } else { -tau * (1.0 - share * (1.0 - (-length / tau).exp())).ln() };
    after.ceil() as usize
}

fn flyback(evidence: &Evidence<'_>, t: [usize; 2]) -> Vec<Finding> {
    let num_z = evidence.subject.num_z();
    let [first, last] = evidence.figures.flyback.unwrap_or_default();
    let ends = [(first, [0, first.saturating_sub(1)]), (last, [num_z.saturating_sub(last), num_z.saturating_sub(1)])];
    let span = |num: usize, z| Span { t, z, worst: num as f64, num };
    ends.into_iter()
        .filter(|(num, _)| (1..=num_z).contains(num))
        .map(|(num, z)| {
            let is_open = t[1] + QUIET_VOLUMES >= evidence.table.num_t();
            Finding { code: Code::Flyback, gravity: Gravity::Warn, span: span(num, z), limit: 0.0, is_open }
        })
        .collect()
}
