//! `tectum export`: a recording, a part or a projection of it, as a .npy file.
//!
//! The result is made in tiles that follow the chunks, several at a time, and each is written to its place
//! in the file: however large the recording, a few tiles are all that is in memory.

mod gather;
mod left_out;
mod tiles;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

pub(super) use self::gather::{Gather, GatherError, Tile, refusal};
use self::left_out::{Asked, say};
use self::tiles::tiles;
use self::write::write_tile;
use super::OpenArgs;
use super::channels::parts;
use super::ops::OpsArgs;
use super::progress::Progress;
use super::said::written;
use super::snapshot::parse_projection;
use crate::array::delayed;
use crate::format::{OpenOptions, Source};
use crate::stream::StreamConfig;
use crate::volume::{
    Accumulator, ArrayInfo, Axis, Buffer, DType, FoldBox, Location, Pool, Projection, Selected, Selection,
    projected_dtype,
};
use crate::write::{Output, check_name, npy, parse_fill, refuse_inside_all};

/// Bytes of a tile: large enough for the disk, small enough for the processor's cache to matter.
const TILE_BYTES: usize = 8 << 20;

/// Arguments of `tectum export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The .npy file to write.
    #[arg(short, long, value_name = "OUT.npy")]
    pub out: PathBuf,
    /// Replace OUT.npy if it exists.
    #[arg(long)]
    pub force: bool,
    /// The channel to write, by its name or its index from 0 (`tectum info` lists them). Its own axes are then
    /// those of the array but for that of channels. Without it all of the array is written.
    #[arg(short, long, value_name = "NAME")]
    pub channel: Option<String>,
    /// A numpy index in the dataset's own axes, e.g. "3, 0:4, :, ::2"; lists, None and ... as numpy's.
    #[arg(short, long, value_name = "INDEX", allow_hyphen_values = true)]
    pub select: Option<String>,
    /// What is computed from what is selected.
    #[command(flatten)]
    pub ops: OpsArgs,
    /// Fold one axis: max, mean, min, std or sum.
    #[arg(short, long, value_name = "OP", value_parser = parse_projection, requires = "over")]
    pub project: Option<Projection>,
    /// The axis to fold: t, z, y or x, or its number in what is selected.
    #[arg(long, value_name = "AXIS", requires = "project", allow_hyphen_values = true)]
    pub over: Option<String>,
    /// What stands for voxels that are missing or damaged; without it they are refused. What lies beyond the
    /// last readable piece is left out.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub fill: Option<String>,
}

/// Writes the file.
///
/// # Errors
/// When a voxel asked for is missing and no `--fill` stands for it, or the file cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let start = Instant::now();
    check_name(&args.out, "npy", args.force).context("--out")?;
    let options = args.open.options();
    let mut opened = crate::format::open(&args.path, &options)?;
    let mut pinned = Vec::new();
    if let Some(asked) = &args.channel {
        let mut parts = parts(opened, std::slice::from_ref(asked), false)?;
        let (Some(part), true) = (parts.pop(), parts.is_empty()) else {
            bail!("{}: --channel {asked}: one file holds one channel; name one", args.path);
        };
        (opened, pinned) = (part.opened, part.pinned);
    }
    let (source, info) = (&*opened.source, opened.source.info());
    refuse_inside_all(&args.out, source).context("--out")?;
    let path = &args.path;
    let text = args.select.as_deref().unwrap_or("...");
    let on_select = || format!("{path}: --select {text}");
    let selection: Selection = text.parse().with_context(on_select)?;
    let is_spoken_of = |axis: &usize| pinned.iter().all(|(pinned, _)| pinned != axis);
    let dims: Vec<usize> = (0..info.shape.rank()).filter(is_spoken_of).map(|axis| info.shape.dims()[axis]).collect();
    let selected = selection.resolve(&dims).with_context(on_select)?;
    let selected = pinned.iter().fold(selected, |selected, (axis, index)| selected.pinned(*axis, *index));
    let asked = Asked { selection: &selection, selected: &selected, pinned: &pinned, info };
    if args.fill.is_none() {
        asked.refuse_beyond(source)?;
    }
    let fill = args.fill.as_ref().map(|text| parse_fill(text, info.dtype)).transpose();
    let fill = fill.with_context(|| format!("{path}: --fill"))?;
    let work = Work::new(args, &opened.source, &selection, &pinned, &selected, fill, &options)?;
    // Arrays that are computed with are not written to either.
    refuse_inside_all(&args.out, &*work.source).context("--out")?;
    let fold = match (args.project, &args.over) {
        (Some(op), Some(over)) => Some((
            op,
            folded_dim(over, work.source.info(), &work.selected).with_context(|| format!("{path}: --over {over}"))?,
        )),
        _ => None,
    };
    let budget = StreamConfig::default().total_bytes();
    let Work { source: from, selected: what, fill } = &work;
    let max_chunk_bytes = budget / 2;
    let request = Request { selected: what, fold, fill: fill.clone(), tile_bytes: TILE_BYTES, max_chunk_bytes };
    let mut output = Output::create(&args.out, args.force).context("--out")?;
    let (dtype, shape) = write_npy(&**from, request, &mut output, &Progress::start())?;
    let num_bytes = output.finish().context("--out")?;
    say(&asked.remarks(source, args.fill.is_some()));
    let what = format!("{}, {dtype}", npy::tuple(&shape));
    super::print(&written(&args.out, &what, num_bytes, start))
}

