//! One input of an elementwise computation: which of its chunks a box of the result needs, and its voxels in the
//! order of the result, a run at a time.

use std::borrow::Cow;
use std::ops::Range;

use super::view::{Along, View, boxes};
use crate::format::{Chunk, Filled, Given, Need, ReadError, Source};
use crate::volume::{MAX_RANK, Region};

/// An input as it is laid under the result.
#[derive(Clone)]
pub(super) struct Lane {
    /// Which of the inputs.
    pub input: usize,
    pub view: View,
    /// Extent of the first chunk: indices that lie no further apart are read as one stretch.
    pub joins: Vec<usize>,
}

impl Lane {
    pub fn new(input: usize, source: &dyn Source, view: View) -> Self {
        let shape = source.info().shape;
        let corner = Region::new(&vec![0; shape.rank()], &vec![1; shape.rank()]);
        let mut joins = vec![1; shape.rank()];
        if let Some(corner) = corner {
            source.each_chunk(&corner, &mut |chunk| joins.copy_from_slice(chunk.region.shape().dims()));
        }
        Self { input, view, joins }
    }

    /// Appends the chunks of its input that a box of the result needs.
    pub fn needs(&self, source: &dyn Source, region: &Region, needs: &mut Vec<Need>) {
        let first = needs.len();
        let boxes = boxes(&self.view.stretches(region, &self.joins));
        for part in &boxes {
            source.each_chunk(part, &mut |chunk| needs.push(Need { input: self.input, chunk: *chunk }));
        }
        if boxes.len() > 1 {
            let mut known = std::collections::HashSet::new();
            let mut at = 0;
            needs.retain(|need| {
                at += 1;
                at <= first || known.insert(need.chunk.index)
            });
        }
    }

    /// Its voxels for a box of the result, out of the chunks that were given for it; `given` are those of this lane.
    pub fn laid<'a>(&self, given: &'a [Given<'_>], region: &Region, item: usize) -> Laid<'a> {
        let stretches = self.view.stretches(region, &self.joins);
        let is_one = |chunk: &Chunk| {
            let holds = |(axis, along): (usize, &Vec<Range<usize>>)| {
                along
                    .iter()
                    .all(|range| chunk.region.start()[axis] <= range.start && range.end <= chunk.region.stop()[axis])
            };
            stretches.iter().enumerate().all(holds)
        };
        let missing = self.missing(given, region);
        if let [Given { need, voxels: Ok((bytes, _)) }] = given
            && is_one(&need.chunk)
        {
            let whole: Vec<Vec<Range<usize>>> = (0..need.chunk.region.rank())
                .map(|axis| vec![need.chunk.region.start()[axis]..need.chunk.region.stop()[axis]])
                .collect();
            return self.tables(Cow::Borrowed(bytes), &whole, region, item, missing);
        }
        let extents: Vec<usize> = stretches.iter().map(|along| along.iter().map(Range::len).sum()).collect();
        let mut packed = vec![0; extents.iter().product::<usize>() * item];
        for given in given {
            if let Ok((bytes, _)) = given.voxels {
                pack(bytes, &given.need.chunk.region, &stretches, &extents, &mut packed, item);
            }
        }
        self.tables(Cow::Owned(packed), &stretches, region, item, missing)
    }

    /// Which parts of a box of the result are made of what is missing.
    fn missing(&self, given: &[Given<'_>], region: &Region) -> Vec<(Region, ReadError)> {
        let mut missing = Vec::new();
        let mut add = |part: &Region, error: &ReadError| {
            missing.extend(self.view.made_of(part, region).into_iter().map(|part| (part, error.clone())));
        };
        for Given { need, voxels } in given {
            match voxels {
                Ok((_, Filled::All)) => {}
                Ok((_, Filled::Except(parts, error))) => parts.iter().for_each(|part| add(part, error)),
                Err(error) => add(&need.chunk.region, error),
            }
        }
        missing
    }

    fn tables<'a>(
        &self,
        bytes: Cow<'a, [u8]>,
        stretches: &[Vec<Range<usize>>],
        region: &Region,
        item: usize,
        missing: Vec<(Region, ReadError)>,
    ) -> Laid<'a> {
        let shape = region.shape();
        let mut tables: Vec<Vec<usize>> = shape.dims().iter().map(|&extent| vec![0; extent]).collect();
        let (mut base, mut stride) = (0, 1);
        for (axis, along) in self.view.along.iter().enumerate().rev() {
            let place = |index: usize| {
                let mut before = 0;
                for range in &stretches[axis] {
                    if range.contains(&index) {
                        return (before + index - range.start) * stride;
                    }
                    before += range.len();
                }
                0
            };
            match along {
                Along::Fixed(at) => base += place(*at),
                Along::Dim { dim, index } => {
                    for (position, offset) in tables[*dim].iter_mut().enumerate() {
                        *offset += place(index.at(region.start()[*dim] + position));
                    }
                }
            }
            stride *= stretches[axis].iter().map(Range::len).sum::<usize>();
        }
        Laid::new(bytes, base, tables, item, missing)
    }
}

