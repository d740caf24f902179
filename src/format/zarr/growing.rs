//! Zarr arrays that are still being written, in a folder of this machine: their extent grows, chunks appear in the
//! place of fill values, and shards and chunks of several timepoints are written once more.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::array::{Storage, ZarrArray};
use super::keys::Keys;
use super::node;
use super::shelf::{Shelf, Stock, modified};
use super::source::ZarrSource;
use crate::format::hdf5::Stamp;
use crate::format::{FormatError, Growing, Growth, OpenOptions, Refresh, joined, open};
use crate::volume::{Axis, Location, MAX_RANK, Order, Problem, Severity, codes};

/// So long after it was last written an array is taken to be finished: none says so itself.
const QUIET: Duration = Duration::from_secs(60);

/// Metadata that make no sense and were written so lately are perhaps not whole yet.
const TORN: Duration = Duration::from_secs(2);

/// Of more chunks that are others now, whole rows are told.
const MAX_TOLD: usize = 1 << 16;

/// Looks at the folder until all of it was seen.
const MAX_LOOKS: usize = 20;

/// What all states of an array have in common.
pub struct Place {
    /// What was opened.
    location: Location,
    /// As it was opened, by the name of the image or array.
    options: OpenOptions,
    /// The folder of the array.
    folder: PathBuf,
    /// The file that describes the array.
    description: PathBuf,
    /// `None` where its objects are not called by numbers.
    shelf: Option<Mutex<Shelf>>,
    stock: Mutex<Stock>,
}

impl Place {
    /// Where an array lies whose hierarchy is in a folder.
    pub fn new(location: &Location, root: PathBuf, array: &ZarrArray, order: Order, options: &OpenOptions) -> Self {
        let folder = array.path.split('/').filter(|part| !part.is_empty()).fold(root, |path, part| path.join(part));
        let description = folder.join(if array.version == 2 { ".zarray" } else { "zarr.json" });
        let shelf = Keys::of(array).map(|keys| Shelf::new(&folder, keys, order, array.objects.counts().dims()));
        let modified = modified(&description).max(shelf.as_ref().and_then(Shelf::last_written));
        let (shelf, stock) = (shelf.map(Mutex::new), Mutex::new(Stock { modified, ..Stock::default() }));
        Self { location: location.clone(), options: options.clone(), folder, description, shelf, stock }
    }

    /// State of the file that describes the array.
    pub fn stamp(&self) -> Option<Stamp> {
        std::fs::metadata(&self.description).ok().map(|metadata| Stamp::of(&metadata))
    }

    /// What was found to be stored so far.
    pub fn stock(&self) -> Stock {
        self.stock.lock().clone()
    }
}

/// Whether something happened less than `time` ago, or is said to happen yet.
fn is_within(moment: Option<SystemTime>, time: Duration) -> bool {
    moment.is_some_and(|moment| {
        SystemTime::now().duration_since(moment).is_ok_and(|age| age <= time) || moment > SystemTime::now()
    })
}

/// How far an array has come.
pub fn growth_of(array: &ZarrArray, order: Order, in_time: bool, stock: &Stock) -> Growth {
    let axis = order.slowest;
    let (piece_len, len) = (array.objects.cell().dims()[axis], array.shape.dims()[axis]);
    let is_finished = !is_within(stock.modified, QUIET);
    let end = |row: usize| (row + 1).saturating_mul(piece_len).min(len);
    let newest = stock.newest_row.filter(|(row, _)| *row < array.objects.counts().dims()[axis]);
    // Where nobody writes any more, what is not stored of a row is not going to be.
    let whole = newest
        .and_then(|(row, is_whole)| if is_whole || is_finished { Some(end(row)) } else { row.checked_sub(1).map(end) });
    let writing = newest.filter(|(_, is_whole)| !is_whole && !is_finished).map(|(row, _)| [row * piece_len, end(row)]);
    let newest_readable = whole.and_then(|end| end.checked_sub(1)).filter(|_| in_time);
    Growth { axis, piece_len, is_finished, newest_readable, writing }
}

