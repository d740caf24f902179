//! The rows of the time area as pictures: the axis, the stored pieces and their states, what is in memory,
//! what is still to come, and where the view is.

use egui::{Align2, Color32, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use super::super::heat::Kept;
use super::super::piece_runs::{Run, runs};
use super::super::theme::{self, Tokens, Weight, font};
use super::super::time_axis::TimeAxis;
use super::super::widgets::{cross_hatch, dashed_rect, hatch, text, text_width};
use super::super::{Model, Shown, format};
use super::time_area::Rows;
use super::time_heat;
use crate::live::{LiveState, LiveStatus};
use crate::volume::{Axis, Orientation, PieceState};

/// Edges of pieces closer than this are not drawn.
const NOTCH_DISTANCE: f64 = 5.0;

/// Draws all rows but the traces, the marks of what is wrong and the place of the view. With measures of quality,
/// `kept`, the map shows them; else how the recording is stored.
pub fn paint(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, kept: Option<&Kept>) {
    paint_axis(ui, rows, axis);
    paint_map(ui, rows, axis, model, kept);
    paint_to_come(ui, rows, axis, model);
    paint_strip(ui, rows, axis, model);
}

fn paint_axis(ui: &Ui, rows: &Rows, axis: &TimeAxis) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter();
    for tick in axis.ticks(rows.axis.width()) {
        let x = rows.x(axis, tick.t).round() + 0.5;
        let (height, strength) = if tick.label.is_some() { (5.0, 0.8) } else { (3.0, 0.45) };
        let stroke = Stroke::new(1.0, tokens.t3.gamma_multiply(strength));
        painter.vline(x, rows.axis.bottom() - height..=rows.axis.bottom(), stroke);
        if let Some(label) = tick.label {
            let at = pos2(x, rows.axis.top() + 11.0);
            text(painter, at, Align2::CENTER_CENTER, &label, font(11.0, Weight::Regular), tokens.t3);
        }
    }
    // Where only a part is shown, which one.
    if let Some([start, stop]) = axis.part() {
        let whole = Rect::from_x_y_ranges(rows.axis.x_range(), rows.axis.top() + 1.0..=rows.axis.top() + 3.0);
        painter.rect_filled(whole, 1.0, tokens.bg3);
        let x = |part: f32| whole.left() + part * whole.width();
        let part = Rect::from_x_y_ranges(x(start)..=x(stop).max(x(start) + 4.0), whole.y_range());
        painter.rect_filled(part, 1.0, tokens.t3);
    }
}

fn paint_map(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, kept: Option<&Kept>) {
    let tokens = Tokens::get(ui);
    let map = rows.map;
    theme::fill(ui, map, tokens.bg0);
    if let Some((quality, kept)) = model.quality.as_ref().zip(kept) {
        time_heat::paint(ui, rows, axis, quality, kept);
    }
    let num_t = model.info.shape[0];
    let recorded =
        Rect::from_x_y_ranges(map.left()..=rows.x(axis, num_t as f64).clamp(map.left(), map.right()), map.y_range());
    let of = |wanted: Axis| -> Vec<([usize; 2], PieceState)> {
        let pieces = model.pieces.iter().filter(|piece| piece.axis == Some(wanted));
        pieces.map(|piece| (piece.range, piece.state)).collect()
    };
    let (mut along_t, along_z) = (of(Axis::T), of(Axis::Z));
    if along_t.is_empty() && along_z.is_empty() {
        along_t.push(([0, num_t], PieceState::Whole));
    }
    for run in runs(&along_t, map.width(), |t| rows.x(axis, t) - map.left()) {
        let x = run.range.map(|end| (map.left() + end).clamp(map.left(), map.right()));
        paint_piece(ui, Rect::from_x_y_ranges(x[0]..=x[1], map.y_range()), &run, kept.is_some());
    }
    let num_z = model.info.shape[1].max(1) as f64;
    let row_y = |z: f64| (z / num_z).clamp(0.0, 1.0) as f32 * map.height();
    for run in runs(&along_z, map.height(), row_y) {
        let y = run.range.map(|end| map.top() + end);
        paint_piece(ui, Rect::from_x_y_ranges(recorded.x_range(), y[0]..=y[1]), &run, kept.is_some());
    }
    if kept.is_none() && !along_z.is_empty() {
        let size = along_z[0].0[1] - along_z[0].0[0];
        if map.height() * size as f32 / num_z as f32 >= 3.0 {
            for ([start, _], _) in along_z.iter().skip(1) {
                let y = map.top() + row_y(*start as f64);
                ui.painter().hline(recorded.x_range(), y, Stroke::new(1.0, tokens.bg1.gamma_multiply(0.6)));
            }
        }
    }
    if kept.is_some() || !along_z.is_empty() {
        paint_depth(ui, rows, model);
    }
    paint_notches(ui, rows, axis, &along_t, num_t);
}

