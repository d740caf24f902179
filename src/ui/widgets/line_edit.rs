//! Typing in the place of what stands there: the field of a number and of a fact while it is edited.

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, Frame, Id, Margin, Rect, Response, TextEdit, Ui, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::ring;

/// A field of one line that is being edited.
pub(super) struct LineEdit {
    /// The field's.
    pub response: Response,
    id: Id,
    state: egui::text_edit::TextEditState,
}

impl LineEdit {
    /// Id of the field of the control `id`: what asks for the focus.
    pub fn id_of(id: Id) -> Id {
        id.with("edit")
    }

    /// Draws the field of the control `id` into `rect`, its text `above` points from the edges.
    pub fn show(ui: &mut Ui, rect: Rect, above: f32, id: Id, name: &str, text: &mut String) -> Self {
        let tokens = Tokens::get(ui);
        ui.painter().rect_filled(rect, 4.0, tokens.bg3);
        ring(ui, rect, 4.0, tokens.accent);
        let field = rect.shrink2(vec2(6.0, above));
        let edit = TextEdit::singleline(text)
            .id(Self::id_of(id))
            .frame(Frame::NONE)
            .margin(Margin::same(0))
            .font(font(13.0, Weight::Regular))
            .align(Align2::RIGHT_CENTER)
            .text_color(tokens.t1)
            .desired_width(field.width());
        // A child of its own: showing it in the panel's flow would push what follows.
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(field).id_salt(id));
        // The field is lower than the toolkit's least height, which would push the text down.
        child.spacing_mut().interact_size.y = 0.0;
        let output = edit.show(&mut child);
        let response = output.response.response.clone().accessible_name(name);
        Self { response, id: Self::id_of(id), state: output.state }
    }

    /// Selects what is typed over, half-open, in characters.
    pub fn select(mut self, ui: &Ui, [start, end]: [usize; 2]) {
        self.state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(start), CCursor::new(end))));
        self.state.store(ui.ctx(), self.id);
    }

    /// Forgets the cursor of the control `id`, which is not edited any more.
    pub fn forget(ui: &Ui, id: Id) {
        TextEdit::store_state(ui.ctx(), Self::id_of(id), Default::default());
    }
}
