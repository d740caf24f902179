//! Recordings that are being written, by a real writer in another process with HDF5's default locking:
//! what is shown is what is on disk, and the writer never notices.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/rig.rs"]
mod rig;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use common::{read_whole, untouched};
use rig::{LEN, Rig, VOLUME, value};
use tectum::format::split::{Refresh, SplitSource};
use tectum::format::{Chunk, Filled, OpenOptions, Source, open};
use tectum::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use tectum::volume::{Axis, Piece, PieceState, Region};

/// Not a test: the other process.
#[test]
#[ignore = "run by the tests as the writer"]
fn the_rig() {
    rig::serve();
}

fn opened(path: &Path) -> Arc<SplitSource> {
    open(path, &OpenOptions::default()).unwrap().split.unwrap()
}

fn changed(source: &SplitSource) -> Arc<SplitSource> {
    match source.refresh(&[]).unwrap() {
        Refresh::Changed { source, .. } => source,
        Refresh::Unchanged => panic!("unchanged"),
        Refresh::Replaced(_) => panic!("replaced"),
        Refresh::Gone(why) => panic!("gone: {why}"),
    }
}

fn num_t(source: &SplitSource) -> usize {
    source.info().shape.dims()[0]
}

fn codes(source: &SplitSource) -> Vec<&'static str> {
    source.problems().iter().map(|problem| problem.code).filter(|code| *code != "no_metadata").collect()
}

/// Which writing each timepoint shows: an id, or `None` where it is missing. Panics if a volume is of
/// no writing, or of several.
fn shown(bytes: &[u8], is_missing: impl Fn(&[usize]) -> bool, num_t: usize, ids: &[u32]) -> Vec<Option<u32>> {
    let [nz, ny, nx] = VOLUME;
    let values: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    (0..num_t)
        .map(|t| {
            let mut found = None;
            for z in 0..nz {
                if is_missing(&[t, z, 0, 0]) {
                    continue;
                }
                let plane = &values[((t * nz) + z) * ny * nx..][..ny * nx];
                let fits =
                    |id: &&u32| plane.iter().enumerate().all(|(i, &v)| v == value(**id, t % LEN, z, i / nx, i % nx));
                let id = ids.iter().rev().find(fits).unwrap_or_else(|| panic!("t={t} z={z} was never written"));
                assert!(found.is_none_or(|other| other == *id), "t={t} mixes two writings");
                found = Some(*id);
            }
            found
        })
        .collect()
}

fn ids_of(source: &SplitSource, ids: &[u32]) -> Vec<Option<u32>> {
    let whole = read_whole(source);
    shown(&whole.bytes, |index| whole.is_missing(index), num_t(source), ids)
}

fn repeated(ids: &[u32]) -> Vec<Option<u32>> {
    ids.iter().flat_map(|&id| [Some(id); LEN]).collect()
}

#[test]
fn a_recording_grows_block_by_block_and_finishes_with_its_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let exp = folder.path().join("exp");
    let original = exp.join("original");
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    let first = opened(&exp);
    assert_eq!((num_t(&first), first.is_finished(), first.growth_axis()), (3, false, 0));
    assert!(matches!(first.refresh(&[]).unwrap(), Refresh::Unchanged));
    rig.block(&original, 1, 2, LEN);
    let Refresh::Changed { source, stale } = first.refresh(&[]).unwrap() else { panic!("grown") };
    assert_eq!((num_t(&source), stale), (6, vec![]));
    assert_eq!(ids_of(&source, &[1, 2]), repeated(&[1, 2]));
    // Chunks keep their indices.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let part = Region::whole(&first.info().shape);
    first.chunks(&part, &mut before);
    source.chunks(&part, &mut after);
    assert_eq!(before, after);
    // A short last block, then the metadata, which claim more.
    rig.block(&original, 2, 3, 1);
    let source = changed(&source);
    assert_eq!(num_t(&source), 7);
    rig.finish(&original, 30);
    let source = untouched(&exp, || changed(&source));
    assert!(source.is_finished());
    assert_eq!(
        (codes(&source), source.info().claimed_shape.as_deref()),
        (vec!["stopped_early"], Some(&[30, 2, 12, 14][..]))
    );
    assert_eq!(source.info().voxel_size.unwrap().z_um, 5.0);
    assert_eq!(ids_of(&source, &[1, 2, 3]), [&repeated(&[1, 2])[..], &[Some(3)]].concat());
}

