//! A Zarr array as a source: fetching what is stored of a chunk, and decoding it. Over files of this machine a
//! read is both on one thread.

use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::array::{Storage, ZarrArray};
use super::chain::give_back;
use super::growing::{Place, growth_of};
use super::shard::{Index, Indexes, Known, Sharding, fill_with};
use super::shelf::Stock;
use crate::codec::{CodecError, reuse, swap_bytes};
use crate::format::hdf5::{Stamp, normalize_bools};
use crate::format::store::{ByteStore, ObjectInfo};
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, Found, Growth, OpenOptions, ReadError, ReadErrorKind, Source,
    fetch_and_decode,
};
use crate::volume::{ArrayInfo, Axis, Cell, DType, Grid, Index as At, MAX_RANK, Order, Problem, Region, copy_region};

/// An open array of a Zarr hierarchy, in a store of any kind. Nothing is cached but where chunks lie in shards.
pub struct ZarrSource {
    pub(super) info: Arc<ArrayInfo>,
    pub(super) array: Arc<ZarrArray>,
    pub(super) store: Arc<dyn ByteStore>,
    /// How its chunks and objects are counted: the axis that it may grow along the slowest.
    pub(super) order: Order,
    indexes: Arc<Indexes>,
    found: Found,
    /// Where it is looked for again; `None` where it is not in a folder of this machine.
    pub(super) place: Option<Arc<Place>>,
    /// State of the file that describes the array.
    pub(super) stamp: Option<Stamp>,
    /// How far it has come.
    pub(super) growth: Growth,
}

thread_local! {
    /// Whole chunks of which a part is wanted, touched before.
    static WHOLE: RefCell<Vec<u8>> = RefCell::default();
}

impl ZarrSource {
    /// An array that was found in a store, described by `info`.
    pub fn new(info: ArrayInfo, array: ZarrArray, store: Arc<dyn ByteStore>, problems: Vec<Problem>) -> Self {
        let time = info.axes.iter().position(|axis| *axis == Some(Axis::T));
        let order = Order { slowest: time.unwrap_or(0) };
        let growth = growth_of(&array, order, time.is_some(), &Stock::default());
        let (info, array, indexes) = (Arc::new(info), Arc::new(array), Arc::default());
        Self { info, array, store, order, indexes, found: Found::new(problems), place: None, stamp: None, growth }
    }

    /// The same where it may be followed: a hierarchy in the folder `root`.
    pub fn at(mut self, root: PathBuf, options: &OpenOptions) -> Self {
        // The state of the file is taken first: what comes later is seen by the first look.
        let place = Arc::new(Place::new(&self.info.location, root, &self.array, self.order, options));
        self.growth = growth_of(&self.array, self.order, self.grows_in_time(), &place.stock());
        (self.stamp, self.place) = (place.stamp(), Some(place));
        self
    }

    /// The next state of it.
    pub(super) fn grown(&self, array: Arc<ZarrArray>, stamp: Option<Stamp>) -> Self {
        let stock = self.place.as_ref().map(|place| place.stock()).unwrap_or_default();
        let mut info = ArrayInfo::clone(&self.info);
        info.shape = array.shape;
        info.num_blocks = stock.newest_row.map_or(1, |(row, _)| row + 1);
        Self {
            growth: growth_of(&array, self.order, self.grows_in_time(), &stock),
            info: Arc::new(info),
            array,
            store: Arc::clone(&self.store),
            order: self.order,
            indexes: Arc::clone(&self.indexes),
            found: self.found.anew(),
            place: self.place.clone(),
            stamp,
        }
    }

    /// The pieces that are read alone, as chunks.
    fn chunk_of(&self, cell: &Cell) -> Chunk {
        let counts = self.array.grid.counts().dims();
        let index = if self.order.slowest == 0 { cell.position } else { self.order.position(&cell.at, counts) };
        Chunk { index, region: cell.region }
    }

    /// All of the piece that a chunk is, which may stick out of the array.
    fn whole_of(&self, chunk: &Chunk) -> Region {
        self.array.grid.whole_cell(&cell_of(chunk, &self.array.grid))
    }

