//! The program without a window: real streams, real files, and nothing drawn.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::app::effects::PathField;
use crate::app::memory::Given;
use crate::app::saving::Writing;
use crate::app::stage::{PATIENCE, contents, copy, fixture, no_wake};
use crate::demo::BlockWriter;
use crate::live::LiveState;
use crate::qc::Code;
use crate::ui::{AppCommand, Command, Forget, Leave, Mode, SessionCommand, Shown, Tell, Theme};
use crate::volume::Colormap;

pub(super) struct Run {
    pub program: Program,
    pub effects: Vec<Effect>,
}

impl Run {
    /// A run of the program with its settings in a folder.
    pub fn new(settings: &Path) -> Self {
        let config = StreamConfig::with_ram_budget(64 << 20);
        let program = Program::new(Beginning::new(Memory::in_folder(settings), config, no_wake()));
        Self { program, effects: Vec::new() }
    }

    pub fn step(&mut self) {
        self.program.step(Instant::now());
        self.effects.append(&mut self.program.drain_effects());
    }

    pub fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            self.step();
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    pub fn open(&mut self, path: &Path) {
        self.program.open(path, OpenOptions::default());
        self.until("it opens", |run| !matches!(run.program.activity, Activity::Opening(_)));
    }

    pub fn session(&self) -> &Session {
        self.program.session().expect("a recording is open")
    }

    /// Carries out a command; returns whether the view changed.
    pub fn apply(&mut self, command: Command) -> bool {
        let changed = self.program.carry_out(&[command], Instant::now());
        self.step();
        changed
    }

    fn error(&self) -> &str {
        match &self.program.activity {
            Activity::Failed(failure) => &failure.error.message,
            _ => panic!("nothing failed"),
        }
    }
}

/// How many timepoints are usable, of all of a recording that has been measured.
fn usable(run: &Run) -> Option<usize> {
    let quality = run.session().quality()?;
    let usable = quality.verdict.usable;
    (usable.measured > 0 && usable.measured == usable.of).then_some(usable.volumes)
}

#[test]
fn a_recording_is_measured_and_another_limit_is_another_verdict_in_every_run() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(root.path());
    run.open(&fixture("a_4d_default"));
    run.until("it is measured", |run| usable(run).is_some());
    let num_t = run.session().info().shape[0];
    // Nothing is saturated, and that is too much.
    let command = AppCommand::SetLimit { code: Code::Saturation, is_alarm: true, value: Some(-1.0) };
    run.apply(Command::App(command));
    run.until("it is judged anew", |run| usable(run) == Some(0));
    run.apply(Command::ScrubTo(num_t - 1));
    run.apply(Command::Session(SessionCommand::GoToAlarm { is_next: true }));
    assert_eq!(run.session().view.cursor.t, 0, "where the alarm begins");
    run.until("the title tells it", |run| run.program.title.starts_with('■'));
    run.apply(Command::App(AppCommand::SaveLimits("strict".to_owned())));
    run.program.keep_everything();

    let mut run = Run::new(root.path());
    run.open(&fixture("a_4d_default"));
    run.until("it is judged by the limits of the run before", |run| usable(run) == Some(0));
    let quality = run.session().quality().expect("it is measured");
    assert_eq!((quality.limits_name, quality.limits_are_changed), ("strict", false));
    run.apply(Command::App(AppCommand::ChooseLimits("default".to_owned())));
    run.until("by the usual limits that alarm is none", |run| {
        let alarms = run.session().quality().map(|quality| quality.verdict.alarms.iter());
        alarms.is_some_and(|mut alarms| alarms.all(|alarm| alarm.code != Code::Saturation))
    });
}

