//! OME-Zarr that is written is what was there when it is read, however it is cut, compressed, and in whatever order.

use std::path::Path;
use std::sync::Arc;

use tectum::format::memory::MemorySource;
use tectum::format::{OpenOptions, Opened, open};
use tectum::volume::{DType, Region, Shape, ValueScale, VoxelSize};
use tectum::write::{ChannelLook, Place, Subject, Target, TargetOptions, zarr::ZarrTarget};

use crate::hands::{Dice, files_below, whole, write_all, write_piece};

fn subject(source: MemorySource) -> Subject {
    Subject { source: Arc::new(source), channels: Vec::new() }
}

fn of(letters: &str, dims: &[usize], dtype: DType, dice: &mut Dice) -> MemorySource {
    let shape = Shape::new(dims).unwrap();
    let bytes = dice.voxels(dtype, &shape);
    let grid: Vec<usize> = dims.iter().map(|dim| (dim / 2).max(1)).collect();
    MemorySource::new(dtype, shape, letters, &grid, bytes).unwrap()
}

fn opened(path: &Path) -> Opened {
    open(path, &OpenOptions::default()).unwrap()
}

#[test]
fn random_arrays_come_back_in_every_type_cut_and_order() {
    let mut dice = Dice(0x5eed);
    let letters = ["yx", "zyx", "tzyx", "tczyx"];
    let codecs =
        ["none", "gzip:1", "zstd:1", "blosc:lz4:5", "blosc:zstd:3", "blosc:blosclz", "blosc:zlib:1", "blosc:lz4hc"];
    for round in 0..36 {
        let dtype = DType::ALL[round % DType::ALL.len()];
        let letters = letters[dice.roll(4)];
        let dims: Vec<usize> = letters.chars().map(|_| 1 + dice.roll(if letters.len() > 3 { 7 } else { 23 })).collect();
        let chunk: Vec<usize> = dims.iter().map(|dim| (dim / 4).max(1) + dice.roll(*dim)).collect();
        let shard: Vec<usize> = chunk.iter().map(|chunk| chunk * (1 + dice.roll(3))).collect();
        let options = TargetOptions {
            chunk: (dice.roll(4) > 0).then_some(chunk),
            shard: None,
            compression: Some(codecs[dice.roll(codecs.len())].parse().unwrap()),
            levels: Some(1 + dice.roll(3)),
            ..TargetOptions::default()
        };
        let shard = if options.chunk.is_some() { shard } else { Vec::new() };
        let options = TargetOptions { shard: (dice.roll(2) > 0).then_some(shard), ..options };
        let source = of(letters, &dims, dtype, &mut dice);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, dice: &mut Option<Dice>| {
            let path = folder.path().join(name);
            let target = ZarrTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
            write_all(&source, &target, dice).unwrap();
            path
        };
        let path = write("a.zarr", &mut None);
        let found = opened(&path);
        let info = found.source.info();
        let shown = format!("{round}: {letters} {dims:?} {dtype} {options:?}");
        assert_eq!((info.shape, info.dtype), (Shape::new(&dims).unwrap(), dtype), "{shown}");
        assert_eq!(info.axes_in_letters(), letters, "{shown}");
        assert!(whole(&*found.source) == whole(&source), "{shown}");
        let other = write("b.zarr", &mut Some(Dice(7 + round as u64)));
        assert!(files_below(&path) == files_below(&other), "{shown}");
    }
}

