//! How planes and volumes lie in array textures: what is wider or higher than a texture may be is cut
//! into tiles, one layer each.

use std::ops::Range;

/// The cut of a plane, or of each plane of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Columns and rows of the plane.
    pub(super) size: [u32; 2],
    /// Columns and rows of a tile.
    pub(super) tile: [u32; 2],
    /// Tiles in a row, and rows of tiles.
    pub(super) counts: [u32; 2],
}

/// A rectangle of a plane that lies in one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Layer within the plane.
    pub(super) layer: u32,
    /// First column and row in the layer.
    pub(super) at: [u32; 2],
    /// First column and row in the plane.
    pub(super) from: [u32; 2],
    /// Columns and rows.
    pub(super) size: [u32; 2],
}

impl Tiling {
    /// The cut of a `size` (columns, rows) plane; `None` if it is empty or needs too many layers when
    /// there are `num_planes` of them.
    pub(super) fn new(size: [usize; 2], num_planes: usize, limits: &wgpu::Limits) -> Option<Self> {
        let side = limits.max_texture_dimension_2d as usize;
        if size.contains(&0) || num_planes == 0 {
            return None;
        }
        let counts = size.map(|n| n.div_ceil(side));
        let num_layers = counts[0].checked_mul(counts[1])?.checked_mul(num_planes)?;
        if num_layers > limits.max_texture_array_layers as usize {
            return None;
        }
        let tile = [size[0].div_ceil(counts[0]), size[1].div_ceil(counts[1])];
        // Everything is at most `side` × layers, which fits.
        Some(Self { size: size.map(|n| n as u32), tile: tile.map(|n| n as u32), counts: counts.map(|n| n as u32) })
    }

    /// Layers of one plane.
    pub(super) fn num_layers(&self) -> u32 {
        self.counts[0] * self.counts[1]
    }

    /// The pieces that the rows of a plane fall into.
    pub(super) fn pieces(&self, rows: Range<u32>) -> impl Iterator<Item = Piece> + use<> {
        let Self { size, tile, counts } = *self;
        let rows = rows.start..rows.end.min(size[1]);
        let bands = rows.start / tile[1]..if rows.is_empty() { 0 } else { (rows.end - 1) / tile[1] + 1 };
        bands.flat_map(move |band| {
            let first = rows.start.max(band * tile[1]);
            let last = rows.end.min((band + 1) * tile[1]);
            (0..counts[0]).map(move |column| Piece {
                layer: band * counts[0] + column,
                at: [0, first - band * tile[1]],
                from: [column * tile[0], first],
                size: [tile[0].min(size[0] - column * tile[0]), last - first],
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_voxel_once_and_stay_inside_their_layer() {
        let limits = wgpu::Limits { max_texture_dimension_2d: 4, max_texture_array_layers: 64, ..Default::default() };
        for size in [[1, 1], [4, 4], [5, 4], [9, 10], [13, 3]] {
            let tiling = Tiling::new(size, 1, &limits).unwrap();
            let mut seen = vec![0; size[0] * size[1]];
            for rows in [0..2u32.min(size[1] as u32), 2u32.min(size[1] as u32)..size[1] as u32] {
                for piece in tiling.pieces(rows) {
                    assert!(piece.layer < tiling.num_layers());
                    assert!((0..2).all(|i| piece.at[i] + piece.size[i] <= tiling.tile[i] && tiling.tile[i] <= 4));
                    for y in piece.from[1]..piece.from[1] + piece.size[1] {
                        for x in piece.from[0]..piece.from[0] + piece.size[0] {
                            seen[y as usize * size[0] + x as usize] += 1;
                        }
                    }
                }
            }
            assert!(seen.iter().all(|&n| n == 1), "{size:?}");
        }
        assert_eq!(Tiling::new([0, 4], 1, &limits), None);
        assert_eq!(Tiling::new([4, 4], 65, &limits), None);
        assert_eq!(Tiling::new([usize::MAX, usize::MAX], usize::MAX, &limits), None);
    }
}
