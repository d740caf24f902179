//! One open dataset: its array, stream and view, and how commands become pictures.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::contrast::Contrast;
use super::gpu_projection::GpuProjections;
use super::measure::Measure;
use super::memory::Recall;
use super::saving::{Saver, Wish};
use super::still::Subject;
use crate::array::{LazyArray, ViewInfo};
use crate::format::{DatasetEntry, FormatError, OpenOptions, Opened};
use crate::live::{LiveStatus, WatchConfig, Watcher};
use crate::render::{PlaneDraw, RendererHandle};
use crate::stream::{PictureState, Stream, StreamConfig, ViewRequest};
use crate::ui::{
    AppCommand, Canvas, Command, Figures, History, Model, Overlay, Placement, Playback, Route, SessionCommand, Shown,
    StillFrame, Value, ViewState, resolve, window_ui,
};
use crate::volume::{Display, Picture, PictureKey, Piece, Problem, Voxels};

/// The list of problems and block states is looked at again this often at most.
const FACTS_EVERY: Duration = Duration::from_millis(250);

/// The age of the newest block is told anew this often while a recording runs: the more seldom the older it
/// is, because a frame costs time that the rig may need.
const AGES_EVERY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];
/// How long after a motion, and how often, the stream is asked whether it is over: reading ahead then
/// looks both ways.
const STILL_AFTER: Duration = Duration::from_millis(500);

/// An open dataset with everything the window needs of it.
pub struct Session {
    /// What the user opened, for the recent list and the dataset picker.
    pub path: PathBuf,
    /// What the user said beside the path.
    pub options: OpenOptions,
    /// The view, changed by commands alone.
    pub view: ViewState,
    datasets: Vec<DatasetEntry>,
    chosen: usize,
    pub(super) array: Arc<LazyArray>,
    pub(super) stream: Stream,
    pub(super) history: History,
    playback: Playback,
    measure: Measure,
    pub(super) request: ViewRequest,
    pub(super) shown: Shown,
    /// When the view last moved or was asked for again, until that motion is over.
    moved: Option<Instant>,
    pub(super) on_screen: Option<OnScreen>,
    facts: Facts,
    figures: Figures,
    pub(super) contrast: Contrast,
    pub(super) watcher: Option<Watcher>,
    pub(super) live: Option<LiveStatus>,
    pub(super) is_background_limited: bool,
    pub(super) gpu_projections: GpuProjections,
    pub(super) saver: Saver,
    /// Size of the canvas in points, as it was last drawn.
    canvas: egui::Vec2,
    wake: Arc<dyn Fn() + Send + Sync>,
    recall: Recall,
}

/// The voxels drawn last.
pub(super) struct OnScreen {
    key: PictureKey,
    pub(super) voxels: Arc<Voxels>,
    is_preview: bool,
}

/// What changes slowly and is copied out of the source now and then.
struct Facts {
    problems: Vec<Problem>,
    pieces: Vec<Piece>,
    taken: Instant,
}

impl Session {
    /// Wraps an opened dataset and starts loading its first picture. May be called on any thread.
    ///
    /// # Errors
    /// When the array cannot be viewed as (t, z, y, x).
    pub fn new(
        opened: Opened,
        path: PathBuf,
        options: OpenOptions,
        preferences: &ViewState,
        config: StreamConfig,
        wake: Arc<dyn Fn() + Send + Sync>,
        now: Instant,
    ) -> Result<Self, FormatError> {
        Self::recalled(opened, path, options, preferences, Recall::nothing(), config, wake, now)
    }

    /// The same as it is remembered.
    ///
    /// # Errors
    /// When the array cannot be viewed as (t, z, y, x).
    #[allow(clippy::too_many_arguments, reason = "everything a session is made of")]
    pub fn recalled(
        opened: Opened,
        path: PathBuf,
        options: OpenOptions,
        preferences: &ViewState,
        recall: Recall,
        config: StreamConfig,
        wake: Arc<dyn Fn() + Send + Sync>,
        now: Instant,
    ) -> Result<Self, FormatError> {
        let array = Arc::new(LazyArray::new(opened.source).told(recall.given.told()));
        let view = recall.view(preferences.for_dataset(array.info()), array.info());
        let request = resolve(&view, array.info(), array.id());
        let stream = Stream::new(Arc::clone(&array), config, Arc::clone(&wake));
        let watcher_wake = Arc::clone(&wake);
        let watcher = opened
            .split
            .map(|source| Watcher::start(&path, options.clone(), Some(source), WatchConfig::default(), watcher_wake));
        stream.request(&request, now);
        let mut measure = Measure::default();
        measure.wished(view.picture(array.info()), now);
        let facts = Facts { problems: array.source().problems(), pieces: array.source().pieces(), taken: now };
        Ok(Self {
            path,
            options,
            view,
            datasets: opened.datasets,
            chosen: opened.chosen,
            array,
            stream,
            history: History::default(),
            playback: Playback::default(),
            measure,
            request,
            shown: Shown::Nothing,
            moved: Some(now),
            on_screen: None,
            facts,
            figures: Figures::default(),
            contrast: Contrast::default(),
            watcher,
            live: None,
            is_background_limited: false,
            gpu_projections: GpuProjections::default(),
            saver: Saver::default(),
            canvas: egui::Vec2::splat(1.0),
            wake,
            recall,
        })
    }

