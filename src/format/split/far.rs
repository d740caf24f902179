//! Files numbered far from the other blocks: blocks where the metadata count them or their content says
//! so, something else (named after a date, say) otherwise.

use std::sync::Arc;

use super::block::Block;
use super::extent::Probe;
use super::names::{BlockName, Group, runs};
use crate::format::hdf5::Header;

/// Blocks that may be absent, beside three times those that are there, before a number is taken for
/// something else: each of them takes memory.
pub(super) const MAX_ABSENT: usize = 1 << 16;

/// Runs of far numbers whose content is looked at.
const MAX_RUNS: usize = 16;

/// The blocks that are beyond doubt, and the runs of numbers that are not. `claimed` is how many blocks
/// the metadata count.
pub(super) fn sort_out(group: &Group, claimed: Option<usize>) -> (Vec<BlockName>, Vec<Vec<BlockName>>) {
    let all = group.all();
    // Some writers count from 1.
    let is_from_zero = all.first().is_some_and(|block| block.number == 0);
    let end = claimed.map_or(0, |count| count as u64 + u64::from(!is_from_zero));
    let is_claimed = |run: &&[BlockName]| run.first().is_some_and(|block| block.number < end);
    let has_claimed = runs(&all).any(|run| is_claimed(&run));
    let is_sure = |run: &&[BlockName]| if has_claimed { is_claimed(run) } else { run.first() == group.blocks.first() };
    let sure = runs(&all).filter(is_sure).flatten().cloned().collect();
    let doubtful = runs(&all).filter(|run| !is_sure(run)).map(<[BlockName]>::to_vec).collect();
    (sure, doubtful)
}

/// Adds to `blocks` the runs whose first file holds an array like the recording's. Returns the names of
/// the others.
pub(super) fn join(
    blocks: &mut Vec<Arc<Block>>,
    runs: &[Vec<BlockName>],
    block_of: &mut dyn FnMut(&BlockName) -> Arc<Block>,
    reference: &Header,
    probe: &Probe<'_>,
) -> Vec<String> {
    let mut strays = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let numbers = blocks.first().zip(blocks.last()).map_or((0, 0), |(a, b)| (a.number, b.number));
        let span = last.number.max(numbers.1) - first.number.min(numbers.0);
        let is_near = span <= ((blocks.len() + run.len()) * 4 + MAX_ABSENT) as u64;
        let mut fits = || {
            let open = block_of(first).open(probe.key, probe.indexes).ok();
            open.is_some_and(|open| is_alike(open.array.header(), reference))
        };
        if i < MAX_RUNS && is_near && fits() {
            blocks.extend(run.iter().map(&mut *block_of));
            blocks.sort_by_key(|block| block.number);
        } else {
            strays.extend(run.iter().map(|block| block.name.clone()));
        }
    }
    strays
}

/// Whether two arrays can be blocks of one recording: their planes are equal, and they differ along one
/// axis at most, that of growth.
fn is_alike(a: &Header, b: &Header) -> bool {
    let (dims, others) = (a.shape.dims(), b.shape.dims());
    if a.dtype != b.dtype || dims.len() != others.len() {
        return false;
    }
    let outer = dims.len().saturating_sub(2).max(1);
    let num_others = dims.iter().zip(others).filter(|(a, b)| a != b).count();
    num_others <= 1 && dims[outer..] == others[outer..]
}
