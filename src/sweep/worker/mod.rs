//! The thread of a checker: a first look at timepoints spread over the recording, then all of them in order of t,
//! and what comes after them as it comes.

mod publish;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::array::LazyArray;
use crate::machine::{Priority, lower_this_thread};
use crate::qc::{Code, Codes, REFERENCE_VOLUMES, References, Subject, Table};
use crate::sweep::Lender;
use crate::sweep::check::AHEAD_BYTES;
use crate::sweep::checker::{News, Shared};
use crate::sweep::feed::{Feed, Reader};
use crate::sweep::kept::{Place, Results};
use crate::sweep::shard::{Shard, prepare};
use crate::sweep::subject::why_not_measured;
use crate::sweep::threads::{num_cores, threads};
use publish::Published;

/// The first look takes so long, and sees so many timepoints in its first pass and twice as many in each further.
const LOOK_FOR: Duration = Duration::from_millis(700);
const LOOK_AT: usize = 16;
/// So long what has landed may wait for what is being done.
const ORDERS_WAIT: Duration = Duration::from_secs(1);
/// Of a long recording what has been measured is kept this often, and when all of it is.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// While somebody records, this much is read per second: a little more than the fastest rig writes, so that
/// measuring keeps up with it, and catches up.
const LIVE_BYTES_PER_S: u64 = 256 << 20;
/// What was changed farther from the end was not filled in by the recorder.
const MAX_HELD_BACK: usize = 64;

