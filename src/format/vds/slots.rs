//! The sources of a virtual dataset: found and opened when something is read of them, and forgotten again where
//! there are many.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::array::VirtualArray;
use super::far::Way;
use super::names::Search;
use crate::format::hdf5::{H5Array, Stamp, VirtualLayout, open_shared};
use crate::format::{Chunk, Filled, FormatError, ReadError, ReadErrorCode, ReadErrorKind, VirtualOptions};
use crate::volume::{DType, PieceState, Region, Shape};

/// Memory that the chunk indexes of all open sources of one dataset may take together.
const MAX_BYTES: usize = 64 << 20;

/// How deep virtual datasets may be made of virtual datasets.
const MAX_DEPTH: usize = 8;

/// What the sources of one virtual dataset have in common.
pub(super) struct Context {
    pub search: Search,
    pub options: VirtualOptions,
    /// The dataset itself and those that are made of it: the outermost first.
    chain: Vec<(Arc<Path>, String)>,
    open: Mutex<Opened>,
}

/// Open sources, those opened first in front, with the memory of each; and the memory of all.
type Opened = (VecDeque<(Weak<Slot>, usize)>, usize);

/// One source, shared by the states of a growing dataset.
pub(super) struct Slot {
    /// The file, as the virtual dataset names it.
    pub file: PathBuf,
    /// The array in it.
    pub dataset: String,
    state: AtomicU8,
    /// Where its file was found last.
    found: Mutex<Option<PathBuf>>,
    kept: Mutex<Option<Result<Arc<OpenArray>, ReadError>>>,
}

/// An open source. No file is held open.
pub(super) struct OpenArray {
    array: Array,
    pub path: Arc<Path>,
    pub stamp: Option<Stamp>,
}

enum Array {
    Stored(Box<H5Array>),
    Virtual(Box<VirtualArray>),
}

impl Context {
    /// For the sources of an array of this file, which is itself a source of those in `chain`.
    ///
    /// # Errors
    /// When it is made of itself, or of too many others.
    pub fn new(
        path: &Path,
        dataset: &str,
        options: &VirtualOptions,
        chain: &[(Arc<Path>, String)],
    ) -> Result<Self, FormatError> {
        let real: Arc<Path> = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into();
        let this = (real, dataset.trim_matches('/').to_owned());
        let words = || {
            let names: Vec<String> = chain.iter().map(|(path, name)| format!("{}/{name}", short(path))).collect();
            names.join(" → ")
        };
        if chain.contains(&this) {
            return Err(FormatError::new(path, format!("the virtual dataset is made of itself: {}", words())));
        }
        if chain.len() >= MAX_DEPTH {
            let text = format!("virtual datasets made of virtual datasets, more than {MAX_DEPTH} deep: {}", words());
            return Err(FormatError::new(path, text));
        }
        let chain = chain.iter().cloned().chain([this]).collect();
        let search = Search::new(path, options.prefix.as_deref())?;
        Ok(Self { search, options: options.clone(), chain, open: Mutex::default() })
    }

    /// Notes a source that was opened, and closes others where they take too much memory.
    fn note_open(&self, slot: &Arc<Slot>, num_bytes: usize) {
        let mut closed = Vec::new();
        {
            let (open, sum) = &mut *self.open.lock();
            open.push_back((Arc::downgrade(slot), num_bytes));
            *sum += num_bytes;
            while *sum > MAX_BYTES && open.len() > 1 {
                let Some((oldest, num_bytes)) = open.pop_front() else { break };
                *sum -= num_bytes;
                closed.push(oldest);
            }
        }
        // One that is in use at this moment stays for that time.
        closed.iter().filter_map(Weak::upgrade).for_each(|slot| slot.close());
    }
}

