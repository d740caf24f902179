//! `tectum convert`: any recording into any format that is written, in one process.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::OpenArgs;
use super::form::Form;
use super::ops::OpsArgs;
use super::progress::Progress;
use super::said::{self, written};
use super::sparse::{self, Sparse};
use crate::format::{Cancel, OpenOptions};
use crate::volume::Location;
use crate::write::sparse::SparseLayout;
use crate::write::{
    Buffering, Changes, Compression, Plan, SourcePlan, Start, TargetOptions, TargetPlan, Watch, convert, interrupt,
};

/// Arguments of `tectum convert`.
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// What is done to it on the way.
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// What is written and how.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Go on where a run that did not end has stopped; the result is the same to the byte.
    #[arg(long)]
    pub resume: bool,
    /// How many cores work; all of them without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// What is done to a recording on its way, in this order.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChangeArgs {
    /// What stands for voxels that are missing or damaged; without it they are refused.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub fill: Option<String>,
    /// One channel, by its name or its index from 0 (`tectum info` lists them).
    #[arg(short, long, value_name = "NAME")]
    pub channel: Option<String>,
    /// A numpy index in the array's own axes, e.g. "3, 0:4, :, ::2".
    #[arg(short, long, value_name = "INDEX", allow_hyphen_values = true)]
    pub select: Option<String>,
    /// What is computed.
    #[command(flatten)]
    pub ops: OpsArgs,
    /// Another type, as numpy names it: u2, f4. Integers wrap, decimals are cut off.
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,
}

impl ChangeArgs {
    /// The same for the layers below.
    pub fn changes(&self) -> Changes {
        let Self { channel, fill, select, ops, dtype } = self.clone();
        Changes { channel, fill, select, operations: ops.ops, dtype, ..Changes::default() }
    }
}

/// What is written, where and how.
#[derive(Clone, Debug, clap::Args)]
pub struct TargetArgs {
    /// Where to write. Its ending says in which format: .h5, .zarr, .tif, .npy, .h5ad, or a slash for a split dataset.
    #[arg(short, long, value_name = "DST")]
    pub out: Location,
    /// The format, where the ending of DST does not say or says another one: npy, zarr, tiff, hdf5, split, or a sparse
    /// matrix in an HDF5 file: csc, csr, anndata-csc, anndata-csr.
    #[arg(long, value_name = "KIND")]
    pub to: Option<Form>,
    /// Replace DST if it exists.
    #[arg(long)]
    pub force: bool,
    /// Extent of a chunk along each axis: "1,1,512,512".
    #[arg(long, value_name = "SHAPE", value_parser = parse_shape)]
    pub chunk_shape: Option<Dims>,
    /// How chunks are compressed: none, gzip:4, zstd:3, lzf, blosc:lz4:5.
    #[arg(long, value_name = "CODEC")]
    pub compression: Option<Compression>,
    /// Extent of a shard along each axis, for Zarr: many chunks in one object; "auto" for such as suit.
    #[arg(long, value_name = "SHAPE", value_parser = parse_shard)]
    pub shard_shape: Option<Dims>,
    /// How many resolutions, for Zarr: the finest included, 0 for as many as suit.
    #[arg(long, value_name = "N")]
    pub levels: Option<usize>,
    /// How voxels become one of the next resolution, for Zarr: mean, nearest, max.
    #[arg(long, value_name = "HOW")]
    pub level_by: Option<String>,
    /// Who describes the pages of a TIFF file: imagej, ome, plain.
    #[arg(long, value_name = "WHO")]
    pub flavor: Option<String>,
    /// Offsets of 64 bits in a TIFF file (BigTIFF), however small it is.
    #[arg(long)]
    pub big: bool,
    /// Name of the array in an HDF5 file; "data" without it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Memory for each of two buffers, in MB.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    pub memory: Option<u32>,
    /// Extent of a buffer along each axis, instead of its memory.
    #[arg(long, value_name = "SHAPE", value_parser = parse_shape)]
    pub buffer_shape: Option<Dims>,
    /// Chunks shaped as HDMF's GenericDataChunkIterator does, of at most so many megabytes.
    #[arg(long, value_name = "MB", allow_hyphen_values = true)]
    pub chunk_mb: Option<f64>,
    /// Buffers shaped as HDMF's GenericDataChunkIterator does, of about so many gigabytes.
    #[arg(long, value_name = "GB", allow_hyphen_values = true, conflicts_with = "memory")]
    pub buffer_gb: Option<f64>,
}

/// An extent along each of some axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dims(pub Vec<usize>);

pub(super) fn parse_shape(text: &str) -> Result<Dims> {
    let dims = text.trim_matches(['(', ')']).split(',').map(str::trim).filter(|word| !word.is_empty());
    let dims = dims.map(|word| word.parse().with_context(|| format!("{word} is no extent"))).collect::<Result<_>>()?;
    Ok(Dims(dims))
}

/// A shape, or "auto", which has no extents.
fn parse_shard(text: &str) -> Result<Dims> {
    if text == "auto" { Ok(Dims(Vec::new())) } else { parse_shape(text) }
}

impl TargetArgs {
    /// The same for the layers below.
    pub(super) fn plan(&self) -> Result<TargetPlan> {
        let kind = match self.form()? {
            Form::Array(kind) => kind,
            form => {
                bail!("--to {}: is written in one go, by `tectum convert` alone; it has no pieces to plan", form.name())
            }
        };
        Ok(TargetPlan { kind, location: self.out.clone(), force: self.force, options: self.options() })
    }

