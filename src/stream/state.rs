//! What the window and the loader threads share, under one lock that is only ever held for moments:
//! nothing here reads, decodes, assembles or frees memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use super::StreamConfig;
use super::bandwidth::Bandwidth;
use super::cache::{Cache, Entry, Tier};
use super::hash::ChunkMap;
use super::making::{Making, Product};
use super::plan::{Plan, Wanted};
use super::preview::Previewing;
use super::shelf::Shelf;
use super::survey::Survey;
use crate::array::{ArrayChunk, ChunkKey, LazyArray, Loaded};
use crate::format::ReadError;
use crate::volume::{LayerId, PictureKey, Region, VolumeKey, Voxels};

/// Unfinished products nobody wants at the moment: so many are kept for when they are wanted again.
const MAX_ABANDONED: usize = 8;
/// Remembered changes beyond this make the strip look at everything again.
const MAX_CHANGES: usize = 4096;

/// Which work a thread takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// What is on screen.
    Foreground,
    /// All else.
    Background,
    /// Everything, the most urgent first.
    Any,
}

/// What a chunk that is being read is for, besides the cache.
pub(super) enum Target {
    /// Something in the making, and the position of the chunk in it.
    Making(Arc<Making>, usize),
    /// The sample of the whole recording, by its number.
    Sample(u64),
}

/// Whether a chunk is put into the cache once it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keep {
    /// It is folded into something and its memory used again.
    No,
    /// If nothing has to go for it.
    IfRoom,
    Yes,
}

/// A read that has been started.
pub(super) struct InFlight {
    /// Where the voxels of the chunk lie.
    pub(super) region: Region,
    pub(super) tier: Tier,
    pub(super) keep: Keep,
    /// Tells this read from an earlier one of the same chunk whose data changed on disk meanwhile.
    pub(super) ticket: u64,
    pub(super) targets: Vec<Target>,
}

/// What a thread needs to know to read a chunk.
pub(super) struct Read {
    pub(super) array: Arc<LazyArray>,
    pub(super) chunk: ArrayChunk,
    pub(super) num_bytes: usize,
    pub(super) ticket: u64,
}

/// Something for a thread to do without the lock.
pub(super) enum Task {
    Read(Box<Read>),
    Feed(Arc<Making>, usize, Result<Loaded, ReadError>),
    Sample(u64, Option<Loaded>),
    Fold {
        key: PictureKey,
        volume: Loaded,
        epoch: u64,
    },
    /// A picture of the kind being surveyed, if it can be had.
    Survey(PictureKey, Option<Arc<Voxels>>),
}

/// Memory on its way back to the pool or the system, dropped after the lock.
#[derive(Default)]
pub(super) struct Trash {
    pub(super) chunks: Vec<(ChunkKey, Entry)>,
    pub(super) pictures: Vec<(PictureKey, Arc<Voxels>)>,
    pub(super) volumes: Vec<(VolumeKey, Arc<Voxels>)>,
    pub(super) previews: Vec<(PictureKey, Arc<Voxels>)>,
}

/// Counters, all since the stream began.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) decoded_bytes: u64,
    pub(super) num_reads: u64,
    pub(super) read_errors: u64,
    pub(super) num_plans: u64,
    pub(super) visible_bytes: u64,
}

