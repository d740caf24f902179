//! The zfp filter, against what zfp itself reads; and damaged streams.

use std::path::{Path, PathBuf};

use tectum::codec::{Filter, Scratch, decode, is_decodable};
use tectum::format::Filled;
use tectum::format::hdf5::{H5Array, list};
use tectum::volume::Region;

use crate::manifest::folder;

fn read(path: &Path, name: &str) -> Vec<u8> {
    let array = H5Array::open(path, name).unwrap();
    let whole = Region::whole(&array.header().shape);
    let mut bytes = vec![0x55; whole.shape().num_bytes(array.header().dtype).unwrap()];
    assert_eq!(array.read(&whole, &mut bytes), Ok(Filled::All), "{name}");
    bytes
}

/// Kept ones; `TECTUM_RANDOM_ZFP` names a file of more, as `tests/fixtures/sources/make_zfp.py` writes them.
#[test]
fn every_mode_type_and_rank_is_what_zfp_reads() {
    let more = std::env::var_os("TECTUM_RANDOM_ZFP").map(PathBuf::from);
    for path in std::iter::once(folder("zfp").join("zfp.h5")).chain(more) {
        let packed: Vec<_> =
            list(&path).unwrap().into_iter().filter(|header| header.name.starts_with("packed/")).collect();
        assert!(packed.len() >= 80, "{}", packed.len());
        for header in packed {
            assert!(matches!(header.filters[..], [Filter::Zfp(_)]) && is_decodable(&header.filters), "{header:?}");
            let own = read(&path, &header.name);
            let theirs = read(&path, &header.name.replace("packed", "read"));
            assert!(own == theirs, "{} {:?} {:?}", header.name, header.shape, header.filters);
        }
    }
}

#[test]
fn damaged_streams_are_errors_or_other_numbers_and_never_more() {
    let path = folder("zfp").join("zfp.h5");
    let bytes = std::fs::read(&path).unwrap();
    let mut random = 1u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for header in list(&path).unwrap().into_iter().filter(|header| header.name.starts_with("packed/")) {
        let array = H5Array::open(&path, &header.name).unwrap();
        let tectum::format::hdf5::Layout::Chunked(chunk) = header.layout else { panic!("in chunks") };
        let mut output = vec![0; chunk.num_bytes(header.dtype).unwrap()];
        let stored = array.stored_chunks()[0];
        let stored = &bytes[stored.offset as usize..][..stored.num_bytes];
        let mut scratch = Scratch::default();
        assert!(decode(&header.filters, 0, stored, &mut output, &mut scratch).is_ok());
        for _ in 0..20 {
            let mut damaged = stored.to_vec();
            let at = next() % damaged.len();
            damaged[at] ^= 1 << (next() % 8);
            let _ = decode(&header.filters, 0, &damaged, &mut output, &mut scratch);
            let _ = decode(&header.filters, 0, &stored[..next() % stored.len()], &mut output, &mut scratch);
        }
        assert!(decode(&header.filters, 0, &[], &mut output, &mut scratch).is_err());
        let mut longer = vec![0; output.len() + 4];
        assert!(decode(&header.filters, 0, stored, &mut longer, &mut scratch).is_err(), "of another extent");
    }
}

#[test]
fn client_values_that_lie_make_no_filter_or_one_that_fails() {
    let sound = [269_504_785, 91_252_346, 24_117_562, 2_281_701_424];
    assert!(matches!(Filter::from_hdf5(32013, &sound, ""), Filter::Zfp(_)));
    for values in [&[][..], &sound[..1], &sound[..3], &[0, 1, 2, 3, 4, 5]] {
        assert!(matches!(Filter::from_hdf5(32013, values, ""), Filter::Other { .. }), "{values:?}");
    }
    for i in 0..96 {
        let mut values = sound;
        values[1 + i / 32] ^= 1 << (i % 32);
        let filter = Filter::from_hdf5(32013, &values, "");
        let mut output = vec![0; 20 * 24 * 4 * 4];
        let _ = decode(&[filter], 0, &[0xa5; 3000], &mut output, &mut Scratch::default());
    }
    // Extents whose product is beyond any memory.
    let huge = [0, 91_252_346, u32::MAX << 4 | 0b1110, u32::MAX];
    let error = decode(&[Filter::from_hdf5(32013, &huge, "")], 0, &[0; 64], &mut [0; 64], &mut Scratch::default());
    assert!(error.is_err());
}
