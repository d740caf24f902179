//! Shapes of chunks and of buffers: how an array is cut so that both sides are read and written in large pieces, each
//! once.

use crate::format::Source;
use crate::volume::{Grid, Region, Shape};

/// Ways to cut an array.
pub struct Chunking;

impl Chunking {
    /// Chunks that are runs of consecutive voxels of an array in C order, of about so many bytes.
    pub fn runs(shape: &Shape, item: usize, num_bytes: usize) -> Shape {
        let mut cell = vec![1; shape.rank()];
        let mut taken = item;
        for (axis, &dim) in shape.dims().iter().enumerate().rev() {
            cell[axis] = (num_bytes / taken).clamp(1, dim.max(1));
            taken = taken.saturating_mul(cell[axis]);
            if cell[axis] < dim {
                break;
            }
        }
        Shape::new(&cell).unwrap_or(*shape)
    }

    /// Extent of the buffers of a conversion: each is made of whole pieces where these are small, and lies within one
    /// piece where it is not, made of whole chunks. As far as `max_bytes` allow, it holds the source's chunks whole, so
    /// that each is decoded once, and goes along the fastest axes, so that both disks are walked in order.
    pub fn buffer(source: &dyn Source, chunks: &Grid, pieces: &Grid, max_bytes: usize) -> Shape {
        let (shape, item) = (chunks.shape(), source.info().dtype.num_bytes());
        let max_voxels = max_bytes / item;
        let is_many = volume(pieces.cell().dims()) <= max_voxels;
        let (unit, bounds) = if is_many { (pieces.cell(), shape) } else { (chunks.cell(), pieces.cell()) };
        let bounds: Vec<usize> = bounds.dims().iter().zip(shape.dims()).map(|(b, dim)| *b.min(dim)).collect();
        let mut cut = Cut { unit: unit.dims(), bounds: &bounds, cell: unit.dims().to_vec(), max_voxels };
        let stored = extent_at_origin(source);
        let mut axes: Vec<usize> = (0..shape.rank()).collect();
        // Where most of a chunk would be decoded in vain comes first.
        axes.sort_by_key(|&axis| std::cmp::Reverse(stored[axis] / unit.dims()[axis]));
        for axis in axes {
            let whole = lcm(unit.dims()[axis], stored[axis]);
            let _ = cut.grow(axis, whole) || cut.grow(axis, stored[axis].next_multiple_of(unit.dims()[axis]));
        }
        for axis in (0..shape.rank()).rev() {
            if !cut.grow(axis, usize::MAX) {
                cut.multiply(axis);
                break;
            }
        }
        Shape::new(&cut.cell).unwrap_or(*unit)
    }

    /// The nearest shape to one that somebody asked for which [`Self::buffer`] could give.
    pub fn asked_buffer(asked: &Shape, chunks: &Grid, pieces: &Grid) -> Shape {
        let pairs = || asked.dims().iter().zip(pieces.cell().dims());
        let is_many = pairs().all(|(asked, piece)| asked >= piece);
        let cell: Vec<usize> = match is_many {
            true => pairs().map(|(asked, piece)| asked / piece * piece).collect(),
            false => pairs()
                .zip(chunks.cell().dims())
                .map(|((asked, piece), chunk)| if asked >= piece { *piece } else { (asked / chunk).max(1) * chunk })
                .collect(),
        };
        Shape::new(&cell).unwrap_or(*chunks.cell())
    }
}

/// A cell that grows.
struct Cut<'a> {
    unit: &'a [usize],
    bounds: &'a [usize],
    cell: Vec<usize>,
    max_voxels: usize,
}

impl Cut<'_> {
    /// Gives the cell at least this extent along an axis, or all there is, where that is not too much.
    fn grow(&mut self, axis: usize, extent: usize) -> bool {
        let whole = self.bounds[axis].next_multiple_of(self.unit[axis]);
        let former = self.cell[axis];
        self.cell[axis] = former.max(extent.min(whole));
        let fits = self.cell[axis] == former || volume(&self.cell) <= self.max_voxels;
        if !fits {
            self.cell[axis] = former;
        }
        fits
    }

    /// As many times its extent along an axis as fit.
    fn multiply(&mut self, axis: usize) {
        let times = (self.max_voxels / volume(&self.cell).max(1)).max(1);
        self.cell[axis] = self.cell[axis].saturating_mul(times);
    }
}

