//! A TIFF file as what is written to: one piece.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::describe::{description, voxel_size};
use super::directory::{Directory, Value, header, header_bytes};
use super::pages::{Flavor, Pages};
use super::writer::Writer;
use super::{display, strips};
use crate::volume::{DType, Grid, Region, VoxelSize};
use crate::write::{Fact, Kind, PieceWriter, Place, Subject, Target, TargetOptions, not_carried};

/// Directories in files with offsets of 32 bits; beyond, ImageJ's one is enough.
const MAX_CLASSIC_BYTES: u64 = u32::MAX as u64;

/// One TIFF file.
pub struct TiffTarget {
    place: Place,
    chunks: Grid,
    pieces: Grid,
    file: Arc<FilePlan>,
    not_carried: Vec<String>,
}

/// What is known of the file before any voxel is.
pub struct FilePlan {
    pub pages: Pages,
    description: Vec<u8>,
    edges: Option<VoxelSize>,
    display: Option<(Value, Value)>,
}

impl TiffTarget {
    /// For an array. Used are `compression`, `flavor` (imagej, ome, plain) and `big` of the options.
    ///
    /// # Errors
    /// If TIFF cannot hold the array, or the options make no sense.
    pub fn new(subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Self> {
        options.refuse_but(Kind::Tiff, &["compression", "flavor", "big"])?;
        let info = subject.source.info();
        let name = place.path().file_name().unwrap_or_default().to_string_lossy();
        let pages = Pages::new(info, &name, options)?;
        let mut carried = vec![Fact::Axes, Fact::VoxelSize, Fact::Rate];
        carried.extend((pages.flavor == Flavor::Ome).then_some(Fact::Channels));
        let mut left = not_carried(subject, &carried);
        if pages.flavor == Flavor::Ome && subject.channels.iter().any(|look| look.limits.is_some()) {
            left.push("contrast limits of channels".to_owned());
        }
        left.extend(crate::write::letters::guessed(info));
        let display = (pages.flavor == Flavor::ImageJ).then(|| display::tags(&subject.channels)).flatten();
        let file = FilePlan { description: description(subject, &pages), edges: voxel_size(info), display, pages };
        let (chunks, pieces) = (file.pages.chunks, Grid::of_one(info.shape));
        Ok(Self { place: place.clone(), chunks, pieces, file: Arc::new(file), not_carried: left })
    }
}

impl FilePlan {
    /// The directory of a page whose strips lie there.
    pub fn directory(&self, page: u64, places: &[[u64; 2]]) -> Directory {
        let pages = &self.pages;
        let (bits, format) = (pages.dtype.num_bytes() as u16 * 8, sample_format(pages.dtype));
        let column = |i: usize| Value::Places(places.iter().map(|place| place[i]).collect());
        let mut tags = Directory::default();
        tags.push(256, Value::Longs(vec![pages.width as u32]));
        tags.push(257, Value::Longs(vec![pages.height as u32]));
        tags.push(258, Value::Short(bits));
        tags.push(259, Value::Short(strips::number(pages.compression)));
        tags.push(262, Value::Short(1));
        if page == 0 {
            tags.push(270, Value::Text(self.description.clone()));
        }
        tags.push(273, column(0));
        tags.push(277, Value::Short(1));
        tags.push(278, Value::Longs(vec![pages.rows as u32]));
        tags.push(279, column(1));
        if let Some(edges) = self.edges {
            // ImageJ says its unit in the description; everybody else counts in centimetres.
            let (unit, per_unit) = if pages.flavor == Flavor::ImageJ { (1, 1.0) } else { (3, 1e4) };
            tags.push(282, Value::Rational(per_unit / edges.x_um));
            tags.push(283, Value::Rational(per_unit / edges.y_um));
            tags.push(296, Value::Short(unit));
        }
        if page == 0 {
            tags.push(305, Value::Text(concat!("tectum ", env!("CARGO_PKG_VERSION")).into()));
        }
        if pages.is_compressed() {
            tags.push(317, Value::Short(strips::predictor(pages.dtype)));
        }
        tags.push(339, Value::Short(format));
        if let Some((counts, block)) = self.display.as_ref().filter(|_| page == 0) {
            tags.push(display::COUNTS, counts.clone());
            tags.push(display::METADATA, block.clone());
        }
        tags
    }

    /// Where the voxels begin in a file that is not compressed: behind the first directory.
    ///
    /// # Errors
    /// If the file would be longer than its offsets reach.
    pub fn first_voxel(&self) -> Result<u64> {
        let at = header_bytes(self.pages.is_big);
        let directory = self.directory(0, &[[0, 0]]).to_bytes(self.pages.is_big, at, 0)?;
        Ok((at + directory.len() as u64).next_multiple_of(64))
    }

    /// Whether only the first directory is written, and the pages behind it are counted: the others could not be
    /// reached.
    pub fn is_cut(&self) -> bool {
        let pages = &self.pages;
        let all = pages.num.saturating_mul(pages.page_bytes() + 200);
        pages.flavor == Flavor::ImageJ && all > MAX_CLASSIC_BYTES - (1 << 20)
    }

    /// What stands before the voxels: all of the first directory where nothing is compressed, else room for the place
    /// of it.
    ///
    /// # Errors
    /// As [`Self::first_voxel`].
    pub fn head(&self) -> Result<Vec<u8>> {
        let (pages, first) = (&self.pages, header_bytes(self.pages.is_big));
        if pages.is_compressed() {
            return Ok(vec![0; first as usize]);
        }
        let voxels = self.first_voxel()?;
        let end = voxels + pages.num * pages.page_bytes();
        let next = if pages.num > 1 && !self.is_cut() { end.next_multiple_of(8) } else { 0 };
        let mut bytes = header(pages.is_big, first)?;
        bytes.extend(self.directory(0, &[[voxels, pages.page_bytes()]]).to_bytes(pages.is_big, first, next)?);
        bytes.resize(voxels as usize, 0);
        Ok(bytes)
    }
}

fn sample_format(dtype: DType) -> u16 {
    match dtype {
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 2,
        _ if dtype.is_float() => 3,
        _ => 1,
    }
}

impl Target for TiffTarget {
    fn chunks(&self) -> &Grid {
        &self.chunks
    }

    fn pieces(&self) -> &Grid {
        &self.pieces
    }

    fn prepare(&self) -> Result<()> {
        let shown = self.place.path().display();
        std::fs::create_dir_all(self.place.work()).with_context(|| format!("{shown}: cannot write"))
    }

    fn encode(&self, _region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>> {
        strips::encode(&self.file.pages, voxels).map(Some)
    }

    fn begin(&self, piece: u64, is_resumed: bool) -> Result<Box<dyn PieceWriter>> {
        if piece > 0 {
            bail!("{}: is one piece, and there is no piece {piece}", self.place.path().display());
        }
        Ok(Box::new(Writer::begin(&self.place, &self.file, is_resumed)?))
    }

    fn not_carried(&self) -> Vec<String> {
        self.not_carried.clone()
    }

    fn finish(&self) -> Result<()> {
        self.place.finish()
    }
}
