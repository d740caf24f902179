//! `underexposed`: how far a plane lies above the camera's dark level.

use super::derived::{complete, median};
use super::{Evidence, PlaneRow, REFERENCE_VOLUMES, Row};

/// How far the 0.1 percentile of noise alone, which is taken for the camera's offset, lies below its median, in
/// standard deviations.
const OFFSET_BELOW_DARK: f64 = 3.09;

/// A plane that holds more than read noise spreads more: its 99th percentile lies further above its median, or its
/// standard deviation is larger, both in read noise (noise alone: 2.3 and 1). So is a sparsely labelled plane
/// told from a dark one: with so much of either it counts as if its median lay above the dark level by [`LIT`],
/// the limit as it is by default, and with more or less by more or less.
const LIT_TAIL: f64 = 4.0;
const LIT_STD: f64 = 2.5;
const LIT: f64 = 3.0;

/// A plane that began this many times closer to the dark level than it should be was never lit, and does not
/// become dark.
const START_MARGIN: f64 = 6.0;

/// Judges the light of planes, in read noise above the dark level.
pub(super) struct Light {
    offset: f64,
    read_noise: f64,
    /// Of each plane in the first volumes.
    start: Vec<f64>,
}

impl Light {
    /// By the figures of a recording. Without its read noise nothing is told: NaN.
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let (offset, read_noise) = (evidence.figures.offset, evidence.figures.read_noise.filter(|noise| *noise > 0.0));
        let mut light =
            Self { offset: offset.unwrap_or(f64::NAN), read_noise: read_noise.unwrap_or(f64::NAN), start: Vec::new() };
        let rows = (0..evidence.table.num_t()).filter_map(|t| complete(evidence.table, t)).take(REFERENCE_VOLUMES);
        let rows: Vec<_> = rows.collect();
        light.start = (0..evidence.table.num_z())
            .map(|z| {
                let values = rows.iter().filter(|row| row.planes[z].is_there).map(|row| light.of_plane(&row.planes[z]));
                median(values.filter(|value| !value.is_nan()).collect())
            })
            .collect();
        light
    }

    /// Median of a plane above the dark level, or more where something shines in it.
    fn of_plane(&self, plane: &PlaneRow) -> f64 {
        let tail = f64::from(plane.percentiles[2] - plane.percentiles[1]) / self.read_noise / LIT_TAIL;
        let std = f64::from(plane.std) / self.read_noise / LIT_STD;
        let above = (f64::from(plane.median()) - self.offset) / self.read_noise - OFFSET_BELOW_DARK;
        above.max(LIT * tail.max(std))
    }

    /// The brightest plane of a volume. NaN where none is there.
    pub fn of_volume(&self, row: &Row) -> f64 {
        let there = row.planes.iter().filter(|plane| plane.is_there);
        there.map(|plane| self.of_plane(plane)).fold(f64::NAN, f64::max)
    }

    /// A plane that was lit in the first volumes; NaN of one that was not: planes above and below the sample may
    /// well be dark.
    pub fn where_it_was_lit(&self, z: usize, plane: &PlaneRow) -> f64 {
        if self.start[z] > START_MARGIN { self.of_plane(plane) } else { f64::NAN }
    }
}
