//! What does not belong together, and what a cluster cannot do, is refused in a sentence.

use super::*;

#[test]
fn a_recording_that_has_changed_is_named() {
    let room = Room::new();
    room.plan(&["qc", &room.source(), "-o", "a.json", "--tasks", "3"]);
    room.done(&["run", "plan.json", "--task", "0"]);
    let block = room.path("demo/original/0003.h5");
    let file = std::fs::File::options().append(true).open(&block).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    for args in [&["run", "plan.json", "--task", "1"][..], &["merge", "plan.json"]] {
        let line = room.refused(args);
        let is_named = line.contains("0003.h5") && line.contains("has changed");
        assert!(is_named || line.contains("--array="), "{line}");
    }
    std::fs::remove_file(&block).unwrap();
    let line = room.refused(&["run", "plan.json", "--task", "1"]);
    assert!(line.contains("0003.h5") && line.contains("gone"), "{line}");
}

#[test]
fn an_array_that_operations_name_is_watched_and_kept_as_the_recording_is() {
    let room = Room::whole();
    let convert = |out: &str, op: &str| {
        let source = room.source();
        ["convert", &source, "-o", out, "--op", op].map(str::to_owned)
    };
    let cut = ["--tasks", "2", "--chunk-shape", "5,6,64,80", "--shard-shape", "10,6,64,80"];
    let all = |words: [String; 6]| words.into_iter().chain(cut.map(str::to_owned)).collect::<Vec<_>>();
    room.done(&["export", &room.source(), "-o", "gain.npy", "--select", "0, 0, 0"]);
    let args = all(convert("out.zarr", "multiply @gain.npy over x"));
    room.plan(&args.iter().map(String::as_str).collect::<Vec<_>>());
    room.done(&["run", "plan.json", "--task", "0"]);
    // The plan is followed from another folder.
    let output = command(["run", room.path("plan.json").to_str().unwrap(), "--task", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    room.done(&["export", &room.source(), "-o", "gain.npy", "--force", "--select", "1, 0, 0"]);
    let line = room.refused(&["merge", "plan.json"]);
    assert!(line.contains("gain.npy") && line.contains("has changed"), "{line}");

    std::fs::create_dir(room.path("other")).unwrap();
    for entry in room.path("demo/original").read_dir().unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), room.path("other").join(entry.file_name())).unwrap();
    }
    for command in ["plan", "now"] {
        let words = convert("other/out.zarr", "add @other");
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if command == "plan" {
            words.insert(0, "plan");
            words.extend(["--tasks", "1"]);
        }
        assert!(room.refused(&words).contains("never written to"));
    }
    let source = room.source();
    let line = room.refused(&["export", &source, "-o", "other/out.npy", "--op", "add @other | max over t"]);
    assert!(line.contains("never written to"), "{line}");
}

#[test]
fn a_task_that_does_not_exist_and_none_at_all_are_refused() {
    let room = Room::new();
    room.plan(&["qc", &room.source(), "-o", "a.json", "--tasks", "3"]);
    assert!(room.refused(&["run", "plan.json", "--task", "3"]).contains("no task 3"));
    assert!(room.refused(&["run", "plan.json", "--tasks", "0,99999999999999"]).contains("no task"));
    assert!(room.refused(&["run", "plan.json", "--task", "4/3"]).contains("no share"));
    assert!(room.refused(&["run", "plan.json"]).contains("say which task"));
    assert!(room.refused(&["run", "no-plan.json", "--task", "0"]).contains("no-plan.json"));
}

