//! Recordings that are being written, by a real writer in another process with HDF5's default locking:
//! what is shown is what is on disk, and the writer never notices.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "live/faults.rs"]
mod faults;
#[path = "common/rig.rs"]
mod rig;
#[path = "live/stories.rs"]
mod stories;
#[path = "live/viewer.rs"]
mod viewer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use common::{read_whole, untouched};
use rig::{LEN, Rig, VOLUME, value};
use tectum::format::{Growing, OpenOptions, Refresh, open};
use tectum::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use tectum::volume::{Axis, Piece, PieceState, Region};

/// Not a test: the other process.
#[test]
#[ignore = "run by the tests as the writer"]
fn the_rig() {
    rig::serve();
}

fn opened(path: &Path) -> Arc<dyn Growing> {
    open(path, &OpenOptions::default()).unwrap().growing.unwrap()
}

fn changed(source: &Arc<dyn Growing>) -> Arc<dyn Growing> {
    match source.refresh(&[]).unwrap() {
        Refresh::Changed { source, .. } => source,
        Refresh::Unchanged => panic!("unchanged"),
        Refresh::Replaced(_) => panic!("replaced"),
        Refresh::Gone(why) => panic!("gone: {why}"),
    }
}

fn num_t(source: &Arc<dyn Growing>) -> usize {
    source.info().shape.dims()[0]
}

fn codes(source: &Arc<dyn Growing>) -> Vec<&'static str> {
    source.problems().iter().map(|problem| problem.code).filter(|code| *code != "no_metadata").collect()
}

/// Indices of the chunks of a block.
fn chunks_of_block(source: &Arc<dyn Growing>, block: usize) -> std::ops::Range<u64> {
    let region = Region::whole(&source.info().shape).with_axis(0, block * LEN, (block + 1) * LEN);
    let mut chunks = Vec::new();
    source.chunks(&region, &mut chunks);
    let indices = || chunks.iter().map(|chunk| chunk.index);
    indices().min().unwrap()..indices().max().unwrap() + 1
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

fn ids_of(source: &Arc<dyn Growing>, ids: &[u32]) -> Vec<Option<u32>> {
    let whole = read_whole(&**source);
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
    assert_eq!((num_t(&first), first.growth().is_finished, first.growth().axis), (3, false, 0));
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
    assert!(source.growth().is_finished);
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
    assert_eq!((num_t(&source), source.growth().writing), (3, Some([3, 6])));
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
    assert_eq!(stale, vec![chunks_of_block(&source, 1)]);
    assert_eq!((ids_of(&source, &[1, 2]), codes(&source)), (repeated(&[1, 2]), vec![]));
    // Zero bytes for a while.
    rig.tell(&format!("empty {}/0002.h5", original.display())).unwrap();
    let source = changed(&source);
    assert_eq!((num_t(&source), source.growth().writing), (6, Some([6, 9])));
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
    assert_eq!((num_t(&source), source.growth().writing), (4 * LEN, Some([12, 15])));
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

fn watch(
    path: &Path,
    source: Option<Arc<dyn Growing>>,
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
        wait_for(
            &watcher,
            &woken,
            |event| matches!(event, LiveEvent::Changed { source, .. } if source.growth().is_finished),
        );
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
    assert_eq!((num_t(&source), source.growth().piece_len), (LEN - 1, LEN - 1));
}

#[test]
fn the_newest_that_can_be_shown_of_a_crashed_run_is_its_last_whole_volume() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().to_owned();
    let mut rig = Rig::start();
    rig.block(&original, 0, 1, LEN);
    rig.tell(&format!("half {} 1 2", original.display())).unwrap();
    let source = opened(&original);
    assert_eq!((num_t(&source), source.growth().newest_readable), (3, Some(2)));
    std::thread::sleep(Duration::from_millis(2100));
    // Given up: its first volume was written, the others are a hatch.
    let source = changed(&source);
    assert_eq!((num_t(&source), source.growth().newest_readable), (6, Some(3)));
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
    let is_missing = |source: &Arc<dyn Growing>| read_whole(&**source).is_missing(&[5, 0, 0, 0]);
    assert!(is_missing(&source));
    std::thread::sleep(Duration::from_millis(2100));
    let Refresh::Changed { source, stale } = source.refresh(&[]).unwrap() else { panic!("still by now") };
    assert_eq!(stale, vec![chunks_of_block(&source, 1)]);
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
