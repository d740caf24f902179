//! The arrays of a file, under all of their names.
#![allow(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::path::{Path, PathBuf};

use hdf5_sys::h5d::{H5Dclose, H5Dopen2};
use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5o::{H5O_info2_t, H5O_type_t, H5Oclose, H5Oget_info3, H5Oopen};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::file::Hdf5File;
use super::header::{Header, IS_SCALAR};
use super::index::not_hdf5;
use super::library::{Handle, Library, MAX_DEPTH, locked};
use super::links::{Link, Target, follow, link_at, links_of, resolve};
use super::types::UNSUPPORTED;
use crate::format::FormatError;

/// Most objects looked at in one file.
const MAX_OBJECTS: usize = 20_000;

/// Most links to other files that are looked at.
const MAX_ELSEWHERE: usize = 64;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Every array of numbers, at the root and in nested groups, once each, in the order of their names.
    pub arrays: Vec<Header>,
    /// Further names of those arrays: hard and soft links.
    pub aliases: Vec<Alias>,
    /// Arrays of other files that this one links to.
    pub elsewhere: Vec<Elsewhere>,
    /// What is not read, and why, in the order of the names: arrays of other types, broken links.
    pub unread: Vec<Unread>,
}

/// A further name of an array.
#[derive(Debug, PartialEq, Eq)]
pub struct Alias {
    /// Path in the file, without the leading slash.
    pub name: String,
    /// The name in [`Contents::arrays`].
    pub of: String,
}

/// An array of another file.
#[derive(Debug)]
pub struct Elsewhere {
    /// The link's path in this file, without the leading slash.
    pub name: String,
    /// The other file.
    pub path: PathBuf,
    /// The array, named as it is there.
    pub header: Header,
}

/// An object that is not read.
#[derive(Debug)]
pub struct Unread {
    /// Path in the file, without the leading slash.
    pub name: String,
    /// "type complex is not supported".
    pub why: String,
    /// Whether something is wrong with it: damaged, or a link to nothing.
    pub is_broken: bool,
}

