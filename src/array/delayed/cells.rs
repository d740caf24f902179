//! How a computed array is cut into chunks: along each axis where the chunks of its input begin.

use std::ops::Range;
use std::sync::Arc;

use crate::format::{Chunk, Source};
use crate::volume::{MAX_RANK, Order, Region, Shape};

/// Cells between edges on each axis.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    shape: Shape,
    /// For each axis where cells begin, and the extent at the end; only a 0 where there is none.
    edges: Vec<Arc<[usize]>>,
    counts: Shape,
    order: Order,
}

impl Cells {
    /// `edges` as described there; positions are counted slowest along axis `slowest`, and stay what they are when
    /// the array grows along it.
    pub fn new(edges: Vec<Arc<[usize]>>, slowest: usize) -> Option<Self> {
        let extents: Vec<usize> = edges.iter().map(|edges| edges.last().copied().unwrap_or(0)).collect();
        let counts: Vec<usize> = edges.iter().map(|edges| edges.len().saturating_sub(1)).collect();
        let order = Order { slowest: if slowest < edges.len() { slowest } else { 0 } };
        Some(Self { shape: Shape::new(&extents)?, counts: Shape::new(&counts)?, edges, order })
    }

    /// One cell along an axis of this extent.
    pub fn undivided(extent: usize) -> Arc<[usize]> {
        if extent == 0 { Arc::from([0]) } else { Arc::from([0, extent]) }
    }

    /// Visits the cells that touch a box.
    pub fn each(&self, region: &Region, mut visit: impl FnMut(&Chunk)) {
        let rank = self.shape.rank();
        let Some(inside) = region.intersect(&Region::whole(&self.shape)) else { return };
        let (mut first, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for axis in 0..rank {
            let edges = &self.edges[axis];
            first[axis] = edges.partition_point(|&edge| edge <= inside.start()[axis]) - 1;
            stop[axis] = edges.partition_point(|&edge| edge < inside.stop()[axis]);
        }
        let Some(box_of_cells) = Region::new(&first[..rank], &stop[..rank]) else { return };
        for at in box_of_cells.indices() {
            let mut region = inside;
            for (axis, (edges, &at)) in self.edges.iter().zip(&at).enumerate() {
                region = region.with_axis(axis, edges[at], edges[at + 1]);
            }
            visit(&Chunk { index: self.order.position(&at, self.counts.dims()), region });
        }
    }

    /// A box that holds the cells of these positions.
    pub fn region_of(&self, positions: &Range<u64>) -> Region {
        let whole = Region::whole(&self.shape);
        let Some(edges) = self.edges.get(self.order.slowest) else { return whole };
        let in_row = self.order.num_in_row(self.counts.dims()).max(1);
        let edge = |row: u64| {
            let last = edges.len() - 1;
            edges[usize::try_from(row).map_or(last, |row| row.min(last))]
        };
        whole.with_axis(self.order.slowest, edge(positions.start / in_row), edge(positions.end.div_ceil(in_row)))
    }
}

/// Where the chunks of a source begin along an axis, and its extent at the end, as the first line along it shows.
pub(super) fn edges_of(source: &dyn Source, axis: usize) -> Vec<usize> {
    let shape = source.info().shape;
    let mut line = Region::whole(&shape);
    for other in (0..shape.rank()).filter(|&other| other != axis) {
        line = line.with_axis(other, 0, 1.min(shape.dims()[other]));
    }
    let mut edges = vec![0, shape.dims()[axis]];
    source.each_chunk(&line, &mut |chunk| edges.push(chunk.region.start()[axis]));
    edges.sort_unstable();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_between_edges() {
        let cells = Cells::new(vec![Arc::from([0, 2, 3, 7]), Arc::from([0, 5])], 1).expect("of rank 2");
        let mut found = Vec::new();
        cells.each(&Region::new(&[2, 1], &[9, 2]).expect("a box"), |chunk| found.push(*chunk));
        let boxes: Vec<Region> = found.iter().map(|chunk| chunk.region).collect();
        let wanted = [[2, 3], [3, 7]].map(|[a, b]| Region::new(&[a, 0], &[b, 5]).expect("a box"));
        assert_eq!(boxes, wanted);
        assert_eq!(found[1].index, 2, "there is one row");
        assert_eq!(cells.region_of(&(0..1)), Region::new(&[0, 0], &[7, 5]).expect("a box"));
        let point = Cells::new(Vec::new(), 0).expect("without axes");
        let mut num = 0;
        point.each(&Region::whole(&Shape::from([])), |_| num += 1);
        assert_eq!((num, point.region_of(&(0..1)).rank()), (1, 0));
    }
}
