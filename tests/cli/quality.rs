//! What `tectum qc` promises, asked of the program itself.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{Fixture, refusal, state_of, tectum};

fn json(path: &Path, args: &[&str]) -> Value {
    let path = path.to_str().unwrap();
    let output = tectum([&["qc", path, "--json", "-"], args].concat());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{path}: {text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_recording_is_measured_or_refused_in_one_line_and_left_as_it_was() {
    for fixture in Fixture::all() {
        let before = state_of(&fixture.root);
        let output = tectum(["qc", fixture.root.to_str().unwrap(), "--json", "-"]);
        if output.status.success() {
            let value: Value = serde_json::from_slice(&output.stdout).unwrap();
            let reports = value["channels"].as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
            for report in reports {
                let shape = report["dataset"]["shape"].as_array().unwrap();
                assert!(report["volumes"].as_u64().unwrap() >= 1, "{}", fixture.name);
                assert_eq!(shape.len(), 4, "{}", fixture.name);
                let of_planes = report["intensity"]["mean"].as_array().unwrap();
                assert_eq!(of_planes.len() as u64, report["volumes"].as_u64().unwrap(), "{}", fixture.name);
            }
        } else {
            refusal(&output, &fixture.name);
        }
        assert_eq!(state_of(&fixture.root), before, "{}", fixture.name);
    }
}

#[test]
fn what_is_not_there_is_named_and_never_measured() {
    let fixture = Fixture::load("i_missing_middle");
    let value = json(&fixture.root, &[]);
    assert_eq!(value["missing"][0]["t"], serde_json::json!([4, 7]));
    assert!(value["missing"][0]["file"].as_str().unwrap().ends_with("0001.h5"));
    let means = value["intensity"]["mean"].as_array().unwrap();
    for (t, planes) in means.iter().enumerate() {
        assert_eq!(planes[0].is_null(), (4..8).contains(&t), "t {t}: {planes}");
    }
    let alarms = value["alarms"].as_array().unwrap();
    let missing = alarms.iter().find(|alarm| alarm["code"] == "missing").unwrap();
    assert_eq!((&missing["severity"], &missing["t"]), (&"alarm".into(), &serde_json::json!([4, 7])));
}

#[test]
fn a_part_and_some_measures_are_all_that_is_measured() {
    let fixture = Fixture::load("a_4d_default");
    let num_t = fixture.shape()[0];
    let whole = json(&fixture.root, &[]);
    let part = json(&fixture.root, &["--t", "1:3"]);
    assert_eq!(part["usable"]["of"], 2);
    let of_t = |value: &Value, t: usize| value["intensity"]["p50"][t].clone();
    assert_eq!(of_t(&part, 1), of_t(&whole, 1));
    assert!(num_t < 4 || of_t(&part, 3).is_null() || of_t(&part, 3)[0].is_null());
    let some = json(&fixture.root, &["--only", "intensity,saturation"]);
    assert_eq!(of_t(&some, 0), of_t(&whole, 0));
    assert!(some["motion"].is_null() || some["motion"]["dy"][0].is_null());
}

#[test]
fn the_table_has_a_line_for_every_plane_of_every_timepoint() {
    let fixture = Fixture::load("a_4d_default");
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("quality.csv");
    let output = tectum(["qc", fixture.root.to_str().unwrap(), "--csv", out.to_str().unwrap()]);
    assert!(output.status.success());
    let text = std::fs::read_to_string(&out).unwrap();
    let shape = fixture.shape();
    assert_eq!(text.lines().count() as u64, 1 + shape[0] * shape[1]);
    let means: Vec<f64> = text.lines().skip(1).map(|line| line.split(',').nth(5).unwrap().parse().unwrap()).collect();
    let value = json(&fixture.root, &[]);
    let first = value["intensity"]["mean"][0][0].as_f64().unwrap();
    assert!((means[0] - first).abs() <= 1e-5 * first.abs().max(1.0), "{} {first}", means[0]);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_measured() {
    let fixture = Fixture::load("a_4d_default");
    let path = fixture.root.to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let there = folder.path().join("there.json");
    std::fs::write(&there, "mine").unwrap();
    let inside = fixture.root.join("quality.json");
    let limits = folder.path().join("limits.json");
    std::fs::write(&limits, "{\"motion\": {\"warn\": \"two\"}}").unwrap();
    for (args, word) in [
        (vec!["--json", there.to_str().unwrap()], "exists already"),
        (vec!["--json", inside.to_str().unwrap()], "recording's own folder"),
        (vec!["--json", "quality.txt"], "only .json files"),
        (vec!["--json", "-", "--csv", "-"], "stdout"),
        (vec!["--limits", limits.to_str().unwrap()], "limits.json"),
        (vec!["--limits", "no/such/limits.json"], "no/such/limits.json"),
        (vec!["--t", "100000:"], "timepoints"),
    ] {
        let output = tectum([&["qc", path], &args[..]].concat());
        let line = refusal(&output, word);
        assert!(line.contains(word), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    assert!(!inside.exists());
    for args in [["--only", "sharpness"], ["--t", "5:2"]] {
        assert_eq!(tectum([&["qc", path], &args[..]].concat()).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn the_exit_code_tells_of_what_is_worse_than_asked_for() {
    let folder = TempDir::new().unwrap();
    let fixture = Fixture::load("a_4d_default");
    let path = fixture.root.to_str().unwrap();
    let code = |limits: &str, fail_on: &str| {
        let file = folder.path().join("limits.json");
        std::fs::write(&file, limits).unwrap();
        let args = ["qc", path, "--limits", file.to_str().unwrap(), "--fail-on", fail_on];
        tectum(args).status.code()
    };
    let too_dark = r#"{"underexposed": {"warn": 1e9, "alarm": 1e9}}"#;
    let moves = r#"{"underexposed": {"warn": null, "alarm": null}, "dvars": {"warn": 1e-6, "alarm": null}}"#;
    assert_eq!((code(too_dark, "warn"), code(too_dark, "alarm")), (Some(3), Some(3)));
    assert_eq!((code(moves, "warn"), code(moves, "alarm")), (Some(3), Some(0)));
}
