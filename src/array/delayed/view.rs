//! Which voxel of an input each voxel of a result is made of: the axes in another order, some of them held, each
//! walked through a slice or a list. Any number of such steps is one.

use std::ops::Range;
use std::sync::Arc;

use super::cells::Cells;
use crate::volume::{Region, Selected};

/// Indices along an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Index {
    /// From a first one in steps, which may lead backwards.
    Slice { start: usize, step: isize },
    /// In any order, also more than once.
    List(Arc<[usize]>),
}

impl Index {
    /// Every one from the first.
    pub const ALL: Self = Self::Slice { start: 0, step: 1 };

    /// The index at a position.
    pub fn at(&self, position: usize) -> usize {
        match self {
            Self::Slice { start, step } => start.wrapping_add_signed(step.wrapping_mul(position as isize)),
            Self::List(list) => list[position],
        }
    }

    /// These of those: `inner` names positions of `self`.
    fn of(&self, inner: &Self, len: usize) -> Self {
        match (self, inner) {
            (Self::Slice { start, step }, Self::Slice { start: first, step: stride }) => {
                let start = start.wrapping_add_signed(step.wrapping_mul(*first as isize));
                Self::Slice { start, step: step.wrapping_mul(*stride) }
            }
            _ => Self::List((0..len).map(|position| self.at(inner.at(position))).collect()),
        }
    }
}

/// Where an axis of an input is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Along {
    /// Held at an index.
    Fixed(usize),
    /// Walked along an axis of the result.
    Dim { dim: usize, index: Index },
}

/// Where each axis of an input is. An axis of the result that none of them names only repeats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub along: Vec<Along>,
}

impl View {
    /// The input as it is.
    pub fn identity(rank: usize) -> Self {
        Self { along: (0..rank).map(|dim| Along::Dim { dim, index: Index::ALL }).collect() }
    }

    /// Whether it is that for an input and a result of these extents.
    pub fn is_identity(&self, input: &[usize], result: &[usize]) -> bool {
        input == result && *self == Self::identity(input.len())
    }

    /// The axes of the result in another order: axis `i` is what was axis `order[i]`.
    pub fn permuted(&mut self, order: &[usize]) {
        for along in &mut self.along {
            if let Along::Dim { dim, .. } = along {
                *dim = order.iter().position(|of| of == dim).unwrap_or(*dim);
            }
        }
    }

    /// What a numpy index names of the result.
    pub fn selected(&mut self, selected: &Selected) {
        for along in &mut self.along {
            let Along::Dim { dim, index } = &*along else { continue };
            *along = match of_axis(selected, *dim) {
                Along::Fixed(position) => Along::Fixed(index.at(position)),
                Along::Dim { dim, index: inner } => {
                    let len = selected.shape().get(dim).copied().unwrap_or(0);
                    Along::Dim { dim, index: index.of(&inner, len) }
                }
            };
        }
    }

    /// Along each axis of the input, the stretches of indices that a box of the result is made of, in order and
    /// apart. Those that lie no further apart than `joins` says for the axis are joined.
    pub fn stretches(&self, region: &Region, joins: &[usize]) -> Vec<Vec<Range<usize>>> {
        let of = |(axis, along): (usize, &Along)| match along {
            Along::Fixed(at) => vec![*at..at + 1],
            Along::Dim { dim, index } => {
                let positions = region.start()[*dim]..region.stop()[*dim];
                if let (Index::Slice { start, step: 1 }, false) = (index, positions.is_empty()) {
                    return vec![start + positions.start..start + positions.end];
                }
                joined(positions.map(|position| index.at(position)).collect(), joins[axis])
            }
        };
        self.along.iter().enumerate().map(of).collect()
    }

    /// The boxes of the result within `region` that are made of voxels of a box of the input.
    pub fn made_of(&self, part: &Region, region: &Region) -> Vec<Region> {
        let mut positions: Vec<Vec<Range<usize>>> =
            (0..region.rank()).map(|dim| vec![region.start()[dim]..region.stop()[dim]]).collect();
        for (axis, along) in self.along.iter().enumerate() {
            let wanted = part.start()[axis]..part.stop()[axis];
            match along {
                Along::Fixed(at) if wanted.contains(at) => {}
                Along::Fixed(_) => return Vec::new(),
                Along::Dim { dim, index } => {
                    let inside = positions[*dim].iter().cloned().flatten();
                    let inside = inside.filter(|position| wanted.contains(&index.at(*position))).collect();
                    positions[*dim] = joined(inside, 1);
                }
            }
        }
        boxes(&positions)
    }

