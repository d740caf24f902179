//! `tectum bench`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::OpenArgs;

/// Arguments of `tectum bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Recording to measure on.
    pub path: PathBuf,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Measures and prints.
///
/// # Errors
/// When the recording can not be opened or read.
pub fn run(_args: &BenchArgs) -> Result<()> {
    bail!("not there yet")
}
