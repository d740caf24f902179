//! One HDF5 file with one array as a target. libhdf5's own bookkeeping is lost with a process that is killed, so a run
//! that goes on begins a new file, and copies what the former one held into it, chunk by chunk in the same order.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{ArrayFile, Attribute, Filters, Layout, Locking};
use crate::codec::crc32c;
use crate::volume::{ArrayInfo, Axis, DType, Grid, Region, Shape, copy_region};
use crate::write::journal::{Entry, Journal, read_chunk};
use crate::write::kinds::{Kind, TargetOptions};
use crate::write::output::folder_of;
use crate::write::{
    ChannelLook, Codec, Compression, Fact, PieceWriter, Place, Subject, Target, Written, not_carried, sync_folder,
};

/// What a chunk of an array of large planes holds at most: h5py's cache of a dataset holds a megabyte.
const CHUNK_BYTES: usize = 1 << 20;
/// Smaller planes share a chunk.
const SMALL_BYTES: usize = 128 << 10;
/// Name of the array unless somebody says.
const NAME: &str = "data";

/// One HDF5 file.
pub struct Hdf5Target {
    place: Place,
    dtype: DType,
    chunks: Grid,
    pieces: Grid,
    name: String,
    filters: Filters,
    attributes: Vec<(&'static str, Attribute)>,
    not_carried: Vec<String>,
}

impl Hdf5Target {
    /// For an array.
    ///
    /// # Errors
    /// For options that make no sense, and an array without axes.
    pub fn new(subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Self> {
        options.refuse_but(Kind::Hdf5, &["chunk-shape", "compression", "name"])?;
        let info = subject.source.info();
        let (shape, item) = (info.shape, info.dtype.num_bytes());
        let shown = place.path().display();
        if shape.rank() == 0 {
            bail!("{shown}: a single value is no array of chunks; write it to a .npy file");
        }
        let cell = match &options.chunk {
            Some(dims) => {
                TargetOptions::of_rank("chunk-shape", dims, shape.rank())?;
                let within: Vec<usize> = dims.iter().zip(shape.dims()).map(|(a, b)| *a.min(b).max(&1)).collect();
                Shape::new(&within).context("--chunk-shape: too many axes")?
            }
            None => chunk_shape(&shape, item),
        };
        let chunk_bytes = cell.num_bytes(info.dtype).context("--chunk-shape: is larger than memory")?;
        // What every reader of HDF5 has.
        let compression = options.compression.unwrap_or(Compression { codec: Codec::Gzip, level: 4 });
        let filters = Filters::new(compression, info.dtype, chunk_bytes)?;
        let name = options.name.clone().unwrap_or_else(|| NAME.to_owned());
        if name.trim_matches('/').is_empty() || name.contains('\0') {
            bail!("--name {name}: is no name of an array");
        }
        let carried = [Fact::Axes, Fact::VoxelSize, Fact::Rate, Fact::Channels, Fact::ValueScale];
        let mut left = not_carried(subject, &carried);
        if subject.channels.iter().any(|look| look.rgb.is_some() || look.limits.is_some()) {
            left.push("colours and contrast limits of channels".to_owned());
        }
        Ok(Self {
            place: place.clone(),
            dtype: info.dtype,
            chunks: Grid::new(shape, cell).context("no such chunks")?,
            pieces: Grid::of_one(shape),
            name,
            filters,
            attributes: described(info, &subject.channels),
            not_carried: left,
        })
    }

    /// The chunk at a position of the grid; its first voxel.
    fn start_of(&self, chunk: u64) -> Option<Region> {
        self.chunks.cell_at(chunk)
    }

    fn create(&self) -> Result<ArrayFile> {
        let layout = Layout {
            name: &self.name,
            shape: *self.chunks.shape(),
            chunk: Some(*self.chunks.cell()),
            dtype: self.dtype,
            has_bit_fields: false,
            filters: &self.filters,
            root: &[],
            locking: Locking::Off,
        };
        let path = self.place.data();
        ArrayFile::create(&path, &layout).map_err(|failed| failed.at(self.place.path().display()))
    }
}

impl Target for Hdf5Target {
    fn chunks(&self) -> &Grid {
        &self.chunks
    }

