//! The library's only way to files: a file driver that reads the file it was given and no other, of this machine or
//! behind a URL. Of the latter it reads the blocks which are there, and fails where one is not; it never waits.
//!
//! What the library would read for ever is refused here, where it passes: see [`super::heap`].
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};
use std::ptr;
use std::sync::OnceLock;

use hdf5_sys::h5f::{H5Fclose, H5Fget_vfd_handle};
use hdf5_sys::h5fd::H5FDregister;
use hdf5_sys::h5i::{H5Iget_file_id, hid_t};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::file::{Bytes, Hdf5File, Numbers, read_as_far_as_it_goes};
use super::heap;
use super::library::{Handle, Library, last_error};

thread_local! {
    /// The file that the library is about to open for this thread.
    static GIVEN: RefCell<Option<(Bytes, Numbers)>> = const { RefCell::new(None) };
    /// Why a read was refused that the file itself allowed.
    static REFUSAL: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Lets the library open this file in `work`, under whatever name.
pub fn giving<T>(file: &Hdf5File, work: impl FnOnce() -> T) -> T {
    GIVEN.set(Some((file.bytes.clone(), file.numbers)));
    let result = work();
    GIVEN.set(None);
    result
}

/// Why a read of this thread was refused since this was last asked.
pub fn refusal() -> Option<&'static str> {
    REFUSAL.take()
}

unsafe extern "C" {
    /// Not among the declarations of hdf5-sys.
    fn H5Pset_driver(list: hid_t, driver: hid_t, info: *const c_void) -> c_int;
}

/// `H5FD_t` of the library, which fills it; behind it what is ours.
#[repr(C)]
struct OpenFile {
    driver: hid_t,
    class: *const c_void,
    number: c_ulong,
    access_flags: c_uint,
    feature_flags: c_ulong,
    max_address: u64,
    base_address: u64,
    threshold: u64,
    alignment: u64,
    is_paged: bool,
    end_of_allocation: u64,
    num_bytes: u64,
    numbers: Numbers,
    bytes: Bytes,
}

/// A function that is left out.
type Without = Option<unsafe extern "C" fn()>;

/// `H5FD_class_t` of HDF5 1.14 and 2: hdf5-sys lacks its first field.
#[repr(C)]
struct Class {
    version: c_uint,
    value: c_int,
    name: *const c_char,
    max_address: u64,
    close_degree: c_int,
    terminate: Without,
    superblock: [Without; 3],
    access_bytes: usize,
    access: [Without; 3],
    transfer_bytes: usize,
    transfer: [Without; 2],
    open: unsafe extern "C" fn(*const c_char, c_uint, hid_t, u64) -> *mut OpenFile,
    close: unsafe extern "C" fn(*mut OpenFile) -> c_int,
    compare: unsafe extern "C" fn(*const OpenFile, *const OpenFile) -> c_int,
    query: unsafe extern "C" fn(*const OpenFile, *mut c_ulong) -> c_int,
    type_map: Without,
    allocate: Without,
    free: Without,
    end_of_allocation: unsafe extern "C" fn(*const OpenFile, c_int) -> u64,
    set_end_of_allocation: unsafe extern "C" fn(*mut OpenFile, c_int, u64) -> c_int,
    end_of_file: unsafe extern "C" fn(*const OpenFile, c_int) -> u64,
    handle: unsafe extern "C" fn(*mut OpenFile, hid_t, *mut *mut c_void) -> c_int,
    read: unsafe extern "C" fn(*mut OpenFile, c_int, hid_t, u64, usize, *mut c_void) -> c_int,
    write: unsafe extern "C" fn(*mut OpenFile, c_int, hid_t, u64, usize, *const c_void) -> c_int,
    vectors_and_selections: [Without; 4],
    flush: Without,
    truncate: Without,
    lock: Without,
    unlock: Without,
    delete: Without,
    control: Without,
    free_lists: [c_int; 7],
}

