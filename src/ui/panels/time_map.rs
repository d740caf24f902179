//! The recording along time, on one scale: axis, marks of what is wrong, the map, and what is in memory.
//! The map is the slider: a click goes there, a drag scrubs, the keys step.

use egui::accesskit::Role;
use egui::{Align2, Id, PopupAnchor, Rangef, Rect, RectAlign, Response, Sense, Tooltip, Ui, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::time_axis::{TimeAxis, num_reserved};
use super::super::widgets::{Slider, text};
use super::super::{Command, Model, format};
use super::time_lanes;
use super::time_marks::{self, Mark};
use crate::live::LiveState;
use crate::volume::{Axis, Piece};

/// Height from the top of the axis to the end of the strip.
pub const HEIGHT: f32 = 94.0;

/// Where the rows lie: the same x for all of them.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Round times.
    pub axis: Rect,
    /// What is wrong, and the newest timepoint.
    pub lane: Rect,
    /// The stored pieces.
    pub map: Rect,
    /// What is in memory.
    pub strip: Rect,
}

impl Rows {
    /// Divides the area; names stand left of the rows, limits right of them.
    fn new(area: Rect) -> Self {
        let (gutter, margin) = if area.width() >= 1000.0 { (116.0, 60.0) } else { (100.0, 28.0) };
        let x = area.left() + gutter..=(area.right() - margin).max(area.left() + gutter + 1.0);
        Self::at(Rangef::from(x), area.top())
    }

    /// Those that lie in a rectangle.
    fn around(all: Rect) -> Self {
        Self::at(all.x_range(), all.top())
    }

    fn at(x: Rangef, top: f32) -> Self {
        let row = |from: f32, to: f32| Rect::from_x_y_ranges(x, top + from..=top + to);
        Self { axis: row(0.0, 24.0), lane: row(25.0, 39.0), map: row(40.0, 88.0), strip: row(91.0, 94.0) }
    }

    /// All of them.
    fn all(&self) -> Rect {
        self.axis.union(self.strip)
    }

    /// Where an edge between timepoints lies.
    pub fn x(&self, axis: &TimeAxis, t: f64) -> f32 {
        self.map.left() + axis.fraction(t) * self.map.width()
    }
}

/// The axis of a recording: as long as it is planned, or with room to grow.
fn axis_of(model: &Model<'_>) -> TimeAxis {
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

fn id() -> Id {
    Id::unique("time map")
}

fn slider<'a>(model: &Model<'_>) -> Slider<'a> {
    let last = model.info.shape[0].saturating_sub(1) as f64;
    Slider { name: "Time", value: model.state.cursor.t as f64, range: [0.0, last], step: 1.0, ..Slider::default() }
}

/// What the pointer, the keys of the focus and the wheel ask for on the map.
pub fn steer(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some(response) = ui.ctx().read_response(id()) else { return };
    let (rows, axis) = (Rows::around(response.rect), axis_of(model));
    scrub(ui, &response, &rows, &axis, model, commands);
    zoom(ui, &response, &rows, &axis, commands);
}

/// Draws the rows, and describes them to screen readers.
pub fn time_map_ui(ui: &mut Ui, area: Rect, model: &Model<'_>) {
    let rows = Rows::new(area);
    let axis = axis_of(model);
    let response = ui.interact(rows.all(), id(), Sense::click_and_drag());
    let slider = slider(model);
    slider.describe(ui, &response, slider.name, slider.value, slider.range);
    let words = moment(model, model.state.cursor.t);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        node.set_value(words);
    });

    time_lanes::paint(ui, &rows, &axis, model);
    time_marks::paint(ui, rows.lane, &marks(&rows, &axis, model));
    gutter(ui, area, &rows, model);
    time_lanes::paint_playhead(ui, &rows, &axis, model, response.has_focus());
    if response.hovered() && !response.is_pointer_button_down_on() {
        explain(ui, &response, area, &rows, &axis, model);
    }
}

fn marks(rows: &Rows, axis: &TimeAxis, model: &Model<'_>) -> Vec<Mark> {
    time_marks::marks(model.problems, Axis::T, |t| rows.x(axis, t) - rows.map.left(), rows.map.width())
}

/// The pointer and the keys move the timepoint.
fn scrub(ui: &Ui, response: &Response, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, commands: &mut Vec<Command>) {
    let (t, num_t) = (model.state.cursor.t, model.info.shape[0]);
    let slider = slider(model);
    let is_primary = response.clicked() || ui.input(|input| input.pointer.primary_down());
    let pointed =
        response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on() || response.clicked());
    let pointed = pointed.filter(|_| is_primary).map(|pos| {
        let x = pos.x - rows.map.left();
        // A mark is a point to go to, however wide it is drawn.
        let is_on_marks = response.clicked() && rows.lane.y_range().contains(pos.y);
        let marks = if is_on_marks { marks(rows, axis, model) } else { Vec::new() };
        let mark = marks.iter().find(|mark| mark.is_at(x));
        mark.map_or_else(|| axis.t_at(x / rows.map.width(), num_t), |mark| mark.start.min(num_t.saturating_sub(1)))
    });
    let keyed = slider.keys(ui, response, slider.value, slider.range).map(|value| value.round() as usize);
    if let Some(asked) = keyed.or(pointed)
        && asked != t
    {
        commands.push(Command::ScrubTo(asked));
    }
}

