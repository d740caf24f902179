//! LINDI: trees whose bytes lie in other files.

use std::path::Path;

use tectum::format::{FormatError, OpenOptions, Opened, open};

use crate::manifest::{assert_has_hash, entries, folder, text};
use crate::nwb::assert_series;

fn opened(file: &Path, dataset: &str) -> Result<Opened, FormatError> {
    open(file, &OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() })
}

#[test]
fn every_form_holds_what_the_hdf5_file_holds() {
    let mut num = 0;
    for entry in entries("lindi", "datasets") {
        let file = folder("lindi").join(text(&entry, "file"));
        let path = text(&entry, "path");
        if !entry["external_file"].is_null() || path.starts_with("scalar") {
            continue;
        }
        let mut entry = entry.clone();
        if entry["shape"].is_null() {
            // What the upstream reader fails at.
            entry["shape"] = serde_json::json!([6, 4, 24, 20]);
        }
        let sha256 = if entry["hdf5_sha256"].is_null() { text(&entry, "sha256") } else { text(&entry, "hdf5_sha256") };
        let is_series = path.ends_with("/data");
        match is_series {
            true => assert_series(&file, &entry, sha256),
            false => assert_has_hash(opened(&file, path).unwrap().source.as_ref(), &entry, sha256),
        }
        num += 1;
    }
    assert_eq!(num, 5 * 7 + 2 * 2 + 12);
}

#[test]
fn relative_names_are_looked_for_beside_the_file() {
    let file = folder("lindi").join("dot_relative.nwb.lindi.json");
    let all = entries("lindi", "datasets");
    for entry in
        all.iter().filter(|entry| text(entry, "file") == "ophys.nwb.lindi.json" && entry["external_file"].is_null())
    {
        assert_series(&file, entry, text(entry, "sha256"));
    }
}
