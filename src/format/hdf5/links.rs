//! Links between the objects of a file, and to other files: where the path of an object really leads.
//!
//! The library would follow all of them by itself, to whatever file a link names. Here a path is resolved step
//! by step, so that whoever asks knows which file an array lies in, and a ring of links ends.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

use hdf5_sys::h5::{H5_index_t, H5_iter_order_t};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5L_info2_t, H5Lget_info2, H5Lget_val, H5Literate2, H5Lunpack_elink_val};
use hdf5_sys::h5o::{H5O_info2_t, H5O_type_t, H5Oget_info3};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::afar::file_at;
use super::file::Hdf5File;
use super::index::not_hdf5;
use super::library::{Handle, Library, MAX_DEPTH, last_error, locked};
use crate::format::FormatError;

/// Most links followed on the way to one object.
const MAX_LINKS: usize = 16;

/// Longest value of a link that is read.
const MAX_VALUE_BYTES: usize = 4096;

/// Links looked at in one group.
pub const MAX_LINKS_OF_GROUP: usize = 20_000;

/// What a link of a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The object itself.
    Hard,
    /// To a path in the same file.
    Soft(String),
    /// To an object of another file.
    External {
        /// The file as the link names it.
        file: String,
        /// Path in it.
        object: String,
    },
    /// Of a kind not known here.
    Other,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// To this path in the same file, of which every step is the object itself.
    Here(CString),
    /// To another file.
    Elsewhere {
        /// The file as the link names it.
        file: String,
        /// Path in it.
        object: String,
    },
}

/// Follows a path to its object within the file, or to the link that leaves it.
pub fn resolve(file: &Handle<'_>, name: &str) -> Result<Target, String> {
    let absent = || format!("no array named {name:?}");
    let mut steps: Vec<String> = steps_of(name).rev().collect();
    let mut walked: Vec<String> = Vec::new();
    let mut num_links = 0;
    while let Some(step) = steps.pop() {
        walked.push(step);
        let here = format!("/{}", walked.join("/"));
        let link = CString::new(here.as_str()).map_err(|_| absent())?;
        let link = link_at(file, &link).ok_or_else(|| match num_links {
            0 => absent(),
            _ => {
                let whole: Vec<&str> = walked.iter().chain(steps.iter().rev()).map(String::as_str).collect();
                format!("is a link to /{}, which is not there", whole.join("/"))
            }
        })?;
        if !matches!(link, Link::Hard) {
            num_links += 1;
        }
        if num_links > MAX_LINKS {
            return Err(format!("{name:?} is a ring of links"));
        }
        match link {
            Link::Hard => {}
            Link::Soft(target) => {
                walked.pop();
                if target.starts_with('/') {
                    walked.clear();
                }
                let rest: Vec<String> = steps_of(&target).collect();
                steps.extend(rest.into_iter().rev());
            }
            Link::External { file, object } => {
                let rest: Vec<String> = steps_of(&object).chain(steps.into_iter().rev()).collect();
                return Ok(Target::Elsewhere { file, object: rest.join("/") });
            }
            Link::Other => return Err(format!("{here:?} is a link of an unknown kind")),
        }
    }
    CString::new(format!("/{}", walked.join("/"))).map(Target::Here).map_err(|_| absent())
}

/// The steps of a path; a dot is where one is.
fn steps_of(path: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    path.split('/').filter(|step| !step.is_empty() && *step != ".").map(str::to_owned)
}

/// The file and the path in it that a path of a file leads to, through links to other files, which are looked
/// for beside the file that names them.
///
/// # Errors
/// When a file on the way cannot be opened, or nothing is there: the message names the link and the file.
pub fn follow(path: &Path, name: &str) -> Result<(PathBuf, String), FormatError> {
    let (mut path, mut name) = (path.to_owned(), name.to_owned());
    for _ in 0..MAX_LINKS {
        let failed = |message: String| FormatError::new(&path, message);
        let opened = Hdf5File::open(&path).map_err(failed)?;
        let target = locked(|library: &Library| {
            let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
            resolve(&file, &name)
        });
        match target.map_err(failed)? {
            Target::Here(here) => {
                let here = here.to_string_lossy();
                return Ok((path, here.trim_start_matches('/').to_owned()));
            }
            Target::Elsewhere { file, object } => {
                let next = match file_at(&path) {
                    Some(far) => far.neighbour(&file)?.map(|next| next.path().to_owned()),
                    None => beside(&path, &file),
                };
                let absent = || failed(format!("{name} is a link to {object} in {file}, which is not there"));
                let next = next.ok_or_else(absent)?;
                (path, name) = (next, object);
            }
        }
    }
    Err(FormatError::new(&path, format!("{name} is a ring of links between files")))
}

/// The file that a file of this machine names: as it stands where that is absolute, else in the folder of the file that names
/// it, and in that folder by its last part alone, as after a move. `None` where none of them is there.
pub fn beside(path: &Path, named: &str) -> Option<PathBuf> {
    let named = Path::new(named);
    let real = path.canonicalize().ok();
    let folders = [path.parent(), real.as_deref().and_then(Path::parent)];
    let last = named.file_name().map(Path::new);
    [Some(named), last.filter(|_| named.is_absolute())]
        .into_iter()
        .flatten()
        .flat_map(|named| folders.iter().flatten().map(move |folder| folder.join(named)))
        .find(|path| path.is_file())
}

