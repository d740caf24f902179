//! Plain HDF5 files, as h5py writes them: every layout, filter and type, and arrays that are found by links.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::{DatasetEntry, FormatErrorCode, OpenOptions, Opened, open};
use tectum::volume::{Axis, Region, Severity};

use crate::common::read_whole;
use crate::manifest::{assert_matches, entries, folder, text};

fn open_array(file: &Path, name: &str) -> Result<Opened, tectum::format::FormatError> {
    open(file, &OpenOptions { dataset: Some(name.to_owned()), ..OpenOptions::default() })
}

fn of_manifest(entry: &Value) -> Opened {
    let opened = open_array(&folder("plain").join(text(entry, "file")), text(entry, "path"));
    opened.unwrap_or_else(|error| panic!("{error}"))
}

fn entry_of<'a>(opened: &'a Opened, name: &str) -> &'a DatasetEntry {
    opened.datasets.iter().find(|entry| entry.name == name).unwrap_or_else(|| panic!("{name} is not offered"))
}

#[test]
fn every_array_is_what_its_writer_reads() {
    let mut num = 0;
    for entry in entries("plain", "datasets") {
        let name = text(&entry, "path");
        // Those have tests of their own.
        let is_other = entry.get("sha256").is_none() || ["resizable", "empty_axis"].contains(&name);
        if !is_other {
            assert_matches(of_manifest(&entry).source.as_ref(), &entry);
            num += 1;
        }
    }
    assert_eq!(num, 80);
}

#[test]
fn what_no_writer_wrote_and_no_file_defines_is_missing() {
    let all = entries("plain", "datasets");
    let entry = all.iter().find(|entry| text(entry, "path") == "resizable").unwrap();
    let opened = of_manifest(entry);
    let read = read_whole(opened.source.as_ref());
    let hash: String = Sha256::digest(&read.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, text(entry, "sha256"), "what is there is right, and zeros stand for the rest");
    let last = Region::whole(&opened.source.info().shape).with_axis(0, 4, 5);
    assert!(read.missing.iter().all(|(part, _)| part.intersect(&last) == Some(*part)));
    let num: usize = read.missing.iter().map(|(part, _)| part.shape().num_voxels().unwrap()).sum();
    assert_eq!(num, last.shape().num_voxels().unwrap());
    assert!(opened.source.problems().iter().any(|problem| problem.severity == Severity::Error));
}

#[test]
fn a_fill_value_that_the_file_defines_is_shown_and_said() {
    let file = folder("plain").join("layouts.h5");
    let opened = open_array(&file, "chunked_partly_written").unwrap();
    let facts = &opened.source.info().facts;
    let fact = facts.iter().find(|(label, _)| label == "Never written").unwrap();
    assert_eq!(fact.1, "18 of 24 chunks; the file says 7 there");
    assert!(opened.source.problems().is_empty(), "{:?}", opened.source.problems());
}

#[test]
fn what_is_no_image_is_listed_and_refused_by_what_it_is() {
    let file = folder("plain").join("dtypes.h5");
    let opened = open(&file, &OpenOptions::default()).unwrap();
    for (name, word) in [("c8_complex", "complex"), ("rgb_compound", "compound (fields r, g, b)")] {
        let entry = entry_of(&opened, name);
        assert!(entry.is_no_image && entry.summary.contains(word), "{entry:?}");
        let error = open_array(&file, name).err().unwrap();
        assert!(error.message.contains(word) && error.message.contains("not supported"), "{error}");
    }
    let layouts = folder("plain").join("layouts.h5");
    let error = open_array(&layouts, "empty_axis").err().unwrap();
    assert!(error.message.contains("is empty (0 × 4 × 24 × 20)"), "{error}");
    assert_eq!(error.code, FormatErrorCode::Beginning, "frames may come");
    let error = open_array(&layouts, "nowhere").err().unwrap();
    assert!(error.message.contains("no dataset named nowhere; there is"), "{error}");
}

#[test]
fn a_table_is_opened_where_there_is_nothing_else_and_a_line_is_named() {
    let here = tempfile::tempdir().unwrap();
    for name in ["VDS.h5", "1.h5", "2.h5", "3.h5", "4.h5"] {
        std::fs::copy(folder("vds").join(name), here.path().join(name)).unwrap();
    }
    let opened = open(here.path().join("VDS.h5"), &OpenOptions::default()).unwrap();
    assert_eq!(opened.source.info().shape.dims(), [4, 100]);
    let line = here.path().join("line.h5");
    std::fs::rename(here.path().join("1.h5"), &line).unwrap();
    let error = open(&line, &OpenOptions::default()).err().unwrap();
    assert!(error.message.contains("no array of two or more axes; of one axis: data"), "{error}");
}

#[test]
fn the_picker_knows_what_each_array_takes() {
    let opened = open(folder("plain").join("layouts.h5"), &OpenOptions::default()).unwrap();
    let entry = entry_of(&opened, "one_chunk_per_frame");
    assert_eq!((entry.shape.as_slice(), entry.compression.as_str()), (&[6, 4, 24, 20][..], "deflate"));
    assert!(entry.stored_bytes.is_some_and(|num_bytes| (1000..23_040).contains(&num_bytes)), "{entry:?}");
    assert_eq!(entry_of(&opened, "contiguous").stored_bytes, Some(23_040));
    assert!(entry_of(&opened, "x_1d").is_no_image);
    assert!(!opened.datasets[0].is_no_image, "an image is chosen first");
    assert!(opened.datasets[opened.chosen].stored_bytes > Some(0), "and one of which something was written");
}

