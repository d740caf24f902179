//! What the metadata of a Zarr array say of it, checked: nothing is believed that reading would have to pay for.

use std::num::NonZeroU64;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::{Array, ArrayMetadata};
use zarrs::plugin::ZarrVersion;

use super::chain::{Chain, Kind};
use super::codecs;
use super::node::{Node, join};
use super::shard::Sharding;
use crate::format::hdf5::check_chunk_bytes;
use crate::volume::{DType, Grid, MAX_RANK, Shape};

/// Parts of a chunk that is not compressed are read alone from this size on.
const MAX_PART_BYTES: usize = 4 << 20;

/// An array of a hierarchy.
pub struct ZarrArray {
    /// Version of Zarr: 2 or 3.
    pub version: u8,
    /// Its path in the hierarchy.
    pub path: String,
    /// Extent.
    pub shape: Shape,
    /// Type of a voxel.
    pub dtype: DType,
    /// Value of what is not stored, in this machine's byte order.
    pub fill: Box<[u8]>,
    /// The pieces that are read alone: chunks, parts of chunks, or chunks within shards.
    pub grid: Grid,
    /// The stored objects.
    pub objects: Grid,
    /// How an object is read.
    pub storage: Storage,
    /// What its axes are called, where the metadata say so.
    pub axis_names: Option<Vec<Option<String>>>,
    metadata: Array<()>,
    /// What its metadata say but for its extent.
    told: Value,
}

/// How the pieces of an array lie in its objects.
pub enum Storage {
    /// An object is a chunk.
    Chunks(Box<Chain>),
    /// An object is a chunk of bare voxels, read in parts.
    Parts {
        /// Whether the bytes of each voxel are in the other order.
        is_swapped: bool,
    },
    /// An object is a shard of many chunks.
    Shards(Box<Sharding>),
}

impl ZarrArray {
    /// The array that a node of this path is; in words why it is none that can be read.
    pub fn new(node: &Node, path: &str) -> Result<Self, String> {
        let mut value = node.array.clone().ok_or("is a group, not an array")?;
        let told = without_extent(&value);
        codecs::settle(&mut value);
        let is_delta = codecs::take_delta(&mut value);
        let wrong = |error: serde_json::Error| format!("the metadata of the array make no sense: {error}");
        let metadata: ArrayMetadata = match node.version {
            2 => ArrayMetadata::V2(serde_json::from_value(value).map_err(wrong)?),
            _ => ArrayMetadata::V3(serde_json::from_value(value).map_err(wrong)?),
        };
        let (shape, chunks) = extents(&metadata)?;
        // zarrs takes some of what stands in a configuration on trust.
        let made = std::panic::catch_unwind(|| Array::new_with_metadata(Arc::new(()), "/", metadata));
        let metadata =
            made.map_err(|_| "the metadata of the array make no sense")?.map_err(|error| error.to_string())?;
        let dtype = dtype_of(&metadata)?;
        let kind = Kind { shape: chunks, dtype: metadata.data_type().clone(), fill: metadata.fill_value().clone() };
        let fill: Box<[u8]> = kind.fill.as_ne_bytes().into();
        if fill.len() != dtype.num_bytes() {
            return Err("its fill value is of another type than its voxels".into());
        }
        let codecs = metadata.codecs();
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| Chain::new(&codecs, kind)));
        let chain = made.map_err(|_| "the codecs of the array make no sense")??.of_differences(is_delta)?;
        let cell = chain.kind().extent().ok_or("its chunks make no sense")?;
        let objects = grid_of(shape, cell)?;
        let (storage, step) = stored(chain, cell)?;
        let grid = grid_of(shape, step)?;
        let axis_names = axis_names(node, &metadata).filter(|names| names.len() == shape.rank());
        let (version, path) = (node.version, path.to_owned());
        Ok(Self { version, path, shape, dtype, fill, grid, objects, storage, axis_names, metadata, told })
    }

    /// Whether another array is this one but for its extent: chunks of the same shape, stored in the same way.
    pub fn is_stored_like(&self, other: &Self) -> bool {
        self.version == other.version && self.told == other.told && self.grid.cell() == other.grid.cell()
    }

    /// Name of an object in the store.
    pub fn object_name(&self, at: &[usize]) -> String {
        let at: Vec<u64> = at.iter().take(self.shape.rank()).map(|&i| i as u64).collect();
        join(&self.path, self.metadata.chunk_key(&at).as_str())
    }

    /// What it is compressed with, in words; empty where it is not.
    pub fn compression(&self) -> String {
        match &self.storage {
            Storage::Chunks(chain) => chain.in_words(),
            Storage::Parts { .. } => String::new(),
            Storage::Shards(sharding) => sharding.in_words(),
        }
    }

    /// How it is stored, in words.
    pub fn stored_in_words(&self) -> String {
        let compression = self.compression();
        let how = if compression.is_empty() { "not compressed".to_owned() } else { compression };
        match self.storage {
            Storage::Shards(_) => format!("{how}, chunks {} in shards {}", self.grid.cell(), self.objects.cell()),
            _ => format!("{how}, chunks {}", self.objects.cell()),
        }
    }

    /// What stands for what is not stored, in words.
    pub fn fill_in_words(&self) -> String {
        let fill = self.metadata.data_type().metadata_fill_value(self.metadata.fill_value());
        match (self.dtype, fill.map(|fill| serde_json::to_value(fill).unwrap_or(Value::Null))) {
            (_, Ok(Value::String(text))) => text,
            (_, Ok(value)) => value.to_string(),
            (_, Err(_)) => "0".to_owned(),
        }
    }
}

