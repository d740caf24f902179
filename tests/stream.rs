//! The stream never blocks, never throws finished work away, and stays within its budgets.

#[path = "common/folding.rs"]
mod folding;

#[path = "common/small.rs"]
mod small;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use folding::HereProjector;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use small::config;
use tectum::array::LazyArray;
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::format::{ReadErrorKind, Source};
use tectum::stream::{NoSample, PictureState, Play, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, Gaps, Orientation, Picture, PictureKey, Pool, Projection, Region, Shape, Voxels, project};

const LONG: Duration = Duration::from_secs(20);

/// A value for every voxel that no other voxel of these small arrays has at the same plane position.
fn value(index: &[usize]) -> u16 {
    index.iter().fold(7usize, |hash, i| hash.wrapping_mul(131).wrapping_add(*i)) as u16
}

fn memory(shape: [usize; 4], grid: [usize; 4]) -> MemorySource {
    MemorySource::from_fn(DType::U16, Shape::from(shape), "tzyx", &grid, value).expect("agrees")
}

fn stream(source: Arc<dyn Source>, config: StreamConfig) -> Stream {
    Stream::new(Arc::new(LazyArray::new(source)), config, Arc::new(|| ()))
}

/// One that has projections folded as by a GPU, if so wished.
fn folding_stream(source: Arc<dyn Source>, config: StreamConfig, is_away: bool) -> Stream {
    let stream = stream(source, config);
    if is_away {
        stream.set_projector(HereProjector::new());
    }
    stream
}

fn plane(t: usize, index: usize) -> Picture {
    Picture::Plane { t, orientation: Orientation::Xy, index }
}

fn projection(t: usize, op: Projection) -> Picture {
    Picture::Projection { t, orientation: Orientation::Xy, slab: [0, 4], op }
}

fn view(stream: &Stream, picture: Picture) -> ViewRequest {
    ViewRequest::of(stream.array().id(), picture)
}

fn key(stream: &Stream, picture: Picture) -> PictureKey {
    stream.array().picture_key(picture)
}

fn run_all(stream: &Stream) -> usize {
    (0..100_000).take_while(|_| stream.run_one()).count()
}

fn ready(stream: &Stream, picture: &Picture) -> Option<Arc<Voxels>> {
    stream.picture(&key(stream, *picture)).ready()
}

fn wait_for<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The definition of a picture.
fn naive(source: &MemorySource, picture: &Picture) -> Vec<u16> {
    let array = LazyArray::new(Arc::new(source.clone()));
    let pool = Pool::new(0);
    let region = array.picture_region(picture);
    let whole = array.read_region(&region, &pool).expect("readable").voxels;
    match *picture {
        Picture::Plane { .. } => whole.values::<u16>().to_vec(),
        Picture::Projection { orientation, slab, op, t } => {
            let volume = array.whole().with_axis(0, t, t + 1);
            let volume = array.read_region(&volume, &pool).expect("readable").voxels;
            let shape = Shape::new(&volume.shape().dims()[1..]).expect("rank 3");
            let volume = Voxels::from_values(DType::U16, shape, volume.values::<u16>());
            project(&volume, orientation, slab, op, &pool).values::<u16>().to_vec()
        }
    }
}

#[test]
fn a_disk_that_never_answers_blocks_nothing() {
    let gate = GatedSource::closed(Arc::new(memory([50, 4, 8, 8], [1, 1, 8, 8])));
    let stream = stream(gate.clone(), config(2));
    let begin = Instant::now();
    for t in 0..50 {
        stream.request(&view(&stream, plane(t, 2)), begin + Duration::from_millis(16 * t as u64));
        assert!(matches!(stream.picture(&key(&stream, plane(t, 2))), PictureState::Loading));
        assert!(stream.nearest(&key(&stream, plane(t, 2))).is_none());
        assert!(stream.cached_ranges(&key(&stream, plane(t, 2))).is_empty());
        assert!(stream.sample(stream.array().id()).is_none());
        assert!(stream.preview(&key(&stream, plane(t, 2))).is_none());
        stream.stats();
    }
    stream.retry_failures();
    stream.replace_array(stream.array(), &[]);
    drop(stream);
    assert!(begin.elapsed() < Duration::from_secs(5), "a call waited for the disk");
    gate.open_all();
}

