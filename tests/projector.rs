//! Projections folded by something else than the loader threads: pictures like any other, never those of
//! another recording, and of volumes that are brought once.

#[path = "common/folding.rs"]
mod folding;

#[path = "common/small.rs"]
mod small;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use folding::HereProjector;
use small::config;
use tectum::array::LazyArray;
use tectum::format::Source;
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, Orientation, Picture, PictureKey, Pool, Projection, Shape, Voxels, project_for_display};

const LONG: Duration = Duration::from_secs(20);
const GRIDS: [[usize; 4]; 3] = [[1, 1, 8, 8], [1, 4, 8, 8], [2, 3, 5, 8]];

/// Of recording `seed`, no two voxels of a column are the same.
fn memory(num_t: usize, grid: [usize; 4], seed: usize) -> MemorySource {
    let value = move |index: &[usize]| {
        index.iter().fold(seed, |hash, i| hash.wrapping_mul(131).wrapping_add(*i)).wrapping_add(seed) as u16
    };
    MemorySource::from_fn(DType::U16, Shape::from([num_t, 4, 8, 8]), "tzyx", &grid, value).expect("agrees")
}

fn stream_of(source: Arc<dyn Source>, config: StreamConfig) -> (Stream, Arc<HereProjector>) {
    let stream = Stream::new(Arc::new(LazyArray::new(source)), config, Arc::new(|| ()));
    let projector = HereProjector::new();
    stream.set_projector(projector.clone());
    (stream, projector)
}

fn projection(t: usize, op: Projection, slab: [usize; 2]) -> Picture {
    Picture::Projection { t, orientation: Orientation::Xy, slab, op }
}

fn max(t: usize) -> Picture {
    projection(t, Projection::Max, [0, 4])
}

fn key(stream: &Stream, picture: Picture) -> PictureKey {
    stream.array().picture_key(picture)
}

fn ask(stream: &Stream, picture: Picture, now: Instant) {
    stream.request(&ViewRequest::of(stream.array().id(), picture), now);
}

fn run_all(stream: &Stream) {
    while stream.run_one() {}
}

fn ready(stream: &Stream, picture: Picture) -> Option<Arc<Voxels>> {
    stream.picture(&key(stream, picture)).ready()
}

