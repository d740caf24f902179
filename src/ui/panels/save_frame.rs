//! The preview of data that are saved: the plane on screen, and on it the frame of what is taken of it, which is
//! dragged.

use egui::accesskit::Role;
use egui::{Color32, CursorIcon, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::super::place::image_size;
use super::super::theme::{SCRIM, Tokens, Weight, font};
use super::super::{Command, DataOptions, Model, What};
use crate::volume::Axis;

/// Half of a handle's side.
const HANDLE: f32 = 3.5;
/// So near to a handle it is taken.
const REACH: f32 = 9.0;

/// Draws it into a square.
pub fn preview_ui(ui: &mut Ui, square: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(square.expand2(vec2(0.0, 60.0)));
    painter.rect_filled(square, 6.0, tokens.bg0);
    let image = image_in(square, model);
    match &model.saving.preview {
        Some(texture) => {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), image, whole, Color32::WHITE);
        }
        None => {
            let words = model.saving.refusal.as_deref().unwrap_or("Drawing…");
            let galley =
                painter.layout(words.to_owned(), font(12.0, Weight::Regular), tokens.t2, square.width() - 32.0);
            painter.galley(square.center() - galley.size() / 2.0, galley, tokens.t2);
        }
    }
    frame_ui(ui, image, model, commands);
    ui.painter().rect_stroke(square, 6.0, Stroke::new(1.0, tokens.line), StrokeKind::Inside);
    let axes = axes_of(model).map(|axis| axis.to_string());
    let words = format!("Drag the frame to choose {} and {}, or type beside it.", axes[0], axes[1]);
    let galley = painter.layout(words, font(12.0, Weight::Regular), tokens.t2, square.width());
    painter.galley(square.left_bottom() + vec2(0.0, 8.0), galley, tokens.t2);
}

/// The axes of the rows and of the columns.
fn axes_of(model: &Model<'_>) -> [Axis; 2] {
    let (rows, columns) = model.view.orientation.plane_axes();
    [rows, columns]
}

/// Where the plane lies in the square, in its true proportions.
fn image_in(square: Rect, model: &Model<'_>) -> Rect {
    let size = match &model.saving.preview {
        Some(texture) => texture.size_vec2(),
        None => {
            let [columns, rows] = image_size(model.layer_info, model.view.orientation);
            vec2(columns as f32, rows as f32)
        }
    };
    let size = size.max(Vec2::splat(1.0));
    Rect::from_center_size(square.center(), size * (square.width() / size.x).min(square.height() / size.y))
}

