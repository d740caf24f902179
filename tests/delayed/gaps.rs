//! What is made of a missing voxel is missing, for its reason, and nothing else is.

use std::collections::BTreeSet;
use std::sync::Arc;

use tectum::array::delayed::{filled, selected};
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::format::{Filled, ReadErrorKind, Source};
use tectum::volume::{DType, Region, Shape};

use crate::common::{indices, read_whole};
use crate::support::computed;

const DIMS: [usize; 4] = [5, 2, 4, 6];

/// A voxel is missing at (1, 1, 2, 3); the chunk of timepoint 4 cannot be read.
fn array() -> Arc<dyn Source> {
    let value = |index: &[usize]| index.iter().fold(1u16, |value, i| value * 7 + *i as u16);
    let source = MemorySource::from_fn(DType::U16, Shape::from(DIMS), "tzyx", &[1, 2, 4, 6], value).unwrap();
    let gap = Region::new(&[1, 1, 2, 3], &[2, 2, 3, 4]).unwrap();
    Arc::new(source.with_missing(&[gap]).with_failing(&[4]))
}

/// What of a result is missing.
fn missing(text: &str) -> BTreeSet<Vec<usize>> {
    let source = computed(array(), text).unwrap_or_else(|error| panic!("{error}"));
    let whole = read_whole(&*source);
    assert!(whole.missing.iter().all(|(_, error)| !error.message.is_empty()));
    indices(source.info().shape.dims()).filter(|index| whole.is_missing(index)).collect()
}

/// Those indices of a result for which it holds.
fn those(dims: &[usize], holds: impl Fn(&[usize]) -> bool) -> BTreeSet<Vec<usize>> {
    indices(dims).filter(|index| holds(index)).collect()
}

fn is_gap(index: &[usize]) -> bool {
    index == [1, 1, 2, 3] || index[0] == 4
}

#[test]
fn a_gap_stays_where_it_is() {
    assert_eq!(missing("add 1 | sqrt | > 3"), those(&DIMS, is_gap));
    assert_eq!(missing("transpose"), those(&[6, 4, 2, 5], |i| is_gap(&[i[3], i[2], i[1], i[0]])));
    assert_eq!(missing("subset [::2]"), those(&[3, 2, 4, 6], |i| is_gap(&[2 * i[0], i[1], i[2], i[3]])));
    assert_eq!(missing("subset [1, ..., ::-1]"), those(&[2, 4, 6], |i| is_gap(&[1, i[0], i[1], 5 - i[2]])));
    let lists = [[1, 1, 0, 4], [3, 0, 3, 3]];
    assert_eq!(
        missing("cross [[1, 1, 0, 4], 1, 2, [3, 0, 3, 3]]"),
        those(&[4, 4], |i| is_gap(&[lists[0][i[0]], 1, 2, lists[1][i[1]]]))
    );
    assert_eq!(
        missing("subset [[1, 1, 0, 4], 1, 2, [3, 0, 3, 3]]"),
        those(&[4], |i| is_gap(&[lists[0][i[0]], 1, 2, lists[1][i[0]]]))
    );
}

#[test]
fn a_gap_reaches_as_far_as_a_filter() {
    assert_eq!(
        missing("median_filter 3 over y, x"),
        those(&DIMS, |i| { i[0] == 4 || (i[..2] == [1, 1] && i[2].abs_diff(2) <= 1 && i[3].abs_diff(3) <= 1) })
    );
    assert_eq!(missing("median_filter 3 over t"), those(&DIMS, |i| i[0] >= 3 || (i[0] <= 2 && i[1..] == [1, 2, 3])));
}

#[test]
fn a_fold_of_a_gap_is_a_gap() {
    assert_eq!(missing("subset [:4] | mean over t"), those(&DIMS[1..], |i| i == [1, 2, 3]));
    assert_eq!(missing("subset [:4] | max over z, y, x"), those(&[4], |i| i[0] == 1));
    assert_eq!(missing("sum"), those(&[], |_| true));
    assert_eq!(missing("dff mean of 2:4"), those(&DIMS, is_gap));
    assert_eq!(missing("dff percentile 50 of 1:3"), those(&DIMS, |i| i[0] == 4 || i[1..] == [1, 2, 3]));
    assert_eq!(missing("background percentile 50 over y, x"), those(&DIMS, |i| i[0] == 4 || i[..2] == [1, 1]));
}

#[test]
fn what_is_filled_is_missing_no_more() {
    let source = filled(&array(), &77u16.to_le_bytes()).unwrap();
    let (got, was) = (read_whole(&*source), read_whole(&*array()));
    assert!(got.missing.is_empty());
    for (at, index) in indices(&DIMS).enumerate() {
        let value = u16::from_le_bytes([got.bytes[2 * at], got.bytes[2 * at + 1]]);
        let stored = u16::from_le_bytes([was.bytes[2 * at], was.bytes[2 * at + 1]]);
        assert_eq!(value, if is_gap(&index) { 77 } else { stored });
    }
    assert!(filled(&array(), &[1]).is_err());
}

#[test]
fn what_could_not_be_had_at_this_moment_is_not_filled() {
    for (kind, is_filled) in [
        (ReadErrorKind::Missing, true),
        (ReadErrorKind::Corrupt, true),
        (ReadErrorKind::Io, false),
        (ReadErrorKind::NotYetWritten, false),
        (ReadErrorKind::Unsupported, false),
    ] {
        let gated = GatedSource::open(array());
        gated.fail(2, kind);
        let whole = read_whole(&*filled(&(gated as Arc<dyn Source>), &77u16.to_le_bytes()).unwrap());
        assert_eq!(whole.is_missing(&[2, 0, 0, 0]), !is_filled, "{kind:?}");
        assert!(!whole.is_missing(&[1, 1, 2, 3]));
    }
}

#[test]
fn a_selection_keeps_the_chunks_apart() {
    let source = selected(&array(), &"1:4, :, 1:3".parse().unwrap()).unwrap();
    let mut chunks = Vec::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    assert_eq!(chunks.len(), 3, "one for each timepoint");
    let mut buffer = vec![0; 2 * 2 * 2 * 6];
    assert!(matches!(source.read(&chunks[1], &mut buffer), Ok(Filled::All)));
}
