//! Parts of a picture: where they lie in it and on the screen, and what lies about them, so that filters see
//! across their seams.

use super::show::WantedTile;
use super::texel::{Reduced, Texel, is_native};
use crate::volume::{PictureKey, Voxels};

/// A rectangle of rows and columns of a picture in one of its resolutions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    /// First row and column, in voxels of the resolution.
    pub from: [usize; 2],
    /// Rows and columns.
    pub size: [usize; 2],
    /// Rows and columns of the whole picture in this resolution: no whole numbers where the last voxel stands
    /// for less than the others.
    pub of: [f64; 2],
}

impl Tile {
    /// All of a picture of so many rows and columns.
    pub fn whole(size: [usize; 2]) -> Self {
        Self { from: [0; 2], size, of: size.map(|n| n as f64) }
    }

    fn end(&self, axis: usize) -> usize {
        self.from[axis] + self.size[axis]
    }

    /// Left, top, right and bottom in pixels where the whole picture lies at `image_px`: left, top, width and
    /// height. Tiles that touch have the same number for the edge between them, so that no pixel is drawn by
    /// both or by none.
    pub(super) fn edges_px(&self, image_px: [f32; 4]) -> [f32; 4] {
        let edge = |axis: usize, at: usize| {
            let side = 1 - axis;
            let share = (at as f64 / self.of[axis]).min(1.0);
            (f64::from(image_px[side]) + share * f64::from(image_px[2 + side])) as f32
        };
        [edge(1, self.from[1]), edge(0, self.from[0]), edge(1, self.end(1)), edge(0, self.end(0))]
    }

    /// Whether nothing of a tile of this or another resolution lies outside this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        (0..2).all(|axis| {
            let first = |tile: &Self| tile.from[axis] as f64 / tile.of[axis];
            let last = |tile: &Self| (tile.end(axis) as f64 / tile.of[axis]).min(1.0);
            // The quotients of equal edges may differ in their last bit.
            first(self) <= first(other) + 1e-12 && last(other) <= last(self) + 1e-12
        })
    }

    /// Where the picture goes on beyond the tile.
    pub(super) fn border(&self) -> Border {
        let low = [1, 0].map(|axis| u32::from(self.from[axis] > 0));
        let high = [1, 0].map(|axis| u32::from((self.end(axis) as f64) < self.of[axis]));
        Border { low, high }
    }
}

/// Columns and rows of texels about a tile that hold voxels of its neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Border {
    pub(super) low: [u32; 2],
    pub(super) high: [u32; 2],
}

impl Border {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Columns and rows of texels for a tile of so many voxels.
    pub(super) fn around(&self, size: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| size[i] + (self.low[i] + self.high[i]) as usize)
    }
}

/// A tile's voxels between those of its neighbours; by row and column, itself in the middle.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    cells: [[Option<&'a Voxels>; 3]; 3],
    pub(super) border: Border,
}

/// Whose voxels lie about a tile, row by row.
pub(super) type NeighbourIds = [Option<u64>; 9];

impl<'a> Around<'a> {
    /// A picture of which there is no more.
    pub(super) fn none(voxels: &'a Voxels) -> Self {
        Self { cells: [[None; 3], [None, Some(voxels), None], [None; 3]], border: Border::default() }
    }

    /// The `nth` tile between those of its picture.
    pub(super) fn of(wanted: &'a [WantedTile], nth: usize) -> Self {
        let own = &wanted[nth];
        let mut around = Self::none(&own.wanted.voxels);
        around.border = own.tile.border();
        if around.border.is_none() {
            return around;
        }
        for other in wanted.iter().filter(|other| !other.is_backdrop && is_same_picture(other, own)) {
            if let Some([row, column]) = own.tile.cell_of(&other.tile)
                && [row, column] != [1, 1]
                && other.wanted.voxels.dtype() == own.wanted.voxels.dtype()
            {
                around.cells[row][column] = Some(&other.wanted.voxels);
            }
        }
        around
    }

