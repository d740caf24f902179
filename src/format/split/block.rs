//! One block: its file, and what is remembered of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::identity::{Identity, identity_of};
use super::indexes::Indexes;
use crate::format::hdf5::{H5Array, Header, contents, open_shared};
use crate::format::{FormatError, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::PieceState;

/// A block whose chunk index is at hand. No file is open.
pub(super) struct OpenBlock {
    /// The array in it.
    pub array: H5Array,
    /// The file at the time of indexing.
    pub identity: Identity,
}

/// One block of a recording, shared by the versions of a growing source.
pub(super) struct Block {
    id: u64,
    /// The file.
    pub path: Arc<Path>,
    /// The number in its name.
    pub number: u64,
    /// Whether the listing had the file.
    pub is_present: bool,
    /// The file as it was when something was first read of it.
    identity: Mutex<Option<Identity>>,
    failure: Mutex<Option<ReadError>>,
    /// Held while one thread indexes, so that others wait instead of doing the same.
    indexing: Mutex<()>,
    state: AtomicU8,
    withheld: AtomicBool,
    /// Whether its file is structurally complete, once that is known.
    complete: AtomicBool,
}

impl Block {
    /// A block nothing is known of yet.
    pub fn new(path: &Path, number: u64, is_present: bool) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let path: Arc<Path> = path.into();
        let absent = || ReadError::new(ReadErrorKind::Missing, &path, "the block is missing");
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            number,
            is_present,
            identity: Mutex::new(None),
            failure: Mutex::new((!is_present).then(absent)),
            indexing: Mutex::new(()),
            state: AtomicU8::new(if is_present { PieceState::Unseen } else { PieceState::Missing } as u8),
            withheld: AtomicBool::new(false),
            complete: AtomicBool::new(false),
            path,
        }
    }

    /// Tells blocks of one process apart.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What is known of it.
    pub fn state(&self) -> PieceState {
        let state = self.state.load(Ordering::Relaxed);
        PieceState::ALL.get(usize::from(state)).copied().unwrap_or(PieceState::Unseen)
    }

    /// Records that it was looked into: sound, unless something else is known of it.
    fn set_opened(&self) {
        let (from, to) = (PieceState::Unseen as u8, PieceState::Whole as u8);
        let _known = self.state.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Records that it is no better than `state`.
    pub fn worsen(&self, state: PieceState) {
        self.state.fetch_max(state as u8, Ordering::Relaxed);
    }

    /// The file as it was when first read; `None` if nothing has been read of it.
    pub fn identity(&self) -> Option<Identity> {
        *self.identity.lock()
    }

    /// Records the file as it is, of which nothing has been read yet.
    pub fn remember(&self, file: Option<Identity>) {
        let mut identity = self.identity.lock();
        if identity.is_none() {
            *identity = file;
        }
    }

    /// Whether it does not open.
    pub fn has_failed(&self) -> bool {
        self.failure.lock().is_some()
    }

    /// Whether voxels were held back because they may not have been written yet.
    pub fn is_withheld(&self) -> bool {
        self.withheld.load(Ordering::Relaxed)
    }

    /// Records that voxels were held back.
    pub fn set_withheld(&self) {
        self.withheld.store(true, Ordering::Relaxed);
    }

    /// Records that nothing is held back any more.
    pub fn clear_withheld(&self) {
        self.withheld.store(false, Ordering::Relaxed);
    }

    /// Whether its file was found structurally complete.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// Records that its file was found whole without being indexed. False if it is not the file it was.
    pub fn set_whole(&self, file: Identity) -> bool {
        let mut identity = self.identity.lock();
        if identity.is_some_and(|known| known != file) {
            return false;
        }
        *identity = Some(file);
        drop(identity);
        self.set_opened();
        self.complete.store(true, Ordering::Relaxed);
        true
    }

    /// Records that something its writer adds is not there.
    pub fn set_incomplete(&self) {
        self.complete.store(false, Ordering::Relaxed);
    }

    /// Forgets what was found wrong with it, so that the next read tries again.
    pub fn forget_failure(&self) {
        if !self.is_present {
            return;
        }
        self.state.store(PieceState::Unseen as u8, Ordering::Relaxed);
        if self.failure.lock().take().is_some() {
            *self.identity.lock() = None;
        }
    }

    /// The error for a file that is no longer what it was.
    pub fn changed(&self) -> ReadError {
        ReadError::new(ReadErrorKind::NotYetWritten, &self.path, "the file has been written anew since it was opened")
    }

    /// The block's array, indexed now if need be.
    ///
    /// # Errors
    /// When nothing of the block can be had. Remembered, unless the file is being written.
    pub fn open(&self, key: &Key, indexes: &Indexes) -> Result<Arc<OpenBlock>, ReadError> {
        if let Some(open) = indexes.get(self.id) {
            self.set_opened();
            return Ok(open);
        }
        let _one = self.indexing.lock();
        if let Some(open) = indexes.get(self.id) {
            return Ok(open);
        }
        if let Some(error) = self.failure.lock().clone() {
            return Err(error);
        }
        let before = identity_of(&self.path).map_err(|error| self.io_error(&error))?;
        if self.identity().is_some_and(|known| known != before) {
            return Err(self.changed());
        }
        let opened = key.open(&self.path);
        let after = identity_of(&self.path).map_err(|error| self.io_error(&error))?;
        if before != after {
            return Err(self.changed());
        }
        *self.identity.lock() = Some(before);
        match opened {
            Ok(array) => {
                self.set_opened();
                self.complete.store(array.is_whole(), Ordering::Relaxed);
                if !array.is_whole() {
                    self.worsen(PieceState::Partial);
                }
                let open = Arc::new(OpenBlock { array, identity: before });
                indexes.insert(self.id, &open);
                Ok(open)
            }
            Err(failure) => {
                let error = self.explain(&before, failure);
                self.worsen(PieceState::Damaged);
                *self.failure.lock() = Some(error.clone());
                Err(error)
            }
        }
    }

    /// An error of the system as a read error. A file that has gone is remembered as missing by nobody:
    /// a disk that comes back brings it back.
    pub fn io_error(&self, error: &io::Error) -> ReadError {
        let (kind, message) = match error.kind() {
            io::ErrorKind::NotFound => {
                return ReadError::new(ReadErrorKind::Missing, &self.path, "the file is gone")
                    .with_code(ReadErrorCode::Gone);
            }
            io::ErrorKind::PermissionDenied => (ReadErrorKind::Io, "no permission to read it".to_owned()),
            _ => (ReadErrorKind::Io, error.to_string()),
        };
        ReadError::new(kind, &self.path, message)
    }

    /// Says in the system's words why a file does not open where the library's words do not help.
    fn explain(&self, identity: &Identity, failure: KeyError) -> ReadError {
        let (kind, message) = match failure {
            _ if identity.num_bytes == 0 => {
                let error = ReadError::new(ReadErrorKind::Corrupt, &self.path, "the file is empty");
                return error.with_code(ReadErrorCode::Empty);
            }
            KeyError::Absent(message) => (ReadErrorKind::Unsupported, message),
            KeyError::File(error) => match open_shared(&self.path) {
                Err(error) => return self.io_error(&error),
                Ok(_) => (ReadErrorKind::Corrupt, error.message),
            },
        };
        ReadError::new(kind, &self.path, message)
    }
}