fn frame_ui(ui: &mut Ui, image: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let axes = axes_of(model);
    let ranges = model.state.data.ranges(model.state, model.layer_info);
    let num = axes.map(|axis| model.layer_info.shape[axis.index()].max(1) as f32);
    let at = |axis: usize, index: usize| index as f32 / num[axis];
    let [rows, columns] = axes.map(|axis| ranges[axis.index()]);
    let corner = |column: usize, row: usize| {
        pos2(image.left() + image.width() * at(1, column), image.top() + image.height() * at(0, row))
    };
    let frame = Rect::from_min_max(corner(columns[0], rows[0]), corner(columns[1], rows[1]));
    let painter = ui.painter_at(image.expand(HANDLE + 1.0));
    let is_part = [rows, columns].iter().zip(num).any(|(range, num)| ((range[1] - range[0]) as f32) < num);
    if is_part {
        for outside in [
            Rect::from_min_max(image.min, pos2(image.right(), frame.top())),
            Rect::from_min_max(pos2(image.left(), frame.bottom()), image.max),
            Rect::from_min_max(pos2(image.left(), frame.top()), pos2(frame.left(), frame.bottom())),
            Rect::from_min_max(pos2(frame.right(), frame.top()), pos2(image.right(), frame.bottom())),
        ] {
            painter.rect_filled(outside.intersect(image), 0.0, SCRIM);
        }
    }
    painter.rect_stroke(frame, 0.0, Stroke::new(1.5, tokens.accent), StrokeKind::Middle);
    for handle in HANDLES {
        let at = frame.lerp_inside(vec2(handle[0] / 2.0 + 0.5, handle[1] / 2.0 + 0.5));
        let square = Rect::from_center_size(at, Vec2::splat(2.0 * HANDLE));
        painter.rect(square, 1.5, tokens.accent, Stroke::new(1.0, tokens.on_accent), StrokeKind::Middle);
    }
    let response = ui.interact(image.expand(HANDLE), ui.make_persistent_id("frame"), Sense::drag());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Image, true, "Preview");
        info.current_text_value =
            Some(format!("{} {}–{}, {} {}–{}", axes[0], rows[0], rows[1] - 1, axes[1], columns[0], columns[1] - 1));
        info
    });
    let held_id = response.id.with("held");
    let pointer = ui.input(|input| input.pointer.interact_pos());
    if response.drag_started()
        && let Some(origin) = ui.input(|input| input.pointer.press_origin())
    {
        ui.data_mut(|data| data.insert_temp(held_id, (handle_at(frame, origin), origin, frame)));
    }
    if let Some(hovered) = response.hover_pos() {
        ui.ctx().set_cursor_icon(cursor_of(handle_at(frame, hovered)));
    }
    let held = ui.data(|data| data.get_temp::<([f32; 2], Pos2, Rect)>(held_id));
    let (true, Some((handle, origin, before)), Some(pointer)) = (response.dragged(), held, pointer) else { return };
    let moved = dragged(before, handle, pointer - origin, image);
    let range = |axis: usize, low: f32, high: f32, from: f32, length: f32| {
        let index = |at: f32| (((at - from) / length).clamp(0.0, 1.0) * num[axis]).round();
        let start = index(low).min(num[axis] - 1.0);
        [start as usize, index(high).max(start + 1.0) as usize]
    };
    let mut new = ranges;
    new[axes[0].index()] = range(0, moved.top(), moved.bottom(), image.top(), image.height());
    new[axes[1].index()] = range(1, moved.left(), moved.right(), image.left(), image.width());
    if new != ranges {
        let data = DataOptions { what: What::Selection, ranges: Some(new), ..model.state.data };
        commands.push(Command::SetData(data));
    }
}

/// The handles, by which edges they move: -1 the left and upper, 1 the right and lower.
const HANDLES: [[f32; 2]; 8] =
    [[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]];

/// Which edges somebody takes who presses there; [0, 0]: all of the frame.
fn handle_at(frame: Rect, pointer: Pos2) -> [f32; 2] {
    let side = |at: f32, low: f32, high: f32| match () {
        () if (at - low).abs() <= REACH && (at - low).abs() <= (at - high).abs() => -1.0,
        () if (at - high).abs() <= REACH => 1.0,
        () => 0.0,
    };
    match frame.expand(REACH).contains(pointer) {
        true => [side(pointer.x, frame.left(), frame.right()), side(pointer.y, frame.top(), frame.bottom())],
        false => [0.0, 0.0],
    }
}

fn cursor_of(handle: [f32; 2]) -> CursorIcon {
    match handle {
        [0.0, 0.0] => CursorIcon::Move,
        [0.0, _] => CursorIcon::ResizeVertical,
        [_, 0.0] => CursorIcon::ResizeHorizontal,
        [x, y] if x == y => CursorIcon::ResizeNwSe,
        _ => CursorIcon::ResizeNeSw,
    }
}

/// The frame after one of its handles, or all of it, was dragged; within the image.
fn dragged(frame: Rect, [x, y]: [f32; 2], by: Vec2, image: Rect) -> Rect {
    if x == 0.0 && y == 0.0 {
        let by = by.max(image.min - frame.min).min(image.max - frame.max);
        return frame.translate(by);
    }
    let mut frame = frame;
    match x {
        -1.0 => frame.min.x += by.x,
        1.0 => frame.max.x += by.x,
        _ => {}
    }
    match y {
        -1.0 => frame.min.y += by.y,
        1.0 => frame.max.y += by.y,
        _ => {}
    }
    // Dragged over the opposite edge, they change places.
    Rect::from_two_pos(frame.min, frame.max).intersect(image)
}
