//! Files of this machine as a store: a folder, or one file.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use super::super::hdf5::{Stamp, open_shared, read_at, read_error};
use super::super::{Cancel, FetchError, ReadError, ReadErrorKind};
use super::{ByteStore, ObjectInfo, Seen, is_name};
use crate::volume::Location;

/// A folder, or one file, of this machine. No file is held open.
#[derive(Clone, Debug)]
pub struct LocalStore {
    place: PathBuf,
}

impl LocalStore {
    /// The store of a path; nothing is looked up.
    pub fn new(place: impl Into<PathBuf>) -> Self {
        Self { place: place.into() }
    }

    /// The file of a name; `None` where the name leads out of the place.
    fn path(&self, name: &str) -> Option<PathBuf> {
        if name.is_empty() {
            return Some(self.place.clone());
        }
        let is_inside = is_name(name) && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        is_inside.then(|| self.place.join(name))
    }

    /// Does something with an open file; `None` where there is none.
    fn with_file<T>(
        &self,
        name: &str,
        work: impl FnOnce(&std::fs::File, u64, &Arc<Path>) -> Result<T, FetchError>,
    ) -> Result<Option<T>, FetchError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let path: Arc<Path> = path.into();
        let file = match open_shared(&path) {
            Ok(file) => file,
            // A folder is no object.
            Err(error) if is_nothing(&error) || path.is_dir() => return Ok(None),
            Err(error) => return Err(lasting(&path, &error)),
        };
        let num_bytes = file.metadata().map_err(|error| lasting(&path, &error))?.len();
        work(&file, num_bytes, &path).map(Some)
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn lasting(path: &Arc<Path>, error: &io::Error) -> FetchError {
    FetchError::Lasting(read_error(path, error))
}

fn too_long(path: &Arc<Path>, what: &str) -> FetchError {
    FetchError::Lasting(ReadError::new(ReadErrorKind::Corrupt, path, what))
}

impl ByteStore for LocalStore {
    fn location(&self, name: &str) -> Location {
        if name.is_empty() { Location::from(&self.place) } else { Location::from(self.place.join(name)) }
    }

    fn head(&self, name: &str, _: Instant, _: &Cancel) -> Result<Option<ObjectInfo>, FetchError> {
        self.with_file(name, |file, num_bytes, path| {
            let stamp = Stamp::of(&file.metadata().map_err(|error| lasting(path, &error))?);
            let since = stamp.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let [device, number] = stamp.identity;
            let version = since.map(|time| format!("{device}-{number}-{}-{num_bytes}", time.as_nanos()).into());
            Ok(ObjectInfo { num_bytes, version })
        })
    }

    fn ranges(
        &self,
        name: &str,
        ranges: &[Range<u64>],
        _: Instant,
        _: &Cancel,
    ) -> Result<Option<Vec<Vec<u8>>>, FetchError> {
        self.with_file(name, |file, num_bytes, path| {
            let read = |range: &Range<u64>| {
                // Asked before memory is taken for it.
                if range.end > num_bytes || range.start > range.end {
                    return Err(too_long(path, "the file ends before these data"));
                }
                let mut bytes = vec![0; (range.end - range.start) as usize];
                read_at(file, &mut bytes, range.start).map_err(|error| lasting(path, &error))?;
                Ok(bytes)
            };
            ranges.iter().map(read).collect()
        })
    }

    fn fill(
        &self,
        name: &str,
        wanted: &mut [(u64, &mut [u8])],
        _: Instant,
        _: &Cancel,
    ) -> Result<Option<Seen>, FetchError> {
        self.with_file(name, |file, _, path| {
            for (at, buffer) in wanted {
                read_at(file, buffer, *at).map_err(|error| lasting(path, &error))?;
            }
            let metadata = file.metadata().map_err(|error| lasting(path, &error))?;
            Ok(Seen { stamp: Some(Stamp::of(&metadata)) })
        })
    }

    fn whole(&self, name: &str, max_bytes: u64, _: Instant, _: &Cancel) -> Result<Option<Vec<u8>>, FetchError> {
        self.with_file(name, |file, num_bytes, path| {
            if num_bytes > max_bytes {
                return Err(too_long(path, &format!("has {num_bytes} bytes; at most {max_bytes} are read of it")));
            }
            let mut bytes = vec![0; num_bytes as usize];
            read_at(file, &mut bytes, 0).map_err(|error| lasting(path, &error))?;
            Ok(bytes)
        })
    }

    fn list(&self, folder: &str, _: Instant, _: &Cancel) -> Result<Option<Vec<String>>, FetchError> {
        let Some(path) = self.path(folder) else { return Ok(Some(Vec::new())) };
        let path: Arc<Path> = path.into();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if is_nothing(&error) => return Ok(Some(Vec::new())),
            Err(error) => return Err(lasting(&path, &error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| lasting(&path, &error))?;
            // What has no name in Unicode is no part of any format.
            let Ok(mut name) = entry.file_name().into_string() else { continue };
            // The listing itself tells; only behind a link has to be looked.
            let kind = entry.file_type().map_err(|error| lasting(&path, &error))?;
            if kind.is_dir() || kind.is_symlink() && entry.path().is_dir() {
                name.push('/');
            }
            names.push(name);
        }
        names.sort_unstable();
        Ok(Some(names))
    }

    fn is_remote(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_place() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("out"), b"secret").unwrap();
        std::fs::write(folder.path().join("in/a"), b"0123456789").unwrap();
        let store = LocalStore::new(folder.path().join("in"));
        let (until, cancel) = (Instant::now(), Cancel::new());
        let absolute = folder.path().join("out");
        for name in ["../out", "./../out", "a/../../out", absolute.to_str().unwrap(), "./a", "a//", "nothing", "a/b"] {
            assert_eq!(store.whole(name, 100, until, &cancel), Ok(None), "{name}");
        }
        assert_eq!(store.ranges("a", &[2..4, 0..1], until, &cancel), Ok(Some(vec![b"23".to_vec(), b"0".to_vec()])));
        assert!(store.ranges("a", &[5..11], until, &cancel).is_err() && store.whole("a", 9, until, &cancel).is_err());
        assert_eq!(store.head("a", until, &cancel).unwrap().unwrap().num_bytes, 10);
        assert_eq!(store.list("", until, &cancel), Ok(Some(vec!["a".to_owned()])));
        assert_eq!(store.head("", until, &cancel), Ok(None), "a folder is no object");
    }

    #[cfg(unix)]
    #[test]
    fn folders_are_told_from_files_through_links_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        for (link, to) in [("to folder", "folder"), ("to file", "file"), ("to nothing", "nothing"), ("ring", "ring")] {
            std::os::unix::fs::symlink(to, folder.path().join(link)).unwrap();
        }
        let names = LocalStore::new(folder.path()).list("", Instant::now(), &Cancel::new()).unwrap().unwrap();
        assert_eq!(names, ["file", "folder/", "ring", "to file", "to folder/", "to nothing"]);
    }
}
