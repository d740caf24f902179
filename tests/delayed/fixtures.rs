//! Every case of `tests/fixtures/sources/delayed`, which DelayedArray and numpy computed.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::OpenOptions;
use tectum::volume::{DType, Region, Shape};

use crate::common::read_whole;
use crate::support::computed;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/delayed")
}

fn dataset(name: &str) -> String {
    format!("{}#{name}", folder().join("dense.h5").display())
}

fn source_of(path: &str) -> std::sync::Arc<dyn tectum::format::Source> {
    tectum::array::delayed::open_operand(&dataset(path), &OpenOptions::default()).unwrap()
}

/// One operation of the manifest as a step of an expression.
fn step(op: &[Value]) -> Option<String> {
    let name = op[0].as_str().unwrap();
    let numbers = |list: &Value| {
        let list: Vec<String> = list.as_array().unwrap().iter().map(ToString::to_string).collect();
        list.join(", ")
    };
    Some(match name {
        "native_order" => "transpose".to_owned(),
        "open_dtype" | "cast" => format!("cast {}", op[1].as_str().unwrap()),
        "transpose" if op[1].is_null() => "transpose".to_owned(),
        "transpose" => format!("transpose {}", numbers(&op[1])),
        "round" => format!("round {}", op[1]),
        "concatenate" => {
            let other = op[1].as_str().unwrap().split(", ").nth(1).unwrap();
            format!("concatenate @{} over {}", dataset(other), op[2])
        }
        "subset" => match op[1].as_str() {
            Some("ix_([0,2],[3,1,1,0],all y,[5,4,19])") => "cross [[0, 2], [3, 1, 1, 0], :, [5, 4, 19]]".to_owned(),
            Some(index) => format!("subset {index}"),
            None => {
                let before = ":, ".repeat(op[3].as_u64().unwrap() as usize);
                format!("subset [{before}[{}]]", numbers(&op[1]))
            }
        },
        _ if op.len() == 1 => name.to_owned(),
        _ => {
            let operand = op[1].as_str().map_or_else(|| op[1].to_string(), |other| format!("@{}", dataset(other)));
            let prefix = if op[2] == "left" { "r" } else { "" };
            format!("{prefix}{name} {operand}")
        }
    })
}

fn value_at(bytes: &[u8], dtype: DType, offset: usize) -> f64 {
    let item = dtype.num_bytes();
    tectum::dispatch_dtype!(dtype, T => {
        tectum::volume::Voxel::to_f64(bytemuck::pod_read_unaligned::<T>(&bytes[offset * item..(offset + 1) * item]))
    })
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}

fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn every_case_is_what_delayed_array_makes() {
    let manifest = manifest();
    let mut num_hashes = 0;
    for case in manifest["datasets"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let steps = case["ops"].as_array().unwrap().iter().filter_map(|op| step(op.as_array().unwrap()));
        let mut text = steps.collect::<Vec<_>>().join(" | ");
        if name == "readme_log1p_div" {
            // What it was made of, which the manifest leaves out: no logarithm of what is negative.
            text = format!("add 1001.0 | {text}");
        }
        let source = source_of(case["path"].as_str().unwrap());
        let result = match text.is_empty() {
            true => source,
            false => computed(source, &text).unwrap_or_else(|error| panic!("{name}: {error}")),
        };
        let info = result.info();
        assert_eq!(info.dtype.npy_descr(), case["dtype"].as_str().unwrap(), "{name}");
        let shape: Vec<usize> =
            case["shape"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap() as usize).collect();
        assert_eq!(info.shape.dims(), shape, "{name}");
        let whole = read_whole(&*result);
        assert!(whole.missing.is_empty(), "{name}");
        let hash: String = Sha256::digest(&whole.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let is_alike = |got: f64, wanted: f64| got == wanted || ((got - wanted) / wanted).abs() < 1e-6;
        if case.get("compare").is_none() {
            assert_eq!(hash, case["sha256"].as_str().unwrap(), "{name}");
            num_hashes += 1;
        }
        for sample in case["samples"].as_array().unwrap() {
            let index: Vec<usize> =
                sample["index"].as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as usize).collect();
            let got = value_at(&whole.bytes, info.dtype, info.shape.offset(&index).unwrap());
            assert!(is_alike(got, number(&sample["value"])), "{name} {index:?}: {got}");
        }
        if !case["min"].is_null() {
            let all: Vec<f64> =
                (0..info.shape.num_voxels().unwrap()).map(|i| value_at(&whole.bytes, info.dtype, i)).collect();
            let (min, max) = all.iter().fold((f64::MAX, f64::MIN), |(min, max), &v| (min.min(v), max.max(v)));
            assert!(is_alike(min, number(&case["min"])) && is_alike(max, number(&case["max"])), "{name}");
        }
    }
    assert_eq!(num_hashes, 31, "the others are held to their samples: their hashes are one machine's");
}

#[test]
fn reductions_are_what_delayed_array_makes() {
    let manifest = manifest();
    for (name, text) in [("mean_axis0", "mean over 0"), ("sum_axis1", "sum over 1"), ("var_all_ddof1", "var ddof 1")] {
        let wanted = &manifest["reductions"][name];
        let result = computed(source_of("float"), text).unwrap();
        let shape: Vec<usize> =
            wanted["shape"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap() as usize).collect();
        assert_eq!(result.info().shape, Shape::new(&shape).unwrap(), "{name}");
        let whole = read_whole(&*result);
        let (got, wanted) = (value_at(&whole.bytes, result.info().dtype, 0), wanted["first"].as_f64().unwrap());
        assert!(((got - wanted) / wanted).abs() < 1e-12, "{name}: {got}");
    }
}

#[test]
fn the_facts_say_what_was_done() {
    let source = source_of("counts");
    let result = computed(source, &format!("/ @{} | log1p", dataset("scale_x"))).unwrap();
    let fact = result.info().facts.iter().find(|(label, _)| label == "Operations").unwrap();
    assert_eq!(fact.1, "divide by scale_x, then logarithm of 1 + the value");
    assert_eq!(result.files().len(), 1);
    let all = Region::whole(&result.info().shape);
    let mut chunks = Vec::new();
    result.chunks(&all, &mut chunks);
    assert!(chunks.len() > 1, "chunks are those of the file");
}
