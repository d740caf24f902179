//! Arrays whose voxels lie in bare files beside the HDF5 file that describes them.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_uint};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5_sys::h5p::{H5Pget_external, H5Pget_external_count};

use super::afar::FarFile;
use super::far_raw::{Part, parts_of};
use super::file::{ReadAt, open_shared, read_error};
use super::library::{Handle, last_error};
use super::links::beside;
use super::rows::zero;
use crate::format::{ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::{Region, runs};

/// Most files that one array is cut up over.
const MAX_PIECES: usize = 4096;

/// A part of an array's bytes in a bare file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPiece {
    /// The file, as the HDF5 file names it.
    pub file: String,
    /// Where the part begins in it.
    pub offset: u64,
    /// Its bytes; `u64::MAX` is as many as there are to come.
    pub num_bytes: u64,
}

/// What a dataset's creation list says of the files.
pub(super) fn pieces_of(creation: &Handle<'_>) -> Result<Vec<RawPiece>, String> {
    // SAFETY: the handle is a dataset's creation list; the buffer is longer than the call is told, so that a
    // name that fills it still ends with a zero byte.
    unsafe {
        let count = usize::try_from(H5Pget_external_count(creation.id())).map_err(|_| last_error())?;
        if count > MAX_PIECES {
            return Err(format!("lies in {count} other files; up to {MAX_PIECES} are read"));
        }
        let mut pieces = Vec::with_capacity(count);
        for i in 0..count {
            let mut name = [0 as c_char; 4097];
            let (mut offset, mut num_bytes) = (0, 0);
            let (at, max) = (&raw mut offset, name.len() - 1);
            if H5Pget_external(creation.id(), i as c_uint, max, name.as_mut_ptr(), at, &raw mut num_bytes) < 0 {
                return Err(last_error());
            }
            let file = CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned();
            let offset = u64::try_from(offset).map_err(|_| "begins before the file that holds it")?;
            pieces.push(RawPiece { file, offset, num_bytes });
        }
        Ok(pieces)
    }
}

/// Where the file of a piece lies, or should.
pub(super) fn found(path: &Path, piece: &RawPiece) -> PathBuf {
    beside(path, &piece.file).unwrap_or_else(|| path.parent().unwrap_or(Path::new("")).join(&piece.file))
}

/// A file of the array.
struct Open<'a> {
    piece: &'a RawPiece,
    /// The array's bytes before it.
    start: u64,
    /// Where it was found; of a file of this machine known when it is asked for.
    path: Option<Arc<Path>>,
    bytes: Option<Result<Bytes, ReadError>>,
}

impl Open<'_> {
    /// Where it lies, or should; `hdf5` is the file that names it.
    fn path(&mut self, hdf5: &Path) -> Arc<Path> {
        Arc::clone(self.path.get_or_insert_with(|| found(hdf5, self.piece).into()))
    }
}

/// Where the bytes of such a file are.
enum Bytes {
    Near(File),
    /// Fetched: those from there on.
    Far(u64, Vec<u8>),
}

impl ReadAt for Bytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (from, bytes) = match self {
            Self::Near(file) => return file.read_at(buffer, offset),
            Self::Far(from, bytes) => (from, bytes),
        };
        let at = offset.checked_sub(*from).and_then(|at| usize::try_from(at).ok());
        let found = at.and_then(|at| bytes.get(at..at.checked_add(buffer.len())?));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The bytes of one array, open for one read.
pub(super) struct RawFiles<'a> {
    hdf5: &'a Path,
    files: Vec<Open<'a>>,
}

