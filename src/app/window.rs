//! The eframe app: which screen is shown, and carrying out what is not a change of the view.
//!
//! What happens without the user (openings that end, a recording that grows, playing) happens in
//! [`TectumApp::step`], also while the window is covered or minimised and nothing is drawn.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::activity::Activity;
use super::complete::Completer;
use super::dialog::{FileDialog, Picked};
use super::keeping::Keeping;
use super::memory::{Memory, Preferences};
use super::notes::Notes;
use super::open_job::{OpenJob, Opener};
use super::recent::Recent;
use super::session::Session;
use super::wake::Wake;
use crate::array::ViewInfo;
use crate::format::OpenOptions;
use crate::render::{InterfacePainter, RendererHandle};
use crate::stream::StreamConfig;
use crate::ui::{self, AppCommand, Command, Forget, Opening, Overlay, Tell, Welcome};
use crate::volume::DType;

/// What a command is checked against while nothing is open.
const NO_DATASET: ViewInfo =
    ViewInfo { shape: [1; 4], dtype: DType::U8, voxel_size: None, rate_hz: None, has_axis: [false; 4] };

/// The window of one process.
pub struct TectumApp {
    /// The recording that is open. It stays while another is being opened, and if that fails.
    pub(super) session: Option<Box<Session>>,
    /// What goes on beside it.
    pub(super) activity: Activity,
    renderer: RendererHandle,
    wake: Wake,
    pub(super) preferences: Preferences,
    pub(super) memory: Memory,
    pub(super) keeping: Keeping,
    config: StreamConfig,
    recent: Recent,
    notes: Notes,
    notes_version: u64,
    dialog: Option<FileDialog>,
    /// Where a picture is to be saved.
    save_dialog: Option<FileDialog>,
    completer: Option<Completer>,
    title: String,
    /// Where every pixel is computed by the CPU.
    painter: Option<InterfacePainter>,
    start: Instant,
    /// Voxels a side that a texel of the last picture stood for.
    reduction: usize,
    /// Whether the last step was followed by drawing: a hidden window only steps.
    was_drawn: bool,
}

/// What the app begins with.
pub struct Beginning {
    /// What is remembered from former runs.
    pub preferences: Preferences,
    /// Paths opened before.
    pub recent: Recent,
    /// Where to keep what is worth it.
    pub memory: Memory,
    /// What goes wrong on the program's own side.
    pub notes: Notes,
    /// An opening that began before the window was there.
    pub job: Option<OpenJob>,
}

impl TectumApp {
    /// The app with its renderer.
    pub fn new(
        ctx: &egui::Context,
        renderer: RendererHandle,
        wake: Wake,
        config: StreamConfig,
        beginning: Beginning,
        painter: Option<InterfacePainter>,
    ) -> Self {
        let Beginning { preferences, recent, memory, notes, job } = beginning;
        ui::theme::install(ctx, preferences.view.theme);
        ui::theme::fill_by_renderer(ctx);
        // Circles are not drawn from the text's texture, which the painter does not filter.
        ctx.tessellation_options_mut(|options| options.prerasterized_discs = painter.is_none());
        wake.attach(ctx);
        notes.set_wake(wake.callback());
        Self {
            session: None,
            activity: job.map_or(Activity::Idle, Activity::Opening),
            renderer,
            wake,
            keeping: Keeping::new(&preferences),
            preferences,
            memory,
            config,
            recent,
            notes,
            notes_version: 0,
            dialog: None,
            save_dialog: None,
            completer: None,
            title: String::new(),
            painter,
            start: Instant::now(),
            reduction: 1,
            was_drawn: true,
        }
    }

    /// Opens a path, beside what is open until it is there.
    pub(super) fn open(&mut self, path: &Path, options: OpenOptions) {
        let job = OpenJob::start(path, options, self.opener());
        self.activity = Activity::Opening(job);
    }

    fn opener(&self) -> Opener {
        Opener {
            preferences: self.preferences.view.clone(),
            config: self.config.clone(),
            memory: self.memory.clone(),
            wake: self.wake.callback(),
            is_expected: false,
        }
    }

    /// Everything that happens without the user. Called before each frame, and instead of it while the
    /// window is not seen.
    pub(super) fn step(&mut self, ctx: &egui::Context, now: Instant) {
        let is_hidden = !std::mem::take(&mut self.was_drawn);
        self.collect(ctx);
        let now_s = now.duration_since(self.start).as_secs_f64();
        if let Some(session) = &mut self.session {
            if is_hidden {
                session.look_without_drawing();
            }
            if let Some(pause) = session.advance(now, now_s) {
                ctx.request_repaint_after(pause);
            }
        }
        if let Some(notes) = self.notes.since(&mut self.notes_version) {
            ui::notes::publish(ctx, notes);
        }
        if let Some(pause) = self.keep(ctx, now) {
            ctx.request_repaint_after(pause);
        }
        self.update_title(ctx);
    }

