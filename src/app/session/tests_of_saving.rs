//! Data are saved as they are shown, behind everything else, and what fails or is stopped leaves nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::tests_of_operations::write_npy;
use crate::app::stage::{PATIENCE, Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource};
use crate::format::{Chunk, Filled, ReadError, Source};
use crate::ui::{Command, DataFormat, DataOptions, Missing, Overlay, SaveKind, SessionCommand, Step, What};
use crate::volume::{ArrayInfo, Axis, DType, Piece, PieceState, Problem, Region, Shape};

/// 100 t + 10 z + y, the same along x.
fn recording() -> MemorySource {
    let shape = Shape::from([4, 3, 6, 8]);
    let value = |i: &[usize]| (100 * i[0] + 10 * i[1] + i[2]) as u16;
    MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 6, 8], value).unwrap()
}

/// A sheet that is open on data, with a name in a folder.
fn sheet(source: Arc<dyn Source>, folder: &Path, data: DataOptions) -> Stage {
    let mut stage = Stage::new(source, Scene::default());
    stage.apply(&Command::ToggleOverlay(Overlay::Save));
    stage.apply(&Command::SetData(DataOptions { kind: SaveKind::Data, format: DataFormat::Npy, ..data }));
    stage.apply(&Command::Session(SessionCommand::SetDataPath(folder.join("a").display().to_string())));
    stage
}

