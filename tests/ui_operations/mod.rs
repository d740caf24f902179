//! The panel of operations, driven by role and name: steps are added, tuned, switched, moved, typed and copied.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::ui::{AppCommand, Command, LayerInfo, LayerState, Section, Step};

use super::ui_bench::{Bench, harness_of};
use super::{Window, click, press, press_with, type_number};

fn window_of(texts: &[&str]) -> Window {
    let mut bench = Bench::default();
    bench.view.panels.folded = [true; Section::ALL.len()];
    bench.view.panels.folded[Section::Operations as usize] = false;
    bench.view.layers[0].operations = texts.iter().map(|text| Step::new(*text)).collect();
    harness_of(bench, [1280.0, 800.0], 1.0)
}

fn texts(window: &Window) -> Vec<String> {
    let steps = &window.state().view.layers[0].operations;
    steps.iter().map(|step| format!("{}{}", if step.is_on { "" } else { "off: " }, step.text)).collect()
}

fn type_into(window: &mut Window, name: &str, text: &str, end: Key) {
    window.get_by_role_and_label(Role::TextInput, name).focus();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.get_by_role_and_label(Role::TextInput, name).type_text(text);
    window.run();
    window.key_press(end);
    window.run();
}

#[test]
fn an_operation_is_chosen_from_the_groups_of_the_menu() {
    let mut window = window_of(&[]);
    click(&mut window, Role::ComboBox, "Add operation");
    click(&mut window, Role::DisclosureTriangle, "Arithmetic");
    click(&mut window, Role::MenuItem, "subtract: subtract a value");
    assert_eq!(texts(&window), ["subtract 1"]);
    click(&mut window, Role::ComboBox, "Add operation");
    click(&mut window, Role::DisclosureTriangle, "Functions, type");
    click(&mut window, Role::MenuItem, "log1p: logarithm of 1 + the value");
    assert_eq!(texts(&window), ["subtract 1", "log1p"]);
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(texts(&window), ["subtract 1"]);
}

#[test]
fn an_array_is_chosen_in_a_dialog_and_named_shortly() {
    let mut window = window_of(&["divide @/data/fish/flat.npy over y"]);
    // Where it lies is told by pointing at it.
    assert!(window.query_by_role_and_label(Role::Button, "Edit step 1: divide by flat.npy along y").is_some());
    click(&mut window, Role::ComboBox, "Add operation");
    click(&mut window, Role::DisclosureTriangle, "With an array in a folder…");
    click(&mut window, Role::MenuItem, "concatenate: behind the last timepoint");
    let sent = window.state_mut().take();
    let asked = AppCommand::BrowseArray { operation: "concatenate", is_folder: true };
    assert_eq!(sent, [Command::App(asked)]);
    window.state_mut().awaited_array = Some("/data/fish/second half.h5");
    window.run();
    assert!(window.query_by_role_and_label(Role::Label, "Opening second half.h5…").is_some());
}

#[test]
fn numbers_are_dragged_and_typed() {
    let mut window = window_of(&["subtract 100", "dff percentile 10.0 window 101"]);
    type_number(&mut window, "Number of step 1", "250");
    type_number(&mut window, "Number 2 of step 2", "7");
    type_number(&mut window, "Number 1 of step 2", "800");
    assert_eq!(texts(&window), ["subtract 250", "dff percentile 100.0 window 7"], "no percentage is above 100");
    window.state_mut().clock_s += 5.0;
    let field = window.get_by_role_and_label(Role::SpinButton, "Number of step 1").rect();
    super::drag(&mut window, field.center(), field.center() + egui::vec2(8.0, 0.0));
    let text = texts(&window)[0].clone();
    let value: i64 = text.strip_prefix("subtract ").and_then(|value| value.parse().ok()).expect("a whole number");
    assert!(value > 250, "{value}");
    let sent = window.state_mut().take();
    assert!(sent.iter().all(|command| matches!(command, Command::SetStep { .. } | Command::SetOperations(_))));
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(texts(&window)[0], "subtract 250", "a drag is one step back");
}

