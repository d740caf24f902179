//! A plane too large to be read at once, drawn by the real renderer.

use std::sync::Arc;

use egui::{Rect, vec2};

use crate::app::stage::{Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource};
use crate::ui::place::{image_rect, voxel_rect};
use crate::ui::{Camera, Command, SessionCommand, Shown, Value};
use crate::volume::{Colormap, DType, Interpolation, Shape, ViewId};

const SIDE: usize = 2100;

fn value(t: usize, y: usize, x: usize) -> u8 {
    ((t * 59 + y * 7 + x * 5) % 251) as u8
}

/// Two timepoints of one plane in 81 chunks.
fn source() -> Arc<GatedSource> {
    let rows = (0..2 * SIDE).flat_map(|row| (0..SIDE).map(move |x| value(row / SIDE, row % SIDE, x)));
    let shape = Shape::from([2, 1, SIDE, SIDE]);
    let source = MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 256, 256], rows.collect());
    GatedSource::open(Arc::new(source.unwrap()))
}

/// Compares the voxels in view with their grays; how many there are.
fn check(stage: &Stage, image: &image::RgbaImage, t: usize) -> usize {
    let session = &stage.session;
    let (state, info) = (&session.view, session.info());
    let (canvas, view) = (stage.canvas(ViewId::default()), state.active());
    let placed = image_rect(canvas, info, view.orientation, view.camera);
    let free = Rect::from_min_max(canvas.min + vec2(8.0, 84.0), canvas.max - vec2(60.0, 48.0));
    let (mut num_compared, mut wrong) = (0, Vec::new());
    let display = state.layers[0].display(view.picture(state.cursor, info).values(), info);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let center = voxel_rect(placed, [SIDE, SIDE], [column, row]).center();
            if free.contains(center) {
                let value = value(t, row, column);
                let expected = display.color_over(Some([0, 0, 0, 255]), value.into(), DType::U8).unwrap();
                let pixel = image.get_pixel(center.x as u32, center.y as u32).0;
                if pixel.iter().zip(expected).any(|(a, b)| a.abs_diff(b) > 3) {
                    wrong.push((row, column, pixel, expected));
                }
                num_compared += 1;
            }
        }
    }
    let some: Vec<_> = wrong.iter().step_by(wrong.len() / 12 + 1).collect();
    assert!(wrong.is_empty(), "{} of {num_compared} voxels: {some:?}", wrong.len());
    num_compared
}

#[test]
fn a_large_plane_is_read_and_drawn_in_the_tiles_that_are_seen() {
    let gate = source();
    let mut stage = Stage::new(gate.clone(), Scene::default());
    stage.apply(&Command::SetColormap(Colormap::Gray));
    stage.apply(&Command::SetInterpolation(Interpolation::Nearest));
    stage.apply(&Command::SetLimits([0.0, 255.0]));
    stage.settle();
    assert_eq!(stage.session.panes()[0].tiles.len(), 9, "all of it is seen");
    // Where four tiles meet, some pixels a voxel.
    let center = [1024.0 / SIDE as f32; 2];
    stage.apply(&Command::SetCamera(Camera { zoom: 40.0, center }));
    stage.settle();
    assert_eq!(stage.session.panes()[0].tiles.len(), 4);
    let image = stage.picture(Vec::new());
    assert!(check(&stage, &image, 0) > 100);
    // Another timepoint: the former one is called what it is, until all tiles of this one are there.
    gate.close();
    stage.apply(&Command::ScrubTo(1));
    stage.frame();
    if *stage.session.shown() != Shown::Exact {
        assert_eq!(*stage.session.shown(), Shown::Nearest { t: 0 });
        let image = stage.picture(Vec::new());
        assert!(check(&stage, &image, 0) > 100);
    }
    gate.open_all();
    stage.settle();
    let image = stage.picture(Vec::new());
    assert!(check(&stage, &image, 1) > 100);
    let pane = &stage.session.panes()[0];
    assert_eq!(stage.session.value_in_tiles(pane, [1023, 1024]), Value::Exact(value(1, 1023, 1024).to_string()));
    // What is saved is all of it.
    stage.apply(&Command::Session(SessionCommand::CopyPicture));
    stage.frames_until(|stage| {
        let pane = &stage.session.panes()[0];
        pane.on_screen.as_ref().is_some_and(|whole| whole.voxels.shape().dims() == [SIDE, SIDE])
    });
}
