//! NWB and LINDI as pynwb and lindi write them at random, regions of interest, and what lies in other files.

use serde_json::Value;
use tectum::format::nwb::{RoiVoxel, read_rois};
use tectum::format::{OpenOptions, Opened, Refresh, open};

use crate::common::read_whole;
use crate::manifest::{assert_matches, entries, folder, text};

fn opened(entry: &Value) -> Opened {
    let options = OpenOptions { dataset: Some(text(entry, "path").to_owned()), ..OpenOptions::default() };
    let file = folder("nwb_made").join(text(entry, "file"));
    open(&file, &options).unwrap_or_else(|error| panic!("{}: {error}", text(entry, "path")))
}

fn manifest() -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder("nwb_made").join("manifest.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array().map(|values| values.iter().map(|value| value.as_f64().unwrap()).collect())
}

#[test]
fn random_series_are_the_same_in_every_form() {
    for entry in entries("nwb_made", "datasets") {
        let opened = opened(&entry);
        assert_matches(opened.source.as_ref(), &entry);
        let info = opened.source.info();
        let what = format!("{} {}", text(&entry, "file"), text(&entry, "path"));
        assert_eq!(opened.source.times_s(), numbers(&entry["timestamps"]), "{what}");
        if let Some(rate) = entry["rate"].as_f64() {
            assert_eq!(info.rate_hz, Some(rate), "{what}");
        }
        let spacing = numbers(&entry["spacing_um"]).unwrap();
        let size = info.voxel_size.unwrap();
        let edges = [size.x_um, size.y_um, size.z_um];
        let is_close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b;
        assert!(spacing.iter().zip(&edges).all(|(a, b)| is_close((a, b))), "{what}: {edges:?} {spacing:?}");
        let scale = info.value_scale.as_ref().map(|scale| vec![scale.factor, scale.offset]);
        assert_eq!(scale, numbers(&entry["scale"]), "{what}: in volts");
    }
}

#[test]
fn regions_come_in_each_of_their_three_forms() {
    for file in ["regions.nwb", "regions.nwb.lindi.json"] {
        let tables = read_rois(folder("nwb_made").join(file), &OpenOptions::default()).unwrap();
        assert_eq!(tables.len(), 3, "{file}");
        for table in tables {
            let name = table.path.rsplit('/').next().unwrap();
            let manifest = manifest();
            let truth = manifest["regions"][name].as_array().unwrap();
            assert_eq!(table.rois.len(), truth.len(), "{file} {name}");
            for (roi, wanted) in table.rois.iter().zip(truth) {
                let voxel = |v: &RoiVoxel| vec![f64::from(v.z), f64::from(v.y), f64::from(v.x), f64::from(v.weight)];
                let found: Vec<Vec<f64>> = roi.voxels.iter().map(voxel).collect();
                let wanted: Vec<Vec<f64>> =
                    wanted.as_array().unwrap().iter().map(|voxel| numbers(voxel).unwrap()).collect();
                assert_eq!(found.len(), wanted.len(), "{file} {name} {}", roi.id);
                for (found, wanted) in found.iter().zip(&wanted) {
                    assert_eq!(found[..3], wanted[..3], "{file} {name} {}", roi.id);
                    assert!((found[3] - wanted[3]).abs() < 1e-6, "{file} {name} {}", roi.id);
                }
            }
        }
    }
    assert_eq!(read_rois(folder("nwb").join("ophys.nwb"), &OpenOptions::default()).unwrap(), []);
}

#[test]
fn single_pictures_are_offered_too() {
    let entry = serde_json::json!({"file": "regions.nwb", "path": "processing/ophys/Means/colours"});
    let info = std::sync::Arc::clone(opened(&entry).source.info());
    assert_eq!(info.axes_in_letters(), "xyc");
    assert_eq!(opened(&entry).channels.len(), 3);
}

#[test]
fn links_to_other_files_are_followed_and_rings_end() {
    let manifest = manifest();
    let entry = &manifest["linked"];
    let linked = opened(entry);
    assert_matches(linked.source.as_ref(), entry);
    assert_eq!(linked.source.info().rate_hz, Some(3.0), "of the series, not of the file that it links to");
    assert!(linked.source.files().iter().any(|file| file.short() == "random0.nwb"));
    let options = OpenOptions { dataset: Some("acquisition/Ring".to_owned()), ..OpenOptions::default() };
    let error = open(folder("nwb_made").join("elsewhere.nwb"), &options).err().unwrap();
    assert!(error.message.contains("ring"), "{error}");
}

