//! Bytes by name, wherever they lie: files of a folder, members of an archive, objects behind a URL. Formats
//! that are read by ranges of bytes read them from a [`ByteStore`] and do not know which it is.
//!
//! # Names
//! A store has a place of its own, a [`Location`]. A name is what stands below it, parts divided by `/`; the
//! empty name is the place itself, where that is a file. No name leads out of the place: parts that are empty,
//! `.` or `..`, and names that begin with `/`, name nothing.

mod local;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

pub use local::LocalStore;

use super::{Cancel, FetchError, FormatError, Patience, fetching};
use crate::volume::Location;

/// Objects of bytes below one place. Read only. Any number of threads may ask at once; what comes from afar
/// keeps the number of requests under way within bounds of its own.
pub trait ByteStore: Send + Sync {
    /// Where an object lies, for messages and for what is kept of it.
    fn location(&self, name: &str) -> Location;

    /// Size and state of an object; `None` where there is none of that name. May block, as [`ByteStore::ranges`].
    ///
    /// # Errors
    /// What kept it from being told, and whether that may pass.
    fn head(&self, name: &str, until: Instant, cancel: &Cancel) -> Result<Option<ObjectInfo>, FetchError>;

    /// Ranges of the bytes of one object, in the order they were asked for, each exactly as long as asked;
    /// `None` where there is no object of that name. Neighbouring ranges cost one request. May block, but not
    /// beyond `until`, and returns soon after it was cancelled, with any error. Whether to try again is decided
    /// by [`fetching`], not here.
    ///
    /// # Errors
    /// What kept them from coming, and whether that may pass. A range that reaches beyond the object's end is a
    /// lasting error.
    fn ranges(
        &self,
        name: &str,
        ranges: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Vec<u8>>>, FetchError>;

    /// All of an object of at most `max_bytes`; `None` where there is none. May block, as [`ByteStore::ranges`].
    ///
    /// # Errors
    /// As there; one that is longer is a lasting error.
    fn whole(&self, name: &str, max_bytes: u64, until: Instant, cancel: &Cancel)
    -> Result<Option<Vec<u8>>, FetchError>;

    /// Names of what lies directly in a folder (the empty name: the place itself), folders with a `/` at their
    /// end; `None` where the store cannot list. May block.
    ///
    /// # Errors
    /// As [`ByteStore::head`].
    fn list(&self, folder: &str, until: Instant, cancel: &Cancel) -> Result<Option<Vec<String>>, FetchError>;

    /// Whether asking mostly waits, so that many requests should be under way at once
    /// ([`super::Fetching`]); otherwise a read is best made where the voxels are decoded.
    fn is_remote(&self) -> bool;
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its size.
    pub num_bytes: u64,
    /// Another one whenever its bytes are others, where the store can tell: an ETag, or a file's time and
    /// identity.
    pub version: Option<Arc<str>>,
}

/// All of an object as a whole opening needs it: tried again while faults pass. `None` where there is none.
///
/// # Errors
/// When it did not come, is longer than `max_bytes`, or the opening was cancelled.
pub fn read_whole(
    store: &dyn ByteStore,
    name: &str,
    max_bytes: u64,
    cancel: &Cancel,
) -> Result<Option<Vec<u8>>, FormatError> {
    tried(store, name, cancel, &mut |until| store.whole(name, max_bytes, until, cancel))
}

/// Does something with an object for an opening, and again while faults pass.
///
/// # Errors
/// The last fault, named with the object.
pub fn tried<T>(
    store: &dyn ByteStore,
    name: &str,
    cancel: &Cancel,
    work: &mut dyn FnMut(Instant) -> Result<T, FetchError>,
) -> Result<T, FormatError> {
    match fetching::tried(&Patience::VIEW, cancel, work) {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => Err(FormatError::of_read(store.location(name), &error)),
        None => Err(FormatError::cancelled(store.location(name))),
    }
}
