//! The time area with a map of quality: a click and a drag on it, its traces and their limits, what it says of a
//! place.

use egui::accesskit::Role;
use egui::{Pos2, Rect, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::qc::Code;
use tectum::ui::{AppCommand, Command, MapMeasure, Trace};

use super::super::ui_bench::harness_of;
use super::super::{Window, click, drag, explained, press};
use crate::Bench;

/// The map, as the picture of the story has it.
const MAP: Rect = Rect { min: pos2(116.0, 620.0), max: pos2(1092.0, 692.0) };

fn story() -> Window {
    let mut window = harness_of(Bench::story(), [1440.0, 900.0], 1.0);
    window.state_mut().take();
    window
}

fn at(t: f32, z: f32) -> Pos2 {
    MAP.min + vec2((t + 0.5) / 9000.0 * MAP.width(), (z + 0.5) / 24.0 * MAP.height())
}

fn place(window: &Window) -> [usize; 2] {
    let cursor = window.state().view.cursor;
    [cursor.t, cursor.z]
}

#[test]
fn a_click_on_the_map_goes_to_a_time_and_a_plane_and_a_drag_scrubs_both() {
    let mut window = story();
    let [_, z] = place(&window);
    super::super::click_at(&mut window, at(3000.0, 5.0));
    let [t, plane] = place(&window);
    assert!(t.abs_diff(3000) <= 5 && plane == 5 && z != 5, "t {t}, z {plane}");
    drag(&mut window, at(1000.0, 3.0), at(2000.0, 20.0));
    let [t, plane] = place(&window);
    assert!(t.abs_diff(2000) <= 5 && plane == 20, "t {t}, z {plane}");
    // What was pressed beside the map has no plane, wherever the pointer goes.
    let axis = pos2(at(4000.0, 0.0).x, MAP.top() - 30.0);
    drag(&mut window, axis, at(5000.0, 2.0));
    let [t, plane] = place(&window);
    assert!(t.abs_diff(5000) <= 5 && plane == 20, "t {t}, z {plane}");
    // One beyond the newest timepoint is the newest.
    super::super::click_at(&mut window, at(8500.0, 0.0));
    assert_eq!(place(&window), [6211, 0]);
}

#[test]
fn a_mark_is_where_the_alarm_begins_and_names_its_plane() {
    let mut window = story();
    super::super::click_at(&mut window, pos2(at(4150.0, 0.0).x + 5.0, MAP.top() - 11.0));
    assert_eq!(place(&window), [4150, 0], "the saturated planes");
    super::super::click_at(&mut window, pos2(at(1480.0, 0.0).x + 5.0, MAP.top() - 11.0));
    assert_eq!(place(&window), [1480, 0], "motion has no plane of its own");
}

#[test]
fn the_map_says_what_is_wrong_where_and_what_to_do() {
    let mut window = story();
    window.hover_at(at(5700.0, 8.0));
    window.run();
    let (title, rect) = explained(&window, "Planes shifted by one").expect("the alarm under the pointer");
    assert!(rect.bottom() < MAP.top() - 40.0 && (rect.left() - at(5700.0, 0.0).x).abs() < 330.0, "{title} {rect:?}");
    let (words, _) = explained(&window, "From t 5\u{2009}622 (18:44.4) until now").expect("from when to when");
    assert!(words.ends_with("Stop and start the recording anew."), "{words}");
    assert!(explained(&window, "for 1:58").is_some());
    assert!(explained(&window, "z 8 · mean").is_some(), "what was measured there");
    assert!(explained(&window, "Planes 0–1 saturated").is_none(), "not of this plane");
    window.hover_at(at(5000.0, 1.0));
    window.run();
    assert!(explained(&window, "Planes 0–1 saturated").is_some());
    window.hover_at(at(2500.0, 1.0));
    window.run();
    assert!(explained(&window, "From").is_none() && explained(&window, "t 2\u{2009}5").is_some());
}

#[test]
fn limits_are_dragged_typed_by_arrows_and_put_back() {
    let mut window = story();
    let handle = |window: &Window, name: &str| window.get_by_role_and_label(Role::Slider, name).rect();
    let warning = handle(&window, "Motion warning");
    assert!(warning.left() >= MAP.right() && warning.right() <= 1152.0, "right of the rows: {warning:?}");
    let value = |window: &Window, name: &str| {
        let node = window.get_by_role_and_label(Role::Slider, name);
        node.accesskit_node().numeric_value().expect("a number")
    };
    assert_eq!(value(&window, "Motion warning"), 2.0);
    drag(&mut window, warning.center(), warning.center() - vec2(0.0, 4.6));
    let set: Vec<(Code, bool, f64)> = window.state_mut().take().into_iter().filter_map(limit_set).collect();
    let (code, is_alarm, last) = *set.last().expect("a limit was set");
    assert!(code == Code::Motion && !is_alarm && (last - 3.0).abs() < 0.3, "{set:?}");
    drag(&mut window, warning.center(), warning.center() - vec2(0.0, 60.0));
    let set: Vec<(Code, bool, f64)> = window.state_mut().take().into_iter().filter_map(limit_set).collect();
    assert_eq!(set.last(), Some(&(Code::Motion, false, 5.0)), "no further than its alarm");
    window.get_by_role_and_label(Role::Slider, "Saturation alarm").focus();
    window.run();
    let by_key = press(&mut window, egui::Key::ArrowUp);
    assert!(
        by_key
            .iter()
            .cloned()
            .filter_map(limit_set)
            .any(|(code, is_alarm, value)| { code == Code::Saturation && is_alarm && value > 0.1 })
    );
    let alarm = handle(&window, "Motion alarm").center();
    window.run_steps(40);
    for _ in 0..2 {
        window.drag_at(alarm);
        window.step();
        window.drop_at(alarm);
        window.step();
    }
    assert!(window.state_mut().take().contains(&Command::App(AppCommand::ResetLimit(Code::Motion))));
}

fn limit_set(command: Command) -> Option<(Code, bool, f64)> {
    match command {
        Command::App(AppCommand::SetLimit { code, is_alarm, value }) => Some((code, is_alarm, value?)),
        _ => None,
    }
}

#[test]
fn the_measure_of_the_map_and_the_order_of_the_traces_are_chosen() {
    let mut window = story();
    click(&mut window, Role::ComboBox, "Measure of the map");
    click(&mut window, Role::MenuItem, "Saturation");
    assert_eq!(window.state().view.panels.map_measure, MapMeasure::Saturation);
    let name = |window: &Window, index: usize, trace: &str| {
        window.get_by_role_and_label(Role::ComboBox, &format!("Trace {index}: {trace}")).rect()
    };
    let first = name(&window, 1, "Motion");
    let third = name(&window, 3, "Saturation");
    drag(&mut window, first.center(), third.center());
    assert_eq!(window.state().view.panels.trace_order[..3], [Trace::Intensity, Trace::Saturation, Trace::Motion]);
    assert_eq!(name(&window, 1, "Intensity"), first);
    click(&mut window, Role::ComboBox, "Trace 2: Saturation");
    click(&mut window, Role::MenuItem, "Z drift");
    let order = window.state().view.panels.trace_order;
    assert_eq!(order[..4], [Trace::Intensity, Trace::ZDrift, Trace::Motion, Trace::Saturation]);
    let told = window.get_by_role_and_label(Role::ComboBox, "Trace 3: Motion").value();
    assert!(told.as_deref().is_some_and(|told| told.ends_with(" px")), "{told:?}");
}

#[test]
fn traces_fold_and_the_grip_makes_room_for_more() {
    let mut window = story();
    let height = |window: &Window| window.get_by_role_and_label(Role::Slider, "Time").rect().height();
    assert_eq!(height(&window), 255.0);
    let grip = window.get_by_role_and_label(Role::Splitter, "Height of time").rect().center();
    drag(&mut window, grip, grip - vec2(0.0, 84.0));
    assert!(window.query_by_role_and_label(Role::ComboBox, "Trace 5: Focus").is_some(), "two more");
    click(&mut window, Role::Button, "Traces");
    assert_eq!(height(&window), 94.0);
    assert!(window.query_by_role_and_label(Role::Slider, "Motion warning").is_none());
    assert!(window.query_by_role_and_label(Role::ComboBox, "Measure of the map").is_some(), "the map stays");
    press(&mut window, egui::Key::T);
    assert_eq!(height(&window), 255.0, "as high as its rows again");
    let grip = window.get_by_role_and_label(Role::Splitter, "Height of time").rect().center();
    drag(&mut window, grip, grip + vec2(0.0, 150.0));
    assert_eq!(height(&window), 94.0, "drawn shut");
}

#[test]
fn no_row_moves_when_values_change() {
    let mut window = story();
    let rects = |window: &Window| -> Vec<Rect> {
        let mut rects: Vec<Rect> = ["Motion warning", "Motion alarm", "Saturation alarm", "Time"]
            .iter()
            .map(|name| window.get_by_role_and_label(Role::Slider, name).rect())
            .collect();
        let names = ["Trace 1: Motion", "Trace 2: Intensity", "Measure of the map"];
        rects.extend(names.map(|name| window.get_by_role_and_label(Role::ComboBox, name).rect()));
        rects.extend(["Traces", "Next alarm"].map(|name| window.get_by_role_and_label(Role::Button, name).rect()));
        rects
    };
    let before = rects(&window);
    window.state_mut().view.cursor.t = 1501;
    window.state_mut().quality.as_mut().expect("known").verdict.alarms.truncate(1);
    window.run();
    assert_eq!(rects(&window), before);
}

#[test]
fn a_measure_that_cannot_be_had_says_why() {
    let mut state = Bench::story();
    let quality = state.quality.as_mut().expect("known");
    let mut snapshot = quality.snapshot.as_ref().clone();
    for t in 0..snapshot.table.num_t() {
        let mut row = snapshot.table.row(t).expect("measured").as_ref().clone();
        row.volume.shift = [f32::NAN; 2];
        snapshot.table.set(t, row);
    }
    snapshot.figures.notes.insert(Code::Motion, "planes of 4 × 4 voxels are too small".to_owned());
    quality.snapshot = std::sync::Arc::new(snapshot);
    let window = harness_of(state, [1440.0, 900.0], 1.0);
    let told = |name: &str| window.get_by_role_and_label(Role::ComboBox, name).value().expect("what it is");
    assert!(told("Trace 1: Motion").ends_with("too small"), "{}", told("Trace 1: Motion"));
    assert!(told("Trace 2: Intensity").ends_with('%'));
}
