//! Reference files that are damaged, lie, or lead astray: named errors in bounded memory and time.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tectum::format::{FormatError, OpenOptions, Source, open, tree};

use crate::common::{read_whole, untouched};
use crate::manifest::folder;

/// A value that is said to be single, and written down as an array of any extent.
#[test]
fn a_single_value_that_is_none_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    for extent in [2u64, 1 << 32] {
        let document = json!({"version": 1, "refs": {
            ".zgroup": {"zarr_format": 2},
            "value/.zarray": {"shape": [extent], "chunks": [extent], "dtype": "<f8", "compressor": null, "filters": null,
                "fill_value": 0.0, "order": "C", "zarr_format": 2},
            "value/.zattrs": {"_SCALAR": true}}});
        let path = folder.path().join("fish.lindi.json");
        fs::write(&path, serde_json::to_vec(&document).unwrap()).unwrap();
        let tree = tree::read(&path, &OpenOptions::default()).unwrap();
        let error = tree::numbers(tree.as_ref(), "value", 1).unwrap_err();
        assert!(error.message.contains(&format!("{extent} values")), "{error}");
    }
}

/// As Fortran has it: the first axis is the fastest within a chunk.
#[test]
fn chunks_in_the_order_of_columns_are_read_in_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = array([json!("base64:AQIDBAUG"), json!(null), json!(null)]);
    let stack = &mut document["refs"]["stack/.zarray"];
    (stack["shape"], stack["chunks"], stack["order"]) = (json!([2, 3]), json!([2, 3]), json!("F"));
    document["refs"] = json!({".zgroup": document["refs"][".zgroup"], "stack/.zarray": document["refs"]["stack/.zarray"],
        "stack/0.0": "base64:AQIDBAUG"});
    let read = read_whole(opened(folder.path(), &document).unwrap().as_ref());
    assert_eq!((read.bytes, read.missing.len()), (vec![1, 3, 5, 2, 4, 6], 0));
    // One that sticks out of the array, which is wide only by two.
    document["refs"]["stack/.zarray"]["shape"] = json!([2, 2]);
    let read = read_whole(opened(folder.path(), &document).unwrap().as_ref());
    assert_eq!(read.bytes, [1, 3, 2, 4]);
    // Too short: all of it is missing, whatever would be there.
    document["refs"]["stack/0.0"] = json!("base64:AQID");
    assert_eq!(read_whole(opened(folder.path(), &document).unwrap().as_ref()).missing.len(), 1);
}

#[test]
fn groups_within_groups_take_time_by_their_number_alone() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{}.zgroup", "a/".repeat(100_000));
    let wide: serde_json::Map<String, Value> =
        (0..20_000).map(|i| (format!("{}{i}/.zgroup", "group/".repeat(40)), json!({"zarr_format": 2}))).collect();
    let mut refs = wide;
    refs.insert(deep, json!({"zarr_format": 2}));
    let begin = Instant::now();
    let error = opened(folder.path(), &json!({"version": 1, "refs": refs})).err().expect("no array");
    assert!(error.message.contains("64 deep"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// A file of one array of six bytes in three chunks.
fn array(chunks: [Value; 3]) -> Value {
    let [a, b, c] = chunks;
    json!({"version": 1, "refs": {
        ".zgroup": {"zarr_format": 2},
        "stack/.zarray": {"shape": [3, 1, 2], "chunks": [1, 1, 2], "dtype": "|u1", "compressor": null, "filters": null,
            "fill_value": 9, "order": "C", "zarr_format": 2},
        "stack/0.0.0": a, "stack/1.0.0": b, "stack/2.0.0": c}})
}

fn opened(folder: &Path, document: &Value) -> Result<Arc<dyn Source>, FormatError> {
    let path = folder.join("fish.lindi.json");
    fs::write(&path, serde_json::to_vec(document).unwrap()).unwrap();
    open(&path, &OpenOptions::default()).map(|opened| opened.source)
}

#[test]
fn a_reference_that_leads_nowhere_is_a_gap_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data.bin"), [1, 2, 3]).unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for (bad, word) in [
        (json!(["gone.bin", 0, 2]), "gone"),
        (json!(["data.bin", 2, 2]), "ends before"),
        (json!(["data.bin", u64::MAX, 2]), "ends before"),
        (json!(["data.bin", 0, 1]), "shorter"),
        (json!(["fish.lindi.json", u64::MAX - 1, 2]), "ends before"),
        (json!(["folder", 0, 2]), "not a file"),
        (json!(["", 0, 2]), "no name"),
        (json!(["a\0b", 0, 2]), "no name"),
        (json!(["{{u}}", 0, 2]), "template"),
        (json!(["/dev/zero", 0, 2]), "not a file"),
        (json!(["gopher://host/x", 0, 2]), "gopher"),
        (json!(["data.bin", -1, 2]), "names no bytes"),
        (json!(["data.bin"]), "names no bytes"),
        (json!({"a": 1}), "names no bytes"),
        (json!(null), "names no bytes"),
        (json!("base64:%%"), "base64"),
        (json!("x"), "shorter"),
    ] {
        let source =
            opened(folder.path(), &array([json!(["data.bin", 0, 2]), bad.clone(), json!("base64:BQY=")])).unwrap();
        untouched(folder.path(), || {
            let got = read_whole(source.as_ref());
            assert_eq!((&got.bytes[..2], &got.bytes[4..]), (&[1, 2][..], &[5, 6][..]), "{bad}");
            let [(region, error)] = got.missing.as_slice() else { panic!("{bad}: {:?}", got.missing) };
            assert_eq!((region.start()[0], region.stop()[0]), (1, 2), "{bad}");
            assert!(error.to_string().contains(word), "{bad}: {error}");
            assert!(!source.problems().is_empty(), "{bad}");
        });
    }
}

