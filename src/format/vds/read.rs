//! Reading a region of a virtual dataset: which sources it touches, each read where its voxels belong, and what is
//! left.

use std::sync::Arc;

use super::array::VirtualArray;
use super::canvas::Canvas;
use super::far::Way;
use super::gather;
use super::pairing::{Pairing, boxes_of};
use super::slots::OpenArray;
use super::table::Touch;
use crate::format::hdf5::{convert, is_convertible};
use crate::format::{Filled, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::{MAX_RANK, PieceState, Region, copy_region};

/// Most boxes in which the missing voxels of one mapping are told apart.
pub(super) const MAX_BOXES: usize = 4096;

/// A box of a source may hold this many times what is needed of it, or so many bytes, and is read at once.
const MAX_WASTE: usize = 4;
const SMALL_BYTES: usize = 256 << 10;

impl VirtualArray {
    /// Reads a region into `buffer`, which has exactly its bytes: C order, little-endian. What no mapping covers is
    /// the fill value where the file defines one; what a source lacks is named in the result.
    ///
    /// # Errors
    /// When nothing of the region can be had.
    pub fn read(&self, region: &Region, buffer: &mut [u8], way: &Way<'_>) -> Result<Filled, ReadError> {
        if !self.holds(region, buffer.len()) {
            let text = "the virtual dataset does not reach so far";
            return Err(ReadError::new(ReadErrorKind::Missing, &self.path, text));
        }
        if region.is_empty() {
            return Ok(Filled::All);
        }
        let touches = self.table.touching(region, &self.numbered);
        let header = &self.table.layout.header;
        let mut canvas = Canvas::new(region, header.dtype, header.fill.as_deref(), &touches, buffer, way);
        for touch in &touches {
            let missing = match touch.slot.open(&self.context) {
                Ok(open) => self.draw(touch, &open, &mut canvas),
                Err(error) => {
                    let picked = canvas.picked(&touch.selection);
                    picked.into_iter().map(|part| (part, error.clone())).collect()
                }
            };
            canvas.close(&touch.selection, missing);
        }
        let unmapped = || {
            let text = "no source is mapped to this part, and the file defines no value for it";
            ReadError::new(ReadErrorKind::Missing, &self.path, text)
        };
        canvas.finish(unmapped)
    }

    /// Draws what one mapping has of the region; returns what it has not, and why.
    fn draw(&self, touch: &Touch<'_>, open: &Arc<OpenArray>, canvas: &mut Canvas<'_>) -> Vec<(Region, ReadError)> {
        let all = |canvas: &Canvas<'_>, error: ReadError| {
            canvas.picked(&touch.selection).into_iter().map(|part| (part, error.clone())).collect()
        };
        if !is_convertible(open.dtype(), canvas.dtype) {
            let text = format!("it is {}, which does not become {}", open.dtype(), canvas.dtype);
            return all(canvas, ReadError::new(ReadErrorKind::Unsupported, &open.path, text));
        }
        let shape = open.shape();
        let Some(pairing) = Pairing::of(&touch.selection, touch.of_source, &shape) else {
            return gather::draw(self, touch, open, canvas).unwrap_or_else(|error| all(canvas, error));
        };
        let Some([from, to]) = pairing.positions(&canvas.region) else { return Vec::new() };
        let rank = canvas.region.rank();
        let mut there = to;
        (0..rank).for_each(|axis| there[axis] = to[axis].min(pairing.backed[axis]));
        let mut missing = Vec::new();
        let short = || self.short(touch, open);
        if (0..rank).any(|axis| from[axis] >= there[axis]) {
            let boxes = boxes_of(pairing.of_part, &from[..rank], &to[..rank], MAX_BOXES);
            return boxes.into_iter().map(|part| (part, short())).collect();
        }
        // What lies behind the end of the source, one axis after the other.
        for axis in (0..rank).filter(|&axis| there[axis] < to[axis]) {
            let (mut first, mut end) = (from, to);
            first[axis] = there[axis];
            (0..axis).for_each(|before| end[before] = there[before]);
            let boxes = boxes_of(pairing.of_part, &first[..rank], &end[..rank], MAX_BOXES);
            missing.extend(boxes.into_iter().map(|part| (part, short())));
        }
        let drawing = Drawing { array: self, touch, open, pairing: &pairing };
        drawing.draw(&from[..rank], &there[..rank], canvas, &mut missing);
        missing
    }

    /// A source that holds less than is mapped to it.
    fn short(&self, touch: &Touch<'_>, open: &OpenArray) -> ReadError {
        let is_endless = touch.selection.endless_axis().is_some();
        if !is_endless {
            touch.slot.worsen(PieceState::Partial);
        }
        let (kind, words) = match is_endless {
            true => (ReadErrorKind::NotYetWritten, "which does not reach so far yet"),
            false => (ReadErrorKind::Missing, "less than the virtual dataset says"),
        };
        let text = format!("{} holds {}, {words}", touch.slot.dataset, open.shape());
        ReadError::new(kind, &open.path, text).with_code(ReadErrorCode::Short)
    }

    /// Reads a box of a source in the source's own type. One that has grown since it was opened is opened again.
    pub(super) fn read_source(
        &self,
        touch: &Touch<'_>,
        open: &OpenArray,
        region: &Region,
        buffer: &mut [u8],
        way: &Way<'_>,
    ) -> Result<Filled, ReadError> {
        let result = open.read(region, buffer, way);
        match result {
            Err(error) if error.kind == ReadErrorKind::NotYetWritten => {
                let again = touch.slot.open_again(&self.context)?;
                let is_alike = again.dtype() == open.dtype()
                    && again.shape().rank() == region.rank()
                    && again.shape().dims().iter().zip(region.stop()).all(|(dim, stop)| dim >= stop);
                if is_alike { again.read(region, buffer, way) } else { Err(error) }
            }
            Ok(Filled::Except(..)) => {
                touch.slot.worsen(PieceState::Partial);
                result
            }
            Err(error) => {
                let state =
                    if error.kind == ReadErrorKind::Missing { PieceState::Partial } else { PieceState::Damaged };
                touch.slot.worsen(state);
                Err(error)
            }
            Ok(Filled::All) => result,
        }
    }
}

