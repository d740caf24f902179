//! The program without its window: which recording is open, what is being opened, waited for or could not
//! be, what is remembered, and what follows from a command. Time is passed in, and what concerns the window
//! comes out as [`Effect`]s, so that all of it runs without one.
//!
//! What happens without the user (openings that end, a recording that grows, playing) happens in
//! [`Program::step`], also while the window is covered or minimised and nothing is drawn.

mod commands;
mod leaving;
mod said;

use std::path::Path;
use std::time::{Duration, Instant};

use super::activity::{Activity, Wait};
use super::complete::Completer;
use super::dialog::Picked;
use super::effects::{Ask, Effect, PathField};
use super::failure::Failure;
use super::keeping::Keeping;
use super::memory::{Memory, Preferences, WindowPlace};
use super::notes::Notes;
use super::open_job::{OpenJob, Opener};
use super::recent::Recent;
use super::saving::Writing;
use super::session::Session;
use super::sheet::Sheet;
use super::wake::WakeFn;
use crate::format::OpenOptions;
use crate::render::RendererHandle;
use crate::stream::StreamConfig;
use crate::ui::{Command, Leave, Overlay, Step, ViewState, Welcome, letter, with_array};
use crate::volume::Location;

/// One run of the program.
pub struct Program {
    /// The recording that is open. It stays while another is being opened, and if that fails.
    pub(super) session: Option<Box<Session>>,
    /// The sheet of its arrays and axes, while it lies over it.
    sheet: Option<Sheet>,
    /// Set while what is open is a guess that the sheet asks about.
    former: Option<Former>,
    /// What goes on beside it.
    pub(super) activity: Activity,
    pub(super) preferences: Preferences,
    pub(super) memory: Memory,
    pub(super) keeping: Keeping,
    /// What holds for every opening.
    standing: OpenOptions,
    config: StreamConfig,
    recent: Recent,
    notes: Notes,
    notes_version: u64,
    completer: Option<Completer>,
    /// The dialogs of the system that are up.
    asking: Vec<Ask>,
    title: String,
    renderer: Option<RendererHandle>,
    wake: WakeFn,
    effects: Vec<Effect>,
    start: Instant,
    /// Whether the last step was followed by drawing: a hidden window only steps.
    was_drawn: bool,
    is_in_front: bool,
    /// What is being written while no recording is open, and whether what was so last was written.
    unattended: Option<Writing>,
    is_written: bool,
    /// Set while the window is to be closed and something is being written: whether to wait, or stop it.
    leaving: Option<Leave>,
}

/// What was open before a guess, and comes back where nobody says that it is one as it is; `None`: nothing was.
struct Former(Option<Box<Session>>);

/// What a run begins with.
pub struct Beginning {
    /// What is remembered from former runs.
    preferences: Preferences,
    /// Paths opened before.
    recent: Recent,
    /// Where to keep what is worth it.
    memory: Memory,
    /// What goes wrong on the program's own side.
    notes: Notes,
    /// An opening that began before the window was there.
    job: Option<OpenJob>,
    /// What holds for every opening.
    standing: OpenOptions,
    /// How the streams of recordings are set up.
    config: StreamConfig,
    /// What to call, from any thread, when a step is worth it.
    wake: WakeFn,
}

impl Beginning {
    /// With what is remembered, and nothing to open. A home folder that does not answer is not waited for
    /// longer than a moment.
    pub fn new(memory: Memory, config: StreamConfig, wake: WakeFn) -> Self {
        let (preferences, recent) = remembered(&memory);
        Self {
            preferences,
            recent,
            memory,
            notes: Notes::default(),
            job: None,
            standing: OpenOptions::default(),
            config,
            wake,
        }
    }

    /// What of this was said holds for everything that is opened in this run.
    #[must_use]
    pub fn with_standing(mut self, options: &OpenOptions) -> Self {
        self.standing = options.standing();
        self
    }

    /// What goes wrong on the program's own side is listed here.
    #[must_use]
    pub fn with_notes(mut self, notes: Notes) -> Self {
        self.notes = notes;
        self
    }

    /// Where the window lay.
    pub fn window_place(&self) -> Option<&WindowPlace> {
        self.preferences.window.as_ref()
    }

    /// Begins to open a recording already; where it `is_expected` and not there yet, it is waited for.
    pub fn open(&mut self, location: impl Into<Location>, options: OpenOptions, is_expected: bool) {
        let opener = Opener {
            preferences: self.preferences.view.clone(),
            config: self.config.clone(),
            memory: self.memory.clone(),
            wake: self.wake.clone(),
            is_expected,
            said: None,
        };
        self.job = Some(OpenJob::start(&location.into(), options, opener));
    }
}

/// What former runs have left.
fn remembered(memory: &Memory) -> (Preferences, Recent) {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let reader = memory.clone();
    let read = move || {
        // Nobody may wait for it any more.
        let _late = sender.send((reader.preferences(), Recent::load(&reader)));
    };
    let spawned = std::thread::Builder::new().name("tectum-memory".into()).spawn(read);
    match spawned.map(|_| receiver.recv_timeout(Duration::from_secs(1))) {
        Ok(Ok(remembered)) => remembered,
        _ => {
            tracing::warn!("the settings could not be read in time; the window begins without them");
            (Preferences::default(), Recent::empty(memory))
        }
    }
}

