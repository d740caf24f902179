//! What the user is looking at and how: plain values, changed by commands alone.

use std::path::PathBuf;

use super::view::clamp_slab;
use super::{Camera, Cursor, DataOptions, LayerView, Layout, Limits, Panels, Play, StillOptions, View};
use crate::array::ViewInfo;
use crate::volume::{Colormap, Display, Orientation, Picture, ViewId};

/// Everything on screen that is the user's choice. `info`, where a method takes it, is the recording's: the
/// first layer's.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewState {
    /// The voxel all views agree on.
    pub cursor: Cursor,
    /// The canvases, at least one.
    pub views: Vec<View>,
    /// The one that keys and panels are about.
    pub active_view: ViewId,
    /// How they divide their room.
    pub layout: Layout,
    /// How each layer is drawn, in the order of the session's layers, at least one.
    pub layers: Vec<LayerView>,
    /// Position of the one that the panels are about.
    pub active_layer: usize,
    /// The gradient preferred for recordings of one layer, where this one has several in colours of its own.
    pub lone_colormap: Option<Colormap>,
    /// Playing.
    pub play: Play,
    /// Whether the newest timepoint stays on screen.
    pub follow: bool,
    /// What the panels show and how.
    pub panels: Panels,
    /// What a saved picture is made of.
    pub still: StillOptions,
    /// What is saved of the data.
    pub data: DataOptions,
    /// The folder a picture was saved in last.
    pub still_folder: Option<PathBuf>,
    /// The folder data were saved in last.
    pub data_folder: Option<PathBuf>,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            cursor: Cursor::default(),
            views: vec![View::default()],
            active_view: ViewId::default(),
            layout: Layout::default(),
            layers: vec![LayerView::default()],
            active_layer: 0,
            lone_colormap: None,
            play: Play::default(),
            follow: false,
            panels: Panels::default(),
            still: StillOptions::default(),
            data: DataOptions::default(),
            still_folder: None,
            data_folder: None,
        }
    }
}

impl ViewState {
    /// The view a dataset opens with: the middle of the volume at the first timepoint, preferences kept.
    pub fn for_dataset(&self, info: &ViewInfo) -> Self {
        Self { cursor: Cursor::middle(info), ..self.only_preferences() }
    }

    /// Brings the view back into a recording that has become shorter or was replaced by another: what is
    /// said of the picture must be true of the one that is shown.
    pub fn clamp_to(&mut self, info: &ViewInfo) {
        self.cursor = self.cursor.clamped(info);
        for view in &mut self.views {
            view.clamp_to(info);
        }
    }

    /// The view that keys and panels are about.
    pub fn active(&self) -> &View {
        let active = self.views.iter().find(|view| view.id == self.active_view);
        active.unwrap_or(&self.views[0])
    }

    pub(super) fn active_mut(&mut self) -> &mut View {
        let active = self.views.iter().position(|view| view.id == self.active_view);
        &mut self.views[active.unwrap_or(0)]
    }

    /// A view by its name.
    pub fn view(&self, id: ViewId) -> Option<&View> {
        self.views.iter().find(|view| view.id == id)
    }

    /// The layer that the panels are about.
    pub fn layer(&self) -> &LayerView {
        &self.layers[self.active_layer.min(self.layers.len() - 1)]
    }

    pub(super) fn layer_mut(&mut self) -> &mut LayerView {
        let active = self.active_layer.min(self.layers.len() - 1);
        &mut self.layers[active]
    }

    /// Takes a layer away, by its position; the last one stays.
    pub fn remove_layer(&mut self, index: usize) {
        if self.layers.len() > 1 && index < self.layers.len() {
            self.layers.remove(index);
            self.active_layer -= usize::from(self.active_layer > index || self.active_layer == self.layers.len());
        }
    }

    /// Plane along the active view's depth axis.
    pub fn depth_index(&self) -> usize {
        self.active().depth(self.cursor)
    }

    /// Half-open depth range of the active view's projection, never empty.
    pub fn slab(&self, info: &ViewInfo) -> [usize; 2] {
        self.active().slab(info)
    }

    /// Whether the active view's projection folds a part of the depth only.
    pub fn has_slab(&self) -> bool {
        self.active().has_slab()
    }

    /// The picture the active view asks for.
    pub fn picture(&self, info: &ViewInfo) -> Picture {
        self.active().picture(self.cursor, info)
    }

    /// How the active layer is coloured in the active view.
    pub fn display(&self, info: &ViewInfo) -> Display {
        self.layer().display(self.values(info), info)
    }

    /// One more view like the active one, cut in another way, in half of its room.
    pub(super) fn add_view(&mut self, orientation: Orientation, is_below: bool) {
        let Some(id) = (0..=u8::MAX).map(ViewId).find(|id| self.view(*id).is_none()) else { return };
        let active = *self.active();
        self.views.push(View { id, orientation, camera: Camera::FIT, ..active });
        self.layout = std::mem::take(&mut self.layout).with(id, active.id, is_below);
        self.active_view = id;
    }

    pub(super) fn close_view(&mut self, id: ViewId) {
        if self.views.len() > 1 {
            self.views.retain(|view| view.id != id);
            self.tidy();
        }
    }

    /// Sees to it that the views, the layout and the active one are of one mind.
    pub(super) fn tidy(&mut self) {
        let ids: Vec<ViewId> = self.views.iter().map(|view| view.id).collect();
        self.layout = std::mem::take(&mut self.layout).of(&ids);
        self.active_view = self.active().id;
    }

    /// Moves the part of time that is shown so far that the timepoint is in it.
    pub(super) fn keep_t_in_sight(&mut self) {
        if let Some(zoom) = &mut self.panels.time_zoom {
            let t = self.cursor.t as f64;
            let shift = (t - zoom[0]).min(0.0) + (t + 1.0 - zoom[1]).max(0.0);
            *zoom = zoom.map(|end| end + shift);
        }
    }

    /// Moves the active view along its depth; a slab moves with the handle that is drawn in its middle, and
    /// keeps its thickness.
    pub(super) fn depth_to(&mut self, depth: usize, info: &ViewInfo) {
        let view = self.active_mut();
        let num = super::num_depths(info, view.orientation);
        let depth = depth.min(num.saturating_sub(1));
        if view.mode == super::Mode::Projection
            && let Some(slab) = &mut view.slabs[view.orientation as usize]
        {
            let [start, stop] = clamp_slab(*slab, num);
            let thickness = stop - start;
            let start = depth.saturating_sub(thickness / 2).min(num - thickness);
            *slab = [start, start + thickness];
        }
        let axis = view.orientation.depth_axis();
        *self.cursor.along_mut(axis) = depth;
    }

    /// Takes over what undo restores: everything but playing, following, preferences and panels.
    pub(super) fn restore(&mut self, earlier: &Self) {
        let now = std::mem::replace(self, earlier.clone());
        // What was measured meanwhile stays known.
        for (layer, now) in self.layers.iter_mut().zip(&now.layers) {
            layer.full_scale = now.full_scale;
            if layer.operations != now.operations {
                // It is of other values.
                continue;
            }
            layer.contrast = Limits { chosen: layer.contrast.chosen, ..now.contrast.clone() };
        }
        // Layers come and go with the session.
        self.layers.truncate(now.layers.len());
        self.layers.extend_from_slice(&now.layers[self.layers.len()..]);
        self.play = now.play;
        self.follow = false;
        self.panels = now.panels;
        self.still = now.still;
        self.data = now.data;
        self.still_folder = now.still_folder;
        self.data_folder = now.data_folder;
    }
}
