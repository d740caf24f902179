//! Virtual datasets of HDF5, against what h5py read of them; what is not there, what is made of itself, and what
//! grows.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tectum::format::hdf5::{VirtualLayout, with_library_locked};
use tectum::format::{FormatError, OpenOptions, Opened, Refresh, Source, VirtualOptions, open};
use tectum::volume::{PieceState, Region, codes};

use crate::common::{indices, read_region, read_whole, untouched};
use crate::manifest::{entries, folder, text};
use crate::virtual_files::{Map, extend, slab, write_stored, write_virtual};

fn opened(file: &str, dataset: &str, virtual_datasets: VirtualOptions) -> Result<Opened, FormatError> {
    let dataset = Some(dataset.to_owned());
    open(folder("vds").join(file), &OpenOptions { dataset, virtual_datasets, ..OpenOptions::default() })
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dims(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap() as usize).collect()
}

/// What HDF5 shows in the place of what is missing.
fn with_fill(source: &dyn Source, fill: u16) -> Vec<u8> {
    let mut read = read_whole(source);
    let (shape, item) = (source.info().shape, source.info().dtype.num_bytes());
    for (part, error) in &read.missing {
        assert!(!error.message.is_empty());
        for index in part.indices() {
            let at = shape.offset(&index[..shape.rank()]).unwrap() * item;
            assert_eq!(item, 2, "only u16 is missing in the fixtures");
            read.bytes[at..at + 2].copy_from_slice(&fill.to_le_bytes());
        }
    }
    read.bytes
}

fn fill_of(entry: &Value) -> u16 {
    entry["fillvalue"].as_i64().and_then(|fill| u16::try_from(fill).ok()).unwrap_or(0)
}

#[test]
fn every_fixture_is_what_h5py_read() {
    let entries = entries("vds", "datasets");
    assert_eq!(entries.len(), 30);
    untouched(&folder("vds"), || {
        for entry in entries.iter().filter(|entry| !text(entry, "sha256").is_empty()) {
            let (file, path) = (text(entry, "file"), text(entry, "path"));
            let source = opened(file, path, VirtualOptions::default()).unwrap_or_else(|error| panic!("{error}")).source;
            assert_eq!(source.info().shape.dims(), dims(&entry["shape"]), "{file}");
            assert_eq!(hash(&with_fill(source.as_ref(), fill_of(entry))), text(entry, "sha256"), "{file}");
        }
    });
}

#[test]
fn both_views_and_every_gap_are_what_h5py_read() {
    let mut num_views = 0;
    for entry in entries("vds", "datasets") {
        for view in entry["views"].as_array().into_iter().flatten() {
            let options = VirtualOptions {
                ends_at_first_missing: text(view, "view") == "first_missing",
                max_gap: view["printf_gap"].as_u64().unwrap() as usize,
                prefix: None,
            };
            let source = opened(text(&entry, "file"), "data", options.clone()).unwrap().source;
            assert_eq!(source.info().shape.dims(), dims(&view["shape"]), "{} {options:?}", text(&entry, "file"));
            let hash = hash(&with_fill(source.as_ref(), fill_of(&entry)));
            assert_eq!(hash, text(view, "sha256"), "{} {options:?}", text(&entry, "file"));
            num_views += 1;
        }
        if let Some(with_prefix) = entry["with_prefix"].as_object() {
            let prefix = with_prefix["prefix"].as_str().map(str::to_owned);
            let options = VirtualOptions { prefix, ..VirtualOptions::default() };
            let source = opened(text(&entry, "file"), "data", options).unwrap().source;
            assert!(source.problems().iter().all(|problem| problem.code != codes::MISSING_SOURCE));
            let read = read_whole(source.as_ref());
            assert!(read.missing.is_empty());
            assert_eq!(hash(&read.bytes), with_prefix["sha256"].as_str().unwrap());
            num_views += 1;
        }
    }
    assert_eq!(num_views, 19);
}

