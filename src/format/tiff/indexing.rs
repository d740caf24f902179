//! Pages that are still being looked up: a long file on a slow disk, or far away, opens with those that were found
//! within a moment, and a thread of its own follows the chain of the others to its end. Whoever reads a page that
//! was not found yet waits for it. A chain has no short cuts: where the thousandth page is stands in the one before
//! it, so pages come in their order, whichever is wanted first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::ifd::{Ask, TiffFile};
use super::index::{End, Index, Page, further};
use super::kept;
use super::layout::Layout;
use crate::format::{Cancel, FetchError, FormatError, OpenOptions, ReadErrorKind, store};

/// How often whoever waits for a page looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The index of a file as far as it has come. When the last one who holds it lets go of it, the thread ends.
pub struct Indexing {
    shared: Arc<Shared>,
}

struct Shared {
    file: TiffFile,
    /// State of the file when it was opened, where its store can tell.
    version: Option<Arc<str>>,
    /// Where the index is kept once it is whole.
    options: OpenOptions,
    /// Ends the thread.
    cancel: Cancel,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Shared with those who asked for it as it was; the thread goes on with its own.
    index: Arc<Index>,
    is_under_way: bool,
    /// What kept it from going on.
    failure: Option<String>,
    /// The first page whose pictures are of another kind than those of the first one.
    other_kind: Option<usize>,
    /// Pages that somebody has waited for in vain.
    given_up: Vec<usize>,
}

/// How far an index has come.
pub struct Progress {
    /// Pages that were found.
    pub num_pages: usize,
    /// How their chain ended, if it has.
    pub end: End,
    /// Whether its end is still looked for.
    pub is_under_way: bool,
    /// What kept it from being found.
    pub failure: Option<String>,
}

impl Indexing {
    /// Goes on with an index in a thread of its own; the index again where there is none to be had.
    pub fn start(
        file: &TiffFile,
        index: Index,
        version: Option<Arc<str>>,
        options: &OpenOptions,
    ) -> Result<Arc<Self>, Index> {
        let cancel = Cancel::new();
        let options = OpenOptions { cancel: cancel.clone(), ..options.clone() };
        let index = Arc::new(index);
        let state = State {
            index: Arc::clone(&index),
            is_under_way: false,
            failure: None,
            other_kind: None,
            given_up: Vec::new(),
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { file: file.clone(), version, options, cancel, state, changed });
        let indexing = Self { shared };
        if indexing.go_on() { Ok(Arc::new(indexing)) } else { Err(Arc::unwrap_or_clone(index)) }
    }

    /// Starts the thread, unless it runs or the end was found; false where the system has no thread to give.
    fn go_on(&self) -> bool {
        let mut state = self.shared.state.lock();
        if state.is_under_way || state.index.end != End::Open {
            return true;
        }
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new().name("tectum-pages".into()).spawn(move || shared.run());
        state.is_under_way = spawned.is_ok();
        state.failure = spawned.err().map(|error| format!("no thread to look them up: {error}"));
        state.is_under_way
    }

    /// Tries again where a fault has ended it before the end.
    pub fn try_again(&self) {
        self.go_on();
    }

    /// How far it has come, in numbers. Immediate, and costs whoever looks further nothing.
    pub fn progress(&self) -> Progress {
        let State { index, is_under_way, failure, .. } = &*self.shared.state.lock();
        let (num_pages, end) = (index.pages.len(), index.end.clone());
        Progress { num_pages, end, is_under_way: *is_under_way, failure: failure.clone() }
    }

    /// What it has found. Immediate; the thread goes on with a copy of its own.
    pub fn seen(&self) -> Arc<Index> {
        Arc::clone(&self.shared.state.lock().index)
    }

    /// A page and how it is stored, where it was found by now.
    pub fn page(&self, number: usize) -> Option<(Page, Result<Layout, String>)> {
        let state = self.shared.state.lock();
        let page = state.index.pages.get(number)?;
        Some((*page, state.index.layouts[page.layout as usize].clone()))
    }