#[test]
fn a_block_being_written_is_left_out_and_its_unwritten_part_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    rig.tell(&format!("half {} 1 2", original.display())).unwrap();
    let source = opened(&original);
    assert_eq!((num_t(&source), source.writing()), (3, Some([3, 6])));
    let writing = Piece { axis: Some(Axis::T), range: [3, 6], state: PieceState::Writing };
    assert_eq!(source.pieces().last(), Some(&writing));
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Unchanged));
    // Still for two seconds: its writer has gone, and what there is of it is shown.
    std::thread::sleep(Duration::from_millis(2100));
    let given_up = changed(&source);
    assert_eq!(num_t(&given_up), 6);
    assert_eq!(ids_of(&given_up, &[1, 2]), [Some(1), Some(1), Some(1), Some(2), None, None]);
    assert_eq!(codes(&given_up), ["unwritten"]);
    assert!(matches!(given_up.refresh(&[]).unwrap(), Refresh::Unchanged), "and not looked into again");
    // It was only slow.
    rig.block(&original, 1, 2, LEN);
    let Refresh::Changed { source, stale } = given_up.refresh(&[]).unwrap() else { panic!("changed") };
    let per_block = source.chunks_per_block();
    assert_eq!(stale, vec![per_block..2 * per_block]);
    assert_eq!((ids_of(&source, &[1, 2]), codes(&source)), (repeated(&[1, 2]), vec![]));
    // Zero bytes for a while.
    rig.tell(&format!("empty {}/0002.h5", original.display())).unwrap();
    let source = changed(&source);
    assert_eq!((num_t(&source), source.writing()), (6, Some([6, 9])));
    std::thread::sleep(Duration::from_millis(2100));
    let source = changed(&source);
    assert_eq!((num_t(&source), codes(&source)), (6, vec!["unfinished_block"]));
    rig.block(&original, 2, 3, LEN);
    let source = changed(&source);
    assert_eq!((ids_of(&source, &[1, 2, 3]), codes(&source)), (repeated(&[1, 2, 3]), vec![]));
}

#[test]
fn gaps_and_other_shapes_are_named_and_forgotten_when_they_are_mended() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    rig.block(&original, 2, 3, LEN);
    let source = opened(&original);
    assert_eq!(ids_of(&source, &[1, 3]), [Some(1), Some(1), Some(1), None, None, None, Some(3), Some(3), Some(3)]);
    assert_eq!(codes(&source), ["missing_block"]);
    rig.block(&original, 1, 2, LEN);
    let source = changed(&source);
    assert_eq!((ids_of(&source, &[1, 2, 3]), codes(&source)), (repeated(&[1, 2, 3]), vec![]));
    for (command, code) in [
        (format!("block {} 1 9 {LEN} 10", original.display()), "other_shape"),
        (format!("garbage {}/0001.h5", original.display()), "unreadable_block"),
        (format!("remove {}/0001.h5", original.display()), "missing_block"),
        (format!("truncate {}/0001.h5 0", original.display()), "empty_block"),
    ] {
        rig.block(&original, 1, 2, LEN);
        let source = match source.refresh(&[]).unwrap() {
            Refresh::Changed { source, .. } => source,
            _ => panic!("mended"),
        };
        assert_eq!((ids_of(&source, &[1, 2, 3]), codes(&source)), (repeated(&[1, 2, 3]), vec![]), "{command}");
        rig.tell(&command).unwrap();
        let source = changed(&source);
        let ids = ids_of(&source, &[1, 2, 3]);
        assert_eq!(ids, [Some(1), Some(1), Some(1), None, None, None, Some(3), Some(3), Some(3)], "{command}");
        assert_eq!(codes(&source), [code], "{command}");
    }
    // Beyond 9999.
    for (name, id) in [(9998, 1), (9999, 2), (10000, 3)] {
        rig.block(&original.join("long"), name, id, LEN);
    }
    let long = opened(&original.join("long"));
    assert_eq!(ids_of(&long, &[1, 2, 3]), repeated(&[1, 2, 3]));
    rig.block(&original.join("long"), 10001, 4, LEN);
    assert_eq!(ids_of(&changed(&long), &[1, 2, 3, 4]), repeated(&[1, 2, 3, 4]));
}

#[test]
fn a_restart_shows_nothing_of_the_run_before() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let mut rig = Rig::start();
    for index in 0..4 {
        rig.block(&original, index, 1 + index as u32, LEN);
    }
    let source = opened(&original);
    assert_eq!(ids_of(&source, &[1, 2, 3, 4]), repeated(&[1, 2, 3, 4]));
    // After a crash: overwritten one by one, the higher ones still the old run's.
    rig.block(&original, 0, 11, LEN);
    let Refresh::Replaced(source) = source.refresh(&[]).unwrap() else { panic!("replaced") };
    assert_eq!((ids_of(&source, &[11]), codes(&source)), (repeated(&[11]), vec!["stale_block"]));
    rig.block(&original, 1, 12, LEN);
    let source = changed(&source);
    assert_eq!((ids_of(&source, &[11, 12]), codes(&source)), (repeated(&[11, 12]), vec!["stale_block"]));
    for (index, id) in [(2, 13), (3, 14), (4, 15)] {
        rig.block(&original, index, id, LEN);
    }
    let source = changed(&source);
    assert_eq!((ids_of(&source, &[11, 12, 13, 14, 15]), codes(&source)), (repeated(&[11, 12, 13, 14, 15]), vec![]));
    // Wiped, and written again.
    rig.tell(&format!("rmdir {}", original.display())).unwrap();
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Gone(_)));
    rig.block(&original, 0, 21, LEN);
    let Refresh::Replaced(source) = source.refresh(&[]).unwrap() else { panic!("replaced") };
    assert_eq!(ids_of(&source, &[21]), repeated(&[21]));
    // Taken away and brought back: the same recording.
    let away = folder.path().join("away");
    rig.tell(&format!("rename {} {}", original.display(), away.display())).unwrap();
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Gone(_)));
    rig.tell(&format!("rename {} {}", away.display(), original.display())).unwrap();
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Unchanged));
    assert_eq!(ids_of(&source, &[21]), repeated(&[21]));
}