#[test]
fn a_missing_source_is_missing_data_with_its_name() {
    let source = opened("missing_file.h5", "data", VirtualOptions::default()).unwrap().source;
    let problem = source.problems().into_iter().find(|problem| problem.code == codes::MISSING_SOURCE).unwrap();
    assert!(problem.file.as_ref().unwrap().to_string().ends_with("gone.h5"), "{problem:?}");
    let span = problem.span.unwrap();
    assert_eq!((span.axis.letter(), span.range), ('t', [2, 4]));
    let states: Vec<_> = source.pieces().iter().map(|piece| (piece.range, piece.state)).collect();
    assert_eq!(states.len(), 3);
    assert_eq!(states[1], ([2, 4], PieceState::Missing));
    let read = read_whole(source.as_ref());
    for t in 0..6 {
        assert_eq!(read.is_missing(&[t, 1, 3, 4]), (2..4).contains(&t), "{t}");
    }
    assert!(source.files().iter().any(|file| file.to_string().ends_with("gone.h5")));

    // The file is there, and the array is not in it.
    let source = opened("missing_dataset.h5", "data", VirtualOptions::default()).unwrap().source;
    let read = read_whole(source.as_ref());
    assert!(!read.is_missing(&[1, 0, 0, 0]) && read.is_missing(&[2, 0, 0, 0]));
    assert!(read.missing.iter().any(|(_, error)| error.message.contains("no_such_dataset")), "{:?}", read.missing);
}

#[test]
fn of_a_source_that_is_shorter_than_its_mapping_what_is_there_is_shown() {
    let short = opened("short_source.h5", "data", VirtualOptions::default()).unwrap().source;
    let read = read_whole(short.as_ref());
    let whole = opened("missing_file.h5", "data", VirtualOptions::default()).unwrap().source;
    let num_bytes = 2 * 4 * 24 * 20 * 2;
    assert_eq!(read.bytes[..num_bytes], read_whole(whole.as_ref()).bytes[..num_bytes]);
    assert!(!read.is_missing(&[1, 3, 23, 19]) && read.is_missing(&[2, 0, 0, 0]) && read.is_missing(&[3, 3, 23, 19]));
    let problem = short.problems().into_iter().find(|problem| problem.code == codes::SHORT_SOURCE).unwrap();
    assert!(problem.message.contains("holds 2 × 4 × 24 × 20"), "{problem:?}");
}

#[test]
fn what_lies_behind_an_absent_number_is_told_of() {
    let source = opened("printf_gap.h5", "data", VirtualOptions::default()).unwrap().source;
    let told = source.problems().into_iter().find(|problem| problem.code == codes::MISSING_SOURCE).unwrap();
    assert!(told.message.contains("b_2.h5") && told.message.contains("b_3.h5"), "{told:?}");
    let gap = VirtualOptions { max_gap: 1, ..VirtualOptions::default() };
    let source = opened("printf_gap.h5", "data", gap).unwrap().source;
    let read = read_whole(source.as_ref());
    for t in 0..10 {
        assert_eq!(read.is_missing(&[t, 0, 0, 0]), (4..6).contains(&t), "{t}");
    }
}

fn values(t: std::ops::Range<u64>) -> Vec<u16> {
    t.flat_map(|t| (0..12).map(move |i| (t * 100 + i) as u16)).collect()
}

