//! Figures, not promises: `cargo test --release --test sources figures -- --ignored --nocapture`.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tectum::demo::BlockWriter;
use tectum::format::hdf5::{H5Array, read_at};
use tectum::format::{Chunk, OpenOptions, Source, open};
use tectum::volume::Region;

pub const VOLUME: [usize; 3] = [24, 512, 512];
pub const NUM_T: usize = 48;

/// A recording as a rig writes it, in chunks of a volume's planes.
pub fn write_split(folder: &Path, chunk: [usize; 4]) {
    let writer = BlockWriter::new(folder, VOLUME).unwrap().with_chunk(chunk);
    for block in 0..NUM_T / 8 {
        let draw = |t: usize, z: usize, plane: &mut [u16]| {
            let noise = |i: usize| (i.wrapping_mul(2_654_435_761) ^ (t * 31 + z * 7)) >> 7 & 31;
            plane.iter_mut().enumerate().for_each(|(i, voxel)| *voxel = (200 + i / 512 % 90 + noise(i)) as u16);
        };
        writer.write_drawn(block, 8, 8, draw).unwrap();
    }
    writer.finish(NUM_T, 8, [5.0, 0.5, 0.5]).unwrap();
}

/// The very same stored chunks as a Zarr array, each a file, or those of four timepoints a shard.
fn write_zarr(split: &Path, folder: &Path, chunk: [usize; 4], per_shard: Option<usize>) {
    let blosc = json!([{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "blosc", "configuration":
        {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0}}]);
    let index = json!([{"name": "bytes", "configuration": {"endian": "little"}}]);
    let (codecs, object) = match per_shard {
        None => (blosc, chunk),
        Some(num) => {
            let sharding = json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "codecs": blosc,
                "index_codecs": index, "index_location": "end"}}]);
            (sharding, [chunk[0] * num, VOLUME[0], VOLUME[1], VOLUME[2]])
        }
    };
    let metadata = json!({"zarr_format": 3, "node_type": "array", "shape": [NUM_T, VOLUME[0], VOLUME[1], VOLUME[2]],
        "data_type": "uint16", "fill_value": 0, "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": object}}});
    std::fs::create_dir_all(folder.join("c")).unwrap();
    std::fs::write(folder.join("zarr.json"), metadata.to_string()).unwrap();
    let counts = [1, 2, 3].map(|axis| VOLUME[axis - 1] / chunk[axis]);
    let per_t: usize = counts.iter().product();
    let mut chunks = Vec::new();
    for block in 0..NUM_T / 8 {
        let path = split.join(format!("{block:04}.h5"));
        let (array, file) = (H5Array::open(&path, "stack_4D").unwrap(), std::fs::File::open(&path).unwrap());
        for stored in array.stored_chunks() {
            let mut bytes = vec![0; stored.num_bytes];
            read_at(&file, &mut bytes, stored.offset).unwrap();
            chunks.push(bytes);
        }
    }
    let put = |name: String, bytes: &[u8]| {
        let path = folder.join("c").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    match per_shard {
        None => {
            for (i, bytes) in chunks.iter().enumerate() {
                let (t, rest) = (i / per_t, i % per_t);
                let (z, rest) = (rest / (counts[1] * counts[2]), rest % (counts[1] * counts[2]));
                put(format!("{t}/{z}/{}/{}", rest / counts[2], rest % counts[2]), bytes);
            }
        }
        Some(num) => {
            for (shard, chunks) in chunks.chunks(num * per_t).enumerate() {
                let (mut bytes, mut index) = (Vec::new(), Vec::new());
                for chunk in chunks {
                    index.extend([bytes.len() as u64, chunk.len() as u64].map(u64::to_le_bytes).concat());
                    bytes.extend(chunk);
                }
                bytes.extend(index);
                put(format!("{shard}/0/0/0"), &bytes);
            }
        }
    }
}

/// Seconds to read everything, once, on so many threads.
pub fn read_all(source: &dyn Source, num_threads: usize) -> Duration {
    let mut chunks = Vec::<Chunk>::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..num_threads {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(chunk) = chunks.get(at) else { break };
                    buffer.resize(chunk.region.shape().num_bytes(source.info().dtype).unwrap(), 0);
                    source.read(chunk, &mut buffer).unwrap();
                }
            });
        }
    });
    start.elapsed()
}

#[test]
#[ignore = "measures speed"]
fn the_same_chunks_as_a_split_dataset_and_as_zarr() {
    for chunk in [[1, 24, 512, 512], [1, 1, 512, 512], [1, 8, 256, 256]] {
        let folder = tempfile::tempdir().unwrap();
        let split = folder.path().join("split");
        std::fs::create_dir(&split).unwrap();
        write_split(&split, chunk);
        write_zarr(&split, &folder.path().join("plain.zarr"), chunk, None);
        write_zarr(&split, &folder.path().join("sharded.zarr"), chunk, Some(4));
        let opened = ["split", "plain.zarr", "sharded.zarr"]
            .map(|name| open(folder.path().join(name), &OpenOptions::default()).unwrap().source);
        let truth = crate::common::read_whole(opened[0].as_ref());
        for source in &opened[1..] {
            assert!(crate::common::read_whole(source.as_ref()).bytes == truth.bytes, "the same voxels");
        }
        for num_threads in [1, 2] {
            let mut best = [Duration::MAX; 3];
            for _ in 0..7 {
                for (best, source) in best.iter_mut().zip(&opened) {
                    *best = (*best).min(read_all(source.as_ref(), num_threads));
                }
            }
            let rate = best.map(|time| truth.bytes.len() as f64 / time.as_secs_f64() / 1e9);
            println!(
                "chunks {chunk:?}, {num_threads} threads: split {:.2} GB/s, zarr {:.2} ({:.0} %), sharded {:.2} ({:.0} %)",
                rate[0],
                rate[1],
                rate[1] / rate[0] * 100.0,
                rate[2],
                rate[2] / rate[0] * 100.0
            );
        }
    }
}
