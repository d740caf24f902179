//! Saving and copying with a real device, apart from a window.

use super::*;
use crate::app::stage::{PATIENCE, no_wake};
use crate::app::still::tests::subject;
use crate::render::{self, GpuConfig, OffscreenTarget};
use crate::ui::{Command, SessionCommand, StillOptions};
use crate::volume::ArrayInfo;

struct Stage {
    _window: OffscreenTarget,
    renderer: RendererHandle,
    saver: Saver,
    subject: Subject,
}

fn stage(recording: &Path, out: &Path) -> Stage {
    let window = OffscreenTarget::new(64, 64, 1.0).unwrap();
    let renderer = render::install(window.render_state(), GpuConfig::default());
    let mut subject = subject(StillOptions::default());
    subject.view.apply(&Command::Session(SessionCommand::SavePicture(out.join("earlier.png"))), &subject.info);
    subject.array = Arc::new(ArrayInfo { location: recording.into(), ..ArrayInfo::clone(&subject.array) });
    Stage { _window: window, renderer, saver: Saver::default(), subject }
}

impl Stage {
    /// Updates until something is so; returns what was copied on the way.
    fn updates_until(&mut self, is_open: bool, mut done: impl FnMut(&Saver) -> bool) -> Option<RgbaImage> {
        let deadline = Instant::now() + PATIENCE;
        let mut copied = None;
        loop {
            let now = Instant::now();
            self.saver.collect(now);
            if self.saver.is_wanted(is_open) {
                let subject = Ok(self.subject.clone());
                copied = self.saver.update(Some(&self.renderer), &no_wake(), subject, is_open, now).or(copied);
            }
            if done(&self.saver) {
                return copied;
            }
            assert!(now < deadline, "{:?}", self.saver.shown.refusal);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn the_picture_is_saved_where_it_was_proposed_and_copied_without_the_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, out) = (folder.path().join("fish"), folder.path().join("figures"));
    std::fs::create_dir_all(&recording).unwrap();
    std::fs::create_dir_all(&out).unwrap();
    let mut stage = stage(&recording, &out);
    stage.updates_until(true, |saver| saver.still().is_some() && saver.shown.free_bytes.is_some());
    let path = out.join("fish_t0_z0.png");
    assert_eq!(stage.saver.shown.path, path.display().to_string());
    assert_eq!((&stage.saver.shown.refusal, &stage.saver.shown.replaces), (&None, &None));
    let size = stage.saver.shown.num_bytes;
    stage.saver.wish(Wish::Save(path.clone()));
    stage.updates_until(false, |saver| saver.shown.done.is_some());
    assert_eq!(stage.saver.shown.done, Some(("Saved fish_t0_z0.png".to_owned(), Some(path.clone()))));
    assert_eq!(std::fs::metadata(&path).ok().map(|data| data.len()), size);
    assert_eq!(image::open(&path).unwrap().width(), stage.subject.frame.size_px[0]);
    stage.updates_until(true, |saver| saver.shown.replaces.is_some());

    stage.saver.wish(Wish::Copy);
    let copied = stage.updates_until(false, |saver| saver.shown.done.is_some());
    assert_eq!(copied.map(|image| image.dimensions()), Some(stage.subject.frame.size_px.into()));
}

#[test]
fn nothing_is_saved_into_a_recording_or_where_there_is_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("fish");
    std::fs::create_dir_all(&recording).unwrap();
    std::fs::create_dir(folder.path().join("folder.png")).unwrap();
    let mut stage = stage(&recording, &recording);
    assert!(!super::place::folder(&stage.subject.view, &stage.subject.array).starts_with(&recording));
    let inside = recording.join("a.png");
    for (path, word) in [
        (inside.clone(), "never written to"),
        (folder.path().join("no/a.png"), "no folder"),
        (folder.path().join("a.tif"), ".png"),
        (folder.path().join("folder.png"), "that is a folder"),
    ] {
        stage.saver.set_path(path.display().to_string());
        stage.updates_until(true, |saver| saver.shown.refusal.as_ref().is_some_and(|text| text.contains(word)));
    }
    stage.saver.wish(Wish::Save(inside.clone()));
    stage.updates_until(false, |saver| saver.shown.done.is_some());
    assert!(stage.saver.shown.done.as_ref().is_some_and(|(words, file)| words.contains("Not saved") && file.is_none()));
    assert_eq!(recording.read_dir().unwrap().count(), 0);
}
