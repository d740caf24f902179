//! [`Accumulator`]: folds voxels into a 2-D projection piece by piece, in any order, so that a projection
//! needs neither the whole volume in memory nor a second pass. Integers are exact; floats are folded in
//! double precision.

use super::fold_box::{Foldable, fold_box};
use super::losses::{Losses, Window, boxes_of, mask_of};
use super::{Buffer, DType, Pool, Projection, Region, Shape, Voxel, Voxels};
use crate::dispatch_dtype;

/// What is kept of each pixel of the result.
enum State {
    /// The extreme value so far, in the dtype's own bytes.
    Extreme(Buffer),
    /// Two's complement sums of small integers; `low` overflows into `high` before it can wrap.
    SmallSum { low: Vec<u32>, high: Vec<u64>, num_low: usize },
    /// Two's complement sums of wide integers, wrapping as numpy's do.
    WideSum(Vec<u64>),
    /// Sums in double precision.
    FloatSum(Vec<f64>),
    /// Sums and sums of squares of small integers, exact.
    SmallMoments(Vec<[u64; 2]>),
    /// Welford's running count, mean and squared distance: stable for values far from zero, and mergeable.
    Moments(Vec<[f64; 3]>),
}

/// As many 16-bit values of either sign add up in 32 bits.
const MAX_LOW: usize = 1 << 15;

/// A projection in the making.
pub struct Accumulator {
    dtype: DType,
    op: Projection,
    shape: [usize; 2],
    state: State,
    /// What should have been folded and could not be had.
    losses: Option<Losses>,
}

/// A C-order box of voxels and which of its axes is folded.
#[derive(Clone, Copy, Debug)]
pub struct FoldBox<'a> {
    /// The voxels.
    pub bytes: &'a [u8],
    /// Extent of the box (z, y, x).
    pub dims: [usize; 3],
    /// Which of the three axes is folded.
    pub axis: usize,
    /// Half-open range of that axis to fold.
    pub range: [usize; 2],
    /// Row and column of the result where the box begins.
    pub at: [usize; 2],
}

/// The type of a projection's result: numpy's, for every operation and input.
pub fn projected_dtype(dtype: DType, op: Projection) -> DType {
    match op {
        Projection::Max | Projection::Min => dtype,
        Projection::Sum => match dtype {
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => DType::U64,
            DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::I64 => DType::I64,
            DType::F16 | DType::F32 | DType::F64 => dtype,
        },
        Projection::Mean | Projection::Std if dtype.is_float() => dtype,
        Projection::Mean | Projection::Std => DType::F64,
    }
}

fn is_small(dtype: DType) -> bool {
    dtype.num_bytes() <= 2 && !dtype.is_float()
}

impl Accumulator {
    /// Nothing folded yet; `shape` is rows and columns of the result.
    pub fn new(dtype: DType, op: Projection, shape: [usize; 2], pool: &Pool) -> Self {
        let n = shape[0] * shape[1];
        let state = match op {
            Projection::Max | Projection::Min => {
                let mut buffer = pool.take(n * dtype.num_bytes());
                dispatch_dtype!(dtype, T => {
                    let identity = if op == Projection::Max { T::LOWEST } else { T::HIGHEST };
                    bytemuck::cast_slice_mut::<u8, T>(buffer.bytes_mut()).fill(identity);
                });
                State::Extreme(buffer)
            }
            Projection::Sum | Projection::Mean if is_small(dtype) => {
                State::SmallSum { low: vec![0; n], high: Vec::new(), num_low: 0 }
            }
            Projection::Sum if !dtype.is_float() => State::WideSum(vec![0; n]),
            Projection::Sum | Projection::Mean => State::FloatSum(vec![0.0; n]),
            Projection::Std if is_small(dtype) => State::SmallMoments(vec![[0; 2]; n]),
            Projection::Std => State::Moments(vec![[0.0; 3]; n]),
        };
        Self { dtype, op, shape, state, losses: None }
    }

    /// Memory that folding into so many rows and columns takes, or the result for display where that is more.
    pub fn bytes_for(dtype: DType, op: Projection, shape: [usize; 2]) -> usize {
        let each = match op {
            Projection::Max | Projection::Min => dtype.num_bytes(),
            Projection::Mean if is_small(dtype) => 4,
            Projection::Sum | Projection::Mean => 8,
            Projection::Std if is_small(dtype) => 16,
            Projection::Std => 24,
        };
        shape[0].saturating_mul(shape[1]).saturating_mul(each)
    }