impl<'a> RawFiles<'a> {
    /// The files that `pieces` of the HDF5 file at `hdf5` name. None is looked for before it is read from.
    pub fn new(hdf5: &'a Path, pieces: &'a [RawPiece]) -> Self {
        let mut start = 0u64;
        let open = |piece: &'a RawPiece| {
            let open = Open { piece, start, path: None, bytes: None };
            start = start.saturating_add(piece.num_bytes);
            open
        };
        Self { hdf5, files: pieces.iter().map(open).collect() }
    }

    /// The same of a file behind a URL, whose parts for these bytes of the array have been `fetched`.
    pub fn fetched(far: &'a FarFile, pieces: &'a [RawPiece], span: &Range<u64>, fetched: &[Vec<u8>]) -> Self {
        let Self { hdf5, mut files } = Self::new(far.path(), pieces);
        for file in &mut files {
            file.path = Some(PathBuf::from(far.place_of(&file.piece.file).without_secrets()).into());
        }
        for (Part { piece, range }, bytes) in parts_of(pieces, span).into_iter().zip(fetched) {
            let found = far.fetched_part(&pieces[piece].file, bytes);
            files[piece].bytes = Some(found.map(|bytes| Bytes::Far(range.start, bytes.to_vec())));
        }
        Self { hdf5, files }
    }

    /// Reads a region of the array `whole`; what cannot be had is zeroed and returned with the reason, row by
    /// row joined where rows follow one another.
    pub fn read(
        &mut self,
        whole: &Region,
        region: &Region,
        buffer: &mut [u8],
        item: usize,
    ) -> Vec<(Region, ReadError)> {
        let mut missing: Vec<(Region, ReadError)> = Vec::new();
        for row in rows_of(region) {
            let runs = runs(&row, whole, region, item);
            let len = runs.num_bytes;
            let failed = runs.into_iter().find_map(|[at, to]| self.fill(at as u64, &mut buffer[to..to + len]).err());
            let Some(error) = failed else { continue };
            zero(buffer, region, &row, item);
            match missing.last_mut() {
                Some((part, before)) if *before == error && part.stop()[0] == row.start()[0] => {
                    *part = part.with_axis(0, part.start()[0], row.stop()[0]);
                }
                _ => missing.push((row, error)),
            }
        }
        missing
    }

    /// Fills `buffer` from `at` of the array's bytes.
    fn fill(&mut self, mut at: u64, mut buffer: &mut [u8]) -> Result<(), ReadError> {
        while !buffer.is_empty() {
            // Of pieces without a byte that begin there too, the last is the one that may have some.
            let found = self.files.partition_point(|file| file.start <= at).checked_sub(1);
            let found = found.filter(|&i| at - self.files[i].start < self.files[i].piece.num_bytes);
            let Some(file) = found.and_then(|i| self.files.get_mut(i)) else {
                let last = self.files.last_mut().map_or_else(|| self.hdf5.into(), |file| file.path(self.hdf5));
                return Err(ReadError::new(ReadErrorKind::Missing, &last, "the files named for this array end before"));
            };
            let len = (file.piece.num_bytes - (at - file.start)).min(buffer.len() as u64) as usize;
            let (now, rest) = buffer.split_at_mut(len);
            let offset = file.piece.offset.saturating_add(at - file.start);
            let path = file.path(self.hdf5);
            let open = file.bytes.get_or_insert_with(|| opened(&path)).as_ref().map_err(Clone::clone)?;
            open.read_at(now, offset).map_err(|error| read_error(&path, &error))?;
            (at, buffer) = (at + len as u64, rest);
        }
        Ok(())
    }
}

fn opened(path: &Arc<Path>) -> Result<Bytes, ReadError> {
    open_shared(path).map(Bytes::Near).map_err(|error| match read_error(path, &error) {
        gone if gone.code == Some(ReadErrorCode::Gone) => {
            let text = "the file with the voxels is not there";
            ReadError::new(ReadErrorKind::Missing, path, text).with_code(ReadErrorCode::Gone)
        }
        error => error,
    })
}

/// The steps of a region along its first axis.
fn rows_of(region: &Region) -> impl Iterator<Item = Region> + '_ {
    (region.start()[0]..region.stop()[0]).map(|i| region.with_axis(0, i, i + 1))
}
