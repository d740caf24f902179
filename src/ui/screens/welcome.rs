//! The first thing to be seen: what this is, and the ways to open a recording.

use egui::{Align2, Rect, Ui, UiBuilder, pos2, vec2};

use super::super::panels::top_bar;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{scroll_to_focus, text};
use super::super::{Command, ViewState, Welcome, icons};
use super::{appears, ground, keys, open, path_field};

/// Draws the screen.
pub fn welcome_ui(ui: &mut Ui, state: &ViewState, welcome: &Welcome<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let room = ground(ui, state, &mut commands);
    let tokens = Tokens::of(state.panels.theme);
    let width = 480.0_f32.min(room.width() - 48.0);
    let num_recent = welcome.recent.len().min(8);
    let height =
        128.0 + 36.0 + 8.0 + 32.0 + 8.0 + 32.0 + if num_recent > 0 { 40.0 + 32.0 * num_recent as f32 } else { 0.0 };
    let top = (room.center().y - height / 2.0 - 16.0).max(room.top() + 20.0);
    let left = room.center().x - width / 2.0;

    top_bar::paint_logo_sized(ui, pos2(room.center().x, top + 24.0), 2.4);
    let x = room.center().x;
    text(ui.painter(), pos2(x, top + 68.0), Align2::CENTER_CENTER, "Tectum", font(22.0, Weight::SemiBold), tokens.t1);
    let line = "Scrub through recordings of living brains, while they run";
    text(ui.painter(), pos2(x, top + 96.0), Align2::CENTER_CENTER, line, font(13.0, Weight::Regular), tokens.t2);

    let column = Rect::from_min_max(pos2(left, top + 124.0), pos2(left + width, room.bottom() - 44.0));
    ui.scope_builder(UiBuilder::new().max_rect(column).id_salt("welcome"), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(width);
            // Room for the ring of the focus.
            ui.add_space(4.0);
            ui.add_enabled_ui(!welcome.is_browsing, |ui| open::choices_ui(ui, welcome.recent, &mut commands));
            scroll_to_focus(ui);
        });
    });
    let hint = "Drop a folder or a file anywhere in this window";
    let galley = ui.painter().layout_no_wrap(hint.to_owned(), font(12.0, Weight::Regular), tokens.t3);
    let at = pos2(x - galley.size().x / 2.0 + 11.0, room.bottom() - 30.0);
    let icon_at = at + vec2(-14.0, galley.size().y / 2.0);
    text(ui.painter(), icon_at, Align2::CENTER_CENTER, icons::TRAY_ARROW_DOWN, icon_font(15.0), tokens.t3);
    ui.painter().galley(at, galley, tokens.t3);
    if appears(ui, "welcome") {
        path_field::focus(ui);
    }
    keys(ui, state, None, &mut commands);
    commands
}
