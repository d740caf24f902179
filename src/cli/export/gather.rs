//! Reading a selection in tiles: which pieces of the result to make one after the other so that every
//! chunk is decoded once, and how the voxels of a chunk are laid into a piece.

use std::ops::Range;

use anyhow::{Context, Result};

use crate::format::{Chunk, Filled, ReadError, ReadErrorKind, Source};
use crate::volume::{Buffer, Pool, Problem, Region, Selected, codes, runs};

/// A selection of a source, ready to be read piece by piece.
pub struct Gather<'a> {
    source: &'a dyn Source,
    selected: &'a Selected,
    item: usize,
    /// For each axis of the array, where chunks begin, with the extent at the end.
    edges: Vec<Vec<usize>>,
    /// What stands for a missing voxel; refused without.
    fill: Option<Vec<u8>>,
    /// No chunk may take more memory than this.
    max_chunk_bytes: usize,
    pool: Pool,
}

/// Codes of problems of files that hold something else than what belongs there.
const FOREIGN_DATA: [&str; 3] = [codes::NO_ARRAY, codes::OTHER_SHAPE, codes::OTHER_DTYPE_LOSSY];

/// A box of the result: a half-open range of each of its axes.
pub type Tile = Vec<Range<usize>>;

/// Missing data where a voxel was asked for.
#[derive(Debug)]
pub struct Missing {
    /// In the array's own axes.
    pub region: Region,
    /// Why.
    pub error: ReadError,
}

/// What ends a read.
pub enum GatherError {
    /// A voxel that was asked for is not to be had.
    Missing(Box<Missing>),
    /// Anything else.
    Other(anyhow::Error),
}

/// Positions of a tile along one of its axes (or the flattened axes of index lists), in elements: where
/// a run of voxels begins in the tile and in the chunk, and its length.
type Runs = Vec<(usize, usize, usize)>;

impl<'a> Gather<'a> {
    /// Prepares reading. No IO.
    pub fn new(
        source: &'a dyn Source,
        selected: &'a Selected,
        fill: Option<Vec<u8>>,
        max_chunk_bytes: usize,
        pool: Pool,
    ) -> Self {
        let info = source.info();
        let edges = selected.bounds().map(|bounds| {
            let line = |axis: usize| {
                // Along one line through the first voxel asked for: elsewhere a grid may be different,
                // which costs time, not correctness.
                let first: Vec<usize> = bounds.start().to_vec();
                let mut stop: Vec<usize> = first.iter().map(|i| i + 1).collect();
                stop[axis] = bounds.stop()[axis];
                let mut chunks = Vec::new();
                if let Some(region) = Region::new(&first, &stop) {
                    source.chunks(&region, &mut chunks);
                }
                let mut edges: Vec<usize> = chunks.iter().map(|chunk| chunk.region.start()[axis]).collect();
                edges.extend([0, info.shape.dims()[axis]]);
                edges.sort_unstable();
                edges.dedup();
                edges
            };
            (0..info.shape.rank()).map(line).collect()
        });
        let edges = edges.unwrap_or_default();
        Self { source, selected, item: info.dtype.num_bytes(), edges, fill, max_chunk_bytes, pool }
    }

    /// Where along axis `dim` of the result chunks change.
    pub fn cuts(&self, dim: usize) -> Vec<usize> {
        if let Some(slice) = self.selected.slices().iter().find(|slice| slice.dim == dim) {
            return self.changes(slice.len, |position| self.cell(slice.axis, slice.index(position)));
        }
        match self.selected.points() {
            Some(points) if points.dims == (dim..dim + 1) => self.changes(points.len, |position| {
                points.axes.iter().fold(0usize, |mix, (axis, indices)| {
                    mix.wrapping_mul(8191).wrapping_add(self.cell(*axis, indices[position]))
                })
            }),
            // An inserted axis of length 1, or one of several that lists make together: never cut.
            _ => Vec::new(),
        }
    }

    /// Whether the result may be cut anywhere along axis `dim`.
    pub fn can_cut(&self, dim: usize) -> bool {
        self.selected.slices().iter().any(|slice| slice.dim == dim)
            || self.selected.points().is_some_and(|points| points.dims == (dim..dim + 1))
    }

