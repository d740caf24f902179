//! Copying boxes between arrays: the runs of consecutive voxels that both hold.

use super::region::{MAX_RANK, Region, Shape};

/// The runs of consecutive bytes that make up a box in two arrays that both hold it, in C order.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Bytes of each run.
    pub num_bytes: usize,
    /// Axes that are walked, the others make the run.
    num_outer: usize,
    counts: Shape,
    strides: [[usize; MAX_RANK]; 2],
    at: [usize; MAX_RANK],
    next: Option<[usize; 2]>,
}

/// The runs of `part` in two arrays that hold the voxels of `first` and of `second`, in C order of `item`
/// bytes a voxel. What of `part` one of them does not hold is left out. Each run comes as its offset in
/// bytes in either array.
pub fn runs(part: &Region, first: &Region, second: &Region, item: usize) -> Runs {
    let part = part.intersect(first).and_then(|part| part.intersect(second));
    let rank = first.rank();
    let shapes = [first.shape(), second.shape()];
    let counts = part.map_or(Shape::from([]), |part| part.shape());
    // Trailing axes that both arrays hold whole are one run.
    let mut num_outer = counts.rank();
    let mut num_bytes = item;
    while num_outer > 0 {
        num_outer -= 1;
        let len = counts.dims()[num_outer];
        num_bytes *= len;
        if shapes.iter().any(|shape| shape.dims()[num_outer] != len) {
            break;
        }
    }
    let strides = shapes.map(|shape| {
        let mut strides = [0; MAX_RANK];
        let mut stride = item;
        for axis in (0..rank).rev() {
            strides[axis] = stride;
            // Saturating: an array larger than memory is never walked along its slow axes.
            stride = stride.saturating_mul(shape.dims()[axis]);
        }
        strides
    });
    let offset = |part: &Region, array: &Region, strides: &[usize; MAX_RANK]| {
        (0..rank).map(|axis| (part.start()[axis] - array.start()[axis]) * strides[axis]).sum()
    };
    let next = part.map(|part| [offset(&part, first, &strides[0]), offset(&part, second, &strides[1])]);
    Runs { num_bytes, num_outer, counts, strides, at: [0; MAX_RANK], next }
}

impl Iterator for Runs {
    /// Offset in bytes in the first and in the second array.
    type Item = [usize; 2];

    fn next(&mut self) -> Option<[usize; 2]> {
        let found = self.next?;
        let mut offsets = found;
        self.next = None;
        for axis in (0..self.num_outer).rev() {
            self.at[axis] += 1;
            if self.at[axis] < self.counts.dims()[axis] {
                self.next = Some([offsets[0] + self.strides[0][axis], offsets[1] + self.strides[1][axis]]);
                break;
            }
            let back = self.at[axis] - 1;
            offsets = [offsets[0] - back * self.strides[0][axis], offsets[1] - back * self.strides[1][axis]];
            self.at[axis] = 0;
        }
        Some(found)
    }
}

/// Copies the voxels that two arrays share from one to the other. `source` holds the voxels of
/// `source_region`, `target` those of `target_region`, both in C order of `item` bytes a voxel; both
/// regions are in the coordinates of one larger array. Returns what was copied, `None` if nothing.
///
/// # Panics
/// If a slice is shorter than its region: a caller's mistake, not bad input.
pub fn copy_region(
    source: &[u8],
    source_region: &Region,
    target: &mut [u8],
    target_region: &Region,
    item: usize,
) -> Option<Region> {
    let common = source_region.intersect(target_region)?;
    let runs = runs(&common, source_region, target_region, item);
    let len = runs.num_bytes;
    for [from, to] in runs {
        target[to..to + len].copy_from_slice(&source[from..from + len]);
    }
    Some(common)
}

/// Copies an array of this extent, in C order of `item` bytes a voxel, with its axes in the opposite order: what lay
/// by row lies by column, and what lay by column by row.
///
/// # Panics
/// If a slice is shorter than the array: a caller's mistake, not bad input.
pub fn reverse_axes(source: &[u8], dims: &[usize], target: &mut [u8], item: usize) {
    // Of every axis, the distance of neighbours where they go: the first becomes the fastest.
    let mut strides = [0; MAX_RANK];
    let mut stride = item;
    for (axis, &dim) in dims.iter().enumerate() {
        strides[axis] = stride;
        stride *= dim;
    }
    let mut at = [0usize; MAX_RANK];
    let mut to = 0;
    for voxel in source.chunks_exact(item) {
        target[to..to + item].copy_from_slice(voxel);
        for axis in (0..dims.len()).rev() {
            at[axis] += 1;
            to += strides[axis];
            if at[axis] < dims[axis] {
                break;
            }
            to -= strides[axis] * dims[axis];
            at[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxes(rank: usize) -> impl Strategy<Value = Region> {
        prop::collection::vec((0usize..6, 0usize..6), rank).prop_map(|pairs| {
            let start: Vec<_> = pairs.iter().map(|&(a, b)| a.min(b)).collect();
            let stop: Vec<_> = pairs.iter().map(|&(a, b)| a.max(b)).collect();
            Region::new(&start, &stop).expect("ordered by construction")
        })
    }

    #[test]
    fn columns_become_rows() {
        let mut rows = [0; 12];
        reverse_axes(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], &[3, 2], &mut rows, 2);
        assert_eq!(rows, [0, 0, 2, 2, 4, 4, 1, 1, 3, 3, 5, 5]);
        let mut rows = [0; 8];
        reverse_axes(&[0, 1, 2, 3, 4, 5, 6, 7], &[2, 2, 2], &mut rows, 1);
        assert_eq!(rows, [0, 4, 2, 6, 1, 5, 3, 7]);
    }

    #[test]
    fn every_voxel_goes_to_the_mirrored_place() {
        let from: Vec<u8> = (0..24u16).flat_map(u16::to_le_bytes).collect();
        let mut to = vec![0; from.len()];
        reverse_axes(&from, &[2, 3, 4], &mut to, 2);
        for (i, j, k) in (0..24).map(|n| (n / 12, n / 4 % 3, n % 4)) {
            let (a, b) = (((i * 3 + j) * 4 + k) * 2, ((k * 3 + j) * 2 + i) * 2);
            assert_eq!(from[a..a + 2], to[b..b + 2]);
        }
    }
    proptest! {
        #[test]
        fn copying_equals_voxel_by_voxel((a, b) in (1usize..5).prop_flat_map(|rank| (boxes(rank), boxes(rank)))) {
            let source: Vec<u16> = (1..=a.indices().count() as u16).collect();
            let mut target = vec![0u16; b.indices().count()];
            let mut expected = target.clone();
            for (i, index) in b.indices().enumerate() {
                if a.contains(&index[..a.rank()]) {
                    let local: Vec<_> = index.iter().zip(a.start()).map(|(i, o)| i - o).collect();
                    expected[i] = source[a.shape().offset(&local).expect("inside")];
                }
            }
            let common = copy_region(
                bytemuck::cast_slice(&source), &a, bytemuck::cast_slice_mut(&mut target), &b, 2,
            );
            prop_assert_eq!(target, expected);
            prop_assert_eq!(common, a.intersect(&b));
        }
    }
}
