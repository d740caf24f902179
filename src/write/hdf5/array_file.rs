//! A file that holds one array, written chunk by chunk. Chunks come compressed, so the library's lock is held for no
//! longer than it takes to hand them to the system, and no filter plugin is needed. No time stamp is in it: the same
//! chunks make the same bytes.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::path::Path;

use hdf5::globals::{H5P_DATASET_CREATE, H5P_FILE_ACCESS, H5P_LINK_CREATE, H5T_STD_B8LE};
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5d::{H5Dclose, H5Dcreate2, H5Dget_chunk_info_by_coord, H5Dwrite, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5F_scope_t, H5Fclose, H5Fcreate, H5Fflush};
use hdf5_sys::h5p::{
    H5Pclose, H5Pcreate, H5Pset_chunk, H5Pset_create_intermediate_group, H5Pset_file_locking, H5Pset_filter,
    H5Pset_libver_bounds, H5Pset_obj_track_times,
};
use hdf5_sys::h5s::{H5Sclose, H5Screate_simple};
use hdf5_sys::h5t::{H5Tclose, H5Tcopy};

use super::Filters;
use super::raw::{Attribute, Handle, Step, done, type_of, write_attribute};
use crate::format::hdf5::settle_filters;
use crate::volume::{DType, Shape};

/// How the file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// libhdf5's default: an exclusive lock, as every acquisition program of the rigs has it.
    Default,
    /// No lock.
    Off,
}

/// What an array's file looks like.
pub struct Layout<'a> {
    /// Path of the array in the file.
    pub name: &'a str,
    /// Its extent.
    pub shape: Shape,
    /// Extent of a chunk, which may be more than that of the array; `None`: all of it in one piece, without filters.
    pub chunk: Option<Shape>,
    /// Its type.
    pub dtype: DType,
    /// Whether truth values are PyTables' bit fields rather than h5py's enumerations.
    pub has_bit_fields: bool,
    /// What its chunks are coded with.
    pub filters: &'a Filters,
    /// What is said of the root.
    pub root: &'a [(&'a str, Attribute)],
    /// Whether the file is locked while it is written.
    pub locking: Locking,
}

/// A file that is being written.
pub struct ArrayFile {
    /// The array, its type, and the file; taken when it is closed, in this order.
    open: Option<(Handle, Handle, Handle)>,
}

impl ArrayFile {
    /// Creates the file, truncating what was there, and the array in it, of which nothing is written.
    ///
    /// # Errors
    /// When the library refuses, in words that follow "cannot".
    pub fn create(path: &Path, layout: &Layout<'_>) -> Step<Self> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "use a file name with a zero byte")?;
        settle_filters();
        hdf5::sync::sync(|| {
            // SAFETY: of the whole block: called under the library's lock after its initialisation; every identifier is
            // checked before use and closed once by its `Handle`; all pointers are to live values of the sizes the
            // calls document.
            unsafe {
                let access = Handle::new(H5Pcreate(*H5P_FILE_ACCESS), H5Pclose, "set up the file")?;
                let (low, high) = (H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V110);
                done(H5Pset_libver_bounds(access.id(), low, high), "set the file version")?;
                if layout.locking == Locking::Off {
                    done(H5Pset_file_locking(access.id(), 0, 1), "switch locking off")?;
                }
                let file = H5Fcreate(path.as_ptr(), H5F_ACC_TRUNC, 0, access.id());
                let file = Handle::new(file, H5Fclose, "create the file")?;
                layout.root.iter().try_for_each(|(name, value)| write_attribute(&file, name, value))?;
                let (dataset, kind) = layout.create_array(&file)?;
                Ok(Self { open: Some((dataset, kind, file)) })
            }
        })
    }

