//! Which axis of the dataset is t, z, y and x, and what index the others are held at.

use crate::volume::{ArrayInfo, Axis, MAX_RANK, Region, Shape};

/// The way between the dataset's own axes and (t, z, y, x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AxisMap {
    rank: usize,
    /// For t, z, y, x: the dataset's axis, if it has one.
    source_of: [Option<usize>; 4],
    /// The index at which each of the dataset's other axes is held.
    held: [usize; MAX_RANK],
}

impl AxisMap {
    /// The way of an array as it describes itself.
    pub(super) fn of(info: &ArrayInfo) -> Self {
        let map = Self::new(&info.shape, &info.axes);
        map.holding(&info.shape, &info.held).unwrap_or(map)
    }

    /// Takes the axes at their word; where none is named, the last ones are z, y, x (rank 3) or t, z, y, x.
    /// Axes without a meaning here are held at their first index.
    pub(super) fn new(shape: &Shape, axes: &[Option<Axis>]) -> Self {
        let rank = shape.rank();
        let mut source_of = [None; 4];
        for (i, axis) in axes.iter().enumerate().take(rank) {
            if let Some(axis) = axis
                && source_of[axis.index()].is_none()
            {
                source_of[axis.index()] = Some(i);
            }
        }
        let named = source_of.iter().any(Option::is_some);
        // A picture needs columns and rows; a nameless dataset also gets its depth and time.
        for axis in [Axis::X, Axis::Y, Axis::Z, Axis::T] {
            let wanted = !named || matches!(axis, Axis::X | Axis::Y);
            if wanted && source_of[axis.index()].is_none() {
                source_of[axis.index()] = (0..rank).rev().find(|i| !source_of.contains(&Some(*i)));
            }
        }
        Self { rank, source_of, held: [0; MAX_RANK] }
    }

