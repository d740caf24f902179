//! A file as groups, arrays, links and attributes, whichever format it is of: what NWB, sparse arrays and other
//! conventions are found in. The listing is plain data; values are asked for one array at a time.
//!
//! Paths have no leading slash: "acquisition/TwoPhotonSeries/data"; the empty path is the root.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hdf5::{AttributeValue, H5Tree};
use super::lindi;
use super::look::Look;
use super::{Chunk, DatasetEntry, Filled, FormatError, FormatErrorCode, Growing, OpenOptions, Source};
use crate::dispatch_dtype;
use crate::volume::{DType, Location, Region, Voxel};

/// More steps from link to link than this are a ring.
const MAX_LINKS: usize = 32;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A group.
    Group,
    /// An array, or a single value: then it has no axes.
    Array {
        /// Extent.
        shape: Vec<u64>,
        /// Type of its values where they are numbers; text and tables have none.
        dtype: Option<DType>,
    },
    /// Another name for something of the same file, the path from the root.
    Link(String),
    /// Something of another file.
    Elsewhere {
        /// The file as it is named there.
        file: String,
        /// The path in it.
        path: String,
    },
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its attributes, those that are numbers or text.
    pub attributes: BTreeMap<String, AttributeValue>,
}

impl Node {
    /// An object without attributes.
    pub fn new(kind: NodeKind) -> Self {
        Self { kind, attributes: BTreeMap::new() }
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name)? {
            AttributeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A numeric attribute of one value.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.attributes.get(name)? {
            AttributeValue::Floats(values) => values.first().copied(),
            AttributeValue::Integers(values) => values.first().map(|&value| value as f64),
            AttributeValue::Text(_) => None,
        }
    }
}

/// What is in a file.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    nodes: BTreeMap<String, Node>,
    /// Why it is not all that the file holds; `None` where it is.
    pub cut: Option<String>,
}

impl Listing {
    /// Adds an object, in place of a former one of that path.
    pub fn insert(&mut self, path: impl Into<String>, node: Node) {
        self.nodes.insert(path.into(), node);
    }

    /// The object that stands at exactly this path; links are not followed.
    pub fn at(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Every object with its path, in the order of the paths; links are listed, not followed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The object a path leads to, through links, and its own path. What lies in another file is given as
    /// [`NodeKind::Elsewhere`], with what is left of the path behind it.
    pub fn find(&self, path: &str) -> Option<(String, Node)> {
        let mut path = path.trim_matches('/').to_owned();
        for _ in 0..MAX_LINKS {
            let Some((link, rest)) = self.first_link(&path) else {
                let node = self.nodes.get(&path)?.clone();
                return Some((path, node));
            };
            path = match &self.nodes.get(link)?.kind {
                NodeKind::Link(target) => joined(target, rest),
                NodeKind::Elsewhere { file, path: there } => {
                    let kind = NodeKind::Elsewhere { file: file.clone(), path: joined(there, rest) };
                    return Some((link.to_owned(), Node::new(kind)));
                }
                NodeKind::Group | NodeKind::Array { .. } => return None,
            };
        }
        None
    }

    /// The first part of a path that is a link, and what follows it.
    fn first_link<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| (&path[..end], path[end..].trim_start_matches('/'))).find(|(start, _)| {
            matches!(
                self.nodes.get(*start).map(|node| &node.kind),
                Some(NodeKind::Link(_) | NodeKind::Elsewhere { .. })
            )
        })
    }
}

/// Every array of numbers that has at least two axes and a voxel, by its path.
pub(super) fn arrays(listing: &Listing) -> Vec<DatasetEntry> {
    let entry = |(path, node): (&str, &Node)| match &node.kind {
        NodeKind::Array { shape, dtype: Some(dtype) } if shape.len() >= 2 && !shape.contains(&0) => {
            Some(DatasetEntry {
                name: path.to_owned(),
                summary: format!("{}, {dtype}", dims_in_words(shape)),
                shape: shape.clone(),
                dtype: Some(*dtype),
                ..DatasetEntry::default()
            })
        }
        _ => None,
    };
    listing.iter().filter_map(entry).collect()
}

