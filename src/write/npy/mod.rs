//! .npy files, which numpy reads: a header, and all voxels in C order.

mod header;
mod target;

pub use header::{header, tuple};
pub use target::NpyTarget;
