//! The Quality section: how much of the recording can be used, what is wrong and what to do about it, and four
//! figures of the whole.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::quality_text::{amounts, since};
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{self, Run, focus_ring, grade_color, grade_mark, runs, severity_mark};
use super::super::{Command, Model, Quality, format};
use crate::qc::{Alarm, Code, Gravity, Usable, whole_percent};
use crate::volume::Severity;

/// Alarms listed; the rest is counted.
const MAX_LISTED: usize = 40;
const INDENT: f32 = 19.0;

/// The rows of the Quality section.
pub fn quality_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some(quality) = model.quality else { return };
    usable_rows(ui, &quality, model.layer_name());
    alarm_rows(ui, &quality, commands);
    separator(ui, 4.0);
    figure_rows(ui, &quality);
}

/// "▲ 61 % · 2 active", for the folded heading.
pub fn summary(quality: &Quality<'_>) -> String {
    let percent = quality.usable().map_or("–".to_owned(), |usable| format!("{} %", whole_percent(usable.share())));
    match quality.active().count() {
        0 => format!("{percent} usable"),
        num => format!("{percent} usable · {} active", format::integer(num as i64)),
    }
}

/// The minutes, the bar and the sentence below it; of which channel, where there are several.
fn usable_rows(ui: &mut Ui, quality: &Quality<'_>, channel: Option<&str>) {
    let tokens = Tokens::get(ui);
    let usable = quality.usable();
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let baseline = line.bottom() - 6.0;
    let (amount, of) = match &usable {
        Some(usable) => {
            let (amount, of, unit) = amounts(usable);
            (amount, format!("of {of} {unit} {}", if quality.is_caught_up() { "usable" } else { "checked" }))
        }
        None => ("–".to_owned(), "usable".to_owned()),
    };
    let mut words = format!("{amount} {of}{}", channel.map_or(String::new(), |channel| format!(" · {channel}")));
    let painter = ui.painter_at(line.expand(4.0));
    let left = pos2(line.left(), baseline + 6.0);
    let big = widgets::text(&painter, left, Align2::LEFT_BOTTOM, &amount, font(24.0, Weight::SemiBold), tokens.t1);
    let beside = pos2(big.right() + 8.0, baseline + 2.0);
    let mut right = line.right();
    if let Some(usable) = &usable {
        let color = grade_color(usable.grade(), tokens);
        let percent = format!("{}\u{2009}%", whole_percent(usable.share()));
        let at = pos2(line.right(), baseline + 2.0);
        let drawn = widgets::text(&painter, at, Align2::RIGHT_BOTTOM, &percent, font(13.0, Weight::SemiBold), color);
        grade_mark(&painter, pos2(drawn.left() - 11.0, drawn.center().y), 11.0, usable.grade(), color);
        right = drawn.left() - 26.0;
        words += &format!(", {percent}");
    }
    let regular = font(13.0, Weight::Regular);
    let drawn = widgets::text(&painter, beside, Align2::LEFT_BOTTOM, &of, regular.clone(), tokens.t2);
    // As much of the name as there is room for.
    let room = right - drawn.right();
    if let Some(channel) = channel.filter(|_| room > 40.0) {
        let dot = widgets::text_width(ui, " · ", regular.clone());
        let named = format!(" · {}", widgets::elided(ui, channel, regular.clone(), room - dot));
        let at = pos2(drawn.right(), beside.y);
        widgets::text(&painter, at, Align2::LEFT_BOTTOM, &named, regular, tokens.t2);
    }
    let response = ui.interact(line, ui.make_persistent_id("usable"), Sense::hover());
    response.widget_info(|| status("Usable", &words));
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    paint_bar(ui, Rect::from_center_size(bar.center(), vec2(bar.width(), 6.0)), usable.as_ref());
    let response = paragraph(ui, &quality.sentence(), 12.0, 0.0);
    response.widget_info(|| status("Lost", &quality.sentence()));
    ui.add_space(4.0);
}

fn status(name: &str, words: &str) -> WidgetInfo {
    let mut info = WidgetInfo::labeled(Role::Status, true, name);
    info.current_text_value = Some(words.to_owned());
    info
}

