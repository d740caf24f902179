//! When to remember: once the view has been still for a moment, when another recording is opened, and at
//! the end.

use std::time::{Duration, Instant};

use super::memory::{Preferences, WindowPlace};
use super::program::Program;
use super::session::Session;
use crate::ui::KeptView;

/// A view that has been still for this long is worth keeping: a scrub writes nothing.
const STILL: Duration = Duration::from_secs(1);
/// At the end the window waits this long for a slow home folder.
const PATIENCE: Duration = Duration::from_secs(2);

/// What has been kept, and what has changed since.
pub struct Keeping {
    preferences: Preferences,
    view: Option<KeptView>,
    /// The preferences and the view as they were last seen, and since when.
    seen: Option<(Preferences, Option<KeptView>, Instant)>,
}

impl Keeping {
    /// What is kept already.
    pub fn new(preferences: &Preferences) -> Self {
        Self { preferences: preferences.clone(), view: None, seen: None }
    }

    /// A recording was opened: the view it opened with is no change.
    pub fn opened(&mut self, session: Option<&Session>) {
        self.view = session.map(|session| session.view.to_keep());
        self.seen = None;
    }

    /// Everything was forgotten: what is on screen now is not written again before it changes.
    pub fn forget(&mut self, preferences: &Preferences, session: Option<&Session>) {
        self.preferences = Preferences { view: preferences.view.only_preferences(), ..preferences.clone() };
        self.opened(session);
    }
}

impl Program {
    /// Where the window lay when that was last known.
    pub fn window_place(&self) -> Option<&WindowPlace> {
        self.preferences.window.as_ref()
    }

    /// The window lies here now.
    pub fn set_window_place(&mut self, place: WindowPlace) {
        self.preferences.window = Some(place);
    }

    /// Keeps what has been still for a while. Returns when to look again.
    pub(super) fn keep(&mut self, now: Instant) -> Option<Duration> {
        let preferences = Preferences { view: self.preferences.view.only_preferences(), ..self.preferences.clone() };
        let is_moving = |session: &Session| session.view.play.is_running || session.view.follow;
        let view = self.session.as_ref().filter(|session| !is_moving(session)).map(|session| session.view.to_keep());
        let is_kept = preferences == self.keeping.preferences && (view.is_none() || view == self.keeping.view);
        if is_kept {
            self.keeping.seen = None;
            return None;
        }
        match &self.keeping.seen {
            Some((seen_preferences, seen_view, since)) if *seen_preferences == preferences && *seen_view == view => {
                let left = STILL.saturating_sub(now.saturating_duration_since(*since));
                if left.is_zero() {
                    self.keep_all_of(preferences);
                    return None;
                }
                Some(left)
            }
            _ => {
                self.keeping.seen = Some((preferences, view, now));
                Some(STILL)
            }
        }
    }

    fn keep_all_of(&mut self, preferences: Preferences) {
        if preferences != self.keeping.preferences {
            self.memory.keep_preferences(&preferences);
            self.keeping.preferences = preferences;
        }
        self.keep_view();
        self.keeping.seen = None;
    }

    /// Keeps how the open recording is looked at, if that has changed.
    pub(super) fn keep_view(&mut self) {
        let Some(session) = &self.session else { return };
        let view = session.view.to_keep();
        if self.keeping.view.as_ref() == Some(&view) {
            return;
        }
        if let Some(identity) = session.identity() {
            self.memory.keep_view(identity, &view);
        }
        self.keeping.view = Some(view);
    }

    /// Keeps everything and waits until it is written, for a moment.
    pub fn keep_everything(&mut self) {
        let preferences = Preferences { view: self.preferences.view.only_preferences(), ..self.preferences.clone() };
        self.keep_all_of(preferences);
        self.memory.flush(PATIENCE);
    }
}
