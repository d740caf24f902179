//! What of a view is kept for every recording, and what belongs to one.

use super::{GAMMA_RANGE, Limits, Play, ViewState};
use crate::array::ViewInfo;

/// Names of the fields of [`ViewState`] that are kept for whatever is opened next; all others belong to
/// the recording they were chosen for.
pub const PREFERENCES: [&str; 8] =
    ["theme", "folded", "play", "interpolation", "colormap", "color_bar", "still", "still_folder"];

impl ViewState {
    /// What of it is kept for a recording. Limits that were measured are measured anew, since the recording
    /// may have grown.
    pub fn to_keep(&self) -> Self {
        let Limits { mut chosen, measured, .. } = self.contrast.clone();
        for (chosen, measured) in chosen.iter_mut().zip(measured) {
            *chosen = chosen.filter(|chosen| Some(*chosen) != measured);
        }
        Self {
            contrast: Limits { chosen, ..Limits::default() },
            follow: false,
            play: Play { is_running: false, ..self.play },
            drawer: None,
            overlay: None,
            ..self.clone()
        }
    }

    /// What of it is kept for whatever is opened next.
    pub fn only_preferences(&self) -> Self {
        Self {
            theme: self.theme,
            folded: self.folded,
            play: Play { is_running: false, direction: 1, ..self.play },
            interpolation: self.interpolation,
            colormap: self.colormap,
            color_bar: self.color_bar,
            still: self.still,
            still_folder: self.still_folder.clone(),
            ..Self::default()
        }
    }

    /// A remembered view, brought into what the dataset has.
    pub fn recalled(mut self, info: &ViewInfo) -> Self {
        self.clamp_to(info);
        self.camera = self.camera.clamped();
        let is_gamma = self.gamma.is_finite() && self.gamma > 0.0;
        self.gamma = if is_gamma { self.gamma.clamp(GAMMA_RANGE[0], GAMMA_RANGE[1]) } else { 1.0 };
        self
    }
}
