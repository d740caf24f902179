//! Pieces of an array: a shard, which is one object, or a group of chunks, each of which is one.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::layout::Level;
use super::shelf::{Long, Many, Shelf};
use crate::codec::crc32c;
use crate::volume::{Grid, Region};
use crate::write::{PieceWriter, Written};

/// Says of a chunk in the index of a shard that it is not there.
const ABSENT: [u64; 2] = [u64::MAX; 2];

/// The name of an object by its position along each axis.
pub fn name(level: usize, at: &[usize]) -> String {
    let mut name = format!("{level}/c");
    for at in at {
        name.push('/');
        name.push_str(&at.to_string());
    }
    name
}

/// Position along each axis of the cell that begins with a box.
pub fn position(grid: &Grid, region: &Region) -> Vec<usize> {
    region.start().iter().zip(grid.cell().dims()).map(|(start, cell)| start / cell).collect()
}

fn add(written: &mut Written, bytes: &[u8]) {
    written.crc32c = crc32c::extended(written.crc32c, bytes);
    written.num_bytes += bytes.len() as u64;
}

/// A shard: its chunks in the order they come, and an index of where each lies, with a checksum.
pub struct Shard {
    shelf: Arc<dyn Shelf>,
    name: String,
    chunks: Grid,
    /// Position of its first chunk.
    first: Vec<usize>,
    /// How many chunks it has along each axis, those beyond the array included.
    counts: Vec<usize>,
    /// Begin and length of each chunk.
    index: Vec<[u64; 2]>,
    object: Option<Box<dyn Long>>,
    written: Written,
    max_bytes: u64,
}

impl Shard {
    /// The shard of a level that holds a box, of voxels of `item` bytes.
    pub fn begin(shelf: &Arc<dyn Shelf>, number: usize, level: &Level, item: usize, region: &Region) -> Self {
        let Level { pieces, chunks, .. } = level;
        let counts: Vec<usize> =
            pieces.cell().dims().iter().zip(chunks.cell().dims()).map(|(shard, chunk)| shard / chunk).collect();
        let bytes = pieces.cell().dims().iter().fold(item as u64, |n, dim| n.saturating_mul(*dim as u64));
        Self {
            shelf: Arc::clone(shelf),
            name: name(number, &position(pieces, region)),
            chunks: *chunks,
            first: position(chunks, region),
            index: vec![ABSENT; counts.iter().product()],
            counts,
            object: None,
            written: Written { num_bytes: 0, crc32c: 0 },
            max_bytes: bytes,
        }
    }

    fn append(&mut self, bytes: Vec<u8>) -> Result<()> {
        add(&mut self.written, &bytes);
        if self.object.is_none() {
            self.object = Some(self.shelf.long(&self.name, self.max_bytes)?);
        }
        self.object.as_mut().context("no shard was begun")?.append(bytes)
    }
}

impl PieceWriter for Shard {
    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        let Some(bytes) = encoded else { return Ok(()) };
        let at = position(&self.chunks, region);
        let within = at.iter().zip(&self.first).zip(&self.counts);
        let place = within.fold(0, |place, ((at, first), count)| place * count + (at - first));
        self.index[place] = [self.written.num_bytes, bytes.len() as u64];
        self.append(bytes)
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        if self.object.is_none() {
            self.shelf.remove(&self.name)?;
            return Ok(self.written);
        }
        let mut index: Vec<u8> = self.index.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
        index.extend(crc32c::checksum(&index).to_le_bytes());
        self.append(index)?;
        self.object.take().context("no shard was begun")?.finish()?;
        Ok(self.written)
    }
}

/// Chunks that are objects of their own.
pub struct Group {
    level: usize,
    chunks: Grid,
    objects: Box<dyn Many>,
    written: Written,
}

impl Group {
    /// Some chunks of a level.
    pub fn begin(shelf: &Arc<dyn Shelf>, level: usize, chunks: &Grid) -> Self {
        let written = Written { num_bytes: 0, crc32c: 0 };
        Self { level, chunks: *chunks, objects: shelf.many(), written }
    }
}

impl PieceWriter for Group {
    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        let name = name(self.level, &position(&self.chunks, region));
        let Some(bytes) = encoded else { return self.objects.remove(name) };
        add(&mut self.written, &bytes);
        self.objects.put(name, bytes)
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        self.objects.finish()?;
        Ok(self.written)
    }
}
