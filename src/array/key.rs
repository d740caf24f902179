//! Names of chunks: small, `Copy`, without strings.

use std::hash::{Hash, Hasher};

use crate::format::Chunk;
use crate::volume::{LayerId, Region};

/// Identifies one chunk: the key of every cache, plan, failure and result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkKey {
    /// The array it is of.
    pub layer: LayerId,
    /// Its resolution, 0 the finest.
    pub level: u8,
    /// [`Chunk::index`].
    pub index: u64,
}

const _: () = assert!(size_of::<ChunkKey>() <= 16, "thousands of keys are copied for each plan");

impl Hash for ChunkKey {
    /// One word: a plan looks ten thousand of them up.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let array = u64::from(self.layer.number()) << 8 | u64::from(self.level);
        hasher.write_u64(self.index ^ array.rotate_left(32));
    }
}

/// A chunk and where it lies in (t, z, y, x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayChunk {
    /// Key of the chunk in caches.
    pub key: ChunkKey,
    /// The chunk as its source knows it, in the dataset's own axes.
    pub chunk: Chunk,
    /// Its voxels in (t, z, y, x).
    pub region: Region,
}
