//! `tectum convert` and `tectum split` as they are called: killed and resumed they end with the same bytes, and what
//! cannot be is one line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{command, tectum};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name).join("data")
}

/// Every file of a folder, or the file itself.
fn bytes(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if path.is_file() {
        return vec![(PathBuf::new(), std::fs::read(path).unwrap())];
    }
    let mut found: Vec<_> = path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.iter().flat_map(|path| bytes(path).into_iter().map(|(_, bytes)| (path.clone(), bytes))).collect()
}

fn contents(path: &Path) -> Vec<Vec<u8>> {
    bytes(path).into_iter().map(|(_, bytes)| bytes).collect()
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes() {
    let source = fixture("a_4d_default");
    for name in ["out.h5", "out.npy", "out/"] {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole").join(name);
        std::fs::create_dir(folder.path().join("whole")).unwrap();
        let out = folder.path().join(name);
        let args = |out: &Path| {
            let options = ["convert", "--buffer-shape", "1,1,8,20", "-o"].map(Into::into);
            [&options[..], &[out.as_os_str().to_owned(), source.as_os_str().to_owned()]].concat()
        };
        assert!(tectum(args(&whole)).status.success());
        // Later and later, so that some are killed before, some while, and some after they write.
        for delay in [2, 5, 8, 12, 20, 40] {
            let mut all = args(&out);
            if folder.path().join(name.trim_end_matches('/')).with_extension("part").exists()
                || folder.path().join(format!("{}.part", name.trim_end_matches('/'))).exists()
            {
                all.push("--resume".into());
            }
            let mut child = command(all).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(delay));
            child.kill().unwrap();
            child.wait().unwrap();
            if out.exists() {
                break;
            }
        }
        if !out.exists() {
            let mut all = args(&out);
            all.push("--resume".into());
            let done = tectum(all);
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        assert!(contents(&out) == contents(&whole), "{name}");
    }
}

#[test]
fn a_recording_is_split_anew() {
    let folder = tempfile::tempdir().unwrap();
    let source = fixture("a_4d_default");
    let run = |more: &[&str], out: &Path| {
        let done = tectum([&["split", "-o", out.to_str().unwrap(), source.to_str().unwrap()], more].concat());
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let out = folder.path().join("blocks");
    let done = run(&["--block", "t=2", "--crop", "y=2:12", "--downsample", "x=2", "--blocks", "1-2"], &out);
    assert!(done.0, "{}", done.1);
    let text = std::fs::read_to_string(out.join("stack_metadata.json")).unwrap();
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((said["shape_full"][0].as_u64(), said["shape_full"][2].as_u64()), (Some(4), Some(10)), "{text}");
    assert!(out.join("0001.h5").exists() && !out.join("0002.h5").exists());
    for (more, wanted) in [
        (&["--block", "q=2"][..], "q: is no axis"),
        (&["--block", "t=0"], "no number of 1 or more"),
        (&["--crop", "t=3"], "no range"),
        (&["--block", "t=2", "--blocks", "90-91"], "there are blocks 0 to"),
    ] {
        let (is_done, said) = run(more, &folder.path().join("no"));
        assert!(!is_done && said.contains(wanted) && said.lines().count() == 1, "{said}");
    }
    let (is_done, said) = run(&[], &source.join("inside"));
    assert!(!is_done && said.contains("never written to"), "{said}");
}

#[test]
fn a_recording_that_ends_early_is_written_and_said_to() {
    let folder = tempfile::tempdir().unwrap();
    let source = fixture("b_sashimi_stopped_early").with_file_name("exp/original");
    let words = |args: &[&str]| {
        let done = tectum([args, &[source.to_str().unwrap()]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    for command in ["convert", "split"] {
        let out = folder.path().join(format!("{command}/"));
        let said = words(&[command, "-o", out.to_str().unwrap()]);
        assert!(said.starts_with("note: ") && said.contains("the blocks hold") && said.lines().count() == 1, "{said}");
    }
}
