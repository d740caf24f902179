//! The arrays of a file.
#![allow(unsafe_code)]

use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;

use hdf5_sys::h5::{H5_index_t, H5_iter_order_t};
use hdf5_sys::h5d::{H5Dclose, H5Dopen2};
use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5L_info2_t, H5Lget_val, H5Literate2, H5Lunpack_elink_val};
use hdf5_sys::h5o::{H5O_info2_t, H5O_type_t, H5Oclose, H5Oget_info3, H5Oopen};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::file::Hdf5File;
use super::header::Header;
use super::index::not_hdf5;
use super::library::{Handle, Library, MAX_DEPTH, locked};
use super::types::UNSUPPORTED;
use crate::format::FormatError;

/// Most objects looked at in one file.
const MAX_OBJECTS: usize = 20_000;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Every array of numbers, at the root and in nested groups, in the order of their names.
    pub arrays: Vec<Header>,
    /// What is not read, and why: arrays of other types, links to other files.
    pub unread: Vec<Unread>,
}

/// An object that is not read.
#[derive(Debug)]
pub struct Unread {
    /// Path in the file, without the leading slash.
    pub name: String,
    /// "type complex is not supported".
    pub why: String,
}

impl Contents {
    /// What is not read, in words; `None` where there is nothing of the kind.
    pub fn unread_in_words(&self) -> Option<String> {
        const MAX_NAMED: usize = 5;
        let mut words: Vec<_> =
            self.unread.iter().take(MAX_NAMED).map(|Unread { name, why }| format!("{name}: {why}")).collect();
        if self.unread.len() > MAX_NAMED {
            words.push(format!("and {} more", self.unread.len() - MAX_NAMED));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// The arrays of [`contents`].
///
/// # Errors
/// As there.
pub fn list(path: &Path) -> Result<Vec<Header>, FormatError> {
    contents(path).map(|contents| contents.arrays)
}

/// Everything in a file that is or might be taken for an image. Damaged objects are left out. The file is
/// open for this call only.
///
/// # Errors
/// When the file cannot be opened, is not HDF5, or is too damaged to list anything.
pub fn contents(path: &Path) -> Result<Contents, FormatError> {
    let failed = |message: String| FormatError::new(path, message);
    let is_cut = Hdf5File::open(path).map_err(failed)?.is_cut();
    locked(|library| {
        let file = library.open_file(path, is_cut).map_err(|message| not_hdf5(&message))?;
        let mut walk =
            Walk { library, found: Contents::default(), seen: HashSet::new(), num_objects: 0, num_failed: 0 };
        // SAFETY: the lock is held and the handle is a file's.
        let root = unsafe { Handle::new(library, H5Gopen2(file.id(), c"/".as_ptr(), H5P_DEFAULT), H5Gclose) };
        walk.group(&root.map_err(|message| not_hdf5(&message))?, "", 0);
        if walk.found.arrays.is_empty() && walk.num_failed > 0 {
            return Err("its table of contents is damaged, or not written yet".into());
        }
        Ok(walk.found)
    })
    .map_err(failed)
}

struct Walk<'library> {
    library: &'library Library,
    found: Contents,
    /// Groups already entered: hard links can form a ring.
    seen: HashSet<[u8; 16]>,
    num_objects: usize,
    num_failed: usize,
}

/// Kinds of links.
const HARD: c_int = 0;
const EXTERNAL: c_int = 64;

/// As the library fills it; its own declaration has an enumeration that user-defined links break.
#[repr(C)]
struct LinkKind(c_int);

impl Walk<'_> {
    fn group(&mut self, group: &Handle<'_>, path: &str, depth: usize) {
        let Some(links) = links(group) else {
            self.num_failed += 1;
            return;
        };
        for (name, kind) in links {
            if self.num_objects >= MAX_OBJECTS {
                return;
            }
            self.num_objects += 1;
            let Some(text) = name.to_str().ok().map(|name| format!("{path}{name}")) else { continue };
            match kind {
                HARD if self.object(group, &name, &text, depth).is_none() => self.num_failed += 1,
                EXTERNAL => self.external(group, &name, text),
                _ => {}
            }
        }
    }

    /// Notes a link to another file, which is never followed.
    fn external(&mut self, group: &Handle<'_>, name: &CStr, text: String) {
        let mut value = vec![0u8; 4096];
        let (mut flags, mut file, mut object) = (0, ptr::null(), ptr::null());
        // SAFETY: the lock is held, the handle is a group's, the name ends with a zero byte, and the buffer
        // is as long as the calls are told; the texts found in it end with zero bytes inside it.
        let target = unsafe {
            let data = value.as_mut_ptr().cast::<c_void>();
            let is_read = H5Lget_val(group.id(), name.as_ptr(), data, value.len(), H5P_DEFAULT) >= 0
                && H5Lunpack_elink_val(data, value.len(), &raw mut flags, &raw mut file, &raw mut object) >= 0;
            if is_read { CStr::from_ptr(file).to_string_lossy().into_owned() } else { "another file".into() }
        };
        let why = format!("an external link (to {target}) {UNSUPPORTED}; open that file");
        self.found.unread.push(Unread { name: text, why });
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
                    match Header::of(self.library, &dataset, text) {
                        Ok(header) => self.found.arrays.push(header),
                        Err(why) if why.ends_with(UNSUPPORTED) => {
                            self.found.unread.push(Unread { name: text.to_owned(), why });
                        }
                        // Damaged, or a single value.
                        Err(_) => {}
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

/// Links of a group: to its own objects and to elsewhere. `None` if the group is damaged.
fn links(group: &Handle<'_>) -> Option<Vec<(CString, c_int)>> {
    unsafe extern "C" fn note(_: hid_t, name: *const c_char, info: *const H5L_info2_t, data: *mut c_void) -> c_int {
        // SAFETY: `data` is the list given below; the record starts with the kind of link, and the name
        // ends with a zero byte.
        unsafe {
            let links = &mut *data.cast::<Vec<(CString, c_int)>>();
            if links.len() >= MAX_OBJECTS {
                return 1;
            }
            links.push((CStr::from_ptr(name).to_owned(), (*info.cast::<LinkKind>()).0));
        }
        0
    }
    let mut links: Vec<(CString, c_int)> = Vec::new();
    let mut position = 0;
    // SAFETY: the lock is held, the handle is a group's, and the list lives through the call.
    let status = unsafe {
        H5Literate2(
            group.id(),
            H5_index_t::H5_INDEX_NAME,
            H5_iter_order_t::H5_ITER_INC,
            &raw mut position,
            Some(note),
            (&raw mut links).cast(),
        )
    };
    (status >= 0 || !links.is_empty()).then_some(links)
}
