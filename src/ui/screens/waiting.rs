//! A recording that has not written anything yet: what is waited for.

use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{Button, elided, runs, text};
use super::super::{AppCommand, Command, ViewState, icons};
use super::{ground, keys};
use crate::volume::Location;

/// Draws the screen.
pub fn waiting_ui(ui: &mut Ui, state: &ViewState, location: &Location, what: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let room = ground(ui, state, &mut commands);
    let tokens = Tokens::of(state.panels.theme);
    let width = 420.0_f32.min(room.width() - 48.0);
    let center = room.center();
    text(ui.painter(), center - vec2(0.0, 76.0), Align2::CENTER_CENTER, icons::HOURGLASS, icon_font(32.0), tokens.warn);
    let heading = format!("Waiting for {what}");
    let title = runs(ui.painter(), 15.0, width, &[(heading.as_str(), Weight::SemiBold, tokens.t1)]);
    let size = title.size();
    ui.painter().galley(pos2(center.x - size.x / 2.0, center.y - 40.0), title, tokens.t1);
    let shown = location.to_string();
    let cut = elided(ui, &shown, font(12.0, Weight::Regular), width);
    let place = runs(ui.painter(), 12.0, width, &[(cut.as_str(), Weight::Regular, tokens.t3)]);
    let half = place.size().x / 2.0;
    ui.painter().galley(pos2(center.x - half, center.y - 14.0), place, tokens.t3);
    let line = "The first picture appears here as soon as a block is complete.";
    text(ui.painter(), center + vec2(0.0, 18.0), Align2::CENTER_CENTER, line, font(12.0, Weight::Regular), tokens.t2);
    let all = Rect::from_center_size(center, vec2(width, 120.0));
    let response = ui.interact(all, ui.make_persistent_id("waiting"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Status, true, format!("{heading} in {shown}")));
    let back = Button { text: "Stop waiting", hint: "Back to what was open", key: "Esc", ..Button::default() };
    let area = Rect::from_center_size(center + vec2(0.0, 60.0), vec2(110.0, 28.0));
    if back.show(ui, area) {
        commands.push(Command::App(AppCommand::CancelOpening));
    }
    keys(ui, state, Some(Command::App(AppCommand::CancelOpening)), &mut commands);
    commands
}
