//! A sparse matrix as a picture: for each chunk the stored values of its rows or columns are put in their places.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Matrix;
use crate::dispatch_dtype;
use crate::format::axes::{self, Axes};
use crate::format::hdf5::H5Array;
use crate::format::{
    Chunk, Filled, FormatError, FormatErrorCode, Found, OpenOptions, ReadError, ReadErrorKind, Source,
};
use crate::volume::{ArrayInfo, DType, Grid, Location, Problem, Region, Severity, Shape, Voxel, codes};

/// Stored values read at once.
const BATCH: u64 = 1 << 20;

/// A chunk has about so many bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// Longest side of a chunk along the axis that is not packed: a longer row or column is read once for each part.
const MAX_SIDE: usize = 1 << 18;

/// Most rows or columns that are packed: the file's list of them is read through when it is opened.
const MAX_PACKED: u64 = 1 << 28;

/// A matrix.
pub struct SparseSource {
    info: Arc<ArrayInfo>,
    path: PathBuf,
    by_column: bool,
    data: H5Array,
    indices: H5Array,
    indptr: H5Array,
    grid: Grid,
    found: Found,
}

impl SparseSource {
    /// Opens a matrix and checks that its parts fit one another. Reads through the list of where its rows or
    /// columns begin, and where its shape is not known through all indices.
    ///
    /// # Errors
    /// When a part is not there, or they do not fit.
    pub fn open(path: &Path, matrix: &Matrix, options: &OpenOptions) -> Result<Self, FormatError> {
        let failed = |text: String| FormatError::new(path, format!("{}: {text}", matrix.group));
        let list = |name: &str, member: &str| {
            let array = H5Array::open(path, name)?.with_fill();
            if array.header().shape.rank() != 1 {
                return Err(failed(format!("'{member}' dataset should have one axis")));
            }
            Ok(array)
        };
        let data = list(&matrix.data, "data")?;
        let indices = list(&matrix.indices, "indices")?;
        let indptr = list(&matrix.indptr, "indptr")?;
        for (array, member) in [(&indices, "indices"), (&indptr, "indptr")] {
            if !is_integer(array.header().dtype) {
                // What is checked first elsewhere is said first here.
                check_pointers(&indptr, &data, &indices, matrix, options).map_err(failed)?;
                return Err(failed(format!("'{member}' dataset should contain integers")));
            }
        }
        let num_packed = check_pointers(&indptr, &data, &indices, matrix, options).map_err(failed)?;
        let mut problems = Vec::new();
        let [rows, columns] = match matrix.shape {
            Some(shape) => shape,
            None => {
                let other = largest(&indices, options).map_err(failed)?;
                problems.push(guessed(path, matrix));
                if matrix.by_column { [other, num_packed] } else { [num_packed, other] }
            }
        };
        if options.is_cancelled() {
            return Err(FormatError::cancelled(path));
        }
        let dims = [rows, columns].map(|dim| usize::try_from(dim).unwrap_or(0));
        let dtype = data.header().dtype;
        let shape = Shape::new(&dims).filter(|shape| shape.num_bytes(dtype).is_some_and(|n| n < isize::MAX as usize));
        let shape =
            shape.filter(|_| !dims.contains(&0)).ok_or_else(|| failed(format!("is empty ({rows} × {columns})")))?;
        let info = describe(path, matrix, &data, shape, options)?;
        let grid = Grid::new(shape, chunk_shape(dims, dtype, matrix.by_column))
            .ok_or_else(|| failed("has no extent".into()))?;
        let (path, by_column) = (path.to_owned(), matrix.by_column);
        Ok(Self { info: Arc::new(info), path, by_column, data, indices, indptr, grid, found: Found::new(problems) })
    }

