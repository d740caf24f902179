//! Which parts of the window are more than flat colour: only those have to be copied pixel by pixel.

use egui::epaint::ClippedShape;
use egui::{Rect, Shape, pos2};

use super::damage::bounds;
use super::fill::flat_area;

/// Side of the squares that are told apart, in pixels.
const SIDE: usize = 8;
/// Squares that are copied in vain to have one area less.
const GAP: usize = 3;

/// Areas in whole pixels, none overlapping, that cover all but flat rectangles of a window of `size`
/// (columns, rows), those inside one of `apart` left out.
pub(super) fn busy_areas(shapes: &[ClippedShape], pixels_per_point: f32, size: [u32; 2], apart: &[Rect]) -> Vec<Rect> {
    let [columns, rows] = size.map(|n| (n as usize).div_ceil(SIDE));
    let screen = Rect::from_min_max(pos2(0.0, 0.0), pos2(size[0] as f32, size[1] as f32));
    let mut is_busy = vec![false; columns * rows];
    for shape in shapes {
        let area = bounds(shape, pixels_per_point).intersect(screen);
        if !area.is_positive() || matches!(shape.shape, Shape::Callback(_)) || flat_area(shape).is_some() {
            continue;
        }
        let squares = |from: f32, to: f32| from as usize / SIDE..(to as usize).div_ceil(SIDE);
        for row in squares(area.min.y, area.max.y) {
            is_busy[row * columns..][squares(area.min.x, area.max.x)].fill(true);
        }
    }
    let square = |column: usize, row: usize| {
        let [x, y] = [column, row].map(|n| (n * SIDE) as f32);
        Rect::from_min_max(pos2(x, y), pos2(x + SIDE as f32, y + SIDE as f32)).intersect(screen)
    };
    let mut areas: Vec<Rect> = Vec::new();
    for row in 0..rows {
        let mut column = 0;
        let is_wanted = |column: usize| {
            is_busy[row * columns + column] && !apart.iter().any(|area| area.contains_rect(square(column, row)))
        };
        while column < columns {
            if !is_wanted(column) {
                column += 1;
                continue;
            }
            let mut end = column + 1;
            while let Some(next) = (end..columns.min(end + GAP + 1)).find(|&column| is_wanted(column)) {
                end = next + 1;
            }
            add(&mut areas, square(column, row).union(square(end - 1, row)));
            column = end;
        }
    }
    areas
}

/// Adds a run of squares, to the one above it where both are as wide.
fn add(areas: &mut Vec<Rect>, run: Rect) {
    let is_above = |area: &&mut Rect| area.x_range() == run.x_range() && area.max.y == run.min.y;
    match areas.iter_mut().find(is_above) {
        Some(area) => area.max.y = run.max.y,
        None => areas.push(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Color32, vec2};

    const SIZE: [u32; 2] = [330, 200];

    fn shape(x: f32, y: f32, width: f32, height: f32, radius: f32) -> ClippedShape {
        let rect = Rect::from_min_size(pos2(x, y), vec2(width, height));
        ClippedShape::new(Rect::EVERYTHING, Shape::rect_filled(rect, radius, Color32::RED))
    }

    #[test]
    fn all_but_flat_rectangles_is_covered_once_and_little_else() {
        let shapes = [
            shape(0.0, 0.0, 330.0, 200.0, 0.0),
            shape(40.0, 40.0, 50.0, 90.0, 3.0),
            shape(300.0, 180.0, 100.0, 100.0, 3.0),
            shape(200.0, 20.0, 60.0, 60.0, 0.0),
        ];
        let areas = busy_areas(&shapes, 1.0, SIZE, &[]);
        let is_covered = |x: usize, y: usize| {
            areas.iter().filter(|area| area.contains(pos2(x as f32 + 0.5, y as f32 + 0.5))).count()
        };
        for (x, y) in (0..330).flat_map(|x| (0..200).map(move |y| (x, y))) {
            let is_round = (40..90).contains(&x) && (40..130).contains(&y) || x >= 300 && y >= 180;
            assert!(is_covered(x, y) <= 1 && (!is_round || is_covered(x, y) == 1), "{x}, {y}");
        }
        assert!(areas.iter().map(Rect::area).sum::<f32>() < 9_000.0, "{areas:?}");
        assert!(areas.len() <= 3, "rows of squares become one: {areas:?}");
    }

    #[test]
    fn what_is_drawn_apart_is_left_out_at_every_scale() {
        let shapes = [shape(10.0, 10.0, 150.0, 90.0, 3.0)];
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(330.0, 200.0));
        assert!(!busy_areas(&shapes, 2.0, SIZE, &[]).is_empty());
        assert!(busy_areas(&shapes, 2.0, SIZE, &[whole]).is_empty());
    }
}
