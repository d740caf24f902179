//! Where the voxels of an array lie in HDF5 files, for whoever refers to them instead of copying them.

use std::path::PathBuf;

use super::ReadError;
use crate::volume::{DType, Region, Shape};

/// A box of an array, and the array of an HDF5 file that holds it.
#[derive(Clone, Debug)]
pub struct StoredPart {
    /// The box, in the axes of the array that is asked.
    pub region: Region,
    /// The file, which may not be there.
    pub file: PathBuf,
    /// What of the file it is; or why nothing of it is to be had.
    pub held: Result<HeldPart, ReadError>,
}

/// Which voxels of which array of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPart {
    /// Path of the array in its file, without the leading slash.
    pub dataset: String,
    /// Extent of that array.
    pub shape: Shape,
    /// How it is stored; the array that is asked may be of another type.
    pub dtype: DType,
    /// The voxels, of the same extent as [`StoredPart::region`].
    pub region: Region,
}
