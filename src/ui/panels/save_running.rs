//! Data that are being written, in the line at the bottom of the window: how far that is, and a way to stop it.

use egui::accesskit::Role;
use egui::{Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight};
use super::super::widgets::{Fill, icon_button, runs};
use super::super::{Command, Model, SessionCommand, format, icons};

/// Cells of the bar.
const CELLS: usize = 4;

/// Room that it takes at the right end of the line; 0 where nothing is written.
pub fn width(model: &Model<'_>) -> f32 {
    if model.saving.data.running.is_some() { 248.0 } else { 0.0 }
}

/// Draws it at the right end of the line.
pub fn running_ui(ui: &mut Ui, bar: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some(running) = &model.saving.data.running else { return };
    let tokens = Tokens::get(ui);
    let rect = Rect::from_min_max(pos2(bar.right() - width(model), bar.top()), bar.max - vec2(8.0, 0.0));
    let stop = Rect::from_center_size(rect.right_center() - vec2(10.0, 0.0), vec2(20.0, 20.0));
    let name = format!("Stop writing {}", running.name);
    if icon_button(ui, stop, icons::X, false, Fill::None, &name, "").clicked() {
        commands.push(Command::Session(SessionCommand::CancelSaving));
    }
    let mut left = rect.left() + 4.0;
    for cell in 0..CELLS {
        let area = Rect::from_min_size(pos2(left, rect.center().y - 4.0), vec2(6.0, 8.0));
        let part = (running.fraction * CELLS as f32 - cell as f32).clamp(0.0, 1.0);
        ui.painter().rect_filled(area, 1.0, tokens.bg3);
        let filled = Rect::from_min_max(pos2(area.left(), area.bottom() - area.height() * part), area.max);
        ui.painter().rect_filled(filled, 1.0, tokens.accent);
        left += 8.0;
    }
    let percent = format!("{}\u{2009}%", (running.fraction * 100.0) as u32);
    let time = match running.seconds_left {
        _ if running.is_stopping => " · stopping…".to_owned(),
        Some(seconds) => format!(" · {} left", format::duration_s(seconds.ceil().max(1.0))),
        None => String::new(),
    };
    let at = pos2(left + 4.0, rect.center().y);
    let parts = [(percent.as_str(), Weight::Medium, tokens.t1), (time.as_str(), Weight::Regular, tokens.t2)];
    let galley = runs(ui.painter(), 11.5, stop.left() - at.x - 4.0, &parts);
    ui.painter().galley(at - vec2(0.0, galley.size().y / 2.0), galley, tokens.t1);
    let area = Rect::from_min_max(rect.min, pos2(stop.left(), rect.bottom()));
    let response = ui.interact(area, ui.make_persistent_id("writing"), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, format!("Writing {}", running.name));
        info.current_text_value = Some(format!("{percent}{time}"));
        info
    });
    response.on_hover_text(format!("Writing {}", running.name));
}
