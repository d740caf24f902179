//! Every way HDF5 keeps track of chunks (version 1 and 2 B-trees, extensible and fixed arrays, none, one
//! chunk alone): each voxel comes from its own chunk, and what was not written is missing.

use std::path::Path;

use proptest::prelude::*;
use tectum::format::Filled;
use tectum::format::hdf5::H5Array;
use tectum::volume::{DType, MAX_RANK, Region, Shape};

use super::random::crop;
use super::writer::{Spec, write};
use super::{read, read_through_library};

/// Every voxel has a value of its own, none of them 0.
fn numbers(shape: &[usize]) -> Vec<u8> {
    (1..=shape.iter().product::<usize>() as u32).flat_map(u32::to_le_bytes).collect()
}

/// Boxes of the chunks at positions that were left out.
fn holes(spec: &Spec) -> Vec<Region> {
    let whole = Region::whole(&Shape::new(&spec.shape).unwrap());
    let (mut found, mut position) = (Vec::new(), 0);
    let chunk = spec.chunk.as_ref().unwrap();
    let counts: Vec<usize> = spec.shape.iter().zip(chunk).map(|(dim, step)| dim.div_ceil(*step)).collect();
    let total: usize = counts.iter().product();
    while position < total {
        if spec.skip.is_some_and(|skip| skip(position)) {
            let (mut region, mut rest) = (whole, position);
            for axis in (0..counts.len()).rev() {
                let start = rest % counts[axis] * chunk[axis];
                region = region.with_axis(axis, start, (start + chunk[axis]).min(spec.shape[axis]));
                rest /= counts[axis];
            }
            found.push(region);
        }
        position += 1;
    }
    found
}

/// Writes what `spec` says and reads all of it and a part, directly and through the library.
fn check(path: &Path, spec: &Spec, cut: &[(usize, usize)]) {
    let data = numbers(&spec.shape);
    write(path, spec, &data);
    let array = H5Array::open(path, "a/stack").unwrap();
    let holes = holes(spec);
    let (written, expected) = array.allocation();
    assert_eq!(expected - written, holes.len() as u64, "{spec:?}");
    assert_eq!(array.stored_chunks().len() as u64, written, "the list of chunks was refused: {spec:?}");
    assert_eq!(array.is_whole(), holes.is_empty());
    let whole = Region::whole(&array.header().shape);
    let mut part = whole;
    for (axis, (&dim, cut)) in spec.shape.iter().zip(cut).enumerate() {
        let (a, b) = (cut.0 * dim / 100, cut.1 * dim / 100);
        part = part.with_axis(axis, a.min(b), a.max(b) + 1);
    }
    for region in [whole, part] {
        let expected = crop(&data, &spec.shape, &region, spec.dtype);
        let gone: Vec<Region> = holes.iter().filter_map(|hole| hole.intersect(&region)).collect();
        if gone.is_empty() {
            assert!(read_through_library(&array, &region) == expected, "the library, {region}: {spec:?}");
        }
        match read(&array, &region) {
            Ok((Filled::All, bytes)) => {
                assert!(gone.is_empty() && bytes == expected, "{region}: {spec:?}");
            }
            Ok((Filled::Except(missing, _), bytes)) => {
                assert_eq!(missing, gone, "{spec:?}");
                let mut blanked = expected;
                for hole in &gone {
                    let zeros = vec![0; hole.shape().num_bytes(spec.dtype).unwrap()];
                    tectum::volume::copy_region(&zeros, hole, &mut blanked, &region, spec.dtype.num_bytes());
                }
                assert!(bytes == blanked, "{region}: {spec:?}");
            }
            Err(error) => {
                let lost: usize = gone.iter().map(|hole| hole.shape().num_voxels().unwrap()).sum();
                assert_eq!(Some(lost), region.shape().num_voxels(), "{error}: {spec:?}");
            }
        }
    }
}

#[test]
fn every_choice_of_unlimited_axes_reads_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let shapes = [3usize, 4, 5, 2, 3];
    for rank in 1..=5 {
        for unlimited in 0..1usize << rank {
            for latest in [false, true] {
                let shape = &shapes[..rank];
                let mut spec = Spec::new(shape, Some(&[1, 2, 2, 1, 2][..rank]), DType::U32);
                let axes = shape.iter().enumerate();
                // Limited axes may grow a little: chunks are counted by what they may grow to.
                spec.max = Some(axes.map(|(i, &dim)| (unlimited & 1 << i == 0).then_some(dim + 3 * (i % 2))).collect());
                spec.latest = latest;
                for deflate in [None, Some(1)] {
                    spec.deflate = deflate;
                    spec.skip = None;
                    check(&path, &spec, &[(40, 90); 5]);
                    spec.skip = Some(|position| position % 3 == 1);
                    check(&path, &spec, &[(40, 90); 5]);
                }
            }
        }
    }
}

