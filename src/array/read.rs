//! Reading chunks and regions of a [`LazyArray`]. Everything here may block.

use std::sync::Arc;

use rayon::prelude::*;

use super::{ArrayChunk, LazyArray};
use crate::format::{Fetched, Filled, ReadError, ReadErrorKind};
use crate::volume::{Pool, Region, Shape, Voxels, copy_region};

/// No chunk is larger than this; a file that says otherwise is refused before memory is asked for.
const MAX_CHUNK_BYTES: usize = 1 << 32;

/// A chunk or region that has been read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The voxels, in (t, z, y, x) order, leading axes of extent 1 dropped down to rank 2; what could not
    /// be had is zero and listed as missing.
    pub voxels: Arc<Voxels>,
    /// Why parts are missing, where some are.
    pub reason: Option<ReadError>,
}

impl LazyArray {
    /// Reads one chunk into pooled memory. May block.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    pub fn read_chunk(&self, chunk: &ArrayChunk, pool: &Pool) -> Result<Loaded, ReadError> {
        self.load(chunk, pool, |buffer| self.source().read(&chunk.chunk, buffer))
    }

    /// Decodes one chunk that has been fetched into pooled memory. No IO.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    pub fn decode_chunk(&self, chunk: &ArrayChunk, fetched: &Fetched, pool: &Pool) -> Result<Loaded, ReadError> {
        self.load(chunk, pool, |buffer| match self.source().fetching() {
            Some(source) => source.decode(&chunk.chunk, fetched, buffer),
            None => self.source().read(&chunk.chunk, buffer),
        })
    }

    /// Gets one chunk by `fill`, which is given a buffer of the chunk as its source knows it.
    pub(super) fn load(
        &self,
        chunk: &ArrayChunk,
        pool: &Pool,
        fill: impl FnOnce(&mut [u8]) -> Result<Filled, ReadError>,
    ) -> Result<Loaded, ReadError> {
        let dtype = self.info().dtype;
        let num_bytes = chunk.chunk.region.shape().num_bytes(dtype).filter(|&n| n <= MAX_CHUNK_BYTES);
        let num_bytes = num_bytes.ok_or_else(|| self.too_large(&chunk.region))?;
        let mut buffer = pool.take(num_bytes);
        let filled = fill(buffer.bytes_mut())?;
        if !self.map.is_direct(&chunk.chunk.region) {
            let item = dtype.num_bytes();
            let view_bytes = chunk.region.shape().num_bytes(dtype).ok_or_else(|| self.too_large(&chunk.region))?;
            let mut permuted = pool.take(view_bytes);
            let strides = self.map.strides(&chunk.chunk.region);
            let first = self.map.offset(&chunk.chunk.region) * item;
            permute(&buffer.bytes()[first..], strides, permuted.bytes_mut(), chunk.region.shape().dims(), item);
            buffer = permuted;
        }
        let (mut missing, mut reason) = (Vec::new(), None);
        if let Filled::Except(parts, error) = filled {
            for part in parts.iter().filter_map(|part| self.map.to_view(part)) {
                if let Some(part) = part.intersect(&chunk.region) {
                    zero_region(buffer.bytes_mut(), &chunk.region, &part, dtype.num_bytes());
                    missing.push(part.relative_to(chunk.region.start()));
                }
            }
            reason = (!missing.is_empty()).then_some(error);
        }
        let (shape, missing) = squeeze(&chunk.region.shape(), missing);
        Ok(Loaded { voxels: Arc::new(Voxels::new(dtype, shape, buffer, missing)), reason })
    }

    /// Reads a (t, z, y, x) box on all cores, for export and quality control: rank 4, unreadable parts
    /// listed as missing. May block, and never touches a cache.
    ///
    /// # Errors
    /// When the box is not inside the array, is too large, or nothing of it can be had.
    pub fn read_region(&self, region: &Region, pool: &Pool) -> Result<Loaded, ReadError> {
        let dtype = self.info().dtype;
        let inside = region.rank() == 4 && (region.is_empty() || region.intersect(&self.whole()) == Some(*region));
        if !inside {
            return Err(self.error(ReadErrorKind::Missing, format!("{region} lies outside the recording")));
        }
        let num_bytes = region.shape().num_bytes(dtype).filter(|&n| n <= isize::MAX as usize);
        let mut buffer = pool.take(num_bytes.ok_or_else(|| self.too_large(region))?);
        let mut chunks = Vec::new();
        self.chunks(region, &mut chunks);
        let (mut missing, mut reason, mut num_failed) = (Vec::new(), None, 0);
        // As many at once as keep all cores busy without holding the whole region twice.
        for batch in chunks.chunks(4 * rayon::current_num_threads()) {
            let loaded: Vec<_> = batch.par_iter().map(|chunk| self.read_chunk(chunk, pool)).collect();
            for (chunk, loaded) in batch.iter().zip(loaded) {
                match loaded {
                    Ok(loaded) => {
                        let bytes = loaded.voxels.bytes();
                        copy_region(bytes, &chunk.region, buffer.bytes_mut(), region, dtype.num_bytes());
                        for part in loaded.voxels.missing() {
                            let part = unsqueeze(part).offset_by(chunk.region.start()).intersect(region);
                            missing.extend(part.map(|part| part.relative_to(region.start())));
                        }
                        reason = reason.or(loaded.reason);
                    }
                    Err(error) => {
                        if let Some(part) = chunk.region.intersect(region) {
                            zero_region(buffer.bytes_mut(), region, &part, dtype.num_bytes());
                            missing.push(part.relative_to(region.start()));
                        }
                        reason = reason.or(Some(error));
                        num_failed += 1;
                    }
                }
            }
        }
        match reason {
            Some(error) if num_failed == chunks.len() => Err(error),
            reason => Ok(Loaded { voxels: Arc::new(Voxels::new(dtype, region.shape(), buffer, missing)), reason }),
        }
    }

    pub(super) fn too_large(&self, region: &Region) -> ReadError {
        let message = format!("a piece of {} voxels is too large to be read", region.shape());
        self.error(ReadErrorKind::Unsupported, message)
    }

    /// An error about the dataset as a whole.
    pub(crate) fn error(&self, kind: ReadErrorKind, message: String) -> ReadError {
        ReadError::new(kind, &self.source().info().location, message)
    }
}

