//! Split datasets: a folder of numbered HDF5 blocks and a small JSON.

use std::path::Path;

use super::{FormatError, OpenOptions, Opened};

pub(super) fn open(path: &Path, _options: &OpenOptions) -> Result<Opened, FormatError> {
    Err(FormatError::new(path, "not a recording"))
}
