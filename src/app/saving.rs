//! Saving and copying the picture: what is to be drawn, where it goes, and what became of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, bounded};
use directories::UserDirs;

use super::still::{Still, StillThread, Subject};
use crate::cli::output::{Output, refuse_inside};
use crate::render::RendererHandle;
use crate::ui::panels::save::save_path;
use crate::ui::{Saving, ViewState, file_name};
use crate::volume::ArrayInfo;

type Wake = Arc<dyn Fn() + Send + Sync>;

/// For how long it is said that a picture was saved.
const SAID_FOR: Duration = Duration::from_secs(8);
/// What the name means on disk is looked up this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is to be done with a still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Put it on the clipboard.
    Copy,
    /// Write it to a file.
    Save(PathBuf),
}

/// A wish, and the picture it was made for once that is known.
struct Pending {
    wish: Wish,
    subject: Option<Subject>,
}

/// Saving as one session sees it.
#[derive(Default)]
pub struct Saver {
    /// What the sheet shows.
    pub shown: Saving,
    thread: Option<StillThread>,
    drawing: Option<Subject>,
    /// What was drawn last, or why it could not be.
    drawn: Option<(Subject, Result<Arc<Still>, String>)>,
    pending: Option<Pending>,
    writing: Option<(PathBuf, Receiver<Result<(), String>>)>,
    is_path_typed: bool,
    /// A look at what the path means on disk, under way.
    looking: Option<Receiver<Look>>,
    looked: Option<Instant>,
    path_refusal: Option<String>,
    done_at: Option<Instant>,
    last_saved: Option<PathBuf>,
}

impl Saver {
    /// Asks for the picture on screen.
    pub fn wish(&mut self, wish: Wish) {
        self.shown.done = None;
        self.pending = Some(Pending { wish, subject: None });
    }

    /// Where the picture will be saved.
    pub fn set_path(&mut self, path: String) {
        self.shown.path = path;
        self.is_path_typed = true;
        self.looked = None;
    }

    /// The file saved last.
    pub fn last_saved(&self) -> Option<&Path> {
        self.last_saved.as_deref()
    }

    /// How long until something of it changes by itself.
    pub fn time_to_change(&self, now: Instant) -> Option<Duration> {
        self.done_at.map(|at| SAID_FOR.saturating_sub(now.duration_since(at)))
    }

    /// Once a frame: takes in what is done, begins what is wanted. `subject` is the picture on screen, or
    /// why there is none to save.
    pub fn update(
        &mut self,
        ctx: &egui::Context,
        renderer: &RendererHandle,
        wake: &Wake,
        subject: Result<Subject, String>,
        is_sheet_open: bool,
        now: Instant,
    ) {
        if self.done_at.is_some_and(|at| now.duration_since(at) >= SAID_FOR) {
            (self.done_at, self.shown.done) = (None, None);
        }
        self.collect(ctx, now);
        if !is_sheet_open && self.pending.is_none() {
            self.close();
            return;
        }
        let refusal = match self.wanted(subject) {
            Ok(subject) => {
                if is_sheet_open {
                    self.look(&subject, wake, now);
                }
                let refusal = self.draw(renderer, wake, &subject).err();
                self.fulfil_pending(ctx, &subject, now);
                refusal
            }
            Err(reason) => Some(reason),
        };
        if let Some(reason) = &refusal
            && self.pending.take().is_some()
        {
            self.say(format!("Not done: {reason}"), None, now);
        }
        self.shown.refusal = refusal.or_else(|| self.path_refusal.clone());
        self.shown.is_busy = self.writing.is_some() || self.pending.is_some();
    }

    /// What is to be drawn now: what was wished for comes before what the sheet shows.
    fn wanted(&mut self, subject: Result<Subject, String>) -> Result<Subject, String> {
        match &mut self.pending {
            Some(Pending { subject: Some(subject), .. }) => Ok(subject.clone()),
            Some(pending) => {
                let subject = subject?;
                pending.subject = Some(subject.clone());
                Ok(subject)
            }
            None => subject,
        }
    }

