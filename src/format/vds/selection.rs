//! Which voxels of an array a mapping picks, and in which order they are counted.

use super::axis_set::AxisSet;
use crate::format::hdf5::Picked;
use crate::volume::{Index, MAX_RANK, Region, Shape};

/// Voxels of an array, counted in C order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// Every combination of indices picked on each axis.
    Product(Vec<AxisSet>),
    /// Boxes that have no voxel in common and are no such product.
    Boxes(Boxes),
}

/// See [`Selection::Boxes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boxes {
    /// Those that begin first along the slowest axis in front.
    regions: Vec<Region>,
    num_voxels: usize,
    /// Boxes that have an index of the slowest axis in common, and those between: of another group they have none,
    /// so that only one has to be looked through.
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    /// The first of its boxes, and one past the last.
    boxes: [usize; 2],
    /// Its indices along the slowest axis.
    rows: [usize; 2],
    /// Voxels of the groups before.
    first: usize,
}

impl Boxes {
    fn new(mut regions: Vec<Region>, num_voxels: usize) -> Self {
        regions.sort_unstable_by_key(|region| region.start().first().copied());
        let mut groups: Vec<Group> = Vec::new();
        let mut first = 0;
        for (i, region) in regions.iter().enumerate() {
            let (from, to) = (region.start()[0], region.stop()[0]);
            match groups.last_mut() {
                Some(last) if from < last.rows[1] => (last.boxes[1], last.rows[1]) = (i + 1, last.rows[1].max(to)),
                _ => groups.push(Group { boxes: [i, i + 1], rows: [from, to], first }),
            }
            first += region.shape().num_voxels().unwrap_or(0);
        }
        Self { regions, num_voxels, groups }
    }

    /// The boxes around an index of the slowest axis, and the number of voxels before them.
    fn around(&self, row: usize) -> (&[Region], usize) {
        let at = self.groups.partition_point(|group| group.rows[1] <= row);
        match self.groups.get(at) {
            Some(Group { boxes: [from, to], first, .. }) => (&self.regions[*from..*to], *first),
            None => (&[], self.num_voxels),
        }
    }

    /// The boxes that hold a number, and the number of voxels before them.
    fn holding(&self, number: usize) -> (&[Region], usize) {
        let after = self.groups.partition_point(|group| group.first <= number);
        match self.groups.get(after.saturating_sub(1)) {
            Some(Group { boxes: [from, to], first, .. }) => (&self.regions[*from..*to], *first),
            None => (&[], 0),
        }
    }
}