/// The values of a source of u16, none of it missing.
fn read_u16(source: &dyn Source) -> Vec<u16> {
    let read = read_whole(source);
    assert!(read.missing.is_empty(), "{:?}", read.missing);
    read.bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn what_no_source_is_mapped_to_is_missing_unless_the_file_gives_it_a_value() {
    let folder = tempfile::tempdir().unwrap();
    write_stored(&folder.path().join("a.h5"), "d", &[4, 3, 4], &[1, 3, 4], &values(0..4));
    let maps = || {
        [Map {
            part: slab(&[0, 0, 2], &[4, 3, 2]),
            file: "a.h5",
            dataset: "d",
            of_source: slab(&[0, 0, 1], &[4, 3, 2]),
        }]
    };
    for fill in [None, Some(9)] {
        let path = folder.path().join("v.h5");
        write_virtual(&path, "v", &[4, 3, 6], fill, &maps(), true);
        let read = read_whole(open(&path, &OpenOptions::default()).unwrap().source.as_ref());
        assert_eq!(read.is_missing(&[1, 1, 1]), fill.is_none());
        assert_eq!(read.is_missing(&[1, 1, 5]), fill.is_none());
        assert!(!read.is_missing(&[1, 1, 2]) && !read.is_missing(&[3, 2, 3]));
        let at = |t: usize, y: usize, x: usize| read.bytes[((t * 3 + y) * 6 + x) * 2];
        assert_eq!((at(0, 1, 2), at(0, 1, 5)), (5, fill.unwrap_or(0) as u8));
    }
}

#[test]
fn a_dataset_made_of_itself_is_refused_and_deep_chains_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = || slab(&[0, 0, 0], &[2, 3, 4]);
    let map = |file, dataset| [Map { part: whole(), file, dataset, of_source: whole() }];
    write_virtual(&at("own.h5"), "v", &[2, 3, 4], None, &map(".", "v"), true);
    write_virtual(&at("a.h5"), "v", &[2, 3, 4], None, &map("b.h5", "/v"), true);
    write_virtual(&at("b.h5"), "v", &[2, 3, 4], None, &map("a.h5", "v"), true);
    for name in ["own.h5", "a.h5"] {
        let source = open(at(name), &OpenOptions::default()).unwrap().source;
        source.inspect();
        let read = read_whole(source.as_ref());
        assert!(read.is_missing(&[0, 0, 0]));
        assert!(read.missing[0].1.message.contains("made of itself"), "{:?}", read.missing);
    }
    // No numbers: those would be blocks.
    let name = |i: usize| format!("deep_{}.h5", char::from(b'a' + i as u8));
    write_stored(&at(&name(0)), "v", &[2, 3, 4], &[1, 3, 4], &values(0..2));
    for i in 1..12 {
        let source = name(i - 1);
        let maps = [Map { part: whole(), file: &source, dataset: "v", of_source: whole() }];
        write_virtual(&at(&name(i)), "v", &[2, 3, 4], None, &maps, true);
    }
    assert_eq!(read_u16(open(at(&name(5)), &OpenOptions::default()).unwrap().source.as_ref()), values(0..2));
    let deep = read_whole(open(at(&name(11)), &OpenOptions::default()).unwrap().source.as_ref());
    assert!(deep.missing[0].1.message.contains("deep"), "{:?}", deep.missing);
}

/// Two writers that take turns, and a third array with an end.
fn interleaved(folder: &Path, lens: [u64; 2]) {
    for (i, len) in lens.into_iter().enumerate() {
        let mine: Vec<u16> = (0..len).flat_map(|k| values(2 * k + i as u64..2 * k + i as u64 + 1)).collect();
        let path = folder.join(format!("{i}.h5"));
        if path.exists() {
            extend(&path, "d", &[len, 3, 4], &mine);
        } else {
            write_stored(&path, "d", &[len, 3, 4], &[1, 3, 4], &mine);
        }
    }
    let path = folder.join("v.h5");
    if !path.exists() {
        let endless = |start, stride| vec![[start, stride, u64::MAX, 1], [0, 3, 1, 3], [0, 4, 1, 4]];
        let maps = [0, 1].map(|i| Map {
            part: endless(i, 2),
            file: if i == 0 { "0.h5" } else { "1.h5" },
            dataset: "d",
            of_source: endless(0, 1),
        });
        write_virtual(&path, "v", &[1, 3, 4], Some(7), &maps, true);
    }
}

