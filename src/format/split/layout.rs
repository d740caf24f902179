//! Where each block lies in the recording. The files decide; the metadata's claim is used as far as the
//! files agree with it.

use super::metadata::Claim;
use crate::volume::{DType, Index, MAX_RANK, Region, Shape, unravel};

/// More blocks than this in a claim are a lie: the largest recordings have some ten thousand.
const MAX_BLOCKS: usize = 4_000_000;

/// The regular part of a recording's layout, before its extent is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Extent of a block, without the overlap.
    pub block: Vec<usize>,
    /// Trailing overlap of each block.
    pub padding: Vec<usize>,
    /// Blocks along each axis; what stands for the growth axis is the claim, 0 for none.
    pub grid: Vec<usize>,
    /// The axis along which blocks are added: the slowest one that is split.
    pub growth: usize,
    /// Extent along the growth axis by the metadata, 0 for none.
    pub claimed_len: usize,
    /// Channels that are interleaved along z inside each block: 2 in some files of 2020, else 1.
    pub channels: usize,
}

/// A claim that makes sense by itself.
#[derive(Clone, Debug)]
pub(super) struct ClaimedGrid {
    full: Vec<usize>,
    block: Vec<usize>,
    padding: Vec<usize>,
    grid: Vec<usize>,
    /// Number of blocks it implies.
    pub count: usize,
}

impl ClaimedGrid {
    /// The grid a claim describes; `None` where it claims nothing or something impossible.
    pub fn of(claim: &Claim) -> Option<Self> {
        Self::with_padding(claim, true)
    }

    fn with_padding(claim: &Claim, is_padded: bool) -> Option<Self> {
        let full: Vec<usize> = numbers(claim.full.as_deref()?)?;
        let block = claim.block.as_deref()?;
        if full.len() != block.len() || full.len() > MAX_RANK {
            return None;
        }
        let padding = match numbers(&claim.padding)? {
            padding if is_padded && padding.len() == full.len() => padding,
            _ => vec![0; full.len()],
        };
        let mut grid = Vec::new();
        let mut blocks = Vec::new();
        let mut count = 1usize;
        for axis in 0..full.len() {
            let len = block[axis].map_or(Some(full[axis]), |len| usize::try_from(len).ok())?.min(full[axis]);
            let num = full[axis].saturating_sub(padding[axis]).div_ceil(len).max(1);
            count = count.checked_mul(num).filter(|&count| count <= MAX_BLOCKS)?;
            blocks.push(len);
            grid.push(num);
        }
        Some(Self { full, block: blocks, padding, grid, count })
    }
}

fn numbers(all: &[u64]) -> Option<Vec<usize>> {
    // Half the address space is more than any file system holds, and sums of two stay in range.
    all.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n <= usize::MAX / 4)).collect()
}

/// What the reference block, the first that could be opened, tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    /// Its extent.
    pub dims: &'a [usize],
    /// Its storage type.
    pub dtype: DType,
    /// Its position in the recording.
    pub ordinal: usize,
    /// Whether the surroundings say that blocks are planes (brunoise).
    pub is_plane_by_plane: bool,
    /// Whether the last block differs from it by a shorter first axis alone: planes are all recorded for
    /// the same time.
    pub ends_short: bool,
}

/// The layout, and whether the claim (if there was one) had to be put aside.
pub(super) fn infer(claim: &Claim, reference: &Reference<'_>) -> (Layout, bool) {
    let grids = [ClaimedGrid::with_padding(claim, true), ClaimedGrid::with_padding(claim, false)];
    for grid in grids.into_iter().flatten() {
        if let Some(layout) = fit(&grid, reference) {
            return (layout, false);
        }
    }
    let dims = reference.dims;
    let channels = if reference.is_plane_by_plane && dims.len() == 4 && dims[1] == 2 { 2 } else { 1 };
    let mut block = dims.to_vec();
    if channels == 2 {
        block[1] = 1;
    }
    let growth = default_growth(&block, reference);
    let layout =
        Layout { padding: vec![0; dims.len()], grid: vec![1; dims.len()], block, growth, claimed_len: 0, channels };
    (layout, claim.full.is_some() || claim.block.is_some())
}

