//! Where the window lay and how large it was.

use serde::{Deserialize, Serialize};

/// Size and position in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Width and height inside the frame.
    pub size: [f32; 2],
    /// Left and top of the frame, where the system tells.
    pub position: Option<[f32; 2]>,
    /// Whether it fills the screen; `size` is then what it would otherwise be.
    #[serde(default)]
    pub is_maximized: bool,
}

impl WindowPlace {
    /// Whether a window could be like that.
    pub fn is_sane(&self) -> bool {
        let is_size = |value: &f32| value.is_finite() && (100.0..=20_000.0).contains(value);
        let is_place = |value: &f32| value.is_finite() && value.abs() <= 100_000.0;
        self.size.iter().all(is_size) && self.position.iter().flatten().all(is_place)
    }

    /// Whether enough of it lies on one of these screens (left, top, width, height, in points) to be
    /// taken hold of: a screen may have been unplugged.
    pub fn is_on_screen(&self, screens: &[[f32; 4]]) -> bool {
        let Some([left, top]) = self.position else { return true };
        let [width, _] = self.size;
        screens.iter().any(|[x, y, w, h]| {
            let overlap = (left + width).min(x + w) - left.max(*x);
            overlap >= 80.0 && top >= y - 8.0 && top <= y + h - 40.0
        })
    }
}
