//! Every split dataset of the fixtures, whole and damaged, is read exactly as far as it can be.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Whole, fixtures, indices, read_region, read_whole, untouched};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::dispatch_dtype;
use tectum::format::{FormatError, OpenOptions, Opened, Source, open};
use tectum::volume::{Axis, DType, Region, Severity, Voxel};

fn manifest(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join(name).join("manifest.json")).unwrap()).unwrap()
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 84, "no fixture went missing");
    names
}

fn sha(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dims(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

fn open_path(path: &Path) -> Result<Opened, FormatError> {
    open(path, &OpenOptions::default())
}

fn open_named(name: &str) -> Opened {
    let root = fixtures().join(name).join(manifest(name)["root"].as_str().unwrap());
    open_path(&root).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn codes(source: &dyn Source) -> Vec<&'static str> {
    let mut codes: Vec<_> = source.problems().iter().map(|problem| problem.code).collect();
    assert!(codes.iter().all(|code| tectum::volume::codes::ALL.contains(code)), "{codes:?}");
    codes.sort_unstable();
    codes
}

fn file_names(source: &dyn Source, code: &str) -> Vec<String> {
    let problems = source.problems();
    let files = problems.iter().filter(|problem| problem.code == code).filter_map(|problem| problem.file.as_ref());
    files.map(|file| file.short()).collect()
}

/// One value of raw bytes as the manifests have it.
fn value_at(bytes: &[u8], dtype: DType, offset: usize) -> f64 {
    dispatch_dtype!(dtype, T => {
        let size = size_of::<T>();
        Voxel::to_f64(bytemuck::pod_read_unaligned::<T>(&bytes[offset * size..(offset + 1) * size]))
    })
}

/// numpy's slicing of raw bytes, as plainly as possible: `index` as in the manifests.
fn slice(bytes: &[u8], shape: &[usize], item: usize, index: &[Value]) -> (Vec<usize>, Vec<u8>) {
    let mut picked: Vec<Vec<usize>> = Vec::new();
    let mut kept = Vec::new();
    for (axis, &len) in shape.iter().enumerate() {
        let bound = |text: &str, default: usize| match text.parse::<i64>() {
            Ok(n) if n < 0 => (len as i64 + n).max(0) as usize,
            Ok(n) => (n as usize).min(len),
            Err(_) => default,
        };
        match index.get(axis) {
            Some(Value::Number(n)) => {
                let n = n.as_i64().unwrap();
                picked.push(vec![if n < 0 { (len as i64 + n) as usize } else { n as usize }]);
            }
            Some(Value::String(text)) => {
                let (start, stop) = text.split_once(':').unwrap();
                picked.push((bound(start, 0)..bound(stop, len)).collect());
                kept.push(axis);
            }
            _ => {
                picked.push((0..len).collect());
                kept.push(axis);
            }
        }
    }
    let counts: Vec<usize> = picked.iter().map(Vec::len).collect();
    let mut out = Vec::new();
    for at in indices(&counts) {
        let offset = at.iter().enumerate().fold(0, |offset, (axis, &i)| offset * shape[axis] + picked[axis][i]);
        out.extend_from_slice(&bytes[offset * item..(offset + 1) * item]);
    }
    (kept.iter().map(|&axis| counts[axis]).collect(), out)
}

/// The largest value along an axis, NaN winning as in numpy.
fn max_over(bytes: &[u8], shape: &[usize], dtype: DType, axis: usize) -> Vec<u8> {
    let mut kept = shape.to_vec();
    kept.remove(axis);
    let mut out = Vec::new();
    for at in indices(&kept) {
        let offset_of = |i: usize| {
            let mut index = at.clone();
            index.insert(axis, i);
            index.iter().zip(shape).fold(0, |offset, (i, dim)| offset * dim + i)
        };
        let best = (0..shape[axis]).map(offset_of).reduce(|best, offset| {
            // 64-bit integers of the fixtures are multiples of 2^33, so doubles compare them rightly.
            let (a, b) = (value_at(bytes, dtype, best), value_at(bytes, dtype, offset));
            if a.is_nan() || a >= b { best } else { offset }
        });
        let offset = best.unwrap() * dtype.num_bytes();
        out.extend_from_slice(&bytes[offset..offset + dtype.num_bytes()]);
    }
    out
}

/// Compares an intact source with all a manifest says.
fn check_truth(name: &str, source: &dyn Source, truth: &Value) {
    let info = source.info();
    let shape = dims(&truth["shape"]);
    assert_eq!(info.shape.dims(), shape, "{name}");
    assert_eq!(info.dtype.name(), truth["dtype"], "{name}");
    let Whole { bytes, missing } = read_whole(source);
    assert!(missing.is_empty(), "{name}: {missing:?}");
    assert_eq!(sha(&bytes), truth["sha256"], "{name}: values");
    let item = info.dtype.num_bytes();
    for sample in truth["samples"].as_array().unwrap() {
        let index = dims(&sample["index"]);
        let value = value_at(&bytes, info.dtype, info.shape.offset(&index).unwrap());
        let wanted = match &sample["value"] {
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::String(text) => text.parse().unwrap(),
            number => number.as_f64().unwrap(),
        };
        assert!(value == wanted || (value.is_nan() && wanted.is_nan()), "{name} {index:?}: {value} != {wanted}");
    }
    let values = || (0..bytes.len() / item).map(|i| value_at(&bytes, info.dtype, i));
    if let (Some(min), Some(max)) = (truth["min"].as_f64(), truth["max"].as_f64()) {
        assert_eq!(values().fold(f64::INFINITY, f64::min), min, "{name}");
        assert_eq!(values().fold(f64::NEG_INFINITY, f64::max), max, "{name}");
    }
    if let (Some(sum), false) = (truth["sum"].as_f64(), item == 8) {
        assert_eq!(values().sum::<f64>(), sum, "{name}");
    }
    for (key, axis) in [("max_over_t", 0), ("max_over_z", 1), ("max_over_axis0", 0)] {
        if let Some(sha256) = truth[key]["sha256"].as_str() {
            assert_eq!(sha(&max_over(&bytes, &shape, info.dtype, axis)), sha256, "{name}: {key}");
        }
    }
    for case in truth["slices"].as_array().into_iter().flatten() {
        if !case["numpy_error"].is_null() {
            continue; // An integer beyond the end, which is for indexing to refuse.
        }
        let (shape, bytes) = slice(&bytes, &shape, item, case["index"].as_array().unwrap());
        let numpy = if case["same_as_numpy"] == true { case } else { &case["numpy"] };
        assert_eq!(shape, dims(&numpy["shape"]), "{name} {}", case["index"]);
        assert_eq!(sha(&bytes), numpy["sha256"], "{name} {}", case["index"]);
    }
}

fn is_damaged(name: &str) -> bool {
    name.starts_with("h_") || name.starts_with("i_") || name == "g_single_files"
}

#[test]
fn every_intact_fixture_is_read_exactly_and_left_untouched() {
    let mut count = 0;
    for name in names().iter().filter(|name| !is_damaged(name)) {
        let truth = manifest(name);
        untouched(&fixtures().join(name), || {
            let opened = open_named(name);
            check_truth(name, opened.source.as_ref(), &truth);
            let worst = opened.source.problems().into_iter().map(|problem| problem.severity).max();
            assert!(worst <= Some(Severity::Note), "{name}: {:?}", opened.source.problems());
        });
        count += 1;
    }
    assert!(count >= 52);
}

#[test]
fn every_region_equals_the_same_cut_of_the_whole() {
    for name in ["a_4d_default", "b_sashimi", "b_brunoise", "d_space_split", "d_padding_count", "c_2d", "e_none"] {
        let opened = open_named(name);
        let source = opened.source.as_ref();
        let shape = source.info().shape;
        let whole = read_whole(source).bytes;
        let item = source.info().dtype.num_bytes();
        let mut seed = 7u64;
        let mut random = |n: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % n
        };
        for _ in 0..25 {
            let mut start = Vec::new();
            let mut stop = Vec::new();
            for &dim in shape.dims() {
                let (a, b) = (random(dim), random(dim));
                start.push(a.min(b));
                stop.push(a.max(b) + 1);
            }
            let region = Region::new(&start, &stop).unwrap();
            let part = read_region(source, &region);
            assert!(part.missing.is_empty());
            let index: Vec<Value> = start.iter().zip(&stop).map(|(a, b)| Value::from(format!("{a}:{b}"))).collect();
            assert_eq!(part.bytes, slice(&whole, shape.dims(), item, &index).1, "{name} {region}");
        }
    }
}

#[test]
fn a_recording_opens_from_any_path_that_belongs_to_it() {
    for name in
        ["a_4d_default", "b_sashimi", "b_brunoise", "g_prefix", "g_three_digits", "g_first_is_0001", "i_over_9999"]
    {
        let truth = manifest(name);
        let root = fixtures().join(name).join(truth["root"].as_str().unwrap());
        let mut paths = vec![root.clone(), root.parent().unwrap().to_owned()];
        for entry in std::fs::read_dir(&root).unwrap() {
            paths.push(entry.unwrap().path());
        }
        assert!(paths.len() > 3);
        for path in paths {
            let opened = open_path(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(opened.source.info().shape.dims(), dims(&truth["shape"]), "{}", path.display());
            assert_eq!(sha(&read_whole(opened.source.as_ref()).bytes), truth["sha256"], "{}", path.display());
        }
    }
    for prefix in ["fish1", "fish1_"] {
        let options = OpenOptions { prefix: Some(prefix.into()), ..OpenOptions::default() };
        assert!(open(fixtures().join("g_prefix/data"), &options).is_ok());
    }
    let options = OpenOptions { prefix: Some("fish2".into()), ..OpenOptions::default() };
    let error = open(fixtures().join("g_prefix/data"), &options).err().unwrap();
    assert!(error.message.contains("fish2"), "{error}");
}

#[test]
fn names_scale_and_rate_come_from_what_the_rigs_leave() {
    let info = |name: &str| std::sync::Arc::clone(open_named(name).source.info());
    let sashimi = info("b_sashimi");
    assert_eq!((sashimi.name.as_str(), sashimi.format.as_str()), ("exp", "split dataset (sashimi)"));
    let voxel = sashimi.voxel_size.unwrap();
    assert_eq!((voxel.z_um, voxel.y_um, voxel.x_um, sashimi.rate_hz), (10.0, 0.6, 0.6, Some(3.0)));
    let brunoise = info("b_brunoise");
    assert_eq!((brunoise.format.as_str(), brunoise.rate_hz), ("split dataset (brunoise)", Some(2.0)));
    let resolution = info("g_key_stack").voxel_size.unwrap();
    assert_eq!((resolution.z_um, resolution.y_um, resolution.x_um), (8.0, 0.6, 0.6));
    assert_eq!(info("a_4d_default").voxel_size, None, "the default of ones is no scale");
    assert_eq!(info("a_4d_default").format, "split dataset (split_dataset)");
    assert_eq!(info("g_three_digits").format, "split dataset (fimpy)");
}

#[test]
fn two_channels_are_offered_as_two_datasets() {
    let truth = manifest("b_brunoise_both");
    for path in ["exp", "exp/original"] {
        let path = fixtures().join("b_brunoise_both").join(path);
        for (dataset, sha256) in [("green", &truth["sha256"]), ("red", &truth["second_sha256"])] {
            let options = OpenOptions { dataset: Some(dataset.into()), ..OpenOptions::default() };
            let opened = open(&path, &options).unwrap();
            let offered: Vec<_> = opened.datasets.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!((offered, opened.datasets[opened.chosen].name.as_str()), (vec!["green", "red"], dataset));
            assert_eq!(sha(&read_whole(opened.source.as_ref()).bytes), *sha256);
            // Shown together, whichever of them was named.
            let [green, red] = &opened.channels[..] else { panic!("{} channels", opened.channels.len()) };
            for (channel, name, light, sha256) in
                [(green, "green", [0, 255, 0], &truth["sha256"]), (red, "red", [255, 0, 0], &truth["second_sha256"])]
            {
                assert_eq!((channel.name.as_str(), channel.color, channel.is_visible), (name, Some(light), true));
                assert_eq!(sha(&read_whole(channel.levels[0].as_ref()).bytes), *sha256);
                assert!(channel.growing.is_some(), "each is followed");
                assert_eq!(Arc::ptr_eq(&channel.levels[0], &opened.source), name == dataset);
            }
        }
    }
    // One of the two alone, by its own folder.
    let green = fixtures().join("b_brunoise_both/exp/original/green");
    assert!(open(&green, &OpenOptions::default()).unwrap().channels.is_empty());
    // Autumn 2020: both inside each file. Channel 0 is in the manifest; channel 1 is the planes between.
    let root = fixtures().join("b_brunoise_2020_two_channels_in_z/exp/original");
    let options = OpenOptions { dataset: Some("channel1".into()), ..OpenOptions::default() };
    let opened = open(&root, &options).unwrap();
    assert_eq!(opened.datasets.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["channel0", "channel1"]);
    let Whole { bytes, missing } = read_whole(opened.source.as_ref());
    assert!(missing.is_empty());
    for (i, at) in indices(&[12, 3, 10, 12]).enumerate() {
        let wanted = (at[0] * 1000 + (2 * at[1] + 1) * 100 + at[2] * 10 + at[3]) as f64 * 0.25 - 1000.0;
        assert_eq!(value_at(&bytes, DType::F32, i), wanted);
    }
    let opened = open(&root, &OpenOptions::default()).unwrap();
    let names: Vec<_> = opened.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["channel 0", "channel 1"]);
    assert_eq!(read_whole(opened.channels[1].levels[0].as_ref()).bytes, bytes);
    let options = OpenOptions { dataset: Some("blue".into()), ..OpenOptions::default() };
    let error = open(&root, &options).err().unwrap();
    assert!(error.message.contains("blue"), "{error}");
}

#[test]
fn axes_are_told_where_they_can_be_and_can_be_set() {
    let letters = |opened: &Opened| -> String {
        opened.source.info().axes.iter().map(|axis| axis.map_or('_', Axis::letter)).collect()
    };
    for (name, axes) in [("a_4d_default", "tzyx"), ("c_3d_tyx", "tyx"), ("g_anatomy_3d", "zyx"), ("c_2d", "yx")] {
        let opened = open_named(name);
        assert_eq!(letters(&opened), axes, "{name}");
        assert_eq!(codes(opened.source.as_ref()).contains(&"axes_guessed"), axes.len() == 3, "{name}");
    }
    let root = fixtures().join("c_3d_tyx/data");
    let with = |axes: &str| open(&root, &OpenOptions { axes: Some(axes.into()), ..OpenOptions::default() });
    let opened = with("zyx").unwrap();
    assert_eq!((letters(&opened), codes(opened.source.as_ref())), ("zyx".into(), vec![]));
    assert!(with("tzyx").err().unwrap().message.contains("--axes"));
}

#[test]
fn single_files_open_by_their_most_image_like_array() {
    let truth = manifest("g_single_files");
    let folder = fixtures().join("g_single_files/data");
    for (file, array) in [("array.h5", "data"), ("dict_stack.h5", "stack_4D"), ("no_stack.h5", "shift")] {
        let opened = untouched(&folder, || open_path(&folder.join(file)).unwrap());
        assert_eq!(opened.datasets[opened.chosen].name, array);
        check_truth(file, opened.source.as_ref(), &truth);
    }
    let opened = open_path(&folder.join("dict_stack.h5")).unwrap();
    assert_eq!(opened.datasets.len(), 2, "shifts can be asked for");
    let error = open_path(&folder.join("list.h5")).err().unwrap();
    assert_eq!(error.file.short(), "list.h5", "{error}");
    let error = open_path(&folder).err().unwrap();
    assert!(error.message.contains("array.h5"), "{error}");
}

/// The undamaged content of the `i_*` fixtures.
fn formula(index: &[usize]) -> f64 {
    ((1000 * index[0] + 100 * index[1] + 10 * index[2] + index[3]) % 65536) as f64
}

/// Reads a damaged dataset: what is there must be the truth, and exactly the timepoints of `gone` must not be.
fn check_damaged(name: &str, num_t: usize, gone: &[usize]) -> Vec<&'static str> {
    let folder = fixtures().join(name);
    untouched(&folder, || {
        let opened = open_named(name);
        let source = opened.source.as_ref();
        let info = source.info();
        assert_eq!(info.shape.dims(), [num_t, 3, 16, 18], "{name}");
        assert_eq!(info.dtype, DType::U16, "{name}");
        let whole = read_whole(source);
        for (i, at) in indices(info.shape.dims()).enumerate() {
            assert_eq!(whole.is_missing(&at), gone.contains(&at[0]), "{name} {at:?}");
            if !whole.is_missing(&at) {
                assert_eq!(value_at(&whole.bytes, info.dtype, i), formula(&at), "{name} {at:?}");
            }
        }
        // Reading again finds the same, and names nothing twice.
        let before = source.problems();
        assert_eq!(read_whole(source).bytes.len(), whole.bytes.len());
        assert_eq!(source.problems(), before);
        let mut named: Vec<_> = before.iter().map(|problem| (problem.code, problem.file.clone())).collect();
        named.sort();
        named.dedup();
        assert_eq!(named.len(), before.len(), "{name}: {before:?}");
        codes(source)
    })
}