fn naive(source: &MemorySource, picture: Picture) -> Voxels {
    let Picture::Projection { t, orientation, slab, op } = picture else { panic!("a projection") };
    let array = LazyArray::new(Arc::new(source.clone()));
    let volume = array.read_region(&array.whole().with_axis(0, t, t + 1), &Pool::new(0)).expect("readable").voxels;
    let volume = Voxels::from_values(DType::U16, Shape::from([4, 8, 8]), volume.values::<u16>());
    project_for_display(&volume, orientation, slab, op, &Pool::new(0))
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn at_last(stream: &Stream, picture: Picture) -> Arc<Voxels> {
    wait_until(|| ready(stream, picture).is_some());
    ready(stream, picture).expect("it was there")
}

#[test]
fn what_the_projector_folds_is_a_picture_like_any_other() {
    for grid in GRIDS {
        let source = memory(12, grid, 7);
        let gate = GatedSource::open(Arc::new(source.clone()));
        let (stream, projector) = stream_of(gate.clone(), config(0));
        let now = Instant::now();
        for t in 0..12 {
            ask(&stream, max(t), now + Duration::from_secs(t as u64));
            run_all(&stream);
            assert!(!ready(&stream, max(t)).expect("folded").is_in_memory(), "it stays where it was folded");
        }
        assert_eq!(stream.cached_ranges(&key(&stream, max(0))), [[0, 12]]);
        assert_eq!(stream.nearest(&key(&stream, max(5))).map(|found| found.0), Some(key(&stream, max(5))));
        let (num_reads, num_folds) = (gate.num_reads(), projector.num_folds.load(Ordering::SeqCst));
        for t in 0..12 {
            ask(&stream, max(t), now + Duration::from_secs(60 + t as u64));
            assert_eq!(ready(&stream, max(t)).expect("there").bytes(), naive(&source, max(t)).bytes());
            run_all(&stream);
        }
        assert_eq!(gate.num_reads(), num_reads, "nothing is read again");
        assert_eq!(projector.num_folds.load(Ordering::SeqCst), num_folds, "or folded");
        assert_eq!(projector.num_fetched.load(Ordering::SeqCst), 12, "values are fetched once, when asked for");
        assert_eq!(num_folds, 12, "and nothing was folded twice");
        assert!(stream.stats().picture_bytes <= stream.stats().picture_budget_bytes);
        assert_eq!(stream.stats().num_folding, 0);
    }
}

#[test]
fn another_slab_or_operation_of_a_timepoint_brings_and_reads_nothing() {
    for grid in GRIDS {
        let source = memory(1, grid, 7);
        let gate = GatedSource::open(Arc::new(source.clone()));
        let (stream, projector) = stream_of(gate.clone(), config(0));
        ask(&stream, max(0), Instant::now());
        run_all(&stream);
        let (num_reads, brought) = (gate.num_reads(), projector.brought_bytes.load(Ordering::SeqCst));
        assert_eq!(brought, 4 * 8 * 8 * 2);
        for op in Projection::ALL {
            for slab in [[0, 4], [1, 3], [2, 3]] {
                let picture = projection(0, op, slab);
                ask(&stream, picture, Instant::now());
                run_all(&stream);
                assert_eq!(ready(&stream, picture).expect("folded").bytes(), naive(&source, picture).bytes());
            }
        }
        assert_eq!((gate.num_reads(), projector.brought_bytes.load(Ordering::SeqCst)), (num_reads, brought));
    }
}

#[test]
fn a_volume_that_the_projector_alone_has_is_folded_there_until_it_has_it_no_more() {
    let gate = GatedSource::open(Arc::new(memory(3, [1, 1, 8, 8], 7)));
    // Room for one volume of 512 bytes and for one chunk of it.
    let small = StreamConfig { picture_budget_bytes: 4 * 600, ram_budget_bytes: 200, ..config(0) };
    let (stream, projector) = stream_of(gate.clone(), small);
    let now = Instant::now();
    for t in [0, 1] {
        ask(&stream, max(t), now + Duration::from_secs(t as u64));
        run_all(&stream);
    }
    assert!(stream.volume(&key(&stream, max(0)).volume()).is_none(), "it has left memory");
    let (num_reads, brought) = (gate.num_reads(), projector.brought_bytes.load(Ordering::SeqCst));
    let other = projection(0, Projection::Min, [1, 3]);
    ask(&stream, other, now + Duration::from_secs(2));
    run_all(&stream);
    let expected = naive(&memory(3, [1, 1, 8, 8], 7), other);
    assert_eq!(ready(&stream, other).expect("folded").bytes(), expected.bytes());
    assert_eq!((gate.num_reads(), projector.brought_bytes.load(Ordering::SeqCst)), (num_reads, brought));
    projector.forget_volumes();
    let again = projection(1, Projection::Min, [1, 3]);
    ask(&stream, max(0), now + Duration::from_secs(3));
    ask(&stream, again, now + Duration::from_secs(4));
    run_all(&stream);
    let expected = naive(&memory(3, [1, 1, 8, 8], 7), again);
    assert_eq!(ready(&stream, again).expect("its volume was brought again").bytes(), expected.bytes());
}

#[test]
fn what_the_projector_refuses_is_folded_here_from_then_on() {
    for grid in GRIDS {
        let source = memory(4, grid, 7);
        let (stream, projector) = stream_of(Arc::new(source.clone()), config(0));
        projector.refuses.store(true, Ordering::SeqCst);
        for t in 0..4 {
            ask(&stream, max(t), Instant::now());
            run_all(&stream);
            assert_eq!(ready(&stream, max(t)).expect("folded here").bytes(), naive(&source, max(t)).bytes());
        }
        projector.refuses.store(false, Ordering::SeqCst);
        let other = projection(2, Projection::Sum, [0, 4]);
        ask(&stream, other, Instant::now());
        run_all(&stream);
        assert!(
            ready(&stream, other).is_some() && projector.num_folds.load(Ordering::SeqCst) > 0,
            "other kinds are not"
        );
    }
}

#[test]
fn a_fold_under_way_while_the_recording_is_replaced_lands_nowhere() {
    for grid in GRIDS {
        for is_same_recording in [false, true] {
            let old = LazyArray::new(Arc::new(memory(3, grid, 7)));
            let new_source = memory(3, grid, 8);
            let new = match is_same_recording {
                true => old.grown(Arc::new(new_source.clone())),
                false => old.replaced_by(Arc::new(new_source.clone())),
            };
            let stream = Stream::new(Arc::new(old), config(2), Arc::new(|| ()));
            let projector = HereProjector::new();
            stream.set_projector(projector.clone());
            projector.is_held.store(true, Ordering::SeqCst);
            ask(&stream, max(1), Instant::now());
            wait_until(|| projector.num_waiting.load(Ordering::SeqCst) == 1);
            stream.replace_array(Arc::new(new), if is_same_recording { &[0..u64::MAX] } else { &[] });
            // Whoever folded the former data is told to stop, and a result all the same would have no place.
            wait_until(|| projector.num_gave_way.load(Ordering::SeqCst) >= 1);
            assert!((0..3).all(|t| ready(&stream, max(t)).is_none()));
            assert!(stream.nearest(&key(&stream, max(1))).is_none());
            projector.is_held.store(false, Ordering::SeqCst);
            ask(&stream, max(1), Instant::now());
            for t in 0..3 {
                ask(&stream, max(t), Instant::now());
                let shown = at_last(&stream, max(t));
                assert_eq!(shown.bytes(), naive(&new_source, max(t)).bytes(), "t {t} of the new recording");
            }
        }
    }
}

#[test]
fn a_result_that_comes_after_the_recording_was_replaced_is_dropped() {
    for is_same_recording in [false, true] {
        let old = LazyArray::new(Arc::new(memory(3, [1, 1, 8, 8], 7)));
        let new_source = memory(3, [1, 1, 8, 8], 8);
        let new = match is_same_recording {
            true => old.grown(Arc::new(new_source.clone())),
            false => old.replaced_by(Arc::new(new_source.clone())),
        };
        let stream = Arc::new(Stream::new(Arc::new(old), config(0), Arc::new(|| ())));
        let projector = HereProjector::new();
        projector.is_stubborn.store(true, Ordering::SeqCst);
        stream.set_projector(projector.clone());
        ask(&stream, max(1), Instant::now());
        projector.is_held.store(true, Ordering::SeqCst);
        let worker = {
            let stream = Arc::clone(&stream);
            std::thread::spawn(move || while stream.run_one() {})
        };
        wait_until(|| projector.num_waiting.load(Ordering::SeqCst) == 1);
        stream.replace_array(Arc::new(new), if is_same_recording { &[0..u64::MAX] } else { &[] });
        projector.is_held.store(false, Ordering::SeqCst);
        worker.join().expect("the thread lives");
        run_all(&stream);
        assert_eq!(at_last(&stream, max(1)).bytes(), naive(&new_source, max(1)).bytes());
    }
}

#[test]
fn what_is_on_screen_stops_what_is_folded_for_later() {
    let (stream, projector) = stream_of(Arc::new(memory(12, [1, 4, 8, 8], 7)), config(2));
    let now = Instant::now();
    ask(&stream, max(3), now);
    at_last(&stream, max(3));
    projector.is_held.store(true, Ordering::SeqCst);
    // Something that was read ahead is being folded.
    ask(&stream, max(4), now + Duration::from_secs(9));
    wait_until(|| projector.num_waiting.load(Ordering::SeqCst) >= 1 || stream.stats().num_folding == 0);
    let before = projector.num_gave_way.load(Ordering::SeqCst);
    ask(&stream, projection(4, Projection::Min, [0, 4]), now + Duration::from_secs(10));
    if projector.num_waiting.load(Ordering::SeqCst) > 0 {
        wait_until(|| {
            let gave_way = projector.num_gave_way.load(Ordering::SeqCst) > before;
            gave_way || projector.num_waiting.load(Ordering::SeqCst) >= 1
        });
    }
    projector.is_held.store(false, Ordering::SeqCst);
    at_last(&stream, projection(4, Projection::Min, [0, 4]));
}

#[test]
fn a_projector_that_comes_later_does_not_throw_away_what_was_begun() {
    let gate = GatedSource::closed(Arc::new(memory(2, [1, 1, 8, 8], 7)));
    let stream = Stream::new(Arc::new(LazyArray::new(gate.clone())), config(2), Arc::new(|| ()));
    ask(&stream, max(0), Instant::now());
    assert!(gate.wait_for_waiting(2, LONG));
    let projector = HereProjector::new();
    stream.set_projector(projector.clone());
    gate.open_all();
    let shown = at_last(&stream, max(0));
    assert_eq!(shown.bytes(), naive(&memory(2, [1, 1, 8, 8], 7), max(0)).bytes());
    assert_eq!(gate.num_reads_of(0), 1, "no chunk is read twice");
    ask(&stream, projection(0, Projection::Sum, [0, 4]), Instant::now());
    assert!(!at_last(&stream, projection(0, Projection::Sum, [0, 4])).is_in_memory());
}

#[test]
fn a_picture_that_had_to_make_room_is_not_had_and_is_folded_again() {
    let source = memory(6, [1, 4, 8, 8], 7);
    let (stream, projector) = stream_of(Arc::new(source.clone()), config(0));
    projector.budget.store(3 * 128, Ordering::SeqCst);
    let now = Instant::now();
    for t in 0..6 {
        ask(&stream, max(t), now + Duration::from_secs(t as u64));
        run_all(&stream);
        let shown = ready(&stream, max(t)).expect("folded");
        assert_eq!(shown.bytes(), naive(&source, max(t)).bytes());
        let cached = stream.cached_ranges(&key(&stream, max(0)));
        let num: usize = cached.iter().map(|range| range[1] - range[0]).sum();
        assert!(num <= 3, "{cached:?}");
    }
    assert!(ready(&stream, max(0)).is_none() && matches!(stream.picture(&key(&stream, max(0))), PictureState::Loading));
    ask(&stream, max(0), now + Duration::from_secs(9));
    run_all(&stream);
    assert_eq!(ready(&stream, max(0)).expect("folded again").bytes(), naive(&source, max(0)).bytes());
}
