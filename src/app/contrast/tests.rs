//! Sessions with real streams and a real device: what each kind of picture looks like when first shown, and
//! what automatic contrast makes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::app::wake::Wake;
use crate::format::memory::MemorySource;
use crate::format::{OpenOptions, Opened};
use crate::render::{self, GpuConfig, OffscreenTarget, RendererHandle};
use crate::stream::StreamConfig;
use crate::ui::{Mode, ViewState};
use crate::volume::{Colormap, DType, Projection, Shape};

const SIDE: usize = 32;
const NUM_T: usize = 6;
const NUM_Z: usize = 8;

struct Stage {
    ctx: egui::Context,
    target: OffscreenTarget,
    renderer: RendererHandle,
    session: Session,
    start: Instant,
}

/// A ramp along x on a background of 1,000, brighter with t, with noise that differs from plane to plane.
fn stage() -> Option<Stage> {
    let value = |t: usize, z: usize, y: usize, x: usize| {
        let noise = (z * 7919 + y * 104_729 + x * 1_299_709 + t * 31).wrapping_mul(2_654_435_761) >> 7 & 63;
        (1000 + 10 * x + 20 * t + noise) as u16
    };
    let mut values = Vec::new();
    for t in 0..NUM_T {
        for (z, y, x) in (0..NUM_Z * SIDE * SIDE).map(|i| (i / SIDE / SIDE, i / SIDE % SIDE, i % SIDE)) {
            values.push(value(t, z, y, x));
        }
    }
    let shape = Shape::from([NUM_T, NUM_Z, SIDE, SIDE]);
    let bytes = bytemuck::cast_slice(&values).to_vec();
    let source = MemorySource::new(DType::U16, shape, "tzyx", &[1, 1, SIDE, SIDE], bytes);
    let opened = Opened { source: Arc::new(source.unwrap()), split: None, datasets: Vec::new(), chosen: 0 };
    let target = match OffscreenTarget::new(640, 480, 1.0) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("skipped: {error}");
            return None;
        }
    };
    let renderer = render::install(target.render_state(), GpuConfig::default());
    let preferences = ViewState { colormap: Colormap::Gray, ..ViewState::default() };
    let (options, start, wake) = (OpenOptions::default(), Instant::now(), Wake::default().callback());
    let config = StreamConfig::default();
    let session = Session::new(opened, PathBuf::from("memory"), options, &preferences, config, wake, start).unwrap();
    Some(Stage { ctx: egui::Context::default(), target, renderer, session, start })
}

impl Stage {
    fn frame(&mut self) {
        let now = Instant::now();
        let now_s = now.duration_since(self.start).as_secs_f64();
        self.session.advance(now, now_s);
        let output = self.ctx.run_ui(self.target.raw_input(now_s), |ui| {
            self.session.show(ui, &self.renderer, now, &[]);
        });
        self.target.advance(&self.ctx, output);
    }

    fn apply(&mut self, command: &Command) {
        let now = Instant::now();
        self.session.apply(command, now, now.duration_since(self.start).as_secs_f64());
    }

    /// Draws until the picture is there and its kind has been measured.
    fn settle(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.frame();
            if self.session.is_settled() && self.session.is_measured() {
                return;
            }
            assert!(Instant::now() < deadline, "nothing was measured");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn limits(&self) -> [f64; 2] {
        self.session.view.limits(self.session.info()).expect("limits")
    }

    /// Positions along the gradient of the first and the last percent of the picture on screen.
    fn extent(&self) -> [f64; 2] {
        let display = self.session.view.display(self.session.info());
        let (_, voxels) = self.session.drawn().expect("a picture");
        let mut values = measured_values(&voxels, 1);
        percentiles(&mut values, [1.0, 99.0]).expect("values").map(|value| display.normalize(value).expect("a number"))
    }

    fn show(&mut self, op: Projection) {
        self.apply(&Command::SetMode(Mode::Projection));
        self.apply(&Command::SetProjection(op));
        self.settle();
    }
}

#[test]
fn every_kind_of_picture_opens_with_its_whole_range_of_grays() {
    let Some(mut stage) = stage() else { return };
    stage.settle();
    let planes = stage.limits();
    for op in Projection::ALL {
        stage.show(op);
        let [dark, bright] = stage.extent();
        assert!(dark < 0.35 && bright > 0.65 && bright - dark > 0.4, "{op:?}: {dark} to {bright}");
        let histogram = stage.session.contrast.histogram(stage.session.view.values(stage.session.info()));
        let [low, high] = histogram.expect("a histogram").range;
        let limits = stage.limits();
        assert!(low <= limits[0] && high >= limits[1] - 1.0, "{op:?}: {low} to {high} holds {limits:?}");
    }
    stage.apply(&Command::SetMode(Mode::Plane));
    stage.settle();
    assert_eq!(stage.limits(), planes, "each kind keeps its own");
}

#[test]
fn once_measured_the_contrast_of_a_kind_does_not_change_by_itself() {
    let Some(mut stage) = stage() else { return };
    stage.show(Projection::Std);
    let first = stage.limits();
    stage.apply(&Command::ScrubTo(NUM_T - 1));
    stage.apply(&Command::SetSlab(Some([0, 3])));
    stage.settle();
    assert_eq!(stage.limits(), first);
    // At the user's wish it is measured again, as it is folded now.
    stage.apply(&Command::AutoContrast);
    stage.settle();
    let thin = stage.limits();
    assert_ne!(thin, first);
    stage.apply(&Command::SetSlab(None));
    stage.settle();
    assert_eq!(stage.limits(), thin);
    stage.apply(&Command::SetLimits([1.0, 9.0]));
    stage.apply(&Command::AutoContrast);
    stage.settle();
    assert_eq!(stage.limits(), first);
    stage.apply(&Command::Undo);
    assert_eq!(stage.limits(), [1.0, 9.0], "one step back, however long it was measured");
}

#[test]
fn automatic_contrast_is_of_the_recording_or_of_the_picture_on_screen() {
    let Some(mut stage) = stage() else { return };
    stage.show(Projection::Sum);
    let recording = stage.limits();
    stage.apply(&Command::SetGamma(2.0));
    stage.apply(&Command::FitContrast);
    let picture = stage.limits();
    // The first timepoint is the darkest.
    assert!(picture[1] < recording[1] - 400.0, "{picture:?} of {recording:?}");
    let [dark, bright] = stage.extent();
    assert!(dark < 0.05 && bright > 0.95, "{dark} to {bright}");
    assert_eq!(stage.session.view.gamma, 1.0);
    stage.apply(&Command::Undo);
    assert_eq!((stage.limits(), stage.session.view.gamma), (recording, 2.0));
    stage.apply(&Command::Redo);
    assert_eq!(stage.limits(), picture);
    stage.apply(&Command::AutoContrast);
    assert_eq!(stage.limits(), recording);
    // A thinner slab folds fewer planes, and is as bright.
    let before = stage.extent();
    stage.apply(&Command::SetSlab(Some([2, 4])));
    stage.settle();
    let after = stage.extent();
    assert!((before[0] - after[0]).abs() < 0.15 && (before[1] - after[1]).abs() < 0.15, "{before:?} and {after:?}");
}
