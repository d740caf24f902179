//! What a file that is still being written, or may be, has more than before.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use hdf5_sys::h5d::H5Dget_storage_size;

use super::array::H5Array;
use super::chunks::{Entry, grid};
use super::external::found;
use super::file::{Hdf5File, Stamp};
use super::header::{Header, Layout};
use super::index::{Index, Storage};
use super::library::locked;
use crate::format::{FormatError, io_error};
use crate::volume::{MAX_RANK, Shape, unravel};

/// A file whose writer leaves no mark when it is done counts as done after so long without a change.
const CLOSED_AFTER: Duration = Duration::from_secs(600);

/// Rows of stored chunks, in voxels along one axis, in ascending order.
pub type Changes = Vec<Range<usize>>;

impl H5Array {
    /// Whether more may be written: an axis may grow, or what the array has room for is not all there.
    pub fn may_change(&self) -> bool {
        // Behind a URL it is held to the state in which it was met.
        if self.far.is_some() {
            return false;
        }
        let header = self.header();
        (0..header.shape.rank()).any(|axis| header.can_grow(axis)) || !self.is_whole()
    }

    /// Whether its writer is done: by the mark it leaves in newer files, else by the file's age.
    pub fn is_closed(&self) -> bool {
        let index = self.current();
        index.is_being_written.map_or_else(
            || {
                let age = index.stamp.modified.and_then(|time| SystemTime::now().duration_since(time).ok());
                age.is_some_and(|age| age > CLOSED_AFTER)
            },
            |is_being_written| !is_being_written,
        )
    }

    /// Whether the file is shorter than it says.
    pub fn is_cut_off(&self) -> bool {
        let index = self.current();
        index.stamp.num_bytes < index.end_bytes
    }

    /// Extent of a stored chunk along an axis; all of it where it is in one piece.
    pub fn step(&self, axis: usize) -> usize {
        let header = self.header();
        let shape = if let Layout::Chunked(chunk) = &header.layout { chunk } else { &header.shape };
        shape.dims().get(axis).copied().unwrap_or(1).max(1)
    }

