//! What is written over the picture: which timepoint and plane it is, how large, and whether it is the
//! one asked for.

use egui::accesskit::Role;
use egui::{Align2, Color32, Painter, Rect, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::super::place::{image_size, voxel_edges};
use super::super::theme::{
    ON_CANVAS, SCRIM, SCRIM_INSET, SCRIM_RADIUS, Tokens, Weight, filled_icon_font, font, icon_font,
};
use super::super::widgets::{gradient, hatch, runs, severity_mark, text_width};
use super::super::{Model, Shown, format, gaps_text, icons, is_integer, live_text};
use crate::live::LiveState;
use crate::qc::{Alarm, Code};
use crate::volume::{Orientation, Picture, Severity, VoxelSize};

const DARK: &Tokens = &super::super::theme::DARK;

/// Padding of the scrim around what is written on it.
const PADDING: Vec2 = vec2(8.0, 4.0);
const LINE_HEIGHT: f32 = 16.0;
const ICON_WIDTH: f32 = 20.0;

/// One line in the corner of the picture.
#[derive(Default)]
struct Line {
    /// A shape before the text, so that its colour is not alone.
    icon: Option<(&'static str, Color32)>,
    /// The same for what is wrong.
    mark: Option<Severity>,
    text: String,
    /// The widest text that will stand there, which reserves its room.
    widest: String,
}

impl Line {
    fn marked(icon: &'static str, color: Color32, text: String) -> Self {
        Self { icon: Some((icon, color)), text, ..Self::default() }
    }
}

/// All marks.
pub fn overlays(ui: &Ui, rect: Rect, image: Rect, model: &Model<'_>) {
    let painter = ui.painter_at(rect);
    if let Shown::Missing(reason) = model.shown {
        reason_box(&painter, rect, reason);
    }
    corner_block(ui, rect, &corner_lines(model));
    if model.state.panels.color_bar {
        color_bar(ui, rect, super::depth::left_edge(rect, model), model);
    }
    scale_bar(ui, rect, image, model);
}

/// Which timepoint and depth is shown, whether it is the one asked for, and what must not be overlooked.
fn corner_lines(model: &Model<'_>) -> Vec<Line> {
    let t = model.state.cursor.t;
    let last_t = model.info.shape[0].saturating_sub(1);
    let mut lines = vec![
        Line { text: time_line(model, t), widest: time_line(model, last_t), ..Line::default() },
        Line { text: depth_line(model), ..Line::default() },
    ];
    lines.extend(shifted(model).map(|text| Line { text, mark: Some(Severity::Error), ..Line::default() }));
    let wanted = format!("loading t {}…", format::integer(t as i64));
    match model.shown {
        Shown::Exact | Shown::Missing(_) => {}
        Shown::Nearest { t: on_screen } => {
            let on_screen = if *on_screen == t {
                "another plane on screen".to_owned()
            } else {
                format!("t {} on screen", format::integer(*on_screen as i64))
            };
            lines.push(Line::marked(icons::HOURGLASS, DARK.warn, format!("{wanted}  {on_screen}")));
        }
        Shown::Preview => lines.push(Line::marked(icons::HOURGLASS, DARK.warn, format!("preview, {wanted}"))),
        Shown::Coarse => {
            let text = "preview of coarser voxels: too large for memory in full resolution".to_owned();
            lines.push(Line::marked(icons::WARNING, DARK.warn, text));
        }
        Shown::Nothing => lines.push(Line::marked(icons::HOURGLASS, ON_CANVAS, wanted)),
    }
    if let (Shown::Exact, Some(gaps)) = (model.shown, model.gaps) {
        let text = gaps_text::gaps_text(gaps, model.view.orientation.depth_axis());
        lines.push(Line::marked(icons::WARNING, DARK.warn, text));
    }
    lines.extend(computed(model));
    let notices = [live_notice(model), cut_off(model)];
    lines.extend(notices.into_iter().flatten().map(|text| Line::marked(icons::WARNING, DARK.warn, text)));
    lines
}

/// What is computed of the layers that are seen, so that nobody takes it for what was measured.
fn computed<'a>(model: &'a Model<'_>) -> impl Iterator<Item = Line> + 'a {
    let is_one_of = model.layers.len() > 1;
    let seen = model.layers.iter().zip(&model.state.layers).filter(|(_, layer)| layer.visible);
    seen.filter_map(move |(layer, _)| {
        let of = if is_one_of { format!("{} ", layer.name) } else { String::new() };
        Some(Line::marked(icons::FUNCTION, DARK.accent, format!("{of}computed: {}", layer.computed?)))
    })
}

/// Which plane is really seen where a lost camera frame has shifted them: "shows plane 11: shifted by one".
fn shifted(model: &Model<'_>) -> Option<String> {
    let quality = model.in_place().quality?;
    let t = model.state.cursor.t;
    let is_slip = |alarm: &&Alarm| alarm.code == Code::PlaneSlip && (alarm.t[0]..=alarm.t[1]).contains(&t);
    quality.verdict.alarms.iter().find(is_slip)?;
    let slip = quality.snapshot.table.row(t).map(|row| row.volume.slip).filter(|slip| slip.is_finite());
    let num_z = model.info.shape[1] as i64;
    match (slip.map(|slip| slip.round() as i64), model.picture()) {
        (Some(slip), Picture::Plane { orientation: Orientation::Xy, index, .. }) if slip != 0 && num_z > 0 => {
            let seen = (index as i64 + slip).rem_euclid(num_z);
            let by = if slip.abs() == 1 { "one".to_owned() } else { format::integer(slip.abs()) };
            Some(format!("shows plane {}: shifted by {by}", format::integer(seen)))
        }
        _ => Some("planes are shifted".to_owned()),
    }
}

/// The lines on one scrim in the upper left corner.
fn corner_block(ui: &Ui, rect: Rect, lines: &[Line]) {
    let painter = ui.painter_at(rect);
    let corner = rect.min + Vec2::splat(SCRIM_INSET);
    let indent = |line: &Line| if line.icon.is_some() || line.mark.is_some() { ICON_WIDTH } else { 0.0 };
    let width_of = |text: &str| text_width(ui, text, font(12.0, Weight::Regular));
    let wanted =
        lines.iter().map(|line| indent(line) + width_of(&line.text).max(width_of(&line.widest))).fold(0.0, f32::max);
    let room = rect.width() - 2.0 * (SCRIM_INSET + PADDING.x) - super::depth::WIDTH;
    let size = vec2(wanted.min(room.max(60.0)), LINE_HEIGHT * lines.len() as f32);
    let area = Rect::from_min_size(corner, size + 2.0 * PADDING);
    scrim(&painter, area);
    for (index, line) in lines.iter().enumerate() {
        let at = area.min + PADDING + vec2(0.0, LINE_HEIGHT * (index as f32 + 0.5));
        if let Some((icon, color)) = line.icon {
            painter.text(at + vec2(7.0, 0.0), Align2::CENTER_CENTER, icon, icon_font(13.0), color);
        }
        if let Some(severity) = line.mark {
            severity_mark(&painter, at + vec2(7.0, 0.0), 10.0, severity, DARK);
        }
        let parts = [(line.text.as_str(), Weight::Regular, ON_CANVAS)];
        let galley = runs(&painter, 12.0, size.x - indent(line), &parts);
        painter.galley(at + vec2(indent(line), -galley.size().y / 2.0), galley, ON_CANVAS);
    }
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    name(ui, area, "Picture shown", &texts.join(", "));
}

/// The dark ground under what is written on a picture.
pub(super) fn scrim(painter: &Painter, rect: Rect) {
    painter.rect_filled(rect, SCRIM_RADIUS, SCRIM);
}

/// Tells a screen reader, and a test, what is written where.
fn name(ui: &Ui, area: Rect, name: &'static str, text: &str) {
    let response = ui.interact(area, ui.make_persistent_id(name), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Status, true, name);
        info.current_text_value = Some(text.to_owned());
        info
    });
}

