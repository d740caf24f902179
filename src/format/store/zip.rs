//! Members of a zip archive as a store. Its directory is read once; members come by ranges, from wherever the
//! archive lies.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::time::Instant;

use libdeflater::{Decompressor, crc32};

use super::super::{Cancel, FetchError, FormatError, ReadError, ReadErrorKind};
use super::directory::{self, HEADER_BYTES, Member, Method};
use super::{ByteStore, ObjectInfo, is_name, tried};
use crate::volume::Location;

/// Compressed members longer than this are not unpacked for a part of them.
const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// The members of an archive. One that holds nothing but one folder is that folder.
pub struct ZipStore {
    archive: Arc<dyn ByteStore>,
    /// The archive's name in its own store.
    name: String,
    version: Option<Arc<str>>,
    /// With a `/` at its end, or empty.
    root: String,
    members: BTreeMap<Box<str>, Member>,
}

impl ZipStore {
    /// Reads the directory of an archive. Blocks.
    ///
    /// # Errors
    /// It is no zip archive, or its directory is damaged or longer than is read of one.
    pub fn open(archive: Arc<dyn ByteStore>, name: &str, cancel: &Cancel) -> Result<Self, FormatError> {
        let location = archive.location(name);
        let found = tried(archive.as_ref(), name, cancel, &mut |until| {
            let Some(info) = archive.head(name, until, cancel)? else { return Ok(None) };
            let mut read = |range: Range<u64>| {
                let parts = archive.ranges(name, &[range], until, cancel)?;
                let part = parts.and_then(|mut parts| parts.pop());
                part.ok_or_else(|| corrupt(&location, "the archive is gone"))
            };
            directory::read(info.num_bytes, &mut read, &|message| corrupt(&location, message))
                .map(|members| Some((info, members)))
        })?;
        let (info, members) = found.ok_or_else(|| FormatError::new(location, "the archive is gone"))?;
        let root = only_folder(&members);
        Ok(Self { archive, name: name.to_owned(), version: info.version, root, members })
    }

    fn member(&self, name: &str) -> Option<(&str, &Member)> {
        let (name, member) = self.members.get_key_value(format!("{}{name}", self.root).as_str())?;
        is_name(name).then_some((name.as_ref(), member))
    }

