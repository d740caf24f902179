//! Single HDF5 files, as libhdf5 writes them.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{FormatError, OpenOptions, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::common::indices;
use crate::suite::{Subject, Truth, contract};
use crate::writer::{Spec, sample, write};

/// One file of one array.
struct File(Spec);

impl Subject for File {
    fn write(&self, folder: &Path) -> Truth {
        let spec = &self.0;
        let bytes = sample(&spec.shape, spec.dtype);
        write(&folder.join("stack.h5"), spec, &bytes);
        let shape = Shape::new(&spec.shape).unwrap();
        let mut missing = Vec::new();
        if let (Some(chunk), Some(skip)) = (&spec.chunk, spec.skip) {
            let counts: Vec<usize> = spec.shape.iter().zip(chunk).map(|(dim, step)| dim.div_ceil(*step)).collect();
            for at in indices(&counts).enumerate().filter(|(position, _)| skip(*position)).map(|(_, at)| at) {
                let start: Vec<usize> = at.iter().zip(chunk).map(|(at, step)| at * step).collect();
                let stop: Vec<usize> = start.iter().zip(chunk).map(|(start, step)| start + step).collect();
                missing.extend(Region::new(&start, &stop).unwrap().intersect(&Region::whole(&shape)));
            }
        }
        Truth { dtype: spec.dtype, shape, bytes, missing }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(folder.join("stack.h5"), options).map(|opened| opened.source)
    }
}

fn contiguous() -> File {
    File(Spec::new(&[5, 6, 7], None, DType::I32))
}

fn compressed() -> File {
    let mut spec = Spec::new(&[5, 4, 13, 11], Some(&[2, 4, 5, 11]), DType::U16);
    (spec.shuffle, spec.deflate, spec.fletcher32, spec.latest) = (true, Some(4), true, true);
    File(spec)
}

fn packed_big_endian() -> File {
    let mut spec = Spec::new(&[4, 12, 64, 40], Some(&[1, 12, 64, 40]), DType::F32);
    (spec.blosc, spec.is_big_endian) = (Some((c"lz4", 1024)), true);
    File(spec)
}

fn never_wholly_written() -> File {
    let mut spec = Spec::new(&[9, 3, 8, 10], Some(&[2, 3, 4, 4]), DType::U8);
    spec.skip = Some(|position| position % 5 == 3);
    (spec.shuffle, spec.deflate) = (true, Some(1));
    File(spec)
}

fn decoded_by_the_library() -> File {
    let mut spec = Spec::new(&[3, 10, 11], Some(&[2, 10, 4]), DType::U16);
    spec.library_filter = Some(6);
    File(spec)
}

contract!(file_contiguous, contiguous());
contract!(file_compressed, compressed());
contract!(file_packed_big_endian, packed_big_endian());
contract!(file_never_wholly_written, never_wholly_written());
contract!(file_decoded_by_the_library, decoded_by_the_library());
