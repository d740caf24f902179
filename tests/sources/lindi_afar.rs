//! Reference files behind a server, and references to one.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tectum::format::{OpenOptions, fetch_and_decode, open};

use crate::common::read_whole;
use crate::manifest::{assert_matches, entries, folder, text};
use crate::server::{Server, Wrong};

fn options(path: &str) -> OpenOptions {
    OpenOptions { dataset: Some(path.to_owned()), ..OpenOptions::default() }
}

#[test]
fn every_form_is_read_from_a_server_by_ranges() {
    let server = Server::of(&folder("lindi"));
    // In a folder behind a server nobody can list what there is; the name says what to ask for.
    let files = ["ophys.nwb.lindi.json", "ophys.nwb.lindi.tar", "ophys.nwb.lindi.d"];
    for entry in entries("lindi", "datasets") {
        let (file, path) = (text(&entry, "file"), text(&entry, "path"));
        if !files.contains(&file) || !entry["external_file"].is_null() {
            continue;
        }
        let opened =
            open(server.url(file).as_str(), &options(path)).unwrap_or_else(|error| panic!("{file} {path}: {error}"));
        server.clear_log();
        assert_matches(opened.source.as_ref(), &entry);
        let is_inline = path.contains("TinyInline") || path.contains("scratch_small");
        assert_eq!(opened.source.fetching().is_some(), !is_inline, "{file} {path}");
        let log = server.log();
        assert!(log.num_bytes < 60_000, "{file} {path}: {} bytes", log.num_bytes);
    }
}

#[test]
fn a_file_of_this_machine_may_refer_to_a_server() {
    let served = tempfile::tempdir().unwrap();
    fs::write(served.path().join("data.bin"), b"??abcdef").unwrap();
    let server = Server::of(served.path());
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("fish.lindi.json");
    let write = |url: &str| {
        let array = json!({"shape": [3, 1, 2], "chunks": [1, 1, 2], "dtype": "|u1", "compressor": null, "filters": null,
            "fill_value": 9, "order": "C", "zarr_format": 2});
        let document = json!({"version": 1, "templates": {"u1": url}, "refs": {
            ".zgroup": {"zarr_format": 2}, "stack/.zarray": array, "stack/0.0.0": ["{{u1}}", 2, 2],
            "stack/1.0.0": "cd", "stack/2.0.0": ["{{u1}}", 6, 2]}});
        fs::write(&path, document.to_string()).unwrap();
    };
    write(&server.url("data.bin"));
    let source = open(&path, &OpenOptions::default()).unwrap().source;
    assert_eq!(read_whole(source.as_ref()).bytes, b"abcdef");
    assert!(source.problems().iter().any(|problem| problem.code == "data_elsewhere"), "{:?}", source.problems());
    // A fault that passes is tried again; one that lasts is a gap with the name of the file.
    server.go_wrong("data.bin", Wrong::Status(503), 1);
    assert_eq!(read_whole(source.as_ref()).bytes, b"abcdef");
    fs::remove_file(served.path().join("data.bin")).unwrap();
    let got = read_whole(source.as_ref());
    assert_eq!((&got.bytes[2..4], got.missing.len()), (&b"cd"[..], 2));
    assert!(got.missing[0].1.to_string().contains("data.bin"), "{}", got.missing[0].1);
}

#[test]
fn a_file_from_a_server_leads_neither_to_this_machine_nor_to_other_hosts() {
    let served = tempfile::tempdir().unwrap();
    let secret = served.path().join("secret.bin");
    fs::write(&secret, b"secret").unwrap();
    let other = Server::of(served.path());
    let elsewhere = format!("http://localhost:{}/secret.bin", other.address().port());
    let server_folder = tempfile::tempdir().unwrap();
    let server = Server::of(server_folder.path());
    for name in [secret.to_str().unwrap(), "file:///etc/hostname", "../secret.bin", elsewhere.as_str()] {
        let array = json!({"shape": [1, 1, 2], "chunks": [1, 1, 2], "dtype": "|u1", "compressor": null, "filters": null,
            "fill_value": 9, "order": "C", "zarr_format": 2});
        let document = json!({"version": 1, "refs": {"stack/.zarray": array, "stack/0.0.0": [name, 0, 2]}});
        fs::write(server_folder.path().join("fish.lindi.json"), document.to_string()).unwrap();
        other.clear_log();
        let source = open(server.url("fish.lindi.json").as_str(), &OpenOptions::default()).unwrap().source;
        let got = read_whole(source.as_ref());
        assert_eq!(got.missing.len(), 1, "{name}: {:?}", got.bytes);
        assert!(!got.missing[0].1.message.is_empty() && !source.problems().is_empty(), "{name}");
        assert_eq!(other.num_requests(), 0, "{name}: nobody else was asked");
    }
}

#[test]
fn what_is_far_is_fetched_while_others_wait() {
    let server = Server::of(&folder("lindi"));
    let opened = open(server.url("ophys.nwb.lindi.json").as_str(), &options("acquisition/TwoPhotonVolume")).unwrap();
    server.set_latency(Duration::from_millis(30));
    let source = opened.source.as_ref();
    let mut chunks = Vec::new();
    source.chunks(&tectum::volume::Region::whole(&source.info().shape), &mut chunks);
    std::thread::scope(|scope| {
        for chunk in &chunks {
            scope.spawn(move || {
                let mut buffer = vec![0; chunk.region.shape().num_bytes(source.info().dtype).unwrap()];
                fetch_and_decode(source.fetching().unwrap(), chunk, &mut buffer).unwrap();
            });
        }
    });
    assert!(server.log().max_under_way > 4, "{}", server.log().max_under_way);
}

#[test]
fn an_nwb_file_behind_a_server_is_one() {
    let server = Server::of(&folder("nwb"));
    for entry in entries("nwb", "datasets").iter().filter(|entry| entry["external_file"].is_null()) {
        let opened = open(server.url("ophys.nwb").as_str(), &options(text(entry, "path"))).unwrap();
        assert_matches(opened.source.as_ref(), entry);
        let info = opened.source.info();
        assert!(info.format.starts_with("NWB ("), "{}", info.format);
        assert_eq!(info.location.to_string(), server.url("ophys.nwb"));
        assert!(opened.source.problems().is_empty(), "{:?}", opened.source.problems());
    }
}