#[test]
fn the_nearest_picture_stands_in_and_finished_work_is_kept() {
    let gate = GatedSource::closed(Arc::new(memory([20, 1, 8, 8], [1, 1, 8, 8])));
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&wakes);
    let wake = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let stream = Stream::new(Arc::new(LazyArray::new(gate.clone())), config(1), wake);
    let now = Instant::now();
    stream.request(&view(&stream, plane(3, 0)), now);
    wait_for(|| gate.waiting().contains(&3).then_some(()));
    // The view moves on while the chunk of t = 3 is being read; its result is not thrown away.
    stream.request(&view(&stream, plane(12, 0)), now + Duration::from_millis(16));
    gate.release(3);
    let (picture, voxels) = wait_for(|| stream.nearest(&key(&stream, plane(12, 0))));
    assert_eq!(picture, key(&stream, plane(3, 0)));
    assert_eq!(voxels.values::<u16>()[9], value(&[3, 0, 1, 1]));
    assert!(matches!(stream.picture(&key(&stream, plane(12, 0))), PictureState::Loading));
    gate.release(12);
    let exact = wait_for(|| ready(&stream, &plane(12, 0)));
    assert_eq!(exact.values::<u16>()[9], value(&[12, 0, 1, 1]));
    assert_eq!(stream.nearest(&key(&stream, plane(12, 0))).map(|found| found.0.picture), Some(plane(12, 0)));
    assert!(wakes.load(Ordering::Relaxed) > 0, "the window was not woken");
    assert!(stream.stats().last_image_ms.is_some());
    gate.open_all();
}

#[test]
fn a_replaced_queue_vanishes() {
    let gate = GatedSource::open(Arc::new(memory([1000, 1, 8, 8], [1, 1, 8, 8])));
    let stream = stream(gate.clone(), config(0));
    let now = Instant::now();
    stream.request(&view(&stream, plane(100, 0)), now);
    assert!(stream.stats().queued > 2);
    stream.request(&view(&stream, plane(900, 0)), now + Duration::from_secs(60));
    run_all(&stream);
    assert_eq!(gate.num_reads_of(900), 1);
    assert!(ready(&stream, &plane(100, 0)).is_none());
    let [start, _] = stream.cached_ranges(&key(&stream, plane(0, 0))).last().copied().expect("something is cached");
    assert!(start > 800);
}

#[test]
fn no_chunk_is_read_twice_at_once_or_again_while_cached() {
    let gate = GatedSource::closed(Arc::new(memory([4, 4, 16, 16], [1, 4, 8, 8])));
    let stream = stream(gate.clone(), config(4));
    let now = Instant::now();
    stream.request(&view(&stream, plane(0, 0)), now);
    assert!(gate.wait_for_waiting(4, LONG));
    // Other planes of the same chunks, and a projection over them.
    stream.request(&view(&stream, plane(0, 3)), now + Duration::from_millis(16));
    stream.request(&view(&stream, projection(0, Projection::Max)), now + Duration::from_millis(32));
    gate.open_all();
    wait_for(|| ready(&stream, &projection(0, Projection::Max)));
    wait_for(|| ready(&stream, &plane(0, 1)));
    wait_for(|| stream.sample(stream.array().id()));
    for index in 0..4 {
        assert_eq!(gate.num_reads_of(index), 1, "chunk {index}");
    }
}

#[test]
fn projections_scrubbed_a_second_time_read_nothing() {
    let source = memory([30, 4, 8, 8], [1, 1, 8, 8]);
    let gate = GatedSource::open(Arc::new(source.clone()));
    let stream = stream(gate.clone(), config(0));
    let mut now = Instant::now();
    let mut scrub = |stream: &Stream| {
        for t in 0..30 {
            now += Duration::from_millis(16);
            stream.request(&view(stream, projection(t, Projection::Max)), now);
            run_all(stream);
            let voxels = ready(stream, &projection(t, Projection::Max)).expect("projected");
            assert_eq!(voxels.values::<u16>(), naive(&source, &projection(t, Projection::Max)));
        }
    };
    scrub(&stream);
    let num_reads = gate.num_reads();
    // 120 chunks once each, and the sample's where it came first.
    assert!((120..=120 + 64).contains(&num_reads), "{num_reads}");
    scrub(&stream);
    assert_eq!(gate.num_reads(), num_reads);
    assert_eq!(stream.cached_ranges(&key(&stream, projection(0, Projection::Max))), [[0, 30]]);
    assert!(stream.stats().hits >= 30);
}

