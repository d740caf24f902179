//! Random expressions over random arrays, as numpy and scipy compute them (`tests/fixtures/delayed/make_cases.py`).
//! `TECTUM_DELAYED_CASES` names another file that it has written, of thousands.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use serde_json::Value;
use tectum::format::memory::MemorySource;
use tectum::format::{FormatError, Source};
use tectum::volume::{DType, Region, Shape};

use crate::common::{indices, read_region, read_whole};
use crate::support::computed_with;

struct Array {
    dtype: DType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn array(value: &Value) -> Array {
    let descr = value["dtype"].as_str().unwrap();
    Array {
        dtype: DType::ALL.into_iter().find(|dtype| dtype.npy_descr() == descr).unwrap(),
        shape: value["shape"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap() as usize).collect(),
        bytes: base64::engine::general_purpose::STANDARD.decode(value["bytes"].as_str().unwrap()).unwrap(),
    }
}

/// In chunks that divide no axis evenly.
fn source(array: &Array, number: usize) -> Arc<dyn Source> {
    Arc::new(memory(array, number, array.bytes.clone()))
}

fn memory(array: &Array, number: usize, bytes: Vec<u8>) -> MemorySource {
    let axes = &"tzyx"[4 - array.shape.len()..];
    let grid: Vec<usize> =
        array.shape.iter().enumerate().map(|(axis, dim)| (1 + (number + axis) % 3).min(*dim)).collect();
    let shape = Shape::new(&array.shape).unwrap();
    MemorySource::new(array.dtype, shape, axes, &grid, bytes).unwrap()
}

/// A part of it is missing, and something else stands in its place.
fn with_gap(array: &Array, number: usize, seed: usize) -> Option<Arc<dyn Source>> {
    let whole = Region::whole(&Shape::new(&array.shape).unwrap());
    let mut gap = whole;
    for (axis, dim) in array.shape.iter().enumerate() {
        let start = (seed / (axis + 1) + 3 * axis) % (*dim).max(1);
        gap = gap.with_axis(axis, start, (start + 1 + (seed + axis) % 2).min(*dim));
    }
    if gap.is_empty() || gap == whole {
        return None;
    }
    let item = array.dtype.num_bytes();
    let mut junk = vec![0; gap.shape().num_bytes(array.dtype)?];
    tectum::volume::copy_region(&array.bytes, &whole, &mut junk, &gap, item);
    let flipped = if array.dtype == DType::Bool { 1 } else { 0x5b };
    junk.iter_mut().for_each(|byte| *byte ^= flipped);
    let mut bytes = array.bytes.clone();
    tectum::volume::copy_region(&junk, &gap, &mut bytes, &whole, item);
    Some(Arc::new(memory(array, number, bytes).with_missing(&[gap])))
}

fn values(dtype: DType, bytes: &[u8]) -> Vec<f64> {
    tectum::dispatch_dtype!(dtype, T => {
        bytes.chunks_exact(dtype.num_bytes()).map(|v| tectum::volume::Voxel::to_f64(bytemuck::pod_read_unaligned::<T>(v))).collect()
    })
}

/// Where two differ by more than they may.
fn difference(got: &[u8], wanted: &Array, tolerance: f64) -> Option<String> {
    if !wanted.dtype.is_float() {
        let at = got.iter().zip(&wanted.bytes).position(|(a, b)| a != b)? / wanted.dtype.num_bytes();
        let [a, b] = [got, &wanted.bytes].map(|bytes| values(wanted.dtype, bytes)[at]);
        return Some(format!("voxel {at} is {a} and not {b}"));
    }
    let pairs = values(wanted.dtype, got).into_iter().zip(values(wanted.dtype, &wanted.bytes)).enumerate();
    let is_alike =
        |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * b.abs().max(1e-300);
    pairs
        .into_iter()
        .find(|(_, (a, b))| !is_alike(*a, *b))
        .map(|(at, (a, b))| format!("voxel {at} is {a:?} and not {b:?}"))
}

#[test]
fn expressions_are_what_numpy_makes_of_them() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/delayed/cases.jsonl");
    let file = std::env::var_os("TECTUM_DELAYED_CASES").map_or(kept, Into::into);
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let arrays: Vec<Array> = lines.next().unwrap().as_array().unwrap().iter().map(array).collect();
    let open = |name: &str| -> Result<Arc<dyn Source>, FormatError> {
        let number: usize = name.strip_prefix('a').and_then(|number| number.parse().ok()).unwrap();
        Ok(source(&arrays[number], number + 1))
    };
    let (mut faults, mut num, mut num_gaps) = (Vec::new(), 0, 0);
    for case in lines {
        num += 1;
        let text = case["text"].as_str().unwrap();
        let input = case["input"].as_u64().unwrap() as usize;
        let result = computed_with(source(&arrays[input], input), text, &open);
        if let Some(refused) = case["refused"].as_str() {
            if result.is_ok() {
                faults.push(format!("{text}: numpy refuses it: {refused}"));
            }
            continue;
        }
        let result = match result {
            Ok(result) => result,
            Err(error) => {
                faults.push(format!("{text}: {error}"));
                continue;
            }
        };
        let wanted = array(&case);
        let info = result.info();
        if (info.dtype, info.shape.dims()) != (wanted.dtype, &wanted.shape[..]) {
            faults.push(format!("{text}: {} {}, not {} {:?}", info.dtype, info.shape, wanted.dtype, wanted.shape));
            continue;
        }
        let whole = read_whole(&*result);
        assert!(whole.missing.is_empty(), "{text}: {:?}", whole.missing);
        if let Some(difference) = difference(&whole.bytes, &wanted, case["tolerance"].as_f64().unwrap()) {
            faults.push(format!("a{input} | {text}: {difference}"));
        }
        assert_region_agrees(&*result, &whole.bytes, text);
        let Some(with_gap) = with_gap(&arrays[input], input, num) else { continue };
        let result = computed_with(with_gap, text, &open).unwrap();
        num_gaps += usize::from(assert_nothing_is_of_the_gap(&*result, &whole.bytes, text));
    }
    assert!(faults.is_empty(), "{} of {num}:\n{}", faults.len(), faults[..faults.len().min(40)].join("\n"));
    assert!(num >= 500 && num_gaps >= num / 3, "{num_gaps} of {num} with something missing and something there");
}