fn until(stage: &mut Stage, mut done: impl FnMut(&Stage) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        stage.session.update_data_saver(Instant::now());
        if done(stage) {
            return;
        }
        assert!(Instant::now() < deadline, "{:?}", stage.session.data_saver.shown);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Saves what the sheet says; what was said of it then.
fn save(stage: &mut Stage) -> String {
    until(stage, |stage| stage.session.data_saver.shown.is_ready);
    stage.session.saver.shown.done = None;
    stage.apply(&Command::Session(SessionCommand::SaveData));
    stage.apply(&Command::CloseOverlay);
    until(stage, |stage| stage.session.saver.shown.done.is_some());
    stage.session.saver.shown.done.clone().unwrap().0
}

fn names_in(folder: &Path) -> Vec<String> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Shape and values of a .npy file of unsigned numbers of 16 bits.
fn npy(path: &Path) -> (String, Vec<u16>) {
    let bytes = std::fs::read(path).unwrap();
    let begin = 10 + usize::from(bytes[8]) + 256 * usize::from(bytes[9]);
    let header = String::from_utf8_lossy(&bytes[10..begin]).into_owned();
    let shape = header.split("'shape': ").nth(1).unwrap().split(')').next().unwrap().to_owned() + ")";
    (shape, bytes[begin..].as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

#[test]
fn what_is_shown_is_what_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let ranges = Some([[1, 3], [0, 3], [2, 4], [0, 8]]);
    let data = DataOptions { what: What::Selection, ranges, ..DataOptions::default() };
    let mut stage = sheet(Arc::new(recording()), folder.path(), data);
    stage.apply(&Command::SetOperations(vec![Step::new("multiply 2"), Step::new("add 1")]));
    until(&mut stage, |stage| stage.session.data_saver.shown.is_ready);
    let result = stage.session.data_saver.shown.result.clone().unwrap();
    assert_eq!((result.dims, result.axes.as_str(), result.num_bytes), (vec![2, 3, 2, 8], "tzyx", 192));
    assert_eq!(save(&mut stage), "Saved a.npy (without axes tzyx)");
    let (shape, values) = npy(&folder.path().join("a.npy"));
    assert_eq!(shape, "(2, 3, 2, 8)");
    let expected: Vec<u16> = (0..96)
        .map(|i| [1 + i / 48, i / 16 % 3, 2 + i / 8 % 2])
        .map(|[t, z, y]| 2 * (100 * t + 10 * z + y) + 1)
        .collect();
    assert_eq!(values, expected);
    assert_eq!(names_in(folder.path()), ["a.npy"]);
    // Once more: it is said that there is one, and it is replaced.
    stage.apply(&Command::ToggleOverlay(Overlay::Save));
    stage.apply(&Command::SetData(DataOptions { what: What::Projection, ..stage.session.view.data }));
    stage.apply(&Command::SetOperations(Vec::new()));
    stage.apply(&Command::Session(SessionCommand::SetDataPath(folder.path().join("a.npy").display().to_string())));
    until(&mut stage, |stage| stage.session.data_saver.shown.replaces.is_some());
    save(&mut stage);
    let (shape, values) = npy(&folder.path().join("a.npy"));
    assert_eq!((shape.as_str(), values.len(), values[8]), ("(6, 8)", 48, 21), "the largest of three planes");
}

#[test]
fn what_is_missing_is_refused_or_filled() {
    let folder = tempfile::tempdir().unwrap();
    let gap = Region::new(&[2, 1, 0, 0], &[3, 2, 6, 8]).unwrap();
    let all = DataOptions { what: What::Recording, ..DataOptions::default() };
    let mut stage = sheet(Arc::new(recording().with_missing(&[gap])), folder.path(), all);
    let said = save(&mut stage);
    assert!(said.starts_with("Not saved: "), "{said}");
    assert!(names_in(folder.path()).is_empty());
    let filled = DataOptions { missing: Missing::Fill(7.0), ..all };
    let mut stage = sheet(Arc::new(recording().with_missing(&[gap])), folder.path(), filled);
    assert!(save(&mut stage).starts_with("Saved a.npy"));
    let (_, values) = npy(&folder.path().join("a.npy"));
    assert_eq!((values[(2 * 3 + 1) * 48], values[(2 * 3 + 2) * 48]), (7, 220));
    // A value that the type cannot hold.
    let wrong = DataOptions { missing: Missing::Fill(-1.0), ..all };
    let mut stage = sheet(Arc::new(recording()), folder.path(), wrong);
    until(&mut stage, |stage| stage.session.data_saver.shown.refusal.is_some());
    assert!(stage.session.data_saver.shown.refusal.as_ref().unwrap().contains("is no uint16"));
}

/// Pieces of two timepoints, the second and the fourth of which are missing, and said to be.
struct Gappy(MemorySource);

impl Source for Gappy {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.0.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.0.chunks(region, chunks);
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.0.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn pieces(&self) -> Vec<Piece> {
        let states = [PieceState::Whole, PieceState::Missing, PieceState::Whole, PieceState::Damaged];
        let piece = |(i, state)| Piece { axis: Some(Axis::T), range: [2 * i, 2 * i + 2], state };
        states.into_iter().enumerate().map(piece).collect()
    }
}

#[test]
fn timepoints_that_are_missing_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let gappy = || {
        let value = |i: &[usize]| (100 * i[0] + 10 * i[1] + i[2]) as u16;
        let whole = MemorySource::from_fn(DType::U16, Shape::from([8, 3, 6, 8]), "tzyx", &[1, 1, 6, 8], value).unwrap();
        let gap = |t: usize| Region::new(&[t, 0, 0, 0], &[t + 2, 3, 6, 8]).unwrap();
        Arc::new(Gappy(whole.with_missing(&[gap(2), gap(6)])))
    };
    let all = DataOptions { what: What::Recording, missing: Missing::LeaveOut, ..DataOptions::default() };
    let mut stage = sheet(gappy(), folder.path(), all);
    until(&mut stage, |stage| stage.session.data_saver.shown.is_ready);
    let told = stage.session.data_saver.shown.missing.clone().unwrap();
    assert_eq!(told, "4 timepoints missing or damaged: left out");
    assert!(save(&mut stage).starts_with("Saved a.npy"));
    let (shape, values) = npy(&folder.path().join("a.npy"));
    assert_eq!(shape, "(4, 3, 6, 8)");
    assert_eq!([0, 1, 2, 3].map(|t| values[t * 144]), [0, 100, 400, 500]);
    // One plane of them is kept, along an index beside the list; and where nothing is left all is refused.
    let part = |t: [usize; 2]| DataOptions { what: What::Selection, ranges: Some([t, [1, 2], [2, 4], [0, 8]]), ..all };
    let mut stage = sheet(gappy(), folder.path(), part([1, 5]));
    stage.apply(&Command::Session(SessionCommand::SetDataPath(folder.path().join("b").display().to_string())));
    assert!(save(&mut stage).starts_with("Saved b.npy"));
    let (shape, values) = npy(&folder.path().join("b.npy"));
    assert_eq!((shape.as_str(), [values[0], values[16]]), ("(2, 1, 2, 8)", [112, 412]));
    let mut stage = sheet(gappy(), folder.path(), part([2, 4]));
    stage.apply(&Command::Session(SessionCommand::SetDataPath(folder.path().join("c").display().to_string())));
    until(&mut stage, |stage| stage.session.data_saver.shown.is_ready);
    assert_eq!(stage.session.data_saver.shown.missing.as_deref(), Some("2 timepoints missing or damaged: refused"));
    assert!(save(&mut stage).starts_with("Not saved: "));
}

#[test]
fn what_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gate = GatedSource::open(Arc::new(recording()));
    let all = DataOptions { what: What::Recording, ..DataOptions::default() };
    let mut stage = sheet(gate.clone(), folder.path(), all);
    stage.settle();
    until(&mut stage, |stage| stage.session.data_saver.shown.is_ready);
    gate.close();
    stage.apply(&Command::Session(SessionCommand::SaveData));
    until(&mut stage, |stage| stage.session.data_saver.shown.running.is_some());
    until(&mut stage, |_| folder.path().join("a.npy.part").exists());
    stage.apply(&Command::Session(SessionCommand::CancelSaving));
    gate.open_all();
    until(&mut stage, |stage| stage.session.saver.shown.done.is_some());
    assert_eq!(stage.session.saver.shown.done.clone().unwrap().0, "Stopped; nothing was saved");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn nothing_is_written_into_the_recording_nor_over_a_run_that_others_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = sheet(Arc::new(recording()), folder.path(), DataOptions::default());
    std::fs::create_dir(folder.path().join("a.npy.part")).unwrap();
    for name in ["lock", "plan.json"] {
        std::fs::write(folder.path().join("a.npy.part").join(name), "{}").unwrap();
    }
    until(&mut stage, |stage| stage.session.data_saver.shown.refusal.is_some());
    let refusal = stage.session.data_saver.shown.refusal.clone().unwrap();
    assert!(refusal.starts_with("a.npy.part: ") && refusal.contains("--resume"), "{refusal}");
    let nowhere = folder.path().join("no/a.npy").display().to_string();
    stage.apply(&Command::Session(SessionCommand::SetDataPath(nowhere)));
    until(&mut stage, |stage| stage.session.data_saver.shown.refusal.as_ref().is_some_and(|r| r.contains("no folder")));
    stage.apply(&Command::Session(SessionCommand::SaveData));
    assert!(stage.session.saver.shown.done.clone().unwrap().0.starts_with("Not saved"));
}

