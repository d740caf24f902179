//! What is wrong, where it lies: marks along an axis of the map, and words for a place on it. Both are made
//! of the list of problems, so that map, list and count cannot disagree.

use egui::{Id, Rect, Ui, pos2, vec2};

use super::super::theme::Tokens;
use super::super::widgets::{severity_color, severity_mark};
use super::super::{Model, format};
use crate::qc::{Alarm, Gravity};
use crate::volume::{Axis, Piece, Problem, Severity};

/// Marks closer than this are one.
const APART: f32 = 11.0;
/// A line as long as what is wrong, but not shorter than this.
const SHORTEST: f32 = 3.0;
/// Seconds a new mark takes to appear.
const FADE_S: f32 = 0.2;
/// Problems told of at one place.
const MAX_TOLD: usize = 3;

/// Something wrong that lies somewhere along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Half-open.
    pub range: [usize; 2],
    /// How much it matters.
    pub severity: Severity,
    /// The first plane concerned, where it is about planes at some time.
    pub z: Option<usize>,
}

/// The problems along an axis, but for notes, by which nothing is lost.
pub fn of_problems(problems: &[Problem], axis: Axis) -> impl Iterator<Item = Found> {
    problems.iter().filter(|problem| problem.severity > Severity::Note).filter_map(move |problem| {
        let span = problem.span.filter(|span| span.axis == axis)?;
        Some(Found { range: span.range, severity: problem.severity, z: None })
    })
}

/// The alarms along time.
pub fn of_alarms(alarms: &[Alarm]) -> impl Iterator<Item = Found> {
    alarms.iter().map(|alarm| Found {
        range: [alarm.t[0], alarm.t[1] + 1],
        severity: match alarm.gravity {
            Gravity::Warn => Severity::Warning,
            Gravity::Alarm => Severity::Error,
        },
        z: alarm.z.map(|planes| planes[0]),
    })
}

/// One or several things that lie together.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The first index concerned.
    pub start: usize,
    /// The plane to go to, where there is one.
    pub z: Option<usize>,
    /// Where its shape stands, in points along the axis.
    pub at: f32,
    /// What is concerned, in points along the axis.
    pub lines: Vec<[f32; 2]>,
    /// The worst of them.
    pub severity: Severity,
}

impl Mark {
    /// Whether a place along the axis is on its shape.
    pub fn is_at(&self, along: f32) -> bool {
        (along - self.shape_at()).abs() <= APART / 2.0
    }

    /// Where the middle of its shape stands: on the beginning, and over short ones.
    fn shape_at(&self) -> f32 {
        let length = self.lines.first().map_or(0.0, |[from, to]| to - from);
        self.at + (length / 2.0).min(5.0)
    }
}

/// The marks of what lies along an axis of `length` points; `at` says where an index lies.
pub fn marks(found: impl Iterator<Item = Found>, at: impl Fn(f64) -> f32, length: f32) -> Vec<Mark> {
    let mut found: Vec<Mark> = found
        .filter_map(|Found { range, severity, z }| {
            let (from, to) = (at(range[0] as f64), at(range[1] as f64));
            let line = [from.max(0.0), to.min(length).max(from + SHORTEST)];
            let mark = Mark { start: range[0], z, at: line[0], lines: vec![line], severity };
            (to > 0.0 && from < length).then_some(mark)
        })
        .collect();
    found.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut merged: Vec<Mark> = Vec::new();
    for mark in found {
        match merged.last_mut() {
            Some(last) if mark.at - last.at < APART => {
                last.severity = last.severity.max(mark.severity);
                // Lines that touch are one, however many problems there are.
                match last.lines.last_mut() {
                    Some(line) if mark.lines[0][0] <= line[1] + 1.0 => line[1] = line[1].max(mark.lines[0][1]),
                    _ => last.lines.extend(mark.lines),
                }
            }
            _ => merged.push(mark),
        }
    }
    merged
}

/// Draws marks in a lane above the map: the lines first, the gravest last, so that no line hides a shape.
/// While a recording goes on a new mark fades in.
pub fn paint(ui: &Ui, lane: Rect, marks: &[Mark], is_live: bool) {
    let tokens = Tokens::get(ui);
    let mut by_severity: Vec<&Mark> = marks.iter().collect();
    by_severity.sort_by_key(|mark| mark.severity);
    let faded = |mark: &Mark| {
        let mut painter = ui.painter().clone();
        painter.multiply_opacity(if is_live { seen(ui, mark) } else { 1.0 });
        painter
    };
    for mark in by_severity {
        let painter = faded(mark);
        for [from, to] in &mark.lines {
            let x = lane.left() + from..=lane.left() + to;
            let line = Rect::from_x_y_ranges(x, lane.bottom() - 4.0..=lane.bottom() - 2.0);
            painter.rect_filled(line, 0.0, severity_color(mark.severity, tokens));
        }
    }
    for mark in marks {
        let center = pos2(lane.left() + mark.shape_at(), lane.bottom() - 9.0);
        ui.painter().rect_filled(Rect::from_center_size(center, vec2(12.0, 9.0)), 0.0, tokens.bg1);
        severity_mark(&faded(mark), center, 10.0, mark.severity, tokens);
    }
}