#[test]
fn failures_are_remembered_and_shown_as_holes_until_retried() {
    let gate = GatedSource::open(Arc::new(memory([3, 4, 8, 16], [1, 1, 8, 8])));
    // Chunk 9: t = 1, z = 0, the right half.
    gate.fail(9, ReadErrorKind::Io);
    let stream = stream(gate.clone(), config(0));
    let now = Instant::now();
    stream.request(&view(&stream, plane(1, 0)), now);
    run_all(&stream);
    let voxels = ready(&stream, &plane(1, 0)).expect("half of it is there");
    assert_eq!(voxels.missing(), [Region::new(&[0, 8], &[8, 16]).expect("valid")]);
    assert_eq!(stream.missing_reason(&key(&stream, plane(1, 0))).map(|error| error.kind), Some(ReadErrorKind::Io));
    stream.request(&view(&stream, projection(1, Projection::Mean)), now + Duration::from_millis(16));
    run_all(&stream);
    // What is there is folded, and what is not is told.
    let mean = ready(&stream, &projection(1, Projection::Mean)).expect("most of it is there");
    assert!(mean.missing().is_empty());
    let gaps = Gaps { num_planes: 4, missing: Vec::new(), partial: vec![[0, 1]] };
    assert_eq!(mean.gaps(), Some(&gaps));
    for (column, planes) in [(7, 0..4), (8, 1..4)] {
        let num = planes.len() as f64;
        let sum: f64 = planes.map(|z| f64::from(value(&[1, z, 5, column]))).sum();
        assert_eq!(mean.get_f64(&[5, column]), Some(f64::from((sum / num) as f32)));
    }
    assert!(stream.missing_reason(&key(&stream, projection(1, Projection::Mean))).is_some());
    for i in 2..10 {
        stream.request(&view(&stream, plane(1, i % 2)), now + Duration::from_millis(16 * i as u64));
        run_all(&stream);
    }
    assert_eq!(gate.num_reads_of(9), 1);
    gate.heal(9);
    stream.retry_failures();
    stream.request(&view(&stream, plane(1, 0)), now + Duration::from_secs(9));
    run_all(&stream);
    assert!(ready(&stream, &plane(1, 0)).expect("whole").missing().is_empty());
    stream.request(&view(&stream, projection(1, Projection::Mean)), now + Duration::from_secs(10));
    run_all(&stream);
    assert!(ready(&stream, &projection(1, Projection::Mean)).expect("whole").is_whole());
}

#[test]
fn a_projection_is_hatched_only_where_nothing_of_it_is() {
    // A plane that cannot be read, and a corner of all the others that was never written.
    let corner = Region::new(&[0, 0, 0, 0], &[1, 4, 2, 3]).expect("valid");
    let source = memory([1, 4, 8, 8], [1, 1, 8, 8]).with_missing(&[corner]).with_failing(&[2]);
    let stream = stream(Arc::new(source), config(0));
    for op in Projection::ALL {
        let picture = projection(0, op);
        stream.request(&view(&stream, picture), Instant::now());
        run_all(&stream);
        let voxels = ready(&stream, &picture).expect("most of it is there");
        assert_eq!(voxels.missing(), [Region::new(&[0, 0], &[2, 3]).expect("valid")], "{op:?}");
        assert_eq!(voxels.gaps(), Some(&Gaps { num_planes: 4, missing: vec![[2, 3]], partial: Vec::new() }), "{op:?}");
        assert!(stream.missing_reason(&key(&stream, picture)).is_some());
    }
    // Of a slab of which nothing is there, the reason is all there is to show; so it is of a plane.
    let slab = Picture::Projection { t: 0, orientation: Orientation::Xy, slab: [2, 3], op: Projection::Max };
    let gone = Region::new(&[0, 2, 0, 0], &[1, 3, 8, 8]).expect("valid");
    let deep = memory([2, 4, 8, 8], [1, 4, 8, 8]).with_missing(&[gone]);
    for is_away in [false, true] {
        let deep = folding_stream(Arc::new(deep.clone()), config(0), is_away);
        for picture in [slab, plane(0, 2)] {
            deep.request(&view(&deep, picture), Instant::now());
            run_all(&deep);
            let asked = key(&deep, picture);
            assert!(matches!(deep.picture(&asked), PictureState::Failed(_)), "{picture:?}");
            assert!(deep.picture(&key(&deep, picture.at(1))).ready().is_some());
            assert!(deep.nearest(&asked).is_none_or(|(found, _)| found.picture.t() == 1));
        }
    }
    // Along y, the plane is a row of its own: nothing is lacking where something is shown.
    let side = Picture::Projection { t: 0, orientation: Orientation::Xz, slab: [2, 8], op: Projection::Max };
    stream.request(&view(&stream, side), Instant::now());
    run_all(&stream);
    let voxels = ready(&stream, &side).expect("most of it is there");
    assert_eq!(voxels.missing(), [Region::new(&[2, 0], &[3, 8]).expect("valid")]);
    assert_eq!(voxels.gaps(), None);
}

