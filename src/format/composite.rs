//! Sources that are computed from other sources: averages, differences, levels, stitched recordings.

use std::sync::Arc;

use super::{Chunk, Filled, ReadError, Source};
use crate::volume::{LayerId, Region, copy_region};

/// One of the sources that another is made of.
#[derive(Clone)]
pub struct Input {
    /// The array.
    pub source: Arc<dyn Source>,
    /// Under which name chunks of it are kept: that of the layer which shows it, where one does, so that
    /// both use the same memory.
    pub layer: LayerId,
    /// Which level of the layer it is.
    pub level: u8,
}

/// A chunk of an input that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Position of the input in [`Composite::inputs`].
    pub input: usize,
    /// The chunk, as that input knows it.
    pub chunk: Chunk,
}

/// A chunk of an input as it was read.
#[derive(Debug)]
pub struct Given<'a> {
    /// What was asked for.
    pub need: Need,
    /// The bytes of its region in C order, and which parts of it, in the input's own axes, are missing and
    /// why; or why nothing of it can be had.
    pub voxels: Result<(&'a [u8], &'a Filled), &'a ReadError>,
}

/// The capability of a [`Source`] that is computed from others. Inputs are read by the caller, who may have
/// them in memory; nothing here reads.
pub trait Composite: Send + Sync {
    /// What it is made of; always the same, in the same order.
    fn inputs(&self) -> &[Input];

    /// Appends the chunks of inputs that one chunk is computed from, without IO.
    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>);

    /// Computes a chunk into `buffer`, which is as for [`Source::read`], from what was needed, in that order.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError>;
}

/// Copies a box of one input out of the chunks that were given, in C order of `item` bytes a voxel, and
/// returns which parts of it are missing, each with the reason.
pub fn gather(
    given: &[Given<'_>],
    input: usize,
    region: &Region,
    item: usize,
    buffer: &mut [u8],
) -> Vec<(Region, ReadError)> {
    let mut missing = Vec::new();
    for Given { need, voxels } in given.iter().filter(|given| given.need.input == input) {
        let mut is_missing = |part: &Region, error: &ReadError| {
            missing.extend(part.intersect(region).map(|part| (part, error.clone())));
        };
        match voxels {
            Ok((bytes, filled)) => {
                copy_region(bytes, &need.chunk.region, buffer, region, item);
                if let Filled::Except(parts, error) = filled {
                    parts.iter().for_each(|part| is_missing(part, error));
                }
            }
            Err(error) => is_missing(&need.chunk.region, error),
        }
    }
    missing
}

/// What [`Source::read`] of such a source is, where nobody has the inputs in memory: reads each of them on
/// this thread.
///
/// # Errors
/// As [`Source::read`].
pub fn read_and_combine(source: &dyn Composite, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
    let mut needs = Vec::new();
    source.needs(chunk, &mut needs);
    let read = |need: &Need| {
        let input = &source.inputs()[need.input].source;
        // No chunk of an input that could be opened is without a size.
        let num_bytes = need.chunk.region.shape().num_bytes(input.info().dtype).unwrap_or(0);
        let mut bytes = vec![0; num_bytes];
        input.read(&need.chunk, &mut bytes).map(|filled| (bytes, filled))
    };
    let read: Vec<_> = needs.iter().map(read).collect();
    let given = needs.iter().zip(&read).map(|(need, read)| Given {
        need: *need,
        voxels: read.as_ref().map(|(bytes, filled)| (bytes.as_slice(), filled)),
    });
    source.combine(chunk, &given.collect::<Vec<_>>(), buffer)
}
