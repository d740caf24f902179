//! What is said of the chosen array in the sheet: its axes, its voxels, its rate, and how its planes look then.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, filled_icon_font, font};
use super::super::widgets::{Amount, choice, choice_width, focus_ring, segmented, segmented_width, text};
use super::super::{Command, Draft, Level, Sheet, SheetCommand, Thumbnail, format, icons};
use super::axes::{no_picture_ui, picture, radio, say};
use super::axis_fields::axis_fields;
use crate::volume::{Axis, AxisFrom};

/// Where the fields begin.
pub(super) const LABEL: f32 = 68.0;
const ROW: f32 = 32.0;
const PICTURE: f32 = 112.0;
const GAP: f32 = 14.0;

/// What is said, the pictures at its right.
pub fn said_ui(ui: &mut Ui, sheet: &Sheet<'_>, commands: &mut Vec<Command>) {
    let width = ui.available_width();
    let num_rows = 2.0 + if sheet.draft.is_some_and(|draft| draft.levels.len() > 1) { 1.0 } else { 0.0 };
    let (area, _) = ui.allocate_exact_size(vec2(width, 90.0 + ROW * num_rows), Sense::hover());
    let pictures = 2.0 * PICTURE + GAP;
    let left = Rect::from_min_max(area.min, pos2(area.right() - pictures - 20.0, area.bottom()));
    let Some(draft) = sheet.draft else {
        let tokens = Tokens::get(ui);
        text(
            ui.painter(),
            area.min + vec2(0.0, 14.0),
            Align2::LEFT_CENTER,
            "Axes",
            font(13.0, Weight::Regular),
            tokens.t2,
        );
        let why = match &sheet.thumbnails[sheet.chosen] {
            Thumbnail::None(why) => format!("It cannot be opened: {why}"),
            _ => "Looking into it…".to_owned(),
        };
        paragraph(ui, Rect::from_min_max(area.min + vec2(LABEL, 6.0), left.max), &why, tokens.t2);
        return;
    };
    label(ui, pos2(area.left(), area.top() + 14.0), "Axes");
    axis_fields(
        ui,
        Rect::from_min_max(area.min + vec2(LABEL, 0.0), pos2(left.right(), area.top() + 48.0)),
        draft,
        commands,
    );
    let (words, is_wrong) = advice(draft);
    let color = if is_wrong { Tokens::get(ui).bad_text } else { Tokens::get(ui).t2 };
    let room = Rect::from_min_max(area.min + vec2(LABEL, 52.0), pos2(left.right(), area.top() + 86.0));
    paragraph(ui, room, &words, color);
    let row = |index: usize| {
        Rect::from_min_size(pos2(area.left(), area.top() + 88.0 + ROW * index as f32), vec2(left.width(), ROW))
    };
    // What the file lacks is what is asked for.
    let is_new = is_first_of(ui, sheet);
    let lacks_rate = draft.rate_hz.is_none() && draft.axis_of(Axis::T).is_some_and(|t| draft.dims[t] > 1);
    voxel_row(ui, row(0), draft, is_new && !lacks_rate && draft.voxel().is_none(), commands);
    rate_row(ui, row(1), draft, is_new && lacks_rate, commands);
    if draft.levels.len() > 1 {
        level_row(ui, row(2), draft, commands);
    }
    let pictures = Rect::from_min_size(pos2(area.right() - pictures, area.top()), vec2(pictures, area.height()));
    pictures_ui(ui, pictures, sheet, draft, commands);
}

/// Whether this array is on the sheet for the first time.
fn is_first_of(ui: &Ui, sheet: &Sheet<'_>) -> bool {
    let id = egui::Id::unique("array last said");
    let now = (sheet.file.to_owned(), sheet.chosen, ui.ctx().cumulative_pass_nr());
    let last = ui.data(|data| data.get_temp::<(String, usize, u64)>(id));
    ui.data_mut(|data| data.insert_temp(id, now.clone()));
    last.is_none_or(|last| (&last.0, last.1) != (&now.0, now.1) || now.2 > last.2 + 1)
}

fn label(ui: &Ui, at: egui::Pos2, words: &str) {
    text(ui.painter(), at, Align2::LEFT_CENTER, words, font(13.0, Weight::Regular), Tokens::get(ui).t2);
}

fn paragraph(ui: &Ui, area: Rect, words: &str, color: egui::Color32) {
    let galley = ui.painter().layout(words.to_owned(), font(12.0, Weight::Regular), color, area.width());
    ui.painter_at(area).galley(area.min, galley, color);
}

