//! What a recording costs in every format that holds the same chunks, and how soon large ones open:
//! `make bench-sources`, or `cargo bench --bench sources` with TECTUM_SOURCES naming the folder that
//! benches/sources/make.py has written and TECTUM_RECORDING the split dataset it was made from.
//!
//! All are read in turn in the same run, so that whatever else the machine does hits all alike.
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to say")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tectum::array::{ArrayChunk, LazyArray};
use tectum::format::hdf5::read_at;
use tectum::format::{OpenOptions, open};
use tectum::volume::{Location, Pool};

const NUM_TURNS: usize = 7;
/// Least time a rate is measured for, so that short recordings are gone over again.
const LEAST: Duration = Duration::from_millis(400);

/// A file of the folder, and at least how fast it is to be read, against the split dataset or the bare file.
const KINDS: [(&str, &str, f64); 6] = [
    ("plain HDF5", "plain.h5", 0.95),
    ("virtual dataset over the blocks", "virtual.h5", 0.95),
    ("LINDI", "refs.lindi.json", 0.95),
    ("OME-Zarr, Blosc", "unsharded.zarr", 0.9),
    ("OME-Zarr, Blosc, sharded", "sharded.zarr", 0.9),
    ("TIFF, uncompressed", "uncompressed.tif", 0.8),
];

fn main() {
    let (Some(folder), Some(recording)) = (std::env::var_os("TECTUM_SOURCES"), std::env::var_os("TECTUM_RECORDING"))
    else {
        println!("`make bench-sources` writes what is read here");
        return;
    };
    let folder = PathBuf::from(folder);
    rates(&folder, Path::new(&recording));
    openings(&folder);
}

/// One way to read all of the voxels.
struct Contender {
    name: &'static str,
    least: f64,
    read: Box<dyn Fn() -> u64>,
    /// MB/s of each turn.
    rates: Vec<f64>,
}

fn rates(folder: &Path, recording: &Path) {
    let mut all: Vec<_> = contender("split dataset", 1.0, recording).into_iter().collect();
    all.extend(KINDS.iter().filter_map(|(name, file, least)| contender(name, *least, &folder.join(file))));
    let file = folder.join("uncompressed.tif");
    all.push(Contender {
        name: "the bare file of the TIFF",
        least: 0.0,
        read: Box::new(move || bare(&file)),
        rates: Vec::new(),
    });
    for turn in 0..=NUM_TURNS {
        for contender in &mut all {
            let rate = measure(&contender.read);
            // The first turn fills the page cache.
            if turn > 0 {
                contender.rates.push(rate);
            }
        }
    }
    println!("| what | MB/s | against | ratio (median of turns) | worst turn | at least |\n|---|---|---|---|---|---|");
    let (split, bare) = (all[0].rates.clone(), all[all.len() - 1].rates.clone());
    for contender in &all {
        let is_tiff = contender.name.starts_with("TIFF");
        let (other, against) = if is_tiff { (&bare, "the bare file") } else { (&split, "split dataset") };
        let mut ratios: Vec<f64> = contender.rates.iter().zip(other).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        let mut rates = contender.rates.clone();
        rates.sort_by(f64::total_cmp);
        let (name, least) = (contender.name, contender.least);
        let rate = rates[rates.len() / 2];
        println!("| {name} | {rate:.0} | {against} | {:.2} | {:.2} | {least} |", ratios[ratios.len() / 2], ratios[0]);
    }
}

/// `None`, and a line on stderr, where it does not open: the others are measured all the same.
fn contender(name: &'static str, least: f64, path: &Path) -> Option<Contender> {
    let opened = open(Location::from(path), &OpenOptions::default()).inspect_err(|error| eprintln!("{error}")).ok()?;
    let array = Arc::new(LazyArray::new(opened.source));
    let mut chunks = Vec::new();
    array.chunks(&array.whole(), &mut chunks);
    let pool = Pool::new(256 << 20);
    Some(Contender { name, least, read: Box::new(move || read_all(&array, &chunks, &pool)), rates: Vec::new() })
}

fn read_all(array: &LazyArray, chunks: &[ArrayChunk], pool: &Pool) -> u64 {
    let read = |chunk: &ArrayChunk| array.read_chunk(chunk, pool).unwrap().voxels.bytes().len() as u64;
    chunks.par_iter().with_min_len(4).map(read).sum()
}

/// The bytes of a file in pieces of the size of a volume's plane, on all cores.
fn bare(path: &Path) -> u64 {
    const PIECE: u64 = 512 * 1024;
    let file = File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let read = |i: u64| {
        thread_local! {
            static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(PIECE.min(len - i * PIECE) as usize, 0);
            read_at(&file, buffer, i * PIECE).unwrap();
            buffer.len() as u64
        })
    };
    (0..len.div_ceil(PIECE)).into_par_iter().map(read).sum()
}

/// MB/s of voxels.
fn measure(read: &dyn Fn() -> u64) -> f64 {
    let start = Instant::now();
    let mut num_bytes = 0;
    while start.elapsed() < LEAST {
        num_bytes += read();
    }
    num_bytes as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// From a path to a source of which the first plane has been read.
fn openings(folder: &Path) {
    println!("\n| what | first time, s | again, s | at most |\n|---|---|---|---|");
    for (name, file, most) in [
        ("HDF5 file of 100,000 chunks", "many_chunks.h5", "0.3"),
        ("TIFF of 100,000 pages", "many_pages.tif", "2, then 0.2"),
        ("OME-Zarr pyramid of 40,000 × 40,000 × 50", "pyramid.zarr", "1"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let options = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
        let times = [0, 1].map(|_| first_chunk(&folder.join(file), &options));
        println!("| {name} | {:.3} | {:.3} | {most} |", times[0], times[1]);
    }
}

fn first_chunk(path: &Path, options: &OpenOptions) -> f64 {
    let start = Instant::now();
    let opened = open(Location::from(path), options).unwrap_or_else(|error| panic!("{error}"));
    let array = LazyArray::new(opened.source);
    let [t, z, y, x] = array.info().shape;
    let chunk = array.chunk_at([t - 1, z / 2, y / 2, x / 2]).unwrap();
    array.read_chunk(&chunk, &Pool::new(64 << 20)).unwrap();
    start.elapsed().as_secs_f64()
}
