//! HDF5 files: arrays of every type and cut come back, whatever compresses them; what is known of them is carried; a run
//! that was killed goes on to the same bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use proptest::prelude::*;
use tectum::format::{Cancel, OpenOptions, Source, open};
use tectum::volume::{DType, ValueScale, VoxelSize};
use tectum::write::{Kind, Place, Start, TargetOptions, Written, convert};

use crate::common::{fixtures, read_whole};
use crate::convert::{Until, plan, random, run, written_as};

pub fn written(
    kind: Kind,
    source: Arc<dyn Source>,
    out: &Path,
    options: TargetOptions,
    buffer: usize,
) -> anyhow::Result<Written> {
    let place = Place::new(out, false);
    let _held = place.begin("plan", Start::New).unwrap();
    written_as(kind, source, &place, options, buffer)
}

const CODECS: [&str; 10] = [
    "none",
    "gzip:1",
    "gzip:9",
    "lzf",
    "zstd:3",
    "blosc",
    "blosc:lz4:5",
    "blosc:lz4hc:3",
    "blosc:zlib:1",
    "blosc:zstd:3",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn every_array_comes_back(
        axes in prop::collection::vec((1usize..9, 1usize..6), 1..6),
        dtype in prop::sample::select(DType::ALL.to_vec()),
        codec in prop::sample::select(CODECS.to_vec()),
        chunk in prop::option::of(prop::collection::vec(1usize..12, 5)),
        buffer in 1usize..20_000,
        seed in any::<u64>(),
    ) {
        let (source, bytes) = random(dtype, &axes, seed);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.h5");
        let chunk = chunk.map(|chunk| chunk[..axes.len()].to_vec());
        let options = TargetOptions { chunk, compression: Some(codec.parse().unwrap()), ..TargetOptions::default() };
        let written = written(Kind::Hdf5, Arc::new(source), &out, options, buffer).unwrap();
        let file = std::fs::read(&out).unwrap();
        let told = Written { num_bytes: file.len() as u64, crc32c: tectum::codec::crc32c::checksum(&file) };
        prop_assert_eq!(written, told);
        // The library writes what it calls a filter at that moment, whoever reads beside.
        prop_assert!(!file.windows(6).any(|name| name == b"tectum"));
        let options = OpenOptions { dataset: Some("data".into()), ..OpenOptions::default() };
        let opened = open(out.as_path(), &options).unwrap().source;
        prop_assert_eq!(opened.info().dtype, dtype);
        let dims: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        prop_assert_eq!(opened.info().shape.dims(), &dims[..]);
        let read = read_whole(&*opened);
        prop_assert!(read.missing.is_empty());
        prop_assert_eq!(read.bytes, bytes);
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let source = fixtures().join("a_4d_default/data");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.h5");
    let options = || TargetOptions { chunk: Some(vec![1, 1, 8, 20]), ..TargetOptions::default() };
    let plan = plan(&source, &out, Kind::Hdf5, options(), 3000).unwrap();
    run(&plan, Start::New).unwrap();
    let wanted = std::fs::read(&out).unwrap();
    let num_bytes = plan.shape.iter().product::<usize>() as u64 * 2;
    let mut num_stopped = 0;
    for stop_at in (0..num_bytes).step_by(num_bytes as usize / 6) {
        std::fs::remove_file(&out).unwrap();
        let mut start = Start::New;
        // Stopped twice: the second one has taken over what the first one held.
        for further in [stop_at, stop_at + num_bytes / 4] {
            let cancel = Cancel::new();
            let until = Until { left: AtomicU64::new(further), cancel: cancel.clone() };
            if convert(&plan, start, &OpenOptions::default(), &until, &cancel).is_err() {
                num_stopped += 1;
                start = Start::Resumed;
                assert!(!out.exists());
                // As if killed in the midst of a chunk, and with one that never reached the disk.
                if num_stopped == 3 {
                    let place = Place::new(&out, false);
                    let len = place.data().metadata().unwrap().len();
                    std::fs::File::options().write(true).open(place.data()).unwrap().set_len(len / 2).unwrap();
                }
            }
        }
        if !out.exists() {
            run(&plan, Start::Resumed).unwrap();
        }
        assert!(std::fs::read(&out).unwrap() == wanted, "{stop_at}");
    }
    assert!(num_stopped > 4, "{num_stopped}");
}

#[test]
fn what_is_known_of_an_array_is_carried() {
    let (source, _) = random(DType::I16, &[(5, 1), (3, 1), (20, 20), (30, 30)], 3);
    let size = VoxelSize::of([10.0, 0.6, 0.5]);
    let scale = ValueScale { factor: 0.25, offset: 2.0, unit: "V".into() };
    let source = source.with_info(|info| {
        info.voxel_size = Some(size);
        info.rate_hz = Some(3.5);
        info.value_scale = Some(scale.clone());
    });
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.h5");
    let options = TargetOptions { name: Some("fish/counts".into()), ..TargetOptions::default() };
    written(Kind::Hdf5, Arc::new(source), &out, options, 1 << 20).unwrap();
    let file = hdf5::File::open(&out).unwrap();
    let array = file.dataset("fish/counts").unwrap();
    let number = |name: &str| array.attr(name).unwrap().read_scalar::<f64>().unwrap();
    assert_eq!(array.attr("element_size_um").unwrap().read_raw::<f64>().unwrap(), size.edges());
    assert_eq!((number("rate"), number("conversion"), number("offset")), (3.5, 0.25, 2.0));
    let opened = open(out.as_path(), &OpenOptions::default()).unwrap().source;
    let axes: String = opened.info().axes_in_letters();
    assert_eq!(axes, "tzyx");
}

#[test]
fn what_hdf5_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |options: TargetOptions, wanted: &str| {
        let (source, _) = random(DType::U16, &[(5, 1), (3, 1)], 3);
        let error = written(Kind::Hdf5, Arc::new(source), &folder.path().join("out.h5"), options, 100).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        std::fs::remove_dir_all(folder.path().join("out.h5.part")).unwrap();
    };
    refused(TargetOptions { chunk: Some(vec![1]), ..TargetOptions::default() }, "has 2 axes, not 1");
    refused(TargetOptions { chunk: Some(vec![0, 1]), ..TargetOptions::default() }, "holds nothing");
    refused(TargetOptions { compression: Some("lzw".parse().unwrap()), ..TargetOptions::default() }, "not written");
    refused(TargetOptions { levels: Some(3), ..TargetOptions::default() }, "--levels: has no meaning for hdf5");
    refused(TargetOptions { name: Some("/".into()), ..TargetOptions::default() }, "no name");
}
