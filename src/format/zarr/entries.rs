//! What a Zarr hierarchy holds: images, wells of a plate, labels, bare arrays. Looked for with bounds: a
//! hierarchy may be as large as a disk.

use std::collections::HashSet;

use serde_json::Map;

use super::array::ZarrArray;
use super::node::{self, Node, join};
use super::ome;
use crate::format::store::{ByteStore, tried};
use crate::format::{Cancel, DatasetEntry, FormatError};
use crate::volume::{DType, Location};

/// The most nodes that are looked at.
const MAX_LOOKED_AT: usize = 2000;

/// How deep arrays are looked for.
const MAX_DEPTH: usize = 12;

/// What is described in detail: its metadata are read for that.
const MAX_DESCRIBED: usize = 64;

/// Something that can be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What `--dataset` takes.
    pub name: String,
    /// Path of the group or array.
    pub path: String,
    /// What it is.
    pub what: What,
    /// Whether its numbers are names of things.
    pub is_label: bool,
}

/// What can be opened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// One of the images of a group.
    Image(ome::Multiscale),
    /// The first field of a well that was not looked at yet.
    Well,
    /// An array without OME metadata.
    Array,
}

/// A hierarchy that is being looked through.
pub struct Finder<'a> {
    /// Where it lies.
    pub store: &'a dyn ByteStore,
    /// Abandons the opening.
    pub cancel: &'a Cancel,
    /// What was found.
    pub entries: Vec<Entry>,
    /// Paths whose metadata could not be read, each with the reason.
    pub failed: Vec<FormatError>,
    /// Whether there is more than was looked at.
    pub is_cut: bool,
    looked_at: usize,
    seen: HashSet<String>,
}

impl<'a> Finder<'a> {
    /// Nothing found yet.
    pub fn new(store: &'a dyn ByteStore, cancel: &'a Cancel) -> Self {
        let (entries, failed) = (Vec::new(), Vec::new());
        Self { store, cancel, entries, failed, is_cut: false, looked_at: 0, seen: HashSet::new() }
    }

    /// Finds what a node and those below it hold. Blocks.
    ///
    /// # Errors
    /// When the opening was cancelled.
    pub fn find(&mut self, path: &str, node: &Node) -> Result<(), FormatError> {
        self.find_at(path, node, 0)
    }

    fn find_at(&mut self, path: &str, node: &Node, depth: usize) -> Result<(), FormatError> {
        if self.cancel.is_cancelled() {
            return Err(FormatError::cancelled(self.store.location(path)));
        }
        // A series that lists its own group would never end.
        if !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        if let Some(why) = &node.unread {
            let text = format!("what the metadata say of it is not known: {why}");
            self.failed.push(FormatError::new(self.store.location(&join(path, ".zattrs")), text));
        }
        if node.array.is_some() {
            self.push(path, What::Array, path, false);
            return Ok(());
        }
        let ome = ome::of(node);
        if let Some(wells) = ome::wells(ome) {
            wells.iter().for_each(|well| self.push(&join(path, well), What::Well, well, false));
            return Ok(());
        }
        if let Some(fields) = ome::fields(ome) {
            return self.find_each(path, &fields, depth, false);
        }
        let images = ome::multiscales(ome);
        if !images.is_empty() {
            self.push_images(path, images, path.starts_with("labels/") || path.contains("/labels/"));
            let labels = self.node(&join(path, "labels")).map(|node| ome::labels(ome::of(&node)));
            return self.find_each(path, &labels.unwrap_or_default(), depth, true);
        }
        if ome::is_series(ome) {
            let mut series = self.node(&join(path, "OME")).map(|node| ome::series(ome::of(&node))).unwrap_or_default();
            if series.is_empty() {
                series = self.numbered(path);
            }
            return self.find_each(path, &series, depth, false);
        }
        let known = match node.gathered.is_empty() && node.version == 2 {
            true => node::gathered(self.store, path, self.cancel).unwrap_or_default(),
            false => node.gathered.clone(),
        };
        self.walk(path, &known, depth)
    }

    fn push_images(&mut self, path: &str, images: Vec<ome::Multiscale>, is_label: bool) {
        let num = images.len();
        for (i, image) in images.into_iter().enumerate() {
            let name = match (path, &image.name) {
                ("", Some(name)) => name.clone(),
                ("", None) if num == 1 => "image".to_owned(),
                ("", None) => format!("image {i}"),
                (_, Some(name)) if num > 1 => format!("{path} {name}"),
                _ if num > 1 => format!("{path} {i}"),
                _ => path.to_owned(),
            };
            self.push(path, What::Image(image), &name, is_label);
        }
    }

    fn push(&mut self, path: &str, what: What, name: &str, is_label: bool) {
        let name = if name.is_empty() { "array".to_owned() } else { name.to_owned() };
        let is_known = |name: &str| self.entries.iter().any(|entry| entry.name == name);
        // Two of one name could not be told apart.
        let name = match is_known(&name) && self.entries.len() < MAX_LOOKED_AT {
            true => (2..).map(|i| format!("{name} ({i})")).find(|name| !is_known(name)).unwrap_or(name),
            false => name,
        };
        self.entries.push(Entry { name, path: path.to_owned(), what, is_label });
    }

