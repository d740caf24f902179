//! Zarr metadata that lie, and damaged metadata, indexes and chunks in any number: errors with their file, in bounded
//! time and memory, and never a crash. The long run is behind `make fuzz`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tectum::format::{FormatError, OpenOptions, Opened, open};
use tectum::volume::Region;

use crate::manifest::folder;

/// Chunks larger than this are not read by these tests.
const MAX_READ_BYTES: usize = 16 << 20;

fn array(change: impl FnOnce(&mut Value)) -> Value {
    let mut metadata = json!({
        "zarr_format": 3, "node_type": "array", "shape": [4, 6, 8], "data_type": "uint16", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 6, 8]}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    });
    change(&mut metadata);
    metadata
}

fn opened(files: &[(&str, String)]) -> (tempfile::TempDir, Result<Opened, FormatError>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let result = open(folder.path(), &OpenOptions::default());
    (folder, result)
}

/// Reads a few chunks of all that was opened, and returns how many gave data.
fn read_some(opened: &Opened) -> usize {
    let mut num_read = 0;
    for source in std::iter::once(&opened.source).chain(&opened.levels) {
        let whole = Region::whole(&source.info().shape);
        let corner = (0..whole.rank()).fold(whole, |region, axis| region.with_axis(axis, 0, whole.stop()[axis].min(9)));
        let mut chunks = Vec::new();
        source.chunks(&corner, &mut chunks);
        for chunk in chunks.iter().take(4) {
            let num_bytes = chunk.region.shape().num_bytes(source.info().dtype).unwrap();
            if num_bytes <= MAX_READ_BYTES {
                num_read += usize::from(source.read(chunk, &mut vec![0; num_bytes]).is_ok());
            }
        }
        source.problems();
    }
    num_read
}

