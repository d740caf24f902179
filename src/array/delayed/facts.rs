//! What is known of a result, from what is known of its input.

use crate::volume::{ArrayInfo, Axis, AxisFrom, Selected, Shape, VoxelSize};

/// An axis of a result: which axis of the input it was, if any, and how many of its indices a step is; `None` where the
/// steps differ.
pub(super) struct Kept {
    pub axis: Option<usize>,
    pub step: Option<f64>,
}

/// What an index leaves of the axes.
pub(super) fn of_selected(selected: &Selected) -> Vec<Kept> {
    let mut kept: Vec<Kept> = selected.shape().iter().map(|_| Kept { axis: None, step: None }).collect();
    for slice in selected.slices() {
        kept[slice.dim] = Kept { axis: Some(slice.axis), step: Some(slice.step.unsigned_abs() as f64) };
    }
    if let Some(points) = selected.points()
        && let [(axis, list)] = points.axes.as_slice()
    {
        kept[points.dims.start] = Kept { axis: Some(*axis), step: even_step(list) };
    }
    kept
}

/// The step between indices, where it is one.
pub(super) fn even_step(list: &[usize]) -> Option<f64> {
    let step = |pair: &[usize]| pair[0].abs_diff(pair[1]);
    let is_forward = |pair: &[usize]| pair[0] < pair[1];
    if list.len() < 2 {
        return Some(1.0);
    }
    let first = list.windows(2).next()?;
    let is_even = list.windows(2).all(|pair| step(pair) == step(first) && is_forward(pair) == is_forward(first));
    (is_even && step(first) > 0).then(|| step(first) as f64)
}

/// Gives the axes another order, or fewer of them, or more.
pub(super) fn keep(info: &mut ArrayInfo, kept: &[Kept], shape: Shape) {
    let former = info.clone();
    let axis_of = |kept: &Kept| kept.axis.and_then(|axis| former.axes.get(axis).copied().flatten());
    info.axes = kept.iter().map(axis_of).collect();
    info.axes_from = match former.axes_from.is_empty() {
        true => Vec::new(),
        false => kept.iter().map(|kept| kept.axis.map_or(AxisFrom::FORMAT, |axis| former.axis_from(axis))).collect(),
    };
    let channels = |kept: &Kept| former.channel_axis.is_some() && kept.axis == former.channel_axis;
    info.channel_axis = kept.iter().position(channels);
    let nameless = kept.iter().filter(|kept| axis_of(kept).is_none());
    let held = nameless.map(|kept| kept.axis.map_or(0, |axis| former.held_at(axis)));
    info.held = held.collect();
    let dims = |axis: usize| shape.dims().get(axis).copied().unwrap_or(0);
    let num_nameless = (0..kept.len()).filter(|&axis| info.axes[axis].is_none());
    let is_inside = num_nameless.zip(&info.held).all(|(axis, &held)| held < dims(axis).max(1));
    if !is_inside || info.held.iter().all(|&held| held == 0) {
        info.held.clear();
    }
    for kept in kept {
        let (Some(axis), step) = (axis_of(kept), kept.step) else { continue };
        match (axis, step) {
            (Axis::T, Some(step)) => info.rate_hz = info.rate_hz.map(|rate| rate / step),
            (Axis::T, None) => info.rate_hz = None,
            (_, Some(step)) => info.voxel_size = info.voxel_size.map(|size| stretched(size, axis, step)),
            (_, None) => info.voxel_size = None,
        }
    }
    info.shape = shape;
    info.claimed_shape = None;
    info.num_blocks = 1;
}

fn stretched(size: VoxelSize, axis: Axis, step: f64) -> VoxelSize {
    let mut edges = size.edges();
    edges[axis.index() - 1] *= step;
    VoxelSize::of(edges)
}

/// All of an axis.
pub(super) fn all_of(axis: usize) -> Kept {
    Kept { axis: Some(axis), step: Some(1.0) }
}
