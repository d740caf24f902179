//! The recording along time, on one scale: axis, marks of what is wrong, the map, traces, and what is in memory.
//! The map is the slider: a click goes there, a drag scrubs time and depth at once, the keys step.

use egui::accesskit::Role;
use egui::{Id, Pos2, Response, Sense, Ui};

use super::super::heat::{Kept, kept};
use super::super::time_axis::TimeAxis;
use super::super::widgets::Slider;
use super::super::{Command, Model, Quality, format};
use super::time_area::{Rows, axis_of};
use super::time_marks::{self, Mark};
use super::{time_gutter, time_heat, time_lanes, time_told, trace_limits, trace_names, traces};

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
    // Where they lay in the last frame.
    let Some(rows) = ui.data(|data| data.get_temp::<Rows>(id())) else { return };
    let axis = axis_of(model);
    scrub(ui, &response, &rows, &axis, model, commands);
    zoom(ui, &response, &rows, &axis, commands);
}

/// Draws the rows, and describes them to screen readers.
pub fn time_map_ui(ui: &mut Ui, rows: &Rows, model: &Model<'_>, commands: &mut Vec<Command>) {
    let axis = axis_of(model);
    let response = ui.interact(rows.all(), id(), Sense::click_and_drag());
    ui.data_mut(|data| data.insert_temp(id(), *rows));
    let slider = slider(model);
    slider.describe(ui, &response, slider.name, slider.value, slider.range);
    let words = moment(model, model.state.cursor.t);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        node.set_value(words);
    });

    let kept = kept(ui.ctx());
    let mut kept = kept.lock();
    let quality = model.quality.as_ref();
    if let Some(quality) = quality {
        kept.update(ui.ctx(), quality, time_heat::wanted(ui, rows, &axis, model));
    }
    time_lanes::paint(ui, rows, &axis, model, quality.map(|_| &*kept));
    if let Some(quality) = quality {
        traces::paint(ui, rows, &axis, model, quality, &mut kept);
    }
    if let Some(live) = model.live {
        time_lanes::paint_newest(ui, rows, &axis, model, live);
    }
    time_marks::paint(ui, rows.lane, &marks(rows, &axis, model), model.live.is_some());
    time_gutter::gutter_ui(ui, rows, model, &kept, commands);
    if let Some(quality) = quality {
        quality_ui(ui, rows, model, quality, &kept, commands);
    }
    time_lanes::paint_playhead(ui, rows, &axis, model, response.has_focus());
    if response.hovered() && !response.is_pointer_button_down_on() {
        time_told::explain(ui, &response, rows, &axis, model, &kept);
    }
}

fn quality_ui(
    ui: &mut Ui,
    rows: &Rows,
    model: &Model<'_>,
    quality: &Quality<'_>,
    kept: &Kept,
    commands: &mut Vec<Command>,
) {
    trace_names::trace_names_ui(ui, rows, model, kept, commands);
    trace_limits::limits_ui(ui, rows, model, quality, kept, commands);
}

fn marks(rows: &Rows, axis: &TimeAxis, model: &Model<'_>) -> Vec<Mark> {
    let alarms = model.quality.map_or(&[][..], |quality| &quality.verdict.alarms[..]);
    let found = time_marks::of_problems(model.problems, crate::volume::Axis::T).chain(time_marks::of_alarms(alarms));
    time_marks::marks(found, |t| rows.x(axis, t) - rows.map.left(), rows.map.width())
}

/// The pointer and the keys move the timepoint, and the pointer that was pressed on the map the plane.
fn scrub(ui: &Ui, response: &Response, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, commands: &mut Vec<Command>) {
    let slider = slider(model);
    let is_primary = response.clicked() || ui.input(|input| input.pointer.primary_down());
    let pointed = response.interact_pointer_pos();
    let pointed = pointed.filter(|_| is_primary && (response.is_pointer_button_down_on() || response.clicked()));
    let keyed = slider.keys(ui, response, slider.value, slider.range).map(|value| value.round() as usize);
    let cursor = model.state.cursor;
    if let Some(asked) = keyed {
        if asked != cursor.t {
            commands.push(Command::ScrubTo(asked));
        }
    } else if let Some(pos) = pointed {
        let origin = ui.input(|input| input.pointer.press_origin()).unwrap_or(pos);
        let (t, z) = place_at(response, rows, axis, model, pos, origin);
        if t != cursor.t || z.is_some_and(|z| z != cursor.z) {
            commands.push(z.map_or(Command::ScrubTo(t), |z| Command::GoTo { t, z: Some(z) }));
        }
    }
}

/// The timepoint and the plane that the pointer means, pressed at `origin`.
fn place_at(
    response: &Response,
    rows: &Rows,
    axis: &TimeAxis,
    model: &Model<'_>,
    pos: Pos2,
    origin: Pos2,
) -> (usize, Option<usize>) {
    let [num_t, num_z, ..] = model.info.shape;
    let x = pos.x - rows.map.left();
    // A mark is a point to go to, however wide it is drawn.
    let is_on_marks = response.clicked() && rows.lane.y_range().contains(pos.y);
    let marks = if is_on_marks { marks(rows, axis, model) } else { Vec::new() };
    if let Some(mark) = marks.iter().find(|mark| mark.is_at(x)) {
        return (mark.start.min(num_t.saturating_sub(1)), mark.z.filter(|_| model.quality.is_some()));
    }
    // Without a map of planes its height says nothing.
    let is_on_map = model.quality.is_some() && rows.plane(origin.y, num_z).is_some();
    let z = is_on_map.then(|| rows.plane(pos.y.clamp(rows.map.top(), rows.map.bottom()), num_z)).flatten();
    (axis.t_at(x / rows.map.width(), num_t), z)
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
pub fn moment(model: &Model<'_>, t: usize) -> String {
    let mut words = format!("t {}", format::integer(t as i64));
    if let Some(rate) = model.info.rate_hz.filter(|rate| *rate > 0.0) {
        words += &format!(" · {}", format::timepoint(t, rate));
    }
    words
}
