//! Where the bytes that references name lie: beside the reference file, in it, or wherever else it says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::container::Container;
use crate::format::hdf5::{open_shared, read_at, read_error};
use crate::format::store::{self, ByteStore};
use crate::format::{Cancel, FetchError, OpenOptions, ReadError, ReadErrorKind};
use crate::volume::Location;

/// What was opened.
pub(super) struct Home {
    /// Where it lies.
    pub location: Location,
    /// Its bytes.
    pub store: Arc<dyn ByteStore>,
    /// Which form it has.
    pub container: Container,
}

/// An object that references point into.
pub(super) struct Place {
    /// Where it lies, for messages.
    pub location: Location,
    bytes: Bytes,
    /// First byte of it within the object, and its length where that is known.
    base: u64,
    len: Option<u64>,
    /// Whether it lies outside of what was opened: the folder of the reference file, or its host.
    pub is_outside: bool,
}

enum Bytes {
    /// A file of this machine.
    File(Arc<Path>),
    /// Anything else.
    Object { store: Arc<dyn ByteStore>, name: String },
    /// Not to be had, for this reason.
    Refused(ReadError),
}

impl Place {
    fn new(location: Location, bytes: Bytes) -> Self {
        Self { location, bytes, base: 0, len: None, is_outside: false }
    }

    fn refused(location: &Location, kind: ReadErrorKind, message: impl Into<Arc<str>>) -> Self {
        Self::new(location.clone(), Bytes::Refused(ReadError::new(kind, location, message)))
    }

    /// Where a name leads that stands in the reference file, its templates filled in.
    pub fn of(home: &Home, name: &str, options: &OpenOptions) -> Self {
        let inside = name.strip_prefix("./");
        match (inside, &home.container) {
            (Some(inside), Container::Tar(files)) => match files.get(inside) {
                Some(&(base, len)) => Self { base, len: Some(len), ..Self::object(home, "") },
                None => {
                    let text = format!("the archive holds no file {inside}");
                    Self::refused(&home.location, ReadErrorKind::Missing, text)
                }
            },
            (Some(inside), Container::Folder) => Self::object(home, inside),
            _ => Self::elsewhere(home, name, options),
        }
    }

    /// Something of what was opened.
    fn object(home: &Home, name: &str) -> Self {
        let location = home.store.location(name);
        // A name that leads out of the folder names nothing there.
        let path =
            location.path().filter(|_| name.split('/').all(|part| !matches!(part, "." | ".." | "")) || name.is_empty());
        let bytes = match path {
            Some(path) => Bytes::File(path.into()),
            None => Bytes::Object { store: Arc::clone(&home.store), name: name.to_owned() },
        };
        Self::new(location, bytes)
    }

    fn elsewhere(home: &Home, name: &str, options: &OpenOptions) -> Self {
        let location = match resolved(home, name) {
            Ok(location) => location,
            Err(message) => return Self::refused(&home.location, ReadErrorKind::Unsupported, message),
        };
        if let Err(error) = store::may_follow(&home.location, &location, options) {
            return Self::refused(&location, ReadErrorKind::Unsupported, error.message);
        }
        let is_outside = is_outside(&home.location, &location);
        if let Some(path) = location.path() {
            let bytes = Bytes::File(path.into());
            return Self { is_outside, ..Self::new(location, bytes) };
        }
        match store::open(&location, options) {
            Ok(store) => Self { is_outside, ..Self::new(location, Bytes::Object { store, name: String::new() }) },
            Err(error) => Self::refused(&location, ReadErrorKind::Unsupported, error.message),
        }
    }

    /// Whether asking mostly waits.
    pub fn is_remote(&self) -> bool {
        matches!(&self.bytes, Bytes::Object { store, .. } if store.is_remote())
    }

