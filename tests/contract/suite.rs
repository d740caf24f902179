//! What every source promises, whatever lies beneath it: one function for each promise, all run over a
//! [`Subject`]. A new format is held to them with one `contract!` in `main.rs`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tectum::format::{
    Cancel, Chunk, Filled, FormatError, OpenOptions, Patience, ReadError, Source, fetch, read_and_combine,
};
use tectum::volume::{DType, Region, Shape, copy_region};

use crate::common::{Whole, indices, read_region, read_whole, untouched};

/// The array that a source is to show.
pub struct Truth {
    pub dtype: DType,
    pub shape: Shape,
    /// C order, little-endian.
    pub bytes: Vec<u8>,
    /// What was never written or cannot be read, in the array's own axes.
    pub missing: Vec<Region>,
}

/// One state of a recording that grows.
pub struct State {
    pub source: Arc<dyn Source>,
    pub truth: Truth,
    /// Chunks whose content is another than in the state before.
    pub stale: Vec<Range<u64>>,
}

/// A kind of source and what it is made of.
pub trait Subject: Sync {
    /// Writes what the source is made of into an empty folder (nothing, where it is made of no files) and
    /// says what that holds.
    fn write(&self, folder: &Path) -> Truth;

    /// Opens what lies in the folder.
    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError>;

    /// Whether a file says where voxels belong. Without it the rest is another array, rightly shown as what it
    /// is by itself, and the loss is among the problems.
    fn is_layout(&self, _file: &Path) -> bool {
        false
    }

    /// What stands for the voxels of a file that is not there, where the format says that something does.
    fn value_when_gone(&self, _file: &Path) -> Option<Vec<u8>> {
        None
    }

    /// Lets a recording grow in an empty folder, looking at it again each time. Empty where it cannot grow.
    fn grow(&self, _folder: &Path) -> Vec<State> {
        Vec::new()
    }
}

/// Makes a module of tests, one for each promise, that hold a subject to all of them.
macro_rules! contract {
    ($name:ident, $subject:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "not every subject is named by all of them")]
            use super::*;

            #[test]
            fn chunks_are_disjoint_complete_and_a_function_of_their_index() {
                crate::suite::chunks_divide_the_array(&$subject);
            }

            #[test]
            fn what_is_read_is_the_truth() {
                crate::suite::reads_are_true(&$subject);
            }

            #[test]
            fn many_threads_read_the_same() {
                crate::suite::threads_agree(&$subject);
            }

            #[test]
            fn its_capabilities_read_what_it_reads() {
                crate::suite::capabilities_agree(&$subject);
            }

            #[test]
            fn damaged_files_show_the_truth_or_a_gap() {
                crate::suite::damage_is_never_data(&$subject);
            }

            #[test]
            fn an_opening_given_up_opens_nothing() {
                crate::suite::opening_can_be_cancelled(&$subject);
            }

            #[test]
            fn chunks_keep_their_meaning_while_it_grows() {
                crate::suite::growth_keeps_what_was_true(&$subject);
            }
        }
    };
}
pub(crate) use contract;

fn opened(subject: &dyn Subject) -> (tempfile::TempDir, Truth, Arc<dyn Source>) {
    let folder = tempfile::tempdir().unwrap();
    let truth = subject.write(folder.path());
    let source = subject.open(folder.path(), &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    (folder, truth, source)
}

/// Numbers without order, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    /// A box with at least one voxel of the array; it may reach beyond it.
    fn region(&mut self, shape: &Shape) -> Region {
        let start: Vec<usize> = shape.dims().iter().map(|&dim| self.below(dim)).collect();
        let stop: Vec<usize> =
            start.iter().zip(shape.dims()).map(|(&start, &dim)| start + 1 + self.below(dim + 2)).collect();
        Region::new(&start, &stop).unwrap()
    }
}

fn chunks_of(source: &dyn Source, region: &Region) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    source.chunks(region, &mut chunks);
    chunks
}

fn num_voxels(region: &Region) -> usize {
    region.shape().num_voxels().unwrap()
}