/// What a saved picture carries, as its options say.
pub fn still(ui: &Ui, rect: Rect, image: Rect, model: &Model<'_>) {
    let options = &model.state.still;
    let texts = [
        options.name.then(|| model.name.to_owned()),
        options.time.then(|| time_line(model, model.state.cursor.t)).filter(|_| model.info.has_axis[0]),
        options.depth.then(|| depth_line(model)),
    ];
    let mut lines: Vec<Line> = texts.into_iter().flatten().map(|text| Line { text, ..Line::default() }).collect();
    lines.extend(computed(model));
    // What a picture lacks goes with it, whoever asked for what.
    let axis = model.view.orientation.depth_axis();
    lines.extend(model.gaps.map(|gaps| Line::marked(icons::WARNING, DARK.warn, gaps_text::gaps_text(gaps, axis))));
    if !lines.is_empty() {
        corner_block(ui, rect, &lines);
    }
    if options.color_bar {
        color_bar(ui, rect, rect.right() - SCRIM_INSET, model);
    }
    if options.scale_bar {
        scale_bar(ui, rect, image, model);
    }
}

/// What has happened to a watched recording and must not be overlooked.
fn live_notice(model: &Model<'_>) -> Option<String> {
    let live = model.live?;
    match live.state {
        LiveState::Live => {
            let newest = live.newest_t.filter(|_| model.state.follow)?;
            let on_screen = match model.shown {
                Shown::Nearest { t } => *t,
                _ => model.state.cursor.t,
            };
            let behind = newest.checked_sub(on_screen).filter(|behind| *behind > 1)?;
            Some(format!("behind the recording by {} timepoints", format::integer(behind as i64)))
        }
        LiveState::Quiet | LiveState::StoppedEarly { .. } | LiveState::Restarted | LiveState::Gone => {
            Some(live_text::headline(live))
        }
        LiveState::Waiting { .. } | LiveState::Finished => None,
    }
}

