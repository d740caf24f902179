//! Directories of a TIFF file, classic and BigTIFF, of either byte order: the header, the entries of one
//! directory, and the values of an entry. Every size is checked before memory is taken for it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::format::store::ByteStore;
use crate::format::{Cancel, FetchError, ReadError, ReadErrorKind};

/// Bytes read at once where a directory is said to be: nearly all fit, with the values behind them.
pub const WINDOW_BYTES: u64 = 1024;

/// A directory of more entries is taken for damage; those in use have less than a hundred.
const MAX_ENTRIES: u64 = 4096;

/// How the file is to be read, from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Byte order of all numbers, those of the voxels too.
    pub is_big_endian: bool,
    /// Whether places are 64 bits wide.
    pub is_big: bool,
    /// Where the first directory is.
    pub first: u64,
}

impl Header {
    /// Of the first 16 bytes of a file; `None` where it is no TIFF file.
    pub fn of(head: &[u8]) -> Option<Self> {
        let (is_big_endian, is_big) = match head.get(..4)? {
            b"II*\0" => (false, false),
            b"MM\0*" => (true, false),
            b"II+\0" => (false, true),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        let header = Self { is_big_endian, is_big, first: 0 };
        if is_big && header.number(head, 4, 2)? != 8 {
            return None;
        }
        let first = if is_big { header.number(head, 8, 8) } else { header.number(head, 4, 4) };
        Some(Self { first: first?, ..header })
    }

    /// A number of up to eight bytes at a place.
    pub fn number(&self, bytes: &[u8], at: usize, len: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(len)?)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.is_big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }

    /// Bytes of the number of entries, of an entry, and of a place.
    fn widths(&self) -> (usize, usize, usize) {
        if self.is_big { (8, 20, 8) } else { (2, 12, 4) }
    }
}

/// A TIFF file where it lies.
#[derive(Clone)]
pub struct TiffFile {
    /// What it lies in.
    pub store: Arc<dyn ByteStore>,
    /// Its name there.
    pub name: String,
    /// Its size when it was looked at.
    pub num_bytes: u64,
    /// How it is read.
    pub header: Header,
}

/// Until when an answer is waited for, and whether it still is.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The moment.
    pub until: Instant,
    /// Ends it before.
    pub cancel: &'a Cancel,
}

impl TiffFile {
    /// Ranges of its bytes.
    pub fn ranges(&self, ranges: &[Range<u64>], ask: Ask<'_>) -> Result<Vec<Vec<u8>>, FetchError> {
        self.store.ranges(&self.name, ranges, ask.until, ask.cancel)?.ok_or_else(|| self.is_gone())
    }

    /// One range of them.
    pub fn range(&self, range: Range<u64>, ask: Ask<'_>) -> Result<Vec<u8>, FetchError> {
        Ok(self.ranges(&[range], ask)?.pop().unwrap_or_default())
    }

    /// Nothing of this name is there any more.
    pub fn is_gone(&self) -> FetchError {
        FetchError::Lasting(self.error(ReadErrorKind::Missing, "the file is gone"))
    }

    /// Something that is wrong with it.
    pub fn error(&self, kind: ReadErrorKind, message: impl Into<Arc<str>>) -> ReadError {
        ReadError::new(kind, self.store.location(&self.name), message)
    }

    /// The bytes where a directory is said to be, as far as the file has them.
    pub fn window(&self, at: u64) -> Range<u64> {
        at..at.saturating_add(WINDOW_BYTES).min(self.num_bytes).max(at)
    }

    /// The directory at a place.
    ///
    /// # Errors
    /// What kept it from being read, or (inside) why there is none.
    pub fn directory(&self, at: u64, ask: Ask<'_>) -> Result<Result<Directory, String>, FetchError> {
        if at >= self.num_bytes {
            return Ok(Err("a directory is said to lie beyond the end of the file".into()));
        }
        let window = Window { at, bytes: self.range(self.window(at), ask)? };
        self.directory_in(window, ask)
    }

    /// The directory that begins where a window does; more is read where it is longer.
    pub fn directory_in(&self, mut window: Window, ask: Ask<'_>) -> Result<Result<Directory, String>, FetchError> {
        let (count_len, entry_len, place_len) = self.header.widths();
        let Some(count) = self.header.number(&window.bytes, 0, count_len) else {
            return Ok(Err("the file ends within a directory".into()));
        };
        if count == 0 || count > MAX_ENTRIES {
            return Ok(Err(format!("a directory of {count} entries makes no sense")));
        }
        let len = count_len + count as usize * entry_len + place_len;
        if window.bytes.len() < len {
            let stop = window.at.saturating_add(len as u64);
            if stop > self.num_bytes {
                return Ok(Err("the file ends within a directory".into()));
            }
            window.bytes = self.range(window.at..stop, ask)?;
        }
        let number = |at: usize, len: usize| self.header.number(&window.bytes, at, len).unwrap_or_default();
        let entry = |i: usize| {
            let at = count_len + i * entry_len;
            let kind = number(at + 2, 2) as u16;
            Entry { tag: number(at, 2) as u16, kind, count: number(at + 4, place_len), at: at + 4 + place_len }
        };
        let entries = (0..count as usize).map(entry).collect();
        let next = number(len - place_len, place_len);
        let next_at = window.at + (len - place_len) as u64;
        Ok(Ok(Directory { entries, next, next_at, window }))
    }