pub(super) struct State {
    pub(super) array: Arc<LazyArray>,
    /// Counts replacements of the array and of what was read of it: what was taken out under another
    /// number is not put back.
    pub(super) epoch: u64,
    pub(super) cache: Cache,
    pub(super) failures: ChunkMap<ReadError>,
    pub(super) plan: Plan,
    pub(super) next_visible: usize,
    pub(super) next_prefetch: usize,
    /// Chunks of the sample not read yet, last first.
    pub(super) sampling: Vec<Wanted>,
    /// Number of the sample they are for.
    pub(super) sampling_ticket: u64,
    /// Background tasks taken, to give the sample its turn.
    pub(super) num_background: usize,
    pub(super) in_flight: ChunkMap<InFlight>,
    /// Reads under way, those included whose result nobody wants any more.
    pub(super) num_in_flight: usize,
    pub(super) in_flight_bytes: usize,
    pub(super) max_in_flight_bytes: usize,
    /// Unfinished products, oldest first.
    pub(super) makings: Vec<Arc<Making>>,
    /// Everything that a thread has been given a piece of, previews and abandoned products included: what
    /// of it lands, and when, is up to the threads.
    pub(super) at_work: Vec<Weak<Making>>,
    pub(super) visible_product: Option<Product>,
    /// Whether projections are folded outside, from volumes.
    pub(super) from_volumes: bool,
    /// Volumes that are folded here all the same, and of which pictures.
    pub(super) folds: VecDeque<(PictureKey, Loaded)>,
    pub(super) folding: Vec<PictureKey>,
    pub(super) projections: Shelf<PictureKey>,
    pub(super) planes: Shelf<PictureKey>,
    pub(super) volumes: Shelf<VolumeKey>,
    pub(super) previews: Shelf<PictureKey>,
    pub(super) failed: HashMap<Product, ReadError>,
    /// Why parts of finished pictures and volumes are missing.
    pub(super) reasons: HashMap<PictureKey, ReadError>,
    pub(super) volume_reasons: HashMap<VolumeKey, ReadError>,
    /// Timepoints of which something came or went since the strip last looked.
    pub(super) changes: Vec<[usize; 2]>,
    pub(super) changed_everywhere: bool,
    pub(super) previewing: Previewing,
    pub(super) preview_making: Option<(Arc<Making>, usize)>,
    pub(super) survey: Survey,
    pub(super) num_workers: usize,
    pub(super) slow_picture_ms: f64,
    pub(super) bandwidth: Bandwidth,
    pub(super) counters: Counters,
    pub(super) is_closed: bool,
}

impl State {
    pub(super) fn new(array: Arc<LazyArray>, config: &StreamConfig) -> Self {
        // Planes are cut from chunks in memory within a frame: a few of them will do.
        let plane_bytes = config.picture_budget_bytes / 8;
        let volume_bytes = Self::volume_budget(config);
        Self {
            array,
            epoch: 0,
            cache: Cache::new(config.ram_budget_bytes),
            failures: ChunkMap::default(),
            plan: Plan::default(),
            next_visible: 0,
            next_prefetch: 0,
            sampling: Vec::new(),
            sampling_ticket: 0,
            num_background: 0,
            in_flight: ChunkMap::default(),
            num_in_flight: 0,
            in_flight_bytes: 0,
            max_in_flight_bytes: config.max_in_flight_bytes,
            makings: Vec::new(),
            at_work: Vec::new(),
            visible_product: None,
            from_volumes: false,
            folds: VecDeque::new(),
            folding: Vec::new(),
            projections: Shelf::new(config.picture_budget_bytes - plane_bytes - volume_bytes),
            planes: Shelf::new(plane_bytes),
            volumes: Shelf::new(volume_bytes),
            previews: Shelf::new(config.preview_budget_bytes),
            failed: HashMap::new(),
            reasons: HashMap::new(),
            volume_reasons: HashMap::new(),
            changes: Vec::new(),
            changed_everywhere: true,
            previewing: Previewing::default(),
            preview_making: None,
            survey: Survey::default(),
            num_workers: config.num_workers,
            slow_picture_ms: config.slow_picture_ms,
            bandwidth: Bandwidth::new(config.background_bytes_per_s),
            counters: Counters::default(),
            is_closed: false,
        }
    }

    /// The array that a key is of; `None` where that is a former recording's, or none of this stream's.
    pub(super) fn array_of(&self, layer: LayerId, level: u8) -> Option<&Arc<LazyArray>> {
        Some(&self.array).filter(|array| array.id() == layer && array.level() == level)
    }

    /// Whether what comes of a recording still has a place here.
    pub(super) fn holds(&self, layer: LayerId) -> bool {
        self.array.id() == layer
    }

    /// Bytes of volumes kept.
    pub(super) fn volume_budget(config: &StreamConfig) -> usize {
        config.picture_budget_bytes / 4
    }

