//! What is kept from frame to frame, brought up to date with the newest snapshot.

use std::ops::Range;
use std::sync::Arc;

use egui::{Context, Id, TextureHandle, TextureId, TextureOptions};
use parking_lot::Mutex;

use super::super::{MapMeasure, Quality};
use super::cells::{self, Cells};
use super::line::{Drawn, Line};
use super::thin::{self, Bin};
use super::{Baseline, Columns, Trace};
use crate::qc::{Limits, Table};
use crate::sweep::Snapshot;
use crate::volume::Colormap;

/// What is kept for the time area of a window.
pub fn kept(ctx: &Context) -> Arc<Mutex<Kept>> {
    ctx.data_mut(|data| Arc::clone(data.get_temp_mut_or_default::<Arc<Mutex<Kept>>>(Id::unique("time area"))))
}

/// How the map is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Columns of pixels, for traces as well.
    pub columns: Columns,
    /// Rows of pixels, at most.
    pub max_rows: usize,
    /// What is shown.
    pub measure: MapMeasure,
}

/// Everything made of one recording's measures.
#[derive(Default)]
pub struct Kept {
    snapshot: Option<Arc<Snapshot>>,
    baseline: Option<Baseline>,
    series: [Vec<f32>; Trace::ALL.len()],
    usual: [[f32; 2]; Trace::ALL.len()],
    /// Counts up whenever any series has changed.
    generation: u64,
    map: Option<Map>,
    lines: [Option<Drawn>; Trace::ALL.len()],
}

struct Map {
    wanted: Wanted,
    cells: Cells,
    /// Values of the first and the last colour.
    range: Option<[f32; 2]>,
    /// Timepoints that had been looked at when the colours were chosen.
    num_seen: usize,
    texture: Option<TextureHandle>,
}

impl Kept {
    /// Brings all of it up to date. Costs nothing where nothing has changed.
    pub fn update(&mut self, ctx: &Context, quality: &Quality<'_>, wanted: Wanted) {
        self.follow_all(ctx, quality.snapshot, quality.limits, wanted);
    }

    fn follow_all(&mut self, ctx: &Context, snapshot: &Arc<Snapshot>, limits: &Limits, wanted: Wanted) {
        let changed = self.follow(snapshot);
        self.update_map(ctx, limits, wanted, &changed);
    }

