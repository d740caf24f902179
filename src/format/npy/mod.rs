//! NumPy's .npy files: one array of numbers, in either order of the axes and of the bytes.

mod header;
mod source;

use std::sync::Arc;

use super::look::{Kind, Look};
use super::{FormatError, OpenOptions, Opened};
pub use header::Header as NpyHeader;
use source::NpySource;

/// Opens a file that begins as numpy's do.
pub fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    match &look.kind {
        Kind::File { head, .. } if head.starts_with(header::MAGIC) => {}
        _ => return None,
    }
    let Some(path) = look.path() else {
        let text = "is a numpy array, which is read from this machine only; copy it here";
        return Some(Err(FormatError::new(look.location.clone(), text)));
    };
    Some(NpySource::open(path, options).map(|source| Opened::of(Arc::new(source), None)))
}
