//! The sheet of arrays and axes as the program carries it out: what is said there, kept, and left.

use std::path::{Path, PathBuf};

use super::tests::Run;
use crate::app::activity::Activity;
use crate::app::memory::Given;
use crate::format::OpenOptions;
use crate::ui::{AppCommand, AxisRole, Command, Forget, Overlay, SheetCommand};
use crate::volume::Axis;

/// Files of two arrays each, alike but for the number of timepoints.
fn files(root: &Path) -> [PathBuf; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/sheet");
    ["a.h5", "b.h5"].map(|name| {
        std::fs::copy(folder.join(name), root.join(name)).unwrap();
        root.join(name)
    })
}

fn say(run: &mut Run, command: SheetCommand) {
    run.apply(Command::App(AppCommand::Sheet(command)));
}

/// Chooses the array `odd`, and waits until it has been looked into.
fn choose_odd(run: &mut Run) -> String {
    let entries = run.program.sheet.as_ref().unwrap().entries();
    let odd = entries.iter().position(|entry| entry.name == "odd").unwrap();
    say(run, SheetCommand::Choose(odd));
    run.until("the array is looked into", |run| {
        let sheet = run.program.sheet.as_ref();
        sheet.is_some_and(|sheet| sheet.chosen_name() == Some("odd") && sheet.said().is_some())
    });
    letters(run)
}

/// The axes of the draft on the sheet.
fn letters(run: &Run) -> String {
    run.program.sheet.as_ref().unwrap().said().unwrap().0.letters()
}

fn overlay(run: &Run) -> Option<Overlay> {
    run.session().view.panels.overlay
}

#[test]
fn what_was_said_in_the_sheet_holds_for_the_file_and_for_files_of_its_layout() {
    let root = tempfile::tempdir().unwrap();
    let settings = root.path().join("settings");
    let [first, second] = files(root.path());
    let before = std::fs::read(&first).unwrap();
    let mut run = Run::new(&settings);
    run.open(&first);
    assert_eq!(run.session().view.panels.overlay, Some(Overlay::Axes), "two arrays: which is meant is asked");
    assert_eq!(run.session().array_name(), Some("stack"));
    choose_odd(&mut run);
    for (axis, role) in [(0, AxisRole::Channel), (1, AxisRole::Axis(Axis::T))] {
        say(&mut run, SheetCommand::SetRole { axis, role });
    }
    say(&mut run, SheetCommand::SetRate(Some(4.0)));
    say(&mut run, SheetCommand::Open);
    let is_odd = |run: &Run| run.program.session().is_some_and(|session| session.array_name() == Some("odd"));
    run.until("it is opened as was said", is_odd);
    let session = run.session();
    assert_eq!((session.info().shape, session.info().rate_hz), ([6, 1, 8, 9], Some(4.0)));
    assert_eq!((session.view.panels.overlay, run.program.sheet.is_none()), (None, true));
    run.program.keep_everything();

    let mut run = Run::new(&settings);
    run.open(&first);
    let session = run.session();
    assert_eq!((session.array_name(), session.info().shape), (Some("odd"), [6, 1, 8, 9]));
    assert_eq!((session.info().rate_hz, session.view.panels.overlay), (Some(4.0), None), "nothing is left to ask");
    run.open(&second);
    let session = run.session();
    assert_eq!((session.array_name(), session.info().shape), (Some("odd"), [7, 1, 8, 9]), "a file of the same layout");
    assert_eq!((session.info().rate_hz, session.view.panels.overlay), (None, None), "another recording, another rate");
    run.apply(Command::App(AppCommand::Forget(Forget::Recording)));
    run.until("it is opened anew", |run| {
        run.program.session().is_some_and(|session| session.view.panels.overlay == Some(Overlay::Axes))
    });
    assert_eq!(std::fs::read(&first).unwrap(), before);
}

#[test]
fn another_array_has_its_own_axes_whatever_those_of_the_open_one_are() {
    let root = tempfile::tempdir().unwrap();
    let [first, _] = files(root.path());
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&first);
    let own = choose_odd(&mut run);
    assert_ne!(own, "yxzt");
    run.apply(Command::CloseOverlay);
    run.program.open(&first, OpenOptions { axes: Some("yxzt".to_owned()), ..OpenOptions::default() });
    run.until("it opens", |run| run.program.sheet.is_some());
    assert_eq!(letters(&run), "yxzt", "the array that is open has the axes it was opened with");
    assert_eq!(choose_odd(&mut run), own);
}

