//! What is kept of one volume until all of its planes have been seen: its maximum along z, and its planes in
//! cells of some pixels, which is all that shifts in the plane and along z are measured with.

use rayon::prelude::*;

use super::lanes::wide;
use super::spare::Spare;
use super::{Plane, Values};

/// Pixels of the maximum at most: beyond, a cell is several pixels wide.
const MAX_IMAGE_PX: usize = 1 << 20;
/// Pixels of a plane in cells at most, and those of all planes together.
const MAX_PLANE_PX: usize = 1 << 15;
const MAX_VOLUME_PX: usize = 1 << 20;
/// Rows of the maximum that one thread takes through all planes while they lie in its cache.
const BAND: usize = 16;

/// A grid of cells over planes of one shape. What does not fill a cell at the far edges is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    /// Pixels along the edge of a cell.
    pub step: usize,
    /// Rows and columns of cells.
    pub shape: [usize; 2],
}

impl Cells {
    /// The finest ones of which there are no more than `most`.
    fn new(plane_shape: [usize; 2], most: usize) -> Self {
        let of = |step: usize| Self { step, shape: plane_shape.map(|len| len / step) };
        let mut cells = of(1);
        while cells.num() > most {
            cells = of(cells.step + 1);
        }
        cells
    }

    /// How many there are.
    pub fn num(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    /// Means of one row of cells of a plane of `num_x` columns; NaN where nothing is finite.
    fn row(&self, values: &Values<'_>, num_x: usize, y: usize, sums: &mut Vec<u32>, means: &mut [f32]) {
        let rows = values.part(y * self.step * num_x..(y + 1) * self.step * num_x);
        match rows {
            Values::Codes { codes, base } => wide(
                #[inline(always)]
                || self.row_of_codes(codes, base as f32, num_x, sums, means),
            ),
            Values::Reals(values) => {
                for (x, mean) in means.iter_mut().enumerate() {
                    let line = |row: usize| &values[row * num_x + x * self.step..][..self.step];
                    let finite = (0..self.step).flat_map(line).filter(|value| value.is_finite());
                    let (sum, num) = finite.fold((0.0, 0_u32), |(sum, num), value| (sum + value, num + 1));
                    *mean = (sum / f64::from(num)) as f32;
                }
            }
        }
    }

    #[inline(always)]
    fn row_of_codes(&self, codes: &[u16], base: f32, num_x: usize, sums: &mut Vec<u32>, means: &mut [f32]) {
        if self.step == 1 {
            means.iter_mut().zip(codes).for_each(|(mean, code)| *mean = f32::from(*code) + base);
            return;
        }
        sums.clear();
        sums.resize(num_x, 0);
        for row in codes.chunks_exact(num_x) {
            sums.iter_mut().zip(row).for_each(|(sum, code)| *sum = sum.wrapping_add(u32::from(*code)));
        }
        let scale = 1.0 / (self.step * self.step) as f32;
        for (mean, cell) in means.iter_mut().zip(sums.chunks_exact(self.step)) {
            *mean = cell.iter().fold(0.0, |all, sum| all + *sum as f32) * scale + base;
        }
    }
}

/// Edges of the cells of the maximum and of the planes, px.
pub(super) fn steps(num_z: usize, plane_shape: [usize; 2]) -> [usize; 2] {
    [image_cells(plane_shape).step, plane_cells(num_z, plane_shape).step]
}

fn image_cells(plane_shape: [usize; 2]) -> Cells {
    Cells::new(plane_shape, MAX_IMAGE_PX)
}

fn plane_cells(num_z: usize, plane_shape: [usize; 2]) -> Cells {
    Cells::new(plane_shape, MAX_PLANE_PX.min(MAX_VOLUME_PX / num_z.max(1)).max(64))
}

/// What is kept of a volume.
pub(super) struct Digest {
    plane_shape: [usize; 2],
    /// Cells of the maximum.
    pub image_cells: Cells,
    /// The maximum along z; −∞ where nothing has been seen.
    pub image: Vec<f32>,
    /// Cells of the planes.
    pub plane_cells: Cells,
    /// The planes, (z, y, x); NaN where nothing is finite.
    pub planes: Vec<f32>,
    /// Which planes have been seen.
    pub is_there: Vec<bool>,
    wants: [bool; 2],
    spare: Spare<(Vec<u32>, Vec<f32>)>,
}

impl Digest {
    /// Of volumes of that shape, (z, y, x). Keeps the image, the planes, or both.
    pub fn new([num_z, num_y, num_x]: [usize; 3], wants_image: bool, wants_planes: bool) -> Self {
        let plane_shape = [num_y, num_x];
        let image_cells = self::image_cells(plane_shape);
        let plane_cells = self::plane_cells(num_z, plane_shape);
        Self {
            plane_shape,
            image_cells,
            image: vec![f32::NEG_INFINITY; if wants_image { image_cells.num() } else { 0 }],
            plane_cells,
            planes: vec![f32::NAN; if wants_planes { num_z * plane_cells.num() } else { 0 }],
            is_there: vec![false; num_z],
            wants: [wants_image, wants_planes],
            spare: Spare::default(),
        }
    }

