//! Things to press: buttons, icon buttons, pills and the segmented control.

use egui::accesskit::Role;
use egui::{Align2, Color32, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, filled_icon_font, font, icon_font};
use super::text::{keycap, keycap_width, text, text_width};
use super::{focus_ring, hint};

const ICON_WIDTH: f32 = 20.0;
const KEYCAP_GAP: f32 = 7.0;

/// How a button is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// Like a field.
    #[default]
    Field,
    /// The one thing to press.
    Accent,
    /// Nothing until the pointer is on it.
    None,
}

/// A button with a text and perhaps an icon before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Button<'a> {
    /// What it says.
    pub text: &'a str,
    /// Its accessible name where the text alone does not say it.
    pub name: &'a str,
    /// An icon before the text.
    pub icon: &'a str,
    /// How it is filled.
    pub fill: Fill,
    /// For a switch: whether it is on.
    pub is_on: Option<bool>,
    /// Colour of the text where it is not the usual one.
    pub color: Option<Color32>,
    /// Explanation in one line.
    pub hint: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Whether the key stands in it after the text.
    pub has_keycap: bool,
}

impl Button<'_> {
    /// Width the text and the icon need.
    pub fn width(&self, ui: &Ui) -> f32 {
        self.content_width(ui, Weight::Regular) + 20.0
    }

    fn content_width(&self, ui: &Ui, weight: Weight) -> f32 {
        let icon = if self.icon.is_empty() { 0.0 } else { ICON_WIDTH };
        let cap = if self.has_keycap { KEYCAP_GAP + keycap_width(ui, self.key) } else { 0.0 };
        icon + text_width(ui, self.text, font(12.0, weight)) + cap
    }

    /// Draws it into a rectangle. Returns whether it was pressed.
    pub fn show(&self, ui: &mut Ui, rect: Rect) -> bool {
        let tokens = Tokens::get(ui);
        let name = if self.name.is_empty() { self.text } else { self.name };
        let response = ui.interact(rect, ui.make_persistent_id(("button", name)), Sense::click());
        response.widget_info(|| match self.is_on {
            Some(is_on) => WidgetInfo::selected(Role::Button, ui.is_enabled(), is_on, name),
            None => WidgetInfo::labeled(Role::Button, ui.is_enabled(), name),
        });
        let is_on = self.is_on == Some(true);
        let fill = match self.fill {
            Fill::Accent if response.is_pointer_button_down_on() => tokens.accent.gamma_multiply(0.8),
            Fill::Accent if response.hovered() => tokens.accent.gamma_multiply(0.9),
            Fill::Accent => tokens.accent,
            _ if is_on => tokens.accent.gamma_multiply(0.18),
            _ if response.is_pointer_button_down_on() || response.hovered() => tokens.bg3,
            Fill::Field => tokens.bg2,
            Fill::None => Color32::TRANSPARENT,
        };
        let color = self.color.unwrap_or(match self.fill {
            Fill::Accent => tokens.on_accent,
            _ if is_on => tokens.accent_text,
            _ => tokens.t1,
        });
        let color = if ui.is_enabled() { color } else { tokens.t3 };
        let painter = ui.painter();
        painter.rect_filled(rect, 4.0, fill);
        let weight = if self.fill == Fill::Accent { Weight::Medium } else { Weight::Regular };
        let y = rect.center().y;
        let mut left = rect.center().x - self.content_width(ui, weight) / 2.0;
        if !self.icon.is_empty() {
            text(painter, pos2(left + 7.0, y), Align2::CENTER_CENTER, self.icon, icon_font(16.0), color);
            left += ICON_WIDTH;
        }
        let drawn = text(painter, pos2(left, y), Align2::LEFT_CENTER, self.text, font(12.0, weight), color);
        if self.has_keycap {
            let center = pos2(drawn.right() + KEYCAP_GAP + keycap_width(ui, self.key) / 2.0, y);
            match self.fill {
                Fill::Accent => keycap(ui, center, self.key, None, color),
                _ => keycap(ui, center, self.key, Some(tokens.bg1), tokens.t3),
            }
        }
        focus_ring(ui, &response, 4.0);
        hint(response, self.hint, self.key).clicked()
    }
}

