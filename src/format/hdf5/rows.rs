//! Where the voxels of a box lie in the bytes of a larger one: pure arithmetic.

use std::ops::Range;

use crate::format::{Filled, ReadError};
use crate::volume::{MAX_RANK, Region, runs};

/// Bytes of the box `whole` between the first and the last voxel of `part`.
pub(in crate::format) fn span(whole: &Region, part: &Region, item: usize) -> Range<usize> {
    let offset = |corner: &[usize]| {
        let mut offset = 0usize;
        for (axis, &dim) in whole.shape().dims().iter().enumerate() {
            offset = offset * dim + (corner[axis] - whole.start()[axis]);
        }
        offset * item
    };
    let mut last = [0; MAX_RANK];
    for (last, stop) in last.iter_mut().zip(part.stop()) {
        *last = stop - 1;
    }
    offset(part.start())..offset(&last) + item
}

/// How `part` of the box `whole` falls into runs of consecutive bytes.
pub(in crate::format) struct Rows {
    pub num_rows: usize,
    /// Largest number of bytes between two runs.
    pub gap: usize,
}

impl Rows {
    pub fn new(whole: &Region, part: &Region, item: usize) -> Self {
        let (outer, inner) = (whole.shape(), part.shape());
        let mut rows = Self { num_rows: 1, gap: 0 };
        let mut is_broken = false;
        let mut stride = item;
        for axis in (0..part.rank()).rev() {
            let (dim, count) = (outer.dims()[axis], inner.dims()[axis]);
            if is_broken {
                rows.num_rows = rows.num_rows.saturating_mul(count);
            }
            if count < dim {
                is_broken = true;
                rows.gap = rows.gap.saturating_add((dim - count).saturating_mul(stride));
            }
            stride = stride.saturating_mul(dim);
        }
        rows
    }
}

/// The slice of `buffer` (which holds `region`) that holds `part`, where that is one piece.
pub(in crate::format) fn place<'b>(
    buffer: &'b mut [u8],
    region: &Region,
    part: &Region,
    item: usize,
) -> Option<&'b mut [u8]> {
    if region.intersect(part)? != *part || Rows::new(region, part, item).num_rows != 1 {
        return None;
    }
    buffer.get_mut(span(region, part, item))
}

/// Zeroes `part` in the buffer of `region`: bytes of an earlier use must not pass for data.
pub(in crate::format) fn zero(buffer: &mut [u8], region: &Region, part: &Region, item: usize) {
    let runs = runs(part, region, region, item);
    let len = runs.num_bytes;
    for [at, _] in runs {
        buffer[at..at + len].fill(0);
    }
}

/// Voxels in disjoint regions.
fn covered<'a>(regions: impl IntoIterator<Item = &'a Region>) -> usize {
    regions.into_iter().map(|region| region.shape().num_voxels().unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
}

/// The outcome of reading `region` of which these disjoint parts are missing.
pub(in crate::format) fn filled(region: &Region, missing: Vec<(Region, ReadError)>) -> Result<Filled, ReadError> {
    let Some((_, error)) = missing.first() else { return Ok(Filled::All) };
    let error = error.clone();
    let regions: Vec<_> = missing.into_iter().map(|(region, _)| region).collect();
    if is_all(region, &regions) { Err(error) } else { Ok(Filled::Except(regions, error)) }
}

/// Whether nothing of `region` lies outside these disjoint parts of it.
pub(super) fn is_all(region: &Region, parts: &[Region]) -> bool {
    covered(parts) == covered([region])
}

/// Any byte but zero is true.
pub(in crate::format) fn normalize_bools(buffer: &mut [u8]) {
    buffer.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
}

/// Puts one value at every place of `part` in the buffer of `region`.
pub(in crate::format) fn fill_with(buffer: &mut [u8], region: &Region, part: &Region, value: &[u8]) {
    let runs = runs(part, region, region, value.len());
    let len = runs.num_bytes;
    for [at, _] in runs {
        buffer[at..at + len].chunks_exact_mut(value.len()).for_each(|voxel| voxel.copy_from_slice(value));
    }
}
