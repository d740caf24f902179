//! Members of zip archives, near and far, as their writer made them and damaged.

use std::io::{Cursor, Write};
use std::sync::Arc;

use tectum::format::store::{ByteStore, LocalStore, ZipStore};
use tectum::format::{Cancel, FetchError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::server::Server;
use crate::urls::{content, open, soon};

/// An archive as a writer leaves it: names and contents.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (i, (name, bytes)) in members.iter().enumerate() {
        let large = i % 2 == 1;
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn opened(bytes: &[u8]) -> (tempfile::TempDir, Result<ZipStore, String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fish.zip");
    std::fs::write(&path, bytes).unwrap();
    let store = ZipStore::open(Arc::new(LocalStore::new(path)), "", &Cancel::new());
    (folder, store.map_err(|error| error.to_string()))
}

#[test]
fn members_are_read_like_files_of_a_folder() {
    let large = content(300_000);
    let bytes = archive(&[("zarr.json", b"{}"), ("c/0/0", &large), ("c/0/1", b"one"), ("c/1", b""), ("../out", b"x")]);
    let in_front = [b"#!/bin/sh\n".as_slice(), &bytes].concat();
    for bytes in [&bytes, &in_front] {
        let (_folder, store) = opened(bytes);
        let (store, cancel) = (store.unwrap(), Cancel::new());
        let list = |folder: &str| store.list(folder, soon(), &cancel).unwrap().unwrap();
        assert_eq!(
            (list(""), list("c"), list("c/0")),
            (
                vec!["c/".to_owned(), "zarr.json".to_owned()],
                vec!["0/".to_owned(), "1".to_owned()],
                vec!["0".to_owned(), "1".to_owned()],
            )
        );
        assert_eq!(store.whole("zarr.json", 10, soon(), &cancel).unwrap().unwrap(), b"{}");
        assert_eq!(store.whole("c/1", 10, soon(), &cancel).unwrap().unwrap(), b"");
        let parts = store.ranges("c/0/0", &[7..90_000, 299_999..300_000], soon(), &cancel).unwrap().unwrap();
        assert_eq!(parts, [large[7..90_000].to_vec(), large[299_999..].to_vec()]);
        assert!(store.ranges("c/0/0", &[0..300_001], soon(), &cancel).is_err(), "what follows is another member");
        for name in ["../out", "c", "c/2", "", "/zarr.json"] {
            assert_eq!(store.whole(name, 10, soon(), &cancel), Ok(None), "{name}");
        }
    }
}

#[test]
fn an_archive_of_one_folder_is_that_folder_and_the_last_of_equal_names_counts() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("fish.zarr/.zgroup", "old"), ("fish.zarr/0/.zarray", "array"), ("fish.zarr/.zgroup2", "new")]
    {
        writer.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    // As writers leave it who append: the same name once more.
    let bytes = writer.finish().unwrap().into_inner();
    let again = String::from_utf8_lossy(&bytes).matches(".zgroup2").count();
    assert_eq!(again, 2);
    let renamed: Vec<u8> = replace(&bytes, b".zgroup2", b".zgroup1");
    let (_folder, store) = opened(&renamed);
    let store = store.unwrap();
    assert_eq!(store.whole(".zgroup1", 9, soon(), &Cancel::new()).unwrap().unwrap(), b"new");
    assert_eq!(store.location("0/.zarray").name().as_deref(), Some(".zarray"));
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn members_of_an_archive_behind_a_url_cost_one_request_each() {
    let large = content(500_000);
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..50).map(|i| format!("c/{i}")).collect();
    let chunks = names.iter().map(|name| (name.as_str(), large.as_slice())).step_by(2);
    let members: Vec<(&str, &[u8])> = chunks.chain([("zarr.json", b"{}".as_slice())]).collect();
    std::fs::write(folder.path().join("fish.zip"), archive(&members)).unwrap();
    let server = Server::of(folder.path());
    let (store, cancel) = (open(&server.url("fish.zip")), Cancel::new());
    let store = ZipStore::open(store, "", &cancel).unwrap();
    assert!(server.num_requests() <= 3 && store.is_remote());
    server.clear_log();
    for name in ["c/0", "c/8"] {
        assert_eq!(store.whole(name, 1 << 20, soon(), &cancel).unwrap().unwrap(), large, "{name}");
    }
    assert_eq!(server.num_requests(), 2);
    assert!(server.log().num_bytes < 1_010_000);
}

#[test]
fn damaged_archives_are_refused_and_never_read_past() {
    let large = content(5000);
    let bytes = archive(&[("a", &large), ("b", b"two")]);
    for cut in [0, 1, 21, 22, 100, bytes.len() - 1] {
        assert!(opened(&bytes[..cut]).1.is_err(), "{cut}");
    }
    // Every byte of the directory wrong in turn: an error, or no other content than what was written.
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    for at in directory..bytes.len() {
        for with in [0u8, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = with;
            let (_folder, store) = opened(&damaged);
            let Ok(store) = store else { continue };
            match store.whole("a", 1 << 20, soon(), &Cancel::new()) {
                Ok(Some(read)) => assert!(read == large || read == b"two", "byte {at} = {with}"),
                Ok(None) | Err(FetchError::Lasting(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    // A byte of the data.
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    let (_folder, store) = opened(&damaged);
    let error = store.unwrap().whole("a", 1 << 20, soon(), &Cancel::new()).unwrap_err();
    assert!(format!("{error:?}").contains("do not fit the sum"), "{error:?}");
}
