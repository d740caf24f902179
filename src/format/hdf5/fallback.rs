//! Reading through the library: slow, alone in the process, and right for everything the file may hold.
#![allow(unsafe_code)]

use std::path::Path;
use std::ptr;

use hdf5_sys::h5d::{H5Dget_space, H5Dget_type, H5Dread};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5S_seloper_t, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};
use hdf5_sys::h5t::H5Tclose;

use super::direct::check_chunk_bytes;
use super::file::{Bytes, Hdf5File};
use super::header::{Header, Layout};
use super::library::{Handle, last_error, locked};
use super::types::StoredType;
use super::{chunks, plugins};
use crate::volume::{MAX_RANK, Region};

/// Reads a region of the array into `buffer`, converted to little-endian. The file is open for this
/// call only.
pub fn read(path: &Path, header: &Header, region: &Region, buffer: &mut [u8]) -> Result<(), String> {
    if region.shape().num_bytes(header.dtype) != Some(buffer.len()) {
        return Err("buffer does not fit the region".into());
    }
    if region.is_empty() {
        return Ok(());
    }
    if let Layout::Chunked(chunk) = &header.layout {
        check_chunk_bytes(chunk.num_bytes(header.dtype).unwrap_or(usize::MAX))?;
    }
    let opened = Hdf5File::open(path)?;
    if matches!((&opened.bytes, &header.layout), (Bytes::Far(_), Layout::External(_))) {
        return Err("the library would look for its voxels on this machine".into());
    }
    locked(|library| {
        let file = library.open_file(&opened)?;
        let dataset = library.open_dataset(&file, &header.name)?;
        // The file may have changed since its header was read.
        if !Header::of(library, &dataset, &header.name)?.is_grown_from(header, None) {
            return Err("the array has changed since it was opened".into());
        }
        if let Layout::Chunked(chunk) = &header.layout {
            plugins::prepare(library, chunk.num_bytes(header.dtype).unwrap_or(0));
            plugins::check(library, &header.filters)?;
            chunks::check_sums(&dataset, &header.filters, &header.shape, chunk, region)?;
        }
        let rank = region.rank();
        let (mut start, mut count) = ([0u64; MAX_RANK], [0u64; MAX_RANK]);
        for axis in 0..rank {
            start[axis] = region.start()[axis] as u64;
            count[axis] = (region.stop()[axis] - region.start()[axis]) as u64;
        }
        // SAFETY: the lock is held and every handle open. The file's selection lies inside the array or
        // is refused; the memory space has its number of values, and `buffer` their bytes (checked).
        unsafe {
            let selected = Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?;
            let status = H5Sselect_hyperslab(
                selected.id(),
                H5S_seloper_t::H5S_SELECT_SET,
                start.as_ptr(),
                ptr::null(),
                count.as_ptr(),
                ptr::null(),
            );
            if status < 0 {
                return Err(last_error());
            }
            let memory = Handle::new(library, H5Screate_simple(rank as i32, count.as_ptr(), ptr::null()), H5Sclose)?;
            let stored = Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?;
            // What the library writes for each voxel is what `buffer` has room for.
            let kind = StoredType::of(library, &stored)?;
            let wanted = kind.memory_type(library, &stored)?;
            let status =
                H5Dread(dataset.id(), wanted.id(), memory.id(), selected.id(), H5P_DEFAULT, buffer.as_mut_ptr().cast());
            if status < 0 {
                return Err(last_error());
            }
            kind.finish(buffer);
        }
        Ok(())
    })
}
