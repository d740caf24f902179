//! Several voxels become one of the next resolution.

use anyhow::{Result, bail};
use half::f16;

use crate::volume::{DType, Grid, Region, Shape, Voxel};

/// How voxels become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Their mean; of whole numbers rounded to the nearest, and to the even one of two that are as near. Where the
    /// array ends, the mean of those that are there.
    Mean,
    /// The first of them: for labels, whose mean would be another label, and for yes and no.
    Nearest,
    /// The greatest of them; no number where one of them is none.
    Max,
}

impl Rule {
    /// As it is said: "mean", "nearest".
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Nearest => "nearest",
            Self::Max => "max",
        }
    }

    /// The rule of an array: what was said, else means, but of yes and no.
    ///
    /// # Errors
    /// For another word, and for means of yes and no.
    pub fn of(said: Option<&str>, dtype: DType) -> Result<Self> {
        match (said, dtype) {
            (Some("mean"), DType::Bool) => bail!("of yes and no there is no mean; nearest"),
            (None, DType::Bool) | (Some("nearest"), _) => Ok(Self::Nearest),
            (None | Some("mean"), _) => Ok(Self::Mean),
            (Some("max"), _) => Ok(Self::Max),
            (Some(other), _) => bail!("{other}: there are mean, nearest and max"),
        }
    }
}

/// What a mean is made of and rounded to.
trait Average: bytemuck::Pod {
    type Sum: Copy + Default + std::ops::AddAssign;
    fn widened(self) -> Self::Sum;
    fn of(sum: Self::Sum, num: u32) -> Self;
}

macro_rules! whole_numbers {
    ($($T:ty: $Sum:ty),*) => {$(
        impl Average for $T {
            type Sum = $Sum;
            fn widened(self) -> $Sum {
                <$Sum>::from(self)
            }
            fn of(sum: $Sum, num: u32) -> Self {
                let num = num as $Sum;
                let (below, rest) = (sum.div_euclid(num), 2 * sum.rem_euclid(num));
                let is_up = rest > num || rest == num && below & 1 == 1;
                // Between the smallest and the largest of them, so that nothing is cut off.
                (below + <$Sum>::from(is_up)) as $T
            }
        }
    )*};
}
whole_numbers!(u8: i64, i8: i64, u16: i64, i16: i64, u32: i64, i32: i64, u64: i128, i64: i128);

macro_rules! fractions {
    ($($T:ty: $to:expr, $from:expr);*) => {$(
        impl Average for $T {
            type Sum = f64;
            fn widened(self) -> f64 {
                ($to)(self)
            }
            fn of(sum: f64, num: u32) -> Self {
                ($from)(sum / f64::from(num))
            }
        }
    )*};
}
fractions!(f16: f16::to_f64, f16::from_f64; f32: f64::from, |mean: f64| mean as f32; f64: |value: f64| value, |mean: f64| mean);

/// Fills `coarse`, the voxels of the box `to` of the next resolution, from `fine`, those of the box `from` of this one,
/// which holds all that they are made of.
pub fn reduce(rule: Rule, dtype: DType, factors: &[usize], fine: (&[u8], &Region), coarse: (&mut [u8], &Region)) {
    match (rule, dtype) {
        (Rule::Nearest, _) => nearest(dtype.num_bytes(), factors, fine, coarse),
        (Rule::Max, _) => crate::dispatch_dtype!(dtype, T => maxima::<T>(factors, fine, coarse)),
        (Rule::Mean, DType::F16) => means::<f16>(factors, fine, coarse),
        (Rule::Mean, DType::F32) => means::<f32>(factors, fine, coarse),
        (Rule::Mean, DType::F64) => means::<f64>(factors, fine, coarse),
        (Rule::Mean, DType::Bool | DType::U8) => means::<u8>(factors, fine, coarse),
        (Rule::Mean, DType::I8) => means::<i8>(factors, fine, coarse),
        (Rule::Mean, DType::U16) => means::<u16>(factors, fine, coarse),
        (Rule::Mean, DType::I16) => means::<i16>(factors, fine, coarse),
        (Rule::Mean, DType::U32) => means::<u32>(factors, fine, coarse),
        (Rule::Mean, DType::I32) => means::<i32>(factors, fine, coarse),
        (Rule::Mean, DType::U64) => means::<u64>(factors, fine, coarse),
        (Rule::Mean, DType::I64) => means::<i64>(factors, fine, coarse),
    }
}

