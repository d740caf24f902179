//! `tectum demo`.

use std::path::PathBuf;

use anyhow::{Result, bail};

/// Arguments of `tectum demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Folder of the demo recording.
    pub dir: Option<PathBuf>,
}

/// Writes the demo recording if absent and opens it.
///
/// # Errors
/// When it can not be written or opened.
pub fn run(_args: &DemoArgs) -> Result<()> {
    bail!("not there yet")
}
