//! `flyback`: first and last planes blurred by the piezo's return.

use super::Table;
use super::derived::median;

/// Planes it takes to say how the others are.
const LEAST_PLANES: usize = 8;
/// Planes at each end that are looked at, as a share of all.
const END_SHARE: f64 = 0.25;
/// Robust standard deviations below the line.
const LEAST_DEVIATIONS: f64 = 3.0;
/// And below the line by this share of it: what nobody would see is no reason to leave a plane out.
const LEAST_FALL: f64 = 0.3;
/// And so many times as far as any plane between the ends is from it: planes differ by what they show.
const LEAST_DIFFERENCE: f64 = 2.0;
/// And a plane that is skipped has at most this share of the focus of the next one, which is not: the piezo's return
/// ends at once, and a sample gradually. Of made recordings, sparse ones without a fault came down to 0.49, and
/// planes blurred to 2.5 times their structure up to 0.48.
const MOST_OF_NEXT: f64 = 0.48;
/// Timepoints that are looked at, evenly over the recording.
const MOST_VOLUMES: usize = 512;

/// Planes to skip at the first and the last end: those whose focus, in median over t, falls more than three robust
/// standard deviations, and clearly, below a line (Theil–Sen) through the others. An error says why it cannot be
/// had.
pub(super) fn end_planes(table: &Table) -> Result<[usize; 2], String> {
    let num_z = table.num_z();
    if num_z < LEAST_PLANES {
        return Err(format!("it takes {LEAST_PLANES} planes to tell the end planes from the others"));
    }
    let step = table.num_t().div_ceil(MOST_VOLUMES).max(1);
    let of_plane = |z: usize| {
        let values = (0..table.num_t()).step_by(step).filter_map(|t| Some(f64::from(table.plane(t, z)?.focus)));
        median(values.filter(|focus| focus.is_finite()).collect())
    };
    let focus: Vec<f64> = (0..num_z).map(of_plane).collect();
    if focus.iter().filter(|focus| focus.is_finite()).count() < LEAST_PLANES {
        return Err("focus was measured in too few planes".to_owned());
    }
    Ok(ends(&focus))
}

fn ends(focus: &[f64]) -> [usize; 2] {
    let num_end = (focus.len() as f64 * END_SHARE) as usize;
    let middle = num_end..focus.len() - num_end;
    let known: Vec<(f64, f64)> = middle.map(|z| (z as f64, focus[z])).filter(|(_, focus)| focus.is_finite()).collect();
    let pairs = known.iter().enumerate().flat_map(|(i, a)| known[i + 1..].iter().map(move |b| (a, b)));
    let slope = median(pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect());
    let start = median(known.iter().map(|(z, focus)| focus - slope * z).collect());
    let line = |z: usize| start + slope * z as f64;
    let deviations: Vec<f64> = known.iter().map(|(z, focus)| (focus - start - slope * z).abs()).collect();
    let largest = deviations.iter().copied().fold(0.0, f64::max);
    let usual = (LEAST_DEVIATIONS * 1.4826 * median(deviations)).max(LEAST_DIFFERENCE * largest);
    let falls = |z: usize| line(z) - focus[z] > usual.max(LEAST_FALL * line(z));
    let skipped = |ends: Vec<usize>| {
        let num = ends.iter().take(num_end).take_while(|z| falls(**z)).count();
        (1..=num).rev().find(|num| focus[ends[num - 1]] < MOST_OF_NEXT * focus[ends[*num]]).unwrap_or(0)
    };
    [skipped((0..focus.len()).collect()), skipped((0..focus.len()).rev().collect())]
}

#[cfg(test)]
mod tests {
    use super::super::{PlaneRow, Row, VolumeRow};
    use super::*;

    fn slope(z: usize) -> f64 {
        2.0 + 0.03 * z as f64 + 0.01 * ((z * 7 % 5) as f64 - 2.0)
    }

    #[test]
    fn blurred_end_planes_are_counted_from_both_ends() {
        let with = |blurred: &[usize]| -> Vec<f64> {
            (0..20).map(|z| slope(z) * if blurred.contains(&z) { 0.4 } else { 1.0 }).collect()
        };
        assert_eq!(ends(&with(&[])), [0, 0]);
        assert_eq!(ends(&with(&[0, 1])), [2, 0]);
        assert_eq!(ends(&with(&[0, 18, 19])), [1, 2]);
        assert_eq!(ends(&with(&[1, 9])), [0, 0], "not at an end");
        let slightly: Vec<f64> = (0..20).map(|z| 2.0 - if z == 0 { 0.1 } else { 0.0 }).collect();
        assert_eq!(ends(&slightly), [0, 0], "nobody would see it");
        let mut holed = with(&[0]);
        (holed[10], holed[19]) = (f64::NAN, f64::NAN);
        assert_eq!(ends(&holed), [1, 0]);
    }

    #[test]
    fn one_bad_timepoint_changes_nothing_and_too_few_planes_are_a_reason() {
        let row = |t: usize, num_z: usize| {
            let plane = |z: usize| PlaneRow {
                focus: if t == 3 { 0.1 } else { (slope(z) * if z == 0 { 0.4 } else { 1.0 }) as f32 },
                ..PlaneRow::ABSENT
            };
            Row { planes: (0..num_z).map(plane).collect(), volume: VolumeRow::UNKNOWN, is_complete: true }
        };
        let table = |num_z: usize| {
            let mut table = Table::new(9, num_z);
            (0..7).for_each(|t| table.set(t, row(t, num_z)));
            table
        };
        assert_eq!(end_planes(&table(12)), Ok([1, 0]));
        assert!(end_planes(&table(5)).is_err() && end_planes(&Table::new(0, 12)).is_err());
    }
}
