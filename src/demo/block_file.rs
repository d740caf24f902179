//! One block file, laid out byte for byte as flammkuchen (PyTables) lays it out: superblock 0, a CARRAY
//! named `stack_4D`, Blosc chunks. The chunks are compressed here and handed to libhdf5 as they are,
//! so no filter plugin is needed.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_void};
use std::path::Path;

use hdf5::globals::{H5P_DATASET_CREATE, H5P_FILE_ACCESS};
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5a::{H5Aclose, H5Acreate2, H5Awrite};
use hdf5_sys::h5d::{H5Dclose, H5Dcreate2, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5F_scope_t, H5Fclose, H5Fcreate, H5Fflush};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{H5Pclose, H5Pcreate, H5Pset_chunk, H5Pset_file_locking, H5Pset_filter, H5Pset_libver_bounds};
use hdf5_sys::h5s::{H5S_class_t, H5Sclose, H5Screate, H5Screate_simple};
use hdf5_sys::h5t::{H5T_cset_t, H5Tclose, H5Tcopy, H5Tset_cset, H5Tset_size};

use super::Compression;
use crate::codec::blosc;
use crate::format::FormatError;

const BLOSC_FILTER: i32 = 32001;
const OPTIONAL: u32 = 1;

/// A compressed chunk and where it belongs.
pub struct PackedChunk {
    /// First voxel (t, z, y, x) within the block.
    pub offset: [usize; 4],
    /// What is written.
    pub bytes: Vec<u8>,
}

/// How the file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// libhdf5's default: an exclusive lock, as every acquisition program of the rigs has it.
    Default,
    /// No lock.
    Off,
}

/// The layout of one block.
pub struct BlockFile<'a> {
    /// Where it goes.
    pub path: &'a Path,
    /// (t, z, y, x) of the block.
    pub shape: [usize; 4],
    /// Shape of its chunks.
    pub chunk: [usize; 4],
    /// How its chunks are compressed.
    pub compression: Compression,
    /// Whether the writer locks the file.
    pub locking: Locking,
}

/// Shuffles and compresses u16 voxels with Blosc as the HDF5 filter does.
pub fn compress(voxels: &[u16], compression: Compression) -> Option<Vec<u8>> {
    let codec = CString::new(compression.codec).ok()?;
    blosc::encode(bytemuck::cast_slice(voxels), 2, i32::from(compression.level), &codec, 0).ok()
}

/// An identifier of libhdf5 and how to give it back.
struct Handle(hid_t, unsafe extern "C" fn(hid_t) -> c_int);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the identifier is valid (checked when made) and closed only here, under the library's
        // lock, which `BlockFile` holds for as long as any handle lives.
        unsafe { (self.1)(self.0) };
    }
}

type Step<T> = Result<T, &'static str>;

fn handle(id: hid_t, close: unsafe extern "C" fn(hid_t) -> c_int, what: &'static str) -> Step<Handle> {
    if id < 0 { Err(what) } else { Ok(Handle(id, close)) }
}

fn done(status: c_int, what: &'static str) -> Step<()> {
    if status < 0 { Err(what) } else { Ok(()) }
}

