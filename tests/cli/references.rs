//! `tectum index`, `vds` and `sparse` as they are called: what they write reads as what they were made of.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{command, state_of, tectum};

fn blocks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split/a_4d_default/data")
}

fn special() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/lindi/special.h5")
}

fn words<const N: usize>(args: [&OsStr; N]) -> Vec<OsString> {
    args.map(OsStr::to_owned).to_vec()
}

/// The bytes of an array as .npy, with these words in front.
fn npy(path: &Path, more: &[&str], folder: &Path) -> Vec<u8> {
    let out = folder.join("read.npy");
    let mut args = words(["export".as_ref(), path.as_os_str(), "--force".as_ref(), "-o".as_ref(), out.as_os_str()]);
    args.extend(more.iter().map(OsString::from));
    let done = tectum(args);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(out).unwrap()
}

/// What is said of a call that fails, which is one line.
fn refused(args: Vec<OsString>) -> String {
    let done = tectum(args);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && said.lines().count() == 1, "{said}");
    said
}

#[test]
fn an_index_takes_changes_and_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let before = std::fs::read(special()).unwrap();
    let other = at("other.npy");
    let array = ["--dataset", "gzip"];
    std::fs::write(&other, npy(&special(), &["--dataset", "gzip", "--op", "+ 1"], folder.path())).unwrap();
    let changed = format!("gzip={}", other.display());
    for form in ["d", "tar"] {
        let out = at(&format!("out.lindi.{form}"));
        let index = |more: &[&str]| {
            let mut args = words(["index".as_ref(), special().as_os_str(), "-o".as_ref(), out.as_os_str()]);
            args.extend(more.iter().map(OsString::from));
            args
        };
        assert!(tectum(index(&[])).status.success());
        assert_eq!(npy(&out, &array, folder.path()), npy(&special(), &array, folder.path()));
        assert!(refused(index(&[])).contains("--force"));
        for more in [&["--update", "--changed", &changed][..], &["--update"]] {
            let done = tectum(index(more));
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(npy(&out, &array, folder.path()), std::fs::read(&other).unwrap());
        }
        assert!(refused(index(&["--update", "--changed", "none=x.npy"])).contains("none"));
        assert!(tectum(index(&["--force"])).status.success());
        assert_eq!(npy(&out, &array, folder.path()), npy(&special(), &array, folder.path()));
    }
    let json = words(["index".as_ref(), special().as_os_str(), "-o".as_ref(), at("o.lindi.json").as_os_str()]);
    let said = refused([json, vec!["--changed".into(), changed.into()]].concat());
    assert!(said.contains(".lindi.d"), "{said}");
    assert_eq!(std::fs::read(special()).unwrap(), before);
}

#[test]
fn a_sparse_matrix_is_written_by_convert_as_by_its_own_command() {
    let folder = tempfile::tempdir().unwrap();
    let select = ["--select", "0, 0", "--op", "- 3 | // 2", "--dtype", "f4"];
    let wanted = npy(&blocks(), &["--select", "0, 0", "--op", "- 3 | // 2 | cast f4"], folder.path());
    for (layout, name) in [("csc", "a.h5"), ("anndata-csr", "b.h5ad")] {
        let out = folder.path().join(name);
        for how in ["convert", "sparse"] {
            let option = if how == "convert" { "--to" } else { "--layout" };
            let mut args =
                words([how.as_ref(), blocks().as_os_str(), "-o".as_ref(), out.as_os_str(), "--force".as_ref()]);
            args.extend([option, layout].map(OsString::from));
            args.extend(select.map(OsString::from));
            let done = tectum(args);
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(npy(&out, &[], folder.path()), wanted, "{how} {layout}");
        }
    }
    let out = folder.path().join("c.h5");
    let convert = |more: &[&str]| {
        let mut args = words(["convert".as_ref(), blocks().as_os_str(), "-o".as_ref(), out.as_os_str()]);
        args.extend(["--to", "csr"].iter().chain(more).map(OsString::from));
        refused(args)
    };
    assert!(convert(&[]).contains("two axes"));
    assert!(convert(&["--select", "0, 0", "--resume"]).contains("--resume"));
    assert!(convert(&["--select", "0, 0", "--levels", "3"]).contains("--levels"));
    assert!(!out.exists());
}

#[cfg(unix)]
#[test]
fn a_virtual_dataset_follows_blocks_that_hdf5_cannot_count() {
    let folder = tempfile::tempdir().unwrap();
    let rec = folder.path().join("rec");
    std::fs::create_dir(&rec).unwrap();
    let mut names: Vec<PathBuf> = blocks().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "h5"));
    names.sort();
    assert!(names.len() > 2 && names[0].ends_with("0000.h5"));
    let copy = |path: &Path| std::fs::copy(path, rec.join(path.file_name().unwrap())).unwrap();
    for name in &names[..2] {
        copy(name);
    }
    let out = folder.path().join("out.h5");
    let args = words(["vds".as_ref(), rec.as_os_str(), "-o".as_ref(), out.as_os_str(), "--follow".as_ref()]);
    let mut child = command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let mut wait_for = |is_there: &dyn Fn() -> bool| {
        while !is_there() {
            assert!(Instant::now() < until && child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(&|| out.exists());
    for name in &names[2..] {
        copy(name);
        let wanted = npy(&rec, &[], folder.path());
        wait_for(&|| npy(&out, &[], folder.path()) == wanted);
    }
    let before = state_of(&rec);
    copy(&blocks().join("stack_metadata.json"));
    assert!(child.wait().unwrap().success());
    assert_eq!(npy(&out, &[], folder.path()), npy(&blocks(), &[], folder.path()));
    assert!(before.iter().all(|(path, state)| state_of(&rec).get(path) == Some(state)));
}
