//! Several layers in one stream: each shows its own data, all share one budget, and what becomes of one does
//! not touch another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::array::{Image, LazyArray};
use tectum::format::Source;
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::stream::{PictureRequest, PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, LayerId, Orientation, Picture, PictureKey, Projection, Shape, ViewId};

fn config(num_workers: usize) -> StreamConfig {
    StreamConfig {
        ram_budget_bytes: 4096,
        picture_budget_bytes: 1 << 16,
        preview_budget_bytes: 0,
        num_workers,
        max_in_flight_bytes: 1 << 16,
        slow_picture_ms: 1e9,
        ..StreamConfig::default()
    }
}

fn voxel(index: &[usize]) -> usize {
    index.iter().fold(7, |hash, i| hash * 31 + i)
}

/// Twelve timepoints of u16, each plane a chunk.
fn first() -> MemorySource {
    let value = |index: &[usize]| voxel(index) as u16;
    MemorySource::from_fn(DType::U16, Shape::from([12, 4, 8, 8]), "tzyx", &[1, 1, 8, 8], value).expect("agrees")
}

/// Five timepoints of f32, in chunks that hold several of them.
fn second() -> MemorySource {
    let value = |index: &[usize]| voxel(index) as f32 / 4.0;
    MemorySource::from_fn(DType::F32, Shape::from([5, 3, 6, 10]), "tzyx", &[2, 2, 6, 5], value).expect("agrees")
}

fn array(source: Arc<dyn Source>) -> Arc<LazyArray> {
    Arc::new(LazyArray::new(source))
}

fn plane(t: usize, index: usize) -> Picture {
    Picture::Plane { t, orientation: Orientation::Xy, index }
}

/// A view of each layer, in this order.
fn views(pictures: &[(LayerId, Picture)]) -> ViewRequest {
    let views = pictures.iter().enumerate().map(|(i, (layer, picture))| PictureRequest {
        view: ViewId(i as u8),
        ..PictureRequest::whole(*layer, *picture)
    });
    ViewRequest { views: views.collect(), ..ViewRequest::default() }
}

fn run_all(stream: &Stream) {
    while stream.run_one() {
        let stats = stream.stats();
        assert!(stats.cache_bytes <= stats.budget_bytes && stats.picture_bytes <= stats.picture_budget_bytes);
        assert!(stats.used_bytes() <= stats.total_budget_bytes);
    }
}

fn text(stream: &Stream, key: PictureKey, at: [usize; 2]) -> Option<String> {
    stream.picture(&key).ready().and_then(|voxels| voxels.format_value(&at))
}

#[test]
fn two_layers_of_other_shapes_and_types_are_both_shown_right() {
    let (one, two) = (array(Arc::new(first())), array(Arc::new(second())));
    let stream = Stream::new(Arc::clone(&one), config(0), Arc::new(|| ()));
    stream.add_layer(Arc::clone(&two));
    let now = Instant::now();
    for t in 0..5 {
        let sum = Picture::Projection { t, orientation: Orientation::Xy, slab: [0, 3], op: Projection::Max };
        let request = views(&[(one.id(), plane(t, 3)), (two.id(), plane(t, 2)), (two.id(), sum)]);
        stream.request(&request, now + Duration::from_millis(16 * t as u64));
        while stream.stats().queued_visible > 0 {
            stream.run_one();
        }
        assert_eq!(
            text(&stream, one.picture_key(plane(t, 3)), [5, 7]),
            Some((voxel(&[t, 3, 5, 7]) as u16).to_string())
        );
        let expected = voxel(&[t, 2, 5, 9]) as f32 / 4.0;
        for picture in [plane(t, 2), sum] {
            assert_eq!(text(&stream, two.picture_key(picture), [5, 9]), Some(expected.to_string()), "{picture:?}");
        }
        run_all(&stream);
    }
    // Each has its own strip, its own sample and its own end.
    assert!(matches!(stream.picture(&two.picture_key(plane(7, 0))), PictureState::Failed(_)));
    let ranges = [one.picture_key(plane(0, 3)), two.picture_key(plane(0, 2))].map(|key| stream.cached_ranges(&key));
    assert!(ranges.iter().all(|ranges| !ranges.is_empty()) && ranges[1].iter().all(|range| range[1] <= 5));
    let samples = [one.id(), two.id()].map(|layer| stream.sample(layer).expect("read in the background"));
    assert!(samples[0].max.fract() == 0.0 && samples[1].max != samples[0].max);
}

