//! The stored pieces along one axis as runs to paint: however many there are, none that is not whole is
//! averaged away.

use crate::volume::PieceState;

/// A stretch of one state, in points from the start of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Start and end.
    pub range: [f32; 2],
    /// The state of what lies there, the worst where several share a point.
    pub state: PieceState,
}

/// Pieces narrower than this are drawn together.
const NARROW: f32 = 4.0;

/// Lays pieces on `length` points; `at` says where an index along the axis lies.
pub fn runs(pieces: &[([usize; 2], PieceState)], length: f32, at: impl Fn(f64) -> f32) -> Vec<Run> {
    let placed =
        pieces.iter().map(|([start, stop], state)| Run { range: [at(*start as f64), at(*stop as f64)], state: *state });
    let is_seen = |run: &Run| run.range[1] > 0.0 && run.range[0] < length && run.range[0] < run.range[1];
    let seen: Vec<Run> = placed.filter(is_seen).collect();
    if seen.iter().all(|run| run.range[1] - run.range[0] >= NARROW) {
        return seen;
    }
    let mut cells: Vec<Option<PieceState>> = vec![None; length.max(1.0).ceil() as usize];
    for run in seen {
        let first = (run.range[0].max(0.0) as usize).min(cells.len() - 1);
        let stop = (run.range[1].ceil() as usize).clamp(first + 1, cells.len());
        for cell in &mut cells[first..stop] {
            *cell = Some(cell.map_or(run.state, |state| worse(state, run.state)));
        }
    }
    let mut merged: Vec<Run> = Vec::new();
    for (index, state) in cells.into_iter().enumerate() {
        let Some(state) = state else { continue };
        let range = [index as f32, (index + 1) as f32];
        match merged.last_mut() {
            Some(last) if last.state == state && last.range[1] == range[0] => last.range[1] = range[1],
            _ => merged.push(Run { range, state }),
        }
    }
    merged
}

/// Which of two has to be seen where there is room for one.
fn worse(a: PieceState, b: PieceState) -> PieceState {
    let rank = |state| match state {
        PieceState::Whole => 0,
        PieceState::Unseen => 1,
        PieceState::Writing => 2,
        PieceState::LeftOut => 3,
        PieceState::Suspect => 4,
        PieceState::Partial => 5,
        PieceState::Missing => 6,
        PieceState::Damaged => 7,
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_piece_among_a_hundred_thousand_is_seen() {
        let num = 100_000;
        let mut pieces: Vec<_> = (0..num).map(|i| ([i, i + 1], PieceState::Whole)).collect();
        pieces[73_213].1 = PieceState::Damaged;
        let runs = runs(&pieces, 900.0, |t| (t / num as f64 * 900.0) as f32);
        let states: Vec<_> = runs.iter().map(|run| run.state).collect();
        assert_eq!(states, [PieceState::Whole, PieceState::Damaged, PieceState::Whole]);
        assert_eq!(runs[1].range, [658.0, 659.0]);
        assert_eq!((runs[0].range[0], runs[2].range[1]), (0.0, 900.0));
    }

    #[test]
    fn wide_pieces_keep_their_edges_and_what_is_out_of_sight_is_left_out() {
        let pieces = [([0, 10], PieceState::Whole), ([10, 20], PieceState::Missing), ([20, 30], PieceState::Whole)];
        let runs = runs(&pieces, 100.0, |t| ((t - 12.0) * 10.0) as f32);
        assert_eq!(runs[0], Run { range: [-20.0, 80.0], state: PieceState::Missing });
        assert_eq!(runs.len(), 2);
    }
}
