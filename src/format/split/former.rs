//! Blocks that are, or may be, left over from a former recording in the same folder. What is certain is
//! left out; what is merely likely is shown, marked and named, and left out only where the user says so.

use std::sync::Arc;

use super::block::Block;
use super::extent::{Placement, Probe};
use super::identity::{Identity, identity_of, is_clearly_older};
use super::layout::{ClaimedGrid, Layout};
use crate::format::hdf5::Header;
use crate::volume::{Problem, Severity, Span, codes};

/// Blocks whose times are compared before a recording is said to look overwritten.
const NUM_COMPARED: usize = 32;

/// Why blocks do not seem to belong to the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The folder was seen to be overwritten from its first block on.
    Seen,
    /// Their predecessor is being written at this moment, and they are older than the first block.
    Landing,
    /// They hold another shape or type.
    OtherArray,
    /// They are older than the first block: a copy without its times looks the same.
    Older,
    /// The metadata end exactly before them.
    BeyondClaim,
}

/// Where the doubtful blocks begin, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Position among the blocks.
    pub from: usize,
    /// The sign.
    pub sign: Sign,
}

impl Doubt {
    /// Whether nothing else can explain the sign.
    pub fn is_certain(&self) -> bool {
        matches!(self.sign, Sign::Seen | Sign::Landing | Sign::OtherArray)
    }

    /// Names the blocks: as left out, or as shown and doubtful.
    pub fn problem(&self, blocks: &[Arc<Block>], is_left_out: bool, place: &Placement<'_>) -> Problem {
        let why = match self.sign {
            Sign::Seen => "the folder was overwritten from its first block on",
            Sign::Landing => "the block before is being written anew",
            Sign::OtherArray => "they hold another shape or type",
            Sign::Older => "older than the first block",
            Sign::BeyondClaim => "the metadata end before",
        };
        let name = |block: &Block| block.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let which = match blocks {
            [_, .., last] => format!("this and the following blocks up to {} are", name(last)),
            _ => "is".to_owned(),
        };
        let (code, text) = match (self.is_certain(), is_left_out) {
            (true, _) => (codes::STALE_BLOCK, format!("{which} left over from a former recording ({why}); left out")),
            (false, true) => (
                codes::LEFT_OUT_BLOCK,
                format!("{which} perhaps left over from a former recording ({why}); left out as asked"),
            ),
            (false, false) => (
                codes::SUSPECT_BLOCK,
                format!(
                    "{which} perhaps left over from a former recording ({why}), or copied in another order; shown. \
                     --leave-out-suspects leaves out what is not this recording's"
                ),
            ),
        };
        let range = blocks.first().zip(blocks.last()).map(|(first, last)| {
            let (start, end) = (place.range_of(first.number), place.range_of(last.number));
            [start[0], end[1]]
        });
        Problem {
            code,
            severity: Severity::Warning,
            file: blocks.first().map(|block| (&block.path).into()),
            span: place.axis.zip(range).map(|(axis, range)| Span { axis, range }),
            message: text,
        }
    }
}

/// Looks for blocks at the end that do not seem to belong to the recording.
pub(super) fn find(
    blocks: &[Arc<Block>],
    first: u64,
    layout: &Layout,
    claimed: Option<&ClaimedGrid>,
    reference: &Header,
    probe: &Probe<'_>,
) -> Option<Doubt> {
    let doubt = find_sign(blocks, first, layout, claimed, probe)?;
    if doubt.is_certain() {
        return Some(doubt);
    }
    let doubtful = &blocks[doubt.from..];
    let is_other = |block: &Arc<Block>| {
        let open = block.open(probe.key, probe.indexes).ok();
        open.is_some_and(|open| !is_like(open.array.header(), reference, layout.growth))
    };
    if doubtful.first().is_some_and(is_other) && doubtful.last().is_some_and(is_other) {
        return Some(Doubt { sign: Sign::OtherArray, ..doubt });
    }
    // A rig writes its blocks in order: while one is being written, what follows is not of its run.
    let is_landing = |block: &Arc<Block>| {
        let is_whole = block.open(probe.key, probe.indexes).is_ok_and(|open| open.array.is_whole());
        !is_whole && identity_of(&block.path).is_ok_and(|file| !probe.is_still(block, &file))
    };
    let is_overwritten = doubt.sign == Sign::Older && !probe.is_finished;
    if is_overwritten && doubt.from.checked_sub(1).is_some_and(|before| is_landing(&blocks[before])) {
        return Some(Doubt { sign: Sign::Landing, ..doubt });
    }
    Some(doubt)
}

