//! Promise: what a reference file says of an HDF5 file or a recording reads as the original does, in all of its forms.

use std::path::{Path, PathBuf};

use tectum::format::{OpenOptions, Source, open};
use tectum::write::lindi::{Naming, index_file, index_recording, write_index};

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
