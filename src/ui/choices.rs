//! The small choices a view is made of.

use serde::{Deserialize, Serialize};

use super::Trace;

/// A cut or a fold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// One plane.
    #[default]
    Plane,
    /// Planes folded into one.
    Projection,
}

/// How playing treats data that are not there yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PlayMode {
    /// Waits for every timepoint; the rate is an upper bound.
    #[default]
    EveryFrame,
    /// Keeps the clock and skips what it cannot show.
    KeepPace,
    /// Keeps the recording's own clock, or a multiple of it.
    RealTime,
}

/// What playing does at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Loop {
    /// Stops.
    Off,
    /// Starts again.
    #[default]
    Loop,
    /// Turns round.
    BackAndForth,
}

/// Playing, and how.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Play {
    /// Whether it runs.
    #[serde(skip)]
    pub is_running: bool,
    /// What it waits for, and which clock it keeps.
    pub mode: PlayMode,
    /// Timepoints per second aimed at, where the clock is not the recording's own.
    pub rate_hz: f32,
    /// Multiple of the recording's own rate aimed at in real time.
    pub speed: f32,
    /// What happens at the end.
    pub at_end: Loop,
    /// 1 forward, -1 backward.
    pub direction: i8,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            is_running: false,
            mode: PlayMode::EveryFrame,
            rate_hz: 20.0,
            speed: 1.0,
            at_end: Loop::Loop,
            direction: 1,
        }
    }
}

impl Play {
    /// Timepoints per second aimed at in a recording of some rate of its own.
    pub fn aimed_hz(&self, own_rate_hz: Option<f64>) -> f32 {
        match (self.mode, own_rate_hz.filter(|rate| *rate > 0.0)) {
            (PlayMode::RealTime, Some(rate)) => (rate * f64::from(self.speed)) as f32,
            _ => self.rate_hz,
        }
    }
}

/// Zoom and pan, independent of the window's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// 1 shows the whole picture.
    pub zoom: f32,
    /// The point of the picture in the middle of the canvas, (x, y) as fractions of its width and height.
    pub center: [f32; 2],
}

impl Default for Camera {
    fn default() -> Self {
        Self::FIT
    }
}

impl Camera {
    /// The whole picture in the middle.
    pub const FIT: Self = Self { zoom: 1.0, center: [0.5, 0.5] };
    /// Closest and farthest zoom.
    pub const ZOOM_RANGE: [f32; 2] = [0.005, 400.0];

    /// The same with both values in range and finite.
    pub fn clamped(self) -> Self {
        let [low, high] = Self::ZOOM_RANGE;
        let finite = |value: f32, fallback: f32| if value.is_finite() { value } else { fallback };
        Self {
            zoom: finite(self.zoom, 1.0).clamp(low, high),
            center: self.center.map(|c| finite(c, 0.5).clamp(0.0, 1.0)),
        }
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

/// A section of the side panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Section {
    View,
    Contrast,
    Colormap,
    Operations,
    Quality,
    Dataset,
}

impl Section {
    /// All sections, top to bottom.
    pub const ALL: [Self; 6] =
        [Self::View, Self::Contrast, Self::Colormap, Self::Operations, Self::Quality, Self::Dataset];

    /// Heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::View => "View",
            Self::Contrast => "Contrast",
            Self::Colormap => "Colormap",
            Self::Operations => "Operations",
            Self::Quality => "Quality",
            Self::Dataset => "Dataset",
        }
    }
}

/// A measure of every plane at every timepoint, which the map shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapMeasure {
    /// Mean.
    #[default]
    Mean,
    /// Standard deviation.
    Std,
    /// Median.
    Median,
    /// Share of voxels at full scale.
    Saturation,
    /// Change since the timepoint before.
    Change,
    /// Sharpness.
    Focus,
    /// Structure along whole rows and columns.
    Stripes,
}

impl MapMeasure {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 7] =
        [Self::Mean, Self::Std, Self::Median, Self::Saturation, Self::Change, Self::Focus, Self::Stripes];

    /// As the map calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mean => "Mean",
            Self::Std => "Deviation",
            Self::Median => "Median",
            Self::Saturation => "Saturation",
            Self::Change => "Change",
            Self::Focus => "Focus",
            Self::Stripes => "Stripes",
        }
    }
}

/// What lies over the window until it is dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlay {
    /// All keys.
    Keys,
    /// The list of problems.
    Problems,
    /// Where to open from, with a typed path.
    Open,
    /// How the picture is saved, and where.
    Save,
    /// What could not be opened, over the recording that stays open.
    NotOpened,
    /// What went wrong on the program's own side.
    Notes,
    /// Which array of the file is shown, and what its axes are.
    Axes,
}

/// What the panels show and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panels {
    /// Light or dark.
    pub theme: Theme,
    /// Whether each section of the side panel is folded, in the order of [`Section::ALL`].
    pub folded: [bool; Section::ALL.len()],
    /// The section shown beside the icons where the side panel is narrow.
    pub drawer: Option<Section>,
    /// What lies over the window.
    pub overlay: Option<Overlay>,
    /// Whether the gradient and its limits are shown on the picture.
    pub color_bar: bool,
    /// The part of time the time area shows, in timepoints; `None` for all of it.
    pub time_zoom: Option<[f64; 2]>,
    /// Whether the traces are shown under the map.
    pub traces: bool,
    /// What the map shows.
    pub map_measure: MapMeasure,
    /// The traces under it from the top down.
    pub trace_order: [Trace; Trace::ALL.len()],
    /// Whether a new alarm is told while the window is not in front.
    pub notifies: bool,
    /// Height of the time area in points as somebody has drawn it; `None`: as high as its rows are.
    pub time_height: Option<f32>,
}

impl Default for Panels {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            // Its heading shows the colormap, and quality is worth more than the choice of it.
            folded: [false, false, true, true, false, false],
            drawer: None,
            overlay: None,
            color_bar: false,
            time_zoom: None,
            traces: true,
            map_measure: MapMeasure::default(),
            trace_order: Trace::ALL,
            notifies: true,
            time_height: None,
        }
    }
}

/// Smallest and largest gamma offered.
pub const GAMMA_RANGE: [f32; 2] = [0.2, 3.0];
/// Slowest and fastest playback offered, timepoints per second.
pub const PLAY_RATE_RANGE: [f32; 2] = [0.5, 120.0];
/// Slowest and fastest playback offered, as a multiple of the recording's own rate.
pub const PLAY_SPEED_RANGE: [f32; 2] = [0.1, 100.0];