/// Usable, lost, and what is to come or has not been looked at.
fn paint_bar(ui: &Ui, rect: Rect, usable: Option<&Usable>) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, tokens.bg3);
    let Some(usable) = usable else { return };
    let share = |num: usize| num as f32 / usable.of.max(1) as f32 * rect.width();
    let good = share(usable.volumes.min(usable.of));
    let bad = share(usable.measured.saturating_sub(usable.volumes));
    let part = |from: f32, width: f32| Rect::from_min_size(pos2(rect.left() + from, rect.top()), vec2(width, 6.0));
    painter.rect_filled(part(0.0, good), 3.0, tokens.ok);
    if bad > 0.0 {
        // What little is lost is still seen.
        let bad = part((good + 2.0).min(rect.width() - 3.0), (bad - 2.0).max(3.0));
        painter.rect_filled(bad, 0.0, tokens.bg1.blend(tokens.bad.gamma_multiply(0.35)));
        stripes(ui, bad, tokens);
    }
}

/// Diagonals close together, so that what is lost differs from what is usable without its colour.
fn stripes(ui: &Ui, rect: Rect, tokens: &Tokens) {
    let painter = ui.painter_at(rect);
    let mut x = rect.left() - rect.height();
    x -= x.rem_euclid(6.0);
    while x < rect.right() + rect.height() {
        painter
            .line_segment([pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())], Stroke::new(2.4, tokens.bad));
        x += 6.0;
    }
}

/// What goes on, with what to do about it; below it in one row each what is over.
fn alarm_rows(ui: &mut Ui, quality: &Quality<'_>, commands: &mut Vec<Command>) {
    let alarms = &quality.verdict.alarms;
    if alarms.is_empty() {
        return;
    }
    separator(ui, 2.0);
    let over = alarms.iter().rev().filter(|alarm| !quality.is_active(alarm));
    let listed = quality.active().map(|alarm| (alarm, true)).chain(over.map(|alarm| (alarm, false)));
    for (index, (alarm, is_active)) in listed.take(MAX_LISTED).enumerate() {
        if alarm_row(ui, index, alarm, is_active, quality) {
            let z = alarm.z.map(|planes| planes[0]);
            commands.push(Command::GoTo { t: alarm.t[0], z });
        }
    }
    if alarms.len() > MAX_LISTED {
        let more = format!("and {} more, earlier", format::integer((alarms.len() - MAX_LISTED) as i64));
        paragraph(ui, &more, 12.0, INDENT);
    }
}

/// Returns whether it was pressed.
fn alarm_row(ui: &mut Ui, index: usize, alarm: &Alarm, is_active: bool, quality: &Quality<'_>) -> bool {
    let rate_hz = quality.verdict.usable.rate_hz;
    let tokens = Tokens::get(ui);
    let width = ui.available_width();
    let body = if is_active { format!("{} {}", alarm.detail, alarm.advice) } else { String::new() };
    let galley = ui.painter().layout(body.trim().to_owned(), font(12.5, Weight::Regular), tokens.t2, width - INDENT);
    let height = if is_active { 8.0 + 16.0 + galley.size().y } else { 24.0 };
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let id = ui.make_persistent_id(("alarm", index));
    let response = ui.interact(rect, id, Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), 4.0, tokens.bg2);
    }
    let y = if is_active { rect.top() + 12.0 } else { rect.center().y };
    let severity = severity(alarm.gravity);
    severity_mark(ui.painter(), pos2(rect.left() + 5.5, y), 11.0, severity, tokens);
    let when = since(alarm, rate_hz);
    let painter = ui.painter();
    let weight = if is_active { Weight::Regular } else { Weight::Medium };
    let at = pos2(rect.right(), y);
    let right = widgets::text(painter, at, Align2::RIGHT_CENTER, &when, font(13.0, weight), tokens.t1);
    let (weight, color) = if is_active { (Weight::Medium, tokens.t1) } else { (Weight::Regular, tokens.t2) };
    let title: [Run<'_>; 1] = [(&alarm.title, weight, color)];
    let title = runs(painter, 13.0, right.left() - 8.0 - rect.left() - INDENT, &title);
    painter.galley(pos2(rect.left() + INDENT, y - title.size().y / 2.0), title, color);
    painter.galley(pos2(rect.left() + INDENT, rect.top() + 20.0), galley, tokens.t2);
    focus_ring(ui, &response, 4.0);
    let kind = if alarm.gravity == Gravity::Alarm { "Alarm" } else { "Warning" };
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Button, true, format!("{kind}: {}", alarm.title));
        info.current_text_value = Some(format!("{when} {} {}", alarm.detail, alarm.advice));
        info
    });
    let is_pressed = response.clicked();
    let is_live = quality.snapshot.progress.behind_s.is_some();
    response.on_hover_ui(|ui| explanation_ui(ui, alarm, rate_hz, is_live));
    is_pressed
}

