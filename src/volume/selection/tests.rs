//! Indexing against numpy's own answers, and against the definition of an index.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

#[derive(serde::Deserialize)]
struct Case {
    shape: Vec<usize>,
    index: String,
    result: Option<Vec<usize>>,
    sha256: Option<String>,
    error: Option<String>,
    message: Option<String>,
}

fn positions(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |all, &dim| {
        all.iter().flat_map(|prefix| (0..dim).map(|i| [prefix.as_slice(), &[i]].concat())).collect()
    })
}

/// The result on an array that holds 0, 1, 2, ….
fn take(selected: &Selected, shape: &[usize]) -> Vec<i64> {
    positions(selected.shape())
        .iter()
        .map(|index| {
            let source = selected.source_index(index).expect("inside the result");
            source.iter().zip(shape).fold(0, |offset, (i, dim)| {
                assert!(i < dim);
                offset * dim + i
            }) as i64
        })
        .collect()
}

#[test]
fn answers_are_numpys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/selection/cases.json");
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() >= 900);
    let mut wrong = Vec::new();
    for case in &cases {
        let name = format!("{:?}[{}]", case.shape, case.index);
        let answer = case.index.parse::<Selection>().and_then(|selection| selection.resolve(&case.shape));
        match (&case.result, answer) {
            (Some(shape), Ok(selected)) => {
                let values = take(&selected, &case.shape);
                let hash = format!("{:x}", Sha256::digest(bytemuck::cast_slice::<_, u8>(&values)));
                if selected.shape() != shape || Some(hash) != case.sha256 {
                    wrong.push(format!("{name}: shape {:?}, numpy {shape:?}", selected.shape()));
                }
            }
            (None, Err(error)) => {
                let kind = match error {
                    SelectionError::Value(_) => "ValueError",
                    SelectionError::Index(_) => "IndexError",
                    SelectionError::Syntax(_) => "SyntaxError",
                };
                let message = case.message.as_deref().unwrap_or_default().trim_end();
                if Some(kind) != case.error.as_deref() || error.to_string().trim_end() != message {
                    wrong.push(format!("{name}: {kind} {error}; numpy: {message}"));
                }
            }
            (_, answer) => wrong.push(format!("{name}: {answer:?}, numpy {:?} {:?}", case.result, case.message)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn what_is_no_index_is_refused_with_its_place() {
    for text in
        ["", " ", "a", "1 2", "[1", "1]", "(1", "1)", "1;2", "[1 2]", "0:1:2:3", "-", "[-]", "[None]", "é", "[1,[2]]"]
    {
        let error = text.parse::<Selection>().expect_err(text);
        assert!(!matches!(error, SelectionError::Index(_)), "{text}: {error}");
    }
    let deep = "[".repeat(10_000);
    assert!(deep.parse::<Selection>().is_err());
    assert!("True".parse::<Selection>().is_err());
    let wide = format!("[{}],[{}]", "[0],".repeat(10_000), "0,".repeat(10_000));
    assert!(wide.parse::<Selection>().unwrap().resolve(&[3, 3]).is_err(), "a hundred million points");
}

#[test]
fn bounds_hold_every_voxel_named() {
    let selected = "1::2, [3,0], -1".parse::<Selection>().unwrap().resolve(&[6, 4, 5]).unwrap();
    let bounds = selected.bounds().unwrap();
    assert_eq!((bounds.start(), bounds.stop()), (&[1, 0, 4][..], &[6, 4, 5][..]));
    assert_eq!(selected.dim_of(0), Some(0));
    assert_eq!(selected.dim_of(1), Some(1));
    assert_eq!(selected.dim_of(2), None);
    assert!("0:0".parse::<Selection>().unwrap().resolve(&[6]).unwrap().bounds().is_none());
}

/// Indices of one axis, as text and as the positions they name by definition.
fn axis_index(size: usize) -> impl Strategy<Value = (String, Option<Vec<usize>>, Option<usize>)> {
    let n = size as i64;
    let integer = (-n..n).prop_map(move |i| (i.to_string(), None, Some(i.rem_euclid(n) as usize)));
    let bound = prop::option::of(-n - 3..n + 3);
    let step = prop_oneof![Just(None), (1i64..5).prop_map(Some), (-5i64..0).prop_map(Some)];
    let slice = (bound.clone(), bound, step).prop_map(move |(start, stop, step)| {
        let text = |v: Option<i64>| v.map(|v| v.to_string()).unwrap_or_default();
        let by = step.unwrap_or(1);
        let wrap = |v: i64| if v < 0 { v + n } else { v };
        // The definition: walk from the start until the stop is reached, keeping what lies inside.
        let from = start.map_or(if by > 0 { 0 } else { n - 1 }, |v| {
            wrap(v).clamp(if by > 0 { 0 } else { -1 }, if by > 0 { n } else { n - 1 })
        });
        let to = stop.map_or(if by > 0 { n } else { -1 }, |v| wrap(v).max(-1));
        let mut named = Vec::new();
        let mut i = from;
        while (by > 0 && i < to.min(n)) || (by < 0 && i > to) {
            if (0..n).contains(&i) {
                named.push(i as usize);
            }
            i += by;
        }
        (format!("{}:{}:{}", text(start), text(stop), text(step)), Some(named), None)
    });
    prop_oneof![1 => integer, 3 => slice]
}

proptest! {
    #[test]
    fn integers_and_slices_name_what_their_definition_says(
        (shape, parts) in prop::collection::vec(1usize..7, 1..5).prop_flat_map(|shape| {
            let parts: Vec<_> = shape.iter().map(|&size| axis_index(size)).collect();
            (Just(shape), parts)
        })
    ) {
        let text = parts.iter().map(|(text, ..)| text.as_str()).collect::<Vec<_>>().join(", ");
        let selected = text.parse::<Selection>().unwrap().resolve(&shape).unwrap();
        let expected_shape: Vec<usize> = parts.iter().filter_map(|(_, named, _)| named.as_ref().map(Vec::len)).collect();
        prop_assert_eq!(selected.shape(), expected_shape.as_slice());
        let mut expected = vec![0i64];
        for ((_, named, fixed), &dim) in parts.iter().zip(&shape) {
            let along: Vec<usize> = named.clone().unwrap_or_else(|| fixed.iter().copied().collect());
            expected = expected.iter().flat_map(|offset| along.iter().map(move |&i| offset * dim as i64 + i as i64)).collect();
        }
        prop_assert_eq!(take(&selected, &shape), expected);
    }

    #[test]
    fn no_text_panics(text in "[-0-9:,.\\[\\]() NoneTrueFalse]{0,40}") {
        if let Ok(selection) = text.parse::<Selection>() {
            let _ = selection.resolve(&[3, 4, 5]);
        }
    }
}

#[test]
fn positions_of_a_slice_in_a_range_are_those_a_search_finds() {
    for step in [-7isize, -2, -1, 1, 2, 5] {
        for start in [0usize, 3, 19] {
            let len = if step < 0 { start / step.unsigned_abs() + 1 } else { (24 - start).div_ceil(step as usize) };
            let slice = SliceDim { dim: 0, axis: 0, start, step, len };
            for (low, high) in [(0, 24), (0, 0), (3, 4), (5, 19), (19, 24), (20, 23)] {
                let found: Vec<usize> = slice.positions_in(low..high, 1..len).collect();
                let wanted: Vec<usize> = (1..len).filter(|&p| (low..high).contains(&slice.index(p))).collect();
                assert_eq!(found, wanted, "{start}:{step} in {low}..{high}");
            }
        }
    }
}