#[test]
fn an_array_that_lies_is_refused_by_what_is_wrong() {
    let sharded = |chunk: Value, index: Value| {
        json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "index_codecs": index,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "index_location": "end"}}])
    };
    let bytes = json!([{"name": "bytes", "configuration": {"endian": "little"}}]);
    let cases: Vec<(Value, &str)> = vec![
        (array(|a| a["shape"] = json!([4, 6])), "2 axes and its chunks 3"),
        (array(|a| a["shape"] = json!([u64::MAX, u64::MAX, 2])), "larger than can be counted"),
        (array(|a| a["shape"] = json!([1u64 << 40, 1u64 << 40, 1u64 << 40])), "larger than can be counted"),
        (array(|a| a["shape"] = json!([0, 6, 8])), "no extent yet"),
        (array(|a| a["shape"] = json!([])), "0 axes"),
        (array(|a| a["shape"] = json!([-1, 6, 8])), "make no sense"),
        (array(|a| a["shape"] = json!([1, 1, 1, 1, 1, 1, 1, 1, 1])), "has 9 axes"),
        (array(|a| a["chunk_grid"]["configuration"]["chunk_shape"] = json!([2, 0, 8])), "extent of its chunks"),
        (array(|a| a["chunk_grid"]["name"] = json!("rectilinear")), "rectilinear"),
        (
            array(|a| {
                a["chunk_grid"]["configuration"]["chunk_shape"] = json!([1u64 << 20, 1 << 20, 1 << 20]);
                a["codecs"] = json!([bytes[0], {"name": "zstd", "configuration": {"level": 1, "checksum": false}}]);
            }),
            "GiB",
        ),
        (
            array(|a| a["chunk_grid"]["configuration"]["chunk_shape"] = json!([u64::MAX, u64::MAX, 9])),
            "larger than any",
        ),
        (array(|a| a["data_type"] = json!("complex64")), "complex64"),
        (array(|a| a["data_type"] = json!("string")), ""),
        (array(|a| a["data_type"] = json!({"name": "optional", "configuration": {}})), ""),
        (array(|a| a["fill_value"] = json!("blue")), "fill value"),
        (array(|a| a["codecs"] = json!([])), ""),
        (array(|a| a["codecs"] = json!([bytes[0], {"name": "jpeg2000"}])), "jpeg2000"),
        (array(|a| a["codecs"] = json!([{"name": "transpose", "configuration": {"order": [0, 0, 9]}}, bytes[0]])), ""),
        (array(|a| a["codecs"] = json!([{"name": "transpose", "configuration": {"order": [1, 0]}}, bytes[0]])), ""),
        (array(|a| a["codecs"] = sharded(json!([2, 5, 8]), bytes.clone())), "whole number of chunks"),
        (array(|a| a["codecs"] = sharded(json!([2, 6]), bytes.clone())), "whole number of chunks"),
        (array(|a| a["codecs"] = sharded(json!([0, 6, 8]), bytes.clone())), ""),
        (
            array(|a| {
                let gzip = json!({"name": "gzip", "configuration": {"level": 1}});
                a["codecs"] = sharded(json!([2, 6, 8]), json!([bytes[0], gzip]));
            }),
            "compressed",
        ),
        (
            array(|a| {
                a["chunk_grid"]["configuration"]["chunk_shape"] = json!([1u64 << 30, 1 << 10, 1 << 10]);
                a["codecs"] = sharded(json!([1, 1, 1]), bytes.clone());
            }),
            "",
        ),
        (
            array(|a| {
                let deep = (0..200).fold(bytes.clone(), |inner, _| {
                    let mut shard = sharded(json!([2, 6, 8]), bytes.clone());
                    shard[0]["configuration"]["codecs"] = inner;
                    shard
                });
                a["codecs"] = deep;
            }),
            "",
        ),
        (array(|a| a["zarr_format"] = json!(4)), "zarr_format is 4"),
        (array(|a| a["node_type"] = json!("tree")), "neither array nor group"),
        (json!([1, 2]), "no object"),
    ];
    for (metadata, word) in cases {
        let (folder, result) = opened(&[("zarr.json", metadata.to_string())]);
        let error = result.err().unwrap_or_else(|| panic!("opened: {metadata}"));
        assert!(error.message.contains(word), "{error}\n{metadata}");
        assert!(error.file.to_string().starts_with(&*folder.path().to_string_lossy()), "{error}");
        assert!(error.message.len() < 600, "{error}");
    }
    // How hard a writer tried to compress does not matter to a reader.
    let bz2 = json!({"name": "numcodecs.bz2", "configuration": {"level": 0}});
    let (_folder, result) = opened(&[("zarr.json", array(|a| a["codecs"] = json!([bytes[0], bz2])).to_string())]);
    assert_eq!(read_some(&result.unwrap()), 2);
    let (_folder, result) = opened(&[("zarr.json", array(|_| {}).to_string())]);
    assert_eq!(read_some(&result.unwrap()), 2, "what does not lie is read");
}

#[test]
fn an_image_whose_metadata_lie_is_shown_as_far_as_it_is_there() {
    let image = |datasets: Value| {
        let axes =
            json!([{"name": "t", "type": "time"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]);
        let multiscales = json!([{"axes": axes, "datasets": datasets}]);
        json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"multiscales": multiscales,
            "omero": {"channels": [{"color": 3}, {"window": {"start": "a", "end": []}}]}}}})
        .to_string()
    };
    let level = |shape: [u64; 3]| array(|a| a["shape"] = json!(shape)).to_string();
    let files = |datasets: Value, levels: &[(&'static str, String)]| {
        let mut files = vec![("zarr.json", image(datasets))];
        files.extend(levels.iter().cloned());
        opened(&files)
    };
    // Not coarser, of another type, not there, outside of the image: left out, and named.
    let other = array(|a| {
        a["shape"] = json!([4, 3, 4]);
        a["data_type"] = json!("float32");
    });
    let paths = ["0", "1", "2", "3", "../0", "/0", "0"].map(|path| json!({"path": path}));
    let levels = [
        ("0/zarr.json", level([4, 6, 8])),
        ("1/zarr.json", level([4, 6, 9])),
        ("2/zarr.json", other.to_string()),
        ("4/zarr.json", level([4, 3, 4])),
    ];
    let (_folder, result) = files(json!(paths), &levels);
    let opened = result.unwrap();
    assert_eq!(opened.levels.len(), 0);
    let problems = opened.source.problems();
    assert_eq!(problems.len(), 6, "{problems:?}");
    assert!(problems.iter().all(|problem| problem.message.contains("left out")), "{problems:?}");
    // The finest must be there.
    let (_folder, result) = files(json!([{"path": "9"}, {"path": "0"}]), &levels);
    assert!(result.err().unwrap().message.contains("it is not there"));
    // One that does not fit does not take the others with it.
    let (_folder, result) = files(json!([{"path": "0"}, {"path": "1"}, {"path": "4"}]), &levels);
    assert_eq!(result.unwrap().levels[0].info().shape.dims(), [4, 3, 4]);
}

