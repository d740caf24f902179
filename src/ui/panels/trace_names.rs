//! The names of the traces, and what each is at the timepoint shown. Dragged, a name takes its row along; pressed,
//! it lists the traces for another one to stand in its place.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, Popup, Rect, Sense, Ui, WidgetInfo, pos2};

use super::super::heat::{Kept, Trace};
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{focus_ring, hint, menu_row, runs, text};
use super::super::{Command, Model, format};
use super::time_area::Rows;
use super::traces::{reason, trace_at};

/// Draws them, and asks for what they are asked for.
pub fn trace_names_ui(ui: &mut Ui, rows: &Rows, model: &Model<'_>, kept: &Kept, commands: &mut Vec<Command>) {
    let mut moved = None;
    for index in 0..rows.num_traces() {
        let row = rows.trace(index);
        let rect = Rect::from_x_y_ranges(rows.area.left() + 10.0..=row.left() - 6.0, row.y_range());
        if let Some(to) = name_ui(ui, rows, rect, index, model, kept) {
            moved = Some((index, to));
        }
    }
    let Some((from, to)) = moved else { return };
    let mut order = model.state.panels.trace_order;
    let trace = order[from];
    match to {
        Moved::ToRow(to) if to < from => order[to..=from].rotate_right(1),
        Moved::ToRow(to) => order[from..=to].rotate_left(1),
        Moved::For(other) => {
            let at = order.iter().position(|known| *known == other).unwrap_or(from);
            (order[from], order[at]) = (other, trace);
        }
    }
    commands.push(Command::SetTraceOrder(order));
}

/// What becomes of a row.
enum Moved {
    /// It goes to the place of another.
    ToRow(usize),
    /// Another trace is shown in it.
    For(Trace),
}

fn name_ui(ui: &mut Ui, rows: &Rows, rect: Rect, index: usize, model: &Model<'_>, kept: &Kept) -> Option<Moved> {
    let trace = trace_at(model, index);
    let response = ui.interact(rect, ui.make_persistent_id(("trace", index)), Sense::click_and_drag());
    let value = told(trace, model, kept);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(value.clone()),
        ..WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), format!("Trace {}: {}", index + 1, trace.label()))
    });
    let tokens = Tokens::get(ui);
    if response.hovered() || response.dragged() {
        ui.painter().rect_filled(rect.shrink2(egui::vec2(0.0, 1.0)), 4.0, tokens.bg2);
    }
    paint(ui, rows, rect, trace, model, kept);
    focus_ring(ui, &response, 4.0);
    let mut moved = None;
    Popup::menu(&response).gap(4.0).width(150.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for other in Trace::ALL {
            if menu_row(ui, other.label(), other == trace) {
                moved = (other != trace).then_some(Moved::For(other));
                ui.close();
            }
        }
    });
    let pointed = response.interact_pointer_pos().map(|pos| {
        let inside = |to: &usize| rows.trace(*to).y_range().contains(pos.y);
        (0..rows.num_traces()).find(inside).unwrap_or(index)
    });
    if let Some(to) = pointed.filter(|to| *to != index) {
        if response.dragged() {
            // Where it would go.
            let row = rows.trace(to);
            let y = if to < index { row.top() - 2.0 } else { row.bottom() + 2.0 };
            ui.painter().hline(rows.area.left() + 10.0..=row.right(), y, egui::Stroke::new(2.0, tokens.accent));
        } else if response.drag_stopped() {
            moved = Some(Moved::ToRow(to));
        }
    }
    hint(response.on_hover_and_drag_cursor(CursorIcon::Grab), "Drag to another row, or press for another trace", "");
    moved
}

/// What a trace is at the timepoint shown, in words.
fn told(trace: Trace, model: &Model<'_>, kept: &Kept) -> String {
    let (number, unit) = number(trace, model, kept);
    let reason = model.quality.as_ref().and_then(|quality| reason(trace, quality, kept));
    reason.map_or_else(|| format!("{number} {unit}"), |reason| format!("{number} {unit}: {reason}"))
}

fn number(trace: Trace, model: &Model<'_>, kept: &Kept) -> (String, &'static str) {
    let value = kept.value(trace, model.state.cursor.t);
    let unit = kept.baseline().map_or("", |baseline| trace.unit(baseline));
    let number = if value.is_finite() { format::decimal(f64::from(value), trace.decimals()) } else { "–".to_owned() };
    (number, unit)
}

fn paint(ui: &Ui, rows: &Rows, rect: Rect, trace: Trace, model: &Model<'_>, kept: &Kept) {
    let tokens = Tokens::get(ui);
    let left = rows.area.left() + 16.0;
    let middle = rect.center().y;
    let at = pos2(left, middle - 8.0);
    text(ui.painter(), at, Align2::LEFT_CENTER, trace.label(), font(12.0, Weight::Regular), tokens.t2);
    let (number, unit) = number(trace, model, kept);
    let parts = [
        (number.as_str(), Weight::Medium, tokens.t1),
        ("\u{2009}", Weight::Regular, tokens.t3),
        (unit, Weight::Regular, tokens.t3),
    ];
    let galley = runs(ui.painter(), 13.0, rect.right() - left, &parts);
    let y = middle + 8.0 - galley.size().y / 2.0;
    ui.painter().galley(pos2(left, y), galley, tokens.t1);
}
