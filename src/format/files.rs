//! Where the pieces of a recording are: the files a source is read from, and which of them are there.

use std::collections::HashSet;
use std::sync::Arc;

use super::Source;
use crate::volume::Location;

/// More files than this are not looked for one by one.
const MAX_ASKED: usize = 10_000;

/// A file that a source is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Where it is, or should be.
    pub location: Location,
    /// Whether it is there.
    pub state: FileState,
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It is, with so many bytes; a folder has none of its own.
    There(Option<u64>),
    /// It is not.
    Missing,
    /// It lies afar, or is one of too many: nobody has asked.
    Unknown,
}

/// The files of these sources, each once and in their order, and whether each is there. Asks the disk, never a
/// server.
pub fn stored_files<'a>(sources: impl IntoIterator<Item = &'a Arc<dyn Source>>) -> Vec<StoredFile> {
    let state = |(index, location): (usize, &Location)| match location.path() {
        Some(path) if index < MAX_ASKED => match path.metadata() {
            Ok(metadata) => FileState::There(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => FileState::Missing,
            Err(_) => FileState::Unknown,
        },
        _ => FileState::Unknown,
    };
    let mut known = HashSet::new();
    let mut files: Vec<Location> = sources.into_iter().flat_map(|source| source.files()).collect();
    files.retain(|file| known.insert(file.clone()));
    let states: Vec<FileState> = files.iter().enumerate().map(state).collect();
    files.into_iter().zip(states).map(|(location, state)| StoredFile { location, state }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{OpenOptions, open};

    #[test]
    fn a_file_that_is_gone_is_named_as_missing() {
        let root = tempfile::tempdir().unwrap();
        let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split/a_4d_default/data");
        for entry in std::fs::read_dir(fixture).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), root.path().join(entry.file_name())).unwrap();
        }
        std::fs::remove_file(root.path().join("0001.h5")).unwrap();
        let files = stored_files([&open(root.path(), &OpenOptions::default()).unwrap().source]);
        assert!(files.len() > 2);
        for file in files {
            let is_gone = file.location == root.path().join("0001.h5").into();
            assert_eq!(file.state == FileState::Missing, is_gone, "{}", file.location);
            assert!(is_gone || matches!(file.state, FileState::There(Some(1..))));
        }
    }
}
