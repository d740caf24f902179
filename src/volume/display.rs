//! How values become colours: contrast limits, gamma, colormap, filtering, and how a layer comes over those
//! below it. The arithmetic here is the oracle of the plane shader.

use super::colormap::label_step;
use super::{Colormap, DType};

/// How the picture is filtered where a voxel and a pixel are not the same size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Interpolation {
    /// The voxel under the pixel's centre, unchanged.
    Nearest,
    /// Values blended before they are coloured; the average over the pixel's area when zoomed out.
    #[default]
    Linear,
}

impl Interpolation {
    /// Both, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Nearest, Self::Linear];

    /// Label in the window.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nearest => "Nearest",
            Self::Linear => "Linear",
        }
    }
}

/// How a layer's colours come over those of the layers below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Blend {
    /// They cover them, as far as the layer is opaque.
    #[default]
    Over,
    /// They are added to them, as the light of several channels is.
    Add,
}

impl Blend {
    /// Both, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Over, Self::Add];

    /// Label in the window.
    pub fn label(self) -> &'static str {
        match self {
            Self::Over => "Over",
            Self::Add => "Add",
        }
    }
}

/// Everything that decides the colour of a value. Changing it uploads nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Display {
    /// Values drawn with the first and with the last colour.
    pub limits: [f64; 2],
    /// Exponent of the normalised value: above 1 darkens the middle, below 1 brightens it.
    pub gamma: f32,
    /// The gradient.
    pub colormap: Colormap,
    /// Whether the gradient runs backwards.
    pub invert: bool,
    /// Filtering.
    pub interpolation: Interpolation,
    /// Value at which the detector saturates, for [`Colormap::Saturation`]; `None`: the largest value
    /// of an integer type, the upper contrast limit of a float.
    pub full_scale: Option<f64>,
    /// How much of the layer is seen, 0 to 1.
    pub opacity: f32,
    /// How the layer comes over those below it.
    pub blend: Blend,
}

impl Default for Display {
    fn default() -> Self {
        Self {
            limits: [0.0, 1.0],
            gamma: 1.0,
            colormap: Colormap::Gray,
            invert: false,
            interpolation: Interpolation::Linear,
            full_scale: None,
            opacity: 1.0,
            blend: Blend::Over,
        }
    }
}

impl Display {
    /// Position of a value along the gradient, 0 to 1; `None` for NaN, which is no measurement. Where
    /// the limits coincide the gradient is a step.
    pub fn normalize(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let [low, high] = self.limits;
        // Compared before subtracting, so that infinities clamp instead of becoming NaN.
        let linear = if value <= low {
            0.0
        } else if value >= high {
            1.0
        } else {
            let span = high - low;
            // The span of limits of either sign may be larger than the largest number.
            if span.is_finite() { (value - low) / span } else { (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) }
        };
        let curved = linear.powf(f64::from(self.gamma));
        Some(if self.invert { 1.0 - curved } else { curved })
    }

    /// The value [`Colormap::Saturation`] takes for full scale.
    pub fn full_scale_of(&self, dtype: DType) -> f64 {
        self.full_scale.unwrap_or_else(|| match dtype.integer_range() {
            Some([_, largest]) => largest,
            None => self.limits[1],
        })
    }

    /// The colour of a value of an array of `dtype`; `None` for NaN, which is hatched like missing data.
    pub fn color(&self, value: f64, dtype: DType) -> Option<[u8; 4]> {
        let position = self.normalize(value)?;
        let index = (position * 255.0).round() as usize;
        let index = match self.colormap {
            Colormap::Labels => label_step(value),
            Colormap::Saturation if value >= self.full_scale_of(dtype) => 255,
            Colormap::Saturation if value == 0.0 => 0,
            // The ends of its table are the marks; all between is gray.
            Colormap::Saturation => index.clamp(1, 254),
            _ => index,
        };
        Some(self.colormap.color(index as u8))
    }

