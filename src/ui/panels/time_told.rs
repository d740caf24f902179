//! What is said of the place under the pointer, above the time area and at the pointer.

use egui::{PopupAnchor, Rangef, Rect, RectAlign, Response, RichText, Sense, Tooltip, Ui, vec2};

use super::super::heat::Kept;
use super::super::theme::{Tokens, Weight, font};
use super::super::time_axis::TimeAxis;
use super::super::widgets::{dotted_vline, keycap, keycap_width, severity_mark};
use super::super::{Model, Quality, format};
use super::time_area::Rows;
use super::time_map::moment;
use super::time_marks;
use crate::qc::{Alarm, Gravity};
use crate::volume::Severity;

/// Alarms told of at one place.
const MAX_TOLD: usize = 2;

/// Says what lies under the pointer.
pub fn explain(ui: &Ui, response: &Response, rows: &Rows, axis: &TimeAxis, model: &Model<'_>, kept: &Kept) {
    let Some(pos) = response.hover_pos() else { return };
    let tokens = Tokens::get(ui);
    let x = pos.x.clamp(rows.map.left(), rows.map.right());
    dotted_vline(ui.painter(), x, Rangef::new(rows.map.top(), rows.bottom().max(rows.map.bottom())), tokens.t1);
    let at = axis.at((x - rows.map.left()) / rows.map.width()).max(0.0) as usize;
    let depth = rows.plane(pos.y, model.info.shape[1]);
    let alarms = model.quality.map_or_else(Vec::new, |quality| alarms_at(&quality, at, depth, rows, axis));
    let anchor = Rect::from_x_y_ranges(x..=x, rows.area.top()..=rows.strip.bottom());
    let mut tooltip = Tooltip::for_widget(response).width(324.0);
    tooltip.popup = tooltip.popup.anchor(PopupAnchor::ParentRect(anchor)).align(RectAlign::TOP).open(ui.is_enabled());
    tooltip.gap(6.0).show(|ui| {
        for alarm in alarms.iter().take(MAX_TOLD) {
            alarm_ui(ui, alarm, model);
        }
        if alarms.len() > MAX_TOLD {
            let more = format!("and {} more", format::integer((alarms.len() - MAX_TOLD) as i64));
            ui.label(RichText::new(more).color(tokens.t3));
        }
        place_ui(ui, at, depth, model, kept);
        if !alarms.is_empty() {
            keys_ui(ui);
        }
    });
}

/// The alarms at a place, the gravest first. A mark is a point, however wide it is drawn.
fn alarms_at<'a>(
    quality: &Quality<'a>,
    t: usize,
    depth: Option<usize>,
    rows: &Rows,
    axis: &TimeAxis,
) -> Vec<&'a Alarm> {
    let near = (axis.length() / f64::from(rows.map.width()) * 4.0) as usize;
    let holds_plane = |alarm: &Alarm| match (alarm.z, depth) {
        (Some(planes), Some(depth)) => (planes[0]..=planes[1]).contains(&depth),
        _ => true,
    };
    let is_here =
        |alarm: &&Alarm| (alarm.t[0].saturating_sub(near)..=alarm.t[1] + near).contains(&t) && holds_plane(alarm);
    let mut here: Vec<&Alarm> = quality.verdict.alarms.iter().filter(is_here).collect();
    here.sort_by_key(|alarm| (std::cmp::Reverse(alarm.gravity), alarm.t[0].abs_diff(t)));
    here
}

fn alarm_ui(ui: &mut Ui, alarm: &Alarm, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let severity = match alarm.gravity {
        Gravity::Alarm => Severity::Error,
        Gravity::Warn => Severity::Warning,
    };
    ui.horizontal(|ui| {
        let (mark, _) = ui.allocate_exact_size(vec2(11.0, 16.0), Sense::hover());
        severity_mark(ui.painter(), mark.center(), 11.0, severity, tokens);
        ui.label(RichText::new(&alarm.title).color(tokens.t1).font(font(12.0, Weight::SemiBold)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(lasting(alarm, model)).color(tokens.t2).font(font(12.0, Weight::Regular)));
        });
    });
    let until =
        if is_going_on(alarm, model) { "until now".to_owned() } else { format!("to {}", at(alarm.t[1], model)) };
    let when = if alarm.t[0] == alarm.t[1] {
        format!("At {}", at(alarm.t[0], model))
    } else {
        format!("From {} {until}", at(alarm.t[0], model))
    };
    let words = format!("{when}: {} {}", alarm.detail, alarm.advice);
    ui.label(RichText::new(words).color(tokens.t2).font(font(12.0, Weight::Regular)));
    ui.add_space(4.0);
}

