//! [`Image`]: one layer's data, the same array at one or more resolutions.

use std::sync::Arc;

use super::{LazyArray, Told, ViewInfo};
use crate::format::Source;
use crate::volume::{LayerId, Picture, PictureKey, Region, TileIndex};

/// Planes of more voxels than this are shown in tiles.
const MAX_WHOLE: usize = 2048 * 2048;
/// Pictures made of more voxels than this are waited for: a coarser level stands in.
const MAX_QUICK: usize = 1 << 27;
/// Rows and columns of a tile; those at the end have fewer.
const TILE: usize = 1024;
/// Voxels of a tile, at most.
pub const MAX_TILE_VOXELS: usize = TILE * TILE;

/// An array at its resolutions, the finest first, all of one layer. The axes beyond t, z, y and x are held
/// at an index, the same for all ([`LazyArray::holding`]). Cheap to clone.
#[derive(Clone, Debug)]
pub struct Image {
    levels: Arc<[Arc<LazyArray>]>,
}

impl From<Arc<LazyArray>> for Image {
    fn from(array: Arc<LazyArray>) -> Self {
        Self { levels: Arc::from([array]) }
    }
}

impl Image {
    /// A pyramid under a new id: sources of the same voxels, each coarser than the one before. `None` where
    /// they are none or too many, differ in type or timepoints, or do not become coarser.
    pub fn with_levels(sources: &[Arc<dyn Source>]) -> Option<Self> {
        let held = sources.first().map_or(&[][..], |source| &source.info().held);
        Self::under(LayerId::next(), sources, Told::default(), held)
    }

    /// The same under a new id, its axes beyond t, z, y and x held at these indices, in their order. Of the
    /// coarser sources those stay that fit; `None` where there is no such index.
    pub fn of_levels(sources: &[Arc<dyn Source>], told: Told, held: &[usize]) -> Option<Self> {
        let layer = LayerId::next();
        (1..=sources.len()).rev().find_map(|num| Self::under(layer, &sources[..num], told, held))
    }

    /// A longer state of the same recording. Its coarser levels stay as long as they are of the same extent.
    pub fn grown(&self, source: Arc<dyn Source>) -> Self {
        let finest = Arc::new(self.finest().grown(source));
        let is_same = finest.info().shape == self.info().shape && finest.info().dtype == self.info().dtype;
        let coarser = if is_same { &self.levels[1..] } else { &[] };
        Self { levels: std::iter::once(&finest).chain(coarser).cloned().collect() }
    }

    /// Another recording in the same place, in full resolution: another id. `None` where it does not reach the
    /// index at which this one is held.
    pub fn replaced_by(&self, source: Arc<dyn Source>) -> Option<Self> {
        Self::of_levels(&[source], self.finest().what_was_told(), &self.finest().held())
    }

    /// The same array, described by what somebody said of it instead of what was said before.
    pub fn told(&self, told: Told) -> Self {
        Self { levels: self.levels.iter().map(|level| Arc::new(level.told(told))).collect() }
    }

    /// The same recording held at other indices of the axes beyond t, z, y and x, in their order: another
    /// layer, because its chunks have other voxels. `None` where there is no such index.
    pub fn holding(&self, held: &[usize]) -> Option<Self> {
        let sources: Vec<_> = self.levels.iter().map(|level| Arc::clone(level.source())).collect();
        Self::under(LayerId::next(), &sources, self.finest().what_was_told(), held)
    }

    fn under(layer: LayerId, sources: &[Arc<dyn Source>], told: Told, held: &[usize]) -> Option<Self> {
        let levels = sources.iter().enumerate().map(|(level, source)| {
            let level = u8::try_from(level).ok()?;
            LazyArray::at_level(Arc::clone(source), layer, level, told, held).map(Arc::new)
        });
        let levels: Arc<[_]> = levels.collect::<Option<Vec<_>>>()?.into();
        let first = levels.first()?.info();
        let fits = |pair: &[Arc<LazyArray>]| {
            let (finer, coarser) = (pair[0].info(), pair[1].info());
            let shrinks = (1..4).all(|i| (1..=finer.shape[i].max(1)).contains(&coarser.shape[i].max(1)));
            shrinks
                && coarser.shape != finer.shape
                && coarser.dtype == first.dtype
                && coarser.shape[0] == first.shape[0]
        };
        levels.windows(2).all(fits).then_some(Self { levels })
    }

