//! The window answers: its real panels, driven by role and name as a screen reader would, with a made-up
//! recording behind them. `TECTUM_GALLERY=DIR` also draws every state of the window into that folder.

mod ui_bench;
mod ui_data;
mod ui_looks;
mod ui_operations;
mod ui_sheet;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::ui::{
    AppCommand, Command, Extent, Forget, Loop, Mode, Overlay, PlayMode, Playback, SessionCommand, Shown, StillOptions,
    Tell, Theme,
};
use tectum::volume::{Colormap, Orientation, Projection, ValueScale};
use ui_bench::{Bench, harness, harness_of};

#[test]
fn gallery() {
    let Some(folder) = std::env::var_os("TECTUM_GALLERY").map(PathBuf::from) else { return };
    ui_bench::gallery(&folder);
}

type Window = egui_kittest::Harness<'static, Bench>;

fn press(window: &mut Window, key: Key) -> Vec<Command> {
    press_with(window, Modifiers::NONE, key)
}

fn press_with(window: &mut Window, modifiers: Modifiers, key: Key) -> Vec<Command> {
    window.state_mut().take();
    window.key_press_modifiers(modifiers, key);
    window.run();
    window.state_mut().take()
}

fn click(window: &mut Window, role: Role, name: &str) {
    window.get_by_role_and_label(role, name).click();
    window.run();
}

/// Types into the number field of a name, as a user does: click, type over what stands there, Enter.
fn type_number(window: &mut Window, name: &str, text: &str) {
    window.get_by_role_and_label(Role::SpinButton, name).click();
    window.run();
    window.get_by_role_and_label(Role::TextInput, name).type_text(text);
    window.run();
    window.key_press(Key::Enter);
    window.run();
}

fn drag(window: &mut Window, from: egui::Pos2, to: egui::Pos2) {
    window.drag_at(from);
    window.run();
    for step in 1..=4 {
        window.hover_at(from + (to - from) * (step as f32 / 4.0));
        window.run();
    }
    window.drop_at(to);
    window.run();
}

#[test]
fn every_widget_has_a_name_in_every_state() {
    for size in [[1280.0, 800.0], [1024.0, 700.0], [640.0, 400.0]] {
        for overlay in [None, Some(Overlay::Keys), Some(Overlay::Problems), Some(Overlay::Open)] {
            let mut bench = Bench { problems: ui_bench::problems(), ..Bench::default() };
            bench.view.panels.overlay = overlay;
            harness_of(bench, size, 1.0).check_accessibility();
        }
    }
    for screen in [
        ui_bench::Screen::Welcome,
        ui_bench::Screen::Opening,
        ui_bench::Screen::Error,
        ui_bench::Screen::Absent,
        ui_bench::Screen::Waiting,
    ] {
        harness_of(Bench { screen, ..Bench::default() }, [1280.0, 800.0], 1.0).check_accessibility();
    }
}

#[test]
fn where_there_is_nothing_to_count_the_histogram_says_so() {
    for (no_histogram, says) in
        [(None, "Measuring the whole recording…"), (Some("No finite values"), "No finite values")]
    {
        let window = harness_of(Bench { bins: Vec::new(), no_histogram, ..Bench::default() }, [1280.0, 800.0], 1.0);
        let histogram = window.get_by_role_and_label(Role::Image, "Histogram");
        assert_eq!(histogram.accesskit_node().description().as_deref(), Some(says));
    }
}

#[test]
fn time_is_scrubbed_typed_and_stepped() {
    let mut window = harness();
    let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
    drag(&mut window, map.left_center() + egui::vec2(1.0, 0.0), map.right_center());
    assert_eq!(window.state().view.cursor.t, 205);
    drag(&mut window, map.right_center() - egui::vec2(1.0, 0.0), map.center());
    assert_eq!(window.state().view.cursor.t, 103);
    window.hover_at(map.left_center() + egui::vec2(map.width() * 0.75, 0.0));
    window.run();
    assert_eq!(window.state().view.cursor.t, 103, "to point at it is not to go there");
    click_at(&mut window, map.left_center() + egui::vec2(map.width() * 0.75, 0.0));
    assert_eq!(window.state().view.cursor.t, 154);

    type_number(&mut window, "Timepoint", "114");
    assert_eq!(window.state().view.cursor.t, 114);
    type_number(&mut window, "Timepoint", "9 999");
    assert_eq!(window.state().view.cursor.t, 205, "what is beyond the end is the end");

    window.get_by_role_and_label(Role::Slider, "Time").set_value_accesskit(40.0);
    window.run();
    assert_eq!(window.state().view.cursor.t, 40);
    for (key, modifiers, expected) in [
        (Key::ArrowRight, Modifiers::NONE, 41),
        (Key::ArrowLeft, Modifiers::SHIFT, 31),
        (Key::ArrowLeft, Modifiers::NONE, 30),
        (Key::End, Modifiers::NONE, 205),
        (Key::Home, Modifiers::NONE, 0),
    ] {
        press_with(&mut window, modifiers, key);
        assert_eq!(window.state().view.cursor.t, expected, "{key:?}");
    }
    click(&mut window, Role::Button, "Next timepoint");
    assert_eq!(window.state().view.cursor.t, 1);

    type_number(&mut window, "Time", "0:22,8");
    assert_eq!(window.state().view.cursor.t, 114, "5 volumes a second");
    type_number(&mut window, "Time", "3 s");
    assert_eq!(window.state().view.cursor.t, 15);
    type_number(&mut window, "Time", "1 h");
    assert_eq!(window.state().view.cursor.t, 205);
}

fn click_at(window: &mut Window, pos: egui::Pos2) {
    window.hover_at(pos);
    window.drag_at(pos);
    window.drop_at(pos);
    window.run();
}

#[test]
fn the_map_answers_the_keys_while_it_has_the_focus() {
    let mut window = harness();
    window.get_by_role_and_label(Role::Slider, "Time").focus();
    window.run();
    for (key, modifiers, expected) in [
        (Key::ArrowRight, Modifiers::NONE, 1),
        (Key::ArrowRight, Modifiers::SHIFT, 11),
        (Key::PageUp, Modifiers::NONE, 21),
        (Key::ArrowLeft, Modifiers::NONE, 20),
        (Key::End, Modifiers::NONE, 205),
        (Key::Home, Modifiers::NONE, 0),
    ] {
        press_with(&mut window, modifiers, key);
        assert_eq!(window.state().view.cursor.t, expected, "{key:?}");
    }
    let told = window.get_by_role_and_label(Role::Slider, "Time").value();
    assert_eq!(told.as_deref(), Some("t 0 · 0.0\u{2009}s"));
}

/// The texts of whatever explains what the pointer is on, and where it stands.
fn explained(window: &Window, beginning: &str) -> Option<(String, egui::Rect)> {
    use egui_kittest::kittest::NodeT as _;
    let text = |node: &egui_kittest::Node<'_>| node.accesskit_node().label().or_else(|| node.value());
    let node = window
        .query_all_by_role(Role::Label)
        .find(|node| text(node).is_some_and(|text| text.starts_with(beginning)))?;
    Some((text(&node)?, node.rect()))
}