/// The plane of the view.
fn paint_depth(ui: &Ui, rows: &Rows, model: &Model<'_>) {
    let num_z = model.info.shape[1].max(1) as f32;
    let z = model.picture().depth_range();
    let middle = match model.view.orientation {
        Orientation::Xy => (z[0] + z[1]) as f32 / 2.0,
        _ => model.state.cursor.z as f32 + 0.5,
    };
    let y = rows.map.top() + middle / num_z * rows.map.height();
    let color = if model.quality.is_some() { Color32::WHITE } else { Tokens::get(ui).t1 };
    ui.painter().hline(rows.map.x_range(), y, Stroke::new(1.0, color.gamma_multiply(0.45)));
}

/// The edges of the pieces as notches, those to come as well.
fn paint_notches(ui: &Ui, rows: &Rows, axis: &TimeAxis, pieces: &[([usize; 2], PieceState)], num_t: usize) {
    let tokens = Tokens::get(ui);
    let Some(([first, stop], _)) = pieces.first().filter(|_| pieces.len() > 1) else { return };
    let size = (stop - first) as f64;
    if size <= 0.0 || size / axis.length() * f64::from(rows.map.width()) < NOTCH_DISTANCE {
        return;
    }
    let end = axis.at(1.0);
    let start = axis.at(0.0);
    let dark = Color32::from_black_alpha(if ui.visuals().dark_mode { 150 } else { 90 });
    let mut edge = (start / size).ceil().max(1.0) * size;
    while edge < end {
        let color = if edge < num_t as f64 { dark } else { tokens.line };
        let x = rows.x(axis, edge).round() + 0.5;
        ui.painter().vline(x, rows.map.bottom() - 4.0..=rows.map.bottom(), Stroke::new(1.0, color));
        edge += size;
    }
}

/// One stretch of pieces, its state told by shape as well as by colour; over a picture of what was measured only
/// what is odd.
fn paint_piece(ui: &Ui, cell: Rect, run: &Run, is_on_picture: bool) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(cell);
    let has_data = !matches!(run.state, PieceState::Missing | PieceState::Damaged);
    let fill = match run.state {
        PieceState::Whole | PieceState::Partial | PieceState::Suspect => tokens.bg3,
        PieceState::Unseen => tokens.bg0.lerp_to_gamma(tokens.bg3, 0.8),
        PieceState::Missing | PieceState::Damaged => tokens.bg2,
        PieceState::Writing | PieceState::LeftOut => tokens.bg0,
    };
    if !(is_on_picture && has_data) {
        theme::fill(ui, cell, fill);
    }
    match run.state {
        PieceState::Whole | PieceState::Unseen => {}
        PieceState::Suspect => {
            let stroke = Stroke::new(1.0, tokens.warn);
            painter.rect_stroke(cell, 0.0, stroke, StrokeKind::Inside);
        }
        // What it lacks is hatched where it is lacking.
        PieceState::Partial if is_on_picture => {}
        PieceState::Partial => hatch(&painter, cell, tokens.warn),
        PieceState::Damaged => cross_hatch(&painter, cell, tokens.bad),
        PieceState::Missing => hatch(&painter, cell, tokens.t3),
        PieceState::Writing => {
            dashed_rect(&painter, cell.shrink(0.5), Stroke::new(1.0, tokens.t1.gamma_multiply(0.75)))
        }
        PieceState::LeftOut => {
            painter.rect_stroke(cell, 0.0, Stroke::new(1.0, tokens.t3), StrokeKind::Inside);
        }
    }
}

