//! Work cut into tasks: whatever is killed, run twice, or run at once, the whole is what one process makes, to the byte;
//! and what does not belong together is refused.
#![allow(clippy::unwrap_used)]

mod refused;
mod same;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program, free of what the machine's own scheduler says.
fn command<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tectum"));
    for name in ["TECTUM_LOG", "SLURM_ARRAY_TASK_ID", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE"] {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// A recording, and a folder for what is made of it.
struct Room {
    folder: TempDir,
}

impl Room {
    /// With faults of all kinds, and a volume that is missing.
    fn new() -> Self {
        Self::with(&["--no-open", "--shape", "60,6,64,80", "--block", "7", "--faults"])
    }

    /// With nothing missing.
    fn whole() -> Self {
        Self::with(&["--no-open", "--shape", "60,6,64,80", "--block", "7"])
    }

    fn with(args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let demo = folder.path().join("demo");
        let output =
            command([OsStr::new("demo"), demo.as_os_str()].into_iter().chain(args.iter().map(OsStr::new))).output();
        assert!(output.unwrap().status.success());
        // What was written a moment ago is taken for a running recording.
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        for entry in demo.join("original").read_dir().unwrap() {
            let file = std::fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
            file.set_modified(old).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn source(&self) -> String {
        self.path("demo/original").to_str().unwrap().to_owned()
    }

    /// Runs the program here.
    fn tectum(&self, args: &[&str]) -> Output {
        command(args).current_dir(self.folder.path()).output().unwrap()
    }

    /// Runs it and expects that it does what it was asked for.
    fn done(&self, args: &[&str]) -> String {
        let output = self.tectum(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it and expects a refusal of one line with exit code 1; returns the line.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.tectum(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.starts_with("error: ") && text.lines().count() == 1, "{args:?}: {text}");
        text
    }

    /// Makes a plan; returns how many tasks it has.
    fn plan(&self, args: &[&str]) -> u64 {
        let all: Vec<&str> = ["plan"].iter().chain(args).copied().collect();
        let text = self.done(&all);
        std::fs::write(self.path("plan.json"), &text).unwrap();
        let plan: Value = serde_json::from_str(&text).unwrap();
        plan["tasks"].as_array().unwrap().len() as u64
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.done(&["status", "plan.json", "--json"])).unwrap()
    }

    /// Does all tasks as a bad day has it: some are killed at random moments, some are done twice at once, in no order.
    fn run_all_badly(&self, num_tasks: u64, seed: u64) {
        let mut random = seed;
        let mut next = move || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        for round in 0..4 {
            let mut children = Vec::new();
            for task in (0..num_tasks).rev().chain(0..num_tasks / 2) {
                let text = task.to_string();
                let mut run = command(["run", "plan.json", "--threads", "1", "--task", text.as_str()]);
                run.current_dir(self.folder.path()).stderr(std::process::Stdio::null());
                children.push(run.spawn().unwrap());
            }
            if round < 3 {
                std::thread::sleep(std::time::Duration::from_millis(next() % 60));
                children.iter_mut().for_each(|child| drop(child.kill()));
            }
            for mut child in children {
                let status = child.wait().unwrap();
                assert!(round < 3 || status.success(), "{status}");
            }
        }
    }
}

/// All files below a folder, or a file alone: names and contents.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![path.to_owned()];
    while let Some(next) = left.pop() {
        if next.is_dir() {
            left.extend(next.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push((next.strip_prefix(path).unwrap().to_owned(), std::fs::read(&next).unwrap()));
        }
    }
    found.sort();
    found
}
