//! What the user is looking at and how: plain values, changed by commands alone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Camera, Command, GAMMA_RANGE, Limits, Loop, Mode, Overlay, PLAY_RATE_RANGE, PLAY_SPEED_RANGE, Play, Section,
    StillOptions, Theme,
};
use crate::array::ViewInfo;
use crate::volume::{Colormap, Display, Interpolation, Orientation, Picture, Projection};

/// The view of one dataset, and the preferences that outlive it. What is not skipped here is remembered
/// from one run of the program to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewState {
    /// Timepoint.
    pub t: usize,
    /// Plane along each orientation's depth axis, in the order of [`Orientation::ALL`].
    pub depth: [usize; 3],
    /// How the picture lies.
    pub orientation: Orientation,
    /// A plane or a projection.
    pub mode: Mode,
    /// How a projection folds.
    pub op: Projection,
    /// Depth range of the projection for each orientation; `None` for the whole depth.
    pub slabs: [Option<[usize; 2]>; 3],
    /// Filtering.
    pub interpolation: Interpolation,
    /// Contrast limits of every kind of picture.
    pub contrast: Limits,
    /// Exponent of the normalised value.
    pub gamma: f32,
    /// The gradient.
    pub colormap: Colormap,
    /// Whether the gradient runs backwards.
    pub invert: bool,
    /// Whether full-scale and zero voxels are painted instead.
    pub saturation: bool,
    /// Whether the gradient and its limits are shown on the picture.
    pub color_bar: bool,
    /// Zoom and pan.
    pub camera: Camera,
    /// Playing.
    pub play: Play,
    /// The part of time the time area shows, in timepoints; `None` for all of it.
    #[serde(skip)]
    pub time_zoom: Option<[f64; 2]>,
    /// Whether the newest timepoint stays on screen.
    #[serde(skip)]
    pub follow: bool,
    /// Light or dark.
    pub theme: Theme,
    /// Whether each section of the side panel is folded, in the order of [`Section::ALL`].
    pub folded: [bool; 4],
    /// The section shown beside the icons where the side panel is narrow.
    #[serde(skip)]
    pub drawer: Option<Section>,
    /// What lies over the window.
    #[serde(skip)]
    pub overlay: Option<Overlay>,
    /// What a saved picture is made of.
    pub still: StillOptions,
    /// The folder a picture was saved in last.
    pub still_folder: Option<PathBuf>,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            t: 0,
            depth: [0; 3],
            orientation: Orientation::Xy,
            mode: Mode::Plane,
            op: Projection::Max,
            slabs: [None; 3],
            interpolation: Interpolation::Nearest,
            contrast: Limits::default(),
            gamma: 1.0,
            colormap: Colormap::Magma,
            invert: false,
            saturation: false,
            color_bar: false,
            camera: Camera::FIT,
            play: Play::default(),
            time_zoom: None,
            follow: false,
            theme: Theme::Dark,
            folded: [false; 4],
            drawer: None,
            overlay: None,
            still: StillOptions::default(),
            still_folder: None,
        }
    }
}

impl ViewState {
    /// The view a dataset opens with: the middle of the volume at the first timepoint, preferences kept.
    pub fn for_dataset(&self, info: &ViewInfo) -> Self {
        let mut view = self.only_preferences();
        for (index, orientation) in Orientation::ALL.into_iter().enumerate() {
            view.depth[index] = num_depths(info, orientation) / 2;
        }
        view
    }

    /// Brings the view back into a recording that has become shorter or was replaced by another: what is
    /// said of the picture must be true of the one that is shown.
    pub fn clamp_to(&mut self, info: &ViewInfo) {
        self.t = self.t.min(info.shape[0].saturating_sub(1));
        for (index, orientation) in Orientation::ALL.into_iter().enumerate() {
            let num = num_depths(info, orientation);
            self.depth[index] = self.depth[index].min(num - 1);
            let slab = self.slabs[index].map(|slab| clamp_slab(slab, num));
            self.slabs[index] = slab.filter(|slab| *slab != [0, num]);
        }
    }

    /// Plane along the current depth axis.
    pub fn depth_index(&self) -> usize {
        self.depth[self.orientation as usize]
    }

    /// Half-open depth range of the current projection, never empty.
    pub fn slab(&self, info: &ViewInfo) -> [usize; 2] {
        let num = num_depths(info, self.orientation);
        clamp_slab(self.slabs[self.orientation as usize].unwrap_or([0, num]), num)
    }

    /// Whether the projection folds a part of the depth only.
    pub fn has_slab(&self) -> bool {
        self.slabs[self.orientation as usize].is_some()
    }

