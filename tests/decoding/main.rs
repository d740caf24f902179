//! Promise: what is read without libhdf5 is, byte for byte, what libhdf5 reads.
#![allow(clippy::unwrap_used)]

mod damage;
mod fuzz;
mod kinds;
mod layouts;
mod random;
mod speed;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tectum::format::hdf5::{H5Array, Header, list};
use tectum::format::{Filled, ReadErrorKind};
use tectum::volume::{Region, Shape};

fn blocks(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            blocks(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "h5" || extension == "nwb") {
            found.push(path);
        }
    }
}

/// Every file of HDF5 of every fixture.
fn fixtures() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = Vec::new();
        blocks(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut found);
        found.sort();
        found
    })
}

fn read(array: &H5Array, region: &Region) -> Result<(Filled, Vec<u8>), tectum::format::ReadError> {
    let mut buffer = vec![0xa5; region.shape().num_bytes(array.header().dtype).unwrap()];
    array.read(region, &mut buffer).map(|filled| (filled, buffer))
}

fn read_through_library(array: &H5Array, region: &Region) -> Vec<u8> {
    let mut buffer = vec![0x5a; region.shape().num_bytes(array.header().dtype).unwrap()];
    array.read_through_library(region, &mut buffer).unwrap();
    buffer
}

/// The whole, every part, and a spread of boxes that cut across chunks.
fn regions(array: &H5Array) -> Vec<Region> {
    let shape = array.header().shape;
    let whole = Region::whole(&shape);
    let mut regions = vec![whole];
    for step in [array.parts(), Shape::new(&vec![3; shape.rank()]).unwrap()] {
        for start in 0..shape.dims()[0] {
            let mut region = whole;
            for (axis, (&dim, &step)) in shape.dims().iter().zip(step.dims()).enumerate() {
                let first = (start * 7 * step) % dim;
                region = region.with_axis(axis, first, dim.min(first + step));
            }
            regions.push(region);
        }
    }
    regions
}

#[test]
fn both_paths_agree_on_every_fixture() {
    let mut num_arrays = 0;
    let mut filters = std::collections::BTreeSet::new();
    for path in fixtures() {
        let Ok(headers) = list(path) else { continue };
        for header in headers {
            let Ok(array) = H5Array::open(path, &header.name) else { continue };
            assert_eq!(array.header(), &header);
            if !array.is_whole() || path.to_string_lossy().contains("i_bad_chunk") {
                continue;
            }
            // The library as it is built here has neither.
            if ["szip", "zfp"].contains(&header.filters_in_words().as_str()) {
                continue;
            }
            if !header.is_decodable() {
                assert!(header.filters_in_words().contains("HDF5 filter"), "{}: {header:?}", path.display());
                continue;
            }
            for region in regions(&array) {
                let (filled, bytes) = read(&array, &region).unwrap_or_else(|error| panic!("{error} {region}"));
                assert_eq!(filled, Filled::All);
                assert!(bytes == read_through_library(&array, &region), "{} {region}", path.display());
            }
            num_arrays += 1;
            filters.insert(header.filters_in_words());
        }
    }
    println!("{num_arrays} arrays, filters: {filters:?}");
    assert!(num_arrays > 150, "only {num_arrays} arrays were compared");
    for filter in ["blosc", "blosc2", "shuffle, deflate", "shuffle, bzip2", "shuffle, lzo", "none"] {
        assert!(filters.contains(filter), "no fixture with {filter}");
    }
}

#[test]
fn broken_blocks_are_errors_that_name_the_file() {
    for path in fixtures() {
        for Header { name, .. } in list(path).unwrap_or_default() {
            let Ok(array) = H5Array::open(path, &name) else { continue };
            for region in regions(&array) {
                if let Err(error) = read(&array, &region) {
                    assert_eq!(error.file, path.into());
                    assert!(!error.message.is_empty());
                }
            }
        }
    }
    let split = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split");
    let damaged = H5Array::open(&split.join("i_bad_chunk/data/0001.h5"), "stack_4D").unwrap();
    let error = read(&damaged, &Region::whole(&damaged.header().shape)).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::Corrupt);
}

#[test]
fn every_codec_holds_the_same_recording() {
    let split = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split");
    let mut num_codecs = 0;
    for block in ["0000.h5", "0001.h5"] {
        let load = |codec: &str| {
            let array = H5Array::open(&split.join(codec).join("data").join(block), "stack_4D").unwrap();
            read(&array, &Region::whole(&array.header().shape)).unwrap()
        };
        let plain = load("e_none");
        for entry in std::fs::read_dir(&split).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with("e_") {
                assert_eq!(load(&name), plain, "{name}/{block}");
                num_codecs += 1;
            }
        }
    }
    assert!(num_codecs >= 24, "only {num_codecs} blocks were compared");
}
