//! A window with a made-up recording: what the app does between frames, without files, threads or voxels.

mod gallery;
mod story;

pub use gallery::gallery;

use std::time::Duration;

use egui::{Color32, ColorImage, Rect, Shape, TextureHandle, TextureOptions, Ui, pos2, vec2};
use egui_kittest::Harness;
use tectum::array::ViewInfo;
use tectum::format::{DatasetEntry, FoundRecording, Location};
use tectum::live::{LiveState, LiveStatus};
use tectum::ui::{
    Canvas, Command, Figures, FilesText, HistogramData, History, LayerInfo, LayerState, Model, OpenError, Opening,
    Placement, Saving, Shown, Value, View, ViewState, Welcome, theme,
};
use tectum::volume::{
    ArrayInfo, Axis, Colormap, DType, Gaps, PictureValues, Piece, PieceState, Problem, Severity, Shape as ArrayShape,
    Span, ValueKind, ViewId, VoxelSize,
};

/// Which screen the window is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(dead_code)]
pub enum Screen {
    #[default]
    Dataset,
    Welcome,
    Opening,
    Error,
    Absent,
    Waiting,
}

/// Everything behind the panels, and what they asked for.
pub struct Bench {
    pub view: ViewState,
    pub history: History,
    pub info: ViewInfo,
    pub array: ArrayInfo,
    pub datasets: Vec<DatasetEntry>,
    pub layers: Vec<LayerInfo<'static>>,
    pub operations_fault: Option<&'static str>,
    pub awaited_array: Option<&'static str>,
    pub is_moved: bool,
    pub shown: Shown,
    pub gaps: Option<Gaps>,
    pub bins: Vec<u64>,
    pub no_histogram: Option<&'static str>,
    pub pieces: Vec<Piece>,
    pub files: Option<FilesText>,
    pub cached: Vec<[usize; 2]>,
    pub problems: Vec<Problem>,
    pub live: Option<LiveStatus>,
    pub quality: Option<story::KnownQuality>,
    pub figures: Figures,
    pub saving: Saving,
    pub recent: Vec<Location>,
    pub screen: Screen,
    pub commands: Vec<Command>,
    pub clock_s: f64,
    pub texture: Option<(Colormap, TextureHandle)>,
    /// A picture of one colour in place of the brain.
    pub ground: Option<Color32>,
}

impl Default for Bench {
    fn default() -> Self {
        let info = ViewInfo {
            shape: [206, 24, 1024, 1024],
            dtype: DType::U16,
            voxel_size: Some(VoxelSize { z_um: 8.0, y_um: 0.52, x_um: 0.52 }),
            rate_hz: Some(5.0),
            has_axis: [true; 4],
        };
        let shape = ArrayShape::new(&info.shape).expect("a shape");
        let location = "/data/2024-03-11/fish3_run2/original";
        let array = ArrayInfo {
            axes: Axis::ALL.into_iter().map(Some).collect(),
            voxel_size: info.voxel_size,
            rate_hz: info.rate_hz,
            num_blocks: 21,
            facts: vec![
                ("Blocks".to_owned(), "21 of 10 × 24 × 1024 × 1024".to_owned()),
                ("Stored as".to_owned(), "blosc lz4, shuffle".to_owned()),
            ],
            ..ArrayInfo::new("fish3_run2", location, "split dataset (sashimi)", shape, DType::U16)
        };
        let mut view = ViewState::default().for_dataset(&info);
        for kind in [ValueKind::Voxels, ValueKind::Max] {
            let values = PictureValues { kind, num: 1 };
            view.apply(&Command::LimitsMeasured { layer: 0, values, limits: [104.0, 1830.0], is_wished: false }, &info);
        }
        let bins = (0..256)
            .map(|bin| {
                let x = f64::from(bin) / 256.0;
                (4e6 * (-x * 9.0).exp() + 9e6 * (-((x - 0.045) / 0.02).powi(2)).exp()) as u64
                    + if bin == 255 { 1 } else { 0 }
            })
            .collect();
        let mut pieces: Vec<_> = (0..21)
            .map(|block| Piece {
                axis: Some(Axis::T),
                range: [block * 10, (block * 10 + 10).min(206)],
                state: PieceState::Whole,
            })
            .collect();
        pieces[12].state = PieceState::Missing;
        pieces[20].state = PieceState::Writing;
        Self {
            view,
            history: History::default(),
            array,
            datasets: Vec::new(),
            layers: vec![LayerInfo { name: "fish3_run2", state: LayerState::Here, computed: None }],
            operations_fault: None,
            awaited_array: None,
            is_moved: false,
            shown: Shown::Exact,
            gaps: None,
            bins,
            no_histogram: None,
            pieces,
            files: None,
            cached: vec![[78, 120], [130, 141]],
            problems: Vec::new(),
            live: None,
            quality: None,
            saving: Saving::default(),
            figures: Figures {
                image_ms: Some(4.0),
                ram_bytes: 1_900_000_000,
                ram_budget_bytes: 6_000_000_000,
                gpu_bytes: 212_000_000,
                gpu_budget_bytes: 1_024_000_000,
                ..Figures::default()
            },
            recent: vec!["/data/2024-03-11/fish3_run2".into(), "/data/2024-03-10/fish1/original".into()],
            screen: Screen::Dataset,
            commands: Vec::new(),
            clock_s: 0.0,
            texture: None,
            ground: None,
            info,
        }
    }
}