/// Where a recording that nobody writes any more goes on beyond its last whole volume: what its end lacks.
fn cut_off(model: &Model<'_>) -> Option<String> {
    let live = model.live.filter(|live| !matches!(live.state, LiveState::Live | LiveState::Restarted))?;
    let last = model.info.shape[0].saturating_sub(1);
    let newest = live.newest_t.filter(|newest| *newest < last)?;
    Some(format!("cut off after t {}, the last whole volume", format::integer(newest as i64)))
}

/// The gradient with the values at its ends, left of `right`.
fn color_bar(ui: &Ui, rect: Rect, right: f32, model: &Model<'_>) {
    let painter = ui.painter_at(rect);
    let display = model.display();
    let step = (display.limits[1] / 600.0 - display.limits[0] / 600.0).abs();
    // As the fields of the limits say them.
    let is_whole = is_integer(model.layer_info, model.values());
    let labels = display.limits.map(|limit| match is_whole {
        true => format::decimal(limit, 0),
        false => format::value_in_steps(limit, step),
    });
    let galleys = labels.clone().map(|text| painter.layout_no_wrap(text, font(11.0, Weight::Regular), ON_CANVAS));
    let width = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max);
    let height = (rect.height() * 0.3).clamp(60.0, 180.0);
    let bar_width = 10.0;
    let size = vec2(width + 6.0 + bar_width, height) + vec2(2.0 * PADDING.x, 16.0);
    let area = Rect::from_min_size(pos2(right, rect.bottom() - SCRIM_INSET) - size, size);
    scrim(&painter, area);
    let inner = area.shrink2(vec2(PADDING.x, 8.0));
    let bar = Rect::from_min_max(pos2(inner.right() - bar_width, inner.top()), inner.max);
    gradient(&painter, bar, display.colormap, display.invert, display.gamma);
    for (galley, y) in galleys.into_iter().zip([bar.bottom() - 6.0, bar.top() + 6.0]) {
        let pos = pos2(bar.left() - 6.0 - galley.size().x, y - galley.size().y / 2.0);
        painter.galley(pos, galley, ON_CANVAS);
    }
    name(ui, area, "Color bar shown", &labels.join(" to "));
}

/// "t 114 · 22.8 s".
fn time_line(model: &Model<'_>, t: usize) -> String {
    let mut text = format!("t {}", format::integer(t as i64));
    if let Some(rate) = model.info.rate_hz.filter(|rate| *rate > 0.0) {
        text += &format!(" · {}", format::timepoint(t, rate));
    }
    text
}

