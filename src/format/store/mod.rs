//! Bytes by name, wherever they lie: files of a folder, members of an archive, objects behind a URL. Formats
//! that are read by ranges of bytes read them from a [`ByteStore`] and do not know which it is.
//!
//! # Names
//! A store has a place of its own, a [`Location`]. A name is what stands below it, parts divided by `/`; the
//! empty name is the place itself, where that is a file. No name leads out of the place: parts that are empty,
//! `.` or `..`, and names that begin with `/`, name nothing.

mod cache;
mod client;
mod directory;
mod fault;
mod hosts;
mod local;
mod network;
mod ranges;
mod remote;
mod s3;
mod sending;
mod traffic;
mod zip;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::RetryConfig;
use object_store::http::HttpBuilder;

pub use hosts::may_follow;
pub use local::LocalStore;
pub use remote::RemoteStore;
pub use sending::{Bucket, PartId, Sending, Upload};
pub use traffic::{Traffic, traffic};
pub use zip::ZipStore;

use self::fault::Fault;
use super::hdf5::Stamp;
use super::{
    Cancel, FetchError, FormatError, FormatErrorCode, OpenOptions, Patience, ReadError, ReadErrorCode, fetching,
};
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
    /// by [`super::tried`], not here.
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

    /// Fills buffers, each with the bytes of one object from an offset on; `None` where there is no object of that
    /// name. For voxels that are wanted where they are to lie, without memory in between. May block, as
    /// [`ByteStore::ranges`].
    ///
    /// # Errors
    /// As there; buffers may have been written by then.
    fn fill(
        &self,
        name: &str,
        wanted: &mut [(u64, &mut [u8])],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Seen>, FetchError> {
        let ranges: Vec<_> = wanted.iter().map(|(at, buffer)| *at..at.saturating_add(buffer.len() as u64)).collect();
        let Some(pieces) = self.ranges(name, &ranges, until, cancel)? else { return Ok(None) };
        for ((_, buffer), piece) in wanted.iter_mut().zip(pieces) {
            buffer.copy_from_slice(&piece);
        }
        Ok(Some(Seen::default()))
    }

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

/// The store of a location: a folder or file of this machine, a folder or file behind `http://`, `https://` or
/// `s3://`. Nothing is asked yet, but for the region of a bucket where nobody has said it.
///
/// # Errors
/// No store reads such URLs, or it is none.
pub fn open(location: &Location, options: &OpenOptions) -> Result<Arc<dyn ByteStore>, FormatError> {
    if let Some(path) = location.path() {
        return Ok(Arc::new(LocalStore::new(path)));
    }
    let scheme = location.scheme().unwrap_or_default().to_ascii_lowercase();
    let host = location.host().unwrap_or_default();
    let failed = |fault: Fault| FormatError::new(location, fault.message);
    if !["http", "https", "s3"].contains(&scheme.as_str()) {
        let text = format!("{scheme}:// is not read by this program; copy it to a disk, or mount what holds it");
        return Err(FormatError::new(location, text).with_code(FormatErrorCode::NoStore));
    }
    if host.is_empty() {
        return Err(FormatError::new(location, "names no host or bucket"));
    }
    if scheme == "s3" {
        let client = s3::client(host, options).map_err(failed)?;
        let prefix = location.url_path().unwrap_or_default();
        return Ok(Arc::new(RemoteStore::new(location.clone(), client, prefix, true).with_kept(options)));
    }
    let connector = client::Connector::new(host, hosts::Trusted::new(host, options)).map_err(failed)?;
    let mut url = url::Url::parse(location.url().unwrap_or_default())
        .map_err(|error| FormatError::new(location, format!("is no URL: {error}")))?;
    url.set_fragment(None);
    // A name is appended after a slash of its own.
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    let client = HttpBuilder::new().with_url(url).with_retry(no_retries()).with_http_connector(connector).build();
    let client = client.map_err(|error| failed(Fault::of_client(&error)))?;
    Ok(Arc::new(RemoteStore::new(location.clone(), Arc::new(client), String::new(), false).with_kept(options)))
}

/// Whether to try again is decided by [`fetching`] alone.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

/// Whether a name that is not empty leads nowhere but to something below a store's place.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// What is known of an object and how it begins: at most `max_bytes` of it; `None` where there is none. From a server that gives files
/// only as a whole, the whole comes, if it is not long.
///
/// # Errors
/// As [`tried`].
pub fn beginning(
    store: &dyn ByteStore,
    name: &str,
    max_bytes: u64,
    cancel: &Cancel,
) -> Result<Option<(ObjectInfo, Vec<u8>)>, FormatError> {
    const MAX_WHOLE_BYTES: u64 = 64 << 20;
    tried(store, name, cancel, &mut |until| {
        let Some(info) = store.head(name, until, cancel)? else { return Ok(None) };
        let found = match store.ranges(name, &[0..info.num_bytes.min(max_bytes)], until, cancel) {
            Ok(found) => found.map(|mut parts| parts.pop().unwrap_or_default()),
            Err(FetchError::Lasting(ReadError { code: Some(ReadErrorCode::NoRanges), .. })) => {
                let mut whole = store.whole(name, MAX_WHOLE_BYTES, until, cancel)?;
                whole.iter_mut().for_each(|bytes| bytes.truncate(max_bytes as usize));
                whole
            }
            Err(error) => return Err(error),
        };
        Ok(found.map(|bytes| (info, bytes)))
    })
}

/// What an object was like when bytes of it were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// State of the file, where it is one of this machine.
    pub stamp: Option<Stamp>,
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