#[test]
fn frames_in_files_of_their_own_are_one_series() {
    let manifest = manifest();
    let entry = &manifest["movie"];
    let with_axes = |folder: &std::path::Path| {
        let options = OpenOptions {
            dataset: Some(text(entry, "path").to_owned()),
            axes: Some("tyx".to_owned()),
            ..OpenOptions::default()
        };
        open(folder.join("elsewhere.nwb"), &options).unwrap().source
    };
    assert_matches(with_axes(&folder("nwb_made")).as_ref(), entry);
    // Without the one in the middle its frame is a gap that names it, and what follows stays in its place.
    let copy = tempfile::tempdir().unwrap();
    for name in ["elsewhere.nwb", "frames_0.h5", "frames_2.h5"] {
        std::fs::copy(folder("nwb_made").join(name), copy.path().join(name)).unwrap();
    }
    let (whole, cut) = (read_whole(with_axes(&folder("nwb_made")).as_ref()), with_axes(copy.path()));
    let got = read_whole(cut.as_ref());
    let frame = 6 * 5 * 2;
    assert_eq!(
        (&got.bytes[..4 * frame], &got.bytes[5 * frame..]),
        (&whole.bytes[..4 * frame], &whole.bytes[5 * frame..])
    );
    let [(region, error)] = got.missing.as_slice() else { panic!("{:?}", got.missing) };
    assert_eq!((region.start(), region.stop()), (&[4, 0, 0][..], &[5, 6, 5][..]));
    assert!(
        error.file.short() == "frames_1.h5"
            && cut.problems().iter().any(|problem| problem.file == Some(error.file.clone()))
    );
}

#[test]
fn older_files_give_the_size_of_a_voxel_in_their_own_ways() {
    for (path, edges) in [("acquisition/ByManifold", [2.0, 3.0]), ("acquisition/ByField", [2.0, 2.0])] {
        let entry = serde_json::json!({"file": "older.nwb", "path": path});
        let size = opened(&entry).source.info().voxel_size.unwrap();
        assert!((size.x_um - edges[0]).abs() < 1e-9 && (size.y_um - edges[1]).abs() < 1e-9, "{path}: {size:?}");
    }
}

#[test]
fn a_series_that_is_still_written_is_followed_under_what_was_said_of_it() {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("fish.nwb");
    std::fs::copy(folder("nwb_made").join("growing_0.nwb"), &path).unwrap();
    let opened = open(&path, &OpenOptions::default()).unwrap();
    let growing = opened.growing.expect("its array can be extended");
    assert_eq!((growing.growth().axis, growing.info().shape.dims()), (0, &[4, 5, 4][..]));
    assert!(matches!(growing.refresh(&[]).unwrap(), Refresh::Unchanged));
    std::fs::write(&path, std::fs::read(folder("nwb_made").join("growing_1.nwb")).unwrap()).unwrap();
    let Refresh::Changed { source, stale } = growing.refresh(&[]).unwrap() else { panic!("it has grown") };
    let info = source.info();
    assert_eq!((info.shape.dims(), info.axes_in_letters().as_str()), (&[6, 5, 4][..], "txy"));
    assert_eq!((info.rate_hz, info.voxel_size.map(|size| size.x_um)), (Some(2.0), Some(2.0)));
    assert_eq!(info.format, "NWB (TwoPhotonSeries)");
    assert!(stale.iter().all(|chunks| chunks.start > 0) && stale.iter().any(|chunks| chunks.contains(&2)), "{stale:?}");
    let wanted: Vec<u8> = (0..6 * 5 * 4u16).flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_whole(source.as_ref()).bytes, wanted);
}

#[test]
fn a_series_of_another_file_is_opened_as_it_is_there() {
    let entry = serde_json::json!({"file": "linked_series.nwb", "path": "acquisition/Whole"});
    let info = std::sync::Arc::clone(opened(&entry).source.info());
    assert_eq!((info.format.as_str(), info.rate_hz), ("NWB (TwoPhotonSeries)", Some(2.0)));
    assert_eq!((info.axes_in_letters().as_str(), info.shape.dims()), ("txy", &[6, 5, 4][..]));
}