#[test]
fn the_explanation_of_a_place_on_the_map_stands_at_the_pointer() {
    let mut window = harness();
    window.state_mut().problems = ui_bench::problems();
    let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
    for (part, t, words) in [(0.1, "t 20", "whole"), (0.605, "t 124", "missing"), (0.9, "t 185", "whole")] {
        let at = map.left_center() + egui::vec2(map.width() * part, 4.0);
        window.hover_at(at);
        window.run();
        let (_, rect) = explained(&window, t).unwrap_or_else(|| panic!("{t} is explained"));
        assert!(rect.left() - 40.0 < at.x && at.x < rect.left() + 340.0, "{rect:?} for the pointer at {at:?}");
        assert!(rect.bottom() <= map.top() && rect.bottom() > map.top() - 160.0, "above the area: {rect:?}");
        let (state, _) = explained(&window, "file of").expect("the state of the piece");
        assert!(state.ends_with(words), "{state}");
    }
    window.hover_at(map.left_center() + egui::vec2(map.width() * 0.605, 4.0));
    window.run();
    assert!(explained(&window, "the block is missing").is_some(), "what the list says, the map says");
}

#[test]
fn a_click_on_a_mark_goes_to_where_the_damage_begins() {
    let mut window = harness();
    window.state_mut().problems = ui_bench::problems();
    window.run();
    let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
    let begin = map.left() + map.width() * 120.0 / 206.0;
    click_at(&mut window, egui::pos2(begin + 4.0, map.top() + 30.0));
    assert_eq!(window.state().view.cursor.t, 120);
}

#[test]
fn planes_that_are_files_of_their_own_are_rows_of_the_map() {
    use tectum::volume::{Axis, Piece, PieceState};
    let mut window = harness();
    let bench = window.state_mut();
    bench.pieces = (0..24)
        .map(|z| Piece {
            axis: Some(Axis::Z),
            range: [z, z + 1],
            state: if z == 6 { PieceState::Missing } else { PieceState::Whole },
        })
        .collect();
    bench.live = Some(ui_bench::live(tectum::live::LiveState::Live));
    bench.live.as_mut().expect("live").writing = Some(tectum::volume::Span { axis: Axis::Z, range: [23, 24] });
    window.run();
    let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
    // The rows lie in the lower half, 48 points high.
    let row = |z: f32| egui::pos2(map.left() + 300.0, map.top() + 40.0 + 2.0 * z + 1.0);
    for (z, words) in [(6.0, "file of z 6: missing"), (7.0, "file of z 7: whole")] {
        window.hover_at(row(z));
        window.run();
        let (state, _) = explained(&window, "file of").expect("the state of the piece");
        assert_eq!(state, words);
    }
}

#[test]
fn the_live_axis_stays_while_blocks_land() {
    let mut window = harness();
    let bench = window.state_mut();
    bench.live = Some(ui_bench::live(tectum::live::LiveState::Live));
    bench.live.as_mut().expect("live").expected_end = None;
    let middle_of = |window: &mut Window| {
        let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
        click_at(window, map.left_center() + egui::vec2(map.width() * 0.25, 4.0));
        window.state().view.cursor.t
    };
    window.run();
    let before = middle_of(&mut window);
    assert_eq!(before, 75, "a minute has 300 timepoints, though only 206 are there");
    for num_t in [216, 226, 300] {
        window.state_mut().info.shape[0] = num_t;
        window.state_mut().live.as_mut().expect("live").newest_t = Some(num_t - 1);
        window.run();
        assert_eq!(middle_of(&mut window), before, "{num_t} timepoints");
    }
    window.state_mut().live.as_mut().expect("live").expected_end = Some(9000);
    window.run();
    assert_eq!(middle_of(&mut window), 299, "as long as planned, of which there are 300");
}

#[test]
fn the_wheel_looks_closer_at_time_and_a_double_click_shows_all_again() {
    use egui::{MouseWheelSource, MouseWheelUnit, vec2};
    let mut window = harness();
    let map = window.get_by_role_and_label(Role::Slider, "Time").rect();
    let at = map.left_center() + vec2(map.width() * 0.75, 4.0);
    window.hover_at(at);
    window.run();
    let depth = window.state().view.depth_index();
    for _ in 0..4 {
        window.event(wheel_of(MouseWheelUnit::Line, vec2(0.0, 1.0), MouseWheelSource::Unknown, Modifiers::NONE));
        window.run();
    }
    let [start, stop] = window.state().view.panels.time_zoom.expect("a part of time");
    assert!(stop - start < 110.0, "{start} to {stop}");
    assert!((start + 0.75 * (stop - start) - 154.5).abs() < 0.5, "what was under the pointer stays: {start} to {stop}");
    assert_eq!((window.state().view.depth_index(), window.state().view.cursor.t), (depth, 0));
    click_at(&mut window, at);
    assert_eq!(window.state().view.cursor.t, 154);
    press(&mut window, Key::Home);
    assert_eq!(window.state().view.panels.time_zoom.expect("still")[0], 0.0, "the timepoint stays in sight");
    let part = window.state().view.panels.time_zoom;
    press(&mut window, Key::Num0);
    assert_eq!(window.state().view.panels.time_zoom, None);
    window.state_mut().view.panels.time_zoom = part;
    window.run();
    let axis = map.left_top() + vec2(60.0, 10.0);
    window.hover_at(axis);
    // Clicks in quick succession are counted on.
    window.run_steps(30);
    for _ in 0..2 {
        window.drag_at(axis);
        window.step();
        window.drop_at(axis);
        window.step();
    }
    window.run();
    assert_eq!(window.state().view.panels.time_zoom, None);
}

#[test]
fn follow_is_there_while_there_is_something_to_follow() {
    use tectum::live::LiveState;
    for (state, is_there) in [
        (LiveState::Live, true),
        (LiveState::Quiet, true),
        (LiveState::Restarted, true),
        (LiveState::Gone, true),
        (LiveState::Finished, false),
        (LiveState::StoppedEarly { claimed: 240, have: 206 }, false),
    ] {
        let bench = Bench { live: Some(ui_bench::live(state.clone())), ..Bench::default() };
        let window = harness_of(bench, [1280.0, 800.0], 1.0);
        let found = window.query_by_role_and_label(Role::Button, "Follow newest").is_some();
        assert_eq!(found, is_there, "{state:?}");
    }
    assert!(harness().query_by_role_and_label(Role::Button, "Follow newest").is_none(), "nothing is recorded");
}

#[test]
fn a_run_that_was_cut_off_is_told_beside_its_last_whole_volume() {
    use tectum::live::LiveState;
    for (state, is_told) in [(LiveState::Quiet, true), (LiveState::Live, false)] {
        let mut live = ui_bench::live(state.clone());
        live.newest_t = Some(203);
        let mut bench = Bench { live: Some(live), ..Bench::default() };
        bench.view.cursor.t = 203;
        let window = harness_of(bench, [1280.0, 800.0], 1.0);
        let told = window.get_by_role_and_label(Role::Status, "Picture shown").value().unwrap_or_default();
        assert_eq!(told.contains("cut off after t 203"), is_told, "{state:?}: {told}");
    }
}