    fn cell(&self, axis: usize, index: usize) -> usize {
        self.edges[axis].partition_point(|&edge| edge <= index)
    }

    fn changes(&self, len: usize, cell: impl Fn(usize) -> usize) -> Vec<usize> {
        let mut last = None;
        (0..len)
            .filter(|&position| {
                let now = Some(cell(position));
                let is_change = last.is_some() && last != now;
                last = now;
                is_change
            })
            .collect()
    }

    /// Reads the voxels of a tile, in C order. Blocks.
    pub fn read(&self, tile: &Tile) -> Result<Buffer, GatherError> {
        let num_voxels: usize = tile.iter().map(ExactSizeIterator::len).product();
        let mut buffer = self.pool.take(num_voxels * self.item);
        let mut chunks = Vec::new();
        for region in self.regions(tile) {
            self.source.chunks(&region, &mut chunks);
        }
        chunks.sort_unstable_by_key(|chunk| chunk.index);
        chunks.dedup_by_key(|chunk| chunk.index);
        for chunk in &chunks {
            let runs = self.runs(tile, &chunk.region);
            if runs.iter().any(Vec::is_empty) {
                continue;
            }
            let voxels = self.read_chunk(tile, chunk)?;
            match self.item {
                1 => scatter::<1>(&runs, voxels.bytes(), buffer.bytes_mut()),
                2 => scatter::<2>(&runs, voxels.bytes(), buffer.bytes_mut()),
                4 => scatter::<4>(&runs, voxels.bytes(), buffer.bytes_mut()),
                _ => scatter::<8>(&runs, voxels.bytes(), buffer.bytes_mut()),
            }
        }
        Ok(buffer)
    }

    fn read_chunk(&self, tile: &Tile, chunk: &Chunk) -> Result<Buffer, GatherError> {
        let shape = chunk.region.shape();
        let num_bytes = shape.num_bytes(self.source.info().dtype).filter(|&n| n <= self.max_chunk_bytes);
        let num_bytes = num_bytes
            .with_context(|| {
                format!("{}: one chunk of {shape} voxels does not fit in memory", self.source.info().location)
            })
            .map_err(GatherError::Other)?;
        let mut voxels = self.pool.take(num_bytes);
        let (missing, error) = match self.source.read(chunk, voxels.bytes_mut()) {
            Ok(Filled::All) => return Ok(voxels),
            Ok(Filled::Except(regions, error)) => (regions, error),
            Err(error) => (vec![chunk.region], error),
        };
        let may_fill = self.fill.as_ref().filter(|_| !self.is_another_format(&error));
        for region in missing.iter().filter_map(|region| region.intersect(&chunk.region)) {
            match may_fill {
                Some(value) => fill(voxels.bytes_mut(), &chunk.region, &region, value),
                None if self.runs(tile, &region).iter().any(Vec::is_empty) => {}
                None => return Err(GatherError::Missing(Box::new(Missing { region, error }))),
            }
        }
        Ok(voxels)
    }

    /// Whether the data are there and whole, in a form that is not read here: nothing may stand for them. A
    /// file that holds something else than it should is damage.
    fn is_another_format(&self, error: &ReadError) -> bool {
        let is_foreign =
            |problem: &Problem| problem.file.as_ref() == Some(&error.file) && FOREIGN_DATA.contains(&problem.code);
        error.kind == ReadErrorKind::Unsupported && !self.source.problems().iter().any(is_foreign)
    }

