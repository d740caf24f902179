//! How much each plane of a volume resembles each plane of the reference volume. From it follow the shift along z
//! and whether planes are rotated.

use rayon::prelude::*;

use super::lanes::{products, sum, sum_of_squares, wide};

/// Rows of cells that are summed together; a fixed number, so that sums do not depend on the number of cores.
const BAND: usize = 16;

/// Planes in cells, each less its mean.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Planes {
    /// Planes, rows and columns of cells.
    shape: [usize; 3],
    values: Vec<f32>,
    /// Planes in which anything varies.
    has_content: Vec<bool>,
}

impl Planes {
    /// Takes means off; cells that are not finite count as the mean of the others.
    pub fn new(shape: [usize; 3], mut values: Vec<f32>) -> Self {
        let mut planes = Self { shape, values: Vec::new(), has_content: Vec::new() };
        let num = planes.num_cells();
        planes.has_content = values.chunks_exact_mut(num.max(1)).take(shape[0]).map(centre).collect();
        planes.has_content.resize(shape[0], false);
        planes.values = values;
        planes
    }

    /// Its buffer, to be filled anew.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Cells of a plane.
    pub fn num_cells(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    fn row(&self, z: usize, y: usize) -> &[f32] {
        &self.values[(z * self.shape[1] + y) * self.shape[2]..][..self.shape[2]]
    }
}

/// Takes the mean off. Gives whether anything is left.
fn centre(plane: &mut [f32]) -> bool {
    let finite = plane.iter().filter(|value| value.is_finite());
    let (sum, num) = finite.fold((0.0, 0_usize), |(sum, num), value| (sum + f64::from(*value), num + 1));
    let mean = sum / num as f64;
    let mut energy = 0.0;
    for value in plane.iter_mut() {
        *value = if value.is_finite() { (f64::from(*value) - mean) as f32 } else { 0.0 };
        energy += f64::from(*value * *value);
    }
    energy > 1e-12 * mean * mean * num as f64
}

/// Correlations of planes with planes.
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    num_z: usize,
    /// Cells that each was taken over.
    pub num_cells: usize,
    values: Vec<f32>,
}

impl Likeness {
    /// Pearson's correlation of each plane with each of the reference, where the content of `planes` is moved by
    /// a shift (dy, dx) in cells. NaN for planes that are constant or not there.
    pub fn of(planes: &Planes, reference: &Planes, shift: [i32; 2]) -> Self {
        let [num_z, num_y, num_x] = reference.shape;
        let overlap = Overlap::new([num_y, num_x], shift);
        let bands: Vec<usize> = (0..overlap.num[0]).step_by(BAND).collect();
        let parts: Vec<Sums> = bands.par_iter().map(|first| Sums::of(planes, reference, &overlap, *first)).collect();
        let mut sums = Sums::new(num_z);
        parts.iter().for_each(|part| sums.add(part));
        let num_cells = overlap.num[0] * overlap.num[1];
        let value = |i: usize| {
            let (z, of) = (i / num_z, i % num_z);
            let has_content = planes.has_content[z] && reference.has_content[of];
            if has_content { sums.correlation(i, num_cells as f64) } else { f32::NAN }
        };
        Self { num_z, num_cells, values: (0..num_z * num_z).map(value).collect() }
    }

    /// Of a plane with a plane of the reference; NaN where that cannot be had.
    pub fn at(&self, z: usize, of: usize) -> f64 {
        f64::from(self.values[z * self.num_z + of])
    }

    /// Planes.
    pub fn num_z(&self) -> usize {
        self.num_z
    }

    #[cfg(test)]
    pub fn new(num_z: usize, num_cells: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        Self { num_z, num_cells, values: (0..num_z * num_z).map(|i| value(i / num_z, i % num_z) as f32).collect() }
    }
}

/// Where two planes lie over each other.
struct Overlap {
    /// First row and column of the moved plane, and of the one it is compared with.
    start: [[usize; 2]; 2],
    /// Rows and columns.
    num: [usize; 2],
}

impl Overlap {
    fn new(shape: [usize; 2], shift: [i32; 2]) -> Self {
        let far = [0, 1].map(|axis| (shift[axis].unsigned_abs() as usize).min(shape[axis]));
        let start = |is_moved: bool| [0, 1].map(|axis| if (shift[axis] > 0) == is_moved { far[axis] } else { 0 });
        Self { start: [start(true), start(false)], num: [0, 1].map(|axis| shape[axis] - far[axis]) }
    }
}

/// Sums over some rows.
struct Sums {
    /// Of each plane and each of the reference: values, and squares.
    single: [Vec<[f64; 2]>; 2],
    /// Products.
    both: Vec<f64>,
}

impl Sums {
    fn new(num_z: usize) -> Self {
        Self { single: [(); 2].map(|()| vec![[0.0; 2]; num_z]), both: vec![0.0; num_z * num_z] }
    }