#[test]
fn playing_in_real_time_is_chosen_where_the_rate_is_known() {
    let mut window = harness();
    click(&mut window, Role::ComboBox, "Play mode");
    click(&mut window, Role::MenuItem, "Real time");
    assert_eq!(window.state().view.play.mode, PlayMode::RealTime);
    click(&mut window, Role::ComboBox, "Play speed");
    click(&mut window, Role::MenuItem, "5 ×");
    assert_eq!(window.state().view.play.speed, 5.0);
    window.state_mut().info.rate_hz = None;
    window.run();
    assert!(window.query_by_role_and_label(Role::ComboBox, "Play speed").is_none());
    assert!(window.query_by_role_and_label(Role::SpinButton, "Time").is_none(), "no clock, no time");
    click(&mut window, Role::ComboBox, "Play mode");
    assert!(window.query_by_role_and_label(Role::MenuItem, "Real time").is_none());
}

#[test]
fn a_key_typed_into_a_field_is_text_and_nothing_else() {
    let mut window = harness();
    window.get_by_role_and_label(Role::SpinButton, "Timepoint").click();
    window.run();
    let before = window.state().view.clone();
    for key in [Key::P, Key::A, Key::ArrowRight, Key::Space, Key::S] {
        assert_eq!(press(&mut window, key), [], "{key:?}");
    }
    press(&mut window, Key::Escape);
    assert_eq!(window.state().view, before, "Esc gives up what was typed");
    assert_eq!(press(&mut window, Key::P), [Command::ToggleMode]);
}

#[test]
fn keys_do_what_the_table_says() {
    let mut window = harness();
    for (key, modifiers, expected) in [
        (Key::ArrowDown, Modifiers::NONE, Command::StepDepth(1)),
        (Key::ArrowUp, Modifiers::SHIFT, Command::StepDepth(-10)),
        (Key::A, Modifiers::NONE, Command::AutoContrast),
        (Key::A, Modifiers::SHIFT, Command::Session(SessionCommand::FitContrast)),
        (Key::S, Modifiers::NONE, Command::ToggleSaturation),
        (Key::F, Modifiers::NONE, Command::Fit),
        (Key::L, Modifiers::NONE, Command::ToggleFollow),
        (Key::I, Modifiers::NONE, Command::ToggleInvert),
        (Key::Space, Modifiers::NONE, Command::TogglePlay),
        (Key::Z, Modifiers::COMMAND, Command::Undo),
        (Key::Z, Modifiers::COMMAND | Modifiers::SHIFT, Command::Redo),
        (Key::O, Modifiers::COMMAND, Command::ToggleOverlay(Overlay::Open)),
    ] {
        assert_eq!(press_with(&mut window, modifiers, key), std::slice::from_ref(&expected), "{key:?}");
        if expected == Command::TogglePlay || matches!(expected, Command::ToggleOverlay(_)) {
            window.state_mut().view.panels.overlay = None;
            window.state_mut().view.play.is_running = false;
            window.run();
        }
    }
    assert_eq!(press(&mut window, Key::Questionmark), [Command::ToggleOverlay(Overlay::Keys)]);
    assert!(window.query_by_label_contains("Follow the newest timepoint").is_some(), "the overlay lists the keys");
    press(&mut window, Key::Escape);
    assert_eq!(window.state().view.panels.overlay, None);
}

#[test]
fn depth_and_slab_are_dragged_and_typed() {
    let mut window = harness();
    let track = window.get_by_role_and_label(Role::Slider, "Depth").rect();
    drag(&mut window, track.center(), track.center_bottom());
    assert_eq!(window.state().view.depth_index(), 23);
    type_number(&mut window, "Plane", "5");
    assert_eq!(window.state().view.depth_index(), 5);

    click(&mut window, Role::RadioButton, "Projection");
    assert_eq!(window.state().view.views[0].mode, Mode::Projection);
    let info = window.state().info;
    assert_eq!(window.state().view.slab(&info), [0, 24]);
    type_number(&mut window, "Slab first plane", "8");
    type_number(&mut window, "Slab last plane", "14");
    assert_eq!(window.state().view.slab(&info), [8, 15]);

    let end = window.get_by_role_and_label(Role::Slider, "Slab end").rect().center();
    let below = window.get_by_role_and_label(Role::Slider, "Depth").rect().bottom();
    drag(&mut window, end, egui::pos2(end.x, below));
    assert_eq!(window.state().view.slab(&info), [8, 24]);
    window.get_by_role_and_label(Role::Slider, "Slab start").set_value_accesskit(20.0);
    window.run();
    assert_eq!(window.state().view.slab(&info), [20, 24]);
    press(&mut window, Key::ArrowUp);
    assert_eq!(window.state().view.slab(&info)[1] - window.state().view.slab(&info)[0], 4, "it moves whole");
    click(&mut window, Role::Button, "Whole depth");
    assert_eq!(window.state().view.slab(&info), [0, 24]);
    press(&mut window, Key::P);
    assert_eq!(window.state().view.views[0].mode, Mode::Plane);
}

#[test]
fn menus_choose_the_projection_and_the_interpolation() {
    let mut window = harness();
    click(&mut window, Role::RadioButton, "Projection");
    click(&mut window, Role::ComboBox, "Projection");
    click(&mut window, Role::MenuItem, "Mean");
    assert_eq!(window.state().view.views[0].op, Projection::Mean);
    click(&mut window, Role::ComboBox, "Interpolation");
    click(&mut window, Role::MenuItem, "Linear");
    assert_eq!(window.state().view.layers[0].interpolation, tectum::volume::Interpolation::Linear);
    click(&mut window, Role::RadioButton, "XZ");
    assert_eq!(window.state().view.views[0].orientation, Orientation::Xz);
}

#[test]
fn contrast_is_dragged_typed_and_put_back() {
    let mut window = harness();
    let upper = window.get_by_role_and_label(Role::Slider, "Upper contrast limit").rect().center();
    drag(&mut window, upper, upper - egui::vec2(40.0, 0.0));
    let limits = |window: &Window| window.state().view.limits(&window.state().info);
    let [low, high] = limits(&window).expect("chosen");
    assert_eq!(low, 104.0);
    assert!(high < 1700.0 && high > 800.0, "{high}");
    type_number(&mut window, "Lower limit", "200");
    assert_eq!(limits(&window), Some([200.0, high]));
    type_number(&mut window, "Gamma", "0,8");
    assert_eq!(window.state().view.layers[0].gamma, 0.8);
    click(&mut window, Role::Button, "Auto contrast");
    assert_eq!(limits(&window), Some([104.0, 1830.0]));
    assert_eq!(window.state().view.layers[0].gamma, 1.0);
    click(&mut window, Role::DisclosureTriangle, "Colormap section");
    click(&mut window, Role::RadioButton, "Viridis");
    assert_eq!(window.state().view.layers[0].colormap, Colormap::Viridis);
    click(&mut window, Role::Button, "Saturation");
    let info = window.state().info;
    assert_eq!(window.state().view.display(&info).colormap, Colormap::Saturation);
}

#[test]
fn undo_takes_back_a_whole_drag_and_redo_repeats_it() {
    let mut window = harness();
    let slider = window.get_by_role_and_label(Role::Slider, "Time").rect();
    drag(&mut window, slider.left_center() + egui::vec2(1.0, 0.0), slider.center());
    let t = window.state().view.cursor.t;
    assert!(t > 0);
    window.state_mut().clock_s += 10.0;
    click(&mut window, Role::DisclosureTriangle, "Colormap section");
    click(&mut window, Role::RadioButton, "Turbo");
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!((window.state().view.layers[0].colormap, window.state().view.cursor.t), (Colormap::Magma, t));
    click(&mut window, Role::Button, "Undo");
    assert_eq!(window.state().view.cursor.t, 0, "one step for the whole drag");
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!((window.state().view.layers[0].colormap, window.state().view.cursor.t), (Colormap::Turbo, t));
}

