//! Everything found wrong with the recording, each once, with its file.

use egui::{Align2, Rect, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, filled_icon_font, font};
use super::super::widgets::{Button, elided, runs};
use super::super::{AppCommand, Command, Model, Overlay, SessionCommand, format, overlay};
use crate::volume::{Problem, Severity, Span, codes};

/// The list over the window.
pub fn problems_ui(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    overlay::dialog(ui, Overlay::Problems, "Problems", 560.0, commands, |ui, commands| {
        if model.problems.is_empty() {
            ui.label("Nothing is wrong with this recording.");
        }
        let max = (ui.ctx().content_rect().height() - 220.0).max(120.0);
        ScrollArea::vertical().max_height(max).min_scrolled_height(max).auto_shrink([false, true]).show(ui, |ui| {
            for (index, problem) in model.problems.iter().enumerate() {
                if index > 0 {
                    ui.add_space(10.0);
                }
                problem_ui(ui, problem);
            }
        });
        choices_ui(ui, model, commands);
    });
}

/// What can be done about some of them.
fn choices_ui(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let has = |code: &str| model.problems.iter().any(|problem| problem.code == code);
    let mut choices = Vec::new();
    if model.problems.iter().any(|problem| problem.severity == Severity::Error) {
        choices.push((
            "Read again",
            icons::ARROW_CLOCKWISE,
            "Try again what could not be read",
            Command::Session(SessionCommand::RetryFailures),
        ));
    }
    if has(codes::SUSPECT_BLOCK) {
        let why = "Show the recording without the blocks that may be of an earlier one; no file is touched";
        choices.push(("Leave doubtful blocks out", icons::EYE, why, Command::App(AppCommand::LeaveOutSuspects(true))));
    }
    if has(codes::LEFT_OUT_BLOCK) {
        let why = "Show the blocks that were left out as doubtful";
        choices.push(("Show doubtful blocks", icons::EYE, why, Command::App(AppCommand::LeaveOutSuspects(false))));
    }
    if choices.is_empty() {
        return;
    }
    ui.add_space(14.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let mut right = rect.right();
    for (text, icon, hint, command) in choices {
        let button = Button { text, icon, hint, ..Button::default() };
        let width = button.width(ui) + 8.0;
        if button.show(ui, Rect::from_min_size(pos2(right - width, rect.top()), vec2(width, 28.0))) {
            commands.push(command);
        }
        right -= width + 8.0;
    }
}

fn problem_ui(ui: &mut Ui, problem: &Problem) {
    let tokens = Tokens::get(ui);
    let (icon, color) = match problem.severity {
        Severity::Note => (icons::INFO, tokens.t2),
        Severity::Warning => (icons::WARNING, tokens.warn),
        Severity::Error => (icons::WARNING_OCTAGON, tokens.bad),
    };
    let width = ui.available_width() - 24.0;
    let mut heading = problem.message.clone();
    if let Some(first) = heading.get(..1) {
        heading = first.to_uppercase() + &heading[1..];
    }
    let body = ui.painter().layout(heading.clone(), font(13.0, Weight::Regular), tokens.t1, width);
    let mut place = Vec::new();
    if let Some(file) = &problem.file {
        place.push(file.to_string());
    }
    if let Some(Span { axis, range: [start, stop] }) = problem.span {
        place.push(if stop == start + 1 {
            format!("{axis} {}", format::integer(start as i64))
        } else {
            format!("{axis} {} – {}", format::integer(start as i64), format::integer(stop.saturating_sub(1) as i64))
        });
    }
    let place = place.join("  ·  ");
    let cut = elided(ui, &place, font(11.5, Weight::Regular), width);
    let below = runs(ui.painter(), 11.5, width, &[(cut.as_str(), Weight::Regular, tokens.t3)]);
    let height = body.size().y + if place.is_empty() { 0.0 } else { below.size().y + 2.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::ListItem, true, format!("{heading} {place}")));
    let icon_at = pos2(rect.left() + 8.0, rect.top() + 8.0);
    ui.painter().text(icon_at, Align2::CENTER_CENTER, icon, filled_icon_font(15.0), color);
    let body_height = body.size().y;
    ui.painter().galley(rect.min + vec2(24.0, 0.0), body, tokens.t1);
    ui.painter().galley(rect.min + vec2(24.0, body_height + 2.0), below, tokens.t3);
    if !place.is_empty() {
        response.on_hover_text(place);
    }
}
