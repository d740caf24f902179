//! TIFF files, as tifffile and others write them, against what tifffile reads.

mod figures;
mod fuzz;
mod hostile;
mod kept;
mod live;
mod random;
mod remote;

use serde_json::Value;
use tectum::format::{OpenOptions, Opened, open};
use tectum::volume::{Region, Severity};

use crate::common::read_whole;
use crate::manifest::{assert_has_hash, assert_matches, entries, folder, text};

fn opened(entry: &Value) -> Opened {
    let dataset = entry["dataset"].as_str().map(str::to_owned);
    let options = OpenOptions { dataset, ..OpenOptions::default() };
    open(folder("tiff").join(text(entry, "file")), &options).unwrap_or_else(|error| panic!("{error}"))
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

#[test]
fn every_array_is_read_as_tifffile_reads_it() {
    let entries = entries("tiff", "arrays");
    assert!(entries.len() > 80);
    for entry in &entries {
        let opened = opened(entry);
        let info = opened.source.info();
        let what = text(entry, "file");
        assert_eq!(info.axes_in_letters(), text(entry, "axes"), "{what}");
        assert_eq!(info.dtype.name(), text(entry, "dtype"), "{what}");
        assert_matches(opened.source.as_ref(), entry);
        let files = entry["files"].as_u64().unwrap_or(1) as usize;
        assert_eq!(opened.source.files().len(), files, "{what}");
    }
}

#[test]
fn what_the_files_say_of_their_voxels_and_channels_is_known() {
    for entry in entries("tiff", "arrays") {
        let (opened, what) = (opened(&entry), text(&entry, "file").to_owned());
        let info = opened.source.info();
        if let Some(voxel) = numbers(&entry["voxel_um"]) {
            let size = info.voxel_size.unwrap_or_else(|| panic!("{what}: no voxel size"));
            let differs = [size.z_um, size.y_um, size.x_um].iter().zip(&voxel).any(|(a, b)| (a - b).abs() > 1e-6 * b);
            assert!(!differs, "{what}: {size:?}, not {voxel:?}");
        }
        if let Some(rate) = entry["rate_hz"].as_f64() {
            assert!(info.rate_hz.is_some_and(|hz| (hz - rate).abs() < 1e-6), "{what}: {:?}", info.rate_hz);
        }
        for fact in entry["facts"].as_array().into_iter().flatten() {
            let [label, words] = [0, 1].map(|i| fact[i].as_str().unwrap());
            let is_said = info.facts.iter().any(|(known, said)| known == label && said.contains(words));
            assert!(is_said, "{what}: {:?}", info.facts);
        }
        for (i, name) in entry["names"].as_array().into_iter().flatten().enumerate() {
            assert_eq!(Some(opened.channels[i].name.as_str()), name.as_str(), "{what}");
        }
        for (i, color) in entry["colors"].as_array().into_iter().flatten().enumerate() {
            let ours = opened.channels[i].color.map(|color| color.map(f64::from).to_vec());
            assert_eq!(ours, numbers(color), "{what}");
        }
        for (i, limits) in entry["limits"].as_array().into_iter().flatten().enumerate() {
            assert_eq!(opened.channels[i].limits.map(|limits| limits.to_vec()), numbers(limits), "{what}");
        }
    }
}

#[test]
fn what_was_never_written_is_missing_and_named() {
    let read = |name: &str| {
        let opened = open(folder("tiff").join(name), &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        let read = read_whole(opened.source.as_ref());
        let reasons: Vec<String> = read.missing.iter().map(|(_, error)| error.to_string()).collect();
        let regions: Vec<Region> = read.missing.iter().map(|(region, _)| *region).collect();
        assert!(opened.source.problems().iter().any(|problem| problem.severity == Severity::Error), "{name}");
        (opened.source.info().shape, regions, reasons.join("; "))
    };
    // A strip without data.
    let (_, regions, reasons) = read("hole.tif");
    assert_eq!(regions, [Region::new(&[10, 0], &[15, 17]).unwrap()]);
    assert!(reasons.contains("never written"), "{reasons}");
    // A number that no file has.
    let (shape, regions, reasons) = read("gap");
    assert_eq!((shape.dims(), regions), (&[4, 8, 9][..], vec![Region::new(&[2, 0, 0], &[3, 8, 9]).unwrap()]));
    assert!(reasons.contains("not there"), "{reasons}");
    // Files that an OME-XML names: not there, and outside of the folder.
    for (file, wanted) in [("missing_file.ome.tif", "gone_1.ome.tif is not there"), ("outside.ome.tif", "lies outside")]
    {
        let (shape, regions, reasons) = read(file);
        assert_eq!(shape.dims(), [3, 2, 8, 9]);
        let at = |z: usize| Region::new(&[1, z, 0, 0], &[2, z + 1, 8, 9]).unwrap();
        assert_eq!(regions, [at(0), at(1)], "{file}");
        assert!(reasons.contains(wanted), "{reasons}");
    }
}

#[test]
fn pages_say_when_they_were_taken() {
    let times = |name: &str| {
        let opened = open(folder("tiff").join(name), &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        opened.source.times_s()
    };
    let frames = times("scanimage_frames.tif").unwrap();
    // Two channels a timepoint, a page each thirtieth of a second.
    assert!(frames.iter().enumerate().all(|(t, time)| (time - t as f64 * 2.0 / 30.0).abs() < 1e-5), "{frames:?}");
    assert_eq!(times("scanimage_volumes.tif").unwrap().len(), 3);
    assert_eq!(times("timed.ome.tif").unwrap(), [0.0, 0.5, 1.25]);
    assert_eq!(times("zeiss.lsm.tif").unwrap(), [3.0, 3.5]);
    assert_eq!(times("movie.tif"), None);
}

#[test]
fn levels_of_a_pyramid_are_read() {
    for entry in entries("tiff", "arrays").iter().filter(|entry| entry["levels"].is_array()) {
        let opened = opened(entry);
        let levels = entry["levels"].as_array().unwrap();
        assert_eq!(opened.levels.len(), levels.len(), "{}", text(entry, "file"));
        for (level, wanted) in opened.levels.iter().zip(levels) {
            assert_has_hash(level.as_ref(), wanted, text(wanted, "sha256"));
        }
        assert!(opened.channels.iter().all(|channel| channel.levels.len() == levels.len() + 1));
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_name() {
    let entries = entries("tiff", "must_fail");
    assert!(!entries.is_empty());
    for entry in &entries {
        let error = open(folder("tiff").join(text(entry, "file")), &OpenOptions::default()).err();
        let error = error.unwrap_or_else(|| panic!("{} opens", text(entry, "file")));
        assert!(error.message.contains(text(entry, "words")), "{error}");
    }
}
