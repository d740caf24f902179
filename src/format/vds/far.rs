//! Virtual datasets behind URLs: what their sources have stored of a region is fetched, and drawn later. Both halves
//! go through the same mappings in the same way; the first one notes what the second will ask for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use super::array::VirtualArray;
use super::pairing::Pairing;
use super::table::Touch;
use crate::format::hdf5::H5Array;
use crate::format::{Cancel, Chunk, FetchError, Fetched, Fetching, Filled, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::Region;

/// How regions of stored sources are had.
pub(super) enum Way<'a> {
    /// Read where they lie.
    Read,
    /// Fetched, to be drawn later: nothing is written.
    Fetch(&'a Errand<'a>),
    /// As they were fetched.
    Draw(&'a HashMap<u64, Result<Fetched, Failure>>),
}

/// A round of fetching.
pub(super) struct Errand<'a> {
    until: Instant,
    cancel: &'a Cancel,
    got: RefCell<Vec<(u64, Result<Fetched, ReadError>)>>,
    /// What may come when it is tried again.
    passing: RefCell<Option<FetchError>>,
}

/// Why nothing came of a region; which file is at fault is known to who asked for it.
type Failure = (ReadErrorKind, Option<ReadErrorCode>, String);

impl Way<'_> {
    /// Reads a region of a stored array, or fetches or decodes it.
    pub fn read(&self, array: &H5Array, region: &Region, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let (key, chunk) = (key_of(array, region), Chunk { index: 0, region: *region });
        match (self, array.fetching()) {
            (Self::Fetch(errand), Some(fetching)) => {
                errand.fetch(key, fetching, &chunk);
                Ok(Filled::All)
            }
            (Self::Draw(fetched), Some(fetching)) => match fetched.get(&key) {
                Some(Ok(fetched)) => fetching.decode(&chunk, fetched, buffer),
                Some(Err((kind, code, message))) => {
                    let error = ReadError::new(*kind, array.path(), message.as_str());
                    Err(ReadError { code: *code, ..error })
                }
                // What was fetched was of an earlier opening of it.
                None => Err(ReadError::new(ReadErrorKind::Io, array.path(), "was not fetched")),
            },
            _ => array.read(region, buffer),
        }
    }
}

fn key_of(array: &H5Array, region: &Region) -> u64 {
    let mut hasher = DefaultHasher::new();
    (array.path(), &array.header().name, region).hash(&mut hasher);
    hasher.finish()
}

impl Errand<'_> {
    fn fetch(&self, key: u64, fetching: &dyn Fetching, chunk: &Chunk) {
        let is_over = self.passing.borrow().is_some() || self.cancel.is_cancelled();
        if is_over || self.got.borrow().iter().any(|(known, _)| *known == key) {
            return;
        }
        let got = match fetching.fetch(chunk, self.until, self.cancel) {
            Ok(fetched) => Ok(fetched),
            Err(FetchError::Lasting(error)) => Err(error),
            Err(passing) => {
                *self.passing.borrow_mut() = Some(passing);
                return;
            }
        };
        self.got.borrow_mut().push((key, got));
    }
}

const KINDS: [ReadErrorKind; 5] = [
    ReadErrorKind::Missing,
    ReadErrorKind::Corrupt,
    ReadErrorKind::Io,
    ReadErrorKind::Unsupported,
    ReadErrorKind::NotYetWritten,
];

const CODES: [ReadErrorCode; 6] = [
    ReadErrorCode::Gone,
    ReadErrorCode::Empty,
    ReadErrorCode::Short,
    ReadErrorCode::Denied,
    ReadErrorCode::NoRanges,
    ReadErrorCode::Changed,
];

/// Bytes of an entry in the table of what was fetched: key, number of pieces, kind and code of a failure, or none.
const ENTRY_BYTES: usize = 14;

/// Stands for no failure, or none of a code.
const NONE: u8 = u8::MAX;