#[test]
fn left_over_blocks_are_shown_until_they_are_seen_to_be_and_clocks_may_jump() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    let set = |index: usize, seconds_ago: i64| {
        let file = std::fs::OpenOptions::new().write(true).open(original.join(format!("{index:04}.h5"))).unwrap();
        let now = SystemTime::now();
        let ago = Duration::from_secs(seconds_ago.unsigned_abs());
        file.set_modified(if seconds_ago < 0 { now + ago } else { now - ago }).unwrap();
    };
    for index in 0..6 {
        rig.block(&original, index, 1 + index as u32, LEN);
        set(index, if index < 3 { 100 - index as i64 * 10 } else { 1000 - index as i64 * 10 });
    }
    // At rest they are only likely to be left over: shown, and named.
    let source = opened(&original);
    let six = [1, 2, 3, 4, 5, 6];
    assert_eq!((ids_of(&source, &six), codes(&source)), (repeated(&six), vec!["suspect_block"]));
    // The next one is overwritten before our eyes: now it is certain for those after it.
    rig.block(&original, 3, 14, LEN);
    let source = changed(&source);
    assert_eq!((ids_of(&source, &[1, 2, 3, 14]), codes(&source)), (repeated(&[1, 2, 3, 14]), vec!["stale_block"]));
    rig.block(&original, 4, 15, LEN);
    let source = changed(&source);
    let five = [1, 2, 3, 14, 15];
    assert_eq!((ids_of(&source, &five), codes(&source)), (repeated(&five), vec!["stale_block"]));
    // Opened while one of them is being overwritten: certain as well, until its writer is given up.
    rig.tell(&format!("half {} 4 15", original.display())).unwrap();
    let source = opened(&original);
    assert_eq!((num_t(&source), source.writing()), (4 * LEN, Some([12, 15])));
    assert_eq!(codes(&source), ["stale_block"]);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(num_t(&changed(&source)), 6 * LEN);
    for (index, id) in [(3, 4), (4, 5)] {
        rig.block(&original, index, id, LEN);
        set(index, 1000 - index as i64 * 10);
    }
    // With metadata that claim them they belong to it: copies have the times of the copying.
    rig.finish(&original, 6 * LEN);
    let source = opened(&original);
    assert_eq!((ids_of(&source, &[1, 2, 3, 4, 5, 6]), codes(&source)), (repeated(&[1, 2, 3, 4, 5, 6]), vec![]));
    std::fs::remove_file(original.join("stack_metadata.json")).unwrap();
    // A clock that jumps back and forth while it is watched: seen to be new, whatever it says.
    for index in 0..6 {
        set(index, 50 - index as i64);
    }
    let mut source = opened(&original);
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Unchanged));
    for (index, seconds_ago) in [(6, 4000), (7, -7000), (8, 3)] {
        rig.block(&original, index, 1 + index as u32, LEN);
        if seconds_ago < 0 {
            set(index, seconds_ago);
        }
        source = changed(&source);
    }
    assert_eq!(num_t(&source), 9 * LEN);
    let ids: Vec<u32> = (1..10).collect();
    assert_eq!(ids_of(&source, &ids), repeated(&ids));
}

/// What a viewer holds: the source, and the chunks it has read of it.
struct Held {
    source: Arc<SplitSource>,
    cache: HashMap<u64, (Chunk, Vec<u8>, Vec<Region>)>,
}

impl Held {
    fn new(source: Arc<SplitSource>) -> Self {
        Self { source, cache: HashMap::new() }
    }

    /// Looks at the folder as the watcher does. False when there is nothing to show.
    fn refresh(&mut self) -> bool {
        match self.source.refresh(&[]) {
            Ok(Refresh::Unchanged) => true,
            Ok(Refresh::Changed { source, stale }) => {
                self.cache.retain(|index, _| !stale.iter().any(|range| range.contains(index)));
                self.source = source;
                true
            }
            Ok(Refresh::Replaced(source)) => {
                *self = Self::new(source);
                true
            }
            Ok(Refresh::Gone(_)) | Err(_) => false,
        }
    }

    fn read(&mut self, chunk: &Chunk) {
        if self.cache.get(&chunk.index).is_some_and(|(held, ..)| held.region == chunk.region) {
            return;
        }
        let mut buffer = vec![0; chunk.region.shape().num_bytes(self.source.info().dtype).unwrap()];
        match self.source.read(chunk, &mut buffer) {
            Ok(Filled::All) => self.cache.insert(chunk.index, (*chunk, buffer, Vec::new())),
            Ok(Filled::Except(gaps, _)) => self.cache.insert(chunk.index, (*chunk, buffer, gaps)),
            Err(_) => self.cache.remove(&chunk.index),
        };
    }

    fn chunks(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        self.source.chunks(&Region::whole(&self.source.info().shape), &mut chunks);
        chunks
    }

