//! A field of one line for text that is taken when it is entered: until then it holds what is typed, and Esc gives
//! that up.

use egui::{Align2, Frame, Id, Key, Margin, Modifiers, Rect, StrokeKind, TextEdit, Ui, vec2};

use super::super::overlay;
use super::super::theme::{Tokens, Weight, font};

/// The field.
pub struct TextField<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// Its own.
    pub id: Id,
    /// What stands in it while it is empty.
    pub ghost: &'a str,
}

/// What became of what was typed.
pub enum Typed {
    /// It is meant.
    Entered(String),
    /// It was given up.
    Left,
}

impl TextField<'_> {
    fn draft_id(&self) -> Id {
        self.id.with("draft")
    }

    /// Whether something is being typed in it.
    pub fn is_open(&self, ui: &Ui) -> bool {
        ui.data(|data| data.get_temp::<String>(self.draft_id())).is_some()
    }

    /// Begins to type over a text.
    pub fn open(&self, ui: &Ui, known: &str) {
        self.reopen(ui.ctx(), known);
        ui.ctx().request_repaint();
    }

    /// Goes on typing what was entered.
    pub fn reopen(&self, ctx: &egui::Context, text: &str) {
        ctx.data_mut(|data| data.insert_temp(self.draft_id(), text.to_owned()));
        ctx.memory_mut(|memory| memory.request_focus(self.id));
    }

    /// Draws it into a rectangle. `known` is what stands there while nothing is typed.
    pub fn show(&self, ui: &mut Ui, rect: Rect, known: &str) -> Option<Typed> {
        let tokens = Tokens::get(ui);
        let draft = ui.data(|data| data.get_temp::<String>(self.draft_id()));
        let mut typed = draft.clone().unwrap_or_else(|| known.to_owned());
        ui.painter().rect_filled(rect, 4.0, tokens.bg2);
        let inner = rect.shrink2(vec2(8.0, 0.0));
        let response = overlay::within(ui, inner, self.name, |ui| {
            ui.spacing_mut().interact_size.y = 0.0;
            let edit = TextEdit::singleline(&mut typed)
                .id(self.id)
                .frame(Frame::NONE)
                .margin(Margin::same(0))
                .font(font(12.0, Weight::Regular))
                .align(Align2::LEFT_CENTER)
                .hint_text(self.ghost)
                .min_size(vec2(inner.width(), inner.height()))
                .desired_width(inner.width());
            ui.add(edit).accessible_name(self.name)
        });
        if response.has_focus() {
            ui.painter().rect_stroke(rect, 4.0, egui::Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
        }
        let is_cancelled = (response.has_focus() || response.lost_focus())
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        if is_cancelled || response.lost_focus() {
            ui.data_mut(|data| data.remove_temp::<String>(self.draft_id()));
            if is_cancelled {
                ui.memory_mut(|memory| memory.surrender_focus(self.id));
            }
            return match draft {
                _ if is_cancelled => Some(Typed::Left),
                // Drawn once more in the same frame: it was answered.
                None => None,
                Some(_) if typed.trim() == known.trim() => Some(Typed::Left),
                Some(_) => Some(Typed::Entered(typed)),
            };
        }
        if response.has_focus() && draft.as_deref() != Some(typed.as_str()) {
            ui.data_mut(|data| data.insert_temp(self.draft_id(), typed));
        }
        None
    }
}