    /// Puts the stored values of a chunk into `buffer`, which is zeroed.
    fn scatter(&self, region: &Region, buffer: &mut [u8]) -> Result<(), ReadError> {
        let packed = usize::from(self.by_column);
        let (packed_range, other) = (region.start()[packed]..region.stop()[packed], 1 - packed);
        let (first, last) = (region.start()[other], region.stop()[other]);
        let pointers = integers(&self.indptr, &run(packed_range.start as u64, packed_range.end as u64 + 1))?;
        let num_stored = self.data.header().shape.dims()[0] as i64;
        let is_order = pointers.windows(2).all(|pair| pair[0] <= pair[1]);
        if !is_order || pointers.iter().any(|&at| at < 0 || at > num_stored) {
            return Err(self.corrupt(&self.indptr, "entries of 'indptr' should be ordered"));
        }
        let item = self.info.dtype.num_bytes();
        let width = region.stop()[1] - region.start()[1];
        let len = self.info.shape.dims()[other];
        let mut line = 0;
        let (mut at, end) = (pointers[0] as u64, pointers[pointers.len() - 1] as u64);
        while at < end {
            let stop = (at + BATCH).min(end);
            let places = integers(&self.indices, &run(at, stop))?;
            let values = bytes_of(&self.data, &run(at, stop))?;
            for (place, value) in places.iter().zip(values.chunks_exact(item)) {
                while pointers[line + 1] as u64 <= at {
                    line += 1;
                }
                let index = usize::try_from(*place).ok().filter(|&index| index < len);
                let index = index.ok_or_else(|| {
                    let text = format!("an index of 'indices' is {place}; the matrix has {len} there");
                    self.corrupt(&self.indices, &text)
                })?;
                if (first..last).contains(&index) {
                    let (row, column) = if self.by_column { (index - first, line) } else { (line, index - first) };
                    let to = (row * width + column) * item;
                    buffer[to..to + item].copy_from_slice(value);
                }
                at += 1;
            }
        }
        Ok(())
    }

    fn corrupt(&self, array: &H5Array, text: &str) -> ReadError {
        ReadError::new(ReadErrorKind::Corrupt, array.path(), text)
    }
}

impl Source for SparseSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        buffer.fill(0);
        let result = self.scatter(&chunk.region, buffer).map(|()| Filled::All);
        self.found.look_at(&result);
        result
    }

    fn problems(&self) -> Vec<Problem> {
        self.found.all()
    }

    fn files(&self) -> Vec<Location> {
        vec![self.path.as_path().into()]
    }

    fn forget_failures(&self) {
        self.found.forget();
    }
}

fn describe(
    path: &Path,
    matrix: &Matrix,
    data: &H5Array,
    shape: Shape,
    options: &OpenOptions,
) -> Result<ArrayInfo, FormatError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let dtype = data.header().dtype;
    let hints = axes::Hints { names: &[&stem], dtype, num_blocks: 1, resolution: None };
    let (axes, _) = Axes::told_or(options.axes.as_deref(), &shape, || axes::guess(&shape, &hints))
        .map_err(|error| FormatError::new(path, error).with_code(FormatErrorCode::WrongOption))?;
    let packed = if matrix.by_column { "columns (CSC)" } else { "rows (CSR)" };
    let num_stored = data.header().shape.dims()[0];
    let mut facts = vec![
        ("Array".to_owned(), format!("sparse matrix {}, packed by {packed}", matrix.group)),
        ("Values stored".to_owned(), format!("{num_stored}; the others are 0")),
        ("Stored".to_owned(), data.header().filters_in_words()),
    ];
    if !matrix.convention.is_empty() {
        facts.push(("Convention".to_owned(), matrix.convention.to_owned()));
    }
    Ok(ArrayInfo {
        axes: axes.names,
        channel_axis: axes.channel,
        held: axes.held,
        axes_from: axes.from,
        facts,
        ..ArrayInfo::new(stem, path, "sparse matrix", shape, dtype)
    })
}

/// Said where a file does not say what its matrix is.
fn guessed(path: &Path, matrix: &Matrix) -> Problem {
    let (packed, other) = if matrix.by_column { ("columns", "csr") } else { ("rows", "csc") };
    let group = &matrix.group;
    let message = format!(
        "the file does not say how {group} is packed: taken by {packed}, as large as its largest index; \
         --dataset {group}#{other} or {group}#{},ROWSxCOLUMNS says otherwise",
        matrix.packing()
    );
    Problem { code: codes::AXES_GUESSED, severity: Severity::Note, file: Some(path.into()), span: None, message }
}

/// Extent of a chunk: whole rows or columns, as many as make a good read.
fn chunk_shape(dims: [usize; 2], dtype: DType, by_column: bool) -> Shape {
    let packed = usize::from(by_column);
    let side = dims[1 - packed].clamp(1, MAX_SIDE);
    let lines = (CHUNK_BYTES / (side * dtype.num_bytes())).clamp(1, dims[packed].max(1));
    Shape::from(if by_column { [side, lines] } else { [lines, side] })
}

