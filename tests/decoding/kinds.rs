//! What is not read is named by its type; differences of Blosc 2 are undone; huge chunks are refused
//! before anything of them is read.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tectum::format::hdf5::{H5Array, contents};
use tectum::format::{Filled, OpenOptions, ReadErrorKind};
use tectum::volume::{DType, Region};

use super::read;
use super::writer::{Spec, write};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/h5").join(name)
}

#[test]
fn types_that_are_not_read_are_named() {
    let path = fixture("types.h5");
    let contents = contents(&path).unwrap();
    assert!(contents.arrays.is_empty(), "{:?}", contents.arrays);
    let expected = [
        ("bfloat16", "type bfloat16 is"),
        ("biased", "type float of 4 bytes with 8 bits of exponent (bias 120) and 23 of mantissa is"),
        ("biased64", "type float of 8 bytes with 11 bits of exponent (bias 1000) and 52 of mantissa is"),
        ("cells", "type array (in each voxel) is"),
        ("complex", "type complex is"),
        ("compound", "type compound (fields red, green, blue) is"),
        ("text", "type text is"),
        ("tiny", "type float of 1 bytes with 4 bits of exponent (bias 7) and 3 of mantissa is"),
        ("vlen", "type list of varying length is"),
    ];
    let (broken, unread): (Vec<_>, Vec<_>) = contents.unread.iter().partition(|unread| unread.is_broken);
    assert_eq!(broken.iter().map(|unread| unread.name.as_str()).collect::<Vec<_>>(), ["elsewhere"]);
    assert!(broken[0].why.contains("stack in other.h5, which is not there"), "{}", broken[0].why);
    assert_eq!(unread.len(), expected.len());
    for (unread, (name, why)) in unread.iter().zip(expected) {
        assert_eq!(unread.name, name);
        assert!(unread.why.starts_with(&format!("{why} not supported")), "{name}: {}", unread.why);
        let options = OpenOptions { dataset: Some(name.to_owned()), ..OpenOptions::default() };
        let error = tectum::format::open(&path, &options).err().unwrap();
        assert!(error.message.contains("not supported"), "{error}");
    }
    let error = tectum::format::open(&path, &OpenOptions::default()).err().unwrap();
    assert!(error.message.contains("complex: type complex is not supported"), "{error}");
}

#[test]
fn values_with_names_are_numbers() {
    let path = fixture("named.h5");
    for header in contents(&path).unwrap().arrays {
        let array = H5Array::open(&path, &header.name).unwrap();
        let whole = Region::whole(&header.shape);
        let (_, bytes) = read(&array, &whole).unwrap();
        let wanted: Vec<u8> = match header.dtype {
            DType::I16 => (0..24i16).flat_map(|i| (i * 300).to_le_bytes()).collect(),
            _ => (0..24).map(|i| i % 2).collect(),
        };
        assert_eq!(bytes, wanted, "{}", header.name);
        assert_eq!(super::read_through_library(&array, &whole), wanted, "{}", header.name);
    }
}

#[test]
fn a_recording_of_such_a_type_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for block in ["0000.h5", "0001.h5"] {
        std::fs::copy(fixture("types.h5"), folder.path().join(block)).unwrap();
    }
    let error = tectum::format::open(folder.path(), &OpenOptions::default()).err().unwrap();
    assert!(error.message.contains("is not supported"), "{error}");
    // Behind a good block it is an error of its own.
    let spec = Spec::new(&[4, 3, 8, 8], Some(&[1, 3, 8, 8]), DType::U16);
    write(&folder.path().join("0000.h5"), &spec, &super::writer::sample(&spec.shape, spec.dtype));
    let opened = tectum::format::open(folder.path(), &OpenOptions::default()).unwrap();
    opened.source.inspect();
    let problems = opened.source.problems();
    assert!(problems.iter().any(|problem| problem.code == "no_array"), "{problems:?}");
}

#[test]
fn differences_of_blosc2_are_undone() {
    let path = fixture("delta.h5");
    let mut num_compared = 0;
    for header in contents(&path).unwrap().arrays {
        let (kind, _) = header.name.split_once('/').unwrap();
        let plain = H5Array::open(&path, &format!("{kind}/plain")).unwrap();
        let whole = Region::whole(&header.shape);
        let array = H5Array::open(&path, &header.name).unwrap();
        assert!(read(&array, &whole).unwrap() == (Filled::All, read(&plain, &whole).unwrap().1), "{}", header.name);
        let part = Region::new(&[1, 5, 7], &[3, 15, 33]).unwrap();
        assert!(read(&array, &part).unwrap() == read(&plain, &part).unwrap(), "{}", header.name);
        num_compared += 1;
    }
    assert_eq!(num_compared, 4 * (2 + 3 * 2 * 2));
}

#[test]
fn a_chunk_too_large_to_decode_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    // 3.7 GiB, of which a few bytes are stored.
    let mut spec = Spec::new(&[1, 8, 8], Some(&[1000, 2000, 2000]), DType::U8);
    (spec.max, spec.deflate, spec.raw) = (Some(vec![None; 3]), Some(1), Some(vec![7; 64]));
    write(&path, &spec, &[]);
    let begin = Instant::now();
    let array = H5Array::open(&path, "a/stack").unwrap();
    let error = read(&array, &Region::new(&[0, 0, 0], &[1, 2, 2]).unwrap()).unwrap_err();
    assert!(begin.elapsed().as_millis() < 1000);
    // Machines with a lot of memory do decode it, and find that it is damaged.
    match error.kind {
        ReadErrorKind::Unsupported => assert!(error.message.contains("chunks of 3.7 GiB"), "{error}"),
        kind => assert_eq!(kind, ReadErrorKind::Corrupt),
    }
}
