//! Sources that lie afar: fetching, which mostly waits and may fail in passing, apart from decoding, which
//! works. How often and how long a fetch is tried is decided here and nowhere else.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Chunk, Filled, ReadError};

/// The capability of a [`super::Source`] whose chunks are fetched from afar. Both halves may be called from
/// any thread and for many chunks at once.
pub trait Fetching: Send + Sync {
    /// The most bytes that a fetch of this chunk brings, without IO: memory is set aside for them.
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize;

    /// Fetches what is stored of a chunk, once. May block, but not beyond `until`, and returns soon after it
    /// was cancelled, with any error. Whether to try again is not decided here.
    ///
    /// # Errors
    /// What kept it from coming, and whether that may pass.
    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError>;

    /// Decodes what was fetched into `buffer`, which is as for [`super::Source::read`]. No IO.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError>;
}

/// The stored pieces of a chunk as they came, in an order that the source knows; none where nothing is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes of each piece.
    pub pieces: Vec<Vec<u8>>,
}

impl Fetched {
    /// Memory held.
    pub fn num_bytes(&self) -> usize {
        self.pieces.iter().map(Vec::capacity).sum()
    }
}

/// Why a fetch brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// A lost connection, a busy server, a time that ran out: it may succeed when tried again, not before
    /// `after` where the other side has said so.
    Passing {
        /// What happened.
        error: ReadError,
        /// How long the other side asked to be left alone.
        after: Option<Duration>,
    },
    /// Trying again would change nothing.
    Lasting(ReadError),
}

impl FetchError {
    /// What happened, for who does not try again.
    pub fn into_error(self) -> ReadError {
        match self {
            Self::Passing { error, .. } | Self::Lasting(error) => error,
        }
    }
}

/// Tells whoever fetches or waits that nobody wants the result any more. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    inner: Arc<(Mutex<Cancelling>, Condvar)>,
}

#[derive(Debug, Default)]
struct Cancelling {
    is_cancelled: bool,
    /// Tasks to wake, by the number of the one that waits.
    wakers: BTreeMap<u64, Waker>,
    num_waited: u64,
}

impl Cancel {
    /// Nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels for good, and wakes whoever waits. Returns at once.
    pub fn cancel(&self) {
        let (state, changed) = &*self.inner;
        let mut state = state.lock();
        state.is_cancelled = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        changed.notify_all();
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.inner.0.lock().is_cancelled
    }

    /// Comes once it is cancelled, for tasks.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        Cancelled { cancel: self.clone(), number: None }
    }

    /// Waits; true as soon as it is cancelled, false once the time is over.
    pub fn wait_until(&self, moment: Instant) -> bool {
        let (state, changed) = &*self.inner;
        let mut state = state.lock();
        while !state.is_cancelled {
            if changed.wait_until(&mut state, moment).timed_out() {
                return state.is_cancelled;
            }
        }
        true
    }
}

/// A task that waits for a [`Cancel`].
struct Cancelled {
    cancel: Cancel,
    number: Option<u64>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let cancel = self.cancel.clone();
        let mut state = cancel.inner.0.lock();
        if state.is_cancelled {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.num_waited += 1;
            state.num_waited
        });
        state.wakers.insert(number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.cancel.inner.0.lock().wakers.remove(&number);
        }
    }
}

/// How often a fetch is tried, and for how long altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries, the first one included.
    pub tries: u32,
    /// Time for all of them, pauses included.
    pub within: Duration,
    /// Longest pause after the first try; doubled after each further one, and shortened by chance to as
    /// little as half, so that many fetches that failed together do not come back together.
    pub pause: Duration,
}

impl Patience {
    /// Somebody looks at the screen and waits.
    pub const VIEW: Self = Self { tries: 3, within: Duration::from_secs(10), pause: Duration::from_millis(500) };
    /// Work of hours that one fault should not end.
    pub const WORK: Self = Self { tries: 8, within: Duration::from_secs(180), pause: Duration::from_secs(1) };

