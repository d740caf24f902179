//! Folding voxels into one, chunk by chunk in any order: sums, means, extremes, variances, percentiles.

use super::convert::{convert, of};
use super::number::Number;
use super::step::Reduction;
use super::window::{interpolated, ordered};
use crate::dispatch_dtype;
use crate::volume::{DType, Region};

/// A reduction of voxels of one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    pub how: Reduction,
    from: DType,
    pub result: DType,
}

impl Fold {
    /// numpy's type of the result.
    ///
    /// # Errors
    /// Where numpy has none.
    pub fn of(how: Reduction, from: DType) -> Result<Self, String> {
        let result = match how {
            Reduction::Min | Reduction::Max => from,
            Reduction::Any | Reduction::All => DType::Bool,
            Reduction::Percentile(_) if from == DType::Bool => {
                return Err("numpy has no percentile of bool; cast to a number first".to_owned());
            }
            _ if from.is_float() => from,
            Reduction::Sum => match from {
                DType::U8 | DType::U16 | DType::U32 | DType::U64 => DType::U64,
                _ => DType::I64,
            },
            _ => DType::F64,
        };
        Ok(Self { how, from, result })
    }

    /// The same mean or percentile, not rounded to the type of what it is of.
    pub fn in_doubles(self) -> Self {
        Self { result: DType::F64, ..self }
    }

    /// Whether all values have to be there at once.
    pub fn is_of_all_at_once(self) -> bool {
        matches!(self.how, Reduction::Median | Reduction::Percentile(_))
    }

    /// Whether nothing can be made of no values.
    pub fn needs_values(self) -> bool {
        self.is_of_all_at_once() || matches!(self.how, Reduction::Min | Reduction::Max)
    }
}

/// What was folded so far, for each voxel of a box of the result.
pub(super) struct Folder {
    fold: Fold,
    /// Values each voxel has.
    counts: Vec<u64>,
    state: State,
}

enum State {
    /// Wrapping integers, or extremes as the bits of their type, or 0 and 1.
    Bits(Vec<u64>),
    /// Sums and what was lost of them to rounding (Neumaier).
    Sums(Vec<[f64; 2]>),
    /// The first value; mean and sum of squared distances from it, of what the others are more (Welford).
    Moments(Vec<[f64; 3]>),
    /// All of them, for each voxel in a row.
    Values { values: Vec<f64>, num_folded: usize },
}

impl Folder {
    /// For that many voxels of the result, each made of `num_folded` of the input.
    pub fn new(fold: Fold, len: usize, num_folded: usize) -> Self {
        let state = match fold.how {
            Reduction::Min | Reduction::Max | Reduction::Any => State::Bits(vec![0; len]),
            Reduction::All => State::Bits(vec![1; len]),
            Reduction::Sum if !fold.from.is_float() => State::Bits(vec![0; len]),
            Reduction::Sum | Reduction::Mean => State::Sums(vec![[0.0; 2]; len]),
            Reduction::Var(_) | Reduction::Std(_) => State::Moments(vec![[0.0; 3]; len]),
            Reduction::Median | Reduction::Percentile(_) => {
                State::Values { values: vec![0.0; len * num_folded], num_folded }
            }
        };
        Self { fold, counts: vec![0; len], state }
    }

    /// Adds the part `part` of a chunk; `tables` say, for each axis, how much a position along it adds to the number
    /// of the voxel of the result, from the first of `part` on.
    pub fn add(&mut self, bytes: &[u8], chunk: &Region, part: &Region, tables: &[Vec<usize>]) {
        let dtype = self.fold.from;
        let item = dtype.num_bytes();
        let rank = part.rank();
        let rows = if rank == 0 { *part } else { part.with_axis(rank - 1, 0, 1) };
        let len = if rank == 0 { 1 } else { part.stop()[rank - 1] - part.start()[rank - 1] };
        let shape = chunk.shape();
        // A row at a time, aligned for its type.
        let mut row = vec![0u64; (len * item).div_ceil(8)];
        let nothing = [0];
        for at in rows.indices() {
            let (mut from, mut to) = (0, 0);
            for axis in 0..rank {
                let is_last = axis + 1 == rank;
                let index = if is_last { part.start()[axis] } else { at[axis] };
                from = from * shape.dims()[axis] + index - chunk.start()[axis];
                to += if is_last { 0 } else { tables[axis][index - part.start()[axis]] };
            }
            bytemuck::cast_slice_mut::<u64, u8>(&mut row)[..len * item]
                .copy_from_slice(&bytes[from * item..(from + len) * item]);
            let along = if rank == 0 { &nothing[..] } else { &tables[rank - 1] };
            dispatch_dtype!(dtype, T => self.add_row::<T>(of::<T>(&row, len), to, along));
        }
    }

