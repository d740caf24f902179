//! Handing out pictures: what is at hand now, cut from chunks on the spot.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use super::Stream;
use super::assembly::{Product, too_large};
use super::layer::{Layer, Snapshot};
use super::log::Moment;
use super::request::PictureRequest;
use super::state::{Dropped, State};
use crate::array::{ArrayChunk, Loaded, unsqueeze};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{DType, LayerId, Picture, PictureKey, Region, Shape, VolumeKey, Voxels, copy_region};

/// What can be said of a picture now.
#[derive(Clone, Debug)]
pub enum PictureState {
    /// The exact picture. What of it could not be read is among its missing parts.
    Ready(Arc<Voxels>),
    /// Not all of it is there yet.
    Loading,
    /// Nothing of it can be had.
    Failed(ReadError),
    /// It is not made, because it does not fit into memory; that of a coarser level may ([`crate::array::Image::stand_in`]).
    Refused(ReadError),
}

impl PictureState {
    /// The voxels, if they are there.
    pub fn ready(self) -> Option<Arc<Voxels>> {
        match self {
            Self::Ready(voxels) => Some(voxels),
            Self::Loading | Self::Failed(_) | Self::Refused(_) => None,
        }
    }
}

/// What a plane is cut from.
enum Cut {
    State(PictureState),
    Pieces {
        since: Moment,
        dtype: DType,
        region: Region,
        shape: [usize; 2],
        pieces: Vec<(Region, Loaded)>,
        holes: Vec<Region>,
    },
}

impl Stream {
    /// The picture, if it can be had without waiting. A plane is assembled from cached chunks on the spot.
    pub fn picture(&self, key: &PictureKey) -> PictureState {
        let state = self.look(key);
        if !matches!(state, PictureState::Loading) {
            self.viewer.lock().note_shown(key);
        }
        state
    }

    /// Whether so many bytes of planes put together are kept, so that they need not all be in one frame.
    pub fn keeps_planes(&self, num_bytes: usize) -> bool {
        num_bytes <= self.shared.state.lock().planes.budget_bytes()
    }

    /// The same, but nothing is assembled any more from a moment on: what would have to be is still loading.
    pub fn picture_by(&self, key: &PictureKey, deadline: Instant) -> PictureState {
        let state = self.look_by(key, Some(deadline));
        if !matches!(state, PictureState::Loading) {
            self.viewer.lock().note_shown(key);
        }
        state
    }

    fn look(&self, key: &PictureKey) -> PictureState {
        self.look_by(key, None)
    }

    fn look_by(&self, key: &PictureKey, deadline: Option<Instant>) -> PictureState {
        // The lock ends with this line: assembling needs none.
        let cut = self.cut(&mut self.shared.state.lock(), key);
        match cut {
            Cut::State(state) => state,
            Cut::Pieces { .. } if deadline.is_some_and(|deadline| Instant::now() >= deadline) => PictureState::Loading,
            Cut::Pieces { since, dtype, region, shape, pieces, holes } => {
                let shape = Shape::from(shape);
                let Some(num_bytes) = shape.num_bytes(dtype) else { return PictureState::Loading };
                let mut buffer = self.shared.pool.take(num_bytes);
                let mut missing = holes;
                for (piece, loaded) in &pieces {
                    copy_region(loaded.voxels.bytes(), piece, buffer.bytes_mut(), &region, dtype.num_bytes());
                    let parts = loaded.voxels.missing().iter();
                    missing
                        .extend(parts.filter_map(|part| unsqueeze(part).offset_by(piece.start()).intersect(&region)));
                }
                let flat = missing.iter().filter_map(|part| flatten_plane(part, &region, &key.picture)).collect();
                let voxels = Arc::new(Voxels::new(dtype, shape, buffer, flat));
                let mut dropped = Dropped::default();
                let mut state = self.shared.state.lock();
                // The data may have changed since the pieces were taken.
                let is_true = state.is_true(key.layer, since, key.picture.t());
                // Chunks of more than the plane may be there, and nothing of the plane.
                let reason = pieces
                    .iter()
                    .find_map(|(_, loaded)| loaded.reason.clone())
                    .filter(|_| voxels.is_void() && key.tile.is_none());
                if let Some(error) = reason {
                    if is_true {
                        state.failed.insert(Product::Picture(*key), error.clone());
                        state.note_change(key.layer, key.picture.t(), key.picture.t() + 1);
                    }
                    return PictureState::Failed(error);
                }
                if is_true {
                    state.planes.insert(*key, Arc::clone(&voxels), &mut dropped.pictures);
                }
                drop(state);
                PictureState::Ready(voxels)
            }
        }
    }

