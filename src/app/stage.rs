//! What the tests of this room share: a session with a real stream and a real device, drawn without a
//! window, and recordings in memory and on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::memory::Recall;
use super::session::{Session, Setup};
use super::wake::WakeFn;
use super::window::{SessionUi, session_steer, session_ui};
use crate::format::{Growing, OpenOptions, Opened, Source};
use crate::render::{self, GpuConfig, OffscreenTarget, RendererHandle};
use crate::stream::StreamConfig;
use crate::ui::panels::canvas;
use crate::ui::{Command, Shown, ViewState};
use crate::volume::ViewId;

/// Longer than anything takes that does happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A session in a window of its own that nobody sees.
pub struct Stage {
    ctx: egui::Context,
    target: OffscreenTarget,
    pub renderer: RendererHandle,
    pub session: Session,
    ui: SessionUi,
    start: Instant,
}

/// What is different about a stage.
pub struct Scene {
    /// As in [`GpuConfig`].
    pub upload_bytes_per_frame: usize,
    /// Whether the GPU folds projections.
    pub on_gpu: bool,
    pub stream: StreamConfig,
    pub preferences: ViewState,
}

impl Default for Scene {
    fn default() -> Self {
        let (stream, preferences) = (StreamConfig::default(), ViewState::default());
        Self { upload_bytes_per_frame: 16 << 20, on_gpu: false, stream, preferences }
    }
}

/// Nobody to wake.
pub fn no_wake() -> WakeFn {
    Arc::new(|| ())
}

impl Stage {
    pub fn new(source: Arc<dyn Source>, scene: Scene) -> Self {
        Self::of(Opened::of(source, None), scene)
    }

    /// Of a recording that is followed.
    pub fn following(source: Arc<dyn Growing>, scene: Scene) -> Self {
        let growing = Some(Arc::clone(&source));
        Self::of(Opened::of(source, growing), scene)
    }

    pub fn of(opened: Opened, scene: Scene) -> Self {
        let target = OffscreenTarget::new(640, 480, 1.0).unwrap();
        let config = GpuConfig {
            upload_bytes_per_frame: scene.upload_bytes_per_frame,
            projects: scene.on_gpu,
            ..GpuConfig::default()
        };
        let renderer = render::install(target.render_state(), config);
        let (preferences, config) = (scene.preferences, scene.stream);
        let setup = Setup { preferences, recall: Recall::nothing(), config, wake: no_wake(), is_checked: false };
        let start = Instant::now();
        let mut session = Session::new(opened, "memory", OpenOptions::default(), setup, start).unwrap();
        session.attach(&renderer);
        let (ctx, ui) = (egui::Context::default(), SessionUi::default());
        Self { ctx, target, renderer, session, ui, start }
    }

    /// One frame, as the window draws it.
    pub fn frame(&mut self) {
        let output = self.run(Vec::new());
        self.target.advance(&self.ctx, output);
    }

    /// A frame with some input, and how it looks.
    pub fn picture(&mut self, events: Vec<egui::Event>) -> image::RgbaImage {
        let output = self.run(events);
        self.target.paint(&self.ctx, output).unwrap()
    }

    /// A frame with some input, and the words in the line at the bottom of the window.
    pub fn bottom_line(&mut self, events: Vec<egui::Event>) -> Vec<String> {
        let output = self.run(events);
        let top = self.canvas(ViewId::default()).max.y;
        let mut words = Vec::new();
        output.shapes.iter().for_each(|shape| words_below(top, &shape.shape, &mut words));
        self.target.advance(&self.ctx, output);
        words
    }

    fn run(&mut self, events: Vec<egui::Event>) -> egui::FullOutput {
        let now = Instant::now();
        let now_s = now.duration_since(self.start).as_secs_f64();
        self.session.advance(now, now_s);
        let input = egui::RawInput { events, ..self.target.raw_input(now_s) };
        self.ctx.run_ui(input, |ui| {
            for command in session_steer(ui, &self.session) {
                self.session.apply(&command, now, now_s);
            }
            self.session.choose_pictures(now);
            for command in session_ui(ui, &mut self.session, &self.renderer, &mut self.ui, &[], now) {
                self.session.apply(&command, now, now_s);
            }
        })
    }

    /// Where a view's canvas lies in the window.
    pub fn canvas(&self, view: ViewId) -> egui::Rect {
        self.ctx.read_response(canvas::id(view)).unwrap().rect
    }

    /// Draws frames until one satisfies the condition, and checks every one.
    pub fn frames_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.frame();
            // What is called exact has been seen whole.
            assert!(*self.session.shown() != Shown::Exact || !self.renderer.stats().pending_uploads);
            if done(self) {
                return;
            }
            assert!(Instant::now() < deadline, "{:?}", self.session.shown());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Draws until the picture is there and its kind has been measured.
    pub fn settle(&mut self) {
        self.frames_until(|stage| stage.session.is_settled() && stage.session.is_measured());
    }

    /// Carries out a command; returns whether anything changed.
    pub fn apply(&mut self, command: &Command) -> bool {
        let now = Instant::now();
        self.session.apply(command, now, now.duration_since(self.start).as_secs_f64())
    }
}

/// The folder of a fixture's blocks.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name).join("data")
}

/// A copy of a fixture's files whose names pass.
pub fn copy(name: &str, to: &Path, wanted: impl Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        if wanted(&entry.file_name().to_string_lossy()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Names and bytes of all files of a folder.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// What is written below a height.
fn words_below(top: f32, shape: &egui::Shape, words: &mut Vec<String>) {
    match shape {
        egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| words_below(top, shape, words)),
        egui::Shape::Text(text) if text.pos.y >= top => words.push(text.galley.text().to_owned()),
        _ => {}
    }
}
