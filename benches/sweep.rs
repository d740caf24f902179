//! What a sweep costs and how soon it shows something: `cargo bench --bench sweep`, on the recording named by
//! `TECTUM_RECORDING`, or on a demo recording that is written for it.
//!
//! Every figure stands beside the one it is to be compared with, taken in turn in the same run: whatever else the
//! machine does hits both alike.
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to say")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tectum::array::{ChunkKey, LazyArray, Loaded};
use tectum::demo::{Recipe, write};
use tectum::format::OpenOptions;
use tectum::qc::{Code, Codes};
use tectum::stream::{Peek, PictureState, Stream, StreamConfig, ViewRequest};
use tectum::sweep::{CheckOptions, Checker, Lender, NoLender, check, subject_of};
use tectum::volume::{Location, Orientation, Picture, Pool};

const NUM_TURNS: usize = 3;

fn main() {
    let (_folder, path) = recording();
    let opened = tectum::format::open(Location::from(path), &OpenOptions::default()).unwrap();
    let array = Arc::new(LazyArray::new(opened.source));
    let [t, z, y, x] = array.info().shape;
    let num_bytes = array.whole().shape().num_bytes(array.info().dtype).unwrap() as f64;
    println!("{t} × {z} × {y} × {x} {}, {:.2} GB", array.info().dtype, num_bytes / 1e9);
    rates(&array, num_bytes);
    first_map(&array);
    scrubbing(&array);
}

fn recording() -> (Option<tempfile::TempDir>, PathBuf) {
    if let Some(path) = std::env::var_os("TECTUM_RECORDING") {
        return (None, path.into());
    }
    let folder = tempfile::TempDir::new().unwrap();
    let recipe = Recipe { shape: [60, 30, 512, 512], ..Recipe::default() };
    write(folder.path(), &recipe, |_, _| true).unwrap();
    let path = folder.path().join("original");
    (Some(folder), path)
}

/// Decoded bytes per second: chunks alone, with the cheap measures, with all of them; and the memory it takes.
fn rates(array: &Arc<LazyArray>, num_bytes: f64) {
    let cheap: Codes = [Code::Intensity, Code::Saturation, Code::Duplicate, Code::Missing].into_iter().collect();
    let sets = [("intensity, saturation, duplicate, missing", cheap), ("all measures", Codes::ALL)];
    let (mut bare, mut measured) = (f64::INFINITY, [f64::INFINITY; 2]);
    let mut memory = [0; 2];
    for _ in 0..NUM_TURNS {
        bare = bare.min(seconds(|| decode_all(array)));
        for (i, (_, wanted)) in sets.iter().enumerate() {
            let options = CheckOptions { wanted: *wanted, ..CheckOptions::default() };
            let before = forget_peak();
            let took = seconds(|| drop(check(array, &subject_of(array, None), &options, |_, _| true).unwrap()));
            measured[i] = measured[i].min(took);
            memory[i] = memory[i].max(peak().saturating_sub(before));
        }
    }
    println!("| what | MB/s | of bare decoding | memory, MB |\n|---|---|---|---|");
    println!("| bare decoding | {:.0} | 1 | |", num_bytes / bare / 1e6);
    for (i, (name, _)) in sets.iter().enumerate() {
        let (rate, share, mb) = (num_bytes / measured[i] / 1e6, bare / measured[i], memory[i] as f64 / 1e6);
        println!("| {name} | {rate:.0} | {share:.2} | {mb:.0} |");
    }
}

fn decode_all(array: &LazyArray) {
    let (pool, total) = (Pool::new(64 << 20), AtomicU64::new(0));
    let mut chunks = Vec::new();
    array.chunks(&array.whole(), &mut chunks);
    chunks.par_iter().with_max_len(1).for_each(|chunk| {
        let loaded = array.read_chunk(chunk, &pool).unwrap();
        total.fetch_add(loaded.voxels.bytes().len() as u64, Ordering::Relaxed);
    });
    assert!(total.into_inner() > 0);
}

/// From opening to a map of the whole, and to the measures of all of it.
fn first_map(array: &Arc<LazyArray>) {
    let begin = Instant::now();
    let checker = start(array, Arc::new(NoLender));
    let until = |is_reached: &dyn Fn(usize, usize) -> bool| loop {
        let snapshot = checker.snapshot();
        if is_reached(snapshot.table.num_seen(), snapshot.progress.done) {
            return begin.elapsed().as_secs_f64();
        }
        assert!(snapshot.progress.failure.is_none(), "{:?}", snapshot.progress);
        std::thread::sleep(Duration::from_millis(5));
    };
    let num_t = array.info().shape[0];
    let first = until(&|num_seen, _| num_seen >= 12.min(num_t));
    let dense = until(&|num_seen, done| num_seen >= 30.min(num_t) || done > 0);
    let all = until(&|_, done| done == num_t);
    println!(
        "first map (12 timepoints): {first:.2} s; 30 timepoints or the end of the look: {dense:.2} s; all: {all:.2} s"
    );
}

/// From a step to the exact plane, each of another timepoint and not in memory.
fn scrubbing(array: &Arc<LazyArray>) {
    let alone = (0..NUM_TURNS).map(|_| scrub(array, false));
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for alone in alone.collect::<Vec<_>>() {
        times[0].extend(alone);
        times[1].extend(scrub(array, true));
    }
    let [without, with] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        [times[times.len() / 2], times[times.len() * 9 / 10]]
    });
    println!(
        "step → plane, ms: alone {:.2} (p90 {:.2}), while sweeping {:.2} (p90 {:.2}): {:.2} ×",
        without[0],
        without[1],
        with[0],
        with[1],
        with[0] / without[0]
    );
}

struct Peeking(Peek);

impl Lender for Peeking {
    fn chunk(&self, key: &ChunkKey) -> Option<Loaded> {
        self.0.cached_chunk(*key)
    }

    fn is_busy(&self) -> bool {
        self.0.is_busy()
    }
}

fn scrub(array: &Arc<LazyArray>, is_swept: bool) -> Vec<f64> {
    let config = StreamConfig::with_ram_budget(256 << 20);
    let stream = Stream::new(Arc::clone(array), config, Arc::new(|| ()));
    let checker = is_swept.then(|| start(array, Arc::new(Peeking(stream.peek()))));
    let num_t = array.info().shape[0];
    let mut times = Vec::new();
    for i in 0..40 {
        // Far from what is read ahead, and at the pace of a person who steps.
        let t = i * 17 % num_t;
        let plane = Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
        let begin = Instant::now();
        stream.request(&ViewRequest::of(array.id(), plane), begin);
        while !matches!(stream.picture(&array.picture_key(plane)), PictureState::Ready(_)) {
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(60));
    }
    drop(checker);
    times
}

fn start(array: &Arc<LazyArray>, lender: Arc<dyn Lender>) -> Checker {
    Checker::start(Arc::clone(array), subject_of(array, None), Codes::ALL, lender, Arc::new(|| ()))
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

/// The most memory the process has had since it was last forgotten, where the system tells.
fn peak() -> usize {
    status("VmHWM")
}

/// Forgets the most memory there was; what there is now.
fn forget_peak() -> usize {
    // Where that cannot be done, more is counted.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status("VmRSS")
}

fn status(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok()).map_or(0, |kb| kb * 1024)
}
