//! An array of a file behind a URL: what its chunks are stored as is fetched, and decoded as if it had been read
//! from a file of this machine.

use std::io;
use std::ops::Range;
use std::time::Instant;

use super::H5Array;
use super::chunks::grid;
use super::direct::Reader;
use super::external::RawFiles;
use super::file::ReadAt;
use super::header::Layout;
use super::index::{Index, Storage};
use super::rows::span;
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, Patience, ReadError, ReadErrorKind, fetching,
};
use crate::volume::Region;

/// Bytes for why a bare file cannot be had.
const MAX_WORDS: usize = 4096;

/// Ranges of a file and what lies there, in order of their place.
struct Parts<'a> {
    ranges: &'a [Range<u64>],
    pieces: &'a [Vec<u8>],
}

impl ReadAt for Parts<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let found = self.ranges.partition_point(|range| range.end <= offset);
        let stored = self.ranges.get(found).zip(self.pieces.get(found)).and_then(|(range, piece)| {
            let at = usize::try_from(offset.checked_sub(range.start)?).ok()?;
            piece.get(at..at.checked_add(buffer.len())?)
        });
        buffer.copy_from_slice(stored.ok_or_else(|| io::Error::other("this part was not fetched"))?);
        Ok(())
    }
}

impl H5Array {
    /// Its two halves of reading, where the file lies behind a URL: for chunks whose regions are the array's own.
    pub fn fetching(&self) -> Option<&dyn Fetching> {
        self.far.is_some().then_some(self as &dyn Fetching)
    }

    /// Fetches and decodes, one after the other.
    pub(super) fn read_afar(&self, region: &Region, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let chunk = Chunk { index: 0, region: *region };
        let cancel = Cancel::new();
        let fetched = fetching::tried(&Patience::VIEW, &cancel, &mut |until| self.fetch(&chunk, until, &cancel));
        let given_up = || Err(self.error(ReadErrorKind::Io, "fetching was given up"));
        self.decode(&chunk, &fetched.unwrap_or_else(given_up)?, buffer)
    }
}

/// Whether only the library can read it. It is never let at bare files, which it would look for on this machine.
fn is_for_library(index: &Index) -> bool {
    let is_elsewhere = matches!(index.storage, Storage::External);
    !is_elsewhere && (!index.header.is_decodable() || matches!(index.storage, Storage::Library(_)))
}

/// The bytes of an array in bare files that a region lies between.
fn raw_span(index: &Index, region: &Region) -> Range<u64> {
    let span = span(&Region::whole(&index.header.shape), region, index.header.dtype.num_bytes());
    span.start as u64..span.end as u64
}

/// Where what is stored of a region lies, in order of place. What cannot be true is left out: the reader says so.
fn ranges(index: &Index, region: &Region) -> Vec<Range<u64>> {
    let header = &index.header;
    let item = header.dtype.num_bytes();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    match (&index.storage, &header.layout) {
        (Storage::Contiguous(Some(offset)), _) => {
            let span = span(&Region::whole(&header.shape), region, item);
            let end = offset.saturating_add(span.end as u64).min(index.stamp.num_bytes);
            ranges.push(offset.saturating_add(span.start as u64)..end);
        }
        (Storage::Chunks(_), Layout::Chunked(chunk)) => {
            let chunk_bytes = chunk.num_bytes(header.dtype).unwrap_or(usize::MAX);
            // No codec stores more than a little beyond what it was given.
            let most = chunk_bytes.saturating_add(chunk_bytes / 8).saturating_add(64 << 10) as u64;
            let grid = grid(&header.shape, chunk);
            grid.each(region, |cell| {
                let Some(entry) = index.entry(cell.position).filter(|entry| u64::from(entry.num_bytes) <= most) else {
                    return;
                };
                let mut range = entry.offset..entry.offset.saturating_add(u64::from(entry.num_bytes));
                let is_plain = (0..header.filters.len()).all(|i| i < 32 && entry.mask & (1 << i) != 0);
                if let Some(part) = cell.region.intersect(region).filter(|_| is_plain) {
                    let span = span(&grid.whole_cell(&cell.at), &part, item);
                    range = range.start.saturating_add(span.start as u64)..range.start.saturating_add(span.end as u64);
                }
                ranges.push(range);
            });
        }
        _ => {}
    }
    ranges.retain(|range| range.start < range.end && range.end <= index.stamp.num_bytes);
    ranges.sort_unstable_by_key(|range| range.start);
    ranges
}

impl Fetching for H5Array {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        let index = self.current();
        match is_for_library(&index) {
            true => chunk.region.shape().num_bytes(index.header.dtype).unwrap_or(0),
            false if let Layout::External(pieces) = &index.header.layout => {
                let span = raw_span(&index, &chunk.region);
                (span.end - span.start) as usize + pieces.len() * MAX_WORDS
            }
            false => ranges(&index, &chunk.region).iter().map(|range| (range.end - range.start) as usize).sum(),
        }
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        let Some(file) = &self.far else {
            return Err(FetchError::Lasting(self.error(ReadErrorKind::Io, "is a file of this machine")));
        };
        let index = self.current();
        if is_for_library(&index) {
            let mut bytes = vec![0; chunk.region.shape().num_bytes(index.header.dtype).unwrap_or(0)];
            self.read_through_library(&chunk.region, &mut bytes).map_err(FetchError::Lasting)?;
            return Ok(Fetched { pieces: vec![bytes] });
        }
        if let Layout::External(pieces) = &index.header.layout {
            return file.fetch_raw(pieces, &raw_span(&index, &chunk.region), until, cancel);
        }
        let ranges = ranges(&index, &chunk.region);
        if ranges.is_empty() {
            return Ok(Fetched::default());
        }
        let pieces = file.store().ranges("", &ranges, until, cancel)?;
        let gone = || FetchError::Lasting(self.error(ReadErrorKind::Missing, "the server has the file no more"));
        Ok(Fetched { pieces: pieces.ok_or_else(gone)? })
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.check(&chunk.region, buffer)?;
        let index = self.current();
        if is_for_library(&index) {
            let piece = fetched.pieces.first().filter(|piece| piece.len() == buffer.len());
            let read = &mut |buffer: &mut [u8]| {
                let piece = piece.ok_or_else(|| self.error(ReadErrorKind::Io, "was not fetched"))?;
                buffer.copy_from_slice(piece);
                Ok(())
            };
            return self.read_allocated(&index, &chunk.region, buffer, read);
        }
        let ranges = ranges(&index, &chunk.region);
        let parts = Parts { ranges: &ranges, pieces: &fetched.pieces };
        let reader = Reader { path: &self.path, file: &parts, index: &index, fill: self.fill() };
        if let (Layout::External(pieces), Some(far), true) =
            (&index.header.layout, &self.far, index.header.is_decodable())
        {
            let whole = Region::whole(&index.header.shape);
            let mut files = RawFiles::fetched(far, pieces, &raw_span(&index, &chunk.region), &fetched.pieces);
            let missing = files.read(&whole, &chunk.region, buffer, index.header.dtype.num_bytes());
            return reader.finished(&chunk.region, buffer, missing);
        }
        let unsupported = || self.error(ReadErrorKind::Unsupported, "is stored in a way that is not read from afar");
        reader.read(&chunk.region, buffer)?.ok_or_else(unsupported)
    }
}