/// The wheel zooms about the pointer, sideways it moves along; a double click on the axis shows all again.
fn zoom(ui: &Ui, response: &Response, rows: &Rows, axis: &TimeAxis, commands: &mut Vec<Command>) {
    let pressed_at = ui.input(|input| input.pointer.interact_pos());
    let is_on_axis = pressed_at.is_some_and(|pos| rows.axis.y_range().contains(pos.y));
    if response.double_clicked() && is_on_axis && axis.part().is_some() {
        commands.push(Command::SetTimeZoom(None));
        return;
    }
    let Some(pos) = response.hover_pos().filter(|_| response.hovered()) else { return };
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
    let factor = f64::from(pinch) * f64::from(scroll.y / 150.0).exp();
    let fraction = ((pos.x - rows.map.left()) / rows.map.width()).clamp(0.0, 1.0);
    if factor != 1.0 {
        let zoomed = axis.zoomed(fraction, factor);
        if zoomed.is_some() || axis.part().is_some() {
            commands.push(Command::SetTimeZoom(zoomed));
        }
    } else if scroll.x != 0.0 && axis.part().is_some() {
        commands.push(Command::SetTimeZoom(axis.panned(scroll.x / rows.map.width())));
    }
}

/// "t 6 211 · 20:42.2".
fn moment(model: &Model<'_>, t: usize) -> String {
    let mut words = format!("t {}", format::integer(t as i64));
    if let Some(rate) = model.info.rate_hz.filter(|rate| *rate > 0.0) {
        words += &format!(" · {}", format::timepoint(t, rate));
    }
    words
}

/// What lies under the pointer, above the area and at the pointer.
fn explain(ui: &Ui, response: &Response, area: Rect, rows: &Rows, axis: &TimeAxis, model: &Model<'_>) {
    let Some(pos) = response.hover_pos() else { return };
    let tokens = Tokens::get(ui);
    let x = pos.x.clamp(rows.map.left(), rows.map.right());
    let y = rows.axis.bottom()..=rows.strip.bottom();
    super::super::widgets::dotted_vline(ui.painter(), x, Rangef::from(y), tokens.t1);
    let at = axis.at((x - rows.map.left()) / rows.map.width()).max(0.0) as usize;
    let row = ((pos.y - rows.map.top()) / rows.map.height()).clamp(0.0, 0.999);
    let depth = rows.map.y_range().contains(pos.y).then(|| (row * model.info.shape[1] as f32) as usize);
    let told = time_marks::told_at(model, at, depth);
    let anchor = Rect::from_x_y_ranges(x..=x, area.top()..=rows.strip.bottom());
    let mut tooltip = Tooltip::for_widget(response).width(324.0);
    tooltip.popup = tooltip.popup.anchor(PopupAnchor::ParentRect(anchor)).align(RectAlign::TOP).open(ui.is_enabled());
    tooltip.gap(6.0).show(|ui| {
        ui.label(egui::RichText::new(moment(model, at)).color(tokens.t1).font(font(13.0, Weight::SemiBold)));
        for line in &told.lines {
            ui.label(egui::RichText::new(line).color(tokens.t2));
        }
        for problem in &told.problems {
            ui.horizontal_wrapped(|ui| {
                let (mark, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
                super::super::widgets::severity_mark(ui.painter(), mark.center(), 10.0, problem.severity, tokens);
                ui.label(egui::RichText::new(&problem.message).color(tokens.t1));
            });
        }
        if told.num_more > 0 {
            let more = format!("and {} more", format::integer(told.num_more as i64));
            ui.label(egui::RichText::new(more).color(tokens.t3));
        }
    });
}

/// The names of the rows, and the depth of the map where its rows are planes.
fn gutter(ui: &Ui, area: Rect, rows: &Rows, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(area);
    let left = area.left() + 16.0;
    let name_at = pos2(left, rows.map.top() + 7.0);
    text(&painter, name_at, Align2::LEFT_CENTER, "Stored", font(12.0, Weight::Medium), tokens.t1);
    // Level with the strip, as far as the row below leaves room.
    let strip_at = pos2(left, rows.strip.top() - 3.0);
    text(&painter, strip_at, Align2::LEFT_CENTER, "In memory", font(10.5, Weight::Regular), tokens.t3);
    let num_z = model.info.shape[1];
    let has_rows = model.pieces.iter().any(|piece| piece.axis == Some(Axis::Z));
    if has_rows && num_z > 1 {
        let right = rows.map.left() - 14.0;
        for (y, z) in [(rows.map.top() + 6.0, 0), (rows.map.bottom() - 6.0, num_z - 1)] {
            let number = format::integer(z as i64);
            text(&painter, pos2(right, y), Align2::RIGHT_CENTER, &number, font(11.0, Weight::Regular), tokens.t3);
        }
        let caption = pos2(left, rows.map.top() + 24.0);
        text(&painter, caption, Align2::LEFT_CENTER, "by plane", font(11.0, Weight::Regular), tokens.t3);
        let height = rows.map.height();
        let marks = time_marks::marks(model.problems, Axis::Z, |z| (z / num_z as f64) as f32 * height, height);
        time_marks::paint_beside(ui, rows.map, &marks);
    }
}
