//! The limits by which quality is judged: which rig profile they are of, kept and taken back; and whether there
//! is measuring and notifying at all. A menu beside the heading of the section.

use egui::accesskit::Role;
use egui::{Align2, Popup, PopupCloseBehavior, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{self, Entered, Entry, elided, focus_ring, hint, menu_action, menu_row};
use super::super::{AppCommand, Command, Model, Quality, SessionCommand, icons};

/// The name of the limits at the right end of a heading; pressed, it drops the menu.
pub fn limits_menu(ui: &mut Ui, heading: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some(quality) = model.quality else { return };
    let tokens = Tokens::get(ui);
    let changed = if quality.limits_are_changed { ", changed" } else { "" };
    let size = font(12.0, Weight::Regular);
    let label = elided(ui, &format!("limits: {}{changed}", quality.limits_name), size.clone(), 150.0);
    let width = widgets::text_width(ui, &label, size.clone());
    let rect = Rect::from_min_max(pos2(heading.right() - width - 8.0, heading.top()), heading.max);
    let response = ui.interact(rect, ui.make_persistent_id("limits menu"), Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Limits of quality");
        info.current_text_value = Some(format!("{}{changed}", quality.limits_name));
        info
    });
    let color = if response.hovered() { tokens.t1 } else { tokens.t3 };
    widgets::text(ui.painter(), heading.right_center(), Align2::RIGHT_CENTER, &label, size, color);
    focus_ring(ui, &response, 4.0);
    Popup::menu(&response)
        .gap(4.0)
        .width(232.0)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| menu_ui(ui, model, &quality, commands));
    hint(response, "The limits beyond which a measure warns or alarms", "");
}

fn menu_ui(ui: &mut Ui, model: &Model<'_>, quality: &Quality<'_>, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut app = |command| commands.push(Command::App(command));
    for name in quality.profiles {
        if menu_row(ui, name, name == quality.limits_name && !quality.limits_are_changed) {
            app(AppCommand::ChooseLimits(name.clone()));
            ui.close();
        }
    }
    ui.separator();
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
    let at = rect.left_center() + vec2(10.0, 0.0);
    widgets::text(ui.painter(), at, Align2::LEFT_CENTER, "Keep as", font(12.0, Weight::Regular), Tokens::get(ui).t2);
    let entry = Entry {
        name: "Name of the rig profile",
        shown: "name of the rig…",
        is_known: false,
        is_given: false,
        draft: "",
        hint: "Keeps the limits as they are now under a name",
    };
    let row = Rect::from_min_max(rect.min + vec2(70.0, 0.0), rect.max - vec2(8.0, 0.0));
    if let Some(Entered::Value(name)) = entry.show(ui, row, parse_name) {
        app(AppCommand::SaveLimits(name));
        ui.close();
    }
    if quality.limits_name != "default" {
        let keep = format!("Keep in “{}”", quality.limits_name);
        if quality.limits_are_changed && menu_action(ui, icons::FLOPPY_DISK, &keep, "", true) {
            app(AppCommand::SaveLimits(quality.limits_name.to_owned()));
            ui.close();
        }
        let forget = format!("Forget “{}”", quality.limits_name);
        if menu_action(ui, icons::TRASH, &forget, "", true) {
            app(AppCommand::RemoveLimits(quality.limits_name.to_owned()));
            ui.close();
        }
    }
    ui.separator();
    let is_paused = quality.snapshot.progress.is_paused;
    let (icon, label) = if is_paused { (icons::PLAY, "Go on checking") } else { (icons::PAUSE, "Pause checking") };
    if menu_action(ui, icon, label, "", true) {
        commands.push(Command::Session(SessionCommand::ToggleChecking));
        ui.close();
    }
    if menu_row(ui, "Notify of new alarms", model.state.panels.notifies) {
        commands.push(Command::ToggleNotify);
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a name".to_owned()),
        "default" => Err("that one stays as it is".to_owned()),
        name => Ok(name.to_owned()),
    }
}
