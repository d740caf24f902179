//! A colormap painted as a little gradient.

use egui::accesskit::Role;
use egui::{Color32, Mesh, Painter, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2};

use super::super::theme::Tokens;
use super::{focus_ring, hint};
use crate::volume::Colormap;

const NUM_STOPS: usize = 32;

/// Paints a colormap from bottom to top as a scale of values: equal steps are equal differences, whatever
/// the gamma.
pub fn gradient(painter: &Painter, rect: Rect, colormap: Colormap, invert: bool, gamma: f32) {
    let mut mesh = Mesh::default();
    for stop in 0..=NUM_STOPS {
        let fraction = stop as f32 / NUM_STOPS as f32;
        let curved = fraction.powf(gamma);
        let color = color_at(colormap, if invert { 1.0 - curved } else { curved });
        let y = rect.bottom() - fraction * rect.height();
        add_stop(&mut mesh, pos2(rect.left(), y), pos2(rect.right(), y), color);
    }
    painter.add(Shape::mesh(mesh));
}

/// Paints a colormap from left to right, its corners rounded. Of few triangles: the panel has a dozen.
pub fn rounded_gradient(painter: &Painter, rect: Rect, radius: f32, colormap: Colormap) {
    let mut mesh = Mesh::default();
    let ends = [0.0, 0.3, 1.0].map(|part| part * radius / rect.width());
    let inner =
        (1..NUM_STOPS).map(|stop| stop as f32 / NUM_STOPS as f32).filter(|&at| ends[2] < at && at < 1.0 - ends[2]);
    let stops = ends.into_iter().chain(inner).chain(ends.map(|end| 1.0 - end).into_iter().rev());
    for fraction in stops {
        let x = rect.left() + fraction * rect.width();
        let into_corner = (radius - (x - rect.left()).min(rect.right() - x)).max(0.0);
        let cut = radius - (radius * radius - into_corner * into_corner).max(0.0).sqrt();
        add_stop(&mut mesh, pos2(x, rect.top() + cut), pos2(x, rect.bottom() - cut), color_at(colormap, fraction));
    }
    painter.add(Shape::mesh(mesh));
}

fn color_at(colormap: Colormap, fraction: f32) -> Color32 {
    let [r, g, b, _] = colormap.color((fraction * 255.0).round() as u8);
    Color32::from_rgb(r, g, b)
}

/// Adds two corners of one colour and joins them to the two before.
fn add_stop(mesh: &mut Mesh, first: Pos2, second: Pos2, color: Color32) {
    let next = mesh.vertices.len() as u32;
    mesh.colored_vertex(first, color);
    mesh.colored_vertex(second, color);
    if next > 0 {
        mesh.add_triangle(next - 2, next - 1, next);
        mesh.add_triangle(next - 1, next, next + 1);
    }
}

/// A colormap to choose. Returns whether it was pressed.
pub fn swatch(ui: &mut Ui, rect: Rect, colormap: Colormap, is_selected: bool) -> bool {
    let tokens = Tokens::get(ui);
    let label = colormap.label();
    let response = ui.interact(rect.expand(2.0), ui.make_persistent_id(("colormap", label)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_selected, label));
    // Dark ends would melt into the panel without an edge.
    ui.painter().rect_filled(rect, 3.0, tokens.line);
    rounded_gradient(ui.painter(), rect.shrink(1.0), 2.0, colormap);
    if is_selected {
        ui.painter().rect_stroke(rect.expand(1.5), 4.5, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    } else if response.hovered() {
        ui.painter().rect_stroke(rect.expand(1.0), 4.0, Stroke::new(1.0, tokens.t2), StrokeKind::Outside);
    }
    focus_ring(ui, &response, 5.0);
    hint(response, label, "").clicked()
}