#[test]
fn damaged_recordings_show_what_is_there_and_name_what_is_not() {
    let block = [4, 5, 6, 7];
    for (name, num_t, gone, expected) in [
        ("i_missing_middle", 12, &block[..], &["missing_block"][..]),
        ("i_missing_last", 8, &[], &["stopped_early"]),
        ("i_shape_too_large", 12, &[], &["stopped_early"]),
        ("i_shape_too_small", 12, &[], &["longer_than_claimed"]),
        ("i_wrong_yx", 12, &[], &["metadata_contradicts"]),
        ("i_wrong_ndim", 12, &[], &["metadata_contradicts"]),
        ("i_bad_chunk", 12, &block, &["bad_chunk"]),
        ("i_bad_superblock", 12, &block, &["unreadable_block"]),
        ("i_text_as_h5", 12, &block, &["unreadable_block"]),
        ("i_json_garbage", 12, &[], &["metadata_unreadable"]),
        ("i_json_empty_file", 12, &[], &["metadata_unreadable"]),
        ("i_json_no_keys", 12, &[], &["metadata_values"]),
        ("i_json_bad_values", 12, &[], &["metadata_values"]),
        ("i_json_zero_block", 12, &[], &["metadata_values"]),
        ("i_json_negative", 12, &[], &["metadata_values"]),
        ("i_json_huge", 12, &[], &["metadata_contradicts"]),
        ("i_extra_file", 12, &[], &[]),
        ("i_no_stack_key", 12, &block, &["no_array"]),
        ("i_other_dtype", 12, &[], &["other_dtype"]),
        ("i_other_key", 12, &[], &[]),
        ("i_short_middle", 12, &block[2..], &["short_block"]),
        ("i_over_9999", 12, &[], &[]),
    ] {
        assert_eq!(check_damaged(name, num_t, gone), expected, "{name}");
    }
    for (name, code, file) in [
        ("i_missing_middle", "missing_block", "0001.h5"),
        ("i_stale_blocks", "suspect_block", "0003.h5"),
        ("i_json_huge", "metadata_contradicts", "stack_metadata.json"),
    ] {
        assert_eq!(file_names(open_named(name).source.as_ref(), code), [file], "{name}");
    }
}

