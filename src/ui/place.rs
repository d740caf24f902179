//! Where the picture lies on the canvas, and back: pure geometry of zoom, pan and aspect.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::Camera;
use crate::array::ViewInfo;
use crate::volume::Orientation;

/// Columns and rows of the picture of an orientation.
pub fn image_size(info: &ViewInfo, orientation: Orientation) -> [usize; 2] {
    let (rows, columns) = orientation.plane_axes();
    [info.shape[columns.index()].max(1), info.shape[rows.index()].max(1)]
}

/// Edges of a voxel as drawn, (column, row), in µm, or in units of a voxel where the size is unknown.
pub fn voxel_edges(info: &ViewInfo, orientation: Orientation) -> [f64; 2] {
    let (rows, columns) = orientation.plane_axes();
    let edge = |axis| {
        let size = info.voxel_size.and_then(|size| size.along(axis));
        size.filter(|size| size.is_finite() && *size > 0.0)
    };
    match (edge(columns), edge(rows)) {
        (Some(column), Some(row)) => [column, row],
        _ => [1.0, 1.0],
    }
}

/// The picture's rectangle in points for a camera. `edge_px` is one physical pixel in points: the fit
/// is rounded to it, so that a picture at rest is sharp.
pub fn image_rect(canvas: Rect, info: &ViewInfo, orientation: Orientation, camera: Camera) -> Rect {
    let fit = fit_size(canvas, info, orientation);
    let size = fit * camera.zoom;
    let center = canvas.center() - vec2((camera.center[0] - 0.5) * size.x, (camera.center[1] - 0.5) * size.y);
    Rect::from_center_size(center, size)
}

pub(super) fn fit_size(canvas: Rect, info: &ViewInfo, orientation: Orientation) -> Vec2 {
    let [columns, rows] = image_size(info, orientation);
    let [column_um, row_um] = voxel_edges(info, orientation);
    let (width, height) = (columns as f64 * column_um, rows as f64 * row_um);
    let scale = (f64::from(canvas.width()) / width).min(f64::from(canvas.height()) / height);
    vec2((width * scale) as f32, (height * scale) as f32).max(Vec2::splat(1.0))
}

/// Pixels of the screen along the shorter edge of a voxel: 1 where every voxel is a pixel.
pub fn pixels_per_voxel(
    canvas: Rect,
    info: &ViewInfo,
    orientation: Orientation,
    camera: Camera,
    pixels_per_point: f32,
) -> f64 {
    let size = fit_size(canvas, info, orientation) * camera.zoom * pixels_per_point;
    let [columns, rows] = image_size(info, orientation);
    (f64::from(size.x) / columns as f64).min(f64::from(size.y) / rows as f64)
}

/// The camera that draws the shorter edge of a voxel with so many pixels of the screen, and keeps the middle.
pub fn camera_of_scale(
    canvas: Rect,
    info: &ViewInfo,
    orientation: Orientation,
    camera: Camera,
    pixels_per_point: f32,
    scale: f64,
) -> Camera {
    let fitted = Camera { zoom: 1.0, ..camera };
    let zoom = scale / pixels_per_voxel(canvas, info, orientation, fitted, pixels_per_point);
    Camera { zoom: zoom as f32, ..camera }.clamped()
}

/// The camera that zooms by `factor` and keeps what lies under `pointer` there.
pub fn zoom_at(canvas: Rect, image: Rect, camera: Camera, pointer: Pos2, factor: f32) -> Camera {
    let [low, high] = Camera::ZOOM_RANGE;
    let zoom = (camera.zoom * factor).clamp(low, high);
    let factor = zoom / camera.zoom;
    let under = (pointer - image.min) / image.size();
    let size = image.size() * factor;
    // image.center = canvas.center - (center - 0.5) * size, solved for the center that keeps `under`.
    let min = pointer - under * size;
    let offset = (canvas.center() - min) / size;
    Camera { zoom, center: [offset.x, offset.y] }.clamped()
}

/// The camera after the picture is dragged by some points.
pub fn pan_by(image: Rect, camera: Camera, by: Vec2) -> Camera {
    let by = by / image.size();
    Camera { center: [camera.center[0] - by.x, camera.center[1] - by.y], ..camera }.clamped()
}

