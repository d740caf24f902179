//! The sheet that saves or copies the picture: its options, what comes of them, and where it goes.

use std::path::PathBuf;

use egui::{Align2, Frame, Id, Key, Margin, Rect, Sense, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::super::screens::typed_location;
use super::super::still::MAX_SCALE;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{Button, Fill, check, choice, runs, segmented, segmented_width, text, text_width};
use super::super::{
    AppCommand, Command, DataOptions, Extent, Mode, Model, Overlay, SaveKind, SessionCommand, StillFrame, StillOptions,
    format, icons, overlay,
};
use crate::volume::Location;

const WIDTH: f32 = 740.0;
/// Height and width of the preview.
pub(super) const PREVIEW: f32 = 256.0;
/// Width of the labels of the rows.
pub(super) const LABEL: f32 = 84.0;
/// Height of a row.
pub(super) const ROW: f32 = 32.0;

/// The sheet. `canvas` is the size of the canvas in points.
pub fn save_ui(ui: &mut Ui, canvas: Vec2, model: &Model<'_>, commands: &mut Vec<Command>) {
    let frame = StillFrame::new(model.state, model.info, canvas, ui.ctx().pixels_per_point());
    overlay::dialog(ui, Overlay::Save, "Save", WIDTH, commands, |ui, commands| {
        kinds_ui(ui, model, commands);
        if model.state.data.kind == SaveKind::Data {
            super::save_data::save_data_ui(ui, model, commands);
            return;
        }
        let (body, _) = ui.allocate_exact_size(vec2(ui.available_width(), PREVIEW + 44.0), Sense::hover());
        let preview = PREVIEW.min(body.width() * 0.4);
        preview_ui(ui, Rect::from_min_size(body.min, Vec2::splat(preview)), model, &frame);
        let rows = Rect::from_min_max(body.min + vec2(preview + 28.0, 0.0), body.max);
        options_ui(ui, rows, model, &frame, commands);
        ui.add_space(12.0);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
        path_ui(ui, rect, model, commands);
        ui.add_space(12.0);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
        footer_ui(ui, rect, model, commands);
    });
}

/// Which kind of thing is saved, in the middle of the heading.
fn kinds_ui(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let options =
        [("Picture", "What is seen, with its marks, as .png", ""), ("Data", "Voxels, as recorded or computed", "")];
    let width = segmented_width(ui, &options.map(|option| option.0)) + 16.0;
    let heading = ui.max_rect().center_top() + vec2(0.0, 12.0);
    let rect = Rect::from_center_size(heading, vec2(width, 26.0));
    let kinds = [SaveKind::Picture, SaveKind::Data];
    let chosen = kinds.iter().position(|kind| *kind == model.state.data.kind).unwrap_or(0);
    if let Some(index) = segmented(ui, rect, &options, chosen) {
        commands.push(Command::SetData(DataOptions { kind: kinds[index], ..model.state.data }));
    }
}

fn preview_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, frame: &StillFrame) {
    let tokens = Tokens::get(ui);
    let painter = ui.painter_at(rect.expand2(vec2(0.0, 60.0)));
    painter.rect_filled(rect, 6.0, tokens.bg0);
    let response = ui.interact(rect, ui.make_persistent_id("save preview"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Image, true, "Preview"));
    match &model.saving.preview {
        Some(texture) => {
            let size = texture.size_vec2();
            let fit = size * (rect.width() / size.x).min(rect.height() / size.y);
            let area = Rect::from_center_size(rect.center(), fit);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), area, whole, egui::Color32::WHITE);
        }
        None => {
            let words = model.saving.refusal.as_deref().unwrap_or("Drawing…");
            let galley = painter.layout(words.to_owned(), font(12.0, Weight::Regular), tokens.t2, rect.width() - 32.0);
            painter.galley(rect.center() - galley.size() / 2.0, galley, tokens.t2);
        }
    }
    painter.rect_stroke(rect, 6.0, egui::Stroke::new(1.0, tokens.line), StrokeKind::Inside);
    let [width, height] = frame.size_px.map(format::integer);
    let size = format!("{width} × {height}");
    let line = [(size.as_str(), Weight::Medium, tokens.t1), (" px, as it will be saved.", Weight::Regular, tokens.t2)];
    let galley = runs(&painter, 12.0, rect.width(), &line);
    painter.galley(rect.left_bottom() + vec2(0.0, 10.0), galley, tokens.t2);
}

