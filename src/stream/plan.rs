//! What to read next: from a picture and the motion to a list of chunks, the most urgent first. Pure but
//! for the geometry questions it asks of the array, which do no IO.

use std::sync::Arc;

use super::hash::IndexSet;
use super::making::Making;
use super::velocity::Outlook;
use crate::array::{ArrayChunk, LazyArray};
use crate::volume::{Axis, Picture, Region};

/// Places less likely to be needed than this are not read ahead.
const MIN_PROBABILITY: f64 = 0.05;
/// Most pictures read ahead.
const MAX_AHEAD: usize = 256;

/// One chunk to read. Small and without heap, so that a plan of thousands is made in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Index of the chunk in its dataset.
    pub index: u64,
    /// Its first voxel, by which the array finds it again.
    pub(super) corner: [usize; 4],
    /// Bytes it decodes to.
    pub(super) num_bytes: usize,
    /// What is being made of it: position in [`Plan::makings`], or [`Wanted::KEEP`].
    pub(super) making: u32,
    /// Position among the chunks of that making.
    pub(super) ordinal: u32,
}

impl Wanted {
    /// The chunk itself is wanted in the cache.
    pub(super) const KEEP: u32 = u32::MAX;
}

/// The queue: visible chunks, then chunks worth reading ahead. Reused from plan to plan.
#[derive(Default)]
pub struct Plan {
    /// What is on screen and not yet had, most central first.
    pub visible: Vec<Wanted>,
    /// What is likely to be needed, likeliest first.
    pub prefetch: Vec<Wanted>,
    /// Projections and volumes in the making.
    pub(super) makings: Vec<Arc<Making>>,
    seen: IndexSet,
    found: Vec<ArrayChunk>,
}

impl Plan {
    /// Empties the plan and keeps its memory.
    pub fn clear(&mut self) {
        self.visible.clear();
        self.prefetch.clear();
        self.makings.clear();
        self.seen.clear();
    }

    /// Adds the chunks of a plane that are not in the plan yet; returns their bytes. Visible ones are
    /// ordered by their distance from the middle of the region.
    pub fn add_region(&mut self, array: &LazyArray, region: &Region, is_visible: bool) -> usize {
        self.found.clear();
        array.chunks(region, &mut self.found);
        if is_visible {
            self.found.sort_by_cached_key(|chunk| distance(&chunk.region, region));
        }
        let item = array.info().dtype.num_bytes();
        let queue = if is_visible { &mut self.visible } else { &mut self.prefetch };
        let mut num_bytes = 0;
        for chunk in &self.found {
            if self.seen.insert(chunk.key.index) {
                let wanted = Wanted {
                    index: chunk.key.index,
                    corner: corner(&chunk.region),
                    num_bytes: num_voxels(&chunk.region).saturating_mul(item),
                    making: Wanted::KEEP,
                    ordinal: 0,
                };
                num_bytes += wanted.num_bytes;
                queue.push(wanted);
            }
        }
        num_bytes
    }

    /// Adds the chunks of something in the making; returns their bytes.
    pub(super) fn add_making(&mut self, making: &Arc<Making>, item: usize, is_visible: bool) -> usize {
        let at = self.makings.len() as u32;
        self.makings.push(Arc::clone(making));
        let queue = if is_visible { &mut self.visible } else { &mut self.prefetch };
        let mut total = 0;
        for (ordinal, chunk) in making.chunks().iter().enumerate().filter(|(i, _)| !making.is_claimed(*i)) {
            let num_bytes = num_voxels(&chunk.region).saturating_mul(item);
            total += num_bytes;
            let (index, corner) = (chunk.key.index, corner(&chunk.region));
            queue.push(Wanted { index, corner, num_bytes, making: at, ordinal: ordinal as u32 });
        }
        total
    }
}

fn corner(region: &Region) -> [usize; 4] {
    let start = region.start();
    [start[0], start[1], start[2], start[3]]
}

fn num_voxels(region: &Region) -> usize {
    region.start().iter().zip(region.stop()).fold(1, |n, (a, b)| n.saturating_mul(b - a))
}

/// Squared distance between the middles of two boxes within a plane, in half voxels.
fn distance(chunk: &Region, region: &Region) -> u128 {
    let middle = |r: &Region, axis: usize| r.start()[axis] as i128 + r.stop()[axis] as i128;
    (1..4).map(|axis| (middle(chunk, axis) - middle(region, axis)).unsigned_abs().pow(2)).sum()
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

    fn array(shape: [usize; 4], grid: [usize; 4]) -> LazyArray {
        let bytes = vec![0; shape.iter().product()];
        let source = MemorySource::new(DType::U8, Shape::from(shape), "tzyx", &grid, bytes).expect("agrees");
        LazyArray::new(Arc::new(source))
    }

    proptest! {
        #[test]
        fn no_chunk_is_planned_twice_and_the_bytes_add_up(
            grid in (1usize..4, 1usize..4, 1usize..5, 1usize..5),
            ts in prop::collection::vec((0usize..6, any::<bool>()), 1..8),
        ) {
            let array = array([6, 3, 8, 8], [grid.0, grid.1, grid.2, grid.3]);
            let mut plan = Plan::default();
            let mut total = 0;
            for (i, (t, _)) in ts.iter().enumerate() {
                let picture = Picture::Plane { t: *t, orientation: Orientation::Xy, index: 1 };
                total += plan.add_region(&array, &array.picture_region(&picture), i == 0);
            }
            let all: Vec<_> = plan.visible.iter().chain(&plan.prefetch).collect();
            let distinct: std::collections::BTreeSet<_> = all.iter().map(|wanted| wanted.index).collect();
            prop_assert_eq!(all.len(), distinct.len());
            prop_assert_eq!(all.iter().map(|wanted| wanted.num_bytes).sum::<usize>(), total);
        }
    }

    #[test]
    fn visible_chunks_come_from_the_middle_outwards() {
        let array = array([1, 1, 9, 9], [1, 1, 3, 3]);
        let mut plan = Plan::default();
        plan.add_region(&array, &array.whole(), true);
        assert_eq!(plan.visible[0].index, 4);
        assert_eq!(plan.visible.len(), 9);
        let corners: Vec<_> = plan.visible[5..].iter().map(|wanted| wanted.index).collect();
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
