//! The stored pieces of a recording and the state of each: the one truth that the map, the counts and
//! the list of problems are made of.

use serde::Serialize;

use super::Axis;

/// State of one stored piece of a recording (for split datasets: a block), the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PieceState {
    /// Complete on disk, as far as it has been read.
    Whole,
    /// Not looked at yet; taken to be like its neighbours.
    Unseen,
    /// Complete, but perhaps left over from a former recording; shown.
    Suspect,
    /// Part of it was never written; the rest can be read.
    Partial,
    /// All or part of it is there and cannot be read, or is not what belongs there.
    Damaged,
    /// Not there.
    Missing,
    /// Being written at this moment; not shown yet.
    Writing,
    /// Certainly of a former recording, or left out as the user wishes; not shown.
    LeftOut,
}

impl PieceState {
    /// All of them, the better ones first.
    pub const ALL: [Self; 8] = [
        Self::Whole,
        Self::Unseen,
        Self::Suspect,
        Self::Partial,
        Self::Damaged,
        Self::Missing,
        Self::Writing,
        Self::LeftOut,
    ];

    /// In a word or two, for a count: "2 damaged".
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Unseen => "not looked at yet",
            Self::Suspect => "perhaps left over",
            Self::Partial => "partial",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Writing => "being written",
            Self::LeftOut => "left out",
        }
    }

    /// Whether voxels of it cannot be had although the recording reaches over it.
    pub fn is_faulty(self) -> bool {
        matches!(self, Self::Partial | Self::Damaged | Self::Missing)
    }
}

/// One stored piece: where it lies along the axis the recording is cut up on, and how it is. Pieces that
/// are being written, given up or left out may lie beyond the extent of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The axis the pieces follow one another on: time, or depth where a file holds a plane; `None` for
    /// an axis that has no meaning here.
    pub axis: Option<Axis>,
    /// Half-open range along it.
    pub range: [usize; 2],
    /// How it is.
    pub state: PieceState,
}

/// How many pieces are in each state there is, the better ones first.
pub fn count_states(pieces: &[Piece]) -> Vec<(PieceState, usize)> {
    let mut counts = [0; PieceState::ALL.len()];
    for piece in pieces {
        counts[piece.state as usize] += 1;
    }
    PieceState::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// A half-open range along one axis of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Span {
    /// The axis.
    pub axis: Axis,
    /// The range along it.
    pub range: [usize; 2],
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}:{}", self.axis, self.range[0], self.range[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_every_state_once_and_add_up() {
        let piece = |state| Piece { axis: Some(Axis::Z), range: [0, 1], state };
        let pieces: Vec<Piece> = [PieceState::Damaged, PieceState::Whole, PieceState::Damaged].map(piece).into();
        assert_eq!(count_states(&pieces), [(PieceState::Whole, 1), (PieceState::Damaged, 2)]);
        for (i, state) in PieceState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, i);
        }
    }
}
