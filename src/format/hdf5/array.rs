//! One array in one file, read in any region while others read theirs.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::afar::{FarFile, file_at};
use super::direct::Reader;
use super::file::{Stamp, open_shared, read_error};
use super::header::{Header, Layout};
use super::index::{Index, Storage};
use super::library::locked;
use super::rows::{filled, zero};
use super::{chunks, fallback, plugins};
use crate::codec::Filter;
use crate::format::{Filled, FormatError, ReadError, ReadErrorKind};
use crate::volume::{MAX_RANK, Region, Shape};

/// Parts of a chunk smaller than this are not worth a read of their own.
const MIN_PART_BYTES: usize = 128 << 10;

/// Parts larger than this make the first picture wait.
const MAX_PART_BYTES: usize = 4 << 20;

/// How often a read starts again because the file changed under it.
const MAX_ATTEMPTS: usize = 3;

/// The bytes of one chunk in its file, as the file's index has them: nothing of it has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredChunk {
    /// Position in the grid of chunks, in C order.
    pub position: u64,
    /// Where they start.
    pub offset: u64,
    /// How many.
    pub num_bytes: usize,
    /// Which filters were skipped, bit i for filter i.
    pub filter_mask: u32,
}

/// One array in one file, with its chunk index; the file is closed between calls.
#[derive(Debug)]
pub struct H5Array {
    pub(super) path: Arc<Path>,
    header: Header,
    parts: Shape,
    index: RwLock<Arc<Index>>,
    /// Whether what was never written has the file's fill value, rather than none.
    has_fill: bool,
    /// Held while indexing again, so that one thread does it for all.
    reindexing: Mutex<()>,
    /// Where the file lies behind a URL.
    pub(super) far: Option<Arc<FarFile>>,
}

impl H5Array {
    /// Reads header and chunk index of `name` in one opening, then closes the file.
    ///
    /// # Errors
    /// When the file or the array cannot be read: the message says what is wrong.
    pub fn open(path: &Path, name: &str) -> Result<Self, FormatError> {
        let index = Index::read(path, name)?;
        Ok(Self {
            path: path.into(),
            header: index.header.clone(),
            parts: parts_of(&index),
            index: RwLock::new(Arc::new(index)),
            has_fill: false,
            reindexing: Mutex::new(()),
            far: file_at(path),
        })
    }

    /// The same, read so that what was never written has the value which the file defines for it
    /// ([`Header::fill`]); where it defines none, and without this, it is missing.
    #[must_use]
    pub fn with_fill(mut self) -> Self {
        self.has_fill = true;
        self
    }

    /// What the file says of the array.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// State of the file when it was last indexed.
    pub fn stamp(&self) -> Stamp {
        self.current().stamp
    }

    /// Stored chunks that were written, and those that make up the array.
    pub fn allocation(&self) -> (u64, u64) {
        self.current().allocation()
    }

    /// Whether every chunk is there and the file is as long as it says: nothing more is coming.
    pub fn is_whole(&self) -> bool {
        self.current().is_whole()
    }

    /// Up to and with the last index along an axis at which all was written: its writer came no further.
    pub fn written_len(&self, axis: usize) -> usize {
        let index = self.current();
        let dim = self.header.shape.dims().get(axis).copied().unwrap_or(0);
        let (Storage::Chunks(entries), Layout::Chunked(chunk)) = (&index.storage, &self.header.layout) else {
            return if index.allocation().0 > 0 { dim } else { 0 };
        };
        let grid = super::chunks::grid(&self.header.shape, chunk);
        let counts = grid.counts().dims();
        let inner: u64 = counts[axis + 1..].iter().map(|&num| num as u64).product();
        let along = counts[axis].max(1) as u64;
        let is_there = |entry: &&super::chunks::Entry| {
            entry.offset.saturating_add(u64::from(entry.num_bytes)) <= index.stamp.num_bytes
        };
        // Rows that were begun alone: as many as the file claims would not fit into memory.
        let mut counts: HashMap<u64, u64> = HashMap::new();
        for entry in entries.iter().filter(is_there) {
            *counts.entry(entry.position / inner.max(1) % along).or_default() += 1;
        }
        let wanted = self.header.num_chunks() / along;
        let last = counts.iter().filter(|&(_, &count)| count >= wanted).map(|(&row, _)| row as usize).max();
        last.map_or(0, |row| (row + 1).saturating_mul(chunk.dims()[axis]).min(dim))
    }

