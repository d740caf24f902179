//! The sheet's side of data: which part of what is shown, in which format, and where it goes.

use egui::{Align2, Key, Rect, Sense, Ui, Vec2, pos2, vec2};

use super::super::theme::{Tokens, Weight, filled_icon_font, font};
use super::super::widgets::{Button, Fill, Number, runs, segmented, segmented_width, text};
use super::super::{AppCommand, Command, DataFormat, DataOptions, Missing, Model, SessionCommand, What, format, icons};
use super::save::{LABEL, PREVIEW, Path, ROW, footer_button, path_field, refusal_ui};
use super::save_frame::preview_ui;
use crate::volume::Axis;

/// All of it below the heading.
pub fn save_data_ui(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    // Asked first: the Enter that ends the typing of a number means that number.
    let is_entered = ui.memory(|memory| memory.focused().is_none()) && ui.input(|input| input.key_pressed(Key::Enter));
    let (body, _) = ui.allocate_exact_size(vec2(ui.available_width(), PREVIEW + 44.0), Sense::hover());
    let preview = PREVIEW.min(body.width() * 0.4);
    preview_ui(ui, Rect::from_min_size(body.min, Vec2::splat(preview)), model, commands);
    let rows = Rect::from_min_max(body.min + vec2(preview + 28.0, 0.0), body.max);
    rows_ui(ui, rows, model, commands);
    ui.add_space(12.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    match path_field(ui, rect, "path to save data", &model.saving.data.path) {
        Some(Path::Browsed) => commands.push(Command::App(AppCommand::BrowseDataPath)),
        Some(Path::Typed(path)) => commands.push(Command::Session(SessionCommand::SetDataPath(path))),
        Some(Path::Entered) => save(model, commands),
        None => {}
    }
    ui.add_space(12.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    footer_ui(ui, rect, model, is_entered, commands);
}

fn set(commands: &mut Vec<Command>, model: &Model<'_>, change: impl FnOnce(&mut DataOptions)) {
    let mut data = model.state.data;
    change(&mut data);
    if data != model.state.data {
        commands.push(Command::SetData(data));
    }
}

fn rows_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let data = model.state.data;
    let label = |ui: &Ui, y: f32, words: &str| {
        let at = pos2(rect.left(), y);
        text(ui.painter(), at, Align2::LEFT_CENTER, words, font(13.0, Weight::Regular), Tokens::get(ui).t2);
    };
    let left = rect.left() + LABEL;
    let row = |top: f32, width: f32| Rect::from_min_size(pos2(left, top + 3.0), vec2(width, 26.0));
    let fitting = |ui: &Ui, labels: &[&str]| segmented_width(ui, labels).min(rect.right() - left);
    let mut top = rect.top();
    label(ui, top + ROW / 2.0, "What");
    let options = What::ALL.map(|(_, name, why)| (name, why, ""));
    let width = fitting(ui, &options.map(|option| option.0));
    let chosen = What::ALL.iter().position(|(what, ..)| *what == data.what).unwrap_or(0);
    if let Some(index) = segmented(ui, row(top, width), &options, chosen) {
        let ranges = data.ranges(model.state, model.layer_info);
        set(commands, model, |data| {
            data.what = What::ALL[index].0;
            // What was chosen before is where a selection begins.
            data.ranges = if data.what == What::Selection { Some(ranges) } else { data.ranges };
        });
    }
    top += ROW;
    label(ui, top + ROW / 2.0, "Ranges");
    top = ranges_ui(ui, pos2(left, top), model, commands) + 4.0;
    label(ui, top + ROW / 2.0, "Format");
    let formats = &model.saving.data.formats;
    let options: Vec<_> = formats.iter().map(|format| (format.label()[0], format.label()[1], "")).collect();
    let labels: Vec<&str> = options.iter().map(|option| option.0).collect();
    let chosen = formats.iter().position(|format| *format == data.format).unwrap_or(usize::MAX);
    if let Some(index) = segmented(ui, row(top, fitting(ui, &labels)), &options, chosen) {
        let format: DataFormat = formats[index];
        set(commands, model, |data| data.format = format);
    }
    top += ROW;
    label(ui, top + ROW / 2.0, "Missing");
    missing_ui(ui, row(top, rect.right() - left), model, commands);
    top += ROW;
    label(ui, top + ROW / 2.0, "Result");
    result_ui(ui, row(top, rect.right() - left), model);
    top += ROW;
    missing_told_ui(ui, row(top, rect.right() - left), model);
}

/// First and last index along each axis there is; returns where they end.
fn ranges_ui(ui: &mut Ui, corner: egui::Pos2, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let tokens = Tokens::get(ui);
    let info = model.layer_info;
    let ranges = model.state.data.ranges(model.state, info);
    let mut top = corner.y + 3.0;
    for axis in Axis::ALL.into_iter().filter(|axis| info.has_axis[axis.index()]) {
        let (index, len) = (axis.index(), info.shape[axis.index()]);
        let [start, stop] = ranges[index];
        let y = top + 12.0;
        let letter = axis.to_string();
        text(ui.painter(), pos2(corner.x, y), Align2::LEFT_CENTER, &letter, font(13.0, Weight::Regular), tokens.t2);
        let field = |left: f32| Rect::from_min_size(pos2(corner.x + left, top + 1.0), vec2(72.0, 22.0));
        let number = |name: &'static str, value: usize| Number {
            name,
            value: value as f64,
            range: [0.0, len.saturating_sub(1) as f64],
            decimals: Some(0),
            step: (len as f64 / 400.0).max(0.25),
            unit: "",
            hint: "First and last that are saved: drag or type",
            key: "",
        };
        const NAMES: [[&str; 2]; 4] =
            [["First t", "Last t"], ["First z", "Last z"], ["First y", "Last y"], ["First x", "Last x"]];
        let first = number(NAMES[index][0], start).show(ui, field(26.0)).map(|value| [value as usize, stop - 1]);
        let dash = pos2(corner.x + 109.0, y);
        text(ui.painter(), dash, Align2::CENTER_CENTER, "–", font(13.0, Weight::Regular), tokens.t3);
        let last = number(NAMES[index][1], stop - 1).show(ui, field(120.0)).map(|value| [start, value as usize]);
        if let Some([a, b]) = first.or(last) {
            set(commands, model, |data| {
                let mut ranges = ranges;
                // Typed the wrong way round, the ends change places.
                ranges[index] = [a.min(b), a.max(b) + 1];
                (data.what, data.ranges) = (What::Selection, Some(ranges));
            });
        }
        let of = format!("of {}", format::integer(len as i64));
        let at = pos2(corner.x + 204.0, y);
        text(ui.painter(), at, Align2::LEFT_CENTER, &of, font(13.0, Weight::Regular), tokens.t3);
        top += 26.0;
    }
    top
}

