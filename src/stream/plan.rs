//! What to read next: from a picture and the motion to a list of chunks, the most urgent first. Pure but
//! for the geometry questions it asks of the array, which do no IO.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::assembly::Assembly;
use super::hash::ChunkSet;
use super::queue::Queue;
use super::velocity::Outlook;
use crate::array::{ArrayChunk, ChunkKey, Image, LazyArray};
use crate::volume::{Axis, Picture, PictureKey, Region};

/// Places less likely to be needed than this are not read ahead.
const MIN_PROBABILITY: f64 = 0.05;
/// Most pictures read ahead.
const MAX_AHEAD: usize = 256;

/// One chunk to read. Small and without heap, so that a plan of thousands is made in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The chunk.
    pub key: ChunkKey,
    /// Bytes it decodes to.
    pub(super) num_bytes: usize,
    /// Its first voxel, by which the array finds it again.
    corner: [u32; 4],
}

/// Coordinates of a box in (t, z, y, x).
fn of_four(bounds: &[usize]) -> [usize; 4] {
    bounds.try_into().unwrap_or_default()
}

impl Wanted {
    /// A chunk wanted in the cache, of voxels of `item` bytes.
    #[inline]
    pub(super) fn new(key: ChunkKey, region: &Region, item: usize) -> Self {
        // Of fixed length, because thousands are made while somebody waits.
        let ([t, z, y, x], [t_end, z_end, y_end, x_end]) = (of_four(region.start()), of_four(region.stop()));
        let num_voxels = (t_end - t).saturating_mul(z_end - z).saturating_mul(y_end - y).saturating_mul(x_end - x);
        // Beyond 2^32 voxels along an axis the chunk is not found again, and the picture stays missing.
        let corner = [t, z, y, x].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        Self { key, num_bytes: num_voxels.saturating_mul(item), corner }
    }

    /// Whether [`Wanted::find`] can tell where it is.
    pub(super) fn is_findable(&self) -> bool {
        !self.corner.contains(&u32::MAX)
    }

    /// The chunk in full.
    pub(super) fn find(&self, array: &LazyArray) -> Option<ArrayChunk> {
        array.chunk_at(self.corner.map(|i| i as usize)).filter(|chunk| chunk.key == self.key)
    }
}

/// The queue: visible chunks, then chunks worth reading ahead. Reused from plan to plan.
#[derive(Default)]
pub struct Plan {
    /// What is on screen and not yet had, most central first.
    pub visible: Queue,
    /// What is likely to be needed, likeliest first.
    pub prefetch: Queue,
    /// Projections and volumes being assembled.
    pub(super) assemblies: Vec<Arc<Assembly>>,
    /// Projections that the projector folds once their volumes are there, the most urgent first.
    pub(super) folds: Vec<PictureKey>,
}

impl Plan {
    /// Empties the plan and keeps its memory.
    pub fn clear(&mut self) {
        self.visible.clear();
        self.prefetch.clear();
        self.assemblies.clear();
        self.folds.clear();
    }

    /// Adds the chunks of something being assembled.
    pub(super) fn add_assembly(&mut self, assembly: &Arc<Assembly>, is_visible: bool) {
        self.assemblies.push(Arc::clone(assembly));
        let queue = if is_visible { &mut self.visible } else { &mut self.prefetch };
        queue.push_assembly(assembly);
    }
}

/// Remembers which chunks a plane is made of, so that a plan costs little more than copying it.
#[derive(Default)]
pub struct Planner {
    /// What the memory below is about.
    images: Vec<Image>,
    chunks: Vec<Wanted>,
    planes: HashMap<PictureKey, Plane>,
    /// Chunks in the plan, as far as they may be wanted twice.
    seen: ChunkSet,
    is_shared: bool,
    found: Vec<ArrayChunk>,
}

/// The chunks of one plane.
#[derive(Clone)]
struct Plane {
    range: Range<usize>,
    num_bytes: usize,
    /// Its first voxel, (z, y, x).
    start: [usize; 3],
    /// Whether another plane may be made of the same chunks.
    is_shared: bool,
}

