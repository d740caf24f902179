//! What is written over the picture: which timepoint and plane it is, how large, and whether it is the
//! one asked for.

use egui::{Align2, Color32, Galley, Painter, Pos2, Rect, Ui, pos2, vec2};
use std::sync::Arc;

use super::super::place::{image_size, voxel_edges};
use super::super::theme::{ON_CANVAS, Tokens, Weight, filled_icon_font, font};
use super::super::widgets::{gradient, hatch};
use super::super::{Model, Shown, format, icons, live_text};
use crate::live::LiveState;
use crate::volume::{Orientation, Picture, VoxelSize};

const DARK: &Tokens = &super::super::theme::DARK;

/// All marks.
pub fn overlays(ui: &Ui, rect: Rect, image: Rect, model: &Model<'_>) {
    let painter = ui.painter_at(rect);
    let corner = rect.min + vec2(14.0, 12.0);
    let first = line(&painter, corner, &time_line(model));
    let second = line(&painter, corner + vec2(0.0, first.size().y + 1.0), &depth_line(model));
    let below = corner + vec2(0.0, first.size().y + second.size().y + 9.0);
    match model.shown {
        Shown::Exact => {}
        Shown::Nearest { t } => {
            let loading = format!("loading t {}…", format::integer(model.view.t as i64));
            let on_screen = if *t == model.view.t {
                "another plane on screen".to_owned()
            } else {
                format!("t {} on screen", format::integer(*t as i64))
            };
            tag(&painter, below, icons::HOURGLASS, &format!("{loading}  {on_screen}"), DARK.warn);
        }
        Shown::Preview => {
            let text = format!("preview, loading t {}…", format::integer(model.view.t as i64));
            tag(&painter, below, icons::HOURGLASS, &text, DARK.warn);
        }
        Shown::Nothing => {
            let text = format!("loading t {}…", format::integer(model.view.t as i64));
            tag(&painter, below, icons::HOURGLASS, &text, DARK.t2);
        }
        Shown::Missing(reason) => reason_box(&painter, rect, reason),
    }
    if let Some(text) = live_notice(model) {
        let is_free = matches!(model.shown, Shown::Exact | Shown::Missing(_));
        let at = if is_free { below } else { below + vec2(0.0, 28.0) };
        tag(&painter, at, icons::WARNING, &text, DARK.warn);
    }
    if model.view.color_bar {
        color_bar(&painter, rect, model);
    }
    scale_bar(&painter, rect, image, model);
}

/// What has happened to a watched recording and must not be overlooked.
fn live_notice(model: &Model<'_>) -> Option<String> {
    let live = model.live?;
    match live.state {
        LiveState::Live => {
            let newest = live.newest_t.filter(|_| model.view.follow)?;
            let on_screen = match model.shown {
                Shown::Nearest { t } => *t,
                _ => model.view.t,
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

/// The gradient with the values at its ends.
fn color_bar(painter: &Painter, rect: Rect, model: &Model<'_>) {
    let display = model.view.display(model.info);
    let height = (rect.height() * 0.3).clamp(60.0, 180.0);
    let corner = pos2(rect.right() - 62.0, rect.bottom() - 14.0);
    let bar = Rect::from_min_max(corner - vec2(10.0, height), corner);
    painter.rect_filled(bar.expand(1.0), 0.0, Color32::from_black_alpha(200));
    gradient(painter, bar, display.colormap, display.invert, true);
    for (limit, y) in [(display.limits[0], bar.bottom() - 6.0), (display.limits[1], bar.top() + 6.0)] {
        let text = format::value(f64::from(limit));
        let galley = painter.layout_no_wrap(text, font(11.0, Weight::Regular), ON_CANVAS);
        let pos = pos2(bar.left() - 6.0 - galley.size().x, y - galley.size().y / 2.0);
        painter.galley_with_override_text_color(pos + vec2(0.0, 1.0), galley.clone(), Color32::from_black_alpha(220));
        painter.galley(pos, galley, ON_CANVAS);
    }
}

/// "t 114 · 22.8 s".
fn time_line(model: &Model<'_>) -> String {
    let t = model.view.t;
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
    let mut text = match view.picture(model.info) {
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

fn line(painter: &Painter, pos: Pos2, text: &str) -> Arc<Galley> {
    let galley = painter.layout_no_wrap(text.to_owned(), font(12.0, Weight::Regular), ON_CANVAS);
    painter.galley_with_override_text_color(pos + vec2(0.0, 1.0), galley.clone(), Color32::from_black_alpha(220));
    painter.galley(pos, galley.clone(), ON_CANVAS);
    galley
}

/// A small mark with a shape, on a dark ground: readable on any picture.
fn tag(painter: &Painter, pos: Pos2, icon: &str, text: &str, color: Color32) {
    let galley = painter.layout_no_wrap(text.to_owned(), font(12.0, Weight::Medium), color);
    let rect = Rect::from_min_size(pos - vec2(6.0, 0.0), galley.size() + vec2(34.0, 8.0));
    painter.rect_filled(rect, 4.0, Color32::from_black_alpha(190));
    let icon_at = rect.left_center() + vec2(14.0, 0.0);
    painter.text(icon_at, Align2::CENTER_CENTER, icon, super::super::theme::icon_font(13.0), color);
    painter.galley(rect.min + vec2(25.0, 4.0), galley, color);
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
fn scale_bar(painter: &Painter, rect: Rect, image: Rect, model: &Model<'_>) {
    let orientation = model.view.orientation;
    let [columns, _] = image_size(model.info, orientation);
    let is_known = model.info.voxel_size.is_some();
    let [edge, _] = voxel_edges(model.info, orientation);
    let points_per_unit = f64::from(image.width()) / (columns as f64 * edge);
    if !(points_per_unit.is_finite() && points_per_unit > 0.0) {
        return;
    }
    let length = format::round_length((f64::from(rect.width()) / 6.0).min(160.0) / points_per_unit);
    let width = (length * points_per_unit) as f32;
    let (number, unit) = if is_known { format::length(length) } else { (format::length_um(length), "px") };
    let left = rect.left() + 14.0;
    let bottom = rect.bottom() - 14.0;
    let bar = Rect::from_min_size(pos2(left, bottom - 23.0), vec2(width, 3.0));
    painter.rect_filled(bar.expand(1.0), 0.0, Color32::from_black_alpha(160));
    painter.rect_filled(bar, 0.0, Color32::WHITE);
    line(painter, pos2(left, bottom - 15.0), &format!("{number} {unit}"));
}