    /// Memory occupied, for budgets.
    pub fn num_bytes(&self) -> usize {
        let n = self.shape[0] * self.shape[1];
        let losses = self.losses.as_ref().map_or(0, Losses::num_bytes);
        losses
            + match &self.state {
                State::Extreme(buffer) => buffer.capacity_bytes(),
                State::SmallSum { high, .. } => 4 * n + 8 * high.len(),
                State::WideSum(_) | State::FloatSum(_) => 8 * n,
                State::SmallMoments(_) => 16 * n,
                State::Moments(_) => 24 * n,
            }
    }

    /// Folds a box of voxels. What lies outside the result is ignored.
    pub fn fold(&mut self, part: &FoldBox<'_>) {
        let all = [0, 1, 2].map(|axis| if axis == part.axis { part.range } else { [0, part.dims[axis]] });
        self.fold_within(part, all);
    }

    /// Folds what is not missing of a box, and takes note of the rest. `missing` are parts of the box, which
    /// may overlap; its first plane along the folded axis is `first_plane` of the volume.
    pub fn fold_except(&mut self, part: &FoldBox<'_>, first_plane: usize, missing: &[Region]) {
        if missing.is_empty() {
            return self.fold(part);
        }
        let mut mask = mask_of(missing, part.dims);
        let lost = boxes_of(&mask, part.dims);
        mask.iter_mut().for_each(|lost| *lost = !*lost);
        let within = |mut window: Window| {
            let range = &mut window[part.axis];
            *range = [range[0].max(part.range[0]), range[1].min(part.range[1])];
            (range[0] < range[1]).then_some(window)
        };
        for window in boxes_of(&mask, part.dims).into_iter().filter_map(within) {
            self.fold_within(part, window);
        }
        for window in lost.into_iter().filter_map(within) {
            let kept = super::kept_axes(part.axis);
            let [rows, columns] = [0, 1].map(|i| window[kept[i]].map(|n| n + part.at[i]));
            self.lose(rows, columns, window[part.axis].map(|n| n + first_plane));
        }
    }

    /// Takes note of voxels that could not be had, each once: rows and columns of the result, planes of the
    /// volume.
    pub fn lose(&mut self, rows: [usize; 2], columns: [usize; 2], planes: [usize; 2]) {
        let shape = self.shape;
        self.losses.get_or_insert_with(|| Losses::new(shape)).add(rows, columns, planes);
    }

    fn fold_within(&mut self, part: &FoldBox<'_>, within: Window) {
        let (dtype, is_signed) = (self.dtype, self.dtype.integer_range().is_some_and(|[low, _]| low < 0.0));
        let op = self.op;
        if let State::SmallSum { low, high, num_low } = &mut self.state {
            let [start, stop] = within[part.axis];
            let added = stop.saturating_sub(start);
            if added > MAX_LOW {
                let (middle, mut halves) = (start + added / 2, [within; 2]);
                (halves[0][part.axis][1], halves[1][part.axis][0]) = (middle, middle);
                return halves.into_iter().for_each(|half| self.fold_within(part, half));
            }
            if *num_low + added > MAX_LOW {
                spill(low, high, is_signed);
                *num_low = 0;
            }
            *num_low += added;
        }
        let shape = self.shape;
        dispatch_dtype!(dtype, T => match &mut self.state {
            State::Extreme(buffer) => {
                let pixels = bytemuck::cast_slice_mut::<u8, T>(buffer.bytes_mut());
                match op {
                    Projection::Max => fold_box(pixels, shape, part, within, T::larger),
                    _ => fold_box(pixels, shape, part, within, T::smaller),
                }
            }
            State::SmallSum { low, .. } => {
                fold_box(low, shape, part, within, |sum, v: T| sum.wrapping_add(v.bits() as u32));
            }
            State::WideSum(sum) => fold_box(sum, shape, part, within, |sum, v: T| sum.wrapping_add(v.bits())),
            State::FloatSum(sum) => fold_box(sum, shape, part, within, |sum, v: T| sum + v.to_f64()),
            State::SmallMoments(moments) => fold_box(moments, shape, part, within, |[sum, squares], v: T| {
                let v = v.bits();
                [sum.wrapping_add(v), squares.wrapping_add(v.wrapping_mul(v))]
            }),
            State::Moments(moments) => fold_box(moments, shape, part, within, |[count, mean, m2], v: T| {
                let v = v.to_f64();
                let (count, delta) = (count + 1.0, v - mean);
                let mean = mean + delta / count;
                [count, mean, m2 + delta * (v - mean)]
            }),
        });
    }

