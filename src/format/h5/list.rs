//! The arrays of a file.
#![allow(unsafe_code)]

use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;

use hdf5_sys::h5::{H5_index_t, H5_iter_order_t};
use hdf5_sys::h5d::{H5Dclose, H5Dopen2};
use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5L_info2_t, H5Literate2};
use hdf5_sys::h5o::{H5O_info2_t, H5O_type_t, H5Oclose, H5Oget_info3, H5Oopen};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::file::Hdf5File;
use super::header::Header;
use super::index::not_hdf5;
use super::library::{Handle, Library, MAX_DEPTH, locked};
use crate::format::FormatError;

/// Most objects looked at in one file.
const MAX_OBJECTS: usize = 20_000;

/// Every array of numbers in a file, at the root and in nested groups, in the order of their names.
/// Objects that are damaged or of other types are left out. The file is open for this call only.
///
/// # Errors
/// When the file cannot be opened, is not HDF5, or is too damaged to list anything.
pub fn list(path: &Path) -> Result<Vec<Header>, FormatError> {
    let failed = |message: String| FormatError::new(path, message);
    let is_cut = Hdf5File::open(path).map_err(failed)?.is_cut();
    locked(|library| {
        let file = library.open_file(path, is_cut).map_err(|message| not_hdf5(&message))?;
        let mut walk = Walk { library, found: Vec::new(), seen: HashSet::new(), num_objects: 0, num_failed: 0 };
        // SAFETY: the lock is held and the handle is a file's.
        let root = unsafe { Handle::new(library, H5Gopen2(file.id(), c"/".as_ptr(), H5P_DEFAULT), H5Gclose) };
        walk.group(&root.map_err(|message| not_hdf5(&message))?, "", 0);
        if walk.found.is_empty() && walk.num_failed > 0 {
            return Err("its table of contents is damaged, or not written yet".into());
        }
        Ok(walk.found)
    })
    .map_err(failed)
}

struct Walk<'library> {
    library: &'library Library,
    found: Vec<Header>,
    /// Groups already entered: hard links can form a ring.
    seen: HashSet<[u8; 16]>,
    num_objects: usize,
    num_failed: usize,
}

/// As the library fills it; its own declaration has an enumeration that user-defined links break.
#[repr(C)]
struct LinkKind(c_int);

impl Walk<'_> {
    fn group(&mut self, group: &Handle<'_>, path: &str, depth: usize) {
        let Some(names) = hard_links(group) else {
            self.num_failed += 1;
            return;
        };
        for name in names {
            if self.num_objects >= MAX_OBJECTS {
                return;
            }
            self.num_objects += 1;
            let Some(text) = name.to_str().ok().map(|name| format!("{path}{name}")) else { continue };
            if self.object(group, &name, &text, depth).is_none() {
                self.num_failed += 1;
            }
        }
    }

    /// `None` if the object cannot be opened.
    fn object(&mut self, group: &Handle<'_>, name: &CStr, text: &str, depth: usize) -> Option<()> {
        // SAFETY: the lock is held, the handle is a group's, the name ends with a zero byte, and the
        // record is a live one of the type asked for.
        unsafe {
            let info = {
                let object =
                    Handle::new(self.library, H5Oopen(group.id(), name.as_ptr(), H5P_DEFAULT), H5Oclose).ok()?;
                let mut info = std::mem::zeroed::<H5O_info2_t>();
                const BASIC: u32 = 1;
                if H5Oget_info3(object.id(), &raw mut info, BASIC) < 0 {
                    return None;
                }
                info
            };
            match info.type_ {
                H5O_type_t::H5O_TYPE_DATASET => {
                    let dataset =
                        Handle::new(self.library, H5Dopen2(group.id(), name.as_ptr(), H5P_DEFAULT), H5Dclose).ok()?;
                    // An array of another type is not damage.
                    if let Ok(header) = Header::of(self.library, &dataset, text) {
                        self.found.push(header);
                    }
                }
                H5O_type_t::H5O_TYPE_GROUP if depth < MAX_DEPTH => {
                    let token = std::mem::transmute_copy::<_, [u8; 16]>(&info.token);
                    if self.seen.insert(token) {
                        let child =
                            Handle::new(self.library, H5Gopen2(group.id(), name.as_ptr(), H5P_DEFAULT), H5Gclose)
                                .ok()?;
                        self.group(&child, &format!("{text}/"), depth + 1);
                    }
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// Names of a group's own objects; links to elsewhere are left out. `None` if the group is damaged.
fn hard_links(group: &Handle<'_>) -> Option<Vec<CString>> {
    unsafe extern "C" fn note(_: hid_t, name: *const c_char, info: *const H5L_info2_t, data: *mut c_void) -> c_int {
        // SAFETY: `data` is the list given below; the record starts with the kind of link, and the name
        // ends with a zero byte.
        unsafe {
            let names = &mut *data.cast::<Vec<CString>>();
            if names.len() >= MAX_OBJECTS {
                return 1;
            }
            if (*info.cast::<LinkKind>()).0 == 0 {
                names.push(CStr::from_ptr(name).to_owned());
            }
        }
        0
    }
    let mut names: Vec<CString> = Vec::new();
    let mut position = 0;
    // SAFETY: the lock is held, the handle is a group's, and the list lives through the call.
    let status = unsafe {
        H5Literate2(
            group.id(),
            H5_index_t::H5_INDEX_NAME,
            H5_iter_order_t::H5_ITER_INC,
            &raw mut position,
            Some(note),
            (&raw mut names).cast(),
        )
    };
    (status >= 0 || !names.is_empty()).then_some(names)
}
