//! The limits of the traces as handles right of their rows: dragged, alarms follow at once; double-clicked, they
//! are the profile's again.

use egui::{Align2, CursorIcon, Id, Rect, Response, Sense, Ui, pos2};

use super::super::heat::{Kept, Line, Trace};
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{Slider, hint, ring, severity_mark, text};
use super::super::{AppCommand, Command, Model, Quality, format};
use super::time_area::Rows;
use super::traces::{limit_of, line_of, trace_at};
use crate::qc::{Code, Limit};
use crate::volume::Severity;

/// Handles closer than this are drawn apart.
const APART: f32 = 12.0;

/// While a limit is held, the values its row spans stay: it would run away from the pointer otherwise.
#[derive(Clone, Copy)]
struct Held {
    trace: Trace,
    span: [f32; 2],
    /// From the pointer to the limit: one that is grabbed off its middle does not jump.
    offset: f32,
}

fn held_id() -> Id {
    Id::unique("limit held")
}

fn held_now(ui: &Ui) -> Option<Held> {
    ui.data(|data| data.get_temp::<Option<Held>>(held_id())).flatten()
}

/// The values that the row of a trace spans while one of its limits is dragged.
pub fn held(ui: &Ui, trace: Trace) -> Option<[f32; 2]> {
    held_now(ui).filter(|held| held.trace == trace).map(|held| held.span)
}

/// Draws the handles, and asks for what they are asked for.
pub fn limits_ui(
    ui: &mut Ui,
    rows: &Rows,
    model: &Model<'_>,
    quality: &Quality<'_>,
    kept: &Kept,
    commands: &mut Vec<Command>,
) {
    let mut is_held = false;
    for index in 0..rows.num_traces() {
        let trace = trace_at(model, index);
        let Some(code) = trace.limited_by() else { continue };
        let line = line_of(ui, trace, rows.trace(index), quality, kept);
        let limit = limit_of(trace, quality);
        for (is_alarm, y) in places(&line, limit) {
            let response = handle_ui(ui, rows, trace, is_alarm, limit, y);
            is_held |= hold(ui, &response, trace, &line, value_of(limit, is_alarm));
            commands.extend(asked(ui, &response, code, trace, is_alarm, limit, &line));
        }
    }
    if !is_held {
        ui.data_mut(|data| data.remove::<Option<Held>>(held_id()));
    }
}

/// Whether a limit is held by the pointer; remembers how.
fn hold(ui: &Ui, response: &Response, trace: Trace, line: &Line, value: f64) -> bool {
    let Some(pos) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) else {
        return false;
    };
    if held_now(ui).is_none() {
        let held = Held { trace, span: line.span, offset: line.y(value as f32) - pos.y };
        ui.data_mut(|data| data.insert_temp(held_id(), Some(held)));
    }
    true
}

/// Where the handles stand: at their lines, or apart where these are too close.
fn places(line: &Line, limit: Limit) -> Vec<(bool, f32)> {
    let warn = limit.warn.map(|value| line.y(value as f32));
    let alarm = limit.alarm.map(|value| line.y(value as f32));
    match (warn, alarm) {
        (Some(warn), Some(alarm)) => {
            let missing = (APART - (warn - alarm).abs()).max(0.0) / 2.0;
            let down = if warn >= alarm { 1.0 } else { -1.0 };
            vec![(false, warn + down * missing), (true, alarm - down * missing)]
        }
        _ => [(false, warn), (true, alarm)].into_iter().filter_map(|(is, y)| Some((is, y?))).collect(),
    }
}

fn value_of(limit: Limit, is_alarm: bool) -> f64 {
    (if is_alarm { limit.alarm } else { limit.warn }).unwrap_or(0.0)
}

