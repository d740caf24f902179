//! Everything that knows how a recording lies on disk. Above this module there are only
//! [`Source`]s: arrays that can be asked which chunks a region touches and for the voxels of a chunk.
//!
//! # Where a new format goes
//! 1. A room of its own (`format/tiff/`), with a [`Source`]: what it knows of the array, its chunks, how one
//!    is read. What the files never held is for it to say (see [`Source`]). Everything else of the trait has
//!    a default.
//!    Its axes are those the user names (`OpenOptions::axes`), else those the file names, else a guess, with
//!    the reason for each (`Axes::told_or` in `axes.rs`).
//! 2. A line in the table of `open.rs`: a function that is shown what lies at the location (a folder, or how
//!    a file begins) and opens it, or says that it is not its own. Content decides, names only where the
//!    names are the format.
//! 3. Where it can grow, [`Growing`] beside [`Source`]: [`crate::live`] follows it, and says so. Its
//!    [`Source::region_of`] says where a chunk lies: without it a changed one is taken for all of the array.
//! 4. Where its data lie afar, [`Fetching`]; where it is computed from other sources, [`Composite`].
//! 5. A line in `tests/contract/`: the suite that every source passes.
//!
//! [`store`] is where the bytes come from: a folder, a file, a URL. [`open()`] looks at it before the formats
//! are asked; a [`Location`] of a scheme that no store reads is refused there.

mod axes;
mod composite;
mod described;
mod error;
mod fetching;
mod files;
mod found;
mod growing;
pub mod hdf5;
mod identity;
mod kinds;
mod lindi;
mod look;
pub mod memory;
mod npy;
pub mod nwb;
mod open;
mod plain;
mod source;
mod sparse;
mod split;
pub mod store;
mod stored_part;
mod tiff;
mod told;
pub mod tree;
mod units;
mod vds;
mod zarr;

pub use crate::volume::Location;
pub use axes::check_axes;
pub use composite::{Composite, Given, Input, Need, gather, read_and_combine};
use error::io_error;
pub use error::{FormatError, FormatErrorCode, ReadError, ReadErrorCode, ReadErrorKind};
pub use fetching::{Cancel, FetchError, Fetched, Fetching, Patience, fetch, fetch_and_decode, tried};
pub use files::{FileState, StoredFile, stored_files};
use found::Found;
pub use growing::{Growing, Growth, Refresh, joined};
pub use identity::{Fnv, array_key, identity_of};
pub use kinds::kind_of_name;
pub use lindi::{Reference, References};
pub use npy::NpyHeader;
pub use open::{
    Channel, DatasetEntry, MAX_CHANNELS, OpenOptions, Opened, VirtualOptions, expected_in, open, open_alone,
};
pub use source::{Chunk, Filled, Source};
pub use split::{FoundRecording, SearchBounds, search, what_is_at};
pub use stored_part::{HeldPart, StoredPart};
