//! Which picture is drawn while a large one is on its way to the GPU: one like it or none, and by its own name.

use std::sync::Arc;

use super::planes::{Plane, Planes};
use super::renderer::Renderer;
use super::show::{Drawn, Wanted, WantedTile};
use super::textures::Textures;
use super::tile::Around;
use crate::volume::{LayerId, PictureKey, ViewId, Voxels};

/// Whose memory it is: what one view shows of one layer, of a tiled one at one place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    view: ViewId,
    layer: LayerId,
    level: u8,
    /// First row and column of the tile.
    from: [usize; 2],
    is_backdrop: bool,
}

impl Spot {
    fn of(view: ViewId, wanted: &WantedTile) -> Self {
        let WantedTile { wanted, tile, is_backdrop } = wanted;
        Self { view, layer: wanted.key.layer, level: wanted.key.level, from: tile.from, is_backdrop: *is_backdrop }
    }
}

/// What a view remembers of a spot from frame to frame.
#[derive(Default)]
pub(super) struct Memory {
    /// The frame of egui in which the view was last shown.
    pub(super) frame: u64,
    /// The picture last seen complete, and its voxels.
    shown: Option<(PictureKey, u64)>,
    /// The voxels themselves, where the CPU colours them.
    shown_voxels: Option<Arc<Voxels>>,
    /// A picture whose upload was begun. It is finished before another like it is begun, so that a scrub
    /// through large pictures shows some of them instead of none.
    unfinished: Option<Wanted>,
    /// An upload is unfinished.
    pub(super) is_pending: bool,
    /// Voxels along each side of what a texel of the picture shown stands for.
    pub(super) reduction: usize,
}

impl Memory {
    /// Whether the view was shown in the frame before this one.
    pub(super) fn is_of_frame_before(&self, frame: u64) -> bool {
        self.frame.checked_add(1) == Some(frame)
    }

    /// Keeps the texture of what is shown from being given away in this frame.
    pub(super) fn touch(&self, planes: &Planes, textures: &mut Textures, frame: u64) {
        let Some(plane) = self.shown.and_then(|(_, id)| planes.get(id, textures)) else { return };
        textures.touch(plane.lease, frame);
        plane.mask.map(|mask| textures.touch(mask, frame));
    }

    /// The voxels of what is shown, where the CPU colours them.
    pub(super) fn voxels(&self, id: u64) -> Option<&Arc<Voxels>> {
        self.shown_voxels.as_ref().filter(|voxels| voxels.id() == id)
    }

    /// The complete picture that may be drawn in the place of the wanted one.
    fn stand_in(&self, tile: &WantedTile, planes: &Planes, textures: &Textures) -> Option<Drawn> {
        let wanted = &tile.wanted;
        let (shown, id) = self.shown.filter(|(shown, _)| shown.is_like(&wanted.key))?;
        let plane = planes.get(id, textures)?;
        let is_alike = *wanted.voxels.shape().dims() == [plane.size[1], plane.size[0]];
        is_alike.then(|| Drawn::new(shown, id, plane, tile.tile))
    }
}

impl Renderer {
    /// Takes a spot into account, so that all that are shown share the budget.
    pub(super) fn remember(&mut self, view: ViewId, wanted: &WantedTile) {
        let frame = self.frame_of_egui.unwrap_or_default();
        self.memories.entry(Spot::of(view, wanted)).or_default().frame = frame;
        self.planes.num_shown = self.memories.len();
    }

    /// What to draw: the picture wanted, or the last complete one like it while that is on its way, or, where
    /// there is none, what has arrived of it.
    pub(super) fn show_tile(&mut self, view: ViewId, wanted: &[WantedTile], nth: usize) -> Option<Drawn> {
        let spot = Spot::of(view, &wanted[nth]);
        let mut memory = self.memories.remove(&spot).unwrap_or_default();
        let drawn = self.show_remembering(&mut memory, &wanted[nth], &Around::of(wanted, nth));
        memory.reduction = drawn.map_or(1, |drawn| drawn.plane.factor);
        self.memories.insert(spot, memory);
        drawn
    }

    fn show_remembering(&mut self, memory: &mut Memory, tile: &WantedTile, around: &Around<'_>) -> Option<Drawn> {
        let wanted = &tile.wanted;
        if let Some(begun) = memory.unfinished.take()
            && begun.voxels.id() != wanted.voxels.id()
            && begun.key.is_like(&wanted.key)
            && begun.voxels.shape() == wanted.voxels.shape()
        {
            // Its neighbours are not known any more: its borders repeat its edges until it is wanted again.
            self.advance(&begun, &around.alone(&begun.voxels), memory);
        }
        let is_busy = memory.unfinished.is_some();
        let is_here = self.planes.get(wanted.voxels.id(), &self.textures).is_some_and(|plane| plane.is_complete());
        let plane = if is_busy && !is_here { None } else { self.advance(wanted, around, memory) };
        memory.is_pending = is_busy || plane.is_some_and(|plane| !plane.is_complete());
        if let Some(plane) = plane.filter(Plane::is_complete) {
            return Some(Drawn::new(wanted.key, wanted.voxels.id(), plane, tile.tile));
        }
        let stand_in = memory.stand_in(tile, &self.planes, &self.textures);
        let begun = plane.filter(|plane| plane.rows_done > 0);
        stand_in.or(begun.map(|plane| Drawn::new(wanted.key, wanted.voxels.id(), plane, tile.tile)))
    }

    /// Uploads more of a picture and remembers whether it is shown or unfinished.
    fn advance(&mut self, wanted: &Wanted, around: &Around<'_>, memory: &mut Memory) -> Option<Plane> {
        let Self { planes, textures, pipelines, allowance, frame, .. } = &mut *self;
        let plane = planes.advance(&wanted.voxels, around, *frame, allowance, textures, pipelines)?;
        if plane.is_complete() {
            memory.shown = Some((wanted.key, wanted.voxels.id()));
            memory.shown_voxels = self.is_software.then(|| Arc::clone(&wanted.voxels));
        } else {
            memory.unfinished = Some(wanted.clone());
        }
        Some(plane)
    }
}
