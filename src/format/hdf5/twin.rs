//! Whether a file holds the same array in the same form as another of its writer, and all of it: told
//! from a few of its bytes, without the library, which takes ten times as long and works for one at a
//! time. Known is the form the rigs' writers use; of any other, and of whatever is not exactly alike,
//! nothing is said here and the library is asked.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use super::array::H5Array;
use super::file::{Stamp, open_shared, read_at};
use super::header::Layout;
use crate::volume::MAX_RANK;

/// Bytes read at once: in most files all that is looked at lies here.
const HEAD_BYTES: u64 = 16 << 10;
/// No table looked at is longer.
const MAX_TABLE_BYTES: usize = 1 << 20;
/// No tree of chunks is deeper.
const MAX_DEPTH: u8 = 8;
/// Longest list of messages of one object.
const MAX_MESSAGES: usize = 256;
/// No address.
const NOWHERE: u64 = u64::MAX;

/// The form in which one file holds an array.
#[derive(Debug)]
pub struct Twin {
    name: String,
    form: Form,
    dims: Vec<u64>,
    /// Extent of a chunk, and the bytes of a voxel behind it.
    chunk: Vec<u64>,
    num_chunks: u64,
}

/// What describes the file and the array, byte for byte, but for where its data lie and when it was written.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    bytes: Vec<u8>,
    is_chunked: bool,
}

impl Twin {
    /// The form of an array that is whole; `None` if it is not known here, or is not read here as the
    /// library reads it.
    pub fn of(array: &H5Array) -> Option<Self> {
        let header = array.header();
        let chunk = match &header.layout {
            Layout::Chunked(chunk) => {
                let item = header.dtype.num_bytes();
                chunk.dims().iter().chain([&item]).map(|&len| len.max(1) as u64).collect()
            }
            Layout::Contiguous => Vec::new(),
            _ => return None,
        };
        let mut bytes = Bytes::of(array.path())?;
        let (form, _) = find(&mut bytes, &header.name)?;
        let twin = Self {
            name: header.name.clone(),
            form,
            dims: header.shape.dims().iter().map(|&dim| dim as u64).collect(),
            chunk,
            num_chunks: header.num_chunks(),
        };
        let is_agreed = array.is_whole() && twin.is_whole_in(array.path()) == Some(array.stamp());
        is_agreed.then_some(twin)
    }

    /// The file's stamp if it holds the array in this form with every chunk of it. `None` says nothing.
    pub fn is_whole_in(&self, path: &Path) -> Option<Stamp> {
        let mut bytes = Bytes::of(path)?;
        let (form, data) = find(&mut bytes, &self.name)?;
        let is_whole = form == self.form
            && match data {
                Data::Piece { start, len } => start != NOWHERE && start.checked_add(len)? <= bytes.len,
                Data::Tree(root) => self.count(&mut bytes, root)? == self.num_chunks,
            };
        // The file must be as it was before.
        let after = bytes.file.metadata().ok().map(|metadata| Stamp::of(&metadata))?;
        (is_whole && after == bytes.stamp).then_some(after)
    }

    /// Number of chunks in a tree, each inside the file and the array, in order and on the grid.
    fn count(&self, bytes: &mut Bytes, root: u64) -> Option<u64> {
        let mut walk = Walk { twin: self, last: None, num: 0 };
        walk.node(bytes, root, None)?;
        Some(walk.num)
    }
}

struct Walk<'a> {
    twin: &'a Twin,
    last: Option<[u64; MAX_RANK]>,
    num: u64,
}

