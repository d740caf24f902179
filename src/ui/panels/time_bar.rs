//! The time area: the recording along time, and below it the transport in one row.

use egui::{Rect, Stroke, Ui, pos2};

use super::super::theme::{Tokens, fill};
use super::super::{Command, Model};
use super::time_map::{self, time_map_ui};
use super::transport::{self, transport_ui};

/// Height of the area.
pub const HEIGHT: f32 = 132.0;

/// Draws the area.
pub fn time_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg1);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, tokens.line));
    let map = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + time_map::HEIGHT));
    time_map_ui(ui, map, model);
    let bottom = rect.bottom() - 6.0;
    let row = Rect::from_x_y_ranges(rect.left() + 16.0..=rect.right() - 16.0, bottom - transport::HEIGHT..=bottom);
    transport_ui(ui, row, model, commands);
}
