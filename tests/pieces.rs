//! One truth about the stored pieces of a recording: the map, the counts, the list of problems and what
//! can be read agree, along whichever axis the pieces lie.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use common::{fixtures, read_whole};
use tectum::demo::BlockWriter;
use tectum::format::{Growing, OpenOptions, open};
use tectum::volume::{Axis, PieceState, Severity, Span};

fn copied(fixture: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    std::fs::create_dir(&root).unwrap();
    let from = fixtures().join(fixture);
    for entry in std::fs::read_dir(&from).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().extension().is_some_and(|kind| kind == "h5") || entry.path().ends_with("stack_metadata.json") {
            std::fs::copy(entry.path(), root.join(entry.file_name())).unwrap();
        }
    }
    (folder, root)
}

/// Makes a file an hour old, as one that nobody is writing.
fn aged(path: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

fn opened(path: &Path) -> Arc<dyn Growing> {
    open(path, &OpenOptions::default()).unwrap().growing.unwrap()
}

fn states(source: &Arc<dyn Growing>) -> Vec<PieceState> {
    source.pieces().iter().map(|piece| piece.state).collect()
}

/// Every error names a faulty piece, and every faulty piece is named by an error.
fn assert_agreement(source: &Arc<dyn Growing>) {
    let pieces = source.pieces();
    let errors: Vec<Span> = source
        .problems()
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.span.expect("an error says where"))
        .collect();
    for span in &errors {
        let overlaps = |range: [usize; 2]| range[0] < span.range[1] && span.range[0] < range[1];
        let mut of_span = pieces.iter().filter(|piece| piece.axis == Some(span.axis) && overlaps(piece.range));
        assert!(of_span.all(|piece| piece.state.is_faulty()), "{span}: {pieces:?}");
    }
    for piece in pieces.iter().filter(|piece| piece.state.is_faulty()) {
        let names = |span: &Span| span.range[0] <= piece.range[0] && piece.range[1] <= span.range[1];
        assert!(errors.iter().any(names), "{piece:?}: {errors:?}");
    }
}

#[test]
fn what_reading_finds_is_on_the_map_at_once() {
    use PieceState::{Damaged, Missing, Partial, Unseen, Whole};
    for (name, before, after) in [
        ("i_bad_chunk", [Whole, Unseen, Unseen], [Whole, Damaged, Whole]),
        ("i_short_middle", [Whole, Unseen, Unseen], [Whole, Partial, Whole]),
        ("i_text_as_h5", [Whole, Unseen, Unseen], [Whole, Damaged, Whole]),
        ("i_no_stack_key", [Whole, Unseen, Unseen], [Whole, Damaged, Whole]),
        ("i_missing_middle", [Whole, Missing, Unseen], [Whole, Missing, Whole]),
    ] {
        let source = opened(&fixtures().join(name).join("data"));
        let looked_at = |states: Vec<PieceState>| states.into_iter().map(|s| if s == Whole { Unseen } else { s });
        assert!(looked_at(states(&source)).eq(before.map(|s| if s == Whole { Unseen } else { s })), "{name}");
        read_whole(source.as_ref());
        assert_eq!(states(&source), after, "{name}");
        assert_agreement(&source);
        // A survey of the headers knows no better of what was read, and a retry begins anew.
        source.inspect();
        assert_eq!(states(&source), after, "{name}");
        source.forget_failures();
        read_whole(source.as_ref());
        assert_eq!(states(&source), after, "{name}");
        assert_agreement(&source);
    }
}

#[test]
fn planes_are_named_where_a_file_holds_planes() {
    let (_folder, root) = copied("b_brunoise/exp/original");
    std::fs::remove_file(root.join("0001.h5")).unwrap();
    std::fs::write(root.join("0002.h5"), "no HDF5").unwrap();
    let source = opened(&root);
    read_whole(source.as_ref());
    assert_eq!(states(&source)[..3], [PieceState::Whole, PieceState::Missing, PieceState::Damaged]);
    assert!(source.pieces().iter().all(|piece| piece.axis == Some(Axis::Z)));
    assert_agreement(&source);
    let spans: Vec<String> = source.problems().iter().filter_map(|problem| Some(problem.span?.to_string())).collect();
    assert_eq!(spans, ["z 1:2", "z 2:3"]);
}

#[test]
fn destroyed_blocks_at_the_end_are_each_named_by_their_own_place() {
    let (_folder, root) = copied("h_live_clean/exp/original");
    for name in ["0003.h5", "0004.h5"] {
        std::fs::write(root.join(name), "torn").unwrap();
    }
    (0..5).for_each(|number| aged(&root.join(format!("{number:04}.h5"))));
    let source = opened(&root);
    assert_eq!(source.growth().writing, None, "nobody writes there");
    let errors: Vec<String> = source
        .problems()
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.span.unwrap().to_string())
        .collect();
    assert_eq!(errors, ["t 12:16", "t 16:20"]);
    assert_eq!(states(&source)[3..], [PieceState::Damaged, PieceState::Damaged]);
    assert_agreement(&source);
    // One of them is being written.
    std::fs::write(root.join("0004.h5"), "").unwrap();
    let source = opened(&root);
    assert_eq!(source.growth().writing, Some([16, 20]));
    assert_eq!(states(&source)[3..], [PieceState::Damaged, PieceState::Writing]);
}

#[test]
fn a_survey_of_many_blocks_finds_the_few_that_are_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let draw = |t: usize, z: usize, plane: &mut [u16]| plane.fill((1 + t + z) as u16);
    let writer = BlockWriter::new(root.to_str().unwrap(), [2, 12, 14]).unwrap();
    writer.write_drawn(0, 3, 3, draw).unwrap();
    for number in 1..4000 {
        std::fs::copy(root.join("0000.h5"), root.join(format!("{number:04}.h5"))).unwrap();
    }
    writer.write_drawn(77, 3, 1, draw).unwrap();
    writer.write_drawn(1234, 2, 2, draw).unwrap();
    writer.write_drawn(3999, 1, 1, draw).unwrap();
    std::fs::write(root.join("2000.h5"), "torn").unwrap();
    let source = open(root, &OpenOptions::default()).unwrap().source;
    let begin = Instant::now();
    source.inspect();
    println!("4000 blocks in {:.0} ms", begin.elapsed().as_secs_f64() * 1e3);
    let found: Vec<(usize, PieceState)> = source
        .pieces()
        .into_iter()
        .enumerate()
        .filter(|(_, piece)| piece.state != PieceState::Whole)
        .map(|(i, piece)| (i, piece.state))
        .collect();
    let (partial, damaged) = (PieceState::Partial, PieceState::Damaged);
    assert_eq!(found, [(77, partial), (1234, partial), (2000, damaged)]);
    assert_eq!(source.info().shape.dims()[0], 3 * 3999 + 1);
}