#[test]
fn a_typed_path_and_a_recent_one_are_opened() {
    let mut window = harness_of(Bench { screen: ui_bench::Screen::Welcome, ..Bench::default() }, [1280.0, 800.0], 1.0);
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run();
    window.get_by_role_and_label(Role::TextInput, "Path").type_text("/data/fish 7");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::OpenPath("/data/fish 7".into()))]);
    click(&mut window, Role::Button, "Open /data/2024-03-11/fish3_run2");
    click(&mut window, Role::Button, "Remove original from the list");
    click(&mut window, Role::Button, "Open the demo");
    click(&mut window, Role::Button, "Open folder…");
    assert_eq!(
        window.state_mut().take(),
        [
            Command::App(AppCommand::OpenPath("/data/2024-03-11/fish3_run2".into())),
            Command::App(AppCommand::RemoveRecent("/data/2024-03-10/fish1/original".into())),
            Command::App(AppCommand::OpenDemo),
            Command::App(AppCommand::BrowseFolder),
        ]
    );
}

#[test]
fn opening_can_be_given_up_by_button_and_key() {
    let mut window = harness_of(Bench { screen: ui_bench::Screen::Opening, ..Bench::default() }, [1280.0, 800.0], 1.0);
    click(&mut window, Role::Button, "Cancel");
    assert!(window.state_mut().take().contains(&Command::App(AppCommand::CancelOpening)));
    assert!(press(&mut window, Key::Escape).contains(&Command::App(AppCommand::CancelOpening)));
}

#[test]
fn the_canvas_is_zoomed_panned_and_fitted() {
    let mut window = harness();
    let canvas = window.get_by_label("Picture").rect();
    window.hover_at(canvas.center());
    window.run();
    window.event_modifiers(wheel(120.0, Modifiers::COMMAND), Modifiers::COMMAND);
    window.run();
    let zoomed = window.state().view.views[0].camera;
    assert!(zoomed.zoom > 1.0, "{zoomed:?}");
    drag(&mut window, canvas.center(), canvas.center() + egui::vec2(60.0, 0.0));
    assert!(window.state().view.views[0].camera.center[0] < zoomed.center[0]);
    press(&mut window, Key::F);
    assert_eq!(window.state().view.views[0].camera, tectum::ui::Camera::FIT);
}

fn wheel(y: f32, modifiers: Modifiers) -> egui::Event {
    wheel_of(egui::MouseWheelUnit::Point, egui::vec2(0.0, y), egui::MouseWheelSource::Wheel, modifiers)
}

fn wheel_of(
    unit: egui::MouseWheelUnit,
    delta: egui::Vec2,
    source: egui::MouseWheelSource,
    modifiers: Modifiers,
) -> egui::Event {
    egui::Event::MouseWheel { unit, delta, phase: egui::TouchPhase::Move, source, modifiers }
}

#[test]
fn one_notch_of_the_wheel_is_one_plane() {
    use egui::{MouseWheelSource, MouseWheelUnit, vec2};
    let mut window = harness();
    let canvas = window.get_by_label("Picture").rect();
    let slider = window.get_by_role_and_label(Role::Slider, "Depth").rect();
    for place in [canvas.center(), slider.center()] {
        window.state_mut().view.cursor.z = 12;
        window.hover_at(place);
        window.run();
        let mut turn = |events: &[egui::Event]| {
            for event in events {
                window.event(event.clone());
            }
            window.run();
            window.state().view.depth_index()
        };
        let line = |y: f32| wheel_of(MouseWheelUnit::Line, vec2(0.0, y), MouseWheelSource::Unknown, Modifiers::NONE);
        let pad = |y: f32| wheel_of(MouseWheelUnit::Point, vec2(0.0, y), MouseWheelSource::Unknown, Modifiers::NONE);
        assert_eq!(turn(&[line(-1.0)]), 13, "down is deeper");
        assert_eq!(turn(&[line(1.0)]), 12, "and the same notch back");
        assert_eq!(turn(&[line(-1.0), line(-1.0), line(-1.0)]), 15, "three notches in one frame");
        assert_eq!(turn(&[line(3.0)]), 12, "or told at once");
        for event in [wheel(-14.0, Modifiers::NONE), wheel(-53.0, Modifiers::NONE), wheel(-120.0, Modifiers::NONE)] {
            assert_eq!(turn(&[wheel(120.0, Modifiers::NONE)]), 11, "a wheel that tells points");
            assert_eq!(turn(&[event]), 12);
        }
        assert_eq!(turn(&[line(-0.25), line(-0.25), line(-0.25)]), 12, "a finer wheel adds up");
        assert_eq!(turn(&[line(-0.25)]), 13);
        assert_eq!(turn(&[line(-0.75), line(0.5)]), 13, "turned back, it begins anew");
        assert_eq!(turn(&[line(0.5)]), 12);
        assert_eq!(turn(&[pad(-15.0), pad(-15.0)]), 12, "a touchpad's travel adds up too");
        assert_eq!(turn(&[pad(-15.0)]), 13);
        let shift = wheel_of(MouseWheelUnit::Line, vec2(0.0, 1.0), MouseWheelSource::Unknown, Modifiers::SHIFT);
        assert_eq!(turn(&[shift]), 3, "Shift is ten at once");
        let zoom = wheel_of(MouseWheelUnit::Line, vec2(0.0, 1.0), MouseWheelSource::Unknown, Modifiers::COMMAND);
        assert_eq!(turn(&[zoom]), 3, "with Ctrl it is no plane");
        press(&mut window, Key::F);
    }
}

#[test]
fn nothing_moves_when_values_change() {
    let mut window = harness();
    let names = ["Timepoint", "Play rate", "Plane", "Lower limit", "Upper limit", "Gamma"];
    let places = |window: &Window| {
        let mut rects: Vec<_> =
            names.iter().map(|name| window.get_by_role_and_label(Role::SpinButton, name).rect()).collect();
        for name in ["Voxel", "Value", "RAM", "GPU", "Image time"] {
            rects.push(window.get_by_role_and_label(Role::Status, name).rect());
        }
        rects.push(window.get_by_role_and_label(Role::Slider, "Time").rect());
        rects.push(window.get_by_role_and_label(Role::SpinButton, "Time").rect());
        rects.push(window.get_by_role_and_label(Role::ComboBox, "Play mode").rect());
        rects
    };
    let before = places(&window);
    let bench = window.state_mut();
    bench.view.cursor.t = 199;
    bench.view.cursor.z = 23;
    bench.view.apply(&Command::SetLimits([1.0, 65535.0]), &bench.info);
    bench.view.layers[0].gamma = 2.75;
    bench.figures.image_ms = Some(734.0);
    bench.figures.ram_bytes = 5_900_000_000;
    bench.figures.gpu_bytes = 8_000_000;
    window.hover_at(egui::pos2(700.0, 600.0));
    window.run();
    assert_eq!(places(&window), before);
    let gamma = |window: &Window| window.get_by_role_and_label(Role::Slider, "Gamma curve").rect();
    let at_rest = gamma(&window);
    window.get_by_role_and_label(Role::SpinButton, "Upper limit").click();
    window.run();
    assert_eq!(gamma(&window), at_rest, "typing pushes nothing");
}