    /// Goes into nodes that somebody has named.
    fn find_each(&mut self, path: &str, names: &[String], depth: usize, is_label: bool) -> Result<(), FormatError> {
        if depth >= MAX_DEPTH {
            return Ok(());
        }
        for name in names {
            let path = join(path, name);
            if self.looked_at >= MAX_LOOKED_AT {
                self.is_cut = true;
                break;
            }
            let num = self.entries.len();
            if let Some(node) = self.node(&path) {
                self.find_at(&path, &node, depth + 1)?;
            } else if !is_label && self.failed.last().is_none_or(|error| error.file != self.store.location(&path)) {
                let text = "the metadata name it, and it is not there";
                self.failed.push(FormatError::new(self.store.location(&path), text));
            }
            self.entries[num..].iter_mut().for_each(|entry| entry.is_label |= is_label);
        }
        Ok(())
    }

    /// The metadata of a node; `None` where there are none, or they are damaged, which is noted.
    fn node(&mut self, path: &str) -> Option<Node> {
        self.looked_at += 1;
        node::read(self.store, path, self.cancel).unwrap_or_else(|error| {
            self.failed.push(error);
            None
        })
    }

    /// Folders with numbers for names, in the order of the numbers.
    fn numbered(&self, path: &str) -> Vec<String> {
        let names = self.list(path).unwrap_or_default();
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.trim_end_matches('/').parse().ok()).collect();
        numbers.sort_unstable();
        numbers.iter().map(u32::to_string).collect()
    }

    fn list(&self, path: &str) -> Option<Vec<String>> {
        let work = &mut |until| self.store.list(path, until, self.cancel);
        tried(self.store, path, self.cancel, work).ok().flatten()
    }

    /// Looks through the folders of a group that says nothing of what is in it.
    fn walk(&mut self, path: &str, known: &Map<String, serde_json::Value>, depth: usize) -> Result<(), FormatError> {
        let Some(names) = self.list(path) else {
            // Nobody lists them, but perhaps the writer did.
            let mut paths: Vec<&String> = known.keys().collect();
            paths.sort();
            let names: Vec<String> = paths.into_iter().cloned().collect();
            return self.find_each(path, &names, depth, false);
        };
        let mut folders: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix('/')).collect();
        folders.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
        for folder in folders {
            if self.looked_at >= MAX_LOOKED_AT || depth >= MAX_DEPTH {
                self.is_cut = true;
                return Ok(());
            }
            let path = join(path, folder);
            match self.node(&path) {
                Some(node) => self.find_at(&path, &node, depth + 1)?,
                // Groups of version 3 need not say that they are.
                None => self.walk(&path, &Map::new(), depth + 1)?,
            }
        }
        Ok(())
    }
}

/// What the picker says of the entries, each with what is known of its array.
pub fn described(store: &dyn ByteStore, entries: &[Entry], cancel: &Cancel) -> Vec<DatasetEntry> {
    let is_looked_at = entries.len() <= MAX_DESCRIBED && (!store.is_remote() || entries.len() == 1);
    entries
        .iter()
        .map(|entry| {
            let array = if is_looked_at { array_of(store, entry, cancel) } else { None };
            let summary = match (&array, &entry.what) {
                (Some(array), _) => format!("{}, {}", array.shape, array.dtype),
                (None, What::Well) => "well".to_owned(),
                (None, What::Image(image)) => format!("image in {} resolutions", image.levels.len()),
                (None, What::Array) => "array".to_owned(),
            };
            DatasetEntry {
                name: entry.name.clone(),
                summary: if entry.is_label { format!("labels, {summary}") } else { summary },
                shape: array.iter().flat_map(|array| array.shape.dims()).map(|&dim| dim as u64).collect(),
                dtype: array.as_ref().map(|array| array.dtype),
                stored_bytes: None,
                compression: array.as_ref().map(ZarrArray::compression).unwrap_or_default(),
                is_no_image: entry.is_label || array.as_ref().is_some_and(is_no_image),
            }
        })
        .collect()
}

fn array_of(store: &dyn ByteStore, entry: &Entry, cancel: &Cancel) -> Option<ZarrArray> {
    let path = match &entry.what {
        What::Image(image) => join(&entry.path, &image.levels.first()?.path),
        What::Array => entry.path.clone(),
        What::Well => return None,
    };
    let node = node::read(store, &path, cancel).ok()??;
    ZarrArray::new(&node, &path).ok()
}

/// Whether an array is a list, a table of doubles or the labels of an axis rather than a picture.
fn is_no_image(array: &ZarrArray) -> bool {
    let dims = array.shape.dims();
    let is_thin = dims.iter().filter(|dim| **dim > 1).count() < 2;
    is_thin || (dims.len() == 2 && dims.iter().any(|dim| *dim < 8) && array.dtype == DType::F64)
}

/// Where an entry lies, for messages.
pub fn location_of(store: &dyn ByteStore, entry: &Entry) -> Location {
    store.location(&entry.path)
}
