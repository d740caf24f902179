//! A session's side of the live mode: what the watcher saw becomes a longer array, a new one, or a mark.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::contrast::Contrast;
use super::session::{Layer, Session};
use crate::array::Image;
use crate::format::Source;
use crate::live::{LiveEvent, LiveState, LiveStatus};
use crate::ui::Command;
use crate::volume::Region;

/// While somebody records, reading ahead decodes at most this much, bytes per second.
const BACKGROUND_BYTES_PER_S: u64 = 200 << 20;

impl Session {
    /// Takes in what the watcher has seen since the last frame.
    pub(super) fn follow_recording(&mut self, now: Instant, now_s: f64) {
        if self.followers.is_empty() {
            return;
        }
        let drained = self.followers.iter().map(|follower| (follower.source, follower.watcher.drain()));
        let drained: Vec<_> = drained.collect();
        self.live = self.status_of_all();
        let is_live = self.is_live();
        if is_live != self.is_background_limited {
            self.is_background_limited = is_live;
            self.stream.set_background_limit(is_live.then_some(BACKGROUND_BYTES_PER_S));
        }
        for (number, event) in
            drained.into_iter().flat_map(|(number, events)| events.into_iter().map(move |e| (number, e)))
        {
            match event {
                LiveEvent::Opened(source) => self.grow(number, source, &[], now),
                LiveEvent::Changed { source, stale } => self.grow(number, source, &stale, now),
                LiveEvent::Replaced(source) => self.start_again(number, source, now),
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
        } else {
            self.followers.iter().for_each(|follower| follower.watcher.mark_unfollowed());
        }
    }

    /// What of the recording is still being looked up, in words.
    pub(super) fn searching(&self) -> Option<String> {
        self.followers.iter().find_map(|follower| follower.watcher.searching())
    }

    /// How the recording stands: as that of its channels which is least done.
    fn status_of_all(&self) -> Option<LiveStatus> {
        let watchers = self.followers.iter().map(|follower| &follower.watcher);
        let is_seen = watchers.clone().any(|watcher| watcher.was_live());
        let all: Vec<LiveStatus> = watchers.filter(|_| is_seen).map(|watcher| watcher.status()).collect();
        let newest_t = all.iter().filter_map(|status| status.newest_t).min();
        let newest_age = all.iter().map(|status| status.newest_age).min();
        let least_done = all.into_iter().max_by_key(|status| how_undone(&status.state))?;
        Some(LiveStatus { newest_t, newest_age: newest_age.unwrap_or(least_done.newest_age), ..least_done })
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
        if self.is_settled() && self.view.cursor.t == newest {
            self.followers.iter().for_each(|follower| follower.watcher.mark_shown(newest));
        }
    }

    /// The same recording, longer or changed in places: the view stays where it is. `number` is that of the source.
    pub(super) fn grow(&mut self, number: usize, source: Arc<dyn Source>, stale: &[Range<u64>], now: Instant) {
        for layer in self.layers.iter_mut().filter(|layer| layer.source == number) {
            layer.recorded = layer.recorded.grown(Arc::clone(&source));
            // Where it stands is asked of the longer one: the shorter one knows nothing of its last block.
            let t = |region: Region| [region.start()[0], region.stop()[0]];
            let array = Arc::clone(layer.array());
            layer.stale.extend(stale.iter().map(|indices| t(array.region_of(indices))));
            self.stream.replace_layer(layer.recorded.id(), layer.recorded.clone(), stale);
        }
        self.compute_grown(number, !stale.is_empty());
        if !stale.is_empty() {
            self.clear_panes();
        }
        self.bring_back(now);
    }

    /// Another recording in the same place: nothing of the former one may be seen under its name, nor of that of
    /// its other channels whose files have not been replaced yet.
    pub(super) fn start_again(&mut self, number: usize, source: Arc<dyn Source>, now: Instant) {
        let is_its = |layer: &Layer| layer.source == number;
        for index in 0..self.layers.len() {
            let layer = &mut self.layers[index];
            if !is_its(layer) {
                continue;
            }
            let is_first = index == 0;
            let alone = || Image::from(Arc::new(layer.array().replaced_by(Arc::clone(&source))));
            // A channel that the new one does not have is taken away below, while its former name is known.
            let recorded = layer.recorded.replaced_by(Arc::clone(&source)).or_else(|| is_first.then(alone));
            let Some(recorded) = recorded else { continue };
            self.stream.replace_layer(layer.recorded.id(), recorded.clone(), &[]);
            layer.recorded = recorded;
            layer.num_restarts += 1;
            layer.contrast = Contrast::default();
            layer.stale.clear();
            self.view.layers[index].contrast.guessed = Default::default();
            self.compute_layer(index);
        }
        self.remove_layers(|layer| is_its(layer) && !Arc::ptr_eq(layer.array().source(), &source));
        self.clear_panes();
        self.history.clear();
        self.bring_back(now);
    }

    /// Brings the view into what the recording has now.
    fn bring_back(&mut self, now: Instant) {
        let info = *self.info();
        self.view.clamp_to(&info);
        self.ask(now);
    }
}

/// The higher the longer somebody has to wait for it.
fn how_undone(state: &LiveState) -> u8 {
    match state {
        LiveState::Finished => 0,
        LiveState::StoppedEarly { .. } => 1,
        LiveState::Quiet => 2,
        LiveState::Live => 3,
        LiveState::Waiting { .. } => 4,
        LiveState::Restarted => 5,
        LiveState::Gone => 6,
    }
}