impl ZarrSource {
    /// The array as its metadata describe it now; `None` where they are as they were, or not whole.
    fn described_anew(&self, place: &Place, stamp: Option<Stamp>) -> Result<Option<Arc<ZarrArray>>, FormatError> {
        if stamp == self.stamp {
            return Ok(None);
        }
        let path = &self.array.path;
        let read = node::read(self.store.as_ref(), path, &place.options.cancel).and_then(|node| {
            let failed = |text: String| FormatError::new(self.store.location(path), text);
            let node = node.ok_or_else(|| failed("its metadata are gone".to_owned()))?;
            ZarrArray::new(&node, path).map_err(failed)
        });
        match read {
            Ok(array) => Ok(Some(Arc::new(array))),
            Err(_) if is_within(stamp.and_then(|stamp| stamp.modified), TORN) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same recording with an array that may have become longer, or what lies there now.
    fn with_array(
        &self,
        place: &Arc<Place>,
        array: Arc<ZarrArray>,
        stamp: Option<Stamp>,
    ) -> Result<Refresh, FormatError> {
        let axis = self.order.slowest;
        let (new, old) = (array.shape.dims(), self.array.shape.dims());
        let is_longer =
            new.len() == old.len() && (0..new.len()).all(|i| new[i] == old[i] || i == axis && new[i] > old[i]);
        if !is_longer || !array.is_stored_like(&self.array) {
            let opened = open(place.location.clone(), &place.options)?;
            let another = || Refresh::Gone("another array lies in its place; open it again".to_owned());
            return Ok(opened.growing.map_or_else(another, Refresh::Replaced));
        }
        let stale = self.look(place, &array);
        Ok(Refresh::Changed { source: Arc::new(self.grown(array, stamp)), stale })
    }

    /// Looks what has come, and says which chunks of `array`, as it is now, are others by that.
    fn look(&self, place: &Place, array: &ZarrArray) -> Vec<Range<u64>> {
        let Some(shelf) = &place.shelf else { return Vec::new() };
        let counts = array.objects.counts().dims();
        let (changed, mut stock) = {
            let mut shelf = shelf.lock();
            (shelf.look(counts), shelf.stock())
        };
        stock.modified = stock.modified.max(modified(&place.description));
        *place.stock.lock() = stock;
        self.chunks_of(array, &changed)
    }

    /// Chunks within these objects.
    fn chunks_of(&self, array: &ZarrArray, objects: &[u64]) -> Vec<Range<u64>> {
        let (counts, cells) = (array.objects.counts().dims(), array.grid.counts().dims());
        let each = array.objects.cell().dims().iter().zip(array.grid.cell().dims()).map(|(object, cell)| object / cell);
        let each: u64 = each.map(|num| num as u64).fold(1, u64::saturating_mul);
        let in_row = self.order.num_in_row(cells);
        let mut indices: Vec<Range<u64>> = Vec::new();
        if each.saturating_mul(objects.len() as u64) > MAX_TOLD as u64 {
            let axis = self.order.slowest;
            let step = (array.objects.cell().dims()[axis] / array.grid.cell().dims()[axis]).max(1) as u64;
            let mut rows: Vec<u64> =
                objects.iter().map(|object| self.order.cell(*object, counts)[axis] as u64).collect();
            rows.dedup();
            let end = cells[axis] as u64;
            indices.extend(rows.iter().map(|row| row * step * in_row..((row + 1) * step).min(end) * in_row));
        } else {
            for object in objects {
                let whole = array.objects.whole_cell(&self.order.cell(*object, counts));
                array.grid.each(&whole, |cell| {
                    let index = self.order.position(&cell.at[..cells.len()], cells);
                    indices.push(index..index + 1);
                });
            }
        }
        joined(indices)
    }
}

impl Growing for ZarrSource {
    fn growth(&self) -> Growth {
        self.growth
    }

    /// The metadata of the array where they were written since, and its folders where something may have come.
    fn refresh(&self, _hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let Some(place) = &self.place else { return Ok(Refresh::Unchanged) };
        let stamp = place.stamp();
        if stamp.is_none() && !place.description.exists() {
            return Ok(Refresh::Gone("the array has gone: deleted, renamed, or its disk taken away".to_owned()));
        }
        if let Some(array) = self.described_anew(place, stamp)? {
            return self.with_array(place, array, stamp);
        }
        let stale = self.look(place, &self.array);
        let new = self.grown(Arc::clone(&self.array), self.stamp);
        if stale.is_empty() && new.growth == self.growth {
            return Ok(Refresh::Unchanged);
        }
        Ok(Refresh::Changed { source: Arc::new(new), stale })
    }

    fn folder(&self) -> Option<PathBuf> {
        // Where each timepoint is a folder, the one in which they come tells of them.
        let place = self.place.as_ref()?;
        let root = place.shelf.as_ref().map(|shelf| shelf.lock().root().to_owned());
        Some(root.filter(|root| root.is_dir()).unwrap_or_else(|| place.folder.clone()))
    }

    /// Of the newest piece, when anything was last written; of the first, when it was.
    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let Some(place) = &self.place else { return vec![None; pieces.len()] };
        let stock = place.stock();
        let time = |piece: usize| match piece {
            0 => {
                let first = self.store.location(&self.array.object_name(&[0; MAX_RANK]));
                first.path().and_then(modified)
            }
            _ => stock.modified.filter(|_| stock.newest_row.is_some_and(|(row, _)| row == piece)),
        };
        pieces.map(time).collect()
    }
}

impl ZarrSource {
    /// Looks at the whole folder, for how many objects it holds. Blocks.
    pub fn take_stock(&self) {
        for place in self.place.iter() {
            for _ in 0..MAX_LOOKS {
                self.look(place, &self.array);
                if place.stock().is_complete {
                    return;
                }
            }
        }
    }

    /// Says how many objects are not stored, as soon as that is known.
    pub fn not_stored(&self) -> Option<Problem> {
        let place = self.place.as_ref().filter(|place| place.shelf.is_some())?;
        let Stock { num_stored, is_complete, .. } = place.stock();
        let num = self.array.objects.num_cells();
        if !is_complete || num_stored >= num {
            return None;
        }
        let what = if matches!(self.array.storage, Storage::Shards(_)) { "shards" } else { "chunks" };
        let text = format!(
            "{} of its {num} {what} are not stored: all of them has the fill value {}",
            num - num_stored,
            self.array.fill_in_words()
        );
        Some(Problem::of(codes::NOT_STORED, Severity::Note, &self.store.location(&self.array.path), text))
    }

    /// Whether the axis that it grows along is that of time.
    pub fn grows_in_time(&self) -> bool {
        self.info.axes.get(self.order.slowest).copied().flatten() == Some(Axis::T)
    }
}