/// Recordings that may have been meant.
pub fn found() -> Vec<FoundRecording> {
    let found = |name: &str, summary: &str| FoundRecording {
        location: Location::from("/data/2024-03-11").join(name),
        name: name.to_owned(),
        summary: summary.to_owned(),
    };
    vec![found("fish1/exp/original", "48 blocks"), found("fish2/original", "12 blocks"), found("mean.h5", "HDF5 file")]
}

impl Bench {
    /// One frame of the window.
    pub fn ui(&mut self, ui: &mut Ui) {
        let commands = match self.screen {
            Screen::Dataset => self.dataset_ui(ui),
            Screen::Welcome => {
                let welcome = Welcome { recent: &self.recent, is_browsing: false };
                tectum::ui::welcome_ui(ui, &self.view, &welcome)
            }
            Screen::Opening => {
                let location = &"/data/2024-03-11/fish3_run2".into();
                let opening = Opening { location, elapsed_s: 1.3, progress: Some(0.4), step: "Listing the folder" };
                tectum::ui::opening_ui(ui, &self.view, &opening)
            }
            Screen::Error => {
                let error = OpenError {
                    file: &"/data/2024-03-11/fish3_run2/original/0000.h5".into(),
                    message: "no block can be read: the file is not HDF5 (its first bytes are zero). Check whether the copy has finished.",
                    location: &"/data/2024-03-11/fish3_run2".into(),
                    is_absent: false,
                    can_wait: false,
                    there: Some("It holds 2 folders, 12 .h5 files, 1 .json file."),
                    found: &[],
                    is_searching: false,
                };
                tectum::ui::error_ui(ui, &self.view, &error)
            }
            Screen::Absent => {
                let error = OpenError {
                    file: &"/data/2024-03-11".into(),
                    message: "no recording here: neither blocks (0000.h5 and so on) nor a folder that holds them",
                    location: &"/data/2024-03-11".into(),
                    is_absent: true,
                    can_wait: true,
                    there: Some("It holds 3 folders, 1 .txt file."),
                    found: &found(),
                    is_searching: true,
                };
                tectum::ui::error_ui(ui, &self.view, &error)
            }
            Screen::Waiting => {
                let location = &"/data/2024-03-11/fish4".into();
                tectum::ui::waiting_ui(ui, &self.view, location, "the first block")
            }
        };
        self.carry_out(commands);
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in &commands {
            self.clock_s += 0.01;
            self.history.apply(&mut self.view, command, &self.info, self.clock_s);
        }
        self.commands.extend(commands);
    }

    fn dataset_ui(&mut self, ui: &mut Ui) -> Vec<Command> {
        // As the app does: what moves the view is carried out before anything is drawn.
        let first = tectum::ui::steer(ui, &self.model());
        self.carry_out(first);
        let colormap = self.view.display(&self.info).colormap;
        if self.texture.as_ref().is_none_or(|(made, _)| *made != colormap) {
            let picture = self.ground.map_or_else(|| brain(colormap), |color| ColorImage::filled([2, 2], color));
            let texture = ui.ctx().load_texture("brain", picture, TextureOptions::LINEAR);
            self.texture = Some((colormap, texture));
        }
        let texture = match self.shown {
            Shown::Missing(_) | Shown::Nothing => None,
            _ => self.texture.as_ref().map(|(_, texture)| texture.id()),
        };
        tectum::ui::window_ui(ui, &self.model(), &self.recent, &mut Picture { texture })
    }

    fn model(&self) -> Model<'_> {
        Model {
            state: &self.view,
            view: self.view.active(),
            layer: self.view.layer(),
            info: &self.info,
            name: &self.array.name,
            layers: &self.layers,
            array: &self.array,
            layer_info: &self.info,
            operations_fault: self.operations_fault,
            awaited_array: self.awaited_array,
            is_moved: self.is_moved,
            datasets: &self.datasets,
            axes_are_given: false,
            chosen_dataset: 0,
            shown: &self.shown,
            gaps: self.gaps.as_ref(),
            canvases: &[],
            histogram: (!self.bins.is_empty()).then_some(HistogramData { bins: &self.bins, range: [90.0, 4095.0] }),
            no_histogram: self.no_histogram,
            pieces: &self.pieces,
            files: self.files.as_ref(),
            cached: &self.cached,
            problems: &self.problems,
            live: self.live.as_ref(),
            quality: self.quality.as_ref().map(story::KnownQuality::borrow),
            figures: &self.figures,
            saving: &self.saving,
            can_undo: self.history.can_undo(),
            can_redo: self.history.can_redo(),
        }
    }

    /// The commands since the last call.
    pub fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }
}