    /// The bytes of an entry's value: those in the directory, in what was read with it, or read now. `None`
    /// where there is none, or it is longer than `max_bytes` or than the file.
    pub fn value(
        &self,
        directory: &Directory,
        tag: u16,
        max_bytes: u64,
        ask: Ask<'_>,
    ) -> Result<Option<Value>, FetchError> {
        let Some(entry) = directory.entry(tag) else { return Ok(None) };
        let num_bytes = entry.count.saturating_mul(size_of(entry.kind));
        let window = &directory.window;
        let (_, _, place_len) = self.header.widths();
        if num_bytes == 0 || num_bytes > max_bytes {
            return Ok(None);
        }
        let value = |bytes: &[u8]| Some(Value { kind: entry.kind, bytes: bytes.to_vec(), header: self.header });
        if num_bytes <= place_len as u64 {
            return Ok(window.bytes.get(entry.at..entry.at + num_bytes as usize).and_then(value));
        }
        let Some(start) = self.header.number(&window.bytes, entry.at, place_len) else { return Ok(None) };
        let stop = start.saturating_add(num_bytes);
        if stop > self.num_bytes {
            return Ok(None);
        }
        if let Some(bytes) = window.get(start..stop) {
            return Ok(value(bytes));
        }
        Ok(value(&self.range(start..stop, ask)?))
    }

    /// An entry's value where it needs no further reading.
    pub fn value_at_hand(&self, directory: &Directory, tag: u16) -> Option<Value> {
        let entry = directory.entry(tag)?;
        let num_bytes = entry.count.saturating_mul(size_of(entry.kind));
        let window = &directory.window;
        let (_, _, place_len) = self.header.widths();
        let bytes = if num_bytes <= place_len as u64 {
            window.bytes.get(entry.at..entry.at + num_bytes as usize)?
        } else {
            let start = self.header.number(&window.bytes, entry.at, place_len)?;
            window.get(start..start.checked_add(num_bytes)?)?
        };
        Some(Value { kind: entry.kind, bytes: bytes.to_vec(), header: self.header })
    }
}

/// Bytes of a file and where they are from.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Where they begin.
    pub at: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Window {
    /// A range of the file, where it is in the window.
    fn get(&self, range: Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(range.start.checked_sub(self.at)?).ok()?;
        let stop = usize::try_from(range.end.checked_sub(self.at)?).ok()?;
        self.bytes.get(start..stop)
    }
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it says.
    pub tag: u16,
    /// Type of its values.
    pub kind: u16,
    /// Number of its values.
    pub count: u64,
    /// Where in the window its value stands, or where the value is.
    at: usize,
}

/// One directory: what a file says of one picture.
#[derive(Clone, Debug)]
pub struct Directory {
    entries: Vec<Entry>,
    /// Where the next one is; 0 after the last.
    pub next: u64,
    /// Where that is written.
    pub next_at: u64,
    window: Window,
}

impl Directory {
    /// The entry of a tag.
    pub fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

/// The values of an entry.
#[derive(Clone, Debug)]
pub struct Value {
    kind: u16,
    /// As they lie in the file.
    pub bytes: Vec<u8>,
    header: Header,
}

impl Value {
    /// Its whole numbers; empty where it is of another kind.
    pub fn numbers(&self) -> Vec<u64> {
        let len = size_of(self.kind) as usize;
        if !matches!(self.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return Vec::new();
        }
        self.bytes.chunks_exact(len).filter_map(|bytes| self.header.number(bytes, 0, len)).collect()
    }

    /// Its fractions; empty where it is of another kind.
    pub fn fractions(&self) -> Vec<f64> {
        let fraction = |bytes: &[u8]| {
            let (above, below) = (self.header.number(bytes, 0, 4)?, self.header.number(bytes, 4, 4)?);
            Some(above as f64 / below as f64)
        };
        if self.kind == 5 { self.bytes.chunks_exact(8).filter_map(fraction).collect() } else { Vec::new() }
    }

    /// Its text up to the first zero.
    pub fn text(&self) -> String {
        let len = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(self.bytes.len());
        match std::str::from_utf8(&self.bytes[..len]) {
            Ok(text) => text.to_owned(),
            // What is no UTF-8 is mostly Latin-1: "µm" of an older program.
            Err(_) => self.bytes[..len].iter().map(|byte| char::from(*byte)).collect(),
        }
    }
}

/// Bytes of a value of each type; 0 for types that are not known.
fn size_of(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    }
}
