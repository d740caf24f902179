//! The sheet in which an array of the file is chosen and its axes are said: the list of arrays, what is said of
//! the chosen one, and the way out.

use egui::accesskit::Role;
use egui::{Align2, Color32, Key, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{Button, Fill, check, cross_hatch, elided, focus_ring, hint, text};
use super::super::{AppCommand, Command, Overlay, Sheet, SheetCommand, Thumbnail, format, icons, overlay};
use super::axes_said::said_ui;
use crate::format::DatasetEntry;

const WIDTH: f32 = 740.0;
const ROW: f32 = 60.0;
const THUMBNAIL: f32 = 44.0;
/// What stands below the list.
const BELOW: f32 = 310.0;

/// The sheet.
pub fn axes_ui(ui: &mut Ui, sheet: &Sheet<'_>, commands: &mut Vec<Command>) {
    overlay::dialog_about(ui, Overlay::Axes, ["Open", sheet.file, sheet.facts], WIDTH, commands, |ui, commands| {
        // Before a field is left by the very key.
        let is_free = ui.memory(|memory| memory.focused()).is_none_or(|focused| focused == list_id());
        entries_ui(ui, sheet, commands);
        ui.add_space(8.0);
        let line = ui.cursor().top();
        ui.painter().hline(
            ui.max_rect().expand2(vec2(20.0, 0.0)).x_range(),
            line,
            Stroke::new(1.0, Tokens::get(ui).line),
        );
        ui.add_space(14.0);
        // What is being typed about an array is not said of the one that is chosen next.
        ui.push_id(sheet.chosen, |ui| said_ui(ui, sheet, commands));
        ui.add_space(12.0);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
        footer_ui(ui, rect, sheet, is_free, commands);
    });
}

/// Says something in the sheet.
pub(super) fn say(commands: &mut Vec<Command>, command: SheetCommand) {
    commands.push(Command::App(AppCommand::Sheet(command)));
}

/// The arrays, one below the other.
fn entries_ui(ui: &mut Ui, sheet: &Sheet<'_>, commands: &mut Vec<Command>) {
    let num = sheet.entries.len();
    let room = ui.ctx().content_rect().height() - BELOW - 90.0;
    let height = (room / ROW).floor().clamp(1.0, 4.0) * ROW;
    let step = steps(ui);
    let images = sheet.entries.iter().filter(|entry| !entry.is_no_image).count();
    let chosen = sheet.chosen.saturating_add_signed(step).min(images.saturating_sub(1));
    if step != 0 && chosen != sheet.chosen {
        say(commands, SheetCommand::Choose(chosen));
    }
    let area = egui::ScrollArea::vertical().max_height(height.min(ROW * num as f32)).auto_shrink([false, true]);
    area.show_rows(ui, ROW, num, |ui, shown| {
        for index in shown {
            let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
            if step != 0 && index == chosen {
                ui.scroll_to_rect(row, None);
            }
            if entry_ui(ui, row, sheet, index) {
                say(commands, SheetCommand::Choose(index));
            }
        }
    });
}

/// How far the arrow keys go in the list, unless they are for a control that has the focus. In a line of text
/// they do nothing else.
fn steps(ui: &Ui) -> isize {
    let is_elsewhere = ui.memory(|memory| memory.focused()).is_some_and(|focused| focused != list_id());
    if is_elsewhere && !ui.ctx().text_edit_focused() {
        return 0;
    }
    let num = |key: Key| ui.input(|input| input.num_presses(key)) as isize;
    num(Key::ArrowDown) - num(Key::ArrowUp)
}

/// The chosen row is the one that the keyboard comes to.
fn list_id() -> egui::Id {
    egui::Id::unique("array that is chosen")
}

/// Returns whether it was chosen.
fn entry_ui(ui: &mut Ui, row: Rect, sheet: &Sheet<'_>, index: usize) -> bool {
    let tokens = Tokens::get(ui);
    let entry = &sheet.entries[index];
    let is_chosen = index == sheet.chosen;
    let is_image = !entry.is_no_image;
    let (id, sense) = match (is_chosen, is_image) {
        (true, _) => (list_id(), Sense::click()),
        (false, true) => (ui.make_persistent_id(("array", index)), Sense::CLICK),
        (false, false) => (ui.make_persistent_id(("array", index)), Sense::hover()),
    };
    let response = ui.interact(row, id, sense);
    let name = entry.title().replace('/', " / ");
    let about = about(entry);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(about.clone()),
        ..WidgetInfo::selected(Role::RadioButton, is_image, is_chosen, &name)
    });
    let ground = if is_chosen { Some(tokens.bg3) } else { (is_image && response.hovered()).then_some(tokens.bg2) };
    if let Some(ground) = ground {
        ui.painter().rect_filled(row, 6.0, ground);
    }
    if is_chosen {
        ui.painter().rect_stroke(row, 6.0, Stroke::new(1.5, tokens.accent), StrokeKind::Inside);
    }
    focus_ring(ui, &response, 6.0);
    if is_image {
        radio(ui.painter(), row.left_center() + vec2(16.0, 0.0), 8.0, is_chosen, tokens);
    }
    let square = Rect::from_center_size(row.left_center() + vec2(58.0, 0.0), vec2(THUMBNAIL, THUMBNAIL));
    thumbnail_ui(ui, square, entry, &sheet.thumbnails[index]);
    let colors = if is_image { (tokens.t1, tokens.t2) } else { (tokens.t3, tokens.t3) };
    let (left, right) = (row.left() + 92.0, row.right() - 12.0);
    let stored = stored(entry);
    let width = stored.iter().map(|words| super::super::widgets::text_width(ui, words, font(12.0, Weight::Regular)));
    let width = right - left - width.fold(0.0, f32::max) - 16.0;
    let lines = [(name.as_str(), 13.0, Weight::Medium, colors.0), (about.as_str(), 12.0, Weight::Regular, colors.1)];
    for ((words, size, weight, color), (end, y)) in lines.into_iter().zip(stored.iter().zip([-9.0, 9.0])) {
        let shown = elided(ui, words, font(size, weight), width);
        let y = row.center().y + y;
        text(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, &shown, font(size, weight), color);
        text(ui.painter(), pos2(right, y), Align2::RIGHT_CENTER, end, font(12.0, Weight::Regular), colors.1);
    }
    is_image && response.clicked() && !is_chosen
}

