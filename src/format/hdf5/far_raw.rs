//! Bare files of voxels beside an HDF5 file behind a URL: what is fetched of them for a part of the array.

use std::ops::Range;
use std::time::Instant;

use super::afar::FarFile;
use super::external::RawPiece;
use crate::format::{Cancel, FetchError, Fetched, ReadError, ReadErrorCode, ReadErrorKind};

/// Said of a bare file that is not there.
const NOT_THERE: &str = "the file with the voxels is not there";

/// What of one bare file is wanted.
pub(super) struct Part {
    /// Which of the array's files.
    pub piece: usize,
    /// Bytes of it.
    pub range: Range<u64>,
}

/// How the bytes of an array between these are cut up over its files.
pub(super) fn parts_of(pieces: &[RawPiece], span: &Range<u64>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = 0u64;
    for (piece, raw) in pieces.iter().enumerate() {
        let end = start.saturating_add(raw.num_bytes);
        let (from, to) = (span.start.max(start), span.end.min(end));
        if from < to {
            let begin = raw.offset.saturating_add(from - start);
            parts.push(Part { piece, range: begin..begin.saturating_add(to - from) });
        }
        start = end;
    }
    parts
}

/// How a fetched part begins.
const HAS_BYTES: u8 = 0;
const IS_ABSENT: u8 = 1;
const IS_REFUSED: u8 = 2;

impl FarFile {
    /// Fetches the bytes of an array between these from its bare files, as far as these reach: for each file a part
    /// that says first whether there is one.
    pub(super) fn fetch_raw(
        &self,
        pieces: &[RawPiece],
        span: &Range<u64>,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Fetched, FetchError> {
        let mut fetched = Fetched::default();
        for Part { piece, mut range } in parts_of(pieces, span) {
            let found = match self.neighbour(&pieces[piece].file) {
                Ok(found) => found,
                Err(error) => {
                    fetched.pieces.push([&[IS_REFUSED], error.message.as_bytes()].concat());
                    continue;
                }
            };
            let Some(file) = found else {
                fetched.pieces.push(vec![IS_ABSENT]);
                continue;
            };
            range.end = range.end.min(file.num_bytes());
            let mut bytes = vec![HAS_BYTES];
            if range.start < range.end {
                match file.store().ranges("", &[range], until, cancel)? {
                    Some(parts) => parts.into_iter().for_each(|mut part| bytes.append(&mut part)),
                    None => bytes = vec![IS_ABSENT],
                }
            }
            fetched.pieces.push(bytes);
        }
        Ok(fetched)
    }

    /// The bytes of a part that was fetched.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn fetched_part<'f>(&self, named: &str, part: &'f [u8]) -> Result<&'f [u8], ReadError> {
        match part.split_first() {
            Some((&HAS_BYTES, bytes)) => Ok(bytes),
            Some((&IS_REFUSED, message)) => {
                let text = String::from_utf8_lossy(message).into_owned();
                Err(ReadError::new(ReadErrorKind::Io, self.place_of(named), text))
            }
            _ => {
                Err(ReadError::new(ReadErrorKind::Missing, self.place_of(named), NOT_THERE)
                    .with_code(ReadErrorCode::Gone))
            }
        }
    }
}
