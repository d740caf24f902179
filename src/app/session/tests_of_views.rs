//! Several canvases and several layers, drawn by the real renderer and compared with the arithmetic of the CPU.

use std::sync::Arc;
use std::time::Instant;

use egui::{Rect, vec2};

use crate::app::stage::{Scene, Stage};
use crate::format::memory::MemorySource;
use crate::ui::place::{image_rect, voxel_rect};
use crate::ui::{Command, Mode, Shown};
use crate::volume::{Blend, Colormap, DType, Orientation, Picture, Projection, Shape, ViewId};

const SHAPE: [usize; 4] = [3, 24, 40, 48];

/// A value of each of the two recordings, different at every place.
fn value(layer: usize, [t, z, y, x]: [usize; 4]) -> u8 {
    ((t * 59 + z * 7 + y * 3 + x * 5) * [1, 3][layer] % 251) as u8
}

fn source(layer: usize) -> Arc<MemorySource> {
    let at = move |i: &[usize]| value(layer, [i[0], i[1], i[2], i[3]]);
    Arc::new(MemorySource::from_fn(DType::U8, Shape::from(SHAPE), "tzyx", &[1, 8, 16, 16], at).unwrap())
}

/// A recording in gray, and another over it as green light.
fn stage_of_two_layers(on_gpu: bool) -> Stage {
    let mut stage = Stage::new(source(0), Scene { on_gpu, ..Scene::default() });
    stage.session.add_layer(source(1), Instant::now()).unwrap();
    for (layer, colormap, limits) in [(1, Colormap::Green, [20.0, 220.0]), (0, Colormap::Gray, [0.0, 250.0])] {
        stage.apply(&Command::SetActiveLayer(layer));
        stage.apply(&Command::SetColormap(colormap));
        stage.apply(&Command::SetLimits(limits));
    }
    stage
}

/// The value of a layer that a picture shows at a row and a column.
fn shown_value(layer: usize, picture: Picture, row: usize, column: usize) -> u8 {
    let at = |depth: usize| match picture.orientation() {
        Orientation::Xy => value(layer, [picture.t(), depth, row, column]),
        Orientation::Xz => value(layer, [picture.t(), row, depth, column]),
        Orientation::Yz => value(layer, [picture.t(), row, column, depth]),
    };
    let [start, stop] = picture.depth_range();
    (start..stop).map(at).max().unwrap()
}

/// Compares every voxel of a canvas on which nothing is written with the layers' colours.
fn check(stage: &Stage, image: &image::RgbaImage, view: ViewId) {
    let session = &stage.session;
    let (state, info) = (&session.view, session.info());
    let canvas = stage.canvas(view);
    let view = state.view(view).unwrap();
    let placed = image_rect(canvas, info, view.orientation, view.camera);
    let picture = view.picture(state.cursor, info);
    let (rows, columns) = view.orientation.plane_axes();
    let size = [SHAPE[columns.index()], SHAPE[rows.index()]];
    let free = Rect::from_min_max(canvas.min + vec2(8.0, 84.0), canvas.max - vec2(60.0, 48.0));
    let mut num_compared = 0;
    for row in 0..size[1] {
        for column in 0..size[0] {
            let center = voxel_rect(placed, size, [column, row]).center();
            if !free.contains(center) {
                continue;
            }
            let mut expected = Some([0, 0, 0, 255]);
            for (layer, shown) in state.layers.iter().enumerate().filter(|(_, shown)| shown.visible) {
                let value = shown_value(layer, picture, row, column);
                expected = shown.display(picture.values(), info).color_over(expected, value.into(), DType::U8);
            }
            let pixel = image.get_pixel(center.x as u32, center.y as u32).0;
            let is_close = pixel.iter().zip(expected.unwrap()).all(|(a, b)| a.abs_diff(b) <= 2);
            assert!(is_close, "{pixel:?}, not {expected:?}, at row {row}, column {column} of {picture:?}");
            num_compared += 1;
        }
    }
    assert!(num_compared > 60, "{num_compared} voxels of {picture:?} compared in {canvas:?}");
}

fn check_all(stage: &mut Stage) {
    stage.settle();
    let image = stage.picture(Vec::new());
    for view in stage.session.view.views.clone() {
        check(stage, &image, view.id);
    }
}

