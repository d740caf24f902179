//! What a single file holds already, chunk by chunk, so that a run that was killed need not begin again: one entry for
//! each chunk in the order they were put, in a file beside the data. What an entry says is tried before it is
//! believed, so nothing has to reach the disk in any order.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Written;
use crate::codec::crc32c;

/// Bytes of an entry: position, offset, length, checksum of the chunk, checksum of the entry.
const ENTRY_BYTES: usize = 32;

/// A chunk in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which it is, as its target counts them.
    pub chunk: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its bytes.
    pub num_bytes: u64,
    /// CRC-32C of them.
    pub crc32c: u32,
}

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.chunk.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.num_bytes.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.crc32c.to_le_bytes());
        let own = crc32c::checksum(&bytes[..28]);
        bytes[28..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte));
        let entry = Self { chunk: number(0), offset: number(8), num_bytes: number(16), crc32c: number(24) as u32 };
        (entry.to_bytes() == *bytes).then_some(entry)
    }
}

/// The entries of a file that is being written.
pub struct Journal {
    file: File,
    entries: Vec<Entry>,
}

impl Journal {
    /// Goes on with the journal at `path`, as far as `is_there` says of one entry after the other that the file holds
    /// what it says. A new one where there is none.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn resume(path: &Path, mut is_there: impl FnMut(&Entry) -> io::Result<bool>) -> io::Result<Self> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut entries = Vec::new();
        for bytes in bytes.as_chunks::<ENTRY_BYTES>().0 {
            match Entry::from_bytes(bytes) {
                Some(entry) if is_there(&entry)? => entries.push(entry),
                _ => break,
            }
        }
        file.set_len((entries.len() * ENTRY_BYTES) as u64)?;
        Self::appending(path, entries)
    }

    /// A journal without entries.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        File::create(path)?;
        Self::appending(path, Vec::new())
    }

    fn appending(path: &Path, entries: Vec<Entry>) -> io::Result<Self> {
        Ok(Self { file: File::options().append(true).open(path)?, entries })
    }

    /// What the file holds, in the order it was put.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The file holds one more.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn put(&mut self, entry: Entry) -> io::Result<()> {
        self.file.write_all(&entry.to_bytes())?;
        self.entries.push(entry);
        Ok(())
    }

    /// The checksum of a file that holds these bytes before the chunks and the chunks behind them without gaps.
    pub fn checksum_behind(&self, head: &[u8]) -> u32 {
        let mut entries = self.entries.clone();
        entries.sort_unstable_by_key(|entry| entry.offset);
        let first = crc32c::checksum(head);
        entries.iter().fold(first, |crc, entry| crc32c::joined(crc, entry.crc32c, entry.num_bytes))
    }

    /// The checksum of all of a file: of the chunks it is known, and only what lies between them is read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn checksum_of(&self, file: &mut File) -> io::Result<Written> {
        Self::checksum_of_chunks(&self.entries, file)
    }

    /// The same of a file some of whose chunks have known checksums.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn checksum_of_chunks(entries: &[Entry], file: &mut File) -> io::Result<Written> {
        let len = file.metadata()?.len();
        let mut entries = entries.to_vec();
        entries.sort_unstable_by_key(|entry| entry.offset);
        let (mut at, mut crc) = (0, 0);
        for entry in &entries {
            crc = read_on(file, at, entry.offset, crc)?;
            crc = crc32c::joined(crc, entry.crc32c, entry.num_bytes);
            at = entry.offset.saturating_add(entry.num_bytes);
        }
        Ok(Written { num_bytes: len, crc32c: read_on(file, at, len, crc)? })
    }
}

/// Whether a file holds what an entry of its journal says.
///
/// # Errors
/// If it cannot be read.
pub fn is_there(file: &mut File, entry: &Entry) -> io::Result<bool> {
    let mut bytes = Vec::new();
    read_chunk(file, entry, &mut bytes)
}

/// Reads what an entry speaks of; false where the file does not hold it.
///
/// # Errors
/// If it cannot be read.
pub fn read_chunk(file: &mut File, entry: &Entry, bytes: &mut Vec<u8>) -> io::Result<bool> {
    bytes.clear();
    let len = file.metadata()?.len();
    if entry.offset.checked_add(entry.num_bytes).is_none_or(|end| end > len) {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(entry.offset))?;
    file.take(entry.num_bytes).read_to_end(bytes)?;
    Ok(bytes.len() as u64 == entry.num_bytes && crc32c::checksum(bytes) == entry.crc32c)
}

/// Goes on with the checksum of a file from `at` to `end`.
fn read_on(file: &mut File, at: u64, end: u64, mut crc: u32) -> io::Result<u32> {
    let mut left = end.saturating_sub(at);
    if left > 0 {
        file.seek(SeekFrom::Start(at))?;
    }
    let mut bytes = vec![0; left.min(1 << 20) as usize];
    while left > 0 {
        let part = &mut bytes[..left.min(1 << 20) as usize];
        file.read_exact(part)?;
        crc = crc32c::extended(crc, part);
        left -= part.len() as u64;
    }
    Ok(crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_until_the_first_that_is_not_true() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let entry = |i: u64| Entry { chunk: i + 9, offset: i << 40, num_bytes: i + 3, crc32c: i as u32 ^ 0xffff_0000 };
        let mut journal = Journal::begin(&path).unwrap();
        (0..5).for_each(|i| journal.put(entry(i)).unwrap());
        let resumed = |num_true: u64| Journal::resume(&path, |found| Ok(found.offset >> 40 < num_true)).unwrap();
        assert_eq!(resumed(9).entries(), (0..5).map(entry).collect::<Vec<_>>());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4 * ENTRY_BYTES + 3] ^= 1;
        bytes.push(7);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(resumed(9).entries().len(), 4);
        let mut journal = resumed(2);
        journal.put(entry(7)).unwrap();
        assert_eq!(resumed(9).entries(), [entry(0), entry(1), entry(7)]);
        assert_eq!(Journal::resume(&folder.path().join("new"), |_| Ok(true)).unwrap().entries(), []);
    }
}
