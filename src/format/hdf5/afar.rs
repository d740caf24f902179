//! HDF5 files behind URLs. What the library reads of one (its metadata) is fetched in blocks and kept while the
//! file is known here; the library itself never waits for the network, and neither does anybody for its lock: a
//! run that meets a block that is not there yet is thrown away, the block fetched, and the run made again.
//!
//! In this module a file is known by its path. The path of a file behind a URL reads as the URL does, without
//! what must not be shown of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::file::Stamp;
use super::neighbours::Neighbours;
use crate::format::store::{ByteStore, ObjectInfo, tried};
use crate::format::{FormatError, OpenOptions};
use crate::volume::Location;

/// What is fetched at least.
const BLOCK_BYTES: u64 = 32 << 10;

/// Blocks fetched along with each that is missing: what a library reads next mostly lies behind.
const NUM_AHEAD: u64 = 3;

/// Blocks fetched first: the beginning of a file holds the most of its metadata.
const NUM_FIRST: u64 = 16;

/// Most bytes of blocks in one run.
const MAX_RUN_BYTES: usize = 512 << 20;

/// Most bytes of blocks kept between runs, of all files together.
const MAX_KEPT_BYTES: u64 = 64 << 20;

/// Files that are known though nobody has an array of them open; the ones that were met the longest time ago are
/// forgotten.
const MAX_FILES: usize = 64;

/// One file behind a URL.
pub struct FarFile {
    path: PathBuf,
    pub(super) location: Location,
    store: Arc<dyn ByteStore>,
    num_bytes: u64,
    version: Option<Arc<str>>,
    /// What holds for this opening: which hosts may be asked, and what abandons it.
    pub(super) options: OpenOptions,
    /// Files that this one names.
    pub(super) neighbours: Neighbours,
    blocks: Mutex<BTreeMap<u64, Arc<[u8]>>>,
    /// Why the blocks for a run did not come.
    failure: Mutex<Option<String>>,
}

/// Files that are known here.
#[derive(Default)]
struct Known {
    /// By the paths that they are known by.
    all: HashMap<PathBuf, Weak<FarFile>>,
    /// The ones met last, the latest at the end.
    recent: VecDeque<Arc<FarFile>>,
}

static FILES: Mutex<Option<Known>> = Mutex::new(None);

thread_local! {
    /// Blocks that the run of this thread met and that were not there.
    static MISSING: RefCell<Option<(Arc<FarFile>, BTreeSet<u64>)>> = const { RefCell::new(None) };
}

/// Makes a file behind a URL known here, in the state in which it was met, and gives the path that it is known by.
pub fn known_as(location: &Location, store: &Arc<dyn ByteStore>, info: ObjectInfo, options: &OpenOptions) -> PathBuf {
    known(location, store, info, options).path.clone()
}

/// Makes a file behind a URL known; `None` where the server has none. Blocks.
///
/// # Errors
/// When the server does not say what it is.
pub(super) fn met(
    location: &Location,
    store: &Arc<dyn ByteStore>,
    options: &OpenOptions,
) -> Result<Option<Arc<FarFile>>, FormatError> {
    let cancel = &options.cancel;
    let info = tried(store.as_ref(), "", cancel, &mut |until| store.head("", until, cancel))?;
    Ok(info.map(|info| known(location, store, info, options)))
}

fn known(location: &Location, store: &Arc<dyn ByteStore>, info: ObjectInfo, options: &OpenOptions) -> Arc<FarFile> {
    let ObjectInfo { num_bytes, version } = info;
    let path = PathBuf::from(location.without_secrets());
    let options = OpenOptions { cancel: options.cancel.clone(), ..options.standing() };
    let file = Arc::new(FarFile {
        path: path.clone(),
        location: location.clone(),
        store: Arc::clone(store),
        num_bytes,
        version,
        options,
        neighbours: Neighbours::default(),
        blocks: Mutex::default(),
        failure: Mutex::default(),
    });
    let mut files = FILES.lock();
    let files = files.get_or_insert_default();
    files.all.retain(|_, file| file.strong_count() > 0);
    files.recent.retain(|other| other.path != path);
    files.all.insert(path, Arc::downgrade(&file));
    files.note(&file);
    file
}

/// The file behind a URL that is known by this path.
pub fn file_at(path: &Path) -> Option<Arc<FarFile>> {
    // Most paths are of this machine, and no path of this machine reads so.
    path.to_str().filter(|text| text.contains("://"))?;
    FILES.lock().as_ref()?.all.get(path)?.upgrade()
}

impl Known {
    /// Notes that a file was used, and lets go of what others keep beyond their measure.
    fn note(&mut self, file: &Arc<FarFile>) {
        self.recent.retain(|other| !Arc::ptr_eq(other, file));
        self.recent.push_back(Arc::clone(file));
        if self.recent.len() > MAX_FILES
            && let Some(forgotten) = self.recent.pop_front()
        {
            forgotten.blocks.lock().clear();
        }
        let mut num_kept = 0;
        for file in self.recent.iter().rev() {
            let mut blocks = file.blocks.lock();
            num_kept += blocks.len() as u64 * BLOCK_BYTES;
            if num_kept > MAX_KEPT_BYTES {
                blocks.clear();
            }
        }
    }
}

