//! Projections folded by a real GPU from volumes of the stream, which takes them in as its own; a software
//! adapter leaves them to the CPU, which is several times faster there.

use std::collections::HashSet;

use crate::array::ViewInfo;
use crate::render::{ProjectionJob, RenderError, RendererHandle};
use crate::stream::{Fold, Stream};
use crate::volume::{Picture, PictureKey};

/// The projection being folded, and what is left to the CPU.
#[derive(Default)]
pub struct GpuProjections {
    renderer: Option<RendererHandle>,
    job: Option<(Fold, ProjectionJob)>,
    /// Kinds of pictures for which the GPU had no room, or with which it failed.
    refused: HashSet<Picture>,
}

impl GpuProjections {
    /// Folds on this renderer from now on.
    pub fn attach(&mut self, renderer: &RendererHandle) {
        self.renderer.get_or_insert_with(|| renderer.clone());
    }

    /// Whether a picture is folded here, and so whether the stream has to deliver its volume.
    pub fn wants_volume(&self, picture: &Picture, info: &ViewInfo) -> bool {
        let (Some(renderer), &Picture::Projection { orientation, slab, op, .. }) = (&self.renderer, picture) else {
            return false;
        };
        let [_, z, y, x] = info.shape;
        !self.refused.contains(&picture.at(0)) && renderer.can_project(info.dtype, [z, y, x], orientation, slab, op)
    }

    /// Goes on as far as that needs no waiting: finishes what is under way, then begins with this picture
    /// or what may be next. Call once a frame.
    pub fn advance(&mut self, key: &PictureKey, stream: &Stream) {
        // What is folded for later gives way while it is uploaded; its voxels stay on the GPU.
        if self.job.as_ref().is_some_and(|(fold, job)| !fold.is_visible && !job.is_folding())
            && let Some(fold) = stream.next_fold(key).filter(|fold| fold.is_visible)
        {
            self.begin(fold, stream);
        }
        if self.job.is_some() && !self.poll(stream) {
            return;
        }
        if let Some(fold) = stream.next_fold(key) {
            self.begin(fold, stream);
            self.poll(stream);
        }
    }

    /// Whether a projection is under way, and the next frame should come soon.
    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// Drops what is under way: the data have changed.
    pub fn abandon(&mut self) {
        self.job = None;
    }

    fn begin(&mut self, fold: Fold, stream: &Stream) {
        let Picture::Projection { orientation, slab, op, .. } = fold.key.picture else { return };
        let Some(renderer) = &self.renderer else { return };
        match renderer.project(&fold.volume, orientation, slab, op) {
            Ok(job) => self.job = Some((fold, job)),
            Err(error) => self.refuse(fold, &error, stream),
        }
    }

    /// One step of the job under way; true if there is none left.
    fn poll(&mut self, stream: &Stream) -> bool {
        let Some((fold, mut job)) = self.job.take() else { return true };
        match job.poll() {
            None => self.job = Some((fold, job)),
            Some(Ok(voxels)) => stream.land_fold(&fold, voxels),
            Some(Err(error)) => self.refuse(fold, &error, stream),
        }
        self.job.is_none()
    }

    fn refuse(&mut self, fold: Fold, error: &RenderError, stream: &Stream) {
        tracing::warn!("projections like {:?} are left to the CPU: {error}", fold.key.picture);
        self.refused.insert(fold.key.picture.at(0));
        stream.fold_on_cpu(fold);
    }
}
