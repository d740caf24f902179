//! An array whose chunks are bytes of other files: read, or fetched from afar and decoded.

use std::ops::Range;
use std::sync::Arc;

use super::parts::{MEMORY, Memory};
use super::place::Place;
use crate::codec::{self, CodecError, Filter, swap_bytes};
use crate::format::hdf5::{Rows, check_chunk_bytes, fill_with, filled, normalize_bools, place, span, zero};
use crate::format::{Chunk, Fetching, Filled, Found, ReadError, ReadErrorKind, Source, fetch_and_decode};
use crate::volume::{ArrayInfo, Cell, DType, Grid, Location, Problem, Region, copy_region, reverse_axes, runs};

/// The bytes of a chunk.
#[derive(Debug)]
pub(super) struct Stored {
    /// Position in the grid of chunks.
    pub position: u64,
    pub at: At,
}

/// Where they are.
#[derive(Debug)]
pub(super) enum At {
    /// In the reference file itself.
    Inline(Box<[u8]>),
    /// Nowhere: what stands for them makes no sense.
    Nonsense(String),
    /// In a place.
    Piece { place: u32, offset: u64, num_bytes: u64 },
}

/// An array of numbers.
pub(super) struct LindiArray {
    pub info: Arc<ArrayInfo>,
    /// The grid of the stored chunks.
    pub chunks: Grid,
    /// The grid of what is read at once.
    pub parts: Grid,
    pub filters: Vec<Filter>,
    /// Whether the first axis is the fastest within a chunk.
    pub is_by_column: bool,
    pub is_big_endian: bool,
    /// A voxel that no chunk holds, as it would be stored.
    pub fill: Vec<u8>,
    /// Sorted by position, each there once.
    pub stored: Vec<Stored>,
    pub places: Vec<Place>,
    /// The reference file.
    pub file: Location,
    pub found: Found,
    pub is_remote: bool,
}

/// One stored chunk and what of it belongs into a buffer.
pub(super) struct Work<'a> {
    pub stored: Option<&'a Stored>,
    /// All of the chunk, beyond the array too.
    pub whole: Region,
    pub part: Region,
}

/// Where voxels go.
pub(super) struct Target<'b> {
    region: Region,
    buffer: &'b mut [u8],
    missing: Vec<(Region, ReadError)>,
}

impl LindiArray {
    fn item(&self) -> usize {
        self.info.dtype.num_bytes()
    }

    /// Whether a stored chunk is its voxels in their order, so that parts of it can be read.
    fn is_plain(&self) -> bool {
        self.filters.is_empty() && !self.is_by_column
    }

    fn stored_at(&self, position: u64) -> Option<&Stored> {
        // Where nothing is left out, a chunk's place in the list is its position.
        let at =
            usize::try_from(position).ok().filter(|&at| self.stored.get(at).is_some_and(|s| s.position == position));
        let at = at.or_else(|| self.stored.binary_search_by_key(&position, |stored| stored.position).ok());
        self.stored.get(at?)
    }

