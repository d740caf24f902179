//! The chunks of a virtual dataset: cut where its mappings begin and end, and between these as its sources are
//! chunked, so that a chunk is a chunk of one source wherever that can be. Which place a number stands for depends
//! on the mappings alone, and not on how far the dataset reaches.

use std::ops::Range;

use super::axis_set::AxisSet;
use super::selection::Selection;
use super::table::Table;
use crate::format::Chunk;
use crate::volume::{Index, MAX_RANK, Region, Shape};

/// More cuts along an axis than this are made only where they lie as far apart as chunks.
const MAX_CUTS: usize = 1000;

/// Where one axis is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Axis {
    segments: Vec<Segment>,
}

/// From `start` on, periods that are cut into steps; the last step of a period may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    start: usize,
    period: usize,
    step: usize,
    /// Cells before it.
    first: usize,
}

/// Where all axes are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cuts {
    axes: Vec<Axis>,
    /// The axis whose cells are counted last, so that numbers stay when the dataset grows along it.
    slowest: usize,
}

impl Segment {
    fn per_period(&self) -> usize {
        self.period.div_ceil(self.step)
    }

    fn cell_of(&self, index: usize) -> usize {
        let beyond = index - self.start;
        self.first + beyond / self.period * self.per_period() + beyond % self.period / self.step
    }

    /// Start and end of a cell, but for what follows the segment.
    fn range_of(&self, cell: usize) -> [usize; 2] {
        let number = cell - self.first;
        let (period, step) = (number / self.per_period(), number % self.per_period());
        let start = self.start.saturating_add(period.saturating_mul(self.period));
        let end = start.saturating_add(self.period);
        let from = start.saturating_add(step.saturating_mul(self.step));
        [from, from.saturating_add(self.step).min(end)]
    }
}

impl Axis {
    /// Cuts at these indices, and between them in steps.
    fn new(mut cuts: Vec<usize>, period: usize, step: usize) -> Self {
        let (step, period) = (step.max(1), period.max(1));
        cuts.push(0);
        cuts.sort_unstable();
        cuts.dedup();
        let span = cuts.last().map_or(0, |last| last - cuts[0]);
        if cuts.len() > MAX_CUTS && span / cuts.len() < step.min(period) / 2 {
            cuts.truncate(1);
        }
        let mut segments: Vec<Segment> = Vec::with_capacity(cuts.len());
        for start in cuts {
            let first = segments.last().map_or(0, |before| before.cell_of(start - 1) + 1);
            segments.push(Segment { start, period, step: step.min(period), first });
        }
        Self { segments }
    }

    fn cell_of(&self, index: usize) -> usize {
        let after = self.segments.partition_point(|segment| segment.start <= index);
        self.segments[after.max(1) - 1].cell_of(index)
    }

    fn range_of(&self, cell: usize, len: usize) -> [usize; 2] {
        let after = self.segments.partition_point(|segment| segment.first <= cell).max(1);
        let [start, stop] = self.segments[after - 1].range_of(cell);
        let end = self.segments.get(after).map_or(len, |next| next.start.min(len));
        [start.min(end), stop.min(end)]
    }

    fn num_cells(&self, len: usize) -> usize {
        len.checked_sub(1).map_or(0, |last| self.cell_of(last) + 1)
    }
}

impl Cuts {
    /// Cuts an array as its mappings say, with parts of this extent between.
    pub fn new(table: &Table, parts: &Shape, slowest: usize) -> Self {
        let rank = parts.rank();
        let mut cuts: Vec<Vec<usize>> = vec![Vec::new(); rank];
        // Along each axis the largest length of which all blocks that lie apart are multiples.
        let mut units = [0usize; MAX_RANK];
        for part in &table.parts {
            for (axis, cuts) in cuts.iter_mut().enumerate() {
                cuts.extend([part.bounds.start()[axis], part.bounds.stop()[axis]]);
            }
            let Selection::Product(axes) = &part.selection else { continue };
            for (unit, set) in units.iter_mut().zip(axes) {
                match set {
                    AxisSet::Blocks { stride, block, .. } if *stride > 1 => {
                        *unit = common_divisor(*unit, common_divisor(*stride, *block));
                    }
                    AxisSet::Runs(runs) => {
                        *unit = runs.windows(2).fold(*unit, |unit, pair| common_divisor(unit, pair[1][1] - pair[0][1]));
                    }
                    AxisSet::Blocks { .. } => {}
                }
            }
        }
        for family in &table.families {
            let [block, stride] = family.steps();
            units[family.axis] = common_divisor(units[family.axis], common_divisor(block, stride));
            cuts[family.axis].push(family.start_of(0));
        }
        for part in table.parts.iter().filter_map(|part| part.of_source.as_ref().map(|of_source| (part, of_source))) {
            align(part.0, part.1, parts, &mut cuts);
        }
        let axis = |(axis, mut cuts): (usize, Vec<usize>)| {
            cuts.retain(|&cut| cut != usize::MAX);
            let period = if units[axis] == 0 { usize::MAX } else { units[axis] };
            Axis::new(cuts, period, parts.dims()[axis])
        };
        Self { axes: cuts.into_iter().enumerate().map(axis).collect(), slowest: slowest.min(rank.saturating_sub(1)) }
    }

    /// Axes in the order in which cells are counted, the slowest first.
    fn order(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let slowest = self.slowest;
        std::iter::once(slowest).chain((0..self.axes.len()).filter(move |&axis| axis != slowest))
    }

