//! Where the window lies: asked of the system, given to it, and mended where a screen has gone.

use crate::app::memory::WindowPlace;

/// Where the window is now, unless it is minimised; `before` keeps the size it goes back to.
pub fn now(ctx: &egui::Context, before: Option<&WindowPlace>) -> Option<WindowPlace> {
    ctx.input(|input| {
        let viewport = input.viewport();
        if viewport.minimized == Some(true) {
            return None;
        }
        let is_maximized = viewport.maximized == Some(true) || viewport.fullscreen == Some(true);
        let inner = viewport.inner_rect?;
        let place = WindowPlace {
            size: inner.size().into(),
            position: viewport.outer_rect.map(|rect| [rect.min.x, rect.min.y]),
            is_maximized,
        };
        match before {
            Some(before) if is_maximized => Some(WindowPlace { is_maximized, ..*before }),
            _ => Some(place),
        }
    })
}

/// What a window is built like that is to lie where it lay.
pub fn build(place: Option<&WindowPlace>, viewport: egui::ViewportBuilder) -> egui::ViewportBuilder {
    let Some(place) = place else { return viewport.with_inner_size([1280.0, 800.0]) };
    let viewport = viewport.with_inner_size(place.size).with_maximized(place.is_maximized);
    match place.position {
        Some(position) => viewport.with_position(position),
        None => viewport,
    }
}

/// Moves a window that lies on no screen, because one was unplugged, to where it can be seen.
pub fn bring_back(ctx: &egui::Context, frame: &eframe::Frame, place: Option<&WindowPlace>) {
    let (Some(place), Some(window)) = (place, frame.winit_window()) else { return };
    let scale = f64::from(ctx.pixels_per_point());
    let screens: Vec<[f32; 4]> = window
        .available_monitors()
        .map(|screen| {
            let (at, size) = (screen.position(), screen.size());
            [f64::from(at.x), f64::from(at.y), f64::from(size.width), f64::from(size.height)]
                .map(|value| (value / scale) as f32)
        })
        .collect();
    if let Some([left, top, ..]) = screens.first()
        && !place.is_on_screen(&screens)
    {
        let at = egui::pos2(left + 40.0, top + 40.0);
        ctx.send_viewport_cmd(egui::ViewportCommand::OuterPosition(at));
    }
}
