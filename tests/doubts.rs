//! Whatever the times, numbers and metadata of the files say: what lies in the folder is shown, what is
//! doubtful is marked and named, and nothing is left out without a word.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::{fixtures, read_whole};
use tectum::demo::BlockWriter;
use tectum::format::{Growing, Location, OpenOptions, open};
use tectum::volume::{PieceState, Severity};

const VOLUME: [usize; 3] = [3, 6, 7];
const LEN: usize = 4;

fn value(block: usize, t: usize, offset: usize) -> u16 {
    (1 + block % 60 * 1009 + t * 113 + offset * 3) as u16
}

/// Writes a block whose volumes from `zeros` on are all zero.
fn write_block(folder: &Path, number: usize, volume: [usize; 3], zeros: usize) {
    let writer = BlockWriter::new(folder.to_str().unwrap(), volume).unwrap();
    let draw = |t: usize, z: usize, plane: &mut [u16]| {
        let size = plane.len();
        for (i, voxel) in plane.iter_mut().enumerate() {
            *voxel = if t < zeros { value(number, t, z * size + i) } else { 0 };
        }
    };
    writer.write_drawn(number, LEN, LEN, draw).unwrap();
}

fn write_blocks(folder: &Path, numbers: impl IntoIterator<Item = usize>) {
    numbers.into_iter().for_each(|number| write_block(folder, number, VOLUME, LEN));
}

fn claim(folder: &Path, num_t: usize) {
    let [z, y, x] = VOLUME;
    let text = format!(r#"{{"shape_full": [{num_t}, {z}, {y}, {x}], "shape_block": [{LEN}, {z}, {y}, {x}]}}"#);
    std::fs::write(folder.join("stack_metadata.json"), text).unwrap();
}

/// Sets when files were last changed, in seconds before now.
fn set_age(folder: &Path, number: usize, seconds: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(folder.join(format!("{number:04}.h5"))).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn opened_with(folder: &Path, leave_out_suspects: bool) -> Arc<dyn Growing> {
    let options = OpenOptions { leave_out_suspects, ..OpenOptions::default() };
    open(folder, &options).unwrap().growing.unwrap()
}

fn opened(folder: &Path) -> Arc<dyn Growing> {
    opened_with(folder, false)
}

/// Number of the block that each block's place shows, checked voxel by voxel; `None` where all of it is missing.
fn shown(source: &Arc<dyn Growing>) -> Vec<Option<usize>> {
    let whole = read_whole(&**source);
    let values: Vec<u16> = whole.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let volume = VOLUME.iter().product::<usize>();
    let number_of = |file: &Location| file.path()?.file_stem()?.to_str()?.parse::<usize>().ok();
    let numbers: Vec<usize> = source.files().iter().map(|file| number_of(file).unwrap()).collect();
    let block = |place: usize| {
        let gone = (0..LEN).filter(|t| whole.is_missing(&[place * LEN + t, 0, 0, 0])).count();
        assert!(gone == 0 || gone == LEN, "a block is there or not");
        if gone == LEN {
            return None;
        }
        let number = numbers[place];
        for t in 0..LEN {
            for offset in 0..volume {
                let found = values[(place * LEN + t) * volume + offset];
                assert_eq!(found, value(number, t, offset), "block {number}, t {t}, voxel {offset}");
            }
        }
        Some(number)
    };
    (0..source.info().shape.dims()[0] / LEN).map(block).collect()
}

fn all(numbers: impl IntoIterator<Item = usize>) -> Vec<Option<usize>> {
    numbers.into_iter().map(Some).collect()
}

fn states(source: &Arc<dyn Growing>) -> Vec<PieceState> {
    source.pieces().iter().map(|piece| piece.state).collect()
}

/// Code and place of what is said beyond a note.
fn warnings(source: &Arc<dyn Growing>) -> Vec<(&'static str, String)> {
    let mut all = source.problems();
    all.retain(|problem| problem.severity > Severity::Note);
    all.iter().map(|problem| (problem.code, problem.span.map_or(String::new(), |span| span.to_string()))).collect()
}

#[test]
fn times_warn_and_never_hide() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, 0..6);
    (1..6).for_each(|number| set_age(root, number, 200 - number as u64));
    for claimed in [None, Some(240)] {
        if let Some(num_t) = claimed {
            claim(root, num_t);
        }
        // The first block is newer by far, as after a copy: every block is shown.
        for age in [0, 1, 100] {
            set_age(root, 0, age);
            let source = opened(root);
            assert_eq!(shown(&source), all(0..6), "{claimed:?}, first block {age} s old");
            assert_eq!(states(&source)[1..], [PieceState::Suspect; 5]);
            assert_eq!(warnings(&source), [("suspect_block", "t 4:24".to_owned())]);
            let source = opened_with(root, true);
            assert_eq!(shown(&source), all(0..1));
            assert_eq!(states(&source)[1..], [PieceState::LeftOut; 5]);
            assert_eq!(warnings(&source), [("left_out_block", "t 4:24".to_owned())]);
        }
        // Metadata that fit are believed before any time, and times in no order are those of a copy.
        claim(root, 24);
        assert_eq!((shown(&opened(root)), warnings(&opened(root))), (all(0..6), vec![]));
        std::fs::remove_file(root.join("stack_metadata.json")).unwrap();
        for (number, age) in [(0, 50), (1, 70), (2, 40), (3, 90), (4, 45), (5, 60)] {
            set_age(root, number, age);
        }
        assert_eq!((shown(&opened(root)), warnings(&opened(root))), (all(0..6), vec![]));
        (1..6).for_each(|number| set_age(root, number, 200 - number as u64));
    }
}

