//! `tectum sparse`: an array of two axes as a sparse matrix, streamed; `tectum convert --to csr` and its like.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::convert::{ChangeArgs, not_carried_in_words, use_threads};
use super::form::Form;
use super::progress::Progress;
use super::said::written;
use super::{OpenArgs, print};
use crate::volume::Location;
use crate::write::sparse::{SparseLayout, SparseOptions, write_sparse};
use crate::write::{BUFFER_BYTES, Subject, not_carried};

/// Arguments of `tectum sparse`.
#[derive(Debug, clap::Args)]
pub struct SparseArgs {
    /// Folder, file or URL of an array of two axes.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// What is done to it on the way.
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// The .h5 or .h5ad file to write.
    #[arg(short, long, value_name = "OUT.h5")]
    pub out: PathBuf,
    /// How it is packed: csc (by columns, as 10x Genomics and HDF5Array have it), csr (by rows), anndata-csc or
    /// anndata-csr (a file that AnnData opens).
    #[arg(long, default_value = "csr")]
    pub layout: SparseLayout,
    /// Memory for values that are read at once, in MB.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    pub buffer_mb: Option<u32>,
    /// Replace OUT.h5 if it exists.
    #[arg(long)]
    pub force: bool,
}

/// A sparse matrix that is to be written.
pub struct Sparse<'a> {
    /// What is read.
    pub path: &'a Location,
    /// How it is opened.
    pub open: &'a OpenArgs,
    /// What is done to it.
    pub changes: &'a ChangeArgs,
    /// The file to write.
    pub out: &'a Path,
    /// How it is packed.
    pub layout: SparseLayout,
    /// Memory for values that are read at once, in MB.
    pub memory: Option<u32>,
    /// Whether a file of that name is replaced.
    pub is_forced: bool,
    /// How many cores work.
    pub threads: Option<u16>,
}

/// Writes the file.
///
/// # Errors
/// When the array has other axes, a value is missing, or the file cannot be written.
pub fn run(args: &SparseArgs) -> Result<()> {
    let SparseArgs { path, open, changes, out, layout, buffer_mb, force } = args;
    let (layout, memory, is_forced) = (*layout, *buffer_mb, *force);
    write(&Sparse { path, open, changes, out, layout, memory, is_forced, threads: None }, Instant::now())
}

/// Writes it, and says what came of it.
///
/// # Errors
/// As [`run`].
pub fn write(asked: &Sparse<'_>, start: Instant) -> Result<()> {
    use_threads(asked.threads);
    let standing = asked.open.options();
    let opened = crate::format::open(asked.path, &standing)?;
    let changes = asked.changes.changes();
    let subject = Subject::of(&opened, &changes, &standing)?;
    changes.refuse_missing(&*subject.source)?;
    let options = SparseOptions {
        layout: asked.layout,
        buffer_bytes: asked.memory.map_or(BUFFER_BYTES, |mb| mb as usize * 1_000_000),
        is_forced: asked.is_forced,
    };
    let progress = Progress::start();
    let mut is_begun = false;
    let made = write_sparse(&*subject.source, asked.out, &options, |done, all| {
        if !std::mem::replace(&mut is_begun, true) {
            progress.expect(all as usize);
        }
        progress.reach(done as usize);
        true
    })?;
    drop(progress);
    let [rows, columns] = made.shape;
    let dtype = subject.source.info().dtype;
    let what = format!("{rows} × {columns}, {dtype}, {} values that are not zero", made.num_stored);
    let facts = not_carried_in_words(&not_carried(&subject, &[]), Form::Sparse(asked.layout).name());
    print(&(written(asked.out, &what, made.num_bytes, start) + &facts))
}
