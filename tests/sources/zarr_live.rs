//! Zarr arrays that are written while they are open, in each way in which writers do it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tectum::format::{FormatErrorCode, Growing, OpenOptions, Refresh, Source, open};
use tectum::volume::{Region, Severity, codes};

use crate::common::{read_region, read_whole};

/// An array of (t, y, x) voxels of one byte that are not compressed, in chunks of `len` timepoints.
struct Writer {
    folder: PathBuf,
    len: usize,
}

const FILL: u8 = 9;
const PLANE: usize = 6;

/// The voxels of a timepoint.
fn plane(t: usize) -> Vec<u8> {
    (0..PLANE).map(|i| (100 + 10 * t + i) as u8).collect()
}

impl Writer {
    fn new(folder: &Path, len: usize) -> Self {
        Self { folder: folder.to_owned(), len }
    }

    fn metadata(&self, num_t: usize) -> Value {
        json!({"zarr_format": 3, "node_type": "array", "shape": [num_t, 2, 3], "data_type": "uint8",
            "fill_value": FILL, "dimension_names": ["t", "y", "x"], "attributes": {},
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [self.len, 2, 3]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]})
    }

    fn describe(&self, num_t: usize) {
        std::fs::create_dir_all(&self.folder).unwrap();
        std::fs::write(self.folder.join("zarr.json"), self.metadata(num_t).to_string()).unwrap();
    }

    fn path(&self, chunk: usize) -> PathBuf {
        self.folder.join(format!("c/{chunk}/0/0"))
    }

    /// Writes the chunk that holds a timepoint, up to that one.
    fn write(&self, t: usize) {
        let first = t / self.len * self.len;
        let mut bytes: Vec<u8> = (first..=t).flat_map(plane).collect();
        bytes.resize(self.len * PLANE, FILL);
        std::fs::create_dir_all(self.path(t / self.len).parent().unwrap()).unwrap();
        std::fs::write(self.path(t / self.len), bytes).unwrap();
    }
}

fn growing(path: &Path) -> Arc<dyn Growing> {
    open(path, &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}")).growing.expect("it may grow")
}

/// The timepoint that each plane is of; `None` where it is the fill value.
fn seen(source: &dyn Source) -> Vec<Option<usize>> {
    let read = read_whole(source);
    assert!(read.missing.is_empty(), "{:?}", read.missing);
    let of = |plane_read: &[u8]| (0..16).find(|t| plane(*t) == plane_read);
    let planes = read.bytes.chunks_exact(PLANE).map(|bytes| match of(bytes) {
        None => {
            assert_eq!(bytes, [FILL; PLANE], "neither what was written nor the fill value");
            None
        }
        found => found,
    });
    planes.collect()
}

/// What a look finds: the next state and the planes that hold other data now.
fn look(source: &Arc<dyn Growing>) -> Option<(Arc<dyn Growing>, Vec<usize>)> {
    match source.refresh(&[]).unwrap_or_else(|error| panic!("{error}")) {
        Refresh::Unchanged => None,
        Refresh::Changed { source, stale } => {
            let mut chunks = Vec::new();
            source.chunks(&Region::whole(&source.info().shape), &mut chunks);
            let is_stale = |index: u64| stale.iter().any(|range| range.contains(&index));
            let stale = chunks
                .iter()
                .filter(|chunk| is_stale(chunk.index))
                .flat_map(|chunk| chunk.region.start()[0]..chunk.region.stop()[0]);
            let stale = stale.collect();
            Some((source, stale))
        }
        Refresh::Replaced(_) => panic!("another one"),
        Refresh::Gone(why) => panic!("{why}"),
    }
}

fn changed(source: &Arc<dyn Growing>) -> (Arc<dyn Growing>, Vec<usize>) {
    look(source).expect("something has changed")
}

/// Looks until nothing is new: what was written within a tick of the clock is looked at twice.
fn settled(mut source: Arc<dyn Growing>) -> Arc<dyn Growing> {
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(120));
        match look(&source) {
            Some((new, _)) => source = new,
            None => return source,
        }
    }
    panic!("something is always new")
}

