//! The keyboard goes through the controls as they are read, and is seen wherever it is.

use egui::accesskit::Role;
use egui::{Color32, Key, Modifiers, Rect, Shape};
use egui_kittest::kittest::Queryable as _;
use tectum::ui::{Regions, Section, Theme, theme};

use super::super::Window;
use super::super::ui_bench::{Screen, harness_of, live, problems};
use super::bench;
use crate::Bench;
use tectum::live::LiveState;

/// Where the focus is.
fn focused(window: &Window) -> Option<(egui::Id, Rect)> {
    let id = window.ctx.memory(|memory| memory.focused())?;
    window.ctx.read_response(id).map(|response| (id, response.rect))
}

/// Every stop of the Tab key, until it comes round.
fn stops(window: &mut Window, mut at_each: impl FnMut(&Window, Rect)) -> Vec<Rect> {
    let mut seen: Vec<(egui::Id, Rect)> = Vec::new();
    for _ in 0..150 {
        window.key_press_modifiers(Modifiers::NONE, Key::Tab);
        window.run();
        let Some((id, rect)) = focused(window) else { continue };
        if seen.first().is_some_and(|(first, _)| *first == id) {
            return seen.into_iter().map(|(_, rect)| rect).collect();
        }
        at_each(window, rect);
        seen.push((id, rect));
    }
    panic!("the focus does not come round: {} stops", seen.len());
}

/// Rectangles of strokes in a colour, with what they are clipped to.
fn rings(window: &Window, color: Color32) -> Vec<(Rect, Rect)> {
    fn collect(shape: &Shape, clip: Rect, color: Color32, found: &mut Vec<(Rect, Rect)>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, color, found)),
            Shape::Rect(rect) if rect.stroke.color == color && rect.stroke.width >= 1.5 => {
                found.push((rect.rect.expand(rect.stroke.width), clip));
            }
            Shape::Circle(circle) if circle.stroke.color == color => {
                let side = egui::Vec2::splat(2.0 * circle.radius + circle.stroke.width);
                found.push((Rect::from_center_size(circle.center, side), clip));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for clipped in &window.output().shapes {
        collect(&clipped.shape, clipped.clip_rect, color, &mut found);
    }
    found
}

fn assert_seen(window: &Window, at: Rect) {
    // The canvas is dark in both themes.
    let of = |theme| rings(window, theme::Tokens::of(theme).accent);
    let rings = [of(window.state().view.panels.theme), of(Theme::Dark)].concat();
    // A field's ring goes round its frame.
    let is_near = |ring: &Rect| {
        at.expand(8.0).contains_rect(*ring) || ring.contains_rect(at) && ring.height() < at.height() + 16.0
    };
    let near = rings.iter().filter(|(ring, _)| is_near(ring));
    let whole = near.clone().any(|(ring, clip)| clip.expand(0.5).contains_rect(*ring));
    assert!(whole, "no ring is seen around the focus at {at:?}; near it: {:?}", near.collect::<Vec<_>>());
}

#[test]
fn the_focus_is_seen_on_every_control_and_goes_in_reading_order() {
    for (size, theme, drawer) in [
        ([1280.0, 800.0], Theme::Dark, None),
        ([1280.0, 800.0], Theme::Light, None),
        ([1024.0, 700.0], Theme::Dark, Some(Section::View)),
    ] {
        let mut state = Bench { problems: problems(), live: Some(live(LiveState::Live)), ..bench() };
        state.view.panels.theme = theme;
        state.view.panels.drawer = drawer;
        state.view.views[0].mode = tectum::ui::Mode::Projection;
        state.view.views[0].slabs[0] = Some([4, 20]);
        let mut window = harness_of(state, size, 1.0);
        let stops = stops(&mut window, assert_seen);
        assert!(stops.len() >= 20, "{} stops", stops.len());
        let regions = Regions::new(Rect::from_min_size(egui::Pos2::ZERO, size.into()), tectum::ui::Regions::TIME);
        let order = [regions.top, regions.canvas, regions.side, regions.time];
        let region = |rect: &Rect| {
            // What lies over the canvas belongs to the panel.
            let is_drawer = regions.is_narrow && regions.canvas.contains(rect.center()) && rect.height() < 60.0;
            let place = order.iter().position(|region| region.contains(rect.center()));
            if is_drawer && rect.right() < regions.canvas.right() - 50.0 { Some(2) } else { place }
        };
        let places: Vec<_> = stops.iter().map(|rect| region(rect).expect("in a region")).collect();
        assert!(places.is_sorted(), "{places:?}");
        for pair in stops.windows(2) {
            let (first, second) = (pair[0], pair[1]);
            let is_row = region(&first) == region(&second) && (first.center().y - second.center().y).abs() < 6.0;
            let is_slab = first.width() > 20.0 && first.height() < 12.0;
            assert!(!is_row || is_slab || first.left() <= second.left(), "{first:?} before {second:?} in {size:?}");
        }
    }
}

#[test]
fn the_focus_is_seen_on_the_screens_without_a_recording() {
    for screen in [Screen::Welcome, Screen::Opening, Screen::Error, Screen::Waiting] {
        let mut window = harness_of(Bench { screen, ..bench() }, [1280.0, 800.0], 1.0);
        let stops = stops(&mut window, assert_seen);
        assert!(stops.len() >= 3, "{screen:?}: {} stops", stops.len());
    }
}

#[test]
fn a_dialog_keeps_the_focus_to_itself() {
    let mut state = bench();
    state.view.panels.overlay = Some(tectum::ui::Overlay::Open);
    let mut window = harness_of(state, [1280.0, 800.0], 1.0);
    let path = window.get_by_role_and_label(Role::TextInput, "Path").rect();
    let stops = stops(&mut window, assert_seen);
    assert!(stops.iter().all(|rect| rect.left() > path.left() - 60.0 && rect.right() < path.right() + 120.0));
}

#[test]
fn a_list_is_gone_through_with_the_keyboard_alone() {
    let mut window = harness_of(bench(), [1280.0, 800.0], 1.0);
    window.get_by_role_and_label(Role::ComboBox, "Interpolation").focus();
    window.run();
    let press = |window: &mut Window, key| {
        window.key_press(key);
        window.run();
    };
    press(&mut window, Key::Enter);
    press(&mut window, Key::Tab);
    press(&mut window, Key::Tab);
    let at = window.get_by_role_and_label(Role::MenuItem, "Linear");
    assert!(at.is_focused());
    assert_seen(&window, at.rect());
    press(&mut window, Key::Enter);
    assert_eq!(window.state().view.layers[0].interpolation, tectum::volume::Interpolation::Linear);
    assert!(window.query_by_role_and_label(Role::MenuItem, "Linear").is_none());
    assert!(window.get_by_role_and_label(Role::ComboBox, "Interpolation").is_focused(), "and on from there");
}
