//! What the upstream readers said of the fixtures: an entry for each array, with the hash of its voxels.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::Source;

use crate::common::read_whole;

/// `tests/fixtures/sources/KIND`.
pub fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(kind)
}

/// The entries of a list of `tests/fixtures/sources/KIND/manifest.json`.
pub fn entries(kind: &str, list: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder(kind).join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    manifest[list].as_array().unwrap().clone()
}

/// The text of a field; empty where there is none.
pub fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

/// Compares all of a source, read chunk by chunk in its own axes, with an entry that has a hash.
pub fn assert_matches(source: &dyn Source, entry: &Value) {
    assert_has_hash(source, entry, text(entry, "sha256"));
}

/// The same with the hash that is given.
pub fn assert_has_hash(source: &dyn Source, entry: &Value, wanted: &str) {
    let info = source.info();
    let what = format!("{} {}", text(entry, "file"), text(entry, "path"));
    let shape: Vec<u64> = entry["shape"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap()).collect();
    let dims: Vec<u64> = info.shape.dims().iter().map(|&dim| dim as u64).collect();
    assert_eq!(dims, shape, "{what}");
    let read = read_whole(source);
    assert!(read.missing.is_empty(), "{what}: {:?}", read.missing);
    let hash: String = Sha256::digest(&read.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, wanted, "{what}: {}, {}", info.shape, info.dtype);
}