    /// Visits the cells that touch a region of an array of this extent.
    pub fn each(&self, shape: &Shape, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        let Some(inside) = region.intersect(&Region::whole(shape)) else { return };
        let rank = shape.rank();
        let (mut first, mut stop, mut counts) = ([0; MAX_RANK], [0; MAX_RANK], [0; MAX_RANK]);
        for axis in 0..rank {
            first[axis] = self.axes[axis].cell_of(inside.start()[axis]);
            stop[axis] = self.axes[axis].cell_of(inside.stop()[axis] - 1) + 1;
            counts[axis] = self.axes[axis].num_cells(shape.dims()[axis]);
        }
        let Some(cells) = Region::new(&first[..rank], &stop[..rank]) else { return };
        for cell in cells.indices() {
            let index = self
                .order()
                .fold(0u64, |index, axis| index.saturating_mul(counts[axis] as u64).saturating_add(cell[axis] as u64));
            if let Some(region) = self.region_at(shape, &cell) {
                visit(&Chunk { index, region });
            }
        }
    }

    fn region_at(&self, shape: &Shape, cell: &Index) -> Option<Region> {
        let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, cuts) in self.axes.iter().enumerate() {
            [start[axis], stop[axis]] = cuts.range_of(cell[axis], shape.dims()[axis]);
        }
        Region::new(&start[..shape.rank()], &stop[..shape.rank()])
    }

    /// Cells that lie side by side at one place of the slowest axis.
    fn per_row(&self, shape: &Shape) -> u64 {
        let others = (0..self.axes.len()).filter(|&axis| axis != self.slowest);
        others.fold(1, |n: u64, axis| n.saturating_mul(self.axes[axis].num_cells(shape.dims()[axis]) as u64)).max(1)
    }

    /// The numbers of all cells that touch a range of the slowest axis, and perhaps of others.
    pub fn numbers(&self, shape: &Shape, range: [usize; 2]) -> Range<u64> {
        let len = shape.dims().get(self.slowest).copied().unwrap_or(0);
        let (from, to) = (range[0], range[1].min(len));
        if from >= to {
            return 0..0;
        }
        let (axis, per_row) = (&self.axes[self.slowest], self.per_row(shape));
        let number = |cell: usize| (cell as u64).saturating_mul(per_row);
        number(axis.cell_of(from))..number(axis.cell_of(to - 1) + 1)
    }

    /// A box that holds the cells of these numbers.
    pub fn region_of(&self, shape: &Shape, numbers: &Range<u64>) -> Region {
        let whole = Region::whole(shape);
        let len = shape.dims().get(self.slowest).copied().unwrap_or(0);
        let per_row = self.per_row(shape);
        let num_rows = self.axes.get(self.slowest).map_or(0, |axis| axis.num_cells(len)) as u64;
        let (first, last) = (numbers.start / per_row, numbers.end.saturating_sub(1) / per_row);
        if numbers.is_empty() || first >= num_rows {
            return whole.with_axis(self.slowest, 0, 0);
        }
        let row = |number: u64| self.axes[self.slowest].range_of(number as usize, len);
        whole.with_axis(self.slowest, row(first)[0], row(last.min(num_rows - 1))[1])
    }
}

/// Where a mapping begins in the middle of a source's chunk, the next chunk begins earlier.
fn align(part: &super::table::Part, of_source: &Selection, parts: &Shape, cuts: &mut [Vec<usize>]) {
    let (Selection::Product(left), Selection::Product(right)) = (&part.selection, of_source) else { return };
    let several = |axes: &[AxisSet]| (0..axes.len()).filter(|&i| axes[i].len() != 1).collect::<Vec<_>>();
    let (of_part, of_source) = (several(left), several(right));
    if of_part.len() != of_source.len() {
        return;
    }
    for (axis, other) in of_part.into_iter().zip(of_source) {
        let step = parts.dims()[axis].max(1);
        if let (Some(start), Some(begins)) = (left[axis].first(), right[other].first())
            && left[axis].is_run(0, left[axis].len().clamp(1, usize::MAX - 1))
            && !begins.is_multiple_of(step)
        {
            let next = start.saturating_add(step - begins % step);
            if next < part.bounds.stop()[axis] {
                cuts[axis].push(next);
            }
        }
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Cells follow one another without a gap, and those of a shorter array are those of a longer one.
        #[test]
        fn cells_are_counted_without_a_gap(
            cuts in prop::collection::vec(0usize..40, 0..5), period in 1usize..9, step in 1usize..7,
            is_endless in any::<bool>(), len in 1usize..60,
        ) {
            let axis = Axis::new(cuts, if is_endless { usize::MAX } else { period }, step);
            let mut end = 0;
            for cell in 0..axis.num_cells(len) {
                let [start, stop] = axis.range_of(cell, len);
                prop_assert!(start == end && start < stop && stop - start <= step, "{axis:?} {cell}: {start}..{stop}");
                (start..stop).for_each(|index| assert_eq!(axis.cell_of(index), cell));
                prop_assert_eq!(axis.range_of(cell, len + 7)[0], start);
                end = stop;
            }
            prop_assert_eq!(end, len);
        }
    }

    #[test]
    fn thousands_of_cuts_that_lie_close_are_none() {
        let staggered = Axis::new((0..5000).map(|i| i * 3).collect(), usize::MAX, 512);
        assert_eq!(staggered.num_cells(15_000), 30);
        let files = Axis::new((0..5000).map(|i| i * 100).collect(), usize::MAX, 30);
        assert_eq!(files.num_cells(500_000), 5000 * 4);
    }
}
