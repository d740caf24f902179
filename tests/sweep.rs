//! Sweeping recordings of any cut: what is measured does not depend on how they are stored, on who lends chunks,
//! on growth, pauses and restarts, and what is missing is told by file and reason.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::array::{ChunkKey, LazyArray, Loaded};
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::format::{ReadErrorKind, Source};
use tectum::qc::{Codes, Missing, Table};
use tectum::sweep::{CheckOptions, Checked, Checker, Lender, NoLender, Snapshot, check, subject_of};
use tectum::volume::{DType, Pool, Region, Shape};

const SHAPE: [usize; 4] = [23, 5, 16, 12];

/// Noise that anyone can compute.
fn value(index: &[usize]) -> u16 {
    let seed = index.iter().fold(17u32, |seed, i| (seed ^ *i as u32).wrapping_mul(0x0100_0193).rotate_left(7));
    200 + (seed >> 16) as u16 % 900
}

fn memory(num_t: usize, grid: [usize; 4]) -> MemorySource {
    let shape = Shape::from([num_t, SHAPE[1], SHAPE[2], SHAPE[3]]);
    MemorySource::from_fn(DType::U16, shape, "tzyx", &grid, value).unwrap()
}

fn array(source: impl Source + 'static) -> LazyArray {
    LazyArray::new(Arc::new(source))
}

fn checked(array: &LazyArray, range: Option<Range<usize>>, budget_bytes: usize) -> Checked {
    let options = CheckOptions { range, budget_bytes, ..CheckOptions::default() };
    check(array, &subject_of(array, None), &options, |_, _| true).unwrap()
}

/// The same numbers to the last bit, and the same that could not be had.
fn assert_same(a: &Table, b: &Table) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn how_a_recording_is_cut_into_chunks_does_not_show() {
    let volume = [1, 5, 16, 12];
    let expected = checked(&array(memory(23, volume)), None, 1 << 20).table;
    assert_eq!(expected.num_complete(), 23);
    let mean: f64 = Region::whole(&Shape::from([1, 1, 16, 12])).indices().map(|at| f64::from(value(&at[..4]))).sum();
    assert!((f64::from(expected.plane(0, 0).unwrap().mean) - mean / 192.0).abs() < 1e-3);
    for grid in [[4, 5, 16, 12], [1, 1, 16, 12], [3, 2, 16, 12], [1, 5, 7, 12], [2, 3, 5, 5], [50, 50, 50, 50]] {
        // Too small for a volume, for a chunk, for all.
        for budget_bytes in [1, 400, 2000, 1 << 20] {
            assert_same(&checked(&array(memory(23, grid)), None, budget_bytes).table, &expected);
        }
    }
}

#[test]
fn a_chunk_of_many_timepoints_is_decoded_once_and_once_more_for_the_references() {
    let source = GatedSource::open(Arc::new(memory(23, [4, 2, 16, 12])));
    let array = LazyArray::new(Arc::clone(&source) as Arc<dyn Source>);
    checked(&array, None, 20_000);
    // Three in z; the first ten timepoints lie in the first three of six in t.
    assert_eq!(source.num_reads(), 18 + 9);
}

#[test]
fn a_part_of_a_recording_is_measured_without_reading_the_rest() {
    let source = GatedSource::open(Arc::new(memory(23, [1, 5, 16, 12])));
    let array = LazyArray::new(Arc::clone(&source) as Arc<dyn Source>);
    let part = checked(&array, Some(12..200), 1 << 20);
    assert_eq!((part.table.num_complete(), part.table.row(11).is_none()), (11, true));
    assert_eq!((0..12).map(|chunk| source.num_reads_of(chunk)).sum::<usize>(), 0);
    assert!(check(&array, &part.subject, &CheckOptions::default(), |done, _| done < 3).is_none());
}