/// Drops leading axes of extent 1 down to rank 2, from a (t, z, y, x) shape and the boxes within it.
fn squeeze(shape: &Shape, parts: Vec<Region>) -> (Shape, Vec<Region>) {
    let skip = shape.dims().iter().take(2).take_while(|&&dim| dim == 1).count();
    let cut = |part: &Region| Region::new(&part.start()[skip..], &part.stop()[skip..]);
    let squeezed = Shape::new(&shape.dims()[skip..]).unwrap_or(*shape);
    (squeezed, if skip == 0 { parts } else { parts.iter().filter_map(cut).collect() })
}

/// A box of a squeezed array with its leading axes back.
pub(crate) fn unsqueeze(part: &Region) -> Region {
    let (mut start, mut stop) = ([0; 4], [1; 4]);
    let skip = 4 - part.rank().min(4);
    start[skip..].copy_from_slice(&part.start()[..4 - skip]);
    stop[skip..].copy_from_slice(&part.stop()[..4 - skip]);
    Region::new(&start, &stop).unwrap_or(*part)
}

/// Sets the voxels of `part` to zero in an array of `region`.
fn zero_region(bytes: &mut [u8], region: &Region, part: &Region, item: usize) {
    let (dims, part) = (region.shape(), part.relative_to(region.start()));
    let row = (part.stop()[3] - part.start()[3]) * item;
    for t in part.start()[0]..part.stop()[0] {
        for z in part.start()[1]..part.stop()[1] {
            for y in part.start()[2]..part.stop()[2] {
                if let Some(offset) = dims.offset(&[t, z, y, part.start()[3]]) {
                    bytes[offset * item..offset * item + row].fill(0);
                }
            }
        }
    }
}

/// Copies from a buffer in another axis order into C order of `dims` (t, z, y, x).
fn permute(source: &[u8], strides: [usize; 4], target: &mut [u8], dims: &[usize], item: usize) {
    let mut to = 0;
    for t in 0..dims[0] {
        for z in 0..dims[1] {
            for y in 0..dims[2] {
                let from = (t * strides[0] + z * strides[1] + y * strides[2]) * item;
                let row = &mut target[to..to + dims[3] * item];
                if strides[3] == 1 {
                    row.copy_from_slice(&source[from..from + row.len()]);
                } else {
                    let step = strides[3] * item;
                    for (x, voxel) in row.chunks_exact_mut(item).enumerate() {
                        voxel.copy_from_slice(&source[from + x * step..from + x * step + item]);
                    }
                }
                to += dims[3] * item;
            }
        }
    }
}
