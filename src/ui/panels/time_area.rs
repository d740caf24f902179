//! Where the rows of the time area lie: the same x for all of them.

use egui::{Rangef, Rect, pos2};

use super::super::Model;
use super::super::heat::Trace;
use super::super::time_axis::{TimeAxis, num_reserved};
use crate::live::LiveState;
use crate::volume::{Axis, Piece};

/// Height of the area without traces.
pub const FOLDED: f32 = 132.0;
/// Height of the area with three traces.
const UNFOLDED: f32 = 300.0;
/// Height of the area without its traces, but with the higher map that stands above them.
const WITHOUT_TRACES: f32 = 174.0;
/// Height of a trace, and the gap to the next.
const TRACE: f32 = 38.0;
const TRACE_GAP: f32 = 4.0;
/// Height of the transport.
const TRANSPORT: f32 = 28.0;

/// Whether there is a map of quality, and traces of it.
fn has_traces(model: &Model<'_>) -> bool {
    model.quality.is_some() && model.state.panels.traces
}

/// The least height at which traces are shown.
pub const LEAST: f32 = WITHOUT_TRACES + TRACE + TRACE_GAP;

/// Height of the area in a window of some height.
pub fn height(model: &Model<'_>, window: f32) -> f32 {
    let most = window * 0.55;
    if !has_traces(model) || most < LEAST {
        return FOLDED;
    }
    model.state.panels.time_height.unwrap_or(UNFOLDED).clamp(LEAST, most.min(WITHOUT_TRACES + 6.0 * 90.0))
}

/// The rows. Names stand left of them, limits right of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows {
    /// All of the area.
    pub area: Rect,
    /// Round times.
    pub axis: Rect,
    /// What is wrong, and the newest timepoint.
    pub lane: Rect,
    /// The recording: planes over time.
    pub map: Rect,
    /// What is in memory.
    pub strip: Rect,
    /// Playing.
    pub transport: Rect,
    num_traces: usize,
    trace_height: f32,
}

impl Rows {
    /// Divides the area.
    pub fn new(area: Rect) -> Self {
        let (gutter, margin) = if area.width() >= 1000.0 { (116.0, 60.0) } else { (100.0, 28.0) };
        let left = area.left() + gutter;
        let x = Rangef::new(left, (area.right() - margin).max(left + 1.0));
        let row = |from: f32, to: f32| Rect::from_x_y_ranges(x, area.top() + from..=area.top() + to);
        let is_folded = area.height() < LEAST;
        let num_traces = ((area.height() - WITHOUT_TRACES) / (TRACE + TRACE_GAP) + 1e-3).floor().max(0.0) as usize;
        let num_traces = num_traces.min(Trace::ALL.len());
        let trace_height = (area.height() - WITHOUT_TRACES) / num_traces.max(1) as f32 - TRACE_GAP;
        let bottom = area.bottom() - if is_folded { 6.0 } else { 8.0 };
        let transport =
            Rect::from_min_max(pos2(area.left() + 16.0, bottom - TRANSPORT), pos2(area.right() - 16.0, bottom));
        let (axis, lane, map, strip) = if is_folded {
            (row(0.0, 24.0), row(25.0, 39.0), row(40.0, 88.0), row(91.0, 94.0))
        } else {
            let strip = area.height() - 48.0;
            (row(0.0, 26.0), row(26.0, 42.0), row(44.0, 116.0), row(strip, strip + 3.0))
        };
        Self { area, axis, lane, map, strip, transport, num_traces, trace_height }
    }

    /// Traces there is room for.
    pub fn num_traces(&self) -> usize {
        self.num_traces
    }

    /// The row of a trace, counted from the top.
    pub fn trace(&self, index: usize) -> Rect {
        let top = self.map.bottom() + 6.0 + index as f32 * (self.trace_height + TRACE_GAP);
        Rect::from_x_y_ranges(self.map.x_range(), top..=top + self.trace_height)
    }

    /// From the axis to the strip.
    pub fn all(&self) -> Rect {
        self.axis.union(self.strip)
    }

    /// Whether there is no room for traces.
    pub fn is_folded(&self) -> bool {
        self.num_traces == 0
    }

    /// The end of the last row that shows data.
    pub fn bottom(&self) -> f32 {
        if self.is_folded() { self.map.bottom() } else { self.trace(self.num_traces - 1).bottom() }
    }

    /// Where an edge between timepoints lies.
    pub fn x(&self, axis: &TimeAxis, t: f64) -> f32 {
        self.map.left() + axis.fraction(t) * self.map.width()
    }

