//! Chunks that lie afar: threads that only wait fetch many of them at once, and what has come is decoded by
//! the loader threads like anything else. A fetch that nobody wants any more is cancelled.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::StreamConfig;
use super::assembly::Product;
use super::cache::Tier;
use super::loader::{Shared, guarded};
use super::log::Moment;
use super::plan::Plan;
use super::queue::Queue;
use super::state::{Read, State, Target, Task};
use crate::array::ChunkKey;
use crate::format::{Cancel, Fetched, Patience, ReadErrorKind, fetch};
use crate::volume::LayerId;

/// What is to be fetched, in order, and what is being fetched.
pub(super) struct Fetches {
    visible: Queue,
    prefetch: Queue,
    /// Reads that have been started and wait for a free thread; no memory is set aside for them yet.
    waiting: VecDeque<Box<Read>>,
    /// In the order in which they began.
    under_way: Vec<UnderWay>,
    num_begun: u64,
    max: usize,
    pub(super) patience: Patience,
}

struct UnderWay {
    /// Which fetch it is, of all that ever began.
    number: u64,
    key: ChunkKey,
    since: Moment,
    cancel: Cancel,
    /// Whether it was on screen when it began.
    was_visible: bool,
}

/// A fetch for a thread to do without the lock.
pub(super) struct Fetch {
    pub(super) read: Box<Read>,
    number: u64,
    cancel: Cancel,
}

impl Fetches {
    pub(super) fn new(config: &StreamConfig) -> Self {
        Self {
            visible: Queue::default(),
            prefetch: Queue::default(),
            waiting: VecDeque::new(),
            under_way: Vec::new(),
            num_begun: 0,
            max: config.max_fetches.max(1),
            patience: config.patience,
        }
    }

    /// Takes what has to be fetched, of these layers, out of a plan, in place of what was planned before.
    pub(super) fn replan(&mut self, plan: &mut Plan, remote: &[LayerId]) {
        self.clear_queue();
        if remote.is_empty() {
            return;
        }
        plan.visible.move_layers(remote, &mut self.visible);
        plan.prefetch.move_layers(remote, &mut self.prefetch);
    }

    /// Empties the queue; what has been started goes on.
    pub(super) fn clear_queue(&mut self) {
        self.visible.clear();
        self.prefetch.clear();
    }

    /// A read that was started.
    pub(super) fn push(&mut self, read: Box<Read>) {
        self.waiting.push_back(read);
    }

    /// Chunks waiting for their turn: on screen, and all.
    pub(super) fn num_queued(&self) -> [usize; 2] {
        [self.visible.len(), self.visible.len() + self.prefetch.len() + self.waiting.len()]
    }

    /// Whether reads wait for a free thread.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether so many reads wait for a free thread that what is not for the screen may wait for them.
    pub(super) fn is_crowded(&self) -> bool {
        self.waiting.len() >= self.max
    }
}

impl State {
    /// The next chunk to fetch, memory set aside for it. `None` where nothing is to be fetched, or may be at
    /// the moment. What needs no fetching after all is left in `ready`.
    pub(super) fn next_fetch(&mut self, now: Instant) -> Option<Fetch> {
        loop {
            let is_visible = |read: &Read| self.tier_of(read) == Some(Tier::Visible);
            if let Some(at) = self.fetches.waiting.iter().position(|read| is_visible(read)) {
                return self.begin_fetch(at, self.fetches.max, self.max_in_flight_bytes);
            }
            let Some(next) = self.fetches.visible.pop() else { break };
            let task = self.start(next, Tier::Visible);
            self.ready.extend(task);
        }
        if self.bandwidth.wait(now).is_some() {
            return None;
        }
        loop {
            // Half of what may be under way is left for what is on screen.
            let found = self.begin_fetch(0, self.fetches.max.div_ceil(2), self.max_in_flight_bytes / 2);
            if found.is_some() || self.fetches.has_waiting() {
                return found;
            }
            let next = self.fetches.prefetch.pop()?;
            let task = self.start(next, Tier::Prefetch);
            self.ready.extend(task);
        }
    }

    /// How urgent a read is now, for the cache or for what is made of it; `None` where its result is not
    /// wanted any more.
    pub(super) fn tier_of(&self, read: &Read) -> Option<Tier> {
        let current = self.in_flight.get(&read.chunk.key).filter(|current| current.since == read.since)?;
        let is_visible = |target: &Target| match target {
            Target::Assembly(assembly, _) => self.visible_products.contains(&assembly.product),
            Target::Sample => false,
        };
        Some(if current.targets.iter().any(is_visible) { Tier::Visible } else { current.tier })
    }

    fn begin_fetch(&mut self, at: usize, max_fetches: usize, max_bytes: usize) -> Option<Fetch> {
        loop {
            let read = self.fetches.waiting.get(at)?;
            let tier = self.tier_of(read);
            if tier.is_none() {
                // The data changed meanwhile.
                self.fetches.waiting.remove(at);
                continue;
            }
            if self.fetches.under_way.len() >= max_fetches || self.is_full(read.num_bytes, max_bytes) {
                return None;
            }
            let read = self.fetches.waiting.remove(at)?;
            self.num_in_flight += 1;
            self.in_flight_bytes += read.num_bytes;
            let (cancel, was_visible) = (Cancel::new(), tier == Some(Tier::Visible));
            self.fetches.num_begun += 1;
            let (number, key, since) = (self.fetches.num_begun, read.chunk.key, read.since);
            self.fetches.under_way.push(UnderWay { number, key, since, cancel: cancel.clone(), was_visible });
            return Some(Fetch { read, number, cancel });
        }
    }

