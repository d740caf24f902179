//! Where the bytes of an array lie in its file, found in one opening.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint, c_void};
use std::fs::File;
use std::path::Path;

use hdf5_sys::h5d::{H5Dchunk_iter, H5Dget_offset, H5Dget_storage_size};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::file::{Hdf5File, Stamp, describe, read_at};
use super::header::{Header, Layout};
use super::library::{Handle, locked};
use crate::format::FormatError;
use crate::format::codec::{Filter, blosc};
use crate::volume::{MAX_RANK, Shape};

/// One stored chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the grid of chunks, C order.
    pub position: u64,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub num_bytes: u32,
    /// Filters that were skipped.
    pub mask: u32,
}

/// Where the bytes are.
#[derive(Debug)]
pub enum Storage {
    /// In one piece from this offset; `None` if nothing was ever written.
    Contiguous(Option<u64>),
    /// In chunks, sorted by position.
    Chunks(Vec<Entry>),
    /// Only the library knows.
    Library,
}

/// The header of an array and where its bytes lie, true as long as the file keeps its stamp.
#[derive(Debug)]
pub struct Index {
    pub header: Header,
    pub storage: Storage,
    pub stamp: Stamp,
    /// Where the file's superblock says the file ends.
    pub end_bytes: u64,
    /// Whether the list of chunks was read to its end.
    pub is_complete: bool,
    /// Decoded size of the parts in which chunks decode, where smaller than a chunk.
    pub block_bytes: Option<usize>,
}

impl Index {
    /// Reads header and index of `name`. The file is open for this call only.
    pub fn read(path: &Path, name: &str) -> Result<Self, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let Hdf5File { file, stamp, end_bytes } = Hdf5File::open(path).map_err(failed)?;
        let mut index = locked(|library| {
            let file = library.open_file(path, end_bytes > stamp.num_bytes).map_err(|message| not_hdf5(&message))?;
            let dataset = library.open_dataset(&file, name)?;
            let header = Header::of(library, &dataset, name).map_err(|message| format!("{name} {message}"))?;
            let (storage, is_complete) = storage_of(&dataset, &header, stamp.num_bytes)?;
            Ok(Self { header, storage, stamp, end_bytes, is_complete, block_bytes: None })
        })
        .map_err(failed)?;
        index.block_bytes = index.find_block_bytes(&file);
        match stamp_of(&file) {
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
            Storage::Library => return (self.header.num_chunks(), self.header.num_chunks()),
        };
        (written, self.header.num_chunks())
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
            _ => 0,
        };
        size_of::<Self>() + entries
    }

    /// Decoded block size of the first stored chunk, where chunks decode block by block.
    fn find_block_bytes(&self, file: &File) -> Option<usize> {
        let (Storage::Chunks(entries), Layout::Chunked(chunk)) = (&self.storage, &self.header.layout) else {
            return None;
        };
        let chunk_bytes = chunk.num_bytes(self.header.dtype)?;
        match self.header.filters.as_slice() {
            [] => Some(1),
            [Filter::Blosc] => {
                let entry = entries.iter().find(|entry| entry.mask == 0)?;
                let mut head = [0; blosc::HEADER_BYTES];
                read_at(file, &mut head, entry.offset).ok()?;
                blosc::Header::parse(&head, chunk_bytes).ok().map(|header| header.block_bytes())
            }
            _ => None,
        }
    }
}

fn stamp_of(file: &File) -> std::io::Result<Stamp> {
    file.metadata().map(|metadata| Stamp::of(&metadata))
}

/// The library's words for a file it does not open, with what they mean.
pub fn not_hdf5(message: &str) -> String {
    format!("cannot be read as HDF5: damaged, or being written ({message})")
}

fn storage_of(dataset: &Handle<'_>, header: &Header, file_bytes: u64) -> Result<(Storage, bool), String> {
    match &header.layout {
        Layout::Elsewhere(why) => Err(format!("{} is not read: {why}", header.name)),
        Layout::Compact => Ok((Storage::Library, true)),
        Layout::Contiguous => {
            // SAFETY: the lock is held and the handle is a dataset's.
            let (offset, num_bytes) = unsafe { (H5Dget_offset(dataset.id()), H5Dget_storage_size(dataset.id())) };
            let is_written = offset != u64::MAX && num_bytes > 0;
            Ok((Storage::Contiguous(is_written.then_some(offset)), true))
        }
        Layout::Chunked(chunk) => {
            let mut visit = Visit {
                chunk: *chunk,
                grid: grid(&header.shape, chunk),
                entries: Vec::new(),
                // An entry of the index takes at least 8 bytes of the file.
                max_entries: header.num_chunks().min(file_bytes / 8 + 1),
            };
            // SAFETY: the lock is held, the handle is a dataset's, and `visit` lives through the call.
            let status =
                unsafe { H5Dchunk_iter(dataset.id(), H5P_DEFAULT, Some(Visit::note), (&raw mut visit).cast()) };
            let mut entries = visit.entries;
            entries.sort_unstable_by_key(|entry| entry.position);
            entries.dedup_by_key(|entry| entry.position);
            entries.shrink_to_fit();
            Ok((Storage::Chunks(entries), status == 0))
        }
    }
}

/// Chunks along each axis.
pub fn grid(shape: &Shape, chunk: &Shape) -> Shape {
    let mut counts = [0; MAX_RANK];
    for (count, (&dim, &chunk)) in counts.iter_mut().zip(shape.dims().iter().zip(chunk.dims())) {
        *count = dim.div_ceil(chunk.max(1));
    }
    // The rank is that of a shape.
    Shape::new(&counts[..shape.rank()]).unwrap_or(*shape)
}

struct Visit {
    chunk: Shape,
    grid: Shape,
    entries: Vec<Entry>,
    max_entries: u64,
}

impl Visit {
    /// Called by the library for every chunk. Must not panic.
    unsafe extern "C" fn note(
        offset: *const u64,
        mask: c_uint,
        address: u64,
        num_bytes: u64,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: `data` is the visit given to the iteration, `offset` has one number for each axis.
        let (visit, offset) = unsafe {
            let visit = &mut *data.cast::<Self>();
            let rank = visit.chunk.rank();
            (visit, std::slice::from_raw_parts(offset, rank))
        };
        if visit.entries.len() as u64 >= visit.max_entries {
            return 1;
        }
        let mut position = 0u64;
        for ((&offset, &chunk), &count) in offset.iter().zip(visit.chunk.dims()).zip(visit.grid.dims()) {
            let along = offset / chunk.max(1) as u64;
            if along >= count as u64 {
                // Left over from before the array was made smaller.
                return 0;
            }
            position = position.saturating_mul(count as u64).saturating_add(along);
        }
        if address != u64::MAX {
            // No chunk is longer than 4 GiB; one that claims it cannot be read, and says so then.
            let num_bytes = u32::try_from(num_bytes).unwrap_or(u32::MAX);
            visit.entries.push(Entry { position, offset: address, num_bytes, mask });
        }
        0
    }
}
