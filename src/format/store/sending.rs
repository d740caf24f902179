//! Objects that are sent to a bucket: tried again while faults pass, each as a whole, long ones in parts. Many are
//! under way at once, within a bound of memory.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::MultipartStore;
pub use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt as _, PutPayload};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::super::{Cancel, FormatError, FormatErrorCode, OpenOptions};
use super::client::SEND_TIMEOUT;
use super::fault::{Fault, FaultKind};
use super::network::{start, wait};
use super::{is_name, s3};
use crate::volume::Location;

/// Bytes that are under way or wait for it.
const MAX_BYTES: usize = 128 << 20;
/// Bytes are counted in these: a semaphore has few numbers.
const UNIT: usize = 64 << 10;
/// How often something is tried.
const MAX_TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Whatever is waited for ends by then: all tries of a request, and those before it in the line.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A place in a bucket that is written to. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    place: Location,
    client: Arc<AmazonS3>,
    prefix: String,
    room: Arc<Semaphore>,
}

/// Something that is on its way.
pub struct Sending<T>(JoinHandle<Result<T, FormatError>>);

impl<T> Sending<T> {
    /// Whether it has arrived or failed.
    pub fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits until it has arrived.
    ///
    /// # Errors
    /// What kept it from arriving.
    pub fn wait(self, bucket: &Bucket) -> Result<T, FormatError> {
        bucket.wait("", async { self.0.await.map_err(|error| Fault::passing(error.to_string())) })?
    }
}

/// An object that is sent in parts, and appears when it is completed.
#[derive(Clone)]
pub struct Upload {
    bucket: Bucket,
    name: String,
    path: Path,
    id: MultipartId,
}

impl Bucket {
    /// A place of `s3://bucket/key`; credentials and endpoint as when it is read. Nothing is asked yet, but for the
    /// region of the bucket where nobody has said it.
    ///
    /// # Errors
    /// It is no such place.
    pub fn open(location: &Location, options: &OpenOptions) -> Result<Self, FormatError> {
        let host = location.host().unwrap_or_default();
        let prefix = location.url_path().unwrap_or_default().trim_matches('/').to_owned();
        if location.scheme().is_none_or(|scheme| !scheme.eq_ignore_ascii_case("s3")) {
            let text = "of what lies afar only buckets are written to, by s3://bucket/name";
            return Err(FormatError::new(location, text).with_code(FormatErrorCode::NoStore));
        }
        if host.is_empty() || prefix.is_empty() || !is_name(&prefix) {
            return Err(FormatError::new(location, "names no place in a bucket, as s3://bucket/name does"));
        }
        let client = s3::sender(host, options).map_err(|fault| FormatError::new(location, fault.message))?;
        let room = Arc::new(Semaphore::new(MAX_BYTES / UNIT));
        Ok(Self { place: location.clone(), client: Arc::new(client), prefix, room })
    }

    /// Where an object lies.
    pub fn location(&self, name: &str) -> Location {
        if name.is_empty() { self.place.clone() } else { self.place.join(name) }
    }

    fn path(&self, name: &str) -> Result<Path, FormatError> {
        let wrong = || FormatError::new(self.location(name), "names nothing in a bucket");
        if !is_name(name) {
            return Err(wrong());
        }
        Path::parse(format!("{}/{name}", self.prefix)).map_err(|_| wrong())
    }

    fn wait<T>(&self, name: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, FormatError> {
        wait(work, Instant::now() + PATIENCE, &Cancel::new()).map_err(|fault| self.failed(name, fault))
    }

    fn failed(&self, name: &str, fault: Fault) -> FormatError {
        FormatError::new(self.location(name), fault.message)
    }

    /// Waits for room for so many bytes.
    fn room(&self, name: &str, num_bytes: usize) -> Result<OwnedSemaphorePermit, FormatError> {
        let units = num_bytes.div_ceil(UNIT).clamp(1, MAX_BYTES / UNIT) as u32;
        let room = Arc::clone(&self.room).acquire_many_owned(units);
        self.wait(name, async { room.await.map_err(|error| Fault::lasting(error.to_string())) })
    }

    fn start<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<Sending<T>, FormatError> {
        let (bucket, of) = (self.clone(), name.to_owned());
        let work = async move { work.await.map_err(|fault| bucket.failed(&of, fault)) };
        Ok(Sending(start(work).map_err(|fault| self.failed(name, fault))?))
    }

    /// Sends an object as a whole; waits only until there is room for it.
    ///
    /// # Errors
    /// It has no such name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) -> Result<Sending<()>, FormatError> {
        let path = self.path(name)?;
        let room = self.room(name, bytes.len())?;
        let (client, payload) = (Arc::clone(&self.client), PutPayload::from(bytes));
        self.start(name, async move {
            let _room = room;
            tried(|| client.put(&path, payload.clone())).await.map(drop)
        })
    }

