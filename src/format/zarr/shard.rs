//! Shards: stored objects that hold many chunks and an index of where each lies, read one chunk at a time.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use zarrs::array::{FillValue, data_type};

use super::chain::{Chain, Kind};
use crate::codec::CodecError;
use crate::volume::{Grid, Region, Shape, copy_region};

/// The longest index of a shard that is read.
const MAX_INDEX_BYTES: usize = 64 << 20;

/// Memory for indexes of one array.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// How a shard is made up.
pub struct Sharding {
    /// The chunks within a shard; divides it.
    pub inner: Chain,
    /// Where the chunks lie in the shard.
    pub grid: Grid,
    index: Chain,
    index_bytes: usize,
    is_index_first: bool,
}

/// Where the chunks of a shard lie in it.
#[derive(Debug)]
pub struct Index {
    entries: Box<[u64]>,
}

impl Index {
    /// Bytes of a chunk in its shard; `None` where it is not stored.
    pub fn range(&self, position: u64) -> Option<Range<u64>> {
        let at = usize::try_from(position).ok()?.checked_mul(2)?;
        let (start, len) = (*self.entries.get(at)?, *self.entries.get(at + 1)?);
        // An end beyond all numbers lies beyond every object: reading it says so.
        (start != u64::MAX || len != u64::MAX).then(|| start..start.saturating_add(len))
    }

    fn num_bytes(&self) -> usize {
        size_of_val(&*self.entries)
    }
}

impl Sharding {
    /// What the configuration of a `sharding_indexed` codec says of shards of this kind; in words why not.
    pub fn new(configuration: &Map<String, Value>, shard: &Kind, depth: usize) -> Result<Self, String> {
        let field = |name: &str| configuration.get(name).ok_or_else(|| format!("its shards have no {name}"));
        let shape: Vec<NonZeroU64> = serde_json::from_value(field("chunk_shape")?.clone())
            .map_err(|error| format!("the chunks of its shards make no sense: {error}"))?;
        let is_divided = shape.len() == shard.shape.len()
            && shape.iter().zip(&shard.shape).all(|(inner, outer)| outer.get().is_multiple_of(inner.get()));
        if !is_divided {
            return Err("its shards are no whole number of chunks".into());
        }
        let inner = Kind { shape, ..shard.clone() };
        let extents = shard.extent().zip(inner.extent());
        let grid = extents.and_then(|(outer, inner)| Grid::new(outer, inner)).ok_or("its shards have no extent")?;
        let num_chunks = grid.num_cells();
        let mut index_shape = grid.counts().dims().to_vec();
        index_shape.push(2);
        let index_kind = Kind {
            shape: index_shape.iter().filter_map(|&dim| NonZeroU64::new(dim as u64)).collect(),
            dtype: data_type::uint64(),
            fill: FillValue::from(u64::MAX),
        };
        let index = Chain::nested(field("index_codecs")?, index_kind, depth)?;
        let index_bytes = index.fixed_bytes().ok_or("the index of its shards is compressed, which is not read here")?;
        if index_bytes > MAX_INDEX_BYTES || num_chunks > MAX_INDEX_BYTES as u64 {
            return Err(format!("its shards have {num_chunks} chunks each, which is more than is read here"));
        }
        let is_index_first = configuration.get("index_location").and_then(Value::as_str) == Some("start");
        let inner = Chain::nested(field("codecs")?, inner, depth)?;
        Ok(Self { inner, grid, index, index_bytes, is_index_first })
    }

    /// What its chunks are stored with, in words.
    pub fn in_words(&self) -> String {
        self.inner.in_words()
    }

    /// The most bytes that a shard has.
    pub fn max_bytes(&self) -> usize {
        let chunks = (self.grid.num_cells() as usize).saturating_mul(self.inner.max_stored_bytes());
        // Writers may leave behind what was overwritten.
        chunks.saturating_mul(2).saturating_add(self.index_bytes)
    }

