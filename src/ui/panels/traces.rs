//! The traces under the map, on its scale: each measure over time, with the stretches that cannot be used.

use egui::{Align2, Color32, Rangef, Rect, Shape, Stroke, Ui, pos2};

use super::super::heat::{Kept, Line, Trace};
use super::super::theme::{Tokens, Weight, font};
use super::super::time_axis::TimeAxis;
use super::super::widgets::{elided, text};
use super::super::{Model, Quality};
use super::time_area::Rows;
use super::{time_heat, trace_limits};
use crate::qc::{Gravity, Limit, Verdict};

/// The trace of a row, counted from the top.
pub fn trace_at(model: &Model<'_>, index: usize) -> Trace {
    model.state.panels.trace_order[index]
}

/// Draws all there is room for.
pub fn paint(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, quality: &Quality<'_>, kept: &mut Kept) {
    let tokens = Tokens::get(ui);
    let columns = time_heat::wanted(ui, rows, axis, model).columns;
    for index in 0..rows.num_traces() {
        let (trace, rect) = (trace_at(model, index), rows.trace(index));
        let line = line_of(ui, trace, rect, quality, kept);
        ui.painter().rect_filled(rect, 3.0, tokens.bg0);
        paint_spans(ui, rows, axis, rect, trace, quality);
        paint_limits(ui, rows, trace, &line, quality);
        ui.painter_at(rect).add(Shape::Mesh(kept.line(ui.ctx(), trace, line, &columns)));
        if let Some(reason) = reason(trace, quality, kept) {
            paint_reason(ui, rect, &reason);
        }
    }
}

/// How a trace is laid into its row.
pub fn line_of(ui: &Ui, trace: Trace, rect: Rect, quality: &Quality<'_>, kept: &Kept) -> Line {
    let tokens = Tokens::get(ui);
    let span = trace.span(limit_of(trace, quality), kept.usual(trace));
    let span = trace_limits::held(ui, trace).unwrap_or(span);
    Line { rect, span, color: tokens.t1, band: tokens.env.gamma_multiply(0.75) }
}

/// The limits drawn over a trace; none where it has none.
pub fn limit_of(trace: Trace, quality: &Quality<'_>) -> Limit {
    trace.limited_by().and_then(|code| quality.limits.of(code)).unwrap_or_default()
}

/// What cannot be used, through all traces; a warning tints its own alone.
fn paint_spans(ui: &Ui, rows: &Rows, axis: &TimeAxis, rect: Rect, trace: Trace, quality: &Quality<'_>) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(rect);
    let tint = |spans: Vec<Rangef>, color: Color32| {
        for x in spans {
            painter.rect_filled(Rect::from_x_y_ranges(x, rect.y_range()), 0.0, color);
        }
    };
    let Verdict { alarms, lost, .. } = quality.verdict;
    let own = alarms.iter().filter(|alarm| alarm.gravity == Gravity::Warn && trace.is_of(alarm.code));
    tint(spans(rows, axis, own.map(|alarm| [alarm.t[0], alarm.t[1] + 1])), tokens.warn.gamma_multiply(0.09));
    tint(spans(rows, axis, lost.iter().copied()), tokens.bad.gamma_multiply(0.16));
}

/// Where ranges in order of time lie, those that touch as one, none narrower than can be seen.
fn spans(rows: &Rows, axis: &TimeAxis, ranges: impl Iterator<Item = [usize; 2]>) -> Vec<Rangef> {
    let mut spans: Vec<Rangef> = Vec::new();
    for x in ranges.filter_map(|range| rows.span(axis, range)) {
        let x = Rangef::new(x.min, x.max.max(x.min + 2.0));
        match spans.last_mut() {
            Some(last) if x.min <= last.max => last.max = last.max.max(x.max),
            _ => spans.push(x),
        }
    }
    spans
}

fn paint_limits(ui: &Ui, rows: &Rows, trace: Trace, line: &Line, quality: &Quality<'_>) {
    let tokens = Tokens::get(ui);
    let dashed = |value: f64, color: Color32| {
        let y = line.y(value as f32);
        let ends = [pos2(rows.map.left(), y), pos2(rows.map.right(), y)];
        let stroke = Stroke::new(1.0, color.gamma_multiply(0.75));
        ui.painter().extend(Shape::dashed_line(&ends, stroke, 4.0, 3.0));
    };
    let limit = limit_of(trace, quality);
    for (value, color) in [(limit.warn, tokens.warn), (limit.alarm, tokens.bad)] {
        let Some(value) = value else { continue };
        dashed(value, color);
        if trace == Trace::ZDrift {
            dashed(-value, color);
        }
    }
    if trace == Trace::Intensity {
        let y = line.y(100.0);
        ui.painter().hline(rows.map.x_range(), y, Stroke::new(1.0, tokens.t3.gamma_multiply(0.5)));
        let at = pos2(rows.map.right() + 18.0, y);
        if rows.area.right() - rows.map.right() >= 40.0 {
            text(ui.painter(), at, Align2::LEFT_CENTER, "100", font(11.0, Weight::Regular), tokens.t3);
        }
    }
}

/// Why there is nothing to draw, once that is certain.
pub fn reason(trace: Trace, quality: &Quality<'_>, kept: &Kept) -> Option<String> {
    let is_known = kept.usual(trace)[0].is_finite();
    let note = quality.snapshot.figures.notes.get(&trace.code()).cloned();
    let lacks = kept.baseline().and_then(|baseline| baseline.lacks(trace.code()));
    let lacks = lacks.filter(|_| quality.snapshot.table.num_complete() > 0).map(str::to_owned);
    note.or(lacks).filter(|_| !is_known)
}

fn paint_reason(ui: &Ui, rect: Rect, reason: &str) {
    let tokens = Tokens::get(ui);
    let font = font(11.5, Weight::Regular);
    let shown = elided(ui, reason, font.clone(), rect.width() - 24.0);
    text(ui.painter(), rect.left_center() + egui::vec2(12.0, 0.0), Align2::LEFT_CENTER, &shown, font, tokens.t3);
}