    /// Whether this is the very same state of the same data.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.levels, &other.levels)
    }

    /// Identity of the layer.
    pub fn id(&self) -> LayerId {
        self.finest().id()
    }

    /// Facts of the finest level.
    pub fn info(&self) -> &ViewInfo {
        self.finest().info()
    }

    /// The array in full resolution.
    pub fn finest(&self) -> &Arc<LazyArray> {
        &self.levels[0]
    }

    /// One resolution of it.
    pub fn level(&self, level: u8) -> Option<&Arc<LazyArray>> {
        self.levels.get(usize::from(level))
    }

    /// Number of resolutions.
    pub fn num_levels(&self) -> u8 {
        self.levels.len() as u8
    }

    /// The picture that a key of this image names, in voxels of the level it is cut from.
    pub fn picture_at(&self, key: &PictureKey) -> Option<Picture> {
        let level = self.level(key.level)?;
        if key.level == 0 {
            return Some(key.picture);
        }
        let axis = key.picture.orientation().depth_axis().index();
        let (fine, coarse) = (self.info().shape[axis].max(1), level.info().shape[axis].max(1));
        let at = |index: usize| index.saturating_mul(coarse) / fine;
        Some(match key.picture {
            Picture::Plane { t, orientation, index } if index < fine => {
                Picture::Plane { t, orientation, index: at(index) }
            }
            Picture::Projection { t, orientation, slab: [start, stop], op } => {
                // Outward: what the slab touches is in it.
                let stop = stop.saturating_mul(coarse).div_ceil(fine).max(at(start) + 1);
                Picture::Projection { t, orientation, slab: [at(start), stop], op }
            }
            beyond @ Picture::Plane { .. } => beyond,
        })
    }

    /// The voxels that a key names, in those of its level; empty where it lies outside the array.
    pub fn picture_region(&self, key: &PictureKey) -> Option<Region> {
        let region = self.level(key.level)?.picture_region(&self.picture_at(key)?);
        let (rows, columns) = key.picture.orientation().plane_axes();
        let [row_range, column_range] = self.part(key)?;
        let cut = region.with_axis(rows.index(), row_range[0], row_range[1]);
        Some(cut.with_axis(columns.index(), column_range[0], column_range[1]).intersect(&region).unwrap_or(region))
    }

    /// Half-open ranges of rows and columns of a picture that a key names, in voxels of its level.
    pub fn part(&self, key: &PictureKey) -> Option<[[usize; 2]; 2]> {
        let shape = self.level(key.level)?.picture_shape(&key.picture);
        let Some(TileIndex { row, column }) = key.tile else { return Some(shape.map(|len| [0, len])) };
        let range = |at: u16, len: usize| {
            let start = (usize::from(at) * TILE).min(len);
            [start, (start + TILE).min(len)]
        };
        Some([range(row, shape[0]), range(column, shape[1])])
    }

    /// Rows and columns of all of a picture in voxels of a level: no whole numbers where the last of them
    /// stands for less than the others.
    pub fn extent_in(&self, level: u8, picture: &Picture) -> Option<[f64; 2]> {
        let (fine, coarse) = (self.finest().picture_shape(picture), self.level(level)?.picture_shape(picture));
        Some([0, 1].map(|i| {
            let factor = (fine[i] as f64 / coarse[i].max(1) as f64).round().max(1.0) as usize;
            if fine[i].div_ceil(factor) == coarse[i] { fine[i] as f64 / factor as f64 } else { coarse[i] as f64 }
        }))
    }

    /// Whether a level of a plane is small enough to be shown in one piece.
    pub fn is_shown_whole(&self, level: u8, picture: &Picture) -> bool {
        self.level(level).is_some_and(|array| !is_large(array.picture_shape(picture)))
    }

    /// The level of which a picture that must not be waited for is made: the finest one of few enough voxels, or the
    /// coarsest.
    pub fn quick_level(&self, picture: &Picture) -> u8 {
        let is_quick = |level: &u8| {
            let key = PictureKey { level: *level, ..PictureKey::finest(self.id(), *picture) };
            let num = self.picture_region(&key).and_then(|region| region.shape().num_voxels());
            num.is_some_and(|num| num <= MAX_QUICK) && (*level == 0 || self.is_shown_whole(*level, picture))
        };
        (0..self.num_levels()).find(is_quick).unwrap_or(self.num_levels() - 1)
    }

    /// The projection of a coarser level that is shown while one of very many voxels is made of those that were
    /// measured. It is another picture: a maximum of coarse voxels is less than that of the fine ones.
    pub fn stand_in(&self, key: &PictureKey) -> Option<PictureKey> {
        let Picture::Projection { .. } = key.picture else { return None };
        let level = self.quick_level(&key.picture);
        (level > key.level && self.is_shown_whole(level, &key.picture)).then_some(PictureKey { level, ..*key })
    }

    /// What is to be read and drawn for a picture of which `visible`, half-open ranges of rows and columns, is
    /// on screen, `voxels_per_px` voxels along a pixel, both in voxels of the finest level: the picture itself,
    /// or, where it is a large plane, the tiles in view of the level that fits, from the middle outwards.
    pub fn keys_in_view(&self, picture: Picture, visible: [[usize; 2]; 2], voxels_per_px: f32) -> Vec<PictureKey> {
        let whole = PictureKey::finest(self.id(), picture);
        let fine = self.finest().picture_shape(&picture);
        let is_all = visible.iter().all(|range| range[1] == usize::MAX);
        if matches!(picture, Picture::Projection { .. }) || is_all || !is_large(fine) {
            return vec![whole];
        }
        let key = PictureKey { level: self.level_for(&picture, voxels_per_px), ..whole };
        let Some(level) = self.level(key.level) else { return vec![whole] };
        let shape = level.picture_shape(&picture);
        if !is_large(shape) {
            return vec![key];
        }
        // Outward, in voxels of the level.
        let seen = [0, 1].map(|i| {
            let [start, stop] = visible[i].map(|at| at.min(fine[i]));
            let start = (start.saturating_mul(shape[i]) / fine[i]).min(shape[i] - 1);
            [start, stop.saturating_mul(shape[i]).div_ceil(fine[i]).clamp(start + 1, shape[i])]
        });
        let tiles = |i: usize| seen[i][0] / TILE..seen[i][1].div_ceil(TILE);
        let mut keys = Vec::new();
        for row in tiles(0) {
            for column in tiles(1) {
                let (Ok(row), Ok(column)) = (u16::try_from(row), u16::try_from(column)) else { return vec![whole] };
                keys.push(PictureKey { tile: Some(TileIndex { row, column }), ..key });
            }
        }
        let distance = |key: &PictureKey| {
            let part = self.part(key).unwrap_or_default();
            let axes = [0, 1].map(|i| (part[i][0] + part[i][1]).abs_diff(seen[i][0] + seen[i][1]) as u128);
            axes[0] * axes[0] + axes[1] * axes[1]
        };
        keys.sort_by_key(distance);
        keys
    }

    /// The coarsest level that still has a voxel for each pixel of the screen along both axes of a picture,
    /// as far as there is one. `voxels_per_px` is in voxels of the finest.
    pub fn level_for(&self, picture: &Picture, voxels_per_px: f32) -> u8 {
        let fine = self.finest().picture_shape(picture);
        let is_enough = |level: &&Arc<LazyArray>| {
            let coarse = level.picture_shape(picture);
            (0..2).all(|i| fine[i] as f32 <= coarse[i] as f32 * voxels_per_px)
        };
        self.levels.iter().rev().find(is_enough).map_or(0, |level| level.level())
    }
}

fn is_large(plane: [usize; 2]) -> bool {
    plane[0].saturating_mul(plane[1]) > MAX_WHOLE
}