/// What a coarser resolution is, from its definition, in numbers that hold all of them.
fn coarser(source: &dyn tectum::format::Source, factors: &[usize], is_mean: bool) -> Vec<f64> {
    let info = source.info();
    let (bytes, item) = (whole(source), info.dtype.num_bytes());
    let value = |at: &[usize]| -> f64 {
        let first = info.shape.offset(at).unwrap() * item;
        let raw = &bytes[first..first + item];
        match info.dtype {
            DType::U8 => f64::from(raw[0]),
            DType::I16 => f64::from(i16::from_le_bytes(raw.try_into().unwrap())),
            DType::F32 => f64::from(f32::from_le_bytes(raw.try_into().unwrap())),
            other => panic!("{other}"),
        }
    };
    let dims: Vec<usize> = info.shape.dims().iter().zip(factors).map(|(dim, factor)| dim.div_ceil(*factor)).collect();
    let rank = dims.len();
    Region::whole(&Shape::new(&dims).unwrap())
        .indices()
        .map(|at| {
            let start: Vec<usize> = (0..rank).map(|i| at[i] * factors[i]).collect();
            if !is_mean {
                return value(&start);
            }
            let stop: Vec<usize> = (0..rank).map(|i| (start[i] + factors[i]).min(info.shape.dims()[i])).collect();
            let values: Vec<f64> = Region::new(&start, &stop).unwrap().indices().map(|at| value(&at[..rank])).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            if info.dtype == DType::F32 { f64::from(mean as f32) } else { mean.round_ties_even() }
        })
        .collect()
}

#[test]
fn each_resolution_is_made_of_the_one_before() {
    let mut dice = Dice(0xbead);
    for (dtype, rule) in
        [(DType::U8, None), (DType::I16, Some("mean")), (DType::F32, None), (DType::I16, Some("nearest"))]
    {
        let source = of("tzyx", &[2, 5, 37, 22], dtype, &mut dice);
        let source = source.with_info(|info| info.voxel_size = Some(VoxelSize::of([1.0; 3])));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zarr");
        let options = TargetOptions {
            chunk: Some(vec![1, 2, 8, 5]),
            shard: (dtype == DType::U8).then(|| vec![2, 4, 16, 5]),
            levels: Some(4),
            downsample: rule.map(str::to_owned),
            ..TargetOptions::default()
        };
        let target = ZarrTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
        write_all(&source, &target, &mut Some(Dice(3))).unwrap();
        let found = opened(&path);
        assert_eq!(found.levels.len(), 3);
        let levels: Vec<_> = std::iter::once(&found.source).chain(&found.levels).collect();
        for pair in levels.windows(2) {
            let wanted = coarser(&**pair[0], &[1, 2, 2, 2], rule != Some("nearest"));
            assert_eq!(coarser(&**pair[1], &[1; 4], true), wanted, "{dtype} {rule:?}");
        }
        assert_eq!(levels[3].info().voxel_size, Some(VoxelSize::of([8.0; 3])));
    }
}

#[test]
fn what_is_known_is_carried_along() {
    let source = of("tczyx", &[2, 2, 3, 8, 9], DType::U16, &mut Dice(1)).with_info(|info| {
        info.name = "fish 7".into();
        info.voxel_size = Some(VoxelSize::of([4.0, 0.5, 0.25]));
        info.rate_hz = Some(2.5);
        info.value_scale = Some(ValueScale { factor: 0.5, offset: 1.0, unit: "V".into() });
    });
    let look = |name: &str, rgb, limits| ChannelLook { name: name.into(), rgb, limits };
    let channels = vec![look("GCaMP", Some([0, 255, 0]), Some([100.0, 900.0])), look("red \"2\"", None, None)];
    let subject = Subject { source: Arc::new(source.clone()), channels };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zarr");
    let target = ZarrTarget::new(&subject, &Place::new(&path, false), &TargetOptions::default()).unwrap();
    assert_eq!(target.not_carried(), ["meaning of values: × 0.5 + 1 V"]);
    write_all(&source, &target, &mut None).unwrap();
    let found = opened(&path);
    let info = found.source.info();
    assert_eq!((info.voxel_size, info.rate_hz), (Some(VoxelSize::of([4.0, 0.5, 0.25])), Some(2.5)));
    assert_eq!(info.format, "OME-Zarr 0.5");
    let told: Vec<_> =
        found.channels.iter().map(|channel| (channel.name.as_str(), channel.color, channel.limits)).collect();
    assert_eq!(told[0], ("GCaMP", Some([0, 255, 0]), Some([100.0, 900.0])));
    // All that the type holds is what stands where nobody has said limits.
    assert_eq!((told[1].0, told[1].2), ("red \"2\"", None));
    let group = std::fs::read_to_string(path.join("zarr.json")).unwrap();
    assert!(group.contains("fish 7") && group.contains("consolidated_metadata"));
}

