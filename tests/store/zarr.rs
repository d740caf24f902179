//! Zarr hierarchies behind a server: as on disk, in few round trips, through faults that pass.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tectum::format::{Cancel, OpenOptions, Opened, Patience, Source, fetch, open};
use tectum::volume::Region;

use crate::common::read_whole;
use crate::server::{Server, Wrong};

fn fixtures(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(kind)
}

fn opened(location: &str, dataset: Option<&str>) -> tectum::format::Opened {
    let options = OpenOptions { dataset: dataset.map(str::to_owned), ..OpenOptions::default() };
    open(tectum::format::Location::parse(location), &options).unwrap_or_else(|error| panic!("{error}"))
}

fn same(local: &Arc<dyn Source>, remote: &Arc<dyn Source>) {
    assert!(remote.fetching().is_some() && local.fetching().is_none());
    let (local, remote) = (read_whole(local.as_ref()), read_whole(remote.as_ref()));
    assert!(local.missing.is_empty() && remote.missing.is_empty(), "{:?}", remote.missing);
    assert!(local.bytes == remote.bytes);
}

#[test]
fn images_behind_a_server_are_those_of_the_disk() {
    let folder = fixtures("ome");
    let server = Server::of(&folder);
    for name in ["v04_blosc.zarr", "v05_sharded.zarr", "v05_gzip_bigendian.zarr", "lib_v04.zarr"] {
        let (local, remote) = (opened(&folder.join(name).to_string_lossy(), None), opened(&server.url(name), None));
        same(&local.source, &remote.source);
        assert_eq!((local.levels.len(), local.channels.len()), (remote.levels.len(), remote.channels.len()));
        same(&local.levels[0], &remote.levels[0]);
        // What is not stored is counted where that costs nothing.
        let facts = |opened: &Opened| {
            let mut facts = opened.source.info().facts.clone();
            facts.retain(|(label, _)| label != "Not stored");
            facts
        };
        assert_eq!(facts(&local), facts(&remote));
        assert_eq!(remote.source.problems(), []);
    }
    // A server that lists nothing: the writer has gathered what there is.
    let hierarchies = fixtures("zarr");
    let server = Server::of(&hierarchies);
    for name in ["group_2.zarr", "group_3.zarr"] {
        let remote = opened(&server.url(name), None);
        assert_eq!(remote.source.info().shape.dims(), [6, 9, 8]);
        same(&opened(&hierarchies.join(name).to_string_lossy(), None).source, &remote.source);
    }
    let well = opened(&server.url("plate.zarr"), Some("A/2"));
    assert_eq!(well.source.info().name, "plate A/2/0");
}

#[test]
fn a_chunk_of_a_shard_is_one_request_once_its_index_is_known() {
    let server = Server::of(&fixtures("ome"));
    let source = opened(&server.url("v05_sharded.zarr"), None).source;
    let mut chunks = Vec::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    let remote = source.fetching().unwrap();
    let get = |at: usize| {
        server.clear_log();
        let fetched = fetch(remote, &chunks[at], &Patience::VIEW, &Cancel::new()).unwrap().unwrap();
        (fetched.pieces.len(), server.log().requests.len())
    };
    assert_eq!(get(0), (1, 3), "its size, its index, the chunk");
    assert_eq!(get(1), (1, 1));
    // Half of the bytes that were promised, and then all of them.
    server.go_wrong("v05_sharded.zarr", Wrong::CutAfter(10), 1);
    assert_eq!(get(2), (1, 2));
}

#[test]
fn many_resolutions_cost_few_round_trips() {
    let server = Server::of(&fixtures("ome"));
    server.set_latency(Duration::from_millis(100));
    let start = std::time::Instant::now();
    assert_eq!(opened(&server.url("lib_v05.zarr"), None).levels.len(), 4);
    let requests = server.log();
    assert!(requests.max_under_way >= 4, "the resolutions are asked for together");
    assert!(start.elapsed() < Duration::from_millis(1800), "{:?}, {:?}", start.elapsed(), requests.requests);
}
