//! The arrays of a file, under all of their names.
#![allow(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::path::{Path, PathBuf};

use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5o::H5O_type_t;
use hdf5_sys::h5p::H5P_DEFAULT;

use super::blocks::REFUSED;
use super::file::Hdf5File;
use super::header::{Header, IS_SCALAR};
use super::index::not_hdf5;
use super::library::{Handle, Library, MAX_DEPTH, locked};
use super::links::{Link, Target, Token, follow, link_at, links_of, object_at, resolve};
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
    /// Why this is not all that the file holds; `None` where it is.
    pub cut: Option<String>,
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
        let Some(links) = links_of(group, path.trim_end_matches('/')) else {
            self.num_failed += 1;
            return;
        };
        links.cut.into_iter().for_each(|why| self.cut(why));
        for name in links.names {
            if self.num_objects >= MAX_OBJECTS {
                self.cut(format!("it holds more than {MAX_OBJECTS} objects, of which the first are listed"));
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

    fn cut(&mut self, why: String) {
        self.found.cut.get_or_insert(why);
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
                    let token = object_at(self.library, file, &target).ok().map(|(_, _, token)| token);
                    let of = token.and_then(|token| self.listed.get(&token).cloned());
                    if let Some(of) = of {
                        self.found.aliases.push(Alias { name, of });
                    }
                }
            }
        }
    }

    /// `None` if the object cannot be opened.
    fn object(&mut self, group: &Handle<'_>, name: &CString, text: &str, depth: usize) -> Option<()> {
        let (object, kind, token) = match object_at(self.library, group, name) {
            Ok(object) => object,
            Err(why) if why == REFUSED => {
                self.broken(text.to_owned(), why);
                return Some(());
            }
            Err(_) => return None,
        };
        match kind {
            H5O_type_t::H5O_TYPE_DATASET => {
                if let Some(of) = self.listed.get(&token) {
                    self.found.aliases.push(Alias { name: text.to_owned(), of: of.clone() });
                    return Some(());
                }
                match Header::of(self.library, &object, text) {
                    Ok(header) => {
                        self.listed.insert(token, header.name.clone());
                        self.found.arrays.push(header);
                    }
                    Err(why) if why.ends_with(UNSUPPORTED) => {
                        self.found.unread.push(Unread { name: text.to_owned(), why, is_broken: false });
                    }
                    Err(why) if why == IS_SCALAR => {}
                    Err(why) => self.broken(text.to_owned(), why),
                }
            }
            H5O_type_t::H5O_TYPE_GROUP if depth >= MAX_DEPTH => {
                self.cut(format!("groups lie deeper than {MAX_DEPTH} in one another; what lies deeper is not listed"));
            }
            H5O_type_t::H5O_TYPE_GROUP if self.entered.insert(token) => {
                self.group(&object, &format!("{text}/"), depth + 1);
            }
            _ => {}
        }
        Some(())
    }
}
