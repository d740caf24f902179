//! Random recordings written by h5py, flammkuchen and split_dataset, with what numpy answers to random
//! indices and projections: `info` and `export` say the same. `make differential` asks of thousands.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/stored")
}

/// Copies a recording, each file as old as it was.
fn lay_out(recording: &Value, folder: &Path) {
    let now = SystemTime::now();
    for (name, age_s) in recording["ages_s"].as_object().unwrap() {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(stored().join(recording["folder"].as_str().unwrap()).join(name), &path).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_modified(now - Duration::from_secs(age_s.as_u64().unwrap())).unwrap();
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

struct Asked<'a> {
    recording: &'a Value,
    path: PathBuf,
    out: PathBuf,
}

impl Asked<'_> {
    fn tectum(&self, command: &str, arguments: &[String]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tectum"))
            .arg(command)
            .arg(&self.path)
            .args(texts(&self.recording["options"]))
            .args(arguments)
            .env_remove("TECTUM_LOG")
            .output()
            .unwrap()
    }

    fn info(&self) -> Result<(), String> {
        let output = self.tectum("info", &["--json".to_owned()]);
        let told: Value = serde_json::from_slice(&output.stdout).map_err(|_| words(&output))?;
        let problems = told["problems"].as_array().unwrap();
        let has_errors = problems.iter().any(|problem| problem["severity"] == "error");
        for key in ["shape", "dtype"] {
            if told[key] != self.recording[key] {
                return Err(format!("{key} {} instead of {}", told[key], self.recording[key]));
            }
        }
        if has_errors != self.recording["lacks"].as_bool().unwrap() {
            return Err(format!("errors that do not fit: {problems:?}"));
        }
        Ok(())
    }

    fn export(&self, case: &Value) -> Result<(), String> {
        let _ = fs::remove_file(&self.out);
        let mut arguments = texts(&case["arguments"]);
        arguments.extend(["-o".to_owned(), self.out.to_str().unwrap().to_owned()]);
        let output = self.tectum("export", &arguments);
        if let Some(reason) = case["refused"].as_str() {
            let is_refused = output.status.code() == Some(1) && !self.out.exists();
            return if is_refused && words(&output).contains(reason) { Ok(()) } else { Err(words(&output)) };
        }
        if !output.status.success() {
            return Err(words(&output));
        }
        let bytes = fs::read(&self.out).unwrap();
        let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = String::from_utf8_lossy(&bytes[10..start]).into_owned();
        let dims: Vec<String> = case["shape"].as_array().unwrap().iter().map(Value::to_string).collect();
        let comma = if dims.len() == 1 { "," } else { "" };
        for wanted in [
            format!("'descr': '{}'", case["descr"].as_str().unwrap()),
            format!("'shape': ({}{comma})", dims.join(", ")),
            "'fortran_order': False".to_owned(),
        ] {
            if !header.contains(&wanted) {
                return Err(format!("{header} instead of {wanted}"));
            }
        }
        let digest: String = Sha256::digest(&bytes[start..]).iter().map(|byte| format!("{byte:02x}")).collect();
        if case["sha256"] == digest.as_str() { Ok(()) } else { Err("other values".into()) }
    }
}

fn words(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

#[test]
fn random_recordings_are_what_numpy_says() {
    let recordings: Vec<Value> = serde_json::from_slice(&fs::read(stored().join("cases.json")).unwrap()).unwrap();
    assert_eq!(recordings.len(), 40);
    let differences: Vec<String> = recordings
        .par_iter()
        .flat_map_iter(|recording| {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("recording");
            lay_out(recording, &root);
            let path = root.join(recording["path"].as_str().unwrap());
            let asked = Asked { recording, path, out: folder.path().join("out.npy") };
            let name = format!("{}, {}", recording["folder"], recording["note"]);
            let info = if recording["is_read"] == true { asked.info() } else { Ok(()) };
            let exports = recording["cases"].as_array().unwrap().iter().map(|case| {
                asked.export(case).map_err(|error| format!("{name}: export {}: {error}", case["arguments"]))
            });
            let info = info.map_err(|error| format!("{name}: info: {error}"));
            std::iter::once(info).chain(exports).filter_map(Result::err).collect::<Vec<_>>()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
