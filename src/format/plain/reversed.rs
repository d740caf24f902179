//! An array with its axes in the opposite order: as programs count them whose first axis is the fastest (R,
//! Fortran, Julia, MATLAB). Nothing is copied but what is read.

use std::sync::Arc;

use crate::format::axes::{self, Axes};
use crate::format::{Chunk, Filled, FormatError, FormatErrorCode, OpenOptions, ReadError, Source};
use crate::volume::{ArrayInfo, Location, Piece, Problem, Region, Shape, reverse_axes};

/// Another source, turned round.
pub(super) struct Reversed {
    info: Arc<ArrayInfo>,
    inner: Arc<dyn Source>,
}

impl Reversed {
    /// Turns a source round; its axes are told anew, for their order is another.
    ///
    /// # Errors
    /// When the axes that the user names do not fit.
    pub fn new(inner: Arc<dyn Source>, options: &OpenOptions) -> Result<Self, FormatError> {
        let info = inner.info();
        let shape = turned_shape(&info.shape);
        let hints = axes::Hints { names: &[&info.name], dtype: info.dtype, num_blocks: 1, resolution: None };
        let (axes, _) = Axes::told_or(options.axes.as_deref(), &shape, || axes::guess(&shape, &hints))
            .map_err(|error| FormatError::new(info.location.clone(), error).with_code(FormatErrorCode::WrongOption))?;
        let mut facts = info.facts.clone();
        facts.push(("Order".to_owned(), "the axes of the file in the opposite order".to_owned()));
        let info = ArrayInfo {
            shape,
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            voxel_size: None,
            facts,
            ..ArrayInfo::clone(info)
        };
        Ok(Self { info: Arc::new(info), inner })
    }
}

fn turned_shape(shape: &Shape) -> Shape {
    let dims: Vec<usize> = shape.dims().iter().rev().copied().collect();
    Shape::new(&dims).unwrap_or(*shape)
}

fn turned(region: &Region) -> Region {
    let reversed = |corner: &[usize]| corner.iter().rev().copied().collect::<Vec<usize>>();
    Region::new(&reversed(region.start()), &reversed(region.stop())).unwrap_or(*region)
}

impl Source for Reversed {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        let first = chunks.len();
        self.inner.chunks(&turned(region), chunks);
        chunks[first..].iter_mut().for_each(|chunk| chunk.region = turned(&chunk.region));
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let inner = Chunk { region: turned(&chunk.region), ..*chunk };
        let mut stored = vec![0; buffer.len()];
        let filled = self.inner.read(&inner, &mut stored)?;
        reverse_axes(&stored, inner.region.shape().dims(), buffer, self.info.dtype.num_bytes());
        Ok(match filled {
            Filled::All => Filled::All,
            Filled::Except(parts, error) => Filled::Except(parts.iter().map(turned).collect(), error),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.inner.problems()
    }

    fn pieces(&self) -> Vec<Piece> {
        self.inner.pieces()
    }

    fn inspect(&self) {
        self.inner.inspect();
    }

    fn files(&self) -> Vec<Location> {
        self.inner.files()
    }

    fn forget_failures(&self) {
        self.inner.forget_failures();
    }
}
