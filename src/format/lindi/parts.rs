//! How stored chunks become what is read at once: the grid of that, and the memory it takes.

use std::cell::RefCell;

use crate::codec::Scratch;
use crate::volume::{DType, Grid, Shape};

/// Parts of uncoded chunks are about so large: a read each that is worth it, and no picture waits long.
const PART_BYTES: usize = 1 << 20;

/// Memory that a thread keeps between reads.
const MAX_KEPT_BYTES: usize = 48 << 20;

/// Memory of a thread that decodes.
#[derive(Default)]
pub(super) struct Memory {
    /// Bytes as they are stored.
    pub stored: Vec<u8>,
    /// A chunk of which a part is wanted.
    pub decoded: Vec<u8>,
    /// The same by row.
    pub turned: Vec<u8>,
    pub scratch: Scratch,
}

impl Memory {
    /// Gives back what is more than a thread keeps.
    pub fn shrink(&mut self) {
        for kept in [&mut self.stored, &mut self.decoded, &mut self.turned] {
            if kept.capacity() > MAX_KEPT_BYTES {
                *kept = Vec::new();
            }
        }
        self.scratch.shrink(MAX_KEPT_BYTES);
    }
}

thread_local! {
    /// Touched before, so that decoding does not wait for page faults.
    pub(super) static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The grid in which an array is best read: its chunks, or parts of them where those are not coded.
pub(super) fn parts_of(chunks: &Grid, dtype: DType, is_coded: bool) -> Grid {
    let (shape, chunk) = (chunks.shape(), chunks.cell());
    let mut parts: Vec<usize> = chunk.dims().iter().zip(shape.dims()).map(|(&len, &dim)| len.min(dim.max(1))).collect();
    if !is_coded {
        let mut num_bytes = dtype.num_bytes();
        for part in parts.iter_mut().rev() {
            *part = (*part).min((PART_BYTES / num_bytes.max(1)).max(1));
            num_bytes = num_bytes.saturating_mul(*part);
        }
    }
    Shape::new(&parts).and_then(|parts| Grid::new(*shape, parts)).unwrap_or(*chunks)
}
