//! HDF5 files behind URLs: found, read and refused as if they lay on this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tectum::format::hdf5::with_library_locked;
use tectum::format::{Cancel, Fetched, FormatErrorCode, OpenOptions, Opened, Source, open};
use tectum::volume::{DType, Region};

use crate::common::{Whole, read_whole};
use crate::server::{Server, Wrong};
use crate::writer::{Spec, sample, write};

fn specs() -> Vec<Spec> {
    let mut packed = Spec::new(&[6, 5, 40, 30], Some(&[1, 5, 40, 30]), DType::U16);
    packed.blosc = Some((c"lz4", 1024));
    let mut gaps = Spec::new(&[9, 3, 8, 10], Some(&[2, 3, 4, 4]), DType::U8);
    gaps.skip = Some(|position| position % 5 == 3);
    (gaps.shuffle, gaps.deflate) = (true, Some(1));
    let mut library = Spec::new(&[3, 10, 11], Some(&[2, 10, 4]), DType::U16);
    library.library_filter = Some(6);
    let mut big = Spec::new(&[4, 12, 16, 10], Some(&[1, 12, 16, 10]), DType::F32);
    (big.is_big_endian, big.latest, big.fletcher32) = (true, true, true);
    let plain = Spec::new(&[5, 4, 30, 40], Some(&[2, 4, 13, 40]), DType::I16);
    vec![packed, gaps, library, big, plain, Spec::new(&[5, 60, 70], None, DType::I32)]
}

fn opened(location: &str) -> Opened {
    open(location, &OpenOptions::default()).unwrap()
}

fn assert_same(near: &Whole, far: &Whole) {
    assert!(near.bytes == far.bytes);
    let places = |whole: &Whole| -> Vec<Region> { whole.missing.iter().map(|(region, _)| *region).collect() };
    // Chunks may be cut otherwise; what is missing is the same.
    let (near_places, far_places) = (places(near), places(far));
    let num = |places: &[Region]| places.iter().map(|region| region.shape().num_voxels().unwrap()).sum::<usize>();
    assert_eq!(num(&near_places), num(&far_places));
    assert!(far_places.iter().all(|far| near_places.iter().any(|near| near.intersect(far).is_some())));
}

/// As the loaders do: fetched, and then decoded without the network.
fn read_in_two_halves(source: &dyn Source) -> Vec<u8> {
    let fetching = source.fetching().expect("it lies afar");
    let mut chunks = Vec::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    let mut bytes = Vec::new();
    for chunk in &chunks {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        let fetched: Fetched = fetching.fetch(chunk, until, &Cancel::new()).unwrap();
        assert!(fetched.pieces.iter().map(Vec::len).sum::<usize>() <= fetching.max_fetched_bytes(chunk));
        let mut buffer = vec![0x55; chunk.region.shape().num_bytes(source.info().dtype).unwrap()];
        let _ = fetching.decode(chunk, &fetched, &mut buffer);
        bytes.extend(buffer);
    }
    bytes
}

#[test]
fn a_file_behind_a_url_holds_what_it_holds_here() {
    for (i, spec) in specs().iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("fish {i}.h5");
        write(&folder.path().join(&name), spec, &sample(&spec.shape, spec.dtype));
        let server = Server::of(folder.path());
        let url = server.url(&format!("fish%20{i}.h5?signature=word"));
        let (near, far) = (opened(folder.path().join(&name).to_str().unwrap()), opened(&url));
        let (near, far) = (near.source, far.source);
        assert_eq!((near.info().shape, near.info().dtype), (far.info().shape, far.info().dtype));
        assert_eq!(far.info().location.url(), Some(server.url(&format!("fish%20{i}.h5")).as_str()));
        assert_same(&read_whole(near.as_ref()), &read_whole(far.as_ref()));
        assert_eq!(read_in_two_halves(far.as_ref()).len(), read_whole(near.as_ref()).bytes.len());
    }
}

