//! The window: opening, sessions, snapshots.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::SnapshotArgs;
use crate::format::OpenOptions;

/// Opens the window, on `path` or on the welcome screen, and returns when it is closed.
///
/// # Errors
/// When no window can be opened here.
pub fn run_window(_path: Option<PathBuf>, _options: OpenOptions) -> Result<()> {
    bail!("the window is not there yet")
}

/// Draws the window off screen into a .png file.
///
/// # Errors
/// When the recording can not be opened, or the file not be written.
pub fn snapshot(_args: &SnapshotArgs) -> Result<()> {
    bail!("the window is not there yet")
}