/// Chunks remembered before everything is forgotten.
const MAX_REMEMBERED: usize = 1 << 16;

impl Planner {
    /// A new plan begins, of these layers; `is_shared` where several pictures on screen may be of the same
    /// chunks.
    pub fn begin(&mut self, images: &[Image], is_shared: bool) {
        self.seen.clear();
        self.is_shared = is_shared;
        let is_same = self.images.len() == images.len() && self.images.iter().zip(images).all(|(a, b)| a.is_same(b));
        if !is_same || self.chunks.len() > MAX_REMEMBERED {
            self.chunks.clear();
            self.planes.clear();
            self.images = images.to_vec();
        }
    }

    /// Adds the chunks of a plane that are not in the plan yet, those of a visible one ordered by their
    /// distance from its middle; returns their bytes.
    pub fn add(&mut self, plan: &mut Plan, key: &PictureKey, is_visible: bool) -> usize {
        let Some(plane) = self.plane(key) else { return 0 };
        let first = plan.visible.num_entries();
        let queue = if is_visible { &mut plan.visible } else { &mut plan.prefetch };
        let chunks = &self.chunks[plane.range];
        let mut num_bytes = plane.num_bytes;
        if plane.is_shared || self.is_shared {
            num_bytes = 0;
            for wanted in chunks {
                if self.seen.insert(wanted.key) {
                    num_bytes += wanted.num_bytes;
                    queue.push(*wanted);
                }
            }
        } else {
            chunks.iter().for_each(|wanted| queue.push(*wanted));
        }
        if is_visible {
            // Chunks of a grid: their corners are as far apart as their middles.
            let corners = chunks.iter().map(|wanted| wanted.corner);
            let last = corners.reduce(|a, b| [0, 1, 2, 3].map(|i| a[i].max(b[i]))).unwrap_or_default();
            let middle = [1, 2, 3].map(|i| (plane.start[i - 1] as i128 + last[i] as i128) / 2);
            queue.sort_from(first, |wanted| {
                let axes = [1, 2, 3].map(|i| (i128::from(wanted.corner[i]) - middle[i - 1]).unsigned_abs().pow(2));
                axes.iter().sum::<u128>()
            });
        }
        num_bytes
    }

    fn plane(&mut self, key: &PictureKey) -> Option<Plane> {
        if let Some(plane) = self.planes.get(key) {
            return Some(plane.clone());
        }
        let image = self.images.iter().find(|image| image.id() == key.layer)?;
        let (array, region) = (image.level(key.level)?, image.picture_region(key)?);
        self.found.clear();
        array.chunks(&region, &mut self.found);
        let item = array.info().dtype.num_bytes();
        let first = self.chunks.len();
        self.chunks.extend(self.found.iter().map(|chunk| Wanted::new(chunk.key, &chunk.region, item)));
        let range = first..self.chunks.len();
        let num_bytes = self.chunks[range.clone()].iter().map(|wanted| wanted.num_bytes).sum();
        let is_cut = self.found.iter().any(|chunk| chunk.region.intersect(&region) != Some(chunk.region));
        let start = [1, 2, 3].map(|axis| region.start()[axis]);
        let plane = Plane { range, num_bytes, start, is_shared: is_cut };
        self.planes.insert(*key, plane.clone());
        Some(plane)
    }
}