    /// Folds in what another accumulator of the same kind has.
    ///
    /// # Panics
    /// If the other one makes another projection: a caller's mistake.
    pub fn merge(&mut self, other: &Self) {
        assert!(self.dtype == other.dtype && self.op == other.op && self.shape == other.shape, "unlike projections");
        let is_signed = self.dtype.integer_range().is_some_and(|[low, _]| low < 0.0);
        if let Some(lost) = &other.losses {
            self.losses.get_or_insert_with(|| Losses::new(other.shape)).merge(lost);
        }
        match (&mut self.state, &other.state) {
            (State::Extreme(a), State::Extreme(b)) => dispatch_dtype!(self.dtype, T => {
                let (a, b) = (bytemuck::cast_slice_mut::<u8, T>(a.bytes_mut()), bytemuck::cast_slice::<u8, T>(b.bytes()));
                let is_max = self.op == Projection::Max;
                a.iter_mut().zip(b).for_each(|(a, &b)| *a = if is_max { a.larger(b) } else { a.smaller(b) });
            }),
            (
                State::SmallSum { low, high, num_low },
                State::SmallSum { low: other_low, high: other_high, num_low: other_num },
            ) => {
                if *num_low + other_num > MAX_LOW {
                    spill(low, high, is_signed);
                    *num_low = 0;
                }
                *num_low += other_num;
                low.iter_mut().zip(other_low).for_each(|(a, b)| *a = a.wrapping_add(*b));
                if !other_high.is_empty() {
                    high.resize(low.len(), 0);
                    high.iter_mut().zip(other_high).for_each(|(a, b)| *a = a.wrapping_add(*b));
                }
            }
            (State::WideSum(a), State::WideSum(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = a.wrapping_add(*b));
            }
            (State::FloatSum(a), State::FloatSum(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            (State::SmallMoments(a), State::SmallMoments(b)) => a.iter_mut().zip(b).for_each(|(a, b)| {
                *a = [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])];
            }),
            (State::Moments(a), State::Moments(b)) => a.iter_mut().zip(b).for_each(|(a, &[n, mean, m2])| {
                if n > 0.0 {
                    let (total, delta) = (a[0] + n, mean - a[1]);
                    *a = [total, a[1] + delta * (n / total), a[2] + m2 + delta * delta * (a[0] * n / total)];
                }
            }),
            // The same dtype and operation make the same state.
            _ => {}
        }
    }

    /// The projection of `num_folded` voxels per pixel, those lost included, in [`projected_dtype`]. Missing
    /// are pixels of which all voxels were lost; where others lack some, [`Voxels::gaps`] tells.
    pub fn finish(self, num_folded: usize, pool: &Pool) -> Voxels {
        self.finish_as(num_folded, false, pool)
    }

    /// As [`Accumulator::finish`], but means and deviations of small integers in single precision, which
    /// is what a screen can use: half the memory for 1e-7 of relative error.
    pub fn finish_for_display(self, num_folded: usize, pool: &Pool) -> Voxels {
        self.finish_as(num_folded, true, pool)
    }

    fn finish_as(mut self, num_folded: usize, for_display: bool, pool: &Pool) -> Voxels {
        let (dtype, shape, op) = (self.dtype, Shape::from(self.shape), self.op);
        let narrow = for_display && is_small(dtype) && op != Projection::Sum;
        let target = if narrow { DType::F32 } else { projected_dtype(dtype, op) };
        let Some(losses) = self.losses.take() else {
            let counts = std::iter::repeat(num_folded.max(1));
            return finish_state(self.state, [dtype, target], op, shape, counts, pool);
        };
        let (missing, gaps) = losses.tell(num_folded);
        if let State::Extreme(buffer) = &mut self.state {
            // What nothing was folded into holds no value.
            for part in &missing {
                let row = (part.stop()[1] - part.start()[1]) * dtype.num_bytes();
                for y in part.start()[0]..part.stop()[0] {
                    let at = (y * self.shape[1] + part.start()[1]) * dtype.num_bytes();
                    buffer.bytes_mut()[at..at + row].fill(0);
                }
            }
        }
        let counts = losses.counts(num_folded).into_iter().map(|count| count.max(1) as usize);
        finish_state(self.state, [dtype, target], op, shape, counts, pool).with_missing(missing).with_gaps(gaps)
    }
}