fn short(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Slot {
    pub fn new(file: PathBuf, dataset: String) -> Arc<Self> {
        let state = AtomicU8::new(PieceState::Unseen as u8);
        Arc::new(Self { file, dataset, state, found: Mutex::default(), kept: Mutex::default() })
    }

    /// What is known of it.
    pub fn state(&self) -> PieceState {
        PieceState::ALL.get(usize::from(self.state.load(Ordering::Relaxed))).copied().unwrap_or(PieceState::Unseen)
    }

    /// Records that it is no better than `state`.
    pub fn worsen(&self, state: PieceState) {
        self.state.fetch_max(state as u8, Ordering::Relaxed);
    }

    /// The array, where it is open at this moment. Without IO; `None` too while it is being opened.
    pub fn opened(&self) -> Option<Arc<OpenArray>> {
        self.kept.try_lock()?.as_ref()?.as_ref().ok().cloned()
    }

    /// Whether something was read of it, or failed to be.
    pub fn is_seen(&self) -> bool {
        self.kept.lock().is_some()
    }

    /// Where its file was found, or should be. Without IO.
    pub fn place(&self, context: &Context) -> PathBuf {
        self.found.lock().clone().unwrap_or_else(|| context.search.expected(&self.file))
    }

    fn find(&self, context: &Context) -> Result<PathBuf, ReadError> {
        let found = context.search.find(&self.file)?.ok_or_else(|| context.search.absent(&self.file))?;
        *self.found.lock() = Some(found.clone());
        Ok(found)
    }

    /// When its file was last written.
    pub fn modified(&self, context: &Context) -> Option<SystemTime> {
        std::fs::metadata(self.find(context).ok()?).ok()?.modified().ok()
    }

    /// The file as it is now; `None` where there is none.
    pub fn stamp_now(&self, context: &Context) -> Option<Stamp> {
        std::fs::metadata(self.find(context).ok()?).ok().map(|metadata| Stamp::of(&metadata))
    }

    /// Looks whether the file is there, and remembers where it is not.
    pub fn look(&self, context: &Context) -> bool {
        let found = self.find(context);
        if let Err(error) = &found {
            self.note_failure(error);
            *self.kept.lock() = Some(Err(error.clone()));
        }
        found.is_ok()
    }

    fn note_failure(&self, error: &ReadError) {
        let is_gone = error.code == Some(ReadErrorCode::Gone);
        self.worsen(if is_gone { PieceState::Missing } else { PieceState::Damaged });
    }

    /// The array; found and opened now if need be.
    ///
    /// # Errors
    /// When nothing can be had of it. Remembered until [`Slot::forget`].
    pub fn open(self: &Arc<Self>, context: &Context) -> Result<Arc<OpenArray>, ReadError> {
        let (opened, num_bytes) = {
            let mut kept = self.kept.lock();
            if let Some(known) = &*kept {
                return known.clone();
            }
            let opened = self.open_now(context).map(Arc::new);
            match &opened {
                Ok(_) => {
                    self.state.store(PieceState::Whole as u8, Ordering::Relaxed);
                }
                Err(error) => self.note_failure(error),
            }
            *kept = Some(opened.clone());
            (opened.clone(), opened.as_ref().map_or(0, |open| open.num_bytes()))
        };
        if opened.is_ok() {
            context.note_open(self, num_bytes);
        }
        opened
    }

    /// The same of a file that has changed since.
    pub fn open_again(self: &Arc<Self>, context: &Context) -> Result<Arc<OpenArray>, ReadError> {
        *self.kept.lock() = None;
        self.open(context)
    }

    /// Forgets what was found, good or bad, so that the next read looks again.
    pub fn forget(&self) {
        *self.kept.lock() = None;
        self.state.store(PieceState::Unseen as u8, Ordering::Relaxed);
    }

    /// Forgets that it could not be had.
    pub fn forget_failure(&self) {
        if self.state().is_faulty() {
            self.forget();
        }
    }

    fn close(&self) {
        if let Some(mut kept) = self.kept.try_lock()
            && kept.as_ref().is_some_and(Result::is_ok)
        {
            *kept = None;
        }
    }

    fn open_now(&self, context: &Context) -> Result<OpenArray, ReadError> {
        let path: Arc<Path> = self.find(context)?.into();
        let failed = |error: FormatError| {
            // The library's words do not help where the system has some.
            let is_there = context.search.is_far() || open_shared(&path).is_ok();
            let kind = if is_there { ReadErrorKind::Corrupt } else { ReadErrorKind::Io };
            ReadError::new(kind, &path, error.message)
        };
        let stamp = std::fs::metadata(&path).ok().map(|metadata| Stamp::of(&metadata));
        let array = match H5Array::open(&path, &self.dataset) {
            Ok(array) => Array::Stored(Box::new(array.with_fill())),
            Err(error) => match VirtualLayout::read(&path, &self.dataset) {
                Ok(Some(layout)) => {
                    let inner = VirtualArray::open(&path, layout, &context.options, &context.chain).map_err(failed)?;
                    Array::Virtual(Box::new(inner))
                }
                _ => return Err(failed(error)),
            },
        };
        Ok(OpenArray { array, path, stamp })
    }
}

impl OpenArray {
    pub fn shape(&self) -> Shape {
        match &self.array {
            Array::Stored(array) => array.header().shape,
            Array::Virtual(array) => array.shape,
        }
    }

    pub fn dtype(&self) -> DType {
        match &self.array {
            Array::Stored(array) => array.header().dtype,
            Array::Virtual(array) => array.dtype(),
        }
    }

    /// The extent in which it is best read.
    pub fn parts(&self) -> Shape {
        match &self.array {
            Array::Stored(array) => array.parts(),
            Array::Virtual(array) => array.parts(),
        }
    }

    /// In words: "shuffle, deflate".
    pub fn filters_in_words(&self) -> String {
        match &self.array {
            Array::Stored(array) => array.header().filters_in_words(),
            Array::Virtual(_) => "in a virtual dataset".into(),
        }
    }

    /// Up to and with the last index along an axis at which all was written.
    pub fn written_len(&self, axis: usize) -> usize {
        match &self.array {
            Array::Stored(array) => array.written_len(axis),
            Array::Virtual(array) => array.shape.dims().get(axis).copied().unwrap_or(0),
        }
    }

    /// Whether its writer is done, as far as that can be told.
    pub fn is_closed(&self) -> bool {
        match &self.array {
            Array::Stored(array) => array.is_closed(),
            Array::Virtual(array) => array.is_still(),
        }
    }

    fn num_bytes(&self) -> usize {
        match &self.array {
            Array::Stored(array) => array.num_bytes(),
            Array::Virtual(array) => array.num_bytes(),
        }
    }

    /// Reads a region, in the array's own type.
    pub fn read(&self, region: &Region, buffer: &mut [u8], way: &Way<'_>) -> Result<Filled, ReadError> {
        match &self.array {
            Array::Stored(array) => way.read(array, region, buffer),
            Array::Virtual(array) => array.read(region, buffer, way),
        }
    }

    /// The most bytes that fetching a region brings; `None` where that is not known without looking.
    pub fn max_fetched_bytes(&self, region: &Region) -> Option<usize> {
        match &self.array {
            Array::Stored(array) => Some(array.fetching()?.max_fetched_bytes(&Chunk { index: 0, region: *region })),
            Array::Virtual(_) => None,
        }
    }
}