/// The links of a group.
pub struct Links {
    /// Their names, in order.
    pub names: Vec<CString>,
    /// Why they are not all; `None` where they are.
    pub cut: Option<String>,
}

/// The links of a group that is called `path`. `None` if the group is damaged.
pub fn links_of(group: &Handle<'_>, path: &str) -> Option<Links> {
    unsafe extern "C" fn note(_: hid_t, name: *const c_char, _: *const H5L_info2_t, data: *mut c_void) -> c_int {
        // SAFETY: `data` is the list given below, and the name ends with a zero byte.
        unsafe {
            let links = &mut *data.cast::<Vec<CString>>();
            if links.len() >= MAX_LINKS_OF_GROUP {
                return 1;
            }
            links.push(CStr::from_ptr(name).to_owned());
        }
        0
    }
    let mut links: Vec<CString> = Vec::new();
    let mut position = 0;
    // SAFETY: the caller holds the lock with the handle, which is a group's, and the list lives through the call.
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
    let cut = match status {
        0 => None,
        1.. => Some(format!("of the links of the group {path:?} only the first {MAX_LINKS_OF_GROUP} are listed")),
        _ if links.is_empty() => return None,
        _ => Some(format!("the group {path:?} is damaged: its first {} links are listed", links.len())),
    };
    Some(Links { names: links, cut })
}

/// The names of the links of a group that is called `path` and lies so deep, for whoever follows all of them; `cut` is
/// told why these are not all.
pub fn names_in(group: &Handle<'_>, path: &str, depth: usize, mut cut: impl FnMut(String)) -> Vec<CString> {
    let Some(links) = links_of(group, path) else {
        cut(format!("the group {path:?} is damaged"));
        return Vec::new();
    };
    links.cut.into_iter().for_each(&mut cut);
    if depth > MAX_DEPTH {
        cut(format!("groups lie deeper than {MAX_DEPTH} in one another"));
        return Vec::new();
    }
    links.names
}

/// What identifies an object in its file, whatever it is called.
pub type Token = [u8; 16];

/// The object of a name in an open group or file, what it is and what it is known by.
///
/// # Errors
/// When it cannot be opened, in the library's words or our own.
pub fn object_at<'l>(
    library: &'l Library,
    group: &Handle<'_>,
    name: &CStr,
) -> Result<(Handle<'l>, H5O_type_t, Token), String> {
    let object = library.open_object(group, name)?;
    let (kind, token) = token_of(&object).ok_or("is damaged")?;
    Ok((object, kind, token))
}

/// Kind of an open object, and what it is known by.
pub fn token_of(object: &Handle<'_>) -> Option<(H5O_type_t, Token)> {
    const BASIC: u32 = 1;
    // SAFETY: the lock is held, the handle is an object's; zeros are a valid record, which is filled, and its
    // token has 16 bytes, which its declaration keeps to itself.
    unsafe {
        let mut info = std::mem::zeroed::<H5O_info2_t>();
        if H5Oget_info3(object.id(), &raw mut info, BASIC) < 0 {
            last_error();
            return None;
        }
        Some((info.type_, std::mem::transmute_copy::<_, Token>(&info.token)))
    }
}

/// What the link of a name in an open group or file is. `None` where there is none.
pub fn link_at(group: &Handle<'_>, name: &CStr) -> Option<Link> {
    const HARD: c_int = 0;
    const SOFT: c_int = 1;
    const EXTERNAL: c_int = 64;
    let mut info = std::mem::MaybeUninit::<H5L_info2_t>::zeroed();
    // SAFETY: the caller holds the lock with the handle and the name ends with a zero byte. The record begins
    // with the kind of link, a number; it is not read by its own type, which user-defined kinds break.
    let kind = unsafe {
        if H5Lget_info2(group.id(), name.as_ptr(), info.as_mut_ptr(), H5P_DEFAULT) < 0 {
            return None;
        }
        *info.as_ptr().cast::<c_int>()
    };
    match kind {
        HARD => return Some(Link::Hard),
        SOFT | EXTERNAL => {}
        _ => return Some(Link::Other),
    }
    let mut value = vec![0u8; MAX_VALUE_BYTES];
    // SAFETY: as above; the buffer is as long as the call is told, but for the last byte, which stays zero.
    let status = unsafe {
        H5Lget_val(group.id(), name.as_ptr(), value.as_mut_ptr().cast::<c_void>(), value.len() - 1, H5P_DEFAULT)
    };
    if status < 0 {
        return Some(Link::Other);
    }
    if kind == SOFT {
        let target = CStr::from_bytes_until_nul(&value).ok()?;
        return Some(Link::Soft(target.to_string_lossy().into_owned()));
    }
    let (mut flags, mut file, mut object) = (0, ptr::null(), ptr::null());
    // SAFETY: the texts that are found in the buffer end with zero bytes inside it.
    unsafe {
        let value = value.as_ptr().cast::<c_void>();
        if H5Lunpack_elink_val(value, MAX_VALUE_BYTES, &raw mut flags, &raw mut file, &raw mut object) < 0 {
            return Some(Link::Other);
        }
        let text = |start: *const c_char| CStr::from_ptr(start).to_string_lossy().into_owned();
        Some(Link::External { file: text(file), object: text(object) })
    }
}
