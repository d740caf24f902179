//! `plane_slip` over time: planes are rotated from the first of three timepoints running that resemble the
//! reference most at the same cyclic offset.

use std::collections::BTreeMap;

use super::derived::complete;
use super::spans::{Bound, Span, Track, join};
use super::watch::Finding;
use super::{Code, Gravity, Table};
use crate::qc::spans::QUIET_VOLUMES;

/// Timepoints running before it is believed.
const SLIP_VOLUMES: usize = 3;

/// The offset by which the planes of each timepoint are rotated; 0 where they are not, and where that cannot be
/// told. One for each of `is_dark`: without light planes cannot be told apart.
pub(super) fn slips(table: &Table, is_dark: &[bool]) -> Vec<i32> {
    let offset = |t: usize| {
        let slip = complete(table, t).filter(|_| !is_dark[t]).map_or(f32::NAN, |row| row.volume.slip);
        if slip.is_finite() { slip as i32 } else { 0 }
    };
    let mut slips: Vec<i32> = (0..is_dark.len()).map(offset).collect();
    for run in slips.chunk_by_mut(|a, b| a == b).filter(|run| run.len() < SLIP_VOLUMES) {
        run.fill(0);
    }
    slips
}

/// Each offset over time, as an alarm: its value is the offset.
pub(super) fn slip_findings(slips: &[i32]) -> Vec<Finding> {
    let bound = Bound::upper(0.5);
    let mut tracks: BTreeMap<i32, Track> = BTreeMap::new();
    for (t, slip) in slips.iter().enumerate().filter(|(_, slip)| **slip != 0) {
        tracks.entry(*slip).or_default().push(&bound, t, 0, 1.0);
    }
    let spans = tracks.into_iter().flat_map(|(slip, track)| {
        join(&bound, vec![track]).into_iter().map(move |span| Span { worst: f64::from(slip), ..span })
    });
    spans
        .map(|span| {
            let is_open = span.t[1] + QUIET_VOLUMES >= slips.len();
            Finding { code: Code::PlaneSlip, gravity: Gravity::Alarm, span, limit: 0.0, is_open }
        })
        .collect()
}
