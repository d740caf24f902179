//! Our decoders lent to libhdf5, so that what only it can untangle (a compressor beside one of its own
//! filters, odd bit widths) is readable whatever the compressor, and so that a test can compare both
//! ways of reading. Asked to encode they fail, and the library stores the chunk as it is.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr;
use std::sync::Once;

use hdf5_sys::h5::{H5allocate_memory, H5free_memory};
use hdf5_sys::h5z::{H5Z_CLASS_T_VERS, H5Z_FLAG_REVERSE, H5Z_class2_t, H5Zfilter_avail, H5Zregister};

use super::library::{Library, last_error, locked};
use crate::codec::{self, Filter, Scratch};

thread_local! {
    /// Decoded size of the chunks being read: filters are not told.
    static CHUNK_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Makes the decoders known to the library, and says how large the chunks of the coming reads are.
pub fn prepare(_: &Library, chunk_bytes: usize) {
    static ONCE: Once = Once::new();
    CHUNK_BYTES.set(chunk_bytes);
    ONCE.call_once(|| {
        for (id, filter) in FILTERS {
            let class = H5Z_class2_t {
                version: H5Z_CLASS_T_VERS as c_int,
                id,
                // Said to be there, or no dataset could be created whose chunks arrive packed.
                encoder_present: 1,
                decoder_present: 1,
                // A file's own record of a filter without a name takes this one, at the moment it is written: with a
                // name here, its length would depend on whether somebody has read before.
                name: ptr::null(),
                can_apply: None,
                set_local: None,
                filter: Some(filter),
            };
            // SAFETY: the lock is held; the library copies the record. A filter that it has already
            // (built in, or from the user's plugins) is left alone.
            unsafe {
                if H5Zfilter_avail(id) <= 0 {
                    H5Zregister((&raw const class).cast());
                }
            }
        }
    });
}

/// Settles which filters the library knows, plugins of the user's among them, and what they are called. Done before a
/// file is made: what the library learns of them while the file is open, because another thread reads, it would
/// write into room that it had measured without.
pub fn settle_filters() {
    locked(|library| prepare(library, 0));
}

/// Refuses filters that neither the library nor the user's plugins have: its own words for that name the
/// folder it was built in.
pub fn check(_: &Library, filters: &[Filter]) -> Result<(), String> {
    for filter in filters {
        if let Filter::Other { id, .. } = filter {
            // SAFETY: the lock is held; what the look-up puts on the library's stack of errors is cleared.
            let is_there = unsafe { H5Zfilter_avail(*id) > 0 };
            if !is_there {
                last_error();
                return Err("no such filter here; HDF5_PLUGIN_PATH may name the folder of its plugin".into());
            }
        }
    }
    Ok(())
}

type Callback = unsafe extern "C" fn(c_uint, usize, *const c_uint, usize, *mut usize, *mut *mut c_void) -> usize;

const FILTERS: [(c_int, Callback); 8] = [
    (305, decode::<305>),
    (307, decode::<307>),
    (32000, decode::<32000>),
    (32001, decode::<32001>),
    (32004, decode::<32004>),
    (32008, decode::<32008>),
    (32015, decode::<32015>),
    (32026, decode::<32026>),
];

/// The library's view of a decoder: replaces the buffer by the decoded one. 0 is failure.
unsafe extern "C" fn decode<const ID: c_int>(
    flags: c_uint,
    num_values: usize,
    values: *const c_uint,
    num_bytes: usize,
    capacity: *mut usize,
    buffer: *mut *mut c_void,
) -> usize {
    let len = CHUNK_BYTES.get();
    if flags & H5Z_FLAG_REVERSE == 0 || len == 0 {
        return 0;
    }
    // SAFETY: the library passes `num_values` values and a buffer of `num_bytes` that it allocated; the
    // new one comes from the same allocator, is zeroed, and takes its place only when it is filled.
    unsafe {
        let values = if num_values == 0 { &[] } else { std::slice::from_raw_parts(values, num_values) };
        let stored = std::slice::from_raw_parts((*buffer).cast::<u8>(), num_bytes);
        let output = H5allocate_memory(len, 1);
        if output.is_null() {
            return 0;
        }
        let filter = Filter::from_hdf5(ID, values, "");
        let decoded = std::slice::from_raw_parts_mut(output.cast::<u8>(), len);
        if codec::decode(&[filter], 0, stored, decoded, &mut Scratch::default()).is_err() {
            H5free_memory(output);
            return 0;
        }
        H5free_memory(*buffer);
        *buffer = output;
        *capacity = len;
        len
    }
}
