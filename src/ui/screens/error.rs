//! What could not be opened and why, what is there instead, and the ways on: recordings found nearby,
//! waiting, another path. A screen of its own, or a dialog over the recording that stays open.

use egui::{Align2, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, filled_icon_font, font, icon_font};
use super::super::widgets::{Button, Fill, focus_ring, runs, scroll_to_focus, text};
use super::super::{AppCommand, Command, OpenError, Overlay, ViewState, icons, overlay};
use super::{ground, keys, path_field};
use crate::format::FoundRecording;

/// Recordings listed at most.
const MAX_ROWS: usize = 40;

/// Draws the screen.
pub fn error_ui(ui: &mut Ui, state: &ViewState, error: &OpenError<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let room = ground(ui, state, &mut commands);
    let width = 560.0_f32.min(room.width() - 48.0);
    let id = ui.make_persistent_id("error height");
    // As high as it was in the frame before, in the middle of the room.
    let height = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(280.0).min(room.height() - 32.0);
    let top = (room.center().y - height / 2.0 - 16.0).max(room.top() + 16.0);
    let column = Rect::from_min_max(
        pos2(room.center().x - width / 2.0, top),
        pos2(room.center().x + width / 2.0, room.bottom() - 8.0),
    );
    let content = ui.scope_builder(UiBuilder::new().max_rect(column).id_salt("error"), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let output = egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(width);
            heading_ui(ui, error);
            rows_ui(ui, error, "Back", &mut commands);
            scroll_to_focus(ui);
        });
        output.content_size.y
    });
    if content.inner != height {
        ui.data_mut(|data| data.insert_temp(id, content.inner));
        ui.ctx().request_repaint();
    }
    keys(ui, state, Some(Command::App(AppCommand::CancelOpening)), &mut commands);
    commands
}

/// The dialog over an open recording, which nothing happened to.
pub fn not_opened_ui(ui: &mut Ui, error: &OpenError<'_>, commands: &mut Vec<Command>) {
    overlay::dialog(ui, Overlay::NotOpened, heading(error), 560.0, commands, |ui, commands| {
        let max = (ui.ctx().content_rect().height() - 160.0).max(160.0);
        egui::ScrollArea::vertical().max_height(max).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            rows_ui(ui, error, "Close", commands);
            scroll_to_focus(ui);
        });
    });
}

fn heading(error: &OpenError<'_>) -> &'static str {
    if error.is_absent { "No recording here" } else { "This could not be opened" }
}

fn heading_ui(ui: &mut Ui, error: &OpenError<'_>) {
    let tokens = Tokens::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::hover());
    let (icon, color) =
        if error.is_absent { (icons::FOLDER_OPEN, tokens.warn) } else { (icons::WARNING_OCTAGON, tokens.bad) };
    let icon_at = rect.left_top() + vec2(12.0, 12.0);
    text(ui.painter(), icon_at, Align2::CENTER_CENTER, icon, filled_icon_font(22.0), color);
    let at = rect.left_top() + vec2(40.0, 12.0);
    text(ui.painter(), at, Align2::LEFT_CENTER, heading(error), font(16.0, Weight::SemiBold), tokens.t1);
}

/// Everything below the heading.
fn rows_ui(ui: &mut Ui, error: &OpenError<'_>, back: &str, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let mut message = error.message.to_owned();
    if let Some(first) = message.chars().next() {
        message = first.to_uppercase().chain(message.chars().skip(1)).collect();
    }
    let file = error.file.to_string();
    let top = ui.cursor().min;
    paragraph(ui, &message, 13.0, tokens.t1);
    ui.add_space(8.0);
    paragraph(ui, &file, 12.0, tokens.t2);
    let all = Rect::from_min_max(top, pos2(top.x + ui.available_width(), ui.cursor().min.y));
    let response = ui.interact(all, ui.make_persistent_id("error"), Sense::hover());
    response.widget_info(|| {
        let label = format!("{}: {file}: {message}", heading(error));
        WidgetInfo::labeled(egui::accesskit::Role::Alert, true, label)
    });
    if let Some(there) = error.there {
        ui.add_space(8.0);
        let response = paragraph(ui, there, 12.0, tokens.t2);
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Status, true, there));
    }
    found_ui(ui, error, commands);
    ui.add_space(20.0);
    buttons_ui(ui, error, back, commands);
    ui.add_space(12.0);
    path_field::path_field(ui, commands);
    ui.add_space(8.0);
}

