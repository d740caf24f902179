//! Files that a file behind a URL names: sources of virtual datasets, bare files of voxels, files that links lead to.
//! They are found as the file itself was, by a URL relative to its own, and only where the network may lead: never
//! on this machine, and on another host only where the user has allowed that.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::afar::{FarFile, met};
use crate::format::FormatError;
use crate::format::store::{self, may_follow};
use crate::volume::Location;

/// Most files whose place is remembered for one file.
const MAX_REMEMBERED: usize = 100_000;

/// How many are looked for at one time.
const MAX_AT_ONCE: usize = 32;

/// Those that were found or were not there, by the names that the file has for them.
#[derive(Default)]
pub(super) struct Neighbours {
    known: Mutex<HashMap<String, Option<Arc<FarFile>>>>,
}

impl FarFile {
    /// The file that this one names; `None` where the server has none. Blocks when it is asked for first.
    ///
    /// # Errors
    /// When it may not be asked for, or the server does not say.
    pub fn neighbour(&self, named: &str) -> Result<Option<Arc<FarFile>>, FormatError> {
        if let Some(known) = self.neighbours.known.lock().get(named) {
            return Ok(known.clone());
        }
        let location = place_of(&self.location, named)?;
        may_follow(&self.location, &location, &self.options)?;
        let store = store::open(&location, &self.options)?;
        let found = met(&location, &store, &self.options)?;
        let mut known = self.neighbours.known.lock();
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(named.to_owned(), found.clone());
        Ok(found)
    }

    /// Looks for many of them at once, so that asking for each does not wait. Blocks.
    pub fn look_for(&self, names: &[String]) {
        for some in names.chunks(MAX_AT_ONCE) {
            std::thread::scope(|scope| {
                for name in some {
                    // What went wrong is found again by whoever asks.
                    scope.spawn(move || self.neighbour(name).is_ok());
                }
            });
        }
    }

    /// Where a file that this one names should be, without asking.
    pub fn place_of(&self, named: &str) -> Location {
        place_of(&self.location, named).unwrap_or_else(|_| Location::parse(named))
    }

    /// Forgets which files were not there.
    pub fn forget_absent(&self) {
        self.neighbours.known.lock().retain(|_, found| found.is_some());
    }
}

/// Where a name leads to from a file behind a URL: itself a URL, or relative to the file's. Of a path on the machine
/// that it was written on the last part counts, as after a move.
fn place_of(from: &Location, named: &str) -> Result<Location, FormatError> {
    let refused = |why: &str| Err(FormatError::new(from, format!("names {named:?}, {why}")));
    let parsed = Location::parse(named);
    let Some(path) = parsed.path() else { return Ok(parsed) };
    let is_absolute = path.is_absolute() || named.starts_with(['/', '\\']) || is_drive(named);
    let relative = if is_absolute {
        let last = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit('\\').next());
        last.unwrap_or_default()
    } else {
        named
    };
    let mut place = from.parent();
    for step in relative.split('/').filter(|step| !step.is_empty() && *step != ".") {
        let Some(folder) = place.take() else { return refused("which leads above everything that the server has") };
        place = if step == ".." { folder.parent() } else { Some(folder.join(step)) };
    }
    match place {
        Some(place) if !relative.is_empty() => Ok(place),
        _ => refused("which is no file"),
    }
}

/// Whether a path begins with the letter of a drive.
fn is_drive(named: &str) -> bool {
    matches!(named.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_beside_the_file_and_never_to_this_machine() {
        let from = Location::parse("https://lab.org/fish/run 1/v.h5?token=a");
        let place = |named: &str| place_of(&from, named).map(|place| place.url().map(str::to_owned).unwrap());
        let beside = |name: &str| format!("https://lab.org/fish/run 1/{name}?token=a");
        assert_eq!(place("a.h5").unwrap(), beside("a.h5"));
        assert_eq!(place("./sub/a.h5").unwrap(), beside("sub/a.h5"));
        assert_eq!(place("../a.h5").unwrap(), "https://lab.org/fish/a.h5?token=a");
        for moved in ["/etc/a.h5", "file:///etc/a.h5", "C:\\data\\a.h5", "\\\\host\\a.h5", "C:/data/a.h5"] {
            assert_eq!(place(moved).unwrap(), beside("a.h5"), "{moved}");
        }
        assert_eq!(place("http://other.org/a.h5").unwrap(), "http://other.org/a.h5");
        for nowhere in ["../../../../a.h5", "", "/"] {
            assert!(place(nowhere).is_err(), "{nowhere}");
        }
    }
}
