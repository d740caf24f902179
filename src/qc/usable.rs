//! The one number to be read across the room: how much of a recording can be used.

use super::derived::complete;
use super::{Alarm, Gravity, Subject, Table, Usable};

/// Timepoints an alarm lies on, half-open ranges in order.
pub(super) fn lost(alarms: &[Alarm]) -> Vec<[usize; 2]> {
    let grave = alarms.iter().filter(|alarm| alarm.gravity == Gravity::Alarm);
    let mut ranges: Vec<[usize; 2]> = grave.map(|alarm| [alarm.t[0], alarm.t[1] + 1]).collect();
    ranges.sort_unstable();
    let mut lost: Vec<[usize; 2]> = Vec::new();
    for range in ranges {
        match lost.last_mut() {
            Some(last) if range[0] <= last[1] => last[1] = last[1].max(range[1]),
            _ => lost.push(range),
        }
    }
    lost
}

/// How much is usable, and how much will be.
pub(super) fn usable(subject: &Subject, table: &Table, alarms: &[Alarm], lost: &[[usize; 2]]) -> Usable {
    let seen = |t: &usize| complete(table, *t).is_some();
    let measured = (0..table.num_t()).filter(seen).count();
    let measured_lost = lost.iter().flat_map(|range| range[0]..range[1]).filter(seen).count();
    let of = subject.expected_t();
    let num_lost: usize = lost.iter().map(|range| range[1].min(of).saturating_sub(range[0])).sum();
    let goes_on = alarms.iter().any(|alarm| alarm.gravity == Gravity::Alarm && alarm.is_open);
    let end = lost.last().map_or(0, |range| range[1]).max(subject.shape[0]);
    let to_come = if goes_on { of.saturating_sub(end) } else { 0 };
    let expected = of.saturating_sub(num_lost + to_come);
    Usable { volumes: measured - measured_lost, measured, of, expected, rate_hz: subject.rate_hz }
}
