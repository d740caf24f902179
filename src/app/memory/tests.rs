use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ui::{Mode, Theme};
use crate::volume::Colormap;

const SOON: Duration = Duration::from_secs(10);

/// The memory of another run of the program.
fn next_run(folder: &Path) -> Memory {
    Memory::in_folder(folder)
}

fn looked_at() -> ViewState {
    let mut view = ViewState::default();
    (view.t, view.depth, view.mode) = (7, [3, 2, 1], Mode::Projection);
    (view.gamma, view.camera.zoom) = (1.5, 4.0);
    (view.theme, view.colormap, view.folded[1]) = (Theme::Light, Colormap::Gray, true);
    view
}

#[test]
fn every_preference_is_a_part_of_the_view() {
    let fields = object(&ViewState::default());
    for name in PREFERENCES {
        assert!(fields.contains_key(name), "{name}");
    }
    for transient in ["overlay", "drawer", "follow"] {
        assert!(!fields.contains_key(transient), "{transient} is not for the next run");
    }
    let is_running = fields.get("play").and_then(|play| play.get("is_running"));
    assert_eq!(is_running, None, "no run begins with playing");
}

#[test]
fn preferences_and_views_are_found_again_each_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::in_folder(folder.path());
    let window = Some(WindowPlace { size: [900.0, 600.0], position: Some([40.0, 30.0]), is_maximized: false });
    memory.keep_preferences(&Preferences { view: looked_at(), window });
    memory.keep_view("fish1", &looked_at());
    memory.flush(SOON);
    let memory = next_run(folder.path());
    let preferences = memory.preferences();
    assert_eq!((preferences.window, preferences.view), (window, looked_at().only_preferences()));
    // The view belongs to the recording, the preferences to whoever opens it now.
    let fresh = ViewState::default();
    let view = memory.view("fish1", &fresh).unwrap();
    let expected = ViewState { theme: fresh.theme, colormap: fresh.colormap, folded: fresh.folded, ..looked_at() };
    assert_eq!(view, expected);
    assert_eq!(memory.view("fish2", &fresh), None);
}

#[test]
fn what_makes_no_sense_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "settings.json",
        r#"{"view": {"theme": "Purple", "colormap": "Gray", "t": 5, "new": 1}, "window": {"size": [-3, 1e9]}}"#,
    );
    write("views/fish1.json", r#"{"t": 7, "depth": "deep", "mode": "Projection", "theme": "Light", "gamma": null}"#);
    write("recent.json", "[1, 2");
    let memory = next_run(folder.path());
    let preferences = memory.preferences();
    assert_eq!(preferences.view, ViewState { colormap: Colormap::Gray, ..ViewState::default() });
    assert_eq!((preferences.window, memory.recent()), (None, vec![]));
    let view = memory.view("fish1", &ViewState::default()).unwrap();
    assert_eq!(view, ViewState { t: 7, mode: Mode::Projection, ..ViewState::default() });
    for text in ["", "[]", "null", "{", "\u{0}\u{1}"] {
        write("views/fish1.json", text);
        assert!(memory.view("fish1", &ViewState::default()).is_none_or(|view| view == ViewState::default()));
    }
}

#[test]
fn only_the_latest_recordings_are_remembered_and_all_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::in_folder(folder.path());
    std::fs::create_dir_all(folder.path().join("views")).unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(1000);
    for i in 0..MAX_RECORDINGS {
        let file = std::fs::File::create(folder.path().join(format!("views/old{i}.json"))).unwrap();
        file.set_modified(old + Duration::from_secs(i as u64)).unwrap();
    }
    memory.keep_view("new", &looked_at());
    memory.flush(SOON);
    let count = |name: &str| std::fs::read_dir(folder.path().join(name)).unwrap().count();
    assert_eq!(count("views"), MAX_RECORDINGS);
    assert!(!folder.path().join("views/old0.json").exists() && folder.path().join("views/new.json").exists());
    memory.forget_view("new");
    assert_eq!(memory.view("new", &ViewState::default()), None, "at once, not when it has been deleted");
    memory.keep_given(Path::new("/data/a"), &Given { rate_hz: Some(2.0), ..Given::default() });
    memory.forget_all();
    memory.flush(SOON);
    assert_eq!((count("views"), count("given")), (0, 0));
}

#[test]
fn what_was_said_is_remembered_for_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::in_folder(folder.path());
    let given = Given { voxel_um: Some([5.0, 0.6, 0.6]), rate_hz: Some(2.5), axes: Some("tzyx".into()) };
    memory.keep_given(Path::new("/data/a"), &given);
    memory.flush(SOON);
    let memory = next_run(folder.path());
    assert_eq!(memory.given(Path::new("/data/a")), given);
    assert_eq!(memory.given(Path::new("/data/b")), Given::default());
    memory.keep_given(Path::new("/data/a"), &Given::default());
    memory.flush(SOON);
    assert_eq!(std::fs::read_dir(folder.path().join("given")).unwrap().count(), 0, "taken back, nothing is left");
    let odd = json!({ "voxel_um": [0.0, 1.0, 1.0], "rate_hz": -1.0, "axes": "ttyx" });
    let odd: Given = serde_json::from_value(odd).unwrap();
    assert_eq!(odd.sane(), Given::default());
}

#[test]
fn a_memory_without_a_folder_writes_nothing_and_a_full_disk_stops_nothing() {
    let memory = Memory::none();
    memory.keep_preferences(&Preferences::default());
    memory.keep_recent(&["/data/a".into()]);
    assert_eq!((memory.recent(), memory.preferences()), (vec![], Preferences::default()));
    // Where a file stands in the way nothing can be written.
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, b"in the way").unwrap();
    let memory = Memory::in_folder(&blocked);
    memory.keep_view("fish1", &looked_at());
    memory.flush(SOON);
    assert_eq!(std::fs::read(&blocked).unwrap(), b"in the way");
}

#[test]
fn a_window_on_a_screen_that_is_gone_is_noticed() {
    let place = |position| WindowPlace { size: [800.0, 600.0], position: Some(position), is_maximized: false };
    let screens = [[0.0, 0.0, 1280.0, 800.0], [1280.0, 0.0, 1920.0, 1080.0]];
    assert!(place([100.0, 50.0]).is_on_screen(&screens) && place([2000.0, 300.0]).is_on_screen(&screens));
    assert!(!place([3300.0, 50.0]).is_on_screen(&screens));
    assert!(!place([2000.0, 300.0]).is_on_screen(&screens[..1]));
    assert!(!place([100.0, -500.0]).is_on_screen(&screens), "its bar cannot be reached");
    assert!(WindowPlace { position: None, ..place([0.0, 0.0]) }.is_on_screen(&screens));
    let value: Value = serde_json::to_value(place([f32::NAN, 0.0])).unwrap();
    let read: Option<WindowPlace> = serde_json::from_value(value).ok();
    assert!(read.is_none_or(|place| place.is_sane()));
}