    /// Writes a chunk as it is coded. `start` is its first voxel. Returns where it lies in the file.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write_chunk(&mut self, start: &[usize], coded: &[u8]) -> Step<u64> {
        let (dataset, ..) = self.open.as_ref().ok_or("write to a closed file")?;
        let start: Vec<hsize_t> = start.iter().map(|&index| index as hsize_t).collect();
        hdf5::sync::sync(|| {
            let (mut mask, mut place, mut size) = (0, 0, 0);
            // SAFETY: the lock is held, the array is open, `start` has as many numbers as it has axes, and what is
            // written to are numbers of the kinds the call documents.
            unsafe {
                let status = H5Dwrite_chunk(dataset.id(), 0, 0, start.as_ptr(), coded.len(), coded.as_ptr().cast());
                done(status, "write a chunk; is the disk full?")?;
                let status = H5Dget_chunk_info_by_coord(
                    dataset.id(),
                    start.as_ptr(),
                    &raw mut mask,
                    &raw mut place,
                    &raw mut size,
                );
                done(status, "find a chunk again")?;
            }
            Ok(place)
        })
    }

    /// Writes all of an array that has no chunks: its bytes in C order.
    ///
    /// # Errors
    /// As [`Self::create`].
    ///
    /// # Panics
    /// Never where `bytes` are those of the array, which the caller has made sure of.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Step<()> {
        let (dataset, kind, _) = self.open.as_ref().ok_or("write to a closed file")?;
        // SAFETY: the lock is held, and memory and file have the same type, of which there are as many as the array has.
        hdf5::sync::sync(|| unsafe {
            done(H5Dwrite(dataset.id(), kind.id(), 0, 0, 0, bytes.as_ptr().cast()), "write; is the disk full?")
        })
    }

    /// Says what is known of the array, and closes the file.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn finish(mut self, attributes: &[(&str, Attribute)]) -> Step<()> {
        let (dataset, kind, file) = self.open.take().ok_or("close a closed file")?;
        hdf5::sync::sync(|| {
            attributes.iter().try_for_each(|(name, value)| write_attribute(&dataset, name, value))?;
            // SAFETY: the lock is held and the file is open.
            let flushed = unsafe { H5Fflush(file.id(), H5F_scope_t::H5F_SCOPE_LOCAL) };
            drop((dataset, kind, file));
            done(flushed, "flush the file; is the disk full?")
        })
    }
}

impl Drop for ArrayFile {
    fn drop(&mut self) {
        let open = self.open.take();
        hdf5::sync::sync(|| drop(open));
    }
}

impl Layout<'_> {
    /// Creates the array, empty; returns it and its type.
    ///
    /// # Safety
    /// The library's lock is held.
    unsafe fn create_array(&self, file: &Handle) -> Step<(Handle, Handle)> {
        let name = CString::new(self.name).map_err(|_| "use a name with a zero byte")?;
        let dims: Vec<hsize_t> = self.shape.dims().iter().map(|&dim| dim as hsize_t).collect();
        let mut most = dims.clone();
        // SAFETY: of the whole block: as in `ArrayFile::create`, whose caller holds the lock; lists have as many numbers
        // as there are axes.
        unsafe {
            let create = Handle::new(H5Pcreate(*H5P_DATASET_CREATE), H5Pclose, "set up the array")?;
            done(H5Pset_obj_track_times(create.id(), 0), "set up the array")?;
            if let Some(chunk) = self.chunk {
                let chunk: Vec<hsize_t> = chunk.dims().iter().map(|&dim| dim as hsize_t).collect();
                // A fixed extent has to hold a chunk.
                most.iter_mut().zip(&chunk).for_each(|(most, chunk)| *most = (*most).max(*chunk));
                done(H5Pset_chunk(create.id(), chunk.len() as c_int, chunk.as_ptr()), "set the chunks")?;
                for (id, is_optional, values) in self.filters.stored() {
                    let flags = u32::from(*is_optional);
                    done(H5Pset_filter(create.id(), *id, flags, values.len(), values.as_ptr()), "set the filter")?;
                }
            }
            let links = Handle::new(H5Pcreate(*H5P_LINK_CREATE), H5Pclose, "set up the array")?;
            done(H5Pset_create_intermediate_group(links.id(), 1), "set up the array")?;
            let space = H5Screate_simple(dims.len() as c_int, dims.as_ptr(), most.as_ptr());
            let space = Handle::new(space, H5Sclose, "set the shape")?;
            let kind = match self.dtype {
                DType::Bool if self.has_bit_fields => Handle::new(H5Tcopy(*H5T_STD_B8LE), H5Tclose, "make a type")?,
                dtype => type_of(dtype)?,
            };
            let made = H5Dcreate2(file.id(), name.as_ptr(), kind.id(), space.id(), links.id(), create.id(), 0);
            Ok((Handle::new(made, H5Dclose, "create the array")?, kind))
        }
    }
}
