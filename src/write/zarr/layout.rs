//! How an image is cut: its resolutions, their chunks, and the shards or groups of chunks that are written as a whole.

use anyhow::{Context, Result, bail};

use super::image::ImageAxis;
use crate::volume::{Axis, DType, Grid, Shape};
use crate::write::TargetOptions;

/// Bytes of a chunk where nobody says how large it is: what a viewer reads for one plane, and soon.
const CHUNK_BYTES: usize = 2 << 20;
/// Smaller chunks hold several timepoints.
const SMALL_BYTES: usize = 256 << 10;
/// Bytes of voxels of a piece where nobody says how large it is.
const PIECE_BYTES: usize = 128 << 20;
/// Chunks of a piece: all of them are known when it is written.
const MAX_IN_PIECE: u64 = 1 << 18;
/// Bytes of a chunk: no compressor takes more.
const MAX_CHUNK_BYTES: usize = 1 << 30;
/// Rows and columns of the coarsest resolution, where nobody says how many there are.
const COARSEST: usize = 256;
const MAX_LEVELS: usize = 24;

/// One resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// How many voxels of the one before are one of this, along each axis.
    pub factors: Vec<usize>,
    pub chunks: Grid,
    pub pieces: Grid,
    /// Whether a piece is one object.
    pub is_sharded: bool,
}

/// All resolutions of an array.
///
/// # Errors
/// If what was said of chunks and shards makes no sense, or the array is larger than any.
pub fn levels(shape: Shape, dtype: DType, axes: &[ImageAxis], options: &TargetOptions) -> Result<Vec<Level>> {
    let item = dtype.num_bytes();
    if shape.num_bytes(dtype).is_none_or(|bytes| bytes > isize::MAX as usize) {
        bail!("{shape} of {dtype} are more than can be counted");
    }
    let chunk = chunk(&shape, item, axes, options)?;
    let shard = shard(&shape, item, &chunk, options)?;
    let mut levels = vec![level(shape, vec![1; shape.rank()], &chunk, shard.as_deref(), item)?];
    let mut steps = Steps::new(axes);
    let wanted = options.levels.unwrap_or(1);
    while levels.len() < if wanted == 0 { MAX_LEVELS } else { wanted.min(MAX_LEVELS) } {
        let last = levels[levels.len() - 1].chunks.shape();
        let side = |i: usize| matches!(axes[i].axis, Some(Axis::Y | Axis::X)).then_some(last.dims()[i]);
        let largest = (0..last.rank()).filter_map(side).max().unwrap_or(1);
        if largest <= if wanted == 0 { COARSEST } else { 1 } {
            break;
        }
        let factors = steps.next(axes, last);
        let dims: Vec<usize> = last.dims().iter().zip(&factors).map(|(dim, factor)| dim.div_ceil(*factor)).collect();
        let shape = Shape::new(&dims).context("too many axes")?;
        levels.push(level(shape, factors, &chunk, shard.as_deref(), item)?);
    }
    Ok(levels)
}

/// How far apart voxels are at a resolution.
struct Steps {
    /// Along z, y and x, in units of whatever kind; `None` where it is not known.
    along: Option<[f64; 3]>,
}

impl Steps {
    fn new(axes: &[ImageAxis]) -> Self {
        let step = |axis: Axis| axes.iter().find(|other| other.axis == Some(axis))?.step.map(|(_, length)| length);
        let along = step(Axis::Z).zip(step(Axis::Y)).zip(step(Axis::X));
        Self { along: along.map(|((z, y), x)| [z, y, x]) }
    }

    /// Halves rows and columns, and planes where they lie closer than twice what rows then will, so that voxels come
    /// nearer to cubes.
    fn next(&mut self, axes: &[ImageAxis], shape: &Shape) -> Vec<usize> {
        let is_z_halved = self.along.is_some_and(|[z, y, x]| z < 1.5 * y.max(x));
        let factor = |(i, axis): (usize, &ImageAxis)| match axis.axis {
            _ if shape.dims()[i] <= 1 => 1,
            Some(Axis::Y | Axis::X) => 2,
            Some(Axis::Z) if is_z_halved => 2,
            _ => 1,
        };
        if let Some([z, y, x]) = &mut self.along {
            *z *= if is_z_halved { 2.0 } else { 1.0 };
            (*y, *x) = (*y * 2.0, *x * 2.0);
        }
        axes.iter().enumerate().map(factor).collect()
    }
}

