//! Drawing a mapping whose axes do not correspond to its source's: the voxels of both are counted, and each run of
//! them is brought to where its numbers belong.

use super::array::VirtualArray;
use super::canvas::Canvas;
use super::selection::Selection;
use super::slots::OpenArray;
use super::table::Touch;
use crate::format::hdf5::convert;
use crate::format::{Filled, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::{Index, MAX_RANK, Region, Shape};

/// Runs that are brought at once.
const MAX_RUNS: usize = 1 << 16;

/// Most bytes of a source that are read for a few runs.
const MAX_BYTES: usize = 8 << 20;

/// Voxels that follow one another on both sides.
#[derive(Clone, Copy)]
struct Run {
    /// Where they belong, in the axes of the virtual dataset.
    to: Index,
    /// Where they lie in the source.
    at: Index,
    len: usize,
}

/// Draws what a mapping has of the region; returns what it has not, and why.
///
/// # Errors
/// When the two sides do not hold the same number of voxels.
pub(super) fn draw(
    array: &VirtualArray,
    touch: &Touch<'_>,
    open: &OpenArray,
    canvas: &mut Canvas<'_>,
) -> Result<Vec<(Region, ReadError)>, ReadError> {
    let shape = open.shape();
    let refuse = |text: String| ReadError::new(ReadErrorKind::Unsupported, &open.path, text);
    let whole = Selection::whole(&shape);
    let of_source = touch.of_source.unwrap_or(&whole);
    let (Some(wanted), Some(held)) = (touch.selection.num_voxels(), of_source.num_voxels()) else {
        return Err(refuse("an axis without end is mapped to another one, which is not supported".into()));
    };
    if of_source.rank() != shape.rank() || wanted != held {
        let text =
            format!("{} is {shape}: {held} voxels, and the virtual dataset takes it for {wanted}", touch.slot.dataset);
        return Err(refuse(text).with_code(ReadErrorCode::Short));
    }
    let mut gathering = Gathering { array, touch, open, runs: Vec::new(), missing: Vec::new() };
    let Some(inside) = touch.selection.bounds().and_then(|bounds| bounds.intersect(&canvas.region)) else {
        return Ok(Vec::new());
    };
    let Some(last) = inside.rank().checked_sub(1) else { return Ok(Vec::new()) };
    let first = inside.start()[last];
    for row in inside.with_axis(last, first, first + 1).indices() {
        let mut in_row = Vec::new();
        touch.selection.runs_in_row(&row[..=last], inside.stop()[last], &mut |start, len| in_row.push((start, len)));
        for (start, len) in in_row {
            let mut to = row;
            to[last] = start;
            let number = touch.selection.number_of(&to[..=last]);
            gathering.add(of_source, &shape, number, to, len, canvas);
        }
    }
    gathering.bring(canvas);
    Ok(gathering.missing)
}

struct Gathering<'a> {
    array: &'a VirtualArray,
    touch: &'a Touch<'a>,
    open: &'a OpenArray,
    runs: Vec<Run>,
    missing: Vec<(Region, ReadError)>,
}