/// One of the marks that are drawn in by choice.
type Field = fn(&mut StillOptions) -> &mut bool;

fn options_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, frame: &StillFrame, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let old = model.state.still;
    let mut still = old;
    let label = |ui: &Ui, row: usize, words: &str| {
        let at = pos2(rect.left(), rect.top() + ROW * (row as f32 + 0.5));
        text(ui.painter(), at, Align2::LEFT_CENTER, words, font(13.0, Weight::Regular), tokens.t2);
    };
    let left = rect.left() + LABEL;
    let at = |row: usize, width: f32| {
        Rect::from_min_size(pos2(left, rect.top() + ROW * row as f32 + 3.0), vec2(width, 26.0))
    };
    label(ui, 0, "Show");
    let whole = match model.view.mode {
        Mode::Plane => "Whole plane",
        Mode::Projection => "Whole projection",
    };
    let extents = [
        ("As on screen", "What the window shows, zoomed and moved as it is", ""),
        (whole, "All of it, in its true proportions", ""),
        ("Voxels 1 : 1", "Every voxel one pixel, nothing blended", ""),
    ];
    let width = segmented_width(ui, &extents.map(|extent| extent.0)).min(rect.right() - left);
    let chosen = Extent::ALL.iter().position(|extent| *extent == old.extent).unwrap_or(0);
    if let Some(index) = segmented(ui, at(0, width), &extents, chosen) {
        still.extent = Extent::ALL[index];
    }
    label(ui, 1, "Size");
    let [width, height] = frame.size_px.map(format::integer);
    let size = format!("{width} × {height}");
    let parts = [(size.as_str(), Weight::Regular, tokens.t1), ("  px", Weight::Regular, tokens.t3)];
    let galley = runs(ui.painter(), 13.0, 200.0, &parts);
    ui.painter().galley(pos2(left, at(1, 0.0).center().y - galley.size().y / 2.0), galley, tokens.t1);
    if old.extent != Extent::Voxels {
        let names: Vec<String> = (1..=MAX_SCALE).map(|scale| format!("{scale} ×")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let area = at(1, 64.0).translate(vec2(180.0, 0.0));
        let why = "Pixels for each voxel, or for each pixel of the screen";
        if let Some(index) = choice(ui, area, "Scale", &names, old.scale.clamp(1, MAX_SCALE) - 1, why, "") {
            still.scale = index + 1;
        }
    }
    label(ui, 2, "Draw in");
    let boxes: [(&str, Field, &str); 5] = [
        ("Scale bar", |still| &mut still.scale_bar, "A bar of a round length"),
        ("Time", |still| &mut still.time, "Timepoint, and seconds where the rate is known"),
        ("Depth", |still| &mut still.depth, "Plane or slab"),
        ("Color bar", |still| &mut still.color_bar, "The gradient and its limits"),
        ("Name", |still| &mut still.name, "The recording's name"),
    ];
    for (index, (name, field, why)) in boxes.into_iter().enumerate() {
        let x = left + if index % 2 == 0 { 0.0 } else { 130.0 };
        let y = rect.top() + ROW * 2.0 + 4.0 + 24.0 * (index / 2) as f32;
        let area = Rect::from_min_size(pos2(x, y), vec2(120.0, 24.0));
        let is_on = *field(&mut still);
        if check(ui, area, name, is_on, why) {
            *field(&mut still) = !is_on;
        }
    }
    if still != old {
        commands.push(Command::SetStill(still));
    }
}

fn path_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    match path_field(ui, rect, "path to save", &model.saving.path) {
        Some(Path::Browsed) => commands.push(Command::App(AppCommand::BrowseStillPath)),
        Some(Path::Typed(path)) => commands.push(Command::Session(SessionCommand::SetStillPath(path))),
        Some(Path::Entered) => save(model, commands),
        None => {}
    }
}