#[test]
fn steps_are_switched_moved_edited_and_removed() {
    let mut window = window_of(&["subtract 100", "log1p", "round 1"]);
    click(&mut window, Role::Button, "Leave out step 2: logarithm of 1 + the value");
    assert_eq!(texts(&window), ["subtract 100", "off: log1p", "round 1"]);
    click(&mut window, Role::Button, "Carry out step 2: logarithm of 1 + the value");
    window.get_by_role_and_label(Role::Button, "Move step 1: subtract 100").focus();
    window.run();
    press(&mut window, Key::ArrowDown);
    assert_eq!(texts(&window), ["log1p", "subtract 100", "round 1"]);
    press(&mut window, Key::ArrowDown);
    assert_eq!(texts(&window), ["log1p", "round 1", "subtract 100"], "the focus goes with it");
    let from = window.get_by_role_and_label(Role::Button, "Move step 3: subtract 100").rect().center();
    let to = window.get_by_role_and_label(Role::Button, "Move step 1: logarithm of 1 + the value").rect().center();
    super::drag(&mut window, from, to - egui::vec2(0.0, 8.0));
    assert_eq!(texts(&window), ["subtract 100", "log1p", "round 1"]);
    click(&mut window, Role::Button, "Edit step 3: round to 1 decimal");
    type_into(&mut window, "Text of step 3: round to 1 decimal", "/ 2 | sqrt", Key::Enter);
    assert_eq!(texts(&window), ["subtract 100", "log1p", "divide 2", "sqrt"]);
    click(&mut window, Role::Button, "Remove step 2: logarithm of 1 + the value");
    assert_eq!(texts(&window), ["subtract 100", "divide 2", "sqrt"]);
}

#[test]
fn all_of_it_can_be_typed_and_what_is_wrong_is_said_while_the_picture_stays() {
    let mut window = window_of(&["subtract 100"]);
    let name = "Operations as text";
    type_into(&mut window, name, "- 90 | > 3", Key::Enter);
    assert_eq!(texts(&window), ["subtract 90", "greater 3"]);
    let field = window.get_by_role_and_label(Role::TextInput, name);
    assert_eq!(field.value().as_deref(), Some("subtract 90 | greater 3"));
    type_into(&mut window, name, "subtrakt 90", Key::Enter);
    assert_eq!(texts(&window), ["subtract 90", "greater 3"]);
    let said = window.get_by_role(Role::Alert).accesskit_node().label().unwrap_or_default();
    assert!(said.contains("subtrakt") && said.contains("subtract"), "{said}");
    assert_eq!(
        window.get_by_role_and_label(Role::TextInput, name).value().as_deref(),
        Some("subtrakt 90"),
        "it can be mended"
    );
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_role(Role::Alert).is_none());
    assert_eq!(window.get_by_role_and_label(Role::TextInput, name).value().as_deref(), Some("subtract 90 | greater 3"));
    // As it is copied, so it is pasted.
    type_into(&mut window, name, "--op 'log2 | * 2'", Key::Enter);
    assert_eq!(texts(&window), ["log2", "multiply 2"]);
    type_into(&mut window, name, "", Key::Enter);
    assert_eq!(texts(&window), ["log2", "multiply 2"], "nothing was typed");
    click(&mut window, Role::Button, "Copy operations");
    let copied = window.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert!(copied.is_none_or(|text| text == "--op 'log2 | multiply 2'"));
}

#[test]
fn what_is_computed_is_said_on_the_picture_in_the_line_below_and_in_the_folded_heading() {
    let mut window = window_of(&["subtract 100"]);
    let words = Some("subtract 100");
    window.state_mut().layers = vec![LayerInfo { name: "fish3_run2", state: LayerState::Here, computed: words }];
    window.state_mut().view.panels.folded = [true; Section::ALL.len()];
    window.run();
    let told = window.get_by_role_and_label(Role::Status, "Picture shown").value().unwrap_or_default();
    assert!(told.contains("computed: subtract 100"), "{told}");
    let canvas = window.get_by_role_and_label(Role::Canvas, "Picture").rect();
    window.hover_at(canvas.center());
    window.run();
    let value = window.get_by_role_and_label(Role::Status, "Value").value().unwrap_or_default();
    assert!(value.starts_with("computed "), "{value}");
    assert!(window.query_by_role_and_label(Role::DisclosureTriangle, "Operations section").is_some());
}

#[test]
fn a_refusal_is_told_below_in_one_line() {
    let mut window = window_of(&["subtract 100"]);
    window.state_mut().operations_fault = Some("one value comes of that, and no picture");
    window.run();
    let said = window.get_by_role(Role::Alert).accesskit_node().label();
    assert_eq!(said.as_deref(), Some("one value comes of that, and no picture"));
    for size in [[1280.0, 800.0], [1024.0, 700.0], [640.0, 420.0]] {
        let mut bench = Bench::default();
        bench.view.panels.folded = [false; Section::ALL.len()];
        bench.view.panels.drawer = Some(Section::Operations);
        bench.view.layers[0].operations = vec![Step::new("dff percentile 10.0 window 101"), Step::new("log")];
        harness_of(bench, size, 1.0).check_accessibility();
    }
}
