//! Small versions of planes.

use super::{DType, Pool, Region, Shape, Voxel, Voxels};

/// A plane made smaller by a whole factor so that neither side exceeds `max_side`: each pixel the mean of
/// those it covers, in single precision. A pixel is missing where any of them is.
///
/// # Panics
/// If the array is not of rank 2: a caller's mistake.
pub fn reduce(plane: &Voxels, max_side: usize, pool: &Pool) -> Voxels {
    let &[rows, columns] = plane.shape().dims() else { panic!("a plane has two axes, not {}", plane.shape()) };
    let factor = rows.max(columns).div_ceil(max_side.max(1)).max(1);
    let (small_rows, small_columns) = (rows.div_ceil(factor), columns.div_ceil(factor));
    let mut buffer = pool.take(small_rows * small_columns * 4);
    let pixels = bytemuck::cast_slice_mut::<u8, f32>(buffer.bytes_mut());
    pixels.fill(0.0);
    crate::dispatch_dtype!(plane.dtype(), T => {
        let values = plane.values::<T>();
        for (row, line) in values.chunks_exact(columns.max(1)).enumerate() {
            let sums = &mut pixels[row / factor * small_columns..][..small_columns];
            for (sum, group) in sums.iter_mut().zip(line.chunks(factor)) {
                *sum += group.iter().map(|v| Voxel::to_f32(*v)).sum::<f32>();
            }
        }
    });
    if small_columns > 0 {
        for (row, line) in pixels.chunks_exact_mut(small_columns).enumerate() {
            let height = factor.min(rows - row * factor);
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel /= (height * factor.min(columns - column * factor)) as f32;
            }
        }
    }
    let shrink = |part: &Region| {
        let start: Vec<_> = part.start().iter().map(|i| i / factor).collect();
        let stop: Vec<_> = part.stop().iter().map(|i| i.div_ceil(factor)).collect();
        Region::new(&start, &stop)
    };
    let missing = plane.missing().iter().filter_map(shrink).collect();
    let gaps = plane.gaps().cloned();
    Voxels::new(DType::F32, Shape::from([small_rows, small_columns]), buffer, missing).with_gaps(gaps)
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
        let nothing = Voxels::from_values::<u8>(DType::U8, Shape::from([0, 0]), &[]);
        assert!(reduce(&nothing, 4, &Pool::new(0)).bytes().is_empty());
    }
}
