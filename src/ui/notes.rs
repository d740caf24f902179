//! The list of what went wrong on the program's own side, and the button that shows it. The app
//! publishes the list to the toolkit's context; every screen finds it there.

use std::sync::Arc;
use std::time::SystemTime;

use egui::{Align2, Context, Id, Rect, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::theme::{Tokens, Weight, filled_icon_font, font};
use super::widgets::{Button, runs};
use super::{AppCommand, Command, Overlay, format, icons, overlay};

/// Something that went wrong and is no fault of the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What happened, in a sentence.
    pub text: String,
    /// Whether something does not work because of it.
    pub is_error: bool,
    /// How often it happened.
    pub num: usize,
    /// When it happened last.
    pub last: SystemTime,
}

/// Makes these the notes that every screen shows.
pub fn publish(ctx: &Context, notes: Vec<Note>) {
    ctx.data_mut(|data| data.insert_temp(key(), Arc::new(notes)));
}

/// The notes to show.
pub fn published(ctx: &Context) -> Arc<Vec<Note>> {
    ctx.data(|data| data.get_temp(key())).unwrap_or_default()
}

fn key() -> Id {
    Id::unique("notes")
}

/// The list over the window.
pub fn notes_ui(ui: &mut Ui, commands: &mut Vec<Command>) {
    let notes = published(ui.ctx());
    overlay::dialog(ui, Overlay::Notes, "Notes", 560.0, commands, |ui, commands| {
        if notes.is_empty() {
            ui.label("Nothing went wrong.");
            return;
        }
        let max = (ui.ctx().content_rect().height() - 220.0).max(120.0);
        ScrollArea::vertical().max_height(max).min_scrolled_height(max).auto_shrink([false, true]).show(ui, |ui| {
            for (index, note) in notes.iter().enumerate() {
                if index > 0 {
                    ui.add_space(10.0);
                }
                note_ui(ui, note);
            }
        });
        ui.add_space(14.0);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
        let clear = Button {
            text: "Clear",
            name: "Clear the notes",
            icon: icons::TRASH,
            hint: "Take all notes off the list",
            ..Button::default()
        };
        let width = clear.width(ui) + 8.0;
        if clear.show(ui, Rect::from_min_size(rect.right_top() - vec2(width, 0.0), vec2(width, 28.0))) {
            commands.push(Command::App(AppCommand::ClearNotes));
        }
    });
}

fn note_ui(ui: &mut Ui, note: &Note) {
    let tokens = Tokens::get(ui);
    let (icon, color) = match note.is_error {
        true => (icons::WARNING_OCTAGON, tokens.bad),
        false => (icons::INFO, tokens.t2),
    };
    let width = ui.available_width() - 24.0;
    let mut text = note.text.clone();
    if let Some(first) = text.chars().next() {
        text = first.to_uppercase().chain(text.chars().skip(1)).collect();
    }
    let body = ui.painter().layout(text.clone(), font(13.0, Weight::Regular), tokens.t1, width);
    let age = note.last.elapsed().unwrap_or_default();
    let mut when = format::age(age);
    if note.num > 1 {
        when = format!("{} times, last {when}", format::integer(note.num as i64));
    }
    let below = runs(ui.painter(), 11.5, width, &[(when.as_str(), Weight::Regular, tokens.t3)]);
    let height = body.size().y + below.size().y + 2.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::ListItem, true, format!("{text}, {when}")));
    ui.painter().text(rect.min + vec2(8.0, 8.0), Align2::CENTER_CENTER, icon, filled_icon_font(15.0), color);
    let body_height = body.size().y;
    ui.painter().galley(rect.min + vec2(24.0, 0.0), body, tokens.t1);
    ui.painter().galley(rect.min + vec2(24.0, body_height + 2.0), below, tokens.t3);
}
