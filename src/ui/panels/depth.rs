//! The depth slider on the canvas's right edge, with the slab of a projection on it.

use egui::{Align2, Rect, Ui, pos2};

use super::super::theme::{Weight, font};
use super::super::widgets::{Direction, Slider};
use super::super::{Command, Mode, Model, format, num_depths};
use crate::ui::theme::ON_CANVAS;

/// Draws it at the right edge of the canvas.
pub fn depth_ui(ui: &mut Ui, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let view = model.view;
    let num = num_depths(model.info, view.orientation);
    if num < 2 || canvas.height() < 120.0 {
        return;
    }
    let last = num - 1;
    let x = canvas.right() - 31.0;
    let label = |y: f32, text: String| {
        let color = ON_CANVAS.gamma_multiply(0.8);
        ui.painter().text(pos2(x, y), Align2::CENTER_CENTER, text, font(11.0, Weight::Regular), color);
    };
    label(canvas.top() + 32.0, "0".to_owned());
    label(canvas.bottom() - 32.0, format::integer(last as i64));
    let track = Rect::from_x_y_ranges(x - 13.0..=x + 13.0, canvas.top() + 41.0..=canvas.bottom() - 41.0);
    let slab = (view.mode == Mode::Projection).then(|| {
        let [start, stop] = view.slab(model.info);
        [start as f64, (stop - 1) as f64]
    });
    let (hint, key) = match view.mode {
        Mode::Plane => ("Plane shown", "↑ ↓ or wheel"),
        Mode::Projection => ("Slab: drag its ends, or its middle to move it; double-click for all", "↑ ↓ or wheel"),
    };
    let moved = Slider {
        name: "Depth",
        value: match slab {
            Some([start, stop]) => ((start + stop) / 2.0).round(),
            None => view.depth_index().min(last) as f64,
        },
        range: [0.0, last as f64],
        step: 1.0,
        direction: Direction::Down,
        slab,
        has_handle: view.mode == Mode::Plane || view.has_slab(),
        on_canvas: true,
        hint,
        key,
        ..Slider::default()
    }
    .show(ui, track);
    if moved.is_reset && slab.is_some() {
        commands.push(Command::SetSlab(None));
    } else if let Some([start, stop]) = moved.slab {
        commands.push(Command::SetSlab(Some([start.round() as usize, stop.round() as usize + 1])));
    } else if let Some(depth) = moved.value {
        commands.push(Command::DepthTo(depth.round() as usize));
    }
}