#[test]
fn the_readout_names_the_voxel_under_the_pointer_and_never_reads_another_picture() {
    let mut window = harness();
    let canvas = window.get_by_label("Picture").rect();
    window.hover_at(canvas.center());
    window.run();
    let value = |window: &Window, name: &str| {
        window.get_by_role_and_label(Role::Status, name).value().unwrap_or_default().replace('\u{2009}', "")
    };
    let voxel = value(&window, "Voxel");
    assert!(voxel.starts_with("z 12"), "{voxel}");
    assert!(voxel.contains("512") || voxel.contains("511"), "{voxel}");
    assert!(value(&window, "Value").starts_with("value 52"), "{}", value(&window, "Value"));
    // The stored value, and beside it what it stands for.
    let stored: f64 = value(&window, "Value").trim_start_matches("value ").parse().expect("a number");
    let scale = ValueScale { factor: 0.5, offset: 10.0, unit: "V".to_owned() };
    let wanted = format!("= {} V", scale.physical(stored));
    window.state_mut().array.value_scale = Some(scale);
    window.run();
    assert_eq!(value(&window, "Quantity"), wanted);
    window.state_mut().shown = Shown::Nearest { t: 3 };
    window.run();
    assert_eq!(value(&window, "Value"), "value …");
    window.state_mut().shown = Shown::Missing("never written".to_owned());
    window.run();
    assert_eq!(value(&window, "Value"), "value missing");
}

#[test]
fn playing_every_frame_waits_and_keeping_pace_skips_and_counts() {
    let bench = Bench::default();
    let (info, mut view) = (bench.info, bench.view);
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    view.apply(&Command::SetPlayRate(10.0), &info);
    view.apply(&Command::TogglePlay, &info);

    let mut clock = Playback::default();
    assert_eq!(clock.advance(&view, &info, at(0), true), None);
    assert_eq!(clock.advance(&view, &info, at(90), true), None);
    assert_eq!(clock.time_to_next(&view, at(90)), Some(Duration::from_millis(10)));
    assert_eq!(clock.advance(&view, &info, at(250), false), None, "the data are not there");
    let step = clock.advance(&view, &info, at(300), true);
    assert_eq!(step, Some(Command::PlayTo { t: 1, direction: 1 }), "one step, however late");
    view.apply(&step.expect("a step"), &info);
    assert_eq!(clock.num_skipped(), 0);

    view.apply(&Command::SetPlayMode(PlayMode::KeepPace), &info);
    let mut clock = Playback::default();
    assert_eq!(clock.advance(&view, &info, at(1000), true), None);
    let step = clock.advance(&view, &info, at(1500), false);
    assert_eq!(step, Some(Command::PlayTo { t: 6, direction: 1 }), "the clock is kept");
    assert_eq!(clock.num_skipped(), 5);
}

#[test]
fn real_time_is_the_rate_of_the_recording_or_a_multiple_of_it() {
    let Bench { mut info, mut view, .. } = Bench::default();
    let start = Instant::now();
    let mut due_after = |info: &tectum::array::ViewInfo, speed: f32, ms: u64| {
        view.cursor.t = 0;
        view.play.is_running = true;
        view.apply(&Command::SetPlayMode(PlayMode::RealTime), info);
        view.apply(&Command::SetPlaySpeed(speed), info);
        let mut clock = Playback::default();
        clock.advance(&view, info, start, true);
        clock.advance(&view, info, start + Duration::from_millis(ms), true)
    };
    let to = |t| Some(Command::PlayTo { t, direction: 1 });
    assert_eq!(due_after(&info, 1.0, 199), None, "5 volumes a second were recorded");
    assert_eq!(due_after(&info, 1.0, 201), to(1));
    assert_eq!(due_after(&info, 1.0, 1001), to(5));
    assert_eq!(due_after(&info, 5.0, 1001), to(25));
    info.rate_hz = None;
    assert_eq!(due_after(&info, 5.0, 1001), to(20), "unknown: the rate that was set");
}

#[test]
fn the_end_of_a_recording_stops_repeats_or_turns() {
    let bench = Bench::default();
    let (info, mut view) = (bench.info, bench.view);
    let start = Instant::now();
    view.play.rate_hz = 10.0;
    let mut step_from = |t: usize, at_end: Loop, direction: i8| {
        view.cursor.t = t;
        view.play.is_running = true;
        view.play.at_end = at_end;
        view.play.direction = direction;
        let mut clock = Playback::default();
        clock.advance(&view, &info, start, true);
        clock.advance(&view, &info, start + Duration::from_millis(101), true)
    };
    assert_eq!(step_from(205, Loop::Off, 1), Some(Command::StopPlay));
    assert_eq!(step_from(205, Loop::Loop, 1), Some(Command::PlayTo { t: 0, direction: 1 }));
    assert_eq!(step_from(205, Loop::BackAndForth, 1), Some(Command::PlayTo { t: 204, direction: -1 }));
    assert_eq!(step_from(0, Loop::BackAndForth, -1), Some(Command::PlayTo { t: 1, direction: 1 }));
}

#[test]
fn following_lets_go_when_the_user_scrubs() {
    let mut window = harness();
    press(&mut window, Key::L);
    assert!(window.state().view.follow);
    assert_eq!(window.state().view.cursor.t, 205);
    let info = tectum::array::ViewInfo { shape: [300, 24, 1024, 1024], ..window.state().info };
    window.state_mut().view.apply(&Command::FollowTo(299), &info);
    assert_eq!(window.state().view.cursor.t, 299);
    press(&mut window, Key::ArrowLeft);
    assert!(!window.state().view.follow);
    let before = window.state().view.cursor.t;
    window.state_mut().view.apply(&Command::FollowTo(300), &info);
    assert_eq!(window.state().view.cursor.t, before);
}

#[test]
fn contrast_once_set_does_not_change_by_itself() {
    let Bench { info, .. } = Bench::default();
    let mut view = tectum::ui::ViewState::default().for_dataset(&info);
    assert_eq!(view.display(&info).limits, [0.0, 65535.0]);
    let values = view.values(&info);
    view.apply(&Command::LimitsMeasured { layer: 0, values, limits: [100.0, 900.0], is_wished: false }, &info);
    assert_eq!(view.limits(&info), Some([100.0, 900.0]));
    view.apply(&Command::LimitsMeasured { layer: 0, values, limits: [120.0, 950.0], is_wished: false }, &info);
    assert_eq!(view.limits(&info), Some([100.0, 900.0]));
    view.apply(&Command::AutoContrast, &info);
    assert_eq!(view.limits(&info), Some([120.0, 950.0]));
}

