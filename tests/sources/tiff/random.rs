//! Random files of `tests/differential/tiff.py`, against what tifffile reads of them.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::{OpenOptions, open};

use crate::common::read_whole;

#[test]
#[ignore = "reads the folder TIFF_RANDOM"]
fn random_files_are_read_as_tifffile_reads_them() {
    let folder = PathBuf::from(std::env::var_os("TIFF_RANDOM").expect("TIFF_RANDOM names a folder"));
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    let arrays = manifest["arrays"].as_array().unwrap();
    for entry in arrays {
        let result = open(folder.join(entry["file"].as_str().unwrap()), &OpenOptions::default());
        let opened = match result {
            Ok(opened) => opened,
            Err(error) => {
                wrong.push(format!("{error} {entry}"));
                continue;
            }
        };
        let info = opened.source.info();
        let read = read_whole(opened.source.as_ref());
        let hash: String = Sha256::digest(&read.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let is_same = read.missing.is_empty()
            && info.shape.num_voxels().map(|num| num as u64) == entry["size"].as_u64()
            && Some(info.dtype.name()) == entry["dtype"].as_str()
            && Some(hash.as_str()) == entry["sha256"].as_str();
        if !is_same {
            wrong.push(format!("{} {} {:?} {entry}", info.shape, info.dtype, read.missing.first()));
        }
    }
    println!("{} files, {} read otherwise (seed {})", arrays.len(), wrong.len(), manifest["seed"]);
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(5)].join("\n"));
}
