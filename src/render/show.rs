//! What a view is to show, and the answer: which pictures it will show. Given while the interface is built, so
//! that what the interface says of a picture and what is painted are one thing.
//!
//! A frame is one run of egui, whatever becomes of it: its passes share the allowance of bytes, it may be painted
//! never, once or more often, and a view that is not asked for in it is forgotten in the next.

use std::sync::Arc;

use super::planes::{Allowance, Plane};
use super::renderer::{Renderer, RendererHandle};
use super::tile::Tile;
use crate::volume::{PictureKey, ViewId, Voxels};

/// A picture that a view wants to show.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which picture it is.
    pub key: PictureKey,
    /// The plane, rank 2: rows and columns.
    pub voxels: Arc<Voxels>,
}

/// A part of a picture that a view wants to show.
#[derive(Clone, Debug)]
pub struct WantedTile {
    /// The picture, and the part's voxels.
    pub wanted: Wanted,
    /// Where they lie in it.
    pub tile: Tile,
    /// It is not shown by itself, but cut to the tiles that are not there yet: a coarser resolution, or a preview.
    pub is_backdrop: bool,
}

impl WantedTile {
    fn whole(wanted: &Wanted) -> Self {
        let size = <[usize; 2]>::try_from(wanted.voxels.shape().dims()).unwrap_or_default();
        Self { wanted: wanted.clone(), tile: Tile::whole(size), is_backdrop: false }
    }
}

/// A picture on the GPU, as it will be painted in the place of a wanted one.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    /// Which picture it is: the wanted one, or, while that is uploaded, one like it.
    pub key: PictureKey,
    /// Whether all of it has arrived; else the rows from the top that have.
    pub is_whole: bool,
    /// Whether it is a backdrop, drawn smoothly whatever the display says.
    pub is_backdrop: bool,
    /// The voxels'.
    pub(super) id: u64,
    pub(super) plane: Plane,
    /// Which part of the picture the plane is, and in which part of it it is drawn.
    pub(super) tile: Tile,
    pub(super) within: Tile,
}

impl Drawn {
    pub(super) fn new(key: PictureKey, id: u64, plane: Plane, tile: Tile) -> Self {
        Self { key, is_whole: plane.is_complete(), is_backdrop: false, id, plane, tile, within: tile }
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
        self.show_tiles(ctx, view, &wanted.iter().map(WantedTile::whole).collect::<Vec<_>>())
    }

    /// The same of parts of pictures. Those of one picture are drawn as if they were one; in the place of one that
    /// is not there yet stands the finest backdrop of the same picture that covers it, else the one at its place of
    /// the picture shown before. Backdrops are answered by `None`. All parts of a picture are handed over in one
    /// call.
    pub fn show_tiles(&self, ctx: &egui::Context, view: ViewId, wanted: &[WantedTile]) -> Vec<Option<Drawn>> {
        let mut renderer = self.lock();
        renderer.begin_frame(ctx.cumulative_frame_nr());
        let is_wanted = |drawn: &Option<Drawn>, nth: usize| {
            drawn.is_some_and(|drawn| drawn.is_whole && drawn.key == wanted[nth].wanted.key)
        };
        wanted.iter().for_each(|wanted| renderer.remember(view, wanted));
        // What stands in for others arrives before them.
        let mut drawn: Vec<Option<Drawn>> = vec![None; wanted.len()];
        for is_backdrop in [true, false] {
            for nth in (0..wanted.len()).filter(|&nth| wanted[nth].is_backdrop == is_backdrop) {
                drawn[nth] = renderer.show_tile(view, wanted, nth);
            }
        }
        let backdrops: Vec<_> = (0..wanted.len())
            .filter(|&nth| wanted[nth].is_backdrop && is_wanted(&drawn[nth], nth))
            .filter_map(|nth| drawn[nth])
            .collect();
        let answer = |nth: usize| match &wanted[nth] {
            WantedTile { is_backdrop: true, .. } => None,
            _ if is_wanted(&drawn[nth], nth) => drawn[nth],
            tile => backdrop_of(tile, &backdrops).or(drawn[nth]),
        };
        (0..wanted.len()).map(answer).collect()
    }

    /// Lets go of what the views of former frames held, unless they are shown in this frame, too. Showing a
    /// view does so by itself: this is for windows in which there may be none.
    pub fn begin_frame(&self, ctx: &egui::Context) {
        self.lock().begin_frame(ctx.cumulative_frame_nr());
    }
}

/// The finest backdrop of the same picture, whatever its resolution, that covers a tile.
fn backdrop_of(wanted: &WantedTile, backdrops: &[Drawn]) -> Option<Drawn> {
    let key = wanted.wanted.key;
    let is_it = |other: &&Drawn| {
        (other.key.layer, other.key.picture) == (key.layer, key.picture) && other.tile.covers(&wanted.tile)
    };
    let finest = backdrops.iter().filter(is_it).max_by(|a, b| a.tile.of[0].total_cmp(&b.tile.of[0]))?;
    Some(Drawn { is_backdrop: true, within: wanted.tile, ..*finest })
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
        if self.unsubmitted_bytes() > 0 {
            // The former frame was not painted: what it uploaded would pile up on the CPU's side.
            self.queue.submit([]);
            self.submitted_bytes = self.planes.uploaded_bytes;
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