    /// Puts a new plan in the place of the old one, which is left in `plan` for its memory. What was
    /// queued and is not in the new plan is gone; what has been started goes on.
    pub(super) fn submit(&mut self, plan: &mut Plan, visible_product: Option<Product>) {
        std::mem::swap(&mut self.plan, plan);
        (self.next_visible, self.next_prefetch) = (0, 0);
        self.visible_product = visible_product;
        self.cache.demote_all();
        self.in_flight.values_mut().for_each(|read| read.tier = Tier::Recent);
        let Self { cache, in_flight, failures, .. } = self;
        let mut is_open = |wanted: &Wanted, tier: Tier| {
            if wanted.making != Wanted::KEEP {
                // What is being made takes the chunk from wherever it is.
                cache.mark(wanted.key, tier);
                return true;
            }
            if let Some(read) = in_flight.get_mut(&wanted.key) {
                read.tier = tier;
                read.keep = Keep::Yes;
                return false;
            }
            !cache.mark(wanted.key, tier) && !failures.contains_key(&wanted.key)
        };
        self.plan.visible.retain(|wanted| is_open(wanted, Tier::Visible));
        self.plan.prefetch.retain(|wanted| is_open(wanted, Tier::Prefetch));
        self.makings.retain(|making| making.is_begun() || self.plan.makings.iter().any(|m| Arc::ptr_eq(m, making)));
        for making in &self.plan.makings {
            if !self.makings.iter().any(|known| Arc::ptr_eq(known, making)) {
                self.makings.push(Arc::clone(making));
            }
        }
        let mut excess = self.makings.len().saturating_sub(self.plan.makings.len() + MAX_ABANDONED);
        self.makings.retain(|making| {
            let drop = excess > 0 && !self.plan.makings.iter().any(|m| Arc::ptr_eq(m, making));
            excess -= usize::from(drop);
            !drop
        });
        self.counters.num_plans += 1;
    }

    /// Empties the queue.
    pub(super) fn clear_queue(&mut self) {
        self.plan.clear();
        (self.next_visible, self.next_prefetch) = (0, 0);
    }

    /// Chunks waiting for their turn.
    pub(super) fn num_queued(&self) -> usize {
        self.plan.visible.len() - self.next_visible + self.plan.prefetch.len() - self.next_prefetch
    }

    /// Whether nothing is left to do.
    pub(super) fn is_drained(&self) -> bool {
        self.num_queued() == 0 && self.num_in_flight == 0 && self.folds.is_empty()
    }

    /// The data have changed: what was taken out before is not put back.
    pub(super) fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.folds.clear();
        self.folding.clear();
        self.volume_reasons.clear();
    }

    /// Whether a finished product may be handed out: it was made of this recording, and nothing of that
    /// has changed since. Takes it off the list of what is being made.
    pub(super) fn may_land(&mut self, making: &Arc<Making>) -> bool {
        self.makings.retain(|known| !Arc::ptr_eq(known, making));
        self.at_work.retain(|known| known.strong_count() > 0 && known.as_ptr() != Arc::as_ptr(making));
        self.holds(making.product.layer()) && !making.is_stale()
    }

    /// Gives up what is being made and no longer satisfies `keep`.
    pub(super) fn retain_makings(&mut self, mut keep: impl FnMut(&Making) -> bool) {
        self.makings.retain(|making| {
            let keeps = keep(making);
            if !keeps {
                making.make_stale();
            }
            keeps
        });
        for making in self.at_work.iter().filter_map(Weak::upgrade).filter(|making| !keep(making)) {
            making.make_stale();
        }
    }

    /// Notes that pictures of these timepoints came or went.
    pub(super) fn note_change(&mut self, start: usize, stop: usize) {
        if self.changes.len() < MAX_CHANGES {
            self.changes.push([start, stop]);
        } else {
            self.changed_everywhere = true;
        }
    }

    /// Notes the timepoints of evicted chunks and pictures.
    pub(super) fn note_trash(&mut self, trash: &Trash) {
        for (_, entry) in &trash.chunks {
            self.note_change(entry.region.start()[0], entry.region.stop()[0]);
        }
        for (key, _) in &trash.pictures {
            self.reasons.remove(key);
            self.note_change(key.picture.t(), key.picture.t() + 1);
        }
    }

    /// Bytes of everything kept for reuse, by kind: chunks, pictures, previews.
    pub(super) fn picture_bytes(&self) -> usize {
        self.projections.num_bytes() + self.planes.num_bytes() + self.volumes.num_bytes()
    }
}
