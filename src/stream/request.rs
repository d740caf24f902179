//! From a view to a plan: the motion is measured, pictures ahead are chosen within the budgets, and the
//! queue is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Stream;
use super::assembly::{Assembly, Product, too_large};
use super::availability::is_settled;
use super::layer::Snapshot;
use super::plan::{Plan, Planner, Wanted, pictures_ahead};
use super::state::State;
use super::velocity::{Outlook, Velocity};
use crate::array::{ArrayChunk, Image, LazyArray};
use crate::volume::{LayerId, Picture, PictureKey, ViewId};

/// How far an idle user looks next (standard deviation), in timepoints and in planes.
const IDLE_SPREAD_T: f64 = 8.0;
const IDLE_SPREAD_DEPTH: f64 = 2.0;
/// Faster than this through time, chunks of projections are not kept: they will not be looked at singly.
const BROWSING_HZ: f64 = 1.0;
/// After a single step reading ahead leaves the cores to the frame that answers it.
const FRAME_REST: Duration = Duration::from_millis(25);
/// Steps further apart than this are single ones; motion must not keep reading ahead from its work.
const SINGLE_STEP: Duration = Duration::from_millis(100);
/// Most projections or volumes planned ahead.
const MAX_ASSEMBLIES: usize = 48;

/// Playback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Play {
    /// 1 forwards, -1 backwards.
    pub direction: i8,
    /// Timepoints per second.
    pub rate_hz: f64,
}

/// A picture wanted on one canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureRequest {
    /// The canvas.
    pub view: ViewId,
    /// The array it is of.
    pub layer: LayerId,
    /// What of it, in voxels of level 0.
    pub picture: Picture,
    /// Half-open ranges of its rows and columns that are on screen, in voxels of level 0.
    pub visible: [[usize; 2]; 2],
    /// Voxels of level 0 along a pixel of the screen.
    pub voxels_per_px: f32,
}

impl PictureRequest {
    /// Its name in full resolution.
    pub fn key(&self) -> PictureKey {
        PictureKey::finest(self.layer, self.picture)
    }

    /// What is read and drawn for it, the most central first ([`Image::keys_in_view`]).
    pub fn keys(&self, image: &Image) -> Vec<PictureKey> {
        image.keys_in_view(self.picture, self.visible, self.voxels_per_px)
    }

    /// All of a picture at once, a voxel a pixel, on the only canvas.
    pub fn whole(layer: LayerId, picture: Picture) -> Self {
        Self { view: ViewId::default(), layer, picture, visible: [[0, usize::MAX]; 2], voxels_per_px: 1.0 }
    }
}

/// An immutable snapshot of what the window wants to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewRequest {
    /// What is on screen, the most important first.
    pub views: Vec<PictureRequest>,
    /// Playback, if it runs.
    pub play: Option<Play>,
    /// Voxels of the full resolution, in (t, z, y, x), whose values are asked for where coarser ones are drawn.
    pub probes: Vec<(LayerId, [usize; 4])>,
}

impl ViewRequest {
    /// One whole picture and nothing else.
    pub fn of(layer: LayerId, picture: Picture) -> Self {
        Self { views: vec![PictureRequest::whole(layer, picture)], ..Self::default() }
    }

    /// The most important picture.
    pub fn first(&self) -> Option<&PictureRequest> {
        self.views.first()
    }
}

/// What one view wants of one layer.
struct Wish {
    /// The picture in full resolution.
    whole: PictureKey,
    /// What is read for it, the most central first.
    keys: Vec<PictureKey>,
    of: Snapshot,
}

/// What a stream remembers of its window. Touched by the window's thread only.
pub(super) struct Viewer {
    t: Velocity,
    depth: Velocity,
    last: Option<(ViewRequest, Instant)>,
    /// Whether the last plan looked both ways.
    planned_idle: bool,
    is_planned: bool,
    /// When the picture that is being waited for was asked for.
    waiting: Option<(PictureKey, Instant)>,
    pub(super) last_image_ms: Option<f64>,
    plan: Plan,
    planner: Planner,
    pub(super) ahead: Vec<Picture>,
    chunks: Vec<ArrayChunk>,
}

impl Default for Viewer {
    fn default() -> Self {
        Self {
            t: Velocity::new(IDLE_SPREAD_T),
            depth: Velocity::new(IDLE_SPREAD_DEPTH),
            last: None,
            planned_idle: false,
            is_planned: false,
            waiting: None,
            last_image_ms: None,
            plan: Plan::default(),
            planner: Planner::default(),
            ahead: Vec::new(),
            chunks: Vec::new(),
        }
    }
}