    /// Where cells of a result of these extents begin, for an input whose chunks begin at `edges`.
    pub fn edges(&self, edges: &[Vec<usize>], extents: &[usize]) -> Vec<Arc<[usize]>> {
        let of = |(dim, &extent): (usize, &usize)| {
            let walked = self.along.iter().enumerate().find_map(|(axis, along)| match along {
                Along::Dim { dim: of, index } if *of == dim => Some((axis, index)),
                _ => None,
            });
            walked.map_or_else(|| Cells::undivided(extent), |(axis, index)| cuts(index, &edges[axis], extent))
        };
        extents.iter().enumerate().map(of).collect()
    }
}

/// Where an index begins to name another chunk, with 0 and the extent.
fn cuts(index: &Index, edges: &[usize], extent: usize) -> Arc<[usize]> {
    /// Of a list, so many chunks may be named by one cell where each is named only a few times.
    const MAX_CHUNKS: usize = 8;
    let mut cuts = vec![0, extent];
    match index {
        Index::Slice { start, step } => {
            let stride = step.unsigned_abs().max(1);
            let of_edge = |edge: usize| match *step < 0 {
                true => (start + 1).saturating_sub(edge).div_ceil(stride),
                false => edge.saturating_sub(*start).div_ceil(stride),
            };
            cuts.extend(edges.iter().map(|&edge| of_edge(edge).min(extent)));
        }
        Index::List(list) => {
            let chunk_of = |index: usize| edges.partition_point(|&edge| edge <= index);
            let typical = edges.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(1);
            let (mut begin, mut num_chunks) = (0, 1);
            for position in 1..list.len() {
                if chunk_of(list[position]) != chunk_of(list[position - 1]) {
                    num_chunks += 1;
                    if num_chunks > MAX_CHUNKS || position - begin >= typical {
                        cuts.push(position);
                        (begin, num_chunks) = (position, 1);
                    }
                }
            }
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    Arc::from(cuts)
}

/// Indices as ranges, those joined that lie no further apart than that.
fn joined(mut indices: Vec<usize>, apart: usize) -> Vec<Range<usize>> {
    indices.sort_unstable();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for index in indices {
        match ranges.last_mut() {
            Some(last) if index < last.end.saturating_add(apart) => last.end = last.end.max(index + 1),
            _ => ranges.push(index..index + 1),
        }
    }
    ranges
}

/// All boxes with one of the ranges of each axis.
pub(super) fn boxes(ranges: &[Vec<Range<usize>>]) -> Vec<Region> {
    let counts: Vec<usize> = ranges.iter().map(Vec::len).collect();
    let Some(choices) = Region::new(&vec![0; counts.len()], &counts) else { return Vec::new() };
    let of_choice = |at: crate::volume::Index| {
        let range = |axis: usize| &ranges[axis][at[axis]];
        let start: Vec<usize> = (0..ranges.len()).map(|axis| range(axis).start).collect();
        let stop: Vec<usize> = (0..ranges.len()).map(|axis| range(axis).end).collect();
        Region::new(&start, &stop)
    };
    choices.indices().filter_map(of_choice).collect()
}

/// What a selection makes of one axis. Lists along several axes that make more than one axis together were refused.
fn of_axis(selected: &Selected, axis: usize) -> Along {
    if let Some(index) = selected.fixed()[axis] {
        return Along::Fixed(index);
    }
    if let Some(slice) = selected.slices().iter().find(|slice| slice.axis == axis) {
        return Along::Dim { dim: slice.dim, index: Index::Slice { start: slice.start, step: slice.step } };
    }
    let lists = selected.points().map(|points| (points.dims.start, &points.axes));
    let list = lists.and_then(|(dim, axes)| Some((dim, &axes.iter().find(|(of, _)| *of == axis)?.1)));
    list.map_or(Along::Fixed(0), |(dim, list)| Along::Dim { dim, index: Index::List(Arc::from(list.as_slice())) })
}