fn paragraph(ui: &mut Ui, words: &str, size: f32, color: egui::Color32) -> egui::Response {
    let galley = ui.painter().layout(words.to_owned(), font(size, Weight::Regular), color, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), galley.size().y), Sense::hover());
    ui.painter().galley(rect.min, galley, color);
    response
}

/// Recordings that may have been meant.
fn found_ui(ui: &mut Ui, error: &OpenError<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let line = match (error.found.len(), error.is_searching) {
        (0, true) => "Looking for recordings nearby…",
        (0, false) => return,
        (_, true) => "RECORDINGS NEARBY, LOOKING ON…",
        (_, false) => "RECORDINGS NEARBY",
    };
    ui.add_space(16.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    text(ui.painter(), rect.left_center(), Align2::LEFT_CENTER, line, font(11.0, Weight::SemiBold), tokens.t3);
    for found in error.found.iter().take(MAX_ROWS) {
        found_row(ui, found, commands);
    }
}

fn found_row(ui: &mut Ui, found: &FoundRecording, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let path = found.location.to_string();
    let response = ui.interact(row, ui.make_persistent_id(("found", &path)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Open {}", found.name)));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(row, 4.0, tokens.bg2);
    }
    let icon_at = row.left_center() + vec2(16.0, 0.0);
    text(ui.painter(), icon_at, Align2::CENTER_CENTER, icons::STACK, icon_font(16.0), tokens.t2);
    let summary = format!("   {}", found.summary);
    let parts = [(found.name.as_str(), Weight::Medium, tokens.t1), (summary.as_str(), Weight::Regular, tokens.t3)];
    let galley = runs(ui.painter(), 13.0, row.width() - 44.0, &parts);
    ui.painter().galley(row.left_center() + vec2(34.0, -galley.size().y / 2.0), galley, tokens.t1);
    focus_ring(ui, &response, 4.0);
    if response.on_hover_text(path).clicked() {
        commands.push(Command::App(AppCommand::OpenPath(found.location.clone())));
    }
}

fn buttons_ui(ui: &mut Ui, error: &OpenError<'_>, back: &str, commands: &mut Vec<Command>) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let again = Button {
        text: "Try again",
        icon: icons::ARROW_CLOCKWISE,
        fill: if error.is_absent { Fill::Field } else { Fill::Accent },
        hint: "Open the same path again",
        ..Button::default()
    };
    let wait = Button {
        text: "Wait for a recording",
        icon: icons::HOURGLASS,
        fill: if error.is_absent && error.found.is_empty() { Fill::Accent } else { Fill::Field },
        hint: "Show the first picture as soon as one is recorded here",
        ..Button::default()
    };
    let browse =
        Button { text: "Open another…", icon: icons::FOLDER_OPEN, hint: "Choose a folder", ..Button::default() };
    let leave = Button { text: back, hint: "Leave it", key: "Esc", ..Button::default() };
    let mut buttons = vec![
        (again, Command::App(AppCommand::TryAgain)),
        (browse, Command::App(AppCommand::BrowseFolder)),
        (leave, Command::App(AppCommand::CancelOpening)),
    ];
    if error.can_wait {
        buttons.insert(0, (wait, Command::App(AppCommand::WaitForRecording)));
    }
    let mut x = rect.left();
    for (button, command) in buttons {
        let width = button.width(ui) + 8.0;
        if button.show(ui, Rect::from_min_size(pos2(x, rect.top()), vec2(width, 32.0))) {
            commands.push(command);
        }
        x += width + 8.0;
    }
}
