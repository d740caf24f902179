//! What is written to: an array cut into chunks, which are encoded each by itself, and pieces, which are written as
//! a whole. One implementation for each format.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::format::Source;
use crate::volume::{Grid, Region};

/// A format that is written, ready to take the voxels of one array of any rank. Grids, regions and positions are in
/// the array's own axes; nothing here reads the source.
///
/// # One process, and many
/// [`Target::prepare`] is done once, before everything else. Then pieces are written, in any order, by any number of
/// processes at once, each of them as a whole and under a temporary name until it is whole: a piece that is written
/// twice is the same bytes twice. [`Target::finish`] is done once, when all are there. What has not been finished is
/// nowhere under the final name.
pub trait Target: Send + Sync {
    /// The array in chunks: what is encoded alone. Cells stick out of the array where its format stores whole
    /// chunks; voxels are only ever given for what lies inside.
    fn chunks(&self) -> &Grid;

    /// The array in pieces: what one process writes as a whole (a Zarr shard, a block file, all of a single file).
    /// A piece holds whole chunks.
    fn pieces(&self) -> &Grid;

    /// The box of a piece: its cell, where pieces do not reach into one another. `None` beyond the last.
    fn piece_region(&self, piece: u64) -> Option<Region> {
        self.pieces().cell_at(piece)
    }

    /// The chunks of a piece that lie in a part of it, in C order: those of the grid, where that is one for all pieces.
    fn chunks_of(&self, _piece: u64, part: &Region) -> Vec<Region> {
        let mut chunks = Vec::new();
        self.chunks().each(part, |cell| chunks.push(cell.region));
        chunks
    }

    /// Whether what is to be written can have its place, asked when a plan is made and before anything is written: for
    /// what lies afar, of which the plan itself knows nothing.
    ///
    /// # Errors
    /// If something lies there that is not to be replaced, or it cannot be told.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Creates what pieces are written into, with all metadata that does not depend on them. Done again it changes
    /// nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    fn prepare(&self) -> Result<()>;

    /// Encodes one chunk: C order, little-endian voxels of `region`, the chunk cut at the end of the array. `None`
    /// where the format leaves such a chunk out (Zarr: all of it is the fill value). No IO; called on all cores.
    ///
    /// # Errors
    /// If the encoder refuses.
    fn encode(&self, region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Begins a piece, by its position in C order in [`Target::pieces`]. With `is_resumed`, a single file goes on
    /// behind what a former process had written of it ([`PieceWriter::num_kept`]).
    ///
    /// # Errors
    /// If it cannot be written.
    fn begin(&self, piece: u64, is_resumed: bool) -> Result<Box<dyn PieceWriter>>;

    /// What is made of all these pieces once they are there, in pieces of its own: the next resolution of a pyramid,
    /// made of this one. Known when it is prepared, to count its pieces; asked again when all of these are there, to
    /// write them. The last of the stages is the one that is finished, for all of them.
    ///
    /// # Errors
    /// If what was written cannot be opened.
    fn next(&self) -> Result<Option<Stage>> {
        Ok(None)
    }

    /// What is known of the array and has no place in this format, each in a few words.
    fn not_carried(&self) -> Vec<String> {
        Vec::new()
    }

    /// Makes all of it whole, once every piece is there, and gives it its final name.
    ///
    /// # Errors
    /// If it cannot be written, or another one has that name meanwhile.
    fn finish(&self) -> Result<()>;
}

/// Something that is written after something else, and made of it.
pub struct Stage {
    /// What it is made of.
    pub source: Arc<dyn Source>,
    /// Where it goes.
    pub target: Box<dyn Target>,
}

/// A piece that is being written. Dropped before it is finished, it leaves nothing that could be taken for it.
pub trait PieceWriter: Send {
    /// How many chunks, in the order they are put, a former process had written already: they are left out.
    fn num_kept(&self) -> u64 {
        0
    }

    /// Writes the next chunk. The order is that of the buffers of the plan and, in each, C order of chunks: the same
    /// in every run.
    ///
    /// # Errors
    /// If it cannot be written.
    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()>;

    /// Brings the piece to disk under the name it has within its target.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// What is recorded of a piece that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its bytes in the target; 0 where nothing had to be stored.
    pub num_bytes: u64,
    /// CRC-32C of those bytes, in the order they lie there.
    pub crc32c: u32,
}