    /// The array as (t, z, y, x).
    pub fn info(&self) -> &ViewInfo {
        self.array.info()
    }

    /// Name for the title bar.
    pub fn name(&self) -> &str {
        &self.array.source().info().name
    }

    /// Name of another array of the same path, for `--dataset`.
    pub fn dataset_name(&self, index: usize) -> Option<&str> {
        self.datasets.get(index).map(|entry| entry.name.as_str())
    }

    /// Carries out what the user asked for in a frame. Returns whether anything on screen may have changed,
    /// and what is left for the app.
    pub fn carry_out(&mut self, commands: &[Command], now: Instant, now_s: f64) -> (bool, Vec<AppCommand>) {
        let mut changed = false;
        for command in commands {
            changed |= self.apply(command, now, now_s);
        }
        (changed, commands.iter().filter_map(Command::for_app).collect())
    }

    /// Carries out a command on the view and asks for what it needs. Returns whether anything on screen may
    /// have changed.
    pub fn apply(&mut self, command: &Command, now: Instant, now_s: f64) -> bool {
        match command.route() {
            Route::Session(SessionCommand::RetryFailures) => {
                self.stream.retry_failures();
                self.take_facts(now);
                return true;
            }
            Route::Session(SessionCommand::FitContrast) => return self.fit_contrast(now, now_s),
            Route::Session(SessionCommand::CopyPicture) => self.saver.wish(Wish::Copy),
            Route::Session(SessionCommand::SavePicture(path)) => self.saver.wish(Wish::Save(path)),
            Route::Session(SessionCommand::SetStillPath(path)) => self.saver.set_path(path),
            Route::Session(SessionCommand::ShowSaved) => self.saver.last_saved().map_or((), show_folder),
            Route::View | Route::App(_) => {}
        }
        let changed = self.history.apply(&mut self.view, command, self.array.info(), now_s);
        if changed {
            self.ask(now);
        }
        if *command == Command::AutoContrast {
            self.measure_again();
        }
        changed
    }

    /// What is drawn.
    pub(super) fn drawn(&self) -> Option<(Picture, Arc<Voxels>)> {
        self.on_screen.as_ref().map(|shown| (shown.key.picture, Arc::clone(&shown.voxels)))
    }

    /// Resolves the view and, where that asks for something else than before, hands it to the stream.
    pub(super) fn ask(&mut self, now: Instant) {
        let request = resolve(&self.view, self.array.info(), self.array.id());
        let want_volume = self.gpu_projections.wants_volume(&self.view.picture(self.array.info()), self.array.info());
        let request = ViewRequest { want_volume, ..request };
        if request == self.request {
            return;
        }
        self.stream.request(&request, now);
        self.request = request;
        self.measure.wished(self.asked(), now);
        self.moved = Some(now);
    }

    /// Everything that happens without the user: measured contrast, playback. Call once a frame, before
    /// drawing. Returns how long the window may sleep, `None` for as long as nothing happens.
    pub fn advance(&mut self, now: Instant, now_s: f64) -> Option<Duration> {
        self.measure_contrast(now, now_s);
        self.follow_recording(now, now_s);
        if now.duration_since(self.facts.taken) >= FACTS_EVERY {
            self.take_facts(now);
        }
        let is_settled = self.is_settled();
        if let Some(command) = self.playback.advance(&self.view, self.array.info(), now, is_settled) {
            self.apply(&command, now, now_s);
        }
        let to_next = self.playback.time_to_next(&self.view, now);
        // The ages in the status bar grow by themselves.
        let age = self.live.as_ref().filter(|_| self.is_live()).map(|live| live.newest_age);
        let to_ages = age.map(|age| (age / 20).clamp(AGES_EVERY[0], AGES_EVERY[1]));
        [to_next, to_ages, self.time_to_rest(now), self.saver.time_to_change(now)].into_iter().flatten().min()
    }

