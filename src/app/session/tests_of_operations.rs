//! What is computed of a layer: shown at once from what is in memory, taken back, remembered, following a recording
//! that grows; and what cannot be shown is refused while the picture stays.

use std::sync::Arc;

use crate::app::stage::{Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource, Tape};
use crate::format::{Channel, Opened, Source};
use crate::ui::{Command, Shown, Step, ViewState};
use crate::volume::{DType, Shape};

/// Two planes of 8 × 8 a timepoint in chunks of their own, each of one value: 10 t + z + 1.
fn recording(num_t: usize) -> MemorySource {
    let shape = Shape::from([num_t, 2, 8, 8]);
    MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 8, 8], |i| (10 * i[0] + i[1] + 1) as u16).unwrap()
}

fn steps(texts: &[&str]) -> Command {
    Command::SetOperations(texts.iter().map(|text| Step::new(*text)).collect())
}

/// The one value on screen as it is read out; `None` until the picture asked for is there.
fn shown(stage: &Stage) -> Option<String> {
    let drawn = stage.session.on_screen()?;
    let is_it = *stage.session.shown() == Shown::Exact && drawn.key == stage.session.asked_key();
    is_it.then(|| drawn.voxels.format_value(&[0, 0])).flatten()
}

fn settled(stage: &mut Stage) -> String {
    stage.settle();
    shown(stage).expect("an exact picture")
}

#[test]
fn what_is_computed_is_shown_from_what_was_read_and_can_be_taken_back() {
    let gate = GatedSource::open(Arc::new(recording(4)));
    let mut stage = Stage::new(gate.clone(), Scene::default());
    stage.apply(&Command::ScrubTo(3));
    stage.apply(&Command::DepthTo(1));
    assert_eq!(settled(&mut stage), "32");
    let num_reads = gate.num_reads();
    assert!(stage.apply(&steps(&["multiply 2", "subtract 4"])));
    assert_eq!(settled(&mut stage), "60");
    stage.apply(&Command::SetStep { index: 1, text: "subtract 0.5".into() });
    assert_eq!(settled(&mut stage), "63.5", "a point makes doubles of integers");
    assert_eq!(stage.session.info().dtype, DType::F64);
    assert_eq!(stage.session.layer().array().info().dtype, DType::U16, "the recording is what it was");
    assert!((0..8).all(|chunk| gate.num_reads_of(chunk) <= 1), "nothing is read twice, {num_reads} before");
    let words = stage.session.computed_words(stage.session.layer());
    assert_eq!(words, Some("multiply by 2, then subtract 0.5"));
    // Limits are measured of what is computed.
    let limits = stage.session.view.limits(stage.session.info()).unwrap();
    assert!(limits[1] > 60.0 && limits[1] <= 63.5, "{limits:?}");
    for expected in ["60", "32"] {
        stage.apply(&Command::Undo);
        assert_eq!(settled(&mut stage), expected);
    }
    assert_eq!(stage.session.computed_words(stage.session.layer()), None);
    stage.apply(&Command::Redo);
    assert_eq!(settled(&mut stage), "60");
    // Left out for the moment.
    let mut left_out = stage.session.view.layers[0].operations.clone();
    left_out[0].is_on = false;
    stage.apply(&Command::SetOperations(left_out));
    assert_eq!(settled(&mut stage), "28");
    assert!((0..8).all(|chunk| gate.num_reads_of(chunk) <= 1));
}

#[test]
fn the_window_follows_another_shape_and_comes_back() {
    let mut stage = Stage::new(Arc::new(recording(4)), Scene::default());
    stage.apply(&Command::ScrubTo(3));
    stage.apply(&steps(&["mean over t"]));
    assert_eq!(settled(&mut stage), "17");
    assert_eq!((stage.session.info().shape, stage.session.view.cursor.t), ([1, 2, 8, 8], 0));
    assert!(stage.session.is_moved());
    stage.apply(&Command::Undo);
    assert_eq!(settled(&mut stage), "32", "where the view was before");
    stage.apply(&steps(&["subset [::-1, 1:]"]));
    assert_eq!(settled(&mut stage), "2");
    assert_eq!(stage.session.info().shape, [4, 1, 8, 8]);
}

