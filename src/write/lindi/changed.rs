//! Chunks that were changed: of an array that is described, those whose voxels are others in another one lie in the
//! index itself, stored as the array's own are; all others are referred to as before.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;
use serde_json::Value;

use super::container::Writer;
use super::document::{Entry, Index};
use super::own::own_array;
use crate::codec::{blosc, fletcher32, shuffle, swap_bytes};
use crate::format::hdf5::H5Array;
use crate::format::{Filled, Source};
use crate::volume::{DType, Grid, Region, Shape};
use crate::write::hdf5::{MAX_CHUNK_BYTES, whole_chunk};
use crate::write::{FilledBuffer, coders, read_buffer};

/// Voxels that are compared at once, in bytes; or one chunk for each core.
const BATCH_BYTES: usize = 128 << 20;

/// An array as it is stored, whatever the format makes of its axes.
pub enum Voxels {
    /// Of an HDF5 file.
    Hdf5(Box<H5Array>),
    /// Of any other.
    Source(Arc<dyn Source>),
}

impl Voxels {
    /// An array of an HDF5 file.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn of_hdf5(path: &Path, dataset: &str) -> Result<Self> {
        Ok(Self::Hdf5(Box::new(H5Array::open(path, dataset)?.with_fill())))
    }

    fn shape(&self) -> Shape {
        match self {
            Self::Hdf5(array) => array.header().shape,
            Self::Source(source) => source.info().shape,
        }
    }

    fn dtype(&self) -> DType {
        match self {
            Self::Hdf5(array) => array.header().dtype,
            Self::Source(source) => source.info().dtype,
        }
    }

    /// The voxels of a box, and what of them is missing.
    fn read(&self, region: &Region) -> Result<FilledBuffer> {
        let array = match self {
            Self::Source(source) => return Ok(read_buffer(&**source, region)?),
            Self::Hdf5(array) => array,
        };
        let num_bytes = region.shape().num_bytes(self.dtype()).context("is too large")?;
        let mut bytes = vec![0; num_bytes];
        let missing = match array.read(region, &mut bytes) {
            Ok(Filled::All) => Vec::new(),
            Ok(Filled::Except(parts, error)) => parts.into_iter().map(|part| (part, error.clone())).collect(),
            Err(error) => vec![(*region, error)],
        };
        Ok(FilledBuffer { region: *region, bytes, missing })
    }
}

/// An array that is described, and what it is to be.
pub struct Changed {
    /// Its path in the index.
    pub array: String,
    /// As the source has it.
    pub own: Voxels,
    /// As it is to be.
    pub changed: Voxels,
}

impl Changed {
    /// Puts the chunks that are others into the index. What is damaged in the source and whole in the other array is
    /// one of them. Returns how many there are. Blocks.
    ///
    /// # Errors
    /// When both are not of one shape and type, something of the other array is missing, or the index cannot be written.
    pub fn stage(&self, index: &mut Index, writer: &mut Writer) -> Result<u64> {
        let (name, shape, dtype) = (&self.array, self.own.shape(), self.own.dtype());
        if (self.changed.shape(), self.changed.dtype()) != (shape, dtype) {
            let (other, other_dtype) = (self.changed.shape(), self.changed.dtype());
            bail!("--changed {name}: is {other}, {other_dtype}, where the array is {shape}, {dtype}");
        }
        let key = format!("{name}/.zarray");
        let metadata = match index.refs.get(&key) {
            Some(entry @ Entry::Json(value)) if entry.digest().as_ref() == index.described.get(&key) => value.clone(),
            Some(_) => bail!("--changed {name}: was made anew in the index, which is not its source's array any more"),
            None => bail!("--changed {name}: there is no such array in the index"),
        };
        if !metadata["compressor"].is_null() {
            return self.stage_own(index);
        }
        let coder = Coder::of(&metadata, dtype).with_context(|| format!("--changed {name}"))?;
        let grid = chunks_of(&metadata).and_then(|cell| Grid::new(shape, cell));
        let grid = grid.with_context(|| format!("--changed {name}: has no chunks"))?;
        let chunk_bytes = grid.cell().num_bytes(dtype).filter(|num| *num <= MAX_CHUNK_BYTES);
        let chunk_bytes = chunk_bytes.with_context(|| format!("--changed {name}: has chunks of more than 2 GB"))?;
        let at_once = (BATCH_BYTES / chunk_bytes.max(1)).clamp(rayon::current_num_threads(), 1 << 16) as u64;
        let (mut num_staged, num_cells) = (0, grid.num_cells());
        for first in (0..num_cells).step_by(at_once as usize) {
            let cells: Vec<u64> = (first..(first + at_once).min(num_cells)).collect();
            let staged = cells.par_iter().map(|&cell| self.chunk(&grid, cell, &coder)).collect::<Result<Vec<_>>>()?;
            for (key, bytes) in staged.into_iter().flatten() {
                let entry = writer.put(&key, bytes)?;
                index.refs.insert(key, entry);
                num_staged += 1;
            }
        }
        Ok(num_staged)
    }

