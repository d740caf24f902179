//! The names by which a virtual dataset calls its sources: numbered blocks, and where a file of a name is looked
//! for, in the order in which HDF5 looks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::hdf5::{FarFile, file_at};
use crate::format::{FormatError, ReadError, ReadErrorCode, ReadErrorKind};

/// A name in which the number of a block may stand (`%b`), and a percent sign is doubled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the places of the number.
    parts: Vec<String>,
}

impl Pattern {
    /// # Errors
    /// When a percent sign is followed by anything else.
    pub fn parse(name: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let mut letters = name.chars();
        while let Some(letter) = letters.next() {
            let next = if letter == '%' { letters.next() } else { None };
            match (letter, next) {
                ('%', Some('b')) => parts.push(String::new()),
                ('%', Some('%')) | (_, None) if letter != '%' || next.is_some() => {
                    if let Some(last) = parts.last_mut() {
                        last.push(letter);
                    }
                }
                _ => return Err(format!("the source's name {name:?} has a % that stands for nothing")),
            }
        }
        Ok(Self { parts })
    }

    /// Whether a number stands in it.
    pub fn is_numbered(&self) -> bool {
        self.parts.len() > 1
    }

    /// The name of a block.
    pub fn name(&self, number: usize) -> String {
        self.parts.join(&number.to_string())
    }
}

/// Where sources are looked for.
pub(super) struct Search {
    /// The virtual dataset's file.
    own: PathBuf,
    /// Folders that come first.
    first: Vec<PathBuf>,
    /// The folder of the file, as it was named.
    folder: PathBuf,
    /// The same with its links resolved.
    real_folder: Option<PathBuf>,
    /// The file, where it lies behind a URL: then so do its sources.
    far: Option<Arc<FarFile>>,
}

/// As HDF5 has it.
const ORIGIN: &str = "${ORIGIN}";

impl Search {
    /// For the sources of a dataset in this file; `prefix` is the user's folder.
    ///
    /// # Errors
    /// When the folder is one of this machine and the file is not: what a file from elsewhere names is not looked
    /// for here.
    pub fn new(own: &Path, prefix: Option<&str>) -> Result<Self, FormatError> {
        let Some(far) = file_at(own) else { return Ok(Self::near(own, prefix)) };
        let prefix =
            prefix.map(|prefix| prefix.strip_prefix(ORIGIN).map_or(prefix, |rest| rest.trim_start_matches('/')));
        if prefix.is_some_and(|prefix| Path::new(prefix).is_absolute()) {
            let text = "its sources are looked for beside it, not in a folder of this machine: leave out --vds-prefix";
            return Err(FormatError::new(own, text));
        }
        let first = prefix.filter(|prefix| !prefix.is_empty()).map(PathBuf::from).into_iter().collect();
        Ok(Self { own: own.to_owned(), first, folder: PathBuf::new(), real_folder: None, far: Some(far) })
    }

    fn near(own: &Path, prefix: Option<&str>) -> Self {
        let folder = own.parent().map(Path::to_owned).unwrap_or_default();
        let expanded = |text: &str| match text.strip_prefix(ORIGIN) {
            Some(rest) => folder.join(rest.trim_start_matches('/')),
            None => PathBuf::from(text),
        };
        let environment = std::env::var("HDF5_VDS_PREFIX").unwrap_or_default();
        let entries = environment.split(':').filter(|entry| !entry.is_empty());
        // A folder that the user names is meant as seen from the file, or from where he is.
        let named = prefix.into_iter().flat_map(|prefix| [folder.join(expanded(prefix)), expanded(prefix)]);
        let first = entries.map(expanded).chain(named).collect();
        let real_folder = own.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
        Self { own: own.to_owned(), first, folder, real_folder, far: None }
    }

