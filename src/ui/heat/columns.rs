//! Which timepoints lie on each column of points: the same for the map and for every trace.

use std::ops::Range;

use super::super::time_axis::TimeAxis;

/// The columns of what the time axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Columns {
    axis: TimeAxis,
    num: usize,
}

impl Columns {
    /// So many columns over all that the axis shows.
    pub fn new(axis: TimeAxis, num: usize) -> Self {
        Self { axis, num: num.max(1) }
    }

    /// How many there are.
    pub fn num(&self) -> usize {
        self.num
    }

    fn edge(&self, column: usize) -> f64 {
        self.axis.at(column as f32 / self.num as f32)
    }

    /// The timepoints on a column, of all there may ever be. Each timepoint lies on the column of its middle;
    /// where they are wider than columns, on all columns whose middle is on it. Never empty.
    pub fn timepoints(&self, column: usize) -> Range<usize> {
        let first = |column: usize| (self.edge(column) - 0.5).ceil().max(0.0) as usize;
        let (start, stop) = (first(column), first(column + 1));
        if start < stop {
            return start..stop;
        }
        let middle = self.axis.at((column as f32 + 0.5) / self.num as f32).max(0.0) as usize;
        middle..middle + 1
    }

    /// The columns that timepoints may lie on; empty where none is shown.
    pub fn of(&self, range: Range<usize>) -> Range<usize> {
        let at = |t: usize| f64::from(self.axis.fraction(t as f64)) * self.num as f64;
        let clamp = |column: f64| column.clamp(0.0, self.num as f64) as usize;
        // One more on either side, for what rounding does at the edges.
        clamp(at(range.start).floor() - 1.0)..clamp(at(range.end).ceil() + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_timepoint_is_left_out_and_none_lies_on_two_columns_that_hold_several(
            num_t in 1usize..20_000, num in 1usize..2_000, part in 0.0f64..1.0, length in 0.001f64..1.0,
        ) {
            let start = part * num_t as f64;
            for zoom in [None, Some([start, start + length * num_t as f64])] {
                let axis = TimeAxis::new(num_t, zoom, None);
                let columns = Columns::new(axis, num);
                let shown = axis.at(0.0)..axis.at(1.0);
                let mut next = None;
                for column in 0..num {
                    let range = columns.timepoints(column);
                    prop_assert!(!range.is_empty());
                    if let Some(next) = next {
                        prop_assert!(range.start <= next, "{column}: {range:?} leaves out {next}");
                    }
                    if range.len() > 1 {
                        prop_assert!(next.is_none_or(|next| range.start == next));
                    }
                    for t in [range.start, range.end - 1] {
                        prop_assert!(columns.of(t..t + 1).contains(&column), "{t} on {column}");
                    }
                    next = Some(range.end);
                }
                let middles = (0..num_t).rev().find(|t| shown.contains(&(*t as f64 + 0.5)));
                if let Some(last) = middles {
                    prop_assert!(next.is_some_and(|next| next > last), "{last} is the last one shown");
                }
            }
        }
    }
}