/// What is written from: the recording, or what is computed from it.
struct Work {
    source: Arc<dyn Source>,
    selected: Selected,
    fill: Option<Vec<u8>>,
}

impl Work {
    /// With operations, what is missing is filled, then selected, then computed with.
    fn new(
        args: &ExportArgs,
        source: &Arc<dyn Source>,
        selection: &Selection,
        pinned: &[(usize, usize)],
        selected: &Selected,
        fill: Option<Vec<u8>>,
        options: &OpenOptions,
    ) -> Result<Self> {
        let mut source = Arc::clone(source);
        if args.ops.ops.is_empty() {
            return Ok(Self { source, selected: selected.clone(), fill });
        }
        if let Some(fill) = fill {
            source = delayed::filled(&source, &fill)?;
        }
        // From the last on: taking an axis away leaves those before it.
        let mut pinned = pinned.to_vec();
        pinned.sort_unstable();
        for (axis, index) in pinned.into_iter().rev() {
            source = delayed::selected(&source, &format!("{}{index}", ":, ".repeat(axis)).parse()?)?;
        }
        source = args.ops.over(&delayed::selected(&source, selection)?, options)?;
        let selected = Selection::all().resolve(source.info().shape.dims())?;
        Ok(Self { source, selected, fill: None })
    }
}

/// What to write of a source.
struct Request<'a> {
    selected: &'a Selected,
    /// An operation and the axis of the selection it folds.
    fold: Option<(Projection, usize)>,
    fill: Option<Vec<u8>>,
    tile_bytes: usize,
    max_chunk_bytes: usize,
}

/// Writes what a .npy file holds; returns the type and shape of the result.
fn write_npy(
    source: &dyn Source,
    request: Request<'_>,
    output: &mut Output,
    progress: &Progress,
) -> Result<(DType, Vec<usize>)> {
    let pool = Pool::new((request.max_chunk_bytes / 2).min(256 << 20));
    let Request { selected, fold, fill, tile_bytes, max_chunk_bytes } = request;
    let gather = Gather::new(source, selected, fill, max_chunk_bytes, pool.clone());
    let dtype = source.info().dtype;
    let job = Job { gather: &gather, dtype, shape: selected.shape(), tile_bytes, pool, progress };
    let done = match fold {
        None => job.copy(output),
        Some((op, dim)) => job.project(output, op, dim),
    };
    done.map_err(|error| match error {
        GatherError::Missing(missing) => refusal(&gather, &missing),
        GatherError::Other(error) => error,
    })
}

