//! `tectum sparse`: an array of two axes as a sparse matrix, streamed.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use super::progress::Progress;
use super::said::written;
use super::{OpenArgs, print};
use crate::volume::Location;
use crate::write::parse_fill;
use crate::write::sparse::{SparseLayout, SparseOptions, write_sparse};

/// Arguments of `tectum sparse`.
#[derive(Debug, clap::Args)]
pub struct SparseArgs {
    /// Folder, file or URL of an array of two axes.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The .h5 or .h5ad file to write.
    #[arg(short, long, value_name = "OUT.h5")]
    pub out: PathBuf,
    /// How it is packed: csc (by columns, as 10x Genomics and HDF5Array have it), csr (by rows), anndata-csc or
    /// anndata-csr (a file that AnnData opens).
    #[arg(long, default_value = "csr")]
    pub layout: SparseLayout,
    /// What stands for values that are missing or damaged; without it they are refused.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub fill: Option<String>,
    /// Memory for values that are read at once, in MB.
    #[arg(long, value_name = "MB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub buffer_mb: u32,
    /// Replace OUT.h5 if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Writes the file.
///
/// # Errors
/// When the array has other axes, a value is missing, or the file cannot be written.
pub fn run(args: &SparseArgs) -> Result<()> {
    let start = Instant::now();
    let opened = crate::format::open(&args.path, &args.open.options())?;
    let info = opened.source.info();
    let fill = args.fill.as_ref().map(|text| parse_fill(text, info.dtype)).transpose().context("--fill")?;
    let options = SparseOptions {
        layout: args.layout,
        fill,
        buffer_bytes: args.buffer_mb as usize * 1_000_000,
        is_forced: args.force,
    };
    let progress = Progress::start();
    let mut is_begun = false;
    let made = write_sparse(&*opened.source, &args.out, &options, |done, all| {
        if !std::mem::replace(&mut is_begun, true) {
            progress.expect(all as usize);
        }
        progress.reach(done as usize);
        true
    })?;
    drop(progress);
    let [rows, columns] = made.shape;
    let what = format!("{rows} × {columns}, {}, {} values that are not zero", info.dtype, made.num_stored);
    print(&written(&args.out, &what, made.num_bytes, start))
}
