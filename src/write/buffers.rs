//! An array walked in buffers that hold whole chunks: the shapes, checks and messages of HDMF's
//! `GenericDataChunkIterator` (hdmf/data_utils.py), down to the rounding of its floating-point roots.

use rayon::prelude::*;

use super::npy::tuple;
use crate::format::{Chunk, Filled, ReadError, ReadErrorKind, Source};
use crate::volume::{DType, Grid, Region, Shape, copy_region};

/// What may be said of chunks and buffers; what is not said is decided as HDMF does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BufferOptions {
    /// No chunk is larger than this many megabytes of 1,000,000 bytes; 10 without it.
    pub chunk_mb: Option<f64>,
    /// The chunks themselves, one extent for each axis, instead of `chunk_mb`.
    pub chunk_shape: Option<Vec<i64>>,
    /// How many gigabytes of 1,000,000,000 bytes a buffer takes, but never less than one chunk; 1 without it.
    pub buffer_gb: Option<f64>,
    /// The buffers themselves, instead of `buffer_gb`.
    pub buffer_shape: Option<Vec<i64>>,
}

/// Why an array cannot be walked as asked, in HDMF's words where it has any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BufferError(String);

/// The selections of an array that are held in memory one after the other, in C order: boxes of whole chunks,
/// cut at the end of the array.
///
/// ```
/// use tectum::volume::{DType, Shape};
/// use tectum::write::{BufferIter, BufferOptions};
///
/// let options = BufferOptions { buffer_gb: Some(0.2), ..BufferOptions::default() };
/// let buffers = BufferIter::new(Shape::from([20_000, 5_000]), DType::I32, &options)?;
/// assert_eq!(buffers.chunk_shape().dims(), [3_160, 790]);
/// assert_eq!(buffers.buffer_shape().dims(), [12_640, 3_160]);
/// assert_eq!(buffers.num_buffers(), 4);
/// let last = buffers.last();
/// assert_eq!(last.map(|region| region.to_string()).as_deref(), Some("[12640:20000, 3160:5000]"));
/// # Ok::<(), tectum::write::BufferError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BufferIter {
    grid: Grid,
    chunk_shape: Shape,
    next: u64,
}

/// The voxels of one buffer.
#[derive(Debug)]
pub struct FilledBuffer {
    /// Which part of the array this is, in its own axes.
    pub region: Region,
    /// Its voxels in C order, little-endian; zero where they are missing.
    pub bytes: Vec<u8>,
    /// The parts that are not to be had, in the coordinates of the array, each with the reason. Whoever writes
    /// the bytes refuses them or fills them: what is zero here was not measured.
    pub missing: Vec<(Region, ReadError)>,
}

impl BufferIter {
    /// Decides the shapes for an array of this shape and type.
    ///
    /// # Errors
    /// As HDMF, in the same order and words; and, in words of ours, for what makes it fail otherwise: arrays
    /// without axes or voxels, shapes of another rank, chunks without extent, sizes that are no numbers.
    pub fn new(shape: Shape, dtype: DType, options: &BufferOptions) -> Result<Self, BufferError> {
        let refuse = |message: String| Err(BufferError(message));
        for (what, size, dims) in [
            ("buffer_gb", options.buffer_gb, &options.buffer_shape),
            ("chunk_mb", options.chunk_mb, &options.chunk_shape),
        ] {
            let (name, _) = what.split_once('_').unwrap_or((what, ""));
            if size.is_some() && dims.is_some() {
                return refuse(format!("Only one of '{what}' or '{name}_shape' can be specified!"));
            }
            if let Some(dims) = dims.as_ref().filter(|dims| dims.len() != shape.rank()) {
                return refuse(format!("{name}_shape {} has not one extent for each axis of {shape}", shown(dims)));
            }
        }
        if shape.rank() == 0 || shape.dims().contains(&0) {
            return refuse(format!("an array of shape {} has no voxels to buffer", tuple(shape.dims())));
        }
        if shape.num_bytes(dtype).is_none_or(|num_bytes| i64::try_from(num_bytes).is_err()) {
            return refuse(format!("an array of {shape} voxels is larger than can be addressed"));
        }
        let dims: Vec<i64> = shape.dims().iter().map(|&dim| dim as i64).collect();
        let item = dtype.num_bytes();
        let chunk = match &options.chunk_shape {
            Some(chunk) => chunk.clone(),
            None => default_chunk(&dims, item, options.chunk_mb.unwrap_or(10.0))?,
        };
        let buffer = match &options.buffer_shape {
            Some(buffer) => buffer.clone(),
            None => default_buffer(&dims, &chunk, item, options.buffer_gb.unwrap_or(1.0))?,
        };
        check(&dims, &chunk, &buffer)?;
        let shape_of = |dims: &[i64]| Shape::new(&dims.iter().map(|&dim| dim as usize).collect::<Vec<_>>());
        let chunk_shape = shape_of(&chunk);
        let grid = shape_of(&buffer).and_then(|buffer| Grid::new(shape, buffer));
        match chunk_shape.zip(grid) {
            Some((chunk_shape, grid)) => Ok(Self { grid, chunk_shape, next: 0 }),
            None => refuse(format!("an array of {shape} voxels cannot be cut into {}", shown(&buffer))),
        }
    }

