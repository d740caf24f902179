//! Each value of a box from those around it, in memory: medians, bell curves, running levels.

use std::cmp::Ordering;

use super::convert::wide;
use super::folding::percentile;
use super::number::Number;

/// A box in C order.
pub(super) struct Box<T> {
    pub dims: Vec<usize>,
    pub values: Vec<T>,
}

/// An order of all values, what is no number last.
pub(super) fn ordered<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    // Only no number is not equal to itself.
    #[allow(clippy::eq_op, reason = "that is how one knows it")]
    let is_none = |value: &T| value != value;
    a.partial_cmp(b).unwrap_or_else(|| is_none(a).cmp(&is_none(b)))
}

/// numpy's way between two neighbours. One that is met exactly is the result whatever the other is, and between a
/// finite one and infinity everything is infinite; numpy makes no number of both.
pub(super) fn interpolated(low: f64, high: f64, part: f64) -> f64 {
    if low == high || part == 0.0 {
        return low;
    }
    if low.is_infinite() || high.is_infinite() {
        return low + high;
    }
    let distance = high - low;
    if part >= 0.5 { high - distance * (1.0 - part) } else { low + distance * part }
}

/// The index within `len` that an index beyond its ends mirrors: d c b a | a b c d | d c b a.
pub(super) fn reflected(index: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    let at = index.rem_euclid(period.max(1)) as usize;
    if at < len { at } else { 2 * len - 1 - at }
}

/// Weights of a bell curve as `scipy.ndimage` cuts it: at four widths, their sum 1.
pub(super) fn bell(sigma: f64) -> Vec<f64> {
    let radius = radius_of(sigma) as isize;
    let weights: Vec<f64> = (-radius..=radius).map(|x| (-0.5 * (x * x) as f64 / (sigma * sigma)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// How far a bell curve of that width reaches.
pub(super) fn radius_of(sigma: f64) -> usize {
    (4.0 * sigma + 0.5) as usize
}

/// The middle value of each box of these extents, which are odd; the result is smaller by them less one.
pub(super) fn median<T: Number>(padded: &Box<T>, size: &[usize]) -> Vec<T> {
    let dims: Vec<usize> = padded.dims.iter().zip(size).map(|(dim, size)| dim + 1 - size).collect();
    let offsets = offsets(size, &padded.dims);
    let mut window = vec![T::zeroed(); offsets.len()];
    let mut result = Vec::with_capacity(dims.iter().product());
    each_offset(&dims, &padded.dims, |at| {
        for (to, offset) in window.iter_mut().zip(&offsets) {
            *to = padded.values[at + offset];
        }
        let middle = window.len() / 2;
        result.push(*window.select_nth_unstable_by(middle, ordered).1);
    });
    result
}

/// A percentile of each run of `num` along an axis; the result is shorter by one less.
pub(super) fn running_percentile(padded: &Box<f64>, axis: usize, num: usize, percent: f64) -> Vec<f64> {
    let mut size = vec![1; padded.dims.len()];
    size[axis] = num;
    let dims: Vec<usize> = padded.dims.iter().zip(&size).map(|(dim, size)| dim + 1 - size).collect();
    let offsets = offsets(&size, &padded.dims);
    let mut window = vec![0.0; num];
    let mut result = Vec::with_capacity(dims.iter().product());
    each_offset(&dims, &padded.dims, |at| {
        for (to, offset) in window.iter_mut().zip(&offsets) {
            *to = padded.values[at + offset];
        }
        result.push(percentile(&mut window, percent));
    });
    result
}

/// Each value weighed with its neighbours along an axis; the result is shorter by the weights less one.
pub(super) fn weighed(padded: &Box<f64>, axis: usize, weights: &[f64]) -> Box<f64> {
    let mut dims = padded.dims.clone();
    dims[axis] = dims[axis] + 1 - weights.len();
    let inner: usize = dims[axis + 1..].iter().product();
    let outer: usize = dims[..axis].iter().product();
    let mut values = vec![0.0; dims.iter().product()];
    wide(
        #[inline(always)]
        || {
            for row in 0..outer {
                let from = &padded.values[row * padded.dims[axis] * inner..(row + 1) * padded.dims[axis] * inner];
                let to = &mut values[row * dims[axis] * inner..(row + 1) * dims[axis] * inner];
                for (number, weight) in weights.iter().enumerate() {
                    for (to, from) in to.iter_mut().zip(&from[number * inner..]) {
                        *to += weight * from;
                    }
                }
            }
        },
    );
    Box { dims, values }
}

/// Offsets within an array of these extents of a box of that size.
fn offsets(size: &[usize], dims: &[usize]) -> Vec<usize> {
    let mut all = Vec::with_capacity(size.iter().product());
    each_offset(size, dims, |at| all.push(at));
    all
}

/// Visits the offsets of a box of extents `size` at the corner of an array of extents `dims`, in C order.
fn each_offset(size: &[usize], dims: &[usize], mut visit: impl FnMut(usize)) {
    fn walk(size: &[usize], dims: &[usize], at: usize, visit: &mut dyn FnMut(usize)) {
        let Some((len, inner)) = size.split_first() else { return visit(at) };
        let stride: usize = dims[1..].iter().product();
        (0..*len).for_each(|i| walk(inner, &dims[1..], at + i * stride, visit));
    }
    walk(size, dims, 0, &mut visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_ends_is_mirrored() {
        let seen: Vec<usize> = (-5..9).map(|index| reflected(index, 3)).collect();
        assert_eq!(seen, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2]);
    }

    #[test]
    fn beside_infinity_values_stay_what_they_are() {
        const FAR: f64 = f64::INFINITY;
        assert_eq!(
            [interpolated(2.0, FAR, 0.0), interpolated(2.0, FAR, 0.75), interpolated(FAR, FAR, 0.5)],
            [2.0, FAR, FAR]
        );
        assert_eq!([interpolated(-FAR, 2.0, 0.25), interpolated(-FAR, 2.0, 0.75)], [-FAR, -FAR]);
        assert!(interpolated(-FAR, FAR, 0.5).is_nan());
        assert_eq!(percentile(&mut [FAR, 1.0, 2.0], 50.0), 2.0);
    }

    #[test]
    fn windows_are_looked_at_one_by_one() {
        let padded = Box { dims: vec![5], values: vec![5.0, 1.0, 2.0, 9.0, 0.0] };
        assert_eq!(median(&padded, &[3]), [2.0, 2.0, 2.0]);
        assert_eq!(running_percentile(&padded, 0, 3, 75.0), [3.5, 5.5, 5.5]);
        assert_eq!(weighed(&padded, 0, &[1.0, 0.0, 1.0]).values, [7.0, 10.0, 2.0]);
    }
}