#[test]
fn a_plane_step_decodes_the_chunks_of_the_plane_and_no_volume() {
    for grid in [[1, 1, 8, 8], [1, 2, 8, 4]] {
        let stream = folding_stream(Arc::new(memory([4, 8, 8, 8], grid)), config(0), true);
        let mut seen = 0;
        for (i, z) in [4, 7, 0].into_iter().enumerate() {
            stream.request(&view(&stream, plane(i, z)), Instant::now());
            while stream.stats().queued_visible > 0 {
                stream.run_one();
            }
            assert!(ready(&stream, &plane(i, z)).is_some());
            let stats = stream.stats();
            // Whole chunks of one plane, of 2 bytes a voxel.
            assert_eq!(stats.decoded_bytes - seen, (grid[1] * 8 * 8 * 2) as u64);
            assert_eq!(stats.visible_bytes, stats.decoded_bytes);
            seen = stats.decoded_bytes;
            assert!(stream.volume(&key(&stream, plane(i, z)).volume()).is_none());
        }
    }
}

#[test]
fn a_missing_timepoint_and_missing_planes_are_the_same_wherever_is_folded() {
    let holes = [
        Region::new(&[1, 0, 0, 0], &[2, 4, 8, 8]).expect("valid"),
        Region::new(&[2, 3, 0, 0], &[3, 4, 8, 8]).expect("valid"),
        Region::new(&[3, 0, 2, 0], &[4, 4, 5, 8]).expect("valid"),
    ];
    for grid in [[1, 1, 8, 8], [1, 4, 8, 8], [2, 3, 5, 8]] {
        let source = memory([5, 4, 8, 8], grid).with_missing(&holes);
        let streams = [false, true].map(|is_away| folding_stream(Arc::new(source.clone()), config(0), is_away));
        for op in Projection::ALL {
            for t in 0..5 {
                let picture = projection(t, op);
                let [here, outside] = [0, 1].map(|i| {
                    streams[i].request(&view(&streams[i], picture), Instant::now());
                    run_all(&streams[i]);
                    streams[i].picture(&key(&streams[i], picture))
                });
                match (here, outside) {
                    (PictureState::Ready(here), PictureState::Ready(outside)) => {
                        assert_eq!((here.dtype(), here.bytes()), (outside.dtype(), outside.bytes()), "{picture:?}");
                        assert_eq!((here.missing(), here.gaps()), (outside.missing(), outside.gaps()), "{picture:?}");
                        assert_eq!(here.is_whole(), t == 0 || t == 4);
                    }
                    (PictureState::Failed(here), PictureState::Failed(outside)) => {
                        assert_eq!((here, t), (outside, 1));
                    }
                    (here, outside) => panic!("{picture:?} of {grid:?}: {here:?} and {outside:?}"),
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_had_at_all_fails_and_what_was_never_written_is_missing() {
    let never = Region::new(&[2, 1, 0, 0], &[3, 2, 4, 8]).expect("valid");
    let source = memory([3, 2, 8, 8], [1, 1, 8, 8]).with_missing(&[never]).with_failing(&[0, 1]);
    let stream = stream(Arc::new(source), config(0));
    stream.request(&view(&stream, plane(0, 0)), Instant::now());
    run_all(&stream);
    assert!(
        matches!(stream.picture(&key(&stream, plane(0, 0))), PictureState::Failed(error) if error.kind == ReadErrorKind::Corrupt)
    );
    assert!(
        matches!(stream.picture(&key(&stream, plane(99, 0))), PictureState::Failed(error) if error.kind == ReadErrorKind::Missing)
    );
    let picture = Picture::Projection { t: 0, orientation: Orientation::Xy, slab: [0, 2], op: Projection::Max };
    stream.request(&view(&stream, picture), Instant::now());
    run_all(&stream);
    assert!(matches!(stream.picture(&key(&stream, picture)), PictureState::Failed(_)));
    stream.request(&view(&stream, plane(2, 1)), Instant::now());
    run_all(&stream);
    let voxels = ready(&stream, &plane(2, 1)).expect("half was written");
    assert_eq!(voxels.missing(), [Region::new(&[0, 0], &[4, 8]).expect("valid")]);
    assert_eq!(voxels.format_value(&[5, 0]), Some(value(&[2, 1, 5, 0]).to_string()));
    let across = Picture::Plane { t: 2, orientation: Orientation::Yz, index: 3 };
    stream.request(&view(&stream, across), Instant::now());
    run_all(&stream);
    let voxels = ready(&stream, &across).expect("most was written");
    assert_eq!(voxels.missing(), [Region::new(&[1, 0], &[2, 4]).expect("valid")]);
}

#[test]
fn a_chunk_larger_than_the_budget_fails_once_instead_of_being_read_for_ever() {
    let gate = GatedSource::open(Arc::new(memory([2, 1, 64, 64], [1, 1, 64, 64])));
    let stream = stream(gate.clone(), StreamConfig { ram_budget_bytes: 1000, ..config(0) });
    for i in 0..5 {
        stream.request(&view(&stream, plane(i % 2, 0)), Instant::now());
        run_all(&stream);
        assert!(matches!(stream.picture(&key(&stream, plane(i % 2, 0))), PictureState::Failed(_)));
    }
    assert!(gate.num_reads() <= 4);
    // Projections need no cached chunks.
    stream.request(
        &view(&stream, Picture::Projection { t: 0, orientation: Orientation::Xy, slab: [0, 1], op: Projection::Max }),
        Instant::now(),
    );
    run_all(&stream);
}

#[test]
fn growth_keeps_the_cache_and_drops_what_changed() {
    let gate = GatedSource::open(Arc::new(memory([10, 4, 8, 8], [1, 1, 8, 8])));
    let stream = stream(gate.clone(), config(0));
    let now = Instant::now();
    stream.request(&view(&stream, plane(8, 0)), now);
    run_all(&stream);
    stream.request(&view(&stream, projection(8, Projection::Max)), now);
    run_all(&stream);
    assert!(ready(&stream, &plane(7, 0)).is_some() && ready(&stream, &projection(7, Projection::Max)).is_some());
    let num_reads = gate.num_reads();
    // The recording goes on, and the block of t = 8 and 9 was written anew.
    let longer = GatedSource::open(Arc::new(memory([20, 4, 8, 8], [1, 1, 8, 8])));
    let grown = Arc::new(stream.array().grown(longer.clone()));
    stream.replace_array(grown, &[32..36, 36..40]);
    assert!(ready(&stream, &plane(7, 0)).is_some() && ready(&stream, &projection(7, Projection::Max)).is_some());
    assert!(ready(&stream, &plane(8, 0)).is_none() && ready(&stream, &projection(8, Projection::Max)).is_none());
    run_all(&stream);
    assert!(ready(&stream, &projection(8, Projection::Max)).is_some(), "the view is planned again");
    assert_eq!(gate.num_reads(), num_reads);
    assert_eq!(longer.num_reads_of(28), 0);
    // Another recording in the same place: nothing of the old one is shown.
    let other = Arc::new(LazyArray::new(Arc::new(memory([10, 4, 8, 8], [1, 1, 8, 8]))));
    stream.replace_array(other, &[]);
    assert!(ready(&stream, &plane(7, 0)).is_none() && ready(&stream, &projection(7, Projection::Max)).is_none());
    assert!(stream.nearest(&key(&stream, plane(7, 0))).is_none());
}

#[test]
fn growth_keeps_reads_under_way_and_the_picture_on_screen() {
    let gate = GatedSource::closed(Arc::new(memory([10, 4, 8, 8], [1, 1, 8, 4])));
    let stream = stream(gate.clone(), config(1));
    let now = Instant::now();
    stream.request(&view(&stream, plane(2, 0)), now);
    wait_for(|| gate.waiting().contains(&16).then_some(()));
    let longer = GatedSource::open(Arc::new(memory([11, 4, 8, 8], [1, 1, 8, 4])));
    stream.replace_array(Arc::new(stream.array().grown(longer.clone())), &[]);
    gate.open_all();
    let before = wait_for(|| ready(&stream, &plane(2, 0)));
    assert_eq!(gate.num_reads_of(16) + longer.num_reads_of(16), 1, "the read under way counts");
    // Another block lands: what is on screen is still the same voxels, so nothing is uploaded again.
    let longest = Arc::new(stream.array().grown(Arc::new(memory([12, 4, 8, 8], [1, 1, 8, 4]))));
    stream.replace_array(longest, &[]);
    assert_eq!(ready(&stream, &plane(2, 0)).map(|voxels| voxels.id()), Some(before.id()));
    assert!(stream.nearest(&key(&stream, plane(11, 0))).is_some());
}

#[test]
fn a_read_that_was_overtaken_by_a_rewrite_is_not_shown() {
    let gate = GatedSource::closed(Arc::new(memory([4, 4, 8, 8], [1, 1, 8, 8])));
    let stream = stream(gate.clone(), config(2));
    stream.request(&view(&stream, plane(2, 0)), Instant::now());
    wait_for(|| gate.waiting().contains(&8).then_some(()));
    let rewritten = MemorySource::from_fn(DType::U16, Shape::from([4, 4, 8, 8]), "tzyx", &[1, 1, 8, 8], |_| 1u16);
    let rewritten = Arc::new(stream.array().grown(Arc::new(rewritten.expect("agrees"))));
    stream.replace_array(rewritten, &[0..8, 8..16]);
    gate.open_all();
    let voxels = wait_for(|| ready(&stream, &plane(2, 0)));
    assert_eq!(voxels.values::<u16>(), [1; 64]);
}

#[test]
fn the_sample_is_robust_and_does_not_starve() {
    let hot = |index: &[usize]| if index == [5, 0, 3, 3] { 65535 } else { 100 + (index[3] as u16) };
    let source = MemorySource::from_fn(DType::U16, Shape::from([20, 4, 64, 64]), "tzyx", &[1, 1, 64, 64], hot);
    let stream = stream(Arc::new(source.expect("agrees")), config(0));
    let mut now = Instant::now();
    let mut t = 0;
    // Scrubbing without end: the queue never runs dry.
    let sample = (0..5000).find_map(|_| {
        t = (t + 1) % 20;
        now += Duration::from_millis(16);
        stream.request(&view(&stream, plane(t, 0)), now);
        stream.run_one();
        stream.run_one();
        stream.sample(stream.array().id())
    });
    let sample = sample.expect("the sample came");
    assert_eq!(sample.percentiles, [100.0, 163.0]);
    assert!(sample.histogram.range[1] < 1000.0);
    run_all(&stream);
    assert_eq!(stream.sample(stream.array().id()), Some(sample));
}

#[test]
fn a_sample_that_will_never_come_is_told() {
    let shape = Shape::from([4, 2, 8, 8]);
    let nan = MemorySource::from_fn(DType::F32, shape, "tzyx", &[1, 2, 8, 8], |_| f32::NAN).expect("agrees");
    let unreadable = memory([4, 2, 8, 8], [1, 2, 8, 8]).with_failing(&[0, 1, 2, 3]);
    let missing = memory([4, 2, 8, 8], [1, 2, 8, 8]).with_missing(&[Region::whole(&shape)]);
    for (source, reason) in
        [(nan, NoSample::NotFinite), (unreadable, NoSample::Unreadable), (missing, NoSample::Unreadable)]
    {
        let stream = stream(Arc::new(source), config(0));
        stream.request(&view(&stream, plane(0, 0)), Instant::now());
        assert_eq!(stream.no_sample(stream.array().id()), None, "nothing has been looked at yet");
        run_all(&stream);
        assert_eq!((stream.sample(stream.array().id()), stream.no_sample(stream.array().id())), (None, Some(reason)));
        // Reading again also measures again.
        stream.retry_failures();
        assert_eq!(stream.no_sample(stream.array().id()), None);
        run_all(&stream);
        assert_eq!(stream.no_sample(stream.array().id()), Some(reason));
    }
    let stream = stream(Arc::new(memory([4, 2, 8, 8], [1, 2, 8, 8]).with_failing(&[0, 1, 3])), config(0));
    stream.request(&view(&stream, plane(0, 0)), Instant::now());
    run_all(&stream);
    assert!(
        stream.sample(stream.array().id()).is_some() && stream.no_sample(stream.array().id()).is_none(),
        "a part is enough"
    );
}

#[test]
fn playback_reads_ahead_in_its_direction() {
    let gate = GatedSource::open(Arc::new(memory([200, 1, 8, 8], [1, 1, 8, 8])));
    let stream = stream(gate.clone(), config(0));
    let play = Some(Play { direction: -1, rate_hz: 20.0 });
    stream.request(&ViewRequest { play, ..view(&stream, plane(150, 0)) }, Instant::now());
    run_all(&stream);
    let ranges = stream.cached_ranges(&key(&stream, plane(150, 0)));
    let around = ranges.iter().find(|range| range[0] <= 150 && 150 < range[1]).expect("cached");
    assert!(around[0] <= 115 && around[1] <= 156, "{around:?}");
}

#[test]
fn slow_recordings_get_previews_and_fast_ones_do_not() {
    let source = memory([12, 4, 200, 300], [1, 1, 200, 300]);
    let budgets = StreamConfig { ram_budget_bytes: 4 << 20, preview_budget_bytes: 1 << 20, ..config(0) };
    let fast = stream(Arc::new(source.clone()), StreamConfig { slow_picture_ms: 1e9, ..budgets.clone() });
    fast.request(&view(&fast, plane(3, 2)), Instant::now());
    run_all(&fast);
    assert_eq!(fast.stats().num_previews, 0);
    let slow = stream(Arc::new(source.clone()), StreamConfig { slow_picture_ms: 0.0, ..budgets });
    for picture in [plane(3, 2), projection(3, Projection::Max)] {
        slow.request(&view(&slow, picture), Instant::now());
        run_all(&slow);
        for t in 0..12 {
            let preview = slow.preview(&key(&slow, picture.at(t))).expect("every timepoint has one");
            assert_eq!(preview.shape().dims(), [67, 100]);
            let exact = naive(&source, &picture.at(t));
            let mean =
                [0, 1, 2].iter().flat_map(|y| exact[y * 300..][..3].iter()).map(|v| f64::from(*v)).sum::<f64>() / 9.0;
            assert!((preview.get_f64(&[0, 0]).expect("measured") - mean).abs() < 0.01 * mean);
        }
    }
    let stats = slow.stats();
    assert_eq!(stats.num_previews, 24);
    assert!(stats.preview_bytes <= stats.preview_budget_bytes);
    let beyond = key(&slow, plane(99, 0));
    assert!(slow.picture(&beyond).ready().is_none() && slow.preview(&beyond).is_none());
}

#[test]
fn background_reading_keeps_to_its_share_and_the_screen_does_not_wait_for_it() {
    let gate = GatedSource::open(Arc::new(memory([400, 1, 64, 64], [1, 1, 64, 64])));
    let stream = stream(gate.clone(), StreamConfig { background_bytes_per_s: Some(1000), ..config(2) });
    let begin = Instant::now();
    for (i, t) in [5, 100, 200, 300, 390].into_iter().enumerate() {
        stream.request(&view(&stream, plane(t, 0)), begin + Duration::from_secs(10 * i as u64));
        wait_for(|| ready(&stream, &plane(t, 0)));
    }
    std::thread::sleep(Duration::from_millis(50));
    // 8 KiB a plane: the burst is spent by the first one read ahead.
    assert!(gate.num_reads() <= 5 + 3, "{}", gate.num_reads());
    stream.set_background_limit(None);
    wait_for(|| (gate.num_reads() > 20).then_some(()));
}

#[test]
fn planning_thousands_of_chunks_takes_no_time_worth_waiting_for() {
    let source = memory([2000, 1, 10, 10], [1, 1, 1, 1]);
    let budgets = StreamConfig { ram_budget_bytes: 1 << 30, ..config(0) };
    let stream = stream(Arc::new(source), budgets);
    let play = Some(Play { direction: 1, rate_hz: 60.0 });
    let mut now = Instant::now();
    let mut times = Vec::new();
    for t in 0..40 {
        now += Duration::from_millis(16);
        let begin = Instant::now();
        stream.request(&ViewRequest { play, ..view(&stream, plane(t, 0)) }, now);
        times.push(begin.elapsed());
        (0..50).for_each(|_| assert!(stream.run_one()));
    }
    times.sort_unstable();
    let queued = stream.stats().queued;
    println!("plan and submit {queued} chunks: median {:?}, worst {:?}", times[20], times[39]);
    assert!(queued > 10_000, "{queued}");
}

fn pictures() -> impl Strategy<Value = Picture> {
    let orientation = prop::sample::select(Orientation::ALL.to_vec());
    let op = prop::sample::select(vec![Projection::Max, Projection::Min]);
    (0usize..9, orientation, (0usize..100, 0usize..100), any::<bool>(), op).prop_map(
        |(t, orientation, (a, b), fold, op)| {
            let len = SHAPE[orientation.depth_axis().index()];
            let (a, b) = (a % len, b % len);
            match fold {
                true => Picture::Projection { t, orientation, slab: [a.min(b), a.max(b) + 1], op },
                false => Picture::Plane { t, orientation, index: a },
            }
        },
    )
}

const SHAPE: [usize; 4] = [9, 5, 11, 13];

proptest! {
    // Seeds of failures are kept beside this file, to be committed and tried first from then on.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    /// Any walk over any chunk grid, interrupted anywhere, under a tight budget: the budgets hold after
    /// every step and every picture handed out is exact.
    #[test]
    fn any_walk_stays_in_budget_and_shows_the_truth(
        grid in (1usize..4, 1usize..6, 1usize..12, 1usize..14),
        budget in 2_000usize..40_000,
        is_away in any::<bool>(),
        walk in prop::collection::vec((pictures(), 0usize..12), 1..25),
    ) {
        let source = memory(SHAPE, [grid.0, grid.1, grid.2, grid.3]);
        let config = StreamConfig { ram_budget_bytes: budget, picture_budget_bytes: 12_000, preview_budget_bytes: 3_000, slow_picture_ms: 0.0, ..config(0) };
        let stream = folding_stream(Arc::new(source.clone()), config, is_away);
        // A chunk larger than the whole budget is not read, and hatched where smaller ones beside it are shown.
        let edges = [grid.0, grid.1, grid.2, grid.3];
        let of_chunk: usize = edges.into_iter().zip(SHAPE).map(|(edge, extent)| edge.min(extent)).product();
        let is_too_large = of_chunk * size_of::<u16>() > budget;
        let mut now = Instant::now();
        for (picture, steps) in walk {
            now += Duration::from_millis(16);
            stream.request(&view(&stream, picture), now);
            for _ in 0..steps {
                stream.run_one();
                let stats = stream.stats();
                prop_assert!(stats.cache_bytes <= stats.budget_bytes);
                prop_assert!(stats.picture_bytes <= stats.picture_budget_bytes);
                prop_assert!(stats.preview_bytes <= stats.preview_budget_bytes);
                prop_assert_eq!(stats.in_flight_bytes, 0);
            }
            match stream.picture(&key(&stream, picture)) {
                PictureState::Ready(voxels) => {
                    prop_assert!(voxels.missing().is_empty() || is_too_large);
                    if voxels.missing().is_empty() && voxels.gaps().is_none() {
                        prop_assert_eq!(voxels.values::<u16>(), naive(&source, &picture));
                    }
                }
                PictureState::Loading => {}
                PictureState::Failed(error) | PictureState::Refused(error) => prop_assert!(error.message.contains("budget"), "{}", error),
            }
            if let Some(preview) = stream.preview(&key(&stream, picture)) {
                prop_assert_eq!(preview.shape().rank(), 2);
            }
            if let Some((found, voxels)) = stream.nearest(&key(&stream, picture))
                && !(is_too_large && (!voxels.missing().is_empty() || voxels.gaps().is_some()))
            {
                prop_assert_eq!(voxels.values::<u16>(), naive(&source, &found.picture));
            }
            // The strip tells the truth.
            for [start, stop] in stream.cached_ranges(&key(&stream, picture)) {
                for t in start..stop {
                    prop_assert!(stream.picture(&key(&stream, picture.at(t))).ready().is_some());
                }
            }
        }
    }

    /// Regions of arrays of any axis order equal what indexing says, and so do planes cut from them.
    #[test]
    fn any_region_of_any_axis_order_is_exact(
        axes in Just("tzyx".chars().collect::<Vec<_>>()).prop_shuffle(),
        grid in (1usize..4, 1usize..4, 1usize..4, 1usize..4),
        corners in prop::collection::vec((0usize..6, 0usize..6), 4),
    ) {
        let axes: String = axes.into_iter().collect();
        let own = [3usize, 4, 5, 6];
        let source = MemorySource::from_fn(
            DType::U16, Shape::from(own), &axes, &[grid.0, grid.1, grid.2, grid.3], value,
        ).expect("agrees");
        let array = LazyArray::new(Arc::new(source));
        let shape = array.info().shape;
        let bounds: Vec<_> = corners.iter().zip(shape).map(|(&(a, b), n)| (a.min(b).min(n), a.max(b).min(n))).collect();
        let region = Region::new(
            &bounds.iter().map(|b| b.0).collect::<Vec<_>>(), &bounds.iter().map(|b| b.1).collect::<Vec<_>>(),
        ).expect("ordered");
        let voxels = array.read_region(&region, &Pool::new(0)).expect("readable").voxels;
        let mut expected = Vec::new();
        for t in bounds[0].0..bounds[0].1 {
            for z in bounds[1].0..bounds[1].1 {
                for y in bounds[2].0..bounds[2].1 {
                    for x in bounds[3].0..bounds[3].1 {
                        let place = |letter: char| match letter { 't' => t, 'z' => z, 'y' => y, _ => x };
                        expected.push(value(&axes.chars().map(place).collect::<Vec<_>>()));
                    }
                }
            }
        }
        prop_assert_eq!(voxels.values::<u16>(), expected);
    }
}
