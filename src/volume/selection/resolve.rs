//! What a [`Selection`] names in an array of a given shape.

use std::ops::Range;

use super::{Item, Selection, SelectionError};
use crate::volume::Region;

/// Most points that index lists may name together; beyond that they are a mistake, not a selection.
const MAX_POINTS: usize = 1 << 26;

/// A selection tied to a shape: every index in bounds, and the shape of the result known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Extent of the result; may have more axes than the array has.
    shape: Vec<usize>,
    /// For each axis of the array, where an integer pins it.
    fixed: Vec<Option<usize>>,
    slices: Vec<SliceDim>,
    points: Option<Points>,
}

/// One axis of the result that walks along one axis of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceDim {
    /// Which axis of the result.
    pub dim: usize,
    /// Which axis of the array.
    pub axis: usize,
    /// First index.
    pub start: usize,
    /// Distance to the next index; may be negative.
    pub step: isize,
    /// Number of indices.
    pub len: usize,
}

impl SliceDim {
    /// The index along the array's axis at `position` of the result's.
    pub fn index(&self, position: usize) -> usize {
        self.start.wrapping_add_signed(self.step.wrapping_mul(position as isize))
    }

    /// Those of `among` at which the index lies in `indices`.
    pub fn positions_in(&self, indices: Range<usize>, among: Range<usize>) -> Range<usize> {
        let step = self.step.unsigned_abs().max(1);
        let (first, end) = if self.step < 0 {
            let before = |index: usize| (self.start + 1).saturating_sub(index).div_ceil(step);
            (before(indices.end), before(indices.start))
        } else {
            let before = |index: usize| index.saturating_sub(self.start).div_ceil(step);
            (before(indices.start), before(indices.end))
        };
        first.max(among.start)..end.min(among.end)
    }
}

/// The axes of the result that index lists make together: numpy broadcasts the lists against each other
/// and takes them point by point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Points {
    /// Which axes of the result.
    pub dims: Range<usize>,
    /// Number of points.
    pub len: usize,
    /// Axes of the array, each with its index at every point in C order of `dims`.
    pub axes: Vec<(usize, Vec<usize>)>,
}

impl Selected {
    /// The same of an array that has one more axis, at `axis`, which is pinned to an index.
    #[must_use]
    pub fn pinned(mut self, axis: usize, index: usize) -> Self {
        self.fixed.insert(axis.min(self.fixed.len()), Some(index));
        let of_slices = self.slices.iter_mut().map(|slice| &mut slice.axis);
        let of_points = self.points.iter_mut().flat_map(|points| points.axes.iter_mut().map(|(axis, _)| axis));
        of_slices.chain(of_points).filter(|known| **known >= axis).for_each(|known| *known += 1);
        self
    }

    /// Extent of the result.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// For each axis of the array, the index an integer pins it to.
    pub fn fixed(&self) -> &[Option<usize>] {
        &self.fixed
    }

    /// Axes of the result made by slices, in order.
    pub fn slices(&self) -> &[SliceDim] {
        &self.slices
    }

    /// Axes of the result made by index lists.
    pub fn points(&self) -> Option<&Points> {
        self.points.as_ref()
    }

    /// The axis of the result that walks along `axis` of the array, if one does so alone.
    pub fn dim_of(&self, axis: usize) -> Option<usize> {
        if let Some(slice) = self.slices.iter().find(|slice| slice.axis == axis) {
            return Some(slice.dim);
        }
        let points = self.points.as_ref()?;
        (points.dims.len() == 1 && matches!(points.axes.as_slice(), [(a, _)] if *a == axis))
            .then_some(points.dims.start)
    }

    /// Where the voxel at `index` of the result lies in the array; `None` outside the result.
    pub fn source_index(&self, index: &[usize]) -> Option<Vec<usize>> {
        if index.len() != self.shape.len() || index.iter().zip(&self.shape).any(|(i, dim)| i >= dim) {
            return None;
        }
        let mut source: Vec<usize> = self.fixed.iter().map(|fixed| fixed.unwrap_or(0)).collect();
        for slice in &self.slices {
            source[slice.axis] = slice.index(index[slice.dim]);
        }
        if let Some(points) = &self.points {
            let point = points.dims.clone().fold(0, |point, dim| point * self.shape[dim] + index[dim]);
            for (axis, indices) in &points.axes {
                source[*axis] = indices[point];
            }
        }
        Some(source)
    }

    /// The smallest box of the array that holds every voxel named; `None` if none is, or the array has
    /// more axes than a [`Region`].
    pub fn bounds(&self) -> Option<Region> {
        if self.shape.contains(&0) {
            return None;
        }
        let (mut start, mut stop): (Vec<_>, Vec<_>) =
            self.fixed.iter().map(|fixed| fixed.map_or((0, 0), |i| (i, i + 1))).unzip();
        for slice in &self.slices {
            let (first, last) = (slice.index(0), slice.index(slice.len - 1));
            (start[slice.axis], stop[slice.axis]) = (first.min(last), first.max(last) + 1);
        }
        for (axis, indices) in self.points.iter().flat_map(|points| &points.axes) {
            start[*axis] = indices.iter().copied().min().unwrap_or(0);
            stop[*axis] = indices.iter().copied().max().map_or(0, |last| last + 1);
        }
        Region::new(&start, &stop)
    }
}

