//! A look into a stream from outside: chunks that it has in memory, and whether somebody waits for it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::Stream;
use super::cache::Tier;
use super::loader::Shared;
use super::state::State;
use crate::array::{ChunkKey, Loaded};

/// Looks into a stream without keeping it alive. Cheap to clone.
#[derive(Clone)]
pub struct Peek(Weak<Shared>);

impl Stream {
    /// A look into it for somebody else.
    pub fn peek(&self) -> Peek {
        Peek(Arc::downgrade(&self.shared))
    }
}

impl Peek {
    /// A chunk that is in memory. What is dropped next does not depend on who looks.
    pub fn cached_chunk(&self, key: ChunkKey) -> Option<Loaded> {
        let shared = self.0.upgrade()?;
        let state = shared.state.lock();
        state.cache.get(key).filter(|_| !state.is_closed).map(|entry| entry.loaded.clone())
    }

    /// Whether a picture is being waited for, or one was answered for a moment ago and is being drawn.
    pub fn is_busy(&self) -> bool {
        self.0.upgrade().is_some_and(|shared| shared.state.lock().is_awaited(Instant::now()))
    }
}

impl State {
    fn is_awaited(&self, now: Instant) -> bool {
        let is_awaited = self.bandwidth.is_held(now)
            || !self.plan.visible.is_empty()
            || self.in_flight.values().any(|read| read.tier == Tier::Visible)
            || self.assemblies.iter().any(|assembly| self.visible_products.contains(&assembly.product));
        is_awaited && !self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::ViewRequest;
    use super::*;
    use crate::array::LazyArray;
    use crate::format::Source;
    use crate::format::memory::{GatedSource, MemorySource};
    use crate::volume::{DType, Orientation, Picture, Shape};

    #[test]
    fn somebody_else_sees_what_is_in_memory_and_whether_a_picture_is_waited_for() {
        let shape = Shape::from([3, 2, 4, 4]);
        let source = MemorySource::new(DType::U8, shape, "tzyx", &[1, 2, 4, 4], vec![7; 96]).expect("agrees");
        let source = GatedSource::closed(Arc::new(source));
        let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
        let stream = Stream::with_workers(Arc::clone(&array), 1);
        let peek = stream.peek();
        assert!(!peek.is_busy() && peek.cached_chunk(array.chunk_key(1)).is_none());
        let plane = Picture::Plane { t: 1, orientation: Orientation::Xy, index: 0 };
        stream.request(&ViewRequest::of(array.id(), plane), Instant::now());
        assert!(source.wait_for_waiting(1, Duration::from_secs(10)) && peek.is_busy());
        source.open_all();
        let deadline = Instant::now() + Duration::from_secs(10);
        while peek.is_busy() || peek.cached_chunk(array.chunk_key(1)).is_none() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(stream);
        assert!(!peek.is_busy() && peek.cached_chunk(array.chunk_key(1)).is_none());
    }
}
