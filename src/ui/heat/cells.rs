//! The map in cells: each holds the planes and timepoints that share a pixel, their mean and the worst of them.

use std::ops::Range;

use egui::{Color32, ColorImage};

use super::thin::BRIDGED;
use super::{Columns, Worst};
use crate::qc::{PlaneRow, Table};
use crate::volume::Lut;

/// What shares one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Mean of what is known; NaN where nothing is.
    pub mean: f32,
    /// The least of it.
    pub least: f32,
    /// The most of it.
    pub most: f32,
}

impl Cell {
    const EMPTY: Self = Self { mean: f32::NAN, least: f32::NAN, most: f32::NAN };
    /// Part of the range of colours that a value has to be away from the mean of its cell to be seen in its place.
    const STANDS_OUT: f32 = 0.125;

    /// The value that is seen: the worst where the measure has a bad end, else the mean, unless one value
    /// stands out from it.
    pub fn shown(&self, worst: Worst, range: [f32; 2]) -> f32 {
        match worst {
            Worst::Largest => self.most,
            Worst::Smallest => self.least,
            Worst::Farthest => {
                let is_below = self.mean - self.least > self.most - self.mean;
                let farthest = if is_below { self.least } else { self.most };
                let stands_out = (farthest - self.mean).abs() > Self::STANDS_OUT * (range[1] - range[0]);
                if stands_out { farthest } else { self.mean }
            }
        }
    }
}

/// All cells, column by column.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    num_rows: usize,
    num_z: usize,
    cells: Vec<Cell>,
    /// Whether any timepoint of a column has been looked at.
    is_seen: Vec<bool>,
}

impl Cells {
    /// Empty cells for so many planes, which share at most `max_rows` rows.
    pub fn new(num_columns: usize, num_z: usize, max_rows: usize) -> Self {
        let num_rows = num_z.min(max_rows).max(1);
        Self { num_rows, num_z, cells: vec![Cell::EMPTY; num_columns * num_rows], is_seen: vec![false; num_columns] }
    }

    /// Planes it is made of.
    pub fn num_z(&self) -> usize {
        self.num_z
    }

    /// Makes some of the columns anew.
    pub fn measure(
        &mut self,
        range: Range<usize>,
        columns: &Columns,
        table: &Table,
        value: impl Fn(&PlaneRow, usize) -> f32,
    ) {
        let mut sums = vec![(0.0f64, 0u32); self.num_rows];
        for column in range.start..range.end.min(self.is_seen.len()) {
            let cells = &mut self.cells[column * self.num_rows..(column + 1) * self.num_rows];
            cells.fill(Cell::EMPTY);
            sums.fill((0.0, 0));
            self.is_seen[column] = false;
            for row in columns.timepoints(column).filter_map(|t| table.row(t)) {
                self.is_seen[column] = true;
                for (z, plane) in row.planes.iter().enumerate().take(self.num_z) {
                    let value = value(plane, z);
                    if value.is_finite() {
                        let at = z * self.num_rows / self.num_z;
                        let (cell, sum) = (&mut cells[at], &mut sums[at]);
                        cell.least = cell.least.min(value);
                        cell.most = cell.most.max(value);
                        *sum = (sum.0 + f64::from(value), sum.1 + 1);
                    }
                }
            }
            for (cell, (sum, num)) in cells.iter_mut().zip(&sums) {
                cell.mean = (sum / f64::from(*num)) as f32;
            }
        }
    }

    /// The picture of it. What is not known is transparent. Between two columns that are known, ones not yet
    /// looked at show the nearer of the two, faintly.
    pub fn picture(&self, worst: Worst, range: [f32; 2], lut: &Lut) -> ColorImage {
        let (width, height) = (self.is_seen.len(), self.num_rows);
        let mut pixels = vec![Color32::TRANSPARENT; width * height];
        let step = 255.0 / (range[1] - range[0]).max(f32::MIN_POSITIVE);
        for (column, (from, is_faint)) in self.sources().into_iter().enumerate() {
            let Some(from) = from else { continue };
            for (row, cell) in self.cells[from * height..(from + 1) * height].iter().enumerate() {
                let value = cell.shown(worst, range);
                if value.is_nan() {
                    continue;
                }
                let [r, g, b, _] = lut[((value - range[0]) * step).clamp(0.0, 255.0) as usize];
                let color = Color32::from_rgb(r, g, b);
                pixels[row * width + column] = if is_faint { color.gamma_multiply(0.35) } else { color };
            }
        }
        ColorImage::new([width, height], pixels)
    }

    /// For each column the one whose cells it shows, and whether that is another one.
    fn sources(&self) -> Vec<(Option<usize>, bool)> {
        let mut sources: Vec<(Option<usize>, bool)> = vec![(None, false); self.is_seen.len()];
        let mut last = None;
        for column in (0..self.is_seen.len()).filter(|column| self.is_seen[*column]) {
            sources[column] = (Some(column), false);
            if let Some(last) = last.filter(|last| column - last <= BRIDGED) {
                let (first, second) = sources[last + 1..column].split_at_mut((column - last) / 2);
                first.fill((Some(last), true));
                second.fill((Some(column), true));
            }
            last = Some(column);
        }
        sources
    }
}