struct Picture {
    texture: Option<egui::TextureId>,
}

impl Canvas for Picture {
    fn image(&mut self, _view: &View, placement: &Placement) -> Option<Shape> {
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        Some(Shape::image(self.texture?, placement.image, uv, Color32::WHITE))
    }

    fn value_at(&mut self, _view: ViewId, layer: usize, row: usize, column: usize) -> Value {
        Value::Exact((row * 1024 + column + 10 * layer).to_string())
    }
}

/// A larval brain seen from above, roughly.
fn brain(colormap: Colormap) -> ColorImage {
    const SIDE: usize = 512;
    let lut = colormap.lut();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 40) as f32 / (1u64 << 24) as f32
    };
    let mut light = vec![0.0f32; SIDE * SIDE];
    let lobes = [
        (0.42, 0.14, 0.08, 0.11),
        (0.58, 0.14, 0.08, 0.11),
        (0.37, 0.40, 0.14, 0.17),
        (0.63, 0.40, 0.14, 0.17),
        (0.42, 0.65, 0.09, 0.06),
        (0.58, 0.65, 0.09, 0.06),
        (0.45, 0.83, 0.05, 0.16),
        (0.55, 0.83, 0.05, 0.16),
    ];
    let inside =
        |x: f32, y: f32| lobes.iter().any(|(cx, cy, rx, ry)| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (fx, fy) = (x as f32 / SIDE as f32, y as f32 / SIDE as f32);
            let tissue = if inside(fx, fy) { 0.24 } else { 0.04 };
            light[y * SIDE + x] = tissue + 0.05 * random();
        }
    }
    for _ in 0..2600 {
        let (x, y, size) = (random(), random(), 1.0 + 2.0 * random());
        if !inside(x, y) {
            continue;
        }
        let strength = random().powi(2) * 0.9;
        let (cx, cy) = (x * SIDE as f32, y * SIDE as f32);
        for dy in -6i32..=6 {
            for dx in -6i32..=6 {
                let (px, py) = (cx as i32 + dx, cy as i32 + dy);
                if (0..SIDE as i32).contains(&px) && (0..SIDE as i32).contains(&py) {
                    let distance = (dx * dx + dy * dy) as f32 / (size * size);
                    light[py as usize * SIDE + px as usize] += strength * (-distance).exp();
                }
            }
        }
    }
    let pixels = light
        .iter()
        .map(|value| {
            let [r, g, b, _] = lut[(value.clamp(0.0, 1.0) * 255.0) as usize];
            Color32::from_rgb(r, g, b)
        })
        .collect();
    ColorImage::new([SIDE, SIDE], pixels)
}

/// A window of 1280 × 800 points.
pub fn harness() -> Harness<'static, Bench> {
    harness_of(Bench::default(), [1280.0, 800.0], 1.0)
}

/// A window of any size and scale.
pub fn harness_of(bench: Bench, size: [f32; 2], pixels_per_point: f32) -> Harness<'static, Bench> {
    let theme = bench.view.panels.theme;
    let mut harness = Harness::builder()
        .with_size(vec2(size[0], size[1]))
        .with_pixels_per_point(pixels_per_point)
        .with_step_dt(1.0 / 60.0)
        // A tooltip that fades in is not a window that does not come to rest.
        .with_max_steps(90)
        .with_context_setup(move |ctx| theme::install(ctx, theme))
        .build_ui_state(
            |ui, bench: &mut Bench| {
                // The whole window, as the app has it, without the harness's margin.
                let window = ui.ctx().content_rect();
                ui.set_clip_rect(window);
                ui.scope_builder(egui::UiBuilder::new().max_rect(window), |ui| bench.ui(ui));
            },
            bench,
        );
    harness.run();
    harness
}

/// A watched recording in some state.
pub fn live(state: LiveState) -> LiveStatus {
    LiveStatus {
        state,
        rate_hz: Some(5.0),
        newest_t: Some(205),
        newest_age: Duration::from_millis(600),
        lag_ms: Some(140.0),
        expected_end: Some(240),
        writing: Some(Span { axis: Axis::T, range: [200, 206] }),
        message: None,
    }
}

fn problem(severity: Severity, file: &str, t: Option<[usize; 2]>, message: &str) -> Problem {
    let span = t.map(|range| Span { axis: Axis::T, range });
    Problem { code: "example", severity, file: Some(file.into()), span, message: message.to_owned() }
}

/// Some of what can be wrong.
pub fn problems() -> Vec<Problem> {
    vec![
        problem(
            Severity::Warning,
            "/data/2024-03-11/fish3_run2/original/0012.h5",
            Some([120, 130]),
            "the block is missing; its timepoints are hatched",
        ),
        problem(
            Severity::Warning,
            "/data/2024-03-11/fish3_run2/original/stack_metadata.json",
            None,
            "the metadata claim 240 timepoints, the files hold 206",
        ),
        problem(
            Severity::Note,
            "/data/2024-03-11/fish3_run2/original/mean_4d.h5",
            None,
            "not a block of this dataset, left out",
        ),
    ]
}
