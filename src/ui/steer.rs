//! The first half of a frame: what the keys, and the pointer on the canvas, the depth, the time and the
//! contrast, ask of the view. It is carried out before anything is drawn, so that all of the frame shows the
//! answer, without drawing anything twice. The toolkit knows at the start of a frame what the pointer does,
//! from where things lay in the last one.

use egui::Ui;

use super::keys::read_first;
use super::panels::{canvas, canvases, contrast, time_map};
use super::{Command, Model, place};

/// What is asked before anything is drawn. `ui` is that of the whole window; what of the model changes only
/// what is drawn need not be there yet. [`super::window_ui`] is to be called in the same frame, with the model
/// as it is once these commands have been carried out.
pub fn steer(ui: &Ui, model: &Model<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    read_first(ui, model.state, Some(one_to_one(ui, model)), &mut commands);
    canvases::steer(ui, model, &mut commands);
    time_map::steer(ui, &model.in_place(), &mut commands);
    contrast::steer(ui, model, &mut commands);
    commands
}

/// The camera that draws every voxel of the active view as one pixel.
pub(super) fn one_to_one(ui: &Ui, model: &Model<'_>) -> super::Camera {
    let view = model.view;
    let canvas = canvas::place(ui, model, ui.max_rect());
    let pixels_per_point = ui.ctx().pixels_per_point();
    place::camera_of_scale(canvas, model.info, view.orientation, view.camera, pixels_per_point, 1.0)
}
