//! Hatches, dashes and the marks of severity: shapes that say what a colour alone must not.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use super::super::theme::Tokens;
use crate::qc::Grade;
use crate::volume::Severity;

const DISTANCE: f32 = 7.0;

/// Diagonal lines: no data here.
pub fn hatch(painter: &Painter, rect: Rect, color: Color32) {
    diagonals(painter, rect, color, false);
}

/// Lines both ways: what is here cannot be read.
pub fn cross_hatch(painter: &Painter, rect: Rect, color: Color32) {
    diagonals(painter, rect, color, false);
    diagonals(painter, rect, color, true);
}

fn diagonals(painter: &Painter, rect: Rect, color: Color32, is_falling: bool) {
    let height = rect.height();
    let mut x = rect.left() - height;
    // Aligned to the screen, so that neighbouring hatches join.
    x -= x.rem_euclid(DISTANCE);
    let stroke = Stroke::new(1.5, color.gamma_multiply(0.7));
    while x < rect.right() {
        let (from, to) = if is_falling { (rect.top(), rect.bottom()) } else { (rect.bottom(), rect.top()) };
        painter.line_segment([pos2(x, from), pos2(x + height, to)], stroke);
        x += DISTANCE;
    }
}

/// A dashed outline.
pub fn dashed_rect(painter: &Painter, rect: Rect, stroke: Stroke) {
    let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    painter.extend(Shape::dashed_line(&corners, stroke, 3.0, 3.0));
}

/// A dotted upright line.
pub fn dotted_vline(painter: &Painter, x: f32, y: egui::Rangef, color: Color32) {
    let ends = [pos2(x, y.min), pos2(x, y.max)];
    painter.extend(Shape::dashed_line(&ends, Stroke::new(1.0, color), 1.5, 2.5));
}

/// ■ for an error, ▲ for a warning, ● for a note: `size` points wide.
pub fn severity_mark(painter: &Painter, center: Pos2, size: f32, severity: Severity, tokens: &Tokens) {
    shape(painter, center, size, severity, severity_color(severity, tokens));
}

/// ● usable, ▲ in part, ■ hardly: `size` points wide.
pub fn grade_mark(painter: &Painter, center: Pos2, size: f32, grade: Grade, color: Color32) {
    let severity = match grade {
        Grade::Good => Severity::Note,
        Grade::InPart => Severity::Warning,
        Grade::Lost => Severity::Error,
    };
    shape(painter, center, size, severity, color);
}

/// The colour of text that goes with it.
pub fn grade_color(grade: Grade, tokens: &Tokens) -> Color32 {
    match grade {
        Grade::Good => tokens.ok_text,
        Grade::InPart => tokens.warn_text,
        Grade::Lost => tokens.bad_text,
    }
}

fn shape(painter: &Painter, center: Pos2, size: f32, severity: Severity, color: Color32) {
    match severity {
        Severity::Error => {
            painter.rect_filled(Rect::from_center_size(center, vec2(size, size) * 0.86), 1.0, color);
        }
        Severity::Warning => {
            let half = size / 2.0;
            let corners = vec![
                center + vec2(0.0, -half * 0.92),
                center + vec2(half, half * 0.8),
                center + vec2(-half, half * 0.8),
            ];
            painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
        }
        Severity::Note => {
            painter.circle_filled(center, size * 0.42, color);
        }
    }
}

/// The colour that goes with it.
pub fn severity_color(severity: Severity, tokens: &Tokens) -> Color32 {
    match severity {
        Severity::Error => tokens.bad,
        Severity::Warning => tokens.warn,
        Severity::Note => tokens.t2,
    }
}
