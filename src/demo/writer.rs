//! Writing blocks as the rigs write them: straight to their final names, one after the other, the
//! metadata last.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::block_file::{BlockFile, Locking, PackedChunk, compress};
use crate::format::FormatError;

/// What PyTables aims a chunk of a large array at.
const CHUNK_BYTES: usize = 256 * 1024;
/// What it aims a chunk of a small array at.
const SMALL_CHUNK_BYTES: usize = 64 * 1024;

/// A codec of Blosc 1 and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Name as Blosc has it: blosclz, lz4, lz4hc, zlib, zstd.
    pub codec: &'static str,
    /// 0…9.
    pub level: u8,
}

impl Default for Compression {
    /// What sashimi and split_dataset ask for ("blosc").
    fn default() -> Self {
        Self { codec: "blosclz", level: 9 }
    }
}

/// Writes blocks of (t, z, y, x) u16 into a folder with libhdf5's default locking, as an acquisition does.
/// Nothing is kept open between blocks.
#[derive(Clone, Debug)]
pub struct BlockWriter {
    dir: PathBuf,
    volume: [usize; 3],
    chunk: [usize; 4],
    compression: Compression,
    locking: Locking,
}

impl BlockWriter {
    /// A writer of volumes of this (z, y, x) shape; creates the folder.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn new(dir: impl AsRef<Path>, volume: [usize; 3]) -> Result<Self, FormatError> {
        let dir = dir.as_ref().to_owned();
        std::fs::create_dir_all(&dir)
            .map_err(|error| FormatError::new(&dir, format!("cannot create the folder: {error}")))?;
        let chunk = chunk_shape(volume);
        let (compression, locking) = (Compression::default(), Locking::Default);
        Ok(Self { dir, volume, chunk, compression, locking })
    }

    /// The same writer with another codec.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The same writer with chunks of this shape.
    pub fn with_chunk(mut self, chunk: [usize; 4]) -> Self {
        self.chunk = chunk;
        self
    }

    /// The same writer without HDF5's file lock.
    pub fn without_locking(mut self) -> Self {
        self.locking = Locking::Off;
        self
    }

    /// Where the blocks go.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of block `index`.
    pub fn path(&self, index: usize) -> PathBuf {
        self.dir.join(format!("{index:04}.h5"))
    }

    /// Writes block `index` from `volumes`, whose length is a whole number of volumes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, index: usize, volumes: &[u16]) -> Result<(), FormatError> {
        let plane_len = self.volume[1] * self.volume[2];
        let num_volumes = volumes.len() / (plane_len * self.volume[0]).max(1);
        let num_z = self.volume[0];
        self.write_drawn(index, num_volumes, num_volumes, |t, z, plane| {
            plane.copy_from_slice(&volumes[(t * num_z + z) * plane_len..][..plane_len]);
        })
    }

    /// Writes block `index` of `num_volumes` volumes, its planes drawn on all cores by
    /// `draw(t within the block, z, plane)`. Only the first `num_written` volumes get there: with fewer
    /// than `num_volumes` it is a block whose writer died after a flush.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_drawn(
        &self,
        index: usize,
        num_volumes: usize,
        num_written: usize,
        draw: impl Fn(usize, usize, &mut [u16]) + Sync,
    ) -> Result<(), FormatError> {
        self.pack(index, num_volumes, num_written, draw)?.write()
    }

    /// Compresses block `index` without writing it, so that a test or a paced writer can time the two.
    ///
    /// # Errors
    /// When Blosc refuses.
    pub fn pack(
        &self,
        index: usize,
        num_volumes: usize,
        num_written: usize,
        draw: impl Fn(usize, usize, &mut [u16]) + Sync,
    ) -> Result<PackedBlock, FormatError> {
        let path = self.path(index);
        let [num_z, num_y, num_x] = self.volume;
        let slabs_per_volume = num_z.div_ceil(self.chunk[1]);
        let steps = num_volumes.div_ceil(self.chunk[0]);
        let chunks = (0..steps * slabs_per_volume)
            .into_par_iter()
            .filter(|i| i / slabs_per_volume * self.chunk[0] < num_written)
            .map(|i| {
                let t = i / slabs_per_volume * self.chunk[0];
                self.pack_slab(t, num_volumes, i % slabs_per_volume * self.chunk[1], &draw)
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| FormatError::new(&path, "Blosc could not compress a chunk"))?
            .into_iter()
            .flatten()
            .collect();
        Ok(PackedBlock {
            path,
            shape: [num_volumes, num_z, num_y, num_x],
            chunk: self.chunk,
            compression: self.compression,
            locking: self.locking,
            chunks,
        })
    }

    /// The chunks that start at (t, z): all rows and columns.
    fn pack_slab(
        &self,
        first_t: usize,
        num_volumes: usize,
        first_z: usize,
        draw: &(impl Fn(usize, usize, &mut [u16]) + Sync),
    ) -> Option<Vec<PackedChunk>> {
        let [num_z, num_y, num_x] = self.volume;
        let [step_t, step_z, step_y, step_x] = self.chunk;
        let plane_len = num_y * num_x;
        let mut planes = vec![0u16; step_t * step_z * plane_len];
        for (i, plane) in planes.chunks_exact_mut(plane_len).enumerate() {
            let (t, z) = (first_t + i / step_z, first_z + i % step_z);
            if t < num_volumes && z < num_z {
                draw(t, z, plane);
            }
        }
        let mut chunks = Vec::new();
        let mut voxels = vec![0u16; step_t * step_z * step_y * step_x];
        for y in (0..num_y).step_by(step_y) {
            for x in (0..num_x).step_by(step_x) {
                // Edge chunks are stored in full, with zeros beyond the array.
                voxels.fill(0);
                let width = step_x.min(num_x - x);
                for (i, target) in voxels.chunks_exact_mut(step_y * step_x).enumerate() {
                    for row in 0..step_y.min(num_y - y) {
                        let source = i * plane_len + (y + row) * num_x + x;
                        target[row * step_x..][..width].copy_from_slice(&planes[source..source + width]);
                    }
                }
                let bytes = compress(&voxels, self.compression)?;
                chunks.push(PackedChunk { offset: [first_t, first_z, y, x], bytes });
            }
        }
        Some(chunks)
    }

    /// Writes `stack_metadata.json`, the sign that the recording is finished, with the keys of sashimi.
    /// `num_t` is what was asked for, which may be more than there is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(&self, num_t: usize, block_len: usize, voxel_size_um: [f64; 3]) -> Result<(), FormatError> {
        let [num_z, num_y, num_x] = self.volume;
        let json = serde_json::json!({
            "shape_full": [num_t, num_z, num_y, num_x],
            "shape_block": [block_len, num_z, num_y, num_x],
            "crop": [0, 0, num_x, num_y],
            "padding": [0, 0, 0, 0],
            "voxel_size": voxel_size_um,
        });
        let path = self.dir.join("stack_metadata.json");
        std::fs::write(&path, json.to_string())
            .map_err(|error| FormatError::new(&path, format!("cannot be written: {error}")))
    }
}

