//! Files behind URLs that name others: sources of virtual datasets, bare files of voxels, files that links lead to.
//! They are found beside the file, and never on this machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tectum::format::{
    Cancel, FetchError, Filled, FormatError, OpenOptions, Opened, Patience, ReadErrorCode, Source, VirtualOptions,
    fetch, open,
};
use tectum::volume::{Region, codes};

use crate::common::{Whole, indices, read_whole};
use crate::server::{Server, Wrong};
use crate::virtual_files::{Map, slab, write_external, write_stored, write_virtual};

fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(name)
}

fn opened(location: &str, dataset: &str) -> Result<Opened, FormatError> {
    open(location, &OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() })
}

/// The same voxels, and the same ones missing.
fn assert_same(near: &dyn Source, far: &dyn Source, name: &str) {
    let (shape, dtype) = (near.info().shape, near.info().dtype);
    assert_eq!((shape, dtype), (far.info().shape, far.info().dtype), "{name}");
    let (near, far): (Whole, Whole) = (read_whole(near), read_whole(far));
    let item = dtype.num_bytes();
    for (i, index) in indices(shape.dims()).enumerate() {
        let at = i * item..(i + 1) * item;
        assert_eq!(near.is_missing(&index), far.is_missing(&index), "{name} {index:?}");
        assert!(near.is_missing(&index) || near.bytes[at.clone()] == far.bytes[at], "{name} {index:?}");
    }
}

#[test]
fn virtual_datasets_behind_urls_hold_what_they_hold_here() {
    let folder = sources("vds");
    let server = Server::of(&folder);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut num = 0;
    for entry in manifest["datasets"].as_array().unwrap() {
        let (file, dataset) = (entry["file"].as_str().unwrap(), entry["path"].as_str().unwrap());
        let Ok(near) = opened(folder.join(file).to_str().unwrap(), dataset) else { continue };
        let far = opened(&server.url(&file.replace('%', "%25")), dataset).unwrap_or_else(|error| panic!("{error}"));
        assert!(far.growing.is_none(), "{file}: it is held to the state in which it was met");
        assert_same(near.source.as_ref(), far.source.as_ref(), file);
        num += 1;
    }
    assert!(num >= 28, "{num}");
}

#[test]
fn bare_files_and_links_behind_urls_lead_where_they_lead_here() {
    let folder = sources("plain");
    let server = Server::of(&folder);
    for (file, dataset) in [("layouts.h5", "external_raw"), ("nested.h5", "external")] {
        let near = opened(folder.join(file).to_str().unwrap(), dataset).unwrap_or_else(|error| panic!("{error}"));
        let far = opened(&server.url(file), dataset).unwrap_or_else(|error| panic!("{error}"));
        assert_same(near.source.as_ref(), far.source.as_ref(), file);
        assert!(read_whole(far.source.as_ref()).missing.is_empty(), "{file}");
    }
}

fn values(num: u16) -> Vec<u16> {
    (0..num).map(|i| i * 7 + 1).collect()
}

fn map<'a>(t: u64, file: &'a str) -> Map<'a> {
    Map { part: slab(&[t, 0, 0], &[2, 3, 4]), file, dataset: "d", of_source: slab(&[0, 0, 0], &[2, 3, 4]) }
}