    /// Lets the stream read ahead both ways once a motion is over; until then, how long that will be.
    fn time_to_rest(&mut self, now: Instant) -> Option<Duration> {
        let rest = STILL_AFTER.saturating_sub(now.duration_since(self.moved?));
        if !rest.is_zero() {
            return Some(rest);
        }
        self.moved = (!self.stream.request(&self.request, now)).then_some(now);
        self.moved.map(|_| STILL_AFTER)
    }

    /// Copies out of the source what it has found out meanwhile.
    pub(super) fn take_facts(&mut self, now: Instant) {
        let source = self.array.source();
        self.facts = Facts { problems: source.problems(), pieces: source.pieces(), taken: now };
    }

    /// Draws the whole window and returns what the user asked for.
    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        renderer: &RendererHandle,
        now: Instant,
        recent: &[PathBuf],
    ) -> Vec<Command> {
        self.gpu_projections.attach(renderer);
        // The GPU may have been found, or have failed, since.
        self.ask(now);
        if self.request.want_volume {
            self.gpu_projections.advance(&self.asked(), &self.stream);
        }
        self.choose_picture(renderer, now);
        if self.gpu_projections.is_busy() {
            ui.ctx().request_repaint();
        }
        self.note_newest_shown();
        self.update_figures(renderer, now);
        self.update_saver(ui.ctx(), renderer, now);
        let cached = self.stream.cached_ranges(&self.asked());
        let source_info = self.array.source().info();
        let model = Model {
            view: &self.view,
            info: self.array.info(),
            array: source_info,
            datasets: &self.datasets,
            chosen_dataset: self.chosen,
            axes_are_given: self.options.axes.is_some(),
            shown: &self.shown,
            gaps: self.on_screen.as_ref().and_then(|shown| shown.voxels.gaps()),
            histogram: self.contrast.histogram(self.view.values(self.array.info())),
            no_histogram: self.contrast.why_none(self.view.values(self.array.info()).kind),
            pieces: &self.facts.pieces,
            cached: &cached,
            problems: &self.facts.problems,
            live: self.live.as_ref(),
            figures: &self.figures,
            saving: &self.saver.shown,
            can_undo: self.history.can_undo(),
            can_redo: self.history.can_redo(),
        };
        let mut canvas = PictureCanvas {
            on_screen: self.on_screen.as_ref(),
            is_exact: self.shown == Shown::Exact,
            is_missing: matches!(self.shown, Shown::Missing(_)),
            display: self.view.display(self.array.info()),
            pixels_per_point: ui.ctx().pixels_per_point(),
            size: self.canvas,
        };
        let commands = window_ui(ui, &model, recent, &mut canvas);
        self.canvas = canvas.size;
        commands
    }

    /// The picture asked for last.
    pub(super) fn asked(&self) -> Picture {
        self.request.first().map_or_else(|| self.view.picture(self.array.info()), |first| first.picture)
    }

    /// Whether the picture asked for will not come: it failed, or is on screen.
    pub fn is_settled(&self) -> bool {
        matches!(self.shown, Shown::Exact | Shown::Missing(_))
    }

    /// Whether the contrast has been measured, or never will be.
    pub fn is_measured(&self) -> bool {
        self.contrast.is_known(self.asked().values().kind)
    }

    /// A number that changes as long as something is being loaded.
    pub fn progress(&self) -> u64 {
        let stats = self.stream.stats();
        stats.num_reads + stats.num_previews as u64 + stats.picture_bytes as u64
    }

    /// The best there is of the picture asked for: itself, a preview, or its nearest neighbour in time.
    fn choose_picture(&mut self, renderer: &RendererHandle, now: Instant) {
        let picture = self.asked();
        match self.stream.picture(&picture) {
            PictureState::Ready(voxels) => {
                self.measure.shown(picture, now_after(now));
                self.guess_contrast(&picture, &voxels);
                self.put_on_screen(picture, voxels, false);
                self.shown = Shown::Exact;
            }
            PictureState::Failed(error) => {
                // An old picture would be taken for this timepoint's: better none.
                self.on_screen = None;
                self.shown = Shown::Missing(error.to_string());
            }
            PictureState::Loading => {
                if let Some(voxels) = self.stream.preview(&picture) {
                    self.put_on_screen(picture, voxels, true);
                    self.shown = Shown::Preview;
                } else if let Some((nearest, voxels)) = self.stream.nearest(&picture) {
                    self.shown = Shown::Nearest { t: nearest.t() };
                    self.put_on_screen(nearest, voxels, false);
                } else {
                    let wanted = self.key(picture);
                    self.on_screen = self.on_screen.take().filter(|shown| shown.key.is_like(&wanted));
                    let t = self.on_screen.as_ref().map(|shown| shown.key.picture.t());
                    self.shown = t.map_or(Shown::Nothing, |t| Shown::Nearest { t });
                }
            }
        }
        // While a large picture is uploaded the one before it stays on screen, and is called what it is.
        if let Some(chosen) = &self.on_screen {
            let drawn = renderer.will_draw(0, &chosen.key, &chosen.voxels);
            if drawn != Some(chosen.key) {
                self.shown = drawn.map_or(Shown::Nothing, |drawn| Shown::Nearest { t: drawn.picture.t() });
            }
        }
    }

    fn put_on_screen(&mut self, picture: Picture, voxels: Arc<Voxels>, is_preview: bool) {
        self.on_screen = Some(OnScreen { key: self.key(picture), voxels, is_preview });
    }

    /// A picture of the recording that is open now.
    fn key(&self, picture: Picture) -> PictureKey {
        PictureKey::finest(self.array.id(), picture)
    }

    /// Where the picture will be saved.
    pub fn save_path(&self) -> PathBuf {
        crate::ui::panels::save::save_path(&self.saver.shown.path)
    }

    /// Where the picture will be saved, as chosen in the system's dialog.
    pub fn set_save_path(&mut self, path: &Path) {
        self.saver.set_path(path.display().to_string());
    }

    fn update_saver(&mut self, ctx: &egui::Context, renderer: &RendererHandle, now: Instant) {
        let subject = match (&self.on_screen, &self.shown) {
            (Some(on_screen), Shown::Exact) if !on_screen.is_preview => Ok(Subject {
                key: on_screen.key,
                voxels: Arc::clone(&on_screen.voxels),
                display: self.view.display(self.array.info()),
                view: self.view.clone(),
                info: *self.array.info(),
                array: Arc::clone(self.array.source().info()),
                frame: StillFrame::new(&self.view, self.array.info(), self.canvas, ctx.pixels_per_point()),
            }),
            (_, Shown::Missing(reason)) => Err(format!("there is no picture to save: {reason}")),
            _ => Err("the picture is still loading".to_owned()),
        };
        let is_sheet_open = self.view.overlay == Some(Overlay::Save);
        self.saver.update(ctx, renderer, &self.wake, subject, is_sheet_open, now);
    }

    fn update_figures(&mut self, renderer: &RendererHandle, now: Instant) {
        let stats = self.stream.stats();
        let gpu = renderer.stats();
        self.figures = Figures {
            image_ms: self.measure.image_ms,
            fps: self.measure.pictures_per_s(now),
            num_skipped: self.playback.num_skipped(),
            ram_bytes: stats.cache_bytes + stats.picture_bytes + stats.preview_bytes + stats.in_flight_bytes,
            ram_budget_bytes: stats.budget_bytes + stats.picture_budget_bytes + stats.preview_budget_bytes,
            gpu_bytes: gpu.texture_bytes,
            gpu_budget_bytes: gpu.budget_bytes,
            note: gpu.is_software.then(|| "Software rendering".to_owned()),
        };
    }
}

