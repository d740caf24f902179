//! Where a picture is saved: the folder proposed, what a path means on disk, and the writing. Not for the
//! window's thread.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use directories::UserDirs;

use crate::ui::ViewState;
use crate::ui::panels::save::save_path;
use crate::volume::ArrayInfo;
use crate::write::{Output, refuse_inside};

/// What a path means on disk.
pub struct Look {
    /// The path as typed.
    pub path: String,
    /// Why nothing can be written there.
    pub refusal: Option<String>,
    /// Room left there, where the system tells.
    pub free_bytes: Option<u64>,
    /// When the file that is there was written, in words.
    pub replaces: Option<String>,
}

impl Look {
    /// Looks. May block as long as the disk does.
    pub fn at(typed: String, array: &ArrayInfo) -> Self {
        let path = save_path(&typed);
        let data = std::fs::metadata(&path);
        let replaces = data.as_ref().ok().filter(|data| data.is_file()).map(age_of);
        let refusal = match data {
            Ok(data) if data.is_dir() => Some("that is a folder: add a name".to_owned()),
            _ => refusal(&path, array),
        };
        Self { path: typed, refusal, free_bytes: path.parent().and_then(free_bytes), replaces }
    }
}

/// How long ago something was written, in words.
pub fn age_of(data: &std::fs::Metadata) -> String {
    let age = data.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.map_or_else(|| "that name".to_owned(), crate::ui::format::age)
}

/// Why a picture cannot be written there.
fn refusal(path: &Path, array: &ArrayInfo) -> Option<String> {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if !is_png {
        return Some("pictures are written as .png".to_owned());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Some(format!("there is no folder {}", folder.display()))
        }
        _ => {
            refuse_inside(path, array).err().map(|_| "that lies in the recording, which is never written to".to_owned())
        }
    }
}

/// The folder that is proposed: the last one, else the user's pictures; never the recording's.
pub fn folder(view: &ViewState, array: &ArrayInfo) -> PathBuf {
    let dirs = UserDirs::new();
    let of_user = |dirs: UserDirs| dirs.picture_dir().unwrap_or(dirs.home_dir()).to_owned();
    let own =
        view.still_folder.clone().filter(|folder| !array.location.path().is_some_and(|path| folder.starts_with(path)));
    own.or_else(|| dirs.map(of_user)).unwrap_or_else(std::env::temp_dir)
}

/// The folder that is proposed for data: the last one, else the user's documents; never the recording's.
pub fn data_folder(view: &ViewState, array: &ArrayInfo) -> PathBuf {
    let of_user = |dirs: UserDirs| dirs.document_dir().unwrap_or(dirs.home_dir()).to_owned();
    let own =
        view.data_folder.clone().filter(|folder| !array.location.path().is_some_and(|path| folder.starts_with(path)));
    own.or_else(|| UserDirs::new().map(of_user)).unwrap_or_else(std::env::temp_dir)
}

/// Writes the picture. A file of that name is replaced only where the sheet has said so.
///
/// # Errors
/// In a recording, where there is a file unasked, and where the disk refuses.
pub fn write(path: &Path, array: &ArrayInfo, png: &[u8], is_replacing: bool) -> anyhow::Result<()> {
    refuse_inside(path, array)?;
    if !is_replacing && path.exists() {
        anyhow::bail!("{} is there already; save once more to replace it", path.display());
    }
    let mut output = Output::create(path, is_replacing)?;
    output.file().write_all(png)?;
    output.finish()?;
    Ok(())
}

/// Room left on the disk of a folder, where the system tells.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// Room left on the disk of a folder: the system does not tell.
#[cfg(not(unix))]
pub fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
