//! What the window shows while it shows no dataset: welcome, opening, error, waiting; and the dialog to
//! open from.

mod error;
mod open;
mod opening;
mod path_field;
mod waiting;
mod welcome;

pub use error::{error_ui, not_opened_ui};
pub use open::{open_dialog_ui, typed_location};
pub use opening::opening_ui;
pub use path_field::{Completion, clear_typed_path, complete_path, focus_path_field, keep_typed_path};
pub use waiting::waiting_ui;
pub use welcome::welcome_ui;

use egui::{Id, Rect, Ui, pos2, vec2};

use super::keys::key_commands;
use super::panels::top_bar;
use super::theme::{self, Tokens};
use super::{Command, Overlay, ViewState, overlay};

/// The keys of a screen, to be read once it has been drawn. Esc with nothing over the screen goes `back`.
fn keys(ui: &Ui, state: &ViewState, back: Option<Command>, commands: &mut Vec<Command>) {
    let before = commands.len();
    key_commands(ui, state, None, commands);
    let is_escaped = state.panels.overlay.is_none() && commands[before..].first() == Some(&Command::CloseOverlay);
    if let Some(back) = back.filter(|back| is_escaped && !commands.contains(back)) {
        commands.push(back);
    }
}

/// Whether a part of the window is drawn now that was not in the frame before.
fn appears(ui: &Ui, part: &str) -> bool {
    let id = Id::unique(("last drawn", part));
    let now = ui.ctx().cumulative_pass_nr();
    let last = ui.data(|data| data.get_temp::<u64>(id));
    ui.data_mut(|data| data.insert_temp(id, now));
    last.is_none_or(|last| now > last + 1)
}

/// The bar on top and the ground of a screen; returns the room below the bar.
fn ground(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) -> Rect {
    theme::choose(ui.ctx(), state.panels.theme);
    let tokens = Tokens::of(state.panels.theme);
    let screen = ui.max_rect();
    theme::fill(ui, screen, tokens.bg1);
    let bar = Rect::from_min_size(screen.min, vec2(screen.width(), top_bar::HEIGHT));
    top_bar::bare_bar_ui(ui, bar, state.panels.theme, commands);
    ui.painter().hline(bar.x_range(), bar.bottom() - 0.5, egui::Stroke::new(1.0, tokens.line));
    match state.panels.overlay {
        Some(Overlay::Keys) => overlay::keys_ui(ui, commands),
        Some(Overlay::Notes) => super::notes::notes_ui(ui, commands),
        _ => {}
    }
    Rect::from_min_max(pos2(screen.left(), bar.bottom()), screen.max)
}
