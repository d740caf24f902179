//! Promise: buffers are those of HDMF's `GenericDataChunkIterator`, in shape, order and words.

use std::path::Path;

use serde_json::Value;
use tectum::format::OpenOptions;
use tectum::format::memory::MemorySource;
use tectum::volume::{DType, Location, Region, Shape, copy_region};
use tectum::write::{BufferIter, BufferOptions, Buffering, Changes, Kind, Plan, SourcePlan, TargetOptions, TargetPlan};

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/writing/gdci");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn dtype(name: &Value) -> DType {
    DType::ALL.into_iter().find(|dtype| Some(dtype.name()) == name.as_str()).unwrap()
}

fn numbers(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

fn shape(list: &Value) -> Shape {
    Shape::new(&numbers(list).iter().map(|&dim| dim as usize).collect::<Vec<_>>()).unwrap()
}

fn options(entry: &Value) -> BufferOptions {
    let dims = |name: &str| entry.get(name).map(numbers);
    BufferOptions {
        chunk_mb: entry.get("chunk_mb").and_then(Value::as_f64),
        chunk_shape: dims("chunk_shape"),
        buffer_gb: entry.get("buffer_gb").and_then(Value::as_f64),
        buffer_shape: dims("buffer_shape"),
    }
}

fn assert_is(buffers: &BufferIter, chunk: &Value, buffer: &Value, num_buffers: &Value, what: &Value) {
    assert_eq!(buffers.chunk_shape(), &shape(chunk), "{what}");
    assert_eq!(buffers.buffer_shape(), &shape(buffer), "{what}");
    assert_eq!(Some(buffers.num_buffers()), num_buffers.as_u64(), "{what}");
}

fn boxes(buffers: BufferIter, most: usize) -> Value {
    let ends = |region: Region| region.start().iter().zip(region.stop()).map(|(a, b)| vec![*a, *b]).collect::<Vec<_>>();
    buffers.take(most).map(ends).collect::<Vec<_>>().into()
}

#[test]
fn the_table_matches_in_full() {
    let table: Value = serde_json::from_str(&text("table.json")).unwrap();
    let rows = |name: &str| table[name].as_array().unwrap().clone();
    assert_eq!([rows("shapes").len(), rows("errors").len(), rows("selections").len()], [32, 13, 3]);
    for row in rows("shapes") {
        let buffers = BufferIter::new(shape(&row["shape"]), dtype(&row["dtype"]), &options(&row)).unwrap();
        let out = &row["out"];
        assert_is(&buffers, &out["chunk_shape"], &out["buffer_shape"], &out["num_buffers"], &row);
    }
    for row in rows("errors") {
        let error = BufferIter::new(shape(&row["shape"]), dtype(&row["dtype"]), &options(&row)).unwrap_err();
        let wanted = row["error"].as_str().unwrap();
        match wanted.strip_prefix("AssertionError: ") {
            Some(wanted) => assert_eq!(error.to_string(), wanted),
            // Where HDMF stumbles over an array without voxels, ours says what is wrong.
            None => assert!(error.to_string().contains("has no voxels to buffer"), "{error} instead of {wanted}"),
        }
    }
    for row in rows("selections") {
        let buffers = BufferIter::new(shape(&row["shape"]), DType::U16, &options(&row)).unwrap();
        assert_is(&buffers, &row["chunk_shape"], &row["buffer_shape"], &row["num_buffers"], &row);
        assert_eq!(boxes(buffers, usize::MAX), row["selections"]);
    }
}

/// Of the file that `TECTUM_GDCI` names, where it does: make_random.py writes thousands.
#[test]
fn random_shapes_match() {
    let cases = std::env::var("TECTUM_GDCI")
        .map_or_else(|_| text("random.jsonl"), |file| std::fs::read_to_string(file).unwrap());
    let mut num_cases = [0, 0];
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let made = BufferIter::new(shape(&case[0]), dtype(&case[1]), &options(&case[2]));
        match (made, &case[3]) {
            (Ok(buffers), Value::Array(said)) => {
                assert_is(&buffers, &said[0], &said[1], &said[2], &case);
                assert_eq!(boxes(buffers, 5), said[3], "{case}");
                num_cases[0] += 1;
            }
            // Fractions are written differently in the two languages.
            (Err(error), Value::String(said)) => {
                let before = |text: &str| match text.starts_with(char::is_lowercase) {
                    true => text.split(" (").next().unwrap().to_owned(),
                    false => text.to_owned(),
                };
                assert_eq!(before(&error.to_string()), before(said), "{case}");
                num_cases[1] += 1;
            }
            (made, _) => panic!("{made:?} for {case}"),
        }
    }
    assert!(num_cases[0] >= 200 && num_cases[1] >= 50, "{num_cases:?}");
}