/// Whether an alarm reaches the newest timepoint of a recording that goes on.
fn is_going_on(alarm: &Alarm, model: &Model<'_>) -> bool {
    model.live.is_some_and(|live| live.newest_t.is_some_and(|newest| alarm.t[1] >= newest))
}

/// "t 5 622 (18:44.4)".
fn at(t: usize, model: &Model<'_>) -> String {
    let number = format!("t {}", format::integer(t as i64));
    match model.info.rate_hz.filter(|rate| *rate > 0.0) {
        Some(rate) => format!("{number} ({})", format::timepoint(t, rate)),
        None => number,
    }
}

/// "for 1:58", or how many timepoints.
fn lasting(alarm: &Alarm, model: &Model<'_>) -> String {
    let num_t = alarm.t[1] + 1 - alarm.t[0];
    match model.info.rate_hz.filter(|rate| *rate > 0.0) {
        _ if num_t == 1 => "one volume".to_owned(),
        Some(rate) if num_t as f64 / rate >= 1.0 => format!("for {}", format::clock(num_t as f64 / rate, 0)),
        _ => format!("for {} volumes", format::integer(num_t as i64)),
    }
}

/// The place itself: when, which plane, what was measured there, and how it is stored.
fn place_ui(ui: &mut Ui, t: usize, depth: Option<usize>, model: &Model<'_>, kept: &Kept) {
    let tokens = Tokens::get(ui);
    ui.label(RichText::new(moment(model, t)).color(tokens.t1).font(font(13.0, Weight::SemiBold)));
    if let Some(line) = depth.and_then(|z| measured(t, z, model, kept)) {
        ui.label(RichText::new(line).color(tokens.t2));
    }
    let told = time_marks::told_at(model, t, depth);
    for line in &told.lines {
        ui.label(RichText::new(line).color(tokens.t2));
    }
    for problem in &told.problems {
        ui.horizontal_wrapped(|ui| {
            let (mark, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            severity_mark(ui.painter(), mark.center(), 10.0, problem.severity, tokens);
            ui.label(RichText::new(&problem.message).color(tokens.t1));
        });
    }
    if told.num_more > 0 {
        let more = format!("and {} more", format::integer(told.num_more as i64));
        ui.label(RichText::new(more).color(tokens.t3));
    }
}

/// What was measured there: the measure of the map, of one plane.
fn measured(t: usize, z: usize, model: &Model<'_>, kept: &Kept) -> Option<String> {
    let quality = model.quality.as_ref().filter(|_| t < model.info.shape[0])?;
    let measure = model.state.panels.map_measure;
    let (name, place) = (measure.label().to_lowercase(), format!("z {}", format::integer(z as i64)));
    let known = quality.snapshot.table.plane(t, z).zip(kept.baseline());
    let Some((plane, baseline)) = known else { return Some(format!("{place} · not measured yet")) };
    let value = measure.value(plane, z, baseline);
    if value.is_nan() {
        return Some(format!("{place} · no {name}"));
    }
    Some(format!("{place} · {name} {} {}", format::value(f64::from(value)), measure.unit()).trim_end().to_owned())
}

fn keys_ui(ui: &mut Ui) {
    let tokens = Tokens::get(ui);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new("click = go there").color(tokens.t2).font(font(12.0, Weight::Regular)));
        ui.add_space(4.0);
        let (at, _) = ui.allocate_exact_size(vec2(keycap_width(ui, "N"), 16.0), Sense::hover());
        keycap(ui, at.center(), "N", Some(tokens.bg1), tokens.t3);
        ui.label(RichText::new("next").color(tokens.t2).font(font(12.0, Weight::Regular)));
    });
}
