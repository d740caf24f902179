//! `tectum index`: a reference file over an HDF5 file or a split dataset, as the `lindi` package reads it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::said::written;
use super::{OpenArgs, print};
use crate::format::hdf5::has_signature;
use crate::format::open;
use crate::volume::Location;
use crate::write::lindi::{Index, Naming, index_file, index_recording, write_index};
use crate::write::refuse_inside;

/// What is left out and named one by one.
const MAX_NAMED: usize = 20;

/// Arguments of `tectum index`.
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    /// An HDF5 file (NWB too), all of which is described; or the folder of a split dataset.
    pub path: Location,
    /// How to open a split dataset.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The file or folder to write; its name ends in .lindi.json, .lindi.tar or .lindi.d.
    #[arg(short, long, value_name = "OUT.lindi.json")]
    pub out: PathBuf,
    /// Path of the array of a split dataset.
    #[arg(long, value_name = "NAME", default_value = "data")]
    pub name: String,
    /// Name files by their paths from the folder of OUT, which Tectum follows and lindi only when started there.
    #[arg(long, conflicts_with = "url")]
    pub relative: bool,
    /// The URL or path by which the HDF5 file will be found, instead of its own.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Writes the reference file.
///
/// # Errors
/// When the source cannot be read or described, or OUT cannot be written.
pub fn run(args: &IndexArgs) -> Result<()> {
    let start = Instant::now();
    let folder = args.out.parent().unwrap_or(Path::new("")).to_owned();
    let naming = match &args.url {
        Some(url) => Naming::As(url.clone()),
        None if args.relative => Naming::RelativeTo(folder),
        None => Naming::Absolute,
    };
    let index = match args.path.path().filter(|path| is_hdf5(path)) {
        Some(path) => {
            refuse_same(&args.out, path)?;
            index_file(path, &naming)?
        }
        None => recording(args, &naming)?,
    };
    for (what, why) in index.left_out().iter().take(MAX_NAMED) {
        eprintln!("warning: left out: {}: {why}", if what.is_empty() { "/" } else { what });
    }
    if index.left_out().len() > MAX_NAMED {
        eprintln!("… and {} more", index.left_out().len() - MAX_NAMED);
    }
    let (arrays, pieces) = index.counts();
    let plural = |num: usize| if num == 1 { "" } else { "s" };
    let what = format!("{arrays} array{}, {pieces} chunk{} in other files", plural(arrays), plural(pieces));
    let num_bytes = write_index(index, &args.out, args.force)?;
    print(&written(&args.out, &what, num_bytes, start))
}

fn recording(args: &IndexArgs, naming: &Naming) -> Result<Index> {
    let source = open(&args.path, &args.open.options())?.source;
    refuse_inside(&args.out, source.info())?;
    if args.url.is_some() && source.files().len() > 1 {
        bail!("--url: names one file, and {} has {}", args.path, source.files().len());
    }
    let name = args.name.trim_matches('/');
    if name.is_empty() {
        bail!("--name: names no array");
    }
    index_recording(&*source, name, naming)
}

fn is_hdf5(path: &Path) -> bool {
    let file = std::fs::File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    file.is_ok_and(|(num_bytes, file)| has_signature(&file, num_bytes).unwrap_or(false))
}

/// Refuses to write over the file that is described.
fn refuse_same(out: &Path, path: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().with_context(|| format!("{}: cannot be found", path.display()));
    if out.exists() && real(out)? == real(path)? {
        bail!("{}: is the file that is described, which is never written to", out.display());
    }
    Ok(())
}
