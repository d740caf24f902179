//! A box to tick, with its label beside it.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::text::text;
use super::{focus_ring, hint};

/// Draws it into a rectangle. Returns whether it was pressed.
pub fn check(ui: &mut Ui, rect: Rect, label: &str, is_on: bool, explanation: &str) -> bool {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id(("check", label)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), is_on, label));
    let square = Rect::from_center_size(rect.left_center() + vec2(8.0, 0.0), vec2(16.0, 16.0));
    let fill = match is_on {
        true => tokens.accent,
        false => tokens.bg3,
    };
    ui.painter().rect_filled(square, 4.0, fill);
    if is_on {
        text(ui.painter(), square.center(), Align2::CENTER_CENTER, icons::CHECK, icon_font(12.0), tokens.on_accent);
    }
    let color = if is_on || response.hovered() { tokens.t1 } else { tokens.t2 };
    let at = rect.left_center() + vec2(24.0, 0.0);
    text(ui.painter(), at, Align2::LEFT_CENTER, label, font(13.0, Weight::Regular), color);
    focus_ring(ui, &response, 4.0);
    hint(response, explanation, "").clicked()
}