    /// What the viewer would show of everything: cached chunks as they are, the others read now.
    fn show(&mut self, ids: &[u32]) -> Vec<Option<u32>> {
        let shape = self.source.info().shape;
        let item = self.source.info().dtype.num_bytes();
        let mut bytes = vec![0; shape.num_bytes(self.source.info().dtype).unwrap()];
        let mut missing = Vec::new();
        for chunk in self.chunks() {
            self.read(&chunk);
            match self.cache.get(&chunk.index) {
                Some((_, buffer, gaps)) => {
                    tectum::volume::copy_region(buffer, &chunk.region, &mut bytes, &Region::whole(&shape), item);
                    missing.extend_from_slice(gaps);
                }
                None => missing.push(chunk.region),
            }
        }
        if shape.dims()[2] != VOLUME[1] {
            // A recording of another shape: its voxels are checked where there is a volume to compare.
            return vec![None; shape.dims()[0]];
        }
        let is_missing = |index: &[usize]| missing.iter().any(|region: &Region| region.contains(index));
        shown(&bytes, is_missing, shape.dims()[0], ids)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// One random story of a rig and a viewer. After each thing the rig does, and whatever the viewer had
/// read before, what it shows is what lies on the disk, of the run that is recording. Returns the number
/// of things done.
fn random_story(rig: &mut Rig, seed: u64) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let away = folder.path().join("away");
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut ids: Vec<u32> = Vec::new();
    let mut next_id = 0;
    let mut fresh = |ids: &mut Vec<u32>| {
        next_id += 1;
        ids.push(next_id);
        next_id
    };
    // Which writing each block of the current run is; `None` where it is damaged.
    let mut disk: Vec<Option<u32>> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let id = fresh(&mut ids);
        rig.block(&original, disk.len(), id, LEN);
        disk.push(Some(id));
    }
    let mut held = Held::new(opened(&original));
    assert!(held.refresh());
    let mut is_away = false;
    let mut story = Vec::new();
    let num_steps = 6 + random.below(6);
    for _ in 0..num_steps {
        let path = |index: usize| format!("{}/{index:04}.h5", original.display());
        let k = random.below(disk.len());
        let step = if is_away { 8 } else { random.below(10) };
        story.push((step, k));
        match step {
            0..=2 => {
                let id = fresh(&mut ids);
                rig.block(&original, disk.len(), id, LEN);
                disk.push(Some(id));
            }
            3 if k > 0 => {
                let id = fresh(&mut ids);
                rig.block(&original, k, id, LEN);
                disk[k] = Some(id);
            }
            // The rig starts over after a crash: its first block, and perhaps some more.
            3 | 4 => {
                disk.clear();
                for index in 0..1 + random.below(3) {
                    let id = fresh(&mut ids);
                    rig.block(&original, index, id, LEN);
                    disk.push(Some(id));
                }
            }
            5 if k > 0 => {
                // It may have been removed before.
                let _ = rig.tell(&format!("truncate {} {}", path(k), random.below(100)));
                disk[k] = None;
            }
            6 if k > 0 => {
                rig.tell(&format!("block {} {k} 0 {LEN} 10", original.display())).unwrap();
                disk[k] = None;
            }
            7 if k > 0 => {
                let _ = rig.tell(&format!("remove {}", path(k)));
                disk[k] = None;
            }
            8 => {
                let (from, to) = if is_away { (&away, &original) } else { (&original, &away) };
                rig.tell(&format!("rename {} {}", from.display(), to.display())).unwrap();
                is_away = !is_away;
            }
            _ => {
                rig.tell(&format!("rmdir {}", original.display())).unwrap();
                disk.clear();
                for index in 0..1 + random.below(2) {
                    let id = fresh(&mut ids);
                    rig.block(&original, index, id, LEN);
                    disk.push(Some(id));
                }
            }
        }
        // A viewer that has not looked yet reads: whatever it gets is of one writing, or nothing.
        if random.below(2) == 0 {
            for chunk in held.chunks() {
                if random.below(3) == 0 {
                    held.read(&chunk);
                }
            }
        }
        if random.below(4) == 0 {
            continue;
        }
        let can_show = held.refresh();
        assert_eq!(can_show, !is_away, "seed {seed}: {story:?}");
        if !can_show {
            continue;
        }
        for (t, id) in held.show(&ids).into_iter().enumerate() {
            let Some(id) = id else { continue };
            let on_disk = disk.get(t / LEN).copied().flatten();
            let is_damaged = disk.get(t / LEN) == Some(&None);
            // Of a truncated block the intact part may be shown.
            assert!(on_disk == Some(id) || is_damaged, "seed {seed}, t={t} shows {id}, disk {disk:?}: {story:?}");
        }
    }
    // In the end a whole recording is shown as a whole recording.
    if is_away {
        rig.tell(&format!("rename {} {}", away.display(), original.display())).unwrap();
    }
    rig.tell(&format!("rmdir {}", original.display())).unwrap();
    let last: Vec<u32> = (0..3).map(|_| fresh(&mut ids)).collect();
    for (index, id) in last.iter().enumerate() {
        rig.block(&original, index, *id, LEN);
    }
    rig.finish(&original, 3 * LEN);
    assert!(held.refresh());
    assert_eq!(held.show(&ids), repeated(&last), "seed {seed}: {story:?}");
    assert_eq!(codes(&held.source), [""; 0], "seed {seed}: {story:?}");
    num_steps
}

#[test]
fn random_stories_never_show_what_is_not_there() {
    let mut rig = Rig::start();
    let num_steps: usize = (0..120).map(|seed| random_story(&mut rig, seed)).sum();
    println!("120 stories, {num_steps} steps");
}

/// Thousands of them: `TECTUM_STORIES=5000 cargo test --test live soak -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn soak_random_stories() {
    let count: u64 = std::env::var("TECTUM_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    let mut rig = Rig::start();
    let num_steps: usize = (1000..1000 + count).map(|seed| random_story(&mut rig, seed)).sum();
    println!("{count} stories, {num_steps} steps");
}

