//! What the window and the loader threads share, under one lock that is only ever held for moments:
//! nothing here reads, decodes, assembles or frees memory.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::StreamConfig;
use super::assembly::{Assembly, Product};
use super::cache::{Cache, Entry, Tier};
use super::fetches::Fetches;
use super::fold::FoldTask;
use super::folds::{FoldWish, Folds};
use super::hash::ChunkMap;
use super::layer::Layer;
use super::log::Moment;
use super::plan::{Plan, Wanted};
use super::shelf::Shelf;
use crate::array::{ArrayChunk, ChunkKey, Image, LazyArray, Loaded};
use crate::format::{Fetched, ReadError};
use crate::machine::Bandwidth;
use crate::volume::{LayerId, PictureKey, Region, VolumeKey, Voxels};

/// Unfinished products nobody wants at the moment: so many are kept for when they are wanted again.
const MAX_ABANDONED: usize = 8;

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
    /// Something being assembled, and the position of the chunk in it.
    Assembly(Arc<Assembly>, usize),
    /// The sample of the recording it is of.
    Sample,
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
    pub(super) since: Moment,
    pub(super) targets: Vec<Target>,
}

/// What a thread needs to know to read a chunk.
pub(super) struct Read {
    pub(super) array: Arc<LazyArray>,
    pub(super) chunk: ArrayChunk,
    pub(super) num_bytes: usize,
    pub(super) since: Moment,
}

/// Something for a thread to do without the lock.
pub(super) enum Task {
    Read(Box<Read>),
    /// What has been fetched of a chunk, and the time that a thread of its own would have taken for it.
    Decode {
        read: Box<Read>,
        fetched: Result<Fetched, ReadError>,
        took: Duration,
    },
    Feed(Arc<Assembly>, usize, Result<Loaded, ReadError>),
    /// A chunk for the sample of a recording, if it can be had.
    Sample(LayerId, Option<Loaded>),
    Fold(Box<FoldTask>),
    /// A chunk that is not read; what was wanted of it is known to fail.
    Refused,
    /// A picture of the kind being surveyed, if it can be had.
    Survey(PictureKey, Moment, Option<Arc<Voxels>>),
}

/// Memory on its way back to the pool or the system, dropped after the lock.
#[derive(Default)]
pub(super) struct Dropped {
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
    /// At least one, until the stream is dropped.
    pub(super) layers: Vec<Layer>,
    pub(super) cache: Cache,
    pub(super) failures: ChunkMap<ReadError>,
    pub(super) plan: Plan,
    /// Background tasks taken, to give the sample its turn.
    pub(super) num_background: usize,
    /// What was begun elsewhere and a loader thread is to go on with.
    pub(super) ready: VecDeque<Task>,
    pub(super) fetches: Fetches,
    pub(super) in_flight: ChunkMap<InFlight>,
    /// Reads under way, those included whose result nobody wants any more.
    pub(super) num_in_flight: usize,
    pub(super) in_flight_bytes: usize,
    pub(super) max_in_flight_bytes: usize,
    /// Unfinished products, oldest first.
    pub(super) assemblies: Vec<Arc<Assembly>>,
    /// What unfinished products may take that nobody wants at the moment.
    assembly_budget_bytes: usize,
    pub(super) visible_products: Vec<Product>,
    /// Projections that are folded from whole volumes.
    pub(super) folds: Folds,
    pub(super) projections: Shelf<PictureKey>,
    pub(super) planes: Shelf<PictureKey>,
    pub(super) volumes: Shelf<VolumeKey>,
    pub(super) previews: Shelf<PictureKey>,
    pub(super) failed: HashMap<Product, ReadError>,
    /// Why parts of finished pictures and volumes are missing.
    pub(super) reasons: HashMap<PictureKey, ReadError>,
    pub(super) volume_reasons: HashMap<VolumeKey, ReadError>,
    pub(super) num_workers: usize,
    pub(super) slow_picture_ms: f64,
    pub(super) bandwidth: Bandwidth,
    pub(super) counters: Counters,
    pub(super) is_closed: bool,
}