/// How much a mark is seen since it is there, 0 to 1.
fn seen(ui: &Ui, mark: &Mark) -> f32 {
    let id = Id::unique(("mark", mark.start, mark.severity));
    let is_known = ui.data_mut(|data| std::mem::replace(data.get_temp_mut_or_default::<bool>(id), true));
    let seen = ui.ctx().animate_bool_with_time(id, is_known, FADE_S);
    if !is_known {
        ui.ctx().request_repaint();
    }
    seen
}

/// Draws marks left of a map whose rows they belong to.
pub fn paint_beside(ui: &Ui, map: Rect, marks: &[Mark]) {
    let tokens = Tokens::get(ui);
    for mark in marks {
        let middle = mark.lines.first().map_or(mark.at, |[from, to]| (from + to) / 2.0);
        let center = pos2(map.left() - 7.0, map.top() + middle.clamp(4.0, map.height() - 4.0));
        severity_mark(ui.painter(), center, 9.0, mark.severity, tokens);
    }
}

/// What is to be said of a place on the map.
pub struct Told<'a> {
    /// State of the piece, and whether it is in memory.
    pub lines: Vec<String>,
    /// What is wrong there.
    pub problems: Vec<&'a Problem>,
    /// And how much more.
    pub num_more: usize,
}

/// What is to be said of a timepoint, and of a plane where the pointer is on one.
pub fn told_at<'a>(model: &Model<'a>, t: usize, depth: Option<usize>) -> Told<'a> {
    let num_t = model.info.shape[0];
    let holds = |range: [usize; 2], index: usize| (range[0]..range[1]).contains(&index);
    let lies_here = |axis: Option<Axis>, range: [usize; 2]| match axis {
        Some(Axis::T) => holds(range, t),
        Some(Axis::Z) => depth.is_some_and(|depth| holds(range, depth)),
        _ => false,
    };
    let mut lines = Vec::new();
    let piece = model.pieces.iter().find(|piece| lies_here(piece.axis, piece.range));
    if let Some(Piece { axis: Some(axis), range: [start, stop], state }) = piece {
        let last = stop.saturating_sub(1);
        let range = if last > *start {
            format!("{axis} {} – {}", format::integer(*start as i64), format::integer(last as i64))
        } else {
            format!("{axis} {}", format::integer(*start as i64))
        };
        lines.push(format!("file of {range}: {}", state.words()));
    } else if t >= num_t {
        lines.push("not recorded yet".to_owned());
    }
    if t < num_t && model.cached.iter().any(|range| holds(*range, t)) {
        lines.push("in memory".to_owned());
    }
    let here: Vec<&Problem> =
        model.problems.iter().filter(|p| p.span.is_some_and(|span| lies_here(Some(span.axis), span.range))).collect();
    let num_more = here.len().saturating_sub(MAX_TOLD);
    let mut problems = here;
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    problems.truncate(MAX_TOLD);
    Told { lines, problems, num_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Span;

    fn problem(severity: Severity, axis: Axis, range: [usize; 2]) -> Problem {
        let span = Some(Span { axis, range });
        Problem { code: "example", severity, file: None, span, message: "is broken".to_owned() }
    }

    #[test]
    fn the_worst_of_what_lies_together_is_the_mark() {
        let problems = [
            problem(Severity::Warning, Axis::T, [100, 200]),
            problem(Severity::Error, Axis::T, [105, 106]),
            problem(Severity::Error, Axis::T, [700, 701]),
            problem(Severity::Note, Axis::T, [400, 401]),
            problem(Severity::Error, Axis::Z, [3, 4]),
        ];
        let marks = marks(of_problems(&problems, Axis::T), |t| t as f32, 1000.0);
        let told: Vec<_> = marks.iter().map(|mark| (mark.start, mark.severity, mark.lines.clone())).collect();
        let expected = [(100, Severity::Error, vec![[100.0, 200.0]]), (700, Severity::Error, vec![[700.0, 703.0]])];
        assert_eq!(told, expected);
    }
}
