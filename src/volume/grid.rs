//! Arrays cut into cells, and walking their indices: the one place that counts through several axes.
//! Everything is in C order, the last axis fastest.

use std::convert::Infallible;
use std::ops::Range;

use super::region::{MAX_RANK, Region, Shape};

/// Coordinates along up to [`MAX_RANK`] axes; those beyond the rank are 0.
pub type Index = [usize; MAX_RANK];

/// An array cut into cells of one extent; the last along an axis may stick out of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    shape: Shape,
    cell: Shape,
    counts: Shape,
}

impl Grid {
    /// Cuts an array of `shape` into cells. `None` where the ranks differ or a cell has no extent.
    pub fn new(shape: Shape, cell: Shape) -> Option<Self> {
        if shape.rank() != cell.rank() || cell.dims().contains(&0) {
            return None;
        }
        let mut counts = [0; MAX_RANK];
        for (count, (dim, cell)) in counts.iter_mut().zip(shape.dims().iter().zip(cell.dims())) {
            *count = dim.div_ceil(*cell);
        }
        Some(Self { shape, cell, counts: Shape::new(&counts[..shape.rank()])? })
    }

    /// An array as a single cell.
    pub fn of_one(shape: Shape) -> Self {
        let mut cell = [1; MAX_RANK];
        for (cell, &dim) in cell.iter_mut().zip(shape.dims()) {
            *cell = dim.max(1);
        }
        let counts = [1; MAX_RANK];
        let of_rank = |dims: &[usize]| Shape::new(&dims[..shape.rank()]).unwrap_or(shape);
        Self { shape, cell: of_rank(&cell), counts: of_rank(&counts) }
    }

    /// Extent of the array.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Extent of a cell.
    pub fn cell(&self) -> &Shape {
        &self.cell
    }

    /// Cells along each axis.
    pub fn counts(&self) -> &Shape {
        &self.counts
    }

    /// Number of cells, saturating.
    pub fn num_cells(&self) -> u64 {
        self.counts.dims().iter().fold(1, |n, &count| u64::saturating_mul(n, count as u64))
    }

    /// The box of the cell at these coordinates, which may stick out of the array.
    pub fn whole_cell(&self, at: &[usize]) -> Region {
        let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, &cell) in self.cell.dims().iter().enumerate() {
            start[axis] = at[axis].saturating_mul(cell);
            stop[axis] = start[axis].saturating_add(cell);
        }
        Region::ordered(self.cell.rank(), start, stop)
    }

    /// The cell at a position in C order, cut at the end of the array; `None` beyond the last.
    pub fn cell_at(&self, position: u64) -> Option<Region> {
        if position >= self.num_cells() {
            return None;
        }
        self.whole_cell(&unravel(position, self.counts.dims())).intersect(&Region::whole(&self.shape))
    }

    /// Visits the cells that touch a box, in C order. What of `region` lies outside the array is ignored.
    pub fn each(&self, region: &Region, mut visit: impl FnMut(&Cell)) {
        let Ok(()) = self.try_each(region, |cell| {
            visit(cell);
            Ok::<_, Infallible>(())
        });
    }

    /// The same until a visit fails.
    ///
    /// # Errors
    /// The visit's.
    pub fn try_each<E>(&self, region: &Region, mut visit: impl FnMut(&Cell) -> Result<(), E>) -> Result<(), E> {
        let Some(inside) = region.intersect(&Region::whole(&self.shape)) else { return Ok(()) };
        let rank = self.shape.rank();
        let (mut first, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, cell) in self.cell.dims().iter().enumerate() {
            first[axis] = inside.start()[axis] / cell;
            stop[axis] = inside.stop()[axis].div_ceil(*cell);
        }
        // Boxes are large: a plan of ten thousand cells is mostly copying them, so one is changed in place.
        let mut cell = Cell { position: self.position(&first), at: first, region: Region::whole(&self.shape) };
        for (axis, &at) in first.iter().enumerate().take(rank) {
            self.put(&mut cell.region, axis, at);
        }
        loop {
            visit(&cell)?;
            let mut axis = rank;
            let mut step = 1;
            loop {
                if axis == 0 {
                    return Ok(());
                }
                axis -= 1;
                if cell.at[axis] + 1 < stop[axis] {
                    cell.at[axis] += 1;
                    cell.position = cell.position.wrapping_add(step);
                    self.put(&mut cell.region, axis, cell.at[axis]);
                    break;
                }
                let back = ((cell.at[axis] - first[axis]) as u64).wrapping_mul(step);
                cell.position = cell.position.wrapping_sub(back);
                cell.at[axis] = first[axis];
                self.put(&mut cell.region, axis, first[axis]);
                step = step.saturating_mul(self.counts.dims()[axis] as u64);
            }
        }
    }

    /// Moves a box along an axis to a cell.
    fn put(&self, region: &mut Region, axis: usize, at: usize) {
        let start = at * self.cell.dims()[axis];
        let stop = start.saturating_add(self.cell.dims()[axis]).min(self.shape.dims()[axis]);
        region.set_axis(axis, start, stop);
    }

    /// Position in C order of the cell at these coordinates, saturating.
    pub fn position(&self, at: &[usize]) -> u64 {
        self.counts
            .dims()
            .iter()
            .zip(at)
            .fold(0, |position: u64, (&count, &at)| position.saturating_mul(count as u64).saturating_add(at as u64))
    }
}

