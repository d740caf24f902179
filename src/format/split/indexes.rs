//! The chunk indexes of a recording's blocks that are at hand, within a budget of memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::block::OpenBlock;

/// Memory all chunk indexes of one recording may take together.
const MAX_BYTES: usize = 64 << 20;

/// The indexes by the block's id; beyond the budget those go that were not used for longest.
#[derive(Default)]
pub(super) struct Indexes {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<u64, Entry>,
    /// Ids by when they were used last.
    used: BTreeMap<u64, u64>,
    num_bytes: usize,
    tick: u64,
}

struct Entry {
    open: Arc<OpenBlock>,
    tick: u64,
    num_bytes: usize,
}

impl Indexes {
    /// The index of a block, used now.
    pub fn get(&self, id: u64) -> Option<Arc<OpenBlock>> {
        let inner = &mut *self.inner.lock();
        let entry = inner.open.get_mut(&id)?;
        inner.tick += 1;
        inner.used.remove(&entry.tick);
        inner.used.insert(inner.tick, id);
        entry.tick = inner.tick;
        Some(Arc::clone(&entry.open))
    }

    /// Keeps the index of a block, in place of what was kept of it before.
    pub fn insert(&self, id: u64, open: &Arc<OpenBlock>) {
        let num_bytes = open.array.num_bytes();
        let inner = &mut *self.inner.lock();
        inner.remove(id);
        inner.tick += 1;
        let tick = inner.tick;
        inner.used.insert(tick, id);
        inner.open.insert(id, Entry { open: Arc::clone(open), tick, num_bytes });
        inner.num_bytes += num_bytes;
        while inner.num_bytes > MAX_BYTES
            && inner.open.len() > 1
            && let Some((_, oldest)) = inner.used.first_key_value().map(|(tick, id)| (*tick, *id))
        {
            inner.remove(oldest);
        }
    }

    /// Drops the index of a block that is no longer what it was.
    pub fn remove(&self, id: u64) {
        self.inner.lock().remove(id);
    }
}

impl Inner {
    fn remove(&mut self, id: u64) {
        if let Some(entry) = self.open.remove(&id) {
            self.used.remove(&entry.tick);
            self.num_bytes -= entry.num_bytes;
        }
    }
}
