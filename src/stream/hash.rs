//! A fast hasher for maps keyed by chunk indices, which are small and come from our own counting.

use std::hash::{BuildHasherDefault, Hasher};

/// Multiplies and mixes; the map still compares whole keys.
#[derive(Default)]
pub(super) struct IndexHasher(u64);

impl Hasher for IndexHasher {
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

/// A map from chunk indices.
pub(super) type IndexMap<V> = std::collections::HashMap<u64, V, BuildHasherDefault<IndexHasher>>;

/// A set of chunk indices.
pub(super) type IndexSet = std::collections::HashSet<u64, BuildHasherDefault<IndexHasher>>;
