//! TIFF files behind URLs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::format::{OpenOptions, Refresh, Source, open};

use crate::common::read_whole;
use crate::manifest::{assert_matches, entries, folder, text};
use crate::server::Server;
use crate::tiff_writer::{Kind, Writer};

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
fn a_file_whose_pages_take_long_to_find_is_shown_before_all_of_them_are() {
    let there = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(Kind::PLAIN);
    // At uneven distances: each page has to be asked for once the one before it is there.
    (0..60u16).for_each(|i| writer.page(1, 2, &[[i as u8, 0]; 2].concat(), &"word ".repeat(i as usize % 7 * 100)));
    std::fs::write(there.path().join("a.tif"), &writer.bytes).unwrap();
    let server = Server::of(there.path());
    server.set_latency(Duration::from_millis(40));
    let options = OpenOptions { in_background: true, ..OpenOptions::default() };
    let opened = open(server.url("a.tif").as_str(), &options).unwrap();
    let begin = Instant::now();
    let mut growing = opened.growing.expect("pages are still looked up");
    let found = growing.info().shape.dims()[0];
    assert!((1..60).contains(&found) && growing.searching().is_some(), "{found}");
    while growing.info().shape.dims()[0] < 60 {
        assert!(begin.elapsed() < Duration::from_secs(60));
        match growing.refresh(&[]).unwrap() {
            Refresh::Changed { source, .. } => growing = source,
            Refresh::Unchanged => std::thread::sleep(Duration::from_millis(10)),
            _ => panic!("the same file"),
        }
    }
    let read = read_whole(growing.as_ref());
    assert!(read.missing.is_empty());
    let expected: Vec<u8> = (0..60).flat_map(|i| [i, 0, i, 0]).collect();
    assert_eq!(read.bytes, expected);
    // All at once where nobody follows it.
    let whole = open(server.url("a.tif").as_str(), &OpenOptions::default()).unwrap();
    assert!(whole.growing.is_none() && whole.source.info().shape.dims()[0] == 60);
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
