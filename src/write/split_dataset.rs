//! A split dataset as a target: a folder of block files as flammkuchen (PyTables) writes them, and the metadata that
//! split_dataset and the napari plugin read, last.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::hdf5::{ArrayFile, Attribute, Filters, Layout, Locking, whole_chunk};
use super::journal::{Entry, Journal};
use super::kinds::{Kind, TargetOptions};
use super::output::folder_of;
use super::{Compression, Fact, PieceWriter, Place, Subject, Target, Written, not_carried, sync_folder, write_whole};
use crate::volume::{ArrayInfo, Axis, DType, Grid, Region, Shape};

/// Names have four digits, and readers take them in the order of their text.
const MAX_BLOCKS: u64 = 10_000;
/// Bytes of a block unless somebody says.
const BLOCK_BYTES: usize = 128 << 20;
/// Arrays of no more voxels are stored in one piece.
const MAX_SMALL: usize = 300;
/// What the root of a block file is said to be.
pub const ROOT: [(&str, Attribute); 5] = [
    ("TITLE", Attribute::Utf8("")),
    ("CLASS", Attribute::Utf8("GROUP")),
    ("VERSION", Attribute::Utf8("1.0")),
    ("PYTABLES_FORMAT_VERSION", Attribute::Utf8("2.1")),
    ("DEEPDISH_IO_VERSION", Attribute::Integer(12)),
];
/// What an array of chunks is said to be.
pub const CHUNKED: [(&str, Attribute); 3] =
    [("CLASS", Attribute::Ascii("CARRAY")), ("VERSION", Attribute::Ascii("1.1")), ("TITLE", Attribute::Ascii(""))];
/// What an array in one piece is said to be.
const CONTIGUOUS: [(&str, Attribute); 4] = [
    ("CLASS", Attribute::Utf8("ARRAY")),
    ("VERSION", Attribute::Utf8("2.4")),
    ("TITLE", Attribute::Utf8("")),
    ("FLAVOR", Attribute::Utf8("numpy")),
];

/// A folder of blocks.
pub struct SplitTarget {
    place: Place,
    dtype: DType,
    /// All of the array; its cells begin anew in every block, see [`Target::chunks_of`].
    chunks: Grid,
    /// Blocks without what they reach into the next.
    blocks: Grid,
    shape: Shape,
    padding: Vec<usize>,
    filters: Filters,
    metadata: Value,
    not_carried: Vec<String>,
}

impl SplitTarget {
    /// For an array. A block is 128 MB along the first axis unless it is said.
    ///
    /// # Errors
    /// For options that make no sense, an array without voxels, and more blocks than names sort.
    pub fn new(subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Self> {
        options.refuse_but(Kind::Split, &["chunk-shape", "compression", "block", "padding"])?;
        let info = subject.source.info();
        let (shape, shown) = (info.shape, place.path().display());
        let (rank, item) = (shape.rank(), info.dtype.num_bytes());
        if rank == 0 || shape.dims().contains(&0) {
            bail!("{shown}: an array of {shape} voxels has no blocks");
        }
        let block = match &options.block {
            Some(dims) => dims.clone(),
            None => block_shape(&shape, item),
        };
        TargetOptions::of_rank("block", &block, rank)?;
        let block: Vec<usize> = block.iter().zip(shape.dims()).map(|(block, dim)| *block.min(dim)).collect();
        let padding = options.padding.clone().unwrap_or_else(|| vec![0; rank]);
        if padding.len() != rank {
            bail!("--padding: the array has {rank} axes, not {}", padding.len());
        }
        let inner: Vec<usize> = shape.dims().iter().zip(&padding).map(|(dim, pad)| dim.saturating_sub(*pad)).collect();
        if inner.contains(&0) {
            bail!("--padding: leaves nothing of the array");
        }
        let blocks = Shape::new(&inner).zip(Shape::new(&block)).and_then(|(inner, block)| Grid::new(inner, block));
        let blocks = blocks.context("--block: no such blocks")?;
        if blocks.num_cells() > MAX_BLOCKS {
            bail!(
                "{shown}: {} blocks; split_dataset takes names in the order of their text, in which 10000.h5 comes \
                 before 9999.h5, so {MAX_BLOCKS} are the most: choose larger ones with --block",
                blocks.num_cells()
            );
        }
        let cell = match &options.chunk {
            Some(dims) => {
                TargetOptions::of_rank("chunk-shape", dims, rank)?;
                dims.clone()
            }
            None => chunk_shape(&block, item),
        };
        let cell = Shape::new(&cell).context("--chunk-shape: too many axes")?;
        let chunk_bytes = cell.num_bytes(info.dtype).context("--chunk-shape: is larger than memory")?;
        let filters = Filters::new(options.compression.unwrap_or(Compression::BLOSC), info.dtype, chunk_bytes)?;
        let carried = match rank {
            4 if info.axes.iter().eq(&Axis::ALL.map(Some)) => &[Fact::Axes, Fact::VoxelSize, Fact::Rate][..],
            _ => &[Fact::VoxelSize, Fact::Rate],
        };
        Ok(Self {
            place: place.clone(),
            dtype: info.dtype,
            chunks: Grid::new(shape, cell).context("no such chunks")?,
            blocks,
            shape,
            metadata: metadata(info, &block, &padding),
            padding,
            filters,
            not_carried: not_carried(subject, carried),
        })
    }

    fn name(&self) -> String {
        format!("stack_{}D", self.shape.rank())
    }

    /// Whether a block is stored in one piece. Where chunks do not cover it, buffers may not either.
    fn is_small(&self, block: &Region) -> bool {
        let is_covered = block.shape().dims().iter().zip(self.chunks.cell().dims()).all(|(dim, cell)| dim <= cell);
        is_covered && block.shape().num_voxels().is_some_and(|num| num <= MAX_SMALL)
    }

    fn is_block(&self, region: &Region) -> bool {
        let at = region.start().iter().zip(self.blocks.cell().dims()).map(|(start, cell)| start / cell);
        self.piece_region(self.blocks.position(&at.collect::<Vec<_>>())) == Some(*region)
    }
}

impl Target for SplitTarget {
    fn chunks(&self) -> &Grid {
        &self.chunks
    }