#[test]
fn each_kind_of_picture_keeps_its_own_contrast_and_a_sum_s_grows_with_its_slab() {
    let Bench { info, .. } = Bench::default();
    let mut view = tectum::ui::ViewState::default().for_dataset(&info);
    let mut history = tectum::ui::History::default();
    let mut apply = |view: &mut tectum::ui::ViewState, command: Command| history.apply(view, &command, &info, 0.0);
    apply(&mut view, Command::SetLimits([100.0, 900.0]));
    apply(&mut view, Command::SetMode(Mode::Projection));
    apply(&mut view, Command::SetProjection(Projection::Std));
    assert_eq!(view.limits(&info), None, "those of planes say nothing of deviations");
    assert_eq!(view.display(&info).limits, [0.0, 32767.5]);
    apply(&mut view, Command::SetLimits([3.0, 40.0]));
    apply(&mut view, Command::SetProjection(Projection::Sum));
    assert_eq!(view.display(&info).limits, [0.0, 24.0 * 65535.0]);
    apply(&mut view, Command::SetLimits([2400.0, 21_600.0]));
    apply(&mut view, Command::SetSlab(Some([4, 10])));
    assert_eq!(view.limits(&info), Some([600.0, 5400.0]), "six planes instead of 24");
    apply(&mut view, Command::SetSlab(None));
    assert_eq!(view.limits(&info), Some([2400.0, 21_600.0]));
    apply(&mut view, Command::SetProjection(Projection::Std));
    assert_eq!(view.limits(&info), Some([3.0, 40.0]));
    apply(&mut view, Command::SetMode(Mode::Plane));
    assert_eq!(view.limits(&info), Some([100.0, 900.0]));
    // Each change of limits is a step of its own to go back to.
    while apply(&mut view, Command::Undo) {}
    assert_eq!(view.limits(&info), None);
}

#[test]
fn limits_of_large_numbers_are_told_apart_and_typed() {
    let mut bench = Bench::default();
    bench.info.dtype = tectum::volume::DType::I32;
    let mut window = harness_of(bench, [1280.0, 800.0], 1.0);
    window.state_mut().bins.clear();
    let limits = |window: &Window| window.state().view.limits(&window.state().info);
    type_number(&mut window, "Upper limit", "1000000020");
    type_number(&mut window, "Lower limit", "1 000 000 010");
    assert_eq!(limits(&window), Some([1_000_000_010.0, 1_000_000_020.0]));
    for (name, value) in [("Lower limit", 1_000_000_010.0), ("Upper limit", 1_000_000_020.0)] {
        let field = window.get_by_role_and_label(Role::SpinButton, name);
        assert_eq!(field.accesskit_node().numeric_value(), Some(value));
        let width = field.rect().width();
        assert!(width > 110.0, "{name} has room for ten digits: {width}");
    }
    window.state_mut().info.dtype = tectum::volume::DType::F64;
    window.run();
    type_number(&mut window, "Upper limit", "1e300");
    type_number(&mut window, "Lower limit", "-2,5e-300");
    assert_eq!(limits(&window), Some([-2.5e-300, 1e300]));
}

#[test]
fn both_kinds_of_automatic_contrast_have_a_button_and_a_key() {
    let mut window = harness();
    click(&mut window, Role::Button, "Auto contrast of this picture");
    assert!(window.state_mut().take().contains(&Command::Session(SessionCommand::FitContrast)));
    assert!(press_with(&mut window, Modifiers::SHIFT, Key::A).contains(&Command::Session(SessionCommand::FitContrast)));
    assert!(press(&mut window, Key::A).contains(&Command::AutoContrast));
    let of = |window: &Window| window.get_by_role_and_label(Role::Image, "Histogram").value();
    assert_eq!(of(&window).as_deref(), Some("planes"));
    press(&mut window, Key::P);
    window.state_mut().view.views[0].op = Projection::Sum;
    window.run();
    assert_eq!(of(&window).as_deref(), Some("sum of 24"));
}

#[test]
fn the_theme_and_the_folds_answer() {
    let mut window = harness();
    click(&mut window, Role::Button, "Light theme");
    assert_eq!(window.state().view.panels.theme, Theme::Light);
    click(&mut window, Role::DisclosureTriangle, "Contrast section");
    assert!(window.query_by_role_and_label(Role::SpinButton, "Gamma").is_none());
    click(&mut window, Role::DisclosureTriangle, "Contrast section");
    assert!(window.query_by_role_and_label(Role::SpinButton, "Gamma").is_some());
}

#[test]
fn a_small_window_folds_the_side_panel_and_cuts_nothing() {
    for size in [[1024.0, 700.0], [640.0, 400.0]] {
        let mut window = harness_of(Bench::default(), size, 2.0);
        let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        assert!(window.query_by_role_and_label(Role::SpinButton, "Gamma").is_none());
        click(&mut window, Role::Button, "Contrast");
        window.run();
        for name in ["Gamma", "Lower limit", "Upper limit", "Timepoint"] {
            let rect = window.get_by_role_and_label(Role::SpinButton, name).rect();
            assert!(whole.contains_rect(rect), "{name} at {rect:?} in {size:?}");
        }
        for name in ["Play", "Last timepoint", "Open…", "More", "Dataset"] {
            let rect = window.get_by_role_and_label(Role::Button, name).rect();
            assert!(whole.contains_rect(rect), "{name} at {rect:?} in {size:?}");
        }
    }
}

/// One of each.
fn every_command() -> Vec<Command> {
    use tectum::ui::{Camera, Section};
    use tectum::volume::{Colormap, Interpolation, Orientation, PictureValues, Projection, ValueKind};
    vec![
        Command::ScrubTo(3),
        Command::StepT(1),
        Command::PlayTo { t: 3, direction: 1 },
        Command::FollowTo(7),
        Command::DepthTo(3),
        Command::StepDepth(1),
        Command::SetOrientation(Orientation::Xz),
        Command::SetMode(Mode::Projection),
        Command::ToggleMode,
        Command::SetProjection(Projection::Min),
        Command::SetSlab(Some([2, 5])),
        Command::AddView { orientation: Orientation::Yz, is_below: true },
        Command::CloseView(tectum::volume::ViewId(1)),
        Command::SetLayout(tectum::ui::Layout::Column(vec![
            (1.0, tectum::ui::Layout::View(tectum::volume::ViewId(0))),
            (1.0, tectum::ui::Layout::View(tectum::volume::ViewId(1))),
        ])),
        Command::SetOpacity(0.5),
        Command::SetBlend(tectum::volume::Blend::Add),
        Command::SetActiveView(tectum::volume::ViewId(1)),
        Command::SetActiveLayer(1),
        Command::ToggleLayer(1),
        Command::SetInterpolation(Interpolation::Linear),
        Command::SetLimits([1.0, 2.0]),
        Command::AutoContrast,
        Command::Session(SessionCommand::FitContrast),
        Command::LimitsOfPicture { values: PictureValues { kind: ValueKind::Voxels, num: 1 }, limits: [8.0, 9.0] },
        Command::LimitsMeasured {
            layer: 0,
            values: PictureValues { kind: ValueKind::Voxels, num: 1 },
            limits: [3.0, 4.0],
            is_wished: false,
        },
        Command::LimitsGuessed {
            layer: 0,
            values: PictureValues { kind: ValueKind::Voxels, num: 1 },
            limits: [3.0, 4.0],
        },
        Command::SetGamma(0.5),
        Command::SetColormap(Colormap::Gray),
        Command::ToggleInvert,
        Command::ToggleSaturation,
        Command::ToggleColorBar,
        Command::SetCamera(Camera { zoom: 3.0, ..Camera::FIT }),
        Command::ZoomBy(1.5),
        Command::Fit,
        Command::TogglePlay,
        Command::StopPlay,
        Command::SetPlayMode(PlayMode::RealTime),
        Command::SetPlayRate(3.0),
        Command::SetPlaySpeed(2.0),
        Command::SetTimeZoom(Some([2.0, 5.0])),
        Command::SetLoop(Loop::BackAndForth),
        Command::ToggleFollow,
        Command::ToggleTheme,
        Command::ToggleSection(Section::View),
        Command::ToggleDrawer(Section::View),
        Command::ToggleOverlay(Overlay::Problems),
        Command::CloseOverlay,
        Command::Undo,
        Command::Redo,
        Command::SetStill(StillOptions { scale: 3, ..StillOptions::default() }),
        Command::Session(SessionCommand::SetStillPath("somewhere.png".to_owned())),
        Command::App(AppCommand::BrowseStillPath),
        Command::Session(SessionCommand::SavePicture("somewhere/a.png".into())),
        Command::Session(SessionCommand::CopyPicture),
        Command::Session(SessionCommand::ShowSaved),
        Command::App(AppCommand::BrowseFolder),
        Command::App(AppCommand::BrowseFile),
        Command::App(AppCommand::OpenPath("somewhere".into())),
        Command::App(AppCommand::OpenDemo),
        Command::App(AppCommand::CancelOpening),
        Command::App(AppCommand::CloseDataset),
        Command::App(AppCommand::LeaveOutSuspects(true)),
        Command::App(AppCommand::ChooseDataset(1)),
        Command::App(AppCommand::RemoveRecent("somewhere".into())),
        Command::Session(SessionCommand::RetryFailures),
        Command::App(AppCommand::TryAgain),
        Command::App(AppCommand::WaitForRecording),
        Command::App(AppCommand::CompletePath("some".to_owned())),
        Command::App(AppCommand::Tell(Tell::Rate(Some(2.0)))),
        Command::App(AppCommand::Forget(Forget::Recording)),
        Command::App(AppCommand::ClearNotes),
    ]
}

