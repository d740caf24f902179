//! Reading chunk bytes from the file and decoding them, without the library and without its lock.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::chunks::{Entry, grid};
use super::external::RawFiles;
use super::file::{ReadAt, read_error};
use super::header::Layout;
use super::index::{CUT_OFF, Index, MISPLACED, Storage};
use super::rows::{Rows, fill_with, filled, normalize_bools, place, span, zero};
use crate::codec::{self, CodecError, Filter, Scratch, blosc, swap_bytes};
use crate::format::{Filled, ReadError, ReadErrorKind};
use crate::volume::{DType, Region, Shape, copy_region, runs};

/// Whether a chunk of this size may be decoded whole: as memory allows, in any case 1 GiB, never more than
/// the 4 GiB that the format allowed for long. Said before anything of it is read.
pub fn check_chunk_bytes(num_bytes: usize) -> Result<(), String> {
    const LEAST: u64 = 1 << 30;
    const MOST: u64 = 4 << 30;
    static LIMIT: OnceLock<u64> = OnceLock::new();
    let limit = *LIMIT.get_or_init(|| {
        let memory = sysinfo::System::new().map_or(0, |mut system| {
            system.refresh_memory();
            system.total_memory()
        });
        (memory / 8).clamp(LEAST, MOST)
    });
    if num_bytes as u64 <= limit {
        return Ok(());
    }
    let gib = |num_bytes: u64| num_bytes as f64 / (1 << 30) as f64;
    Err(format!(
        "is stored in chunks of {:.1} GiB, which have to be decoded whole; up to {:.1} GiB are on this machine",
        gib(num_bytes as u64),
        gib(limit)
    ))
}

/// Chunks larger than this are decoded one at a time, so that the memory of a few does not add up.
const HUGE_CHUNK_BYTES: usize = 128 << 20;
static HUGE: Mutex<()> = Mutex::new(());

/// Memory that a thread keeps between reads; what a rare huge chunk needs beyond goes back at once.
const MAX_KEPT_BYTES: usize = 48 << 20;

/// Gaps up to this size are read over rather than jumped.
const MAX_GAP_BYTES: usize = 16 << 10;

/// Most bytes read at once where rows lie apart.
const MAX_SPAN_BYTES: usize = 1 << 20;

#[derive(Default)]
struct Memory {
    table: Vec<u8>,
    stored: Vec<u8>,
    decoded: Vec<u8>,
    scratch: Scratch,
}

impl Memory {
    fn shrink(&mut self) {
        for memory in [&mut self.table, &mut self.stored, &mut self.decoded] {
            if memory.capacity() > MAX_KEPT_BYTES {
                *memory = Vec::new();
            }
        }
        self.scratch.shrink(MAX_KEPT_BYTES);
    }
}

thread_local! {
    /// Touched before, so that decoding does not wait for page faults.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// One array in one open file.
pub struct Reader<'a> {
    pub path: &'a Arc<Path>,
    pub file: &'a dyn ReadAt,
    pub index: &'a Index,
    /// What stands for what was never written, little-endian; without it that is missing.
    pub fill: Option<&'a [u8]>,
}