#[test]
fn what_holds_no_recording_is_refused_with_the_file_named() {
    let root = fixtures();
    for (path, file) in [
        ("i_empty_folder/data", "data"),
        ("i_empty_folder", "i_empty_folder"),
        ("i_json_only/data", "stack_metadata.json"),
        ("i_json_only/data/stack_metadata.json", "stack_metadata.json"),
        ("i_text_as_h5/data/nothing_here", "nothing_here"),
        ("index.json", "index.json"),
        ("i_empty_folder/data/.keep", ".keep"),
    ] {
        let error = untouched(&root, || open_path(&root.join(path)).err()).unwrap_or_else(|| panic!("{path} opened"));
        assert_eq!(error.file.short(), file, "{path}: {error}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn running_recordings_hold_exactly_what_is_whole() {
    let intact = read_whole(open_named("h_live_clean").source.as_ref());
    assert_eq!(sha(&intact.bytes), manifest("h_live_clean")["sha256"]);
    for name in names().iter().filter(|name| name.starts_with("h_")) {
        let truth = manifest(name);
        untouched(&fixtures().join(name), || {
            let opened = open_named(name);
            let source = opened.source.as_ref();
            let shape = source.info().shape;
            assert_eq!(shape.dims()[1..], [4, 40, 48], "{name}");
            let all = read_whole(source);
            let volume = 4 * 40 * 48 * 2;
            assert_eq!(sha(&all.bytes[..12 * volume]), truth["sha256"], "{name}");
            // Beyond that only what was flushed of the fourth block, which repeats t = 8 and on.
            for (t, bytes) in all.bytes.chunks(volume).enumerate() {
                let gone = (0..4).filter(|&z| all.is_missing(&[t, z, 0, 0])).count();
                match t {
                    0..12 => assert_eq!(gone, 0, "{name} t={t}"),
                    _ if gone == 0 => {
                        assert_eq!(bytes, &intact.bytes[(t - 4) * volume..(t - 3) * volume], "{name} t={t}")
                    }
                    _ => assert_eq!(gone, 4, "{name} t={t}"),
                }
            }
            assert!(codes(source).contains(&"no_metadata"), "{name}");
            if name != "h_live_clean" && name != "h_live_open_flushed" {
                assert_eq!(shape.dims()[0], 12, "{name}");
                assert_eq!(file_names(source, "unfinished_block"), ["0003.h5"], "{name}: {:?}", source.problems());
            }
        });
    }
}
