//! What a thread does next: the most urgent piece of the plan, of the sample or of a preview, got from
//! wherever it is.

use std::sync::Arc;
use std::time::Instant;

use super::assembly::{Assembly, Product};
use super::cache::Tier;
use super::layer::Layer;
use super::log::Moment;
use super::queue::Next;
use super::state::{Class, InFlight, Keep, Read, State, Target, Task};
use crate::array::ArrayChunk;
use crate::format::ReadErrorKind;
use crate::volume::{LayerId, PictureKey};

impl State {
    /// The most urgent task of a class; `None` when there is none, memory in flight is used up, or
    /// background reading has used up its share of the disk.
    pub(super) fn next_task(&mut self, class: Class, now: Instant) -> Option<Task> {
        if class != Class::Background {
            if let Some(task) = self.next_fold(Class::Foreground) {
                return Some(task);
            }
            if let Some(task) = self.next_ready(Class::Foreground) {
                return Some(task);
            }
            while let Some(num_bytes) = self.plan.visible.next_bytes() {
                if self.is_full(num_bytes, self.max_in_flight_bytes) {
                    return None;
                }
                let next = self.plan.visible.pop()?;
                if let Some(task) = self.start(next, Tier::Visible) {
                    return Some(task);
                }
            }
        }
        if class == Class::Foreground {
            return None;
        }
        // What has come is not held up: its memory is wanted.
        if let Some(task) = self.next_ready(class) {
            return Some(task);
        }
        if self.bandwidth.wait(now).is_some() {
            return None;
        }
        if let Some(task) = self.next_fold(Class::Background) {
            return Some(task);
        }
        self.num_background += 1;
        // The samples get every fourth turn: scrubbing without end must not starve them.
        let turn = if self.num_background.is_multiple_of(4) { [true, false] } else { [false, true] };
        let task = turn.into_iter().find_map(|sample| match sample {
            true => self.next_sample().or_else(|| self.next_survey()),
            false => self.next_prefetch(),
        });
        task.or_else(|| self.next_preview())
    }

    /// What was begun elsewhere and is to be gone on with, of what is on screen or of anything.
    fn next_ready(&mut self, class: Class) -> Option<Task> {
        let is_visible = |task: &Task| match task {
            Task::Read(read) | Task::Decode { read, .. } => self.tier_of(read) == Some(Tier::Visible),
            Task::Feed(assembly, ..) => self.visible_products.contains(&assembly.product),
            _ => false,
        };
        let at = self.ready.iter().position(|task| class != Class::Foreground || is_visible(task))?;
        self.ready.remove(at)
    }

    /// What reading a picture of the kind on screen is estimated to take.
    pub(super) fn picture_ms(&self) -> Option<f64> {
        let estimates = self.layers.iter().filter_map(|layer| layer.previewing.picture_ms(self.num_workers));
        estimates.reduce(f64::max)
    }

    /// Whether pictures take too long to be read while the user scrubs.
    fn is_slow(&self) -> bool {
        self.slow_picture_ms <= 0.0 || self.picture_ms().is_some_and(|ms| ms > self.slow_picture_ms)
    }

    /// Work on previews, when nothing else is to be done.
    fn next_preview(&mut self) -> Option<Task> {
        if !self.plan.prefetch.is_empty() || self.is_sampling() || !self.is_slow() {
            return None;
        }
        (0..self.layers.len()).find_map(|at| self.next_preview_of(at))
    }

    fn next_preview_of(&mut self, at: usize) -> Option<Task> {
        loop {
            let (assembly, ordinal) = match self.layers[at].preview_assembly.take() {
                Some(assembly) => assembly,
                None => (self.begin_preview(at)?, 0),
            };
            let Some(chunk) = assembly.chunks().get(ordinal) else { continue };
            let num_bytes = chunk.num_bytes;
            if self.has_no_room_behind(num_bytes) {
                self.layers[at].preview_assembly = Some((assembly, ordinal));
                return None;
            }
            self.layers[at].preview_assembly = Some((Arc::clone(&assembly), ordinal + 1));
            if let Some(task) = self.start_assembly(assembly, ordinal, num_bytes, Tier::Recent) {
                return Some(task);
            }
        }
    }

