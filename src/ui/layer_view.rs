//! How one layer is drawn: the same in every view of it.

use serde::{Deserialize, Serialize};

use super::limits::value_range;
use super::{GAMMA_RANGE, Limits, Step};
use crate::array::ViewInfo;
use crate::volume::{Blend, Colormap, Display, Interpolation, PictureValues, ValueKind};

/// Light that channels are drawn in, in turn: those colours first that the most people tell apart.
pub const LIGHTS: [Colormap; 8] = [
    Colormap::Green,
    Colormap::Magenta,
    Colormap::Cyan,
    Colormap::YELLOW,
    Colormap::Red,
    Colormap::Blue,
    Colormap::ORANGE,
    Colormap::Gray,
];

/// How values of one layer become colours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerView {
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
    /// The full scale of a camera of fewer bits than the storage type, where one was recognised.
    #[serde(skip)]
    pub full_scale: Option<f64>,
    /// Filtering.
    pub interpolation: Interpolation,
    /// Whether it is drawn at all.
    pub visible: bool,
    /// How much of it is seen, 0 to 1.
    pub opacity: f32,
    /// How it comes over the layers below.
    pub blend: Blend,
    /// What is computed of it before it is shown, in order.
    pub operations: Vec<Step>,
}

impl Default for LayerView {
    fn default() -> Self {
        Self {
            contrast: Limits::default(),
            gamma: 1.0,
            colormap: Colormap::Magma,
            invert: false,
            saturation: false,
            full_scale: None,
            interpolation: Interpolation::Nearest,
            visible: true,
            opacity: 1.0,
            blend: Blend::Over,
            operations: Vec::new(),
        }
    }
}

impl LayerView {
    /// How pictures of these values are coloured.
    pub fn display(&self, values: PictureValues, info: &ViewInfo) -> Display {
        Display {
            limits: self.limits_or_default(values, info),
            gamma: self.gamma,
            colormap: if self.saturation { Colormap::Saturation } else { self.colormap },
            invert: self.invert && !self.saturation,
            interpolation: self.interpolation,
            opacity: self.opacity,
            blend: self.blend,
            full_scale: self.full_scale.filter(|_| matches!(values.kind, ValueKind::Voxels | ValueKind::Max)),
        }
    }

    /// Limits to draw with: chosen, measured, of the first picture, or the range of values until then.
    pub fn limits_or_default(&self, values: PictureValues, info: &ViewInfo) -> [f64; 2] {
        let guessed = || self.contrast.guessed[values.kind as usize].map(|limits| limits.at(values));
        let limits = self.contrast.of(values).or_else(guessed);
        limits.or_else(|| value_range(info, values)).unwrap_or([0.0, 1.0])
    }

    /// The same with limits of the voxels that somebody has said, and of what is folded out of them without
    /// becoming more.
    pub fn with_limits(mut self, limits: [f64; 2]) -> Self {
        for kind in [ValueKind::Voxels, ValueKind::Max, ValueKind::Mean, ValueKind::Min] {
            self.contrast.choose(PictureValues { kind, num: 1 }, limits);
        }
        self
    }

    /// The same with a gamma that can be offered.
    pub(super) fn sane(self) -> Self {
        let is_gamma = self.gamma.is_finite() && self.gamma > 0.0;
        let gamma = if is_gamma { self.gamma.clamp(GAMMA_RANGE[0], GAMMA_RANGE[1]) } else { 1.0 };
        Self { gamma, ..self }
    }
}
