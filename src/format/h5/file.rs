//! Files opened so that their writer never notices, and the stamp that tells one state from another.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::format::{ReadError, ReadErrorKind};

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

/// Fills `buffer` from `offset`, without moving a file position.
///
/// # Errors
/// When the file ends before, or the system refuses.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileExt;
        file.read_exact_at(buffer, offset)
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::FileExt;
        let (mut buffer, mut offset) = (buffer, offset);
        while !buffer.is_empty() {
            match file.seek_read(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    buffer = &mut buffer[len..];
                    offset += len as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A failed opening or read as an error of the chunk.
pub fn read_error(path: &Arc<Path>, error: &io::Error) -> ReadError {
    let (kind, message) = describe(error);
    ReadError::new(kind, path, message)
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