fn watch(
    path: &Path,
    source: Option<Arc<SplitSource>>,
    use_notify: bool,
) -> (Watcher, crossbeam_channel::Receiver<()>) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let config = WatchConfig { use_notify, ..WatchConfig::default() };
    let wake = Arc::new(move || {
        let _ = sender.send(());
    });
    (Watcher::start(path, OpenOptions::default(), source, config, wake), receiver)
}

/// Waits until `wanted` happens, and returns all that did.
fn wait_for(
    watcher: &Watcher,
    woken: &crossbeam_channel::Receiver<()>,
    wanted: impl Fn(&LiveEvent) -> bool,
) -> Vec<LiveEvent> {
    let begin = Instant::now();
    let mut all = Vec::new();
    loop {
        all.extend(watcher.drain());
        if all.iter().any(&wanted) {
            return all;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing came; {:?}", watcher.status());
        let _ = woken.recv_timeout(Duration::from_millis(100));
    }
}

#[test]
fn the_watcher_follows_a_recording_from_before_its_first_block_to_its_end() {
    for use_notify in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let exp = folder.path().join("exp");
        std::fs::create_dir(&exp).unwrap();
        let original = exp.join("original");
        let mut rig = Rig::start();
        let (watcher, woken) = watch(&exp, None, use_notify);
        std::thread::sleep(Duration::from_millis(300));
        assert!(matches!(watcher.status().state, LiveState::Waiting { .. }), "{:?}", watcher.status());
        rig.block(&original, 0, 1, LEN);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Opened(source) if num_t(source) == 3));
        assert_eq!(watcher.status().state, LiveState::Live);
        assert_eq!(watcher.status().newest_t, Some(2));
        watcher.mark_unfollowed();
        watcher.mark_shown(2);
        assert_eq!(watcher.status().lag_ms, None, "looked at later, not followed");
        rig.block(&original, 1, 2, LEN);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Changed { source, .. } if num_t(source) == 6));
        watcher.mark_shown(5);
        assert!(watcher.status().lag_ms.unwrap() < 5000.0);
        assert!(watcher.status().rate_hz.unwrap() > 0.0);
        rig.tell(&format!("rmdir {}", original.display())).unwrap();
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Gone));
        assert_eq!(watcher.status().state, LiveState::Gone);
        rig.block(&original, 0, 11, LEN);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Replaced(source) if num_t(source) == 3));
        assert_eq!(watcher.status().state, LiveState::Restarted);
        rig.finish(&original, 9);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Changed { source, .. } if source.is_finished()));
        assert_eq!(watcher.status().state, LiveState::StoppedEarly { claimed: 9, have: 3 });
        assert!(watcher.was_live());
    }
}

#[test]
fn a_finished_recording_that_is_wiped_and_begun_anew_is_noticed() {
    for use_notify in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("original");
        let mut rig = Rig::start();
        (0..2).for_each(|index| rig.block(&original, index, 1 + index as u32, LEN));
        rig.finish(&original, 2 * LEN);
        let config = WatchConfig { use_notify, finished_poll: Duration::from_millis(300), ..WatchConfig::default() };
        let watcher =
            Watcher::start(&original, OpenOptions::default(), Some(opened(&original)), config, Arc::new(|| ()));
        let (_, woken) = crossbeam_channel::unbounded();
        assert!(!watcher.was_live(), "nothing is going on");
        rig.tell(&format!("rmdir {}", original.display())).unwrap();
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Gone));
        assert!(watcher.was_live());
        rig.block(&original, 0, 11, LEN);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Replaced(source) if num_t(source) == 3));
        assert_eq!((watcher.status().state, watcher.was_live()), (LiveState::Restarted, true));
        rig.block(&original, 1, 12, LEN);
        wait_for(&watcher, &woken, |event| matches!(event, LiveEvent::Changed { source, .. } if num_t(source) == 6));
    }
}

#[test]
fn a_folder_found_half_wiped_holds_another_recording_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let mut rig = Rig::start();
    (0..4).for_each(|index| rig.block(&original, index, 1 + index as u32, LEN));
    rig.finish(&original, 4 * LEN);
    let source = opened(&original);
    for name in ["0000.h5", "0002.h5", "stack_metadata.json"] {
        rig.tell(&format!("remove {}", original.join(name).display())).unwrap();
    }
    let source = changed(&source);
    rig.tell(&format!("rmdir {}", original.display())).unwrap();
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Gone(_)));
    // Its blocks are shorter: laid out as the former ones, each would stand at a time that is not its own.
    rig.block(&original, 0, 11, LEN - 1);
    let Refresh::Replaced(source) = source.refresh(&[]).unwrap() else { panic!("another recording") };
    assert_eq!((num_t(&source), source.block_len()), (LEN - 1, LEN - 1));
}

#[test]
fn the_newest_that_can_be_shown_of_a_crashed_run_is_its_last_whole_volume() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    rig.tell(&format!("half {} 1 2", original.display())).unwrap();
    let source = opened(&original);
    assert_eq!((num_t(&source), source.newest_readable()), (3, Some(2)));
    std::thread::sleep(Duration::from_millis(2100));
    // Given up: its first volume was written, the others are a hatch.
    let source = changed(&source);
    assert_eq!((num_t(&source), source.newest_readable()), (6, Some(3)));
    let (watcher, _) = watch(&original, Some(source), false);
    assert_eq!(watcher.status().newest_t, Some(3));
}

