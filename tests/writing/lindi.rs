//! Promise: what a reference file says of an HDF5 file or a recording reads as the original does, in all of its forms.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tectum::format::memory::MemorySource;
use tectum::format::{OpenOptions, Source, open};
use tectum::volume::Shape;
use tectum::write::lindi::{Changed, Former, Naming, Voxels, Writer, index_file, index_recording, write_index};

use crate::common::{Whole, fixtures, read_whole, state_of};

fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(name)
}

fn read(path: &Path, dataset: Option<&str>) -> Option<(std::sync::Arc<dyn Source>, Whole)> {
    let options = OpenOptions { dataset: dataset.map(str::to_owned), ..OpenOptions::default() };
    let source = open(path, &options).ok()?.source;
    let whole = read_whole(&*source);
    Some((source, whole))
}

/// Compares the arrays that both offer; returns how many.
fn assert_same_arrays(path: &Path, out: &Path) -> usize {
    let names = |path: &Path| -> Vec<String> {
        let opened = open(path, &OpenOptions::default()).unwrap();
        opened.datasets.iter().map(|entry| entry.name.clone()).filter(|name| !name.contains('#')).collect()
    };
    let offered = names(out);
    let mut num = 0;
    for name in names(path).iter().filter(|name| offered.contains(name)) {
        let (Some((a, left)), Some((b, right))) = (read(path, Some(name)), read(out, Some(name))) else { continue };
        assert_eq!((a.info().shape, a.info().dtype), (b.info().shape, b.info().dtype), "{name}");
        // What was never written is missing in HDF5 where its fill value is not defined, and zero here.
        if left.missing.is_empty() {
            assert!(right.missing.is_empty(), "{name}: {:?}", right.missing);
            assert_eq!(left.bytes, right.bytes, "{name}");
            num += 1;
        }
    }
    num
}

#[test]
fn files_read_the_same_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    for (file, least) in [
        ("plain/filters.h5", 5),
        ("plain/layouts.h5", 5),
        ("plain/nested.h5", 2),
        ("nwb/ophys.nwb", 2),
        ("lindi/special.h5", 8),
    ] {
        for (form, naming) in [
            ("json", Naming::Absolute),
            ("tar", Naming::RelativeTo(folder.path().to_owned())),
            ("d", Naming::RelativeTo(folder.path().to_owned())),
        ] {
            let path = sources(file);
            let out = folder.path().join(format!("out.lindi.{form}"));
            let index = index_file(&path, &naming).unwrap();
            let num_bytes = write_index(index, &out, true).unwrap();
            assert!(num_bytes > 1000);
            let num = assert_same_arrays(&path, &out);
            assert!(num >= least, "{file} {form}: {num}");
        }
    }
    let mut names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["out.lindi.d", "out.lindi.json", "out.lindi.tar"]);
}

#[test]
fn what_cannot_be_described_is_named() {
    let index = index_file(&sources("plain/filters.h5"), &Naming::Absolute).unwrap();
    let why = |name: &str| index.left_out().iter().find(|(what, _)| what == name).map(|(_, why)| why.as_str());
    let names: Vec<&str> = index.left_out().iter().map(|(what, _)| what.as_str()).collect();
    for part in ["lzf", "szip", "bitshuffle", "mask"] {
        let name = names.iter().find(|name| name.contains(part));
        assert!(name.is_some_and(|name| why(name).is_some_and(|why| !why.is_empty())), "{part}: {names:?}");
    }
}

#[test]
fn a_recording_is_one_array_where_its_blocks_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.lindi.json");
    let (mut num, mut refused) = (0, Vec::new());
    for entry in fixtures().read_dir().unwrap() {
        let fixture = entry.unwrap().path();
        let Ok(manifest) = std::fs::read_to_string(fixture.join("manifest.json")) else { continue };
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let Some((source, whole)) = read(&fixture.join(manifest["root"].as_str().unwrap()), None) else { continue };
        let before = state_of(&fixture);
        let index = match index_recording(&*source, "a/movie", &Naming::Absolute) {
            Ok(index) => index,
            Err(error) => {
                refused.push(format!("{}: {error:#}", fixture.display()));
                continue;
            }
        };
        let is_whole = index.left_out().is_empty();
        write_index(index, &out, true).unwrap();
        assert_eq!(state_of(&fixture), before);
        let (made, read) = read(&out, None).unwrap();
        assert_eq!(made.info().shape, source.info().shape);
        if is_whole && whole.missing.is_empty() {
            assert_eq!(read.bytes, whole.bytes, "{}", fixture.display());
            num += 1;
        }
    }
    // Small blocks have chunks that reach beyond them, which no Zarr array has.
    assert!(num >= 11, "{num}: {refused:#?}");
    assert!(refused.iter().all(|why| why.contains("no Zarr array")), "{refused:#?}");
}

