//! Sessions with real streams and a real device: what each kind of picture looks like when first shown, and
//! what automatic contrast makes of it.

use std::sync::Arc;

use super::*;
use crate::app::stage::{Scene, Stage};
use crate::format::memory::MemorySource;
use crate::ui::{Mode, SessionCommand, ViewState};
use crate::volume::{Colormap, DType, Projection, Shape};

const SIDE: usize = 32;
const NUM_T: usize = 6;
const NUM_Z: usize = 8;

/// A ramp along x on a background of 1,000, brighter with t, with noise that differs from plane to plane.
fn stage() -> Stage {
    let value = |i: &[usize]| {
        let [t, z, y, x] = [i[0], i[1], i[2], i[3]];
        let noise = (z * 7919 + y * 104_729 + x * 1_299_709 + t * 31).wrapping_mul(2_654_435_761) >> 7 & 63;
        (1000 + 10 * x + 20 * t + noise) as u16
    };
    let shape = Shape::from([NUM_T, NUM_Z, SIDE, SIDE]);
    let source = MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, SIDE, SIDE], value).unwrap();
    let mut preferences = ViewState::default();
    preferences.layers[0].colormap = Colormap::Gray;
    Stage::new(Arc::new(source), Scene { preferences, ..Scene::default() })
}

impl Stage {
    fn limits(&self) -> [f64; 2] {
        self.session.view.limits(self.session.info()).expect("limits")
    }

    /// Positions along the gradient of the first and the last percent of the picture on screen.
    fn extent(&self) -> [f64; 2] {
        let display = self.session.view.display(self.session.info());
        let drawn = self.session.on_screen().expect("a picture");
        let mut values = measured_values(&drawn.voxels, 1);
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
    let mut stage = stage();
    stage.settle();
    let planes = stage.limits();
    for op in Projection::ALL {
        stage.show(op);
        let [dark, bright] = stage.extent();
        assert!(dark < 0.35 && bright > 0.65 && bright - dark > 0.4, "{op:?}: {dark} to {bright}");
        let histogram = stage.session.contrast().histogram(stage.session.view.values(stage.session.info()));
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
    let mut stage = stage();
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
    let mut stage = stage();
    stage.show(Projection::Sum);
    let recording = stage.limits();
    stage.apply(&Command::SetGamma(2.0));
    stage.apply(&Command::Session(SessionCommand::FitContrast));
    let picture = stage.limits();
    // The first timepoint is the darkest.
    assert!(picture[1] < recording[1] - 400.0, "{picture:?} of {recording:?}");
    let [dark, bright] = stage.extent();
    assert!(dark < 0.05 && bright > 0.95, "{dark} to {bright}");
    assert_eq!(stage.session.view.layers[0].gamma, 1.0);
    stage.apply(&Command::Undo);
    assert_eq!((stage.limits(), stage.session.view.layers[0].gamma), (recording, 2.0));
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
