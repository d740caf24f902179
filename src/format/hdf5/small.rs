//! Single values, texts and tables, read through the library: what is small and no image.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::path::Path;

use hdf5_sys::h5d::{H5D_layout_t, H5Dget_create_plist, H5Dget_space, H5Dget_type, H5Dread};
use hdf5_sys::h5p::{H5P_DEFAULT, H5Pclose, H5Pget_layout};
use hdf5_sys::h5s::{H5S_ALL, H5Sclose, H5Sget_simple_extent_npoints};
use hdf5_sys::h5t::{
    H5T_NATIVE_DOUBLE, H5T_class_t, H5T_cset_t, H5Tclose, H5Tcreate, H5Tget_class, H5Tget_cset, H5Tget_member_type,
    H5Tget_nmembers, H5Tget_size, H5Tinsert, H5Tis_variable_str, H5Treclaim,
};

use super::chunks;
use super::file::Hdf5File;
use super::library::{Handle, Library, last_error, locked};
use super::plugins;
use super::types::member_name;
use crate::format::tree::Values;

/// Most bytes that texts or a table may take in memory.
const MAX_BYTES: usize = 1 << 30;

/// The values of a dataset of numbers, text, or fields of numbers; at most `max` of them.
pub fn read(path: &Path, name: &str, max: usize) -> Result<Values, String> {
    let opened = Hdf5File::open(path)?;
    locked(|library| {
        let file = library.open_file(&opened)?;
        let dataset = library.open_dataset(&file, name)?;
        // SAFETY: the lock is held and the handle is a dataset's, then that of its creation list.
        let is_virtual = unsafe {
            let creation = Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?;
            H5Pget_layout(creation.id()) == H5D_layout_t::H5D_VIRTUAL
        };
        if is_virtual {
            // The library would open its sources by itself, and fill in what it does not find as if it were measured.
            return Err("is a virtual dataset: single values and tables are not read through other arrays".into());
        }
        plugins::prepare(library, 0);
        // SAFETY: the lock is held and the handle is a dataset's.
        let (stored, space) = unsafe {
            let stored = Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?;
            (stored, Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?)
        };
        // SAFETY: as above.
        let num = usize::try_from(unsafe { H5Sget_simple_extent_npoints(space.id()) }).map_err(|_| last_error())?;
        if num > max {
            return Err(format!("has {num} values; up to {max} are read"));
        }
        chunks::check(library, &dataset, &space)?;
        // SAFETY: the handle is a datatype's.
        match unsafe { H5Tget_class(stored.id()) } {
            H5T_class_t::H5T_INTEGER | H5T_class_t::H5T_FLOAT => numbers(&dataset, num).map(Values::Numbers),
            // SAFETY: the handle is a text type's.
            H5T_class_t::H5T_STRING if unsafe { H5Tis_variable_str(stored.id()) } > 0 => {
                varying_texts(&dataset, &stored, &space, num).map(Values::Texts)
            }
            H5T_class_t::H5T_STRING => fixed_texts(&dataset, &stored, num).map(Values::Texts),
            H5T_class_t::H5T_COMPOUND => columns(library, &dataset, &stored, num).map(Values::Columns),
            _ => Err("holds neither numbers nor text".into()),
        }
    })
}

fn room(num: usize, item: usize) -> Result<usize, String> {
    num.checked_mul(item)
        .filter(|&num_bytes| num_bytes <= MAX_BYTES)
        .ok_or_else(|| format!("takes more than {} MiB", MAX_BYTES >> 20))
}

fn numbers(dataset: &Handle<'_>, num: usize) -> Result<Vec<f64>, String> {
    room(num, 8)?;
    let mut values = vec![0f64; num];
    // SAFETY: the lock is held; the buffer has a double for every value, which is what is written.
    let status =
        unsafe { H5Dread(dataset.id(), *H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.as_mut_ptr().cast()) };
    if status < 0 { Err(last_error()) } else { Ok(values) }
}

fn varying_texts(
    dataset: &Handle<'_>,
    stored: &Handle<'_>,
    space: &Handle<'_>,
    num: usize,
) -> Result<Vec<String>, String> {
    room(num, size_of::<*mut c_char>())?;
    let mut starts: Vec<*mut c_char> = vec![std::ptr::null_mut(); num];
    // SAFETY: the buffer has a pointer for every value; the library's own allocations go back to it.
    unsafe {
        let data = starts.as_mut_ptr().cast();
        if H5Dread(dataset.id(), stored.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0 {
            return Err(last_error());
        }
        let text = |&start: &*mut c_char| match start.is_null() {
            true => String::new(),
            false => CStr::from_ptr(start).to_string_lossy().into_owned(),
        };
        let texts = starts.iter().map(text).collect();
        H5Treclaim(stored.id(), space.id(), H5P_DEFAULT, data);
        Ok(texts)
    }
}

fn fixed_texts(dataset: &Handle<'_>, stored: &Handle<'_>, num: usize) -> Result<Vec<String>, String> {
    // SAFETY: the handle is a text type's.
    let (len, set) = unsafe { (H5Tget_size(stored.id()), H5Tget_cset(stored.id())) };
    let mut bytes = vec![0u8; room(num, len)?];
    // SAFETY: the buffer has the bytes of every value.
    let status =
        unsafe { H5Dread(dataset.id(), stored.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.as_mut_ptr().cast()) };
    if status < 0 || !matches!(set, H5T_cset_t::H5T_CSET_ASCII | H5T_cset_t::H5T_CSET_UTF8) {
        return Err(last_error());
    }
    let text = |item: &[u8]| {
        let end = item.iter().position(|&byte| byte == 0).unwrap_or(item.len());
        String::from_utf8_lossy(&item[..end]).trim_end().to_owned()
    };
    Ok(bytes.chunks_exact(len.max(1)).map(text).collect())
}

/// The fields of a table that are numbers, one after the other.
fn columns(
    library: &Library,
    dataset: &Handle<'_>,
    stored: &Handle<'_>,
    num: usize,
) -> Result<Vec<(String, Vec<f64>)>, String> {
    const MAX_FIELDS: i32 = 64;
    // SAFETY: the lock is held and the handle is a compound type's; members asked for are below their number,
    // and a name lives through the call it is given to.
    unsafe {
        let mut columns = Vec::new();
        for i in 0..H5Tget_nmembers(stored.id()).clamp(0, MAX_FIELDS) as u32 {
            let member = Handle::new(library, H5Tget_member_type(stored.id(), i), H5Tclose)?;
            if !matches!(H5Tget_class(member.id()), H5T_class_t::H5T_INTEGER | H5T_class_t::H5T_FLOAT) {
                continue;
            }
            let name = member_name(stored.id(), i);
            let field = std::ffi::CString::new(name.as_str()).map_err(|_| "a field has no proper name")?;
            let wanted = Handle::new(library, H5Tcreate(H5T_class_t::H5T_COMPOUND, 8), H5Tclose)?;
            if H5Tinsert(wanted.id(), field.as_ptr(), 0, *H5T_NATIVE_DOUBLE) < 0 {
                return Err(last_error());
            }
            room(num, 8)?;
            let mut values = vec![0f64; num];
            let data = values.as_mut_ptr().cast();
            if H5Dread(dataset.id(), wanted.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0 {
                return Err(last_error());
            }
            columns.push((name, values));
        }
        Ok(columns)
    }
}
