//! Arrays whose source is computed from others: chunks of its inputs, as caches keep them and as it wants them.

use std::sync::Arc;

use super::{ArrayChunk, LazyArray, Loaded, unsqueeze};
use crate::format::{Chunk, Filled, Given, Need, ReadError};
use crate::volume::{Pool, Region};

/// A chunk of an input as it was read.
#[allow(clippy::large_enum_variant, reason = "one at a time, and gone at once")]
pub enum InputVoxels {
    /// In (t, z, y, x), as a cache keeps it.
    Kept(ArrayChunk, Loaded),
    /// In the input's own axes, where these are in another order.
    Own(Vec<u8>, Filled),
}

impl InputVoxels {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Kept(_, loaded) => loaded.voxels.bytes(),
            Self::Own(bytes, _) => bytes,
        }
    }
}

impl LazyArray {
    /// The arrays it is computed from, under the names by which their chunks are kept; none for most.
    pub fn inputs(&self) -> &[Arc<LazyArray>] {
        &self.inputs
    }

    /// A chunk of its source as a cache keeps it; `None` where its bytes are in another order than t, z, y, x,
    /// or of an index that is not shown.
    pub fn kept_chunk(&self, chunk: &Chunk) -> Option<ArrayChunk> {
        let region = self.map.to_view(&chunk.region).filter(|_| self.map.is_direct(&chunk.region))?;
        Some(self.array_chunk(chunk, &region))
    }

    /// Bytes that computing a chunk of its source takes beside the result: all that it is made of, and once more in
    /// double precision where that is more than one chunk. No IO.
    pub fn computing_bytes(&self, chunk: &Chunk) -> usize {
        let Some(composite) = self.source().composite() else { return 0 };
        let mut needs = Vec::new();
        composite.needs(chunk, &mut needs);
        let widened = if needs.len() > 1 { 8 } else { 0 };
        let own = |need: &Need| {
            let item = composite.inputs()[need.input].source.info().dtype.num_bytes();
            need.chunk.region.shape().num_voxels().unwrap_or(usize::MAX).saturating_mul(item + widened)
        };
        let all = needs.iter().map(own).fold(0, usize::saturating_add);
        // They are made one after the other, of which each takes about as much.
        let of_input = |input: usize| {
            let first = needs.iter().find(|need| need.input == input)?;
            Some(self.inputs.get(input)?.computing_bytes(&first.chunk))
        };
        let most = (0..composite.inputs().len()).filter_map(of_input).max().unwrap_or(0);
        all.saturating_add(most)
    }

    /// What of a chunk is there, in the axes of the source.
    fn filled(&self, chunk: &ArrayChunk, Loaded { voxels, reason }: &Loaded) -> Filled {
        let own = |part: &Region| self.map.to_source(&unsqueeze(part).offset_by(chunk.region.start()));
        match reason {
            None => Filled::All,
            Some(reason) => Filled::Except(voxels.missing().iter().map(own).collect(), reason.clone()),
        }
    }

    /// Reads a chunk of its source that no cache keeps. May block.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    pub fn read_own(&self, chunk: &Chunk) -> Result<InputVoxels, ReadError> {
        let num_bytes = chunk.region.shape().num_bytes(self.info().dtype);
        let mut bytes = vec![0; num_bytes.ok_or_else(|| self.too_large(&chunk.region))?];
        let filled = self.source().read(chunk, &mut bytes)?;
        Ok(InputVoxels::Own(bytes, filled))
    }

    /// Computes a chunk from what its source needs, in that order. No IO.
    ///
    /// # Errors
    /// When nothing of the chunk can be had.
    pub fn combine_chunk(
        &self,
        chunk: &ArrayChunk,
        needs: &[Need],
        inputs: &[Result<InputVoxels, ReadError>],
        pool: &Pool,
    ) -> Result<Loaded, ReadError> {
        let own = |(need, voxels): (&Need, &Result<InputVoxels, ReadError>)| match voxels {
            Ok(InputVoxels::Kept(chunk, loaded)) => self.inputs[need.input].filled(chunk, loaded),
            Ok(InputVoxels::Own(_, filled)) => filled.clone(),
            Err(_) => Filled::All,
        };
        let filled: Vec<Filled> = needs.iter().zip(inputs).map(own).collect();
        let given = needs.iter().zip(inputs).zip(&filled).map(|((need, voxels), filled)| Given {
            need: *need,
            voxels: voxels.as_ref().map(|voxels| (voxels.bytes(), filled)),
        });
        let given: Vec<Given<'_>> = given.collect();
        self.load(chunk, pool, |buffer| match self.source().composite() {
            Some(composite) => composite.combine(&chunk.chunk, &given, buffer),
            None => self.source().read(&chunk.chunk, buffer),
        })
    }
}
