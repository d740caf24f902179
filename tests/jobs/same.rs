//! What tasks make is what one process makes.

use super::*;

/// A report without what depends on when and how it was made.
fn timeless(path: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let provenance = report["provenance"].as_object_mut().unwrap();
    provenance.remove("made_s");
    provenance["read"].as_object_mut().unwrap().remove("seconds");
    report
}

/// Where two reports differ.
fn differences(a: &Value, b: &Value, path: &str) -> Vec<String> {
    match (a, b) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().flat_map(|name| differences(&a[name], &b[name], &format!("{path}/{name}"))).collect()
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.flat_map(|(i, (a, b))| differences(a, b, &format!("{path}/{i}"))).collect()
        }
        _ if a == b => Vec::new(),
        _ => vec![format!("{path}: {a}, {b}")],
    }
}

fn assert_same_report(a: &Path, b: &Path) {
    let found = differences(&timeless(a), &timeless(b), "");
    assert!(found.is_empty(), "{} differences, such as {:?}", found.len(), &found[..found.len().min(5)]);
}

#[test]
fn quality_by_tasks_is_quality_in_one_go() {
    let room = Room::new();
    let source = room.source();
    let single = ["qc", &source, "--json", "one.json", "--csv", "one.csv", "--html", "one.html"];
    room.done(&single);
    for (tasks, seed) in [("1", 1), ("4", 2), ("100", 3)] {
        let (json, csv) = (format!("{tasks}.json"), format!("{tasks}.csv"));
        let num = room.plan(&["qc", &source, "-o", &json, "-o", &csv, "--tasks", tasks]);
        assert!((1..=60).contains(&num), "{num}");
        room.run_all_badly(num.min(12), seed);
        let rest = room.done(&["status", "plan.json", "--missing"]);
        if !rest.trim().is_empty() {
            room.done(&["run", "plan.json", "--tasks", rest.trim()]);
        }
        let said = room.done(&["merge", "plan.json"]);
        assert!(said.contains("usable"), "{said}");
        assert_same_report(&room.path(&json), &room.path("one.json"));
        assert!(contents(&room.path(&csv)) == contents(&room.path("one.csv")), "{tasks} tasks");
        assert!(!room.path(&format!("{json}.part")).exists(), "nothing is left");
        // What comes late is told that nothing is left to do.
        room.done(&["run", "plan.json", "--task", "0"]);
        room.done(&["merge", "plan.json"]);
    }
}

#[test]
fn a_part_and_some_measures_are_measured_alike() {
    let room = Room::new();
    let source = room.source();
    room.done(&["qc", &source, "--json", "one.json", "--t", "5:31", "--only", "motion,dvars,noise"]);
    let only = ["qc", &source, "-o", "a.json", "--tasks", "3", "--t", "5:31", "--only", "motion,dvars,noise"];
    let num = room.plan(&only);
    (0..num).for_each(|task| drop(room.done(&["run", "plan.json", "--task", &format!("{task}/{num}")])));
    room.done(&["merge", "plan.json"]);
    assert_same_report(&room.path("a.json"), &room.path("one.json"));
}

#[test]
fn the_exit_code_of_a_merge_tells_what_was_asked_for() {
    let room = Room::new();
    let num = room.plan(&["qc", &room.source(), "-o", "a.html", "--tasks", "2", "--fail-on", "alarm"]);
    room.done(&["run", "plan.json", "--tasks", &format!("0-{}", num - 1)]);
    assert_eq!(room.tectum(&["merge", "plan.json"]).status.code(), Some(3), "the demo's faults are alarms");
    assert!(room.path("a.html").exists());
}

#[test]
fn status_tells_what_is_done_and_what_is_missing() {
    let room = Room::new();
    assert_eq!(room.plan(&["qc", &room.source(), "-o", "a.json", "--tasks", "5"]), 5);
    assert_eq!(room.done(&["status", "plan.json", "--missing"]), "0-4\n");
    room.done(&["run", "plan.json", "--tasks", "1,3"]);
    let status = room.status();
    assert_eq!((&status["done"], &status["missing"]), (&"1,3".into(), &"0,2,4".into()), "{status}");
    assert_eq!(status["pieces"], serde_json::json!([2, 5]));
    assert!(room.refused(&["merge", "plan.json"]).contains("--array=0,2,4"));
    // Slurm names the task by its environment.
    let run = command(["run", "plan.json"]).current_dir(room.folder.path()).env("SLURM_ARRAY_TASK_ID", "4").output();
    let lines = String::from_utf8(run.unwrap().stderr).unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "piece" && event["task"] == 4), "{lines}");
    room.done(&["run", "plan.json", "--tasks", "0-4"]);
    assert_eq!(room.status()["missing"], "");
    room.done(&["merge", "plan.json"]);
    assert_eq!(room.status()["is_merged"], true);
}

#[test]
fn a_conversion_by_tasks_is_a_conversion_in_one_go() {
    let room = Room::whole();
    let source = room.source();
    room.done(&["convert", &source, "-o", "one.npy"]);
    let num = room.plan(&["convert", &source, "-o", "a.npy", "--tasks", "1"]);
    room.run_all_badly(num, 7);
    room.done(&["merge", "plan.json", "--validate", "all"]);
    assert!(contents(&room.path("a.npy")) == contents(&room.path("one.npy")));
    assert!(!room.path("a.npy.part").exists());
}

#[test]
fn an_ome_zarr_by_tasks_is_one_in_one_go() {
    let room = Room::whole();
    let source = room.source();
    let chunks = ["--chunk-shape", "4,6,32,40", "--shard-shape", "4,6,64,80", "--levels", "2"];
    room.done(&[&["convert", &source, "-o", "one.ome.zarr"], &chunks[..]].concat());
    for (tasks, seed) in [("3", 1), ("8", 2)] {
        let out = format!("{tasks}.ome.zarr");
        let num = room.plan(&[&["convert", &source, "-o", &out, "--tasks", tasks], &chunks[..]].concat());
        assert_eq!(num.to_string(), tasks);
        room.run_all_badly(num, seed);
        let said = room.done(&["merge", "plan.json", "--validate", "3"]);
        assert_eq!(said, "", "{tasks} tasks");
        assert!(contents(&room.path(&out)) == contents(&room.path("one.ome.zarr")), "{tasks} tasks");
        assert!(!room.path(&format!("{out}.part")).exists());
        room.done(&["run", "plan.json", "--task", "0"]);
    }
}

#[test]
fn a_split_dataset_by_tasks_is_one_in_one_go() {
    let room = Room::whole();
    let source = room.source();
    room.done(&["split", &source, "-o", "one", "--block", "t=11"]);
    let num = room.plan(&["split", &source, "-o", "many", "--block", "t=11", "--tasks", "4"]);
    assert_eq!(num, 4);
    room.run_all_badly(num, 5);
    room.done(&["merge", "plan.json", "--validate", "all"]);
    assert!(contents(&room.path("many")) == contents(&room.path("one")));
    assert!(room.path("many/0005.h5").exists() && !room.path("many.part").exists());
}