#[test]
fn what_is_zero_is_left_out_and_what_only_looks_like_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for (is_negative, num) in [(false, 0), (true, 1)] {
        for is_sharded in [false, true] {
            let mut voxels = vec![0f64; 36];
            voxels[30] = if is_negative { -0.0 } else { 0.0 };
            let bytes = voxels.iter().flat_map(|value| value.to_le_bytes()).collect();
            let source = MemorySource::new(DType::F64, [6, 6].into(), "yx", &[6, 6], bytes).unwrap();
            let path = folder.path().join(format!("{is_negative}-{is_sharded}.zarr"));
            let options = TargetOptions {
                chunk: Some(vec![2, 2]),
                shard: is_sharded.then(|| vec![4, 4]),
                ..TargetOptions::default()
            };
            let target = ZarrTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
            write_all(&source, &target, &mut None).unwrap();
            let objects = files_below(&path);
            assert_eq!(objects.keys().filter(|name| !name.ends_with("zarr.json")).count(), num, "{objects:?}");
            assert!(whole(&*opened(&path).source) == whole(&source));
        }
    }
}

#[test]
fn nothing_opens_that_is_not_whole() {
    let source = of("zyx", &[4, 16, 16], DType::U16, &mut Dice(9));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zarr");
    let options = TargetOptions { chunk: Some(vec![1, 16, 16]), levels: Some(2), ..TargetOptions::default() };
    let target = ZarrTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
    target.prepare().unwrap();
    write_piece(&source, &target, 0).unwrap();
    assert!(!path.exists());
    // The coarser resolution is not there.
    assert!(target.finish().unwrap_err().to_string().contains("of 2 resolutions only 1"));
    // A piece that was begun and given up leaves nothing that could be taken for it.
    let mut piece = target.begin(0, false).unwrap();
    let region = target.chunks().cell_at(0).unwrap();
    piece.put(&region, Some(vec![1, 2, 3])).unwrap();
    drop(piece);
    assert!(whole(&*target.next().unwrap().unwrap().source) == whole(&*opened_stage(&source, &target)));
    assert!(!path.exists());
}

/// The stage behind, from a target that was written without accidents.
fn opened_stage(source: &MemorySource, target: &ZarrTarget) -> Arc<dyn tectum::format::Source> {
    write_piece(source, target, 0).unwrap();
    target.next().unwrap().unwrap().source
}

#[test]
fn arrays_without_voxels_are_written() {
    let folder = tempfile::tempdir().unwrap();
    for (i, dims) in [[0, 4, 4], [3, 0, 4], [0, 0, 0]].iter().enumerate() {
        let source = of("zyx", dims, DType::U16, &mut Dice(9));
        let path = folder.path().join(format!("{i}.zarr"));
        let options = TargetOptions { shard: (i == 1).then(Vec::new), levels: Some(0), ..TargetOptions::default() };
        let target = ZarrTarget::new(&subject(source.clone()), &Place::new(&path, false), &options).unwrap();
        write_all(&source, &target, &mut None).unwrap();
        let text = std::fs::read_to_string(path.join("0/zarr.json")).unwrap();
        assert!(text.contains("\"shape\""), "{dims:?}");
    }
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let source = of("zyx", &[4, 16, 16], DType::U16, &mut Dice(9));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let target =
        ZarrTarget::new(&subject(source), &Place::new(&file.join("a.zarr"), false), &TargetOptions::default()).unwrap();
    let error = format!("{:#}", target.prepare().unwrap_err());
    assert!(error.contains("a.zarr: cannot write") && error.lines().count() == 1, "{error}");
    assert!(target.begin(0, false).unwrap().put(&target.chunks().cell_at(0).unwrap(), Some(vec![1])).is_err());
    assert!(target.begin(1 << 40, false).is_err());
}