    fn pieces(&self) -> &Grid {
        &self.blocks
    }

    fn piece_region(&self, piece: u64) -> Option<Region> {
        let cell = self.blocks.cell_at(piece)?;
        let reach = cell.stop().iter().zip(&self.padding).zip(self.shape.dims());
        let stop: Vec<usize> = reach.map(|((stop, pad), dim)| (stop + pad).min(*dim)).collect();
        Region::new(cell.start(), &stop)
    }

    fn chunks_of(&self, piece: u64, part: &Region) -> Vec<Region> {
        let mut chunks = Vec::new();
        let Some(block) = self.piece_region(piece) else { return chunks };
        if self.is_small(&block) {
            return vec![block];
        }
        let Some(grid) = Grid::new(block.shape(), *self.chunks.cell()) else { return chunks };
        grid.each(&part.relative_to(block.start()), |cell| chunks.push(cell.region.offset_by(block.start())));
        chunks
    }

    fn not_carried(&self) -> Vec<String> {
        self.not_carried.clone()
    }

    fn prepare(&self) -> Result<()> {
        let folder = self.place.data();
        std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot write", folder.display()))
    }

    fn encode(&self, region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.is_small(region) && self.is_block(region) {
            return Ok(Some(voxels.to_vec()));
        }
        let whole = whole_chunk(region, self.chunks.cell(), voxels, self.dtype.num_bytes());
        self.filters.encode(whole.as_deref().unwrap_or(voxels)).map(Some)
    }

    fn begin(&self, piece: u64, _is_resumed: bool) -> Result<Box<dyn PieceWriter>> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let block = self.piece_region(piece).with_context(|| format!("there is no block {piece}"))?;
        let name = block_name(piece);
        let shown = self.place.path().join(&name).display().to_string();
        let path = self.place.data().join(&name);
        // Whoever writes the same block at the same time does so under another name.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let part = self.place.data().join(format!(".{name}.{}-{number}.part", std::process::id()));
        let is_small = self.is_small(&block);
        let layout = Layout {
            name: &self.name(),
            shape: block.shape(),
            chunk: (!is_small).then_some(*self.chunks.cell()),
            dtype: self.dtype,
            has_bit_fields: true,
            filters: &self.filters,
            root: &ROOT,
            locking: Locking::Off,
        };
        let file = ArrayFile::create(&part, &layout).map_err(|failed| failed.at(&shown))?;
        Ok(Box::new(BlockWriter { shown, path, part: Part(part), file: Some(file), block, is_small }))
    }

    fn finish(&self) -> Result<()> {
        let path = self.place.data().join("stack_metadata.json");
        // Whoever cleans up meanwhile takes away what is recorded as whole.
        let is_there = |piece: &u64| self.place.data().join(block_name(*piece)).is_file();
        if let Some(gone) = (0..self.blocks.num_cells()).find(|piece| !is_there(piece)) {
            bail!(
                "{}: was written and is gone; --force begins anew",
                self.place.path().join(block_name(gone)).display()
            );
        }
        let write = || -> io::Result<()> {
            // What a killed process has left of a block.
            for entry in self.place.data().read_dir()? {
                let entry = entry?;
                if entry.file_name().as_encoded_bytes().ends_with(b".part") {
                    std::fs::remove_file(entry.path())?;
                }
            }
            write_whole(&path, self.metadata.to_string().as_bytes())
        };
        write().with_context(|| format!("{}: cannot write", path.display()))?;
        self.place.finish()
    }
}

