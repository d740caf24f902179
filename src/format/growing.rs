//! What a dataset can do that may still be growing: be looked at again.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::{FormatError, Source};

/// A dataset that may grow, change or be replaced while it is open. Each value of it is one state, which
/// stays as it is: looking again gives another value. [`crate::live`] follows any of them.
pub trait Growing: Source {
    /// How far it has come in this state. Immediate.
    fn growth(&self) -> Growth;

    /// Looks again, at a cost that does not grow with what is unchanged. `hints` are files that the system
    /// said have changed. May block.
    ///
    /// # Errors
    /// When nothing could be found out, or there is something of which nothing can be shown: what is known
    /// stays as it is.
    fn refresh(&self, hints: &[PathBuf]) -> Result<Refresh, FormatError>;

    /// The folder whose changes the system may tell of; `None` where only looking again helps.
    fn folder(&self) -> Option<PathBuf>;

    /// What of it is still being looked up, in words, and how far that is: more may be told by the next
    /// [`Growing::refresh`], though nobody writes. Immediate.
    fn searching(&self) -> Option<String> {
        None
    }

    /// When each of these pieces (numbered as [`crate::volume::ArrayInfo::num_blocks`] counts them) was last
    /// written, where that can be told. May block.
    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>>;
}

/// How far a dataset has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The axis along which it grows, an index into the shape.
    pub axis: usize,
    /// Extent of a whole piece along it: what comes at once.
    pub piece_len: usize,
    /// Whether its writer has said that it is done.
    pub is_finished: bool,
    /// The newest timepoint of which all was written, as far as was told by the look that gave this state:
    /// where a recording that was cut off ends to the eye. `None` where there is none, or no time.
    pub newest_readable: Option<usize>,
    /// The range along the axis that is being written at this moment.
    pub writing: Option<[usize; 2]>,
}

/// What looking again found.
pub enum Refresh {
    /// Nothing new.
    Unchanged,
    /// The same dataset, grown or changed. Chunk indices keep their meaning; those in `stale` hold other
    /// data now, or none.
    Changed {
        /// As it is now.
        source: Arc<dyn Growing>,
        /// Ranges of chunk indices whose content changed.
        stale: Vec<Range<u64>>,
    },
    /// Another one lies in the same place: nothing that was read of the old one is true any more.
    Replaced(Arc<dyn Growing>),
    /// It has gone, for this reason.
    Gone(String),
}

/// The same chunk indices in ranges that are in order and apart.
pub fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