#[test]
fn what_a_killed_program_left_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("a.npy.part");
    std::fs::create_dir(&left).unwrap();
    for name in ["lock", "data"] {
        std::fs::write(left.join(name), "half").unwrap();
    }
    std::fs::write(left.join("plan.json"), "written from the window\n").unwrap();
    let mut stage = sheet(Arc::new(recording()), folder.path(), DataOptions::default());
    assert!(save(&mut stage).starts_with("Saved a.npy"));
    assert_eq!(names_in(folder.path()), ["a.npy"]);
}

#[test]
fn what_is_computed_with_another_array_is_saved_and_never_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("b.npy");
    write_npy(&other, &[8], |x| x as u16);
    let mut stage = sheet(Arc::new(recording()), folder.path(), DataOptions::default());
    stage.apply(&Command::SetOperations(vec![Step::new(format!("add @{}", other.display()))]));
    stage.frames_until(|stage| stage.session.computed_words(stage.session.layer()).is_some());
    assert!(save(&mut stage).starts_with("Saved a.npy"));
    let (_, values) = npy(&folder.path().join("a.npy"));
    assert_eq!(values[48..56], [10, 11, 12, 13, 14, 15, 16, 17]);
    let before = std::fs::read(&other).unwrap();
    stage.apply(&Command::ToggleOverlay(Overlay::Save));
    stage.apply(&Command::Session(SessionCommand::SetDataPath(other.display().to_string())));
    until(&mut stage, |stage| stage.session.data_saver.shown.refusal.is_some());
    let refusal = stage.session.data_saver.shown.refusal.clone().unwrap();
    assert!(refusal.contains("never written to") && std::fs::read(&other).unwrap() == before, "{refusal}");
}
