//! What the command line promises, asked of the program itself: what `info` says of every fixture, that
//! `export` writes what numpy would, and that failures are one line and leave nothing behind.
#![allow(clippy::unwrap_used)]

#[path = "cli/channels.rs"]
mod channels;
#[path = "cli/convert.rs"]
mod convert;
#[path = "cli/delayed.rs"]
mod delayed;
#[path = "cli/quality.rs"]
mod quality;
#[path = "cli/references.rs"]
mod references;
#[cfg(feature = "window")]
#[path = "cli/remembered.rs"]
mod remembered;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Fixtures of which nothing can be viewed by their folder.
const NOTHING_TO_SEE: [&str; 3] = ["g_single_files", "i_empty_folder", "i_json_only"];

struct Fixture {
    name: String,
    root: PathBuf,
    manifest: Value,
}

impl Fixture {
    fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name);
        let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let root = folder.join(manifest["root"].as_str().unwrap());
        Self { name: name.to_owned(), root, manifest }
    }

    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split");
        let mut names: Vec<String> = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("manifest.json").exists())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 84);
        names.iter().map(|name| Self::load(name)).collect()
    }

    fn shape(&self) -> Vec<u64> {
        self.manifest["shape"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap()).collect()
    }

    /// Whether the manifest's hash is that of what can be seen.
    fn is_whole(&self) -> bool {
        let manifest = &self.manifest;
        let damaged = ["bad_blocks", "missing_blocks", "stale_blocks"].iter().any(|key| !manifest[*key].is_null());
        !damaged && !NOTHING_TO_SEE.contains(&self.name.as_str()) && !self.name.starts_with("h_")
    }
}

fn command<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tectum"));
    command.args(args).env_remove("TECTUM_LOG").env("RUST_BACKTRACE", "1");
    command
}

fn tectum<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    command(args).output().unwrap()
}

#[cfg(feature = "window")]
fn tectum_without_display<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    let mut command = command(args);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn info(path: &Path) -> Output {
    tectum([OsStr::new("info"), path.as_ref(), OsStr::new("--json")])
}

/// Asserts exit code 1, nothing on stdout, and one line on stderr; returns the line.
fn refusal(output: &Output, what: &str) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{what}: {text}");
    assert!(output.stdout.is_empty(), "{what}");
    assert!(text.starts_with("error: ") && text.ends_with('\n') && text.lines().count() == 1, "{what}: {text}");
    text
}

struct Exported {
    output: Output,
    /// Header and voxels, if the file is there.
    file: Option<(String, Vec<u8>)>,
}

impl Exported {
    fn hash(&self, what: &str) -> (String, String) {
        let text = String::from_utf8_lossy(&self.output.stderr);
        assert!(self.output.status.success(), "{what}: {text}");
        let (header, voxels) = self.file.as_ref().expect(what);
        (header.clone(), format!("{:x}", Sha256::digest(voxels)))
    }
}

/// Exports into an empty folder and checks that nothing else is left there.
fn export(path: &Path, args: &[&str]) -> Exported {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out.npy");
    let mut all: Vec<&OsStr> = vec!["export".as_ref(), path.as_ref(), "-o".as_ref(), out.as_ref()];
    all.extend(args.iter().map(OsStr::new));
    let output = tectum(all);
    let left: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, if output.status.success() { vec![out.clone()] } else { vec![] });
    let file = std::fs::read(&out).ok().map(|bytes| {
        let len = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
        (String::from_utf8(bytes[10..len].to_vec()).unwrap(), bytes[len..].to_vec())
    });
    Exported { output, file }
}

fn shape_of(header: &str) -> Vec<u64> {
    let dims = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    dims.split(',').filter(|dim| !dim.trim().is_empty()).map(|dim| dim.trim().parse().unwrap()).collect()
}

fn state_of(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut state = BTreeMap::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.metadata().unwrap();
        state.insert(path.clone(), (metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            state.extend(state_of(&path));
        }
    }
    state
}