/// Makes a list of access properties lead to the files that are given.
pub fn set(access: &Handle<'_>) -> Result<(), String> {
    static DRIVER: OnceLock<Result<hid_t, String>> = OnceLock::new();
    // SAFETY: the caller holds the lock with the handle, which is a list of access properties. The library
    // copies the class; its name and functions live as long as the program.
    unsafe {
        let driver = DRIVER.get_or_init(|| {
            let class = class();
            let id = H5FDregister((&raw const class).cast());
            if id < 0 { Err(last_error()) } else { Ok(id) }
        });
        if H5Pset_driver(access.id(), driver.clone()?, ptr::null()) < 0 {
            return Err(last_error());
        }
    }
    Ok(())
}

fn class() -> Class {
    const VERSION: c_uint = 1;
    /// In the range that is free for whoever needs one.
    const VALUE: c_int = 500;
    /// The file is closed with its last handle, whatever else was left open in it.
    const CLOSE_STRONG: c_int = 3;
    Class {
        version: VERSION,
        value: VALUE,
        name: c"tectum".as_ptr(),
        max_address: MAX_ADDRESS,
        close_degree: CLOSE_STRONG,
        terminate: None,
        superblock: [None; 3],
        access_bytes: 0,
        access: [None; 3],
        transfer_bytes: 0,
        transfer: [None; 2],
        open,
        close,
        compare,
        query,
        type_map: None,
        allocate: None,
        free: None,
        end_of_allocation,
        set_end_of_allocation,
        end_of_file,
        handle: itself,
        read,
        write,
        vectors_and_selections: [None; 4],
        flush: None,
        truncate: None,
        lock: None,
        unlock: None,
        delete: None,
        control: None,
        free_lists: [0; 7],
    }
}

const MAX_ADDRESS: u64 = i64::MAX as u64;

unsafe extern "C" fn open(_: *const c_char, _: c_uint, _: hid_t, _: u64) -> *mut OpenFile {
    // Asked for in no such moment: a file that another one names.
    let Some((bytes, numbers)) = GIVEN.with_borrow(Clone::clone) else { return ptr::null_mut() };
    let Ok(stamp) = bytes.stamp() else { return ptr::null_mut() };
    Box::into_raw(Box::new(OpenFile {
        driver: 0,
        class: ptr::null(),
        number: 0,
        access_flags: 0,
        feature_flags: 0,
        max_address: MAX_ADDRESS,
        base_address: 0,
        threshold: 0,
        alignment: 0,
        is_paged: false,
        end_of_allocation: 0,
        num_bytes: stamp.num_bytes,
        numbers,
        bytes,
    }))
}

unsafe extern "C" fn close(file: *mut OpenFile) -> c_int {
    // SAFETY: made by `open`, and closed once.
    drop(unsafe { Box::from_raw(file) });
    0
}

unsafe extern "C" fn compare(one: *const OpenFile, other: *const OpenFile) -> c_int {
    one.cmp(&other) as c_int
}

unsafe extern "C" fn query(file: *const OpenFile, flags: *mut c_ulong) -> c_int {
    // Metadata that lie side by side are not read at once: of each read the beginning shows what it is of.
    /// Small parts of contiguous data too.
    const DATA_SIEVE: c_ulong = 0x8;
    /// Another process may be writing.
    const SUPPORTS_SWMR: c_ulong = 0x1000;
    // SAFETY: the library asks with a place for the answer, or none, of a file of this driver, or of none.
    let (file, flags) = unsafe { (file.as_ref(), flags.as_mut()) };
    let is_near = file.is_some_and(|file| matches!(file.bytes, Bytes::Near(_)));
    let all = if is_near { DATA_SIEVE | SUPPORTS_SWMR } else { 0 };
    flags.into_iter().for_each(|flags| *flags = all);
    0
}

unsafe extern "C" fn end_of_allocation(file: *const OpenFile, _: c_int) -> u64 {
    // SAFETY: an open file of this driver.
    unsafe { (*file).end_of_allocation }
}

unsafe extern "C" fn set_end_of_allocation(file: *mut OpenFile, _: c_int, address: u64) -> c_int {
    // SAFETY: an open file of this driver, which the lock gives to one thread at a time.
    unsafe { (*file).end_of_allocation = address };
    0
}

unsafe extern "C" fn end_of_file(file: *const OpenFile, _: c_int) -> u64 {
    // SAFETY: an open file of this driver.
    unsafe { (*file).num_bytes }
}

