//! Reused, aligned byte buffers: freshly faulted memory decodes many times slower than memory that has
//! been touched before, so buffers go back to a bounded pool instead of to the allocator.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::machine::have_ready;

/// A bounded store of free buffers, shared by cloning.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    max_free_bytes: usize,
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    /// Every free block with its capacity in 8-byte words, most recently used last.
    blocks: Vec<Vec<u64>>,
    num_bytes: usize,
}

impl Pool {
    /// A pool that keeps at most `max_free_bytes` of unused memory.
    pub fn new(max_free_bytes: usize) -> Self {
        Self { shared: Arc::new(Shared { max_free_bytes, free: Mutex::default() }) }
    }

    /// A buffer of `len` bytes, 8-byte aligned. Its content is whatever the last user left, or zeros.
    pub fn take(&self, len: usize) -> Buffer {
        let words = len.div_ceil(8);
        let reused = {
            let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
            // A block may be up to a quarter larger than asked for, so that ragged edges share blocks.
            let found = free.blocks.iter().rposition(|block| block.len() >= words && block.len() <= words + words / 4);
            found.map(|i| {
                let block = free.blocks.remove(i);
                free.num_bytes -= block.len() * 8;
                block
            })
        };
        Buffer { words: reused.unwrap_or_else(|| zeros(words)), len, pool: Arc::downgrade(&self.shared) }
    }

    /// Unused bytes held at the moment.
    pub fn free_bytes(&self) -> usize {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).num_bytes
    }
}

/// New memory, about to be filled.
fn zeros(words: usize) -> Vec<u64> {
    let mut memory = vec![0; words];
    have_ready(&mut memory);
    memory
}

/// Aligned bytes that return to their pool when dropped.
pub struct Buffer {
    words: Vec<u64>,
    len: usize,
    pool: Weak<Shared>,
}

impl Buffer {
    /// A zeroed buffer that belongs to no pool.
    pub fn unpooled(len: usize) -> Self {
        Self { words: zeros(len.div_ceil(8)), len, pool: Weak::new() }
    }

    /// Bytes in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the buffer holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory the buffer really occupies, for budgets.
    pub fn capacity_bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// The bytes, writable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(shared) = self.pool.upgrade() else { return };
        let words = std::mem::take(&mut self.words);
        let num_bytes = words.len() * 8;
        if num_bytes == 0 || num_bytes > shared.max_free_bytes {
            return;
        }
        let mut dropped = Vec::new();
        let mut free = shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.num_bytes + num_bytes > shared.max_free_bytes {
            let oldest = free.blocks.remove(0);
            free.num_bytes -= oldest.len() * 8;
            dropped.push(oldest);
        }
        free.num_bytes += num_bytes;
        free.blocks.push(words);
        // Memory goes back to the system after the lock is released.
        drop(free);
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again_and_free_memory_is_bounded() {
        let pool = Pool::new(1 << 16);
        let mut first = pool.take(1000);
        first.bytes_mut()[999] = 7;
        let address = first.bytes().as_ptr();
        drop(first);
        let again = pool.take(900);
        assert_eq!(again.bytes().as_ptr(), address);
        assert_eq!(again.len(), 900);
        drop(again);
        let many: Vec<_> = (0..100).map(|_| pool.take(1024)).collect();
        drop(many);
        assert!(pool.free_bytes() <= 1 << 16);
    }
}