/// Visits the rows of a coarse box with all rows of the fine one that they are made of, as offsets in voxels.
fn rows(factors: &[usize], from: &Region, to: &Region, mut visit: impl FnMut(usize, &[usize])) {
    let last = to.rank() - 1;
    let outer = |region: &Region| region.with_axis(last, 0, 1);
    let (fine, coarse) = (from.shape(), to.shape());
    let row = |shape: &Shape, at: &[usize]| -> usize {
        at[..last].iter().zip(shape.dims()).fold(0, |row, (at, dim)| row * dim + at)
    };
    let mut made_of = Vec::new();
    for at in outer(to).indices() {
        let (mut start, mut stop) = (vec![0; last + 1], vec![1; last + 1]);
        for axis in 0..last {
            start[axis] = at[axis] * factors[axis];
            stop[axis] = (start[axis] + factors[axis]).min(from.stop()[axis]);
        }
        made_of.clear();
        let cell = Region::new(&start, &stop).unwrap_or_else(|| outer(from));
        for mut at in cell.indices() {
            (0..last).for_each(|axis| at[axis] -= from.start()[axis]);
            made_of.push(row(&fine, &at) * fine.dims()[last]);
        }
        let mut at = at;
        (0..last).for_each(|axis| at[axis] -= to.start()[axis]);
        visit(row(&coarse, &at) * coarse.dims()[last], &made_of);
    }
}

fn means<T: Average>(factors: &[usize], (fine, from): (&[u8], &Region), (coarse, to): (&mut [u8], &Region)) {
    let last = to.rank() - 1;
    let (width, wide, factor) = (from.shape().dims()[last], to.shape().dims()[last], factors[last]);
    let item = size_of::<T>();
    let mut sums = vec![T::Sum::default(); wide];
    rows(factors, from, to, |row, made_of| {
        sums.fill(T::Sum::default());
        for first in made_of {
            let bytes = &fine[first * item..(first + width) * item];
            for (sum, voxels) in sums.iter_mut().zip(bytes.chunks(factor * item)) {
                for voxel in voxels.chunks_exact(item) {
                    *sum += bytemuck::pod_read_unaligned::<T>(voxel).widened();
                }
            }
        }
        let out = coarse[row * item..(row + wide) * item].chunks_exact_mut(item);
        for (i, (out, sum)) in out.zip(&sums).enumerate() {
            let across = factor.min(width - i * factor);
            let mean = T::of(*sum, (across * made_of.len()) as u32);
            out.copy_from_slice(bytemuck::bytes_of(&mean));
        }
    });
}

fn maxima<T: Voxel>(factors: &[usize], (fine, from): (&[u8], &Region), (coarse, to): (&mut [u8], &Region)) {
    let last = to.rank() - 1;
    let (width, wide, factor) = (from.shape().dims()[last], to.shape().dims()[last], factors[last]);
    let item = size_of::<T>();
    rows(factors, from, to, |row, made_of| {
        for (i, out) in coarse[row * item..(row + wide) * item].chunks_exact_mut(item).enumerate() {
            let across = i * factor..((i + 1) * factor).min(width);
            let voxels = made_of.iter().flat_map(|first| across.clone().map(move |x| (first + x) * item));
            let voxels = voxels.map(|at| bytemuck::pod_read_unaligned::<T>(&fine[at..at + item]));
            // What is no number is not equal to itself, and stays.
            let greatest = voxels.reduce(|a, b| if a.partial_cmp(&a).is_none() || b <= a { a } else { b });
            if let Some(greatest) = greatest {
                out.copy_from_slice(bytemuck::bytes_of(&greatest));
            }
        }
    });
}