    /// What the sheet held is let go of with it.
    fn close(&mut self) {
        if self.drawn.is_none() && self.shown.path.is_empty() {
            return;
        }
        let done = self.shown.done.take();
        (self.drawn, self.path_refusal, self.looked) = (None, None, None);
        self.is_path_typed = false;
        self.shown = Saving { done, ..Saving::default() };
    }

    fn collect(&mut self, ctx: &egui::Context, now: Instant) {
        if let Some(result) = self.thread.as_ref().and_then(StillThread::try_result)
            && let Some(subject) = self.drawing.take()
        {
            let still = result.map(Arc::new);
            let options = egui::TextureOptions::LINEAR;
            let load = |still: &Arc<Still>| ctx.load_texture("still", still.preview.clone(), options);
            self.shown.preview = still.as_ref().ok().map(load);
            self.shown.num_bytes = still.as_ref().ok().map(|still| still.png.len() as u64);
            self.drawn = Some((subject, still));
        }
        if let Some(look) = self.looking.as_ref().and_then(|looking| looking.try_recv().ok()) {
            self.looking = None;
            if look.path == self.shown.path {
                self.path_refusal = look.refusal;
                self.shown.free_bytes = look.free_bytes;
                self.shown.replaces = look.replaces;
            }
        }
        if let Some(result) = self.writing.as_ref().and_then(|(_, receiver)| receiver.try_recv().ok())
            && let Some((path, _)) = self.writing.take()
        {
            match result {
                Ok(()) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    self.last_saved = Some(path.clone());
                    self.say(format!("Saved {name}"), Some(path), now);
                }
                Err(reason) => self.say(format!("Not saved: {reason}"), None, now),
            }
        }
    }

    /// Has a subject drawn, unless it is drawn already.
    fn draw(&mut self, renderer: &RendererHandle, wake: &Wake, subject: &Subject) -> Result<(), String> {
        if let Some((drawn, still)) = &self.drawn
            && drawn.is_same(subject)
        {
            return still.as_ref().map(|_| ()).map_err(Clone::clone);
        }
        if self.drawing.is_none() {
            if self.thread.is_none() {
                self.thread = Some(StillThread::start(renderer, Arc::clone(wake))?);
            }
            let is_taken = self.thread.as_ref().is_some_and(|thread| thread.try_draw(subject.clone()));
            self.drawing = is_taken.then(|| subject.clone());
        }
        Ok(())
    }

    fn fulfil_pending(&mut self, ctx: &egui::Context, subject: &Subject, now: Instant) {
        let still = match &self.drawn {
            Some((drawn, Ok(still))) if drawn.is_same(subject) => Arc::clone(still),
            _ => return,
        };
        match self.pending.take().map(|pending| pending.wish) {
            Some(Wish::Copy) => {
                let size = [still.image.width() as usize, still.image.height() as usize];
                ctx.copy_image(egui::ColorImage::from_rgba_unmultiplied(size, still.image.as_raw()));
                self.say("Picture copied".to_owned(), None, now);
            }
            Some(Wish::Save(path)) => {
                let (sender, receiver) = bounded(1);
                let (target, array, ctx) = (path.clone(), Arc::clone(&subject.array), ctx.clone());
                let is_replacing = self.shown.replaces.is_some();
                let run = move || {
                    let result = write(&target, &array, &still.png, is_replacing).map_err(|error| format!("{error:#}"));
                    // The window may have closed meanwhile.
                    let _unwanted = sender.send(result);
                    ctx.request_repaint();
                };
                match std::thread::Builder::new().name("tectum-save".into()).spawn(run) {
                    Ok(_) => self.writing = Some((path, receiver)),
                    Err(error) => self.say(format!("Not saved: cannot start a thread: {error}"), None, now),
                }
            }
            None => {}
        }
    }

    fn say(&mut self, words: String, file: Option<PathBuf>, now: Instant) {
        self.shown.done = Some((words, file));
        self.done_at = Some(now);
        self.looked = None;
    }

    /// Has a thread look at what the path means on disk, now and then: a disk may not answer.
    fn look(&mut self, subject: &Subject, wake: &Wake, now: Instant) {
        if !self.is_path_typed {
            let folder = folder(&subject.view, &subject.array);
            let path = folder.join(file_name(&subject.array.name, &subject.view, &subject.info));
            let path = path.display().to_string();
            if path != self.shown.path {
                self.shown.path = path;
                self.looked = None;
            }
        }
        let is_due = self.looked.is_none_or(|at| now.duration_since(at) >= LOOK_EVERY);
        if self.looking.is_some() || !is_due {
            return;
        }
        self.looked = Some(now);
        let (sender, receiver) = bounded(1);
        let (typed, array, wake) = (self.shown.path.clone(), Arc::clone(&subject.array), Arc::clone(wake));
        let run = move || {
            let _unwanted = sender.send(Look::at(typed, &array));
            wake();
        };
        if std::thread::Builder::new().name("tectum-look".into()).spawn(run).is_ok() {
            self.looking = Some(receiver);
        }
    }
}

