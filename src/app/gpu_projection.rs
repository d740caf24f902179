//! The GPU as the stream's projector.

use crate::render::RendererHandle;
use crate::stream::Projector;
use crate::volume::{DType, NotFolded, Picture, VolumeFold, Voxels};

impl Projector for RendererHandle {
    fn takes(&self, dtype: DType, dims: [usize; 3], picture: &Picture) -> bool {
        match *picture {
            Picture::Projection { orientation, slab, op, .. } => self.can_project(dtype, dims, orientation, slab, op),
            Picture::Plane { .. } => false,
        }
    }

    fn fold(&self, fold: &VolumeFold<'_>, goes_on: &dyn Fn() -> bool) -> Result<Voxels, NotFolded> {
        self.fold(fold, goes_on)
    }

    fn budget_bytes(&self) -> usize {
        self.folded_budget_bytes()
    }
}
