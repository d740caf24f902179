//! The program as the viewer of a rig's recording: opened, stepped and commanded as by its window, which is
//! not there. What it shows is compared with what was ever written.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use tectum::app::{Beginning, Memory, Program, Session};
use tectum::format::OpenOptions;
use tectum::live::LiveState;
use tectum::render::{GpuConfig, OffscreenTarget, RendererHandle, install};
use tectum::stream::StreamConfig;
use tectum::ui::Command;
use tectum::volume::{Picture, Projection, Voxels};

use super::rig::{LEN, VOLUME, value};

/// Longer than anything takes that does happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who folds projections.
pub const FOLDERS: [Folder; 2] = [Folder::Cpu, Folder::Gpu];

/// Who folds projections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Folder {
    Cpu,
    /// The software adapter, told to behave as hardware.
    Gpu,
}

/// The device all viewers of this process fold on; `None` where there is none.
fn device() -> Option<&'static RendererHandle> {
    static DEVICE: OnceLock<Option<(OffscreenTarget, RendererHandle)>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let target = OffscreenTarget::new(64, 64, 1.0).map_err(|error| println!("no device: {error}")).ok()?;
        let config = GpuConfig { projects: true, ..GpuConfig::default() };
        let renderer = install(target.render_state(), config);
        Some((target, renderer))
    });
    device.as_ref().map(|(_, renderer)| renderer)
}

/// A run of the program with a recording open.
pub struct Viewer {
    program: Program,
    woken: Receiver<()>,
}

impl Viewer {
    /// Opens a recording that is there.
    pub fn open(path: &Path, folder: Folder) -> Self {
        let (sender, woken) = crossbeam_channel::bounded(1);
        let wake = Arc::new(move || {
            let _ = sender.try_send(());
        });
        let config = StreamConfig { num_workers: 2, ram_budget_bytes: 1 << 20, ..StreamConfig::default() };
        let mut program = Program::new(Beginning::new(Memory::none(), config, wake));
        if let (Folder::Gpu, Some(device)) = (folder, device()) {
            program.attach(device);
        }
        program.open(path, OpenOptions::default());
        let mut viewer = Self { program, woken };
        viewer.until("it opens", |viewer| viewer.program.session().is_some());
        viewer
    }

    pub fn session(&self) -> &Session {
        self.program.session().expect("nothing that happens to a recording closes it")
    }

    pub fn num_t(&self) -> usize {
        self.session().info().shape[0]
    }

    pub fn step(&mut self) {
        self.program.step(Instant::now());
        self.program.drain_effects();
    }

    pub fn carry_out(&mut self, commands: &[Command]) {
        self.program.carry_out(commands, Instant::now());
    }

    /// Steps until something is so, whenever there is something new.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.step();
            if done(self) {
                return;
            }
            let shown = self.program.session().map(Session::shown);
            assert!(begin.elapsed() < PATIENCE, "never: {what}; {shown:?}");
            let _ = self.woken.recv_timeout(Duration::from_millis(2));
        }
    }

    /// Has the folder looked at as it is now, and takes in what was seen.
    pub fn look_at_folder(&mut self) {
        let watcher = self.session().watcher().expect("a recording of blocks is watched");
        let begin = Instant::now();
        // The next look may have begun before: the one after it is over when a third begins.
        let wanted = watcher.num_looks() + 3;
        while watcher.num_looks() < wanted {
            watcher.look_now();
            assert!(begin.elapsed() < PATIENCE, "the folder is not looked at");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.step();
    }

    /// Whether the recording is there.
    pub fn is_there(&self) -> bool {
        self.session().live().is_none_or(|live| live.state != LiveState::Gone)
    }

    /// Shows a timepoint and waits for its picture; which writing it shows, `None` where it is missing.
    pub fn shows(&mut self, t: usize, ids: &[u32]) -> Option<u32> {
        self.carry_out(&[Command::ScrubTo(t)]);
        self.until("the picture", |viewer| viewer.session().is_settled());
        assert_eq!(self.session().asked().t(), t);
        let on_screen = self.session().on_screen()?;
        assert_eq!(on_screen.key.picture, self.session().asked(), "what is called exact");
        writing_in(&on_screen.key.picture, &on_screen.voxels, ids)
    }
}

/// The value a picture must have where it shows one writing.
fn expected(picture: &Picture, id: u32, y: usize, x: usize) -> u16 {
    let planes = |t: usize| (0..VOLUME[0]).map(move |z| value(id, t % LEN, z, y, x));
    match *picture {
        Picture::Plane { t, index, .. } => value(id, t % LEN, index, y, x),
        Picture::Projection { t, op: Projection::Min, .. } => planes(t).min().unwrap(),
        Picture::Projection { t, .. } => planes(t).max().unwrap(),
    }
}

/// Which of these writings a picture shows, `None` where it shows nothing of one. Panics where it shows
/// what is in none of them.
pub fn writing_in(picture: &Picture, voxels: &Voxels, ids: &[u32]) -> Option<u32> {
    let &[rows, columns] = voxels.shape().dims() else { panic!("a picture is flat") };
    // Of another shape, or folded of some planes only, it has nothing to be compared with.
    if [rows, columns] != VOLUME[1..] || voxels.gaps().is_some() {
        return None;
    }
    let values = voxels.values::<u16>();
    let mut measured = (0..rows * columns).map(|i| (i, [i / columns, i % columns]));
    let measured: Vec<_> = measured.by_ref().filter(|(_, at)| voxels.is_measured(at)).collect();
    if measured.is_empty() {
        return None;
    }
    let fits = |id: &&u32| measured.iter().all(|&(i, [y, x])| values[i] == expected(picture, **id, y, x));
    let id = ids.iter().rev().find(fits).copied();
    Some(id.unwrap_or_else(|| panic!("{picture:?} shows what was never written there ({ids:?})")))
}