impl Viewer {
    /// The next request is planned even if it is the same. Where one layer has taken another's place, what was
    /// asked for of that is asked for of this. The last request and its time.
    pub(super) fn forget_plan(&mut self, replaced: Option<[LayerId; 2]>) -> Option<(ViewRequest, Instant)> {
        self.is_planned = false;
        if let (Some((request, _)), Some([old, new])) = (&mut self.last, replaced) {
            request.views.iter_mut().filter(|view| view.layer == old).for_each(|view| view.layer = new);
        }
        self.last.clone()
    }

    /// The exact picture was handed out.
    pub(super) fn note_shown(&mut self, key: &PictureKey) {
        if let Some((waited_for, since)) = self.waiting
            && waited_for == *key
        {
            self.last_image_ms = Some(since.elapsed().as_secs_f64() * 1e3);
            self.waiting = None;
        }
    }

    fn outlook(&self, request: &ViewRequest, now: Instant) -> (Outlook, Outlook) {
        let t = match request.play {
            Some(play) => Outlook::playing(f64::from(play.direction.signum()) * play.rate_hz),
            None => self.t.outlook(now),
        };
        (t, self.depth.outlook(now))
    }
}

impl Stream {
    /// The view is this now: replaces the queue by a new plan, what is on screen first, then what is likely
    /// to be on screen within two seconds. Does nothing when the view is the same as before, but for a last
    /// plan in both directions once the motion has ended: returns whether that has been made, and nothing is
    /// left to ask for until the view changes.
    pub fn request(&self, request: &ViewRequest, now: Instant) -> bool {
        let mut viewer = self.viewer.lock();
        let viewer = &mut *viewer;
        let wanted = self.wanted(request);
        let Some(key) = wanted.first().and_then(|wish| wish.keys.first()).copied() else { return true };
        let picture = key.picture;
        viewer.t.sample(picture.t(), now);
        viewer.depth.sample(picture.depth_range()[0], now);
        let is_idle = request.play.is_some() || viewer.t.is_idle(now) && viewer.depth.is_idle(now);
        let is_same = viewer.last.as_ref().is_some_and(|(last, _)| last == request);
        if is_same && viewer.is_planned && (viewer.planned_idle || !is_idle) {
            return viewer.planned_idle;
        }
        let is_new = viewer.last.as_ref().is_none_or(|(last, _)| last.views != request.views);
        let is_single =
            viewer.last.as_ref().is_some_and(|(_, then)| now.saturating_duration_since(*then) > SINGLE_STEP);
        viewer.last = Some((request.clone(), now));
        (viewer.planned_idle, viewer.is_planned) = (is_idle, true);
        let (visible_products, bytes) = self.plan(viewer, request, &wanted, now);
        let mut state = self.shared.state.lock();
        if is_new && is_single && request.play.is_none() {
            state.bandwidth.hold_until(now + FRAME_REST);
        }
        if is_new {
            if is_settled(&state, &key, &mut viewer.chunks) {
                state.counters.hits += 1;
                viewer.waiting = None;
            } else {
                state.counters.misses += 1;
                viewer.waiting = Some((key, now));
            }
        }
        // A layer that was replaced meanwhile is planned again by whoever replaced it.
        let is_current = |of: &Snapshot| state.layer(of.image.id()).is_some_and(|now| now.image.is_same(&of.image));
        if wanted.iter().all(|wish| is_current(&wish.of)) {
            state.submit(&mut viewer.plan, visible_products);
            // Of several views of a layer the first one counts.
            for (Wish { whole, of, .. }, num_bytes) in wanted.iter().zip(bytes).rev() {
                if let Some(layer) = state.layer_mut(whole.layer) {
                    layer.previewing.set_kind(whole, of.image.info().shape[0], num_bytes);
                }
            }
        }
        drop(state);
        self.shared.notify();
        is_idle
    }

    /// The pictures of a request, each once, with the data they are of; what is of no layer is left out.
    fn wanted(&self, request: &ViewRequest) -> Vec<Wish> {
        let state = self.shared.state.lock();
        let mut wanted: Vec<Wish> = Vec::new();
        for view in &request.views {
            let Some(layer) = state.layer(view.layer) else { continue };
            let keys = view.keys(&layer.image);
            if wanted.iter().all(|known| known.keys != keys) {
                wanted.push(Wish { whole: view.key(), keys, of: layer.snapshot() });
            }
        }
        wanted
    }

