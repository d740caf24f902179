//! Recently opened recordings.

use std::path::{Path, PathBuf};

use super::memory::Memory;

const MAX_RECENT: usize = 12;

/// Recently opened paths, newest first.
pub struct Recent {
    paths: Vec<PathBuf>,
    memory: Memory,
}

impl Recent {
    /// The list as it was remembered.
    pub fn load(memory: &Memory) -> Self {
        Self { paths: memory.recent(), memory: memory.clone() }
    }

    /// Nothing opened so far.
    pub fn empty(memory: &Memory) -> Self {
        Self { paths: Vec::new(), memory: memory.clone() }
    }

    /// The list, newest first.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Puts `path` in front.
    pub fn add(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.paths.retain(|known| *known != path);
        self.paths.insert(0, path);
        self.paths.truncate(MAX_RECENT);
        self.memory.keep_recent(&self.paths);
    }

    /// Takes `path` off the list.
    pub fn remove(&mut self, path: &Path) {
        self.paths.retain(|known| known != path);
        self.memory.keep_recent(&self.paths);
    }

    /// Empties the list.
    pub fn clear(&mut self) {
        self.paths.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_without_repeats_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(folder.path());
        let mut recent = Recent::load(&memory);
        for i in 0..20 {
            recent.add(Path::new(&format!("/data/{i}")));
        }
        recent.add(Path::new("/data/15"));
        assert_eq!(recent.paths().len(), MAX_RECENT);
        assert_eq!(recent.paths()[0], Path::new("/data/15"));
        assert_eq!(recent.paths().iter().filter(|path| path.ends_with("15")).count(), 1);
        recent.remove(Path::new("/data/15"));
        assert!(!recent.paths().iter().any(|path| path.ends_with("15")));
        // Another run of the program finds the same list.
        memory.flush(std::time::Duration::from_secs(10));
        assert_eq!(Recent::load(&Memory::in_folder(folder.path())).paths(), recent.paths());
    }
}