/// Whether two arrays can be of one recording: equal but for their length along the growth axis.
pub(super) fn is_like(a: &Header, b: &Header, growth: usize) -> bool {
    let (dims, others) = (a.shape.dims(), b.shape.dims());
    let is_same = |axis: usize| axis == growth || dims[axis] == others[axis];
    a.dtype == b.dtype && dims.len() == others.len() && (0..dims.len()).all(is_same)
}

fn find_sign(
    blocks: &[Arc<Block>],
    first: u64,
    layout: &Layout,
    claimed: Option<&ClaimedGrid>,
    probe: &Probe<'_>,
) -> Option<Doubt> {
    let last = blocks.last()?;
    let span = last.number - first + 1;
    let is_claimed = |grid: &&ClaimedGrid| probe.is_finished && layout.claimed_len > 0 && (grid.count as u64) < span;
    if let Some(grid) = claimed.filter(is_claimed) {
        let from = blocks.partition_point(|block| block.number - first < grid.count as u64);
        let end = from.checked_sub(1).map(|i| &blocks[i])?;
        let start = (layout.grid[layout.growth] - 1) * layout.block[layout.growth];
        // Else the claim is wrong, and the files go on beyond it.
        let is_exact = probe.growth_len(end, layout)? == layout.claimed_len.checked_sub(start)?;
        return is_exact.then_some(Doubt { from, sign: Sign::BeyondClaim });
    }
    if claimed.is_some_and(|grid| grid.count as u64 == span) || blocks.len() < 2 {
        return None;
    }
    if !probe.seen.lock().former.is_empty() {
        // We watched the restart, so no clock is needed.
        let is_former = |block: &Block| {
            let seen = probe.seen.lock();
            let known = seen.former.get(&*block.path)?;
            identity_of(&block.path).ok().map(|now| now == *known)
        };
        let from = blocks.partition_point(|block| is_former(block) != Some(true));
        return (from > 0 && from < blocks.len()).then_some(Doubt { from, sign: Sign::Seen });
    }
    let from = older_from(blocks)?;
    Some(Doubt { from, sign: Sign::Older })
}

/// Where the blocks begin that are older than the first one, if the times are those of a rig that began
/// again: rising up to there, and all older from there on. Two files are asked for their time, more only
/// where these are the wrong way round.
fn older_from(blocks: &[Arc<Block>]) -> Option<usize> {
    let file = |block: &Arc<Block>| identity_of(&block.path).ok();
    let begin = file(blocks.first()?)?;
    let is_old = |block: &Arc<Block>| file(block).is_some_and(|file| is_clearly_older(&file, &begin));
    if !is_old(blocks.last()?) {
        return None;
    }
    let from = blocks.partition_point(|block| !is_old(block));
    let sample = |part: &[Arc<Block>]| -> Vec<Arc<Block>> {
        part.iter().step_by(part.len().div_ceil(NUM_COMPARED).max(1)).map(Arc::clone).collect()
    };
    let young: Vec<Identity> = sample(&blocks[..from]).iter().filter_map(file).collect();
    let is_rising = young.windows(2).all(|pair| !is_clearly_older(&pair[1], &pair[0]));
    let is_all_old = sample(&blocks[from..]).iter().all(is_old);
    (from > 0 && is_rising && is_all_old).then_some(from)
}
