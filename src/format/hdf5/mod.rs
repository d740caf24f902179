//! HDF5 files, read so that whoever writes them never notices. The only caller of libhdf5.
//!
//! The library is asked for metadata and for the chunk index only, under its process-wide lock and
//! with file locking off; then the file is closed. Voxels come by positional reads through
//! `std::fs::File` and are decoded outside that lock, by as many threads as ask. What the index cannot
//! answer (filters not known here, compact storage) is read through the library, which is opened and
//! closed for each read.

mod afar;
mod array;
mod attributes;
mod blocks;
mod chunks;
mod convert;
mod direct;
mod driver;
mod external;
mod fallback;
mod far_array;
mod far_raw;
mod file;
mod growth;
mod header;
mod heap;
mod index;
mod library;
mod links;
mod list;
mod mappings;
mod neighbours;
mod objects;
mod plugins;
mod rows;
mod small;
mod tree;
mod twin;
mod types;

pub(super) use afar::{FarFile, file_at, known_as};
pub use array::{H5Array, StoredChunk, with_library_locked};
pub use attributes::{AttributeValue, have_attribute, read_attributes, read_texts, read_tuple_group};
pub use convert::{convert, is_convertible};
pub use direct::check_chunk_bytes;
pub use external::RawPiece;
pub(super) use file::read_as_far_as_it_goes;
pub use file::{Stamp, has_signature, open_shared, read_at, read_error};
pub use growth::{Changes, stored_bytes};
pub use header::{Header, Layout};
pub use links::follow;
pub use list::{Alias, Contents, Elsewhere, Unread, contents, list};
pub use mappings::{Mapping, Picked, VirtualLayout};
pub use objects::{Object, ObjectKind, Objects, TypedValue, TypedValues, ValueKind};
pub use plugins::settle_filters;
pub(super) use rows::{Rows, fill_with, filled, normalize_bools, place, span, zero};
pub use tree::H5Tree;
pub use twin::Twin;
