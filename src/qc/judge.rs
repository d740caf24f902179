//! From measures and limits to alarms and usable minutes. Reads nothing: changing a limit costs a moment.

use super::{Alarm, Figures, Limits, Missing, Subject, Table, Usable};

/// Everything that is judged, as it stands at one moment.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The recording.
    pub subject: &'a Subject,
    /// What was measured of each timepoint.
    pub table: &'a Table,
    /// What was measured of the whole.
    pub figures: &'a Figures,
    /// What is not there.
    pub missing: &'a [Missing],
}

/// What is to be said of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// In order of their first timepoint.
    pub alarms: Vec<Alarm>,
    /// How much can be used.
    pub usable: Usable,
    /// Timepoints that do not count as usable, half-open ranges in order.
    pub lost: Vec<[usize; 2]>,
}

/// Judges what was measured.
pub fn judge(evidence: &Evidence<'_>, _limits: &Limits) -> Verdict {
    let measured = evidence.table.num_complete();
    let of = evidence.subject.expected_t();
    let usable = Usable { volumes: measured, measured, of, expected: of, rate_hz: evidence.subject.rate_hz };
    Verdict { usable, ..Verdict::default() }
}