/// The axis of the result that `--over` names.
fn folded_dim(over: &str, info: &ArrayInfo, selected: &Selected) -> Result<usize> {
    let rank = selected.shape().len();
    if let Ok(number) = over.trim().parse::<i64>() {
        let index = if number < 0 { number + rank as i64 } else { number };
        let dim = usize::try_from(index).ok().filter(|&dim| dim < rank);
        return dim.with_context(|| format!("axis {number} is out of bounds for array of dimension {rank}"));
    }
    let mut letters = over.trim().chars();
    let axis = letters.next().and_then(Axis::from_letter).filter(|_| letters.next().is_none());
    let Some(axis) = axis else { bail!("{over} is no axis; give t, z, y, x or a number") };
    let Some(at) = info.axes.iter().position(|&a| a == Some(axis)) else {
        bail!("this recording has no axis {axis}; `tectum info` lists its axes, --axes says what they are");
    };
    selected.dim_of(at).with_context(|| format!("--select leaves no axis {axis}; an integer takes its axis away"))
}

/// One export on its way.
struct Job<'a> {
    gather: &'a Gather<'a>,
    dtype: DType,
    shape: &'a [usize],
    tile_bytes: usize,
    pool: Pool,
    progress: &'a Progress,
}

impl Job<'_> {
    fn begin(&self, output: &mut Output, dtype: DType, shape: &[usize]) -> Result<u64> {
        use std::io::Write;
        let header = npy::header(dtype, shape);
        let num_voxels = shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim as u64));
        let num_bytes =
            num_voxels.and_then(|n| n.checked_mul(dtype.num_bytes() as u64)?.checked_add(header.len() as u64));
        let num_bytes = num_bytes.context("the result is larger than any file")?;
        output.file().write_all(&header).and_then(|()| output.file().set_len(num_bytes)).context("cannot write")?;
        Ok(header.len() as u64)
    }

    fn copy(&self, output: &mut Output) -> Result<(DType, Vec<usize>), GatherError> {
        let offset = self.begin(output, self.dtype, self.shape).map_err(GatherError::Other)?;
        let item = self.dtype.num_bytes();
        let made = (self.dtype, self.shape.to_vec());
        if self.shape.contains(&0) {
            return Ok(made);
        }
        let tiles = tiles(self.gather, self.shape, item, self.tile_bytes, None);
        self.progress.expect(self.shape.iter().product());
        let file = &*output.file();
        // In order, so that the disk sees something close to a sequential read and write.
        tiles.into_iter().par_bridge().try_for_each(|tile| {
            let voxels = self.gather.read(&tile)?;
            write_tile(file, offset, self.shape, &tile, voxels.bytes(), item)?;
            self.progress.advance(voxels.len() / item);
            Ok::<_, GatherError>(())
        })?;
        Ok(made)
    }

    fn project(&self, output: &mut Output, op: Projection, dim: usize) -> Result<(DType, Vec<usize>), GatherError> {
        let dtype = projected_dtype(self.dtype, op);
        let mut shape = self.shape.to_vec();
        let num_folded = shape.remove(dim);
        let offset = self.begin(output, dtype, &shape).map_err(GatherError::Other)?;
        if shape.contains(&0) {
            return Ok((dtype, shape));
        }
        if num_folded == 0 {
            Self::project_nothing(output, offset, op, dtype, &shape).map_err(GatherError::Other)?;
            return Ok((dtype, shape));
        }
        self.progress.expect(self.shape.iter().product());
        let first = self.gather.cuts(dim).first().copied().unwrap_or(num_folded);
        // A tile of the result is sized so that one row of chunks along the folded axis fits.
        let item = self.dtype.num_bytes() * first;
        let mut one_row = self.shape.to_vec();
        one_row[dim] = 1;
        let tiles = tiles(self.gather, &one_row, item, self.tile_bytes, Some(dim));
        let pieces = self.pieces(dim, &tiles, num_folded);
        let file = &*output.file();
        let num_threads = rayon::current_num_threads();
        let make = |tile: &Tile, is_parallel: bool| {
            let folded = if is_parallel {
                let part = pieces.len().div_ceil(num_threads);
                let parts = pieces.par_chunks(part).map(|pieces| self.fold(tile, dim, op, pieces));
                parts.try_reduce_with(|mut a, b| {
                    a.merge(&b);
                    Ok(a)
                })
            } else {
                Some(self.fold(tile, dim, op, &pieces))
            };
            // There is at least one piece, as something is folded.
            let Some(folded) = folded.transpose()? else { return Ok::<_, GatherError>(()) };
            let result = folded.finish(num_folded, &self.pool);
            let mut place = tile.clone();
            place.remove(dim);
            write_tile(file, offset, &shape, &place, result.bytes(), dtype.num_bytes())?;
            Ok(())
        };
        if tiles.len() >= 2 * num_threads {
            tiles.iter().par_bridge().try_for_each(|tile| make(tile, false))?;
        } else {
            tiles.iter().try_for_each(|tile| make(tile, true))?;
        }
        Ok((dtype, shape))
    }

    /// Ranges of the folded axis that are read at once.
    fn pieces(&self, dim: usize, tiles: &[Tile], num_folded: usize) -> Vec<[usize; 2]> {
        let size = |tile: &Tile| {
            let len = |(at, range): (usize, &std::ops::Range<usize>)| if at == dim { 1 } else { range.len() };
            tile.iter().enumerate().map(len).product::<usize>() * self.dtype.num_bytes()
        };
        let max_len = (self.tile_bytes / tiles.iter().map(size).max().unwrap_or(1).max(1)).max(1);
        let mut pieces: Vec<[usize; 2]> = Vec::new();
        let mut start = 0;
        for cut in self.gather.cuts(dim).into_iter().chain([num_folded]) {
            match pieces.last_mut() {
                Some(last) if cut - last[0] <= max_len => last[1] = cut,
                // What is decoded once is kept together unless it is far too large.
                _ if cut - start <= max_len.saturating_mul(8) => pieces.push([start, cut]),
                _ => pieces.extend((start..cut).step_by(max_len).map(|at| [at, (at + max_len).min(cut)])),
            }
            start = cut;
        }
        pieces
    }

    /// Folds some pieces of a tile. The axes before the folded one, it, and those behind are taken as the
    /// three axes of a box.
    fn fold(&self, tile: &Tile, dim: usize, op: Projection, pieces: &[[usize; 2]]) -> Result<Accumulator, GatherError> {
        let len = |range: &[std::ops::Range<usize>]| range.iter().map(ExactSizeIterator::len).product::<usize>();
        let (before, behind) = (len(&tile[..dim]), len(&tile[dim + 1..]));
        // Folding the last axis runs along lines.
        let (shape, axis) = if behind == 1 { ([1, before], 2) } else { ([before, behind], 1) };
        let mut accumulator = Accumulator::new(self.dtype, op, shape, &self.pool);
        let mut part = tile.clone();
        for &[start, stop] in pieces {
            part[dim] = start..stop;
            let voxels = self.gather.read(&part)?;
            let n = stop - start;
            let dims = if behind == 1 { [1, before, n] } else { [before, n, behind] };
            accumulator.fold(&FoldBox { bytes: voxels.bytes(), dims, axis, range: [0, n], at: [0, 0] });
            self.progress.advance(voxels.len() / self.dtype.num_bytes());
        }
        Ok(accumulator)
    }

    /// A projection over no voxels: nothing is 0 in sum, nothing on average, and has no extreme.
    fn project_nothing(output: &mut Output, offset: u64, op: Projection, dtype: DType, shape: &[usize]) -> Result<()> {
        let value = match op {
            Projection::Max | Projection::Min => {
                let name = if op == Projection::Max { "maximum" } else { "minimum" };
                bail!("--project: zero-size array to reduction operation {name} which has no identity")
            }
            Projection::Sum => vec![0; dtype.num_bytes()],
            Projection::Mean | Projection::Std => parse_fill("nan", dtype)?,
        };
        let num_bytes: usize = shape.iter().product::<usize>() * dtype.num_bytes();
        let mut voxels = Buffer::unpooled(num_bytes.min(TILE_BYTES));
        voxels.bytes_mut().chunks_exact_mut(value.len()).for_each(|voxel| voxel.copy_from_slice(&value));
        let mut at = 0;
        while at < num_bytes {
            let len = voxels.len().min(num_bytes - at);
            write::write_at(output.file(), &voxels.bytes()[..len], offset + at as u64)?;
            at += len;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