    /// Fills a buffer with the bytes from `offset`, of a place that is not remote.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let start = self.start(offset, buffer.len() as u64)?;
        match &self.bytes {
            Bytes::Refused(error) => Err(error.clone()),
            Bytes::File(path) => {
                let file = open_shared(path).map_err(|error| read_error(path, &error))?;
                read_at(&file, buffer, start).map_err(|error| read_error(path, &error))
            }
            Bytes::Object { .. } => {
                let bytes = self.fetch(offset, buffer.len() as u64, Instant::now(), &Cancel::new());
                let bytes = bytes.map_err(FetchError::into_error)?;
                buffer.copy_from_slice(&bytes);
                Ok(())
            }
        }
    }

    /// The bytes from `offset`, once; of any place.
    pub fn fetch(&self, offset: u64, num_bytes: u64, until: Instant, cancel: &Cancel) -> Result<Vec<u8>, FetchError> {
        if let Bytes::Object { store, name } = &self.bytes {
            let start = self.start(offset, num_bytes).map_err(FetchError::Lasting)?;
            let found = store.ranges(name, &[start..start + num_bytes], until, cancel)?;
            let bytes = found.and_then(|found| found.into_iter().next());
            let gone = || FetchError::Lasting(self.error(ReadErrorKind::Missing, "is not there"));
            return bytes.filter(|bytes| bytes.len() as u64 == num_bytes).ok_or_else(gone);
        }
        let mut buffer = vec![0; usize::try_from(num_bytes).unwrap_or(usize::MAX)];
        self.read(offset, &mut buffer).map_err(FetchError::Lasting)?;
        Ok(buffer)
    }

    /// Where in the object such bytes begin, if the place has them.
    fn start(&self, offset: u64, num_bytes: u64) -> Result<u64, ReadError> {
        let end = offset.checked_add(num_bytes);
        let end = end.filter(|&end| self.len.is_none_or(|len| end <= len)).and_then(|end| end.checked_add(self.base));
        let short = || self.error(ReadErrorKind::Corrupt, "the file ends before these data");
        end.map(|end| end - num_bytes).ok_or_else(short)
    }

    /// What is wrong with the place, as far as that can be told without reading; `None` where nothing is.
    pub fn fault(&self) -> Option<ReadError> {
        match &self.bytes {
            Bytes::Refused(error) => Some(error.clone()),
            Bytes::File(path) => open_shared(path).err().map(|error| read_error(path, &error)),
            Bytes::Object { .. } => None,
        }
    }

    pub fn error(&self, kind: ReadErrorKind, message: &str) -> ReadError {
        ReadError::new(kind, &self.location, message)
    }
}

/// Where a name leads that is no part of the reference file.
pub(super) fn resolved(home: &Home, name: &str) -> Result<Location, String> {
    if name.is_empty() || name.contains('\0') {
        return Err(format!("refers to {name:?}, which is no name of a file"));
    }
    let named = Location::parse(name);
    let Some(path) = named.path().filter(|path| path.is_relative()) else { return Ok(named) };
    // What a folder refers to lies beside it, as for the other forms.
    let folder = home.location.parent().unwrap_or_else(|| home.location.clone());
    match folder.path() {
        Some(folder) => Ok(found(&[folder.to_owned(), PathBuf::new()], path).into()),
        None if name.split('/').any(|part| part == "..") => {
            Err(format!("refers to {name}, out of the folder that it lies in"))
        }
        None => Ok(folder.join(name.strip_prefix("./").unwrap_or(name))),
    }
}

/// The file of this name in the first of the folders that has one; in the first where none has.
fn found(folders: &[PathBuf], name: &Path) -> PathBuf {
    // Without the dots that stand for the folder itself.
    let name: PathBuf = name.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect();
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.join(&name)).collect();
    let at = paths.iter().position(|path| path.is_file()).unwrap_or(0);
    paths.into_iter().nth(at).unwrap_or(name)
}

/// Whether `to` lies outside the folder of `from`, or on another host.
fn is_outside(from: &Location, to: &Location) -> bool {
    match (from.path().and_then(Path::parent), to.path()) {
        (Some(folder), Some(path)) => {
            let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            !real(path).starts_with(real(folder))
        }
        (None, None) => from.host() != to.host(),
        _ => true,
    }
}
