//! Several keys within one frame.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use tectum::ui::{Command, Mode, Overlay};

use super::super::ui_bench::harness;
use super::{at_once, pressed, strokes};

const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;

#[test]
fn keys_are_applied_in_the_order_they_were_typed() {
    let mut window = harness();
    let typed = [Key::End, Key::ArrowLeft, Key::Home, Key::ArrowRight, Key::P, Key::ArrowDown];
    let commands = at_once(&mut window, strokes(typed.map(|key| (NONE, key))));
    assert_eq!(
        commands,
        [
            Command::ScrubTo(usize::MAX),
            Command::StepT(-1),
            Command::ScrubTo(0),
            Command::StepT(1),
            Command::ToggleMode,
            Command::StepDepth(1),
        ]
    );
    assert_eq!(window.state().view.cursor.t, 1);
    at_once(&mut window, strokes([Key::Home, Key::ArrowLeft, Key::ArrowRight].map(|key| (NONE, key))));
    assert_eq!(window.state().view.cursor.t, 1, "a step before the beginning is no step");
}

#[test]
fn what_a_key_opens_keeps_the_next_ones_until_it_is_closed() {
    let mut window = harness();
    let typed = [Key::F1, Key::P, Key::Escape, Key::P];
    let commands = at_once(&mut window, strokes(typed.map(|key| (NONE, key))));
    assert_eq!(
        commands,
        [Command::ToggleOverlay(Overlay::Keys), Command::CloseOverlay, Command::ToggleMode],
        "the P below the list of keys is nobody's"
    );
    assert_eq!(window.state().view.panels.overlay, None);
    at_once(&mut window, strokes([(NONE, Key::F1)]));
    let commands = at_once(&mut window, strokes([(NONE, Key::P), (NONE, Key::Escape), (NONE, Key::P)]));
    assert_eq!(commands, [Command::CloseOverlay, Command::ToggleMode]);
}

#[test]
fn modifiers_are_those_of_the_press_not_of_the_frame() {
    let mut window = harness();
    at_once(&mut window, strokes([(SHIFT, Key::ArrowRight), (NONE, Key::ArrowRight), (SHIFT, Key::ArrowRight)]));
    assert_eq!(window.state().view.cursor.t, 21);
    for modifiers in [Modifiers::ALT, Modifiers::CTRL | Modifiers::ALT | Modifiers::COMMAND, Modifiers::CTRL] {
        assert_eq!(at_once(&mut window, strokes([(modifiers, Key::P)])), [], "{modifiers:?}");
    }
    // The same where a control has the focus.
    let depth = window.state().view.depth_index();
    window.get_by_role_and_label(Role::Slider, "Depth").focus();
    window.run();
    at_once(&mut window, strokes([(SHIFT, Key::ArrowDown), (NONE, Key::ArrowUp), (NONE, Key::ArrowUp)]));
    assert_eq!(window.state().view.depth_index(), depth + 8);
    at_once(&mut window, strokes([(SHIFT, Key::ArrowDown), (SHIFT, Key::ArrowDown), (NONE, Key::ArrowUp)]));
    assert_eq!(window.state().view.depth_index(), 22, "the last plane, and one back");
}

#[test]
fn a_key_held_down_steps_on_but_throws_a_switch_once() {
    let mut window = harness();
    let held = |key| vec![pressed(NONE, key), pressed(NONE, key), pressed(NONE, key)];
    at_once(&mut window, held(Key::ArrowRight));
    assert_eq!(window.state().view.cursor.t, 3);
    assert_eq!(at_once(&mut window, held(Key::P)), [Command::ToggleMode]);
    assert_eq!(window.state().view.views[0].mode, Mode::Projection);
    assert_eq!(at_once(&mut window, held(Key::Space)), [Command::TogglePlay]);
}

#[test]
fn a_field_takes_what_is_typed_up_to_the_key_that_leaves_it() {
    let mut window = harness();
    window.get_by_role_and_label(Role::SpinButton, "Timepoint").click();
    window.run();
    let mut events = strokes([(NONE, Key::Num4)]);
    events.push(Event::Text("4".to_owned()));
    events.extend(strokes([(NONE, Key::P), (NONE, Key::Enter)]));
    events.extend(strokes([(NONE, Key::ArrowRight), (NONE, Key::ArrowRight)]));
    at_once(&mut window, events);
    assert_eq!((window.state().view.cursor.t, window.state().view.views[0].mode), (6, Mode::Plane));

    window.get_by_role_and_label(Role::SpinButton, "Timepoint").click();
    window.run();
    let commands = at_once(&mut window, strokes([(NONE, Key::A), (NONE, Key::Escape), (NONE, Key::P)]));
    assert_eq!(commands, [Command::ToggleMode]);
    assert_eq!(window.state().view.cursor.t, 6, "given up");
}

#[test]
fn an_open_list_takes_the_keys_until_it_closes() {
    let mut window = harness();
    window.get_by_role_and_label(Role::ComboBox, "Interpolation").click();
    window.run();
    assert!(window.query_by_role_and_label(Role::MenuItem, "Linear").is_some());
    let commands = at_once(&mut window, strokes([(NONE, Key::P), (NONE, Key::Escape), (NONE, Key::ArrowRight)]));
    assert_eq!(commands, [Command::StepT(1)]);
    assert!(window.query_by_role_and_label(Role::MenuItem, "Linear").is_none());
}