/// Checks the list of beginnings against its neighbours, in the order in which others do. Returns how many rows
/// or columns it packs.
fn check_pointers(
    indptr: &H5Array,
    data: &H5Array,
    indices: &H5Array,
    matrix: &Matrix,
    options: &OpenOptions,
) -> Result<u64, String> {
    let len = indptr.header().shape.dims()[0] as u64;
    let packed = if matrix.by_column { "columns" } else { "rows" };
    let wanted = matrix.shape.map(|shape| shape[usize::from(matrix.by_column)]);
    if len == 0 || wanted.is_some_and(|wanted| wanted.checked_add(1) != Some(len)) {
        return Err(format!("'indptr' dataset should have length equal to the number of {packed} + 1"));
    }
    if len > MAX_PACKED {
        return Err(format!("has {} {packed}; up to {MAX_PACKED} are read", len - 1));
    }
    let mut before = 0;
    for at in (0..len).step_by(BATCH as usize) {
        if options.is_cancelled() {
            return Err("opening was cancelled".into());
        }
        let part = integers(indptr, &run(at, (at + BATCH).min(len))).map_err(|error| error.to_string())?;
        if at == 0 && part.first() != Some(&0) {
            return Err("first entry of 'indptr' dataset should be zero".into());
        }
        for pointer in part {
            if pointer < before {
                return Err("entries of 'indptr' should be ordered".into());
            }
            before = pointer;
        }
    }
    for (array, member) in [(data, "data"), (indices, "indices")] {
        if array.header().shape.dims()[0] as i64 != before {
            return Err(format!("'{member}' dataset should have length equal to the number of non-zero elements"));
        }
    }
    Ok(len - 1)
}

/// The largest index and one more; 0 where there is none.
fn largest(indices: &H5Array, options: &OpenOptions) -> Result<u64, String> {
    let len = indices.header().shape.dims()[0] as u64;
    let mut largest = -1;
    for at in (0..len).step_by(BATCH as usize) {
        if options.is_cancelled() {
            return Err("opening was cancelled".into());
        }
        let part = integers(indices, &run(at, (at + BATCH).min(len))).map_err(|error| error.to_string())?;
        if let Some(negative) = part.iter().find(|&&index| index < 0) {
            return Err(format!("an index of 'indices' is {negative}"));
        }
        largest = part.into_iter().fold(largest, i64::max);
    }
    u64::try_from(largest + 1).map_err(|error| error.to_string())
}

fn is_integer(dtype: DType) -> bool {
    !matches!(dtype, DType::F16 | DType::F32 | DType::F64 | DType::Bool)
}

/// A stretch of a list.
fn run(start: u64, stop: u64) -> Region {
    // Lengths are those of arrays, which this machine can address.
    Region::new(&[start as usize], &[stop as usize]).unwrap_or(Region::whole(&Shape::from([0])))
}

/// All bytes of a stretch; what of it is missing makes all of it an error.
fn bytes_of(array: &H5Array, region: &Region) -> Result<Vec<u8>, ReadError> {
    let num_bytes = region.shape().num_bytes(array.header().dtype).unwrap_or(0);
    let mut bytes = vec![0; num_bytes];
    match array.read(region, &mut bytes)? {
        Filled::All => Ok(bytes),
        Filled::Except(_, error) => Err(error),
    }
}

/// Whole numbers of a stretch of a list.
pub(super) fn integers(array: &H5Array, region: &Region) -> Result<Vec<i64>, ReadError> {
    let bytes = bytes_of(array, region)?;
    let dtype = array.header().dtype;
    let too_large = || ReadError::new(ReadErrorKind::Corrupt, array.path(), "a place that no list has");
    if dtype == DType::U64 {
        let numbers = bytes.chunks_exact(8).map(bytemuck::pod_read_unaligned::<u64>);
        return numbers.map(|number| i64::try_from(number).map_err(|_| too_large())).collect();
    }
    // Exact below 2^53, and nothing has so many values; what is larger is beyond every list.
    Ok(dispatch_dtype!(dtype, V => {
        bytes.chunks_exact(size_of::<V>()).map(|value| bytemuck::pod_read_unaligned::<V>(value).to_f64() as i64).collect()
    }))
}
