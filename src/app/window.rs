//! The eframe app: which screen is shown, and carrying out what is not a change of the view.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::dialog::{FileDialog, Picked};
use super::open_job::OpenJob;
use super::recent::Recent;
use super::session::Session;
use super::wake::Wake;
use crate::array::ViewInfo;
use crate::format::{FormatError, OpenOptions};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use crate::render::{InterfacePainter, RendererHandle};
use crate::stream::StreamConfig;
use crate::ui::{self, AppCommand, Command, OpenError, Opening, ViewState, Welcome};
use crate::volume::DType;

/// What a command is checked against while nothing is open.
const NO_DATASET: ViewInfo =
    ViewInfo { shape: [1; 4], dtype: DType::U8, voxel_size: None, rate_hz: None, has_axis: [false; 4] };

/// The window of one process.
pub struct TectumApp {
    screen: Screen,
    renderer: RendererHandle,
    wake: Wake,
    preferences: ViewState,
    config: StreamConfig,
    recent: Recent,
    dialog: Option<FileDialog>,
    /// Where a picture is to be saved.
    save_dialog: Option<FileDialog>,
    note: Option<String>,
    title: String,
    /// Where every pixel is computed by the CPU.
    painter: Option<InterfacePainter>,
}

enum Screen {
    Welcome,
    Opening { job: OpenJob, previous: Option<Box<Session>> },
    Shown(Box<Session>),
    Waiting { watcher: Watcher, path: PathBuf, options: OpenOptions, what: String },
    Failed { error: FormatError, path: PathBuf },
}

impl TectumApp {
    /// The app with its renderer; `job` is an opening that began before the window was there.
    pub fn new(
        ctx: &egui::Context,
        renderer: RendererHandle,
        wake: Wake,
        config: StreamConfig,
        job: Option<OpenJob>,
        painter: Option<InterfacePainter>,
    ) -> Self {
        let preferences = ViewState::default();
        ui::theme::install(ctx, preferences.theme);
        ui::theme::fill_by_renderer(ctx);
        // Circles are not drawn from the text's texture, which the painter does not filter.
        ctx.tessellation_options_mut(|options| options.prerasterized_discs = painter.is_none());
        wake.attach(ctx);
        Self {
            screen: job.map_or(Screen::Welcome, |job| Screen::Opening { job, previous: None }),
            renderer,
            wake,
            preferences,
            config,
            recent: Recent::load(),
            dialog: None,
            save_dialog: None,
            note: None,
            title: String::new(),
            painter,
        }
    }

    fn open(&mut self, path: &Path, options: OpenOptions) {
        let job = OpenJob::start(path, options, &self.preferences, &self.config, self.wake.callback());
        self.begin(job);
    }

    fn begin(&mut self, job: OpenJob) {
        let previous = match std::mem::replace(&mut self.screen, Screen::Welcome) {
            Screen::Shown(session) => Some(session),
            Screen::Opening { previous, .. } => previous,
            Screen::Welcome | Screen::Waiting { .. } | Screen::Failed { .. } => None,
        };
        self.note = None;
        self.screen = Screen::Opening { job, previous };
    }

