//! The directory of a zip archive: which members it has and where they lie. Nothing in it is believed before it
//! is checked against the archive's length.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a member's own header before its name.
pub const HEADER_BYTES: usize = 30;

/// Longest directory that is read: about a million members.
const MAX_DIRECTORY_BYTES: u64 = 128 << 20;

/// Bytes of the record at the end, without its comment.
const END_BYTES: usize = 22;

/// Bytes in which the record at the end is looked for: its comment has at most 65,535.
const MAX_TAIL_BYTES: u64 = 65_535 + END_BYTES as u64 + 20;

/// A file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where its own header is.
    pub header: u64,
    /// Length as it is stored.
    pub stored_bytes: u64,
    /// Length as it was.
    pub num_bytes: u64,
    /// CRC-32 of what it was.
    pub crc: u32,
    /// How it is stored.
    pub method: Method,
}

/// How a member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflated,
    /// By a method of this number; encrypted where there is none.
    Other(Option<u16>),
}

/// Members by name, of an archive of so many bytes of which `read` gives ranges. Of equal names the last counts.
pub fn read<E>(
    num_bytes: u64,
    read: &mut dyn FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    error: &dyn Fn(&'static str) -> E,
) -> Result<BTreeMap<Box<str>, Member>, E> {
    let tail_at = num_bytes.saturating_sub(MAX_TAIL_BYTES);
    let tail = read(tail_at..num_bytes)?;
    let end = find_end(&tail).ok_or_else(|| error("is no zip archive, or its end is cut off"))?;
    let mut place = Place {
        at: u64::from(u32_at(&tail, end + 16)),
        num_bytes: u64::from(u32_at(&tail, end + 12)),
        end: tail_at + end as u64,
    };
    let is_large = u16_at(&tail, end + 10) == u16::MAX || place.at == 0xffff_ffff || place.num_bytes == 0xffff_ffff;
    if let Some(locator) = end.checked_sub(20).filter(|_| is_large)
        && tail[locator..].starts_with(b"PK\x06\x07")
    {
        let at = u64_at(&tail, locator + 8);
        let stop = at.checked_add(56).filter(|&stop| stop <= num_bytes);
        let record = read(at..stop.ok_or_else(|| error(DAMAGED))?)?;
        if !record.starts_with(b"PK\x06\x06") {
            return Err(error(DAMAGED));
        }
        place = Place { at: u64_at(&record, 48), num_bytes: u64_at(&record, 40), end: at };
    }
    if place.num_bytes > MAX_DIRECTORY_BYTES {
        return Err(error("has a directory longer than is read of an archive"));
    }
    // What somebody has put in front of the archive moves everything.
    let begin = place.end.checked_sub(place.num_bytes).ok_or_else(|| error(DAMAGED))?;
    let shift = begin.checked_sub(place.at).ok_or_else(|| error(DAMAGED))?;
    let listed = read(begin..place.end)?;
    members(&listed, shift, begin).ok_or_else(|| error(DAMAGED))
}

const DAMAGED: &str = "the directory of the archive is damaged";

struct Place {
    at: u64,
    num_bytes: u64,
    /// Where the record behind it is.
    end: u64,
}

/// Where the record at the end begins: the last one whose comment ends with the archive.
fn find_end(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_BYTES)?;
    (0..=last).rev().find(|&at| {
        tail[at..].starts_with(b"PK\x05\x06") && at + END_BYTES + usize::from(u16_at(tail, at + 20)) == tail.len()
    })
}

/// The members of a directory; `None` where it makes no sense. All lie before `end`.
fn members(mut listed: &[u8], shift: u64, end: u64) -> Option<BTreeMap<Box<str>, Member>> {
    const ENTRY_BYTES: usize = 46;
    let mut members = BTreeMap::new();
    while listed.starts_with(b"PK\x01\x02") {
        let head = listed.get(..ENTRY_BYTES)?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
        let entry = listed.get(..ENTRY_BYTES + name + extra + comment)?;
        let mut sizes = [u64::from(u32_at(head, 24)), u64::from(u32_at(head, 20)), u64::from(u32_at(head, 42))];
        widen(&mut sizes, &entry[ENTRY_BYTES + name..][..extra])?;
        let [num_bytes, stored_bytes, offset] = sizes;
        let header = offset.checked_add(shift)?;
        if header.checked_add(stored_bytes)?.checked_add(HEADER_BYTES as u64)? > end {
            return None;
        }
        let method = match (u16_at(head, 8) & 1, u16_at(head, 10)) {
            (1, _) => Method::Other(None),
            (_, 0) if num_bytes == stored_bytes => Method::Stored,
            (_, 0) => return None,
            (_, 8) => Method::Deflated,
            (_, other) => Method::Other(Some(other)),
        };
        let member = Member { header, stored_bytes, num_bytes, crc: u32_at(head, 16), method };
        // Formats name their files in Unicode; folders are not files.
        if let Ok(name) = std::str::from_utf8(&entry[ENTRY_BYTES..][..name])
            && !name.ends_with('/')
        {
            members.insert(name.into(), member);
        }
        listed = &listed[entry.len()..];
    }
    listed.is_empty().then_some(members)
}

/// Puts the sizes that did not fit, which an extra field then has in this order, in their places.
fn widen(sizes: &mut [u64; 3], mut extra: &[u8]) -> Option<()> {
    while extra.len() >= 4 {
        let (id, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(mut field) = extra.get(4..4 + len) else { return Some(()) };
        if id == 1 {
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                *size = u64_at(field.get(..8)?, 0);
                field = &field[8..];
            }
        }
        extra = &extra[4 + len..];
    }
    Some(())
}

/// Where a member's bytes begin, by its own header.
///
/// # Errors
/// There is no such header.
pub fn begin_of(member: &Member, header: &[u8]) -> Result<u64, &'static str> {
    if header.len() < HEADER_BYTES || !header.starts_with(b"PK\x03\x04") {
        return Err("the archive has no file where its directory says so");
    }
    Ok(member.header + (HEADER_BYTES + usize::from(u16_at(header, 26)) + usize::from(u16_at(header, 28))) as u64)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