    fn add_row<T: Number>(&mut self, values: &[T], first: usize, along: &[usize]) {
        let places = along.iter().map(|step| first + step);
        let (how, counts) = (self.fold.how, &mut self.counts);
        let is_signed = self.fold.result == DType::I64;
        match &mut self.state {
            State::Bits(bits) => {
                for (place, &value) in places.zip(values) {
                    let bits = &mut bits[place];
                    match how {
                        Reduction::Any => *bits |= u64::from(value.is_true()),
                        Reduction::All => *bits &= u64::from(value.is_true()),
                        Reduction::Sum if is_signed => *bits = bits.wrapping_add(value.to_i64() as u64),
                        Reduction::Sum => *bits = bits.wrapping_add(value.to_u64()),
                        _ => {
                            let known: T = of::<T>(std::slice::from_ref(bits), 1)[0];
                            let is_better = if how == Reduction::Max { value > known } else { value < known };
                            // What is no number stays: it is not equal to itself.
                            #[allow(clippy::eq_op, reason = "that is how one knows it")]
                            let is_no_number = value != value;
                            if counts[place] == 0 || is_better || is_no_number {
                                super::convert::of_mut::<T>(std::slice::from_mut(bits), 1)[0] = value;
                            }
                        }
                    }
                    counts[place] += 1;
                }
            }
            State::Sums(sums) => {
                for (place, &value) in places.zip(values) {
                    let (value, [sum, lost]) = (value.to_f64(), &mut sums[place]);
                    let next = *sum + value;
                    // Only finite sums lose something that can be told.
                    if next.is_finite() {
                        *lost += if sum.abs() >= value.abs() { (*sum - next) + value } else { (value - next) + *sum };
                    }
                    *sum = next;
                    counts[place] += 1;
                }
            }
            State::Moments(moments) => {
                for (place, &value) in places.zip(values) {
                    let [first, mean, squares] = &mut moments[place];
                    if counts[place] == 0 {
                        *first = value.to_f64();
                    }
                    // Of values far from zero, what they differ by is exact.
                    let value = value.to_f64() - *first;
                    counts[place] += 1;
                    let before = value - *mean;
                    *mean += before / counts[place] as f64;
                    *squares += before * (value - *mean);
                }
            }
            State::Values { values: all, num_folded } => {
                for (place, &value) in places.zip(values) {
                    if let Some(to) =
                        all[place * *num_folded..(place + 1) * *num_folded].get_mut(counts[place] as usize)
                    {
                        *to = value.to_f64();
                    }
                    counts[place] += 1;
                }
            }
        }
    }

    /// The result, as bytes of its type. `num_folded` is how many values each voxel is made of.
    pub fn finish(mut self, num_folded: usize, buffer: &mut [u8]) {
        let (result, how) = (self.fold.result, self.fold.how);
        let item = result.num_bytes();
        let num = num_folded as f64;
        for (place, to) in buffer.chunks_exact_mut(item).enumerate() {
            let value = match &mut self.state {
                State::Bits(bits) => {
                    to.copy_from_slice(&bits[place].to_le_bytes()[..item]);
                    continue;
                }
                State::Sums(sums) => {
                    let sum = sums[place][0] + sums[place][1];
                    if how == Reduction::Mean { sum / num } else { sum }
                }
                State::Moments(moments) => {
                    let ddof = if let Reduction::Var(ddof) | Reduction::Std(ddof) = how { ddof } else { 0 };
                    let squares = if num_folded == 0 { f64::NAN } else { moments[place][2] };
                    let variance = squares / (num - f64::from(ddof)).max(0.0);
                    if matches!(how, Reduction::Std(_)) { variance.sqrt() } else { variance }
                }
                State::Values { values, num_folded } => {
                    let values = &mut values[place * *num_folded..(place + 1) * *num_folded];
                    match how {
                        Reduction::Percentile(percent) => percentile(values, percent),
                        _ => median(values),
                    }
                }
            };
            let mut voxel = [0];
            convert(DType::F64, result, &[value.to_bits()], &mut voxel, 1);
            to.copy_from_slice(&voxel[0].to_le_bytes()[..item]);
        }
    }
}

/// numpy's percentile, linearly between neighbours; no number where one of the values is none.
pub(super) fn percentile(values: &mut [f64], percent: f64) -> f64 {
    let at = percent / 100.0 * values.len().saturating_sub(1) as f64;
    let below = at.floor() as usize;
    neighbours(values, below).map_or(f64::NAN, |[low, high]| interpolated(low, high, at - below as f64))
}

/// numpy's median: the mean of the two in the middle of an even number.
fn median(values: &mut [f64]) -> f64 {
    let below = values.len().saturating_sub(1) / 2;
    let is_odd = values.len() % 2 == 1;
    neighbours(values, below).map_or(f64::NAN, |[low, high]| if is_odd { low } else { (low + high) / 2.0 })
}

/// The value at a place in the order of all, and the next; `None` where one of the values is no number, or there are
/// none.
fn neighbours(values: &mut [f64], below: usize) -> Option<[f64; 2]> {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let (_, &mut low, above) = values.select_nth_unstable_by(below.min(values.len() - 1), ordered);
    Some([low, above.iter().copied().min_by(ordered).unwrap_or(low)])
}
