//! Shapes and half-open boxes of any rank up to [`MAX_RANK`], small enough to copy.

use std::fmt;

use super::DType;

/// Largest rank handled; files of higher rank are refused by name.
pub const MAX_RANK: usize = 8;

/// Extent of an array, slowest axis first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    rank: u8,
    dims: [usize; MAX_RANK],
}

impl Shape {
    /// A shape of these extents; `None` beyond [`MAX_RANK`].
    pub fn new(dims: &[usize]) -> Option<Self> {
        let mut all = [0; MAX_RANK];
        all.get_mut(..dims.len())?.copy_from_slice(dims);
        Some(Self { rank: dims.len() as u8, dims: all })
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The extents.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank()]
    }

    /// Number of voxels; `None` on overflow.
    pub fn num_voxels(&self) -> Option<usize> {
        self.dims().iter().try_fold(1usize, |n, &dim| n.checked_mul(dim))
    }

    /// Number of bytes; `None` on overflow.
    pub fn num_bytes(&self, dtype: DType) -> Option<usize> {
        self.num_voxels()?.checked_mul(dtype.num_bytes())
    }

    /// C-order offset of `index` in voxels; `None` outside or of another rank.
    pub fn offset(&self, index: &[usize]) -> Option<usize> {
        if index.len() != self.rank() || index.iter().zip(self.dims()).any(|(i, dim)| i >= dim) {
            return None;
        }
        Some(index.iter().zip(self.dims()).fold(0, |offset, (i, dim)| offset * dim + i))
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        const { assert!(N <= MAX_RANK) }
        let mut all = [0; MAX_RANK];
        all[..N].copy_from_slice(&dims);
        Self { rank: N as u8, dims: all }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.dims()).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, dim) in self.dims().iter().enumerate() {
            write!(f, "{}{dim}", if i == 0 { "" } else { " × " })?;
        }
        Ok(())
    }
}

/// A half-open box. `start <= stop` on every axis holds by construction, so every operation is total.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    rank: u8,
    start: [usize; MAX_RANK],
    stop: [usize; MAX_RANK],
}

impl Region {
    /// The box from `start` to `stop`; `None` if ranks differ, exceed [`MAX_RANK`], or a stop lies
    /// before its start.
    pub fn new(start: &[usize], stop: &[usize]) -> Option<Self> {
        if start.len() != stop.len() || start.len() > MAX_RANK || start.iter().zip(stop).any(|(a, b)| a > b) {
            return None;
        }
        let mut region = Self { rank: start.len() as u8, start: [0; MAX_RANK], stop: [0; MAX_RANK] };
        region.start[..start.len()].copy_from_slice(start);
        region.stop[..stop.len()].copy_from_slice(stop);
        Some(region)
    }

    /// A box whose ends are in order and zero beyond the rank, as the caller has made sure.
    pub(super) fn ordered(rank: usize, start: [usize; MAX_RANK], stop: [usize; MAX_RANK]) -> Self {
        debug_assert!(rank <= MAX_RANK && start.iter().zip(&stop).all(|(a, b)| a <= b));
        Self { rank: rank as u8, start, stop }
    }

    /// All of an array.
    pub fn whole(shape: &Shape) -> Self {
        Self { rank: shape.rank, start: [0; MAX_RANK], stop: shape.dims }
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// First index on each axis.
    pub fn start(&self) -> &[usize] {
        &self.start[..self.rank()]
    }

    /// One past the last index on each axis.
    pub fn stop(&self) -> &[usize] {
        &self.stop[..self.rank()]
    }

    /// Extent.
    pub fn shape(&self) -> Shape {
        let mut dims = [0; MAX_RANK];
        for (axis, dim) in dims.iter_mut().enumerate() {
            *dim = self.stop[axis] - self.start[axis];
        }
        Shape { rank: self.rank, dims }
    }

    /// Whether the box holds no voxel.
    pub fn is_empty(&self) -> bool {
        self.start().iter().zip(self.stop()).any(|(a, b)| a == b)
    }

    /// Whether `index` lies inside.
    pub fn contains(&self, index: &[usize]) -> bool {
        index.len() == self.rank()
            && index.iter().zip(self.start().iter().zip(self.stop())).all(|(i, (a, b))| a <= i && i < b)
    }

    /// The common part, `None` where it is empty or the ranks differ.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if self.rank != other.rank {
            return None;
        }
        let mut common = *self;
        for axis in 0..self.rank() {
            common.start[axis] = self.start[axis].max(other.start[axis]);
            common.stop[axis] = self.stop[axis].min(other.stop[axis]);
            if common.start[axis] >= common.stop[axis] {
                return None;
            }
        }
        Some(common)
    }

    /// The same box seen from `origin`; coordinates before the origin become 0.
    pub fn relative_to(&self, origin: &[usize]) -> Self {
        let mut moved = *self;
        for (axis, &o) in origin.iter().enumerate().take(self.rank()) {
            moved.start[axis] = self.start[axis].saturating_sub(o);
            moved.stop[axis] = self.stop[axis].saturating_sub(o);
        }
        moved
    }

    /// The same box moved away from zero by `origin`, saturating.
    pub fn offset_by(&self, origin: &[usize]) -> Self {
        let mut moved = *self;
        for (axis, &o) in origin.iter().enumerate().take(self.rank()) {
            moved.start[axis] = self.start[axis].saturating_add(o);
            moved.stop[axis] = self.stop[axis].saturating_add(o);
        }
        moved
    }

    /// Gives the box another range on one axis it has, in place.
    pub(super) fn set_axis(&mut self, axis: usize, start: usize, stop: usize) {
        debug_assert!(axis < self.rank() && start <= stop);
        (self.start[axis], self.stop[axis]) = (start, stop);
    }

    /// The same box with another range on one axis; an inverted range becomes empty.
    #[must_use]
    pub fn with_axis(&self, axis: usize, start: usize, stop: usize) -> Self {
        let mut changed = *self;
        if axis < self.rank() {
            changed.start[axis] = start;
            changed.stop[axis] = stop.max(start);
        }
        changed
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for axis in 0..self.rank() {
            write!(f, "{}{}:{}", if axis == 0 { "" } else { ", " }, self.start[axis], self.stop[axis])?;
        }
        f.write_str("]")
    }
}