#[test]
fn what_cannot_be_shown_is_refused_and_the_picture_stays() {
    let mut stage = Stage::new(Arc::new(recording(4)), Scene::default());
    stage.apply(&steps(&["add 1"]));
    let before = settled(&mut stage);
    for (text, reason) in [
        ("mean", "one value"),
        ("mean over t, z, y", "a row of values"),
        ("mean over x", "no axis x"),
        ("subset [4:]", "nothing is left"),
        ("mean over c", "step 1 (mean over c)"),
        ("add 70000", "step 1 (add 70000)"),
        ("nonsense", "nonsense"),
    ] {
        assert!(stage.apply(&steps(&[text])), "{text}: it is said");
        let fault = stage.session.operations_fault().unwrap_or_else(|| panic!("{text} is refused"));
        assert!(fault.contains(reason) && !fault.contains('\n'), "{text}: {fault}");
        assert_eq!(stage.session.view.layers[0].operations, [Step::new("add 1")]);
        stage.frame();
        assert_eq!(shown(&stage).as_ref(), Some(&before));
    }
    stage.apply(&steps(&["add 2"]));
    assert_eq!(stage.session.operations_fault(), None);
}

#[test]
fn a_recording_that_grows_is_computed_as_it_grows() {
    for texts in [&["multiply 3"][..], &["gaussian_filter 1.0 over y, x", "multiply 3"]] {
        let tape = Tape::begin(recording(2), 1);
        let mut stage = Stage::following(tape.source(), Scene::default());
        stage.apply(&steps(texts));
        stage.settle();
        tape.extend(recording(4), &[]);
        stage.frames_until(|stage| stage.session.info().shape[0] == 4);
        stage.apply(&Command::ScrubTo(3));
        stage.apply(&Command::DepthTo(1));
        stage.frames_until(|stage| shown(stage).is_some_and(|value| value == "96"));
        assert_eq!(stage.session.layer().array().info().shape[0], 4);
        // Another recording in its place: nothing of the former one is computed with.
        tape.begin_anew(
            MemorySource::from_fn(DType::U16, Shape::from([2, 2, 8, 8]), "tzyx", &[1, 1, 8, 8], |_| 7u16).unwrap(),
        );
        stage.frames_until(|stage| shown(stage).is_some_and(|value| value == "21"));
    }
}

#[test]
fn steps_are_remembered_and_those_that_do_not_fit_any_more_are_left_out() {
    let mut stage = Stage::new(Arc::new(recording(4)), Scene::default());
    stage.apply(&steps(&["add 5", "log1p"]));
    let kept = serde_json::to_string(&stage.session.view.to_keep()).unwrap();
    let recalled = |source: MemorySource| {
        let mut stage = Stage::new(Arc::new(source), Scene::default());
        let info = *stage.session.info();
        let fresh = std::mem::take(&mut stage.session.view);
        stage.session.view = ViewState::recalled(fresh, serde_json::from_str(&kept).unwrap(), &info);
        stage.session.compute_all();
        stage
    };
    let mut again = recalled(recording(4));
    assert_eq!(again.session.view.layers, stage.session.view.layers);
    assert_eq!(settled(&mut again), settled(&mut stage));
    let bools = MemorySource::new(DType::U8, Shape::from([1, 1, 8, 8]), "tzyx", &[1, 1, 8, 8], vec![3; 64]).unwrap();
    let mut fits = recalled(bools);
    assert!(settled(&mut fits).starts_with("2.19"), "log1p(8)");
    stage.apply(&steps(&["subset [2:]"]));
    let kept = serde_json::to_string(&stage.session.view.to_keep()).unwrap();
    let mut short = Stage::new(Arc::new(recording(1)), Scene::default());
    let info = *short.session.info();
    let fresh = std::mem::take(&mut short.session.view);
    short.session.view = ViewState::recalled(fresh, serde_json::from_str(&kept).unwrap(), &info);
    short.session.compute_all();
    assert_eq!(short.session.operations_fault(), Some("nothing is left"));
    assert!(!short.session.view.layers[0].operations[0].is_on);
    assert_eq!(settled(&mut short), "2", "as recorded");
}

#[test]
fn of_several_channels_the_chosen_one_is_computed() {
    let shape = Shape::from([2, 3, 1, 8, 8]);
    let value = |i: &[usize]| (100 * i[1] + i[0]) as u16;
    let source: Arc<dyn Source> =
        Arc::new(MemorySource::from_fn(DType::U16, shape, "t_zyx", &[1, 3, 1, 8, 8], value).unwrap());
    let channel = |i: usize| Channel {
        name: format!("{i}"),
        color: None,
        limits: None,
        is_visible: true,
        levels: vec![Arc::clone(&source)],
        growing: None,
        held: vec![i],
    };
    let opened = Opened { channels: (0..3).map(channel).collect(), ..Opened::of(Arc::clone(&source), None) };
    let mut stage = Stage::of(opened, Scene::default());
    stage.apply(&Command::SetActiveLayer(2));
    stage.apply(&Command::ScrubTo(1));
    stage.apply(&steps(&["multiply 2"]));
    assert_eq!(settled(&mut stage), "402");
    stage.apply(&Command::SetActiveLayer(1));
    assert_eq!(settled(&mut stage), "101", "the others are shown as recorded");
    stage.apply(&steps(&["mean over t"]));
    let fault = stage.session.operations_fault().unwrap();
    assert!(fault.contains("does not lie over the other channels"), "{fault}");
    stage.apply(&steps(&["log2", "transpose 1"]));
    let fault = stage.session.operations_fault().unwrap();
    assert!(fault.starts_with("step 2 (transpose 1)"), "counted as it was typed: {fault}");
}