impl BlockFile<'_> {
    /// Creates the file under its final name, truncating what was there, and writes these chunks.
    /// Chunks that are not given stay unallocated, as in a file whose writer has died.
    ///
    /// # Errors
    /// When libhdf5 refuses: the disk is full, the file is locked by a reader, the folder is gone.
    pub fn write(&self, chunks: &[PackedChunk]) -> Result<(), FormatError> {
        hdf5::sync::sync(|| self.write_locked(chunks))
            .map_err(|what| FormatError::new(self.path, format!("cannot {what}")))
    }

    fn write_locked(&self, chunks: &[PackedChunk]) -> Step<()> {
        let name =
            CString::new(self.path.as_os_str().as_encoded_bytes()).map_err(|_| "use a file name with a zero byte")?;
        // SAFETY: of the whole block: called under the library's lock after its initialisation; every
        // identifier is checked before use and closed once by its `Handle`, dataset before file; all
        // pointers are to live values of the sizes the calls document.
        unsafe {
            let access = handle(H5Pcreate(*H5P_FILE_ACCESS), H5Pclose, "set up the file")?;
            done(
                H5Pset_libver_bounds(access.0, H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V114),
                "set the file version",
            )?;
            if self.locking == Locking::Off {
                done(H5Pset_file_locking(access.0, 0, 1), "switch locking off")?;
            }
            let file = handle(H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, 0, access.0), H5Fclose, "create the file")?;
            let utf8 = H5T_cset_t::H5T_CSET_UTF8;
            text_attribute(&file, "TITLE", "", utf8)?;
            text_attribute(&file, "CLASS", "GROUP", utf8)?;
            text_attribute(&file, "VERSION", "1.0", utf8)?;
            text_attribute(&file, "PYTABLES_FORMAT_VERSION", "2.1", utf8)?;
            number_attribute(&file, "DEEPDISH_IO_VERSION", 12)?;

            let dataset = self.create_array(&file)?;
            for chunk in chunks {
                let offset = chunk.offset.map(|start| start as hsize_t);
                done(
                    H5Dwrite_chunk(dataset.0, 0, 0, offset.as_ptr(), chunk.bytes.len(), chunk.bytes.as_ptr().cast()),
                    "write a chunk; is the disk full?",
                )?;
            }
            let ascii = H5T_cset_t::H5T_CSET_ASCII;
            text_attribute(&dataset, "CLASS", "CARRAY", ascii)?;
            text_attribute(&dataset, "VERSION", "1.1", ascii)?;
            text_attribute(&dataset, "TITLE", "", ascii)?;
            done(H5Fflush(file.0, H5F_scope_t::H5F_SCOPE_LOCAL), "flush the file")
        }
    }

    /// Creates the array, empty.
    unsafe fn create_array(&self, file: &Handle) -> Step<Handle> {
        let dims = self.shape.map(|dim| dim as hsize_t);
        let chunk = self.chunk.map(|dim| dim as hsize_t);
        let codes = self.compression.filter_values(self.chunk);
        // SAFETY: as in `write_locked`, whose caller holds the lock; the arrays have rank 4 as stated.
        unsafe {
            let create = handle(H5Pcreate(*H5P_DATASET_CREATE), H5Pclose, "set up the array")?;
            done(H5Pset_chunk(create.0, 4, chunk.as_ptr()), "set the chunks")?;
            done(H5Pset_filter(create.0, BLOSC_FILTER, OPTIONAL, codes.len(), codes.as_ptr()), "set the filter")?;
            let space = handle(H5Screate_simple(4, dims.as_ptr(), dims.as_ptr()), H5Sclose, "set the shape")?;
            handle(
                H5Dcreate2(file.0, c"stack_4D".as_ptr(), *hdf5::globals::H5T_STD_U16LE, space.0, 0, create.0, 0),
                H5Dclose,
                "create the array",
            )
        }
    }
}

/// A fixed-length string attribute as PyTables writes it: the empty string has no data space.
unsafe fn text_attribute(node: &Handle, name: &str, text: &str, set: H5T_cset_t) -> Step<()> {
    let what = "write an attribute";
    let name = CString::new(name).map_err(|_| what)?;
    // SAFETY: the caller holds the library's lock; `text` is at least as long as the type's size, except
    // for the empty string, which is not written.
    unsafe {
        let kind = handle(H5Tcopy(*hdf5::globals::H5T_C_S1), H5Tclose, what)?;
        done(H5Tset_size(kind.0, text.len().max(1)), what)?;
        done(H5Tset_cset(kind.0, set), what)?;
        let class = if text.is_empty() { H5S_class_t::H5S_NULL } else { H5S_class_t::H5S_SCALAR };
        let space = handle(H5Screate(class), H5Sclose, what)?;
        let attribute = handle(H5Acreate2(node.0, name.as_ptr(), kind.0, space.0, 0, 0), H5Aclose, what)?;
        if !text.is_empty() {
            done(H5Awrite(attribute.0, kind.0, text.as_ptr().cast()), what)?;
        }
    }
    Ok(())
}

unsafe fn number_attribute(node: &Handle, name: &str, value: i64) -> Step<()> {
    let what = "write an attribute";
    let name = CString::new(name).map_err(|_| what)?;
    let kind = *hdf5::globals::H5T_STD_I64LE;
    // SAFETY: the caller holds the library's lock; the value is read during the call.
    unsafe {
        let space = handle(H5Screate(H5S_class_t::H5S_SCALAR), H5Sclose, what)?;
        let attribute = handle(H5Acreate2(node.0, name.as_ptr(), kind, space.0, 0, 0), H5Aclose, what)?;
        let value = value.to_le();
        done(H5Awrite(attribute.0, kind, (&raw const value).cast::<c_void>()), what)
    }
}