    /// Extent of the array.
    pub fn shape(&self) -> &Shape {
        self.grid.shape()
    }

    /// Extent of a chunk, with which the array is best written.
    pub fn chunk_shape(&self) -> &Shape {
        &self.chunk_shape
    }

    /// Extent of a buffer: whole chunks, or all of the axis.
    pub fn buffer_shape(&self) -> &Shape {
        self.grid.cell()
    }

    /// How many buffers the array has, those that were already handed out among them.
    pub fn num_buffers(&self) -> u64 {
        self.grid.num_cells()
    }

    /// The box of the buffer at a position in C order; `None` beyond the last.
    pub fn selection(&self, position: u64) -> Option<Region> {
        self.grid.cell_at(position)
    }

    /// The buffers that are left, read from a source of this shape one after the other, each on all cores.
    /// Blocks.
    ///
    /// ```
    /// use tectum::format;
    /// use tectum::write::{BufferIter, BufferOptions};
    ///
    /// let source = format::open("tests/fixtures/split/a_4d_default/data", &Default::default())?.source;
    /// let info = source.info();
    /// let options = BufferOptions { buffer_gb: Some(1e-5), chunk_mb: Some(1e-3), ..BufferOptions::default() };
    /// let mut num_bytes = 0;
    /// for buffer in BufferIter::new(info.shape, info.dtype, &options)?.read(&*source) {
    ///     let buffer = buffer?;
    ///     assert!(buffer.missing.is_empty());
    ///     num_bytes += buffer.bytes.len();
    /// }
    /// assert_eq!(Some(num_bytes), info.shape.num_bytes(info.dtype));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Each item, as [`read_buffer`].
    pub fn read(self, source: &dyn Source) -> impl Iterator<Item = Result<FilledBuffer, ReadError>> {
        self.map(|region| read_buffer(source, &region))
    }
}

impl Iterator for BufferIter {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let region = self.selection(self.next)?;
        self.next += 1;
        Some(region)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.num_buffers() - self.next).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

/// Reads a box of a source, in its own axes, on all cores. Blocks.
///
/// # Errors
/// If the box does not fit in memory. What of it cannot be read is no error: see [`FilledBuffer::missing`].
pub fn read_buffer(source: &dyn Source, region: &Region) -> Result<FilledBuffer, ReadError> {
    let info = source.info();
    let item = info.dtype.num_bytes();
    let zeroed = |region: &Region| {
        let mut bytes: Vec<u8> = Vec::new();
        let num_bytes = region.shape().num_bytes(info.dtype);
        match num_bytes.is_some_and(|num_bytes| bytes.try_reserve_exact(num_bytes).is_ok()) {
            true => bytes.resize(num_bytes.unwrap_or(0), 0),
            false => {
                let message = format!("{} voxels do not fit in memory", region.shape());
                return Err(ReadError::new(ReadErrorKind::Unsupported, &info.location, message));
            }
        }
        Ok(bytes)
    };
    let (mut bytes, mut missing, mut chunks) = (zeroed(region)?, Vec::new(), Vec::new());
    source.chunks(region, &mut chunks);
    let read = |chunk: &Chunk| {
        let mut bytes = zeroed(&chunk.region)?;
        let filled = source.read(chunk, &mut bytes)?;
        Ok((bytes, filled))
    };
    // As many at once as keep all cores busy without holding the whole box twice.
    for batch in chunks.chunks(2 * rayon::current_num_threads()) {
        let read: Vec<Result<_, ReadError>> = batch.par_iter().map(read).collect();
        for (chunk, read) in batch.iter().zip(read) {
            let (parts, error) = match read {
                Ok((read, filled)) => {
                    copy_region(&read, &chunk.region, &mut bytes, region, item);
                    match filled {
                        Filled::All => continue,
                        Filled::Except(parts, error) => (parts, error),
                    }
                }
                Err(error) => (vec![chunk.region], error),
            };
            for part in parts.iter().filter_map(|part| part.intersect(region)) {
                let zero = vec![0; part.shape().num_bytes(info.dtype).unwrap_or(0)];
                copy_region(&zero, &part, &mut bytes, region, item);
                missing.push((part, error.clone()));
            }
        }
    }
    Ok(FilledBuffer { region: *region, bytes, missing })
}