    fn cut(&self, state: &mut State, key: &PictureKey) -> Cut {
        let layer = state.layer(key.layer).map(Layer::snapshot);
        let Some((array, region, shape, since)) = layer.and_then(|Snapshot { image, since }| {
            let shape = image.part(key)?.map(|[start, stop]| stop - start);
            Some((Arc::clone(image.level(key.level)?), image.picture_region(key)?, shape, since))
        }) else {
            // Of a former recording, whose pictures are gone: whoever asks has not heard of it yet.
            return Cut::State(PictureState::Loading);
        };
        let picture = &key.picture;
        if region.is_empty() {
            let message = format!("timepoint {} is not in the recording", picture.t());
            return Cut::State(PictureState::Failed(array.error(ReadErrorKind::Missing, message)));
        }
        if let Picture::Projection { .. } = picture {
            return Cut::State(match state.projections.get(key) {
                Some(voxels) => PictureState::Ready(voxels),
                None => match state.projection_failure(key) {
                    Some(error) if too_large(&array, picture, state.projections.budget_bytes()).is_some() => {
                        PictureState::Refused(error.clone())
                    }
                    Some(error) => PictureState::Failed(error.clone()),
                    None => PictureState::Loading,
                },
            });
        }
        if let Some(voxels) = state.planes.get(key) {
            return Cut::State(PictureState::Ready(voxels));
        }
        if let Some(error) = state.failed.get(&Product::Picture(*key)) {
            return Cut::State(PictureState::Failed(error.clone()));
        }
        let mut chunks: Vec<ArrayChunk> = Vec::new();
        array.chunks(&region, &mut chunks);
        let (mut pieces, mut holes, mut failure) = (Vec::new(), Vec::new(), None);
        for chunk in &chunks {
            if let Some(entry) = state.cache.get(chunk.key) {
                if entry.region == region && entry.loaded.voxels.shape().dims() == shape {
                    return Cut::State(PictureState::Ready(Arc::clone(&entry.loaded.voxels)));
                }
                pieces.push((entry.region, entry.loaded.clone()));
            } else if let Some(error) = state.failures.get(&chunk.key) {
                holes.extend(chunk.region.intersect(&region));
                failure.get_or_insert_with(|| error.clone());
            } else {
                return Cut::State(PictureState::Loading);
            }
        }
        match failure {
            // Of a picture in tiles the others may be there: this one is drawn as missing among them.
            Some(error) if pieces.is_empty() && key.tile.is_none() => Cut::State(PictureState::Failed(error)),
            _ => Cut::Pieces { since, dtype: array.info().dtype, region, shape, pieces, holes },
        }
    }

    /// Why parts of a picture are missing; `None` where none are, or it is not at hand.
    pub fn missing_reason(&self, key: &PictureKey) -> Option<ReadError> {
        let state = self.shared.state.lock();
        match key.picture {
            Picture::Projection { .. } => {
                let whole = state.projection_failure(key);
                whole.or_else(|| state.reasons.get(key)).cloned()
            }
            Picture::Plane { .. } => {
                let mut chunks = Vec::new();
                state.chunks_of(key, &mut chunks);
                chunks.iter().find_map(|chunk| {
                    let kept = state.cache.get(chunk.key).and_then(|entry| entry.loaded.reason.as_ref());
                    kept.or_else(|| state.failures.get(&chunk.key)).cloned()
                })
            }
        }
    }

    /// The picture of the same kind nearest in time that can be had without waiting, the exact one included.
    pub fn nearest(&self, key: &PictureKey) -> Option<(PictureKey, Arc<Voxels>)> {
        let t = {
            let mut availability = self.availability.lock();
            availability.of(&self.shared.state.lock(), key).nearest(key.picture.t())?
        };
        let found = key.at(t);
        Some((found, self.look(&found).ready()?))
    }

    /// What is to be asked for and drawn for a part of a request, the most central first: the picture, or the
    /// tiles of it that are in view; nothing where its layer is not here.
    pub fn keys(&self, request: &PictureRequest) -> Vec<PictureKey> {
        let image = self.image(request.layer);
        image.map_or_else(Vec::new, |image| request.keys(&image))
    }

    /// The timepoint nearest to theirs at which all of these can be had without waiting, their own included.
    pub fn nearest_of(&self, keys: &[PictureKey]) -> Option<usize> {
        let t = keys.first()?.picture.t();
        let nearest = self.cached_ranges_of(keys).into_iter().map(|[start, stop]| t.clamp(start, stop - 1));
        nearest.min_by_key(|found| (found.abs_diff(t), Reverse(*found)))
    }

    /// A voxel of a layer in full resolution: `None` where it has not been read, `Some(None)` where it cannot
    /// be had. Never waits.
    pub fn value_at(&self, layer: LayerId, voxel: [usize; 4]) -> Option<Option<String>> {
        let state = self.shared.state.lock();
        let chunk = state.array_of(layer, 0)?.chunk_at(voxel)?;
        let Some(entry) = state.cache.get(chunk.key) else {
            return state.failures.contains_key(&chunk.key).then_some(None);
        };
        let start = entry.region.start();
        let index = [0, 1, 2, 3].map(|axis| voxel[axis] - start[axis]);
        let voxels = Arc::clone(&entry.loaded.voxels);
        drop(state);
        // Leading axes of extent 1 are not kept.
        Some(voxels.format_value(&index[4 - voxels.shape().rank()..]))
    }

    /// A low-resolution stand-in for a picture that is still loading. Not for reading values from.
    pub fn preview(&self, key: &PictureKey) -> Option<Arc<Voxels>> {
        self.shared.state.lock().previews.get(key)
    }

    /// The volume (z, y, x) of a timepoint, if it is there.
    pub fn volume(&self, key: &VolumeKey) -> Option<Arc<Voxels>> {
        self.shared.state.lock().volume(key)
    }
}

impl State {
    /// Why nothing of a projection can be had.
    pub(super) fn projection_failure(&self, key: &PictureKey) -> Option<&ReadError> {
        self.failed.get(&Product::Picture(*key)).or_else(|| self.volume_failure(&key.volume()))
    }
}

/// A missing box in rows and columns of a plane.
fn flatten_plane(part: &Region, region: &Region, picture: &Picture) -> Option<Region> {
    let part = part.intersect(region)?.relative_to(region.start());
    let (rows, columns) = picture.orientation().plane_axes();
    let pick = |bounds: &[usize]| [bounds[rows.index()], bounds[columns.index()]];
    Region::new(&pick(part.start()), &pick(part.stop()))
}
