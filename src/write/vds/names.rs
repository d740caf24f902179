//! How a virtual dataset names the files of its sources.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// Names of files as they are seen from one folder.
pub struct Names {
    /// Where that is; `None` for names that hold everywhere.
    folder: Option<PathBuf>,
    /// Where folders really are that were asked for it.
    known: HashMap<PathBuf, PathBuf>,
}

impl Names {
    /// Names seen from `folder`, or absolute ones.
    ///
    /// # Errors
    /// When it cannot be asked where it is.
    pub fn from(folder: &Path, is_absolute: bool) -> Result<Self> {
        let folder = if is_absolute { None } else { Some(real(folder)?) };
        Ok(Self { folder, known: HashMap::new() })
    }

    /// The name of a file. What it is called itself, as a link perhaps, stays: it is the name by which it is known.
    ///
    /// # Errors
    /// When its folder cannot be asked where it is.
    pub fn of(&mut self, file: &Path) -> Result<PathBuf> {
        let folder = file.parent().unwrap_or(Path::new(""));
        if !self.known.contains_key(folder) {
            self.known.insert(folder.to_owned(), real(folder)?);
        }
        let file = self.known[folder].join(file.file_name().unwrap_or_default());
        let way = self.folder.as_ref().and_then(|from| relative(&file, from));
        Ok(way.unwrap_or(file))
    }
}

fn real(folder: &Path) -> Result<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.canonicalize().with_context(|| format!("{}: no such folder", folder.display()))
}

/// The way from a folder to a file, both absolute; `None` where there is none (two disks of Windows).
fn relative(file: &Path, folder: &Path) -> Option<PathBuf> {
    let (mut to, mut from) = (file.components().peekable(), folder.components().peekable());
    while to.peek().is_some() && to.peek() == from.peek() {
        to.next();
        from.next();
    }
    let up: PathBuf = from
        .map(|component| matches!(component, Component::Normal(_)).then_some(".."))
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .collect();
    let way = up.join(to.collect::<PathBuf>());
    (!way.is_absolute()).then_some(way)
}

/// The bytes of a name in which a percent sign means itself.
pub fn escaped(name: &Path) -> Vec<u8> {
    let double = |&byte: &u8| std::iter::repeat_n(byte, if byte == b'%' { 2 } else { 1 });
    name.as_os_str().as_encoded_bytes().iter().flat_map(double).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["day/fish", "out/deep"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        let name =
            |out: &str, is_absolute| Names::from(&at(out), is_absolute).unwrap().of(&at("day/fish/0000.h5")).unwrap();
        assert_eq!(name("out/deep", false), Path::new("../../day/fish/0000.h5"));
        assert_eq!(name("day", false), Path::new("fish/0000.h5"));
        assert_eq!(name("day/fish", false), Path::new("0000.h5"));
        assert!(name("out", true).is_absolute());
        assert!(Names::from(&at("out"), false).unwrap().of(&at("nowhere/0.h5")).is_err());
        assert_eq!(escaped(Path::new("50%/%b.h5")), b"50%%/%%b.h5");
    }
}