#[test]
fn an_array_that_becomes_longer_is_followed() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::new(root.path(), 1);
    writer.describe(0);
    let error = open(root.path(), &OpenOptions::default()).err().expect("it has no extent");
    assert_eq!(error.code, FormatErrorCode::Beginning, "it is waited for: {error}");
    writer.describe(2);
    (0..2).for_each(|t| writer.write(t));
    let first = settled(growing(root.path()));
    assert_eq!((seen(first.as_ref()), first.growth().newest_readable), (vec![Some(0), Some(1)], Some(1)));
    assert!(!first.growth().is_finished && first.growth().writing.is_none());
    // First the extent, then the data, as `resize` and an assignment have it.
    writer.describe(3);
    let (second, _) = changed(&first);
    assert_eq!((second.info().shape.dims()[0], second.growth().newest_readable), (3, Some(1)));
    assert_eq!(seen(second.as_ref()), [Some(0), Some(1), None]);
    writer.write(2);
    let (third, stale) = changed(&second);
    assert_eq!((seen(third.as_ref()), stale), (vec![Some(0), Some(1), Some(2)], vec![2]));
    assert_eq!(third.growth().newest_readable, Some(2));
    assert_eq!(seen(first.as_ref()), [Some(0), Some(1)], "an earlier state stays what it is");
    assert!(look(&settled(third)).is_none());
}

#[test]
fn chunks_that_appear_go_from_the_fill_value_to_data() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::new(root.path(), 1);
    writer.describe(6);
    let first = settled(growing(root.path()));
    assert_eq!((seen(first.as_ref()), first.growth().newest_readable), (vec![None; 6], None));
    writer.write(0);
    let (second, stale) = changed(&first);
    assert_eq!((seen(second.as_ref())[0], stale), (Some(0), vec![0]));
    let second = settled(second);
    // Two at once, and one is left out: all of it is the fill value.
    [2, 3].iter().for_each(|&t| writer.write(t));
    let (third, stale) = changed(&second);
    assert_eq!((stale, third.growth().newest_readable), (vec![2, 3], Some(3)));
    assert_eq!(seen(third.as_ref()), [Some(0), None, Some(2), Some(3), None, None]);
    let note = |source: &dyn Source| source.problems().into_iter().find(|problem| problem.code == codes::NOT_STORED);
    let told = note(third.as_ref()).expect("it is known how many there are");
    assert_eq!(told.severity, Severity::Note);
    assert!(
        told.message.starts_with("3 of its 6 chunks are not stored") && told.message.contains('9'),
        "{}",
        told.message
    );
    let third = settled(third);
    [1, 4, 5].iter().for_each(|&t| writer.write(t));
    let (fourth, stale) = changed(&third);
    assert_eq!((seen(fourth.as_ref()), stale), ((0..6).map(Some).collect::<Vec<_>>(), vec![1, 4, 5]));
    assert_eq!(note(fourth.as_ref()), None);
    let fourth = settled(fourth);
    // One that vanishes is the fill value again.
    std::fs::remove_file(writer.path(5)).unwrap();
    let (fifth, stale) = changed(&fourth);
    assert_eq!((seen(fifth.as_ref())[5], stale), (None, vec![5]));
}

#[test]
fn how_many_chunks_are_stored_is_known_once_the_folder_was_looked_through() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::new(root.path(), 2);
    writer.describe(9);
    [0, 3].iter().for_each(|&t| writer.write(t));
    let opened = open(root.path(), &OpenOptions::default()).unwrap();
    let told = || opened.source.problems().iter().any(|problem| problem.message.starts_with("3 of its 5 chunks"));
    assert!(!told());
    opened.source.inspect();
    assert!(told(), "{:?}", opened.source.problems());
}

#[test]
fn a_chunk_of_several_timepoints_that_is_written_once_more_is_read_once_more() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::new(root.path(), 4);
    writer.describe(8);
    writer.write(1);
    let first = settled(growing(root.path()));
    assert_eq!(seen(first.as_ref())[..4], [Some(0), Some(1), None, None]);
    writer.write(2);
    let (second, stale) = changed(&first);
    assert_eq!((seen(second.as_ref())[..4].to_vec(), stale), (vec![Some(0), Some(1), Some(2), None], vec![0, 1, 2, 3]));
    let second = settled(second);
    // Half of a chunk is no chunk: an error for now, and read again as soon as it is whole.
    let whole = std::fs::read(writer.path(0)).unwrap();
    std::fs::write(writer.path(0), &whole[..10]).unwrap();
    let (third, stale) = changed(&second);
    assert_eq!((read_whole(third.as_ref()).missing.len(), stale.len()), (1, 4));
    writer.write(3);
    let (fourth, stale) = changed(&third);
    assert_eq!((seen(fourth.as_ref())[..4].to_vec(), stale), ((0..4).map(Some).collect(), vec![0, 1, 2, 3]));
    assert!(fourth.problems().iter().all(|problem| problem.severity == Severity::Note), "{:?}", fourth.problems());
}

