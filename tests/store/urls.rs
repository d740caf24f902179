//! Objects behind URLs: read by parts, as a whole, listed, and who may read them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::format::store::{self, ByteStore};
use tectum::format::{Cancel, FetchError, OpenOptions, ReadErrorCode};
use tectum::volume::Location;

use crate::server::Server;

pub fn open(url: &str) -> Arc<dyn ByteStore> {
    store::open(&Location::parse(url), &OpenOptions::default()).unwrap()
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

pub fn content(num_bytes: usize) -> Vec<u8> {
    (0..num_bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn parts_come_as_they_lie_there_and_neighbours_cost_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = content(1_000_000);
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/fish 1.h5"), &bytes).unwrap();
    let server = Server::of(folder.path());
    let store = open(&server.url("data"));
    let cancel = Cancel::new();
    let info = store.head("fish 1.h5", soon(), &cancel).unwrap().unwrap();
    assert_eq!((info.num_bytes, info.version.as_deref()), (1_000_000, Some("\"1-1000000\"")));
    server.clear_log();
    let ranges = [10..20, 999_990..1_000_000, 0..4096, 15..16, 7..7];
    let parts = store.ranges("fish 1.h5", &ranges, soon(), &cancel).unwrap().unwrap();
    for (range, part) in ranges.iter().zip(&parts) {
        assert_eq!(part, &bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(server.num_requests(), 2);
    assert_eq!(store.whole("fish 1.h5", 1_000_000, soon(), &cancel).unwrap().unwrap(), bytes);
    // The file itself, by the empty name.
    let file = open(&server.url("data/fish%201.h5?key=word"));
    assert_eq!(file.ranges("", &[3..9], soon(), &cancel).unwrap().unwrap(), [bytes[3..9].to_vec()]);
    assert_eq!(server.log().requests.last().unwrap().path, "data/fish%201.h5?key=word");
    assert!(store.is_remote() && store.list("", soon(), &cancel).unwrap().is_none());
}

#[test]
fn a_file_that_is_not_there_and_one_that_is_too_short_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), content(100)).unwrap();
    std::fs::write(folder.path().join("empty"), b"").unwrap();
    let server = Server::of(folder.path());
    let store = open(&server.url(""));
    let cancel = Cancel::new();
    assert_eq!(store.head("b", soon(), &cancel), Ok(None));
    assert_eq!(store.whole("b", 10, soon(), &cancel), Ok(None));
    assert_eq!(store.ranges("b", &[0..1], soon(), &cancel), Ok(None));
    assert_eq!(store.head("empty", soon(), &cancel).unwrap().unwrap().num_bytes, 0);
    for range in [50..101, 100..200, 5000..5001] {
        for _known in 0..2 {
            let Err(FetchError::Lasting(error)) = store.ranges("a", &[0..3, range.clone()], soon(), &cancel) else {
                panic!("{range:?} lies beyond the end")
            };
            assert_eq!(error.code, Some(ReadErrorCode::Short));
        }
    }
    let Err(FetchError::Lasting(error)) = store.whole("a", 99, soon(), &cancel) else { panic!("too long") };
    assert!(error.message.contains("at most 99"), "{error}");
}

#[test]
fn many_requests_are_under_way_at_once_and_no_more_than_a_server_bears() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = content(1000);
    (0..200).for_each(|i| std::fs::write(folder.path().join(i.to_string()), &bytes).unwrap());
    let server = Server::of(folder.path());
    server.set_latency(Duration::from_millis(30));
    let store = open(&server.url(""));
    std::thread::scope(|scope| {
        for i in 0..200 {
            let (store, bytes) = (&store, &bytes);
            scope.spawn(move || {
                let read = store.whole(&i.to_string(), 1000, soon(), &Cancel::new()).unwrap().unwrap();
                assert_eq!(&read, bytes);
            });
        }
    });
    let max = server.log().max_under_way;
    assert!((16..=32).contains(&max), "{max}");
}

#[test]
fn a_request_nobody_wants_any_more_is_given_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), content(100)).unwrap();
    let server = Server::of(folder.path());
    server.set_latency(Duration::from_secs(30));
    let (store, cancel) = (open(&server.url("")), Cancel::new());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| store.ranges("a", &[0..10], soon(), &cancel));
        while server.num_requests() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        cancel.cancel();
        assert!(reading.join().unwrap().is_err());
    });
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let soon = Instant::now() + Duration::from_millis(100);
    assert!(matches!(store.ranges("a", &[0..10], soon, &Cancel::new()), Err(FetchError::Passing { .. })));
    assert!(begin.elapsed() < Duration::from_secs(8), "a time that is over is over");
}
