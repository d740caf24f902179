//! Small HDF5 files, made in memory as a whole: nothing of them is on disk before they are.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use hdf5::globals::H5P_FILE_ACCESS;
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5F_scope_t, H5Fclose, H5Fcreate, H5Fflush, H5Fget_file_image};
use hdf5_sys::h5p::{H5Pclose, H5Pcreate, H5Pset_fapl_core, H5Pset_libver_bounds};

use super::raw::{Handle, Step, done};

/// By how much the memory of such a file grows.
const STEP_BYTES: usize = 1 << 20;

/// Runs `fill` on an empty file, alone in the library, and returns the file's bytes, which every HDF5 from 1.10 on reads.
pub fn image(fill: impl FnOnce(&Handle) -> Step<()>) -> Step<Vec<u8>> {
    // The library takes two files of one name for one.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("in-memory-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let name = CString::new(name).map_err(|_| "name a file")?;
    hdf5::sync::sync(|| {
        // SAFETY: the lock is held; identifiers are checked before use and closed once; the buffer is as long as the
        // call is told.
        unsafe {
            let access = Handle::new(H5Pcreate(*H5P_FILE_ACCESS), H5Pclose, "set up a file")?;
            done(H5Pset_fapl_core(access.id(), STEP_BYTES, 0), "set up a file in memory")?;
            let (low, high) = (H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V110);
            done(H5Pset_libver_bounds(access.id(), low, high), "set the file version")?;
            let file = H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, 0, access.id());
            let file = Handle::new(file, H5Fclose, "make a file in memory")?;
            fill(&file)?;
            done(H5Fflush(file.id(), H5F_scope_t::H5F_SCOPE_LOCAL), "finish a file in memory")?;
            let len = H5Fget_file_image(file.id(), ptr::null_mut(), 0);
            let mut bytes = vec![0u8; usize::try_from(len).map_err(|_| "finish a file in memory")?];
            let len = H5Fget_file_image(file.id(), bytes.as_mut_ptr().cast(), bytes.len());
            if usize::try_from(len) != Ok(bytes.len()) {
                return Err("finish a file in memory".into());
            }
            Ok(bytes)
        }
    })
}