    /// Boxes of the array that hold the voxels of a tile: along each axis, the stretches of chunks that
    /// are touched, so that a few far-apart indices do not ask for all that lies between.
    fn regions(&self, tile: &Tile) -> Vec<Region> {
        let stretches = |axis: usize, indices: &mut dyn Iterator<Item = usize>| {
            let mut cells: Vec<usize> = indices.map(|index| self.cell(axis, index)).collect();
            cells.sort_unstable();
            cells.dedup();
            let mut found: Vec<[usize; 2]> = Vec::new();
            for cell in cells {
                let [start, stop] = [self.edges[axis][cell - 1], self.edges[axis][cell]];
                match found.last_mut() {
                    Some(last) if last[1] == start => last[1] = stop,
                    _ => found.push([start, stop]),
                }
            }
            found
        };
        let mut along: Vec<Vec<[usize; 2]>> =
            self.selected.fixed().iter().map(|fixed| fixed.map_or(Vec::new(), |i| vec![[i, i + 1]])).collect();
        for slice in self.selected.slices() {
            let range = tile[slice.dim].clone();
            along[slice.axis] = stretches(slice.axis, &mut range.map(|position| slice.index(position)));
        }
        if let Some(points) = self.selected.points() {
            for (axis, indices) in &points.axes {
                along[*axis] = stretches(*axis, &mut self.points_of(tile).map(|point| indices[point]));
            }
        }
        let mut corners = vec![(Vec::new(), Vec::new())];
        for stretches in &along {
            corners = corners
                .iter()
                .flat_map(|(start, stop)| {
                    stretches.iter().map(|&[from, to]| {
                        let join = |list: &Vec<usize>, last| list.iter().copied().chain([last]).collect::<Vec<_>>();
                        (join(start, from), join(stop, to))
                    })
                })
                .collect();
        }
        corners.iter().filter_map(|(start, stop)| Region::new(start, stop)).collect()
    }

    /// The points of a tile as positions in the lists. Several axes of lists are never cut.
    fn points_of(&self, tile: &Tile) -> Range<usize> {
        match self.selected.points() {
            Some(points) if points.dims.len() == 1 => tile[points.dims.start].clone(),
            Some(points) => 0..points.len,
            None => 0..0,
        }
    }

    /// Which voxels of `region` go where in a tile: one list for each axis of the result (one for all axes
    /// that lists make together), offsets to be added up. An empty list: none.
    fn runs(&self, tile: &Tile, region: &Region) -> Vec<Runs> {
        let strides = |dims: &mut dyn DoubleEndedIterator<Item = usize>| {
            let mut strides: Vec<usize> = dims
                .rev()
                .scan(1, |stride, dim| {
                    let this = *stride;
                    *stride *= dim;
                    Some(this)
                })
                .collect();
            strides.reverse();
            strides
        };
        let to = strides(&mut tile.iter().map(ExactSizeIterator::len));
        let shape = region.shape();
        let from = strides(&mut shape.dims().iter().copied());
        let (start, stop) = (region.start(), region.stop());
        let mut lists = Vec::with_capacity(tile.len() + 1);
        let mut base = 0;
        for (axis, fixed) in self.selected.fixed().iter().enumerate() {
            match fixed {
                Some(index) if (start[axis]..stop[axis]).contains(index) => base += (index - start[axis]) * from[axis],
                Some(_) => return vec![Vec::new()],
                None => {}
            }
        }
        lists.push(vec![(0, base, 1)]);
        let runs_of = |positions: &mut dyn Iterator<Item = (usize, usize)>, is_joined: bool| {
            let mut runs: Runs = Vec::new();
            for (at, offset) in positions {
                match runs.last_mut() {
                    Some((to, from, len)) if is_joined && *to + *len == at && *from + *len == offset => *len += 1,
                    _ => runs.push((at, offset, 1)),
                }
            }
            runs
        };
        for slice in self.selected.slices() {
            let (dim, axis) = (slice.dim, slice.axis);
            let inside = slice.positions_in(start[axis]..stop[axis], tile[dim].clone());
            let mut positions = inside.map(|position| {
                ((position - tile[dim].start) * to[dim], (slice.index(position) - start[axis]) * from[axis])
            });
            lists.push(runs_of(&mut positions, to[dim] == 1 && from[axis] == 1));
        }
        if let Some(points) = self.selected.points() {
            let range = self.points_of(tile);
            let stride = points.dims.clone().next_back().map_or(1, |dim| to[dim]);
            let mut positions = range.clone().filter_map(|point| {
                let mut offset = 0;
                for (axis, indices) in &points.axes {
                    let index = indices[point];
                    if !(start[*axis]..stop[*axis]).contains(&index) {
                        return None;
                    }
                    offset += (index - start[*axis]) * from[*axis];
                }
                Some(((point - range.start) * stride, offset))
            });
            lists.push(runs_of(&mut positions, stride == 1));
        }
        // The axis of the longest runs goes last, to be copied run by run.
        let longest = |list: &Runs| list.iter().map(|run| run.2).max().unwrap_or(0);
        if let Some(at) = (0..lists.len()).max_by_key(|&i| (longest(&lists[i]), i)) {
            let last = lists.len() - 1;
            lists.swap(at, last);
        }
        lists
    }

