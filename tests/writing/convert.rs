//! The way from a source to a target: what is read back is what was there, in whatever buffers; killed and resumed, the
//! bytes are those of a run that was not; the recording is untouched.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tectum::format::memory::{MemorySource, RemoteSource};
use tectum::format::{Cancel, OpenOptions, Source, open};
use tectum::volume::{DType, Location, Region, Selection, Shape};
use tectum::write::{
    Buffering, Changes, Kind, Place, Plan, Record, Records, Run, SourcePlan, Start, Subject, TargetOptions, TargetPlan,
    Watch, Written, convert, npy, target,
};

use crate::common::{fixtures, read_whole, untouched};

/// A plan of a recording into a target, with small buffers.
pub fn plan(
    source: &Path,
    out: &Path,
    kind: Kind,
    options: TargetOptions,
    buffer_bytes: usize,
) -> anyhow::Result<Plan> {
    let source = SourcePlan::new(source.into(), &OpenOptions::default());
    let target = TargetPlan { kind, location: Location::from(out), force: false, options };
    let buffering = Buffering { num_bytes: Some(buffer_bytes), ..Buffering::default() };
    Plan::make(source, Changes::default(), target, &buffering, &OpenOptions::default())
}

pub fn run(plan: &Plan, start: Start) -> anyhow::Result<Vec<String>> {
    convert(plan, start, &OpenOptions::default(), &(), &Cancel::new())
}

/// Cancels once so many bytes are written.
pub struct Until {
    pub left: AtomicU64,
    pub cancel: Cancel,
}

impl Watch for Until {
    fn advance(&self, num_bytes: u64) {
        let left =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(num_bytes)));
        if left.is_ok_and(|left| left <= num_bytes) {
            self.cancel.cancel();
        }
    }
}

/// What a .npy file of an array is, by numpy's rules.
fn npy_bytes(source: &dyn Source) -> Vec<u8> {
    let info = source.info();
    [npy::header(info.dtype, info.shape.dims()), read_whole(source).bytes].concat()
}

