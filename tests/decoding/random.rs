//! Random files, written by libhdf5: any shape, chunks, filters and type reads back as it was written.

use proptest::prelude::*;
use tectum::format::Filled;
use tectum::format::hdf5::{H5Array, list};
use tectum::volume::{DType, Region, Shape, copy_region};

use super::writer::{Spec, sample, write};
use super::{read, read_through_library};

fn specs() -> impl Strategy<Value = (Spec, Vec<(usize, usize)>)> {
    let axes = prop::collection::vec((1usize..14, 1usize..9), 1..5);
    let dtype = prop::sample::select(DType::ALL.to_vec());
    let filters = (any::<bool>(), prop::option::of(0u32..10), any::<bool>(), any::<bool>());
    let blosc = prop::option::of((
        prop::sample::select(vec![c"blosclz", c"lz4", c"zstd", c"zlib", c"snappy"]),
        prop::sample::select(vec![0usize, 256, 1024]),
    ));
    let more = (any::<bool>(), any::<bool>(), prop::sample::select(vec![0u64, 0, 512, 2048]));
    let cuts = prop::collection::vec((0usize..100, 0usize..100), 4);
    (axes, dtype, filters, blosc, more, cuts).prop_map(|(axes, dtype, filters, blosc, more, cuts)| {
        let (shuffle, deflate, fletcher32, is_chunked) = filters;
        let (is_big_endian, latest, userblock) = more;
        let shape: Vec<_> = axes.iter().map(|axis| axis.0).collect();
        let chunk: Vec<_> = axes.iter().map(|axis| axis.1).collect();
        let mut spec = Spec::new(&shape, None, dtype);
        (spec.is_big_endian, spec.latest, spec.userblock) = (is_big_endian, latest, userblock);
        if is_chunked || blosc.is_some() {
            spec.chunk = Some(chunk);
            spec.blosc = blosc;
            if blosc.is_none() {
                (spec.shuffle, spec.deflate, spec.fletcher32) = (shuffle, deflate, fletcher32);
            }
        }
        (spec, cuts)
    })
}

/// The part of `data`, an array of `shape`, that lies in `region`.
pub fn crop(data: &[u8], shape: &[usize], region: &Region, dtype: DType) -> Vec<u8> {
    let whole = Region::whole(&Shape::new(shape).unwrap());
    let mut bytes = vec![0; region.shape().num_bytes(dtype).unwrap()];
    copy_region(data, &whole, &mut bytes, region, dtype.num_bytes());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_files_read_back_by_both_paths((spec, cuts) in specs()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000.h5");
        let data = sample(&spec.shape, spec.dtype);
        write(&path, &spec, &data);
        let headers = list(&path).unwrap();
        prop_assert_eq!(headers.len(), 1);
        let array = H5Array::open(&path, "a/stack").unwrap();
        prop_assert_eq!(array.header(), &headers[0]);
        prop_assert_eq!(array.header().shape.dims(), &spec.shape[..]);
        prop_assert_eq!(array.header().dtype, spec.dtype);
        prop_assert!(array.is_whole());
        prop_assert!(array.header().is_decodable());
        let whole = Region::whole(&array.header().shape);
        let mut region = whole;
        for (axis, (&dim, cut)) in spec.shape.iter().zip(&cuts).enumerate() {
            let (a, b) = (cut.0 * dim / 100, cut.1 * dim / 100);
            region = region.with_axis(axis, a.min(b), a.max(b) + 1);
        }
        let parts = array.parts();
        let mut part = whole;
        for (axis, (&dim, &step)) in spec.shape.iter().zip(parts.dims()).enumerate() {
            let start = cuts[0].0 * dim / 100 / step * step;
            part = part.with_axis(axis, start, dim.min(start + step));
        }
        for region in [whole, region, part] {
            let expected = crop(&data, &spec.shape, &region, spec.dtype);
            let (filled, bytes) = read(&array, &region).unwrap();
            prop_assert_eq!(filled, Filled::All);
            prop_assert!(bytes == expected, "{} differs", region);
            prop_assert!(read_through_library(&array, &region) == expected, "{} differs in the library", region);
        }
    }
}

#[test]
fn what_only_the_library_decodes_is_read_through_it() {
    let folder = tempfile::tempdir().unwrap();
    for filter in [5, 6] {
        let path = folder.path().join(format!("{filter}.h5"));
        let mut spec = Spec::new(&[9, 10, 11], Some(&[2, 10, 4]), DType::U16);
        (spec.library_filter, spec.deflate, spec.fletcher32) = (Some(filter), Some(3), true);
        let data = sample(&spec.shape, spec.dtype);
        write(&path, &spec, &data);
        let array = H5Array::open(&path, "a/stack").unwrap();
        assert!(!array.header().is_decodable());
        for region in [Region::whole(&array.header().shape), Region::new(&[1, 2, 3], &[8, 9, 10]).unwrap()] {
            let (filled, bytes) = read(&array, &region).unwrap();
            assert_eq!((filled, bytes), (Filled::All, crop(&data, &spec.shape, &region, spec.dtype)));
        }
    }
}

#[test]
fn planes_of_chunks_of_many_blocks_are_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    for codec in [c"blosclz", c"zstd"] {
        let mut spec = Spec::new(&[2, 12, 256, 300], Some(&[1, 12, 256, 300]), DType::U16);
        spec.blosc = Some((codec, 1024));
        let data = sample(&spec.shape, spec.dtype);
        write(&path, &spec, &data);
        let array = H5Array::open(&path, "a/stack").unwrap();
        assert_eq!(array.parts().dims(), [1, 1, 256, 300]);
        for z in 0..12 {
            let plane = Region::new(&[1, z, 0, 0], &[2, z + 1, 256, 300]).unwrap();
            let cut = Region::new(&[1, z, 100, 30], &[2, z + 1, 102, 270]).unwrap();
            // A new thread has no memory of earlier reads.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for region in [cut, plane] {
                        assert!(read(&array, &region).unwrap().1 == crop(&data, &spec.shape, &region, spec.dtype));
                    }
                });
            });
        }
    }
}
