//! Esc takes away what lies on top, and nothing else.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use tectum::ui::{AppCommand, Command, Overlay, Section};

use super::super::ui_bench::{Screen, harness, harness_of};
use super::super::{Window, click};
use super::{at_once, bench, strokes};
use crate::Bench;

fn escape(window: &mut Window) -> Vec<Command> {
    at_once(window, strokes([(Modifiers::NONE, Key::Escape)]))
}

#[test]
fn esc_closes_one_thing_at_a_time_the_topmost_first() {
    let mut window = harness_of(bench(), [1024.0, 700.0], 1.0);
    click(&mut window, Role::Button, "View");
    click(&mut window, Role::ComboBox, "Interpolation");
    assert!(window.query_by_role_and_label(Role::MenuItem, "Linear").is_some());
    escape(&mut window);
    assert!(window.query_by_role_and_label(Role::MenuItem, "Linear").is_none(), "first the list");
    assert_eq!(window.state().view.panels.drawer, Some(Section::View));

    window.get_by_role_and_label(Role::SpinButton, "Plane").click();
    window.run();
    escape(&mut window);
    assert!(window.query_by_role_and_label(Role::TextInput, "Plane").is_none(), "then what is being typed");
    assert_eq!(window.state().view.panels.drawer, Some(Section::View));

    window.state_mut().view.panels.overlay = Some(Overlay::Keys);
    window.run();
    escape(&mut window);
    assert_eq!((window.state().view.panels.overlay, window.state().view.panels.drawer), (None, Some(Section::View)));
    escape(&mut window);
    assert_eq!(window.state().view.panels.drawer, None, "last the drawer");
}

#[test]
fn esc_leaves_the_menu_and_the_dialog_with_its_field() {
    let mut window = harness_of(bench(), [1024.0, 700.0], 1.0);
    click(&mut window, Role::Button, "More");
    assert!(window.query_by_role_and_label(Role::MenuItem, "Undo").is_some());
    escape(&mut window);
    assert!(window.query_by_role_and_label(Role::MenuItem, "Undo").is_none());

    let mut window = harness();
    at_once(&mut window, strokes([(Modifiers::COMMAND | Modifiers::CTRL, Key::O)]));
    assert_eq!(window.state().view.panels.overlay, Some(Overlay::Open));
    assert!(window.get_by_role_and_label(Role::TextInput, "Path").is_focused(), "a path can be typed at once");
    escape(&mut window);
    assert_eq!(window.state().view.panels.overlay, None);
}

#[test]
fn esc_goes_back_from_every_screen() {
    // Back to what is open, or to the start.
    let back = Command::App(AppCommand::CancelOpening);
    for screen in [Screen::Error, Screen::Waiting, Screen::Opening] {
        let mut window = harness_of(Bench { screen, ..bench() }, [1280.0, 800.0], 1.0);
        at_once(&mut window, strokes([(Modifiers::NONE, Key::F1)]));
        assert!(!escape(&mut window).contains(&back), "{screen:?}: first the list of keys");
        assert!(escape(&mut window).contains(&back), "{screen:?}");
    }
}

#[test]
fn a_path_can_be_typed_on_the_welcome_screen_at_once() {
    let mut window = harness_of(Bench { screen: Screen::Welcome, ..bench() }, [1280.0, 800.0], 1.0);
    assert!(window.get_by_role_and_label(Role::TextInput, "Path").is_focused());
    window.event(egui::Event::Text("/data/fish 7".to_owned()));
    window.run();
    let commands = at_once(&mut window, strokes([(Modifiers::NONE, Key::Enter)]));
    assert_eq!(commands, [Command::App(AppCommand::OpenPath("/data/fish 7".into()))]);
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run();
    let commands = at_once(&mut window, strokes([(Modifiers::COMMAND | Modifiers::CTRL, Key::O)]));
    assert_eq!(commands, [Command::App(AppCommand::BrowseFolder)], "and the folder dialog is a key away");
}
