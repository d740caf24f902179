//! Promise: recordings that lie afar are shown as soon as the line allows, and nothing waits for them: many
//! chunks are on their way at once, what is scrubbed past is given up, faults that pass are not seen, and
//! memory stays below its limit.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tectum::array::LazyArray;
use tectum::format::Patience;
use tectum::format::memory::{MemorySource, RemoteSource};
use tectum::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, Orientation, Picture, PictureKey, Projection, Shape};

const SOON: Duration = Duration::from_secs(20);
/// (z, y, x), each plane cut into four chunks.
const VOLUME: [usize; 3] = [4, 16, 16];
const CHUNKS_PER_PLANE: usize = 4;
const CHUNKS_PER_T: usize = VOLUME[0] * CHUNKS_PER_PLANE;
const CHUNK_BYTES: usize = 8 * 8 * 2;

fn value(index: &[usize]) -> u16 {
    index.iter().fold(1, |value, i| (value * 67 + *i as u32) % 60_000) as u16
}

fn array(num_t: usize) -> MemorySource {
    let shape = Shape::new(&[&[num_t], &VOLUME[..]].concat()).unwrap();
    MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 8, 8], value).unwrap()
}

fn config() -> StreamConfig {
    StreamConfig {
        num_workers: 2,
        patience: Patience { pause: Duration::ZERO, ..Patience::VIEW },
        slow_picture_ms: f64::INFINITY,
        ..StreamConfig::with_ram_budget(8 << 20)
    }
}

struct Stage {
    source: Arc<RemoteSource>,
    stream: Stream,
    woken: Receiver<()>,
}

impl Stage {
    fn new(source: Arc<RemoteSource>, config: StreamConfig) -> Self {
        let (wake, woken) = channel();
        let array = Arc::new(LazyArray::new(Arc::clone(&source) as _));
        let stream = Stream::new(array, config, Arc::new(move || wake.send(()).unwrap_or_default()));
        Self { source, stream, woken }
    }

    fn key(&self, picture: Picture) -> PictureKey {
        self.stream.array().picture_key(picture)
    }

    fn ask(&self, picture: Picture) {
        self.stream.request(&ViewRequest::of(self.stream.array().id(), picture), Instant::now());
    }

    fn state(&self, picture: Picture) -> PictureState {
        self.stream.picture(&self.key(picture))
    }

    /// Waits, as the window does, until it is told that something came; panics when it never does.
    fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + SOON;
        while !is_so(self) {
            assert!(Instant::now() < until, "{:?}", self.source.log());
            let _ = self.woken.recv_timeout(Duration::from_millis(5));
        }
    }

    fn assert_shows(&self, picture: Picture) {
        self.wait_until(|stage| matches!(stage.state(picture), PictureState::Ready(_)));
        let PictureState::Ready(voxels) = self.state(picture) else { unreachable!("ready things stay") };
        assert!(voxels.is_whole(), "{picture:?}: {:?}", self.stream.missing_reason(&self.key(picture)));
        for [y, x] in [[0, 0], [7, 8], [15, 3], [9, 15]] {
            let wanted = match picture {
                Picture::Plane { t, index, .. } => value(&[t, index, y, x]),
                Picture::Projection { t, .. } => (0..VOLUME[0]).map(|z| value(&[t, z, y, x])).max().unwrap(),
            };
            assert_eq!(voxels.format_value(&[y, x]).as_deref(), Some(&*wanted.to_string()), "{picture:?} {y} {x}");
        }
    }
}

fn plane(t: usize) -> Picture {
    Picture::Plane { t, orientation: Orientation::Xy, index: 1 }
}

fn projection(t: usize) -> Picture {
    Picture::Projection { t, orientation: Orientation::Xy, slab: [0, VOLUME[0]], op: Projection::Max }
}

/// The chunks of a plane.
fn chunks(t: usize) -> Vec<u64> {
    (0..CHUNKS_PER_PLANE).map(|i| (t * CHUNKS_PER_T + CHUNKS_PER_PLANE + i) as u64).collect()
}