    fn pieces(&self) -> &Grid {
        &self.pieces
    }

    fn not_carried(&self) -> Vec<String> {
        self.not_carried.clone()
    }

    fn prepare(&self) -> Result<()> {
        Ok(())
    }

    fn encode(&self, region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>> {
        let whole = whole_chunk(region, self.chunks.cell(), voxels, self.dtype.num_bytes());
        self.filters.encode(whole.as_deref().unwrap_or(voxels)).map(Some)
    }

    fn begin(&self, _piece: u64, is_resumed: bool) -> Result<Box<dyn PieceWriter>> {
        let shown = self.place.path().display().to_string();
        let cannot_write = || format!("{shown}: cannot write");
        let former = Former::of(&self.place);
        let mut kept = match is_resumed {
            true => former.open().with_context(cannot_write)?,
            false => None,
        };
        let journal = Journal::begin(&self.place.journal()).with_context(cannot_write)?;
        let mut writer = Hdf5Writer {
            shown: shown.clone(),
            path: self.place.data(),
            file: self.create()?,
            chunks: self.chunks,
            journal,
            num_kept: 0,
            attributes: self.attributes.clone(),
        };
        if let Some((file, entries)) = &mut kept {
            let mut bytes = Vec::new();
            for entry in entries {
                let Some(region) = self.start_of(entry.chunk) else { break };
                if !read_chunk(file, entry, &mut bytes).with_context(cannot_write)? {
                    break;
                }
                writer.put_coded(&region, &bytes)?;
                writer.num_kept += 1;
            }
        }
        former.remove().with_context(cannot_write)?;
        Ok(Box::new(writer))
    }

    fn finish(&self) -> Result<()> {
        self.place.finish()
    }
}

/// A file that a killed process has left, beside the one that takes over what it held. Killed again at any moment,
/// there is still one of them that holds it.
struct Former {
    data: PathBuf,
    journal: PathBuf,
    former_data: PathBuf,
    former_journal: PathBuf,
}

impl Former {
    fn of(place: &Place) -> Self {
        Self {
            data: place.data(),
            journal: place.journal(),
            former_data: place.work().join("data.former"),
            former_journal: place.work().join("journal.former"),
        }
    }

    /// Puts it aside, unless that was done before, and opens it.
    fn open(&self) -> io::Result<Option<(File, Vec<Entry>)>> {
        if !self.former_journal.exists() {
            if !self.journal.exists() {
                return Ok(None);
            }
            std::fs::rename(&self.journal, &self.former_journal)?;
        }
        if !self.former_data.exists() {
            if !self.data.exists() {
                return Ok(None);
            }
            std::fs::rename(&self.data, &self.former_data)?;
        }
        // Whether the file holds what an entry says is tried when it is copied.
        let journal = Journal::resume(&self.former_journal, |_| Ok(true))?;
        Ok(Some((File::open(&self.former_data)?, journal.entries().to_vec())))
    }

