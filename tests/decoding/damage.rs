//! Files that are half written, cut off, changing or lying: what is whole is read, the rest is named, and
//! nothing crashes, hangs or takes memory by a lie.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use proptest::prelude::*;
use tectum::format::hdf5::{H5Array, H5Tree, Layout, VirtualLayout, contents, list, read_attributes};
use tectum::format::tree::{NodeKind, Tree};
use tectum::format::{Filled, ReadErrorKind};
use tectum::volume::{DType, Region};

use super::random::crop;
use super::writer::{Spec, sample, write};
use super::{fixtures, read};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name)
}

#[test]
fn chunks_never_written_are_missing_not_zeros() {
    let folder = tempfile::tempdir().unwrap();
    for (i, latest) in [false, true].into_iter().enumerate() {
        for blosc in [None, Some((c"lz4", 0))] {
            let path = folder.path().join(format!("{i}{}.h5", blosc.is_some()));
            let mut spec = Spec::new(&[6, 4, 10], Some(&[1, 4, 10]), DType::U16);
            (spec.latest, spec.blosc) = (latest, blosc);
            spec.skip = Some(|position| position == 2 || position > 3);
            let data = sample(&spec.shape, spec.dtype);
            write(&path, &spec, &data);
            let array = H5Array::open(&path, "a/stack").unwrap();
            assert_eq!(array.allocation(), (3, 6));
            assert!(!array.is_whole());
            let whole = Region::whole(&array.header().shape);
            let (filled, bytes) = read(&array, &whole).unwrap();
            let Filled::Except(missing, error) = filled else { panic!("nothing is missing") };
            assert_eq!(error.kind, ReadErrorKind::Missing);
            assert_eq!(missing, [2, 4, 5].map(|t| whole.with_axis(0, t, t + 1)));
            let there = whole.with_axis(0, 0, 2);
            assert_eq!(bytes[..2 * 80], crop(&data, &spec.shape, &there, spec.dtype));
            assert_eq!(read(&array, &there).unwrap().0, Filled::All);
            assert_eq!(read(&array, &whole.with_axis(0, 4, 6)).unwrap_err().kind, ReadErrorKind::Missing);
        }
    }
}

#[test]
fn what_a_cut_leaves_is_read_and_the_rest_named() {
    let folder = tempfile::tempdir().unwrap();
    let chunked = Spec { deflate: Some(1), ..Spec::new(&[40, 32, 32], Some(&[1, 32, 32]), DType::U16) };
    let contiguous = Spec::new(&[40, 32, 32], None, DType::U16);
    for spec in [chunked, contiguous] {
        let path = folder.path().join("0000.h5");
        let data = sample(&spec.shape, spec.dtype);
        write(&path, &spec, &data);
        let whole = Region::new(&[0, 0, 0], &[40, 32, 32]).unwrap();
        let num_bytes = std::fs::metadata(&path).unwrap().len();
        let (mut num_partial, mut num_refused) = (0, 0);
        for percent in (0..100).rev().step_by(7) {
            OpenOptions::new().write(true).open(&path).unwrap().set_len(num_bytes * percent / 100).unwrap();
            let Ok(array) = H5Array::open(&path, "a/stack") else {
                num_refused += 1;
                continue;
            };
            assert!(!array.is_whole());
            let Ok((filled, bytes)) = read(&array, &whole) else { continue };
            let Filled::Except(missing, error) = filled else { panic!("cut at {percent} % and whole") };
            assert_eq!(error.kind, ReadErrorKind::Corrupt);
            num_partial += 1;
            for t in 0..40 {
                let plane = whole.with_axis(0, t, t + 1);
                if missing.iter().all(|missing| missing.intersect(&plane).is_none()) {
                    assert_eq!(bytes[t * 2048..][..2048], crop(&data, &spec.shape, &plane, spec.dtype), "t {t}");
                    assert_eq!(read(&array, &plane).unwrap().0, Filled::All);
                }
            }
        }
        assert!(num_partial > 3, "{num_partial} cuts gave a part, {num_refused} were refused");
    }
}

#[test]
fn what_is_no_file_yet_is_named_in_plain_words() {
    for (name, words) in [("h_live_zero_bytes", "empty"), ("h_live_open_unflushed", "damaged")] {
        let path = fixtures().iter().find(|path| path.ends_with("0003.h5") && path.to_string_lossy().contains(name));
        let error = H5Array::open(path.unwrap(), "stack_4D").unwrap_err();
        assert!(error.message.contains(words), "{error}");
    }
    let error = H5Array::open(&fixture("i_text_as_h5/data/0001.h5"), "stack_4D").unwrap_err();
    assert!(error.message.contains("not an HDF5 file"), "{error}");
}