pub fn chunks_divide_the_array(subject: &dyn Subject) {
    let (_folder, truth, source) = opened(subject);
    let (info, source) = (Arc::clone(source.info()), source.as_ref());
    assert_eq!((info.shape, info.dtype), (truth.shape, truth.dtype));
    assert_eq!(info.axes.len(), info.shape.rank(), "every axis is named or said to have no name");
    let whole = Region::whole(&info.shape);
    let all = chunks_of(source, &whole);
    let by_index: BTreeMap<u64, Region> = all.iter().map(|chunk| (chunk.index, chunk.region)).collect();
    assert_eq!(by_index.len(), all.len(), "an index names one chunk");
    let mut random = Random(7);
    for region in (0..60).map(|_| random.region(&info.shape)).chain([whole]) {
        let chunks = chunks_of(source, &region);
        let inside = region.intersect(&whole).unwrap();
        let mut covered = 0;
        for (i, chunk) in chunks.iter().enumerate() {
            assert_eq!(by_index.get(&chunk.index), Some(&chunk.region), "a region is a function of the index");
            assert_eq!(chunk.region.intersect(&whole), Some(chunk.region), "a chunk lies inside the array");
            let common = chunk.region.intersect(&inside);
            covered += num_voxels(&common.expect("a chunk that is listed touches the region"));
            assert!(chunks[..i].iter().all(|other| other.region.intersect(&chunk.region).is_none()), "{chunk:?}");
        }
        assert_eq!(covered, num_voxels(&inside), "no voxel of {region} is left out");
        assert_eq!(chunks_of(source, &region), chunks, "asking again tells the same");
    }
    // What is asked for may be nonsense; what is there stays in the list.
    let outside = Region::new(info.shape.dims(), &info.shape.dims().iter().map(|dim| dim + 3).collect::<Vec<_>>());
    let empty = whole.with_axis(0, 0, 0);
    let other_rank = Region::new(&[0], &[1]).unwrap();
    let mut list = vec![all[0]];
    for nothing in [outside.unwrap(), empty, other_rank] {
        if nothing.intersect(&whole).is_none() {
            source.chunks(&nothing, &mut list);
            assert_eq!(list, [all[0]], "{nothing}");
        }
    }
}

/// Compares everything that was delivered with the truth, and what was not with what is missing.
fn assert_true(got: &Whole, shape: &Shape, truth: &Truth) {
    let item = truth.dtype.num_bytes();
    for (i, index) in indices(shape.dims()).enumerate() {
        let is_missing = truth.missing.iter().any(|part| part.contains(&index));
        assert_eq!(got.is_missing(&index), is_missing, "{index:?}");
        let at = i * item..(i + 1) * item;
        assert!(is_missing || got.bytes[at.clone()] == truth.bytes[at], "{index:?}");
    }
    for (region, error) in &got.missing {
        assert_named(error, region);
    }
}

fn assert_named(error: &ReadError, region: &Region) {
    assert!(!error.message.is_empty(), "{region} is not there, and nobody says why");
    assert!(error.to_string().contains(&*error.message) && error.to_string().contains(": "), "{error}");
}

pub fn reads_are_true(subject: &dyn Subject) {
    let (folder, truth, source) = opened(subject);
    untouched(folder.path(), || {
        let again = subject.open(folder.path(), &OpenOptions::default()).unwrap();
        again.inspect();
        for source in [source.as_ref(), again.as_ref()] {
            assert_true(&read_whole(source), &truth.shape, &truth);
            let problems = source.problems();
            source.forget_failures();
            assert_true(&read_whole(source), &truth.shape, &truth);
            assert_eq!(source.problems().len(), problems.len(), "reading again finds the same problems");
            let mut random = Random(11);
            for region in (0..20).map(|_| random.region(&truth.shape)) {
                let region = region.intersect(&Region::whole(&truth.shape)).unwrap();
                let mut cut = vec![0; region.shape().num_bytes(truth.dtype).unwrap()];
                copy_region(&truth.bytes, &Region::whole(&truth.shape), &mut cut, &region, truth.dtype.num_bytes());
                let missing = truth.missing.iter().filter_map(|part| part.intersect(&region));
                let missing = missing.map(|part| part.relative_to(region.start())).collect();
                let got = read_region(source, &region);
                let gaps = got.missing.into_iter().filter_map(|(gap, error)| Some((gap.intersect(&region)?, error)));
                let gaps = gaps.map(|(gap, error)| (gap.relative_to(region.start()), error)).collect();
                let part = Truth { dtype: truth.dtype, shape: region.shape(), bytes: cut, missing };
                assert_true(&Whole { bytes: got.bytes, missing: gaps }, &part.shape, &part);
            }
        }
        for chunk in chunks_of(source.as_ref(), &Region::whole(&truth.shape)) {
            assert_buffer_is_filled(source.as_ref(), &chunk, truth.dtype);
        }
    });
}

/// Nothing of what a buffer held before is left in it, but where the read says so.
fn assert_buffer_is_filled(source: &dyn Source, chunk: &Chunk, dtype: DType) {
    let read = |before: u8| {
        let mut buffer = vec![before; chunk.region.shape().num_bytes(dtype).unwrap()];
        (source.read(chunk, &mut buffer), buffer)
    };
    let ((first, a), (second, b)) = (read(0x5A), read(0xA5));
    assert_eq!(first, second, "{chunk:?}: reading again tells the same");
    let Ok(filled) = first else { return };
    let gaps = match filled {
        Filled::All => Vec::new(),
        Filled::Except(gaps, _) => gaps,
    };
    assert!(gaps.iter().all(|gap| gap.intersect(&chunk.region) == Some(*gap)), "{chunk:?}: {gaps:?}");
    let item = dtype.num_bytes();
    for (i, index) in indices(chunk.region.shape().dims()).enumerate() {
        let index: Vec<usize> = index.iter().zip(chunk.region.start()).map(|(i, start)| i + start).collect();
        let at = i * item..(i + 1) * item;
        assert!(a[at.clone()] == b[at] || gaps.iter().any(|gap| gap.contains(&index)), "{chunk:?} {index:?}");
    }
}

