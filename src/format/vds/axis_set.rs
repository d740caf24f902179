//! Which indices along one axis a mapping picks: the position of each in the row of those picked, and back. Pure
//! arithmetic on numbers that come out of files, so nothing here overflows.

use std::sync::Arc;

/// Stands for "without limit", as a count of blocks.
pub(super) const ENDLESS: usize = usize::MAX;

/// A set of indices in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AxisSet {
    /// `count` blocks of `block` indices each, `stride` apart; a run of indices is a set of blocks of one, one apart.
    Blocks { start: usize, stride: usize, count: usize, block: usize },
    /// Runs of indices: first index, and position of that index among those picked. The last entry stands for the
    /// end.
    Runs(Arc<[[usize; 2]]>),
}

impl AxisSet {
    /// Consecutive indices.
    pub fn run(start: usize, len: usize) -> Self {
        Self::Blocks { start, stride: 1, count: len, block: 1 }
    }

    /// Blocks as HDF5 counts them; `None` where they overlap, are empty, or lie beyond any array.
    pub fn blocks(start: u64, stride: u64, count: u64, block: u64) -> Option<Self> {
        let is_endless = count == u64::MAX || block == u64::MAX;
        let [start, stride] = [start, stride].map(|value| usize::try_from(value).ok());
        let (start, stride) = (start?, stride?);
        let limited = |value: u64| if value == u64::MAX { Some(ENDLESS) } else { usize::try_from(value).ok() };
        let (count, block) = (limited(count)?, limited(block)?);
        if count == 0 || block == 0 {
            return Some(Self::run(start, 0));
        }
        if count > 1 && stride < block {
            return None;
        }
        if count == 1 || stride == block {
            return Some(Self::run(start, if is_endless { ENDLESS } else { count.checked_mul(block)? }));
        }
        Some(Self::Blocks { start, stride, count, block })
    }

    /// The union of ranges from a first index to one past the last.
    pub fn ranges(mut ranges: Vec<[usize; 2]>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<[usize; 2]> = Vec::new();
        for [start, stop] in ranges.into_iter().filter(|[start, stop]| start < stop) {
            match joined.last_mut() {
                Some(last) if start <= last[1] => last[1] = last[1].max(stop),
                _ => joined.push([start, stop]),
            }
        }
        if let [[start, stop]] = joined[..] {
            return Self::run(start, stop - start);
        }
        let mut position = 0;
        let mut runs: Vec<[usize; 2]> = Vec::with_capacity(joined.len() + 1);
        for [start, stop] in joined {
            runs.push([start, position]);
            position += stop - start;
        }
        runs.push([usize::MAX, position]);
        Self::Runs(runs.into())
    }

    /// Number of indices; [`ENDLESS`] without limit.
    pub fn len(&self) -> usize {
        match self {
            Self::Blocks { count, block, .. } => count.saturating_mul(*block),
            Self::Runs(runs) => runs.last().map_or(0, |end| end[1]),
        }
    }

    /// How many of them are below `index`.
    pub fn count_below(&self, index: usize) -> usize {
        match self {
            Self::Blocks { start, stride, count, block } => {
                let Some(beyond) = index.checked_sub(*start) else { return 0 };
                let whole = (beyond / stride).saturating_mul(*block);
                whole.saturating_add((beyond % stride).min(*block)).min(count.saturating_mul(*block))
            }
            Self::Runs(runs) => {
                let after = runs.partition_point(|run| run[0] < index);
                let Some(at) = after.checked_sub(1) else { return 0 };
                let [start, position] = runs[at];
                let end = runs.get(at + 1).map_or(position, |next| next[1]);
                position.saturating_add(index - start).min(end)
            }
        }
    }

    /// The index at a position, which is below [`AxisSet::len`].
    pub fn at(&self, position: usize) -> usize {
        match self {
            Self::Blocks { start, stride, block, .. } => {
                start.saturating_add((position / block).saturating_mul(*stride)).saturating_add(position % block)
            }
            Self::Runs(runs) => {
                let after = runs.partition_point(|run| run[1] <= position);
                let [start, first] = runs.get(after.saturating_sub(1)).copied().unwrap_or_default();
                start.saturating_add(position - first)
            }
        }
    }

