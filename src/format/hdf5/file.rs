//! Files opened so that their writer never notices, and the stamp that tells one state from another.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::afar::{FarFile, file_at};
use crate::format::{ReadError, ReadErrorCode, ReadErrorKind};

/// What must be the same for an index to be still true of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Length in bytes.
    pub num_bytes: u64,
    /// Time of the last change of content.
    pub modified: Option<SystemTime>,
    /// Device and inode, or what the system has in their place.
    pub identity: [u64; 2],
}

impl Stamp {
    /// The stamp of what `metadata` describes.
    pub fn of(metadata: &Metadata) -> Self {
        Self { num_bytes: metadata.len(), modified: metadata.modified().ok(), identity: identity(metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> [u64; 2] {
    use std::os::unix::fs::MetadataExt;
    [metadata.dev(), metadata.ino()]
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> [u64; 2] {
    let created = metadata.created().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    created.map_or([0, 0], |time| [time.as_secs(), u64::from(time.subsec_nanos())])
}

/// Opens a file to read it. It can be written, renamed and deleted meanwhile.
pub fn open_shared(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE
        options.share_mode(1 | 2 | 4);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe named like a block must not hang the reader.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    Ok(file)
}

/// Whatever has the bytes of a file by their place in it.
pub trait ReadAt {
    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// When not all of it is there.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        read_at(self, buffer, offset)
    }
}

/// An open file, of this machine or behind a URL.
#[derive(Clone)]
pub enum Bytes {
    Near(Arc<File>),
    Far(Arc<FarFile>),
}

impl Bytes {
    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// When the file ends before, or whoever keeps it refuses.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Near(file) => read_at(file, buffer, offset),
            Self::Far(file) => file.read(buffer, offset).map_err(io::Error::other),
        }
    }

    /// Its state now; of a file behind a URL that in which it was met, which no answer of another is mixed with.
    pub fn stamp(&self) -> io::Result<Stamp> {
        match self {
            Self::Near(file) => file.metadata().map(|metadata| Stamp::of(&metadata)),
            Self::Far(file) => Ok(file.stamp()),
        }
    }
}

/// A file that looks like HDF5, open, with what its first bytes say.
pub struct Hdf5File {
    pub path: PathBuf,
    pub bytes: Bytes,
    pub stamp: Stamp,
    /// Where its superblock says that it ends.
    pub end_bytes: u64,
    /// Whether its superblock says that somebody has it open to write; older ones do not say.
    pub is_being_written: Option<bool>,
    /// It is being written for readers, who have to say that they know.
    pub is_for_readers: bool,
    pub numbers: Numbers,
}

/// How places and lengths are written in a file.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Where its superblock lies, behind a user block: addresses are counted from there.
    pub base: u64,
    /// Bytes that an address takes.
    pub address_bytes: usize,
    /// Bytes that a length takes.
    pub length_bytes: usize,
}

impl Hdf5File {
    /// Opens a file and refuses, in words a user understands, what the library must not see: what is no
    /// HDF5 file, and what claims a length that is not believed, as libhdf5 takes memory by such claims.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| describe(&error).1;
        let bytes = match file_at(path) {
            Some(file) => Bytes::Far(file),
            None => Bytes::Near(Arc::new(open_shared(path).map_err(failed)?)),
        };
        let stamp = bytes.stamp().map_err(failed)?;
        if stamp.num_bytes == 0 {
            return Err("the file is empty (0 bytes): not written yet, or its writer was stopped".into());
        }
        let head = superblock(&|buffer, at| bytes.read_at(buffer, at), stamp.num_bytes).map_err(failed)?;
        let (base, head) = head.ok_or("is not an HDF5 file, or its beginning is damaged")?;
        let end_bytes = end_of_file(&head).unwrap_or(stamp.num_bytes);
        const WRITING: u8 = 1;
        const FOR_READERS: u8 = 4;
        let flags = (head[8] == 3).then_some(head[11]);
        let is_being_written = flags.map(|flags| flags & WRITING != 0);
        let is_for_readers = flags.is_some_and(|flags| flags & FOR_READERS != 0);
        if end_bytes > stamp.num_bytes.saturating_mul(4).saturating_add(MAX_CUT_BYTES) {
            return Err("cannot be read as HDF5: its beginning is damaged, or almost all of it is cut off".into());
        }
        let sizes = if head[8] < 2 { &head[13..15] } else { &head[9..11] };
        let numbers = Numbers { base, address_bytes: sizes[0].into(), length_bytes: sizes[1].into() };
        let path = path.to_owned();
        Ok(Self { path, bytes, stamp, end_bytes, is_being_written, is_for_readers, numbers })
    }