/// Metadata without what changes while an array is written.
fn without_extent(metadata: &Value) -> Value {
    let kept = metadata.as_object().into_iter().flatten();
    let kept = kept.filter(|(name, _)| !["shape", "attributes"].contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn grid_of(shape: Shape, cell: Shape) -> Result<Grid, String> {
    let grid = Grid::new(shape, cell).ok_or("its chunks have another number of axes than the array")?;
    let num = grid.counts().dims().iter().try_fold(1u64, |n, &count| n.checked_mul(count as u64));
    num.filter(|num| *num < u64::MAX).map(|_| grid).ok_or_else(|| "it has more chunks than can be counted".to_owned())
}

/// Extent of the array and of its chunks.
fn extents(metadata: &ArrayMetadata) -> Result<(Shape, Vec<NonZeroU64>), String> {
    let (shape, chunks) = match metadata {
        ArrayMetadata::V2(v2) => (&v2.shape, v2.chunks.to_vec()),
        ArrayMetadata::V3(v3) => {
            let grid = v3.chunk_grid.name();
            let chunks = v3.chunk_grid.configuration().and_then(|fields| fields.get("chunk_shape")).cloned();
            if grid != "regular" {
                return Err(format!("its chunks are {grid}, which is not read here"));
            }
            let chunks: Result<Vec<NonZeroU64>, _> = serde_json::from_value(chunks.unwrap_or(Value::Null));
            (&v3.shape, chunks.map_err(|_| "the extent of its chunks makes no sense")?)
        }
    };
    if shape.is_empty() || shape.len() > MAX_RANK {
        return Err(format!("has {} axes; arrays of 1 to {MAX_RANK} axes can be shown", shape.len()));
    }
    if shape.len() != chunks.len() {
        return Err(format!("has {} axes and its chunks {}", shape.len(), chunks.len()));
    }
    let dims: Option<Vec<usize>> = shape.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let extent = dims.and_then(|dims| Shape::new(&dims)).filter(|extent| extent.num_bytes(DType::F64).is_some());
    let extent = extent.ok_or("its extent is larger than can be counted")?;
    if extent.dims().contains(&0) {
        return Err(format!("has no extent yet ({extent}): nothing was written"));
    }
    Ok((extent, chunks))
}

fn dtype_of(metadata: &Array<()>) -> Result<DType, String> {
    let dtype = metadata.data_type();
    let name = dtype.name(ZarrVersion::V3).map_or_else(|| "a type without a name".to_owned(), |name| name.into_owned());
    let found = DType::ALL.into_iter().find(|dtype| dtype.name() == name);
    let found = found.filter(|found| dtype.fixed_size() == Some(found.num_bytes()) && !dtype.is_optional());
    found.ok_or_else(|| format!("its values are {name}, which is not shown as an image"))
}

/// How the pieces lie, and the extent of one.
fn stored(chain: Chain, cell: Shape) -> Result<(Storage, Shape), String> {
    let item = chain.kind().item().unwrap_or(1);
    if let Some(is_swapped) = chain.as_plain().filter(|_| chain.num_bytes() > MAX_PART_BYTES) {
        return Ok((Storage::Parts { is_swapped }, part_of(cell, item)));
    }
    let (storage, step, num_bytes) = match Box::new(chain).into_sharding() {
        Ok(sharding) => {
            let (cell, num_bytes) = (sharding.cell(), sharding.inner.num_bytes());
            (Storage::Shards(Box::new(sharding)), cell, num_bytes)
        }
        Err(chain) => {
            let num_bytes = chain.num_bytes();
            (Storage::Chunks(chain), cell, num_bytes)
        }
    };
    check_chunk_bytes(num_bytes)?;
    Ok((storage, step))
}

/// A part of a chunk that lies in one piece, divides it, and is small enough for a read.
fn part_of(chunk: Shape, item: usize) -> Shape {
    let mut dims = chunk.dims().to_vec();
    for axis in 0..dims.len() {
        let inner: usize = dims[axis + 1..].iter().fold(item, |n, &dim| n.saturating_mul(dim));
        let most = (MAX_PART_BYTES / inner.max(1)).clamp(1, dims[axis]);
        // The largest divisor is found among the numbers up to the root, on either side of it.
        let dim = dims[axis];
        let small = (1..=most).take_while(|n| n.saturating_mul(*n) <= dim).filter(|n| dim.is_multiple_of(*n));
        dims[axis] = small.flat_map(|n| [n, dim / n]).filter(|n| *n <= most).max().unwrap_or(1);
        if inner <= MAX_PART_BYTES {
            break;
        }
    }
    Shape::new(&dims).unwrap_or(chunk)
}

fn axis_names(node: &Node, metadata: &Array<()>) -> Option<Vec<Option<String>>> {
    if let Some(names) = metadata.dimension_names() {
        return Some(names.clone()).filter(|names| names.iter().any(Option::is_some));
    }
    // As xarray marks its arrays of version 2.
    let names = node.attributes.get("_ARRAY_DIMENSIONS")?.as_array()?;
    Some(names.iter().map(|name| name.as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_divide_their_chunk_and_lie_in_one_piece() {
        for (chunk, item, part) in [
            (&[64usize, 2048, 2048][..], 2, &[1usize, 1024, 2048][..]),
            (&[100, 30, 512, 512], 2, &[1, 6, 512, 512]),
            (&[7, 1 << 22], 1, &[1, 1 << 22]),
            (&[10_007, 1000], 2, &[1, 1000]),
            (&[3, 5 << 20], 8, &[1, 1 << 19]),
        ] {
            let found = part_of(Shape::new(chunk).unwrap(), item);
            assert_eq!(found.dims(), part, "{chunk:?}");
            assert!(chunk.iter().zip(part).all(|(chunk, part)| chunk.is_multiple_of(*part)));
        }
    }
}