/// Extent of the chunk that holds the first voxel, along each axis; 1 where there is none.
pub(super) fn extent_at_origin(source: &dyn Source) -> Vec<usize> {
    let shape = source.info().shape;
    let (zeros, ones) = (vec![0; shape.rank()], vec![1; shape.rank()]);
    let mut chunks = Vec::new();
    if let Some(first) = Region::new(&zeros, &ones).and_then(|first| first.intersect(&Region::whole(&shape))) {
        source.chunks(&first, &mut chunks);
    }
    chunks.first().map_or(ones, |chunk| chunk.region.shape().dims().iter().map(|&dim| dim.max(1)).collect())
}

fn volume(dims: &[usize]) -> usize {
    dims.iter().fold(1, |volume, &dim| volume.saturating_mul(dim))
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut large, mut small) = (a, b);
    while small > 0 {
        (large, small) = (small, large % small);
    }
    (a / large.max(1)).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::DType;

    #[test]
    fn runs_are_consecutive() {
        let runs = |shape: &[usize], bytes| Chunking::runs(&Shape::new(shape).unwrap(), 2, bytes).dims().to_vec();
        assert_eq!(runs(&[5, 4, 3, 100], 600), [1, 1, 3, 100]);
        assert_eq!(runs(&[5, 4, 3, 100], 1300), [1, 2, 3, 100]);
        assert_eq!(runs(&[5, 4, 3, 100], 60), [1, 1, 1, 30]);
        assert_eq!(runs(&[5, 4, 3, 100], 1 << 20), [5, 4, 3, 100]);
        assert!(runs(&[], 10).is_empty());
        assert_eq!(runs(&[0, 3], 10), [1, 3]);
    }

    #[test]
    fn buffers_hold_whole_chunks_of_both_sides() {
        let cut = |shape: [usize; 3], stored: [usize; 3], chunk: [usize; 3], piece: [usize; 3], max: usize| {
            let bytes = vec![0; shape.iter().product()];
            let source = MemorySource::new(DType::U8, shape.into(), "zyx", &stored, bytes).unwrap();
            let grid = |cell: [usize; 3]| Grid::new(shape.into(), cell.into()).unwrap();
            let buffer = Chunking::buffer(&source, &grid(chunk), &grid(piece), max);
            let dims: [usize; 3] = buffer.dims().try_into().unwrap();
            let is_many = (0..3).all(|axis| dims[axis].is_multiple_of(piece[axis]));
            let is_within = (0..3).all(|axis| {
                dims[axis] <= piece[axis] && (dims[axis].is_multiple_of(chunk[axis]) || dims[axis] >= shape[axis])
            });
            assert!(is_many || is_within, "{dims:?}");
            dims
        };
        // Small pieces: whole planes of both sides.
        assert_eq!(cut([60, 64, 64], [6, 64, 64], [4, 32, 32], [4, 32, 32], 12 * 4096), [12, 64, 64]);
        assert_eq!(cut([60, 64, 64], [6, 64, 64], [4, 32, 32], [4, 32, 32], 30 * 4096), [24, 64, 64]);
        // No room for the common multiple: at least one of the source's chunks.
        assert_eq!(cut([60, 64, 64], [6, 64, 64], [4, 32, 32], [4, 32, 32], 11 * 4096), [8, 64, 64]);
        // One large piece, in runs.
        assert_eq!(cut([60, 64, 64], [1, 16, 64], [1, 64, 64], [60, 64, 64], 7 * 4096), [7, 64, 64]);
        assert_eq!(cut([60, 64, 64], [60, 8, 8], [1, 64, 64], [60, 64, 64], 1 << 20), [60, 64, 64]);
        // Not even a chunk fits.
        assert_eq!(cut([60, 64, 64], [1, 16, 64], [30, 64, 64], [60, 64, 64], 10), [30, 64, 64]);
    }
}