/// The axis along which a recording of one block, or of unknown layout, goes on: sashimi appends
/// volumes, brunoise planes. Sashimi writes u16 only, and brunoise never does.
fn default_growth(block: &[usize], reference: &Reference<'_>) -> usize {
    let is_plane = block.len() == 4 && block[1] == 1;
    let never_sashimi = !matches!(reference.dtype, DType::U16 | DType::U8);
    usize::from(is_plane && (reference.is_plane_by_plane || never_sashimi && !reference.ends_short))
}

/// The layout a claim gives, if the reference block is what it says.
fn fit(claim: &ClaimedGrid, reference: &Reference<'_>) -> Option<Layout> {
    let dims = reference.dims;
    if dims.len() != claim.full.len() {
        return None;
    }
    let growth = claim.grid.iter().position(|&num| num > 1).unwrap_or_else(|| default_growth(&claim.block, reference));
    let coordinates = coordinates(&claim.grid, growth, reference.ordinal);
    // Two channels lie where the claim has one plane.
    let is_double = dims.len() == 4 && dims[1] == 2 && claim.block[1] == 1 && reference.dtype.is_float();
    let channels = if is_double { 2 } else { 1 };
    let mut dims = dims.to_vec();
    if is_double {
        dims[1] = 1;
    }
    for axis in 0..dims.len() {
        let (block, padding, full) = (claim.block[axis], claim.padding[axis], claim.full[axis]);
        if axis == growth {
            // How many there are along this axis is for the files to say; only a block that is longer
            // than claimed, or that lacks its overlap, speaks against the claim.
            let is_inner = reference.ordinal + 1 < claim.count;
            if dims[axis] > block + padding || (padding > 0 && is_inner && dims[axis] == block) {
                return None;
            }
            continue;
        }
        let start = coordinates[axis] * block;
        let len = full.min(start + block + padding).checked_sub(start)?;
        if dims[axis] != len {
            return None;
        }
    }
    Some(Layout {
        block: claim.block.clone(),
        padding: claim.padding.clone(),
        grid: claim.grid.clone(),
        growth,
        claimed_len: claim.full[growth],
        channels,
    })
}

impl Layout {
    /// Whether a position means the same in both: how far they go may differ.
    pub fn is_like(&self, other: &Self) -> bool {
        let inner = |layout: &Self| {
            let mut grid = layout.grid.clone();
            grid[layout.growth] = 0;
            grid
        };
        (&self.block, &self.padding, self.growth, self.channels)
            == (&other.block, &other.padding, other.growth, other.channels)
            && inner(self) == inner(other)
    }

    /// Extent along the growth axis of a recording that stored an array of `dims` as one block.
    pub fn growth_len(&self, dims: &[usize]) -> Option<usize> {
        let stored = *dims.get(self.growth)?;
        (dims.len() == self.block.len()).then(|| if self.growth == 1 { stored / self.channels } else { stored })
    }
}

/// Position of a block along each axis, C order; the growth axis has no end.
fn coordinates(grid: &[usize], growth: usize, ordinal: usize) -> Index {
    let mut at = [0; MAX_RANK];
    let along = unravel(ordinal as u64, &grid[growth..]);
    at[growth..grid.len()].copy_from_slice(&along[..grid.len() - growth]);
    at
}

/// Where the blocks of a recording lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Extent of the recording as far as the files go.
    pub shape: Shape,
    /// Everything but the extent.
    pub layout: Layout,
    /// Blocks along each axis.
    grid: Vec<usize>,
    /// The extent of each axis that is not the growth axis follows from the claim or the block.
    num_blocks: usize,
}

impl Geometry {
    /// Lays out `span` blocks, the last of which reaches `last_len` along the growth axis (`None` if it
    /// could not be asked). `fixed` is the extent along all other axes.
    pub fn new(layout: &Layout, span: usize, last_len: Option<usize>, fixed: &[usize]) -> Option<Self> {
        let growth = layout.growth;
        let inner: usize = layout.grid.iter().enumerate().filter(|(axis, _)| *axis != growth).map(|(_, n)| n).product();
        let along = span.div_ceil(inner).max(1);
        let start = (along - 1).checked_mul(layout.block[growth])?;
        let nominal = match layout.claimed_len {
            len if along == layout.grid[growth] && len > start => len - start,
            _ => layout.block[growth],
        };
        let longest = layout.block[growth] + layout.padding[growth];
        let mut dims = fixed.to_vec();
        dims[growth] = start.checked_add(last_len.unwrap_or(nominal).clamp(1, longest))?;
        let mut grid = layout.grid.clone();
        grid[growth] = along;
        let shape = Shape::new(&dims)?;
        shape.num_voxels()?.checked_mul(8)?;
        Some(Self { shape, layout: layout.clone(), num_blocks: along.checked_mul(inner)?, grid })
    }