    /// Takes in what other threads have finished.
    fn collect(&mut self, ctx: &egui::Context) {
        match self.activity.poll(&self.wake) {
            Some(Ok((session, path))) => {
                self.keep_view();
                self.recent.add(&path);
                self.session = Some(session);
                self.keeping.opened(self.session.as_deref());
                ui::clear_typed_path(ctx);
            }
            Some(Err(path)) => {
                ui::keep_typed_path(ctx, &path.display().to_string());
                if let Some(session) = &mut self.session {
                    session.view.overlay = Some(Overlay::NotOpened);
                }
            }
            None => {}
        }
        if let Some((path, options)) = self.activity.has_appeared() {
            self.open(&path, options);
        }
        if let Some(picked) = self.dialog.as_ref().and_then(FileDialog::try_result) {
            self.dialog = None;
            match picked {
                Picked::Path(path) => self.open(&path, OpenOptions::default()),
                Picked::Nothing => {}
                Picked::NoDialog => self.ask_for_path(ctx),
            }
        }
        if let Some(picked) = self.save_dialog.as_ref().and_then(FileDialog::try_result) {
            self.save_dialog = None;
            if let (Picked::Path(path), Some(session)) = (picked, &mut self.session) {
                session.set_save_path(&path);
            }
        }
        if let Some(completion) = self.completer.as_ref().and_then(Completer::try_answer) {
            self.completer = None;
            ui::complete_path(ctx, &completion);
        }
    }

    /// Without a dialog a path is typed.
    fn ask_for_path(&mut self, ctx: &egui::Context) {
        if let (Some(session), Activity::Idle) = (&mut self.session, &self.activity) {
            session.view.overlay = Some(Overlay::Open);
        }
        ui::focus_path_field(ctx, "This system shows no file dialog: type the path here, Tab completes it");
    }

    /// Carries out a command that is no change of the view.
    pub(super) fn carry_out(&mut self, ctx: &egui::Context, command: AppCommand) {
        match command {
            AppCommand::OpenPath(path) => self.open(&path, OpenOptions::default()),
            AppCommand::BrowseFolder => self.browse(false),
            AppCommand::BrowseFile => self.browse(true),
            AppCommand::BrowseStillPath => {
                if let (Some(session), None) = (&self.session, &self.save_dialog) {
                    self.save_dialog = Some(FileDialog::save(&session.save_path(), self.wake.callback()));
                }
            }
            AppCommand::OpenDemo => self.activity = Activity::Opening(OpenJob::demo(self.opener())),
            AppCommand::CancelOpening => self.activity = Activity::Idle,
            AppCommand::CloseDataset => {
                self.keep_view();
                self.session = None;
                self.activity = Activity::Idle;
            }
            AppCommand::LeaveOutSuspects(is_left_out) => {
                self.open_again(|options| options.leave_out_suspects = is_left_out);
            }
            AppCommand::ChooseDataset(index) => {
                let name = self.session.as_ref().and_then(|session| session.dataset_name(index)).map(str::to_owned);
                if let Some(name) = name {
                    self.open_again(|options| options.dataset = Some(name));
                }
            }
            AppCommand::RemoveRecent(path) => self.recent.remove(&path),
            AppCommand::TryAgain => {
                if let Activity::Failed(failure) = &self.activity {
                    let (path, options) = (failure.path.clone(), failure.options.clone());
                    self.open(&path, options);
                }
            }
            AppCommand::WaitForRecording => self.activity.wait(&self.wake),
            AppCommand::CompletePath(typed) => {
                self.completer = Some(Completer::start(&typed, self.wake.callback()));
            }
            AppCommand::Tell(tell) => self.tell(tell),
            AppCommand::Forget(Forget::Recording) => self.forget_recording(ctx),
            AppCommand::Forget(Forget::Everything) => {
                self.recent.clear();
                self.memory.forget_all();
                self.keeping.forget(&self.preferences, self.session.as_deref());
            }
            AppCommand::ClearNotes => self.notes.clear(),
        }
    }

    /// Opens what is open once more, in another way.
    fn open_again(&mut self, change: impl FnOnce(&mut OpenOptions)) {
        let Some(session) = &self.session else { return };
        let (path, mut options) = (session.path.clone(), session.options.clone());
        change(&mut options);
        self.keep_view();
        self.open(&path, options);
    }

    /// Takes over what the user says of the recording, and remembers it for the folder.
    fn tell(&mut self, tell: Tell) {
        let Some(session) = &mut self.session else { return };
        let mut given = session.given().clone();
        match &tell {
            Tell::VoxelSize(edges) => given.voxel_um = *edges,
            Tell::Rate(rate_hz) => given.rate_hz = *rate_hz,
            Tell::Axes(axes) => given.axes.clone_from(axes),
        }
        let given = given.sane();
        self.memory.keep_given(session.folder(), &given);
        session.tell(given);
        if let Tell::Axes(axes) = tell {
            self.open_again(|options| options.axes = axes);
        }
    }

