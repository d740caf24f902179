//! How much voxels change from one timepoint to the next at each level of light: what `photon_gain` and the read
//! noise of the camera are found from. The level of a pair of values is ⌊(F_t + F_t+1 + 1) / 2⌋, the change
//! (F_t − F_t+1)², both in the steps of a [`Scale`].

use serde::{Deserialize, Serialize};

use super::Values;
use super::references::Scale;

/// Levels there can be.
pub const NUM_LEVELS: usize = 1 << 16;
/// Parts of a squared step that changes of reals are rounded to, so that their sums are exact in any order.
const PARTS: f64 = 256.0;

/// Pairs and the sum of their squared changes at each level. Sums of whole numbers: any order gives the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    counts: Vec<u64>,
    squares: Vec<f64>,
}

impl Levels {
    /// Nothing has been counted.
    pub fn new() -> Self {
        Self { counts: vec![0; NUM_LEVELS], squares: vec![0.0; NUM_LEVELS] }
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.squares.iter_mut().zip(&other.squares).for_each(|(a, b)| *a += b);
    }

    /// Pairs at each level.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Variance of a single value at a level, in squared steps: half the mean squared change.
    pub fn variance(&self, level: usize) -> f64 {
        self.squares[level] / self.counts[level] as f64 / 2.0
    }

    /// Variance over the lowest levels that together hold at least this share of the pairs, in squared steps;
    /// nothing where there are fewer than `least` pairs in all.
    pub fn darkest_variance(&self, share: f64, least: u64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let wanted = ((total as f64 * share) as u64).max(least);
        let (mut num, mut squares) = (0, 0.0);
        for (count, square) in self.counts.iter().zip(&self.squares) {
            num += count;
            squares += square;
            if num >= wanted {
                return Some(squares / num as f64 / 2.0);
            }
        }
        None
    }
}

/// The levels of one plane as its pairs come. Reused from plane to plane.
pub struct LevelCounts {
    counts: Box<[u32; NUM_LEVELS]>,
    squares: Box<[f64; NUM_LEVELS]>,
    extent: [usize; 2],
}

impl Default for LevelCounts {
    fn default() -> Self {
        Self { counts: filled(0), squares: filled(0.0), extent: [NUM_LEVELS, 0] }
    }
}

fn filled<T: Copy + std::fmt::Debug>(value: T) -> Box<[T; NUM_LEVELS]> {
    vec![value; NUM_LEVELS].into_boxed_slice().try_into().expect("it is that long")
}

impl LevelCounts {
    /// Takes in the voxels of a plane, now and before.
    pub fn add(&mut self, now: &Values<'_>, before: &Values<'_>, scale: &Scale) {
        match (now, before) {
            (Values::Codes { codes: now, .. }, Values::Codes { codes: before, .. }) => {
                let (mut low, mut high) = (u16::MAX, 0);
                for (a, b) in now.iter().zip(*before) {
                    let level = (u32::from(*a) + u32::from(*b)).wrapping_add(1) >> 1;
                    let change = f64::from(i32::from(*a).wrapping_sub(i32::from(*b)));
                    let level = level as u16;
                    (low, high) = (low.min(level), high.max(level));
                    self.count(usize::from(level), change * change);
                }
                if low <= high {
                    self.extent = [self.extent[0].min(low.into()), self.extent[1].max(high.into())];
                }
            }
            (Values::Reals(now), Values::Reals(before)) => {
                for (a, b) in now.iter().zip(*before) {
                    let [a, b] = [a, b].map(|value| (value - scale.zero) / scale.unit);
                    let level = ((a + b) / 2.0 + 0.5).floor();
                    if level >= 0.0 && level < NUM_LEVELS as f64 {
                        let level = level as usize;
                        self.extent = [self.extent[0].min(level), self.extent[1].max(level)];
                        self.count(level, ((a - b) * (a - b) * PARTS).round() / PARTS);
                    }
                }
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn count(&mut self, level: usize, square: f64) {
        let level = level % NUM_LEVELS;
        self.counts[level] = self.counts[level].wrapping_add(1);
        self.squares[level] += square;
    }

    /// Hands over what was counted, and is empty again.
    pub fn pour(&mut self, into: &mut Levels) {
        let [low, high] = self.extent;
        if low <= high && into.counts.len() == NUM_LEVELS {
            for level in low..=high {
                into.counts[level] += u64::from(std::mem::take(&mut self.counts[level]));
                into.squares[level] += std::mem::take(&mut self.squares[level]);
            }
        }
        self.extent = [NUM_LEVELS, 0];
    }
}