pub fn threads_agree(subject: &dyn Subject) {
    let (_folder, truth, source) = opened(subject);
    let chunks = chunks_of(source.as_ref(), &Region::whole(&truth.shape));
    let whole = Region::whole(&truth.shape);
    let start = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (source, chunks, truth, start) = (&source, &chunks, &truth, &start);
            scope.spawn(move || {
                start.wait();
                // Each in an order of its own, so that different chunks meet, and often the same.
                for i in 0..chunks.len() {
                    let chunk = &chunks[if thread % 2 == 0 { i } else { chunks.len() - 1 - i }];
                    let mut wanted = vec![0; chunk.region.shape().num_bytes(truth.dtype).unwrap()];
                    copy_region(&truth.bytes, &whole, &mut wanted, &chunk.region, truth.dtype.num_bytes());
                    let mut buffer = vec![0x5A; wanted.len()];
                    let is_gap = |part: &Region| part.intersect(&chunk.region).is_some();
                    match source.read(chunk, &mut buffer) {
                        Ok(Filled::All) => assert_eq!(buffer, wanted, "{chunk:?}"),
                        Ok(Filled::Except(..)) | Err(_) => assert!(truth.missing.iter().any(is_gap), "{chunk:?}"),
                    }
                    assert_eq!(chunks_of(source.as_ref(), &chunk.region), [*chunk]);
                    let _ = (source.problems(), source.pieces());
                }
            });
        }
    });
}

