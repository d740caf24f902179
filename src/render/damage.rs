//! What of the window differs from what was drawn before: shapes are compared one by one, and what lies
//! under those that came, went or changed is to be drawn again.

use egui::epaint::ClippedShape;
use egui::{Rect, Shape};

/// Rectangles of one frame, at most: each of them is one more turn through the shapes.
const MAX_AREAS: usize = 8;
/// Pixels that may be drawn in vain to have one rectangle less.
const SLACK_PX: f32 = 4000.0;
/// Shapes that may be left out before both lists agree again; if they do not, all that follows has changed.
const REACH: usize = 48;
/// Pixels that the soft edge of a shape may lie outside its bounds.
const EDGE_PX: f32 = 2.0;

/// The areas in pixels (whole numbers, inside `screen`) where `new` looks other than `old`.
pub(super) fn damage(old: &[ClippedShape], new: &[ClippedShape], pixels_per_point: f32, screen: Rect) -> Vec<Rect> {
    let mut areas = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let (gone, come) = leave_out(&old[i..], &new[j..]);
        for shape in old[i..i + gone].iter().chain(&new[j..j + come]) {
            add(&mut areas, bounds(shape, pixels_per_point).intersect(screen));
        }
        i += gone;
        j += come;
        // Here both agree, or are at their end.
        i += 1;
        j += 1;
    }
    areas
}

/// Where a shape may have drawn, in whole pixels.
pub(super) fn bounds(shape: &ClippedShape, pixels_per_point: f32) -> Rect {
    let drawn = shape.transform_after_tessellation * shape.shape.visual_bounding_rect();
    let drawn = (drawn * pixels_per_point).expand(EDGE_PX);
    let clip = shape.clip_rect * pixels_per_point;
    let both = drawn.intersect(clip);
    Rect::from_min_max(both.min.floor(), both.max.ceil())
}

/// What is left of an area without the holes, in pieces that do not overlap.
pub(super) fn outside(area: Rect, holes: &[Rect]) -> Vec<Rect> {
    let mut left = vec![area];
    for hole in holes {
        left = left.into_iter().flat_map(|area| around(area, hole.intersect(area))).collect();
    }
    left
}

/// The pieces of an area above, below and beside a hole inside it.
fn around(area: Rect, hole: Rect) -> Vec<Rect> {
    if !hole.is_positive() {
        return vec![area];
    }
    let pieces = [
        Rect::from_min_max(area.min, egui::pos2(area.max.x, hole.min.y)),
        Rect::from_min_max(egui::pos2(area.min.x, hole.max.y), area.max),
        Rect::from_min_max(egui::pos2(area.min.x, hole.min.y), egui::pos2(hole.min.x, hole.max.y)),
        Rect::from_min_max(egui::pos2(hole.max.x, hole.min.y), egui::pos2(area.max.x, hole.max.y)),
    ];
    pieces.into_iter().filter(Rect::is_positive).collect()
}

/// How many shapes to leave out of both lists before they agree. The fewest; what a pixel is covered by
/// stays in its order, whichever are chosen.
fn leave_out(old: &[ClippedShape], new: &[ClippedShape]) -> (usize, usize) {
    for total in 0..=REACH {
        for gone in 0..=total {
            let come = total - gone;
            if let (Some(old), Some(new)) = (old.get(gone), new.get(come))
                && is_same(old, new)
            {
                return (gone, come);
            }
        }
    }
    (old.len(), new.len())
}

fn is_same(old: &ClippedShape, new: &ClippedShape) -> bool {
    (old.clip_rect, old.transform_after_tessellation) == (new.clip_rect, new.transform_after_tessellation)
        && match (&old.shape, &new.shape) {
            // Text that was laid out once is shared, and need not be compared letter by letter.
            (Shape::Text(old), Shape::Text(new)) if std::sync::Arc::ptr_eq(&old.galley, &new.galley) => {
                (old.pos, old.underline, old.fallback_color, old.override_text_color)
                    == (new.pos, new.underline, new.fallback_color, new.override_text_color)
                    && (old.opacity_factor, old.angle) == (new.opacity_factor, new.angle)
            }
            (old, new) => old == new,
        }
}

/// Adds an area, or lets one that is there already grow.
fn add(areas: &mut Vec<Rect>, area: Rect) {
    if !area.is_positive() {
        return;
    }
    areas.push(area);
    while let Some((waste, a, b)) = best_pair(areas)
        && (waste <= SLACK_PX || areas.len() > MAX_AREAS)
    {
        let gone = areas.swap_remove(b);
        areas[a] = areas[a].union(gone);
    }
}

