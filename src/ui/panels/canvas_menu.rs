//! What a right click on the picture offers: saving and copying it, and what was under the pointer.

use egui::{Align2, Popup, Response, Sense, Ui, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{menu_row, text};
use super::super::{Command, Model, Overlay, SessionCommand, Value};
use super::canvas::Readout;
use crate::volume::{Axis, Picture};

/// Where the pointer was when the menu was opened, in words to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pointed {
    position: String,
    /// Of each layer that has one, with its name where there are several.
    values: Vec<(String, String)>,
}

/// Opens at a right click and stays until something is chosen.
pub fn canvas_menu_ui(response: &Response, model: &Model<'_>, readout: Option<&Readout>, commands: &mut Vec<Command>) {
    let id = response.id.with("pointed");
    if response.secondary_clicked() {
        let pointed = readout.map(|readout| Pointed {
            position: position(model, readout),
            values: readout.values.iter().filter_map(|(layer, value)| copied(model, *layer, value)).collect(),
        });
        response.ctx.data_mut(|data| data.insert_temp(id, pointed));
    }
    let pointed = response.ctx.data(|data| data.get_temp::<Option<Pointed>>(id)).flatten();
    Popup::context_menu(response).width(280.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        if let Some(pointed) = &pointed {
            pointed_ui(ui, pointed);
        }
        if menu_row(ui, "Save picture…", false) {
            commands.push(Command::ToggleOverlay(Overlay::Save));
        }
        if menu_row(ui, "Copy picture", false) {
            commands.push(Command::Session(SessionCommand::CopyPicture));
        }
    });
}

/// A value that can be copied, after the name of its layer where there are several.
fn copied(model: &Model<'_>, layer: usize, value: &Value) -> Option<(String, String)> {
    let Value::Exact(value) = value else { return None };
    let name = model.layers.get(layer).filter(|_| model.layers.len() > 1);
    Some((name.map_or_else(String::new, |layer| format!("of {} ", layer.name)), value.clone()))
}

fn pointed_ui(ui: &mut Ui, pointed: &Pointed) {
    let tokens = Tokens::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let at = rect.left_center() + vec2(10.0, 0.0);
    let heading = font(11.0, Weight::SemiBold);
    text(ui.painter(), at, Align2::LEFT_CENTER, "UNDER THE POINTER", heading, tokens.t3);
    for (name, value) in &pointed.values {
        if menu_row(ui, &format!("Copy value {name}{value}"), false) {
            ui.ctx().copy_text(value.clone());
        }
    }
    if menu_row(ui, &format!("Copy position {}", pointed.position), false) {
        ui.ctx().copy_text(pointed.position.clone());
    }
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
    ui.painter().hline(line.x_range(), line.center().y, egui::Stroke::new(1.0, tokens.line));
}

/// "t 7, z 11, y 203, x 118", the axes the dataset has; a range where planes are folded.
fn position(model: &Model<'_>, readout: &Readout) -> String {
    let (rows, columns) = model.view.orientation.plane_axes();
    let picture = model.picture();
    let [start, stop] = picture.depth_range();
    let along = |axis: Axis| match (axis, picture) {
        (Axis::T, picture) => picture.t().to_string(),
        (axis, _) if axis == rows => readout.row.to_string(),
        (axis, _) if axis == columns => readout.column.to_string(),
        (_, Picture::Plane { index, .. }) => index.to_string(),
        (_, Picture::Projection { .. }) => format!("{start}–{}", stop - 1),
    };
    let axes = Axis::ALL.into_iter().filter(|axis| model.info.has_axis[axis.index()]);
    axes.map(|axis| format!("{axis} {}", along(axis))).collect::<Vec<_>>().join(", ")
}