/// Fetching and decoding, and combining inputs that somebody else has read, give what reading gives; a fetch
/// given up gives nothing.
pub fn capabilities_agree(subject: &dyn Subject) {
    let (_folder, truth, source) = opened(subject);
    for chunk in chunks_of(source.as_ref(), &Region::whole(&truth.shape)) {
        let read = |how: &dyn Fn(&mut [u8]) -> Result<Filled, ReadError>| {
            let mut buffer = vec![0; chunk.region.shape().num_bytes(truth.dtype).unwrap()];
            how(&mut buffer).map(|filled| (filled, buffer))
        };
        let wanted = read(&|buffer| source.read(&chunk, buffer));
        if let Some(remote) = source.fetching() {
            let (cancel, cancelled) = (Cancel::new(), Cancel::new());
            cancelled.cancel();
            assert_eq!(fetch(remote, &chunk, &Patience::VIEW, &cancelled), None, "nobody wants it");
            let problems = source.problems();
            let _given_up = remote.fetch(&chunk, Instant::now() + Patience::VIEW.within, &cancelled);
            assert_eq!(source.problems(), problems, "what was given up is no problem of the recording");
            let fetched = fetch(remote, &chunk, &Patience::VIEW, &cancel).expect("nobody has cancelled it");
            if let Ok(fetched) = &fetched {
                assert!(fetched.pieces.iter().map(Vec::len).sum::<usize>() <= remote.max_fetched_bytes(&chunk));
            }
            for _ in 0..2 {
                let decoded = read(&|buffer| remote.decode(&chunk, fetched.as_ref().map_err(Clone::clone)?, buffer));
                assert_eq!(decoded, wanted, "{chunk:?}");
            }
        }
        if let Some(composite) = source.composite() {
            assert_eq!(read(&|buffer| read_and_combine(composite, &chunk, buffer)), wanted, "{chunk:?}");
            let (mut needs, mut again) = (Vec::new(), Vec::new());
            composite.needs(&chunk, &mut needs);
            composite.needs(&chunk, &mut again);
            assert_eq!(needs, again, "what is needed is a function of the chunk");
            for need in needs {
                let input = composite.inputs()[need.input].source.as_ref();
                assert_eq!(chunks_of(input, &need.chunk.region), [need.chunk], "a chunk as the input has it");
            }
        }
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// What is delivered of a recording after its files were damaged: at each place the truth, or a gap, or what
/// stands for what is gone.
fn assert_true_or_missing(source: &dyn Source, truth: &Truth, damage: &str, gone: Option<&[u8]>) {
    let shape = source.info().shape;
    assert_eq!(shape.rank(), truth.shape.rank(), "{damage}");
    let got = read_whole(source);
    let item = truth.dtype.num_bytes();
    for (i, index) in indices(shape.dims()).enumerate().filter(|(_, index)| !got.is_missing(index)) {
        let offset = truth.shape.offset(&index).unwrap_or_else(|| panic!("{damage}: {index:?} was never measured"));
        let value = &got.bytes[i * item..][..item];
        assert!(value == &truth.bytes[offset * item..][..item] || Some(value) == gone, "{damage}: {index:?}");
    }
    got.missing.iter().for_each(|(region, error)| assert_named(error, region));
}

/// Files cut off, emptied or deleted, before and after the recording was opened.
pub fn damage_is_never_data(subject: &dyn Subject) {
    let folder = tempfile::tempdir().unwrap();
    subject.write(folder.path());
    let num_files = files_in(folder.path()).len();
    let step = num_files.div_ceil(6).max(1);
    for which in (0..num_files).step_by(step).chain(num_files.checked_sub(1)) {
        for percent in [None, Some(0), Some(20), Some(60), Some(90), Some(99)] {
            let (folder, truth, before) = opened(subject);
            let path = files_in(folder.path()).swap_remove(which);
            let damage = format!("{} at {percent:?} %", path.display());
            let gone = subject.value_when_gone(&path).filter(|_| percent.is_none());
            let gone = gone.as_deref();
            match percent {
                None => std::fs::remove_file(&path).unwrap(),
                Some(percent) => {
                    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                    let len = file.metadata().unwrap().len();
                    file.set_len(len * percent / 100).unwrap();
                }
            }
            assert_true_or_missing(before.as_ref(), &truth, &damage, gone);
            match subject.open(folder.path(), &OpenOptions::default()) {
                Ok(after) if subject.is_layout(&path) => {
                    read_whole(after.as_ref());
                    assert!(!after.problems().is_empty(), "{damage}: nobody says that it is gone");
                }
                Ok(after) => assert_true_or_missing(after.as_ref(), &truth, &damage, gone),
                Err(error) => assert!(!error.message.is_empty(), "{damage}"),
            }
        }
    }
}

pub fn opening_can_be_cancelled(subject: &dyn Subject) {
    let folder = tempfile::tempdir().unwrap();
    subject.write(folder.path());
    let options = OpenOptions::default();
    options.cancel.cancel();
    // What lies in memory is there before anybody could change their mind.
    let result = subject.open(folder.path(), &options);
    assert!(files_in(folder.path()).is_empty() || result.is_err(), "opened although it was given up");
}

pub fn growth_keeps_what_was_true(subject: &dyn Subject) {
    let folder = tempfile::tempdir().unwrap();
    let states = subject.grow(folder.path());
    for state in &states {
        let source = state.source.as_ref();
        assert_eq!((source.info().shape, source.info().dtype), (state.truth.shape, state.truth.dtype));
    }
    if let Some(last) = states.last() {
        assert_true(&read_whole(last.source.as_ref()), &last.truth.shape, &last.truth);
        // What is forgotten with a chunk is not everything: whoever measures a recording would begin anew each time.
        let whole = Region::whole(&last.truth.shape);
        let chunks = chunks_of(last.source.as_ref(), &whole);
        let told = |chunk: &Chunk| last.source.region_of(&(chunk.index..chunk.index + 1));
        assert!(chunks.iter().all(|chunk| told(chunk).intersect(&chunk.region) == Some(chunk.region)));
        let is_one = chunks.len() == 1;
        assert!(is_one || chunks.iter().any(|chunk| told(chunk) != whole), "each chunk is taken for all of it");
    }
    for pair in states.windows(2) {
        let [old, new] = pair else { unreachable!("windows of two") };
        let at = |state: &State| -> BTreeMap<u64, Region> {
            let chunks = chunks_of(state.source.as_ref(), &Region::whole(&state.truth.shape));
            chunks.into_iter().map(|chunk| (chunk.index, chunk.region)).collect()
        };
        let (before, after) = (at(old), at(new));
        for (index, region) in &before {
            let now = after.get(index).unwrap_or_else(|| panic!("chunk {index} is gone"));
            assert_eq!(now.start(), region.start(), "chunk {index} has moved");
            let is_stale = new.stale.iter().any(|stale| stale.contains(index));
            if now == region && !is_stale {
                // What a cache keeps of the old state must be what the new one would read.
                let chunk = Chunk { index: *index, region: *region };
                let read = |source: &dyn Source| {
                    let mut buffer = vec![0; region.shape().num_bytes(old.truth.dtype).unwrap()];
                    source.read(&chunk, &mut buffer).map(|filled| (filled, buffer))
                };
                assert_eq!(read(old.source.as_ref()).ok(), read(new.source.as_ref()).ok(), "chunk {index}");
            }
        }
        // The old state goes on to tell the truth while somebody still holds it.
        assert_true_or_missing(old.source.as_ref(), &new.truth, "an earlier state", None);
    }
}