    /// The dataset's axes that are held at an index.
    pub(super) fn hidden(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rank).filter(|i| !self.source_of.contains(&Some(*i)))
    }

    /// The same with other indices for the axes that are held, in their order; those not named are held at
    /// their first. `None` where there is no such axis or index.
    pub(super) fn holding(mut self, shape: &Shape, held: &[usize]) -> Option<Self> {
        let hidden: Vec<usize> = self.hidden().collect();
        self.held = [0; MAX_RANK];
        for (place, &index) in held.iter().enumerate() {
            let axis = *hidden.get(place)?;
            if index >= shape.dims()[axis].max(1) {
                return None;
            }
            self.held[axis] = index;
        }
        Some(self)
    }

    /// At which index each of them is held, in their order.
    pub(super) fn held(&self) -> Vec<usize> {
        self.hidden().map(|i| self.held[i]).collect()
    }

    /// The dataset's axes that are y and x.
    pub(super) fn plane_axes(&self) -> Option<[usize; 2]> {
        Some([self.source_of[Axis::Y.index()]?, self.source_of[Axis::X.index()]?])
    }

    /// The dataset's axes that are t, z, y and x.
    pub(super) fn own_axes(&self) -> [Option<usize>; 4] {
        self.source_of
    }

    /// Which of t, z, y, x the dataset has.
    pub(super) fn has_axis(&self) -> [bool; 4] {
        self.source_of.map(|axis| axis.is_some())
    }

    /// Extent in (t, z, y, x); an absent axis has extent 1, unless the dataset is empty on an axis that
    /// is not shown.
    pub(super) fn view_shape(&self, shape: &Shape) -> [usize; 4] {
        let hidden_is_empty = self.hidden().any(|i| shape.dims()[i] <= self.held[i]);
        self.source_of.map(|axis| match axis {
            _ if hidden_is_empty => 0,
            Some(i) => shape.dims()[i],
            None => 1,
        })
    }

    /// A (t, z, y, x) box in the dataset's own axes.
    pub(super) fn to_source(self, view: &Region) -> Region {
        let (mut start, mut stop) = (self.held, self.held.map(|index| index + 1));
        for (axis, source) in self.source_of.iter().enumerate() {
            if let Some(i) = *source {
                (start[i], stop[i]) = (view.start()[axis], view.stop()[axis]);
            }
        }
        // Cannot fail: each range comes from a valid box. An empty box is as good an answer as any.
        Region::new(&start[..self.rank], &stop[..self.rank]).unwrap_or_else(|| Region::whole(&Shape::from([0; 0])))
    }

    /// Whether the dataset's own axes are t, z, y, x, as a recording's mostly are.
    pub(super) fn is_identity(&self) -> bool {
        self.rank == 4 && self.source_of == [Some(0), Some(1), Some(2), Some(3)]
    }

    /// A box of the dataset in (t, z, y, x); `None` where it holds nothing of what is shown.
    pub(super) fn to_view(self, source: &Region) -> Option<Region> {
        if self.hidden().any(|i| !(source.start()[i]..source.stop()[i]).contains(&self.held[i])) {
            return None;
        }
        let (mut start, mut stop) = ([0; 4], [1; 4]);
        for (axis, i) in self.source_of.iter().enumerate() {
            if let Some(i) = *i {
                (start[axis], stop[axis]) = (source.start()[i], source.stop()[i]);
            }
        }
        Region::new(&start, &stop)
    }

    /// Whether the bytes of a chunk of the dataset are already in (t, z, y, x) order.
    pub(super) fn is_direct(&self, source: &Region) -> bool {
        let dims = source.shape();
        self.source_of.iter().flatten().is_sorted() && self.hidden().all(|i| dims.dims()[i] == 1)
    }

    /// For t, z, y, x: the distance in voxels between neighbours in a C-order buffer of the box `source`
    /// (0 for absent axes).
    pub(super) fn strides(&self, source: &Region) -> [usize; 4] {
        let dims = source.shape();
        self.source_of.map(|axis| axis.map_or(0, |i| dims.dims()[i + 1..].iter().product()))
    }

    /// The first voxel that is shown, counted from the start of a C-order buffer of the box `source`.
    pub(super) fn offset(&self, source: &Region) -> usize {
        let dims = source.shape();
        let steps = self.hidden().map(|i| {
            let stride: usize = dims.dims()[i + 1..].iter().product();
            (self.held[i] - source.start()[i].min(self.held[i])) * stride
        });
        steps.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameless_axes_are_the_last_ones() {
        let map = AxisMap::new(&Shape::from([5, 6]), &[None, None]);
        assert_eq!(map.view_shape(&Shape::from([5, 6])), [1, 1, 5, 6]);
        let map = AxisMap::new(&Shape::from([4, 5, 6]), &[]);
        assert_eq!(map.view_shape(&Shape::from([4, 5, 6])), [1, 4, 5, 6]);
        let map = AxisMap::new(&Shape::from([9, 3, 4, 5, 6]), &[None; 5]);
        assert_eq!(map.view_shape(&Shape::from([9, 3, 4, 5, 6])), [3, 4, 5, 6]);
    }

    #[test]
    fn named_axes_are_taken_at_their_word() {
        let shape = Shape::from([7, 5, 6]);
        let map = AxisMap::new(&shape, &[Some(Axis::T), Some(Axis::Y), Some(Axis::X)]);
        assert_eq!(map.view_shape(&shape), [7, 1, 5, 6]);
        let region = Region::new(&[2, 0, 1, 1], &[3, 1, 4, 5]).expect("valid");
        let source = map.to_source(&region);
        assert_eq!(source, Region::new(&[2, 1, 1], &[3, 4, 5]).expect("valid"));
        assert_eq!(map.to_view(&source), Some(region));
        assert!(map.is_direct(&source));
    }

    #[test]
    fn reversed_axes_are_not_direct() {
        let shape = Shape::from([6, 5, 4, 3]);
        let map = AxisMap::new(&shape, &[Some(Axis::X), Some(Axis::Y), Some(Axis::Z), Some(Axis::T)]);
        assert_eq!(map.view_shape(&shape), [3, 4, 5, 6]);
        let whole = Region::whole(&shape);
        assert!(!map.is_direct(&whole));
        assert_eq!(map.strides(&whole), [1, 3, 12, 60]);
    }

    #[test]
    fn a_channel_axis_is_held_at_one_index() {
        let shape = Shape::from([2, 4, 5, 6]);
        let map = AxisMap::new(&shape, &[None, Some(Axis::Z), Some(Axis::Y), Some(Axis::X)]);
        assert_eq!(map.view_shape(&shape), [1, 4, 5, 6]);
        assert_eq!(map.to_view(&Region::new(&[1, 0, 0, 0], &[2, 4, 5, 6]).expect("valid")), None);
        assert!(map.is_direct(&Region::new(&[0, 0, 0, 0], &[1, 4, 5, 6]).expect("valid")));
        assert!(!map.is_direct(&Region::whole(&shape)));
        let second = map.holding(&shape, &[1]).expect("there are two");
        assert_eq!(second.to_view(&Region::new(&[0, 0, 0, 0], &[1, 4, 5, 6]).expect("valid")), None);
        let whole = Region::whole(&shape);
        assert_eq!(second.to_source(&Region::whole(&Shape::from([1, 4, 5, 6]))).start(), [1, 0, 0, 0]);
        assert_eq!((second.offset(&whole), map.offset(&whole)), (4 * 5 * 6, 0));
        assert!(map.holding(&shape, &[2]).is_none() && map.holding(&shape, &[0, 0]).is_none());
    }
}
