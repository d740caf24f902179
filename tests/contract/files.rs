//! Single HDF5 files, as libhdf5 writes them.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{FormatError, OpenOptions, Refresh, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::common::indices;
use crate::server::Server;
use crate::suite::{State, Subject, Truth, contract};
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

/// A file that was being written by h5py: one copy after each flush.
struct Written {
    series: &'static str,
    /// The axis of time.
    axis: usize,
    /// Timepoints in each copy.
    lens: &'static [usize],
}

impl Written {
    fn copy(&self, folder: &Path, n: usize) {
        let name = format!("tests/fixtures/sources/plain/growing/{}_{n}.h5", self.series);
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        // Into the same file, as its writer does.
        std::fs::write(folder.join("stack.h5"), bytes).unwrap();
    }

    fn truth(&self, len: usize) -> Truth {
        let mut dims = vec![3, 12, 10];
        dims.insert(self.axis, len);
        let value = |at: Vec<usize>| {
            let (t, mut rest) = (at[self.axis], at);
            rest.remove(self.axis);
            ((4001 * t + 577 * rest[0] + 31 * rest[1] + 7 * rest[2]) % 65521) as u16
        };
        let bytes = indices(&dims).flat_map(|at| value(at.to_vec()).to_le_bytes()).collect();
        Truth { dtype: DType::U16, shape: Shape::new(&dims).unwrap(), bytes, missing: Vec::new() }
    }
}

impl Subject for Written {
    fn write(&self, folder: &Path) -> Truth {
        let last = self.lens.len() - 1;
        self.copy(folder, last);
        self.truth(self.lens[last])
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(folder.join("stack.h5"), options).map(|opened| opened.source)
    }

    fn grow(&self, folder: &Path) -> Vec<State> {
        self.copy(folder, 0);
        let axes = if self.axis == 0 { "tzyx" } else { "ztyx" };
        let options = OpenOptions { axes: Some(axes.to_owned()), ..OpenOptions::default() };
        let mut source = open(folder.join("stack.h5"), &options).unwrap().growing.unwrap();
        let mut states =
            vec![State { source: Arc::clone(&source) as _, truth: self.truth(self.lens[0]), stale: Vec::new() }];
        for (n, &len) in self.lens.iter().enumerate().skip(1) {
            self.copy(folder, n);
            assert_eq!(source.growth().axis, self.axis);
            assert_eq!(source.growth().newest_readable, Some(self.lens[n - 1] - 1));
            let Ok(Refresh::Changed { source: new, stale }) = source.refresh(&[]) else { panic!("it has grown") };
            assert!(matches!(new.refresh(&[]), Ok(Refresh::Unchanged)), "nothing more");
            states.push(State { source: Arc::clone(&new) as _, truth: self.truth(len), stale });
            source = new;
        }
        states
    }
}

contract!(file_for_readers, Written { series: "swmr", axis: 0, lens: &[1, 2, 5, 8, 8] });
contract!(file_of_bare_chunks, Written { series: "bare", axis: 0, lens: &[1, 3, 4, 8, 8] });
contract!(file_with_time_in_second_place, Written { series: "second", axis: 1, lens: &[2, 3, 8, 8] });

#[test]
fn a_file_that_is_written_anew_is_another_recording_and_one_that_is_closed_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let written = Written { series: "swmr", axis: 0, lens: &[1, 2, 5, 8, 8] };
    written.copy(folder.path(), 2);
    let path = folder.path().join("stack.h5");
    let source = open(&path, &OpenOptions::default()).unwrap().growing.unwrap();
    assert!(!source.growth().is_finished, "somebody has it open to write");
    written.copy(folder.path(), 4);
    let Ok(Refresh::Changed { source, .. }) = source.refresh(&[]) else { panic!("it was closed") };
    assert!(source.growth().is_finished);
    // Shorter than before.
    written.copy(folder.path(), 0);
    let Ok(Refresh::Replaced(source)) = source.refresh(&[]) else { panic!("another one") };
    assert_eq!(source.info().shape.dims()[0], 1);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(source.refresh(&[]), Ok(Refresh::Gone(_))));
}

/// The same file behind a URL.
struct Behind(File);

impl Subject for Behind {
    fn write(&self, folder: &Path) -> Truth {
        self.0.write(folder)
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        // It serves until the tests are over: the source goes on asking.
        let server = Box::leak(Box::new(Server::of(folder)));
        open(server.url("stack.h5").as_str(), options).map(|opened| opened.source)
    }
}

contract!(url_compressed, Behind(compressed()));
contract!(url_never_wholly_written, Behind(never_wholly_written()));