/// What to look at, and whether it cannot be opened like this.
fn advice(draft: &Draft) -> (String, bool) {
    if let Some(fault) = draft.fault() {
        return (fault, true);
    }
    let all_twins =
        |from: fn(AxisFrom) -> bool| draft.twins().is_some_and(|twins| twins.iter().all(|i| from(draft.from[*i])));
    let words = match (all_twins(|from| from.is_guess), draft.from.iter().position(|from| from.is_guess)) {
        (true, _) => "The file does not say which of the two is x: compare the pictures and choose the upright one.",
        (false, None) if all_twins(|from| from == AxisFrom::FORMAT) => {
            "The format says which of the two is x. A writer may not have kept to it: choose the upright picture."
        }
        (false, Some(_)) => "The file does not say what the marked axis is: change it here if it is not so.",
        (false, None) => "Drag a letter onto another axis, type it, or choose it from the list.",
    };
    (words.to_owned(), false)
}

fn voxel_row(ui: &mut Ui, row: Rect, draft: &Draft, begins: bool, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    label(ui, row.left_center(), "Voxel");
    let mut x = row.left() + LABEL;
    let first_unknown = draft.voxel_um.iter().position(Option::is_none);
    for (axis, name) in ["Voxel z", "Voxel y", "Voxel x"].into_iter().enumerate() {
        let area = Rect::from_min_size(pos2(x, row.top() + 5.0), vec2(56.0, 22.0));
        let amount = Amount {
            name,
            value: draft.voxel_um[axis],
            hint: "Edge of a voxel in µm",
            begins: begins && first_unknown == Some(axis),
        };
        if let Some(um) = amount.show(ui, area) {
            say(commands, SheetCommand::SetEdge { axis, um });
        }
        x += 56.0;
        let sign = if axis < 2 { "×" } else { "µm, z y x" };
        let at = pos2(x + if axis < 2 { 10.0 } else { 8.0 }, row.center().y);
        let align = if axis < 2 { Align2::CENTER_CENTER } else { Align2::LEFT_CENTER };
        text(ui.painter(), at, align, sign, font(12.0, Weight::Regular), tokens.t3);
        x += 20.0;
    }
    let known = draft.file_voxel_um.map(|edges| edges.map(Some));
    let said = draft.voxel_um.iter().any(Option::is_some);
    origin(ui, row, known.is_some(), known == Some(draft.voxel_um), said);
}

fn rate_row(ui: &mut Ui, row: Rect, draft: &Draft, begins: bool, commands: &mut Vec<Command>) {
    let Some(t) = draft.axis_of(Axis::T) else { return };
    let tokens = Tokens::get(ui);
    label(ui, row.left_center(), "Rate");
    let area = Rect::from_min_size(pos2(row.left() + LABEL, row.top() + 5.0), vec2(56.0, 22.0));
    let amount = Amount { name: "Rate", value: draft.rate_hz, hint: "Volumes per second", begins };
    if let Some(rate) = amount.show(ui, area) {
        say(commands, SheetCommand::SetRate(rate));
    }
    let at = pos2(area.right() + 8.0, row.center().y);
    let unit = text(ui.painter(), at, Align2::LEFT_CENTER, "volumes / s", font(12.0, Weight::Regular), tokens.t3);
    if let Some(rate) = draft.rate_hz {
        let lasts = format!("= {}", format::duration_s(draft.dims[t] as f64 / rate));
        let at = pos2(unit.right() + 14.0, row.center().y);
        text(ui.painter(), at, Align2::LEFT_CENTER, &lasts, font(12.0, Weight::Regular), tokens.t2);
    }
    origin(ui, row, draft.file_rate_hz.is_some(), draft.rate_hz == draft.file_rate_hz, draft.rate_hz.is_some());
}

/// Where a fact is from, at the end of its row.
fn origin(ui: &Ui, row: Rect, is_in_file: bool, is_as_in_file: bool, is_said: bool) {
    let tokens = Tokens::get(ui);
    let (words, color) = match (is_in_file, is_as_in_file, is_said) {
        (true, true, _) => ("from the file", tokens.t3),
        (false, _, false) => ("not in the file", tokens.warn_text),
        _ => ("as you said", tokens.t2),
    };
    let right = row.right_center();
    let drawn = text(ui.painter(), right, Align2::RIGHT_CENTER, words, font(12.0, Weight::Regular), color);
    if !is_in_file && !is_said {
        let at = pos2(drawn.left() - 10.0, row.center().y);
        text(ui.painter(), at, Align2::CENTER_CENTER, icons::WARNING, filled_icon_font(11.0), color);
    }
}

