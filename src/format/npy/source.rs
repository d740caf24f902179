//! The array of a .npy file, read where it lies.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::header::{Header, len_of};
use crate::codec::swap_bytes;
use crate::format::axes::{self, Axes};
use crate::format::hdf5::{filled, normalize_bools, open_shared, read_as_far_as_it_goes, read_at, read_error, zero};
use crate::format::{
    Chunk, Filled, FormatError, FormatErrorCode, Found, OpenOptions, ReadError, ReadErrorCode, ReadErrorKind, Source,
    io_error,
};
use crate::volume::{ArrayInfo, DType, Grid, Problem, Region, Severity, Shape, codes, reverse_axes};

/// A chunk has about so many bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// A chunk of an array whose first axis is the fastest, whose planes lie far apart, may have more.
const FORTRAN_BYTES: usize = 16 << 20;

/// Bytes of a file that are looked at for a header.
const FIRST_BYTES: usize = 12;

/// One file.
pub struct NpySource {
    info: Arc<ArrayInfo>,
    path: Arc<Path>,
    header: Header,
    /// The header as it was, so that another file in its place is not taken for it.
    stored_header: Vec<u8>,
    grid: Grid,
    found: Found,
}

/// The header of a file, read and as it is stored.
fn header_of(file: &File) -> io::Result<Result<(Header, Vec<u8>), String>> {
    let mut bytes = vec![0; FIRST_BYTES];
    let num = read_as_far_as_it_goes(file, &mut bytes, 0)?;
    bytes.truncate(num);
    let len = match len_of(&bytes) {
        Ok(len) => len,
        Err(what) => return Ok(Err(what)),
    };
    bytes.resize(len, 0);
    let num = read_as_far_as_it_goes(file, &mut bytes, 0)?;
    bytes.truncate(num);
    Ok(Header::parse(&bytes).map(|header| (header, bytes)))
}

impl NpySource {
    /// Opens a file of this machine.
    ///
    /// # Errors
    /// When it is no array of numbers, has no extent, or the axes that the user names do not fit.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, FormatError> {
        let failed = |text: String| FormatError::new(path, text);
        let file = open_shared(path).map_err(|error| io_error(path, &error))?;
        let read = header_of(&file).map_err(|error| io_error(path, &error))?;
        let (header, stored_header) = read.map_err(|what| {
            failed(format!("is no numpy array of numbers: {what}")).with_code(FormatErrorCode::OtherFormat)
        })?;
        if options.is_cancelled() {
            return Err(FormatError::cancelled(path));
        }
        let num_bytes = header.shape.num_bytes(header.dtype).filter(|&num| num < isize::MAX as usize);
        let num_bytes = num_bytes.ok_or_else(|| failed(format!("claims {} voxels", header.shape)))?;
        if header.shape.rank() == 0 || num_bytes == 0 {
            return Err(failed(format!("holds no array: its shape is ({})", header.shape)));
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let hints = axes::Hints { names: &[&stem], dtype: header.dtype, num_blocks: 1, resolution: None };
        let told = Axes::told_or(options.axes.as_deref(), &header.shape, || axes::guess_of_file(&header.shape, &hints));
        let (axes, note) = told.map_err(|error| failed(error).with_code(FormatErrorCode::WrongOption))?;
        let location = path.into();
        let mut problems: Vec<Problem> =
            note.into_iter().map(|text| Problem::of(codes::AXES_GUESSED, Severity::Note, &location, text)).collect();
        let stored = file.metadata().map_err(|error| io_error(path, &error))?.len();
        let expected = (header.num_bytes as u64).saturating_add(num_bytes as u64);
        if stored < expected {
            let text = format!("not complete: the file has {stored} of {expected} bytes");
            problems.push(Problem::of(codes::UNWRITTEN, Severity::Error, &location, text));
        }
        let order =
            if header.is_fortran { "the first axis is the fastest (Fortran)" } else { "the last axis is the fastest" };
        let facts = vec![
            ("Stored".to_owned(), "as it is, without compression".to_owned()),
            ("Order".to_owned(), order.to_owned()),
        ];
        let info = ArrayInfo {
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            facts,
            ..ArrayInfo::new(stem, path, "NumPy array", header.shape, header.dtype)
        };
        let grid = Grid::new(header.shape, chunk_shape(&header)).ok_or_else(|| failed("has no extent".to_owned()))?;
        Ok(Self { info: Arc::new(info), path: path.into(), header, stored_header, grid, found: Found::new(problems) })
    }

