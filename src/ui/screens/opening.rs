//! A dataset is being opened: what, how far, and a way out.

use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{Button, elided, runs, text};
use super::super::{AppCommand, Command, Opening, ViewState, format};
use super::{ground, keys};

/// Draws the screen.
pub fn opening_ui(ui: &mut Ui, state: &ViewState, opening: &Opening<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let room = ground(ui, state, &mut commands);
    let tokens = Tokens::of(state.panels.theme);
    let width = 420.0_f32.min(room.width() - 48.0);
    let center = room.center();
    let left = center.x - width / 2.0;
    let name = opening.location.short();
    let heading = format!("Opening {name}");
    let shown = format!("Opening {}", elided(ui, &name, font(15.0, Weight::SemiBold), width - 76.0));
    let title = runs(ui.painter(), 15.0, width, &[(shown.as_str(), Weight::SemiBold, tokens.t1)]);
    ui.painter().galley(pos2(left, center.y - 56.0), title, tokens.t1);
    let path = opening.location.to_string();
    let path = elided(ui, &path, font(12.0, Weight::Regular), width);
    let place = runs(ui.painter(), 12.0, width, &[(path.as_str(), Weight::Regular, tokens.t3)]);
    ui.painter().galley(pos2(left, center.y - 32.0), place, tokens.t3);

    let bar = Rect::from_min_size(pos2(left, center.y), vec2(width, 4.0));
    ui.painter().rect_filled(bar, 2.0, tokens.bg3);
    let part = match opening.progress {
        Some(progress) => Rect::from_min_size(bar.min, vec2(width * progress.clamp(0.0, 1.0), 4.0)),
        None => {
            // A length unknown: a piece that travels, by the clock of the opening itself.
            let phase = (opening.elapsed_s * 0.8).fract() as f32;
            let start = left + width * (phase * 1.3 - 0.3);
            Rect::from_min_size(pos2(start, bar.top()), vec2(width * 0.3, 4.0)).intersect(bar)
        }
    };
    ui.painter().rect_filled(part, 2.0, tokens.accent);
    let response = ui.interact(bar, ui.make_persistent_id("progress"), Sense::hover());
    response.widget_info(|| WidgetInfo {
        value: opening.progress.map(f64::from),
        ..WidgetInfo::labeled(egui::accesskit::Role::ProgressIndicator, true, &heading)
    });

    let y = center.y + 30.0;
    text(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, opening.step, font(12.0, Weight::Regular), tokens.t2);
    let cancel = Button { text: "Cancel", hint: "Give up opening it", key: "Esc", ..Button::default() };
    let area = Rect::from_min_size(pos2(left + width - 72.0, y - 13.0), vec2(72.0, 26.0));
    if opening.elapsed_s >= 1.0 {
        let elapsed = format::duration_s(opening.elapsed_s);
        let at = pos2(area.left() - 12.0, y);
        text(ui.painter(), at, Align2::RIGHT_CENTER, &elapsed, font(12.0, Weight::Regular), tokens.t3);
    }
    if cancel.show(ui, area) {
        commands.push(Command::App(AppCommand::CancelOpening));
    }
    keys(ui, state, Some(Command::App(AppCommand::CancelOpening)), &mut commands);
    commands
}
