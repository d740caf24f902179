//! Small versions of planes.

use super::{DType, Pool, Region, Shape, Voxel, Voxels};

/// The type of a plane made smaller: single precision where that tells its values apart, else double.
pub fn reduced_dtype(dtype: DType) -> DType {
    match dtype {
        DType::Bool | DType::U8 | DType::I8 | DType::U16 | DType::I16 | DType::F16 | DType::F32 => DType::F32,
        DType::U32 | DType::I32 | DType::U64 | DType::I64 | DType::F64 => DType::F64,
    }
}

/// A plane made smaller by a whole factor so that neither side exceeds `max_side`: each pixel the mean of
/// those it covers, in [`reduced_dtype`]. A pixel is missing where any of them is.
///
/// # Panics
/// If the array is not of rank 2: a caller's mistake.
pub fn reduce(plane: &Voxels, max_side: usize, pool: &Pool) -> Voxels {
    let &[rows, columns] = plane.shape().dims() else { panic!("a plane has two axes, not {}", plane.shape()) };
    let factor = rows.max(columns).div_ceil(max_side.max(1)).max(1);
    let (small_rows, small_columns) = (rows.div_ceil(factor), columns.div_ceil(factor));
    let dtype = reduced_dtype(plane.dtype());
    let mut buffer = pool.take(small_rows * small_columns * dtype.num_bytes());
    let reduction = Reduction { rows, columns, factor, small_columns };
    if dtype == DType::F32 {
        let pixels = bytemuck::cast_slice_mut::<u8, f32>(buffer.bytes_mut());
        crate::dispatch_dtype!(plane.dtype(), T => {
            reduction.average(plane.values::<T>(), pixels, Voxel::to_f32, |sum, num| sum / num as f32);
        });
    } else {
        let pixels = bytemuck::cast_slice_mut::<u8, f64>(buffer.bytes_mut());
        crate::dispatch_dtype!(plane.dtype(), T => {
            reduction.average(plane.values::<T>(), pixels, Voxel::to_f64, |sum, num| sum / num as f64);
        });
    }
    let shrink = |part: &Region| {
        let start: Vec<_> = part.start().iter().map(|i| i / factor).collect();
        let stop: Vec<_> = part.stop().iter().map(|i| i.div_ceil(factor)).collect();
        Region::new(&start, &stop)
    };
    let missing = plane.missing().iter().filter_map(shrink).collect();
    let gaps = plane.gaps().cloned();
    Voxels::new(dtype, Shape::from([small_rows, small_columns]), buffer, missing).with_gaps(gaps)
}

/// A plane and the coarser grid laid over it.
struct Reduction {
    rows: usize,
    columns: usize,
    factor: usize,
    small_columns: usize,
}

impl Reduction {
    fn average<T: Voxel, O: Voxel + std::ops::AddAssign + std::iter::Sum>(
        &self,
        values: &[T],
        pixels: &mut [O],
        convert: impl Fn(T) -> O + Copy,
        divide: impl Fn(O, usize) -> O,
    ) {
        let Self { rows, columns, factor, small_columns } = *self;
        pixels.fill(O::zeroed());
        for (row, line) in values.chunks_exact(columns.max(1)).enumerate() {
            let sums = &mut pixels[row / factor * small_columns..][..small_columns];
            for (sum, group) in sums.iter_mut().zip(line.chunks(factor)) {
                *sum += group.iter().map(|v| convert(*v)).sum::<O>();
            }
        }
        if small_columns == 0 {
            return;
        }
        for (row, line) in pixels.chunks_exact_mut(small_columns).enumerate() {
            let height = factor.min(rows - row * factor);
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = divide(*pixel, height * factor.min(columns - column * factor));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_means_and_ragged_edges_are_not_darker() {
        let values: Vec<u16> = (0..5 * 7).map(|i| if i % 7 < 4 { 10 } else { 20 }).collect();
        let plane = Voxels::from_values(DType::U16, Shape::from([5, 7]), &values);
        let plane = plane.with_missing(vec![Region::new(&[4, 6], &[5, 7]).expect("valid")]);
        let small = reduce(&plane, 4, &Pool::new(0));
        assert_eq!(small.shape().dims(), [3, 4]);
        assert_eq!(small.values::<f32>(), [10.0, 10.0, 20.0, 20.0].repeat(3));
        assert_eq!(small.missing(), [Region::new(&[2, 3], &[3, 4]).expect("valid")]);
        let same = reduce(&plane, 100, &Pool::new(0));
        assert_eq!(same.shape().dims(), [5, 7]);
        let far = Voxels::from_values(DType::I32, Shape::from([1, 2]), &[1_000_000_010i32, 1_000_000_020]);
        let far = reduce(&far, 1, &Pool::new(0));
        assert_eq!(far.values::<f64>(), [1_000_000_015.0], "single precision would say 1,000,000,000");
        let nothing = Voxels::from_values::<u8>(DType::U8, Shape::from([0, 0]), &[]);
        assert!(reduce(&nothing, 4, &Pool::new(0)).bytes().is_empty());
    }
}