    /// Whether it is shorter than it says: what lies behind its end reads as zeros.
    pub fn is_cut(&self) -> bool {
        self.end_bytes > self.stamp.num_bytes
    }
}

/// Most bytes that a cut-off file may lack, beside three times what is left of it.
const MAX_CUT_BYTES: u64 = 512 << 20;

/// Whether a file of so many bytes holds HDF5: at its beginning, or behind a user block.
///
/// # Errors
/// When the system refuses to read it.
pub fn has_signature(file: &File, num_bytes: u64) -> io::Result<bool> {
    superblock(&|buffer, at| read_at(file, buffer, at), num_bytes).map(|head| head.is_some())
}

/// Where the superblock lies, and its beginning, with zeros behind the end of the file; `None` if there is none.
fn superblock(
    read_at: &dyn Fn(&mut [u8], u64) -> io::Result<()>,
    num_bytes: u64,
) -> io::Result<Option<(u64, [u8; 64])>> {
    const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
    let mut offset = 0u64;
    while offset + 8 <= num_bytes {
        let mut head = [0; 64];
        let len = (num_bytes - offset).min(64) as usize;
        match read_at(&mut head[..len], offset) {
            Ok(()) => {}
            // Cut off at this moment.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        if head[..8] == SIGNATURE {
            return Ok(Some((offset, head)));
        }
        // The signature may lie behind a user block of 512 bytes or any power of two beyond.
        offset = if offset == 0 { 512 } else { offset * 2 };
    }
    Ok(None)
}

/// Where a superblock says that the file ends. `None` for versions that are not known: the library judges them.
fn end_of_file(head: &[u8; 64]) -> Option<u64> {
    // Where the address lies, and the size of addresses.
    let (at, size) = match head[8] {
        0 => (40, head[13]),
        1 => (44, head[13]),
        2 | 3 => (28, head[9]),
        _ => return None,
    };
    let mut address = [0; 8];
    address.copy_from_slice(&head[at..at + 8]);
    (size == 8).then_some(u64::from_le_bytes(address))
}

/// Fills `buffer` from `offset`, without moving a file position.
///
/// # Errors
/// When the file ends before, or the system refuses.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    match read_as_far_as_it_goes(file, buffer, offset)? {
        len if len == buffer.len() => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The same of a file that may end before: how many bytes there were.
///
/// # Errors
/// When the system refuses.
pub fn read_as_far_as_it_goes(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        let at = offset.checked_add(len as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        match read_some(file, &mut buffer[len..], at) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// A failed opening or read as an error of the chunk.
pub fn read_error(path: &Arc<Path>, error: &io::Error) -> ReadError {
    let (kind, message) = describe(error);
    let failure = ReadError::new(kind, path, message);
    match error.kind() {
        io::ErrorKind::NotFound => failure.with_code(ReadErrorCode::Gone),
        _ => failure,
    }
}

/// What kind of failure an error of the system is, and its words.
pub fn describe(error: &io::Error) -> (ReadErrorKind, String) {
    match error.kind() {
        io::ErrorKind::NotFound => (ReadErrorKind::Missing, "the file is gone".into()),
        io::ErrorKind::PermissionDenied => (ReadErrorKind::Io, "no permission to read the file".into()),
        io::ErrorKind::UnexpectedEof => (ReadErrorKind::Corrupt, "the file ends before these data".into()),
        io::ErrorKind::IsADirectory => (ReadErrorKind::Io, "is a folder, not a file".into()),
        _ => (ReadErrorKind::Io, format!("cannot be read: {error}")),
    }
}
