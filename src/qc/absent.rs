//! `missing`: timepoints and planes that are not there. No hysteresis: what is missing is known exactly.

use super::derived::complete;
use super::watch::Finding;
use super::{Code, Evidence, Gravity, Missing};
use crate::qc::spans::{QUIET_VOLUMES, Span};

/// What is missing, each with why: the parts that were found so while reading, then planes that were not whole
/// for another cause.
pub(super) fn absent(evidence: &Evidence<'_>) -> Vec<(Finding, String)> {
    let [num_t, num_z] = [evidence.subject.shape[0], evidence.subject.num_z()];
    let mut found: Vec<(Finding, String)> = Vec::new();
    for part in evidence.missing {
        let z = part.z.unwrap_or([0, num_z.saturating_sub(1)]);
        if part.t[0] < num_t && part.t[0] <= part.t[1] {
            push(&mut found, [part.t[0], part.t[1].min(num_t - 1)], z, &reason(part), num_t);
        }
    }
    for t in 0..num_t.min(evidence.table.num_t()) {
        let Some(row) = complete(evidence.table, t) else { continue };
        let unexplained =
            |z: &usize| !row.planes[*z].is_there && !evidence.missing.iter().any(|part| covers(part, t, *z));
        let absent: Vec<usize> = (0..row.planes.len()).filter(unexplained).collect();
        if let (Some(first), Some(last)) = (absent.first(), absent.last()) {
            push(&mut found, [t, t], [*first, *last], "", num_t);
        }
    }
    found
}

fn covers(part: &Missing, t: usize, z: usize) -> bool {
    (part.t[0]..=part.t[1]).contains(&t) && part.z.is_none_or(|[first, last]| (first..=last).contains(&z))
}

fn reason(part: &Missing) -> String {
    match &part.file {
        Some(file) if !part.reason.contains(file.as_str()) => format!("{file}: {}", part.reason),
        _ => part.reason.clone(),
    }
}

fn push(found: &mut Vec<(Finding, String)>, t: [usize; 2], z: [usize; 2], reason: &str, num_t: usize) {
    match found.last_mut() {
        Some((known, why)) if known.span.t[1] + 1 == t[0] && known.span.z == z && why == reason => {
            known.span.t[1] = t[1]
        }
        _ => {
            let span = Span { t, z, worst: 0.0, num: 0 };
            found.push((
                Finding { code: Code::Missing, gravity: Gravity::Alarm, span, limit: 0.0, is_open: false },
                reason.to_owned(),
            ));
        }
    }
    if let Some((known, _)) = found.last_mut() {
        known.span.num = known.span.t[1] + 1 - known.span.t[0];
        known.span.worst = known.span.num as f64;
        known.is_open = known.span.t[1] + 1 == num_t && known.span.num >= QUIET_VOLUMES;
    }
}