    /// Where the index lies in a shard of so many bytes; `None` where it is too short for one.
    pub fn index_range(&self, shard_bytes: u64) -> Option<Range<u64>> {
        let start = shard_bytes.checked_sub(self.index_bytes as u64)?;
        Some(if self.is_index_first { 0..self.index_bytes as u64 } else { start..shard_bytes })
    }

    /// Decodes an index.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn decode_index(&self, stored: &[u8]) -> Result<Index, CodecError> {
        let mut bytes = vec![0; self.index.num_bytes()];
        self.index.decode(stored, &mut bytes)?;
        let entries = bytes.as_chunks::<8>().0.iter().map(|entry| u64::from_ne_bytes(*entry));
        Ok(Index { entries: entries.collect() })
    }

    /// Decodes all of a shard that was read as a whole.
    ///
    /// # Errors
    /// When anything in it is damaged.
    pub fn decode_all(&self, stored: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        let corrupt = |message: &str| CodecError::Corrupt(message.to_owned());
        let range = self.index_range(stored.len() as u64).ok_or_else(|| corrupt("shard is too short for its index"))?;
        let index = self.decode_index(&stored[range.start as usize..range.end as usize])?;
        let fill = self.inner.kind().fill.as_ne_bytes();
        let shard = Region::whole(self.grid.shape());
        let mut chunk = vec![0; self.inner.num_bytes()];
        self.grid.try_each(&shard, |cell| {
            match index.range(cell.position) {
                None => fill_with(fill, &mut chunk),
                Some(range) => {
                    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
                    let bytes = range.and_then(|(start, end)| stored.get(start..end));
                    let bytes = bytes.ok_or_else(|| corrupt("the index of a shard points beyond it"))?;
                    self.inner.decode(bytes, &mut chunk)?;
                }
            }
            copy_region(&chunk, &cell.region, output, &shard, fill.len());
            Ok(())
        })
    }

    /// Extent of the chunks within.
    pub fn cell(&self) -> Shape {
        *self.grid.cell()
    }
}

/// Repeats the bytes of a value.
pub fn fill_with(value: &[u8], buffer: &mut [u8]) {
    match value {
        [] => {}
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => buffer.fill(*first),
        _ => buffer.chunks_mut(value.len()).for_each(|item| item.copy_from_slice(&value[..item.len()])),
    }
}

/// Indexes that were read, up to a bound of memory.
#[derive(Default)]
pub struct Indexes {
    kept: Mutex<Kept>,
}

/// An index as it was when it was read.
#[derive(Clone)]
pub struct Known {
    /// State of the shard, where its store can tell.
    pub version: Option<Arc<str>>,
    /// Its index; `None` where there is no such shard.
    pub index: Option<Arc<Index>>,
}

#[derive(Default)]
struct Kept {
    by_shard: HashMap<u64, Known>,
    order: VecDeque<u64>,
    num_bytes: usize,
}

fn kept_bytes(known: &Known) -> usize {
    96 + known.index.as_ref().map_or(0, |index| index.num_bytes())
}

impl Indexes {
    /// What is known of a shard.
    pub fn get(&self, shard: u64) -> Option<Known> {
        self.kept.lock().by_shard.get(&shard).cloned()
    }

    /// Keeps what was read; the oldest goes where it would be too much.
    pub fn put(&self, shard: u64, known: Known) {
        let mut kept = self.kept.lock();
        kept.num_bytes += kept_bytes(&known);
        match kept.by_shard.insert(shard, known) {
            Some(old) => kept.num_bytes -= kept_bytes(&old),
            None => kept.order.push_back(shard),
        }
        while kept.num_bytes > MAX_KEPT_BYTES && kept.order.len() > 1 {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(old) = kept.by_shard.remove(&oldest) {
                kept.num_bytes -= kept_bytes(&old);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.kept.lock() = Kept::default();
    }
}
