//! Handing out pictures: what is at hand now, cut from chunks on the spot.

use std::sync::Arc;

use super::Stream;
use super::making::Product;
use super::state::{State, Trash};
use crate::array::{ArrayChunk, Loaded, unsqueeze};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{DType, Picture, Region, Shape, Voxels, copy_region};

/// What can be said of a picture now.
#[derive(Clone, Debug)]
pub enum PictureState {
    /// The exact picture. What of it could not be read is among its missing parts.
    Ready(Arc<Voxels>),
    /// Not all of it is there yet.
    Loading,
    /// Nothing of it can be had.
    Failed(ReadError),
}

impl PictureState {
    /// The voxels, if they are there.
    pub fn ready(self) -> Option<Arc<Voxels>> {
        match self {
            Self::Ready(voxels) => Some(voxels),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// What a plane is cut from.
enum Cut {
    State(PictureState),
    Pieces {
        epoch: u64,
        dtype: DType,
        region: Region,
        shape: [usize; 2],
        pieces: Vec<(Region, Loaded)>,
        holes: Vec<Region>,
    },
}

impl Stream {
    /// The picture, if it can be had without waiting. A plane is assembled from cached chunks on the spot.
    pub fn picture(&self, picture: &Picture) -> PictureState {
        let state = self.look(picture);
        if !matches!(state, PictureState::Loading) {
            self.viewer.lock().note_shown(picture);
        }
        state
    }

    fn look(&self, picture: &Picture) -> PictureState {
        // The lock ends with this line: assembling needs none.
        let cut = self.cut(&mut self.shared.state.lock(), picture);
        match cut {
            Cut::State(state) => state,
            Cut::Pieces { epoch, dtype, region, shape, pieces, holes } => {
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
                let flat = missing.iter().filter_map(|part| flatten_plane(part, &region, picture)).collect();
                let voxels = Arc::new(Voxels::new(dtype, shape, buffer, flat));
                let mut trash = Trash::default();
                let mut state = self.shared.state.lock();
                // Chunks of more than the plane may be there, and nothing of the plane.
                let reason = pieces.iter().find_map(|(_, loaded)| loaded.reason.clone()).filter(|_| voxels.is_void());
                if let Some(error) = reason {
                    if state.epoch == epoch {
                        state.failed.insert(Product::Picture(*picture), error.clone());
                        state.note_change(picture.t(), picture.t() + 1);
                    }
                    return PictureState::Failed(error);
                }
                // The array may have been replaced since the pieces were taken, by one of equal extent even.
                if state.epoch == epoch {
                    state.planes.insert(*picture, Arc::clone(&voxels), &mut trash.pictures);
                }
                drop(state);
                PictureState::Ready(voxels)
            }
        }
    }

    fn cut(&self, state: &mut State, picture: &Picture) -> Cut {
        let array = Arc::clone(&state.array);
        let region = array.picture_region(picture);
        if region.is_empty() {
            let message = format!("timepoint {} is not in the recording", picture.t());
            return Cut::State(PictureState::Failed(array.error(ReadErrorKind::Missing, message)));
        }
        if let Picture::Projection { .. } = picture {
            return Cut::State(match state.projections.get(picture) {
                Some(voxels) => PictureState::Ready(voxels),
                None => match state.projection_failure(picture) {
                    Some(error) => PictureState::Failed(error.clone()),
                    None => PictureState::Loading,
                },
            });
        }
        if let Some(voxels) = state.planes.get(picture) {
            return Cut::State(PictureState::Ready(voxels));
        }
        if let Some(error) = state.failed.get(&Product::Picture(*picture)) {
            return Cut::State(PictureState::Failed(error.clone()));
        }
        let shape = array.picture_shape(picture);
        let mut chunks: Vec<ArrayChunk> = Vec::new();
        array.chunks(&region, &mut chunks);
        let (mut pieces, mut holes, mut failure) = (Vec::new(), Vec::new(), None);
        for chunk in &chunks {
            if let Some(entry) = state.cache.get(chunk.key.index) {
                if entry.region == region && entry.loaded.voxels.shape().dims() == shape {
                    return Cut::State(PictureState::Ready(Arc::clone(&entry.loaded.voxels)));
                }
                pieces.push((entry.region, entry.loaded.clone()));
            } else if let Some(error) = state.failures.get(&chunk.key.index) {
                holes.extend(chunk.region.intersect(&region));
                failure.get_or_insert_with(|| error.clone());
            } else {
                return Cut::State(PictureState::Loading);
            }
        }
        match failure {
            Some(error) if pieces.is_empty() => Cut::State(PictureState::Failed(error)),
            _ => Cut::Pieces { epoch: state.epoch, dtype: array.info().dtype, region, shape, pieces, holes },
        }
    }

    /// Why parts of a picture are missing; `None` where none are, or it is not at hand.
    pub fn missing_reason(&self, picture: &Picture) -> Option<ReadError> {
        let state = self.shared.state.lock();
        match picture {
            Picture::Projection { .. } => {
                let whole = state.projection_failure(picture);
                whole.or_else(|| state.reasons.get(picture)).cloned()
            }
            Picture::Plane { .. } => {
                let mut chunks = Vec::new();
                state.array.chunks(&state.array.picture_region(picture), &mut chunks);
                chunks.iter().find_map(|chunk| {
                    let kept = state.cache.get(chunk.key.index).and_then(|entry| entry.loaded.reason.as_ref());
                    kept.or_else(|| state.failures.get(&chunk.key.index)).cloned()
                })
            }
        }
    }

    /// The picture of the same kind nearest in time that can be had without waiting, the exact one included.
    pub fn nearest(&self, picture: &Picture) -> Option<(Picture, Arc<Voxels>)> {
        let t = {
            let mut availability = self.availability.lock();
            availability.update(&mut self.shared.state.lock(), picture);
            availability.nearest(picture.t())?
        };
        let found = picture.at(t);
        Some((found, self.look(&found).ready()?))
    }

    /// A low-resolution stand-in for a picture that is still loading. Not for reading values from.
    pub fn preview(&self, picture: &Picture) -> Option<Arc<Voxels>> {
        self.shared.state.lock().previews.get(picture)
    }

    /// The volume (z, y, x) of a timepoint, if it is there.
    pub fn volume(&self, t: usize) -> Option<Arc<Voxels>> {
        self.shared.state.lock().volume(t)
    }
}

impl State {
    /// Why nothing of a projection can be had.
    pub(super) fn projection_failure(&self, picture: &Picture) -> Option<&ReadError> {
        self.failed.get(&Product::Picture(*picture)).or_else(|| self.volume_failure(picture.t()))
    }
}

/// A missing box in rows and columns of a plane.
fn flatten_plane(part: &Region, region: &Region, picture: &Picture) -> Option<Region> {
    let part = part.intersect(region)?.relative_to(region.start());
    let (rows, columns) = picture.orientation().plane_axes();
    let pick = |bounds: &[usize]| [bounds[rows.index()], bounds[columns.index()]];
    Region::new(&pick(part.start()), &pick(part.stop()))
}
