//! A Zarr array as a source: fetching what is stored of a chunk, and decoding it. Over files of this machine a
//! read is both on one thread.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::array::{Storage, ZarrArray};
use super::shard::{Index, Indexes, Known, Sharding, fill_with};
use crate::codec::{CodecError, reuse, swap_bytes};
use crate::format::hdf5::normalize_bools;
use crate::format::store::{ByteStore, ObjectInfo};
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, Found, ReadError, ReadErrorKind, Source, fetch_and_decode,
};
use crate::volume::{ArrayInfo, DType, Index as At, MAX_RANK, Problem, Region, copy_region, unravel};

/// Memory that a thread keeps between reads.
const MAX_KEPT_BYTES: usize = 48 << 20;

/// An open array of a Zarr hierarchy, in a store of any kind. Nothing is cached but where chunks lie in shards.
pub struct ZarrSource {
    info: Arc<ArrayInfo>,
    array: ZarrArray,
    store: Arc<dyn ByteStore>,
    indexes: Indexes,
    found: Found,
}

thread_local! {
    /// Whole chunks of which a part is wanted, touched before.
    static WHOLE: RefCell<Vec<u8>> = RefCell::default();
}

impl ZarrSource {
    /// An array that was found in a store, described by `info`.
    pub fn new(info: ArrayInfo, array: ZarrArray, store: Arc<dyn ByteStore>, problems: Vec<Problem>) -> Self {
        Self { info: Arc::new(info), array, store, indexes: Indexes::default(), found: Found::new(problems) }
    }

    /// The object that a chunk lies in, and its place along each axis.
    fn object_of(&self, chunk: &Chunk) -> (String, At) {
        let mut at = [0; MAX_RANK];
        for (axis, (start, cell)) in chunk.region.start().iter().zip(self.array.objects.cell().dims()).enumerate() {
            at[axis] = start / cell;
        }
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
        let part = self.array.grid.whole_cell(&unravel(chunk.index, self.array.grid.counts().dims()));
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
                let whole = self.array.grid.whole_cell(&unravel(chunk.index, self.array.grid.counts().dims()));
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
        let whole = self.array.grid.whole_cell(&unravel(chunk.index, self.array.grid.counts().dims()));
        if whole == chunk.region {
            return chain.decode(stored, buffer);
        }
        WHOLE.with_borrow_mut(|memory| {
            let decoded = reuse(memory, chain.num_bytes())?;
            chain.decode(stored, decoded)?;
            copy_region(decoded, &whole, buffer, &chunk.region, self.array.dtype.num_bytes());
            if memory.capacity() > MAX_KEPT_BYTES {
                *memory = Vec::new();
            }
            Ok(())
        })
    }
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
        self.array.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.array.grid.each(region, |cell| visit(&Chunk { index: cell.position, region: cell.region }));
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
        self.found.all()
    }

    fn forget_failures(&self) {
        self.found.forget();
        self.indexes.clear();
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.store.is_remote().then_some(self)
    }
}
