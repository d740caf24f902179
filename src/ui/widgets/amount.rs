//! A positive number that may be unknown: shown as a dash, typed when it is clicked, unknown again when it is
//! emptied.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, Key, Modifiers, Rect, Sense, Ui, WidgetInfo, vec2};

use super::super::format;
use super::super::theme::{Tokens, Weight, font};
use super::line_edit::LineEdit;
use super::text::text;
use super::{focus_ring, hint};

/// The field.
#[derive(Clone, Copy, Debug)]
pub struct Amount<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// The number.
    pub value: Option<f64>,
    /// Explanation in one line.
    pub hint: &'a str,
    /// Whether it is typed into from now on, without a click.
    pub begins: bool,
}

/// What is being typed.
#[derive(Clone, Debug, Default)]
struct Typed {
    text: String,
    /// It has not had the focus yet.
    is_new: bool,
}

impl Amount<'_> {
    /// Draws it into a rectangle. Returns what was typed; `None` inside where it was emptied.
    pub fn show(&self, ui: &mut Ui, rect: Rect) -> Option<Option<f64>> {
        let id = ui.make_persistent_id(("amount", self.name));
        if self.begins {
            self.begin(ui, id);
        }
        match ui.data(|data| data.get_temp::<Typed>(id)) {
            Some(draft) => self.edit(ui, rect, id, draft),
            None => {
                self.rest(ui, rect, id);
                None
            }
        }
    }

    /// It is typed into from now on.
    fn begin(&self, ui: &Ui, id: egui::Id) {
        ui.data_mut(|data| data.insert_temp(id, Typed { text: self.draft(), is_new: true }));
        ui.ctx().request_repaint();
    }

    fn draft(&self) -> String {
        self.value.map(|value| value.to_string()).unwrap_or_default()
    }

    fn rest(&self, ui: &mut Ui, rect: Rect, id: egui::Id) {
        let tokens = Tokens::get(ui);
        let shown = self.value.map_or("–".to_owned(), format::value);
        let response = ui.interact(rect, id, Sense::click());
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(shown.clone()),
            ..WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name)
        });
        ui.painter().rect_filled(rect, 4.0, if response.hovered() { tokens.bg3 } else { tokens.bg2 });
        let at = rect.right_center() - vec2(8.0, 0.0);
        text(&ui.painter_at(rect), at, Align2::RIGHT_CENTER, &shown, font(13.0, Weight::Regular), tokens.t1);
        focus_ring(ui, &response, 4.0);
        if response.clicked() {
            self.begin(ui, id);
        }
        hint(response.on_hover_cursor(CursorIcon::Text), self.hint, "");
    }

    fn edit(&self, ui: &mut Ui, rect: Rect, id: egui::Id, mut typed: Typed) -> Option<Option<f64>> {
        let edit = LineEdit::show(ui, rect, 3.0, id, self.name, &mut typed.text);
        let response = edit.response.clone();
        if typed.is_new && response.has_focus() {
            edit.select(ui, [0, typed.text.chars().count()]);
            typed.is_new = false;
        } else if typed.is_new {
            // A dialog that is just appearing does not give it yet.
            ui.memory_mut(|memory| memory.request_focus(LineEdit::id_of(id)));
            // Nor does a window that is not in front: that is drawn again when it comes there.
            if ui.input(|input| input.focused) {
                ui.ctx().request_repaint();
            }
        }
        // Esc gives up what was typed, and nothing else.
        let is_cancelled = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        if (typed.is_new || !response.lost_focus()) && !is_cancelled {
            ui.data_mut(|data| data.insert_temp(id, typed));
            return None;
        }
        ui.data_mut(|data| data.remove_temp::<Typed>(id));
        LineEdit::forget(ui, id);
        let draft = typed.text.trim();
        if is_cancelled || draft == self.draft() {
            return None;
        }
        let typed = format::parse(draft).filter(|value| *value > 0.0);
        (typed.is_some() || draft.is_empty()).then_some(typed)
    }
}