/// Positions that stay what they are while an array grows along one axis: that one is counted slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The axis.
    pub slowest: usize,
}

impl Order {
    /// Position of a cell of a grid with so many.
    pub fn position(self, at: &[usize], counts: &[usize]) -> u64 {
        let first = at[self.slowest] as u64;
        let others = (0..counts.len()).filter(|&axis| axis != self.slowest);
        others.fold(first, |position, axis| position * counts[axis] as u64 + at[axis] as u64)
    }

    /// The cell of a position.
    pub fn cell(self, position: u64, counts: &[usize]) -> Index {
        let axes = || std::iter::once(self.slowest).chain((0..counts.len()).filter(|&axis| axis != self.slowest));
        let turned: Vec<usize> = axes().map(|axis| counts[axis]).collect();
        let (found, mut at) = (unravel(position, &turned), [0; MAX_RANK]);
        axes().zip(found).for_each(|(axis, number)| at[axis] = number);
        at
    }

    /// Cells of each number along that axis.
    pub fn num_in_row(self, counts: &[usize]) -> u64 {
        let others = counts.iter().enumerate().filter(|(axis, _)| *axis != self.slowest);
        others.fold(1, |num: u64, (_, &count)| num.saturating_mul(count as u64))
    }

    /// The box that holds the cells of these positions: as far as they go along that axis, and all of the others. Empty
    /// beyond the array.
    pub fn rows_of(self, grid: &Grid, positions: &Range<u64>) -> Region {
        let in_row = self.num_in_row(grid.counts.dims()).max(1);
        let (step, len) = (grid.cell.dims()[self.slowest], grid.shape.dims()[self.slowest]);
        let edge = |row: u64| usize::try_from(row).unwrap_or(usize::MAX).saturating_mul(step).min(len);
        let (start, stop) = (edge(positions.start / in_row), edge(positions.end.div_ceil(in_row)));
        Region::whole(&grid.shape).with_axis(self.slowest, start.min(stop), stop)
    }
}

/// One cell of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Position in C order.
    pub position: u64,
    /// Position along each axis.
    pub at: Index,
    /// What of the array it holds.
    pub region: Region,
}

/// Every index of a box in C order, see [`Region::indices`].
#[derive(Clone, Debug)]
pub struct Indices {
    region: Region,
    next: Option<Index>,
}

impl Iterator for Indices {
    type Item = Index;

    fn next(&mut self) -> Option<Index> {
        let at = self.next?;
        let (start, stop) = (self.region.start(), self.region.stop());
        self.next = (0..start.len()).rev().find(|&axis| at[axis] + 1 < stop[axis]).map(|axis| {
            let mut next = at;
            next[axis] += 1;
            next[axis + 1..start.len()].copy_from_slice(&start[axis + 1..]);
            next
        });
        Some(at)
    }
}

