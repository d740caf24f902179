//! Indexes that are kept between openings: they say what the file says, or nothing.

use std::path::{Path, PathBuf};

use tectum::format::{OpenOptions, open};

use crate::common::read_whole;
use crate::tiff_writer::{Kind, Writer};

const SIDE: usize = 2;

fn pages(num: usize) -> Writer {
    let mut writer = Writer::new(Kind { is_big: true, ..Kind::PLAIN });
    for i in 0..num {
        let bytes: Vec<u8> = (0..SIDE * SIDE).flat_map(|voxel| ((i * 7 + voxel) as u16).to_le_bytes()).collect();
        writer.page(SIDE, SIDE, &bytes, "");
    }
    writer
}

fn kept(cache: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(cache.join("tiff"));
    folder.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

fn read(path: &Path, cache: &Path) -> (usize, Vec<u8>) {
    let options = OpenOptions { cache: Some(cache.to_owned()), ..OpenOptions::default() };
    let opened = open(path, &options).unwrap_or_else(|error| panic!("{error}"));
    let read = read_whole(opened.source.as_ref());
    assert!(read.missing.is_empty());
    (opened.source.info().shape.dims()[0], read.bytes)
}

#[test]
fn a_long_file_opens_by_what_was_kept_of_it_and_only_while_it_is_true() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("long.tif");
    pages(1200).write_on(&path);
    let first = read(&path, cache.path());
    let files = kept(cache.path());
    assert_eq!((first.0, files.len()), (1200, 1));
    assert_eq!(read(&path, cache.path()), first);
    // Of the same file in another state nothing that was kept is true.
    pages(1300).write_on(&path);
    let longer = read(&path, cache.path());
    assert_eq!((longer.0, &longer.1[..first.1.len()]), (1300, &first.1[..]));
    // Damaged in every way: the file is indexed again.
    let whole = std::fs::read(&files[0]).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        std::fs::write(&files[0], &bytes).unwrap();
        assert_eq!(read(&path, cache.path()), longer);
        std::fs::write(&files[0], &whole[..at]).unwrap();
        assert_eq!(read(&path, cache.path()), longer);
    }
    // Nothing is kept of what is indexed faster than looked up, and nothing without a folder for it.
    let short = folder.path().join("short.tif");
    pages(20).write_on(&short);
    read(&short, cache.path());
    assert_eq!(kept(cache.path()).len(), 1);
}
