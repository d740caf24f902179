//! The app without a window of the system: a real renderer off screen, a real stream, real files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::app::memory::Given;
use crate::render::{self, GpuConfig, OffscreenTarget};
use crate::ui::{Mode, Theme};
use crate::volume::Colormap;

struct Stage {
    ctx: egui::Context,
    target: OffscreenTarget,
    app: TectumApp,
    events: Vec<egui::Event>,
}

impl Stage {
    /// A run of the program with its settings in a folder.
    fn new(settings: &Path) -> Self {
        let target = OffscreenTarget::new(900, 600, 1.0).unwrap();
        let renderer = render::install(target.render_state(), GpuConfig::default());
        let ctx = egui::Context::default();
        let memory = Memory::in_folder(settings);
        let beginning = Beginning {
            preferences: memory.preferences(),
            recent: Recent::load(&memory),
            memory,
            notes: Notes::default(),
            job: None,
        };
        let config = StreamConfig::with_ram_budget(64 << 20);
        let app = TectumApp::new(&ctx, renderer, Wake::default(), config, beginning, None);
        Self { ctx, target, app, events: Vec::new() }
    }

    /// A frame of a window that is seen.
    fn frame(&mut self) {
        let now = Instant::now();
        let mut input = self.target.raw_input(now.duration_since(self.app.start).as_secs_f64());
        input.events = std::mem::take(&mut self.events);
        let (ctx, app) = (&self.ctx, &mut self.app);
        let output = ctx.run_ui(input, |ui| {
            app.step(ui.ctx(), now);
            app.frame(ui, now);
        });
        self.target.advance(&self.ctx, output);
    }

    /// What happens instead while it is minimised.
    fn hidden(&mut self) {
        self.app.step(&self.ctx, Instant::now());
    }

    fn until(&mut self, step: fn(&mut Self), what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            step(self);
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn open(&mut self, path: &Path) {
        self.app.open(path, OpenOptions::default());
        self.until(Self::frame, "it opens", |stage| !matches!(stage.app.activity, Activity::Opening(_)));
        self.frame();
    }

    fn session(&mut self) -> &mut Session {
        self.app.session.as_mut().expect("a recording is open")
    }

    fn apply(&mut self, command: &Command) {
        let (_, for_app) = self.app.carry_out_in_session(std::slice::from_ref(command), Instant::now());
        let ctx = self.ctx.clone();
        for command in for_app {
            self.app.carry_out(&ctx, command);
        }
        self.frame();
    }

    fn error(&self) -> &str {
        match &self.app.activity {
            Activity::Failed(failure) => &failure.error.message,
            _ => panic!("nothing failed"),
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name).join("data")
}

/// A copy of a fixture's files whose names pass.
fn copy(name: &str, to: &Path, wanted: impl Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        if wanted(&entry.file_name().to_string_lossy()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Names and bytes of all files of a folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_failed_opening_leaves_the_open_recording_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(&root.path().join("settings"));
    stage.open(&fixture("a_4d_default"));
    stage.apply(&Command::ScrubTo(2));
    stage.open(&root.path().join("no/such/folder"));
    assert_eq!(stage.error(), "no such file or folder");
    assert_eq!(stage.session().view.t, 2, "it is open as it was");
    assert_eq!(stage.session().view.overlay, Some(Overlay::NotOpened), "and the error lies over it");
    // Esc takes the error away, and nothing else.
    let key = egui::Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: egui::Modifiers::NONE,
    };
    stage.events.push(key);
    stage.frame();
    stage.frame();
    assert!(matches!(stage.app.activity, Activity::Idle));
    assert_eq!((stage.session().view.t, stage.session().view.overlay), (2, None));
    // A folder without a recording is no reason to lose it either, nor is waiting there.
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    stage.open(&empty);
    stage.apply(&Command::WaitForRecording);
    assert!(matches!(stage.app.activity, Activity::Waiting(_)));
    stage.apply(&Command::CancelOpening);
    assert_eq!((stage.session().view.t, stage.session().view.overlay), (2, None));
}

#[test]
fn a_wrong_folder_is_explained_and_waited_for_only_if_asked() {
    let root = tempfile::tempdir().unwrap();
    let day = root.path().join("day");
    copy("a_4d_default", &day.join("fish1/exp/original"), |_| true);
    std::fs::write(day.join("plan.txt"), b"").unwrap();
    let mut stage = Stage::new(&root.path().join("settings"));
    stage.open(&day);
    assert!(stage.error().starts_with("no recording here"), "{}", stage.error());
    stage.until(Stage::frame, "the search ends", |stage| match &stage.app.activity {
        Activity::Failed(failure) => failure.show(|error| !error.is_searching),
        _ => panic!("waits unasked"),
    });
    let found = match &stage.app.activity {
        Activity::Failed(failure) => failure.show(|error| {
            assert_eq!(error.there, Some("It holds 1 folder, 1 .txt file."));
            assert!(error.can_wait);
            error.found.to_vec()
        }),
        _ => panic!("failed"),
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, day.join("fish1/exp/original"));
    let ctx = stage.ctx.clone();
    stage.app.carry_out(&ctx, AppCommand::WaitForRecording);
    stage.frame();
    assert!(matches!(stage.app.activity, Activity::Waiting(_)));
    copy("a_4d_default", &day, |name| name != "stack_metadata.json");
    stage.until(Stage::frame, "it appears", |stage| stage.app.session.is_some());
    assert!(matches!(stage.app.activity, Activity::Idle));
}

#[test]
fn a_hidden_window_opens_follows_and_plays() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    copy("a_4d_default", &live, |name| name == "0000.h5");
    let mut stage = Stage::new(&root.path().join("settings"));
    stage.app.open(&live, OpenOptions::default());
    stage.until(Stage::hidden, "it opens", |stage| stage.app.session.is_some());
    let num_t = stage.session().info().shape[0];
    let now = Instant::now();
    stage.session().apply(&Command::ToggleFollow, now, 0.0);
    copy("a_4d_default", &live, |name| name == "0001.h5");
    stage.until(Stage::hidden, "the new block is followed", |stage| {
        let session = stage.app.session.as_ref().unwrap();
        session.info().shape[0] > num_t && session.view.t + 1 == session.info().shape[0]
    });
    stage.session().apply(&Command::ScrubTo(0), now, 0.0);
    stage.session().apply(&Command::TogglePlay, now, 0.0);
    stage.until(Stage::hidden, "it plays on", |stage| stage.app.session.as_ref().unwrap().view.t >= 2);
    // Seen again, it shows the picture of where it is.
    stage.session().apply(&Command::StopPlay, now, 0.0);
    stage.until(Stage::frame, "the picture is there", |stage| stage.app.session.as_ref().unwrap().is_settled());
}

#[test]
fn a_recording_opens_as_it_was_left_and_can_be_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |_| true);
    let before = contents(&fish);
    let mut stage = Stage::new(&settings);
    stage.open(&fish);
    let default_depth = stage.session().view.depth;
    for command in [
        Command::ScrubTo(3),
        Command::DepthTo(0),
        Command::SetMode(Mode::Projection),
        Command::SetLimits([12.5, 80.25]),
        Command::SetColormap(Colormap::Gray),
        Command::ToggleTheme,
    ] {
        stage.apply(&command);
    }
    let left = stage.session().view.to_keep();
    stage.app.keep_everything();
    // The next run: another recording has the preferences only, this one all.
    let mut stage = Stage::new(&settings);
    assert_eq!(stage.app.preferences.view.theme, Theme::Light);
    stage.open(&fixture("a_4d_one_block"));
    let view = stage.session().view.clone();
    assert_eq!((view.t, view.mode, view.theme, view.colormap), (0, Mode::Plane, Theme::Light, Colormap::Gray));
    stage.open(&fish);
    assert_eq!(stage.session().view.to_keep(), left);
    // It is the same recording wherever it has been moved to.
    let moved = root.path().join("archive/fish1");
    std::fs::create_dir(root.path().join("archive")).unwrap();
    std::fs::rename(&fish, &moved).unwrap();
    stage.open(&moved);
    assert_eq!(stage.session().view.to_keep(), left);
    assert_eq!(contents(&moved).len(), before.len(), "nothing is written beside it");
    // Forgotten, it opens as for the first time, now and in the next run.
    stage.apply(&Command::Forget(Forget::Recording));
    stage.until(Stage::frame, "it opens again", |stage| matches!(stage.app.activity, Activity::Idle));
    assert_eq!((stage.session().view.t, stage.session().view.depth), (0, default_depth));
    stage.app.keep_everything();
    let mut stage = Stage::new(&settings);
    stage.open(&moved);
    assert_eq!((stage.session().view.t, stage.session().view.mode), (0, Mode::Plane));
}