/// What was done with the name of a file.
pub(super) enum Path {
    /// The system's dialog is wanted.
    Browsed,
    /// It is another one.
    Typed(String),
    /// It is meant.
    Entered,
}

/// Where something is saved: a field, and a button for the system's dialog.
pub(super) fn path_field(ui: &mut Ui, rect: Rect, id: &str, path: &str) -> Option<Path> {
    let tokens = Tokens::get(ui);
    let at = rect.left_center();
    text(ui.painter(), at, Align2::LEFT_CENTER, "Save to", font(13.0, Weight::Regular), tokens.t2);
    let browse = Button {
        text: "Choose…",
        icon: icons::FOLDER_OPEN,
        hint: "Choose the folder and the name",
        ..Button::default()
    };
    let width = browse.width(ui) + 4.0;
    if browse.show(ui, Rect::from_min_max(pos2(rect.right() - width, rect.top()), rect.max)) {
        return Some(Path::Browsed);
    }
    let field = Rect::from_min_max(rect.min + vec2(72.0, 0.0), rect.max - vec2(width + 8.0, 0.0));
    ui.painter().rect_filled(field, 4.0, tokens.bg2);
    let mut typed = path.to_owned();
    let inner = field.shrink2(vec2(8.0, 0.0));
    let response = overlay::within(ui, inner, id, |ui| {
        let edit = TextEdit::singleline(&mut typed)
            .id(Id::unique(id))
            .frame(Frame::NONE)
            .margin(Margin::same(0))
            .font(font(13.0, Weight::Regular))
            .align(Align2::LEFT_CENTER)
            .min_size(vec2(inner.width(), 28.0))
            .desired_width(inner.width());
        ui.add(edit).accessible_name("Save to")
    });
    if response.has_focus() {
        ui.painter().rect_stroke(field, 4.0, egui::Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    }
    if typed != path {
        return Some(Path::Typed(typed));
    }
    (response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))).then_some(Path::Entered)
}

fn save(model: &Model<'_>, commands: &mut Vec<Command>) {
    if model.saving.refusal.is_none() && !model.saving.is_busy {
        commands.extend([
            Command::Session(SessionCommand::SavePicture(save_path(&model.saving.path))),
            Command::CloseOverlay,
        ]);
    }
}

/// What was typed as the name of a picture: a .png file, whatever else was left away.
pub fn save_path(typed: &str) -> PathBuf {
    let path = match typed_location(typed) {
        Location::Path(path) => path.to_path_buf(),
        Location::Url(url) => PathBuf::from(&*url),
    };
    match path.extension() {
        Some(_) => path,
        None => path.with_extension("png"),
    }
}

/// A button at the right end of a footer, left of `right`, which moves.
pub(super) fn footer_button(ui: &mut Ui, rect: Rect, right: &mut f32, button: &Button<'_>, is_enabled: bool) -> bool {
    let width = button.width(ui) + 12.0;
    let area = Rect::from_min_max(pos2(*right - width, rect.top()), pos2(*right, rect.bottom()));
    *right -= width + 8.0;
    let id = egui::UiBuilder::new().max_rect(area).id_salt(button.text);
    ui.scope_builder(id, |ui| {
        if !is_enabled {
            ui.disable();
        }
        button.show(ui, area)
    })
    .inner
}

fn footer_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let saving = model.saving;
    let is_possible = saving.refusal.is_none() && !saving.is_busy;
    let mut right = rect.right();
    let mut button =
        |ui: &mut Ui, button: &Button<'_>, is_enabled: bool| footer_button(ui, rect, &mut right, button, is_enabled);
    let text_of = if saving.replaces.is_some() { "Replace picture" } else { "Save picture" };
    let primary = Button {
        text: text_of,
        icon: icons::FLOPPY_DISK,
        fill: Fill::Accent,
        hint: "Write the file",
        key: "Enter",
        ..Button::default()
    };
    let is_entered = ui.memory(|memory| memory.focused().is_none()) && ui.input(|input| input.key_pressed(Key::Enter));
    if button(ui, &primary, is_possible) || is_entered {
        save(model, commands);
    }
    let cancel = Button { text: "Cancel", hint: "Close without saving", key: "Esc", ..Button::default() };
    if button(ui, &cancel, true) {
        commands.push(Command::CloseOverlay);
    }
    let copy = Button {
        text: "Copy",
        icon: icons::COPY,
        hint: "Put the picture on the clipboard",
        key: "Ctrl C",
        ..Button::default()
    };
    if button(ui, &copy, is_possible) {
        commands.push(Command::Session(SessionCommand::CopyPicture));
    }
    facts_ui(ui, Rect::from_min_max(rect.min, pos2(right, rect.bottom())), model, tokens);
}

