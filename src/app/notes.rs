//! What went wrong on the program's own side, for the window's list: the graphics device, threads that
//! did not start, a dialog that could not be shown, settings that could not be kept. Every part of the
//! program logs such things as warnings and errors; here they are also collected.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::wake::WakeFn;
use crate::ui::Note;

/// Notes kept, the latest.
const MAX_NOTES: usize = 100;
/// A message longer than this says no more.
const MAX_CHARS: usize = 600;

/// The notes of this run. Cheap to clone; all share one list.
#[derive(Clone, Default)]
pub struct Notes {
    shared: Arc<Mutex<List>>,
}

#[derive(Default)]
struct List {
    notes: VecDeque<Note>,
    /// Changes with every note.
    version: u64,
    wake: Option<WakeFn>,
}

impl Notes {
    /// The notes of the process, which its log is collected into.
    pub fn of_process() -> &'static Self {
        static NOTES: OnceLock<Notes> = OnceLock::new();
        NOTES.get_or_init(Self::default)
    }

    /// What to call when there is a new one.
    pub fn set_wake(&self, wake: WakeFn) {
        self.shared.lock().wake = Some(wake);
    }

    /// Adds a note; one that was said before is counted instead.
    pub fn add(&self, is_error: bool, text: &str) {
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_CHARS).collect();
        let now = SystemTime::now();
        let wake = {
            let mut list = self.shared.lock();
            list.version += 1;
            match list.notes.iter_mut().find(|note| note.text == text && note.is_error == is_error) {
                Some(note) => (note.num, note.last) = (note.num + 1, now),
                None => {
                    if list.notes.len() == MAX_NOTES {
                        list.notes.pop_front();
                    }
                    list.notes.push_back(Note { text, is_error, num: 1, last: now });
                }
            }
            list.wake.clone()
        };
        if let Some(wake) = wake {
            wake();
        }
    }

    /// All of them, the newest first, if there are others than at `version`.
    pub fn since(&self, version: &mut u64) -> Option<Vec<Note>> {
        let list = self.shared.lock();
        (std::mem::replace(version, list.version) != list.version).then(|| list.notes.iter().rev().cloned().collect())
    }

    /// Takes them off the list.
    pub fn clear(&self) {
        let mut list = self.shared.lock();
        list.notes.clear();
        list.version += 1;
    }
}

/// Collects warnings and errors of this program's log.
pub struct Collector(pub Notes);

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() <= Level::WARN && metadata.target().starts_with("tectum") {
            let mut message = Message::default();
            event.record(&mut message);
            self.0.add(*metadata.level() == Level::ERROR, &(message.text + &message.fields));
        }
    }
}

#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing into a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.fields, " ({name} {value:?})"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn what_is_logged_as_wrong_is_listed_once_and_within_bounds() {
        let notes = Notes::default();
        let subscriber = tracing_subscriber::registry().with(Collector(notes.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("all is well");
            for _ in 0..3 {
                tracing::warn!(device = 2, "the graphics device was lost");
            }
            tracing::error!("cannot start a thread");
        });
        let mut version = 0;
        let list = notes.since(&mut version).expect("there are new ones");
        let said: Vec<_> = list.iter().map(|note| (note.text.as_str(), note.is_error, note.num)).collect();
        assert_eq!(said, [("cannot start a thread", true, 1), ("the graphics device was lost (device 2)", false, 3)]);
        assert_eq!(notes.since(&mut version), None, "nothing new");
        for i in 0..1000 {
            notes.add(false, &format!("note {i} {}", "x".repeat(5000)));
        }
        let list = notes.since(&mut version).expect("there are new ones");
        assert!(list.len() == MAX_NOTES && list[0].text.starts_with("note 999 "));
        assert!(list.iter().all(|note| note.text.len() <= MAX_CHARS));
        notes.clear();
        assert_eq!(notes.since(&mut version), Some(vec![]));
    }
}