/// What was folded as voxels of the second type; `counts` is how many voxels each pixel is made of.
fn finish_state(
    state: State,
    [dtype, target]: [DType; 2],
    op: Projection,
    shape: Shape,
    counts: impl Iterator<Item = usize>,
    pool: &Pool,
) -> Voxels {
    let is_signed = dtype.integer_range().is_some_and(|[low, _]| low < 0.0);
    let to_real = |bits: u64| if is_signed { bits as i64 as f64 } else { bits as f64 };
    let is_mean = op == Projection::Mean;
    match state {
        State::Extreme(buffer) => Voxels::new(dtype, shape, buffer, Vec::new()),
        State::SmallSum { mut low, mut high, .. } => {
            if high.is_empty() && is_mean {
                let to_real = |v: u32| if is_signed { v as i32 as f64 } else { v as f64 };
                let means = low.iter().zip(counts).map(|(&v, n)| to_real(v) / n as f64);
                return from_reals(target, shape, means, pool);
            }
            spill(&mut low, &mut high, is_signed);
            match is_mean {
                true => from_reals(target, shape, high.iter().zip(counts).map(|(&v, n)| to_real(v) / n as f64), pool),
                false => from_bits(target, shape, &high, pool),
            }
        }
        State::WideSum(sum) => from_bits(target, shape, &sum, pool),
        State::FloatSum(sum) if is_mean => {
            from_reals(target, shape, sum.iter().zip(counts).map(|(v, n)| v / n as f64), pool)
        }
        State::FloatSum(sum) => from_reals(target, shape, sum.iter().copied(), pool),
        State::SmallMoments(moments) => {
            let deviation = |(&[sum, squares], n): (&[u64; 2], usize)| {
                // Exact up to the division: n Σv² - (Σv)² needs more than 64 bits.
                let sum = (sum as i64).unsigned_abs() as u128;
                let spread = (squares as u128 * n as u128).saturating_sub(sum * sum);
                (spread as f64).sqrt() / n as f64
            };
            from_reals(target, shape, moments.iter().zip(counts).map(deviation), pool)
        }
        State::Moments(moments) => {
            let deviations = moments.iter().zip(counts).map(|([_, _, m2], n)| (m2 / n as f64).sqrt());
            from_reals(target, shape, deviations, pool)
        }
    }
}

/// Moves the low halves of sums into the high ones.
fn spill(low: &mut [u32], high: &mut Vec<u64>, is_signed: bool) {
    high.resize(low.len(), 0);
    for (low, high) in low.iter_mut().zip(high) {
        let value = if is_signed { *low as i32 as i64 as u64 } else { *low as u64 };
        *high = high.wrapping_add(value);
        *low = 0;
    }
}

fn from_bits(dtype: DType, shape: Shape, bits: &[u64], pool: &Pool) -> Voxels {
    let mut buffer = pool.take(bits.len() * 8);
    buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(bits));
    Voxels::new(dtype, shape, buffer, Vec::new())
}

fn from_reals(dtype: DType, shape: Shape, values: impl Iterator<Item = f64>, pool: &Pool) -> Voxels {
    let mut buffer = pool.take(shape.num_bytes(dtype).unwrap_or(0));
    match dtype {
        DType::F16 => {
            let pixels = bytemuck::cast_slice_mut::<u8, half::f16>(buffer.bytes_mut());
            pixels.iter_mut().zip(values).for_each(|(pixel, v)| *pixel = half::f16::from_f64(v));
        }
        DType::F32 => {
            let pixels = bytemuck::cast_slice_mut::<u8, f32>(buffer.bytes_mut());
            pixels.iter_mut().zip(values).for_each(|(pixel, v)| *pixel = v as f32);
        }
        _ => {
            let pixels = bytemuck::cast_slice_mut::<u8, f64>(buffer.bytes_mut());
            pixels.iter_mut().zip(values).for_each(|(pixel, v)| *pixel = v);
        }
    }
    Voxels::new(dtype, shape, buffer, Vec::new())
}
