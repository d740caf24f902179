//! A fast hasher for maps keyed by chunks, whose keys are small and come from our own counting.

use std::hash::{BuildHasherDefault, Hasher};

use crate::array::ChunkKey;

/// Multiplies and mixes; the map still compares whole keys.
#[derive(Default)]
pub(super) struct ChunkHasher(u64);

impl Hasher for ChunkHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// A map from chunks.
pub(super) type ChunkMap<V> = std::collections::HashMap<ChunkKey, V, BuildHasherDefault<ChunkHasher>>;

/// A set of chunks.
pub(super) type ChunkSet = std::collections::HashSet<ChunkKey, BuildHasherDefault<ChunkHasher>>;
