//! The controls of the window, painted by us. Each takes the rectangle it fills, has an accessible name,
//! shows focus, explains itself on hover, and returns what the user asked for.

mod amount;
mod button;
mod check;
mod entry;
mod hatch;
mod histogram;
mod line_edit;
mod menu;
mod number;
mod slider;
mod swatch;
mod text;
mod wheel;

use egui::{Color32, Event, EventFilter, Key, Rect, Response, Stroke, StrokeKind, Ui};

pub use amount::Amount;
pub use button::{Button, Fill, icon_button, pill, pill_width, segmented, segmented_width};
pub use check::check;
pub use entry::{Entered, Entry};
pub use hatch::{
    cross_hatch, dashed_rect, dotted_vline, grade_color, grade_mark, hatch, severity_color, severity_mark,
};
pub use histogram::{Asked, Histogram, histogram, histogram_asked};
pub use menu::{choice, choice_width, menu_action, menu_row};
pub use number::Number;
pub use slider::{Direction, Slider};
pub use swatch::{gradient, rounded_gradient, swatch};
pub use text::{Run, elided, keycap, keycap_width, label_row, runs, section_header, text, text_width};
pub use wheel::wheel_steps;

use super::theme::Tokens;

/// A ring around what has the keyboard focus.
pub fn focus_ring(ui: &Ui, response: &Response, radius: f32) {
    if response.has_focus() {
        ring(ui, response.rect, radius, Tokens::get(ui).accent);
    }
}

/// The ring of the focus around a rectangle.
pub fn ring(ui: &Ui, rect: Rect, radius: f32, color: Color32) {
    ui.painter().rect_stroke(rect.expand(1.0), radius + 1.0, Stroke::new(2.0, color), StrokeKind::Outside);
}

/// Brings what has just got the focus into view. To be called at the end of a scrolled column.
pub fn scroll_to_focus(ui: &Ui) {
    let focused = ui.memory(|memory| memory.focused()).and_then(|id| ui.ctx().read_response(id));
    if let Some(response) = focused
        && response.gained_focus()
        && response.layer_id == ui.layer_id()
        && ui.min_rect().contains(response.rect.center())
    {
        ui.scroll_to_rect(response.rect.expand(6.0), None);
    }
}

/// Where the arrow keys pressed this frame lead from `value`, one after the other as they were typed, ten
/// steps at once with Shift; `None` if the control has not the focus or none was pressed. Each arrow is given
/// with its direction.
pub fn arrow_steps(
    ui: &Ui,
    response: &Response,
    arrows: &[(Key, f64)],
    value: f64,
    step: f64,
    [low, high]: [f64; 2],
) -> Option<f64> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let steps: Vec<f64> = ui.input(|input| {
        let pressed = input.events.iter().filter_map(|event| match event {
            Event::Key { key, pressed: true, modifiers, .. } => Some((*key, if modifiers.shift { 10.0 } else { 1.0 })),
            _ => None,
        });
        pressed
            .filter_map(|(key, factor)| {
                arrows.iter().find(|(arrow, _)| *arrow == key).map(|(_, direction)| direction * factor)
            })
            .collect()
    });
    let end = steps.iter().fold(value, |value, steps| (value + steps * step).clamp(low, high));
    (!steps.is_empty()).then_some(end)
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
