//! Bytes from afar, kept on this machine between runs: bounded, told apart by the version that the server gives
//! each object, harmless when damaged. Only what the server says is still the same is given out again.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use libdeflater::crc32;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::ObjectInfo;
use crate::format::hdf5::{open_shared, read_at};

/// The folder in the user's cache; another one when files are written otherwise.
const FOLDER: &str = "network-1";

/// How every file begins.
const MAGIC: [u8; 8] = *b"tectumN1";

/// Magic, sum, length of the object, length of its version.
const HEAD_BYTES: usize = 8 + 4 + 8 + 4;

/// What a file takes on a disk at least.
const LEAST_BYTES: u64 = 4096;

/// Longest version that is kept.
const MAX_VERSION_BYTES: usize = 1024;

/// Name of a file: what it holds, hashed.
type Key = [u8; 32];

/// What is kept of objects of the network.
pub struct DiskCache {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    max_bytes: u64,
    num_bytes: u64,
    /// Length on disk and when it was last used, counted.
    files: HashMap<Key, (u64, u64)>,
    num_used: u64,
}

impl DiskCache {
    /// The one in a folder of the user's, with room for so many bytes. Reads the folder when it is first asked for.
    pub fn of(folder: &Path, max_bytes: u64) -> Arc<Self> {
        static KNOWN: Mutex<Vec<Arc<DiskCache>>> = Mutex::new(Vec::new());
        let folder = folder.join(FOLDER);
        let mut known = KNOWN.lock();
        let cache = match known.iter().find(|cache| cache.folder == folder) {
            Some(cache) => Arc::clone(cache),
            None => {
                let state = Mutex::new(State::found_in(&folder));
                let cache = Arc::new(Self { folder, state });
                known.push(Arc::clone(&cache));
                cache
            }
        };
        let mut state = cache.state.lock();
        state.max_bytes = max_bytes;
        let gone = state.make_room(0);
        drop(state);
        cache.remove(gone);
        cache
    }

    /// The state in which parts of an object are kept.
    pub fn state(&self, object: &str) -> Option<ObjectInfo> {
        self.get(key(&["state", object])).map(|(info, _)| info)
    }

    /// A part of an object in one state.
    pub fn part(&self, object: &str, info: &ObjectInfo, range: &Range<u64>) -> Option<Vec<u8>> {
        let (kept, bytes) = self.get(part_key(object, info, range)?)?;
        (kept == *info && bytes.len() as u64 == range.end - range.start).then_some(bytes)
    }

    /// All of an object, and the state it was in.
    pub fn whole(&self, object: &str) -> Option<(ObjectInfo, Vec<u8>)> {
        self.get(key(&["whole", object])).filter(|(info, bytes)| info.num_bytes == bytes.len() as u64)
    }

    /// Keeps the state that parts of an object are of.
    pub fn keep_state(&self, object: &str, info: &ObjectInfo) {
        self.put(key(&["state", object]), info, &[]);
    }

    /// Keeps a part of an object.
    pub fn keep_part(&self, object: &str, info: &ObjectInfo, range: &Range<u64>, bytes: &[u8]) {
        if let Some(key) = part_key(object, info, range) {
            self.put(key, info, bytes);
        }
    }

    /// Keeps all of an object.
    pub fn keep_whole(&self, object: &str, info: &ObjectInfo, bytes: &[u8]) {
        self.put(key(&["whole", object]), info, bytes);
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(&name[..2]).join(&name[2..])
    }

    fn get(&self, key: Key) -> Option<(ObjectInfo, Vec<u8>)> {
        if !self.state.lock().files.contains_key(&key) {
            return None;
        }
        let path = self.path(&key);
        let read = read(&path);
        match &read {
            Some(_) => {
                self.state.lock().use_file(key);
                // Whoever reads the folder next begins with the order of use.
                let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
            }
            None => self.remove(self.state.lock().forget(&key).into_iter().collect()),
        }
        read
    }

    fn put(&self, key: Key, info: &ObjectInfo, bytes: &[u8]) {
        let Some(version) = info.version.as_deref().filter(|version| version.len() <= MAX_VERSION_BYTES) else {
            return;
        };
        let num_bytes = ((HEAD_BYTES + version.len() + bytes.len()) as u64).max(LEAST_BYTES);
        {
            let mut state = self.state.lock();
            if num_bytes > state.max_bytes / 4 {
                return;
            }
            let gone = state.make_room(num_bytes);
            drop(state);
            self.remove(gone);
        }
        // What cannot be kept is fetched again.
        if write(&self.path(&key), info.num_bytes, version, bytes).is_ok() {
            self.state.lock().add(key, num_bytes);
        }
    }

    fn remove(&self, gone: Vec<Key>) {
        for key in gone {
            let _ = std::fs::remove_file(self.path(&key));
        }
    }
}

impl State {
    /// What lies in the folder, in the order in which it was last used.
    fn found_in(folder: &Path) -> Self {
        let mut found = Vec::new();
        let names = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
        for part in names(folder) {
            for entry in names(&part.path()) {
                let name = format!("{}{}", part.file_name().to_string_lossy(), entry.file_name().to_string_lossy());
                let (Some(key), Ok(metadata)) = (parsed(&name), entry.metadata()) else { continue };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((used, key, metadata.len().max(LEAST_BYTES)));
            }
        }
        found.sort_unstable();
        let mut state = Self::default();
        found.into_iter().for_each(|(_, key, num_bytes)| state.add(key, num_bytes));
        state
    }