#[test]
fn every_command_of_the_view_changes_it() {
    let Bench { info, .. } = Bench::default();
    for command in every_command() {
        // A view in which each of them makes a difference.
        let mut view = tectum::ui::ViewState::default().for_dataset(&info);
        let mut history = tectum::ui::History::default();
        for earlier in [Command::SetGamma(2.0), Command::SetLimits([5.0, 6.0]), Command::ScrubTo(50), Command::Undo] {
            history.apply(&mut view, &earlier, &info, 0.0);
        }
        view.views[0].camera.zoom = 2.0;
        view.views.push(tectum::ui::View { id: tectum::volume::ViewId(1), ..view.views[0] });
        view.layers.push(view.layers[0].clone());
        let values = view.values(&info);
        view.apply(&Command::LimitsMeasured { layer: 0, values, limits: [7.0, 8.0], is_wished: false }, &info);
        view.apply(&Command::SetLimits([5.0, 6.0]), &info);
        (view.play.is_running, view.follow, view.panels.overlay) = (true, true, Some(Overlay::Keys));
        let changed = history.apply(&mut view, &command, &info, 100.0);
        match &command {
            Command::Session(SessionCommand::SavePicture(_)) => assert!(changed, "its folder is remembered"),
            Command::Session(_) => assert!(!changed, "{command:?}"),
            Command::App(_) => {}
            _ => assert!(changed, "{command:?} does nothing"),
        }
    }
}

fn open_save(bench: Bench, size: [f32; 2]) -> Window {
    let mut window = harness_of(bench, size, 1.0);
    let opened = press_with(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(opened, [Command::ToggleOverlay(Overlay::Save)]);
    window
}

fn saving(path: &str) -> Bench {
    let mut bench = Bench::default();
    bench.saving.path = path.to_owned();
    bench.saving.num_bytes = Some(3_400_000);
    bench.saving.free_bytes = Some(412_000_000_000);
    bench
}

#[test]
fn the_picture_is_saved_from_its_sheet() {
    let mut window = open_save(saving("/figures/fish3_t114_z12.png"), [1280.0, 800.0]);
    for name in ["As on screen", "Whole plane", "Voxels 1 : 1"] {
        window.get_by_role_and_label(Role::RadioButton, name);
    }
    window.state_mut().take();
    click(&mut window, Role::RadioButton, "Voxels 1 : 1");
    click(&mut window, Role::CheckBox, "Color bar");
    let still = window.state().view.still;
    assert_eq!((still.extent, still.color_bar, still.scale_bar), (Extent::Voxels, true, true));
    window.state_mut().take();
    let saved =
        [Command::Session(SessionCommand::SavePicture("/figures/fish3_t114_z12.png".into())), Command::CloseOverlay];
    click(&mut window, Role::Button, "Save picture");
    assert_eq!(window.state_mut().take(), saved);
    // Enter does what the one coloured button does, and Esc what the other does.
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(press(&mut window, Key::Enter), saved);
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    window.state_mut().take();
    window.event(egui::Event::Copy);
    window.run();
    assert_eq!(window.state_mut().take(), [Command::Session(SessionCommand::CopyPicture)]);
    click(&mut window, Role::Button, "Choose…");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::BrowseStillPath)]);
    press(&mut window, Key::Escape);
    assert_eq!(window.state().view.panels.overlay, None);
}

#[test]
fn what_cannot_be_saved_says_why_and_what_is_replaced_says_so() {
    let mut bench = saving("/figures/a.png");
    bench.saving.replaces = Some("3 min ago".to_owned());
    let mut window = open_save(bench, [1024.0, 700.0]);
    click(&mut window, Role::Button, "Replace picture");
    window.state_mut().saving.refusal = Some("there is no folder /figures".to_owned());
    window.run();
    window.state_mut().take();
    assert!(press(&mut window, Key::Enter).is_empty(), "nothing is saved that is refused");
}

#[test]
fn a_right_click_offers_the_picture_and_what_is_under_the_pointer() {
    let mut window = harness();
    let canvas = window.get_by_role_and_label(Role::Canvas, "Picture").rect();
    window.hover_at(canvas.center());
    window.run();
    for pressed in [true, false] {
        let (pos, button, modifiers) = (canvas.center(), egui::PointerButton::Secondary, Modifiers::NONE);
        window.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        window.run();
    }
    let value = window.query_all_by_role(Role::MenuItem).find_map(|node| {
        let label = node.accesskit_node().label()?;
        label.strip_prefix("Copy value ").map(str::to_owned)
    });
    let value: usize = value.expect("the value is offered").parse().expect("a number");
    let position = window.query_all_by_role(Role::MenuItem).find_map(|node| {
        let label = node.accesskit_node().label()?;
        label.strip_prefix("Copy position ").map(str::to_owned)
    });
    let (row, column) = (value / 1024, value % 1024);
    assert_eq!(position, Some(format!("t 0, z 12, y {row}, x {column}")));
    window.state_mut().take();
    click(&mut window, Role::MenuItem, "Copy picture");
    assert_eq!(window.state_mut().take(), [Command::Session(SessionCommand::CopyPicture)]);
    window.event(egui::Event::Copy);
    window.run();
    assert_eq!(window.state_mut().take(), [Command::Session(SessionCommand::CopyPicture)]);
}

/// Opens the field of a fact, types over what stands there, Enter.
fn type_fact(window: &mut Window, name: &str, text: &str) -> Vec<Command> {
    window.state_mut().take();
    window.get_by_role_and_label(Role::Button, name).click();
    window.run();
    window.get_by_role_and_label(Role::TextInput, name).type_text(text);
    window.run();
    window.key_press(Key::Enter);
    window.run();
    window.state_mut().take()
}

