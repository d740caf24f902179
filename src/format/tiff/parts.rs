//! Which stored bytes a box of a page's picture is made of, and putting it together from them.

use std::ops::Range;

use super::index::{Data, Listed};
use super::layout::Layout;
use super::packing::{Memory, unpack};
use crate::codec::{reuse, swap_bytes};
use crate::format::ReadErrorKind;

/// Rows and columns of a picture, half-open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Box2 {
    /// Rows.
    pub rows: Range<usize>,
    /// Columns.
    pub columns: Range<usize>,
}

impl Box2 {
    /// What both have; `None` where that is nothing.
    fn intersect(&self, other: &Self) -> Option<Self> {
        let common = |a: &Range<usize>, b: &Range<usize>| a.start.max(b.start)..a.end.min(b.end);
        let (rows, columns) = (common(&self.rows, &other.rows), common(&self.columns, &other.columns));
        (!rows.is_empty() && !columns.is_empty()).then_some(Self { rows, columns })
    }
}

/// Stored bytes, and the rows and columns that they are; these may stick out of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it holds.
    pub holds: Box2,
    /// Where it is in the file.
    pub bytes: Range<u64>,
}

/// Rows and columns that cannot be had, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What is not there, within the picture.
    pub what: Box2,
    /// What kind of loss.
    pub kind: ReadErrorKind,
    /// Why.
    pub why: String,
}

/// What a box of a picture is made of.
#[derive(Debug, Default)]
pub struct Parts {
    /// Stored bytes, in the order of the pieces.
    pub parts: Vec<Part>,
    /// What of it is not there.
    pub lost: Vec<Lost>,
}

impl Parts {
    /// What a box of one plane of a page's picture is made of. `listed` where the page says so.
    pub fn of(layout: &Layout, data: Data, listed: Option<&Listed>, plane: usize, wanted: &Box2, end: u64) -> Self {
        let mut parts = Self::default();
        let piece = match (data, listed) {
            // However many strips: they follow one another.
            (Data::At(..), _) if layout.is_plain() && !layout.is_tiled => [layout.height, layout.width],
            _ => layout.piece,
        };
        let across = layout.width.div_ceil(piece[1]);
        let num = layout.height.div_ceil(piece[0]) * across;
        for row in wanted.rows.start / piece[0]..wanted.rows.end.div_ceil(piece[0]) {
            for column in wanted.columns.start / piece[1]..wanted.columns.end.div_ceil(piece[1]) {
                let position = plane * num + row * across + column;
                let (at, len) = match (data, listed) {
                    (Data::At(at, len), _) => (at, len),
                    (Data::Listed, Some(listed)) => (listed.offsets[position], listed.counts[position]),
                    (Data::Listed, None) => (0, 0),
                };
                let rows = row * piece[0]..(row + 1) * piece[0];
                let columns = column * piece[1]..(column + 1) * piece[1];
                let rows = if layout.is_tiled { rows } else { rows.start..rows.end.min(layout.height) };
                parts.add(layout, Box2 { rows, columns }, at, len, wanted, end);
            }
        }
        parts
    }

    /// Adds a strip or tile of `len` bytes at `at` of a file that ends at `end`.
    fn add(&mut self, layout: &Layout, holds: Box2, at: u64, len: u64, wanted: &Box2, end: u64) {
        let Some(needed) = holds.intersect(wanted) else { return };
        if at == 0 || len == 0 {
            let why = "was never written: the file has no data for it".to_owned();
            return self.lost.push(Lost { what: needed, kind: ReadErrorKind::Missing, why });
        }
        let row_bytes = layout.row_bytes(holds.columns.len()) as u64;
        if !layout.is_plain() || layout.is_tiled {
            let whole = row_bytes.saturating_mul(holds.rows.len() as u64);
            // What is compressed is seldom longer than what it stands for: more is not read.
            let most = if layout.compression == super::layout::Compression::None { whole } else { whole * 2 + 65536 };
            let bytes = at..at.saturating_add(len.min(most));
            if bytes.end > end {
                return self.lost.push(Lost { what: needed, kind: ReadErrorKind::Corrupt, why: CUT_OFF.into() });
            }
            return self.parts.push(Part { holds, bytes });
        }
        // Of what is stored as it is shown only the rows that are needed are read, as far as they are there.
        let start = at.saturating_add((needed.rows.start - holds.rows.start) as u64 * row_bytes);
        let there = |stop: u64| (stop.saturating_sub(start) / row_bytes.max(1)) as usize;
        let (in_strip, in_file) = (there(at.saturating_add(len)), there(end));
        let num = needed.rows.len().min(in_strip).min(in_file);
        let middle = needed.rows.start + num;
        if num < needed.rows.len() {
            let why = if in_file <= in_strip { CUT_OFF.to_owned() } else { format!("its strip has only {len} bytes") };
            let what = Box2 { rows: middle..needed.rows.end, columns: needed.columns };
            self.lost.push(Lost { what, kind: ReadErrorKind::Corrupt, why });
        }
        if num == 0 {
            return;
        }
        let bytes = start..start + num as u64 * row_bytes;
        let holds = Box2 { rows: needed.rows.start..middle, columns: holds.columns };
        match self.parts.last_mut() {
            Some(last)
                if last.bytes.end == bytes.start
                    && last.holds.rows.end == holds.rows.start
                    && last.holds.columns == holds.columns =>
            {
                last.bytes.end = bytes.end;
                last.holds.rows.end = holds.rows.end;
            }
            _ => self.parts.push(Part { holds, bytes }),
        }
    }
}