/// Writes a .npy file of these numbers.
pub(super) fn write_npy(path: &std::path::Path, dims: &[usize], value: impl Fn(usize) -> u16) {
    let dims_text: String = dims.iter().map(|dim| format!("{dim}, ")).collect();
    let header = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({dims_text})}}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend((0..dims.iter().product()).flat_map(|i| value(i).to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

fn until(stage: &mut Stage, value: &str) {
    stage.frames_until(|stage| shown(stage).is_some_and(|shown| shown == value));
}

#[test]
fn other_arrays_are_computed_with_once_they_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_npy(&path("along y.npy"), &[8], |i| 100 + i as u16);
    write_npy(&path("more.npy"), &[3, 2, 8, 8], |i| 500 + (i / 128) as u16);
    write_npy(&path("other.npy"), &[2, 2], |_| 0);
    let mut stage = Stage::new(Arc::new(recording(4)), Scene::default());
    stage.apply(&Command::ScrubTo(3));
    settled(&mut stage);
    let add = format!("add @\"{}\" over y", path("along y.npy").display());
    assert!(stage.apply(&steps(&[&add])));
    assert_eq!(stage.session.awaited_array(), path("along y.npy").to_str(), "the window does not wait for it");
    until(&mut stage, "132");
    assert_eq!(stage.session.awaited_array(), None);
    // It is there from now on, whatever becomes of the file.
    std::fs::remove_file(path("along y.npy")).unwrap();
    stage.apply(&steps(&[&add, "add 1"]));
    assert_eq!(settled(&mut stage), "133");
    stage.apply(&steps(&[&format!("concatenate @{} over t", path("more.npy").display())]));
    stage.frames_until(|stage| stage.session.info().shape[0] == 7);
    stage.apply(&Command::ScrubTo(6));
    until(&mut stage, "502");
    stage.apply(&Command::Undo);
    stage.apply(&Command::Undo);
    assert_eq!(settled(&mut stage), "133");

    let kept = stage.session.view.layers[0].operations.clone();
    for (text, reason) in [
        (format!("subtract @{}", path("no.npy").display()), "no such file"),
        (format!("subtract @{}", path("other.npy").display()), "(4, 2, 8, 8) and (2, 2)"),
        (format!("concatenate @{} over t", path("other.npy").display()), "has 2 axes"),
    ] {
        stage.apply(&steps(&[&text]));
        stage.frames_until(|stage| stage.session.operations_fault().is_some());
        let fault = stage.session.operations_fault().unwrap();
        assert!(fault.contains(reason) && !fault.contains('\n'), "{fault}");
        assert_eq!((&stage.session.view.layers[0].operations, stage.session.awaited_array()), (&kept, None));
    }
    // What is asked for meanwhile is what is meant.
    write_npy(&path("no.npy"), &[8], |_| 7);
    stage.apply(&steps(&[&format!("subtract @{}", path("no.npy").display())]));
    stage.apply(&steps(&["add 2"]));
    assert_eq!(settled(&mut stage), "34");
    assert_eq!((stage.session.awaited_array(), stage.session.operations_fault()), (None, None));
}

#[test]
fn what_is_remembered_with_another_array_comes_back_or_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flat.npy");
    let divide = format!("subtract @{} over x", path.display());
    write_npy(&path, &[8], |_| 1);
    let recalled = || {
        let mut stage = Stage::new(Arc::new(recording(4)), Scene::default());
        stage.session.view.layers[0].operations = vec![Step::new(&divide)];
        stage.session.compute_all();
        stage
    };
    let mut stage = recalled();
    until(&mut stage, "1");
    assert_eq!(stage.session.computed_words(stage.session.layer()), Some("subtract flat.npy along x"));
    std::fs::remove_file(&path).unwrap();
    let mut stage = recalled();
    stage.frames_until(|stage| stage.session.operations_fault().is_some());
    assert!(!stage.session.view.layers[0].operations[0].is_on);
    assert_eq!(settled(&mut stage), "2", "as recorded");
}
