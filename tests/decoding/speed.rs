//! Figures, not promises: `TECTUM_BIG=folder cargo test --release --test decoding speed -- --ignored --nocapture`.
//! The folder holds blocks `0000.h5` … with a dataset `stack_4D`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tectum::codec::blosc;
use tectum::format::hdf5::{H5Array, StoredChunk, read_at};
use tectum::volume::{DType, Region};

use super::writer::{Spec, sample, write};

/// The shortest of several rounds, in time on the clock.
fn best<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed()
        })
        .min()
        .unwrap()
}

/// Seconds of processor time of the whole process so far, which a busy machine hardly changes.
#[cfg(unix)]
#[allow(unsafe_code)]
pub fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live record.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(not(unix))]
pub fn processor_seconds() -> f64 {
    0.0
}

/// The least processor time of several rounds.
fn least(rounds: usize, mut work: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = processor_seconds();
            work();
            processor_seconds() - start
        })
        .fold(f64::INFINITY, f64::min)
}

/// Every part of every block, as a source offers them.
fn parts(array: &H5Array) -> Vec<Region> {
    let whole = Region::whole(&array.header().shape);
    let parts = array.parts();
    let mut regions = vec![whole];
    for axis in 0..whole.rank() {
        regions = regions
            .iter()
            .flat_map(|region| {
                let step = parts.dims()[axis];
                (0..whole.stop()[axis])
                    .step_by(step)
                    .map(move |start| region.with_axis(axis, start, whole.stop()[axis].min(start + step)))
            })
            .collect();
    }
    regions
}

/// Every stored chunk, in the order of the array.
fn stored(array: &H5Array) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(array.path()).unwrap();
    let load = |chunk: &StoredChunk| {
        let mut bytes = vec![0; chunk.num_bytes];
        read_at(&file, &mut bytes, chunk.offset).unwrap();
        bytes
    };
    array.stored_chunks().iter().map(load).collect()
}

/// The codec that is the limit to compare with.
#[allow(unsafe_code)]
fn c_blosc(stored: &[u8], buffer: &mut [u8]) {
    // SAFETY: chunks of a whole recording that this test opened; c-blosc keeps within the buffer's length.
    let len =
        unsafe { blosc_src::blosc_decompress_ctx(stored.as_ptr().cast(), buffer.as_mut_ptr().cast(), buffer.len(), 1) };
    assert_eq!(usize::try_from(len), Ok(buffer.len()));
}

#[test]
#[ignore = "measures speed; needs a large recording"]
fn whole_recording_against_the_bare_codec() {
    let folder = PathBuf::from(std::env::var("TECTUM_BIG").expect("TECTUM_BIG names a folder of blocks"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "h5"));
    paths.sort();
    let open = best(3, || paths.iter().for_each(|path| drop(H5Array::open(path, "stack_4D").unwrap())));
    println!("open {} blocks: {:.2} ms each", paths.len(), open.as_secs_f64() * 1e3 / paths.len() as f64);
    let arrays: Vec<_> = paths.iter().map(|path| H5Array::open(path, "stack_4D").unwrap()).collect();
    println!(
        "{:?}, {}, parts {:?}",
        arrays[0].header().layout,
        arrays[0].header().filters_in_words(),
        arrays[0].parts()
    );
    let jobs: Vec<_> =
        arrays.iter().flat_map(|array| parts(array).into_iter().map(move |region| (array, region))).collect();
    let num_bytes: usize =
        jobs.iter().map(|(array, region)| region.shape().num_bytes(array.header().dtype).unwrap()).sum();
    let largest =
        jobs.iter().map(|(array, region)| region.shape().num_bytes(array.header().dtype).unwrap()).max().unwrap();
    // The same chunks, already in memory: the codec alone. And beneath it, reading alone.
    let stored: Vec<Vec<u8>> = arrays.iter().flat_map(stored).collect();
    let mut packed = vec![0u8; 1 << 20];
    let files: Vec<_> = paths.iter().map(|path| std::fs::File::open(path).unwrap()).collect();
    let mut buffer = vec![0u8; largest];
    let size = |array: &H5Array, region: &Region| region.shape().num_bytes(array.header().dtype).unwrap();
    let read_only = least(3, || {
        for (array, file) in arrays.iter().zip(&files) {
            for chunk in array.stored_chunks() {
                read_at(file, &mut packed[..chunk.num_bytes], chunk.offset).unwrap();
            }
        }
    });
    let codec = least(3, || {
        for ((array, region), stored) in jobs.iter().zip(&stored) {
            c_blosc(stored, &mut buffer[..size(array, region)]);
        }
    });
    let own_codec = least(3, || {
        for ((array, region), stored) in jobs.iter().zip(&stored) {
            blosc::decode(stored, &mut buffer[..size(array, region)]).unwrap();
        }
    });
    let ours = least(3, || {
        for (array, region) in &jobs {
            array.read(region, &mut buffer[..size(array, region)]).unwrap();
        }
    });
    println!(
        "processor time: {ours:.3} s; from memory c-blosc {codec:.3} s, own decoder {own_codec:.3} s; preads alone {read_only:.3} s: {:.0} % of c-blosc's rate, {:.0} % of own decoder and preads",
        codec / ours * 100.0,
        (own_codec + read_only) / ours * 100.0
    );
    for num_threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        let rate = |work: &(dyn Fn(usize, &mut [u8]) + Sync)| {
            let time = best(3, || {
                pool.install(|| {
                    (0..jobs.len()).into_par_iter().with_min_len(8).for_each_init(
                        || vec![0u8; largest],
                        |buffer, i| work(i, &mut buffer[..size(jobs[i].0, &jobs[i].1)]),
                    );
                });
            });
            num_bytes as f64 / time.as_secs_f64() / 1e9
        };
        let ours = rate(&|i, buffer| {
            jobs[i].0.read(&jobs[i].1, buffer).unwrap();
        });
        let codec = rate(&|i, buffer| c_blosc(&stored[i], buffer));
        println!("{num_threads} threads: {ours:.2} GB/s, codec alone {codec:.2} GB/s, {:.0} %", ours / codec * 100.0);
    }
}

#[test]
#[ignore = "measures speed"]
fn one_plane_of_a_chunk_of_thirty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let shape = [4, 30, 512, 512];
    let data = sample(&shape, DType::U16);
    for codec in [c"blosclz", c"lz4", c"zstd"] {
        let mut spec = Spec::new(&shape, Some(&[1, 30, 512, 512]), DType::U16);
        spec.blosc = Some((codec, 0));
        write(&path, &spec, &data);
        let array = H5Array::open(&path, "a/stack").unwrap();
        let plane = Region::new(&[1, 13, 0, 0], &[2, 14, 512, 512]).unwrap();
        let volume = Region::new(&[1, 0, 0, 0], &[2, 30, 512, 512]).unwrap();
        let mut buffer = vec![0; 30 * 512 * 512 * 2];
        let one = best(300, || array.read(&plane, &mut buffer[..512 * 512 * 2]).unwrap());
        let all = best(20, || array.read(&volume, &mut buffer).unwrap());
        let library = best(10, || array.read_through_library(&plane, &mut buffer[..512 * 512 * 2]).unwrap());
        println!(
            "{codec:?}: parts {:?}, plane {:.0} µs, volume {:.0} µs, plane through the library {:.0} µs, {:.0} ×",
            array.parts(),
            one.as_secs_f64() * 1e6,
            all.as_secs_f64() * 1e6,
            library.as_secs_f64() * 1e6,
            library.as_secs_f64() / one.as_secs_f64()
        );
    }
}
