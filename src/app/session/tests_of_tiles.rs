//! A plane too large to be read at once, drawn by the real renderer.

use std::sync::Arc;

use egui::{Rect, vec2};

use crate::app::stage::{Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource};
use crate::format::{Opened, Source};
use crate::stream::StreamConfig;
use crate::ui::place::{image_rect, voxel_at, voxel_rect};
use crate::ui::{Camera, Command, Mode, SessionCommand, Shown, Value};
use crate::volume::{Colormap, DType, Interpolation, Projection, Shape, ViewId};

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

/// A square plane of one value, in chunks of 256 × 256.
fn level(num_z: usize, side: usize, value: impl Fn(usize) -> u8) -> Arc<GatedSource> {
    let bytes = (0..num_z).flat_map(|z| std::iter::repeat_n(value(z), side * side)).collect();
    let source = MemorySource::new(DType::U8, Shape::from([1, num_z, side, side]), "tzyx", &[1, 1, 256, 256], bytes);
    GatedSource::open(Arc::new(source.unwrap()))
}

fn pyramid(levels: &[Arc<GatedSource>]) -> Opened {
    let mut levels = levels.iter().map(|level| Arc::clone(level) as Arc<dyn Source>);
    let finest = levels.next().unwrap();
    Opened { levels: levels.collect(), ..Opened::of(finest, None) }
}

/// Level and value of each tile that is drawn.
fn drawn(stage: &Stage) -> Vec<(u8, u8)> {
    let tiles = &stage.session.panes()[0].tiles;
    tiles.iter().map(|tile| (tile.chosen.key.level, tile.chosen.voxels.values::<u8>()[0])).collect()
}

/// Where the pointer is put in the tests of the readout.
fn pointer(stage: &Stage) -> egui::Event {
    egui::Event::PointerMoved(stage.canvas(ViewId::default()).center() + vec2(15.0, 15.0))
}

/// What the window says of the voxel under the pointer.
fn readout(stage: &mut Stage, pointer: &egui::Event) -> String {
    let words = stage.bottom_line(vec![pointer.clone()]);
    let said = words.iter().find_map(|word| word.strip_prefix("value "));
    said.unwrap_or_else(|| panic!("{words:?}")).to_owned()
}

#[test]
fn the_level_follows_the_zoom_and_the_readout_is_of_the_finest() {
    // No level can be computed from another, so that it is seen which is drawn and which is told.
    let levels = [level(1, 4096, |_| 10), level(1, 2048, |_| 20), level(1, 1024, |_| 30)];
    let mut stage = Stage::of(pyramid(&levels), Scene::default());
    stage.settle();
    assert!(drawn(&stage).iter().all(|tile| *tile == (2, 30)), "{:?}", drawn(&stage));
    levels[0].close();
    // Somewhere that the measuring of the contrast has not looked.
    let canvas = stage.canvas(ViewId::default());
    let session = &stage.session;
    let placed = image_rect(canvas, session.info(), session.view.active().orientation, session.view.active().camera);
    let voxel = |at: egui::Pos2| voxel_at(placed, [4096; 2], at).map(|[column, row]| [row, column]);
    let value = |stage: &Stage, voxel| stage.session.value_in_tiles(&stage.session.panes()[0], voxel);
    let mut places = (0..300).map(|i| canvas.center() + vec2(i as f32 / 2.0, i as f32 / 4.0));
    let place = places.find(|at| value(&stage, voxel(*at).unwrap()) == Value::Unknown).unwrap();
    let pointer = egui::Event::PointerMoved(place);
    let told = |stage: &mut Stage| readout(stage, &pointer);
    // Coarse voxels are on screen, and nothing is told of them: the fine one is asked for, and on its way.
    for _ in 0..20 {
        assert_eq!(told(&mut stage), "…");
    }
    assert!(drawn(&stage).iter().all(|tile| *tile == (2, 30)));
    levels[0].open_all();
    stage.frames_until(|stage| value(stage, voxel(place).unwrap()) == Value::Exact("10".to_owned()));
    assert_eq!(told(&mut stage), "10");
    assert!(drawn(&stage).iter().all(|tile| *tile == (2, 30)), "and nothing else is drawn: {:?}", drawn(&stage));
    // Near, while the fine tiles are on their way: the coarse plane is drawn, called a preview, and not told of.
    levels[0].close();
    stage.apply(&Command::SetCamera(Camera { zoom: 40.0, center: [0.1, 0.1] }));
    stage.frame();
    for _ in 0..20 {
        assert_eq!(told(&mut stage), "…", "{:?}", drawn(&stage));
        assert_eq!(*stage.session.shown(), Shown::Preview);
        assert!(drawn(&stage).contains(&(2, 30)));
    }
    levels[0].open_all();
    stage.settle();
    assert!(drawn(&stage).iter().all(|tile| *tile == (0, 10)), "{:?}", drawn(&stage));
    assert_eq!(told(&mut stage), "10");
}

