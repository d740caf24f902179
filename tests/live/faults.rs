//! Every fault of a writer's files, while the program idles on them, scrubs over them, plays ahead and
//! projects them, on the CPU and on the GPU.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tectum::ui::{Command, Mode};
use tectum::volume::Projection;

use super::rig::{LEN, Rig, VOLUME};
use super::stories::Random;
use super::viewer::{FOLDERS, Folder, Viewer, writing_in};
use super::{ids_of, opened};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    Idle,
    Scrub,
    Play,
    Project,
}

impl Use {
    const ALL: [Self; 4] = [Self::Idle, Self::Scrub, Self::Play, Self::Project];

    /// What a user begins with.
    fn begin(self) -> Vec<Command> {
        match self {
            Self::Idle => vec![Command::ToggleFollow],
            Self::Scrub => vec![],
            Self::Play => vec![Command::SetPlayRate(50.0), Command::TogglePlay],
            Self::Project => vec![Command::SetMode(Mode::Projection)],
        }
    }

    /// What a user does next.
    fn go_on(self, random: &mut Random, num_t: usize) -> Vec<Command> {
        match self {
            Self::Idle | Self::Play => vec![],
            Self::Scrub => vec![Command::ScrubTo(random.below(num_t)), Command::DepthTo(random.below(VOLUME[0]))],
            Self::Project => {
                let op = [Projection::Max, Projection::Min][random.below(2)];
                vec![Command::ScrubTo(random.below(num_t)), Command::SetProjection(op)]
            }
        }
    }

    fn pause(self) -> Duration {
        Duration::from_millis(if self == Self::Idle { 20 } else { 2 })
    }
}

/// Which writings each block has had. A picture shown at any time is of one of them.
type Written = Arc<parking_lot::Mutex<Vec<Vec<u32>>>>;

/// A viewer at work on a thread of its own.
struct User {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<(Viewer, usize)>,
}

impl User {
    fn start(mut viewer: Viewer, usage: Use, seed: u64, written: &Written) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (is_over, written) = (Arc::clone(&stop), Arc::clone(written));
        let thread = std::thread::spawn(move || {
            let mut random = Random::new(seed);
            let mut num_checked = 0;
            viewer.carry_out(&usage.begin());
            while !is_over.load(Ordering::Relaxed) {
                let commands = usage.go_on(&mut random, viewer.num_t());
                viewer.carry_out(&commands);
                std::thread::sleep(usage.pause());
                viewer.step();
                let Some(shown) = viewer.session().on_screen().filter(|shown| !shown.is_preview) else { continue };
                let ids = written.lock().get(shown.key.picture.t() / LEN).cloned().unwrap_or_default();
                num_checked += usize::from(writing_in(&shown.key.picture, &shown.voxels, &ids).is_some());
            }
            (viewer, num_checked)
        });
        Self { stop, thread }
    }

    /// Ends the use; the viewer, and how many pictures were checked.
    fn stop(self) -> (Viewer, usize) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the viewer lives")
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
fn story(usage: Use, folder: Folder, what: &str, seed: u64, rig: &mut Rig) -> usize {
    let parent = tempfile::tempdir().unwrap();
    let original = parent.path().join("original");
    let written: Written = Arc::default();
    let (mut disk, mut next) = (Vec::new(), 0);
    fault(rig, "write", &original, &written, &mut disk, &mut next);
    let user = User::start(Viewer::open(&original, folder), usage, seed, &written);
    std::thread::sleep(Duration::from_millis(15 + seed % 20));
    fault(rig, what, &original, &written, &mut disk, &mut next);
    std::thread::sleep(Duration::from_millis(20));
    let (mut viewer, num_checked) = user.stop();
    let story = format!("{usage:?} {folder:?} {what} seed {seed}");
    viewer.look_at_folder();
    // The writer's files hold what it wrote: read afresh, with nothing of the viewer left.
    let ids: Vec<u32> = written.lock().iter().flatten().copied().collect();
    for (t, id) in ids_of(&opened(&original), &ids).into_iter().enumerate() {
        match disk[t / LEN] {
            Some(on_disk) => assert_eq!(id, Some(on_disk), "{story}: disk at {t}"),
            None => assert!(id.is_none() || what == "truncate", "{story}: disk at {t}"),
        }
    }
    let wanted: Vec<Option<u32>> = disk.iter().flat_map(|id| [*id; LEN]).collect();
    assert_eq!(viewer.num_t(), wanted.len(), "{story}");
    for (t, wanted) in wanted.iter().enumerate() {
        let shown = viewer.shows(t, &written.lock()[t / LEN]);
        // Of a truncated block the part before the cut may be shown.
        let is_right = shown == *wanted || wanted.is_none() && what == "truncate";
        assert!(is_right, "{story}: t={t} shows {shown:?}, not {wanted:?}");
    }
    num_checked
}

const FAULTS: [&str; 7] = ["write", "rewrite", "delete", "rename", "truncate", "shape", "full"];

fn all(usage: Use, seeds: std::ops::Range<u64>) {
    let mut rig = Rig::start();
    let (mut num_stories, mut num_checked) = (0, 0);
    for (seed, what) in seeds.flat_map(|seed| FAULTS.map(|what| (seed, what))) {
        for folder in FOLDERS {
            num_checked += story(usage, folder, what, seed, &mut rig);
            num_stories += 1;
        }
    }
    println!("{usage:?}: {num_stories} stories, {num_checked} pictures checked meanwhile");
}

#[test]
fn idle() {
    all(Use::Idle, 0..1);
}

#[test]
fn scrubbing() {
    all(Use::Scrub, 0..1);
}

#[test]
fn playing() {
    all(Use::Play, 0..1);
}

#[test]
fn projecting() {
    all(Use::Project, 0..1);
}

#[test]
#[ignore = "takes minutes"]
fn soak() {
    let count: u64 = std::env::var("TECTUM_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    for usage in Use::ALL {
        all(usage, 1000..1000 + count);
    }
}
