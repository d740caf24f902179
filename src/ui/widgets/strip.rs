//! The recording as a strip along time: its stored pieces and their state, what is in memory, where the
//! view is. It can be scrubbed like the slider.

use egui::accesskit::Role;
use egui::{Align2, Color32, Painter, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::super::format;
use super::super::theme::{self, Tokens, Weight, font};
use super::hint;
use crate::volume::{Axis, Piece, PieceState};

/// What the strip shows.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// Timepoints there are.
    pub num_t: usize,
    /// Timepoints there will be; beyond those there are, the strip is empty.
    pub num_expected: usize,
    /// Timepoints being written, which cannot be shown yet.
    pub writing: Option<[usize; 2]>,
    /// Timepoint of the view.
    pub t: usize,
    /// Volumes per second, for the ruler.
    pub rate_hz: Option<f64>,
    /// Stored pieces; those along time are drawn. Empty where there is but one.
    pub pieces: &'a [Piece],
    /// Timepoints whose picture is in memory.
    pub cached: &'a [[usize; 2]],
    /// A timepoint shown in place of the wanted one.
    pub stale_t: Option<usize>,
}

impl Strip<'_> {
    fn pieces_of_time(&self) -> impl Iterator<Item = ([usize; 2], PieceState)> {
        let of_time = self.pieces.iter().filter(|piece| piece.axis == Some(Axis::T));
        of_time.map(|piece| (piece.range, piece.state))
    }

    /// Timepoints the strip is as wide as.
    fn num_all(&self) -> usize {
        self.num_t.max(self.num_expected).max(self.writing.map_or(0, |[_, stop]| stop)).max(1)
    }
}

/// Draws it: a ruler, the pieces, a thin line of what is cached. Returns the timepoint pressed.
pub fn strip(ui: &mut Ui, rect: Rect, shown: &Strip<'_>) -> Option<usize> {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id("timeline"), Sense::CLICK | Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Timeline"));
    let num_t = shown.num_all();
    let at = |t: f64| rect.left() + (t / num_t as f64).clamp(0.0, 1.0) as f32 * rect.width();
    let ruler = Rect::from_min_size(rect.min, vec2(rect.width(), 15.0));
    let lane = Rect::from_min_max(pos2(rect.left(), ruler.bottom() + 2.0), pos2(rect.right(), rect.bottom() - 7.0));
    let cache = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 3.0), rect.max);
    paint_ruler(ui, ruler, shown);
    paint_blocks(ui, lane, shown, &at);
    ui.painter().rect_filled(cache, 1.5, tokens.bg3);
    for [start, stop] in shown.cached {
        let part = Rect::from_x_y_ranges(at(*start as f64)..=at(*stop as f64), cache.y_range());
        ui.painter().rect_filled(part, 1.5, tokens.accent.gamma_multiply(0.6));
    }
    let center = |t: usize| at(t as f64 + 0.5);
    if let Some(t) = shown.stale_t {
        ui.painter().vline(center(t), lane.y_range(), Stroke::new(1.0, tokens.warn));
    }
    let x = center(shown.t);
    let color = if ui.visuals().dark_mode { Color32::WHITE } else { tokens.t1 };
    ui.painter().vline(x, lane.top() - 2.0..=lane.bottom() + 1.0, Stroke::new(1.5, color));
    let tip = pos2(x, lane.top() + 2.0);
    let triangle = vec![tip, tip + vec2(-4.5, -6.0), tip + vec2(4.5, -6.0)];
    ui.painter().add(Shape::convex_polygon(triangle, color, Stroke::NONE));
    let pointed = response
        .interact_pointer_pos()
        .map(|pos| (f64::from((pos.x - rect.left()) / rect.width()).clamp(0.0, 1.0) * num_t as f64) as usize)
        .map(|t| t.min(shown.num_t.max(1) - 1));
    let asked = pointed.filter(|_| response.is_pointer_button_down_on() || response.clicked());
    if response.contains_pointer() {
        hint(response, &describe_at(ui, rect, shown), "");
    }
    asked.filter(|t| *t != shown.t)
}

/// What lies under the pointer, in words.
fn describe_at(ui: &Ui, rect: Rect, shown: &Strip<'_>) -> String {
    let Some(pos) = ui.input(|input| input.pointer.hover_pos()) else { return String::new() };
    let num = shown.num_all();
    let t = (f64::from((pos.x - rect.left()) / rect.width()).clamp(0.0, 1.0) * num as f64) as usize;
    let t = t.min(num - 1);
    let mut words = format!("t {}", format::integer(t as i64));
    if let Some(rate) = shown.rate_hz.filter(|rate| *rate > 0.0) {
        words += &format!(" · {}", format::timepoint(t, rate));
    }
    let state = shown.pieces_of_time().find(|(range, _)| (range[0]..range[1]).contains(&t)).map(|(_, state)| state);
    if let Some(state) = state {
        words += " · ";
        words += state.words();
    }
    if shown.cached.iter().any(|[start, stop]| (*start..*stop).contains(&t)) {
        words += " · in memory";
    }
    words
}