#[test]
fn what_is_missing_is_told_by_planes_times_file_and_reason_and_is_not_measured() {
    let part = |start: &[usize], stop: &[usize]| Region::new(start, stop).unwrap();
    let gaps = [
        part(&[3, 0, 0, 0], &[6, 5, 16, 12]),
        part(&[8, 1, 4, 4], &[10, 3, 5, 5]),
        part(&[9, 4, 0, 0], &[10, 5, 1, 1]),
    ];
    for grid in [[1, 5, 16, 12], [2, 1, 16, 12], [1, 2, 5, 12]] {
        let all = checked(&array(memory(23, grid).with_missing(&gaps)), None, 1 << 20);
        let reason = || "never written".to_owned();
        let file = || Some("memory".to_owned());
        let expected = [
            Missing { t: [3, 5], z: None, file: file(), reason: reason() },
            Missing { t: [8, 9], z: Some([1, 2]), file: file(), reason: reason() },
            Missing { t: [9, 9], z: Some([4, 4]), file: file(), reason: reason() },
        ];
        assert_eq!(all.missing, expected, "{grid:?}");
        assert!((0..5).all(|z| !all.table.plane(4, z).unwrap().is_there));
        let there: Vec<bool> = (0..5).map(|z| all.table.plane(9, z).unwrap().is_there).collect();
        assert_eq!(there, [true, false, false, true, false]);
        assert!(all.table.plane(9, 1).unwrap().mean.is_nan() && all.table.plane(9, 3).unwrap().mean > 0.0);
    }
    let failing = checked(&array(memory(23, [1, 5, 16, 12]).with_failing(&[20, 21])), None, 1 << 20);
    let expected = Missing { t: [20, 21], z: None, file: Some("memory".into()), reason: "made to fail".into() };
    assert_eq!(failing.missing, [expected]);
}

#[test]
fn arrays_without_voxels_are_measured_as_what_they_are() {
    for shape in [[0, 2, 4, 4], [3, 0, 4, 4], [3, 2, 0, 4]] {
        let source = MemorySource::new(DType::F32, Shape::from(shape), "tzyx", &[1, 1, 1, 1], Vec::new()).unwrap();
        let nothing = checked(&array(source), None, 1 << 20);
        assert_eq!((nothing.table.num_seen(), nothing.missing.len()), (0, 0));
    }
}

#[test]
fn every_storage_type_is_measured_by_its_values() {
    for dtype in [DType::Bool, DType::U8, DType::I8, DType::I16, DType::U32, DType::F32, DType::F64] {
        let shape = Shape::from([2, 2, 3, 4]);
        let at = |index: &[usize]| (index[3] % 2) as u8;
        macro_rules! made {
            ($T:ty, $of:expr) => {
                MemorySource::from_fn::<$T>(dtype, shape, "tzyx", &[1, 2, 3, 4], |index| $of(at(index)))
            };
        }
        let (source, mean) = match dtype {
            DType::Bool | DType::U8 => (made!(u8, |v| v), 0.5),
            DType::I8 => (made!(i8, |v| v as i8 * 2 - 101), -100.0),
            DType::I16 => (made!(i16, |v: u8| i16::from(v) * 2 - 30_001), -30_000.0),
            DType::U32 => (made!(u32, |v: u8| u32::from(v) * 2 + 69_999), 70_000.0),
            DType::F32 => (made!(f32, |v: u8| f32::from(v) * 2.0 - 1.5), -0.5),
            _ => (made!(f64, |v: u8| f64::from(v) * 2.0 - 1.5), -0.5),
        };
        let all = checked(&array(source.unwrap()), None, 1 << 20);
        assert_eq!(all.table.plane(1, 1).unwrap().mean, mean as f32, "{dtype}");
    }
}

fn start(array: &Arc<LazyArray>, lender: Arc<dyn Lender>) -> Checker {
    Checker::start(Arc::clone(array), subject_of(array, None), Codes::ALL, lender, Arc::new(|| ()))
}

