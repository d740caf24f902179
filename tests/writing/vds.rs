//! Promise: a virtual dataset over a recording is the recording, whatever its layout, and nothing is copied.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tectum::dispatch_dtype;
use tectum::format::{OpenOptions, Source, open};
use tectum::volume::{Axis, DType, Region, Shape, Voxel};
use tectum::write::vds::{Over, VirtualDataset, VirtualOptions, write_file};

use crate::common::{Whole, fixtures, read_whole, state_of};

fn options() -> VirtualOptions {
    VirtualOptions {
        dataset: "data".to_owned(),
        over: Over::Axis(Axis::T),
        is_absolute: false,
        is_growing: false,
        is_forced: false,
    }
}

fn write(made: &VirtualDataset, out: &Path, fill: &[u8], options: &VirtualOptions) {
    write_file(&made.bytes(out, fill, options).unwrap(), out, options.is_forced).unwrap();
}

fn source(path: &Path) -> Option<Arc<dyn Source>> {
    open(path, &OpenOptions::default()).ok().map(|opened| opened.source)
}

/// Values as numbers, so that arrays of different types can be compared. Integers of 64 bits keep all of theirs.
fn numbers(dtype: DType, bytes: &[u8]) -> Vec<[u64; 2]> {
    let number = |bytes: &[u8]| match dtype {
        DType::I64 => [1, i64::from_le_bytes(bytes.try_into().unwrap()) as u64],
        DType::U64 => [1, u64::from_le_bytes(bytes.try_into().unwrap())],
        _ => dispatch_dtype!(dtype, V => {
            [0, bytemuck::pod_read_unaligned::<V>(bytes).to_f64().to_bits()]
        }),
    };
    bytes.chunks_exact(dtype.num_bytes()).map(number).collect()
}

fn assert_same(what: &str, a: (&dyn Source, &Whole), b: (&dyn Source, &Whole)) {
    let (shape, other) = (a.0.info().shape, b.0.info().shape);
    assert_eq!(shape, other, "{what}");
    let (left, right) = (numbers(a.0.info().dtype, &a.1.bytes), numbers(b.0.info().dtype, &b.1.bytes));
    let mut num_compared = 0;
    for (i, index) in Region::whole(&shape).indices().enumerate() {
        if !a.1.is_missing(&index[..shape.rank()]) {
            assert_eq!(left[i], right[i], "{what} at {index:?}");
            num_compared += 1;
        }
    }
    assert!(num_compared > 0, "{what}");
}

#[test]
fn every_split_dataset_reads_the_same_through_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut num = 0;
    let mut names: Vec<PathBuf> = fixtures().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for fixture in names.iter().filter(|path| path.join("manifest.json").is_file()) {
        let name = fixture.file_name().unwrap().to_string_lossy().into_owned();
        let manifest = std::fs::read_to_string(fixture.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let Some(split) = source(&fixture.join(manifest["root"].as_str().unwrap_or_default())) else { continue };
        let before = state_of(fixture);
        let out = folder.path().join(format!("{name}.h5"));
        let made = match VirtualDataset::new(&[Arc::clone(&split)], &out, &options()) {
            Ok(made) => made,
            Err(error) => panic!("{name}: {error:#}"),
        };
        write(&made, &out, &vec![0; made.dtype().num_bytes()], &options());
        let read = source(&out).unwrap_or_else(|| panic!("{name}: {:?}", open(&out, &OpenOptions::default()).err()));
        assert_same(&name, (&*split, &read_whole(&*split)), (&*read, &read_whole(&*read)));
        assert_eq!(made.gaps().is_empty(), split.stored_parts().iter().all(|part| part.held.is_ok()), "{name}");
        let (info, own) = (read.info(), split.info());
        assert_eq!((&info.axes, info.voxel_size), (&own.axes, own.voxel_size), "{name}");
        assert_eq!(state_of(fixture), before, "{name}: nothing of the recording was touched");
        num += 1;
    }
    assert!(num >= 60, "{num}");
}

/// A block of (2, 3, 8, 8) voxels at a timepoint, as a file of one array.
fn block(path: &Path, dataset: &str, first: u16) {
    let dims = [2usize, 3, 8, 8];
    let voxels: Vec<u16> = (0..dims.iter().product::<usize>()).map(|i| first + i as u16).collect();
    let file = hdf5::File::create(path).unwrap();
    let array = ndarray::ArrayView::from_shape(dims, &voxels).unwrap();
    file.new_dataset_builder().with_data(array).create(dataset).unwrap();
}

