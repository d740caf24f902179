//! Text laid out by hand: runs of several colours in one line, rows of label and value, headings.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::super::{icons, theme};
use super::focus_ring;
use theme::{Tokens, Weight, font};

/// A piece of a line: text, weight, colour.
pub type Run<'a> = (&'a str, Weight, Color32);

/// Draws one line and returns where it lies.
pub fn text(painter: &Painter, pos: Pos2, align: Align2, text: &str, font: FontId, color: Color32) -> Rect {
    painter.text(pos, align, text, font, color)
}

/// Width of a line in points.
pub fn text_width(ui: &Ui, text: &str, font: FontId) -> f32 {
    ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x
}

/// Lays out a line of several runs, cut with an ellipsis at `max_width`.
pub fn runs(painter: &Painter, size: f32, max_width: f32, runs: &[Run<'_>]) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for (text, weight, color) in runs {
        job.append(text, 0.0, TextFormat { font_id: font(size, *weight), color: *color, ..TextFormat::default() });
    }
    job.wrap.max_rows = 1;
    job.wrap.max_width = max_width;
    job.wrap.break_anywhere = true;
    painter.layout_job(job)
}

/// A line cut in its middle, where names of recordings differ least, to fit into `width`.
pub fn elided(ui: &Ui, text: &str, font: FontId, width: f32) -> String {
    if text_width(ui, text, font.clone()) <= width {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| -> String {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
    };
    let (mut fits, mut too_many) = (0, letters.len());
    while too_many - fits > 1 {
        let middle = (fits + too_many) / 2;
        if text_width(ui, &cut(middle), font.clone()) <= width {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    cut(fits)
}

const KEYCAP_HEIGHT: f32 = 15.0;

/// Width of a key's letter in its quiet frame.
pub fn keycap_width(ui: &Ui, key: &str) -> f32 {
    (text_width(ui, key, font(10.0, Weight::Regular)) + 8.0).max(KEYCAP_HEIGHT)
}

/// A key's letter in a quiet frame, centred at `center`. `ground` fills it, where it is not to be seen through.
pub fn keycap(ui: &Ui, center: Pos2, key: &str, ground: Option<Color32>, color: Color32) {
    let rect = Rect::from_center_size(center, vec2(keycap_width(ui, key), KEYCAP_HEIGHT));
    let stroke = match ground {
        Some(_) => Stroke::new(1.0, Tokens::get(ui).line),
        None => Stroke::new(1.0, color.gamma_multiply(0.4)),
    };
    ui.painter().rect(rect, 3.0, ground.unwrap_or(Color32::TRANSPARENT), stroke, StrokeKind::Inside);
    text(ui.painter(), rect.center(), Align2::CENTER_CENTER, key, font(10.0, Weight::Regular), color);
}

/// A row of a label on the left and a value on the right, the value cut if it must be.
pub fn label_row(ui: &mut Ui, rect: Rect, label: &str, value: &str) -> Response {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(rect);
    let left = text(&painter, rect.left_center(), Align2::LEFT_CENTER, label, font(13.0, Weight::Regular), tokens.t2);
    let room = (rect.right() - left.right() - 12.0).max(24.0);
    // A name or a path is cut in its middle, a sentence at its end.
    let is_name = !value.contains(' ');
    let shown = if is_name { elided(ui, value, font(13.0, Weight::Medium), room) } else { value.to_owned() };
    let galley =
        runs(&painter, 13.0, if is_name { f32::INFINITY } else { room }, &[(&shown, Weight::Medium, tokens.t1)]);
    let is_cut = galley.elided || shown != value;
    let pos = pos2(rect.right() - galley.size().x, rect.center().y - galley.size().y / 2.0);
    painter.galley(pos, galley, tokens.t1);
    let response = ui.interact(rect, ui.make_persistent_id(("row", label, value)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, format!("{label}: {value}")));
    if is_cut { response.on_hover_text(value) } else { response }
}

/// A heading in small capitals that folds what is below it. Returns whether it was pressed.
pub fn section_header(ui: &mut Ui, rect: Rect, label: &str, is_folded: bool) -> bool {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id(("section", label)), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(egui::accesskit::Role::DisclosureTriangle, true, !is_folded, format!("{label} section"))
    });
    let color = if response.hovered() { tokens.t1 } else { tokens.t3 };
    let format = TextFormat {
        font_id: font(11.0, Weight::SemiBold),
        extra_letter_spacing: 0.44,
        color,
        ..TextFormat::default()
    };
    let galley = ui.painter().layout_job(LayoutJob::single_section(label.to_uppercase(), format));
    let size = galley.size();
    ui.painter().galley(pos2(rect.left(), rect.center().y - size.y / 2.0), galley, color);
    let icon = if is_folded { icons::CARET_RIGHT } else { icons::CARET_DOWN };
    let at = pos2(rect.left() + size.x + 12.0, rect.center().y);
    ui.painter().text(at, Align2::CENTER_CENTER, icon, theme::icon_font(11.0), color);
    focus_ring(ui, &response, 2.0);
    response.clicked()
}