    pub(super) fn each(&self, region: &Region, mut visit: impl FnMut(Work<'_>)) {
        self.chunks.each(region, |cell: &Cell| {
            let Some(part) = cell.region.intersect(region) else { return };
            let (stored, whole) = (self.stored_at(cell.position), self.chunks.whole_cell(&cell.at));
            visit(Work { stored, whole, part });
        });
    }

    /// The bytes of a stored chunk that are needed; `None` where it holds none of them, an error where it cannot be.
    pub(super) fn needed(&self, work: &Work<'_>, num_bytes: u64) -> Result<Range<u64>, ReadError> {
        let error = |kind, message: &str| Err(self.error(work, kind, message));
        if self.is_plain() {
            let span = span(&work.whole, &work.part, self.item());
            return Ok(num_bytes.min(span.start as u64)..num_bytes.min(span.end as u64));
        }
        let chunk_bytes = work.whole.shape().num_bytes(self.info.dtype).unwrap_or(usize::MAX);
        if let Err(message) = check_chunk_bytes(chunk_bytes) {
            return error(ReadErrorKind::Unsupported, &message);
        }
        // No codec stores more than a little beyond what it was given.
        let most = chunk_bytes.saturating_add(chunk_bytes / 8).saturating_add(64 << 10) as u64;
        if num_bytes == 0 || num_bytes > most {
            return error(ReadErrorKind::Corrupt, "a chunk is said to have an impossible size");
        }
        Ok(0..num_bytes)
    }

    fn error(&self, work: &Work<'_>, kind: ReadErrorKind, message: &str) -> ReadError {
        let file = match work.stored.map(|stored| &stored.at) {
            Some(At::Piece { place, .. }) => &self.places[*place as usize].location,
            _ => &self.file,
        };
        ReadError::new(kind, file, message)
    }

    /// Reads every chunk that a region touches, of places that are not remote.
    fn read_all(&self, target: &mut Target<'_>) {
        MEMORY.with_borrow_mut(|memory| {
            self.each(&target.region.clone(), |work| {
                if let Err(error) = self.read_one(&work, target, memory) {
                    self.lose(&work.part, error, target);
                }
            });
            memory.shrink();
        });
    }

    fn read_one(&self, work: &Work<'_>, target: &mut Target<'_>, memory: &mut Memory) -> Result<(), ReadError> {
        let Some(At::Piece { place: at, offset, num_bytes }) = work.stored.map(|stored| &stored.at) else {
            return self.put_inline(work, target, memory);
        };
        let from = &self.places[*at as usize];
        let needed = self.needed(work, *num_bytes)?;
        let start = offset.checked_add(needed.start);
        let start =
            start.ok_or_else(|| from.error(ReadErrorKind::Corrupt, "a chunk is said to lie at an impossible place"))?;
        let len = (needed.end - needed.start) as usize;
        // Straight to where they belong.
        if self.is_plain()
            && Rows::new(&work.whole, &work.part, self.item()).num_rows == 1
            && let Some(slot) = place(target.buffer, &target.region, &work.part, self.item())
            && slot.len() == len
        {
            return from.read(start, slot);
        }
        let mut stored = std::mem::take(&mut memory.stored);
        let result = codec::reuse(&mut stored, len)
            .map_err(|error| self.codec_error(work, &error))
            .and_then(|bytes| from.read(start, bytes).map(|()| &*bytes))
            .and_then(|bytes| self.put(work, bytes, &needed, target, memory));
        memory.stored = stored;
        result
    }

    /// Puts a chunk where it belongs that is in the reference file, or left out.
    pub(super) fn put_inline(
        &self,
        work: &Work<'_>,
        target: &mut Target<'_>,
        memory: &mut Memory,
    ) -> Result<(), ReadError> {
        match work.stored.map(|stored| &stored.at) {
            None => {
                fill_with(target.buffer, &target.region, &work.part, &self.fill);
                Ok(())
            }
            Some(At::Inline(bytes)) => {
                let needed = self.needed(work, bytes.len() as u64)?;
                self.put(work, &bytes[needed.start as usize..needed.end as usize], &needed, target, memory)
            }
            Some(At::Nonsense(message)) => Err(self.error(work, ReadErrorKind::Corrupt, message)),
            Some(At::Piece { .. }) => Err(self.error(work, ReadErrorKind::Io, "was not fetched")),
        }
    }

    /// Puts the voxels of a chunk where they belong; `bytes` are the `needed` ones of those that are stored.
    pub(super) fn put(
        &self,
        work: &Work<'_>,
        bytes: &[u8],
        needed: &Range<u64>,
        target: &mut Target<'_>,
        memory: &mut Memory,
    ) -> Result<(), ReadError> {
        let (item, whole) = (self.item(), &work.whole);
        if self.is_plain() {
            self.put_plain(work, bytes, needed.start as usize, target);
            return Ok(());
        }
        let Memory { decoded, turned, scratch, .. } = memory;
        let codec_error = |error: CodecError| self.codec_error(work, &error);
        if work.part == *whole
            && !self.is_by_column
            && let Some(slot) = place(target.buffer, &target.region, whole, item)
        {
            return codec::decode(&self.filters, 0, bytes, slot, scratch).map_err(codec_error);
        }
        let chunk_bytes = whole.shape().num_bytes(self.info.dtype).unwrap_or(0);
        let output = codec::reuse(decoded, chunk_bytes).map_err(codec_error)?;
        codec::decode(&self.filters, 0, bytes, output, scratch).map_err(codec_error)?;
        let output = if self.is_by_column {
            let by_row = codec::reuse(turned, chunk_bytes).map_err(codec_error)?;
            let by_column: Vec<usize> = whole.shape().dims().iter().rev().copied().collect();
            reverse_axes(output, &by_column, by_row, item);
            by_row
        } else {
            output
        };
        copy_region(output, whole, target.buffer, &target.region, item);
        Ok(())
    }

    /// Copies rows that are not coded; those that the chunk is too short for are missing.
    fn put_plain(&self, work: &Work<'_>, bytes: &[u8], first: usize, target: &mut Target<'_>) {
        let (item, whole) = (self.item(), &work.whole);
        let (mut part, end) = (work.part, first + bytes.len());
        if span(whole, &part, item).end > end {
            // Along the slowest axis that is more than one deep.
            let axis = (0..part.rank()).find(|&axis| part.stop()[axis] - part.start()[axis] > 1).unwrap_or(0);
            let (start, stop) = (part.start()[axis], part.stop()[axis]);
            let fits = |stop: &usize| span(whole, &work.part.with_axis(axis, start, *stop), item).end <= end;
            let good = (start + 1..=stop).rev().find(fits).unwrap_or(start);
            let error = self.error(work, ReadErrorKind::Corrupt, "a chunk is shorter than its place in the array");
            self.lose(&part.with_axis(axis, good, stop), error, target);
            part = part.with_axis(axis, start, good);
        }
        if part.is_empty() {
            return;
        }
        let runs = runs(&part, whole, &target.region, item);
        let len = runs.num_bytes;
        for [at, to] in runs {
            target.buffer[to..to + len].copy_from_slice(&bytes[at - first..][..len]);
        }
    }

    /// Notes that a part cannot be had.
    pub(super) fn lose(&self, part: &Region, error: ReadError, target: &mut Target<'_>) {
        zero(target.buffer, &target.region, part, self.item());
        target.missing.push((*part, error));
    }

    fn codec_error(&self, work: &Work<'_>, error: &CodecError) -> ReadError {
        self.error(work, error.into(), &error.to_string())
    }

    /// What is read becomes what is delivered.
    pub(super) fn finish(&self, target: Target<'_>) -> Result<Filled, ReadError> {
        if self.is_big_endian {
            swap_bytes(self.item(), target.buffer);
        }
        if self.info.dtype == DType::Bool {
            normalize_bools(target.buffer);
        }
        let result = filled(&target.region, target.missing);
        self.found.look_at(&result);
        result
    }

    pub(super) fn target<'b>(&self, chunk: &Chunk, buffer: &'b mut [u8]) -> Target<'b> {
        Target { region: chunk.region, buffer, missing: Vec::new() }
    }
}

impl Source for LindiArray {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.parts.each(region, |cell| visit(&Chunk { index: cell.position, region: cell.region }));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        let whole = Region::whole(&self.info.shape);
        let row = |index: u64| self.parts.cell_at(index);
        match (row(indices.start), row(indices.end.saturating_sub(1))) {
            (Some(first), Some(last)) => whole.with_axis(0, first.start()[0], last.stop()[0]),
            _ => whole,
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if self.is_remote {
            return fetch_and_decode(self, chunk, buffer);
        }
        let mut target = self.target(chunk, buffer);
        self.read_all(&mut target);
        self.finish(target)
    }

    fn problems(&self) -> Vec<Problem> {
        self.found.all()
    }

    fn inspect(&self) {
        for error in self.places.iter().filter_map(Place::fault) {
            self.found.note(&error);
        }
    }

    fn files(&self) -> Vec<Location> {
        let mut files = vec![self.file.clone()];
        for place in &self.places {
            if !files.contains(&place.location) {
                files.push(place.location.clone());
            }
        }
        files
    }

    fn forget_failures(&self) {
        self.found.forget();
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.is_remote.then_some(self)
    }
}
