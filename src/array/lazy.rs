//! [`LazyArray`]: one source as (t, z, y, x). Geometry questions do no IO.

use std::ops::Range;
use std::sync::Arc;

use super::axes::AxisMap;
use super::{ArrayChunk, ChunkKey};
use crate::format::{Chunk, Input, Source};
use crate::volume::{DType, LayerId, Picture, PictureKey, Region, Shape, VoxelSize};

/// What the layers above need to know of an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewInfo {
    /// Extent in (t, z, y, x); an axis the dataset lacks has extent 1.
    pub shape: [usize; 4],
    /// Storage type.
    pub dtype: DType,
    /// Voxel edges, where known.
    pub voxel_size: Option<VoxelSize>,
    /// Volumes per second, where known.
    pub rate_hz: Option<f64>,
    /// Which of t, z, y, x the dataset has.
    pub has_axis: [bool; 4],
}

/// What somebody said of an array where its files do not say or are wrong; `None` leaves it to them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// Voxel edges.
    pub voxel_size: Option<VoxelSize>,
    /// Volumes per second.
    pub rate_hz: Option<f64>,
}

/// A source seen as (t, z, y, x). Cheap to clone.
#[derive(Clone)]
pub struct LazyArray {
    source: Arc<dyn Source>,
    id: LayerId,
    level: u8,
    told: Told,
    pub(super) map: AxisMap,
    pub(super) inputs: Vec<Arc<LazyArray>>,
    info: ViewInfo,
}

impl LazyArray {
    /// Views a source under a new id.
    pub fn new(source: Arc<dyn Source>) -> Self {
        let map = AxisMap::of(source.info());
        Self::of(source, LayerId::next(), 0, Told::default(), map)
    }

    /// One level of a layer, its axes beyond t, z, y and x held at these indices; `None` where there are none
    /// such.
    pub(super) fn at_level(
        source: Arc<dyn Source>,
        layer: LayerId,
        level: u8,
        told: Told,
        held: &[usize],
    ) -> Option<Self> {
        let map = AxisMap::new(&source.info().shape, &source.info().axes).holding(&source.info().shape, held)?;
        Some(Self::of(source, layer, level, told, map))
    }

    /// The same recording at other indices of its axes beyond t, z, y and x, in their order: another id, its
    /// chunks have other voxels. `None` where there is no such index.
    pub fn holding(&self, held: &[usize]) -> Option<Self> {
        Self::at_level(Arc::clone(&self.source), LayerId::next(), self.level, self.told, held)
    }

    /// At which index each of its axes beyond t, z, y and x is held, in their order.
    pub fn held(&self) -> Vec<usize> {
        self.map.held()
    }

    /// Which axis of the source is t, z, y and x.
    pub fn own_axes(&self) -> [Option<usize>; 4] {
        self.map.own_axes()
    }

    /// The axes of the source that are held, each with its index.
    pub fn held_axes(&self) -> Vec<(usize, usize)> {
        self.map.hidden().zip(self.map.held()).collect()
    }

    /// A longer state of the same recording: chunk indices keep their meaning, so it keeps its id.
    pub fn grown(&self, source: Arc<dyn Source>) -> Self {
        let held = self.map.held();
        let map = AxisMap::new(&source.info().shape, &source.info().axes);
        let map = map.holding(&source.info().shape, &held).unwrap_or(map);
        Self::of(source, self.id, self.level, self.told, map)
    }

    /// Another recording in the same place: another id, and what was said of the place holds for it.
    pub fn replaced_by(&self, source: Arc<dyn Source>) -> Self {
        Self { id: LayerId::next(), ..self.grown(source) }
    }

    /// The same array, described by what somebody said of it instead of what was said before.
    pub fn told(&self, told: Told) -> Self {
        Self::of(Arc::clone(&self.source), self.id, self.level, told, self.map)
    }

    /// What somebody said of it.
    pub fn what_was_told(&self) -> Told {
        self.told
    }

    fn of(source: Arc<dyn Source>, id: LayerId, level: u8, told: Told, map: AxisMap) -> Self {
        let array = Arc::clone(source.info());
        let info = ViewInfo {
            shape: map.view_shape(&array.shape),
            dtype: array.dtype,
            voxel_size: told.voxel_size.or(array.voxel_size),
            rate_hz: told.rate_hz.or(array.rate_hz),
            has_axis: map.has_axis(),
        };
        let inputs = source.composite().map_or(&[][..], |composite| composite.inputs());
        let input = |input: &Input| {
            let axes = AxisMap::of(input.source.info());
            Arc::new(Self::of(Arc::clone(&input.source), input.layer, input.level, Told::default(), axes))
        };
        let inputs = inputs.iter().map(input).collect();
        Self { source, id, level, told, map, inputs, info }
    }

    /// Facts of the array. Immediate.
    pub fn info(&self) -> &ViewInfo {
        &self.info
    }

    /// The source beneath.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Which of the dataset's own axes are the rows and the columns of its planes.
    pub fn plane_axes(&self) -> Option<[usize; 2]> {
        self.map.plane_axes()
    }

    /// Identity of the dataset.
    pub fn id(&self) -> LayerId {
        self.id
    }

    /// Its resolution, 0 the finest.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Whether its chunks have to be fetched before they can be decoded.
    pub fn is_remote(&self) -> bool {
        self.source.fetching().is_some()
    }

