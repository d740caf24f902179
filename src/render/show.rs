//! What a view is to show, and the answer: which pictures it will show. Given while the interface is built, so
//! that what the interface says of a picture and what is painted are one thing.
//!
//! A frame is one run of egui, whatever becomes of it: its passes share the allowance of bytes, it may be painted
//! never, once or more often, and a view that is not asked for in it is forgotten in the next.

use std::sync::Arc;

use super::planes::{Allowance, Plane};
use super::renderer::{Renderer, RendererHandle};
use crate::volume::{PictureKey, ViewId, Voxels};

/// A picture that a view wants to show.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which picture it is.
    pub key: PictureKey,
    /// The plane, rank 2: rows and columns.
    pub voxels: Arc<Voxels>,
}

/// A picture on the GPU, as it will be painted in the place of a wanted one.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    /// Which picture it is: the wanted one, or, while that is uploaded, one like it.
    pub key: PictureKey,
    /// Whether all of it has arrived; else the rows from the top that have.
    pub is_whole: bool,
    /// The voxels'.
    pub(super) id: u64,
    pub(super) plane: Plane,
}

impl Drawn {
    pub(super) fn new(key: PictureKey, id: u64, plane: Plane) -> Self {
        Self { key, is_whole: plane.is_complete(), id, plane }
    }
}

impl RendererHandle {
    /// Uploads what a view wants to show, all layers of it, as far as the frame's allowance goes, and answers
    /// what is painted in the place of each, in the order wanted. `None`: nothing, because nothing of it has
    /// arrived, it is no plane, or there is no room. Where a large picture takes several frames, the one like
    /// it that was shown before stays until then, under its own name.
    ///
    /// Call it in each pass of `ctx` for every view that is seen, once with everything in it, which may be
    /// nothing.
    pub fn show(&self, ctx: &egui::Context, view: ViewId, wanted: &[Wanted]) -> Vec<Option<Drawn>> {
        let mut renderer = self.lock();
        renderer.begin_frame(ctx.cumulative_frame_nr());
        wanted.iter().map(|wanted| renderer.show_layer((view, wanted.key.layer), wanted)).collect()
    }

    /// Lets go of what the views of former frames held, unless they are shown in this frame, too. Showing a
    /// view does so by itself: this is for windows in which there may be none.
    pub fn begin_frame(&self, ctx: &egui::Context) {
        self.lock().begin_frame(ctx.cumulative_frame_nr());
    }
}

impl Renderer {
    /// Begins the frame of egui with this number, unless it is under way.
    fn begin_frame(&mut self, frame: u64) {
        if self.frame_of_egui == Some(frame) {
            return;
        }
        self.frame_of_egui = Some(frame);
        self.frame += 1;
        self.allowance = Allowance::new(self.config.upload_bytes_per_frame);
        self.uniforms.begin_frame();
        if std::mem::take(&mut self.is_upload_unsubmitted) {
            // The former frame was not painted: what it uploaded would pile up on the CPU's side.
            self.queue.submit([]);
        }
        if self.health.take_out_of_memory() {
            self.textures.halve_budget();
        }
        self.planes.forget_lost(&mut self.textures);
        self.memories.retain(|_, memory| memory.is_of_frame_before(frame));
        // What is on screen is taken into use first, so that no texture of one view is given to another's picture.
        for memory in self.memories.values() {
            memory.touch(&self.planes, &mut self.textures, self.frame);
        }
    }
}