    /// Takes in what other threads have finished.
    fn collect(&mut self, ctx: &egui::Context) {
        if let Screen::Opening { job, .. } = &self.screen
            && let Some(outcome) = job.try_result()
        {
            let path = job.path.clone();
            self.screen = match outcome {
                Ok(session) => {
                    self.recent.add(&path);
                    Screen::Shown(session)
                }
                Err(error) if error.is_absent => {
                    let options = job.options();
                    let config = WatchConfig::default();
                    let watcher = Watcher::start(&path, options.clone(), None, config, self.wake.callback());
                    Screen::Waiting { watcher, path, options, what: "a recording".to_owned() }
                }
                Err(error) => Screen::Failed { error, path },
            };
        }
        if let Screen::Waiting { watcher, path, options, what } = &mut self.screen {
            let has_opened = watcher.drain().iter().any(|event| matches!(event, LiveEvent::Opened(_)));
            if let LiveState::Waiting { what: now } = watcher.status().state {
                *what = now;
            }
            if has_opened {
                let (path, options) = (path.clone(), options.clone());
                self.open(&path, options);
            }
        }
        if let Some(picked) = self.dialog.as_ref().and_then(FileDialog::try_result) {
            self.dialog = None;
            match picked {
                Picked::Path(path) => self.open(&path, OpenOptions::default()),
                Picked::Nothing => {}
            }
        }
        if let Some(picked) = self.save_dialog.as_ref().and_then(FileDialog::try_result) {
            self.save_dialog = None;
            if let (Picked::Path(path), Screen::Shown(session)) = (picked, &mut self.screen) {
                session.set_save_path(&path);
            }
        }
        let dropped = ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            self.open(&path, OpenOptions::default());
        }
    }

    /// Carries out a command that is no change of the view.
    fn carry_out(&mut self, command: AppCommand) {
        match command {
            AppCommand::OpenPath(path) => self.open(&path, OpenOptions::default()),
            AppCommand::BrowseFolder => self.browse(false),
            AppCommand::BrowseFile => self.browse(true),
            AppCommand::BrowseStillPath => {
                if let (Screen::Shown(session), None) = (&self.screen, &self.save_dialog) {
                    self.save_dialog = Some(FileDialog::save(&session.save_path(), self.wake.callback()));
                }
            }
            AppCommand::OpenDemo => {
                let job = OpenJob::demo(&self.preferences, &self.config, self.wake.callback());
                self.begin(job);
            }
            AppCommand::CancelOpening => {
                if let Screen::Opening { previous, .. } = &mut self.screen {
                    self.screen = previous.take().map_or(Screen::Welcome, Screen::Shown);
                }
            }
            AppCommand::CloseDataset => self.screen = Screen::Welcome,
            AppCommand::ChooseDataset(index) => {
                let chosen = match &self.screen {
                    Screen::Shown(session) => session.dataset_name(index).map(|name| {
                        let options = OpenOptions { dataset: Some(name.to_owned()), ..session.options.clone() };
                        (session.path.clone(), options)
                    }),
                    _ => None,
                };
                if let Some((path, options)) = chosen {
                    self.open(&path, options);
                }
            }
            AppCommand::RemoveRecent(path) => self.recent.remove(&path),
        }
    }

    /// One dialog at a time.
    fn browse(&mut self, for_files: bool) {
        if self.dialog.is_none() {
            let folder = self.recent.paths().first().and_then(|path| path.parent()).map(Path::to_owned);
            self.dialog = Some(FileDialog::show(for_files, folder, self.wake.callback()));
        }
    }

    /// One screen's drawing; what the open dataset carries out is done here.
    fn draw(&mut self, ui: &mut egui::Ui, now: Instant) -> Vec<AppCommand> {
        let now_s = ui.input(|input| input.time);
        let commands = match &mut self.screen {
            Screen::Welcome => {
                let welcome = Welcome {
                    recent: self.recent.paths(),
                    is_browsing: self.dialog.is_some(),
                    note: self.note.as_deref(),
                };
                ui::welcome_ui(ui, &self.preferences, &welcome)
            }
            Screen::Opening { job, .. } => {
                ui.ctx().request_repaint_after(Duration::from_millis(100));
                let opening = Opening {
                    path: &job.path,
                    elapsed_s: now.duration_since(job.started).as_secs_f64(),
                    progress: job.progress(),
                    step: job.step(),
                };
                ui::opening_ui(ui, &self.preferences, &opening)
            }
            Screen::Waiting { path, what, .. } => ui::waiting_ui(ui, &self.preferences, path, what),
            Screen::Failed { error, path } => {
                let error = OpenError { file: &error.file, message: &error.message, path };
                ui::error_ui(ui, &self.preferences, &error)
            }
            Screen::Shown(session) => {
                if let Some(pause) = session.advance(now, now_s) {
                    ui.ctx().request_repaint_after(pause);
                }
                let commands = session.show(ui, &self.renderer, now, self.recent.paths());
                let (changed, for_app) = session.carry_out(&commands, now, now_s);
                if changed {
                    // The picture and the numbers of the new view are drawn in this very frame.
                    ui.ctx().request_discard("the view changed");
                    self.preferences = session.view.clone();
                }
                return for_app;
            }
        };
        // Outside a dataset a command may still change the preferences: the theme, an overlay.
        for command in &commands {
            self.preferences.apply(command, &NO_DATASET);
        }
        commands.iter().filter_map(Command::for_app).collect()
    }

    fn update_title(&mut self, ctx: &egui::Context) {
        let title = match &self.screen {
            Screen::Shown(session) => format!("{} – Tectum", session.name()),
            _ => "Tectum".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

impl eframe::App for TectumApp {
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let now = Instant::now();
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
        self.collect(&ctx);
        for command in self.draw(ui, now) {
            self.carry_out(command);
            ctx.request_repaint();
        }
        self.update_title(&ctx);
        if self.renderer.stats().pending_uploads {
            ctx.request_repaint();
        }
        if let Some(painter) = &self.painter
            && !ctx.will_discard()
        {
            painter.take_over(&ctx);
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        [0.0, 0.0, 0.0, 1.0]
    }
}