/// The resolutions: the chosen one is opened as the finest, and from there on the zoom chooses.
fn level_row(ui: &mut Ui, row: Rect, draft: &Draft, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    label(ui, row.left_center(), "Level");
    let words: Vec<String> = draft.levels.iter().enumerate().map(|(i, level)| level_words(i, level, draft)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let note = if draft.level == 0 { "the zoom chooses" } else { "what is finer is not read" };
    let end =
        text(ui.painter(), row.right_center(), Align2::RIGHT_CENTER, note, font(12.0, Weight::Regular), tokens.t3);
    let room = end.left() - row.left() - LABEL - 12.0;
    let area = |width: f32| Rect::from_min_size(pos2(row.left() + LABEL, row.top() + 4.0), vec2(width, 24.0));
    let width = segmented_width(ui, &words);
    let why = "The finest resolution that is read; where the view needs no more, the zoom takes a coarser one";
    let chosen = if width <= room {
        let options: Vec<(&str, &str, &str)> = words.iter().map(|words| (*words, why, "")).collect();
        segmented(ui, area(width), &options, draft.level)
    } else {
        choice(ui, area(choice_width(ui, &words).min(room)), "Level", &words, draft.level, why, "")
    };
    if let Some(level) = chosen {
        say(commands, SheetCommand::SetLevel(level));
    }
}

/// "1  1 024²", "1  1 024 × 768".
fn level_words(index: usize, level: &Level, draft: &Draft) -> String {
    let Some([rows, columns]) = draft.plane().map(|plane| plane.map(|axis| level.dims.get(axis).copied().unwrap_or(0)))
    else {
        return index.to_string();
    };
    let number = |len: usize| format::integer(len as i64);
    match rows == columns {
        true => format!("{index}  {}²", number(rows)),
        false => format!("{index}  {} × {}", number(columns), number(rows)),
    }
}

/// How a plane of the middle looks: one picture, or two to choose from where nothing but the picture tells
/// rows from columns.
fn pictures_ui(ui: &mut Ui, area: Rect, sheet: &Sheet<'_>, draft: &Draft, commands: &mut Vec<Command>) {
    let Some(plane) = draft.plane() else { return };
    let Some(twins) = draft.twins() else {
        let square = Rect::from_min_max(
            pos2(area.right() - PICTURE * 1.4, area.top()),
            pos2(area.right(), area.top() + PICTURE * 1.4),
        );
        plane_ui(ui, square, sheet, plane, true);
        return;
    };
    let [one, other] = twins;
    // As the file had it first, so that the two keep their places.
    let is_rows_first = draft.first.get(one).is_none_or(|role| *role != super::super::AxisRole::Axis(Axis::X));
    let choices = if is_rows_first { [[one, other], [other, one]] } else { [[other, one], [one, other]] };
    for (index, axes) in choices.into_iter().enumerate() {
        let at = pos2(area.left() + (PICTURE + GAP) * index as f32, area.top());
        let square = Rect::from_min_size(at, vec2(PICTURE, PICTURE));
        let is_chosen = axes == plane;
        let name = if axes[0] < axes[1] { "y then x" } else { "x then y" };
        let whole = Rect::from_min_max(square.min, square.max + vec2(0.0, 26.0));
        let response = ui.interact(whole, ui.make_persistent_id(("plane", name)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, name));
        plane_ui(ui, square, sheet, axes, is_chosen);
        let tokens = Tokens::get(ui);
        let center = pos2(square.center().x, square.bottom() + 14.0);
        let color = if is_chosen { tokens.t1 } else { tokens.t2 };
        let words = text(
            ui.painter(),
            center + vec2(10.0, 0.0),
            Align2::CENTER_CENTER,
            name,
            font(12.0, Weight::Regular),
            color,
        );
        radio(ui.painter(), pos2(words.left() - 13.0, center.y), 7.0, is_chosen, tokens);
        focus_ring(ui, &response, 6.0);
        if response.clicked() && !is_chosen {
            say(commands, SheetCommand::SwapAxes(twins));
        }
    }
}

/// The plane with these axes as its rows and columns.
fn plane_ui(ui: &mut Ui, square: Rect, sheet: &Sheet<'_>, axes: [usize; 2], is_chosen: bool) {
    let tokens = Tokens::get(ui);
    ui.painter().rect_filled(square, 6.0, egui::Color32::BLACK);
    match sheet.plane {
        Thumbnail::Picture { texture, axes: read } => picture(ui.painter(), square, texture, *read != axes),
        Thumbnail::Waiting => {}
        Thumbnail::None(why) => no_picture_ui(ui, square, "No plane", why),
    }
    let (width, color) = if is_chosen { (2.0, tokens.accent) } else { (1.0, tokens.line) };
    ui.painter().rect_stroke(square, 6.0, Stroke::new(width, color), StrokeKind::Outside);
}