impl Selection {
    /// What is picked; `None` for all of an array whose extent is not known.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn of(picked: &Picked, extent: Option<&Shape>) -> Result<Option<Self>, String> {
        Ok(match picked {
            Picked::All => extent.map(Self::whole),
            Picked::Nothing => Some(Self::Product(vec![AxisSet::run(0, 0)])),
            Picked::Blocks { start, stride, count, block } => {
                let axes = (0..start.len()).map(|i| AxisSet::blocks(start[i], stride[i], count[i], block[i]));
                let axes: Option<Vec<_>> = axes.collect();
                let axes = axes.ok_or("picks blocks that overlap, or lie beyond any array")?;
                if axes.iter().filter(|axis| axis.is_endless()).count() > 1 {
                    return Err("is without limit along several axes".into());
                }
                Some(Self::Product(axes))
            }
            Picked::Boxes(regions) => Some(Self::of_boxes(regions)?),
        })
    }

    /// All of an array.
    pub fn whole(extent: &Shape) -> Self {
        Self::Product(extent.dims().iter().map(|&dim| AxisSet::run(0, dim)).collect())
    }

    fn of_boxes(regions: &[Region]) -> Result<Self, String> {
        let num_voxels = regions.iter().try_fold(0usize, |n, region| n.checked_add(region.shape().num_voxels()?));
        let num_voxels = num_voxels.ok_or("picks more voxels than there can be")?;
        let rank = regions.first().map_or(0, Region::rank);
        let on_axis = |axis: usize| regions.iter().map(|region| [region.start()[axis], region.stop()[axis]]).collect();
        let axes: Vec<AxisSet> = (0..rank).map(|axis| AxisSet::ranges(on_axis(axis))).collect();
        // All of them lie in the product: as many voxels are the same voxels.
        if product_len(&axes) == Some(num_voxels) {
            return Ok(Self::Product(axes));
        }
        Ok(Self::Boxes(Boxes::new(regions.to_vec(), num_voxels)))
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        match self {
            Self::Product(axes) => axes.len(),
            Self::Boxes(boxes) => boxes.regions.first().map_or(0, Region::rank),
        }
    }

    /// Number of voxels; `None` without limit.
    pub fn num_voxels(&self) -> Option<usize> {
        match self {
            Self::Product(axes) => product_len(axes),
            Self::Boxes(boxes) => Some(boxes.num_voxels),
        }
    }

    /// The smallest box that holds them; without limit it ends at the largest number. `None` where there are none.
    pub fn bounds(&self) -> Option<Region> {
        let rank = self.rank();
        let (mut start, mut stop) = ([usize::MAX; MAX_RANK], [0; MAX_RANK]);
        match self {
            Self::Product(axes) => {
                for (axis, set) in axes.iter().enumerate() {
                    (start[axis], stop[axis]) = (set.first()?, set.end());
                }
            }
            Self::Boxes(boxes) => {
                for region in &boxes.regions {
                    for axis in 0..rank {
                        start[axis] = start[axis].min(region.start()[axis]);
                        stop[axis] = stop[axis].max(region.stop()[axis]);
                    }
                }
            }
        }
        Region::new(start.get(..rank)?, stop.get(..rank)?)
    }

    /// The axis without limit.
    pub fn endless_axis(&self) -> Option<usize> {
        let Self::Product(axes) = self else { return None };
        axes.iter().position(AxisSet::is_endless)
    }

    /// How many come before an index in C order.
    pub fn number_of(&self, index: &[usize]) -> usize {
        match self {
            Self::Product(axes) => {
                let (mut number, mut is_in) = (0usize, true);
                for (set, &at) in axes.iter().zip(index) {
                    let below = if is_in { set.count_below(at) } else { 0 };
                    // Behind an index that is not picked nothing of its row comes before.
                    is_in &= set.count_below(at.saturating_add(1)) > below;
                    number = number.saturating_mul(set.len()).saturating_add(below);
                }
                number
            }
            Self::Boxes(boxes) => {
                let (around, first) = boxes.around(index.first().copied().unwrap_or(0));
                first + around.iter().map(|region| below_in(region, index)).sum::<usize>()
            }
        }
    }

    /// The index of a number that is below [`Selection::num_voxels`].
    pub fn index_at(&self, number: usize) -> Index {
        let mut index = [0; MAX_RANK];
        match self {
            Self::Product(axes) => {
                let mut rest = number;
                for (axis, set) in axes.iter().enumerate().rev() {
                    index[axis] = set.at(rest % set.len().max(1));
                    rest /= set.len().max(1);
                }
            }
            Self::Boxes(boxes) => {
                let rank = self.rank();
                let (around, first) = boxes.holding(number);
                let below = |index: &[usize]| around.iter().map(|region| below_in(region, index)).sum::<usize>();
                // On each axis the last index that has no more than so many before it.
                for axis in 0..rank {
                    let mut low = around.iter().map(|region| region.start()[axis]).min().unwrap_or(0);
                    let mut high = around.iter().map(|region| region.stop()[axis]).max().unwrap_or(1);
                    while high - low > 1 {
                        let middle = low + (high - low) / 2;
                        index[axis] = middle;
                        if first + below(&index[..rank]) <= number { low = middle } else { high = middle }
                    }
                    index[axis] = low;
                }
            }
        }
        index
    }

    /// How many voxels from an index of it on follow one another along the last axis, among the next `most`.
    pub fn run_from(&self, index: &[usize], most: usize) -> usize {
        match self {
            Self::Product(axes) => {
                let Some((set, &at)) = axes.last().zip(index.last()) else { return 1 };
                let position = set.count_below(at);
                set.run_at(position, most.min(set.len().saturating_sub(position)))
            }
            Self::Boxes(boxes) => {
                let Some(last) = index.len().checked_sub(1) else { return 1 };
                let holder = boxes.around(index[0]).0.iter().find(|region| region.contains(index));
                holder.map_or(1, |region| (region.stop()[last] - index[last]).min(most))
            }
        }
    }

    /// What is picked of one row along the last axis, from `row` on up to `stop`: index and length of each run.
    pub fn runs_in_row(&self, row: &[usize], stop: usize, visit: &mut dyn FnMut(usize, usize)) {
        let Some(last) = row.len().checked_sub(1) else { return };
        match self {
            Self::Product(axes) => {
                let is_picked = |(set, at): (&AxisSet, &usize)| set.count_below(at + 1) > set.count_below(*at);
                if !axes[..last].iter().zip(row).all(is_picked) {
                    return;
                }
                let (mut position, end) = (axes[last].count_below(row[last]), axes[last].count_below(stop));
                while position < end {
                    let len = axes[last].run_at(position, end - position);
                    visit(axes[last].at(position), len);
                    position += len;
                }
            }
            Self::Boxes(boxes) => {
                let crosses = |region: &&Region| {
                    (0..last).all(|axis| region.start()[axis] <= row[axis] && row[axis] < region.stop()[axis])
                };
                // The row itself may be the slowest axis.
                let near = if last == 0 { &boxes.regions[..] } else { boxes.around(row[0]).0 };
                let mut runs: Vec<[usize; 2]> = (near.iter().filter(crosses))
                    .map(|region| [region.start()[last].max(row[last]), region.stop()[last].min(stop)])
                    .filter(|[start, stop]| start < stop)
                    .collect();
                runs.sort_unstable();
                runs.into_iter().for_each(|[start, stop]| visit(start, stop - start));
            }
        }
    }
}

