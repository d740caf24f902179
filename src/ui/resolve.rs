//! From what the user is looking at to what the stream has to deliver: a pure function.

use egui::{Rect, Vec2, pos2};

use super::place::{fit_size, image_rect, image_size};
use super::{View, ViewState};
use crate::array::ViewInfo;
use crate::stream::{PictureRequest, Play, ViewRequest};
use crate::volume::{LayerId, ViewId};

/// What is on screen is told to this many voxels: a small motion asks for nothing new.
const VISIBLE_STEP: usize = 64;

/// The request of all views: a picture for each view and visible layer, those of the active view first, in
/// it the active layer's. `layers` are those the session has, in the order of [`ViewState::layers`];
/// `canvases` the sizes of the canvases in pixels of the screen, as they were last drawn (a view that is not
/// among them is asked for whole). Of a layer that ends before the cursor nothing is asked for.
pub fn resolve(state: &ViewState, layers: &[(LayerId, &ViewInfo)], canvases: &[(ViewId, Vec2)]) -> ViewRequest {
    let play = &state.play;
    let play = play.is_running.then(|| Play { direction: play.direction, rate_hz: f64::from(play.rate_hz) });
    let active = state.active();
    let mut order: Vec<usize> = (0..state.layers.len().min(layers.len())).collect();
    order.sort_by_key(|index| *index != state.active_layer);
    let mut views = Vec::new();
    for view in std::iter::once(active).chain(state.views.iter().filter(|view| view.id != active.id)) {
        let size_px = canvases.iter().find(|(id, _)| *id == view.id).map(|(_, size_px)| *size_px);
        for &index in &order {
            let (layer, info) = layers[index];
            if state.layers[index].visible && reaches(info, state, view) {
                views.push(picture_request(state, view, layer, [layers[0].1, info], size_px));
            }
        }
    }
    ViewRequest { views, play, probes: Vec::new() }
}

/// Whether there is anything of an array where a view stands. The first of a recording has always something.
fn reaches(info: &ViewInfo, state: &ViewState, view: &View) -> bool {
    let axis = view.orientation.depth_axis();
    let is_within = |axis: crate::volume::Axis| state.cursor.along(axis) < info.shape[axis.index()].max(1);
    is_within(crate::volume::Axis::T) && (view.mode == super::Mode::Projection || is_within(axis))
}

fn picture_request(
    state: &ViewState,
    view: &View,
    layer: LayerId,
    [recording, info]: [&ViewInfo; 2],
    size_px: Option<Vec2>,
) -> PictureRequest {
    let whole = PictureRequest { view: view.id, ..PictureRequest::whole(layer, view.picture(state.cursor, info)) };
    let Some(size_px) = size_px.filter(|size| size.x >= 1.0 && size.y >= 1.0) else { return whole };
    // It lies where the recording lies, of which it may have less.
    let [columns, rows] = image_size(info, view.orientation);
    let [row_range, column_range] = visible(view, recording, size_px);
    let within = |[start, stop]: [usize; 2], num: usize| [start.min(num.saturating_sub(1)), stop.min(num.max(1))];
    let visible = [within(row_range, rows), within(column_range, columns)];
    PictureRequest { visible, voxels_per_px: voxels_per_px(view, recording, size_px), ..whole }
}

/// Half-open ranges of rows and columns that a canvas of some size shows, outward to whole steps.
fn visible(view: &View, info: &ViewInfo, size_px: Vec2) -> [[usize; 2]; 2] {
    let canvas = Rect::from_min_size(pos2(0.0, 0.0), size_px);
    let image = image_rect(canvas, info, view.orientation, view.camera);
    let [columns, rows] = image_size(info, view.orientation);
    let range = |low: f32, high: f32, from: f32, length: f32, num: usize| {
        let at = |edge: f32| (f64::from((edge - from) / length) * num as f64).clamp(0.0, num as f64);
        let start = at(low) as usize / VISIBLE_STEP * VISIBLE_STEP;
        let stop = (at(high).ceil() as usize).next_multiple_of(VISIBLE_STEP).min(num);
        [start.min(num.saturating_sub(1)), stop.max(start + 1).min(num)]
    };
    [
        range(canvas.top(), canvas.bottom(), image.top(), image.height(), rows),
        range(canvas.left(), canvas.right(), image.left(), image.width(), columns),
    ]
}