/// Appends the pictures likely to be needed soon, likeliest first, the nearer of equals first, the picture
/// itself left out.
pub fn pictures_ahead(shape: [usize; 4], picture: &Picture, t: Outlook, depth: Outlook, ahead: &mut Vec<Picture>) {
    let mut found: Vec<(f64, usize, Picture)> = Vec::new();
    let mut walk = |outlook: Outlook, here: usize, len: usize, at: &dyn Fn(usize) -> Picture| {
        for direction in [1isize, -1] {
            for step in 1..=MAX_AHEAD as isize {
                let Some(place) = here.checked_add_signed(direction * step).filter(|&place| place < len) else { break };
                let probability = outlook.probability(direction * step);
                if probability < MIN_PROBABILITY {
                    break;
                }
                found.push((probability, step as usize, at(place)));
            }
        }
    };
    walk(t, picture.t(), shape[Axis::T.index()], &|t| picture.at(t));
    if let Picture::Plane { t, orientation, index } = *picture {
        let len = shape[orientation.depth_axis().index()];
        walk(depth, index, len, &|index| Picture::Plane { t, orientation, index });
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ahead.extend(found.iter().take(MAX_AHEAD).map(|(_, _, picture)| *picture));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Orientation, Shape};

    fn image(shape: [usize; 4], grid: [usize; 4]) -> Image {
        let bytes = vec![0; shape.iter().product()];
        let source = MemorySource::new(DType::U8, Shape::from(shape), "tzyx", &grid, bytes).expect("agrees");
        Arc::new(LazyArray::new(Arc::new(source))).into()
    }

    proptest! {
        #[test]
        fn no_chunk_is_planned_twice_and_the_bytes_add_up(
            grid in (1usize..4, 1usize..4, 1usize..5, 1usize..5),
            ts in prop::sample::subsequence((0usize..6).collect::<Vec<_>>(), 1..6),
        ) {
            let image = image([6, 3, 8, 8], [grid.0, grid.1, grid.2, grid.3]);
            let (mut plan, mut planner) = (Plan::default(), Planner::default());
            planner.begin(std::slice::from_ref(&image), false);
            let mut total = 0;
            for (i, t) in ts.iter().enumerate() {
                let picture = Picture::Plane { t: *t, orientation: Orientation::Xy, index: 1 };
                total += planner.add(&mut plan, &PictureKey::finest(image.id(), picture), i == 0);
            }
            let all = [plan.visible.chunks(), plan.prefetch.chunks()].concat();
            let distinct: std::collections::BTreeSet<_> = all.iter().map(|wanted| wanted.key).collect();
            prop_assert_eq!(all.len(), distinct.len());
            prop_assert_eq!(all.iter().map(|wanted| wanted.num_bytes).sum::<usize>(), total);
        }
    }

    #[test]
    fn visible_chunks_come_from_the_middle_outwards() {
        let image = image([1, 1, 9, 9], [1, 1, 3, 3]);
        let (mut plan, mut planner) = (Plan::default(), Planner::default());
        planner.begin(std::slice::from_ref(&image), false);
        let picture = Picture::Plane { t: 0, orientation: Orientation::Xy, index: 0 };
        planner.add(&mut plan, &PictureKey::finest(image.id(), picture), true);
        assert_eq!(plan.visible.chunks()[0].key.index, 4);
        assert_eq!(plan.visible.len(), 9);
        let corners: Vec<_> = plan.visible.chunks()[5..].iter().map(|wanted| wanted.key.index).collect();
        assert_eq!(corners, [0, 2, 6, 8]);
    }

    #[test]
    fn reads_ahead_along_the_motion_in_either_direction() {
        let still = Outlook { speed: 0.0, spread: 1.0 };
        let picture = Picture::Plane { t: 50, orientation: Orientation::Xy, index: 5 };
        for speed in [20.0, -20.0] {
            let mut ahead = Vec::new();
            pictures_ahead([100, 10, 8, 8], &picture, Outlook { speed, spread: 4.0 }, still, &mut ahead);
            let first: Vec<_> = ahead.iter().take(5).map(|p| p.t() as isize - 50).collect();
            assert_eq!(first, [1, 2, 3, 4, 5].map(|i: isize| i * speed.signum() as isize));
            assert!(!ahead.contains(&picture));
        }
    }

    #[test]
    fn reads_ahead_both_ways_and_in_depth_when_idle_and_never_outside() {
        let outlook = Outlook { speed: 0.0, spread: 4.0 };
        let picture = Picture::Plane { t: 1, orientation: Orientation::Xy, index: 0 };
        let mut ahead = Vec::new();
        pictures_ahead([4, 3, 8, 8], &picture, outlook, outlook, &mut ahead);
        let mut found: Vec<_> = ahead.iter().map(|p| (p.t(), p.depth_range()[0])).collect();
        found.sort_unstable();
        assert_eq!(found, [(0, 0), (1, 1), (1, 2), (2, 0), (3, 0)]);
    }
}