    /// How values become colours.
    pub fn display(&self, info: &ViewInfo) -> Display {
        Display {
            limits: self.limits_or_default(info),
            gamma: self.gamma,
            colormap: if self.saturation { Colormap::Saturation } else { self.colormap },
            invert: self.invert && !self.saturation,
            interpolation: self.interpolation,
            ..Display::default()
        }
    }

    /// The picture asked for.
    pub fn picture(&self, info: &ViewInfo) -> Picture {
        let t = self.t.min(info.shape[0].saturating_sub(1));
        let orientation = self.orientation;
        let num = num_depths(info, orientation);
        match self.mode {
            Mode::Projection if num > 1 => Picture::Projection { t, orientation, slab: self.slab(info), op: self.op },
            _ => Picture::Plane { t, orientation, index: self.depth_index().min(num.saturating_sub(1)) },
        }
    }

    /// Carries out a command on the view, clamping it to what there is. Returns whether anything changed.
    /// [`Command::Undo`] and [`Command::Redo`] need a [`super::History`].
    pub fn apply(&mut self, command: &Command, info: &ViewInfo) -> bool {
        let before = self.clone();
        self.change(command, info);
        if self.t != before.t {
            self.keep_t_in_sight();
        }
        *self != before
    }

    fn change(&mut self, command: &Command, info: &ViewInfo) {
        let last_t = info.shape[0].saturating_sub(1);
        match *command {
            Command::ScrubTo(t) => self.scrub_to(t.min(last_t)),
            Command::StepT(step) => self.scrub_to(self.t.saturating_add_signed(step).min(last_t)),
            Command::PlayTo { t, direction } => {
                self.t = t.min(last_t);
                self.play.direction = if direction < 0 { -1 } else { 1 };
            }
            Command::FollowTo(t) if self.follow => self.t = t.min(last_t),
            Command::DepthTo(depth) => self.depth_to(depth, info),
            Command::StepDepth(step) => self.depth_to(self.depth_index().saturating_add_signed(step), info),
            Command::SetOrientation(orientation) => {
                if self.orientation != orientation {
                    self.orientation = orientation;
                    self.camera = Camera::FIT;
                }
            }
            Command::SetMode(mode) => self.mode = mode,
            Command::ToggleMode => {
                self.mode = match self.mode {
                    Mode::Plane => Mode::Projection,
                    Mode::Projection => Mode::Plane,
                }
            }
            Command::SetProjection(op) => self.op = op,
            Command::SetSlab(slab) => {
                let num = num_depths(info, self.orientation);
                let slab = slab.map(|slab| clamp_slab(slab, num)).filter(|slab| *slab != [0, num]);
                self.slabs[self.orientation as usize] = slab;
                if let Some([start, stop]) = slab {
                    let depth = &mut self.depth[self.orientation as usize];
                    *depth = (*depth).clamp(start, stop - 1);
                }
            }
            Command::SetInterpolation(interpolation) => self.interpolation = interpolation,
            Command::SetLimits(limits) => self.contrast.choose(self.values(info), limits),
            Command::AutoContrast => {
                self.contrast.back_to_measured(self.values(info));
                self.gamma = 1.0;
            }
            Command::LimitsMeasured { values, limits, is_wished } => self.contrast.measure(values, limits, is_wished),
            Command::LimitsOfPicture { values, limits } => {
                self.contrast.choose(values, limits);
                self.gamma = 1.0;
            }
            Command::LimitsGuessed { values, limits } => self.contrast.guess(values, limits),
            Command::SetGamma(gamma) => {
                if gamma.is_finite() {
                    self.gamma = gamma.clamp(GAMMA_RANGE[0], GAMMA_RANGE[1]);
                }
            }
            Command::SetColormap(colormap) => {
                self.colormap = colormap;
                self.saturation = false;
            }
            Command::ToggleInvert => self.invert = !self.invert,
            Command::ToggleSaturation => self.saturation = !self.saturation,
            Command::ToggleColorBar => self.color_bar = !self.color_bar,
            Command::SetCamera(camera) => self.camera = camera.clamped(),
            Command::ZoomBy(factor) => {
                self.camera = Camera { zoom: self.camera.zoom * factor, ..self.camera }.clamped();
            }
            Command::Fit => self.camera = Camera::FIT,
            Command::TogglePlay => self.toggle_play(last_t),
            Command::StopPlay => self.play.is_running = false,
            Command::SetPlayMode(mode) => self.play.mode = mode,
            Command::SetPlayRate(rate_hz) => {
                if rate_hz.is_finite() {
                    self.play.rate_hz = rate_hz.clamp(PLAY_RATE_RANGE[0], PLAY_RATE_RANGE[1]);
                }
            }
            Command::SetPlaySpeed(speed) => {
                if speed.is_finite() {
                    self.play.speed = speed.clamp(PLAY_SPEED_RANGE[0], PLAY_SPEED_RANGE[1]);
                }
            }
            Command::SetTimeZoom(zoom) => {
                self.time_zoom = zoom.filter(|[start, stop]| start.is_finite() && stop.is_finite() && start < stop);
            }
            Command::SetLoop(at_end) => {
                self.play.at_end = at_end;
                if at_end != Loop::BackAndForth {
                    self.play.direction = 1;
                }
            }
            Command::ToggleFollow => {
                self.follow = !self.follow;
                if self.follow {
                    self.t = last_t;
                    self.play.is_running = false;
                }
            }
            Command::ToggleTheme => {
                self.theme = match self.theme {
                    Theme::Dark => Theme::Light,
                    Theme::Light => Theme::Dark,
                }
            }
            Command::ToggleSection(section) => self.folded[section as usize] ^= true,
            Command::ToggleDrawer(section) => {
                self.drawer = if self.drawer == Some(section) { None } else { Some(section) };
            }
            Command::ToggleOverlay(overlay) => {
                self.overlay = if self.overlay == Some(overlay) { None } else { Some(overlay) };
            }
            // One at a time, the topmost first.
            Command::CloseOverlay => {
                if self.overlay.take().is_none() {
                    self.drawer = None;
                }
            }
            Command::OpenPath(_)
            | Command::OpenDemo
            | Command::BrowseFolder
            | Command::BrowseFile
            | Command::TryAgain
            | Command::WaitForRecording
            | Command::CancelOpening => {
                self.overlay = None;
            }
            Command::SetStill(still) => self.still = still,
            Command::SavePicture(ref path) => self.still_folder = path.parent().map(Path::to_owned),
            Command::SetStillPath(_)
            | Command::BrowseStillPath
            | Command::CopyPicture
            | Command::ShowSaved
            | Command::FollowTo(_)
            | Command::Undo
            | Command::Redo
            | Command::CloseDataset
            | Command::LeaveOutSuspects(_)
            | Command::ChooseDataset(_)
            | Command::RemoveRecent(_)
            | Command::FitContrast
            | Command::RetryFailures
            | Command::CompletePath(_)
            | Command::Tell(_)
            | Command::Forget(_)
            | Command::ClearNotes => {}
        }
    }

