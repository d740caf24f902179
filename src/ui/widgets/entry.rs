//! A fact that can be said where the files do not say it: a text at rest, a field once it is clicked.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, Id, Key, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::line_edit::LineEdit;
use super::text::{runs, text};
use super::{focus_ring, hint};

/// The field.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// What stands there at rest.
    pub shown: &'a str,
    /// Whether that is known at all.
    pub is_known: bool,
    /// Whether the user said it, so that it can be taken back.
    pub is_given: bool,
    /// What stands in the field when it is opened.
    pub draft: &'a str,
    /// Explanation in one line.
    pub hint: &'a str,
}

/// What the user did with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Entered<T> {
    /// Said this.
    Value(T),
    /// Took it back: the files are to be believed again.
    TakenBack,
}

/// What is being typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
struct Draft {
    text: String,
    fault: String,
    is_new: bool,
}

impl Entry<'_> {
    /// Draws it into a row's right end; `parse` understands what was typed or says what is wrong with it.
    pub fn show<T>(&self, ui: &mut Ui, row: Rect, parse: impl Fn(&str) -> Result<T, String>) -> Option<Entered<T>> {
        let id = ui.make_persistent_id(("entry", self.name));
        match ui.data(|data| data.get_temp::<Draft>(id)) {
            Some(draft) => self.edit(ui, row, id, draft, parse).map(Entered::Value),
            None => self.rest(ui, row, id).then_some(Entered::TakenBack),
        }
    }

    /// Returns whether it was taken back.
    fn rest(&self, ui: &mut Ui, row: Rect, id: Id) -> bool {
        let tokens = Tokens::get(ui);
        let mut right = row.right();
        let mut is_taken_back = false;
        if self.is_given {
            let area = Rect::from_center_size(pos2(right - 10.0, row.center().y), vec2(20.0, 20.0));
            let name = format!("{} from the file", self.name);
            is_taken_back = small_icon(ui, area, icons::ARROW_COUNTER_CLOCKWISE, &name);
            right -= 24.0;
        }
        let color = if self.is_known { tokens.t1 } else { tokens.accent_text };
        let room = right - row.left() - 90.0;
        let galley = runs(ui.painter(), 13.0, room, &[(self.shown, Weight::Regular, color)]);
        let size = galley.size();
        let rect = Rect::from_min_max(pos2(right - size.x - 8.0, row.top() + 1.0), pos2(right, row.bottom() - 1.0));
        let response = ui.interact(rect.expand2(vec2(0.0, 0.0)), id, Sense::click());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name);
            info.current_text_value = Some(self.shown.to_owned());
            info
        });
        if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), 4.0, tokens.bg2);
        }
        // A dotted line below says that it can be typed over.
        let y = rect.center().y + size.y / 2.0 + 1.0;
        let mut x = right - size.x;
        while x < right {
            ui.painter().hline(x..=(x + 2.0).min(right), y, egui::Stroke::new(1.0, tokens.t3));
            x += 4.0;
        }
        ui.painter().galley(pos2(right - size.x, rect.center().y - size.y / 2.0), galley, color);
        focus_ring(ui, &response, 4.0);
        if response.clicked() {
            let draft = Draft { text: self.draft.to_owned(), fault: String::new(), is_new: true };
            ui.data_mut(|data| data.insert_temp(id, draft));
            ui.memory_mut(|memory| memory.request_focus(LineEdit::id_of(id)));
            ui.ctx().request_repaint();
        }
        hint(response.on_hover_cursor(CursorIcon::Text), self.hint, "");
        is_taken_back
    }

    fn edit<T>(
        &self,
        ui: &mut Ui,
        row: Rect,
        id: Id,
        mut draft: Draft,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let rect = Rect::from_min_max(pos2(row.right() - 158.0, row.top() + 1.0), row.max - vec2(0.0, 1.0));
        let edit = LineEdit::show(ui, rect, 2.0, id, self.name, &mut draft.text);
        let response = edit.response.clone();
        if draft.is_new {
            draft.is_new = false;
            let end = draft.text.chars().count();
            // What is unknown is gone on with; what is known is typed over.
            edit.select(ui, [if self.is_known { 0 } else { end }, end]);
        }
        if response.changed() {
            draft.fault.clear();
        }
        let (is_cancelled, is_entered) =
            ui.input(|input| (input.key_pressed(Key::Escape), input.key_pressed(Key::Enter)));
        let is_left = response.lost_focus();
        let mut value = None;
        let mut is_done = is_cancelled || is_left && draft.text.trim() == self.draft.trim();
        if is_left && !is_done {
            match parse(draft.text.trim()) {
                Ok(parsed) => (value, is_done) = (Some(parsed), true),
                // Left alone with nonsense in it, it is as before; entered, it says what is wrong.
                Err(fault) if is_entered => {
                    draft.fault = fault;
                    ui.memory_mut(|memory| memory.request_focus(LineEdit::id_of(id)));
                }
                Err(_) => is_done = true,
            }
        }
        if !draft.fault.is_empty() {
            fault_ui(ui, &draft.fault, id);
        }
        if is_done {
            ui.data_mut(|data| data.remove_temp::<Draft>(id));
            LineEdit::forget(ui, id);
        } else {
            ui.data_mut(|data| data.insert_temp(id, draft));
        }
        value
    }
}

/// What is wrong, in a line of its own below the row.
fn fault_ui(ui: &mut Ui, fault: &str, id: Id) {
    let tokens = Tokens::get(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let response = ui.interact(line, id.with("fault"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, fault));
    text(ui.painter(), line.right_center(), Align2::RIGHT_CENTER, fault, font(12.0, Weight::Regular), tokens.warn);
}

fn small_icon(ui: &mut Ui, area: Rect, icon: &str, name: &str) -> bool {
    let tokens = Tokens::get(ui);
    let response = ui.interact(area, ui.make_persistent_id(("icon", name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let color = if response.hovered() { tokens.t1 } else { tokens.t2 };
    text(ui.painter(), area.center(), Align2::CENTER_CENTER, icon, icon_font(14.0), color);
    focus_ring(ui, &response, 4.0);
    hint(response, name, "").clicked()
}
