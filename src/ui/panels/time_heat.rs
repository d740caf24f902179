//! The map of quality: planes over time as one texture, and on it what is missing, saturated or shifted.

use egui::{Color32, Rangef, Rect, Stroke, StrokeKind, Ui, pos2};

use super::super::heat::{Columns, Kept, Wanted};
use super::super::theme::Tokens;
use super::super::time_axis::TimeAxis;
use super::super::widgets::hatch;
use super::super::{Model, Quality};
use super::time_area::Rows;
use crate::qc::{Alarm, Code};

/// On the map, whose colours are the same in both themes.
const WARN: Color32 = Color32::from_rgb(0xf2, 0xb4, 0x41);
const BAD: Color32 = Color32::from_rgb(0xff, 0x5d, 0x5d);
/// What is narrower on the map is drawn as wide as this.
const NARROWEST: f32 = 3.0;

/// What of the map and the traces is wanted at this size.
pub fn wanted(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>) -> Wanted {
    let pixels = |points: f32| (points * ui.ctx().pixels_per_point()).round().max(1.0) as usize;
    let most = ui.ctx().input(|input| input.max_texture_side);
    Wanted {
        columns: Columns::new(*axis, pixels(rows.map.width()).min(most)),
        max_rows: pixels(rows.map.height()),
        measure: model.state.panels.map_measure,
    }
}

/// Draws it.
pub fn paint(ui: &Ui, rows: &Rows, axis: &TimeAxis, quality: &Quality<'_>, kept: &Kept) {
    let painter = ui.painter_at(rows.map);
    if let Some(texture) = kept.texture() {
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, rows.map, uv, Color32::WHITE);
    }
    paint_missing(ui, rows, axis, quality);
    for alarm in &quality.verdict.alarms {
        paint_alarm(ui, rows, axis, alarm, quality.snapshot.table.num_z());
    }
}

/// What is not there is hatched, however little of the time it is.
fn paint_missing(ui: &Ui, rows: &Rows, axis: &TimeAxis, quality: &Quality<'_>) {
    let tokens = Tokens::get(ui);
    let num_z = quality.snapshot.table.num_z();
    let mut last: Option<Rect> = None;
    for missing in &quality.snapshot.missing {
        let Some(x) = rows.span(axis, [missing.t[0], missing.t[1] + 1]) else { continue };
        let y = missing.z.map_or(rows.map.y_range(), |planes| rows.planes(planes, num_z));
        let cell = Rect::from_x_y_ranges(widened(x, rows.map.x_range()), widened(y, rows.map.y_range()));
        // Many that share their pixels are drawn once.
        if last.is_some_and(|last| last.contains_rect(cell)) {
            continue;
        }
        let painter = ui.painter_at(cell);
        painter.rect_filled(cell, 0.0, tokens.bg2);
        hatch(&painter, cell, tokens.t3);
        last = Some(cell);
    }
}

fn paint_alarm(ui: &Ui, rows: &Rows, axis: &TimeAxis, alarm: &Alarm, num_z: usize) {
    let Some(x) = rows.span(axis, [alarm.t[0], alarm.t[1] + 1]) else { return };
    let painter = ui.painter();
    match (alarm.code, alarm.z) {
        (Code::Saturation | Code::Duplicate | Code::Focus, Some(planes)) => {
            let x = widened(x, rows.map.x_range());
            let y = widened(rows.planes(planes, num_z), rows.map.y_range());
            let color = if alarm.gravity == crate::qc::Gravity::Alarm { BAD } else { WARN };
            painter.rect_stroke(Rect::from_x_y_ranges(x, y), 0.0, Stroke::new(1.0, color), StrokeKind::Inside);
        }
        (Code::PlaneSlip, _) if x.min > rows.map.left() => {
            painter.vline(x.min + 0.5, rows.map.y_range(), Stroke::new(1.0, BAD));
        }
        _ => {}
    }
}

/// A range of points no narrower than can be seen, within another.
fn widened(range: Rangef, within: Rangef) -> Rangef {
    let missing = (NARROWEST - range.span()).max(0.0);
    let (min, max) = (range.min - missing / 2.0, range.max + missing / 2.0);
    let shift = (within.min - min).max(0.0) - (max - within.max).max(0.0);
    Rangef::new(min + shift, max + shift)
}
