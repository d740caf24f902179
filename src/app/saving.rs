//! Saving and copying the picture: what is to be drawn, where it goes, and what became of it.

mod data;
mod described;
mod place;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
pub use data::{DataSaver, Request, Writing, Written};
use image::RgbaImage;
pub use place::data_folder;
use place::{Look, folder, write};

use super::still::{Still, StillThread, Subject};
use super::wake::WakeFn;
use crate::render::RendererHandle;
use crate::ui::{Saving, file_name};

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

    /// Whether a picture is wanted, now or when it has come.
    pub fn is_waiting(&self, is_sheet_open: bool) -> bool {
        is_sheet_open || self.pending.is_some()
    }

    /// Whether a picture is wanted. Without, what the sheet held is let go of.
    pub fn is_wanted(&mut self, is_sheet_open: bool) -> bool {
        let is_wanted = self.is_waiting(is_sheet_open);
        if !is_wanted {
            self.close();
        }
        is_wanted
    }

    /// Begins what is wanted, and goes on with it. `subject` is the picture on screen, or why there is none
    /// to save. Returns a picture for the clipboard.
    pub fn update(
        &mut self,
        renderer: Option<&RendererHandle>,
        wake: &WakeFn,
        subject: Result<Subject, String>,
        is_sheet_open: bool,
        now: Instant,
    ) -> Option<RgbaImage> {
        let mut copied = None;
        let refusal = match self.wanted(subject) {
            Ok(subject) => {
                if is_sheet_open {
                    self.look(&subject, wake, now);
                }
                let refusal = self.draw(renderer, wake, &subject).err();
                copied = self.fulfil_pending(wake, &subject, now);
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
        copied
    }

    /// The still drawn last, for whoever shows it.
    pub fn still(&self) -> Option<&Arc<Still>> {
        self.drawn.as_ref().and_then(|(_, still)| still.as_ref().ok())
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

    /// Takes in what other threads have done. Once a frame.
    pub fn collect(&mut self, now: Instant) {
        if self.done_at.is_some_and(|at| now.saturating_duration_since(at) >= SAID_FOR) {
            (self.done_at, self.shown.done) = (None, None);
        }
        if let Some(result) = self.thread.as_ref().and_then(StillThread::try_result)
            && let Some(subject) = self.drawing.take()
        {
            let still = result.map(Arc::new);
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
    fn draw(&mut self, renderer: Option<&RendererHandle>, wake: &WakeFn, subject: &Subject) -> Result<(), String> {
        if let Some((drawn, still)) = &self.drawn
            && drawn.is_same(subject)
        {
            return still.as_ref().map(|_| ()).map_err(Clone::clone);
        }
        if self.drawing.is_none() {
            let renderer = renderer.ok_or("there is no graphics device to draw it with")?;
            if self.thread.is_none() {
                self.thread = Some(StillThread::start(renderer, Arc::clone(wake))?);
            }
            let is_taken = self.thread.as_ref().is_some_and(|thread| thread.try_draw(subject.clone()));
            self.drawing = is_taken.then(|| subject.clone());
        }
        Ok(())
    }

    fn fulfil_pending(&mut self, wake: &WakeFn, subject: &Subject, now: Instant) -> Option<RgbaImage> {
        let still = match &self.drawn {
            Some((drawn, Ok(still))) if drawn.is_same(subject) => Arc::clone(still),
            _ => return None,
        };
        match self.pending.take().map(|pending| pending.wish) {
            Some(Wish::Copy) => {
                self.say("Picture copied".to_owned(), None, now);
                return Some(still.image.clone());
            }
            Some(Wish::Save(path)) => {
                let (sender, receiver) = bounded(1);
                let (target, array, wake) = (path.clone(), Arc::clone(&subject.array), Arc::clone(wake));
                let is_replacing = self.shown.replaces.is_some();
                let run = move || {
                    let result = write(&target, &array, &still.png, is_replacing).map_err(|error| format!("{error:#}"));
                    // The window may have closed meanwhile.
                    let _unwanted = sender.send(result);
                    wake();
                };
                match std::thread::Builder::new().name("tectum-save".into()).spawn(run) {
                    Ok(_) => self.writing = Some((path, receiver)),
                    Err(error) => self.say(format!("Not saved: cannot start a thread: {error}"), None, now),
                }
            }
            None => {}
        }
        None
    }

    /// Says for a while that something was saved as a file or a folder.
    pub fn say_saved(&mut self, words: String, path: PathBuf, now: Instant) {
        self.last_saved = Some(path.clone());
        self.say(words, Some(path), now);
    }

    /// Says for a while why something was not.
    pub fn say_failed(&mut self, words: String, now: Instant) {
        self.say(words, None, now);
    }

    fn say(&mut self, words: String, file: Option<PathBuf>, now: Instant) {
        self.shown.done = Some((words, file));
        self.done_at = Some(now);
        self.looked = None;
    }

    /// Has a thread look at what the path means on disk, now and then: a disk may not answer.
    fn look(&mut self, subject: &Subject, wake: &WakeFn, now: Instant) {
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

#[cfg(test)]
mod tests;
