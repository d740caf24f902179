//! What a worker shows of what it knows: snapshots, now and then, and the figures in them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Worker;
use crate::qc::{Figures, Pictures};
use crate::sweep::subject::why_not_measured;
use crate::sweep::{Progress, Snapshot};

/// A snapshot is published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(150);
/// Figures of the whole may take one part in so many of the time, and are made this seldom at least.
const FIGURES_SHARE: u32 = 20;
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// What costs no more may be made after every block.
const QUICK: Duration = Duration::from_millis(5);

/// What has been published, and when.
#[derive(Default)]
pub(super) struct Published {
    last: Option<Instant>,
    version: u64,
    figures: Figures,
    pictures: Option<Arc<Pictures>>,
    /// When figures and pictures were made, and what they cost.
    figured: Option<(Instant, Duration)>,
    /// Lengths the recording has reached, and when; of what has not been measured yet.
    landed: VecDeque<(usize, Instant)>,
    lag: Option<Duration>,
}

impl Published {
    pub(super) fn has_begun(&self) -> bool {
        self.last.is_some()
    }

    /// The recording has become so long.
    pub(super) fn note_landed(&mut self, num_t: usize, told: Instant) {
        self.landed.push_back((num_t, told));
    }

    /// All before this timepoint has been measured.
    pub(super) fn note_measured(&mut self, next: usize) {
        while let Some((_, told)) = self.landed.front().filter(|(num_t, _)| *num_t <= next) {
            self.lag = Some(told.elapsed());
            self.landed.pop_front();
        }
    }

    /// What was said of the whole is said no more.
    pub(super) fn forget(&mut self) {
        (self.figures, self.pictures, self.figured, self.lag) = (Figures::default(), None, None, None);
        self.landed.clear();
    }

    /// Figures and pictures are made anew with the next snapshot; while somebody records, only if that is quick.
    pub(super) fn want_figures(&mut self, is_live: bool) {
        self.figured = self.figured.filter(|(_, cost)| is_live && *cost > QUICK);
    }

    fn behind(&self) -> Option<Duration> {
        self.lag.max(self.landed.front().map(|(_, told)| told.elapsed()))
    }
}

impl Worker {
    pub(super) fn publish_when_due(&mut self) {
        if self.published.last.is_none_or(|then| then.elapsed() >= PUBLISH_EVERY) {
            self.publish();
        }
    }

    pub(super) fn publish(&mut self) {
        self.make_figures_when_due();
        self.published.version += 1;
        self.published.last = Some(Instant::now());
        let kept = self.results.as_ref().map(|results| &results.missing);
        let missing = self.shard.as_ref().map(|shard| &shard.missing).or(kept);
        self.shared.publish(Snapshot {
            version: self.published.version,
            subject: self.subject.clone(),
            table: self.table.clone(),
            figures: self.published.figures.clone(),
            missing: missing.cloned().unwrap_or_default(),
            pictures: self.published.pictures.clone(),
            progress: self.progress(),
        });
    }

    fn progress(&self) -> Progress {
        let behind = self.published.behind().filter(|_| self.is_live);
        Progress {
            done: self.table.num_complete(),
            of: self.subject.shape[0],
            is_paused: self.is_paused,
            behind_s: behind.map(|behind| behind.as_secs_f64()),
            failure: self.failure.clone().or_else(|| why_not_measured(&self.subject)),
        }
    }

    fn make_figures_when_due(&mut self) {
        let is_due = |(then, cost): (Instant, Duration)| then.elapsed() >= FIGURES_EVERY.max(cost * FIGURES_SHARE);
        let Some(shard) = self.shard.as_ref().filter(|_| self.published.figured.is_none_or(is_due)) else { return };
        let begin = Instant::now();
        self.published.figures = Figures::of(&self.subject, self.references.as_deref(), &self.table, shard.state());
        let pictures = self.references.as_deref().and_then(|references| Pictures::of(references, shard.state()));
        self.published.pictures = pictures.map(Arc::new);
        self.published.figured = Some((Instant::now(), begin.elapsed()));
    }
}
