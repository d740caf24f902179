//! Who folds projections of whole volumes where the loader threads need not do it chunk by chunk: a GPU. The
//! stream alone decides which pictures are left to it, brings the volumes, and takes the results in as its own.

use std::sync::Arc;

use super::Stream;
use crate::volume::{DType, NotFolded, Picture, VolumeFold, Voxels};

/// Something that folds volumes, to the same values as [`crate::volume::project_for_display`]: integers to the
/// bit, floats to 1e-6.
pub trait Projector: Send + Sync {
    /// Whether such a picture of volumes of that type and extent (z, y, x) is to be folded here: it can be,
    /// and faster than on the CPU. Answers at once.
    fn takes(&self, dtype: DType, dims: [usize; 3], picture: &Picture) -> bool;

    /// Folds a volume; its result may lie elsewhere than in memory ([`Voxels::away`]). Called from loader
    /// threads, may take long, and asks `goes_on` now and then.
    ///
    /// # Errors
    /// [`NotFolded`] says what to do instead.
    fn fold(&self, fold: &VolumeFold<'_>, goes_on: &dyn Fn() -> bool) -> Result<Voxels, NotFolded>;

    /// Bytes of pictures outside memory that there is room for.
    fn budget_bytes(&self) -> usize;
}

impl Stream {
    /// Folds by `projector` from now on what that takes. The view is planned again.
    pub fn set_projector(&self, projector: Arc<dyn Projector>) {
        let away_bytes = projector.budget_bytes();
        {
            let mut state = self.shared.state.lock();
            state.folds.set_projector(projector);
            state.projections.set_away_budget(away_bytes);
        }
        self.request_again(None);
    }
}