    /// The pause after that many tries; `chance` is any number.
    fn pause_after(&self, num_tries: u32, chance: u64) -> Duration {
        let longest = self.pause.saturating_mul(1 << num_tries.saturating_sub(1).min(16));
        longest.mul_f64(0.5 + (chance % 1000) as f64 / 2000.0)
    }
}

/// Fetches a chunk, and tries again for as long as faults pass and patience lasts. May block. `None` where it
/// was cancelled, which ends a pause at once.
///
/// # Errors
/// A lasting fault, or the last of the passing ones.
pub fn fetch(
    source: &dyn Fetching,
    chunk: &Chunk,
    patience: &Patience,
    cancel: &Cancel,
) -> Option<Result<Fetched, ReadError>> {
    tried(patience, cancel, &mut |until| source.fetch(chunk, until, cancel))
}

/// Does something that fetches, and again for as long as faults pass and patience lasts. May block. `None`
/// where it was cancelled.
///
/// # Errors
/// A lasting fault, or the last of the passing ones.
pub fn tried<T>(
    patience: &Patience,
    cancel: &Cancel,
    work: &mut dyn FnMut(Instant) -> Result<T, FetchError>,
) -> Option<Result<T, ReadError>> {
    let until = Instant::now() + patience.within;
    let chance = RandomState::new();
    for num_tries in 1.. {
        if cancel.is_cancelled() {
            return None;
        }
        let (error, after) = match work(until) {
            Ok(fetched) => return Some(Ok(fetched)),
            Err(_) if cancel.is_cancelled() => return None,
            Err(FetchError::Lasting(error)) => return Some(Err(error)),
            Err(FetchError::Passing { error, after }) => (error, after),
        };
        let pause = patience.pause_after(num_tries, chance.hash_one(num_tries)).max(after.unwrap_or_default());
        let next = Instant::now() + pause;
        if num_tries >= patience.tries || next >= until {
            let times = if num_tries == 1 { "once".to_owned() } else { format!("{num_tries} times") };
            return Some(Err(ReadError { message: format!("{} (tried {times})", error.message).into(), ..error }));
        }
        if cancel.wait_until(next) {
            return None;
        }
    }
    None
}

