//! The field a path is typed into. What was typed stays until it has been opened; Tab completes it. The
//! disk is asked by the app, which brings the answer back through the toolkit's context.

use egui::{Align2, Context, FocusDirection, Frame, Id, Key, Margin, Modifiers, Rect, Sense, TextEdit, Ui, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{Button, Fill, ring, text};
use super::super::{AppCommand, Command, overlay};

/// Names listed below the field when there are several.
const MAX_NAMES: usize = 6;

/// What the field holds between frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    typed: String,
    /// What may be meant, or why there is nothing to choose.
    below: String,
    /// There is nothing more to complete.
    is_complete: bool,
    wants_focus: bool,
    cursor_to_end: bool,
}

/// What a path begun may go on to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// What had been typed.
    pub asked: String,
    /// That, with all that all candidates have in common.
    pub completed: String,
    /// Names of the candidates where there are several.
    pub names: Vec<String>,
}

fn key() -> Id {
    Id::unique("path to open")
}

fn change(ctx: &Context, change: impl FnOnce(&mut Entry)) {
    ctx.data_mut(|data| change(data.get_temp_mut_or_default::<Entry>(key())));
}

/// Puts the cursor into the field, and says why below it.
pub fn focus_path_field(ctx: &Context, why: &str) {
    change(ctx, |entry| {
        entry.below = why.to_owned();
        entry.wants_focus = true;
        entry.cursor_to_end = true;
    });
}

/// Lets the user type a path without a click before.
pub(super) fn focus(ui: &Ui) {
    ui.memory_mut(|memory| memory.request_focus(key().with("edit")));
}

/// Puts a path into the field, as one that could not be opened.
pub fn keep_typed_path(ctx: &Context, path: &str) {
    change(ctx, |entry| {
        if entry.typed.trim().is_empty() {
            path.clone_into(&mut entry.typed);
            entry.cursor_to_end = true;
        }
    });
}

/// Empties the field: what was typed is open.
pub fn clear_typed_path(ctx: &Context) {
    ctx.data_mut(|data| data.remove_temp::<Entry>(key()));
}

/// Brings in the answer to [`AppCommand::CompletePath`], unless something else has been typed meanwhile.
pub fn complete_path(ctx: &Context, completion: &Completion) {
    change(ctx, |entry| {
        if entry.typed != completion.asked {
            return;
        }
        entry.below = match completion.names.len() {
            0 if completion.completed == completion.asked => "nothing there begins like this".to_owned(),
            0 => String::new(),
            num => {
                let names = completion.names[..num.min(MAX_NAMES)].join("   ");
                if num > MAX_NAMES { format!("{names}   and {} more", num - MAX_NAMES) } else { names }
            }
        };
        entry.is_complete = completion.completed == entry.typed;
        entry.cursor_to_end = !entry.is_complete;
        entry.typed.clone_from(&completion.completed);
    });
}

/// Draws the field with its button.
pub(super) fn path_field(ui: &mut Ui, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let id = key().with("edit");
    let mut entry = ui.data(|data| data.get_temp::<Entry>(key())).unwrap_or_default();
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    ui.painter().rect_filled(rect, 4.0, tokens.bg2);
    let field = Rect::from_min_max(rect.min + vec2(12.0, 0.0), rect.max - vec2(70.0, 0.0));
    let before = entry.typed.clone();
    // Tab completes; with nothing left to complete it goes on to the next control, as everywhere.
    let completes = !entry.is_complete && !before.trim().is_empty();
    if completes && ui.memory(|memory| memory.has_focus(id)) {
        if ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::Tab)) {
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::Previous));
        } else if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Tab)) {
            commands.push(Command::App(AppCommand::CompletePath(before.clone())));
        }
    }
    if std::mem::take(&mut entry.cursor_to_end) {
        let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
        let end = egui::text::CCursor::new(entry.typed.chars().count());
        state.cursor.set_char_range(Some(egui::text::CCursorRange::one(end)));
        state.store(ui.ctx(), id);
    }
    if std::mem::take(&mut entry.wants_focus) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    let response = overlay::within(ui, field, "path field", |ui| {
        let hint = egui::RichText::new("or type a path or an address").color(tokens.t3);
        let edit = TextEdit::singleline(&mut entry.typed)
            .id(id)
            .lock_focus(completes)
            .frame(Frame::NONE)
            .margin(Margin::same(0))
            .hint_text(hint)
            .font(font(13.0, Weight::Regular))
            .align(Align2::LEFT_CENTER)
            .min_size(vec2(field.width(), 32.0))
            .desired_width(field.width());
        ui.add(edit).accessible_name("Path")
    });
    if response.has_focus() {
        ring(ui, rect, 4.0, tokens.accent);
    }
    let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let open = Button {
        text: "Open",
        name: "Open path",
        fill: Fill::None,
        color: Some(tokens.accent_text),
        hint: "Open the typed path",
        key: "Enter",
        ..Button::default()
    };
    let area =
        Rect::from_min_max(pos2(rect.right() - 64.0, rect.top() + 3.0), pos2(rect.right() - 4.0, rect.bottom() - 3.0));
    let is_pressed = !entry.typed.trim().is_empty() && open.show(ui, area);
    if (is_entered || is_pressed) && !entry.typed.trim().is_empty() {
        commands.push(Command::App(AppCommand::OpenPath(super::open::typed_location(&entry.typed))));
    }
    if entry.typed != before {
        entry.below.clear();
        entry.is_complete = false;
    }
    if !entry.below.is_empty() {
        let (below, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
        let response = ui.interact(below, id.with("below"), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Status, true, &entry.below));
        let at = below.left_center() + vec2(12.0, 2.0);
        let painter = ui.painter_at(below);
        text(&painter, at, Align2::LEFT_CENTER, &entry.below, font(12.0, Weight::Regular), tokens.t2);
    }
    ui.data_mut(|data| data.insert_temp(key(), entry));
}
