//! The channels of a recording as chips: what each says, what pressing it does, and that they find their room.

use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers, Rect};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::ui::{Command, LIGHTS, LayerInfo, LayerState, LayerView};
use tectum::volume::{Blend, Colormap};

use super::super::ui_bench::{harness_of, live};
use super::super::{Window, click, press, press_with};
use super::bench;
use crate::Bench;

/// A recording of some channels, each in its colour.
fn channels(names: &[&'static str]) -> Bench {
    let mut bench = bench();
    bench.layers = names.iter().map(|name| LayerInfo { name, state: LayerState::Here, computed: None }).collect();
    let alone = bench.view.layers[0].clone();
    let lights = LIGHTS.iter().cycle();
    let view = |colormap: &Colormap| LayerView { colormap: *colormap, blend: Blend::Add, ..alone.clone() };
    bench.view.layers = lights.take(names.len()).map(view).collect();
    bench
}

const TWO: [&str; 2] = ["green", "red"];
const MANY: [&str; 16] =
    ["DAPI", "GFP", "mCherry", "Cy5 far red 640 nm long", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn is_shown(window: &Window, name: &str) -> bool {
    let node = window.get_by_role_and_label(Role::CheckBox, name);
    node.accesskit_node().toggled() == Some(Toggled::True)
}

#[test]
fn a_chip_shows_chooses_and_colours_its_channel() {
    for size in [[1440.0, 900.0], [1024.0, 700.0]] {
        let mut window = harness_of(channels(&TWO), size, 1.0);
        assert!(is_shown(&window, "Show red"));
        click(&mut window, Role::CheckBox, "Show red");
        assert!(!is_shown(&window, "Show red") && is_shown(&window, "Show green"));
        assert!(!window.state().view.layers[1].visible);
        click(&mut window, Role::RadioButton, "red");
        assert_eq!(window.state().view.active_layer, 1);
        click(&mut window, Role::Button, "Colour of green");
        click(&mut window, Role::RadioButton, "Cyan");
        let colors: Vec<_> = window.state().view.layers.iter().map(|layer| layer.colormap).collect();
        assert_eq!((colors, window.state().view.active_layer), (vec![Colormap::Cyan, Colormap::Magenta], 0));
        click(&mut window, Role::Button, "Colour of red");
        click(&mut window, Role::MenuItem, "Show it alone");
        assert_eq!(window.state().view.layers.iter().map(|layer| layer.visible).collect::<Vec<_>>(), [false, true]);
    }
}

#[test]
fn channels_are_gone_through_and_shown_by_keys() {
    let mut window = harness_of(channels(&TWO), [1024.0, 700.0], 1.0);
    assert_eq!(press(&mut window, Key::Period), [Command::StepLayer(1)]);
    assert_eq!(window.state().view.active_layer, 1);
    press(&mut window, Key::Period);
    assert_eq!(window.state().view.active_layer, 0, "round the end");
    press_with(&mut window, Modifiers::COMMAND, Key::Num2);
    assert!(!is_shown(&window, "Show red"));
    // The one there is, is always shown.
    let mut window = harness_of(bench(), [1024.0, 700.0], 1.0);
    press_with(&mut window, Modifiers::COMMAND, Key::Num1);
    assert!(window.state().view.layers[0].visible);
    assert!(window.query_by_role(Role::CheckBox).is_none(), "and needs no chip");
}

#[test]
fn chips_lie_within_the_bar_and_over_nothing_else() {
    for names in [&TWO[..], &MANY] {
        for width in [1440.0, 1100.0, 1024.0, 800.0, 640.0] {
            let mut state = channels(names);
            state.live = Some(live(tectum::live::LiveState::Live));
            let window = harness_of(state, [width, 700.0], 1.0);
            let title = window.query_all_by_role(Role::Heading).next().expect("the title").rect();
            let eyes = window
                .query_all_by_role(Role::CheckBox)
                .filter(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with("Show ")));
            let mut places: Vec<Rect> = eyes.map(|node| node.rect()).collect();
            places.extend(window.query_by_role_and_label(Role::Button, "More channels").map(|node| node.rect()));
            assert!(!places.is_empty(), "{} channels at {width}", names.len());
            let segments = window.query_by_role_and_label(Role::RadioButton, "Plane").map(|node| node.rect());
            let right = segments.map_or(width, |segments| segments.left());
            for place in &places {
                assert!(place.left() >= title.right() && place.right() <= right, "{place:?} beside {title:?}, {width}");
            }
        }
    }
}

#[test]
fn as_many_chips_are_drawn_as_there_is_room_for() {
    // Chips of one width.
    let names = ["ch 00"; 16];
    let window_of = |width: f32| harness_of(channels(&names), [width, 700.0], 1.0);
    let wide = window_of(1440.0);
    let eyes: Vec<f32> = wide.query_all_by_role(Role::CheckBox).map(|node| node.rect().left()).collect();
    let pitch = eyes[1] - eyes[0];
    for width in [1440.0, 1280.0, 1100.0, 1024.0, 900.0] {
        let window = window_of(width);
        let more = window.get_by_role_and_label(Role::Button, "More channels").rect();
        let segments = window.get_by_role_and_label(Role::RadioButton, "Plane").rect();
        let room = segments.left() - more.right();
        assert!(room < pitch, "{room} are left at {width}, and a chip takes {pitch}");
    }
}

#[test]
fn there_is_no_channel_that_cannot_be_reached() {
    let mut window = harness_of(channels(&MANY), [1024.0, 700.0], 1.0);
    click(&mut window, Role::Button, "More channels");
    for name in MANY {
        assert!(is_shown(&window, &format!("Show {name}")));
    }
    click(&mut window, Role::CheckBox, "Show l");
    assert!(!window.state().view.layers[15].visible);
}

#[test]
fn the_readout_tells_the_values_of_all_channels_that_are_shown() {
    let mut window = harness_of(channels(&TWO), [1024.0, 700.0], 1.0);
    let canvas = window.get_by_role_and_label(Role::Canvas, "Picture").rect();
    let said = |window: &mut Window| {
        window.hover_at(canvas.center());
        window.run();
        window.get_by_role_and_label(Role::Status, "Value").value().expect("values")
    };
    let both = said(&mut window);
    let numbers: Vec<i64> = both
        .split(|c: char| !c.is_ascii_digit() && c != '\u{2009}')
        .map(|number| number.replace('\u{2009}', ""))
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(both.starts_with("green ") && both.contains("red "), "{both}");
    assert_eq!(numbers[1] - numbers[0], 10, "{both}");
    press_with(&mut window, Modifiers::COMMAND, Key::Num1);
    let red = said(&mut window);
    assert!(red.starts_with("red ") && !red.contains("green"), "{red}");
}

#[test]
fn a_channel_that_is_not_seen_says_why() {
    let mut state = channels(&TWO);
    state.layers[1].state = LayerState::Former;
    let window = harness_of(state, [1024.0, 700.0], 1.0);
    let why = window.get_by_role_and_label(Role::RadioButton, "red").value();
    assert!(why.is_some_and(|why| why.contains("recording before")));
}
