//! What one cause explains is not said twice: a jump of the sample changes every plane, and on its way to an alarm
//! a value passes its warning.

use super::spans::{QUIET_VOLUMES, Span};
use super::watch::Finding;
use super::{Code, Gravity};

/// Leaves out what others explain.
pub(super) fn said_once(found: Vec<Finding>) -> Vec<Finding> {
    // Saturation flickers and change comes often; neither's warnings explain anything.
    let explains =
        |other: &&Finding| other.gravity == Gravity::Alarm || !matches!(other.code, Code::Saturation | Code::Dvars);
    let others: Vec<&Finding> = found.iter().filter(explains).collect();
    let is_said = |one: &Finding| !others.iter().any(|other| is_flank(one, other) || is_explained(one, other));
    found.iter().filter(|one| is_said(one)).cloned().collect()
}

/// Whether a warning is the way up to an alarm of its measure, or back from it.
fn is_flank(one: &Finding, alarm: &Finding) -> bool {
    let [length, alarm_length] = [one, alarm].map(|finding| finding.span.t[1] + 1 - finding.span.t[0]);
    one.code == alarm.code
        && one.gravity == Gravity::Warn
        && alarm.gravity == Gravity::Alarm
        && alarm.span.z[0] <= one.span.z[0]
        && one.span.z[1] <= alarm.span.z[1]
        && length <= alarm_length.max(QUIET_VOLUMES)
        && within(one.span.t, around(alarm.span.t, length))
}

fn is_explained(one: &Finding, cause: &Finding) -> bool {
    let Span { t: [first, last], .. } = cause.span;
    let is_whole_time = match (one.code, cause.code) {
        (Code::Dvars, Code::Motion | Code::BadFrame | Code::Underexposed) => true,
        (Code::Dvars, Code::ZDrift | Code::PlaneSlip | Code::Focus | Code::Missing | Code::Duplicate) => false,
        (Code::BadFrame, Code::Motion | Code::Underexposed) | (Code::Focus, Code::ZDrift) => true,
        _ => return false,
    };
    let one = one.span.t;
    if is_whole_time {
        within(one, around([first, last], QUIET_VOLUMES))
    } else {
        within(one, around([first, first], QUIET_VOLUMES)) || within(one, around([last, last], QUIET_VOLUMES))
    }
}

fn within(one: [usize; 2], other: [usize; 2]) -> bool {
    other[0] <= one[0] && one[1] <= other[1]
}

fn around(t: [usize; 2], by: usize) -> [usize; 2] {
    [t[0].saturating_sub(by), t[1] + by]
}