#[test]
fn growing_sources_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    interleaved(folder.path(), [2, 2]);
    let options = OpenOptions { axes: Some("tyx".into()), ..OpenOptions::default() };
    let first = open(folder.path().join("v.h5"), &options).unwrap().growing.unwrap();
    assert_eq!(read_u16(first.as_ref()), values(0..4));
    assert!(!first.growth().is_finished && first.growth().axis == 0);
    assert!(matches!(first.refresh(&[]), Ok(Refresh::Unchanged)));
    // One of the two is a frame ahead.
    interleaved(folder.path(), [4, 3]);
    let Ok(Refresh::Changed { source: second, stale }) = first.refresh(&[]) else { panic!("it has grown") };
    assert_eq!(read_u16(second.as_ref()), values(0..7));
    assert!(stale.iter().all(|range| range.start >= 2), "what was whole before is not read again: {stale:?}");
    assert_eq!(read_u16(first.as_ref()), values(0..4), "the earlier state is what it was");
    interleaved(folder.path(), [4, 4]);
    let Ok(Refresh::Changed { source: third, .. }) = second.refresh(&[]) else { panic!("it has grown") };
    assert_eq!(read_u16(third.as_ref()), values(0..8));
    // Written anew, and shorter.
    std::fs::remove_file(folder.path().join("0.h5")).unwrap();
    std::fs::remove_file(folder.path().join("1.h5")).unwrap();
    interleaved(folder.path(), [1, 1]);
    let Ok(Refresh::Replaced(fourth)) = third.refresh(&[]) else { panic!("another recording") };
    assert_eq!(read_u16(fourth.as_ref()), values(0..2));
    std::fs::remove_file(folder.path().join("v.h5")).unwrap();
    assert!(matches!(fourth.refresh(&[]), Ok(Refresh::Gone(_))));
}

#[test]
fn what_was_guessed_of_the_axes_stays_when_a_dataset_grows() {
    let folder = tempfile::tempdir().unwrap();
    // From 400 timepoints on a stack is taken for a movie.
    interleaved(folder.path(), [200, 200]);
    let first = open(folder.path().join("v.h5"), &OpenOptions::default()).unwrap().growing.unwrap();
    assert_eq!(first.info().axes_in_letters(), "zyx");
    let told = |source: &dyn Source| {
        let told = source.problems().into_iter().find(|problem| problem.code == codes::AXES_GUESSED);
        told.map(|problem| problem.message)
    };
    assert!(told(first.as_ref()).is_some());
    interleaved(folder.path(), [201, 201]);
    let Ok(Refresh::Changed { source: second, .. }) = first.refresh(&[]) else { panic!("it has grown") };
    assert_eq!((second.info().shape.dims()[0], second.info().axes_in_letters().as_str()), (402, "zyx"));
    assert_eq!(second.info().axes_from, first.info().axes_from);
    assert_eq!(told(second.as_ref()), told(first.as_ref()));
    // Opened anew it is taken for what it has become.
    let anew = open(folder.path().join("v.h5"), &OpenOptions::default()).unwrap().source;
    assert_eq!(anew.info().axes_in_letters(), "tyx");
}

#[test]
fn the_axes_of_a_plain_file_stay_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("movie.h5");
    write_stored(&path, "d", &[400, 3, 4], &[1, 3, 4], &values(0..400));
    let first = open(&path, &OpenOptions::default()).unwrap().growing.unwrap();
    assert_eq!(first.info().axes_in_letters(), "zyx");
    extend(&path, "d", &[401, 3, 4], &values(0..401));
    let Ok(Refresh::Changed { source: second, .. }) = first.refresh(&[]) else { panic!("it has grown") };
    assert_eq!((second.info().shape.dims()[0], second.info().axes_in_letters().as_str()), (401, "zyx"));
    assert_eq!(second.problems(), first.problems());
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_looked_into_has_not_gone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    interleaved(&inner, [2, 2]);
    let source = open(inner.join("v.h5"), &OpenOptions::default()).unwrap().growing.unwrap();
    let allow = |mode| std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    let is_seen = std::fs::metadata(inner.join("v.h5")).is_ok();
    let looked = source.refresh(&[]);
    allow(0o700);
    // Whoever may look everywhere sees no difference.
    assert!(is_seen || looked.is_err());
}