#[test]
fn names_and_places_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let index = || index_file(&sources("plain/nested.h5"), &Naming::As("https://host/nested.h5".into())).unwrap();
    let refused = |out: &str| write_index(index(), &folder.path().join(out), false).unwrap_err().to_string();
    assert!(refused("out.json").contains("must end in .lindi.json"));
    assert!(refused("none/out.lindi.json").contains("there is no folder"));
    for form in ["json", "d", "tar"] {
        let out = folder.path().join(format!("out.lindi.{form}"));
        write_index(index(), &out, false).unwrap();
        assert!(write_index(index(), &out, false).unwrap_err().to_string().contains("--force"));
    }
    let text = std::fs::read_to_string(folder.path().join("out.lindi.json")).unwrap();
    assert!(text.contains("https://host/nested.h5"), "{text}");
    assert!(index_file(&sources("plain/manifest.json"), &Naming::Absolute).is_err());
}

/// Writes an index of a file, with an array that is another one at these voxels.
fn with_changed(path: &Path, out: &Path, array: &str, at: &[usize], former: Option<Former>) -> u64 {
    let naming = Naming::Absolute;
    let mut index = index_file(path, &naming).unwrap();
    let (source, whole) = read(path, Some(array)).unwrap();
    let (shape, dtype): (Shape, _) = (source.info().shape, source.info().dtype);
    let mut bytes = whole.bytes;
    at.iter().for_each(|&at| bytes[at * dtype.num_bytes()] ^= 1);
    let changed = MemorySource::new(dtype, shape, "tzyx", shape.dims(), bytes).unwrap();
    let own = Voxels::of_hdf5(path, array).unwrap();
    let changed = Changed { array: array.to_owned(), own, changed: Voxels::Source(Arc::new(changed)) };
    let mut writer = Writer::begin(out, true, former).unwrap();
    let num = changed.stage(&mut index, &mut writer).unwrap();
    writer.finish(index).unwrap();
    num
}

#[test]
fn changed_chunks_lie_in_the_index_and_all_others_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = sources("lindi/special.h5");
    let before = std::fs::read(&path).unwrap();
    for form in ["d", "tar"] {
        let out = folder.path().join(format!("out.lindi.{form}"));
        for array in [
            "gzip",
            "gzip_shuffle",
            "shuffle",
            "fletcher32",
            "gzip_shuffle_fletcher32",
            "zstd",
            "blosc",
            "contiguous",
            "big_endian",
        ] {
            let (source, whole) = read(&path, Some(array)).unwrap();
            let (item, last) =
                (source.info().dtype.num_bytes(), whole.bytes.len() / source.info().dtype.num_bytes() - 1);
            let num = with_changed(&path, &out, array, &[0, 1, last], None);
            assert!((1..=2).contains(&num), "{array}: {num}");
            let (_, made) = read(&out, Some(array)).unwrap();
            let wrong: Vec<usize> =
                (0..=last).filter(|at| made.bytes[at * item..][..item] != whole.bytes[at * item..][..item]).collect();
            assert_eq!(wrong, [0, 1, last], "{array}");
            // What is the same is referred to.
            let refs = references(&out);
            let names = refs.as_object().unwrap().values().filter_map(|entry| entry[0].as_str());
            let num_outside = names.filter(|name| !name.starts_with("./")).count();
            let num_before = index_file(&path, &Naming::Absolute).unwrap().counts().1;
            assert_eq!(num_outside as u64 + num, num_before as u64, "{array}");
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let index = || index_file(&path, &Naming::Absolute).unwrap();
    let refuse = |array: &str, voxels: MemorySource| {
        let changed = Changed {
            array: array.to_owned(),
            own: Voxels::of_hdf5(&path, "gzip").unwrap(),
            changed: Voxels::Source(Arc::new(voxels)),
        };
        let mut writer = Writer::begin(&folder.path().join("other.lindi.d"), false, None).unwrap();
        changed.stage(&mut index(), &mut writer).unwrap_err().to_string()
    };
    let of = |dims: [usize; 4]| {
        let shape = Shape::from(dims);
        MemorySource::from_fn(tectum::volume::DType::U16, shape, "tzyx", &dims, |_| 1u16).unwrap()
    };
    let dims: [usize; 4] = read(&path, Some("gzip")).unwrap().0.info().shape.dims().try_into().unwrap();
    assert!(refuse("gzip", of([1, 2, 3, 4])).contains("where the array is"));
    assert!(refuse("none", of(dims)).contains("no such array"));
    assert!(!folder.path().join("other.lindi.d").exists() && !folder.path().join("other.lindi.d.part").exists());
}

/// The references of an index in a folder or an archive.
fn references(out: &Path) -> serde_json::Value {
    let text = match out.is_dir() {
        true => std::fs::read(out.join("lindi.json")).unwrap(),
        false => {
            let bytes = std::fs::read(out).unwrap();
            let entry: serde_json::Value = serde_json::from_slice(&bytes[512..1536]).unwrap();
            let part = |at: &serde_json::Value| {
                let (from, len) = (at["d"].as_u64().unwrap() as usize, at["s"].as_u64().unwrap() as usize);
                &bytes[from..from + len]
            };
            let list: serde_json::Value = serde_json::from_slice(part(&entry["index"])).unwrap();
            let files = list["files"].as_array().unwrap();
            part(files.iter().find(|file| file["n"] == "lindi.json").unwrap()).to_vec()
        }
    };
    serde_json::from_slice::<serde_json::Value>(&text).unwrap()["refs"].clone()
}

#[test]
fn an_index_that_is_brought_up_to_date_keeps_what_was_changed_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = sources("lindi/special.h5");
    for form in ["d", "tar"] {
        let out = folder.path().join(format!("out.lindi.{form}"));
        assert_eq!(with_changed(&path, &out, "gzip", &[5], None), 1);
        let (_, first) = read(&out, Some("gzip")).unwrap();
        // Brought up to date with a source that is as it was, it is as it was; twice too.
        for _ in 0..2 {
            let before = references(&out);
            let former = Former::read(&out).unwrap();
            assert_eq!(former.naming(), Naming::Absolute);
            let mut index = index_file(&path, &former.naming()).unwrap();
            assert_eq!(former.merge_into(&mut index).unwrap(), Vec::<String>::new());
            Writer::begin(&out, false, Some(former)).unwrap().finish(index).unwrap();
            assert_eq!(references(&out), before);
            assert_eq!(read(&out, Some("gzip")).unwrap().1.bytes, first.bytes);
        }
        // An array is changed beside one that was.
        let former = Former::read(&out).unwrap();
        let mut index = index_file(&path, &Naming::Absolute).unwrap();
        former.merge_into(&mut index).unwrap();
        Writer::begin(&out, false, Some(former)).unwrap().finish(index).unwrap();
        assert_eq!(read(&out, Some("gzip")).unwrap().1.bytes, first.bytes);
        assert_eq!(read(&out, Some("shuffle")).unwrap().1.bytes, read(&path, Some("shuffle")).unwrap().1.bytes);
        // Of another source, or by another program.
        let mut other = index_file(&sources("plain/nested.h5"), &Naming::Absolute).unwrap();
        assert!(
            Former::read(&out)
                .unwrap()
                .merge_into(&mut other)
                .unwrap_err()
                .to_string()
                .contains("describes special.h5")
        );
    }
    let error = Former::read(&sources("lindi/ophys.nwb.lindi.d")).err().unwrap().to_string();
    assert!(error.contains("was not written by"), "{error}");
    assert!(Former::read(&folder.path().join("none.lindi.d")).is_err());
    let mut names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["out.lindi.d", "out.lindi.tar"]);
}

