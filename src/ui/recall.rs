//! What of a view is kept for every recording, and what belongs to one: plain forms, as they are written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    Cursor, DataOptions, LayerView, Layout, Limits, MapMeasure, Missing, Panels, Play, Section, Step, StillOptions,
    Theme, Trace, View, ViewState,
};
use crate::array::ViewInfo;
use crate::volume::{Colormap, Interpolation, ViewId};

/// What is kept for whatever is opened next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct KeptPreferences {
    pub theme: Theme,
    pub folded: [bool; Section::ALL.len()],
    pub play: Play,
    pub interpolation: Interpolation,
    pub colormap: Colormap,
    pub color_bar: bool,
    pub traces: bool,
    pub map_measure: MapMeasure,
    pub time_height: Option<f32>,
    pub trace_order: [Trace; Trace::ALL.len()],
    pub notifies: bool,
    pub still: StillOptions,
    pub still_folder: Option<PathBuf>,
    pub data: DataOptions,
    pub data_folder: Option<PathBuf>,
}

impl Default for KeptPreferences {
    fn default() -> Self {
        ViewState::default().preferences()
    }
}

/// What is kept of how one recording is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct KeptView {
    pub cursor: Cursor,
    pub views: Vec<View>,
    pub active_view: ViewId,
    pub layout: Layout,
    pub layers: Vec<KeptLayer>,
}

/// What is kept of how one of its layers is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct KeptLayer {
    pub contrast: Limits,
    pub gamma: f32,
    pub invert: bool,
    pub saturation: bool,
    /// What is computed of it.
    pub operations: Vec<Step>,
    /// Its colour and whether it is drawn, where it is one of several.
    pub channel: Option<(Colormap, bool)>,
}

impl Default for KeptLayer {
    fn default() -> Self {
        Self::of(&LayerView::default())
    }
}

impl KeptLayer {
    /// Limits that were measured are measured anew, since the recording may have grown.
    fn of(layer: &LayerView) -> Self {
        let Limits { mut chosen, measured, .. } = layer.contrast.clone();
        for (chosen, measured) in chosen.iter_mut().zip(measured) {
            *chosen = chosen.filter(|chosen| Some(*chosen) != measured);
        }
        Self {
            contrast: Limits { chosen, ..Limits::default() },
            gamma: layer.gamma,
            invert: layer.invert,
            saturation: layer.saturation,
            operations: layer.operations.clone(),
            channel: None,
        }
    }
}

impl ViewState {
    /// What of it is kept for a recording.
    pub fn to_keep(&self) -> KeptView {
        KeptView {
            cursor: self.cursor,
            views: self.views.clone(),
            active_view: self.active_view,
            layout: self.layout.clone(),
            layers: self.layers.iter().map(|layer| self.kept_layer(layer)).collect(),
        }
    }

    fn kept_layer(&self, layer: &LayerView) -> KeptLayer {
        let channel = (self.layers.len() > 1).then_some((layer.colormap, layer.visible));
        KeptLayer { channel, ..KeptLayer::of(layer) }
    }

    /// What of it is kept for whatever is opened next.
    pub fn preferences(&self) -> KeptPreferences {
        let Panels { theme, folded, color_bar, traces, map_measure, time_height, trace_order, notifies, .. } =
            self.panels;
        let LayerView { interpolation, colormap, .. } = self.layers[0];
        // The colours of several are those of their recording.
        let colormap = self.lone_colormap.unwrap_or(colormap);
        let play = Play { is_running: false, direction: 1, ..self.play };
        let (still, still_folder) = (self.still, self.still_folder.clone());
        let (data, data_folder) =
            (DataOptions { ranges: None, missing: Missing::Refuse, ..self.data }, self.data_folder.clone());
        KeptPreferences {
            theme,
            folded,
            play,
            interpolation,
            colormap,
            color_bar,
            traces,
            map_measure,
            time_height,
            trace_order,
            notifies,
            still,
            still_folder,
            data,
            data_folder,
        }
    }

    /// A view that is nothing but its preferences.
    pub fn only_preferences(&self) -> Self {
        self.preferences().into()
    }

    /// A remembered view in place of this one, brought into what the dataset has. Layers the session does
    /// not have are left out.
    pub fn recalled(mut self, kept: KeptView, info: &ViewInfo) -> Self {
        self.cursor = kept.cursor;
        let mut views: Vec<View> = Vec::new();
        for view in kept.views {
            if views.iter().all(|known| known.id != view.id) {
                views.push(View { camera: view.camera.clamped(), ..view });
            }
        }
        if !views.is_empty() {
            self.views = views;
        }
        (self.active_view, self.layout) = (kept.active_view, kept.layout);
        self.tidy();
        let is_one_of = self.layers.len() > 1;
        for (layer, kept) in self.layers.iter_mut().zip(kept.layers) {
            let KeptLayer { contrast, gamma, invert, saturation, operations, channel } = kept;
            let (colormap, visible) = channel.filter(|_| is_one_of).unwrap_or((layer.colormap, layer.visible));
            let kept =
                LayerView { contrast, gamma, invert, saturation, operations, colormap, visible, ..layer.clone() };
            *layer = kept.sane();
        }
        self.clamp_to(info);
        self
    }
}

impl From<KeptPreferences> for ViewState {
    fn from(kept: KeptPreferences) -> Self {
        let KeptPreferences { theme, folded, play, interpolation, colormap, color_bar, .. } = kept;
        let KeptPreferences {
            traces,
            map_measure,
            time_height,
            trace_order,
            notifies,
            still,
            still_folder,
            data,
            data_folder,
            ..
        } = kept;
        let trace_order = if Trace::is_order(&trace_order) { trace_order } else { Trace::ALL };
        let time_height = time_height.filter(|height| height.is_finite() && *height > 0.0);
        let chosen = Panels { theme, folded, color_bar, ..Panels::default() };
        let panels = Panels { traces, map_measure, time_height, trace_order, notifies, ..chosen };
        Self {
            layers: vec![LayerView { interpolation, colormap, ..LayerView::default() }],
            panels,
            play,
            still,
            still_folder,
            data,
            data_folder,
            ..Self::default()
        }
    }
}
