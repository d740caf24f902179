//! What came from the network is kept on this machine, and given out only while the server says that it is
//! still the same.

use std::path::Path;
use std::sync::Arc;

use tectum::format::store::{self, ByteStore};
use tectum::format::{Cancel, OpenOptions, open};
use tectum::volume::{DType, Location};

use crate::common::{read_whole, untouched};
use crate::server::Server;
use crate::urls::{content, soon};
use crate::writer::{Spec, sample, write};

fn keeping(url: &str, cache: &Path) -> Arc<dyn ByteStore> {
    let options = OpenOptions { cache: Some(cache.to_owned()), max_kept_bytes: 1 << 26, ..OpenOptions::default() };
    store::open(&Location::parse(url), &options).unwrap()
}

#[test]
fn a_run_later_only_what_is_new_comes_again() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = content(500_000);
    std::fs::write(folder.path().join("a"), &bytes).unwrap();
    std::fs::write(folder.path().join("small"), b"{}").unwrap();
    let server = Server::of(folder.path());
    let cancel = Cancel::new();
    let ranges = [0..100_000, 300_000..400_000];
    let wanted = [bytes[..100_000].to_vec(), bytes[300_000..400_000].to_vec()];
    let read = |signature: &str| {
        server.clear_log();
        let store = keeping(&server.url(&format!("a?signature={signature}")), cache.path());
        let parts = store.ranges("", &ranges, soon(), &cancel).unwrap().unwrap();
        let more = store.ranges("", &ranges[..1], soon(), &cancel).unwrap().unwrap();
        assert_eq!(more[0], parts[0]);
        parts
    };
    assert_eq!(read("monday"), wanted);
    assert!(server.log().num_bytes >= 200_000);
    // Another day, another right to read the same.
    assert_eq!(read("tuesday"), wanted);
    assert_eq!((server.num_requests(), server.log().num_bytes), (1, 0), "asked whether it is still the same");
    // It is another one, though as long.
    let turned: Vec<u8> = bytes.iter().rev().copied().collect();
    std::fs::write(folder.path().join("a"), &turned).unwrap();
    server.set_tag(Some("2"));
    assert_eq!(read("tuesday"), [turned[..100_000].to_vec(), turned[300_000..400_000].to_vec()]);
    // A server that does not say which state it is has to be asked every time.
    server.set_tag(None);
    std::fs::write(folder.path().join("a"), &bytes).unwrap();
    assert_eq!((read("x"), read("x")), (wanted.to_vec(), wanted.to_vec()));
    // Whole objects.
    server.set_tag(Some("3"));
    for num_bytes in [2, 0] {
        server.clear_log();
        let store = keeping(&server.url(""), cache.path());
        assert_eq!(store.whole("small", 10, soon(), &cancel).unwrap().unwrap(), b"{}");
        assert_eq!(server.log().num_bytes, num_bytes);
    }
    // Nothing that was kept names the right to read.
    let files = std::process::Command::new("grep").args(["-rl", "monday"]).arg(cache.path()).output().unwrap();
    assert!(files.stdout.is_empty());
}

#[test]
fn an_image_opened_again_comes_from_this_machine() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut spec = Spec::new(&[12, 3, 40, 50], Some(&[1, 3, 40, 50]), DType::U16);
    spec.deflate = Some(1);
    write(&folder.path().join("a.h5"), &spec, &sample(&spec.shape, spec.dtype));
    let server = Server::of(folder.path());
    let options =
        OpenOptions { cache: Some(cache.path().to_owned()), max_kept_bytes: 1 << 26, ..OpenOptions::default() };
    let read = || {
        server.clear_log();
        let source = open(server.url("a.h5").as_str(), &options).unwrap().source;
        (read_whole(source.as_ref()).bytes, server.log().num_bytes)
    };
    let (first, came) = read();
    let (second, came_again) = untouched(folder.path(), read);
    assert!(first == sample(&spec.shape, spec.dtype) && first == second);
    assert!(came > 10_000 && came_again < 10, "{came} {came_again}");
}