    /// Takes an object away, whether it is there or not; waits only until there is room for the request.
    ///
    /// # Errors
    /// It has no such name.
    pub fn remove(&self, name: &str) -> Result<Sending<()>, FormatError> {
        let path = self.path(name)?;
        let room = self.room(name, UNIT)?;
        let client = Arc::clone(&self.client);
        self.start(name, async move {
            let _room = room;
            or_absent(tried(|| client.delete(&path)).await).map(drop)
        })
    }

    /// All of a small object; `None` where there is none.
    ///
    /// # Errors
    /// What kept it from coming.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, FormatError> {
        let path = self.path(name)?;
        let get = || async { self.client.get(&path).await?.bytes().await };
        let got = self.wait(name, async { or_absent(tried(get).await) })?;
        Ok(got.map(|bytes| bytes.to_vec()))
    }

    /// Whether anything lies below this place.
    ///
    /// # Errors
    /// What kept it from being told.
    pub fn is_empty(&self) -> Result<bool, FormatError> {
        Ok(self.list(true)?.is_empty())
    }

    /// Takes away all that lies below this place.
    ///
    /// # Errors
    /// What kept it from being taken away.
    pub fn clear(&self) -> Result<(), FormatError> {
        for path in self.list(false)? {
            self.wait("", async { or_absent(tried(|| self.client.delete(&path)).await).map(drop) })?;
        }
        Ok(())
    }

    fn list(&self, is_first_enough: bool) -> Result<Vec<Path>, FormatError> {
        let prefix = format!("{}/", self.prefix);
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let page = || {
                let max_keys = is_first_enough.then_some(1);
                let options = PaginatedListOptions { page_token: token.clone(), max_keys, ..Default::default() };
                self.client.list_paginated(Some(&prefix), options)
            };
            let page = self.wait("", tried(page))?;
            found.extend(page.result.objects.into_iter().map(|object| object.location));
            token = page.page_token;
            if token.is_none() || is_first_enough {
                return Ok(found);
            }
        }
    }

    /// Begins an object that is sent in parts.
    ///
    /// # Errors
    /// What kept it from being begun.
    pub fn upload(&self, name: &str) -> Result<Upload, FormatError> {
        let path = self.path(name)?;
        let id = self.wait(name, tried(|| self.client.create_multipart(&path)))?;
        Ok(Upload { bucket: self.clone(), name: name.to_owned(), path, id })
    }
}

impl Upload {
    /// Sends a part, counted from 0; waits only until there is room for it.
    ///
    /// # Errors
    /// The network cannot be had.
    pub fn part(&self, number: usize, bytes: Vec<u8>) -> Result<Sending<PartId>, FormatError> {
        let room = self.bucket.room(&self.name, bytes.len())?;
        let (own, payload) = (self.clone(), PutPayload::from(bytes));
        self.bucket.start(&self.name, async move {
            let _room = room;
            tried(|| own.bucket.client.put_part(&own.path, &own.id, number, payload.clone())).await
        })
    }

    /// Lets the object of so many bytes appear, made of its parts in order.
    ///
    /// # Errors
    /// What kept it from appearing.
    pub fn complete(&self, parts: &[PartId], num_bytes: u64) -> Result<(), FormatError> {
        let client = &self.bucket.client;
        let complete = || async {
            let Err(error) = client.complete_multipart(&self.path, &self.id, parts.to_vec()).await else {
                return Ok(());
            };
            // The answer to a former try may have been lost: the upload is gone then, and the object there.
            match client.head(&self.path).await {
                Ok(there) if there.size == num_bytes => Ok(()),
                _ => Err(error),
            }
        };
        self.bucket.wait(&self.name, tried(complete))
    }

    /// Gives it up; what was sent is taken away, if the server can be reached.
    pub fn abort(self) {
        let name = self.name.clone();
        let bucket = self.bucket.clone();
        let _ = bucket.start(&name, async move {
            let aborted = self.bucket.client.abort_multipart(&self.path, &self.id).await;
            aborted.map_err(|error| Fault::of_client(&error))
        });
    }
}

/// What is not there is nothing.
fn or_absent<T>(result: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match result {
        Err(fault) if fault.kind == FaultKind::Absent => Ok(None),
        result => result.map(Some),
    }
}

/// Tries something until it succeeds or will not: with pauses that become longer, and those that the server asks for.
async fn tried<T, F>(work: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = object_store::Result<T>>,
{
    let mut pause = FIRST_PAUSE;
    for left in (0..MAX_TRIES).rev() {
        let fault = match tokio::time::timeout(SEND_TIMEOUT, work()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => Fault::inside(&error).unwrap_or_else(Fault::passing),
            Err(_) => Fault::no_answer(),
        };
        if left == 0 || fault.kind != FaultKind::Passing {
            return Err(fault);
        }
        tokio::time::sleep(fault.after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(Fault::no_answer())
}