    fn form(&self) -> Result<Form> {
        match self.to.or_else(|| Form::of(&self.out)) {
            Some(form) => Ok(form),
            None => bail!("--out {}: its ending says no format; give one with --to", self.out),
        }
    }

    fn options(&self) -> TargetOptions {
        let dims = |dims: &Option<Dims>| dims.as_ref().map(|dims| dims.0.clone());
        TargetOptions {
            chunk: dims(&self.chunk_shape),
            shard: dims(&self.shard_shape),
            compression: self.compression,
            levels: self.levels,
            downsample: self.level_by.clone(),
            flavor: self.flavor.clone(),
            big: self.big,
            name: self.name.clone(),
            ..TargetOptions::default()
        }
    }

    pub(super) fn buffering(&self) -> Buffering {
        Buffering {
            shape: self.buffer_shape.as_ref().map(|dims| dims.0.clone()),
            num_bytes: self.memory.map(|mb| mb as usize * 1_000_000),
            chunk_mb: self.chunk_mb,
            buffer_gb: self.buffer_gb,
        }
    }
}

impl ConvertArgs {
    /// The same for a sparse matrix, which is one file that is written in one go.
    fn sparse(&self, layout: SparseLayout) -> Result<Sparse<'_>> {
        let name = Form::Sparse(layout).name();
        let target = &self.target;
        target.options().refuse(name, &[])?;
        let said = [
            ("resume", self.resume),
            ("buffer-shape", target.buffer_shape.is_some()),
            ("chunk-mb", target.chunk_mb.is_some()),
            ("buffer-gb", target.buffer_gb.is_some()),
        ];
        if let Some((option, _)) = said.iter().find(|(_, is_said)| *is_said) {
            bail!("--{option}: has no meaning for {name}");
        }
        let Some(out) = target.out.path() else {
            bail!("{}: a sparse matrix is written into a file of this machine", target.out);
        };
        let (path, open, changes) = (&self.path, &self.open, &self.changes);
        Ok(Sparse {
            path,
            open,
            changes,
            out,
            layout,
            memory: target.memory,
            is_forced: target.force,
            threads: self.threads,
        })
    }

    /// All of it, fixed. Reads headers only.
    ///
    /// # Errors
    /// If the source cannot be opened, or the target cannot be where it is to be.
    pub fn plan(&self) -> Result<Plan> {
        let options = self.open.options();
        let source = SourcePlan::new(self.path.clone(), &options);
        Plan::make(source, self.changes.changes(), self.target.plan()?, &self.target.buffering(), &options)
    }
}

/// Writes it.
///
/// # Errors
/// If either side cannot be opened, read or written, or something that was asked for is missing.
pub fn run(args: &ConvertArgs) -> Result<()> {
    let start = Instant::now();
    match args.target.form()? {
        Form::Array(_) => follow(&args.plan()?, &args.open.options(), args.resume, args.threads, start),
        Form::Sparse(layout) => sparse::write(&args.sparse(layout)?, start),
    }
}

/// Follows a plan from the beginning to the end, and says what came of it.
///
/// # Errors
/// As [`convert`].
pub fn follow(
    plan: &Plan,
    options: &OpenOptions,
    is_resumed: bool,
    threads: Option<u16>,
    start: Instant,
) -> Result<()> {
    use_threads(threads);
    said::stopped_early(&*plan.array(options)?);
    let how = if is_resumed { Start::Resumed } else { Start::New };
    interrupt::keep("what was written so far stays beside it; --resume goes on");
    let not_carried = convert(plan, how, options, &Bar(Progress::start()), &Cancel::new())?;
    say(plan, &not_carried, start)
}

/// Lets so many cores work.
pub fn use_threads(threads: Option<u16>) {
    if let Some(threads) = threads {
        // It fails only where it was done before, which it was not.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
    }
}

/// What was written, and what of the recording is not in it.
fn say(plan: &Plan, not_carried: &[String], start: Instant) -> Result<()> {
    let shape = plan.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let what = format!("{shape}, {}", plan.dtype);
    let mut text = match plan.target.location.path() {
        Some(path) => written(path, &what, size_of(path), start),
        None => format!("{}: {what}, written in {:.1} s\n", plan.target.location, start.elapsed().as_secs_f64()),
    };
    text += &not_carried_in_words(not_carried, plan.target.kind.name());
    super::print(&text)
}

/// What is known of a recording and has no place in a format, a line for each.
pub fn not_carried_in_words(facts: &[String], format: &str) -> String {
    facts.iter().map(|fact| format!("not carried: {fact} (no field in {format})\n")).collect()
}

/// Bytes of a file, or of all files in a folder.
fn size_of(path: &Path) -> u64 {
    let Ok(metadata) = path.symlink_metadata() else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = path.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| size_of(&entry.path())).sum()
}

/// Shows progress.
struct Bar(Progress);

impl Watch for Bar {
    fn expect(&self, num_bytes: u64) {
        self.0.expect_bytes(num_bytes);
    }

    fn advance(&self, num_bytes: u64) {
        self.0.advance(usize::try_from(num_bytes).unwrap_or(usize::MAX));
    }
}