fn product_len(axes: &[AxisSet]) -> Option<usize> {
    if axes.iter().any(|axis| axis.len() == 0) {
        return Some(0);
    }
    axes.iter().try_fold(1usize, |n, axis| if axis.is_endless() { None } else { n.checked_mul(axis.len()) })
}

/// How many voxels of a box come before an index in C order.
fn below_in(region: &Region, index: &[usize]) -> usize {
    let shape = region.shape();
    let mut inner = shape.num_voxels().unwrap_or(0);
    let mut below = 0;
    for (axis, &at) in index.iter().enumerate() {
        inner /= shape.dims()[axis].max(1);
        let (start, stop) = (region.start()[axis], region.stop()[axis]);
        below += at.clamp(start, stop).saturating_sub(start) * inner;
        if !(start..stop).contains(&at) {
            break;
        }
    }
    below
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Against writing all indices down.
    fn assert_is(selection: &Selection, indices: &[Vec<usize>], extent: &Shape) {
        assert_eq!(selection.num_voxels(), Some(indices.len()));
        let rank = extent.rank();
        for (number, index) in indices.iter().enumerate() {
            assert_eq!(selection.number_of(index), number, "{index:?}");
            assert_eq!(selection.index_at(number)[..rank], index[..], "{number}");
            let run = selection.run_from(index, indices.len());
            let follows = |(i, other): (usize, &Vec<usize>)| {
                other[..rank - 1] == index[..rank - 1] && other[rank - 1] == index[rank - 1] + i
            };
            assert!(run >= 1 && indices[number..].iter().enumerate().take(run).all(follows), "{index:?} {run}");
        }
        let mut in_rows = Vec::new();
        for row in Region::whole(extent).with_axis(rank - 1, 0, 1).indices() {
            selection.runs_in_row(&row[..rank], extent.dims()[rank - 1], &mut |start, len| {
                for x in start..start + len {
                    let mut index = row[..rank].to_vec();
                    index[rank - 1] = x;
                    in_rows.push(index);
                }
            });
        }
        assert_eq!(in_rows, indices);
    }

    fn indices_of(extent: &Shape, is_in: &dyn Fn(&[usize]) -> bool) -> Vec<Vec<usize>> {
        let all = Region::whole(extent).indices().map(|index| index[..extent.rank()].to_vec());
        all.filter(|index| is_in(index)).collect()
    }

    proptest! {
        #[test]
        fn products_are_counted_in_c_order(axes in prop::collection::vec((0u64..3, 1u64..4, 1u64..3, 0u64..3), 1..4)) {
            let picked = Picked::Blocks {
                start: axes.iter().map(|axis| axis.0).collect(),
                stride: axes.iter().map(|axis| axis.2 + axis.3).collect(),
                count: axes.iter().map(|axis| axis.1).collect(),
                block: axes.iter().map(|axis| axis.2).collect(),
            };
            let selection = Selection::of(&picked, None).unwrap().unwrap();
            let Selection::Product(sets) = &selection else { panic!("a product") };
            let extent = Shape::new(&sets.iter().map(|set| set.end() + 1).collect::<Vec<_>>()).unwrap();
            let is_in = |index: &[usize]| index.iter().zip(sets).all(|(i, set)| set.at(set.count_below(*i).min(set.len() - 1)) == *i);
            assert_is(&selection, &indices_of(&extent, &is_in), &extent);
        }

        #[test]
        fn boxes_are_counted_in_c_order(cells in prop::collection::vec(any::<bool>(), 24)) {
            // Cells of 1 × 2 voxels of a plane of 4 × 12, any of them.
            let regions: Vec<Region> = (cells.iter().enumerate().filter(|(_, is_in)| **is_in))
                .map(|(i, _)| Region::new(&[i / 6, i % 6 * 2], &[i / 6 + 1, i % 6 * 2 + 2]).unwrap())
                .collect();
            let extent = Shape::from([4, 12]);
            let is_in = |index: &[usize]| regions.iter().any(|region| region.contains(index));
            if !regions.is_empty() {
                let selection = Selection::of(&Picked::Boxes(regions.clone()), None).unwrap().unwrap();
                assert_is(&selection, &indices_of(&extent, &is_in), &extent);
            }
        }
    }
}