impl Region {
    /// Every index of the box in C order; one for a box without axes, which is a single voxel.
    pub fn indices(&self) -> Indices {
        let mut first = [0; MAX_RANK];
        first[..self.rank()].copy_from_slice(self.start());
        Indices { region: *self, next: (!self.is_empty()).then_some(first) }
    }
}

/// The coordinates of a position in C order; what lies beyond the last one counts on along the slowest axis.
pub fn unravel(position: u64, dims: &[usize]) -> Index {
    let (mut rest, mut at) = (position, [0; MAX_RANK]);
    for (axis, &dim) in dims.iter().enumerate().skip(1).rev() {
        at[axis] = (rest % dim.max(1) as u64) as usize;
        rest /= dim.max(1) as u64;
    }
    if let Some(slowest) = at.first_mut().filter(|_| !dims.is_empty()) {
        *slowest = usize::try_from(rest).unwrap_or(usize::MAX);
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_stay_while_an_array_grows() {
        for slowest in 0..3 {
            let order = Order { slowest };
            let small = [2, 3, 4];
            let mut large = small;
            large[slowest] += 2;
            let mut known = std::collections::BTreeSet::new();
            for position in 0..24 {
                let at = order.cell(position, &small);
                assert!(known.insert(at) && at.iter().zip(small).all(|(at, count)| *at < count));
                assert_eq!(order.position(&at, &small), position);
                assert_eq!(order.position(&at, &large), position, "{slowest}");
                assert_eq!(position / order.num_in_row(&small), at[slowest] as u64);
            }
        }
    }

    proptest! {
        /// Against going through every voxel of the array and asking which cell it is in.
        #[test]
        fn cells_are_those_that_hold_a_voxel_of_the_box(
            axes in prop::collection::vec((0usize..7, 1usize..4, 0usize..8, 0usize..8), 1..4),
        ) {
            let shape = Shape::new(&axes.iter().map(|axis| axis.0).collect::<Vec<_>>()).expect("of small rank");
            let cell = Shape::new(&axes.iter().map(|axis| axis.1).collect::<Vec<_>>()).expect("of small rank");
            let start: Vec<_> = axes.iter().map(|axis| axis.2.min(axis.3)).collect();
            let stop: Vec<_> = axes.iter().map(|axis| axis.2.max(axis.3)).collect();
            let region = Region::new(&start, &stop).expect("ordered");
            let grid = Grid::new(shape, cell).expect("cells have an extent");
            let mut expected = std::collections::BTreeMap::new();
            for voxel in Region::whole(&shape).indices() {
                if region.contains(&voxel[..shape.rank()]) {
                    let at: Vec<_> = voxel.iter().zip(cell.dims()).map(|(i, cell)| i / cell).collect();
                    let position = at.iter().zip(grid.counts().dims()).fold(0, |n, (i, count)| n * count + i);
                    expected.insert(position as u64, grid.whole_cell(&at).intersect(&Region::whole(&shape)));
                }
            }
            let mut cells = Vec::new();
            grid.each(&region, |cell| cells.push(*cell));
            let found: Vec<_> = cells.iter().map(|cell| (cell.position, Some(cell.region))).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            for cell in cells {
                prop_assert_eq!(grid.cell_at(cell.position), Some(cell.region));
                prop_assert_eq!(unravel(cell.position, grid.counts().dims()), cell.at);
                prop_assert_eq!(grid.position(&cell.at), cell.position);
            }
            prop_assert_eq!(grid.cell_at(grid.num_cells()), None);
        }

        #[test]
        fn indices_go_through_a_box_in_order(bounds in prop::collection::vec((0usize..4, 0usize..4), 0..5)) {
            let start: Vec<_> = bounds.iter().map(|(a, b)| *a.min(b)).collect();
            let stop: Vec<_> = bounds.iter().map(|(a, b)| *a.max(b)).collect();
            let region = Region::new(&start, &stop).expect("ordered");
            let all: Vec<_> = region.indices().collect();
            prop_assert_eq!(Some(all.len()), region.shape().num_voxels());
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(all.iter().all(|index| region.contains(&index[..region.rank()])));
        }
    }
}
