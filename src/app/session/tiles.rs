//! Large planes on a canvas: the tiles in view, and what is drawn where one is on its way.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::picture::{OnScreen, Pane};
use crate::array::Image;
use crate::render::{Drawn, Tile};
use crate::ui::{Shown, Value};
use crate::volume::{LayerId, PictureKey, ViewId, Voxels};

/// A part of a picture.
pub struct TileOnScreen {
    /// The voxels to be drawn.
    pub chosen: OnScreen,
    /// Where they lie in the picture.
    pub tile: Tile,
    /// Whether they are drawn only where a tile is not there yet.
    pub is_backdrop: bool,
}

impl TileOnScreen {
    pub(super) fn new(image: &Image, key: PictureKey, voxels: Arc<Voxels>, is_backdrop: bool) -> Option<Self> {
        let [rows, columns] = image.part(&key)?;
        let of = image.extent_in(key.level, &key.picture)?;
        let tile = Tile { from: [rows[0], columns[0]], size: [rows[1] - rows[0], columns[1] - columns[0]], of };
        Some(Self { chosen: OnScreen { key, voxels, is_preview: false }, tile, is_backdrop })
    }

    /// A value of the full resolution, where the tile has it.
    fn value_at(&self, at: [usize; 2]) -> Option<Value> {
        let index = [0, 1].map(|i| at[i].checked_sub(self.tile.from[i]).filter(|index| *index < self.tile.size[i]));
        let ([Some(row), Some(column)], 0, false) = (index, self.chosen.key.level, self.is_backdrop) else {
            return None;
        };
        Some(self.chosen.voxels.format_value(&[row, column]).map_or(Value::Missing, Value::Exact))
    }
}

impl Session {
    /// The best there is of a large plane: its tiles, coarser voxels behind those that are on their way, or the
    /// tiles of the nearest timepoint; `former` was there last.
    pub(super) fn tiled_pane(
        &self,
        view: ViewId,
        asked: PictureKey,
        keys: &[PictureKey],
        former: Option<Pane>,
        deadline: Instant,
    ) -> Pane {
        let pane = |tiles, shown| Pane { view, asked, on_screen: None, tiles, shown };
        let Some(image) = self.stream.image(asked.layer) else { return pane(Vec::new(), Shown::Nothing) };
        let tiles = self.tiles_at(&image, keys, deadline);
        if tiles.len() == keys.len() {
            let is_void = tiles.iter().all(|tile| tile.chosen.voxels.is_void());
            let reason = is_void.then(|| keys.iter().find_map(|key| self.stream.missing_reason(key))).flatten();
            return match reason {
                Some(error) => pane(Vec::new(), Shown::Missing(self.said_of(asked.layer, &error))),
                None => pane(tiles, Shown::Exact),
            };
        }
        let backdrops = self.backdrops(&image, &asked, keys);
        let former = former.filter(|former| former.asked.is_like(&asked) && !former.tiles.is_empty());
        let is_same = former.as_ref().is_some_and(|former| former.asked == asked);
        if !backdrops.is_empty() || is_same {
            // The tiles first: the middle one is what is measured.
            return pane(tiles.into_iter().chain(backdrops).collect(), Shown::Preview);
        }
        let nearest = self.stream.nearest_of(keys).map(|t| keys.iter().map(|key| key.at(t)).collect::<Vec<_>>());
        let nearest =
            nearest.map(|keys| self.tiles_at(&image, &keys, deadline)).filter(|found| found.len() == keys.len());
        let shown = nearest.or(former.map(|former| former.tiles)).unwrap_or_default();
        match shown.first().map(|tile| tile.chosen.key.picture.t()) {
            Some(t) => pane(shown, Shown::Nearest { t }),
            None if tiles.is_empty() => pane(tiles, Shown::Nothing),
            None => pane(tiles, Shown::Preview),
        }
    }

