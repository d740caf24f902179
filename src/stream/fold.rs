//! Folding whole volumes: by the projector, or here what lacks voxels or it refuses. What comes of it is
//! cached, counted and found like any other picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::assembly::{Assembly, Finished, Product};
use super::loader::{INTERNAL_ERROR, Shared, guarded};
use super::log::Moment;
use super::projector::Projector;
use super::state::{Class, Dropped, State, Task};
use crate::array::{ChunkKey, Loaded};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{DType, NotFolded, Picture, PictureKey, Pool, VolumeFold, VolumeKey, Voxels, project_for_display};

/// A volume that is there, and what is to be made of it.
pub(super) struct FoldTask {
    key: PictureKey,
    /// Who folds it; `None`: the thread itself.
    projector: Option<Arc<dyn Projector>>,
    /// Identity of the volume's voxels.
    id: u64,
    /// The volume, unless only the projector has it.
    volume: Option<Loaded>,
    dtype: DType,
    dims: [usize; 3],
    /// When it was begun with, among the changes of the recording.
    since: Moment,
    /// Set when it is to stop.
    stop: Arc<AtomicBool>,
}

impl State {
    /// The next volume to fold for threads of a class.
    pub(super) fn next_fold(&mut self, class: Class) -> Option<Task> {
        loop {
            let visible = if class == Class::Background { None } else { self.folds.next(true) };
            let other = || if class == Class::Foreground { None } else { self.folds.next(false) };
            let key = visible.or_else(other)?;
            if let Some(task) = self.begin_fold(key) {
                return Some(Task::Fold(Box::new(task)));
            }
        }
    }

    /// Begins with a wish whose volume is there; `None`, and the wish waits or is gone, where it is not.
    fn begin_fold(&mut self, key: PictureKey) -> Option<FoldTask> {
        let volume_key = key.volume();
        let info = *self.array_of(key.layer, key.level)?.info();
        let voxels = self.volume(&volume_key);
        let is_whole = voxels.as_ref().is_none_or(|voxels| voxels.missing().is_empty());
        let projector = self.folds.projector_of(&key).filter(|_| is_whole).cloned();
        let volume = voxels.map(|voxels| Loaded { voxels, reason: self.volume_reason(&volume_key) });
        let resident = self.folds.resident(&volume_key).filter(|_| projector.is_some());
        let id = volume.as_ref().map(|loaded| loaded.voxels.id()).or(resident);
        let Some(id) = id else {
            // It has been given up since.
            self.folds.set_ready(&volume_key, false);
            self.want(key);
            return None;
        };
        let stop = self.folds.begin(key, projector.is_some(), is_whole);
        let ([_, z, y, x], since) = (info.shape, self.now_of(key.layer));
        Some(FoldTask { key, projector, id, volume, dtype: info.dtype, dims: [z, y, x], since, stop })
    }

    /// Has the volume of a projection read again, or, where the projector has refused it, the projection made
    /// of its chunks.
    fn want(&mut self, key: PictureKey) {
        let product = match self.folds.projector_of(&key) {
            Some(_) => Product::Volume(key.volume()),
            None => Product::Picture(key),
        };
        if matches!(product, Product::Picture(_)) {
            self.folds.fulfil(&key);
        }
        let known = self.assemblies.iter().find(|assembly| assembly.product == product).cloned();
        let snapshot = self.layer(key.layer).map(|layer| layer.snapshot());
        let max_bytes = self.projections.budget_bytes();
        let new = || Assembly::new(&snapshot?, product, max_bytes).map(Arc::new);
        let Some(assembly) = known.or_else(new) else { return };
        if !self.plan.assemblies.iter().any(|planned| Arc::ptr_eq(planned, &assembly)) {
            let is_visible = self.is_visible(&product);
            self.plan.add_assembly(&assembly, is_visible);
        }
        if !self.assemblies.iter().any(|known| Arc::ptr_eq(known, &assembly)) {
            self.assemblies.push(assembly);
        }
    }

