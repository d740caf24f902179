//! Virtual datasets of HDF5: arrays without data of their own, made of parts of other arrays. The mappings are
//! resolved here and the sources read as any array is, so that a chunk costs what it costs in its own file; HDF5's
//! own layer, which opens every source behind one lock and fills in what is missing, is not asked.
//!
//! A source that is not there is missing data, named, never the fill value, which is for what no mapping covers.

mod array;
mod axis_set;
mod canvas;
mod cuts;
mod extent;
mod far;
mod gather;
mod names;
mod pairing;
mod read;
mod refresh;
mod selection;
mod slots;
mod source;
mod table;

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

use self::array::VirtualArray;
use self::source::VirtualSource;
use super::hdf5::VirtualLayout;
use super::{FormatError, Growing, OpenOptions, Opened};

/// Opens a virtual dataset of a file by its path in it; `None` where the array is stored. Blocks.
///
/// # Errors
/// When the file cannot be read, or nothing of the dataset is there.
pub(super) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Option<Opened>, FormatError> {
    let Some(layout) = VirtualLayout::read(path, name)? else { return Ok(None) };
    let array = VirtualArray::open(path, layout, &options.virtual_datasets, &[])?;
    if options.is_cancelled() {
        return Err(FormatError::cancelled(path));
    }
    let source = Arc::new(VirtualSource::new(array, options, None)?);
    // Behind a URL files are held to the state in which they were met.
    let growing = (!source.array.context.search.is_far()).then(|| Arc::clone(&source) as Arc<dyn Growing>);
    Ok(Some(Opened::of(source, growing)))
}

/// Memory kept by a thread between reads.
const MAX_KEPT_BYTES: usize = 48 << 20;

/// How many pieces of it: a source may itself be virtual.
const MAX_KEPT: usize = 4;

thread_local! {
    /// Touched before, so that reading does not wait for page faults.
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Memory for a read, which goes back to its thread.
struct Scratch {
    bytes: Vec<u8>,
    len: usize,
}

/// So many bytes of any content.
///
/// # Errors
/// When there is not so much memory.
fn memory(num_bytes: usize) -> Result<Scratch, &'static str> {
    let mut bytes = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
    if bytes.len() < num_bytes {
        let more = num_bytes - bytes.len();
        bytes.try_reserve_exact(more).map_err(|_| "is mapped in a way that needs more memory than there is")?;
        bytes.resize(num_bytes, 0);
    }
    Ok(Scratch { bytes, len: num_bytes })
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        KEPT.with_borrow_mut(|kept| {
            if kept.len() < MAX_KEPT && bytes.capacity() <= MAX_KEPT_BYTES {
                kept.push(bytes);
            }
        });
    }
}