/// Opens the folder of a file in the system's own program.
fn show_folder(file: &Path) {
    let Some(folder) = file.parent() else { return };
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

/// The picture is handed over now, not at the start of the frame.
fn now_after(frame_start: Instant) -> Instant {
    Instant::now().max(frame_start)
}

/// The session's side of the canvas panel.
struct PictureCanvas<'a> {
    on_screen: Option<&'a OnScreen>,
    is_exact: bool,
    is_missing: bool,
    display: Display,
    pixels_per_point: f32,
    /// Size of the canvas in points, noted where it is drawn.
    size: egui::Vec2,
}

impl Canvas for PictureCanvas<'_> {
    fn image(&mut self, placement: &Placement) -> Option<egui::Shape> {
        self.size = placement.canvas.size();
        let shown = self.on_screen?;
        let scale = self.pixels_per_point;
        let image = placement.image;
        let draw = PlaneDraw {
            key: shown.key,
            voxels: Arc::clone(&shown.voxels),
            image_px: [image.min.x * scale, image.min.y * scale, image.width() * scale, image.height() * scale],
            display: self.display,
            is_preview: shown.is_preview,
        };
        Some(crate::render::canvas_shape(placement.canvas, vec![draw]))
    }

    fn value_at(&mut self, row: usize, column: usize) -> Value {
        if self.is_missing {
            return Value::Missing;
        }
        let Some(shown) = self.on_screen.filter(|shown| self.is_exact && !shown.is_preview) else {
            return Value::Unknown;
        };
        match shown.voxels.format_value(&[row, column]) {
            Some(text) => Value::Exact(text),
            None => Value::Missing,
        }
    }
}

mod remembered;

#[cfg(test)]
mod tests;