    /// Takes in a snapshot; returns the timepoints of which something else is known now.
    fn follow(&mut self, snapshot: &Arc<Snapshot>) -> Vec<Range<usize>> {
        if self.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, snapshot)) {
            return Vec::new();
        }
        let baseline = Baseline::of(snapshot);
        let num_t = snapshot.table.num_t();
        let before = self.snapshot.replace(Arc::clone(snapshot));
        let is_same = self.baseline.as_ref() == Some(&baseline);
        let changed = match before.filter(|_| is_same) {
            Some(before) => changes(&before.table, &snapshot.table),
            None => std::iter::once(0..num_t).collect(),
        };
        for (trace, series) in Trace::ALL.into_iter().zip(&mut self.series) {
            series.resize(num_t, f32::NAN);
            for t in changed.iter().cloned().flatten().filter(|t| *t < num_t) {
                series[t] = snapshot.table.row(t).map_or(f32::NAN, |row| trace.value(row, &baseline));
            }
        }
        if !changed.is_empty() {
            self.usual = self.series.each_ref().map(|series| thin::usual(series));
            self.generation += 1;
        }
        self.baseline = Some(baseline);
        changed
    }

    fn update_map(&mut self, ctx: &Context, limits: &Limits, wanted: Wanted, changed: &[Range<usize>]) {
        let (Some(snapshot), Some(baseline)) = (&self.snapshot, &self.baseline) else { return };
        let table = &snapshot.table;
        let Wanted { columns, max_rows, measure } = wanted;
        let value = |plane: &_, z: usize| measure.value(plane, z, baseline);
        let is_all = changed.first() == Some(&(0..table.num_t()));
        let before = self.map.take();
        let (mut map, is_new) = match before {
            Some(map) if map.wanted == wanted && map.cells.num_z() == table.num_z() && !is_all => (map, false),
            before => {
                let same = before.as_ref().filter(|map| map.wanted.measure == measure);
                let (range, num_seen) = same.map_or((None, 0), |map| (map.range, map.num_seen));
                let texture = before.and_then(|map| map.texture);
                let cells = Cells::new(columns.num(), table.num_z(), max_rows);
                (Map { wanted, cells, range, num_seen, texture }, true)
            }
        };
        let all = std::iter::once(0..columns.num()).filter(|_| is_new);
        let parts = changed.iter().map(|range| columns.of(range.clone())).filter(|_| !is_new);
        for part in all.chain(parts) {
            map.cells.measure(part, &columns, table, value);
        }
        let before = map.range;
        map.choose_colors(limits, snapshot, value);
        if is_new || !changed.is_empty() || map.range != before {
            map.paint(ctx);
        }
        self.map = Some(map);
    }

    /// What measures are told against.
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// The picture of the map, over all of what the axis shows.
    pub fn texture(&self) -> Option<TextureId> {
        self.map.as_ref()?.texture.as_ref().map(TextureHandle::id)
    }

    /// Values of the first and the last colour, once something is known.
    pub fn colors(&self) -> Option<[f32; 2]> {
        self.map.as_ref()?.range
    }

    /// What a trace is at a timepoint; NaN where that cannot be told.
    pub fn value(&self, trace: Trace, t: usize) -> f32 {
        self.series[trace as usize].get(t).copied().unwrap_or(f32::NAN)
    }

    /// The least and the most of a trace, but for a few outliers; NaN where nothing of it is known.
    pub fn usual(&self, trace: Trace) -> [f32; 2] {
        self.usual[trace as usize]
    }

    /// A trace as it is drawn.
    pub fn line(&mut self, ctx: &Context, trace: Trace, wanted: Line, columns: &Columns) -> Arc<egui::Mesh> {
        let (series, snapshot) = (&self.series[trace as usize], &self.snapshot);
        let is_seen = |t: usize| snapshot.as_ref().is_some_and(|snapshot| snapshot.table.row(t).is_some());
        let bins = || -> Vec<Bin> {
            (0..columns.num()).map(|column| Bin::of(series, columns.timepoints(column), is_seen)).collect()
        };
        let drawn = self.lines[trace as usize].take();
        let drawn = Drawn::or_anew(drawn, ctx, wanted, *columns, self.generation, bins);
        let mesh = drawn.mesh();
        self.lines[trace as usize] = Some(drawn);
        mesh
    }
}

impl Map {
    /// Chooses which values the colours span. They stay while data come, but for a few times: whenever half as
    /// much again is known, and at the end.
    fn choose_colors(
        &mut self,
        limits: &Limits,
        snapshot: &Snapshot,
        value: impl Fn(&crate::qc::PlaneRow, usize) -> f32,
    ) {
        if self.wanted.measure == MapMeasure::Saturation
            && let Some(highest) = limits.saturation.alarm.or(limits.saturation.warn)
        {
            self.range = Some([0.0, highest as f32 * 1.2]);
            return;
        }
        let num_seen = snapshot.table.num_seen();
        let is_at_end = num_seen != self.num_seen && snapshot.progress.done >= snapshot.progress.of;
        let is_due = num_seen * 2 >= self.num_seen * 3 || num_seen * 2 < self.num_seen;
        let is_live = snapshot.subject.planned_t.is_some();
        if self.range.is_none() || (num_seen != self.num_seen && is_due) || (is_at_end && !is_live) {
            self.range = cells::usual(&snapshot.table, value);
            self.num_seen = num_seen;
        }
    }

    fn paint(&mut self, ctx: &Context) {
        let range = self.range.unwrap_or([0.0, 1.0]);
        let picture = self.cells.picture(self.wanted.measure.worst(), range, &Colormap::Viridis.lut());
        match &mut self.texture {
            Some(texture) => texture.set(picture, TextureOptions::NEAREST),
            None => self.texture = Some(ctx.load_texture("map of quality", picture, TextureOptions::NEAREST)),
        }
    }
}