#[test]
fn a_file_that_changes_is_indexed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let spec = Spec { deflate: Some(1), ..Spec::new(&[6, 8, 8], Some(&[1, 8, 8]), DType::U16) };
    let data = sample(&spec.shape, spec.dtype);
    write(&path, &Spec { skip: Some(|position| position > 2), ..spec.clone() }, &data);
    let array = H5Array::open(&path, "a/stack").unwrap();
    let whole = Region::whole(&array.header().shape);
    assert!(matches!(read(&array, &whole).unwrap().0, Filled::Except(..)));
    write(&path, &spec, &data);
    assert_eq!(read(&array, &whole).unwrap(), (Filled::All, data.clone()));
    assert!(array.is_whole());
    // Another array under the same name is never passed off as the old one.
    write(&path, &Spec { shape: vec![6, 8, 9], ..spec.clone() }, &sample(&[6, 8, 9], spec.dtype));
    assert_eq!(read(&array, &whole).unwrap_err().kind, ReadErrorKind::NotYetWritten);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read(&array, &whole).unwrap_err().kind, ReadErrorKind::Missing);
    std::fs::create_dir(&path).unwrap();
    assert!(read(&array, &whole).is_err());
}

#[test]
fn a_file_can_be_opened_with_the_default_lock_and_deleted_while_it_is_viewed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let spec = Spec::new(&[6, 8, 8], Some(&[1, 8, 8]), DType::U16);
    write(&path, &spec, &sample(&spec.shape, spec.dtype));
    let array = H5Array::open(&path, "a/stack").unwrap();
    read(&array, &Region::whole(&array.header().shape)).unwrap();
    #[cfg(target_os = "linux")]
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let target = std::fs::read_link(entry.unwrap().path()).unwrap_or_default();
        assert_ne!(target, path, "a handle is still open");
    }
    hdf5::File::append(&path).unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
}

#[test]
fn reading_takes_no_lock_of_the_library() {
    let path = fixture("a_4d_default/data/0000.h5");
    let array = H5Array::open(&path, "stack_4D").unwrap();
    let whole = Region::whole(&array.header().shape);
    // Held by this thread, the lock would stop the other one for ever.
    tectum::format::hdf5::with_library_locked(|| {
        std::thread::scope(|scope| scope.spawn(|| read(&array, &whole).unwrap().0).join().unwrap());
    });
}

/// Overwrites bytes of a copy of a real block.
fn mutate(source: &Path, target: &Path, edits: &[(usize, Vec<u8>)], cut: Option<usize>) {
    std::fs::copy(source, target).unwrap();
    let num_bytes = std::fs::metadata(target).unwrap().len().max(1);
    let mut file = OpenOptions::new().write(true).open(target).unwrap();
    for (at, bytes) in edits {
        file.seek(SeekFrom::Start(*at as u64 % num_bytes)).unwrap();
        file.write_all(bytes).unwrap();
    }
    if let Some(cut) = cut {
        file.set_len(cut as u64 % num_bytes).unwrap();
    }
}

/// Everything a viewer does with a file. Errors are fine.
pub fn exercise(path: &Path) -> usize {
    let mut num_read = 0;
    if let Ok(tree) = H5Tree::read(path) {
        for (name, node) in tree.listing().iter() {
            if matches!(node.kind, NodeKind::Array { .. }) {
                let _ = tree.small(name, 1000);
            }
        }
    }
    for header in list(path).unwrap_or_default() {
        if header.layout == Layout::Virtual {
            let _ = VirtualLayout::read(path, &header.name);
        }
        let Ok(array) = H5Array::open(path, &header.name) else { continue };
        let whole = Region::whole(&array.header().shape);
        let _ = (array.is_whole(), array.allocation(), array.stamp());
        let mut part = whole;
        for (axis, &step) in array.parts().dims().iter().enumerate() {
            part = part.with_axis(axis, 0, whole.stop()[axis].min(step.max(1)));
        }
        for region in [part, whole] {
            // A viewer reads parts; whole arrays only where they are small.
            if region.shape().num_bytes(header.dtype).is_some_and(|num_bytes| num_bytes < 8 << 20) {
                num_read += usize::from(read(&array, &region).is_ok());
            }
        }
    }
    let _ = tectum::format::hdf5::read_tuple_group(path, "stack_metadata/full_size");
    num_read
}