fn wait(checker: &Checker, is_reached: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let snapshot = checker.snapshot();
        if is_reached(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "never came: {:?}", snapshot.progress);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_done(snapshot: &Snapshot) -> bool {
    let progress = &snapshot.progress;
    progress.done == progress.of && progress.of == snapshot.subject.shape[0] && snapshot.figures.offset.is_some()
}

#[test]
fn a_checker_finds_what_a_check_finds() {
    let source = memory(23, [1, 5, 16, 12]).with_failing(&[7]);
    let array = Arc::new(array(source));
    let expected = checked(&array, None, 1 << 20);
    let snapshot = wait(&start(&array, Arc::new(NoLender)), is_done);
    assert_same(&snapshot.table, &expected.table);
    assert_same_figures(&snapshot, &expected);
}

#[test]
fn a_recording_that_grows_gives_the_numbers_of_the_whole() {
    let whole = Arc::new(array(memory(23, [1, 5, 16, 12])));
    let expected = checked(&whole, None, 1 << 20);
    let state = |num_t: usize| Arc::new(whole.grown(Arc::new(memory(num_t, [1, 5, 16, 12]))));
    let first = state(2);
    let mut subject = subject_of(&first, Some(23));
    let checker = Checker::start(Arc::clone(&first), subject.clone(), Codes::ALL, Arc::new(NoLender), Arc::new(|| ()));
    checker.set_live(true);
    for num_t in [4, 9, 10, 11, 17, 23] {
        let early = wait(&checker, |snapshot| snapshot.table.num_seen() == snapshot.subject.shape[0]);
        // What needs no reference is there at once.
        assert!(early.table.plane(early.subject.shape[0] - 1, 2).unwrap().mean > 0.0);
        let array = state(num_t);
        subject = subject_of(&array, Some(23));
        checker.extend(array, subject.clone(), &[]);
        wait(&checker, |snapshot| snapshot.subject.shape[0] == num_t);
    }
    let snapshot = wait(&checker, is_done);
    assert_same(&snapshot.table, &expected.table);
    assert!(snapshot.progress.behind_s.is_some_and(|behind| behind < 20.0));
    // It has ended: the figures are those of all of it.
    checker.set_live(false);
    wait(&checker, |snapshot| is_done(snapshot) && snapshot.figures == expected.figures);
}

#[test]
fn a_recorder_that_fills_in_its_newest_timepoint_does_not_have_all_measured_again_each_time() {
    let grid = [1, 5, 16, 12];
    let whole = Arc::new(array(memory(23, grid)));
    let gates: Vec<_> = (11..=23).map(|num_t| GatedSource::open(Arc::new(memory(num_t, grid)))).collect();
    let state = |i: usize| Arc::new(whole.grown(Arc::clone(&gates[i]) as Arc<dyn Source>));
    let first = state(0);
    let checker =
        Checker::start(Arc::clone(&first), subject_of(&first, None), Codes::ALL, Arc::new(NoLender), Arc::new(|| ()));
    checker.set_live(true);
    for i in 1..gates.len() {
        wait(&checker, |snapshot| snapshot.progress.done + 1 >= snapshot.subject.shape[0]);
        let (array, old_t) = (state(i), 10 + i);
        let subject = subject_of(&array, None);
        checker.extend(array, subject, &[[old_t - 1, old_t]]);
        wait(&checker, |snapshot| snapshot.subject.shape[0] == old_t + 1);
    }
    let reads: usize = gates.iter().map(|gate| gate.num_reads_of(0)).sum();
    assert!(reads < gates.len(), "the first timepoint was read {reads} times");
    checker.set_live(false);
    let expected = checked(&whole, None, 1 << 20);
    assert_same(&wait(&checker, is_done).table, &expected.table);
}

#[test]
fn a_recording_that_ends_before_there_are_references_has_them_of_what_there_is() {
    let array = Arc::new(array(memory(3, [1, 5, 16, 12])));
    let checker = Checker::start(
        Arc::clone(&array),
        subject_of(&array, Some(500)),
        Codes::ALL,
        Arc::new(NoLender),
        Arc::new(|| ()),
    );
    let early = wait(&checker, |snapshot| snapshot.table.num_seen() == 3);
    assert_eq!(early.progress.done, 0);
    checker.extend(Arc::clone(&array), subject_of(&array, None), &[]);
    assert_same(&wait(&checker, is_done).table, &checked(&array, None, 1 << 20).table);
}

#[test]
fn data_that_changed_are_measured_again_and_another_recording_from_its_beginning() {
    let before = memory(23, [1, 5, 16, 12]).with_failing(&[12, 13]);
    let first = Arc::new(array(before));
    let checker = start(&first, Arc::new(NoLender));
    assert_eq!(wait(&checker, is_done).missing.len(), 1);
    let mended = Arc::new(first.grown(Arc::new(memory(23, [1, 5, 16, 12]))));
    checker.extend(Arc::clone(&mended), subject_of(&mended, None), &[[12, 14]]);
    let snapshot = wait(&checker, |snapshot| is_done(snapshot) && snapshot.missing.is_empty());
    assert_same(&snapshot.table, &checked(&mended, None, 1 << 20).table);
    // It shrinks under the sweep; then another one begins in the same place.
    let shorter = Arc::new(first.grown(Arc::new(memory(11, [1, 5, 16, 12]))));
    checker.extend(Arc::clone(&shorter), subject_of(&shorter, None), &[]);
    let snapshot = wait(&checker, |snapshot| is_done(snapshot) && snapshot.progress.of == 11);
    assert_same(&snapshot.table, &checked(&shorter, None, 1 << 20).table);
    let shape = Shape::from([30, 2, 8, 8]);
    let other = MemorySource::from_fn(DType::U8, shape, "tzyx", &[1, 2, 8, 8], |at| at[0] as u8).unwrap();
    let other = Arc::new(first.replaced_by(Arc::new(other)));
    checker.extend(Arc::clone(&other), subject_of(&other, None), &[]);
    let snapshot = wait(&checker, |snapshot| is_done(snapshot) && snapshot.progress.of == 30);
    assert_same(&snapshot.table, &checked(&other, None, 1 << 20).table);
}

#[test]
fn what_failed_in_passing_is_tried_again_when_there_is_more() {
    let source = GatedSource::open(Arc::new(memory(23, [1, 5, 16, 12])));
    source.fail(5, ReadErrorKind::NotYetWritten);
    source.fail(6, ReadErrorKind::Corrupt);
    let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
    let checker = start(&array, Arc::new(NoLender));
    assert_eq!(wait(&checker, is_done).missing[0].t, [5, 6]);
    source.heal(5);
    checker.extend(Arc::new(array.grown(Arc::clone(array.source()))), subject_of(&array, None), &[]);
    let snapshot =
        wait(&checker, |snapshot| is_done(snapshot) && snapshot.missing.first().is_some_and(|lost| lost.t == [6, 6]));
    assert!(snapshot.table.plane(5, 0).unwrap().is_there);
}

#[test]
fn a_paused_checker_reads_nothing_more_and_goes_on_where_it_was() {
    let source = GatedSource::closed(Arc::new(memory(23, [1, 5, 16, 12])));
    let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
    let checker = start(&array, Arc::new(NoLender));
    assert!(source.wait_for_waiting(1, Duration::from_secs(20)));
    checker.set_paused(true);
    source.open_all();
    wait(&checker, |snapshot| snapshot.progress.is_paused);
    let num_reads = source.num_reads();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(source.num_reads(), num_reads);
    assert!(!is_done(&checker.snapshot()));
    checker.set_paused(false);
    wait(&checker, is_done);
}

#[test]
fn a_first_look_shows_timepoints_of_the_whole_recording_before_any_is_measured() {
    let source = GatedSource::closed(Arc::new(memory(200, [1, 5, 16, 12])));
    let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
    let looked: Vec<u64> = (0..200).step_by(16).collect();
    looked.iter().for_each(|t| source.release(*t));
    let checker = start(&array, Arc::new(NoLender));
    let first = wait(&checker, |snapshot| snapshot.table.num_seen() > 0);
    assert_eq!(first.progress.done, 0);
    source.open_all();
    let snapshot = wait(&checker, is_done);
    let looked_first = source.num_reads_of(16) == 2 && source.num_reads_of(17) == 1;
    assert!(looked_first, "a look, then the measuring of all");
    assert_eq!(snapshot.progress.done, 200);
}

/// Has every second timepoint in memory, and somebody who waits for a picture half of the time.
struct Half(LazyArray, Pool, Instant);

impl Lender for Half {
    fn chunk(&self, key: &ChunkKey) -> Option<Loaded> {
        let mut chunks = Vec::new();
        self.0.chunks(&self.0.whole(), &mut chunks);
        let chunk = chunks.iter().find(|chunk| chunk.key == *key && key.index.is_multiple_of(2))?;
        self.0.read_chunk(chunk, &self.1).ok()
    }

    fn is_busy(&self) -> bool {
        (self.2.elapsed().as_millis() / 20).is_multiple_of(2)
    }
}

#[test]
fn chunks_in_memory_are_not_read_again() {
    let source = GatedSource::open(Arc::new(memory(16, [1, 5, 16, 12])));
    let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
    let other = Arc::new(memory(16, [1, 5, 16, 12]));
    let lender = Half(array.grown(other), Pool::new(1 << 20), Instant::now());
    let snapshot = wait(&start(&array, Arc::new(lender)), is_done);
    assert!((0..16).step_by(2).all(|chunk| source.num_reads_of(chunk) == 0));
    assert_same(&snapshot.table, &checked(&array, None, 1 << 20).table);
}

#[test]
fn dropping_a_checker_waits_for_nothing() {
    let source = GatedSource::closed(Arc::new(memory(23, [1, 5, 16, 12])));
    let array = Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>));
    let checker = start(&array, Arc::new(NoLender));
    assert!(source.wait_for_waiting(1, Duration::from_secs(20)));
    let begin = Instant::now();
    drop(checker);
    assert!(begin.elapsed() < Duration::from_millis(500));
    source.open_all();
}