impl State {
    pub(super) fn new(image: Image, config: &StreamConfig) -> Self {
        // Planes are cut from chunks in memory within a frame: a few of them will do.
        let plane_bytes = config.picture_budget_bytes / 8;
        let volume_bytes = Self::volume_budget(config);
        let assembly_bytes = config.picture_budget_bytes / 8;
        Self {
            layers: vec![Layer::new(image, config.preview_budget_bytes)],
            cache: Cache::new(config.ram_budget_bytes),
            failures: ChunkMap::default(),
            plan: Plan::default(),
            num_background: 0,
            ready: VecDeque::new(),
            fetches: Fetches::new(config),
            in_flight: ChunkMap::default(),
            num_in_flight: 0,
            in_flight_bytes: 0,
            max_in_flight_bytes: config.max_in_flight_bytes,
            assemblies: Vec::new(),
            assembly_budget_bytes: assembly_bytes,
            visible_products: Vec::new(),
            folds: Folds::default(),
            projections: Shelf::new(config.picture_budget_bytes - plane_bytes - volume_bytes - assembly_bytes),
            planes: Shelf::new(plane_bytes),
            volumes: Shelf::new(volume_bytes),
            previews: Shelf::new(config.preview_budget_bytes),
            failed: HashMap::new(),
            reasons: HashMap::new(),
            volume_reasons: HashMap::new(),
            num_workers: config.num_workers,
            slow_picture_ms: config.slow_picture_ms,
            bandwidth: Bandwidth::new(config.background_bytes_per_s),
            counters: Counters::default(),
            is_closed: false,
        }
    }

    /// Bytes of volumes kept.
    pub(super) fn volume_budget(config: &StreamConfig) -> usize {
        config.picture_budget_bytes / 4
    }

    /// Puts a new plan in the place of the old one, which is left in `plan` for its memory. What was
    /// queued and is not in the new plan is gone; what has been started goes on.
    pub(super) fn submit(&mut self, plan: &mut Plan, visible_products: Vec<Product>) {
        std::mem::swap(&mut self.plan, plan);
        self.visible_products = visible_products;
        let wish = |key: &PictureKey| {
            let is_visible = self.visible_products.contains(&Product::Picture(*key));
            FoldWish { key: *key, is_visible, is_ready: self.has_volume(&key.volume()) }
        };
        let wishes = self.plan.folds.iter().map(wish).collect();
        self.folds.replace_wishes(wishes);
        self.cache.demote_all();
        self.in_flight.values_mut().for_each(|read| read.tier = Tier::Recent);
        let Self { cache, in_flight, failures, .. } = self;
        let cache = RefCell::new(cache);
        let mut is_open = |wanted: &Wanted, tier: Tier| {
            if let Some(read) = in_flight.get_mut(&wanted.key) {
                read.tier = tier;
                read.keep = Keep::Yes;
                return false;
            }
            !cache.borrow_mut().mark(wanted.key, tier) && !failures.contains_key(&wanted.key)
        };
        // What is being made takes its chunks from wherever they are.
        let mark = |assembly: &Assembly, tier: Tier| {
            let mut cache = cache.borrow_mut();
            if !cache.is_empty() {
                assembly.chunks().iter().for_each(|wanted| _ = cache.mark(wanted.key, tier));
            }
        };
        self.plan.visible.retain(|wanted| is_open(wanted, Tier::Visible), |assembly| mark(assembly, Tier::Visible));
        self.plan.prefetch.retain(|wanted| is_open(wanted, Tier::Prefetch), |assembly| mark(assembly, Tier::Prefetch));
        let remote: Vec<LayerId> = self.layers.iter().filter(|layer| layer.is_remote()).map(Layer::id).collect();
        self.fetches.replan(&mut self.plan, &remote);
        self.assemblies
            .retain(|assembly| assembly.is_begun() || self.plan.assemblies.iter().any(|m| Arc::ptr_eq(m, assembly)));
        for assembly in &self.plan.assemblies {
            if !self.assemblies.iter().any(|known| Arc::ptr_eq(known, assembly)) {
                self.assemblies.push(Arc::clone(assembly));
            }
        }
        let mut excess = self.assemblies.len().saturating_sub(self.plan.assemblies.len() + MAX_ABANDONED);
        self.assemblies.retain(|assembly| {
            let drop = excess > 0 && !self.plan.assemblies.iter().any(|m| Arc::ptr_eq(m, assembly));
            excess -= usize::from(drop);
            !drop
        });
        let mut held_bytes = self.assembly_bytes();
        let budget_bytes = self.assembly_budget_bytes;
        self.assemblies.retain(|assembly| {
            let drop = held_bytes > budget_bytes && !self.plan.assemblies.iter().any(|m| Arc::ptr_eq(m, assembly));
            // More may have been folded in since they were counted together.
            held_bytes = held_bytes.saturating_sub(if drop { assembly.held_bytes() } else { 0 });
            !drop
        });
        self.counters.num_plans += 1;
        self.cancel_unwanted_fetches();
    }