/// Opens the first of so many arrays that can be opened, where nobody has said which.
pub(super) fn first_of<T>(
    num: usize,
    open: &mut dyn FnMut(usize) -> Result<T, FormatError>,
) -> Result<(usize, T), FormatError> {
    const MAX_TRIED: usize = 16;
    let mut first = None;
    for at in 0..num.min(MAX_TRIED) {
        match open(at) {
            Ok(source) => return Ok((at, source)),
            // It would be the same for the others.
            Err(error) if matches!(error.code, FormatErrorCode::Cancelled | FormatErrorCode::WrongOption) => {
                return Err(error);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| FormatError::new(Location::parse(""), "holds no array")))
}

/// "6 × 20 × 24".
pub(super) fn dims_in_words(shape: &[u64]) -> String {
    shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ")
}

fn joined(path: &str, rest: &str) -> String {
    let path = path.trim_matches('/');
    match (path.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}/{rest}"),
    }
}

/// An array, and the same where it can grow.
pub type Shown = (Arc<dyn Source>, Option<Arc<dyn Growing>>);

/// Values of a small array.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers, in C order.
    Numbers(Vec<f64>),
    /// Texts, in C order.
    Texts(Vec<String>),
    /// The fields of a table that are numbers, each with a value for every row.
    Columns(Vec<(String, Vec<f64>)>),
}

/// A file that has a [`Listing`]. Nothing is held open between calls.
pub trait Tree: Send + Sync {
    /// The file.
    fn location(&self) -> &Location;

    /// What is in it. Immediate.
    fn listing(&self) -> &Listing;

    /// An array of numbers with at least one axis, at the path that [`Listing::find`] gives, as a source. Blocks.
    ///
    /// # Errors
    /// When there is none, or it is stored in a way that is not read.
    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError>;

    /// The same, and where the array can grow, that too. Blocks.
    ///
    /// # Errors
    /// As [`Tree::open`].
    fn open_growing(&self, path: &str, options: &OpenOptions) -> Result<Shown, FormatError> {
        self.open(path, options).map(|source| (source, None))
    }

    /// A single value, texts or a table of at most `max` rows, at such a path. Blocks.
    ///
    /// # Errors
    /// When there is none, it is longer, or cannot be read.
    fn small(&self, path: &str, max: usize) -> Result<Values, FormatError>;
}

/// The tree of a file that has one: HDF5, or references to it. Blocks.
///
/// # Errors
/// When nothing is there, it is of another format, or damaged.
pub fn read(location: impl Into<Location>, options: &OpenOptions) -> Result<Arc<dyn Tree>, FormatError> {
    let look = Look::at(&location.into(), options)?;
    if let Some(tree) = lindi::read(&look, options) {
        return tree;
    }
    match look.hdf5_path() {
        Some(path) => Ok(Arc::new(H5Tree::read(path)?.at(&look.location))),
        None => Err(FormatError::new(&look.location, look.in_words())),
    }
}

/// Values of any array of at most `max`, links followed; blocks.
///
/// # Errors
/// When there is none, it is longer, or part of it is missing.
pub fn values(tree: &dyn Tree, path: &str, max: usize) -> Result<Values, FormatError> {
    let failed = |message: String| FormatError::new(tree.location(), format!("{path}: {message}"));
    let (path, node) = tree.listing().find(path).ok_or_else(|| failed("there is no such array".to_owned()))?;
    let NodeKind::Array { shape, dtype } = &node.kind else {
        return Err(failed("is no array of this file".to_owned()));
    };
    let num = shape.iter().fold(1u64, |num, &dim| num.saturating_mul(dim));
    if num > max as u64 {
        return Err(failed(format!("has {num} values; up to {max} are read")));
    }
    if shape.is_empty() || dtype.is_none() {
        return tree.small(&path, max);
    }
    if num == 0 {
        return Ok(Values::Numbers(Vec::new()));
    }
    let source = tree.open(&path, &OpenOptions::default())?;
    numbers_of(source.as_ref()).map(Values::Numbers)
}