/// The two areas that lose least by being drawn as one, and how many pixels that is.
fn best_pair(areas: &[Rect]) -> Option<(f32, usize, usize)> {
    let pairs = (0..areas.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    let waste = |a: usize, b: usize| areas[a].union(areas[b]).area() - areas[a].area() - areas[b].area();
    pairs.map(|(a, b)| (waste(a, b), a, b)).min_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Color32, pos2, vec2};

    const SCREEN: Rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(1000.0, 800.0));

    fn square(x: f32, y: f32, color: Color32) -> ClippedShape {
        let rect = Rect::from_min_size(pos2(x, y), vec2(10.0, 10.0));
        ClippedShape::new(SCREEN, Shape::rect_filled(rect, 0.0, color))
    }

    fn row(count: usize) -> Vec<ClippedShape> {
        (0..count).map(|i| square(20.0 * i as f32, 0.0, Color32::RED)).collect()
    }

    #[test]
    fn what_stays_is_not_drawn_again() {
        let old = row(20);
        assert!(damage(&old, &old.clone(), 1.0, SCREEN).is_empty());
    }

    #[test]
    fn a_change_covers_what_was_and_what_is_and_nothing_else() {
        let old = row(20);
        let mut new = old.clone();
        new[7] = square(140.0, 500.0, Color32::RED);
        let areas = damage(&old, &new, 1.0, SCREEN);
        assert_eq!(areas.len(), 2);
        assert!(areas.iter().any(|area| *area == Rect::from_min_max(pos2(138.0, 0.0), pos2(152.0, 12.0))));
        assert!(areas.iter().any(|area| *area == Rect::from_min_max(pos2(138.0, 498.0), pos2(152.0, 512.0))));
        // In pixels of a dense screen.
        let dense = damage(&old, &new, 2.0, SCREEN * 2.0);
        assert!(dense.iter().any(|area| *area == Rect::from_min_max(pos2(278.0, 998.0), pos2(302.0, 1022.0))));
    }

    #[test]
    fn what_was_put_between_or_taken_away_leaves_the_others_alone() {
        let old = row(20);
        let mut new = old.clone();
        new.insert(3, square(0.0, 600.0, Color32::BLUE));
        new.remove(10);
        for (old, new) in [(&old, &new), (&new, &old)] {
            let areas = damage(old, new, 1.0, SCREEN);
            assert_eq!(areas.len(), 2, "{areas:?}");
            assert!(areas.iter().map(Rect::area).sum::<f32>() < 1000.0);
        }
    }

    #[test]
    fn another_order_is_a_change() {
        let old = vec![square(0.0, 0.0, Color32::RED), square(5.0, 5.0, Color32::BLUE)];
        let new = vec![old[1].clone(), old[0].clone()];
        let areas = damage(&old, &new, 1.0, SCREEN);
        let both = Rect::from_min_max(pos2(5.0, 5.0), pos2(10.0, 10.0));
        assert!(areas.iter().any(|area| area.contains_rect(both)), "{areas:?}");
    }

    #[test]
    fn many_changes_become_few_areas_that_cover_them() {
        let old = row(45);
        let new: Vec<_> = (0..45).map(|i| square(20.0 * i as f32, 17.0 * i as f32, Color32::RED)).collect();
        let areas = damage(&old, &new, 1.0, SCREEN);
        assert!(areas.len() <= MAX_AREAS);
        for shape in old[1..].iter().chain(&new[1..]) {
            let bounds = bounds(shape, 1.0).intersect(SCREEN);
            assert!(!bounds.is_positive() || areas.iter().any(|area| area.contains_rect(bounds)), "{bounds:?}");
        }
    }

    #[test]
    fn what_is_left_around_holes_covers_the_rest_once() {
        let rect = |x, y, width, height| Rect::from_min_size(pos2(x, y), vec2(width, height));
        let holes = [rect(2.0, 3.0, 5.0, 4.0), rect(5.0, 5.0, 20.0, 2.0), rect(50.0, 50.0, 3.0, 3.0)];
        let pieces = outside(rect(0.0, 0.0, 12.0, 10.0), &holes);
        for (x, y) in (0..12).flat_map(|x| (0..10).map(move |y| (x as f32 + 0.5, y as f32 + 0.5))) {
            let is_hole = holes.iter().any(|hole| hole.contains(pos2(x, y)));
            let count = pieces.iter().filter(|piece| piece.contains(pos2(x, y))).count();
            assert_eq!(count, usize::from(!is_hole), "{x}, {y}: {pieces:?}");
        }
    }
}