    fn remove(&self) -> io::Result<()> {
        for path in [&self.former_data, &self.former_journal] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The file that is being written.
struct Hdf5Writer {
    shown: String,
    path: PathBuf,
    file: ArrayFile,
    chunks: Grid,
    journal: Journal,
    num_kept: u64,
    attributes: Vec<(&'static str, Attribute)>,
}

impl Hdf5Writer {
    fn put_coded(&mut self, region: &Region, coded: &[u8]) -> Result<()> {
        let place = self.file.write_chunk_placed(region.start(), coded);
        let offset = place.map_err(|failed| failed.at(&self.shown))?;
        let at: Vec<usize> = region.start().iter().zip(self.chunks.cell().dims()).map(|(i, cell)| i / cell).collect();
        let (chunk, num_bytes) = (self.chunks.position(&at), coded.len() as u64);
        let entry = Entry { chunk, offset, num_bytes, crc32c: crc32c::checksum(coded) };
        self.journal.put(entry).with_context(|| format!("{}: cannot write", self.shown))
    }
}

impl PieceWriter for Hdf5Writer {
    fn num_kept(&self) -> u64 {
        self.num_kept
    }

    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        self.put_coded(region, &encoded.unwrap_or_default())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let Self { shown, path, file, journal, attributes, .. } = *self;
        file.finish(&attributes).map_err(|failed| failed.at(&shown))?;
        let whole = || -> io::Result<Written> {
            let mut file = File::options().read(true).write(true).open(&path)?;
            file.sync_all()?;
            sync_folder(folder_of(&path))?;
            journal.checksum_of(&mut file)
        };
        whole().with_context(|| format!("{shown}: cannot write"))
    }
}

/// A chunk that sticks out of the array, with zeros beyond it; `None` for one that does not.
pub fn whole_chunk(region: &Region, cell: &Shape, voxels: &[u8], item: usize) -> Option<Vec<u8>> {
    if region.shape() == *cell {
        return None;
    }
    let stop: Vec<usize> = region.start().iter().zip(cell.dims()).map(|(start, dim)| start + dim).collect();
    let whole = Region::new(region.start(), &stop)?;
    let mut bytes = vec![0; cell.num_voxels()?.checked_mul(item)?];
    copy_region(voxels, region, &mut bytes, &whole, item);
    Some(bytes)
}

/// Planes, or rows of a large one: what is looked at together.
fn chunk_shape(shape: &Shape, item: usize) -> Shape {
    let mut cell = vec![1; shape.rank()];
    let mut taken = item;
    for (i, (axis, &dim)) in shape.dims().iter().enumerate().rev().enumerate() {
        let most = if i < 2 { CHUNK_BYTES } else { SMALL_BYTES };
        cell[axis] = (most / taken).clamp(1, dim.max(1));
        taken = taken.saturating_mul(cell[axis]);
        if cell[axis] < dim {
            break;
        }
    }
    Shape::new(&cell).unwrap_or(*shape)
}

/// What programs in use look for beside an array: names of axes (h5py), edges of a voxel in µm (Fiji and ilastik:
/// `element_size_um`; split_dataset: `resolution`, both z, y, x), volumes per second, names of channels, and what a
/// value means (NWB).
pub fn described(info: &ArrayInfo, channels: &[ChannelLook]) -> Vec<(&'static str, Attribute)> {
    let letter = |(i, axis): (usize, &Option<Axis>)| match axis {
        Some(axis) => axis.letter().to_string(),
        None if info.channel_axis == Some(i) => "c".to_owned(),
        None => String::new(),
    };
    let labels: Vec<String> = info.axes.iter().enumerate().map(letter).collect();
    let mut attributes = Vec::new();
    if labels.iter().any(|label| !label.is_empty()) {
        attributes.push(("DIMENSION_LABELS", Attribute::Texts(labels)));
    }
    if let Some(size) = info.voxel_size {
        let edges = size.edges().to_vec();
        attributes.extend([
            ("element_size_um", Attribute::Numbers(edges.clone())),
            ("resolution", Attribute::Numbers(edges)),
        ]);
    }
    attributes.extend(info.rate_hz.map(|rate| ("rate", Attribute::Number(rate))));
    if !channels.is_empty() {
        let names = channels.iter().map(|channel| channel.name.clone()).collect();
        attributes.push(("channels", Attribute::Texts(names)));
    }
    if let Some(scale) = &info.value_scale {
        attributes.extend([
            ("conversion", Attribute::Number(scale.factor)),
            ("offset", Attribute::Number(scale.offset)),
            ("unit", Attribute::Text(scale.unit.clone())),
        ]);
    }
    attributes
}
