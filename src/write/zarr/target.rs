//! One resolution of an OME-Zarr image as what is written to; the next one is made of it.

use std::cell::RefCell;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::coarser::Coarser;
use super::image;
use super::layout::{self, Level};
use super::mean::Rule;
use super::piece::{Group, Shard};
use super::shelf::{LocalShelf, Shelf};
use super::{codecs, metadata};
use crate::format::{OpenOptions, open};
use crate::volume::{DType, Grid, Location, Region, copy_region};
use crate::write::remote::RemoteShelf;
use crate::write::{Compression, Kind, PieceWriter, Place, Stage, Subject, Target, TargetOptions};

thread_local! {
    /// Memory for chunks that stick out of the array, touched before.
    static WHOLE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The object by which it is known whose work lies somewhere.
const MARK: &str = "0/zarr.json";

/// What all resolutions have in common.
struct Image {
    shelf: Arc<dyn Shelf>,
    dtype: DType,
    compression: Compression,
    rule: Rule,
    levels: Vec<Level>,
    arrays: Vec<Value>,
    group: Value,
    not_carried: Vec<String>,
}

/// One resolution of an OME-Zarr image.
#[derive(Clone)]
pub struct ZarrTarget {
    image: Arc<Image>,
    level: usize,
}

impl ZarrTarget {
    /// The finest resolution of an image, of this machine or in a bucket. Used are `chunk`, `shard` (without extents: such as suit),
    /// `compression`, `levels` (0: as many as suit) and `downsample` of the options.
    ///
    /// # Errors
    /// If OME-Zarr cannot hold such an array, or the options make no sense.
    pub fn new(subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Self> {
        let shelf: Arc<dyn Shelf> = match place.location() {
            Some(_) => Arc::new(RemoteShelf::new(place)?),
            None => Arc::new(LocalShelf::new(place)),
        };
        Self::on(subject, shelf, options)
    }

    /// The same somewhere else.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn on(subject: &Subject, shelf: Arc<dyn Shelf>, options: &TargetOptions) -> Result<Self> {
        options.refuse_but(Kind::Zarr, &["chunk-shape", "shard-shape", "compression", "levels", "level-by"])?;
        let info = subject.source.info();
        let axes = image::axes(info)?;
        let compression = options.compression.unwrap_or(codecs::USUAL);
        codecs::check(compression)?;
        let rule = Rule::of(options.downsample.as_deref(), info.dtype).context("--level-by")?;
        let levels = layout::levels(info.shape, info.dtype, &axes, options)?;
        let array = |level: &Level| metadata::array(level, info.dtype, &axes, compression);
        let arrays: Vec<Value> = levels.iter().map(array).collect();
        let group = metadata::group(subject, &axes, &levels, rule, &arrays);
        let not_carried = image::not_carried(subject);
        let image = Image { shelf, dtype: info.dtype, compression, rule, levels, arrays, group, not_carried };
        Ok(Self { image: Arc::new(image), level: 0 })
    }

    fn here(&self) -> &Level {
        &self.image.levels[self.level]
    }

    fn is_last(&self) -> bool {
        self.level + 1 == self.image.levels.len()
    }
}

fn text(metadata: &Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(metadata)?)
}

/// Whether all bytes are 0.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

impl Target for ZarrTarget {
    fn chunks(&self) -> &Grid {
        &self.here().chunks
    }

    fn pieces(&self) -> &Grid {
        &self.here().pieces
    }

    fn check(&self) -> Result<()> {
        self.image.shelf.check((MARK, &text(&self.image.arrays[0])?))
    }

    fn prepare(&self) -> Result<()> {
        self.image.shelf.prepare((MARK, &text(&self.image.arrays[0])?))?;
        for (i, array) in self.image.arrays.iter().enumerate() {
            self.image.shelf.put(&format!("{i}/zarr.json"), text(array)?)?;
        }
        Ok(())
    }

    fn encode(&self, region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>> {
        if is_zero(voxels) {
            return Ok(None);
        }
        let (item, chunks) = (self.image.dtype.num_bytes(), self.chunks());
        let at = super::piece::position(chunks, region);
        let whole = chunks.whole_cell(&at);
        let coded = match whole == *region {
            true => codecs::encode(self.image.compression, item, voxels),
            false => WHOLE.with_borrow_mut(|bytes| {
                bytes.clear();
                bytes.resize(whole.shape().num_bytes(self.image.dtype).context("a chunk without end")?, 0);
                copy_region(voxels, region, bytes, &whole, item);
                codecs::encode(self.image.compression, item, bytes)
            }),
        };
        coded.map(Some)
    }

    fn begin(&self, piece: u64, _is_resumed: bool) -> Result<Box<dyn PieceWriter>> {
        let (level, shelf) = (self.here(), &self.image.shelf);
        let region = level.pieces.cell_at(piece).with_context(|| format!("there is no piece {piece}"))?;
        let item = self.image.dtype.num_bytes();
        Ok(match level.is_sharded {
            true => Box::new(Shard::begin(shelf, self.level, level, item, &region)),
            false => Box::new(Group::begin(shelf, self.level, &level.chunks)),
        })
    }

    fn next(&self) -> Result<Option<Stage>> {
        if self.is_last() {
            return Ok(None);
        }
        // Opened each time: what is not there yet is looked for again.
        let location = self.image.shelf.location(&self.level.to_string());
        let options = OpenOptions { cache: None, ..OpenOptions::default() };
        let opened = open(location, &options).map_err(|error| anyhow!("{error}"))?;
        let target = Self { image: Arc::clone(&self.image), level: self.level + 1 };
        let level = target.here();
        let source = Coarser::new(opened.source, &level.factors, self.image.rule, &level.chunks)?;
        Ok(Some(Stage { source: Arc::new(source), target: Box::new(target) }))
    }

    fn not_carried(&self) -> Vec<String> {
        self.image.not_carried.clone()
    }

    fn finish(&self) -> Result<()> {
        if !self.is_last() {
            bail!("of {} resolutions only {} are written", self.image.levels.len(), self.level + 1);
        }
        // Whoever cleans up meanwhile takes away what is recorded as whole: what is absent would read as 0.
        let is_gone = |place: &Location| place.path().is_some_and(|path| !path.exists());
        let mut arrays =
            (0..self.image.levels.len()).map(|level| self.image.shelf.location(&format!("{level}/zarr.json")));
        if let Some(gone) = arrays.find(is_gone) {
            bail!("{gone}: was written and is gone, perhaps with more; --force begins anew");
        }
        self.image.shelf.put("zarr.json", text(&self.image.group)?)?;
        self.image.shelf.finish()
    }
}