    /// Where timepoints lie, cut to what is shown; `None` where none of them is.
    pub fn span(&self, axis: &TimeAxis, range: [usize; 2]) -> Option<Rangef> {
        let [from, to] = range.map(|t| self.x(axis, t as f64));
        let shown = Rangef::new(from.max(self.map.left()), to.min(self.map.right()));
        (shown.min < shown.max).then_some(shown)
    }

    /// The plane at a height, of `num_z`, where the height is that of the map.
    pub fn plane(&self, y: f32, num_z: usize) -> Option<usize> {
        let part = (y - self.map.top()) / self.map.height();
        (num_z > 0 && (0.0..=1.0).contains(&part)).then(|| ((part * num_z as f32) as usize).min(num_z - 1))
    }

    /// Where planes lie on the map.
    pub fn planes(&self, planes: [usize; 2], num_z: usize) -> Rangef {
        let y = |z: usize| self.map.top() + z as f32 / num_z.max(1) as f32 * self.map.height();
        Rangef::new(y(planes[0]), y(planes[1] + 1))
    }
}

/// The axis of a recording: as long as it is planned, or with room to grow.
pub fn axis_of(model: &Model<'_>) -> TimeAxis {
    let live = model.live;
    let is_growing =
        live.is_some_and(|live| !matches!(live.state, LiveState::Finished | LiveState::StoppedEarly { .. }));
    let of_time = |piece: &&Piece| piece.axis == Some(Axis::T);
    // What is being written, or was left out, may lie beyond what there is.
    let reached = model.pieces.iter().filter(of_time).map(|piece| piece.range[1]).max().unwrap_or(0);
    let written =
        live.and_then(|live| live.writing).filter(|span| span.axis == Axis::T).map_or(0, |span| span.range[1]);
    let num_t = model.info.shape[0].max(reached).max(written);
    let planned = live.and_then(|live| live.expected_end);
    let reserved = num_reserved(num_t, planned, model.info.rate_hz, is_growing);
    TimeAxis::new(reserved, model.state.panels.time_zoom, model.info.rate_hz)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(width: f32, height: f32) -> Rows {
        Rows::new(Rect::from_min_size(pos2(0.0, 576.0), egui::vec2(width, height)))
    }

    #[test]
    fn three_traces_lie_under_the_map_on_its_scale() {
        let rows = rows(1152.0, UNFOLDED);
        assert_eq!((rows.map.x_range(), rows.map.y_range()), (Rangef::new(116.0, 1092.0), Rangef::new(620.0, 692.0)));
        assert_eq!(rows.num_traces(), 3);
        let tops = [0, 1, 2].map(|index| rows.trace(index).top() - 576.0);
        assert_eq!(tops, [122.0, 164.0, 206.0]);
        assert!((0..3).all(|index| rows.trace(index).height() == TRACE));
        assert_eq!((rows.bottom(), rows.strip.top()), (576.0 + 244.0, 576.0 + 252.0));
        assert_eq!(rows.transport.y_range(), Rangef::new(840.0, 868.0));
        assert!((0..3).all(|index| rows.trace(index).x_range() == rows.map.x_range()));
    }

    #[test]
    fn more_height_is_more_traces_then_higher_ones_and_too_little_none() {
        assert!(rows(980.0, FOLDED).is_folded());
        assert_eq!(rows(980.0, LEAST).num_traces(), 1);
        for height in [LEAST, 260.0, 300.0, 341.0, 426.0, 700.0] {
            let rows = rows(980.0, height);
            let last = rows.trace(rows.num_traces() - 1);
            assert!((last.bottom() + 8.0 - rows.strip.top()).abs() < 0.01, "{height}: no room is left over");
            assert!(last.height() >= TRACE - 0.01);
        }
        assert_eq!(rows(980.0, 700.0).num_traces(), Trace::ALL.len());
    }

    #[test]
    fn every_plane_has_its_height() {
        let rows = rows(1152.0, UNFOLDED);
        for z in 0..24 {
            let y = rows.planes([z, z], 24);
            assert_eq!((rows.plane(y.center(), 24), y.span()), (Some(z), 3.0));
        }
        assert_eq!(rows.plane(rows.map.bottom(), 24), Some(23));
        assert_eq!(rows.plane(rows.map.bottom() + 1.0, 24), None);
        assert_eq!(rows.plane(rows.map.center().y, 0), None);
    }
}
