//! Which voxel of a source is which of the virtual dataset, where the axes of both correspond.

use super::axis_set::AxisSet;
use super::selection::Selection;
use crate::volume::{MAX_RANK, Region, Shape};

/// A mapping whose picked indices correspond axis by axis. Axes with one index may stand on one side only.
pub(super) struct Pairing<'a> {
    pub of_part: &'a [AxisSet],
    pub of_source: Vec<AxisSet>,
    /// For each axis of the source, that of the virtual dataset.
    pub pairs: Vec<Option<usize>>,
    /// For each axis of the virtual dataset, how many of the picked indices the source really holds: the first ones.
    pub backed: Vec<usize>,
}

impl<'a> Pairing<'a> {
    /// `None` where they do not correspond. Of all of a source the first part counts, where it is shorter or longer
    /// along its slowest axis than the mapping says.
    pub fn of(part: &'a Selection, of_source: Option<&Selection>, shape: &Shape) -> Option<Self> {
        let Selection::Product(of_part) = part else { return None };
        let is_all = of_source.is_none();
        let of_source = match of_source {
            Some(Selection::Product(axes)) => axes.clone(),
            Some(Selection::Boxes(_)) => return None,
            None => shape.dims().iter().map(|&dim| AxisSet::run(0, dim)).collect(),
        };
        if of_source.len() != shape.rank() {
            return None;
        }
        let several = |axes: &[AxisSet]| (0..axes.len()).filter(|&i| axes[i].len() != 1).collect::<Vec<_>>();
        let (mut left, mut right) = (several(of_part), several(&of_source));
        let lens = |axes: &[AxisSet], which: &[usize]| which.iter().map(|&i| axes[i].len()).collect::<Vec<_>>();
        let mut backed: Vec<usize> = of_part.iter().map(AxisSet::len).collect();
        if is_all && lens(of_part, &left) != lens(&of_source, &right) {
            let skipped = match left.len().cmp(&right.len()) {
                std::cmp::Ordering::Less => {
                    right.remove(0);
                    0
                }
                std::cmp::Ordering::Greater => {
                    backed[left.remove(0)] = 1;
                    0
                }
                std::cmp::Ordering::Equal => 1,
            };
            let inner = |axes: &[AxisSet], which: &[usize]| lens(axes, which.get(skipped..).unwrap_or_default());
            if left.len() != right.len() || inner(of_part, &left) != inner(&of_source, &right) {
                return None;
            }
        } else if lens(of_part, &left) != lens(&of_source, &right) {
            return None;
        }
        let mut pairs = vec![None; of_source.len()];
        left.iter().zip(&right).for_each(|(&of_part, &of_source)| pairs[of_source] = Some(of_part));
        for (axis, set) in of_source.iter().enumerate() {
            let held = set.count_below(shape.dims()[axis]);
            match pairs[axis] {
                Some(pair) => backed[pair] = backed[pair].min(held),
                None if held == 0 => backed.fill(0),
                None => {}
            }
        }
        Some(Self { of_part, of_source, pairs, backed })
    }

    /// The positions that a region holds on each axis, from and to; `None` where none.
    pub fn positions(&self, region: &Region) -> Option<[[usize; MAX_RANK]; 2]> {
        let (mut from, mut to) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, set) in self.of_part.iter().enumerate() {
            from[axis] = set.count_below(region.start()[axis]);
            to[axis] = set.count_below(region.stop()[axis]);
            if from[axis] >= to[axis] {
                return None;
            }
        }
        Some([from, to])
    }

    /// The smallest box of the source that holds these positions, which are not none.
    pub fn of_source(&self, from: &[usize], to: &[usize]) -> Region {
        let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, set) in self.of_source.iter().enumerate() {
            let (first, last) = self.pairs[axis].map_or((0, 0), |pair| (from[pair], to[pair] - 1));
            (start[axis], stop[axis]) = (set.at(first), set.at(last).saturating_add(1));
        }
        let rank = self.of_source.len();
        // The indices rise.
        Region::new(&start[..rank], &stop[..rank]).unwrap_or_else(|| Region::whole(&Shape::from([])))
    }

    /// The positions whose voxels lie in a box of the source; `None` where none.
    pub fn within(&self, region: &Region, from: &[usize], to: &[usize]) -> Option<[[usize; MAX_RANK]; 2]> {
        let (mut inner_from, mut inner_to) = ([0; MAX_RANK], [0; MAX_RANK]);
        inner_from[..from.len()].copy_from_slice(from);
        inner_to[..to.len()].copy_from_slice(to);
        for (axis, set) in self.of_source.iter().enumerate() {
            let (first, end) = (set.count_below(region.start()[axis]), set.count_below(region.stop()[axis]));
            match self.pairs[axis] {
                Some(pair) => {
                    inner_from[pair] = inner_from[pair].max(first);
                    inner_to[pair] = inner_to[pair].min(end);
                    if inner_from[pair] >= inner_to[pair] {
                        return None;
                    }
                }
                None if first > 0 || end == 0 => return None,
                None => {}
            }
        }
        Some([inner_from, inner_to])
    }
}

/// The boxes of the virtual dataset that these positions of the indices picked on each axis are; the smallest box that
/// holds them where they are more than `most`.
pub(super) fn boxes_of(sets: &[AxisSet], from: &[usize], to: &[usize], most: usize) -> Vec<Region> {
    let mut runs: Vec<Vec<[usize; 2]>> = Vec::new();
    let mut num = 1usize;
    for (axis, set) in sets.iter().enumerate() {
        let mut of_axis = Vec::new();
        let mut position = from[axis];
        while position < to[axis] && of_axis.len() <= most {
            let len = set.run_at(position, to[axis] - position);
            of_axis.push([set.at(position), set.at(position) + len]);
            position += len;
        }
        num = num.saturating_mul(of_axis.len());
        runs.push(of_axis);
    }
    let region = |of: &dyn Fn(usize) -> [usize; 2]| {
        let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        (0..sets.len()).for_each(|axis| [start[axis], stop[axis]] = of(axis));
        Region::new(&start[..sets.len()], &stop[..sets.len()])
    };
    if num > most {
        let bounds = |axis: usize| [sets[axis].at(from[axis]), sets[axis].at(to[axis] - 1) + 1];
        return region(&bounds).into_iter().collect();
    }
    let counts: Vec<usize> = runs.iter().map(Vec::len).collect();
    let Some(counts) = Shape::new(&counts) else { return Vec::new() };
    let each = Region::whole(&counts).indices();
    each.filter_map(|index| region(&|axis| runs[axis][index[axis]])).collect()
}