/// What becomes of voxels that are missing.
fn missing_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    const WHY: [(&str, &str, &str); 3] = [
        ("Refuse", "Nothing is saved where voxels are missing or damaged", ""),
        ("Fill with", "A value in place of voxels that are missing or damaged", ""),
        ("Leave out", "Timepoints that are known to be missing or damaged are not saved; the others move up", ""),
    ];
    let missing = model.state.data.missing;
    let choices = [Missing::Refuse, Missing::Fill(0.0), Missing::LeaveOut];
    let chosen = choices.iter().position(|choice| std::mem::discriminant(choice) == std::mem::discriminant(&missing));
    let width = segmented_width(ui, &WHY.map(|(label, ..)| label)).min(rect.width());
    let area = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    if let Some(index) = segmented(ui, area, &WHY, chosen.unwrap_or(0)).filter(|index| Some(*index) != chosen) {
        set(commands, model, |data| data.missing = choices[index]);
    }
    let Missing::Fill(value) = missing else { return };
    let number = Number {
        name: "Fill value",
        value,
        range: [-1e15, 1e15],
        decimals: None,
        step: 1.0,
        unit: "",
        hint: WHY[1].1,
        key: "",
    };
    let field = Rect::from_min_size(pos2(area.right() + 8.0, rect.top() + 2.0), vec2(72.0, 22.0));
    if let Some(value) = number.show(ui, field) {
        set(commands, model, |data| data.missing = Missing::Fill(value));
    }
}

/// What of it is missing, and what becomes of that.
fn missing_told_ui(ui: &mut Ui, place: Rect, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let Some(missing) = &model.saving.data.missing else { return };
    ui.painter().rect_filled(place, 4.0, tokens.warn.gamma_multiply(0.1));
    let at = place.left_center() + vec2(12.0, 0.0);
    text(ui.painter(), at, Align2::CENTER_CENTER, icons::WARNING, filled_icon_font(12.0), tokens.warn_text);
    let galley = runs(ui.painter(), 12.0, place.width() - 32.0, &[(missing, Weight::Regular, tokens.warn_text)]);
    let at = pos2(place.left() + 24.0, place.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, tokens.warn_text);
    let response = ui.interact(place, ui.make_persistent_id("missing data"), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Alert, true, missing));
    response.on_hover_text(missing);
}