#[test]
fn opening_takes_few_requests_and_nobody_waits_for_the_library_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = Spec::new(&[400, 2, 20, 20], Some(&[1, 1, 20, 20]), DType::U16);
    spec.shuffle = true;
    write(&folder.path().join("a.h5"), &spec, &sample(&spec.shape, spec.dtype));
    let server = Server::of(folder.path());
    let url = server.url("a.h5");
    opened(&url);
    assert!(server.num_requests() < 20, "{}", server.num_requests());
    let is_for_state = |request: &&crate::server::Request| request.range.as_deref() == Some("bytes=0-0");
    assert_eq!(server.log().requests.iter().filter(is_for_state).count(), 1, "what it is, is asked once");
    let is_free_meanwhile = || {
        server.set_latency(Duration::from_secs(2));
        std::thread::scope(|scope| {
            let before = server.num_requests();
            scope.spawn(|| opened(&url));
            while server.num_requests() == before {
                std::thread::sleep(Duration::from_millis(1));
            }
            let begin = std::time::Instant::now();
            for _ in 0..20 {
                with_library_locked(|| ());
                std::thread::sleep(Duration::from_millis(10));
            }
            // Those that follow are answered at once.
            server.set_latency(Duration::ZERO);
            begin.elapsed() < Duration::from_millis(1500)
        })
    };
    // A machine that has other things to do holds up one of them, not all.
    assert!((0..3).any(|_| is_free_meanwhile()), "somebody waits for the network in the library");
}

#[test]
fn a_server_that_fails_is_said_to_have_failed() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec::new(&[4, 3, 100, 100], Some(&[1, 3, 100, 100]), DType::U16);
    write(&folder.path().join("a.h5"), &spec, &sample(&spec.shape, spec.dtype));
    let server = Server::of(folder.path());
    let error = |url: &str| open(url, &OpenOptions::default()).err().unwrap();
    let nothing = error(&server.url("b.h5"));
    assert!(nothing.message.contains("no file of this name") && nothing.code == FormatErrorCode::OtherFormat);
    server.go_wrong("a.h5", Wrong::Status(403), 50);
    assert!(error(&server.url("a.h5")).message.contains("refuses to show it"));
    server.be_right();
    // What cannot be read in parts is said to be so, not taken to pieces as a whole.
    server.go_wrong("a.h5", Wrong::Whole, 50);
    assert!(error(&server.url("a.h5")).message.contains("only as a whole"));
    server.be_right();
    // It was there when it was opened.
    let source: Arc<dyn Source> = opened(&server.url("a.h5")).source;
    std::fs::write(folder.path().join("a.h5"), b"something else").unwrap();
    let whole = read_whole(source.as_ref());
    assert!(!whole.missing.is_empty() && whole.missing.iter().all(|(_, error)| error.message.contains("changed")));
    std::fs::remove_file(folder.path().join("a.h5")).unwrap();
    let whole = read_whole(source.as_ref());
    assert!(whole.missing.iter().all(|(_, error)| error.message.contains("no more")), "{:?}", whole.missing);
}

#[test]
fn damaged_files_behind_urls_are_refused_or_missing_never_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = Spec::new(&[8, 3, 20, 20], Some(&[1, 3, 20, 20]), DType::U16);
    spec.deflate = Some(1);
    let path: &Path = &folder.path().join("a.h5");
    write(path, &spec, &sample(&spec.shape, spec.dtype));
    let bytes = std::fs::read(path).unwrap();
    let server = Server::of(folder.path());
    let truth = sample(&spec.shape, spec.dtype);
    for cut in [9, 100, 600, 2000, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(path, &bytes[..cut]).unwrap();
        let Ok(opened) = open(server.url("a.h5").as_str(), &OpenOptions::default()) else { continue };
        let whole = read_whole(opened.source.as_ref());
        for (i, index) in crate::common::indices(opened.source.info().shape.dims()).enumerate() {
            assert!(whole.is_missing(&index) || whole.bytes[i * 2..][..2] == truth[i * 2..][..2], "{cut} {index:?}");
        }
    }
}
