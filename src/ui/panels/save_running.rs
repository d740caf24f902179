//! Data that are being written, in the line at the bottom of the window: how far that is, and a way to stop it.

use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::overlay::{self, within};
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{Button, Fill, icon_button, runs};
use super::super::{AppCommand, Command, Leave, Model, Running, SessionCommand, format, icons};

/// Room that it takes.
const WIDTH: f32 = 248.0;
/// Cells of the bar.
const CELLS: usize = 4;

/// Room that it takes at the right end of the line; 0 where nothing is written.
pub fn width(model: &Model<'_>) -> f32 {
    if model.saving.data.running.is_some() { WIDTH } else { 0.0 }
}

/// Draws it at the right end of the line.
pub fn running_ui(ui: &mut Ui, bar: Rect, running: &Running, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let rect = Rect::from_min_max(pos2(bar.right() - WIDTH, bar.top()), bar.max - vec2(8.0, 0.0));
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
    response.on_hover_text(format!("Writing {}{}", running.name, rate(running)));
}

/// How much of it there is, and how fast that goes.
fn rate(running: &Running) -> String {
    let [done, all] = [running.done_bytes, running.num_bytes].map(format::size);
    let per_s = running.bytes_per_s.map(|rate| format!(", {} a second", format::size(rate as u64)));
    format!(": {done} of {all}{}", per_s.unwrap_or_default())
}

/// What is being written where the line at the bottom of a recording is not there to show it, and the question what
/// becomes of it when the window is to be closed.
pub fn writing_ui(ui: &mut Ui, running: &Running, is_seen: bool, leaving: Option<Leave>, commands: &mut Vec<Command>) {
    let screen = ui.max_rect();
    if !is_seen {
        let bar = Rect::from_min_max(pos2(screen.left(), screen.bottom() - 24.0), screen.max);
        within(ui, bar, "writing", |ui| running_ui(ui, bar, running, commands));
    }
    if let Some(leaving) = leaving {
        let is_dismissed = overlay::modal(ui, ["Still writing", &running.name, ""], 480.0, |ui| {
            question_ui(ui, running, leaving, commands);
        });
        if is_dismissed || ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            commands.push(Command::App(AppCommand::Leave(Leave::Stay)));
        }
    }
}

fn question_ui(ui: &mut Ui, running: &Running, leaving: Leave, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let words = match leaving {
        Leave::Stay => format!(
            "{}\u{2009}% is written{}. Where it is stopped, nothing is left of it.",
            (running.fraction * 100.0) as u32,
            left(running)
        ),
        Leave::WhenWritten => format!("The window closes when it is written{}.", left(running)),
        Leave::Stop => "The window closes as soon as it has stopped.".to_owned(),
    };
    let galley = ui.painter().layout(words.clone(), font(13.0, Weight::Regular), tokens.t2, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &words));
    ui.painter().galley(rect.min, galley, tokens.t2);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let answers = [
        (Leave::WhenWritten, "Close when it is written", Fill::Accent, "", leaving == Leave::Stay),
        (Leave::Stop, "Stop and close", Fill::Field, "", leaving != Leave::Stop),
        (Leave::Stay, "Stay", Fill::Field, "Esc", leaving != Leave::Stop),
    ];
    let mut left = rect.left();
    for (leave, text, fill, key, is_offered) in answers {
        let button = Button { text, fill, key, ..Button::default() };
        let width = button.width(ui) + 8.0;
        if is_offered && button.show(ui, Rect::from_min_size(pos2(left, rect.top()), vec2(width, 32.0))) {
            commands.push(Command::App(AppCommand::Leave(leave)));
        }
        left += if is_offered { width + 8.0 } else { 0.0 };
    }
}

fn left(running: &Running) -> String {
    let seconds = running.seconds_left.map(|seconds| format::duration_s(seconds.ceil().max(1.0)));
    seconds.map(|seconds| format!(", {seconds} are left")).unwrap_or_default()
}
