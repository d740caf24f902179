//! libhdf5 behind its lock: handles that close themselves and cannot outlive the lock.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_uint, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr;

use hdf5_sys::h5d::{H5Dclose, H5Dopen2};
use hdf5_sys::h5e::{H5E_DEFAULT, H5E_direction_t, H5E_error2_t, H5Eclear2, H5Ewalk2};
use hdf5_sys::h5f::{H5F_ACC_RDONLY, H5F_ACC_SWMR_READ, H5Fclose, H5Fopen};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5o::{H5O_info2_t, H5O_type_t, H5Oclose, H5Oget_info_by_name3, H5Oopen};
use hdf5_sys::h5p::{
    H5P_CLS_DATASET_ACCESS, H5P_CLS_FILE_ACCESS, H5P_DEFAULT, H5Pclose, H5Pcreate, H5Pset, H5Pset_efile_prefix,
    H5Pset_file_locking, H5Pset_metadata_read_attempts,
};

use super::file::{Bytes, Hdf5File};
use super::links::{self, Target};
use super::{afar, blocks, driver};

/// Deepest nesting of groups that is followed.
pub const MAX_DEPTH: usize = 32;

/// Proof that the library's lock is held. Handles borrow it, so all are closed when it is released.
pub struct Library {
    _not_send: PhantomData<*const ()>,
}

/// Runs `work` alone in the library. Keep it short: this lock is the whole process's. Where a file lies afar and
/// `work` comes to what has not been fetched of it, it is fetched without the lock and `work` begins again.
pub fn locked<T>(mut work: impl FnMut(&Library) -> T) -> T {
    afar::again(|| {
        hdf5::sync::sync(|| {
            driver::refusal();
            work(&Library { _not_send: PhantomData })
        })
    })
}

/// An open handle of any kind.
pub struct Handle<'library> {
    id: hid_t,
    close: unsafe extern "C" fn(hid_t) -> i32,
    _library: PhantomData<&'library Library>,
}

impl<'library> Handle<'library> {
    /// Takes over what a call to the library returned.
    pub fn new(_: &'library Library, id: hid_t, close: unsafe extern "C" fn(hid_t) -> i32) -> Result<Self, String> {
        if id < 0 {
            return Err(last_error());
        }
        Ok(Self { id, close, _library: PhantomData })
    }

    /// The library's number of the handle.
    pub fn id(&self) -> hid_t {
        self.id
    }
}

/// A handle of what lies in memory alone, kept while others have the library's lock.
pub struct Kept {
    id: hid_t,
    close: unsafe extern "C" fn(hid_t) -> i32,
}

impl Handle<'_> {
    /// Keeps a list of properties beyond the lock. Nothing else may be: files are closed with the lock.
    pub fn kept(self) -> Kept {
        let handle = std::mem::ManuallyDrop::new(self);
        Kept { id: handle.id, close: handle.close }
    }
}

impl Kept {
    /// The library's number of it, for who has the lock.
    pub fn id(&self, _: &Library) -> hid_t {
        self.id
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: the handle is open and owned here alone; the lock is taken for it.
        hdf5::sync::sync(|| unsafe { (self.close)(self.id) });
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, owned here alone, and the library's lock is still held.
        unsafe { (self.close)(self.id) };
    }
}

/// How often metadata of a file that is being written are read until they make sense. The pause begins at a
/// nanosecond and doubles each time, with the library's lock held: a millisecond in all, where the library's own
/// number would hold everybody up for as long as a damaged file is looked at.
const MAX_ATTEMPTS: c_uint = 20;