#[test]
fn zeros_held_back_are_shown_once_their_file_is_still() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    rig.tell(&format!("dark {} 1", original.display())).unwrap();
    let source = opened(&original);
    let is_missing = |source: &SplitSource| read_whole(source).is_missing(&[5, 0, 0, 0]);
    assert!(is_missing(&source));
    std::thread::sleep(Duration::from_millis(2100));
    let Refresh::Changed { source, stale } = source.refresh(&[]).unwrap() else { panic!("still by now") };
    let per_block = source.chunks_per_block();
    assert_eq!(stale, vec![per_block..2 * per_block]);
    assert!(!is_missing(&source));
    assert!(matches!(source.refresh(&[]).unwrap(), Refresh::Unchanged));
}

/// From the writer's close of a block to its newest plane being readable, in milliseconds, sorted.
fn latencies(num_blocks: usize, pause: Duration, use_notify: bool) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    let (watcher, woken) = watch(&original, Some(opened(&original)), use_notify);
    let mut all = Vec::new();
    for index in 1..=num_blocks {
        std::thread::sleep(pause);
        rig.block(&original, index, index as u32, LEN);
        let closed = Instant::now();
        let wanted = (index + 1) * LEN;
        let events = wait_for(
            &watcher,
            &woken,
            |event| matches!(event, LiveEvent::Changed { source, .. } if num_t(source) == wanted),
        );
        let Some(LiveEvent::Changed { source, stale }) = events.last() else { panic!("changed") };
        assert!(stale.is_empty());
        let newest = Region::new(&[wanted - 1, 0, 0, 0], &[wanted, 1, VOLUME[1], VOLUME[2]]).unwrap();
        let plane = common::read_region(source.as_ref(), &newest);
        assert!(plane.missing.is_empty());
        assert_eq!(plane.bytes[..2], value(index as u32, LEN - 1, 0, 0, 0).to_le_bytes());
        watcher.mark_shown(wanted - 1);
        all.push(closed.elapsed().as_secs_f64() * 1e3);
    }
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    println!(
        "{num_blocks} blocks, notify {use_notify}: median {:.1} ms, p95 {:.1} ms, worst {:.1} ms; own figure {:?}",
        at(0.5),
        at(0.95),
        at(1.0),
        watcher.status().lag_ms
    );
    all
}

#[test]
fn a_landed_block_is_there_within_a_second() {
    for (num_blocks, use_notify, limit_ms) in [(30, true, 1000.0), (10, false, 1500.0)] {
        let all = latencies(num_blocks, Duration::from_millis(20), use_notify);
        assert!(all[all.len() * 95 / 100] < limit_ms, "{all:?}");
    }
}

/// The same over a hundred blocks and at the pace of a rig.
#[test]
#[ignore = "takes minutes"]
fn soak_latency() {
    for use_notify in [true, false] {
        latencies(120, Duration::from_millis(400), use_notify);
        latencies(30, Duration::from_secs(3), use_notify);
    }
}

#[test]
fn thousands_of_blocks_open_and_grow_like_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::start();
    let paths: Vec<PathBuf> = [("few", 12), ("many", 3000)]
        .into_iter()
        .map(|(name, count)| {
            let original = folder.path().join(name);
            rig.block(&original, 0, 1, LEN);
            for index in 1..count {
                std::fs::hard_link(original.join("0000.h5"), original.join(format!("{index:04}.h5"))).unwrap();
            }
            original
        })
        .collect();
    let many = opened(&paths[1]);
    assert_eq!((num_t(&many), many.info().num_blocks), (3000 * LEN, 3000));
    let looked_into = many.pieces().iter().filter(|piece| piece.state != PieceState::Unseen).count();
    assert!(looked_into <= 2, "{looked_into} blocks were opened");
    rig.block(&paths[1], 3000, 2, LEN);
    let grown = changed(&many);
    assert_eq!(num_t(&grown), 3001 * LEN);
    let looked_into = grown.pieces().iter().filter(|piece| piece.state != PieceState::Unseen).count();
    assert!(looked_into <= 3, "{looked_into} blocks were opened");
    // Far more blocks than indexes are kept for: all can be read.
    let part = Region::new(&[0, 0, 0, 0], &[3001 * LEN, 1, 1, 1]).unwrap();
    assert!(common::read_region(grown.as_ref(), &part).missing.is_empty());
    for path in paths {
        let begin = Instant::now();
        opened(&path);
        println!("{}: opened in {:.2} ms", path.display(), begin.elapsed().as_secs_f64() * 1e3);
    }
}

mod faults {
    //! Every fault of a writer's files, while a viewer idles on them, scrubs over them, plays ahead and
    //! projects them.
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tectum::array::LazyArray;
    use tectum::stream::{PictureState, Play, Stream, StreamConfig, ViewRequest};
    use tectum::volume::{Orientation, Picture, Pool, Projection, project_for_display};

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Use {
        Idle,
        Scrub,
        Play,
        Project,
    }

    /// Which writings each block has had. A picture read at any time is of one of them.
    type Written = Arc<parking_lot::Mutex<Vec<Vec<u32>>>>;

    struct Viewer {
        stop: Arc<AtomicBool>,
        thread: Option<std::thread::JoinHandle<(Stream, usize)>>,
        watcher: Arc<Watcher>,
    }