/// One array of indices along one axis, before broadcasting.
struct IndexArray {
    axis: usize,
    shape: Vec<usize>,
    values: Vec<i64>,
}

impl Item {
    /// How many axes of the array it uses up.
    pub(super) fn num_axes(&self) -> usize {
        match self {
            Self::Integer(_) | Self::Slice { .. } | Self::Indices { .. } => 1,
            Self::Mask { shape, .. } => shape.len(),
            Self::Ellipsis | Self::NewAxis => 0,
        }
    }
}

impl Selection {
    /// Ties the index to an array of this shape.
    ///
    /// # Errors
    /// What numpy raises, in its words.
    pub fn resolve(&self, shape: &[usize]) -> Result<Selected, SelectionError> {
        let items = self.expanded(shape)?;
        // numpy looks at the sizes of masks before it looks at any index.
        let mut axis = 0;
        for item in &items {
            if let Item::Mask { shape: of, .. } = item {
                check_mask(of, axis, shape)?;
            }
            axis += item.num_axes();
        }
        let mut fixed = vec![None; shape.len()];
        let mut slices: Vec<SliceDim> = Vec::new();
        let mut arrays: Vec<IndexArray> = Vec::new();
        // Lengths of the result's axes but for those of index lists, which go in at `place`.
        let mut dims: Vec<usize> = Vec::new();
        let mut groups = Groups::default();
        let mut axis = 0;
        for item in &items {
            match item {
                Item::Integer(value) => {
                    fixed[axis] = Some(in_bounds(*value, axis, shape[axis])?);
                    groups.advanced(dims.len());
                    axis += 1;
                }
                Item::Slice { start, stop, step } => {
                    let (start, step, len) = resolve_slice(*start, *stop, *step, shape[axis])?;
                    slices.push(SliceDim { dim: dims.len(), axis, start, step, len });
                    dims.push(len);
                    groups.separator();
                    axis += 1;
                }
                Item::Ellipsis => groups.separator(),
                Item::NewAxis => {
                    dims.push(1);
                    groups.separator();
                }
                Item::Indices { shape: of, values } => {
                    arrays.push(IndexArray { axis, shape: of.clone(), values: values.clone() });
                    groups.advanced(dims.len());
                    axis += 1;
                }
                Item::Mask { shape: of, values } => {
                    arrays.extend(nonzero(of, values, axis));
                    groups.advanced(dims.len());
                    axis += of.len();
                }
            }
        }
        if arrays.is_empty() {
            return Ok(Selected { shape: dims, fixed, slices, points: None });
        }
        let broadcast = broadcast(&arrays)?;
        let place = groups.place();
        let len = broadcast.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)).filter(|&n| n <= MAX_POINTS);
        let len =
            len.ok_or_else(|| SelectionError::Value(format!("the index lists name more than {MAX_POINTS} points")))?;
        let axes = arrays
            .iter()
            .map(|array| Ok((array.axis, expand(array, &broadcast, len, shape[array.axis])?)))
            .collect::<Result<_, SelectionError>>()?;
        for slice in &mut slices {
            if slice.dim >= place {
                slice.dim += broadcast.len();
            }
        }
        dims.splice(place..place, broadcast.iter().copied());
        let points = Points { dims: place..place + broadcast.len(), len, axes };
        Ok(Selected { shape: dims, fixed, slices, points: Some(points) })
    }

    /// The items with the ellipsis written out: it stays, as it separates index lists, and is followed by
    /// the whole slices it stands for. Without one, trailing axes are whole.
    fn expanded(&self, shape: &[usize]) -> Result<Vec<Item>, SelectionError> {
        let used: usize = self.items.iter().map(Item::num_axes).sum();
        if self.items.iter().filter(|item| **item == Item::Ellipsis).count() > 1 {
            return Err(SelectionError::Index("an index can only have a single ellipsis ('...')".into()));
        }
        let Some(num_left) = shape.len().checked_sub(used) else {
            return Err(SelectionError::Index(format!(
                "too many indices for array: array is {}-dimensional, but {used} were indexed",
                shape.len()
            )));
        };
        let whole = std::iter::repeat_n(Item::Slice { start: None, stop: None, step: None }, num_left);
        let mut items = self.items.clone();
        match items.iter().position(|item| *item == Item::Ellipsis) {
            Some(at) => drop(items.splice(at + 1..at + 1, whole)),
            None => items.extend(whole),
        }
        Ok(items)
    }
}

