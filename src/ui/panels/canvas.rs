//! The picture: where it lies, how the pointer moves it, and what it points at.

use egui::accesskit::Role;
use egui::{Color32, CursorIcon, Id, PointerButton, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use super::super::place::{image_rect, image_size, pan_by, voxel_at, voxel_rect, zoom_at};
use super::super::widgets::wheel_steps;
use super::super::{Canvas, Command, Model, Placement, Shown, Value};
use super::{canvas_marks, canvas_menu};
use crate::volume::ViewId;

/// What the pointer is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// On which canvas.
    pub view: ViewId,
    /// Row and column of the picture.
    pub row: usize,
    /// Column of the picture.
    pub column: usize,
    /// What stands there in each layer that is shown, by its position.
    pub values: Vec<(usize, Value)>,
}

/// Name of a view's canvas among the widgets.
pub fn id(view: ViewId) -> Id {
    Id::unique(("canvas", view))
}

/// Where the canvas of the model's view lies, or lay in the last frame; `room` where it is not there yet.
pub fn place(ui: &Ui, model: &Model<'_>, room: Rect) -> Rect {
    ui.ctx().read_response(id(model.view.id)).map_or(room, |response| response.rect)
}

/// Whether the pointer has just been pressed on a view's canvas.
pub fn is_pressed(ui: &Ui, view: ViewId) -> bool {
    let response = ui.ctx().read_response(id(view));
    response.is_some_and(|response| response.is_pointer_button_down_on()) && ui.input(|i| i.pointer.any_pressed())
}

/// What the pointer asks for on the canvas: nearer, elsewhere, deeper.
pub fn steer(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let view = model.view;
    let Some(response) = ui.ctx().read_response(id(view.id)) else { return };
    let rect = response.rect;
    let mut camera = view.camera;
    let image = image_rect(rect, model.info, view.orientation, camera);
    if response.double_clicked() {
        commands.push(Command::Fit);
    } else if response.dragged_by(PointerButton::Primary) || response.dragged_by(PointerButton::Middle) {
        camera = pan_by(image, camera, response.drag_delta());
    }
    // Not where a drawer or a slider lies over it.
    if response.hovered() {
        let (zoom, pointer) = ui.input(|input| (input.zoom_delta(), input.pointer.hover_pos()));
        if zoom != 1.0 {
            camera = zoom_at(rect, image, camera, pointer.unwrap_or(rect.center()), zoom);
        }
        let steps = wheel_steps(ui, response.id.with("wheel"));
        if steps != 0 {
            commands.push(Command::StepDepth(-steps));
        }
    }
    if camera != view.camera {
        commands.push(Command::SetCamera(camera));
    }
}

/// Draws the picture and its marks, and says what the pointer is on.
pub fn canvas_ui(
    ui: &mut Ui,
    rect: Rect,
    model: &Model<'_>,
    canvas: &mut dyn Canvas,
    commands: &mut Vec<Command>,
) -> Option<Readout> {
    super::super::theme::canvas_ground(ui, rect);
    let view = model.view;
    // Not focusable: the arrow keys are for time and depth.
    let response = ui.interact(rect, id(view.id), Sense::CLICK | Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Picture"));
    let image = image_rect(rect, model.info, view.orientation, view.camera);

    let placement = Placement { image, canvas: rect };
    match canvas.image(view, &placement) {
        Some(shape) => {
            ui.painter_at(rect).add(shape);
        }
        None if matches!(model.shown, Shown::Missing(_)) => canvas_marks::missing(ui, rect, image),
        None => {}
    }

    let size = image_size(model.info, view.orientation);
    let pointed = response.hover_pos().and_then(|pos| voxel_at(image, size, pos));
    let readout = pointed.map(|[column, row]| {
        let has_channels = model.state.layers.len() > 1;
        let mut value = |layer| match model.shown {
            // Of several channels each may be exact, or not, by itself.
            _ if has_channels => canvas.value_at(view.id, layer, row, column),
            Shown::Exact => canvas.value_at(view.id, layer, row, column),
            Shown::Missing(_) | Shown::Coarse => Value::Missing,
            _ => Value::Unknown,
        };
        let shown = model.state.layers.iter().enumerate().filter(|(_, layer)| layer.visible);
        let values = shown.map(|(layer, _)| (layer, value(layer))).collect();
        Readout { view: view.id, row, column, values }
    });
    if let Some(voxel) = pointed {
        let outline = voxel_rect(image, size, voxel);
        // Only where a voxel is large enough to be told from its neighbours.
        if outline.width().min(outline.height()) >= 6.0 {
            // Light on dark: seen on any picture.
            let (painter, kind) = (ui.painter_at(rect), StrokeKind::Outside);
            painter.rect_stroke(outline, 0.0, Stroke::new(3.0, Color32::from_black_alpha(160)), kind);
            painter.rect_stroke(outline.expand(1.0), 0.0, Stroke::new(1.0, Color32::WHITE), StrokeKind::Middle);
        }
    }
    canvas_marks::overlays(ui, rect, image, model);
    canvas_menu::canvas_menu_ui(&response, model, readout.as_ref(), commands);
    let cursor = if response.dragged() { CursorIcon::Grabbing } else { CursorIcon::Crosshair };
    response.on_hover_and_drag_cursor(cursor);
    readout
}