fn facts_window(change: impl FnOnce(&mut Bench)) -> Window {
    let mut bench = Bench::default();
    (bench.info.voxel_size, bench.array.voxel_size) = (None, None);
    (bench.info.rate_hz, bench.array.rate_hz) = (None, None);
    bench.view.panels.folded = [true, true, true, true, true, false];
    change(&mut bench);
    harness_of(bench, [1280.0, 800.0], 1.0)
}

#[test]
fn unknown_facts_are_typed_where_they_stand() {
    let mut window = facts_window(|_| ());
    let told = type_fact(&mut window, "Voxel z y x", "5 0.6 0.7");
    assert_eq!(told, [Command::App(AppCommand::Tell(Tell::VoxelSize(Some([5.0, 0.6, 0.7]))))]);
    let told = type_fact(&mut window, "Rate", "0.5 s");
    assert_eq!(told, [Command::App(AppCommand::Tell(Tell::Rate(Some(2.0))))]);
    let told = type_fact(&mut window, "Axes", "ztyx");
    assert_eq!(told, [Command::App(AppCommand::Tell(Tell::Axes(Some("ztyx".to_owned()))))]);
    // Nonsense is explained, stays to be mended, and Esc gives it up.
    assert_eq!(type_fact(&mut window, "Voxel z y x", "five"), []);
    window.get_by_role_and_label(Role::Alert, "three numbers in µm: z y x");
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_role_and_label(Role::TextInput, "Voxel z y x").is_none());
    assert!(!window.state_mut().take().iter().any(|command| matches!(command, Command::App(AppCommand::Tell(_)))));
}

#[test]
fn what_the_rig_knows_need_not_be_typed_and_what_was_said_can_be_taken_back() {
    let mut window = facts_window(|bench| bench.array.facts.push(("Plane distance".to_owned(), "10 µm".to_owned())));
    let told = type_fact(&mut window, "Voxel z y x", "0.6");
    assert_eq!(told, [Command::App(AppCommand::Tell(Tell::VoxelSize(Some([10.0, 0.6, 0.6]))))]);
    let mut window = facts_window(|bench| bench.info.rate_hz = Some(2.5));
    assert!(window.query_by_label("Voxel z y x from the file").is_none(), "nobody said it");
    click(&mut window, Role::Button, "Rate from the file");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::Tell(Tell::Rate(None)))]);
}

#[test]
fn a_wrong_folder_offers_what_lies_nearby_and_to_wait() {
    let bench = || Bench { screen: ui_bench::Screen::Absent, ..Bench::default() };
    let mut window = harness_of(bench(), [1280.0, 800.0], 1.0);
    window.get_by_label("It holds 3 folders, 1 .txt file.");
    click(&mut window, Role::Button, "Open fish2/original");
    assert_eq!(
        window.state_mut().take(),
        [Command::App(AppCommand::OpenPath("/data/2024-03-11/fish2/original".into()))]
    );
    click(&mut window, Role::Button, "Wait for a recording");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::WaitForRecording)]);
    // Esc leaves it.
    assert!(press(&mut window, Key::Escape).contains(&Command::App(AppCommand::CancelOpening)));
    // What is damaged is not waited for.
    let window = harness_of(Bench { screen: ui_bench::Screen::Error, ..bench() }, [1280.0, 800.0], 1.0);
    assert!(window.query_by_role_and_label(Role::Button, "Wait for a recording").is_none());
}

#[test]
fn a_typed_path_stays_until_it_is_open_and_tab_completes_it() {
    let bench = Bench { screen: ui_bench::Screen::Welcome, ..Bench::default() };
    let mut window = harness_of(bench, [1280.0, 800.0], 1.0);
    let typed = |window: &Window| window.get_by_role_and_label(Role::TextInput, "Path").value().unwrap_or_default();
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run();
    window.get_by_role_and_label(Role::TextInput, "Path").type_text("/data/fi");
    window.run();
    assert_eq!(press(&mut window, Key::Tab), [Command::App(AppCommand::CompletePath("/data/fi".to_owned()))]);
    let completion = tectum::ui::Completion {
        asked: "/data/fi".to_owned(),
        completed: "/data/fish".to_owned(),
        names: vec!["fish1/".to_owned(), "fish2/".to_owned()],
    };
    tectum::ui::complete_path(&window.ctx, &completion);
    window.run();
    assert_eq!(typed(&window), "/data/fish");
    window.get_by_label("fish1/   fish2/");
    // Typing goes on at its end, and an answer to an earlier question does not take it away.
    window.get_by_role_and_label(Role::TextInput, "Path").type_text("1");
    window.run();
    tectum::ui::complete_path(&window.ctx, &completion);
    window.run();
    assert_eq!(typed(&window), "/data/fish1");
    assert_eq!(press(&mut window, Key::Enter), [Command::App(AppCommand::OpenPath("/data/fish1".into()))]);
    assert_eq!(typed(&window), "/data/fish1", "it may yet have to be mended");
    tectum::ui::clear_typed_path(&window.ctx);
    window.run();
    assert_eq!(typed(&window), "");
    // With nothing to complete, Tab goes on to the next control.
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run();
    assert_eq!(press(&mut window, Key::Tab), []);
    assert!(!window.get_by_role_and_label(Role::TextInput, "Path").is_focused());
    // Where no dialog can be shown, the cursor stands in the field and why is said.
    tectum::ui::focus_path_field(&window.ctx, "no file dialog here");
    window.run();
    assert!(window.get_by_role_and_label(Role::TextInput, "Path").is_focused());
    window.get_by_label("no file dialog here");
}

#[test]
fn notes_are_listed_on_every_screen_once_there_are_any() {
    for screen in [ui_bench::Screen::Dataset, ui_bench::Screen::Welcome] {
        let mut window = harness_of(Bench { screen, ..Bench::default() }, [1280.0, 800.0], 1.0);
        assert!(window.query_by_role_and_label(Role::Button, "Notes").is_none());
        let note = tectum::ui::Note {
            text: "the graphics device was lost".to_owned(),
            is_error: true,
            num: 3,
            last: std::time::SystemTime::now(),
        };
        tectum::ui::notes::publish(&window.ctx, vec![note]);
        window.run();
        click(&mut window, Role::Button, "Notes");
        let item = window.get_by_role(Role::ListItem);
        assert!(item.accesskit_node().label().unwrap_or_default().starts_with("The graphics device was lost, 3 times"));
        click(&mut window, Role::Button, "Clear the notes");
        assert!(window.state_mut().take().contains(&Command::App(AppCommand::ClearNotes)));
    }
}

#[test]
fn doubtful_blocks_are_left_out_and_shown_again_from_the_list_of_problems() {
    let mut bench = Bench::default();
    bench.view.panels.overlay = Some(Overlay::Problems);
    bench.problems = vec![tectum::volume::Problem {
        code: "suspect_block",
        severity: tectum::volume::Severity::Warning,
        file: None,
        span: None,
        message: "perhaps left over".to_owned(),
    }];
    let mut window = harness_of(bench, [1280.0, 800.0], 1.0);
    click(&mut window, Role::Button, "Leave doubtful blocks out");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::LeaveOutSuspects(true))]);
    window.state_mut().problems[0].code = "left_out_block";
    window.run();
    click(&mut window, Role::Button, "Show doubtful blocks");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::LeaveOutSuspects(false))]);
}