#[test]
fn another_version_another_plan_and_lost_pieces_are_refused() {
    let room = Room::new();
    room.plan(&["qc", &room.source(), "-o", "a.json", "--tasks", "4"]);
    let text = std::fs::read_to_string(room.path("plan.json")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(room.path("other.json"), text.replacen(from, to, 1)).unwrap();
        room.refused(&["run", "other.json", "--task", "0"])
    };
    assert!(with("\"tectum_plan\": 1", "\"tectum_plan\": 2").contains("version 2"));
    let version = format!("\"program\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(with(&version, "\"program\": \"0.0.1\"").contains("0.0.1"));
    assert!(with("\"piece_t\": 15", "\"piece_t\": 5").contains("another plan"));
    assert!(with("[1,2],", "").contains("piece 1 belongs to none"));
    assert!(with("[1,2],", "[1,9],").contains("no range"));
    let num = serde_json::from_str::<serde_json::Value>(&text).unwrap()["num_pieces"].as_u64().unwrap();
    let pieces = format!("\"num_pieces\": {num}");
    assert!(with(&pieces, "\"num_pieces\": 99999999999999").contains("where its work has"));
    assert!(with("{", "").contains("is no plan"));
    std::fs::write(room.path("other.json"), "{\"a\": 3}").unwrap();
    assert!(room.refused(&["merge", "other.json"]).contains("tectum plan"));
    // Tasks may be cut in another way, and limits be changed.
    let edited =
        text.replacen("[0,1],", "[0,2],", 1).replacen("[1,2],", "", 1).replacen("\"warn\": 2.0", "\"warn\": 1.5", 1);
    std::fs::write(room.path("plan.json"), edited).unwrap();
    room.done(&["run", "plan.json", "--tasks", "0-2"]);
    room.done(&["merge", "plan.json"]);
}

#[test]
fn what_is_damaged_between_tasks_and_merge_is_found() {
    let room = Room::new();
    room.plan(&["qc", &room.source(), "-o", "a.json", "--tasks", "2"]);
    room.done(&["run", "plan.json", "--tasks", "0-1"]);
    let piece = room.path("a.json.part/data/000000/000000001.quality");
    let mut bytes = std::fs::read(&piece).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&piece, bytes).unwrap();
    let line = room.refused(&["merge", "plan.json"]);
    assert!(line.contains("000000001.quality") && line.contains("not what was recorded"), "{line}");
    assert!(!room.path("a.json").exists());
}

#[test]
fn one_file_is_never_the_target_of_more_than_one_task() {
    let room = Room::new();
    let line = room.refused(&["plan", "convert", &room.source(), "-o", "a.npy", "--tasks", "2"]);
    assert!(line.contains("one file is never the target of more than one task"), "{line}");
    assert!(!room.path("a.npy.part").exists());
    let inside = format!("{}/a.json", room.source());
    assert!(room.refused(&["plan", "qc", &room.source(), "-o", &inside, "--tasks", "2"]).contains("own folder"));
    assert!(room.refused(&["plan", "qc", &room.source(), "--tasks", "2"]).contains("which report"));
}

#[test]
fn memory_that_a_job_does_not_have_is_asked_for_before_it_is_taken() {
    let room = Room::new();
    room.plan(&["convert", &room.source(), "-o", "a.npy", "--tasks", "1"]);
    let line = room.refused(&["run", "plan.json", "--task", "0", "--memory", "10"]);
    assert!(line.contains("MB of memory") && line.contains("10 MB"), "{line}");
}

#[test]
fn the_lines_for_an_engine_hold_the_command_they_were_asked_for() {
    let room = Room::new();
    let args = ["plan", "qc", "no recording", "-o", "a.json", "--tasks", "24", "--emit"];
    for (engine, has) in
        [("slurm", "sbatch"), ("snakemake", "rule run"), ("nextflow", "workflow"), ("dask", "client.map")]
    {
        let all: Vec<&str> = args.into_iter().chain([engine]).collect();
        let text = room.done(&all);
        let command = "tectum plan qc 'no recording' -o a.json --tasks 24";
        assert!(text.contains(has) && text.contains(command), "{text}");
    }
    assert!(
        room.tectum(&["plan", "qc", "x", "-o", "a.json", "--tasks", "2", "--emit", "pbs"]).status.code() == Some(2)
    );
}
