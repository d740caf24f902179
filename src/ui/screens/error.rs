//! What could not be opened, which file is at fault, and what can be done.

use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, filled_icon_font, font};
use super::super::widgets::{Button, Fill, text};
use super::super::{Command, OpenError, ViewState, icons};
use super::{ground, keys};

/// Draws the screen.
pub fn error_ui(ui: &mut Ui, view: &ViewState, error: &OpenError<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let room = ground(ui, view, &mut commands);
    let tokens = Tokens::of(view.theme);
    let width = 520.0_f32.min(room.width() - 48.0);
    let left = room.center().x - width / 2.0;
    let mut message = error.message.to_owned();
    if let Some(first) = message.chars().next() {
        message = first.to_uppercase().chain(message.chars().skip(1)).collect();
    }
    let body = ui.painter().layout(message.clone(), font(13.0, Weight::Regular), tokens.t1, width - 40.0);
    let file = error.file.display().to_string();
    let place = ui.painter().layout(file.clone(), font(12.0, Weight::Regular), tokens.t2, width - 40.0);
    let height = 44.0 + body.size().y + 10.0 + place.size().y + 24.0 + 32.0;
    let mut y = room.center().y - height / 2.0 - 16.0;

    let heading = "This could not be opened";
    let icon_at = pos2(left + 12.0, y + 12.0);
    text(ui.painter(), icon_at, Align2::CENTER_CENTER, icons::WARNING_OCTAGON, filled_icon_font(22.0), tokens.bad);
    let heading_at = pos2(left + 40.0, y + 12.0);
    text(ui.painter(), heading_at, Align2::LEFT_CENTER, heading, font(16.0, Weight::SemiBold), tokens.t1);
    let all = Rect::from_min_size(pos2(left, y), vec2(width, height));
    let response = ui.interact(all, ui.make_persistent_id("error"), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(egui::accesskit::Role::Alert, true, format!("{heading}: {file}: {message}"))
    });
    y += 40.0;
    let body_height = body.size().y;
    ui.painter().galley(pos2(left + 40.0, y), body, tokens.t1);
    y += body_height + 10.0;
    let place_height = place.size().y;
    ui.painter().galley(pos2(left + 40.0, y), place, tokens.t2);
    y += place_height + 24.0;

    let mut x = left + 40.0;
    let buttons = [
        (
            Button {
                text: "Try again",
                icon: icons::ARROW_CLOCKWISE,
                fill: Fill::Accent,
                hint: "Open the same path again",
                ..Button::default()
            },
            Command::OpenPath(error.path.to_owned()),
        ),
        (
            Button { text: "Open another…", icon: icons::FOLDER_OPEN, hint: "Choose a folder", ..Button::default() },
            Command::BrowseFolder,
        ),
        (
            Button { text: "Back", name: "Back to the start", hint: "To the start", key: "Esc", ..Button::default() },
            Command::CloseDataset,
        ),
    ];
    for (button, command) in buttons {
        let width = button.width(ui) + 8.0;
        if button.show(ui, Rect::from_min_size(pos2(x, y), vec2(width, 32.0))) {
            commands.push(command);
        }
        x += width + 8.0;
    }
    keys(ui, view, Some(Command::CloseDataset), &mut commands);
    commands
}
