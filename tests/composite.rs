//! Promise: what is computed from other recordings is computed from what is in memory already, and never from
//! what is not true any more.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use tectum::array::LazyArray;
use tectum::format::memory::{GatedSource, MemorySource, RemoteSource, SumSource};
use tectum::format::{Input, Source};
use tectum::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, LayerId, Orientation, Picture, Region, Shape};

const NUM_T: usize = 6;

/// One chunk a timepoint.
fn array(first: u16) -> MemorySource {
    let value = |index: &[usize]| first + index.iter().fold(0, |value, i| value * 8 + *i as u16);
    MemorySource::from_fn(DType::U16, Shape::from([NUM_T, 2, 4, 6]), "tzyx", &[1, 2, 4, 6], value).unwrap()
}

fn value(t: usize, y: usize, x: usize) -> usize {
    t * 512 + 64 + y * 8 + x
}

fn sum(first: Arc<dyn Source>, second: Arc<dyn Source>, layers: [LayerId; 2]) -> Arc<dyn Source> {
    let input = |source, layer| Input { source, layer, level: 0 };
    Arc::new(SumSource::new([input(first, layers[0]), input(second, layers[1])], &[1, 1, 4, 6]).unwrap())
}

fn plane(t: usize) -> Picture {
    Picture::Plane { t, orientation: Orientation::Xy, index: 1 }
}

fn stream(source: Arc<dyn Source>) -> Stream {
    let config = StreamConfig { num_workers: 0, ..StreamConfig::with_ram_budget(8 << 20) };
    Stream::new(Arc::new(LazyArray::new(source)), config, Arc::new(|| ()))
}

fn shown(stream: &Stream, t: usize) -> String {
    let array = stream.array();
    stream.request(&ViewRequest::of(array.id(), plane(t)), Instant::now());
    while stream.run_one() {}
    let PictureState::Ready(voxels) = stream.picture(&array.picture_key(plane(t))) else { panic!("{t} is not there") };
    voxels.format_value(&[2, 3]).unwrap_or_else(|| "missing".to_owned())
}

fn of_itself(source: Arc<dyn Source>, layer: LayerId) -> Arc<dyn Source> {
    sum(Arc::clone(&source), source, [layer; 2])
}

#[test]
fn inputs_are_read_once_however_often_they_are_needed() {
    let source = GatedSource::open(Arc::new(array(0)));
    let stream = stream(of_itself(Arc::clone(&source) as _, LayerId::next()));
    for t in (0..NUM_T).rev() {
        let wanted = value(t, 2, 3) + if t == 0 { 0 } else { value(t - 1, 2, 3) };
        assert_eq!(shown(&stream, t), wanted.to_string());
    }
    assert_eq!(source.num_reads(), NUM_T, "each of them is needed by both planes of two timepoints");
}

#[test]
fn what_a_layer_shows_is_not_read_again_for_what_is_computed_from_it() {
    let source = GatedSource::open(Arc::new(array(0)));
    let layer = Arc::new(LazyArray::new(Arc::clone(&source) as _));
    let stream = stream(of_itself(Arc::clone(&source) as _, layer.id()));
    stream.add_layer(Arc::clone(&layer));
    stream.request(&ViewRequest::of(layer.id(), plane(3)), Instant::now());
    while stream.run_one() {}
    let num_reads = source.num_reads();
    assert!(num_reads > 0);
    assert_eq!(shown(&stream, 3), (value(3, 2, 3) + value(2, 2, 3)).to_string());
    assert_eq!(source.num_reads(), NUM_T.max(num_reads));
    assert!((0..NUM_T as u64).all(|index| source.num_reads_of(index) <= 1));
}

#[test]
fn sums_of_sums_and_of_what_lies_afar() {
    let remote = RemoteSource::open(array(0));
    let inner = of_itself(Arc::clone(&remote) as _, LayerId::next());
    let stream = stream(of_itself(inner, LayerId::next()));
    assert_eq!(shown(&stream, 4), (value(4, 2, 3) + 2 * value(3, 2, 3) + value(2, 2, 3)).to_string());
    let begun = remote.log().begun;
    assert!((0..NUM_T as u64).all(|index| begun.iter().filter(|known| **known == index).count() <= 1), "{begun:?}");
}

#[test]
fn a_gap_of_an_input_is_a_gap() {
    let gap = Region::new(&[2, 1, 2, 0], &[3, 2, 3, 6]).unwrap();
    let stream = stream(of_itself(Arc::new(array(0).with_missing(&[gap]).with_failing(&[5])), LayerId::next()));
    let seen: Vec<String> = (0..NUM_T - 1).map(|t| shown(&stream, t)).collect();
    let sum = |t: usize| (value(t, 2, 3) + value(t - 1, 2, 3)).to_string();
    assert_eq!(seen, [value(0, 2, 3).to_string(), sum(1), "missing".into(), "missing".into(), sum(4)]);
    let key = stream.array().picture_key(plane(5));
    stream.request(&ViewRequest::of(stream.array().id(), plane(5)), Instant::now());
    while stream.run_one() {}
    assert_eq!(stream.missing_reason(&key).map(|error| error.to_string()).as_deref(), Some("memory: made to fail"));
}

#[test]
fn what_was_kept_of_a_former_input_is_not_used_for_the_next() {
    let layer = LayerId::next();
    let stream = stream(of_itself(Arc::new(array(0)), layer));
    assert_eq!(shown(&stream, 1), (value(1, 2, 3) + value(0, 2, 3)).to_string());
    // The same recording written anew, and then another one in its place, both under the same input's name.
    for (first, is_same) in [(100, true), (1000, false)] {
        let source = of_itself(Arc::new(array(first)), layer);
        let old = stream.array();
        let new = if is_same { old.grown(source) } else { old.replaced_by(source) };
        stream.replace_array(Arc::new(new), &[0..u64::MAX]);
        assert_eq!(shown(&stream, 1), (value(1, 2, 3) + value(0, 2, 3) + 2 * first as usize).to_string());
    }
}
