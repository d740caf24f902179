//! Split datasets: blocks along any axes come back, as upstream lays them out; what was done stays done.

use std::sync::Arc;

use proptest::prelude::*;
use tectum::format::{Cancel, OpenOptions, open};
use tectum::volume::{DType, Severity, Shape, VoxelSize};
use tectum::write::{Kind, Records, Run, Start, TargetOptions};

use crate::common::{fixtures, read_whole};
use crate::convert::{plan, random, run};
use crate::hdf5::written;

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn every_array_comes_back(
        axes in prop::collection::vec((1usize..14, 1usize..6), 2..5),
        dtype in prop::sample::select(DType::ALL.to_vec()),
        block in prop::collection::vec(1usize..16, 4),
        chunk in prop::option::of(prop::collection::vec(1usize..12, 4)),
        buffer in 1usize..20_000,
        seed in any::<u64>(),
    ) {
        let (source, bytes) = random(dtype, &axes, seed);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let of_rank = |dims: Vec<usize>| dims[..axes.len()].to_vec();
        let options =
            TargetOptions { chunk: chunk.map(of_rank), block: Some(of_rank(block)), ..TargetOptions::default() };
        written(Kind::Split, Arc::new(source), &out, options, buffer).unwrap();
        let opened = open(out.as_path(), &OpenOptions::default()).unwrap().source;
        prop_assert_eq!(opened.info().dtype, dtype);
        prop_assert!(opened.problems().iter().all(|problem| problem.severity == Severity::Note));
        let dims: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        prop_assert_eq!(opened.info().shape.dims(), &dims[..]);
        let read = read_whole(&*opened);
        prop_assert!(read.missing.is_empty());
        prop_assert_eq!(read.bytes, bytes);
    }
}

#[test]
fn what_is_known_and_where_blocks_overlap_is_carried() {
    let (source, bytes) = random(DType::U16, &[(9, 1), (3, 1), (20, 20), (30, 30)], 3);
    let size = VoxelSize::of([10.0, 0.6, 0.5]);
    let source = source.with_info(|info| (info.voxel_size, info.rate_hz) = (Some(size), Some(3.5)));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (block, padding) = (Some(vec![3, 3, 20, 30]), Some(vec![1, 0, 0, 0]));
    let options = TargetOptions { block, padding, ..TargetOptions::default() };
    written(Kind::Split, Arc::new(source), &out, options, 5000).unwrap();
    let opened = open(out.as_path(), &OpenOptions::default()).unwrap().source;
    assert_eq!((opened.info().voxel_size, opened.info().rate_hz), (Some(size), Some(3.5)));
    assert_eq!(opened.info().shape.dims(), [9, 3, 20, 30]);
    assert!(read_whole(&*opened).bytes == bytes);
    let text = std::fs::read(out.join("stack_metadata.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["resolution"], serde_json::json!([1.0, 10.0, 0.6, 0.5]));
    assert_eq!(json["padding"], serde_json::json!([1, 0, 0, 0]));
    assert_eq!(json["axis_order"], "tzyx");
}

#[test]
fn whole_blocks_stay_when_a_run_goes_on() {
    let source = fixtures().join("a_4d_default/data");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut block = open(source.as_path(), &OpenOptions::default()).unwrap().source.info().shape.dims().to_vec();
    block[0] = 2;
    let options = TargetOptions { block: Some(block), ..TargetOptions::default() };
    let plan = plan(&source, &out, Kind::Split, options, 1).unwrap();
    let bytes = |folder: &std::path::Path| {
        let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
            .iter()
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap()))
            .collect::<Vec<_>>()
    };
    run(&plan, Start::New).unwrap();
    let wanted = bytes(&out);
    std::fs::remove_dir_all(&out).unwrap();
    let place = plan.target.place().unwrap();
    {
        // A process that was killed behind the second block.
        let _held = place.begin(&plan.to_json().unwrap(), Start::New).unwrap();
        let (subject, target) = plan.open(&OpenOptions::default()).unwrap();
        target.prepare().unwrap();
        let records = Records::of_stage(&place.records(), 0, &plan.hash().unwrap());
        let run = Run {
            source: &*subject.source,
            target: &*target,
            buffer: Shape::new(&plan.buffer).unwrap(),
            pieces: &[0, 1],
            is_resumed: false,
            cancel: &Cancel::new(),
        };
        run.run(&|piece, written| records.put(piece, written), &()).unwrap();
    }
    let part = folder.path().join("out.part/data");
    let first = part.join("0000.h5");
    let time = first.metadata().unwrap().modified().unwrap();
    std::fs::write(part.join(".0003.h5.99.part"), "of a process that was killed").unwrap();
    run(&plan, Start::Resumed).unwrap();
    assert!(bytes(&out) == wanted);
    assert_eq!(out.join("0000.h5").metadata().unwrap().modified().unwrap(), time, "it was there");
}

#[test]
fn more_blocks_than_names_sort_are_refused() {
    let (source, _) = random(DType::U8, &[(10_001, 100), (1, 1)], 3);
    let folder = tempfile::tempdir().unwrap();
    let options = TargetOptions { block: Some(vec![1, 1]), ..TargetOptions::default() };
    let error = written(Kind::Split, Arc::new(source), &folder.path().join("out"), options, 100).unwrap_err();
    assert!(error.to_string().contains("10001 blocks"), "{error}");
}