/// One mapping whose axes correspond to its source's, being drawn.
struct Drawing<'a> {
    array: &'a VirtualArray,
    touch: &'a Touch<'a>,
    open: &'a OpenArray,
    pairing: &'a Pairing<'a>,
}

impl Drawing<'_> {
    /// Draws these positions, in halves where what lies between them is much more than they are.
    fn draw(&self, from: &[usize], to: &[usize], canvas: &mut Canvas<'_>, missing: &mut Vec<(Region, ReadError)>) {
        let pairing = self.pairing;
        let source = pairing.of_source(from, to);
        let item = self.open.dtype().num_bytes();
        let num_wanted = from.iter().zip(to).fold(item, |n, (from, to)| n.saturating_mul(to - from));
        let num_read = source.shape().num_bytes(self.open.dtype()).unwrap_or(usize::MAX);
        if num_read > SMALL_BYTES && num_read / MAX_WASTE > num_wanted {
            let spread = |axis: usize| {
                let pair = pairing.pairs[axis].filter(|&pair| to[pair] - from[pair] > 1)?;
                let len = source.stop()[axis] - source.start()[axis];
                Some((len / (to[pair] - from[pair]), pair))
            };
            if let Some((_, axis)) = (0..source.rank()).filter_map(spread).max() {
                let middle = from[axis] + (to[axis] - from[axis]) / 2;
                let (mut end, mut begin) = ([0; MAX_RANK], [0; MAX_RANK]);
                end[..to.len()].copy_from_slice(to);
                begin[..from.len()].copy_from_slice(from);
                (end[axis], begin[axis]) = (middle, middle);
                self.draw(from, &end[..to.len()], canvas, missing);
                return self.draw(&begin[..from.len()], to, canvas, missing);
            }
        }
        match self.draw_box(&source, from, to, canvas) {
            Ok(Filled::All) => {}
            Ok(Filled::Except(parts, error)) => {
                let within = parts.iter().filter_map(|part| pairing.within(part, from, to));
                let boxes = within.flat_map(|[first, end]| {
                    boxes_of(pairing.of_part, &first[..from.len()], &end[..to.len()], MAX_BOXES)
                });
                missing.extend(boxes.map(|part| (part, error.clone())));
            }
            Err(error) => {
                let boxes = boxes_of(pairing.of_part, from, to, MAX_BOXES);
                missing.extend(boxes.into_iter().map(|part| (part, error.clone())));
            }
        }
    }

    fn draw_box(
        &self,
        source: &Region,
        from: &[usize],
        to: &[usize],
        canvas: &mut Canvas<'_>,
    ) -> Result<Filled, ReadError> {
        let pairing = self.pairing;
        let (stored, dtype) = (self.open.dtype(), canvas.dtype);
        let is_run = |sets: &[super::axis_set::AxisSet], pairs: &dyn Fn(usize) -> Option<usize>| {
            (0..sets.len()).all(|axis| pairs(axis).is_none_or(|pair| sets[axis].is_run(from[pair], to[pair])))
        };
        let is_box = is_run(pairing.of_part, &Some);
        let is_whole = is_run(&pairing.of_source, &|axis| pairing.pairs[axis]);
        let target = boxes_of(pairing.of_part, from, to, 1);
        let [target] = target[..] else {
            let text = "is mapped to no place that there can be";
            return Err(ReadError::new(ReadErrorKind::Unsupported, &self.open.path, text));
        };
        if is_box && is_whole && stored == dtype && target == canvas.region {
            return self.array.read_source(self.touch, self.open, source, canvas.buffer, canvas.way);
        }
        let num_bytes = |dtype| source.shape().num_bytes(dtype).unwrap_or(usize::MAX);
        let mut raw = super::memory(num_bytes(stored)).map_err(|text| self.too_large(text))?;
        let filled = self.array.read_source(self.touch, self.open, source, &mut raw, canvas.way)?;
        let bytes = if stored == dtype {
            raw
        } else {
            let mut converted = super::memory(num_bytes(dtype)).map_err(|text| self.too_large(text))?;
            convert(&raw, stored, &mut converted, dtype);
            converted
        };
        if is_box && is_whole {
            copy_region(&bytes, &target, canvas.buffer, &canvas.region, dtype.num_bytes());
        } else {
            self.pick(&bytes, source, from, to, canvas);
        }
        Ok(filled)
    }

    fn too_large(&self, text: &str) -> ReadError {
        ReadError::new(ReadErrorKind::Unsupported, &self.open.path, text)
    }

    /// Copies single voxels from a box of the source to where they belong.
    fn pick(&self, bytes: &[u8], source: &Region, from: &[usize], to: &[usize], canvas: &mut Canvas<'_>) {
        let pairing = self.pairing;
        let (rank, item) = (from.len(), canvas.dtype.num_bytes());
        // For each axis the distance in bytes of every position, in the source's box and in the region.
        let mut offsets: Vec<Vec<[usize; 2]>> = (0..rank).map(|axis| vec![[0, 0]; to[axis] - from[axis]]).collect();
        let mut stride = item;
        for axis in (0..source.rank()).rev() {
            if let Some(pair) = pairing.pairs[axis] {
                for (position, offset) in (from[pair]..to[pair]).zip(&mut offsets[pair]) {
                    offset[0] = (pairing.of_source[axis].at(position) - source.start()[axis]) * stride;
                }
            }
            stride *= source.stop()[axis] - source.start()[axis];
        }
        let mut stride = item;
        for axis in (0..rank).rev() {
            for (position, offset) in (from[axis]..to[axis]).zip(&mut offsets[axis]) {
                offset[1] = (pairing.of_part[axis].at(position) - canvas.region.start()[axis]) * stride;
            }
            stride *= canvas.region.stop()[axis] - canvas.region.start()[axis];
        }
        let counts: Vec<usize> = offsets.iter().map(Vec::len).collect();
        let Some((row, counts)) = offsets.last().zip(crate::volume::Shape::new(&counts)) else { return };
        let rows = Region::whole(&counts).with_axis(rank - 1, 0, 1);
        for index in rows.indices() {
            let [mut at, mut to] = [0, 0];
            for axis in 0..rank - 1 {
                let offset = offsets[axis][index[axis]];
                (at, to) = (at + offset[0], to + offset[1]);
            }
            for offset in row {
                canvas.buffer[to + offset[1]..][..item].copy_from_slice(&bytes[at + offset[0]..][..item]);
            }
        }
    }
}