/// HDMF's `_get_default_chunk_shape`: the proportions of the array, shrunk until a chunk is small enough.
fn default_chunk(dims: &[i64], item: usize, chunk_mb: f64) -> Result<Vec<i64>, BufferError> {
    let num_bytes = size_in_bytes("chunk_mb", chunk_mb, 1e6)?;
    let shortest = dims.iter().copied().min().unwrap_or(1);
    let mut ratios: Vec<i64> = dims.iter().map(|&dim| (dim as f64 / shortest as f64).floor() as i64).collect();
    // Whole numbers are compared with fractions exactly: what is more than the size is more than its floor.
    while product(&ratios) * item as u128 > num_bytes.floor() as u128 && product(&ratios) != 1 {
        let Some(step) = ratios.iter().copied().filter(|&ratio| ratio != 1).min() else { break };
        for ratio in ratios.iter_mut().filter(|ratio| **ratio != 1) {
            *ratio = (*ratio as f64 / step as f64).floor() as i64;
        }
    }
    let scale = root(num_bytes / (product(&ratios) * item as u128) as f64, dims.len());
    Ok(dims.iter().zip(&ratios).map(|(&dim, &ratio)| scale.saturating_mul(ratio).min(dim)).collect())
}

/// HDMF's `_get_default_buffer_shape`: the chunk, grown until a buffer is large enough.
fn default_buffer(dims: &[i64], chunk: &[i64], item: usize, buffer_gb: f64) -> Result<Vec<i64>, BufferError> {
    let num_bytes = size_in_bytes("buffer_gb", buffer_gb, 1e9)?;
    check_positive("chunk_shape", chunk)?;
    let scale = root(num_bytes / product(chunk).saturating_mul(item as u128) as f64, chunk.len());
    let grown = |(&dim, &chunk): (&i64, &i64)| scale.saturating_mul(chunk).max(chunk).min(dim);
    Ok(dims.iter().zip(chunk).map(grown).collect())
}

fn size_in_bytes(what: &str, size: f64, unit: f64) -> Result<f64, BufferError> {
    // Not `size <= 0.0`: what is no number is not greater than zero either.
    if size.is_nan() || size <= 0.0 {
        return Err(BufferError(format!("{what} ({size}) must be greater than zero!")));
    }
    if (size * unit).is_infinite() {
        return Err(BufferError(format!("{what} ({size}) is too large")));
    }
    Ok(size * unit)
}

/// The n-th root in whole numbers as Python computes it: 9 for the third root of 1000.
fn root(value: f64, n: usize) -> i64 {
    value.powf(1.0 / n as f64).floor() as i64
}

/// The product of extents that are not negative.
fn product(dims: &[i64]) -> u128 {
    dims.iter().fold(1u128, |product, &dim| product.saturating_mul(dim.unsigned_abs().into()))
}

/// HDMF's assertions, and the two that it forgets about chunks.
fn check(dims: &[i64], chunk: &[i64], buffer: &[i64]) -> Result<(), BufferError> {
    let refuse = |message: String| Err(BufferError(message));
    let exceeds = |inner: &[i64], outer: &[i64]| inner.iter().zip(outer).any(|(inner, outer)| inner > outer);
    check_positive("buffer_shape", buffer)?;
    for (what, inner) in [("chunk_shape", chunk), ("buffer_shape", buffer)] {
        if exceeds(inner, dims) {
            let (inner, dims) = (shown(inner), shown(dims));
            return refuse(format!("Some dimensions of {what} ({inner}) exceed the data dimensions ({dims})!"));
        }
    }
    let (chunks, buffers) = (shown(chunk), shown(buffer));
    if exceeds(chunk, buffer) {
        return refuse(format!("Some dimensions of chunk_shape ({chunks}) exceed the buffer shape ({buffers})!"));
    }
    // With a buffer of the caller's, HDMF divides by such chunks or walks on with them.
    check_positive("chunk_shape", chunk)?;
    let divides = |((chunk, buffer), dim): ((&i64, &i64), &i64)| buffer == dim || buffer % chunk == 0;
    if !chunk.iter().zip(buffer).zip(dims).all(divides) {
        return refuse(format!(
            "Some dimensions of chunk_shape ({chunks}) do not evenly divide the buffer shape ({buffers})!"
        ));
    }
    Ok(())
}

fn check_positive(what: &str, dims: &[i64]) -> Result<(), BufferError> {
    if dims.iter().all(|&dim| dim > 0) {
        return Ok(());
    }
    Err(BufferError(format!("Some dimensions of {what} ({}) are less than zero!", shown(dims))))
}

/// As Python writes a tuple.
fn shown(dims: &[i64]) -> String {
    let [one] = dims else {
        let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
        return format!("({})", dims.join(", "));
    };
    format!("({one},)")
}
