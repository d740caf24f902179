//! What the program remembers, where it does so, and how it forgets; and that it waits for a recording.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::app::{Beginning, Memory, Program};
use tectum::format::OpenOptions;
use tectum::stream::StreamConfig;
use tectum::ui::{AppCommand, Command as Wish, Tell};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// A run of the program that opens a recording, does this and ends.
fn run(settings: &Path, path: &Path, wishes: &[Wish]) {
    let config = StreamConfig::with_ram_budget(64 << 20);
    let mut program = Program::new(Beginning::new(Memory::in_folder(settings), config, Arc::new(|| ())));
    program.open(path, OpenOptions::default());
    let begin = Instant::now();
    while program.session().is_none() {
        assert!(begin.elapsed() < PATIENCE, "{}: does not open", path.display());
        program.step(Instant::now());
        std::thread::sleep(Duration::from_millis(2));
    }
    program.carry_out(wishes, Instant::now());
    program.keep_everything();
}

fn forget(settings: &Path, path: Option<&Path>) -> Output {
    let path = path.map(Path::as_os_str);
    tectum([OsStr::new("forget")].into_iter().chain(path).chain([OsStr::new("--settings"), settings.as_os_str()]))
}

fn num_files(folder: &Path) -> usize {
    folder.read_dir().map_or(0, |entries| entries.count())
}

#[test]
fn what_is_forgotten_is_named_and_nothing_else_goes() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("settings");
    let [first, second] = ["a_4d_default", "a_4d_one_block"].map(|name| Fixture::load(name).root);
    let before = state_of(&first);
    let rate = Wish::App(AppCommand::Tell(Tell::Rate(Some(2.5))));
    run(&settings, &first, &[Wish::ScrubTo(3), rate.clone()]);
    run(&settings, &second, &[Wish::ScrubTo(1), rate]);
    let kept = || ["views", "given"].map(|part| num_files(&settings.join(part)));
    assert_eq!(kept(), [2, 2]);

    let output = forget(&settings, Some(&first));
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(said, "forgotten: how data was looked at, and what was said of it\n");
    assert_eq!(kept(), [1, 1], "the other one is remembered");
    let recent = std::fs::read_to_string(settings.join("recent.json")).unwrap();
    assert!(recent.contains("a_4d_default"), "that it was opened is another matter");

    let output = forget(&settings, None);
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("forgotten: all settings"));
    assert_eq!(kept(), [0, 0]);
    assert!(!settings.join("recent.json").exists() && !settings.join("settings.json").exists());
    assert_eq!(state_of(&first), before, "the recording is not concerned");

    let line = refusal(&forget(&settings, Some(Path::new("/no/such/recording"))), "nothing there");
    assert!(line.contains("/no/such/recording"), "{line}");
}

#[test]
fn to_wait_one_has_to_say_for_what() {
    let output = tectum(["--wait"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("PATH"), "{text}");
}

/// Ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A screen nobody sees, and its name; `None` where there is none to be had.
fn screen() -> Option<(Ended, String)> {
    let args = ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
    let server = Command::new("Xvfb").args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut server = Ended(server);
    let mut number = String::new();
    BufReader::new(server.0.stdout.take()?).read_line(&mut number).ok()?;
    (!number.trim().is_empty()).then(|| (server, format!(":{}", number.trim())))
}

#[cfg(target_os = "linux")]
#[test]
fn a_window_waits_for_a_recording_and_keeps_its_settings_where_it_was_told_to() {
    let Some((_server, display)) = screen() else {
        println!("no Xvfb here: skipped");
        return;
    };
    let folder = TempDir::new().unwrap();
    let (settings, path) = (folder.path().join("settings"), folder.path().join("fish"));
    let args = [path.as_os_str(), OsStr::new("--wait"), OsStr::new("--settings"), settings.as_os_str()];
    let mut window = command(args);
    window.env("DISPLAY", display).env("WINIT_UNIX_BACKEND", "x11").env_remove("WAYLAND_DISPLAY");
    window.env("HOME", folder.path().join("home")).env_remove("XDG_CONFIG_HOME");
    window.env("TECTUM_LOG", "tectum::app=info").stderr(Stdio::piped());
    let mut window = Ended(window.spawn().unwrap());
    let mut log = BufReader::new(window.0.stderr.take().unwrap()).lines();
    let is_waiting = log.by_ref().map(|line| line.unwrap()).any(|line| line.contains("waiting for a recording"));
    if !is_waiting {
        println!("no window can be opened here: skipped");
        return;
    }
    // What it says later must find a reader.
    std::thread::spawn(move || log.count());
    let source = Fixture::load("a_4d_default").root;
    std::fs::create_dir(&path).unwrap();
    for file in source.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&file, path.join(file.file_name().unwrap())).unwrap();
    }
    let recent = settings.join("recent.json");
    let begin = Instant::now();
    while !std::fs::read_to_string(&recent).is_ok_and(|text| text.contains(path.to_str().unwrap())) {
        assert!(begin.elapsed() < PATIENCE, "the recording was never opened");
        assert_eq!(window.0.try_wait().unwrap(), None, "the window stays open");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!folder.path().join("home/.config/tectum").exists(), "nothing is kept in the user's own folder");
}
