//! NWB: image series with what the file says of them.

use std::path::Path;

use serde_json::Value;
use tectum::format::{FormatErrorCode, OpenOptions, Opened, open};
use tectum::volume::Axis;

use crate::manifest::{assert_has_hash, assert_matches, entries, folder, text};

fn opened(file: &Path, dataset: &str) -> Opened {
    let options = OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() };
    open(file, &options).unwrap_or_else(|error| panic!("{dataset}: {error}"))
}

/// Compares a series with what the upstream reader found in it, facts and voxels.
pub fn assert_series(file: &Path, entry: &Value, sha256: &str) {
    let path = text(entry, "path");
    let opened = opened(file, path);
    let info = opened.source.info();
    assert_eq!(opened.datasets[opened.chosen].name, path.trim_matches('/').trim_end_matches("/data"));
    assert_has_hash(opened.source.as_ref(), entry, sha256);
    let letters: String = info.axes.iter().map(|axis| axis.map_or('_', Axis::letter)).collect();
    assert_eq!(letters, text(entry, "axes"), "{path}");
    let rate = entry["rate"].as_f64();
    let times = entry["timestamps"].as_array();
    let times: Option<Vec<f64>> = times.map(|times| times.iter().map(|time| time.as_f64().unwrap()).collect());
    assert_eq!(opened.source.times_s(), times, "{path}");
    match rate {
        Some(_) => assert_eq!(info.rate_hz, rate, "{path}"),
        None => assert!((info.rate_hz.unwrap() - 2.5).abs() < 1e-9, "{path}: by the middle step"),
    }
    let spacing = entry["grid_spacing"].as_array();
    let spacing: Option<Vec<f64>> = spacing.map(|s| s.iter().map(|edge| edge.as_f64().unwrap()).collect());
    let edges = info.voxel_size.map(|size| vec![size.x_um, size.y_um, size.z_um]);
    assert_eq!(edges, spacing, "{path}");
    let (factor, offset) = (entry["conversion"].as_f64().unwrap(), entry["offset"].as_f64().unwrap());
    let scale = info.value_scale.as_ref().map(|scale| (scale.factor, scale.offset, scale.unit.as_str()));
    assert_eq!(
        scale,
        (factor != 1.0 || offset != 0.0).then_some((factor, offset, "")),
        "{path}: no unit that means any"
    );
}

#[test]
fn every_series_is_what_the_upstream_reader_says() {
    let file = folder("nwb").join("ophys.nwb");
    let mut num = 0;
    for entry in entries("nwb", "datasets").iter().filter(|entry| entry["external_file"].is_null()) {
        assert_series(&file, entry, text(entry, "sha256"));
        num += 1;
    }
    assert_eq!(num, 7);
}

#[test]
fn the_likeliest_recording_opens_and_the_rest_is_offered() {
    let opened = open(folder("nwb").join("ophys.nwb"), &OpenOptions::default()).unwrap();
    let info = opened.source.info();
    assert_eq!((info.name.as_str(), info.format.as_str()), ("ophys", "NWB (TwoPhotonSeries)"));
    // Of two that are alike the first.
    assert_eq!(opened.datasets[opened.chosen].name, "acquisition/TwoPhotonContiguous");
    let opened = self::opened(&folder("nwb").join("ophys.nwb"), "acquisition/TwoPhotonVolume");
    let info = opened.source.info();
    let scale = info.value_scale.as_ref().unwrap();
    assert_eq!(scale.physical(3.0), 11.5);
    let fact = |label: &str| info.facts.iter().find(|(name, _)| name == label).map(|(_, value)| value.as_str());
    assert_eq!(fact("Indicator"), Some("GCaMP6s"));
    assert_eq!(fact("Scan line rate (Hz)"), Some("1000"));
    assert_eq!(fact("Starts at (s)"), Some("1.5"));
    assert_eq!(fact("Description"), None, "\"no description\" says nothing");
    assert!(opened.source.problems().is_empty(), "{:?}", opened.source.problems());
    let names: Vec<&str> = opened.datasets.iter().map(|entry| entry.name.as_str()).collect();
    assert!(names.contains(&"acquisition/ExternalMovie") && names.contains(&"processing/ophys/SharedTimes"));
    let movie = opened.datasets.iter().find(|entry| entry.name == "acquisition/ExternalMovie").unwrap();
    assert_eq!(movie.summary, "ImageSeries, frames in movie_a.tif … movie_b.tif");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let file = folder("nwb").join("ophys.nwb");
    let error = |dataset: &str| {
        let options = OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() };
        open(&file, &options).err().unwrap()
    };
    let external = error("acquisition/ExternalMovie");
    assert!(external.message.contains("movie_a.tif") && external.message.contains("no such file"), "{external}");
    let absent = error("acquisition/Nothing");
    assert_eq!(absent.code, FormatErrorCode::WrongOption);
    assert!(absent.message.contains("acquisition/TwoPhotonVolume"), "{absent}");
}

#[test]
fn the_user_is_believed_about_the_axes() {
    let options = OpenOptions {
        dataset: Some("acquisition/OnePhotonPlane".to_owned()),
        axes: Some("zyx".to_owned()),
        ..OpenOptions::default()
    };
    let opened = open(folder("nwb").join("ophys.nwb"), &options).unwrap();
    assert_eq!(opened.source.info().axes_in_letters(), "zyx");
    assert_matches(
        opened.source.as_ref(),
        entries("nwb", "datasets").iter().find(|entry| text(entry, "path").contains("OnePhotonPlane")).unwrap(),
    );
}