/// "1 800 × 512 × 512 × 20 · uint16".
fn about(entry: &DatasetEntry) -> String {
    let mut words = match entry.shape.as_slice() {
        [] => entry.summary.clone(),
        dims => dims.iter().map(|dim| format::integer(*dim)).collect::<Vec<_>>().join(" × "),
    };
    if let Some(dtype) = entry.dtype.filter(|_| !entry.shape.is_empty()) {
        words = format!("{words} · {dtype}");
    }
    if entry.is_no_image { format!("{words} · not an image") } else { words }
}

/// How much it takes where it lies, and what it is stored with.
fn stored(entry: &DatasetEntry) -> [String; 2] {
    let size = entry.stored_bytes.filter(|num_bytes| *num_bytes > 0).map(format::size);
    [size.unwrap_or_default(), entry.compression.clone()]
}

fn thumbnail_ui(ui: &mut Ui, square: Rect, entry: &DatasetEntry, thumbnail: &Thumbnail) {
    let tokens = Tokens::get(ui);
    ui.painter().rect_filled(square, 4.0, tokens.bg0);
    match thumbnail {
        Thumbnail::Picture { texture, .. } => picture(ui.painter(), square, texture, false),
        Thumbnail::Waiting if entry.is_no_image => {
            text(ui.painter(), square.center(), Align2::CENTER_CENTER, icons::PULSE, icon_font(18.0), tokens.t3);
        }
        Thumbnail::Waiting => {}
        Thumbnail::None(why) => no_picture_ui(ui, square, &format!("No picture of {}", entry.name), why),
    }
    ui.painter().rect_stroke(square, 4.0, Stroke::new(1.0, tokens.line), StrokeKind::Outside);
}

