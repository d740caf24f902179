//! A session's side of the live mode: what the watcher saw becomes a longer array, a new one, or a mark.

use std::sync::Arc;
use std::time::Instant;

use super::contrast::Contrast;
use super::session::Session;
use crate::format::Source;
use crate::live::{LiveEvent, LiveState, LiveStatus};
use crate::ui::Command;
use crate::volume::Region;

/// While somebody records, reading ahead decodes at most this much, bytes per second.
const BACKGROUND_BYTES_PER_S: u64 = 200 << 20;

impl Session {
    /// Takes in what the watcher has seen since the last frame.
    pub(super) fn follow_recording(&mut self, now: Instant, now_s: f64) {
        let Some(watcher) = &self.watcher else { return };
        let events = watcher.drain();
        let was_live = watcher.was_live();
        self.live = was_live.then(|| watcher.status());
        let is_live = self.is_live();
        if is_live != self.is_background_limited {
            self.is_background_limited = is_live;
            self.stream.set_background_limit(is_live.then_some(BACKGROUND_BYTES_PER_S));
        }
        for event in events {
            match event {
                LiveEvent::Opened(source) => self.grow(source, &[], now),
                LiveEvent::Changed { source, stale } => self.grow(source, &stale, now),
                LiveEvent::Replaced(source) => self.start_again(source, now),
                // What was read is still true, and what was not is reported as it is asked for.
                LiveEvent::Gone => self.stream.retry_failures(),
                LiveEvent::Status => {}
            }
            self.take_facts(now);
        }
        if self.view.follow {
            let newest = self.newest_t();
            self.apply(&Command::FollowTo(newest), now, now_s);
            // What is done has nothing more to follow; its newest timepoint stays on screen.
            let state = self.live.as_ref().map(|live| &live.state);
            if matches!(state, Some(LiveState::Finished | LiveState::StoppedEarly { .. })) {
                self.apply(&Command::ToggleFollow, now, now_s);
            }
        } else if let Some(watcher) = &self.watcher {
            watcher.mark_unfollowed();
        }
    }

    /// The newest timepoint that can be shown: a recording that was cut off may go on beyond it.
    pub(super) fn newest_t(&self) -> usize {
        let last = self.info().shape[0].saturating_sub(1);
        self.live.as_ref().and_then(|live| live.newest_t).map_or(last, |newest| newest.min(last))
    }

    /// Whether blocks are expected to come.
    pub(super) fn is_live(&self) -> bool {
        let state = self.live.as_ref().map(|live: &LiveStatus| &live.state);
        matches!(state, Some(LiveState::Live | LiveState::Quiet | LiveState::Restarted | LiveState::Waiting { .. }))
    }

    /// Tells the watcher that the newest timepoint is on screen, which ends its measuring of the lag.
    pub(super) fn note_newest_shown(&self) {
        let newest = self.newest_t();
        if self.is_settled()
            && self.view.cursor.t == newest
            && let Some(watcher) = &self.watcher
        {
            watcher.mark_shown(newest);
        }
    }

    /// The same recording, longer or changed in places: the view stays where it is.
    pub(super) fn grow(&mut self, source: Arc<dyn Source>, stale: &[std::ops::Range<u64>], now: Instant) {
        self.array = Arc::new(self.array.grown(source));
        // Where it stands is asked of the longer one: the shorter one knows nothing of its last block.
        let t = |region: Region| [region.start()[0], region.stop()[0]];
        self.stale.extend(stale.iter().map(|indices| t(self.array.region_of(indices))));
        self.stream.replace_array(Arc::clone(&self.array), stale);
        if !stale.is_empty() {
            self.clear_panes();
        }
        self.view.clamp_to(self.array.info());
        self.ask(now);
    }

    /// Another recording in the same place: nothing of the former one may be seen under its name.
    pub(super) fn start_again(&mut self, source: Arc<dyn Source>, now: Instant) {
        self.array = Arc::new(self.array.replaced_by(source));
        self.stream.replace_array(Arc::clone(&self.array), &[]);
        self.clear_panes();
        self.contrasts[0] = Contrast::default();
        self.view.layers[0].contrast.guessed = Default::default();
        self.history.clear();
        self.view.clamp_to(self.array.info());
        self.ask(now);
    }
}