impl Contents {
    /// What is not read, in words; `None` where there is nothing of the kind.
    pub fn unread_in_words(&self) -> Option<String> {
        const MAX_NAMED: usize = 5;
        let mut words: Vec<_> =
            self.unread.iter().take(MAX_NAMED).map(|Unread { name, why, .. }| format!("{name}: {why}")).collect();
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

/// Everything in a file that is or might be taken for an image, and what is broken. The file is open for this
/// call only; files it links to are looked at likewise.
///
/// # Errors
/// When the file cannot be opened, is not HDF5, or is too damaged to list anything.
pub fn contents(path: &Path) -> Result<Contents, FormatError> {
    let failed = |message: String| FormatError::new(path, message);
    let opened = Hdf5File::open(path).map_err(failed)?;
    let (mut found, leaving) = locked(|library| {
        let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
        let mut walk = Walk::new(library);
        // SAFETY: the lock is held and the handle is a file's.
        let root = unsafe { Handle::new(library, H5Gopen2(file.id(), c"/".as_ptr(), H5P_DEFAULT), H5Gclose) };
        walk.group(&root.map_err(|message| not_hdf5(&message))?, "", 0);
        if walk.found.arrays.is_empty() && walk.num_failed > 0 {
            let cut = if opened.is_cut() { ": the file is cut off" } else { "" };
            return Err(format!("its table of contents is damaged, or not written yet{cut}"));
        }
        walk.soft_links(&file);
        Ok((walk.found, walk.leaving))
    })
    .map_err(failed)?;
    for (i, name) in leaving.into_iter().enumerate() {
        look_elsewhere(path, name, i < MAX_ELSEWHERE, &mut found);
    }
    found.unread.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Notes the array that a link to another file leads to, or why none.
fn look_elsewhere(path: &Path, name: String, is_looked_at: bool, found: &mut Contents) {
    let unread = |name, why, is_broken| Unread { name, why, is_broken };
    if !is_looked_at {
        let why = format!("one of more than {MAX_ELSEWHERE} links to other files {UNSUPPORTED}");
        return found.unread.push(unread(name, why, false));
    }
    let looked = follow(path, &name).map_err(|error| error.to_string()).and_then(|(path, object)| {
        let opened = Hdf5File::open(&path)?;
        let header = locked(|library| {
            let file = library.open_file(&opened)?;
            let dataset = library.open_dataset(&file, &object)?;
            Header::of(library, &dataset, &object)
        });
        let header = header.map_err(|why| format!("{object} in {}: {why}", path.display()))?;
        Ok((path, header))
    });
    match looked {
        Ok((path, header)) => found.elsewhere.push(Elsewhere { name, path, header }),
        Err(why) => {
            let is_broken = !why.ends_with(UNSUPPORTED);
            found.unread.push(unread(name, format!("an external link: {why}"), is_broken));
        }
    }
}

/// What identifies an object in its file.
type Token = [u8; 16];

struct Walk<'library> {
    library: &'library Library,
    found: Contents,
    /// Groups already entered: hard links can form a ring.
    entered: HashSet<Token>,
    /// Arrays already listed, by their first names.
    listed: HashMap<Token, String>,
    soft: Vec<String>,
    /// Links that leave the file.
    leaving: Vec<String>,
    num_objects: usize,
    num_failed: usize,
}

impl<'library> Walk<'library> {
    fn new(library: &'library Library) -> Self {
        Self {
            library,
            found: Contents::default(),
            entered: HashSet::new(),
            listed: HashMap::new(),
            soft: Vec::new(),
            leaving: Vec::new(),
            num_objects: 0,
            num_failed: 0,
        }
    }

    fn group(&mut self, group: &Handle<'_>, path: &str, depth: usize) {
        let Some(links) = links_of(group) else {
            self.num_failed += 1;
            return;
        };
        for name in links {
            if self.num_objects >= MAX_OBJECTS {
                return;
            }
            self.num_objects += 1;
            let Some(text) = name.to_str().ok().map(|name| format!("{path}{name}")) else { continue };
            match link_at(group, &name) {
                Some(Link::Hard) => {
                    if self.object(group, &name, &text, depth).is_none() {
                        self.num_failed += 1;
                        self.broken(text, "is damaged, or not written yet".into());
                    }
                }
                Some(Link::Soft(_)) => self.soft.push(text),
                Some(Link::External { .. }) => self.leaving.push(text),
                Some(Link::Other) | None => {}
            }
        }
    }

    fn broken(&mut self, name: String, why: String) {
        self.found.unread.push(Unread { name, why, is_broken: true });
    }

    /// Looks where the soft links lead, once every array is listed under a name of its own.
    fn soft_links(&mut self, file: &Handle<'_>) {
        for name in std::mem::take(&mut self.soft) {
            match resolve(file, &name) {
                Err(why) => self.broken(name, why),
                Ok(Target::Elsewhere { .. }) => self.leaving.push(name),
                Ok(Target::Here(target)) => {
                    let of = self.info(file, &target).and_then(|info| self.listed.get(&token(&info)).cloned());
                    if let Some(of) = of {
                        self.found.aliases.push(Alias { name, of });
                    }
                }
            }
        }
    }

    fn info(&self, group: &Handle<'_>, name: &CString) -> Option<H5O_info2_t> {
        const BASIC: u32 = 1;
        // SAFETY: the lock is held, the handle is a group's or file's, the name ends with a zero byte, and the
        // record is a live one of the type asked for.
        unsafe {
            let object = Handle::new(self.library, H5Oopen(group.id(), name.as_ptr(), H5P_DEFAULT), H5Oclose).ok()?;
            let mut info = std::mem::zeroed::<H5O_info2_t>();
            (H5Oget_info3(object.id(), &raw mut info, BASIC) >= 0).then_some(info)
        }
    }

    /// `None` if the object cannot be opened.
    fn object(&mut self, group: &Handle<'_>, name: &CString, text: &str, depth: usize) -> Option<()> {
        let info = self.info(group, name)?;
        match info.type_ {
            H5O_type_t::H5O_TYPE_DATASET => {
                if let Some(of) = self.listed.get(&token(&info)) {
                    self.found.aliases.push(Alias { name: text.to_owned(), of: of.clone() });
                    return Some(());
                }
                // SAFETY: the lock is held, the handle is a group's, the name ends with a zero byte.
                let dataset = unsafe { H5Dopen2(group.id(), name.as_ptr(), H5P_DEFAULT) };
                let dataset = Handle::new(self.library, dataset, H5Dclose).ok()?;
                match Header::of(self.library, &dataset, text) {
                    Ok(header) => {
                        self.listed.insert(token(&info), header.name.clone());
                        self.found.arrays.push(header);
                    }
                    Err(why) if why.ends_with(UNSUPPORTED) => {
                        self.found.unread.push(Unread { name: text.to_owned(), why, is_broken: false });
                    }
                    Err(why) if why == IS_SCALAR => {}
                    Err(why) => self.broken(text.to_owned(), why),
                }
            }
            H5O_type_t::H5O_TYPE_GROUP if depth < MAX_DEPTH && self.entered.insert(token(&info)) => {
                // SAFETY: the lock is held, the handle is a group's, the name ends with a zero byte.
                let child = unsafe { H5Gopen2(group.id(), name.as_ptr(), H5P_DEFAULT) };
                let child = Handle::new(self.library, child, H5Gclose).ok()?;
                self.group(&child, &format!("{text}/"), depth + 1);
            }
            _ => {}
        }
        Some(())
    }
}

fn token(info: &H5O_info2_t) -> Token {
    // SAFETY: the record's token is that many bytes; its declaration keeps them to itself.
    unsafe { std::mem::transmute_copy(&info.token) }
}
