//! Everything that knows how a recording lies on disk. Above this module there are only
//! [`Source`]s: arrays that can be asked which chunks a region touches and for the voxels of a chunk.

mod composite;
mod error;
mod fetching;
mod growing;
pub mod hdf5;
pub mod memory;
mod open;
mod source;
mod split;

pub use crate::volume::Location;
pub use composite::{Composite, Given, Input, Need, gather, read_and_combine};
pub use error::{FormatError, ReadError, ReadErrorKind};
pub use fetching::{Cancel, FetchError, Fetched, Fetching, Patience, fetch, fetch_and_decode};
pub use growing::{Growing, Growth, Refresh};
pub use open::{DatasetEntry, OpenOptions, Opened, expected_in, open};
pub use source::{Chunk, Filled, Source};
pub use split::{FoundRecording, search, what_is_at};