fn block_name(piece: u64) -> String {
    format!("{piece:04}.h5")
}

/// A file that is taken away unless it gets another name.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // It has another name, or is of no use.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A block file that is being written. The file is closed before it is taken away.
struct BlockWriter {
    shown: String,
    path: PathBuf,
    file: Option<ArrayFile>,
    part: Part,
    block: Region,
    is_small: bool,
}

impl PieceWriter for BlockWriter {
    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        let file = self.file.as_mut().with_context(|| format!("{}: is closed", self.shown))?;
        let bytes = encoded.unwrap_or_default();
        let start = region.relative_to(self.block.start());
        let written = match self.is_small {
            true => file.write_whole(&bytes),
            false => file.write_chunk(start.start(), &bytes),
        };
        written.map_err(|failed| failed.at(&self.shown))
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        let shown = self.shown.clone();
        let attributes = if self.is_small { &CONTIGUOUS[..] } else { &CHUNKED[..] };
        let file = self.file.take().with_context(|| format!("{shown}: is closed"))?;
        file.finish(attributes).map_err(|failed| failed.at(&shown))?;
        let whole = || -> io::Result<Written> {
            let mut file = File::options().read(true).write(true).open(&self.part.0)?;
            file.sync_all()?;
            let written = Journal::checksum_of_chunks(&[] as &[Entry], &mut file)?;
            std::fs::rename(&self.part.0, &self.path)?;
            sync_folder(folder_of(&self.path))?;
            Ok(written)
        };
        whole().with_context(|| format!("{shown}: cannot write"))
    }
}

/// Blocks along the first axis.
fn block_shape(shape: &Shape, item: usize) -> Vec<usize> {
    let mut block = shape.dims().to_vec();
    let row = block[1..].iter().fold(item, |n, &dim| n.saturating_mul(dim)).max(1);
    block[0] = (BLOCK_BYTES / row).max(1).max(block[0].div_ceil(MAX_BLOCKS as usize)).min(block[0]);
    block
}

/// Extent of a chunk as PyTables (3.9) chooses it for a compressed array: 64 KiB, twice as much for every ten times more
/// data, and cut along the first axes. Along one of them it may be longer than the array.
fn chunk_shape(block: &[usize], item: usize) -> Vec<usize> {
    let num_bytes = block.iter().fold(item, |n, &dim| n.saturating_mul(dim));
    let megabytes = (num_bytes >> 20).clamp(1, 10_000_000);
    let target = (64 << 10) << megabytes.ilog10();
    let num_items = (target / item).max(1);
    let mut chunk = block.to_vec();
    for axis in 0..chunk.len() {
        chunk[axis] = 1;
        let rest = chunk.iter().fold(1usize, |n, &dim| n.saturating_mul(dim));
        if rest <= num_items {
            chunk[axis] = num_items / rest;
            return chunk;
        }
    }
    chunk
}

/// What split_dataset writes beside the blocks, its keys in its order, and behind them what it has none for.
fn metadata(info: &ArrayInfo, block: &[usize], padding: &[usize]) -> Value {
    let rank = block.len();
    let edge = |axis: &Option<Axis>| axis.and_then(|axis| info.voxel_size?.along(axis)).unwrap_or(1.0);
    let letters: Option<String> = info.axes.iter().map(|axis| axis.map(Axis::letter)).collect();
    let mut value = json!({
        "shape_full": info.shape.dims(),
        "shape_block": block,
        "crop_start": vec![0; rank],
        "crop_end": vec![0; rank],
        "padding": padding,
        "resolution": info.axes.iter().map(edge).collect::<Vec<_>>(),
        "axis_order": letters.unwrap_or_else(|| if rank == 4 { "tzyx" } else { "zyx" }.to_owned()),
    });
    if let Some(size) = info.voxel_size {
        value["voxel_size"] = json!(size.edges());
    }
    if let Some(rate) = info.rate_hz {
        value["rate"] = json!(rate);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_those_of_pytables() {
        // As PyTables 3.9.2 has chosen them.
        for (block, item, chunk) in [
            (&[28, 30, 512, 512][..], 2, &[1, 1, 256, 512][..]),
            (&[7, 30, 1024, 1024], 2, &[1, 1, 128, 1024]),
            (&[56, 4, 1024, 1024], 2, &[1, 1, 128, 1024]),
            (&[120, 20, 400, 300], 2, &[1, 1, 400, 300]),
            (&[1800, 1, 600, 600], 2, &[1, 1, 436, 600]),
            (&[4, 5, 24, 20], 2, &[13, 5, 24, 20]),
            (&[8, 9, 40], 1, &[182, 9, 40]),
            (&[8, 9, 40], 2, &[91, 9, 40]),
        ] {
            assert_eq!(chunk_shape(block, item), chunk, "{block:?}");
        }
    }
}
