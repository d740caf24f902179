//! Projections folded outside: the stream hands out volumes and takes in what was folded of them, so that
//! they are cached, counted and found like any other picture. What lacks voxels is folded here.

use std::sync::Arc;

use super::Stream;
use super::loader::{INTERNAL_ERROR, Shared, guarded};
use super::log::Moment;
use super::making::{Finished, Product};
use super::state::{State, Trash};
use crate::array::{ChunkKey, Loaded};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{Picture, PictureKey, VolumeKey, Voxels, project_for_display};

/// Volumes waiting to be folded here, besides that of the picture on screen.
const MAX_WAITING: usize = 2;

/// A volume of which a projection is wanted.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The projection.
    pub key: PictureKey,
    /// The whole volume (z, y, x), nothing missing.
    pub volume: Arc<Voxels>,
    /// Whether it is the picture that was asked for, and not one that may be next.
    pub is_visible: bool,
    since: Moment,
}

impl Stream {
    /// The next volume to fold: for this projection if its volume is there and it is not, otherwise for one
    /// like it that has been read ahead. Ask while [`super::ViewRequest::want_volume`] is set.
    pub fn next_fold(&self, key: &PictureKey) -> Option<Fold> {
        let Picture::Projection { .. } = key.picture else { return None };
        let viewer = self.viewer.lock();
        let mut state = self.shared.state.lock();
        if !state.from_volumes.contains(&key.layer) {
            return None;
        }
        let since = state.layer(key.layer)?.data.now();
        let ahead = viewer.ahead.iter().map(|ahead| key.at(ahead.t()));
        for wanted in std::iter::once(*key).chain(ahead) {
            if state.is_folded(&wanted) {
                continue;
            }
            let Some(volume) = state.volume(&wanted.volume()) else { continue };
            let is_visible = wanted == *key;
            if volume.missing().is_empty() {
                return Some(Fold { key: wanted, volume, is_visible, since });
            }
            if is_visible || state.folds.len() < MAX_WAITING {
                let reason = state.volume_reason(&wanted.volume());
                state.fold_here(wanted, Loaded { voxels: volume, reason });
                self.shared.notify();
            }
        }
        None
    }

    /// Takes in a projection. One of data that have changed meanwhile is dropped.
    pub fn land_fold(&self, fold: &Fold, voxels: Arc<Voxels>) {
        self.shared.land_fold(&fold.key, fold.since, Ok(Loaded { voxels, reason: None }));
    }

    /// Has the loader threads fold it after all.
    pub fn fold_on_cpu(&self, fold: Fold) {
        let mut state = self.shared.state.lock();
        if state.is_true(fold.key.layer, fold.since, fold.key.picture.t()) && !state.is_folded(&fold.key) {
            state.fold_here(fold.key, Loaded { voxels: fold.volume, reason: None });
        }
        drop(state);
        self.shared.notify();
    }
}

impl State {
    /// Whether there is nothing to do for a projection: it is there, being made, or known to fail.
    fn is_folded(&self, key: &PictureKey) -> bool {
        self.projections.contains(key)
            || self.folding.contains(key)
            || self.failed.contains_key(&Product::Picture(*key))
    }

    /// Puts a finished projection where it is found.
    pub(super) fn keep_projection(&mut self, key: &PictureKey, finished: Finished, trash: &mut Trash) {
        match finished {
            Ok(Loaded { voxels, reason }) => {
                if let Some(reason) = reason {
                    self.reasons.insert(*key, reason);
                }
                if !self.projections.insert(*key, voxels, &mut trash.pictures) {
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

    fn fold_here(&mut self, key: PictureKey, volume: Loaded) {
        self.folding.push(key);
        self.folds.push_back((key, volume));
    }

    /// The volume of a timepoint, if it is there.
    pub(super) fn volume(&mut self, key: &VolumeKey) -> Option<Arc<Voxels>> {
        if let Some(volume) = self.volumes.get(key) {
            return Some(volume);
        }
        // A chunk that is the volume needs no copy.
        let voxels = &self.cache.get(self.volume_chunk(key)?)?.loaded.voxels;
        (voxels.shape().rank() == 3).then(|| Arc::clone(voxels))
    }

    /// Why parts of a volume are missing.
    fn volume_reason(&mut self, key: &VolumeKey) -> Option<ReadError> {
        let chunk = self.volume_chunk(key);
        let kept = chunk.and_then(|chunk| self.cache.get(chunk)?.loaded.reason.clone());
        kept.or_else(|| self.volume_reasons.get(key).cloned())
    }

    /// Why the volume that projections are folded from cannot be had.
    pub(super) fn volume_failure(&self, key: &VolumeKey) -> Option<&ReadError> {
        if !self.from_volumes.contains(&key.layer) {
            return None;
        }
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
    pub(super) fn fold(&self, key: &PictureKey, volume: &Loaded, since: Moment) -> bool {
        let Picture::Projection { orientation, slab, op, .. } = key.picture else { return false };
        let folded = guarded(|| project_for_display(&volume.voxels, orientation, slab, op, &self.pool));
        let Some(voxels) = folded else {
            let array = self.state.lock().array_of(key.layer, key.level).map(Arc::clone);
            let error = array.map(|array| array.error(ReadErrorKind::Corrupt, INTERNAL_ERROR.to_owned()));
            return error.is_some_and(|error| self.land_fold(key, since, Err(error)));
        };
        let reason = volume.reason.clone().filter(|_| !voxels.is_whole());
        let finished = match reason {
            Some(error) if voxels.is_void() => Err(error),
            reason => Ok(Loaded { voxels: Arc::new(voxels), reason }),
        };
        self.land_fold(key, since, finished)
    }

    fn land_fold(&self, key: &PictureKey, since: Moment, finished: Finished) -> bool {
        let mut trash = Trash::default();
        let mut state = self.state.lock();
        state.folding.retain(|known| known != key);
        if !state.is_true(key.layer, since, key.picture.t()) {
            return false;
        }
        state.keep_projection(key, finished, &mut trash);
        state.note_trash(&trash);
        state.visible_products.contains(&Product::Volume(key.volume()))
    }
}
