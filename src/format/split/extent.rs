//! How far a recording goes: which of its last blocks are part of it, and which are being written or given
//! up.

use std::sync::Arc;

use parking_lot::Mutex;

use super::block::{Block, Key};
use super::identity::{Identity, identity_of};
use super::indexes::Indexes;
use super::layout::Layout;
use super::seen::Seen;
use crate::format::hdf5::H5Array;
use crate::format::{Filled, ReadErrorKind};
use crate::volume::{Axis, Piece, PieceState, Problem, Region, Severity, Span, codes};

/// Most blocks at the end that are looked at for whether they open.
const MAX_TAIL: usize = 64;

/// What is needed to look into blocks while the extent is found out.
pub(super) struct Probe<'a> {
    /// Which array.
    pub key: &'a Key,
    /// Where indexes are kept.
    pub indexes: &'a Indexes,
    /// Whether the metadata are there, which are written last.
    pub is_finished: bool,
    /// What is remembered between looks.
    pub seen: &'a Mutex<Seen>,
}

/// A last block that is not part of the recording yet.
pub(super) struct Tail {
    /// The block.
    pub block: Arc<Block>,
    /// Why it is given up: it has not changed for a while, and nothing of it can be read. `None` for one
    /// that changed a moment ago.
    pub given_up: Option<String>,
}

impl Tail {
    /// Where it will lie or would have lain, and in what state it is.
    fn piece(&self, place: &Placement<'_>) -> Piece {
        let state = if self.given_up.is_some() { PieceState::Damaged } else { PieceState::Writing };
        place.piece(self.block.number, state)
    }

    /// What is said of it.
    fn problem(&self, place: &Placement<'_>) -> Option<Problem> {
        let reason = self.given_up.as_ref()?;
        let range = place.range_of(self.block.number);
        Some(Problem {
            code: codes::UNFINISHED_BLOCK,
            severity: Severity::Error,
            file: Some((&self.block.path).into()),
            span: place.axis.map(|axis| Span { axis, range }),
            message: format!("not complete ({reason}): its writer stopped half-way, or has not gone on for a while"),
        })
    }
}

/// What lies between the last block that is shown and the end of the tail: pieces, and what is said of them.
pub(super) fn beyond(tail: &[Tail], after: u64, place: &Placement<'_>) -> (Vec<Piece>, Vec<Problem>) {
    let (mut pieces, mut problems) = (Vec::new(), Vec::new());
    let mut next = after + 1;
    for part in tail {
        if part.block.number > next {
            let range = [place.range_of(next)[0], place.range_of(part.block.number)[0]];
            pieces.extend((next..part.block.number).map(|number| place.piece(number, PieceState::Missing)));
            problems.push(Problem {
                code: codes::MISSING_BLOCK,
                severity: Severity::Error,
                file: Some((&part.block.path).into()),
                span: place.axis.map(|axis| Span { axis, range }),
                message: format!("the {} blocks before this are missing", part.block.number - next),
            });
        }
        pieces.push(part.piece(place));
        problems.extend(part.problem(place));
        next = part.block.number + 1;
    }
    (pieces, problems)
}

/// Where blocks lie along the growth axis, by their numbers.
#[derive(Clone, Copy)]
pub(super) struct Placement<'a> {
    /// What the growth axis is.
    pub axis: Option<Axis>,
    /// The layout.
    pub layout: &'a Layout,
    /// Number of the first block.
    pub first: u64,
}

impl Placement<'_> {
    /// A piece at the place of a block.
    pub fn piece(&self, number: u64, state: PieceState) -> Piece {
        Piece { axis: self.axis, range: self.range_of(number), state }
    }

    /// What a block of full length covers.
    pub fn range_of(&self, number: u64) -> [usize; 2] {
        let layout = self.layout;
        let all = layout.grid.iter().enumerate();
        let inner: usize = all.filter(|(axis, _)| *axis != layout.growth).map(|(_, num)| num).product();
        let len = layout.block[layout.growth];
        let at = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX) / inner.max(1);
        let start = at.saturating_mul(len);
        [start, start.saturating_add(len)]
    }
}

impl Probe<'_> {
    /// Whether a block's file has not changed for a while.
    pub fn is_still(&self, block: &Block, file: &Identity) -> bool {
        self.seen.lock().is_still(&block.path, file)
    }

    /// Length of a block along the growth axis, if it opens and has the right rank.
    pub fn growth_len(&self, block: &Block, layout: &Layout) -> Option<usize> {
        let open = block.open(self.key, self.indexes).ok()?;
        layout.growth_len(open.array.header().shape.dims())
    }

    /// Whether the last block is like one of extent `dims`, with a shorter first axis.
    pub fn ends_short(&self, blocks: &[Arc<Block>], dims: &[usize]) -> bool {
        let open = blocks.last().and_then(|last| last.open(self.key, self.indexes).ok());
        open.is_some_and(|open| {
            let last = open.array.header().shape;
            last.rank() == dims.len() && last.dims()[0] < dims[0] && last.dims()[1..] == dims[1..]
        })
    }

    /// The true block length where the first block is shorter than claimed and its successor is just as
    /// short. Reads a second header only in that case.
    pub fn settle_block_len(
        &self,
        layout: &Layout,
        blocks: &[Arc<Block>],
        dims: &[usize],
        ordinal: usize,
    ) -> Option<usize> {
        let len = layout.growth_len(dims)?;
        if layout.claimed_len == 0 || ordinal != 0 || len >= layout.block[layout.growth] || blocks.len() < 2 {
            return None;
        }
        (self.growth_len(&blocks[1], layout)? == len).then_some(len)
    }

    /// Takes blocks off the end that cannot be shown yet, and returns them in order. A finished recording keeps all: what does not
    /// open there is damage, and shown as such.
    pub fn trim_tail(&self, blocks: &mut Vec<Arc<Block>>) -> Vec<Tail> {
        let mut tail = Vec::new();
        for _ in 0..MAX_TAIL {
            let Some(last) = blocks.last() else { break };
            let given_up = match last.open(self.key, self.indexes) {
                Ok(open) if open.array.is_whole() || self.is_finished => break,
                Ok(open) => {
                    let is_still = self.is_still(last, &open.identity);
                    // Nobody goes on writing it: what there is of it is all there will be.
                    if is_still && is_readable(&open.array) {
                        break;
                    }
                    self.indexes.remove(last.id());
                    is_still.then(|| "cut off before its first data".to_owned())
                }
                Err(_) if self.is_finished => break,
                // An array of another name or shape is not on its way to becoming right.
                Err(error) if error.kind == ReadErrorKind::Unsupported => break,
                Err(error) => match identity_of(&last.path) {
                    Ok(identity) if error.kind != ReadErrorKind::NotYetWritten && self.is_still(last, &identity) => {
                        Some(error.message.to_string())
                    }
                    _ => None,
                },
            };
            tail.extend(blocks.pop().map(|block| Tail { block, given_up }));
        }
        tail.reverse();
        tail
    }
}

/// Whether the first part of an incomplete array can be read: writers go from the front to the end.
fn is_readable(array: &H5Array) -> bool {
    let header = array.header();
    let first = Region::whole(&array.parts());
    let Some(num_bytes) = first.shape().num_bytes(header.dtype) else { return false };
    match array.read(&first, &mut vec![0; num_bytes]) {
        Ok(Filled::All) => true,
        Ok(Filled::Except(gaps, _)) => !gaps.contains(&first),
        Err(_) => false,
    }
}