#[test]
fn a_coarse_projection_stands_in_for_one_of_very_many_voxels_and_is_called_so() {
    // 2 × 8448² voxels are more than are folded in a moment.
    let levels = [level(2, 8448, |z| 10 + z as u8), level(2, 1056, |z| 40 + z as u8)];
    let mut stage = Stage::of(pyramid(&levels), Scene::default());
    stage.settle();
    levels[0].close();
    stage.apply(&Command::SetMode(Mode::Projection));
    stage.apply(&Command::SetProjection(Projection::Max));
    stage.frames_until(|stage| *stage.session.shown() == Shown::Preview);
    assert_eq!(drawn(&stage), [(1, 41)], "the coarse maximum");
    stage.apply(&Command::SetColormap(Colormap::Gray));
    stage.apply(&Command::SetLimits([0.0, 51.0]));
    let gray = |stage: &mut Stage| {
        let image = stage.picture(Vec::new());
        let center = stage.canvas(ViewId::default()).center();
        image.get_pixel(center.x as u32, center.y as u32).0[0]
    };
    stage.frame();
    assert_eq!(gray(&mut stage), 205, "is what is seen");
    let pointer = pointer(&stage);
    assert_eq!(readout(&mut stage, &pointer), "…", "which is not that of what was measured");
    levels[0].open_all();
    stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
    assert_eq!((gray(&mut stage), readout(&mut stage, &pointer)), (55, "11".to_owned()));
}

#[test]
fn a_projection_that_does_not_fit_into_memory_is_refused_and_the_coarse_one_called_so() {
    let levels = [level(2, 8448, |z| 10 + z as u8), level(2, 1056, |z| 40 + z as u8)];
    let before = levels[0].num_reads();
    // 71 million sums of 4 bytes are more than half of the quarter for pictures.
    let stream = StreamConfig::with_ram_budget(1 << 30);
    let mut stage = Stage::of(pyramid(&levels), Scene { stream, ..Scene::default() });
    stage.apply(&Command::SetMode(Mode::Projection));
    stage.apply(&Command::SetProjection(Projection::Mean));
    stage.frames_until(|stage| *stage.session.shown() == Shown::Coarse);
    stage.settle();
    assert_eq!(drawn(&stage).len(), 1);
    let pointer = pointer(&stage);
    assert_eq!(readout(&mut stage, &pointer), "missing");
    let sampled = 64;
    assert!(levels[0].num_reads() - before <= sampled, "nothing of it is read for a picture that is not made");
    // The maximum takes a quarter of that.
    stage.apply(&Command::SetProjection(Projection::Max));
    stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
}

#[test]
fn a_plane_that_does_not_fit_is_not_waited_for_to_be_saved() {
    let levels = [level(1, 8448, |_| 10), level(1, 1056, |_| 40)];
    let stream = StreamConfig::with_ram_budget(100 << 20);
    let mut stage = Stage::of(pyramid(&levels), Scene { stream, ..Scene::default() });
    stage.settle();
    let before = levels[0].num_reads();
    stage.apply(&Command::ToggleOverlay(crate::ui::Overlay::Save));
    for _ in 0..20 {
        stage.frame();
    }
    let reason = stage.session.too_large_to_save().unwrap();
    assert_eq!(reason, "in full resolution it takes 71.4 MB, and 39.3 MB are set aside for it");
    assert_eq!(levels[0].num_reads(), before, "nothing is read for it");
}