/// Voxels along a pixel, along the axis that has fewer of them, down to a power of two: a small zoom asks
/// for nothing new.
fn voxels_per_px(view: &View, info: &ViewInfo, size_px: Vec2) -> f32 {
    let canvas = Rect::from_min_size(pos2(0.0, 0.0), size_px);
    let size = fit_size(canvas, info, view.orientation) * view.camera.zoom;
    let [columns, rows] = image_size(info, view.orientation);
    let exact = (columns as f32 / size.x).min(rows as f32 / size.y);
    exact.log2().floor().exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Camera, Command, LayerView};
    use crate::volume::{DType, Orientation, Picture};

    const INFO: ViewInfo = ViewInfo {
        shape: [10, 20, 1000, 2000],
        dtype: DType::U16,
        voxel_size: None,
        rate_hz: None,
        has_axis: [true; 4],
    };

    fn two_by_two() -> ViewState {
        let mut state = ViewState::default().for_dataset(&INFO);
        state.views.push(View { id: ViewId(7), orientation: Orientation::Xz, ..View::default() });
        state.layers.push(LayerView::default());
        state
    }

    #[test]
    fn every_view_asks_for_every_visible_layer_the_active_first() {
        let mut state = two_by_two();
        let ids = [LayerId::next(), LayerId::next()];
        let layers = [(ids[0], &INFO), (ids[1], &INFO)];
        let asked = |state: &ViewState| -> Vec<(u8, LayerId)> {
            resolve(state, &layers, &[]).views.iter().map(|one| (one.view.0, one.layer)).collect()
        };
        assert_eq!(asked(&state), [(0, ids[0]), (0, ids[1]), (7, ids[0]), (7, ids[1])]);
        state.apply(&Command::SetActiveView(ViewId(7)), &INFO);
        state.apply(&Command::SetActiveLayer(1), &INFO);
        assert_eq!(asked(&state), [(7, ids[1]), (7, ids[0]), (0, ids[1]), (0, ids[0])]);
        state.layers[1].visible = false;
        assert_eq!(asked(&state), [(7, ids[0]), (0, ids[0])]);
        // All at the cursor: across z, and across y.
        let pictures: Vec<_> = resolve(&state, &layers, &[]).views.iter().map(|one| one.picture).collect();
        let plane = |orientation, index| Picture::Plane { t: 0, orientation, index };
        assert_eq!(pictures, [plane(Orientation::Xz, 500), plane(Orientation::Xy, 10)]);
    }

    #[test]
    fn of_a_layer_that_ends_before_the_cursor_nothing_is_asked_for() {
        let mut state = two_by_two();
        let shorter = ViewInfo { shape: [4, 20, 1000, 2000], ..INFO };
        let layers = [(LayerId::next(), &INFO), (LayerId::next(), &shorter)];
        let num = |state: &ViewState| resolve(state, &layers, &[]).views.len();
        assert_eq!(num(&state), 4);
        state.apply(&Command::ScrubTo(4), &INFO);
        assert_eq!(num(&state), 2, "the last timepoint it has is not this one");
    }

    #[test]
    fn what_is_asked_for_is_what_the_canvas_shows() {
        let mut state = two_by_two();
        let layers = [(LayerId::next(), &INFO)];
        let size = Vec2::new(1000.0, 600.0);
        let first = |state: &ViewState| resolve(state, &layers, &[(ViewId(0), size)]).views[0];
        let fitted = first(&state);
        assert_eq!((fitted.visible, fitted.voxels_per_px), ([[0, 1000], [0, 2000]], 2.0));
        // Five times as near, the middle of the upper left quarter.
        state.apply(&Command::SetCamera(Camera { zoom: 5.0, center: [0.25, 0.25] }), &INFO);
        let near = first(&state);
        // 240 rows about 250, 400 columns about 500.
        assert_eq!((near.visible, near.voxels_per_px), ([[128, 384], [256, 704]], 0.25));
        state.apply(&Command::SetCamera(Camera { zoom: 5.0, center: [0.251, 0.25] }), &INFO);
        assert_eq!(first(&state), near, "a motion of two voxels");
        // Beyond the edge there is nothing to ask for.
        state.apply(&Command::SetCamera(Camera { zoom: 5.0, center: [1.0, 0.0] }), &INFO);
        assert_eq!(first(&state).visible, [[0, 128], [1792, 2000]]);
    }
}