/// The same array by another way: what was changed is read in one piece.
#[test]
fn what_is_done_on_the_way_is_what_numpy_does() {
    let source = fixtures().join("a_4d_default/data");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let array = open(source.as_path(), &OpenOptions::default()).unwrap().source;
    let all = tectum::array::read::<u16>(&*array, &Selection::all()).unwrap();
    let changes = Changes {
        select: Some("1:, ::-1, 2:12, :".into()),
        operations: vec!["add 3".into()],
        downsample: Some("y=2:max".into()),
        dtype: Some("float32".into()),
        take: Some("0:2".into()),
        ..Changes::default()
    };
    let target = TargetPlan {
        kind: Kind::Npy,
        location: Location::from(out.as_path()),
        force: false,
        options: TargetOptions::default(),
    };
    let from = SourcePlan::new(source.as_path().into(), &OpenOptions::default());
    let buffering = Buffering { num_bytes: Some(5000), ..Buffering::default() };
    let plan = Plan::make(from, changes, target, &buffering, &OpenOptions::default()).unwrap();
    run(&plan, Start::New).unwrap();
    let made = tectum::array::delayed::read_npy(&std::fs::read(&out).unwrap(), "out.npy").unwrap();
    let made = tectum::array::read::<f32>(&*made, &Selection::all()).unwrap();
    let [_, num_z, _, num_x] = all.shape() else { panic!() };
    assert_eq!(made.shape(), [2, *num_z, 5, *num_x]);
    for (index, value) in made.indexed_iter() {
        let (t, z, y, x) = (index[0] + 1, num_z - 1 - index[1], 2 + 2 * index[2], index[3]);
        assert_eq!(*value, f32::from(all[[t, z, y, x]].max(all[[t, z, y + 1, x]]) + 3), "{index:?}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_recording_becomes_a_file_that_holds_it() {
    for fixture in ["a_4d_default", "d_planes", "e_blosc_lz4", "d_space_split", "f_bool"] {
        let source = fixtures().join(fixture).join("data");
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.npy");
        untouched(&source, || {
            let opened = tectum::format::open(source.as_path(), &OpenOptions::default()).unwrap();
            for buffer_bytes in [1, 100_000, 1 << 30] {
                let plan = plan(&source, &out, Kind::Npy, TargetOptions::default(), buffer_bytes).unwrap();
                assert_eq!(Plan::parse(&plan.to_json().unwrap()).unwrap(), plan);
                run(&plan, Start::New).unwrap();
                assert!(std::fs::read(&out).unwrap() == npy_bytes(&*opened.source), "{fixture}");
                assert_eq!(names_in(folder.path()), ["out.npy"]);
                std::fs::remove_file(&out).unwrap();
            }
        });
    }
}

#[test]
fn what_was_begun_is_resumed_wherever_it_stopped() {
    let source = fixtures().join("a_4d_default/data");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let opened = tectum::format::open(source.as_path(), &OpenOptions::default()).unwrap();
    let wanted = npy_bytes(&*opened.source);
    for stop_at in (0..wanted.len() as u64).step_by(wanted.len() / 7) {
        let plan = plan(&source, &out, Kind::Npy, TargetOptions::default(), 2000).unwrap();
        let cancel = Cancel::new();
        let until = Until { left: AtomicU64::new(stop_at), cancel: cancel.clone() };
        let stopped = convert(&plan, Start::New, &OpenOptions::default(), &until, &cancel);
        if stopped.is_err() {
            assert!(!out.exists());
            let again = run(&plan, Start::New).unwrap_err();
            assert!(again.to_string().contains("--resume"), "{again}");
            run(&plan, Start::Resumed).unwrap();
        }
        assert!(std::fs::read(&out).unwrap() == wanted, "{stop_at}");
        std::fs::remove_file(&out).unwrap();
    }
}

#[test]
fn what_lies_where_it_should_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("fish");
    copied("a_4d_default", &source);
    let words = |out: &Path| {
        let made = plan(&source, out, Kind::Npy, TargetOptions::default(), 1 << 20);
        format!("{:#}", made.unwrap_err())
    };
    assert!(words(&source.join("out.npy")).contains("never written to"));
    assert!(words(&folder.path().join("no/out.npy")).contains("there is no folder"));
    let out = folder.path().join("out.npy");
    std::fs::write(&out, "there").unwrap();
    assert!(words(&out).contains("--force"));
    std::fs::remove_file(&out).unwrap();

    // A source that changes between plan and run, one that lacks a block, and one that loses it meanwhile.
    let made = plan(&source, &out, Kind::Npy, TargetOptions::default(), 1 << 20).unwrap();
    let block = source.join("0001.h5");
    let bytes = std::fs::read(&block).unwrap();
    std::fs::write(&block, &bytes).unwrap();
    assert!(run(&made, Start::New).unwrap_err().to_string().contains("has changed"));
    std::fs::remove_file(&block).unwrap();
    let refused = words(&out);
    assert!(refused.contains("0001.h5") && refused.contains("--fill"), "{refused}");
    assert!(!out.exists());
}

/// A copy of a recording.
fn copied(name: &str, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for entry in fixtures().join(name).join("data").read_dir().unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
}

/// A plan of a recording with something done to it.
fn plan_of(source: &Path, operation: &str, out: &Path, force: bool) -> anyhow::Result<Plan> {
    let source = SourcePlan::new(source.into(), &OpenOptions::default());
    let changes = Changes { operations: vec![operation.to_owned()], ..Changes::default() };
    let kind = Kind::of(&out.into()).unwrap();
    let target = TargetPlan { kind, location: out.into(), force, options: TargetOptions::default() };
    Plan::make(source, changes, target, &Buffering::default(), &OpenOptions::default())
}

#[test]
fn nothing_that_is_read_is_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let [source, other] = ["fish", "other"].map(|name| folder.path().join(name));
    copied("a_4d_default", &source);
    let single = folder.path().join("single.h5");
    run(&plan(&source, &single, Kind::Hdf5, TargetOptions::default(), 1 << 20).unwrap(), Start::New).unwrap();
    copied("a_4d_default", &other);
    let words = |operation: String, out: &Path| plan_of(&source, &operation, out, true).unwrap_err().to_string();
    untouched(folder.path(), || {
        let twice = format!("concatenate @\"{}\" over t", other.display());
        assert!(words(twice, &other.join("out.npy")).contains("never written to"));
        let twice = format!("concatenate @\"{}\" over t", single.display());
        assert!(words(twice, &single).contains("never written to"));
        // Among the blocks of a recording that has nothing to do with it.
        assert!(words("add 1".into(), &other.join("out.h5")).contains("never written to"));
    });
    // A folder that has the name which the work would have.
    let work = folder.path().join("fish.part");
    std::fs::rename(&source, &work).unwrap();
    untouched(folder.path(), || {
        let refused = plan_of(&work, "add 1", &folder.path().join("fish/"), true).unwrap_err().to_string();
        assert!(refused.contains("never written to"), "{refused}");
    });
}