unsafe extern "C" fn itself(file: *mut OpenFile, _: hid_t, place: *mut *mut c_void) -> c_int {
    // SAFETY: the library asks with a place for the answer.
    unsafe { *place = file.cast() };
    0
}

/// Bytes of an open file, as the library reads them.
pub struct Reader<'a> {
    /// How places and lengths are written in it.
    pub numbers: Numbers,
    /// Its length when it was opened.
    pub num_bytes: u64,
    file: &'a OpenFile,
}

impl Reader<'_> {
    /// Fills `buffer` from a place that is counted from the file's beginning. `false` where that cannot be had; of a
    /// file behind a URL it may be fetched then, and everything begins again.
    pub fn fill(&self, buffer: &mut [u8], at: u64) -> bool {
        self.file.fill(buffer, at)
    }
}

/// Reads of the file that `object` lies in, or is.
pub fn reading<T>(
    library: &Library,
    object: &Handle<'_>,
    work: impl FnOnce(&Reader<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let mut place = ptr::null_mut();
    // SAFETY: the caller holds the lock, and the handle is of a file or of what lies in one. Every file is opened
    // with this driver, whose handle of it is its own record; that lives until the file is closed.
    unsafe {
        let file = Handle::new(library, H5Iget_file_id(object.id()), H5Fclose)?;
        if H5Fget_vfd_handle(file.id(), H5P_DEFAULT, &raw mut place) < 0 {
            return Err(last_error());
        }
        let file = place.cast::<OpenFile>().as_ref().ok_or("the HDF5 library knows of no file")?;
        work(&Reader { numbers: file.numbers, num_bytes: file.num_bytes, file })
    }
}

impl OpenFile {
    /// Fills `buffer` from `at`, with zeros behind the end of a file of this machine: one that is cut off is let
    /// through by [`super::library::Library::open_file`] alone.
    fn fill(&self, buffer: &mut [u8], at: u64) -> bool {
        match &self.bytes {
            Bytes::Far(file) => file.fill(buffer, at),
            Bytes::Near(file) => match read_as_far_as_it_goes(file, buffer, at) {
                Ok(len) => {
                    buffer[len..].fill(0);
                    true
                }
                Err(_) => false,
            },
        }
    }
}

unsafe extern "C" fn read(
    file: *mut OpenFile,
    kind: c_int,
    _: hid_t,
    address: u64,
    num_bytes: usize,
    buffer: *mut c_void,
) -> c_int {
    /// As what global heaps are read too.
    const VOXELS: c_int = 3;
    const NAMES: c_int = 5;
    /// The library reads a little further than what it reads is long.
    const MAX_ABSENT_BYTES: u64 = 64 << 10;
    if num_bytes == 0 {
        return 0;
    }
    // SAFETY: an open file of this driver, and a buffer of as many bytes as are asked for.
    let (file, buffer) = unsafe { (&*file, std::slice::from_raw_parts_mut(buffer.cast::<u8>(), num_bytes)) };
    let left = file.num_bytes.saturating_sub(address);
    // Metadata of which so much is not there are damaged, and the library keeps as much memory as they claim; but
    // a file that is being written may have grown since it was opened.
    let is_absent = |left: u64| (num_bytes as u64).saturating_sub(left) > MAX_ABSENT_BYTES;
    let left_now = || file.bytes.stamp().map_or(left, |stamp| stamp.num_bytes.saturating_sub(address));
    if kind != VOXELS && is_absent(left) && is_absent(left_now()) {
        REFUSAL.set(Some("what describes its arrays is damaged or cut off"));
        return -1;
    }
    if !file.fill(buffer, address) {
        return -1;
    }
    if kind == NAMES && heap::is_ring(buffer, file.numbers, &|buffer, at| file.fill(buffer, at)) {
        REFUSAL.set(Some("the heap of a group's names is damaged"));
        return -1;
    }
    let rest = |buffer: &mut [u8], from| file.fill(buffer, address.saturating_add(from));
    if kind == VOXELS && heap::is_endless(buffer, left, file.numbers.length_bytes, &rest) {
        REFUSAL.set(Some(heap::REFUSED));
        return -1;
    }
    0
}

unsafe extern "C" fn write(_: *mut OpenFile, _: c_int, _: hid_t, _: u64, _: usize, _: *const c_void) -> c_int {
    -1
}
