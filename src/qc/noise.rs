//! `noise`: the shot-noise level ν of the brightest 10 % of voxels (Rupprecht et al. 2021, Nature Neuroscience 24,
//! 1324): median over t of |ΔF/F_t+1 − ΔF/F_t| / √rate, in %·Hz^−½, without a rate in % per √volume; of the voxels
//! the median. F is a voxel's mean over t above the camera's offset.
//!
//! The voxels are chosen in the first volumes, at most [`MOST_VOXELS`] of them, and each keeps a histogram of its
//! changes: exact up to 64 steps, beyond in 32 classes for each doubling.

use super::references::Scale;
use super::tsnr::median;
use super::{References, State, Subject, Values};

/// Voxels whose changes are kept, at most.
pub const MOST_VOXELS: usize = 4096;
/// Changes that have a class of their own.
const NUM_EXACT: usize = 64;
/// Classes for each doubling beyond.
const CLASSES: usize = 32;
/// Classes of all, up to 16 bits.
const NUM_CLASSES: usize = NUM_EXACT + 10 * CLASSES;

/// The brightest 10 % of voxels as places in the lattice of each plane, thinned to [`MOST_VOXELS`].
pub fn choose(means: &[Vec<f64>]) -> Vec<Vec<u32>> {
    let mut all: Vec<f64> = means.iter().flatten().copied().filter(|mean| mean.is_finite()).collect();
    let Some([least]) = crate::volume::percentiles(&mut all, [90.0]) else { return vec![Vec::new(); means.len()] };
    let is_bright = |mean: &f64| *mean >= least;
    let num = means.iter().flatten().filter(|mean| is_bright(mean)).count();
    let every = num.div_ceil(MOST_VOXELS).max(1);
    let mut turn = 0;
    let mut take = |mean: &f64| {
        turn += usize::from(is_bright(mean));
        is_bright(mean) && turn % every == 0
    };
    let of_plane = |plane: &Vec<f64>| (0..plane.len() as u32).filter(|i| take(&plane[*i as usize])).collect();
    means.iter().map(of_plane).collect()
}

/// Room for the changes of so many voxels.
pub fn room(num_voxels: usize) -> Vec<u32> {
    vec![0; num_voxels * NUM_CLASSES]
}

/// Takes in the change of the chosen voxels of a plane.
pub fn add(counts: &mut [u32], chosen: &[u32], now: &Values<'_>, before: &Values<'_>, scale: &Scale) {
    for (counts, i) in counts.chunks_exact_mut(NUM_CLASSES).zip(chosen) {
        let i = *i as usize;
        let steps = (now.at(i) - before.at(i)).abs() / scale.step;
        if steps.is_finite() {
            counts[class(steps)] += 1;
        }
    }
}

fn class(steps: f64) -> usize {
    // The cast saturates.
    let steps = usize::from((steps + 0.5) as u16);
    if steps < NUM_EXACT {
        return steps;
    }
    let doubling = steps.ilog2() as usize;
    let part = (steps >> (doubling - CLASSES.ilog2() as usize)) - CLASSES;
    NUM_EXACT + (doubling - NUM_EXACT.ilog2() as usize) * CLASSES + part
}

/// First value of a class and the number of its values, in steps.
fn values_of(class: usize) -> [f64; 2] {
    let Some(beyond) = class.checked_sub(NUM_EXACT) else { return [class as f64, 1.0] };
    let width = 2 << (beyond / CLASSES);
    [((CLASSES + beyond % CLASSES) * width) as f64, width as f64]
}

/// Median change of a voxel, in steps; NaN where there is none.
fn median_change(counts: &[u32]) -> f64 {
    let total: u64 = counts.iter().copied().map(u64::from).sum();
    let at = |rank: u64| {
        let mut before = 0;
        for (class, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = u64::from(*count);
            if rank < before + count {
                let [first, width] = values_of(class);
                return first + (width - 1.0) * ((rank - before) as f64 + 0.5) / count as f64;
            }
            before += count;
        }
        f64::NAN
    };
    if total == 0 { f64::NAN } else { (at((total - 1) / 2) + at(total / 2)) / 2.0 }
}

/// ν of the recording, %·Hz^−½.
pub fn of(subject: &Subject, references: &References, state: &State) -> Result<f64, String> {
    let mut levels = Vec::new();
    for (plane, chosen) in state.planes.iter().zip(&references.bright) {
        let means: Vec<f64> = plane.sums.means(&references.scale).collect();
        for (counts, i) in plane.changes.chunks_exact(NUM_CLASSES).zip(chosen) {
            let light = means[*i as usize] - references.offset;
            let change = median_change(counts) * references.scale.step;
            if light > 0.0 && change > 0.0 {
                levels.push(change / light);
            }
        }
    }
    let root = subject.rate_hz.filter(|rate| *rate > 0.0).unwrap_or(1.0).sqrt();
    let nu = median(levels.into_iter()) * 100.0 / root;
    if nu.is_finite() { Ok(nu) } else { Err("needs two timepoints whose brightest voxels differ".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_has_a_class_that_holds_it() {
        for steps in 0..=65_535u32 {
            let class = class(f64::from(steps));
            let [first, width] = values_of(class);
            assert!(class < NUM_CLASSES && (first..first + width).contains(&f64::from(steps)), "{steps}");
            assert!(width == 1.0 || width / first <= 1.0 / CLASSES as f64);
        }
        assert_eq!(class(1e30), NUM_CLASSES - 1);
    }

    #[test]
    fn medians_of_changes_are_numpys_up_to_the_width_of_a_class() {
        let mut counts = room(1);
        for steps in [3.0, 3.0, 5.0, 9.0] {
            counts[class(steps)] += 1;
        }
        assert_eq!(median_change(&counts), 4.0);
        let mut counts = room(1);
        (0..2001).for_each(|steps| counts[class(f64::from(steps))] += 1);
        assert!((median_change(&counts) - 1000.0).abs() < 1.0);
        assert!(median_change(&room(1)).is_nan());
    }

    #[test]
    fn the_brightest_tenth_is_chosen_over_all_planes_and_thinned() {
        let dim = vec![f64::NAN; 50];
        let bright: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(choose(&[dim, bright]), [Vec::new(), (90..100).collect::<Vec<u32>>()]);
        let many: Vec<f64> = (0..1_000_000).map(f64::from).collect();
        let num = choose(&[many])[0].len();
        assert!(num <= MOST_VOXELS && num > MOST_VOXELS * 9 / 10);
        assert_eq!(choose(&[Vec::new()]), [Vec::<u32>::new()]);
    }
}
