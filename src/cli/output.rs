//! Output files: written beside their final name and renamed, and never into a recording's folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use crate::volume::ArrayInfo;

/// A file that appears under its name only when it is finished. Dropped before that, it leaves nothing.
pub struct Output {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl Output {
    /// Begins a file that will be called `path`.
    ///
    /// # Errors
    /// If its folder does not exist or can not be written to.
    pub fn create(path: &Path) -> Result<Self> {
        if path.is_dir() {
            bail!("{}: is a folder; name the file to write", path.display());
        }
        let name = path.file_name().with_context(|| format!("{}: no file name", path.display()))?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any newly created file; the user's mask is applied by the system.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary =
            builder.tempfile_in(folder_of(path)).with_context(|| format!("{}: cannot write here", path.display()))?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Gives the file its name, replacing what was there.
    ///
    /// # Errors
    /// If the data can not be brought to disk or the file not renamed; nothing is left then.
    pub fn finish(self) -> Result<()> {
        let path = self.path;
        self.temporary.as_file().sync_all().with_context(|| format!("{}: cannot write", path.display()))?;
        self.temporary.persist(&path).with_context(|| format!("{}: cannot write", path.display()))?;
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses an output that would lie in the folder of the recording it is made from, or replace it.
///
/// # Errors
/// If `out` lies there, or its folder does not exist.
pub fn refuse_inside(out: &Path, info: &ArrayInfo) -> Result<()> {
    let folder = folder_of(out);
    let folder = folder.canonicalize().with_context(|| format!("{}: cannot write here", folder.display()))?;
    let target = out.file_name().map_or_else(|| folder.clone(), |name| folder.join(name));
    let dataset = info.path.canonicalize().unwrap_or_else(|_| info.path.clone());
    if target.starts_with(&dataset) || target.canonicalize().is_ok_and(|t| t.starts_with(&dataset)) {
        bail!("{}: lies in the recording's own folder, which is never written to; choose another place", out.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.npy");
        let output = Output::create(&path).unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        Output::create(&path).unwrap().finish().unwrap();
        assert!(path.exists());
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
