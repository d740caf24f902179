//! Files of groups and of lists whose length is known at the end only: values are appended, compressed on all cores
//! outside the library, and handed to it as they are to lie in the file.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::path::Path;

use hdf5::globals::{H5P_DATASET_CREATE, H5P_FILE_ACCESS, H5P_LINK_CREATE};
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5d::{H5D_fill_time_t, H5Dclose, H5Dcreate2, H5Dset_extent, H5Dwrite, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5Fclose, H5Fcreate};
use hdf5_sys::h5g::{H5Gclose, H5Gcreate2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{
    H5Pclose, H5Pcreate, H5Pset_chunk, H5Pset_create_intermediate_group, H5Pset_deflate, H5Pset_fill_time,
    H5Pset_libver_bounds, H5Pset_shuffle,
};
use hdf5_sys::h5s::{H5S_UNLIMITED, H5S_seloper_t, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};
use rayon::prelude::*;

use super::raw::{Attribute, Failed, Handle, Step, done, text_type, type_of, write_attribute};
use crate::codec::shuffle;
use crate::volume::DType;
use crate::write::coders::zlib;

/// Values of a chunk.
const CHUNK_LEN: usize = 1 << 16;

/// Level of deflate: what h5py takes where none is said.
const LEVEL: u8 = 4;

/// A file that is being written. Everything in it closes itself.
pub struct File(Handle);

/// A list of numbers that is being written.
pub struct List {
    dataset: Handle,
    dtype: DType,
    /// What is not yet a whole chunk.
    pending: Vec<u8>,
    /// Values that are in the file.
    len: u64,
}

/// A list of texts that is being written.
pub struct Texts {
    dataset: Handle,
    len: u64,
}

impl File {
    /// Creates a file, or empties the one there is. Every HDF5 from 1.8 on reads it.
    ///
    /// # Errors
    /// When the library refuses, in words that follow "cannot".
    pub fn create(path: &Path) -> Step<Self> {
        let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "use a file name with a zero byte")?;
        // SAFETY: the lock is held; identifiers are checked before use and closed once.
        hdf5::sync::sync(|| unsafe {
            let access = Handle::new(H5Pcreate(*H5P_FILE_ACCESS), H5Pclose, "set up the file")?;
            let (low, high) = (H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V18);
            done(H5Pset_libver_bounds(access.id(), low, high), "set the file version")?;
            Handle::new(H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, 0, access.id()), H5Fclose, "create the file").map(Self)
        })
    }

    /// Writes attributes of the file's root.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn set(&self, attributes: &[(&str, Attribute)]) -> Step<()> {
        hdf5::sync::sync(|| set(&self.0, attributes))
    }

    /// Creates a group, with those it lies in, and writes its attributes.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn group(&self, path: &str, attributes: &[(&str, Attribute)]) -> Step<()> {
        let name = CString::new(path).map_err(|_| "use a name with a zero byte")?;
        // SAFETY: the lock is held; identifiers are checked before use and closed once.
        hdf5::sync::sync(|| unsafe {
            let links = intermediate()?;
            let group = H5Gcreate2(self.0.id(), name.as_ptr(), links.id(), 0, 0);
            set(&Handle::new(group, H5Gclose, "make a group")?, attributes)
        })
    }

    /// Begins a list of numbers.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn list(&self, path: &str, dtype: DType) -> Step<List> {
        hdf5::sync::sync(|| {
            let kind = type_of(dtype)?;
            let dataset = self.create_list(path, kind.id(), true)?;
            Ok(List { dataset, dtype, pending: Vec::new(), len: 0 })
        })
    }

    /// Begins a list of texts, with its attributes.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn texts(&self, path: &str, attributes: &[(&str, Attribute)]) -> Step<Texts> {
        hdf5::sync::sync(|| {
            let kind = text_type()?;
            let dataset = self.create_list(path, kind.id(), false)?;
            set(&dataset, attributes)?;
            Ok(Texts { dataset, len: 0 })
        })
    }

    /// The lock is held.
    fn create_list(&self, path: &str, kind: hid_t, is_compressed: bool) -> Step<Handle> {
        const WHAT: &str = "make a list";
        let name = CString::new(path).map_err(|_| "use a name with a zero byte")?;
        let (len, most, chunk) = (0, H5S_UNLIMITED, CHUNK_LEN as hsize_t);
        // SAFETY: the lock is held; identifiers are checked before use and closed once; every number lives as long as
        // the call that reads it.
        unsafe {
            let creation = Handle::new(H5Pcreate(*H5P_DATASET_CREATE), H5Pclose, WHAT)?;
            done(H5Pset_chunk(creation.id(), 1, &raw const chunk), WHAT)?;
            if is_compressed {
                done(H5Pset_fill_time(creation.id(), H5D_fill_time_t::H5D_FILL_TIME_NEVER), WHAT)?;
                done(H5Pset_shuffle(creation.id()), WHAT)?;
                done(H5Pset_deflate(creation.id(), u32::from(LEVEL)), WHAT)?;
            }
            let space = Handle::new(H5Screate_simple(1, &raw const len, &raw const most), H5Sclose, WHAT)?;
            let links = intermediate()?;
            let made = H5Dcreate2(self.0.id(), name.as_ptr(), kind, space.id(), links.id(), creation.id(), 0);
            Handle::new(made, H5Dclose, WHAT)
        }
    }
}

