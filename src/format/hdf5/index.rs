//! Where the bytes of an array lie in its file, found in one opening.
#![allow(unsafe_code)]

use std::path::Path;

use hdf5_sys::h5d::{H5Dget_offset, H5Dget_storage_size};

use super::chunks::{self, Chunks, Entry};
use super::file::{Bytes, Hdf5File, Stamp, describe, read_at};
use super::header::{Header, Layout};
use super::library::{Handle, Library, locked};
use crate::codec::{Filter, blosc};
use crate::format::{FormatError, ReadErrorKind};

/// Said of data that the file is too short for.
pub const CUT_OFF: &str = "the file ends before these data: it was cut off";

/// Said of a chunk whose place cannot be true.
pub const MISPLACED: &str = "the file's list of chunks gives this one an impossible place or size";

/// Where the bytes are.
#[derive(Debug)]
pub enum Storage {
    /// In one piece from this offset; `None` if nothing was ever written.
    Contiguous(Option<u64>),
    /// In chunks, sorted by position.
    Chunks(Vec<Entry>),
    /// In bare files, as the header names them.
    External,
    /// Only the library knows; it has the chunks at these positions (0 for what is not in chunks).
    Library(Vec<u64>),
}

/// The header of an array and where its bytes lie, true as long as the file keeps its stamp.
#[derive(Debug)]
pub struct Index {
    pub header: Header,
    pub storage: Storage,
    pub stamp: Stamp,
    /// Where the file's superblock says the file ends.
    pub end_bytes: u64,
    /// Whether the file says that somebody has it open to write; `None` where it does not say.
    pub is_being_written: Option<bool>,
    /// Whether the list of chunks was read to its end.
    pub is_complete: bool,
    /// Decoded size of the parts in which chunks decode, where smaller than a chunk.
    pub block_bytes: Option<usize>,
}