/// The hatch of what is missing, with its reason.
pub(super) fn no_picture_ui(ui: &mut Ui, area: Rect, name: &str, why: &str) {
    cross_hatch(&ui.painter_at(area), area, Tokens::get(ui).t3.gamma_multiply(0.6));
    let response = ui.interact(area, ui.make_persistent_id(("no picture", name)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {why}")));
    hint(response, why, "");
}

/// A picture in the middle of an area, in its own proportions, or with rows and columns exchanged.
pub(super) fn picture(painter: &Painter, area: Rect, texture: &egui::TextureHandle, is_turned: bool) {
    let mut size = texture.size_vec2();
    if is_turned {
        size = vec2(size.y, size.x);
    }
    let fit = size * (area.width() / size.x).min(area.height() / size.y);
    let rect = Rect::from_center_size(area.center(), fit);
    let mut mesh = egui::Mesh::with_texture(texture.id());
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    for (x, y) in corners {
        let pos = pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height());
        let uv = if is_turned { pos2(y, x) } else { pos2(x, y) };
        mesh.vertices.push(egui::epaint::Vertex { pos, uv, color: Color32::WHITE });
    }
    mesh.indices = vec![0, 1, 2, 0, 2, 3];
    painter.add(egui::Shape::mesh(mesh));
}

/// One of several to choose from.
pub(super) fn radio(painter: &Painter, center: Pos2, radius: f32, is_on: bool, tokens: &Tokens) {
    let color = if is_on { tokens.accent } else { tokens.t3 };
    painter.circle_stroke(center, radius - 0.75, Stroke::new(1.5, color));
    if is_on {
        painter.circle_filled(center, radius / 2.0, color);
    }
}

fn footer_ui(ui: &mut Ui, rect: Rect, sheet: &Sheet<'_>, is_free: bool, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let area = Rect::from_min_size(rect.min, vec2(168.0, rect.height()));
    let why = "The next time this file, and files of the same layout, open like this";
    if check(ui, area, "Remember for this file", sheet.is_remembered, why) {
        say(commands, SheetCommand::ToggleRemembered);
    }
    let at = pos2(area.right() + 8.0, rect.center().y);
    let line = "kept by Tectum; the file is not touched";
    text(ui.painter(), at, Align2::LEFT_CENTER, line, font(12.0, Weight::Regular), tokens.t3);
    let can_open = sheet.draft.is_some_and(|draft| draft.fault().is_none());
    let open = Button {
        text: "Open",
        name: "Open the array",
        fill: Fill::Accent,
        hint: "Show it like this",
        key: "↵",
        has_keycap: true,
        ..Button::default()
    };
    let cancel =
        Button { text: "Cancel", hint: "Leave it as it is", key: "Esc", has_keycap: true, ..Button::default() };
    let width = open.width(ui) + 16.0;
    let open_area = Rect::from_min_max(pos2(rect.right() - width, rect.top()), rect.max);
    let width = cancel.width(ui) + 8.0;
    let cancel_area = Rect::from_min_size(pos2(open_area.left() - 8.0 - width, rect.top()), vec2(width, rect.height()));
    if cancel.show(ui, cancel_area) {
        commands.push(Command::CloseOverlay);
    }
    let is_pressed = ui.add_enabled_ui(can_open, |ui| open.show(ui, open_area)).inner;
    let is_entered = is_free && ui.input(|input| input.key_pressed(Key::Enter));
    if can_open && (is_pressed || is_entered) {
        say(commands, SheetCommand::Open);
    }
}
