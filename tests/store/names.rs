//! No name leads out of the place that was opened.

use tectum::format::Cancel;

use crate::server::Server;
use crate::urls::{open, soon};

#[test]
fn no_name_leads_out_of_a_url() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("secret"), b"secret").unwrap();
    std::fs::write(folder.path().join("in/100% #1?"), b"plain").unwrap();
    let server = Server::of(folder.path());
    let (store, cancel) = (open(&server.url("in/")), Cancel::new());
    for name in ["../secret", "./x", "a/../../secret", "/secret", "a//b", "x/"] {
        assert_eq!(store.whole(name, 100, soon(), &cancel), Ok(None), "{name}");
        assert_eq!(store.ranges(name, &[0..1], soon(), &cancel), Ok(None), "{name}");
    }
    assert_eq!(server.num_requests(), 0, "not even asked");
    assert_eq!(store.whole("..%2Fsecret", 100, soon(), &cancel), Ok(None));
    assert_eq!(store.whole("100% #1?", 100, soon(), &cancel).unwrap().unwrap(), b"plain");
}
