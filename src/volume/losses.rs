//! What a projection could not fold: counted for each pixel and each plane while it is folded, so that the
//! rest can be shown for what it is.

use std::collections::BTreeMap;

use super::Region;

/// Half-open ranges along (z, y, x).
pub(super) type Window = [[usize; 2]; 3];

/// Planes that are not, or not wholly, in a projection, where it shows something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Planes it would be made of.
    pub num_planes: usize,
    /// Planes of which nothing is in it, as half-open ranges along the depth axis.
    pub missing: Vec<[usize; 2]>,
    /// Planes of which a part is not in it.
    pub partial: Vec<[usize; 2]>,
}

impl Gaps {
    /// Planes that are wholly in it.
    pub fn num_whole(&self) -> usize {
        let count = |ranges: &[[usize; 2]]| ranges.iter().map(|range| range[1] - range[0]).sum::<usize>();
        self.num_planes.saturating_sub(count(&self.missing) + count(&self.partial))
    }
}

/// Voxels that could not be folded.
pub(super) struct Losses {
    shape: [usize; 2],
    /// How many of each pixel.
    pixels: Vec<u32>,
    /// How many of each plane that lost any.
    planes: BTreeMap<usize, usize>,
}

impl Losses {
    pub(super) fn new(shape: [usize; 2]) -> Self {
        Self { shape, pixels: vec![0; shape[0] * shape[1]], planes: BTreeMap::new() }
    }

    pub(super) fn num_bytes(&self) -> usize {
        4 * self.pixels.len()
    }

    /// These rows, columns and planes were lost. No voxel may be lost twice.
    pub(super) fn add(&mut self, rows: [usize; 2], columns: [usize; 2], planes: [usize; 2]) {
        let clip = |range: [usize; 2], len: usize| range[0].min(len)..range[1].min(len);
        let (rows, columns) = (clip(rows, self.shape[0]), clip(columns, self.shape[1]));
        let num_planes = planes[1].saturating_sub(planes[0]);
        for row in rows.clone() {
            let line = &mut self.pixels[row * self.shape[1]..][..self.shape[1]];
            line[columns.clone()].iter_mut().for_each(|n| *n += num_planes as u32);
        }
        let area = rows.len() * columns.len();
        for plane in (planes[0]..planes[1]).filter(|_| area > 0) {
            *self.planes.entry(plane).or_insert(0) += area;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.pixels.iter_mut().zip(&other.pixels).for_each(|(a, b)| *a += b);
        for (plane, num) in &other.planes {
            *self.planes.entry(*plane).or_insert(0) += num;
        }
    }

    /// How many voxels of each pixel were folded, of `num_folded`.
    pub(super) fn counts(&self, num_folded: usize) -> Vec<u32> {
        let most = u32::try_from(num_folded).unwrap_or(u32::MAX);
        self.pixels.iter().map(|lost| most.saturating_sub(*lost)).collect()
    }

    /// The pixels of which nothing was folded, and what is missing of the others.
    pub(super) fn tell(&self, num_folded: usize) -> (Vec<Region>, Option<Gaps>) {
        let is_void: Vec<bool> = self.pixels.iter().map(|lost| *lost as usize >= num_folded).collect();
        let num_void = is_void.iter().filter(|void| **void).count();
        let boxes = boxes_of(&is_void, [1, self.shape[0], self.shape[1]]);
        let regions = boxes.iter().filter_map(|[_, y, x]| Region::new(&[y[0], x[0]], &[y[1], x[1]])).collect();
        // A void pixel has lost a voxel of every plane.
        let mut gaps = Gaps { num_planes: num_folded, ..Gaps::default() };
        for (&plane, &lost) in self.planes.iter().filter(|(_, lost)| **lost > num_void) {
            let ranges = if lost == is_void.len() { &mut gaps.missing } else { &mut gaps.partial };
            match ranges.last_mut() {
                Some(range) if range[1] == plane => range[1] += 1,
                _ => ranges.push([plane, plane + 1]),
            }
        }
        let is_whole = gaps.missing.is_empty() && gaps.partial.is_empty();
        (regions, (!is_whole && num_void < is_void.len()).then_some(gaps))
    }
}

/// Boxes without overlap that are all of what is true in a (z, y, x) mask.
pub(super) fn boxes_of(mask: &[bool], [nz, ny, nx]: [usize; 3]) -> Vec<Window> {
    let mut boxes: Vec<Window> = Vec::new();
    let (mut plane_start, mut row_start) = (0, 0);
    let plane = |z: usize| &mask[z * ny * nx..][..ny * nx];
    for z in 0..nz {
        // What equals its neighbour lengthens the boxes of that.
        if z > 0 && plane(z) == plane(z - 1) {
            boxes[plane_start..].iter_mut().for_each(|window| window[0][1] = z + 1);
            continue;
        }
        plane_start = boxes.len();
        let row = |y: usize| &plane(z)[y * nx..][..nx];
        for y in 0..ny {
            if y > 0 && row(y) == row(y - 1) {
                boxes[row_start..].iter_mut().for_each(|window| window[1][1] = y + 1);
                continue;
            }
            row_start = boxes.len();
            let mut x = 0;
            for run in row(y).chunk_by(|a, b| a == b) {
                if run[0] {
                    boxes.push([[z, z + 1], [y, y + 1], [x, x + run.len()]]);
                }
                x += run.len();
            }
        }
    }
    boxes
}

/// Which voxels of a box lie in any of these parts of it.
pub(super) fn mask_of(parts: &[Region], [nz, ny, nx]: [usize; 3]) -> Vec<bool> {
    let mut mask = vec![false; nz * ny * nx];
    for part in parts.iter().filter(|part| part.rank() == 3) {
        let (start, stop) = (part.start(), part.stop());
        for z in start[0]..stop[0].min(nz) {
            for y in start[1]..stop[1].min(ny) {
                let line = (z * ny + y) * nx;
                let columns = start[2].min(nx)..stop[2].min(nx);
                mask[line + columns.start..line + columns.end].fill(true);
            }
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn boxes_cover_the_mask_once_and_nothing_else(
            dims in (1usize..5, 1usize..5, 1usize..6),
            parts in prop::collection::vec(((0usize..5, 0usize..5), (0usize..5, 0usize..5), (0usize..6, 0usize..6)), 0..5),
        ) {
            let dims = [dims.0, dims.1, dims.2];
            let regions: Vec<_> = parts.iter().filter_map(|&(z, y, x)| {
                let ranges = [z, y, x].map(|(a, b)| [a.min(b), a.max(b) + 1]);
                Region::new(&ranges.map(|r| r[0]), &ranges.map(|r| r[1]))
            }).collect();
            let mask = mask_of(&regions, dims);
            let mut times = vec![0; mask.len()];
            for [z, y, x] in boxes_of(&mask, dims) {
                for z in z[0]..z[1] {
                    for y in y[0]..y[1] {
                        (x[0]..x[1]).for_each(|x| times[(z * dims[1] + y) * dims[2] + x] += 1);
                    }
                }
            }
            for z in 0..dims[0] {
                for y in 0..dims[1] {
                    for x in 0..dims[2] {
                        let is_in = regions.iter().any(|region| region.contains(&[z, y, x]));
                        prop_assert_eq!(times[(z * dims[1] + y) * dims[2] + x], i32::from(is_in));
                    }
                }
            }
        }
    }
}