    /// How many indices follow one another from a position on, that one included, among the next `most`.
    pub fn run_at(&self, position: usize, most: usize) -> usize {
        let left = match self {
            Self::Blocks { stride: 1, block: 1, .. } => most,
            Self::Blocks { block, .. } => block - position % block,
            Self::Runs(runs) => {
                let after = runs.partition_point(|run| run[1] <= position);
                runs.get(after).map_or(most, |next| next[1] - position)
            }
        };
        left.min(most)
    }

    /// Whether the positions `from..to` are consecutive indices.
    pub fn is_run(&self, from: usize, to: usize) -> bool {
        from >= to || self.at(to - 1) - self.at(from) == to - 1 - from
    }

    /// The first index; `None` where there is none.
    pub fn first(&self) -> Option<usize> {
        (self.len() > 0).then(|| self.at(0))
    }

    /// One past the last index; 0 where there is none.
    pub fn end(&self) -> usize {
        match self.len() {
            0 => 0,
            ENDLESS => usize::MAX,
            len => self.at(len - 1).saturating_add(1),
        }
    }

    /// Whether it has no end.
    pub fn is_endless(&self) -> bool {
        self.len() == ENDLESS
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_is(set: &AxisSet, indices: &[usize]) {
        assert_eq!(set.len(), indices.len());
        assert_eq!((set.first(), set.end()), (indices.first().copied(), indices.last().map_or(0, |last| last + 1)));
        for (position, index) in indices.iter().enumerate() {
            assert_eq!(set.at(position), *index, "{set:?}");
            let run = indices[position..].iter().enumerate().take_while(|(i, at)| **at == index + i).count();
            assert!(set.run_at(position, 1000) == run || set.run_at(position, run) == run, "{set:?} {position}");
            assert_eq!(set.run_at(position, 1), 1);
            for to in position..=indices.len() {
                let is_run = indices[position..to].windows(2).all(|pair| pair[1] == pair[0] + 1);
                assert_eq!(set.is_run(position, to), is_run, "{set:?} {position}..{to}");
            }
        }
        for index in 0..60 {
            assert_eq!(set.count_below(index), indices.iter().filter(|i| **i < index).count(), "{set:?} {index}");
        }
    }

    proptest! {
        /// Against writing all of them down.
        #[test]
        fn blocks_are_what_they_say(start in 0u64..6, block in 1u64..5, gap in 0u64..4, count in 0u64..6) {
            let stride = block + gap;
            let indices: Vec<usize> =
                (0..count).flat_map(|i| (0..block).map(move |k| (start + i * stride + k) as usize)).collect();
            assert_is(&AxisSet::blocks(start, stride, count, block).unwrap(), &indices);
        }

        #[test]
        fn ranges_are_their_union(ranges in prop::collection::vec((0usize..30, 0usize..6), 0..6)) {
            let ranges: Vec<[usize; 2]> = ranges.into_iter().map(|(start, len)| [start, start + len]).collect();
            let indices: Vec<usize> =
                (0..60).filter(|i| ranges.iter().any(|[start, stop]| start <= i && i < stop)).collect();
            assert_is(&AxisSet::ranges(ranges), &indices);
        }
    }

    #[test]
    fn without_limit_nothing_overflows() {
        for set in [
            AxisSet::blocks(3, 7, u64::MAX, 2).unwrap(),
            AxisSet::blocks(3, 1, 1, u64::MAX).unwrap(),
            AxisSet::blocks(u64::MAX - 5, 1 << 62, u64::MAX, 1 << 61).unwrap(),
        ] {
            assert!(set.is_endless(), "{set:?}");
            assert_eq!(set.end(), usize::MAX);
            set.count_below(usize::MAX);
            set.at(usize::MAX - 1);
        }
        assert_eq!(AxisSet::blocks(0, 2, 3, 4), None, "blocks that overlap");
        assert_eq!(AxisSet::blocks(0, 1 << 40, 1 << 40, 1 << 40), None, "more than there can be");
    }
}
