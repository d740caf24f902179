use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::qc::Code;
use crate::ui::{Camera, Cursor, Layout, Mode, Theme, View};
use crate::volume::{Colormap, DType, Orientation, Projection, ViewId};

const SOON: Duration = Duration::from_secs(10);

/// The memory of another run of the program.
fn next_run(folder: &Path) -> Memory {
    Memory::in_folder(folder)
}

fn looked_at() -> ViewState {
    let mut state = ViewState { cursor: Cursor { t: 7, z: 3, y: 2, x: 1 }, ..ViewState::default() };
    (state.views[0].mode, state.views[0].camera.zoom, state.layers[0].gamma) = (Mode::Projection, 4.0, 1.5);
    (state.panels.theme, state.layers[0].colormap, state.panels.folded[1]) = (Theme::Light, Colormap::Gray, true);
    state
}

const INFO: ViewInfo =
    ViewInfo { shape: [20, 9, 9, 9], dtype: DType::U16, voxel_size: None, rate_hz: None, has_axis: [true; 4] };

#[test]
fn no_run_begins_with_playing() {
    let fields = object(&looked_at().preferences());
    let is_running = fields.get("play").map(|play| play.get("is_running").is_some());
    assert_eq!(is_running, Some(false));
}

#[test]
fn preferences_and_views_are_found_again_each_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::in_folder(folder.path());
    let window = Some(WindowPlace { size: [900.0, 600.0], position: Some([40.0, 30.0]), is_maximized: false });
    let mut profiles = Profiles::default();
    profiles.set(Code::Motion, true, Some(8.0));
    memory.keep_preferences(&Preferences { view: looked_at(), window, profiles: profiles.clone() });
    memory.keep_view("fish1", &looked_at().to_keep());
    memory.flush(SOON);
    let memory = next_run(folder.path());
    let preferences = memory.preferences();
    assert_eq!((preferences.window, preferences.view), (window, looked_at().only_preferences()));
    assert_eq!(preferences.profiles, profiles);
    // The view belongs to the recording, the preferences to whoever opens it now.
    let fresh = ViewState::default();
    let view = fresh.clone().recalled(memory.view("fish1", &fresh).unwrap(), &INFO);
    let mut expected = looked_at();
    (expected.panels, expected.layers[0].colormap) = (fresh.panels, fresh.layers[0].colormap);
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
    write(
        "views/fish1.json",
        r#"{"cursor": {"t": 7, "z": "deep"}, "theme": "Light",
            "views": [{"mode": "Projection", "op": "Guess"}, {"id": 1, "orientation": "Xz"}],
            "layers": [{"gamma": null, "invert": true}]}"#,
    );
    write("recent.json", "[1, 2");
    let memory = next_run(folder.path());
    let preferences = memory.preferences();
    let mut gray = ViewState::default();
    gray.layers[0].colormap = Colormap::Gray;
    assert_eq!(preferences.view, gray);
    assert_eq!((preferences.window, memory.recent()), (None, vec![]));
    let fresh = ViewState::default().for_dataset(&INFO);
    let view = |memory: &Memory| memory.view("fish1", &fresh).map(|kept| fresh.clone().recalled(kept, &INFO));
    let mut expected = fresh.clone();
    expected.cursor.t = 7;
    expected.views[0].mode = Mode::Projection;
    expected.views.push(View { id: ViewId(1), orientation: Orientation::Xz, ..View::default() });
    expected.layers[0].invert = true;
    // It has a canvas that no layout names: it is put beside the other.
    expected.layout = Layout::Row(vec![(1.0, Layout::View(ViewId(0))), (1.0, Layout::View(ViewId(1)))]);
    assert_eq!(view(&memory), Some(expected));
    for text in ["", "[]", "null", "{", "\u{0}\u{1}", r#"{"views": []}"#, r#"{"views": [[], 3], "active_view": 9}"#] {
        write("views/fish1.json", text);
        let view = view(&memory).unwrap_or(fresh.clone());
        assert_eq!((view.active().mode, view.cursor), (Mode::Plane, fresh.cursor), "{text}");
    }
}

#[test]
fn a_view_written_by_a_version_that_knew_one_canvas_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("views")).unwrap();
    let old = r#"{
        "t": 7, "depth": [3, 2, 1], "orientation": "Xz", "mode": "Projection", "op": "Mean",
        "slabs": [null, [2, 5], null], "camera": {"zoom": 4.0, "center": [0.5, 0.25]},
        "contrast": {"chosen": [{"limits": [5.0, 9.0], "values": {"kind": "Voxels", "num": 1}}, null, null, null, null, null]},
        "gamma": 1.5, "invert": true, "saturation": false }"#;
    std::fs::write(folder.path().join("views/fish1.json"), old).unwrap();
    let fresh = ViewState::default().for_dataset(&INFO);
    let view = fresh.clone().recalled(next_run(folder.path()).view("fish1", &fresh).unwrap(), &INFO);
    assert_eq!(view.cursor, Cursor { t: 7, z: 3, y: 2, x: 1 });
    let expected = View {
        id: ViewId(0),
        orientation: Orientation::Xz,
        mode: Mode::Projection,
        op: Projection::Mean,
        slabs: [None, Some([2, 5]), None],
        camera: Camera { zoom: 4.0, center: [0.5, 0.25] },
    };
    assert_eq!(view.views, [expected]);
    let layer = &view.layers[0];
    assert_eq!((layer.gamma, layer.invert), (1.5, true));
    assert_eq!(layer.contrast.chosen[0].map(|chosen| chosen.limits), Some([5.0, 9.0]));
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
    memory.keep_view("new", &looked_at().to_keep());
    memory.flush(SOON);
    let count = |name: &str| std::fs::read_dir(folder.path().join(name)).unwrap().count();
    assert_eq!(count("views"), MAX_RECORDINGS);
    assert!(!folder.path().join("views/old0.json").exists() && folder.path().join("views/new.json").exists());
    memory.forget_view("new");
    assert_eq!(memory.view("new", &ViewState::default()), None, "at once, not when it has been deleted");
    memory.keep_given(&"/data/a".into(), None, &Given { rate_hz: Some(2.0), ..Given::default() });
    memory.forget_all();
    memory.flush(SOON);
    assert_eq!((count("views"), count("given")), (0, 0));
}

#[test]
fn what_was_said_is_remembered_for_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::in_folder(folder.path());
    let given = Given { voxel_um: Some([5.0, 0.6, 0.6]), rate_hz: Some(2.5), axes: Some("tzyx".into()), level: 1 };
    memory.keep_given(&"/data/a".into(), None, &given);
    memory.flush(SOON);
    let memory = next_run(folder.path());
    assert_eq!(memory.given(&"/data/a".into(), None), given);
    assert_eq!(memory.given(&"/data/b".into(), None), Given::default());
    memory.keep_given(&"/data/a".into(), None, &Given::default());
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
    memory.keep_view("fish1", &looked_at().to_keep());
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