/// Where the axes of index lists go: in place of the lists if these (integers counted with them) stand
/// side by side, else to the front.
#[derive(Default)]
struct Groups {
    first: Option<usize>,
    is_open: bool,
    is_split: bool,
}

impl Groups {
    fn advanced(&mut self, dim: usize) {
        self.is_split |= self.first.is_some() && !self.is_open;
        self.first.get_or_insert(dim);
        self.is_open = true;
    }

    fn separator(&mut self) {
        self.is_open = false;
    }

    fn place(&self) -> usize {
        if self.is_split { 0 } else { self.first.unwrap_or(0) }
    }
}

fn in_bounds(value: i64, axis: usize, size: usize) -> Result<usize, SelectionError> {
    let index = if value < 0 { i128::from(value) + size as i128 } else { i128::from(value) };
    usize::try_from(index).ok().filter(|&i| i < size).ok_or_else(|| {
        SelectionError::Index(format!("index {value} is out of bounds for axis {axis} with size {size}"))
    })
}

/// Python's rules for the ends of a slice: start, step and number of indices.
fn resolve_slice(
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
    size: usize,
) -> Result<(usize, isize, usize), SelectionError> {
    let step = i128::from(step.unwrap_or(1));
    if step == 0 {
        return Err(SelectionError::Value("slice step cannot be zero".into()));
    }
    let size = size as i128;
    // The range an end may lie in: one past the last index forwards, one before the first backwards.
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let end = |bound: Option<i64>, default: i128| match bound.map(i128::from) {
        None => default,
        Some(value) => (if value < 0 { value + size } else { value }).clamp(low, high),
    };
    let (start, stop) = if step > 0 { (end(start, low), end(stop, high)) } else { (end(start, high), end(stop, low)) };
    let distance = if step > 0 { stop - start } else { start - stop };
    if distance <= 0 {
        return Ok((0, 1, 0));
    }
    let len = (distance + step.abs() - 1) / step.abs();
    // A single index may come with a step beyond any array; it is never taken.
    let step = if len == 1 { 1 } else { step };
    Ok((start as usize, step as isize, len as usize))
}

fn check_mask(of: &[usize], axis: usize, shape: &[usize]) -> Result<(), SelectionError> {
    for (i, (&size, &mask_size)) in shape[axis..].iter().zip(of).enumerate() {
        if size != mask_size {
            return Err(SelectionError::Index(format!(
                "boolean index did not match indexed array along axis {}; size of axis is {size} but size of \
                 corresponding boolean axis is {mask_size}",
                axis + i
            )));
        }
    }
    Ok(())
}

/// The index arrays, one for each axis, that name the voxels where a mask is true.
fn nonzero(of: &[usize], values: &[bool], axis: usize) -> Vec<IndexArray> {
    let hits: Vec<usize> = values.iter().enumerate().filter_map(|(i, &hit)| hit.then_some(i)).collect();
    let along = |i: usize| {
        let stride: usize = of[i + 1..].iter().product();
        let values = hits.iter().map(|&hit| (hit / stride % of[i]) as i64).collect();
        IndexArray { axis: axis + i, shape: vec![hits.len()], values }
    };
    (0..of.len()).map(along).collect()
}

/// The common shape of the arrays.
fn broadcast(arrays: &[IndexArray]) -> Result<Vec<usize>, SelectionError> {
    let rank = arrays.iter().map(|array| array.shape.len()).max().unwrap_or(0);
    let mut common = vec![1; rank];
    for array in arrays {
        let skip = rank - array.shape.len();
        for (dim, &len) in common[skip..].iter_mut().zip(&array.shape) {
            if *dim == 1 {
                *dim = len;
            } else if len != 1 && len != *dim {
                let shapes: String = arrays.iter().map(|array| format!("{} ", shape_text(&array.shape))).collect();
                return Err(SelectionError::Index(format!(
                    "shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}"
                )));
            }
        }
    }
    Ok(common)
}

/// A shape as Python writes a tuple.
fn shape_text(shape: &[usize]) -> String {
    match shape {
        [len] => format!("({len},)"),
        _ => format!("({})", shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    }
}

/// The array's indices at each of the `len` points of the common shape.
fn expand(array: &IndexArray, common: &[usize], len: usize, size: usize) -> Result<Vec<usize>, SelectionError> {
    if len == 0 {
        // numpy looks at no index of a result without elements.
        return Ok(Vec::new());
    }
    let values = array.values.iter().map(|&value| in_bounds(value, array.axis, size)).collect::<Result<Vec<_>, _>>()?;
    let skip = common.len() - array.shape.len();
    let at = |point: usize| {
        let (mut rest, mut offset, mut stride) = (point, 0, 1);
        for (dim, &size) in common.iter().enumerate().rev() {
            let position = rest % size;
            rest /= size;
            if dim >= skip && array.shape[dim - skip] != 1 {
                offset += position * stride;
                stride *= array.shape[dim - skip];
            }
        }
        values[offset]
    };
    Ok((0..len).map(at).collect())
}