    /// The file of a name; `None` where there is none. Asks the disk, or the server.
    ///
    /// # Errors
    /// When it may not be looked for, or the server does not say.
    pub fn find(&self, name: &Path) -> Result<Option<PathBuf>, ReadError> {
        if name.as_os_str() == "." {
            return Ok(Some(self.own.clone()));
        }
        let Some(far) = &self.far else {
            let is_file = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
            return Ok(self.candidates(name).into_iter().find(is_file));
        };
        for name in self.far_names(name) {
            let failed = |error| ReadError::new(ReadErrorKind::Io, far.place_of(&name), error);
            if let Some(found) = far.neighbour(&name).map_err(|error: FormatError| failed(error.message))? {
                return Ok(Some(found.path().to_owned()));
            }
        }
        Ok(None)
    }

    /// Looks for many behind a URL at once, so that finding each does not wait. Blocks.
    pub fn look_for<'a>(&self, names: impl Iterator<Item = &'a Path>) {
        if let Some(far) = &self.far {
            let names: Vec<String> = names.filter_map(|name| self.far_names(name).into_iter().next()).collect();
            far.look_for(&names);
        }
    }

    /// Whether the sources lie behind URLs.
    pub fn is_far(&self) -> bool {
        self.far.is_some()
    }

    /// Lets those be looked for again that were not there.
    pub fn forget_absent(&self) {
        self.far.iter().for_each(|far| far.forget_absent());
    }

    /// That a file is not there.
    pub fn absent(&self, name: &Path) -> ReadError {
        let text = format!("this source file is not there (looked for as {:?})", name.display().to_string());
        ReadError::new(ReadErrorKind::Missing, self.expected(name), text).with_code(ReadErrorCode::Gone)
    }

    /// Where it should be. Without IO.
    pub fn expected(&self, name: &Path) -> PathBuf {
        match &self.far {
            _ if name.as_os_str() == "." => self.own.clone(),
            Some(far) => far.place_of(&name.to_string_lossy()).without_secrets().into(),
            None => self.folder.join(name),
        }
    }

    /// By which names a file is looked for behind a URL.
    fn far_names(&self, name: &Path) -> Vec<String> {
        let name = name.to_string_lossy();
        let first =
            self.first.iter().map(|folder| format!("{}/{name}", folder.to_string_lossy().trim_end_matches('/')));
        first.chain([name.to_string()]).collect()
    }

    fn candidates(&self, name: &Path) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut name = name;
        if name.is_absolute() {
            all.push(name.to_owned());
            // Recordings are moved: then the name alone is looked for.
            name = name.file_name().map_or(name, Path::new);
        }
        let folders = self.first.iter().map(PathBuf::as_path).chain([self.folder.as_path(), Path::new("")]);
        all.extend(folders.chain(self.real_folder.as_deref()).map(|folder| folder.join(name)));
        all
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_they_are_asked_for() {
        let name = |text: &str| Pattern::parse(text).map(|pattern| (pattern.is_numbered(), pattern.name(7)));
        assert_eq!(name("a_%b.h5"), Ok((true, "a_7.h5".into())));
        assert_eq!(name("%b/%b"), Ok((true, "7/7".into())));
        assert_eq!(name("percent%%b.h5"), Ok((false, "percent%b.h5".into())));
        assert_eq!(name("plain"), Ok((false, "plain".into())));
        for bad in ["%", "a%d", "%%%"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_source_is_looked_for_where_hdf5_looks() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("first")).unwrap();
        std::fs::create_dir_all(at("data.h5")).unwrap();
        std::fs::write(at("a.h5"), b"").unwrap();
        std::fs::write(at("first/a.h5"), b"").unwrap();
        let search = |prefix| Search::new(&at("virtual.h5"), prefix).unwrap();
        let find = |prefix, name: &str| search(prefix).find(Path::new(name)).unwrap();
        assert_eq!(find(None, "a.h5"), Some(at("a.h5")));
        assert_eq!(find(Some("first"), "a.h5"), Some(at("first/a.h5")));
        assert_eq!(find(Some("${ORIGIN}/first"), "a.h5"), Some(at("first/a.h5")));
        assert_eq!(find(None, "/moved/from/a.h5"), Some(at("a.h5")), "by its name alone");
        assert_eq!(find(None, "."), Some(at("virtual.h5")));
        assert_eq!(find(None, "data.h5"), None, "a folder is no file");
        assert_eq!(search(None).expected(Path::new("b.h5")), at("b.h5"));
    }
}