/// The same array as a file that is really there, so that what is measured of it can be kept.
fn in_file(file: &std::path::Path, num_t: usize) -> (Arc<GatedSource>, Arc<LazyArray>) {
    let source = memory(num_t, [1, 5, 16, 12]).with_failing(&[7]).with_info(|info| info.location = file.into());
    let source = GatedSource::open(Arc::new(source));
    let array = LazyArray::new(Arc::clone(&source) as Arc<dyn Source>);
    (source, Arc::new(array))
}

/// What cannot be had is NaN, which equals nothing.
fn assert_same_figures(snapshot: &Snapshot, expected: &Checked) {
    assert_eq!(snapshot.missing, expected.missing);
    assert_eq!(format!("{:?}", snapshot.figures), format!("{:?}", expected.figures));
}

fn start_keeping(folder: &std::path::Path, array: &Arc<LazyArray>) -> Checker {
    let (subject, folder) = (subject_of(array, None), Some(folder.to_owned()));
    Checker::start_keeping(folder, Arc::clone(array), subject, Codes::ALL, Arc::new(NoLender), Arc::new(|| ()))
}

#[test]
fn what_was_measured_is_kept_for_the_next_run_and_only_the_rest_is_measured() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("recording.h5");
    std::fs::write(&file, "voxels").unwrap();
    let cache = folder.path().join("cache");
    let has_kept = || {
        std::fs::read_dir(&cache)
            .is_ok_and(|mut entries| entries.any(|e| e.unwrap().path().extension().unwrap() == "quality"))
    };
    let (_, array) = in_file(&file, 23);
    let expected = checked(&array, None, 1 << 20);
    let checker = start_keeping(&cache, &array);
    wait(&checker, |snapshot| is_done(snapshot) && has_kept());
    drop(checker);
    // The references come of the first ten.
    let (source, array) = in_file(&file, 23);
    let checker = start_keeping(&cache, &array);
    let snapshot = wait(&checker, is_done);
    assert_same(&snapshot.table, &expected.table);
    assert_same_figures(&snapshot, &expected);
    assert_eq!(source.num_reads(), 10);
    drop(checker);
    // It has grown meanwhile: of what is new, the last of what was there is read as well.
    let (source, array) = in_file(&file, 30);
    let snapshot = wait(&start_keeping(&cache, &array), is_done);
    let expected = checked(&in_file(&file, 30).1, None, 1 << 20);
    assert_same(&snapshot.table, &expected.table);
    assert_same_figures(&snapshot, &expected);
    assert_eq!(source.num_reads(), 10 + 8);
    // Other data.
    std::fs::write(&file, "other voxels").unwrap();
    let (source, array) = in_file(&file, 23);
    wait(&start_keeping(&cache, &array), is_done);
    assert!(source.num_reads() >= 33);
}