    fn stream_of(array: Arc<LazyArray>) -> Stream {
        let config = StreamConfig { num_workers: 2, ram_budget_bytes: 1 << 20, ..StreamConfig::default() };
        Stream::new(array, config, Arc::new(|| ()))
    }

    /// As the window does: a growing array keeps its stream, another recording gets a new one.
    fn follow(stream: &mut Stream, event: LiveEvent) {
        match event {
            LiveEvent::Changed { source, stale } => {
                let grown = stream.array().grown(source);
                stream.replace_array(Arc::new(grown), &stale);
            }
            LiveEvent::Opened(source) | LiveEvent::Replaced(source) => {
                *stream = stream_of(Arc::new(LazyArray::new(source)))
            }
            LiveEvent::Gone | LiveEvent::Status => {}
        }
    }

    fn picture_of(usage: Use, t: usize, z: usize) -> Picture {
        match usage {
            Use::Project => {
                Picture::Projection { t, orientation: Orientation::Xy, slab: [0, VOLUME[0]], op: Projection::Max }
            }
            _ => Picture::Plane { t, orientation: Orientation::Xy, index: z },
        }
    }

    /// The value a picture must have where it shows one writing.
    fn expected(picture: &Picture, id: u32, y: usize, x: usize) -> u16 {
        match *picture {
            Picture::Plane { t, index, .. } => value(id, t % LEN, index, y, x),
            Picture::Projection { t, .. } => (0..VOLUME[0]).map(|z| value(id, t % LEN, z, y, x)).max().unwrap(),
        }
    }

    /// Checks a picture against every writing its block has had; what it shows, `None` if nothing.
    fn check(picture: &Picture, voxels: &tectum::volume::Voxels, written: &Written) -> Option<u32> {
        let dims = voxels.shape().dims().to_vec();
        if dims != VOLUME[1..] || !voxels.is_whole() {
            return None;
        }
        let values = voxels.values::<u16>();
        let ids = written.lock().get(picture.t() / LEN).cloned().unwrap_or_default();
        let fits =
            |id: &&u32| values.iter().enumerate().all(|(i, &v)| v == expected(picture, **id, i / dims[1], i % dims[1]));
        let id = ids.iter().rev().find(fits).copied();
        Some(id.unwrap_or_else(|| panic!("{picture:?} shows what was never written there ({ids:?})")))
    }

    impl Viewer {
        fn start(folder: &Path, usage: Use, seed: u64, written: &Written) -> Self {
            let source = opened(folder);
            let mut stream = stream_of(Arc::new(LazyArray::new(Arc::clone(&source) as Arc<dyn Source>)));
            let (watcher, woken) = watch(folder, Some(source), true);
            let watcher = Arc::new(watcher);
            let stop = Arc::new(AtomicBool::new(false));
            let (shared, is_over, written) = (Arc::clone(&watcher), Arc::clone(&stop), Arc::clone(written));
            let thread = std::thread::spawn(move || {
                let mut random = Random(seed | 1);
                let mut num_checked = 0;
                while !is_over.load(Ordering::Relaxed) {
                    for event in shared.drain() {
                        follow(&mut stream, event);
                    }
                    let num_t = stream.array().info().shape[0];
                    let t = if usage == Use::Idle { num_t - 1 } else { random.below(num_t) };
                    let picture = picture_of(usage, t, random.below(VOLUME[0]));
                    let play = (usage == Use::Play).then_some(Play { direction: 1, rate_hz: 50.0 });
                    // Half of the projections are folded outside, as by a GPU.
                    let want_volume = usage == Use::Project && seed % 2 == 1;
                    let request = ViewRequest::of(stream.array().id(), picture);
                    stream.request(&ViewRequest { play, want_volume, ..request }, Instant::now());
                    std::thread::sleep(Duration::from_millis(if usage == Use::Idle { 20 } else { 2 }));
                    if let Some(fold) = stream.next_fold(&picture)
                        && let Picture::Projection { orientation, slab, op, .. } = fold.picture
                    {
                        let pool = Pool::new(0);
                        let voxels = project_for_display(&fold.volume, orientation, slab, op, &pool);
                        stream.land_fold(&fold, Arc::new(voxels));
                    }
                    if let PictureState::Ready(voxels) = stream.picture(&picture) {
                        num_checked += usize::from(check(&picture, &voxels, &written).is_some());
                    }
                }
                while woken.try_recv().is_ok() {}
                (stream, num_checked)
            });
            Self { stop, thread: Some(thread), watcher }
        }