impl fmt::Debug for FarFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FarFile").field(&self.path).finish()
    }
}

impl FarFile {
    pub fn num_bytes(&self) -> u64 {
        self.num_bytes
    }

    /// By which path it is known.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn stamp(&self) -> Stamp {
        let mut hasher = DefaultHasher::new();
        self.version.hash(&mut hasher);
        Stamp { num_bytes: self.num_bytes, modified: None, identity: [hasher.finish(), 0] }
    }

    pub fn store(&self) -> &dyn ByteStore {
        self.store.as_ref()
    }

    /// Why nothing can be read of it, where that is so.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Fills `buffer` from `at`, if all of that is there; what is not is noted for this thread. Without IO.
    pub fn fill(self: &Arc<Self>, buffer: &mut [u8], at: u64) -> bool {
        let Some(end) = at.checked_add(buffer.len() as u64).filter(|&end| end <= self.num_bytes) else { return false };
        if buffer.is_empty() {
            return true;
        }
        let mut missing = BTreeSet::new();
        let blocks = self.blocks.lock();
        for index in at / BLOCK_BYTES..=(end - 1) / BLOCK_BYTES {
            let Some(block) = blocks.get(&index) else {
                missing.insert(index);
                continue;
            };
            let begin = index * BLOCK_BYTES;
            let (from, to) = (at.max(begin), end.min(begin + block.len() as u64));
            buffer[(from - at) as usize..(to - at) as usize]
                .copy_from_slice(&block[(from - begin) as usize..(to - begin) as usize]);
        }
        drop(blocks);
        if missing.is_empty() {
            return true;
        }
        MISSING.with_borrow_mut(|noted| {
            let (_, blocks) = noted.get_or_insert_with(|| (Arc::clone(self), BTreeSet::new()));
            blocks.append(&mut missing);
        });
        false
    }

    /// Fills `buffer` from `at`, fetching what is not there. Blocks.
    pub fn read(self: &Arc<Self>, buffer: &mut [u8], at: u64) -> Result<(), String> {
        while !self.fill(buffer, at) {
            let (_, missing) = MISSING.take().ok_or("the file ends before these data")?;
            self.fetch(&missing).map_err(|error| error.message)?;
        }
        Ok(())
    }

    /// After a run: blocks beyond what is kept are let go, and a failure is forgotten, so that the next run may
    /// succeed.
    fn rest(self: &Arc<Self>) {
        *self.failure.lock() = None;
        FILES.lock().get_or_insert_default().note(self);
    }

    /// Fetches blocks, and some behind each.
    fn fetch(&self, missing: &BTreeSet<u64>) -> Result<(), FormatError> {
        let num_blocks = self.num_bytes.div_ceil(BLOCK_BYTES);
        let ahead = if self.blocks.lock().is_empty() { NUM_FIRST } else { NUM_AHEAD };
        let mut wanted: BTreeSet<u64> = missing.clone();
        wanted.extend(missing.iter().flat_map(|index| index + 1..(index + 1 + ahead).min(num_blocks)));
        {
            let blocks = self.blocks.lock();
            wanted.retain(|index| !blocks.contains_key(index));
            if (blocks.len() + wanted.len()) as u64 * BLOCK_BYTES > MAX_RUN_BYTES as u64 {
                let text = "its metadata lie scattered over more of the file than is fetched for them";
                return Err(FormatError::new(self.path.as_path(), text));
            }
        }
        let ranges: Vec<Range<u64>> =
            wanted.iter().map(|index| index * BLOCK_BYTES..((index + 1) * BLOCK_BYTES).min(self.num_bytes)).collect();
        let found = tried(self.store.as_ref(), "", &self.options.cancel, &mut |until| {
            self.store.ranges("", &ranges, until, &self.options.cancel)
        })?;
        let found = found.ok_or_else(|| FormatError::new(self.path.as_path(), "the server has it no more"))?;
        let mut blocks = self.blocks.lock();
        blocks.extend(wanted.into_iter().zip(found.into_iter().map(Arc::from)));
        Ok(())
    }
}

/// Makes a run of the library, and makes it again for as long as it meets blocks that have to be fetched first.
pub fn again<T>(mut run: impl FnMut() -> T) -> T {
    let mut last: Option<Arc<FarFile>> = None;
    loop {
        let result = run();
        let missing = MISSING.take().filter(|_| last.as_ref().is_none_or(|file| file.failure().is_none()));
        let Some((file, missing)) = missing else {
            last.iter().for_each(|file| file.rest());
            return result;
        };
        if let Err(error) = file.fetch(&missing) {
            // The next run ends with it, in its own words.
            *file.failure.lock() = Some(error.message);
        }
        last = Some(file);
    }
}