    /// The voxels of a box if they are others, as they are to be.
    fn compared(&self, region: &Region) -> Result<Option<Vec<u8>>> {
        let changed = self.changed.read(region)?;
        if let Some((part, error)) = changed.missing.first() {
            bail!("--changed {}: {error} ({part} of the array)", self.array);
        }
        let own = self.own.read(region)?;
        Ok((!own.missing.is_empty() || own.bytes != changed.bytes).then_some(changed.bytes))
    }

    /// The key and the stored bytes of a chunk that is another one.
    fn chunk(&self, grid: &Grid, cell: u64, coder: &Coder) -> Result<Option<(String, Vec<u8>)>> {
        let region = grid.cell_at(cell).context("no such chunk")?;
        let Some(voxels) = self.compared(&region)? else { return Ok(None) };
        let voxels = whole_chunk(&region, grid.cell(), &voxels, coder.dtype.num_bytes()).unwrap_or(voxels);
        let at = region.start().iter().zip(grid.cell().dims()).map(|(start, chunk)| (start / chunk).to_string());
        let key = format!("{}/{}", self.array, at.collect::<Vec<_>>().join("."));
        Ok(Some((key, coder.encode(voxels)?)))
    }

    /// The same of an array that stands in the index with all of its values.
    fn stage_own(&self, index: &mut Index) -> Result<u64> {
        let (shape, dtype) = (self.own.shape(), self.own.dtype());
        let Some(bytes) = self.compared(&Region::whole(&shape))? else { return Ok(0) };
        let dims: Vec<u64> = shape.dims().iter().map(|&dim| dim as u64).collect();
        let made = own_array(&dims, dtype.npy_descr(), dtype.num_bytes(), Value::Null, Value::Null, &bytes);
        let made = made.map_err(|why| anyhow!("--changed {}: {why}", self.array))?;
        let num = made.chunks.len() as u64;
        index.refs.extend(made.chunks.into_iter().map(|(chunk, entry)| (format!("{}/{chunk}", self.array), entry)));
        Ok(num)
    }
}

fn chunks_of(metadata: &Value) -> Option<Shape> {
    let extent = |value: &Value| usize::try_from(value.as_u64()?).ok();
    Shape::new(&metadata["chunks"].as_array()?.iter().map(extent).collect::<Option<Vec<_>>>()?)
}

/// How chunks of an array are stored.
struct Coder {
    dtype: DType,
    is_big_endian: bool,
    filters: Vec<Step>,
}

enum Step {
    Shuffle(usize),
    Deflate,
    Fletcher32,
    Zstd,
    Blosc,
}

impl Coder {
    fn of(metadata: &Value, dtype: DType) -> Result<Self> {
        let step = |filter: &Value| {
            Ok(match filter["id"].as_str().unwrap_or_default() {
                "shuffle" => {
                    let item = filter["elementsize"].as_u64().and_then(|item| usize::try_from(item).ok());
                    Step::Shuffle(item.unwrap_or(dtype.num_bytes()))
                }
                "zlib" => Step::Deflate,
                "fletcher32" => Step::Fletcher32,
                "zstd" => Step::Zstd,
                "blosc" => Step::Blosc,
                other => bail!("is stored with {other}, which is not written"),
            })
        };
        let filters = metadata["filters"].as_array().into_iter().flatten().map(step).collect::<Result<_>>()?;
        let is_big_endian = metadata["dtype"].as_str().is_some_and(|dtype| dtype.starts_with('>'));
        Ok(Self { dtype, is_big_endian, filters })
    }

    fn encode(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        let item = self.dtype.num_bytes();
        if self.is_big_endian {
            swap_bytes(item, &mut bytes);
        }
        for step in &self.filters {
            bytes = match step {
                Step::Shuffle(item) => {
                    let mut planes = vec![0; bytes.len()];
                    shuffle::shuffle(*item, &bytes, &mut planes);
                    planes
                }
                Step::Deflate => coders::zlib(4, &bytes)?,
                Step::Zstd => coders::zstandard(3, &bytes)?,
                Step::Blosc => blosc::encode(&bytes, item, 5, c"lz4", 0)?,
                Step::Fletcher32 => {
                    let sum = fletcher32::checksum(&bytes).to_le_bytes();
                    bytes.extend(sum);
                    bytes
                }
            };
        }
        Ok(bytes)
    }
}