/// What a path means on disk.
struct Look {
    path: String,
    refusal: Option<String>,
    free_bytes: Option<u64>,
    replaces: Option<String>,
}

impl Look {
    fn at(typed: String, array: &ArrayInfo) -> Self {
        let path = save_path(&typed);
        let data = std::fs::metadata(&path);
        let replaces = data.as_ref().ok().filter(|data| data.is_file()).map(|data| {
            let age = data.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            age.map_or_else(|| "that name".to_owned(), crate::ui::format::age)
        });
        let refusal = match data {
            Ok(data) if data.is_dir() => Some("that is a folder: add a name".to_owned()),
            _ => refusal(&path, array),
        };
        Self { path: typed, refusal, free_bytes: path.parent().and_then(free_bytes), replaces }
    }
}

/// Why a picture cannot be written there.
fn refusal(path: &Path, array: &ArrayInfo) -> Option<String> {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if !is_png {
        return Some("pictures are written as .png".to_owned());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Some(format!("there is no folder {}", folder.display()))
        }
        _ => {
            refuse_inside(path, array).err().map(|_| "that lies in the recording, which is never written to".to_owned())
        }
    }
}

/// The folder that is proposed: the last one, else the user's pictures; never the recording's.
fn folder(view: &ViewState, array: &ArrayInfo) -> PathBuf {
    let dirs = UserDirs::new();
    let of_user = |dirs: UserDirs| dirs.picture_dir().unwrap_or(dirs.home_dir()).to_owned();
    let own = view.still_folder.clone().filter(|folder| !folder.starts_with(&array.path));
    own.or_else(|| dirs.map(of_user)).unwrap_or_else(std::env::temp_dir)
}

/// A file of that name is replaced only where the sheet has said so.
fn write(path: &Path, array: &ArrayInfo, png: &[u8], is_replacing: bool) -> anyhow::Result<()> {
    refuse_inside(path, array)?;
    if !is_replacing && path.exists() {
        anyhow::bail!("{} is there already; save once more to replace it", path.display());
    }
    let mut output = Output::create(path, is_replacing)?;
    output.file().write_all(png)?;
    output.finish()?;
    Ok(())
}

