//! `tectum info`: what a recording is, in words or as JSON.

use std::path::PathBuf;

use anyhow::Result;

use super::OpenArgs;

/// Arguments of `tectum info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// Folder, stack_metadata.json, or HDF5 file.
    pub path: PathBuf,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Looks at every block and prints what was found.
///
/// # Errors
/// When nothing of the recording can be viewed.
pub fn run(args: &InfoArgs) -> Result<()> {
    let opened = crate::format::open(&args.path, &args.open.options())?;
    let info = opened.source.info();
    super::print(&format!("{} {}\n", info.shape, info.dtype))
}