/// A square button that is only an icon. `is_filled` takes the filled drawing of it.
pub fn icon_button(
    ui: &mut Ui,
    rect: Rect,
    icon: &str,
    is_filled: bool,
    fill: Fill,
    name: &str,
    key: &str,
) -> Response {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id(("icon", name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let is_down = response.is_pointer_button_down_on();
    let (background, color) = match fill {
        Fill::Accent if is_down || response.hovered() => (tokens.accent.gamma_multiply(0.88), tokens.on_accent),
        Fill::Accent => (tokens.accent, tokens.on_accent),
        _ if is_down || response.hovered() => (tokens.bg3, tokens.t1),
        Fill::Field => (tokens.bg2, tokens.t1),
        Fill::None => (Color32::TRANSPARENT, tokens.t2),
    };
    let color = if ui.is_enabled() { color } else { tokens.t3 };
    ui.painter().rect_filled(rect, 5.0, background);
    let font = if is_filled { filled_icon_font(16.0) } else { icon_font(16.0) };
    text(ui.painter(), rect.center(), Align2::CENTER_CENTER, icon, font, color);
    focus_ring(ui, &response, 5.0);
    hint(response, name, key)
}

/// Width a pill needs for its text.
pub fn pill_width(ui: &Ui, label: &str) -> f32 {
    text_width(ui, label, font(11.0, Weight::SemiBold)) + 33.0
}

/// A small rounded state with a shape before its text. Returns its response.
pub fn pill(ui: &mut Ui, rect: Rect, shape: &str, label: &str, name: &str, color: [Color32; 2]) -> Response {
    let response = ui.interact(rect, ui.make_persistent_id(("pill", name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name}: {label}")));
    let [background, foreground] = color;
    let strength = if response.hovered() { 0.22 } else { 0.15 };
    ui.painter().rect_filled(rect, 10.0, background.gamma_multiply(strength));
    let left = pos2(rect.center().x - pill_width(ui, label) / 2.0, rect.center().y);
    let shape_at = left + vec2(14.0, 0.0);
    if shape == icons::RECORD {
        ui.painter().circle_filled(shape_at, 4.0, foreground);
    } else {
        text(ui.painter(), shape_at, Align2::CENTER_CENTER, shape, filled_icon_font(11.0), foreground);
    }
    let text_at = left + vec2(23.0, 0.0);
    text(ui.painter(), text_at, Align2::LEFT_CENTER, label, font(11.0, Weight::SemiBold), foreground);
    focus_ring(ui, &response, 10.0);
    response
}

/// Segments of one choice, side by side. Returns the one pressed.
pub fn segmented(ui: &mut Ui, rect: Rect, options: &[(&str, &str, &str)], selected: usize) -> Option<usize> {
    let tokens = Tokens::get(ui);
    ui.painter().rect_filled(rect, 6.0, tokens.bg2);
    let inner = rect.shrink(2.0);
    let widths: Vec<f32> =
        options.iter().map(|(label, _, _)| text_width(ui, label, font(12.0, Weight::Regular))).collect();
    let spare = (inner.width() - widths.iter().sum::<f32>()) / options.len().max(1) as f32;
    let mut left = inner.left();
    let mut pressed = None;
    for (index, (label, explanation, key)) in options.iter().enumerate() {
        let right = left + widths[index] + spare;
        let segment = Rect::from_min_max(pos2(left, inner.top()), pos2(right, inner.bottom()));
        left = right;
        let is_on = index == selected;
        let response = ui.interact(segment, ui.make_persistent_id(("segment", label)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_on, *label));
        if is_on {
            ui.painter().rect_filled(segment, 4.0, tokens.bg3);
        }
        let color = if is_on || response.hovered() { tokens.t1 } else { tokens.t2 };
        text(ui.painter(), segment.center(), Align2::CENTER_CENTER, label, font(12.0, Weight::Regular), color);
        focus_ring(ui, &response, 4.0);
        if hint(response, explanation, key).clicked() && !is_on {
            pressed = Some(index);
        }
    }
    pressed
}

/// Width a segmented control needs.
pub fn segmented_width(ui: &Ui, labels: &[&str]) -> f32 {
    labels.iter().map(|label| text_width(ui, label, font(12.0, Weight::Regular)) + 20.0).sum::<f32>() + 4.0
}
