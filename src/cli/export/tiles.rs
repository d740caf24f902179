//! Cutting the result of an export into tiles.

use super::gather::{Gather, Tile};

/// Cuts the result into tiles of at most about `max_bytes`, in C order, at chunk edges as long as that is
/// possible. Axis `whole` is not cut.
pub fn tiles(gather: &Gather<'_>, shape: &[usize], item: usize, max_bytes: usize, whole: Option<usize>) -> Vec<Tile> {
    let cuts: Vec<Vec<usize>> = (0..shape.len()).map(|dim| gather.cuts(dim)).collect();
    let mut tiles = Vec::new();
    let mut todo = vec![shape.iter().map(|&dim| 0..dim).collect::<Tile>()];
    while let Some(tile) = todo.pop() {
        let num_bytes = tile.iter().map(ExactSizeIterator::len).product::<usize>() * item;
        let middle = |dim: usize| {
            let first = cuts[dim].partition_point(|&cut| cut <= tile[dim].start);
            let inside = &cuts[dim][first..cuts[dim].partition_point(|&cut| cut < tile[dim].end).max(first)];
            inside.get(inside.len() / 2).copied()
        };
        let dims = || (0..shape.len()).filter(|&dim| Some(dim) != whole && gather.can_cut(dim));
        let cut = if num_bytes <= max_bytes {
            None
        } else {
            let at_edge = dims().find_map(|dim| Some((dim, middle(dim)?)));
            // A single chunk may be larger than a tile should be; only far larger ones are read twice.
            let anywhere = || {
                let dim = dims().find(|&dim| tile[dim].len() > 1)?;
                Some((dim, tile[dim].start + tile[dim].len() / 2))
            };
            at_edge.or_else(|| if num_bytes > max_bytes.saturating_mul(8) { anywhere() } else { None })
        };
        match cut {
            None => tiles.push(tile),
            Some((dim, at)) => {
                let (mut before, mut after) = (tile.clone(), tile);
                before[dim].end = at;
                after[dim].start = at;
                todo.extend([after, before]);
            }
        }
    }
    tiles
}
