//! What each command changes of the view.

use std::path::Path;

use super::view::clamp_slab;
use super::{
    AppCommand, Camera, Command, GAMMA_RANGE, Loop, Mode, PLAY_RATE_RANGE, PLAY_SPEED_RANGE, SessionCommand, Theme,
    Trace, ViewState, num_depths,
};
use crate::array::ViewInfo;
use crate::volume::Axis;

impl ViewState {
    /// Carries out a command on the view, clamping it to what there is. Returns whether anything changed.
    /// [`Command::Undo`] and [`Command::Redo`] need a [`super::History`].
    pub fn apply(&mut self, command: &Command, info: &ViewInfo) -> bool {
        let before = self.clone();
        self.change(command, info);
        if self.cursor.t != before.cursor.t {
            self.keep_t_in_sight();
        }
        *self != before
    }

    fn change(&mut self, command: &Command, info: &ViewInfo) {
        let last_t = info.shape[0].saturating_sub(1);
        match *command {
            Command::ScrubTo(t) => self.scrub_to(t.min(last_t)),
            Command::GoTo { t, z } => {
                self.scrub_to(t.min(last_t));
                if let Some(z) = z {
                    self.go_to_plane(z, info);
                }
            }
            Command::StepT(step) => self.scrub_to(self.cursor.t.saturating_add_signed(step).min(last_t)),
            Command::PlayTo { t, direction } => {
                self.cursor.t = t.min(last_t);
                self.play.direction = if direction < 0 { -1 } else { 1 };
            }
            Command::FollowTo(t) if self.follow => self.cursor.t = t.min(last_t),
            Command::DepthTo(depth) => self.depth_to(depth, info),
            Command::StepDepth(step) => self.depth_to(self.depth_index().saturating_add_signed(step), info),
            Command::SetOrientation(orientation) => {
                let view = self.active_mut();
                if view.orientation != orientation {
                    view.orientation = orientation;
                    view.camera = Camera::FIT;
                }
            }
            Command::SetMode(mode) => self.active_mut().mode = mode,
            Command::ToggleMode => {
                let view = self.active_mut();
                view.mode = match view.mode {
                    Mode::Plane => Mode::Projection,
                    Mode::Projection => Mode::Plane,
                }
            }
            Command::SetProjection(op) => self.active_mut().op = op,
            Command::SetSlab(slab) => self.set_slab(slab, info),
            Command::AddView { orientation, is_below } => self.add_view(orientation, is_below),
            Command::CloseView(id) => self.close_view(id),
            Command::SetLayout(ref layout) => {
                self.layout = layout.clone();
                self.tidy();
            }
            Command::SetOpacity(opacity) => {
                if opacity.is_finite() {
                    self.layer_mut().opacity = opacity.clamp(0.0, 1.0);
                }
            }
            Command::SetBlend(blend) => self.layer_mut().blend = blend,
            Command::SetActiveView(id) => {
                if self.view(id).is_some() {
                    self.active_view = id;
                }
            }
            Command::SetActiveLayer(index) => self.active_layer = index.min(self.layers.len() - 1),
            Command::StepLayer(step) => {
                let num = self.layers.len() as isize;
                self.active_layer = (self.active_layer as isize + step).rem_euclid(num) as usize;
            }
            Command::ToggleLayer(index) => {
                let is_one_of = self.layers.len() > 1;
                if let Some(layer) = self.layers.get_mut(index).filter(|_| is_one_of) {
                    layer.visible ^= true;
                }
            }
            Command::SetOperations(ref steps) => self.layer_mut().compute(steps.clone()),
            Command::SetStep { index, ref text } => {
                let mut steps = self.layer().operations.clone();
                if let Some(step) = steps.get_mut(index) {
                    step.text.clone_from(text);
                    self.layer_mut().compute(steps);
                }
            }
            Command::SetInterpolation(interpolation) => self.layer_mut().interpolation = interpolation,
            Command::SetLimits(limits) => {
                let values = self.values(info);
                self.layer_mut().contrast.choose(values, limits);
            }
            Command::AutoContrast => {
                let values = self.values(info);
                self.layer_mut().contrast.back_to_measured(values);
                self.layer_mut().gamma = 1.0;
            }
            Command::LimitsMeasured { layer, values, limits, is_wished } => {
                if let Some(layer) = self.layers.get_mut(layer) {
                    layer.contrast.measure(values, limits, is_wished);
                }
            }
            Command::LimitsOfPicture { values, limits } => {
                self.layer_mut().contrast.choose(values, limits);
                self.layer_mut().gamma = 1.0;
            }
            Command::LimitsGuessed { layer, values, limits } => {
                if let Some(layer) = self.layers.get_mut(layer) {
                    layer.contrast.guess(values, limits);
                }
            }
            Command::FullScaleDetected { layer, value } => {
                if let Some(layer) = self.layers.get_mut(layer) {
                    layer.full_scale = value;
                }
            }
            Command::SetGamma(gamma) => {
                if gamma.is_finite() {
                    self.layer_mut().gamma = gamma.clamp(GAMMA_RANGE[0], GAMMA_RANGE[1]);
                }
            }
            Command::SetColormap(colormap) => {
                let layer = self.layer_mut();
                layer.colormap = colormap;
                layer.saturation = false;
            }
            Command::ToggleInvert => self.layer_mut().invert ^= true,
            Command::ToggleSaturation => self.layer_mut().saturation ^= true,
            Command::ToggleColorBar => self.panels.color_bar ^= true,
            Command::SetCamera(camera) => self.active_mut().camera = camera.clamped(),
            Command::ZoomBy(factor) => {
                let camera = &mut self.active_mut().camera;
                *camera = Camera { zoom: camera.zoom * factor, ..*camera }.clamped();
            }
            Command::Fit => self.active_mut().camera = Camera::FIT,
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
                self.panels.time_zoom =
                    zoom.filter(|[start, stop]| start.is_finite() && stop.is_finite() && start < stop);
            }
            Command::ToggleTraces => {
                self.panels.traces ^= true;
                self.panels.time_height = None;
            }
            Command::ToggleNotify => self.panels.notifies ^= true,
            Command::SetMapMeasure(measure) => self.panels.map_measure = measure,
            Command::SetTraceOrder(order) if Trace::is_order(&order) => self.panels.trace_order = order,
            Command::SetTimeAreaHeight(height) => {
                self.panels.time_height = height.filter(|height| height.is_finite() && *height > 0.0);
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
                    self.cursor.t = last_t;
                    self.play.is_running = false;
                }
            }
            Command::ToggleTheme => {
                self.panels.theme = match self.panels.theme {
                    Theme::Dark => Theme::Light,
                    Theme::Light => Theme::Dark,
                }
            }
            Command::ToggleSection(section) => self.panels.folded[section as usize] ^= true,
            Command::ToggleDrawer(section) => {
                self.panels.drawer = if self.panels.drawer == Some(section) { None } else { Some(section) };
            }
            Command::ToggleOverlay(overlay) => {
                self.panels.overlay = if self.panels.overlay == Some(overlay) { None } else { Some(overlay) };
            }
            // One at a time, the topmost first.
            Command::CloseOverlay => {
                if self.panels.overlay.take().is_none() {
                    self.panels.drawer = None;
                }
            }
            Command::SetStill(still) => self.still = still,
            Command::SetData(data) => self.data = data,
            Command::App(
                AppCommand::OpenPath(_)
                | AppCommand::OpenDemo
                | AppCommand::BrowseFolder
                | AppCommand::BrowseFile
                | AppCommand::TryAgain
                | AppCommand::WaitForRecording
                | AppCommand::CancelOpening,
            ) => self.panels.overlay = None,
            Command::Session(SessionCommand::SavePicture(ref path)) => {
                self.still_folder = path.parent().map(Path::to_owned);
            }
            Command::FollowTo(_)
            | Command::SetTraceOrder(_)
            | Command::Undo
            | Command::Redo
            | Command::Session(_)
            | Command::App(_) => {}
        }
    }

    fn scrub_to(&mut self, t: usize) {
        self.cursor.t = t;
        self.follow = false;
    }

    /// Shows a plane as recorded: a view that is cut otherwise keeps its cut, and only the cursor moves.
    fn go_to_plane(&mut self, z: usize, info: &ViewInfo) {
        if self.active().orientation.depth_axis() == Axis::Z {
            self.depth_to(z, info);
        } else {
            *self.cursor.along_mut(Axis::Z) = z.min(info.shape[1].saturating_sub(1));
        }
    }

    fn toggle_play(&mut self, last_t: usize) {
        self.play.is_running = !self.play.is_running && last_t > 0;
        if self.play.is_running {
            self.follow = false;
            if self.play.at_end == Loop::Off && self.cursor.t >= last_t && self.play.direction > 0 {
                self.cursor.t = 0;
            }
        }
    }

    fn set_slab(&mut self, slab: Option<[usize; 2]>, info: &ViewInfo) {
        let view = self.active_mut();
        let num = num_depths(info, view.orientation);
        let slab = slab.map(|slab| clamp_slab(slab, num)).filter(|slab| *slab != [0, num]);
        view.slabs[view.orientation as usize] = slab;
        let axis = view.orientation.depth_axis();
        if let Some([start, stop]) = slab {
            let depth = self.cursor.along_mut(axis);
            *depth = (*depth).clamp(start, stop - 1);
        }
    }
}
