//! What is remembered between looks at one recording's folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::identity::{Identity, age};

/// How long a file must not have changed before a block that is not structurally whole counts as given up.
pub(super) const STILL: Duration = Duration::from_secs(2);

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Seen {
    /// Whether only the file system's clock can say how long a file has been still.
    pub is_first_look: bool,
    /// Last blocks that were not whole: how they were, and since when by our clock.
    pub tail: HashMap<PathBuf, (Identity, Instant)>,
    /// Blocks that stood there before a restart that was seen happening.
    pub former: HashMap<PathBuf, Identity>,
    /// The metadata file when it was read.
    pub metadata: Option<Identity>,
    /// Where the round through the known blocks goes on.
    pub cursor: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self { is_first_look: true, tail: HashMap::new(), former: HashMap::new(), metadata: None, cursor: 0 }
    }
}

impl Seen {
    /// Whether a file that is now as `file` has not changed for a while: by our own clock since we watch it,
    /// by its age before that.
    pub fn is_still(&mut self, path: &Path, file: &Identity) -> bool {
        let now = Instant::now();
        let (seen, since) = self.tail.entry(path.to_path_buf()).or_insert((*file, now));
        if seen != file {
            (*seen, *since) = (*file, now);
        }
        let watched = now.duration_since(*since) >= STILL;
        watched || (self.is_first_look && age(file).is_some_and(|age| age >= STILL))
    }
}
