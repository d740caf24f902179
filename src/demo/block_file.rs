//! One block file, laid out byte for byte as flammkuchen (PyTables) lays it out: superblock 0, a CARRAY
//! named `stack_4D`, Blosc chunks.

use std::ffi::CString;
use std::path::Path;

use super::Compression;
use crate::codec::blosc;
use crate::format::FormatError;
use crate::volume::{DType, Shape};
pub use crate::write::hdf5::Locking;
use crate::write::hdf5::{ArrayFile, Failed, Filters, Layout};
use crate::write::{self, BloscCodec, Codec, split_dataset};

/// A compressed chunk and where it belongs.
pub struct PackedChunk {
    /// First voxel (t, z, y, x) within the block.
    pub offset: [usize; 4],
    /// What is written.
    pub bytes: Vec<u8>,
}

/// The layout of one block.
pub struct BlockFile<'a> {
    /// Where it goes.
    pub path: &'a Path,
    /// (t, z, y, x) of the block.
    pub shape: [usize; 4],
    /// Shape of its chunks.
    pub chunk: [usize; 4],
    /// How its chunks are compressed.
    pub compression: Compression,
    /// Whether the writer locks the file.
    pub locking: Locking,
}

/// Shuffles and compresses u16 voxels with Blosc as the HDF5 filter does.
pub fn compress(voxels: &[u16], compression: Compression) -> Option<Vec<u8>> {
    let codec = CString::new(compression.codec).ok()?;
    blosc::encode(bytemuck::cast_slice(voxels), 2, i32::from(compression.level), &codec, 0).ok()
}

impl BlockFile<'_> {
    /// Creates the file under its final name, truncating what was there, and writes these chunks.
    /// Chunks that are not given stay unallocated, as in a file whose writer has died.
    ///
    /// # Errors
    /// When libhdf5 refuses: the disk is full, the file is locked by a reader, the folder is gone.
    pub fn write(&self, chunks: &[PackedChunk]) -> Result<(), FormatError> {
        let failed = |what: String| FormatError::new(self.path, format!("cannot {what}"));
        let codec = BloscCodec::ALL.into_iter().find(|codec| codec.name() == self.compression.codec);
        let codec = Codec::Blosc(codec.unwrap_or(BloscCodec::Blosclz));
        let compression = write::Compression { codec, level: self.compression.level };
        let chunk_bytes = self.chunk.iter().product::<usize>() * 2;
        let filters = Filters::new(compression, DType::U16, chunk_bytes).map_err(|error| failed(error.to_string()))?;
        let layout = Layout {
            name: "stack_4D",
            shape: Shape::from(self.shape),
            chunk: Some(Shape::from(self.chunk)),
            dtype: DType::U16,
            has_bit_fields: true,
            filters: &filters,
            root: &split_dataset::ROOT,
            locking: self.locking,
        };
        let write = || {
            let mut file = ArrayFile::create(self.path, &layout)?;
            chunks.iter().try_for_each(|chunk| file.write_chunk(&chunk.offset, &chunk.bytes))?;
            file.finish(&split_dataset::CHUNKED)
        };
        write().map_err(|error: Failed| failed(error.to_string()))
    }
}