fn level(shape: Shape, factors: Vec<usize>, chunk: &[usize], shard: Option<&[usize]>, item: usize) -> Result<Level> {
    let is_first = factors.iter().all(|factor| *factor == 1);
    let cell: Vec<usize> = match is_first {
        true => chunk.to_vec(),
        // No resolution has chunks that are larger than itself.
        false => chunk.iter().zip(shape.dims()).map(|(chunk, dim)| *chunk.min(&(*dim).max(1))).collect(),
    };
    let times = |axis: usize| -> usize {
        let most = shape.dims()[axis].div_ceil(cell[axis]).max(1);
        let said = shard.map_or(1, |shard| shard[axis] / chunk[axis]);
        if is_first { said } else { said.min(most) }
    };
    let piece = match shard {
        Some(_) => (0..cell.len()).map(|axis| cell[axis].saturating_mul(times(axis))).collect(),
        None => grown(&cell, &shape, item),
    };
    let grid = |dims: &[usize]| Shape::new(dims).and_then(|cell| Grid::new(shape, cell)).context("no such chunks");
    Ok(Level { factors, chunks: grid(&cell)?, pieces: grid(&piece)?, is_sharded: shard.is_some() })
}

fn shown(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn volume(dims: &[usize]) -> usize {
    dims.iter().fold(1, |volume, &dim| volume.saturating_mul(dim))
}

/// The chunks that were asked for, or such as suit viewing: of one timepoint and channel, a plane or a few, no more
/// than 1024 rows and columns.
fn chunk(shape: &Shape, item: usize, axes: &[ImageAxis], options: &TargetOptions) -> Result<Vec<usize>> {
    if let Some(chunk) = &options.chunk {
        TargetOptions::of_rank("chunk-shape", chunk, shape.rank())?;
        let num_bytes = volume(chunk).saturating_mul(item);
        if num_bytes > MAX_CHUNK_BYTES {
            bail!("--chunk-shape {}: a chunk of {num_bytes} bytes is more than compressors take (1 GiB)", shown(chunk));
        }
        return Ok(chunk.clone());
    }
    let most = if item > 4 { 512 } else { 1024 };
    let dim = |i: usize| shape.dims()[i].max(1);
    let mut chunk = vec![1; shape.rank()];
    let at = |wanted: Axis| axes.iter().position(|axis| axis.axis == Some(wanted));
    for i in [at(Axis::Y), at(Axis::X)].into_iter().flatten() {
        // Of one size, so that the last one is no narrow rest.
        chunk[i] = dim(i).div_ceil(dim(i).div_ceil(most));
    }
    for (i, num_bytes) in [(at(Axis::Z), CHUNK_BYTES), (at(Axis::T), SMALL_BYTES)] {
        if let Some(i) = i {
            chunk[i] = (num_bytes / volume(&chunk).saturating_mul(item).max(1)).clamp(1, dim(i));
        }
    }
    Ok(chunk)
}

/// The shards that were asked for; `None` where chunks lie by themselves.
fn shard(shape: &Shape, item: usize, chunk: &[usize], options: &TargetOptions) -> Result<Option<Vec<usize>>> {
    let Some(shard) = &options.shard else { return Ok(None) };
    if shard.is_empty() {
        return Ok(Some(grown(chunk, shape, item)));
    }
    TargetOptions::of_rank("shard-shape", shard, shape.rank())?;
    let said = || format!("--shard-shape {}: chunks are {}", shown(shard), shown(chunk));
    if shard.iter().zip(chunk).any(|(shard, chunk)| chunk > shard) {
        bail!("{}, which is more than a shard", said());
    }
    if shard.iter().zip(chunk).any(|(shard, chunk)| !shard.is_multiple_of(*chunk)) {
        bail!("{}, and a shard is no whole number of them", said());
    }
    let num_chunks = shard.iter().zip(chunk).fold(1u64, |n, (s, c)| n.saturating_mul((s / c) as u64));
    if num_chunks > MAX_IN_PIECE {
        bail!("{}, which makes {num_chunks} in a shard; {MAX_IN_PIECE} at most", said());
    }
    Ok(Some(shard.clone()))
}

/// As many chunks together as make a piece: along the fastest axes first, in equal parts.
fn grown(chunk: &[usize], shape: &Shape, item: usize) -> Vec<usize> {
    let mut piece = chunk.to_vec();
    let mut num_chunks = 1u64;
    for axis in (0..piece.len()).rev() {
        let cells = shape.dims()[axis].div_ceil(chunk[axis]).max(1);
        let by_bytes = PIECE_BYTES / volume(&piece).saturating_mul(item).max(1);
        let by_number = usize::try_from(MAX_IN_PIECE / 16 / num_chunks).unwrap_or(1);
        let times = by_bytes.min(by_number).clamp(1, cells);
        let times = cells.div_ceil(cells.div_ceil(times));
        piece[axis] = chunk[axis].saturating_mul(times);
        num_chunks *= times as u64;
        if times < cells {
            break;
        }
    }
    piece
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::volume::{ArrayInfo, VoxelSize};
    use crate::write::zarr::image::axes;

    fn cut(letters: &str, dims: &[usize], edges: Option<[f64; 3]>, options: &TargetOptions) -> Result<Vec<Level>> {
        let shape = Shape::new(dims).unwrap();
        let info = ArrayInfo {
            axes: letters.chars().map(Axis::from_letter).collect(),
            channel_axis: letters.find('c'),
            voxel_size: edges.map(VoxelSize::of),
            ..ArrayInfo::new("a", Path::new("a"), "array", shape, DType::U16)
        };
        levels(shape, DType::U16, &axes(&info).unwrap(), options)
    }

    #[test]
    fn chunks_suit_viewing() {
        let chunk = |letters: &str, dims: &[usize]| {
            let levels = cut(letters, dims, None, &TargetOptions::default()).unwrap();
            let level = &levels[0];
            for (piece, chunk) in level.pieces.cell().dims().iter().zip(level.chunks.cell().dims()) {
                assert_eq!(piece % chunk, 0);
            }
            (level.chunks.cell().dims().to_vec(), level.pieces.cell().dims().to_vec())
        };
        assert_eq!(chunk("tzyx", &[1000, 30, 512, 512]), (vec![1, 4, 512, 512], vec![8, 32, 512, 512]));
        assert_eq!(chunk("tczyx", &[100, 2, 30, 2048, 2100]).0, [1, 1, 1, 1024, 700]);
        assert_eq!(chunk("tyx", &[10_000, 64, 64]), (vec![32, 64, 64], vec![10_016, 64, 64]));
        assert_eq!(chunk("yx", &[3, 5]), (vec![3, 5], vec![3, 5]));
        assert_eq!(chunk("tyx", &[0, 64, 64]).0, [1, 64, 64]);
    }

    #[test]
    fn resolutions_come_nearer_to_cubes() {
        let options = TargetOptions { levels: Some(0), ..TargetOptions::default() };
        let shapes = |edges: Option<[f64; 3]>| -> Vec<Vec<usize>> {
            let levels = cut("tzyx", &[3, 41, 1000, 700], edges, &options).unwrap();
            levels.iter().map(|level| level.chunks.shape().dims().to_vec()).collect()
        };
        assert_eq!(shapes(None), [[3, 41, 1000, 700], [3, 41, 500, 350], [3, 41, 250, 175]]);
        assert_eq!(shapes(Some([2.0, 1.0, 1.0])), [[3, 41, 1000, 700], [3, 41, 500, 350], [3, 21, 250, 175]]);
        assert_eq!(shapes(Some([1.0; 3])), [[3, 41, 1000, 700], [3, 21, 500, 350], [3, 11, 250, 175]]);
        let many = TargetOptions { levels: Some(20), ..TargetOptions::default() };
        assert_eq!(cut("yx", &[9, 5], None, &many).unwrap().len(), 5);
    }

    #[test]
    fn chunks_and_shards_that_make_no_sense_are_named() {
        let of = |chunk: &[usize], shard: &[usize]| {
            let options =
                TargetOptions { chunk: Some(chunk.to_vec()), shard: Some(shard.to_vec()), ..TargetOptions::default() };
            cut("zyx", &[40, 50, 60], None, &options).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[1, 25, 30], &[4, 50, 60]).unwrap()[0].pieces.num_cells(), 10);
        assert!(of(&[1, 25, 30], &[]).unwrap()[0].is_sharded);
        for (chunk, shard, words) in [
            (&[1, 25][..], &[1, 25, 30][..], "3 axes, not 2"),
            (&[1, 25, 0], &[1, 25, 30], "extent of 0"),
            (&[8, 25, 30], &[4, 50, 60], "more than a shard"),
            (&[3, 25, 30], &[4, 50, 60], "no whole number"),
            (&[1 << 20, 1 << 20, 2], &[1, 1, 1], "1 GiB"),
            (&[1, 1, 1], &[1 << 40, 1 << 40, 1 << 40], "at most"),
        ] {
            let error = of(chunk, shard).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let large = cut("tzyx", &[usize::MAX / 2, 3, 1, 1], None, &TargetOptions::default());
        assert!(large.unwrap_err().to_string().contains("more than can be counted"));
    }
}