#[test]
fn a_failed_opening_leaves_the_open_recording_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&fixture("a_4d_default"));
    run.apply(Command::ScrubTo(2));
    run.open(&root.path().join("no/such/folder"));
    assert_eq!(run.error(), "no such file or folder");
    assert_eq!(run.session().view.cursor.t, 2, "it is open as it was");
    assert_eq!(run.session().view.panels.overlay, Some(Overlay::NotOpened), "and the error lies over it");
    let keep = |effect: &Effect| matches!(effect, Effect::PathField(PathField::Keep(path)) if path.ends_with("folder"));
    assert!(run.effects.iter().any(keep), "what was typed can be mended");
    // Taking the message away changes nothing else.
    run.apply(Command::CloseOverlay);
    assert!(matches!(run.program.activity, Activity::Idle));
    assert_eq!((run.session().view.cursor.t, run.session().view.panels.overlay), (2, None));
    // A folder without a recording is no reason to lose it either, nor is waiting there.
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    run.open(&empty);
    run.apply(Command::App(AppCommand::WaitForRecording));
    assert!(matches!(run.program.activity, Activity::Waiting(_)));
    run.apply(Command::App(AppCommand::CancelOpening));
    assert_eq!((run.session().view.cursor.t, run.session().view.panels.overlay), (2, None));
}

#[test]
fn a_wrong_folder_is_explained_and_waited_for_only_if_asked() {
    let root = tempfile::tempdir().unwrap();
    let day = root.path().join("day");
    copy("a_4d_default", &day.join("fish1/exp/original"), |_| true);
    std::fs::write(day.join("plan.txt"), b"").unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&day);
    assert!(run.error().starts_with("no recording here"), "{}", run.error());
    run.until("the search ends", |run| match &run.program.activity {
        Activity::Failed(failure) => failure.show(|error| !error.is_searching),
        _ => panic!("waits unasked"),
    });
    let found = match &run.program.activity {
        Activity::Failed(failure) => failure.show(|error| {
            assert_eq!(error.there, Some("It holds 1 folder, 1 .txt file."));
            assert!(error.can_wait);
            error.found.to_vec()
        }),
        _ => panic!("failed"),
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].location, day.join("fish1/exp/original").into());
    run.apply(Command::App(AppCommand::WaitForRecording));
    assert!(matches!(run.program.activity, Activity::Waiting(_)));
    copy("a_4d_default", &day, |name| name != "stack_metadata.json");
    run.until("it appears", |run| run.program.session.is_some());
    assert!(matches!(run.program.activity, Activity::Idle));
}

#[test]
fn a_hidden_window_opens_follows_and_plays() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    copy("a_4d_default", &live, |name| name == "0000.h5");
    let mut run = Run::new(&root.path().join("settings"));
    run.program.open(&live, OpenOptions::default());
    run.until("it opens", |run| run.program.session.is_some());
    let num_t = run.session().info().shape[0];
    run.apply(Command::ToggleFollow);
    copy("a_4d_default", &live, |name| name == "0001.h5");
    run.until("the new block is followed", |run| {
        let session = run.session();
        session.info().shape[0] > num_t && session.view.cursor.t + 1 == session.info().shape[0]
    });
    run.apply(Command::ScrubTo(0));
    run.apply(Command::TogglePlay);
    run.until("it plays on", |run| run.session().view.cursor.t >= 2);
    // And knows the picture of where it is.
    run.apply(Command::StopPlay);
    run.until("the picture is there", |run| run.session().is_settled());
}

#[test]
fn a_recording_opens_as_it_was_left_and_can_be_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |_| true);
    let before = contents(&fish);
    let mut run = Run::new(&settings);
    run.open(&fish);
    let fresh = run.session().view.cursor;
    for command in [
        Command::ScrubTo(3),
        Command::DepthTo(0),
        Command::SetMode(Mode::Projection),
        Command::SetLimits([12.5, 80.25]),
        Command::SetColormap(Colormap::Gray),
        Command::ToggleTheme,
    ] {
        run.apply(command);
    }
    let left = run.session().view.to_keep();
    run.program.keep_everything();
    // The next run: another recording has the preferences only, this one all.
    let mut run = Run::new(&settings);
    assert_eq!(run.program.preferences.view.panels.theme, Theme::Light);
    run.open(&fixture("a_4d_one_block"));
    let view = run.session().view.clone();
    assert_eq!(
        (view.cursor.t, view.views[0].mode, view.panels.theme, view.layers[0].colormap),
        (0, Mode::Plane, Theme::Light, Colormap::Gray)
    );
    run.open(&fish);
    assert_eq!(run.session().view.to_keep(), left);
    // It is the same recording wherever it has been moved to.
    let moved = root.path().join("archive/fish1");
    std::fs::create_dir(root.path().join("archive")).unwrap();
    std::fs::rename(&fish, &moved).unwrap();
    run.open(&moved);
    assert_eq!(run.session().view.to_keep(), left);
    assert_eq!(contents(&moved).len(), before.len(), "nothing is written beside it");
    // Forgotten, it opens as for the first time, now and in the next run.
    run.apply(Command::App(AppCommand::Forget(Forget::Recording)));
    run.until("it opens again", |run| matches!(run.program.activity, Activity::Idle));
    assert_eq!(run.session().view.cursor, fresh);
    run.program.keep_everything();
    let mut run = Run::new(&settings);
    run.open(&moved);
    assert_eq!((run.session().view.cursor.t, run.session().view.views[0].mode), (0, Mode::Plane));
}