    /// Pages that were waited for in vain and are there by now; asked once.
    pub fn come_late(&self) -> Vec<usize> {
        let mut state = self.shared.state.lock();
        let is_all = !state.is_under_way && state.failure.is_none();
        let num = if is_all { usize::MAX } else { state.index.pages.len() };
        let (come, waiting) = std::mem::take(&mut state.given_up).into_iter().partition(|number| *number < num);
        state.given_up = waiting;
        come
    }

    /// Waits until a page was found, or is known not to be there. `is_in_order` where the number of a page means
    /// its place among those of its kind, which others before it would move.
    ///
    /// # Errors
    /// When it was not found in time, or nobody wants it any more: that passes. When the file cannot be read.
    pub fn wait(&self, number: usize, is_in_order: bool, ask: Ask<'_>) -> Result<(), FetchError> {
        let file = &self.shared.file;
        let mut state = self.shared.state.lock();
        loop {
            let is_moved = is_in_order && state.is_under_way && state.other_kind.is_some_and(|other| other <= number);
            if !state.is_under_way || state.index.pages.len() > number && !is_moved {
                break;
            }
            let now = Instant::now();
            if ask.cancel.is_cancelled() || now >= ask.until {
                if !ask.cancel.is_cancelled() {
                    state.give_up(number);
                }
                let text = format!("its page is still being looked up: {} were found so far", state.index.pages.len());
                return Err(FetchError::Passing { error: file.error(ReadErrorKind::Io, text), after: None });
            }
            self.shared.changed.wait_until(&mut state, ask.until.min(now + LOOK_EVERY));
        }
        let failure = state.failure.as_ref().filter(|_| state.index.pages.len() <= number);
        let Some(text) = failure.map(|why| format!("its page could not be looked up: {why}")) else { return Ok(()) };
        state.give_up(number);
        Err(FetchError::Lasting(file.error(ReadErrorKind::Io, text)))
    }
}

impl State {
    fn give_up(&mut self, number: usize) {
        if !self.given_up.contains(&number) {
            self.given_up.push(number);
        }
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        self.shared.cancel.cancel();
    }
}

impl Shared {
    fn run(&self) {
        let result = self.follow();
        if result.is_ok() {
            self.keep();
        }
        let mut state = self.state.lock();
        state.is_under_way = false;
        state.failure = result.err().map(|error| error.message);
        drop(state);
        self.changed.notify_all();
    }

    /// Follows the chain to its end: no lock is held while the file is read.
    fn follow(&self) -> Result<(), FormatError> {
        let first = {
            let index = &self.state.lock().index;
            index.pages.first().and_then(|page| index.layout(page).ok().cloned())
        };
        let is_like_first = |layout: &Result<Layout, String>| match (layout, &first) {
            (Ok(layout), Some(first)) => layout.is_like(first) && layout.is_reduced == first.is_reduced,
            _ => false,
        };
        let mut seen = self.state.lock().index.seen();
        loop {
            let places = self.state.lock().index.expected(&self.file);
            let found = further(&self.file, &places, &self.cancel)?;
            let mut state = self.state.lock();
            let index = Arc::make_mut(&mut state.index);
            let (num_pages, num_layouts) = (index.pages.len(), index.layouts.len());
            index.take_in(found, &mut seen);
            let is_done = index.end != End::Open;
            if index.layouts[num_layouts..].iter().any(|layout| !is_like_first(layout)) {
                // Somewhere among those that have just come: the first of them is soon enough.
                state.other_kind.get_or_insert(num_pages);
            }
            drop(state);
            self.changed.notify_all();
            if is_done {
                return Ok(());
            }
        }
    }

    /// Keeps the index for the next opening, if the file is still what was indexed.
    fn keep(&self) {
        let (file, cancel) = (&self.file, &self.cancel);
        let head =
            store::tried(&*file.store, &file.name, cancel, &mut |until| file.store.head(&file.name, until, cancel));
        let version = head.ok().flatten().and_then(|info| info.version);
        if version.is_some() && version == self.version {
            let index = Arc::clone(&self.state.lock().index);
            kept::keep(file, version.as_deref(), &index, &self.options);
        }
    }
}
