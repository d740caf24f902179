//! What is said of an array axis by axis ("t=30,y=2"), and an array made coarser along some of them.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::zarr::{Coarser, Rule};
use crate::format::Source;
use crate::volume::{ArrayInfo, Axis, Grid, Shape, VoxelSize};

/// An extent for some axes of an array, from "t=30,y=2": an axis is named by its letter or its number.
///
/// # Errors
/// For an axis that is not there, or named twice, and what is no number of 1 or more.
pub fn along_axes(text: &str, info: &ArrayInfo) -> Result<Vec<Option<usize>>> {
    let mut found = vec![None; info.shape.rank()];
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').with_context(|| format!("{word}: as in t=30"))?;
        let axis = axis_of(name.trim(), info)?;
        let value: usize = value
            .trim()
            .parse()
            .ok()
            .filter(|&value| value > 0)
            .with_context(|| format!("{word}: {} is no number of 1 or more", value.trim()))?;
        if found[axis].replace(value).is_some() {
            bail!("{name}: is said twice");
        }
    }
    Ok(found)
}

/// The axis of a letter or a number.
///
/// # Errors
/// If there is none such.
pub fn axis_of(name: &str, info: &ArrayInfo) -> Result<usize> {
    let letter = |letter: char| match letter {
        'c' => info.channel_axis,
        letter => info.axes.iter().position(|axis| axis.map(Axis::letter) == Some(letter)),
    };
    let mut letters = name.chars();
    let by_letter = letters.next().filter(|_| letters.next().is_none()).and_then(letter);
    let by_number = || name.parse().ok().filter(|&axis: &usize| axis < info.shape.rank());
    by_letter.or_else(by_number).with_context(|| {
        format!("{name}: is no axis of it; it has {}, or 0 to {}", info.axes_in_letters(), info.shape.rank().max(1) - 1)
    })
}

/// A source made coarser: "y=2,x=2" or "y=2,x=2:max".
///
/// # Errors
/// If that is not said of its axes, or no rule is meant.
pub(super) fn coarser(source: &Arc<dyn Source>, text: &str) -> Result<Arc<dyn Source>> {
    let (axes, rule) = text.split_once(':').map_or((text, None), |(axes, rule)| (axes, Some(rule.trim())));
    let info = source.info();
    let factors: Vec<usize> = along_axes(axes, info)?.into_iter().map(|factor| factor.unwrap_or(1)).collect();
    let rule = Rule::of(rule, info.dtype)?;
    let dims: Vec<usize> = info.shape.dims().iter().zip(&factors).map(|(dim, factor)| dim.div_ceil(*factor)).collect();
    let stored = super::chunking::extent_at_origin(&**source);
    let cell: Vec<usize> = stored.iter().zip(&factors).map(|(dim, factor)| dim.div_ceil(*factor)).collect();
    let chunks = Shape::new(&dims).zip(Shape::new(&cell)).and_then(|(shape, cell)| Grid::new(shape, cell));
    let chunks = chunks.context("leaves nothing")?;
    let along = |wanted: Axis| {
        let axis = info.axes.iter().position(|axis| *axis == Some(wanted));
        axis.map_or(1.0, |axis| factors[axis] as f64)
    };
    let former = Arc::clone(info);
    let coarse = Coarser::new(Arc::clone(source), &factors, rule, &chunks)?.described(|info| {
        info.voxel_size = former.voxel_size.map(|size| {
            let [z, y, x] = size.edges();
            VoxelSize::of([z * along(Axis::Z), y * along(Axis::Y), x * along(Axis::X)])
        });
        info.rate_hz = former.rate_hz.map(|rate| rate / along(Axis::T));
    });
    Ok(Arc::new(coarse))
}
