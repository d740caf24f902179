//! Drawing what the program shows: one screen of the interface for each state of it.

use std::time::{Duration, Instant};

use super::session_ui::{SessionUi, session_steer, session_ui};
use crate::app::program::{Program, Screen};
use crate::render::RendererHandle;
use crate::ui::{self, Command, Opening};

/// What the user asks of the view of an open recording before anything is drawn.
pub fn screen_steer(ui: &egui::Ui, program: &mut Program) -> Vec<Command> {
    match program.screen().0 {
        Screen::Session { session, .. } => session_steer(ui, session),
        Screen::Welcome(_) | Screen::Opening(_) | Screen::Waiting(_) | Screen::Failed(_) => Vec::new(),
    }
}

/// Draws the screen and returns what the user asked for.
pub fn screen_ui(
    ui: &mut egui::Ui,
    program: &mut Program,
    renderer: &RendererHandle,
    state: &mut SessionUi,
    now: Instant,
) -> Vec<Command> {
    let mut commands = shown_ui(ui, program, renderer, state, now);
    if let Some(running) = program.running() {
        let is_seen = matches!(program.screen().0, Screen::Session { .. });
        ui::writing_ui(ui, &running, is_seen, program.leaving(), &mut commands);
    }
    commands
}

fn shown_ui(
    ui: &mut egui::Ui,
    program: &mut Program,
    renderer: &RendererHandle,
    state: &mut SessionUi,
    now: Instant,
) -> Vec<Command> {
    let (screen, view) = program.screen();
    match screen {
        Screen::Welcome(welcome) => ui::welcome_ui(ui, view, &welcome),
        Screen::Opening(job) => {
            ui.ctx().request_repaint_after(Duration::from_millis(100));
            let opening = Opening {
                location: &job.location,
                elapsed_s: now.saturating_duration_since(job.started).as_secs_f64(),
                progress: job.progress(),
                step: job.step(),
            };
            ui::opening_ui(ui, view, &opening)
        }
        Screen::Waiting(wait) => ui::waiting_ui(ui, view, &wait.location, &wait.what),
        Screen::Failed(failure) => failure.show(|error| ui::error_ui(ui, view, error)),
        Screen::Session { session, failure, sheet, recent } => {
            let mut commands = session_ui(ui, session, renderer, state, recent, now);
            if let Some(sheet) = sheet {
                let ctx = ui.ctx().clone();
                let load = |image| ctx.load_texture("array", image, egui::TextureOptions::LINEAR);
                sheet.show(load, |sheet| ui::axes_ui(ui, sheet, &mut commands));
            }
            if let Some(failure) = failure {
                failure.show(|error| ui::not_opened_ui(ui, error, &mut commands));
            }
            commands
        }
    }
}