#[test]
fn what_lies_outside_is_read_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("in");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("out.bin"), [7, 8]).unwrap();
    fs::write(inner.join("in.bin"), [1, 2]).unwrap();
    let absolute = folder.path().join("out.bin");
    for name in ["../out.bin", absolute.to_str().unwrap(), "./../out.bin"] {
        let source =
            opened(&inner, &array([json!(["in.bin", 0, 2]), json!([name, 0, 2]), json!(["in.bin", 0, 2])])).unwrap();
        assert_eq!(read_whole(source.as_ref()).bytes, [1, 2, 7, 8, 1, 2], "{name}");
        let said = source
            .problems()
            .iter()
            .any(|problem| problem.code == "data_elsewhere" && problem.message.contains("out.bin"));
        assert!(said, "{name}: {:?}", source.problems());
    }
    let inside = opened(&inner, &array([json!(["in.bin", 0, 2]), json!(["./in.bin", 0, 2]), json!("ab")])).unwrap();
    assert!(inside.problems().iter().all(|problem| problem.code == "axes_guessed"), "{:?}", inside.problems());
}

#[test]
fn names_in_a_folder_or_an_archive_never_lead_out_of_it() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret"), [7, 8]).unwrap();
    let inner = outer.path().join("fish.lindi.d");
    fs::create_dir_all(inner.join("blobs")).unwrap();
    fs::write(inner.join("blobs/a"), [1, 2]).unwrap();
    let document =
        array([json!(["./blobs/a", 0, 2]), json!(["./blobs/../../secret", 0, 2]), json!(["./../secret", 0, 2])]);
    fs::write(inner.join("lindi.json"), serde_json::to_vec(&document).unwrap()).unwrap();
    let source = open(&inner, &OpenOptions::default()).unwrap().source;
    let got = read_whole(source.as_ref());
    assert_eq!((&got.bytes[..2], got.missing.len()), (&[1, 2][..], 2));
    // The same in an archive: its list is all there is.
    let archive = outer.path().join("fish.lindi.tar");
    let stored = fs::read(folder("lindi").join("ophys.nwb.lindi.tar")).unwrap();
    let name = b"./blobs/scratch_volume/0.0.0.0.v2";
    let at = stored.windows(name.len()).position(|window| window == name).unwrap();
    let mut changed = stored.clone();
    changed[at..at + name.len()].copy_from_slice(b"./blobs/../../../../../../../../x");
    fs::write(&archive, changed).unwrap();
    let options = OpenOptions { dataset: Some("scratch_volume".to_owned()), ..OpenOptions::default() };
    let got = read_whole(open(&archive, &options).unwrap().source.as_ref());
    assert!(got.missing[0].1.message.contains("the archive holds no file"), "{:?}", got.missing);
}

#[test]
fn links_in_a_ring_and_links_to_itself_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = array([json!("ab"), json!("cd"), json!("ef")]);
    for (path, target) in [("ring", "/gnir"), ("gnir", "/ring"), ("self", "/self/self"), ("good", "/stack")] {
        document["refs"][format!("{path}/.zgroup")] = json!({"zarr_format": 2});
        document["refs"][format!("{path}/.zattrs")] = json!({"_SOFT_LINK": {"path": target}});
    }
    document["refs"]["far/.zarray"] = document["refs"]["stack/.zarray"].clone();
    let link = json!({"_EXTERNAL_ARRAY_LINK": {"link_type": "hdf5_dataset", "url": "fish.lindi.json", "name": "far"}});
    document["refs"]["far/.zattrs"] = link;
    assert!(opened(folder.path(), &document).is_ok());
    let with = |dataset: &str| {
        let options = OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() };
        open(folder.path().join("fish.lindi.json"), &options).map(|opened| opened.source)
    };
    assert_eq!(read_whole(with("good").unwrap().as_ref()).bytes, b"abcdef");
    for bad in ["ring", "self", "far", "nothing"] {
        assert!(with(bad).is_err_and(|error| !error.message.is_empty()), "{bad}");
    }
}

