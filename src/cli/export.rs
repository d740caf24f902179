//! `tectum export`: a recording, a part or a projection of it, as a .npy file.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::OpenArgs;

/// Arguments of `tectum export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Folder, stack_metadata.json, or HDF5 file.
    pub path: PathBuf,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The .npy file to write.
    #[arg(short, long, value_name = "OUT.npy")]
    pub out: PathBuf,
}

/// Writes the file.
///
/// # Errors
/// When the recording can not be read whole, or the file not be written.
pub fn run(_args: &ExportArgs) -> Result<()> {
    bail!("not there yet")
}