pub(super) struct Worker {
    shared: Arc<Shared>,
    /// Where results are kept, if anywhere.
    folder: Option<PathBuf>,
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
    /// Newest timepoints that are not measured while somebody is recording: they were found to be filled in later,
    /// again and again, and what has been counted cannot be taken back.
    held_back: usize,
    /// Whether that was found once.
    was_filled_in: bool,
    table: Table,
    /// What was kept of a former run, until there are references to go on with.
    results: Option<Results>,
    /// Where the results of the recording as it is are kept; not while it is being written.
    place: Option<Place>,
    /// When orders were looked at last.
    ordered: Instant,
    /// When and up to where they were kept last.
    kept: (Instant, usize),
    /// How often it may yet be begun anew because something could not be read in passing.
    tries_left: u8,
    published: Published,
    failure: Option<String>,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        folder: Option<PathBuf>,
        array: Arc<LazyArray>,
        subject: Subject,
        wanted: Codes,
        lender: Arc<dyn Lender>,
    ) -> Self {
        Self {
            shared,
            folder,
            wanted,
            lender,
            array,
            table: Table::new(subject.shape[0], subject.num_z()),
            subject,
            is_live: false,
            is_paused: false,
            reader: None,
            has_looked: false,
            references: None,
            num_referred: 0,
            shard: None,
            next: 0,
            held_back: 0,
            was_filled_in: false,
            results: None,
            place: None,
            ordered: Instant::now(),
            kept: (Instant::now(), 0),
            tries_left: 3,
            published: Published::default(),
            failure: None,
        }
    }

    /// The life of the thread.
    pub(super) fn run(mut self) {
        lower_this_thread(Priority::Last);
        read_times(&mut self.subject, &self.array);
        self.published.note_landed(self.subject.shape[0], Instant::now());
        self.restore();
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
        loop {
            let mut orders = shared.orders.lock();
            shared.has_orders.store(false, Ordering::Release);
            if orders.is_closed {
                drop(orders);
                self.keep();
                return false;
            }
            let (is_live, is_paused) = (orders.is_live, orders.is_paused);
            let (news, stale) = (orders.news.take(), std::mem::take(&mut orders.stale));
            (orders.is_urgent, self.ordered) = (false, Instant::now());
            // Whoever gives orders waits for nothing that is done about them.
            drop(orders);
            let mut has_news = news.is_some() || self.is_paused != is_paused || !self.published.has_begun();
            if self.is_live != is_live {
                has_news = true;
                (self.is_live, self.reader) = (is_live, None);
                self.published.want_figures(is_live);
            }
            self.is_paused = is_paused;
            if let Some(news) = news {
                self.renew(news, &stale);
            }
            if !self.is_paused && self.has_work() {
                return true;
            }
            if has_news {
                self.publish();
            }
            self.keep();
            let mut orders = shared.orders.lock();
            if !self.has_orders() {
                shared.changed.wait(&mut orders);
            }
        }
    }

    fn has_orders(&self) -> bool {
        self.shared.has_orders.load(Ordering::Acquire)
    }

    /// Whether orders are to be looked at now. What has only landed can wait a little: a recorder that tells of
    /// every volume must not keep it from what it is doing.
    fn is_interrupted(&self) -> bool {
        self.has_orders() && (self.shared.orders.lock().is_urgent || self.ordered.elapsed() > ORDERS_WAIT)
    }

    fn is_closed(&self) -> bool {
        self.has_orders() && self.shared.orders.lock().is_closed
    }

    /// Timepoints there are to measure.
    fn num_t(&self) -> usize {
        let num_t = self.subject.shape[0].min(self.array.info().shape[0]);
        if self.is_live { num_t.saturating_sub(self.held_back) } else { num_t }
    }

    fn has_work(&self) -> bool {
        self.failure.is_none() && why_not_measured(&self.subject).is_none() && (!self.has_looked || self.has_more())
    }

    fn has_more(&self) -> bool {
        self.wants_references() || self.next < self.num_t()
    }

    /// References come of the first volumes, once these are there, or no more are to come.
    fn wants_references(&self) -> bool {
        let num_t = self.num_t();
        let is_enough = num_t >= REFERENCE_VOLUMES || !self.is_live && self.subject.expected_t() <= num_t;
        is_enough && self.num_referred < num_t.min(REFERENCE_VOLUMES)
    }

    /// The recording has grown or changed.
    fn renew(&mut self, News { array, mut subject, told }: News, stale: &[[usize; 2]]) {
        read_times(&mut subject, &array);
        let is_same = array.id() == self.array.id()
            && subject.shape[1..] == self.subject.shape[1..]
            && subject.dtype == self.subject.dtype
            && subject.shape[0] >= self.subject.shape[0];
        let old_t = self.subject.shape[0];
        (self.array, self.subject, self.reader, self.failure) = (array, subject, None, None);
        self.place = None;
        let num_t = self.subject.shape[0];
        if !is_same {
            self.start_over();
            self.has_looked = false;
            self.table = Table::new(num_t, self.subject.num_z());
            self.published.forget();
            self.published.note_landed(num_t, told);
            self.restore();
            return;
        }
        self.table.resize(num_t);
        for range in stale {
            self.table.forget(*range);
        }
        // What has been counted cannot be taken back.
        let used = self.next.max(self.num_referred);
        let is_stale = stale.iter().any(|range| range[0] < used.min(range[1]));
        if is_stale {
            let from_end = stale.iter().map(|range| old_t.saturating_sub(range[0])).max().unwrap_or(0);
            if from_end <= MAX_HELD_BACK.min(old_t.saturating_sub(1))
                && std::mem::replace(&mut self.was_filled_in, true)
            {
                self.held_back = self.held_back.max(from_end);
            }
        }
        if is_stale || self.tries_again() {
            self.start_over();
        }
        if num_t > old_t {
            self.published.note_landed(num_t, told);
        }
    }

    /// Whether something that could not be read may be there by now. A disk that fails for good is not asked for
    /// ever.
    fn tries_again(&mut self) -> bool {
        let is_passing = self.shard.as_ref().is_some_and(|shard| shard.first_passing.is_some());
        let is_wanted = is_passing && self.tries_left > 0;
        self.tries_left -= u8::from(is_wanted);
        is_wanted
    }

    /// Measures from the beginning; what is in the table stays there until it is measured again.
    fn start_over(&mut self) {
        (self.references, self.num_referred, self.shard, self.next) = (None, 0, None, 0);
        (self.results, self.kept) = (None, (Instant::now(), 0));
        self.published.want_figures(false);
    }

    /// Takes in what a former run has kept, if it is still true.
    fn restore(&mut self) {
        // Before anything is read: what changes meanwhile is not what was measured.
        self.place = self.find_place();
        let Some(mut results) = self.place.as_ref().and_then(|place| place.load(&self.array)) else { return };
        for (t, row) in std::mem::take(&mut results.rows).into_iter().enumerate() {
            row.into_iter().for_each(|row| self.table.set(t, row));
        }
        (self.results, self.has_looked) = (Some(results), true);
        self.publish();
    }

    /// What has been measured is kept for the next run, unless it is already.
    fn keep(&mut self) {
        if self.is_live || self.references.is_none() || self.kept.1 == self.next {
            return;
        }
        self.kept = (Instant::now(), self.next);
        if self.place.is_none() {
            self.place = self.find_place();
        }
        if let (Some(place), Some(shard)) = (&self.place, &self.shard) {
            place.save(self.next, &self.table, &shard.missing, shard.state());
        }
    }

    fn find_place(&self) -> Option<Place> {
        self.folder.as_ref().and_then(|folder| Place::of(folder, &self.array, self.wanted))
    }

    fn reader(&mut self) -> Option<Arc<Reader>> {
        if self.reader.is_none() {
            let num = if self.is_live { 1 } else { num_cores() };
            match threads(num, true) {
                Ok(threads) => {
                    let (array, lender) = (Arc::clone(&self.array), Arc::clone(&self.lender));
                    let cap = self.is_live.then_some(LIVE_BYTES_PER_S);
                    self.reader = Some(Arc::new(Reader::new(array, lender, threads, AHEAD_BYTES, cap)));
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
                if self.is_interrupted() {
                    // Orders that come again and again must not keep it from being measured.
                    self.has_looked = self.table.num_seen() > 0;
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
        let num = self.num_t().min(REFERENCE_VOLUMES);
        let made = prepare(reader, &self.subject, self.wanted, 0..num, || !self.is_closed());
        if let Some(references) = made {
            let results = self.results.take();
            self.start_over();
            if let Some(Results { next, missing, state, .. }) = results {
                let shard = Shard::new(&self.subject, Some(Arc::clone(&references)), self.wanted);
                self.shard = Some(shard.resumed(state, missing));
                (self.next, self.kept.1) = (next, next);
                self.published.note_measured(next);
            }
            (self.references, self.num_referred) = (Some(references), num);
            self.publish();
        }
    }

    /// Measures what there is from the next timepoint on, until there are orders.
    fn measure(&mut self, reader: &Arc<Reader>) {
        let new = || Shard::new(&self.subject, self.references.clone(), self.wanted);
        let has_before = self.shard.get_or_insert_with(new).has_before(self.next);
        let range = self.next..self.num_t();
        let mut feed = Feed::new(Arc::clone(reader), range, !has_before);
        while let (Some(piece), Some(shard)) = (feed.next(), &mut self.shard) {
            if let Some((t, row)) = shard.take(&piece, &reader.threads) {
                self.table.set(t, row);
                self.next = t + 1;
                self.published.note_measured(self.next);
                self.publish_when_due();
                if self.kept.0.elapsed() > KEEP_EVERY {
                    self.keep();
                }
                // Not in the midst of a timepoint, of which a part has been counted.
                if self.is_interrupted() {
                    break;
                }
            }
        }
        if self.next == self.num_t() {
            self.published.want_figures(self.is_live);
            self.publish();
        }
    }
}

/// The recording's own clock is read here, where a slow disk delays nobody.
fn read_times(subject: &mut Subject, array: &LazyArray) {
    if subject.times_s.is_none() {
        subject.times_s = array.source().times_s();
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
