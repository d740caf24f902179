//! Whether the recording is good is read and answered: badge, section, alarms, limits.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::qc::{Code, Usable};
use tectum::ui::{AppCommand, Command, Section, SessionCommand};

use super::super::ui_bench::{Bench, harness_of};
use super::super::{Window, click};
use super::{at_once, strokes};

fn window(change: impl FnOnce(&mut Bench)) -> Window {
    let mut bench = Bench::story();
    change(&mut bench);
    harness_of(bench, [1440.0, 900.0], 1.0)
}

fn said(window: &Window, role: Role, name: &str) -> String {
    window.get_by_role_and_label(role, name).accesskit_node().value().unwrap_or_default()
}

#[test]
fn the_badge_the_section_and_the_bar_below_tell_the_same() {
    let window = window(|_| ());
    assert!(window.query_by_role_and_label(Role::Button, "Quality: usable 18.4 of 30 min").is_some());
    assert_eq!(said(&window, Role::Status, "Usable"), "18.4 of 30.0 min usable, 61\u{2009}%");
    assert!(said(&window, Role::Status, "Lost").starts_with("2.3 min lost so far. While the alarm goes on"));
    assert_eq!(said(&window, Role::Status, "Checking"), "checking live, 0.1 s behind");
    assert_eq!(said(&window, Role::Status, "Motion, median · most"), "0.4 · 6.8 px");
    assert_eq!(said(&window, Role::Status, "Bleaching"), "3.1 % / 10 min");
    assert_eq!(said(&window, Role::Status, "Photon gain"), "2.4 DN / photon");
}

#[test]
fn nothing_is_said_of_what_has_not_been_measured() {
    let unknown = |bench: &mut Bench| {
        let quality = bench.quality.as_mut().unwrap();
        quality.verdict.usable = Usable { measured: 0, volumes: 0, ..quality.verdict.usable };
        quality.verdict.alarms.clear();
        quality.motion = None;
        let snapshot = std::sync::Arc::make_mut(&mut quality.snapshot);
        (snapshot.progress.done, snapshot.figures) = (0, Default::default());
        snapshot.figures.notes.insert(Code::PhotonGain, "not enough range".to_owned());
        bench.live = None;
    };
    let mut window = window(unknown);
    assert!(
        window
            .query_all_by_role(Role::Button)
            .all(|node| { !node.accesskit_node().label().unwrap_or_default().starts_with("Quality: ") })
    );
    assert_eq!(said(&window, Role::Status, "Usable"), "– usable");
    assert_eq!(said(&window, Role::Status, "Photon gain"), "–");
    assert_eq!(said(&window, Role::Status, "Checking"), "checked 0\u{2009}%");
    window.get_by_role_and_label(Role::Status, "Photon gain").hover();
    window.run_steps(60);
    assert!(window.query_by_label("not enough range").is_some(), "why there is none");
}

#[test]
fn what_is_partly_checked_is_not_called_usable_as_a_whole() {
    let part = |bench: &mut Bench| {
        let quality = bench.quality.as_mut().unwrap();
        quality.verdict.usable = Usable { volumes: 540, measured: 600, ..quality.verdict.usable };
        let snapshot = std::sync::Arc::make_mut(&mut quality.snapshot);
        (snapshot.progress.done, snapshot.progress.behind_s) = (600, None);
        bench.live = None;
    };
    let window = window(part);
    assert!(window.query_by_role_and_label(Role::Button, "Quality: usable 1.8 of 2 min checked").is_some());
    assert_eq!(said(&window, Role::Status, "Checking"), "checked 10\u{2009}%");
}