#[test]
fn info_says_of_every_fixture_what_it_is() {
    for fixture in Fixture::all() {
        let (name, before) = (&fixture.name, state_of(&fixture.root));
        let output = info(&fixture.root);
        assert_eq!(state_of(&fixture.root), before, "{name}: a dataset's folder is never written to");
        if NOTHING_TO_SEE.contains(&name.as_str()) {
            let line = refusal(&output, name);
            assert!(line.contains(fixture.root.to_str().unwrap()), "{name}: {line}");
            continue;
        }
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
        assert!(error.is_empty(), "{name}: {error}");
        let info: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(info["dtype"], fixture.manifest["dtype"], "{name}");
        if fixture.is_whole() {
            assert_eq!(info["shape"], fixture.manifest["shape"], "{name}");
        }
        assert_eq!(info["axes"].as_array().unwrap().len(), info["shape"].as_array().unwrap().len(), "{name}");
        let problems = info["problems"].as_array().unwrap();
        for problem in problems {
            let has = |key: &str| problem[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(has("code") && has("severity") && has("message"), "{name}: {problem}");
        }
        for key in ["bad_blocks", "missing_blocks", "stale_blocks"] {
            for block in fixture.manifest[key].as_array().into_iter().flatten() {
                let file = format!("{:04}.h5", block.as_u64().unwrap());
                // A chunk that does not decode shows only when it is read.
                let is_named = problems.iter().any(|problem| problem.to_string().contains(&file));
                assert!(
                    is_named || name == "i_bad_chunk" || name == "i_missing_last",
                    "{name}: {file} in {problems:?}"
                );
            }
        }
        if ["a_", "c_", "e_", "f_"].iter().any(|prefix| name.starts_with(prefix)) {
            assert!(problems.iter().all(|problem| problem["severity"] == "note"), "{name} is sound: {problems:?}");
        }
    }
}

#[test]
fn info_in_words_is_for_reading() {
    let fixture = Fixture::load("b_sashimi");
    let output = tectum([OsStr::new("info"), fixture.root.as_ref()]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["t 22 × z 6 × y 88 × x 104", "uint16", "µm", "volumes per second", "2.4 MB decoded, ", "duration"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let fixture = Fixture::load("a_4d_default");
    let output = tectum([OsStr::new("info"), fixture.root.as_ref()]);
    let text = String::from_utf8(output.stdout).unwrap();
    for label in ["voxel size", "rate", "duration"] {
        let line = text.lines().find(|line| line.trim_start().starts_with(label)).unwrap();
        assert!(line.ends_with("  unknown"), "{line}");
    }
    let on_disk: u64 =
        ["0000.h5", "0001.h5", "0002.h5"].map(|block| fixture.root.join(block).metadata().unwrap().len()).iter().sum();
    let json: Value = serde_json::from_slice(&info(&fixture.root).stdout).unwrap();
    assert_eq!(json["num_bytes_on_disk"], on_disk);
    assert_eq!(json["num_bytes"], 11 * 5 * 24 * 20 * 2);
    assert!(json["duration_s"].is_null());
}

#[test]
fn a_whole_export_is_the_array() {
    for fixture in Fixture::all().iter().filter(|fixture| fixture.is_whole()) {
        let (header, hash) = export(&fixture.root, &[]).hash(&fixture.name);
        assert_eq!(shape_of(&header), fixture.shape(), "{}", fixture.name);
        assert_eq!(hash, fixture.manifest["sha256"].as_str().unwrap(), "{}", fixture.name);
    }
}

#[test]
fn projections_are_numpys() {
    for fixture in Fixture::all().iter().filter(|fixture| fixture.is_whole() && fixture.shape().len() == 4) {
        for (key, axis) in [("max_over_z", "1"), ("max_over_t", "0")] {
            let expected = &fixture.manifest[key];
            if expected.is_null() {
                continue;
            }
            let what = format!("{} {key}", fixture.name);
            let (header, hash) = export(&fixture.root, &["--project", "max", "--over", axis]).hash(&what);
            assert_eq!(serde_json::json!(shape_of(&header)), expected["shape"], "{what}");
            // The bits of a NaN are not part of the promise.
            if fixture.name != "f_float32_nan" {
                assert_eq!(hash, expected["sha256"].as_str().unwrap(), "{what}");
            }
        }
    }
    let by_letter = export(&Fixture::load("a_4d_default").root, &["--project", "max", "--over", "z"]).hash("letter").1;
    assert_eq!(by_letter, Fixture::load("a_4d_default").manifest["max_over_z"]["sha256"].as_str().unwrap());
}

#[test]
fn selections_are_numpys() {
    let mut num_slices = 0;
    for name in ["a_4d_default", "a_4d_tiny_last", "c_3d_tyx", "d_space_split", "b_brunoise"] {
        let fixture = Fixture::load(name);
        for slice in fixture.manifest["slices"].as_array().unwrap() {
            if slice["same_as_numpy"] != true {
                continue;
            }
            // To split_dataset, None is a whole axis.
            let part = |part: &Value| match part {
                Value::Null => ":".to_owned(),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            let index: Vec<String> = slice["index"].as_array().unwrap().iter().map(part).collect();
            let index = index.join(", ");
            let what = format!("{name}[{index}]");
            let (header, hash) = export(&fixture.root, &["--select", &index]).hash(&what);
            assert_eq!(serde_json::json!(shape_of(&header)), slice["shape"], "{what}");
            assert_eq!(hash, slice["sha256"].as_str().unwrap(), "{what}");
            num_slices += 1;
        }
    }
    assert!(num_slices >= 20, "{num_slices}");
    let root = Fixture::load("a_4d_default").root;
    for (index, message) in [
        ("11", "index 11 is out of bounds for axis 0 with size 11"),
        ("0,0,0,0,0", "too many indices for array: array is 4-dimensional, but 5 were indexed"),
        ("[0,1],[0,1,2]", "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,)"),
        ("1.5", "only integers, slices"),
        ("t", "is not an index"),
    ] {
        let line = refusal(&export(&root, &["--select", index]).output, index);
        assert!(line.contains(message), "{line}");
    }
}

#[test]
fn missing_data_are_refused_by_range_and_filled_on_request() {
    for (name, lost) in [("i_missing_middle", 4..8), ("i_text_as_h5", 4..8), ("i_bad_superblock", 4..8)] {
        let fixture = Fixture::load(name);
        let line = refusal(&export(&fixture.root, &[]).output, name);
        assert!(line.contains("t 4:8 is missing") && line.contains("--fill"), "{name}: {line}");
        let line = refusal(&export(&fixture.root, &["--project", "max", "--over", "t"]).output, name);
        assert!(line.contains("t 4:8 is missing"), "{name}: {line}");
        export(&fixture.root, &["--select", "8:"]).hash(name);
        let filled = export(&fixture.root, &["--fill", "4242"]);
        let (header, _) = filled.hash(name);
        assert_eq!(shape_of(&header), [12, 3, 16, 18]);
        let voxels = filled.file.unwrap().1;
        let value = |offset: usize| u16::from_le_bytes([voxels[2 * offset], voxels[2 * offset + 1]]);
        let volume = 3 * 16 * 18;
        assert!((lost.start * volume..lost.end * volume).all(|offset| value(offset) == 4242), "{name}");
        for sample in fixture.manifest["samples"].as_array().unwrap() {
            let index: Vec<usize> =
                sample["index"].as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as usize).collect();
            if !lost.contains(&index[0]) {
                let offset = index.iter().zip([12, 3, 16, 18]).fold(0, |offset, (i, dim)| offset * dim + i);
                assert_eq!(u64::from(value(offset)), sample["value"].as_u64().unwrap(), "{name} {index:?}");
            }
        }
    }
    let line = refusal(&export(&Fixture::load("i_missing_middle").root, &["--fill", "70000"]).output, "fill");
    assert!(line.contains("70000 is no uint16"), "{line}");
}

/// Severity and the rest of each problem that `info` names.
fn problems_of(path: &Path) -> Vec<Value> {
    let output = info(path);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["problems"].as_array().unwrap().clone()
}

#[test]
fn nothing_is_left_out_of_an_export_without_a_word() {
    let (mut num_refused, mut num_warned) = (0, 0);
    for fixture in Fixture::all().iter().filter(|fixture| !NOTHING_TO_SEE.contains(&fixture.name.as_str())) {
        let name = &fixture.name;
        let problems = problems_of(&fixture.root);
        let of = |severity: &'static str| problems.iter().filter(move |problem| problem["severity"] == severity);
        let exported = export(&fixture.root, &[]);
        let text = String::from_utf8_lossy(&exported.output.stderr);
        if of("error").count() > 0 {
            refusal(&exported.output, name);
            num_refused += 1;
        }
        if exported.output.status.success() {
            for problem in of("warning") {
                assert!(text.contains(problem["file"].as_str().unwrap()), "{name}: {text} without {problem}");
                num_warned += 1;
            }
            let shorter = problems.iter().find(|problem| problem["code"] == "stopped_early");
            assert_eq!(shorter.is_some(), text.contains("stopped early"), "{name}: {text}");
        }
    }
    assert!(num_refused >= 5 && num_warned >= 5, "{num_refused} {num_warned}");
}

/// A copy of `a_4d_default`, eleven volumes in blocks of four, without its metadata and at rest for an hour.
fn interrupted_recording() -> TempDir {
    let folder = TempDir::new().unwrap();
    for block in ["0000.h5", "0001.h5", "0002.h5"] {
        std::fs::copy(Fixture::load("a_4d_default").root.join(block), folder.path().join(block)).unwrap();
    }
    at_rest(folder.path());
    folder
}

fn at_rest(folder: &Path) {
    for entry in folder.read_dir().unwrap() {
        let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    }
}

#[test]
fn a_damaged_tail_is_refused_unless_it_is_not_asked_for() {
    let recording = interrupted_recording();
    let path = recording.path();
    let whole = export(path, &[]).hash("whole");
    assert_eq!(shape_of(&whole.0), [11, 5, 24, 20]);
    let last = path.join("0002.h5");
    std::fs::write(&last, &std::fs::read(&last).unwrap()[..1000]).unwrap();
    at_rest(path);
    assert!(problems_of(path).iter().any(|problem| problem["severity"] == "error"));
    for index in ["...", ":", "4:", "-1", "::-1", "0:9", "..., 3"] {
        let line = refusal(&export(path, &["--select", index]).output, index);
        assert!(line.contains("0002.h5") && line.contains("t 8:12") && line.contains("0:8"), "{index}: {line}");
    }
    for index in ["0:8", "7", "[0, 5]", ":8, ..., ::-1", "7::-1"] {
        let exported = export(path, &["--select", index]);
        exported.hash(index);
        assert!(exported.output.stderr.is_empty(), "{index}");
    }
    let filled = export(path, &["--fill", "0"]);
    assert_eq!(shape_of(&filled.hash("filled").0), [8, 5, 24, 20]);
    let text = String::from_utf8_lossy(&filled.output.stderr);
    assert!(text.starts_with("warning: ") && text.contains("0002.h5") && text.contains("left out"), "{text}");
}

#[test]
fn what_stands_for_missing_data_is_said() {
    let root = Fixture::load("i_missing_middle").root;
    let exported = export(&root, &["--fill", "7"]);
    exported.hash("filled");
    let text = String::from_utf8_lossy(&exported.output.stderr);
    assert!(text.contains("0001.h5: the block is missing (t 4:8); filled"), "{text}");
    let exported = export(&root, &["--fill", "7", "--select", "8:"]);
    assert!(exported.output.stderr.is_empty(), "it was not asked for");
}

/// A copy of a block whose filter is given a number that nobody has.
fn unsupported_filter() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut bytes = std::fs::read(Fixture::load("e_blosc_lz4").root.join("0000.h5")).unwrap();
    let at = bytes.windows(2).position(|pair| pair == 32001u16.to_le_bytes()).unwrap();
    bytes[at..at + 2].copy_from_slice(&32999u16.to_le_bytes());
    std::fs::write(folder.path().join("0000.h5"), bytes).unwrap();
    at_rest(folder.path());
    folder
}

#[test]
fn a_filter_that_is_not_there_is_no_missing_data() {
    let folder = unsupported_filter();
    for args in [&[][..], &["--fill", "0"]] {
        let line = refusal(&export(folder.path(), args).output, "unsupported");
        assert!(line.contains("32999") && !line.contains("say with --fill"), "{line}");
        assert!(
            line.contains("HDF5_PLUGIN_PATH") && !line.contains("hdf5-metno"),
            "no path of where it was built: {line}"
        );
    }
    for path in [folder.path().to_owned(), folder.path().join("0000.h5")] {
        let problems = problems_of(&path);
        let is_named =
            |problem: &Value| problem["severity"] == "error" && problem["message"].to_string().contains("32999");
        assert!(problems.iter().any(is_named), "{problems:?}");
    }
}

#[test]
fn what_is_whole_of_a_running_recording_can_be_exported() {
    for fixture in Fixture::all().iter().filter(|fixture| fixture.name.starts_with("h_")) {
        let (header, hash) = export(&fixture.root, &["--select", "0:12"]).hash(&fixture.name);
        assert_eq!(shape_of(&header), fixture.shape(), "{}", fixture.name);
        assert_eq!(hash, fixture.manifest["sha256"].as_str().unwrap(), "{}", fixture.name);
    }
}

#[test]
fn nothing_is_written_into_a_recording() {
    let fixture = Fixture::load("a_4d_default");
    let before = state_of(&fixture.root);
    for out in ["out.npy", "0000.npy", "../data/out.npy"] {
        let out = fixture.root.join(out);
        let args = [OsStr::new("export"), fixture.root.as_ref(), OsStr::new("-o"), out.as_ref()];
        let line = refusal(&tectum(args), "inside");
        assert!(line.contains("never written to"), "{line}");
    }
    let block = fixture.root.join("0000.h5");
    let args = [OsStr::new("export"), fixture.root.as_ref(), OsStr::new("-o"), block.as_ref()];
    let line = refusal(&tectum(args), "over a block");
    assert!(line.contains(".npy"), "{line}");
    assert_eq!(state_of(&fixture.root), before);
}

#[test]
fn errors_are_one_line_and_usage_is_told_apart() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("notes.h5");
    std::fs::write(&text, "not HDF5\n").unwrap();
    let gone = folder.path().join("gone");
    for path in [gone.as_path(), folder.path(), text.as_path()] {
        refusal(&info(path), &path.display().to_string());
    }
    let deep = gone.join("out.npy");
    let fixture = Fixture::load("a_4d_default");
    let args = [OsStr::new("export"), fixture.root.as_ref(), OsStr::new("-o"), deep.as_ref()];
    refusal(&tectum(args), "a folder that does not exist");
    for args in [
        &["export"][..],
        &["info"],
        &["info", "a", "b"],
        &["--axes", "tt"],
        &["frobnicate", "x"],
        &["export", "x", "-o", "y.npy", "--over", "t"],
    ] {
        let output = tectum(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
    assert!(tectum(["--help"]).status.success());
    assert!(tectum(["--version"]).status.success());
}

/// A process that is busy for a minute and has begun its output in `folder`.
#[cfg(target_os = "linux")]
fn busy_export(folder: &Path) -> std::process::Child {
    // Every voxel of the result is the deviation of tens of thousands: much to do, little to write.
    let index = format!("[{}]", "0,".repeat(60_000).trim_end_matches(','));
    let out = folder.join("out.npy");
    let child = Command::new(env!("CARGO_BIN_EXE_tectum"))
        .args([OsStr::new("export"), Fixture::load("b_sashimi").root.as_ref(), OsStr::new("-o"), out.as_ref()])
        .args(["--select", &index, "--project", "std", "--over", "t"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // A file without a name shows among those that the process has open, by where it lies.
    let has_begun = || {
        let open = PathBuf::from(format!("/proc/{}/fd", child.id())).read_dir().unwrap();
        open.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|file| file.starts_with(folder)))
    };
    while !has_begun() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child
}

#[cfg(target_os = "linux")]
/// Whether this process was started with a signal ignored, as under nohup or behind `&`: its children then
/// ignore it too, as they should.
fn is_ignored(signal: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_export_leaves_nothing_and_says_which_signal_it_was() {
    let signals = [("INT", 2, Some(130)), ("TERM", 15, Some(143)), ("HUP", 1, Some(129)), ("KILL", 9, None)];
    for (signal, number, code) in signals {
        if is_ignored(number) {
            continue;
        }
        let folder = TempDir::new().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let child = busy_export(&folder);
        let asked = std::time::Instant::now();
        Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(asked.elapsed().as_secs_f64() < 2.0, "{signal}");
        assert_eq!(output.status.code(), code, "{signal}");
        let text = String::from_utf8(output.stderr).unwrap();
        let is_told = text.starts_with("error: interrupted") && text.lines().count() == 1;
        assert!(is_told || signal == "KILL", "{signal}: {text}");
        let left: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{signal}: {left:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_demo_leaves_nothing_and_a_written_one_says_what_it_is() {
    let folder = TempDir::new().unwrap();
    let demo = |shape: &str| {
        let mut command = command([OsStr::new("demo"), folder.path().join("demo").as_ref()]);
        command.args(["--no-open", "--shape", shape]).stderr(std::process::Stdio::null());
        command
    };
    let num_entries = || folder.path().read_dir().unwrap().count();
    let mut child = demo("2000,10,128,128").spawn().unwrap();
    while num_entries() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(num_entries(), 0);
    let output = demo("3,2,40,48").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("t 3 × z 2 × y 40 × x 48, uint16"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_caller_ignores_stays_ignored() {
    let folder = TempDir::new().unwrap();
    let script = r#"trap "" HUP; "$0" "$@" & wait $!"#;
    let out = folder.path().join("out.npy");
    let index = format!("[{}]", "0,".repeat(6_000).trim_end_matches(','));
    let mut child = Command::new("sh")
        .args([OsStr::new("-c"), script.as_ref(), env!("CARGO_BIN_EXE_tectum").as_ref(), "export".as_ref()])
        .args([Fixture::load("b_sashimi").root.as_ref(), OsStr::new("-o"), out.as_ref()])
        .args(["--select", &index, "--project", "std", "--over", "t"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let mut num_sent = 0;
    while child.try_wait().unwrap().is_none() {
        for pid in std::fs::read_to_string(&children).unwrap_or_default().split_whitespace() {
            num_sent += usize::from(Command::new("kill").args(["-HUP", pid]).status().unwrap().success());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(num_sent > 0);
    assert!(child.wait().unwrap().success() && out.exists());
}

#[test]
fn success_says_what_was_written() {
    let root = Fixture::load("a_4d_default").root;
    let said = |args: &[&str]| {
        let exported = export(&root, args);
        assert!(exported.output.stderr.is_empty());
        let text = String::from_utf8(exported.output.stdout).unwrap();
        assert!(text.lines().count() == 1 && text.contains("out.npy: ") && text.ends_with(" s\n"), "{text}");
        text
    };
    let text = said(&[]);
    assert!(text.contains("(11, 5, 24, 20), uint16, 52.9 kB"), "{text}");
    let text = said(&["--select", "3", "--project", "mean", "--over", "z"]);
    assert!(text.contains("(24, 20), float64, 4.0 kB"), "{text}");
}

#[cfg(feature = "window")]
#[test]
fn a_snapshot_is_made_without_a_word_of_the_drivers() {
    let root = Fixture::load("a_4d_default").root;
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("a.png");
    let args = [OsStr::new("snapshot"), root.as_ref(), OsStr::new("-o"), out.as_ref(), OsStr::new("--wait")];
    let output = tectum_without_display(args);
    let text = String::from_utf8_lossy(&output.stderr);
    if text.contains("no graphics adapter was found") {
        println!("no graphics adapter here: skipped");
        return;
    }
    assert!(output.status.success() && text.is_empty(), "{text}");
    assert!(std::fs::read(&out).unwrap().starts_with(b"\x89PNG"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("a.png: 1600 × 1000 pixels"), "{said}");
}

/// One whole block of one value, in a folder of its own.
#[cfg(feature = "window")]
fn recording_of<T: hdf5::H5Type + Clone>(value: T) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = hdf5::File::create(folder.path().join("0000.h5")).unwrap();
    let shape = (2, 3, 20, 30);
    let array = file.new_dataset::<T>().chunk((1, 3, 20, 30)).shape(shape).create("stack_4D").unwrap();
    array.write(&ndarray::Array4::from_elem(shape, value)).unwrap();
    drop((array, file));
    at_rest(folder.path());
    folder
}

/// A snapshot into an empty folder; its length in seconds, the output, and whether there is a picture.
#[cfg(feature = "window")]
fn snapshot(path: &Path, args: &[&str]) -> Option<(f64, Output, bool)> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("a.png");
    let start = std::time::Instant::now();
    let all = [OsStr::new("snapshot"), path.as_ref(), OsStr::new("--wait"), OsStr::new("-o"), out.as_ref()];
    let output = tectum_without_display(all.into_iter().chain(args.iter().map(OsStr::new)));
    let has_adapter = !String::from_utf8_lossy(&output.stderr).contains("no graphics adapter was found");
    assert_eq!(folder.path().read_dir().unwrap().count(), usize::from(output.status.success()));
    has_adapter.then(|| (start.elapsed().as_secs_f64(), output, out.exists()))
}

#[cfg(feature = "window")]
#[test]
fn a_snapshot_of_what_cannot_be_read_or_holds_no_number_ends_at_once_and_says_so() {
    let nan = recording_of(f32::NAN);
    let Some((seconds, output, is_there)) = snapshot(nan.path(), &[]) else { return };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && is_there && text.contains("no finite value"), "{text}");
    assert!(seconds < 30.0, "{seconds}");

    let unreadable = unsupported_filter();
    let (seconds, output, is_there) = snapshot(unreadable.path(), &[]).unwrap();
    let line = refusal(&output, "unreadable");
    assert!(!is_there && line.contains("nothing of it can be read") && line.contains("32999"), "{line}");
    assert!(seconds < 30.0, "{seconds}");

    let (_, output, is_there) = snapshot(&Fixture::load("i_missing_middle").root, &["--t", "5"]).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && is_there && text.contains("the block is missing"), "{text}");
    assert!(text.starts_with("warning: ") && text.lines().count() == 1, "{text}");
}

#[cfg(all(target_os = "linux", feature = "window"))]
#[test]
fn without_a_display_the_window_says_so_in_one_line() {
    let line = refusal(&tectum_without_display(["/nowhere"]), "window");
    assert!(line.contains("no display") && line.contains("tectum snapshot") && !line.contains(".rs"), "{line}");
}

#[test]
fn an_output_that_exists_is_replaced_by_force_only() {
    let root = Fixture::load("a_4d_default").root;
    let folder = TempDir::new().unwrap();
    for (command, name) in with_window([("export", "out.npy"), ("snapshot", "out.png")]) {
        let out = folder.path().join(name);
        std::fs::write(&out, "former").unwrap();
        let args = [OsStr::new(command), root.as_ref(), OsStr::new("-o"), out.as_ref()];
        let line = refusal(&tectum(args), command);
        assert!(line.contains("--out") && line.contains(name) && line.contains("--force"), "{line}");
        assert_eq!(std::fs::read(&out).unwrap(), b"former");
    }
    let out = folder.path().join("out.npy");
    let args = [OsStr::new("export"), root.as_ref(), OsStr::new("--force"), OsStr::new("-o"), out.as_ref()];
    assert!(tectum(args).status.success());
    assert!(std::fs::read(&out).unwrap().starts_with(b"\x93NUMPY"));
    assert_eq!(folder.path().read_dir().unwrap().count(), if cfg!(feature = "window") { 2 } else { 1 });
}

/// Of commands and their outputs, those that this build carries out.
fn with_window<const N: usize>(all: [(&'static str, &'static str); N]) -> Vec<(&'static str, &'static str)> {
    all.into_iter().filter(|(command, _)| cfg!(feature = "window") || *command != "snapshot").collect()
}

#[cfg(not(feature = "window"))]
#[test]
fn without_a_window_what_needs_one_says_so() {
    let folder = TempDir::new().unwrap();
    let (out, demo) = (folder.path().join("a.png"), folder.path().join("demo"));
    let (out, demo) = (out.to_str().unwrap(), demo.to_str().unwrap());
    for args in [&[][..], &["/nowhere"], &["snapshot", "/nowhere", "-o", out], &["forget"], &["demo", demo]] {
        let line = refusal(&tectum(args), "no window");
        assert!(line.contains("has no window"), "{line}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let small = ["demo", demo, "--no-open", "--shape", "2,2,20,20"];
    assert!(tectum(small).status.success(), "a recording can be written all the same");
}

#[test]
fn other_suffixes_are_refused_before_anything_is_read() {
    let folder = TempDir::new().unwrap();
    let all = [("snapshot", "a.jpg"), ("snapshot", "a.npy"), ("snapshot", "a"), ("export", "a.tif")];
    for (command, name) in with_window(all) {
        let out = folder.path().join(name);
        // The recording is not even looked for.
        let args = [OsStr::new(command), OsStr::new("/nowhere"), OsStr::new("-o"), out.as_ref()];
        let line = refusal(&tectum(args), name);
        assert!(line.contains("--out") && line.contains(name) && line.contains("give a name that ends in"), "{line}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_message_names_the_option_and_the_file() {
    let root = Fixture::load("a_4d_default").root;
    let folder = TempDir::new().unwrap();
    let path = root.to_str().unwrap();
    let npy = folder.path().join("a.npy");
    let npy = npy.to_str().unwrap();
    for (args, option) in [
        (&["export", path, "-o", npy, "--select", "99"][..], "--select 99"),
        (&["export", path, "-o", npy, "--select", "oops"], "--select oops"),
        (&["export", path, "-o", npy, "--fill", "-1"], "--fill"),
        (&["export", path, "-o", npy, "--project", "max", "--over", "9"], "--over 9"),
        (&["export", path, "-o", npy, "--project", "max", "--over", "c"], "--over c"),
        #[cfg(feature = "window")]
        (&["snapshot", path, "-o", "a.png", "--t", "11"], "--t 11"),
        #[cfg(feature = "window")]
        (&["snapshot", path, "-o", "a.png", "--z", "-9"], "--z -9"),
        (&["info", path, "--dataset", "oops"], "oops"),
        (&["info", path, "--axes", "zyx"], "zyx"),
    ] {
        let line = refusal(&tectum(args), option);
        assert!(line.contains(option) && line.contains(path), "{option}: {line}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let fixture = Fixture::load("i_missing_middle");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tectum"))
        .args([OsStr::new("info"), fixture.root.as_ref(), OsStr::new("--json")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}

#[test]
fn verify_reads_all_of_a_recording_and_names_what_is_damaged() {
    let mut num_damaged = 0;
    for fixture in Fixture::all() {
        let (name, before) = (&fixture.name, state_of(&fixture.root));
        let output = tectum([OsStr::new("verify"), fixture.root.as_os_str(), OsStr::new("--json")]);
        assert_eq!(state_of(&fixture.root), before, "{name}: a dataset's folder is never written to");
        if NOTHING_TO_SEE.contains(&name.as_str()) {
            refusal(&output, name);
            continue;
        }
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let is_whole = told["whole"].as_bool().unwrap();
        assert_eq!(output.status.code(), Some(if is_whole { 0 } else { 3 }), "{name}");
        num_damaged += usize::from(!is_whole);
        let manifest = &fixture.manifest;
        if !manifest["bad_blocks"].is_null() || !manifest["missing_blocks"].is_null() {
            assert!(!is_whole, "{name}: {told}");
        }
        if name == "i_bad_chunk" {
            let damage = &told["damage"][0];
            assert!(damage["file"].as_str().unwrap().ends_with("0001.h5"), "{told}");
            assert_eq!(damage["t"][0], 4, "{told}");
            let words = tectum([OsStr::new("verify"), fixture.root.as_os_str()]);
            assert!(String::from_utf8_lossy(&words.stdout).contains("0001.h5: t 4"), "{words:?}");
        }
    }
    assert!(num_damaged > 8, "{num_damaged}");
}
