//! From a path a user gave to an open dataset.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{FormatError, Growing, Source, split};
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

/// Opens a folder, its parent, a `stack_metadata.json` or an HDF5 file. Blocks; never writes.
///
/// # Errors
/// When nothing can be viewed: the message names the file, what is wrong and what to do.
pub fn open(location: impl Into<Location>, options: &OpenOptions) -> Result<Opened, FormatError> {
    let location = location.into();
    match &location {
        Location::Path(path) => split::open(path, options),
        Location::Url(_) => Err(no_store(&location)),
    }
}

/// The folder whose changes tell of a recording that is expected at a location. Asks the disk.
pub fn expected_in(location: &Location) -> Option<PathBuf> {
    location.path().map(split::expected_in)
}

/// What is said of a URL: nothing here reads from one.
fn no_store(location: &Location) -> FormatError {
    let scheme = location.scheme().unwrap_or_default();
    let text = format!("{scheme}:// is not read by this program; copy the recording to a disk, or mount what holds it");
    FormatError::new(location, text)
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
            assert!(!error.is_absent, "nothing will appear there");
        }
    }
}
