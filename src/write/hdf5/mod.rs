//! HDF5 files that are written. libhdf5 is called here and nowhere else in `write`.

mod image;
mod lists;
mod raw;
mod virtual_dataset;

pub use lists::{File, List};
pub use raw::Attribute;
pub use virtual_dataset::{Mapping, VirtualFile};