    fn add(&mut self, key: Key, num_bytes: u64) {
        self.forget(&key);
        self.num_used += 1;
        self.num_bytes += num_bytes;
        self.files.insert(key, (num_bytes, self.num_used));
    }

    fn use_file(&mut self, key: Key) {
        self.num_used += 1;
        if let Some((_, used)) = self.files.get_mut(&key) {
            *used = self.num_used;
        }
    }

    fn forget(&mut self, key: &Key) -> Option<Key> {
        let (num_bytes, _) = self.files.remove(key)?;
        self.num_bytes -= num_bytes;
        Some(*key)
    }

    /// The files that have to go for so many bytes more: where there is no room, a tenth of it is made.
    fn make_room(&mut self, num_bytes: u64) -> Vec<Key> {
        if self.num_bytes + num_bytes <= self.max_bytes {
            return Vec::new();
        }
        let aim = (self.max_bytes / 10 * 9).saturating_sub(num_bytes);
        let mut order: Vec<(u64, Key)> = self.files.iter().map(|(key, (_, used))| (*used, *key)).collect();
        order.sort_unstable();
        let mut gone = Vec::new();
        for (_, key) in order {
            if self.num_bytes <= aim {
                break;
            }
            gone.extend(self.forget(&key));
        }
        gone
    }
}

fn key(parts: &[&str]) -> Key {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn part_key(object: &str, info: &ObjectInfo, range: &Range<u64>) -> Option<Key> {
    let place = format!("{}-{}", range.start, range.end);
    Some(key(&["part", object, info.version.as_deref()?, &place]))
}

fn parsed(name: &str) -> Option<Key> {
    let mut key = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&name[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(key)
}

/// What a file holds; `None` where it is gone, damaged or somebody else's.
fn read(path: &Path) -> Option<(ObjectInfo, Vec<u8>)> {
    let file = open_shared(path).ok()?;
    let mut stored = vec![0; usize::try_from(file.metadata().ok()?.len()).ok()?];
    read_at(&file, &mut stored, 0).ok()?;
    let head = stored.get(..HEAD_BYTES)?;
    let sum = u32::from_le_bytes(head[8..12].try_into().ok()?);
    if head[..8] != MAGIC || crc32(&stored[12..]) != sum {
        return None;
    }
    let num_bytes = u64::from_le_bytes(head[12..20].try_into().ok()?);
    let data_at = HEAD_BYTES + u32::from_le_bytes(head[20..24].try_into().ok()?) as usize;
    let version = std::str::from_utf8(stored.get(HEAD_BYTES..data_at)?).ok()?;
    let info = ObjectInfo { num_bytes, version: Some(version.into()) };
    stored.drain(..data_at);
    Some((info, stored))
}

/// Writes a file that appears only when it is whole, readable for its user alone.
fn write(path: &Path, num_bytes: u64, version: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    std::fs::create_dir_all(folder)?;
    let mut rest = Vec::with_capacity(HEAD_BYTES + version.len() + bytes.len());
    rest.extend_from_slice(&num_bytes.to_le_bytes());
    rest.extend_from_slice(&(version.len() as u32).to_le_bytes());
    rest.extend_from_slice(version.as_bytes());
    rest.extend_from_slice(bytes);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&MAGIC)?;
    file.write_all(&crc32(&rest).to_le_bytes())?;
    file.write_all(&rest)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(num_bytes: u64, version: &str) -> ObjectInfo {
        ObjectInfo { num_bytes, version: Some(version.into()) }
    }

    fn on_disk(folder: &Path) -> Vec<PathBuf> {
        let names = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        names(&folder.join(FOLDER)).flat_map(|part| names(&part).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn it_stays_within_its_bytes_and_what_was_used_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::of(folder.path(), 200_000);
        let bytes = vec![1; 10_000];
        for i in 0..40u64 {
            cache.keep_part("a", &info(1 << 20, "v"), &(i..i + 10_000), &bytes);
            assert!(cache.part("a", &info(1 << 20, "v"), &(0..10_000)).is_some(), "used all the time: {i}");
            let used: u64 = on_disk(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
            assert!(used <= 200_000, "{used}");
        }
        assert!(cache.part("a", &info(1 << 20, "v"), &(1..10_001)).is_none(), "the oldest has gone");
        // A run later, with less room.
        let again = State::found_in(&folder.path().join(FOLDER));
        assert_eq!(again.num_bytes, cache.state.lock().num_bytes);
        DiskCache::of(folder.path(), 30_000);
        assert!(on_disk(folder.path()).len() <= 2);
    }

    #[test]
    fn what_is_of_another_state_damaged_or_foreign_is_not_given_out() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::of(folder.path(), 1 << 20);
        cache.keep_whole("a", &info(3, "1"), b"abc");
        cache.keep_part("a", &info(3, "1"), &(0..2), b"ab");
        assert_eq!(cache.whole("a"), Some((info(3, "1"), b"abc".to_vec())));
        assert_eq!(cache.part("a", &info(3, "2"), &(0..2)), None);
        assert_eq!((cache.whole("b"), cache.state("a")), (None, None));
        // No version, no way to tell whether it is still true.
        cache.keep_whole("c", &ObjectInfo { num_bytes: 3, version: None }, b"abc");
        assert_eq!(cache.whole("c"), None);
        for path in on_disk(folder.path()) {
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        assert_eq!((cache.whole("a"), cache.part("a", &info(3, "1"), &(0..2))), (None, None));
        assert!(on_disk(folder.path()).is_empty(), "what is damaged goes");
        std::fs::write(folder.path().join(FOLDER).join("stranger"), b"x").unwrap();
        State::found_in(&folder.path().join(FOLDER));
    }
}