/// What the window shows.
pub enum Screen<'a> {
    /// Nothing is open.
    Welcome(Welcome<'a>),
    /// A recording is being opened.
    Opening(&'a OpenJob),
    /// A recording is expected.
    Waiting(&'a Wait),
    /// A recording could not be opened, and none is open.
    Failed(&'a Failure),
    /// A recording.
    Session {
        /// It.
        session: &'a mut Session,
        /// What could not be opened beside it, to be shown over it.
        failure: Option<&'a Failure>,
        /// The sheet of its arrays and axes, to be shown over it.
        sheet: Option<&'a mut Sheet>,
        /// Recordings opened before, newest first.
        recent: &'a [Location],
    },
}

impl Program {
    /// A run that begins now.
    pub fn new(beginning: Beginning) -> Self {
        let Beginning { preferences, recent, memory, notes, job, standing, config, wake } = beginning;
        notes.set_wake(wake.clone());
        Self {
            session: None,
            sheet: None,
            former: None,
            activity: job.map_or(Activity::Idle, Activity::Opening),
            keeping: Keeping::new(&preferences),
            preferences,
            memory,
            standing,
            config,
            recent,
            notes,
            notes_version: 0,
            completer: None,
            asking: Vec::new(),
            title: String::new(),
            renderer: None,
            wake,
            effects: Vec::new(),
            start: Instant::now(),
            was_drawn: false,
            is_in_front: true,
            unattended: None,
            is_written: true,
            leaving: None,
        }
    }

    /// There is a graphics device from now on: it may fold projections, and stills can be drawn.
    pub fn attach(&mut self, renderer: &RendererHandle) {
        self.renderer = Some(renderer.clone());
        if let Some(session) = &mut self.session {
            session.attach(renderer);
        }
    }

    /// Opens a recording, beside what is open until it is there.
    pub fn open(&mut self, location: impl Into<Location>, options: OpenOptions) {
        let job = OpenJob::start(&location.into(), options.or_standing(&self.standing), self.opener());
        self.activity = Activity::Opening(job);
    }

    fn opener(&self) -> Opener {
        Opener {
            preferences: self.preferences.view.clone(),
            config: self.config.clone(),
            memory: self.memory.clone(),
            wake: self.wake.clone(),
            is_expected: false,
            said: None,
        }
    }

    /// Everything that happens without the user: call it before each frame, and instead of it while the
    /// window is not seen.
    pub fn step(&mut self, now: Instant) {
        let is_hidden = !std::mem::take(&mut self.was_drawn);
        self.collect();
        self.keep_sheet();
        let now_s = self.seconds(now);
        if is_hidden {
            self.choose(now);
            if let Some(session) = &mut self.session {
                session.note_newest_shown();
            }
        }
        if let Some(pause) = self.session.as_mut().and_then(|session| session.advance(now, now_s)) {
            self.effects.push(Effect::RepaintAfter(pause));
        }
        self.tell_alarms();
        self.attend_writing();
        if let Some(notes) = self.notes.since(&mut self.notes_version) {
            self.effects.push(Effect::Notes(notes));
        }
        if let Some(pause) = self.keep(now) {
            self.effects.push(Effect::RepaintAfter(pause));
        }
        self.update_title();
    }

    /// Whether the user has the window before him: then he sees the alarms there.
    pub fn set_in_front(&mut self, is_in_front: bool) {
        self.is_in_front = is_in_front;
    }

    /// Alarms that have begun are told on the desktop while nobody looks at the window.
    fn tell_alarms(&mut self) {
        let Some(session) = &mut self.session else { return };
        let begun = std::mem::take(&mut session.begun);
        if self.is_in_front || !self.preferences.view.panels.notifies {
            return;
        }
        let told = begun.into_iter().map(|alarm| Effect::Notify {
            title: format!("■ {}", alarm.title),
            body: format!("{}: {} {}", session.name(), alarm.detail, alarm.advice).trim_end().to_owned(),
        });
        self.effects.extend(told);
    }

    /// Chooses what is drawn now. Call it when a frame is drawn, after each change of the view.
    pub fn look(&mut self, now: Instant) {
        self.was_drawn = true;
        self.choose(now);
    }

    fn choose(&mut self, now: Instant) {
        let Some(session) = &mut self.session else { return };
        session.choose_pictures(now);
        session.update_saver(self.renderer.as_ref(), now);
        self.effects.append(&mut session.effects);
    }

    /// What the window has to do since the last call, in order.
    pub fn drain_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What the window shows, and the preferences by which it draws what is no recording.
    pub fn screen(&mut self) -> (Screen<'_>, &ViewState) {
        let is_browsing = self.is_asking(Ask::Folder) || self.is_asking(Ask::File);
        let recent = self.recent.locations();
        let failure = match &self.activity {
            Activity::Failed(failure) => Some(failure),
            Activity::Idle | Activity::Opening(_) | Activity::Waiting(_) => None,
        };
        let screen = match (&self.activity, &mut self.session) {
            (Activity::Opening(job), _) => Screen::Opening(job),
            (Activity::Waiting(wait), _) => Screen::Waiting(wait),
            (Activity::Failed(failure), None) => Screen::Failed(failure),
            (Activity::Idle, None) => Screen::Welcome(Welcome { recent, is_browsing }),
            (Activity::Idle | Activity::Failed(_), Some(session)) => {
                Screen::Session { session, failure, sheet: self.sheet.as_mut(), recent }
            }
        };
        (screen, &self.preferences.view)
    }

    /// The recording that is open, whatever is going on beside it.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// What is kept for whatever is opened next.
    pub fn preferences(&self) -> &ViewState {
        &self.preferences.view
    }

    /// Whether a dialog is up that asks for this.
    fn is_asking(&self, ask: Ask) -> bool {
        self.asking.contains(&ask)
    }

    /// Takes in what became of a dialog.
    pub fn answer(&mut self, ask: Ask, picked: Picked) {
        self.asking.retain(|other| *other != ask);
        match (ask, picked) {
            (Ask::StillPath, Picked::Path(path)) => {
                if let Some(session) = &mut self.session {
                    session.set_save_path(&path);
                }
            }
            (Ask::DataPath, Picked::Path(path)) => {
                if let Some(session) = &mut self.session {
                    session.data_saver.set_path(path.display().to_string());
                }
            }
            (Ask::Array { operation, .. }, Picked::Path(path)) => self.compute_with(operation, &path),
            (Ask::Array { operation, .. }, Picked::NoDialog) => {
                let why = "This system shows no file dialog: type the path behind the @, in quotes where it has spaces";
                self.effects.push(Effect::TypeOperation(format!("{operation} @"), why));
            }
            (Ask::Folder | Ask::File, Picked::Path(path)) => self.open(path, OpenOptions::default()),
            (Ask::Folder | Ask::File, Picked::NoDialog) => self.ask_for_path(),
            (_, Picked::Nothing) | (Ask::StillPath | Ask::DataPath, Picked::NoDialog) => {}
        }
    }

    /// Adds a step with an array to what is computed of the chosen layer.
    fn compute_with(&mut self, operation: &str, path: &Path) {
        let Some(session) = &self.session else { return };
        let step = Step::new(with_array(operation, path));
        let steps = [session.view.layer().operations.as_slice(), &[step]].concat();
        self.carry_out(&[Command::SetOperations(steps)], Instant::now());
    }

    /// Seconds since the run began.
    pub(super) fn seconds(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.start).as_secs_f64()
    }

    /// Takes in what other threads have finished.
    fn collect(&mut self) {
        match self.activity.poll(&self.wake) {
            Some(Ok((session, location))) => self.take_over(session, &location),
            Some(Err(location)) => {
                self.leave_guess();
                self.effects.push(Effect::PathField(PathField::Keep(location.to_string())));
                if let Some(session) = &mut self.session {
                    session.view.panels.overlay = Some(Overlay::NotOpened);
                }
            }
            None => {}
        }
        if let Some((location, options)) = self.activity.has_appeared() {
            self.open(location, options);
        }
        if let Some(completion) = self.completer.as_ref().and_then(Completer::try_answer) {
            self.completer = None;
            self.effects.push(Effect::PathField(PathField::Complete(completion)));
        }
    }

    /// A recording has been opened: it takes the place of the one before.
    fn take_over(&mut self, mut session: Box<Session>, location: &Location) {
        self.keep_view();
        self.recent.add(location);
        if let Some(renderer) = &self.renderer {
            session.attach(renderer);
        }
        session.set_profiles(self.preferences.profiles.clone());
        // That of another recording goes with it.
        self.sheet = None;
        let writing = self.take_writing();
        let before = self.session.take();
        let former = self.former.take().unwrap_or(Former(before));
        if session.wants_sheet {
            session.view.panels.overlay = Some(Overlay::Axes);
            self.former = Some(former);
        }
        self.session = Some(session);
        self.attend(writing);
        self.keeping.opened(self.session.as_deref());
        self.effects.push(Effect::PathField(PathField::Clear));
    }

    /// Without a dialog a path is typed.
    fn ask_for_path(&mut self) {
        if let (Some(session), Activity::Idle) = (&mut self.session, &self.activity) {
            session.view.panels.overlay = Some(Overlay::Open);
        }
        let why = "This system shows no file dialog: type the path here, Tab completes it";
        self.effects.push(Effect::PathField(PathField::Focus(why)));
    }

    fn update_title(&mut self) {
        let title = match &self.session {
            Some(session) => {
                let badge = session.quality().and_then(|quality| quality.badge());
                let badge = badge.map(|(grade, text)| format!("{} {text} · ", letter(grade))).unwrap_or_default();
                format!("{badge}{} – Tectum", session.name())
            }
            None => "Tectum".to_owned(),
        };
        if title != self.title {
            self.effects.push(Effect::Title(title.clone()));
            self.title = title;
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_sheet;