    /// Ranges of a member as it is stored, checked against its own header.
    fn stored(
        &self,
        full_name: &str,
        member: &Member,
        ranges: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<u8>>, FetchError> {
        let location = self.location(full_name.strip_prefix(self.root.as_str()).unwrap_or(full_name));
        let fetch = |ranges: &[Range<u64>]| {
            let parts = self.archive.ranges(&self.name, ranges, until, cancel)?;
            parts.ok_or_else(|| corrupt(&location, "the archive is gone"))
        };
        // Where it begins stands in its header; mostly right behind it, so that both come at once.
        let guess = member.header + (HEADER_BYTES + full_name.len()) as u64;
        let moved =
            |by: u64| ranges.iter().map(move |range| by.saturating_add(range.start)..by.saturating_add(range.end));
        let header = member.header..member.header + HEADER_BYTES as u64;
        let mut parts = fetch(&std::iter::once(header).chain(moved(guess)).collect::<Vec<_>>())?;
        let begin = directory::begin_of(member, &parts[0]).map_err(|message| corrupt(&location, message))?;
        if begin == guess {
            parts.remove(0);
            return Ok(parts);
        }
        fetch(&moved(begin).collect::<Vec<_>>())
    }

    /// All of a member of at most `max_bytes`, unpacked and compared with its sum.
    fn unpacked(
        &self,
        full_name: &str,
        member: &Member,
        max_bytes: u64,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, FetchError> {
        let location = self.location(full_name.strip_prefix(self.root.as_str()).unwrap_or(full_name));
        let longest = member.num_bytes.max(member.stored_bytes);
        if longest > max_bytes {
            return Err(corrupt(&location, format!("has {longest} bytes; at most {max_bytes} are read of it")));
        }
        let stored =
            self.stored(full_name, member, &[0..member.stored_bytes], until, cancel)?.pop().unwrap_or_default();
        let bytes = match member.method {
            Method::Stored => stored,
            Method::Deflated => {
                let mut bytes = vec![0; member.num_bytes as usize];
                match Decompressor::new().deflate_decompress(&stored, &mut bytes) {
                    Ok(len) if len == bytes.len() => bytes,
                    _ => return Err(corrupt(&location, "cannot be unpacked: the archive is damaged here")),
                }
            }
            Method::Other(_) => return Err(self.unsupported(&location, member)),
        };
        if crc32(&bytes) != member.crc {
            return Err(corrupt(&location, "is damaged: its bytes do not fit the sum in the archive"));
        }
        Ok(bytes)
    }

    fn unsupported(&self, location: &Location, member: &Member) -> FetchError {
        let message = match member.method {
            Method::Other(Some(method)) => {
                format!("is packed by a method ({method}) that is not read; unpack the archive")
            }
            _ => "is encrypted; unpack the archive".to_owned(),
        };
        FetchError::Lasting(ReadError::new(ReadErrorKind::Unsupported, location, message))
    }
}

/// The one folder that all members lie in, with a `/`; empty where there is none.
fn only_folder(members: &BTreeMap<Box<str>, Member>) -> String {
    let (Some((first, _)), Some((last, _))) = (members.first_key_value(), members.last_key_value()) else {
        return String::new();
    };
    // Names are sorted: what the first and the last begin with, all begin with.
    match first.split_once('/') {
        Some((folder, _)) if last.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) => {
            format!("{folder}/")
        }
        _ => String::new(),
    }
}

fn corrupt(location: &Location, message: impl Into<Arc<str>>) -> FetchError {
    FetchError::Lasting(ReadError::new(ReadErrorKind::Corrupt, location, message))
}

impl ByteStore for ZipStore {
    fn location(&self, name: &str) -> Location {
        let archive = self.archive.location(&self.name);
        if name.is_empty() { archive } else { archive.join(name) }
    }

    fn head(&self, name: &str, _: Instant, _: &Cancel) -> Result<Option<ObjectInfo>, FetchError> {
        let info = |member: &Member| ObjectInfo { num_bytes: member.num_bytes, version: self.version.clone() };
        Ok(self.member(name).map(|(_, member)| info(member)))
    }

    fn ranges(
        &self,
        name: &str,
        ranges: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Vec<u8>>>, FetchError> {
        let Some((full_name, member)) = self.member(name) else { return Ok(None) };
        if ranges.iter().any(|range| range.start > range.end || range.end > member.num_bytes) {
            return Err(corrupt(&self.location(name), "the file ends before these data"));
        }
        if member.method == Method::Stored {
            return self.stored(full_name, member, ranges, until, cancel).map(Some);
        }
        let bytes = self.unpacked(full_name, member, MAX_UNPACKED_BYTES, until, cancel)?;
        Ok(Some(ranges.iter().map(|range| bytes[range.start as usize..range.end as usize].to_vec()).collect()))
    }

    fn whole(
        &self,
        name: &str,
        max_bytes: u64,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let Some((full_name, member)) = self.member(name) else { return Ok(None) };
        self.unpacked(full_name, member, max_bytes, until, cancel).map(Some)
    }

    fn list(&self, folder: &str, _: Instant, _: &Cancel) -> Result<Option<Vec<String>>, FetchError> {
        let divider = if folder.is_empty() { "" } else { "/" };
        let prefix = format!("{}{folder}{divider}", self.root);
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.members.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded)) {
            let Some(rest) = name.strip_prefix(prefix.as_str()) else { break };
            let found = match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            };
            if names.last() != Some(&found) && is_name(found.trim_end_matches('/')) {
                names.push(found);
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(Some(names))
    }

    fn is_remote(&self) -> bool {
        self.archive.is_remote()
    }
}