#[test]
fn the_growing_axis_in_second_place_reads_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let mut spec = Spec::new(&[4, 4, 8, 8], Some(&[1, 1, 8, 8]), DType::U32);
    (spec.latest, spec.max) = (true, Some(vec![Some(4), None, Some(8), Some(8)]));
    check(&path, &spec, &[(0, 0), (0, 99), (0, 0), (0, 0)]);
    // Only chunks of the first timepoint, then only those of the first plane.
    for skip in [|position| position > 3, |position| position % 4 != 0] as [fn(usize) -> bool; 2] {
        spec.skip = Some(skip);
        check(&path, &spec, &[(0, 30); 4]);
    }
}

fn specs() -> impl Strategy<Value = (Spec, Vec<(usize, usize)>)> {
    let axes = prop::collection::vec((1usize..9, 1usize..5, any::<bool>(), 0usize..4, 1usize..12), 1..=MAX_RANK.min(6));
    type Skip = fn(usize) -> bool;
    let skips: Vec<Option<Skip>> =
        vec![None, None, Some(|position| position % 2 == 1), Some(|position| position > 4), Some(|_| true)];
    let codec = prop::sample::select(vec![0, 1, 2, 3]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let cuts = prop::collection::vec((0usize..100, 0usize..100), MAX_RANK);
    (axes, prop::sample::select(skips), codec, flags, cuts).prop_map(|(axes, skip, codec, flags, cuts)| {
        let mut axes = axes;
        while axes.iter().map(|axis| axis.0).product::<usize>() > 4000 {
            axes.pop();
        }
        let (latest, early, plain_edges, is_resized) = flags;
        let shape: Vec<_> = axes.iter().map(|axis| axis.0).collect();
        let chunk: Vec<_> = axes.iter().map(|axis| axis.1).collect();
        let mut spec = Spec::new(&shape, Some(&chunk), DType::U32);
        spec.latest = latest;
        spec.max = Some(axes.iter().map(|axis| (!axis.2).then_some(axis.0.max(axis.1).max(axis.4) + axis.3)).collect());
        match codec {
            1 => (spec.shuffle, spec.deflate) = (true, Some(2)),
            2 => spec.fletcher32 = true,
            3 => spec.blosc = Some((c"lz4", 0)),
            _ => {}
        }
        spec.plain_edges = plain_edges && matches!(codec, 1 | 2);
        spec.skip = skip;
        // Both would write chunks that are to be left out.
        if skip.is_none() && codec != 3 {
            spec.early = early;
            spec.resized_from = is_resized.then(|| axes.iter().map(|axis| axis.4).collect());
        }
        (spec, cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_layouts_read_right((spec, cuts) in specs()) {
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("0000.h5"), &spec, &cuts);
    }
}

#[test]
fn a_list_of_chunks_that_contradicts_itself_is_left_to_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let spec = Spec::new(&[6, 4, 5], Some(&[1, 4, 5]), DType::U32);
    write(&path, &spec, &numbers(&spec.shape));
    let good = std::fs::read(&path).unwrap();
    // A key of a version 1 B-tree: size, mask, then one offset for each axis and one within the voxel.
    let key = |t: u64| [80u32.to_le_bytes().to_vec(), vec![0; 4], t.to_le_bytes().to_vec(), vec![0; 24]].concat();
    let find = |t| good.windows(40).position(|window| window == key(t)).unwrap();
    let whole = Region::new(&[0, 0, 0], &[6, 4, 5]).unwrap();
    let mut num_refused = 0;
    for (t, told) in [(3, 2), (3, 4), (2, 9), (5, 77), (1, 5)] {
        let mut bad = good.clone();
        bad[find(t)..][..40].copy_from_slice(&key(told));
        std::fs::write(&path, &bad).unwrap();
        let Ok(array) = H5Array::open(&path, "a/stack") else { continue };
        num_refused += usize::from(array.stored_chunks().is_empty());
        for t in 0..6 {
            let plane = whole.with_axis(0, t, t + 1);
            if let Ok((Filled::All, bytes)) = read(&array, &plane) {
                assert_eq!(bytes, read_through_library(&array, &plane), "t {t}");
            }
        }
    }
    assert!(num_refused >= 4, "only {num_refused} of 5 lists were refused");
    // Two chunks in one place.
    let mut bad = good.clone();
    let address = bad[find(2) + 40..][..8].to_vec();
    bad[find(4) + 40..][..8].copy_from_slice(&address);
    std::fs::write(&path, &bad).unwrap();
    let array = H5Array::open(&path, "a/stack").unwrap();
    let Filled::Except(missing, error) = read(&array, &whole).unwrap().0 else { panic!("two chunks in one place") };
    assert_eq!(missing, [2, 4].map(|t| whole.with_axis(0, t, t + 1)));
    assert!(error.message.contains("impossible place"), "{error}");
}