fn edits() -> impl Strategy<Value = (Vec<(usize, Vec<u8>)>, Option<usize>)> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..9),
        prop::collection::vec(prop::sample::select(vec![0u8, 0xff, 0x7f, 0x80, 1]), 1..9),
    ];
    // Metadata are mostly in the first kilobytes.
    let at = prop_oneof![0usize..200, 0usize..4096, 0usize..1 << 20];
    (prop::collection::vec((at, value), 1..6), prop::option::weighted(0.2, 0usize..1 << 20))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_crash((edits, cut) in edits(), which in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000.h5");
        mutate(&fixtures()[which.index(fixtures().len())], &path, &edits, cut);
        exercise(&path);
    }
}

#[test]
fn a_file_that_ends_in_a_global_heap_is_refused_at_once() {
    let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/vds/stack_time.h5"));
    let whole = whole.unwrap();
    let heap = whole.windows(4).position(|window| window == b"GCOL").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.h5");
    for num_bytes in [heap + 8, heap + 114, heap + 2000, heap + 4095] {
        std::fs::write(&path, &whole[..num_bytes]).unwrap();
        let error = list(&path).unwrap_err();
        assert!(error.message.contains("cut off"), "{num_bytes}: {error}");
    }
    // One that is damaged, wherever in a file of whatever length.
    let mut damaged = whole;
    damaged[heap + 24..heap + 32].fill(0xff);
    std::fs::write(&path, &damaged).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(64 << 20).unwrap();
    assert!(list(&path).unwrap_err().message.contains("damaged"));
}

#[test]
fn a_damaged_global_heap_takes_nothing_with_it_but_what_it_holds() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/nwb/ophys.nwb");
    let arrays = list(&source).unwrap();
    let mut bytes = std::fs::read(&source).unwrap();
    let heaps: Vec<_> = (0..bytes.len() - 8).step_by(8).filter(|&at| bytes[at..].starts_with(b"GCOL\x01")).collect();
    for &heap in &heaps {
        bytes[heap + 24..heap + 32].fill(0xff);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.nwb");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(list(&path).unwrap(), arrays);
    let tree = H5Tree::read(&path).unwrap();
    let texts = tree.listing().iter().find(|(name, _)| *name == "session_description");
    assert!(texts.is_some() && !heaps.is_empty());
    let error = tree.small("session_description", 1).unwrap_err();
    assert!(error.message.contains("global heap"), "{error}");
}

#[test]
fn a_damaged_list_of_mappings_never_reaches_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.h5");
    for (name, user_bytes) in [("stack_time", 0), ("stack_time_latest", 0), ("excalibur", 0), ("stack_time", 512)] {
        let source = format!("tests/fixtures/sources/vds/{name}.h5");
        let source = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(source)).unwrap();
        let whole = [vec![0; user_bytes], source].concat();
        std::fs::write(&path, &whole).unwrap();
        let virtual_one = list(&path).unwrap().into_iter().find(|header| header.layout == Layout::Virtual).unwrap();
        let heap = whole.windows(5).position(|window| window == b"GCOL\x01").unwrap();
        // The first object of the heap: behind its version the number of mappings. The first overflows what the
        // library takes for them, the second would be gigabytes; the last are of mappings that are not there.
        for (at, damage) in [(33, 1u64 << 60 | 1), (33, 1 << 27), (33, 10_000), (48, u64::MAX)] {
            let mut bytes = whole.clone();
            bytes[heap + at..heap + at + 8].copy_from_slice(&damage.to_le_bytes());
            std::fs::write(&path, &bytes).unwrap();
            let found = contents(&path).unwrap();
            let why = found.unread.iter().find(|unread| unread.name == virtual_one.name).map(|unread| &unread.why);
            assert!(why.is_some_and(|why| why.contains("made of is damaged")), "{name}: {found:?}");
            assert!(VirtualLayout::read(&path, &virtual_one.name).is_err());
            assert!(H5Tree::read(&path).unwrap().listing().cut.as_ref().is_some_and(|why| why.contains("damaged")));
            assert!(read_attributes(&path, &virtual_one.name).is_err());
        }
    }
}