    /// All of the array.
    pub fn whole(&self) -> Region {
        Region::whole(&Shape::from(self.info.shape))
    }

    /// Appends the chunks that a (t, z, y, x) box touches. No IO, no allocation but in `chunks`.
    pub fn chunks(&self, region: &Region, chunks: &mut Vec<ArrayChunk>) {
        self.for_each_chunk(region, |chunk, region| {
            chunks.push(self.array_chunk(chunk, region));
        });
    }

    /// Visits the chunks that a (t, z, y, x) box touches, each with its own box in (t, z, y, x). No IO, and
    /// no allocation once it has been used. A source may ask another array in the course of it, and so may
    /// `visit`.
    pub fn for_each_chunk(&self, region: &Region, mut visit: impl FnMut(&Chunk, &Region)) {
        let Some(region) = region.intersect(&self.whole()) else { return };
        // Taken out, not borrowed: whoever asks in the meantime on the same thread begins with an empty list.
        let is_identity = self.map.is_identity();
        self.source.each_chunk(&self.map.to_source(&region), &mut |chunk| {
            if is_identity {
                visit(chunk, &chunk.region);
            } else if let Some(region) = self.map.to_view(&chunk.region) {
                visit(chunk, &region);
            }
        });
    }

    /// The chunk that holds one voxel; `None` outside the array.
    pub fn chunk_at(&self, voxel: [usize; 4]) -> Option<ArrayChunk> {
        let region = Region::new(&voxel, &voxel.map(|i| i.saturating_add(1)))?.intersect(&self.whole())?;
        let mut found = None;
        self.for_each_chunk(&region, |chunk, region| {
            found = Some(self.array_chunk(chunk, region));
        });
        found
    }

    /// A box that holds the chunks of these indices, as far as the source can tell where they lie.
    pub fn region_of(&self, indices: &Range<u64>) -> Region {
        let region = self.map.to_view(&self.source.region_of(indices));
        region.and_then(|region| region.intersect(&self.whole())).unwrap_or_else(|| self.whole().with_axis(0, 0, 0))
    }

    /// Key of the chunk of that index.
    pub fn chunk_key(&self, index: u64) -> ChunkKey {
        ChunkKey { layer: self.id, level: self.level, index }
    }

    /// Key of a picture cut or folded from this array.
    pub fn picture_key(&self, picture: Picture) -> PictureKey {
        PictureKey { layer: self.id, level: self.level, picture, tile: None }
    }

    pub(super) fn array_chunk(&self, chunk: &Chunk, region: &Region) -> ArrayChunk {
        ArrayChunk { key: self.chunk_key(chunk.index), chunk: *chunk, region: *region }
    }

    /// The box of voxels a picture is made of; empty where it lies outside the array.
    pub fn picture_region(&self, picture: &Picture) -> Region {
        let axis = picture.orientation().depth_axis().index();
        let [start, stop] = picture.depth_range();
        let t = picture.t();
        let whole = self.whole();
        let region = whole.with_axis(0, t, t.saturating_add(1)).with_axis(axis, start, stop);
        region.intersect(&whole).unwrap_or_else(|| whole.with_axis(0, 0, 0))
    }

    /// Rows and columns of a picture.
    pub fn picture_shape(&self, picture: &Picture) -> [usize; 2] {
        let (rows, columns) = picture.orientation().plane_axes();
        [self.info.shape[rows.index()], self.info.shape[columns.index()]]
    }
}

impl std::fmt::Debug for LazyArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LazyArray").field("id", &self.id).field("info", &self.info).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::format::{Filled, ReadError};
    use crate::volume::{ArrayInfo, Problem};

    /// Cut as another array is, which it asks.
    struct Alike {
        info: Arc<ArrayInfo>,
        other: LazyArray,
    }

    impl Source for Alike {
        fn info(&self) -> &Arc<ArrayInfo> {
            &self.info
        }

        fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
            self.other.for_each_chunk(region, |chunk, _| chunks.push(*chunk));
        }

        fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
            self.other.source().read(chunk, buffer)
        }

        fn problems(&self) -> Vec<Problem> {
            Vec::new()
        }
    }

    #[test]
    fn arrays_may_be_asked_while_another_is() {
        let source = |step: usize| {
            let source = MemorySource::new(DType::U8, Shape::from([3, 2, 4, 4]), "tzyx", &[1, 1, step, 4], vec![0; 96]);
            Arc::new(source.expect("agrees"))
        };
        let inner = LazyArray::new(source(2));
        let info = Arc::clone(inner.source().info());
        let outer = LazyArray::new(Arc::new(Alike { info: Arc::clone(&info), other: inner }));
        let outermost = LazyArray::new(Arc::new(Alike { info, other: outer }));
        let (mut found, mut nested) = (Vec::new(), Vec::new());
        let other = LazyArray::new(source(4));
        outermost.for_each_chunk(&outermost.whole().with_axis(0, 1, 2), |chunk, region| {
            other.for_each_chunk(region, |chunk, _| nested.push(chunk.index));
            found.push(chunk.index);
        });
        assert_eq!(found, [4, 5, 6, 7]);
        assert_eq!(nested, [2, 2, 3, 3]);
    }
}