/// As pieces: a table of what they are, then those of each region.
fn packed(got: Vec<(u64, Result<Fetched, ReadError>)>) -> Fetched {
    let mut pieces = vec![Vec::with_capacity(got.len() * ENTRY_BYTES)];
    for (key, got) in got {
        let (mut own, kind, code) = match got {
            Ok(fetched) => (fetched.pieces, NONE, NONE),
            Err(error) => {
                let kind = KINDS.iter().position(|kind| *kind == error.kind).map_or(NONE, |at| at as u8);
                let code = CODES.iter().position(|code| Some(*code) == error.code).map_or(NONE, |at| at as u8);
                (vec![error.message.as_bytes().to_vec()], kind, code)
            }
        };
        let num = (own.len() as u32).to_le_bytes();
        pieces[0].extend(key.to_le_bytes().into_iter().chain(num).chain([kind, code]));
        pieces.append(&mut own);
    }
    Fetched { pieces }
}

fn unpacked(fetched: &Fetched) -> HashMap<u64, Result<Fetched, Failure>> {
    let mut all = HashMap::new();
    let Some((table, mut rest)) = fetched.pieces.split_first() else { return all };
    for entry in table.chunks_exact(ENTRY_BYTES) {
        let (mut key, mut num) = ([0; 8], [0; 4]);
        key.copy_from_slice(&entry[..8]);
        num.copy_from_slice(&entry[8..12]);
        let Some((own, others)) = rest.split_at_checked(u32::from_le_bytes(num) as usize) else { break };
        rest = others;
        let value = match KINDS.get(usize::from(entry[12])) {
            None => Ok(Fetched { pieces: own.to_vec() }),
            Some(kind) => {
                let message = own.first().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                Err((*kind, CODES.get(usize::from(entry[13])).copied(), message.unwrap_or_default()))
            }
        };
        all.insert(u64::from_le_bytes(key), value);
    }
    all
}

/// Where nothing is known of a source yet: so many times the bytes that are wanted of it, and as much beside.
const GUESSED_TIMES: usize = 4;
const GUESSED_BYTES: usize = 64 << 10;

impl VirtualArray {
    /// As [`Fetching::max_fetched_bytes`], as far as the sources are open; else a guess.
    pub fn max_fetched_bytes(&self, region: &Region) -> usize {
        let touches = self.table.touching(region, &self.numbered);
        let of = |touch: &Touch<'_>| {
            let open = touch.slot.opened()?;
            let pairing = Pairing::of(&touch.selection, touch.of_source, &open.shape())?;
            let [from, to] = pairing.positions(region)?;
            let source = pairing.of_source(&from[..region.rank()], &to[..region.rank()]);
            let whole = Region::whole(&open.shape());
            open.max_fetched_bytes(&source.intersect(&whole)?)
        };
        let num_bytes = region.shape().num_bytes(self.dtype()).unwrap_or(0);
        let guess = num_bytes.saturating_mul(GUESSED_TIMES).saturating_add(GUESSED_BYTES);
        touches.iter().map(|touch| of(touch).unwrap_or(guess)).fold(GUESSED_BYTES, usize::saturating_add)
    }

    /// As [`Fetching::fetch`]. Sources that are not open yet are opened.
    pub fn fetch(&self, region: &Region, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        let num_bytes = region.shape().num_bytes(self.dtype()).unwrap_or(usize::MAX);
        let too_large = |text| FetchError::Lasting(ReadError::new(ReadErrorKind::Unsupported, &self.path, text));
        let mut ignored = super::memory(num_bytes).map_err(too_large)?;
        let errand = Errand { until, cancel, got: RefCell::default(), passing: RefCell::default() };
        // What cannot be had is found again, and named, when it is drawn.
        let _ = self.read(region, &mut ignored, &Way::Fetch(&errand));
        match errand.passing.into_inner() {
            Some(passing) => Err(passing),
            None if cancel.is_cancelled() => {
                Err(FetchError::Lasting(ReadError::new(ReadErrorKind::Io, &self.path, "fetching was given up")))
            }
            None => Ok(packed(errand.got.into_inner())),
        }
    }

    /// As [`Fetching::decode`]. A source that was let go of since it was fetched is opened again.
    pub fn decode(&self, region: &Region, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.read(region, buffer, &Way::Draw(&unpacked(fetched)))
    }
}
