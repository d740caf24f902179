//! Projections of volumes in memory on the CPU: what the shaders are compared with, and what is used where
//! the graphics adapter is software.

use rayon::prelude::*;

use super::{Accumulator, DType, FoldBox, Orientation, Pool, Projection, Region, Shape, Voxels, projected_dtype};

/// Folds the planes `slab[0]..slab[1]` along the depth axis of `orientation` of a (z, y, x) volume.
/// numpy's results in numpy's types. Voxels that are missing are left out of the fold; a pixel is missing
/// where all of its voxels are, and [`Voxels::gaps`] tells what the others lack.
/// A slab that reaches beyond the volume is clipped; an empty one gives zeros, all missing.
///
/// # Panics
/// If the volume is not of rank 3: a caller's mistake.
pub fn project(volume: &Voxels, orientation: Orientation, slab: [usize; 2], op: Projection, pool: &Pool) -> Voxels {
    project_as(volume, orientation, slab, op, false, pool)
}

/// As [`project`], in the types of [`Accumulator::finish_for_display`].
///
/// # Panics
/// If the volume is not of rank 3: a caller's mistake.
pub fn project_for_display(
    volume: &Voxels,
    orientation: Orientation,
    slab: [usize; 2],
    op: Projection,
    pool: &Pool,
) -> Voxels {
    project_as(volume, orientation, slab, op, true, pool)
}

fn project_as(
    volume: &Voxels,
    orientation: Orientation,
    slab: [usize; 2],
    op: Projection,
    for_display: bool,
    pool: &Pool,
) -> Voxels {
    let &[nz, ny, nx] = volume.shape().dims() else { panic!("a volume has three axes, not {}", volume.shape()) };
    let dims = [nz, ny, nx];
    let axis = orientation.depth_axis().index() - 1;
    let kept = kept_axes(axis);
    let shape = kept.map(|axis| dims[axis]);
    let stop = slab[1].min(dims[axis]);
    let range = [slab[0].min(stop), stop];
    let num_folded = range[1] - range[0];
    let dtype = volume.dtype();
    if num_folded == 0 {
        let target = projected_dtype(dtype, op);
        let shape = Shape::from(shape);
        let buffer = super::Buffer::unpooled(shape.num_bytes(target).unwrap_or(0));
        return Voxels::new(target, shape, buffer, vec![Region::whole(&shape)]);
    }
    let whole = FoldBox { bytes: volume.bytes(), dims, axis, range, at: [0, 0] };
    // Each core folds its own planes; what they have is merged. Below a few MB that costs more than it saves.
    let num_parts = (volume.bytes().len() >> 21).clamp(1, rayon::current_num_threads()).min(nz);
    let parts: Vec<_> = (0..num_parts).map(|i| [i * nz / num_parts, (i + 1) * nz / num_parts]).collect();
    let folded = parts.into_par_iter().map(|planes| {
        let mut accumulator = Accumulator::new(dtype, op, shape, pool);
        if let Some(part) = whole.planes(planes, dtype) {
            let first_plane = if axis == 0 { planes[0] } else { 0 };
            accumulator.fold_except(&part, first_plane, &missing_of(volume, planes));
        }
        accumulator
    });
    let merged = folded.reduce_with(|mut a, b| {
        a.merge(&b);
        a
    });
    // There is at least one part.
    let merged = merged.unwrap_or_else(|| Accumulator::new(dtype, op, shape, pool));
    match for_display {
        true => merged.finish_for_display(num_folded, pool),
        false => merged.finish(num_folded, pool),
    }
}

/// What is missing between two planes along z, as seen from the first.
fn missing_of(volume: &Voxels, [first, stop]: [usize; 2]) -> Vec<Region> {
    let dims = volume.shape().dims();
    let Some(part) = Region::new(&[first, 0, 0], &[stop, dims[1], dims[2]]) else { return Vec::new() };
    let missing = volume.missing().iter().filter_map(|missing| missing.intersect(&part));
    missing.map(|missing| missing.relative_to(part.start())).collect()
}

/// The two axes of (z, y, x) that remain when one is folded: rows and columns of the result.
pub fn kept_axes(axis: usize) -> [usize; 2] {
    [[1, 2], [0, 2], [0, 1]][axis]
}

