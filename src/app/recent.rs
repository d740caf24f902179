//! Recently opened recordings, kept as a small JSON file in the user's configuration folder.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

const MAX_RECENT: usize = 12;

/// Recently opened paths, newest first.
#[derive(Debug, Default)]
pub struct Recent {
    paths: Vec<PathBuf>,
    file: Option<PathBuf>,
}

impl Recent {
    /// Reads the list; an absent or damaged file is an empty list.
    pub fn load() -> Self {
        let file = ProjectDirs::from("", "", "tectum").map(|dirs| dirs.config_dir().join("recent.json"));
        Self::load_from(file)
    }

    fn load_from(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let paths = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { paths, file }
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
        self.save();
    }

    /// Takes `path` off the list.
    pub fn remove(&mut self, path: &Path) {
        self.paths.retain(|known| known != path);
        self.save();
    }

    /// Written on a thread of its own: a slow home folder must not delay a frame.
    fn save(&self) {
        let Some(file) = self.file.clone() else { return };
        let Ok(text) = serde_json::to_string_pretty(&self.paths) else { return };
        let write = move || {
            let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(error) = folder.and_then(|()| std::fs::write(&file, text)) {
                tracing::warn!("cannot remember recent recordings in {}: {error}", file.display());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-recent".into()).spawn(write) {
            tracing::warn!("cannot remember recent recordings: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_without_repeats_and_bounded() {
        let mut recent = Recent::default();
        for i in 0..20 {
            recent.add(Path::new(&format!("/data/{i}")));
        }
        recent.add(Path::new("/data/15"));
        assert_eq!(recent.paths().len(), MAX_RECENT);
        assert_eq!(recent.paths()[0], Path::new("/data/15"));
        assert_eq!(recent.paths().iter().filter(|path| path.ends_with("15")).count(), 1);
        recent.remove(Path::new("/data/15"));
        assert!(!recent.paths().iter().any(|path| path.ends_with("15")));
    }
}
