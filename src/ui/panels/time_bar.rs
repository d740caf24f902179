//! The time area: the recording along time, and below it the transport in one row.

use egui::{CursorIcon, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, fill};
use super::super::widgets::{focus_ring, hint};
use super::super::{Command, Model};
use super::time_area::{self, FOLDED, LEAST, Rows};
use super::time_map::time_map_ui;
use super::transport::transport_ui;

/// Draws the area.
pub fn time_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg1);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, tokens.line));
    let rows = Rows::new(rect);
    time_map_ui(ui, &rows, model, commands);
    // On top of the axis.
    if model.quality.is_some() {
        grip_ui(ui, rect, model, commands);
    }
    transport_ui(ui, rows.transport, model, commands);
}

/// What the area is drawn higher or lower by; below the least height the traces fold away.
fn grip_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let bar = Rect::from_center_size(pos2(rect.center().x, rect.top() + 3.5), vec2(28.0, 3.0));
    let grabbed = Rect::from_center_size(bar.center(), vec2(60.0, 8.0));
    let response = ui.interact(grabbed, ui.make_persistent_id("grip"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Splitter, ui.is_enabled(), "Height of time"));
    let is_hot = response.hovered() || response.dragged();
    ui.painter().rect_filled(bar, 1.5, if is_hot { tokens.t3 } else { tokens.bg3 });
    focus_ring(ui, &response, 2.0);
    if response.double_clicked() {
        commands.push(Command::SetTimeAreaHeight(None));
    } else if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let wanted = rect.bottom() - pos.y + 3.5;
        let is_unfolded = model.state.panels.traces;
        if is_unfolded != (wanted > (FOLDED + LEAST) / 2.0) {
            commands.push(Command::ToggleTraces);
        }
        if wanted > (FOLDED + LEAST) / 2.0 {
            commands.push(Command::SetTimeAreaHeight(Some(wanted.max(time_area::LEAST))));
        }
    }
    hint(response.on_hover_and_drag_cursor(CursorIcon::ResizeVertical), "Drag: more or fewer traces", "T");
}