#[test]
fn the_sheet_knows_of_an_array_what_was_said_of_a_file_of_its_layout() {
    let root = tempfile::tempdir().unwrap();
    let [first, second] = files(root.path());
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&first);
    let own = choose_odd(&mut run);
    for (axis, role) in [(0, AxisRole::Channel), (1, AxisRole::Axis(Axis::T))] {
        say(&mut run, SheetCommand::SetRole { axis, role });
    }
    let said = letters(&run);
    assert_ne!(said, own);
    say(&mut run, SheetCommand::Open);
    run.until("it opens", |run| run.program.session().is_some_and(|session| session.array_name() == Some("odd")));
    // The other array of another file is open; this one is looked into by the sheet.
    run.program.open(&second, OpenOptions { dataset: Some("stack".to_owned()), ..OpenOptions::default() });
    run.until("it opens", |run| run.program.session().is_some_and(|session| session.array_name() == Some("stack")));
    if overlay(&run) != Some(Overlay::Axes) {
        run.apply(Command::ToggleOverlay(Overlay::Axes));
    }
    assert_eq!(choose_odd(&mut run), said);
}

#[test]
fn whoever_leaves_the_sheet_has_what_was_open_before() {
    let root = tempfile::tempdir().unwrap();
    let [first, second] = files(root.path());
    let mut run = Run::new(&root.path().join("settings"));
    run.open(&first);
    assert_eq!(overlay(&run), Some(Overlay::Axes));
    run.apply(Command::CloseOverlay);
    assert!(run.program.session().is_none(), "nothing was open before");
    assert_eq!(run.program.preferences().panels.overlay, None);
    run.open(&first);
    // What is remembered of the one would be known of the other.
    say(&mut run, SheetCommand::ToggleRemembered);
    say(&mut run, SheetCommand::Open);
    run.until("it opens as it was said", |run| run.program.session().is_some() && run.program.sheet.is_none());
    assert_eq!(overlay(&run), None);
    run.apply(Command::ScrubTo(3));
    let view = run.session().view.to_keep();
    // Two guesses one after the other.
    for _ in 0..2 {
        run.open(&second);
        assert_eq!(overlay(&run), Some(Overlay::Axes));
        assert_eq!(run.session().location, (&second).into());
    }
    run.apply(Command::CloseOverlay);
    assert_eq!((&run.session().location, overlay(&run)), (&(&first).into(), None));
    assert_eq!(run.session().view.to_keep(), view, "as it was left");
    // What cannot be opened takes the guess away, too.
    run.open(&second);
    run.open(&root.path().join("absent.h5"));
    assert_eq!((&run.session().location, overlay(&run)), (&(&first).into(), Some(Overlay::NotOpened)));
    run.apply(Command::CloseOverlay);
    assert!(matches!(run.program.activity, Activity::Idle));
    // The sheet over what is open, opened by the user: leaving it leaves all as it is.
    run.apply(Command::ToggleOverlay(Overlay::Axes));
    assert!(run.program.sheet.is_some());
    run.apply(Command::CloseOverlay);
    assert_eq!(run.session().location, (&first).into());
}

#[test]
fn a_recording_is_forgotten_as_it_is_shown() {
    let root = tempfile::tempdir().unwrap();
    let settings = root.path().join("settings");
    let [first, second] = files(root.path());
    let mut run = Run::new(&settings);
    run.open(&first);
    choose_odd(&mut run);
    for (axis, role) in [(0, AxisRole::Channel), (1, AxisRole::Axis(Axis::T))] {
        say(&mut run, SheetCommand::SetRole { axis, role });
    }
    say(&mut run, SheetCommand::Open);
    run.until("it opens", |run| run.program.session().is_some_and(|session| session.array_name() == Some("odd")));
    run.apply(Command::ScrubTo(2));
    run.program.keep_everything();
    let num = |folder: &str| settings.join(folder).read_dir().map_or(0, |files| files.count());
    assert!(num("views") > 0 && num("layouts") > 0);
    crate::app::forget(Some(&(&first).into()), &OpenOptions::default(), Some(&settings)).unwrap();
    assert_eq!(["views", "given", "choices", "layouts"].map(num), [0; 4]);
    let mut run = Run::new(&settings);
    run.open(&second);
    assert_eq!((overlay(&run), run.session().given()), (Some(Overlay::Axes), &Given::default()));
}