/// Shape, axes and type of what would be written.
fn result_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let Some(result) = &model.saving.data.result else { return };
    let dims: Vec<String> = result.dims.iter().map(|dim| format::integer(*dim as i64)).collect();
    let dims = dims.join(" × ");
    let letters: String = result.axes.chars().map(|letter| format!("{letter} ")).collect();
    let how = match model.computed() {
        Some(words) => format!("{}, computed: {words}", result.dtype),
        None => format!("{}, as recorded", result.dtype),
    };
    let of = model.layer_name().map_or(String::new(), |name| format!(", {name}"));
    let parts = [
        (dims.as_str(), Weight::Medium, tokens.t1),
        (&format!("  {letters}   "), Weight::Regular, tokens.t3),
        (&format!("{how}{of}"), Weight::Regular, tokens.t2),
    ];
    let galley = runs(ui.painter(), 13.0, rect.width(), &parts);
    let is_cut = galley.elided;
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.t1);
    let words = format!("{dims} {letters}{how}{of}");
    let response = ui.interact(rect, ui.make_persistent_id("result"), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Status, true, format!("Result: {words}")));
    if is_cut {
        response.on_hover_text(words);
    }
}

/// Whether all is said and allowed.
fn is_possible(model: &Model<'_>) -> bool {
    let data = &model.saving.data;
    data.is_ready && data.refusal.is_none() && data.running.is_none()
}

fn save(model: &Model<'_>, commands: &mut Vec<Command>) {
    if is_possible(model) {
        commands.extend([Command::Session(SessionCommand::SaveData), Command::CloseOverlay]);
    }
}

fn footer_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, is_entered: bool, commands: &mut Vec<Command>) {
    let data = &model.saving.data;
    let mut right = rect.right();
    let primary = Button {
        text: if data.replaces.is_some() { "Replace data" } else { "Save data" },
        icon: icons::FLOPPY_DISK,
        fill: Fill::Accent,
        hint: "Write it, behind everything else",
        key: "Enter",
        ..Button::default()
    };
    if footer_button(ui, rect, &mut right, &primary, is_possible(model)) || is_entered {
        save(model, commands);
    }
    let cancel = Button { text: "Cancel", hint: "Close without saving", key: "Esc", ..Button::default() };
    if footer_button(ui, rect, &mut right, &cancel, true) {
        commands.push(Command::CloseOverlay);
    }
    facts_ui(ui, Rect::from_min_max(rect.min + vec2(72.0, 0.0), pos2(right, rect.bottom())), model);
}

/// Size, time, room, what is replaced; or why it cannot be.
fn facts_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let data = &model.saving.data;
    let refusal = match &data.running {
        Some(_) => Some("other data are being written".to_owned()),
        None => data.refusal.clone(),
    };
    if let Some(refusal) = refusal {
        refusal_ui(ui, Rect::from_min_max(rect.min - vec2(72.0, 0.0), rect.max), &refusal);
        return;
    }
    let size = data.result.as_ref().map_or_else(|| "–".to_owned(), |result| format::size(result.num_bytes));
    let is_packed = !matches!(model.state.data.format, DataFormat::Npy | DataFormat::Tiff);
    let before = if is_packed { " before compression" } else { "" };
    let seconds = data.result.as_ref().and_then(|result| result.seconds);
    let time = seconds.map(|seconds| format!("   about {}", format::duration_s(seconds.max(1.0)))).unwrap_or_default();
    let free = data.free_bytes.map(|bytes| format!("   {} free", format::size(bytes))).unwrap_or_default();
    let replaces = data.replaces.as_ref().map(|when| format!("   replaces that of {when}")).unwrap_or_default();
    let parts = [
        (size.as_str(), Weight::Medium, tokens.t1),
        (before, Weight::Regular, tokens.t3),
        (time.as_str(), Weight::Regular, tokens.t2),
        (free.as_str(), Weight::Regular, tokens.t2),
        (replaces.as_str(), Weight::Regular, tokens.warn_text),
    ];
    let galley = runs(ui.painter(), 12.0, rect.width(), &parts);
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.t1);
    let words = format!("{size}{before}{time}{free}{replaces}");
    let response = ui.interact(rect, ui.make_persistent_id("size and time"), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Status, true, &words));
    response.on_hover_text("The time is that of reading: a part of it was read just now. A slow disk takes longer");
}