#[test]
fn an_alarm_is_pressed_to_go_where_it_began_and_n_goes_to_the_next() {
    let mut window = window(|_| ());
    click(&mut window, Role::Button, "Alarm: Planes shifted by one");
    assert_eq!(window.state_mut().take(), [Command::GoTo { t: 5622, z: None }]);
    assert_eq!(window.state().view.cursor.t, 5622);
    let saturated = said(&window, Role::Button, "Warning: Planes 0–1 saturated");
    assert_eq!(saturated, "13:50 → 0.04 % of their voxels at 4\u{2009}095. Lower the laser or the exposure.");
    click(&mut window, Role::Button, "Warning: Planes 0–1 saturated");
    assert_eq!((window.state().view.cursor.t, window.state().view.cursor.z), (4150, 0));
    let steps = at_once(&mut window, strokes([(Modifiers::NONE, Key::N), (Modifiers::SHIFT, Key::N)]));
    let step = |is_next| Command::Session(SessionCommand::GoToAlarm { is_next });
    assert_eq!(steps, [step(true), step(false)]);
}

#[test]
fn limits_are_taken_from_a_profile_and_kept_as_another() {
    let mut window = window(|bench| bench.quality.as_mut().unwrap().is_changed = true);
    assert_eq!(said(&window, Role::ComboBox, "Limits of quality"), "rig default, changed");
    click(&mut window, Role::ComboBox, "Limits of quality");
    click(&mut window, Role::MenuItem, "two-photon");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::ChooseLimits("two-photon".to_owned()))]);

    click(&mut window, Role::ComboBox, "Limits of quality");
    click(&mut window, Role::Button, "Name of the rig profile");
    at_once(&mut window, vec![Event::Text("night".to_owned())]);
    let kept = at_once(&mut window, strokes([(Modifiers::NONE, Key::Enter)]));
    assert_eq!(kept, [Command::App(AppCommand::SaveLimits("night".to_owned()))]);
}

#[test]
fn the_badge_brings_the_folded_section_to_sight() {
    let mut window = window(|bench| bench.view.panels.folded[Section::Quality as usize] = true);
    assert!(window.query_by_role_and_label(Role::Status, "Usable").is_none());
    click(&mut window, Role::Button, "Quality: usable 18.4 of 30 min");
    assert!(window.query_by_role_and_label(Role::Status, "Usable").is_some());

    let mut window = harness_of(Bench::story(), [1024.0, 700.0], 1.0);
    click(&mut window, Role::Button, "Quality: usable 18.4 of 30 min");
    assert_eq!(window.state().view.panels.drawer, Some(Section::Quality));
    window.check_accessibility();
}

#[test]
fn the_picture_says_which_plane_it_really_shows() {
    let mut window = window(|_| ());
    let shown = |window: &Window| said(window, Role::Status, "Picture shown");
    assert!(!shown(&window).contains("shifted"));
    window.state_mut().view.cursor.t = 6000;
    window.run();
    assert!(shown(&window).ends_with("shows plane 11: shifted by one"), "{}", shown(&window));
    window.state_mut().view.cursor.z = 0;
    window.run();
    assert!(shown(&window).ends_with("shows plane 23: shifted by one"), "round the end");
    window.state_mut().view.views[0].orientation = tectum::volume::Orientation::Xz;
    window.run();
    assert!(shown(&window).ends_with("planes are shifted"));
}

#[test]
fn the_histogram_marks_the_camera_and_saturation_its_full_scale() {
    let mut window = window(|_| ());
    assert_eq!(said(&window, Role::Status, "Camera offset"), "dark 100");
    assert!(said(&window, Role::Status, "Full scale").starts_with("full 4\u{2009}095"));
    let info = window.state().info;
    window.state_mut().view.apply(&Command::FullScaleDetected { layer: 0, value: Some(4095.0) }, &info);
    let full_scale = |window: &Window| window.state().view.display(&info).full_scale_of(info.dtype);
    assert_eq!(full_scale(&window), 4095.0);
    window.state_mut().view.views[0].mode = tectum::ui::Mode::Projection;
    window.state_mut().view.views[0].op = tectum::volume::Projection::Mean;
    assert_eq!(full_scale(&window), 65_535.0, "a mean is no value of the camera");
}