/// The numbers of an array, see [`values`].
///
/// # Errors
/// As there, and when it holds none.
pub fn numbers(tree: &dyn Tree, path: &str, max: usize) -> Result<Vec<f64>, FormatError> {
    match values(tree, path, max)? {
        Values::Numbers(numbers) => Ok(numbers),
        _ => Err(FormatError::new(tree.location(), format!("{path}: holds no numbers"))),
    }
}

/// The texts of an array, see [`values`].
///
/// # Errors
/// As there, and when it holds none.
pub fn texts(tree: &dyn Tree, path: &str, max: usize) -> Result<Vec<String>, FormatError> {
    match values(tree, path, max)? {
        Values::Texts(texts) => Ok(texts),
        _ => Err(FormatError::new(tree.location(), format!("{path}: holds no text"))),
    }
}

/// All values of a source in C order, which must all be there. Its size is for the caller to bound.
pub(super) fn numbers_of(source: &dyn Source) -> Result<Vec<f64>, FormatError> {
    let info = source.info();
    let whole = Region::whole(&info.shape);
    let mut chunks: Vec<Chunk> = Vec::new();
    source.chunks(&whole, &mut chunks);
    let mut numbers = vec![0.0; info.shape.num_voxels().unwrap_or(0)];
    let mut buffer = Vec::new();
    for chunk in &chunks {
        buffer.clear();
        buffer.resize(chunk.region.shape().num_bytes(info.dtype).unwrap_or(0), 0);
        match source.read(chunk, &mut buffer) {
            Ok(Filled::All) => {}
            Ok(Filled::Except(_, error)) | Err(error) => return Err(FormatError::of_read(&info.location, &error)),
        }
        for (index, value) in chunk.region.indices().zip(to_numbers(info.dtype, &buffer)) {
            if let Some(at) = info.shape.offset(&index[..info.shape.rank()]) {
                numbers[at] = value;
            }
        }
    }
    Ok(numbers)
}

/// Little-endian values as doubles.
pub(super) fn to_numbers(dtype: DType, bytes: &[u8]) -> Vec<f64> {
    dispatch_dtype!(dtype, T => {
        let items = bytes.chunks_exact(size_of::<T>());
        items.map(|item| bytemuck::pod_read_unaligned::<T>(item).to_f64()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(links: &[(&str, &str)]) -> Listing {
        let mut listing = Listing::default();
        for group in ["", "a", "a/b", "ab"] {
            listing.insert(group, Node::new(NodeKind::Group));
        }
        listing.insert("a/b/data", Node::new(NodeKind::Array { shape: vec![3], dtype: Some(DType::U8) }));
        for (path, target) in links {
            listing.insert(*path, Node::new(NodeKind::Link((*target).to_owned())));
        }
        listing
    }

    #[test]
    fn links_are_followed_in_every_part_of_a_path_and_rings_end() {
        let links =
            [("x", "/a"), ("x2", "x/b"), ("ring", "gnir"), ("gnir", "ring/deeper"), ("self", "self"), ("off", "no")];
        let mut listing = listing(&links);
        for path in ["a/b/data", "x/b/data", "x2/data", "/x2/data/"] {
            assert_eq!(listing.find(path).unwrap().0, "a/b/data", "{path}");
        }
        assert_eq!(listing.find("x").unwrap().0, "a");
        assert_eq!(listing.find("/").unwrap().0, "");
        for path in ["ring", "self", "self/a", "off", "a/b/data/more", "nothing"] {
            assert_eq!(listing.find(path), None, "{path}");
        }
        let there = NodeKind::Elsewhere { file: "raw.nwb".to_owned(), path: "/acquisition".to_owned() };
        listing.insert("a/raw", Node::new(there));
        let there = NodeKind::Elsewhere { file: "raw.nwb".to_owned(), path: "acquisition/c/data".to_owned() };
        assert_eq!(listing.find("x/raw/c/data").unwrap().1.kind, there);
    }
}
