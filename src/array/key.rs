//! Names of chunks: small, `Copy`, without strings.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::format::Chunk;
use crate::volume::Region;

/// Identifies one opening of a dataset. A recording that grows keeps its id; opening it again does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatasetId(u32);

impl DatasetId {
    /// An id no other dataset of this process has.
    pub(super) fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id as a plain number, for those who know no datasets.
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// Identifies one chunk of one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChunkKey {
    /// The dataset.
    pub dataset: DatasetId,
    /// [`Chunk::index`].
    pub index: u64,
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
