//! `tectum index`: a reference file over an HDF5 file or a split dataset, as the `lindi` package reads it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::said::written;
use super::{OpenArgs, print};
use crate::array::delayed::open_operand;
use crate::format::hdf5::has_signature;
use crate::format::{Source, open};
use crate::volume::Location;
use crate::write::lindi::{Changed, Former, Index, Naming, Voxels, Writer, index_file, index_recording};
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
    /// Path of the array of a split dataset; "data" without it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Name files by their paths from the folder of OUT, which Tectum follows and lindi only when started there.
    #[arg(long, conflicts_with = "url")]
    pub relative: bool,
    /// The URL or path by which the HDF5 file will be found, instead of its own.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Bring OUT up to date with a file that has changed or grown. What was changed in OUT since (chunks, attributes and
    /// arrays that lindi has written into it) stays; files are named as before unless it is said otherwise. Where there
    /// is no OUT it is written.
    #[arg(long, conflicts_with = "force")]
    pub update: bool,
    /// Let an array be that of FILE (with #NAME for one of several): chunks in which it is another one than in PATH lie in
    /// OUT, a .lindi.d or .lindi.tar, all others stay where they are. PATH is not written to. May be repeated.
    #[arg(long, value_name = "ARRAY=FILE[#NAME]", value_parser = parse_changed)]
    pub changed: Vec<(String, String)>,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub force: bool,
}

fn parse_changed(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(array, file)| (array.trim_matches('/'), file));
    match parts.filter(|(array, file)| !array.is_empty() && !file.is_empty()) {
        Some((array, file)) => Ok((array.to_owned(), file.to_owned())),
        None => Err("is none of an array and a file, as in data/movie=corrected.npy".to_owned()),
    }
}

/// Writes the reference file.
///
/// # Errors
/// When the source cannot be read or described, or OUT cannot be written.
pub fn run(args: &IndexArgs) -> Result<()> {
    let start = Instant::now();
    if !args.changed.is_empty() && args.out.extension().is_some_and(|form| form == "json") {
        bail!("--changed: has no place in a .lindi.json; write a .lindi.d or a .lindi.tar");
    }
    let is_there = args.update && args.out.symlink_metadata().is_ok();
    let mut former = if is_there { Some(Former::read(&args.out)?) } else { None };
    let folder = args.out.parent().unwrap_or(Path::new("")).to_owned();
    let naming = match (&args.url, &former) {
        (Some(url), _) => Naming::As(url.clone()),
        (None, _) if args.relative => Naming::RelativeTo(folder),
        (None, Some(former)) => former.naming(),
        (None, None) => Naming::Absolute,
    };
    let source = Described::of(args, former.as_ref())?;
    let mut index = source.index(&naming)?;
    let mut notes = Vec::new();
    if let Some(former) = &mut former {
        args.changed.iter().for_each(|(array, _)| former.forget_chunks(array));
        notes = former.merge_into(&mut index)?;
    }
    // Both are looked at before anything is written.
    let changed = args.changed.iter().map(|changed| source.changed(changed, args)).collect::<Result<Vec<_>>>()?;
    let mut writer = Writer::begin(&args.out, args.force, former)?;
    let mut num_changed = 0;
    for array in &changed {
        num_changed += array.stage(&mut index, &mut writer)?;
    }
    say(&index, &notes);
    let (arrays, pieces) = index.counts();
    let plural = |num: usize| if num == 1 { "" } else { "s" };
    let mut what = format!("{arrays} array{}, {pieces} chunk{} in other files", plural(arrays), plural(pieces));
    if !changed.is_empty() {
        what += &format!(", {num_changed} changed");
    }
    let num_bytes = writer.finish(index)?;
    print(&written(&args.out, &what, num_bytes, start))
}

/// What was left out, and what was changed on both sides.
fn say(index: &Index, notes: &[String]) {
    let named = |lines: Vec<String>| {
        lines.iter().take(MAX_NAMED).for_each(|line| eprintln!("warning: {line}"));
        if lines.len() > MAX_NAMED {
            eprintln!("… and {} more", lines.len() - MAX_NAMED);
        }
    };
    let left_out =
        |(what, why): &(String, String)| format!("left out: {}: {why}", if what.is_empty() { "/" } else { what });
    named(index.left_out().iter().map(left_out).collect());
    named(notes.to_vec());
}

/// What is described.
enum Described {
    /// All of an HDF5 file.
    File(PathBuf),
    /// An array in blocks, under this name.
    Recording(Arc<dyn Source>, String),
}

impl Described {
    fn of(args: &IndexArgs, former: Option<&Former>) -> Result<Self> {
        if let Some(path) = args.path.path().filter(|path| is_hdf5(path)) {
            refuse_same(&args.out, path)?;
            return Ok(Self::File(path.to_owned()));
        }
        let source = open(&args.path, &args.open.options())?.source;
        refuse_inside(&args.out, source.info())?;
        if args.url.is_some() && source.files().len() > 1 {
            bail!("--url: names one file, and {} has {}", args.path, source.files().len());
        }
        let name = args.name.as_deref().or(former.and_then(Former::array)).unwrap_or("data").trim_matches('/');
        if name.is_empty() {
            bail!("--name: names no array");
        }
        Ok(Self::Recording(source, name.to_owned()))
    }

    fn index(&self, naming: &Naming) -> Result<Index> {
        match self {
            Self::File(path) => index_file(path, naming),
            Self::Recording(source, name) => index_recording(&**source, name, naming),
        }
    }

    /// An array as it is and as it is to be.
    fn changed(&self, (array, file): &(String, String), args: &IndexArgs) -> Result<Changed> {
        let of_file = || format!("--changed {array}={file}");
        let own = match self {
            Self::File(path) => Voxels::of_hdf5(path, array).with_context(of_file)?,
            Self::Recording(source, name) if name == array => Voxels::Source(Arc::clone(source)),
            Self::Recording(_, name) => bail!("{}: the array of the recording is called {name}", of_file()),
        };
        let named = file.rsplit_once('#').filter(|_| !Path::new(file).exists());
        let (path, dataset) = named.unwrap_or((file, array));
        // What a format makes of the axes of an HDF5 file is not asked: they are as they are stored on both sides.
        let changed = match Path::new(path) {
            path if is_hdf5(path) => Voxels::of_hdf5(path, dataset).with_context(of_file)?,
            _ => Voxels::Source(open_operand(file, &args.open.options()).with_context(of_file)?),
        };
        Ok(Changed { array: array.clone(), own, changed })
    }
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
