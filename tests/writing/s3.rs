//! OME-Zarr in a bucket is the same as in a folder, whatever the server does meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tectum::format::memory::MemorySource;
use tectum::format::{Cancel, OpenOptions, open};
use tectum::volume::{DType, Location, Shape};
use tectum::write::{
    Buffering, Changes, Kind, Place, Plan, SourcePlan, Start, Subject, Target, TargetOptions, TargetPlan, convert,
    zarr::ZarrTarget,
};

use crate::bucket::{BucketServer, Fault};
use crate::common::fixtures;
use crate::hands::{Dice, files_below, whole, write_all, write_piece};

const URL: &str = "s3://bucket/fish/a.zarr";

/// Runs the test of this name alone in a process of its own, with the server as its only endpoint.
fn alone(name: &str, server: &BucketServer, variables: &[(&str, &str)]) -> (bool, String) {
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", name, "--include-ignored", "--nocapture"]);
    std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"))
        .for_each(|(name, _)| _ = run.env_remove(name));
    run.env("AWS_ENDPOINT_URL", server.url()).env("AWS_REGION", "us-east-1");
    run.env("AWS_ACCESS_KEY_ID", "AKIARIG").env("AWS_SECRET_ACCESS_KEY", "not-to-be-told");
    run.env("AWS_CONFIG_FILE", "/none").env("AWS_SHARED_CREDENTIALS_FILE", "/none");
    let output = run.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("not-to-be-told"), "{said}");
    (output.status.success() && said.contains("1 passed"), said.into_owned())
}

fn source() -> MemorySource {
    let shape = Shape::from([2, 3, 70, 50]);
    MemorySource::new(DType::U16, shape, "tzyx", &[1, 3, 70, 50], Dice(77).voxels(DType::U16, &shape)).unwrap()
}

/// Large enough that a shard is sent in parts.
fn large() -> MemorySource {
    let shape = Shape::from([9, 1024, 1024]);
    let voxel = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 16) as u16;
    let bytes = (0..shape.num_voxels().unwrap()).flat_map(|i| voxel(i).to_le_bytes()).collect();
    MemorySource::new(DType::U16, shape, "zyx", &[1, 1024, 1024], bytes).unwrap()
}

fn target(source: &MemorySource, place: &Place) -> anyhow::Result<ZarrTarget> {
    let is_large = source.info_shape()[1] == 1024;
    let options = match (std::env::var("TECTUM_TEST_SHARDED").is_ok(), is_large) {
        (_, true) => TargetOptions {
            chunk: Some(vec![1, 1024, 1024]),
            shard: Some(vec![9, 1024, 1024]),
            compression: Some("none".parse().unwrap()),
            ..TargetOptions::default()
        },
        (true, _) => TargetOptions {
            chunk: Some(vec![1, 1, 20, 20]),
            shard: Some(vec![1, 3, 40, 60]),
            levels: Some(3),
            ..TargetOptions::default()
        },
        _ => TargetOptions { chunk: Some(vec![1, 1, 20, 20]), levels: Some(3), ..TargetOptions::default() },
    };
    let subject = Subject { source: Arc::new(source.clone()), channels: Vec::new() };
    ZarrTarget::new(&subject, place, &options)
}

trait ShapeOf {
    fn info_shape(&self) -> Vec<usize>;
}

impl ShapeOf for MemorySource {
    fn info_shape(&self) -> Vec<usize> {
        use tectum::format::Source;
        self.info().shape.dims().to_vec()
    }
}

fn afar(is_forced: bool) -> Place {
    let work = std::env::var_os("TECTUM_TEST_WORK").unwrap();
    Place::new(&Path::new(&work).join("a.zarr"), is_forced).afar(&Location::parse(URL))
}

/// What a folder of this machine holds after the same.
fn wanted(source: &MemorySource, is_sharded: bool) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let name = if is_sharded { "s3::written_sharded_here" } else { "s3::written_here" };
    // In a process of its own, as the other side.
    let server = BucketServer::new();
    let path = folder.path().to_str().unwrap();
    let mut variables = vec![("TECTUM_TEST_WORK", path)];
    variables.extend(is_sharded.then_some(("TECTUM_TEST_SHARDED", "1")));
    variables.extend((source.info_shape()[1] == 1024).then_some(("TECTUM_TEST_LARGE", "1")));
    let (is_done, said) = alone(name, &server, &variables);
    assert!(is_done, "{said}");
    files_below(&folder.path().join("a.zarr"))
}