/// Said of data beyond the end of a file.
pub const CUT_OFF: &str = "the file ends before these data: cut off, or still being written";

/// Whether a part lies in a buffer of `wanted` as it lies in the file, but for byte order.
pub fn is_direct(layout: &Layout, part: &Part, wanted: &Box2) -> bool {
    // A tile may stick out of the picture.
    let is_inside = wanted.rows.start <= part.holds.rows.start && part.holds.rows.end <= wanted.rows.end;
    layout.is_plain() && part.holds.columns == wanted.columns && is_inside
}

/// The range of the buffer of `wanted` that rows fill.
pub fn range_of(layout: &Layout, rows: &Range<usize>, wanted: &Box2) -> Range<usize> {
    let row_bytes = wanted.columns.len() * layout.interleaved() * layout.dtype.num_bytes();
    (rows.start - wanted.rows.start) * row_bytes..(rows.end - wanted.rows.start) * row_bytes
}

/// Byte order of what was read to where it belongs.
pub fn put_in_order(layout: &Layout, bytes: &mut [u8]) {
    if layout.is_big_endian {
        swap_bytes(layout.dtype.num_bytes(), bytes);
    }
}

/// Puts a part, as it was stored, to where it belongs in `buffer`, which is `wanted` in C order.
///
/// # Errors
/// Why its bytes do not make what it holds.
pub fn place(
    layout: &Layout,
    part: &Part,
    stored: &[u8],
    wanted: &Box2,
    buffer: &mut [u8],
    memory: &mut Memory,
    decoded: &mut Vec<u8>,
) -> Result<(), String> {
    let Some(common) = part.holds.intersect(wanted) else { return Ok(()) };
    let item = layout.interleaved() * layout.dtype.num_bytes();
    if part.holds.columns == wanted.columns && common.rows == part.holds.rows {
        let range = range_of(layout, &common.rows, wanted);
        let result = unpack(layout, part.holds.columns.len(), stored, &mut buffer[range], memory);
        if result.is_ok() || part.holds.rows.len() == layout.piece[0] {
            return result;
        }
    }
    let whole = whole_part(layout, part, stored, memory, decoded)?;
    let (row_bytes, wanted_bytes) = (part.holds.columns.len() * item, wanted.columns.len() * item);
    for row in common.rows {
        let from = (row - part.holds.rows.start) * row_bytes + (common.columns.start - part.holds.columns.start) * item;
        let to = (row - wanted.rows.start) * wanted_bytes + (common.columns.start - wanted.columns.start) * item;
        let len = common.columns.len() * item;
        buffer[to..to + len].copy_from_slice(&whole[from..from + len]);
    }
    Ok(())
}

/// The numbers of a part, at least those of its own rows.
fn whole_part<'a>(
    layout: &Layout,
    part: &Part,
    stored: &[u8],
    memory: &mut Memory,
    decoded: &'a mut Vec<u8>,
) -> Result<&'a [u8], String> {
    let columns = part.holds.columns.len();
    let row_bytes = columns * layout.interleaved() * layout.dtype.num_bytes();
    let (own, whole) = (part.holds.rows.len() * row_bytes, layout.piece[0] * row_bytes);
    let numbers = reuse(decoded, whole.max(own)).map_err(|error| error.to_string())?;
    let result = unpack(layout, columns, stored, &mut numbers[..own], memory);
    if let Err(error) = result {
        // Some write the last strip as long as the others.
        if own >= whole || unpack(layout, columns, stored, &mut numbers[..whole], memory).is_err() {
            return Err(error);
        }
    }
    Ok(&numbers[..own])
}