#[test]
fn names_whose_free_places_are_a_ring_take_no_memory() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/plain/nested.h5");
    let num_arrays = list(&source).unwrap().len();
    let mut bytes = std::fs::read(source).unwrap();
    let number = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let heaps: Vec<_> = (0..bytes.len() - 8).step_by(8).filter(|&at| bytes[at..].starts_with(b"HEAP\0")).collect();
    let mut num_rings = 0;
    for heap in heaps {
        let (free, names) = (number(&bytes, heap + 16), number(&bytes, heap + 24));
        if free != 1 {
            bytes[names + free..names + free + 8].copy_from_slice(&(free as u64).to_le_bytes());
            num_rings += 1;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.h5");
    std::fs::write(&path, &bytes).unwrap();
    assert!(num_rings > 0, "the heaps are full");
    assert!(list(&path).unwrap_or_default().len() < num_arrays);
    assert!(H5Array::open(&path, "acquisition/camera_1/stack").is_err());
}

#[test]
fn small_values_of_other_arrays_are_never_filled_in() {
    for name in ["stack_time", "missing_file", "same_file"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/sources/vds/{name}.h5"));
        let virtual_one = list(&path).unwrap().into_iter().find(|header| header.layout == Layout::Virtual).unwrap();
        let error = H5Tree::read(&path).unwrap().small(&virtual_one.name, 1 << 24).unwrap_err();
        assert!(error.message.contains("virtual dataset"), "{error}");
    }
}

#[test]
fn an_array_that_claims_to_be_endless_takes_no_memory_for_it() {
    const ROWS: usize = 1_000_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.h5");
    let file = hdf5::File::create(&path).unwrap();
    let dataset = file.new_dataset::<u16>().chunk((1, 8, 8)).shape((4.., 8, 8)).create("stack").unwrap();
    file.flush().unwrap();
    let before = H5Array::open(&path, "stack").unwrap();
    dataset.resize((ROWS, 8, 8)).unwrap();
    file.flush().unwrap();
    let after = H5Array::open(&path, "stack").unwrap();
    assert_eq!(after.header().shape.dims(), [ROWS, 8, 8]);
    assert_eq!(after.written_len(0), 0);
    assert_eq!(before.changes(&after, 0), Some(vec![4..ROWS]));
}

#[test]
fn a_listing_that_is_cut_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.h5");
    let file = hdf5::File::create(&path).unwrap();
    for i in 0..20_001 {
        file.link_soft("/nowhere", &format!("{i:05}")).unwrap();
    }
    drop(file);
    let told = [contents(&path).unwrap().cut, H5Tree::read(&path).unwrap().listing().cut.clone()];
    assert!(told.iter().all(|cut| cut.as_ref().is_some_and(|why| why.contains("20000"))), "{told:?}");
}

#[test]
fn a_type_that_claims_more_bits_than_it_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000.h5");
    let spec = Spec { deflate: Some(1), ..Spec::new(&[6, 8, 8], Some(&[1, 8, 8]), DType::U16) };
    write(&path, &spec, &sample(&spec.shape, spec.dtype));
    let mut bytes = std::fs::read(&path).unwrap();
    // Two bytes, first bit 0, sixteen bits: as a datatype message has it.
    let message = [2, 0, 0, 0, 0, 0, 16, 0];
    let at = bytes.windows(8).position(|window| window == message).unwrap();
    for (first_bit, num_bits) in [(0u16, 60_000u16), (12, 16), (60_000, 1), (0, 0)] {
        bytes[at + 4..at + 6].copy_from_slice(&first_bit.to_le_bytes());
        bytes[at + 6..at + 8].copy_from_slice(&num_bits.to_le_bytes());
        std::fs::write(&path, &bytes).unwrap();
        assert!(list(&path).unwrap_or_default().is_empty());
        assert!(H5Array::open(&path, "a/stack").is_err(), "{num_bits} bits from {first_bit}");
    }
}

#[test]
fn a_claim_of_gigabytes_takes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nested.h5");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/plain/nested.h5");
    let mut bytes = std::fs::read(source).unwrap();
    // A block for a driver, which the superblock says is among the voxels, and three gigabytes long.
    let at = 0xffff;
    bytes[48..56].copy_from_slice(&(at as u64).to_le_bytes());
    bytes[at..at + 16].copy_from_slice(b"\0\0\0\0\0\0\0\xc0NCSAfami");
    std::fs::write(&path, &bytes).unwrap();
    assert!(list(&path).is_err() && H5Array::open(&path, "acquisition/camera_1/stack").is_err());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    assert!(peak.is_none_or(|kilobytes: u64| kilobytes < 2 << 20), "{peak:?} kB");
}

#[test]
fn small_values_of_chunks_of_another_rank_take_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0001.h5");
    let mut bytes = std::fs::read(fixture("i_extra_file/data/0001.h5")).unwrap();
    // Two axes, of 16 and 12, where there were four; the chunks still have four.
    for (at, value) in [(1121, 2), (1128, 16), (1136, 12)] {
        bytes[at] = value;
    }
    std::fs::write(&path, &bytes).unwrap();
    let error = H5Tree::read(&path).unwrap().small("stack_4D", 1000).unwrap_err();
    assert!(error.to_string().contains("chunks that make no sense"), "{error}");
}
