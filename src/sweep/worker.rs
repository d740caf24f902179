//! The thread of a checker: a first look at timepoints spread over the recording, then all of them in order of t,
//! and what comes after them as it comes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::check::AHEAD_BYTES;
use super::checker::{News, Shared};
use super::feed::{Feed, Reader};
use super::shard::{Shard, prepare};
use super::threads::{num_cores, threads};
use super::{Lender, Progress, Snapshot};
use crate::array::LazyArray;
use crate::machine::{Bandwidth, Priority, lower_this_thread};
use crate::qc::{Code, Codes, Figures, Missing, REFERENCE_VOLUMES, References, Subject, Table};
use crate::volume::Pool;

/// A snapshot is published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(150);
/// Figures of the whole may take one part in so many of the time, and are made this seldom at least.
const FIGURES_SHARE: u32 = 20;
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// The first look takes so long, and sees so many timepoints in its first pass and twice as many in each further.
const LOOK_FOR: Duration = Duration::from_millis(700);
const LOOK_AT: usize = 16;
/// While somebody records, this much is read per second: a little more than the fastest rig writes, so that
/// measuring keeps up with it, and catches up.
const LIVE_BYTES_PER_S: u64 = 256 << 20;

pub(super) struct Worker {
    shared: Arc<Shared>,
    wanted: Codes,
    lender: Arc<dyn Lender>,
    array: Arc<LazyArray>,
    subject: Subject,
    is_live: bool,
    is_paused: bool,
    /// For the array as it is and as many cores as may be used; made when first needed.
    reader: Option<Arc<Reader>>,
    has_looked: bool,
    references: Option<Arc<References>>,
    /// Timepoints there were when the references were made, as far as they matter.
    num_referred: usize,
    shard: Option<Shard>,
    /// The next timepoint of the shard.
    next: usize,
    table: Table,
    figures: Figures,
    /// When the figures were made, and what they cost.
    figured: Option<(Instant, Duration)>,
    /// Lengths the recording has reached, and when; of what has not been measured yet.
    landed: VecDeque<(usize, Instant)>,
    lag: Option<Duration>,
    published: Option<Instant>,
    version: u64,
    failure: Option<String>,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        array: Arc<LazyArray>,
        subject: Subject,
        wanted: Codes,
        lender: Arc<dyn Lender>,
    ) -> Self {
        let num_t = subject.shape[0];
        Self {
            shared,
            wanted,
            lender,
            array,
            table: Table::new(num_t, subject.num_z()),
            subject,
            is_live: false,
            is_paused: false,
            reader: None,
            has_looked: false,
            references: None,
            num_referred: 0,
            shard: None,
            next: 0,
            figures: Figures::default(),
            figured: None,
            landed: VecDeque::from([(num_t, Instant::now())]),
            lag: None,
            published: None,
            version: 0,
            failure: None,
        }
    }

    /// The life of the thread.
    pub(super) fn run(mut self) {
        lower_this_thread(Priority::Last);
        while self.take_orders() {
            let Some(reader) = self.reader() else { continue };
            if !self.has_looked {
                self.look(&reader);
            } else if self.wants_references() {
                self.prepare(&reader);
            } else {
                self.measure(&reader);
            }
        }
    }

    /// Takes in what has been ordered; waits while there is nothing to do. False once the handle is gone.
    fn take_orders(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let mut orders = shared.orders.lock();
        loop {
            shared.has_orders.store(false, Ordering::Release);
            if orders.is_closed {
                return false;
            }
            if self.is_live != orders.is_live {
                (self.is_live, self.reader) = (orders.is_live, None);
            }
            let was_paused = std::mem::replace(&mut self.is_paused, orders.is_paused);
            let stale = std::mem::take(&mut orders.stale);
            let news = orders.news.take();
            let has_news = news.is_some() || was_paused != self.is_paused;
            if let Some(news) = news {
                self.renew(news, &stale);
            }
            if !self.is_paused && self.has_work() {
                return true;
            }
            if has_news || self.published.is_none() {
                drop(orders);
                self.publish();
                orders = shared.orders.lock();
                if shared.has_orders.load(Ordering::Acquire) {
                    continue;
                }
            }
            shared.changed.wait(&mut orders);
        }
    }

    fn has_orders(&self) -> bool {
        self.shared.has_orders.load(Ordering::Acquire)
    }

    fn has_work(&self) -> bool {
        self.failure.is_none() && !self.subject.shape.contains(&0) && (!self.has_looked || self.has_more())
    }

    fn has_more(&self) -> bool {
        self.wants_references() || self.next < self.subject.shape[0]
    }

    /// References come of the first volumes, once these are there, or no more are to come.
    fn wants_references(&self) -> bool {
        let num_t = self.subject.shape[0];
        let is_enough = num_t >= REFERENCE_VOLUMES || !self.is_live && self.subject.expected_t() <= num_t;
        is_enough && self.num_referred < num_t.min(REFERENCE_VOLUMES)
    }

    /// The recording has grown or changed.
    fn renew(&mut self, News { array, subject, told }: News, stale: &[[usize; 2]]) {
        let is_same = array.id() == self.array.id()
            && subject.shape[1..] == self.subject.shape[1..]
            && subject.dtype == self.subject.dtype
            && subject.shape[0] >= self.subject.shape[0];
        let old_t = self.subject.shape[0];
        (self.array, self.subject, self.reader, self.failure) = (array, subject, None, None);
        let num_t = self.subject.shape[0];
        if !is_same {
            self.start_over();
            self.has_looked = false;
            self.table = Table::new(num_t, self.subject.num_z());
            self.landed = VecDeque::from([(num_t, told)]);
            return;
        }
        self.table.resize(num_t);
        for range in stale {
            self.table.forget(*range);
        }
        // What has been counted cannot be taken back.
        if stale.iter().any(|range| range[0] < self.next.min(range[1])) {
            self.start_over();
        }
        if num_t > old_t {
            self.landed.push_back((num_t, told));
        }
    }

    /// Measures from the beginning; what is in the table stays there until it is measured again.
    fn start_over(&mut self) {
        (self.references, self.num_referred, self.shard, self.next) = (None, 0, None, 0);
        (self.figures, self.figured, self.lag) = (Figures::default(), None, None);
    }

    fn reader(&mut self) -> Option<Arc<Reader>> {
        if self.reader.is_none() {
            let num = if self.is_live { 1 } else { num_cores() };
            match threads(num, true) {
                Ok(threads) => {
                    self.reader = Some(Arc::new(Reader {
                        array: Arc::clone(&self.array),
                        lender: Arc::clone(&self.lender),
                        threads,
                        buffers: Pool::new(AHEAD_BYTES),
                        budget_bytes: AHEAD_BYTES,
                        bandwidth: Arc::new(Mutex::new(Bandwidth::new(self.is_live.then_some(LIVE_BYTES_PER_S)))),
                    }));
                }
                Err(error) => {
                    self.failure = Some(format!("nothing is measured: no threads to do it ({error})"));
                    self.publish();
                }
            }
        }
        self.reader.clone()
    }

    /// A first look: the intensity of timepoints spread over the recording, ever denser as long as there is time.
    fn look(&mut self, reader: &Arc<Reader>) {
        let (begin, num_t) = (Instant::now(), self.subject.shape[0]);
        let mut measure = Shard::new(&self.subject, None, Codes::NONE.with(Code::Intensity));
        for Pass { range, step } in passes(num_t) {
            let mut feed = Feed::strided(Arc::clone(reader), range, step);
            while let Some(piece) = feed.next() {
                if self.has_orders() {
                    return;
                }
                if let Some((t, row)) = measure.take(&piece, &reader.threads) {
                    self.table.set(t, row);
                    self.publish_when_due();
                }
                if begin.elapsed() > LOOK_FOR {
                    self.has_looked = true;
                    return;
                }
            }
        }
        self.has_looked = true;
    }

    fn prepare(&mut self, reader: &Arc<Reader>) {
        let num = self.subject.shape[0].min(REFERENCE_VOLUMES);
        let made = prepare(reader, &self.subject, self.wanted, 0..num, || !self.has_orders());
        if let Some(references) = made {
            self.start_over();
            (self.references, self.num_referred) = (Some(references), num);
        }
    }

    /// Measures what there is from the next timepoint on, until there are orders.
    fn measure(&mut self, reader: &Arc<Reader>) {
        let new = || Shard::new(&self.subject, self.references.clone(), self.wanted);
        let has_before = self.shard.get_or_insert_with(new).has_before(self.next);
        let range = self.next..self.subject.shape[0];
        let mut feed = Feed::new(Arc::clone(reader), range, !has_before);
        while !self.has_orders()
            && let (Some(piece), Some(shard)) = (feed.next(), &mut self.shard)
        {
            if let Some((t, row)) = shard.take(&piece, &reader.threads) {
                self.table.set(t, row);
                self.next = t + 1;
                self.note_measured();
                self.publish_when_due();
            }
        }
        if self.next == self.subject.shape[0] {
            self.figured = None;
            self.publish();
        }
    }

    fn note_measured(&mut self) {
        while let Some((_, told)) = self.landed.front().filter(|(num_t, _)| *num_t <= self.next) {
            self.lag = Some(told.elapsed());
            self.landed.pop_front();
        }
    }

    fn publish_when_due(&mut self) {
        if self.published.is_none_or(|then| then.elapsed() >= PUBLISH_EVERY) {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.make_figures_when_due();
        self.version += 1;
        self.published = Some(Instant::now());
        let missing = self.shard.as_ref().map_or_else(Vec::<Missing>::new, |shard| shard.missing.clone());
        self.shared.publish(Snapshot {
            version: self.version,
            subject: self.subject.clone(),
            table: self.table.clone(),
            figures: self.figures.clone(),
            missing,
            pictures: None,
            progress: self.progress(),
        });
    }

    fn progress(&self) -> Progress {
        let waiting = self.landed.front().map(|(_, told)| told.elapsed());
        let behind = self.lag.max(waiting).filter(|_| self.is_live);
        let nothing = self.subject.shape.contains(&0).then(|| "there is nothing to measure: no voxels".to_owned());
        Progress {
            done: self.table.num_complete(),
            of: self.subject.shape[0],
            is_paused: self.is_paused,
            behind_s: behind.map(|behind| behind.as_secs_f64()),
            failure: self.failure.clone().or(nothing),
        }
    }

    fn make_figures_when_due(&mut self) {
        let is_due = |(then, cost): (Instant, Duration)| then.elapsed() >= FIGURES_EVERY.max(cost * FIGURES_SHARE);
        let Some(shard) = self.shard.as_ref().filter(|_| self.figured.is_none_or(is_due)) else { return };
        let begin = Instant::now();
        self.figures = Figures::of(&self.subject, self.references.as_deref(), &self.table, shard.state());
        self.figured = Some((Instant::now(), begin.elapsed()));
    }
}

/// Every `step`th timepoint of a range.
struct Pass {
    range: Range<usize>,
    step: usize,
}

/// The passes of a first look, each between the timepoints of those before; none where a recording is so short
/// that measuring it at once is as good.
fn passes(num_t: usize) -> Vec<Pass> {
    let mut passes = Vec::new();
    let mut step = num_t.div_ceil(LOOK_AT).next_power_of_two();
    if step < 2 {
        return passes;
    }
    passes.push(Pass { range: 0..num_t, step });
    while step >= 4 {
        passes.push(Pass { range: step / 2..num_t, step });
        step /= 2;
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_look_is_spread_over_the_whole_recording_and_becomes_denser() {
        assert!(passes(0).is_empty() && passes(16).is_empty());
        for num_t in [17, 120, 1000, 36_001] {
            let first: Vec<usize> = passes(num_t)[0].range.clone().step_by(passes(num_t)[0].step).collect();
            assert!(first.len() <= LOOK_AT && first[0] == 0, "{num_t}: {first:?}");
            let mut all: Vec<usize> =
                passes(num_t).iter().flat_map(|pass| pass.range.clone().step_by(pass.step)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..num_t).step_by(2).collect::<Vec<_>>(), "each once");
        }
    }
}
