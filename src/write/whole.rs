//! Bringing names to disk: a file's bytes survive a power cut once they are synced, its name once its folder is.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::output::folder_of;

/// Brings the names in a folder to disk, where the system can be told to.
///
/// # Errors
/// If the system refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Makes a folder, with those it lies in, and brings the names of the new ones to disk.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    match std::fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => Err(error),
        // Another process may have been first.
        _ => sync_folder(above),
    }
}

/// Writes a small file that appears as a whole, and reaches the disk some time later.
///
/// # Errors
/// If it cannot be written.
pub fn appear_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Writes a small file that appears as a whole, and is on disk when this returns.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}