    /// The bytes of a box that lie in the file as one run, as they are stored; how many there were.
    fn stored(&self, region: &Region, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let failed = |error: io::Error| read_error(&self.path, &error);
        let file = open_shared(&self.path).map_err(failed)?;
        let mut header = vec![0; self.stored_header.len()];
        if read_at(&file, &mut header, 0).is_err() || header != self.stored_header {
            let text = "another file lies in its place; open it again";
            return Err(ReadError::new(ReadErrorKind::Corrupt, &*self.path, text));
        }
        let (dims, start) = (self.header.shape.dims(), region.start());
        let place = slowest_first(&self.header).fold(0, |place, axis| place * dims[axis] as u64 + start[axis] as u64);
        let offset = self.header.num_bytes as u64 + place * self.header.dtype.num_bytes() as u64;
        read_as_far_as_it_goes(&file, buffer, offset).map_err(failed)
    }

    fn read_chunk(&self, region: &Region, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let item = self.header.dtype.num_bytes();
        let num = if self.header.is_fortran {
            let mut stored = vec![0; buffer.len()];
            let num = self.stored(region, &mut stored)?;
            let dims: Vec<usize> = region.shape().dims().iter().rev().copied().collect();
            reverse_axes(&stored, &dims, buffer, item);
            num
        } else {
            self.stored(region, buffer)?
        };
        if self.header.is_big_endian {
            swap_bytes(item, buffer);
        }
        if self.header.dtype == DType::Bool {
            normalize_bools(buffer);
        }
        if num == buffer.len() {
            return Ok(Filled::All);
        }
        let missing = self.behind(region, num);
        zero(buffer, region, &missing, item);
        let error = ReadError::new(ReadErrorKind::Missing, &*self.path, "the file ends before this")
            .with_code(ReadErrorCode::Short);
        filled(region, vec![(missing, error)])
    }

    /// What of a box does not lie within its first bytes: whole rows of the axis along which it was cut.
    fn behind(&self, region: &Region, num_bytes: usize) -> Region {
        let (axis, dims) = (self.cut_axis(), region.shape());
        let row = dims.dims().iter().enumerate().filter(|(other, _)| *other != axis).map(|(_, &dim)| dim);
        let row = row.product::<usize>() * self.header.dtype.num_bytes();
        region.with_axis(axis, region.start()[axis] + num_bytes / row.max(1), region.stop()[axis])
    }

    /// The slowest axis along which a chunk has more than one index.
    fn cut_axis(&self) -> usize {
        let cell = self.grid.cell().dims();
        // One of a single voxel can be cut along any; it is not.
        slowest_first(&self.header).find(|&axis| cell[axis] > 1).unwrap_or(0)
    }
}

/// The axes in the order in which they are stored, the slowest first.
fn slowest_first(header: &Header) -> impl DoubleEndedIterator<Item = usize> + use<> {
    let (rank, is_fortran) = (header.shape.rank(), header.is_fortran);
    (0..rank).map(move |i| if is_fortran { rank - 1 - i } else { i })
}

/// A run of the file: of the slower axes one index, of one some, of the faster ones all.
fn chunk_shape(header: &Header) -> Shape {
    let dims = header.shape.dims();
    let mut cell = vec![1; dims.len()];
    let most = if header.is_fortran { FORTRAN_BYTES } else { CHUNK_BYTES };
    let mut taken = header.dtype.num_bytes();
    for axis in slowest_first(header).rev() {
        cell[axis] = (most / taken.max(1)).clamp(1, dims[axis]);
        taken = taken.saturating_mul(cell[axis]);
        if cell[axis] < dims[axis] {
            break;
        }
    }
    Shape::new(&cell).unwrap_or(header.shape)
}

impl Source for NpySource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let result = self.read_chunk(&chunk.region, buffer);
        self.found.look_at(&result);
        result
    }

    fn problems(&self) -> Vec<Problem> {
        self.found.all()
    }

    fn forget_failures(&self) {
        self.found.forget();
    }
}
