//! Projections folded by a real GPU from volumes of the stream; a software one leaves them to the CPU,
//! which is several times faster there.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::render::{ProjectionJob, RendererHandle};
use crate::stream::Stream;
use crate::volume::{Picture, Voxels};

/// Bytes of finished projections kept, so that going back folds nothing.
const BUDGET_BYTES: usize = 128 << 20;

/// Projections being folded and folded.
#[derive(Default)]
pub struct GpuProjections {
    job: Option<(Picture, ProjectionJob)>,
    done: VecDeque<(Picture, Arc<Voxels>)>,
    /// The GPU refused this kind of volume: the CPU folds from now on.
    has_refused: bool,
}

impl GpuProjections {
    /// Whether the GPU folds, and so whether the stream has to deliver volumes.
    pub fn is_on(&self, is_software: bool) -> bool {
        !is_software && !self.has_refused
    }

    /// The projection if it is finished; otherwise goes on with it as far as that needs no waiting.
    pub fn picture(&mut self, picture: &Picture, stream: &Stream, renderer: &RendererHandle) -> Option<Arc<Voxels>> {
        let Picture::Projection { t, orientation, slab, op } = *picture else { return None };
        if let Some((_, voxels)) = self.done.iter().find(|(known, _)| known == picture) {
            return Some(Arc::clone(voxels));
        }
        if self.job.as_ref().is_none_or(|(wanted, _)| wanted != picture) {
            let volume = stream.volume(t)?;
            match renderer.project(&volume, orientation, slab, op) {
                Ok(job) => self.job = Some((*picture, job)),
                Err(error) => return self.refuse(&error.to_string()),
            }
        }
        let (_, job) = self.job.as_mut()?;
        let result = job.poll()?;
        self.job = None;
        match result {
            Ok(voxels) => {
                self.keep(*picture, Arc::clone(&voxels));
                Some(voxels)
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// Whether a projection is under way, and the next frame should come soon.
    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// Forgets everything: the recording has changed.
    pub fn clear(&mut self) {
        *self = Self { has_refused: self.has_refused, ..Self::default() };
    }

    fn refuse(&mut self, reason: &str) -> Option<Arc<Voxels>> {
        tracing::info!("projections are left to the CPU: {reason}");
        self.job = None;
        self.has_refused = true;
        None
    }

    fn keep(&mut self, picture: Picture, voxels: Arc<Voxels>) {
        self.done.push_back((picture, voxels));
        let mut num_bytes: usize = self.done.iter().map(|(_, voxels)| voxels.num_bytes()).sum();
        while num_bytes > BUDGET_BYTES && self.done.len() > 1 {
            let dropped = self.done.pop_front();
            num_bytes -= dropped.map_or(0, |(_, voxels)| voxels.num_bytes());
        }
    }
}