#[test]
fn a_hierarchy_without_end_is_cut_off_and_one_that_names_itself_is_looked_at_once() {
    let group =
        |attributes: Value| json!({"zarr_format": 3, "node_type": "group", "attributes": attributes}).to_string();
    let itself = json!({"ome": {"bioformats2raw.layout": 3, "series": ["", ".", "OME", "OME"]}});
    let (_folder, result) = opened(&[("zarr.json", group(itself.clone())), ("OME/zarr.json", group(itself))]);
    assert!(!result.err().unwrap().message.is_empty());
    let wells: Vec<Value> = (0..20_000).map(|i| json!({"path": format!("A/{}", i % 3)})).collect();
    let start = Instant::now();
    let (_folder, result) = opened(&[("zarr.json", group(json!({"ome": {"plate": {"wells": wells}}})))]);
    assert!(result.err().unwrap().message.contains("holds no image"));
    let fields: Vec<Value> = (0..20_000).map(|i| json!({"path": i.to_string()})).collect();
    let (_folder, result) = opened(&[("zarr.json", group(json!({"ome": {"well": {"images": fields}}})))]);
    assert!(result.err().unwrap().message.contains("it is not there"));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % n.max(1)
    }
}

/// Every file of some hierarchies, by its name.
fn seeds() -> Vec<BTreeMap<PathBuf, Vec<u8>>> {
    let mut seeds = Vec::new();
    for kind in ["ome", "zarr"] {
        for entry in std::fs::read_dir(folder(kind)).unwrap() {
            let root = entry.unwrap().path();
            let mut files = BTreeMap::new();
            collect(&root, &root, &mut files);
            seeds.push(files);
        }
    }
    seeds.retain(|files| !files.is_empty());
    seeds.sort();
    seeds
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(root, &path, files),
            false => {
                files.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
}

/// Something else in the place of a value somewhere in some metadata.
fn lie(value: &mut Value, random: &mut Random) {
    let is_here = random.below(4) == 0;
    match value {
        Value::Array(list) if !list.is_empty() && !is_here => {
            let at = random.below(list.len());
            lie(&mut list[at], random);
        }
        Value::Object(fields) if !fields.is_empty() && !is_here => {
            let key = fields.keys().nth(random.below(fields.len())).cloned().unwrap();
            match random.below(12) {
                0 => drop(fields.remove(&key)),
                _ => lie(&mut fields[&key], random),
            }
        }
        Value::Array(list) if random.below(2) == 0 && !list.is_empty() => {
            let one = list[random.below(list.len())].clone();
            list.resize(random.below(12), one);
        }
        Value::Number(number) if random.below(2) == 0 => {
            let n = number.as_u64().unwrap_or(1);
            *value = json!([n.saturating_add(1), n.saturating_sub(1), n.saturating_mul(1000), n / 2][random.below(4)]);
        }
        _ => {
            let lies = [
                json!(0),
                json!(-1),
                json!(1),
                json!(7),
                json!(1u64 << 31),
                json!(1u64 << 40),
                json!(u64::MAX),
                json!(1e308),
                json!(null),
                json!(""),
                json!("../0"),
                json!("NaN"),
                json!("zstd"),
                json!("uint64"),
                json!([]),
                json!({}),
                json!([1, 1]),
                json!(true),
                json!("big"),
                json!("transpose"),
                json!("packbits"),
                json!("sharding_indexed"),
                json!([1u64 << 33, 1u64 << 33]),
                json!({"name": "crc32c"}),
            ];
            *value = lies[random.below(lies.len())].clone();
        }
    }
}

fn damage(files: &mut BTreeMap<PathBuf, Vec<u8>>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let is_json =
            |path: &Path| path.to_string_lossy().contains("zarr.json") || path.to_string_lossy().contains("/.z");
        let wants_metadata = random.below(3) > 0;
        let names: Vec<PathBuf> = files.keys().filter(|path| is_json(path) == wants_metadata).cloned().collect();
        let Some(name) = names.get(random.below(names.len())) else { continue };
        let bytes = files.get_mut(name).unwrap();
        match serde_json::from_slice::<Value>(bytes) {
            Ok(mut value) if random.below(5) > 0 => {
                (0..1 + random.below(3)).for_each(|_| lie(&mut value, random));
                *bytes = value.to_string().into_bytes();
            }
            _ if bytes.is_empty() => {}
            _ => {
                let at = match random.below(3) {
                    // The index of a shard stands at its end.
                    0 => bytes.len() - 1 - random.below(bytes.len().min(64)),
                    _ => random.below(bytes.len()),
                };
                match random.below(5) {
                    0 => bytes.truncate(at),
                    1 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.below(4)],
                    2 => bytes[at] ^= 1 << random.below(8),
                    3 => drop(bytes.splice(at..at, vec![0xff; random.below(20)])),
                    _ => {
                        let len = 8.min(bytes.len() - at);
                        bytes[at..at + len].fill(0xff);
                    }
                }
            }
        }
    }
}

