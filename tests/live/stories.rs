//! Random stories of a rig and a viewer: after each thing the rig does, and whatever the viewer had read
//! before, what is shown is what lies on the disk, of the run that is recording. Told of a source that is
//! refreshed, and of the whole program.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tectum::app::Session;
use tectum::format::{Chunk, Filled, Growing, Refresh};
use tectum::ui::{Command, Mode};
use tectum::volume::Region;

use super::rig::{LEN, Rig, VOLUME};
use super::viewer::{FOLDERS, Folder, Viewer, writing_in};
use super::{codes, opened, repeated, shown};

/// Whoever looks at the recording.
trait Watches {
    /// Reads some of it without having looked what has happened: whatever it gets is of one writing.
    fn read_some(&mut self, random: &mut Random, ids: &[u32]);

    /// Looks what has happened. False when there is nothing to show.
    fn refresh(&mut self) -> bool;

    /// Which writing each timepoint shows.
    fn show(&mut self, random: &mut Random, ids: &[u32]) -> Vec<Option<u32>>;

    /// What is said to be wrong.
    fn codes(&self) -> Vec<&'static str>;
}

/// A source, and the chunks that were read of it.
struct Held {
    source: Arc<dyn Growing>,
    cache: HashMap<u64, (Chunk, Vec<u8>, Vec<Region>)>,
}

impl Held {
    fn new(source: Arc<dyn Growing>) -> Self {
        Self { source, cache: HashMap::new() }
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
}

impl Watches for Held {
    fn read_some(&mut self, random: &mut Random, _ids: &[u32]) {
        for chunk in self.chunks() {
            if random.below(3) == 0 {
                self.read(&chunk);
            }
        }
    }

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

    /// What the viewer would show of everything: cached chunks as they are, the others read now.
    fn show(&mut self, _random: &mut Random, ids: &[u32]) -> Vec<Option<u32>> {
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

    fn codes(&self) -> Vec<&'static str> {
        codes(&self.source)
    }
}

impl Watches for Viewer {
    fn read_some(&mut self, random: &mut Random, ids: &[u32]) {
        for _ in 0..3 {
            let t = random.below(self.num_t());
            self.carry_out(&[Command::ScrubTo(t)]);
            self.step();
            if let Some(shown) = self.session().on_screen().filter(|shown| !shown.is_preview) {
                writing_in(&shown.key.picture, &shown.voxels, ids);
            }
        }
    }

    fn refresh(&mut self) -> bool {
        self.look_at_folder();
        self.is_there()
    }

    fn show(&mut self, random: &mut Random, ids: &[u32]) -> Vec<Option<u32>> {
        let mode = [Mode::Plane, Mode::Projection][random.below(2)];
        self.carry_out(&[Command::SetMode(mode), Command::DepthTo(random.below(VOLUME[0]))]);
        (0..self.num_t()).map(|t| self.shows(t, ids)).collect()
    }

    fn codes(&self) -> Vec<&'static str> {
        let problems = Session::problems(self.session()).iter().map(|problem| problem.code);
        problems.filter(|code| *code != "no_metadata").collect()
    }
}

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// One random story. Returns the number of things done.
fn random_story<V: Watches>(rig: &mut Rig, seed: u64, open: impl FnOnce(&Path) -> V) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let away = folder.path().join("away");
    let mut random = Random::new(seed);
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
    let mut viewer = open(&original);
    assert!(viewer.refresh());
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
        if random.below(2) == 0 {
            viewer.read_some(&mut random, &ids);
        }
        if random.below(4) == 0 {
            continue;
        }
        let can_show = viewer.refresh();
        assert_eq!(can_show, !is_away, "seed {seed}: {story:?}");
        if !can_show {
            continue;
        }
        for (t, id) in viewer.show(&mut random, &ids).into_iter().enumerate() {
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
    assert!(viewer.refresh());
    assert_eq!(viewer.show(&mut random, &ids), repeated(&last), "seed {seed}: {story:?}");
    assert_eq!(viewer.codes(), [""; 0], "seed {seed}: {story:?}");
    num_steps
}

fn of_source(path: &Path) -> Held {
    Held::new(opened(path))
}

#[test]
fn random_stories_never_show_what_is_not_there() {
    let mut rig = Rig::start();
    let num_steps: usize = (0..120).map(|seed| random_story(&mut rig, seed, of_source)).sum();
    println!("120 stories of a source, {num_steps} steps");
}

#[test]
fn the_program_never_shows_what_is_not_there() {
    let mut rig = Rig::start();
    let num_steps: usize = (200..216).map(|seed| told_of_program(&mut rig, seed)).sum();
    println!("16 stories of the program, {num_steps} steps");
}

/// One story with the CPU or the GPU folding projections, by turns.
fn told_of_program(rig: &mut Rig, seed: u64) -> usize {
    let folder: Folder = FOLDERS[seed as usize % 2];
    random_story(rig, seed, |path| Viewer::open(path, folder))
}

/// Thousands of them: `TECTUM_STORIES=5000 cargo test --test live soak -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn soak_random_stories() {
    let count: u64 = std::env::var("TECTUM_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    let mut rig = Rig::start();
    let begin = Instant::now();
    let num_steps: usize = (1000..1000 + count).map(|seed| random_story(&mut rig, seed, of_source)).sum();
    println!("{count} stories of a source, {num_steps} steps, {:.1} s", begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let num_steps: usize = (1000..1000 + count).map(|seed| told_of_program(&mut rig, seed)).sum();
    println!("{count} stories of the program, {num_steps} steps, {:.1} s", begin.elapsed().as_secs_f64());
}
