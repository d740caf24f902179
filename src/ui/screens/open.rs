//! Where to open from: a folder dialog, a typed path, the demo, what was open before.

use std::path::Path;

use egui::{Align2, Rect, Sense, Ui, WidgetInfo, vec2};

use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{Button, Fill, focus_ring, icon_button, runs, text};
use super::super::{AppCommand, Command, Forget, Overlay, icons, overlay};
use super::{appears, path_field};
use crate::volume::Location;

/// The dialog over an open dataset.
pub fn open_dialog_ui(ui: &mut Ui, recent: &[Location], commands: &mut Vec<Command>) {
    overlay::dialog(ui, Overlay::Open, "Open a recording", 480.0, commands, |ui, commands| {
        choices_ui(ui, recent, commands);
        if appears(ui, "open dialog") {
            path_field::focus(ui);
        }
    });
}

/// The ways to open, one below the other.
pub fn choices_ui(ui: &mut Ui, recent: &[Location], commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, 36.0), Sense::hover());
    let gap = 8.0;
    let half = (width - gap) / 2.0;
    let folder = Button {
        text: "Open folder…",
        icon: icons::FOLDER_OPEN,
        fill: Fill::Accent,
        hint: "An acquisition folder or the folder it lies in, a Zarr folder, a series of TIFF files",
        key: "Ctrl O",
        ..Button::default()
    };
    if folder.show(ui, Rect::from_min_size(rect.min, vec2(half, 36.0))) {
        commands.push(Command::App(AppCommand::BrowseFolder));
    }
    let file = Button {
        text: "Open file…",
        icon: icons::FILE,
        hint: "An HDF5, NWB, LINDI, TIFF or .npy file, a Zarr archive, or stack_metadata.json",
        ..Button::default()
    };
    if file.show(ui, Rect::from_min_size(rect.min + vec2(half + gap, 0.0), vec2(half, 36.0))) {
        commands.push(Command::App(AppCommand::BrowseFile));
    }
    ui.add_space(8.0);
    path_field::path_field(ui, commands);
    ui.add_space(8.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 32.0), Sense::hover());
    let demo = Button {
        text: "Open the demo",
        icon: icons::SPARKLE,
        hint: "A made-up recording of a larval brain, written once",
        ..Button::default()
    };
    if demo.show(ui, rect) {
        commands.push(Command::App(AppCommand::OpenDemo));
    }
    if recent.is_empty() {
        return;
    }
    ui.add_space(20.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 20.0), Sense::hover());
    text(ui.painter(), rect.left_center(), Align2::LEFT_CENTER, "RECENT", font(11.0, Weight::SemiBold), tokens.t3);
    let forget = Button {
        text: "Forget all",
        name: "Forget everything",
        fill: Fill::None,
        color: Some(tokens.t3),
        hint: "Forget this list, all settings, views and typed facts",
        ..Button::default()
    };
    let width = forget.width(ui);
    if forget.show(ui, Rect::from_min_max(rect.right_top() - vec2(width, 0.0), rect.right_bottom())) {
        commands.push(Command::App(AppCommand::Forget(Forget::Everything)));
    }
    for path in recent.iter().take(8) {
        recent_row(ui, path, commands);
    }
}

/// What was typed or pasted as a path or a URL: quotes and `~` understood.
pub fn typed_location(typed: &str) -> Location {
    let trimmed = typed.trim().trim_matches(|c| c == '"' || c == '\'');
    if let Some(rest) = trimmed.strip_prefix('~')
        && (rest.is_empty() || rest.starts_with(['/', '\\']))
        && let Some(home) = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))
    {
        return Path::new(&home).join(rest.trim_start_matches(['/', '\\'])).into();
    }
    Location::parse(trimmed)
}

fn recent_row(ui: &mut Ui, location: &Location, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let row = Rect::from_min_max(rect.min - vec2(8.0, 0.0), rect.max - vec2(30.0, 0.0));
    let (shown, name) = (location.to_string(), location.short());
    let parent = match location.parent() {
        _ if location.is_cut() => "   the address has to be given again".to_owned(),
        parent => parent.map_or(String::new(), |parent| format!("   {parent}")),
    };
    let response = ui.interact(row, ui.make_persistent_id(("recent", &shown)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Open {shown}")));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(row, 4.0, tokens.bg2);
    }
    let icon_at = row.left_center() + vec2(16.0, 0.0);
    text(ui.painter(), icon_at, Align2::CENTER_CENTER, icons::FOLDER, icon_font(16.0), tokens.t2);
    let parts = [(name.as_str(), Weight::Medium, tokens.t1), (parent.as_str(), Weight::Regular, tokens.t3)];
    let galley = runs(ui.painter(), 13.0, row.width() - 40.0, &parts);
    ui.painter().galley(row.left_center() + vec2(32.0, -galley.size().y / 2.0), galley, tokens.t1);
    focus_ring(ui, &response, 4.0);
    if response.on_hover_text(&shown).clicked() {
        commands.push(Command::App(AppCommand::OpenPath(location.clone())));
    }
    let remove = Rect::from_center_size(rect.right_center() - vec2(12.0, 0.0), vec2(24.0, 24.0));
    let label = format!("Remove {name} from the list");
    if icon_button(ui, remove, icons::X, false, Fill::None, &label, "").clicked() {
        commands.push(Command::App(AppCommand::RemoveRecent(location.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_paths_are_understood() {
        for (typed, path) in [(" \"/data/a b\" ", "/data/a b"), ("file:///data/x", "/data/x"), ("~strange", "~strange")]
        {
            assert_eq!(typed_location(typed).path(), Some(Path::new(path)));
        }
        assert_eq!(typed_location(" https://host/fish.zarr").to_string(), "https://host/fish.zarr");
    }
}