    /// How far the data around a missing region are missing as well: for a message that names all of it.
    /// Along each axis, tries at most a few hundred chunks in each direction.
    pub fn widen(&self, missing: &Region) -> Region {
        let mut wide = *missing;
        for axis in (0..wide.rank()).rev() {
            for _ in 0..300 {
                let before = wide.start()[axis].checked_sub(1).and_then(|at| self.missing_chunk(&wide, axis, at));
                let after = self.missing_chunk(&wide, axis, wide.stop()[axis]);
                if before.is_none() && after.is_none() {
                    break;
                }
                let start = before.map_or(wide.start()[axis], |chunk| chunk.start()[axis].min(wide.start()[axis]));
                let stop = after.map_or(wide.stop()[axis], |chunk| chunk.stop()[axis].max(wide.stop()[axis]));
                wide = wide.with_axis(axis, start, stop);
            }
        }
        wide
    }

    /// The chunk at `index` along `axis`, beside a region, if nothing of it can be had.
    fn missing_chunk(&self, beside: &Region, axis: usize, index: usize) -> Option<Region> {
        let info = self.source.info();
        let corner: Vec<usize> =
            (0..beside.rank()).map(|a| if a == axis { index } else { beside.start()[a] }).collect();
        let mut chunks = Vec::new();
        self.source.chunks(&Region::new(&corner, &corner.iter().map(|i| i + 1).collect::<Vec<_>>())?, &mut chunks);
        let chunk = chunks.first()?;
        let num_bytes = chunk.region.shape().num_bytes(info.dtype).filter(|&n| n <= self.max_chunk_bytes)?;
        self.source.read(chunk, self.pool.take(num_bytes).bytes_mut()).is_err().then_some(chunk.region)
    }
}

/// Copies voxels of `N` bytes from a chunk to a tile.
fn scatter<const N: usize>(runs: &[Runs], from: &[u8], to: &mut [u8]) {
    let (from, to) = (from.as_chunks::<N>().0, to.as_chunks_mut::<N>().0);
    copy_runs(runs, 0, 0, from, to);
}

fn copy_runs<V: Copy>(runs: &[Runs], to_offset: usize, from_offset: usize, from: &[V], to: &mut [V]) {
    let Some((outer, inner)) = runs.split_first() else {
        to[to_offset] = from[from_offset];
        return;
    };
    for &(at, offset, len) in outer {
        let (at, offset) = (to_offset + at, from_offset + offset);
        if inner.is_empty() {
            to[at..at + len].copy_from_slice(&from[offset..offset + len]);
        } else {
            (0..len).for_each(|i| copy_runs(inner, at + i, offset + i, from, to));
        }
    }
}

/// Puts `value` in every voxel of `part` of an array that lies at `region`.
fn fill(bytes: &mut [u8], region: &Region, part: &Region, value: &[u8]) {
    let runs = runs(part, region, region, value.len());
    let values = value.repeat(runs.num_bytes / value.len().max(1));
    for [at, _] in runs {
        bytes[at..at + values.len()].copy_from_slice(&values);
    }
}

/// A refusal of missing data in words: what, where, and what to do.
pub fn refusal(gather: &Gather<'_>, missing: &Missing) -> anyhow::Error {
    let region = gather.widen(&missing.region);
    let info = gather.source.info();
    let mut ranges = Vec::new();
    for axis in 0..region.rank() {
        let (start, stop) = (region.start()[axis], region.stop()[axis]);
        if axis == 0 || (start, stop) != (0, info.shape.dims()[axis]) {
            let name = info.axes.get(axis).copied().flatten().map_or(format!("axis {axis}"), |a| a.to_string());
            ranges.push(format!("{name} {start}:{stop}"));
        }
    }
    let (file, ranges, reason) = (&missing.error.file, ranges.join(", "), &missing.error.message);
    if gather.is_another_format(&missing.error) {
        return anyhow::anyhow!(
            "{file}: {ranges} is not missing, but cannot be read here: {reason}; no --fill stands for it"
        );
    }
    anyhow::anyhow!(
        "{file}: {ranges} is missing: {reason}; leave it out with --select, or say with --fill VALUE what stands for it"
    )
}