/// Room left on the disk of a folder, where the system tells.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{self, GpuConfig, OffscreenTarget};
    use crate::ui::Command;
    use crate::volume::{DType, Shape, Voxels};

    struct Stage {
        ctx: egui::Context,
        _window: OffscreenTarget,
        renderer: RendererHandle,
        saver: Saver,
        subject: Subject,
    }

    fn stage(recording: &Path, out: &Path) -> Stage {
        let window = OffscreenTarget::new(64, 64, 1.0).unwrap();
        let renderer = render::install(window.render_state(), GpuConfig::default());
        let shape = Shape::from([5, 7]);
        let voxels = Arc::new(Voxels::from_values(DType::U8, shape, &(0..35).collect::<Vec<u8>>()));
        let info = crate::array::ViewInfo {
            shape: [1, 1, 5, 7],
            dtype: DType::U8,
            voxel_size: None,
            rate_hz: None,
            has_axis: [false, false, true, true],
        };
        let mut view = ViewState::default().for_dataset(&info);
        view.apply(&Command::SavePicture(out.join("earlier.png")), &info);
        let array = ArrayInfo {
            name: "fish".to_owned(),
            path: recording.to_owned(),
            format: "memory".to_owned(),
            shape: Shape::from([5, 7]),
            axes: vec![Some(crate::volume::Axis::Y), Some(crate::volume::Axis::X)],
            dtype: DType::U8,
            voxel_size: None,
            rate_hz: None,
            claimed_shape: None,
            num_blocks: 1,
            facts: Vec::new(),
        };
        let frame = crate::ui::StillFrame::new(&view, &info, egui::vec2(300.0, 200.0), 1.0);
        let display = view.display(&info);
        let subject = Subject { voxels, display, view, info, array: Arc::new(array), frame };
        Stage { ctx: egui::Context::default(), _window: window, renderer, saver: Saver::default(), subject }
    }

    impl Stage {
        fn updates_until(&mut self, is_open: bool, mut done: impl FnMut(&Saver) -> bool) -> Vec<egui::OutputCommand> {
            let wake: Wake = Arc::new(|| ());
            let deadline = Instant::now() + Duration::from_secs(30);
            let mut commands = Vec::new();
            loop {
                let (saver, renderer, subject) = (&mut self.saver, &self.renderer, self.subject.clone());
                let output = self.ctx.run_ui(egui::RawInput::default(), |ui| {
                    saver.update(ui.ctx(), renderer, &wake, Ok(subject.clone()), is_open, Instant::now());
                });
                commands.extend(output.platform_output.commands);
                if done(&self.saver) {
                    return commands;
                }
                assert!(Instant::now() < deadline, "{:?}", self.saver.shown.refusal);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn the_picture_is_saved_where_it_was_proposed_and_copied_without_the_sheet() {
        let folder = tempfile::tempdir().unwrap();
        let (recording, out) = (folder.path().join("fish"), folder.path().join("figures"));
        std::fs::create_dir_all(&recording).unwrap();
        std::fs::create_dir_all(&out).unwrap();
        let mut stage = stage(&recording, &out);
        stage.updates_until(true, |saver| saver.shown.preview.is_some() && saver.shown.free_bytes.is_some());
        let path = out.join("fish.png");
        assert_eq!(stage.saver.shown.path, path.display().to_string());
        assert_eq!((&stage.saver.shown.refusal, &stage.saver.shown.replaces), (&None, &None));
        let size = stage.saver.shown.num_bytes;
        stage.saver.wish(Wish::Save(path.clone()));
        stage.updates_until(false, |saver| saver.shown.done.is_some());
        assert_eq!(stage.saver.shown.done, Some(("Saved fish.png".to_owned(), Some(path.clone()))));
        assert_eq!(std::fs::metadata(&path).ok().map(|data| data.len()), size);
        assert_eq!(image::open(&path).unwrap().width(), stage.subject.frame.size_px[0]);
        stage.updates_until(true, |saver| saver.shown.replaces.is_some());

        stage.saver.wish(Wish::Copy);
        let commands = stage.updates_until(false, |saver| saver.shown.done.is_some());
        let copied = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyImage(image) => Some(image.size),
            _ => None,
        });
        assert_eq!(copied, Some(stage.subject.frame.size_px.map(|side| side as usize)));
    }

    #[test]
    fn nothing_is_saved_into_a_recording_or_where_there_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("fish");
        std::fs::create_dir_all(&recording).unwrap();
        std::fs::create_dir(folder.path().join("folder.png")).unwrap();
        let mut stage = stage(&recording, &recording);
        assert!(!super::folder(&stage.subject.view, &stage.subject.array).starts_with(&recording));
        let inside = recording.join("a.png");
        for (path, word) in [
            (inside.clone(), "never written to"),
            (folder.path().join("no/a.png"), "no folder"),
            (folder.path().join("a.tif"), ".png"),
            (folder.path().join("folder.png"), "that is a folder"),
        ] {
            stage.saver.set_path(path.display().to_string());
            stage.updates_until(true, |saver| saver.shown.refusal.as_ref().is_some_and(|text| text.contains(word)));
        }
        stage.saver.wish(Wish::Save(inside.clone()));
        stage.updates_until(false, |saver| saver.shown.done.is_some());
        assert!(
            stage.saver.shown.done.as_ref().is_some_and(|(words, file)| words.contains("Not saved") && file.is_none())
        );
        assert_eq!(recording.read_dir().unwrap().count(), 0);
    }
}
