//! Chunks of inputs that several chunks of a result need, kept for a while where nobody else has them in memory: a
//! conversion reads each of them once, not once for every neighbour.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::format::{Chunk, Composite, Filled, Given, Need, ReadError};

/// Bytes that are kept for one step of an expression, where a chunk needs few.
const MIN_BYTES: usize = 48 << 20;
/// Bytes that are kept where a chunk needs many: all of a long window, or they would be read again for each.
const MAX_BYTES: usize = 512 << 20;

type Read = Result<(Vec<u8>, Filled), ReadError>;
/// Somebody reads it, and others wait.
type Slot = Arc<Mutex<Option<Arc<Read>>>>;

/// What was read last.
#[derive(Default)]
pub(super) struct Kept {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By input and index, with when it was last wanted and its size.
    slots: HashMap<(usize, u64), (Slot, u64, usize)>,
    now: u64,
    num_bytes: usize,
    /// The most that one chunk has needed.
    most_needed: usize,
}

impl Kept {
    /// As [`crate::format::read_and_combine`], of what is kept where it is.
    pub fn read_and_combine(
        &self,
        source: &dyn Composite,
        chunk: &Chunk,
        buffer: &mut [u8],
    ) -> Result<Filled, ReadError> {
        let mut needs = Vec::new();
        source.needs(chunk, &mut needs);
        self.make_room(source, &needs);
        let read: Vec<Arc<Read>> = needs.iter().map(|need| self.read(source, need)).collect();
        let given = needs.iter().zip(&read).map(|(need, read)| Given {
            need: *need,
            voxels: match &**read {
                Ok((bytes, filled)) => Ok((bytes.as_slice(), filled)),
                Err(error) => Err(error),
            },
        });
        source.combine(chunk, &given.collect::<Vec<_>>(), buffer)
    }

    fn make_room(&self, source: &dyn Composite, needs: &[Need]) {
        let needed = needs.iter().map(|need| num_bytes_of(source, need)).fold(0, usize::saturating_add);
        let mut state = self.state.lock();
        state.most_needed = state.most_needed.max(needed);
    }

    fn read(&self, source: &dyn Composite, need: &Need) -> Arc<Read> {
        let input = &source.inputs()[need.input].source;
        let num_bytes = num_bytes_of(source, need);
        let slot = self.slot((need.input, need.chunk.index), num_bytes);
        let mut slot = slot.lock();
        if let Some(read) = &*slot {
            return Arc::clone(read);
        }
        let mut bytes = vec![0; num_bytes];
        let read = Arc::new(input.read(&need.chunk, &mut bytes).map(|filled| (bytes, filled)));
        // What failed is tried again.
        if read.is_ok() {
            *slot = Some(Arc::clone(&read));
        }
        read
    }

    fn slot(&self, key: (usize, u64), num_bytes: usize) -> Slot {
        let mut state = self.state.lock();
        state.now += 1;
        let now = state.now;
        if let Some((slot, used, _)) = state.slots.get_mut(&key) {
            *used = now;
            return Arc::clone(slot);
        }
        // Twice that much, for those who work side by side.
        let room = state.most_needed.saturating_mul(2).clamp(MIN_BYTES, MAX_BYTES);
        while state.num_bytes + num_bytes > room {
            let oldest = state.slots.iter().min_by_key(|(_, (_, used, _))| *used).map(|(key, _)| *key);
            let Some((_, _, freed)) = oldest.and_then(|key| state.slots.remove(&key)) else { break };
            state.num_bytes -= freed;
        }
        let slot = Slot::default();
        state.num_bytes += num_bytes;
        state.slots.insert(key, (Arc::clone(&slot), now, num_bytes));
        slot
    }
}

fn num_bytes_of(source: &dyn Composite, need: &Need) -> usize {
    let dtype = source.inputs()[need.input].source.info().dtype;
    need.chunk.region.shape().num_bytes(dtype).unwrap_or(0)
}