#[test]
fn planes_and_projections_come_from_afar() {
    let source = RemoteSource::open(array(6));
    let stage = Stage::new(Arc::clone(&source), config());
    for picture in [plane(0), projection(3), plane(5), projection(5)] {
        stage.ask(picture);
        stage.assert_shows(picture);
    }
    let log = stage.source.log();
    assert!(log.decoders.iter().all(|thread| thread.starts_with("tectum-read") || thread.starts_with("tectum-ahead")));
    assert!(!log.decoders.is_empty());
    // What is in memory is not fetched again.
    stage.ask(plane(0));
    stage.assert_shows(plane(0));
    let again = &source.log().begun[log.begun.len()..];
    assert!(!again.iter().any(|index| chunks(0).contains(index)), "{again:?}");
}

#[test]
fn all_chunks_of_a_picture_are_on_their_way_at_once() {
    let source = RemoteSource::closed(array(3));
    let stage = Stage::new(Arc::clone(&source), config());
    stage.ask(projection(1));
    // None has come, and all of them have been asked for: the line's latency is waited for once.
    let of_picture = |index: &u64| (CHUNKS_PER_T..2 * CHUNKS_PER_T).contains(&(*index as usize));
    let all = |begun: &[u64]| begun.iter().filter(|index| of_picture(index)).count() == CHUNKS_PER_T;
    assert!(source.wait_for(SOON, |log| all(&log.begun)), "{:?}", source.log());
    assert!(source.log().fetched.is_empty());
    source.open_all();
    stage.assert_shows(projection(1));
}

#[test]
fn no_more_are_on_their_way_than_may_be_and_half_is_left_for_the_screen() {
    let source = RemoteSource::closed(array(40));
    let stage = Stage::new(Arc::clone(&source), StreamConfig { max_fetches: 8, ..config() });
    stage.ask(plane(20));
    // The plane's four, and for what may be next as many as leave half of the threads to the screen.
    assert!(source.wait_for(SOON, |log| log.begun.len() >= 4));
    std::thread::sleep(Duration::from_millis(30));
    let begun = source.log().begun;
    assert!(begun.len() <= 8 && chunks(20).iter().all(|index| begun.contains(index)), "{begun:?}");
    stage.ask(plane(2));
    source.open_all();
    stage.assert_shows(plane(2));
    assert!(source.log().max_under_way <= 8);
}

#[test]
fn memory_on_its_way_stays_below_its_limit() {
    // Stored and decoded bytes of five chunks.
    let limit = 5 * 2 * CHUNK_BYTES;
    let source = RemoteSource::closed(array(3));
    let stage = Stage::new(Arc::clone(&source), StreamConfig { max_in_flight_bytes: limit, ..config() });
    stage.ask(projection(1));
    assert!(source.wait_for(SOON, |log| log.begun.len() >= 5));
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(source.under_way().len(), 5);
    assert!(stage.stream.stats().in_flight_bytes <= limit);
    source.open_all();
    stage.wait_until(|stage| {
        assert!(stage.stream.stats().in_flight_bytes <= limit);
        matches!(stage.state(projection(1)), PictureState::Ready(_))
    });
    assert!(source.log().max_under_way <= 5);
    stage.assert_shows(projection(1));
}

#[test]
fn what_is_scrubbed_past_is_given_up_before_it_comes() {
    let source = RemoteSource::open(array(60));
    let stage = Stage::new(Arc::clone(&source), config());
    stage.wait_until(|stage| stage.stream.sample(stage.stream.array().id()).is_some());
    source.close();
    let scrubbed: Vec<usize> = (0..50).step_by(7).collect();
    for t in &scrubbed {
        stage.ask(plane(*t));
        let begun = |t: usize| move |begun: &[u64]| chunks(t).iter().all(|index| begun.contains(index));
        assert!(source.wait_for(SOON, |log| begun(*t)(&log.begun)), "{t}: {:?}", source.log());
    }
    stage.ask(plane(59));
    assert!(source.wait_for(SOON, |log| chunks(59).iter().all(|index| log.begun.contains(index))));
    // Those longest on their way (a quarter of 32 fetches, all of them of the first three planes) land all the
    // same, so that a scrub without end shows something.
    // What the sample had brought before is in memory.
    let had = source.log().fetched;
    let given_up = scrubbed[3..].iter().flat_map(|t| chunks(*t)).filter(|index| !had.contains(index));
    let given_up: Vec<u64> = given_up.collect();
    let all_of = |wanted: &[u64], list: &[u64]| wanted.iter().all(|index| list.contains(index));
    assert!(source.wait_for(SOON, |log| all_of(&given_up, &log.cancelled)), "{:?}", source.log());
    source.open_all();
    stage.assert_shows(plane(59));
    stage.assert_shows(plane(0));
    assert!(given_up.iter().all(|index| !source.log().fetched.contains(index)), "{:?}", source.log());
    assert_eq!(stage.stream.stats().read_errors, 0, "what was given up has not failed");
    // Wanted again, it comes.
    stage.ask(plane(21));
    stage.assert_shows(plane(21));
}