#[test]
fn a_source_that_comes_later_is_shown_then() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let map = |t, file| Map {
        part: slab(&[t, 0, 0], &[2, 3, 4]),
        file,
        dataset: "d",
        of_source: slab(&[0, 0, 0], &[2, 3, 4]),
    };
    write_stored(&at("a.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(0..2));
    write_virtual(&at("v.h5"), "v", &[4, 3, 4], Some(0), &[map(0, "a.h5"), map(2, "b.h5")], true);
    let first = open(at("v.h5"), &OpenOptions::default()).unwrap().growing.unwrap();
    assert!(read_whole(first.as_ref()).is_missing(&[2, 0, 0]));
    assert!(matches!(first.refresh(&[]), Ok(Refresh::Unchanged)));
    write_stored(&at("b.h5"), "d", &[2, 3, 4], &[1, 3, 4], &values(2..4));
    let Ok(Refresh::Changed { source, stale }) = first.refresh(&[at("b.h5")]) else { panic!("it has come") };
    assert_eq!(stale, [2..4]);
    assert_eq!(read_u16(source.as_ref()), values(0..4));
    assert!(source.problems().iter().all(|problem| problem.code != codes::MISSING_SOURCE));
}

#[test]
fn thousands_of_sources_are_opened_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..3000).map(|i| format!("s{i}.h5")).collect();
    let map = |(t, file): (usize, &'static str)| Map {
        part: slab(&[t as u64, 0, 0], &[1, 3, 4]),
        file,
        dataset: "d",
        of_source: slab(&[0, 0, 0], &[1, 3, 4]),
    };
    let leaked: Vec<&'static str> = names.iter().map(|name| &*Box::leak(name.clone().into_boxed_str())).collect();
    let maps: Vec<Map<'_>> = leaked.iter().copied().enumerate().map(map).collect();
    write_virtual(&folder.path().join("v.h5"), "v", &[3000, 3, 4], Some(0), &maps, true);
    for t in [0, 1499, 2999] {
        write_stored(&folder.path().join(&names[t]), "d", &[1, 3, 4], &[1, 3, 4], &values(t as u64..t as u64 + 1));
    }
    let begin = std::time::Instant::now();
    let source: Arc<dyn Source> = open(folder.path().join("v.h5"), &OpenOptions::default()).unwrap().source;
    assert!(begin.elapsed().as_secs_f64() < 30.0, "{:?}", begin.elapsed());
    for t in [0usize, 1, 1499, 2999] {
        let mut chunks = Vec::new();
        source.chunks(&Region::new(&[t, 0, 0], &[t + 1, 3, 4]).unwrap(), &mut chunks);
        let [chunk] = chunks[..] else { panic!("one chunk of one source") };
        let mut buffer = vec![0; 24];
        let read = source.read(&chunk, &mut buffer);
        if t == 1 {
            assert!(read.unwrap_err().file.to_string().ends_with("s1.h5"));
        } else {
            assert_eq!(buffer[..2], ((t * 100) as u16).to_le_bytes());
        }
    }
}

/// One folder of random mappings as `tests/fixtures/sources/make_random_vds.py` writes them, against what h5py read.
fn assert_random(folder: &Path) {
    let expect: Value = serde_json::from_slice(&std::fs::read(folder.join("expect.json")).unwrap()).unwrap();
    let bytes = |field: &str| -> Vec<u8> {
        let text = expect[field].as_str().unwrap().as_bytes();
        text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let (wanted, fill) = (bytes("bytes"), bytes("fill"));
    let name = folder.display();
    let options = OpenOptions { dataset: Some("v".into()), ..OpenOptions::default() };
    let source = open(folder.join("v.h5"), &options).unwrap_or_else(|error| panic!("{error}")).source;
    let shape = source.info().shape;
    assert_eq!(shape.dims(), dims(&expect["shape"]), "{name}");
    let read = read_whole(source.as_ref());
    let item = source.info().dtype.num_bytes();
    let has_absent = source.problems().iter().any(|problem| problem.code == codes::MISSING_SOURCE);
    for (i, index) in indices(shape.dims()).enumerate() {
        let at = i * item..(i + 1) * item;
        if !read.is_missing(&index) {
            assert_eq!(read.bytes[at.clone()], wanted[at], "{name} {index:?}");
        } else if !has_absent {
            // Nothing is left out but what no source is mapped to.
            assert!(!expect["has_fill"].as_bool().unwrap() && wanted[at] == fill, "{name} {index:?}");
        }
    }
    // In other pieces than those it is cut into, too.
    for axis in 0..shape.rank() {
        let half = Region::whole(&shape).with_axis(axis, shape.dims()[axis] / 2, shape.dims()[axis]);
        if !half.is_empty() {
            let part = read_region(source.as_ref(), &half);
            for (i, index) in half.indices().enumerate() {
                let offset = shape.offset(&index[..shape.rank()]).unwrap() * item;
                assert!(
                    part.is_missing(&index[..shape.rank()])
                        || part.bytes[i * item..][..item] == read.bytes[offset..][..item],
                    "{name} {index:?}"
                );
            }
        }
    }
}

/// Kept ones; `TECTUM_RANDOM_VDS` names a folder of more.
#[test]
fn random_mappings_are_what_h5py_read() {
    let more = std::env::var_os("TECTUM_RANDOM_VDS").map(std::path::PathBuf::from);
    let mut num = 0;
    for folder in std::iter::once(folder("vds_random")).chain(more) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
        {
            assert_random(&entry);
            num += 1;
        }
    }
    assert!(num >= 17);
}