#[test]
fn another_recording_in_the_same_place_is_another_recording() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |_| true);
    let mut stage = Stage::new(&settings);
    stage.open(&fish);
    stage.apply(&Command::ScrubTo(3));
    stage.app.keep_everything();
    std::fs::remove_dir_all(&fish).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    copy("a_4d_default", &fish, |_| true);
    let mut stage = Stage::new(&settings);
    stage.open(&fish);
    assert_eq!(stage.session().view.t, 0);
}

#[test]
fn what_is_said_of_a_recording_is_used_remembered_and_taken_back() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |name| name != "stack_metadata.json");
    let before = contents(&fish);
    let mut stage = Stage::new(&settings);
    stage.open(&fish);
    let shape = stage.session().info().shape;
    assert_eq!((stage.session().info().voxel_size, stage.session().info().rate_hz), (None, None));
    stage.apply(&Command::Tell(Tell::VoxelSize(Some([5.0, 0.6, 0.7]))));
    stage.apply(&Command::Tell(Tell::Rate(Some(2.5))));
    let info = *stage.session().info();
    assert_eq!(info.voxel_size.map(|size| [size.z_um, size.y_um, size.x_um]), Some([5.0, 0.6, 0.7]));
    assert_eq!(info.rate_hz, Some(2.5));
    stage.apply(&Command::Tell(Tell::Axes(Some("ztyx".into()))));
    stage.until(Stage::frame, "it opens again", |stage| matches!(stage.app.activity, Activity::Idle));
    let swapped = [shape[1], shape[0], shape[2], shape[3]];
    assert_eq!(stage.session().info().shape, swapped);
    stage.app.keep_everything();
    // The next run knows it all.
    let mut stage = Stage::new(&settings);
    stage.open(&fish);
    let info = *stage.session().info();
    assert_eq!((info.shape, info.rate_hz), (swapped, Some(2.5)));
    assert!(info.voxel_size.is_some());
    for tell in [Tell::VoxelSize(None), Tell::Rate(None), Tell::Axes(None)] {
        stage.apply(&Command::Tell(tell));
    }
    stage.until(Stage::frame, "it opens again", |stage| matches!(stage.app.activity, Activity::Idle));
    let info = *stage.session().info();
    assert_eq!((info.shape, info.voxel_size, info.rate_hz), (shape, None, None));
    assert_eq!(stage.session().given(), &Given::default());
    assert_eq!(contents(&fish), before, "the recording is untouched");
}
