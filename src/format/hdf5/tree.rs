//! A file as a [`Tree`]: one walk over its groups, links and attributes, the file closed afterwards.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5_sys::h5d::{H5Dget_create_plist, H5Dget_space, H5Dget_type};
use hdf5_sys::h5g::{H5Gclose, H5Gopen2};
use hdf5_sys::h5o::H5O_type_t;
use hdf5_sys::h5p::{H5P_DEFAULT, H5Pclose};
use hdf5_sys::h5s::{H5Sclose, H5Sget_simple_extent_dims, H5Sget_simple_extent_ndims};
use hdf5_sys::h5t::H5Tclose;

use super::attributes::attributes_of;
use super::blocks::REFUSED;
use super::file::Hdf5File;
use super::index::not_hdf5;
use super::library::{Handle, Library, last_error, locked};
use super::links::{Link, Token, link_at, names_in, object_at, token_of};
use super::types::StoredType;
use super::{mappings, small};
use crate::format::tree::{Listing, Node, NodeKind, Shown, Tree, Values};
use crate::format::{FormatError, OpenOptions, Source, plain};
use crate::volume::Location;

/// Most objects that are listed of one file.
const MAX_OBJECTS: usize = 100_000;

/// An HDF5 file as groups, arrays, links and attributes.
pub struct H5Tree {
    path: PathBuf,
    location: Location,
    listing: Listing,
}

impl H5Tree {
    /// Lists a file. It is open for this call only.
    ///
    /// # Errors
    /// When the file cannot be opened, or its root group cannot be read.
    pub fn read(path: &Path) -> Result<Self, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let opened = Hdf5File::open(path).map_err(failed)?;
        let listing = locked(|library| {
            let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
            let mut walk = Walk { library, listing: Listing::default(), seen: HashMap::new(), num_objects: 0 };
            // SAFETY: the lock is held and the handle is a file's.
            let root = unsafe { Handle::new(library, H5Gopen2(file.id(), c"/".as_ptr(), H5P_DEFAULT), H5Gclose) };
            let root = root.map_err(|message| not_hdf5(&message))?;
            if let Some(token) = token_of(&root).map(|(_, token)| token) {
                walk.seen.insert(token, String::new());
            }
            walk.group(&root, "", 0);
            Ok(walk.listing)
        })
        .map_err(failed)?;
        Ok(Self { path: path.to_owned(), location: path.into(), listing })
    }

    /// The same, of a file that lies behind a URL and is only known here by that path.
    #[must_use]
    pub fn at(mut self, location: &Location) -> Self {
        self.location = location.clone();
        self
    }
}

impl Tree for H5Tree {
    fn location(&self) -> &Location {
        &self.location
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        plain::open_source(&self.path, path, options)
    }

    fn open_growing(&self, path: &str, options: &OpenOptions) -> Result<Shown, FormatError> {
        plain::open_shown(&self.path, path, options)
    }

    fn small(&self, path: &str, max: usize) -> Result<Values, FormatError> {
        small::read(&self.path, path, max)
            .map_err(|message| FormatError::new(self.path.as_path(), format!("{path}: {message}")))
    }
}

struct Walk<'library> {
    library: &'library Library,
    listing: Listing,
    /// Objects already listed: hard links give an object several names, and can form a ring.
    seen: HashMap<Token, String>,
    num_objects: usize,
}

impl Walk<'_> {
    fn group(&mut self, group: &Handle<'_>, path: &str, depth: usize) {
        let attributes = attributes_of(self.library, group).unwrap_or_default();
        self.listing.insert(path, Node { kind: NodeKind::Group, attributes });
        for name in names_in(group, path, depth, |why| self.cut(why)) {
            self.num_objects += 1;
            if self.num_objects > MAX_OBJECTS {
                self.cut(format!("it holds more than {MAX_OBJECTS} objects, of which the first are listed"));
                return;
            }
            let Ok(text) = name.to_str() else { continue };
            let text = if path.is_empty() { text.to_owned() } else { format!("{path}/{text}") };
            match link_at(group, &name) {
                Some(Link::Hard) => self.object(group, &name, text, depth),
                Some(Link::Soft(target)) => {
                    // What does not begin at the root begins where the link stands.
                    let target = if target.starts_with('/') { target } else { format!("{path}/{target}") };
                    self.listing.insert(text, Node::new(NodeKind::Link(target)));
                }
                Some(Link::External { file, object }) => {
                    self.listing.insert(text, Node::new(NodeKind::Elsewhere { file, path: object }));
                }
                Some(Link::Other) | None => {}
            }
        }
    }

    fn cut(&mut self, why: String) {
        self.listing.cut.get_or_insert(why);
    }

    fn object(&mut self, group: &Handle<'_>, name: &CStr, text: String, depth: usize) {
        let (object, kind, token) = match object_at(self.library, group, name) {
            Ok(object) => object,
            Err(why) if why == REFUSED => return self.cut(format!("{text:?} is damaged: {why}")),
            Err(_) => return self.cut(format!("{text:?} is damaged")),
        };
        if let Some(first) = self.seen.get(&token) {
            self.listing.insert(text, Node::new(NodeKind::Link(format!("/{first}"))));
            return;
        }
        self.seen.insert(token, text.clone());
        match kind {
            H5O_type_t::H5O_TYPE_GROUP => self.group(&object, &text, depth + 1),
            H5O_type_t::H5O_TYPE_DATASET => match array_of(self.library, &object) {
                Ok(kind) => {
                    let attributes = attributes_of(self.library, &object).unwrap_or_else(|_| BTreeMap::new());
                    self.listing.insert(text, Node { kind, attributes });
                }
                Err(why) => self.cut(format!("{text:?} cannot be read: {why}")),
            },
            _ => {}
        }
    }
}

fn array_of(library: &Library, dataset: &Handle<'_>) -> Result<NodeKind, String> {
    const MAX_AXES: usize = 32;
    // SAFETY: the lock is held and the handle is a dataset's; `dims` has room for as many axes as there can be.
    unsafe {
        let creation = Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?;
        let space = match mappings::space_of(library, &creation) {
            Some(space) => space,
            None => Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?,
        };
        let stored = Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?;
        let mut dims = [0u64; MAX_AXES];
        let rank = usize::try_from(H5Sget_simple_extent_ndims(space.id())).map_err(|_| last_error())?;
        if rank > MAX_AXES || H5Sget_simple_extent_dims(space.id(), dims.as_mut_ptr(), std::ptr::null_mut()) < 0 {
            return Err(last_error());
        }
        let dtype = StoredType::of(library, &stored).ok().map(|stored| stored.dtype);
        Ok(NodeKind::Array { shape: dims[..rank].to_vec(), dtype })
    }
}
