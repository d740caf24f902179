//! Random stories of a rig and a viewer: after each thing the rig does, and whatever the viewer had read
//! before, what is shown is what lies on the disk, of the run that is recording. Told of a source that is
//! refreshed, and of the whole program.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tectum::app::Session;
use tectum::format::{Chunk, Filled, Growing, Refresh};
use tectum::ui::{Command, Mode};
use tectum::volume::Region;

use super::rig::{LEN, Rig, VOLUME};
use super::viewer::{FOLDERS, Viewer, writing_in};
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

/// What the rig has left on the disk.
struct Disk {
    original: PathBuf,
    away: PathBuf,
    is_away: bool,
    /// Which writing each block of the current run is; `None` where it is damaged.
    blocks: Vec<Option<u32>>,
    /// All writings there ever were.
    ids: Vec<u32>,
}

impl Disk {
    fn new(folder: &Path) -> Self {
        let [original, away] = ["original", "away"].map(|name| folder.join(name));
        Self { original, away, is_away: false, blocks: Vec::new(), ids: Vec::new() }
    }

    /// Writes a block, or writes it anew.
    fn write(&mut self, rig: &mut Rig, index: usize) {
        let id = self.ids.len() as u32 + 1;
        self.ids.push(id);
        rig.block(&self.original, index, id, LEN);
        self.blocks.resize(self.blocks.len().max(index + 1), None);
        self.blocks[index] = Some(id);
    }

    /// Another run begins with so many blocks, over what is left of the former one.
    fn begin(&mut self, rig: &mut Rig, num_blocks: usize) {
        self.blocks.clear();
        (0..num_blocks).for_each(|index| self.write(rig, index));
    }

    /// Takes the folder away, or brings it back.
    fn rename(&mut self, rig: &mut Rig) {
        let (from, to) = if self.is_away { (&self.away, &self.original) } else { (&self.original, &self.away) };
        rig.tell(&format!("rename {} {}", from.display(), to.display())).unwrap();
        self.is_away = !self.is_away;
    }

    fn wipe(&mut self, rig: &mut Rig) {
        rig.tell(&format!("rmdir {}", self.original.display())).unwrap();
    }

    /// One of the things rigs, users and disks do, to block `k` where it is done to one.
    fn accident(&mut self, rig: &mut Rig, kind: usize, k: usize, random: &mut Random) {
        let block = format!("{}/{k:04}.h5", self.original.display());
        match kind {
            0..=2 => self.write(rig, self.blocks.len()),
            3 if k > 0 => self.write(rig, k),
            // The rig starts over after a crash: its first block, and perhaps some more.
            3 | 4 => self.begin(rig, 1 + random.below(3)),
            5 if k > 0 => {
                // It may have been removed before.
                let _ = rig.tell(&format!("truncate {block} {}", random.below(100)));
                self.blocks[k] = None;
            }
            6 if k > 0 => {
                rig.tell(&format!("block {} {k} 0 {LEN} 10", self.original.display())).unwrap();
                self.blocks[k] = None;
            }
            7 if k > 0 => {
                let _ = rig.tell(&format!("remove {block}"));
                self.blocks[k] = None;
            }
            8 => self.rename(rig),
            _ => {
                self.wipe(rig);
                self.begin(rig, 1 + random.below(2));
            }
        }
    }

    /// Whether a timepoint may show this writing: of a truncated block the intact part may be shown.
    fn may_show(&self, t: usize, id: u32) -> bool {
        self.blocks.get(t / LEN).is_some_and(|on_disk| on_disk.is_none_or(|on_disk| on_disk == id))
    }
}

/// One random story. Returns the number of things done.
fn random_story<V: Watches>(rig: &mut Rig, seed: u64, open: impl FnOnce(&Path) -> V) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed);
    let mut disk = Disk::new(folder.path());
    disk.begin(rig, 1 + random.below(3));
    let mut viewer = open(&disk.original);
    assert!(viewer.refresh());
    let mut story = Vec::new();
    let num_steps = 6 + random.below(6);
    for _ in 0..num_steps {
        let k = random.below(disk.blocks.len());
        let kind = if disk.is_away { 8 } else { random.below(10) };
        story.push((kind, k));
        disk.accident(rig, kind, k, &mut random);
        if random.below(2) == 0 {
            viewer.read_some(&mut random, &disk.ids);
        }
        if random.below(4) == 0 {
            continue;
        }
        let can_show = viewer.refresh();
        assert_eq!(can_show, !disk.is_away, "seed {seed}: {story:?}");
        if !can_show {
            continue;
        }
        for (t, id) in viewer.show(&mut random, &disk.ids).into_iter().enumerate() {
            let is_right = id.is_none_or(|id| disk.may_show(t, id));
            assert!(is_right, "seed {seed}, t={t} shows {id:?}, disk {:?}: {story:?}", disk.blocks);
        }
    }
    // In the end a whole recording is shown as a whole recording.
    if disk.is_away {
        disk.rename(rig);
    }
    disk.wipe(rig);
    disk.begin(rig, 3);
    rig.finish(&disk.original, 3 * LEN);
    assert!(viewer.refresh());
    let last: Vec<u32> = disk.blocks.iter().flatten().copied().collect();
    assert_eq!(viewer.show(&mut random, &disk.ids), repeated(&last), "seed {seed}: {story:?}");
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
    let num_steps: usize = (200..208).map(|seed| told_of_program(&mut rig, seed)).sum();
    println!("8 stories of the program, twice {num_steps} steps");
}

/// One story, told with the CPU and with the GPU folding projections.
fn told_of_program(rig: &mut Rig, seed: u64) -> usize {
    FOLDERS.map(|folder| random_story(rig, seed, |path| Viewer::open(path, folder)))[0]
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
    println!("{count} stories of the program, twice {num_steps} steps, {:.1} s", begin.elapsed().as_secs_f64());
}
