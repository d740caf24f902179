//! One array of an HDF5 file as a recording.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::describe::{Told, describe};
use crate::format::axes::Axes;
use crate::format::hdf5::{H5Array, Header};
use crate::format::{
    Chunk, Fetching, Filled, FormatError, Found, HeldPart, OpenOptions, ReadError, Source, StoredPart,
};
use crate::volume::{ArrayInfo, Axis, Grid, Location, MAX_RANK, Order, Problem, Region, Severity, Shape, codes};

/// One state of an array.
pub(super) struct PlainSource {
    pub(super) info: Arc<ArrayInfo>,
    pub(super) array: H5Array,
    /// The file that was opened; the array may lie in another.
    pub(super) opened: PathBuf,
    pub(super) options: OpenOptions,
    /// What is broken in the file beside it.
    pub(super) notes: Vec<String>,
    /// How the array is cut into chunks; the same in every state.
    pub(super) grid: Grid,
    /// The axis along which it grows, which is the slowest in the order of chunks: their indices stay.
    pub(super) growth_axis: usize,
    /// Whether its writer is done, as far as this state shows.
    pub(super) is_finished: bool,
    /// The last index along that axis at which all is written.
    pub(super) newest: Option<usize>,
    /// Bare files that hold its voxels, as they were found.
    raw_files: Vec<Location>,
    found: Found,
}

impl PlainSource {
    /// An array of the file that was opened at `path`.
    ///
    /// # Errors
    /// When the axes that the user names do not fit, or the array has no extent.
    pub fn new(path: &Path, array: H5Array, options: &OpenOptions, notes: Vec<String>) -> Result<Self, FormatError> {
        let parts = array.parts();
        Self::cut(path, array, options, notes, parts, None)
    }

    /// The same array in a later state: cut into the same chunks, with the same axes.
    ///
    /// # Errors
    /// When it has no extent.
    pub fn grown(&self, array: H5Array) -> Result<Self, FormatError> {
        let note = self.problems().into_iter().find(|problem| problem.code == codes::AXES_GUESSED);
        let axes = (Axes::of(&self.info), note.map(|problem| problem.message));
        Self::cut(&self.opened, array, &self.options, self.notes.clone(), *self.grid.cell(), Some(axes))
    }

    fn cut(
        path: &Path,
        array: H5Array,
        options: &OpenOptions,
        notes: Vec<String>,
        parts: Shape,
        axes: Option<Told>,
    ) -> Result<Self, FormatError> {
        let (mut info, mut problems) = describe(path, &array, options, axes)?;
        let file = path.into();
        let note = |message: &String| Problem::of(codes::UNREADABLE, Severity::Note, &file, message.as_str());
        problems.extend(notes.iter().map(note));
        // Its parts have the rank of the array, and an extent.
        let grid = Grid::new(info.shape, parts).ok_or_else(|| FormatError::new(path, "has no extent"))?;
        let growth_axis = growth_axis(array.header(), &info);
        let is_finished = array.is_closed();
        if array.may_change() {
            info.num_blocks = info.shape.dims()[growth_axis].div_ceil(array.step(growth_axis)).max(1);
        }
        Ok(Self {
            info: Arc::new(info),
            opened: path.to_owned(),
            options: options.clone(),
            notes,
            grid,
            growth_axis,
            is_finished,
            newest: array.written_len(growth_axis).checked_sub(1),
            raw_files: array.raw_files().into_iter().map(Location::from).collect(),
            array,
            found: Found::new(problems),
        })
    }

    /// Whether more may be written into it.
    pub fn may_grow(&self) -> bool {
        self.array.may_change()
    }

    /// How its chunks are counted: the growing axis is the slowest.
    pub(super) fn order(&self) -> Order {
        Order { slowest: self.growth_axis }
    }

    /// The chunk of a cell.
    fn chunk(&self, at: &[usize; MAX_RANK], position: u64, region: Region) -> Chunk {
        // Positions are told in C order.
        let index = match self.growth_axis {
            0 => position,
            _ => self.order().position(at, self.grid.counts().dims()),
        };
        Chunk { index, region }
    }
}

/// The axis that may grow: time where that may, else the first that may without end, else the first.
fn growth_axis(header: &Header, info: &ArrayInfo) -> usize {
    let can = |axis: &usize| header.can_grow(*axis);
    let time = info.axes.iter().position(|axis| *axis == Some(Axis::T)).filter(can);
    let endless = || header.max_dims.iter().position(Option::is_none);
    time.or_else(endless).or_else(|| (0..info.shape.rank()).find(can)).unwrap_or(0)
}

impl Source for PlainSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.grid.each(region, |cell| visit(&self.chunk(&cell.at, cell.position, cell.region)));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.order().rows_of(&self.grid, indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let result = self.array.read(&chunk.region, buffer);
        self.found.look_at(&result);
        result
    }

    fn problems(&self) -> Vec<Problem> {
        self.found.all()
    }

    fn files(&self) -> Vec<Location> {
        let mut files = vec![Location::from(&*self.opened)];
        if self.array.path() != self.opened {
            files.push(self.array.path().into());
        }
        files.extend(self.raw_files.iter().cloned());
        files
    }

    fn stored_parts(&self) -> Vec<StoredPart> {
        if self.fetching().is_some() {
            return Vec::new();
        }
        let Header { name, shape, dtype, .. } = self.array.header().clone();
        let region = Region::whole(&shape);
        let held = HeldPart { dataset: name, shape, dtype, region };
        vec![StoredPart { region, file: self.array.path().to_owned(), held: Ok(held) }]
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.array.fetching()
    }

    fn forget_failures(&self) {
        self.found.forget();
    }
}
