//! One HDF5 file as a recording: a bare array, or one of several.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{H5Array, Header, contents};
use crate::format::look::Look;
use crate::format::{
    Chunk, DatasetEntry, Filled, FormatError, FormatErrorCode, OpenOptions, Opened, ReadError, ReadErrorKind, Source,
    axes::{self, Axes},
};
use crate::volume::{ArrayInfo, Grid, Problem, Region, Severity, codes};

/// An array of a single file.
struct SingleSource {
    info: Arc<ArrayInfo>,
    array: H5Array,
    grid: Grid,
    problems: Vec<Problem>,
    found: Mutex<Vec<Problem>>,
}

/// Opens an array of a file that holds HDF5, whatever it is called.
pub fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let path = look.path().filter(|_| look.is_hdf5())?;
    Some(open_array(path, options))
}

/// Opens one array of a file: the one asked for, or the most image-like.
pub fn open_array(path: &Path, options: &OpenOptions) -> Result<Opened, FormatError> {
    let contents = contents(path)?;
    if options.is_cancelled() {
        return Err(FormatError::new(path, "opening was cancelled"));
    }
    let unread = contents.unread_in_words();
    let unread_named =
        |wanted: &str| contents.unread.iter().find(|unread| unread.name == wanted.trim_start_matches('/'));
    let mut headers = contents.arrays.clone();
    headers.retain(|header| header.shape.rank() >= 2 && header.shape.num_voxels().is_some_and(|n| n > 0));
    headers.sort_by_key(|header| std::cmp::Reverse(likeness(header)));
    let datasets: Vec<DatasetEntry> = headers
        .iter()
        .map(|header| DatasetEntry {
            name: header.name.clone(),
            summary: format!("{}, {}", header.shape, header.dtype),
            ..DatasetEntry::default()
        })
        .collect();
    let chosen = match options.dataset.as_deref() {
        None => 0,
        Some(wanted) => datasets.iter().position(|entry| entry.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = datasets.iter().map(|entry| entry.name.as_str()).collect();
            FormatError::new(
                path,
                match unread_named(wanted) {
                    Some(unread) => format!("{wanted}: {}", unread.why),
                    None => format!("no dataset named {wanted}; there is {}", names.join(", ")),
                },
            )
        })?,
    };
    let header = headers.get(chosen).ok_or_else(|| {
        FormatError::new(path, unread.unwrap_or_else(|| "holds no array of two or more axes".to_owned()))
    })?;
    let source = open_source(path, &header.name, options)?;
    Ok(Opened { datasets, chosen, ..Opened::of(source, None) })
}

/// Opens an array of numbers by its path in the file, without looking at what else there is.
pub fn open_source(path: &Path, name: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
    let array = H5Array::open(path, name)?;
    Ok(Arc::new(SingleSource::new(path, array, options)?))
}

/// How much an array is like a recording: by its name as the writers use it, its axes, its size.
fn likeness(header: &Header) -> (bool, usize, usize) {
    let name = header.name.rsplit('/').next().unwrap_or_default();
    (name.contains("stack"), header.shape.rank().min(4), header.shape.num_voxels().unwrap_or(0))
}

impl SingleSource {
    fn new(path: &Path, array: H5Array, options: &OpenOptions) -> Result<Self, FormatError> {
        let header = array.header();
        let shape = header.shape;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut problems = Vec::new();
        let mut problem = |code, severity, message| {
            problems.push(Problem { code, severity, file: Some(path.into()), span: None, message });
        };
        let hints = axes::Hints { names: &[&stem, &header.name], dtype: header.dtype, num_blocks: 1, resolution: None };
        let (axes, note) = Axes::told_or(options.axes.as_deref(), &shape, || axes::guess(&shape, &hints))
            .map_err(|error| FormatError::new(path, error).with_code(FormatErrorCode::WrongOption))?;
        if let Some(message) = note {
            problem(codes::AXES_GUESSED, Severity::Note, message);
        }
        if !array.is_whole() {
            let (have, expected) = array.allocation();
            let text = format!("not complete: {have} of {expected} stored chunks are there, or the file is cut off");
            problem(codes::UNWRITTEN, Severity::Error, text);
        }
        if let Some(message) = array.missing_filter() {
            problem(codes::UNSUPPORTED, Severity::Error, message);
        }
        let info = ArrayInfo {
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            facts: vec![("Array".to_owned(), header.name.clone()), ("Stored".to_owned(), header.filters_in_words())],
            ..ArrayInfo::new(stem, path, "HDF5 file", shape, header.dtype)
        };
        // Its parts have the rank of the array, and an extent.
        let grid = Grid::new(info.shape, array.parts()).ok_or_else(|| FormatError::new(path, "has no extent"))?;
        Ok(Self { info: Arc::new(info), array, grid, problems, found: Mutex::default() })
    }
}

impl Source for SingleSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let result = self.array.read(&chunk.region, buffer);
        if let Err(error) = &result {
            let code = match error.kind {
                ReadErrorKind::Corrupt => codes::BAD_CHUNK,
                ReadErrorKind::Missing => codes::UNWRITTEN,
                ReadErrorKind::Unsupported => codes::UNSUPPORTED,
                ReadErrorKind::Io | ReadErrorKind::NotYetWritten => codes::UNREADABLE,
            };
            let mut found = self.found.lock();
            if !found.iter().chain(&self.problems).any(|problem| problem.code == code) {
                let file = Some(self.info.location.clone());
                found.push(Problem {
                    code,
                    severity: Severity::Error,
                    file,
                    span: None,
                    message: error.message.to_string(),
                });
            }
        }
        result
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = self.problems.clone();
        all.extend(self.found.lock().iter().cloned());
        all
    }

    fn forget_failures(&self) {
        self.found.lock().clear();
    }
}
