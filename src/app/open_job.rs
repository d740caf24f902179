//! Opening a dataset as a background job with progress and cancel: the window never waits for a disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use directories::ProjectDirs;

use super::memory::{Given, Memory, Recall};
use super::session::{Session, Setup};
use super::sheet;
use super::wake::WakeFn;
use crate::demo;
use crate::format::{self, Cancel, FormatError, FormatErrorCode, OpenOptions, Opened, identity_of};
use crate::stream::StreamConfig;
use crate::ui::ViewState;
use crate::volume::Location;

/// What every opening needs of the app.
pub struct Opener {
    /// What is kept for whatever is opened.
    pub preferences: ViewState,
    /// How the stream is set up.
    pub config: StreamConfig,
    /// What is remembered of recordings.
    pub memory: Memory,
    /// What to call when there is something new.
    pub wake: WakeFn,
    /// Whether a recording is waited for where there is none yet.
    pub is_expected: bool,
    /// What the user just said of the recording; what is remembered without it.
    pub said: Option<Given>,
}

impl Opener {
    /// Opens a recording as it is remembered, or as it was said to be, in the view it was left in.
    fn open(self, location: Location, options: OpenOptions) -> Result<Session, FormatError> {
        let outcome = match self.said {
            Some(_) => format::open(&location, &options).map(|opened| (opened, options)),
            None => open_as_remembered(&location, options, &self.memory),
        };
        let (opened, options) = outcome.map_err(|error| {
            let may_appear = error.is_absent() || error.code == FormatErrorCode::NotFound;
            if self.is_expected && may_appear { error.with_code(FormatErrorCode::Beginning) } else { error }
        })?;
        let remembered = || self.memory.given(&opened.source.info().location, opened.chosen_name());
        let mut given = self.said.clone().unwrap_or_else(remembered);
        // What does not fit any more is not in use.
        given.axes = given.axes.filter(|_| options.axes.is_some());
        given.level = options.level.unwrap_or(0);
        let wants_sheet = sheet::is_wanted(&opened, &options);
        let recall = Recall { identity: Some(identity_of(&opened)), given, memory: self.memory };
        let setup =
            Setup { preferences: self.preferences, recall, config: self.config, wake: self.wake, is_checked: true };
        let mut session = Session::new(opened, location, uncancelled(&options), setup, Instant::now())?;
        session.wants_sheet = wants_sheet;
        Ok(session)
    }
}

/// Opens a recording as it is remembered: the array that was chosen, with the axes somebody said it has. What is
/// said in the options is not asked of the memory. Returns what was opened, and with what. Blocks.
///
/// # Errors
/// As [`format::open`].
pub fn open_as_remembered(
    location: &Location,
    mut options: OpenOptions,
    memory: &Memory,
) -> Result<(Opened, OpenOptions), FormatError> {
    let mut opened = format::open(location, &options)?;
    let choice = if options.dataset.is_none() && opened.datasets.len() > 1 {
        memory.choice(location, &opened.datasets)
    } else {
        None
    };
    if let Some(name) = choice {
        let is_open = opened.chosen_name() == Some(name.as_str());
        let chosen = OpenOptions { dataset: Some(name), ..options.clone() };
        if is_open {
            options = chosen;
        } else if let Some(other) = reopened(location, &chosen)? {
            (opened, options) = (other, chosen);
        }
    }
    let said = memory.said_of(opened.source.info(), opened.chosen_name());
    let level = options.level.or((said.level > 0).then_some(said.level));
    let said = OpenOptions { axes: options.axes.clone().or(said.axes), level, ..options.clone() };
    if (&said.axes, said.level) != (&options.axes, options.level)
        && let Some(as_said) = reopened(location, &said)?
    {
        (opened, options) = (as_said, said);
    }
    Ok((opened, options))
}

/// Opens a recording with what is remembered of it; `None` where that does not fit any more.
///
/// # Errors
/// When the opening was abandoned.
fn reopened(location: &Location, options: &OpenOptions) -> Result<Option<Opened>, FormatError> {
    match format::open(location, options) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if options.is_cancelled() => Err(error),
        Err(error) => {
            tracing::warn!("what is remembered of {location} does not fit any more: {error}");
            Ok(None)
        }
    }
}