    /// Other voxels at the same place, whose neighbours are not known.
    pub(super) fn alone<'b>(&self, voxels: &'b Voxels) -> Around<'b> {
        Around { border: self.border, ..Around::none(voxels) }
    }

    pub(super) fn ids(&self) -> NeighbourIds {
        let mut ids = [None; 9];
        let cells = self.cells.iter().flatten().enumerate().filter(|(i, _)| *i != 4);
        cells.for_each(|(i, cell)| ids[i] = cell.map(Voxels::id));
        ids
    }

    /// Columns and rows of the tile itself.
    fn size(&self) -> [usize; 2] {
        self.cells[1][1].map_or([0; 2], |own| [own.shape().dims()[1], own.shape().dims()[0]])
    }

    /// The part (0, 1, 2: before, in, after the tile) of the texel `at` along x or y, and the voxel's index there,
    /// in the neighbour or, where there is none, at the tile's own edge.
    fn locate(&self, i: usize, at: usize) -> (usize, usize) {
        let (low, len) = (self.border.low[i] as usize, self.size()[i]);
        match at {
            at if at < low => (0, 0),
            at if at < low + len => (1, at - low),
            _ => (2, len - 1),
        }
    }

    /// Writes texels of `columns` × `rows`, borders included, as a texture wants them.
    pub(super) fn fill(&self, columns: [usize; 2], rows: [usize; 2], target: &mut [u8]) {
        let Some(own) = self.cells[1][1] else { return };
        let texel_bytes = Texel::of(own.dtype()).num_bytes();
        let [width, _] = self.size();
        let row_bytes = (columns[1] - columns[0]) * texel_bytes;
        let first = self.border.low[0] as usize;
        for (row, line) in (rows[0]..rows[1]).zip(target.chunks_exact_mut(row_bytes)) {
            let (part, y) = self.locate(1, row);
            let mut at = columns[0];
            while at < columns[1] {
                let (column_part, x) = self.locate(0, at);
                // A run through the tile's columns, or the one column beside it.
                let stop = if column_part == 1 { columns[1].min(first + width) } else { at + 1 };
                let num = stop - at;
                let bytes = &mut line[(at - columns[0]) * texel_bytes..(stop - columns[0]) * texel_bytes];
                copy_run(own, x..x + num, y, bytes);
                if let Some(cell) = self.cells[part][column_part]
                    && (part, column_part) != (1, 1)
                {
                    copy_measured(cell, edge_of(cell, [column_part, part], [x, y]), bytes, texel_bytes);
                }
                at = stop;
            }
        }
    }

    /// Writes 1 where a texel stands for a missing voxel of the tile, else 0.
    pub(super) fn fill_mask(&self, columns: [usize; 2], rows: [usize; 2], target: &mut [u8]) {
        let Some(own) = self.cells[1][1] else { return };
        let mut texels = target.iter_mut();
        for row in rows[0]..rows[1] {
            let (part, y) = self.locate(1, row);
            for column in columns[0]..columns[1] {
                let (column_part, x) = self.locate(0, column);
                let is_own = self.cells[part][column_part].is_none() || (part, column_part) == (1, 1);
                if let Some(texel) = texels.next() {
                    *texel = u8::from(is_own && !own.is_measured(&[y, x]));
                }
            }
        }
    }
}

impl Tile {
    /// Row and column among the nine about this tile where another lies, if it touches it without an offset.
    fn cell_of(&self, other: &Self) -> Option<[usize; 2]> {
        let place = |axis: usize| {
            if other.end(axis) == self.from[axis] {
                Some(0)
            } else if other.from[axis] == self.from[axis] && other.size[axis] == self.size[axis] {
                Some(1)
            } else {
                (other.from[axis] == self.end(axis)).then_some(2)
            }
        };
        Some([place(0)?, place(1)?])
    }
}

/// Whether both are tiles of one picture in one resolution.
fn is_same_picture(a: &WantedTile, b: &WantedTile) -> bool {
    let (a_key, b_key) = (a.wanted.key, b.wanted.key);
    PictureKey { tile: None, ..a_key } == PictureKey { tile: None, ..b_key } && a.tile.of == b.tile.of
}

/// The voxel of a neighbour in `parts` (x, y) that touches the tile at its voxel `at`.
fn edge_of(cell: &Voxels, parts: [usize; 2], at: [usize; 2]) -> [usize; 2] {
    let dims = cell.shape().dims();
    [0, 1].map(|i| match parts[i] {
        0 => dims[1 - i] - 1,
        1 => at[i],
        _ => 0,
    })
}

/// Writes the texels of a row from a voxel (x, y) on but for the missing ones, which have no value to blend with.
fn copy_measured(voxels: &Voxels, [x, y]: [usize; 2], target: &mut [u8], texel_bytes: usize) {
    let num = target.len() / texel_bytes;
    if voxels.missing().is_empty() {
        return copy_run(voxels, x..x + num, y, target);
    }
    for (column, texel) in (x..x + num).zip(target.chunks_exact_mut(texel_bytes)) {
        if voxels.is_measured(&[y, column]) {
            copy_run(voxels, column..column + 1, y, texel);
        }
    }
}