#[test]
fn a_source_that_has_changed_is_known_by_all_it_is_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let [source, other, array] = ["fish", "other", "array.zarr"].map(|name| folder.path().join(name));
    copied("a_4d_default", &source);
    copied("a_4d_default", &other);
    run(&plan(&source, &array, Kind::Zarr, TargetOptions::default(), 1 << 20).unwrap(), Start::New).unwrap();
    let out = folder.path().join("out.npy");
    let touch = |path: &Path| {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(7)).unwrap();
    };
    let has_changed = |plan: &Plan| run(plan, Start::New).unwrap_err().to_string().contains("has changed");
    // An operand.
    let made = plan_of(&source, &format!("concatenate @\"{}\" over t", other.display()), &out, false).unwrap();
    touch(&other.join("0002.h5"));
    assert!(has_changed(&made));
    // What is said of the voxels.
    let metadata = source.join("stack_metadata.json");
    let text = std::fs::read_to_string(&metadata).unwrap();
    let mut said: serde_json::Value = serde_json::from_str(&text).unwrap();
    let made = plan_of(&source, "add 1", &out, false).unwrap();
    said["voxel_size"] = serde_json::json!([9.0, 8.0, 7.0]);
    std::fs::write(&metadata, said.to_string()).unwrap();
    assert!(has_changed(&made));
    // A chunk of a folder of them.
    let made = plan_of(&array, "add 1", &out, false).unwrap();
    run(&made, Start::New).unwrap();
    std::fs::remove_file(&out).unwrap();
    touch(&array.join("0/c/0/0/0/0"));
    assert!(has_changed(&made));
    assert!(!out.exists());
}

#[test]
fn a_source_that_changes_meanwhile_is_not_written() {
    struct Touch<'a>(&'a Path);
    impl Watch for Touch<'_> {
        fn finished(&self, _: usize, _: u64, _: &Written) {
            let file = std::fs::File::options().append(true).open(self.0).unwrap();
            file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(7)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("fish");
    copied("a_4d_default", &source);
    let block = source.join("0001.h5");
    for (name, kind) in
        [("o.npy", Kind::Npy), ("o.h5", Kind::Hdf5), ("o.zarr", Kind::Zarr), ("o.tif", Kind::Tiff), ("o", Kind::Split)]
    {
        let out = folder.path().join(name);
        let made = plan(&source, &out, kind, TargetOptions::default(), 2000).unwrap();
        let error = convert(&made, Start::New, &OpenOptions::default(), &Touch(&block), &Cancel::new()).unwrap_err();
        let is_known = ["has changed", "written anew"].iter().any(|words| error.to_string().contains(words));
        assert!(is_known, "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn an_array_that_operations_name_is_watched_as_the_recording_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = fixtures().join("a_4d_default/data");
    let (whole, other) = (folder.path().join("whole.npy"), folder.path().join("other"));
    std::fs::create_dir(&other).unwrap();
    for entry in source.read_dir().unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), other.join(entry.file_name())).unwrap();
    }
    let num_t = open(source.as_path(), &OpenOptions::default()).unwrap().source.info().shape.dims()[0];
    let vector = |value: u16| [npy::header(DType::U16, &[num_t]), value.to_le_bytes().repeat(num_t)].concat();
    let file = folder.path().join("gain.npy");
    std::fs::write(&file, vector(2)).unwrap();
    let plan = |out: &Path, operations: &[String]| {
        let changes = Changes { operations: operations.to_vec(), ..Changes::default() };
        let target = TargetPlan {
            kind: Kind::Npy,
            location: Location::from(out),
            force: false,
            options: TargetOptions::default(),
        };
        let from = SourcePlan::new(source.as_path().into(), &OpenOptions::default());
        Plan::make(from, changes, target, &Buffering::default(), &OpenOptions::default())
    };
    let operations = [format!("multiply @{} over t", file.display()), format!("add @{}", other.display())];

    for (changed, bytes) in
        [(file.clone(), vector(3)), (other.join("0001.h5"), std::fs::read(other.join("0001.h5")).unwrap())]
    {
        let made = plan(&whole, &operations).unwrap();
        std::fs::write(&changed, bytes).unwrap();
        let refused = run(&made, Start::New).unwrap_err().to_string();
        assert!(refused.contains("an array that its operations name, has changed"), "{refused}");
        assert!(!whole.exists());
        assert!(run(&plan(&whole, &operations).unwrap(), Start::New).is_ok());
        std::fs::remove_file(&whole).unwrap();
    }

    let refused = format!("{:#}", plan(&other.join("out.npy"), &operations).unwrap_err());
    assert!(refused.contains("never written to"), "{refused}");
    assert!(plan(&other.join("out.npy"), &operations[..1]).is_ok(), "nothing of it is read");
    let inside = format!(
        "{:#}",
        plan(&other.join("out.npy"), &[format!("concatenate @{} over t | mean over t", other.display())]).unwrap_err()
    );
    assert!(inside.contains("never written to"), "{inside}");

    // A plan is followed wherever the program is started.
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let relative = format!("{up}{}", file.strip_prefix("/").unwrap().display());
    let made = plan(&whole, &[format!("* @{relative} over t"), "- 1".to_owned()]).unwrap();
    let found = format!("multiply @{} over t", here.join(&relative).display());
    assert_eq!(made.changes.operations, [found, "- 1".to_owned()]);
}