    fn begin_preview(&mut self, at: usize) -> Option<Arc<Assembly>> {
        let max_bytes = self.projections.budget_bytes();
        let Self { layers, previews, failed, .. } = self;
        let layer = &mut layers[at];
        let snapshot = layer.snapshot();
        loop {
            let is_done = |key: &PictureKey| previews.contains(key) || failed.contains_key(&Product::Preview(*key));
            let product = Product::Preview(layer.previewing.next(is_done)?);
            // One that has no chunks, or too many, has no preview.
            if let Some(assembly) = Assembly::new(&snapshot, product, max_bytes) {
                return Some(Arc::new(assembly));
            }
        }
    }

    /// Whether samples are being taken.
    fn is_sampling(&self) -> bool {
        self.layers.iter().any(|layer| !layer.sampling.places.is_empty())
    }

    /// The moment from which on what is made of a recording is true.
    pub(super) fn now_of(&self, layer: LayerId) -> Moment {
        self.layer(layer).map_or_else(Moment::default, |layer| layer.data.now())
    }

    fn next_prefetch(&mut self) -> Option<Task> {
        while let Some(num_bytes) = self.plan.prefetch.next_bytes() {
            // Half of what may be in flight is left for what is on screen.
            if self.is_full(num_bytes, self.max_in_flight_bytes / 2) {
                return None;
            }
            let next = self.plan.prefetch.pop()?;
            if let Some(task) = self.start(next, Tier::Prefetch) {
                return Some(task);
            }
        }
        None
    }

    fn next_sample(&mut self) -> Option<Task> {
        loop {
            let at = self.layers.iter().position(|layer| !layer.sampling.places.is_empty())?;
            let wanted = *self.layers[at].sampling.places.last()?;
            if self.has_no_room_behind(wanted.num_bytes) {
                return None;
            }
            self.layers[at].sampling.places.pop();
            let layer = wanted.key.layer;
            if let Some(entry) = self.cache.get(wanted.key) {
                return Some(Task::Sample(layer, Some(entry.loaded.clone())));
            }
            if self.failures.contains_key(&wanted.key) {
                return Some(Task::Sample(layer, None));
            }
            if let Some(read) = self.in_flight.get_mut(&wanted.key) {
                read.targets.push(Target::Sample);
                continue;
            }
            let Some(chunk) = wanted.find(self.layers[at].image.finest()) else {
                return Some(Task::Sample(layer, None));
            };
            let task = self.read(chunk, wanted.num_bytes, Tier::Recent, Keep::IfRoom, vec![Target::Sample]);
            if task.is_some() {
                return task;
            }
        }
    }

    /// Whether a chunk that is not for the screen has to wait for others to be done with.
    pub(super) fn has_no_room_behind(&self, num_bytes: usize) -> bool {
        self.is_full(num_bytes, self.max_in_flight_bytes / 2) || self.fetches.is_crowded()
    }

    /// Gets one chunk for something being assembled that is not for the screen.
    pub(super) fn start_background(
        &mut self,
        assembly: Arc<Assembly>,
        ordinal: usize,
        num_bytes: usize,
    ) -> Option<Task> {
        self.start_assembly(assembly, ordinal, num_bytes, Tier::Recent)
    }

    pub(super) fn is_full(&self, num_bytes: usize, limit: usize) -> bool {
        self.num_in_flight > 0 && self.in_flight_bytes.saturating_add(num_bytes) > limit
    }