#[test]
fn what_hdmf_stumbles_over_is_refused() {
    let refused =
        |options: BufferOptions| BufferIter::new(Shape::from([20, 30]), DType::F64, &options).unwrap_err().to_string();
    let of_shapes = |chunk: &[i64], buffer: &[i64]| {
        refused(BufferOptions {
            chunk_shape: Some(chunk.to_vec()),
            buffer_shape: Some(buffer.to_vec()),
            ..BufferOptions::default()
        })
    };
    assert_eq!(of_shapes(&[-1, 30], &[20, 30]), "Some dimensions of chunk_shape ((-1, 30)) are less than zero!");
    assert_eq!(of_shapes(&[0, 30], &[10, 30]), "Some dimensions of chunk_shape ((0, 30)) are less than zero!");
    assert_eq!(of_shapes(&[5], &[10, 30]), "chunk_shape (5,) has not one extent for each axis of 20 × 30");
    for (size, said) in [(f64::NAN, "chunk_mb (NaN) must be greater than zero!"), (1e308, "is too large")] {
        assert!(refused(BufferOptions { chunk_mb: Some(size), ..BufferOptions::default() }).contains(said));
    }
    // A chunk that holds less than one voxel.
    let tiny = BufferOptions { chunk_mb: Some(1e-6), ..BufferOptions::default() };
    assert_eq!(refused(tiny), "Some dimensions of chunk_shape ((0, 0)) are less than zero!");
    let vast = Shape::new(&[usize::MAX / 4, 8]).unwrap();
    let error = BufferIter::new(vast, DType::F64, &BufferOptions::default()).unwrap_err();
    assert!(error.to_string().contains("larger than can be addressed"), "{error}");
}

#[test]
fn buffers_read_one_after_the_other_are_the_array() {
    let dims = Shape::from([7, 5, 9]);
    let gap = Region::new(&[3, 1, 2], &[5, 4, 6]).unwrap();
    let value = |index: &[usize]| 1 + (index[0] * 100 + index[1] * 10 + index[2]) as u16;
    let source = MemorySource::from_fn(DType::U16, dims, "tyx", &[2, 2, 4], value).unwrap();
    let whole = crate::common::read_whole(&source).bytes;
    let options = BufferOptions {
        chunk_shape: Some(vec![1, 2, 3]),
        buffer_shape: Some(vec![3, 4, 6]),
        ..BufferOptions::default()
    };
    for (source, gaps) in [(source.clone(), vec![]), (source.with_missing(&[gap]), vec![gap])] {
        let mut bytes = vec![0xEE; whole.len()];
        let mut num_missing = 0;
        for buffer in BufferIter::new(dims, DType::U16, &options).unwrap().read(&source) {
            let buffer = buffer.unwrap();
            copy_region(&buffer.bytes, &buffer.region, &mut bytes, &Region::whole(&dims), 2).unwrap();
            num_missing += buffer.missing.iter().map(|(part, _)| part.shape().num_voxels().unwrap()).sum::<usize>();
        }
        assert_eq!(num_missing, gaps.iter().map(|gap| gap.shape().num_voxels().unwrap()).sum::<usize>());
        for (position, index) in Region::whole(&dims).indices().enumerate() {
            let is_gap = gaps.iter().any(|gap| gap.contains(&index[..3]));
            let wanted = if is_gap { &[0, 0] } else { &whole[2 * position..2 * position + 2] };
            assert_eq!(&bytes[2 * position..2 * position + 2], wanted);
        }
    }
}

