//! The window around the program: input goes in as commands and answers of dialogs, effects are carried out,
//! and what the program shows is drawn. Everything that is eframe's is here.

mod place;
mod screens;
mod session_ui;

use std::path::Path;
use std::time::{Duration, Instant};

pub use place::build;
use screens::{screen_steer, screen_ui};
#[cfg(test)]
pub use session_ui::session_steer;
pub use session_ui::{SessionUi, session_ui};

use super::dialog::FileDialog;
use super::effects::{Ask, Effect, PathField};
use super::notify::notify;
use super::program::Program;
use super::wake::Wake;
use crate::format::OpenOptions;
use crate::render::RendererHandle;
use crate::ui;
use crate::volume::Location;

/// The window of one process.
pub struct TectumApp {
    program: Program,
    renderer: RendererHandle,
    wake: Wake,
    dialogs: Vec<(Ask, FileDialog)>,
    state: SessionUi,
    /// Voxels a side that a texel of the last picture stood for.
    reduction: usize,
    /// Whether the window still has to be looked for on the screens there are.
    is_new: bool,
}

impl TectumApp {
    /// A window for the program, drawn by the renderer.
    pub fn new(ctx: &egui::Context, mut program: Program, renderer: RendererHandle, wake: Wake) -> Self {
        ui::theme::install(ctx, program.preferences().panels.theme);
        wake.attach(ctx);
        program.attach(&renderer);
        let (dialogs, state) = (Vec::new(), SessionUi::default());
        Self { program, renderer, wake, dialogs, state, reduction: 1, is_new: true }
    }

    /// What happens without the user, before each frame or instead of it.
    fn step(&mut self, ctx: &egui::Context, now: Instant) {
        for (ask, picked) in self.closed_dialogs() {
            self.program.answer(ask, picked);
        }
        if let Some(place) = place::now(ctx, self.program.window_place()) {
            self.program.set_window_place(place);
        }
        let is_in_front = ctx.input(|input| input.raw.focused && input.raw.viewport().minimized != Some(true));
        self.program.set_in_front(is_in_front);
        if ctx.input(|input| input.viewport().close_requested()) && !self.program.may_leave() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            ctx.request_repaint();
        }
        self.program.step(now);
        self.perform(ctx);
    }

    fn closed_dialogs(&mut self) -> Vec<(Ask, super::dialog::Picked)> {
        let mut closed = Vec::new();
        self.dialogs.retain(|(ask, dialog)| match dialog.try_result() {
            Some(picked) => {
                closed.push((*ask, picked));
                false
            }
            None => true,
        });
        closed
    }

    /// Draws a frame and carries out what was asked for in it.
    fn frame(&mut self, ui: &mut egui::Ui, now: Instant) {
        let ctx = ui.ctx().clone();
        // Not while hidden: the input is then that of the last frame that was drawn.
        let dropped: Option<Location> =
            ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().into()));
        if let Some(location) = dropped {
            self.program.open(location, OpenOptions::default());
        }
        // What moves the view first: everything that is drawn then shows its answer.
        let commands = screen_steer(ui, &mut self.program);
        self.program.carry_out(&commands, now);
        self.program.look(now);
        let commands = screen_ui(ui, &mut self.program, &self.renderer, &mut self.state, now);
        if self.program.carry_out(&commands, now) {
            ctx.request_repaint();
        }
        self.perform(&ctx);
    }

    /// Carries out what the program asks of its window.
    fn perform(&mut self, ctx: &egui::Context) {
        for effect in self.program.drain_effects() {
            match effect {
                Effect::Title(title) => ctx.send_viewport_cmd(egui::ViewportCommand::Title(title)),
                Effect::RepaintAfter(Duration::ZERO) => ctx.request_repaint(),
                Effect::RepaintAfter(pause) => ctx.request_repaint_after(pause),
                Effect::Notes(notes) => ui::notes::publish(ctx, notes),
                Effect::PathField(PathField::Clear) => ui::clear_typed_path(ctx),
                Effect::PathField(PathField::Keep(path)) => ui::keep_typed_path(ctx, &path),
                Effect::PathField(PathField::Focus(why)) => ui::focus_path_field(ctx, why),
                Effect::PathField(PathField::Complete(completion)) => ui::complete_path(ctx, &completion),
                Effect::Dialog(ask, start) => {
                    self.dialogs.push((ask, FileDialog::show(ask, start, self.wake.callback())));
                }
                Effect::TypeOperation(begin, why) => {
                    let steps = self.program.session().map(|session| session.view.layer().operations.clone());
                    ui::type_operation(ctx, &steps.unwrap_or_default(), &begin, why);
                }
                Effect::CopyPicture(image) => {
                    let size = [image.width() as usize, image.height() as usize];
                    ctx.copy_image(egui::ColorImage::from_rgba_unmultiplied(size, image.as_raw()));
                }
                Effect::Close => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
                Effect::Notify { title, body } => notify(title, body),
                Effect::ShowFolder(folder) => show_folder(&folder),
            }
        }
    }

    /// Once, when the picture is drawn coarser than before for want of memory, that is said.
    fn note_reduction(&mut self) {
        let reduction = self.renderer.stats().reduction;
        if reduction > std::mem::replace(&mut self.reduction, reduction) {
            tracing::warn!(
                "the picture is too large for the graphics memory and is drawn at 1/{reduction} of its voxels a side; \
                 values under the pointer and exports are whole, --gpu gives it more memory"
            );
        }
    }
}

impl eframe::App for TectumApp {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.step(ctx, Instant::now());
        if std::mem::take(&mut self.is_new) {
            place::bring_back(ctx, frame, self.program.window_place());
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        // A software rasteriser is late enough: no waiting for the screen on top.
        let surface = egui_wgpu::SurfaceConfig {
            present_mode: wgpu::PresentMode::AutoNoVsync,
            ..egui_wgpu::SurfaceConfig::LOW_LATENCY
        };
        if self.renderer.stats().is_software && frame.wgpu_surface_config() != Some(surface) {
            frame.set_wgpu_surface_config(surface);
        }
        let ctx = ui.ctx().clone();
        tracing::trace!(causes = ?ctx.repaint_causes(), pass = ctx.current_pass_index(), "frame");
        self.renderer.begin_frame(&ctx);
        let begin = Instant::now();
        self.frame(ui, begin);
        tracing::trace!(us = begin.elapsed().as_micros() as u64, "drawn");
        if self.renderer.stats().pending_uploads {
            ctx.request_repaint();
        }
        self.note_reduction();
    }

    fn on_exit(&mut self) {
        self.program.end_writing();
        self.program.keep_everything();
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        [0.0, 0.0, 0.0, 1.0]
    }
}

/// Opens a folder in the system's own program.
fn show_folder(folder: &Path) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    if let Err(error) = std::process::Command::new(program).arg(folder).spawn() {
        tracing::warn!("{}: cannot be shown by {program}: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests;