/// Writes the texels of some columns of a row.
fn copy_run(voxels: &Voxels, columns: std::ops::Range<usize>, row: usize, target: &mut [u8]) {
    let &[height, width] = voxels.shape().dims() else { return };
    if is_native(voxels.dtype()) {
        let voxel_bytes = voxels.dtype().num_bytes();
        let start = (row * width + columns.start) * voxel_bytes;
        target.copy_from_slice(&voxels.bytes()[start..start + columns.len() * voxel_bytes]);
    } else {
        let reduced = Reduced { voxels, size: [width, height], factor: 1 };
        reduced.fill([columns.start, columns.end], [row, row + 1], target);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::show::Wanted;
    use super::*;
    use crate::volume::{DType, LayerId, Orientation, Picture, Region, Shape, TileIndex};

    const KEY: PictureKey = PictureKey {
        tile: None,
        layer: LayerId::numbered(1),
        level: 0,
        picture: Picture::Plane { t: 0, orientation: Orientation::Xy, index: 0 },
    };

    /// Tiles of a picture of 7 × 9 voxels, each its row × 10 + column.
    fn tiles(cuts: [&[usize]; 2]) -> Vec<WantedTile> {
        let spans = |cuts: &[usize]| cuts.windows(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>();
        let (rows, columns) = (spans(cuts[0]), spans(cuts[1]));
        rows.iter()
            .flat_map(|rows| columns.iter().map(move |columns| (*rows, *columns)))
            .map(|(rows, columns)| {
                let values: Vec<u8> = (rows[0]..rows[1])
                    .flat_map(|y| (columns[0]..columns[1]).map(move |x| (10 * y + x) as u8))
                    .collect();
                let size = [rows[1] - rows[0], columns[1] - columns[0]];
                let voxels = Arc::new(Voxels::from_values(DType::U8, Shape::from(size), &values));
                let tile = Tile { from: [rows[0], columns[0]], size, of: [7.0, 9.0] };
                let index = TileIndex { row: rows[0] as u16, column: columns[0] as u16 };
                let key = PictureKey { tile: Some(index), ..KEY };
                WantedTile { wanted: Wanted { key, voxels }, tile, is_backdrop: false }
            })
            .collect()
    }

    fn filled(around: &Around<'_>) -> (usize, Vec<u8>) {
        let [width, height] = around.border.around(around.size());
        let mut texels = vec![255; width * height];
        around.fill([0, width], [0, height], &mut texels);
        (width, texels)
    }

    #[test]
    fn a_tile_is_bordered_by_its_neighbours_or_by_its_own_edge() {
        let tiles = tiles([&[0, 3, 5, 7], &[0, 4, 9]]);
        let nth = 2; // rows 3 and 4, columns 0 to 3
        let (width, texels) = filled(&Around::of(&tiles, nth));
        assert_eq!(width, 5);
        assert_eq!(texels, [20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 40, 41, 42, 43, 44, 50, 51, 52, 53, 54]);
        // Alone, the edge is repeated.
        let (_, texels) = filled(&Around::of(&tiles[2..3], 0));
        assert_eq!(texels, [30, 31, 32, 33, 33, 30, 31, 32, 33, 33, 40, 41, 42, 43, 43, 40, 41, 42, 43, 43]);
        // Where a neighbour lacks data, its values are not there.
        let mut holed = tiles;
        let hole = vec![Region::new(&[0, 0], &[1, 1]).unwrap()];
        let right = Voxels::from_values(DType::U8, Shape::from([2, 5]), &[99u8; 10]).with_missing(hole);
        holed[3].wanted.voxels = Arc::new(right);
        let (_, texels) = filled(&Around::of(&holed, nth));
        assert_eq!(texels[5..10], [30, 31, 32, 33, 33]);
    }

    #[test]
    fn tiles_that_touch_share_the_number_of_their_edge_and_coarse_ones_cover_fine_ones() {
        let image_px = [-13.37, 7.77, 1234.56, 987.65];
        let of = [1000.0, 1500.0];
        let tile = |row: usize, column: usize| Tile { from: [row * 100, column * 100], size: [100, 100], of };
        for (row, column) in (0..9).flat_map(|row| (0..14).map(move |column| (row, column))) {
            let [_, _, right, bottom] = tile(row, column).edges_px(image_px);
            assert_eq!(right, tile(row, column + 1).edges_px(image_px)[0]);
            assert_eq!(bottom, tile(row + 1, column).edges_px(image_px)[1]);
        }
        let coarse = Tile { from: [0, 100], size: [100, 100], of: [500.0, 750.0] };
        assert!(coarse.covers(&tile(1, 3)) && coarse.covers(&tile(0, 2)));
        assert!(!coarse.covers(&tile(2, 2)) && !coarse.covers(&tile(0, 1)) && !coarse.covers(&tile(0, 4)));
        assert!(Tile::whole([63, 94]).covers(&tile(9, 14)));
    }
}
