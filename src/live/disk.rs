//! What a watcher asks of the disk. Each of these may take for ever where a share does not answer, so no
//! lock that the window takes is held meanwhile.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::format::split::{Refresh, SplitSource};
use crate::format::{FormatError, Location, OpenOptions};

/// The questions; a test's disk may be stuck.
pub(super) trait Disk: Send + Sync {
    /// Opens what lies at a location; `None` for something that cannot grow.
    fn open(&self, location: &Location, options: &OpenOptions) -> Result<Option<Arc<SplitSource>>, FormatError>;

    /// Looks at an open recording again.
    fn refresh(&self, source: &SplitSource, hints: &[PathBuf]) -> Result<Refresh, FormatError>;

    /// When these blocks were last changed.
    fn block_times(&self, source: &SplitSource, blocks: Range<usize>) -> Vec<Option<SystemTime>>;

    /// The folder in which a recording expected at a location will appear.
    fn folder_of(&self, location: &Location) -> PathBuf;
}

/// The real one.
pub(super) struct System;

impl Disk for System {
    fn open(&self, location: &Location, options: &OpenOptions) -> Result<Option<Arc<SplitSource>>, FormatError> {
        crate::format::open(location, options).map(|opened| opened.split)
    }

    fn refresh(&self, source: &SplitSource, hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        source.refresh(hints)
    }

    fn block_times(&self, source: &SplitSource, blocks: Range<usize>) -> Vec<Option<SystemTime>> {
        blocks.map(|index| source.block_time(index)).collect()
    }

    fn folder_of(&self, location: &Location) -> PathBuf {
        // Of a URL nothing is watched.
        let path = location.path().unwrap_or(Path::new("."));
        // The rigs make this folder first.
        let original = path.join("original");
        if original.is_dir() {
            original
        } else if path.is_dir() {
            path.to_owned()
        } else {
            path.parent().unwrap_or(Path::new(".")).to_owned()
        }
    }
}
