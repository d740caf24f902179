//! Objects that are put into a bucket instead of a folder: one request for each, long ones in parts, many under way at
//! once. They lie under their final names from the beginning; what makes a hierarchy of them is put last.

use anyhow::{Result, anyhow, bail};

use super::Place;
use super::zarr::{Long, Many, Shelf};
use crate::format::OpenOptions;
use crate::format::store::{Bucket, PartId, Sending, Upload};
use crate::volume::Location;

/// The least bytes of a part; servers take none that are smaller than 5 MiB, but for the last.
const PART_BYTES: u64 = 8 << 20;
/// Parts of one object; servers take 10,000.
const MAX_PARTS: u64 = 5000;

/// A place in a bucket.
pub struct RemoteShelf {
    place: Place,
    bucket: Bucket,
}

impl RemoteShelf {
    /// The place's location, which names a bucket.
    ///
    /// # Errors
    /// It does not.
    pub fn new(place: &Place) -> Result<Self> {
        let Some(location) = place.location() else { bail!("{}: is no bucket", place.path().display()) };
        let bucket = Bucket::open(location, &OpenOptions::default())?;
        Ok(Self { place: place.clone(), bucket })
    }

    /// Whether what lies there is to be taken away first; an error where it is not to be.
    fn others_lie_there(&self, (mark, bytes): (&str, &[u8])) -> Result<bool> {
        let shown = self.bucket.location("");
        let is_whole = self.bucket.get("zarr.json")?.is_some();
        if is_whole && !self.place.is_forced() {
            bail!("{shown}: exists already; --force replaces it");
        }
        let is_ours = !is_whole && self.bucket.get(mark)?.is_some_and(|there| there == bytes);
        if is_ours || self.bucket.is_empty()? {
            return Ok(false);
        }
        if !self.place.is_forced() {
            bail!("{shown}: other objects lie there; --force takes them away");
        }
        Ok(true)
    }
}

impl Shelf for RemoteShelf {
    fn location(&self, name: &str) -> Location {
        self.bucket.location(name)
    }

    fn check(&self, mark: (&str, &[u8])) -> Result<()> {
        self.others_lie_there(mark).map(drop)
    }

    fn prepare(&self, mark: (&str, &[u8])) -> Result<()> {
        if !self.others_lie_there(mark)? {
            return Ok(());
        }
        // What makes it a whole goes first: nothing opens meanwhile.
        self.bucket.remove("zarr.json")?.wait(&self.bucket)?;
        Ok(self.bucket.clear()?)
    }

    fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        Ok(self.bucket.put(name, bytes)?.wait(&self.bucket)?)
    }

    fn remove(&self, name: &str) -> Result<()> {
        Ok(self.bucket.remove(name)?.wait(&self.bucket)?)
    }

    fn long(&self, name: &str, max_bytes: u64) -> Result<Box<dyn Long>> {
        Ok(Box::new(LongObject {
            bucket: self.bucket.clone(),
            name: name.to_owned(),
            part_bytes: PART_BYTES.max(max_bytes / MAX_PARTS),
            waiting: Vec::new(),
            num_bytes: 0,
            upload: None,
            parts: Vec::new(),
        }))
    }

    fn many(&self) -> Box<dyn Many> {
        Box::new(ManyObjects { bucket: self.bucket.clone(), sending: Vec::new() })
    }

    fn finish(&self) -> Result<()> {
        self.place.finish()
    }
}

/// An object that is sent while it is made.
struct LongObject {
    bucket: Bucket,
    name: String,
    part_bytes: u64,
    /// What is not enough for a part yet.
    waiting: Vec<u8>,
    num_bytes: u64,
    upload: Option<Upload>,
    parts: Vec<Sending<PartId>>,
}

impl LongObject {
    fn send(&mut self) -> Result<()> {
        let upload = match &self.upload {
            Some(upload) => upload,
            None => self.upload.insert(self.bucket.upload(&self.name)?),
        };
        self.parts.push(upload.part(self.parts.len(), std::mem::take(&mut self.waiting))?);
        Ok(())
    }
}

impl Long for LongObject {
    fn append(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.num_bytes += bytes.len() as u64;
        if self.waiting.is_empty() {
            self.waiting = bytes;
        } else {
            self.waiting.extend_from_slice(&bytes);
        }
        if self.waiting.len() as u64 >= self.part_bytes { self.send() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.upload.is_none() {
            let bytes = std::mem::take(&mut self.waiting);
            return Ok(self.bucket.put(&self.name, bytes)?.wait(&self.bucket)?);
        }
        if !self.waiting.is_empty() {
            self.send()?;
        }
        let sent = std::mem::take(&mut self.parts);
        let parts = sent.into_iter().map(|part| part.wait(&self.bucket)).collect::<Result<Vec<_>, _>>()?;
        let upload = self.upload.as_ref().ok_or_else(|| anyhow!("no upload was begun"))?;
        upload.complete(&parts, self.num_bytes)?;
        self.upload = None;
        Ok(())
    }
}

impl Drop for LongObject {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
    }
}

/// Objects that are sent as wholes.
struct ManyObjects {
    bucket: Bucket,
    sending: Vec<Sending<()>>,
}

impl ManyObjects {
    /// Asks those that are over how they ended.
    fn ask(&mut self) -> Result<()> {
        let (over, sending) = std::mem::take(&mut self.sending).into_iter().partition(Sending::is_over);
        self.sending = sending;
        let over: Vec<Sending<()>> = over;
        Ok(over.into_iter().try_for_each(|one| one.wait(&self.bucket))?)
    }
}

impl Many for ManyObjects {
    fn put(&mut self, name: String, bytes: Vec<u8>) -> Result<()> {
        self.ask()?;
        self.sending.push(self.bucket.put(&name, bytes)?);
        Ok(())
    }

    fn remove(&mut self, name: String) -> Result<()> {
        self.ask()?;
        self.sending.push(self.bucket.remove(&name)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { bucket, sending } = *self;
        Ok(sending.into_iter().try_for_each(|one| one.wait(&bucket))?)
    }
}