#[test]
fn while_thousands_of_mappings_are_looked_at_others_get_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let map = |t: u64| Map {
        part: slab(&[t, 0, 0], &[1, 3, 4]),
        file: "a.h5",
        dataset: "d",
        of_source: slab(&[t, 0, 0], &[1, 3, 4]),
    };
    let maps: Vec<Map<'_>> = (0..20_000).map(map).collect();
    let path = folder.path().join("v.h5");
    write_virtual(&path, "v", &[20_000, 3, 4], Some(0), &maps, true);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| VirtualLayout::read(&path, "v").unwrap().unwrap().mappings.len());
        // How often somebody had to wait for it, and got it.
        let mut num_waited = 0;
        while !reading.is_finished() {
            let begin = std::time::Instant::now();
            with_library_locked(|| ());
            num_waited += usize::from(begin.elapsed() > std::time::Duration::from_millis(1));
        }
        assert_eq!(reading.join().unwrap(), 20_000);
        assert!(num_waited >= 5, "{num_waited}");
    });
}

#[test]
fn whoever_names_a_whole_recording_among_numbered_files_gets_it_and_of_a_block_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let open = |name: &str| open(at(name), &OpenOptions::default()).map(|opened| opened.source);
    let shape = |name: &str| open(name).unwrap().info().shape.dims().to_vec();
    let voxels = |num: u64| (0..num).map(|i| i as u16).collect::<Vec<u16>>();
    for name in ["0001.h5", "0002.h5", "0003.h5"] {
        write_stored(&at(name), "stack_4D", &[2, 3, 8, 9], &[1, 3, 8, 9], &voxels(2 * 3 * 8 * 9));
    }
    assert_eq!(shape("0002.h5"), [6, 3, 8, 9], "one block stands for the recording");
    // A virtual dataset over two of them, numbered like them.
    let map = |file, t| Map {
        part: slab(&[t, 0, 0, 0], &[2, 3, 8, 9]),
        file,
        dataset: "stack_4D",
        of_source: slab(&[0; 4], &[2, 3, 8, 9]),
    };
    write_virtual(&at("0004.h5"), "stack_4D", &[4, 3, 8, 9], None, &[map("0001.h5", 0), map("0003.h5", 2)], true);
    // An array of another kind.
    write_stored(&at("0005.h5"), "anatomy", &[5, 40, 30], &[1, 40, 30], &voxels(5 * 40 * 30));
    assert_eq!((shape("0004.h5"), shape("0005.h5")), (vec![4, 3, 8, 9], vec![5, 40, 30]));
    std::fs::copy(crate::manifest::folder("nwb").join("ophys.nwb"), at("0006.h5")).unwrap();
    assert!(open("0006.h5").unwrap().info().format.starts_with("NWB"));
    let is_split = |name: &str| open(name).unwrap().info().format.starts_with("split dataset");
    assert!(["0001.h5", "0002.h5", "0003.h5"].into_iter().all(is_split));
    // What cannot be read is a block still; and what the metadata count is one whatever it holds.
    std::fs::write(at("0002.h5"), &std::fs::read(at("0002.h5")).unwrap()[..600]).unwrap();
    assert!(is_split("0002.h5"));
    std::fs::write(at("stack_metadata.json"), r#"{"shape_full": [6, 3, 8, 9], "shape_block": [2, 3, 8, 9]}"#).unwrap();
    assert!(is_split("0005.h5"));
    assert_eq!(shape("0004.h5"), [4, 3, 8, 9]);
}