    /// Whether it is what is on screen, or what that is folded from.
    pub(super) fn is_visible(&self, product: &Product) -> bool {
        self.visible_products.iter().any(|visible| match (visible, product) {
            (Product::Picture(key), Product::Volume(volume)) => key.volume() == *volume,
            (visible, product) => visible == product,
        })
    }

    /// Puts a finished projection where it is found.
    pub(super) fn keep_projection(&mut self, key: &PictureKey, finished: Finished, dropped: &mut Dropped) {
        self.folds.fulfil(key);
        match finished {
            Ok(Loaded { voxels, reason }) => {
                if let Some(reason) = reason {
                    self.reasons.insert(*key, reason);
                }
                if !self.projections.insert(*key, voxels, &mut dropped.pictures) {
                    let message = "is larger than the memory budget for pictures";
                    let array = self.array_of(key.layer, key.level);
                    let error = array.map(|array| array.error(ReadErrorKind::Unsupported, message.to_owned()));
                    self.failed.extend(error.map(|error| (Product::Picture(*key), error)));
                }
                self.note_change(key.layer, key.picture.t(), key.picture.t() + 1);
            }
            Err(error) => {
                self.failed.insert(Product::Picture(*key), error);
            }
        }
    }

    /// The volume of a timepoint, if it is in memory.
    pub(super) fn volume(&mut self, key: &VolumeKey) -> Option<Arc<Voxels>> {
        if let Some(volume) = self.volumes.get(key) {
            return Some(volume);
        }
        // A chunk that is the volume needs no copy.
        let voxels = &self.cache.get(self.volume_chunk(key)?)?.loaded.voxels;
        (voxels.shape().rank() == 3).then(|| Arc::clone(voxels))
    }

    /// Whether a volume is in memory, or with the projector as far as is known.
    pub(super) fn has_volume(&self, key: &VolumeKey) -> bool {
        let is_chunk = || self.volume_chunk(key).is_some_and(|chunk| self.cache.contains(chunk));
        self.volumes.contains(key) || self.folds.resident(key).is_some() || is_chunk()
    }

    /// A chunk has come that may be a volume.
    pub(super) fn note_volume_chunk(&mut self, chunk: ChunkKey) {
        let waiting: Vec<_> = self.folds.wishes().iter().filter(|wish| !wish.is_ready).copied().collect();
        for key in waiting.iter().map(|wish| wish.key.volume()) {
            if self.volume_chunk(&key) == Some(chunk) {
                self.folds.set_ready(&key, self.cache.contains(chunk));
            }
        }
    }

    /// Why parts of a volume are missing.
    fn volume_reason(&mut self, key: &VolumeKey) -> Option<ReadError> {
        let chunk = self.volume_chunk(key);
        let kept = chunk.and_then(|chunk| self.cache.get(chunk)?.loaded.reason.clone());
        kept.or_else(|| self.volume_reasons.get(key).cloned())
    }

    /// Why the volume that projections are folded from cannot be had.
    pub(super) fn volume_failure(&self, key: &VolumeKey) -> Option<&ReadError> {
        self.folds.projector()?;
        let failed = self.failed.get(&Product::Volume(*key));
        failed.or_else(|| self.failures.get(&self.volume_chunk(key)?))
    }

    /// The chunk that is the whole volume of a timepoint, where it is stored like that.
    fn volume_chunk(&self, key: &VolumeKey) -> Option<ChunkKey> {
        let array = self.array_of(key.layer, key.level)?;
        let whole = array.whole().with_axis(0, key.t, key.t.checked_add(1)?);
        array.chunk_at([key.t, 0, 0, 0]).filter(|chunk| chunk.region == whole).map(|chunk| chunk.key)
    }
}