#[test]
fn what_becomes_of_one_layer_does_not_touch_the_other() {
    let gate = GatedSource::open(Arc::new(first()));
    let one = array(gate.clone());
    let two = array(Arc::new(second()));
    let config = StreamConfig { ram_budget_bytes: 1 << 20, ..config(0) };
    let stream = Stream::new(Arc::clone(&one), config, Arc::new(|| ()));
    stream.add_layer(Arc::clone(&two));
    stream.request(&views(&[(one.id(), plane(3, 0)), (two.id(), plane(3, 0))]), Instant::now());
    run_all(&stream);
    let (shown, num_reads) = (text(&stream, one.picture_key(plane(3, 0)), [1, 1]), gate.num_reads());
    // Another recording begins in the second one's place: it is read at once, as it was asked for.
    let ones = MemorySource::from_fn(DType::F32, Shape::from([5, 3, 6, 10]), "tzyx", &[2, 2, 6, 5], |_| 1f32);
    let other = Arc::new(two.replaced_by(Arc::new(ones.expect("agrees"))));
    stream.replace_layer(two.id(), Arc::clone(&other), &[]);
    assert!(text(&stream, two.picture_key(plane(3, 0)), [1, 1]).is_none());
    assert!(stream.cached_ranges(&two.picture_key(plane(3, 0))).is_empty());
    run_all(&stream);
    assert_eq!(text(&stream, other.picture_key(plane(3, 0)), [1, 1]).as_deref(), Some("1"));
    // And it is taken away.
    let before = stream.stats().cache_bytes;
    assert!(stream.remove_layer(other.id()) && !stream.remove_layer(other.id()));
    assert!(stream.stats().cache_bytes < before);
    assert!(stream.image(other.id()).is_none() && !stream.remove_layer(one.id()), "one is left");
    run_all(&stream);
    assert_eq!((text(&stream, one.picture_key(plane(3, 0)), [1, 1]), gate.num_reads()), (shown, num_reads));
}

#[test]
fn channels_are_layers_held_at_an_index() {
    let shape = Shape::from([3, 2, 4, 5, 6]);
    for grid in [[1, 1, 4, 5, 6], [1, 2, 2, 5, 6]] {
        let value = |index: &[usize]| voxel(index) as u16;
        let source = MemorySource::from_fn(DType::U16, shape, "tczyx", &grid, value).expect("agrees");
        let first = Image::from(array(Arc::new(source)));
        let second = first.holding(&[1]).expect("there are two");
        assert!(first.holding(&[2]).is_none() && first.id() != second.id());
        let stream = Stream::new(first.clone(), config(0), Arc::new(|| ()));
        stream.add_layer(second.clone());
        stream.request(&views(&[(first.id(), plane(2, 3)), (second.id(), plane(2, 3))]), Instant::now());
        run_all(&stream);
        for (channel, image) in [first, second].iter().enumerate() {
            let key = PictureKey::finest(image.id(), plane(2, 3));
            assert_eq!(text(&stream, key, [4, 5]), Some((voxel(&[2, channel, 3, 4, 5]) as u16).to_string()));
        }
    }
}

#[test]
fn a_read_that_comes_in_late_lands_in_no_other_layer() {
    let gate = GatedSource::closed(Arc::new(first()));
    let one = array(gate.clone());
    let stream = Stream::new(Arc::clone(&one), config(2), Arc::new(|| ()));
    stream.request(&views(&[(one.id(), plane(3, 0))]), Instant::now());
    assert!(gate.wait_for_waiting(1, Duration::from_secs(20)));
    let zeros = MemorySource::new(DType::U16, Shape::from([12, 4, 8, 8]), "tzyx", &[1, 1, 8, 8], vec![0; 12 * 512]);
    let other = array(Arc::new(zeros.expect("agrees")));
    stream.replace_layer(one.id(), Arc::clone(&other), &[]);
    gate.open_all();
    let deadline = Instant::now() + Duration::from_secs(20);
    while stream.stats().in_flight_bytes > 0 || stream.stats().queued > 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    for t in 0..12 {
        let value = text(&stream, other.picture_key(plane(t, 0)), [3, 3]);
        assert!(value.is_none_or(|value| value == "0"), "t = {t}");
        assert!(text(&stream, one.picture_key(plane(t, 0)), [3, 3]).is_none());
    }
}