/// The rows and columns of a missing box of a volume, where it lies in this range of planes.
pub fn flatten(part: &Region, axis: usize, range: [usize; 2]) -> Option<Region> {
    let kept = kept_axes(axis);
    let overlaps = part.start()[axis] < range[1] && part.stop()[axis] > range[0] && !part.is_empty();
    let pick = |bounds: &[usize]| kept.map(|axis| bounds[axis]);
    Region::new(&pick(part.start()), &pick(part.stop())).filter(|_| overlaps)
}

impl<'a> FoldBox<'a> {
    /// The part of the box between two of its planes along z; `None` where it folds nothing.
    fn planes(&self, [first, stop]: [usize; 2], dtype: DType) -> Option<FoldBox<'a>> {
        let plane_bytes = self.dims[1] * self.dims[2] * dtype.num_bytes();
        let bytes = self.bytes.get(first * plane_bytes..stop * plane_bytes)?;
        let mut part = FoldBox { bytes, dims: [stop - first, self.dims[1], self.dims[2]], ..*self };
        if self.axis == 0 {
            part.range = self.range.map(|z| z.clamp(first, stop) - first);
        } else {
            part.at[0] += first;
        }
        (part.range[0] < part.range[1]).then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool() -> Pool {
        Pool::new(1 << 20)
    }