    fn of(planes: &Planes, reference: &Planes, overlap: &Overlap, first: usize) -> Self {
        let num_z = reference.shape[0];
        let mut sums = Self::new(num_z);
        for y in first..(first + BAND).min(overlap.num[0]) {
            let part = |planes, i: usize, z| {
                let [start_y, start_x] = overlap.start[i];
                &Planes::row(planes, z, start_y + y)[start_x..start_x + overlap.num[1]]
            };
            wide(
                #[inline(always)]
                || sums.add_rows(num_z, |z| part(planes, 0, z), |z| part(reference, 1, z)),
            );
        }
        sums
    }

    #[inline(always)]
    fn add_rows<'a>(&mut self, num_z: usize, rows: impl Fn(usize) -> &'a [f32], others: impl Fn(usize) -> &'a [f32]) {
        for z in 0..num_z {
            for (of, row) in [rows(z), others(z)].into_iter().enumerate() {
                self.single[of][z][0] += sum(row);
                self.single[of][z][1] += sum_of_squares(row);
            }
            let line = rows(z);
            for first in (0..num_z).step_by(4) {
                let four = products(line, [0, 1, 2, 3].map(|i| others((first + i).min(num_z - 1))));
                let both = self.both[z * num_z..(z + 1) * num_z].iter_mut().skip(first);
                both.zip(four).for_each(|(sum, product)| *sum += f64::from(product));
            }
        }
    }

    fn add(&mut self, other: &Self) {
        for (sums, others) in self.single.iter_mut().zip(&other.single) {
            for ([sum, squares], [more, more_squares]) in sums.iter_mut().zip(others) {
                *sum += more;
                *squares += more_squares;
            }
        }
        self.both.iter_mut().zip(&other.both).for_each(|(sum, more)| *sum += more);
    }

    fn correlation(&self, i: usize, num: f64) -> f32 {
        let num_z = self.single[0].len();
        let ([sum, squares], [sum_of, squares_of]) = (self.single[0][i / num_z], self.single[1][i % num_z]);
        let variance = (squares - sum * sum / num) * (squares_of - sum_of * sum_of / num);
        let value = (self.both[i] - sum * sum_of / num) / variance.sqrt();
        if value.is_finite() { value as f32 } else { f32::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::super::motion::tests::Random;
    use super::*;

    #[test]
    fn it_is_pearsons_correlation_over_what_lies_on_each_other() {
        let (num_z, num_y, num_x) = (3, 21, 19);
        let mut random = Random(1);
        let mut volume = |_| (0..num_z * num_y * num_x).map(|_| random.next() as f32 + 100.0).collect::<Vec<_>>();
        let [a, mut b] = [0, 1].map(&mut volume);
        b[2 * num_y * num_x..].fill(3.0);
        let planes = [&a, &b].map(|values| Planes::new([num_z, num_y, num_x], values.clone()));
        for [dy, dx] in [[0, 0], [2, -3], [-1, 4]] {
            let likeness = Likeness::of(&planes[0], &planes[1], [dy, dx]);
            for (z, of) in (0..num_z).flat_map(|z| (0..2).map(move |of| (z, of))) {
                let mut pairs = Vec::new();
                for (y, x) in (0..num_y as i32).flat_map(|y| (0..num_x as i32).map(move |x| (y, x))) {
                    let (from_y, from_x) = (y + dy, x + dx);
                    if (0..num_y as i32).contains(&from_y) && (0..num_x as i32).contains(&from_x) {
                        let at = |z: usize, y: i32, x: i32| (z * num_y + y as usize) * num_x + x as usize;
                        pairs.push([f64::from(a[at(z, from_y, from_x)]), f64::from(b[at(of, y, x)])]);
                    }
                }
                let mean = [0, 1].map(|i| pairs.iter().map(|pair| pair[i]).sum::<f64>() / pairs.len() as f64);
                let product =
                    |i: usize, j: usize| pairs.iter().map(|p| (p[i] - mean[i]) * (p[j] - mean[j])).sum::<f64>();
                let expected = product(0, 1) / (product(0, 0) * product(1, 1)).sqrt();
                let found = likeness.at(z, of);
                assert!((found - expected).abs() < 1e-5, "{dy} {dx}, {z} {of}: {found} {expected}");
            }
            assert!(likeness.at(0, 2).is_nan(), "a constant plane resembles nothing");
        }
    }

    #[test]
    fn a_shift_out_of_the_plane_and_planes_of_no_size_give_nothing() {
        let planes = Planes::new([1, 2, 2], vec![1.0, 2.0, 3.0, 4.0]);
        assert!(Likeness::of(&planes, &planes, [5, 0]).at(0, 0).is_nan());
        let none = Planes::new([2, 0, 5], Vec::new());
        assert!(Likeness::of(&none, &none, [0, 0]).at(1, 0).is_nan());
    }
}
