//! A matrix in the parts in which it is packed: bands of whole lines, or parts of one line where that is long.

use std::ops::Range;

use super::along;
use crate::format::Source;
use crate::volume::Region;

/// A part of a matrix.
pub struct Band {
    /// In the axes of the array.
    pub region: Region,
    /// What it covers of the axis that is not packed: all of it, where it is of several lines.
    pub others: Range<usize>,
}

/// The bands of a matrix, whose lines lie along axis `other` and follow one another along `packed`; each takes about
/// `buffer_bytes`, and ends where chunks of the array end as far as it can.
pub fn bands(source: &dyn Source, packed: usize, other: usize, buffer_bytes: usize) -> impl Iterator<Item = Band> {
    let info = source.info();
    let dims = info.shape.dims();
    let (num_lines, len, item) = (dims[packed], dims[other], info.dtype.num_bytes());
    let most = (buffer_bytes / item).max(1);
    let lines = aligned((most / len.max(1)).clamp(1, num_lines.max(1)), extent(source, packed));
    let width = if lines > 1 || len <= most { len } else { aligned(most, extent(source, other)) };
    let whole = Region::whole(&info.shape);
    let range = |start: usize, step: usize, end: usize| start..(start + step).min(end);
    (0..num_lines).step_by(lines.max(1)).flat_map(move |line| {
        (0..len).step_by(width.max(1)).map(move |start| {
            let (lines, others) = (range(line, lines, num_lines), range(start, width, len));
            Band { region: along(&whole, [(packed, &lines), (other, &others)]), others }
        })
    })
}

/// The largest multiple of a chunk's extent that is no more; the number itself where a chunk is longer.
fn aligned(most: usize, chunk: usize) -> usize {
    if chunk == 0 || most < chunk { most } else { most / chunk * chunk }
}

/// Extent of the array's first chunk along an axis.
fn extent(source: &dyn Source, axis: usize) -> usize {
    let whole = Region::whole(&source.info().shape);
    let corner = (0..whole.rank()).fold(whole, |region, axis| region.with_axis(axis, 0, 1));
    let mut chunks = Vec::new();
    source.chunks(&corner, &mut chunks);
    chunks.first().map_or(1, |chunk| chunk.region.shape().dims()[axis])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Shape};

    #[test]
    fn bands_hold_whole_lines_or_parts_of_one() {
        let source = MemorySource::from_fn(DType::U16, Shape::from([10, 12]), "yx", &[2, 5], |_| 0u16).unwrap();
        let found = |packed, bytes| {
            let bands = bands(&source, packed, 1 - packed, bytes);
            bands.map(|band| (band.region.to_string(), band.others)).collect::<Vec<_>>()
        };
        let first = |packed, bytes| found(packed, bytes)[0].0.clone();
        assert_eq!((first(0, 2 * 12 * 5), found(0, 2 * 12 * 5).len()), ("[0:4, 0:12]".into(), 3));
        assert_eq!((first(1, 2 * 10 * 7), found(1, 2 * 10 * 7).len()), ("[0:10, 0:5]".into(), 3));
        assert_eq!(found(0, 2 * 7)[1], ("[0:1, 5:10]".into(), 5..10));
        assert_eq!(found(0, 1).len(), 120);
        assert_eq!(found(0, usize::MAX).len(), 1);
    }
}