#[test]
fn files_follow_one_another_along_any_axis() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..3).map(|i| folder.path().join(format!("part {i} at 50%.h5"))).collect();
    files.iter().enumerate().for_each(|(i, file)| block(file, "stack", 1000 * i as u16));
    let sources: Vec<_> = files.iter().map(|file| source(file).unwrap()).collect();
    let first = read_whole(&*sources[2]).bytes;
    for (over, shape, at) in [
        (Over::Axis(Axis::T), Shape::from([6, 3, 8, 8]), Region::new(&[4, 0, 0, 0], &[6, 3, 8, 8])),
        (Over::Position(3), Shape::from([2, 3, 8, 24]), Region::new(&[0, 0, 0, 16], &[2, 3, 8, 24])),
        (Over::New, Shape::from([3, 2, 3, 8, 8]), Region::new(&[2, 0, 0, 0, 0], &[3, 2, 3, 8, 8])),
    ] {
        let out = folder.path().join("all.h5");
        let options = VirtualOptions { over, is_forced: true, is_absolute: over == Over::New, ..options() };
        let made = VirtualDataset::new(&sources, &out, &options).unwrap();
        write(&made, &out, &[0, 0], &options);
        let read = source(&out).unwrap();
        assert_eq!(read.info().shape, shape);
        assert_eq!(crate::common::read_region(&*read, &at.unwrap()).bytes, first, "{over:?}");
    }
}

#[test]
fn a_missing_block_is_named_and_reads_as_the_fill_value() {
    let folder = tempfile::tempdir().unwrap();
    let split = source(&fixtures().join("i_missing_middle/data")).unwrap();
    let out = folder.path().join("out.h5");
    let made = VirtualDataset::new(&[Arc::clone(&split)], &out, &options()).unwrap();
    let [gap] = made.gaps() else { panic!("{:?}", made.gaps()) };
    assert!(gap.why.ends_with("the block is missing"), "{}", gap.why);
    write(&made, &out, &777u16.to_le_bytes(), &options());
    let read = source(&out).unwrap();
    // A gap of a virtual dataset is its fill value, and said to be one: nothing of it was measured.
    let whole = read_whole(&*read);
    let shape = read.info().shape;
    for (i, index) in Region::whole(&shape).indices().enumerate() {
        if gap.region.contains(&index[..shape.rank()]) && !whole.is_missing(&index[..shape.rank()]) {
            assert_eq!(whole.bytes[2 * i..2 * i + 2], 777u16.to_le_bytes());
        }
    }
}

#[test]
fn a_growing_one_has_the_blocks_that_come() {
    let folder = tempfile::tempdir().unwrap();
    let rec = folder.path().join("rec");
    std::fs::create_dir(&rec).unwrap();
    (0..2).for_each(|i| block(&rec.join(format!("cam1_{i}.h5")), "stack_4D", 1000 * i));
    let files = |n| (0..n).map(|i| source(&rec.join(format!("cam1_{i}.h5"))).unwrap()).collect::<Vec<_>>();
    let out = folder.path().join("out.h5");
    let growing = VirtualOptions { is_growing: true, ..options() };
    let made = VirtualDataset::new(&files(2), &out, &growing).unwrap();
    write(&made, &out, &[0, 0], &growing);
    assert_eq!(source(&out).unwrap().info().shape, Shape::from([4, 3, 8, 8]));
    (2..11).for_each(|i| block(&rec.join(format!("cam1_{i}.h5")), "stack_4D", 1000 * i));
    let read = source(&out).unwrap();
    assert_eq!(read.info().shape, Shape::from([22, 3, 8, 8]));
    let last = crate::common::read_region(&*read, &Region::new(&[20, 0, 0, 0], &[22, 3, 8, 8]).unwrap());
    assert_eq!(last.bytes, read_whole(&*source(&rec.join("cam1_10.h5")).unwrap()).bytes);
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |sources: &[Arc<dyn Source>], out: &Path, options: &VirtualOptions| {
        let error = VirtualDataset::new(sources, out, options).err().map(|error| format!("{error:#}"));
        error.unwrap_or_default()
    };
    let growing = VirtualOptions { is_growing: true, ..options() };
    let out = folder.path().join("out.h5");
    let split = source(&fixtures().join("a_4d_default/data")).unwrap();
    let said = refused(&[Arc::clone(&split)], &out, &growing);
    assert!(said.contains("cannot grow: ") && said.contains("blocks must all be alike"), "{said}");
    let zeros = folder.path().join("rec");
    std::fs::create_dir(&zeros).unwrap();
    (0..2).for_each(|i| block(&zeros.join(format!("000{i}.h5")), "stack_4D", 1000 * i));
    let said = refused(&[source(&zeros).unwrap()], &out, &growing);
    assert!(said.contains("without leading zeros"), "{said}");
    let padded = source(&fixtures().join("d_padding/data")).unwrap();
    assert!(refused(&[padded], &out, &growing).contains("cannot grow: "));
    let inside = fixtures().join("a_4d_default/data/out.h5");
    assert!(refused(&[Arc::clone(&split)], &inside, &options()).contains("never written to"));
    let tiff = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/tiff/imagej_stack.tif");
    assert!(refused(&[source(&tiff).unwrap()], &out, &options()).contains("is no array of an HDF5 file"));
    let other = source(&fixtures().join("c_3d_tyx/data")).unwrap();
    assert!(refused(&[split, other], &out, &options()).contains("does not go with"));
    let [a, b] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    block(&a, "stack", 0);
    block(&b, "stack", 0);
    let sources = [source(&a).unwrap(), source(&b).unwrap()];
    let forced = VirtualOptions { is_forced: true, ..options() };
    assert!(refused(&sources, &b, &options()).contains("exists already"));
    assert!(refused(&sources, &b, &forced).contains("never written to"), "{}", refused(&sources, &b, &forced));
    assert!(!out.exists());
}