#[test]
fn another_recording_in_the_same_place_is_another_recording() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |_| true);
    let mut run = Run::new(&settings);
    run.open(&fish);
    run.apply(Command::ScrubTo(3));
    run.program.keep_everything();
    std::fs::remove_dir_all(&fish).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    copy("a_4d_default", &fish, |_| true);
    let mut run = Run::new(&settings);
    run.open(&fish);
    assert_eq!(run.session().view.cursor.t, 0);
}

#[test]
fn what_is_said_of_a_recording_is_used_remembered_and_taken_back() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish1"));
    copy("a_4d_default", &fish, |name| name != "stack_metadata.json");
    let before = contents(&fish);
    let mut run = Run::new(&settings);
    run.open(&fish);
    let shape = run.session().info().shape;
    assert_eq!((run.session().info().voxel_size, run.session().info().rate_hz), (None, None));
    run.apply(Command::App(AppCommand::Tell(Tell::VoxelSize(Some([5.0, 0.6, 0.7])))));
    run.apply(Command::App(AppCommand::Tell(Tell::Rate(Some(2.5)))));
    let info = *run.session().info();
    assert_eq!(info.voxel_size.map(|size| size.edges()), Some([5.0, 0.6, 0.7]));
    assert_eq!(info.rate_hz, Some(2.5));
    run.apply(Command::App(AppCommand::Tell(Tell::Axes(Some("ztyx".into())))));
    run.until("it opens again", |run| matches!(run.program.activity, Activity::Idle));
    let swapped = [shape[1], shape[0], shape[2], shape[3]];
    assert_eq!(run.session().info().shape, swapped);
    run.program.keep_everything();
    // The next run knows it all.
    let mut run = Run::new(&settings);
    run.open(&fish);
    let info = *run.session().info();
    assert_eq!((info.shape, info.rate_hz), (swapped, Some(2.5)));
    assert!(info.voxel_size.is_some());
    for tell in [Tell::VoxelSize(None), Tell::Rate(None), Tell::Axes(None)] {
        run.apply(Command::App(AppCommand::Tell(tell)));
    }
    run.until("it opens again", |run| matches!(run.program.activity, Activity::Idle));
    let info = *run.session().info();
    assert_eq!((info.shape, info.voxel_size, info.rate_hz), (shape, None, None));
    assert_eq!(run.session().given(), &Given::default());
    assert_eq!(contents(&fish), before, "the recording is untouched");
}

const VOLUME: [usize; 3] = [2, 8, 9];
const LEN: usize = 2;

/// Writes a block in which every voxel has this value.
fn write_block(folder: &Path, index: usize, value: u16) {
    // Within one tick of the file system's clock two writings could not be told apart.
    std::thread::sleep(Duration::from_millis(10));
    let writer = BlockWriter::new(folder, VOLUME).unwrap();
    writer.write_drawn(index, LEN, LEN, |_, _, plane: &mut [u16]| plane.fill(value)).unwrap();
}

impl Run {
    /// The value of the picture on screen, exact or not.
    fn value(&self) -> Option<u16> {
        let on_screen = self.session().on_screen()?;
        Some(on_screen.voxels.values::<u16>()[0])
    }

    fn live(&self) -> Option<&LiveState> {
        self.session().live().map(|live| &live.state)
    }
}