/// Damages hierarchies until the time or the number is over; returns how many there were and how many gave data.
fn damaged_hierarchies(seed: u64, most: usize, within: Duration) -> (usize, usize, Duration) {
    let seeds = seeds();
    let (start, mut slowest, mut num_read) = (Instant::now(), Duration::ZERO, 0);
    for i in 0..most {
        if start.elapsed() > within {
            return (i, num_read, slowest);
        }
        let mut random = Random((seed + i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut files = seeds[random.below(seeds.len())].clone();
        damage(&mut files, &mut random);
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let begin = Instant::now();
        let read = || {
            let opened = open(folder.path(), &OpenOptions::default())?;
            let num_read = read_some(&opened);
            // As it is followed, and as its folder is looked through.
            opened.source.inspect();
            for _ in 0..2 {
                opened.growing.iter().for_each(|growing| drop(growing.refresh(&[])));
            }
            opened.source.problems();
            Ok::<usize, FormatError>(num_read)
        };
        match std::panic::catch_unwind(read) {
            Ok(Ok(read)) => num_read += usize::from(read > 0),
            Ok(Err(error)) => assert!(!error.message.is_empty(), "seed {}", seed + i as u64),
            Err(_) => panic!("a crash: seed {}, left in {}", seed + i as u64, folder.keep().display()),
        }
        slowest = slowest.max(begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(20), "seed {} takes for ever", seed + i as u64);
    }
    (most, num_read, slowest)
}

#[test]
fn damaged_hierarchies_are_errors_or_data() {
    let (num, num_read, _) = damaged_hierarchies(1, 120, Duration::from_secs(60));
    assert!(num_read * 10 > num, "{num_read} of {num} gave data: the damage is not worth the name, or all is refused");
}

#[test]
#[ignore = "runs for FUZZ_SECONDS (60)"]
fn damaged_hierarchies_for_a_long_time() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 24);
    let seconds = number("FUZZ_SECONDS").unwrap_or(60);
    let (num, num_read, slowest) = damaged_hierarchies(seed, usize::MAX, Duration::from_secs(seconds));
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    println!(
        "{num} damaged hierarchies in {seconds} s (seed {seed}): no crash; {num_read} gave data; slowest {slowest:?}; peak memory {memory}"
    );
}
