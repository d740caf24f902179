//! Which part of a virtual dataset lies where: the parts of one source, or of several one after the other.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::common_type::common_type;
use crate::format::{HeldPart, Source, StoredPart};
use crate::volume::{Axis, DType, MAX_RANK, Region, Shape};

/// Along what several sources follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// An axis that the sources have; one of their own in front, where they have none of that kind.
    Axis(Axis),
    /// The axis at this position.
    Position(usize),
    /// A new axis in front, of one index for each source.
    New,
}

/// A box that lies in a file.
pub(super) struct Part {
    /// In the axes of the virtual dataset.
    pub region: Region,
    pub file: PathBuf,
    pub held: HeldPart,
}

/// A box that no file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// In the axes of the virtual dataset.
    pub region: Region,
    /// The file that should hold it, and why it does not.
    pub why: String,
}

/// All of a virtual dataset.
pub(super) struct Plan {
    pub shape: Shape,
    pub dtype: DType,
    pub axes: Vec<Option<Axis>>,
    pub channel_axis: Option<usize>,
    pub parts: Vec<Part>,
    pub gaps: Vec<Gap>,
}

impl Plan {
    /// Puts sources one after the other. Blocks.
    ///
    /// # Errors
    /// When they do not fit together, no type holds the values of all, or one does not lie in HDF5 files.
    pub fn of(sources: &[Arc<dyn Source>], over: Over) -> Result<Self> {
        let first = sources.first().context("nothing to make a virtual dataset of")?.info();
        let (axis, is_new) = match over {
            _ if sources.len() == 1 => (0, false),
            Over::New => (0, true),
            Over::Position(axis) if axis < first.shape.rank() => (axis, false),
            Over::Position(axis) => bail!("there is no axis {axis}: {} has {}", first.location, first.shape.rank()),
            Over::Axis(axis) => {
                first.axes.iter().position(|known| *known == Some(axis)).map_or((0, true), |i| (i, false))
            }
        };
        let lift = |region: &Region| if is_new { with_front(region) } else { Some(*region) };
        let (mut parts, mut gaps, mut end) = (Vec::new(), Vec::new(), 0);
        for source in sources {
            let info = source.info();
            if !fits(&first.shape, &info.shape, axis, is_new) {
                bail!(
                    "{}: is {}, which does not go with {} of {}",
                    info.location,
                    info.shape,
                    first.shape,
                    first.location
                );
            }
            let stored = source.stored_parts();
            if stored.is_empty() {
                bail!(
                    "{}: is no array of an HDF5 file or split dataset on this machine ({})",
                    info.location,
                    info.format
                );
            }
            let mut origin = [0; MAX_RANK];
            origin[axis] = end;
            for StoredPart { region, file, held } in stored {
                let too_deep = || format!("{}: has more than {MAX_RANK} axes with the new one", info.location);
                let region = lift(&region).with_context(too_deep)?.offset_by(&origin);
                match held {
                    Ok(held) => parts.push(Part { region, file, held }),
                    Err(error) => gaps.push(Gap { region, why: error.to_string() }),
                }
            }
            end += if is_new { 1 } else { info.shape.dims()[axis] };
        }
        let types = parts.iter().map(|part| (part.held.dtype, part.file.as_path()));
        let dtype = common_type(first.dtype, types)?;
        let mut dims = first.shape.dims().to_vec();
        let mut axes = first.axes.clone();
        let mut channel_axis = first.channel_axis;
        if is_new {
            dims.insert(0, end);
            let name = if let Over::Axis(axis) = over { axis } else { Axis::T };
            axes.insert(0, Some(name).filter(|name| !axes.contains(&Some(*name))));
            channel_axis = channel_axis.map(|axis| axis + 1);
        } else if sources.len() > 1 {
            dims[axis] = end;
        }
        let shape = Shape::new(&dims).filter(|shape| shape.num_bytes(dtype).is_some());
        let shape = shape.with_context(|| format!("{}: all of them together are too large", first.location))?;
        Ok(Self { shape, dtype, axes, channel_axis, parts, gaps })
    }
}

/// Whether two arrays can follow one another along an axis, or lie one above the other.
fn fits(first: &Shape, other: &Shape, axis: usize, is_new: bool) -> bool {
    let same = |(i, (a, b)): (usize, (&usize, &usize))| a == b || (i == axis && !is_new);
    first.rank() == other.rank() && first.dims().iter().zip(other.dims()).enumerate().all(same)
}

/// A box in an array with one more axis in front.
fn with_front(region: &Region) -> Option<Region> {
    let front = |first: usize, rest: &[usize]| std::iter::once(first).chain(rest.iter().copied()).collect::<Vec<_>>();
    Region::new(&front(0, region.start()), &front(1, region.stop()))
}