    /// Empties the queue.
    pub(super) fn clear_queue(&mut self) {
        self.plan.clear();
        self.fetches.clear_queue();
        self.folds.clear_wishes();
    }

    /// Chunks waiting for their turn.
    pub(super) fn num_queued(&self) -> usize {
        let [_, to_fetch] = self.fetches.num_queued();
        self.plan.visible.len() + self.plan.prefetch.len() + to_fetch
    }

    /// Whether nothing is left to do.
    pub(super) fn is_drained(&self) -> bool {
        self.num_queued() == 0 && self.num_in_flight == 0 && self.ready.is_empty() && self.folds.num() == 0
    }

    /// Whether what was made of a timepoint's data since that moment is true now: the recording is still
    /// here, and nothing has changed in it there.
    pub(super) fn is_true(&self, layer: LayerId, since: Moment, t: usize) -> bool {
        self.layer(layer).is_some_and(|layer| !layer.data.has_touched(since, t, t + 1))
    }

    /// Whether a finished product may be handed out. Takes it off the list of what is being made.
    pub(super) fn may_land(&mut self, assembly: &Arc<Assembly>) -> bool {
        self.assemblies.retain(|known| !Arc::ptr_eq(known, assembly));
        self.is_true(assembly.product.layer(), assembly.since(), assembly.product.t())
    }

    /// Notes that pictures of these timepoints came or went.
    pub(super) fn note_change(&mut self, layer: LayerId, start: usize, stop: usize) {
        if let Some(layer) = self.layer_mut(layer) {
            layer.at_hand.note(start, stop);
        }
    }

    /// Notes the timepoints of evicted chunks and pictures.
    pub(super) fn note_dropped(&mut self, dropped: &Dropped) {
        for (key, entry) in &dropped.chunks {
            self.note_change(key.layer, entry.region.start()[0], entry.region.stop()[0]);
        }
        for (key, _) in &dropped.pictures {
            self.reasons.remove(key);
            self.note_change(key.layer, key.picture.t(), key.picture.t() + 1);
        }
    }

    /// A layer that is shown here; `None` for a former recording, or another stream's.
    pub(super) fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.id() == id)
    }

    pub(super) fn layer_mut(&mut self, id: LayerId) -> Option<&mut Layer> {
        self.layers.iter_mut().find(|layer| layer.id() == id)
    }

    /// The chunks that a picture is made of, in place of what is in `chunks`.
    pub(super) fn chunks_of(&self, key: &PictureKey, chunks: &mut Vec<ArrayChunk>) {
        chunks.clear();
        let image = self.layer(key.layer).map(|layer| &layer.image);
        if let Some((array, region)) =
            image.and_then(|image| Some((image.level(key.level)?, image.picture_region(key)?)))
        {
            array.chunks(&region, chunks);
        }
    }

    /// The array that a key is of.
    pub(super) fn array_of(&self, layer: LayerId, level: u8) -> Option<&Arc<LazyArray>> {
        self.layer(layer)?.image.level(level)
    }

    /// Memory of what is being made.
    pub(super) fn assembly_bytes(&self) -> usize {
        self.assemblies.iter().map(|assembly| assembly.held_bytes()).sum()
    }

    /// Bytes of everything kept for reuse, by kind: chunks, pictures, previews.
    pub(super) fn picture_bytes(&self) -> usize {
        self.projections.num_bytes() + self.planes.num_bytes() + self.volumes.num_bytes()
    }
}