#[test]
fn two_views_of_two_layers_are_drawn_right() {
    for on_gpu in [false, true] {
        let mut stage = stage_of_two_layers(on_gpu);
        check_all(&mut stage);
        stage.apply(&Command::AddView { orientation: Orientation::Xz, is_below: false });
        assert_eq!(stage.session.view.active().id, ViewId(1));
        check_all(&mut stage);
        let [left, right] = [ViewId(0), ViewId(1)].map(|view| stage.canvas(view));
        assert!(left.right() <= right.left() && left.width() > 200.0 && (left.width() - right.width()).abs() < 2.0);
        // Both follow the cursor, each has its own depth and its own way of looking.
        for command in [Command::ScrubTo(2), Command::DepthTo(7), Command::SetActiveView(ViewId(0))] {
            stage.apply(&command);
        }
        stage.apply(&Command::DepthTo(3));
        assert_eq!((stage.session.view.cursor.z, stage.session.view.cursor.y), (3, 7));
        check_all(&mut stage);
        for command in [Command::SetMode(Mode::Projection), Command::SetProjection(Projection::Max)] {
            stage.apply(&command);
        }
        assert_eq!(stage.session.view.view(ViewId(1)).unwrap().mode, Mode::Plane);
        check_all(&mut stage);
        for command in [Command::SetActiveLayer(1), Command::SetBlend(Blend::Over), Command::SetOpacity(0.25)] {
            stage.apply(&command);
        }
        check_all(&mut stage);
        stage.apply(&Command::ToggleLayer(0));
        check_all(&mut stage);
        // The last step taken back, and one view closed: the other has the room.
        stage.apply(&Command::Undo);
        assert!(stage.session.view.layers[0].visible);
        stage.apply(&Command::CloseView(ViewId(0)));
        check_all(&mut stage);
        assert!(stage.canvas(ViewId(1)).width() > left.width() + right.width());
    }
}

#[test]
fn the_canvas_that_is_touched_is_the_one_that_keys_are_about() {
    let mut stage = stage_of_two_layers(false);
    stage.apply(&Command::AddView { orientation: Orientation::Yz, is_below: true });
    stage.settle();
    let cursor = stage.session.view.cursor;
    let wheel = || egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, -1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: egui::Modifiers::NONE,
    };
    let key = egui::Event::Key {
        key: egui::Key::ArrowDown,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: egui::Modifiers::NONE,
    };
    for (view, moved) in [(ViewId(0), "z"), (ViewId(1), "x")] {
        let middle = stage.canvas(view).center();
        stage.picture(vec![egui::Event::PointerMoved(middle)]);
        stage.picture(vec![wheel()]);
        stage.picture(vec![key.clone()]);
        let now = stage.session.view.cursor;
        assert_eq!(stage.session.view.active().id, view);
        let by = [now.z - cursor.z, now.y - cursor.y, now.x - cursor.x];
        assert_eq!(by, if moved == "z" { [2, 0, 0] } else { [2, 0, 2] }, "{moved}");
    }
    check_all(&mut stage);
}

#[test]
fn a_divider_is_dragged_and_the_room_divided_as_it_was_after_it_is_remembered() {
    let mut stage = stage_of_two_layers(false);
    stage.apply(&Command::AddView { orientation: Orientation::Xz, is_below: false });
    stage.settle();
    let [left, right] = [ViewId(0), ViewId(1)].map(|view| stage.canvas(view));
    let divider = egui::pos2((left.right() + right.left()) / 2.0, left.center().y);
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    };
    let to = divider - vec2(80.0, 0.0);
    stage.picture(vec![egui::Event::PointerMoved(divider)]);
    stage.picture(vec![button(divider, true)]);
    stage.picture(vec![egui::Event::PointerMoved(to)]);
    stage.picture(vec![button(to, false)]);
    stage.picture(vec![egui::Event::PointerGone]);
    let moved = stage.canvas(ViewId(0)).width();
    assert!((moved - (left.width() - 80.0)).abs() < 3.0, "{} to {moved}", left.width());
    let kept = stage.session.view.to_keep();
    let fresh = crate::ui::ViewState::default().for_dataset(stage.session.info());
    let text = serde_json::to_string(&kept).unwrap();
    let again = fresh.recalled(serde_json::from_str(&text).unwrap(), stage.session.info());
    assert_eq!((again.layout, again.views), (stage.session.view.layout.clone(), stage.session.view.views.clone()));
    check_all(&mut stage);
}

#[test]
fn a_layer_that_does_not_lie_over_the_recording_is_refused_by_name() {
    let mut stage = Stage::new(source(0), Scene::default());
    let other = MemorySource::from_fn(DType::U8, Shape::from([3, 24, 40, 50]), "tzyx", &[1, 8, 16, 16], |_| 1u8);
    let error = stage.session.add_layer(Arc::new(other.unwrap()), Instant::now()).unwrap_err().to_string();
    assert!(error.contains("z 24 × y 40 × x 50") && error.contains("x 48"), "{error}");
    assert_eq!(stage.session.view.layers.len(), 1);
    stage.settle();
    assert_eq!(*stage.session.shown(), Shown::Exact);
}