#[test]
fn metadata_that_lie_take_neither_memory_nor_time() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    for (field, bad) in [
        ("shape", json!([u64::MAX, 1, 2])),
        ("shape", json!([1u64 << 40, 1u64 << 20, 2])),
        ("shape", json!([3, 1])),
        ("shape", json!([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])),
        ("chunks", json!([0, 1, 2])),
        ("chunks", json!([u64::MAX, u64::MAX, 2])),
        ("dtype", json!("<c16")),
        ("dtype", json!([["x", "<u2"]])),
        ("compressor", json!({"id": "magic"})),
        ("fill_value", json!("nonsense")),
    ] {
        let mut document = array([json!("ab"), json!("cd"), json!("ef")]);
        document["refs"]["stack/.zarray"][field] = bad.clone();
        let error = opened(folder.path(), &document).err();
        assert!(error.is_some_and(|error| error.message.len() > 10), "{field} {bad}");
    }
    // A chunk of a size that nobody has written, packed and not.
    let mut document = array([json!("ab"), json!(["fish.lindi.json", 0, 1u64 << 50]), json!("ef")]);
    document["refs"]["stack/.zarray"]["compressor"] = json!({"id": "zlib"});
    let got = read_whole(opened(folder.path(), &document).unwrap().as_ref());
    assert_eq!(got.missing.len(), 3);
    // Coded chunks of which each would take all memory.
    let mut document = array([json!("ab"), json!("cd"), json!("ef")]);
    document["refs"]["stack/.zarray"]["compressor"] = json!({"id": "zstd"});
    document["refs"]["stack/.zarray"]["chunks"] = json!([1u64 << 20, 1u64 << 20, 2]);
    let error = opened(folder.path(), &document).err().expect("a chunk of terabytes");
    assert!(error.message.contains("chunks of 2048.0 GiB"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_file_of_a_gigabyte_is_refused_by_its_size() {
    let folder = tempfile::tempdir().unwrap();
    for (name, beginning) in [("a.lindi.json", "{"), ("b.json", "{\"refs\": {"), ("c.json", "{\"frames\": [")] {
        let path = folder.path().join(name);
        fs::write(&path, beginning).unwrap();
        // With a hole, which takes no room on disk.
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
        let begun = Instant::now();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        let is_ours = name != "c.json";
        assert_eq!(error.message.contains("1073741824 bytes"), is_ours, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

/// Every form, cut off and with bytes turned round: an error, a gap or the truth, and no panic.
/// A text of reference files with a number or a string that is another one than its writer meant.
fn lie(text: &[u8], next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const NUMBERS: [&str; 8] =
        ["0", "-1", "1", "4294967296", "9223372036854775807", "1e308", "18446744073709551616", "null"];
    let is_digit = |at: &usize| text[*at].is_ascii_digit();
    let from = next(text.len());
    let Some(start) = (from..text.len()).find(is_digit) else { return text.to_vec() };
    let stop = (start..text.len()).find(|at| !is_digit(at)).unwrap_or(text.len());
    let other = NUMBERS[next(NUMBERS.len())].as_bytes();
    match next(3) {
        // A list, a key or a text where a number was.
        0 => [&text[..start], b"[1, \"x\"]", &text[stop..]].concat(),
        _ => [&text[..start], other, &text[stop..]].concat(),
    }
}

/// Opens damaged reference files until the time is over, and reads what opens. Returns how many.
fn damage(seed: u64, is_over: impl Fn(usize) -> bool) -> usize {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder("lindi").join("ophys.nwb"), copy.path().join("ophys.nwb")).unwrap();
    let mut random = seed;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let files = ["ophys.nwb.lindi.json", "special.lindi.json", "ophys.nwb.lindi.tar"];
    let stored = files.map(|name| fs::read(folder("lindi").join(name)).unwrap());
    let mut num = 0;
    while !is_over(num) {
        let which = num % files.len();
        let mut damaged = stored[which].clone();
        match next(4) {
            0 => damaged.truncate(next(stored[which].len())),
            1 => {
                for _ in 0..=next(4) {
                    let at = next(damaged.len().min(60_000));
                    damaged[at] = next(256) as u8;
                }
            }
            _ => {
                for _ in 0..=next(3) {
                    damaged = lie(&damaged, &mut next);
                }
            }
        }
        let path = copy.path().join(files[which]);
        fs::write(&path, &damaged).unwrap();
        if let Ok(opened) = open(&path, &OpenOptions::default())
            && opened.source.info().shape.num_voxels().is_some_and(|num| num < 1 << 22)
        {
            read_whole(opened.source.as_ref());
        }
        num += 1;
    }
    num
}

#[test]
fn damaged_files_do_no_harm() {
    assert_eq!(damage(12345, |num| num >= 180), 180);
}

#[test]
#[ignore = "runs for FUZZ_SECONDS"]
fn damaged_references_for_a_long_time() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let (begin, seed) = (std::time::Instant::now(), std::process::id().into());
    let num = damage(seed, |_| begin.elapsed().as_secs() >= seconds);
    println!("{num} damaged reference files, seed {seed}");
}