#[test]
fn an_index_that_cannot_be_brought_up_to_date_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = sources("lindi/special.h5");
    let out = folder.path().join("out.lindi.d");
    with_changed(&path, &out, "contiguous", &[5], None);
    let document = out.join("lindi.json");
    let text = std::fs::read_to_string(&document).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    // As if the array had been shorter, so that the source has grown into the changed chunk.
    let shape = &mut json["refs"]["gzip/.zarray"]["shape"][2];
    *shape = (shape.as_u64().unwrap() - 1).into();
    json["generationMetadata"]["described"].as_object_mut().unwrap().remove("gzip/.zarray");
    std::fs::write(&document, json.to_string()).unwrap();
    let merged = |out: &Path| {
        let mut index = index_file(&path, &Naming::Absolute).unwrap();
        let former = Former::read(out).unwrap();
        former.merge_into(&mut index).map(|notes| (notes, former, index))
    };
    // An array that somebody has made anew stays as it is, and is named.
    let (notes, ..) = merged(&out).unwrap();
    assert!(notes.iter().any(|note| note.contains("/gzip: was made anew")), "{notes:?}");
    // Written to between the look and the end.
    std::fs::write(&document, &text).unwrap();
    let (_, former, index) = merged(&out).unwrap();
    let writer = Writer::begin(&out, false, Some(former)).unwrap();
    std::fs::write(&document, format!("{text} ")).unwrap();
    assert!(writer.finish(index).unwrap_err().to_string().contains("was written to meanwhile"));
    assert_eq!(std::fs::read_to_string(&document).unwrap(), format!("{text} "));
    // Of a file that it holds no more.
    let (_, former, index) = merged(&out).unwrap();
    std::fs::remove_dir_all(out.join("blobs")).unwrap();
    let tar = folder.path().join("out.lindi.tar");
    assert!(Writer::begin(&tar, false, Some(former)).unwrap().finish(index).is_err());
    assert!(!tar.exists());
    let thesis = folder.path().join("thesis.lindi.d");
    std::fs::create_dir(&thesis).unwrap();
    std::fs::write(thesis.join("thesis.txt"), "").unwrap();
    let index = index_file(&path, &Naming::Absolute).unwrap();
    assert!(write_index(index, &thesis, true).unwrap_err().to_string().contains("other things"));
    assert!(thesis.join("thesis.txt").exists());
}
