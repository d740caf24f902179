//! A number in a field: drag to scrub it, click to type it, arrows to step it.

use egui::accesskit::{Action, ActionData, Role};
use egui::{CursorIcon, Id, Key, Modifiers, Rect, Response, Sense, TextEdit, Ui, WidgetInfo, pos2};

use super::super::format;
use super::super::theme::{Tokens, Weight};
use super::line_edit::LineEdit;
use super::text::runs;
use super::{arrow_steps, focus_ring, hint};

/// How a field writes its number and reads what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Number,
    /// Seconds as a moment of the recording, with so many digits after the point.
    Moment(usize),
}

/// A number field.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// The number.
    pub value: f64,
    /// Smallest and largest.
    pub range: [f64; 2],
    /// Digits after the point; `None` for as many as the value needs.
    pub decimals: Option<usize>,
    /// Change for each point of a drag and each press of an arrow.
    pub step: f64,
    /// What stands after the number.
    pub unit: &'a str,
    /// Explanation in one line.
    pub hint: &'a str,
    /// Its keys.
    pub key: &'a str,
}

impl Number<'_> {
    /// Draws it into a rectangle. Returns the number asked for, within the range.
    pub fn show(&self, ui: &mut Ui, rect: Rect) -> Option<f64> {
        self.show_as(ui, rect, self.range, Notation::Number)
    }

    /// The same where a number that is typed, not dragged, may lie in a range of its own: one of two limits
    /// that change places.
    pub fn show_typed(&self, ui: &mut Ui, rect: Rect, typed: [f64; 2]) -> Option<f64> {
        self.show_as(ui, rect, typed, Notation::Number)
    }

    /// The same for seconds, written and typed as a moment of the recording: "20:42.2".
    pub fn show_moment(&self, ui: &mut Ui, rect: Rect, decimals: usize) -> Option<f64> {
        self.show_as(ui, rect, self.range, Notation::Moment(decimals))
    }

    fn show_as(&self, ui: &mut Ui, rect: Rect, typed: [f64; 2], notation: Notation) -> Option<f64> {
        let id = ui.make_persistent_id(("number", self.name));
        let draft = ui.data(|data| data.get_temp::<String>(id));
        let asked = match draft {
            Some(draft) => self.edit(ui, rect, id, draft, notation).map(|value| self.rounded(value, typed)),
            None => self.rest(ui, rect, id, notation).map(|value| self.rounded(value, self.range)),
        };
        asked.filter(|value| *value != self.value)
    }

    fn rounded(&self, value: f64, [low, high]: [f64; 2]) -> f64 {
        let value = match self.decimals {
            Some(decimals) => {
                let scale = 10f64.powi(decimals as i32);
                (value * scale).round() / scale
            }
            None => value,
        };
        value.clamp(low, high)
    }

    fn shown(&self) -> String {
        match self.decimals {
            Some(0) => format::integer(self.value as i128),
            Some(1) if self.value.fract() == 0.0 => format::integer(self.value as i128),
            Some(decimals) => format!("{:.decimals$}", self.value),
            None => format::value_in_steps(self.value, self.step),
        }
    }

    fn rest(&self, ui: &mut Ui, rect: Rect, id: Id, notation: Notation) -> Option<f64> {
        let tokens = Tokens::get(ui);
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let is_hot = response.hovered() || response.dragged();
        ui.painter().rect_filled(rect, 4.0, if is_hot { tokens.bg3 } else { tokens.bg2 });
        let shown = match notation {
            Notation::Number => self.shown(),
            Notation::Moment(decimals) => format::clock(self.value, decimals),
        };
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let parts = [(shown.as_str(), Weight::Regular, tokens.t1), (unit.as_str(), Weight::Regular, tokens.t2)];
        let galley = runs(ui.painter(), 13.0, f32::INFINITY, &parts);
        let pos = pos2(rect.right() - 8.0 - galley.size().x, rect.center().y - galley.size().y / 2.0);
        ui.painter_at(rect).galley(pos, galley, tokens.t1);
        self.describe(ui, &response);
        focus_ring(ui, &response, 4.0);
        if response.clicked() {
            let draft = self.draft(notation);
            ui.data_mut(|data| data.insert_temp(id, draft));
            ui.memory_mut(|memory| memory.request_focus(LineEdit::id_of(id)));
            ui.ctx().request_repaint();
        }
        let asked = self.keys(ui, &response).or_else(|| self.drag(ui, &response, id));
        hint(response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal), self.hint, self.key);
        asked
    }

    fn draft(&self, notation: Notation) -> String {
        match notation {
            Notation::Number => self.plain(),
            Notation::Moment(decimals) => format::clock(self.value, decimals).replace(format::THIN_SPACE, " "),
        }
    }

    /// What stands in the field while it is being typed in: no thin spaces.
    fn plain(&self) -> String {
        match self.decimals {
            Some(decimals) if decimals != 1 => format!("{:.decimals$}", self.value),
            // Not a digit for each power of ten.
            _ if self.value != 0.0 && !(1e-6..1e15).contains(&self.value.abs()) => format!("{:e}", self.value),
            _ => self.value.to_string(),
        }
    }

    /// A drag adds up from where it began, so that small steps are not lost to rounding.
    fn drag(&self, ui: &Ui, response: &Response, id: Id) -> Option<f64> {
        let origin_id = id.with("origin");
        if response.drag_started() {
            ui.data_mut(|data| data.insert_temp(origin_id, self.value));
        }
        if !response.dragged() {
            return None;
        }
        let origin = ui.data(|data| data.get_temp::<f64>(origin_id)).unwrap_or(self.value);
        let distance = response.total_drag_delta().unwrap_or_default();
        let fine = if ui.input(|input| input.modifiers.shift) { 0.1 } else { 1.0 };
        Some(origin + f64::from(distance.x - distance.y) * self.step * fine)
    }

    fn keys(&self, ui: &Ui, response: &Response) -> Option<f64> {
        const ARROWS: [(Key, f64); 4] =
            [(Key::ArrowUp, 1.0), (Key::ArrowRight, 1.0), (Key::ArrowDown, -1.0), (Key::ArrowLeft, -1.0)];
        let mut steps = 0.0;
        let mut target = arrow_steps(ui, response, &ARROWS, self.value, self.step, self.range);
        ui.input(|input| {
            steps += input.num_accesskit_action_requests(response.id, Action::Increment) as f64;
            steps -= input.num_accesskit_action_requests(response.id, Action::Decrement) as f64;
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                target = match &request.data {
                    Some(ActionData::NumericValue(value)) => Some(*value),
                    Some(ActionData::Value(text)) => format::parse(text).or_else(|| format::parse_time(text)),
                    _ => target,
                };
            }
        });
        target.or((steps != 0.0).then_some(self.value + steps * self.step))
    }

    fn describe(&self, ui: &Ui, response: &Response) {
        response.widget_info(|| WidgetInfo {
            label: Some(self.name.to_owned()),
            ..WidgetInfo::drag_value(ui.is_enabled(), self.value)
        });
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_role(Role::SpinButton);
            node.set_min_numeric_value(self.range[0]);
            node.set_max_numeric_value(self.range[1]);
            node.add_action(Action::SetValue);
            node.add_action(Action::Increment);
            node.add_action(Action::Decrement);
        });
    }

    fn edit(&self, ui: &mut Ui, rect: Rect, id: Id, mut draft: String, notation: Notation) -> Option<f64> {
        let state = TextEdit::load_state(ui.ctx(), LineEdit::id_of(id));
        let is_first = state.is_none_or(|state| state.cursor.char_range().is_none());
        let edit = LineEdit::show(ui, rect, 3.0, id, self.name, &mut draft);
        let response = edit.response.clone();
        if is_first || response.gained_focus() {
            edit.select(ui, [0, draft.chars().count()]);
        }
        // Esc gives up what was typed, and nothing else.
        let is_cancelled = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        let is_done = response.lost_focus() || is_cancelled;
        if is_done {
            ui.data_mut(|data| data.remove_temp::<String>(id));
            LineEdit::forget(ui, id);
            // Left as it was, the number is not rounded to what the field shows of it.
            let is_kept = is_cancelled || draft == self.draft(notation);
            match notation {
                _ if is_kept => None,
                Notation::Number => format::parse(draft.trim_end_matches(self.unit)),
                Notation::Moment(_) => format::parse_time(&draft),
            }
        } else {
            ui.data_mut(|data| data.insert_temp(id, draft));
            None
        }
    }
}