/// "max over z 8 – 14 · 48 µm" or "z 11 · 88 µm".
fn depth_line(model: &Model<'_>) -> String {
    let view = model.view;
    let axis = view.orientation.depth_axis();
    let edge = model.info.voxel_size.and_then(|size: VoxelSize| size.along(axis)).filter(|edge| *edge > 0.0);
    let um = |length: f64| format!(" · {} µm", format::length_um(length));
    let mut text = match model.picture() {
        Picture::Plane { index, .. } => {
            format!(
                "{axis} {}{}",
                format::integer(index as i64),
                edge.map(|e| um(index as f64 * e)).unwrap_or_default()
            )
        }
        Picture::Projection { slab: [start, stop], op, .. } => {
            let thickness = edge.map(|e| um((stop - start - 1) as f64 * e)).unwrap_or_default();
            format!("{} over {axis} {start} – {}{thickness}", op.name(), stop - 1)
        }
    };
    if view.orientation != Orientation::Xy {
        text = format!("{} · {text}", view.orientation.label());
    }
    text
}

/// The hatch of a picture of which nothing can be had.
pub fn missing(ui: &Ui, rect: Rect, image: Rect) {
    let painter = ui.painter_at(rect.intersect(image));
    painter.rect_filled(image, 0.0, Color32::from_gray(18));
    hatch(&painter, image.intersect(rect), Color32::from_gray(90));
}

fn reason_box(painter: &Painter, rect: Rect, reason: &str) {
    let width = (rect.width() - 80.0).clamp(120.0, 460.0);
    let heading = painter.layout_no_wrap("No data".to_owned(), font(13.0, Weight::SemiBold), ON_CANVAS);
    let body = painter.layout(reason.to_owned(), font(12.0, Weight::Regular), DARK.t2, width);
    let size = vec2(body.size().x.max(heading.size().x + 26.0), heading.size().y + body.size().y + 6.0);
    let area = Rect::from_center_size(rect.center(), size + vec2(32.0, 24.0));
    painter.rect_filled(area, 6.0, Color32::from_black_alpha(220));
    let corner = area.min + vec2(16.0, 12.0);
    let icon_at = corner + vec2(8.0, heading.size().y / 2.0);
    painter.text(icon_at, Align2::CENTER_CENTER, icons::WARNING, filled_icon_font(14.0), DARK.warn);
    let heading_height = heading.size().y;
    painter.galley(corner + vec2(24.0, 0.0), heading, ON_CANVAS);
    painter.galley(corner + vec2(0.0, heading_height + 6.0), body, DARK.t2);
}

/// A bar of a round length, in µm where the voxel size is known.
fn scale_bar(ui: &Ui, rect: Rect, image: Rect, model: &Model<'_>) {
    let painter = ui.painter_at(rect);
    let orientation = model.view.orientation;
    let [columns, _] = image_size(model.info, orientation);
    let is_known = model.info.voxel_size.is_some();
    let [edge, _] = voxel_edges(model.info, orientation);
    let points_per_unit = f64::from(image.width()) / (columns as f64 * edge);
    if !(points_per_unit.is_finite() && points_per_unit > 0.0) {
        return;
    }
    let length = format::round_length((f64::from(rect.width()) / 6.0).min(160.0) / points_per_unit);
    let (number, unit) = if is_known { format::length(length) } else { (format::length_um(length), "px") };
    let text = format!("{number} {unit}");
    let galley = painter.layout_no_wrap(text.clone(), font(12.0, Weight::Regular), ON_CANVAS);
    let width = (length * points_per_unit) as f32;
    let size = vec2(width.max(galley.size().x), 3.0 + 4.0 + LINE_HEIGHT) + vec2(2.0 * PADDING.x, 4.0 + 2.0 * PADDING.y);
    let corner = pos2(rect.left() + SCRIM_INSET, rect.bottom() - SCRIM_INSET);
    let area = Rect::from_min_size(corner - vec2(0.0, size.y), size);
    scrim(&painter, area);
    let bar = Rect::from_min_size(area.min + PADDING + vec2(0.0, 4.0), vec2(width, 3.0));
    painter.rect_filled(bar, 0.0, Color32::WHITE);
    painter.galley(bar.left_bottom() + vec2(0.0, 4.0), galley, ON_CANVAS);
    name(ui, area, "Scale bar", &text);
}