#[test]
fn metadata_that_claim_fewer_hide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, 0..5);
    claim(root, 12);
    let source = opened(root);
    assert_eq!(shown(&source), all(0..5));
    assert_eq!(states(&source), [[PieceState::Whole; 3].as_slice(), &[PieceState::Suspect; 2]].concat());
    assert_eq!(warnings(&source), [("suspect_block", "t 12:20".to_owned())]);
    assert_eq!(shown(&opened_with(root, true)), all(0..3));
    // Where the claim does not end with a block it is merely wrong.
    claim(root, 11);
    assert_eq!((shown(&opened(root)), warnings(&opened(root))), (all(0..5), vec![]));
}

#[test]
fn blocks_of_another_shape_that_are_older_are_certainly_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, 0..2);
    (2..4).for_each(|number| write_block(root, number, [3, 6, 8], LEN));
    (2..4).for_each(|number| set_age(root, number, 500));
    let source = opened(root);
    assert_eq!(shown(&source), all(0..2));
    assert_eq!(warnings(&source), [("stale_block", "t 8:16".to_owned())]);
    // Of the same age nothing says that they are left over: damage, and shown as such.
    (0..4).for_each(|number| set_age(root, number, 500));
    let source = opened(root);
    assert_eq!(shown(&source), [Some(0), Some(1), None, None]);
    assert_eq!(states(&source)[2..], [PieceState::Damaged; 2]);
}

#[test]
fn a_number_the_metadata_count_is_a_block_whatever_the_gap() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // The smaller part before, the larger after a gap of many.
    write_blocks(root, (0..3).chain(300..305));
    for claimed in [Some(305 * LEN), None] {
        match claimed {
            Some(num_t) => claim(root, num_t),
            None => std::fs::remove_file(root.join("stack_metadata.json")).unwrap(),
        }
        let source = opened(root);
        let there: Vec<usize> = shown(&source).into_iter().flatten().collect();
        assert_eq!(there, [0, 1, 2, 300, 301, 302, 303, 304]);
        assert_eq!(warnings(&source), [("missing_block", "t 12:1200".to_owned())]);
    }
    // Numbers that are no blocks: a date, whatever it holds, and a far one of another array.
    std::fs::copy(root.join("0001.h5"), root.join("20240131.h5")).unwrap();
    write_block(root, 900, [3, 6, 8], LEN);
    let source = opened(root);
    assert_eq!(source.info().shape.dims()[0], 305 * LEN);
    let strays = warnings(&source).into_iter().filter(|(code, _)| *code == "stray_file").count();
    assert_eq!(strays, 2, "{:?}", warnings(&source));
}

#[test]
fn numbers_from_one_and_dates_beside_few_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, [1, 2, 400]);
    claim(root, 400 * LEN);
    let source = opened(root);
    let there: Vec<usize> = shown(&source).into_iter().flatten().collect();
    assert_eq!((there, source.info().num_blocks), (vec![1, 2, 400], 400));
    // More dates than blocks.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, 0..2);
    for date in ["20240131", "20240201", "20240202"] {
        std::fs::write(root.join(format!("{date}.h5")), "notes").unwrap();
    }
    claim(root, 2 * LEN);
    assert_eq!(shown(&opened(root)), all(0..2));
}

#[test]
fn zeros_of_a_complete_file_that_nobody_writes_are_data() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_blocks(root, 0..2);
    write_block(root, 2, VOLUME, 1);
    let missing = |source: &Arc<dyn Growing>| -> Vec<usize> {
        let whole = read_whole(&**source);
        (0..3 * LEN).filter(|&t| whole.is_missing(&[t, 0, 0, 0])).collect()
    };
    // Landed a moment ago: they may not have been written yet.
    assert_eq!(missing(&opened(root)), [9, 10, 11]);
    for (number, age) in [(0, 300), (1, 200), (2, 100)] {
        set_age(root, number, age);
    }
    assert_eq!(missing(&opened(root)), Vec::<usize>::new());
}

#[cfg(unix)]
#[test]
fn pipes_named_like_the_files_of_a_recording_hang_nobody() {
    let pipe = |path: &Path| {
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a plain system call with a live string.
        #[allow(unsafe_code)]
        let status = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
        assert_eq!(status, 0);
    };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("exp/original");
    std::fs::create_dir_all(&root).unwrap();
    write_blocks(&root, [0, 2]);
    pipe(&root.join("0001.h5"));
    pipe(&root.join("0003.h5"));
    pipe(&root.join("stack_metadata.json"));
    pipe(&folder.path().join("exp/rig_metadata.json"));
    pipe(&folder.path().join("exp/time.h5"));
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let source = opened(&root);
        source.inspect();
        let _ = sender.send((shown(&source), states(&source)));
        let only = root.join("0003.h5");
        let _ = sender.send((vec![], open(&only, &OpenOptions::default()).map(|_| vec![]).unwrap()));
    });
    let wait = Duration::from_secs(20);
    let (blocks, states) = receiver.recv_timeout(wait).expect("nothing hangs");
    assert_eq!(blocks, [Some(0), None, Some(2), None]);
    assert_eq!(states[1], PieceState::Damaged);
    receiver.recv_timeout(wait).expect("nothing hangs");
}

#[test]
fn a_former_run_beyond_what_the_metadata_claim_is_shown_and_marked() {
    let root = fixtures().join("i_stale_blocks/data");
    let source = opened(&root);
    assert_eq!(source.info().shape.dims()[0], 20);
    assert_eq!(states(&source)[3..], [PieceState::Suspect; 2]);
    assert_eq!(opened_with(&root, true).info().shape.dims()[0], 12);
}