    fn scrub_to(&mut self, t: usize) {
        self.t = t;
        self.follow = false;
    }

    /// Moves the part of time that is shown so far that the timepoint is in it.
    fn keep_t_in_sight(&mut self) {
        if let Some(zoom) = &mut self.time_zoom {
            let t = self.t as f64;
            let shift = (t - zoom[0]).min(0.0) + (t + 1.0 - zoom[1]).max(0.0);
            *zoom = zoom.map(|end| end + shift);
        }
    }

    fn depth_to(&mut self, depth: usize, info: &ViewInfo) {
        let num = num_depths(info, self.orientation);
        let index = self.orientation as usize;
        let depth = depth.min(num.saturating_sub(1));
        if self.mode == Mode::Projection
            && let Some(slab) = self.slabs[index]
        {
            // The slab moves with the handle that is drawn in its middle, and keeps its thickness.
            let [start, stop] = clamp_slab(slab, num);
            let thickness = stop - start;
            let start = depth.saturating_sub(thickness / 2).min(num - thickness);
            self.slabs[index] = Some([start, start + thickness]);
        }
        self.depth[index] = depth;
    }

    fn toggle_play(&mut self, last_t: usize) {
        self.play.is_running = !self.play.is_running && last_t > 0;
        if self.play.is_running {
            self.follow = false;
            if self.play.at_end == Loop::Off && self.t >= last_t && self.play.direction > 0 {
                self.t = 0;
            }
        }
    }

    /// Takes over what undo restores: everything but playing, following, preferences and panels.
    pub(super) fn restore(&mut self, earlier: &Self) {
        *self = Self {
            contrast: Limits { chosen: earlier.contrast.chosen, ..self.contrast.clone() },
            play: self.play,
            time_zoom: self.time_zoom,
            follow: false,
            theme: self.theme,
            folded: self.folded,
            drawer: self.drawer,
            overlay: self.overlay,
            still: self.still,
            still_folder: self.still_folder.clone(),
            ..earlier.clone()
        };
    }
}

/// Extent along the depth axis of an orientation, at least 1.
pub fn num_depths(info: &ViewInfo, orientation: Orientation) -> usize {
    info.shape[orientation.depth_axis().index()].max(1)
}

fn clamp_slab([start, stop]: [usize; 2], num: usize) -> [usize; 2] {
    let start = start.min(num.saturating_sub(1));
    [start, stop.clamp(start + 1, num.max(start + 1))]
}