    /// Number of blocks, missing ones included.
    pub fn num_blocks(&self) -> usize {
        self.num_blocks
    }

    /// Blocks along each axis.
    pub fn grid(&self) -> &[usize] {
        &self.grid
    }

    /// The voxels a block answers for: its own without the overlap, which its successor holds too.
    pub fn region(&self, ordinal: usize) -> Region {
        let at = coordinates(&self.grid, self.layout.growth, ordinal);
        let rank = self.shape.rank();
        let (mut start, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for axis in 0..rank {
            let (block, dim) = (self.layout.block[axis], self.shape.dims()[axis]);
            start[axis] = (at[axis] * block).min(dim);
            stop[axis] = if at[axis] + 1 >= self.grid[axis] { dim } else { (start[axis] + block).min(dim) };
        }
        // Both ends are clipped to the extent in the same order, so the box is well formed.
        Region::new(&start[..rank], &stop[..rank]).unwrap_or_else(|| Region::whole(&self.shape).with_axis(0, 0, 0))
    }

    /// C-order number of the block at these coordinates.
    pub fn ordinal(&self, at: &[usize]) -> usize {
        at.iter().zip(&self.grid).fold(0, |ordinal, (i, num)| ordinal * num + i)
    }

    /// Coordinates of the blocks that touch a box inside the recording.
    pub fn touched(&self, region: &Region) -> Region {
        let (mut first, mut stop) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, (&num, &block)) in self.grid.iter().zip(&self.layout.block).enumerate() {
            first[axis] = (region.start()[axis] / block).min(num - 1);
            stop[axis] = (region.stop()[axis].saturating_sub(1) / block).min(num - 1) + 1;
        }
        let rank = self.grid.len();
        // A box's ends are in order, and dividing keeps it so.
        Region::new(&first[..rank], &stop[..rank]).unwrap_or_else(|| Region::whole(&self.shape).with_axis(0, 0, 0))
    }
}

/// Extent along all axes (that of the growth axis is meaningless): as claimed where the claim stands,
/// as the block has it elsewhere.
pub(super) fn fixed_extent(layout: &Layout, claim: &Claim, dims: &[usize]) -> Vec<usize> {
    let claimed = claim.full.as_deref().and_then(numbers).filter(|full| full.len() == dims.len());
    let mut fixed = match claimed {
        Some(full) if layout.claimed_len > 0 => full,
        _ => dims.to_vec(),
    };
    if layout.channels == 2 && layout.claimed_len == 0 {
        fixed[1] = layout.block[1];
    }
    fixed
}