#[test]
fn a_projection_given_up_half_way_is_finished_when_it_is_wanted_again() {
    let source = RemoteSource::closed(array(300));
    let stage = Stage::new(Arc::clone(&source), StreamConfig { max_fetches: 64, ..config() });
    let first = (5 * CHUNKS_PER_T) as u64;
    (first..first + 3).for_each(|index| source.release(index));
    stage.ask(projection(5));
    let num_of = |t: usize, list: &[u64]| list.iter().filter(|index| **index as usize / CHUNKS_PER_T == t).count();
    let is_half_way =
        source.wait_for(SOON, |log| num_of(5, &log.fetched) >= 3 && num_of(5, &log.begun) == CHUNKS_PER_T);
    assert!(is_half_way, "{:?}", source.log());
    for t in [100, 200, 299, 200] {
        stage.ask(projection(t));
        assert!(source.wait_for(SOON, |log| num_of(t, &log.begun) >= 8), "{t}: {:?}", source.log());
    }
    // A quarter of 64 land all the same: the 13 left of the first, and three of the second.
    assert!(source.wait_for(SOON, |log| num_of(100, &log.cancelled) > 0), "{:?}", source.log());
    source.open_all();
    for t in [5, 100] {
        stage.ask(projection(t));
        stage.assert_shows(projection(t));
    }
}

#[test]
fn faults_that_pass_are_not_seen_and_those_that_last_are_named() {
    let source = RemoteSource::open(array(4));
    let [passing, lasting, gone, panicking] = [0, 1, 2, 3].map(|t| chunks(t)[2]);
    source.fail_in_passing(passing, 2);
    source.fail_in_passing(lasting, usize::MAX);
    source.fail_for_good(gone);
    source.panic_at(panicking);
    let stage = Stage::new(Arc::clone(&source), config());
    stage.ask(plane(0));
    stage.assert_shows(plane(0));
    for (t, message) in [
        (1, "memory: the connection was lost (tried 3 times)"),
        (2, "memory: there is no such object"),
        (3, "memory: cannot be fetched: internal error"),
    ] {
        stage.ask(plane(t));
        stage.wait_until(|stage| matches!(stage.state(plane(t)), PictureState::Ready(_)));
        let PictureState::Ready(voxels) = stage.state(plane(t)) else { unreachable!("ready things stay") };
        // The other three chunks are there; this one is a gap.
        assert!(!voxels.is_whole() && !voxels.is_void(), "{t}");
        let reason = stage.stream.missing_reason(&stage.key(plane(t)));
        assert_eq!(reason.map(|error| error.to_string()).as_deref(), Some(message));
    }
    // The line is back: trying again shows it.
    source.fail_in_passing(lasting, 0);
    stage.stream.retry_failures();
    stage.ask(plane(1));
    stage.assert_shows(plane(1));
}

#[test]
fn a_stream_that_is_closed_leaves_nothing_on_its_way() {
    let source = RemoteSource::closed(array(4));
    let stage = Stage::new(Arc::clone(&source), config());
    stage.ask(plane(1));
    assert!(source.wait_for(SOON, |log| log.begun.len() >= 4));
    drop(stage.stream);
    let until = Instant::now() + SOON;
    while !source.under_way().is_empty() {
        assert!(Instant::now() < until, "{:?}", source.under_way());
        std::thread::yield_now();
    }
    assert!(source.log().fetched.is_empty());
}

#[test]
fn without_threads_the_owner_fetches() {
    let source = RemoteSource::open(array(3));
    let stage = Stage::new(Arc::clone(&source), StreamConfig { num_workers: 0, ..config() });
    stage.ask(projection(2));
    while stage.stream.run_one() {}
    stage.assert_shows(projection(2));
    assert!(stage.stream.sample(stage.stream.array().id()).is_some(), "the first contrast is of what was fetched");
}