    /// Gives up what was to be fetched and nobody wants any more: call after every change of what is wanted.
    pub(super) fn cancel_unwanted_fetches(&mut self) {
        if self.fetches.under_way.is_empty() && self.fetches.waiting.is_empty() {
            return;
        }
        // The longest on their way of those that were on screen land all the same: a scrub without end, over
        // a slow line, would otherwise show nothing at all.
        let mut num_spared = self.fetches.max / 4;
        let mut given_up = Vec::new();
        for fetch in &self.fetches.under_way {
            let is_current = self.in_flight.get(&fetch.key).is_some_and(|read| read.since == fetch.since);
            if is_current && self.is_wanted(&fetch.key) {
                continue;
            }
            if is_current && fetch.was_visible && num_spared > 0 {
                num_spared -= 1;
                continue;
            }
            fetch.cancel.cancel();
            if is_current {
                given_up.push(fetch.key);
            }
        }
        for read in std::mem::take(&mut self.fetches.waiting) {
            let key = read.chunk.key;
            match (self.tier_of(&read).is_some(), self.is_wanted(&key)) {
                (true, true) => self.fetches.waiting.push_back(read),
                (true, false) => given_up.push(key),
                (false, _) => {}
            }
        }
        given_up.iter().for_each(|key| self.give_up(key));
    }

    /// Whether the plan, or anything being made, wants a chunk that is being read.
    fn is_wanted(&self, key: &ChunkKey) -> bool {
        let Some(read) = self.in_flight.get(key) else { return false };
        read.tier != Tier::Recent
            || read.targets.iter().any(|target| match target {
                Target::Assembly(assembly, _) => {
                    let is_for_later = matches!(assembly.product, Product::Preview(_));
                    self.is_true(assembly.product.layer(), assembly.since(), assembly.product.t())
                        && (is_for_later || self.plan.assemblies.iter().any(|planned| Arc::ptr_eq(planned, assembly)))
                }
                Target::Sample => true,
            })
    }

    /// Forgets a read that has been started: what it was for asks for it again when it is wanted again.
    fn give_up(&mut self, key: &ChunkKey) {
        let Some(read) = self.in_flight.remove(key) else { return };
        for target in read.targets {
            match target {
                Target::Assembly(assembly, ordinal) => assembly.give_back(ordinal),
                // Samples are always wanted.
                Target::Sample => {}
            }
        }
    }

    /// Cancels everything that is being fetched.
    pub(super) fn cancel_all_fetches(&mut self) {
        self.fetches.clear_queue();
        self.fetches.waiting.clear();
        self.fetches.under_way.iter().for_each(|fetch| fetch.cancel.cancel());
    }
}

impl Shared {
    /// The life of a thread that fetches.
    pub(super) fn run_fetches(&self) {
        loop {
            let fetch = {
                let mut state = self.state.lock();
                loop {
                    if state.is_closed {
                        // Each thread that waits is told by the one before.
                        self.fetching.notify_one();
                        return;
                    }
                    let now = Instant::now();
                    let fetch = state.next_fetch(now);
                    if !state.ready.is_empty() {
                        self.work.notify_all();
                    }
                    if let Some(fetch) = fetch {
                        break fetch;
                    }
                    match state.bandwidth.wait(now) {
                        Some(pause) => {
                            self.fetching.wait_for(&mut state, pause);
                        }
                        None => self.fetching.wait(&mut state),
                    }
                }
            };
            // Where there was one there may be more.
            self.fetching.notify_one();
            self.fetch(fetch);
        }
    }

    /// Fetches a chunk and leaves it to be decoded. A client that panics costs a chunk, not a thread.
    pub(super) fn fetch(&self, Fetch { read, number, cancel }: Fetch) {
        let patience = self.state.lock().fetches.patience;
        let begin = Instant::now();
        let source = read.array.source();
        let fetched = guarded(|| match source.fetching() {
            Some(remote) => fetch(remote, &read.chunk.chunk, &patience, &cancel),
            None => Some(Ok(Fetched::default())),
        });
        let fetched = fetched.unwrap_or_else(|| {
            let message = "cannot be fetched: internal error".to_owned();
            Some(Err(read.array.error(ReadErrorKind::Corrupt, message)))
        });
        let mut state = self.state.lock();
        state.fetches.under_way.retain(|fetch| fetch.number != number);
        match fetched {
            // Given up at the last moment: not worth decoding.
            Some(fetched) if state.tier_of(&read).is_some() => {
                // As many as are under way at once share the time.
                let took = begin.elapsed().mul_f64(state.num_workers as f64 / state.fetches.max as f64);
                state.ready.push_back(Task::Decode { read, fetched, took });
            }
            _ => {
                state.num_in_flight -= 1;
                state.in_flight_bytes -= read.num_bytes;
            }
        }
        drop(state);
        self.notify();
    }

    /// Tells the threads that there may be work.
    pub(super) fn notify(&self) {
        self.work.notify_all();
        self.fetching.notify_one();
    }
}