#[test]
fn metadata_that_are_half_written_keep_what_is_known() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::new(root.path(), 1);
    writer.describe(2);
    (0..2).for_each(|t| writer.write(t));
    let first = settled(growing(root.path()));
    let text = writer.metadata(3).to_string();
    for torn in [&text[..0], &text[..text.len() / 2], "{}", "[3]", &text.replace("[3,", "[-1,")] {
        std::fs::write(root.path().join("zarr.json"), torn).unwrap();
        assert!(look(&first).is_none(), "{torn}");
    }
    // It stays so: somebody has to be told.
    let old = SystemTime::now() - Duration::from_secs(10);
    std::fs::File::options().write(true).open(root.path().join("zarr.json")).unwrap().set_modified(old).unwrap();
    assert!(first.refresh(&[]).is_err());
    writer.describe(3);
    writer.write(2);
    assert_eq!(seen(changed(&first).0.as_ref()), [Some(0), Some(1), Some(2)]);
}

#[test]
fn another_array_in_the_same_place_is_another_one() {
    let root = tempfile::tempdir().unwrap();
    let array = root.path().join("a.zarr");
    let writer = Writer::new(&array, 1);
    writer.describe(3);
    (0..3).for_each(|t| writer.write(t));
    let first = settled(growing(&array));
    for (field, value) in [("shape", json!([2, 2, 3])), ("fill_value", json!(1)), ("data_type", json!("int8"))] {
        let mut metadata = writer.metadata(3);
        metadata[field] = value;
        std::fs::write(array.join("zarr.json"), metadata.to_string()).unwrap();
        assert!(matches!(first.refresh(&[]), Ok(Refresh::Replaced(_))), "{field}");
    }
    std::fs::remove_dir_all(&array).unwrap();
    assert!(matches!(first.refresh(&[]), Ok(Refresh::Gone(_))));
}