fn set(node: &Handle, attributes: &[(&str, Attribute)]) -> Step<()> {
    attributes.iter().try_for_each(|(name, value)| write_attribute(node, name, value))
}

/// The lock is held.
fn intermediate() -> Step<Handle> {
    // SAFETY: the lock is held; the identifier is checked before use and closed once.
    unsafe {
        let links = Handle::new(H5Pcreate(*H5P_LINK_CREATE), H5Pclose, "set up a link")?;
        done(H5Pset_create_intermediate_group(links.id(), 1), "set up a link")?;
        Ok(links)
    }
}

impl List {
    /// Appends values, little-endian.
    ///
    /// # Errors
    /// When the library refuses: the disk is full.
    pub fn append(&mut self, values: &[u8]) -> Step<()> {
        self.pending.extend_from_slice(values);
        let chunk_bytes = CHUNK_LEN * self.dtype.num_bytes();
        let whole = self.pending.len() / chunk_bytes * chunk_bytes;
        let rest = self.pending.split_off(whole);
        let chunks = std::mem::replace(&mut self.pending, rest);
        self.write(&chunks)
    }

    /// Writes what is left; returns the number of values.
    ///
    /// # Errors
    /// When the library refuses: the disk is full.
    pub fn finish(mut self) -> Step<u64> {
        let item = self.dtype.num_bytes();
        let mut last = std::mem::take(&mut self.pending);
        let len = self.len + (last.len() / item) as u64;
        if !last.is_empty() {
            // A chunk is stored whole.
            last.resize(CHUNK_LEN * item, 0);
            self.write(&last)?;
        }
        self.set_len(len)?;
        Ok(len)
    }

    fn write(&mut self, chunks: &[u8]) -> Step<()> {
        let item = self.dtype.num_bytes();
        let packed = chunks.par_chunks(CHUNK_LEN * item).map(|chunk| packed(chunk, item));
        let packed = packed.collect::<Step<Vec<Vec<u8>>>>()?;
        if packed.is_empty() {
            return Ok(());
        }
        let first = self.len;
        self.set_len(first + (packed.len() * CHUNK_LEN) as u64)?;
        for (i, bytes) in packed.iter().enumerate() {
            let offset = first + (i * CHUNK_LEN) as hsize_t;
            // SAFETY: the lock is held, the offset is of a whole chunk, and the bytes are as many as the call is told.
            let status = hdf5::sync::sync(|| unsafe {
                H5Dwrite_chunk(self.dataset.id(), 0, 0, &raw const offset, bytes.len(), bytes.as_ptr().cast())
            });
            done(status, "write a chunk")?;
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> Step<()> {
        // SAFETY: the lock is held and the number lives as long as the call.
        let status = hdf5::sync::sync(|| unsafe { H5Dset_extent(self.dataset.id(), &raw const len) });
        self.len = len;
        done(status, "make a list longer")
    }
}

impl Texts {
    /// Appends texts.
    ///
    /// # Errors
    /// When the library refuses: the disk is full.
    pub fn append(&mut self, texts: &[String]) -> Step<()> {
        const WHAT: &str = "write texts";
        let texts = texts
            .iter()
            .map(|text| CString::new(text.as_str()).map_err(|_| Failed::from(WHAT)))
            .collect::<Step<Vec<_>>>()?;
        let pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
        let (start, num) = (self.len, pointers.len() as hsize_t);
        self.len += num;
        // SAFETY: the lock is held; identifiers are checked before use and closed once; there are as many pointers, to
        // texts that end with a zero byte, as are selected.
        hdf5::sync::sync(|| unsafe {
            done(H5Dset_extent(self.dataset.id(), &raw const self.len), WHAT)?;
            let kind = text_type()?;
            let space = Handle::new(H5Screate_simple(1, &raw const self.len, std::ptr::null()), H5Sclose, WHAT)?;
            let memory = Handle::new(H5Screate_simple(1, &raw const num, std::ptr::null()), H5Sclose, WHAT)?;
            let (set, none) = (H5S_seloper_t::H5S_SELECT_SET, std::ptr::null());
            done(H5Sselect_hyperslab(space.id(), set, &raw const start, none, &raw const num, none), WHAT)?;
            let status = H5Dwrite(self.dataset.id(), kind.id(), memory.id(), space.id(), 0, pointers.as_ptr().cast());
            done(status, WHAT)
        })
    }
}

/// A chunk as HDF5's shuffle and deflate leave it.
fn packed(chunk: &[u8], item: usize) -> Step<Vec<u8>> {
    let mut shuffled = vec![0; chunk.len()];
    shuffle(item, chunk, &mut shuffled);
    zlib(LEVEL, &shuffled).map_err(|_| "compress a chunk".into())
}
