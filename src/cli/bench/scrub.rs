//! Asking for pictures exactly as the slider does, and waiting for them.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::report::Times;
use crate::array::LazyArray;
use crate::format::memory::MemorySource;
use crate::stream::{PictureState, Stream, StreamConfig, StreamStats, ViewRequest};
use crate::volume::{DType, Orientation, Picture, Projection, Shape};

/// A picture that takes longer than this is taken for one that never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody who shows pictures one after the other.
pub trait Show {
    /// Shows a picture; returns how long that took, ms.
    ///
    /// # Errors
    /// When it cannot be read.
    fn show(&mut self, picture: Picture) -> Result<f64>;

    /// What the stream behind it holds and has done.
    fn stats(&self) -> StreamStats;
}

/// Wakes the thread that waits for a picture, as the window is woken.
#[derive(Default)]
struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

/// A window without a window: a stream and someone who waits for its pictures.
pub struct Scrubber {
    stream: Stream,
    bell: Arc<Bell>,
}

impl Scrubber {
    /// Begins with nothing in memory.
    pub fn new(array: &Arc<LazyArray>) -> Self {
        let bell = Arc::new(Bell::default());
        let ring = Arc::clone(&bell);
        let wake = Arc::new(move || {
            *ring.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            ring.rung.notify_all();
        });
        let stream = Stream::new(Arc::clone(array), StreamConfig::default(), wake);
        Self { stream, bell }
    }

    /// Share of pictures that were in memory when they were asked for.
    pub fn hit_rate(&self) -> f64 {
        self.stream.stats().hit_rate
    }
}

impl Show for Scrubber {
    /// Asks for a picture and waits until exactly it is there.
    fn show(&mut self, picture: Picture) -> Result<f64> {
        let start = Instant::now();
        let key = self.stream.array().picture_key(picture);
        let request = ViewRequest::of(key.layer, picture);
        self.stream.request(&request, start);
        loop {
            let before = *self.bell.rings.lock().unwrap_or_else(PoisonError::into_inner);
            match self.stream.picture(&key) {
                PictureState::Ready(_) => return Ok(super::ms_since(start)),
                PictureState::Failed(error) | PictureState::Refused(error) => return Err(error.into()),
                PictureState::Loading => {}
            }
            let mut rings = self.bell.rings.lock().unwrap_or_else(PoisonError::into_inner);
            while *rings == before {
                let (guard, timeout) =
                    self.bell.rung.wait_timeout(rings, PATIENCE).unwrap_or_else(PoisonError::into_inner);
                rings = guard;
                if timeout.timed_out() {
                    bail!("no picture of t = {} after {} s", picture.t(), PATIENCE.as_secs());
                }
            }
        }
    }

    fn stats(&self) -> StreamStats {
        self.stream.stats()
    }
}

/// Time to plan and queue a projection of 10,000 chunks, on the thread of the window.
///
/// # Errors
/// Never in practice: the recording is in memory.
pub fn plan_and_submit() -> Result<Times> {
    // A single timepoint: nothing is read ahead, so that it is these 10,000 and no more.
    let shape = Shape::from([1, 100, 1000, 10]);
    let bytes = vec![0; 1_000_000];
    let Some(source) = MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 10, 10], bytes) else {
        bail!("the array of the planning benchmark does not fit together");
    };
    let array = Arc::new(LazyArray::new(Arc::new(source)));
    // No workers: the queue stays as it is, and nothing else runs.
    let config = StreamConfig { num_workers: 0, ..StreamConfig::default() };
    let stream = Stream::new(array, config, Arc::new(|| {}));
    let mut times = Vec::new();
    for i in 0..60 {
        let (orientation, slab) = (Orientation::Xy, [0, 100]);
        let op = Projection::ALL[i % Projection::ALL.len()];
        let picture = Picture::Projection { t: 0, orientation, slab, op };
        let start = Instant::now();
        let request = ViewRequest::of(stream.array().id(), picture);
        stream.request(&request, start);
        times.push(super::ms_since(start));
    }
    Ok(Times::of(times))
}
