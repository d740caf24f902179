//! Sparse matrices, as 10x Genomics, AnnData, scipy and the array packages write them.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::{FormatError, FormatErrorCode, OpenOptions, Opened, open};
use tectum::volume::Region;

use crate::common::{read_region, read_whole};
use crate::manifest::{assert_matches, entries, folder, text};

fn open_named(file: &str, name: &str) -> Result<Opened, FormatError> {
    open(folder("sparse").join(file), &OpenOptions { dataset: Some(name.to_owned()), ..OpenOptions::default() })
}

/// What a user says of a matrix of the manifest.
fn told(entry: &Value) -> String {
    let group = text(entry, "path");
    let packing = if entry["by_column"].as_bool().unwrap() { "csc" } else { "csr" };
    let dims = &entry["shape"];
    let mut told = format!("{group}#{packing},{}x{}", dims[0], dims[1]);
    for member in ["data", "indices", "indptr"] {
        if let Some(name) = entry["names"][member].as_str() {
            told.push_str(&format!(",{member}={}", Path::new(name).file_name().unwrap().display()));
        }
    }
    told
}

#[test]
fn every_matrix_is_what_its_reader_makes_dense() {
    for entry in entries("sparse", "datasets") {
        let opened = open_named(text(&entry, "file"), &told(&entry)).unwrap();
        assert_matches(opened.source.as_ref(), &entry);
        // A subset by rows and columns.
        let picked = |axis: &str| -> Vec<usize> {
            entry["subset"][axis].as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as usize).collect()
        };
        let mut hash = Sha256::new();
        for &row in &picked("rows") {
            for &column in &picked("cols") {
                let voxel = Region::new(&[row, column], &[row + 1, column + 1]).unwrap();
                hash.update(&read_region(opened.source.as_ref(), &voxel).bytes);
            }
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, text(&entry["subset"], "sha256"));
    }
}

#[test]
fn those_who_say_how_they_are_packed_open_by_themselves() {
    let all = entries("sparse", "datasets");
    for file in ["tenx_v3.h5", "anndata.h5"] {
        let entry = all.iter().find(|entry| text(entry, "file") == file).unwrap();
        let opened = open(folder("sparse").join(file), &OpenOptions::default()).unwrap();
        assert_eq!(opened.datasets[opened.chosen].name, text(entry, "path"));
        assert!(opened.source.problems().is_empty());
        assert_matches(opened.source.as_ref(), entry);
    }
}

#[test]
fn where_the_file_does_not_say_both_ways_are_offered_and_the_shape_proposed() {
    for (file, right) in [("csc.h5", "sparse_blah#csc"), ("csr.h5", "sparse_blah#csr")] {
        let all = entries("sparse", "datasets");
        let entry = all.iter().find(|entry| text(entry, "file") == file).unwrap();
        let opened = open(folder("sparse").join(file), &OpenOptions::default()).unwrap();
        let names: Vec<&str> = opened.datasets.iter().map(|entry| entry.name.as_str()).collect();
        assert!(names.contains(&"sparse_blah#csc") && names.contains(&"sparse_blah#csr"), "{names:?}");
        assert!(opened.source.problems().iter().any(|problem| problem.message.contains("does not say")));
        assert_matches(open_named(file, right).unwrap().source.as_ref(), entry);
        let error = open_named(file, "sparse_blah").err().unwrap();
        assert!(error.message.contains("sparse_blah#csc or sparse_blah#csr"), "{error}");
        assert_eq!(error.code, FormatErrorCode::WrongOption);
    }
}

#[test]
fn what_does_not_fit_is_refused_in_the_words_that_are_known() {
    let all = entries("sparse", "must_fail");
    assert_eq!(all.len(), 6);
    for entry in all {
        let error = open_named(text(&entry, "file"), &format!("{}#csc,120x80", text(&entry, "path"))).err().unwrap();
        assert_eq!(error.message, format!("{}: {}", text(&entry, "path"), text(&entry, "error")));
    }
    for (words, wanted) in
        [("120x80", "csc or csr"), ("csc,120", "is not understood"), ("csc,rows=3", "is not understood")]
    {
        let error = open_named("csc.h5", &format!("sparse_blah#{words}")).err().unwrap();
        assert!(error.message.contains(wanted), "{error}");
        assert_eq!(error.code, FormatErrorCode::WrongOption);
    }
    let huge = open_named("csc.h5", "sparse_blah#csc,99999999999999999999999x80").err().unwrap();
    assert!(huge.message.contains("is not understood"), "{huge}");
    let huge = open_named("csc.h5", "sparse_blah#csc,18446744073709551615x80").err().unwrap();
    assert!(huge.message.contains("is empty") || huge.message.contains("larger"), "{huge}");
}

#[test]
fn random_matrices_are_what_scipy_makes_of_them() {
    let bytes = |name: &str| {
        let opened = open_named("more.h5", name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = read_whole(opened.source.as_ref());
        assert!(read.missing.is_empty(), "{name}: {:?}", read.missing);
        (opened.source.info().shape, opened.source.info().dtype, read.bytes)
    };
    for n in 0..8 {
        let dense = bytes(&format!("dense_{n}"));
        let dims = dense.0.dims();
        for packing in ["csc", "csr"] {
            let name = format!("{packing}_{n}#{packing},{}x{}", dims[0], dims[1]);
            assert!(bytes(&name) == dense, "{name}");
        }
    }
    for name in ["old/X", "GRCh38"] {
        assert!(bytes(name) == bytes("dense_2"), "{name}");
    }
}

#[test]
fn an_index_beyond_the_matrix_is_an_error_where_it_is_and_nowhere_a_value() {
    for (group, index) in [("beyond", "5000"), ("negative", "-1")] {
        let dense = open_named("more.h5", "dense_0").unwrap();
        let dims = dense.source.info().shape.dims().to_vec();
        let opened = open_named("more.h5", &format!("{group}#csc,{}x{}", dims[0], dims[1])).unwrap();
        let read = read_whole(opened.source.as_ref());
        assert!(!read.missing.is_empty());
        assert!(read.missing.iter().all(|(_, error)| error.message.contains(index)), "{:?}", read.missing);
        assert!(opened.source.problems().iter().any(|problem| problem.message.contains(index)));
    }
    let error = open_named("more.h5", "negative#csc").err().unwrap();
    assert!(error.message.contains("-1"), "{error}");
}
