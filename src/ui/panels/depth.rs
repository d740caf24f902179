//! The depth slider on the canvas's right edge, with the slab of a projection on it.

use egui::{Align2, Id, Rect, Ui, pos2};

use super::super::theme::{ON_CANVAS, SCRIM_INSET, Weight, font};
use super::super::widgets::{Direction, Slider, wheel_steps};
use super::super::{Command, Mode, Model, View, format, num_depths};
use super::canvas_marks;

/// Room the slider takes at the canvas's right edge, distance included.
pub const WIDTH: f32 = 36.0 + SCRIM_INSET;

/// Whether the recording has a depth to go through, and the canvas room for the slider.
fn is_shown(canvas: Rect, model: &Model<'_>) -> bool {
    num_depths(model.info, model.view.orientation) > 1 && canvas.height() >= 120.0
}

/// Where the room for other marks ends at the canvas's right.
pub fn left_edge(canvas: Rect, model: &Model<'_>) -> f32 {
    canvas.right() - SCRIM_INSET - if is_shown(canvas, model) { 36.0 + 8.0 } else { 0.0 }
}

fn id(view: &View) -> Id {
    Id::unique(("depth", view.id))
}

fn slider<'a>(model: &Model<'_>) -> Slider<'a> {
    let view = model.view;
    let last = num_depths(model.info, view.orientation) - 1;
    let slab = (view.mode == Mode::Projection).then(|| {
        let [start, stop] = view.slab(model.info);
        [start as f64, (stop - 1) as f64]
    });
    let (hint, key) = match view.mode {
        Mode::Plane => ("Plane shown", "↑ ↓ or wheel"),
        Mode::Projection => ("Slab: drag its ends, or its middle to move it; double-click for all", "↑ ↓ or wheel"),
    };
    Slider {
        name: "Depth",
        value: match slab {
            Some([start, stop]) => ((start + stop) / 2.0).round(),
            None => model.depth_index().min(last) as f64,
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
}

/// What the pointer, the keys of the focus and the wheel ask for on it.
pub fn steer(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let (id, slider) = (id(model.view), slider(model));
    let Some(response) = ui.ctx().read_response(id) else { return };
    // The slider lies on the canvas and would keep the wheel from it.
    let is_under_pointer = ui.rect_contains_pointer(response.rect);
    let steps = if is_under_pointer { wheel_steps(ui, id.with("wheel")) } else { 0 };
    if steps != 0 {
        commands.push(Command::StepDepth(-steps));
    }
    let Some(moved) = slider.asked(ui, id) else { return };
    if moved.is_reset && slider.slab.is_some() {
        commands.push(Command::SetSlab(None));
    } else if let Some([start, stop]) = moved.slab {
        commands.push(Command::SetSlab(Some([start.round() as usize, stop.round() as usize + 1])));
    } else if let Some(depth) = moved.value {
        commands.push(Command::DepthTo(depth.round() as usize));
    }
}

/// Draws it at the right edge of the canvas.
pub fn depth_ui(ui: &mut Ui, canvas: Rect, model: &Model<'_>) {
    if !is_shown(canvas, model) {
        return;
    }
    let slider = slider(model);
    let right = canvas.right() - SCRIM_INSET;
    let area = Rect::from_x_y_ranges(right - 36.0..=right, canvas.top() + SCRIM_INSET..=canvas.bottom() - SCRIM_INSET);
    canvas_marks::scrim(ui.painter(), area);
    let x = area.center().x;
    let label = |y: f32, text: String| {
        let font = font(11.0, Weight::Medium);
        ui.painter().text(pos2(x, y), Align2::CENTER_CENTER, text, font, ON_CANVAS);
    };
    label(area.top() + 13.0, "0".to_owned());
    label(area.bottom() - 13.0, format::integer(slider.range[1] as i64));
    let track = Rect::from_x_y_ranges(x - 13.0..=x + 13.0, area.top() + 22.0..=area.bottom() - 22.0);
    slider.draw(ui, track, id(model.view));
}