/// Column and row of the voxel under a point.
pub fn voxel_at(image: Rect, size: [usize; 2], pos: Pos2) -> Option<[usize; 2]> {
    if !image.contains(pos) {
        return None;
    }
    let fraction = (pos - image.min) / image.size();
    let index = |fraction: f32, num: usize| ((f64::from(fraction) * num as f64) as usize).min(num - 1);
    Some([index(fraction.x, size[0]), index(fraction.y, size[1])])
}

/// The rectangle of one voxel on screen.
pub fn voxel_rect(image: Rect, size: [usize; 2], [column, row]: [usize; 2]) -> Rect {
    let edge = vec2(image.width() / size[0] as f32, image.height() / size[1] as f32);
    Rect::from_min_size(pos2(image.left() + column as f32 * edge.x, image.top() + row as f32 * edge.y), edge)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::volume::{DType, VoxelSize};

    pub fn info() -> ViewInfo {
        ViewInfo {
            shape: [10, 20, 100, 200],
            dtype: DType::U16,
            voxel_size: Some(VoxelSize { z_um: 8.0, y_um: 0.5, x_um: 0.5 }),
            rate_hz: None,
            has_axis: [true; 4],
        }
    }

    #[test]
    fn a_fitted_picture_keeps_its_aspect_in_micrometres() {
        let canvas = Rect::from_min_size(pos2(0.0, 40.0), vec2(1000.0, 600.0));
        let xy = image_rect(canvas, &info(), Orientation::Xy, Camera::FIT);
        assert_eq!(xy.size(), vec2(1000.0, 500.0));
        assert_eq!(xy.center(), canvas.center());
        // 200 columns of 0.5 µm by 20 planes of 8 µm.
        let xz = image_rect(canvas, &info(), Orientation::Xz, Camera::FIT);
        assert_eq!(xz.size(), vec2(375.0, 600.0));
        let unknown = ViewInfo { voxel_size: None, ..info() };
        assert_eq!(image_rect(canvas, &unknown, Orientation::Xz, Camera::FIT).size(), vec2(1000.0, 100.0));
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let canvas = Rect::from_min_size(pos2(0.0, 40.0), vec2(1000.0, 600.0));
        let pointer = pos2(400.0, 300.0);
        let before = image_rect(canvas, &info(), Orientation::Xy, Camera::FIT);
        let camera = zoom_at(canvas, before, Camera::FIT, pointer, 3.0);
        let after = image_rect(canvas, &info(), Orientation::Xy, camera);
        let size = image_size(&info(), Orientation::Xy);
        assert_eq!(voxel_at(before, size, pointer), voxel_at(after, size, pointer));
        let under = |image: Rect| (pointer - image.min) / image.size();
        assert!((under(before) - under(after)).length() < 1e-4);
        assert_eq!(after.width(), 3000.0);
    }

    #[test]
    fn one_to_one_draws_every_voxel_with_a_pixel() {
        let canvas = Rect::from_min_size(pos2(0.0, 40.0), vec2(1000.0, 600.0));
        for (orientation, shorter) in [(Orientation::Xy, 200.0), (Orientation::Xz, 200.0)] {
            for pixels_per_point in [1.0, 1.5, 2.0] {
                let camera = camera_of_scale(canvas, &info(), orientation, Camera::FIT, pixels_per_point, 1.0);
                let image = image_rect(canvas, &info(), orientation, camera);
                let pixels = image.width() * pixels_per_point;
                assert!((pixels - shorter).abs() < 0.01, "{orientation:?} at {pixels_per_point}: {pixels}");
                let scale = pixels_per_voxel(canvas, &info(), orientation, camera, pixels_per_point);
                assert!((scale - 1.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_point_outside_the_picture_is_no_voxel() {
        let image = Rect::from_min_size(pos2(10.0, 10.0), vec2(200.0, 100.0));
        assert_eq!(voxel_at(image, [200, 100], pos2(10.0, 10.0)), Some([0, 0]));
        assert_eq!(voxel_at(image, [200, 100], pos2(209.9, 109.9)), Some([199, 99]));
        assert_eq!(voxel_at(image, [200, 100], pos2(9.0, 20.0)), None);
    }
}
