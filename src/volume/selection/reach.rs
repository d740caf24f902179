//! How far along an axis an index asks for data, whether or not the array goes so far.

use super::{Item, Selection};

impl Selection {
    /// The index after the last one asked for along `axis` of an array of `rank` axes; `None` where that
    /// depends on where the axis ends. numpy cuts a slice that goes on beyond an array without a word.
    pub fn reach(&self, axis: usize, rank: usize) -> Option<usize> {
        let num_named: usize = self.items.iter().map(Item::num_axes).sum();
        let mut at = 0;
        for item in &self.items {
            let num = match item {
                Item::Ellipsis => rank.saturating_sub(num_named),
                item => item.num_axes(),
            };
            if (at..at + num).contains(&axis) {
                return item.reach(axis - at);
            }
            at += num;
        }
        None
    }
}

impl Item {
    fn reach(&self, axis: usize) -> Option<usize> {
        let from_start = |index: i64| usize::try_from(index).ok();
        match self {
            Self::Integer(index) => from_start(*index).map(|index| index + 1),
            Self::Slice { start, stop, step } if step.is_none_or(|step| step > 0) => {
                from_start(start.unwrap_or(0)).and(from_start((*stop)?))
            }
            Self::Slice { start, .. } => from_start((*start)?).map(|start| start + 1),
            Self::Indices { values, .. } => {
                let all: Option<Vec<usize>> = values.iter().map(|&index| from_start(index)).collect();
                all.map(|all| all.iter().max().map_or(0, |last| last + 1))
            }
            // Must have the array's own length.
            Self::Mask { shape, .. } => shape.get(axis).copied(),
            Self::Ellipsis | Self::NewAxis => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reaches_as_far_as_it_says() {
        for (index, axis, reach) in [
            ("...", 0, None),
            (":", 0, None),
            ("3:", 0, None),
            ("-5:", 0, None),
            (":-1", 0, None),
            ("-1", 0, None),
            ("::-1", 0, None),
            ("[0, -1]", 0, None),
            ("3", 0, Some(4)),
            (":12", 0, Some(12)),
            ("2:12:5", 0, Some(12)),
            ("7::-1", 0, Some(8)),
            ("[0, 9, 4]", 0, Some(10)),
            ("[True, False, True]", 0, Some(3)),
            ("None, 3", 0, Some(4)),
            ("..., :2", 3, Some(2)),
            ("..., :2", 0, None),
            ("0, ..., 5", 3, Some(6)),
            ("0, ..., 5", 1, None),
            ("[[True, False], [True, True]], 6", 2, Some(7)),
        ] {
            assert_eq!(index.parse::<Selection>().unwrap().reach(axis, 4), reach, "{index} along {axis}");
        }
    }
}