/// A plane of 64 × 48 pixels in three resolutions, as OME-Zarr 0.4.
fn write_pyramid(folder: &Path) {
    let levels: Vec<_> = (0..3)
        .map(|level| {
            let scale = f64::from(1 << level) / 2.0;
            serde_json::json!({
                "path": level.to_string(),
                "coordinateTransformations": [{ "type": "scale", "scale": [8.0, scale, scale] }],
            })
        })
        .collect();
    let axis = |name: &str| serde_json::json!({ "name": name, "type": "space", "unit": "micrometer" });
    let axes = ["z", "y", "x"].map(axis);
    let multiscales = serde_json::json!({ "version": "0.4", "axes": axes, "datasets": levels });
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    std::fs::write(folder.join(".zattrs"), serde_json::json!({ "multiscales": [multiscales] }).to_string()).unwrap();
    for level in 0..3usize {
        let shape = [2, 64 >> level, 48 >> level];
        let array = serde_json::json!({
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<u2", "compressor": null, "fill_value": 0,
            "order": "C", "filters": null, "dimension_separator": ".",
        });
        let inner = folder.join(level.to_string());
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join(".zarray"), array.to_string()).unwrap();
        let voxels: Vec<u8> =
            (0..shape.iter().product::<usize>()).flat_map(|i| ((i % 900 + level) as u16).to_le_bytes()).collect();
        std::fs::write(inner.join("0.0.0"), voxels).unwrap();
    }
}

#[test]
fn a_resolution_that_was_chosen_is_opened_as_the_finest_and_remembered() {
    let root = tempfile::tempdir().unwrap();
    let (settings, fish) = (root.path().join("settings"), root.path().join("fish.zarr"));
    write_pyramid(&fish);
    let mut run = Run::new(&settings);
    run.open(&fish);
    assert_eq!((run.session().info().shape, run.session().options.level), ([1, 2, 64, 48], None));
    if overlay(&run) != Some(Overlay::Axes) {
        run.apply(Command::ToggleOverlay(Overlay::Axes));
    }
    let draft = |run: &Run| run.program.sheet.as_ref().and_then(|sheet| sheet.said()).map(|(draft, _)| draft.clone());
    run.until("the resolutions are known", |run| draft(run).is_some_and(|draft| draft.levels.len() == 3));
    say(&mut run, SheetCommand::SetLevel(1));
    assert_eq!(draft(&run).unwrap().voxel_um, [Some(8.0), Some(1.0), Some(1.0)]);
    say(&mut run, SheetCommand::Open);
    let is_coarser = |run: &Run| run.program.session().is_some_and(|session| session.info().shape == [1, 2, 32, 24]);
    run.until("it opens in the coarser resolution", is_coarser);
    assert_eq!(run.session().info().voxel_size.map(|size| size.edges()), Some([8.0, 1.0, 1.0]));
    run.program.keep_everything();
    // The next run; there the finest one is chosen again.
    let mut run = Run::new(&settings);
    run.open(&fish);
    assert!(is_coarser(&run) && overlay(&run).is_none());
    run.apply(Command::ToggleOverlay(Overlay::Axes));
    run.until("the resolutions are known", |run| draft(run).is_some_and(|draft| draft.levels.len() == 3));
    assert_eq!(draft(&run).unwrap().level, 1);
    say(&mut run, SheetCommand::SetLevel(0));
    say(&mut run, SheetCommand::Open);
    run.until("it opens in full", |run| run.session().info().shape == [1, 2, 64, 48]);
    // Beyond the coarsest there is nothing.
    let error = crate::format::open(&fish, &OpenOptions { level: Some(3), ..OpenOptions::default() }).err().unwrap();
    assert_eq!(error.message, "there is no level 3: it has levels 0 to 2");
}