/// One opening under way.
pub struct OpenJob {
    /// What is being opened.
    pub location: Location,
    /// When the job was started.
    pub started: Instant,
    options: OpenOptions,
    step: &'static str,
    progress: Arc<Progress>,
    result: Receiver<Result<Box<Session>, FormatError>>,
    /// Whether the result was taken: what was opened may go on with what the user said, and is not abandoned.
    is_over: AtomicBool,
}

/// Pieces done and pieces in all; none in all: not known.
#[derive(Default)]
struct Progress {
    done: AtomicUsize,
    all: AtomicUsize,
}

impl OpenJob {
    /// Starts opening `location` on a thread of its own and calls `wake` when the session is there, with its
    /// first picture already being read.
    pub fn start(location: &Location, options: OpenOptions, opener: Opener) -> Self {
        let target = location.clone();
        Self::run(location.clone(), "Looking at what is there", options, opener, move |_, _| Ok(target))
    }

    /// Writes the demo recording where it is absent, then opens it.
    pub fn demo(opener: Opener) -> Self {
        let folder = ProjectDirs::from("", "", "tectum")
            .map_or_else(|| std::env::temp_dir().join("tectum-demo"), |dirs| dirs.data_local_dir().join("demo"));
        let path = folder.join("original");
        let target = path.clone();
        let prepare = move |progress: &Progress, options: &OpenOptions| {
            if !target.join("stack_metadata.json").exists() {
                demo::write(&folder, &demo::Recipe::default(), |done, all| {
                    progress.done.store(done, Ordering::Relaxed);
                    progress.all.store(all, Ordering::Relaxed);
                    !options.is_cancelled()
                })?;
            }
            Ok(target.into())
        };
        Self::run(path.into(), "Writing the demo recording", OpenOptions::default(), opener, prepare)
    }

    fn run(
        location: Location,
        step: &'static str,
        mut options: OpenOptions,
        opener: Opener,
        prepare: impl FnOnce(&Progress, &OpenOptions) -> Result<Location, FormatError> + Send + 'static,
    ) -> Self {
        options.cancel = Cancel::new();
        options.in_background = true;
        let (sender, result) = bounded(1);
        let progress = Arc::new(Progress::default());
        let job = Self {
            location,
            started: Instant::now(),
            options: options.clone(),
            step,
            progress: Arc::clone(&progress),
            result,
            is_over: AtomicBool::new(false),
        };
        let work = move || {
            let wake = Arc::clone(&opener.wake);
            let outcome =
                prepare(&progress, &options).and_then(|location| opener.open(location, options).map(Box::new));
            let look = outcome.as_ref().ok().map(|session| session.look_for_files());
            // The receiver is gone when the job was cancelled: then nobody wants the result.
            let is_wanted = sender.send(outcome).is_ok();
            wake();
            // There may be very many of them: the first picture does not wait for that.
            if let Some(look) = look.filter(|_| is_wanted) {
                look();
                wake();
            }
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-open".into()).spawn(work) {
            tracing::error!("cannot start a thread to open {}: {error}", job.location);
        }
        job
    }

    /// What the user said beside the path, for another opening.
    pub fn options(&self) -> OpenOptions {
        uncancelled(&self.options)
    }

    /// What is going on, in a few words.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// Part done, 0 to 1, where known.
    pub fn progress(&self) -> Option<f32> {
        let all = self.progress.all.load(Ordering::Relaxed);
        (all > 0).then(|| self.progress.done.load(Ordering::Relaxed) as f32 / all as f32)
    }

    /// The session once it is there; never blocks.
    pub fn try_result(&self) -> Option<Result<Box<Session>, FormatError>> {
        match self.result.try_recv() {
            Ok(outcome) => {
                self.is_over.store(true, Ordering::Relaxed);
                Some(outcome)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(FormatError::new(&self.location, "opening stopped unexpectedly; see the log and try again")))
            }
        }
    }
}

/// The same options for work that outlives the job.
fn uncancelled(options: &OpenOptions) -> OpenOptions {
    OpenOptions { cancel: Cancel::new(), ..options.clone() }
}

impl Drop for OpenJob {
    /// Abandons the opening; its thread ends by itself and nobody waits for it.
    fn drop(&mut self) {
        if !self.is_over.load(Ordering::Relaxed) {
            self.options.cancel.cancel();
        }
    }
}
