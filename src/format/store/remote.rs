//! A store of the network, over any client of `object_store`: HTTP(S) and S3.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use parking_lot::Mutex;

use super::super::{Cancel, FetchError, OpenOptions, ReadErrorCode};
use super::cache::DiskCache;
use super::client::Limit;
use super::fault::{CHANGED, Fault, FaultKind};
use super::network::wait;
use super::traffic::was_kept;
use super::{ByteStore, ObjectInfo, is_name, ranges};
use crate::volume::Location;

/// States of so many objects are remembered; enough for whatever is read in parts.
const MAX_SEEN: usize = 50_000;

/// Objects behind a URL.
pub struct RemoteStore {
    place: Location,
    client: Arc<dyn ObjectStore>,
    /// What stands before every name in the client's own paths.
    prefix: String,
    /// Whether the client can list.
    can_list: bool,
    /// The state in which each object was met: parts of two states are never mixed.
    seen: Mutex<HashMap<String, ObjectInfo>>,
    /// What is kept of it on this machine.
    kept: Option<Arc<DiskCache>>,
}

impl RemoteStore {
    /// The store of a place of which `client` gives what lies below `prefix`; nothing is asked.
    pub fn new(place: Location, client: Arc<dyn ObjectStore>, prefix: String, can_list: bool) -> Self {
        Self { place, client, prefix, can_list, seen: Mutex::default(), kept: None }
    }

    /// The same, keeping what has come in the user's cache.
    #[must_use]
    pub fn with_kept(mut self, options: &OpenOptions) -> Self {
        let max_bytes = options.max_kept_bytes;
        self.kept = options.cache.as_deref().filter(|_| max_bytes > 0).map(|folder| DiskCache::of(folder, max_bytes));
        self
    }

    /// What an object is called in what is kept: the right to read it may be another one every day.
    fn kept_name(&self, name: &str) -> String {
        self.location(name).without_secrets()
    }

    /// The client's path of a name; `None` where the name leads out of the place.
    fn path(&self, name: &str) -> Option<Path> {
        if !name.is_empty() && !is_name(name) {
            return None;
        }
        let divider = if self.prefix.is_empty() || name.is_empty() { "" } else { "/" };
        Path::parse(format!("{}{divider}{name}", self.prefix)).ok()
    }

    fn seen(&self, name: &str) -> Option<ObjectInfo> {
        self.seen.lock().get(name).cloned()
    }

    fn see(&self, name: &str, info: &ObjectInfo) {
        let mut seen = self.seen.lock();
        if seen.len() >= MAX_SEEN {
            seen.clear();
        }
        seen.insert(name.to_owned(), info.clone());
    }

    /// One request: all of an object, or a range that ends where the object does at the latest. Where it is still
    /// in a state that is `known`, that is said instead.
    async fn get(
        client: Arc<dyn ObjectStore>,
        path: Path,
        range: Option<Range<u64>>,
        max_bytes: u64,
        known: Option<&ObjectInfo>,
    ) -> Result<(ObjectInfo, Vec<u8>), Fault> {
        let mut options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let tag = known.and_then(|info| info.version.as_deref());
        options.if_none_match = tag.filter(|tag| tag.contains('"')).map(str::to_owned);
        options.extensions.insert(Limit(max_bytes));
        let answer = client.get_opts(&path, options).await.map_err(|error| Fault::of_client(&error))?;
        let info = info_of(&answer.meta);
        let bytes = answer.bytes().await.map_err(|error| Fault::of_client(&error))?;
        Ok((info, bytes.into()))
    }