    /// Those tiles that are there, and were put together before a moment.
    fn tiles_at(&self, image: &Image, keys: &[PictureKey], deadline: Instant) -> Vec<TileOnScreen> {
        let tile = |key: &PictureKey| {
            let voxels = self.stream.picture_by(key, deadline).ready()?;
            TileOnScreen::new(image, *key, voxels, false)
        };
        keys.iter().filter_map(tile).collect()
    }

    /// What there is of a picture in coarser resolutions, and its preview.
    fn backdrops(&self, image: &Image, asked: &PictureKey, keys: &[PictureKey]) -> Vec<TileOnScreen> {
        let level = keys.first().map_or(0, |key| key.level);
        let coarser = (level + 1..image.num_levels()).filter(|level| image.is_shown_whole(*level, &asked.picture));
        let coarser = coarser.filter_map(|level| {
            let key = PictureKey { level, ..*asked };
            TileOnScreen::new(image, key, self.stream.picture(&key).ready()?, true)
        });
        let mut found: Vec<_> = coarser.collect();
        if let Some(voxels) = self.stream.preview(asked) {
            let size = <[usize; 2]>::try_from(voxels.shape().dims()).unwrap_or_default();
            let chosen = OnScreen { key: *asked, voxels, is_preview: true };
            found.push(TileOnScreen { chosen, tile: Tile::whole(size), is_backdrop: true });
        }
        found
    }

    /// Says what is really drawn of a large plane, in the order of the pane's tiles.
    pub(in crate::app) fn note_drawn_tiles(&mut self, view: ViewId, layer: LayerId, drawn: &[Option<Drawn>]) {
        let Some(pane) = self.pane_mut(view, layer).filter(|pane| pane.shown == Shown::Exact) else { return };
        let mut others = drawn.iter().zip(&pane.tiles).filter(|(drawn, tile)| {
            let is_it = |drawn: &Drawn| drawn.is_whole && drawn.key == PictureKey { tile: None, ..tile.chosen.key };
            !drawn.as_ref().is_some_and(is_it)
        });
        let Some((other, _)) = others.next() else { return };
        let t = other.map(|drawn| drawn.key.picture.t()).filter(|t| *t != pane.asked.picture.t());
        pane.shown = t.map_or(Shown::Preview, |t| Shown::Nearest { t });
    }

    /// A value of a large plane in full resolution, whichever is drawn.
    pub(in crate::app) fn value_in_tiles(&self, pane: &Pane, at: [usize; 2]) -> Value {
        if let Some(value) = pane.tiles.iter().find_map(|tile| tile.value_at(at))
            && pane.shown == Shown::Exact
        {
            return value;
        }
        match self.stream.value_at(pane.asked.layer, voxel_of(pane, at)) {
            Some(Some(text)) => Value::Exact(text),
            Some(None) => Value::Missing,
            None => Value::Unknown,
        }
    }

    /// The timepoints of which what is on the active canvas can be shown at once.
    pub(in crate::app) fn cached_ranges(&self) -> Vec<[usize; 2]> {
        let active = self.view.active().id;
        let views = self.request.views.iter().filter(|request| request.view == active);
        let keys: Vec<PictureKey> = views.flat_map(|request| self.stream.keys(request)).collect();
        if keys.is_empty() { self.stream.cached_ranges(&self.asked_key()) } else { self.stream.cached_ranges_of(&keys) }
    }
}

/// Where a row and a column of a plane lie, in (t, z, y, x) of the full resolution.
pub(in crate::app) fn voxel_of(pane: &Pane, at: [usize; 2]) -> [usize; 4] {
    let picture = pane.asked.picture;
    let (rows, columns) = picture.orientation().plane_axes();
    let mut voxel = [picture.t(), 0, 0, 0];
    voxel[picture.orientation().depth_axis().index()] = picture.depth_range()[0];
    (voxel[rows.index()], voxel[columns.index()]) = (at[0], at[1]);
    voxel
}
