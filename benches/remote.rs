//! What a recording behind a URL costs: `cargo bench --bench remote`. A server on this machine answers with 50 ms
//! of added latency and a bounded line; the recording is scrubbed forward, each step made when the former one is
//! on screen, and the bytes that came are compared with what the same server gives who only downloads.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that fails has nothing to say")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tectum::array::LazyArray;
use tectum::demo::BlockWriter;
use tectum::format::{Cancel, OpenOptions, store};
use tectum::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{Location, Orientation, Picture};

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/common/server.rs"]
mod server;

use server::Server;

const LATENCY: Duration = Duration::from_millis(50);
const LINE_BYTES_PER_S: f64 = 120e6;
const NUM_T: usize = 120;
const VOLUME: [usize; 3] = [6, 512, 512];
const NUM_TURNS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let server = Server::of(folder.path());
    server.set_latency(LATENCY);
    server.set_bytes_per_s(LINE_BYTES_PER_S);
    let url = server.url("0000.h5");
    let num_bytes = std::fs::metadata(folder.path().join("0000.h5")).unwrap().len();
    println!(
        "{:.0} MB of {NUM_T} timepoints, {LATENCY:?} of latency, {:.0} MB/s",
        num_bytes as f64 / 1e6,
        LINE_BYTES_PER_S / 1e6
    );
    for _ in 0..NUM_TURNS {
        let alone = download(&url, num_bytes);
        server.clear_log();
        let begin = Instant::now();
        let opened = tectum::format::open(url.as_str(), &OpenOptions::default()).unwrap();
        println!("opened in {:.0} ms, {} requests", begin.elapsed().as_secs_f64() * 1e3, server.num_requests());
        server.clear_log();
        let (times, seconds) = scrub(&Arc::new(LazyArray::new(opened.source)));
        let rate = server.log().num_bytes as f64 / seconds;
        let trips = |part: f64| times[((times.len() - 1) as f64 * part) as usize] / (LATENCY.as_secs_f64() * 1e3);
        println!(
            "step → plane, round trips: median {:.2}, 90 % {:.2}, all {:.2}; {:.0} of {:.0} MB/s: {:.2}; {} under way at most",
            trips(0.5),
            trips(0.9),
            trips(1.0),
            rate / 1e6,
            alone / 1e6,
            rate / alone,
            server.log().max_under_way
        );
    }
}

/// One file of noise, a chunk for each timepoint.
fn write(folder: &Path) {
    let writer = BlockWriter::new(folder, VOLUME).unwrap().with_chunk([1, VOLUME[0], VOLUME[1], VOLUME[2]]);
    let draw = |t: usize, z: usize, plane: &mut [u16]| {
        for (i, voxel) in plane.iter_mut().enumerate() {
            // Noise that no codec makes smaller.
            let mut hash = (((t * 64 + z) << 20 | i) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            hash = (hash ^ hash >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            hash ^= hash >> 32;
            *voxel = hash as u16;
        }
    };
    writer.write_drawn(0, NUM_T, NUM_T, draw).unwrap();
}

/// Bytes a second that the server gives who asks for all of the file in parts, many at a time.
fn download(url: &str, num_bytes: u64) -> f64 {
    let store = store::open(&Location::parse(url), &OpenOptions::default()).unwrap();
    let part_bytes = 2 << 20;
    let (next, begin) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(part_bytes, Ordering::Relaxed);
                    if at >= num_bytes {
                        break;
                    }
                    let range = at..(at + part_bytes).min(num_bytes);
                    store.ranges("", &[range], Instant::now() + Duration::from_secs(60), &Cancel::new()).unwrap();
                }
            });
        }
    });
    num_bytes as f64 / begin.elapsed().as_secs_f64()
}

/// From each step to its plane, in ms, sorted, without the first steps, before which nothing can have been read
/// ahead; and the seconds from the first step to the last plane.
fn scrub(array: &Arc<LazyArray>) -> (Vec<f64>, f64) {
    let stream = Stream::new(Arc::clone(array), StreamConfig::with_ram_budget(1 << 30), Arc::new(|| ()));
    let mut times = Vec::new();
    let start = Instant::now();
    for t in 0..array.info().shape[0] {
        let plane = Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
        let begin = Instant::now();
        stream.request(&ViewRequest::of(array.id(), plane), begin);
        while !matches!(stream.picture(&array.picture_key(plane)), PictureState::Ready(_)) {
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        // No faster than a frame.
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = start.elapsed().as_secs_f64();
    let mut times = times.split_off(5);
    times.sort_by(f64::total_cmp);
    (times, seconds)
}
