//! What a delayed chain of operations costs: a plane shown bare, and through a chain of five, in the same run.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tectum::array::LazyArray;
use tectum::array::delayed::{delayed, open_operand};
use tectum::demo::{BlockWriter, Recipe, Scene};
use tectum::format::{OpenOptions, Source, open};
use tectum::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{LayerId, Orientation, Picture, Pool, Region};

const NUM_T: usize = 4;
const NUM_Z: usize = 16;
const EDGE: usize = 512;
/// The last two read more than the plane that is shown: four timepoints of it, and what lies around every voxel.
const CHAINS: [(&str, &str); 5] = [
    ("arithmetic", "subtract 100 | multiply 3 | divide 7.5 | add 1 | greater 20"),
    ("to single precision", "cast f4 | subtract 100.0 | divide 2.5 | sqrt | abs"),
    ("with a logarithm", "cast f4 | subtract 100.0 | abs | log1p | round 2"),
    ("with a baseline", "subtract 100 | abs | dff mean of 0:4 | multiply 100 | round 1"),
    ("with a Gaussian", "subtract 100 | abs | gaussian_filter 1 over y, x | divide 2.5 | round 2"),
];

/// A recording of some volumes of a small demo brain: real structure and real noise.
fn recording() -> (tempfile::TempDir, Arc<dyn Source>) {
    let scene = Scene::new(&Recipe { shape: [1, NUM_Z, EDGE, EDGE], ..Recipe::default() });
    let mut volume = vec![0; NUM_Z * EDGE * EDGE];
    for (z, plane) in volume.chunks_exact_mut(EDGE * EDGE).enumerate() {
        scene.draw(0, z, plane);
    }
    let folder = tempfile::tempdir().unwrap();
    let writer = BlockWriter::new(folder.path(), [NUM_Z, EDGE, EDGE]).unwrap();
    writer.write(0, &volume.repeat(NUM_T)).unwrap();
    let source = open(writer.path(0), &OpenOptions::default()).unwrap().source;
    (folder, source)
}

fn through(source: &Arc<dyn Source>, text: &str) -> Arc<dyn Source> {
    let open = |name: &str| open_operand(name, &OpenOptions::default());
    delayed(Arc::clone(source), LayerId::next(), 0, &text.parse().unwrap(), &open).unwrap()
}

/// Seconds from asking for a plane that was not asked for before to having it, all of them one after the other, on
/// this thread: the file is in the system's memory, nothing else is.
fn planes(source: &Arc<dyn Source>) -> Duration {
    let array = Arc::new(LazyArray::new(Arc::clone(source)));
    let config = StreamConfig { num_workers: 0, ..StreamConfig::with_ram_budget(1 << 30) };
    let stream = Stream::new(Arc::clone(&array), config, Arc::new(|| {}));
    let start = Instant::now();
    for t in 0..NUM_T {
        for index in 0..NUM_Z {
            let picture = Picture::Plane { t, orientation: Orientation::Xy, index };
            stream.request(&ViewRequest::of(array.id(), picture), Instant::now());
            while stream.run_one() {}
            assert!(matches!(stream.picture(&array.picture_key(picture)), PictureState::Ready(_)));
        }
    }
    start.elapsed()
}

fn ratio(source: &Arc<dyn Source>) {
    const TURNS: usize = 9;
    let sources: Vec<_> = CHAINS.iter().map(|(_, text)| through(source, text)).collect();
    let mut ratios = vec![Vec::new(); sources.len()];
    for turn in 0..=TURNS {
        let bare = planes(source).as_secs_f64();
        for (source, ratios) in sources.iter().zip(&mut ratios) {
            // The first turn fills the system's memory.
            if turn > 0 {
                ratios.push(planes(source).as_secs_f64() / bare);
            }
        }
    }
    for ((name, text), ratios) in CHAINS.iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        let [low, middle, high] = [0, TURNS / 2, TURNS - 1].map(|at| ratios[at]);
        println!(
            "a plane through a chain of five ({name}: {text}): {middle:.2} × the bare plane ({low:.2} to {high:.2})"
        );
    }
}

fn regions(c: &mut Criterion) {
    let (_folder, source) = recording();
    ratio(&source);
    let mut group = c.benchmark_group("plane");
    group.throughput(Throughput::Bytes((EDGE * EDGE * 2) as u64)).sample_size(20);
    let sliced = tectum::array::delayed::selected(&source, &"1:, 2:, 16:".parse().unwrap()).unwrap();
    let all = CHAINS.iter().map(|(name, text)| (*name, through(&source, text)));
    for (name, source) in [("bare", Arc::clone(&source)), ("slice", sliced)].into_iter().chain(all) {
        let array = LazyArray::new(source);
        let pool = Pool::new(64 << 20);
        let mut z = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                z = (z + 1) % (NUM_Z - 2);
                let whole: Region = array.whole().with_axis(0, 1, 2).with_axis(1, z, z + 1);
                array.read_region(&whole, &pool).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, regions);
criterion_main!(benches);