/// An image whose gathered metadata are those of its beginning, channels first, in shards.
#[test]
fn shards_of_an_image_are_followed_whatever_its_gathered_metadata_say() {
    let root = tempfile::tempdir().unwrap();
    let axis = |name: &str, kind: &str| json!({"name": name, "type": kind});
    let axes = [axis("c", "channel"), axis("t", "time"), axis("y", "space"), axis("x", "space")];
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let array = |num_t: usize| {
        json!({"zarr_format": 3, "node_type": "array", "shape": [2, num_t, 2, 3], "data_type": "uint8", "fill_value": FILL,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 4, 2, 3]}},
            "chunk_key_encoding": {"name": "default"},
            "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 2, 3], "codecs": [bytes],
                "index_codecs": [bytes], "index_location": "end"}}]})
    };
    let group = json!({"zarr_format": 3, "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}},
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": {"0": array(2)}}});
    let write = |name: &str, bytes: &[u8]| {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    // A shard that holds its first timepoints.
    let shard = |channel: usize, times: std::ops::Range<usize>| {
        let mut shard: Vec<u8> = times.clone().flat_map(|t| plane(t + channel)).collect();
        for i in 0..4 {
            let at = if i < times.len() { [(i * PLANE) as u64, PLANE as u64] } else { [u64::MAX; 2] };
            shard.extend(at.iter().flat_map(|number| number.to_le_bytes()));
        }
        shard
    };
    write("zarr.json", group.to_string().as_bytes());
    write("0/zarr.json", array(2).to_string().as_bytes());
    (0..2).for_each(|c| write(&format!("0/c/{c}/0/0/0"), &shard(c, 0..2)));
    let first = settled(growing(root.path()));
    let of = |source: &dyn Source| {
        let bytes = read_whole(source).bytes;
        bytes.chunks_exact(PLANE).map(|bytes| (0..16).find(|t| plane(*t) == bytes)).collect::<Vec<_>>()
    };
    assert_eq!(of(first.as_ref()), [0, 1, 1, 2].map(Some));
    assert_eq!((first.growth().axis, first.growth().newest_readable), (1, Some(1)));
    // The shards are written once more, with a timepoint more.
    write("0/zarr.json", array(3).to_string().as_bytes());
    (0..2).for_each(|c| write(&format!("0/c/{c}/0/0/0"), &shard(c, 0..3)));
    let (second, stale) = match first.refresh(&[]).unwrap() {
        Refresh::Changed { source, stale } => (source, stale),
        _ => panic!("it has grown"),
    };
    assert_eq!(of(second.as_ref()), [0, 1, 2, 1, 2, 3].map(Some));
    let mut chunks = Vec::new();
    second.chunks(&Region::whole(&second.info().shape), &mut chunks);
    assert!(chunks.iter().all(|chunk| stale.iter().any(|range| range.contains(&chunk.index))));
    // The next ones, one after the other: what is not there of a timepoint is being written.
    write("0/zarr.json", array(5).to_string().as_bytes());
    write("0/c/0/0/0/0", &shard(0, 0..4));
    write("0/c/0/1/0/0", &shard(0, 4..5));
    let Refresh::Changed { source: third, .. } = second.refresh(&[]).unwrap() else { panic!("it has grown") };
    assert_eq!((third.growth().newest_readable, third.growth().writing), (Some(3), Some([4, 5])));
    let last = read_region(third.as_ref(), &Region::whole(&third.info().shape).with_axis(1, 4, 5));
    assert_eq!(last.bytes, [plane(4), vec![FILL; PLANE]].concat());
}

/// A program that writes while another one looks and reads: every read is data or the fill value, and what a cache
/// keeps by what the looks tell is in the end what lies on disk.
#[test]
fn what_is_kept_while_it_is_written_is_what_was_written() {
    const NUM: usize = 12;
    let root = tempfile::tempdir().unwrap();
    for (round, len) in [(0, 1), (1, 3), (2, 1)] {
        let folder = root.path().join(round.to_string());
        let writer = Writer::new(&folder, len);
        writer.describe(if round == 2 { NUM } else { 1 });
        writer.write(0);
        let mut source = growing(&folder);
        let writing = std::thread::spawn(move || {
            for t in 1..NUM {
                if round < 2 {
                    // Put in place as a whole, as writers do it.
                    let text = writer.metadata(t + 1).to_string();
                    std::fs::write(writer.folder.join("new"), text).unwrap();
                    std::fs::rename(writer.folder.join("new"), writer.folder.join("zarr.json")).unwrap();
                }
                writer.write(t);
                std::thread::sleep(Duration::from_millis(7));
            }
        });
        let mut kept: std::collections::BTreeMap<u64, Vec<u8>> = std::collections::BTreeMap::new();
        let mut num_quiet = 0;
        while num_quiet < 3 {
            let mut chunks = Vec::new();
            source.chunks(&Region::whole(&source.info().shape), &mut chunks);
            for chunk in &chunks {
                let num_bytes = (chunk.region.stop()[0] - chunk.region.start()[0]) * PLANE;
                if kept.get(&chunk.index).is_none_or(|bytes| bytes.len() != num_bytes) {
                    let mut buffer = vec![0; num_bytes];
                    // One that is being written is read again after it was.
                    match source.read(chunk, &mut buffer) {
                        Ok(_) => drop(kept.insert(chunk.index, buffer)),
                        Err(_) => drop(kept.remove(&chunk.index)),
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(if writing.is_finished() { 120 } else { 3 }));
            match source.refresh(&[]).unwrap() {
                Refresh::Changed { source: new, stale } => {
                    kept.retain(|index, _| !stale.iter().any(|range| range.contains(index)));
                    source = new;
                    num_quiet = 0;
                }
                Refresh::Unchanged => num_quiet += usize::from(writing.is_finished()),
                _ => panic!("it is the same array"),
            }
        }
        writing.join().unwrap();
        let planes: Vec<u8> = kept.into_values().flatten().collect();
        assert_eq!(planes, (0..NUM).flat_map(plane).collect::<Vec<_>>(), "{round}");
        assert_eq!(source.growth().newest_readable, Some(NUM - 1));
    }
}
