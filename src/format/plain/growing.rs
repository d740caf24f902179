//! Looking again at an array that may be growing, or be filled: what is new, and which chunks hold other data.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::source::PlainSource;
use crate::format::hdf5::{Changes, H5Array};
use crate::format::{FormatError, FormatErrorCode, Growing, Growth, Refresh};
use crate::volume::Axis;

impl Growing for PlainSource {
    fn growth(&self) -> Growth {
        let axis = self.growth_axis;
        let is_time = self.info.axes[axis] == Some(Axis::T);
        Growth {
            axis,
            piece_len: self.array.step(axis),
            is_finished: self.is_finished,
            newest_readable: self.newest.filter(|_| is_time),
            writing: None,
        }
    }

    /// One look at the file's size and time; where they are others, its header and its list of chunks.
    fn refresh(&self, _hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let path = self.array.path();
        match self.array.is_as_it_was() {
            Ok(true) if self.is_finished || !self.array.is_closed() => return Ok(Refresh::Unchanged),
            Ok(_) => {}
            Err(error) if error.code == FormatErrorCode::NotFound => {
                return Ok(Refresh::Gone("the file has gone: deleted, renamed, or its disk taken away".into()));
            }
            Err(error) => return Err(error),
        }
        let array = H5Array::open(path, &self.array.header().name)?.with_fill();
        let shape = array.header().shape;
        if shape.dims().contains(&0) {
            return Ok(Refresh::Gone("the recording is being written anew".into()));
        }
        let Some(changes) = self.array.changes(&array, self.growth_axis) else {
            let source = Self::new(&self.opened, array, &self.options, self.notes.clone())?;
            return Ok(Refresh::Replaced(Arc::new(source)));
        };
        let source = self.grown(array)?;
        let stale = source.indices_of(&changes);
        Ok(Refresh::Changed { source: Arc::new(source), stale })
    }

    fn folder(&self) -> Option<PathBuf> {
        self.array.path().parent().map(PathBuf::from)
    }

    /// Of the newest piece, the file's.
    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let modified = || self.array.stamp().modified;
        pieces.map(|piece| if piece + 1 == self.info.num_blocks { modified() } else { None }).collect()
    }
}

impl PlainSource {
    /// The chunks in these rows along the axis of growth, which is the slowest of their order.
    fn indices_of(&self, rows: &Changes) -> Vec<Range<u64>> {
        let num_in_row = self.order().num_in_row(self.grid.counts().dims());
        let step = self.grid.cell().dims()[self.growth_axis];
        let cells = rows.iter().map(|row| (row.start / step) as u64..row.end.div_ceil(step) as u64);
        cells.map(|cells| cells.start * num_in_row..cells.end * num_in_row).collect()
    }
}
