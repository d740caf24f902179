//! HDF5 files that are written. libhdf5 is called here and nowhere else in `write`.

mod array_file;
mod filters;
mod image;
mod lists;
mod raw;
mod target;
mod virtual_dataset;

pub use array_file::{ArrayFile, Layout, Locking};
pub use filters::{Filters, MAX_CHUNK_BYTES};
pub use lists::{File, List};
pub use raw::{Attribute, Failed};
pub use target::{Hdf5Target, described, whole_chunk};
pub use virtual_dataset::{Mapping, VirtualFile};
