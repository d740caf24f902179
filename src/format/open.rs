//! From what a user gave to an open dataset: the table of formats.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::look::Look;
use super::{FormatError, FormatErrorCode, Growing, Source, split};
use crate::volume::Location;

/// What the user said beside the path.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Which array of several (`--dataset`).
    pub dataset: Option<String>,
    /// Prefix of a split dataset's block names (`--prefix`).
    pub prefix: Option<String>,
    /// Names of the axes, slowest first (`--axes tzyx`), where the file does not say or is wrong.
    pub axes: Option<String>,
    /// Whether blocks that are perhaps left over from a former recording are left out
    /// (`--leave-out-suspects`); they are shown and marked otherwise.
    pub leave_out_suspects: bool,
    /// Set to true to abandon the opening.
    pub cancel: Arc<AtomicBool>,
}

impl OpenOptions {
    /// Whether the opening has been abandoned.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// One array a path offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetEntry {
    /// What `--dataset` takes.
    pub name: String,
    /// Shape and type in words, for the picker.
    pub summary: String,
}

/// An open dataset and its siblings.
pub struct Opened {
    /// The array.
    pub source: Arc<dyn Source>,
    /// The same array where it can grow, for [`crate::live::Watcher`].
    pub growing: Option<Arc<dyn Growing>>,
    /// Every array the path offers, `source` among them.
    pub datasets: Vec<DatasetEntry>,
    /// Index of `source` in `datasets`.
    pub chosen: usize,
}

/// A format.
struct Format {
    /// Opens what was looked at; `None` where that is not of this format, by what it holds.
    open: fn(&Look, &OpenOptions) -> Option<Result<Opened, FormatError>>,
}

/// The formats, in the order they are asked: the first that knows what was looked at opens it. A new one
/// gets a line here. Those whose folders are marked by a file come first: a folder that no format knows is
/// for split datasets, which look for blocks in the folders below it.
const FORMATS: &[Format] = &[Format { open: split::open }, Format { open: super::hdf5::open }];

/// Opens a folder, its parent, a `stack_metadata.json` or an HDF5 file: by what is there, not by what it is
/// called. Blocks; never writes.
///
/// # Errors
/// When nothing can be viewed: the message names the file, what is wrong and what to do.
pub fn open(location: impl Into<Location>, options: &OpenOptions) -> Result<Opened, FormatError> {
    let location = location.into();
    let Some(path) = location.path() else { return Err(no_store(&location)) };
    let look = Look::at(path)?;
    let opened = FORMATS.iter().find_map(|format| (format.open)(&look, options));
    opened.unwrap_or_else(|| {
        let what_to_do = "give the acquisition folder, its stack_metadata.json or an HDF5 file";
        let text = format!("{}; {what_to_do}", look.in_words());
        Err(FormatError::new(path, text).with_code(FormatErrorCode::OtherFormat))
    })
}

/// The folder whose changes tell of a recording that is expected at a location. Asks the disk.
pub fn expected_in(location: &Location) -> Option<PathBuf> {
    location.path().map(split::expected_in)
}

/// What is said of a URL: nothing here reads from one.
fn no_store(location: &Location) -> FormatError {
    let scheme = location.scheme().unwrap_or_default();
    let text = format!("{scheme}:// is not read by this program; copy the recording to a disk, or mount what holds it");
    FormatError::new(location, text).with_code(FormatErrorCode::NoStore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_refused_by_its_name() {
        for url in ["https://host/fish.zarr", "s3://bucket/fish"] {
            let error = open(url, &OpenOptions::default()).err().unwrap();
            assert_eq!(error.file, Location::parse(url));
            let scheme = url.split(':').next().unwrap();
            assert!(error.to_string().starts_with(&format!("{url}: {scheme}:// is not read")), "{error}");
            assert_eq!(error.code, FormatErrorCode::NoStore, "nothing will appear there");
        }
    }

    fn fixture(name: &str) -> PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name)
    }

    fn copied(from: &str, to: &std::path::Path) {
        std::fs::copy(fixture(from), to).unwrap();
    }

    #[test]
    fn a_file_is_opened_by_what_it_holds_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fish.dat");
        copied("g_single_files/data/array.h5", &file);
        let opened = open(&file, &OpenOptions::default()).unwrap();
        assert_eq!((opened.source.info().format.as_str(), opened.source.info().name.as_str()), ("HDF5 file", "fish"));
        // Behind a user block of 1024 bytes.
        let behind = folder.path().join("behind");
        let stored = std::fs::read(fixture("g_single_files/data/array.h5")).unwrap();
        std::fs::write(&behind, [vec![b' '; 1024], stored].concat()).unwrap();
        assert!(Look::at(&behind).unwrap().is_hdf5());
        // Metadata of another name lead to the blocks beside them.
        for name in ["0000.h5", "0001.h5"] {
            copied(&format!("a_4d_default/data/{name}"), &folder.path().join(name));
        }
        let claim = folder.path().join("what the rig said");
        copied("a_4d_default/data/stack_metadata.json", &claim);
        assert!(open(&claim, &OpenOptions::default()).unwrap().growing.is_some());
    }

    #[test]
    fn what_is_no_recording_is_refused_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, word) in [
            ("notes.h5", &b"plane 3 is out of focus\n"[..], "is text"),
            ("umlaut.h5", "Größe: 3 µm".as_bytes(), "is text"),
            ("fish.h5", b"II*\0\x08\0\0\0", "is a TIFF file"),
            ("mean.hdf5", b"\x93NUMPY\x01\0", "is a numpy array"),
            ("empty.h5", b"", "is empty"),
            ("copying.h5", &[0; 5000], "begins with zeros"),
            ("noise.h5", &[0xfe; 5000], "is not HDF5"),
            ("noise.dat", &[0xfe; 5000], "is of no format"),
            ("settings.json", b"{\"a\": 1}", "is JSON"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = open(&path, &OpenOptions::default()).err().unwrap();
            assert!(error.message.starts_with(word), "{error}");
            assert_eq!((error.file, error.code), (path.into(), FormatErrorCode::OtherFormat));
        }
    }
}