    /// All requests side by side; those that are left are given up with the first that fails.
    async fn get_all(
        &self,
        path: &Path,
        wanted: Vec<Range<u64>>,
    ) -> Result<Vec<(ObjectInfo, Range<u64>, Vec<u8>)>, Fault> {
        let get = |range: Range<u64>| {
            let max_bytes = range.end - range.start;
            Self::get(Arc::clone(&self.client), path.clone(), Some(range), max_bytes, None)
        };
        if let [range] = wanted.as_slice() {
            let (info, bytes) = get(range.clone()).await?;
            return Ok(vec![(info, range.clone(), bytes)]);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for range in wanted {
            let request = get(range.clone());
            tasks.spawn(async move { request.await.map(|(info, bytes)| (info, range, bytes)) });
        }
        let mut all = Vec::new();
        while let Some(done) = tasks.join_next().await {
            all.push(done.map_err(|error| Fault::passing(error.to_string()))??);
        }
        all.sort_unstable_by_key(|(_, range, _)| range.start);
        Ok(all)
    }

    /// Asks for ranges of an object and holds its answers to one state of it.
    async fn fetch(&self, name: &str, path: &Path, wanted: &[Range<u64>]) -> Result<Vec<Vec<u8>>, Fault> {
        let mut state = self.seen(name);
        let check_end = |state: &Option<ObjectInfo>| {
            let end = wanted.iter().map(|range| range.end).max().unwrap_or(0);
            let is_beyond = state.as_ref().is_some_and(|info| end > info.num_bytes);
            if is_beyond { Err(Fault::new(FaultKind::BeyondEnd, "the file ends before these data")) } else { Ok(()) }
        };
        check_end(&state)?;
        let mut parts = Vec::new();
        let is_known = state.is_some();
        let answers = self.get_all(path, ranges::requests(wanted)).await.map_err(|fault| match fault.kind {
            // It was longer when it was met.
            FaultKind::BeyondEnd if is_known => changed(),
            _ => fault,
        })?;
        for (info, range, bytes) in answers {
            match &state {
                Some(known) if *known != info => return Err(changed()),
                Some(_) => {}
                None => {
                    self.see(name, &info);
                    state = Some(info);
                    check_end(&state)?;
                }
            }
            parts.push((range, bytes));
        }
        ranges::pick(wanted, parts).ok_or_else(|| Fault::passing("the server sent less than was asked for"))
    }

    /// Whether what is kept of an object is still true of it: its state, once the server has said so.
    fn still(&self, kept: &DiskCache, name: &str, path: &Path, until: Instant, cancel: &Cancel) -> Option<ObjectInfo> {
        if let Some(info) = self.seen(name) {
            return Some(info);
        }
        let known = kept.state(&self.kept_name(name))?;
        let asked = Self::get(Arc::clone(&self.client), path.clone(), Some(0..1), 1, Some(&known));
        let info = match wait(asked, until, cancel) {
            Err(fault) if fault.kind == FaultKind::Unchanged => known,
            Ok((info, _)) => {
                kept.keep_state(&self.kept_name(name), &info);
                info
            }
            // Whoever asks for the bytes is told.
            Err(_) => return None,
        };
        self.see(name, &info);
        Some(info)
    }

    /// Ranges of which some may be kept on this machine; what had to come is kept there.
    fn kept_or_fetched(
        &self,
        kept: &DiskCache,
        name: &str,
        path: &Path,
        wanted: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<u8>>, Fault> {
        let object = self.kept_name(name);
        let state = self.still(kept, name, path, until, cancel);
        let part = |range: &Range<u64>| state.as_ref().and_then(|info| kept.part(&object, info, range));
        let mut found: Vec<Option<Vec<u8>>> = wanted.iter().map(part).collect();
        was_kept(found.iter().flatten().map(Vec::len).sum());
        let absent = wanted.iter().zip(&found).filter(|(_, found)| found.is_none());
        let absent: Vec<Range<u64>> = absent.map(|(range, _)| range.clone()).collect();
        if !absent.is_empty() {
            let fetched = wait(self.fetch(name, path, &absent), until, cancel)?;
            if let Some(info) = self.seen(name) {
                if state.is_none() {
                    kept.keep_state(&object, &info);
                }
                absent.iter().zip(&fetched).for_each(|(range, bytes)| kept.keep_part(&object, &info, range, bytes));
            }
            found
                .iter_mut()
                .filter(|found| found.is_none())
                .zip(fetched)
                .for_each(|(found, bytes)| *found = Some(bytes));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// An answer as the contract of stores has it.
    fn outcome<T>(&self, name: &str, result: Result<T, Fault>) -> Result<Option<T>, FetchError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.kind == FaultKind::Absent => Ok(None),
            Err(fault) => Err(fault.into_fetch_error(&self.location(name))),
        }
    }
}

fn changed() -> Fault {
    Fault::new(FaultKind::Lasting(Some(ReadErrorCode::Changed)), CHANGED)
}

fn info_of(meta: &object_store::ObjectMeta) -> ObjectInfo {
    let changed = meta.last_modified.timestamp_millis();
    let version = match &meta.e_tag {
        Some(tag) => Some(tag.as_str().into()),
        None => (changed != 0).then(|| format!("{changed}-{}", meta.size).into()),
    };
    ObjectInfo { num_bytes: meta.size, version }
}

impl ByteStore for RemoteStore {
    fn location(&self, name: &str) -> Location {
        if name.is_empty() { self.place.clone() } else { self.place.join(name) }
    }

    fn head(&self, name: &str, until: Instant, cancel: &Cancel) -> Result<Option<ObjectInfo>, FetchError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        // A byte of it, and not its head: the right to read may be given for nothing else.
        let first = Self::get(Arc::clone(&self.client), path.clone(), Some(0..1), 1, None);
        let result = match wait(first, until, cancel).map(|(info, _)| info) {
            Err(fault) if fault.kind == FaultKind::BeyondEnd => Ok(ObjectInfo { num_bytes: 0, version: None }),
            Err(fault) if fault.kind == FaultKind::Lasting(Some(ReadErrorCode::NoRanges)) => {
                let head = async { self.client.head(&path).await.map_err(|error| Fault::of_client(&error)) };
                wait(head, until, cancel).map(|meta| info_of(&meta))
            }
            result => result,
        };
        if let Ok(info) = &result {
            self.see(name, info);
        }
        self.outcome(name, result)
    }

    fn ranges(
        &self,
        name: &str,
        wanted: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Vec<u8>>>, FetchError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        if wanted.iter().any(|range| range.start > range.end) {
            let fault = Fault::new(FaultKind::BeyondEnd, "a range ends before it begins");
            return Err(fault.into_fetch_error(&self.location(name)));
        }
        if wanted.iter().all(Range::is_empty) {
            return Ok(self.head(name, until, cancel)?.map(|_| vec![Vec::new(); wanted.len()]));
        }
        let result = match &self.kept {
            Some(kept) => self.kept_or_fetched(kept, name, &path, wanted, until, cancel),
            None => wait(self.fetch(name, &path, wanted), until, cancel),
        };
        self.outcome(name, result)
    }

    fn whole(
        &self,
        name: &str,
        max_bytes: u64,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let object = self.kept_name(name);
        let before = self.kept.as_ref().and_then(|kept| kept.whole(&object));
        let before = before.filter(|(info, _)| info.num_bytes <= max_bytes);
        let known = before.as_ref().map(|(info, _)| info);
        let result = match wait(Self::get(Arc::clone(&self.client), path, None, max_bytes, known), until, cancel) {
            Err(fault) if fault.kind == FaultKind::Unchanged => {
                before.ok_or(fault).inspect(|(_, bytes)| was_kept(bytes.len()))
            }
            Ok((info, bytes)) => {
                self.kept.iter().for_each(|kept| kept.keep_whole(&object, &info, &bytes));
                Ok((info, bytes))
            }
            Err(fault) => Err(fault),
        };
        if let Ok((info, _)) = &result {
            self.see(name, info);
        }
        self.outcome(name, result.map(|(_, bytes)| bytes))
    }

    fn list(&self, folder: &str, until: Instant, cancel: &Cancel) -> Result<Option<Vec<String>>, FetchError> {
        if !self.can_list {
            return Ok(None);
        }
        let Some(path) = self.path(folder) else { return Ok(Some(Vec::new())) };
        let prefix = (!path.as_ref().is_empty()).then_some(&path);
        let listed = async { self.client.list_with_delimiter(prefix).await.map_err(|error| Fault::of_client(&error)) };
        let result = wait(listed, until, cancel).map(|listed| {
            let name = |path: &Path| path.filename().map(str::to_owned);
            let folders = listed.common_prefixes.iter().filter_map(|path| Some(name(path)? + "/"));
            let files = listed.objects.iter().filter_map(|meta| name(&meta.location));
            let mut names: Vec<String> = folders.chain(files).collect();
            names.sort_unstable();
            names
        });
        Ok(Some(self.outcome(folder, result)?.unwrap_or_default()))
    }

    fn is_remote(&self) -> bool {
        true
    }
}