impl Shared {
    /// Folds a volume; true if that is what is on screen.
    pub(super) fn fold(&self, task: &FoldTask) -> bool {
        let folded = match (&task.projector, &task.volume) {
            (Some(projector), _) => project_away(projector.as_ref(), task),
            (None, Some(volume)) => self.project_here(task, volume),
            (None, None) => Err(NotFolded::VolumeGone),
        };
        let folded = match (folded, &task.volume) {
            (Err(NotFolded::Refused(why)), volume) => {
                tracing::warn!("projections like {:?} are left to the CPU: {why}", task.key.picture);
                self.state.lock().folds.refuse(&task.key);
                volume.as_ref().map_or(Err(NotFolded::VolumeGone), |volume| self.project_here(task, volume))
            }
            (folded, _) => folded,
        };
        let mut dropped = Dropped::default();
        let mut state = self.state.lock();
        state.folds.end(&task.stop);
        if !state.is_true(task.key.layer, task.since, task.key.picture.t()) {
            drop(state);
            // Another can be begun with.
            self.notify();
            return false;
        }
        match folded {
            Ok(finished) => {
                if state.folds.projector_of(&task.key).is_some() && task.projector.is_some() {
                    state.folds.note_resident(task.key.volume(), task.id);
                }
                state.keep_projection(&task.key, finished, &mut dropped);
                state.note_dropped(&dropped);
            }
            Err(NotFolded::VolumeGone | NotFolded::Refused(_)) => {
                state.folds.forget_resident(&task.key.volume());
                let is_there = state.has_volume(&task.key.volume());
                state.folds.set_ready(&task.key.volume(), is_there);
                if !is_there {
                    state.want(task.key);
                }
            }
            // The wish for it remains, if it is one still.
            Err(NotFolded::GaveWay) => {}
        }
        let is_visible = state.is_visible(&Product::Picture(task.key));
        drop(state);
        self.notify();
        is_visible
    }

    /// Folds a volume on this thread.
    fn project_here(&self, task: &FoldTask, volume: &Loaded) -> Result<Finished, NotFolded> {
        if let Some(finished) = guarded(|| project_here(&task.key, volume, &self.pool)) {
            return Ok(finished);
        }
        let array = self.state.lock().array_of(task.key.layer, task.key.level).map(Arc::clone);
        let error = array.map(|array| array.error(ReadErrorKind::Corrupt, INTERNAL_ERROR.to_owned()));
        error.map(Err).ok_or(NotFolded::GaveWay)
    }
}

/// Folds a volume on the CPU.
fn project_here(key: &PictureKey, volume: &Loaded, pool: &Pool) -> Finished {
    let Picture::Projection { orientation, slab, op, .. } = key.picture else { return Ok(volume.clone()) };
    let voxels = project_for_display(&volume.voxels, orientation, slab, op, pool);
    match volume.reason.clone().filter(|_| !voxels.is_whole()) {
        Some(error) if voxels.is_void() => Err(error),
        reason => Ok(Loaded { voxels: Arc::new(voxels), reason }),
    }
}

/// Has the projector fold a volume. One that panics in spite of its promise has refused.
fn project_away(projector: &dyn Projector, task: &FoldTask) -> Result<Finished, NotFolded> {
    let Picture::Projection { orientation, slab, op, .. } = task.key.picture else {
        return Err(NotFolded::Refused("not a projection".to_owned()));
    };
    let voxels = task.volume.as_ref().map(|loaded| loaded.voxels.as_ref());
    let fold = VolumeFold { volume: task.id, voxels, dtype: task.dtype, dims: task.dims, orientation, slab, op };
    let goes_on = || !task.stop.load(Ordering::Acquire);
    let folded = guarded(|| projector.fold(&fold, &goes_on));
    let folded = folded.unwrap_or_else(|| Err(NotFolded::Refused("internal error".to_owned())))?;
    Ok(Ok(Loaded { voxels: Arc::new(folded), reason: None }))
}
