//! What a projection lacks, in words.

use super::format;
use crate::volume::{Axis, Gaps};

/// Ranges named one by one; of the rest the number is told.
const MAX_NAMED: usize = 4;

/// "23 of 24 planes, z 3 missing".
pub fn gaps_text(gaps: &Gaps, axis: Axis) -> String {
    let number = |n: usize| format::integer(n as i64);
    let whole = if gaps.partial.is_empty() { "" } else { " whole" };
    let mut text = format!("{} of {} planes{whole}", number(gaps.num_whole()), number(gaps.num_planes));
    for (ranges, what) in [(&gaps.missing, "missing"), (&gaps.partial, "in part")] {
        let named = ranges.iter().take(MAX_NAMED).map(|&[start, stop]| match stop - start {
            1 => number(start),
            _ => format!("{} – {}", number(start), number(stop - 1)),
        });
        let named: Vec<_> = named.collect();
        let num_more: usize = ranges.iter().skip(MAX_NAMED).map(|[start, stop]| stop - start).sum();
        if !named.is_empty() {
            text += &format!(", {axis} {}", named.join(", "));
            if num_more > 0 {
                text += &format!(" and {} more", number(num_more));
            }
            text += &format!(" {what}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_many_planes_are_in_it_and_which_are_not() {
        let text = |num_planes, missing: &[[usize; 2]], partial: &[[usize; 2]]| {
            gaps_text(&Gaps { num_planes, missing: missing.to_vec(), partial: partial.to_vec() }, Axis::Z)
        };
        assert_eq!(text(24, &[[3, 4]], &[]), "23 of 24 planes, z 3 missing");
        assert_eq!(text(24, &[[3, 4], [7, 10]], &[]), "20 of 24 planes, z 3, 7 – 9 missing");
        assert_eq!(text(24, &[[3, 4]], &[[8, 9]]), "22 of 24 planes whole, z 3 missing, z 8 in part");
        let odd: Vec<_> = (0..10).map(|i| [2 * i, 2 * i + 1]).collect();
        assert_eq!(text(24, &odd, &[]), "14 of 24 planes, z 0, 2, 4, 6 and 6 more missing");
    }
}