    /// Files with nothing but voxels of this array.
    pub fn raw_files(&self) -> Vec<PathBuf> {
        match &self.header().layout {
            Layout::External(pieces) => pieces
                .iter()
                .map(|piece| match &self.far {
                    Some(far) => far.place_of(&piece.file).without_secrets().into(),
                    None => found(self.path(), piece),
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the file is the one that was indexed. Asks the disk.
    ///
    /// # Errors
    /// When the file is not there, or the disk does not say.
    pub fn is_as_it_was(&self) -> Result<bool, FormatError> {
        let metadata = std::fs::metadata(self.path()).map_err(|error| io_error(self.path(), &error))?;
        Ok(Stamp::of(&metadata) == self.stamp())
    }

    /// Where a later state of the array, which may have grown along one axis, holds other data than this one.
    /// `None` where it is another array or lies in another file.
    pub fn changes(&self, later: &Self, axis: usize) -> Option<Changes> {
        let (old, new) = (self.current(), later.current());
        let is_same_file = old.stamp.identity == new.stamp.identity;
        if !is_same_file || !new.header.is_grown_from(&old.header, Some(axis)) {
            return None;
        }
        let len = new.header.shape.dims()[axis];
        let step = self.step(axis);
        let (Storage::Chunks(before), Storage::Chunks(after), Layout::Chunked(chunk)) =
            (&old.storage, &new.storage, &old.header.layout)
        else {
            return Some(vec![0..len]);
        };
        let mut rows = BTreeSet::new();
        differing_rows([(before, &old), (after, &new)], chunk, axis, &mut rows);
        // The newest row is filled in place; a chunk that was cut at the end of the array has become longer.
        let counts = grid(&old.header.shape, chunk).counts().dims().to_vec();
        let row_of = |entry: &Entry| unravel(entry.position, &counts)[axis];
        let newest = before.iter().map(row_of).max();
        rows.extend(newest);
        let old_len = old.header.shape.dims()[axis];
        rows.extend((old_len < len && old_len % step != 0).then_some(old_len / step));
        // There may be as many new rows as the file claims: one range.
        let first_new = old_len.div_ceil(step);
        rows.retain(|&row| row < first_new);
        let mut changes = joined(&rows, step, len);
        let new = first_new.saturating_mul(step)..len;
        match changes.last_mut() {
            _ if new.is_empty() => {}
            Some(last) if last.end == new.start => last.end = new.end,
            _ => changes.push(new),
        }
        Some(changes)
    }
}

/// Rows of chunks that one of two states has and the other has not, or has elsewhere.
fn differing_rows(states: [(&Vec<Entry>, &Index); 2], chunk: &Shape, axis: usize, rows: &mut BTreeSet<usize>) {
    for ((entries, here), (_, there)) in [(states[0], states[1]), (states[1], states[0])] {
        let counts = grid(&here.header.shape, chunk).counts().dims().to_vec();
        let other = grid(&there.header.shape, chunk).counts().dims().to_vec();
        for entry in entries {
            let at = unravel(entry.position, &counts);
            let same = ravel(&at, &other).and_then(|position| there.entry(position));
            let is_same = same.is_some_and(|same| Entry { position: entry.position, ..*same } == *entry);
            if !is_same {
                rows.insert(at[axis]);
            }
        }
    }
}

/// Position of a cell in C order; `None` where there is none.
pub(super) fn ravel(at: &[usize; MAX_RANK], counts: &[usize]) -> Option<u64> {
    let mut position = 0u64;
    for (&at, &count) in at.iter().zip(counts) {
        position = position.checked_mul(count as u64)?.checked_add((at < count).then_some(at as u64)?)?;
    }
    Some(position)
}

fn joined(rows: &BTreeSet<usize>, step: usize, len: usize) -> Changes {
    let mut joined: Changes = Vec::new();
    for row in rows.iter().map(|row| row * step..((row + 1) * step).min(len)).filter(|row| !row.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == row.start => last.end = row.end,
            _ => joined.push(row),
        }
    }
    joined
}

impl Header {
    /// Whether it is the header of the same array, grown along one axis, or along any.
    pub(super) fn is_grown_from(&self, earlier: &Self, axis: Option<usize>) -> bool {
        let (new, old) = (self.shape.dims(), earlier.shape.dims());
        let has_grown = |i: usize| new[i] == old[i] || new[i] > old[i] && axis.is_none_or(|axis| axis == i);
        new.len() == old.len()
            && (0..new.len()).all(has_grown)
            && Self { shape: earlier.shape, ..self.clone() } == *earlier
    }
}

impl Index {
    /// The same seen as an earlier state of the array had it; `None` if it is another array.
    pub(super) fn into_earlier(mut self, earlier: &Header) -> Option<Self> {
        if self.header == *earlier {
            return Some(self);
        }
        if !self.header.is_grown_from(earlier, None) {
            return None;
        }
        if let Layout::Chunked(chunk) = &earlier.layout {
            let now = grid(&self.header.shape, chunk).counts().dims().to_vec();
            let then = grid(&earlier.shape, chunk).counts().dims().to_vec();
            let moved = |position: u64| ravel(&unravel(position, &now), &then);
            // What is left out lies beyond the array as it was; the order stays.
            self.storage = match self.storage {
                Storage::Chunks(entries) => Storage::Chunks(
                    entries
                        .iter()
                        .filter_map(|entry| Some(Entry { position: moved(entry.position)?, ..*entry }))
                        .collect(),
                ),
                Storage::Library(positions) => Storage::Library(positions.into_iter().filter_map(moved).collect()),
                other => other,
            };
        }
        self.header = earlier.clone();
        Some(self)
    }
}

/// Bytes that each of some arrays of a file takes in it; `None` for those that were not asked for in time, or
/// cannot be told.
pub fn stored_bytes(path: &Path, names: &[&str], until: Instant) -> Vec<Option<u64>> {
    let mut sizes = vec![None; names.len()];
    let Ok(opened) = Hdf5File::open(path) else { return sizes };
    locked(|library| {
        let Ok(file) = library.open_file(&opened) else { return };
        for (size, name) in sizes.iter_mut().zip(names) {
            if Instant::now() > until {
                return;
            }
            let Ok(dataset) = library.open_dataset(&file, name) else { continue };
            // SAFETY: the lock is held and the handle is a dataset's.
            *size = Some(unsafe { H5Dget_storage_size(dataset.id()) });
        }
    });
    sizes
}