    /// Plans what is on screen, then what may be next; the products on screen, and the bytes of each picture.
    fn plan(
        &self,
        viewer: &mut Viewer,
        request: &ViewRequest,
        wanted: &[Wish],
        now: Instant,
    ) -> (Vec<Product>, Vec<usize>) {
        let (t, depth) = viewer.outlook(request, now);
        let rest = Outlook { speed: 0.0, spread: IDLE_SPREAD_DEPTH };
        let mut aheads: Vec<Vec<Picture>> = Vec::new();
        for (i, Wish { whole, of, .. }) in wanted.iter().enumerate() {
            let mut ahead = if i == 0 { std::mem::take(&mut viewer.ahead) } else { Vec::new() };
            ahead.clear();
            let depth = if i == 0 { depth } else { rest };
            pictures_ahead(of.image.info().shape, &whole.picture, t, depth, &mut ahead);
            aheads.push(ahead);
        }
        let mut images: Vec<Image> = Vec::new();
        for Wish { of, .. } in wanted {
            if !images.iter().any(|known| known.is_same(&of.image)) {
                images.push(of.image.clone());
            }
        }
        viewer.plan.clear();
        viewer.planner.begin(&images, wanted.iter().map(|wish| wish.keys.len()).sum::<usize>() > 1);
        let (mut products, mut bytes) = (Vec::new(), Vec::new());
        for (Wish { whole: key, keys, of }, ahead) in wanted.iter().zip(&aheads) {
            bytes.push(match key.picture {
                Picture::Plane { .. } => keys.iter().map(|key| viewer.planner.add(&mut viewer.plan, key, true)).sum(),
                Picture::Projection { .. } => {
                    let is_there = self.shared.state.lock().projections.contains(key);
                    if let Some(stand_in) = of.image.stand_in(key).filter(|_| !is_there) {
                        products.push(Product::Picture(stand_in));
                        self.plan_projections(viewer, of, &stand_in, &[], false);
                    }
                    products.push(Product::Picture(*key));
                    self.plan_projections(viewer, of, key, ahead, t.speed.abs() < BROWSING_HZ)
                }
            });
        }
        plan_probes(viewer, request, wanted);
        self.plan_planes_ahead(viewer, wanted, &aheads, bytes.iter().sum());
        viewer.ahead = aheads.swap_remove(0);
        (products, bytes)
    }

    /// Plans the planes that may be next, within what the budget leaves beside those on screen.
    fn plan_planes_ahead(&self, viewer: &mut Viewer, wanted: &[Wish], aheads: &[Vec<Picture>], visible_bytes: usize) {
        // The rest of the budget is for what was of use: moving back and forth must not read twice.
        let mut left = (self.config.ram_budget_bytes / 5 * 3).saturating_sub(visible_bytes);
        let Viewer { plan, planner, .. } = viewer;
        let planes = wanted.iter().zip(aheads).filter(|(wish, _)| matches!(wish.whole.picture, Picture::Plane { .. }));
        for (wish, ahead) in planes {
            for (picture, key) in ahead.iter().flat_map(|picture| wish.keys.iter().map(move |key| (picture, key))) {
                let added = planner.add(plan, &PictureKey { picture: *picture, ..*key }, false);
                if added > left {
                    return;
                }
                left -= added;
            }
        }
    }

    /// The projector's budget, where it is to fold such pictures; `None` where they are made of their chunks.
    fn away_budget_of(&self, array: &LazyArray, key: &PictureKey) -> Option<usize> {
        let projector = self.shared.state.lock().folds.projector_of(key).cloned()?;
        let volume_bytes = array.whole().with_axis(0, 0, 1).shape().num_bytes(array.info().dtype)?;
        let [_, z, y, x] = array.info().shape;
        // A volume that does not fit is folded chunk by chunk.
        let is_taken = volume_bytes <= State::volume_budget(&self.config)
            && projector.takes(array.info().dtype, [z, y, x], &key.picture);
        is_taken.then(|| projector.budget_bytes())
    }

