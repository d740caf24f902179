//! An array with its axes in the opposite order: as programs count them whose first axis is the fastest (R,
//! Fortran, Julia, MATLAB). Nothing is copied but what is read.

use std::sync::Arc;

use crate::format::axes::{self, Axes};
use crate::format::{Chunk, Filled, FormatError, FormatErrorCode, OpenOptions, ReadError, Source};
use crate::volume::{ArrayInfo, Location, MAX_RANK, Piece, Problem, Region, Shape};

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
        transpose(&stored, &inner.region.shape(), buffer, self.info.dtype.num_bytes());
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

/// Copies an array of this shape, in C order, into one with the axes reversed.
fn transpose(from: &[u8], shape: &Shape, to: &mut [u8], item: usize) {
    let dims = shape.dims();
    // Of every axis, the distance of neighbours where they go: the first becomes the fastest.
    let mut strides = [0; MAX_RANK];
    let mut stride = item;
    for (axis, &dim) in dims.iter().enumerate() {
        strides[axis] = stride;
        stride *= dim;
    }
    let mut at = [0usize; MAX_RANK];
    let mut target = 0;
    for voxel in from.chunks_exact(item) {
        to[target..target + item].copy_from_slice(voxel);
        for axis in (0..dims.len()).rev() {
            at[axis] += 1;
            target += strides[axis];
            if at[axis] < dims[axis] {
                break;
            }
            target -= strides[axis] * dims[axis];
            at[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voxel_goes_to_the_mirrored_place() {
        let shape = Shape::from([2, 3, 4]);
        let from: Vec<u8> = (0..24u16).flat_map(u16::to_le_bytes).collect();
        let mut to = vec![0; from.len()];
        transpose(&from, &shape, &mut to, 2);
        for (i, j, k) in (0..24).map(|n| (n / 12, n / 4 % 3, n % 4)) {
            let (a, b) = (((i * 3 + j) * 4 + k) * 2, ((k * 3 + j) * 2 + i) * 2);
            assert_eq!(from[a..a + 2], to[b..b + 2]);
        }
    }
}
