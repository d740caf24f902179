//! Promise: what is written as a sparse matrix is read back bit for bit, however little memory there is.

use std::path::Path;
use std::sync::Arc;

use tectum::array::delayed::filled;
use tectum::format::memory::MemorySource;
use tectum::format::{OpenOptions, Source, open};
use tectum::volume::{DType, Region, Shape};
use tectum::write::sparse::{SparseLayout, SparseOptions, write_sparse};

use crate::common::read_whole;

fn options(layout: SparseLayout, buffer_bytes: usize) -> SparseOptions {
    SparseOptions { layout, buffer_bytes, is_forced: true }
}

/// Mostly zero; the bits of the other values come from their place.
fn source(dtype: DType, dims: [usize; 2], grid: [usize; 2]) -> MemorySource {
    let item = dtype.num_bytes();
    let value = |i: usize| {
        let mix = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if mix >> 60 < 2 { mix.rotate_left(20).to_le_bytes() } else { [0; 8] }
    };
    let mut bytes: Vec<u8> = (0..dims[0] * dims[1]).flat_map(|i| value(i)[..item].to_vec()).collect();
    if dtype == DType::Bool {
        bytes.iter_mut().for_each(|byte| *byte &= 1);
    }
    MemorySource::new(dtype, Shape::from(dims), "yx", &grid, bytes).unwrap()
}

#[test]
fn every_layout_and_type_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (i, dtype) in DType::ALL.into_iter().enumerate() {
        let dims = [[37, 120], [300, 1000], [70, 9]][i % 3];
        let source = source(dtype, dims, [[7, 11], [64, 100], [70, 9]][i % 3]);
        for (name, layout) in SparseLayout::ALL {
            for buffer_bytes in [1 << 30, dims[1] * 24, 100] {
                if buffer_bytes == 100 && dims[1] == 1000 {
                    continue;
                }
                let out = folder.path().join(format!("{name}.h5"));
                let mut last = 0;
                let written = write_sparse(&source, &out, &options(layout, buffer_bytes), |done, all| {
                    assert!(done > last && done <= all);
                    last = done;
                    true
                });
                let written = written.unwrap();
                assert_eq!((written.shape, last), (dims, (dims[0] * dims[1]) as u64));
                assert_eq!(written.num_bytes, std::fs::metadata(&out).unwrap().len());
                let read = open(&out, &OpenOptions::default()).unwrap();
                assert_eq!(read.source.info().format, "sparse matrix", "{name}");
                assert_eq!(read.source.info().dtype, dtype);
                assert_eq!(read_whole(&*read.source).bytes, read_whole(&source).bytes, "{name} {dtype}");
            }
        }
    }
}

#[test]
fn what_is_no_matrix_or_missing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.h5");
    let write = |source: &MemorySource, options: &SparseOptions| write_sparse(source, &out, options, |_, _| true);
    let csr = options(SparseLayout::Csr, 1 << 20);
    let volume = MemorySource::from_fn(DType::U8, Shape::from([3, 4, 5]), "zyx", &[3, 4, 5], |_| 1u8).unwrap();
    assert!(write(&volume, &csr).unwrap_err().to_string().contains("has two axes"));
    let plane = MemorySource::from_fn(DType::U8, Shape::from([3, 1, 5]), "zyx", &[3, 1, 5], |_| 1u8).unwrap();
    assert_eq!(write(&plane, &csr).unwrap().shape, [3, 5]);
    let gap = Region::new(&[2, 0], &[4, 30]).unwrap();
    let holed = source(DType::U16, [20, 30], [5, 30]).with_missing(&[gap]);
    std::fs::remove_file(&out).unwrap();
    let error = write(&holed, &csr).unwrap_err().to_string();
    assert!(error.contains("never written") && error.contains("--fill"), "{error}");
    assert!(!out.exists() && folder.path().read_dir().unwrap().count() == 0);
    let holed: Arc<dyn Source> = Arc::new(holed);
    write_sparse(&*filled(&holed, &[9, 0]).unwrap(), &out, &csr, |_, _| true).unwrap();
    let read = read_whole(&*open(&out, &OpenOptions::default()).unwrap().source).bytes;
    assert_eq!(read[2 * 2 * 30..4 * 2 * 30], [9, 0].repeat(60));
    let kept = SparseOptions { is_forced: false, ..csr.clone() };
    assert!(write(&volume, &kept).unwrap_err().to_string().contains("--force"));
    let cancelled = write_sparse(&source(DType::U8, [9, 9], [3, 3]), Path::new(&out), &csr, |_, _| false);
    assert!(cancelled.unwrap_err().to_string().ends_with("cancelled"));
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}