    /// How many projections there is room for beside the one on screen.
    fn num_projections_ahead(&self, array: &LazyArray, key: &PictureKey, away_bytes: Option<usize>) -> usize {
        let [rows, columns] = array.picture_shape(&key.picture);
        let item = array.info().dtype.num_bytes().max(4);
        let picture_bytes = rows.saturating_mul(columns).saturating_mul(item).max(1);
        let num = match away_bytes {
            None => self.config.picture_budget_bytes / 4 / picture_bytes,
            Some(away_bytes) => {
                let volume_bytes = array.whole().with_axis(0, 0, 1).shape().num_bytes(array.info().dtype);
                let volume_bytes = volume_bytes.unwrap_or(usize::MAX).max(1);
                (self.config.picture_budget_bytes / 8 / volume_bytes).min(away_bytes / 2 / picture_bytes)
            }
        };
        num.min(MAX_ASSEMBLIES)
    }

    /// Plans projections, each made of its chunks, or folded by the projector from its volume; the bytes of the
    /// chunks of the one asked for, where it is not there.
    fn plan_projections(
        &self,
        viewer: &mut Viewer,
        of: &Snapshot,
        asked: &PictureKey,
        ahead: &[Picture],
        keep_chunks: bool,
    ) -> usize {
        let Some(array) = of.image.level(asked.level) else { return 0 };
        let away_bytes = self.away_budget_of(array, asked);
        let num_ahead = self.num_projections_ahead(array, asked, away_bytes);
        let mut state = self.shared.state.lock();
        away_bytes.into_iter().for_each(|num_bytes| state.projections.set_away_budget(num_bytes));
        let ahead = ahead.iter().filter(|picture| picture.t() != asked.picture.t());
        let ahead = ahead.map(|picture| PictureKey { picture: *picture, ..*asked }).take(num_ahead);
        let mut wanted: Vec<(Product, Option<Arc<Assembly>>)> = Vec::new();
        for key in std::iter::once(*asked).chain(ahead) {
            let is_there = match key == *asked {
                true => state.projections.get(&key).is_some(),
                false => state.projections.contains(&key),
            };
            let known =
                |product: Product| state.assemblies.iter().find(|assembly| assembly.product == product).cloned();
            // What was begun before there was a projector is finished as it was begun.
            let begun = known(Product::Picture(key)).filter(|assembly| assembly.is_begun());
            let is_away = away_bytes.is_some() && begun.is_none();
            let product = if is_away { Product::Volume(key.volume()) } else { Product::Picture(key) };
            if is_there || state.failed.contains_key(&product) || state.failed.contains_key(&Product::Picture(key)) {
                continue;
            }
            if let Some(error) = too_large(array, &key.picture, state.projections.budget_bytes()) {
                state.failed.insert(Product::Picture(key), error);
                state.note_change(key.layer, key.picture.t(), key.picture.t() + 1);
                continue;
            }
            if is_away {
                viewer.plan.folds.push(key);
            }
            if !(is_away && state.has_volume(&key.volume())) {
                wanted.push((product, known(product)));
            }
        }
        let max_bytes = state.projections.budget_bytes();
        drop(state);
        let mut visible_bytes = 0;
        for (product, known) in wanted {
            let is_visible = product.t() == asked.picture.t();
            let Some(assembly) = known.or_else(|| Assembly::new(of, product, max_bytes).map(Arc::new)) else {
                continue;
            };
            if is_visible {
                visible_bytes = assembly.num_bytes();
            }
            if let ([wanted], Product::Volume(_)) = (assembly.chunks(), product)
                && assembly.chunk(0).is_some_and(|chunk| chunk.region == assembly.region)
            {
                // The chunk is the volume.
                let queue = if is_visible { &mut viewer.plan.visible } else { &mut viewer.plan.prefetch };
                queue.push(*wanted);
                continue;
            }
            assembly.keep_chunks.store(keep_chunks && is_visible, std::sync::atomic::Ordering::Relaxed);
            viewer.plan.add_assembly(&assembly, is_visible);
        }
        visible_bytes
    }
}

/// Plans the chunks of the finest level that hold the voxels asked for, behind what is on screen. Where that level is
/// drawn they are read for the picture.
fn plan_probes(viewer: &mut Viewer, request: &ViewRequest, wanted: &[Wish]) {
    for (layer, voxel) in &request.probes {
        let of_layer = wanted.iter().find(|wish| wish.whole.layer == *layer);
        let coarse = of_layer.filter(|wish| wish.keys.iter().all(|key| key.level > 0));
        let Some(array) = coarse.map(|wish| wish.of.image.finest()) else { continue };
        if let Some(chunk) = array.chunk_at(*voxel) {
            viewer.plan.visible.push(Wanted::new(chunk.key, &chunk.region, array.info().dtype.num_bytes()));
        }
    }
}
