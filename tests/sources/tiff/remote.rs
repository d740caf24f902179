//! TIFF files behind URLs.

use std::sync::Arc;

use tectum::format::{OpenOptions, Source, open};

use crate::common::read_whole;
use crate::manifest::{assert_matches, entries, folder, text};
use crate::server::Server;

#[test]
fn files_behind_a_url_are_read_as_they_are_here() {
    let server = Server::of(&folder("tiff"));
    for entry in entries("tiff", "arrays").iter().filter(|entry| text(entry, "file").ends_with(".tif")) {
        let dataset = entry["dataset"].as_str().map(str::to_owned);
        let options = OpenOptions { dataset, ..OpenOptions::default() };
        let opened = open(server.url(text(entry, "file")).as_str(), &options).unwrap_or_else(|error| panic!("{error}"));
        assert!(opened.source.fetching().is_some() && opened.growing.is_none());
        assert_matches(opened.source.as_ref(), entry);
    }
}

#[test]
fn a_long_file_is_indexed_in_few_round_trips_and_once() {
    let server = Server::of(&folder("tiff"));
    let cache = tempfile::tempdir().unwrap();
    let options = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
    server.clear_log();
    let opened = open(server.url("movie.tif").as_str(), &options).unwrap();
    assert_eq!(opened.source.info().shape.dims(), [450, 4, 5]);
    let num = server.num_requests();
    assert!(num < 60, "{num} requests for 450 pages");
}

#[test]
fn what_a_file_lost_afterwards_is_missing() {
    let folder_there = tempfile::tempdir().unwrap();
    std::fs::copy(folder("tiff").join("strips.tif"), folder_there.path().join("a.tif")).unwrap();
    let server = Server::of(folder_there.path());
    let opened = open(server.url("a.tif").as_str(), &OpenOptions::default()).unwrap();
    let source: Arc<dyn Source> = opened.source;
    let file = std::fs::OpenOptions::new().write(true).open(folder_there.path().join("a.tif")).unwrap();
    file.set_len(700).unwrap();
    let read = read_whole(source.as_ref());
    assert!(!read.missing.is_empty());
}
