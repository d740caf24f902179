//! Buckets of S3: listed, read and refused, by the environment that this test sets for itself.

use tectum::format::store::{self, ByteStore};
use tectum::format::{Cancel, FetchError, OpenOptions, ReadErrorCode};
use tectum::volume::Location;

use crate::server::Server;
use crate::urls::{content, soon};

/// Runs the test of this name alone in a process of its own, with these variables and no others of AWS.
fn alone(name: &str, variables: &[(&str, &str)]) {
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", name, "--include-ignored", "--nocapture"]);
    std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"))
        .for_each(|(name, _)| _ = run.env_remove(name));
    let output = run.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains("not-to-be-told"), "{said}");
}

#[test]
fn a_bucket_is_read_with_the_keys_of_a_profile_and_without_any() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("bucket/fish.zarr/c/0")).unwrap();
    std::fs::write(folder.path().join("bucket/fish.zarr/zarr.json"), b"{}").unwrap();
    std::fs::write(folder.path().join("bucket/fish.zarr/c/0/a b%#1"), content(1000)).unwrap();
    let server = Server::of(folder.path());
    let endpoint = server.url("");
    let profile = folder.path().join("credentials");
    let keys = "[rig]\naws_access_key_id = AKIARIG\naws_secret_access_key = not-to-be-told\n";
    std::fs::write(&profile, format!("{keys}endpoint_url = {endpoint}\nregion = x\n")).unwrap();
    let profile = profile.to_str().unwrap();
    let by_profile = [("AWS_PROFILE", "rig"), ("AWS_SHARED_CREDENTIALS_FILE", profile), ("AWS_CONFIG_FILE", "/none")];
    let as_anybody = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
        ("AWS_CONFIG_FILE", "/none"),
    ];
    alone("buckets::reading", &by_profile);
    assert!(
        server
            .log()
            .requests
            .iter()
            .all(|request| { request.authorization.as_ref().is_some_and(|text| text.contains("Credential=AKIARIG/")) })
    );
    server.clear_log();
    alone("buckets::reading", &as_anybody);
    assert!(server.log().requests.iter().all(|request| request.authorization.is_none()));
    server.set_key("AKIARIG");
    alone("buckets::reading", &by_profile);
    alone("buckets::refused", &as_anybody);
}

fn bucket() -> std::sync::Arc<dyn ByteStore> {
    store::open(&Location::parse("s3://bucket/fish.zarr"), &OpenOptions::default()).unwrap()
}

#[test]
#[ignore = "run with an environment of its own"]
fn reading() {
    let (store, cancel) = (bucket(), Cancel::new());
    assert_eq!(store.list("", soon(), &cancel).unwrap().unwrap(), ["c/", "zarr.json"]);
    assert_eq!(store.list("c/0", soon(), &cancel).unwrap().unwrap(), ["a b%#1"]);
    assert_eq!(store.whole("zarr.json", 10, soon(), &cancel).unwrap().unwrap(), b"{}");
    let parts = store.ranges("c/0/a b%#1", &[5..900], soon(), &cancel).unwrap().unwrap();
    assert_eq!(parts, [content(1000)[5..900].to_vec()]);
    assert_eq!(store.whole("c/0/1", 10, soon(), &cancel), Ok(None));
}

#[test]
#[ignore = "run with an environment of its own"]
fn refused() {
    let Err(FetchError::Lasting(error)) = bucket().whole("zarr.json", 10, soon(), &Cancel::new()) else {
        panic!("nobody may read it")
    };
    assert_eq!(error.code, Some(ReadErrorCode::Denied));
    assert!(error.to_string().starts_with("s3://bucket/fish.zarr/zarr.json: the server refuses"), "{error}");
}
