//! Every operation there is, in groups, to be added.

use egui::accesskit::Role;
use egui::{Align2, Id, Popup, PopupCloseBehavior, Rect, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{elided, focus_ring, scroll_to_focus, text, text_width};
use super::super::{AppCommand, Command, Step, icons};
use crate::array::delayed::{Entry, Group, catalogue};

/// In the order they are listed: what is done with recordings first.
const GROUPS: [(Group, &str); 6] = [
    (Group::Imaging, "Baseline, background, filters"),
    (Group::Arithmetic, "Arithmetic"),
    (Group::Functions, "Functions, type"),
    (Group::Comparison, "Compare"),
    (Group::Reductions, "Fold axes"),
    (Group::Arrangement, "Choose, order"),
];

/// What is done with an array that is chosen for it, with what that is good for.
const WITH_ARRAY: [(&str, &str); 5] = [
    ("subtract", "of the same shape"),
    ("divide", "of the same shape"),
    ("add", "of the same shape"),
    ("multiply", "of the same shape"),
    ("concatenate", "behind the last timepoint"),
];

/// Where such an array lies.
const LIES: [(bool, &str); 2] = [(false, "With an array in a file…"), (true, "With an array in a folder…")];

/// What was chosen.
enum Chosen {
    Entry(Entry),
    WithArray { operation: &'static str, is_folder: bool },
}

/// A button that drops the list; what is chosen there is the last step then.
pub fn add_menu(ui: &mut Ui, rect: Rect, steps: &[Step], commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id("add operation"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), "Add operation"));
    let is_open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    ui.painter().rect_filled(rect, 4.0, if response.hovered() || is_open { tokens.bg3 } else { tokens.bg2 });
    let label = "Add operation";
    let width = text_width(ui, label, font(12.0, Weight::Regular)) + 18.0;
    let left = rect.center() - vec2(width / 2.0, 0.0);
    text(ui.painter(), left + vec2(6.0, 0.0), Align2::CENTER_CENTER, icons::PLUS, icon_font(14.0), tokens.t1);
    text(ui.painter(), left + vec2(18.0, 0.0), Align2::LEFT_CENTER, label, font(12.0, Weight::Regular), tokens.t1);
    focus_ring(ui, &response, 4.0);
    let unfolded = response.id.with("unfolded");
    Popup::menu(&response).gap(4.0).width(288.0).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let room = (ui.ctx().content_rect().height() * 0.6).min(420.0);
        // As high as what is unfolded, not as what was when it was dropped.
        ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
            let command = match groups_ui(ui, unfolded) {
                Some(Chosen::Entry(entry)) => Command::SetOperations([steps, &[Step::new(entry.example)]].concat()),
                Some(Chosen::WithArray { operation, is_folder }) => {
                    Command::App(AppCommand::BrowseArray { operation, is_folder })
                }
                None => return scroll_to_focus(ui),
            };
            commands.push(command);
            ui.close();
            scroll_to_focus(ui);
        });
    });
}

fn groups_ui(ui: &mut Ui, unfolded: Id) -> Option<Chosen> {
    let entries = catalogue();
    let open = ui.data(|data| data.get_temp::<usize>(unfolded)).unwrap_or(0);
    let mut chosen = None;
    let group_ui = |ui: &mut Ui, index: usize, label: &str| {
        let is_open = open == index;
        if heading_ui(ui, label, is_open) {
            ui.data_mut(|data| data.insert_temp(unfolded, if is_open { usize::MAX } else { index }));
        }
        is_open
    };
    for (index, (group, label)) in GROUPS.into_iter().enumerate() {
        if group_ui(ui, index, label) {
            for entry in entries.iter().filter(|entry| entry.group == group && is_offered(entry)) {
                if entry_ui(ui, &entry.name, &entry.words, &entry.example) {
                    chosen = Some(Chosen::Entry(entry.clone()));
                }
            }
        }
    }
    for (index, (is_folder, label)) in LIES.into_iter().enumerate() {
        if group_ui(ui, GROUPS.len() + index, label) {
            for (operation, words) in WITH_ARRAY {
                if entry_ui(ui, operation, words, &format!("{operation} @…")) {
                    chosen = Some(Chosen::WithArray { operation, is_folder });
                }
            }
        }
    }
    chosen
}

/// With the value on the left most operations of two are the same, or the opposite one; what needs an array is in
/// groups of its own.
fn is_offered(entry: &Entry) -> bool {
    let is_reversed = entry.name.strip_prefix('r').is_some_and(|name| entry.example == format!("r{name} 1"));
    (!is_reversed || ["rsubtract", "rdivide"].contains(&entry.name.as_str())) && entry.name != "concatenate"
}

fn heading_ui(ui: &mut Ui, label: &str, is_open: bool) -> bool {
    let tokens = Tokens::get(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, is_open, label));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, tokens.bg3);
    }
    let icon = if is_open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    let at = rect.left_center() + vec2(12.0, 0.0);
    text(ui.painter(), at, Align2::CENTER_CENTER, icon, icon_font(11.0), tokens.t2);
    let at = rect.left_center() + vec2(24.0, 0.0);
    text(ui.painter(), at, Align2::LEFT_CENTER, label, font(12.0, Weight::Medium), tokens.t1);
    focus_ring(ui, &response, 4.0);
    response.clicked()
}

fn entry_ui(ui: &mut Ui, name: &str, words: &str, example: &str) -> bool {
    let tokens = Tokens::get(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::click());
    let name = name.replace('_', " ");
    response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, true, format!("{name}: {words}")));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, tokens.bg3);
    }
    let at = rect.left_center() + vec2(24.0, 0.0);
    let drawn = text(ui.painter(), at, Align2::LEFT_CENTER, &name, font(12.0, Weight::Regular), tokens.t1);
    let room = rect.right() - 8.0 - drawn.right() - 12.0;
    let shown = elided(ui, if words == name { "" } else { words }, font(12.0, Weight::Regular), room.max(0.0));
    let at = rect.right_center() - vec2(8.0, 0.0);
    text(ui.painter(), at, Align2::RIGHT_CENTER, &shown, font(12.0, Weight::Regular), tokens.t3);
    focus_ring(ui, &response, 4.0);
    response.on_hover_text(format!("{words}\n{example}")).clicked()
}