/// The number of the first block: 0 as the rigs count, 1 as Julia and fimpy do, or the smallest found.
pub(super) fn first_number(min: u64, max: u64, num_files: usize, claimed: Option<usize>) -> u64 {
    let claimed = claimed.map(|count| count as u64);
    if claimed == Some(max - min + 1) {
        return min;
    }
    match claimed {
        // All fit below the claimed number: the first ones are missing.
        Some(count) if max < count => 0,
        Some(_) => min,
        None if min <= 1 || num_files == 1 || min > 64 => min,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(full: &[u64], block: &[u64], padding: &[u64]) -> Claim {
        Claim {
            full: Some(full.to_vec()),
            block: Some(block.iter().map(|&n| Some(n)).collect()),
            padding: padding.to_vec(),
            ..Claim::default()
        }
    }

    fn reference(dims: &[usize]) -> Reference<'_> {
        Reference { dims, dtype: DType::U16, ordinal: 0, is_plane_by_plane: false, ends_short: false }
    }

    #[test]
    fn blocks_that_split_every_axis_tile_the_recording() {
        let claim = claim(&[6, 5, 20, 25], &[4, 3, 12, 10], &[]);
        let dims = [4, 3, 12, 10];
        let (layout, put_aside) = infer(&claim, &reference(&dims));
        assert!(!put_aside);
        let fixed = fixed_extent(&layout, &claim, &dims);
        let geometry = Geometry::new(&layout, 24, Some(2), &fixed).expect("fits");
        assert_eq!((geometry.num_blocks(), geometry.shape.dims()), (24, &[6, 5, 20, 25][..]));
        let voxels: usize = (0..24).filter_map(|k| geometry.region(k).shape().num_voxels()).sum();
        assert_eq!(voxels, 6 * 5 * 20 * 25);
        assert_eq!(format!("{}", geometry.region(23)), "[4:6, 3:5, 12:20, 20:25]");
        for k in 0..24 {
            let at = coordinates(geometry.grid(), 0, k);
            assert_eq!(geometry.ordinal(&at[..4]), k);
        }
    }

    #[test]
    fn the_overlap_belongs_to_the_successor_and_at_the_end_to_the_last() {
        for (len, span, last, regions) in
            [(12, 3, 4, ["[0:4]", "[4:8]", "[8:12]"].as_slice()), (10, 2, 6, ["[0:4]", "[4:10]"].as_slice())]
        {
            let claim = claim(&[len], &[4], &[2]);
            let (layout, _) = infer(&claim, &reference(&[6]));
            let geometry = Geometry::new(&layout, span, Some(last), &[len as usize]).expect("fits");
            let found: Vec<_> = (0..geometry.num_blocks()).map(|k| geometry.region(k).to_string()).collect();
            assert_eq!(found, regions);
        }
        // Metadata copied from a padded dataset to one that is not.
        let (layout, put_aside) = infer(&claim(&[12], &[4], &[2]), &reference(&[4]));
        assert_eq!((layout.padding, put_aside), (vec![0], false));
    }

    #[test]
    fn a_claim_the_files_contradict_or_no_machine_could_hold_is_put_aside() {
        let dims = [4, 3, 16, 18];
        for lie in [
            claim(&[12, 3, 20, 20], &[4, 3, 20, 20], &[]),
            claim(&[12, 16, 18], &[4, 16, 18], &[]),
            claim(&[4294967296, 4294967296, 65536, 65536], &[4294967296, 4294967296, 65536, 65536], &[]),
            claim(&[u64::MAX, 3, 16, 18], &[1, 3, 16, 18], &[]),
            claim(&[12, 3, 16, 18], &[3, 3, 16, 18], &[]),
        ] {
            let (layout, put_aside) = infer(&lie, &reference(&dims));
            assert!(put_aside, "{lie:?}");
            assert_eq!((layout.block.as_slice(), layout.growth), (&dims[..], 0));
        }
    }

    #[test]
    fn planes_and_volumes_are_told_apart_without_metadata() {
        let plane = Reference {
            dims: &[40, 1, 18, 22],
            dtype: DType::I16,
            ordinal: 0,
            is_plane_by_plane: false,
            ends_short: false,
        };
        assert_eq!(infer(&Claim::default(), &plane).0.growth, 1);
        let planar = Reference { dtype: DType::U16, ..plane };
        assert_eq!(infer(&Claim::default(), &planar).0.growth, 0);
        let ragged = Reference { ends_short: true, ..plane };
        assert_eq!(infer(&Claim::default(), &ragged).0.growth, 0);
        let told = Reference { is_plane_by_plane: true, ..planar };
        assert_eq!(infer(&Claim::default(), &told).0.growth, 1);
    }

    #[test]
    fn the_first_number_is_told_from_a_missing_first_block() {
        assert_eq!(first_number(0, 2, 3, Some(3)), 0);
        assert_eq!(first_number(1, 3, 3, Some(3)), 1);
        assert_eq!(first_number(1, 2, 2, Some(3)), 0);
        assert_eq!(first_number(9998, 10001, 4, Some(4)), 9998);
        assert_eq!(first_number(5, 7, 3, None), 0);
        assert_eq!(first_number(7, 7, 1, None), 7);
    }
}