/// How large it is, how much room there is, what it replaces, or why it cannot be.
fn facts_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, tokens: &Tokens) {
    let saving = model.saving;
    if let Some(refusal) = &saving.refusal {
        refusal_ui(ui, rect, refusal);
        return;
    }
    let size = saving.num_bytes.map_or_else(|| "–".to_owned(), format::size);
    let free = saving.free_bytes.map(|bytes| format!("   {} free", format::size(bytes))).unwrap_or_default();
    let replaces = saving.replaces.as_ref().map(|when| format!("   replaces the file of {when}")).unwrap_or_default();
    let parts = [
        (size.as_str(), Weight::Medium, tokens.t1),
        (free.as_str(), Weight::Regular, tokens.t2),
        (replaces.as_str(), Weight::Regular, tokens.warn),
    ];
    let galley = runs(ui.painter(), 12.0, rect.width(), &parts);
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.t1);
}

/// Why something cannot be saved.
pub(super) fn refusal_ui(ui: &mut Ui, rect: Rect, refusal: &str) {
    let tokens = Tokens::get(ui);
    let words = [(icons_gap(), Weight::Regular, tokens.bad_text), (refusal, Weight::Medium, tokens.bad_text)];
    text(
        ui.painter(),
        rect.left_center(),
        Align2::LEFT_CENTER,
        icons::WARNING_OCTAGON,
        icon_font(14.0),
        tokens.bad_text,
    );
    let galley = runs(ui.painter(), 12.0, rect.width(), &words);
    let is_cut = galley.elided;
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.bad_text);
    let response = ui.interact(rect, ui.make_persistent_id("refusal"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Alert, true, refusal));
    if is_cut {
        response.on_hover_text(refusal);
    }
}

/// Room for an icon before a text.
fn icons_gap() -> &'static str {
    "      "
}

/// What was saved or copied last, for a while, at the foot of the picture; a click shows its folder.
pub fn done_ui(ui: &mut Ui, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some((words, file)) = &model.saving.done else { return };
    let tokens = Tokens::get(ui);
    let width = (text_width(ui, words, font(11.5, Weight::Medium)) + 40.0).min(canvas.width() - 24.0);
    let center = pos2(canvas.center().x, canvas.bottom() - 30.0);
    let rect = Rect::from_center_size(center, vec2(width, 28.0));
    let response = ui.interact(rect, ui.make_persistent_id("saved"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, words));
    let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("saved")));
    painter.rect(rect, 6.0, tokens.bg2, egui::Stroke::new(1.0, tokens.line), StrokeKind::Inside);
    let (icon, color) = match file {
        Some(_) => (icons::CHECK, tokens.ok),
        None => (icons::COPY, tokens.ok),
    };
    text(&painter, rect.left_center() + vec2(16.0, 0.0), Align2::CENTER_CENTER, icon, icon_font(14.0), color);
    let at = rect.left_center() + vec2(28.0, 0.0);
    text(&painter, at, Align2::LEFT_CENTER, words, font(11.5, Weight::Medium), tokens.t1);
    if file.is_some() && response.on_hover_text("Show its folder").clicked() {
        commands.push(Command::Session(SessionCommand::ShowSaved));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_name_without_an_ending_is_a_png_file() {
        assert_eq!(save_path("/tmp/a"), Path::new("/tmp/a.png"));
        assert_eq!(save_path("/tmp/a.PNG"), Path::new("/tmp/a.PNG"));
        assert_eq!(save_path("/tmp/fish.3_t1_z2.png"), Path::new("/tmp/fish.3_t1_z2.png"));
    }
}