/// The timepoints whose rows differ.
fn changes(before: &Table, now: &Table) -> Vec<Range<usize>> {
    let mut changed: Vec<Range<usize>> = Vec::new();
    for t in 0..before.num_t().max(now.num_t()) {
        let is_same = match (before.row(t), now.row(t)) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (None, None) => true,
            _ => false,
        };
        match changed.last_mut() {
            _ if is_same => {}
            Some(last) if last.end == t => last.end = t + 1,
            _ => changed.push(t..t + 1),
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Rect, pos2};

    use super::super::super::time_axis::TimeAxis;
    use super::*;
    use crate::qc::{Figures, PlaneRow, Row, Subject, VolumeRow};
    use crate::sweep::Progress;
    use crate::volume::DType;

    const NUM_T: usize = 2_000;

    fn row(mean: f32) -> Row {
        let planes = vec![PlaneRow { is_there: true, mean, percentiles: [mean; 3], ..PlaneRow::ABSENT }; 3];
        let volume = VolumeRow { shift: [3.0, 4.0], ..VolumeRow::UNKNOWN };
        Row { planes, volume, is_complete: true }
    }

    fn snapshot(table: &Table, version: u64) -> Arc<Snapshot> {
        let subject = Subject {
            shape: [NUM_T, 3, 8, 8],
            dtype: DType::U16,
            rate_hz: None,
            voxel_um: None,
            planned_t: None,
            times_s: None,
        };
        let figures = Figures { offset: Some(50.0), ..Figures::default() };
        let (table, progress) = (table.clone(), Progress { done: 0, of: NUM_T, ..Progress::default() });
        Arc::new(Snapshot { version, subject, table, figures, missing: Vec::new(), pictures: None, progress })
    }

    fn wanted(measure: MapMeasure) -> Wanted {
        Wanted { columns: Columns::new(TimeAxis::new(NUM_T, None, None), 100), max_rows: 72, measure }
    }

    fn mesh(kept: &mut Kept, ctx: &Context) -> Arc<egui::Mesh> {
        let rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 38.0));
        let line = Line { rect, span: [0.0, 150.0], color: Color32::WHITE, band: Color32::GRAY };
        kept.line(ctx, Trace::Intensity, line, &wanted(MapMeasure::Mean).columns)
    }

    /// Pictures sent to the screen since the last call.
    fn num_sent(ctx: &Context) -> usize {
        ctx.tex_manager().write().take_delta().set.len()
    }

    #[test]
    fn a_frame_in_which_nothing_has_changed_makes_and_sends_nothing() {
        let ctx = Context::default();
        let mut table = Table::new(NUM_T, 3);
        (0..1_000).for_each(|t| table.set(t, row(150.0)));
        let mut kept = Kept::default();
        let limits = Limits::default();
        let first = snapshot(&table, 1);
        num_sent(&ctx);
        kept.follow_all(&ctx, &first, &limits, wanted(MapMeasure::Mean));
        assert_eq!(num_sent(&ctx), 1);
        assert_eq!(kept.value(Trace::Motion, 999), 5.0);
        assert!(kept.value(Trace::Motion, 1_000).is_nan());
        let drawn = mesh(&mut kept, &ctx);
        kept.follow_all(&ctx, &first, &limits, wanted(MapMeasure::Mean));
        let again = snapshot(&table, 2);
        kept.follow_all(&ctx, &again, &limits, wanted(MapMeasure::Mean));
        assert_eq!(num_sent(&ctx), 0, "another snapshot of the same rows");
        assert!(Arc::ptr_eq(&drawn, &mesh(&mut kept, &ctx)));
        // One volume more, half as bright.
        table.set(1_000, row(100.0));
        kept.follow_all(&ctx, &snapshot(&table, 3), &limits, wanted(MapMeasure::Mean));
        assert_eq!((num_sent(&ctx), kept.value(Trace::Intensity, 1_000)), (1, 50.0));
        assert!(!Arc::ptr_eq(&drawn, &mesh(&mut kept, &ctx)));
        kept.follow_all(&ctx, &snapshot(&table, 3), &limits, wanted(MapMeasure::Std));
        assert_eq!((num_sent(&ctx), kept.colors()), (1, None), "nobody knows the deviation");
    }

    #[test]
    fn another_recording_leaves_nothing_of_the_one_before() {
        let ctx = Context::default();
        let (mut one, mut other) = (Table::new(NUM_T, 3), Table::new(40, 5));
        (0..NUM_T).for_each(|t| one.set(t, row(150.0)));
        other.set(7, row(80.0));
        let mut kept = Kept::default();
        for table in [&one, &other] {
            kept.follow_all(&ctx, &snapshot(table, 1), &Limits::default(), wanted(MapMeasure::Mean));
        }
        assert_eq!(kept.value(Trace::Intensity, 7), 100.0);
        assert!([6, 8, 100].iter().all(|t| kept.value(Trace::Intensity, *t).is_nan()));
        assert_eq!(kept.colors(), Some([79.5, 80.5]));
    }
}