/// A part of a result is what it is of the whole.
fn assert_region_agrees(source: &dyn Source, whole: &[u8], text: &str) {
    let all = Region::whole(&source.info().shape);
    if all.is_empty() || all.rank() == 0 {
        return;
    }
    let mut part = all;
    for axis in 0..all.rank() {
        part = part.with_axis(axis, all.stop()[axis] / 2, all.stop()[axis]);
    }
    let got = read_region(source, &part).bytes;
    let mut wanted = vec![0; got.len()];
    tectum::volume::copy_region(whole, &all, &mut wanted, &part, source.info().dtype.num_bytes());
    assert_eq!(got, wanted, "{text}");
}

/// What is made without what is missing is what it was; whatever stands in the gap, nothing of it is seen. Returns
/// whether some of the result is missing and some is not.
fn assert_nothing_is_of_the_gap(source: &dyn Source, wanted: &[u8], text: &str) -> bool {
    let (got, item) = (read_whole(source), source.info().dtype.num_bytes());
    let mut num_missing = 0;
    for (at, index) in indices(source.info().shape.dims()).enumerate() {
        if got.is_missing(&index) {
            num_missing += 1;
            continue;
        }
        let [got, wanted] = [&got.bytes, wanted].map(|bytes| &bytes[at * item..(at + 1) * item]);
        assert_eq!(got, wanted, "{text}: voxel {index:?} is made of one that is missing");
    }
    num_missing > 0 && num_missing * item < wanted.len()
}
