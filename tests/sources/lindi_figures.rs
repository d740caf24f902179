//! Figures, not promises: `cargo test --release --test sources figures -- --ignored --nocapture`.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, json};
use tectum::format::hdf5::H5Array;
use tectum::format::{OpenOptions, open};

use crate::common::read_whole;
use crate::zarr_figures::{NUM_T, VOLUME, read_all, write_split};

/// References to the very same stored chunks.
fn write_references(folder: &Path, chunk: [usize; 4]) {
    let array = json!({"shape": [NUM_T, VOLUME[0], VOLUME[1], VOLUME[2]], "chunks": chunk, "dtype": "<u2", "order": "C",
        "fill_value": 0, "compressor": null, "filters": [{"id": "blosc"}], "zarr_format": 2});
    let mut refs = Map::new();
    refs.insert("stack/.zarray".to_owned(), array);
    let counts = [1, 2, 3].map(|axis| VOLUME[axis - 1] / chunk[axis]);
    let per_t: usize = counts.iter().product();
    let mut i = 0;
    for block in 0..NUM_T / 8 {
        let name = format!("split/{block:04}.h5");
        for stored in H5Array::open(&folder.join(&name), "stack_4D").unwrap().stored_chunks() {
            let (t, rest) = (i / per_t, i % per_t);
            let (z, rest) = (rest / (counts[1] * counts[2]), rest % (counts[1] * counts[2]));
            let key = format!("stack/{t}.{z}.{}.{}", rest / counts[2], rest % counts[2]);
            refs.insert(key, json!([name, stored.offset, stored.num_bytes]));
            i += 1;
        }
    }
    std::fs::write(folder.join("fish.lindi.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
}

#[test]
#[ignore = "measures speed"]
fn the_same_chunks_as_a_split_dataset_and_by_reference() {
    for chunk in [[1, 24, 512, 512], [1, 1, 512, 512], [1, 8, 256, 256]] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("split")).unwrap();
        write_split(&folder.path().join("split"), chunk);
        write_references(folder.path(), chunk);
        let opened = ["split", "fish.lindi.json"]
            .map(|name| open(folder.path().join(name), &OpenOptions::default()).unwrap().source);
        let truth = read_whole(opened[0].as_ref());
        assert!(read_whole(opened[1].as_ref()).bytes == truth.bytes, "the same voxels");
        for num_threads in [1, 2] {
            let mut best = [Duration::MAX; 2];
            for _ in 0..9 {
                for (best, source) in best.iter_mut().zip(&opened) {
                    *best = (*best).min(read_all(source.as_ref(), num_threads));
                }
            }
            let rate = best.map(|time| truth.bytes.len() as f64 / time.as_secs_f64() / 1e9);
            let percent = rate[1] / rate[0] * 100.0;
            println!(
                "chunks {chunk:?}, {num_threads} threads: split {:.2} GB/s, LINDI {:.2} ({percent:.0} %)",
                rate[0], rate[1]
            );
        }
    }
}