/// Copies what a chunk holds of the stretches to its place among them.
fn pack(
    bytes: &[u8],
    chunk: &Region,
    stretches: &[Vec<Range<usize>>],
    extents: &[usize],
    packed: &mut [u8],
    item: usize,
) {
    let rank = extents.len();
    // For each axis: offset in the chunk, offset among the stretches, length.
    let of_axis = |axis: usize| {
        let mut before = 0;
        let mut runs = Vec::new();
        for range in &stretches[axis] {
            let (start, stop) = (range.start.max(chunk.start()[axis]), range.end.min(chunk.stop()[axis]));
            if start < stop {
                runs.push([start - chunk.start()[axis], before + start - range.start, stop - start]);
            }
            before += range.len();
        }
        runs
    };
    let runs: Vec<_> = (0..rank).map(of_axis).collect();
    let shape = chunk.shape();
    copy(&runs, shape.dims(), extents, [0, 0], bytes, packed, item);
}

fn copy(
    runs: &[Vec<[usize; 3]>],
    from_dims: &[usize],
    to_dims: &[usize],
    at: [usize; 2],
    from: &[u8],
    to: &mut [u8],
    item: usize,
) {
    let Some((along, inner)) = runs.split_first() else {
        let [source, target] = at.map(|at| at * item);
        to[target..target + item].copy_from_slice(&from[source..source + item]);
        return;
    };
    let [source, target] = [at[0] * from_dims[0], at[1] * to_dims[0]];
    for &[offset, place, len] in along {
        if inner.is_empty() {
            let [source, target] = [(source + offset) * item, (target + place) * item];
            to[target..target + len * item].copy_from_slice(&from[source..source + len * item]);
            continue;
        }
        for i in 0..len {
            let at = [source + offset + i, target + place + i];
            copy(inner, &from_dims[1..], &to_dims[1..], at, from, to, item);
        }
    }
}

/// The voxels of a lane for one box of the result.
pub(super) struct Laid<'a> {
    bytes: Cow<'a, [u8]>,
    item: usize,
    /// Offset in voxels of the first one.
    base: usize,
    /// For each axis of the box, how much each position adds to it.
    tables: Vec<Vec<usize>>,
    /// Whether they lie in the order of the box, without gaps.
    is_straight: bool,
    /// How the last axis lies.
    step: Option<usize>,
    pub missing: Vec<(Region, ReadError)>,
}

impl<'a> Laid<'a> {
    fn new(
        bytes: Cow<'a, [u8]>,
        base: usize,
        tables: Vec<Vec<usize>>,
        item: usize,
        missing: Vec<(Region, ReadError)>,
    ) -> Self {
        let mut stride = 1;
        let mut is_straight = true;
        for table in tables.iter().rev() {
            is_straight &= table.iter().enumerate().all(|(position, &offset)| offset == position * stride);
            stride *= table.len();
        }
        let step = tables.last().and_then(|last| {
            let step = last.get(1).map_or(Some(0), |second| second.checked_sub(last[0]))?;
            let is_even = last.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(step));
            is_even.then_some(step)
        });
        Self { bytes, item, base, tables, is_straight, step, missing }
    }

    /// Copies the voxels from position `from` of the box on, in C order, until `target` is full.
    pub fn load(&self, from: usize, target: &mut [u8]) {
        if self.is_straight {
            let start = (self.base + from) * self.item;
            target.copy_from_slice(&self.bytes[start..start + target.len()]);
            return;
        }
        match self.item {
            1 => self.gather::<1>(from, target),
            2 => self.gather::<2>(from, target),
            4 => self.gather::<4>(from, target),
            _ => self.gather::<8>(from, target),
        }
    }

    fn gather<const N: usize>(&self, from: usize, target: &mut [u8]) {
        let Some((last, outer)) = self.tables.split_last() else {
            target.copy_from_slice(&self.bytes[self.base * N..(self.base + 1) * N]);
            return;
        };
        let source = self.bytes.as_chunks::<N>().0;
        let target = target.as_chunks_mut::<N>().0;
        let (mut row, mut column) = (from / last.len(), from % last.len());
        let mut done = 0;
        while done < target.len() {
            let len = (last.len() - column).min(target.len() - done);
            let first = self.base + self.outer_offset(outer, row);
            let to = &mut target[done..done + len];
            match self.step {
                Some(1) => {
                    let first = first + last[column];
                    to.copy_from_slice(&source[first..first + len]);
                }
                Some(0) => to.fill(source[first + last[column]]),
                _ => {
                    for (voxel, offset) in to.iter_mut().zip(&last[column..]) {
                        *voxel = source[first + offset];
                    }
                }
            }
            done += len;
            (row, column) = (row + 1, 0);
        }
    }

    fn outer_offset(&self, outer: &[Vec<usize>], row: usize) -> usize {
        debug_assert!(outer.len() < MAX_RANK);
        let (mut rest, mut offset) = (row, 0);
        for table in outer.iter().rev() {
            offset += table[rest % table.len()];
            rest /= table.len();
        }
        offset
    }
}