impl Walk<'_> {
    fn node(&mut self, bytes: &mut Bytes, at: u64, wanted_level: Option<u8>) -> Option<()> {
        let rank = self.twin.dims.len();
        let (level, used) = bytes.tree_node(at, 1)?;
        if level > MAX_DEPTH || wanted_level.is_some_and(|wanted| wanted != level) {
            return None;
        }
        let key_bytes = 8 + 8 * (rank + 1);
        // A key stands before each child and behind the last.
        let entries = bytes.get(at.checked_add(24)?, used * (key_bytes + 8) + key_bytes)?.into_owned();
        for key in entries.chunks(key_bytes + 8) {
            for (axis, len) in self.twin.chunk.iter().enumerate() {
                if !number(key, 8 + 8 * axis, 8)?.is_multiple_of(*len) {
                    return None;
                }
            }
        }
        for entry in entries.chunks_exact(key_bytes + 8) {
            let child = number(entry, key_bytes, 8)?;
            if level > 0 {
                self.node(bytes, child, Some(level - 1))?;
                continue;
            }
            let num_bytes = number(entry, 0, 4)?;
            let mut offset = [0; MAX_RANK];
            for (axis, (start, extent)) in offset.iter_mut().zip(&self.twin.dims[..rank]).enumerate() {
                *start = number(entry, 8 + 8 * axis, 8)?;
                if *start >= *extent {
                    return None;
                }
            }
            let is_there = num_bytes > 0 && child != NOWHERE && child.checked_add(num_bytes)? <= bytes.len;
            if !is_there || number(entry, 8 + 8 * rank, 8)? != 0 || self.last.is_some_and(|last| last >= offset) {
                return None;
            }
            self.last = Some(offset);
            self.num += 1;
        }
        Some(())
    }
}

/// Where the data of an array lie.
enum Data {
    /// In one piece.
    Piece { start: u64, len: u64 },
    /// In chunks, listed by the tree here.
    Tree(u64),
}

/// Finds an array of the root group: how it is described, and where its data lie.
fn find(bytes: &mut Bytes, name: &str) -> Option<(Form, Data)> {
    let mut form = bytes.get(0, 96)?.into_owned();
    let is_known = form[..8] == *b"\x89HDF\r\n\x1a\n" && form[8..11] == [0, 0, 0] && form[12..15] == [0, 8, 8];
    if !is_known || number(&form, 24, 8)? != 0 || number(&form, 40, 8)? > bytes.len {
        return None;
    }
    form[40..48].fill(0);
    let root = Object::at(bytes, number(&form, 64, 8)?)?;
    let group = root.message(0x11)?;
    let (tree, heap) = (number(group, 0, 8)?, number(group, 8, 8)?);
    form.extend_from_slice(&root.raw);
    let at = entry_named(bytes, tree, heap, name, &mut form)?;
    let mut object = Object::at(bytes, at)?;
    let layout = object.messages.iter().find(|(kind, _)| *kind == 0x8)?.1.clone();
    let layout = object.raw.get_mut(layout)?;
    let (data, is_chunked, address) = match (layout.first()?, layout.get(1)?) {
        (3, 1) => (Data::Piece { start: number(layout, 2, 8)?, len: number(layout, 10, 8)? }, false, 2..10),
        (3, 2) => (Data::Tree(number(layout, 3, 8)?), true, 3..11),
        _ => return None,
    };
    layout.get_mut(address)?.fill(0);
    form.extend_from_slice(&object.raw);
    Some((Form { bytes: form, is_chunked }, data))
}

/// The header of an object, its continuations with it.
struct Object {
    /// All of its bytes, but for the time of its last change.
    raw: Vec<u8>,
    /// Kind of each message, and where it stands in those bytes.
    messages: Vec<(u16, Range<usize>)>,
}

impl Object {
    /// Reads it; `None` if a message is shared with others.
    fn at(bytes: &mut Bytes, at: u64) -> Option<Self> {
        let mut raw = bytes.get(at, 16)?.into_owned();
        if raw[0] != 1 {
            return None;
        }
        let num = number(&raw, 2, 2)? as usize;
        let mut blocks = vec![(at.checked_add(16)?, number(&raw, 8, 4)? as usize)];
        let mut messages = Vec::new();
        let mut next = 0;
        while let Some(&(start, len)) = blocks.get(next) {
            next += 1;
            let mut here = raw.len();
            raw.extend_from_slice(&bytes.get(start, len)?);
            while here + 8 <= raw.len() && messages.len() < num.min(MAX_MESSAGES) {
                let (kind, len) = (number(&raw, here, 2)? as u16, number(&raw, here + 2, 2)? as usize);
                let range = here + 8..here + 8 + len;
                if raw[here + 4] & 2 != 0 || range.end > raw.len() {
                    return None;
                }
                match kind {
                    0x10 => blocks.push((number(&raw, range.start, 8)?, number(&raw, range.start + 8, 8)? as usize)),
                    // A version stands before the time.
                    0x12 => raw.get_mut(range.start + 4..range.end)?.fill(0),
                    _ => {}
                }
                here = range.end;
                messages.push((kind, range));
            }
        }
        (messages.len() == num).then_some(Self { raw, messages })
    }

