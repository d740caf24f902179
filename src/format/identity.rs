//! Which recording is which, so that what is remembered or measured stays with the one it belongs to: also after
//! the folder has moved, and not with another one recorded in its place.

use std::time::SystemTime;

use super::Opened;
use crate::volume::{Axis, Location};

/// Tells a recording by its name, what it is made of, and when its first piece was written. Asks the
/// disk.
pub fn identity_of(opened: &Opened) -> String {
    let info = opened.source.info();
    let began = match &opened.growing {
        Some(source) => source.piece_times(0..1).into_iter().next().flatten(),
        None => info.location.path().and_then(|path| std::fs::metadata(path).ok()?.modified().ok()),
    };
    let began = began.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let mut hash = Fnv::default();
    hash.add(info.name.as_bytes());
    hash.add(opened.datasets.get(opened.chosen).map_or("", |entry| entry.name.as_str()).as_bytes());
    hash.add(info.dtype.to_string().as_bytes());
    // A recording grows along time or depth, never across a plane.
    for (axis, len) in info.axes.iter().zip(info.shape.dims()) {
        if matches!(axis, Some(Axis::Y | Axis::X)) {
            hash.add(&len.to_le_bytes());
        }
    }
    hash.add(&began.map_or(0, |time| time.as_nanos()).to_le_bytes());
    hash.name()
}

/// Tells a folder or a file, or one array of several in it, wherever the program was started.
pub fn array_key(folder: &Location, array: Option<&str>) -> String {
    let mut hash = Fnv::default();
    match folder {
        Location::Path(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            hash.add(path.as_os_str().as_encoded_bytes());
        }
        Location::Url(url) => hash.add(url.as_bytes()),
    }
    if let Some(array) = array {
        hash.add(array.as_bytes());
    }
    hash.name()
}

/// FNV-1a: the standard library's hashes may differ from one version to the next, and these are names
/// of files.
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Goes on with these bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        // The length keeps neighbouring parts apart.
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// What came of it, in hexadecimal digits.
    pub fn name(&self) -> String {
        format!("{:016x}", self.0)
    }
}
