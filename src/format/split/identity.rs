//! Whether a file is still the file it was.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::format::hdf5::Stamp;

/// What tells one content of a path from another: length, time of last change, and the file itself.
pub(super) type Identity = Stamp;

/// Asks the system, without opening the file.
pub(super) fn identity_of(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|metadata| Stamp::of(&metadata))
}

/// How long ago the file was changed by the clock of its file system; `None` if that lies ahead.
pub(super) fn age(file: &Identity) -> Option<Duration> {
    SystemTime::now().duration_since(file.modified?).ok()
}

/// Whether `file` was changed before `other` by more than the coarsest time stamps and the order of a
/// copy explain.
pub(super) fn is_clearly_older(file: &Identity, other: &Identity) -> bool {
    match (file.modified, other.modified) {
        (Some(mine), Some(theirs)) => theirs.duration_since(mine).is_ok_and(|gap| gap > Duration::from_secs(2)),
        _ => false,
    }
}

/// Whether both hold the same content as far as the system tells, even if a disk that was taken away
/// and brought back numbers its files anew.
pub(super) fn is_same_content(a: &Identity, b: &Identity) -> bool {
    (a.num_bytes, a.modified) == (b.num_bytes, b.modified)
}