/// A folder that is taken for an array of any size: nothing of it was ever written.
fn array_of(folder: &Path, shape: &Shape, dtype: DType) {
    let array = serde_json::json!({
        "zarr_format": 3, "node_type": "array", "shape": shape.dims(), "data_type": dtype.name(),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": vec![1; shape.rank()]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": if dtype == DType::Bool { Value::Bool(false) } else { 0.into() },
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    });
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("zarr.json"), array.to_string()).unwrap();
}

/// What was said on the command line in HDMF's words, of a file of HDF5.
fn planned(folder: &Path, case: &Value) -> anyhow::Result<(Vec<usize>, Vec<usize>)> {
    let (source, out) = (folder.join("in.zarr"), folder.join("out.h5"));
    array_of(&source, &shape(&case[0]), dtype(&case[1]));
    let said = options(&case[2]);
    let extents = |dims: Option<Vec<i64>>| dims.map(|dims| dims.iter().map(|&dim| dim as usize).collect());
    let buffering = Buffering {
        shape: extents(said.buffer_shape),
        chunk_mb: said.chunk_mb,
        buffer_gb: said.buffer_gb,
        num_bytes: None,
    };
    let target = TargetPlan {
        kind: Kind::Hdf5,
        location: Location::from(out.as_path()),
        force: false,
        options: TargetOptions { chunk: extents(said.chunk_shape), ..TargetOptions::default() },
    };
    let source = SourcePlan::new(source.as_path().into(), &OpenOptions::default());
    let plan = Plan::make(source, Changes::default(), target, &buffering, &OpenOptions::default())?;
    Ok((plan.target.options.chunk.unwrap_or_default(), plan.buffer))
}

#[test]
fn a_conversion_takes_the_shapes_that_were_asked_for_in_these_words() {
    let folder = tempfile::tempdir().unwrap();
    let (mut num_cases, mut num_refused) = (0, 0);
    for line in text("random.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let has = |name: &str| case[2].get(name).is_some();
        // Chunks that nobody speaks of are those of the format.
        let (is_chunk_said, is_buffer_said) =
            (has("chunk_mb") || has("chunk_shape"), has("buffer_gb") || has("buffer_shape"));
        match &case[3] {
            // HDF5 holds no such chunks.
            Value::Array(wanted)
                if shape(&wanted[0]).num_bytes(dtype(&case[1])).is_none_or(|bytes| bytes >= 1 << 31) => {}
            Value::Array(wanted) if is_chunk_said => {
                let (chunk, buffer) = planned(folder.path(), &case).unwrap_or_else(|error| panic!("{case}: {error:#}"));
                assert_eq!(chunk, shape(&wanted[0]).dims(), "{case}");
                assert!(!is_buffer_said || buffer == shape(&wanted[1]).dims(), "{buffer:?} for {case}");
                num_cases += usize::from(is_buffer_said);
            }
            Value::String(_) if has("chunk_mb") => {
                planned(folder.path(), &case).unwrap_err();
                num_refused += 1;
            }
            _ => {}
        }
    }
    assert!(num_cases >= 80 && num_refused >= 10, "{num_cases}, {num_refused}");
    let refused = |options: Value| {
        let case = serde_json::json!([[20, 30], "uint16", options]);
        planned(folder.path(), &case).unwrap_err().to_string()
    };
    for (options, words) in [
        (serde_json::json!({"chunk_mb": 1, "chunk_shape": [2, 3]}), "Only one of 'chunk_mb' or 'chunk_shape'"),
        (serde_json::json!({"buffer_gb": 1, "buffer_shape": [2, 3]}), "either --buffer-gb or --buffer-shape"),
        (serde_json::json!({"chunk_mb": -1}), "chunk_mb (-1) must be greater than zero!"),
        (serde_json::json!({"buffer_gb": 0}), "buffer_gb (0) must be greater than zero!"),
    ] {
        let said = refused(options);
        assert!(said.contains(words), "{said}");
    }
}