#[test]
fn links_are_other_names_and_broken_ones_are_named() {
    let file = folder("plain").join("nested.h5");
    let opened = open(&file, &OpenOptions::default()).unwrap();
    assert_eq!(opened.datasets[opened.chosen].name, "acquisition/camera_1/stack");
    let names: Vec<&str> = opened.datasets.iter().map(|entry| entry.name.as_str()).collect();
    assert!(!names.contains(&"soft") && !names.contains(&"hard"), "an array is offered once: {names:?}");
    assert!(entry_of(&opened, "acquisition/camera_1/stack").summary.ends_with("; also soft"));
    assert!(entry_of(&opened, "acquisition/camera_2/stack").summary.ends_with("; also hard"));
    assert!(entry_of(&opened, "external").summary.ends_with("; in layouts.h5"));
    let external = open_array(&file, "external").unwrap();
    assert!(external.source.files().iter().any(|file| file.to_string().ends_with("layouts.h5")));
    // Through a ring of groups.
    let looped = open_array(&file, "analysis/loop/analysis/loop/analysis/dff").unwrap();
    assert_eq!(looped.source.info().shape.dims(), [6, 4, 24, 20]);
    let problems = opened.source.problems();
    for (name, word) in [("dangling", "/no/such"), ("external_dangling", "gone.h5")] {
        let note = problems.iter().find(|problem| problem.message.starts_with(name)).unwrap();
        assert!(note.message.contains(word) && note.severity == Severity::Note, "{}", note.message);
        assert!(open_array(&file, name).is_err());
    }
}

#[test]
fn the_file_names_its_axes_and_the_size_of_a_voxel() {
    let opened = open_array(&folder("plain").join("nested.h5"), "acquisition/camera_1/stack").unwrap();
    let info = opened.source.info();
    assert_eq!(info.axes, [Axis::T, Axis::Z, Axis::Y, Axis::X].map(Some));
    assert!(info.axes_from.iter().all(|from| *from == tectum::volume::AxisFrom::FILE));
    assert_eq!(info.voxel_size.map(|size| [size.z_um, size.y_um, size.x_um]), Some([5.0, 0.6, 0.6]));
}

#[test]
fn voxels_in_a_bare_file_that_is_gone_or_cut_are_missing_by_its_name() {
    let folder_of_copy = tempfile::tempdir().unwrap();
    let file = folder_of_copy.path().join("layouts.h5");
    std::fs::copy(folder("plain").join("layouts.h5"), &file).unwrap();
    let raw = folder_of_copy.path().join("layouts_external.raw");
    let opened = open_array(&file, "external_raw").unwrap();
    let gone = read_whole(opened.source.as_ref());
    assert!(
        gone.missing.iter().all(|(_, error)| error.to_string().contains("layouts_external.raw")),
        "{:?}",
        gone.missing
    );
    let covered = |missing: &[(Region, tectum::format::ReadError)]| -> usize {
        missing.iter().map(|(part, _)| part.shape().num_voxels().unwrap()).sum()
    };
    assert_eq!(covered(&gone.missing), 6 * 4 * 24 * 20);
    // Half of it: three of six timepoints.
    let bytes = std::fs::read(folder("plain").join("layouts_external.raw")).unwrap();
    std::fs::write(&raw, &bytes[..bytes.len() / 2]).unwrap();
    let half = read_whole(opened.source.as_ref());
    assert_eq!(covered(&half.missing), 3 * 4 * 24 * 20, "{:?}", half.missing);
    assert_eq!(half.bytes[..bytes.len() / 2], bytes[..bytes.len() / 2]);
}

#[test]
fn an_array_can_be_turned_round_as_r_has_it() {
    let file = folder("plain").join("layouts.h5");
    let opened = open_array(&file, "zyx_3d#reversed").unwrap();
    assert_eq!(opened.source.info().shape.dims(), [20, 24, 4]);
    let entry = &opened.datasets[opened.chosen];
    assert_eq!((entry.name.as_str(), &*entry.title()), ("zyx_3d#reversed", "zyx_3d, axes in the opposite order"));
    assert_eq!((entry.shape.as_slice(), entry.is_no_image), (&[20, 24, 4][..], false));
    assert_eq!(opened.datasets[opened.chosen - 1].name, "zyx_3d", "an entry of its own, beside the array itself");
    let (turned, plain) =
        (read_whole(opened.source.as_ref()), read_whole(open_array(&file, "zyx_3d").unwrap().source.as_ref()));
    for (z, y, x) in [(0, 0, 0), (3, 23, 19), (1, 5, 7)] {
        let (a, b) = (((z * 24 + y) * 20 + x) * 2, ((x * 24 + y) * 4 + z) * 2);
        assert_eq!(plain.bytes[a..a + 2], turned.bytes[b..b + 2]);
    }
}