impl Library {
    /// Opens a file to read it, without locks that a writer would trip over. The library sees this file alone, as
    /// it was opened already, whatever other files it names.
    pub fn open_file(&self, file: &Hdf5File) -> Result<Handle<'_>, String> {
        let name = path_name(&file.path)?;
        if let Bytes::Far(far) = &file.bytes
            && let Some(failure) = far.failure()
        {
            return Err(failure);
        }
        let is_near = matches!(file.bytes, Bytes::Near(_));
        if is_near && file.is_being_written == Some(true) && !file.is_for_readers {
            return Err("its writer has it open, and keeps what describes it to itself until it is done".into());
        }
        // SAFETY: the lock is held; every pointer points to a live value of the type the property has.
        unsafe {
            let access = Handle::new(self, H5Pcreate(*H5P_CLS_FILE_ACCESS), H5Pclose)?;
            driver::set(&access)?;
            let mut skip = file.is_cut();
            if H5Pset_file_locking(access.id(), 0, 1) < 0
                || H5Pset(access.id(), c"skip_eof_check".as_ptr(), (&raw mut skip).cast::<c_void>()) < 0
            {
                return Err(last_error());
            }
            let mut flags = H5F_ACC_RDONLY;
            if is_near && file.is_for_readers {
                flags |= H5F_ACC_SWMR_READ;
                if H5Pset_metadata_read_attempts(access.id(), MAX_ATTEMPTS) < 0 {
                    return Err(last_error());
                }
            }
            let id = driver::giving(file, || H5Fopen(name.as_ptr(), flags, access.id()));
            Handle::new(self, id, H5Fclose)
        }
    }

    /// Opens a dataset by its path in the file, never through a link that leaves the file.
    pub fn open_dataset(&self, file: &Handle<'_>, name: &str) -> Result<Handle<'_>, String> {
        let name = self.check_path(file, name)?;
        self.check_blocks(file, &name)?;
        // SAFETY: the lock is held, the handle open, the texts end with zero bytes.
        unsafe {
            // Bare files that hold its voxels lie beside the file, wherever this program was started.
            let access = Handle::new(self, H5Pcreate(*H5P_CLS_DATASET_ACCESS), H5Pclose)?;
            if H5Pset_efile_prefix(access.id(), c"${ORIGIN}".as_ptr()) < 0 {
                return Err(last_error());
            }
            Handle::new(self, H5Dopen2(file.id(), name.as_ptr(), access.id()), H5Dclose)
        }
    }

    /// Opens an object of whatever kind by its name in a group or file, which no link on the way leaves.
    pub fn open_object(&self, group: &Handle<'_>, name: &CStr) -> Result<Handle<'_>, String> {
        self.check_blocks(group, name)?;
        // SAFETY: the lock is held, the handle open, the name ends with a zero byte.
        unsafe { Handle::new(self, H5Oopen(group.id(), name.as_ptr(), H5P_DEFAULT), H5Oclose) }
    }

    /// Refuses a dataset that the library must not see, see [`blocks`]. What kind of object it is the library says
    /// without looking how its data lie.
    fn check_blocks(&self, group: &Handle<'_>, name: &CStr) -> Result<(), String> {
        const BASIC: c_uint = 1;
        // SAFETY: the lock is held, the handle open, the name ends with a zero byte; zeros are a valid record, which
        // is filled, and its token has 16 bytes, which its declaration keeps to itself.
        let (kind, token) = unsafe {
            let mut info = std::mem::zeroed::<H5O_info2_t>();
            if H5Oget_info_by_name3(group.id(), name.as_ptr(), &raw mut info, BASIC, H5P_DEFAULT) < 0 {
                return Err(last_error());
            }
            (info.type_, std::mem::transmute_copy::<_, links::Token>(&info.token))
        };
        match kind {
            H5O_type_t::H5O_TYPE_DATASET => driver::reading(self, group, |file| blocks::check(file, &token)),
            _ => Ok(()),
        }
    }

    /// The path as the library takes it, every link in it followed, if it stays in the file.
    pub fn check_path(&self, file: &Handle<'_>, name: &str) -> Result<CString, String> {
        match links::resolve(file, name)? {
            Target::Here(path) => Ok(path),
            Target::Elsewhere { file, object } => {
                Err(format!("{name:?} is a link to {object} in another file ({file}), which is not followed"))
            }
        }
    }
}

/// The innermost message of the library's error stack, which is the one that says what is wrong.
pub fn last_error() -> String {
    unsafe extern "C" fn note(_: c_uint, error: *const H5E_error2_t, data: *mut c_void) -> i32 {
        // SAFETY: the library passes a live record, and `data` is the string given below.
        unsafe {
            let text = (*error).desc;
            if !text.is_null() {
                *data.cast::<String>() = CStr::from_ptr(text).to_string_lossy().into_owned();
            }
        }
        0
    }
    let mut message = String::new();
    // SAFETY: walking downward from the outermost call, the last record visited is the innermost.
    unsafe {
        H5Ewalk2(H5E_DEFAULT, H5E_direction_t::H5E_WALK_DOWNWARD, Some(note), (&raw mut message).cast());
        H5Eclear2(H5E_DEFAULT);
    }
    if let Some(why) = driver::refusal() {
        return why.into();
    }
    if message.is_empty() { "the HDF5 library refused it".into() } else { message }
}

#[cfg(unix)]
fn path_name(path: &Path) -> Result<CString, String> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| "the path holds a zero byte".into())
}

#[cfg(not(unix))]
fn path_name(path: &Path) -> Result<CString, String> {
    let name = path.to_str().ok_or("the path is not Unicode")?;
    CString::new(name).map_err(|_| "the path holds a zero byte".into())
}

/// Calls a function of the library that fills a text buffer, with the size it needs.
pub fn text(fill: impl Fn(*mut c_char, usize) -> isize) -> Option<String> {
    const MAX_BYTES: usize = 1 << 16;
    let len = usize::try_from(fill(ptr::null_mut(), 0)).ok().filter(|&len| len < MAX_BYTES)?;
    let mut bytes = vec![0u8; len + 1];
    if fill(bytes.as_mut_ptr().cast(), bytes.len()) < 0 {
        return None;
    }
    bytes.truncate(len);
    String::from_utf8(bytes).ok()
}