fn paint_ruler(ui: &Ui, ruler: Rect, shown: &Strip<'_>) {
    let tokens = Tokens::get(ui);
    let num_t = shown.num_all() as f64;
    let rate = shown.rate_hz.filter(|rate| *rate > 0.0);
    // About one label for each 90 points, at a round number of timepoints or seconds.
    let span = rate.map_or(num_t, |rate| num_t / rate);
    let wanted = span * 90.0 / f64::from(ruler.width());
    let mut step = round_up(wanted, rate.is_some());
    if rate.is_none() {
        step = step.max(1.0);
    }
    let font = font(10.5, Weight::Regular);
    let mut mark = 0.0;
    while mark < span {
        let x = ruler.left() + (mark / span) as f32 * ruler.width();
        let label = match rate {
            Some(_) => short_time(mark, step),
            None => format::integer(mark as i64),
        };
        if x + 40.0 < ruler.right() {
            ui.painter().vline(x + 0.5, ruler.bottom() - 4.0..=ruler.bottom(), Stroke::new(1.0, tokens.line));
            ui.painter().text(
                pos2(x + 4.0, ruler.center().y - 1.0),
                Align2::LEFT_CENTER,
                label,
                font.clone(),
                tokens.t3,
            );
        }
        mark += step;
    }
}

/// The next round step at or above: 1-2-5, and beyond a minute the steps of a clock.
fn round_up(wanted: f64, is_time: bool) -> f64 {
    const CLOCK: [f64; 12] =
        [60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0, 86400.0];
    if !(wanted.is_finite() && wanted > 0.0) {
        return 1.0;
    }
    if is_time && wanted > 30.0 {
        return CLOCK.into_iter().find(|step| *step >= wanted).unwrap_or(wanted);
    }
    let decade = 10f64.powi(wanted.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * decade).find(|step| *step >= wanted).unwrap_or(wanted)
}

fn short_time(seconds: f64, step: f64) -> String {
    let thin = format::THIN_SPACE;
    if step < 1.0 {
        format!("{seconds:.1}{thin}s")
    } else if step < 60.0 && seconds < 3600.0 {
        let whole = seconds.round() as u64;
        if whole < 60 { format!("{whole}{thin}s") } else { format!("{}:{:02}", whole / 60, whole % 60) }
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        if minutes < 60 {
            format!("{minutes}{thin}min")
        } else {
            format!("{}:{:02}{thin}h", minutes / 60, minutes % 60)
        }
    }
}

fn paint_blocks(ui: &Ui, lane: Rect, shown: &Strip<'_>, at: &dyn Fn(f64) -> f32) {
    let tokens = Tokens::get(ui);
    theme::fill(ui, lane, tokens.bg0);
    let num_pieces = shown.pieces_of_time().count();
    let whole = (num_pieces == 0).then_some(([0, shown.num_t], PieceState::Whole));
    let writing = shown.writing.map(|range| (range, PieceState::Writing));
    let writing = writing.filter(|([_, stop], _)| *stop > shown.num_t);
    let blocks = whole.into_iter().chain(shown.pieces_of_time()).chain(writing);
    let is_narrow = lane.width() / (num_pieces as f32) < 6.0;
    // Pieces too narrow to be told apart are drawn as runs of one state.
    let mut run: Option<([usize; 2], PieceState)> = None;
    for (range, state) in blocks {
        run = match run {
            Some(([start, stop], same)) if is_narrow && same == state && stop == range[0] => {
                Some(([start, range[1]], state))
            }
            earlier => {
                if let Some((range, state)) = earlier {
                    paint_block(ui, lane, range, state, is_narrow, at);
                }
                Some((range, state))
            }
        };
    }
    if let Some((range, state)) = run {
        paint_block(ui, lane, range, state, is_narrow, at);
    }
}

fn paint_block(
    ui: &Ui,
    lane: Rect,
    [start, stop]: [usize; 2],
    state: PieceState,
    is_narrow: bool,
    at: &dyn Fn(f64) -> f32,
) {
    let (tokens, painter) = (Tokens::get(ui), ui.painter_at(lane));
    let left = at(start as f64);
    let right = (at(stop as f64) - if is_narrow { 0.0 } else { 1.5 }).max(left + 1.0);
    let cell = Rect::from_x_y_ranges(left..=right, lane.y_range());
    let radius = if is_narrow { 0.0 } else { 3.0 };
    let fill = match state {
        PieceState::Whole | PieceState::Partial | PieceState::Damaged | PieceState::Suspect => tokens.bg3,
        PieceState::Unseen => tokens.bg0.lerp_to_gamma(tokens.bg3, 0.8),
        PieceState::Writing => tokens.bad.gamma_multiply(0.18),
        PieceState::Missing | PieceState::LeftOut => tokens.bg2,
    };
    if fill.is_opaque() {
        theme::fill(ui, cell, fill);
    } else {
        painter.rect_filled(cell, radius, fill);
    }
    match state {
        PieceState::Writing => {
            painter.rect_stroke(cell, radius, Stroke::new(1.0, tokens.bad), StrokeKind::Inside);
        }
        PieceState::Partial | PieceState::Suspect => {
            hatch(&painter.with_clip_rect(cell.intersect(lane)), cell, tokens.warn);
        }
        PieceState::Damaged => hatch(&painter.with_clip_rect(cell.intersect(lane)), cell, tokens.bad),
        PieceState::Missing | PieceState::LeftOut => {
            hatch(&painter.with_clip_rect(cell.intersect(lane)), cell, tokens.t3);
        }
        PieceState::Whole | PieceState::Unseen => {}
    }
}

/// Diagonal lines: no data here.
pub fn hatch(painter: &Painter, rect: Rect, color: Color32) {
    let height = rect.height();
    let mut x = rect.left() - height;
    // Aligned to the screen, so that neighbouring hatches join.
    x -= x.rem_euclid(7.0);
    while x < rect.right() {
        let line = [pos2(x, rect.bottom()), pos2(x + height, rect.top())];
        painter.line_segment(line, Stroke::new(1.5, color.gamma_multiply(0.7)));
        x += 7.0;
    }
}