fn source_of_test() -> MemorySource {
    if std::env::var("TECTUM_TEST_LARGE").is_ok() { large() } else { source() }
}

#[test]
#[ignore = "run with an environment of its own"]
fn written_here() {
    let place = Place::new(&Path::new(&std::env::var_os("TECTUM_TEST_WORK").unwrap()).join("a.zarr"), false);
    let source = source_of_test();
    write_all(&source, &target(&source, &place).unwrap(), &mut None).unwrap();
}

#[test]
#[ignore = "run with an environment of its own"]
fn written_sharded_here() {
    written_here();
}

#[test]
#[ignore = "run with an environment of its own"]
fn written_afar() {
    let source = source_of_test();
    let is_forced = std::env::var("TECTUM_TEST_FORCE").is_ok();
    let target = target(&source, &afar(is_forced)).unwrap();
    if let Err(error) = write_all(&source, &target, &mut Some(Dice(5))) {
        panic!("failed so: {error:#}");
    }
    // Reading has a patience of its own, for which others look.
    if std::env::var("TECTUM_TEST_READ").is_ok() {
        let found = open(Location::parse(URL), &OpenOptions::default()).unwrap();
        assert!(whole(&*found.source) == whole(&source));
    }
}

#[test]
#[ignore = "run with an environment of its own"]
fn begun_afar() {
    let source = source_of_test();
    let target = target(&source, &afar(false)).unwrap();
    target.prepare().unwrap();
    write_piece(&source, &target, 0).unwrap();
    // Begun and given up.
    let mut piece = target.begin(0, false).unwrap();
    piece.put(&target.chunks().cell_at(0).unwrap(), Some(vec![1; 9 << 20])).unwrap();
    drop(piece);
    assert!(open(Location::parse(URL), &OpenOptions::default()).map_or(true, |opened| opened.levels.is_empty()));
    std::thread::sleep(std::time::Duration::from_millis(500));
}

#[test]
#[ignore = "run with an environment of its own"]
fn converted_afar() {
    // Where the work lies of what goes afar.
    std::env::set_current_dir(std::env::var_os("TECTUM_TEST_WORK").unwrap()).unwrap();
    let source = fixtures().join("a_4d_default/data");
    let target = TargetPlan {
        kind: Kind::Zarr,
        location: Location::parse(URL),
        force: std::env::var("TECTUM_TEST_FORCE").is_ok(),
        options: TargetOptions::default(),
    };
    let source = SourcePlan::new(source.as_path().into(), &OpenOptions::default());
    let plan = Plan::make(source, Changes::default(), target, &Buffering::default(), &OpenOptions::default());
    let done = plan.and_then(|plan| convert(&plan, Start::New, &OpenOptions::default(), &(), &Cancel::new()));
    if let Err(error) = done {
        panic!("failed so: {error:#}");
    }
}

fn write_afar(server: &BucketServer, variables: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let work = [("TECTUM_TEST_WORK", folder.path().to_str().unwrap())];
    alone("s3::written_afar", server, &[&work, variables].concat())
}

#[test]
fn a_bucket_holds_what_a_folder_holds() {
    let by_chunks = (wanted(&source(), false), false, vec![Fault::Silent, Fault::Slow]);
    let faults = vec![Fault::Ill, Fault::Busy, Fault::Cut, Fault::Silent, Fault::Slow];
    let by_shards = (wanted(&source(), true), true, faults);
    // All at once: each of them mostly waits.
    std::thread::scope(|scope| {
        for (wanted, is_sharded, faults) in [&by_chunks, &by_shards] {
            for fault in std::iter::once(None).chain(faults.iter().copied().map(Some)) {
                scope.spawn(move || holds_what_a_folder_holds(wanted, *is_sharded, fault));
            }
        }
    });
}

fn holds_what_a_folder_holds(wanted: &BTreeMap<String, Vec<u8>>, is_sharded: bool, fault: Option<Fault>) {
    let server = BucketServer::new();
    server.put("bucket/fish/a.zarr2/zarr.json", b"another one");
    if let Some(fault) = fault {
        // Each busy answer costs a second.
        server.go_wrong(if fault == Fault::Busy { 30 } else { 9 }, fault);
    }
    let sharded = if is_sharded { &[("TECTUM_TEST_SHARDED", "1")][..] } else { &[] };
    let read = if fault.is_none() { &[("TECTUM_TEST_READ", "1")][..] } else { &[] };
    let (is_done, said) = write_afar(&server, &[sharded, read].concat());
    assert!(is_done, "{fault:?} {said}");
    assert!(server.objects("bucket/fish/a.zarr/") == *wanted, "{fault:?}");
    assert_eq!(server.objects("bucket/fish/a.zarr2/").len(), 1);
    // While one waits, others are sent.
    assert!(fault != Some(Fault::Slow) || is_sharded || server.max_under_way() > 1);
}