/// From when to when, what it means, what to do, and the keys.
fn explanation_ui(ui: &mut Ui, alarm: &Alarm, rate_hz: Option<f64>, is_live: bool) {
    let tokens = Tokens::get(ui);
    let [first, last] = alarm.t;
    let t = |t: usize| match rate_hz.filter(|rate| *rate > 0.0) {
        Some(rate) => format!("t {} ({})", format::integer(t as i64), format::timepoint(t, rate)),
        None => format!("t {}", format::integer(t as i64)),
    };
    let range = match (first == last, alarm.is_open) {
        (_, true) if is_live => format!("From {} until now.", t(first)),
        (_, true) => format!("From {} to the end.", t(first)),
        (true, _) => format!("At {}.", t(first)),
        _ => format!("From {} to {}.", t(first), t(last)),
    };
    ui.label(egui::RichText::new(&alarm.title).color(tokens.t1).font(font(13.0, Weight::SemiBold)));
    for line in [range.as_str(), &alarm.detail, &alarm.advice].into_iter().filter(|line| !line.is_empty()) {
        ui.label(egui::RichText::new(line).color(tokens.t2));
    }
    ui.label(egui::RichText::new("click = go there · N next · Shift N previous").color(tokens.t3));
}

/// A warning is ▲, an alarm ■, as problems are.
pub fn severity(gravity: Gravity) -> Severity {
    match gravity {
        Gravity::Warn => Severity::Warning,
        Gravity::Alarm => Severity::Error,
    }
}

/// Four figures of the whole; what cannot be had is a dash, and pointing at it says why.
fn figure_rows(ui: &mut Ui, quality: &Quality<'_>) {
    let figures = &quality.snapshot.figures;
    let has_rate = quality.verdict.usable.rate_hz.is_some();
    let number = |value: f64| format::decimal(value, if value.abs() < 10.0 { 1 } else { 0 });
    let motion = quality.motion.map(|[median, most]| (format!("{} · {}", number(median), number(most)), "px"));
    figure_row(ui, quality, Code::Motion, "Motion, median · most", motion);
    let bleaching = figures.bleaching.as_ref().map(|bleaching| match has_rate {
        true => (number(10.0 * bleaching.per_minute), "% / 10 min"),
        false => (number(1000.0 * bleaching.per_minute), "% / 1 000 t"),
    });
    figure_row(ui, quality, Code::Bleaching, "Bleaching", bleaching);
    let gain = figures.photon_gain.map(|gain| (format::value_in_steps(gain.gain, gain.gain / 50.0), "DN / photon"));
    figure_row(ui, quality, Code::PhotonGain, "Photon gain", gain);
    let noise = figures.noise.map(|noise| (number(noise), if has_rate { "% / √Hz" } else { "% / √volume" }));
    figure_row(ui, quality, Code::Noise, "Noise ν", noise);
}

fn figure_row(ui: &mut Ui, quality: &Quality<'_>, code: Code, label: &str, figure: Option<(String, &str)>) {
    let tokens = Tokens::get(ui);
    let rect = super::side::row(ui, label);
    let is_known = figure.is_some();
    let (number, unit) = figure.unwrap_or(("–".to_owned(), ""));
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let pieces = [(number.as_str(), Weight::Medium, tokens.t1), (unit.as_str(), Weight::Regular, tokens.t3)];
    let galley = runs(ui.painter(), 13.0, f32::INFINITY, &pieces);
    let at = pos2(rect.right() - galley.size().x, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, tokens.t1);
    let response = ui.interact(rect, ui.make_persistent_id(("figure", label)), Sense::hover());
    response.widget_info(|| status(label, &format!("{number}{unit}")));
    let note = quality.snapshot.figures.notes.get(&code).map(String::as_str);
    if let Some(note) = note.or((!is_known).then_some("Not known yet")) {
        response.on_hover_text(note);
    }
}

/// Text over as many lines as it needs.
fn paragraph(ui: &mut Ui, text: &str, size: f32, indent: f32) -> egui::Response {
    let tokens = Tokens::get(ui);
    let width = ui.available_width();
    let galley = ui.painter().layout(text.to_owned(), font(size, Weight::Regular), tokens.t2, width - indent);
    let (rect, response) = ui.allocate_exact_size(vec2(width, galley.size().y), Sense::hover());
    ui.painter().galley(rect.min + vec2(indent, 0.0), galley, tokens.t2);
    response
}

fn separator(ui: &mut Ui, margin: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 2.0 * margin + 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, Tokens::get(ui).line));
}