    /// Takes some planes in, from plane `first_z` on.
    pub fn planes(&mut self, first_z: usize, planes: &[Plane<'_>]) {
        let shape = self.plane_shape;
        let values: Vec<_> = planes.iter().map(|plane| plane.values.filter(|_| plane.shape == shape)).collect();
        for (is_there, values) in self.is_there.iter_mut().skip(first_z).zip(&values) {
            *is_there = values.is_some();
        }
        let [wants_image, wants_planes] = self.wants;
        if wants_image && self.image_cells.num() > 0 {
            self.take_maximum(&values);
        }
        if wants_planes && self.plane_cells.num() > 0 {
            self.take_planes(first_z, &values);
        }
    }

    fn take_maximum(&mut self, planes: &[Option<Values<'_>>]) {
        let (cells, num_x) = (self.image_cells, self.plane_shape[1]);
        let spare = &self.spare;
        self.image.par_chunks_mut(BAND * cells.shape[1]).enumerate().for_each(|(band, image)| {
            spare.with(Default::default, |(sums, line)| {
                line.resize(cells.shape[1], 0.0);
                for values in planes.iter().flatten() {
                    for (i, row) in image.chunks_exact_mut(cells.shape[1]).enumerate() {
                        cells.row(values, num_x, band * BAND + i, sums, line);
                        wide(
                            #[inline(always)]
                            || row.iter_mut().zip(line.iter()).for_each(|(most, value)| take_larger(most, *value)),
                        );
                    }
                }
            });
        });
    }

    fn take_planes(&mut self, first_z: usize, planes: &[Option<Values<'_>>]) {
        let (cells, num_x) = (self.plane_cells, self.plane_shape[1]);
        let spare = &self.spare;
        let kept = self.planes.par_chunks_exact_mut(cells.num()).skip(first_z);
        kept.zip(planes).for_each(|(kept, values)| {
            let Some(values) = values else { return kept.fill(f32::NAN) };
            spare.with(Default::default, |(sums, _)| {
                for (y, means) in kept.chunks_exact_mut(cells.shape[1]).enumerate() {
                    cells.row(values, num_x, y, sums, means);
                }
            });
        });
    }

    /// Forgets the volume.
    pub fn clear(&mut self) {
        self.image.fill(f32::NEG_INFINITY);
        self.is_there.fill(false);
        self.planes.fill(f32::NAN);
    }
}

/// NaN is never larger.
#[inline(always)]
fn take_larger(most: &mut f32, value: f32) {
    if value > *most {
        *most = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_fine_as_their_number_allows_and_never_without_end() {
        assert_eq!(Cells::new([512, 512], 1 << 20), Cells { step: 1, shape: [512, 512] });
        assert_eq!(Cells::new([2048, 2048], 1 << 20), Cells { step: 2, shape: [1024, 1024] });
        assert_eq!(Cells::new([0, 7], 64).num(), 0);
        assert_eq!(Cells::new([1, 1000], 64), Cells { step: 2, shape: [0, 500] });
    }

    #[test]
    fn the_maximum_passes_over_what_is_missing_and_what_is_not_finite() {
        let shape = [2, 2];
        let reals = |values| Plane { shape, values: Some(Values::Reals(values)) };
        let mut digest = Digest::new([3, 2, 2], true, true);
        digest.planes(0, &[reals(&[1.0, f64::NAN, f64::INFINITY, f64::NAN]), reals(&[-1.0, 5.0, 2.0, f64::NAN])]);
        digest.planes(2, &[Plane { shape, values: None }]);
        assert_eq!(digest.image, [1.0, 5.0, 2.0, f32::NEG_INFINITY]);
        assert_eq!(digest.is_there, [true, true, false]);
        digest.clear();
        digest.planes(0, &[Plane { shape, values: Some(Values::Codes { codes: &[1, 2, 3, 4], base: -10 }) }]);
        assert_eq!(digest.image, [-9.0, -8.0, -7.0, -6.0]);
    }

    #[test]
    fn a_cell_is_the_mean_of_its_finite_pixels() {
        let cells = Cells { step: 2, shape: [2, 2] };
        let codes: Vec<u16> = (0..25).collect();
        let mut values: Vec<f64> = codes.iter().map(|code| f64::from(*code) - 3.0).collect();
        let row = |values: &Values<'_>, y| {
            let mut means = vec![0.0; 2];
            cells.row(values, 5, y, &mut Vec::new(), &mut means);
            means
        };
        assert_eq!(row(&Values::Codes { codes: &codes, base: -3 }, 1), [10.0, 12.0]);
        assert_eq!(row(&Values::Reals(&values), 0), [0.0, 2.0]);
        (values[0], values[1]) = (f64::NAN, f64::INFINITY);
        assert_eq!(row(&Values::Reals(&values), 0)[0], 2.5);
    }
}