#[test]
fn a_source_that_the_server_has_not_is_missing_by_its_name_and_found_later() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_stored(&at("a.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(24));
    write_virtual(&at("v.h5"), "v", &[4, 3, 4], Some(9), &[map(0, "a.h5"), map(2, "b.h5")], true);
    let server = Server::of(folder.path());
    let source = open(server.url("v.h5").as_str(), &OpenOptions::default()).unwrap().source;
    let read = read_whole(source.as_ref());
    assert!(!read.is_missing(&[1, 2, 3]) && read.is_missing(&[2, 0, 0]) && read.is_missing(&[3, 2, 3]));
    let (_, error) = &read.missing[0];
    assert_eq!((error.code, error.file.url()), (Some(ReadErrorCode::Gone), Some(server.url("b.h5").as_str())));
    let problem = source.problems().into_iter().find(|problem| problem.code == codes::MISSING_SOURCE).unwrap();
    assert!(problem.file.unwrap().to_string().ends_with("b.h5"));
    assert!(source.files().iter().any(|file| file.url() == Some(server.url("a.h5").as_str())));
    write_stored(&at("b.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(24));
    source.forget_failures();
    let read = read_whole(source.as_ref());
    assert!(read.missing.is_empty(), "{:?}", read.missing);
    assert_eq!(read.bytes[..48], read.bytes[48..]);
}

#[test]
fn drawing_takes_no_network_and_a_busy_server_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_stored(&at("a.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(24));
    write_virtual(&at("v.h5"), "v", &[4, 3, 4], Some(9), &[map(0, "a.h5"), map(1, "b.h5")], true);
    let server = Server::of(folder.path());
    let source = open(server.url("v.h5").as_str(), &OpenOptions::default()).unwrap().source;
    let mut chunks = Vec::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    read_whole(source.as_ref());
    let fetching = source.fetching().unwrap();
    server.go_wrong("a.h5", Wrong::Status(503), 1);
    for chunk in &chunks {
        let fetched = fetch(fetching, chunk, &Patience::VIEW, &Cancel::new()).unwrap().unwrap();
        assert!(fetched.num_bytes() <= fetching.max_fetched_bytes(chunk));
        let before = server.num_requests();
        let mut buffer = vec![0x55; chunk.region.shape().num_bytes(source.info().dtype).unwrap()];
        let drawn = fetching.decode(chunk, &fetched, &mut buffer);
        assert_eq!(server.num_requests(), before);
        // The absent one lies over the second frame.
        match chunk.region.start()[0] {
            0 => assert_eq!(buffer[..4], [1, 0, 8, 0]),
            1 | 2 => assert_eq!(drawn.unwrap_err().code, Some(ReadErrorCode::Gone)),
            _ => assert_eq!((drawn, buffer[0]), (Ok(Filled::All), 9)),
        }
    }
    // The first try, which failed, is the only one that was made for nothing.
    server.go_wrong("a.h5", Wrong::Status(503), 1);
    let first = fetching.fetch(&chunks[0], Instant::now() + Duration::from_secs(9), &Cancel::new());
    assert!(matches!(first, Err(FetchError::Passing { .. })), "{first:?}");
}

#[test]
fn what_a_file_from_the_network_names_is_never_looked_for_on_this_machine() {
    let (folder, private) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = private.path().join("secret.h5");
    write_stored(&secret, "d", &[2, 3, 4], &[1, 3, 4], &values(24));
    std::fs::write(private.path().join("secret.raw"), [7; 48]).unwrap();
    let at = |name: &str| folder.path().join(name);
    let name = secret.to_str().unwrap();
    write_virtual(&at("v.h5"), "v", &[2, 3, 4], Some(9), &[map(0, name)], true);
    write_external(&at("e.h5"), "e", &[2, 3, 4], &name.replace(".h5", ".raw"));
    let server = Server::of(folder.path());
    for file in ["v.h5", "e.h5"] {
        // Here the names lead there; from the server they do not.
        let near = open(at(file), &OpenOptions::default()).unwrap().source;
        assert!(read_whole(near.as_ref()).missing.is_empty());
        let far = open(server.url(file).as_str(), &OpenOptions::default()).unwrap().source;
        let read = read_whole(far.as_ref());
        assert!(read.is_missing(&[0, 0, 0]) && read.is_missing(&[1, 2, 3]), "{file}");
        assert!(read.bytes.iter().all(|byte| *byte == 0));
        assert!(read.missing[0].1.file.to_string().starts_with("http://"), "{:?}", read.missing);
        assert!(far.files().iter().all(|file| file.path().is_none()), "{:?}", far.files());
    }
    let virtual_datasets =
        VirtualOptions { prefix: private.path().to_str().map(str::to_owned), ..VirtualOptions::default() };
    let error = open(server.url("v.h5").as_str(), &OpenOptions { virtual_datasets, ..OpenOptions::default() });
    assert!(error.err().unwrap().message.contains("leave out --vds-prefix"));
    // As after a move, its name alone is looked for beside it.
    std::fs::copy(&secret, at("secret.h5")).unwrap();
    let far = open(server.url("v.h5").as_str(), &OpenOptions::default()).unwrap().source;
    assert!(read_whole(far.as_ref()).missing.is_empty());
}

#[test]
fn another_host_is_asked_only_where_the_user_allows_it() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_stored(&elsewhere.path().join("a.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(24));
    let (server, other) = (Server::of(folder.path()), Server::of(elsewhere.path()));
    let url = other.url("a.h5").replace("127.0.0.1", "localhost");
    write_virtual(&folder.path().join("v.h5"), "v", &[2, 3, 4], Some(9), &[map(0, &url)], true);
    let read = |allowed: &[&str]| {
        let allowed_hosts = allowed.iter().map(|host| (*host).to_owned()).collect();
        let options = OpenOptions { allowed_hosts, ..OpenOptions::default() };
        read_whole(open(server.url("v.h5").as_str(), &options).unwrap().source.as_ref())
    };
    let refused = read(&[]);
    assert!(refused.is_missing(&[0, 0, 0]));
    assert!(refused.missing[0].1.message.contains("--allow-host localhost"), "{:?}", refused.missing);
    assert_eq!(other.num_requests(), 0);
    assert!(read(&["localhost"]).missing.is_empty());
}