    /// Where the stored chunks lie in the file, in the order of the array; empty where it has none.
    pub fn stored_chunks(&self) -> Vec<StoredChunk> {
        match &self.current().storage {
            Storage::Chunks(entries) => entries
                .iter()
                .map(|entry| StoredChunk {
                    position: entry.position,
                    offset: entry.offset,
                    num_bytes: entry.num_bytes as usize,
                    filter_mask: entry.mask,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Where an array in one piece begins in its file; `None` where it is in no such piece, or was never written.
    pub fn contiguous_offset(&self) -> Option<u64> {
        match self.current().storage {
            Storage::Contiguous(offset) => offset,
            _ => None,
        }
    }

    /// Whether its bytes lie in its file where this says: in chunks or in one piece, or nowhere yet.
    pub fn is_placed(&self) -> bool {
        matches!(self.current().storage, Storage::Contiguous(_) | Storage::Chunks(_))
    }

    /// Memory of the index, for budgets.
    pub fn num_bytes(&self) -> usize {
        self.current().num_bytes()
    }

    /// Grid step in which reads are cheapest: a stored chunk, or a part of it that can be decoded alone.
    /// Beyond the array only along an axis that may grow: it is the same then in every state.
    pub fn parts(&self) -> Shape {
        self.parts
    }

    /// What the array is stored with and nobody here can undo, in words.
    pub fn missing_filter(&self) -> Option<String> {
        let filters = &self.header.filters;
        if !filters.iter().any(|filter| matches!(filter, Filter::Other { .. })) {
            return None;
        }
        let checked = locked(|library| {
            plugins::prepare(library, 0);
            plugins::check(library, filters)
        });
        checked.err().map(|message| format!("stored with {}: {message}", self.header.filters_in_words()))
    }

    /// Reads a region into `buffer`, which has exactly its bytes: C order, little-endian, bool as 0 or 1.
    /// What was never written, is cut off or damaged is zeroed and named in the result. Takes no lock
    /// that another read holds, unless only the library can decode the array.
    ///
    /// # Errors
    /// When nothing of the region can be had.
    pub fn read(&self, region: &Region, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.check(region, buffer)?;
        if region.is_empty() {
            return Ok(Filled::All);
        }
        if self.far.is_some() {
            return self.read_afar(region, buffer);
        }
        let mut by_library = |buffer: &mut [u8]| self.read_through_library(region, buffer).map(|_| ());
        for _ in 0..MAX_ATTEMPTS {
            let file = open_shared(&self.path).map_err(|error| read_error(&self.path, &error))?;
            let Some(index) = self.index_of(&file)? else { continue };
            let reader = Reader { path: &self.path, file: &file, index: &index, fill: self.fill() };
            let result = match reader.read(region, buffer) {
                Ok(Some(filled)) => Ok(filled),
                Ok(None) => self.read_allocated(&index, region, buffer, &mut by_library),
                Err(error) if error.kind == ReadErrorKind::Unsupported => {
                    self.read_allocated(&index, region, buffer, &mut by_library).map_err(|_| error)
                }
                Err(error) => Err(error),
            };
            if self.stamp_of(&file)? == index.stamp {
                return result;
            }
        }
        Err(self.error(ReadErrorKind::NotYetWritten, "the file changes while it is read"))
    }

    /// As [`H5Array::read`], through libhdf5 for everything: for comparison.
    ///
    /// # Errors
    /// When the library cannot read the region.
    pub fn read_through_library(&self, region: &Region, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.check(region, buffer)?;
        fallback::read(&self.path, &self.header, region, buffer).map(|()| Filled::All).map_err(|message| {
            let filters = self.header.filters_in_words();
            self.error(ReadErrorKind::Unsupported, &format!("cannot be read (filters: {filters}): {message}"))
        })
    }

    /// What the library `reads`, but never its zeros for what is not there.
    pub(super) fn read_allocated(
        &self,
        index: &Index,
        region: &Region,
        buffer: &mut [u8],
        reads: &mut dyn FnMut(&mut [u8]) -> Result<(), ReadError>,
    ) -> Result<Filled, ReadError> {
        let header = &self.header;
        let mut missing: Vec<(Region, ReadError)> = Vec::new();
        let mut note = |position, part: &Region| {
            let why = index.why_missing(position);
            if let Some((kind, message)) =
                why.filter(|(kind, _)| *kind != ReadErrorKind::Missing || self.fill().is_none())
            {
                missing.push((*part, self.error(kind, message)));
            }
        };
        match &header.layout {
            Layout::Chunked(chunk) => {
                chunks::grid(&header.shape, chunk).each(region, |cell| {
                    cell.region.intersect(region).iter().for_each(|part| note(cell.position, part));
                });
            }
            _ => note(0, region),
        }
        let filled = filled(region, missing)?;
        reads(buffer)?;
        if let Filled::Except(missing, _) = &filled {
            missing.iter().for_each(|part| zero(buffer, region, part, header.dtype.num_bytes()));
        }
        Ok(filled)
    }

    pub(super) fn fill(&self) -> Option<&[u8]> {
        self.header.fill.as_deref().filter(|_| self.has_fill)
    }

    pub(super) fn check(&self, region: &Region, buffer: &[u8]) -> Result<(), ReadError> {
        let whole = Region::whole(&self.header.shape);
        let is_inside = region.rank() == whole.rank() && region.stop().iter().zip(whole.stop()).all(|(a, b)| a <= b);
        if !is_inside || region.shape().num_bytes(self.header.dtype) != Some(buffer.len()) {
            return Err(self.error(ReadErrorKind::Missing, "the file does not hold this part of the array"));
        }
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn stamp_of(&self, file: &File) -> Result<Stamp, ReadError> {
        file.metadata().map(|metadata| Stamp::of(&metadata)).map_err(|error| read_error(&self.path, &error))
    }

    /// The index of the open file, read again where the file has changed; `None` if it changed once more
    /// meanwhile.
    fn index_of(&self, file: &File) -> Result<Option<Arc<Index>>, ReadError> {
        let stamp = self.stamp_of(file)?;
        let index = self.current();
        if index.stamp == stamp {
            return Ok(Some(index));
        }
        let _alone = self.reindexing.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.current();
        if index.stamp == stamp {
            return Ok(Some(index));
        }
        let index = Index::read(&self.path, &self.header.name)
            .map_err(|error| self.error(ReadErrorKind::NotYetWritten, &error.message))?;
        // What has grown is still the array of this state, and more.
        let index = index
            .into_earlier(&self.header)
            .ok_or_else(|| self.error(ReadErrorKind::NotYetWritten, "the file now holds another array"))?;
        let index = Arc::new(index);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&index);
        Ok((index.stamp == stamp).then_some(index))
    }

    pub(super) fn error(&self, kind: ReadErrorKind, message: &str) -> ReadError {
        ReadError::new(kind, &self.path, message)
    }
}

/// The parts in which an array is best read: whole stored chunks, or where these decode (or lie) in
/// smaller pieces, about one plane.
fn parts_of(index: &Index) -> Shape {
    let header = &index.header;
    let item = header.dtype.num_bytes();
    let mut unit = [1; MAX_RANK];
    let rank = header.shape.rank();
    for (axis, unit) in unit.iter_mut().enumerate().take(rank) {
        let dim = header.shape.dims()[axis].max(1);
        *unit = match &header.layout {
            Layout::Chunked(chunk) if header.can_grow(axis) => chunk.dims()[axis],
            Layout::Chunked(chunk) => dim.min(chunk.dims()[axis]),
            _ => dim,
        };
    }
    let unit = &unit[..rank];
    let block_bytes = match header.layout {
        Layout::Contiguous | Layout::External(_) => Some(1),
        _ => index.block_bytes,
    };
    let mut parts = [1; MAX_RANK];
    parts[..rank].copy_from_slice(unit);
    if let Some(block_bytes) = block_bytes {
        // Half a block: of two parts in a block each decodes it, more would be wasteful.
        let least = MIN_PART_BYTES.max(block_bytes / 2);
        parts[..rank].fill(1);
        let mut num_bytes = item;
        for axis in (0..rank).rev() {
            let is_plane = axis + 2 >= rank;
            let room = if is_plane { MAX_PART_BYTES.max(block_bytes) } else { least };
            if num_bytes >= room {
                break;
            }
            // A plane is kept whole where it fits; planes are joined as far as a part is too small.
            let count = if is_plane { room / num_bytes } else { room.div_ceil(num_bytes) };
            parts[axis] = unit[axis].min(count.max(1));
            num_bytes *= parts[axis];
            if parts[axis] < unit[axis] {
                break;
            }
        }
    }
    // The rank is that of a shape.
    Shape::new(&parts[..rank]).unwrap_or(header.shape)
}

/// Waits until no other thread is in the library, so that a test can tell what takes its lock.
#[doc(hidden)]
pub fn with_library_locked<T>(work: impl FnOnce() -> T) -> T {
    hdf5::sync::sync(work)
}
