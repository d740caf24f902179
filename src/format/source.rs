//! The trait every format implements.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use super::{Composite, Fetching, ReadError, StoredPart};
use crate::volume::{ArrayInfo, Location, Piece, Problem, Region};

/// The smallest piece of a dataset that can be read alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chunk {
    /// Identifies the chunk within its dataset for as long as the dataset is open, growth included.
    pub index: u64,
    /// The voxels a read of it delivers, in the dataset's own axes, clipped to its extent.
    pub region: Region,
}

/// How much of a chunk's buffer a read filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filled {
    /// All of it was measured.
    All,
    /// These parts (in the coordinates of the dataset) were never written, or lie beyond what the
    /// file holds. The reason is for the hatch and the readout.
    Except(Vec<Region>, ReadError),
}

/// An open, read-only dataset of any rank.
///
/// Nothing is cached here, and no file is held open between calls. All methods may be called from any
/// thread; only those that say so may block.
///
/// # What was never written
/// Whether that is missing or has a value is for the source to say, by what its format means, and nobody
/// above asks which it is: a read gives [`Filled::Except`] for what is missing and [`Filled::All`] for what
/// has its value, be it a fill value that no byte on disk holds. A recorder allocates what it has recorded: in
/// split datasets and plain HDF5 files what was never written is *missing*. Where a format leaves chunks
/// out because all of them is the fill value (Zarr, sparse arrays), they *are* the fill value. A source
/// that offers the other reading of its files says so among the facts of its [`ArrayInfo`].
pub trait Source: Send + Sync {
    /// What is known of the array. Immediate.
    fn info(&self) -> &Arc<ArrayInfo>;

    /// Appends the chunks that cover `region`: disjoint, each touching it, none missing, without IO.
    /// A chunk's region is a function of its index alone; where a stored chunk can be decoded in parts,
    /// the parts are the chunks. Parts of `region` outside the array are ignored.
    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>);

    /// Visits the chunks that [`Source::chunks`] lists. Where thousands are looked at, writing their boxes down
    /// first costs more than all else.
    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        thread_local! {
            static FOUND: Cell<Vec<Chunk>> = const { Cell::new(Vec::new()) };
        }
        // Taken, not borrowed: a visit may ask another source.
        let mut found = FOUND.take();
        found.clear();
        self.chunks(region, &mut found);
        found.iter().for_each(visit);
        FOUND.set(found);
    }

    /// A box that holds the chunks of these indices; all of the array where that is not known. Without IO.
    fn region_of(&self, _indices: &Range<u64>) -> Region {
        Region::whole(&self.info().shape)
    }

    /// Reads one chunk into `buffer`, which has exactly the bytes of `chunk.region` in C order,
    /// little-endian, bool as 0 or 1. May block; never panics, whatever the file holds.
    ///
    /// # Errors
    /// When nothing of the chunk can be had: missing, corrupt, or a failing disk.
    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError>;

    /// What has been found wrong so far; grows as more of the dataset is looked at. Cheap.
    fn problems(&self) -> Vec<Problem>;

    /// The stored pieces and the state of each as far as known, in order; changes as reading finds more.
    /// Cheap; empty for single files.
    fn pieces(&self) -> Vec<Piece> {
        Vec::new()
    }

    /// Looks at every stored piece's header, so that [`Source::problems`] and [`Source::pieces`]
    /// are complete afterwards. May block for as long as that takes; voxels are not read.
    fn inspect(&self) {}

    /// The files it is read from, in order, missing ones too. Without IO.
    fn files(&self) -> Vec<Location> {
        vec![self.info().location.clone()]
    }

    /// Where it is, and where the arrays are that it is computed with. Without IO.
    fn locations(&self) -> Vec<Location> {
        vec![self.info().location.clone()]
    }

    /// Where all of it lies in HDF5 files of this machine, in disjoint boxes; empty where it does not, or where a
    /// voxel is more than what such a file holds. May block: every file is looked at.
    fn stored_parts(&self) -> Vec<StoredPart> {
        Vec::new()
    }

    /// When each timepoint was taken, in seconds from any origin, where the recording says so; a timepoint it
    /// does not know of, beyond the end of the list or NaN, is not said to be late. May block.
    fn times_s(&self) -> Option<Vec<f64>> {
        None
    }

    /// Forgets what is remembered about failed pieces, so that the next read tries the disk again.
    fn forget_failures(&self) {}

    /// The two halves of reading, where the data lie afar: fetching, of which much can be under way at once,
    /// and decoding. [`Source::read`] is both, one after the other.
    fn fetching(&self) -> Option<&dyn Fetching> {
        None
    }

    /// How it is computed from other sources, where it is. [`Source::read`] reads them itself.
    fn composite(&self) -> Option<&dyn Composite> {
        None
    }
}
