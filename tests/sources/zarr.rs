//! OME-Zarr 0.4 and 0.5 and bare Zarr arrays of version 2 and 3, written by zarr-python and ome-zarr.

use std::path::Path;

use serde_json::Value;
use tectum::format::{FormatError, OpenOptions, Opened, open};

use crate::manifest::{assert_matches, entries, folder, text};

fn opened(path: &Path, dataset: Option<&str>) -> Result<Opened, FormatError> {
    open(path, &OpenOptions { dataset: dataset.map(str::to_owned), ..OpenOptions::default() })
}

#[test]
fn every_resolution_of_every_image_is_as_its_writer_reads_it() {
    let all = entries("ome", "datasets");
    assert_eq!(all.len(), 20);
    for entry in &all {
        let path = folder("ome").join(text(entry, "file"));
        let alone = opened(&path, Some(text(entry, "path"))).unwrap_or_else(|error| panic!("{error}"));
        assert_matches(alone.source.as_ref(), entry);
        let image = opened(&path, None).unwrap_or_else(|error| panic!("{error}"));
        let level: usize = text(entry, "path").trim_start_matches('s').parse().unwrap();
        let source = if level == 0 { &image.source } else { &image.levels[level - 1] };
        assert_matches(source.as_ref(), entry);
        assert_eq!(image.source.problems(), [], "{}", path.display());
    }
}

#[test]
fn an_image_has_its_resolutions_channels_and_scale() {
    for (file, format) in [("v04_blosc.zarr", "OME-Zarr 0.4"), ("v05_sharded.zarr", "OME-Zarr 0.5")] {
        let image = opened(&folder("ome").join(file), None).unwrap();
        let info = image.source.info();
        assert_eq!((info.format.as_str(), info.name.as_str()), (format, file.trim_end_matches(".zarr")));
        assert_eq!((info.rate_hz, info.channel_axis), (Some(2.5), Some(1)));
        let edges = info.voxel_size.unwrap();
        assert_eq!((edges.z_um, edges.y_um, edges.x_um), (5.0, 0.6, 0.6));
        assert_eq!(image.levels[1].info().voxel_size.unwrap().x_um, 2.4);
        assert_eq!(image.levels.len(), 2);
        assert_eq!(image.datasets.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["fixture"]);
        let told: Vec<_> =
            image.channels.iter().map(|c| (c.name.as_str(), c.color, c.limits, c.held.clone())).collect();
        assert_eq!(told[0], ("green", Some([0, 255, 0]), Some([0.0, 60000.0]), vec![0]));
        assert_eq!(told[1], ("red", Some([255, 0, 0]), Some([0.0, 60000.0]), vec![1]));
        assert!(image.channels.iter().all(|channel| channel.is_visible && channel.levels.len() == 3));
        let stored = &info.facts.iter().find(|fact| fact.0 == "Stored").unwrap().1;
        assert!(stored.starts_with("blosc"), "{stored}");
    }
    // What no unit is given for is not made up.
    let plain = opened(&folder("ome").join("lib_v05.zarr"), None).unwrap();
    assert_eq!((plain.source.info().voxel_size, plain.source.info().rate_hz), (None, None));
    assert_eq!(plain.levels.len(), 4);
}

/// The entries of a manifest in a folder, each opened and compared.
fn assert_all_match(folder: &Path, list: &str) {
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for entry in manifest[list].as_array().unwrap() {
        let dataset = entry["dataset"].as_str();
        let opened = opened(&folder.join(text(entry, "file")), dataset);
        assert_matches(opened.unwrap_or_else(|error| panic!("{error}")).source.as_ref(), entry);
    }
}

#[test]
fn random_arrays_are_as_zarr_python_reads_them() {
    assert_all_match(&folder("zarr"), "random");
}

/// `make_zarr.py FOLDER SEED 2000`, then `ZARR_RANDOM=FOLDER`.
#[test]
#[ignore = "needs a folder of random arrays"]
fn more_random_arrays_are_as_zarr_python_reads_them() {
    let folder = std::env::var("ZARR_RANDOM").expect("ZARR_RANDOM names a folder");
    assert_all_match(Path::new(&folder), "random");
}

#[test]
fn every_codec_of_numcodecs_is_undone_or_refused_by_its_name() {
    let folder = folder("zarr");
    assert_all_match(&folder, "codecs");
    let refused = entries("zarr", "refused");
    assert!(!refused.is_empty());
    for entry in &refused {
        let error = opened(&folder.join(text(entry, "file")), None).err().expect("it cannot be read");
        assert!(error.message.contains(text(entry, "codec")), "{error}");
    }
}

#[test]
fn what_a_hierarchy_holds_is_listed_and_can_be_chosen() {
    let folder = folder("zarr");
    assert_all_match(&folder, "hierarchies");
    let names = |file: &str, dataset: Option<&str>| {
        let opened = opened(&folder.join(file), dataset).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.source.problems(), [], "{file}");
        let names: Vec<String> = opened.datasets.iter().map(|entry| entry.name.clone()).collect();
        (names, opened.chosen, opened.source.info().name.clone())
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    // The fields of a well are listed once it is chosen.
    let first = names("plate.zarr", None);
    assert_eq!(first, (words(&["A/1/0", "A/1/1", "A/2", "B/1"]), 0, "plate A/1/0".into()));
    assert_eq!(names("plate.zarr", Some("B/1")).0, words(&["A/1", "A/2", "B/1/0", "B/1/1"]));
    assert_eq!(names("plate.zarr", Some("A/2/1")).2, "plate A/2/1");
    assert_eq!(names("series.zarr", None).0, words(&["0", "1"]));
    for version in [2, 3] {
        let file = format!("labels_{version}.zarr");
        assert_eq!(names(&file, None), (words(&["brain", "labels/cells"]), 0, format!("labels_{version} brain")));
        let opened = opened(&folder.join(&file), None).unwrap();
        assert_eq!(opened.datasets.iter().map(|entry| entry.is_no_image).collect::<Vec<_>>(), [false, true]);
        assert_eq!((opened.levels.len(), opened.datasets[0].shape.as_slice()), (1, &[2, 2, 16, 16][..]));
        let file = format!("group_{version}.zarr");
        assert_eq!(names(&file, None).0, words(&["session/raw/movie", "session/raw/trace"]));
    }
    assert_eq!(names("image.zarr.zip", None), (words(&["packed"]), 0, "image".into()));
    let movie = opened(&folder.join("group_2.zarr"), None).unwrap();
    assert_eq!(movie.source.info().axes_in_letters(), "tyx");
    let error = opened(&folder.join("plate.zarr"), Some("C/9")).err().unwrap();
    assert!(error.message.contains("no dataset named C/9; there is A/1, A/2, B/1"), "{error}");
}