#[test]
fn long_objects_are_sent_in_parts() {
    let wanted = wanted(&large(), true);
    for fault in [None, Some(Fault::Ill), Some(Fault::Silent)] {
        let server = BucketServer::new();
        fault.iter().for_each(|fault| server.go_wrong(3, *fault));
        let (is_done, said) = write_afar(&server, &[("TECTUM_TEST_LARGE", "1")]);
        assert!(is_done, "{fault:?} {said}");
        assert!(server.objects("bucket/fish/a.zarr/") == wanted, "{fault:?}");
        assert!(server.count("PUT part") >= 3 && server.count("complete") >= 1);
    }
}

#[test]
fn what_is_there_is_replaced_by_force_only() {
    let server = BucketServer::new();
    let (is_done, said) = write_afar(&server, &[]);
    assert!(is_done, "{said}");
    let wanted = server.objects("bucket/fish/a.zarr/");
    let (is_done, said) = write_afar(&server, &[]);
    assert!(!is_done && said.contains("exists already; --force replaces it"), "{said}");
    assert!(server.objects("bucket/fish/a.zarr/") == wanted);
    // What another one left is not left among the new ones.
    server.put("bucket/fish/a.zarr/0/c/9/9/9/9", b"left over");
    let (is_done, said) = write_afar(&server, &[("TECTUM_TEST_FORCE", "1")]);
    assert!(is_done, "{said}");
    assert!(server.objects("bucket/fish/a.zarr/") == wanted);
    // Things that are no image of ours.
    server.remove("bucket/fish/a.zarr/zarr.json");
    server.put("bucket/fish/a.zarr/0/zarr.json", b"{}");
    let (is_done, said) = write_afar(&server, &[]);
    assert!(!is_done && said.contains("other objects lie there"), "{said}");
}

#[test]
fn what_is_refused_afar_leaves_nothing_here() {
    let server = BucketServer::new();
    for (key, force, words) in [
        ("bucket/fish/a.zarr/zarr.json", false, "exists already; --force replaces it"),
        ("bucket/fish/a.zarr/notes.txt", false, "other objects lie there"),
        ("bucket/fish/a.zarr/zarr.json", true, ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        server.put(key, b"{}");
        let mut variables = vec![("TECTUM_TEST_WORK", folder.path().to_str().unwrap())];
        variables.extend(force.then_some(("TECTUM_TEST_FORCE", "1")));
        let (is_done, said) = alone("s3::converted_afar", &server, &variables);
        assert!(is_done == force && said.contains(words), "{said}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{key}");
        server.remove(key);
    }
    assert!(!server.objects("bucket/fish/a.zarr/").contains_key("notes.txt"));
}

#[test]
fn what_was_begun_is_gone_on_with_and_does_not_open() {
    let server = BucketServer::new();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("TECTUM_TEST_WORK", folder.path().to_str().unwrap()), ("TECTUM_TEST_LARGE", "1")];
    let (is_done, said) = alone("s3::begun_afar", &server, &variables);
    assert!(is_done, "{said}");
    assert_eq!(server.num_uploads(), 0, "what was given up is taken away");
    let (is_done, said) = write_afar(&server, &[("TECTUM_TEST_LARGE", "1")]);
    assert!(is_done, "{said}");
    assert!(server.objects("bucket/fish/a.zarr/") == wanted(&large(), true));
}

#[test]
fn what_will_not_pass_is_said_in_one_line() {
    let server = BucketServer::new();
    server.go_wrong(1, Fault::Refused);
    let (is_done, said) = write_afar(&server, &[]);
    let line = said.lines().find(|line| line.contains("failed so")).unwrap_or_default();
    assert!(!is_done && line.contains("s3://bucket/fish/a.zarr") && line.contains("403"), "{said}");
    for wrong in ["https://host/a.zarr", "s3://bucket", "s3:///a.zarr"] {
        let place = Place::new(Path::new("a.zarr"), false).afar(&Location::parse(wrong));
        let error = target(&source(), &place).err().unwrap().to_string();
        assert!(error.contains("bucket"), "{error}");
    }
}
