//! Servers that answer wrongly, slowly, without end or not at all.

use std::time::{Duration, Instant};

use tectum::format::{Cancel, FetchError, Patience, ReadErrorCode, tried};

use crate::server::{Server, Wrong};
use crate::urls::{content, open, soon};

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), content(100_000)).unwrap();
    let server = Server::of(folder.path());
    (folder, server)
}

const EAGER: Patience = Patience { tries: 3, within: Duration::from_secs(10), pause: Duration::from_millis(2) };

#[test]
fn what_passes_is_tried_again_and_comes() {
    let (_folder, server) = server();
    for wrong in [
        Wrong::Status(500),
        Wrong::Status(503),
        Wrong::Busy(429, 0),
        Wrong::CutAfter(0),
        Wrong::CutAfter(500),
        Wrong::TooShort(1),
        Wrong::TooLong(1),
        Wrong::Gibberish,
    ] {
        let (store, cancel) = (open(&server.url("a")), Cancel::new());
        server.go_wrong("a", wrong.clone(), 2);
        let read = tried(&EAGER, &cancel, &mut |until| store.ranges("", &[1000..3000], until, &cancel));
        let read = read.unwrap().unwrap_or_else(|error| panic!("{wrong:?}: {error}"));
        assert_eq!(read.unwrap(), [content(100_000)[1000..3000].to_vec()], "{wrong:?}");
        server.be_right();
    }
}

#[test]
fn what_does_not_pass_is_said_at_once_and_in_words() {
    let (_folder, server) = server();
    for (wrong, word, code) in [
        (Wrong::Whole, "only as a whole", Some(ReadErrorCode::NoRanges)),
        (Wrong::Status(403), "refuses to show it", Some(ReadErrorCode::Denied)),
        (Wrong::Status(401), "refuses to show it", Some(ReadErrorCode::Denied)),
        (Wrong::Status(400), "answered 400", None),
        (Wrong::RedirectLoop, "without end", None),
        (Wrong::Redirect("file:///etc/passwd".to_owned()), "", None),
        (Wrong::Redirect("http://169.254.169.254/latest".to_owned()), "--allow-host 169.254.169.254", None),
        (Wrong::Redirect("http://localhost:1/x".to_owned()), "--allow-host localhost", None),
        (Wrong::OtherRange, "makes no sense", None),
    ] {
        let (store, cancel) = (open(&server.url("a?signature=word")), Cancel::new());
        server.go_wrong("a", wrong.clone(), 20);
        let begin = Instant::now();
        match store.ranges("", &[1000..3000], soon(), &cancel) {
            Err(FetchError::Lasting(error)) => {
                assert!(error.message.contains(word), "{wrong:?}: {error}");
                assert_eq!(error.code, code, "{wrong:?}");
                assert!(!format!("{error} {error:?}").contains("word"), "{error:?}");
            }
            other => panic!("{wrong:?}: {other:?}"),
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "{wrong:?}");
        server.be_right();
    }
    // A server to which nobody listens.
    let gone = open("http://127.0.0.1:9/a");
    let Err(FetchError::Passing { error, .. }) = gone.head("", soon(), &Cancel::new()) else { panic!("refused") };
    assert!(error.message.contains("cannot be reached"), "{error}");
}

#[test]
fn answers_without_end_and_without_beginning_cost_a_bounded_time_and_memory() {
    let (_folder, server) = server();
    let (store, cancel) = (open(&server.url("a")), Cancel::new());
    server.go_wrong("a", Wrong::Endless, 2);
    assert!(store.ranges("", &[0..1000], soon(), &cancel).is_err());
    let Err(FetchError::Lasting(error)) = store.whole("", 200_000, soon(), &cancel) else { panic!("endless") };
    assert!(error.message.contains("at most 200000"), "{error}");
    for wrong in [Wrong::Silence, Wrong::Trickle(Duration::from_millis(50)), Wrong::Slow(Duration::from_secs(3))] {
        server.go_wrong("a", wrong.clone(), 1);
        let begin = Instant::now();
        let result = store.ranges("", &[0..1000], begin + Duration::from_millis(300), &cancel);
        assert!(matches!(result, Err(FetchError::Passing { .. })), "{wrong:?}: {result:?}");
        assert!(begin.elapsed() < Duration::from_millis(2500), "{wrong:?}");
        server.be_right();
    }
    server.go_wrong("a", Wrong::Busy(503, 7), 1);
    let Err(FetchError::Passing { after, .. }) = store.ranges("", &[0..10], soon(), &cancel) else { panic!("busy") };
    assert_eq!(after, Some(Duration::from_secs(7)));
}

#[test]
fn parts_of_two_states_of_a_file_are_never_mixed() {
    let (_folder, server) = server();
    let (store, cancel) = (open(&server.url("a")), Cancel::new());
    store.ranges("", &[0..10], soon(), &cancel).unwrap();
    server.set_tag(Some("2"));
    let Err(FetchError::Lasting(error)) = store.ranges("", &[10..20], soon(), &cancel) else { panic!("changed") };
    assert_eq!(error.code, Some(ReadErrorCode::Changed), "{error}");
    // Looked at again, it is the new one.
    store.head("", soon(), &cancel).unwrap();
    assert!(store.ranges("", &[10..20], soon(), &cancel).is_ok());
}
