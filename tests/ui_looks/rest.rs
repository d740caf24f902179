//! Long names, numbers that do not slide, limits the wrong way round, zoom in voxel and pixel.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::format::DatasetEntry;
use tectum::live::LiveState;
use tectum::ui::Command;
use tectum::volume::Orientation;

use super::super::ui_bench::{harness, harness_of, live, problems};
use super::super::{Window, click, press, press_with, type_number};
use super::bench;
use crate::Bench;

const LONG: &str = "20240311_fish3_6dpf_huc-h2b-gcamp6s_run2_lightsheet_0.25V_laser488_repeat_0007";

fn title(window: &Window) -> String {
    let whole = format!("{LONG} 206 t × 24 z × 1\u{2009}024 × 1\u{2009}024 · u16");
    window.get_by_role_and_label(Role::Heading, &whole).value().expect("what is seen of it")
}

#[test]
fn a_long_name_is_cut_in_its_middle_and_leaves_the_facts_their_room() {
    let mut state = bench();
    state.array.name = LONG.to_owned();
    let mut window = harness_of(state, [1280.0, 800.0], 1.0);
    let shown = title(&window);
    let (head, tail) = shown.split_once('…').expect("cut");
    assert!(LONG.starts_with(head) && head.len() > 8, "{shown}");
    assert!(tail.contains("0007"), "{shown}");
    assert!(tail.ends_with("u16"), "the facts are whole: {shown}");
    window.state_mut().array.name = "fish3".to_owned();
    window.run();
    let whole = window.get_by_label_contains("fish3 206 t").value().expect("what is seen");
    assert!(!whole.contains('…'), "{whole}");
}

#[test]
fn the_array_is_told_once() {
    let mut state = bench();
    state.array.facts.push(("Array".to_owned(), "stack_4D".to_owned()));
    let window = harness_of(state, [1280.0, 800.0], 1.0);
    assert!(window.query_by_label("Array: stack_4D").is_some(), "a fact where there is nothing to choose");
    let mut state = bench();
    state.array.facts.push(("Array".to_owned(), "stack_4D".to_owned()));
    state.datasets = ["stack_4D", "mean_4D"]
        .map(|name| DatasetEntry { name: name.to_owned(), summary: "f32".to_owned(), ..DatasetEntry::default() })
        .to_vec();
    let window = harness_of(state, [1280.0, 800.0], 1.0);
    assert!(window.query_by_role_and_label(Role::ComboBox, "Array").is_some());
    assert!(window.query_by_label("Array: stack_4D").is_none(), "not twice");
}

#[test]
fn ends_typed_the_wrong_way_round_change_places() {
    let mut window = harness();
    type_number(&mut window, "Lower limit", "2000");
    let limits = |window: &Window| {
        let state = window.state();
        state.view.limits(&state.info).expect("chosen").map(|limit| limit as i64)
    };
    assert_eq!(limits(&window), [1830, 2000]);
    type_number(&mut window, "Upper limit", "100");
    assert_eq!(limits(&window), [100, 1830]);
    type_number(&mut window, "Upper limit", "99999999");
    assert_eq!(limits(&window), [100, 65535], "no further than the type goes");

    click(&mut window, Role::RadioButton, "Projection");
    let info = window.state().info;
    type_number(&mut window, "Slab last plane", "9");
    type_number(&mut window, "Slab first plane", "15");
    assert_eq!(window.state().view.slab(&info), [9, 16]);
}