/// What is planned and not there: two quiet words.
fn paint_to_come(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>) {
    let Some(live) = model.live else { return };
    let tokens = Tokens::get(ui);
    let (map, num_t) = (rows.map, model.info.shape[0]);
    if let Some(span) = live.writing.filter(|span| span.axis == Axis::T && span.range[1] > num_t) {
        let x = span.range.map(|t| rows.x(axis, t as f64).clamp(map.left(), map.right()));
        let cell = Rect::from_x_y_ranges(x[0]..=x[1], map.y_range());
        let stroke = Stroke::new(1.0, tokens.t1.gamma_multiply(0.75));
        dashed_rect(&ui.painter_at(cell), cell.shrink(0.5), stroke);
    }
    let Some(planned) = live.expected_end.filter(|planned| *planned > num_t) else { return };
    let left = rows.x(axis, live.writing.map_or(num_t, |span| span.range[1].max(num_t)) as f64).max(map.left());
    let long = |t: usize| match model.info.rate_hz.filter(|rate| *rate > 0.0) {
        Some(rate) => roughly(t as f64 / rate),
        None => format!("{} t", format::integer(t as i64)),
    };
    let has_stopped = matches!(live.state, LiveState::StoppedEarly { .. });
    let rest = if has_stopped { "not recorded" } else { "to come" };
    let lines = [format!("planned to {}", long(planned)), format!("{} {rest}", long(planned - num_t))];
    let font = font(11.5, Weight::Regular);
    let width = lines.iter().map(|line| text_width(ui, line, font.clone())).fold(0.0, f32::max);
    if map.right() - left < width + 24.0 {
        return;
    }
    let x = (left + map.right()) / 2.0;
    for (line, y) in lines.iter().zip([0.28, 0.72]) {
        let at = pos2(x, map.top() + y * map.height());
        text(ui.painter(), at, Align2::CENTER_CENTER, line, font.clone(), tokens.t3);
    }
}

/// How long something lasts, to a tenth of a minute: "9.3 min".
fn roughly(seconds: f64) -> String {
    match seconds / 60.0 {
        minutes if (1.0..600.0).contains(&minutes) => format!("{} min", format::value((minutes * 10.0).round() / 10.0)),
        _ => format::duration_s(seconds),
    }
}

fn paint_strip(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let strip = rows.strip;
    ui.painter().rect_filled(strip, 1.5, tokens.bg3);
    for range in model.cached {
        let x = range.map(|t| rows.x(axis, t as f64).clamp(strip.left(), strip.right()));
        if x[0] < x[1] {
            let part = Rect::from_x_y_ranges(x[0]..=x[1].max(x[0] + 1.0), strip.y_range());
            ui.painter().rect_filled(part, 1.5, tokens.accent.gamma_multiply(0.7));
        }
    }
}

/// The newest timepoint of a recording that grows: a line, a dot, its time.
pub fn paint_newest(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, live: &LiveStatus) {
    if matches!(live.state, LiveState::Finished | LiveState::StoppedEarly { .. } | LiveState::Waiting { .. }) {
        return;
    }
    let Some(newest) = live.newest_t else { return };
    let tokens = Tokens::get(ui);
    let x = rows.x(axis, newest as f64 + 1.0);
    if !rows.map.x_range().contains(x) {
        return;
    }
    ui.painter().vline(x, rows.map.top() - 2.0..=rows.bottom(), Stroke::new(1.5, tokens.bad_text));
    let dot = pos2(x + 8.0, rows.lane.bottom() - 8.0);
    let words = match model.info.rate_hz.filter(|rate| *rate > 0.0) {
        Some(rate) => format::clock(newest as f64 / rate, 0),
        None => format::integer(newest as i64),
    };
    let font = font(11.0, Weight::Medium);
    let room = vec2(text_width(ui, &words, font.clone()) + 16.0, 12.0);
    // Marks of what is wrong may stand here too.
    let ground = Rect::from_min_size(pos2(dot.x - 5.0, dot.y - 6.0), room);
    ui.painter().rect_filled(ground, 0.0, tokens.bg1);
    ui.painter().circle_filled(dot, 3.6, tokens.bad_text);
    text(ui.painter(), dot + vec2(7.0, 0.0), Align2::LEFT_CENTER, &words, font, tokens.bad_text);
}

/// Where the view is, and which timepoint stands in for it.
pub fn paint_playhead(ui: &Ui, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, has_focus: bool) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter();
    let center = |t: usize| rows.x(axis, t as f64 + 0.5);
    if let Shown::Nearest { t } = model.shown
        && *t != model.state.cursor.t
        && rows.map.x_range().contains(center(*t))
    {
        painter.vline(center(*t), rows.map.y_range(), Stroke::new(1.0, tokens.warn));
    }
    let x = center(model.state.cursor.t);
    if !rows.map.x_range().expand(1.0).contains(x) {
        return;
    }
    let color = if has_focus { tokens.accent } else { tokens.t1 };
    // A light edge on either side keeps it apart from whatever it stands on.
    painter.vline(x, rows.map.top()..=rows.strip.bottom(), Stroke::new(3.5, tokens.bg1.gamma_multiply(0.6)));
    painter.vline(x, rows.axis.bottom()..=rows.strip.bottom(), Stroke::new(1.5, color));
    let top = rows.axis.bottom() - 4.0;
    let corners = vec![pos2(x - 5.0, top), pos2(x + 5.0, top), pos2(x, top + 7.0)];
    painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
    if has_focus {
        let outline = rows.map.union(rows.strip).expand(2.0);
        painter.rect_stroke(outline, 3.0, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    }
}