    /// The object that a chunk lies in, and its place along each axis.
    fn object_of(&self, chunk: &Chunk) -> (String, At) {
        let at = cell_of(chunk, &self.array.objects);
        (self.array.object_name(&at), at)
    }

    fn error(&self, name: &str, kind: ReadErrorKind, message: impl Into<Arc<str>>) -> ReadError {
        ReadError::new(kind, self.store.location(name), message)
    }

    fn corrupt(&self, name: &str, message: &str) -> FetchError {
        FetchError::Lasting(self.error(name, ReadErrorKind::Corrupt, message))
    }

    /// Fetches the stored bytes of a chunk; nothing where nothing is stored.
    fn bring(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Vec<Vec<u8>>, FetchError> {
        let (name, at) = self.object_of(chunk);
        match &self.array.storage {
            Storage::Chunks(chain) => {
                let bytes = self.store.whole(&name, chain.max_stored_bytes() as u64, until, cancel)?;
                Ok(bytes.into_iter().collect())
            }
            Storage::Parts { .. } => {
                let range = self.part_range(chunk, &at);
                Ok(self.store.ranges(&name, &[range], until, cancel)?.unwrap_or_default())
            }
            Storage::Shards(sharding) => {
                let Some(range) = self.inner_range(sharding, chunk, &name, &at, until, cancel)? else {
                    return Ok(Vec::new());
                };
                let most = sharding.inner.max_stored_bytes() as u64;
                if range.end - range.start > most {
                    return Err(self.corrupt(&name, "its index tells of a chunk that is longer than chunks can be"));
                }
                let bytes = self.store.ranges(&name, &[range], until, cancel)?;
                // It was there a moment ago.
                bytes.ok_or_else(|| self.corrupt(&name, "the shard has gone while it was read"))
            }
        }
    }

    /// Bytes of a part of a chunk that lies in one piece.
    fn part_range(&self, chunk: &Chunk, object: &At) -> Range<u64> {
        let whole = self.array.objects.whole_cell(object);
        // The part as it is stored, which may stick out of the array.
        let part = self.whole_of(chunk);
        let start = part.relative_to(whole.start());
        let item = self.array.dtype.num_bytes() as u64;
        let offset = whole.shape().offset(start.start()).unwrap_or(0) as u64 * item;
        offset..offset + part.shape().num_bytes(self.array.dtype).unwrap_or(0) as u64
    }

    /// Where a chunk lies in its shard; `None` where it is not stored.
    fn inner_range(
        &self,
        sharding: &Sharding,
        chunk: &Chunk,
        name: &str,
        object: &At,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Range<u64>>, FetchError> {
        let Some(index) = self.shard_index(sharding, name, object, until, cancel)? else { return Ok(None) };
        let mut at = [0; MAX_RANK];
        let cells = sharding.grid.cell().dims().iter().zip(sharding.grid.counts().dims());
        for (axis, (cell, count)) in cells.enumerate() {
            at[axis] = chunk.region.start()[axis] / cell % count;
        }
        Ok(index.range(sharding.grid.position(&at)))
    }

    /// The index of a shard, read anew where the shard has changed; `None` where there is no such shard.
    fn shard_index(
        &self,
        sharding: &Sharding,
        name: &str,
        object: &At,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Arc<Index>>, FetchError> {
        let shard = self.array.objects.position(object);
        let known = self.indexes.get(shard);
        // Asking afar whether it has changed costs as much as reading it: there the store looks after that.
        if let Some(known) = known.as_ref().filter(|_| self.store.is_remote()) {
            return Ok(known.index.clone());
        }
        let now = self.store.head(name, until, cancel)?;
        let version = now.as_ref().and_then(|now| now.version.clone());
        if let Some(known) = known.filter(|known| version.is_some() && known.version == version) {
            return Ok(known.index);
        }
        let index = now.map(|now| self.read_index(sharding, name, &now, until, cancel)).transpose()?.flatten();
        self.indexes.put(shard, Known { version, index: index.clone() });
        Ok(index)
    }

    fn read_index(
        &self,
        sharding: &Sharding,
        name: &str,
        object: &ObjectInfo,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Arc<Index>>, FetchError> {
        let range = sharding.index_range(object.num_bytes);
        let range = range.ok_or_else(|| self.corrupt(name, "the shard is too short for its index"))?;
        let Some(bytes) = self.store.ranges(name, &[range], until, cancel)? else { return Ok(None) };
        let index = sharding.decode_index(bytes.first().map_or(&[], Vec::as_slice));
        let index = index.map_err(|error| self.corrupt(name, &format!("the index of the shard: {error}")))?;
        Ok(Some(Arc::new(index)))
    }

    /// Decodes the stored bytes of a chunk.
    fn decode_stored(&self, chunk: &Chunk, stored: &[u8], buffer: &mut [u8]) -> Result<(), CodecError> {
        let chain = match &self.array.storage {
            Storage::Chunks(chain) => chain,
            Storage::Shards(sharding) => &sharding.inner,
            Storage::Parts { is_swapped } => {
                let whole = self.whole_of(chunk);
                if Some(stored.len()) != whole.shape().num_bytes(self.array.dtype) {
                    return Err(CodecError::Corrupt("a part of a chunk has a wrong size".into()));
                }
                copy_region(stored, &whole, buffer, &chunk.region, self.array.dtype.num_bytes());
                if *is_swapped {
                    swap_bytes(self.array.dtype.num_bytes(), buffer);
                }
                return Ok(());
            }
        };
        let whole = self.whole_of(chunk);
        if whole == chunk.region {
            return chain.decode(stored, buffer);
        }
        WHOLE.with_borrow_mut(|memory| {
            let result = reuse(memory, chain.num_bytes()).and_then(|decoded| {
                chain.decode(stored, decoded)?;
                copy_region(decoded, &whole, buffer, &chunk.region, self.array.dtype.num_bytes());
                Ok(())
            });
            give_back(memory);
            result
        })
    }
}

/// The cell of a grid that a chunk lies in.
fn cell_of(chunk: &Chunk, grid: &Grid) -> At {
    let mut at = [0; MAX_RANK];
    for (axis, (start, cell)) in chunk.region.start().iter().zip(grid.cell().dims()).enumerate() {
        at[axis] = start / cell;
    }
    at
}

impl Fetching for ZarrSource {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        match &self.array.storage {
            Storage::Chunks(chain) => chain.max_stored_bytes(),
            Storage::Shards(sharding) => sharding.inner.max_stored_bytes(),
            Storage::Parts { .. } => {
                let range = self.part_range(chunk, &self.object_of(chunk).1);
                (range.end - range.start) as usize
            }
        }
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        let pieces = self.bring(chunk, until, cancel);
        // What was given up is no problem of the recording.
        if let Err(FetchError::Lasting(error)) = &pieces
            && !cancel.is_cancelled()
        {
            self.found.note(error);
        }
        pieces.map(|pieces| Fetched { pieces })
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let Some(stored) = fetched.pieces.first() else {
            fill_with(&self.array.fill, buffer);
            return Ok(Filled::All);
        };
        let result = self.decode_stored(chunk, stored, buffer);
        let failed = |error: CodecError| self.error(&self.object_of(chunk).0, (&error).into(), error.to_string());
        let result = result.map(|()| Filled::All).map_err(failed);
        self.found.look_at(&result);
        if self.array.dtype == DType::Bool {
            normalize_bools(buffer);
        }
        result
    }
}

impl Source for ZarrSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.array.grid.each(region, |cell| chunks.push(self.chunk_of(cell)));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.array.grid.each(region, |cell| visit(&self.chunk_of(cell)));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.order.rows_of(&self.array.grid, indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if self.store.is_remote() {
            return fetch_and_decode(self, chunk, buffer);
        }
        match self.fetch(chunk, Instant::now(), &Cancel::new()) {
            Ok(fetched) => self.decode(chunk, &fetched, buffer),
            Err(error) => Err(error.into_error()),
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = self.found.all();
        all.extend(self.not_stored());
        all
    }

    fn inspect(&self) {
        self.take_stock();
    }

    fn forget_failures(&self) {
        self.found.forget();
        self.indexes.clear();
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.store.is_remote().then_some(self)
    }
}
