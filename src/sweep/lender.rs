//! Who has chunks in memory, and who goes first.

use crate::array::{ChunkKey, Loaded};

/// Somebody who has chunks in memory and may need the machine for himself: the stream of a window.
pub trait Lender: Send + Sync {
    /// A chunk that is in memory.
    fn chunk(&self, key: &ChunkKey) -> Option<Loaded>;

    /// Whether somebody waits for a picture, so that measuring has to step back.
    fn is_busy(&self) -> bool;
}

/// Nobody: everything is read.
pub struct NoLender;

impl Lender for NoLender {
    fn chunk(&self, _key: &ChunkKey) -> Option<Loaded> {
        None
    }

    fn is_busy(&self) -> bool {
        false
    }
}