fn handle_ui(ui: &mut Ui, rows: &Rows, trace: Trace, is_alarm: bool, limit: Limit, y: f32) -> Response {
    let tokens = Tokens::get(ui);
    let right = rows.map.right();
    let rect = Rect::from_x_y_ranges(right + 2.0..=rows.area.right() - 2.0, y - APART / 2.0..=y + APART / 2.0);
    let response = ui.interact(rect, ui.make_persistent_id(("limit", trace, is_alarm)), Sense::click_and_drag());
    let value = value_of(limit, is_alarm);
    let slider = slider(trace, value);
    let name = format!("{} {}", trace.label(), if is_alarm { "alarm" } else { "warning" });
    slider.describe(ui, &response, &name, value, slider.range);
    let is_hot = response.hovered() || response.dragged() || response.has_focus();
    if is_hot {
        ui.painter().rect_filled(rect, 3.0, tokens.bg2);
    }
    let severity = if is_alarm { Severity::Error } else { Severity::Warning };
    severity_mark(ui.painter(), pos2(right + 9.0, y), 8.0, severity, tokens);
    if rows.area.right() - right >= 40.0 {
        let color = if is_hot { tokens.t1 } else { tokens.t2 };
        let at = pos2(right + 18.0, y);
        text(ui.painter(), at, Align2::LEFT_CENTER, &format::value(value), font(11.0, Weight::Regular), color);
    }
    if response.has_focus() {
        ring(ui, rect, 3.0, tokens.accent);
    }
    let hint_text = format!("{name}: {}; drag it, double-click for the profile's", format::value(value));
    hint(response.on_hover_and_drag_cursor(CursorIcon::ResizeVertical), &hint_text, "")
}

fn slider(trace: Trace, value: f64) -> Slider<'static> {
    let step = round(value.abs().max(1e-6) / 20.0);
    let highest = if trace.is_bad_below() { 100.0 } else { 1e6 };
    Slider { value, range: [0.0, highest], step, ..Slider::default() }
}

/// What the pointer and the keys ask of a limit.
fn asked(
    ui: &Ui,
    response: &Response,
    code: Code,
    trace: Trace,
    is_alarm: bool,
    limit: Limit,
    line: &Line,
) -> Option<Command> {
    if response.double_clicked() {
        return Some(Command::App(AppCommand::ResetLimit(code)));
    }
    let current = value_of(limit, is_alarm);
    let slider = slider(trace, current);
    // A press is no drag, but the least movement is.
    let is_moved = ui.input(|input| input.pointer.delta().y != 0.0);
    let dragged = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on() && is_moved);
    let dragged = dragged.zip(held_now(ui)).map(|(pos, held)| f64::from(line.value(pos.y + held.offset)));
    let asked = slider.keys(ui, response, current, slider.range).or(dragged)?;
    let value = round(asked.clamp(slider.range[0], slider.range[1]));
    let value = within(value, trace, is_alarm, limit);
    (value != current).then_some(Command::App(AppCommand::SetLimit { code, is_alarm, value: Some(value) }))
}

/// A warning comes before its alarm.
fn within(value: f64, trace: Trace, is_alarm: bool, limit: Limit) -> f64 {
    let Some(other) = (if is_alarm { limit.warn } else { limit.alarm }) else { return value };
    if is_alarm != trace.is_bad_below() { value.max(other) } else { value.min(other) }
}

/// To two digits.
fn round(value: f64) -> f64 {
    if value.abs() < 1e-9 {
        return 0.0;
    }
    let digits = 1 - value.abs().log10().floor() as i32;
    // By way of text: 0.1 + 0.2 is not what anybody has dragged to.
    let text = format!("{:.*}", digits.max(0) as usize, value);
    text.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_stays_before_its_alarm() {
        let motion = Limit::new(2.0, 5.0);
        assert_eq!(within(7.0, Trace::Motion, false, motion), 5.0);
        assert_eq!(within(1.0, Trace::Motion, true, motion), 2.0);
        assert_eq!(within(80.0, Trace::Focus, false, Limit::new(90.0, 85.0)), 85.0);
        assert_eq!(within(80.0, Trace::Focus, false, Limit::warn(90.0)), 80.0);
    }

    #[test]
    fn limits_are_dragged_to_round_numbers() {
        for (value, rounded) in [(0.012_34, 0.012), (4.987, 5.0), (91.26, 91.0), (0.0, 0.0), (1e-30, 0.0)] {
            assert_eq!(round(value), rounded);
        }
    }
}