impl Index {
    /// Reads header and index of `name`. The file is open for this call only.
    pub fn read(path: &Path, name: &str) -> Result<Self, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let opened = Hdf5File::open(path).map_err(failed)?;
        let (stamp, end_bytes, is_being_written) = (opened.stamp, opened.end_bytes, opened.is_being_written);
        let mut index = locked(|library| {
            let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
            let dataset = library.open_dataset(&file, name)?;
            let header = Header::of(library, &dataset, name).map_err(|message| format!("{name}: {message}"))?;
            let (storage, is_complete) = storage_of(library, &dataset, &header, stamp.num_bytes)?;
            Ok(Self { header, storage, stamp, end_bytes, is_being_written, is_complete, block_bytes: None })
        })
        .map_err(failed)?;
        index.block_bytes = index.find_block_bytes(&opened.bytes);
        match opened.bytes.stamp() {
            Ok(after) if after == stamp => Ok(index),
            Ok(_) => {
                // The file is being written: keep what was found, but let the next read look again.
                index.stamp.modified = None;
                Ok(index)
            }
            Err(error) => Err(failed(describe(&error).1)),
        }
    }

    /// The stored chunk at a position of the grid.
    pub fn entry(&self, position: u64) -> Option<&Entry> {
        let Storage::Chunks(entries) = &self.storage else { return None };
        // In a whole file the list has no gaps.
        if let Some(entry) = usize::try_from(position).ok().and_then(|i| entries.get(i))
            && entry.position == position
        {
            return Some(entry);
        }
        let found = entries.binary_search_by_key(&position, |entry| entry.position).ok()?;
        entries.get(found)
    }

    /// Chunks that were written, and chunks that make up the array. Contiguous data count as one.
    pub fn allocation(&self) -> (u64, u64) {
        let written = match &self.storage {
            Storage::Chunks(entries) => entries.len() as u64,
            Storage::Contiguous(offset) => u64::from(offset.is_some()),
            Storage::Library(positions) => positions.len() as u64,
            Storage::External => 1,
        };
        (written, self.header.num_chunks())
    }

    /// Why a chunk the library is asked for would read as zeros that nobody wrote; `None` if it would not.
    pub fn why_missing(&self, position: u64) -> Option<(ReadErrorKind, &'static str)> {
        let end = match &self.storage {
            Storage::Chunks(_) if self.entry(position).is_some_and(|entry| entry.num_bytes == 0) => {
                return Some((ReadErrorKind::Corrupt, MISPLACED));
            }
            Storage::Chunks(_) => self.entry(position).map(|entry| entry.offset.saturating_add(entry.num_bytes.into())),
            Storage::Contiguous(offset) => {
                let num_bytes = self.header.shape.num_bytes(self.header.dtype).unwrap_or(usize::MAX);
                offset.map(|offset| offset.saturating_add(num_bytes as u64))
            }
            // Where it lies is not known: anywhere.
            Storage::Library(positions) => positions.binary_search(&position).is_ok().then_some(self.end_bytes),
            Storage::External => Some(0),
        };
        match end {
            Some(end) if end > self.stamp.num_bytes => Some((ReadErrorKind::Corrupt, CUT_OFF)),
            Some(_) => None,
            None if self.is_complete => Some((ReadErrorKind::Missing, "was never written")),
            None => Some((ReadErrorKind::Corrupt, "the file's list of chunks is cut off or damaged")),
        }
    }

    /// Whether every chunk is there and the file is as long as it says.
    pub fn is_whole(&self) -> bool {
        let (written, expected) = self.allocation();
        self.is_complete && written >= expected && self.stamp.num_bytes >= self.end_bytes
    }

    /// Memory the index takes.
    pub fn num_bytes(&self) -> usize {
        let entries = match &self.storage {
            Storage::Chunks(entries) => size_of_val(entries.as_slice()),
            Storage::Library(positions) => size_of_val(positions.as_slice()),
            Storage::Contiguous(_) | Storage::External => 0,
        };
        size_of::<Self>() + entries
    }

    /// Decoded block size of the first stored chunk, where chunks decode block by block.
    fn find_block_bytes(&self, file: &Bytes) -> Option<usize> {
        let (Storage::Chunks(entries), Layout::Chunked(chunk)) = (&self.storage, &self.header.layout) else {
            return None;
        };
        let chunk_bytes = chunk.num_bytes(self.header.dtype)?;
        match self.header.filters.as_slice() {
            [] => Some(1),
            [Filter::Blosc] => {
                let entry = entries.iter().find(|entry| entry.mask == 0)?;
                let mut head = [0; blosc::HEADER_BYTES];
                // From afar a chunk comes whole.
                let Bytes::Near(file) = file else { return None };
                read_at(file, &mut head, entry.offset).ok()?;
                blosc::Header::parse(&head, chunk_bytes).ok().map(|header| header.block_bytes())
            }
            _ => None,
        }
    }
}

/// The library's words for a file it does not open, with what they mean.
pub fn not_hdf5(message: &str) -> String {
    format!("cannot be read as HDF5: damaged, or being written ({message})")
}

fn storage_of(
    library: &Library,
    dataset: &Handle<'_>,
    header: &Header,
    file_bytes: u64,
) -> Result<(Storage, bool), String> {
    match &header.layout {
        Layout::Virtual => Err(format!("{} is a virtual dataset, which has no data of its own", header.name)),
        Layout::Compact => Ok((Storage::Library(vec![0]), true)),
        Layout::External(_) => Ok((Storage::External, true)),
        Layout::Contiguous => {
            // SAFETY: the lock is held and the handle is a dataset's.
            let (offset, num_bytes) = unsafe { (H5Dget_offset(dataset.id()), H5Dget_storage_size(dataset.id())) };
            let is_written = offset != u64::MAX && num_bytes > 0;
            Ok((Storage::Contiguous(is_written.then_some(offset)), true))
        }
        Layout::Chunked(chunk) => {
            let (found, is_complete) = chunks::find(library, dataset, header, chunk, file_bytes)?;
            Ok(match found {
                Chunks::Placed(entries) => (Storage::Chunks(entries), is_complete),
                Chunks::Known(positions) => (Storage::Library(positions), is_complete),
            })
        }
    }
}