fn nearest(item: usize, factors: &[usize], (fine, from): (&[u8], &Region), (coarse, to): (&mut [u8], &Region)) {
    let last = to.rank() - 1;
    let wide = to.shape().dims()[last];
    rows(factors, from, to, |row, made_of| {
        let Some(first) = made_of.first() else { return };
        for (i, out) in coarse[row * item..(row + wide) * item].chunks_exact_mut(item).enumerate() {
            let at = (first + i * factors[last]) * item;
            out.copy_from_slice(&fine[at..at + item]);
        }
    });
}

/// The box of the finer resolution that a box of the coarser one is made of.
pub fn made_of(coarse: &Region, factors: &[usize], fine: &Grid) -> Region {
    let whole = Region::whole(fine.shape());
    let mut region = whole;
    for (axis, factor) in factors.iter().enumerate() {
        let [start, stop] = [coarse.start()[axis], coarse.stop()[axis]].map(|at| at.saturating_mul(*factor));
        let stop = stop.min(whole.stop()[axis]);
        region = region.with_axis(axis, start.min(stop), stop);
    }
    region
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean<T: Average>(voxels: &[T]) -> T {
        let mut sum = T::Sum::default();
        voxels.iter().for_each(|voxel| sum += voxel.widened());
        T::of(sum, voxels.len() as u32)
    }

    #[test]
    fn means_are_rounded_to_the_nearest_and_to_the_even_one() {
        assert_eq!((mean(&[0u8, 1]), mean(&[1u8, 2]), mean(&[2u8, 3]), mean(&[1u8, 1, 2])), (0, 2, 2, 1));
        assert_eq!((mean(&[-1i8, 0]), mean(&[-1i8, -2]), mean(&[-3i16, -4, -4])), (0, -2, -4));
        assert_eq!(mean(&[u64::MAX; 8]), u64::MAX);
        assert_eq!(mean(&[i64::MIN; 8]), i64::MIN);
        assert_eq!((mean(&[i64::MAX, i64::MAX - 1]), mean(&[u64::MAX, u64::MAX - 1])), (i64::MAX - 1, u64::MAX - 1));
        assert_eq!((mean(&[1f32, 2.0]), mean(&[f16::MAX; 8]), mean(&[f32::MAX; 8])), (1.5, f16::MAX, f32::MAX));
        assert!(mean(&[1f64, f64::NAN]).is_nan());
    }

    #[test]
    fn the_edge_is_the_mean_of_what_is_there() {
        // 3 × 5 voxels, halved both ways, in one go and in parts.
        let fine: Vec<u8> = (0..15).map(|i| i * 3).collect();
        let whole = Region::whole(&Shape::from([3, 5]));
        let grid = Grid::of_one(Shape::from([3, 5]));
        let wanted = [9, 15, 20, 32, 38, 42];
        let coarse_whole = Region::whole(&Shape::from([2, 3]));
        for part in [coarse_whole, coarse_whole.with_axis(0, 1, 2), coarse_whole.with_axis(1, 2, 3)] {
            let from = made_of(&part, &[2, 2], &grid);
            let mut bytes = vec![0; from.shape().num_voxels().unwrap()];
            crate::volume::copy_region(&fine, &whole, &mut bytes, &from, 1);
            let mut coarse = vec![0; part.shape().num_voxels().unwrap()];
            reduce(Rule::Mean, DType::U8, &[2, 2], (&bytes, &from), (&mut coarse, &part));
            let found: Vec<u8> = part.indices().map(|at| wanted[at[0] * 3 + at[1]]).collect();
            assert_eq!(coarse, found, "{part}");
            reduce(Rule::Nearest, DType::U8, &[2, 2], (&bytes, &from), (&mut coarse, &part));
            let first: Vec<u8> = part.indices().map(|at| fine[at[0] * 10 + at[1] * 2]).collect();
            assert_eq!(coarse, first, "{part}");
        }
    }
}