    fn message(&self, wanted: u16) -> Option<&[u8]> {
        let (_, range) = self.messages.iter().find(|(kind, _)| *kind == wanted)?;
        self.raw.get(range.clone())
    }
}

/// The object of a name in a group of the old form, whose tree has one level. What is looked at is added to
/// the form.
fn entry_named(bytes: &mut Bytes, tree: u64, heap: u64, name: &str, form: &mut Vec<u8>) -> Option<u64> {
    let head = bytes.get(heap, 32)?.into_owned();
    if head[..5] != *b"HEAP\0" {
        return None;
    }
    let names = bytes.get(number(&head, 24, 8)?, number(&head, 8, 8)? as usize)?.into_owned();
    let (level, used) = bytes.tree_node(tree, 0)?;
    if level != 0 {
        return None;
    }
    let nodes = bytes.get(tree, 24 + used * 16 + 8)?.into_owned();
    for part in [&head, &names, &nodes] {
        form.extend_from_slice(part);
    }
    let mut found = None;
    for node in nodes[24..].chunks_exact(16) {
        let at = number(node, 8, 8)?;
        let head = bytes.get(at, 8)?.into_owned();
        if head[..5] != *b"SNOD\x01" {
            return None;
        }
        let entries = bytes.get(at.checked_add(8)?, number(&head, 6, 2)? as usize * 40)?.into_owned();
        form.extend_from_slice(&head);
        form.extend_from_slice(&entries);
        for entry in entries.chunks_exact(40) {
            let offset = usize::try_from(number(entry, 0, 8)?).ok()?;
            let stored = names.get(offset..)?.split(|&byte| byte == 0).next()?;
            if stored == name.as_bytes() {
                found = number(entry, 8, 8);
            }
        }
    }
    found
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let mut all = [0; 8];
    all[..len].copy_from_slice(bytes.get(at..at + len)?);
    Some(u64::from_le_bytes(all))
}

/// A file, its beginning read.
struct Bytes {
    file: File,
    stamp: Stamp,
    len: u64,
    head: Vec<u8>,
}

impl Bytes {
    fn of(path: &Path) -> Option<Self> {
        let file = open_shared(path).ok()?;
        let stamp = file.metadata().ok().map(|metadata| Stamp::of(&metadata))?;
        let mut head = vec![0; stamp.num_bytes.min(HEAD_BYTES) as usize];
        read_at(&file, &mut head, 0).ok()?;
        Some(Self { file, stamp, len: stamp.num_bytes, head })
    }

    fn get(&mut self, at: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        let end = at.checked_add(len as u64).filter(|&end| end <= self.len && len <= MAX_TABLE_BYTES)?;
        if end <= self.head.len() as u64 {
            return Some(Cow::Borrowed(&self.head[at as usize..end as usize]));
        }
        let mut bytes = vec![0; len];
        read_at(&self.file, &mut bytes, at).ok()?;
        Some(Cow::Owned(bytes))
    }

    /// Level and number of entries of a node of a tree of this kind.
    fn tree_node(&mut self, at: u64, kind: u8) -> Option<(u8, usize)> {
        let head = self.get(at, 8)?;
        let is_node = head[..4] == *b"TREE" && head[4] == kind;
        is_node.then(|| (head[5], usize::from(u16::from_le_bytes([head[6], head[7]]))))
    }
}