#[test]
fn a_recording_that_is_wiped_stays_on_screen_until_another_is_begun_in_its_place() {
    let root = tempfile::tempdir().unwrap();
    let fish = root.path().join("fish");
    (0..2).for_each(|index| write_block(&fish, index, 11 + index as u16));
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&fish);
    run.apply(Command::ScrubTo(3));
    run.until("the picture", |run| run.session().shown() == &Shown::Exact);
    assert_eq!(run.value(), Some(12));
    std::fs::remove_dir_all(&fish).unwrap();
    run.until("it is noticed", |run| run.live() == Some(&LiveState::Gone));
    assert_eq!(run.value(), Some(12), "what was read is still true");
    let former = run.session().on_screen().unwrap().key.layer;
    write_block(&fish, 0, 21);
    run.until("the new one is shown", |run| {
        // Under its own name, nothing of the former one was ever on screen.
        let of_new = run.session().on_screen().is_none_or(|shown| shown.key.layer != former);
        assert!(!of_new || run.value().is_none_or(|value| value == 21), "{:?}", run.value());
        of_new && run.session().shown() == &Shown::Exact
    });
    assert_eq!((run.session().info().shape[0], run.session().view.cursor.t), (LEN, LEN - 1));
    // One block of it is written anew.
    write_block(&fish, 1, 22);
    run.until("it grows", |run| run.session().info().shape[0] == 2 * LEN);
    run.apply(Command::ScrubTo(2));
    run.until("the picture", |run| run.value() == Some(22));
    write_block(&fish, 1, 32);
    run.until("the new writing is shown", |run| run.value() == Some(32) && run.session().is_settled());
}

#[test]
fn a_run_that_was_told_to_wait_waits_and_opens_what_comes() {
    let root = tempfile::tempdir().unwrap();
    let fish = root.path().join("exp/fish");
    let config = StreamConfig::with_ram_budget(64 << 20);
    let mut beginning = Beginning::new(Memory::none(), config, no_wake());
    beginning.open(&fish, OpenOptions::default(), true);
    let mut run = Run { program: Program::new(beginning), effects: Vec::new() };
    run.until("it waits", |run| matches!(run.program.activity, Activity::Waiting(_)));
    assert!(matches!(run.program.screen().0, Screen::Waiting(wait) if wait.location.path() == Some(&*fish)));
    write_block(&fish, 0, 7);
    run.until("it opens", |run| run.program.session().is_some());
    run.until("its picture", |run| run.value() == Some(7));
    let titles = run.effects.iter().filter_map(|effect| match effect {
        Effect::Title(title) => Some(title.as_str()),
        _ => None,
    });
    // What is known of its quality may already stand before its name.
    let titles: Vec<&str> = titles.collect();
    assert!(titles[0] == "Tectum" && titles[1..].iter().all(|title| title.ends_with("fish – Tectum")), "{titles:?}");
}

#[test]
fn dialogs_are_asked_for_one_at_a_time_and_a_path_is_typed_where_there_is_none() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.apply(Command::App(AppCommand::BrowseFolder));
    run.apply(Command::App(AppCommand::BrowseFile));
    run.apply(Command::App(AppCommand::BrowseFolder));
    let asked = run.effects.iter().filter(|effect| matches!(effect, Effect::Dialog(..)));
    assert_eq!(asked.collect::<Vec<_>>(), [&Effect::Dialog(Ask::Folder, None)]);
    assert!(matches!(run.program.screen().0, Screen::Welcome(welcome) if welcome.is_browsing));
    run.program.answer(Ask::Folder, Picked::Path(fixture("a_4d_default")));
    run.until("it opens", |run| run.program.session().is_some());
    // The next one begins beside what was opened last; this system has none.
    run.apply(Command::App(AppCommand::BrowseFile));
    let beside = fixture("a_4d_default").parent().map(Path::to_owned);
    assert!(run.effects.contains(&Effect::Dialog(Ask::File, beside)));
    run.program.answer(Ask::File, Picked::NoDialog);
    run.step();
    assert_eq!(run.session().view.panels.overlay, Some(Overlay::Open));
    assert!(run.effects.iter().any(|effect| matches!(effect, Effect::PathField(PathField::Focus(_)))));
    run.apply(Command::App(AppCommand::CompletePath(fixture("a_4d_default").join("stack_").display().to_string())));
    run.until("it is completed", |run| {
        let is_whole = |typed: &str| typed.ends_with("stack_metadata.json");
        let is_it =
            |effect: &Effect| matches!(effect, Effect::PathField(PathField::Complete(to)) if is_whole(&to.completed));
        run.effects.iter().any(is_it)
    });
}