    /// The colour of a value drawn over a pixel of the layers below, opaque; `None` for NaN, and for what is
    /// hatched in any of the layers below. The lowest layer lies over black. Where nothing is named, labels
    /// are transparent.
    pub fn color_over(&self, below: Option<[u8; 4]>, value: f64, dtype: DType) -> Option<[u8; 4]> {
        let (below, color) = (below?, self.color(value, dtype)?);
        if self.colormap == Colormap::Labels && label_step(value) == 0 {
            return Some(below);
        }
        let [shown, covered] = self.shares();
        let mix = |i: usize| f32::from(color[i]) * shown + f32::from(below[i]) * (1.0 - covered);
        let [r, g, b] = [0, 1, 2].map(|i| mix(i).round().clamp(0.0, 255.0) as u8);
        Some([r, g, b, 255])
    }

    /// How much of the layer's own colour is seen, and how much of what lies below it is covered, 0 to 1.
    pub fn shares(&self) -> [f32; 2] {
        let opacity = if self.opacity.is_finite() { self.opacity.clamp(0.0, 1.0) } else { 1.0 };
        match self.blend {
            Blend::Over => [opacity, opacity],
            Blend::Add => [opacity, 0.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_map_along_the_gradient_and_clamp_at_its_ends() {
        let display = Display { limits: [100.0, 200.0], ..Display::default() };
        assert_eq!(display.normalize(150.0), Some(0.5));
        let whole = Display { limits: [f64::MIN, f64::MAX], ..display };
        assert_eq!(whole.normalize(f64::MAX / 2.0), Some(0.75));
        assert_eq!(display.normalize(f64::NEG_INFINITY), Some(0.0));
        assert_eq!(display.normalize(f64::INFINITY), Some(1.0));
        assert_eq!(display.normalize(f64::NAN), None);
        assert_eq!(Display { gamma: 2.0, ..display }.normalize(150.0), Some(0.25));
        assert_eq!(Display { invert: true, ..display }.normalize(100.0), Some(1.0));
        let step = Display { limits: [100.0, 100.0], ..display };
        assert_eq!((step.normalize(100.0), step.normalize(100.5)), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn layers_cover_or_add_and_what_is_missing_in_one_is_missing() {
        let below = Some([200, 100, 0, 255]);
        let red = Display { colormap: Colormap::Red, ..Display::default() };
        let over = |opacity, blend| Display { opacity, blend, ..red }.color_over(below, 1.0, DType::F32);
        assert_eq!(over(1.0, Blend::Over), Some([255, 0, 0, 255]));
        assert_eq!(over(0.25, Blend::Over), Some([214, 75, 0, 255]));
        assert_eq!(over(1.0, Blend::Add), Some([255, 100, 0, 255]));
        assert_eq!(over(0.2, Blend::Add), Some([251, 100, 0, 255]));
        assert_eq!(over(f32::NAN, Blend::Over), Some([255, 0, 0, 255]));
        assert_eq!(red.color_over(below, f64::NAN, DType::F32), None);
        assert_eq!(red.color_over(None, 1.0, DType::F32), None);
        let labels = Display { colormap: Colormap::Labels, ..Display::default() };
        assert_eq!(labels.color_over(below, 0.0, DType::U16), below);
        assert_eq!(labels.color_over(below, 7.0, DType::U16), labels.color(7.0, DType::U16));
    }

    #[test]
    fn saturation_tells_zero_and_full_scale_by_the_value_alone() {
        let display = Display { limits: [10.0, 20.0], colormap: Colormap::Saturation, ..Display::default() };
        assert_eq!(display.color(0.0, DType::U16), Some(Colormap::ZERO_COLOR));
        assert_eq!(display.color(5.0, DType::U16), Some([1, 1, 1, 255]));
        assert_eq!(display.color(60000.0, DType::U16), Some([254, 254, 254, 255]));
        assert_eq!(display.color(65535.0, DType::U16), Some(Colormap::FULL_SCALE_COLOR));
        assert_eq!(display.color(255.0, DType::U8), Some(Colormap::FULL_SCALE_COLOR));
        let camera = Display { full_scale: Some(4095.0), ..display };
        assert_eq!(camera.color(4095.0, DType::U16), Some(Colormap::FULL_SCALE_COLOR));
        assert_eq!(display.color(f64::NAN, DType::F32), None);
    }
}