/// Values of a measure that nearly all lie within, of timepoints from all over the recording; `None` where
/// nothing is known.
pub fn usual(table: &Table, value: impl Fn(&PlaneRow, usize) -> f32) -> Option<[f32; 2]> {
    const ENOUGH: usize = 400;
    let step = (table.num_seen() / ENOUGH).max(1);
    let rows = (0..table.num_t()).filter_map(|t| table.row(t)).step_by(step);
    let mut values: Vec<f32> = rows
        .flat_map(|row| row.planes.iter().enumerate())
        .map(|(z, plane)| value(plane, z))
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f32::total_cmp);
    let left_out = values.len() / 50;
    let (low, high) = (*values.get(left_out)?, values[values.len() - 1 - left_out]);
    Some(if low < high { [low, high] } else { [low - 0.5, high + 0.5] })
}

#[cfg(test)]
mod tests {
    use super::super::super::time_axis::TimeAxis;
    use super::*;
    use crate::qc::{Row, VolumeRow};
    use crate::volume::Colormap;

    /// A row whose planes are as bright as `light` says.
    fn row(light: impl Fn(usize) -> f32, num_z: usize) -> Row {
        let planes = (0..num_z).map(|z| PlaneRow { is_there: true, mean: light(z), ..PlaneRow::ABSENT }).collect();
        Row { planes, volume: VolumeRow::UNKNOWN, is_complete: true }
    }

    fn measured(table: &Table, num_columns: usize, max_rows: usize) -> Cells {
        let columns = Columns::new(TimeAxis::new(table.num_t(), None, None), num_columns);
        let mut cells = Cells::new(num_columns, table.num_z(), max_rows);
        cells.measure(0..num_columns, &columns, table, |plane, _| plane.mean);
        cells
    }

    fn table(num_t: usize, num_z: usize, light: impl Fn(usize, usize) -> f32) -> Table {
        let mut table = Table::new(num_t, num_z);
        for t in 0..num_t {
            table.set(t, row(|z| light(t, z), num_z));
        }
        table
    }

    #[test]
    fn one_dark_plane_of_one_volume_among_36_000_is_seen() {
        let light = |t: usize, z: usize| if t == 20_123 && z == 17 { 101.0 } else { 150.0 + (t % 7) as f32 * 0.5 };
        let table = table(36_000, 30, light);
        let range = [100.0, 160.0];
        let cells = measured(&table, 976, 72);
        let lut = Colormap::Viridis.lut();
        let picture = cells.picture(Worst::Farthest, range, &lut);
        let [r, g, b, _] = lut[4];
        let dark: Vec<usize> =
            (0..picture.pixels.len()).filter(|at| picture.pixels[*at] == Color32::from_rgb(r, g, b)).collect();
        let others = picture.pixels.iter().filter(|pixel| pixel.a() < 255).count();
        assert_eq!((dark.clone(), others), (vec![17 * 976 + 20_123 * 976 / 36_000], 0), "that one alone: {dark:?}");
        let (plane, column) = (17, 20_123 * 976 / 36_000);
        let cell = cells.cells[column * 30 + plane];
        assert_eq!(cell.least, 101.0);
        assert!(cell.mean > 148.0 && cell.shown(Worst::Largest, range) > 152.0);
    }

    #[test]
    fn planes_that_share_a_pixel_hide_nothing() {
        let table = table(10, 500, |t, z| if (t, z) == (4, 321) { 900.0 } else { 100.0 });
        let cells = measured(&table, 20, 48);
        assert_eq!(cells.num_rows, 48);
        let found: Vec<usize> = (0..cells.cells.len()).filter(|at| cells.cells[*at].most == 900.0).collect();
        assert_eq!(found, [8 * 48 + 321 * 48 / 500, 9 * 48 + 321 * 48 / 500], "a timepoint is two columns wide");
    }

    #[test]
    fn what_was_not_looked_at_is_empty_or_faint_and_what_could_not_be_had_is_empty() {
        let mut table = Table::new(100, 1);
        for t in [10, 20] {
            table.set(t, row(|_| 5.0, 1));
        }
        table.set(30, Row::absent(1));
        let picture = measured(&table, 100, 10).picture(Worst::Farthest, [0.0, 10.0], &Colormap::Viridis.lut());
        let alpha: Vec<u8> = [9, 10, 15, 20, 24, 26, 30, 31].map(|t| picture.pixels[t].a()).into();
        assert!(alpha[0] == 0 && alpha[7] == 0, "nothing beyond what was looked at: {alpha:?}");
        assert!(alpha[1] == 255 && alpha[3] == 255 && alpha[6] == 0, "{alpha:?}");
        assert!((1..255).contains(&alpha[2]) && alpha[4] > 0 && alpha[5] == 0, "{alpha:?}");
    }

    #[test]
    fn only_the_columns_that_changed_are_made_anew() {
        let mut table = table(1000, 4, |_, _| 1.0);
        let columns = Columns::new(TimeAxis::new(1000, None, None), 100);
        let mut cells = measured(&table, 100, 72);
        table.set(505, row(|_| 3.0, 4));
        cells.measure(columns.of(505..506), &columns, &table, |plane, _| plane.mean);
        assert_eq!(cells.cells, measured(&table, 100, 72).cells);
    }

    #[test]
    fn colours_span_what_is_usual() {
        let table = table(1000, 3, |t, z| if t == 7 { 5000.0 } else { 100.0 + (z * 10) as f32 });
        assert_eq!(usual(&table, |plane, _| plane.mean), Some([100.0, 120.0]));
        assert_eq!(usual(&table, |plane, _| plane.focus), None);
        let same = self::table(3, 1, |_, _| 7.0);
        assert_eq!(usual(&same, |plane, _| plane.mean), Some([6.5, 7.5]));
    }
}