#[test]
fn the_zoom_is_told_in_pixels_for_a_voxel_and_goes_to_one() {
    for (pixels_per_point, orientation) in [(1.0, Orientation::Xy), (2.0, Orientation::Xy), (1.0, Orientation::Xz)] {
        let mut state = bench();
        state.view.views[0].orientation = orientation;
        let mut window = harness_of(state, [1280.0, 800.0], pixels_per_point);
        let zoom = |window: &Window| {
            window.get_by_role_and_label(Role::SpinButton, "Zoom").accesskit_node().numeric_value().expect("a number")
        };
        let canvas = window.get_by_label("Picture").rect();
        if orientation == Orientation::Xy {
            let fitted = f64::from(canvas.width().min(canvas.height()) * pixels_per_point) / 1024.0 * 100.0;
            assert!((zoom(&window) - fitted).abs() < 0.1, "{} and {fitted}", zoom(&window));
        }
        press_with(&mut window, Modifiers::SHIFT, Key::F);
        assert!((zoom(&window) - 100.0).abs() < 0.01, "{}", zoom(&window));
        press(&mut window, Key::Plus);
        press(&mut window, Key::Plus);
        assert!((zoom(&window) - 200.0).abs() < 0.1, "{}", zoom(&window));
        click(&mut window, Role::Button, "One voxel, one pixel");
        assert!((zoom(&window) - 100.0).abs() < 0.01, "{}", zoom(&window));
        type_number(&mut window, "Zoom", "400 %");
        assert!((zoom(&window) - 400.0).abs() < 0.1, "{}", zoom(&window));
        press(&mut window, Key::F);
        assert_eq!(window.state().view.views[0].camera, tectum::ui::Camera::FIT);
    }
}

#[test]
fn the_status_bar_shows_no_dashes_and_nothing_slides() {
    let mut state = Bench { live: Some(live(LiveState::Live)), ..bench() };
    state.figures.image_ms = None;
    state.live.as_mut().expect("live").lag_ms = None;
    let mut window = harness_of(state, [1280.0, 800.0], 1.0);
    let names = ["Voxel", "Value", "RAM", "GPU", "Image time", "Newest block", "Lag"];
    let places = |window: &Window| names.map(|name| window.get_by_role_and_label(Role::Status, name).rect());
    let before = places(&window);
    for name in names {
        let text = window.get_by_role_and_label(Role::Status, name).value().unwrap_or_default();
        assert!(!text.contains('–') && !text.contains('—'), "{name}: {text}");
    }
    let state = window.state_mut();
    state.figures.image_ms = Some(812.0);
    state.figures.num_skipped = 1200;
    state.figures.fps = Some(119.8);
    state.view.play.is_running = true;
    state.live.as_mut().expect("live").lag_ms = Some(95.0);
    window.hover_at(egui::pos2(700.0, 400.0));
    window.run();
    assert_eq!(places(&window), before);
    let live = window.state_mut().live.as_mut().expect("live");
    live.state = LiveState::Finished;
    window.run();
    assert_eq!(places(&window), before, "what has ended leaves its place empty");
}

#[test]
fn the_color_bar_says_the_limits_as_their_fields_do() {
    let mut state = bench();
    state.view.panels.color_bar = true;
    state.view.apply(&Command::SetLimits([95.1, 614.4]), &state.info);
    let window = harness_of(state, [1280.0, 800.0], 1.0);
    let bar = window.get_by_role_and_label(Role::Status, "Color bar shown");
    assert_eq!(bar.value().as_deref(), Some("95 to 614"));
}

#[test]
fn a_narrow_bar_keeps_the_rest_behind_three_dots() {
    let mut state = Bench { problems: problems(), live: Some(live(LiveState::Live)), ..bench() };
    state.array.name = LONG.to_owned();
    let mut window = harness_of(state, [1024.0, 700.0], 1.0);
    let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1024.0, 700.0));
    for name in ["Open…", "More", "Recording: LIVE 5.0 Hz", "Problems: 2 warnings"] {
        assert!(whole.contains_rect(window.get_by_role_and_label(Role::Button, name).rect()), "{name}");
    }
    click(&mut window, Role::Button, "More");
    window.state_mut().take();
    click(&mut window, Role::MenuItem, "Light theme");
    assert_eq!(window.state_mut().take(), [Command::ToggleTheme]);
    click(&mut window, Role::Button, "More");
    click(&mut window, Role::MenuItem, "Keys");
    assert_eq!(window.state().view.panels.overlay, Some(tectum::ui::Overlay::Keys));
}