#[test]
fn what_goes_wrong_in_the_program_is_told_the_window_once() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.program.notes.add(true, "a thread died");
    run.step();
    run.step();
    let notes = |run: &mut Run| -> Vec<usize> {
        let effects = std::mem::take(&mut run.effects);
        let lengths = effects.into_iter().filter_map(|effect| match effect {
            Effect::Notes(notes) => Some(notes.len()),
            _ => None,
        });
        lengths.collect()
    };
    assert_eq!(notes(&mut run), [1]);
    run.apply(Command::App(AppCommand::ClearNotes));
    assert_eq!(notes(&mut run), [0]);
}

/// Has the open recording write something that ends as it is told to.
fn write(run: &mut Run) -> crossbeam_channel::Sender<Result<Vec<String>, String>> {
    let (writing, end) = Writing::pretended(Path::new("/data/out.npy"));
    run.program.session.as_mut().unwrap().data_saver.go_on(Some(writing));
    end
}

#[test]
fn what_is_being_written_goes_on_whatever_is_opened_or_closed() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&fixture("a_4d_default"));
    let end = write(&mut run);
    run.open(&root.path().join("no/such/folder"));
    run.apply(Command::CloseOverlay);
    run.open(&fixture("a_4d_default"));
    let running = |run: &Run| run.program.running().map(|running| running.is_stopping);
    assert_eq!(running(&run), Some(false));
    run.apply(Command::App(AppCommand::CloseDataset));
    assert!(run.program.session().is_none());
    assert_eq!(running(&run), Some(false));
    run.open(&fixture("a_4d_default"));
    end.send(Ok(Vec::new())).unwrap();
    run.until("it is taken in", |run| running(run).is_none());
    assert_eq!(run.session().saver.shown.done.clone().unwrap().0, "Saved out.npy");
    // Where nothing is open, what failed is among the notes, and it can be stopped.
    let end = write(&mut run);
    run.apply(Command::App(AppCommand::CloseDataset));
    run.apply(Command::Session(SessionCommand::CancelSaving));
    assert_eq!(running(&run), Some(true));
    end.send(Err("cancelled".to_owned())).unwrap();
    run.until("it is taken in", |run| running(run).is_none());
    run.open(&fixture("a_4d_default"));
    let end = write(&mut run);
    run.apply(Command::App(AppCommand::CloseDataset));
    end.send(Err("the disk is full".to_owned())).unwrap();
    run.until("it is told", |run| {
        let is_it = |effect: &Effect| matches!(effect, Effect::Notes(notes) if notes[0].text.contains("disk is full"));
        run.effects.iter().any(is_it)
    });
    assert!(!run.effects.contains(&Effect::Close));
}

#[test]
fn nobody_loses_what_is_being_written_by_closing_the_window_unasked() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&fixture("a_4d_default"));
    assert!(run.program.may_leave(), "nothing is being written");
    let leave = |run: &mut Run, leave| run.apply(Command::App(AppCommand::Leave(leave)));
    let is_closed = |run: &Run| run.effects.contains(&Effect::Close);
    // Asked, and the user stays.
    let end = write(&mut run);
    assert!(!run.program.may_leave() && run.program.leaving() == Some(Leave::Stay));
    leave(&mut run, Leave::Stay);
    assert_eq!(run.program.leaving(), None);
    // It fails: he has to know.
    assert!(!run.program.may_leave());
    leave(&mut run, Leave::WhenWritten);
    end.send(Err("the disk is full".to_owned())).unwrap();
    run.until("it is taken in", |run| run.program.running().is_none());
    run.step();
    assert!(!is_closed(&run) && run.program.leaving().is_none());
    let end = write(&mut run);
    assert!(!run.program.may_leave());
    leave(&mut run, Leave::WhenWritten);
    assert!(!run.program.may_leave() && !is_closed(&run));
    end.send(Ok(Vec::new())).unwrap();
    run.until("it closes", is_closed);
    run.effects.clear();
    let end = write(&mut run);
    assert!(!run.program.may_leave());
    leave(&mut run, Leave::Stop);
    assert!(run.program.running().is_some_and(|running| running.is_stopping));
    assert!(run.program.may_leave(), "it does not stop, and he means it");
    end.send(Err("cancelled".to_owned())).unwrap();
    run.until("it closes", is_closed);
}