/// What [`super::Source::read`] of such a source is: for work that needs the chunk now, on this thread.
///
/// # Errors
/// As [`super::Source::read`].
pub fn fetch_and_decode(source: &dyn Fetching, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
    loop {
        // Nobody else has this cancel, so the first round is the only one.
        if let Some(fetched) = fetch(source, chunk, &Patience::WORK, &Cancel::new()) {
            return source.decode(chunk, &fetched?, buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::{MemorySource, RemoteSource};
    use crate::format::{ReadErrorKind, Source};
    use crate::volume::{DType, Region, Shape};

    const SOON: Duration = Duration::from_secs(20);
    const EAGER: Patience = Patience { pause: Duration::ZERO, ..Patience::VIEW };

    fn array() -> MemorySource {
        let bytes = (0..24).collect();
        MemorySource::new(DType::U8, Shape::from([4, 2, 3]), "tyx", &[1, 2, 3], bytes).expect("agrees")
    }

    fn chunk(source: &dyn Source, index: usize) -> Chunk {
        let mut chunks = Vec::new();
        source.chunks(&Region::whole(&source.info().shape), &mut chunks);
        chunks[index]
    }

    #[test]
    fn a_fault_that_passes_is_not_seen() {
        let source = RemoteSource::open(array());
        source.fail_in_passing(2, 2);
        let chunk = chunk(source.as_ref(), 2);
        let fetched = fetch(source.as_ref(), &chunk, &EAGER, &Cancel::new()).expect("not cancelled").expect("comes");
        let mut buffer = [0; 6];
        assert_eq!(source.decode(&chunk, &fetched, &mut buffer), Ok(Filled::All));
        assert_eq!(buffer, [12, 13, 14, 15, 16, 17]);
        assert_eq!(source.log().begun, [2, 2, 2]);
    }

    #[test]
    fn patience_ends_and_the_fault_is_named() {
        let source = RemoteSource::open(array());
        source.fail_in_passing(0, 100);
        let chunk_0 = chunk(source.as_ref(), 0);
        let error =
            fetch(source.as_ref(), &chunk_0, &EAGER, &Cancel::new()).expect("not cancelled").expect_err("lasts");
        assert_eq!(error.to_string(), "memory: the connection was lost (tried 3 times)");
        assert_eq!(source.log().begun, [0; 3]);
        // Time that would be over before the next try.
        let hasty = Patience { within: Duration::from_millis(1), pause: Duration::from_secs(3600), tries: 9 };
        let error =
            fetch(source.as_ref(), &chunk_0, &hasty, &Cancel::new()).expect("not cancelled").expect_err("lasts");
        assert_eq!(&*error.message, "the connection was lost (tried once)");
        source.fail_for_good(1);
        let error = fetch(source.as_ref(), &chunk(source.as_ref(), 1), &EAGER, &Cancel::new());
        assert_eq!(&*error.expect("not cancelled").expect_err("lasts").message, "there is no such object");
        assert_eq!(source.log().begun, [0, 0, 0, 0, 1], "a lasting fault is not tried again");
    }

    #[test]
    fn a_silent_server_costs_no_more_than_the_time_there_is() {
        let source = RemoteSource::closed(array());
        let short = Patience { within: Duration::from_millis(20), ..Patience::VIEW };
        let error = fetch(source.as_ref(), &chunk(source.as_ref(), 0), &short, &Cancel::new());
        assert_eq!(&*error.expect("not cancelled").expect_err("no answer").message, "no answer (tried once)");
    }

    #[test]
    fn a_pause_and_a_fetch_end_at_once_when_cancelled() {
        let patient = Patience { within: Duration::from_secs(7200), pause: Duration::from_secs(3600), tries: 3 };
        for is_pausing in [true, false] {
            let source = if is_pausing { RemoteSource::open(array()) } else { RemoteSource::closed(array()) };
            source.fail_in_passing(0, 100);
            let cancel = Cancel::new();
            let result = std::thread::scope(|scope| {
                let fetching = scope.spawn(|| fetch(source.as_ref(), &chunk(source.as_ref(), 0), &patient, &cancel));
                assert!(source.wait_for(SOON, |log| log.begun == [0]));
                cancel.cancel();
                fetching.join().expect("no panic")
            });
            assert!(result.is_none(), "{result:?}");
        }
    }

    #[test]
    fn pauses_double_and_are_shortened_by_chance() {
        let patience = Patience::VIEW;
        let pauses = |chance: u64| [1, 2, 3].map(|tries| patience.pause_after(tries, chance).as_millis());
        assert_eq!(pauses(0), [250, 500, 1000]);
        assert_eq!(pauses(999), [499, 999, 1999]);
        assert!(patience.pause_after(u32::MAX, 7) < Duration::from_secs(86_400), "no overflow");
    }

    #[test]
    fn reading_is_fetching_and_decoding() {
        let gap = Region::new(&[1, 0, 0], &[2, 1, 3]).expect("a box");
        let source = RemoteSource::open(array().with_missing(&[gap]).with_failing(&[3]));
        let read = |index: usize| {
            let mut buffer = [0; 6];
            let filled = source.read(&chunk(source.as_ref(), index), &mut buffer);
            (filled.map_err(|error| error.kind), buffer)
        };
        assert_eq!(read(0), (Ok(Filled::All), [0, 1, 2, 3, 4, 5]));
        let (Ok(Filled::Except(gaps, _)), _) = read(1) else { panic!("a gap") };
        assert_eq!(gaps, [gap]);
        assert_eq!(read(3).0, Err(ReadErrorKind::Corrupt));
    }
}
