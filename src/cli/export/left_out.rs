//! What an export leaves out is left out knowingly: what is damaged beyond the end of the array is refused
//! unless that is said to be meant, and all else that touches what was asked for is named on stderr.

use std::io::Write;

use anyhow::{Result, anyhow};

use crate::format::Source;
use crate::volume::{ArrayInfo, PieceState, Problem, Selected, Selection, Severity, Span};

/// More are not named one by one.
const MAX_NAMED: usize = 20;

/// Notes that say that something lies there which is not in the array.
const NOTES_OF_OMISSIONS: [&str; 4] = ["stray_file", "stopped_early", "longer_than_claimed", "metadata_contradicts"];

/// What was asked for.
pub struct Asked<'a> {
    /// As it was written.
    pub selection: &'a Selection,
    /// The same within the array.
    pub selected: &'a Selected,
    /// Axes of the array that the selection does not speak of, each pinned to an index.
    pub pinned: &'a [(usize, usize)],
    /// The array.
    pub info: &'a ArrayInfo,
}

impl Asked<'_> {
    /// Whether any of a range was asked for; what has no place may be anywhere.
    fn touches(&self, span: Option<Span>) -> bool {
        let Some(span) = span else { return true };
        self.touches_inside(span) || self.goes_beyond(span)
    }

    fn axis_of(&self, span: Span) -> Option<usize> {
        self.info.axes.iter().position(|axis| *axis == Some(span.axis))
    }

    /// Whether voxels of the array in that range were asked for.
    fn touches_inside(&self, span: Span) -> bool {
        let Some(axis) = self.axis_of(span) else { return true };
        let inside = |index: usize| (span.range[0]..span.range[1]).contains(&index);
        if let Some(index) = self.selected.fixed()[axis] {
            return inside(index);
        }
        if let Some(slice) = self.selected.slices().iter().find(|slice| slice.axis == axis) {
            return (0..slice.len).any(|position| inside(slice.index(position)));
        }
        let mut points = self.selected.points().into_iter().flat_map(|points| &points.axes);
        points.any(|(a, indices)| *a == axis && indices.iter().any(|&index| inside(index)))
    }

    /// Whether more of that range was asked for than the array has. An index that goes to the end, wherever
    /// that is, means the end of the recording.
    fn goes_beyond(&self, span: Span) -> bool {
        let Some(axis) = self.axis_of(span) else { return false };
        let dims = self.info.shape.dims();
        let first = span.range[0].max(dims[axis]);
        let reach = self.selection.reach(self.spoken_of(axis), dims.len() - self.pinned.len());
        first < span.range[1] && reach.is_none_or(|reach| reach > first)
    }

    /// The place of an axis of the array among those that the selection speaks of.
    fn spoken_of(&self, axis: usize) -> usize {
        axis - self.pinned.iter().filter(|(pinned, _)| *pinned < axis).count()
    }

    /// Refuses an export that would end before data that are there and damaged.
    ///
    /// # Errors
    /// Names the first of them, and what to do.
    pub fn refuse_beyond(&self, source: &dyn Source) -> Result<()> {
        let problems = source.problems();
        let is_cut_off = |span: &Span| self.goes_beyond(*span);
        let first = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .filter_map(|problem| Some((problem, problem.span.filter(is_cut_off)?)))
            .min_by_key(|(_, span)| span.range[0]);
        let Some((problem, span)) = first else { return Ok(()) };
        let axis = self.axis_of(span).unwrap_or(0);
        let index = (0..self.spoken_of(axis)).map(|_| ":, ").collect::<String>();
        Err(anyhow!(
            "{}; what can be read ends before it: export that with --select \"{index}0:{}\", or with --fill VALUE",
            in_words(problem),
            self.info.shape.dims()[axis]
        ))
    }

    /// What is to be said of an export that succeeded, one line each, worst first.
    pub fn remarks(&self, source: &dyn Source, is_filled: bool) -> Vec<String> {
        let mut problems = source.problems();
        problems.retain(|problem| {
            let is_said = problem.severity > Severity::Note || NOTES_OF_OMISSIONS.contains(&problem.code);
            is_said && self.touches(problem.span)
        });
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        let line = |problem: &Problem| {
            let kind = if problem.severity == Severity::Note { "note" } else { "warning" };
            let is_filled = is_filled && problem.severity == Severity::Error;
            let is_beyond = problem.span.is_some_and(|span| self.goes_beyond(span) && !self.touches_inside(span));
            let done = match (is_filled, is_beyond) {
                (true, true) => "; left out, the array ends before it",
                (true, false) => "; filled",
                _ => "",
            };
            format!("{kind}: {}{done}", in_words(problem))
        };
        let mut lines: Vec<String> = problems.iter().map(line).collect();
        lines.extend(self.being_written(source));
        let num_more = lines.len().saturating_sub(MAX_NAMED);
        if num_more > 0 {
            lines.truncate(MAX_NAMED);
            lines.push(format!("warning: and {num_more} more; `tectum info` names all"));
        }
        lines
    }

    /// What of a running recording is not there yet.
    fn being_written(&self, source: &dyn Source) -> Option<String> {
        let pieces = source.pieces();
        let spans = pieces.iter().filter(|piece| piece.state == PieceState::Writing);
        let mut spans = spans.filter_map(|piece| Some(Span { axis: piece.axis?, range: piece.range }));
        let span = spans.find(|span| self.goes_beyond(*span))?;
        Some(format!("note: {}: {span} is being written; left out", self.info.location))
    }
}

/// "FILE: what is wrong (t 4:8)"
fn in_words(problem: &Problem) -> String {
    let file = problem.file.as_ref().map(|file| format!("{}: ", file)).unwrap_or_default();
    let span = problem.span.map(|span| format!(" ({span})")).unwrap_or_default();
    format!("{file}{}{span}", problem.message)
}

/// Prints lines to stderr.
pub fn say(lines: &[String]) {
    let mut stderr = std::io::stderr().lock();
    for line in lines {
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(stderr, "{line}");
    }
}
