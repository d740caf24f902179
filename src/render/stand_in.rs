//! Which picture is drawn while a large one is on its way to the GPU: one like it or none, and by its own name.

use std::sync::Arc;

use super::canvas::PlaneDraw;
use super::planes::{Allowance, Plane};
use super::renderer::Renderer;
use crate::volume::{PictureKey, Voxels};

/// What the n-th draw of a frame remembers from frame to frame.
#[derive(Default)]
pub(super) struct Memory {
    /// The picture last seen complete, and its voxels.
    pub(super) shown: Option<(PictureKey, u64)>,
    /// A picture whose upload was begun. It is finished before another like it is begun, so that a scrub
    /// through large pictures shows some of them instead of none.
    pub(super) unfinished: Option<(PictureKey, Arc<Voxels>)>,
    /// Voxels for which there was no room in the last frame.
    pub(super) refused: Option<u64>,
}

impl Renderer {
    pub(super) fn will_draw(&self, nth: usize, key: &PictureKey, voxels: &Voxels) -> Option<PictureKey> {
        // What `plane_to_draw` will do, without doing it.
        let mut allowance = Allowance::new(self.config.upload_bytes_per_frame);
        let mut is_completed = |voxels: &Voxels| {
            let left = self.planes.rows_left(voxels, &self.textures);
            left.is_some_and(|(rows, row_bytes)| allowance.take_rows(rows, row_bytes) == rows)
        };
        let memory = self.memories.get(nth);
        let shown = memory.and_then(|memory| self.stand_in(memory, key, voxels));
        let mut stand_in = shown.map(|(key, _)| key);
        if let Some((other, unfinished)) = memory.and_then(|memory| memory.unfinished.as_ref())
            && unfinished.id() != voxels.id()
            && other.is_like(key)
            && unfinished.shape() == voxels.shape()
        {
            if is_completed(unfinished) {
                stand_in = Some(*other);
            } else if !self.is_complete(voxels.id()) {
                return stand_in;
            }
        }
        let is_refused = memory.is_some_and(|memory| memory.refused == Some(voxels.id()));
        if !is_refused && is_completed(voxels) { Some(*key) } else { stand_in }
    }

    fn is_complete(&self, id: u64) -> bool {
        self.planes.get(id, &self.textures).is_some_and(|plane| plane.is_complete())
    }

    /// The complete picture that may be drawn in the place of another.
    fn stand_in(&self, memory: &Memory, key: &PictureKey, voxels: &Voxels) -> Option<(PictureKey, Plane)> {
        let (shown, id) = memory.shown.filter(|(shown, _)| shown.is_like(key))?;
        let plane = self.planes.get(id, &self.textures)?;
        (*voxels.shape().dims() == [plane.size[1], plane.size[0]]).then_some((shown, plane))
    }

    /// The plane to draw: the one asked for, or the last complete one like it while that is on its way, or, where there is none, what has arrived of it.
    pub(super) fn plane_to_draw(&mut self, draw: &PlaneDraw, nth: usize) -> Option<Plane> {
        // The picture that is shown is taken into use first, so that its texture is not given away.
        let shown = self.memories[nth].shown.and_then(|(_, id)| self.planes.get(id, &self.textures));
        if let Some(plane) = shown {
            self.textures.touch(plane.lease, self.frame);
            plane.mask.map(|mask| self.textures.touch(mask, self.frame));
        }
        if let Some((key, voxels)) = self.memories[nth].unfinished.take()
            && voxels.id() != draw.voxels.id()
            && key.is_like(&draw.key)
            && voxels.shape() == draw.voxels.shape()
        {
            self.advance(&key, &voxels, nth);
        }
        let is_busy = self.memories[nth].unfinished.is_some();
        let is_waiting = is_busy && !self.is_complete(draw.voxels.id());
        let plane = if is_waiting { None } else { self.advance(&draw.key, &draw.voxels, nth) };
        if let Some(plane) = plane.filter(Plane::is_complete) {
            self.reduction = plane.factor;
            return Some(plane);
        }
        self.is_pending |= plane.is_some() || is_busy;
        let stand_in = self.stand_in(&self.memories[nth], &draw.key, &draw.voxels);
        stand_in.map(|(_, plane)| plane).or(plane).filter(|plane| plane.rows_done > 0)
    }

    /// Uploads more of a picture and remembers whether it is shown or unfinished.
    fn advance(&mut self, key: &PictureKey, voxels: &Arc<Voxels>, nth: usize) -> Option<Plane> {
        let Self { planes, textures, pipelines, allowance, frame, .. } = self;
        let plane = planes.advance(voxels, *frame, allowance, textures, pipelines);
        let memory = &mut self.memories[nth];
        memory.refused = plane.is_none().then_some(voxels.id());
        let plane = plane?;
        if plane.is_complete() {
            memory.shown = Some((*key, voxels.id()));
        } else {
            memory.unfinished = Some((*key, voxels.clone()));
        }
        Some(plane)
    }
}