/// A block in memory, compressed and ready to be written.
pub struct PackedBlock {
    path: PathBuf,
    shape: [usize; 4],
    chunk: [usize; 4],
    compression: Compression,
    locking: Locking,
    chunks: Vec<PackedChunk>,
}

impl PackedBlock {
    /// The same block, some of whose volumes never reached the disk: nothing is allocated for them.
    #[must_use]
    pub fn without(mut self, is_lost: impl Fn(usize) -> bool) -> Self {
        let step = self.chunk[0];
        self.chunks.retain(|chunk| !(chunk.offset[0]..chunk.offset[0] + step).any(&is_lost));
        self
    }

    /// Writes the file, as often as wanted.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<(), FormatError> {
        self.write_to(&self.path)
    }

    /// Writes the same block under another name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_to(&self, path: &Path) -> Result<(), FormatError> {
        let Self { shape, chunk, compression, locking, .. } = *self;
        BlockFile { path, shape, chunk, compression, locking }.write(&self.chunks)
    }

    /// Bytes of compressed data.
    pub fn num_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
    }
}

/// The chunk PyTables would choose: some rows of a large plane, some planes where they are small.
fn chunk_shape(volume: [usize; 3]) -> [usize; 4] {
    let [num_z, num_y, num_x] = volume.map(|dim| dim.max(1));
    let plane_bytes = num_y * num_x * 2;
    if plane_bytes <= SMALL_CHUNK_BYTES {
        return [1, (SMALL_CHUNK_BYTES / plane_bytes).clamp(1, num_z), num_y, num_x];
    }
    [1, 1, (CHUNK_BYTES / (num_x * 2)).clamp(1, num_y), num_x]
}