/// Which array of a block is the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The likeliest one: for the first block looked at.
    Any,
    /// The one of this name or, if that contains "stack", any that does.
    Named(String),
}

/// Why a block gives no array.
pub(super) enum KeyError {
    /// The file does not open.
    File(FormatError),
    /// It opens, and what is looked for is not in it.
    Absent(String),
}

/// The array of a file that is meant by a block: by its name first, then by its rank: "stack_4D", "stack", whatever
/// contains "stack", any image.
pub(super) fn image_of(headers: &[Header], wants_stack: bool) -> Option<usize> {
    let rank_of = |i: &usize| {
        let (name, rank) = (name_of(&headers[*i]), headers[*i].shape.rank());
        (name != format!("stack_{rank}D"), name != "stack", !name.contains("stack"), usize::MAX - rank)
    };
    (0..headers.len())
        .filter(|&i| headers[i].shape.rank() >= 2 && !name_of(&headers[i]).starts_with("stack_metadata/"))
        .filter(|&i| !wants_stack || name_of(&headers[i]).contains("stack"))
        .min_by_key(rank_of)
}

fn name_of(header: &Header) -> &str {
    header.name.trim_start_matches('/')
}

impl Key {
    fn open(&self, path: &Path) -> Result<H5Array, KeyError> {
        if let Self::Named(name) = self
            && let Ok(array) = H5Array::open(path, name)
        {
            return Ok(array);
        }
        let contents = contents(path).map_err(KeyError::File)?;
        let headers = &contents.arrays;
        let wants_stack = matches!(self, Self::Named(name) if name.contains("stack"));
        let Some(best) = image_of(headers, wants_stack) else {
            let names: Vec<&str> = headers.iter().map(name_of).collect();
            let is_wanted = |name: &str| match self {
                Self::Named(wanted) => name == wanted || wants_stack && name.contains("stack"),
                Self::Any => !name.starts_with("stack_metadata/"),
            };
            let unread = contents.unread.iter().filter(|unread| is_wanted(&unread.name));
            if let Some(unread) = unread.min_by_key(|unread| !unread.name.contains("stack")) {
                return Err(KeyError::Absent(format!("{}: {}", unread.name, unread.why)));
            }
            let found = if names.is_empty() { "no array at all".to_owned() } else { names.join(", ") };
            let wanted = match self {
                Self::Named(name) if !wants_stack => name.as_str(),
                _ => "stack",
            };
            return Err(KeyError::Absent(format!("no array named {wanted} in it (found: {found})")));
        };
        H5Array::open(path, &headers[best].name).map_err(KeyError::File)
    }
}