    /// The definition, one pixel at a time.
    fn naive(values: &[f64], dims: [usize; 3], axis: usize, range: [usize; 2], op: Projection) -> Vec<f64> {
        let [rows, columns] = kept_axes(axis).map(|axis| dims[axis]);
        let mut result = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let voxels: Vec<f64> = (range[0]..range[1])
                    .map(|k| {
                        let [z, y, x] = match axis {
                            0 => [k, row, column],
                            1 => [row, k, column],
                            _ => [row, column, k],
                        };
                        values[(z * dims[1] + y) * dims[2] + x]
                    })
                    .collect();
                let n = voxels.len() as f64;
                let sum: f64 = voxels.iter().sum();
                result.push(match op {
                    Projection::Max => voxels.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    Projection::Min => voxels.iter().copied().fold(f64::INFINITY, f64::min),
                    Projection::Sum => sum,
                    Projection::Mean => sum / n,
                    Projection::Std => (voxels.iter().map(|v| (v - sum / n).powi(2)).sum::<f64>() / n).sqrt(),
                });
            }
        }
        result
    }

    fn to_f64(voxels: &Voxels) -> Vec<f64> {
        crate::dispatch_dtype!(voxels.dtype(), T => {
            voxels.values::<T>().iter().map(|&v| super::super::Voxel::to_f64(v)).collect()
        })
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            dims in (1usize..6, 1usize..6, 1usize..6),
            seed in any::<u64>(),
            dtype in prop::sample::select(DType::ALL.to_vec()),
            orientation in prop::sample::select(Orientation::ALL.to_vec()),
            op in prop::sample::select(Projection::ALL.to_vec()),
            cut in (0usize..6, 0usize..6),
        ) {
            let dims = [dims.0, dims.1, dims.2];
            let shape = Shape::from(dims);
            let axis = orientation.depth_axis().index() - 1;
            let n = dims[axis];
            let (a, b) = (cut.0 % n, cut.1 % n);
            let slab = [a.min(b), a.max(b) + 1];
            let mut state = seed;
            let mut bytes = super::super::Buffer::unpooled(shape.num_bytes(dtype).expect("small"));
            crate::dispatch_dtype!(dtype, T => {
                for value in bytemuck::cast_slice_mut::<u8, T>(bytes.bytes_mut()) {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let raw = (state >> 40) as i64;
                    *value = match dtype {
                        DType::Bool => bytemuck::cast_slice::<u8, T>(&u64::from(raw % 2 == 1).to_le_bytes())[0],
                        DType::F16 => bytemuck::cast_slice::<u8, T>(&[half::f16::from_f64((raw % 100) as f64).to_le_bytes(); 4].concat())[0],
                        DType::F32 => bytemuck::cast_slice::<u8, T>(&[(1e4 + (raw % 1000) as f32 / 16.0).to_le_bytes(); 2].concat())[0],
                        DType::F64 => bytemuck::cast_slice::<u8, T>(&(1e4 + (raw % 1000) as f64 / 7.0).to_le_bytes())[0],
                        DType::U64 => bytemuck::cast_slice::<u8, T>(&raw.to_le_bytes())[0],
                        _ => bytemuck::cast_slice::<u8, T>(&(raw << 8 ^ raw).to_le_bytes())[0],
                    };
                }
            });
            let volume = Voxels::new(dtype, shape, bytes, Vec::new());
            let expected = naive(&to_f64(&volume), dims, axis, slab, op);
            let result = project(&volume, orientation, slab, op, &pool());
            prop_assert_eq!(result.dtype(), projected_dtype(dtype, op));
            let tolerance = match result.dtype() {
                DType::F16 => 1e-3,
                DType::F32 => 2e-7,
                _ => 1e-12,
            };
            let largest = to_f64(&volume).iter().fold(0.0f64, |most, value| most.max(value.abs()));
            for (value, expected) in to_f64(&result).iter().zip(&expected) {
                // A deviation can be no better than the values it is the difference of, here and in the oracle.
                let rounding = 1e-4 + 16.0 * f64::EPSILON * largest / tolerance;
                let scale = expected.abs() + if op == Projection::Std { rounding } else { 0.0 };
                prop_assert!((value - expected).abs() <= tolerance * scale, "{} for {}", value, expected);
            }
        }

        #[test]
        fn what_is_missing_is_left_out_and_told(
            op in prop::sample::select(Projection::ALL.to_vec()),
            dtype in prop::sample::select(vec![DType::U8, DType::I16, DType::U32, DType::F32, DType::F64]),
            orientation in prop::sample::select(Orientation::ALL.to_vec()),
            numbers in prop::collection::vec(0u8..100, 4 * 5 * 6),
            holes in prop::collection::vec(((0usize..4, 0usize..5), (0usize..5, 0usize..6), (0usize..6, 0usize..7)), 0..4),
        ) {
            let dims = [4, 5, 6];
            let mut buffer = super::super::Buffer::unpooled(numbers.len() * dtype.num_bytes());
            for (bytes, number) in buffer.bytes_mut().chunks_exact_mut(dtype.num_bytes()).zip(&numbers) {
                match dtype {
                    DType::F32 => bytes.copy_from_slice(&f32::from(*number).to_le_bytes()),
                    DType::F64 => bytes.copy_from_slice(&f64::from(*number).to_le_bytes()),
                    _ => bytes[0] = *number,
                }
            }
            let missing = holes.iter().filter_map(|&(z, y, x)| {
                let ranges = [z, y, x].map(|(a, b)| [a.min(b), a.max(b)]);
                Region::new(&ranges.map(|r| r[0]), &ranges.map(|r| r[1]))
            });
            let volume = Voxels::new(dtype, Shape::from(dims), buffer, missing.collect());
            let axis = orientation.depth_axis().index() - 1;
            let slab = [1, dims[axis]];
            let result = project(&volume, orientation, slab, op, &pool());
            let [rows, columns] = kept_axes(axis).map(|axis| dims[axis]);
            let column = |row: usize, column: usize| (slab[0]..slab[1]).map(move |k| match axis {
                0 => [k, row, column],
                1 => [row, k, column],
                _ => [row, column, k],
            });
            let (mut lost, mut num_shown) = (vec![0; slab[1]], 0);
            for (row, x) in (0..rows).flat_map(|row| (0..columns).map(move |x| (row, x))) {
                let values: Vec<f64> = column(row, x).filter_map(|voxel| volume.get_f64(&voxel)).collect();
                if values.is_empty() {
                    prop_assert_eq!(result.get_f64(&[row, x]), None);
                    continue;
                }
                num_shown += 1;
                column(row, x).filter(|voxel| !volume.is_measured(voxel)).for_each(|voxel| lost[voxel[axis]] += 1);
                let expected = naive(&values, [values.len(), 1, 1], 0, [0, values.len()], op)[0];
                let value = result.get_f64(&[row, x]).expect("something was folded");
                prop_assert!((value - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{} for {}", value, expected);
            }
            let planes = |is_wanted: &dyn Fn(usize) -> bool| (slab[0]..slab[1]).filter(|&k| is_wanted(lost[k])).collect();
            let (none, some): (Vec<usize>, Vec<usize>) =
                (planes(&|n| n > 0 && n == num_shown), planes(&|n| n > 0 && n < num_shown));
            let told = result.gaps().cloned().unwrap_or_default();
            let all = |ranges: &[[usize; 2]]| ranges.iter().flat_map(|r| r[0]..r[1]).collect::<Vec<_>>();
            prop_assert_eq!((all(&told.missing), all(&told.partial)), (none, some));
            prop_assert_eq!(result.gaps().is_some(), lost.iter().any(|n| *n > 0));
        }

        #[test]
        fn pieces_in_any_order_equal_the_whole(
            op in prop::sample::select(Projection::ALL.to_vec()),
            dtype in prop::sample::select(vec![DType::U16, DType::I16]),
            orientation in prop::sample::select(Orientation::ALL.to_vec()),
            order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
            values in prop::collection::vec(any::<u16>(), 6 * 4 * 8),
        ) {
            let dims = [6, 4, 8];
            let volume = Voxels::from_values(dtype, Shape::from(dims), &values);
            let axis = orientation.depth_axis().index() - 1;
            let slab = [1, dims[axis] - 1];
            let whole = project(&volume, orientation, slab, op, &pool());
            let shape = kept_axes(axis).map(|axis| dims[axis]);
            let mut partial = [0, 1].map(|_| Accumulator::new(dtype, op, shape, &pool()));
            let source = Region::whole(&Shape::from(dims));
            for piece in order {
                let corner = [piece / 4 * 3, piece / 2 % 2 * 2, piece % 2 * 4];
                let region = Region::new(&corner, &[corner[0] + 3, corner[1] + 2, corner[2] + 4]).expect("valid");
                let mut bytes = super::super::Buffer::unpooled(3 * 2 * 4 * 2);
                super::super::copy_region(volume.bytes(), &source, bytes.bytes_mut(), &region, 2);
                let range = slab.map(|k| k.clamp(corner[axis], region.stop()[axis]) - corner[axis]);
                let at = kept_axes(axis).map(|axis| corner[axis]);
                partial[piece % 2].fold(&FoldBox { bytes: bytes.bytes(), dims: [3, 2, 4], axis, range, at });
            }
            let [mut first, second] = partial;
            first.merge(&second);
            let result = first.finish(slab[1] - slab[0], &pool());
            prop_assert_eq!(result.bytes(), whole.bytes());
        }
    }

    #[test]
    fn sums_do_not_overflow_and_deviations_are_exact() {
        let values = vec![u16::MAX; 70_000];
        let volume = Voxels::from_values(DType::U16, Shape::from([70_000, 1, 1]), &values);
        let sum = project(&volume, Orientation::Xy, [0, 70_000], Projection::Sum, &pool());
        assert_eq!(sum.values::<u64>(), [70_000 * u16::MAX as u64]);
        let std = project(&volume, Orientation::Xy, [0, 70_000], Projection::Std, &pool());
        assert_eq!(std.values::<f64>(), [0.0]);
        let values = vec![i16::MIN; 70_000];
        let volume = Voxels::from_values(DType::I16, Shape::from([1, 70_000, 1]), &values);
        let mean = project(&volume, Orientation::Xz, [0, 70_000], Projection::Mean, &pool());
        assert_eq!(mean.values::<f64>(), [i16::MIN as f64]);
    }

    #[test]
    fn nan_wins_as_in_numpy() {
        let volume = Voxels::from_values(DType::F32, Shape::from([3, 1, 2]), &[1.0, 2.0, f32::NAN, 0.0, 3.0, 1.0f32]);
        for op in [Projection::Max, Projection::Min] {
            let result = project(&volume, Orientation::Xy, [0, 3], op, &pool());
            assert!(result.values::<f32>()[0].is_nan());
            assert!(!result.values::<f32>()[1].is_nan());
        }
    }

    #[test]
    fn a_slab_beyond_the_volume_is_missing() {
        let volume = Voxels::new(DType::U8, Shape::from([4, 2, 3]), super::super::Buffer::unpooled(24), Vec::new());
        assert!(project(&volume, Orientation::Xy, [2, 9], Projection::Max, &pool()).is_whole());
        assert!(!project(&volume, Orientation::Xy, [4, 9], Projection::Max, &pool()).missing().is_empty());
    }
}
