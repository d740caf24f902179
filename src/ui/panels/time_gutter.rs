//! Left of the rows: what the map shows, its colours and its planes, and the names of the other rows.

use egui::accesskit::Role;
use egui::{Align2, Popup, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::heat::Kept;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{focus_ring, hint, menu_row, rounded_gradient, text, text_width};
use super::super::{Command, MapMeasure, Model, Quality, format, icons};
use super::time_area::Rows;
use super::time_marks;
use crate::volume::{Axis, Colormap};

/// Between two words of a line.
const GAP: f32 = 6.0;

/// Draws the gutter, and asks for another measure of the map.
pub fn gutter_ui(ui: &mut Ui, rows: &Rows, model: &Model<'_>, kept: &Kept, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let left = rows.area.left() + 16.0;
    // Level with the strip, as far as the row below leaves room.
    let strip_at = pos2(left, rows.strip.top() - if rows.is_folded() { 3.0 } else { 0.0 });
    if !(rows.is_folded() && model.quality.is_some()) {
        let painter = ui.painter_at(rows.area);
        text(&painter, strip_at, Align2::LEFT_CENTER, "In memory", font(10.5, Weight::Regular), tokens.t3);
    }
    match &model.quality {
        Some(quality) => {
            measure_ui(ui, rows, model, commands);
            paint_colors(ui, rows, model, kept);
            paint_place(ui, rows, model, quality, kept);
        }
        None => {
            let at = pos2(left, rows.map.top() + 7.0);
            text(ui.painter(), at, Align2::LEFT_CENTER, "Stored", font(12.0, Weight::Medium), tokens.t1);
        }
    }
    let has_rows = model.pieces.iter().any(|piece| piece.axis == Some(Axis::Z));
    let num_z = model.info.shape[1];
    if (has_rows || model.quality.is_some()) && num_z > 1 {
        paint_planes(ui, rows, model, has_rows && model.quality.is_none());
    }
}

/// What the map shows, to choose.
fn measure_ui(ui: &mut Ui, rows: &Rows, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let measure = model.state.panels.map_measure;
    let name_font = font(12.0, Weight::Medium);
    let left = rows.area.left() + 16.0;
    let width = text_width(ui, measure.label(), name_font.clone()) + 18.0;
    let rect = Rect::from_min_size(pos2(left - 4.0, rows.map.top() - 2.0), vec2(width + 6.0, 18.0));
    let response = ui.interact(rect, ui.make_persistent_id("map measure"), Sense::click());
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(measure.label().to_owned()),
        ..WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), "Measure of the map")
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, tokens.bg3);
    }
    let at = pos2(left, rect.center().y);
    text(ui.painter(), at, Align2::LEFT_CENTER, measure.label(), name_font, tokens.t1);
    let caret = pos2(rect.right() - 9.0, rect.center().y);
    text(ui.painter(), caret, Align2::CENTER_CENTER, icons::CARET_DOWN, icon_font(10.0), tokens.t3);
    focus_ring(ui, &response, 4.0);
    Popup::menu(&response).gap(4.0).width(150.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for other in MapMeasure::ALL {
            if menu_row(ui, other.label(), other == measure) {
                if other != measure {
                    commands.push(Command::SetMapMeasure(other));
                }
                ui.close();
            }
        }
    });
    hint(response, "What the map shows of every plane", "");
}

/// The colours, and the values of the first and the last.
fn paint_colors(ui: &Ui, rows: &Rows, model: &Model<'_>, kept: &Kept) {
    if rows.is_folded() {
        return;
    }
    let tokens = Tokens::get(ui);
    let left = rows.area.left() + 16.0;
    let bar = Rect::from_min_size(pos2(left, rows.map.top() + 24.0), vec2(64.0, 5.0));
    rounded_gradient(ui.painter(), bar, 1.0, Colormap::Viridis);
    let Some(range) = kept.colors() else { return };
    let unit = model.state.panels.map_measure.unit();
    let number = |value: f32| format::value(f64::from(significant(value)));
    let y = bar.bottom() + 9.0;
    let font = font(11.0, Weight::Regular);
    let low = number(range[0]);
    let high = if unit.is_empty() { number(range[1]) } else { format!("{}\u{2009}{unit}", number(range[1])) };
    let num_points = [&low, &high].map(|words| text_width(ui, words, font.clone()));
    text(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, &low, font.clone(), tokens.t3);
    if num_points[0] + GAP + num_points[1] <= bar.width() {
        text(ui.painter(), pos2(bar.right(), y), Align2::RIGHT_CENTER, &high, font, tokens.t3);
    } else {
        let below = pos2(left, y + 13.0);
        text(ui.painter(), below, Align2::LEFT_CENTER, &format!("to {high}"), font, tokens.t3);
    }
}

/// To three digits: a bar of colours tells no more.
fn significant(value: f32) -> f32 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powi(value.abs().log10().floor() as i32 - 2);
    ((f64::from(value) / unit).round() * unit) as f32
}

/// "z 12 · 159": the plane of the view, and what was measured of it at the timepoint shown.
fn paint_place(ui: &Ui, rows: &Rows, model: &Model<'_>, quality: &Quality<'_>, kept: &Kept) {
    let tokens = Tokens::get(ui);
    let cursor = model.state.cursor;
    let measured = quality.snapshot.table.plane(cursor.t, cursor.z).zip(kept.baseline());
    let value =
        measured.map(|(plane, baseline)| f64::from(model.state.panels.map_measure.value(plane, cursor.z, baseline)));
    let value = value.filter(|value| value.is_finite());
    // No more digits than there is room for.
    let number = value.map_or_else(|| "–".to_owned(), |value| format::value(f64::from(significant(value as f32))));
    let at = pos2(rows.area.left() + 16.0, rows.map.bottom() - 5.0);
    let font = font(11.0, Weight::Regular);
    // The number of the last plane stands at the end of the same line.
    let last = format::integer(model.info.shape[1].saturating_sub(1) as i64);
    let end = rows.map.left() - 8.0 - text_width(ui, &last, font.clone()) - GAP;
    let words = format!("z {} · {number}", format::integer(cursor.z as i64));
    let fits = |words: &String| at.x + text_width(ui, words, font.clone()) <= end;
    if let Some(words) = [words, number].into_iter().find(fits) {
        text(ui.painter(), at, Align2::LEFT_CENTER, &words, font, tokens.t3);
    }
}

/// The first and the last plane; marks of what is wrong with planes that are files of their own.
fn paint_planes(ui: &Ui, rows: &Rows, model: &Model<'_>, is_captioned: bool) {
    let tokens = Tokens::get(ui);
    let num_z = model.info.shape[1];
    let right = rows.map.left() - if model.quality.is_some() { 8.0 } else { 14.0 };
    for (y, z) in [(rows.map.top() + 6.0, 0), (rows.map.bottom() - 5.0, num_z - 1)] {
        let number = format::integer(z as i64);
        text(ui.painter(), pos2(right, y), Align2::RIGHT_CENTER, &number, font(11.0, Weight::Regular), tokens.t3);
    }
    if is_captioned {
        let caption = pos2(rows.area.left() + 16.0, rows.map.top() + 24.0);
        text(ui.painter(), caption, Align2::LEFT_CENTER, "by plane", font(11.0, Weight::Regular), tokens.t3);
    }
    let height = rows.map.height();
    let found = time_marks::of_problems(model.problems, Axis::Z);
    let marks = time_marks::marks(found, |z| (z / num_z as f64) as f32 * height, height);
    time_marks::paint_beside(ui, rows.map, &marks);
}
