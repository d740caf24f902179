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
    /// Where the window is now; `before` keeps the size it goes back to.
    pub fn now(ctx: &egui::Context, before: Option<&Self>) -> Option<Self> {
        ctx.input(|input| {
            let viewport = input.viewport();
            if viewport.minimized == Some(true) {
                return None;
            }
            let is_maximized = viewport.maximized == Some(true) || viewport.fullscreen == Some(true);
            let inner = viewport.inner_rect?;
            let place = Self {
                size: inner.size().into(),
                position: viewport.outer_rect.map(|rect| [rect.min.x, rect.min.y]),
                is_maximized,
            };
            match before {
                Some(before) if is_maximized => Some(Self { is_maximized, ..*before }),
                _ => Some(place),
            }
        })
    }

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

    /// The same with what the window is to be built like.
    pub fn apply(this: Option<&Self>, viewport: egui::ViewportBuilder) -> egui::ViewportBuilder {
        let Some(place) = this else { return viewport.with_inner_size([1280.0, 800.0]) };
        let viewport = viewport.with_inner_size(place.size).with_maximized(place.is_maximized);
        match place.position {
            Some(position) => viewport.with_position(position),
            None => viewport,
        }
    }
}
