//! A colormap painted as a little gradient.

use egui::accesskit::Role;
use egui::{Color32, Mesh, Painter, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2};

use super::super::theme::Tokens;
use super::hint;
use crate::volume::Colormap;

const NUM_STOPS: usize = 32;

/// Paints a colormap from left to right, or from bottom to top.
pub fn gradient(painter: &Painter, rect: Rect, colormap: Colormap, invert: bool, is_standing: bool) {
    let lut = colormap.lut();
    let mut mesh = Mesh::default();
    for stop in 0..=NUM_STOPS {
        let fraction = stop as f32 / NUM_STOPS as f32;
        let entry = (if invert { 1.0 - fraction } else { fraction } * 255.0).round() as usize;
        let [r, g, b, _] = lut[entry.min(255)];
        let color = Color32::from_rgb(r, g, b);
        let (first, second) = if is_standing {
            let y = rect.bottom() - fraction * rect.height();
            (pos2(rect.left(), y), pos2(rect.right(), y))
        } else {
            let x = rect.left() + fraction * rect.width();
            (pos2(x, rect.top()), pos2(x, rect.bottom()))
        };
        mesh.colored_vertex(first, color);
        mesh.colored_vertex(second, color);
        if stop > 0 {
            let last = 2 * stop as u32;
            mesh.add_triangle(last - 2, last - 1, last);
            mesh.add_triangle(last - 1, last, last + 1);
        }
    }
    painter.add(Shape::mesh(mesh));
}

/// A colormap to choose. Returns whether it was pressed.
pub fn swatch(ui: &mut Ui, rect: Rect, colormap: Colormap, is_selected: bool) -> bool {
    let tokens = Tokens::get(ui);
    let label = colormap.label();
    let response = ui.interact(rect.expand(2.0), ui.make_persistent_id(("colormap", label)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_selected, label));
    gradient(ui.painter(), rect, colormap, false, false);
    // Corners of the panel's colour over the mesh, which cannot be rounded itself.
    ui.painter().rect_stroke(rect, 4.0, Stroke::new(1.5, tokens.bg1), StrokeKind::Outside);
    ui.painter().rect_stroke(rect, 3.0, Stroke::new(1.0, tokens.line), StrokeKind::Inside);
    if is_selected || response.has_focus() {
        ui.painter().rect_stroke(rect.expand(1.5), 4.5, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    } else if response.hovered() {
        ui.painter().rect_stroke(rect.expand(1.0), 4.0, Stroke::new(1.0, tokens.t2), StrokeKind::Outside);
    }
    hint(response, label, "").clicked()
}