impl Reader<'_> {
    /// Reads a region that lies inside the array. `Ok(None)` where only the library can.
    pub fn read(&self, region: &Region, buffer: &mut [u8]) -> Result<Option<Filled>, ReadError> {
        let header = &self.index.header;
        if !header.is_decodable() {
            return Ok(None);
        }
        let missing = match (&self.index.storage, &header.layout) {
            (Storage::Library(_), _) => return Ok(None),
            (Storage::External, Layout::External(pieces)) => {
                let whole = Region::whole(&header.shape);
                RawFiles::new(self.path, pieces).read(&whole, region, buffer, header.dtype.num_bytes())
            }
            (Storage::External, _) => return Ok(None),
            (Storage::Contiguous(None), _) if self.fill.is_some() => {
                self.fill(region, buffer, region);
                Vec::new()
            }
            (Storage::Contiguous(None), _) => {
                let error = self.error(ReadErrorKind::Missing, "was never written");
                buffer.fill(0);
                vec![(*region, error)]
            }
            (Storage::Contiguous(Some(offset)), _) => {
                let result = self.plain(*offset, &Region::whole(&header.shape), region, buffer, region);
                match result {
                    Ok(()) => Vec::new(),
                    Err(error) => self.intact_rows(*offset, region, buffer, error),
                }
            }
            (Storage::Chunks(_), Layout::Chunked(chunk)) => MEMORY.with_borrow_mut(|memory| {
                let missing = self.chunks(chunk, region, buffer, memory);
                memory.shrink();
                missing
            })?,
            (Storage::Chunks(_), _) => return Ok(None),
        };
        self.finished(region, buffer, missing).map(Some)
    }

    /// The outcome of reading a region whose bytes are in `buffer` as they are stored, but for what is missing.
    pub fn finished(
        &self,
        region: &Region,
        buffer: &mut [u8],
        missing: Vec<(Region, ReadError)>,
    ) -> Result<Filled, ReadError> {
        let header = &self.index.header;
        if header.is_big_endian {
            swap_bytes(header.dtype.num_bytes(), buffer);
        }
        if header.dtype == DType::Bool {
            normalize_bools(buffer);
        }
        filled(region, missing)
    }

    /// Reads every chunk the region touches; what cannot be had is zeroed and returned with the reason.
    fn chunks(
        &self,
        chunk: &Shape,
        region: &Region,
        buffer: &mut [u8],
        memory: &mut Memory,
    ) -> Result<Vec<(Region, ReadError)>, ReadError> {
        let header = &self.index.header;
        let mut missing = Vec::new();
        let grid = grid(&header.shape, chunk);
        grid.try_each(region, |cell| {
            let Some(part) = cell.region.intersect(region) else { return Ok(()) };
            let result = match self.index.entry(cell.position) {
                Some(entry) => self.chunk(entry, &grid.whole_cell(&cell.at), &part, region, buffer, memory),
                None if self.index.is_complete && self.fill.is_some() => {
                    self.fill(region, buffer, &part);
                    Ok(())
                }
                None if self.index.is_complete => Err(self.error(ReadErrorKind::Missing, "was never written")),
                None => Err(self.error(ReadErrorKind::Corrupt, "the file's list of chunks is cut off or damaged")),
            };
            match result {
                Err(error) if error.kind == ReadErrorKind::Unsupported => return Err(error),
                Err(error) => {
                    zero(buffer, region, &part, header.dtype.num_bytes());
                    missing.push((part, error));
                }
                Ok(()) => {}
            }
            Ok(())
        })?;
        Ok(missing)
    }

    /// Puts the fill value at every place of `part`, as the file would have stored it.
    fn fill(&self, region: &Region, buffer: &mut [u8], part: &Region) {
        let Some(mut value) = self.fill.map(<[u8]>::to_vec) else { return };
        if self.index.header.is_big_endian {
            value.reverse();
        }
        fill_with(buffer, region, part, &value);
    }

    /// Reads `part` of the chunk `whole` into its place in the buffer of `region`.
    fn chunk(
        &self,
        entry: &Entry,
        whole: &Region,
        part: &Region,
        region: &Region,
        buffer: &mut [u8],
        memory: &mut Memory,
    ) -> Result<(), ReadError> {
        let header = &self.index.header;
        let item = header.dtype.num_bytes();
        let chunk_bytes = whole.shape().num_bytes(header.dtype).unwrap_or(usize::MAX);
        let stored_bytes = entry.num_bytes as usize;
        if entry.offset.checked_add(stored_bytes as u64).is_none_or(|end| end > self.index.stamp.num_bytes) {
            return Err(self.error(ReadErrorKind::Corrupt, CUT_OFF));
        }
        // No codec stores more than a little beyond what it was given.
        if stored_bytes == 0 || stored_bytes > chunk_bytes.saturating_add(chunk_bytes / 8).saturating_add(64 << 10) {
            return Err(self.error(ReadErrorKind::Corrupt, MISPLACED));
        }
        let is_skipped = |i: usize| i < 32 && entry.mask & (1 << i) != 0;
        if (0..header.filters.len()).all(is_skipped) {
            if stored_bytes != chunk_bytes {
                return Err(self.error(ReadErrorKind::Corrupt, "an uncoded chunk has a wrong size"));
            }
            return self.plain(entry.offset, whole, part, buffer, region);
        }
        if header.filters == [Filter::Blosc] && self.blosc(entry, whole, part, region, buffer, memory)? {
            return Ok(());
        }
        check_chunk_bytes(chunk_bytes).map_err(|message| self.error(ReadErrorKind::Unsupported, &message))?;
        let Memory { stored, decoded, scratch, .. } = memory;
        let stored = self.reuse(stored, stored_bytes)?;
        self.read_at(stored, entry.offset)?;
        let mut decode = |output: &mut [u8]| {
            codec::decode(&header.filters, entry.mask, stored, output, scratch)
                .map_err(|error| self.codec_error(&error))
        };
        if let Some(place) = place(buffer, region, whole, item).filter(|_| whole == part) {
            return decode(place);
        }
        let _alone = (chunk_bytes > HUGE_CHUNK_BYTES).then(|| HUGE.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = self.reuse(decoded, chunk_bytes)?;
        decode(bytes)?;
        copy_region(bytes, whole, buffer, region, item);
        if chunk_bytes > HUGE_CHUNK_BYTES {
            *decoded = Vec::new();
        }
        Ok(())
    }

    /// Decodes only the blocks of a blosc chunk that `part` lies in. `false` where that is most of the
    /// chunk, and so no gain.
    fn blosc(
        &self,
        entry: &Entry,
        whole: &Region,
        part: &Region,
        region: &Region,
        buffer: &mut [u8],
        memory: &mut Memory,
    ) -> Result<bool, ReadError> {
        const FIRST_READ_BYTES: usize = 4096;
        let item = self.index.header.dtype.num_bytes();
        let range = span(whole, part, item);
        let chunk_bytes = whole.shape().num_voxels().unwrap_or(0) * item;
        if range.len() > chunk_bytes / 4 * 3 {
            return Ok(false);
        }
        let codec_error = |error: CodecError| self.codec_error(&error);
        let stored_bytes = entry.num_bytes as usize;
        let Memory { table, stored, decoded, .. } = memory;
        let mut first = self.reuse(table, stored_bytes.min(FIRST_READ_BYTES))?;
        self.read_at(first, entry.offset)?;
        let header = blosc::Header::parse(first, chunk_bytes).map_err(codec_error)?;
        let table_bytes = blosc::Partial::table_bytes(&header);
        if table_bytes > stored_bytes {
            return Err(self.error(ReadErrorKind::Corrupt, "blosc data end too early"));
        }
        if table_bytes > first.len() {
            first = self.reuse(table, table_bytes)?;
            self.read_at(first, entry.offset)?;
        }
        let table = &first[..table_bytes];
        let partial = blosc::Partial::plan(header, table, stored_bytes, range.clone()).map_err(codec_error)?;
        let input = self.reuse(stored, partial.num_bytes())?;
        input[..table_bytes].copy_from_slice(table);
        let mut at = partial.reads_at();
        // Blocks that lie one behind the other are read together.
        let mut reads = partial.reads().iter().cloned().peekable();
        while let Some(mut read) = reads.next() {
            while let Some(next) = reads.next_if(|next| next.start == read.end) {
                read.end = next.end;
            }
            self.read_at(&mut input[at..at + read.len()], entry.offset + read.start as u64)?;
            at += read.len();
        }
        let decoded_range = partial.decoded_range();
        if decoded_range == range
            && let Some(place) = place(buffer, region, part, item)
            && place.len() == range.len()
        {
            partial.decode(input, place).map_err(codec_error)?;
            return Ok(true);
        }
        let output = self.reuse(decoded, decoded_range.len())?;
        partial.decode(input, output).map_err(codec_error)?;
        let skip = range.start - decoded_range.start;
        let runs = runs(part, whole, region, item);
        let len = runs.num_bytes;
        for [at, to] in runs {
            buffer[to..to + len].copy_from_slice(&output[skip + at - range.start..][..len]);
        }
        Ok(true)
    }

    /// Reads `part` of an uncoded box `whole` that starts at `offset` of the file.
    fn plain(
        &self,
        offset: u64,
        whole: &Region,
        part: &Region,
        buffer: &mut [u8],
        region: &Region,
    ) -> Result<(), ReadError> {
        let item = self.index.header.dtype.num_bytes();
        let range = span(whole, part, item);
        let end = offset.checked_add(range.end as u64);
        if end.is_none_or(|end| end > self.index.stamp.num_bytes) {
            return Err(self.error(ReadErrorKind::Corrupt, CUT_OFF));
        }
        let rows = Rows::new(whole, part, item);
        if rows.num_rows == 1
            && let Some(place) = place(buffer, region, part, item)
        {
            return self.read_at(place, offset + range.start as u64);
        }
        let runs = runs(part, whole, region, item);
        let len = runs.num_bytes;
        if rows.gap > MAX_GAP_BYTES {
            for [at, to] in runs {
                self.read_at(&mut buffer[to..to + len], offset + at as u64)?;
            }
            return Ok(());
        }
        // Rows that lie close are read together and picked out of a window that moves along.
        MEMORY_SPAN.with_borrow_mut(|memory| {
            let mut window = 0..0;
            for [at, to] in runs {
                if at < window.start || at + len > window.end {
                    window = at..(at + len.max(MAX_SPAN_BYTES)).min(range.end);
                    let memory = self.reuse(memory, window.len())?;
                    self.read_at(memory, offset + window.start as u64)?;
                }
                buffer[to..to + len].copy_from_slice(&memory[at - window.start..][..len]);
            }
            Ok(())
        })
    }

    /// Of contiguous data whose end is cut off, reads the steps of the first axis that are there.
    fn intact_rows(
        &self,
        offset: u64,
        region: &Region,
        buffer: &mut [u8],
        error: ReadError,
    ) -> Vec<(Region, ReadError)> {
        let header = &self.index.header;
        let item = header.dtype.num_bytes();
        let whole = Region::whole(&header.shape);
        buffer.fill(0);
        let mut lost = *region;
        // The first axis that is cut more than one deep is where a part can be saved.
        for axis in 0..region.rank() {
            let (start, stop) = (lost.start()[axis], lost.stop()[axis]);
            let is_there = |stop: usize| {
                let range = span(&whole, &lost.with_axis(axis, start, stop), item);
                offset.checked_add(range.end as u64).is_some_and(|end| end <= self.index.stamp.num_bytes)
            };
            let (mut good, mut bad) = (start, stop);
            while bad - good > 1 {
                let middle = good + (bad - good) / 2;
                if is_there(middle) { good = middle } else { bad = middle }
            }
            if good > start {
                let part = lost.with_axis(axis, start, good);
                if self.plain(offset, &whole, &part, buffer, region).is_ok() {
                    lost = lost.with_axis(axis, good, stop);
                }
                break;
            }
            if stop - start > 1 {
                break;
            }
        }
        zero(buffer, region, &lost, item);
        vec![(lost, error)]
    }

    fn reuse<'m>(&self, memory: &'m mut Vec<u8>, len: usize) -> Result<&'m mut [u8], ReadError> {
        codec::reuse(memory, len).map_err(|error| self.codec_error(&error))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        self.file.read_at(buffer, offset).map_err(|error: io::Error| read_error(self.path, &error))
    }

    fn error(&self, kind: ReadErrorKind, message: &str) -> ReadError {
        ReadError::new(kind, self.path, message)
    }

    fn codec_error(&self, error: &CodecError) -> ReadError {
        ReadError::new(error.into(), self.path, error.to_string())
    }
}

thread_local! {
    static MEMORY_SPAN: RefCell<Vec<u8>> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use super::check_chunk_bytes;

    #[test]
    fn a_gibibyte_is_always_decoded_and_more_than_four_never() {
        assert!(check_chunk_bytes(1 << 30).is_ok());
        assert!(check_chunk_bytes((4 << 30) + 1).is_err());
    }
}