        /// Ends the use, lets the watcher see the last state, and returns what is shown of each timepoint.
        fn settle(mut self, usage: Use, written: &Written) -> (Vec<Option<u32>>, usize) {
            self.stop.store(true, Ordering::Relaxed);
            let (mut stream, num_checked) = self.thread.take().unwrap().join().expect("the viewer lives");
            for _ in 0..4 {
                let looks = self.watcher.num_looks();
                self.watcher.look_now();
                while self.watcher.num_looks() <= looks {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            std::thread::sleep(Duration::from_millis(10));
            for event in self.watcher.drain() {
                follow(&mut stream, event);
            }
            let num_t = stream.array().info().shape[0];
            let shown = (0..num_t).map(|t| {
                let picture = picture_of(usage, t, 1);
                let request = ViewRequest::of(stream.array().id(), picture);
                stream.request(&request, Instant::now());
                let begin = Instant::now();
                loop {
                    match stream.picture(&picture) {
                        PictureState::Ready(voxels) => return check(&picture, &voxels, written),
                        PictureState::Failed(_) => return None,
                        PictureState::Loading => {
                            assert!(begin.elapsed() < Duration::from_secs(20), "no picture of {t}")
                        }
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            (shown.collect(), num_checked)
        }
    }

    fn fault(rig: &mut Rig, what: &str, folder: &Path, written: &Written, disk: &mut Vec<Option<u32>>, next: &mut u32) {
        let away = folder.with_extension("away");
        let mut block = |rig: &mut Rig, disk: &mut Vec<Option<u32>>, index: usize| {
            *next += 1;
            let mut all = written.lock();
            if all.len() <= index {
                all.resize(index + 1, Vec::new());
            }
            all[index].push(*next);
            drop(all);
            rig.block(folder, index, *next, LEN);
            if disk.len() <= index {
                disk.resize(index + 1, None);
            }
            disk[index] = Some(*next);
        };
        match what {
            "write" => (0..3).for_each(|_| block(rig, disk, disk.len())),
            "rewrite" => (0..4).for_each(|i| block(rig, disk, 1 + i % 2)),
            "delete" => {
                rig.tell(&format!("rmdir {}", folder.display())).unwrap();
                disk.clear();
                (0..2).for_each(|index| block(rig, disk, index));
            }
            "rename" => {
                rig.tell(&format!("rename {} {}", folder.display(), away.display())).unwrap();
                rig.tell(&format!("rename {} {}", away.display(), folder.display())).unwrap();
                block(rig, disk, disk.len());
            }
            "truncate" => {
                rig.tell(&format!("truncate {}/0001.h5 50", folder.display())).unwrap();
                disk[1] = None;
            }
            "shape" => {
                rig.tell(&format!("block {} 1 0 {LEN} 10", folder.display())).unwrap();
                disk[1] = None;
                block(rig, disk, disk.len());
            }
            "full" => {
                rig.tell("full 2500").unwrap();
                let index = disk.len();
                let error = rig.tell(&format!("block {} {index} 9999 {LEN} 12", folder.display()));
                assert!(error.is_err(), "the disk is full for the writer, with a viewer or without");
                rig.tell("full 0").unwrap();
                block(rig, disk, index);
            }
            _ => unreachable!(),
        }
    }

    /// Returns the number of pictures checked while the fault happened.
    fn story(usage: Use, what: &str, seed: u64, rig: &mut Rig) -> usize {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("original");
        let written: Written = Arc::default();
        let (mut disk, mut next) = (Vec::new(), 0);
        fault(rig, "write", &folder, &written, &mut disk, &mut next);
        let viewer = Viewer::start(&folder, usage, seed, &written);
        std::thread::sleep(Duration::from_millis(15 + seed % 20));
        fault(rig, what, &folder, &written, &mut disk, &mut next);
        std::thread::sleep(Duration::from_millis(20));
        let (shown, num_checked) = viewer.settle(usage, &written);
        // The writer's files hold what it wrote: read afresh, with nothing of the viewer left.
        let fresh = opened(&folder);
        let ids: Vec<u32> = written.lock().iter().flatten().copied().collect();
        for (t, id) in ids_of(&fresh, &ids).into_iter().enumerate() {
            match disk[t / LEN] {
                Some(on_disk) => assert_eq!(id, Some(on_disk), "{usage:?} {what} seed {seed}: disk at {t}"),
                None => assert!(id.is_none() || what == "truncate", "{usage:?} {what} seed {seed}: disk at {t}"),
            }
        }
        let wanted: Vec<Option<u32>> = disk.iter().flat_map(|id| [*id; LEN]).collect();
        assert_eq!(shown.len(), wanted.len(), "{usage:?} {what} seed {seed}");
        for (t, (shown, wanted)) in shown.iter().zip(&wanted).enumerate() {
            // Of a truncated block the part before the cut may be shown.
            assert!(
                shown == wanted || wanted.is_none() && what == "truncate",
                "{usage:?} {what} seed {seed}: t={t} shows {shown:?}, not {wanted:?}"
            );
        }
        num_checked
    }

    const FAULTS: [&str; 7] = ["write", "rewrite", "delete", "rename", "truncate", "shape", "full"];

    fn all(usage: Use, seeds: std::ops::Range<u64>) {
        let mut rig = Rig::start();
        let count = seeds.end - seeds.start;
        let num: usize = seeds
            .flat_map(|seed| FAULTS.map(|what| (what, seed)))
            .map(|(what, seed)| story(usage, what, seed, &mut rig))
            .sum();
        println!("{usage:?}: {} stories, {num} pictures checked meanwhile", count * FAULTS.len() as u64);
    }

    #[test]
    fn idle() {
        all(Use::Idle, 0..2);
    }

    #[test]
    fn scrubbing() {
        all(Use::Scrub, 0..2);
    }

    #[test]
    fn playing() {
        all(Use::Play, 0..2);
    }

    #[test]
    fn projecting() {
        all(Use::Project, 0..2);
    }

    #[test]
    #[ignore = "takes minutes"]
    fn soak() {
        let count: u64 = std::env::var("TECTUM_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
        for usage in [Use::Idle, Use::Scrub, Use::Play, Use::Project] {
            all(usage, 1000..1000 + count);
        }
    }
}