    /// The recording as if it had never been opened.
    fn forget_recording(&mut self, ctx: &egui::Context) {
        let Some(session) = &mut self.session else { return };
        let had_axes = session.given().axes.is_some();
        self.memory.keep_given(session.folder(), &Default::default());
        if let Some(identity) = session.identity() {
            self.memory.forget_view(identity);
        }
        session.tell(Default::default());
        self.keeping.forget(&self.preferences, Some(session));
        let (path, mut options) = (session.path.clone(), session.options.clone());
        if had_axes {
            options.axes = None;
        }
        self.open(&path, options);
        ctx.request_repaint();
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
        let view = &self.preferences.view;
        let commands = match (&self.activity, &mut self.session) {
            (Activity::Opening(job), _) => {
                ui.ctx().request_repaint_after(Duration::from_millis(100));
                let opening = Opening {
                    path: &job.path,
                    elapsed_s: now.duration_since(job.started).as_secs_f64(),
                    progress: job.progress(),
                    step: job.step(),
                };
                ui::opening_ui(ui, view, &opening)
            }
            (Activity::Waiting(wait), _) => ui::waiting_ui(ui, view, &wait.path, &wait.what),
            (Activity::Failed(failure), None) => failure.show(|error| ui::error_ui(ui, view, error)),
            (Activity::Idle, None) => {
                let welcome = Welcome { recent: self.recent.paths(), is_browsing: self.dialog.is_some() };
                ui::welcome_ui(ui, view, &welcome)
            }
            (Activity::Idle | Activity::Failed(_), Some(_)) => return self.draw_session(ui, now),
        };
        // Outside a dataset a command may still change the preferences: the theme, an overlay.
        for command in &commands {
            self.preferences.view.apply(command, &NO_DATASET);
        }
        commands.iter().filter_map(Command::for_app).collect()
    }

    fn draw_session(&mut self, ui: &mut egui::Ui, now: Instant) -> Vec<AppCommand> {
        let Some(session) = &mut self.session else { return Vec::new() };
        let mut commands = session.show(ui, &self.renderer, now, self.recent.paths());
        if let Activity::Failed(failure) = &self.activity {
            failure.show(|error| ui::not_opened_ui(ui, error, &mut commands));
        }
        let (changed, for_app) = self.carry_out_in_session(&commands, now);
        if changed {
            // The picture and the numbers of the new view are drawn in this very frame.
            ui.ctx().request_discard("the view changed");
        }
        for_app
    }

    /// What the open recording carries out. Returns whether anything on screen may have changed, and what is
    /// left for the app.
    pub(super) fn carry_out_in_session(&mut self, commands: &[Command], now: Instant) -> (bool, Vec<AppCommand>) {
        let Some(session) = &mut self.session else { return (false, Vec::new()) };
        let now_s = now.duration_since(self.start).as_secs_f64();
        let (changed, for_app) = session.carry_out(commands, now, now_s);
        if changed {
            self.preferences.view = session.view.clone();
            // Whoever takes the message away has seen it; what is done about it needs to know what failed.
            let is_dismissed = session.view.overlay != Some(Overlay::NotOpened);
            let is_answered =
                for_app.iter().any(|command| matches!(command, AppCommand::TryAgain | AppCommand::WaitForRecording));
            if is_dismissed && !is_answered && matches!(self.activity, Activity::Failed(_)) {
                self.activity = Activity::Idle;
            }
        }
        (changed, for_app)
    }

    fn update_title(&mut self, ctx: &egui::Context) {
        let title = match &self.session {
            Some(session) => format!("{} – Tectum", session.name()),
            None => "Tectum".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Draws a frame and carries out what was asked for in it.
    pub(super) fn frame(&mut self, ui: &mut egui::Ui, now: Instant) {
        self.was_drawn = true;
        let ctx = ui.ctx().clone();
        // Not while hidden: the input is then that of the last frame that was drawn.
        let dropped: Option<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            self.open(&path, OpenOptions::default());
        }
        for command in self.draw(ui, now) {
            self.carry_out(&ctx, command);
            ctx.request_repaint();
        }
    }
}

impl eframe::App for TectumApp {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.step(ctx, Instant::now());
        self.keeping.bring_back(ctx, frame, self.preferences.window.as_ref());
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
        self.frame(ui, Instant::now());
        let stats = self.renderer.stats();
        if stats.pending_uploads {
            ctx.request_repaint();
        }
        if stats.reduction > std::mem::replace(&mut self.reduction, stats.reduction) {
            tracing::warn!(
                "the picture is too large for the graphics memory and is drawn at 1/{} of its voxels a side; values \
                 under the pointer and exports are whole, --gpu gives it more memory",
                stats.reduction
            );
        }
        if let Some(painter) = &self.painter
            && !ctx.will_discard()
        {
            painter.take_over(&ctx);
        }
    }

    fn on_exit(&mut self) {
        self.keep_everything();
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        [0.0, 0.0, 0.0, 1.0]
    }
}

#[cfg(test)]
mod tests;