#[test]
fn a_disk_without_room_says_so_and_leaves_nothing_under_the_name() {
    // A device that takes nothing: writing to it fails as on a full disk.
    #[cfg(target_os = "linux")]
    for (kind, name, why) in [(Kind::Npy, "out.npy", "os error"), (Kind::Hdf5, "out.h5", "No space left")] {
        let source = MemorySource::new(DType::U8, Shape::from([4, 8, 8]), "zyx", &[1, 8, 8], vec![1; 256]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join(name), false);
        let _held = place.begin("plan", Start::New).unwrap();
        std::os::unix::fs::symlink("/dev/full", place.data()).unwrap();
        let error = written_as(kind, Arc::new(source), &place, TargetOptions::default(), 64).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains(&format!("{name}: cannot ")) && text.contains(why), "{text}");
        assert!(!place.path().exists());
    }
}

/// Runs all pieces of a .npy file of a source.
fn written(source: Arc<dyn Source>, place: &Place, options: TargetOptions, buffer: usize) -> anyhow::Result<Written> {
    written_as(Kind::Npy, source, place, options, buffer)
}

/// Runs all pieces of a target of a source; returns the record of the first.
pub fn written_as(
    kind: Kind,
    source: Arc<dyn Source>,
    place: &Place,
    options: TargetOptions,
    buffer: usize,
) -> anyhow::Result<Written> {
    let subject = Subject { source, channels: Vec::new() };
    let target = target(kind, &subject, place, &options)?;
    let buffer = tectum::write::Chunking::buffer(&*subject.source, target.chunks(), target.pieces(), buffer);
    let records = Records::new(&place.records(), "plan");
    target.prepare()?;
    let run = Run {
        source: &*subject.source,
        target: &*target,
        buffer,
        pieces: &records.missing(target.pieces().num_cells()),
        is_resumed: false,
        cancel: &Cancel::new(),
    };
    run.run(&|piece, written| records.put(piece, written), &())?;
    let Some(Record { written, .. }) = records.get(0) else { anyhow::bail!("no record") };
    target.finish()?;
    Ok(written)
}

/// An array of random bytes.
pub fn random(dtype: DType, axes: &[(usize, usize)], seed: u64) -> (MemorySource, Vec<u8>) {
    let dims: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
    let grid: Vec<usize> = axes.iter().map(|axis| axis.1).collect();
    let shape = Shape::new(&dims).unwrap();
    let mut state = seed | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let max = if dtype == DType::Bool { 1 } else { 255 };
    let bytes: Vec<u8> = (0..shape.num_bytes(dtype).unwrap()).map(|_| random() & max).collect();
    let letters = &"abtzyx"[6 - dims.len()..];
    (MemorySource::new(dtype, shape, letters, &grid, bytes.clone()).unwrap(), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_array_comes_back(
        axes in prop::collection::vec((0usize..9, 1usize..6), 1..6),
        dtype in prop::sample::select(DType::ALL.to_vec()),
        buffer in 1usize..20_000,
        is_afar in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let dims: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let (source, bytes) = random(dtype, &axes, seed);
        let source: Arc<dyn Source> = if is_afar { RemoteSource::open(source) } else { Arc::new(source) };
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("out.npy"), false);
        let _held = place.begin("plan", Start::New).unwrap();
        let written = written(source, &place, TargetOptions::default(), buffer).unwrap();
        let file = std::fs::read(place.path()).unwrap();
        prop_assert_eq!(&file, &[npy::header(dtype, &dims), bytes].concat());
        prop_assert_eq!(written, Written { num_bytes: file.len() as u64, crc32c: tectum::codec::crc32c::checksum(&file) });
    }
}

#[test]
fn what_is_missing_is_refused_where_it_was_asked_for() {
    let gap = Region::new(&[2, 0, 0], &[3, 4, 8]).unwrap();
    let source = MemorySource::new(DType::U8, Shape::from([4, 8, 8]), "zyx", &[1, 8, 8], vec![1; 256]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("out.npy"), false);
    let _held = place.begin("plan", Start::New).unwrap();
    let refused = written(Arc::new(source.with_missing(&[gap])), &place, TargetOptions::default(), 64).unwrap_err();
    assert!(refused.to_string().contains("z 2:3, y 0:4 is missing: never written; leave it out"), "{refused}");
    assert!(!place.path().exists());
}
