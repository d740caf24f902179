//! What is written on a picture is read on any picture: measured on rendered windows.

use egui::accesskit::Role;
use egui::{Color32, Rect, pos2, vec2};
use egui_kittest::kittest::Queryable as _;
use tectum::ui::{Mode, Shown, Theme};

use super::super::Window;
use super::super::ui_bench::harness_of;
use super::bench;

/// Relative luminance as WCAG defines it.
fn luminance(pixel: &image::Rgba<u8>) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(pixel[0]) + 0.7152 * linear(pixel[1]) + 0.0722 * linear(pixel[2])
}

/// Contrast between what is written in an area, its dozen brightest pixels, and what most of it is.
fn contrast(image: &image::RgbaImage, area: Rect) -> f64 {
    let (x, y) = (area.min.x.ceil() as u32, area.min.y.ceil() as u32);
    let mut found: Vec<f64> = (y..area.max.y as u32)
        .flat_map(|y| (x..area.max.x as u32).map(move |x| (x, y)))
        .map(|(x, y)| luminance(image.get_pixel(x, y)))
        .collect();
    found.sort_by(f64::total_cmp);
    let (text, ground) = (found[found.len() - 12], found[found.len() / 2]);
    (text + 0.05) / (ground + 0.05)
}

fn area(window: &Window, name: &str) -> Rect {
    window.get_by_role_and_label(Role::Status, name).rect()
}

#[test]
fn what_is_written_on_a_picture_is_read_on_any_picture() {
    if let Err(error) = tectum::render::headless(true) {
        eprintln!("skipped: {error}");
        return;
    }
    for theme in [Theme::Dark, Theme::Light] {
        for gray in [255, 128, 0] {
            let mut state = bench();
            state.ground = Some(Color32::from_gray(gray));
            state.view.panels.theme = theme;
            state.view.views[0].mode = Mode::Projection;
            state.view.views[0].slabs[0] = Some([8, 15]);
            state.view.panels.color_bar = true;
            state.shown = Shown::Nearest { t: 3 };
            // Filled from edge to edge: what is written at the sides lies on the picture too.
            state.view.views[0].camera.zoom = 2.0;
            let mut window = harness_of(state, [1280.0, 800.0], 1.0);
            let image = window.render().expect("the window can be drawn");
            let picture = window.get_by_label("Picture").rect();
            let below = image.get_pixel(picture.center().x as u32, picture.center().y as u32);
            assert_eq!(below.0, [gray, gray, gray, 255], "the picture is what is under it all");
            let slider = window.get_by_role_and_label(Role::Slider, "Depth").rect();
            let number = |y: f32| Rect::from_center_size(pos2(slider.center().x, y), vec2(20.0, 12.0));
            let bar = area(&window, "Color bar shown");
            for (what, area) in [
                ("time and depth", area(&window, "Picture shown")),
                ("scale bar", area(&window, "Scale bar")),
                ("color bar", Rect::from_min_max(bar.min, pos2(bar.max.x - 22.0, bar.max.y))),
                ("first plane", number(slider.top() - 9.0)),
                ("last plane", number(slider.bottom() + 9.0)),
            ] {
                let ratio = contrast(&image, area.shrink(1.0));
                assert!(ratio >= 4.5, "{what} on {gray} in {theme:?}: {ratio:.2}");
            }
            // The handle of the depth slider and the voxels' scale are shapes: 3 : 1.
            let handle = Rect::from_center_size(slider.center(), vec2(30.0, slider.height()));
            let ratio = contrast(&image, handle);
            assert!(ratio >= 3.0, "depth slider on {gray} in {theme:?}: {ratio:.2}");
        }
    }
}

#[test]
fn what_is_written_on_a_picture_keeps_its_distance_and_its_width() {
    let mut window = harness_of(bench(), [1280.0, 800.0], 1.0);
    let canvas = window.get_by_label("Picture").rect();
    let text = area(&window, "Picture shown");
    assert_eq!(text.min - canvas.min, vec2(12.0, 12.0));
    let scale = area(&window, "Scale bar");
    assert_eq!((scale.left() - canvas.left(), canvas.bottom() - scale.bottom()), (12.0, 12.0));
    let slider = window.get_by_role_and_label(Role::Slider, "Depth").rect();
    assert!(canvas.right() - slider.right() >= 12.0, "{slider:?} in {canvas:?}");
    window.state_mut().view.cursor.t = 205;
    window.run();
    assert_eq!(area(&window, "Picture shown"), text, "later timepoints are no wider");
    window.state_mut().view.panels.color_bar = true;
    window.run();
    let bar = area(&window, "Color bar shown");
    assert!(bar.right() <= slider.left() && bar.bottom() <= canvas.bottom() - 12.0, "{bar:?} beside {slider:?}");
}