    /// Begins with one entry of the queue, unless it is had, under way or known to fail.
    pub(super) fn start(&mut self, next: Next, tier: Tier) -> Option<Task> {
        let wanted = match next {
            Next::Piece(assembly, ordinal, num_bytes) => {
                return self.start_assembly(assembly, ordinal, num_bytes, tier);
            }
            Next::Chunk(wanted) => wanted,
        };
        if self.cache.contains(wanted.key) || self.failures.contains_key(&wanted.key) {
            return None;
        }
        if let Some(read) = self.in_flight.get_mut(&wanted.key) {
            read.keep = Keep::Yes;
            read.tier = read.tier.min(tier);
            return None;
        }
        let chunk = wanted.find(self.array_of(wanted.key.layer, wanted.key.level)?)?;
        self.read(chunk, wanted.num_bytes, tier, Keep::Yes, Vec::new())
    }

    /// Gets one chunk for something being assembled, from wherever it is.
    fn start_assembly(
        &mut self,
        assembly: Arc<Assembly>,
        ordinal: usize,
        num_bytes: usize,
        tier: Tier,
    ) -> Option<Task> {
        let chunk = assembly.chunk(ordinal)?;
        let key = chunk.key;
        if !assembly.take(ordinal) {
            return None;
        }
        if let Some(entry) = self.cache.get(key) {
            let loaded = entry.loaded.clone();
            return Some(Task::Feed(assembly, ordinal, Ok(loaded)));
        }
        if let Some(error) = self.failures.get(&key) {
            let error = error.clone();
            return Some(Task::Feed(assembly, ordinal, Err(error)));
        }
        let keep = match (assembly.wants_chunk_kept(&chunk), assembly.product) {
            (true, Product::Picture(_) | Product::Volume(_)) => Keep::Yes,
            // What had to be fetched is not thrown away while there is room.
            (_, Product::Preview(_)) => Keep::IfRoom,
            (false, _) if self.layer(key.layer).is_some_and(Layer::is_remote) => Keep::IfRoom,
            (false, _) => Keep::No,
        };
        let target = Target::Assembly(assembly, ordinal);
        if let Some(read) = self.in_flight.get_mut(&key) {
            read.targets.push(target);
            read.keep = read.keep.max(keep);
            return None;
        }
        self.read(chunk, num_bytes, tier, keep, vec![target])
    }

    /// Begins to get a chunk, unless it is larger than what all chunks together may take; a task where a thread
    /// is to go on with it, `None` where it has to be fetched first or its recording has gone.
    fn read(
        &mut self,
        chunk: ArrayChunk,
        num_bytes: usize,
        tier: Tier,
        keep: Keep,
        targets: Vec<Target>,
    ) -> Option<Task> {
        let layer = self.layer(chunk.key.layer)?;
        let (array, since) = (Arc::clone(layer.image.level(chunk.key.level)?), layer.data.now());
        if num_bytes > self.cache.budget_bytes() {
            let message = "is stored in pieces larger than the memory budget for data";
            let error = array.error(ReadErrorKind::Unsupported, message.to_owned());
            self.failures.insert(chunk.key, error.clone());
            self.note_change(chunk.key.layer, chunk.region.start()[0], chunk.region.stop()[0]);
            return Some(match targets.into_iter().next() {
                Some(Target::Assembly(assembly, ordinal)) => Task::Feed(assembly, ordinal, Err(error)),
                Some(Target::Sample) => Task::Sample(chunk.key.layer, None),
                None => Task::Refused,
            });
        }
        self.counters.num_reads += 1;
        match tier {
            Tier::Visible => self.counters.visible_bytes += num_bytes as u64,
            _ => self.bandwidth.spend(num_bytes),
        }
        self.in_flight.insert(chunk.key, InFlight { region: chunk.region, tier, keep, since, targets });
        if let Some(remote) = array.source().fetching() {
            let num_bytes = num_bytes.saturating_add(remote.max_fetched_bytes(&chunk.chunk));
            self.fetches.push(Box::new(Read { array: Arc::clone(&array), chunk, num_bytes, since }));
            return None;
        }
        // What it is computed from is held while it is computed.
        let num_bytes = num_bytes.saturating_mul(1 + array.inputs().len());
        self.num_in_flight += 1;
        self.in_flight_bytes += num_bytes;
        Some(Task::Read(Box::new(Read { array, chunk, num_bytes, since })))
    }
}
