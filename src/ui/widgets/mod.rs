//! The controls of the window, painted by us. Each takes the rectangle it fills, has an accessible name,
//! shows focus, explains itself on hover, and returns what the user asked for.

mod button;
mod histogram;
mod menu;
mod number;
mod slider;
mod strip;
mod swatch;
mod text;
mod wheel;

use egui::{Response, Stroke, StrokeKind, Ui};

pub use button::{Button, Fill, icon_button, pill, segmented, segmented_width};
pub use histogram::{Asked, Histogram, histogram};
pub use menu::{choice, choice_width, menu_row};
pub use number::Number;
pub use slider::{Direction, Slider};
pub use strip::{Strip, hatch, strip};
pub use swatch::{gradient, swatch};
pub use text::{Run, label_row, runs, section_header, text, text_width};
pub use wheel::wheel_steps;

use super::theme::Tokens;

/// A ring around what has the keyboard focus.
pub fn focus_ring(ui: &Ui, response: &Response, radius: f32) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, Tokens::get(ui).accent);
        ui.painter().rect_stroke(response.rect.expand(1.0), radius + 1.0, stroke, StrokeKind::Outside);
    }
}

/// The explanation of a control: one line, the key at its end.
pub fn hint(response: Response, text: &str, key: &str) -> Response {
    if text.is_empty() {
        return response;
    }
    if !response.contains_pointer() {
        return response;
    }
    response.on_hover_ui(|ui| {
        ui.horizontal(|ui| {
            ui.label(text);
            if !key.is_empty() {
                let color = Tokens::get(ui).t3;
                ui.label(egui::RichText::new(key).color(color));
            }
        });
    })
}