impl Gathering<'_> {
    /// Takes in voxels that follow one another in the virtual dataset.
    fn add(
        &mut self,
        of_source: &Selection,
        shape: &Shape,
        mut number: usize,
        mut to: Index,
        mut left: usize,
        canvas: &mut Canvas<'_>,
    ) {
        let (rank, last) = (shape.rank(), canvas.region.rank() - 1);
        while left > 0 {
            let at = of_source.index_at(number);
            let mut len = of_source.run_from(&at[..rank], left).max(1);
            let is_outer_inside = (0..rank.saturating_sub(1)).all(|axis| at[axis] < shape.dims()[axis]);
            let room = match rank.checked_sub(1) {
                Some(axis) if is_outer_inside => shape.dims()[axis].saturating_sub(at[axis]),
                Some(_) => 0,
                None => 1,
            };
            if room == 0 {
                self.miss(&Run { to, at, len }, canvas, &self.short(shape));
            } else {
                len = len.min(room);
                self.runs.push(Run { to, at, len });
            }
            to[last] += len;
            number += len;
            left -= len;
            if self.runs.len() >= MAX_RUNS {
                self.bring(canvas);
            }
        }
    }

    fn short(&self, shape: &Shape) -> ReadError {
        let text = format!("{} holds {shape}, less than the virtual dataset says", self.touch.slot.dataset);
        ReadError::new(ReadErrorKind::Missing, &self.open.path, text).with_code(ReadErrorCode::Short)
    }

    fn miss(&mut self, run: &Run, canvas: &Canvas<'_>, error: &ReadError) {
        let last = canvas.region.rank() - 1;
        let mut stop = run.to;
        stop[..last].iter_mut().for_each(|stop| *stop += 1);
        stop[last] += run.len;
        // Where they are so many, the mapping is missing as a whole.
        if self.missing.len() >= super::read::MAX_BOXES {
            self.missing = canvas.picked(&self.touch.selection).into_iter().map(|part| (part, error.clone())).collect();
        } else if let Some(part) = Region::new(&run.to[..=last], &stop[..=last]) {
            self.missing.push((part, error.clone()));
        }
    }

    /// Brings the runs that have been taken in, as many at once as lie close together.
    fn bring(&mut self, canvas: &mut Canvas<'_>) {
        let runs = std::mem::take(&mut self.runs);
        let item = self.open.dtype().num_bytes();
        let mut rest = &runs[..];
        while let Some(first) = rest.first() {
            let mut around = self.region_of(first);
            let mut num = 1;
            for run in &rest[1..] {
                let wider = joined(&around, &self.region_of(run));
                let num_bytes = wider.shape().num_voxels().unwrap_or(usize::MAX).saturating_mul(item);
                if num_bytes > MAX_BYTES {
                    break;
                }
                around = wider;
                num += 1;
            }
            let (now, later) = rest.split_at(num);
            self.bring_from(&around, now, canvas);
            rest = later;
        }
    }

    fn region_of(&self, run: &Run) -> Region {
        let rank = self.open.shape().rank();
        let mut stop = run.at;
        stop[..rank].iter_mut().for_each(|stop| *stop += 1);
        if let Some(last) = rank.checked_sub(1) {
            stop[last] = run.at[last] + run.len;
        }
        Region::new(&run.at[..rank], &stop[..rank]).unwrap_or_else(|| Region::whole(&Shape::from([])))
    }

    fn bring_from(&mut self, around: &Region, runs: &[Run], canvas: &mut Canvas<'_>) {
        let (stored, dtype) = (self.open.dtype(), canvas.dtype);
        let read = || -> Result<_, ReadError> {
            let num_bytes = |dtype| around.shape().num_bytes(dtype).unwrap_or(usize::MAX);
            let too_large = |text| ReadError::new(ReadErrorKind::Unsupported, &self.open.path, text);
            let mut raw = super::memory(num_bytes(stored)).map_err(too_large)?;
            let filled = self.array.read_source(self.touch, self.open, around, &mut raw, canvas.way)?;
            let mut bytes = super::memory(num_bytes(dtype)).map_err(too_large)?;
            convert(&raw, stored, &mut bytes, dtype);
            Ok((filled, bytes))
        };
        let (filled, bytes) = match read() {
            Ok(read) => read,
            Err(error) => return runs.iter().for_each(|run| self.miss(run, canvas, &error)),
        };
        let item = dtype.num_bytes();
        let (source, target) = (around.shape(), canvas.region.shape());
        for run in runs {
            let at = offset(&source, around.start(), &run.at) * item;
            let to = offset(&target, canvas.region.start(), &run.to) * item;
            let len = run.len * item;
            canvas.buffer[to..to + len].copy_from_slice(&bytes[at..at + len]);
        }
        if let Filled::Except(parts, error) = filled {
            for run in runs {
                let (own, last) = (self.region_of(run), source.rank() - 1);
                for common in parts.iter().filter_map(|part| part.intersect(&own)) {
                    let skipped = common.start()[last] - run.at[last];
                    let mut to = run.to;
                    to[canvas.region.rank() - 1] += skipped;
                    let len = common.stop()[last] - common.start()[last];
                    self.miss(&Run { to, at: run.at, len }, canvas, &error);
                }
            }
        }
    }
}

fn offset(shape: &Shape, origin: &[usize], index: &Index) -> usize {
    shape.dims().iter().enumerate().fold(0, |offset, (axis, &dim)| offset * dim + (index[axis] - origin[axis]))
}

/// The smallest box that holds both.
fn joined(a: &Region, b: &Region) -> Region {
    let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
    for axis in 0..a.rank() {
        start[axis] = a.start()[axis].min(b.start()[axis]);
        stop[axis] = a.stop()[axis].max(b.stop()[axis]);
    }
    Region::new(&start[..a.rank()], &stop[..a.rank()]).unwrap_or(*a)
}
