//! What a window's stream has in memory, lent to whoever measures the recording behind it.

use crate::array::{ChunkKey, Loaded};
use crate::stream::Peek;
use crate::sweep::Lender;

/// The stream as a lender.
pub struct StreamLender(pub Peek);

impl Lender for StreamLender {
    fn chunk(&self, key: &ChunkKey) -> Option<Loaded> {
        self.0.cached_chunk(*key)
    }

    fn is_busy(&self) -> bool {
        self.0.is_busy()
    }
}
